/* Elements added before and after each axis: a constant, the input mirrored at its edge, or the edge itself. */
#include "ops/check.h"

enum { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_MODES };
enum { PAD_LIMIT = 32767 };

SLIM_COLD static slim_status pad_prepare(slim_prepare *p)
{
    const slim_pad_attributes *a = (const slim_pad_attributes *)p->attributes;
    const int32_t *begin = &a->b0, *end = &a->e0;
    int32_t dims[SLIM_MAX_RANK];
    slim_status status = slim_prepare_expect(p, 0, 0, -1, 0);
    if (status != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_check_output_type(p, 0, x->type)) != SLIM_OK)
        return status;
    if (a->mode < 0 || a->mode >= PAD_MODES || x->rank < 1)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the mode is unknown, or the input has no axis");
    for (int d = 0; d < x->rank; d++) {
        int64_t dim = (int64_t)x->dims[d] + begin[d] + end[d];
        if (begin[d] < 0 || begin[d] > PAD_LIMIT || end[d] < 0 || end[d] > PAD_LIMIT || dim > INT32_MAX)
            return slim_prepare_fail(p, SLIM_BAD_SHAPE, "a padding is negative or too large");
        if (a->mode == PAD_REFLECT && SLIM_MAX(begin[d], end[d]) >= x->dims[d])
            return slim_prepare_fail(p, SLIM_BAD_SHAPE, "a reflected padding is as large as the axis that it reflects");
        dims[d] = (int32_t)dim;
    }
    return slim_prepare_output(p, 0, x->rank, dims);
}

/* Where position `at` of a padded axis is read: an index into the input, or -1 for the constant. */
static int64_t pad_source(int64_t at, int64_t dim, int32_t mode)
{
    if (at >= 0 && at < dim)
        return at;
    if (mode == PAD_CONSTANT)
        return -1;
    if (mode == PAD_EDGE)
        return at < 0 ? 0 : dim - 1;
    return at < 0 ? -at : 2 * (dim - 1) - at;
}

static void pad_fill(unsigned char *to, size_t count, const unsigned char *element, size_t bytes)
{
    for (size_t i = 0; i < count; i++)
        slim_copy(to + i * bytes, element, bytes);
}

/* One row of the output (its last axis) from one of the input, or from none. */
static void pad_row(const slim_pad_attributes *a, const slim_value *x, const slim_value *y, unsigned char *to,
                    const unsigned char *from, const unsigned char *constant)
{
    size_t bytes = slim_type_bytes(x->type);
    int64_t in = x->dims[x->rank - 1], out = y->dims[x->rank - 1], begin = (&a->b0)[x->rank - 1];
    if (!from) {
        pad_fill(to, (size_t)out, constant, bytes);
        return;
    }
    for (int64_t i = 0; i < out; i++) {
        if (i == begin) {
            slim_copy(to + (size_t)i * bytes, from, (size_t)in * bytes);
            i += in;
            if (i == out)
                return;
        }
        int64_t source = pad_source(i - begin, in, a->mode);
        slim_copy(to + (size_t)i * bytes, source < 0 ? constant : from + (size_t)source * bytes, bytes);
    }
}

static void pad_run(const slim_step *s)
{
    const slim_pad_attributes *a = (const slim_pad_attributes *)s->attributes;
    const slim_value *x = slim_step_input(s, 0);
    const slim_value *y = slim_step_output(s, 0);
    size_t bytes = slim_type_bytes(x->type);
    size_t rows = slim_product(y, 0, y->rank - 1);
    int64_t constant = a->value;   /* the element's bits in the low bytes: negative int64 are sign-extended */
    unsigned char element[8];
    slim_copy(element, &constant, sizeof element);
    for (size_t row = 0; row < rows; row++) {
        size_t rest = row, from = 0, stride = (size_t)x->dims[x->rank - 1];
        int inside = 1;
        for (int d = x->rank - 2; d >= 0; d--) {
            int64_t at = (int64_t)(rest % (size_t)y->dims[d]) - (&a->b0)[d];
            int64_t source = pad_source(at, x->dims[d], a->mode);
            rest /= (size_t)y->dims[d];
            inside = inside && source >= 0;
            from += inside ? (size_t)source * stride : 0;
            stride *= (size_t)x->dims[d];
        }
        pad_row(a, x, y, y->data + row * (size_t)y->dims[y->rank - 1] * bytes, inside ? x->data + from * bytes : NULL, element);
    }
}

SLIM_INTERNAL const slim_operator slim_op_pad = {
    SLIM_OP_PAD, 1, 1, 1, sizeof(slim_pad_attributes) / 4, 0, "pad", pad_prepare, pad_run,
};
