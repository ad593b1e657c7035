/* Rounding without libm, in forms that compilers vectorise at any baseline. */
#ifndef SLIM_ROUNDING_H
#define SLIM_ROUNDING_H

#include "base/config.h"

/* To the nearest integer, ties to even, for |x| <= 2^22: adding 1.5 * 2^23 leaves no bits for a fraction. */
SLIM_INLINE int32_t slim_round_small(float x)
{
    return (int32_t)((x + 12582912.0f) - 12582912.0f);
}

/* zero_point + round(clamp(x)): limits are integers relative to the zero point, so that the result is a byte. NaN -> lo. */
SLIM_INLINE int32_t slim_round_byte(float x, float lo, float hi, int32_t zero_point)
{
    x = x > lo ? x : lo;
    x = x < hi ? x : hi;
    return slim_round_small(x) + zero_point;
}

/* The nearest integer as a float, ties to even, for any x. */
SLIM_INLINE float slim_round_float(float x)
{
    float magnitude = x < 0.0f ? -x : x;
    float rounded = (magnitude + 8388608.0f) - 8388608.0f;
    rounded = x < 0.0f ? -rounded : rounded;
    return magnitude < 8388608.0f ? rounded : x;
}

SLIM_INLINE float slim_floor(float x)
{
    float rounded = slim_round_float(x);
    return rounded > x ? rounded - 1.0f : rounded;
}

#endif
