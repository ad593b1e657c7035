/* Sums and extremes of contiguous floats in sixteen interleaved lanes: the order is fixed, so that results do not depend on
 * the instruction set, and compilers vectorise it without permission to reorder. */
#ifndef SLIM_LANES_H
#define SLIM_LANES_H

#include "base/config.h"

#define SLIM_SUM_LANES ((size_t)16)

SLIM_INLINE float slim_lanes_fold(const float *lanes)
{
    float sum = 0.0f;
    for (size_t j = 0; j < SLIM_SUM_LANES; j++)
        sum += lanes[j];
    return sum;
}

SLIM_INLINE float slim_lanes_sum(const float *x, size_t n)
{
    float lanes[SLIM_SUM_LANES] = { 0.0f };
    size_t i = 0;
    for (; i + SLIM_SUM_LANES <= n; i += SLIM_SUM_LANES)
        for (size_t j = 0; j < SLIM_SUM_LANES; j++)
            lanes[j] += x[i + j];
    for (size_t j = 0; i + j < n; j++)
        lanes[j] += x[i + j];
    return slim_lanes_fold(lanes);
}

/* The sum of (x - center)^2. */
SLIM_INLINE float slim_lanes_squares(const float *x, size_t n, float center)
{
    float lanes[SLIM_SUM_LANES] = { 0.0f };
    size_t i = 0;
    for (; i + SLIM_SUM_LANES <= n; i += SLIM_SUM_LANES)
        for (size_t j = 0; j < SLIM_SUM_LANES; j++)
            lanes[j] += (x[i + j] - center) * (x[i + j] - center);
    for (size_t j = 0; i + j < n; j++)
        lanes[j] += (x[i + j] - center) * (x[i + j] - center);
    return slim_lanes_fold(lanes);
}

/* The largest of n >= 1 values. */
SLIM_INLINE float slim_lanes_max(const float *x, size_t n)
{
    float lanes[SLIM_SUM_LANES];
    size_t i = 0;
    for (size_t j = 0; j < SLIM_SUM_LANES; j++)
        lanes[j] = x[0];
    for (; i + SLIM_SUM_LANES <= n; i += SLIM_SUM_LANES)
        for (size_t j = 0; j < SLIM_SUM_LANES; j++)
            lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
    for (; i < n; i++)
        lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
    for (size_t j = 1; j < SLIM_SUM_LANES; j++)
        lanes[0] = lanes[j] > lanes[0] ? lanes[j] : lanes[0];
    return lanes[0];
}

#endif
