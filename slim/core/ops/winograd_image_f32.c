/* conv_image_f32 with stride 2 and a filter of 5x5 to 8x8 with fewer multiplications: Winograd's F(4,4) on the image's even
 * and odd rows and columns.
 *
 * Takes what conv_image_f32 takes. A task is a band of rows of tiles of 4x4 output pixels, and transforms the filters for itself:
 * that takes less time than to read them from another core. The error is that of winograd_f32. */
#include "kernels/kernels.h"
#include "ops/cut.h"
#include "ops/image.h"

typedef struct winograd_image_context {
    const slim_step *step;
    const slim_winograd_image_f32_attributes *a;
    const slim_value *x, *w, *bias, *y;
    slim_window window;
    size_t own;                 /* bytes of scratch before the transformed filters */
    size_t tiles_h, bands;      /* of an image */
} winograd_image_context;

static size_t winograd_image_own(size_t channels)
{
    return slim_align(SLIM_STRIDED_FLOATS(channels) * sizeof(float));
}

SLIM_COLD static slim_status winograd_image_prepare(slim_prepare *p)
{
    const slim_winograd_image_f32_attributes *a = (const slim_winograd_image_f32_attributes *)p->attributes;
    slim_status status;
    slim_window window;
    if ((status = slim_image_prepare(p, a->out_channels, &window)) != SLIM_OK)
        return status;
    if (window.kernel_h < 5 || window.kernel_h > 8 || window.kernel_w < 5 || window.kernel_w > 8 || window.stride_h != 2
        || window.stride_w != 2)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the window is not 5x5 to 8x8 with stride 2");
    const size_t channels = (size_t)slim_prepare_input(p, 0)->dims[1];
    const size_t filters = slim_ceil_div((size_t)a->out_channels, SLIM_PANEL) * SLIM_PANEL;
    slim_prepare_scratch(p, winograd_image_own(channels)
                         + 4 * SLIM_STRIDED_POINTS * SLIM_STRIDED_POINTS * channels * filters * sizeof(float));
    return SLIM_OK;
}

static void winograd_image_filters(const winograd_image_context *c, float *to)
{
    slim_winograd_image_weights task;
    task.channels = (size_t)c->x->dims[1];
    task.kernel_h = (size_t)c->window.kernel_h;
    task.kernel_w = (size_t)c->window.kernel_w;
    task.weights = (const float *)c->w->data;
    task.out = to;
    for (int32_t panel = 0; panel < c->w->dims[0]; panel++) {
        c->step->kernels->winograd_image_weights_f32(&task);
        task.weights += c->w->count / (size_t)c->w->dims[0];
        task.out += 4 * SLIM_STRIDED_POINTS * SLIM_STRIDED_POINTS * task.channels * SLIM_PANEL;
    }
}

static void winograd_image_band(void *context, size_t index, int worker)
{
    const winograd_image_context *c = (const winograd_image_context *)context;
    const size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2], image = index / c->bands;
    const size_t end = SLIM_MIN(out_h, 4 * slim_band_row(index % c->bands + 1, c->bands, c->tiles_h));
    slim_winograd_image_f32 task;
    task.channels = (size_t)c->x->dims[1];
    task.in_h = c->x->dims[2];
    task.in_w = c->x->dims[3];
    task.image = (const float *)c->x->data + image * task.channels * (size_t)task.in_h * (size_t)task.in_w;
    task.memory = (float *)slim_step_scratch(c->step, worker);
    float *weights = task.memory + c->own / sizeof(float);
    winograd_image_filters(c, weights);
    task.weights = weights;
    task.bias = (const float *)c->bias->data;
    task.out_stride = c->y->row_stride;
    task.out_row = out_w * task.out_stride;
    task.n = (size_t)c->a->out_channels;
    task.lo = c->a->lo;
    task.hi = c->a->hi;
    for (size_t y = 4 * slim_band_row(index % c->bands, c->bands, c->tiles_h); y < end; y += 4) {
        for (size_t x = 0; x < out_w; x += 4 * SLIM_STRIDED_TILES) {
            task.top = (int32_t)(2 * y) - c->window.pad_top;
            task.left = (int32_t)(2 * x) - c->window.pad_left;
            task.out = (float *)c->y->data + (image * out_h + y) * task.out_row + x * task.out_stride;
            task.rows = SLIM_MIN((size_t)4, out_h - y);
            task.columns = SLIM_MIN((size_t)4 * SLIM_STRIDED_TILES, out_w - x);
            c->step->kernels->winograd_image_f32(&task);
        }
    }
}

static void winograd_image_run(const slim_step *s)
{
    winograd_image_context c;
    c.step = s;
    c.a = (const slim_winograd_image_f32_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.w = slim_step_input(s, 1);
    c.bias = slim_step_input(s, 2);
    c.y = slim_step_output(s, 0);
    c.window = *slim_window_as_given(s);
    c.own = winograd_image_own((size_t)c.x->dims[1]);
    c.tiles_h = slim_ceil_div((size_t)c.y->dims[1], 4);
    c.bands = SLIM_MIN(c.tiles_h, (size_t)s->session->threads);
    slim_parallel(s, (size_t)c.y->dims[0] * c.bands, winograd_image_band, &c);
}

SLIM_INTERNAL const slim_operator slim_op_winograd_image_f32 = {
    SLIM_OP_WINOGRAD_IMAGE_F32, 3, 3, 1, sizeof(slim_winograd_image_f32_attributes) / 4, 1, "winograd_image_f32",
    winograd_image_prepare, winograd_image_run,
};
