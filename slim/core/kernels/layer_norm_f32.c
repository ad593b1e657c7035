/* Layer normalization of contiguous rows. Included by `isa/ISA.c`, once an instruction set. Sums are kept in sixteen lanes and
 * folded in one order, so that every instruction set gives the same bits. A few rows take each step together, as in softmax. */
#include "ops/approximate.h"
#include "ops/lanes.h"

/* The sum of x - center, or of its squares. */
SLIM_TILE float SLIM_NAME(slim_moment)(const float *x, size_t n, float center, const int squares)
{
    SLIM_VF sum[SLIM_VECTORS], shift = SLIM_VF_SPLAT(-center);
    float lanes[SLIM_PANEL];
    size_t i = 0;
    SLIM_UNROLL
    for (int v = 0; v < SLIM_VECTORS; v++)
        sum[v] = SLIM_VF_SPLAT(0.0f);
    for (; i + SLIM_PANEL <= n; i += SLIM_PANEL) {
        SLIM_UNROLL
        for (int v = 0; v < SLIM_VECTORS; v++) {
            SLIM_VF d = SLIM_VF_ADD(SLIM_VF_LOAD(x + i + v * SLIM_LANES), shift);
            sum[v] = SLIM_VF_ADD(sum[v], squares ? SLIM_VF_MUL(d, d) : d);
        }
    }
    SLIM_UNROLL
    for (int v = 0; v < SLIM_VECTORS; v++)
        SLIM_VF_STORE(lanes + v * SLIM_LANES, sum[v]);
    SLIM_ROLL
    for (size_t j = 0; i + j < n; j++) {
        float d = x[i + j] - center;
        lanes[j] += squares ? d * d : d;
    }
    return slim_lanes_fold(lanes);
}

#define SLIM_LAYER_NORM_ROWS ((size_t)8)

/* y = (x - mean) / sqrt(variance + epsilon) * scale + bias; bias may be NULL, x and y the same memory. */
SLIM_STEP void SLIM_NAME(slim_layer_norm_f32)(float *y, const float *x, const float *scale, const float *bias, float epsilon,
                                              size_t rows, size_t n)
{
    float mean[SLIM_LAYER_NORM_ROWS], factor[SLIM_LAYER_NORM_ROWS];
    for (size_t some; rows; rows -= some, x += some * n, y += some * n) {
        some = SLIM_MIN(rows, SLIM_LAYER_NORM_ROWS);
        SLIM_ROLL
        for (size_t r = 0; r < some; r++)
            mean[r] = SLIM_NAME(slim_moment)(x + r * n, n, 0.0f, 0) / (float)n;
        SLIM_ROLL
        for (size_t r = 0; r < some; r++)
            factor[r] = 1.0f / slim_sqrt(SLIM_NAME(slim_moment)(x + r * n, n, mean[r], 1) / (float)n + epsilon);
        SLIM_ROLL
        for (size_t r = 0; r < some; r++) {
            const SLIM_VF shift = SLIM_VF_SPLAT(-mean[r]), factors = SLIM_VF_SPLAT(factor[r]);
            const float *from = x + r * n;
            float *to = y + r * n;
            size_t at = 0;
            SLIM_ROLL
            for (; at + SLIM_LANES <= n; at += SLIM_LANES) {
                SLIM_VF v = SLIM_VF_MUL(SLIM_VF_ADD(SLIM_VF_LOAD(from + at), shift), SLIM_VF_MUL(factors, SLIM_VF_LOAD(scale + at)));
                SLIM_VF_STORE(to + at, bias ? SLIM_VF_ADD(v, SLIM_VF_LOAD(bias + at)) : v);
            }
            SLIM_ROLL
            for (; at < n; at++) {
                float v = (from[at] - mean[r]) * (factor[r] * scale[at]);
                to[at] = bias ? v + bias[at] : v;
            }
        }
    }
}
#undef SLIM_LAYER_NORM_ROWS
