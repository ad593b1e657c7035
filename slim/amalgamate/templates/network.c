/* The functions of @FILE@.h. */
@EMBEDDED{
SLIM_NETWORK_API const void *@name@_program(size_t *bytes)
{
    if (bytes)
        *bytes = sizeof @name@_program_bytes - 1;
    return @name@_program_bytes;
}

@}
#ifndef SLIM_FREESTANDING
#if defined(__wasm__)
typedef char @name@_net_fits_its_javascript[sizeof(@name@_net) <= 256 ? 1 : -1];
#endif
#include <stdlib.h>
@SEPARATE{
#include <stdio.h>
@}

static slim_status @name@_start(@name@_net *net, const void *program, size_t bytes, int threads)
{
    slim_options options;
    slim_status status = slim_model_open(&net->model, program, bytes);
    net->error = net->model.error;
    if (status != SLIM_OK)
        return status;
    options.threads = threads;
    options.isa = SLIM_ISA_AUTO;
    status = slim_session_create(&net->session, &net->model, &options);
    net->error = net->session ? NULL : slim_status_text(status);
    return status;
}

@EMBEDDED{
SLIM_NETWORK_API slim_status @name@_open(@name@_net *net, int threads)
{
    net->session = NULL;
    net->memory = NULL;
    return @name@_start(net, @name@_program_bytes, sizeof @name@_program_bytes - 1, threads);
}
@}
@SEPARATE{
SLIM_NETWORK_API slim_status @name@_open_bytes(@name@_net *net, const void *program, size_t bytes, int threads)
{
    net->session = NULL;
    net->memory = NULL;
    return @name@_start(net, program, bytes, threads);
}

/* The file's bytes in memory of the network's own; `aligned` is where in it they begin. */
static slim_status @name@_read(@name@_net *net, FILE *file, unsigned char **aligned, size_t *bytes)
{
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    net->error = "the file cannot be read";
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0)
        return SLIM_BAD_ARGUMENT;
    *bytes = (size_t)size;
    net->memory = malloc(*bytes + SLIM_ALIGNMENT);
    if (!net->memory) {
        net->error = "the system has no memory for the file";
        return SLIM_NO_MEMORY;
    }
    *aligned = (unsigned char *)slim_align((size_t)(uintptr_t)net->memory);
    return fread(*aligned, 1, *bytes, file) == *bytes ? SLIM_OK : SLIM_BAD_ARGUMENT;
}

SLIM_NETWORK_API slim_status @name@_open_file(@name@_net *net, const char *path, int threads)
{
    unsigned char *program = NULL;
    size_t bytes = 0;
    slim_status status;
    FILE *file = fopen(path, "rb");
    net->session = NULL;
    net->memory = NULL;
    net->error = "the file cannot be opened";
    if (!file)
        return SLIM_BAD_ARGUMENT;
    status = @name@_read(net, file, &program, &bytes);
    fclose(file);
    return status == SLIM_OK ? @name@_start(net, program, bytes, threads) : status;
}
@}

SLIM_NETWORK_API void @name@_close(@name@_net *net)
{
    slim_session_free(net->session);
    free(net->memory);
    net->session = NULL;
    net->memory = NULL;
}

SLIM_NETWORK_API const char *@name@_error(const @name@_net *net)
{
    return net->error ? net->error : slim_error(net->session);
}

SLIM_NETWORK_API slim_status @name@_run(@name@_net *net, @parameters@)
{
    slim_status status = SLIM_OK;
@set_inputs@
    if (status == SLIM_OK)
        status = slim_run(net->session);
@get_outputs@
    return status;
}
#endif
