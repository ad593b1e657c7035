/* One fp32 input, element by element, in place where the input is not needed any more. */
#include "kernels/kernels.h"
#include "ops/approximate.h"
#include "ops/check.h"
#include "ops/unary.h"

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

/* Whether each instruction set has code of its own for the mode. */
static int unary_has_kernel(int mode)
{
    switch (mode) {
    case UNARY_CLIP: case UNARY_SIGMOID: case UNARY_TANH: case UNARY_HARD_SIGMOID: case UNARY_EXP:
    case UNARY_ERF: case UNARY_GELU: case UNARY_GELU_TANH: case UNARY_SWISH: return 1;
    default: return 0;
    }
}

/* The other modes: too rare for that. */
static void unary_f32_block(int mode, float alpha, float *block)
{
    switch (mode) {
    case UNARY_LOG: UNARY_LOOP(slim_log(x));
    case UNARY_SQRT: UNARY_LOOP(slim_sqrt(x));
    case UNARY_NEG: UNARY_LOOP(-x);
    case UNARY_ABS: UNARY_LOOP(x < 0.0f ? -x : x + 0.0f);
    case UNARY_LEAKY_RELU: UNARY_LOOP(x >= 0.0f ? x : alpha * x);
    case UNARY_ELU: UNARY_LOOP(x >= 0.0f ? x : alpha * slim_exp_less_one(x));
    case UNARY_SOFTPLUS: UNARY_LOOP(slim_softplus(x));
    case UNARY_RECIPROCAL: UNARY_LOOP(1.0f / x);
    case UNARY_FLOOR: UNARY_LOOP(slim_floor(x));
    case UNARY_CEIL: UNARY_LOOP(-slim_floor(-x));
    case UNARY_ROUND: UNARY_LOOP(slim_round_float(x));
    case UNARY_SOFTSIGN: UNARY_LOOP(x / (1.0f + (x < 0.0f ? -x : x)));
    case UNARY_SIN: UNARY_LOOP(slim_sine(x, 0));
    default: UNARY_LOOP(slim_sine(x, 1));
    }
}

static void unary_f32_task(void *context, size_t index, int worker)
{
    const slim_step *s = (const slim_step *)context;
    const slim_unary_f32_attributes *a = (const slim_unary_f32_attributes *)s->attributes;
    const slim_value *x = slim_step_input(s, 0);
    size_t start = index * UNARY_TASK, end = SLIM_MIN(start + UNARY_TASK, x->count);
    const float *from = (const float *)x->data;
    float *to = (float *)slim_step_output(s, 0)->data;
    float block[UNARY_BLOCK];
    (void)worker;
    if (a->mode == UNARY_HARD_SWISH) {
        s->kernels->elementwise_f32(SLIM_ELEMENTWISE_HARD_SWISH, from + start, NULL, to + start, end - start);
        return;
    }
    if (unary_has_kernel(a->mode)) {
        s->kernels->unary_f32(a->mode, a->alpha, a->beta, to + start, from + start, end - start);
        return;
    }
    for (size_t at = start; at < end; at += UNARY_BLOCK) {
        size_t bytes = SLIM_MIN((size_t)UNARY_BLOCK, end - at) * sizeof(float);
        if (bytes < sizeof block)
            slim_fill(block, 0, sizeof block);
        slim_copy(block, from + at, bytes);
        unary_f32_block(a->mode, a->alpha, block);
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
