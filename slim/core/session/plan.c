/* The memory plan: who lives when, who shares memory, and where in the arena each root goes.
 *
 * Roots are placed greedily by size, each in the smallest gap between those that live at the same time (Pisarchyk and Lee,
 * "Efficient memory management for deep neural net inference", arXiv 2001.03288). Where that takes more than the fullest
 * step, the root that ends highest goes first and all are placed again, a few times. Before that, outputs that may
 * overwrite an input do so where the input is not needed any more.
 *
 * Where there are several threads, scratch memory lies behind all that: each thread's at one place in all steps, so that its lines
 * stay in the cache of one core. A line that another core wrote last takes 50 to 700 ns, to read and to overwrite. */
#include "base/internal.h"

/* Follows views to the value that owns the memory; *offset receives the bytes from its start. */
static uint32_t find_root(const slim_session *session, uint32_t tensor, size_t *offset)
{
    size_t sum = 0;
    while (session->values[tensor].root != tensor) {
        sum += session->values[tensor].root_offset;
        tensor = session->values[tensor].root;
    }
    *offset = sum;
    return tensor;
}

static void live_at(slim_session *session, uint32_t tensor, int32_t step)
{
    size_t offset;
    slim_value *root = &session->values[find_root(session, tensor, &offset)];
    root->first = SLIM_MIN(root->first, step);
    root->last = SLIM_MAX(root->last, step);
}

/* Widened constants stay from run to run. */
static void keep_widened(slim_session *session)
{
    const slim_model *m = session->model;
    const int32_t steps = (int32_t)m->header->operator_count;
    for (uint32_t i = 0; i < m->header->operator_count; i++) {
        const uint32_t *tensors = slim_node_tensors(m, &m->operators[i]);
        for (uint32_t j = 0; j < m->operators[i].input_count; j++)
            if (tensors[j] != SLIM_NO_TENSOR && session->values[tensors[j]].widened)
                session->values[tensors[j]].last = steps;
    }
    for (uint32_t i = 0; i < m->header->tensor_count; i++)
        if (session->values[i].widened && (session->values[i].is_output || session->values[i].last == steps))
            session->values[i].first = 0;
}

static void find_lifetimes(slim_session *session)
{
    const slim_model *m = session->model;
    const slim_header *h = m->header;
    int32_t steps = (int32_t)h->operator_count;
    for (uint32_t i = 0; i < h->tensor_count; i++) {
        session->values[i].first = steps;
        session->values[i].last = -1;
    }
    for (uint32_t i = 0; i < h->operator_count; i++) {
        const slim_operator_record *record = &m->operators[i];
        const uint32_t *tensors = slim_node_tensors(m, record);
        for (uint32_t j = 0; j < (uint32_t)record->input_count + record->output_count; j++)
            if (tensors[j] != SLIM_NO_TENSOR)
                live_at(session, tensors[j], (int32_t)i);
    }
    keep_widened(session);
    for (uint32_t i = 0; i < h->input_count + h->output_count; i++)   /* outputs outlive the last step */
        live_at(session, m->words[i], i < h->input_count ? 0 : steps);
}

/* Let a node's output take the memory of an input that dies there. */
static void merge_in_place(slim_session *session, uint32_t index)
{
    const slim_node *node = &session->nodes[index];
    const uint32_t *tensors = slim_node_tensors(session->model, node->record);
    if (node->in_place_output < 0)
        return;
    uint32_t output = tensors[node->record->input_count + node->in_place_output];
    size_t input_offset, output_offset;
    uint32_t from = find_root(session, tensors[(int)node->in_place_input], &input_offset);
    uint32_t to = find_root(session, output, &output_offset);
    slim_value *source = &session->values[from];
    slim_value *target = &session->values[to];
    if (from == to || source->kind == SLIM_KIND_CONSTANT || to != output)
        return;
    if (source->last != (int32_t)index || target->first != (int32_t)index || input_offset || source->span != target->span)
        return;
    target->root = from;
    target->root_offset = 0;
    source->last = SLIM_MAX(source->last, target->last);
}

/* ---- placement ---- */

typedef struct block {
    int32_t first, last;
    size_t bytes;
    size_t *offset;
    uint32_t *turn;
} block;

/* Entry of the order: a root value, or (from tensor_count on) a node's scratch memory. */
static block block_of(slim_session *session, uint32_t entry)
{
    uint32_t tensors = session->model->header->tensor_count;
    block b;
    if (entry < tensors) {
        slim_value *value = &session->values[entry];
        b.first = value->first;
        b.last = value->last;
        b.bytes = value->span;
        b.offset = &value->offset;
        b.turn = &value->turn;
    } else {
        slim_node *node = &session->nodes[entry - tensors];
        b.first = b.last = (int32_t)(entry - tensors);
        b.bytes = node->scratch_bytes;
        b.offset = &node->scratch_offset;
        b.turn = &node->turn;
    }
    return b;
}

/* Whether entry a is placed before b. */
static int goes_first(slim_session *session, uint32_t a, uint32_t b)
{
    block x = block_of(session, a), y = block_of(session, b);
    if (*x.turn != *y.turn)
        return *x.turn > *y.turn;
    return x.bytes != y.bytes ? x.bytes > y.bytes : a < b;
}

/* Heap sort: bounded time on any input, no recursion, no memory. */
static void sift(slim_session *session, uint32_t *order, uint32_t root, uint32_t count)
{
    for (;;) {
        uint32_t child = 2 * root + 1;
        if (child >= count)
            return;
        if (child + 1 < count && goes_first(session, order[child], order[child + 1]))
            child++;
        if (!goes_first(session, order[root], order[child]))
            return;
        uint32_t swap = order[root];
        order[root] = order[child];
        order[child] = swap;
        root = child;
    }
}

static void sort_entries(slim_session *session, uint32_t *order, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sift(session, order, i, count);
    for (uint32_t end = count; end > 1; end--) {
        uint32_t swap = order[0];
        order[0] = order[end - 1];
        order[end - 1] = swap;
        sift(session, order, 0, end - 1);
    }
}

/* order[0 .. placed) is sorted by offset; put `entry` into the smallest gap that takes it, and into the list. */
static size_t place(slim_session *session, uint32_t *order, uint32_t placed, uint32_t entry)
{
    block b = block_of(session, entry);
    size_t end = 0, best = 0, best_gap = 0;
    int found = 0;
    for (uint32_t i = 0; i < placed; i++) {
        block other = block_of(session, order[i]);
        if (other.last < b.first || b.last < other.first)
            continue;
        size_t start = *other.offset;
        if (start > end && start - end >= b.bytes && (!found || start - end < best_gap)) {
            found = 1;
            best = end;
            best_gap = start - end;
        }
        end = SLIM_MAX(end, start + other.bytes);
    }
    *b.offset = found ? best : end;
    uint32_t at = placed;
    while (at > 0 && *block_of(session, order[at - 1]).offset > *b.offset) {
        order[at] = order[at - 1];
        at--;
    }
    order[at] = entry;
    return *b.offset + b.bytes;
}

static void find_lower_bound(slim_session *session, const uint32_t *order, uint32_t count)
{
    uint32_t steps = session->model->header->operator_count;
    size_t live = 0;
    for (uint32_t i = 0; i < steps; i++)
        session->nodes[i].live_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {   /* differences (which may wrap), then a running sum */
        block b = block_of(session, order[i]);
        if (b.first < (int32_t)steps)
            session->nodes[b.first].live_bytes += b.bytes;
        if (b.last + 1 < (int32_t)steps)
            session->nodes[b.last + 1].live_bytes -= b.bytes;
    }
    session->lower_bound_bytes = 0;
    for (uint32_t i = 0; i < steps; i++) {
        live += session->nodes[i].live_bytes;
        session->lower_bound_bytes = SLIM_MAX(session->lower_bound_bytes, live);
    }
}

/* The roots and scratch memories that need a place, in session->order; returns how many. */
static uint32_t list_entries(slim_session *session)
{
    const slim_header *h = session->model->header;
    uint32_t count = 0;
    for (uint32_t i = 0; i < h->tensor_count; i++) {
        const slim_value *value = &session->values[i];
        if (value->root == i && (value->kind != SLIM_KIND_CONSTANT || value->widened) && value->last >= value->first)
            session->order[count++] = i;
    }
    for (uint32_t i = 0; i < h->operator_count; i++) {
        if (session->nodes[i].scratch_bytes && session->threads == 1)
            session->order[count++] = h->tensor_count + i;
    }
    return count;
}

/* Places every entry; returns the end of the highest. */
static size_t place_all(slim_session *session, uint32_t count)
{
    size_t end = 0;
    sort_entries(session, session->order, count);
    for (uint32_t i = 0; i < count; i++) {
        size_t last = place(session, session->order, i, session->order[i]);
        end = SLIM_MAX(end, last);   /* apart: the macro may evaluate its argument, which places, twice */
    }
    return end;
}

/* Entries that end at `end` go first from now on. */
static void promote(slim_session *session, uint32_t count, size_t end, uint32_t turn)
{
    for (uint32_t i = 0; i < count; i++) {
        block b = block_of(session, session->order[i]);
        if (*b.offset + b.bytes == end)
            *b.turn = turn;
    }
}

/* Places all `turns` times, with what ended highest first in the next turn, until the lower bound is met; *best is the
 * turn that took least, and its end is returned. */
static size_t search(slim_session *session, uint32_t count, uint32_t turns, uint32_t *best)
{
    size_t least = (size_t)-1;
    for (uint32_t i = 0; i < count; i++)
        *block_of(session, session->order[i]).turn = 0;
    *best = 0;
    for (uint32_t turn = 0; turn < turns; turn++) {
        size_t end = place_all(session, count);
        if (end < least) {
            least = end;
            *best = turn;
        }
        if (end <= session->lower_bound_bytes)
            break;
        promote(session, count, end, turn + 1);
    }
    return least;
}

/* Scratch memory of several threads, from `end` on. */
static size_t place_workers(slim_session *session, size_t end)
{
    session->worker_bytes = 0;
    for (uint32_t i = 0; session->threads > 1 && i < session->model->header->operator_count; i++) {
        session->nodes[i].scratch_offset = end;
        session->worker_bytes = SLIM_MAX(session->worker_bytes, session->nodes[i].scratch_bytes);
    }
    return session->worker_bytes * (size_t)session->threads;
}

SLIM_INTERNAL void slim_plan_memory(slim_session *session)
{
    const uint64_t work = (uint64_t)1 << 22;   /* pairs of entries: some milliseconds at most in networks of thousands */
    uint32_t count, best, turns;
    size_t end;
    find_lifetimes(session);
    for (uint32_t i = 0; i < session->model->header->operator_count; i++)
        merge_in_place(session, i);
    count = list_entries(session);
    find_lower_bound(session, session->order, count);
    turns = (uint32_t)SLIM_MIN(16, 1 + work / ((uint64_t)count * count + 1));
    end = search(session, count, turns, &best);
    if (best + 1 < turns && end > session->lower_bound_bytes)
        end = search(session, count, best + 1, &best);   /* the best turn's places again */
    const size_t scratch = place_workers(session, end);
    session->lower_bound_bytes += scratch;
    session->arena_bytes = end + scratch + SLIM_ALIGNMENT;   /* kernels read up to a register past the end of a row */
}
