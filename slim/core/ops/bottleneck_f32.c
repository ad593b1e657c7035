/* Three convolutions in one, fp32, NHWC: 1x1 (which may be absent), depthwise, 1x1 with a residual. Each has its clamp.
 *
 *   y = clamp(project(clamp(depthwise(clamp(expand(x))))) + residual) */
#include "ops/bottleneck.h"
#include "ops/check.h"

SLIM_COLD static slim_status bottleneck_prepare(slim_prepare *p)
{
    const slim_bottleneck_f32_attributes *a = (const slim_bottleneck_f32_attributes *)p->attributes;
    slim_status status;
    if ((status = slim_prepare_expect(p, SLIM_BOTTLENECK_X, SLIM_F32, 4, 0)) != SLIM_OK)
        return status;
    slim_value x = *slim_prepare_input(p, SLIM_BOTTLENECK_X);
    const int expands = slim_prepare_input(p, SLIM_EXPAND_WEIGHTS) != NULL;
    if (x.kind == SLIM_KIND_CONSTANT)   /* kernels read past the end of a row, which only the arena allows */
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the image is a constant");
    if (expands) {
        if ((status = slim_check_weights(p, SLIM_EXPAND_WEIGHTS, 3, slim_ceil_div((size_t)SLIM_MAX(a->channels, 1), SLIM_PANEL),
                                         (size_t)x.dims[3])) != SLIM_OK)
            return status;
        x.dims[3] = a->channels;
    }
    return slim_bottleneck_prepare(p, &x, expands, 0);
}

static void bottleneck_expand(const slim_bottleneck *b, size_t image, size_t from, size_t to, float *ring, void *work)
{
    const slim_value *x = slim_step_input(b->step, SLIM_BOTTLENECK_X);
    const size_t width = (size_t)x->dims[2], k = (size_t)x->dims[3];
    const float *rows = (const float *)x->data + image * (size_t)x->dims[1] * width * k;
    slim_gemm_f32_task task;
    task.residual = NULL;
    task.residual_stride = 0;
    task.out_stride = task.n = (size_t)b->a->channels;
    task.lo = b->a->expand_lo;
    task.hi = b->a->expand_hi;
    while (from < to) {
        const size_t slot = from % b->plan.span, count = SLIM_MIN(to - from, b->plan.span - slot);
        task.m = count * width;
        task.out = ring + slot * width * task.n;
        slim_bottleneck_pointwise(b, &task, SLIM_EXPAND_WEIGHTS, rows + from * width * k, k, (const float **)work);
        from += count;
    }
}

SLIM_BRIEF static void bottleneck_run(const slim_step *s)
{
    slim_bottleneck b;
    b.x = *slim_step_input(s, SLIM_BOTTLENECK_X);
    b.expand = slim_step_input(s, SLIM_EXPAND_WEIGHTS) ? bottleneck_expand : NULL;
    b.x.dims[3] = ((const slim_bottleneck_f32_attributes *)s->attributes)->channels;
    slim_bottleneck_run(&b, s, 0);
}

SLIM_INTERNAL const slim_operator slim_op_bottleneck_f32 = {
    SLIM_OP_BOTTLENECK_F32, 7, 8, 1, sizeof(slim_bottleneck_f32_attributes) / 4, 1, "bottleneck_f32", bottleneck_prepare,
    bottleneck_run,
};
