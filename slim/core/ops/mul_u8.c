/* The product of two quantized tensors with numpy broadcasting: integers, then one float multiply to the output's scale. */
#include "ops/broadcast.h"
#include "ops/check.h"
#include "ops/rounding.h"

SLIM_COLD static slim_status mul_u8_prepare(slim_prepare *p)
{
    const slim_mul_u8_attributes *a = (const slim_mul_u8_attributes *)p->attributes;
    slim_status status;
    if ((status = slim_check_u8(p, 0, a->lo, a->hi)) != SLIM_OK || (status = slim_check_u8(p, 1, a->lo, a->hi)) != SLIM_OK)
        return status;
    return slim_broadcast_prepare(p);
}

/* `to` is local memory, so the inputs may be the operator's output. */
static void mul_u8_block(const slim_step *s, const uint8_t *a, const uint8_t *b, uint8_t *__restrict to, size_t n)
{
    const slim_mul_u8_attributes *attributes = (const slim_mul_u8_attributes *)s->attributes;
    int32_t zero_a = slim_step_input(s, 0)->zero_point, zero_b = slim_step_input(s, 1)->zero_point;
    int32_t zero = slim_step_output(s, 0)->zero_point;
    float scale = attributes->scale, lo = (float)(attributes->lo - zero), hi = (float)(attributes->hi - zero);
    for (size_t i = 0; i < n; i++) {
        /* factors below 2^8 in size: a product of floats is exact, and multiplies in vectors everywhere */
        float product = (float)(a[i] - zero_a) * (float)(b[i] - zero_b);
        to[i] = (uint8_t)slim_round_byte(product * scale, lo, hi, zero);
    }
}

static void mul_u8_run_of(void *context, const slim_broadcast *plan, size_t a, size_t b, size_t out, size_t count)
{
    const slim_step *s = (const slim_step *)context;
    const uint8_t *x = slim_step_input(s, 0)->data + a, *y = slim_step_input(s, 1)->data + b;
    uint8_t *to = slim_step_output(s, 0)->data + out;
    size_t step_x = plan->a[plan->rank - 1], step_y = plan->b[plan->rank - 1];
    uint8_t standing_x[SLIM_BROADCAST_BLOCK], standing_y[SLIM_BROADCAST_BLOCK], block[SLIM_BROADCAST_BLOCK];
    slim_fill(standing_x, *x, sizeof standing_x);
    slim_fill(standing_y, *y, sizeof standing_y);
    for (size_t at = 0; at < count; at += SLIM_BROADCAST_BLOCK) {
        size_t n = SLIM_MIN((size_t)SLIM_BROADCAST_BLOCK, count - at);
        mul_u8_block(s, step_x ? x + at : standing_x, step_y ? y + at : standing_y, block, n);
        slim_copy(to + at, block, n);
    }
}

static void mul_u8_run(const slim_step *s)
{
    slim_broadcast_apply(s, mul_u8_run_of, (void *)(uintptr_t)s);
}

SLIM_INTERNAL const slim_operator slim_op_mul_u8 = {
    SLIM_OP_MUL_U8, 2, 2, 1, sizeof(slim_mul_u8_attributes) / 4, 0, "mul_u8", mul_u8_prepare, mul_u8_run,
};
