/* What max and average pooling of floats share: a window's pixels, handed to the kernel. */
#ifndef SLIM_POOL_F32_H
#define SLIM_POOL_F32_H

#include "kernels/kernels.h"
#include "ops/pooling.h"

enum { SLIM_POOL_PIXELS = 64 };   /* that the kernel takes at once */

/* The largest value (`sums` = 0), or the sum times `scale`, of the pixels of `image` under rows and columns of the window of
 * output pixel (y, x), channels `channel` to `channel` + n, into `out`. 0, and nothing written, where there are none. */
SLIM_INLINE int slim_pool_f32_window(const slim_kernels *kernels, const slim_window *w, const slim_value *in, const float *image,
                                     int32_t y, int32_t x, slim_cover rows, slim_cover columns, int sums, float scale,
                                     float *out, size_t channel, size_t n)
{
    const float *pixels[SLIM_POOL_PIXELS];
    slim_pool_f32_task task;
    task.pixels = pixels;
    task.count = 0;
    task.n = n;
    task.out = out;
    task.sums = sums;
    task.scale = 1.0f;
    for (int32_t ky = rows.first; ky < rows.last; ky++) {
        const size_t row = (size_t)(y * w->stride_h - w->pad_top + ky * w->dilation_h);
        for (int32_t kx = columns.first; kx < columns.last; kx++) {
            const size_t column = (size_t)(x * w->stride_w - w->pad_left + kx * w->dilation_w);
            if (task.count == SLIM_POOL_PIXELS) {
                kernels->pool_f32(&task);
                pixels[0] = out;
                task.count = 1;
            }
            pixels[task.count++] = image + (row * (size_t)in->dims[2] + column) * (size_t)in->dims[3] + channel;
        }
    }
    if (!task.count)
        return 0;
    task.scale = scale;
    kernels->pool_f32(&task);
    return 1;
}

#endif
