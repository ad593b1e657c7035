/* What a caller asks a session: its inputs and outputs, its steps, what went wrong. */
#include "base/internal.h"
#include "kernels/kernels.h"

SLIM_COLD SLIM_API int slim_input_count(const slim_session *session)
{
    return session ? (int)session->model->header->input_count : 0;
}

SLIM_COLD SLIM_API int slim_output_count(const slim_session *session)
{
    return session ? (int)session->model->header->output_count : 0;
}

/* The tensor number of input `index`, or of output `index`, or SLIM_NO_TENSOR. */
static uint32_t end_tensor(const slim_session *session, int index, int output)
{
    const slim_header *h;
    if (!session || index < 0)
        return SLIM_NO_TENSOR;
    h = session->model->header;
    if ((uint32_t)index >= (output ? h->output_count : h->input_count))
        return SLIM_NO_TENSOR;
    return session->model->words[(output ? h->input_count : 0) + (uint32_t)index];
}

static slim_status describe(const slim_session *session, uint32_t tensor, slim_tensor *out)
{
    const slim_value *value;
    if (tensor == SLIM_NO_TENSOR || !out)
        return SLIM_BAD_ARGUMENT;
    value = &session->values[tensor];
    out->name = session->model->text + session->model->tensors[tensor].name;
    out->type = value->type;
    out->rank = value->rank;
    slim_copy(out->dims, value->dims, sizeof out->dims);
    out->bytes = value->bytes;
    out->scale = value->scale;
    out->zero_point = value->zero_point;
    return SLIM_OK;
}

SLIM_COLD SLIM_API slim_status slim_input(const slim_session *session, int index, slim_tensor *tensor)
{
    return describe(session, end_tensor(session, index, 0), tensor);
}

SLIM_COLD SLIM_API slim_status slim_output(const slim_session *session, int index, slim_tensor *tensor)
{
    return describe(session, end_tensor(session, index, 1), tensor);
}

SLIM_API void *slim_input_data(slim_session *session, int index)
{
    uint32_t tensor = end_tensor(session, index, 0);
    return tensor == SLIM_NO_TENSOR || !session->arena ? NULL : session->values[tensor].data;
}

SLIM_API const void *slim_output_data(const slim_session *session, int index)
{
    uint32_t tensor = end_tensor(session, index, 1);
    return tensor == SLIM_NO_TENSOR || !session->arena ? NULL : session->values[tensor].data;
}

SLIM_API slim_status slim_set_input(slim_session *session, int index, const void *data, size_t bytes)
{
    uint32_t tensor = end_tensor(session, index, 0);
    if (tensor == SLIM_NO_TENSOR || !data)
        return SLIM_BAD_ARGUMENT;
    if (!session->arena)
        return SLIM_NO_ARENA;
    if (bytes != session->values[tensor].bytes) {
        session->error = "the input has another number of bytes than was given";
        return SLIM_BAD_ARGUMENT;
    }
    slim_copy(session->values[tensor].data, data, bytes);
    return SLIM_OK;
}

SLIM_API slim_status slim_get_output(const slim_session *session, int index, void *data, size_t bytes)
{
    uint32_t tensor = end_tensor(session, index, 1);
    if (tensor == SLIM_NO_TENSOR || !data || bytes != session->values[tensor].bytes)
        return SLIM_BAD_ARGUMENT;
    if (!session->arena)
        return SLIM_NO_ARENA;
    slim_copy(data, session->values[tensor].data, bytes);
    return SLIM_OK;
}

SLIM_COLD SLIM_API const char *slim_session_isa(const slim_session *session)
{
    return session && session->kernels ? session->kernels->name : "";
}

SLIM_COLD SLIM_API int slim_step_count(const slim_session *session)
{
    return session ? (int)session->model->header->operator_count : 0;
}

SLIM_COLD SLIM_API const char *slim_step_name(const slim_session *session, int step)
{
    if (!session || step < 0 || step >= slim_step_count(session))
        return "";
    return session->model->text + session->model->operators[step].name;
}

SLIM_COLD SLIM_API const char *slim_step_operator(const slim_session *session, int step)
{
    if (!session || step < 0 || step >= slim_step_count(session))
        return "";
    return session->nodes[step].op->name;
}

/* ---- errors ---- */

SLIM_SHARED SLIM_COLD size_t append(char *to, size_t at, size_t size, const char *text)
{
    while (*text && at + 1 < size)
        to[at++] = *text++;
    to[at] = 0;
    return at;
}

/* "conv1 (conv_f32): the weights ...", put together when it is asked for. */
SLIM_COLD SLIM_API const char *slim_error(const slim_session *session)
{
    slim_session *writable = (slim_session *)(uintptr_t)session;
    size_t at = 0;
    if (!session)
        return "";
    if (session->failed_node >= session->model->header->operator_count)
        return session->error;
    const slim_operator *op = session->nodes[session->failed_node].op;
    at = append(writable->text, at, sizeof session->text, slim_step_name(session, (int)session->failed_node));
    if (op) {
        at = append(writable->text, at, sizeof session->text, " (");
        at = append(writable->text, at, sizeof session->text, op->name);
        at = append(writable->text, at, sizeof session->text, ")");
    }
    at = append(writable->text, at, sizeof session->text, ": ");
    append(writable->text, at, sizeof session->text, session->error);
    return session->text;
}

SLIM_COLD SLIM_API const char *slim_status_text(slim_status status)
{
    switch (status) {
    case SLIM_OK: return "ok";
    case SLIM_BAD_PROGRAM: return "the bytes are not a valid program";
    case SLIM_BAD_ARGUMENT: return "an argument does not fit";
    case SLIM_BAD_SHAPE: return "the shapes do not fit the operators";
    case SLIM_NO_MEMORY: return "the memory does not suffice";
    case SLIM_NO_OPERATOR: return "an operator is missing in this build";
    case SLIM_NO_ARENA: return "the session has no arena";
    default: return "unknown status";
    }
}
