/* fp32 matrix product whose left side lies by columns; see slim_columns_f32_task. Included by `isa/ISA.c`.
 *
 * A tile of neighbouring rows (output pixels) by one or two vectors of output channels stays in registers while k runs. The
 * last tile reaches back over rows that are done already. */
#if defined(__aarch64__)
#define SLIM_COLUMNS_TWO 12   /* rows of a tile of two vectors */
#define SLIM_COLUMNS_ONE 16
#else
#define SLIM_COLUMNS_TWO (SLIM_LANES == 16 ? 14 : 6)
#define SLIM_COLUMNS_ONE (SLIM_LANES == 16 ? 16 : 8)
#endif

/* Rows `row` to row + mr, nv vectors of channels from `channel` on. */
SLIM_TILE void SLIM_NAME(slim_columns_f32_tile)(const slim_columns_f32_task *task, size_t row, size_t channel, const int mr,
                                                const int nv)
{
    const size_t panel_stride = task->k * SLIM_PANEL;
    const size_t last = SLIM_MIN(task->n - channel - (size_t)(nv - 1) * SLIM_LANES, (size_t)SLIM_LANES);   /* lanes */
    const float *weights[2];
    float *out = task->out + row * task->out_stride + channel;
    SLIM_VF acc[SLIM_COLUMNS_ONE][2], lo, hi;
    int i, v;
    SLIM_UNROLL
    for (v = 0; v < nv; v++) {
        const size_t c = channel + (size_t)v * SLIM_LANES;
        weights[v] = task->weights + c / SLIM_PANEL * panel_stride + c % SLIM_PANEL;
        SLIM_UNROLL
        for (i = 0; i < mr; i++) {
            if (c % SLIM_PANEL == 0)
                __builtin_prefetch(out + (size_t)i * task->out_stride + v * SLIM_LANES, 1);   /* there when k is done */
            acc[i][v] = SLIM_VF_LOAD(task->bias + c);
        }
    }
    SLIM_ROLL
    for (size_t k = 0; k < task->k; k++) {
        const float *x = task->columns[k] + row;
        SLIM_VF w[2];
        __asm__("" : "+r"(x));   /* one address register: gcc would keep an index for each row */
        SLIM_UNROLL
        for (v = 0; v < nv; v++)
            w[v] = SLIM_VF_LOAD(weights[v] + k * SLIM_PANEL);
        SLIM_UNROLL
        for (i = 0; i < mr; i++) {
            SLIM_VF splat = SLIM_VF_SPLAT(x[i]);
            SLIM_UNROLL
            for (v = 0; v < nv; v++)
                acc[i][v] = SLIM_VF_FMA(splat, w[v], acc[i][v]);
        }
    }
    lo = SLIM_VF_SPLAT(task->lo);
    hi = SLIM_VF_SPLAT(task->hi);
    SLIM_UNROLL
    for (i = 0; i < mr; i++) {
        SLIM_UNROLL
        for (v = 0; v < nv - 1; v++)
            SLIM_VF_STORE(out + v * SLIM_LANES, SLIM_VF_MIN(SLIM_VF_MAX(acc[i][v], lo), hi));
        SLIM_VF_STORE_PART(out + v * SLIM_LANES, last, SLIM_VF_MIN(SLIM_VF_MAX(acc[i][v], lo), hi));
        out += task->out_stride;
    }
}

/* Functions of their own, so that nothing but a tile takes registers. */
SLIM_STEP void SLIM_NAME(slim_columns_f32_two)(const slim_columns_f32_task *task, size_t row, size_t channel)
{
    SLIM_NAME(slim_columns_f32_tile)(task, row, channel, SLIM_COLUMNS_TWO, 2);
}

SLIM_STEP void SLIM_NAME(slim_columns_f32_one)(const slim_columns_f32_task *task, size_t row, size_t channel)
{
    SLIM_NAME(slim_columns_f32_tile)(task, row, channel, SLIM_COLUMNS_ONE, 1);
}

SLIM_STEP void SLIM_NAME(slim_columns_f32_single)(const slim_columns_f32_task *task, size_t row, size_t channel)
{
    SLIM_NAME(slim_columns_f32_tile)(task, row, channel, 1, 1);
}

SLIM_STEP void SLIM_NAME(slim_columns_f32)(const slim_columns_f32_task *task)
{
    size_t channel = 0, row;
    SLIM_ROLL
    while (channel < task->n) {
        const int two = !SLIM_SMALL && channel + SLIM_LANES < task->n && task->m >= SLIM_COLUMNS_TWO;
        const size_t rows = two ? SLIM_COLUMNS_TWO : task->m >= SLIM_COLUMNS_ONE ? SLIM_COLUMNS_ONE : 1;
        SLIM_ROLL
        for (row = 0; row < task->m; row += rows) {
            row = SLIM_MIN(row, task->m - rows);
            if (two)
                SLIM_NAME(slim_columns_f32_two)(task, row, channel);
            else if (rows > 1)
                SLIM_NAME(slim_columns_f32_one)(task, row, channel);
            else
                SLIM_NAME(slim_columns_f32_single)(task, row, channel);
        }
        channel += two ? 2 * SLIM_LANES : SLIM_LANES;
    }
}
#undef SLIM_COLUMNS_ONE
#undef SLIM_COLUMNS_TWO
