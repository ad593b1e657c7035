/* The two convolutions that end a bottleneck, depthwise and 1x1 with a residual, after what makes rows of x as they are needed:
 *
 *   y = clamp(project(clamp(depthwise(rows of x))) + residual)
 *
 * On large images the tensors between convolutions are what takes the time: here a few rows of each stay in the second-level
 * cache. A ring holds the rows that the depthwise filter touches; a task computes some output rows, and a worker that goes on with
 * the rows below finds those in its ring that both need.
 *
 * Attributes begin as bottleneck_f32's do. */
#ifndef SLIM_BOTTLENECK_H
#define SLIM_BOTTLENECK_H

#include "kernels/kernels.h"
#include "ops/window.h"

/* Inputs; a residual may be absent. */
enum {
    SLIM_BOTTLENECK_X, SLIM_EXPAND_WEIGHTS, SLIM_EXPAND_BIAS, SLIM_DEPTHWISE_WEIGHTS, SLIM_DEPTHWISE_BIAS, SLIM_PROJECT_WEIGHTS,
    SLIM_PROJECT_BIAS, SLIM_RESIDUAL
};

typedef struct slim_bottleneck_plan {
    size_t rows;                /* output rows a step */
    size_t span;                /* rows of x that a step touches: the ring's size */
    size_t ring, filtered;      /* bytes of scratch: rows of x, rows of the depthwise convolution, */
    size_t work, pointers;      /* what makes either, pointers to the rows that the filter touches */
} slim_bottleneck_plan;

typedef struct slim_bottleneck slim_bottleneck;

/* Rows [from, to) of an image into their places in the ring, row % span. */
typedef void (*slim_bottleneck_expand)(const slim_bottleneck *b, size_t image, size_t from, size_t to, float *ring, void *work);

struct slim_bottleneck {
    const slim_step *step;
    const slim_bottleneck_f32_attributes *a;
    slim_bottleneck_expand expand;   /* NULL: x is in memory */
    slim_value x;               /* (N, H, W, channels), which only has its shape where it is made row by row */
    const slim_value *y, *residual;
    slim_window window;
    slim_bottleneck_plan plan;
    size_t bands;               /* of an image */
};

/* Check all that comes after x, whose shape is known; ask for scratch memory, with `work` bytes for `expand`; define the output. */
SLIM_INTERNAL SLIM_COLD slim_status slim_bottleneck_prepare(slim_prepare *p, const slim_value *x, int expands, size_t work);

/* Run, where `expand`, `x` and `work` are given. */
SLIM_INTERNAL void slim_bottleneck_run(slim_bottleneck *b, const slim_step *s, size_t work);

/* A 1x1 convolution of pixels that follow each other. */
SLIM_INTERNAL void slim_bottleneck_pointwise(const slim_bottleneck *b, slim_gemm_f32_task *task, int weights, const float *x,
                                             size_t k, const float **rows);

#endif
