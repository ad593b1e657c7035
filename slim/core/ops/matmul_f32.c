/* Matrix product of two activations, [..., M, K] by [..., K, N] (or [..., N, K]), with numpy broadcasting of the leading axes.
 * A task packs some columns of b into panels in scratch memory, and multiplies a block of rows of a by them. */
#include "kernels/kernels.h"
#include "ops/check.h"

#define MATMUL_PANELS ((size_t)4)     /* columns of a task: 64 */
#define MATMUL_ROWS ((size_t)512)     /* rows of a task: enough to pay for the packing */
#define MATMUL_STRIP ((size_t)128)    /* rows of a kernel call */

enum { MATMUL_DEPTH = 1 << 22 };      /* the largest K: scratch memory fits 32 bits */

typedef struct matmul_plan {
    size_t m, k, n;
    size_t batches, row_blocks, column_blocks;
    size_t panel_bytes;       /* packed columns, in scratch; then zeros for the bias, then row pointers */
} matmul_plan;

static int32_t matmul_dim(const slim_value *x, int from_end)
{
    return from_end > x->rank ? 1 : x->dims[x->rank - from_end];
}

/* Leading axes that only a has are more rows of it. */
static matmul_plan matmul_layout(const slim_value *a, const slim_value *b, int transpose_b)
{
    matmul_plan plan;
    size_t b_batches = b->count / ((size_t)matmul_dim(b, 1) * (size_t)matmul_dim(b, 2));
    plan.k = (size_t)matmul_dim(a, 1);
    plan.n = (size_t)matmul_dim(b, transpose_b ? 2 : 1);
    plan.m = b_batches == 1 ? a->count / plan.k : (size_t)matmul_dim(a, 2);
    plan.batches = 1;
    for (int d = 3; d <= SLIM_MAX(a->rank, b->rank) && b_batches > 1; d++)
        plan.batches *= (size_t)SLIM_MAX(matmul_dim(a, d), matmul_dim(b, d));
    plan.row_blocks = slim_ceil_div(plan.m, MATMUL_ROWS);
    plan.column_blocks = slim_ceil_div(plan.n, MATMUL_PANELS * SLIM_PANEL);
    plan.panel_bytes = SLIM_MIN(MATMUL_PANELS, slim_ceil_div(plan.n, SLIM_PANEL)) * plan.k * SLIM_PANEL * sizeof(float);
    return plan;
}

SLIM_COLD static slim_status matmul_prepare(slim_prepare *p)
{
    int transpose_b = ((const slim_matmul_f32_attributes *)p->attributes)->transpose_b != 0;
    int32_t dims[SLIM_MAX_RANK];
    slim_status status;
    if ((status = slim_check_types(p, 0, SLIM_F32)) != SLIM_OK || (status = slim_prepare_expect(p, 1, SLIM_F32, -1, 0)) != SLIM_OK)
        return status;
    const slim_value *a = slim_prepare_input(p, 0);
    const slim_value *b = slim_prepare_input(p, 1);
    int rank = SLIM_MAX(a->rank, b->rank);
    if (a->rank < 2 || b->rank < 2 || matmul_dim(a, 1) != matmul_dim(b, transpose_b ? 1 : 2))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the inputs are not matrices, or their inner sizes differ");
    if (matmul_dim(a, 1) > MATMUL_DEPTH)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the inner size is larger than the core takes");
    for (int d = 3; d <= rank; d++) {
        int32_t x = matmul_dim(a, d), y = matmul_dim(b, d);
        if (x != y && x != 1 && y != 1)
            return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the leading axes of the inputs do not broadcast");
        dims[rank - d] = SLIM_MAX(x, y);
    }
    dims[rank - 2] = matmul_dim(a, 2);
    dims[rank - 1] = matmul_dim(b, transpose_b ? 2 : 1);
    matmul_plan plan = matmul_layout(a, b, transpose_b);
    slim_prepare_scratch(p, plan.panel_bytes + MATMUL_PANELS * SLIM_PANEL * sizeof(float) + MATMUL_STRIP * sizeof(float *));
    return slim_prepare_output(p, 0, rank, dims);
}

/* Columns [first, first + count) of b as panels [count / 16][K][16], zero where the last one ends early. */
static void matmul_pack(float *__restrict to, const float *__restrict b, const matmul_plan *plan, size_t first, size_t count,
                        int transpose_b)
{
    for (size_t at = 0; at < count; at += SLIM_PANEL) {
        size_t width = SLIM_MIN((size_t)SLIM_PANEL, count - at);
        if (width < SLIM_PANEL)
            slim_fill(to, 0, plan->k * SLIM_PANEL * sizeof(float));
        if (transpose_b)
            for (size_t j = 0; j < width; j++)
                for (size_t i = 0; i < plan->k; i++)
                    to[i * SLIM_PANEL + j] = b[(first + at + j) * plan->k + i];
        else
            for (size_t i = 0; i < plan->k; i++)
                slim_copy(to + i * SLIM_PANEL, b + i * plan->n + first + at, width * sizeof(float));
        to += plan->k * SLIM_PANEL;
    }
}

typedef struct matmul_context {
    const slim_step *step;
    const slim_value *a, *b, *y;
    int transpose_b;
    matmul_plan plan;
} matmul_context;

/* The matrix of an input that batch `index` of the output reads. */
static const float *matmul_matrix(const slim_value *x, const slim_value *y, size_t index)
{
    size_t offset = 0, stride = (size_t)matmul_dim(x, 1) * (size_t)matmul_dim(x, 2);
    for (int d = 3; d <= y->rank; d++) {
        size_t at = index % (size_t)matmul_dim(y, d), dim = (size_t)matmul_dim(x, d);
        index /= (size_t)matmul_dim(y, d);
        offset += dim == 1 ? 0 : at * stride;
        stride *= dim;
    }
    return (const float *)x->data + offset;
}

static void matmul_task(void *context, size_t index, int worker)
{
    const matmul_context *c = (const matmul_context *)context;
    const matmul_plan *plan = &c->plan;
    unsigned char *scratch = slim_step_scratch(c->step, worker);
    float *panels = (float *)(void *)scratch, *zeros = (float *)(void *)(scratch + plan->panel_bytes);
    const float **rows = (const float **)(void *)(zeros + MATMUL_PANELS * SLIM_PANEL);
    size_t first_row = index % plan->row_blocks * MATMUL_ROWS;
    size_t column = index / plan->row_blocks % plan->column_blocks * MATMUL_PANELS * SLIM_PANEL;
    size_t batch = index / plan->row_blocks / plan->column_blocks;
    size_t last_row = SLIM_MIN(first_row + MATMUL_ROWS, plan->m);
    const float *a = matmul_matrix(c->a, c->y, batch);
    slim_gemm_f32_task task;
    task.n = SLIM_MIN(MATMUL_PANELS * SLIM_PANEL, plan->n - column);
    matmul_pack(panels, matmul_matrix(c->b, c->y, batch), plan, column, task.n, c->transpose_b);
    slim_fill(zeros, 0, MATMUL_PANELS * SLIM_PANEL * sizeof(float));
    task.rows = rows;
    task.taps = 1;
    task.k = plan->k;
    task.weights = panels;
    task.bias = zeros;
    task.residual = NULL;
    task.residual_stride = 0;
    task.out_stride = plan->n;
    task.lo = -__builtin_inff();
    task.hi = __builtin_inff();
    for (size_t row = first_row; row < last_row; row += MATMUL_STRIP) {
        task.m = SLIM_MIN(MATMUL_STRIP, last_row - row);
        task.out = (float *)c->y->data + (batch * plan->m + row) * plan->n + column;
        for (size_t i = 0; i < task.m; i++)
            rows[i] = a + (row + i) * plan->k;
        c->step->kernels->gemm_f32(&task);
    }
}

static void matmul_run(const slim_step *s)
{
    matmul_context c;
    c.step = s;
    c.a = slim_step_input(s, 0);
    c.b = slim_step_input(s, 1);
    c.y = slim_step_output(s, 0);
    c.transpose_b = ((const slim_matmul_f32_attributes *)s->attributes)->transpose_b != 0;
    c.plan = matmul_layout(c.a, c.b, c.transpose_b);
    slim_parallel(s, c.plan.batches * c.plan.row_blocks * c.plan.column_blocks, matmul_task, &c);
}

SLIM_INTERNAL const slim_operator slim_op_matmul_f32 = {
    SLIM_OP_MATMUL_F32, 2, 2, 1, sizeof(slim_matmul_f32_attributes) / 4, 0, "matmul_f32", matmul_prepare, matmul_run,
};
