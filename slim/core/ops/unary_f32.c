/* One fp32 input, element by element, in place where the input is not needed any more. */
#include "kernels/kernels.h"
#include "ops/approximate.h"
#include "ops/check.h"

/* Modes, as slim.core.operators.Unary. */
enum {
    UNARY_CLIP, UNARY_SIGMOID, UNARY_TANH, UNARY_HARD_SIGMOID, UNARY_HARD_SWISH, UNARY_EXP, UNARY_LOG, UNARY_SQRT, UNARY_NEG,
    UNARY_ABS, UNARY_ERF, UNARY_GELU, UNARY_GELU_TANH, UNARY_LEAKY_RELU, UNARY_ELU, UNARY_SOFTPLUS, UNARY_RECIPROCAL,
    UNARY_FLOOR, UNARY_CEIL, UNARY_ROUND, UNARY_SOFTSIGN, UNARY_SIN, UNARY_COS, UNARY_SWISH, UNARY_MODES
};

enum { UNARY_BLOCK = 64, UNARY_TASK = 4096 };   /* elements computed in local memory at a time, and in a task */

SLIM_COLD static slim_status unary_f32_prepare(slim_prepare *p)
{
    const slim_unary_f32_attributes *a = (const slim_unary_f32_attributes *)p->attributes;
    slim_status status = slim_check_types(p, 0, SLIM_F32);
    if (status != SLIM_OK)
        return status;
    if (a->mode < 0 || a->mode >= UNARY_MODES)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the mode is unknown");
    const slim_value *x = slim_prepare_input(p, 0);
    slim_prepare_in_place(p, 0, 0);
    return slim_prepare_output(p, 0, x->rank, x->dims);
}

#define UNARY_LOOP(expression)                       \
    for (size_t i = 0; i < UNARY_BLOCK; i++) {       \
        float x = block[i];                          \
        block[i] = expression;                       \
    }                                                \
    break

static void unary_f32_block(const slim_unary_f32_attributes *attributes, float *block)
{
    float alpha = attributes->alpha, beta = attributes->beta;
    switch (attributes->mode) {
    case UNARY_CLIP:
        for (size_t i = 0; i < UNARY_BLOCK; i++) {
            float v = block[i] > alpha ? block[i] : alpha;
            block[i] = v < beta ? v : beta;
        }
        break;
    case UNARY_HARD_SIGMOID:
        for (size_t i = 0; i < UNARY_BLOCK; i++) {
            float v = alpha * block[i] + beta;
            v = v > 0.0f ? v : 0.0f;
            v = v < 1.0f ? v : 1.0f;
            block[i] = v;
        }
        break;
    case UNARY_SIGMOID: UNARY_LOOP(slim_sigmoid(x));
    case UNARY_TANH: UNARY_LOOP(slim_tanh(x));
    case UNARY_EXP: UNARY_LOOP(slim_exp(x));
    case UNARY_LOG: UNARY_LOOP(slim_log(x));
    case UNARY_SQRT: UNARY_LOOP(slim_sqrt(x));
    case UNARY_NEG: UNARY_LOOP(-x);
    case UNARY_ABS: UNARY_LOOP(x < 0.0f ? -x : x + 0.0f);
    case UNARY_ERF: UNARY_LOOP(slim_erf(x));
    case UNARY_GELU: UNARY_LOOP(0.5f * x * (1.0f + slim_erf(x * 0.707106781f)));
    case UNARY_GELU_TANH: UNARY_LOOP(0.5f * x * (1.0f + slim_tanh(0.797884561f * (x + 0.044715f * x * x * x))));
    case UNARY_LEAKY_RELU: UNARY_LOOP(x >= 0.0f ? x : alpha * x);
    case UNARY_ELU: UNARY_LOOP(x >= 0.0f ? x : alpha * slim_exp_less_one(x));
    case UNARY_SOFTPLUS: UNARY_LOOP(slim_softplus(x));
    case UNARY_RECIPROCAL: UNARY_LOOP(1.0f / x);
    case UNARY_FLOOR: UNARY_LOOP(slim_floor(x));
    case UNARY_CEIL: UNARY_LOOP(-slim_floor(-x));
    case UNARY_ROUND: UNARY_LOOP(slim_round_float(x));
    case UNARY_SOFTSIGN: UNARY_LOOP(x / (1.0f + (x < 0.0f ? -x : x)));
    case UNARY_SIN: UNARY_LOOP(slim_sine(x, 0));
    case UNARY_COS: UNARY_LOOP(slim_sine(x, 1));
    default: UNARY_LOOP(x * slim_sigmoid(alpha * x));
    }
}

static void unary_f32_task(void *context, size_t index, int worker)
{
    const slim_step *s = (const slim_step *)context;
    const slim_value *x = slim_step_input(s, 0);
    size_t start = index * UNARY_TASK, end = SLIM_MIN(start + UNARY_TASK, x->count);
    const float *from = (const float *)x->data;
    float *to = (float *)slim_step_output(s, 0)->data;
    float block[UNARY_BLOCK];
    (void)worker;
    if (((const slim_unary_f32_attributes *)s->attributes)->mode == UNARY_HARD_SWISH) {
        s->kernels->elementwise_f32(SLIM_ELEMENTWISE_HARD_SWISH, from + start, NULL, to + start, end - start);
        return;
    }
    for (size_t at = start; at < end; at += UNARY_BLOCK) {
        size_t bytes = SLIM_MIN((size_t)UNARY_BLOCK, end - at) * sizeof(float);
        if (bytes < sizeof block)
            slim_fill(block, 0, sizeof block);
        slim_copy(block, from + at, bytes);
        unary_f32_block((const slim_unary_f32_attributes *)s->attributes, block);
        slim_copy(to + at, block, bytes);
    }
}

static void unary_f32_run(const slim_step *s)
{
    slim_parallel(s, slim_ceil_div(slim_step_input(s, 0)->count, UNARY_TASK), unary_f32_task, (void *)(uintptr_t)s);
}

SLIM_INTERNAL const slim_operator slim_op_unary_f32 = {
    SLIM_OP_UNARY_F32, 1, 1, 1, sizeof(slim_unary_f32_attributes) / 4, 0, "unary_f32", unary_f32_prepare, unary_f32_run,
};
