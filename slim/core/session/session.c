/* A session: the tables that a program needs to run, in one block of memory, and the arena that they point into. */
#include "base/internal.h"
#include "kernels/kernels.h"
#include "threads/pool.h"

static int thread_count(const slim_options *options)
{
    int threads = options ? options->threads : 1;
    if (!SLIM_THREADS)
        return 1;
    return SLIM_MAX(1, SLIM_MIN(threads, 64));
}

SLIM_COLD SLIM_API size_t slim_session_bytes(const slim_model *model, const slim_options *options)
{
    const slim_header *h;
    if (!model || !model->header)
        return 0;
    h = model->header;
    return slim_align(sizeof(slim_session)) + slim_align(h->tensor_count * sizeof(slim_value))
         + slim_align(h->operator_count * sizeof(slim_node))
         + slim_align(((size_t)h->tensor_count + h->operator_count) * sizeof(uint32_t))
         + slim_align((size_t)h->input_count * SLIM_MAX_RANK * sizeof(int32_t))
         + slim_pool_bytes(thread_count(options)) + SLIM_ALIGNMENT;
}

static void load_values(slim_session *session)
{
    const slim_model *m = session->model;
    for (uint32_t i = 0; i < m->header->tensor_count; i++) {
        const slim_tensor_record *record = &m->tensors[i];
        slim_value *value = &session->values[i];
        for (int d = 0; d < SLIM_MAX_RANK; d++)
            value->dims[d] = d < record->rank ? record->dims[d] : 1;
        value->rank = record->rank;
        value->widened = record->kind == SLIM_KIND_CONSTANT && (record->type == SLIM_F16 || record->type == SLIM_BF16);
        value->type = value->widened ? SLIM_F32 : record->type;
        value->kind = record->kind;
        value->scale = record->scale;
        value->zero_point = record->zero_point;
        /* constants are never written */
        value->data = record->kind == SLIM_KIND_CONSTANT ? (unsigned char *)(uintptr_t)(m->data + record->data) : NULL;
    }
}

static slim_status load_nodes(slim_session *session)
{
    const slim_model *m = session->model;
    for (uint32_t i = 0; i < m->header->operator_count; i++) {
        const slim_operator_record *record = &m->operators[i];
        const slim_operator *op = slim_find_operator(record->code);
        session->nodes[i].record = record;
        session->nodes[i].op = op;
        session->failed_node = i;
        if (!op) {
            session->error = "this build of the core leaves out an operator that the program needs";
            return SLIM_NO_OPERATOR;
        }
        if (record->attribute_count != op->attribute_count || record->output_count != op->outputs
            || record->input_count < op->min_inputs || record->input_count > op->max_inputs) {
            session->error = "an operator has another number of inputs, outputs or attributes than it takes";
            return SLIM_BAD_PROGRAM;
        }
    }
    session->failed_node = m->header->operator_count;
    return SLIM_OK;
}

static slim_status shape_and_plan(slim_session *session)
{
    slim_status status = slim_infer_shapes(session);
    session->arena = NULL;
    if (status == SLIM_OK)
        slim_plan_memory(session);
    return status;
}

SLIM_COLD SLIM_API slim_status slim_session_init(slim_session **out, const slim_model *model, const slim_options *options,
                                       void *memory, size_t bytes)
{
    unsigned char *at = (unsigned char *)slim_align((size_t)(uintptr_t)memory);
    slim_session *session = (slim_session *)at;
    slim_status status;
    if (!out || !model || !model->header || !memory)
        return SLIM_BAD_ARGUMENT;
    *out = NULL;
    if (bytes < slim_session_bytes(model, options))
        return SLIM_NO_MEMORY;
    slim_fill(memory, 0, bytes);
    session->view = *model;
    session->model = &session->view;
    session->threads = thread_count(options);
    session->error = "";
    at += slim_align(sizeof *session);
    session->values = (slim_value *)at;
    at += slim_align(model->header->tensor_count * sizeof(slim_value));
    session->nodes = (slim_node *)at;
    at += slim_align(model->header->operator_count * sizeof(slim_node));
    session->order = (uint32_t *)at;
    at += slim_align(((size_t)model->header->tensor_count + model->header->operator_count) * sizeof(uint32_t));
    session->saved = (int32_t *)at;
    at += slim_align((size_t)model->header->input_count * SLIM_MAX_RANK * sizeof(int32_t));
    *out = session;
    session->failed_node = model->header->operator_count;
    session->kernels = slim_find_kernels(options ? options->isa : SLIM_ISA_AUTO);
    if (!session->kernels) {
        session->error = "this build or this processor does not have that instruction set";
        return SLIM_BAD_ARGUMENT;
    }
    load_values(session);
    status = load_nodes(session);
    if (status == SLIM_OK)
        status = shape_and_plan(session);
    if (status == SLIM_OK)
        session->pool = slim_pool_start(at, session->threads);
    return status;
}

SLIM_COLD SLIM_API void slim_session_release(slim_session *session)
{
    if (session)
        slim_pool_stop(session->pool);
}

SLIM_COLD SLIM_API size_t slim_session_arena_bytes(const slim_session *session)
{
    return session ? session->arena_bytes + SLIM_ALIGNMENT : 0;
}

SLIM_COLD SLIM_API size_t slim_session_lower_bound_bytes(const slim_session *session)
{
    return session ? session->lower_bound_bytes : 0;
}

/* Gives every value in the arena its place. */
static void place_values(slim_session *session)
{
    for (uint32_t i = 0; i < session->model->header->tensor_count; i++) {
        uint32_t root = i;
        size_t offset = 0;
        while (session->values[root].root != root) {
            offset += session->values[root].root_offset;
            root = session->values[root].root;
        }
        if (session->values[root].kind != SLIM_KIND_CONSTANT || session->values[root].widened)
            session->values[i].data = session->arena + session->values[root].offset + offset;
    }
}

static void run_node(slim_session *session, uint32_t index)
{
    const slim_node *node = &session->nodes[index];
    slim_step step;
    step.session = session;
    step.node = node;
    step.tensors = slim_node_tensors(session->model, node->record);
    step.attributes = session->model->words + node->record->attributes;
    step.kernels = session->kernels;
    step.inputs = node->record->input_count;
    step.outputs = node->record->output_count;
    node->op->run(&step);
}

/* Constants of 16-bit floats, as fp32. */
static void widen_constants(slim_session *session)
{
    for (uint32_t i = 0; i < session->model->header->tensor_count; i++)
        if (session->values[i].widened && session->values[i].last >= 0)
            slim_widen(session, i);
}

SLIM_COLD SLIM_API slim_status slim_session_set_arena(slim_session *session, void *arena, size_t bytes)
{
    if (!session || !arena)
        return SLIM_BAD_ARGUMENT;
    if (bytes < slim_session_arena_bytes(session)) {
        session->error = "the arena is smaller than slim_session_arena_bytes says";
        return SLIM_NO_MEMORY;
    }
    session->arena = (unsigned char *)slim_align((size_t)(uintptr_t)arena);
    place_values(session);
    widen_constants(session);
    return SLIM_OK;
}

static slim_value *input_value(slim_session *session, uint32_t index)
{
    return &session->values[session->model->words[index]];
}

/* The old shapes again, which were planned before and so can be planned now. */
static void restore_shapes(slim_session *session, unsigned char *arena)
{
    const char *error = session->error;
    uint32_t failed = session->failed_node;
    for (uint32_t i = 0; i < session->model->header->input_count; i++)
        slim_copy(input_value(session, i)->dims, session->saved + i * SLIM_MAX_RANK, SLIM_MAX_RANK * sizeof(int32_t));
    (void)shape_and_plan(session);
    session->error = error;
    session->failed_node = failed;
    if (arena) {
        session->arena = arena;
        place_values(session);
        widen_constants(session);
    }
}

SLIM_COLD SLIM_API slim_status slim_resize(slim_session *session, const int32_t *const *dims)
{
    unsigned char *arena;
    slim_status status;
    size_t count;
    if (!session || !dims)
        return SLIM_BAD_ARGUMENT;
    arena = session->arena;
    for (uint32_t i = 0; i < session->model->header->input_count; i++) {
        const slim_value *value = input_value(session, i);
        slim_copy(session->saved + i * SLIM_MAX_RANK, value->dims, sizeof value->dims);
        if (dims[i] && !slim_count_elements(value->rank, dims[i], &count)) {
            session->error = "a new shape is empty or too large";
            session->failed_node = session->model->header->operator_count;
            return SLIM_BAD_SHAPE;
        }
    }
    for (uint32_t i = 0; i < session->model->header->input_count; i++) {
        slim_value *value = input_value(session, i);
        if (dims[i])
            slim_copy(value->dims, dims[i], value->rank * sizeof(int32_t));
    }
    status = shape_and_plan(session);
    if (status == SLIM_OK)
        status = slim_session_regrow(session);
    if (status != SLIM_OK)
        restore_shapes(session, arena);
    return status;
}

SLIM_API slim_status slim_run(slim_session *session)
{
    if (!session)
        return SLIM_BAD_ARGUMENT;
    if (!session->arena) {
        session->error = "the session has no arena";
        return SLIM_NO_ARENA;
    }
    slim_pool_begin(session->pool, 1);
    for (uint32_t i = 0; i < session->model->header->operator_count; i++)
        run_node(session, i);
    slim_pool_end(session->pool);
    return SLIM_OK;
}

SLIM_API slim_status slim_run_step(slim_session *session, int step)
{
    if (!session || step < 0 || step >= (int)session->model->header->operator_count)
        return SLIM_BAD_ARGUMENT;
    if (!session->arena)
        return SLIM_NO_ARENA;
    slim_pool_begin(session->pool, 0);
    run_node(session, (uint32_t)step);
    slim_pool_end(session->pool);
    return SLIM_OK;
}

/* Once a step: not worth a copy in each operator. */
SLIM_INTERNAL __attribute__((noinline)) void slim_parallel(const slim_step *s, size_t tasks, slim_task task, void *context)
{
    if (s->session->pool && tasks > 1) {
        slim_pool_run(s->session->pool, tasks, task, context);
        return;
    }
    for (size_t i = 0; i < tasks; i++)
        task(context, i, 0);
}
