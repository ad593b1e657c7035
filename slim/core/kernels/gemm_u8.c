/* uint8 x int8 matrix product with requantization; see slim_gemm_u8_task. Included by `isa/ISA.c`. The tiles are as in
 * gemm_f32.c, with four steps of k in each 32-bit lane. */

/* Requantize a tile's sums and store them. acc: [mr][nv] vectors. */
SLIM_TILE void SLIM_NAME(slim_gemm_u8_finish)(const slim_gemm_u8_task *task, const int32_t *acc, size_t row, size_t vector,
                                              const int mr, const int nv)
{
    const size_t channel = vector * SLIM_LANES;
    const size_t last = SLIM_MIN(task->n - channel - (size_t)(nv - 1) * SLIM_LANES, (size_t)SLIM_LANES);   /* lanes */
    const SLIM_VF lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi);
    const SLIM_VI zero_point = SLIM_VI_SPLAT(task->zero_point);
    size_t at = row * task->out_stride + channel;
    SLIM_VF multiplier[8], x[8];
    int i, v;
    SLIM_UNROLL
    for (v = 0; v < nv; v++) {
        size_t o = channel + (size_t)v * SLIM_LANES;
        multiplier[v] = SLIM_VF_LOAD_BITS(task->channels + o / SLIM_PANEL * (3 * SLIM_PANEL) + 2 * SLIM_PANEL + o % SLIM_PANEL);
    }
    for (i = 0; i < mr; i++, at += task->out_stride, acc += nv * SLIM_LANES) {
        SLIM_UNROLL
        for (v = 0; v < nv; v++) {
            x[v] = SLIM_VF_MUL(SLIM_VI_TO_VF(SLIM_VI_LOAD(acc + v * SLIM_LANES)), multiplier[v]);
            x[v] = SLIM_VF_MIN(SLIM_VF_MAX(x[v], lo), hi);
        }
        if (task->float_output) {
            float *out = (float *)task->out + at;
            SLIM_UNROLL
            for (v = 0; v < nv - 1; v++)
                SLIM_VF_STORE(out + v * SLIM_LANES, x[v]);
            SLIM_VF_STORE_PART(out + v * SLIM_LANES, last, x[v]);
        } else {
            uint8_t *out = (uint8_t *)task->out + at;
            SLIM_VI y[8];
            SLIM_UNROLL
            for (v = 0; v < nv; v++)
                y[v] = SLIM_VI_ADD(SLIM_VF_ROUND(x[v]), zero_point);
            SLIM_UNROLL
            for (v = 0; v < nv - 1; v++)
                SLIM_VI_STORE_U8(out + v * SLIM_LANES, y[v]);
            SLIM_VI_STORE_U8_PART(out + v * SLIM_LANES, last, y[v]);
        }
    }
}

/* Rows `row` to row + mr, vectors `vector` to vector + nv. */
SLIM_TILE void SLIM_NAME(slim_gemm_u8_tile)(const slim_gemm_u8_task *task, size_t row, size_t vector, const int mr,
                                            const int nv)
{
    const size_t taps = task->taps, k = task->k, panel_stride = taps * slim_ceil_div(k, 4) * (4 * SLIM_PANEL);
    const uint8_t *const *rows = task->rows + row * taps;
    const int8_t *weights[4];    /* of each panel */
    int32_t sums[16 * 8 * SLIM_LANES] __attribute__((aligned(64)));
    SLIM_DOT_ACC acc[16][8];
    size_t tap, j;
    int i, v;
    SLIM_UNROLL
    for (v = 0; v < nv; v += SLIM_VECTORS)
        weights[v / SLIM_VECTORS] = task->weights + (vector / SLIM_VECTORS + (size_t)(v / SLIM_VECTORS)) * panel_stride
            + vector % SLIM_VECTORS * (4 * SLIM_LANES);
    SLIM_UNROLL
    for (v = 0; v < nv; v++) {
        const int32_t *table = task->channels + (vector + (size_t)v) / SLIM_VECTORS * (3 * SLIM_PANEL)
            + (vector + (size_t)v) % SLIM_VECTORS * SLIM_LANES;
        SLIM_VI bias = SLIM_VI_LOAD(table);
#if SLIM_DOT_SIGNED
        bias = SLIM_VI_ADD(bias, SLIM_VI_LOAD(table + SLIM_PANEL));
#endif
        SLIM_UNROLL
        for (i = 0; i < mr; i++)
            acc[i][v] = SLIM_DOT_START(bias);
    }
    for (tap = 0; tap < taps; tap++) {
        const uint8_t *x[16];
        SLIM_UNROLL
        for (i = 0; i < mr; i++)
            x[i] = rows[(size_t)i * taps + tap];
        for (j = 0; j < k; j += 4) {
            SLIM_DOT_W w[8];
            SLIM_UNROLL
            for (v = 0; v < nv; v++)
                w[v] = SLIM_DOT_LOAD_W(weights[v / SLIM_VECTORS] + v % SLIM_VECTORS * (4 * SLIM_LANES));
            SLIM_UNROLL
            for (v = 0; v < nv; v += SLIM_VECTORS)
                weights[v / SLIM_VECTORS] += 4 * SLIM_PANEL;
            SLIM_UNROLL
            for (i = 0; i < mr; i++) {
                SLIM_DOT_X four = SLIM_DOT_LOAD_X(x[i] + j);
                SLIM_UNROLL
                for (v = 0; v < nv; v++)
                    acc[i][v] = SLIM_DOT(four, w[v], acc[i][v]);
            }
        }
    }
    SLIM_UNROLL
    for (i = 0; i < mr; i++) {
        SLIM_UNROLL
        for (v = 0; v < nv; v++)
            SLIM_VI_STORE(sums + (i * nv + v) * SLIM_LANES, SLIM_DOT_SUM(acc[i][v]));
    }
    SLIM_NAME(slim_gemm_u8_finish)(task, sums, row, vector, mr, nv);
}

/* nv vectors of channels, all rows: tiles of `a` rows, then of `b`, then of `c`. */
#define SLIM_GEMM_U8_GROUP(nv, a, b, c) \
    SLIM_STEP void SLIM_NAME(slim_gemm_u8_##nv##x##a)(const slim_gemm_u8_task *task, size_t row, size_t vector) \
    { \
        SLIM_NAME(slim_gemm_u8_tile)(task, row, vector, a, nv); \
    } \
    SLIM_STEP void SLIM_NAME(slim_gemm_u8_##nv##_left)(const slim_gemm_u8_task *task, size_t row, size_t vector) \
    { \
        for (; b > c && row + b <= task->m; row += b) \
            SLIM_NAME(slim_gemm_u8_tile)(task, row, vector, b, nv); \
        for (; a > c && row + c <= task->m; row += c) \
            SLIM_NAME(slim_gemm_u8_tile)(task, row, vector, c, nv); \
    } \
    SLIM_STEP void SLIM_NAME(slim_gemm_u8_##nv)(const slim_gemm_u8_task *task, size_t vector) \
    { \
        size_t row; \
        for (row = 0; row + a <= task->m; row += a) \
            SLIM_NAME(slim_gemm_u8_##nv##x##a)(task, row, vector); \
        SLIM_NAME(slim_gemm_u8_##nv##_left)(task, row, vector); \
    }
SLIM_GEMM_U8_TILES(SLIM_GEMM_U8_GROUP)
#undef SLIM_GEMM_U8_GROUP

#define SLIM_GEMM_U8_CASE(nv, a, b, c) case nv: SLIM_NAME(slim_gemm_u8_##nv)(task, vector); break;
SLIM_STEP void SLIM_NAME(slim_gemm_u8)(const slim_gemm_u8_task *task)
{
    size_t vectors = slim_ceil_div(task->n, SLIM_LANES), vector = 0;
    while (vector < vectors) {
        size_t width = SLIM_GEMM_U8_WIDTH(vectors - vector, task->taps * task->k, task->m);
        switch (width) { SLIM_GEMM_U8_TILES(SLIM_GEMM_U8_CASE) }
        vector += width;
    }
}
#undef SLIM_GEMM_U8_CASE
