/* The mean under each window, fp32, NHWC. */
#include "ops/check.h"
#include "ops/pool_f32.h"

enum { AVERAGE_POOL_F32_CHANNELS = 256 };   /* a task's: a global pool has one pixel, and still work for every thread */

static slim_pooling average_pool_f32_rule(const void *attributes)
{
    const slim_average_pool_f32_attributes *a = (const slim_average_pool_f32_attributes *)attributes;
    slim_pooling rule;
    rule.count_include_pad = a->count_include_pad;
    rule.extra_bottom = a->extra_bottom;
    rule.extra_right = a->extra_right;
    return rule;
}

SLIM_COLD static slim_status average_pool_f32_prepare(slim_prepare *p)
{
    slim_pooling rule = average_pool_f32_rule(p->attributes);
    slim_status status;
    slim_window window;
    int32_t dims[4];
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, 4, 0)) != SLIM_OK
        || (status = slim_check_output_type(p, 0, SLIM_F32)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_window_size(p, x, &window, &dims[1], &dims[2])) != SLIM_OK
        || (status = slim_pooling_check(p, &window, &rule)) != SLIM_OK)
        return status;
    dims[0] = x->dims[0];
    dims[3] = x->dims[3];
    return slim_prepare_output(p, 0, 4, dims);
}

typedef struct average_pool_f32_context {
    const slim_kernels *kernels;
    const slim_value *x, *y;
    slim_window window;
    slim_pooling rule;
    size_t pieces;            /* of the channels */
} average_pool_f32_context;

/* A task is a row of output pixels and some of their channels. */
static void average_pool_f32_task(void *context, size_t index, int worker)
{
    const average_pool_f32_context *c = (const average_pool_f32_context *)context;
    size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2], channels = (size_t)c->x->dims[3];
    size_t row = index / c->pieces, first = index % c->pieces * AVERAGE_POOL_F32_CHANNELS;
    size_t n = SLIM_MIN((size_t)AVERAGE_POOL_F32_CHANNELS, channels - first);
    const float *image = (const float *)c->x->data + row / out_h * (c->x->count / (size_t)c->x->dims[0]);
    (void)worker;
    slim_pool_f32_row(c->kernels, &c->window, &c->rule, c->x, image, (int32_t)(row % out_h),
                      (float *)c->y->data + row * out_w * c->y->row_stride + first, (int32_t)out_w, c->y->row_stride, first, n,
                      0.0f);
}

static void average_pool_f32_run(const slim_step *s)
{
    average_pool_f32_context c;
    c.kernels = s->kernels;
    c.x = slim_step_input(s, 0);
    c.y = slim_step_output(s, 0);
    c.window = slim_window_of(s, c.x);
    c.rule = average_pool_f32_rule(s->attributes);
    c.pieces = slim_ceil_div((size_t)c.x->dims[3], AVERAGE_POOL_F32_CHANNELS);
    slim_parallel(s, (size_t)c.y->dims[0] * (size_t)c.y->dims[1] * c.pieces, average_pool_f32_task, &c);
}

SLIM_INTERNAL const slim_operator slim_op_average_pool_f32 = {
    SLIM_OP_AVERAGE_POOL_F32, 1, 1, 1, sizeof(slim_average_pool_f32_attributes) / 4, 1, "average_pool_f32",
    average_pool_f32_prepare, average_pool_f32_run,
};
