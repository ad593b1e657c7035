/* 2-D convolution in fp32 of an image as it comes in, N, C, H, W with few channels: y = clamp(conv(x, w) + bias), NHWC. */
#include "ops/cut.h"
#include "ops/image_rows.h"

#define CONV_IMAGE_BAND ((size_t)8)   /* output rows of a task */

SLIM_COLD static slim_status conv_image_prepare(slim_prepare *p)
{
    const slim_conv_image_f32_attributes *a = (const slim_conv_image_f32_attributes *)p->attributes;
    slim_status status;
    slim_window window;
    slim_image_rows rows;
    if ((status = slim_image_prepare(p, a->out_channels, &window)) != SLIM_OK)
        return status;
    slim_image_rows_lay(&rows, &window, slim_prepare_input(p, 0));
    slim_prepare_scratch(p, rows.scratch);
    slim_prepare_exact(p, 0);   /* it copies rows */
    return SLIM_OK;
}

typedef struct conv_image_context {
    const slim_step *step;
    const slim_value *y;
    slim_image_rows rows;
    size_t bands;               /* of an image */
} conv_image_context;

static void conv_image_band(void *context, size_t index, int worker)
{
    const conv_image_context *c = (const conv_image_context *)context;
    const size_t height = c->rows.height, image = index / c->bands, band = index % c->bands;
    float *out = (float *)c->y->data + image * height * c->rows.task.m * c->rows.task.out_stride;
    slim_image_rows_make(&c->rows, image, slim_band_row(band, c->bands, height), slim_band_row(band + 1, c->bands, height),
                         slim_step_scratch(c->step, worker), out, height);
}

SLIM_BRIEF static void conv_image_run(const slim_step *s)
{
    const slim_conv_image_f32_attributes *a = (const slim_conv_image_f32_attributes *)s->attributes;
    conv_image_context c;
    c.step = s;
    c.y = slim_step_output(s, 0);
    slim_image_rows_begin(&c.rows, s, slim_window_as_given(s), a->out_channels, c.y->row_stride, a->lo, a->hi);
    c.bands = slim_bands(c.rows.height, CONV_IMAGE_BAND, s->session->threads);
    slim_parallel(s, (size_t)c.y->dims[0] * c.bands, conv_image_band, &c);
}

SLIM_INTERNAL const slim_operator slim_op_conv_image_f32 = {
    SLIM_OP_CONV_IMAGE_F32, 3, 3, 1, sizeof(slim_conv_image_f32_attributes) / 4, 1, "conv_image_f32", conv_image_prepare,
    conv_image_run,
};
