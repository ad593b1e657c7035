/* uint8 depthwise convolution where a 32-bit lane adds four products at once (AVX-512 VNNI), 3x3 and 5x5. Included by
 * `depthwise_u8.c`.
 *
 * Four input rows of 64 bytes are interleaved once a column, so that each lane holds four rows of a channel; lanes with
 * weights (w0, w1, w2, 0) and (0, w0, w1, w2) make two output rows of it. Unpacking moves channels around within 128 bits in
 * just the way in which packing the results moves them back. 64 bytes are 64 channels of a pixel, or where fewer are left
 * 32 of two pixels or 16 of four. What is read behind the last channel may be anything. */

#define SLIM_FOUR_COLUMNS 64   /* input columns of 5x5 that are interleaved before they are used, of one group of rows, */
#define SLIM_WALK_COLUMNS 64   /* and output columns of 3x3 whose first halves are kept */

typedef struct SLIM_NAME(slim_four) {
    const slim_depthwise_u8_task *task;
    size_t channel, count;           /* the first, and how many of a pixel */
    size_t pixels;                   /* of a vector: 1, 2 or 4 */
    __m512i weights[SLIM_HAS_DEPTHWISE_5 ? 2 * 5 * 4 * 2 : 3 * 4 * 2];   /* [groups][columns][quarters][output rows] */
    __m512i bias[4];
    __m512 multiplier[4];
    SLIM_BYTES bytes;
    int fit;                         /* no sum overflows when it is scaled */
    uint8_t padding[64];
#if SLIM_HAS_DEPTHWISE_5
    __m512i columns[SLIM_FOUR_COLUMNS * 4];   /* [columns][groups][4] */
#endif
} SLIM_NAME(slim_four);

SLIM_TILE __m512i SLIM_NAME(slim_four_quarters)(const void *a, const void *b, const void *c, const void *d)
{
    __m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)a));
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)b), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)c), 2);
    return _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)d), 3);
}

SLIM_TILE void SLIM_NAME(slim_four_interleave)(__m512i *to, const __m512i *rows, size_t step)
{
    __m512i low01 = _mm512_unpacklo_epi8(rows[0], rows[1]), high01 = _mm512_unpackhi_epi8(rows[0], rows[1]);
    __m512i low23 = _mm512_unpacklo_epi8(rows[2], rows[3]), high23 = _mm512_unpackhi_epi8(rows[2], rows[3]);
    to[0] = _mm512_unpacklo_epi16(low01, low23);
    to[step] = _mm512_unpackhi_epi16(low01, low23);
    to[2 * step] = _mm512_unpacklo_epi16(high01, high23);
    to[3 * step] = _mm512_unpackhi_epi16(high01, high23);
}

/* What stays the same for all pixels: weights, bias and multipliers in the order of the interleaved channels. */
SLIM_STEP void SLIM_NAME(slim_four_constants)(SLIM_NAME(slim_four) *f, int groups, int rows)
{
    static const int32_t zeros[3 * SLIM_PANEL] = {0};
    const slim_depthwise_u8_task *t = f->task;
    const int kernel = t->kernel_h;
    const size_t taps = (size_t)(kernel * kernel), first = f->channel / SLIM_PANEL;
    const int8_t *panels[4];      /* of each 128 bits */
    const int32_t *tables[4];
    size_t moves[4];              /* bytes from a tap to the next: 0 where there are no channels */
    __m512i *to = f->weights;
    f->fit = 1;
    for (size_t q = 0; q < 4; q++) {
        const size_t panel = q % (4 / f->pixels);
        const int there = panel * SLIM_PANEL < f->count;
        panels[q] = there ? t->weights + (first + panel) * taps * SLIM_PANEL : (const int8_t *)zeros;
        tables[q] = there ? t->channels_table + (first + panel) * (3 * SLIM_PANEL) : zeros;
        moves[q] = there ? SLIM_PANEL : 0;
    }
    for (size_t v = 0; v < 4; v++) {
        const int32_t *const *b = tables;
        f->bias[v] = SLIM_NAME(slim_four_quarters)(b[0] + 4 * v, b[1] + 4 * v, b[2] + 4 * v, b[3] + 4 * v);
        f->multiplier[v] = _mm512_castsi512_ps(SLIM_NAME(slim_four_quarters)(
            b[0] + 2 * SLIM_PANEL + 4 * v, b[1] + 2 * SLIM_PANEL + 4 * v, b[2] + 2 * SLIM_PANEL + 4 * v,
            b[3] + 2 * SLIM_PANEL + 4 * v));
        f->fit &= SLIM_NAME(slim_bytes_fit)(f->bias[v], f->multiplier[v]);
    }
    for (int group = 0; group < groups; group++)
        for (int kx = 0; kx < kernel; kx++, to += 4 * rows)
            for (int r = 0; r < rows; r++) {
                __m512i w[4];
                for (int i = 0; i < 4; i++) {
                    const int ky = 4 * group + i - r * t->stride_h;
                    const size_t tap = (size_t)(ky * kernel + kx);
                    w[i] = _mm512_setzero_si512();
                    if (ky >= 0 && ky < kernel)
                        w[i] = SLIM_NAME(slim_four_quarters)(panels[0] + tap * moves[0], panels[1] + tap * moves[1],
                                                             panels[2] + tap * moves[2], panels[3] + tap * moves[3]);
                }
                SLIM_NAME(slim_four_interleave)(to + r, w, (size_t)rows);
            }
}

/* `count` channels of a pixel. */
SLIM_TILE void SLIM_NAME(slim_four_store_pixel)(uint8_t *to, const uint8_t *from, size_t count)
{
    size_t c = 0;
    SLIM_ROLL
    for (; c + 16 <= count; c += 16)
        _mm_storeu_si128((__m128i *)(void *)(to + c), _mm_loadu_si128((const __m128i *)(const void *)(from + c)));
    if (c < count)
        SLIM_NAME(slim_bytes_part)(to + c, _mm_loadu_si128((const __m128i *)(const void *)(from + c)), count - c);
}

/* 3x3 windows are walked along a row: what the next columns add to stays in registers. Vectors of 32 or 16 channels hold pixels
 * of the same column, of the rows of outputs that follow. */
typedef struct SLIM_NAME(slim_walk) {
    const SLIM_NAME(slim_four) *four;
    const uint8_t *from[4][4];   /* [input rows][pixels] */
    size_t from_step[4][4];      /* to the next column: 0 where the row is padding */
    uint8_t *to[2][4];           /* [output rows][pixels] */
    size_t to_step[2][4];        /* 0 where there is no such row */
    uint8_t nowhere[64];
    __m512i kept[SLIM_WALK_COLUMNS];   /* results of the first half of each 16 channels, of both rows */
} SLIM_NAME(slim_walk);

/* Column x of four rows; the padding where there is none. What follows the last channel may be anything. */
SLIM_TILE void SLIM_NAME(slim_walk_load)(const SLIM_NAME(slim_walk) *w, size_t x, __m512i *rows)
{
    const size_t pixels = w->four->pixels;
    int i;
    if (x >= w->four->task->in_width) {
        SLIM_UNROLL
        for (i = 0; i < 4; i++)
            rows[i] = _mm512_loadu_si512((const void *)w->four->padding);
        return;
    }
    SLIM_UNROLL
    for (i = 0; i < 4; i++) {
        const uint8_t *const *from = w->from[i];
        const size_t *step = w->from_step[i];
        if (pixels == 1)
            rows[i] = _mm512_loadu_si512((const void *)(from[0] + x * step[0]));
        else if (pixels == 2)
            rows[i] = _mm512_inserti64x4(
                _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(const void *)(from[0] + x * step[0]))),
                _mm256_loadu_si256((const __m256i *)(const void *)(from[1] + x * step[1])), 1);
        else
            rows[i] = SLIM_NAME(slim_four_quarters)(from[0] + x * step[0], from[1] + x * step[1], from[2] + x * step[2],
                                                    from[3] + x * step[3]);
    }
}

/* Pixels that are not whole quarters of a vector. */
SLIM_STEP void SLIM_NAME(slim_walk_store_part)(const SLIM_NAME(slim_walk) *w, size_t x, int r, const uint8_t *bytes)
{
    const size_t count = w->four->count, pixels = w->four->pixels;
    for (size_t p = 0; p < pixels; p++)
        SLIM_NAME(slim_four_store_pixel)(w->to[r][p] + x * w->to_step[r][p], bytes + p * (64 / pixels), count);
}

/* Results of output row r, column x. */
SLIM_TILE void SLIM_NAME(slim_walk_store)(const SLIM_NAME(slim_walk) *w, size_t x, int r, __m512i bytes)
{
    uint8_t *const *to = w->to[r];
    const size_t *step = w->to_step[r], count = w->four->count;
    if (count == 64) {
        _mm512_storeu_si512((void *)(to[0] + x * step[0]), bytes);
    } else if (count == 32) {
        _mm256_storeu_si256((__m256i *)(void *)(to[0] + x * step[0]), _mm512_castsi512_si256(bytes));
        _mm256_storeu_si256((__m256i *)(void *)(to[1] + x * step[1]), _mm512_extracti64x4_epi64(bytes, 1));
    } else if (count == 16) {
        _mm_storeu_si128((__m128i *)(void *)(to[0] + x * step[0]), _mm512_castsi512_si128(bytes));
        _mm_storeu_si128((__m128i *)(void *)(to[1] + x * step[1]), _mm512_extracti32x4_epi32(bytes, 1));
        _mm_storeu_si128((__m128i *)(void *)(to[2] + x * step[2]), _mm512_extracti32x4_epi32(bytes, 2));
        _mm_storeu_si128((__m128i *)(void *)(to[3] + x * step[3]), _mm512_extracti32x4_epi32(bytes, 3));
    } else {
        uint8_t part[64] __attribute__((aligned(64)));
        _mm512_store_si512((void *)part, bytes);
        SLIM_NAME(slim_walk_store_part)(w, x, r, part);
    }
}

/* Four vectors as bytes. Jumping over what is never needed costs less than doing it. */
SLIM_TILE __m512i SLIM_NAME(slim_walk_pack)(__m512 *y, const SLIM_NAME(slim_bytes) *bytes, int fit)
{
    int v;
    if (!fit) {
        SLIM_UNROLL
        for (v = 0; v < 4; v++)
            y[v] = _mm512_min_ps(y[v], bytes->hi);
    }
    return SLIM_NAME(slim_bytes_pack)(y[0], y[1], y[2], y[3], bytes, 1);
}

/* Stride 1, two output rows, columns `first` to first + count: the first 8 of each 16 channels, whose results are kept, or the
 * others. So all weights stay in registers. */
SLIM_TILE void SLIM_NAME(slim_walk_half)(SLIM_NAME(slim_walk) *walk, size_t first, size_t count, const int half)
{
    const SLIM_NAME(slim_four) *const f = walk->four;
    const __m512i bias[2] = {f->bias[2 * half], f->bias[2 * half + 1]};
    const __m512 multiplier[2] = {f->multiplier[2 * half], f->multiplier[2 * half + 1]};
    const SLIM_NAME(slim_bytes) bytes = f->bytes;
    const int fit = f->fit;
    __m512i w[3][2][2], a[2][2], b[2][2], c[2][2];   /* [output rows][vectors]; of three columns */
    size_t x = first - (size_t)f->task->pad_left;
    int k, r, v;
    SLIM_UNROLL
    for (k = 0; k < 3; k++) {
        SLIM_UNROLL
        for (v = 0; v < 2; v++) {
            SLIM_UNROLL
            for (r = 0; r < 2; r++)
                w[k][r][v] = f->weights[k * 8 + (2 * half + v) * 2 + r];
        }
    }
    SLIM_UNROLL
    for (r = 0; r < 2; r++) {
        SLIM_UNROLL
        for (v = 0; v < 2; v++)
            a[r][v] = b[r][v] = bias[v];
    }
    SLIM_ROLL
    for (size_t i = 0; i < count + 2; i++, x++) {
        __m512i rows[4], in[2];
        SLIM_NAME(slim_walk_load)(walk, x, rows);
        rows[0] = half ? _mm512_unpackhi_epi8(rows[0], rows[1]) : _mm512_unpacklo_epi8(rows[0], rows[1]);
        rows[2] = half ? _mm512_unpackhi_epi8(rows[2], rows[3]) : _mm512_unpacklo_epi8(rows[2], rows[3]);
        in[0] = _mm512_unpacklo_epi16(rows[0], rows[2]);
        in[1] = _mm512_unpackhi_epi16(rows[0], rows[2]);
        SLIM_UNROLL
        for (r = 0; r < 2; r++) {
            SLIM_UNROLL
            for (v = 0; v < 2; v++) {
                a[r][v] = SLIM_DOT(in[v], w[2][r][v], a[r][v]);
                b[r][v] = SLIM_DOT(in[v], w[1][r][v], b[r][v]);
                c[r][v] = SLIM_DOT(in[v], w[0][r][v], bias[v]);
            }
        }
        if (i >= 2) {
            __m512 y[4];
            SLIM_UNROLL
            for (r = 0; r < 4; r++)
                y[r] = _mm512_mul_ps(_mm512_cvtepi32_ps(a[r / 2][r % 2]), multiplier[r % 2]);
            const __m512i results = SLIM_NAME(slim_walk_pack)(y, &bytes, fit), kept = walk->kept[i - 2];
            if (half) {
                SLIM_NAME(slim_walk_store)(walk, first + i - 2, 0, _mm512_unpacklo_epi64(kept, results));
                SLIM_NAME(slim_walk_store)(walk, first + i - 2, 1, _mm512_unpackhi_epi64(kept, results));
            } else {
                walk->kept[i - 2] = results;
            }
        }
        SLIM_UNROLL
        for (r = 0; r < 2; r++) {
            SLIM_UNROLL
            for (v = 0; v < 2; v++)
                a[r][v] = b[r][v], b[r][v] = c[r][v];
        }
    }
}

SLIM_STEP void SLIM_NAME(slim_walk_first)(SLIM_NAME(slim_walk) *walk, size_t first, size_t count)
{
    SLIM_NAME(slim_walk_half)(walk, first, count, 0);
}

SLIM_STEP void SLIM_NAME(slim_walk_second)(SLIM_NAME(slim_walk) *walk, size_t first, size_t count)
{
    SLIM_NAME(slim_walk_half)(walk, first, count, 1);
}

/* Stride 2, one output row: every other column is the last of a window and the first of the next. */
SLIM_STEP void SLIM_NAME(slim_walk_2)(SLIM_NAME(slim_walk) *walk)
{
    const SLIM_NAME(slim_four) *const f = walk->four;
    const SLIM_NAME(slim_bytes) bytes = f->bytes;
    const int fit = f->fit;
    const size_t end = 2 * f->task->out_width;
    __m512i w[12], a[4];
    size_t x = 0 - (size_t)f->task->pad_left;
    int v;
    SLIM_UNROLL
    for (v = 0; v < 12; v++)
        w[v] = f->weights[v];
    SLIM_UNROLL
    for (v = 0; v < 4; v++)
        a[v] = f->bias[v];
    SLIM_ROLL
    for (size_t i = 0; i <= end; i++, x++) {
        __m512i rows[4], in[4];
        __m512 y[4];
        SLIM_NAME(slim_walk_load)(walk, x, rows);
        SLIM_NAME(slim_four_interleave)(in, rows, 1);
        if (i % 2) {
            SLIM_UNROLL
            for (v = 0; v < 4; v++)
                a[v] = SLIM_DOT(in[v], w[4 + v], a[v]);
            continue;
        }
        SLIM_UNROLL
        for (v = 0; v < 4; v++) {
            y[v] = _mm512_mul_ps(_mm512_cvtepi32_ps(SLIM_DOT(in[v], w[8 + v], a[v])), f->multiplier[v]);
            a[v] = SLIM_DOT(in[v], w[v], f->bias[v]);
        }
        if (i)
            SLIM_NAME(slim_walk_store)(walk, i / 2 - 1, 0, SLIM_NAME(slim_walk_pack)(y, &bytes, fit));
    }
}

/* All output rows of a block. */
SLIM_STEP void SLIM_NAME(slim_walk_all)(const SLIM_NAME(slim_four) *f)
{
    const slim_depthwise_u8_task *t = f->task;
    const size_t stride = (size_t)t->stride_h, rows = 3 - stride;
    SLIM_NAME(slim_walk) w;
    w.four = f;
    for (size_t row = 0; row < t->out_rows;) {
        for (size_t p = 0; p < f->pixels; p++, row += rows) {
            for (size_t i = 0; i < 4; i++) {
                const size_t y = row * stride + i;
                const uint8_t *from = y < (t->out_rows - 1) * stride + 3 ? t->rows[y] : NULL;
                w.from[i][p] = from ? from + f->channel : f->padding;
                w.from_step[i][p] = from ? t->channels : 0;
            }
            for (size_t r = 0; r < rows; r++) {
                const int there = row + r < t->out_rows;
                w.to[r][p] = there ? t->out + (row + r) * t->out_row_stride + f->channel : w.nowhere;
                w.to_step[r][p] = there ? t->out_stride : 0;
            }
        }
        if (stride == 2)
            SLIM_NAME(slim_walk_2)(&w);
        else
            for (size_t x = 0; x < t->out_width; x += SLIM_WALK_COLUMNS) {
                const size_t count = SLIM_MIN(t->out_width - x, (size_t)SLIM_WALK_COLUMNS);
                SLIM_NAME(slim_walk_first)(&w, x, count);
                SLIM_NAME(slim_walk_second)(&w, x, count);
            }
    }
}

#if SLIM_HAS_DEPTHWISE_5
/* 5x5 windows: columns are interleaved into local memory, since more rows and columns share them than registers hold. Vectors of
 * 32 or 16 channels hold pixels of one row, an output pixel apart. */

/* Pixels that are `next` bytes apart. */
SLIM_TILE __m512i SLIM_NAME(slim_four_load)(const uint8_t *p, ptrdiff_t next, const int pixels)
{
    if (pixels == 1)
        return _mm512_loadu_si512((const void *)p);
    if (pixels == 2)
        return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(const void *)p)),
                                  _mm256_loadu_si256((const __m256i *)(const void *)(p + next)), 1);
    return SLIM_NAME(slim_four_quarters)(p, p + next, p + 2 * next, p + 3 * next);
}

/* Interleave input columns `first` to first + count of four rows (NULL: padding). Of `period` columns the first kernel_w are
 * used. */
SLIM_TILE void SLIM_NAME(slim_four_fill_of)(SLIM_NAME(slim_four) *f, const uint8_t *const *rows, ptrdiff_t first, ptrdiff_t count,
                                            __m512i *to, size_t step, const int pixels)
{
    const slim_depthwise_u8_task *t = f->task;
    const ptrdiff_t in_width = (ptrdiff_t)t->in_width, stride = t->stride_w, period = pixels * stride;
    const ptrdiff_t pixel = (ptrdiff_t)t->channels;
    const uint8_t *from[4];
    ptrdiff_t move[4];
    int i;
    for (i = 0; i < 4; i++) {
        from[i] = rows[i] ? rows[i] + f->channel : f->padding;
        move[i] = rows[i] ? pixel : 0;
    }
    for (ptrdiff_t c = 0, at = 0; c < count; c++, to += step) {
        const ptrdiff_t x = first + c;
        const int used = at < t->kernel_w;
        __m512i v[4];
        at = at + 1 == period ? 0 : at + 1;
        if (!used)
            continue;
        if (x >= 0 && x + (pixels - 1) * stride < in_width) {
            SLIM_UNROLL
            for (i = 0; i < 4; i++)
                v[i] = SLIM_NAME(slim_four_load)(from[i] + x * move[i], stride * move[i], pixels);
        } else {
            SLIM_ROLL
            for (i = 0; i < 4; i++) {
                uint8_t some[64];
                for (ptrdiff_t p = 0; p < pixels; p++) {
                    const ptrdiff_t column = x + p * stride;
                    const int inside = column >= 0 && column < in_width;
                    __builtin_memcpy(some + p * (64 / pixels), inside ? from[i] + column * move[i] : f->padding, f->count);
                }
                v[i] = SLIM_NAME(slim_four_load)(some, 64 / pixels, pixels);
            }
        }
        SLIM_NAME(slim_four_interleave)(to, v, 1);
    }
}

SLIM_HOT_STEP void SLIM_NAME(slim_four_fill)(SLIM_NAME(slim_four) *f, const uint8_t *const *rows, ptrdiff_t first,
                                             ptrdiff_t count, __m512i *to, size_t step)
{
    if (f->pixels == 1)
        SLIM_NAME(slim_four_fill_of)(f, rows, first, count, to, step, 1);
    else if (f->pixels == 2)
        SLIM_NAME(slim_four_fill_of)(f, rows, first, count, to, step, 2);
    else
        SLIM_NAME(slim_four_fill_of)(f, rows, first, count, to, step, 4);
}

/* Results of a tile to their places: `width` output columns from `out` on. results: [rows][columns] vectors. */
SLIM_STEP void SLIM_NAME(slim_four_store)(const SLIM_NAME(slim_four) *f, const uint8_t *results, int rows, int columns,
                                          uint8_t *out, size_t width)
{
    const size_t slot = 64 / f->pixels, count = f->count, stride = f->task->out_stride, row_stride = f->task->out_row_stride;
    width = SLIM_MIN(width, (size_t)columns * f->pixels);
    for (int r = 0; r < rows; r++, results += columns * 64, out += row_stride)
        for (size_t x = 0; x < width; x++)
            SLIM_NAME(slim_four_store_pixel)(out + x * stride, results + x * slot, count);
}

/* `rows` output rows (of which `valid` are stored) and `tile` vectors of output columns. */
SLIM_TILE void SLIM_NAME(slim_four_tile)(const SLIM_NAME(slim_four) *f, const __m512i *columns, uint8_t *out, size_t width,
                                         int valid, const int kernel, const int stride, const int rows, const int tile)
{
    const int groups = (kernel + (rows - 1) * stride + 3) / 4;
    const size_t move = f->pixels * (size_t)stride * (size_t)(groups * 4);
    const size_t out_stride = f->task->out_stride, out_row_stride = f->task->out_row_stride;
    const __m512i *w = f->weights;
    uint8_t results[16 * 64] __attribute__((aligned(64)));
    __m512i acc[2][4][4];
    int r, x, v;
    SLIM_UNROLL
    for (r = 0; r < rows; r++) {
        SLIM_UNROLL
        for (x = 0; x < tile; x++) {
            SLIM_UNROLL
            for (v = 0; v < 4; v++)
                acc[r][x][v] = f->bias[v];
        }
    }
    SLIM_ROLL
    for (int group = 0; group < groups; group++) {
        const __m512i *column = columns + group * 4;
        SLIM_ROLL
        for (int kx = 0; kx < kernel; kx++, column += groups * 4, w += 4 * rows) {
            SLIM_UNROLL
            for (v = 0; v < 4; v++) {
                __m512i in[4];
                SLIM_UNROLL
                for (x = 0; x < tile; x++)
                    in[x] = column[(size_t)x * move + (size_t)v];
                SLIM_UNROLL
                for (r = 0; r < rows; r++) {
                    const __m512i weight = w[v * rows + r];
                    SLIM_UNROLL
                    for (x = 0; x < tile; x++)
                        acc[r][x][v] = SLIM_DOT(in[x], weight, acc[r][x][v]);
                }
            }
        }
    }
    const int direct = f->count == 64 && width >= (size_t)tile && valid == rows;
    SLIM_UNROLL
    for (r = 0; r < rows; r++) {
        SLIM_UNROLL
        for (x = 0; x < tile; x++) {
            __m512 y[4];
            SLIM_UNROLL
            for (v = 0; v < 4; v++)
                y[v] = _mm512_mul_ps(_mm512_cvtepi32_ps(acc[r][x][v]), f->multiplier[v]);
            uint8_t *to = direct ? out + (size_t)r * out_row_stride + (size_t)x * out_stride : results + (r * tile + x) * 64;
            _mm512_storeu_si512((void *)to, SLIM_NAME(slim_bytes_pack)(y[0], y[1], y[2], y[3], &f->bytes, 0));
        }
    }
    if (!direct)
        SLIM_NAME(slim_four_store)(f, results, valid, tile, out, width);
}

typedef void SLIM_NAME(slim_four_tiles)(const SLIM_NAME(slim_four) *f, const __m512i *columns, uint8_t *out, size_t width,
                                        int valid);

#define SLIM_FOUR(kernel, stride, rows, tile) \
    SLIM_HOT_STEP void SLIM_NAME(slim_four_##kernel##_##stride)(const SLIM_NAME(slim_four) *f, const __m512i *columns, \
                                                                uint8_t *out, size_t width, int valid) \
    { \
        SLIM_NAME(slim_four_tile)(f, columns, out, width, valid, kernel, stride, rows, tile); \
    }
SLIM_FOUR(5, 1, 2, 2)
SLIM_FOUR(5, 2, 2, 2)
#undef SLIM_FOUR

/* All output rows of a block. */
SLIM_STEP void SLIM_NAME(slim_four_all)(SLIM_NAME(slim_four) *f)
{
    const slim_depthwise_u8_task *task = f->task;
    const int kernel = 5, stride = task->stride_h, rows = 2, tile = 2, groups = 2;
    const size_t span = (task->out_rows - 1) * (size_t)stride + (size_t)kernel;
    SLIM_NAME(slim_four_tiles) *run = stride == 1 ? SLIM_NAME(slim_four_5_1) : SLIM_NAME(slim_four_5_2);
    /* vectors of output columns, whole tiles of them, whose input columns there is room for */
    const size_t period = f->pixels * (size_t)stride, room = (size_t)(SLIM_FOUR_COLUMNS / groups);
    const size_t strip = ((room - (size_t)kernel) / period + 1) / (size_t)tile * (size_t)tile;
    for (size_t r = 0; r < task->out_rows; r += (size_t)rows)
        for (size_t x = 0; x < task->out_width; x += strip * f->pixels) {
            const size_t left = task->out_width - x, vectors = SLIM_MIN(strip, slim_ceil_div(left, f->pixels));
            const ptrdiff_t first = (ptrdiff_t)x * stride - task->pad_left;
            for (int group = 0; group < groups; group++) {
                const uint8_t *in[4];
                for (size_t i = 0; i < 4; i++) {
                    const size_t row = r * (size_t)stride + (size_t)group * 4 + i;
                    in[i] = row < span ? task->rows[row] : NULL;
                }
                SLIM_NAME(slim_four_fill)(f, in, first, (ptrdiff_t)((vectors - 1) * period) + kernel, f->columns + group * 4,
                                          (size_t)groups * 4);
            }
            uint8_t *out = task->out + r * task->out_row_stride + x * task->out_stride + f->channel;
            for (size_t v = 0; v < vectors; v += (size_t)tile)
                run(f, f->columns + v * period * (size_t)(groups * 4), out + v * f->pixels * task->out_stride, left - v * f->pixels,
                    (int)SLIM_MIN((size_t)rows, task->out_rows - r));
        }
}

#endif

/* `count` channels from `channel` on of all output rows: a square window of 3 or 5 with stride 1 or 2 in both directions. */
SLIM_STEP void SLIM_NAME(slim_four_block)(const slim_depthwise_u8_task *task, size_t channel, size_t count)
{
    SLIM_NAME(slim_four) f;
    f.task = task;
    f.channel = channel;
    f.count = count;
    f.pixels = count > 32 ? 1 : count > 16 ? 2 : 4;
    f.bytes = SLIM_BYTES_OF(task->lo, task->hi, task->zero_point);
    __builtin_memset(f.padding, task->input_zero_point, sizeof f.padding);
#if SLIM_HAS_DEPTHWISE_5
    if (task->kernel_h == 5) {
        SLIM_NAME(slim_four_constants)(&f, 2, 2);
        SLIM_NAME(slim_four_all)(&f);
        return;
    }
#endif
    SLIM_NAME(slim_four_constants)(&f, 1, 3 - task->stride_h);
    SLIM_NAME(slim_walk_all)(&f);
}

SLIM_STEP void SLIM_NAME(slim_depthwise_u8_four)(const slim_depthwise_u8_task *task)
{
    const slim_depthwise_u8_task own = *task;   /* bytes that are written could alias it */
    for (size_t channel = 0; channel < own.channels;) {
        const size_t left = own.channels - channel;
        const size_t count = left >= 64 ? 64 : left > 48 ? left : left > 32 ? 32 : left > 16 ? left : SLIM_MIN(left, (size_t)16);
        SLIM_NAME(slim_four_block)(&own, channel, count);
        channel += count;
    }
}
#undef SLIM_FOUR_COLUMNS
#undef SLIM_WALK_COLUMNS
