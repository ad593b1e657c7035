/* Any function of a byte, as the table of its 256 values. */
#include "kernels/kernels.h"
#include "ops/check.h"

enum { LOOKUP_TASK = 16384 };

SLIM_COLD static slim_status lookup_u8_prepare(slim_prepare *p)
{
    slim_status status;
    if ((status = slim_check_types(p, 0, SLIM_U8)) != SLIM_OK || (status = slim_prepare_expect(p, 1, SLIM_U8, 1, 1)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if (slim_prepare_input(p, 1)->dims[0] != 256)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the table does not have 256 values");
    slim_prepare_in_place(p, 0, 0);
    return slim_prepare_output(p, 0, x->rank, x->dims);
}

static void lookup_u8_task(void *context, size_t index, int worker)
{
    const slim_step *s = (const slim_step *)context;
    const slim_value *x = slim_step_input(s, 0);
    const uint8_t *from = x->data, *table = slim_step_input(s, 1)->data;
    uint8_t *to = slim_step_output(s, 0)->data;
    size_t end = SLIM_MIN((index + 1) * LOOKUP_TASK, x->count);
    (void)worker;
    s->kernels->lookup_u8(table, from + index * LOOKUP_TASK, to + index * LOOKUP_TASK, end - index * LOOKUP_TASK);
}

static void lookup_u8_run(const slim_step *s)
{
    slim_parallel(s, slim_ceil_div(slim_step_input(s, 0)->count, LOOKUP_TASK), lookup_u8_task, (void *)(uintptr_t)s);
}

SLIM_INTERNAL const slim_operator slim_op_lookup_u8 = {
    SLIM_OP_LOOKUP_U8, 2, 2, 1, 0, 0, "lookup_u8", lookup_u8_prepare, lookup_u8_run,
};
