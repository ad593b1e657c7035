/* What networks for phones begin with as one operator, fp32: a convolution of an image as it comes in, N, C, H, W with few
 * channels, depthwise, 1x1. Each has its clamp; the output is NHWC.
 *
 *   y = clamp(project(clamp(depthwise(clamp(conv(x))))))
 *
 * The first convolution's output would be the largest tensor of such a network: its rows are made as the filter needs them. */
#include "ops/bottleneck.h"
#include "ops/image_rows.h"

typedef struct stem_context {
    slim_bottleneck bottleneck;
    slim_image_rows rows;
} stem_context;

SLIM_COLD static slim_status stem_prepare(slim_prepare *p)
{
    const slim_stem_f32_attributes *a = (const slim_stem_f32_attributes *)p->attributes;
    slim_prepare first = *p;
    slim_status status;
    slim_window window;
    slim_image_rows rows;
    slim_value x;               /* of the depthwise convolution */
    first.attributes = &a->image_kernel_h;
    if ((status = slim_image_check(&first, a->channels, &window, x.dims)) != SLIM_OK)
        return status;
    slim_image_rows_lay(&rows, &window, slim_prepare_input(p, 0));
    slim_prepare_exact(p, 0);   /* it copies rows */
    return slim_bottleneck_prepare(p, &x, 1, rows.scratch);
}

static void stem_expand(const slim_bottleneck *b, size_t image, size_t from, size_t to, float *ring, void *work)
{
    slim_image_rows_make(&((const stem_context *)b)->rows, image, from, to, work, ring, b->plan.span);
}

SLIM_BRIEF static void stem_run(const slim_step *s)
{
    const slim_stem_f32_attributes *a = (const slim_stem_f32_attributes *)s->attributes;
    stem_context c;
    slim_image_rows_begin(&c.rows, s, (const slim_window *)&a->image_kernel_h, a->channels, (size_t)a->channels, a->expand_lo,
                          a->expand_hi);
    c.bottleneck.expand = stem_expand;
    c.bottleneck.x.dims[1] = (int32_t)c.rows.height;
    c.bottleneck.x.dims[2] = (int32_t)c.rows.task.m;
    c.bottleneck.x.dims[3] = a->channels;
    slim_bottleneck_run(&c.bottleneck, s, c.rows.scratch);
}

SLIM_INTERNAL const slim_operator slim_op_stem_f32 = {
    SLIM_OP_STEM_F32, 7, 7, 1, sizeof(slim_stem_f32_attributes) / 4, 1, "stem_f32", stem_prepare, stem_run,
};
