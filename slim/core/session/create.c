/* Sessions in memory from malloc, for targets that have it. */
#include "base/internal.h"

#ifndef SLIM_FREESTANDING
#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

enum { CREATE_HUGE_PAGE = 2 << 20 };

/* Memory for an arena in pages of 2 MB: less to fault in and fewer translations to miss. What is left past the last whole one
 * has one of its own where it fills five eighths of it (1.4 MB: 0.2 ms to fault in instead of 0.55), and small pages else. */
static void *arena_of(size_t bytes)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    const size_t page = CREATE_HUGE_PAGE, huge = (bytes + page * 3 / 8) & ~(page - 1);
    if (huge) {
        void *arena = aligned_alloc(page, (bytes + page - 1) & ~(page - 1));
        if (arena)
            (void)madvise(arena, huge, MADV_HUGEPAGE);   /* advice: without it all works the same */
        return arena;
    }
#endif
    return malloc(bytes);
}

SLIM_COLD SLIM_API slim_status slim_session_create(slim_session **out, const slim_model *model, const slim_options *options)
{
    size_t bytes = slim_session_bytes(model, options);
    slim_session *session = NULL;
    slim_status status;
    void *memory, *arena;
    if (!out || bytes == 0)
        return SLIM_BAD_ARGUMENT;
    *out = NULL;
    memory = malloc(bytes);
    if (!memory)
        return SLIM_NO_MEMORY;
    status = slim_session_init(&session, model, options, memory, bytes);
    if (!session) {
        free(memory);
        return status;
    }
    session->block = memory;   /* the session is kept on failure, for slim_error; slim_session_free takes it */
    *out = session;
    if (status != SLIM_OK)
        return status;
    arena = arena_of(slim_session_arena_bytes(session));
    if (!arena) {
        session->error = "the system has no memory for the arena";
        return SLIM_NO_MEMORY;
    }
    session->owned_arena = arena;
    return slim_session_set_arena(session, arena, slim_session_arena_bytes(session));
}

SLIM_COLD SLIM_API void slim_session_free(slim_session *session)
{
    if (!session)
        return;
    slim_session_release(session);
    free(session->owned_arena);
    free(session->block);
}

/* After a resize: an arena of the session's own grows with the plan. */
SLIM_INTERNAL slim_status slim_session_regrow(slim_session *session)
{
    void *arena;
    if (!session->owned_arena)
        return SLIM_OK;
    arena = arena_of(slim_session_arena_bytes(session));
    if (!arena) {
        session->error = "the system has no memory for the arena";
        return SLIM_NO_MEMORY;
    }
    free(session->owned_arena);
    session->owned_arena = arena;
    return slim_session_set_arena(session, arena, slim_session_arena_bytes(session));
}
#else
SLIM_INTERNAL slim_status slim_session_regrow(slim_session *session)
{
    (void)session;
    return SLIM_OK;
}
#endif
