/* A window that slides over an image: the shape rule and the checks that convolution and pooling share. */
#ifndef SLIM_WINDOW_H
#define SLIM_WINDOW_H

#include "base/internal.h"
#include "include/slim_selection.h"

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
/* The same for operators that take no kernel of 0 x 0: as the attributes have it. */
SLIM_INLINE const slim_window *slim_window_as_given(const slim_step *s)
{
    return (const slim_window *)s->attributes;
}

/* Whether a convolution reads each pixel once, as they follow each other, and whether this build takes others: a single file may
 * leave them out. */
SLIM_INLINE int slim_window_is_pixel(const slim_window *w)
{
    return w->kernel_h == 1 && w->kernel_w == 1 && w->stride_h == 1 && w->stride_w == 1 && !w->pad_top && !w->pad_left
        && !w->pad_bottom && !w->pad_right;
}
#define SLIM_WINDOW_THERE(w) (SLIM_HAS_CONV_WINDOWS || slim_window_is_pixel(w))

/* Where the taps of `count` output pixels lie, from pixel `first` of all images on: rows[count][taps], each `offset` bytes into an
 * input pixel, which has `pixel` bytes, or `padding`. */
SLIM_INTERNAL void slim_window_rows(const slim_window *w, const slim_value *x, const slim_value *y, size_t pixel, size_t first,
                                    size_t count, size_t offset, const void *padding, const void **rows);

#endif
