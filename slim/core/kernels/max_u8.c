/* The largest bytes of some pixels, channel by channel; see slim_max_u8_task. Included by `isa/ISA.c`. Loops over constant
 * numbers of channels, which compilers turn into vectors of the set. */

SLIM_TILE void SLIM_NAME(slim_max_u8_some)(const slim_max_u8_task *task, size_t at, const size_t lanes)
{
    const uint8_t *from = task->from + at;
    uint8_t most[64];
    for (size_t i = 0; i < lanes; i++)
        most[i] = from[i];
    SLIM_ROLL
    for (size_t r = 0; r < task->rows; r++, from += task->row_step) {
        const uint8_t *p = from;
        for (size_t c = 0; c < task->columns; c++, p += task->column_step)
            for (size_t i = 0; i < lanes; i++)
                most[i] = p[i] > most[i] ? p[i] : most[i];
    }
    for (size_t i = 0; i < lanes; i++)
        task->out[at + i] = most[i];
}

/* The last 16 channels may be some of those before again. */
SLIM_STEP void SLIM_NAME(slim_max_u8)(const slim_max_u8_task *shared)
{
    const slim_max_u8_task task = *shared;   /* bytes that are written could alias it */
    size_t at = 0;
    for (; at + 64 <= task.n; at += 64)
        SLIM_NAME(slim_max_u8_some)(&task, at, 64);
    for (; at < task.n; at += 16)
        SLIM_NAME(slim_max_u8_some)(&task, SLIM_MIN(at, task.n - 16), 16);
}
