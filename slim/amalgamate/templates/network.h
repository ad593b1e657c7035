/* @FILE@: a trained network as C. Its own functions first come to hand; slim.h above has the rest.
 *
@SEPARATE{
 *   @name@_net net;
 *   if (@name@_open_file(&net, "@FILE@.slim", 1) == SLIM_OK)
@}
@EMBEDDED{
 *   @name@_net net;
 *   if (@name@_open(&net, 1) == SLIM_OK)
@}
 *       @name@_run(&net, @arguments@);
 *   else
 *       puts(@name@_error(&net));
 *   @name@_close(&net);
 */
#ifndef SLIM_NETWORK_@NAME@_H
#define SLIM_NETWORK_@NAME@_H

@constants@

#ifndef SLIM_NETWORK_API
#if defined(_WIN32)
#define SLIM_NETWORK_API
#else
#define SLIM_NETWORK_API __attribute__((visibility("default")))
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The network, opened. One serves one thread at a time. */
typedef struct @name@_net {
    slim_model model;
    slim_session *session;   /* for the functions of slim.h: slim_resize, slim_run_step, ... */
    void *memory;
    const char *error;
} @name@_net;

#ifndef SLIM_FREESTANDING
/* All report by status, SLIM_OK being 0. `threads` counts the caller's. After any of the `open`s, also one that failed,
 * @name@_error says what went wrong and @name@_close frees what was taken. */
@SEPARATE{
SLIM_NETWORK_API slim_status @name@_open_file(@name@_net *net, const char *path, int threads);
SLIM_NETWORK_API slim_status @name@_open_bytes(@name@_net *net, const void *program, size_t bytes, int threads);
                                 /* the contents of @FILE@.slim, 64-byte aligned; they stay the caller's, used in place */
@}
@EMBEDDED{
SLIM_NETWORK_API slim_status @name@_open(@name@_net *net, int threads);
@}
SLIM_NETWORK_API void @name@_close(@name@_net *net);
SLIM_NETWORK_API const char *@name@_error(const @name@_net *net);

/* Each array has exactly as many elements as its _COUNT above says. */
SLIM_NETWORK_API slim_status @name@_run(@name@_net *net, @parameters@);
#endif
@EMBEDDED{

/* The program inside this file, for slim_model_open. */
SLIM_NETWORK_API const void *@name@_program(size_t *bytes);
@}

#ifdef __cplusplus
}
#endif
#endif
