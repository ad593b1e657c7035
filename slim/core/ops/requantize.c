/* Bytes of one scale to bytes of another: round((stored - zero point) * (scale in / scale out)) + zero point out. A byte has
 * 256 values, so the rule is worked out once for each, and then looked up. */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/rounding.h"

SLIM_COLD static slim_status requantize_prepare(slim_prepare *p)
{
    slim_status status = slim_prepare_expect(p, 0, 0, -1, 0);
    if (status != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    const slim_value *y = slim_check_output(p, 0);
    if (!slim_check_zero_point(x) || !slim_check_zero_point(y))
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "a tensor is not bytes, or its zero point is not a value of its type");
    if (!(y->scale > 0.0f))
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the output has no scale");
    slim_prepare_in_place(p, 0, 0);
    return slim_prepare_output(p, 0, x->rank, x->dims);
}

static void requantize_run(const slim_step *s)
{
    const slim_value *x = slim_step_input(s, 0);
    slim_value *y = slim_step_output(s, 0);
    float scale = x->scale / y->scale;
    int32_t lowest = slim_lowest_byte(y->type);
    float lo = (float)(lowest - y->zero_point), hi = (float)(lowest + 255 - y->zero_point);
    uint8_t table[256];
    for (int32_t i = 0; i < 256; i++) {
        int32_t stored = x->type == SLIM_I8 && i > 127 ? i - 256 : i;
        table[i] = (uint8_t)slim_round_byte((float)(stored - x->zero_point) * scale, lo, hi, y->zero_point);
    }
    s->kernels->lookup_u8(table, x->data, y->data, x->count);
}

SLIM_INTERNAL const slim_operator slim_op_requantize = {
    SLIM_OP_REQUANTIZE, 1, 1, 1, 0, 0, "requantize", requantize_prepare, requantize_run,
};
