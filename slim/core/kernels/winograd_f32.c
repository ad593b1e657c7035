/* Winograd's transforms for 3x3 convolutions, a vector of channels at a time. Included by `isa/ISA.c`.
 *
 * The matrices are factored by hand into sums and differences, and their rows are scaled so that those of filters need the fewest
 * multiplications and are the same for tiles of every size: the outputs' make up for it. */

#if SLIM_LANES == 16
#define SLIM_WINOGRAD_ROWS SLIM_UNROLL   /* 32 registers: few are stored between */
#else
#define SLIM_WINOGRAD_ROWS SLIM_ROLL
#endif

/* G g: three values to eight, `step` apart. */
SLIM_TILE void SLIM_NAME(slim_winograd_filter)(SLIM_VF a, SLIM_VF b, SLIM_VF c, SLIM_VF *u, const int step)
{
    const SLIM_VF two = SLIM_VF_SPLAT(2.0f), minus_two = SLIM_VF_SPLAT(-2.0f), four = SLIM_VF_SPLAT(4.0f);
    SLIM_VF even = SLIM_VF_ADD(a, c), even2 = SLIM_VF_FMA(c, four, a), even_half = SLIM_VF_FMA(a, four, c);
    u[0] = a;
    u[step] = SLIM_VF_ADD(even, b);
    u[2 * step] = SLIM_VF_SUB(even, b);
    u[3 * step] = SLIM_VF_FMA(b, two, even2);
    u[4 * step] = c;
    u[5 * step] = SLIM_VF_FMA(b, minus_two, even2);
    u[6 * step] = SLIM_VF_FMA(b, two, even_half);
    u[7 * step] = SLIM_VF_FMA(b, minus_two, even_half);
}

SLIM_TILE void SLIM_NAME(slim_winograd_filters)(const slim_winograd_f32_weights *task, const int points)
{
    const size_t tap = task->tap_stride, plane = task->plane_stride, end = task->channels * SLIM_PANEL;
    size_t at;
    SLIM_ROLL
    for (at = 0; at < end; at += SLIM_LANES) {
        const float *g = task->weights + at;
        float *to = task->planes + at;
        SLIM_VF columns[8][3];
        int i, j;
        SLIM_UNROLL
        for (j = 0; j < 3; j++, g += tap)
            SLIM_NAME(slim_winograd_filter)(SLIM_VF_LOAD(g), SLIM_VF_LOAD(g + 3 * tap), SLIM_VF_LOAD(g + 6 * tap),
                                            &columns[0][j], 3);
        SLIM_WINOGRAD_ROWS
        for (i = 0; i < points; i++) {
            SLIM_VF row[8];
            SLIM_NAME(slim_winograd_filter)(columns[i][0], columns[i][1], columns[i][2], row, 1);
            SLIM_UNROLL
            for (j = 0; j < 6; j++, to += plane)
                SLIM_VF_STORE(to, row[j]);
            if (points > 6) {
                SLIM_VF_STORE(to, row[6]);
                SLIM_VF_STORE(to + plane, row[7]);
                to += 2 * plane;
            }
        }
    }
}

SLIM_STEP void SLIM_NAME(slim_winograd_weights_f32)(const slim_winograd_f32_weights *task)
{
#if SLIM_LANES == 16
    if (task->points == 6)
        SLIM_NAME(slim_winograd_filters)(task, 6);
    else
        SLIM_NAME(slim_winograd_filters)(task, 8);
#else
    SLIM_NAME(slim_winograd_filters)(task, (int)task->points);
#endif
}
/* d B: the pixels of a tile with 3, 4 or 6 outputs to as many values and two more. */
SLIM_TILE void SLIM_NAME(slim_winograd_in)(const SLIM_VF *d, SLIM_VF *v, const int outputs)
{
    const SLIM_VF half = SLIM_VF_SPLAT(0.5f), two = SLIM_VF_SPLAT(2.0f), minus_two = SLIM_VF_SPLAT(-2.0f), four = SLIM_VF_SPLAT(4.0f);
    SLIM_VF even, odd;
    if (outputs == 3) {
        even = SLIM_VF_SUB(d[3], d[1]);
        odd = SLIM_VF_SUB(d[0], d[2]);
        v[0] = SLIM_VF_FMA(odd, two, even);
        v[1] = SLIM_VF_SUB(SLIM_VF_FMA(d[1], minus_two, d[3]), d[2]);
        v[2] = SLIM_VF_FMA(d[1], two, SLIM_VF_FMA(d[2], SLIM_VF_SPLAT(-3.0f), d[3]));
        v[3] = even;
        v[4] = SLIM_VF_FMA(even, minus_two, SLIM_VF_SUB(d[4], d[2]));
    } else if (outputs == 4) {
        const SLIM_VF minus_four = SLIM_VF_SPLAT(-4.0f), minus_five = SLIM_VF_SPLAT(-5.0f);
        v[0] = SLIM_VF_FMA(d[0], four, SLIM_VF_FMA(d[2], minus_five, d[4]));
        v[4] = SLIM_VF_FMA(d[1], four, SLIM_VF_FMA(d[3], minus_five, d[5]));
        even = SLIM_VF_FMA(d[2], minus_four, d[4]);
        odd = SLIM_VF_FMA(d[1], minus_four, d[3]);
        v[1] = SLIM_VF_ADD(even, odd);
        v[2] = SLIM_VF_SUB(even, odd);
        even = SLIM_VF_SUB(d[4], d[2]);
        odd = SLIM_VF_SUB(d[3], d[1]);
        v[3] = SLIM_VF_FMA(odd, two, even);
        v[5] = SLIM_VF_FMA(odd, minus_two, even);
    } else {
        const SLIM_VF ratio = SLIM_VF_SPLAT(5.25f), fraction = SLIM_VF_SPLAT(-4.25f), other = SLIM_VF_SPLAT(-2.5f);
        v[0] = SLIM_VF_FMA(SLIM_VF_SUB(d[2], d[4]), ratio, SLIM_VF_SUB(d[6], d[0]));
        v[4] = SLIM_VF_FMA(SLIM_VF_SUB(d[3], d[5]), ratio, SLIM_VF_SUB(d[7], d[1]));
        even = SLIM_VF_FMA(d[4], fraction, SLIM_VF_ADD(d[2], d[6]));
        odd = SLIM_VF_FMA(d[3], fraction, SLIM_VF_ADD(d[1], d[5]));
        v[1] = SLIM_VF_ADD(even, odd);
        v[2] = SLIM_VF_SUB(even, odd);
        even = SLIM_VF_FMA(d[2], SLIM_VF_SPLAT(0.25f), SLIM_VF_FMA(d[4], SLIM_VF_SPLAT(-1.25f), d[6]));
        odd = SLIM_VF_FMA(d[1], half, SLIM_VF_FMA(d[3], other, SLIM_VF_ADD(d[5], d[5])));
        v[3] = SLIM_VF_ADD(even, odd);
        v[5] = SLIM_VF_SUB(even, odd);
        even = SLIM_VF_FMA(d[2], four, SLIM_VF_FMA(d[4], SLIM_VF_SPLAT(-5.0f), d[6]));
        odd = SLIM_VF_FMA(d[1], two, SLIM_VF_FMA(d[3], other, SLIM_VF_MUL(d[5], half)));
        v[6] = SLIM_VF_ADD(even, odd);
        v[7] = SLIM_VF_SUB(even, odd);
    }
}

/* A call for a tile of each size, which the compiler knows there. */
#define SLIM_WINOGRAD_SIZES(size, call) \
    if ((size) == 3) \
        call(3); \
    else if ((size) == 4) \
        call(4); \
    else \
        call(6)

/* Columns of pixels to columns of values, and rows of those to planes. */
SLIM_TILE void SLIM_NAME(slim_winograd_columns)(const slim_winograd_f32_input *task, size_t c, SLIM_VF (*tile)[8], const int outputs)
{
    SLIM_ROLL
    for (size_t j = 0; j < task->columns + 2; j++) {
        const size_t column = j - task->first;
        SLIM_VF d[8], v[8];
        SLIM_UNROLL
        for (int i = 0; i < outputs + 2; i++)
            d[i] = column < task->count ? SLIM_VF_LOAD(task->pixels[i] + column * task->pixel_stride + c) : SLIM_VF_SPLAT(0.0f);
        SLIM_NAME(slim_winograd_in)(d, v, outputs);
        SLIM_UNROLL
        for (int i = 0; i < outputs + 2; i++)
            tile[i][j] = v[i];
    }
}

SLIM_TILE void SLIM_NAME(slim_winograd_rows)(const slim_winograd_f32_input *task, size_t c, const SLIM_VF (*tile)[8], const int outputs)
{
    SLIM_ROLL
    for (size_t i = 0; i < task->rows + 2; i++) {
        SLIM_VF v[8];
        SLIM_NAME(slim_winograd_in)(tile[i], v, outputs);
        SLIM_UNROLL
        for (int j = 0; j < outputs + 2; j++)
            SLIM_VF_STORE(task->planes[j] + i * task->plane_row + c, v[j]);
    }
}

SLIM_STEP void SLIM_NAME(slim_winograd_input_f32)(const slim_winograd_f32_input *task)
{
    const size_t end = slim_ceil_div(task->channels, SLIM_PANEL) * SLIM_PANEL;
    SLIM_VF tile[8][8];
    size_t c;
    SLIM_ROLL
    for (c = 0; c < end; c += SLIM_LANES) {
#define SLIM_WINOGRAD_COLUMNS(outputs) SLIM_NAME(slim_winograd_columns)(task, c, tile, outputs)
#define SLIM_WINOGRAD_VALUES(outputs) SLIM_NAME(slim_winograd_rows)(task, c, tile, outputs)
        SLIM_WINOGRAD_SIZES(task->rows, SLIM_WINOGRAD_COLUMNS);
        SLIM_WINOGRAD_SIZES(task->columns, SLIM_WINOGRAD_VALUES);
#undef SLIM_WINOGRAD_COLUMNS
#undef SLIM_WINOGRAD_VALUES
    }
}

/* Tiles of products: vectors of outputs, and rows, each a tile of the image. Of `left` rows SLIM_WINOGRAD_NEXT come next, so that
 * none is alone. */
#if SLIM_LANES == 16
#define SLIM_WINOGRAD_TILES(X) X(2) X(1)
#define SLIM_WINOGRAD_HEIGHTS(X) X(8) X(5) X(4) X(3) X(2) X(1)
#define SLIM_WINOGRAD_NEXT(left) ((left) > 10 ? 8 : "\0\1\2\3\4\5\3\4\10\5\5"[left])
#elif SLIM_LANES == 8
#define SLIM_WINOGRAD_TILES(X) X(2)
#define SLIM_WINOGRAD_HEIGHTS(X) X(6) X(4) X(3) X(2) X(1)
#define SLIM_WINOGRAD_NEXT(left) ((left) > 8 ? 6 : "\0\1\2\3\4\3\6\4\4"[left])
#elif defined(__aarch64__)
#define SLIM_WINOGRAD_TILES(X) X(4)
#define SLIM_WINOGRAD_HEIGHTS(X) X(6) X(4) X(1)
#define SLIM_WINOGRAD_NEXT(left) ((left) > 8 ? 6 : "\0\1\1\1\4\4\6\6\4"[left])
#else
#define SLIM_WINOGRAD_TILES(X) X(2)
#define SLIM_WINOGRAD_HEIGHTS(X) X(4) X(1)
#define SLIM_WINOGRAD_NEXT(left) ((left) > 3 ? 4 : 1)
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

#define SLIM_WINOGRAD_HEIGHT(rows) \
    case rows: \
        SLIM_NAME(slim_winograd_product)(task, row, vector, rows, SLIM_NV); \
        break;
#define SLIM_WINOGRAD_GROUP(nv) \
    SLIM_STEP void SLIM_NAME(slim_winograd_product_##nv)(const slim_winograd_f32_product *task, size_t vector) \
    { \
        enum { SLIM_NV = nv }; \
        size_t row = 0, rows; \
        SLIM_ROLL \
        for (; row < task->m; row += rows) { \
            rows = (size_t)SLIM_WINOGRAD_NEXT(task->m - row); \
            switch (rows) { \
                SLIM_WINOGRAD_HEIGHTS(SLIM_WINOGRAD_HEIGHT) \
            } \
        } \
    }
SLIM_WINOGRAD_TILES(SLIM_WINOGRAD_GROUP)

#define SLIM_WINOGRAD_CASE(nv) \
    for (; vector + nv <= vectors; vector += nv) \
        SLIM_NAME(slim_winograd_product_##nv)(task, vector);
SLIM_STEP void SLIM_NAME(slim_winograd_product_f32)(const slim_winograd_f32_product *task)
{
    const size_t vectors = task->panels * SLIM_VECTORS;
    size_t vector = 0;
    SLIM_WINOGRAD_TILES(SLIM_WINOGRAD_CASE)
}
#undef SLIM_WINOGRAD_TILES
#undef SLIM_WINOGRAD_HEIGHTS
#undef SLIM_WINOGRAD_NEXT
#undef SLIM_WINOGRAD_HEIGHT
#undef SLIM_WINOGRAD_GROUP
#undef SLIM_WINOGRAD_CASE

#if SLIM_LANES == 16
/* Where tiles are few, transforming a filter takes as long as multiplying it, mostly for storing it. Here the products of a row
 * of points, six by four tiles, are in registers, and the filters' taps become values of that row on the way: the first
 * transform is made again for each of its rows, with additions, which have units of their own beside those that multiply. */
#define SLIM_FEW_IN (6 * SLIM_WINOGRAD_FEW * SLIM_WINOGRAD_CHANNELS)
#define SLIM_FEW_OUT (6 * SLIM_WINOGRAD_FEW * SLIM_PANEL)

/* A filter a, b, c at points p = 1, 2 or 1/2, indices 1, 3 and 6, as a sum, and at -p as a difference: of what a and b become. */
SLIM_TILE void SLIM_NAME(slim_few_halves)(SLIM_VF *a, SLIM_VF *b, SLIM_VF c, const int point)
{
    const SLIM_VF four = SLIM_VF_SPLAT(4.0f);
    if (point < 3) {
        *a = SLIM_VF_ADD(*a, c);
    } else {
        *a = point < 6 ? SLIM_VF_FMA(c, four, *a) : SLIM_VF_FMA(*a, four, c);
        *b = SLIM_VF_ADD(*b, *b);
    }
}

/* A column of a filter at a point; that at 0, its first value, is the last one at infinity. */
SLIM_TILE SLIM_VF SLIM_NAME(slim_few_column)(const float *g, size_t tap, const int point)
{
    SLIM_VF even = SLIM_VF_LOAD(g), odd;
    if (point == 0)
        return even;
    odd = SLIM_VF_LOAD(g + 3 * tap);
    SLIM_NAME(slim_few_halves)(&even, &odd, SLIM_VF_LOAD(g + 6 * tap), point);
    return point == 2 || point == 5 ? SLIM_VF_SUB(even, odd) : SLIM_VF_ADD(even, odd);
}

SLIM_TILE void SLIM_NAME(slim_few_products)(const float *in, SLIM_VF value, SLIM_VF *products, const int tiles, const int step)
{
    SLIM_UNROLL
    for (int t = 0; t < tiles; t += step)
        products[t] = SLIM_VF_FMA(SLIM_VF_SPLAT(in[t * SLIM_WINOGRAD_CHANNELS]), value, products[t]);
}

/* Where tiles have sides of 4 and of 3, the second half of them is of 3 rows, and every other one of 3 columns: those have no
 * value at -2. Three rows that read their taps from the first-level cache fetch those that come `next` into the second. */
SLIM_TILE void SLIM_NAME(slim_few_row)(const float *g, const float *next, size_t tap, const float *in, float *out, size_t k,
                                       const int point, const int mixed)
{
    const size_t plane = SLIM_WINOGRAD_FEW * SLIM_WINOGRAD_CHANNELS;
    const int tiles = mixed && point == 5 ? SLIM_WINOGRAD_FEW / 2 : SLIM_WINOGRAD_FEW, step = mixed ? 2 : 1;
    SLIM_VF sums[6][SLIM_WINOGRAD_FEW];
    int j, t;
    SLIM_UNROLL
    for (j = 0; j < 6; j++) {
        SLIM_UNROLL
        for (t = 0; t < tiles; t += j == 5 ? step : 1)
            sums[j][t] = SLIM_VF_SPLAT(0.0f);
    }
    SLIM_ROLL
    for (; k > 0; k--, g += SLIM_PANEL, next += SLIM_PANEL, in++) {
        const SLIM_VF a = SLIM_NAME(slim_few_column)(g, tap, point), b = SLIM_NAME(slim_few_column)(g + tap, tap, point);
        const SLIM_VF c = SLIM_NAME(slim_few_column)(g + 2 * tap, tap, point), b2 = SLIM_VF_ADD(b, b);
        const SLIM_VF even = SLIM_VF_ADD(a, c), even2 = SLIM_VF_FMA(c, SLIM_VF_SPLAT(4.0f), a);
        if (point == 2 || point == 3 || point == 5) {
            __builtin_prefetch(next, 0, 2);
            __builtin_prefetch(next + tap, 0, 2);
            __builtin_prefetch(next + 2 * tap, 0, 2);
        }
        SLIM_NAME(slim_few_products)(in, a, sums[0], tiles, 1);
        SLIM_NAME(slim_few_products)(in + plane, SLIM_VF_ADD(even, b), sums[1], tiles, 1);
        SLIM_NAME(slim_few_products)(in + 2 * plane, SLIM_VF_SUB(even, b), sums[2], tiles, 1);
        SLIM_NAME(slim_few_products)(in + 3 * plane, SLIM_VF_ADD(even2, b2), sums[3], tiles, 1);
        SLIM_NAME(slim_few_products)(in + 4 * plane, c, sums[4], tiles, 1);
        SLIM_NAME(slim_few_products)(in + 5 * plane, SLIM_VF_SUB(even2, b2), sums[5], tiles, step);
    }
    SLIM_UNROLL
    for (j = 0; j < 6; j++, out += SLIM_WINOGRAD_FEW * SLIM_PANEL) {
        SLIM_UNROLL
        for (t = 0; t < tiles; t += j == 5 ? step : 1)
            SLIM_VF_STORE(out + t * SLIM_PANEL, SLIM_VF_ADD(SLIM_VF_LOAD(out + t * SLIM_PANEL), sums[j][t]));
    }
}

#define SLIM_FEW_ROW(name, point, mixed) \
    SLIM_STEP void SLIM_NAME(slim_few_##name)(const float *g, const float *next, size_t tap, const float *in, float *out, size_t k) \
    { \
        SLIM_NAME(slim_few_row)(g, next, tap, in, out, k, point, mixed); \
    }
/* All rows of points. */
#define SLIM_FEW_ROWS(name, mixed) \
    SLIM_FEW_ROW(name##_end, 0, mixed) \
    SLIM_FEW_ROW(name##_one, 1, mixed) \
    SLIM_FEW_ROW(name##_minus_one, 2, mixed) \
    SLIM_FEW_ROW(name##_two, 3, mixed) \
    SLIM_FEW_ROW(name##_minus_two, 5, mixed) \
    SLIM_STEP void SLIM_NAME(slim_few_##name)(const float *g, const float *next, size_t tap, const float *in, float *out, size_t k) \
    { \
        SLIM_NAME(slim_few_##name##_end)(g, next, tap, in, out, k); \
        SLIM_NAME(slim_few_##name##_one)(g, next, tap, in + SLIM_FEW_IN, out + SLIM_FEW_OUT, k); \
        SLIM_NAME(slim_few_##name##_minus_one)(g, next, tap, in + 2 * SLIM_FEW_IN, out + 2 * SLIM_FEW_OUT, k); \
        SLIM_NAME(slim_few_##name##_two)(g, next + 3 * tap, tap, in + 3 * SLIM_FEW_IN, out + 3 * SLIM_FEW_OUT, k); \
        SLIM_NAME(slim_few_##name##_minus_two)(g, next + 6 * tap, tap, in + 5 * SLIM_FEW_IN, out + 5 * SLIM_FEW_OUT, k); \
        SLIM_NAME(slim_few_##name##_end)(g + 6 * tap, next, tap, in + 4 * SLIM_FEW_IN, out + 4 * SLIM_FEW_OUT, k); \
    }
SLIM_FEW_ROWS(fours, 0)
SLIM_FEW_ROWS(mixed, 1)
#undef SLIM_FEW_ROW
#undef SLIM_FEW_ROWS

/* Of nine tiles the products of two or three points are in registers. The columns at a point, or at p and -p, are made before. */
#define SLIM_NINE_COLUMNS (3 * SLIM_WINOGRAD_CHANNELS * SLIM_PANEL)   /* floats of a point's */

SLIM_TILE void SLIM_NAME(slim_nine_pair)(const float *g, const float *next, size_t tap, float *to, size_t k, const int point)
{
    SLIM_ROLL
    for (; k > 0; k--, g += SLIM_PANEL, next += SLIM_PANEL) {
        SLIM_UNROLL
        for (size_t j = 0; j < 3; j++, to += SLIM_PANEL) {
            SLIM_VF even = SLIM_VF_LOAD(g + j * tap), odd = SLIM_VF_LOAD(g + (3 + j) * tap);
            __builtin_prefetch(next + j * tap, 0, 2);
            SLIM_NAME(slim_few_halves)(&even, &odd, SLIM_VF_LOAD(g + (6 + j) * tap), point);
            SLIM_VF_STORE(to, SLIM_VF_ADD(even, odd));
            SLIM_VF_STORE(to + SLIM_NINE_COLUMNS, SLIM_VF_SUB(even, odd));
        }
    }
}

SLIM_STEP void SLIM_NAME(slim_nine_columns)(const float *g, const float *next, size_t tap, float *to, size_t k, size_t point)
{
    if (point == 1)
        SLIM_NAME(slim_nine_pair)(g, next, tap, to, k, 1);
    else if (point == 3)
        SLIM_NAME(slim_nine_pair)(g, next + 3 * tap, tap, to, k, 3);
    else if (point == 6)
        SLIM_NAME(slim_nine_pair)(g, next + 6 * tap, tap, to, k, 6);
    else
        SLIM_ROLL
        for (size_t i = 0; i < 3 * k; i++)
            SLIM_VF_STORE(to + i * SLIM_PANEL, SLIM_VF_LOAD(g + (point == 0 ? 0 : 6) * tap + i % 3 * tap + i / 3 * SLIM_PANEL));
}

/* The products of `tiles` tiles at the first three points, the next three, or the last two. One of them fetches the taps into the
 * first-level cache, for the columns of the points that come next. */
SLIM_TILE void SLIM_NAME(slim_nine_points)(const float *columns, const float *taps, size_t tap, const float *in, float *out, size_t k,
                                           const int first, const int tiles)
{
    const int points = first < 6 ? 3 : 2, slots = first < 6 ? 9 : 3;
    const size_t plane = (size_t)slots * SLIM_WINOGRAD_CHANNELS;
    SLIM_VF sums[3][9];
    int j, t;
    SLIM_UNROLL
    for (j = 0; j < points; j++) {
        SLIM_UNROLL
        for (t = 0; t < tiles; t++)
            sums[j][t] = SLIM_VF_SPLAT(0.0f);
    }
    SLIM_ROLL
    for (; k > 0; k--, columns += 3 * SLIM_PANEL, taps += SLIM_PANEL, in++) {
        if (first == 3 && tiles == 9) {
            SLIM_UNROLL
            for (j = 0; j < 9; j++)
                __builtin_prefetch(taps + (size_t)j * tap, 0, 3);
        }
        const SLIM_VF a = SLIM_VF_LOAD(columns), c = SLIM_VF_LOAD(columns + 2 * SLIM_PANEL);
        SLIM_VF odd = SLIM_VF_LOAD(columns + SLIM_PANEL), even = a;
        SLIM_NAME(slim_few_halves)(&even, &odd, c, first);
        if (first == 0) {
            SLIM_NAME(slim_few_products)(in, a, sums[0], tiles, 1);
            SLIM_NAME(slim_few_products)(in + plane, SLIM_VF_ADD(even, odd), sums[1], tiles, 1);
            SLIM_NAME(slim_few_products)(in + 2 * plane, SLIM_VF_SUB(even, odd), sums[2], tiles, 1);
        } else {
            SLIM_NAME(slim_few_products)(in, SLIM_VF_ADD(even, odd), sums[0], tiles, 1);
            if (first == 3)
                SLIM_NAME(slim_few_products)(in + plane, c, sums[1], tiles, 1);
            SLIM_NAME(slim_few_products)(in + (size_t)(points - 1) * plane, SLIM_VF_SUB(even, odd), sums[points - 1], tiles, 1);
        }
    }
    SLIM_UNROLL
    for (j = 0; j < points; j++, out += slots * SLIM_PANEL) {
        SLIM_UNROLL
        for (t = 0; t < tiles; t++)
            SLIM_VF_STORE(out + t * SLIM_PANEL, SLIM_VF_ADD(SLIM_VF_LOAD(out + t * SLIM_PANEL), sums[j][t]));
    }
}

#define SLIM_NINE_POINTS(first, tiles) \
    SLIM_STEP void SLIM_NAME(slim_nine_##first##_##tiles)(const float *columns, const float *taps, size_t tap, const float *in, float *out, \
                                                          size_t k) \
    { \
        SLIM_NAME(slim_nine_points)(columns, taps, tap, in + first * 9 * SLIM_WINOGRAD_CHANNELS, out + first * 9 * SLIM_PANEL, k, first, \
                                    tiles); \
    }
SLIM_NINE_POINTS(0, 9)
SLIM_NINE_POINTS(3, 9)
SLIM_NINE_POINTS(6, 3)
SLIM_NINE_POINTS(0, 3)
SLIM_NINE_POINTS(3, 3)
SLIM_NINE_POINTS(6, 1)
#undef SLIM_NINE_POINTS

SLIM_STEP void SLIM_NAME(slim_few_nine)(const float *g, const float *next, size_t tap, const float *in, float *out, size_t k)
{
    static const unsigned char order[SLIM_WINOGRAD_SIDE] = {0, 1, 2, 3, 5, 4, 6, 7};
    float columns[2 * SLIM_NINE_COLUMNS];
    SLIM_ROLL
    for (size_t i = 0; i < SLIM_WINOGRAD_SIDE; i++) {
        const size_t row = order[i], second = row == 2 || row == 5 || row == 7;
        const float *from = columns + second * SLIM_NINE_COLUMNS, *x = in + row * SLIM_WINOGRAD_NINE_ROW * SLIM_WINOGRAD_CHANNELS;
        float *y = out + row * SLIM_WINOGRAD_NINE_ROW * SLIM_PANEL;
        if (!second)
            SLIM_NAME(slim_nine_columns)(g, next, tap, columns, k, row);
        if (row < 6) {
            SLIM_NAME(slim_nine_0_9)(from, g, tap, x, y, k);
            SLIM_NAME(slim_nine_3_9)(from, g, tap, x, y, k);
            SLIM_NAME(slim_nine_6_3)(from, g, tap, x, y, k);
        } else {
            SLIM_NAME(slim_nine_0_3)(from, g, tap, x, y, k);
            SLIM_NAME(slim_nine_3_3)(from, g, tap, x, y, k);
            SLIM_NAME(slim_nine_6_1)(from, g, tap, x, y, k);
        }
    }
}
#undef SLIM_NINE_COLUMNS

SLIM_STEP void SLIM_NAME(slim_winograd_few_f32)(const slim_winograd_f32_few *task)
{
    const int nine = task->tiles == SLIM_WINOGRAD_NINE;
    const size_t planes = nine ? SLIM_WINOGRAD_SIDE * SLIM_WINOGRAD_NINE_ROW : 36 * SLIM_WINOGRAD_FEW;
    const float *in = task->in, *g = task->weights, *next;
    size_t k;
    SLIM_ROLL
    for (size_t i = 0; i < planes * SLIM_PANEL; i += SLIM_LANES)
        SLIM_VF_STORE(task->out + i, SLIM_VF_SPLAT(0.0f));
    SLIM_ROLL
    for (size_t from = 0; from < task->k; from += k, in += planes * SLIM_WINOGRAD_CHANNELS, g = next) {
        k = SLIM_MIN(task->k - from, (size_t)SLIM_WINOGRAD_CHANNELS);
        const size_t tap = k * SLIM_PANEL;
        next = from + k == task->k ? task->next : g + 9 * tap;
        if (nine)
            SLIM_NAME(slim_few_nine)(g, next, tap, in, task->out, k);
        else if (task->tiles == SLIM_WINOGRAD_MIXED)
            SLIM_NAME(slim_few_mixed)(g, next, tap, in, task->out, k);
        else
            SLIM_NAME(slim_few_fours)(g, next, tap, in, task->out, k);
    }
}
#undef SLIM_FEW_IN
#undef SLIM_FEW_OUT
#endif

/* A^T m: five values to three, 6 times as large, six to four, 24 times, or eight to six, 90 times. */
SLIM_TILE void SLIM_NAME(slim_winograd_out)(const SLIM_VF *m, SLIM_VF *o, const int outputs)
{
    const SLIM_VF two = SLIM_VF_SPLAT(2.0f), four = SLIM_VF_SPLAT(4.0f), six = SLIM_VF_SPLAT(6.0f);
    SLIM_VF sum = SLIM_VF_ADD(m[1], m[2]), difference = SLIM_VF_SUB(m[1], m[2]), sum2, difference2;
    if (outputs == 3) {
        const SLIM_VF minus_three = SLIM_VF_SPLAT(-3.0f);
        SLIM_VF even = SLIM_VF_FMA(m[1], minus_three, m[3]);
        o[0] = SLIM_VF_FMA(m[0], SLIM_VF_SPLAT(3.0f), SLIM_VF_SUB(even, m[2]));
        o[1] = SLIM_VF_ADD(SLIM_VF_ADD(even, m[2]), m[3]);
        o[2] = SLIM_VF_FMA(SLIM_VF_ADD(m[3], SLIM_VF_ADD(m[4], m[4])), SLIM_VF_SPLAT(3.0f), SLIM_VF_SUB(even, m[2]));
        return;
    }
    sum2 = SLIM_VF_ADD(m[3], m[5]);
    difference2 = SLIM_VF_SUB(m[3], m[5]);
    if (outputs == 4) {
        const SLIM_VF minus_four = SLIM_VF_SPLAT(-4.0f);
        SLIM_VF even = SLIM_VF_FMA(sum, minus_four, sum2);
        o[0] = SLIM_VF_FMA(m[0], six, even);
        o[1] = SLIM_VF_FMA(difference, minus_four, SLIM_VF_ADD(difference2, difference2));
        o[2] = SLIM_VF_FMA(sum2, SLIM_VF_SPLAT(3.0f), even);
        o[3] = SLIM_VF_FMA(difference2, six, SLIM_VF_FMA(m[4], SLIM_VF_SPLAT(24.0f), o[1]));
    } else {
        const SLIM_VF eight = SLIM_VF_SPLAT(8.0f), sixteen = SLIM_VF_SPLAT(16.0f), minus_twenty = SLIM_VF_SPLAT(-20.0f);
        SLIM_VF sum_half = SLIM_VF_ADD(m[6], m[7]), difference_half = SLIM_VF_SUB(m[6], m[7]);
        SLIM_VF even = SLIM_VF_MUL(sum, minus_twenty), odd = SLIM_VF_MUL(difference, minus_twenty);
        o[0] = SLIM_VF_FMA(sum_half, sixteen, SLIM_VF_FMA(m[0], SLIM_VF_SPLAT(-90.0f), SLIM_VF_ADD(even, sum2)));
        o[1] = SLIM_VF_FMA(difference_half, eight, SLIM_VF_FMA(difference2, two, odd));
        o[2] = SLIM_VF_FMA(SLIM_VF_ADD(sum2, sum_half), four, even);
        o[3] = SLIM_VF_FMA(difference_half, two, SLIM_VF_FMA(difference2, eight, odd));
        o[4] = SLIM_VF_FMA(sum2, sixteen, SLIM_VF_ADD(even, sum_half));
        o[5] = SLIM_VF_FMA(difference2, SLIM_VF_SPLAT(32.0f), SLIM_VF_FMA(difference_half, SLIM_VF_SPLAT(0.5f),
                                                                         SLIM_VF_FMA(m[4], SLIM_VF_SPLAT(90.0f), odd)));
    }
}

/* Columns of products to columns of sums, and rows of those to the output. */
SLIM_TILE void SLIM_NAME(slim_winograd_sums)(const slim_winograd_f32_output *task, size_t c, SLIM_VF (*tile)[8], const int outputs)
{
    SLIM_ROLL
    for (size_t j = 0; j < task->columns + 2; j++) {
        SLIM_VF m[8], o[6];
        SLIM_UNROLL
        for (int i = 0; i < outputs + 2; i++)
            m[i] = SLIM_VF_LOAD(task->planes[j] + (size_t)i * task->plane_row + c);
        SLIM_NAME(slim_winograd_out)(m, o, outputs);
        SLIM_UNROLL
        for (int i = 0; i < outputs; i++)
            tile[i][j] = o[i];
    }
}

SLIM_TILE void SLIM_NAME(slim_winograd_outputs)(const slim_winograd_f32_output *task, size_t c, const SLIM_VF (*tile)[8],
                                                const int outputs)
{
    const SLIM_VF lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi), bias = SLIM_VF_LOAD(task->bias + c);
    const float sides[] = {1.0f / 6, 1.0f / 24, 0, 1.0f / 90};
    const SLIM_VF scale = SLIM_VF_SPLAT(sides[task->rows - 3] * sides[outputs - 3]);
    const size_t lanes = SLIM_MIN(task->n - c, (size_t)SLIM_LANES);
    SLIM_ROLL
    for (size_t i = 0; i < task->out_rows; i++) {
        float *out = task->out + i * task->out_row + c;
        const float *residual = task->residual ? task->residual + i * task->residual_row + c : NULL;
        SLIM_VF y[6];
        SLIM_NAME(slim_winograd_out)(tile[i], y, outputs);
        SLIM_WINOGRAD_ROWS
        for (int j = 0; j < outputs; j++) {
            if ((size_t)j >= task->out_columns)
                continue;
            y[j] = SLIM_VF_FMA(y[j], scale, bias);
            if (residual)
                y[j] = SLIM_VF_ADD(y[j], SLIM_VF_LOAD_PART(residual + (size_t)j * task->residual_stride, lanes));
            SLIM_VF_STORE_PART(out + (size_t)j * task->out_stride, lanes, SLIM_VF_MIN(SLIM_VF_MAX(y[j], lo), hi));
        }
    }
}

SLIM_STEP void SLIM_NAME(slim_winograd_output_f32)(const slim_winograd_f32_output *task)
{
    SLIM_VF tile[6][8];
    size_t c;
    SLIM_ROLL
    for (c = 0; c < task->n; c += SLIM_LANES) {
#define SLIM_WINOGRAD_SUMS(outputs) SLIM_NAME(slim_winograd_sums)(task, c, tile, outputs)
#define SLIM_WINOGRAD_OUTPUTS(outputs) SLIM_NAME(slim_winograd_outputs)(task, c, tile, outputs)
        SLIM_WINOGRAD_SIZES(task->rows, SLIM_WINOGRAD_SUMS);
        SLIM_WINOGRAD_SIZES(task->columns, SLIM_WINOGRAD_OUTPUTS);
#undef SLIM_WINOGRAD_SUMS
#undef SLIM_WINOGRAD_OUTPUTS
    }
}
#undef SLIM_WINOGRAD_SIZES
#undef SLIM_WINOGRAD_ROWS
