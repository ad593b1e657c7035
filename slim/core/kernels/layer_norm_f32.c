/* Layer normalization of one contiguous row. Included by `isa/ISA.c`, once an instruction set. Sums are kept in sixteen lanes
 * and folded in one order, so that every instruction set gives the same bits. */
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
    for (size_t j = 0; i + j < n; j++) {
        float d = x[i + j] - center;
        lanes[j] += squares ? d * d : d;
    }
    return slim_lanes_fold(lanes);
}

/* y = (x - mean) / sqrt(variance + epsilon) * scale + bias; bias may be NULL, x and y the same memory. */
SLIM_STEP void SLIM_NAME(slim_layer_norm_f32)(float *y, const float *x, const float *scale, const float *bias, float epsilon,
                                              size_t n)
{
    float mean = SLIM_NAME(slim_moment)(x, n, 0.0f, 0) / (float)n;
    float variance = SLIM_NAME(slim_moment)(x, n, mean, 1) / (float)n;
    float factor = 1.0f / slim_sqrt(variance + epsilon), block[SLIM_LANE_BLOCK];
    for (size_t at = 0; at < n; at += SLIM_LANE_BLOCK) {
        size_t count = SLIM_MIN(n - at, SLIM_LANE_BLOCK);
        for (size_t i = 0; i < count; i++)
            block[i] = (x[at + i] - mean) * (factor * scale[at + i]);
        for (size_t i = 0; i < count && bias; i++)
            block[i] += bias[at + i];
        slim_copy_lanes(y + at, block, count);
    }
}
