/* Slices of a tensor picked by an index tensor along one axis. Negative indices count from the end; those out of range are
 * moved to the nearest one in it, so that no index of a caller's reads foreign memory. */
#include "ops/check.h"

SLIM_COLD static slim_status gather_prepare(slim_prepare *p)
{
    int32_t axis = ((const slim_gather_attributes *)p->attributes)->axis;
    int32_t dims[2 * SLIM_MAX_RANK];
    int rank = 0;
    slim_status status;
    if ((status = slim_prepare_expect(p, 0, 0, -1, 0)) != SLIM_OK || (status = slim_prepare_expect(p, 1, 0, -1, 0)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    const slim_value *indices = slim_prepare_input(p, 1);
    if ((status = slim_check_output_type(p, 0, x->type)) != SLIM_OK)
        return status;
    if (indices->type != SLIM_I32 && indices->type != SLIM_I64)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the indices are not integers");
    if (axis < -x->rank || axis >= x->rank)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the axis lies outside the input's");
    axis = axis < 0 ? axis + x->rank : axis;
    for (int d = 0; d < axis; d++)
        dims[rank++] = x->dims[d];
    for (int d = 0; d < indices->rank; d++)
        dims[rank++] = indices->dims[d];
    for (int d = axis + 1; d < x->rank; d++)
        dims[rank++] = x->dims[d];
    return slim_prepare_output(p, 0, rank, dims);
}

static size_t gather_index(const slim_value *indices, size_t i, int64_t dim)
{
    int64_t index = indices->type == SLIM_I64 ? ((const int64_t *)(const void *)indices->data)[i]
                                              : ((const int32_t *)(const void *)indices->data)[i];
    index = index < 0 ? index + dim : index;
    return (size_t)SLIM_MIN(SLIM_MAX(index, (int64_t)0), dim - 1);
}

static void gather_run(const slim_step *s)
{
    const slim_value *x = slim_step_input(s, 0);
    const slim_value *indices = slim_step_input(s, 1);
    int axis = ((const slim_gather_attributes *)s->attributes)->axis;
    axis = axis < 0 ? axis + x->rank : axis;
    size_t outer = slim_product(x, 0, axis), dim = (size_t)x->dims[axis];
    size_t inner = slim_product(x, axis + 1, x->rank) * slim_type_bytes(x->type);
    unsigned char *to = slim_step_output(s, 0)->data;
    for (size_t at = 0; at < outer; at++)
        for (size_t i = 0; i < indices->count; i++, to += inner)
            slim_copy(to, x->data + (at * dim + gather_index(indices, i, (int64_t)dim)) * inner, inner);
}

SLIM_INTERNAL const slim_operator slim_op_gather = {
    SLIM_OP_GATHER, 2, 2, 1, sizeof(slim_gather_attributes) / 4, 0, "gather", gather_prepare, gather_run,
};
