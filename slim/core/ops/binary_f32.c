/* Two fp32 inputs, element by element with numpy broadcasting: y = clamp(a op b). */
#include "kernels/kernels.h"
#include "ops/approximate.h"
#include "ops/broadcast.h"
#include "ops/check.h"

/* Modes, as slim.core.operators.Binary. */
enum { BINARY_ADD, BINARY_SUB, BINARY_MUL, BINARY_DIV, BINARY_MAX, BINARY_MIN, BINARY_POW, BINARY_PRELU, BINARY_MODES };

SLIM_COLD static slim_status binary_f32_prepare(slim_prepare *p)
{
    const slim_binary_f32_attributes *a = (const slim_binary_f32_attributes *)p->attributes;
    slim_status status;
    if ((status = slim_check_types(p, 0, SLIM_F32)) != SLIM_OK
        || (status = slim_prepare_expect(p, 1, SLIM_F32, -1, 0)) != SLIM_OK)
        return status;
    if (a->mode < 0 || a->mode >= BINARY_MODES)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the mode is unknown");
    return slim_broadcast_prepare(p);
}

#define BINARY_LOOP(expression)          \
    for (size_t i = 0; i < n; i++) {     \
        float x = a[i], y = b[i];        \
        out[i] = expression;             \
    }                                    \
    break

/* `out` is local memory: the inputs may be the operator's output, and the compiler need not doubt that they are apart. */
SLIM_VECTORIZE static void binary_f32_block(int mode, const float *a, const float *b, float *__restrict out, size_t n)
{
    switch (mode) {
    case BINARY_ADD: BINARY_LOOP(x + y);
    case BINARY_SUB: BINARY_LOOP(x - y);
    case BINARY_MUL: BINARY_LOOP(x * y);
    case BINARY_DIV: BINARY_LOOP(x / y);
    case BINARY_MAX: BINARY_LOOP(x > y ? x : y);
    case BINARY_MIN: BINARY_LOOP(x < y ? x : y);
    case BINARY_POW: BINARY_LOOP(slim_power(x, y));
    default: BINARY_LOOP(x >= 0.0f ? x : x * y);
    }
}

SLIM_VECTORIZE static void binary_f32_run_of(void *context, const slim_broadcast *plan, size_t a, size_t b, size_t out, size_t count)
{
    const slim_step *s = (const slim_step *)context;
    const slim_binary_f32_attributes *attributes = (const slim_binary_f32_attributes *)s->attributes;
    const float *x = (const float *)slim_step_input(s, 0)->data + a;
    const float *y = (const float *)slim_step_input(s, 1)->data + b;
    float *to = (float *)slim_step_output(s, 0)->data + out;
    size_t step_x = plan->a[plan->rank - 1], step_y = plan->b[plan->rank - 1];
    float standing_x[SLIM_BROADCAST_BLOCK], standing_y[SLIM_BROADCAST_BLOCK], block[SLIM_BROADCAST_BLOCK];
    float lo = attributes->lo, hi = attributes->hi;
    int clamps = lo > -3.40282347e38f || hi < 3.40282347e38f;   /* without limits NaN and infinities pass */
    if (step_x && step_y && !clamps && attributes->mode == BINARY_ADD) {
        s->kernels->elementwise_f32(SLIM_ELEMENTWISE_ADD, x, y, to, count);
        return;
    }
    if (step_x && step_y && !clamps && attributes->mode == BINARY_MUL) {
        s->kernels->elementwise_f32(SLIM_ELEMENTWISE_MULTIPLY, x, y, to, count);
        return;
    }
    for (size_t i = 0; i < SLIM_BROADCAST_BLOCK && !step_x; i++)
        standing_x[i] = *x;
    for (size_t i = 0; i < SLIM_BROADCAST_BLOCK && !step_y; i++)
        standing_y[i] = *y;
    for (size_t at = 0; at < count; at += SLIM_BROADCAST_BLOCK) {
        size_t n = SLIM_MIN((size_t)SLIM_BROADCAST_BLOCK, count - at);
        binary_f32_block(attributes->mode, step_x ? x + at : standing_x, step_y ? y + at : standing_y, block, n);
        for (size_t i = 0; i < n && clamps; i++) {
            float v = block[i] > lo ? block[i] : lo;
            block[i] = v < hi ? v : hi;
        }
        slim_copy(to + at, block, n * sizeof *block);
    }
}

static void binary_f32_run(const slim_step *s)
{
    slim_broadcast_apply(s, binary_f32_run_of, (void *)(uintptr_t)s);
}

SLIM_INTERNAL const slim_operator slim_op_binary_f32 = {
    SLIM_OP_BINARY_F32, 2, 2, 1, sizeof(slim_binary_f32_attributes) / 4, 0, "binary_f32", binary_f32_prepare, binary_f32_run,
};
