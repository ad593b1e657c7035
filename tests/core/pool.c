/* The pool by itself, for ThreadSanitizer: one caller, then two with a pool each, jobs of every size, workers that spin and
 * workers that have gone to sleep. Every task must run once, by a worker that has a number of its own. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "threads/pool.h"

enum { INFERENCES = 60, JOBS = 25, MOST_TASKS = 40, MOST_THREADS = 5 };

typedef struct job {
    unsigned done[MOST_TASKS];
    int busy[MOST_THREADS];
    int threads, wrong;
} job;

static void task(void *context, size_t index, int worker)
{
    job *j = context;
    if (worker < 0 || worker >= j->threads || j->busy[worker]++)   /* TSan sees it when two threads share a number */
        __atomic_store_n(&j->wrong, 1, __ATOMIC_RELAXED);
    j->done[index]++;
    j->busy[worker]--;
}

static void nap(long microseconds)
{
    struct timespec time = { 0, microseconds * 1000 };
    nanosleep(&time, NULL);
}

static void *caller(void *argument)
{
    const int threads = *(const int *)argument;
    void *memory = malloc(slim_pool_bytes(threads));
    slim_pool *pool = slim_pool_start(memory, threads);
    static const long naps[] = { 0, 50, 3000 };
    long wrong = 0;
    for (int i = 0; i < INFERENCES; i++) {
        slim_pool_begin(pool, i % 4 > 0);
        for (int n = 0; n < JOBS; n++) {
            const size_t tasks = 1 + (size_t)(i * 7 + n * 3) % MOST_TASKS;
            job j = { .threads = threads };
            slim_pool_run(pool, tasks, task, &j);
            wrong += j.wrong;
            for (size_t t = 0; t < MOST_TASKS; t++)
                wrong += j.done[t] != (t < tasks);
        }
        slim_pool_end(pool);
        if (naps[i % 3])
            nap(naps[i % 3]);
    }
    slim_pool_stop(pool);
    free(memory);
    return (void *)wrong;
}

int main(void)
{
    for (int threads = 2; threads <= MOST_THREADS; threads++) {
        pthread_t other;
        void *theirs, *alone = caller(&threads);
        if (pthread_create(&other, NULL, caller, &threads))
            return 2;
        void *ours = caller(&threads);
        pthread_join(other, &theirs);
        if (alone || ours || theirs) {
            printf("%d threads: tasks ran more or less than once\n", threads);
            return 1;
        }
    }
    puts("ok");
    return 0;
}
