/* What the core's files share: values, nodes, and the two contexts that an operator sees (prepare and run). */
#ifndef SLIM_INTERNAL_H
#define SLIM_INTERNAL_H

#include "base/config.h"
#include "include/slim.h"
#include "include/slim_format.h"

typedef struct slim_kernels slim_kernels;   /* kernels/kernels.h: one table an instruction set */
typedef struct slim_pool slim_pool;         /* threads/pool.h */

/* A tensor in a session. Activations and inputs live in the arena, constants in the model's bytes. */
typedef struct slim_value {
    unsigned char *data;
    int32_t dims[SLIM_MAX_RANK];
    uint8_t rank;
    uint8_t type;
    uint8_t kind;
    uint8_t defined;          /* shape known: a constant, an input, or some node's output */
    uint8_t is_output;        /* of the program */
    uint8_t widened;          /* a constant of 16-bit floats, in the arena as fp32 */
    int32_t producer;         /* the node that writes it, or -1 */
    uint32_t uses;            /* by nodes */
    uint32_t exact_uses;      /* those that read its elements, wherever they lie, and nothing past them */
    uint32_t row_stride;      /* elements from one row (last axis) to the next: dims[rank - 1], or more where the value is
                                 written in place into a concatenation */
    size_t count;             /* elements */
    size_t bytes;
    float scale;
    int32_t zero_point;
    /* the plan */
    uint32_t root;            /* the value whose memory this one shares, or itself */
    size_t root_offset;       /* bytes into the root */
    int32_t first, last;      /* steps between which the root's memory is in use */
    size_t span;              /* bytes of the root's memory, of a root */
    size_t offset;            /* in the arena, of a root */
    uint32_t turn;            /* planner's: the later, the sooner it is placed */
} slim_value;

struct slim_operator;

/* A step of the program. */
typedef struct slim_node {
    const struct slim_operator *op;
    const slim_operator_record *record;
    size_t scratch_bytes;     /* for each worker, while the step runs */
    size_t scratch_offset;    /* in the arena; the caller's, and those of workers follow */
    int8_t in_place_output, in_place_input;  /* -1: none */
    size_t live_bytes;        /* planner's: memory in use during the step */
    uint32_t turn;            /* planner's, as a value's */
} slim_node;

struct slim_session {
    const slim_model *model;
    slim_value *values;
    slim_node *nodes;
    uint32_t *order;          /* planner's: [tensors + operators] roots and scratches in their order, then by offset */
    int32_t *saved;           /* [inputs][SLIM_MAX_RANK]: their shapes before a resize */
    unsigned char *arena;
    size_t arena_bytes;       /* what the plan needs */
    size_t lower_bound_bytes;
    size_t worker_bytes;      /* of scratch memory, the same in all steps; 0 where there is one thread */
    const slim_kernels *kernels;
    int bf16;                 /* whether the processor has what bf16 kernels need: 1 or -1, and 0 before a layer asked */
    slim_pool *pool;
    int threads;
    void *block, *owned_arena;   /* from malloc, or NULL */
    uint32_t failed_node;     /* where `error` happened, or node_count */
    const char *error;
    char text[160];
    slim_model view;          /* a copy of the caller's model struct: the bytes stay where they are */
};

/* ---- what an operator sees ---- */

/* While shapes are inferred: read inputs, check them, define outputs, ask for memory. */
typedef struct slim_prepare {
    slim_session *session;
    slim_node *node;
    const uint32_t *tensors;  /* inputs, then outputs */
    const void *attributes;
    int inputs, outputs;
} slim_prepare;

/* While the step runs. */
typedef struct slim_step {
    slim_session *session;
    const slim_node *node;
    const uint32_t *tensors;
    const void *attributes;
    const slim_kernels *kernels;
    int inputs, outputs;
} slim_step;

typedef struct slim_operator {
    uint16_t code;
    uint8_t min_inputs, max_inputs;
    uint8_t outputs;
    uint16_t attribute_count;
    uint8_t writes_rows;      /* run honours the row_stride of output 0 */
    const char *name;
    slim_status (*prepare)(slim_prepare *p);
    void (*run)(const slim_step *s);
} slim_operator;

/* ---- prepare's helpers (session/prepare.c) ---- */

/* Input i, or NULL where an optional one is absent. */
SLIM_INTERNAL SLIM_COLD const slim_value *slim_prepare_input(const slim_prepare *p, int i);
/* Fail with a sentence that does not end in a full stop: "conv_f32: the weights have 12 bytes too few". */
SLIM_INTERNAL SLIM_COLD slim_status slim_prepare_fail(slim_prepare *p, slim_status status, const char *text);
/* Give output i its type and shape. Refuses dimensions below 1 and sizes that overflow. */
SLIM_INTERNAL SLIM_COLD slim_status slim_prepare_output(slim_prepare *p, int i, int rank, const int32_t *dims);
/* Check that input i is there, has this type (0: any), this rank (-1: any), and is a constant if `constant`. */
SLIM_INTERNAL SLIM_COLD slim_status slim_prepare_expect(slim_prepare *p, int i, int type, int rank, int constant);
/* Output i may share memory with input j from `offset` bytes on (a view), however long either lives. */
SLIM_INTERNAL SLIM_COLD void slim_prepare_view(slim_prepare *p, int output, int input);
/* Output i may overwrite input j where j is not needed after this step. */
SLIM_INTERNAL SLIM_COLD void slim_prepare_in_place(slim_prepare *p, int output, int input);
/* Input i may be written by its producer directly into output 0, `offset` elements into each row of `row` elements. */
SLIM_INTERNAL SLIM_COLD int slim_prepare_row_view(slim_prepare *p, int input, size_t offset, size_t row);
/* Scratch memory for each worker while the step runs. */
SLIM_INTERNAL SLIM_COLD void slim_prepare_scratch(slim_prepare *p, size_t bytes);

/* This node reads the elements of input i, wherever they lie, and nothing past them: the caller's own memory will do. */
SLIM_INTERNAL SLIM_COLD void slim_prepare_exact(slim_prepare *p, int input);

/* ---- run's helpers ---- */

SLIM_INLINE slim_value *slim_step_input(const slim_step *s, int i)
{
    return s->tensors[i] == SLIM_NO_TENSOR ? NULL : &s->session->values[s->tensors[i]];
}

SLIM_INLINE slim_value *slim_step_output(const slim_step *s, int i)
{
    return &s->session->values[s->tensors[s->inputs + i]];
}

/* The scratch memory of a worker (0 .. threads - 1), 64-byte aligned. */
SLIM_INLINE unsigned char *slim_step_scratch(const slim_step *s, int worker)
{
    return s->session->arena + s->node->scratch_offset + (size_t)worker * s->session->worker_bytes;
}

/* Run task(context, 0 .. tasks - 1, worker), on the session's threads where it has some. */
typedef void (*slim_task)(void *context, size_t index, int worker);
SLIM_INTERNAL void slim_parallel(const slim_step *s, size_t tasks, slim_task task, void *context);

/* ---- small shared things (base/tensor.c) ---- */

SLIM_INTERNAL size_t slim_type_bytes(int type);                       /* 0: no such type */
SLIM_INTERNAL int slim_count_elements(int rank, const int32_t *dims, size_t *count);  /* 0: below 1 or overflow */
SLIM_INTERNAL void slim_copy(void *to, const void *from, size_t bytes);
SLIM_INTERNAL void slim_fill(void *to, int byte, size_t bytes);

SLIM_INLINE size_t slim_align(size_t bytes)
{
    return (bytes + (SLIM_ALIGNMENT - 1)) & ~(size_t)(SLIM_ALIGNMENT - 1);
}

SLIM_INLINE size_t slim_ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* ---- between the session's files ---- */

SLIM_INTERNAL SLIM_COLD const slim_operator *slim_find_operator(int code);
SLIM_INTERNAL SLIM_COLD const slim_kernels *slim_find_kernels(slim_isa isa);    /* NULL: not in this build or not on this CPU */
SLIM_INTERNAL SLIM_COLD slim_status slim_infer_shapes(slim_session *session);
SLIM_INTERNAL SLIM_COLD void slim_plan_memory(slim_session *session);
SLIM_INTERNAL SLIM_COLD void slim_widen(slim_session *session, uint32_t tensor);
SLIM_INTERNAL SLIM_COLD slim_status slim_session_regrow(slim_session *session);
SLIM_INTERNAL const uint32_t *slim_node_tensors(const slim_model *model, const slim_operator_record *record);

#endif
