/* Fully connected layer over bytes: int8 weights, 32-bit sums, bytes or floats out. */
#include "ops/dense.h"
#include "ops/gemm_u8.h"

SLIM_COLD static slim_status dense_u8_prepare(slim_prepare *p)
{
    const slim_dense_u8_attributes *a = (const slim_dense_u8_attributes *)p->attributes;
    slim_status status;
    int32_t dims[SLIM_MAX_RANK];
    if ((status = slim_prepare_expect(p, 0, SLIM_U8, -1, 0)) != SLIM_OK
        || (status = slim_dense_size(p, a->out_channels, dims)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    slim_dense d = slim_dense_layout(x, a->out_channels, p->session->threads);
    if ((status = slim_gemm_u8_check(p, d.panels, 1, d.k, a->lo, a->hi)) != SLIM_OK)
        return status;
    return slim_prepare_output(p, 0, x->rank, dims);
}

typedef struct dense_u8_context {
    const slim_step *step;
    slim_dense d;
} dense_u8_context;

static void dense_u8_task(void *context, size_t index, int worker)
{
    const dense_u8_context *c = (const dense_u8_context *)context;
    const slim_step *s = c->step;
    const slim_dense_u8_attributes *a = (const slim_dense_u8_attributes *)s->attributes;
    slim_dense_part part = slim_dense_part_of(&c->d, index);
    const uint8_t *x = slim_step_input(s, 0)->data + part.first_row * c->d.k;
    const uint8_t **rows = (const uint8_t **)(void *)slim_step_scratch(s, worker);
    slim_gemm_u8_task task;
    for (size_t i = 0; i < part.rows; i++)
        rows[i] = x + i * c->d.k;
    task.rows = rows;
    task.m = part.rows;
    task.taps = 1;
    task.k = c->d.k;
    task.n = part.outputs;
    slim_gemm_u8_fill(&task, s, part.first_panel,
                      part.first_row * slim_step_output(s, 0)->row_stride + part.first_panel * SLIM_PANEL, a->lo, a->hi, a->flo,
                      a->fhi);
    s->kernels->gemm_u8(&task);
}

static void dense_u8_run(const slim_step *s)
{
    dense_u8_context c;
    c.step = s;
    c.d = slim_dense_layout(slim_step_input(s, 0), ((const slim_dense_u8_attributes *)s->attributes)->out_channels,
                            s->session->threads);
    slim_parallel(s, c.d.strips * c.d.groups, dense_u8_task, &c);
}

SLIM_INTERNAL const slim_operator slim_op_dense_u8 = {
    SLIM_OP_DENSE_U8, 3, 3, 1, sizeof(slim_dense_u8_attributes) / 4, 1, "dense_u8", dense_u8_prepare, dense_u8_run,
};
