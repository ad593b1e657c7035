/* Two tensors of one type, compared element by element with numpy broadcasting; `and`, `or` of two bools. */
#include "ops/broadcast.h"
#include "ops/check.h"

/* Modes, as slim.core.operators.Compare. */
enum {
    COMPARE_EQUAL, COMPARE_LESS, COMPARE_LESS_OR_EQUAL, COMPARE_GREATER, COMPARE_GREATER_OR_EQUAL, COMPARE_AND, COMPARE_OR,
    COMPARE_MODES
};

SLIM_COLD static slim_status compare_prepare(slim_prepare *p)
{
    int32_t mode = ((const slim_compare_attributes *)p->attributes)->mode;
    slim_status status;
    if ((status = slim_prepare_expect(p, 0, 0, -1, 0)) != SLIM_OK
        || (status = slim_prepare_expect(p, 1, slim_prepare_input(p, 0)->type, -1, 0)) != SLIM_OK
        || (status = slim_check_output_type(p, 0, SLIM_BOOL)) != SLIM_OK)
        return status;
    int type = slim_prepare_input(p, 0)->type;
    if (type != SLIM_F32 && type != SLIM_I32 && type != SLIM_I64 && type != SLIM_U8 && type != SLIM_I8 && type != SLIM_BOOL)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the type is one that the core does not compare");
    if (mode < 0 || mode >= COMPARE_MODES || (mode >= COMPARE_AND && type != SLIM_BOOL))
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the mode is unknown, or not one of this type");
    return slim_broadcast_prepare(p);
}

#define COMPARE_LOOP(expression)                               \
    for (size_t i = 0; i < n; i++) {                           \
        x = a[i * step_a];                                     \
        y = b[i * step_b];                                     \
        out[i] = (unsigned char)(expression);                  \
    }                                                          \
    break

/* Each mode for values of one type. `out` is local memory. */
#define COMPARE_BLOCK(type, name)                                                                                      \
    static void compare_##name(int mode, const void *from_a, const void *from_b, size_t step_a, size_t step_b,         \
                               unsigned char *__restrict out, size_t n)                                                \
    {                                                                                                                  \
        const type *a = (const type *)from_a, *b = (const type *)from_b;                                               \
        type x, y;                                                                                                     \
        switch (mode) {                                                                                                \
        case COMPARE_EQUAL: COMPARE_LOOP(x == y);                                                                      \
        case COMPARE_LESS: COMPARE_LOOP(x < y);                                                                        \
        case COMPARE_LESS_OR_EQUAL: COMPARE_LOOP(x <= y);                                                              \
        case COMPARE_GREATER: COMPARE_LOOP(x > y);                                                                     \
        case COMPARE_GREATER_OR_EQUAL: COMPARE_LOOP(x >= y);                                                           \
        case COMPARE_AND: COMPARE_LOOP(x != 0 && y != 0);                                                              \
        default: COMPARE_LOOP(x != 0 || y != 0);                                                                       \
        }                                                                                                              \
    }
COMPARE_BLOCK(float, f32)
COMPARE_BLOCK(int32_t, i32)
COMPARE_BLOCK(int64_t, i64)
COMPARE_BLOCK(uint8_t, u8)
COMPARE_BLOCK(int8_t, i8)

static void compare_run_of(void *context, const slim_broadcast *plan, size_t a, size_t b, size_t out, size_t count)
{
    const slim_step *s = (const slim_step *)context;
    const slim_value *x = slim_step_input(s, 0), *y = slim_step_input(s, 1);
    int mode = ((const slim_compare_attributes *)s->attributes)->mode;
    size_t step_a = plan->a[plan->rank - 1], step_b = plan->b[plan->rank - 1], bytes = slim_type_bytes(x->type);
    unsigned char block[SLIM_BROADCAST_BLOCK];
    for (size_t at = 0; at < count; at += SLIM_BROADCAST_BLOCK) {
        size_t n = SLIM_MIN((size_t)SLIM_BROADCAST_BLOCK, count - at);
        const void *from_a = x->data + (a + at * step_a) * bytes, *from_b = y->data + (b + at * step_b) * bytes;
        switch (x->type) {
        case SLIM_F32: compare_f32(mode, from_a, from_b, step_a, step_b, block, n); break;
        case SLIM_I32: compare_i32(mode, from_a, from_b, step_a, step_b, block, n); break;
        case SLIM_I64: compare_i64(mode, from_a, from_b, step_a, step_b, block, n); break;
        case SLIM_I8: compare_i8(mode, from_a, from_b, step_a, step_b, block, n); break;
        default: compare_u8(mode, from_a, from_b, step_a, step_b, block, n);
        }
        slim_copy(slim_step_output(s, 0)->data + out + at, block, n);
    }
}

static void compare_run(const slim_step *s)
{
    slim_broadcast_apply(s, compare_run_of, (void *)(uintptr_t)s);
}

SLIM_INTERNAL const slim_operator slim_op_compare = {
    SLIM_OP_COMPARE, 2, 2, 1, sizeof(slim_compare_attributes) / 4, 0, "compare", compare_prepare, compare_run,
};
