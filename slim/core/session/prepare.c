/* Shape inference: each node's prepare in the order of the program, and the helpers that it calls. */
#include "base/internal.h"

static slim_value *value_of(const slim_prepare *p, uint32_t tensor)
{
    return &p->session->values[tensor];
}

SLIM_INTERNAL const slim_value *slim_prepare_input(const slim_prepare *p, int i)
{
    if (i >= p->inputs || p->tensors[i] == SLIM_NO_TENSOR)
        return NULL;
    return value_of(p, p->tensors[i]);
}

SLIM_INTERNAL slim_status slim_prepare_fail(slim_prepare *p, slim_status status, const char *text)
{
    p->session->error = text;
    p->session->failed_node = (uint32_t)(p->node - p->session->nodes);
    return status;
}

SLIM_INTERNAL slim_status slim_prepare_output(slim_prepare *p, int i, int rank, const int32_t *dims)
{
    slim_value *value = value_of(p, p->tensors[p->inputs + i]);
    if (value->defined)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "an output is written twice");
    if (rank > SLIM_MAX_RANK || !slim_count_elements(rank, dims, &value->count))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the output would be empty or too large");
    for (int d = 0; d < SLIM_MAX_RANK; d++)
        value->dims[d] = d < rank ? dims[d] : 1;
    value->rank = (uint8_t)rank;
    value->row_stride = rank ? (uint32_t)dims[rank - 1] : 1;
    value->bytes = value->count * slim_type_bytes(value->type);
    value->span = slim_align(value->bytes);
    value->producer = (int32_t)(p->node - p->session->nodes);
    value->defined = 1;
    return SLIM_OK;
}

SLIM_INTERNAL slim_status slim_prepare_expect(slim_prepare *p, int i, int type, int rank, int constant)
{
    const slim_value *value = slim_prepare_input(p, i);
    if (!value)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "an input that it needs is absent");
    if (type && value->type != type)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "an input has another type than it takes");
    if (rank >= 0 && value->rank != rank)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "an input has another rank than it takes");
    if (constant && value->kind != SLIM_KIND_CONSTANT)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "an input that must be constant is not");
    return SLIM_OK;
}

SLIM_INTERNAL void slim_prepare_view(slim_prepare *p, int output, int input)
{
    slim_value *value = value_of(p, p->tensors[p->inputs + output]);
    if (value_of(p, p->tensors[input])->kind == SLIM_KIND_CONSTANT)
        return;  /* a view's memory belongs to the arena: the operator copies */
    value->root = p->tensors[input];
    value->root_offset = 0;
}

SLIM_INTERNAL void slim_prepare_in_place(slim_prepare *p, int output, int input)
{
    p->node->in_place_output = (int8_t)output;
    p->node->in_place_input = (int8_t)input;
}

SLIM_INTERNAL int slim_prepare_row_view(slim_prepare *p, int input, size_t offset, size_t row)
{
    uint32_t output = p->tensors[p->inputs];
    slim_value *value = value_of(p, p->tensors[input]);
    if (value->kind != SLIM_KIND_ACTIVATION || value->is_output || value->uses != 1 || value->root != p->tensors[input])
        return 0;
    if (value->producer < 0 || !p->session->nodes[value->producer].op->writes_rows)
        return 0;
    value->root = output;
    value->root_offset = offset * slim_type_bytes(value->type);
    value->row_stride = (uint32_t)row;
    return 1;
}

SLIM_INTERNAL void slim_prepare_scratch(slim_prepare *p, size_t bytes)
{
    p->node->scratch_bytes = slim_align(bytes);
}

SLIM_INTERNAL void slim_prepare_exact(slim_prepare *p, int input)
{
    value_of(p, p->tensors[input])->exact_uses++;
}

/* ---- the walk ---- */

static void forget_values(slim_session *session)
{
    const slim_model *m = session->model;
    for (uint32_t i = 0; i < m->header->tensor_count; i++) {
        slim_value *value = &session->values[i];
        value->root = i;
        value->root_offset = 0;
        value->offset = 0;
        value->uses = value->exact_uses = 0;
        value->is_output = 0;
        value->producer = -1;
        value->defined = value->kind != SLIM_KIND_ACTIVATION;
        if (!value->defined)
            continue;
        slim_count_elements(value->rank, value->dims, &value->count);
        value->bytes = value->count * slim_type_bytes(value->type);
        value->span = slim_align(value->bytes);
        value->row_stride = value->rank ? (uint32_t)value->dims[value->rank - 1] : 1;
    }
}

static void count_uses(slim_session *session)
{
    const slim_model *m = session->model;
    const slim_header *h = m->header;
    for (uint32_t i = 0; i < h->operator_count; i++) {
        const slim_operator_record *record = &m->operators[i];
        for (uint32_t j = 0; j < record->input_count; j++)
            if (m->words[record->tensors + j] != SLIM_NO_TENSOR)
                session->values[m->words[record->tensors + j]].uses++;
    }
    for (uint32_t i = 0; i < h->output_count; i++)
        session->values[m->words[h->input_count + i]].is_output = 1;
}

static slim_status prepare_node(slim_session *session, uint32_t index)
{
    const slim_model *m = session->model;
    slim_node *node = &session->nodes[index];
    const slim_operator_record *record = &m->operators[index];
    slim_prepare p;
    p.session = session;
    p.node = node;
    p.tensors = slim_node_tensors(m, record);
    p.attributes = m->words + record->attributes;
    p.inputs = record->input_count;
    p.outputs = record->output_count;
    node->scratch_bytes = 0;
    node->in_place_output = node->in_place_input = -1;
    for (int i = 0; i < p.inputs; i++)
        if (p.tensors[i] != SLIM_NO_TENSOR && !session->values[p.tensors[i]].defined)
            return slim_prepare_fail(&p, SLIM_BAD_PROGRAM, "an input is read before it is written");
    return node->op->prepare(&p);
}

SLIM_INTERNAL slim_status slim_infer_shapes(slim_session *session)
{
    const slim_model *m = session->model;
    const slim_header *h = m->header;
    forget_values(session);
    count_uses(session);
    for (uint32_t i = 0; i < h->operator_count; i++) {
        slim_status status = prepare_node(session, i);
        if (status != SLIM_OK)
            return status;
    }
    for (uint32_t i = 0; i < h->output_count; i++) {
        if (!session->values[m->words[h->input_count + i]].defined) {
            session->error = "an output of the program is never written";
            return SLIM_BAD_PROGRAM;
        }
    }
    return SLIM_OK;
}
