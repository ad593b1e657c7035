/* The product of two quantized tensors with numpy broadcasting: integers, then one float multiply to the output's scale. */
#include "ops/pair_u8.h"

SLIM_COLD static slim_status mul_u8_prepare(slim_prepare *p)
{
    const slim_mul_u8_attributes *a = (const slim_mul_u8_attributes *)p->attributes;
    slim_status status;
    if ((status = slim_check_u8(p, 0, a->lo, a->hi)) != SLIM_OK || (status = slim_check_u8(p, 1, a->lo, a->hi)) != SLIM_OK)
        return status;
    return slim_broadcast_prepare(p);
}

static void mul_u8_run(const slim_step *s)
{
    const slim_mul_u8_attributes *a = (const slim_mul_u8_attributes *)s->attributes;
    slim_pair_u8 pair = slim_pair_u8_of(s, a->scale, a->lo, a->hi);
    slim_broadcast_apply(s, slim_pair_u8_run, &pair);
}

SLIM_INTERNAL const slim_operator slim_op_mul_u8 = {
    SLIM_OP_MUL_U8, 2, 2, 1, sizeof(slim_mul_u8_attributes) / 4, 0, "mul_u8", mul_u8_prepare, mul_u8_run,
};
