/* 2-D convolution in fp32 of an image as it comes in, N, C, H, W with few channels: y = clamp(conv(x, w) + bias), NHWC.
 *
 * Input rows are padded into a ring of kernel_h rows in scratch memory, each as the columns that a step of the stride takes
 * apart: inputs of one filter tap for neighbouring outputs lie side by side, whatever the stride. */
#include "kernels/kernels.h"
#include "ops/cut.h"
#include "ops/image.h"

#define CONV_IMAGE_BAND ((size_t)8)   /* output rows of a task */

typedef struct conv_image_plan {
    size_t taps;                /* of a filter, all channels */
    size_t columns;             /* floats of a row in each of the stride's columns */
    size_t row;                 /* floats of a row of the ring: [channels][stride_w][columns] */
    size_t ring, pointers;      /* bytes of scratch */
} conv_image_plan;

static conv_image_plan conv_image_layout(const slim_window *w, const slim_value *x)
{
    conv_image_plan p;
    const size_t channels = (size_t)x->dims[1], stride = (size_t)w->stride_w;
    p.taps = (size_t)w->kernel_h * (size_t)w->kernel_w * channels;
    p.columns = slim_ceil_div((size_t)x->dims[3] + (size_t)w->pad_left + (size_t)w->pad_right, stride);
    p.row = p.columns * stride * channels;
    p.ring = slim_align((size_t)w->kernel_h * p.row * sizeof(float));
    p.pointers = slim_align(p.taps * sizeof(float *));
    return p;
}

SLIM_COLD static slim_status conv_image_prepare(slim_prepare *p)
{
    const slim_conv_image_f32_attributes *a = (const slim_conv_image_f32_attributes *)p->attributes;
    slim_status status;
    slim_window window;
    if ((status = slim_image_prepare(p, a->out_channels, &window)) != SLIM_OK)
        return status;
    conv_image_plan plan = conv_image_layout(&window, slim_prepare_input(p, 0));
    slim_prepare_scratch(p, plan.ring + plan.pointers);
    slim_prepare_exact(p, 0);   /* it copies rows */
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

/* Input row `row` of an image, between the zeros that are on both sides already; all zeros outside the image. */
SLIM_VECTORIZE static void conv_image_fill(const conv_image_context *c, size_t image, int32_t row, float *to)
{
    const size_t channels = (size_t)c->x->dims[1], height = (size_t)c->x->dims[2], width = (size_t)c->x->dims[3];
    const size_t columns = c->plan.columns, stride = (size_t)c->window.stride_w, pad = (size_t)c->window.pad_left;
    if (row < 0 || (size_t)row >= height) {
        slim_fill(to, 0, c->plan.row * sizeof(float));
        return;
    }
    for (size_t j = 0; j < channels; j++, to += stride * columns) {
        const float *from = (const float *)c->x->data + ((image * channels + j) * height + (size_t)row) * width;
        for (size_t i = 0; i < width && (size_t)row + 1 < height; i += 16)   /* the next row, which no processor foresees */
            __builtin_prefetch(from + width + i);
        if (stride == 1) {
            slim_copy(to + pad, from, width * sizeof(float));
            continue;
        }
        if (stride == 2) {   /* which compilers vectorise */
            const size_t odd = pad % 2;
            float *even = to + odd * columns + pad / 2, *other = to + (1 - odd) * columns + pad / 2 + odd;
            for (size_t i = 0; i < width / 2; i++) {
                even[i] = from[2 * i];
                other[i] = from[2 * i + 1];
            }
            if (width % 2)
                even[width / 2] = from[width - 1];
            continue;
        }
        for (size_t first = 0; first < stride; first++) {
            float *column = to + (pad + first) % stride * columns + (pad + first) / stride;
            for (size_t i = first; i < width; i += stride)
                *column++ = from[i];
        }
    }
}

static void conv_image_band(void *context, size_t index, int worker)
{
    const conv_image_context *c = (const conv_image_context *)context;
    const slim_window *w = &c->window;
    const size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2], channels = (size_t)c->x->dims[1];
    const size_t image = index / c->bands, first = slim_band_row(index % c->bands, c->bands, out_h);
    const size_t last = slim_band_row(index % c->bands + 1, c->bands, out_h), stride = (size_t)w->stride_w;
    float *ring = (float *)slim_step_scratch(c->step, worker);
    const float **columns = (const float **)(slim_step_scratch(c->step, worker) + c->plan.ring);
    int32_t filled = (int32_t)first * w->stride_h - w->pad_top;   /* rows before this one are in the ring */
    slim_columns_f32_task task;
    slim_fill(ring, 0, c->plan.ring);   /* rows keep the zeros on their sides */
    task.columns = columns;
    task.m = out_w;
    task.k = c->plan.taps;
    task.n = (size_t)c->a->out_channels;
    task.weights = (const float *)c->w->data;
    task.bias = (const float *)c->bias->data;
    task.out_stride = c->y->row_stride;
    task.lo = c->a->lo;
    task.hi = c->a->hi;
    for (size_t y = first; y < last; y++) {
        const int32_t top = (int32_t)y * w->stride_h - w->pad_top;
        const float **column = columns;
        filled = SLIM_MAX(filled, top);
        for (; filled < top + w->kernel_h; filled++)
            conv_image_fill(c, image, filled, ring + (size_t)((filled + w->pad_top) % w->kernel_h) * c->plan.row);
        for (int32_t ky = 0; ky < w->kernel_h; ky++)
            for (size_t kx = 0; kx < (size_t)w->kernel_w; kx++)
                for (size_t j = 0; j < channels; j++)
                    *column++ = ring + (size_t)((top + ky + w->pad_top) % w->kernel_h) * c->plan.row
                        + (j * stride + kx % stride) * c->plan.columns + kx / stride;
        task.out = (float *)c->y->data + (image * out_h + y) * out_w * task.out_stride;
        c->step->kernels->columns_f32(&task);
    }
}

SLIM_BRIEF static void conv_image_run(const slim_step *s)
{
    conv_image_context c;
    c.step = s;
    c.a = (const slim_conv_image_f32_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.w = slim_step_input(s, 1);
    c.bias = slim_step_input(s, 2);
    c.y = slim_step_output(s, 0);
    c.window = slim_image_window(s);
    c.plan = conv_image_layout(&c.window, c.x);
    c.bands = slim_bands((size_t)c.y->dims[1], CONV_IMAGE_BAND, s->session->threads);
    slim_parallel(s, (size_t)c.y->dims[0] * c.bands, conv_image_band, &c);
}

SLIM_INTERNAL const slim_operator slim_op_conv_image_f32 = {
    SLIM_OP_CONV_IMAGE_F32, 3, 3, 1, sizeof(slim_conv_image_f32_attributes) / 4, 1, "conv_image_f32", conv_image_prepare,
    conv_image_run,
};
