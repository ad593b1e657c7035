/* Break a program in many ways and open, plan and run what is left of it: nothing may crash.
 *
 *   hostile PROGRAM.slim COUNT SEED
 *
 * COUNT truncations and COUNT byte flips, at places from a seeded generator; half of the flips go to the part before the
 * data, where the structure is. Programs that would need more than 64 MiB are planned but not run. Prints how many were
 * refused, and how many ran. */
#include "include/slim.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_LIMIT = 64 << 20 };

static uint64_t state;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static unsigned char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes;
    if (!file || fseek(file, 0, SEEK_END))
        exit(2);
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size ? *size : 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size)
        exit(2);
    fclose(file);
    return bytes;
}

/* 1 where the program ran to its end. */
static int attempt(const unsigned char *bytes, size_t size)
{
    slim_model model;
    slim_session *session = NULL;
    void *memory, *arena = NULL;
    size_t table;
    int ran = 0;
    if (slim_model_open(&model, bytes, size) != SLIM_OK)
        return 0;
    table = slim_session_bytes(&model, NULL);
    memory = malloc(table);
    if (memory && slim_session_init(&session, &model, NULL, memory, table) == SLIM_OK
        && slim_session_arena_bytes(session) < ARENA_LIMIT) {
        arena = calloc(1, slim_session_arena_bytes(session));
        if (arena && slim_session_set_arena(session, arena, slim_session_arena_bytes(session)) == SLIM_OK)
            ran = slim_run(session) == SLIM_OK;
    }
    if (!ran && session && slim_error(session) == NULL)
        abort();   /* a failure has a text */
    slim_session_release(session);
    free(arena);
    free(memory);
    return ran;
}

/* On a block of exactly `size` bytes, so that a sanitizer sees a read past the end. */
static int attempt_copy(const unsigned char *bytes, size_t size)
{
    unsigned char *exact = NULL;
    int ran;
    if (posix_memalign((void **)&exact, 64, size ? size : 1))
        exit(2);
    memcpy(exact, bytes, size);
    ran = attempt(exact, size);
    free(exact);
    return ran;
}

int main(int argc, char **argv)
{
    size_t size, structure;
    unsigned char *bytes;
    uint64_t data_at;
    long count;
    long refused = 0, ran = 0;
    if (argc != 4)
        return 2;
    bytes = read_file(argv[1], &size);
    count = atol(argv[2]);
    state = (uint64_t)atol(argv[3]) * 2654435761u + 88172645463325252u;
    if (size < 80 || !attempt_copy(bytes, size)) {
        fprintf(stderr, "the unbroken program does not run\n");
        return 1;
    }
    memcpy(&data_at, bytes + 56, sizeof data_at);
    structure = data_at && data_at < size ? (size_t)data_at : size;
    for (long i = 0; i < count; i++) {
        size_t cut = next_random() % (i % 2 ? size : structure);
        if (attempt_copy(bytes, cut))
            return 1;   /* a truncated program must be refused */
        refused++;
    }
    for (long i = 0; i < count; i++) {
        size_t at = next_random() % (i % 4 ? structure : size);
        unsigned char old = bytes[at];
        bytes[at] = (unsigned char)(i % 3 ? next_random() : old ^ (1u << (next_random() % 8)));
        if (attempt_copy(bytes, size))
            ran++;
        else
            refused++;
        bytes[at] = old;
    }
    printf("%ld refused, %ld ran\n", refused, ran);
    free(bytes);
    return 0;
}
