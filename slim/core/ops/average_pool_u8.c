/* The mean under each window, bytes to bytes of another scale, NHWC: integer sums, one float multiply. */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/pooling.h"

enum { AVERAGE_POOL_U8_CHANNELS = 512 };   /* of a task */

static slim_pooling average_pool_u8_rule(const void *attributes)
{
    const slim_average_pool_u8_attributes *a = (const slim_average_pool_u8_attributes *)attributes;
    slim_pooling rule;
    rule.count_include_pad = a->count_include_pad;
    rule.extra_bottom = a->extra_bottom;
    rule.extra_right = a->extra_right;
    return rule;
}

SLIM_COLD static slim_status average_pool_u8_prepare(slim_prepare *p)
{
    const slim_average_pool_u8_attributes *a = (const slim_average_pool_u8_attributes *)p->attributes;
    slim_pooling rule = average_pool_u8_rule(p->attributes);
    slim_status status;
    slim_window window;
    int32_t dims[4];
    if ((status = slim_prepare_expect(p, 0, SLIM_U8, 4, 0)) != SLIM_OK
        || (status = slim_check_u8(p, 0, a->lo, a->hi)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_window_size(p, x, &window, &dims[1], &dims[2])) != SLIM_OK
        || (status = slim_pooling_check(p, &window, &rule)) != SLIM_OK)
        return status;
    dims[0] = x->dims[0];
    dims[3] = x->dims[3];
    return slim_prepare_output(p, 0, 4, dims);
}

typedef struct average_pool_u8_context {
    const slim_step *step;
    const slim_average_pool_u8_attributes *a;
    const slim_value *x, *y;
    slim_window window;
    slim_pooling rule;
    size_t pieces;            /* of the channels */
} average_pool_u8_context;

SLIM_BRIEF static void average_pool_u8_pixel(const average_pool_u8_context *c, uint8_t *to, const uint8_t *image, size_t n, int32_t y,
                                  int32_t x)
{
    const slim_window *w = &c->window;
    const size_t channels = (size_t)c->x->dims[3], in_w = (size_t)c->x->dims[2];
    slim_cover rows, columns;
    slim_mean_u8_task task;
    slim_cover_pixel(w, &c->rule, c->x, y, x, &rows, &columns);
    const float count = (float)rows.counted * (float)columns.counted;
    task.rows = (size_t)(rows.last - rows.first);
    task.columns = (size_t)(columns.last - columns.first);
    task.row_step = (size_t)w->dilation_h * in_w * channels;
    task.column_step = (size_t)w->dilation_w * channels;
    task.in = image;
    if (task.rows && task.columns)
        task.in += (size_t)(y * w->stride_h - w->pad_top + rows.first * w->dilation_h) * in_w * channels
            + (size_t)(x * w->stride_w - w->pad_left + columns.first * w->dilation_w) * channels;
    else
        task.rows = 0;
    task.out = to;
    task.n = n;
    task.zeros = (rows.last - rows.first) * (columns.last - columns.first) * c->x->zero_point;
    task.scale = count > 0.0f ? c->a->scale / count : 0.0f;
    task.zero_point = c->y->zero_point;
    task.lo = (float)(c->a->lo - task.zero_point);
    task.hi = (float)(c->a->hi - task.zero_point);
    c->step->kernels->mean_u8(&task);
}

/* A task is a row of output pixels and some of their channels. */
SLIM_BRIEF static void average_pool_u8_task(void *context, size_t index, int worker)
{
    const average_pool_u8_context *c = (const average_pool_u8_context *)context;
    size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2], channels = (size_t)c->x->dims[3];
    size_t row = index / c->pieces, first = index % c->pieces * AVERAGE_POOL_U8_CHANNELS;
    size_t n = SLIM_MIN((size_t)AVERAGE_POOL_U8_CHANNELS, channels - first);
    const uint8_t *image = c->x->data + row / out_h * (c->x->count / (size_t)c->x->dims[0]) + first;
    (void)worker;
    for (size_t x = 0; x < out_w; x++)
        average_pool_u8_pixel(c, c->y->data + (row * out_w + x) * c->y->row_stride + first, image, n, (int32_t)(row % out_h),
                              (int32_t)x);
}

static void average_pool_u8_run(const slim_step *s)
{
    average_pool_u8_context c;
    c.step = s;
    c.a = (const slim_average_pool_u8_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.y = slim_step_output(s, 0);
    c.window = slim_window_of(s, c.x);
    c.rule = average_pool_u8_rule(s->attributes);
    c.pieces = slim_ceil_div((size_t)c.x->dims[3], AVERAGE_POOL_U8_CHANNELS);
    slim_parallel(s, (size_t)c.y->dims[0] * (size_t)c.y->dims[1] * c.pieces, average_pool_u8_task, &c);
}

SLIM_INTERNAL const slim_operator slim_op_average_pool_u8 = {
    SLIM_OP_AVERAGE_POOL_U8, 1, 1, 1, sizeof(slim_average_pool_u8_attributes) / 4, 1, "average_pool_u8",
    average_pool_u8_prepare, average_pool_u8_run,
};
