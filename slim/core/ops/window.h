/* A window that slides over an image: the shape rule and the checks that convolution and pooling share. */
#ifndef SLIM_WINDOW_H
#define SLIM_WINDOW_H

#include "base/internal.h"

/* The first ten attributes of every operator with a window, in their order in the program. */
typedef struct slim_window {
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left, pad_bottom, pad_right;
} slim_window;

/* Check the attributes and find the output's size for an input (N, H, W, C). A kernel of 0 x 0 is the whole input, and
 * `window` receives its real size. */
SLIM_INTERNAL SLIM_COLD slim_status slim_window_size(slim_prepare *p, const slim_value *x, slim_window *window, int32_t *out_h,
                                           int32_t *out_w);
/* The same window while the step runs, where nothing is left to check. */
SLIM_INTERNAL slim_window slim_window_of(const slim_step *s, const slim_value *x);

/* Where the taps of `count` output pixels lie, from pixel `first` of all images on: rows[count][taps], each `offset` bytes into an
 * input pixel, which has `pixel` bytes, or `padding`. */
SLIM_INTERNAL void slim_window_rows(const slim_window *w, const slim_value *x, const slim_value *y, size_t pixel, size_t first,
                                    size_t count, size_t offset, const void *padding, const void **rows);

#endif
