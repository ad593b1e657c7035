/* A run on arrays of the caller's, in one call: part of the library that `slim.runtime` loads. Whoever uses a single file can write
 * an input where it belongs (slim_input_data) and read an output there, while an array of Python's lies where it lies. */
#include "base/internal.h"

/* An array: where its elements are, and how many bytes. */
typedef struct slim_memory {
    void *data;
    size_t bytes;
} slim_memory;

SLIM_API slim_status slim_run_on(slim_session *session, const slim_memory *inputs, const slim_memory *outputs);

/* Nobody but operators that read its elements and nothing else has to do with the input's memory. */
static int run_on_lends(const slim_value *value, const void *data)
{
    return !value->is_output && value->uses == value->exact_uses && (uintptr_t)data % slim_type_bytes(value->type) == 0;
}

/* As slim_set_input with each input, slim_run, and slim_get_output with each output unless `outputs` is NULL; but inputs are
 * read where they are if their operators can do that. */
SLIM_API slim_status slim_run_on(slim_session *session, const slim_memory *inputs, const slim_memory *outputs)
{
    slim_status status = SLIM_OK;
    uint32_t count, at = 0;
    if (!session || !inputs)
        return SLIM_BAD_ARGUMENT;
    if (!session->arena)
        return SLIM_NO_ARENA;
    count = session->model->header->input_count;
    for (; at < count && status == SLIM_OK; at++) {
        slim_value *value = &session->values[session->model->words[at]];
        if (inputs[at].data && inputs[at].bytes == value->bytes && run_on_lends(value, inputs[at].data))
            value->data = (unsigned char *)inputs[at].data;   /* which no exact user writes */
        else
            status = slim_set_input(session, (int)at, inputs[at].data, inputs[at].bytes);
    }
    if (status == SLIM_OK)
        status = slim_run(session);
    while (at-- > 0) {
        slim_value *value = &session->values[session->model->words[at]];
        value->data = session->arena + value->offset;   /* an input is a root of the plan */
    }
    for (at = 0; outputs && at < session->model->header->output_count && status == SLIM_OK; at++)
        status = slim_get_output(session, (int)at, outputs[at].data, outputs[at].bytes);
    return status;
}
