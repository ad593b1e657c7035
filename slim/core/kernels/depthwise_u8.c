/* uint8 depthwise convolution, NHWC; see slim_depthwise_u8_task. Included by `isa/ISA.c`, once an instruction set. */

SLIM_TILE void SLIM_NAME(slim_depthwise_u8_finish)(const slim_depthwise_u8_task *task, SLIM_VI acc, const int32_t *table,
                                                   uint8_t *out, size_t left)
{
    float multiplier[SLIM_LANES];
    SLIM_VF x;
    SLIM_VI y;
    __builtin_memcpy(multiplier, table + 2 * SLIM_PANEL, sizeof multiplier);
    x = SLIM_VF_MUL(SLIM_VI_TO_VF(acc), SLIM_VF_LOAD(multiplier));
    x = SLIM_VF_MIN(SLIM_VF_MAX(x, SLIM_VF_SPLAT(task->lo)), SLIM_VF_SPLAT(task->hi));
    y = SLIM_VI_ADD(SLIM_VF_ROUND(x), SLIM_VI_SPLAT(task->zero_point));
    if (left >= SLIM_LANES)
        SLIM_VI_STORE_U8(out, y);
    else
        SLIM_VI_STORE_U8_PART(out, left, y);
}

/* One output pixel and one vector of channels, any window. */
SLIM_STEP void SLIM_NAME(slim_depthwise_u8_pixel)(const slim_depthwise_u8_task *task, size_t r, size_t column,
                                                  size_t channel)
{
    const size_t taps = (size_t)(task->kernel_h * task->kernel_w);
    const int8_t *weights = task->weights + channel / SLIM_PANEL * (SLIM_PANEL * taps) + channel % SLIM_PANEL;
    const int32_t *table = task->channels_table + channel / SLIM_PANEL * (3 * SLIM_PANEL) + channel % SLIM_PANEL;
    const SLIM_VI padding = SLIM_VI_SPLAT(task->input_zero_point);
    ptrdiff_t first = (ptrdiff_t)column * task->stride_w - task->pad_left;
    SLIM_VI acc = SLIM_VI_LOAD(table);
    for (int ky = 0; ky < task->kernel_h; ky++) {
        const uint8_t *row = task->rows[r * (size_t)task->stride_h + (size_t)(ky * task->dilation_h)];
        for (int kx = 0; kx < task->kernel_w; kx++) {
            ptrdiff_t x = first + kx * task->dilation_w;
            SLIM_VI in = padding;
            if (row && x >= 0 && x < (ptrdiff_t)task->in_width)
                in = SLIM_VI_LOAD_U8(row + (size_t)x * task->channels + channel);
            acc = SLIM_VI_MULADD(in, SLIM_VI_LOAD_S8(weights + (ky * task->kernel_w + kx) * SLIM_PANEL), acc);
        }
    }
    SLIM_NAME(slim_depthwise_u8_finish)(task, acc, table,
                                        task->out + r * task->out_row_stride + column * task->out_stride + channel,
                                        task->channels - channel);
}

SLIM_STEP void SLIM_NAME(slim_depthwise_u8)(const slim_depthwise_u8_task *task)
{
    for (size_t r = 0; r < task->out_rows; r++)
        for (size_t channel = 0; channel < task->channels; channel += SLIM_LANES)
            for (size_t column = 0; column < task->out_width; column++)
                SLIM_NAME(slim_depthwise_u8_pixel)(task, r, column, channel);
}
