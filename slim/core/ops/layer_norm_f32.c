/* Layer normalization over all axes from `axis` on: (x - mean) / sqrt(variance + epsilon) * scale + bias. */
#include "kernels/kernels.h"
#include "ops/check.h"

enum { LAYER_NORM_TASK = 4096 };   /* elements a task */

typedef struct layer_norm_context {
    const slim_step *step;
    size_t rows, n, rows_a_task;
} layer_norm_context;

SLIM_COLD static slim_status layer_norm_prepare(slim_prepare *p)
{
    const slim_layer_norm_f32_attributes *a = (const slim_layer_norm_f32_attributes *)p->attributes;
    slim_status status;
    if ((status = slim_check_types(p, 0, SLIM_F32)) != SLIM_OK || (status = slim_prepare_expect(p, 1, SLIM_F32, -1, 1)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    const slim_value *bias = slim_prepare_input(p, 2);
    if (bias && (status = slim_prepare_expect(p, 2, SLIM_F32, -1, 1)) != SLIM_OK)
        return status;
    if (a->axis < -x->rank || a->axis >= x->rank)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the axis lies outside the input's");
    size_t n = slim_product(x, a->axis < 0 ? a->axis + x->rank : a->axis, x->rank);
    if (slim_prepare_input(p, 1)->count != n || (bias && bias->count != n))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the scale or the bias does not fit the axes that are normalized");
    slim_prepare_in_place(p, 0, 0);
    return slim_prepare_output(p, 0, x->rank, x->dims);
}

static void layer_norm_task(void *context, size_t index, int worker)
{
    const layer_norm_context *c = (const layer_norm_context *)context;
    const slim_step *s = c->step;
    const slim_value *bias = s->inputs > 2 ? slim_step_input(s, 2) : NULL;
    const float *x = (const float *)slim_step_input(s, 0)->data;
    float epsilon = ((const slim_layer_norm_f32_attributes *)s->attributes)->epsilon;
    size_t first = index * c->rows_a_task, last = SLIM_MIN(first + c->rows_a_task, c->rows);
    (void)worker;
    s->kernels->layer_norm_f32((float *)slim_step_output(s, 0)->data + first * c->n, x + first * c->n,
                               (const float *)slim_step_input(s, 1)->data, bias ? (const float *)bias->data : NULL, epsilon,
                               last - first, c->n);
}

static void layer_norm_run(const slim_step *s)
{
    const slim_value *x = slim_step_input(s, 0);
    layer_norm_context c;
    c.step = s;
    c.n = slim_step_input(s, 1)->count;
    c.rows = x->count / c.n;
    c.rows_a_task = SLIM_MAX((size_t)1, LAYER_NORM_TASK / c.n);
    slim_parallel(s, slim_ceil_div(c.rows, c.rows_a_task), layer_norm_task, &c);
}

SLIM_INTERNAL const slim_operator slim_op_layer_norm_f32 = {
    SLIM_OP_LAYER_NORM_F32, 2, 3, 1, sizeof(slim_layer_norm_f32_attributes) / 4, 0, "layer_norm_f32", layer_norm_prepare,
    layer_norm_run,
};
