/* Fully connected layer in fp32: y = clamp(x w + bias + residual) over the last axis. */
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/dense.h"

SLIM_COLD static slim_status dense_f32_prepare(slim_prepare *p)
{
    const slim_dense_f32_attributes *a = (const slim_dense_f32_attributes *)p->attributes;
    slim_status status;
    int32_t dims[SLIM_MAX_RANK];
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, -1, 0)) != SLIM_OK
        || (status = slim_dense_size(p, a->out_channels, dims)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    slim_dense d = slim_dense_layout(x, a->out_channels, p->session->threads);
    return slim_check_product(p, 3, d.panels, d.k, x->rank, dims);
}

typedef struct dense_f32_context {
    const slim_step *step;
    slim_dense d;
} dense_f32_context;

static void dense_f32_task(void *context, size_t index, int worker)
{
    const dense_f32_context *c = (const dense_f32_context *)context;
    const slim_step *s = c->step;
    const slim_dense_f32_attributes *a = (const slim_dense_f32_attributes *)s->attributes;
    const slim_value *residual = s->inputs > 3 ? slim_step_input(s, 3) : NULL;
    const slim_value *y = slim_step_output(s, 0);
    slim_dense_part part = slim_dense_part_of(&c->d, index);
    size_t channel = part.first_panel * SLIM_PANEL;
    const float *x = (const float *)slim_step_input(s, 0)->data + part.first_row * c->d.k;
    const float **rows = (const float **)(void *)slim_step_scratch(s, worker);
    slim_gemm_f32_task task;
    for (size_t i = 0; i < part.rows; i++)
        rows[i] = x + i * c->d.k;
    task.rows = rows;
    task.m = part.rows;
    task.taps = 1;
    task.k = c->d.k;
    task.weights = (const float *)slim_step_input(s, 1)->data + channel * c->d.k;
    task.bias = (const float *)slim_step_input(s, 2)->data + channel;
    task.residual_stride = c->d.outputs;
    task.residual = residual ? (const float *)residual->data + part.first_row * c->d.outputs + channel : NULL;
    task.part = NULL;
    task.alone = 0;
    task.out_stride = y->row_stride;
    task.out = (float *)y->data + part.first_row * task.out_stride + channel;
    task.n = part.outputs;
    task.lo = a->lo;
    task.hi = a->hi;
    s->kernels->gemm_f32(&task);
}

static void dense_f32_run(const slim_step *s)
{
    dense_f32_context c;
    c.step = s;
    c.d = slim_dense_layout(slim_step_input(s, 0), ((const slim_dense_f32_attributes *)s->attributes)->out_channels,
                            s->session->threads);
    slim_parallel(s, c.d.strips * c.d.groups, dense_f32_task, &c);
}

SLIM_INTERNAL const slim_operator slim_op_dense_f32 = {
    SLIM_OP_DENSE_F32, 3, 4, 1, sizeof(slim_dense_f32_attributes) / 4, 1, "dense_f32", dense_f32_prepare, dense_f32_run,
};
