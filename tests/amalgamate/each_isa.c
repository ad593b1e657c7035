/* Runs net.slim on in0.bin with each instruction set named, writes ISA0.bin, ISA1.bin, ... of its outputs, and says how many
 * bytes its arena has, which NET_ARENA_BYTES must not be less than.
 *
 *   each_isa NUMBER ...      (of slim_isa) */
#include <stdio.h>
#include <stdlib.h>

#include "net.h"

static _Alignas(64) unsigned char program[8 << 20];

static size_t read_file(const char *path, void *to, size_t most)
{
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(to, 1, most, file) : 0;
    if (file)
        fclose(file);
    return got;
}

static int run(const slim_model *model, int isa)
{
    slim_options options = { 1, (slim_isa)isa };
    slim_session *session;
    slim_tensor tensor;
    char path[32];
    if (slim_session_create(&session, model, &options) != SLIM_OK || slim_input(session, 0, &tensor) != SLIM_OK
        || read_file("in0.bin", slim_input_data(session, 0), tensor.bytes) != tensor.bytes || slim_run(session) != SLIM_OK) {
        fprintf(stderr, "%s\n", slim_error(session));
        return 1;
    }
    printf("%s %lu\n", slim_session_isa(session), (unsigned long)slim_session_arena_bytes(session));
    if (slim_session_arena_bytes(session) > NET_ARENA_BYTES)
        return 1;
    for (int i = 0; i < slim_output_count(session); i++) {
        slim_output(session, i, &tensor);
        snprintf(path, sizeof path, "%s%d.bin", slim_session_isa(session), i);
        FILE *file = fopen(path, "wb");
        if (!file || fwrite(slim_output_data(session, i), 1, tensor.bytes, file) != tensor.bytes || fclose(file) != 0)
            return 1;
    }
    slim_session_free(session);
    return 0;
}

int main(int argc, char **argv)
{
    slim_model model;
    if (slim_model_open(&model, program, read_file("net.slim", program, sizeof program)) != SLIM_OK)
        return 1;
    for (int i = 1; i < argc; i++)
        if (run(&model, atoi(argv[i])))
            return 1;
    return 0;
}
