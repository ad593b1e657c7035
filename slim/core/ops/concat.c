/* Tensors put one after the other along an axis. Inputs whose producer can write rows with a stride are written in place
 * by it (a row view of the output); the rest are copied here. */
#include "ops/check.h"

static int concat_axis(const slim_value *x, int32_t axis)
{
    return axis < 0 ? axis + x->rank : axis;
}

/* A mismatch as a sentence, or NULL. */
static const char *concat_mismatch(const slim_value *first, const slim_value *x, const slim_value *y, int axis)
{
    if (x->rank != first->rank)
        return "the inputs have different ranks";
    for (int d = 0; d < x->rank; d++)
        if (d != axis && x->dims[d] != first->dims[d])
            return "the inputs differ in an axis that is not the one they are put together along";
    if ((x->type == SLIM_U8 || x->type == SLIM_I8) && (x->scale != y->scale || x->zero_point != y->zero_point))
        return "an input is quantized differently than the output";
    return NULL;
}

SLIM_COLD static slim_status concat_prepare(slim_prepare *p)
{
    int32_t axis_attribute = ((const slim_concat_attributes *)p->attributes)->axis;
    int32_t dims[SLIM_MAX_RANK];
    int64_t sum = 0;
    slim_status status = slim_prepare_expect(p, 0, 0, -1, 0);
    if (status != SLIM_OK)
        return status;
    const slim_value *first = slim_prepare_input(p, 0);
    const slim_value *y = slim_check_output(p, 0);
    if (axis_attribute < -first->rank || axis_attribute >= first->rank)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the axis lies outside the input's");
    int axis = concat_axis(first, axis_attribute);
    for (int i = 0; i < p->inputs; i++) {
        if ((status = slim_prepare_expect(p, i, y->type, -1, 0)) != SLIM_OK)
            return status;
        const slim_value *x = slim_prepare_input(p, i);
        const char *mismatch = concat_mismatch(first, x, y, axis);
        if (mismatch)
            return slim_prepare_fail(p, SLIM_BAD_SHAPE, mismatch);
        sum += x->dims[axis];
    }
    if (sum > INT32_MAX)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the output would be too large");
    for (int d = 0; d < first->rank; d++)
        dims[d] = d == axis ? (int32_t)sum : first->dims[d];
    if ((status = slim_prepare_output(p, 0, first->rank, dims)) != SLIM_OK)
        return status;
    int single = slim_product(first, 0, axis) == 1;   /* each input is one contiguous piece of the output */
    if (!single && axis != first->rank - 1)
        return SLIM_OK;
    size_t offset = 0, row = (size_t)dims[first->rank - 1];
    for (int i = 0; i < p->inputs; i++) {
        const slim_value *x = slim_prepare_input(p, i);
        (void)slim_prepare_row_view(p, i, offset, row);
        offset += single ? x->count : (size_t)x->dims[axis];
    }
    return SLIM_OK;
}

static void concat_run(const slim_step *s)
{
    slim_value *y = slim_step_output(s, 0);
    int axis = concat_axis(y, ((const slim_concat_attributes *)s->attributes)->axis);
    size_t bytes = slim_type_bytes(y->type);
    size_t outer = slim_product(y, 0, axis), inner = slim_product(y, axis + 1, y->rank) * bytes;
    size_t row = (size_t)y->dims[axis] * inner, offset = 0;
    for (int i = 0; i < s->inputs; i++) {
        const slim_value *x = slim_step_input(s, i);
        size_t own = (size_t)x->dims[axis] * inner;
        if (x->root != s->tensors[s->inputs])   /* else its producer has written it here */
            for (size_t at = 0; at < outer; at++)
                slim_copy(y->data + at * row + offset, x->data + at * own, own);
        offset += own;
    }
}

SLIM_INTERNAL const slim_operator slim_op_concat = {
    SLIM_OP_CONCAT, 1, 255, 1, sizeof(slim_concat_attributes) / 4, 0, "concat", concat_prepare, concat_run,
};
