/* From a file to a session in one call: part of the library that `slim.runtime` loads, never of a single file. Python's own way
 * there, a file object, its mmap and a call for each step, takes longer than mapping the file and planning its memory. */
#include "include/slim.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct slim_program {
    void *mapped;            /* the file's bytes, to be read; NULL where the bytes are the caller's */
    const void *bytes;
    size_t size;
    slim_model model;
    slim_session *session;   /* on failure, too, where slim_error has more to say */
    int system_error;        /* errno of a file that cannot be mapped, or 0 */
} slim_program;

SLIM_API slim_status slim_program_load(slim_program *program, const char *path, const slim_options *options);
SLIM_API void slim_program_free(slim_program *program);

/* Maps the file at `path`; 0, or what the system says is wrong (errno). */
static int map_file(slim_program *program, const char *path)
{
    struct stat file;
    int error = 0, descriptor = open(path, O_RDONLY | O_CLOEXEC);
    void *mapped = MAP_FAILED;
    if (descriptor < 0)
        return errno;
    if (fstat(descriptor, &file) == 0)
        mapped = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (mapped == MAP_FAILED)
        error = errno;
    close(descriptor);
    if (error)
        return error;
#ifdef MADV_HUGEPAGE
    /* a file that is not in memory yet comes in pages of 2 MB where the system can: advice, so whatever it answers */
    (void)madvise(mapped, (size_t)file.st_size, MADV_HUGEPAGE);
#endif
    program->mapped = mapped;
    program->bytes = mapped;
    program->size = (size_t)file.st_size;
    return 0;
}

/* Opens the program at `path`, or where that is NULL, the one in program->bytes, and makes its session. Whatever comes of it,
 * slim_program_free takes it. */
SLIM_API slim_status slim_program_load(slim_program *program, const char *path, const slim_options *options)
{
    slim_status status;
    program->system_error = path ? map_file(program, path) : 0;
    if (program->system_error)
        return SLIM_BAD_PROGRAM;
    status = slim_model_open(&program->model, program->bytes, program->size);
    return status == SLIM_OK ? slim_session_create(&program->session, &program->model, options) : status;
}

SLIM_API void slim_program_free(slim_program *program)
{
    slim_session_free(program->session);
    if (program->mapped)
        munmap(program->mapped, program->size);
    program->session = NULL;
    program->mapped = NULL;
}
