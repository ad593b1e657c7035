/* The largest value or the scaled sum under windows in a row, channel by channel; see slim_pool_f32_task. Included by
 * `isa/ISA.c`. (Sharing columns among windows pays for sums with stride 1 alone: the rest waits for memory.) */

/* `rows` pixels from p on: a column of a window. */
SLIM_TILE void SLIM_NAME(slim_pool_f32_column)(const slim_pool_f32_task *task, const float *p, size_t lanes, SLIM_VF *acc,
                                               const int nv, const int sums)
{
    SLIM_ROLL
    for (size_t row = 0; row < task->rows; row++, p += task->row_step) {
        SLIM_UNROLL
        for (int v = 0; v < nv; v++) {
            SLIM_VF x = SLIM_VF_LOAD_PART(p + v * SLIM_LANES, lanes);
            acc[v] = sums ? SLIM_VF_ADD(acc[v], x) : SLIM_VF_MAX(x, acc[v]);
        }
    }
}

/* nv vectors of channels from `c` on, of which the last has `lanes`. */
SLIM_TILE void SLIM_NAME(slim_pool_f32_any)(const slim_pool_f32_task *task, size_t c, size_t lanes, const int nv, const int sums)
{
    const SLIM_VF start = SLIM_VF_SPLAT(sums ? 0.0f : -__builtin_inff()), scale = SLIM_VF_SPLAT(task->scale);
    const float *in = task->in + c;
    float *out = task->out + c;
    SLIM_ROLL
    for (size_t i = 0; i < task->count; i++, in += task->step, out += task->out_step) {
        SLIM_VF acc[4];
        int v;
        SLIM_UNROLL
        for (v = 0; v < nv; v++)
            acc[v] = start;
        SLIM_ROLL
        for (size_t x = 0; x < task->columns; x++)
            SLIM_NAME(slim_pool_f32_column)(task, in + x * task->column_step, lanes, acc, nv, sums);
        SLIM_UNROLL
        for (v = 0; v < nv; v++)
            SLIM_VF_STORE_PART(out + v * SLIM_LANES, lanes, sums ? SLIM_VF_MUL(acc[v], scale) : acc[v]);
    }
}

#if SLIM_HAS_POOL_THREE
/* Sums under windows of three columns, each a column on: four vectors of channels from `c` on. Each column is summed once. */
SLIM_TILE void SLIM_NAME(slim_pool_f32_three)(const slim_pool_f32_task *task, size_t c)
{
    const SLIM_VF zero = SLIM_VF_SPLAT(0.0f), scale = SLIM_VF_SPLAT(task->scale);
    const float *in = task->in + c;
    float *out = task->out + c;
    SLIM_VF left[4], middle[4], right[4];
    int v;
    SLIM_UNROLL
    for (v = 0; v < 4; v++)
        middle[v] = right[v] = zero;
    SLIM_ROLL
    for (size_t x = 0; x < task->count + 2; x++, in += task->step) {
        SLIM_UNROLL
        for (v = 0; v < 4; v++) {
            left[v] = middle[v];
            middle[v] = right[v];
            right[v] = zero;
        }
        SLIM_NAME(slim_pool_f32_column)(task, in, SLIM_LANES, right, 4, 1);
        if (x < 2)
            continue;
        SLIM_UNROLL
        for (v = 0; v < 4; v++)
            SLIM_VF_STORE(out + v * SLIM_LANES, SLIM_VF_MUL(SLIM_VF_ADD(SLIM_VF_ADD(left[v], middle[v]), right[v]), scale));
        out += task->out_step;
    }
}
#endif

SLIM_TILE void SLIM_NAME(slim_pool_f32_all)(const slim_pool_f32_task *task, const int sums)
{
    size_t c = 0;
    SLIM_ROLL
    for (; c + 4 * SLIM_LANES <= task->n; c += 4 * SLIM_LANES) {
#if SLIM_HAS_POOL_THREE
        if (sums && task->columns == 3 && task->count > 1 && task->step == task->column_step) {
            SLIM_NAME(slim_pool_f32_three)(task, c);
            continue;
        }
#endif
        SLIM_NAME(slim_pool_f32_any)(task, c, SLIM_LANES, 4, sums);
    }
    SLIM_ROLL
    for (; c < task->n; c += SLIM_LANES)
        SLIM_NAME(slim_pool_f32_any)(task, c, SLIM_MIN(task->n - c, (size_t)SLIM_LANES), 1, sums);
}

SLIM_STEP void SLIM_NAME(slim_pool_f32)(const slim_pool_f32_task *task)
{
#if SLIM_HAS_POOL_LARGEST
    if (!task->sums) {
        SLIM_NAME(slim_pool_f32_all)(task, 0);
        return;
    }
#endif
    SLIM_NAME(slim_pool_f32_all)(task, 1);
}
