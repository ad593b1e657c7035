/* Softmax or log-softmax along one axis: e^(x - max) over its sum, or x - max - ln of the sum. */
#include "kernels/kernels.h"
#include "ops/approximate.h"
#include "ops/check.h"
#include "ops/lanes.h"

enum { SOFTMAX_TASK = 4096 };   /* elements a task */

SLIM_COLD static slim_status softmax_prepare(slim_prepare *p)
{
    const slim_softmax_f32_attributes *a = (const slim_softmax_f32_attributes *)p->attributes;
    slim_status status = slim_check_types(p, 0, SLIM_F32);
    if (status != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if (a->axis < -x->rank || a->axis >= x->rank)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the axis lies outside the input's");
    size_t inner = slim_product(x, (a->axis < 0 ? a->axis + x->rank : a->axis) + 1, x->rank);
    if (inner > 1)
        slim_prepare_scratch(p, 2 * inner * sizeof(float));   /* the largest value and the sum of each column */
    slim_prepare_in_place(p, 0, 0);
    return slim_prepare_output(p, 0, x->rank, x->dims);
}

typedef struct softmax_context {
    const slim_step *step;
    const float *x;
    float *y;
    size_t outer, n, inner;   /* [outer][n][inner], softmax over n */
    size_t rows_a_task;
    int log;
} softmax_context;

/* One copy of the long code of e^x. */
static __attribute__((noinline)) void softmax_exp(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = slim_exp(y[i]);
}

/* Rare, so compiled for size. x and y may be the same memory: x is read before y is written, element by element. */
SLIM_COLD static void softmax_log_row(float *y, const float *x, size_t n)
{
    float largest = slim_lanes_max(x, n), lanes[SLIM_SUM_LANES] = { 0.0f }, block[8 * SLIM_SUM_LANES];
    for (size_t at = 0; at < n; at += 8 * SLIM_SUM_LANES) {
        size_t count = SLIM_MIN(n - at, (size_t)(8 * SLIM_SUM_LANES));
        for (size_t i = 0; i < count; i++)
            block[i] = x[at + i] - largest;
        softmax_exp(block, count);
        for (size_t i = 0; i < count; i++)
            lanes[i % SLIM_SUM_LANES] += block[i];
    }
    float shift = slim_log(slim_lanes_fold(lanes));
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] - largest - shift;
}

/* [n][inner] at once: each loop runs along `inner`. Rare, so compiled for size: images are stored with channels last. */
SLIM_COLD static void softmax_columns(const softmax_context *c, float *y, const float *x, float *__restrict largest, float *__restrict sum)
{
    size_t inner = c->inner;
    for (size_t i = 0; i < inner; i++) {
        largest[i] = x[i];
        sum[i] = 0.0f;
    }
    for (size_t row = 1; row < c->n; row++)
        for (size_t i = 0; i < inner; i++)
            largest[i] = x[row * inner + i] > largest[i] ? x[row * inner + i] : largest[i];
    for (size_t row = 0; row < c->n; row++) {
        float *to = y + row * inner;
        for (size_t i = 0; i < inner; i++)
            to[i] = x[row * inner + i] - largest[i];
        if (!c->log)
            softmax_exp(to, inner);
        for (size_t i = 0; i < inner; i++)
            sum[i] += c->log ? slim_exp(to[i]) : to[i];
    }
    for (size_t i = 0; i < inner; i++)
        sum[i] = c->log ? slim_log(sum[i]) : 1.0f / sum[i];
    for (size_t row = 0; row < c->n; row++) {
        float *to = y + row * inner;
        for (size_t i = 0; i < inner; i++)
            to[i] = c->log ? to[i] - sum[i] : to[i] * sum[i];
    }
}

static void softmax_task(void *context, size_t index, int worker)
{
    const softmax_context *c = (const softmax_context *)context;
    size_t first = index * c->rows_a_task, last = SLIM_MIN(first + c->rows_a_task, c->outer);
    if (c->inner == 1 && !c->log) {
        c->step->kernels->softmax_f32(c->y + first * c->n, c->x + first * c->n, last - first, c->n);
        return;
    }
    for (size_t row = first; row < last; row++) {
        size_t at = row * c->n * c->inner;
        if (c->inner == 1) {
            softmax_log_row(c->y + at, c->x + at, c->n);
        } else {
            float *scratch = (float *)(void *)slim_step_scratch(c->step, worker);
            softmax_columns(c, c->y + at, c->x + at, scratch, scratch + c->inner);
        }
    }
}

static void softmax_run(const slim_step *s)
{
    const slim_softmax_f32_attributes *a = (const slim_softmax_f32_attributes *)s->attributes;
    const slim_value *x = slim_step_input(s, 0);
    int axis = a->axis < 0 ? a->axis + x->rank : a->axis;
    softmax_context c;
    c.step = s;
    c.x = (const float *)x->data;
    c.y = (float *)slim_step_output(s, 0)->data;
    c.outer = slim_product(x, 0, axis);
    c.n = (size_t)x->dims[axis];
    c.inner = slim_product(x, axis + 1, x->rank);
    c.log = a->log;
    c.rows_a_task = SLIM_MAX((size_t)1, SOFTMAX_TASK / (c.n * c.inner));
    slim_parallel(s, slim_ceil_div(c.outer, c.rows_a_task), softmax_task, &c);
}

SLIM_INTERNAL const slim_operator slim_op_softmax_f32 = {
    SLIM_OP_SOFTMAX_F32, 1, 1, 1, sizeof(slim_softmax_f32_attributes) / 4, 0, "softmax_f32", softmax_prepare, softmax_run,
};
