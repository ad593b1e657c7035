/* 2-D convolution of bytes, NHWC: strips of output pixels with a table of row pointers, as conv_f32. Padding is a pointer to
 * a row of the input's zero point. Where there are few output channels and three columns, rows of output pixels with a table of
 * pixels, which neighbours share. */
#include "ops/cut.h"
#include "ops/gemm_u8.h"
#include "ops/window.h"

#define CONV_U8_POINTERS ((size_t)2048)   /* a strip has at most so many row pointers, */
#define CONV_U8_STRIP ((size_t)256)       /* and so many output pixels */
#define CONV_U8_SLIDE 32                  /* output channels up to which slide_u8 is faster */

typedef struct conv_u8_plan {
    size_t taps, k;             /* filter positions; input channels a group */
    size_t panels;              /* of 16 output channels, a group */
    size_t group_outputs;
    size_t strip;               /* output pixels */
    size_t padding_bytes;       /* the row of zero points, in scratch */
} conv_u8_plan;

static conv_u8_plan conv_u8_layout(const slim_conv_u8_attributes *a, const slim_value *x)
{
    conv_u8_plan plan;
    plan.taps = (size_t)a->kernel_h * (size_t)a->kernel_w;
    plan.k = (size_t)(x->dims[3] / a->groups);
    plan.group_outputs = (size_t)(a->out_channels / a->groups);
    plan.panels = slim_ceil_div(plan.group_outputs, SLIM_PANEL);
    plan.strip = SLIM_MAX((size_t)1, SLIM_MIN(CONV_U8_STRIP, CONV_U8_POINTERS / plan.taps));
    plan.padding_bytes = slim_align(plan.k + 3);   /* kernels read whole words of four */
    return plan;
}

/* Pointers of the table of pixels of an output row; 0 where the window does not slide by one. */
static size_t conv_u8_pixels(const slim_window *w, int32_t out_w)
{
    if (w->kernel_w != 3 || w->stride_w != 1 || w->dilation_w != 1 || out_w < SLIM_SLIDE_U8_WIDTH)
        return 0;
    return (size_t)w->kernel_h * ((size_t)out_w + 2);
}

SLIM_COLD static slim_status conv_u8_prepare(slim_prepare *p)
{
    const slim_conv_u8_attributes *a = (const slim_conv_u8_attributes *)p->attributes;
    slim_status status;
    slim_window window;
    int32_t dims[4];
    if ((status = slim_prepare_expect(p, 0, SLIM_U8, 4, 0)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_window_size(p, x, &window, &dims[1], &dims[2])) != SLIM_OK)
        return status;
    if (a->kernel_h < 1 || a->groups < 1 || a->out_channels < 1 || x->dims[3] % a->groups || a->out_channels % a->groups)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the channels do not divide into the groups");
    conv_u8_plan plan = conv_u8_layout(a, x);
    if ((status = slim_gemm_u8_check(p, plan.panels * (size_t)a->groups, plan.taps, plan.k, a->lo, a->hi)) != SLIM_OK)
        return status;
    dims[0] = x->dims[0];
    dims[3] = a->out_channels;
    const size_t pointers = SLIM_MAX(plan.strip * plan.taps, conv_u8_pixels(&window, dims[2]));
    slim_prepare_scratch(p, plan.padding_bytes + pointers * sizeof(uint8_t *));
    return slim_prepare_output(p, 0, 4, dims);
}

typedef struct conv_u8_context {
    const slim_step *step;
    const slim_conv_u8_attributes *a;
    slim_window window;
    conv_u8_plan plan;
    const slim_value *x, *y;
    size_t pixels;
    slim_cut cut;               /* of one group */
} conv_u8_context;

/* Row pointers of `count` output pixels from `first` on: [count][taps]. Where a pixel and the one before it have no padding,
 * its pointers are those of the one before, a step on. */
static void conv_u8_point(const conv_u8_context *c, size_t first, size_t count, size_t group, const uint8_t *padding,
                          const uint8_t **rows)
{
    const slim_window *w = &c->window;
    const int32_t in_h = c->x->dims[1], in_w = c->x->dims[2], out_h = c->y->dims[1], out_w = c->y->dims[2];
    const size_t channels = (size_t)c->x->dims[3], taps = c->plan.taps, step = (size_t)w->stride_w * channels;
    int32_t x = (int32_t)(first % (size_t)out_w);
    int32_t y = (int32_t)(first / (size_t)out_w % (size_t)out_h);
    size_t image = first / ((size_t)out_w * (size_t)out_h);
    int inside = 0;
    for (size_t i = 0; i < count; i++, rows += taps) {
        const int32_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
        const int now = left >= 0 && left + (w->kernel_w - 1) * w->dilation_w < in_w && top >= 0
            && top + (w->kernel_h - 1) * w->dilation_h < in_h;
        if (inside && now) {
            for (size_t t = 0; t < taps; t++)
                rows[t] = rows[t - taps] + step;
        } else {
            const uint8_t *base = c->x->data + image * (size_t)in_h * (size_t)in_w * channels + group * c->plan.k;
            const uint8_t **at = rows;
            for (int32_t ky = 0; ky < w->kernel_h; ky++) {
                int32_t row = top + ky * w->dilation_h;
                for (int32_t kx = 0; kx < w->kernel_w; kx++) {
                    int32_t column = left + kx * w->dilation_w;
                    int there = row >= 0 && row < in_h && column >= 0 && column < in_w;
                    *at++ = there ? base + ((size_t)row * (size_t)in_w + (size_t)column) * channels : padding;
                }
            }
        }
        inside = now;
        if (++x == out_w) {
            x = 0;
            inside = 0;
            if (++y == out_h) {
                y = 0;
                image++;
            }
        }
    }
}

static void conv_u8_strip(void *context, size_t index, int worker)
{
    const conv_u8_context *c = (const conv_u8_context *)context;
    unsigned char *scratch = slim_step_scratch(c->step, worker);
    const uint8_t **rows = (const uint8_t **)(void *)(scratch + c->plan.padding_bytes);
    const size_t tasks = c->cut.strips * c->cut.groups, group = index / tasks;
    const slim_cut_part part = slim_cut_part_of(&c->cut, index % tasks, c->pixels, c->plan.group_outputs);
    const size_t channel = group * c->plan.group_outputs + part.first_panel * SLIM_PANEL;
    slim_gemm_u8_task task;
    slim_fill(scratch, c->x->zero_point, c->plan.padding_bytes);
    task.rows = rows;
    task.m = part.rows;
    task.taps = c->plan.taps;
    task.k = c->plan.k;
    task.n = part.outputs;
    slim_gemm_u8_fill(&task, c->step, group * c->plan.panels + part.first_panel, part.first_row * c->y->row_stride + channel,
                      c->a->lo, c->a->hi, c->a->flo, c->a->fhi);
    conv_u8_point(c, part.first_row, part.rows, group, scratch, rows);
    c->step->kernels->gemm_u8(&task);
}

#if SLIM_HAS_KERNEL_SLIDE_U8
/* Output row `index` of all images. */
static void conv_u8_slide(void *context, size_t index, int worker)
{
    const conv_u8_context *c = (const conv_u8_context *)context;
    const slim_window *w = &c->window;
    const size_t channels = c->plan.k, in_w = (size_t)c->x->dims[2], in_h = (size_t)c->x->dims[1];
    const size_t out_h = (size_t)c->y->dims[1], width = (size_t)c->y->dims[2];
    unsigned char *scratch = slim_step_scratch(c->step, worker);
    const uint8_t **pixels = (const uint8_t **)(void *)(scratch + c->plan.padding_bytes);
    slim_gemm_u8_task task;
    slim_slide_u8_task row;
    slim_fill(scratch, c->x->zero_point, c->plan.padding_bytes);
    for (size_t ky = 0; ky < (size_t)w->kernel_h; ky++) {
        const ptrdiff_t y = (ptrdiff_t)(index % out_h) * w->stride_h - w->pad_top + (ptrdiff_t)ky * w->dilation_h;
        const int inside = y >= 0 && y < (ptrdiff_t)in_h;
        const uint8_t *from = c->x->data + (index / out_h * in_h + (inside ? (size_t)y : 0)) * in_w * channels;
        const size_t first = SLIM_MIN((size_t)w->pad_left, width + 2), last = inside ? SLIM_MIN(first + in_w, width + 2) : first;
        const uint8_t **to = pixels + ky * (width + 2);
        for (size_t x = 0; x < first; x++)
            to[x] = scratch;
        for (size_t x = first; x < last; x++)
            to[x] = from + (x - first) * channels;
        for (size_t x = last; x < width + 2; x++)
            to[x] = scratch;
    }
    task.taps = c->plan.taps;
    task.k = channels;
    slim_gemm_u8_fill(&task, c->step, 0, index * width * c->y->row_stride, c->a->lo, c->a->hi, 0.0f, 0.0f);
    row.pixels = pixels;
    row.width = width;
    row.kernel_h = (size_t)w->kernel_h;
    row.k = channels;
    row.weights = task.weights;
    row.channels = task.channels;
    row.out = (uint8_t *)task.out;
    row.out_stride = task.out_stride;
    row.n = (size_t)c->a->out_channels;
    row.lo = task.lo;
    row.hi = task.hi;
    row.zero_point = task.zero_point;
    c->step->kernels->slide_u8(&row);
}
#endif

static void conv_u8_run(const slim_step *s)
{
    conv_u8_context c;
    c.step = s;
    c.a = (const slim_conv_u8_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.y = slim_step_output(s, 0);
    c.window = slim_window_of(s, c.x);
    c.plan = conv_u8_layout(c.a, c.x);
#if SLIM_HAS_KERNEL_SLIDE_U8
    if (s->kernels->slide_u8 && c.y->type == SLIM_U8 && c.a->groups == 1 && c.a->out_channels <= CONV_U8_SLIDE
        && conv_u8_pixels(&c.window, c.y->dims[2])) {
        slim_parallel(s, (size_t)c.y->dims[0] * (size_t)c.y->dims[1], conv_u8_slide, &c);
        return;
    }
#endif
    c.pixels = (size_t)c.y->dims[0] * (size_t)c.y->dims[1] * (size_t)c.y->dims[2];
    c.cut = slim_cut_of(c.pixels, c.plan.strip, c.plan.panels, (size_t)c.a->groups, s->session->threads);
    slim_parallel(s, c.cut.strips * c.cut.groups * (size_t)c.a->groups, conv_u8_strip, &c);
}

SLIM_INTERNAL const slim_operator slim_op_conv_u8 = {
    SLIM_OP_CONV_U8, 3, 3, 1, sizeof(slim_conv_u8_attributes) / 4, 1, "conv_u8", conv_u8_prepare, conv_u8_run,
};
