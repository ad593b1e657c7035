/* fp32 depthwise convolution, NHWC; see slim_depthwise_f32_task. Included by `isa/ISA.c`, once an instruction set.
 *
 * 3x3 and 5x5 windows without dilation are computed a few neighbouring output columns at a time, so that an input pixel is
 * loaded once for all the columns that it touches. Other windows go pixel by pixel. */

/* Columns `column` to column + SLIM_COLUMNS of output row r, one vector of channels. `edge`: input columns may lie in the
 * padding, and output columns outside. */
SLIM_TILE void SLIM_NAME(slim_depthwise_f32_tile)(const slim_depthwise_f32_task *task, const float *const *rows,
                                                  float *out, size_t column, size_t channel, const int kernel,
                                                  const int stride, const int edge)
{
    static const float zeros[SLIM_LANES] = {0};
    const ptrdiff_t first = (ptrdiff_t)column * stride - task->pad_left, in_width = (ptrdiff_t)task->in_width;
    const size_t channels = task->channels, last = SLIM_MIN(channels - channel, (size_t)SLIM_LANES);
    const SLIM_VF bias = SLIM_VF_LOAD(task->bias + channel), lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi);
    const float *weights = task->weights + channel / SLIM_PANEL * (SLIM_PANEL * (size_t)(kernel * kernel)) + channel % SLIM_PANEL;
    SLIM_VF acc[SLIM_COLUMNS];
    int ky, kx, x, c;
    SLIM_UNROLL
    for (c = 0; c < SLIM_COLUMNS; c++)
        acc[c] = bias;
    SLIM_ROLL
    for (ky = 0; ky < kernel; ky++, weights += kernel * SLIM_PANEL) {
        const float *in = rows[ky];
        SLIM_VF w[5];
        if (!in)
            continue;
        in += first * (ptrdiff_t)channels + (ptrdiff_t)channel;
        SLIM_UNROLL
        for (kx = 0; kx < kernel; kx++)
            w[kx] = SLIM_VF_LOAD(weights + kx * SLIM_PANEL);
        SLIM_UNROLL
        for (x = 0; x < (SLIM_COLUMNS - 1) * stride + kernel; x++, in += channels) {
            SLIM_VF v = SLIM_VF_LOAD(!edge || (first + x >= 0 && first + x < in_width) ? in : zeros);
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
    for (c = 0; c < SLIM_COLUMNS; c++, out += task->out_stride)
        if (!edge || column + (size_t)c < task->out_width)
            SLIM_VF_STORE_PART(out, last, acc[c]);
}

/* Output row r, channels `channel` to `end`. */
#define SLIM_DEPTHWISE_F32(kernel, stride) \
    SLIM_STEP void SLIM_NAME(slim_depthwise_f32_##kernel##_##stride)(const slim_depthwise_f32_task *shared, size_t r, \
                                                                     size_t channel, size_t end) \
    { \
        const slim_depthwise_f32_task task = *shared; \
        const size_t reach = (SLIM_COLUMNS - 1) * stride + kernel, pad = (size_t)task.pad_left; \
        const float *const *rows = task.rows + r * stride; \
        for (size_t column = 0; column < task.out_width; column += SLIM_COLUMNS) { \
            float *out = task.out + r * task.out_row_stride + column * task.out_stride; \
            if (column * stride >= pad && column * stride - pad + reach <= task.in_width \
                && column + SLIM_COLUMNS <= task.out_width) \
                for (size_t c = channel; c < end; c += SLIM_LANES) \
                    SLIM_NAME(slim_depthwise_f32_tile)(&task, rows, out + c, column, c, kernel, stride, 0); \
            else \
                for (size_t c = channel; c < end; c += SLIM_LANES) \
                    SLIM_NAME(slim_depthwise_f32_tile)(&task, rows, out + c, column, c, kernel, stride, 1); \
        } \
    }
SLIM_DEPTHWISE_F32(3, 1)
SLIM_DEPTHWISE_F32(3, 2)
SLIM_DEPTHWISE_F32(5, 1)
SLIM_DEPTHWISE_F32(5, 2)
#undef SLIM_DEPTHWISE_F32

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
    void (*row)(const slim_depthwise_f32_task *, size_t, size_t, size_t) = SLIM_NAME(slim_depthwise_f32_any);
    const int kernel = task->kernel_h, stride = task->stride_h;
    if (task->kernel_w == kernel && task->stride_w == stride && task->dilation_h == 1 && task->dilation_w == 1) {
        if (kernel == 3 && stride <= 2)
            row = stride == 1 ? SLIM_NAME(slim_depthwise_f32_3_1) : SLIM_NAME(slim_depthwise_f32_3_2);
        if (kernel == 5 && stride <= 2)
            row = stride == 1 ? SLIM_NAME(slim_depthwise_f32_5_1) : SLIM_NAME(slim_depthwise_f32_5_2);
    }
    for (size_t channel = 0; channel < task->channels; channel += SLIM_BLOCK)
        for (size_t r = 0; r < task->out_rows; r++)
            row(task, r, channel, SLIM_MIN(channel + SLIM_BLOCK, task->channels));
}
