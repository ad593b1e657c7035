/* Layers in bf16: y = clamp(round(x) round(w) + bias + residual), with fp32 sums.
 *
 * Output pixels are cut into strips. The input rows that a strip touches are rounded to bf16 in scratch memory, where they
 * stay in the cache, and the kernel reads them through pointers as that of conv_f32 does. Without an instruction for bf16
 * the rounded inputs stay fp32, the weights become fp32 again a few panels at a time, and gemm_f32 multiplies them: the
 * products are the same, and exact; sums are rounded in another order. */
#include "ops/bf16.h"
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/cut.h"

#define BF16_POINTERS ((size_t)2048)         /* a strip has at most so many row pointers, */
#define BF16_STRIP ((size_t)256)             /* so many output pixels, */
#define BF16_FEW ((size_t)32)                /* and where that is many bytes of input, more than */
#define BF16_BYTES ((size_t)512 << 10)       /* these, down to these few */
#define BF16_MOST_BYTES (SIZE_MAX >> 8)
#define BF16_PANELS ((size_t)2)              /* of weights that become fp32 together */

typedef struct bf16_plan {
    size_t taps, pairs;       /* filter positions; pairs of input channels */
    size_t panels, strip;
    size_t pixel_bytes;       /* of a rounded pixel: an odd number of cache lines, so that they do not meet in the same set */
    size_t block_bytes;       /* of the pixels that a strip touches */
} bf16_plan;

/* Where a worker's scratch memory holds what. */
typedef struct bf16_scratch {
    size_t *strip;            /* the first pixel of the one that the rest is of, or SIZE_MAX */
    unsigned char *zeros, *block;
    const void **rows;        /* [pixels][taps] */
    float *weights;
} bf16_scratch;

/* Input rows that `pixels` output pixels of an image touch at most. */
static size_t bf16_rows(const slim_bf16 *layer, size_t pixels)
{
    const slim_window *w = &layer->window;
    const size_t out_rows = SLIM_MIN(layer->out_h, (pixels + layer->out_w - 2) / layer->out_w + 1);
    const size_t rows = (out_rows - 1) * (size_t)w->stride_h + (size_t)(w->kernel_h - 1) * (size_t)w->dilation_h + 1;
    return SLIM_MIN(layer->in_h, rows);
}

static bf16_plan bf16_layout(const slim_bf16 *layer, size_t value_bytes)
{
    bf16_plan plan;
    plan.taps = (size_t)layer->window.kernel_h * (size_t)layer->window.kernel_w;
    plan.pairs = slim_ceil_div(layer->k, 2);
    plan.panels = slim_ceil_div(layer->outputs, SLIM_PANEL);
    plan.pixel_bytes = slim_align(2 * plan.pairs * value_bytes) | SLIM_ALIGNMENT;
    plan.strip = SLIM_MIN(SLIM_MIN(BF16_STRIP, layer->out_h * layer->out_w), SLIM_MAX(BF16_POINTERS / plan.taps, (size_t)1));
    while (plan.strip > BF16_FEW && bf16_rows(layer, plan.strip) * layer->in_w > BF16_BYTES / plan.pixel_bytes)
        plan.strip = slim_ceil_div(plan.strip, 2);
    plan.block_bytes = bf16_rows(layer, plan.strip) * layer->in_w * plan.pixel_bytes;
    return plan;
}

/* The bytes of a worker's scratch memory, whose parts are found where it is given. */
static size_t bf16_place(const bf16_plan *plan, unsigned char *at, bf16_scratch *scratch)
{
    const size_t pointers = slim_align(plan->strip * plan->taps * sizeof(void *));
    const size_t head = SLIM_ALIGNMENT + plan->pixel_bytes + plan->block_bytes;
    if (scratch) {
        scratch->strip = (size_t *)(void *)at;
        scratch->zeros = at + SLIM_ALIGNMENT;
        scratch->block = scratch->zeros + plan->pixel_bytes;
        scratch->rows = (const void **)(void *)(at + head);
        scratch->weights = (float *)(void *)(at + head + pointers);
    }
    return head + pointers + BF16_PANELS * SLIM_PANEL * plan->taps * 2 * plan->pairs * sizeof(float);
}

SLIM_INTERNAL slim_bf16 slim_bf16_of_rows(size_t rows, size_t k, size_t outputs)
{
    const slim_window point = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0};
    slim_bf16 layer;
    layer.window = point;
    layer.images = layer.in_w = layer.out_w = 1;
    layer.in_h = layer.out_h = rows;
    layer.k = k;
    layer.outputs = outputs;
    layer.lo = layer.hi = 0;
    return layer;
}

SLIM_INTERNAL slim_status slim_bf16_prepare(slim_prepare *p, const slim_bf16 *layer, int rank, const int32_t *dims)
{
    slim_status status;
    if ((status = slim_check_types(p, 0, SLIM_F32)) != SLIM_OK || (status = slim_prepare_expect(p, 1, SLIM_I32, 3, 1)) != SLIM_OK
        || (status = slim_prepare_expect(p, 2, SLIM_F32, 1, 1)) != SLIM_OK)
        return status;
    /* as for processors without bf16: a program takes the same memory everywhere */
    const bf16_plan plan = bf16_layout(layer, sizeof(float));
    const slim_value *w = slim_prepare_input(p, 1), *residual = slim_prepare_input(p, 3);
    if ((size_t)w->dims[0] != plan.panels || (size_t)w->dims[1] != plan.taps * plan.pairs || w->dims[2] != SLIM_PANEL
        || (size_t)slim_prepare_input(p, 2)->dims[0] != plan.panels * SLIM_PANEL)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the weights or the bias do not fit the input and the output channels");
    if (residual && (residual->type != SLIM_F32 || !slim_same_shape(residual, rank, dims)))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the residual has another shape than the output");
    if (bf16_rows(layer, plan.strip) * layer->in_w > BF16_MOST_BYTES / plan.pixel_bytes
        || plan.taps * plan.pairs > BF16_MOST_BYTES / (BF16_PANELS * SLIM_PANEL * 2 * sizeof(float)))
        return slim_prepare_fail(p, SLIM_NO_MEMORY, "the rows of a window take too much memory");
    if (!p->session->bf16)
        p->session->bf16 = slim_has_bf16(p->session->kernels) ? 1 : -1;
    slim_prepare_scratch(p, bf16_place(&plan, NULL, NULL));
    return slim_prepare_output(p, 0, rank, dims);
}

typedef struct bf16_context {
    const slim_step *step;
    const slim_bf16 *layer;
    bf16_plan plan;
    slim_cut cut;             /* of an image */
    const slim_value *x, *w, *bias, *residual, *y;
} bf16_context;

/* As the kernel of that name, but the results are fp32. Subnormal numbers are zero, as the instruction has them. */
SLIM_VECTORIZE static void bf16_round(const slim_round_bf16_task *task)
{
    for (size_t pixel = 0; pixel < task->pixels; pixel++) {
        const float *__restrict from = task->from + pixel * task->k;
        uint32_t *__restrict to = (uint32_t *)(void *)(task->to + pixel * task->to_stride);
        for (size_t i = 0; i < task->k; i++) {
            uint32_t bits;
            __builtin_memcpy(&bits, &from[i], sizeof bits);
            const uint32_t size = bits & 0x7fffffffu, rounded = bits + 0x7fffu + (bits >> 16 & 1);
            to[i] = (size > 0x7f800000u ? bits | 0x400000u : size < 0x800000u ? bits & 0x80000000u : rounded) & 0xffff0000u;
        }
        if (task->k % 2)
            to[task->k] = 0;
    }
}

static void bf16_widen(float *__restrict to, const int32_t *__restrict from, size_t pairs)
{
    for (size_t pair = 0; pair < pairs; pair++, from += SLIM_PANEL, to += 2 * SLIM_PANEL) {
        uint32_t bits[2 * SLIM_PANEL];
        for (size_t i = 0; i < SLIM_PANEL; i++) {
            bits[i] = (uint32_t)from[i] << 16;
            bits[SLIM_PANEL + i] = (uint32_t)from[i] & 0xffff0000u;
        }
        __builtin_memcpy(to, bits, sizeof bits);
    }
}

/* Rounds the input that `count` pixels of an image from `first` on touch, and points at it. */
static void bf16_load(const bf16_context *c, const bf16_scratch *scratch, size_t image, size_t first, size_t count)
{
    const slim_bf16 *layer = c->layer;
    const slim_window *w = &layer->window;
    const int64_t in_h = (int64_t)layer->in_h, in_w = (int64_t)layer->in_w, out_w = (int64_t)layer->out_w;
    const int64_t last = (int64_t)((first + count - 1) / layer->out_w);
    int64_t y = (int64_t)(first / layer->out_w), x = (int64_t)(first % layer->out_w);
    const int64_t bottom = last * w->stride_h - w->pad_top + (int64_t)(w->kernel_h - 1) * w->dilation_h + 1;
    const int64_t begin = SLIM_MIN(SLIM_MAX(y * w->stride_h - w->pad_top, 0), in_h - 1);
    const int64_t end = SLIM_MIN(SLIM_MAX(bottom, begin), in_h);
    const size_t step = c->plan.pixel_bytes;
    const void **rows = scratch->rows;
    slim_round_bf16_task round;
    round.from = (const float *)(const void *)c->x->data + (image * layer->in_h + (size_t)begin) * layer->in_w * layer->k;
    round.pixels = (size_t)(end - begin) * layer->in_w;
    round.k = layer->k;
    round.to = (uint16_t *)(void *)scratch->block;
    round.to_stride = step / sizeof(uint16_t);
    if (c->step->session->bf16 > 0)
        c->step->kernels->round_bf16(&round);
    else
        bf16_round(&round);
    for (size_t i = 0; i < count; i++) {
        int64_t row = y * w->stride_h - w->pad_top;
        for (int32_t ky = 0; ky < w->kernel_h; ky++, row += w->dilation_h) {
            int64_t column = x * w->stride_w - w->pad_left;
            for (int32_t kx = 0; kx < w->kernel_w; kx++, column += w->dilation_w) {
                const int inside = row >= 0 && row < in_h && column >= 0 && column < in_w;
                *rows++ = inside ? scratch->block + (size_t)((row - begin) * in_w + column) * step : scratch->zeros;
            }
        }
        if (++x == out_w) {
            x = 0;
            y++;
        }
    }
}

/* The product on a processor without bf16: a few panels at a time. */
static void bf16_multiply_f32(const bf16_context *c, const bf16_scratch *scratch, const slim_gemm_bf16_task *whole)
{
    const size_t pairs = whole->taps * whole->pairs;
    slim_gemm_f32_task task;
    task.rows = (const float *const *)scratch->rows;
    task.m = whole->m;
    task.taps = whole->taps;
    task.k = 2 * whole->pairs;
    task.weights = scratch->weights;
    task.part = NULL;
    task.alone = 0;
    task.residual_stride = whole->residual_stride;
    task.out_stride = whole->out_stride;
    task.lo = whole->lo;
    task.hi = whole->hi;
    for (size_t channel = 0; channel < whole->n; channel += BF16_PANELS * SLIM_PANEL) {
        task.n = SLIM_MIN(whole->n - channel, BF16_PANELS * SLIM_PANEL);
        task.bias = whole->bias + channel;
        task.residual = whole->residual ? whole->residual + channel : NULL;
        task.out = whole->out + channel;
        bf16_widen(scratch->weights, whole->weights + channel * pairs, slim_ceil_div(task.n, SLIM_PANEL) * pairs);
        c->step->kernels->gemm_f32(&task);
    }
}

static void bf16_task(void *context, size_t index, int worker)
{
    const bf16_context *c = (const bf16_context *)context;
    const slim_bf16 *layer = c->layer;
    const size_t tasks = c->cut.tasks, image = index / tasks, pixels = layer->out_h * layer->out_w;
    const slim_cut_part part = slim_cut_part_of(&c->cut, index % tasks, pixels, layer->outputs);
    const size_t row = image * pixels + part.first_row, channel = part.first_panel * SLIM_PANEL;
    bf16_scratch scratch;
    slim_gemm_bf16_task task;
    bf16_place(&c->plan, slim_step_scratch(c->step, worker), &scratch);
    if (*scratch.strip != row) {   /* otherwise the task before had the same pixels, for other channels */
        *scratch.strip = row;
        bf16_load(c, &scratch, image, part.first_row, part.rows);
    }
    task.rows = (const uint16_t *const *)scratch.rows;
    task.m = part.rows;
    task.taps = c->plan.taps;
    task.pairs = c->plan.pairs;
    task.weights = (const int32_t *)(const void *)c->w->data + channel * task.taps * task.pairs;
    task.bias = (const float *)(const void *)c->bias->data + channel;
    task.residual_stride = layer->outputs;
    task.residual = c->residual ? (const float *)(const void *)c->residual->data + row * layer->outputs + channel : NULL;
    task.out_stride = c->y->row_stride;
    task.out = (float *)(void *)c->y->data + row * task.out_stride + channel;
    task.n = part.outputs;
    task.lo = layer->lo;
    task.hi = layer->hi;
    if (c->step->session->bf16 > 0)
        c->step->kernels->gemm_bf16(&task);
    else
        bf16_multiply_f32(c, &scratch, &task);
}

SLIM_INTERNAL void slim_bf16_run(const slim_step *s, const slim_bf16 *layer)
{
    bf16_context c;
    c.step = s;
    c.layer = layer;
    c.x = slim_step_input(s, 0);
    c.w = slim_step_input(s, 1);
    c.bias = slim_step_input(s, 2);
    c.residual = s->inputs > 3 ? slim_step_input(s, 3) : NULL;
    c.y = slim_step_output(s, 0);
    c.plan = bf16_layout(layer, sizeof(float));
    if (s->session->bf16 > 0)
        c.plan.pixel_bytes = slim_align(4 * c.plan.pairs) | SLIM_ALIGNMENT;   /* less than was asked for */
    c.cut = slim_cut_of(layer->out_h * layer->out_w, c.plan.strip, c.plan.panels, layer->images, s->session->threads);
    for (int worker = 0; worker < s->session->threads; worker++) {
        bf16_scratch scratch;
        bf16_place(&c.plan, slim_step_scratch(s, worker), &scratch);
        *scratch.strip = SIZE_MAX;
        slim_fill(scratch.zeros, 0, c.plan.pixel_bytes);
    }
    slim_parallel(s, c.cut.tasks * layer->images, bf16_task, &c);
}
