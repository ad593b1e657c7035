/* conv_image_f32 (N, C, H, W with few channels in, NHWC out) for images so narrow that a row of outputs does not fill a tile of
 * the kernel: a band of rows goes at once.
 *
 * For that, inputs of one filter tap lie side by side for all outputs of the band: each channel and filter column has a part
 * of its own, whose rows are as long as the output's and hold what that column meets. Filter rows share parts: row ky reads
 * from row ky % stride_h on, and ky / stride_h further down, so a part has its input rows sorted by that remainder. */
#include "kernels/kernels.h"
#include "ops/image.h"

#define CONV_NARROW_PIXELS ((size_t)256)   /* of a band, about */

typedef struct conv_narrow_plan {
    size_t band;                /* output rows of a task */
    size_t taps;                /* of a filter, all channels */
    size_t phases, phase;       /* remainders that are read; floats from one to the next: [channels][kernel_w][phases] */
    size_t parts, pointers;     /* bytes of scratch */
} conv_narrow_plan;

static conv_narrow_plan conv_narrow_layout(const slim_window *w, const slim_value *x, const slim_value *y, int threads)
{
    conv_narrow_plan p;
    const size_t width = (size_t)y->dims[2], columns = (size_t)w->kernel_w * (size_t)x->dims[1];
    p.band = SLIM_MIN(slim_ceil_div(CONV_NARROW_PIXELS, width), slim_ceil_div((size_t)y->dims[1], (size_t)threads));
    p.taps = (size_t)w->kernel_h * columns;
    p.phases = (size_t)SLIM_MIN(w->stride_h, w->kernel_h);
    p.phase = (p.band + (size_t)(w->kernel_h - 1) / (size_t)w->stride_h) * width;
    p.parts = slim_align(columns * p.phases * p.phase * sizeof(float));
    p.pointers = slim_align(p.taps * sizeof(float *));
    return p;
}

SLIM_COLD static slim_status conv_narrow_prepare(slim_prepare *p)
{
    const slim_conv_narrow_f32_attributes *a = (const slim_conv_narrow_f32_attributes *)p->attributes;
    slim_status status;
    slim_window window;
    if ((status = slim_image_prepare(p, a->out_channels, &window)) != SLIM_OK)
        return status;
    const slim_value *y = &p->session->values[p->tensors[p->inputs]];
    conv_narrow_plan plan = conv_narrow_layout(&window, slim_prepare_input(p, 0), y, p->session->threads);
    slim_prepare_scratch(p, plan.parts + plan.pointers);
    return SLIM_OK;
}

typedef struct conv_narrow_context {
    const slim_step *step;
    const slim_conv_narrow_f32_attributes *a;
    const slim_value *x, *w, *bias, *y;
    slim_window window;
    conv_narrow_plan plan;
    size_t bands;               /* of an image */
} conv_narrow_context;

/* Rows of one part and remainder: input rows from `row` on, stride_h apart, and their values from `column` on, stride_w apart.
 * `before` is the part whose values begin stride_w earlier: all but the last of each row are its next ones. */
static void conv_narrow_fill(const conv_narrow_context *c, const float *channel, ptrdiff_t row, ptrdiff_t column, const float *before,
                             float *to)
{
    const ptrdiff_t height = c->x->dims[2], width = c->x->dims[3], stride = c->window.stride_w;
    const ptrdiff_t end = column + c->y->dims[2] * stride, start = before ? end - stride : column;
    const size_t known = before ? (size_t)c->y->dims[2] - 1 : 0;
    if (before)
        slim_copy(to, before + 1, (c->plan.phase - 1) * sizeof(float));
    for (size_t i = known; i < c->plan.phase; i += known, row += c->window.stride_h) {
        const ptrdiff_t inside = row >= 0 && row < height ? width : 0;
        const float *from = channel + (inside ? row * width : 0);
        for (ptrdiff_t x = start; x < end; x += stride)
            to[i++] = (size_t)x < (size_t)inside ? from[x] : 0;
    }
}

static void conv_narrow_band(void *context, size_t index, int worker)
{
    const conv_narrow_context *c = (const conv_narrow_context *)context;
    const slim_window *w = &c->window;
    const size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2], channels = (size_t)c->x->dims[1];
    const size_t pixels = (size_t)c->x->dims[2] * (size_t)c->x->dims[3], stride = (size_t)w->stride_h;
    const size_t image = index / c->bands, first = index % c->bands * c->plan.band;
    const size_t part = c->plan.phases * c->plan.phase;
    float *parts = (float *)(void *)slim_step_scratch(c->step, worker), *to = parts;
    const float **column = (const float **)(void *)(slim_step_scratch(c->step, worker) + c->plan.parts);
    slim_columns_f32_task task;
    for (size_t j = 0; j < channels; j++)
        for (ptrdiff_t kx = 0; kx < w->kernel_w; kx++)
            for (size_t phase = 0; phase < c->plan.phases; phase++, to += c->plan.phase)
                conv_narrow_fill(c, (const float *)c->x->data + (image * channels + j) * pixels,
                                 (ptrdiff_t)(first * stride + phase) - w->pad_top, kx - w->pad_left,
                                 kx < w->stride_w ? NULL : to - (size_t)w->stride_w * part, to);
    task.columns = column;
    for (size_t ky = 0; ky < (size_t)w->kernel_h; ky++)
        for (size_t kx = 0; kx < (size_t)w->kernel_w; kx++)
            for (size_t j = 0; j < channels; j++)
                *column++ = parts + (j * (size_t)w->kernel_w + kx) * part + ky % stride * c->plan.phase + ky / stride * out_w;
    task.m = SLIM_MIN(c->plan.band, out_h - first) * out_w;
    task.k = c->plan.taps;
    task.n = (size_t)c->a->out_channels;
    task.weights = (const float *)c->w->data;
    task.bias = (const float *)c->bias->data;
    task.out_stride = c->y->row_stride;
    task.out = (float *)c->y->data + (image * out_h + first) * out_w * task.out_stride;
    task.lo = c->a->lo;
    task.hi = c->a->hi;
    c->step->kernels->columns_f32(&task);
}

static void conv_narrow_run(const slim_step *s)
{
    conv_narrow_context c;
    c.step = s;
    c.a = (const slim_conv_narrow_f32_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.w = slim_step_input(s, 1);
    c.bias = slim_step_input(s, 2);
    c.y = slim_step_output(s, 0);
    c.window = *slim_window_as_given(s);
    c.plan = conv_narrow_layout(&c.window, c.x, c.y, s->session->threads);
    c.bands = slim_ceil_div((size_t)c.y->dims[1], c.plan.band);
    slim_parallel(s, (size_t)c.y->dims[0] * c.bands, conv_narrow_band, &c);
}

SLIM_INTERNAL const slim_operator slim_op_conv_narrow_f32 = {
    SLIM_OP_CONV_NARROW_F32, 3, 3, 1, sizeof(slim_conv_narrow_f32_attributes) / 4, 1, "conv_narrow_f32", conv_narrow_prepare,
    conv_narrow_run,
};
