/* 2-D convolution of bytes for an image as it comes in, N, C, H, W with one to four channels; the output is NHWC.
 *
 * Input rows are interleaved and padded in scratch memory. Rows of each window are then copied behind each other, so that the
 * GEMM kernel has one long tap: filter rows of 9 or 21 bytes would each end in an unfinished word of four. */
#include "ops/cut.h"
#include "ops/gemm_u8.h"
#include "ops/window.h"

#define CONV_IMAGE_U8_BAND ((size_t)1024)    /* about so many output pixels a task */
#define CONV_IMAGE_U8_TILES ((size_t)84)     /* output pixels that make whole tiles of 6, 12 and 14 */
#define CONV_IMAGE_U8_PATCHES ((size_t)12288)   /* about so many bytes of windows at once, in the first level */
#define CONV_IMAGE_U8_COPY ((size_t)16)      /* bytes of a window's row that are copied at once */

typedef struct conv_image_u8_plan {
    size_t channels;
    size_t window_row, k;           /* bytes of a window's row, and of a window */
    size_t patch;                   /* bytes from a copied window to the next */
    size_t strip;                   /* windows at once */
    size_t row;                     /* bytes of a padded input row */
    size_t bands;                   /* of an image: tasks */
    size_t rows;                    /* input rows that a band touches, at most */
    size_t bytes, patches, pointers;   /* of scratch: input rows, windows, row pointers */
} conv_image_u8_plan;

SLIM_BRIEF static conv_image_u8_plan conv_image_u8_layout(const slim_window *w, const slim_value *x, size_t out_h, size_t out_w,
                                               int threads)
{
    conv_image_u8_plan p;
    p.channels = (size_t)x->dims[1];
    p.window_row = (size_t)w->kernel_w * p.channels;
    p.k = (size_t)w->kernel_h * p.window_row;
    p.patch = p.k - p.window_row + slim_ceil_div(p.window_row, CONV_IMAGE_U8_COPY) * CONV_IMAGE_U8_COPY;
    p.patch = slim_ceil_div(p.patch, 4) * 4;
    p.strip = SLIM_MAX((size_t)1, SLIM_MIN(CONV_IMAGE_U8_PATCHES / (CONV_IMAGE_U8_TILES * p.patch), (size_t)6));
    p.strip *= CONV_IMAGE_U8_TILES;
    p.row = slim_align(((size_t)x->dims[3] + (size_t)w->pad_left + (size_t)w->pad_right) * p.channels + CONV_IMAGE_U8_COPY);
    p.bands = slim_bands(out_h, SLIM_MAX((size_t)1, CONV_IMAGE_U8_BAND / out_w), threads);
    p.rows = (slim_ceil_div(out_h, p.bands) - 1) * (size_t)w->stride_h + (size_t)w->kernel_h;
    p.bytes = p.rows * p.row;
    p.patches = slim_align(p.strip * p.patch);
    p.pointers = p.strip * sizeof(uint8_t *);
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
    conv_image_u8_plan plan = conv_image_u8_layout(&window, x, (size_t)dims[1], (size_t)dims[2], p->session->threads);
    const size_t panels = slim_ceil_div((size_t)a->out_channels, SLIM_PANEL);
    if ((status = slim_gemm_u8_check(p, panels, 1, plan.k, a->lo, a->hi)) != SLIM_OK)
        return status;
    dims[0] = x->dims[0];
    dims[3] = a->out_channels;
    slim_prepare_scratch(p, plan.bytes + plan.patches + plan.pointers);
    return slim_prepare_output(p, 0, 4, dims);
}

typedef struct conv_image_u8_context {
    const slim_step *step;
    const slim_conv_image_u8_attributes *a;
    const slim_value *x, *y;
    slim_window window;
    conv_image_u8_plan plan;
} conv_image_u8_context;

enum { CONV_IMAGE_U8_WORDS = 16 };   /* pixels that become words of four bytes at a time */

/* Pixels of three or four channels. The last words end with the row, and make some pixels of those before again. Words of
 * three bytes are written two at a time, and two bytes too many. */
static void conv_image_u8_words(uint8_t *to, const uint8_t *from, size_t plane, size_t width, size_t channels)
{
    const size_t third = 2 * plane, fourth = channels > 3 ? 3 * plane : third;
    const uint32_t mask = channels > 3 ? 0xFF000000u : 0;
    if (width < CONV_IMAGE_U8_WORDS) {
        for (size_t i = 0; i < width * channels; i++)
            to[i] = from[i % channels * plane + i / channels];
        return;
    }
    for (size_t done = 0; done < width; done += CONV_IMAGE_U8_WORDS) {
        const size_t x = SLIM_MIN(done, width - CONV_IMAGE_U8_WORDS);
        uint32_t words[CONV_IMAGE_U8_WORDS];
        for (size_t i = 0; i < CONV_IMAGE_U8_WORDS; i++) {
            const uint8_t *pixel = from + x + i;
            words[i] = ((uint32_t)pixel[fourth] << 24 & mask) | (uint32_t)pixel[third] << 16 | (uint32_t)pixel[plane] << 8
                | (uint32_t)pixel[0];
        }
        if (channels > 3)
            __builtin_memcpy(to + 4 * x, words, sizeof words);
        else
            for (size_t i = 0; i < CONV_IMAGE_U8_WORDS; i += 2) {
                const uint64_t two = words[i] | (uint64_t)words[i + 1] << 24;
                __builtin_memcpy(to + 3 * (x + i), &two, 8);
            }
    }
}

/* Input row `row` of an image, interleaved, with zero points around it; nothing else outside the image. */
static void conv_image_u8_fill(const conv_image_u8_context *c, size_t image, ptrdiff_t row, uint8_t *to)
{
    const size_t channels = c->plan.channels, height = (size_t)c->x->dims[2], width = (size_t)c->x->dims[3];
    const size_t plane = height * width, left = (size_t)c->window.pad_left * channels;
    const uint8_t *from = c->x->data + image * channels * plane + (size_t)row * width;
    if (row < 0 || row >= (ptrdiff_t)height) {
        slim_fill(to, c->x->zero_point, c->plan.row);
        return;
    }
    slim_fill(to, c->x->zero_point, left);
    if (channels > 2)
        conv_image_u8_words(to + left, from, plane, width, channels);
    else if (channels == 1)
        slim_copy(to + left, from, width);
    else
        for (size_t i = 0; i < 2 * width; i++)
            to[left + i] = from[i / 2 + i % 2 * plane];
    slim_fill(to + left + width * channels, c->x->zero_point, c->plan.row - left - width * channels);
}

/* Copy the windows of output pixels `first` to first + count of a band, whose input rows start at `bytes`. Bytes that are
 * copied past the end of a window's row are written over by its next row, or lie behind the window. */
static void conv_image_u8_copy(const conv_image_u8_context *c, size_t first, size_t count, const uint8_t *bytes, uint8_t *to)
{
    const conv_image_u8_plan *plan = &c->plan;
    const size_t out_w = (size_t)c->y->dims[2], step = (size_t)c->window.stride_w * plan->channels, patch = plan->patch;
    while (count) {
        const size_t y = first / out_w, x = first % out_w, some = SLIM_MIN(count, out_w - x);
        const uint8_t *row = bytes + y * (size_t)c->window.stride_h * plan->row + x * step;
        for (size_t ky = 0; ky < (size_t)c->window.kernel_h; ky++, row += plan->row)
            for (size_t b = 0; b < plan->window_row; b += CONV_IMAGE_U8_COPY) {
                const uint8_t *from = row + b;
                uint8_t *at = to + ky * plan->window_row + b;
                for (size_t i = 0; i < some; i++, from += step, at += patch)
                    __builtin_memcpy(at, from, CONV_IMAGE_U8_COPY);
            }
        first += some;
        count -= some;
        to += some * patch;
    }
}

static void conv_image_u8_band(void *context, size_t index, int worker)
{
    const conv_image_u8_context *c = (const conv_image_u8_context *)context;
    const slim_window *w = &c->window;
    const conv_image_u8_plan *plan = &c->plan;
    const size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2];
    const size_t image = index / plan->bands, first = slim_band_row(index % plan->bands, plan->bands, out_h);
    const size_t count = slim_band_row(index % plan->bands + 1, plan->bands, out_h) - first, pixels = count * out_w;
    const ptrdiff_t top = (ptrdiff_t)first * w->stride_h - w->pad_top;
    uint8_t *bytes = slim_step_scratch(c->step, worker), *patches = bytes + plan->bytes;
    const uint8_t **rows = (const uint8_t **)(void *)(patches + plan->patches);
    slim_gemm_u8_task task;
    for (size_t i = 0; i < (count - 1) * (size_t)w->stride_h + (size_t)w->kernel_h; i++)
        conv_image_u8_fill(c, image, top + (ptrdiff_t)i, bytes + i * plan->row);
    for (size_t i = 0; i < SLIM_MIN(plan->strip, pixels); i++)
        rows[i] = patches + i * plan->patch;
    task.rows = rows;
    task.taps = 1;
    task.k = plan->k;
    task.n = (size_t)c->a->out_channels;
    for (size_t at = 0; at < pixels; at += task.m) {
        task.m = SLIM_MIN(plan->strip, pixels - at);
        conv_image_u8_copy(c, at, task.m, bytes, patches);
        slim_gemm_u8_fill(&task, c->step, 0, ((image * out_h + first) * out_w + at) * c->y->row_stride, c->a->lo, c->a->hi,
                          c->a->flo, c->a->fhi);
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
    turned = conv_image_u8_turned(c.x);
    c.window = slim_window_of(s, &turned);
    c.plan = conv_image_u8_layout(&c.window, c.x, (size_t)c.y->dims[1], (size_t)c.y->dims[2], s->session->threads);
    slim_parallel(s, (size_t)c.y->dims[0] * c.plan.bands, conv_image_u8_band, &c);
}

SLIM_INTERNAL const slim_operator slim_op_conv_image_u8 = {
    SLIM_OP_CONV_IMAGE_U8, 3, 3, 1, sizeof(slim_conv_image_u8_attributes) / 4, 1, "conv_image_u8", conv_image_u8_prepare,
    conv_image_u8_run,
};
