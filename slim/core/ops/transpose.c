/* Axes in another order. Axes that stay neighbours move as one; the rest is copied in tiles that fit the cache on both the
 * side that is read and the side that is written. */
#include "ops/check.h"

enum { TRANSPOSE_TILE = 16, TRANSPOSE_RUN = 256 };

SLIM_COLD static slim_status transpose_prepare(slim_prepare *p)
{
    const int32_t *order = &((const slim_transpose_attributes *)p->attributes)->p0;
    int32_t dims[SLIM_MAX_RANK];
    unsigned seen = 0;
    slim_status status = slim_prepare_expect(p, 0, 0, -1, 0);
    if (status != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_check_output_type(p, 0, x->type)) != SLIM_OK)
        return status;
    for (int d = 0; d < x->rank; d++) {
        if (order[d] < 0 || order[d] >= x->rank || (seen >> order[d] & 1))
            return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the order of the axes is not a permutation");
        seen |= 1u << order[d];
        dims[d] = x->dims[order[d]];
    }
    return slim_prepare_output(p, 0, x->rank, dims);
}

/* The output's axes with their strides in elements on both sides. The last one is written in runs; `inner` is the one that
 * is contiguous in the input, or the last one itself where that is. */
typedef struct transpose_plan {
    int rank, inner;
    size_t dims[SLIM_MAX_RANK], from[SLIM_MAX_RANK], to[SLIM_MAX_RANK];
    size_t bytes;             /* of an element */
    size_t outer;             /* positions of the axes that are neither last nor inner */
    size_t tiles;             /* of the inner axis */
    const unsigned char *source;
    unsigned char *target;
} transpose_plan;

SLIM_COLD static transpose_plan transpose_layout(const slim_value *x, slim_value *y, const int32_t *order)
{
    transpose_plan t;
    size_t strides[SLIM_MAX_RANK], stride = 1;
    for (int d = x->rank - 1; d >= 0; d--) {
        strides[d] = stride;
        stride *= (size_t)x->dims[d];
    }
    t.rank = 0;
    for (int d = 0; d < y->rank; d++) {
        size_t dim = (size_t)y->dims[d], from = strides[order[d]];
        if (dim == 1)
            continue;
        if (t.rank > 0 && t.from[t.rank - 1] == from * dim) {
            t.dims[t.rank - 1] *= dim;
            t.from[t.rank - 1] = from;
            continue;
        }
        t.dims[t.rank] = dim;
        t.from[t.rank++] = from;
    }
    if (t.rank == 0) {
        t.dims[0] = t.from[0] = 1;
        t.rank = 1;
    }
    stride = 1;
    for (int d = t.rank - 1; d >= 0; d--) {
        t.to[d] = stride;
        stride *= t.dims[d];
    }
    t.inner = t.rank - 1;
    for (int d = 0; d < t.rank; d++)
        if (t.from[d] == 1)
            t.inner = d;
    t.outer = 1;
    for (int d = 0; d < t.rank - 1; d++)
        if (d != t.inner)
            t.outer *= t.dims[d];
    t.tiles = t.inner == t.rank - 1 ? 1 : slim_ceil_div(t.dims[t.inner], TRANSPOSE_TILE);
    t.bytes = slim_type_bytes(x->type);
    t.source = x->data;
    t.target = y->data;
    return t;
}

#define TRANSPOSE_COPY(type)                                                        \
    for (size_t i = 0; i < count; i++)                                              \
        __builtin_memcpy(to + i * sizeof(type), from + i * stride * sizeof(type), sizeof(type)); \
    break

/* `count` elements, `stride` elements apart in the input. */
static void transpose_run_of(unsigned char *__restrict to, const unsigned char *__restrict from, size_t count, size_t stride,
                             size_t bytes)
{
    switch (bytes) {
    case 1: TRANSPOSE_COPY(uint8_t);
    case 2: TRANSPOSE_COPY(uint16_t);
    case 4: TRANSPOSE_COPY(uint32_t);
    default: TRANSPOSE_COPY(uint64_t);
    }
}

static void transpose_task(void *context, size_t index, int worker)
{
    const transpose_plan *t = (const transpose_plan *)context;
    int last = t->rank - 1;
    size_t rest = index / t->tiles, from = 0, to = 0;
    (void)worker;
    for (int d = last - 1; d >= 0; d--) {
        if (d == t->inner)
            continue;
        size_t at = rest % t->dims[d];
        rest /= t->dims[d];
        from += at * t->from[d];
        to += at * t->to[d];
    }
    const unsigned char *source = t->source + from * t->bytes;
    unsigned char *target = t->target + to * t->bytes;
    if (t->inner == last) {
        slim_copy(target, source, t->dims[last] * t->bytes);
        return;
    }
    size_t start = index % t->tiles * TRANSPOSE_TILE;
    size_t end = SLIM_MIN(start + TRANSPOSE_TILE, t->dims[t->inner]);
    for (size_t at = 0; at < t->dims[last]; at += TRANSPOSE_RUN) {
        size_t count = SLIM_MIN((size_t)TRANSPOSE_RUN, t->dims[last] - at);
        for (size_t i = start; i < end; i++)
            transpose_run_of(target + (i * t->to[t->inner] + at) * t->bytes, source + (i + at * t->from[last]) * t->bytes,
                             count, t->from[last], t->bytes);
    }
}

static void transpose_run(const slim_step *s)
{
    transpose_plan plan = transpose_layout(slim_step_input(s, 0), slim_step_output(s, 0),
                                           &((const slim_transpose_attributes *)s->attributes)->p0);
    slim_parallel(s, plan.outer * plan.tiles, transpose_task, &plan);
}

SLIM_INTERNAL const slim_operator slim_op_transpose = {
    SLIM_OP_TRANSPOSE, 1, 1, 1, sizeof(slim_transpose_attributes) / 4, 0, "transpose", transpose_prepare, transpose_run,
};
