/* The steps of a bottleneck: rows of x, then of the depthwise convolution, then of the output. */
#include "ops/bottleneck.h"
#include "ops/check.h"
#include "ops/cut.h"

#define BOTTLENECK_ROWS ((size_t)4)                 /* output rows a step, at most, */
#define BOTTLENECK_BYTES ((size_t)512 << 10)        /* and fewer where the rows between would leave the cache */
#define BOTTLENECK_SLACK (SLIM_PANEL * sizeof(float))   /* that kernels read past the end of a row */

/* Where a worker stopped: rows of all images. */
typedef struct bottleneck_place {
    size_t row;                 /* of the output, the next one */
    ptrdiff_t expanded;         /* of the image, rows before this one are in the ring */
} bottleneck_place;

static size_t bottleneck_span(const slim_window *w, size_t rows)
{
    return (rows - 1) * (size_t)w->stride_h + (size_t)(w->kernel_h - 1) * (size_t)w->dilation_h + 1;
}

SLIM_BRIEF static slim_bottleneck_plan bottleneck_layout(const slim_window *w, const slim_value *x, const int32_t *y, int expands,
                                                         size_t work)
{
    slim_bottleneck_plan p;
    const size_t in_w = expands ? (size_t)x->dims[2] : 0, pixel = (size_t)x->dims[3] * sizeof(float);
    const size_t row = in_w * pixel, out_row = (size_t)y[2] * pixel;
    p.rows = SLIM_MIN(BOTTLENECK_ROWS, (size_t)y[1]);
    while (p.rows > 1 && bottleneck_span(w, p.rows) * row + p.rows * out_row > BOTTLENECK_BYTES)
        p.rows--;
    p.span = bottleneck_span(w, p.rows);
    p.ring = slim_align(p.span * row + BOTTLENECK_SLACK);
    p.filtered = slim_align(p.rows * out_row);
    p.work = slim_align(SLIM_MAX(work, SLIM_MAX(p.span * in_w, p.rows * (size_t)y[2]) * sizeof(float *)));
    p.pointers = p.span * sizeof(float *);
    return p;
}

SLIM_INTERNAL slim_status slim_bottleneck_prepare(slim_prepare *p, const slim_value *x, int expands, size_t work)
{
    const slim_bottleneck_f32_attributes *a = (const slim_bottleneck_f32_attributes *)p->attributes;
    slim_status status;
    slim_window window;
    int32_t dims[4], middle[3];
    size_t count;
    if ((status = slim_window_size(p, x, &window, &dims[1], &dims[2])) != SLIM_OK)
        return status;
    if (a->kernel_h < 1 || (int64_t)window.kernel_h * window.kernel_w > 1 << 20)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the window is empty or larger than the core takes");
    if (!SLIM_DEPTHWISE_THERE(&window))
        return slim_prepare_fail(p, SLIM_NO_OPERATOR, "this build has no kernel for the window");
    if (a->channels != x->dims[3] || a->channels < 1 || a->out_channels < 1)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the channels do not fit the input");
    const size_t channels = (size_t)a->channels;
    if ((status = slim_check_weights(p, SLIM_DEPTHWISE_WEIGHTS, 3, slim_ceil_div(channels, SLIM_PANEL),
                                     (size_t)window.kernel_h * (size_t)window.kernel_w)) != SLIM_OK
        || (status = slim_check_weights(p, SLIM_PROJECT_WEIGHTS, 3, slim_ceil_div((size_t)a->out_channels, SLIM_PANEL),
                                        channels)) != SLIM_OK)
        return status;
    dims[0] = x->dims[0];
    dims[3] = a->out_channels;
    middle[0] = (int32_t)SLIM_MIN(bottleneck_span(&window, BOTTLENECK_ROWS), (size_t)INT32_MAX);
    middle[1] = SLIM_MAX(x->dims[2], dims[2]);
    middle[2] = a->channels;
    if (!slim_count_elements(3, middle, &count))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "rows of the image would be too large");
    slim_bottleneck_plan plan = bottleneck_layout(&window, x, dims, expands, work);
    slim_prepare_scratch(p, plan.ring + plan.filtered + plan.work + plan.pointers + sizeof(bottleneck_place));
    return slim_check_residual(p, SLIM_RESIDUAL, 4, dims);
}

static bottleneck_place *bottleneck_place_of(const slim_bottleneck *b, int worker)
{
    const slim_bottleneck_plan *p = &b->plan;
    return (bottleneck_place *)(void *)(slim_step_scratch(b->step, worker) + p->ring + p->filtered + p->work + p->pointers);
}

SLIM_INTERNAL void slim_bottleneck_pointwise(const slim_bottleneck *b, slim_gemm_f32_task *task, int weights, const float *x,
                                             size_t k, const float **rows)
{
    for (size_t i = 0; i < task->m; i++)
        rows[i] = x + i * k;
    task->rows = rows;
    task->taps = 1;
    task->k = k;
    task->weights = (const float *)slim_step_input(b->step, weights)->data;
    task->bias = (const float *)slim_step_input(b->step, weights + 1)->data;
    task->part = NULL;
    task->alone = 1;
    b->step->kernels->gemm_f32(task);
}

/* `count` output rows, of which the first reads row `top` of the image `source` first, or of the ring. */
static void bottleneck_filter(const slim_bottleneck *b, const float *source, ptrdiff_t top, size_t count, float *out,
                              const float **rows)
{
    const slim_window *w = &b->window;
    const ptrdiff_t in_h = b->x.dims[1];
    const size_t span = bottleneck_span(w, count), channels = (size_t)b->x.dims[3], in_w = (size_t)b->x.dims[2];
    slim_depthwise_f32_task task;
    for (size_t i = 0; i < span; i++) {
        const ptrdiff_t row = top + (ptrdiff_t)i;
        const size_t slot = b->expand ? (size_t)row % b->plan.span : (size_t)row;
        rows[i] = row >= 0 && row < in_h ? source + slot * in_w * channels : NULL;
    }
    task.rows = rows;
    task.out_rows = count;
    task.out_width = (size_t)b->y->dims[2];
    task.in_width = in_w;
    task.channels = channels;
    task.kernel_h = w->kernel_h;
    task.kernel_w = w->kernel_w;
    task.stride_h = w->stride_h;
    task.stride_w = w->stride_w;
    task.dilation_h = w->dilation_h;
    task.dilation_w = w->dilation_w;
    task.pad_left = w->pad_left;
    task.weights = (const float *)slim_step_input(b->step, SLIM_DEPTHWISE_WEIGHTS)->data;
    task.bias = (const float *)slim_step_input(b->step, SLIM_DEPTHWISE_BIAS)->data;
    task.out = out;
    task.out_stride = channels;
    task.out_row_stride = task.out_width * channels;
    task.lo = b->a->depthwise_lo;
    task.hi = b->a->depthwise_hi;
    b->step->kernels->depthwise_f32(&task);
}

static void bottleneck_band(void *context, size_t index, int worker)
{
    const slim_bottleneck *b = (const slim_bottleneck *)context;
    const slim_window *w = &b->window;
    const size_t out_h = (size_t)b->y->dims[1], out_w = (size_t)b->y->dims[2];
    const size_t number = index / b->bands, band = index % b->bands;
    const size_t first = slim_band_row(band, b->bands, out_h), count = slim_band_row(band + 1, b->bands, out_h) - first;
    const size_t pixel = (number * out_h + first) * out_w;
    const ptrdiff_t top = (ptrdiff_t)first * w->stride_h - w->pad_top;
    const ptrdiff_t end = SLIM_MIN(top + (ptrdiff_t)bottleneck_span(w, count), (ptrdiff_t)b->x.dims[1]);
    unsigned char *scratch = slim_step_scratch(b->step, worker);
    float *ring = (float *)(void *)scratch;
    const float *source = ring;
    float *filtered = (float *)(void *)(scratch + b->plan.ring);
    const float **work = (const float **)(void *)(scratch + b->plan.ring + b->plan.filtered);
    const float **rows = (const float **)(void *)(scratch + b->plan.ring + b->plan.filtered + b->plan.work);
    bottleneck_place *place = bottleneck_place_of(b, worker);
    ptrdiff_t expanded = SLIM_MAX(top, place->row == number * out_h + first && first ? place->expanded : 0);
    slim_gemm_f32_task task;
    task.n = task.residual_stride = (size_t)b->a->out_channels;
    task.out_stride = b->y->row_stride;
    task.lo = b->a->lo;
    task.hi = b->a->hi;
    task.m = count * out_w;
    task.out = (float *)b->y->data + pixel * task.out_stride;
    task.residual = b->residual ? (const float *)b->residual->data + pixel * task.n : NULL;
    if (!b->expand) {
        source = (const float *)b->x.data + number * (b->x.count / (size_t)b->x.dims[0]);
    } else if (expanded < end) {
        b->expand(b, number, (size_t)expanded, (size_t)end, ring, work);
        expanded = end;
    }
    bottleneck_filter(b, source, top, count, filtered, rows);
    slim_bottleneck_pointwise(b, &task, SLIM_PROJECT_WEIGHTS, filtered, (size_t)b->a->channels, work);
    place->row = number * out_h + first + count;
    place->expanded = expanded;
}

SLIM_BRIEF SLIM_INTERNAL void slim_bottleneck_run(slim_bottleneck *b, const slim_step *s, size_t work)
{
    b->step = s;
    b->a = (const slim_bottleneck_f32_attributes *)s->attributes;
    b->residual = s->inputs > SLIM_RESIDUAL ? slim_step_input(s, SLIM_RESIDUAL) : NULL;
    b->y = slim_step_output(s, 0);
    b->window = *slim_window_as_given(s);
    b->plan = bottleneck_layout(&b->window, &b->x, b->y->dims, b->expand != NULL, work);
    b->bands = slim_bands((size_t)b->y->dims[1], b->plan.rows, s->session->threads);
    for (int worker = 0; worker < s->session->threads; worker++)
        bottleneck_place_of(b, worker)->row = 0;
    slim_parallel(s, (size_t)b->y->dims[0] * b->bands, bottleneck_band, b);
}
