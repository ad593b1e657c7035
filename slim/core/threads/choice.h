/* Which is faster for a session's runs: all threads, or the caller alone?
 *
 * What threads save in a run of 0.1 ms may be less than what they cost, as where two processors share no cache. No estimate says
 * which, so short runs are timed, and once in a while some are made the other way. Results are the same either way. */
#ifndef SLIM_CHOICE_H
#define SLIM_CHOICE_H

#include "base/internal.h"

enum {
    CHOICE_SHORT = 400000,            /* ns: longer runs gain from threads */
    CHOICE_RUNS = 3,                  /* of a trial; the first one finds caches cold, and is not counted */
    CHOICE_FIRST = 8,                 /* runs until the first trial, */
    CHOICE_NEXT = 32,                 /* until the next one after a change, */
    CHOICE_LAST = 512,                /* and at most: twice as many after each trial that changes nothing */
    CHOICE_SLOW = 3                   /* runs in a row that take more than twice as long: the network has other shapes */
};

typedef struct slim_choice {
    int alone;                        /* what was faster: 0 all threads, 1 the caller alone */
    int way;                          /* of the run under way, as `alone` */
    int trial;                        /* runs of the trial under way and one, or 0 */
    int slow;                         /* runs in a row */
    int cold;                         /* the run before went the other way, or there was none */
    unsigned until, interval;         /* runs until the next trial, and from one to the next */
    int64_t start;                    /* of the run under way, ns */
    int64_t time[2];                  /* of a run, by way, in ns, smoothed; 0 is not known */
} slim_choice;

/* `choice` is all zeros. */
SLIM_INLINE void slim_choice_start(slim_choice *choice)
{
    choice->until = CHOICE_FIRST;
    choice->interval = CHOICE_NEXT;
    choice->cold = 1;
}

/* A run begins; returns 1 where it is to be the caller's alone. */
SLIM_INLINE int slim_choice_begin(slim_choice *choice, int64_t now)
{
    const int way = choice->trial ? !choice->alone : choice->alone;
    choice->cold |= way != choice->way;
    choice->way = way;
    choice->start = now;
    return way;
}

SLIM_INLINE void slim_choice_decide(slim_choice *choice)
{
    const int64_t now = choice->time[choice->alone], other = choice->time[!choice->alone];
    const int better = other < now - now / 32;
    choice->alone ^= better;
    choice->interval = better ? (unsigned)CHOICE_NEXT : SLIM_MIN(2 * choice->interval, (unsigned)CHOICE_LAST);
    choice->until = choice->interval;
    choice->trial = 0;
}

/* The run has ended. */
SLIM_INLINE void slim_choice_end(slim_choice *choice, int64_t now)
{
    const int64_t spent = now - choice->start;
    int64_t *time = &choice->time[choice->way];
    choice->slow = *time && spent > 2 * *time ? choice->slow + 1 : 0;
    if (choice->slow == CHOICE_SLOW) {
        *time = spent;
        choice->until = 1;
    }
    if (!choice->cold)
        *time = *time ? *time + (SLIM_MIN(spent, 2 * *time) - *time) / 4 : spent;
    choice->cold = 0;
    if (choice->trial) {
        if (++choice->trial > CHOICE_RUNS)
            slim_choice_decide(choice);
    } else if (*time && (choice->alone || *time < CHOICE_SHORT) && --choice->until == 0) {
        choice->trial = 1;
        choice->time[!choice->alone] = 0;
    }
}

#endif
