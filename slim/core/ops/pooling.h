/* What the two average poolings share: which inputs a window covers, and what its sum is divided by. */
#ifndef SLIM_POOLING_H
#define SLIM_POOLING_H

#include "ops/window.h"

/* Filter positions [first, last) of an axis whose inputs lie inside, and how many count for the mean. */
typedef struct slim_cover {
    int32_t first, last, counted;
} slim_cover;

/* `start` is the input index of filter position 0; `end` is one past the last padded position that counts. Never called
 * for each channel. */
SLIM_BRIEF SLIM_SHARED slim_cover slim_cover_axis(int32_t start, int32_t kernel, int32_t dilation, int32_t in, int32_t end,
                                       int count_include_pad)
{
    slim_cover c;
    int32_t fit = end > start ? (end - start - 1) / dilation + 1 : 0;
    int32_t inside = in > start ? (in - start - 1) / dilation + 1 : 0;
    c.first = start < 0 ? SLIM_MIN((-start - 1) / dilation + 1, kernel) : 0;
    c.last = SLIM_MAX(SLIM_MIN(inside, kernel), c.first);
    c.counted = count_include_pad ? SLIM_MIN(fit, kernel) : c.last - c.first;
    return c;
}

/* The attributes after the window's, in both poolings. */
typedef struct slim_pooling {
    int32_t count_include_pad, extra_bottom, extra_right;
} slim_pooling;

/* Windows of more than 2^23 positions are refused: sums of bytes stay in 32 bits and counts are exact floats. */
SLIM_SHARED SLIM_COLD slim_status slim_pooling_check(slim_prepare *p, const slim_window *w, const slim_pooling *a)
{
    if ((int64_t)w->kernel_h * w->kernel_w > 8388608)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the window is larger than the core takes");
    if (a->extra_bottom < 0 || a->extra_bottom > w->pad_bottom || a->extra_right < 0 || a->extra_right > w->pad_right)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the extra padding is not part of the padding");
    return SLIM_OK;
}

/* The covers of output pixel (y, x) in both axes. */
SLIM_BRIEF SLIM_SHARED void slim_cover_pixel(const slim_window *w, const slim_pooling *a, const slim_value *in, int32_t y, int32_t x,
                                  slim_cover *rows, slim_cover *columns)
{
    *rows = slim_cover_axis(y * w->stride_h - w->pad_top, w->kernel_h, w->dilation_h, in->dims[1],
                            in->dims[1] + w->pad_bottom - a->extra_bottom, a->count_include_pad);
    *columns = slim_cover_axis(x * w->stride_w - w->pad_left, w->kernel_w, w->dilation_w, in->dims[2],
                               in->dims[2] + w->pad_right - a->extra_right, a->count_include_pad);
}

#endif
