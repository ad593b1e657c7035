/* Softmax of one contiguous row. Included by `isa/ISA.c`, once an instruction set. Sums are kept in sixteen lanes and folded
 * in one order, so that every instruction set gives the same bits. */
#include "ops/approximate.h"
#include "ops/lanes.h"

SLIM_TILE float SLIM_NAME(slim_largest)(const float *x, size_t n)
{
    SLIM_VF largest[SLIM_VECTORS];
    float lanes[SLIM_PANEL];
    size_t i = 0;
    SLIM_UNROLL
    for (int v = 0; v < SLIM_VECTORS; v++)
        largest[v] = SLIM_VF_SPLAT(x[0]);
    for (; i + SLIM_PANEL <= n; i += SLIM_PANEL) {
        SLIM_UNROLL
        for (int v = 0; v < SLIM_VECTORS; v++)
            largest[v] = SLIM_VF_MAX(SLIM_VF_LOAD(x + i + v * SLIM_LANES), largest[v]);
    }
    SLIM_UNROLL
    for (int v = 0; v < SLIM_VECTORS; v++)
        SLIM_VF_STORE(lanes + v * SLIM_LANES, largest[v]);
    for (; i < n; i++)
        lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
    return slim_lanes_max(lanes, SLIM_PANEL);
}

/* x and y may be the same memory: after the largest is known everything happens in y. */
SLIM_STEP void SLIM_NAME(slim_softmax_f32)(float *y, const float *x, size_t n)
{
    float largest = SLIM_NAME(slim_largest)(x, n), block[SLIM_LANE_BLOCK], lanes[SLIM_PANEL];
    SLIM_VF sum[SLIM_VECTORS];
    SLIM_UNROLL
    for (int v = 0; v < SLIM_VECTORS; v++)
        sum[v] = SLIM_VF_SPLAT(0.0f);
    for (size_t at = 0; at < n; at += SLIM_LANE_BLOCK) {
        size_t count = SLIM_MIN(n - at, SLIM_LANE_BLOCK);
        for (size_t i = count; i < SLIM_LANE_BLOCK; i++)
            block[i] = -slim_infinity();   /* e^x is 0 there */
        slim_copy_lanes(block, x + at, count);
        for (size_t i = 0; i < SLIM_LANE_BLOCK; i++)
            block[i] = slim_exp(block[i] - largest);
        for (size_t i = 0; i < SLIM_LANE_BLOCK; i += SLIM_PANEL) {
            SLIM_UNROLL
            for (int v = 0; v < SLIM_VECTORS; v++)
                sum[v] = SLIM_VF_ADD(sum[v], SLIM_VF_LOAD(block + i + v * SLIM_LANES));
        }
        slim_copy_lanes(y + at, block, count);
    }
    SLIM_UNROLL
    for (int v = 0; v < SLIM_VECTORS; v++)
        SLIM_VF_STORE(lanes + v * SLIM_LANES, sum[v]);
    float factor = 1.0f / slim_lanes_fold(lanes);
    for (size_t i = 0; i < n; i++)
        y[i] *= factor;
}
