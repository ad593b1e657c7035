/* A tensor repeated along its axes of 1, and along new axes in front: broadcasting to a shape. */
#include "ops/check.h"

SLIM_COLD static slim_status expand_prepare(slim_prepare *p)
{
    const slim_expand_attributes *a = (const slim_expand_attributes *)p->attributes;
    const int32_t *wanted = &a->d0;
    int32_t dims[SLIM_MAX_RANK];
    slim_status status = slim_prepare_expect(p, 0, 0, -1, 0);
    if (status != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_check_output_type(p, 0, x->type)) != SLIM_OK)
        return status;
    if (a->rank < 0 || a->rank > SLIM_MAX_RANK)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the rank is larger than the core takes");
    int rank = SLIM_MAX(x->rank, a->rank);
    for (int d = 0; d < rank; d++) {
        int own = d - (rank - x->rank), given = d - (rank - a->rank);
        int32_t from = own < 0 ? 1 : x->dims[own], to = given < 0 ? 1 : wanted[given];
        if (from != to && from != 1 && to != 1)
            return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the input does not broadcast to the shape");
        dims[d] = from == 1 ? to : from;
    }
    return slim_prepare_output(p, 0, rank, dims);
}

static void expand_run(const slim_step *s)
{
    const slim_value *x = slim_step_input(s, 0);
    const slim_value *y = slim_step_output(s, 0);
    size_t bytes = slim_type_bytes(x->type);
    int axis = y->rank, offset = y->rank - x->rank;
    /* the axes from `axis` on are the same in both: they move as one piece */
    while (axis > offset && x->dims[axis - 1 - offset] == y->dims[axis - 1])
        axis--;
    size_t piece = slim_product(y, axis, y->rank) * bytes, pieces = slim_product(y, 0, axis);
    for (size_t i = 0; i < pieces; i++) {
        size_t rest = i, from = 0, stride = piece;
        for (int d = axis - 1; d >= offset; d--) {
            size_t at = rest % (size_t)y->dims[d], dim = (size_t)x->dims[d - offset];
            rest /= (size_t)y->dims[d];
            from += dim == 1 ? 0 : at * stride;
            stride *= dim;
        }
        slim_copy(y->data + i * piece, x->data + from, piece);
    }
}

SLIM_INTERNAL const slim_operator slim_op_expand = {
    SLIM_OP_EXPAND, 1, 1, 1, sizeof(slim_expand_attributes) / 4, 0, "expand", expand_prepare, expand_run,
};
