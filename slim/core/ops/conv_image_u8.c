/* 2-D convolution of bytes for an image as it comes in, N, C, H, W with one to four channels; the output is NHWC.
 *
 * Input rows are interleaved and padded in scratch memory, pixels of 1, 2 or 4 bytes. A filter row then reads neighbouring
 * bytes, so the GEMM kernel has kernel_h taps instead of kernel_h * kernel_w of one pixel each, and padding needs no test. */
#include "ops/gemm_u8.h"
#include "ops/window.h"

#define CONV_IMAGE_U8_STRIP ((size_t)512)   /* about so many output pixels a task */

typedef struct conv_image_u8_plan {
    size_t slot;                    /* bytes of a pixel: its channels, 4 for three */
    size_t taps, k;                 /* filter rows; bytes of one */
    size_t row;                     /* bytes of a padded row */
    size_t band, rows;              /* output rows of a task, and the input rows that they touch */
    size_t bytes, pointers;         /* of scratch */
} conv_image_u8_plan;

static conv_image_u8_plan conv_image_u8_layout(const slim_window *w, const slim_value *x, size_t out_h, size_t out_w)
{
    conv_image_u8_plan p;
    p.slot = x->dims[1] > 2 ? 4 : (size_t)x->dims[1];
    p.taps = (size_t)w->kernel_h;
    p.k = (size_t)w->kernel_w * p.slot;
    p.row = slim_align(((size_t)x->dims[3] + (size_t)w->pad_left + (size_t)w->pad_right) * p.slot + 3);
    p.band = SLIM_MIN(out_h, SLIM_MAX((size_t)1, CONV_IMAGE_U8_STRIP / out_w));
    p.rows = (p.band - 1) * (size_t)w->stride_h + p.taps;
    p.bytes = p.rows * p.row;
    p.pointers = slim_align(p.band * out_w * p.taps * sizeof(uint8_t *));
    return p;
}

/* The input as (N, H, W, C), which the shape rule of windows takes. */
static slim_value conv_image_u8_turned(const slim_value *x)
{
    slim_value turned = *x;
    turned.dims[1] = x->dims[2];
    turned.dims[2] = x->dims[3];
    turned.dims[3] = x->dims[1];
    return turned;
}

SLIM_COLD static slim_status conv_image_u8_prepare(slim_prepare *p)
{
    const slim_conv_image_u8_attributes *a = (const slim_conv_image_u8_attributes *)p->attributes;
    slim_status status;
    slim_window window;
    slim_value turned;
    int32_t dims[4];
    if ((status = slim_prepare_expect(p, 0, SLIM_U8, 4, 0)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    turned = conv_image_u8_turned(x);
    if ((status = slim_window_size(p, &turned, &window, &dims[1], &dims[2])) != SLIM_OK)
        return status;
    if (a->kernel_h < 1 || window.dilation_h != 1 || window.dilation_w != 1 || a->out_channels < 1 || x->dims[1] > 4)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the window is empty or dilated, or there are more than 4 channels");
    conv_image_u8_plan plan = conv_image_u8_layout(&window, x, (size_t)dims[1], (size_t)dims[2]);
    const size_t panels = slim_ceil_div((size_t)a->out_channels, SLIM_PANEL);
    if ((status = slim_gemm_u8_check(p, panels, plan.taps, plan.k, a->lo, a->hi)) != SLIM_OK)
        return status;
    dims[0] = x->dims[0];
    dims[3] = a->out_channels;
    slim_prepare_scratch(p, plan.bytes + plan.pointers);
    return slim_prepare_output(p, 0, 4, dims);
}

typedef struct conv_image_u8_context {
    const slim_step *step;
    const slim_conv_image_u8_attributes *a;
    const slim_value *x, *y;
    slim_window window;
    conv_image_u8_plan plan;
    size_t bands;                   /* of an image */
} conv_image_u8_context;

/* Pixels of three or four channels; `to` is whole words. */
static void conv_image_u8_words(uint32_t *__restrict to, const uint8_t *__restrict from, size_t plane, size_t width, int channels)
{
    const uint8_t *a = from, *b = from + plane, *c = b + plane, *d = c + (channels > 3 ? plane : 0);
    for (size_t i = 0; i < width; i++) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        to[i] = (uint32_t)a[i] << 24 | (uint32_t)b[i] << 16 | (uint32_t)c[i] << 8 | (uint32_t)d[i];
#else
        to[i] = (uint32_t)d[i] << 24 | (uint32_t)c[i] << 16 | (uint32_t)b[i] << 8 | (uint32_t)a[i];
#endif
    }
}

/* Input row `row` of an image, interleaved, with zero points around it; nothing else outside the image. */
static void conv_image_u8_fill(const conv_image_u8_context *c, size_t image, ptrdiff_t row, uint8_t *to)
{
    const size_t channels = (size_t)c->x->dims[1], height = (size_t)c->x->dims[2], width = (size_t)c->x->dims[3];
    const size_t plane = height * width, slot = c->plan.slot, left = (size_t)c->window.pad_left * slot;
    const uint8_t *from = c->x->data + image * channels * plane + (size_t)row * width;
    if (row < 0 || row >= (ptrdiff_t)height) {
        slim_fill(to, c->x->zero_point, c->plan.row);
        return;
    }
    slim_fill(to, c->x->zero_point, left);
    slim_fill(to + left + width * slot, c->x->zero_point, c->plan.row - left - width * slot);
    to += left;
    if (slot == 4)
        conv_image_u8_words((uint32_t *)(void *)to, from, plane, width, (int)channels);
    else if (slot == 1)
        slim_copy(to, from, width);
    else
        for (size_t i = 0; i < 2 * width; i++)
            to[i] = from[i / 2 + i % 2 * plane];
}

static void conv_image_u8_band(void *context, size_t index, int worker)
{
    const conv_image_u8_context *c = (const conv_image_u8_context *)context;
    const slim_window *w = &c->window;
    const conv_image_u8_plan *plan = &c->plan;
    const size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2];
    const size_t image = index / c->bands, first = index % c->bands * plan->band;
    const size_t count = SLIM_MIN(plan->band, out_h - first), step = (size_t)w->stride_w * plan->slot;
    const ptrdiff_t top = (ptrdiff_t)first * w->stride_h - w->pad_top;
    uint8_t *bytes = slim_step_scratch(c->step, worker);
    const uint8_t **rows = (const uint8_t **)(void *)(bytes + plan->bytes), **at = rows;
    slim_gemm_u8_task task;
    for (size_t i = 0; i < (count - 1) * (size_t)w->stride_h + plan->taps; i++)
        conv_image_u8_fill(c, image, top + (ptrdiff_t)i, bytes + i * plan->row);
    for (size_t y = 0; y < count; y++)
        for (size_t x = 0; x < out_w; x++)
            for (size_t tap = 0; tap < plan->taps; tap++)
                *at++ = bytes + (y * (size_t)w->stride_h + tap) * plan->row + x * step;
    task.rows = rows;
    task.m = count * out_w;
    task.taps = plan->taps;
    task.k = plan->k;
    task.n = (size_t)c->a->out_channels;
    slim_gemm_u8_fill(&task, c->step, 0, (image * out_h + first) * out_w * c->y->row_stride, c->a->lo, c->a->hi, c->a->flo,
                      c->a->fhi);
    c->step->kernels->gemm_u8(&task);
}

static void conv_image_u8_run(const slim_step *s)
{
    conv_image_u8_context c;
    slim_value turned;
    c.step = s;
    c.a = (const slim_conv_image_u8_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.y = slim_step_output(s, 0);
    turned = conv_image_u8_turned(c.x);
    c.window = slim_window_of(s, &turned);
    c.plan = conv_image_u8_layout(&c.window, c.x, (size_t)c.y->dims[1], (size_t)c.y->dims[2]);
    c.bands = slim_ceil_div((size_t)c.y->dims[1], c.plan.band);
    slim_parallel(s, (size_t)c.y->dims[0] * c.bands, conv_image_u8_band, &c);
}

SLIM_INTERNAL const slim_operator slim_op_conv_image_u8 = {
    SLIM_OP_CONV_IMAGE_U8, 3, 3, 1, sizeof(slim_conv_image_u8_attributes) / 4, 1, "conv_image_u8", conv_image_u8_prepare,
    conv_image_u8_run,
};
