/* Elements start, start + step, ... before end along one axis, as numpy counts them. */
#include "ops/check.h"

typedef struct slice_range {
    int axis;
    int64_t start, count;
} slice_range;

static slice_range slice_resolve(const slim_slice_attributes *a, const slim_value *x)
{
    slice_range r;
    r.axis = a->axis < 0 ? a->axis + x->rank : a->axis;
    int64_t dim = x->dims[r.axis], step = a->step;
    int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? dim : dim - 1;
    int64_t start = a->start < 0 ? a->start + dim : a->start;
    int64_t end = a->end < 0 ? a->end + dim : a->end;
    start = SLIM_MIN(SLIM_MAX(start, lowest), highest);
    end = SLIM_MIN(SLIM_MAX(end, lowest), highest);
    int64_t span = step > 0 ? end - start : start - end, stride = step > 0 ? step : -step;
    r.start = start;
    r.count = span > 0 ? (span + stride - 1) / stride : 0;
    return r;
}

SLIM_COLD static slim_status slice_prepare(slim_prepare *p)
{
    const slim_slice_attributes *a = (const slim_slice_attributes *)p->attributes;
    int32_t dims[SLIM_MAX_RANK];
    slim_status status = slim_prepare_expect(p, 0, 0, -1, 0);
    if (status != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_check_output_type(p, 0, x->type)) != SLIM_OK)
        return status;
    if (a->axis < -x->rank || a->axis >= x->rank || a->step == 0)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the axis lies outside the input's, or the step is 0");
    slice_range range = slice_resolve(a, x);
    for (int d = 0; d < x->rank; d++)
        dims[d] = d == range.axis ? (int32_t)range.count : x->dims[d];
    return slim_prepare_output(p, 0, x->rank, dims);
}

static void slice_run(const slim_step *s)
{
    const slim_slice_attributes *a = (const slim_slice_attributes *)s->attributes;
    const slim_value *x = slim_step_input(s, 0);
    slice_range range = slice_resolve(a, x);
    size_t outer = slim_product(x, 0, range.axis);
    size_t inner = slim_product(x, range.axis + 1, x->rank) * slim_type_bytes(x->type);
    size_t dim = (size_t)x->dims[range.axis], count = (size_t)range.count;
    unsigned char *to = slim_step_output(s, 0)->data;
    for (size_t at = 0; at < outer; at++) {
        const unsigned char *from = x->data + at * dim * inner;
        if (a->step == 1) {
            slim_copy(to, from + (size_t)range.start * inner, count * inner);
            to += count * inner;
            continue;
        }
        for (size_t i = 0; i < count; i++, to += inner)
            slim_copy(to, from + (size_t)(range.start + (int64_t)i * a->step) * inner, inner);
    }
}

SLIM_INTERNAL const slim_operator slim_op_slice = {
    SLIM_OP_SLICE, 1, 1, 1, sizeof(slim_slice_attributes) / 4, 0, "slice", slice_prepare, slice_run,
};
