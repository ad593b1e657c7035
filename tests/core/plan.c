/* The planner on random programs: what lives at the same time lies apart, inside the arena, and the lower bound is right.
 *
 *   plan FIRST_SEED SEEDS      prints the largest ratio of an arena to its lower bound */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/plan.c"

enum { MOST_STEPS = 40, MOST_TENSORS = MOST_STEPS + 4 };

static uint64_t state;

static uint32_t below(uint32_t n)   /* xorshift64* */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 2685821657736338717u) >> 33) % n;
}

const uint32_t *slim_node_tensors(const slim_model *model, const slim_operator_record *record)
{
    return model->words + record->tensors;
}

/* A chain with branches: every step reads one to three of the newest values and writes one. */
static void invent(slim_session *session, slim_header *header, slim_operator_record *records, uint32_t *words)
{
    uint32_t inputs = 1 + below(3), steps = 1 + below(MOST_STEPS), used = 2 + inputs;
    header->input_count = inputs;
    header->output_count = 2;
    header->operator_count = steps;
    header->tensor_count = inputs + steps;
    for (uint32_t i = 0; i < inputs; i++)
        words[i] = i;
    words[inputs] = inputs + steps - 1;
    words[inputs + 1] = below(inputs + steps);   /* any other value, or the same */
    session->threads = 1 + (int)below(3);
    for (uint32_t i = 0; i < inputs + steps; i++) {
        slim_value *value = &session->values[i];
        memset(value, 0, sizeof *value);
        value->root = i;
        value->span = 64 * (size_t)(1 + below(below(4) ? 20 : 2000));
    }
    for (uint32_t i = 0; i < steps; i++) {
        slim_node *node = &session->nodes[i];
        slim_value *output = &session->values[inputs + i];
        memset(node, 0, sizeof *node);
        node->record = &records[i];
        node->in_place_output = node->in_place_input = -1;
        node->scratch_bytes = below(2) ? 64 * (size_t)below(500) : 0;
        records[i].tensors = used;
        records[i].input_count = (uint8_t)(1 + below(3));
        records[i].output_count = 1;
        for (uint32_t j = 0; j < records[i].input_count; j++) {
            const uint32_t back = below(3) ? 2 : 20;
            words[used++] = inputs + i - 1 - below(SLIM_MIN(inputs + i, back));
        }
        words[used++] = inputs + i;
        if (!below(4)) {   /* may overwrite its first input */
            node->in_place_output = node->in_place_input = 0;
            output->span = session->values[words[records[i].tensors]].span;
        } else if (!below(6)) {   /* a view of its first input */
            output->root = words[records[i].tensors];
            output->root_offset = 0;
            output->span = 64;
        }
    }
}

static int check(slim_session *session)
{
    const uint32_t count = list_entries(session);
    const int32_t steps = (int32_t)session->model->header->operator_count;
    size_t fullest = 0;
    for (uint32_t i = 0; i < count; i++) {
        block a = block_of(session, session->order[i]);
        if (*a.offset % SLIM_ALIGNMENT || *a.offset + a.bytes > session->arena_bytes)
            return 1;
        for (uint32_t j = 0; j < i; j++) {
            block b = block_of(session, session->order[j]);
            if (a.first <= b.last && b.first <= a.last && *a.offset < *b.offset + b.bytes && *b.offset < *a.offset + a.bytes)
                return 2;
        }
    }
    for (int32_t step = 0; step < steps; step++) {
        size_t live = 0;
        for (uint32_t i = 0; i < count; i++) {
            block b = block_of(session, session->order[i]);
            live += b.first <= step && step <= b.last ? b.bytes : 0;
        }
        fullest = SLIM_MAX(fullest, live);
    }
    size_t scratch = 0;   /* behind the values: each worker's at one place */
    for (int32_t step = 0; session->threads > 1 && step < steps; step++) {
        const slim_node *node = &session->nodes[step];
        for (uint32_t i = 0; i < count; i++) {
            block b = block_of(session, session->order[i]);
            if (*b.offset + b.bytes > node->scratch_offset)
                return 2;
        }
        if (node->scratch_offset + session->worker_bytes * (size_t)session->threads > session->arena_bytes
            || node->scratch_bytes > session->worker_bytes)
            return 1;
        scratch = SLIM_MAX(scratch, node->scratch_bytes * (size_t)session->threads);
    }
    return fullest + scratch == session->lower_bound_bytes ? 0 : 3;
}

int main(int argc, char **argv)
{
    static slim_value values[MOST_TENSORS];
    static slim_node nodes[MOST_STEPS];
    static slim_operator_record records[MOST_STEPS];
    static uint32_t words[5 + 4 * MOST_STEPS], order[MOST_TENSORS + MOST_STEPS];
    slim_header header = { 0 };
    slim_model model = { 0 };
    slim_session session = { 0 };
    const uint64_t first = argc == 3 ? strtoull(argv[1], NULL, 10) : 1, seeds = argc == 3 ? strtoull(argv[2], NULL, 10) : 1;
    double worst = 1;
    model.header = &header;
    model.words = words;
    model.operators = records;
    session.model = &model;
    session.values = values;
    session.nodes = nodes;
    session.order = order;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        state = seed * 0x9e3779b97f4a7c15u + 1;
        invent(&session, &header, records, words);
        slim_plan_memory(&session);
        const int wrong = check(&session);
        if (wrong) {
            printf("seed %llu: %s\n", (unsigned long long)seed,
                   wrong == 1 ? "outside the arena" : wrong == 2 ? "two at one place" : "another lower bound");
            return 1;
        }
        const double ratio = (double)(session.arena_bytes - SLIM_ALIGNMENT) / (double)session.lower_bound_bytes;
        worst = SLIM_MAX(worst, ratio);
    }
    printf("%.4f\n", worst);
    return 0;
}
