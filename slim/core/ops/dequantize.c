/* Integers to floats: (stored - zero point) * scale. */
#include "ops/check.h"

enum { DEQUANTIZE_TASK = 16384 };

SLIM_COLD static slim_status dequantize_prepare(slim_prepare *p)
{
    slim_status status;
    if ((status = slim_prepare_expect(p, 0, 0, -1, 0)) != SLIM_OK || (status = slim_check_output_type(p, 0, SLIM_F32)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if (x->type != SLIM_I32 && !slim_check_zero_point(x))
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the input is not an integer, or its zero point is not a value of its type");
    return slim_prepare_output(p, 0, x->rank, x->dims);
}

SLIM_VECTORIZE static void dequantize_u8(float *__restrict to, const uint8_t *__restrict from, size_t n, float scale,
                                         int32_t zero_point)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)(from[i] - zero_point) * scale;
}

SLIM_VECTORIZE static void dequantize_i8(float *__restrict to, const int8_t *__restrict from, size_t n, float scale,
                                         int32_t zero_point)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)(from[i] - zero_point) * scale;
}

SLIM_VECTORIZE static void dequantize_i32(float *__restrict to, const int32_t *__restrict from, size_t n, float scale,
                                          int32_t zero_point)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)((int64_t)from[i] - zero_point) * scale;
}

static void dequantize_task(void *context, size_t index, int worker)
{
    const slim_step *s = (const slim_step *)context;
    const slim_value *x = slim_step_input(s, 0);
    size_t at = index * DEQUANTIZE_TASK, n = SLIM_MIN((size_t)DEQUANTIZE_TASK, x->count - at);
    float *to = (float *)slim_step_output(s, 0)->data + at;
    (void)worker;
    if (x->type == SLIM_U8)
        dequantize_u8(to, x->data + at, n, x->scale, x->zero_point);
    else if (x->type == SLIM_I8)
        dequantize_i8(to, (const int8_t *)x->data + at, n, x->scale, x->zero_point);
    else
        dequantize_i32(to, (const int32_t *)x->data + at, n, x->scale, x->zero_point);
}

static void dequantize_run(const slim_step *s)
{
    slim_parallel(s, slim_ceil_div(slim_step_input(s, 0)->count, DEQUANTIZE_TASK), dequantize_task, (void *)(uintptr_t)s);
}

SLIM_INTERNAL const slim_operator slim_op_dequantize = {
    SLIM_OP_DEQUANTIZE, 1, 1, 1, 0, 0, "dequantize", dequantize_prepare, dequantize_run,
};
