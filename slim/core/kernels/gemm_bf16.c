/* bf16 matrix product with fp32 sums over rows of pointers; see slim_gemm_bf16_task. Included by `isa/ISA.c`; only sets with
 * an instruction for it have the kernel, and only processors that have the instruction may call it (slim_has_bf16).
 *
 * The tiles are those of gemm_f32: an input is a pair of values that follow each other, and so is a weight. */
#ifdef SLIM_BF16_DOT
#define SLIM_GEMM_BF16_AHEAD ((size_t)32 << 10)   /* weights of the next panels are fetched while these are in use, pairs */

SLIM_TILE void SLIM_NAME(slim_gemm_bf16_tile)(const slim_gemm_bf16_task *task, size_t row, size_t vector, const int mr,
                                              const int nv)
{
    const size_t taps = task->taps, pairs = task->pairs, panel = taps * pairs * SLIM_PANEL;
    const uint16_t *const *rows = task->rows + row * taps;
    const size_t channel = vector * SLIM_LANES;
    const size_t last = SLIM_MIN(task->n - channel - (size_t)(nv - 1) * SLIM_LANES, (size_t)SLIM_LANES);   /* lanes */
    const int32_t *weights = task->weights + vector / SLIM_VECTORS * panel + vector % SLIM_VECTORS * SLIM_LANES;
    const float *residual = task->residual ? task->residual + row * task->residual_stride + channel : NULL;
    const SLIM_VF lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi);
    float *out = task->out + row * task->out_stride + channel;
    SLIM_VF acc[16][8];
    size_t tap, j;
    int i, v;
    SLIM_UNROLL
    for (v = 0; v < nv; v++) {
        const SLIM_VF bias = SLIM_VF_LOAD(task->bias + channel + v * SLIM_LANES);
        SLIM_UNROLL
        for (i = 0; i < mr; i++)
            acc[i][v] = bias;
    }
    for (tap = 0; tap < taps; tap++) {
        const uint16_t *x[16];
        SLIM_UNROLL
        for (i = 0; i < mr; i++)
            x[i] = rows[(size_t)i * taps + tap];
        SLIM_ROLL
        for (j = 0; j < pairs; j++) {
            SLIM_VI w[8];
            SLIM_UNROLL
            for (v = 0; v < nv; v++) {
                const int32_t *at = weights + (size_t)(v / SLIM_VECTORS) * panel + v % SLIM_VECTORS * SLIM_LANES;
                w[v] = SLIM_VI_LOAD(at);
                if (mr > 1 && v % SLIM_VECTORS == 0)   /* the panels that come next, as in gemm_f32 */
                    __builtin_prefetch(at + SLIM_MIN((size_t)slim_ceil_div(nv, SLIM_VECTORS) * panel, SLIM_GEMM_BF16_AHEAD), 0, 2);
            }
            weights += SLIM_PANEL;
            SLIM_UNROLL
            for (i = 0; i < mr; i++) {
                const SLIM_VI splat = SLIM_BF16_SPLAT(x[i] + 2 * j);
                SLIM_UNROLL
                for (v = 0; v < nv; v++)
                    acc[i][v] = SLIM_BF16_DOT(splat, w[v], acc[i][v]);
            }
        }
    }
    SLIM_UNROLL
    for (i = 0; i < mr; i++) {
        SLIM_UNROLL
        for (v = 0; v < nv; v++) {
            const size_t lanes = v == nv - 1 ? last : SLIM_LANES;
            if (residual)
                acc[i][v] = SLIM_VF_ADD(acc[i][v], SLIM_VF_LOAD_PART(residual + v * SLIM_LANES, lanes));
            acc[i][v] = SLIM_VF_MIN(SLIM_VF_MAX(acc[i][v], lo), hi);
            SLIM_VF_STORE_PART(out + v * SLIM_LANES, lanes, acc[i][v]);
        }
        if (residual)
            residual += task->residual_stride;
        out += task->out_stride;
    }
}

/* nv vectors of channels, all rows: tiles of `a` rows or one more, then of `b`, then single ones. */
#define SLIM_GEMM_BF16_GROUP(nv, a, b) \
    SLIM_STEP void SLIM_NAME(slim_gemm_bf16_##nv)(const slim_gemm_bf16_task *task, size_t vector) \
    { \
        size_t row = 0; \
        const size_t rows = a > 1 ? SLIM_NAME(slim_gemm_f32_rows)(task->m, a, a + 1) : 0; \
        for (; row + a <= rows; row += a) \
            SLIM_NAME(slim_gemm_bf16_tile)(task, row, vector, a, nv); \
        for (; a > 1 && row + a + 1 <= task->m; row += a + 1) \
            SLIM_NAME(slim_gemm_bf16_tile)(task, row, vector, a + 1, nv); \
        for (; b > 1 && row + b <= task->m; row += b) \
            SLIM_NAME(slim_gemm_bf16_tile)(task, row, vector, b, nv); \
        for (; row < task->m; row++) \
            SLIM_NAME(slim_gemm_bf16_tile)(task, row, vector, 1, nv); \
    }
SLIM_GEMM_BF16_TILES(SLIM_GEMM_BF16_GROUP)
#undef SLIM_GEMM_BF16_GROUP

#define SLIM_GEMM_BF16_CASE(nv, a, b) case nv: SLIM_NAME(slim_gemm_bf16_##nv)(task, vector); break;
SLIM_STEP void SLIM_NAME(slim_gemm_bf16)(const slim_gemm_bf16_task *task)
{
    const size_t vectors = slim_ceil_div(task->n, SLIM_LANES);
    size_t vector = 0;
    while (vector < vectors) {
        const size_t width = SLIM_GEMM_BF16_WIDTH(vectors - vector, task->m);
        switch (width) { SLIM_GEMM_BF16_TILES(SLIM_GEMM_BF16_CASE) }
        vector += width;
    }
}
#undef SLIM_GEMM_BF16_CASE
#undef SLIM_GEMM_BF16_AHEAD

SLIM_STEP void SLIM_NAME(slim_round_bf16)(const slim_round_bf16_task *task)
{
    const float *from = task->from;
    uint16_t *to = task->to;
    for (size_t pixel = 0; pixel < task->pixels; pixel++) {
        SLIM_ROLL
        for (size_t i = 0; i < task->k; i += 2 * SLIM_LANES) {
            const size_t first = SLIM_MIN(task->k - i, (size_t)SLIM_LANES);
            const size_t second = SLIM_MIN(task->k - i - first, (size_t)SLIM_LANES);
            const SLIM_VF low = SLIM_VF_LOAD_PART(from + i, first);
            SLIM_VF high = SLIM_VF_SPLAT(0);
            if (second)
                high = SLIM_VF_LOAD_PART(from + i + SLIM_LANES, second);
            SLIM_VI_STORE(to + i, SLIM_BF16_ROUND(low, high));
        }
        from += task->k;
        to += task->to_stride;
    }
}
#endif
