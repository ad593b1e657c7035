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

enum { MAX_POOL_BYTES = 64 };   /* channels whose maxima are kept in registers, at most */

/* The largest bytes of rows x columns pixels, `row` and `column` bytes apart, of `n` channels, which compilers keep in
 * registers. Bytes of either sign: `flip` is 0x80 for signed ones. */
SLIM_INLINE void max_pool_block(uint8_t *__restrict to, const uint8_t *__restrict from, size_t rows, size_t columns, size_t row,
                                size_t column, uint8_t flip, const size_t n)
{
    uint8_t most[MAX_POOL_BYTES];
    for (size_t i = 0; i < n; i++)
        most[i] = from[i] ^ flip;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) {
            const uint8_t *p = from + r * row + c * column;
            for (size_t i = 0; i < n; i++) {
                uint8_t x = p[i] ^ flip;
                most[i] = x > most[i] ? x : most[i];
            }
        }
    for (size_t i = 0; i < n; i++)
        to[i] = most[i] ^ flip;
}

static void max_pool_pixel(const max_pool_context *c, unsigned char *to, const unsigned char *image, int32_t y, int32_t x)
{
    const slim_window *w = &c->window;
    const int32_t in_h = c->x->dims[1], in_w = c->x->dims[2], top = y * w->stride_h - w->pad_top;
    const int32_t left = x * w->stride_w - w->pad_left;
    const size_t channels = (size_t)c->x->dims[3], column = (size_t)w->dilation_w * channels;
    const size_t row = (size_t)w->dilation_h * (size_t)in_w * channels;
    const uint8_t flip = c->x->type == SLIM_I8 ? 0x80 : 0;
    slim_cover rows = slim_cover_axis(top, w->kernel_h, w->dilation_h, in_h, in_h, 0);
    slim_cover columns = slim_cover_axis(left, w->kernel_w, w->dilation_w, in_w, in_w, 0);
    const size_t height = (size_t)(rows.last - rows.first), width = (size_t)(columns.last - columns.first);
    size_t at = 0;
    if (!height || !width) {
        slim_fill(to, c->x->type == SLIM_I8 ? 0x80 : 0, channels);
        return;
    }
    image += ((size_t)(top + rows.first * w->dilation_h) * (size_t)in_w + (size_t)(left + columns.first * w->dilation_w))
        * channels;
    for (; at + MAX_POOL_BYTES <= channels; at += MAX_POOL_BYTES)
        max_pool_block(to + at, image + at, height, width, row, column, flip, MAX_POOL_BYTES);
    for (; at + 8 <= channels; at += 8)
        max_pool_block(to + at, image + at, height, width, row, column, flip, 8);
    for (; at < channels; at++)
        max_pool_block(to + at, image + at, height, width, row, column, flip, 1);
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
    for (size_t x = 0; x < out_w; x++)
        max_pool_pixel(c, to + x * stride, image, (int32_t)(index % out_h), (int32_t)x);
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
