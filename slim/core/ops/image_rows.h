/* Rows of outputs of a convolution of an image as it comes in, N, C, H, W with few channels, for operators that make all of them
 * and for one that makes some at a time. */
#ifndef SLIM_IMAGE_ROWS_H
#define SLIM_IMAGE_ROWS_H

#include "kernels/kernels.h"
#include "ops/image.h"

typedef struct slim_image_rows {
    const slim_value *x;
    const slim_kernels *kernels;
    slim_window window;
    size_t height;              /* rows of outputs */
    slim_columns_f32_task task;   /* of one, but for its columns and its place */
    size_t columns;             /* floats of a row in each of the stride's columns */
    size_t row;                 /* floats of a row of the ring: [channels][stride_w][columns] */
    size_t ring, scratch;       /* bytes: of the ring, and of all scratch memory that a worker needs */
} slim_image_rows;

/* What prepare knows, too: the size of the output, how rows of the image x lie in scratch memory. */
SLIM_INTERNAL void slim_image_rows_lay(slim_image_rows *r, const slim_window *window, const slim_value *x);

/* All, of a step whose inputs 0 to 2 are image, filters and bias. */
SLIM_INTERNAL void slim_image_rows_begin(slim_image_rows *r, const slim_step *s, const slim_window *window, int32_t channels,
                                         size_t out_stride, float lo, float hi);

/* Output rows [first, last) of an image, row y into row y % slots of `out`. */
SLIM_INTERNAL void slim_image_rows_make(const slim_image_rows *r, size_t image, size_t first, size_t last, void *scratch,
                                        float *out, size_t slots);

#endif
