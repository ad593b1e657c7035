/* 2-D convolution in fp32, NHWC: y = clamp(conv(x, w) + bias + residual).
 *
 * Output pixels are cut into strips. For each strip a table of row pointers (one a pixel and tap) is written into scratch
 * memory, and the GEMM kernel does the rest: nothing is copied, and padding is a pointer to a row of zeros. (Dukhan, "The
 * indirect convolution algorithm", arXiv 1907.02129.) */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/cut.h"
#include "ops/window.h"

#define CONV_F32_POINTERS ((size_t)2048)   /* a strip has at most so many row pointers, */
#define CONV_F32_STRIP ((size_t)256)       /* and so many output pixels */
#define CONV_F32_FAR ((size_t)1 << 18)     /* an output of so many floats leaves the second-level cache */
#define CONV_F32_AHEAD ((size_t)12)        /* rows: those that the next tile begins with */

typedef struct conv_f32_plan {
    size_t taps, k;             /* filter positions; input channels a group */
    size_t panels;              /* of 16 output channels, a group */
    size_t group_outputs;
    size_t strip;               /* output pixels */
} conv_f32_plan;

static conv_f32_plan conv_f32_layout(const slim_conv_f32_attributes *a, const slim_value *x, size_t pixels)
{
    conv_f32_plan plan;
    plan.taps = (size_t)a->kernel_h * (size_t)a->kernel_w;
    plan.k = (size_t)(x->dims[3] / a->groups);
    plan.group_outputs = (size_t)(a->out_channels / a->groups);
    plan.panels = slim_ceil_div(plan.group_outputs, SLIM_PANEL);
    plan.strip = SLIM_MAX((size_t)1, SLIM_MIN(SLIM_MIN(CONV_F32_STRIP, pixels), CONV_F32_POINTERS / plan.taps));
    return plan;
}

SLIM_COLD static slim_status conv_f32_prepare(slim_prepare *p)
{
    const slim_conv_f32_attributes *a = (const slim_conv_f32_attributes *)p->attributes;
    slim_status status;
    slim_window window;
    int32_t dims[4];
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, 4, 0)) != SLIM_OK
        || (status = slim_window_size(p, x, &window, &dims[1], &dims[2])) != SLIM_OK)
        return status;
    dims[0] = x->dims[0];
    if (a->kernel_h < 1 || a->groups < 1 || a->out_channels < 1 || x->dims[3] % a->groups || a->out_channels % a->groups)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the channels do not divide into the groups");
    if (!SLIM_WINDOW_THERE(&window))
        return slim_prepare_fail(p, SLIM_NO_OPERATOR, "this build has no kernel for the window");
    dims[3] = a->out_channels;
    conv_f32_plan plan = conv_f32_layout(a, x, (size_t)dims[1] * (size_t)dims[2] * (size_t)dims[0]);
    slim_prepare_scratch(p, slim_align(plan.k * sizeof(float)) + plan.strip * plan.taps * sizeof(float *));
    return slim_check_product(p, 3, plan.panels * (size_t)a->groups, plan.taps * plan.k, 4, dims);
}

typedef struct conv_f32_run_context {
    const slim_step *step;
    const slim_conv_f32_attributes *a;
    slim_window window;
    conv_f32_plan plan;
    const slim_value *x, *w, *bias, *residual, *y;
    size_t pixels;
    slim_cut cut;               /* of one group */
    int fetches;
} conv_f32_run_context;

static void conv_f32_strip(void *context, size_t index, int worker)
{
    const conv_f32_run_context *c = (const conv_f32_run_context *)context;
    unsigned char *scratch = slim_step_scratch(c->step, worker);
    float *zeros = (float *)scratch;
    const float **rows = (const float **)(scratch + slim_align(c->plan.k * sizeof(float)));
    const size_t tasks = c->cut.tasks, group = index / tasks;
    const slim_cut_part part = slim_cut_part_of(&c->cut, index % tasks, c->pixels, c->plan.group_outputs);
    const size_t panel = group * c->plan.panels + part.first_panel;
    const size_t channel = group * c->plan.group_outputs + part.first_panel * SLIM_PANEL;
    slim_gemm_f32_task task;
    slim_fill(zeros, 0, c->plan.k * sizeof(float));
    task.rows = rows;
    task.m = part.rows;
    task.taps = c->plan.taps;
    task.k = c->plan.k;
    task.weights = (const float *)c->w->data + panel * task.taps * task.k * SLIM_PANEL;
    task.bias = (const float *)c->bias->data + panel * SLIM_PANEL;
    task.residual_stride = (size_t)c->a->out_channels;
    task.residual = c->residual ? (const float *)c->residual->data + part.first_row * task.residual_stride + channel : NULL;
    task.part = NULL;
    task.alone = c->plan.panels <= SLIM_CUT_ALONE;
    task.out_stride = c->y->row_stride;
    task.out = (float *)c->y->data + part.first_row * task.out_stride + channel;
    task.n = part.outputs;
    task.lo = c->a->lo;
    task.hi = c->a->hi;
    slim_window_rows(&c->window, c->x, c->y, (size_t)c->x->dims[3] * sizeof(float), part.first_row, part.rows,
                     group * c->plan.k * sizeof(float), zeros, (const void **)rows);
    slim_gemm_f32_part whole = {task.k * SLIM_PANEL, NULL, 0, NULL, {NULL, NULL, NULL}, 0, {task.out, task.out}, task.out_stride};
    if (task.residual)
        whole.fetch[1] = task.residual + CONV_F32_AHEAD * task.residual_stride;
    if (c->fetches)
        task.part = &whole;
    c->step->kernels->gemm_f32(&task);
}

/* Whether tiles fetch the lines of their outputs and of the next ones' residual while they multiply: 1x1 convolutions whose
 * output comes from beyond the second-level cache. Parts are as wide as tiles of two vectors: of three, they would be narrower. */
static int conv_f32_fetches(const conv_f32_run_context *c)
{
    const size_t width = SLIM_GEMM_F32_PART_PANELS * SLIM_PANEL;
    return c->plan.taps == 1 && c->plan.k > width && c->y->count >= CONV_F32_FAR && c->plan.group_outputs % width == 0
        && c->plan.panels % 3 != 0 && (!c->residual || c->y->row_stride == (size_t)c->a->out_channels);
}

SLIM_BRIEF static void conv_f32_run(const slim_step *s)
{
    conv_f32_run_context c;
    c.step = s;
    c.a = (const slim_conv_f32_attributes *)s->attributes;
    c.x = slim_step_input(s, 0);
    c.w = slim_step_input(s, 1);
    c.bias = slim_step_input(s, 2);
    c.residual = s->inputs > 3 ? slim_step_input(s, 3) : NULL;
    c.y = slim_step_output(s, 0);
    c.window = slim_window_of(s, c.x);
    c.pixels = (size_t)c.y->dims[0] * (size_t)c.y->dims[1] * (size_t)c.y->dims[2];
    c.plan = conv_f32_layout(c.a, c.x, c.pixels);
    c.cut = slim_cut_of(c.pixels, c.plan.strip, c.plan.panels, (size_t)c.a->groups, s->session->threads);
    c.fetches = conv_f32_fetches(&c);
    slim_parallel(s, c.cut.tasks * (size_t)c.a->groups, conv_f32_strip, &c);
}

SLIM_INTERNAL const slim_operator slim_op_conv_f32 = {
    SLIM_OP_CONV_F32, 3, 4, 1, sizeof(slim_conv_f32_attributes) / 4, 1, "conv_f32", conv_f32_prepare, conv_f32_run,
};
