/* uint8 convolution of a row of output pixels by 3 filter columns with stride 1; see slim_slide_u8_task. Included by
 * `isa/ISA.c`; only AVX-512 VNNI has it.
 *
 * With 16 or 32 output channels a tile of gemm_u8 waits for loads: it broadcasts four bytes of a pixel for one or two dot
 * products. Here neighbouring output pixels share them: what is broadcast meets the weights of all three columns. */
#ifdef SLIM_SLIDES

/* Output pixels `first` to first + tile, vectors `vector` to vector + nv. */
SLIM_TILE void SLIM_NAME(slim_slide_u8_tile)(const slim_slide_u8_task *task, size_t first, size_t vector, const int tile,
                                             const int nv)
{
    const size_t steps = slim_ceil_div(task->k, 4) * (4 * SLIM_PANEL), panel = 3 * task->kernel_h * steps;
    const size_t last = SLIM_MIN(task->n - (vector + (size_t)nv - 1) * SLIM_LANES, (size_t)SLIM_LANES);
    const int8_t *weights = task->weights + vector * panel;
    const int32_t *table = task->channels + vector * (3 * SLIM_PANEL);
    const SLIM_BYTES bytes = SLIM_BYTES_OF(task->lo, task->hi, task->zero_point);
    const size_t stride = task->out_stride;   /* bytes that are written could alias it */
    uint8_t *out = task->out + first * stride + vector * SLIM_LANES;
    __m512i acc[16][2];
    __m512 multiplier[2];
    int i, v, kx;
    SLIM_UNROLL
    for (v = 0; v < nv; v++) {
        const __m512i bias = SLIM_VI_LOAD(table + v * (3 * SLIM_PANEL));
        multiplier[v] = SLIM_VF_LOAD_BITS(table + v * (3 * SLIM_PANEL) + 2 * SLIM_PANEL);
        SLIM_UNROLL
        for (i = 0; i < tile; i++)
            acc[i][v] = bias;
    }
    SLIM_ROLL
    for (size_t ky = 0; ky < task->kernel_h; ky++) {
        const uint8_t *const *pixels = task->pixels + ky * (task->width + 2) + first;
        SLIM_ROLL
        for (size_t k = 0; k < task->k; k += 4, weights += 4 * SLIM_PANEL) {
            __m512i w[3][2];
            SLIM_UNROLL
            for (v = 0; v < nv; v++) {
                SLIM_UNROLL
                for (kx = 0; kx < 3; kx++)
                    w[kx][v] = SLIM_DOT_LOAD_W(weights + (size_t)v * panel + (size_t)kx * steps);
            }
            SLIM_UNROLL
            for (i = 0; i < tile + 2; i++) {
                const __m512i four = SLIM_DOT_LOAD_X(pixels[i] + k);
                SLIM_UNROLL
                for (v = 0; v < nv; v++) {
                    SLIM_UNROLL
                    for (kx = 0; kx < 3; kx++)
                        if (i >= kx && i - kx < tile)
                            acc[i - kx][v] = SLIM_DOT(four, w[kx][v], acc[i - kx][v]);
                }
            }
        }
        weights += 2 * steps;
    }
    SLIM_UNROLL
    for (i = 0; i < tile; i += 4 / nv) {
        __m512 x[4];
        SLIM_UNROLL
        for (v = 0; v < 4; v++)
            x[v] = _mm512_mul_ps(_mm512_cvtepi32_ps(acc[i + v / nv][v % nv]), multiplier[v % nv]);
        SLIM_BYTES_STORE_ROWS(out + (size_t)i * stride, stride, x, nv, last, bytes);
    }
}

/* The last tile ends with the row, and computes some pixels of the one before again. */
#define SLIM_SLIDE_U8_ROW(nv, tile) \
    SLIM_STEP void SLIM_NAME(slim_slide_u8_##nv)(const slim_slide_u8_task *task, size_t vector) \
    { \
        for (size_t x = 0; x < task->width; x += tile) \
            SLIM_NAME(slim_slide_u8_tile)(task, SLIM_MIN(x, task->width - tile), vector, tile, nv); \
    }
SLIM_SLIDE_U8_ROW(1, 16)
SLIM_SLIDE_U8_ROW(2, 8)
#undef SLIM_SLIDE_U8_ROW

SLIM_STEP void SLIM_NAME(slim_slide_u8)(const slim_slide_u8_task *task)
{
    const size_t vectors = slim_ceil_div(task->n, SLIM_LANES);
    size_t vector = 0;
    for (; vector + 2 <= vectors; vector += 2)
        SLIM_NAME(slim_slide_u8_2)(task, vector);
    if (vector < vectors)
        SLIM_NAME(slim_slide_u8_1)(task, vector);
}
#endif
