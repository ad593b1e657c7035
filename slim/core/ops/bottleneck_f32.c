/* Three convolutions in one, fp32, NHWC: 1x1 (which may be absent), depthwise, 1x1 with a residual. Each has its clamp.
 *
 *   y = clamp(project(clamp(depthwise(clamp(expand(x))))) + residual)
 *
 * On large images the tensors between them are what takes the time: here a few rows of each stay in the second-level cache. A
 * ring holds the expanded rows that the depthwise filter touches; a task computes some output rows, and a worker that goes on
 * with the rows below finds those in its ring that both need. */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/cut.h"
#include "ops/window.h"

#define BOTTLENECK_ROWS ((size_t)4)                 /* output rows a step, at most, */
#define BOTTLENECK_BYTES ((size_t)512 << 10)        /* and fewer where the rows between would leave the cache */
#define BOTTLENECK_SLACK (SLIM_PANEL * sizeof(float))   /* that kernels read past the end of a row */

enum { BOTTLENECK_X, EXPAND_WEIGHTS, EXPAND_BIAS, DEPTHWISE_WEIGHTS, DEPTHWISE_BIAS, PROJECT_WEIGHTS, PROJECT_BIAS, RESIDUAL };

typedef struct bottleneck_plan {
    size_t rows;                /* output rows a step */
    size_t span;                /* input rows that a step touches: the ring's size */
    size_t ring, filtered, pointers;   /* bytes of scratch: expanded rows, depthwise rows, pixels of one convolution */
} bottleneck_plan;

/* Where a worker stopped: rows of all images. */
typedef struct bottleneck_place {
    size_t row;                 /* of the output, the next one */
    ptrdiff_t expanded;         /* of the image, rows before this one are in the ring */
} bottleneck_place;

static size_t bottleneck_span(const slim_window *w, size_t rows)
{
    return (rows - 1) * (size_t)w->stride_h + (size_t)(w->kernel_h - 1) * (size_t)w->dilation_h + 1;
}

SLIM_BRIEF static bottleneck_plan bottleneck_layout(const slim_window *w, size_t channels, size_t in_w, const int32_t *y, int expands)
{
    bottleneck_plan p;
    size_t pixel = channels * sizeof(float), row = (expands ? in_w : 0) * pixel, out_row = (size_t)y[2] * pixel;
    p.rows = SLIM_MIN(BOTTLENECK_ROWS, (size_t)y[1]);
    while (p.rows > 1 && bottleneck_span(w, p.rows) * row + p.rows * out_row > BOTTLENECK_BYTES)
        p.rows--;
    p.span = bottleneck_span(w, p.rows);
    p.ring = slim_align(p.span * row + BOTTLENECK_SLACK);
    p.filtered = slim_align(p.rows * out_row);
    p.pointers = slim_align(SLIM_MAX(expands ? p.span * in_w : 0, p.rows * (size_t)y[2]) * sizeof(float *));
    return p;
}

/* Weights [panels][steps][16] and a bias [panels * 16] of `outputs` channels. */
SLIM_COLD static slim_status bottleneck_check(slim_prepare *p, int input, size_t outputs, size_t steps)
{
    slim_status status;
    const size_t panels = slim_ceil_div(outputs, SLIM_PANEL);
    if ((status = slim_prepare_expect(p, input, SLIM_F32, 3, 1)) != SLIM_OK
        || (status = slim_prepare_expect(p, input + 1, SLIM_F32, 1, 1)) != SLIM_OK)
        return status;
    const slim_value *w = slim_prepare_input(p, input), *bias = slim_prepare_input(p, input + 1);
    if ((size_t)w->dims[0] != panels || (size_t)w->dims[1] != steps || w->dims[2] != SLIM_PANEL
        || (size_t)bias->dims[0] != panels * SLIM_PANEL)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "weights or a bias do not fit the channels");
    return SLIM_OK;
}

SLIM_COLD static slim_status bottleneck_prepare(slim_prepare *p)
{
    const slim_bottleneck_f32_attributes *a = (const slim_bottleneck_f32_attributes *)p->attributes;
    slim_status status;
    slim_window window;
    int32_t dims[4], middle[3];
    size_t count;
    if ((status = slim_prepare_expect(p, BOTTLENECK_X, SLIM_F32, 4, 0)) != SLIM_OK
        || (status = slim_check_output_type(p, 0, SLIM_F32)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, BOTTLENECK_X);
    const slim_value *residual = slim_prepare_input(p, RESIDUAL);
    const int expands = slim_prepare_input(p, EXPAND_WEIGHTS) != NULL;
    if ((status = slim_window_size(p, x, &window, &dims[1], &dims[2])) != SLIM_OK)
        return status;
    if (x->kind == SLIM_KIND_CONSTANT)   /* kernels read past the end of a row, which only the arena allows */
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the image is a constant");
    if (a->kernel_h < 1 || (int64_t)window.kernel_h * window.kernel_w > 1 << 20)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the window is empty or larger than the core takes");
    if (!SLIM_DEPTHWISE_THERE(&window))
        return slim_prepare_fail(p, SLIM_NO_OPERATOR, "this build has no kernel for the window");
    if (a->channels < 1 || a->out_channels < 1 || (!expands && a->channels != x->dims[3]))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the channels do not fit the input");
    if ((expands && (status = bottleneck_check(p, EXPAND_WEIGHTS, (size_t)a->channels, (size_t)x->dims[3])) != SLIM_OK)
        || (status = bottleneck_check(p, DEPTHWISE_WEIGHTS, (size_t)a->channels,
                                      (size_t)window.kernel_h * (size_t)window.kernel_w)) != SLIM_OK
        || (status = bottleneck_check(p, PROJECT_WEIGHTS, (size_t)a->out_channels, (size_t)a->channels)) != SLIM_OK)
        return status;
    dims[0] = x->dims[0];
    dims[3] = a->out_channels;
    if (residual && (residual->type != SLIM_F32 || !slim_same_shape(residual, 4, dims)))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the residual has another shape than the output");
    middle[0] = (int32_t)SLIM_MIN(bottleneck_span(&window, BOTTLENECK_ROWS), (size_t)INT32_MAX);
    middle[1] = SLIM_MAX(x->dims[2], dims[2]);
    middle[2] = a->channels;
    if (!slim_count_elements(3, middle, &count))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "rows of the image would be too large");
    bottleneck_plan plan = bottleneck_layout(&window, (size_t)a->channels, (size_t)x->dims[2], dims, expands);
    slim_prepare_scratch(p, plan.ring + plan.filtered + plan.pointers + plan.span * sizeof(float *)
                            + sizeof(bottleneck_place));
    return slim_prepare_output(p, 0, 4, dims);
}

typedef struct bottleneck_context {
    const slim_step *step;
    const slim_bottleneck_f32_attributes *a;
    const slim_value *x, *expand, *residual, *y;
    slim_window window;
    bottleneck_plan plan;
    size_t bands;               /* of an image */
} bottleneck_context;

static bottleneck_place *bottleneck_place_of(const bottleneck_context *c, int worker)
{
    unsigned char *scratch = slim_step_scratch(c->step, worker) + c->plan.ring + c->plan.filtered + c->plan.pointers;
    return (bottleneck_place *)(void *)(scratch + c->plan.span * sizeof(float *));
}

/* A 1x1 convolution of `count` pixels that follow each other. */
static void bottleneck_pointwise(const bottleneck_context *c, slim_gemm_f32_task *task, int weights, const float *x, size_t k,
                                 const float **rows)
{
    for (size_t i = 0; i < task->m; i++)
        rows[i] = x + i * k;
    task->rows = rows;
    task->taps = 1;
    task->k = k;
    task->weights = (const float *)slim_step_input(c->step, weights)->data;
    task->bias = (const float *)slim_step_input(c->step, weights + 1)->data;
    c->step->kernels->gemm_f32(task);
}

/* Input rows [from, to) of an image, expanded, into their places in the ring. */
static void bottleneck_expand(const bottleneck_context *c, const float *image, size_t from, size_t to, float *ring,
                              const float **rows)
{
    const size_t width = (size_t)c->x->dims[2], k = (size_t)c->x->dims[3], channels = (size_t)c->a->channels;
    slim_gemm_f32_task task;
    task.residual = NULL;
    task.part = NULL;
    task.alone = 1;
    task.residual_stride = 0;
    task.out_stride = task.n = channels;
    task.lo = c->a->expand_lo;
    task.hi = c->a->expand_hi;
    while (from < to) {
        const size_t slot = from % c->plan.span, count = SLIM_MIN(to - from, c->plan.span - slot);
        task.m = count * width;
        task.out = ring + slot * width * channels;
        bottleneck_pointwise(c, &task, EXPAND_WEIGHTS, image + from * width * k, k, rows);
        from += count;
    }
}

/* `count` output rows, of which the first reads input row `top` first. */
static void bottleneck_filter(const bottleneck_context *c, const float *source, size_t ring, ptrdiff_t top, size_t count,
                              float *out, const float **rows)
{
    const slim_window *w = &c->window;
    const ptrdiff_t in_h = c->x->dims[1];
    const size_t span = bottleneck_span(w, count), channels = (size_t)c->a->channels, in_w = (size_t)c->x->dims[2];
    slim_depthwise_f32_task task;
    for (size_t i = 0; i < span; i++) {
        const ptrdiff_t row = top + (ptrdiff_t)i;
        rows[i] = row >= 0 && row < in_h ? source + (ring ? (size_t)row % ring : (size_t)row) * in_w * channels : NULL;
    }
    task.rows = rows;
    task.out_rows = count;
    task.out_width = (size_t)c->y->dims[2];
    task.in_width = in_w;
    task.channels = channels;
    task.kernel_h = w->kernel_h;
    task.kernel_w = w->kernel_w;
    task.stride_h = w->stride_h;
    task.stride_w = w->stride_w;
    task.dilation_h = w->dilation_h;
    task.dilation_w = w->dilation_w;
    task.pad_left = w->pad_left;
    task.weights = (const float *)slim_step_input(c->step, DEPTHWISE_WEIGHTS)->data;
    task.bias = (const float *)slim_step_input(c->step, DEPTHWISE_BIAS)->data;
    task.out = out;
    task.out_stride = channels;
    task.out_row_stride = task.out_width * channels;
    task.lo = c->a->depthwise_lo;
    task.hi = c->a->depthwise_hi;
    c->step->kernels->depthwise_f32(&task);
}

static void bottleneck_band(void *context, size_t index, int worker)
{
    const bottleneck_context *c = (const bottleneck_context *)context;
    const slim_window *w = &c->window;
    const size_t out_h = (size_t)c->y->dims[1], out_w = (size_t)c->y->dims[2];
    const size_t number = index / c->bands, band = index % c->bands;
    const size_t first = slim_band_row(band, c->bands, out_h), count = slim_band_row(band + 1, c->bands, out_h) - first;
    const size_t pixel = (number * out_h + first) * out_w;
    const ptrdiff_t top = (ptrdiff_t)first * w->stride_h - w->pad_top;
    const ptrdiff_t end = SLIM_MIN(top + (ptrdiff_t)bottleneck_span(w, count), (ptrdiff_t)c->x->dims[1]);
    const float *image = (const float *)c->x->data + number * (c->x->count / (size_t)c->x->dims[0]);
    unsigned char *scratch = slim_step_scratch(c->step, worker);
    float *ring = (float *)(void *)scratch;
    float *filtered = (float *)(void *)(scratch + c->plan.ring);
    const float **pixels = (const float **)(void *)(scratch + c->plan.ring + c->plan.filtered);
    const float **rows = (const float **)(void *)(scratch + c->plan.ring + c->plan.filtered + c->plan.pointers);
    bottleneck_place *place = bottleneck_place_of(c, worker);
    ptrdiff_t expanded = SLIM_MAX(top, place->row == number * out_h + first && first ? place->expanded : 0);
    slim_gemm_f32_task task;
    task.n = task.residual_stride = (size_t)c->a->out_channels;
    task.out_stride = c->y->row_stride;
    task.lo = c->a->lo;
    task.hi = c->a->hi;
    task.m = count * out_w;
    task.out = (float *)c->y->data + pixel * task.out_stride;
    task.residual = c->residual ? (const float *)c->residual->data + pixel * task.n : NULL;
    task.part = NULL;
    task.alone = 1;
    if (c->expand && expanded < end) {
        bottleneck_expand(c, image, (size_t)expanded, (size_t)end, ring, pixels);
        expanded = end;
    }
    bottleneck_filter(c, c->expand ? ring : image, c->expand ? c->plan.span : 0, top, count, filtered, rows);
    bottleneck_pointwise(c, &task, PROJECT_WEIGHTS, filtered, (size_t)c->a->channels, pixels);
    place->row = number * out_h + first + count;
    place->expanded = expanded;
}

SLIM_BRIEF static void bottleneck_run(const slim_step *s)
{
    bottleneck_context c;
    c.step = s;
    c.a = (const slim_bottleneck_f32_attributes *)s->attributes;
    c.x = slim_step_input(s, BOTTLENECK_X);
    c.expand = slim_step_input(s, EXPAND_WEIGHTS);
    c.residual = s->inputs > RESIDUAL ? slim_step_input(s, RESIDUAL) : NULL;
    c.y = slim_step_output(s, 0);
    c.window = slim_window_of(s, c.x);
    c.plan = bottleneck_layout(&c.window, (size_t)c.a->channels, (size_t)c.x->dims[2], c.y->dims, c.expand != NULL);
    c.bands = slim_bands((size_t)c.y->dims[1], c.plan.rows, s->session->threads);
    for (int worker = 0; worker < s->session->threads; worker++)
        bottleneck_place_of(&c, worker)->row = 0;
    slim_parallel(s, (size_t)c.y->dims[0] * c.bands, bottleneck_band, &c);
}

SLIM_INTERNAL const slim_operator slim_op_bottleneck_f32 = {
    SLIM_OP_BOTTLENECK_F32, 7, 8, 1, sizeof(slim_bottleneck_f32_attributes) / 4, 1, "bottleneck_f32", bottleneck_prepare,
    bottleneck_run,
};
