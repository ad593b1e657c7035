/* A program's file in memory, in one call: part of the library that `slim.runtime` loads, never of a single file. Python's own
 * way there (a file object, its mmap, an array over that) takes as long as opening the program and planning its memory. */
#include "include/slim.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

SLIM_API int slim_program_map(const char *path, void **bytes, size_t *size);
SLIM_API void slim_program_unmap(void *bytes, size_t size);

/* Maps the file at `path` to be read; 0, or what the system says is wrong (errno). */
SLIM_API int slim_program_map(const char *path, void **bytes, size_t *size)
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
    *bytes = mapped;
    *size = (size_t)file.st_size;
    return 0;
}

SLIM_API void slim_program_unmap(void *bytes, size_t size)
{
    munmap(bytes, size);
}
