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
static const float SLIM_NAME(slim_strided_filter)[SLIM_STRIDED_POINTS][4] = {
    { -4.0f / 3, 0.0f, 0.0f, 0.0f },
    { -1.0f / 3, -1.0f / 3, -1.0f / 3, -1.0f / 3 },
    { -1.0f / 6, 1.0f / 6, -1.0f / 6, 1.0f / 6 },
    { 16.0f / 15, 8.0f / 15, 4.0f / 15, 2.0f / 15 },
    { 16.0f / 21, -8.0f / 21, 4.0f / 21, -2.0f / 21 },
    { 1.0f / 210, 1.0f / 70, 3.0f / 70, 9.0f / 70 },
    { 0.0f, 0.0f, 0.0f, 1.0f },
};

/* B^T d of 7 values. */
SLIM_TILE void SLIM_NAME(slim_strided_in)(const SLIM_VF *d, SLIM_VF *o, const int step)
{
    const SLIM_VF minus = SLIM_VF_SPLAT(-1.0f), minus_three = SLIM_VF_SPLAT(-3.0f), half = SLIM_VF_SPLAT(0.5f);
    const SLIM_VF quarter = SLIM_VF_SPLAT(0.25f), minus_quarter = SLIM_VF_SPLAT(-0.25f), middle = SLIM_VF_SPLAT(-1.25f);
    SLIM_VF e[6], one, minus_one, plus, less;
    int i;
    SLIM_UNROLL
    for (i = 0; i < 6; i++)   /* without the point 3 */
        e[i] = SLIM_VF_FMA(d[i], minus_three, d[i + 1]);
    one = SLIM_VF_FMA(e[2], minus_quarter, e[4]);
    minus_one = SLIM_VF_FMA(e[1], minus_quarter, e[3]);
    plus = SLIM_VF_FMA(e[2], minus, e[4]);
    less = SLIM_VF_MUL(SLIM_VF_FMA(e[1], minus, e[3]), half);
    o[0] = SLIM_VF_FMA(e[0], quarter, SLIM_VF_FMA(e[2], middle, e[4]));
    o[step] = SLIM_VF_ADD(one, minus_one);
    o[2 * step] = SLIM_VF_FMA(minus_one, minus, one);
    o[3 * step] = SLIM_VF_ADD(plus, less);
    o[4 * step] = SLIM_VF_FMA(less, minus, plus);
    o[5 * step] = SLIM_VF_FMA(d[1], quarter, SLIM_VF_FMA(d[3], middle, d[5]));
    o[6 * step] = SLIM_VF_FMA(e[1], quarter, SLIM_VF_FMA(e[3], middle, e[5]));
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

/* Filters of a vector of output channels: U[row of points][k][point][lanes]. */
SLIM_STEP void SLIM_NAME(slim_winograd_image_weights_f32)(const slim_winograd_image_weights *task)
{
    const size_t channels = task->channels, k = 4 * channels;
    const int kernel_h = task->kernel_h, kernel_w = task->kernel_w;
    const size_t panel = (size_t)(kernel_h * kernel_w) * channels * SLIM_PANEL;
    float *to = task->out;
    SLIM_ROLL
    for (size_t first = 0; first < task->n; first += SLIM_LANES) {
        const float *from = task->weights + first / SLIM_PANEL * panel + first % SLIM_PANEL;
        SLIM_ROLL
        for (size_t at = 0; at < k; at++) {
            const size_t channel = at / 4;
            const int row = (int)(at / 2 % 2), column = (int)(at % 2);
            SLIM_VF half[SLIM_STRIDED_POINTS][4];   /* rows transformed */
            SLIM_ROLL
            for (int i = 0; i < SLIM_STRIDED_POINTS; i++) {
                SLIM_ROLL
                for (int x = 0; x < 4; x++) {
                    half[i][x] = SLIM_VF_SPLAT(0.0f);
                    SLIM_ROLL
                    for (int y = 0; y < 4; y++) {
                        const int down = 2 * y + row, across = 2 * x + column;
                        if (down < kernel_h && across < kernel_w)
                            half[i][x] = SLIM_VF_FMA(
                                SLIM_VF_LOAD(from + ((size_t)(down * kernel_w + across) * channels + channel) * SLIM_PANEL),
                                SLIM_VF_SPLAT(SLIM_NAME(slim_strided_filter)[i][y]), half[i][x]);
                    }
                }
            }
            SLIM_ROLL
            for (int e = 0; e < SLIM_STRIDED_POINTS * SLIM_STRIDED_POINTS; e++) {
                const int i = e / SLIM_STRIDED_POINTS, j = e % SLIM_STRIDED_POINTS;
                SLIM_VF sum = SLIM_VF_SPLAT(0.0f);
                SLIM_ROLL
                for (int x = 0; x < 4; x++)
                    sum = SLIM_VF_FMA(half[i][x], SLIM_VF_SPLAT(SLIM_NAME(slim_strided_filter)[j][x]), sum);
                SLIM_VF_STORE(to + (((size_t)i * k + at) * SLIM_STRIDED_POINTS + (size_t)j) * SLIM_LANES, sum);
            }
        }
        to += SLIM_STRIDED_POINTS * SLIM_STRIDED_POINTS * k * SLIM_LANES;
    }
}

/* 7 rows of a channel, every second one from `top` on: lines[row][column modulo 8][tile]. */
SLIM_STEP void SLIM_NAME(slim_strided_lines)(const slim_winograd_image_f32 *task, const float *plane, int32_t top, float *lines)
{
    const int32_t left = task->left, start = left < 0 ? SLIM_MIN(-left, SLIM_STRIDED_WIDTH) : 0;
    const int32_t end = SLIM_MAX(SLIM_MIN(task->in_w - left, SLIM_STRIDED_WIDTH), start);
    SLIM_ROLL
    for (int row = 0; row < SLIM_STRIDED_POINTS; row++, lines += 8 * SLIM_STRIDED_LINE) {
        const int32_t y = top + 2 * row;
        float padded[SLIM_STRIDED_WIDTH];
        const float *from = padded;
        if (y >= 0 && y < task->in_h && !start && end == SLIM_STRIDED_WIDTH) {
            from = plane + (ptrdiff_t)y * task->in_w + left;
        } else {
            slim_fill(padded, 0, sizeof padded);
            if (y >= 0 && y < task->in_h && end > start)
                slim_copy(padded + start, plane + (ptrdiff_t)y * task->in_w + left + start,
                          (size_t)(end - start) * sizeof(float));
        }
        SLIM_ROLL
        for (int tile = 0; tile <= SLIM_STRIDED_TILES; tile++) {
            SLIM_UNROLL
            for (int x = 0; x < 8; x++)
                lines[x * SLIM_STRIDED_LINE + tile] = from[8 * tile + x];
        }
    }
}

/* The transformed image, V[row of points][k][point][tile], of one kind of rows: k and k + 1 are even and odd columns. */
SLIM_STEP void SLIM_NAME(slim_strided_image)(const float *lines, size_t k, float *to)
{
    const size_t step = k * SLIM_STRIDED_POINTS * SLIM_STRIDED_TILES;
    SLIM_ROLL
    for (int column = 0; column < 2; column++) {
        SLIM_ROLL
        for (int tile = 0; tile < SLIM_STRIDED_TILES; tile += SLIM_LANES) {
            SLIM_VF block[SLIM_STRIDED_POINTS * SLIM_STRIDED_POINTS], d[SLIM_STRIDED_POINTS], o[SLIM_STRIDED_POINTS];
            const float *from = lines + column * SLIM_STRIDED_LINE + tile;
            int i, j;
            SLIM_ROLL
            for (i = 0; i < SLIM_STRIDED_POINTS; i++, from += 8 * SLIM_STRIDED_LINE) {
                SLIM_UNROLL
                for (j = 0; j < SLIM_STRIDED_POINTS; j++)
                    d[j] = SLIM_VF_LOAD(from + 2 * j % 8 * SLIM_STRIDED_LINE + j / 4);
                SLIM_NAME(slim_strided_in)(d, block + i, SLIM_STRIDED_POINTS);
            }
            SLIM_ROLL
            for (j = 0; j < SLIM_STRIDED_POINTS; j++) {
                float *out = to + (column * SLIM_STRIDED_POINTS + j) * SLIM_STRIDED_TILES + tile;
                SLIM_NAME(slim_strided_in)(block + j * SLIM_STRIDED_POINTS, o, 1);
                SLIM_UNROLL
                for (i = 0; i < SLIM_STRIDED_POINTS; i++)
                    SLIM_VF_STORE(out + (size_t)i * step, o[i]);
            }
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
        SLIM_UNROLL
        for (i = 0; i < 4; i++)
            if ((size_t)i < task->rows)
                SLIM_VF_STORE_PART(out + (size_t)i * task->out_row, lanes,
                                   SLIM_VF_MIN(SLIM_VF_MAX(SLIM_VF_ADD(o[i], bias), lo), hi));
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
        for (size_t i = 0; i < SLIM_STRIDED_POINTS; i++, weights += row * SLIM_LANES)
            SLIM_NAME(slim_strided_products)(image + i * row * SLIM_STRIDED_TILES, weights, k, tiles,
                                             sums + i * SLIM_STRIDED_TILES * 4 * SLIM_LANES);
        SLIM_NAME(slim_strided_store)(task, sums, c);
    }
}
#undef SLIM_STRIDED_GROUP
#undef SLIM_STRIDED_LINE
#undef SLIM_STRIDED_WIDTH
