/* fp32 depthwise convolution, NHWC; see slim_depthwise_f32_task. Included by `isa/ISA.c`, once an instruction set. */

SLIM_TILE void SLIM_NAME(slim_depthwise_f32_finish)(const slim_depthwise_f32_task *task, SLIM_VF x, float *out, size_t left)
{
    x = SLIM_VF_MIN(SLIM_VF_MAX(x, SLIM_VF_SPLAT(task->lo)), SLIM_VF_SPLAT(task->hi));
    if (left >= SLIM_LANES)
        SLIM_VF_STORE(out, x);
    else
        SLIM_VF_STORE_PART(out, left, x);
}

/* One output pixel and one vector of channels, any window. */
SLIM_STEP void SLIM_NAME(slim_depthwise_f32_pixel)(const slim_depthwise_f32_task *task, size_t r, size_t column,
                                                   size_t channel)
{
    const float *weights = task->weights + channel / SLIM_PANEL * (SLIM_PANEL * (size_t)(task->kernel_h * task->kernel_w))
        + channel % SLIM_PANEL;
    ptrdiff_t first = (ptrdiff_t)column * task->stride_w - task->pad_left;
    SLIM_VF acc = SLIM_VF_LOAD(task->bias + channel);
    for (int ky = 0; ky < task->kernel_h; ky++) {
        const float *row = task->rows[r * (size_t)task->stride_h + (size_t)(ky * task->dilation_h)];
        if (!row)
            continue;
        for (int kx = 0; kx < task->kernel_w; kx++) {
            ptrdiff_t x = first + kx * task->dilation_w;
            if (x >= 0 && x < (ptrdiff_t)task->in_width)
                acc = SLIM_VF_FMA(SLIM_VF_LOAD(row + (size_t)x * task->channels + channel),
                                  SLIM_VF_LOAD(weights + (ky * task->kernel_w + kx) * SLIM_PANEL), acc);
        }
    }
    SLIM_NAME(slim_depthwise_f32_finish)(task, acc, task->out + r * task->out_row_stride + column * task->out_stride + channel,
                                         task->channels - channel);
}

SLIM_STEP void SLIM_NAME(slim_depthwise_f32)(const slim_depthwise_f32_task *task)
{
    for (size_t r = 0; r < task->out_rows; r++)
        for (size_t channel = 0; channel < task->channels; channel += SLIM_LANES)
            for (size_t column = 0; column < task->out_width; column++)
                SLIM_NAME(slim_depthwise_f32_pixel)(task, r, column, channel);
}
