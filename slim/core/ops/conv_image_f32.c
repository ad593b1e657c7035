/* 2-D convolution in fp32 of an image as it comes in, N, C, H, W with few channels: y = clamp(conv(x, w) + bias), NHWC.
 *
 * Input rows are interleaved and padded into a ring of kernel_h rows in scratch memory. A filter row then reads kernel_w * C
 * neighbouring floats, so the GEMM kernel has kernel_h taps of that length, and padding needs no test. */
#include "kernels/kernels.h"
#include "ops/image.h"

#define CONV_IMAGE_BAND ((size_t)8)   /* output rows of a task */

typedef struct conv_image_plan {
    size_t taps, k;             /* filter rows; floats of one */
    size_t row;                 /* floats of a padded row */
    size_t ring, pointers;      /* bytes of scratch */
} conv_image_plan;

static conv_image_plan conv_image_layout(const slim_window *w, const slim_value *x, size_t out_w)
{
    conv_image_plan p;
    size_t channels = (size_t)x->dims[1];
    p.taps = (size_t)w->kernel_h;
    p.k = (size_t)w->kernel_w * channels;
    p.row = ((size_t)x->dims[3] + (size_t)w->pad_left + (size_t)w->pad_right) * channels;
    p.ring = slim_align(p.taps * p.row * sizeof(float));
    p.pointers = slim_align(out_w * p.taps * sizeof(float *));
    return p;
}

SLIM_COLD static slim_status conv_image_prepare(slim_prepare *p)
{
    const slim_conv_image_f32_attributes *a = (const slim_conv_image_f32_attributes *)p->attributes;
    slim_status status;
    slim_window window;
    if ((status = slim_image_prepare(p, a->out_channels, &window)) != SLIM_OK)
        return status;
    conv_image_plan plan = conv_image_layout(&window, slim_prepare_input(p, 0), (size_t)slim_check_output(p, 0)->dims[2]);
    slim_prepare_scratch(p, plan.ring + plan.pointers);
    return SLIM_OK;
}

typedef struct conv_image_context {
    const slim_step *step;
    const slim_conv_image_f32_attributes *a;
    const slim_value *x, *w, *bias, *y;
    slim_window window;
    conv_image_plan plan;
    size_t bands;               /* of an image */
} conv_image_context;

/* Input row `row` of an image, interleaved, with zeros on both sides; all zeros outside the image. */
static void conv_image_fill(const conv_image_context *c, size_t image, int32_t row, float *to)
{
    const int32_t channels = c->x->dims[1], height = c->x->dims[2], width = c->x->dims[3];
    const size_t plane = (size_t)height * (size_t)width;
    const float *from = (const float *)c->x->data + image * (size_t)channels * plane;
    float *start = to + (size_t)c->window.pad_left * (size_t)channels;
    if (row < 0 || row >= height) {
        slim_fill(to, 0, c->plan.row * sizeof(float));
        return;
    }
    from += (size_t)row * (size_t)width;
    slim_fill(to, 0, (size_t)c->window.pad_left * (size_t)channels * sizeof(float));
    slim_fill(start + (size_t)width * (size_t)channels, 0, (size_t)c->window.pad_right * (size_t)channels * sizeof(float));
    if (channels == 3) {
        const float *red = from, *green = from + plane, *blue = from + 2 * plane;
        for (int32_t i = 0; i < width; i++) {
            start[3 * i] = red[i];
            start[3 * i + 1] = green[i];
            start[3 * i + 2] = blue[i];
        }
        return;
    }
    for (int32_t j = 0; j < channels; j++)
        for (int32_t i = 0; i < width; i++)
            start[(size_t)i * (size_t)channels + (size_t)j] = from[(size_t)j * plane + (size_t)i];
}

static void conv_image_band(void *context, size_t index, int worker)
{
    const conv_image_context *c = (const conv_image_context *)context;
    const slim_window *w = &c->window;
    const size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2];
    const size_t image = index / c->bands, first = index % c->bands * CONV_IMAGE_BAND;
    const size_t last = SLIM_MIN(first + CONV_IMAGE_BAND, out_h);
    const size_t step = (size_t)w->stride_w * (size_t)c->x->dims[1];
    float *ring = (float *)slim_step_scratch(c->step, worker);
    const float **rows = (const float **)(slim_step_scratch(c->step, worker) + c->plan.ring);
    int32_t filled = (int32_t)first * w->stride_h - w->pad_top;   /* rows before this one are in the ring */
    slim_gemm_f32_task task;
    task.rows = rows;
    task.m = out_w;
    task.taps = c->plan.taps;
    task.k = c->plan.k;
    task.weights = (const float *)c->w->data;
    task.bias = (const float *)c->bias->data;
    task.residual = NULL;
    task.residual_stride = 0;
    task.out_stride = c->y->row_stride;
    task.n = (size_t)c->a->out_channels;
    task.lo = c->a->lo;
    task.hi = c->a->hi;
    for (size_t y = first; y < last; y++) {
        const int32_t top = (int32_t)y * w->stride_h - w->pad_top;
        filled = SLIM_MAX(filled, top);
        for (; filled < top + w->kernel_h; filled++)
            conv_image_fill(c, image, filled, ring + (size_t)(filled + w->pad_top) % c->plan.taps * c->plan.row);
        for (size_t tap = 0; tap < c->plan.taps; tap++) {
            const float *row = ring + (size_t)(top + (int32_t)tap + w->pad_top) % c->plan.taps * c->plan.row;
            for (size_t x = 0; x < out_w; x++)
                rows[x * c->plan.taps + tap] = row + x * step;
        }
        task.out = (float *)c->y->data + (image * out_h + y) * out_w * task.out_stride;
        c->step->kernels->gemm_f32(&task);
    }
}

static void conv_image_run(const slim_step *s)
{
    conv_image_context c;
    c.step = s;
    c.a = (const slim_conv_image_f32_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.w = slim_step_input(s, 1);
    c.bias = slim_step_input(s, 2);
    c.y = slim_step_output(s, 0);
    c.window = slim_image_window(s);
    c.plan = conv_image_layout(&c.window, c.x, (size_t)c.y->dims[2]);
    c.bands = slim_ceil_div((size_t)c.y->dims[1], CONV_IMAGE_BAND);
    slim_parallel(s, (size_t)c.y->dims[0] * c.bands, conv_image_band, &c);
}

SLIM_INTERNAL const slim_operator slim_op_conv_image_f32 = {
    SLIM_OP_CONV_IMAGE_F32, 3, 3, 1, sizeof(slim_conv_image_f32_attributes) / 4, 1, "conv_image_f32", conv_image_prepare,
    conv_image_run,
};
