/* Quotients, or products that surely round as they do. */
#include "ops/quantizer.h"
#include "ops/rounding.h"

enum { QUANTIZER_BLOCK = 256, QUANTIZER_TOGETHER = 16 };

SLIM_INLINE void quantizer_some(uint8_t *__restrict to, const float *__restrict from, size_t n, float scale, float lo, float hi,
                                int32_t zero_point)
{
    for (size_t i = 0; i < n; i++) {
        float x = from[i] / scale;
        x = x == x ? x : 0.0f;
        to[i] = (uint8_t)slim_round_byte(x, lo, hi, zero_point);
    }
}

/* Bytes of either sign: a stored value is the low byte of its two's complement. Compilers vectorize so many at a time. */
static void quantizer_divide(uint8_t *to, const float *from, size_t n, float scale, float lo, float hi, int32_t zero_point)
{
    for (; n >= QUANTIZER_TOGETHER; n -= QUANTIZER_TOGETHER, from += QUANTIZER_TOGETHER, to += QUANTIZER_TOGETHER)
        quantizer_some(to, from, QUANTIZER_TOGETHER, scale, lo, hi, zero_point);
    quantizer_some(to, from, n, scale, lo, hi, zero_point);
}

/* Unsigned bytes may be products with the scale's inverse. They differ from quotients by at most 3 * 2^-24 of them, so they
 * can only round otherwise within 255 * 3 * 2^-24 < 2^-14 of the middle between two integers. Blocks where a value lies there,
 * or is not finite, are divided. */
SLIM_INTERNAL void slim_quantize(const slim_kernels *kernels, uint8_t *to, const float *from, size_t n, float scale,
                                 int32_t zero_point, int32_t lowest)
{
    const float sure = 0.5f - 1.0f / 16384.0f;
    const int quick = lowest == 0 && scale > 1e-30f && scale < 1e30f;   /* the inverse is a normal number */
    slim_quantize_u8_task task;
    task.factor = 1.0f / scale;
    task.limit = sure * sure;
    task.lo = (float)(lowest - zero_point);
    task.hi = (float)(lowest + 255 - zero_point);
    task.zero_point = zero_point;
    for (; n; n -= task.n, from += task.n, to += task.n) {
        task.from = from;
        task.to = to;
        task.n = SLIM_MIN((size_t)QUANTIZER_BLOCK, n);
        if (!quick || !kernels->quantize_u8(&task))
            quantizer_divide(to, from, task.n, scale, task.lo, task.hi, zero_point);
    }
}
