/* Matrix product of two activations, y = scale * a b: [..., M, K] by [..., K, N], with numpy broadcasting of the leading axes.
 *
 * Axis i of a is stored as axis a_i, and so for b and y: heads of attention are read and written where they lie. Only the
 * last axes of a and y must be the last in memory. A task packs some columns of b into panels in scratch memory, and
 * multiplies a block of rows of a by them. */
#include "kernels/kernels.h"
#include "ops/check.h"

#define MATMUL_PANELS ((size_t)8)     /* columns of a task: 128 */
#define MATMUL_ROWS ((size_t)512)     /* rows of a task: enough to pay for the packing */
#define MATMUL_STRIP ((size_t)128)    /* rows of a kernel call */

enum { MATMUL_DEPTH = 1 << 22 };      /* the largest K: scratch memory fits 32 bits */

/* A tensor with its axes in the order of the product, aligned at the right: axis 0 is the last one. */
typedef struct matmul_view {
    size_t dims[SLIM_MAX_RANK], strides[SLIM_MAX_RANK];
    float *data;
} matmul_view;

typedef struct matmul_plan {
    matmul_view a, b, y;
    size_t m, k, n;
    size_t batches, row_blocks, column_blocks;
    size_t panel_bytes;       /* packed columns, in scratch; then zeros for the bias, then row pointers */
} matmul_plan;

/* 0 where `order` does not name each axis once. */
static int matmul_view_of(const slim_value *x, const int32_t *order, matmul_view *view)
{
    size_t stride[SLIM_MAX_RANK], step = 1;
    int seen = 0;
    for (int d = x->rank - 1; d >= 0; d--) {
        stride[d] = step;
        step *= (size_t)x->dims[d];
    }
    for (int i = 0; i < SLIM_MAX_RANK; i++) {
        view->dims[i] = 1;
        view->strides[i] = 0;
    }
    for (int i = 0; i < x->rank; i++) {
        if (order[i] < 0 || order[i] >= x->rank || seen >> order[i] & 1)
            return 0;
        seen |= 1 << order[i];
        view->dims[x->rank - 1 - i] = (size_t)x->dims[order[i]];
        view->strides[x->rank - 1 - i] = stride[order[i]];
    }
    view->data = (float *)(void *)x->data;
    return 1;
}

/* Leading axes of a that lie one after the other like its rows, in y too, are more rows where b has none of them. */
static void matmul_merge_rows(matmul_plan *plan)
{
    for (int d = 2; d < SLIM_MAX_RANK; d++) {
        if (plan->y.dims[d] == 1)
            continue;
        if (plan->b.dims[d] != 1 || plan->a.strides[d] != plan->m * plan->a.strides[1]
            || plan->y.strides[d] != plan->m * plan->y.strides[1])
            return;
        plan->m *= plan->y.dims[d];
        plan->y.dims[d] = 1;
    }
}

static void matmul_layout(matmul_plan *plan)
{
    plan->m = plan->y.dims[1];
    plan->n = plan->y.dims[0];
    plan->k = plan->a.dims[0];
    matmul_merge_rows(plan);
    plan->batches = 1;
    for (int d = 2; d < SLIM_MAX_RANK; d++)
        plan->batches *= plan->y.dims[d];
    plan->row_blocks = slim_ceil_div(plan->m, MATMUL_ROWS);
    plan->column_blocks = slim_ceil_div(plan->n, MATMUL_PANELS * SLIM_PANEL);
    plan->panel_bytes = SLIM_MIN(MATMUL_PANELS, slim_ceil_div(plan->n, SLIM_PANEL)) * plan->k * SLIM_PANEL * sizeof(float);
}

SLIM_COLD static slim_status matmul_prepare(slim_prepare *p)
{
    const slim_matmul_f32_attributes *attributes = (const slim_matmul_f32_attributes *)p->attributes;
    int32_t dims[SLIM_MAX_RANK];
    int seen = 0;
    slim_status status;
    matmul_plan plan;
    if ((status = slim_check_types(p, 0, SLIM_F32)) != SLIM_OK || (status = slim_prepare_expect(p, 1, SLIM_F32, -1, 0)) != SLIM_OK)
        return status;
    const slim_value *a = slim_prepare_input(p, 0);
    const slim_value *b = slim_prepare_input(p, 1);
    int rank = SLIM_MAX(a->rank, b->rank);
    if (a->rank < 2 || b->rank < 2)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the inputs are not matrices");
    if (!matmul_view_of(a, &attributes->a0, &plan.a) || !matmul_view_of(b, &attributes->b0, &plan.b)
        || (&attributes->a0)[a->rank - 1] != a->rank - 1 || (&attributes->y0)[rank - 1] != rank - 1)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the order of the axes is not one, or rows do not lie in one piece");
    if (plan.a.dims[0] != plan.b.dims[1])
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the inner sizes of the inputs differ");
    if (plan.a.dims[0] > MATMUL_DEPTH)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the inner size is larger than the core takes");
    plan.y.dims[0] = plan.b.dims[0];
    plan.y.dims[1] = plan.a.dims[1];
    for (int d = 2; d < rank; d++) {
        if (plan.a.dims[d] != plan.b.dims[d] && plan.a.dims[d] != 1 && plan.b.dims[d] != 1)
            return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the leading axes of the inputs do not broadcast");
        plan.y.dims[d] = SLIM_MAX(plan.a.dims[d], plan.b.dims[d]);
    }
    for (int i = 0; i < rank; i++) {
        int32_t axis = (&attributes->y0)[i];
        if (axis < 0 || axis >= rank || seen >> axis & 1)
            return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the order of the output's axes is not one");
        seen |= 1 << axis;
        dims[axis] = (int32_t)plan.y.dims[rank - 1 - i];
    }
    size_t panels = SLIM_MIN(MATMUL_PANELS, slim_ceil_div(plan.y.dims[0], SLIM_PANEL));
    slim_prepare_scratch(p, panels * SLIM_PANEL * sizeof(float) * plan.a.dims[0] + MATMUL_PANELS * SLIM_PANEL * sizeof(float)
                                + MATMUL_STRIP * sizeof(float *));
    return slim_prepare_output(p, 0, rank, dims);
}

/* A 16 x 16 block of b^T, by way of local memory so that both sides move in whole rows. */
SLIM_VECTORIZE static void matmul_pack_block(float *__restrict to, const float *__restrict b, size_t stride, float scale)
{
    float block[SLIM_PANEL][SLIM_PANEL];
    for (size_t j = 0; j < SLIM_PANEL; j++)
        for (size_t i = 0; i < SLIM_PANEL; i++)
            block[j][i] = b[j * stride + i];
    for (size_t i = 0; i < SLIM_PANEL; i++)
        for (size_t j = 0; j < SLIM_PANEL; j++)
            to[i * SLIM_PANEL + j] = block[j][i] * scale;
}

/* One panel [K][16] of the `width` columns from b on, times the scale; zero where the panel has more. */
SLIM_VECTORIZE static void matmul_pack(float *__restrict to, const float *__restrict b, const matmul_plan *plan, size_t width, float scale)
{
    size_t row = plan->b.strides[1], column = plan->b.strides[0], k = plan->k, i = 0;
    if (width == SLIM_PANEL && column == 1) {
        for (; i < k; i++)
            for (size_t j = 0; j < SLIM_PANEL; j++)
                to[i * SLIM_PANEL + j] = b[i * row + j] * scale;
        return;
    }
    if (width == SLIM_PANEL && row == 1)
        for (; i + SLIM_PANEL <= k; i += SLIM_PANEL)
            matmul_pack_block(to + i * SLIM_PANEL, b + i, column, scale);
    for (; i < k; i++)
        for (size_t j = 0; j < SLIM_PANEL; j++)
            to[i * SLIM_PANEL + j] = j < width ? b[i * row + j * column] * scale : 0.0f;
}

typedef struct matmul_context {
    const slim_step *step;
    float scale;
    matmul_plan plan;
} matmul_context;

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
    const float *a = plan->a.data, *b = plan->b.data + column * plan->b.strides[0];
    float *y = plan->y.data + column;
    slim_gemm_f32_task task;
    for (int d = 2; d < SLIM_MAX_RANK; d++) {
        size_t at = batch % plan->y.dims[d];
        batch /= plan->y.dims[d];
        a += plan->a.dims[d] == 1 ? 0 : at * plan->a.strides[d];
        b += plan->b.dims[d] == 1 ? 0 : at * plan->b.strides[d];
        y += at * plan->y.strides[d];
    }
    task.n = SLIM_MIN(MATMUL_PANELS * SLIM_PANEL, plan->n - column);
    for (size_t at = 0; at < task.n; at += SLIM_PANEL)
        matmul_pack(panels + at * plan->k, b + at * plan->b.strides[0], plan, SLIM_MIN((size_t)SLIM_PANEL, task.n - at), c->scale);
    slim_fill(zeros, 0, MATMUL_PANELS * SLIM_PANEL * sizeof(float));
    task.rows = rows;
    task.taps = 1;
    task.k = plan->k;
    task.weights = panels;
    task.bias = zeros;
    task.residual = NULL;
    task.part = NULL;
    task.alone = 0;
    task.residual_stride = 0;
    task.out_stride = plan->y.strides[1];
    task.lo = -__builtin_inff();
    task.hi = __builtin_inff();
    for (size_t row = first_row; row < last_row; row += MATMUL_STRIP) {
        task.m = SLIM_MIN(MATMUL_STRIP, last_row - row);
        task.out = y + row * task.out_stride;
        for (size_t i = 0; i < task.m; i++)
            rows[i] = a + (row + i) * plan->a.strides[1];
        c->step->kernels->gemm_f32(&task);
    }
}

static void matmul_run(const slim_step *s)
{
    const slim_matmul_f32_attributes *attributes = (const slim_matmul_f32_attributes *)s->attributes;
    matmul_context c;
    c.step = s;
    c.scale = attributes->scale;
    (void)(matmul_view_of(slim_step_input(s, 0), &attributes->a0, &c.plan.a)
           && matmul_view_of(slim_step_input(s, 1), &attributes->b0, &c.plan.b)
           && matmul_view_of(slim_step_output(s, 0), &attributes->y0, &c.plan.y));
    matmul_layout(&c.plan);
    slim_parallel(s, c.plan.batches * c.plan.row_blocks * c.plan.column_blocks, matmul_task, &c);
}

SLIM_INTERNAL const slim_operator slim_op_matmul_f32 = {
    SLIM_OP_MATMUL_F32, 2, 2, 1, sizeof(slim_matmul_f32_attributes) / 4, 0, "matmul_f32", matmul_prepare, matmul_run,
};
