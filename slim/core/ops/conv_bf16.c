/* 2-D convolution in bf16, NHWC, one group: y = clamp(conv(x, w) + bias + residual) with fp32 sums. */
#include "ops/bf16.h"
#include "ops/check.h"

static slim_bf16 conv_bf16_layer(const slim_conv_bf16_attributes *a, const slim_window *w, const slim_value *x, int32_t out_h,
                                 int32_t out_w)
{
    const int point = w->kernel_h == 1 && w->kernel_w == 1 && w->stride_h == 1 && w->stride_w == 1;
    slim_bf16 layer = slim_bf16_of_rows(slim_product(x, 0, 3), (size_t)x->dims[3], (size_t)a->out_channels);
    if (!point || (w->pad_top | w->pad_left | w->pad_bottom | w->pad_right)) {
        layer.window = *w;
        layer.images = (size_t)x->dims[0];
        layer.in_h = (size_t)x->dims[1];
        layer.in_w = (size_t)x->dims[2];
        layer.out_h = (size_t)out_h;
        layer.out_w = (size_t)out_w;
    }
    layer.lo = a->lo;
    layer.hi = a->hi;
    return layer;
}

SLIM_COLD static slim_status conv_bf16_prepare(slim_prepare *p)
{
    const slim_conv_bf16_attributes *a = (const slim_conv_bf16_attributes *)p->attributes;
    slim_status status = slim_prepare_expect(p, 0, SLIM_F32, 4, 0);
    slim_window window;
    int32_t dims[4];
    if (status != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_window_size(p, x, &window, &dims[1], &dims[2])) != SLIM_OK)
        return status;
    if (a->kernel_h < 1 || a->out_channels < 1)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "there is no window, or there are no output channels");
    dims[0] = x->dims[0];
    dims[3] = a->out_channels;
    const slim_bf16 layer = conv_bf16_layer(a, &window, x, dims[1], dims[2]);
    return slim_bf16_prepare(p, &layer, 4, dims);
}

static void conv_bf16_run(const slim_step *s)
{
    const slim_value *x = slim_step_input(s, 0), *y = slim_step_output(s, 0);
    const slim_window window = slim_window_of(s, x);
    const slim_bf16 layer =
        conv_bf16_layer((const slim_conv_bf16_attributes *)s->attributes, &window, x, y->dims[1], y->dims[2]);
    slim_bf16_run(s, &layer);
}

SLIM_INTERNAL const slim_operator slim_op_conv_bf16 = {
    SLIM_OP_CONV_BF16, 3, 4, 1, sizeof(slim_conv_bf16_attributes) / 4, 1, "conv_bf16", conv_bf16_prepare, conv_bf16_run,
};
