/* Opening a program: every offset, count and enum is checked here, so that nothing after this file has to doubt them.
 *
 * What the bytes mean (shapes that fit together, weights of the right size) is checked by each operator's prepare. */
#include "base/internal.h"

static slim_status bad(slim_model *model, const char *text)
{
    model->error = text;
    return SLIM_BAD_PROGRAM;
}

/* [offset, offset + count * size) lies in `limit` bytes and is aligned for its records. */
static int fits(uint64_t offset, uint64_t count, uint64_t size, uint64_t alignment, uint64_t limit)
{
    return offset % alignment == 0 && offset <= limit && count <= (limit - offset) / size;
}

static const char *check_sections(const slim_header *h, uint64_t size)
{
    if (h->file_bytes != size)
        return "the program is truncated or has bytes after its end";
    if (h->tensor_count > SLIM_MAX_TENSORS || h->operator_count > SLIM_MAX_TENSORS)
        return "the program has more tensors or operators than the core takes";
    if (!fits(h->tensors, h->tensor_count, sizeof(slim_tensor_record), 8, size)
        || !fits(h->operators, h->operator_count, sizeof(slim_operator_record), 4, size)
        || !fits(h->words, h->word_count, 4, 4, size)
        || !fits(h->text, h->text_bytes, 1, 1, size)
        || !fits(h->data, h->data_bytes, 1, SLIM_ALIGNMENT, size))
        return "a section of the program lies outside its bytes";
    if (h->input_count == 0 || h->output_count == 0)
        return "the program has no inputs or no outputs";
    if (!fits(0, (uint64_t)h->input_count + h->output_count, 1, 1, h->word_count))
        return "the list of inputs and outputs lies outside the words";
    return NULL;
}

static const char *check_tensor(const slim_header *h, const slim_tensor_record *t)
{
    size_t count = 0;
    size_t bytes = slim_type_bytes(t->type);
    if (bytes == 0)
        return "a tensor has an unknown type";
    if (t->rank > SLIM_MAX_RANK || t->kind > SLIM_KIND_INPUT)
        return "a tensor has an unknown rank or kind";
    if (t->name >= h->text_bytes)
        return "a tensor's name lies outside the text";
    if (!(t->scale >= 0.0f && t->scale <= 3.4e38f))
        return "a tensor's scale is not a finite positive number";
    if (t->kind == SLIM_KIND_ACTIVATION)
        return NULL;
    if (!slim_count_elements(t->rank, t->dims, &count))
        return "a tensor's shape is empty or too large";
    if (t->kind == SLIM_KIND_CONSTANT && !fits(t->data, count, bytes, SLIM_ALIGNMENT, h->data_bytes))
        return "a constant lies outside the data";
    return NULL;
}

static const char *check_operator(const slim_model *m, const slim_operator_record *o)
{
    const slim_header *h = m->header;
    uint32_t tensors = (uint32_t)o->input_count + o->output_count;
    if (!fits(o->tensors, tensors, 1, 1, h->word_count) || !fits(o->attributes, o->attribute_count, 1, 1, h->word_count))
        return "an operator's tensors or attributes lie outside the words";
    if (o->name >= h->text_bytes)
        return "an operator's name lies outside the text";
    for (uint32_t i = 0; i < tensors; i++) {
        uint32_t tensor = m->words[o->tensors + i];
        if (tensor == SLIM_NO_TENSOR && i < o->input_count)
            continue;
        if (tensor >= h->tensor_count)
            return "an operator names a tensor that is not there";
        if (i >= o->input_count && m->tensors[tensor].kind != SLIM_KIND_ACTIVATION)
            return "an operator writes to a constant or an input";
    }
    return NULL;
}

static const char *check_ends(const slim_model *m)
{
    const slim_header *h = m->header;
    for (uint32_t i = 0; i < h->input_count + h->output_count; i++) {
        if (m->words[i] >= h->tensor_count)
            return "an input or output names a tensor that is not there";
        if (i < h->input_count && m->tensors[m->words[i]].kind != SLIM_KIND_INPUT)
            return "an input names a tensor of another kind";
    }
    return NULL;
}

static const char *check_records(const slim_model *m)
{
    const slim_header *h = m->header;
    const char *error = NULL;
    if (h->text_bytes == 0 || m->text[h->text_bytes - 1] != 0 || h->model_name >= h->text_bytes)
        return "the program's text has no end";
    for (uint32_t i = 0; i < h->tensor_count && !error; i++)
        error = check_tensor(h, &m->tensors[i]);
    for (uint32_t i = 0; i < h->operator_count && !error; i++)
        error = check_operator(m, &m->operators[i]);
    return error ? error : check_ends(m);
}

SLIM_COLD SLIM_API slim_status slim_model_open(slim_model *model, const void *bytes, size_t size)
{
    const slim_header *h = (const slim_header *)bytes;
    const char *error = NULL;
    if (!model || !bytes)
        return SLIM_BAD_ARGUMENT;
    slim_fill(model, 0, sizeof *model);
    model->error = "";
    if ((uintptr_t)bytes % 8 != 0) {
        model->error = "the program's bytes must be aligned to 64 bytes";
        return SLIM_BAD_ARGUMENT;
    }
    if (size < sizeof *h || h->magic != SLIM_MAGIC)
        return bad(model, "these bytes are not a slim program");
    if (h->version != SLIM_FORMAT_VERSION)
        return bad(model, "the program was written for another version of slim");
    error = check_sections(h, size);
    if (error)
        return bad(model, error);
    model->bytes = (const unsigned char *)bytes;
    model->size = size;
    model->header = h;
    model->tensors = (const slim_tensor_record *)(model->bytes + h->tensors);
    model->operators = (const slim_operator_record *)(model->bytes + h->operators);
    model->words = (const uint32_t *)(model->bytes + h->words);
    model->text = (const char *)(model->bytes + h->text);
    model->data = model->bytes + h->data;
    error = check_records(model);
    return error ? bad(model, error) : SLIM_OK;
}

SLIM_INTERNAL const uint32_t *slim_node_tensors(const slim_model *model, const slim_operator_record *record)
{
    return model->words + record->tensors;
}
