/* The plan and the walk of a broadcast: axes are aligned at the right, an axis of 1 stands still. */
#include "ops/broadcast.h"

enum { BROADCAST_TASK = 8192 };   /* elements a task */

static int32_t broadcast_dim(const slim_value *x, int axis, int rank)
{
    int own = axis - (rank - x->rank);
    return own < 0 ? 1 : x->dims[own];
}

SLIM_INTERNAL slim_status slim_broadcast_prepare(slim_prepare *p)
{
    const slim_value *a = slim_prepare_input(p, 0);
    const slim_value *b = slim_prepare_input(p, 1);
    int rank = SLIM_MAX(a->rank, b->rank);
    int32_t dims[SLIM_MAX_RANK];
    size_t count = 1;
    for (int d = 0; d < rank; d++) {
        int32_t x = broadcast_dim(a, d, rank), y = broadcast_dim(b, d, rank);
        if (x != y && x != 1 && y != 1)
            return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the shapes of the inputs do not broadcast");
        dims[d] = x == 1 ? y : x;
    }
    if (!slim_count_elements(rank, dims, &count))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the output would be empty or too large");
    /* the second input is the better choice where it has no other reader and the first has */
    if (b->count == count && b->kind != SLIM_KIND_CONSTANT && (a->count != count || a->uses > b->uses))
        slim_prepare_in_place(p, 0, 1);
    else if (a->count == count)
        slim_prepare_in_place(p, 0, 0);
    return slim_prepare_output(p, 0, rank, dims);
}

/* Axes of 1 are dropped, and neighbours are merged where both inputs run through them in one stride. */
SLIM_BRIEF static slim_broadcast broadcast_plan(const slim_value *a, const slim_value *b, const slim_value *out)
{
    slim_broadcast plan;
    size_t stride_a = 1, stride_b = 1;
    size_t dims[SLIM_MAX_RANK], sa[SLIM_MAX_RANK], sb[SLIM_MAX_RANK];
    int n = 0;
    for (int d = out->rank - 1; d >= 0; d--) {   /* from the last axis on, so that index 0 is the last */
        size_t dim = (size_t)out->dims[d];
        size_t dim_a = (size_t)broadcast_dim(a, d, out->rank), dim_b = (size_t)broadcast_dim(b, d, out->rank);
        size_t step_a = dim_a == 1 ? 0 : stride_a, step_b = dim_b == 1 ? 0 : stride_b;
        stride_a *= dim_a;
        stride_b *= dim_b;
        if (dim == 1)
            continue;
        if (n > 0 && step_a == sa[n - 1] * dims[n - 1] && step_b == sb[n - 1] * dims[n - 1]) {
            dims[n - 1] *= dim;
            continue;
        }
        dims[n] = dim;
        sa[n] = step_a;
        sb[n++] = step_b;
    }
    if (n == 0) {
        dims[n] = 1;
        sa[n] = sb[n] = 0;
        n++;
    }
    plan.rank = n;
    plan.rows = 1;
    for (int d = 0; d < n; d++) {
        plan.dims[d] = dims[n - 1 - d];
        plan.a[d] = sa[n - 1 - d];
        plan.b[d] = sb[n - 1 - d];
        if (d < n - 1)
            plan.rows *= plan.dims[d];
    }
    return plan;
}

typedef struct broadcast_walk {
    slim_broadcast plan;
    slim_broadcast_run run;
    void *context;
    size_t pieces, piece;     /* a long run is cut into pieces, */
    size_t rows_a_task;       /* short ones are taken together */
} broadcast_walk;

static void broadcast_task(void *context, size_t index, int worker)
{
    const broadcast_walk *w = (const broadcast_walk *)context;
    const slim_broadcast *plan = &w->plan;
    size_t inner = plan->dims[plan->rank - 1];
    size_t start = index % w->pieces * w->piece;
    size_t first = index / w->pieces * w->rows_a_task;
    size_t last = SLIM_MIN(first + w->rows_a_task, plan->rows);
    (void)worker;
    for (size_t row = first; row < last; row++) {
        size_t a = start * plan->a[plan->rank - 1], b = start * plan->b[plan->rank - 1], rest = row;
        for (int d = plan->rank - 2; d >= 0; d--) {
            size_t at = rest % plan->dims[d];
            rest /= plan->dims[d];
            a += at * plan->a[d];
            b += at * plan->b[d];
        }
        w->run(w->context, plan, a, b, row * inner + start, SLIM_MIN(w->piece, inner - start));
    }
}

SLIM_BRIEF SLIM_INTERNAL void slim_broadcast_apply(const slim_step *s, slim_broadcast_run run, void *context)
{
    broadcast_walk w;
    w.plan = broadcast_plan(slim_step_input(s, 0), slim_step_input(s, 1), slim_step_output(s, 0));
    w.run = run;
    w.context = context;
    size_t inner = w.plan.dims[w.plan.rank - 1];
    w.piece = SLIM_MIN(inner, (size_t)BROADCAST_TASK);
    w.pieces = slim_ceil_div(inner, w.piece);
    w.rows_a_task = SLIM_MAX((size_t)1, BROADCAST_TASK / inner);
    slim_parallel(s, w.pieces * slim_ceil_div(w.plan.rows, w.rows_a_task), broadcast_task, &w);
}
