/* 2-D convolution of bytes for an image as it comes in, N, C, H, W with one to four channels; the output is NHWC. The image may
 * be floats, which become bytes on the way.
 *
 * Rows of the image that a window touches, kernel_h of each channel, are woven in fours into rows of words: neighbouring columns
 * of four rows are a tap. The one to three rows that are left are taps of bytes. A window of 3x3x3 is then 7 words, where pixels
 * of a row and their padding would be 9. */
#include "ops/cut.h"
#include "ops/gemm_u8.h"
#include "ops/image.h"
#include "ops/quantizer.h"
#include "ops/window.h"

#define CONV_IMAGE_U8_BAND ((size_t)1024)    /* about so many output pixels a task */
#define CONV_IMAGE_U8_BYTES ((size_t)12288)  /* of woven rows and pointers to them at once, in the first level */

typedef struct conv_image_u8_plan {
    size_t weaves, rests;           /* taps of words, and of bytes */
    size_t width;                   /* columns, with padding */
    size_t rest_row;                /* bytes of a padded row */
    size_t strip;                   /* output rows at once */
    size_t bands;                   /* of an image: tasks */
    size_t rows;                    /* input rows that a band touches, at most */
    size_t bytes, outside, woven, rest, pointers;   /* of scratch: the image's bytes, a row of padding, rows of taps, pointers */
} conv_image_u8_plan;

SLIM_BRIEF static conv_image_u8_plan conv_image_u8_layout(const slim_window *w, const slim_value *x, size_t out_h, size_t out_w,
                                                          int threads)
{
    conv_image_u8_plan p;
    const size_t channels = (size_t)x->dims[1], in_w = (size_t)x->dims[3], lines = (size_t)w->kernel_h * channels;
    p.weaves = lines / 4;
    p.rests = lines % 4;
    p.width = in_w + (size_t)w->pad_left + (size_t)w->pad_right;
    p.rest_row = p.width + 3;   /* kernels read whole words */
    p.bands = slim_bands(out_h, SLIM_MAX((size_t)1, CONV_IMAGE_U8_BAND / out_w), threads);
    const size_t most = slim_ceil_div(out_h, p.bands), woven = p.weaves * p.width * 4, rest = p.rests * p.rest_row;
    const size_t pointers = out_w * (p.weaves + p.rests);
    /* as many rows whatever a pointer takes: plans are made on other machines, too */
    p.strip = SLIM_MAX((size_t)1, SLIM_MIN(most, CONV_IMAGE_U8_BYTES / (woven + rest + pointers * 8)));
    p.rows = (most - 1) * (size_t)w->stride_h + (size_t)w->kernel_h;
    p.bytes = x->type == SLIM_F32 ? slim_align(SLIM_MIN(p.rows, (size_t)x->dims[2]) * channels * in_w) : 0;
    p.outside = slim_align(in_w);
    p.woven = slim_align(p.strip * woven);
    p.rest = slim_align(p.strip * rest);
    p.pointers = p.strip * pointers * sizeof(uint8_t *);
    return p;
}

SLIM_COLD static slim_status conv_image_u8_prepare(slim_prepare *p)
{
    const slim_conv_image_u8_attributes *a = (const slim_conv_image_u8_attributes *)p->attributes;
    const slim_value *x = slim_prepare_input(p, 0);
    slim_status status;
    slim_window window;
    slim_value turned;
    int32_t dims[4], touched[3];
    size_t count;
    if ((status = slim_prepare_expect(p, 0, x && x->type == SLIM_F32 ? SLIM_F32 : SLIM_U8, 4, 0)) != SLIM_OK)
        return status;
    slim_image_turn(x, &turned);
    if ((status = slim_window_size(p, &turned, &window, &dims[1], &dims[2])) != SLIM_OK)
        return status;
    if (a->kernel_h < 1 || window.dilation_h != 1 || window.dilation_w != 1 || a->out_channels < 1 || x->dims[1] > 4)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the window is empty or dilated, or there are more than 4 channels");
    if (x->type == SLIM_F32 ? !(a->image_scale > 0.0f) || (uint32_t)a->image_zero_point > 255 : !slim_check_zero_point(x))
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the image has no scale, or its zero point is not a byte");
    touched[0] = window.kernel_h * x->dims[1];
    touched[1] = (int32_t)SLIM_MIN((int64_t)x->dims[3] + window.pad_left + window.pad_right + 3, INT32_MAX);
    touched[2] = 4 * (int32_t)sizeof(uint8_t *);
    if (!slim_count_elements(3, touched, &count))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "rows of the image would be too large");
    conv_image_u8_plan plan = conv_image_u8_layout(&window, x, (size_t)dims[1], (size_t)dims[2], p->session->threads);
    const size_t panels = slim_ceil_div((size_t)a->out_channels, SLIM_PANEL), columns = (size_t)window.kernel_w;
    if ((status = slim_gemm_u8_check_constants(p, panels, 1, 4 * (plan.weaves * columns + plan.rests * slim_ceil_div(columns, 4)), a->lo,
                                     a->hi)) != SLIM_OK)
        return status;
    dims[0] = x->dims[0];
    dims[3] = a->out_channels;
    slim_prepare_exact(p, 0);   /* it copies rows */
    slim_prepare_scratch(p, plan.bytes + plan.outside + plan.woven + plan.rest + plan.pointers);
    return slim_prepare_output(p, 0, 4, dims);
}

typedef struct conv_image_u8_context {
    const slim_step *step;
    const slim_conv_image_u8_attributes *a;
    const slim_value *x, *y;
    slim_window window;
    conv_image_u8_plan plan;
    int32_t zero_point;             /* of the image's bytes */
} conv_image_u8_context;

enum { CONV_IMAGE_U8_TOGETHER = 16 };   /* columns that are woven at a time */

SLIM_VECTORIZE static void conv_image_u8_weave_some(uint8_t *__restrict to, const uint8_t *const *rows, size_t first)
{
    const uint8_t *__restrict a = rows[0] + first, *__restrict b = rows[1] + first;
    const uint8_t *__restrict c = rows[2] + first, *__restrict d = rows[3] + first;
    for (size_t i = 0; i < CONV_IMAGE_U8_TOGETHER; i++) {
        to[4 * i] = a[i];
        to[4 * i + 1] = b[i];
        to[4 * i + 2] = c[i];
        to[4 * i + 3] = d[i];
    }
}

/* Bytes of four rows, next to each other column by column. */
static void conv_image_u8_weave(uint8_t *to, const uint8_t *const *rows, size_t width)
{
    size_t done = width < CONV_IMAGE_U8_TOGETHER ? 0 : width;
    for (size_t i = 0; i < done; i += CONV_IMAGE_U8_TOGETHER) {
        const size_t first = SLIM_MIN(i, width - CONV_IMAGE_U8_TOGETHER);   /* the last ones again */
        conv_image_u8_weave_some(to + 4 * first, rows, first);
    }
    for (; done < width; done++)
        for (size_t r = 0; r < 4; r++)
            to[4 * done + r] = rows[r][done];
}

/* Where the taps of `rows` output rows will lie. */
static void conv_image_u8_point(const conv_image_u8_context *c, size_t rows, const uint8_t *woven, const uint8_t *rest,
                                const uint8_t **to)
{
    const conv_image_u8_plan *p = &c->plan;
    for (size_t y = 0; y < rows; y++, woven += p->weaves * p->width * 4, rest += p->rests * p->rest_row)
        for (size_t x = 0; x < (size_t)c->y->dims[2]; x++) {
            const size_t column = x * (size_t)c->window.stride_w;
            for (size_t i = 0; i < p->weaves; i++)
                *to++ = woven + (i * p->width + column) * 4;
            for (size_t i = 0; i < p->rests; i++)
                *to++ = rest + i * p->rest_row + column;
        }
}

/* The taps of an output row, whose window's first row is row `top` of the image. `bytes` are the image's bytes from row `begin`
 * on, `plane` apart. */
static void conv_image_u8_taps(const conv_image_u8_context *c, const uint8_t *bytes, size_t plane, ptrdiff_t begin, ptrdiff_t top,
                               const uint8_t *outside, uint8_t *woven, uint8_t *rest)
{
    const conv_image_u8_plan *p = &c->plan;
    const size_t channels = (size_t)c->x->dims[1], in_w = (size_t)c->x->dims[3], left = (size_t)c->window.pad_left;
    const size_t lines = 4 * p->weaves + p->rests;
    const uint8_t *four[4];
    for (size_t i = 0; i < lines; i++) {
        const ptrdiff_t row = top + (ptrdiff_t)(i / channels);
        const int inside = row >= 0 && row < (ptrdiff_t)c->x->dims[2];
        const uint8_t *from = inside ? bytes + i % channels * plane + (size_t)(row - begin) * in_w : outside;
        four[i % 4] = from;
        if (i >= 4 * p->weaves)
            slim_copy(rest + (i - 4 * p->weaves) * p->rest_row + left, from, in_w);
        else if (i % 4 == 3)
            conv_image_u8_weave(woven + (i / 4 * p->width + left) * 4, four, in_w);
    }
}

static void conv_image_u8_band(void *context, size_t index, int worker)
{
    const conv_image_u8_context *c = (const conv_image_u8_context *)context;
    const slim_window *w = &c->window;
    const conv_image_u8_plan *plan = &c->plan;
    const size_t channels = (size_t)c->x->dims[1], in_h = (size_t)c->x->dims[2], in_w = (size_t)c->x->dims[3];
    const size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2];
    const size_t image = index / plan->bands, first = slim_band_row(index % plan->bands, plan->bands, out_h);
    const size_t end = slim_band_row(index % plan->bands + 1, plan->bands, out_h);
    uint8_t *scratch = slim_step_scratch(c->step, worker), *outside = scratch + plan->bytes, *woven = outside + plan->outside;
    uint8_t *rest = woven + plan->woven;
    const uint8_t **pointers = (const uint8_t **)(void *)(rest + plan->rest);
    const uint8_t *bytes = c->x->data + image * channels * in_h * in_w;
    size_t plane = in_h * in_w;
    ptrdiff_t begin = 0;
    slim_gemm_u8_task task;
    slim_fill(outside, c->zero_point, plan->outside + plan->woven + plan->rest);   /* rows keep the padding on their sides */
    if (c->x->type == SLIM_F32) {
        const ptrdiff_t top = (ptrdiff_t)first * w->stride_h - w->pad_top;
        const ptrdiff_t bottom = (ptrdiff_t)(end - 1) * w->stride_h - w->pad_top + w->kernel_h;
        begin = SLIM_MIN(SLIM_MAX(top, 0), (ptrdiff_t)in_h);
        plane = (size_t)(SLIM_MAX(SLIM_MIN(bottom, (ptrdiff_t)in_h), begin) - begin) * in_w;
        for (size_t i = 0; i < channels; i++)
            slim_quantize(c->step->kernels, scratch + i * plane,
                          (const float *)c->x->data + ((image * channels + i) * in_h + (size_t)begin) * in_w, plane,
                          c->a->image_scale, c->zero_point, 0);
        bytes = scratch;
    }
    conv_image_u8_point(c, SLIM_MIN(plan->strip, end - first), woven, rest, pointers);
    task.rows = pointers;
    task.taps = plan->weaves;
    task.k = 4 * (size_t)w->kernel_w;
    task.n = (size_t)c->a->out_channels;
    for (size_t row = first, some; row < end; row += some) {
        some = SLIM_MIN(plan->strip, end - row);
        for (size_t i = 0; i < some; i++)
            conv_image_u8_taps(c, bytes, plane, begin, (ptrdiff_t)(row + i) * w->stride_h - w->pad_top, outside,
                               woven + i * plan->weaves * plan->width * 4, rest + i * plan->rests * plan->rest_row);
        task.m = some * out_w;
        slim_gemm_u8_fill(&task, c->step, 0, (image * out_h + row) * out_w * c->y->row_stride, c->a->lo, c->a->hi, c->a->flo,
                          c->a->fhi);
        task.rests = plan->rests;
        task.rest = (size_t)w->kernel_w;
        c->step->kernels->gemm_u8(&task);
    }
}

SLIM_BRIEF static void conv_image_u8_run(const slim_step *s)
{
    conv_image_u8_context c;
    slim_value turned;
    c.step = s;
    c.a = (const slim_conv_image_u8_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.y = slim_step_output(s, 0);
    slim_image_turn(c.x, &turned);
    c.window = slim_window_of(s, &turned);
    c.plan = conv_image_u8_layout(&c.window, c.x, (size_t)c.y->dims[1], (size_t)c.y->dims[2], s->session->threads);
    c.zero_point = c.x->type == SLIM_F32 ? c.a->image_zero_point : c.x->zero_point;
    slim_parallel(s, (size_t)c.y->dims[0] * c.plan.bands, conv_image_u8_band, &c);
}

SLIM_INTERNAL const slim_operator slim_op_conv_image_u8 = {
    SLIM_OP_CONV_IMAGE_U8, 3, 3, 1, sizeof(slim_conv_image_u8_attributes) / 4, 1, "conv_image_u8", conv_image_u8_prepare,
    conv_image_u8_run,
};
