/* Replays programs on one instruction set: the whole core under a sanitizer, an emulator or a WebAssembly engine.
 *
 *   cases ISA BUNDLE      ISA: the number of slim_isa
 *
 * A bundle holds, in 32-bit words: how many cases; of each the bytes of its program, how many inputs, the bytes of each; and
 * of its only output whether it is float, and its bytes. Programs and inputs stand in memory of exactly their size, so that
 * a sanitizer sees what is read outside. Integers must be the same bits, floats within 3e-5 of the largest expected. A step
 * that writes into the arena beyond its outputs and its scratch memory is named. Every second case runs on three threads.
 *
 * With -DCOUNT_CALLS (x86-64, linked with --wrap=slim_find_kernels) the indices of kernels that no case reached are printed:
 * each goes through a stub that counts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/internal.h"
#include "kernels/kernels.h"

#ifdef COUNT_CALLS
enum { MOST_KERNELS = 64, KERNELS = sizeof(slim_kernels) / sizeof(void *) - 2 };   /* the first words are the name and the lanes */
_Static_assert(KERNELS <= MOST_KERNELS, "more stubs are needed");
static __attribute__((used)) void *kernel_targets[MOST_KERNELS];
static __attribute__((used)) unsigned kernel_calls[MOST_KERNELS];
extern const char kernel_stubs[];   /* 16 bytes each */
__asm__(".text\n.p2align 4\nkernel_stubs:\n.set index, 0\n.rept 64\n.p2align 4\n"
        "lock incl kernel_calls+4*index(%rip)\njmp *kernel_targets+8*index(%rip)\n.set index, index+1\n.endr\n");

const slim_kernels *__real_slim_find_kernels(slim_isa wanted);
const slim_kernels *__wrap_slim_find_kernels(slim_isa wanted);
const slim_kernels *__wrap_slim_find_kernels(slim_isa wanted)
{
    static union { slim_kernels table; void *words[2 + KERNELS]; } copy;
    const slim_kernels *found = __real_slim_find_kernels(wanted);
    if (!found)
        return NULL;
    copy.table = *found;
    for (int i = 0; i < KERNELS; i++) {
        kernel_targets[i] = copy.words[2 + i];
        if (copy.words[2 + i])   /* an instruction set may leave a kernel out */
            copy.words[2 + i] = (void *)(kernel_stubs + 16 * i);
    }
    return &copy.table;
}
#endif

static FILE *bundle;

static uint32_t word(void)
{
    uint32_t value = 0;
    if (fread(&value, 1, sizeof value, bundle) != sizeof value) {
        puts("the bundle ends too soon");
        exit(2);
    }
    return value;
}

static void *bytes(size_t count)
{
    void *memory = NULL;
    if (posix_memalign(&memory, 64, count ? count : 1) || fread(memory, 1, count, bundle) != count) {
        puts("the bundle ends too soon");
        exit(2);
    }
    return memory;
}

/* The first element that is wrong, or -1. */
static long differs(const void *got, const void *expected, size_t size, int is_float)
{
    if (!is_float) {
        for (size_t i = 0; i < size; i++)
            if (((const unsigned char *)got)[i] != ((const unsigned char *)expected)[i])
                return (long)i;
        return -1;
    }
    float span = 1e-3f;
    for (size_t i = 0; i < size / 4; i++)
        span = fmaxf(span, fabsf(((const float *)expected)[i]));
    for (size_t i = 0; i < size / 4; i++)
        if (!(fabsf(((const float *)got)[i] - ((const float *)expected)[i]) <= 3e-5f * span))
            return (long)i;
    return -1;
}

static int owns(const slim_session *session, const slim_node *node, size_t at)
{
    const uint32_t *outputs = slim_node_tensors(session->model, node->record) + node->record->input_count;
    for (size_t worker = 0; worker < (size_t)session->threads; worker++)
        if (at - node->scratch_offset - worker * session->worker_bytes < node->scratch_bytes)
            return 1;
    for (uint32_t i = 0; i < node->record->output_count; i++) {
        uint32_t root = outputs[i];
        while (session->values[root].root != root)
            root = session->values[root].root;
        if (at - session->values[root].offset < session->values[root].span)
            return 1;
    }
    return 0;
}

/* Runs step by step; the error, or NULL. */
static const char *run(slim_session *session)
{
    static char error[160];
    const char *wrong = NULL;
    const size_t size = session->arena_bytes;
    unsigned char *before = malloc(size);
    for (int i = 0; i < slim_step_count(session) && !wrong; i++) {
        memcpy(before, session->arena, size);
        if (slim_run_step(session, i) != SLIM_OK)
            wrong = slim_error(session);
        for (size_t at = 0; at < size && !wrong; at++) {
            if (before[at] == session->arena[at] || owns(session, &session->nodes[i], at))
                continue;
            snprintf(error, sizeof error, "step %d (%s) writes byte %zu of the arena, which is not its own", i,
                     session->nodes[i].op->name, at);
            wrong = error;
        }
    }
    free(before);
    return wrong;
}

/* 0, or the program's exit code. */
static int replay(uint32_t index, slim_isa isa)
{
    slim_options options = { index % 2 ? 3 : 1, isa };
    slim_session *session = NULL;
    slim_model model;
    slim_tensor tensor;
    void *inputs[8] = { NULL };
    int wrong = 0;
    const uint32_t size = word();
    void *program = bytes(size);
    const char *error = slim_model_open(&model, program, size) == SLIM_OK ? NULL : model.error;
    if (!error && slim_session_create(&session, &model, &options) != SLIM_OK)
        error = session ? slim_error(session) : "not here";
    const uint32_t count = word();
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t input_size = word();
        inputs[i] = bytes(input_size);
        if (!error && slim_set_input(session, (int)i, inputs[i], input_size) != SLIM_OK)
            error = slim_error(session);
    }
    const int is_float = (int)word();
    const uint32_t expected_size = word();
    void *expected = bytes(expected_size);
    if (!error)
        error = run(session);
    if (error) {
        printf("case %u: %s\n", index, error);
        wrong = strcmp(error, "not here") ? 1 : 3;
    } else if (slim_output(session, 0, &tensor) != SLIM_OK || tensor.bytes != expected_size) {
        printf("case %u: another size\n", index);
        wrong = 1;
    } else {
        const long at = differs(slim_output_data(session, 0), expected, expected_size, is_float);
        if (at >= 0) {
            printf("case %u: another result at %ld\n", index, at);
            wrong = 1;
        }
    }
    slim_session_free(session);
    for (uint32_t i = 0; i < count; i++)
        free(inputs[i]);
    free(program);
    free(expected);
    return wrong;
}

int main(int argc, char **argv)
{
    bundle = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (!bundle)
        return 2;
    const uint32_t count = word();
    for (uint32_t i = 0; i < count; i++) {
        const int wrong = replay(i, (slim_isa)atoi(argv[1]));
        if (wrong)
            return wrong;
    }
    fclose(bundle);
    printf("%u cases\n", count);
#ifdef COUNT_CALLS
    for (int i = 0; i < KERNELS; i++)
        if (kernel_targets[i] && !kernel_calls[i])
            printf("%d\n", i);
#endif
    return 0;
}
