/* uint8 depthwise convolution, NHWC; see slim_depthwise_u8_task. Included by `isa/ISA.c`, once an instruction set.
 *
 * As depthwise_f32.c, with SLIM_DEPTH rows of the window in each 32-bit lane of a vector where the instruction set adds up
 * the products inside a lane. Padding reads the input's zero point, which the bias already takes into account. */

/* Requantize and store the sums of one output pixel, SLIM_WIDE channels from `channel` on. */
SLIM_TILE void SLIM_NAME(slim_depthwise_u8_finish)(const slim_depthwise_u8_task *task, SLIM_WIDE_ACC acc, uint8_t *out,
                                                   size_t channel)
{
    const int32_t *table = task->channels_table + channel / SLIM_PANEL * (3 * SLIM_PANEL) + channel % SLIM_PANEL;
    const SLIM_VF lo = SLIM_VF_SPLAT(task->lo), hi = SLIM_VF_SPLAT(task->hi);
    const SLIM_VI zero_point = SLIM_VI_SPLAT(task->zero_point);
    int i;
    SLIM_UNROLL
    for (i = 0; i < SLIM_WIDE; i += SLIM_LANES) {
        SLIM_VF x = SLIM_VF_MUL(SLIM_VI_TO_VF(SLIM_WIDE_PART(acc, i / SLIM_LANES)),
                                SLIM_VF_LOAD_BITS(table + 2 * SLIM_PANEL + i));
        SLIM_VI y = SLIM_VI_ADD(SLIM_VF_ROUND(SLIM_VF_MIN(SLIM_VF_MAX(x, lo), hi)), zero_point);
        if (channel + (size_t)i < task->channels)
            SLIM_VI_STORE_U8_PART(out + i, SLIM_MIN(task->channels - channel - (size_t)i, (size_t)SLIM_LANES), y);
    }
}

/* Weights of a square window in the order in which tiles use them: SLIM_DEPTH rows together, then columns. */
SLIM_TILE void SLIM_NAME(slim_depthwise_u8_weights)(const slim_depthwise_u8_task *task, size_t channel, SLIM_WIDE_W *weights,
                                                    const int kernel)
{
    static const int8_t zeros[SLIM_WIDE] = {0};
    const int8_t *panel = task->weights + channel / SLIM_PANEL * (SLIM_PANEL * (size_t)(kernel * kernel)) + channel % SLIM_PANEL;
    for (int ky = 0; ky < kernel; ky += SLIM_DEPTH)
        for (int kx = 0; kx < kernel; kx++) {
            const int8_t *w[SLIM_DEPTH];
            for (int i = 0; i < SLIM_DEPTH; i++)
                w[i] = ky + i < kernel ? panel + ((ky + i) * kernel + kx) * SLIM_PANEL : zeros;
            *weights++ = SLIM_WIDE_LOAD_W(w);
        }
}

/* Columns `column` to column + SLIM_COLUMNS of an output row, one vector of channels. `edge`: rows may be NULL, input columns
 * may lie in the padding, and output columns outside. */
SLIM_TILE void SLIM_NAME(slim_depthwise_u8_tile)(const slim_depthwise_u8_task *task, const uint8_t *const *rows,
                                                 const SLIM_WIDE_W *weights, const uint8_t *padding, uint8_t *out,
                                                 size_t column, size_t channel, const int kernel, const int stride,
                                                 const int edge)
{
    const ptrdiff_t first = (ptrdiff_t)column * stride - task->pad_left, in_width = (ptrdiff_t)task->in_width;
    const int32_t *table = task->channels_table + channel / SLIM_PANEL * (3 * SLIM_PANEL) + channel % SLIM_PANEL;
    const size_t channels = task->channels;
    SLIM_WIDE_ACC acc[SLIM_COLUMNS];
    int ky, kx, x, c, i;
    SLIM_UNROLL
    for (c = 0; c < SLIM_COLUMNS; c++)
        acc[c] = SLIM_WIDE_START(table);
    SLIM_ROLL
    for (ky = 0; ky < kernel; ky += SLIM_DEPTH, weights += kernel) {
        const uint8_t *in[SLIM_DEPTH];
        SLIM_WIDE_W w[5];
        SLIM_UNROLL
        for (i = 0; i < SLIM_DEPTH; i++) {
            in[i] = rows[SLIM_MIN(ky + i, kernel - 1)];    /* rows after the last have no weights */
            if (!edge || in[i])
                in[i] += first * (ptrdiff_t)channels + (ptrdiff_t)channel;
        }
        SLIM_UNROLL
        for (kx = 0; kx < kernel; kx++)
            w[kx] = weights[kx];
        SLIM_UNROLL
        for (x = 0; x < (SLIM_COLUMNS - 1) * stride + kernel; x++) {
            const uint8_t *p[SLIM_DEPTH];
            SLIM_WIDE_X v;
            SLIM_UNROLL
            for (i = 0; i < SLIM_DEPTH; i++)
                p[i] = !edge || (in[i] && first + x >= 0 && first + x < in_width) ? in[i] + (size_t)x * channels : padding;
            v = SLIM_WIDE_LOAD_X(p);
            SLIM_UNROLL
            for (c = 0; c < SLIM_COLUMNS; c++)
                if (x - c * stride >= 0 && x - c * stride < kernel)
                    acc[c] = SLIM_WIDE_MULADD(v, w[x - c * stride], acc[c]);
        }
    }
    SLIM_UNROLL
    for (c = 0; c < SLIM_COLUMNS; c++, out += task->out_stride)
        if (!edge || column + (size_t)c < task->out_width)
            SLIM_NAME(slim_depthwise_u8_finish)(task, acc[c], out, channel);
}

/* Channels `channel` to `end` of all output rows. */
#define SLIM_DEPTHWISE_U8(kernel, stride) \
    SLIM_STEP void SLIM_NAME(slim_depthwise_u8_##kernel##_##stride)(const slim_depthwise_u8_task *shared, \
                                                                    const uint8_t *padding, size_t channel, size_t end) \
    { \
        enum { groups = (kernel + SLIM_DEPTH - 1) / SLIM_DEPTH, reach = (SLIM_COLUMNS - 1) * stride + kernel }; \
        const slim_depthwise_u8_task task = *shared; \
        const size_t pad = (size_t)task.pad_left; \
        SLIM_WIDE_W weights[SLIM_BLOCK / SLIM_WIDE * groups * kernel]; \
        for (size_t c = channel; c < end; c += SLIM_WIDE) \
            SLIM_NAME(slim_depthwise_u8_weights)(&task, c, weights + (c - channel) / SLIM_WIDE * (groups * kernel), kernel); \
        for (size_t r = 0; r < task.out_rows; r++) { \
            const uint8_t *const *rows = task.rows + r * stride; \
            int edge_row = 0; \
            for (int ky = 0; ky < kernel; ky++) \
                edge_row |= rows[ky] == NULL; \
            for (size_t column = 0; column < task.out_width; column += SLIM_COLUMNS) { \
                uint8_t *out = task.out + r * task.out_row_stride + column * task.out_stride; \
                const SLIM_WIDE_W *w = weights; \
                if (!edge_row && column * stride >= pad && column * stride - pad + reach <= task.in_width \
                    && column + SLIM_COLUMNS <= task.out_width) \
                    for (size_t c = channel; c < end; c += SLIM_WIDE, w += groups * kernel) \
                        SLIM_NAME(slim_depthwise_u8_tile)(&task, rows, w, padding, out + c, column, c, kernel, stride, 0); \
                else \
                    for (size_t c = channel; c < end; c += SLIM_WIDE, w += groups * kernel) \
                        SLIM_NAME(slim_depthwise_u8_tile)(&task, rows, w, padding, out + c, column, c, kernel, stride, 1); \
            } \
        } \
    }
SLIM_DEPTHWISE_U8(3, 1)
SLIM_DEPTHWISE_U8(3, 2)
SLIM_DEPTHWISE_U8(5, 1)
SLIM_DEPTHWISE_U8(5, 2)
#undef SLIM_DEPTHWISE_U8

/* The same for any window, pixel by pixel and tap by tap. */
SLIM_STEP void SLIM_NAME(slim_depthwise_u8_any)(const slim_depthwise_u8_task *task, const uint8_t *padding, size_t channel,
                                                size_t end)
{
    static const int8_t zeros[SLIM_WIDE] = {0};
    const size_t panel = SLIM_PANEL * (size_t)(task->kernel_h * task->kernel_w);
    for (size_t at = 0; at < task->out_rows * task->out_width; at++) {
        size_t r = at / task->out_width, column = at % task->out_width;
        ptrdiff_t first = (ptrdiff_t)column * task->stride_w - task->pad_left;
        uint8_t *out = task->out + r * task->out_row_stride + column * task->out_stride;
        for (size_t c = channel; c < end; c += SLIM_WIDE) {
            const int8_t *weights = task->weights + c / SLIM_PANEL * panel + c % SLIM_PANEL;
            const int32_t *table = task->channels_table + c / SLIM_PANEL * (3 * SLIM_PANEL) + c % SLIM_PANEL;
            SLIM_WIDE_ACC acc = SLIM_WIDE_START(table);
            for (int ky = 0; ky < task->kernel_h; ky++) {
                const uint8_t *row = task->rows[r * (size_t)task->stride_h + (size_t)(ky * task->dilation_h)];
                for (int kx = 0; kx < task->kernel_w; kx++, weights += SLIM_PANEL) {
                    const ptrdiff_t x = first + kx * task->dilation_w;
                    const int inside = row && x >= 0 && x < (ptrdiff_t)task->in_width;
                    const uint8_t *p[SLIM_DEPTH];
                    const int8_t *w[SLIM_DEPTH];
                    for (int i = 0; i < SLIM_DEPTH; i++) {
                        p[i] = inside ? row + (size_t)x * task->channels + c : padding;
                        w[i] = i == 0 ? weights : zeros;
                    }
                    acc = SLIM_WIDE_MULADD(SLIM_WIDE_LOAD_X(p), SLIM_WIDE_LOAD_W(w), acc);
                }
            }
            SLIM_NAME(slim_depthwise_u8_finish)(task, acc, out + c, c);
        }
    }
}

SLIM_STEP void SLIM_NAME(slim_depthwise_u8)(const slim_depthwise_u8_task *task)
{
    void (*rows)(const slim_depthwise_u8_task *, const uint8_t *, size_t, size_t) = SLIM_NAME(slim_depthwise_u8_any);
    const int kernel = task->kernel_h, stride = task->stride_h;
    uint8_t padding[SLIM_WIDE];
    for (size_t i = 0; i < sizeof padding; i++)
        padding[i] = (uint8_t)task->input_zero_point;
    if (task->kernel_w == kernel && task->stride_w == stride && task->dilation_h == 1 && task->dilation_w == 1) {
        if (kernel == 3 && stride <= 2)
            rows = stride == 1 ? SLIM_NAME(slim_depthwise_u8_3_1) : SLIM_NAME(slim_depthwise_u8_3_2);
        if (kernel == 5 && stride <= 2)
            rows = stride == 1 ? SLIM_NAME(slim_depthwise_u8_5_1) : SLIM_NAME(slim_depthwise_u8_5_2);
    }
    for (size_t channel = 0; channel < task->channels; channel += SLIM_BLOCK)
        rows(task, padding, channel, SLIM_MIN(channel + SLIM_BLOCK, task->channels));
}
