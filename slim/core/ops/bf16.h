/* What convolution and dense layers in bf16 share: inputs are rounded strip by strip, and multiplied with fp32 sums. */
#ifndef SLIM_BF16_H
#define SLIM_BF16_H

#include "ops/window.h"

/* A layer as a window over images; a dense layer is one image of its rows, a pixel wide. */
typedef struct slim_bf16 {
    slim_window window;
    size_t images, in_h, in_w, out_h, out_w;
    size_t k, outputs;        /* channels */
    float lo, hi;
} slim_bf16;

/* A layer without a window: `rows` rows of k to as many of `outputs`. */
SLIM_INTERNAL slim_bf16 slim_bf16_of_rows(size_t rows, size_t k, size_t outputs);
/* Checks inputs 1 (weights), 2 (bias) and 3 (residual, of the output's shape), and asks for scratch memory. */
SLIM_INTERNAL SLIM_COLD slim_status slim_bf16_prepare(slim_prepare *p, const slim_bf16 *layer, int rank, const int32_t *dims);
SLIM_INTERNAL void slim_bf16_run(const slim_step *s, const slim_bf16 *layer);

#endif
