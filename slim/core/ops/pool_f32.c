/* A row of max or average pooling: windows that lie inside are one task of the kernel, and each at an edge is another. */
#include "ops/pool_f32.h"

SLIM_BRIEF SLIM_INTERNAL void slim_pool_f32_row(const slim_kernels *kernels, const slim_window *w, const slim_pooling *rule,
                                     const slim_value *in, const float *image, int32_t y, float *out, int32_t out_w,
                                     size_t out_step, size_t channel, size_t n, float nothing)
{
    static const slim_pooling none = { 0, 0, 0 };
    const size_t channels = (size_t)in->dims[3], row = (size_t)in->dims[2] * channels;
    const int32_t inside = (in->dims[2] + w->pad_left - w->dilation_w * (w->kernel_w - 1) - 1) / w->stride_w;   /* the last */
    slim_pool_f32_task task;
    slim_cover rows, columns;
    task.row_step = (size_t)w->dilation_h * row;
    task.column_step = (size_t)w->dilation_w * channels;
    task.step = (size_t)w->stride_w * channels;
    task.out_step = out_step;
    task.n = n;
    task.sums = rule != NULL;
    for (int32_t x = 0; x < out_w; x += (int32_t)task.count) {
        const int32_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
        slim_cover_pixel(w, rule ? rule : &none, in, y, x, &rows, &columns);
        task.rows = (size_t)(rows.last - rows.first);
        task.columns = (size_t)(columns.last - columns.first);
        task.count = task.columns == (size_t)w->kernel_w ? (size_t)(SLIM_MIN(inside + 1, out_w) - x) : 1;
        task.out = out + (size_t)x * out_step;
        if (task.rows && task.columns) {
            task.in = image + (size_t)(top + rows.first * w->dilation_h) * row
                + (size_t)(left + columns.first * w->dilation_w) * channels + channel;
            task.scale = 1.0f / ((float)rows.counted * (float)columns.counted);
            kernels->pool_f32(&task);
            continue;
        }
        task.count = 1;
        for (size_t i = 0; i < n; i++)
            task.out[i] = nothing;
    }
}
