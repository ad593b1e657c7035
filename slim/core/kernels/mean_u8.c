/* The mean of the bytes under a window; see slim_mean_u8_task. Included by `isa/ISA.c`. */

/* The sums of nv vectors of channels of all pixels, requantized. */
SLIM_TILE void SLIM_NAME(slim_mean_u8_some)(const slim_mean_u8_task *task, size_t at, const SLIM_BYTES *bytes, const int nv)
{
    const SLIM_VF scale = SLIM_VF_SPLAT(task->scale);
    SLIM_VI sums[4];
    SLIM_VF x[4];
    int v;
    SLIM_UNROLL
    for (v = 0; v < nv; v++)
        sums[v] = SLIM_VI_SPLAT(-task->zeros);
    for (size_t r = 0; r < task->rows; r++) {
        const uint8_t *p = task->in + r * task->row_step + at;
        for (size_t c = 0; c < task->columns; c++, p += task->column_step) {
            SLIM_UNROLL
            for (v = 0; v < nv; v++)
                sums[v] = SLIM_VI_ADD(sums[v], SLIM_VI_LOAD_U8(p + v * SLIM_LANES));
        }
    }
    SLIM_UNROLL
    for (v = 0; v < nv; v++)
        x[v] = SLIM_VF_MUL(SLIM_VI_TO_VF(sums[v]), scale);
    SLIM_BYTES_STORE(task->out + at, x, nv, SLIM_LANES, *bytes);
}

/* The last channels, fewer than a vector. */
SLIM_STEP void SLIM_NAME(slim_mean_u8_end)(const slim_mean_u8_task *task, size_t at, const SLIM_BYTES *bytes)
{
    const size_t lanes = task->n - at;
    int32_t sums[SLIM_LANES] = {0};
    for (size_t i = 0; i < lanes; i++) {
        sums[i] = -task->zeros;
        for (size_t r = 0; r < task->rows; r++)
            for (size_t c = 0; c < task->columns; c++)
                sums[i] += task->in[r * task->row_step + c * task->column_step + at + i];
    }
    const SLIM_VF x = SLIM_VF_MUL(SLIM_VI_TO_VF(SLIM_VI_LOAD(sums)), SLIM_VF_SPLAT(task->scale));
    SLIM_BYTES_STORE(task->out + at, &x, 1, lanes, *bytes);
}

SLIM_STEP void SLIM_NAME(slim_mean_u8)(const slim_mean_u8_task *shared)
{
    const slim_mean_u8_task task = *shared;   /* bytes that are written could alias it */
    const SLIM_BYTES bytes = SLIM_BYTES_OF(task.lo, task.hi, task.zero_point);
    size_t at = 0;
    for (; !SLIM_SMALL && at + 4 * SLIM_LANES <= task.n; at += 4 * SLIM_LANES)
        SLIM_NAME(slim_mean_u8_some)(&task, at, &bytes, 4);
    for (; at + SLIM_LANES <= task.n; at += SLIM_LANES)
        SLIM_NAME(slim_mean_u8_some)(&task, at, &bytes, 1);
    if (at < task.n)
        SLIM_NAME(slim_mean_u8_end)(&task, at, &bytes);
}
