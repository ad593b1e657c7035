/* Refuse the n-th allocation, for every n: creating and resizing a session reports it, leaks nothing, and works again.
 *
 *   out_of_memory PROGRAM.slim      (linked with --wrap=malloc)
 *
 * The resize doubles the first dimension of the first input. */
#include "include/slim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long refuse = -1;   /* allocations until the one that fails; -1: none does */

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    if (refuse == 0)
        return NULL;
    if (refuse > 0)
        refuse--;
    return __real_malloc(bytes);
}

static const unsigned char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    if (!file || fseek(file, 0, SEEK_END))
        exit(2);
    *size = (size_t)ftell(file);
    rewind(file);
    if (posix_memalign((void **)&bytes, 64, *size) || fread(bytes, 1, *size, file) != *size)
        exit(2);
    fclose(file);
    return bytes;
}

/* Create, run, resize, run. Returns the first failure. */
static slim_status life(const slim_model *model)
{
    slim_session *session = NULL;
    slim_status status = slim_session_create(&session, model, NULL);
    if (status == SLIM_OK) {
        slim_tensor input;
        const int32_t *dims[8] = {input.dims};
        slim_input(session, 0, &input);
        input.dims[0] *= 2;
        status = slim_resize(session, dims);
        if (slim_run(session) != SLIM_OK)
            abort();   /* with the new shapes, or with the old ones where there was no memory for the new */
        if (status != SLIM_OK && slim_error(session)[0] == 0)
            abort();
    }
    slim_session_free(session);
    return status;
}

int main(int argc, char **argv)
{
    slim_model model;
    size_t size;
    const unsigned char *bytes;
    long refused = 0;
    if (argc != 2)
        return 2;
    bytes = read_file(argv[1], &size);
    if (slim_model_open(&model, bytes, size) != SLIM_OK)
        return 1;
    for (long n = 0;; n++) {
        slim_status status;
        refuse = n;
        status = life(&model);
        if (status == SLIM_OK) {
            printf("%ld refused\n", refused);
            free((void *)(uintptr_t)bytes);
            return 0;
        }
        if (status != SLIM_NO_MEMORY)
            return 1;
        refused++;
    }
}
