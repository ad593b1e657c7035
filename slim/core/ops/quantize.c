/* Floats to the integers of the output's scale and zero point: saturate(round(x / scale) + zero point). NaN becomes the zero
 * point. */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/rounding.h"

enum { QUANTIZE_TASK = 16384, QUANTIZE_BLOCK = 256, QUANTIZE_TOGETHER = 16 };

SLIM_COLD static slim_status quantize_prepare(slim_prepare *p)
{
    slim_status status = slim_prepare_expect(p, 0, SLIM_F32, -1, 0);
    if (status != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    const slim_value *y = slim_check_output(p, 0);
    if (y->type != SLIM_I32 && !slim_check_zero_point(y))
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the output is not an integer, or its zero point is not a value of its type");
    if (!(y->scale > 0.0f))
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the output has no scale");
    slim_prepare_exact(p, 0);
    return slim_prepare_output(p, 0, x->rank, x->dims);
}

SLIM_INLINE void quantize_some(uint8_t *__restrict to, const float *__restrict from, size_t n, float scale, float lo, float hi,
                               int32_t zero_point)
{
    for (size_t i = 0; i < n; i++) {
        float x = from[i] / scale;
        x = x == x ? x : 0.0f;
        to[i] = (uint8_t)slim_round_byte(x, lo, hi, zero_point);
    }
}

/* Bytes of either sign: a stored value is the low byte of its two's complement. Compilers vectorize so many at a time. */
static void quantize_bytes(uint8_t *to, const float *from, size_t n, float scale, float lo, float hi, int32_t zero_point)
{
    for (; n >= QUANTIZE_TOGETHER; n -= QUANTIZE_TOGETHER, from += QUANTIZE_TOGETHER, to += QUANTIZE_TOGETHER)
        quantize_some(to, from, QUANTIZE_TOGETHER, scale, lo, hi, zero_point);
    quantize_some(to, from, n, scale, lo, hi, zero_point);
}

/* Unsigned bytes by a multiplication with the scale's inverse. It differs from the quotient by at most 3 * 2^-24 of it, so it
 * can only round otherwise within 255 * 3 * 2^-24 < 2^-14 of the middle between two integers. Blocks where a value lies there,
 * or is not finite, are divided. */
static void quantize_quickly(const slim_step *s, uint8_t *to, const float *from, size_t n, float scale, float lo, float hi,
                             int32_t zero_point)
{
    const float sure = 0.5f - 1.0f / 16384.0f;
    slim_quantize_u8_task task;
    task.factor = 1.0f / scale;
    task.limit = sure * sure;
    task.lo = lo;
    task.hi = hi;
    task.zero_point = zero_point;
    for (; n; n -= task.n, from += task.n, to += task.n) {
        task.from = from;
        task.to = to;
        task.n = SLIM_MIN((size_t)QUANTIZE_BLOCK, n);
        if (!s->kernels->quantize_u8(&task))
            quantize_bytes(to, from, task.n, scale, lo, hi, zero_point);
    }
}

SLIM_BRIEF static void quantize_words(int32_t *__restrict to, const float *__restrict from, size_t n, float scale, int32_t zero_point)
{
    for (size_t i = 0; i < n; i++) {
        float x = slim_round_float(from[i] / scale);
        x = x == x ? x : 0.0f;
        x = x > -4294967296.0f ? x : -4294967296.0f;
        x = x < 4294967296.0f ? x : 4294967296.0f;
        int64_t sum = (int64_t)x + zero_point;
        sum = SLIM_MAX(sum, (int64_t)INT32_MIN);
        to[i] = (int32_t)SLIM_MIN(sum, (int64_t)INT32_MAX);
    }
}

static void quantize_task(void *context, size_t index, int worker)
{
    const slim_step *s = (const slim_step *)context;
    const slim_value *y = slim_step_output(s, 0);
    const float *from = (const float *)slim_step_input(s, 0)->data + index * QUANTIZE_TASK;
    size_t n = SLIM_MIN((size_t)QUANTIZE_TASK, y->count - index * QUANTIZE_TASK);
    int32_t lowest = slim_lowest_byte(y->type);
    (void)worker;
    if (y->type == SLIM_I32)
        quantize_words((int32_t *)y->data + index * QUANTIZE_TASK, from, n, y->scale, y->zero_point);
    else if (y->type == SLIM_U8 && y->scale > 1e-30f && y->scale < 1e30f)   /* the inverse is a normal number */
        quantize_quickly(s, y->data + index * QUANTIZE_TASK, from, n, y->scale, (float)-y->zero_point,
                         (float)(255 - y->zero_point), y->zero_point);
    else
        quantize_bytes(y->data + index * QUANTIZE_TASK, from, n, y->scale, (float)(lowest - y->zero_point),
                       (float)(lowest + 255 - y->zero_point), y->zero_point);
}

static void quantize_run(const slim_step *s)
{
    slim_parallel(s, slim_ceil_div(slim_step_output(s, 0)->count, QUANTIZE_TASK), quantize_task, (void *)(uintptr_t)s);
}

SLIM_INTERNAL const slim_operator slim_op_quantize = {
    SLIM_OP_QUANTIZE, 1, 1, 1, 0, 0, "quantize", quantize_prepare, quantize_run,
};
