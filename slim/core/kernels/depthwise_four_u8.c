/* uint8 depthwise convolution where a 32-bit lane adds four products at once (AVX-512 VNNI), 3x3 and 5x5. Included by
 * `depthwise_u8.c`.
 *
 * Four input rows of 64 bytes are interleaved once a column, so that each lane holds four rows of a channel; lanes with
 * weights (w0, w1, w2, 0) and (0, w0, w1, w2) make two output rows of it. Unpacking moves channels around within 128 bits in
 * just the way in which packing the results moves them back. 64 bytes are 64 channels of a pixel, or where fewer are left
 * 32 of two pixels or 16 of four, which are an output pixel apart. */

#define SLIM_FOUR_COLUMNS 64   /* input columns that are interleaved before they are used, of one group of rows */

typedef struct SLIM_NAME(slim_four) {
    const slim_depthwise_u8_task *task;
    size_t channel, count;           /* the first, and how many of a pixel */
    size_t pixels;                   /* of a vector: 1, 2 or 4 */
    __m512i weights[2 * 5 * 4 * 2];  /* [groups][columns][quarters][output rows] */
    __m512i bias[4];
    __m512 multiplier[4];
    SLIM_BYTES bytes;
    uint8_t padding[64];
    __m512i columns[SLIM_FOUR_COLUMNS * 4];   /* [columns][groups][4] */
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

/* `count` bytes of each pixel of a vector, `next` bytes apart; what lies after them is 0. */
SLIM_TILE __m512i SLIM_NAME(slim_four_load)(const uint8_t *p, ptrdiff_t next, size_t count, const int pixels)
{
    if (pixels == 1)
        return _mm512_maskz_loadu_epi8(count == 64 ? ~(__mmask64)0 : ((__mmask64)1 << count) - 1, p);
    if (pixels == 2) {
        const __mmask32 mask = count == 32 ? ~(__mmask32)0 : ((__mmask32)1 << count) - 1;
        return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi8(mask, p)),
                                  _mm256_maskz_loadu_epi8(mask, p + next), 1);
    }
    const __mmask16 mask = (__mmask16)((1u << count) - 1);
    __m512i v = _mm512_castsi128_si512(_mm_maskz_loadu_epi8(mask, p));
    v = _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(mask, p + next), 1);
    v = _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(mask, p + 2 * next), 2);
    return _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(mask, p + 3 * next), 3);
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
                v[i] = SLIM_NAME(slim_four_load)(from[i] + x * move[i], stride * move[i], f->count, pixels);
        } else {
            SLIM_ROLL
            for (i = 0; i < 4; i++) {
                uint8_t some[64];
                for (ptrdiff_t p = 0; p < pixels; p++) {
                    const ptrdiff_t column = x + p * stride;
                    const int inside = column >= 0 && column < in_width;
                    __builtin_memcpy(some + p * (64 / pixels), inside ? from[i] + column * move[i] : f->padding, f->count);
                }
                v[i] = SLIM_NAME(slim_four_load)(some, 64 / pixels, f->count, pixels);
            }
        }
        SLIM_NAME(slim_four_interleave)(to, v, 1);
    }
}

SLIM_STEP void SLIM_NAME(slim_four_fill)(SLIM_NAME(slim_four) *f, const uint8_t *const *rows, ptrdiff_t first, ptrdiff_t count,
                                         __m512i *to, size_t step)
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
        for (size_t x = 0; x < width; x++) {
            const uint8_t *from = results + x * slot;
            uint8_t *to = out + x * stride;
            size_t c = 0;
            for (; c + 16 <= count; c += 16)
                _mm_storeu_si128((__m128i *)(void *)(to + c), _mm_loadu_si128((const __m128i *)(const void *)(from + c)));
            if (c < count)
                SLIM_NAME(slim_bytes_part)(to + c, _mm_loadu_si128((const __m128i *)(const void *)(from + c)), count - c);
        }
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
            _mm512_storeu_si512((void *)to, SLIM_NAME(slim_bytes_pack)(y[0], y[1], y[2], y[3], &f->bytes));
        }
    }
    if (!direct)
        SLIM_NAME(slim_four_store)(f, results, valid, tile, out, width);
}

typedef void SLIM_NAME(slim_four_tiles)(const SLIM_NAME(slim_four) *f, const __m512i *columns, uint8_t *out, size_t width,
                                        int valid);

#define SLIM_FOUR(kernel, stride, rows, tile) \
    SLIM_STEP void SLIM_NAME(slim_four_##kernel##_##stride)(const SLIM_NAME(slim_four) *f, const __m512i *columns, \
                                                            uint8_t *out, size_t width, int valid) \
    { \
        SLIM_NAME(slim_four_tile)(f, columns, out, width, valid, kernel, stride, rows, tile); \
    }
SLIM_FOUR(3, 1, 2, 2)
SLIM_FOUR(3, 2, 1, 4)
#if SLIM_HAS_DEPTHWISE_5
SLIM_FOUR(5, 1, 2, 2)
SLIM_FOUR(5, 2, 2, 2)
#endif
#undef SLIM_FOUR

/* `count` channels from `channel` on of all output rows: a square window of 3 or 5 with stride 1 or 2 in both directions. */
SLIM_STEP void SLIM_NAME(slim_four_block)(const slim_depthwise_u8_task *task, size_t channel, size_t count)
{
    const int kernel = task->kernel_h, stride = task->stride_h, rows = kernel == 3 && stride == 2 ? 1 : 2, tile = 4 / rows;
    const int groups = (kernel + (rows - 1) * stride + 3) / 4;
    const size_t span = (task->out_rows - 1) * (size_t)stride + (size_t)kernel;
    SLIM_NAME(slim_four_tiles) *run = stride == 1 ? SLIM_NAME(slim_four_3_1) : SLIM_NAME(slim_four_3_2);
    SLIM_NAME(slim_four) f;
#if SLIM_HAS_DEPTHWISE_5
    if (kernel == 5)
        run = stride == 1 ? SLIM_NAME(slim_four_5_1) : SLIM_NAME(slim_four_5_2);
#endif
    f.task = task;
    f.channel = channel;
    f.count = count;
    f.pixels = count > 32 ? 1 : count > 16 ? 2 : 4;
    f.bytes = SLIM_BYTES_OF(task->lo, task->hi, task->zero_point);
    __builtin_memset(f.padding, task->input_zero_point, sizeof f.padding);
    SLIM_NAME(slim_four_constants)(&f, groups, rows);
    /* vectors of output columns, whole tiles of them, whose input columns there is room for */
    const size_t period = f.pixels * (size_t)stride, room = (size_t)(SLIM_FOUR_COLUMNS / groups);
    const size_t strip = ((room - (size_t)kernel) / period + 1) / (size_t)tile * (size_t)tile;
    for (size_t r = 0; r < task->out_rows; r += (size_t)rows)
        for (size_t x = 0; x < task->out_width; x += strip * f.pixels) {
            const size_t left = task->out_width - x, vectors = SLIM_MIN(strip, slim_ceil_div(left, f.pixels));
            const ptrdiff_t first = (ptrdiff_t)x * stride - task->pad_left;
            for (int group = 0; group < groups; group++) {
                const uint8_t *in[4];
                for (size_t i = 0; i < 4; i++) {
                    const size_t row = r * (size_t)stride + (size_t)group * 4 + i;
                    in[i] = row < span ? task->rows[row] : NULL;
                }
                SLIM_NAME(slim_four_fill)(&f, in, first, (ptrdiff_t)((vectors - 1) * period) + kernel, f.columns + group * 4,
                                          (size_t)groups * 4);
            }
            uint8_t *out = task->out + r * task->out_row_stride + x * task->out_stride + channel;
            for (size_t v = 0; v < vectors; v += (size_t)tile)
                run(&f, f.columns + v * period * (size_t)(groups * 4), out + v * f.pixels * task->out_stride, left - v * f.pixels,
                    (int)SLIM_MIN((size_t)rows, task->out_rows - r));
        }
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
