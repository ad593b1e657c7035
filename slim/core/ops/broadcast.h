/* numpy broadcasting of two inputs, as runs of elements in which each input either advances with the output or stands. */
#ifndef SLIM_BROADCAST_H
#define SLIM_BROADCAST_H

#include "base/internal.h"

enum { SLIM_BROADCAST_BLOCK = 64 };   /* elements that an operator computes in local memory at a time */

typedef struct slim_broadcast {
    int rank;                                              /* at least 1: axes that broadcast alike are one */
    size_t dims[SLIM_MAX_RANK];
    size_t a[SLIM_MAX_RANK], b[SLIM_MAX_RANK];             /* strides in elements; of the last axis 0 or 1 */
    size_t rows;                                           /* runs: the product of dims but the last */
} slim_broadcast;

/* Compute `count` outputs from `out` on, of inputs from a and b on (all in elements). */
typedef void (*slim_broadcast_run)(void *context, const slim_broadcast *plan, size_t a, size_t b, size_t out, size_t count);

/* The output's shape, defined as output 0; memory of an input that is not needed any more may be overwritten. */
SLIM_INTERNAL SLIM_COLD slim_status slim_broadcast_prepare(slim_prepare *p);
/* Call `run` for all of the output, on the session's threads. */
SLIM_INTERNAL void slim_broadcast_apply(const slim_step *s, slim_broadcast_run run, void *context);

#endif
