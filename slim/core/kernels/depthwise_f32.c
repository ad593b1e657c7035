/* fp32 depthwise convolution, NHWC; see slim_depthwise_f32_task. Included by `isa/ISA.c`, once an instruction set.
 *
 * 3x3 and 5x5 windows without dilation are computed a few neighbouring output columns at a time, so that an input pixel is
 * loaded once for all the columns that it touches. AVX-512 takes two rows of them for 3x3 with stride 1, and goes down the columns
 * with stride 2: 16 registers are too few. Other windows go pixel by pixel. */

/* A row of input pixels with a row of the window for one row of outputs, with another for the next; either may be absent. */
SLIM_TILE void SLIM_NAME(slim_depthwise_f32_taps)(const float *const *pixels, size_t at, const float *first,
                                                  const float *second, size_t tap, SLIM_VF *acc, SLIM_VF *next,
                                                  const int kernel, const int stride)
{
    const int reach = (SLIM_COLUMNS - 1) * stride + kernel;
    SLIM_VF w[2][5];
    int kx, x, c;
    SLIM_UNROLL
    for (kx = 0; kx < kernel; kx++) {
        if (first)
            w[0][kx] = SLIM_VF_LOAD(first + (size_t)kx * tap);
        if (second)
            w[1][kx] = SLIM_VF_LOAD(second + (size_t)kx * tap);
    }
    SLIM_UNROLL
    for (x = 0; x < reach; x++) {
        SLIM_VF v = SLIM_VF_LOAD(pixels[x] + at);
        SLIM_KEEP(v);
        SLIM_UNROLL
        for (c = 0; c < SLIM_COLUMNS; c++) {
            const int k = x - c * stride;
            if (k >= 0 && k < kernel && first)
                acc[c] = SLIM_VF_FMA(v, w[0][k], acc[c]);
            if (k >= 0 && k < kernel && second)
                next[c] = SLIM_VF_FMA(v, w[1][k], next[c]);
        }
    }
}

/* `count` neighbouring output pixels of `rows` rows, channels `channel` to `end`. in: [input row][reach] the input pixels, from
 * `channel` on and less `offset`. With two rows most input pixels are loaded once for both. `turned`: the rows are columns. */
SLIM_TILE void SLIM_NAME(slim_depthwise_f32_tile)(const slim_depthwise_f32_task *task, const float *const *in, size_t offset,
                                                  float *out, size_t count, size_t channel, size_t end, int turned,
                                                  const int kernel, const int stride, const int rows)
{
    const size_t panel = SLIM_PANEL * (size_t)(kernel * kernel), channels = task->channels;
    const size_t out_stride = turned ? task->out_row_stride : task->out_stride;
    const size_t out_next = turned ? task->out_stride : task->out_row_stride;
    const size_t tap = turned ? (size_t)kernel * SLIM_PANEL : SLIM_PANEL, line = turned ? SLIM_PANEL : (size_t)kernel * SLIM_PANEL;
    const float *all_weights = task->weights, *bias = task->bias;
    const SLIM_VF lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi);
    const int reach = (SLIM_COLUMNS - 1) * stride + kernel;
    SLIM_ROLL
    for (size_t at = channel; at < end; at += SLIM_LANES) {
        const float *weights = all_weights + at / SLIM_PANEL * panel + at % SLIM_PANEL;
        const size_t lanes = SLIM_MIN(channels - at, (size_t)SLIM_LANES);
        float *to = out + at;
        SLIM_VF acc[2][SLIM_COLUMNS], start = SLIM_VF_LOAD(bias + at);
        int r, y, c;
        SLIM_UNROLL
        for (c = 0; c < SLIM_COLUMNS; c++)
            acc[0][c] = acc[1][c] = start;
        if (rows == 1) {
            SLIM_ROLL
            for (y = 0; y < kernel; y++, weights += line)
                SLIM_NAME(slim_depthwise_f32_taps)(in + y * reach, at - channel + offset, weights, NULL, tap,
                                                   acc[0], acc[1], kernel, stride);
        } else {
            SLIM_UNROLL
            for (y = 0; y < kernel + stride; y++)
                SLIM_NAME(slim_depthwise_f32_taps)(in + y * reach, at - channel + offset,
                                                   y < kernel ? weights + (size_t)y * line : NULL,
                                                   y >= stride ? weights + (size_t)(y - stride) * line : NULL,
                                                   tap, acc[0], acc[1], kernel, stride);
        }
        SLIM_UNROLL
        for (r = 0; r < rows; r++, to = out + at + out_next) {
            SLIM_UNROLL
            for (c = 0; c < SLIM_COLUMNS; c++, to += out_stride)
                if ((size_t)c < count)
                    SLIM_VF_STORE_PART(to, lanes, SLIM_VF_MIN(SLIM_VF_MAX(acc[r][c], lo), hi));
        }
    }
}

typedef void SLIM_NAME(slim_depthwise_f32_tiles)(const slim_depthwise_f32_task *task, const float *const *in, size_t offset,
                                                 float *out, size_t count, size_t channel, size_t end, int turned);

#define SLIM_DEPTHWISE_F32(kernel, stride, rows) \
    SLIM_HOT_STEP void SLIM_NAME(slim_depthwise_f32_##kernel##_##stride##_##rows)( \
        const slim_depthwise_f32_task *task, const float *const *in, size_t offset, float *out, size_t count, \
        size_t channel, size_t end, int turned) \
    { \
        SLIM_NAME(slim_depthwise_f32_tile)(task, in, offset, out, count, channel, end, turned, kernel, stride, rows); \
    }
SLIM_DEPTHWISE_F32(3, 1, 1)
SLIM_DEPTHWISE_F32(3, 1, 2)
SLIM_DEPTHWISE_F32(3, 2, 1)
#if SLIM_HAS_DEPTHWISE_5
SLIM_DEPTHWISE_F32(5, 1, 1)
SLIM_DEPTHWISE_F32(5, 2, 1)
#endif
#undef SLIM_DEPTHWISE_F32

/* Output rows `line` to line + count, one or two, `length` columns of them but for those from `first` to `last`, which are done;
 * where `turned`, columns of `length` rows, as the rows of an image on its side. Channels `channel` to `end`. */
SLIM_STEP void SLIM_NAME(slim_depthwise_f32_lines)(const slim_depthwise_f32_task *task,
                                                   SLIM_NAME(slim_depthwise_f32_tiles) *tile, int turned, size_t line,
                                                   size_t count, size_t first, size_t last, size_t length,
                                                   size_t channel, size_t end)
{
    static float padding[SLIM_BLOCK];   /* zeros; not const, which would be bytes of the file */
    const float *in[5 * SLIM_REACH];
    const ptrdiff_t stride = task->stride_w, kernel = task->kernel_w, reach = (SLIM_COLUMNS - 1) * stride + kernel;
    const ptrdiff_t height = ((ptrdiff_t)task->out_rows - 1) * stride + kernel;
    const size_t channels = task->channels;
    const ptrdiff_t across = (ptrdiff_t)line * stride - (turned ? task->pad_left : 0);
    const ptrdiff_t after = across + kernel + (ptrdiff_t)(count - 1) * stride;
    const size_t step = turned ? task->out_row_stride : task->out_stride;
    float *out = task->out + line * (turned ? task->out_stride : task->out_row_stride);
    size_t offset = 0;
    int complete = !turned, inside = 0;   /* no row is padding; the tile before was inside, so that its table only moves on */
    SLIM_ROLL
    for (ptrdiff_t y = turned ? after : across; y < after; y++) {
        SLIM_FEW;
        complete &= task->rows[y] != NULL;
    }
    for (size_t done = 0; done < length; done += SLIM_COLUMNS) {
        if (done == first && last > first) {
            done = last;
            inside = 0;
            if (done >= length)
                break;
        }
        const ptrdiff_t along = (ptrdiff_t)done * stride - (turned ? 0 : task->pad_left);
        const int now_inside = complete && along >= 0 && (size_t)(along + reach) <= task->in_width;
        const float **pixel = in;
        offset += SLIM_COLUMNS * (size_t)stride * channels;
        if (!now_inside || !inside) {
            offset = 0;
            SLIM_ROLL
            for (ptrdiff_t i = across; i < after; i++) {
                ptrdiff_t y = turned ? along : i, x = turned ? i : along;
                SLIM_ROLL
                for (ptrdiff_t j = 0; j < reach; j++, y += turned, x += !turned) {
                    SLIM_FEW;
                    const float *row = y < height ? task->rows[y] : NULL;
                    *pixel++ = row && (size_t)x < task->in_width ? row + (size_t)x * channels + channel : padding;
                }
            }
        }
        inside = now_inside;
        tile(task, in, offset, out + done * step, SLIM_MIN(length - done, (size_t)SLIM_COLUMNS), channel, end, turned);
    }
}

#if SLIM_LANES == 16 && !SLIM_SMALL
/* A row of pixels with one row of a 3x3 window for SLIM_COLUMNS outputs, and with another for those below, or NULL. */
SLIM_TILE void SLIM_NAME(slim_depthwise_f32_row)(const float *pixel, size_t channels, const SLIM_VF *first, const SLIM_VF *second,
                                                 SLIM_VF *acc, SLIM_VF *below)
{
    int x, c;
    SLIM_UNROLL
    for (x = 0; x < SLIM_COLUMNS * 2 + 1; x++) {
        SLIM_VF v = SLIM_VF_LOAD(pixel);
        SLIM_KEEP(v);
        pixel += channels;
        __asm__("" : "+r"(pixel));   /* gcc would keep an address for each, most of them in memory */
        SLIM_UNROLL
        for (c = 0; c < SLIM_COLUMNS; c++) {
            if (x >= 2 * c && x < 2 * c + 3) {
                acc[c] = SLIM_VF_FMA(v, first[x - 2 * c], acc[c]);
                if (second)
                    below[c] = SLIM_VF_FMA(v, second[x - 2 * c], below[c]);
            }
        }
    }
}

/* 3x3 windows with stride 2 in `tiles` tiles of columns whose pixels lie in the image, `offset` after the beginnings of its rows. One
 * vector of channels after the other, and each column from top to bottom: weights stay in registers, pixels need no table,
 * and what two rows of outputs share is loaded once. */
SLIM_STEP void SLIM_NAME(slim_depthwise_f32_down)(const slim_depthwise_f32_task *task, size_t offset, float *out, size_t tiles,
                                                  size_t channel, size_t end)
{
    const size_t channels = task->channels;
    const SLIM_VF lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi);
    SLIM_ROLL
    for (size_t at = channel; at < end; at += SLIM_LANES) {
        const size_t lanes = SLIM_MIN(channels - at, (size_t)SLIM_LANES);
        const SLIM_VF start = SLIM_VF_LOAD(task->bias + at);
        SLIM_VF w[9], acc[SLIM_COLUMNS], below[SLIM_COLUMNS];
        int i, c;
        SLIM_UNROLL
        for (i = 0; i < 9; i++) {
            w[i] = SLIM_VF_LOAD(task->weights + at * 9 + i * SLIM_PANEL);
            SLIM_KEEP(w[i]);
        }
        SLIM_ROLL
        for (size_t tile = 0; tile < tiles; tile++) {
            const float *const *in = task->rows;
            const size_t first = offset + tile * SLIM_COLUMNS * 2 * channels + at;
            float *to = out + tile * SLIM_COLUMNS * task->out_stride + at;
            SLIM_UNROLL
            for (c = 0; c < SLIM_COLUMNS; c++)
                acc[c] = start;
            SLIM_ROLL
            for (size_t line = 0; line <= task->out_rows; line++, in += 2) {   /* finishes the line before, begins this one */
                SLIM_UNROLL
                for (c = 0; c < SLIM_COLUMNS; c++)
                    below[c] = start;
                if (line && in[-1])
                    SLIM_NAME(slim_depthwise_f32_row)(in[-1] + first, channels, w + 3, NULL, acc, NULL);
                if (in[0])
                    SLIM_NAME(slim_depthwise_f32_row)(in[0] + first, channels, w + 6, w, acc, below);
                float *pixel = to;
                SLIM_UNROLL
                for (c = 0; c < SLIM_COLUMNS; c++, pixel += task->out_stride) {
                    if (line)
                        SLIM_VF_STORE_PART(pixel, lanes, SLIM_VF_MIN(SLIM_VF_MAX(acc[c], lo), hi));
                    acc[c] = below[c];
                }
                to += line ? task->out_row_stride : 0;
            }
        }
    }
}

/* Of columns [first, width) those that `down` may do, all rows of them. Returns where they end. */
SLIM_STEP size_t SLIM_NAME(slim_depthwise_f32_middle)(const slim_depthwise_f32_task *task, size_t first, size_t width, size_t channel,
                                                      size_t end)
{
    const size_t pad = (size_t)task->pad_left, in_end = task->in_width + pad;   /* a negative pad is larger than `first` */
    width = pad <= 2 * first && in_end >= 3 ? SLIM_MIN(width, (in_end - 3) / 2 + 1) : 0;
    if (width < first + SLIM_COLUMNS)
        return first;
    const size_t tiles = (width - first) / SLIM_COLUMNS;
    SLIM_NAME(slim_depthwise_f32_down)(task, (2 * first - pad) * task->channels, task->out + first * task->out_stride, tiles, channel,
                                       end);
    return first + tiles * SLIM_COLUMNS;
}
#endif

#if SLIM_HAS_DEPTHWISE_ANY
/* The same for any window, pixel by pixel. */
SLIM_STEP void SLIM_NAME(slim_depthwise_f32_any)(const slim_depthwise_f32_task *task, size_t r, size_t channel, size_t end)
{
    const size_t panel = SLIM_PANEL * (size_t)(task->kernel_h * task->kernel_w);
    for (size_t column = 0; column < task->out_width; column++) {
        ptrdiff_t first = (ptrdiff_t)column * task->stride_w - task->pad_left;
        float *out = task->out + r * task->out_row_stride + column * task->out_stride;
        for (size_t c = channel; c < end; c += SLIM_LANES) {
            const float *weights = task->weights + c / SLIM_PANEL * panel + c % SLIM_PANEL;
            SLIM_VF acc = SLIM_VF_LOAD(task->bias + c);
            for (int ky = 0; ky < task->kernel_h; ky++) {
                const float *row = task->rows[r * (size_t)task->stride_h + (size_t)(ky * task->dilation_h)];
                for (int kx = 0; row && kx < task->kernel_w; kx++) {
                    ptrdiff_t x = first + kx * task->dilation_w;
                    if (x >= 0 && x < (ptrdiff_t)task->in_width)
                        acc = SLIM_VF_FMA(SLIM_VF_LOAD(row + (size_t)x * task->channels + c),
                                          SLIM_VF_LOAD(weights + (ky * task->kernel_w + kx) * SLIM_PANEL), acc);
                }
            }
            acc = SLIM_VF_MIN(SLIM_VF_MAX(acc, SLIM_VF_SPLAT(task->lo)), SLIM_VF_SPLAT(task->hi));
            SLIM_VF_STORE_PART(out + c, SLIM_MIN(task->channels - c, (size_t)SLIM_LANES), acc);
        }
    }
}
#endif

SLIM_STEP void SLIM_NAME(slim_depthwise_f32)(const slim_depthwise_f32_task *task)
{
    SLIM_NAME(slim_depthwise_f32_tiles) *tile = NULL, *pair = NULL;   /* of one row, and of two */
    const int kernel = task->kernel_h, stride = task->stride_h;
    const size_t most = kernel > 3 ? SLIM_BLOCK / 2 : SLIM_BLOCK;   /* more rows in the first-level cache */
    const size_t blocks = slim_ceil_div(task->channels, most);
    const size_t block = slim_ceil_div(task->channels, blocks * SLIM_PANEL) * SLIM_PANEL;
    if (task->kernel_w == kernel && task->stride_w == stride && task->dilation_h == 1 && task->dilation_w == 1 && stride <= 2) {
        if (kernel == 3) {
            tile = stride == 1 ? SLIM_NAME(slim_depthwise_f32_3_1_1) : SLIM_NAME(slim_depthwise_f32_3_2_1);
            pair = SLIM_LANES == 16 && stride == 1 ? SLIM_NAME(slim_depthwise_f32_3_1_2) : NULL;
        }
#if SLIM_HAS_DEPTHWISE_5
        if (kernel == 5)
            tile = stride == 1 ? SLIM_NAME(slim_depthwise_f32_5_1_1) : SLIM_NAME(slim_depthwise_f32_5_2_1);
#endif
    }
    const size_t left = task->out_width % SLIM_COLUMNS;   /* one or two columns are done as rows on their side, whatever the
                                                             number of rows: their sums are in another order */
    const size_t width = tile && left <= 2 ? task->out_width - left : task->out_width;
    for (size_t channel = 0; channel < task->channels; channel += block) {
        const size_t end = SLIM_MIN(channel + block, task->channels);
        for (int turned = 0; turned < 2; turned++) {
            const size_t length = turned ? task->out_rows : width, lines = turned ? task->out_width : task->out_rows;
            size_t line = turned ? width : 0, first = 0, last = 0;   /* the columns between are done already */
#if SLIM_LANES == 16 && !SLIM_SMALL
            /* pixels a multiple of 1 KB apart fall into few sets of the cache: better all channels of a few of them at once */
            if (tile == SLIM_NAME(slim_depthwise_f32_3_2_1) && !turned && task->channels % SLIM_BLOCK) {
                first = task->pad_left ? SLIM_COLUMNS : 0;
                last = SLIM_NAME(slim_depthwise_f32_middle)(task, first, length, channel, end);
            }
#endif
            for (; pair && line + 2 <= lines; line += 2)
                SLIM_NAME(slim_depthwise_f32_lines)(task, pair, turned, line, 2, 0, 0, length, channel, end);
            for (; tile && line < lines; line++)
                SLIM_NAME(slim_depthwise_f32_lines)(task, tile, turned, line, 1, first, last, length, channel, end);
#if SLIM_HAS_DEPTHWISE_ANY
            for (; line < lines; line++)
                SLIM_NAME(slim_depthwise_f32_any)(task, line, channel, end);
#endif
        }
    }
}
