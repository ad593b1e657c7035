/* What convolutions of an image as it comes in, N, C, H, W in fp32, have in common. */
#ifndef SLIM_IMAGE_H
#define SLIM_IMAGE_H

#include "ops/check.h"
#include "ops/window.h"

/* The input as (N, H, W, C), which the shape rule of windows takes. */
SLIM_INLINE slim_value slim_image_turned(const slim_value *x)
{
    slim_value turned = *x;
    turned.dims[1] = x->dims[2];
    turned.dims[2] = x->dims[3];
    turned.dims[3] = x->dims[1];
    return turned;
}

/* The same window while the step runs. */
SLIM_INLINE slim_window slim_image_window(const slim_step *s)
{
    slim_value turned = slim_image_turned(slim_step_input(s, 0));
    return slim_window_of(s, &turned);
}

/* Check image, filters [ceil(outputs / 16)][kernel_h * kernel_w * channels][16], bias and window; define the output. */
SLIM_INLINE slim_status slim_image_prepare(slim_prepare *p, int32_t outputs, slim_window *window)
{
    slim_status status;
    slim_value turned;
    int32_t dims[4];
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, 4, 0)) != SLIM_OK)
        return status;
    turned = slim_image_turned(x);
    dims[0] = x->dims[0];
    if ((status = slim_window_size(p, &turned, window, &dims[1], &dims[2])) != SLIM_OK)
        return status;
    if (((const slim_window *)p->attributes)->kernel_h < 1 || window->dilation_h != 1 || window->dilation_w != 1 || outputs < 1)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the window is empty or dilated");
    dims[3] = outputs;
    return slim_check_product(p, 3, slim_ceil_div((size_t)outputs, SLIM_PANEL),
                                (size_t)window->kernel_h * (size_t)window->kernel_w * (size_t)x->dims[1], 4, dims);
}

#endif
