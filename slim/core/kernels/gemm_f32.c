/* fp32 matrix product over rows of pointers; see slim_gemm_f32_task. Included by `isa/ISA.c`, once an instruction set.
 *
 * A tile of a few rows by a few vectors of output channels stays in registers while k runs. One group of channels goes over
 * all rows before the next, so that its weights are read once from far memory. */

#define SLIM_PREFETCH(p) __builtin_prefetch((p), 0, 2)   /* into the second-level cache */
#define SLIM_GEMM_F32_AHEAD ((size_t)32 << 10)   /* weights of the next panels are fetched while these are in use, floats; */
#define SLIM_GEMM_F32_NEAR ((size_t)1 << 10)     /* where they are more than that, only those that come soon */

/* 24 and 40 channels are half a vector less than 2 and 3: where a half takes half the time there are tiles for it. */
#if defined(SLIM_VF_FMA_HALF)
#define SLIM_GEMM_F32_HALF(nv) ((nv) == 2 || (nv) == 3)
#else
#define SLIM_GEMM_F32_HALF(nv) 0
#define SLIM_VF_FMA_HALF(x, w, a) (a)
#endif

/* Rows `row` to row + mr, vectors `vector` to vector + nv. `half`: only the lower half of the last vector is there. */
SLIM_TILE void SLIM_NAME(slim_gemm_f32_tile)(const slim_gemm_f32_task *task, size_t row, size_t vector, const int mr,
                                             const int nv, const int half)
{
    const size_t taps = task->taps, k = task->k, panel_stride = taps * k * SLIM_PANEL;
    const float *const *rows = task->rows + row * taps;
    const size_t channel = vector * SLIM_LANES;
    const size_t group = ((size_t)(nv - 1) / SLIM_VECTORS + 1) * panel_stride;   /* floats to the panels that come next */
    const size_t ahead = group <= SLIM_GEMM_F32_AHEAD ? group : SLIM_GEMM_F32_NEAR;
    const size_t last = SLIM_MIN(task->n - channel - (size_t)(nv - 1) * SLIM_LANES, (size_t)SLIM_LANES);   /* lanes */
    const float *weights[4];    /* of each panel */
    float *out = task->out + row * task->out_stride + channel;
    SLIM_VF lo, hi, acc[16][8];
    size_t tap, j;
    int i, v;
    SLIM_UNROLL
    for (v = 0; v < nv; v += SLIM_VECTORS)
        weights[v / SLIM_VECTORS] = task->weights + (vector / SLIM_VECTORS + (size_t)(v / SLIM_VECTORS)) * panel_stride
            + vector % SLIM_VECTORS * SLIM_LANES;
    SLIM_UNROLL
    for (v = 0; v < nv; v++) {
        SLIM_VF bias = SLIM_VF_LOAD(task->bias + channel + v * SLIM_LANES);
        SLIM_UNROLL
        for (i = 0; i < mr; i++)
            acc[i][v] = bias;
    }
    if (task->residual) {
        const float *residual = task->residual + row * task->residual_stride + channel;
        SLIM_UNROLL
        for (i = 0; i < mr; i++) {
            SLIM_UNROLL
            for (v = 0; v < nv - 1; v++)
                acc[i][v] = SLIM_VF_ADD(acc[i][v], SLIM_VF_LOAD(residual + v * SLIM_LANES));
            acc[i][v] = SLIM_VF_ADD(acc[i][v], SLIM_VF_LOAD_PART(residual + v * SLIM_LANES, last));
            residual += task->residual_stride;
        }
    }
    for (tap = 0; tap < taps; tap++) {
        const float *x[16];
        SLIM_UNROLL
        for (i = 0; i < mr; i++)
            x[i] = rows[(size_t)i * taps + tap];
        for (j = 0; j < k; j++) {
            SLIM_VF w[8];
            SLIM_UNROLL
            for (v = 0; v < nv; v++)
                w[v] = SLIM_VF_LOAD(weights[v / SLIM_VECTORS] + v % SLIM_VECTORS * SLIM_LANES);
            SLIM_UNROLL
            for (v = 0; v < nv; v += SLIM_VECTORS) {
                SLIM_PREFETCH(weights[v / SLIM_VECTORS] + ahead);
                weights[v / SLIM_VECTORS] += SLIM_PANEL;
            }
            SLIM_UNROLL
            for (i = 0; i < mr; i++) {
                SLIM_VF splat = SLIM_VF_SPLAT(x[i][j]);
                SLIM_UNROLL
                for (v = 0; v < nv; v++)
                    acc[i][v] = half && v == nv - 1 ? SLIM_VF_FMA_HALF(splat, w[v], acc[i][v])
                        : SLIM_VF_FMA(splat, w[v], acc[i][v]);
            }
        }
    }
    lo = SLIM_VF_SPLAT(task->lo);
    hi = SLIM_VF_SPLAT(task->hi);
    SLIM_UNROLL
    for (i = 0; i < mr; i++) {
        SLIM_UNROLL
        for (v = 0; v < nv; v++)
            acc[i][v] = SLIM_VF_MIN(SLIM_VF_MAX(acc[i][v], lo), hi);
    }
    SLIM_UNROLL
    for (i = 0; i < mr; i++) {
        SLIM_UNROLL
        for (v = 0; v < nv - 1; v++)
            SLIM_VF_STORE(out + v * SLIM_LANES, acc[i][v]);
        SLIM_VF_STORE_PART(out + v * SLIM_LANES, last, acc[i][v]);
        out += task->out_stride;
    }
}

/* nv vectors of channels, all rows: tiles of `a` rows, then of `b`, then of `c`. */
#define SLIM_GEMM_F32_GROUP(nv, a, b, c) \
    SLIM_STEP void SLIM_NAME(slim_gemm_f32_##nv##x##a)(const slim_gemm_f32_task *task, size_t row, size_t vector) \
    { \
        SLIM_NAME(slim_gemm_f32_tile)(task, row, vector, a, nv, 0); \
    } \
    SLIM_STEP void SLIM_NAME(slim_gemm_f32_##nv##x##a##_half)(const slim_gemm_f32_task *task, size_t row, size_t vector) \
    { \
        SLIM_NAME(slim_gemm_f32_tile)(task, row, vector, a, nv, 1); \
    } \
    SLIM_STEP void SLIM_NAME(slim_gemm_f32_##nv##_left)(const slim_gemm_f32_task *task, size_t row, size_t vector) \
    { \
        for (; b > c && row + b <= task->m; row += b) \
            SLIM_NAME(slim_gemm_f32_tile)(task, row, vector, b, nv, 0); \
        for (; a > c && row + c <= task->m; row += c) \
            SLIM_NAME(slim_gemm_f32_tile)(task, row, vector, c, nv, 0); \
    } \
    SLIM_STEP void SLIM_NAME(slim_gemm_f32_##nv)(const slim_gemm_f32_task *task, size_t vector) \
    { \
        const int half = SLIM_GEMM_F32_HALF(nv) && task->n <= (vector + nv) * SLIM_LANES - SLIM_LANES / 2; \
        size_t row; \
        for (row = 0; row + a <= task->m; row += a) \
            if (half) \
                SLIM_NAME(slim_gemm_f32_##nv##x##a##_half)(task, row, vector); \
            else \
                SLIM_NAME(slim_gemm_f32_##nv##x##a)(task, row, vector); \
        SLIM_NAME(slim_gemm_f32_##nv##_left)(task, row, vector); \
    }
SLIM_GEMM_F32_TILES(SLIM_GEMM_F32_GROUP)
#undef SLIM_GEMM_F32_GROUP

#define SLIM_GEMM_F32_CASE(nv, a, b, c) case nv: SLIM_NAME(slim_gemm_f32_##nv)(task, vector); break;
SLIM_STEP void SLIM_NAME(slim_gemm_f32)(const slim_gemm_f32_task *task)
{
    size_t vectors = slim_ceil_div(task->n, SLIM_LANES), vector = 0;
    while (vector < vectors) {
        size_t width = SLIM_GEMM_F32_WIDTH(vectors - vector, task->taps * task->k, task->m);
        switch (width) { SLIM_GEMM_F32_TILES(SLIM_GEMM_F32_CASE) }
        vector += width;
    }
}
#undef SLIM_GEMM_F32_CASE
#undef SLIM_GEMM_F32_HALF
#undef SLIM_VF_FMA_HALF
#undef SLIM_PREFETCH
#undef SLIM_GEMM_F32_AHEAD
#undef SLIM_GEMM_F32_NEAR
