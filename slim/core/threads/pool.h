/* A small pool of workers that spin during a run and sleep between runs. */
#ifndef SLIM_POOL_H
#define SLIM_POOL_H

#include "base/internal.h"

SLIM_INTERNAL size_t slim_pool_bytes(int threads);
/* Starts threads - 1 workers in `memory`; NULL where there are none to start. */
SLIM_INTERNAL slim_pool *slim_pool_start(void *memory, int threads);
SLIM_INTERNAL void slim_pool_stop(slim_pool *pool);
/* Workers spin for work from `begin` until `end`: of one inference, which may turn out to be faster without them, or of a step. */
SLIM_INTERNAL void slim_pool_begin(slim_pool *pool, int whole);
SLIM_INTERNAL void slim_pool_end(slim_pool *pool);
SLIM_INTERNAL void slim_pool_run(slim_pool *pool, size_t tasks, slim_task task, void *context);

#endif
