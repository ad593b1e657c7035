/* What max and average pooling of floats share: windows in a row, handed to the kernel. */
#ifndef SLIM_POOL_F32_H
#define SLIM_POOL_F32_H

#include "kernels/kernels.h"
#include "ops/pooling.h"

/* Row y of the output, channels `channel` to `channel` + n: the largest values, or the means (`rule` is not NULL). What a
 * window in the padding alone gets is `nothing`. */
SLIM_INTERNAL void slim_pool_f32_row(const slim_kernels *kernels, const slim_window *w, const slim_pooling *rule,
                                     const slim_value *in, const float *image, int32_t y, float *out, int32_t out_w,
                                     size_t out_step, size_t channel, size_t n, float nothing);

#endif
