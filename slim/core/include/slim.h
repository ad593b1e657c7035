/* slim: run a trained network. The public interface of the inference core (C99, usable from C++).
 *
 *   slim_model model;
 *   slim_session *session;
 *   slim_model_open(&model, bytes, size);             // bytes stay the caller's and are used in place
 *   slim_session_create(&session, &model, NULL);      // or slim_session_init in memory of the caller's
 *   slim_set_input(session, 0, pixels, sizeof pixels);
 *   slim_run(session);
 *   slim_get_output(session, 0, scores, sizeof scores);
 *   slim_session_free(session);
 *
 * No global state but the number of threads that are running. Every function reports by status code. One model serves many sessions; a session serves one thread at
 * a time. Inputs are set before each run: a run may reuse their memory.
 */
#ifndef SLIM_H
#define SLIM_H

#include <stddef.h>
#include <stdint.h>

#ifndef SLIM_API
#if defined(_WIN32)
#define SLIM_API
#else
#define SLIM_API __attribute__((visibility("default")))
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum slim_status {
    SLIM_OK = 0,
    SLIM_BAD_PROGRAM = 1,    /* the bytes are not a program, or a broken one */
    SLIM_BAD_ARGUMENT = 2,   /* an index, size or pointer that does not fit */
    SLIM_BAD_SHAPE = 3,      /* shapes that an operator cannot take */
    SLIM_NO_MEMORY = 4,      /* the memory given, or got from the system, does not suffice */
    SLIM_NO_OPERATOR = 5,    /* the program needs an operator that this build leaves out */
    SLIM_NO_ARENA = 6        /* slim_session_set_arena has not been called since the last (re)shape */
} slim_status;

/* Instruction sets, for slim_options.isa. */
typedef enum slim_isa {
    SLIM_ISA_AUTO = 0,
    SLIM_ISA_PLAIN = 1,
    SLIM_ISA_AVX2 = 2,
    SLIM_ISA_AVX512 = 3,
    SLIM_ISA_AVX512VNNI = 4,
    SLIM_ISA_NEON = 5,
    SLIM_ISA_NEONDOT = 6,
    SLIM_ISA_WASM = 7,
    SLIM_ISA_AVXVNNI = 8
} slim_isa;

/* A program that has been opened: a view of the caller's bytes, without memory of its own. */
typedef struct slim_model {
    const unsigned char *bytes;
    size_t size;
    const struct slim_header *header;
    const struct slim_tensor_record *tensors;
    const struct slim_operator_record *operators;
    const uint32_t *words;
    const char *text;
    const unsigned char *data;
    const char *error;       /* what slim_model_open found wrong; "" when nothing is */
} slim_model;

typedef struct slim_options {
    int threads;             /* 0 and 1: none but the caller's */
    slim_isa isa;            /* SLIM_ISA_AUTO: the best that this processor and this build have */
} slim_options;

typedef struct slim_tensor {
    const char *name;
    int type;                /* SLIM_F32, SLIM_U8, ... of slim_format.h */
    int rank;
    int32_t dims[6];
    size_t bytes;
    float scale;             /* real = (stored - zero_point) * scale; 0 where not quantized */
    int32_t zero_point;
} slim_tensor;

typedef struct slim_session slim_session;

/* ---- a model: check every offset, count and enum of `bytes` and take them in place (64-byte aligned) ---- */
SLIM_API slim_status slim_model_open(slim_model *model, const void *bytes, size_t size);

/* ---- a session in memory of the caller's: tables first, then the arena that they ask for ---- */
SLIM_API size_t slim_session_bytes(const slim_model *model, const slim_options *options);
SLIM_API slim_status slim_session_init(slim_session **session, const slim_model *model, const slim_options *options,
                                       void *memory, size_t bytes);
SLIM_API size_t slim_session_arena_bytes(const slim_session *session);
SLIM_API slim_status slim_session_set_arena(slim_session *session, void *arena, size_t bytes);
SLIM_API void slim_session_release(slim_session *session);  /* ends its threads; the memory is the caller's */

#ifndef SLIM_FREESTANDING
/* ---- the same in memory from malloc ---- */
SLIM_API slim_status slim_session_create(slim_session **session, const slim_model *model, const slim_options *options);
SLIM_API void slim_session_free(slim_session *session);
#endif

/* ---- inputs and outputs ---- */
SLIM_API int slim_input_count(const slim_session *session);
SLIM_API int slim_output_count(const slim_session *session);
SLIM_API slim_status slim_input(const slim_session *session, int index, slim_tensor *tensor);
SLIM_API slim_status slim_output(const slim_session *session, int index, slim_tensor *tensor);
SLIM_API slim_status slim_set_input(slim_session *session, int index, const void *data, size_t bytes);
SLIM_API slim_status slim_get_output(const slim_session *session, int index, void *data, size_t bytes);
SLIM_API void *slim_input_data(slim_session *session, int index);          /* write here to save the copy */
SLIM_API const void *slim_output_data(const slim_session *session, int index);  /* valid until the next run */

/* ---- run ---- */
SLIM_API slim_status slim_run(slim_session *session);

/* Give inputs other shapes: dims[i] are the new dimensions of input i, as many as before; NULL keeps them. All shapes and the
 * arena are planned anew: sessions of slim_session_create also get their arena anew, others call slim_session_set_arena. On
 * failure the session keeps its old shapes. */
SLIM_API slim_status slim_resize(slim_session *session, const int32_t *const *dims);

/* ---- what happened ---- */
SLIM_API const char *slim_error(const slim_session *session);   /* text of the last failure, "" when there was none */
SLIM_API const char *slim_status_text(slim_status status);
SLIM_API const char *slim_session_isa(const slim_session *session);  /* name of the instruction set in use */

/* ---- the plan, and single steps (profiling) ---- */
/* Largest sum of live tensors over time, and beside it the scratch memory of several threads. */
SLIM_API size_t slim_session_lower_bound_bytes(const slim_session *session);
SLIM_API int slim_step_count(const slim_session *session);
SLIM_API slim_status slim_run_step(slim_session *session, int step);
SLIM_API const char *slim_step_name(const slim_session *session, int step);
SLIM_API const char *slim_step_operator(const slim_session *session, int step);

#ifdef __cplusplus
}
#endif
#endif
