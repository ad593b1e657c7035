/* A run on inputs in the caller's memory, for the library that `slim.runtime` loads: whoever uses a single file can write an
 * input where it belongs (slim_input_data), while an array of Python's lies where it lies. */
#include "base/internal.h"

SLIM_API slim_status slim_run_on(slim_session *session, const void *const *inputs, const size_t *bytes);

/* Nobody but operators that read its elements and nothing else has to do with the input's memory. */
static int run_on_lends(const slim_value *value, const void *data)
{
    return !value->is_output && value->uses == value->exact_uses && (uintptr_t)data % slim_type_bytes(value->type) == 0;
}

/* As slim_set_input with each input and slim_run, but inputs are read where they are if their operators can do that. */
SLIM_API slim_status slim_run_on(slim_session *session, const void *const *inputs, const size_t *bytes)
{
    slim_status status = SLIM_OK;
    uint32_t count, at = 0;
    if (!session || !inputs || !bytes)
        return SLIM_BAD_ARGUMENT;
    if (!session->arena)
        return SLIM_NO_ARENA;
    count = session->model->header->input_count;
    for (; at < count && status == SLIM_OK; at++) {
        slim_value *value = &session->values[session->model->words[at]];
        if (inputs[at] && bytes[at] == value->bytes && run_on_lends(value, inputs[at]))
            value->data = (unsigned char *)(uintptr_t)inputs[at];   /* which no exact user writes */
        else
            status = slim_set_input(session, (int)at, inputs[at], bytes[at]);
    }
    if (status == SLIM_OK)
        status = slim_run(session);
    while (at-- > 0) {
        slim_value *value = &session->values[session->model->words[at]];
        value->data = session->arena + value->offset;   /* an input is a root of the plan */
    }
    return status;
}
