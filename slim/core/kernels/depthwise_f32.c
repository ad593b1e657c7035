/* fp32 depthwise convolution, NHWC; see slim_depthwise_f32_task. Included by `isa/ISA.c`, once an instruction set.
 *
 * 3x3 and 5x5 windows without dilation are computed a few neighbouring output columns at a time, so that an input pixel is
 * loaded once for all the columns that it touches. Other windows go pixel by pixel. */

/* `count` neighbouring output pixels, channels `channel` to `end`. in: [kernel][reach] the input pixels, from `channel` on. */
SLIM_TILE void SLIM_NAME(slim_depthwise_f32_tile)(const slim_depthwise_f32_task *task, const float *const *in, float *out,
                                                  size_t count, size_t channel, size_t end, const int kernel, const int stride)
{
    const size_t panel = SLIM_PANEL * (size_t)(kernel * kernel), out_stride = task->out_stride, channels = task->channels;
    const float *all_weights = task->weights, *bias = task->bias;
    const SLIM_VF lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi);
    const int reach = (SLIM_COLUMNS - 1) * stride + kernel;
    for (size_t at = channel; at < end; at += SLIM_LANES) {
        const float *weights = all_weights + at / SLIM_PANEL * panel + at % SLIM_PANEL;
        float *to = out + at;
        SLIM_VF acc[SLIM_COLUMNS], start = SLIM_VF_LOAD(bias + at);
        int ky, kx, x, c;
        SLIM_UNROLL
        for (c = 0; c < SLIM_COLUMNS; c++)
            acc[c] = start;
        SLIM_ROLL
        for (ky = 0; ky < kernel; ky++, weights += kernel * SLIM_PANEL) {
            const float *const *pixels = in + ky * reach;
            SLIM_VF w[5];
            SLIM_UNROLL
            for (kx = 0; kx < kernel; kx++)
                w[kx] = SLIM_VF_LOAD(weights + kx * SLIM_PANEL);
            SLIM_UNROLL
            for (x = 0; x < reach; x++) {
                SLIM_VF v = SLIM_VF_LOAD(pixels[x] + (at - channel));
                SLIM_KEEP(v);
                SLIM_UNROLL
                for (c = 0; c < SLIM_COLUMNS; c++)
                    if (x - c * stride >= 0 && x - c * stride < kernel)
                        acc[c] = SLIM_VF_FMA(v, w[x - c * stride], acc[c]);
            }
        }
        SLIM_UNROLL
        for (c = 0; c < SLIM_COLUMNS; c++)
            acc[c] = SLIM_VF_MIN(SLIM_VF_MAX(acc[c], lo), hi);
        SLIM_UNROLL
        for (c = 0; c < SLIM_COLUMNS; c++, to += out_stride)
            if ((size_t)c < count)
                SLIM_VF_STORE_PART(to, SLIM_MIN(channels - at, (size_t)SLIM_LANES), acc[c]);
    }
}

typedef void SLIM_NAME(slim_depthwise_f32_tiles)(const slim_depthwise_f32_task *task, const float *const *in, float *out,
                                                 size_t count, size_t channel, size_t end);

#define SLIM_DEPTHWISE_F32(kernel, stride) \
    SLIM_STEP void SLIM_NAME(slim_depthwise_f32_##kernel##_##stride)(const slim_depthwise_f32_task *task, \
                                                                     const float *const *in, float *out, size_t count, \
                                                                     size_t channel, size_t end) \
    { \
        SLIM_NAME(slim_depthwise_f32_tile)(task, in, out, count, channel, end, kernel, stride); \
    }
SLIM_DEPTHWISE_F32(3, 1)
SLIM_DEPTHWISE_F32(3, 2)
SLIM_DEPTHWISE_F32(5, 1)
SLIM_DEPTHWISE_F32(5, 2)
#undef SLIM_DEPTHWISE_F32

/* Output row r, channels `channel` to `end`. */
SLIM_STEP void SLIM_NAME(slim_depthwise_f32_row)(const slim_depthwise_f32_task *task, SLIM_NAME(slim_depthwise_f32_tiles) *tile,
                                                 size_t r, size_t channel, size_t end)
{
    static const float padding[SLIM_BLOCK] = {0};
    const float *in[5 * SLIM_REACH];
    const ptrdiff_t stride = task->stride_w, reach = (SLIM_COLUMNS - 1) * stride + task->kernel_w;
    const ptrdiff_t in_width = (ptrdiff_t)task->in_width;
    const float *const *rows = task->rows + r * (size_t)stride;
    const size_t step = SLIM_COLUMNS * (size_t)stride * task->channels;
    float *out = task->out + r * task->out_row_stride;
    int complete = 1, inside = 0;   /* no row is padding; the tile before was inside, so that its table only moves on */
    for (int ky = 0; ky < task->kernel_h; ky++)
        complete &= rows[ky] != NULL;
    for (size_t column = 0; column < task->out_width; column += SLIM_COLUMNS, out += SLIM_COLUMNS * task->out_stride) {
        const ptrdiff_t first = (ptrdiff_t)column * stride - task->pad_left;
        const int now_inside = complete && first >= 0 && first + reach <= in_width;
        const float **pixel = in;
        if (now_inside && inside)
            for (ptrdiff_t i = 0; i < task->kernel_h * reach; i++)
                in[i] += step;
        else
            for (int ky = 0; ky < task->kernel_h; ky++)
                for (ptrdiff_t x = first; x < first + reach; x++)
                    *pixel++ = rows[ky] && x >= 0 && x < in_width
                        ? rows[ky] + (size_t)x * task->channels + channel : padding;
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
    SLIM_NAME(slim_depthwise_f32_tiles) *tile = NULL;
    const int kernel = task->kernel_h, stride = task->stride_h;
    const size_t blocks = slim_ceil_div(task->channels, SLIM_BLOCK);
    const size_t block = slim_ceil_div(task->channels, blocks * SLIM_PANEL) * SLIM_PANEL;
    if (task->kernel_w == kernel && task->stride_w == stride && task->dilation_h == 1 && task->dilation_w == 1 && stride <= 2) {
        if (kernel == 3)
            tile = stride == 1 ? SLIM_NAME(slim_depthwise_f32_3_1) : SLIM_NAME(slim_depthwise_f32_3_2);
        if (kernel == 5)
            tile = stride == 1 ? SLIM_NAME(slim_depthwise_f32_5_1) : SLIM_NAME(slim_depthwise_f32_5_2);
    }
    for (size_t channel = 0; channel < task->channels; channel += block) {
        const size_t end = SLIM_MIN(channel + block, task->channels);
        for (size_t r = 0; r < task->out_rows; r++)
            if (tile)
                SLIM_NAME(slim_depthwise_f32_row)(task, tile, r, channel, end);
            else
                SLIM_NAME(slim_depthwise_f32_any)(task, r, channel, end);
    }
}
