/* Values of one type in another: toward zero, saturating, NaN to 0; a bool is what differs from 0. */
#include "ops/check.h"

enum { CAST_BLOCK = 64 };   /* values widened in local memory at a time */

static int cast_takes(int type)
{
    return type == SLIM_F32 || type == SLIM_I32 || type == SLIM_I64 || type == SLIM_U8 || type == SLIM_I8 || type == SLIM_BOOL;
}

SLIM_COLD static slim_status cast_prepare(slim_prepare *p)
{
    slim_status status = slim_prepare_expect(p, 0, 0, -1, 0);
    if (status != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if (!cast_takes(x->type) || !cast_takes(slim_check_output(p, 0)->type))
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "a type is one that the core does not convert");
    return slim_prepare_output(p, 0, x->rank, x->dims);
}

#define CAST_READ(type)                                      \
    for (size_t i = 0; i < n; i++)                           \
        to[i] = ((const type *)(const void *)from)[i];       \
    break

SLIM_VECTORIZE static void cast_read(int type, int64_t *__restrict to, const unsigned char *__restrict from, size_t n)
{
    switch (type) {
    case SLIM_I64: CAST_READ(int64_t);
    case SLIM_I32: CAST_READ(int32_t);
    case SLIM_I8: CAST_READ(int8_t);
    case SLIM_BOOL:
        for (size_t i = 0; i < n; i++)
            to[i] = from[i] != 0;
        break;
    default: CAST_READ(uint8_t);
    }
}

SLIM_VECTORIZE static void cast_read_floats(int to_bool, int64_t *__restrict to, const float *__restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float x = from[i] == from[i] ? from[i] : 0.0f;
        int high = x >= 9223372036854775808.0f;
        x = high ? 0.0f : x > -9223372036854775808.0f ? x : -9223372036854775808.0f;
        to[i] = to_bool ? from[i] != 0.0f : high ? INT64_MAX : (int64_t)x;
    }
}

#define CAST_WRITE(type, lo, hi)                                                                        \
    for (size_t i = 0; i < n; i++)                                                                      \
        ((type *)(void *)to)[i] = (type)(from[i] < (lo) ? (lo) : from[i] > (hi) ? (hi) : from[i]);      \
    break

SLIM_VECTORIZE static void cast_write(int type, unsigned char *__restrict to, const int64_t *__restrict from, size_t n)
{
    switch (type) {
    case SLIM_F32:
        for (size_t i = 0; i < n; i++)
            ((float *)(void *)to)[i] = (float)from[i];
        break;
    case SLIM_I64: slim_copy(to, from, n * sizeof *from); break;
    case SLIM_I32: CAST_WRITE(int32_t, INT32_MIN, INT32_MAX);
    case SLIM_I8: CAST_WRITE(int8_t, -128, 127);
    case SLIM_U8: CAST_WRITE(uint8_t, 0, 255);
    default:
        for (size_t i = 0; i < n; i++)
            to[i] = from[i] != 0;
    }
}

static void cast_run(const slim_step *s)
{
    const slim_value *x = slim_step_input(s, 0);
    const slim_value *y = slim_step_output(s, 0);
    size_t from_bytes = slim_type_bytes(x->type), to_bytes = slim_type_bytes(y->type);
    int64_t block[CAST_BLOCK];
    if (x->type == y->type) {
        slim_copy(y->data, x->data, x->bytes);
        return;
    }
    for (size_t at = 0; at < x->count; at += CAST_BLOCK) {
        size_t n = SLIM_MIN((size_t)CAST_BLOCK, x->count - at);
        if (x->type == SLIM_F32)
            cast_read_floats(y->type == SLIM_BOOL, block, (const float *)(const void *)x->data + at, n);
        else
            cast_read(x->type, block, x->data + at * from_bytes, n);
        cast_write(y->type, y->data + at * to_bytes, block, n);
    }
}

SLIM_INTERNAL const slim_operator slim_op_cast = {
    SLIM_OP_CAST, 1, 1, 1, 0, 0, "cast", cast_prepare, cast_run,
};
