/* Winograd's transforms for 3x3 convolutions, a vector of channels at a time. Included by `isa/ISA.c`.
 *
 * F(4,3) interpolates at 0, 1, -1, 2, -2 and infinity; the matrices are factored by hand into sums and differences, and their
 * rows are scaled so that those of filters need the fewest multiplications: the outputs' make up for it. Values stay in
 * registers between the transform of columns and that of rows: stores are what these kernels wait for. */

#if SLIM_LANES == 16
#define SLIM_WINOGRAD_ROWS SLIM_UNROLL   /* 32 registers: none is stored between */
#else
#define SLIM_WINOGRAD_ROWS SLIM_ROLL
#endif

/* G g: three values to six, `step` apart. */
SLIM_TILE void SLIM_NAME(slim_winograd_filter)(SLIM_VF a, SLIM_VF b, SLIM_VF c, SLIM_VF *u, const int step)
{
    SLIM_VF even = SLIM_VF_ADD(a, c), even2 = SLIM_VF_FMA(c, SLIM_VF_SPLAT(4.0f), a);
    u[0] = a;
    u[step] = SLIM_VF_ADD(even, b);
    u[2 * step] = SLIM_VF_SUB(even, b);
    u[3 * step] = SLIM_VF_FMA(b, SLIM_VF_SPLAT(2.0f), even2);
    u[4 * step] = SLIM_VF_FMA(b, SLIM_VF_SPLAT(-2.0f), even2);
    u[5 * step] = c;
}

SLIM_STEP void SLIM_NAME(slim_winograd_weights_f32)(const slim_winograd_f32_weights *task)
{
    const size_t tap = task->tap_stride, plane = task->plane_stride, end = task->channels * SLIM_PANEL;
    size_t at;
    SLIM_ROLL
    for (at = 0; at < end; at += SLIM_LANES) {
        const float *g = task->weights + at;
        float *to = task->planes + at;
        SLIM_VF columns[6][3];
        int i, j;
        SLIM_UNROLL
        for (j = 0; j < 3; j++, g += tap)
            SLIM_NAME(slim_winograd_filter)(SLIM_VF_LOAD(g), SLIM_VF_LOAD(g + 3 * tap), SLIM_VF_LOAD(g + 6 * tap),
                                            &columns[0][j], 3);
        SLIM_WINOGRAD_ROWS
        for (i = 0; i < 6; i++) {
            SLIM_VF row[6];
            SLIM_NAME(slim_winograd_filter)(columns[i][0], columns[i][1], columns[i][2], row, 1);
            SLIM_UNROLL
            for (j = 0; j < 6; j++, to += plane)
                SLIM_VF_STORE(to, row[j]);
        }
    }
}

/* Six values of a row times B, to six planes. */
SLIM_TILE void SLIM_NAME(slim_winograd_in)(const SLIM_VF *d, float *to, size_t plane)
{
    const SLIM_VF minus = SLIM_VF_SPLAT(-1.0f), four = SLIM_VF_SPLAT(4.0f);
    const SLIM_VF minus_four = SLIM_VF_SPLAT(-4.0f), minus_five = SLIM_VF_SPLAT(-5.0f);
    SLIM_VF a = SLIM_VF_FMA(d[2], minus_four, d[4]), b = SLIM_VF_FMA(d[1], minus_four, d[3]);
    SLIM_VF c = SLIM_VF_FMA(d[2], minus, d[4]), e = SLIM_VF_FMA(d[1], minus, d[3]);
    SLIM_VF_STORE(to, SLIM_VF_FMA(d[0], four, SLIM_VF_FMA(d[2], minus_five, d[4])));
    SLIM_VF_STORE(to + plane, SLIM_VF_ADD(a, b));
    SLIM_VF_STORE(to + 2 * plane, SLIM_VF_FMA(b, minus, a));
    SLIM_VF_STORE(to + 3 * plane, SLIM_VF_FMA(e, SLIM_VF_SPLAT(2.0f), c));
    SLIM_VF_STORE(to + 4 * plane, SLIM_VF_FMA(e, SLIM_VF_SPLAT(-2.0f), c));
    SLIM_VF_STORE(to + 5 * plane, SLIM_VF_FMA(d[1], four, SLIM_VF_FMA(d[3], minus_five, d[5])));
}

SLIM_STEP void SLIM_NAME(slim_winograd_input_f32)(const slim_winograd_f32_input *task)
{
    const SLIM_VF minus = SLIM_VF_SPLAT(-1.0f), four = SLIM_VF_SPLAT(4.0f);
    const SLIM_VF minus_four = SLIM_VF_SPLAT(-4.0f), minus_five = SLIM_VF_SPLAT(-5.0f);
    const size_t end = slim_ceil_div(task->channels, SLIM_PANEL) * SLIM_PANEL, plane = task->plane_stride;
    size_t c;
    SLIM_ROLL
    for (c = 0; c < end; c += SLIM_LANES) {
        float *to = task->planes + c;
        SLIM_VF row[6], other[6];
        int j;
#define SLIM_PIXEL(i) SLIM_VF_LOAD(task->pixels[6 * (i) + j] + c)
        SLIM_UNROLL
        for (j = 0; j < 6; j++)
            row[j] = SLIM_VF_FMA(SLIM_PIXEL(0), four, SLIM_VF_FMA(SLIM_PIXEL(2), minus_five, SLIM_PIXEL(4)));
        SLIM_NAME(slim_winograd_in)(row, to, plane);
        SLIM_UNROLL
        for (j = 0; j < 6; j++) {
            SLIM_VF a = SLIM_VF_FMA(SLIM_PIXEL(2), minus_four, SLIM_PIXEL(4));
            SLIM_VF b = SLIM_VF_FMA(SLIM_PIXEL(1), minus_four, SLIM_PIXEL(3));
            row[j] = SLIM_VF_ADD(a, b);
            other[j] = SLIM_VF_FMA(b, minus, a);
        }
        SLIM_NAME(slim_winograd_in)(row, to + 6 * plane, plane);
        SLIM_NAME(slim_winograd_in)(other, to + 12 * plane, plane);
        SLIM_UNROLL
        for (j = 0; j < 6; j++) {
            SLIM_VF a = SLIM_VF_FMA(SLIM_PIXEL(2), minus, SLIM_PIXEL(4));
            SLIM_VF b = SLIM_VF_FMA(SLIM_PIXEL(1), minus, SLIM_PIXEL(3));
            row[j] = SLIM_VF_FMA(b, SLIM_VF_SPLAT(2.0f), a);
            other[j] = SLIM_VF_FMA(b, SLIM_VF_SPLAT(-2.0f), a);
        }
        SLIM_NAME(slim_winograd_in)(row, to + 18 * plane, plane);
        SLIM_NAME(slim_winograd_in)(other, to + 24 * plane, plane);
        SLIM_UNROLL
        for (j = 0; j < 6; j++)
            row[j] = SLIM_VF_FMA(SLIM_PIXEL(1), four, SLIM_VF_FMA(SLIM_PIXEL(3), minus_five, SLIM_PIXEL(5)));
        SLIM_NAME(slim_winograd_in)(row, to + 30 * plane, plane);
#undef SLIM_PIXEL
    }
}

#if SLIM_LANES == 16
#define SLIM_WINOGRAD_TILES(X) X(2, 8) X(1, 8)   /* vectors of outputs; rows, each a tile of the image */
#elif SLIM_LANES == 8
#define SLIM_WINOGRAD_TILES(X) X(2, 6)
#elif defined(__aarch64__)
#define SLIM_WINOGRAD_TILES(X) X(4, 6)
#else
#define SLIM_WINOGRAD_TILES(X) X(2, 4)
#endif

SLIM_TILE void SLIM_NAME(slim_winograd_product)(const slim_winograd_f32_product *task, size_t row, size_t vector, const int mr,
                                                const int nv)
{
    const float *x[8], *weights[2];
    float *out = task->out + row * task->out_stride + vector * SLIM_LANES;
    SLIM_VF acc[8][4], w[4];
    size_t k;
    int i, v;
    SLIM_UNROLL
    for (v = 0; v < nv; v += SLIM_VECTORS)
        weights[v / SLIM_VECTORS] = task->weights + (vector / SLIM_VECTORS + (size_t)(v / SLIM_VECTORS)) * task->k * SLIM_PANEL
            + vector % SLIM_VECTORS * SLIM_LANES;
    SLIM_UNROLL
    for (i = 0; i < mr; i++) {
        x[i] = task->in + (row + (size_t)i) * task->in_stride;
        SLIM_UNROLL
        for (v = 0; v < nv; v++)
            acc[i][v] = task->add ? SLIM_VF_LOAD(out + (size_t)i * task->out_stride + v * SLIM_LANES) : SLIM_VF_SPLAT(0.0f);
    }
    for (k = 0; k < task->k; k++) {
        SLIM_UNROLL
        for (v = 0; v < nv; v++)
            w[v] = SLIM_VF_LOAD(weights[v / SLIM_VECTORS] + v % SLIM_VECTORS * SLIM_LANES);
        SLIM_UNROLL
        for (v = 0; v < nv; v += SLIM_VECTORS)
            weights[v / SLIM_VECTORS] += SLIM_PANEL;
        SLIM_UNROLL
        for (i = 0; i < mr; i++) {
            SLIM_VF splat = SLIM_VF_SPLAT(x[i][k]);
            SLIM_UNROLL
            for (v = 0; v < nv; v++)
                acc[i][v] = SLIM_VF_FMA(splat, w[v], acc[i][v]);
        }
    }
    SLIM_UNROLL
    for (i = 0; i < mr; i++) {
        SLIM_UNROLL
        for (v = 0; v < nv; v++)
            SLIM_VF_STORE(out + (size_t)i * task->out_stride + v * SLIM_LANES, acc[i][v]);
    }
}

#define SLIM_WINOGRAD_GROUP(nv, rows) \
    SLIM_STEP void SLIM_NAME(slim_winograd_product_##nv)(const slim_winograd_f32_product *task, size_t vector) \
    { \
        size_t row = 0; \
        SLIM_ROLL \
        for (; row + rows <= task->m; row += rows) \
            SLIM_NAME(slim_winograd_product)(task, row, vector, rows, nv); \
        for (; rows > 4 && row + 4 <= task->m; row += 4) \
            SLIM_NAME(slim_winograd_product)(task, row, vector, 4, nv); \
        SLIM_ROLL \
        for (; row < task->m; row++) \
            SLIM_NAME(slim_winograd_product)(task, row, vector, 1, nv); \
    }
SLIM_WINOGRAD_TILES(SLIM_WINOGRAD_GROUP)

#define SLIM_WINOGRAD_CASE(nv, rows) \
    for (; vector + nv <= vectors; vector += nv) \
        SLIM_NAME(slim_winograd_product_##nv)(task, vector);
SLIM_STEP void SLIM_NAME(slim_winograd_product_f32)(const slim_winograd_f32_product *task)
{
    const size_t vectors = task->panels * SLIM_VECTORS;
    size_t vector = 0;
    SLIM_WINOGRAD_TILES(SLIM_WINOGRAD_CASE)
}
#undef SLIM_WINOGRAD_TILES
#undef SLIM_WINOGRAD_GROUP
#undef SLIM_WINOGRAD_CASE

#if SLIM_LANES == 16
/* Where tiles are few, transforming a filter takes as long as multiplying it, mostly for storing it. Here the products of a row
 * of points, six by four tiles, are in registers, and the filters' taps become values of that row on the way: the first
 * transform is made again for each of its rows, with additions, which have units of their own beside those that multiply. */
#define SLIM_FEW_IN (6 * SLIM_WINOGRAD_FEW * SLIM_WINOGRAD_FEW_CHANNELS)
#define SLIM_FEW_OUT (6 * SLIM_WINOGRAD_FEW * SLIM_PANEL)

/* A column of a filter at a point: its first value at 0, which is the last one at infinity. */
SLIM_TILE SLIM_VF SLIM_NAME(slim_few_column)(const float *g, size_t tap, const int point)
{
    SLIM_VF even = SLIM_VF_LOAD(g), odd;
    if (point == 0)
        return even;
    odd = SLIM_VF_LOAD(g + 3 * tap);
    if (point == 1 || point == -1) {
        even = SLIM_VF_ADD(even, SLIM_VF_LOAD(g + 6 * tap));
    } else {
        even = SLIM_VF_FMA(SLIM_VF_LOAD(g + 6 * tap), SLIM_VF_SPLAT(4.0f), even);
        odd = SLIM_VF_ADD(odd, odd);
    }
    return point > 0 ? SLIM_VF_ADD(even, odd) : SLIM_VF_SUB(even, odd);
}

SLIM_TILE void SLIM_NAME(slim_few_products)(const float *in, SLIM_VF value, SLIM_VF *products)
{
    SLIM_UNROLL
    for (int t = 0; t < SLIM_WINOGRAD_FEW; t++)
        products[t] = SLIM_VF_FMA(SLIM_VF_SPLAT(in[t * SLIM_WINOGRAD_FEW_CHANNELS]), value, products[t]);
}

SLIM_TILE void SLIM_NAME(slim_few_row)(const float *g, size_t tap, const float *in, float *out, size_t k, int add, const int point)
{
    const size_t plane = SLIM_WINOGRAD_FEW * SLIM_WINOGRAD_FEW_CHANNELS;
    SLIM_VF sums[6][SLIM_WINOGRAD_FEW];
    int j, t;
    SLIM_UNROLL
    for (j = 0; j < 6; j++) {
        SLIM_UNROLL
        for (t = 0; t < SLIM_WINOGRAD_FEW; t++)
            sums[j][t] = add ? SLIM_VF_LOAD(out + (j * SLIM_WINOGRAD_FEW + t) * SLIM_PANEL) : SLIM_VF_SPLAT(0.0f);
    }
    SLIM_ROLL
    for (; k > 0; k--, g += SLIM_PANEL, in++) {
        const SLIM_VF a = SLIM_NAME(slim_few_column)(g, tap, point), b = SLIM_NAME(slim_few_column)(g + tap, tap, point);
        const SLIM_VF c = SLIM_NAME(slim_few_column)(g + 2 * tap, tap, point), b2 = SLIM_VF_ADD(b, b);
        const SLIM_VF even = SLIM_VF_ADD(a, c), even2 = SLIM_VF_FMA(c, SLIM_VF_SPLAT(4.0f), a);
        SLIM_NAME(slim_few_products)(in, a, sums[0]);
        SLIM_NAME(slim_few_products)(in + 5 * plane, c, sums[5]);
        SLIM_NAME(slim_few_products)(in + plane, SLIM_VF_ADD(even, b), sums[1]);
        SLIM_NAME(slim_few_products)(in + 2 * plane, SLIM_VF_SUB(even, b), sums[2]);
        SLIM_NAME(slim_few_products)(in + 3 * plane, SLIM_VF_ADD(even2, b2), sums[3]);
        SLIM_NAME(slim_few_products)(in + 4 * plane, SLIM_VF_SUB(even2, b2), sums[4]);
    }
    SLIM_UNROLL
    for (j = 0; j < 6; j++) {
        SLIM_UNROLL
        for (t = 0; t < SLIM_WINOGRAD_FEW; t++)
            SLIM_VF_STORE(out + (j * SLIM_WINOGRAD_FEW + t) * SLIM_PANEL, sums[j][t]);
    }
}

#define SLIM_FEW_ROW(name, point) \
    SLIM_STEP void SLIM_NAME(slim_few_##name)(const float *g, size_t tap, const float *in, float *out, size_t k, int add) \
    { \
        SLIM_NAME(slim_few_row)(g, tap, in, out, k, add, point); \
    }
SLIM_FEW_ROW(end, 0)
SLIM_FEW_ROW(one, 1)
SLIM_FEW_ROW(minus_one, -1)
SLIM_FEW_ROW(two, 2)
SLIM_FEW_ROW(minus_two, -2)
#undef SLIM_FEW_ROW

SLIM_STEP void SLIM_NAME(slim_winograd_few_f32)(const slim_winograd_f32_few *task)
{
    const size_t tap = task->k * SLIM_PANEL;
    const float *in = task->in, *g = task->weights;
    float *out = task->out;
    size_t k;
    SLIM_ROLL
    for (size_t from = 0; from < task->k; from += k, in += 6 * SLIM_FEW_IN, g += k * SLIM_PANEL) {
        k = SLIM_MIN(task->k - from, (size_t)SLIM_WINOGRAD_FEW_CHANNELS);
        SLIM_NAME(slim_few_end)(g, tap, in, out, k, from > 0);
        SLIM_NAME(slim_few_one)(g, tap, in + SLIM_FEW_IN, out + SLIM_FEW_OUT, k, from > 0);
        SLIM_NAME(slim_few_minus_one)(g, tap, in + 2 * SLIM_FEW_IN, out + 2 * SLIM_FEW_OUT, k, from > 0);
        SLIM_NAME(slim_few_two)(g, tap, in + 3 * SLIM_FEW_IN, out + 3 * SLIM_FEW_OUT, k, from > 0);
        SLIM_NAME(slim_few_minus_two)(g, tap, in + 4 * SLIM_FEW_IN, out + 4 * SLIM_FEW_OUT, k, from > 0);
        SLIM_NAME(slim_few_end)(g + 6 * tap, tap, in + 5 * SLIM_FEW_IN, out + 5 * SLIM_FEW_OUT, k, from > 0);
    }
}
#undef SLIM_FEW_IN
#undef SLIM_FEW_OUT
#endif

/* 24 A^T m: six values to four, `step` apart. */
SLIM_TILE void SLIM_NAME(slim_winograd_out)(const SLIM_VF *m, SLIM_VF *o, const int step)
{
    const SLIM_VF minus_four = SLIM_VF_SPLAT(-4.0f), six = SLIM_VF_SPLAT(6.0f);
    SLIM_VF sum = SLIM_VF_ADD(m[1], m[2]), difference = SLIM_VF_SUB(m[1], m[2]);
    SLIM_VF sum2 = SLIM_VF_ADD(m[3], m[4]), difference2 = SLIM_VF_SUB(m[3], m[4]);
    SLIM_VF even = SLIM_VF_FMA(sum, minus_four, sum2);
    o[0] = SLIM_VF_FMA(m[0], six, even);
    o[step] = SLIM_VF_FMA(difference, minus_four, SLIM_VF_ADD(difference2, difference2));
    o[2 * step] = SLIM_VF_FMA(sum2, SLIM_VF_SPLAT(3.0f), even);
    o[3 * step] = SLIM_VF_FMA(difference2, six, SLIM_VF_FMA(m[5], SLIM_VF_SPLAT(24.0f), o[step]));
}

SLIM_STEP void SLIM_NAME(slim_winograd_output_f32)(const slim_winograd_f32_output *task)
{
    const SLIM_VF lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi);
    size_t c;
    SLIM_ROLL
    for (c = 0; c < task->n; c += SLIM_LANES) {
        const size_t lanes = SLIM_MIN(task->n - c, (size_t)SLIM_LANES);
        const float *from = task->planes + c;
        const SLIM_VF bias = SLIM_VF_LOAD(task->bias + c);
        SLIM_VF block[4][6];
        int i, j;
        SLIM_UNROLL
        for (j = 0; j < 6; j++, from += task->plane_stride) {
            SLIM_VF column[6];
            SLIM_UNROLL
            for (i = 0; i < 6; i++)
                column[i] = SLIM_VF_LOAD(from + (size_t)i * 6 * task->plane_stride);
            SLIM_NAME(slim_winograd_out)(column, &block[0][j], 6);
        }
        SLIM_WINOGRAD_ROWS
        for (i = 0; i < 4; i++) {
            float *out = task->out + (size_t)i * task->out_row + c;
            const float *residual = task->residual ? task->residual + (size_t)i * task->residual_row + c : NULL;
            SLIM_VF y[4];
            if (i >= task->rows)
                continue;
            SLIM_NAME(slim_winograd_out)(block[i], y, 1);
            SLIM_UNROLL
            for (j = 0; j < 4; j++) {
                if (j >= task->columns)
                    continue;
                y[j] = SLIM_VF_FMA(y[j], SLIM_VF_SPLAT(1.0f / 576), bias);
                if (residual)
                    y[j] = SLIM_VF_ADD(y[j], SLIM_VF_LOAD_PART(residual + (size_t)j * task->residual_stride, lanes));
                SLIM_VF_STORE_PART(out + (size_t)j * task->out_stride, lanes, SLIM_VF_MIN(SLIM_VF_MAX(y[j], lo), hi));
            }
        }
    }
}
#undef SLIM_WINOGRAD_ROWS
