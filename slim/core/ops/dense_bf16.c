/* Fully connected layer in bf16: y = clamp(x w + bias + residual) over the last axis, with fp32 sums. */
#include "ops/bf16.h"
#include "ops/check.h"

static slim_bf16 dense_bf16_layer(const slim_dense_bf16_attributes *a, const slim_value *x)
{
    const size_t k = (size_t)x->dims[x->rank - 1];
    slim_bf16 layer = slim_bf16_of_rows(x->count / k, k, (size_t)a->out_channels);
    layer.lo = a->lo;
    layer.hi = a->hi;
    return layer;
}

SLIM_COLD static slim_status dense_bf16_prepare(slim_prepare *p)
{
    const slim_dense_bf16_attributes *a = (const slim_dense_bf16_attributes *)p->attributes;
    const slim_status status = slim_prepare_expect(p, 0, SLIM_F32, -1, 0);
    int32_t dims[SLIM_MAX_RANK];
    if (status != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if (x->rank < 1 || a->out_channels < 1)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the input has no axis, or there are no output channels");
    slim_copy(dims, x->dims, sizeof dims);
    dims[x->rank - 1] = a->out_channels;
    const slim_bf16 layer = dense_bf16_layer(a, x);
    return slim_bf16_prepare(p, &layer, x->rank, dims);
}

static void dense_bf16_run(const slim_step *s)
{
    const slim_bf16 layer = dense_bf16_layer((const slim_dense_bf16_attributes *)s->attributes, slim_step_input(s, 0));
    slim_bf16_run(s, &layer);
}

SLIM_INTERNAL const slim_operator slim_op_dense_bf16 = {
    SLIM_OP_DENSE_BF16, 3, 4, 1, sizeof(slim_dense_bf16_attributes) / 4, 1, "dense_bf16", dense_bf16_prepare, dense_bf16_run,
};
