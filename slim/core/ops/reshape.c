/* Another shape over the same elements: a view of the input, or a copy where the input is a constant. */
#include "ops/check.h"

SLIM_COLD static slim_status reshape_prepare(slim_prepare *p)
{
    const slim_reshape_attributes *a = (const slim_reshape_attributes *)p->attributes;
    const int32_t *wanted = &a->d0;
    int32_t dims[SLIM_MAX_RANK];
    size_t known = 1;
    int inferred = -1;
    slim_status status = slim_prepare_expect(p, 0, 0, -1, 0);
    if (status != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_check_output_type(p, 0, x->type)) != SLIM_OK)
        return status;
    if (a->rank < 0 || a->rank > SLIM_MAX_RANK)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the rank is larger than the core takes");
    for (int d = 0; d < a->rank; d++) {
        dims[d] = wanted[d];
        if (wanted[d] == 0 && d < x->rank)
            dims[d] = x->dims[d];
        if (wanted[d] == -1 && inferred < 0)
            inferred = d;
        else if (dims[d] < 1)
            return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the new shape is not one");
        else if ((known *= (size_t)dims[d]) > x->count)
            break;
    }
    if (known > x->count || x->count % known || (inferred < 0 && known != x->count))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the new shape has another number of elements");
    if (inferred >= 0) {
        if (x->count / known > INT32_MAX)
            return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the new shape is too large");
        dims[inferred] = (int32_t)(x->count / known);
    }
    slim_prepare_view(p, 0, 0);
    return slim_prepare_output(p, 0, a->rank, dims);
}

static void reshape_run(const slim_step *s)
{
    const slim_value *x = slim_step_input(s, 0);
    slim_value *y = slim_step_output(s, 0);
    if (y->data != x->data)
        slim_copy(y->data, x->data, x->bytes);
}

SLIM_INTERNAL const slim_operator slim_op_reshape = {
    SLIM_OP_RESHAPE, 1, 1, 1, sizeof(slim_reshape_attributes) / 4, 0, "reshape", reshape_prepare, reshape_run,
};
