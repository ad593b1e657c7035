/* Some axes folded into one value: mean, sum, extremes, product, norms. */
#include "ops/approximate.h"
#include "ops/check.h"
#include "ops/lanes.h"

/* Modes, as slim.core.operators.Reduce. */
enum { REDUCE_MEAN, REDUCE_SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_L2, REDUCE_SUM_SQUARE, REDUCE_MODES };

enum { REDUCE_BLOCK = 128 };   /* outputs folded side by side */

SLIM_COLD static slim_status reduce_prepare(slim_prepare *p)
{
    const slim_reduce_f32_attributes *a = (const slim_reduce_f32_attributes *)p->attributes;
    int32_t dims[SLIM_MAX_RANK];
    int rank = 0;
    slim_status status = slim_check_types(p, 0, SLIM_F32);
    if (status != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if (a->mode < 0 || a->mode >= REDUCE_MODES || a->axes < 0 || a->axes >> x->rank)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the mode is unknown, or an axis lies outside the input's");
    for (int d = 0; d < x->rank; d++) {
        int folded = a->axes >> d & 1;
        if (!folded || a->keep_dims)
            dims[rank++] = folded ? 1 : x->dims[d];
    }
    return slim_prepare_output(p, 0, rank, dims);
}

/* The input's axes, neighbours of one kind merged: those that stay and those that fold, outermost first. `inner` elements
 * at the end are contiguous and of one kind. */
typedef struct reduce_plan {
    size_t kept_dims[SLIM_MAX_RANK], kept_strides[SLIM_MAX_RANK], fold_dims[SLIM_MAX_RANK], fold_strides[SLIM_MAX_RANK];
    int kept, fold;
    int inner_folds;
    size_t inner, kept_count, fold_count;   /* the counts without `inner` */
    size_t blocks;                          /* of an inner run that stays */
    int mode;
    float scale;                            /* of a mean */
    const float *x;
    float *y;
} reduce_plan;

static reduce_plan reduce_layout(const slim_value *x, const slim_reduce_f32_attributes *a)
{
    reduce_plan plan;
    size_t stride = 1, fold_all = 1;
    int last = -1;   /* the kind of the axes being merged, 1: folds */
    plan.kept = plan.fold = plan.inner_folds = 0;
    plan.inner = plan.kept_count = plan.fold_count = 1;
    plan.mode = a->mode;
    for (int d = x->rank - 1, group = 0; d >= 0; d--) {
        size_t dim = (size_t)x->dims[d];
        int folds = a->axes >> d & 1;
        if (dim == 1)
            continue;
        group += folds != last;
        if (group == 1) {
            plan.inner *= dim;
            plan.inner_folds = folds;
        } else {
            size_t *dims = folds ? plan.fold_dims : plan.kept_dims, *strides = folds ? plan.fold_strides : plan.kept_strides;
            int *count = folds ? &plan.fold : &plan.kept;
            if (folds == last) {
                dims[*count - 1] *= dim;
            } else {
                dims[*count] = dim;
                strides[(*count)++] = stride;
            }
            *(folds ? &plan.fold_count : &plan.kept_count) *= dim;
        }
        fold_all *= folds ? dim : 1;
        last = folds;
        stride *= dim;
    }
    plan.scale = 1.0f / (float)fold_all;
    plan.blocks = plan.inner_folds ? 1 : slim_ceil_div(plan.inner, REDUCE_BLOCK);
    return plan;
}

/* The offset of position `index` in axes that were gathered from the last to the first. */
static size_t reduce_offset(size_t index, int axes, const size_t *dims, const size_t *strides)
{
    size_t offset = 0;
    for (int d = 0; d < axes; d++) {
        offset += index % dims[d] * strides[d];
        index /= dims[d];
    }
    return offset;
}

static float reduce_start(int mode)
{
    return mode == REDUCE_MAX ? -slim_infinity() : mode == REDUCE_MIN ? slim_infinity() : mode == REDUCE_PROD ? 1.0f : 0.0f;
}

#define REDUCE_LOOP(expression)          \
    for (size_t i = 0; i < n; i++) {     \
        float u = to[i], v = from[i];    \
        to[i] = expression;              \
    }                                    \
    break

SLIM_VECTORIZE static void reduce_take(int mode, float *__restrict to, const float *__restrict from, size_t n)
{
    switch (mode) {
    case REDUCE_MAX: REDUCE_LOOP(v > u ? v : u);
    case REDUCE_MIN: REDUCE_LOOP(v < u ? v : u);
    case REDUCE_PROD: REDUCE_LOOP(u * v);
    case REDUCE_L2:
    case REDUCE_SUM_SQUARE: REDUCE_LOOP(u + v * v);
    default: REDUCE_LOOP(u + v);
    }
}

static float reduce_end(const reduce_plan *plan, float value)
{
    return plan->mode == REDUCE_MEAN ? value * plan->scale : plan->mode == REDUCE_L2 ? slim_sqrt(value) : value;
}

/* One output whose innermost elements fold: lanes side by side, then the lanes. */
SLIM_VECTORIZE static void reduce_inner(const reduce_plan *plan, const float *x, float *y)
{
    float lanes[SLIM_SUM_LANES];
    float sum = 0.0f;
    int mode = plan->mode, sums = mode == REDUCE_MEAN || mode == REDUCE_SUM;
    for (size_t j = 0; j < SLIM_SUM_LANES; j++)
        lanes[j] = reduce_start(mode);
    for (size_t fold = 0; fold < plan->fold_count; fold++) {
        const float *from = x + reduce_offset(fold, plan->fold, plan->fold_dims, plan->fold_strides);
        if (sums) {
            sum += slim_lanes_sum(from, plan->inner);
        } else if (mode == REDUCE_L2 || mode == REDUCE_SUM_SQUARE) {
            sum += slim_lanes_squares(from, plan->inner, 0.0f);
        } else {
            for (size_t i = 0; i < plan->inner; i += SLIM_SUM_LANES)
                reduce_take(mode, lanes, from + i, SLIM_MIN(SLIM_SUM_LANES, plan->inner - i));
        }
    }
    if (mode == REDUCE_MAX || mode == REDUCE_MIN || mode == REDUCE_PROD) {
        for (size_t j = 1; j < SLIM_SUM_LANES; j++)
            reduce_take(mode, lanes, lanes + j, 1);
        sum = lanes[0];
    }
    *y = reduce_end(plan, sum);
}

SLIM_VECTORIZE static void reduce_task(void *context, size_t index, int worker)
{
    const reduce_plan *plan = (const reduce_plan *)context;
    size_t kept = index / plan->blocks, at = index % plan->blocks * REDUCE_BLOCK;
    const float *x = plan->x + reduce_offset(kept, plan->kept, plan->kept_dims, plan->kept_strides);
    (void)worker;
    if (plan->inner_folds) {
        reduce_inner(plan, x, plan->y + kept);
        return;
    }
    float block[REDUCE_BLOCK];
    size_t n = SLIM_MIN((size_t)REDUCE_BLOCK, plan->inner - at);
    for (size_t i = 0; i < n; i++)
        block[i] = reduce_start(plan->mode);
    for (size_t fold = 0; fold < plan->fold_count; fold++)
        reduce_take(plan->mode, block, x + at + reduce_offset(fold, plan->fold, plan->fold_dims, plan->fold_strides), n);
    for (size_t i = 0; i < n; i++)
        plan->y[kept * plan->inner + at + i] = reduce_end(plan, block[i]);
}

static void reduce_run(const slim_step *s)
{
    reduce_plan plan = reduce_layout(slim_step_input(s, 0), (const slim_reduce_f32_attributes *)s->attributes);
    plan.x = (const float *)slim_step_input(s, 0)->data;
    plan.y = (float *)slim_step_output(s, 0)->data;
    slim_parallel(s, plan.kept_count * plan.blocks, reduce_task, &plan);
}

SLIM_INTERNAL const slim_operator slim_op_reduce_f32 = {
    SLIM_OP_REDUCE_F32, 1, 1, 1, sizeof(slim_reduce_f32_attributes) / 4, 0, "reduce_f32", reduce_prepare, reduce_run,
};
