/* Elements of one tensor where a condition holds, of another where it does not; all three of one shape. */
#include "ops/check.h"

SLIM_COLD static slim_status select_prepare(slim_prepare *p)
{
    slim_status status;
    if ((status = slim_prepare_expect(p, 0, SLIM_BOOL, -1, 0)) != SLIM_OK
        || (status = slim_prepare_expect(p, 1, 0, -1, 0)) != SLIM_OK
        || (status = slim_prepare_expect(p, 2, slim_prepare_input(p, 1)->type, -1, 0)) != SLIM_OK
        || (status = slim_check_output_type(p, 0, slim_prepare_input(p, 1)->type)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if (!slim_same_shape(slim_prepare_input(p, 1), x->rank, x->dims) || !slim_same_shape(slim_prepare_input(p, 2), x->rank, x->dims))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the condition and the values have different shapes");
    return slim_prepare_output(p, 0, x->rank, x->dims);
}

#define SELECT_LOOP(type)                                              \
    for (size_t i = 0; i < n; i++)                                     \
        ((type *)(void *)to)[i] = condition[i] ? ((const type *)(const void *)a)[i] : ((const type *)(const void *)b)[i]; \
    break

static void select_run(const slim_step *s)
{
    const unsigned char *condition = slim_step_input(s, 0)->data, *a = slim_step_input(s, 1)->data, *b = slim_step_input(s, 2)->data;
    unsigned char *to = slim_step_output(s, 0)->data;
    size_t n = slim_step_output(s, 0)->count;
    switch (slim_type_bytes(slim_step_output(s, 0)->type)) {
    case 8: SELECT_LOOP(int64_t);
    case 4: SELECT_LOOP(int32_t);
    case 2: SELECT_LOOP(int16_t);
    default: SELECT_LOOP(int8_t);
    }
}

SLIM_INTERNAL const slim_operator slim_op_select = {
    SLIM_OP_SELECT, 3, 3, 1, 0, 0, "select", select_prepare, select_run,
};
