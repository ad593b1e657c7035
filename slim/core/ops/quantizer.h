/* Floats to stored bytes, for the operator that does only that and for those that read floats as bytes. */
#ifndef SLIM_QUANTIZER_H
#define SLIM_QUANTIZER_H

#include "kernels/kernels.h"

/* to[i] = the low byte of zero_point + round(from[i] / scale), saturated to `lowest` and lowest + 255; NaN becomes the zero point. */
SLIM_INTERNAL void slim_quantize(const slim_kernels *kernels, uint8_t *to, const float *from, size_t n, float scale,
                                 int32_t zero_point, int32_t lowest);

#endif
