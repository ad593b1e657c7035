/* Convolution of an image with stride 2 by Winograd's F(4,4); see slim_winograd_image_f32. Included by `isa/ISA.c`.
 *
 * Even and odd rows and columns of a channel are four images that a filter of up to 4x4 taps crosses with stride 1 each, so
 * that 7x7 taps take 49 products for 4x4 outputs of such an image instead of 196 of 784. F(4,4) interpolates at 0, 1, -1, 1/2,
 * -1/2, 3 and infinity. Image and filters are transformed at each run: there are few of both. Lanes are tiles of a row while
 * the image is transformed, and output channels from then on. */

#define SLIM_STRIDED_GROUP (SLIM_LANES == 16 ? 4 : 2)       /* tiles whose products stay in registers */
#define SLIM_STRIDED_LINE ((ptrdiff_t)2 * SLIM_STRIDED_TILES)   /* floats: one more tile, and what loads read past it */
#define SLIM_STRIDED_WIDTH (8 * (SLIM_STRIDED_TILES + 1))   /* columns that the tiles touch */

/* G g: rows of the points' powers over the product of their differences to the others. */
static const float SLIM_NAME(slim_strided_factors)[SLIM_STRIDED_POINTS * 4] = {
    -4.0f / 3, 0.0f, 0.0f, 0.0f,
    -1.0f / 3, -1.0f / 3, -1.0f / 3, -1.0f / 3,
    -1.0f / 6, 1.0f / 6, -1.0f / 6, 1.0f / 6,
    16.0f / 15, 8.0f / 15, 4.0f / 15, 2.0f / 15,
    16.0f / 21, -8.0f / 21, 4.0f / 21, -2.0f / 21,
    1.0f / 210, 1.0f / 70, 3.0f / 70, 9.0f / 70,
    0.0f, 0.0f, 0.0f, 1.0f,
};

/* B^T d of 7 vectors of values, `step` floats apart, of which the last three lie `far` from the first. */
SLIM_STEP void SLIM_NAME(slim_strided_in)(const float *from, ptrdiff_t step, ptrdiff_t far, float *to, ptrdiff_t to_step)
{
    const SLIM_VF minus = SLIM_VF_SPLAT(-1.0f), quarter = SLIM_VF_SPLAT(0.25f), middle = SLIM_VF_SPLAT(-1.25f);
    SLIM_VF d[SLIM_STRIDED_POINTS], e[6], one, minus_one, plus, less;
    int i;
    SLIM_UNROLL
    for (i = 0; i < SLIM_STRIDED_POINTS; i++)
        d[i] = SLIM_VF_LOAD(i < 4 ? from + i * step : from + far + (i - 4) * step);
    SLIM_UNROLL
    for (i = 0; i < 6; i++)   /* without the point 3 */
        e[i] = SLIM_VF_FMA(d[i], SLIM_VF_SPLAT(-3.0f), d[i + 1]);
    one = SLIM_VF_FMA(e[2], SLIM_VF_SPLAT(-0.25f), e[4]);
    minus_one = SLIM_VF_FMA(e[1], SLIM_VF_SPLAT(-0.25f), e[3]);
    plus = SLIM_VF_FMA(e[2], minus, e[4]);
    less = SLIM_VF_MUL(SLIM_VF_FMA(e[1], minus, e[3]), SLIM_VF_SPLAT(0.5f));
    SLIM_VF_STORE(to, SLIM_VF_FMA(e[0], quarter, SLIM_VF_FMA(e[2], middle, e[4])));
    SLIM_VF_STORE(to + to_step, SLIM_VF_ADD(one, minus_one));
    SLIM_VF_STORE(to + 2 * to_step, SLIM_VF_FMA(minus_one, minus, one));
    SLIM_VF_STORE(to + 3 * to_step, SLIM_VF_ADD(plus, less));
    SLIM_VF_STORE(to + 4 * to_step, SLIM_VF_FMA(less, minus, plus));
    SLIM_VF_STORE(to + 5 * to_step, SLIM_VF_FMA(d[1], quarter, SLIM_VF_FMA(d[3], middle, d[5])));
    SLIM_VF_STORE(to + 6 * to_step, SLIM_VF_FMA(e[1], quarter, SLIM_VF_FMA(e[3], middle, e[5])));
}

/* A^T m: 7 values to 4. */
SLIM_TILE void SLIM_NAME(slim_strided_out)(const SLIM_VF *m, SLIM_VF *o)
{
    const SLIM_VF minus = SLIM_VF_SPLAT(-1.0f);
    const SLIM_VF sum = SLIM_VF_ADD(m[1], m[2]), difference = SLIM_VF_FMA(m[2], minus, m[1]);
    const SLIM_VF sum2 = SLIM_VF_ADD(m[3], m[4]), difference2 = SLIM_VF_FMA(m[4], minus, m[3]);
    o[0] = SLIM_VF_ADD(SLIM_VF_ADD(m[0], m[5]), SLIM_VF_ADD(sum, sum2));
    o[1] = SLIM_VF_FMA(m[5], SLIM_VF_SPLAT(3.0f), SLIM_VF_FMA(difference2, SLIM_VF_SPLAT(0.5f), difference));
    o[2] = SLIM_VF_FMA(m[5], SLIM_VF_SPLAT(9.0f), SLIM_VF_FMA(sum2, SLIM_VF_SPLAT(0.25f), sum));
    o[3] = SLIM_VF_FMA(m[5], SLIM_VF_SPLAT(27.0f),
                       SLIM_VF_FMA(difference2, SLIM_VF_SPLAT(0.125f), SLIM_VF_ADD(difference, m[6])));
}

/* G g of 4 vectors of values, 7 of them apart. */
SLIM_STEP void SLIM_NAME(slim_strided_filter)(const float *from, float *to)
{
    const float *factor = SLIM_NAME(slim_strided_factors);
    SLIM_ROLL
    for (int i = 0; i < SLIM_STRIDED_POINTS; i++, factor += 4, to += SLIM_LANES) {
        SLIM_VF sum = SLIM_VF_SPLAT(0.0f);
        SLIM_UNROLL
        for (int j = 0; j < 4; j++)
            sum = SLIM_VF_FMA(SLIM_VF_LOAD(from + j * SLIM_STRIDED_POINTS * SLIM_LANES), SLIM_VF_SPLAT(factor[j]), sum);
        SLIM_VF_STORE(to, sum);
    }
}

/* Vectors of output channels, k after k; filters that end within 4x4 taps go on with zeros. */
SLIM_STEP void SLIM_NAME(slim_winograd_image_weights_f32)(const slim_winograd_image_weights *task)
{
    const size_t k = 4 * task->channels, row = SLIM_STRIDED_POINTS * SLIM_LANES;
    SLIM_ROLL
    for (size_t e = 0; e < k * SLIM_VECTORS; e++) {
        const size_t at = e % k, vector = e / k;
        float taps[4 * SLIM_STRIDED_POINTS * SLIM_LANES], half[4 * SLIM_STRIDED_POINTS * SLIM_LANES];
        float *to = task->out + (vector * SLIM_STRIDED_POINTS * k + at) * row;
        size_t i;
        SLIM_ROLL
        for (i = 0; i < 16; i++) {
            const size_t y = i / 4 * 2 + at / 2 % 2, x = i % 4 * 2 + at % 2;
            SLIM_VF tap = SLIM_VF_SPLAT(0.0f);
            if (y < task->kernel_h && x < task->kernel_w)
                tap = SLIM_VF_LOAD(task->weights + ((y * task->kernel_w + x) * task->channels + at / 4) * SLIM_PANEL
                                   + vector * SLIM_LANES);
            SLIM_VF_STORE(taps + i / 4 * row + i % 4 * SLIM_LANES, tap);
        }
        SLIM_ROLL
        for (i = 0; i < 4; i++)
            SLIM_NAME(slim_strided_filter)(taps + i * SLIM_LANES, half + i * row);
        SLIM_ROLL
        for (i = 0; i < SLIM_STRIDED_POINTS; i++)
            SLIM_NAME(slim_strided_filter)(half + i * SLIM_LANES, to + i * k * row);
    }
}

/* 7 rows of a channel, every second one from `top` on: lines[row][column modulo 8][tile]. */
SLIM_STEP void SLIM_NAME(slim_strided_lines)(const slim_winograd_image_f32 *task, const float *plane, int32_t top, float *lines)
{
    const int32_t left = task->left, start = left < 0 ? SLIM_MIN(-left, SLIM_STRIDED_WIDTH) : 0;
    const int32_t end = SLIM_MAX(SLIM_MIN(task->in_w - left, SLIM_STRIDED_WIDTH), start);
    SLIM_ROLL
    for (int row = 0; row < SLIM_STRIDED_POINTS; row++, top += 2, lines += 8 * SLIM_STRIDED_LINE) {
        const int inside = top >= 0 && top < task->in_h;
        float padded[SLIM_STRIDED_WIDTH];
        const float *from = plane + (ptrdiff_t)top * task->in_w + left;
        if (!inside || end - start < SLIM_STRIDED_WIDTH) {
            slim_fill(padded, 0, sizeof padded);
            if (inside)
                slim_copy(padded + start, from + start, (size_t)(end - start) * sizeof(float));
            from = padded;
        }
        SLIM_ROLL
        for (int tile = 0; tile <= SLIM_STRIDED_TILES; tile++) {
            SLIM_UNROLL
            for (int x = 0; x < 8; x++)
                lines[x * SLIM_STRIDED_LINE + tile] = from[8 * tile + x];
            __asm__ volatile("");   /* compilers make a page of shuffles of this loop otherwise, which are not faster */
        }
    }
}

/* Both transforms of even (and then of odd) columns of such rows: to[row of points][k][point][tile]. */
SLIM_STEP void SLIM_NAME(slim_strided_image)(const float *lines, size_t k, float *to)
{
    SLIM_ROLL
    for (int at = 0; at < 2 * SLIM_STRIDED_TILES; at += SLIM_LANES) {
        const int column = at / SLIM_STRIDED_TILES, tile = at % SLIM_STRIDED_TILES;
        float block[SLIM_STRIDED_POINTS * SLIM_STRIDED_POINTS * SLIM_LANES];
        SLIM_ROLL
        for (int i = 0; i < 2 * SLIM_STRIDED_POINTS; i++) {   /* rows, then columns */
            const int down = i >= SLIM_STRIDED_POINTS, j = down ? i - SLIM_STRIDED_POINTS : i;
            SLIM_NAME(slim_strided_in)(
                down ? block + j * SLIM_STRIDED_POINTS * SLIM_LANES
                     : lines + (8 * j + column) * SLIM_STRIDED_LINE + tile,
                down ? SLIM_LANES : 2 * SLIM_STRIDED_LINE, down ? 4 * SLIM_LANES : 1,
                down ? to + (column * SLIM_STRIDED_POINTS + j) * SLIM_STRIDED_TILES + tile : block + j * SLIM_LANES,
                down ? (ptrdiff_t)k * SLIM_STRIDED_POINTS * SLIM_STRIDED_TILES : SLIM_STRIDED_POINTS * SLIM_LANES);
        }
    }
}

/* A row of points: products of all tiles and a vector of channels, and their sums A^T m, out[tile][4][lanes]. */
SLIM_STEP void SLIM_NAME(slim_strided_products)(const float *image, const float *weights, size_t k, size_t tiles, float *out)
{
    SLIM_ROLL
    for (size_t tile = 0; tile < tiles; tile += SLIM_STRIDED_GROUP) {
        const float *x = image + tile, *w = weights;
        SLIM_VF acc[SLIM_STRIDED_GROUP][SLIM_STRIDED_POINTS], o[4];
        int t, j;
        SLIM_UNROLL
        for (t = 0; t < SLIM_STRIDED_GROUP; t++) {
            SLIM_UNROLL
            for (j = 0; j < SLIM_STRIDED_POINTS; j++)
                acc[t][j] = SLIM_VF_SPLAT(0.0f);
        }
        SLIM_ROLL
        for (size_t at = 0; at < k; at++, x += SLIM_STRIDED_POINTS * SLIM_STRIDED_TILES, w += SLIM_STRIDED_POINTS * SLIM_LANES) {
            SLIM_UNROLL
            for (j = 0; j < SLIM_STRIDED_POINTS; j++) {
                SLIM_VF filter = SLIM_VF_LOAD(w + j * SLIM_LANES);
                SLIM_UNROLL
                for (t = 0; t < SLIM_STRIDED_GROUP; t++)
                    acc[t][j] = SLIM_VF_FMA(SLIM_VF_SPLAT(x[j * SLIM_STRIDED_TILES + t]), filter, acc[t][j]);
            }
        }
        SLIM_UNROLL
        for (t = 0; t < SLIM_STRIDED_GROUP; t++) {
            SLIM_NAME(slim_strided_out)(acc[t], o);
            SLIM_UNROLL
            for (j = 0; j < 4; j++)
                SLIM_VF_STORE(out + (tile * 4 + (size_t)(4 * t + j)) * SLIM_LANES, o[j]);
        }
    }
}

/* The other half of A^T m A, bias and clamp, of channels c and on. */
SLIM_STEP void SLIM_NAME(slim_strided_store)(const slim_winograd_image_f32 *task, const float *sums, size_t c)
{
    const size_t lanes = SLIM_MIN(task->n - c, (size_t)SLIM_LANES), step = SLIM_STRIDED_TILES * 4 * SLIM_LANES;
    const SLIM_VF bias = SLIM_VF_LOAD(task->bias + c), lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi);
    SLIM_ROLL
    for (size_t column = 0; column < task->columns; column++) {
        float *out = task->out + column * task->out_stride + c;
        SLIM_VF m[SLIM_STRIDED_POINTS], o[4];
        int i;
        SLIM_UNROLL
        for (i = 0; i < SLIM_STRIDED_POINTS; i++)
            m[i] = SLIM_VF_LOAD(sums + (size_t)i * step + column * SLIM_LANES);
        SLIM_NAME(slim_strided_out)(m, o);
        SLIM_ROLL
        for (size_t row = 0; row < task->rows; row++, out += task->out_row)
            SLIM_VF_STORE_PART(out, lanes, SLIM_VF_MIN(SLIM_VF_MAX(SLIM_VF_ADD(o[row], bias), lo), hi));
    }
}

SLIM_STEP void SLIM_NAME(slim_winograd_image_f32)(const slim_winograd_image_f32 *task)
{
    const size_t k = 4 * task->channels, tiles = slim_ceil_div(task->columns, 4), row = k * SLIM_STRIDED_POINTS;
    const float *weights = task->weights;
    float *image = task->memory, *sums = image + row * SLIM_STRIDED_POINTS * SLIM_STRIDED_TILES;
    SLIM_ROLL
    for (size_t at = 0; at < k; at += 2) {
        SLIM_NAME(slim_strided_lines)(task, task->image + at / 4 * (size_t)task->in_h * (size_t)task->in_w,
                                      task->top + (int32_t)(at / 2 % 2), sums);
        SLIM_NAME(slim_strided_image)(sums, k, image + at * SLIM_STRIDED_POINTS * SLIM_STRIDED_TILES);
    }
    SLIM_ROLL
    for (size_t c = 0; c < task->n; c += SLIM_LANES) {
        SLIM_ROLL
        for (size_t i = 0; i < SLIM_STRIDED_POINTS; i++, weights += row * SLIM_LANES) {
            if (i < task->rows && c % SLIM_PANEL == 0) {   /* the memory of a row of outputs is there when it is needed */
                SLIM_ROLL
                for (size_t column = 0; column < task->columns; column++)
                    __builtin_prefetch(task->out + i * task->out_row + column * task->out_stride + c, 1, 2);
            }
            SLIM_NAME(slim_strided_products)(image + i * row * SLIM_STRIDED_TILES, weights, k, tiles,
                                             sums + i * SLIM_STRIDED_TILES * 4 * SLIM_LANES);
        }
        SLIM_NAME(slim_strided_store)(task, sums, c);
    }
}
#undef SLIM_STRIDED_GROUP
#undef SLIM_STRIDED_LINE
#undef SLIM_STRIDED_WIDTH
