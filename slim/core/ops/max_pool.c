/* The largest value under each window, for fp32 and bytes, NHWC. Padding never wins. */
#include "ops/check.h"
#include "ops/pool_f32.h"

SLIM_COLD static slim_status max_pool_prepare(slim_prepare *p)
{
    slim_status status;
    slim_window window;
    int32_t dims[4];
    if ((status = slim_prepare_expect(p, 0, 0, 4, 0)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if (x->type != SLIM_F32 && x->type != SLIM_U8 && x->type != SLIM_I8)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "an input has another type than it takes");
    if ((status = slim_check_output_type(p, 0, x->type)) != SLIM_OK
        || (status = slim_window_size(p, x, &window, &dims[1], &dims[2])) != SLIM_OK)
        return status;
    dims[0] = x->dims[0];
    dims[3] = x->dims[3];
    return slim_prepare_output(p, 0, 4, dims);
}

typedef struct max_pool_context {
    const slim_kernels *kernels;
    const slim_value *x, *y;
    slim_window window;
} max_pool_context;

/* A window that lies in the padding alone has the lowest finite value of the type, as in onnxruntime. */
#define MAX_POOL_LOWEST (-3.40282347e38f)

/* What the kernel does not take: few channels, and signed bytes, whose sign `flip` = 0x80 turns. */
static void max_pool_bytes(const slim_max_u8_task *task, uint8_t flip)
{
    const uint8_t *p = task->from;
    for (size_t c = 0; c < task->n; c++)
        task->out[c] = p[c];
    for (size_t r = 0; r < task->rows; r++, p += task->row_step)
        for (size_t x = 0; x < task->columns; x++)
            for (size_t c = 0; c < task->n; c++) {
                uint8_t most = task->out[c], here = p[x * task->column_step + c];
                task->out[c] = (here ^ flip) > (most ^ flip) ? here : most;
            }
}

static void max_pool_pixel(const max_pool_context *c, unsigned char *to, const unsigned char *image, int32_t y, int32_t x,
                           slim_cover rows, slim_cover columns)
{
    const slim_window *w = &c->window;
    const size_t channels = (size_t)c->x->dims[3], in_w = (size_t)c->x->dims[2];
    slim_max_u8_task task;
    task.rows = (size_t)(rows.last - rows.first);
    task.columns = (size_t)(columns.last - columns.first);
    if (!task.rows || !task.columns) {
        slim_fill(to, c->x->type == SLIM_I8 ? 0x80 : 0, channels);
        return;
    }
    task.from = image + ((size_t)(y * w->stride_h - w->pad_top + rows.first * w->dilation_h) * in_w
                         + (size_t)(x * w->stride_w - w->pad_left + columns.first * w->dilation_w)) * channels;
    task.row_step = (size_t)w->dilation_h * in_w * channels;
    task.column_step = (size_t)w->dilation_w * channels;
    task.out = to;
    task.n = channels;
    if (c->x->type == SLIM_U8 && channels >= 16)
        c->kernels->max_u8(&task);
    else
        max_pool_bytes(&task, c->x->type == SLIM_I8 ? 0x80 : 0);
}

/* A task is a row of output pixels. */
static void max_pool_row(void *context, size_t index, int worker)
{
    const max_pool_context *c = (const max_pool_context *)context;
    size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2];
    size_t stride = c->y->row_stride * slim_type_bytes(c->x->type);
    const unsigned char *image = c->x->data + index / out_h * (c->x->bytes / (size_t)c->x->dims[0]);
    unsigned char *to = c->y->data + index * out_w * stride;
    (void)worker;
    if (c->x->type == SLIM_F32) {
        slim_pool_f32_row(c->kernels, &c->window, NULL, c->x, (const float *)(const void *)image, (int32_t)(index % out_h),
                          (float *)(void *)to, (int32_t)out_w, c->y->row_stride, 0, (size_t)c->x->dims[3], MAX_POOL_LOWEST);
        return;
    }
    const slim_window *w = &c->window;
    const int32_t y = (int32_t)(index % out_h), in_h = c->x->dims[1], in_w = c->x->dims[2];
    const slim_cover rows = slim_cover_axis(y * w->stride_h - w->pad_top, w->kernel_h, w->dilation_h, in_h, in_h, 0);
    for (size_t x = 0; x < out_w; x++, to += stride) {
        const int32_t left = (int32_t)x * w->stride_w - w->pad_left;
        slim_cover columns = { 0, w->kernel_w, w->kernel_w };   /* inside the image, as mostly, without a division */
        if (left < 0 || left + (w->kernel_w - 1) * w->dilation_w >= in_w)
            columns = slim_cover_axis(left, w->kernel_w, w->dilation_w, in_w, in_w, 0);
        max_pool_pixel(c, to, image, y, (int32_t)x, rows, columns);
    }
}

static void max_pool_run(const slim_step *s)
{
    max_pool_context c;
    c.kernels = s->kernels;
    c.x = slim_step_input(s, 0);
    c.y = slim_step_output(s, 0);
    c.window = slim_window_of(s, c.x);
    slim_parallel(s, (size_t)c.y->dims[0] * (size_t)c.y->dims[1], max_pool_row, &c);
}

SLIM_INTERNAL const slim_operator slim_op_max_pool = {
    SLIM_OP_MAX_POOL, 1, 1, 1, sizeof(slim_max_pool_attributes) / 4, 1, "max_pool", max_pool_prepare, max_pool_run,
};
