/* Floats to the integers of the output's scale and zero point: saturate(round(x / scale) + zero point). NaN becomes the zero
 * point. */
#include "ops/check.h"
#include "ops/quantizer.h"
#include "ops/rounding.h"

enum { QUANTIZE_TASK = 16384 };

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
    (void)worker;
    if (y->type == SLIM_I32)
        quantize_words((int32_t *)y->data + index * QUANTIZE_TASK, from, n, y->scale, y->zero_point);
    else
        slim_quantize(s->kernels, y->data + index * QUANTIZE_TASK, from, n, y->scale, y->zero_point, slim_lowest_byte(y->type));
}

static void quantize_run(const slim_step *s)
{
    slim_parallel(s, slim_ceil_div(slim_step_output(s, 0)->count, QUANTIZE_TASK), quantize_task, (void *)(uintptr_t)s);
}

SLIM_INTERNAL const slim_operator slim_op_quantize = {
    SLIM_OP_QUANTIZE, 1, 1, 1, 0, 0, "quantize", quantize_prepare, quantize_run,
};
