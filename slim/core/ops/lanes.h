/* Sums and extremes of contiguous floats in sixteen interleaved lanes: the order is fixed, so that results do not depend on
 * the instruction set, and compilers vectorise it without permission to reorder. */
#ifndef SLIM_LANES_H
#define SLIM_LANES_H

#include "base/config.h"

#define SLIM_SUM_LANES ((size_t)16)

/* `count` of the 64 floats that a vector kernel computes in local memory at a time: whole blocks move as vectors. */
#define SLIM_LANE_BLOCK ((size_t)64)

SLIM_INLINE void slim_copy_lanes(float *to, const float *from, size_t count)
{
    if (count == SLIM_LANE_BLOCK)
        __builtin_memcpy(to, from, SLIM_LANE_BLOCK * sizeof *to);
    else
        for (size_t i = 0; i < count; i++)
            to[i] = from[i];
}

/* Halves are added to each other, so that the additions wait for four others rather than for sixteen. */
SLIM_INLINE float slim_lanes_fold(const float *lanes)
{
    float half[SLIM_SUM_LANES / 2], quarter[SLIM_SUM_LANES / 4];
    for (size_t j = 0; j < SLIM_SUM_LANES / 2; j++)
        half[j] = lanes[j] + lanes[j + SLIM_SUM_LANES / 2];
    for (size_t j = 0; j < SLIM_SUM_LANES / 4; j++)
        quarter[j] = half[j] + half[j + SLIM_SUM_LANES / 4];
    return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
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

SLIM_INLINE float slim_lanes_largest(const float *lanes)
{
    float half[SLIM_SUM_LANES / 2], quarter[SLIM_SUM_LANES / 4];
    for (size_t j = 0; j < SLIM_SUM_LANES / 2; j++)
        half[j] = lanes[j] > lanes[j + SLIM_SUM_LANES / 2] ? lanes[j] : lanes[j + SLIM_SUM_LANES / 2];
    for (size_t j = 0; j < SLIM_SUM_LANES / 4; j++)
        quarter[j] = half[j] > half[j + SLIM_SUM_LANES / 4] ? half[j] : half[j + SLIM_SUM_LANES / 4];
    quarter[0] = quarter[0] > quarter[2] ? quarter[0] : quarter[2];
    quarter[1] = quarter[1] > quarter[3] ? quarter[1] : quarter[3];
    return quarter[0] > quarter[1] ? quarter[0] : quarter[1];
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
    return slim_lanes_largest(lanes);
}

#endif
