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

static void max_pool_take_u8(uint8_t *__restrict to, const uint8_t *__restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] > to[i] ? from[i] : to[i];
}

static void max_pool_take_i8(int8_t *__restrict to, const int8_t *__restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] > to[i] ? from[i] : to[i];
}

static void max_pool_take(int type, unsigned char *to, const unsigned char *from, size_t n)
{
    if (type == SLIM_U8)
        max_pool_take_u8(to, from, n);
    else
        max_pool_take_i8((int8_t *)to, (const int8_t *)from, n);
}

/* A window that lies in the padding alone has the lowest finite value of the type, as in onnxruntime. */
static void max_pool_lowest(int type, unsigned char *to, size_t n)
{
    static const float lowest = -3.40282347e38f;
    for (size_t i = 0; i < n && type == SLIM_F32; i++)
        slim_copy(to + i * sizeof lowest, &lowest, sizeof lowest);
    if (type != SLIM_F32)
        slim_fill(to, type == SLIM_I8 ? 0x80 : 0, n);
}

static void max_pool_pixel(const max_pool_context *c, unsigned char *to, const unsigned char *image, int32_t y, int32_t x)
{
    const slim_window *w = &c->window;
    int32_t in_h = c->x->dims[1], in_w = c->x->dims[2];
    size_t channels = (size_t)c->x->dims[3], pixel = channels * slim_type_bytes(c->x->type);
    int taken = 0;
    for (int32_t ky = 0; ky < w->kernel_h; ky++) {
        int32_t row = y * w->stride_h - w->pad_top + ky * w->dilation_h;
        if (row < 0 || row >= in_h)
            continue;
        for (int32_t kx = 0; kx < w->kernel_w; kx++) {
            int32_t column = x * w->stride_w - w->pad_left + kx * w->dilation_w;
            if (column < 0 || column >= in_w)
                continue;
            const unsigned char *from = image + ((size_t)row * (size_t)in_w + (size_t)column) * pixel;
            if (taken)
                max_pool_take(c->x->type, to, from, channels);
            else
                slim_copy(to, from, pixel);
            taken = 1;
        }
    }
    if (!taken)
        max_pool_lowest(c->x->type, to, channels);
}

static void max_pool_pixel_f32(const max_pool_context *c, float *to, const float *image, int32_t y, int32_t x)
{
    const slim_window *w = &c->window;
    const int32_t in_h = c->x->dims[1], in_w = c->x->dims[2];
    slim_cover rows = slim_cover_axis(y * w->stride_h - w->pad_top, w->kernel_h, w->dilation_h, in_h, in_h, 0);
    slim_cover columns = slim_cover_axis(x * w->stride_w - w->pad_left, w->kernel_w, w->dilation_w, in_w, in_w, 0);
    if (!slim_pool_f32_window(c->kernels, w, c->x, image, y, x, rows, columns, 0, 1.0f, to, 0, (size_t)c->x->dims[3]))
        max_pool_lowest(SLIM_F32, (unsigned char *)to, (size_t)c->x->dims[3]);
}

/* A task is a row of output pixels. */
static void max_pool_row(void *context, size_t index, int worker)
{
    const max_pool_context *c = (const max_pool_context *)context;
    size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2];
    size_t stride = c->y->row_stride * slim_type_bytes(c->x->type);
    const unsigned char *image = c->x->data + index / out_h * (c->x->bytes / (size_t)c->x->dims[0]);
    (void)worker;
    for (size_t x = 0; x < out_w; x++) {
        unsigned char *to = c->y->data + (index * out_w + x) * stride;
        if (c->x->type == SLIM_F32)
            max_pool_pixel_f32(c, (float *)(void *)to, (const float *)(const void *)image, (int32_t)(index % out_h), (int32_t)x);
        else
            max_pool_pixel(c, to, image, (int32_t)(index % out_h), (int32_t)x);
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
