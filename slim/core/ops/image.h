/* What convolutions of an image as it comes in, N, C, H, W in fp32, have in common. */
#ifndef SLIM_IMAGE_H
#define SLIM_IMAGE_H

#include "ops/check.h"
#include "ops/window.h"

/* The input's height, width and channels where the shape rule of windows takes them, (N, H, W, C), and nothing else. */
SLIM_INLINE void slim_image_turn(const slim_value *x, slim_value *turned)
{
    turned->dims[1] = x->dims[2];
    turned->dims[2] = x->dims[3];
    turned->dims[3] = x->dims[1];
}

/* Check image, filters [ceil(outputs / 16)][kernel_h * kernel_w * channels][16], bias and window; find the output's shape. */
SLIM_INLINE slim_status slim_image_check(slim_prepare *p, int32_t outputs, slim_window *window, int32_t *dims)
{
    slim_status status;
    slim_value turned;
    int32_t rows[3];            /* of the image that a filter touches, padded */
    size_t count;
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, 4, 0)) != SLIM_OK)
        return status;
    slim_image_turn(x, &turned);
    dims[0] = x->dims[0];
    dims[3] = outputs;
    if ((status = slim_window_size(p, &turned, window, &dims[1], &dims[2])) != SLIM_OK)
        return status;
    if (((const slim_window *)p->attributes)->kernel_h < 1 || window->dilation_h != 1 || window->dilation_w != 1 || outputs < 1)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the window is empty or dilated");
    rows[0] = window->kernel_h;
    rows[1] = (int32_t)SLIM_MIN((int64_t)x->dims[3] + window->pad_left + window->pad_right + window->stride_w, INT32_MAX);
    rows[2] = x->dims[1];
    if (!slim_count_elements(3, rows, &count))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "rows of the image would be too large");
    return slim_check_weights(p, 1, 3, slim_ceil_div((size_t)outputs, SLIM_PANEL),
                              (size_t)window->kernel_h * (size_t)window->kernel_w * (size_t)x->dims[1]);
}

/* The same, and define the output. */
SLIM_INLINE slim_status slim_image_prepare(slim_prepare *p, int32_t outputs, slim_window *window)
{
    int32_t dims[4];
    slim_status status = slim_image_check(p, outputs, window, dims);
    return status != SLIM_OK ? status : slim_check_residual(p, 3, 4, dims);
}

#endif
