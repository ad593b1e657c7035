/* The sum of two quantized tensors with numpy broadcasting: each input times an integer multiplier, exactly, then one float
 * multiply to the output's scale. */
#include "ops/pair_u8.h"

enum { ADD_U8_MULTIPLIER = 1 << 22 };   /* so that two products with 255 and their sum fit 32 bits */

SLIM_COLD static slim_status add_u8_prepare(slim_prepare *p)
{
    const slim_add_u8_attributes *a = (const slim_add_u8_attributes *)p->attributes;
    slim_status status;
    if ((status = slim_check_u8(p, 0, a->lo, a->hi)) != SLIM_OK || (status = slim_check_u8(p, 1, a->lo, a->hi)) != SLIM_OK)
        return status;
    if (a->multiplier_a < -ADD_U8_MULTIPLIER || a->multiplier_a > ADD_U8_MULTIPLIER || a->multiplier_b < -ADD_U8_MULTIPLIER
        || a->multiplier_b > ADD_U8_MULTIPLIER)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "a multiplier is larger than 2^22");
    return slim_broadcast_prepare(p);
}

SLIM_BRIEF static void add_u8_run(const slim_step *s)
{
    const slim_add_u8_attributes *a = (const slim_add_u8_attributes *)s->attributes;
    slim_pair_u8 pair = slim_pair_u8_of(s, a->scale, a->lo, a->hi);
    pair.task.product = 0;
    pair.task.multiplier_a = a->multiplier_a;
    pair.task.multiplier_b = a->multiplier_b;
    slim_broadcast_apply(s, slim_pair_u8_run, &pair);
}

SLIM_INTERNAL const slim_operator slim_op_add_u8 = {
    SLIM_OP_ADD_U8, 2, 2, 1, sizeof(slim_add_u8_attributes) / 4, 0, "add_u8", add_u8_prepare, add_u8_run,
};
