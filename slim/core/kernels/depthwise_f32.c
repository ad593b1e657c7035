/* fp32 depthwise convolution, NHWC; see slim_depthwise_f32_task. Included by `isa/ISA.c`, once an instruction set.
 *
 * 3x3 and 5x5 windows without dilation are computed a few neighbouring output columns at a time, so that an input pixel is
 * loaded once for all the columns that it touches. AVX-512 takes two rows of them for 3x3 with stride 1: 16 registers are too
 * few, and with stride 2 the rows share too little. Other windows go pixel by pixel. */

/* A row of input pixels with a row of the window for one row of outputs, with another for the next; either may be absent. */
SLIM_TILE void SLIM_NAME(slim_depthwise_f32_taps)(const float *const *pixels, size_t at, const float *first,
                                                  const float *second, SLIM_VF *acc, SLIM_VF *next, const int kernel,
                                                  const int stride)
{
    const int reach = (SLIM_COLUMNS - 1) * stride + kernel;
    SLIM_VF w[2][5];
    int kx, x, c;
    SLIM_UNROLL
    for (kx = 0; kx < kernel; kx++) {
        if (first)
            w[0][kx] = SLIM_VF_LOAD(first + kx * SLIM_PANEL);
        if (second)
            w[1][kx] = SLIM_VF_LOAD(second + kx * SLIM_PANEL);
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
 * `channel` on. With two rows most input pixels are loaded once for both. */
SLIM_TILE void SLIM_NAME(slim_depthwise_f32_tile)(const slim_depthwise_f32_task *task, const float *const *in, float *out,
                                                  size_t count, size_t channel, size_t end, const int kernel, const int stride,
                                                  const int rows)
{
    const size_t panel = SLIM_PANEL * (size_t)(kernel * kernel), out_stride = task->out_stride, channels = task->channels;
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
            for (y = 0; y < kernel; y++, weights += kernel * SLIM_PANEL)
                SLIM_NAME(slim_depthwise_f32_taps)(in + y * reach, at - channel, weights, NULL, acc[0], acc[1], kernel, stride);
        } else {
            SLIM_UNROLL
            for (y = 0; y < kernel + stride; y++)
                SLIM_NAME(slim_depthwise_f32_taps)(in + y * reach, at - channel,
                                                   y < kernel ? weights + y * kernel * SLIM_PANEL : NULL,
                                                   y >= stride ? weights + (y - stride) * kernel * SLIM_PANEL : NULL,
                                                   acc[0], acc[1], kernel, stride);
        }
        SLIM_UNROLL
        for (r = 0; r < rows; r++, to = out + at + task->out_row_stride) {
            SLIM_UNROLL
            for (c = 0; c < SLIM_COLUMNS; c++, to += out_stride)
                if ((size_t)c < count)
                    SLIM_VF_STORE_PART(to, lanes, SLIM_VF_MIN(SLIM_VF_MAX(acc[r][c], lo), hi));
        }
    }
}

typedef void SLIM_NAME(slim_depthwise_f32_tiles)(const slim_depthwise_f32_task *task, const float *const *in, float *out,
                                                 size_t count, size_t channel, size_t end);

#define SLIM_DEPTHWISE_F32(kernel, stride, rows) \
    SLIM_STEP void SLIM_NAME(slim_depthwise_f32_##kernel##_##stride##_##rows)( \
        const slim_depthwise_f32_task *task, const float *const *in, float *out, size_t count, size_t channel, size_t end) \
    { \
        SLIM_NAME(slim_depthwise_f32_tile)(task, in, out, count, channel, end, kernel, stride, rows); \
    }
SLIM_DEPTHWISE_F32(3, 1, 1)
SLIM_DEPTHWISE_F32(3, 1, 2)
SLIM_DEPTHWISE_F32(3, 2, 1)
#if SLIM_HAS_DEPTHWISE_5
SLIM_DEPTHWISE_F32(5, 1, 1)
SLIM_DEPTHWISE_F32(5, 2, 1)
#endif
#undef SLIM_DEPTHWISE_F32

/* Output rows r to r + count, one or two, channels `channel` to `end`. */
SLIM_STEP void SLIM_NAME(slim_depthwise_f32_row)(const slim_depthwise_f32_task *task, SLIM_NAME(slim_depthwise_f32_tiles) *tile,
                                                 size_t r, size_t count, size_t channel, size_t end)
{
    static const float padding[SLIM_BLOCK] = {0};
    const float *in[5 * SLIM_REACH];
    const ptrdiff_t stride = task->stride_w, reach = (SLIM_COLUMNS - 1) * stride + task->kernel_w;
    const ptrdiff_t in_width = (ptrdiff_t)task->in_width, span = task->kernel_h + (ptrdiff_t)(count - 1) * stride;
    const float *const *rows = task->rows + r * (size_t)stride;
    const size_t step = SLIM_COLUMNS * (size_t)stride * task->channels;
    float *out = task->out + r * task->out_row_stride;
    int complete = 1, inside = 0;   /* no row is padding; the tile before was inside, so that its table only moves on */
    for (ptrdiff_t y = 0; y < span; y++)
        complete &= rows[y] != NULL;
    for (size_t column = 0; column < task->out_width; column += SLIM_COLUMNS, out += SLIM_COLUMNS * task->out_stride) {
        const ptrdiff_t first = (ptrdiff_t)column * stride - task->pad_left;
        const int now_inside = complete && first >= 0 && first + reach <= in_width;
        const float **pixel = in;
        if (now_inside && inside)
            for (ptrdiff_t i = 0; i < span * reach; i++)
                in[i] += step;
        else
            for (ptrdiff_t y = 0; y < span; y++)
                for (ptrdiff_t x = first; x < first + reach; x++)
                    *pixel++ = rows[y] && x >= 0 && x < in_width
                        ? rows[y] + (size_t)x * task->channels + channel : padding;
        inside = now_inside;
        tile(task, in, out, SLIM_MIN(task->out_width - column, (size_t)SLIM_COLUMNS), channel, end);
    }
}

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
    for (size_t channel = 0; channel < task->channels; channel += block) {
        const size_t end = SLIM_MIN(channel + block, task->channels);
        size_t r = 0;
        for (; pair && r + 2 <= task->out_rows; r += 2)
            SLIM_NAME(slim_depthwise_f32_row)(task, pair, r, 2, channel, end);
        for (; r < task->out_rows; r++)
            if (tile)
                SLIM_NAME(slim_depthwise_f32_row)(task, tile, r, 1, channel, end);
            else
                SLIM_NAME(slim_depthwise_f32_any)(task, r, channel, end);
    }
}
