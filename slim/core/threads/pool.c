/* The pool: workers spin for work during an inference, and sleep on a condition between inferences.
 *
 * A line of cache takes 50 to 700 ns from one processor to another, waking a sleeping worker 15 us. So workers are woken when a
 * run begins, spin until it ends and a little longer (the next run may follow at once), and then sleep: an idle session burns
 * no core. A job costs two crossings: the line that says what it is, and each worker's line that says how much it has done.
 * Each thread has a share of a job's tasks, the same one in every job: what a step wrote, the next step reads mostly from the
 * cache of the core that wrote it. Who has finished and sees no end takes tasks of others, so a worker that has not woken up is
 * not waited for: whoever is there takes the tasks, and the results are the same.
 * Where another session of the process is running and there are not processors for both, a run is its caller's alone; and so
 * are short runs while that is faster (threads/choice.h). */
#include "threads/pool.h"
#include "threads/choice.h"

#if SLIM_THREADS
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

enum {
    LINGER_SPINS = 4000,              /* about 100 us: how long a worker stays awake after a run */
    PATIENCE_SPINS = 8,               /* about 0.2 us: how long who has finished waits before it takes tasks of others */
    YIELD_SPINS = 63,                 /* about 1 us: how long it waits before whoever else wants the processor may have it */
    CONTEXT_LINES = 8                 /* of a job's context that are fetched at once, not one after the other */
};

/* Lines that one thread writes and others read: two, as some processors fetch lines in pairs. */
#define POOL_LINE 128

/* The job's number, and how many tasks of a thread's share nobody has taken. Whoever takes the first one, its owner or
 * another, writes the number. All shares of a job have been taken when it ends, so who comes late finds nothing. */
typedef struct pool_share {
    uint64_t left;                    /* job << 32 | tasks */
    unsigned char unused[POOL_LINE - sizeof(uint64_t)];
} pool_share;

/* Tasks that a thread has done, of all jobs. */
typedef struct pool_count {
    unsigned done;
    unsigned char unused[POOL_LINE - sizeof(unsigned)];
} pool_count;

struct slim_pool {
    /* what the caller writes and spinning workers read */
    unsigned job;                     /* its number */
    int running;                      /* an inference is under way, with workers */
    size_t tasks;                     /* no fewer than threads: those from `real` on do nothing */
    size_t real;
    slim_task task;
    void *context;
    unsigned char unused[POOL_LINE - 2 * sizeof(int) - 2 * sizeof(size_t) - sizeof(slim_task) - sizeof(void *)];
    /* the rest */
    pool_share *shares;               /* [workers + 1], the caller's first */
    pool_count *counts;
    unsigned posted;                  /* tasks, of all jobs */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int workers;                      /* threads started, the caller's not counted */
    int sleeping, stop;               /* under mutex */
    int counted;                      /* in pool_running, for this inference */
    int timed;                        /* this inference, for the choice */
    int processors;                   /* 0: not asked yet */
    slim_choice choice;
    pthread_t threads[1];             /* [workers] */
};

/* Threads of this process that are in an inference; sessions of one thread have no pool and are not counted. */
static int pool_running;

typedef struct worker_start {
    slim_pool *pool;
    int index;
} worker_start;

SLIM_INTERNAL size_t slim_pool_bytes(int threads)
{
    if (threads < 2)
        return 0;
    return slim_align(sizeof(slim_pool) + (size_t)threads * (sizeof(pthread_t) + sizeof(worker_start)))
         + (size_t)threads * (sizeof(pool_share) + sizeof(pool_count)) + 2 * POOL_LINE;
}

static void pool_relax(unsigned spins)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
    if ((spins & YIELD_SPINS) == YIELD_SPINS)
        sched_yield();
}

/* Takes a task of a thread's share of a job; returns 0 where none is left, or the job has ended. */
static int pool_take(slim_pool *pool, unsigned job, int owner, size_t *index)
{
    const size_t shares = (size_t)pool->workers + 1, tasks = __atomic_load_n(&pool->tasks, __ATOMIC_RELAXED);
    const size_t begin = (size_t)owner * tasks / shares, end = ((size_t)owner + 1) * tasks / shares;
    uint64_t *word = &pool->shares[owner].left, left = __atomic_load_n(word, __ATOMIC_RELAXED);
    size_t rest;
    do {
        if ((unsigned)(left >> 32) == job)
            rest = (size_t)(left & UINT32_MAX);
        else
            rest = (unsigned)(left >> 32) == job - 1 ? end - begin : 0;
        if (!rest)
            return 0;
    } while (!__atomic_compare_exchange_n(word, &left, (uint64_t)job << 32 | (rest - 1), 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    *index = end - rest;
    return 1;
}

/* Does what is left of a thread's share. */
static void pool_work(slim_pool *pool, unsigned job, int owner, int worker)
{
    unsigned done = 0;
    for (size_t index; pool_take(pool, job, owner, &index); done++)
        if (index < __atomic_load_n(&pool->real, __ATOMIC_RELAXED))
            __atomic_load_n(&pool->task, __ATOMIC_RELAXED)(__atomic_load_n(&pool->context, __ATOMIC_RELAXED), index, worker);
    if (done)
        __atomic_store_n(&pool->counts[worker].done, pool->counts[worker].done + done, __ATOMIC_RELEASE);
}

/* Tasks of others. */
static void pool_help(slim_pool *pool, unsigned job, int worker)
{
    for (int turn = 1; turn <= pool->workers; turn++)
        pool_work(pool, job, (worker + turn) % (pool->workers + 1), worker);
}

/* Sleep until there is a run or the pool ends (0). */
static int pool_sleep(slim_pool *pool)
{
    int stop;
    pthread_mutex_lock(&pool->mutex);
    pool->sleeping++;
    while (!__atomic_load_n(&pool->running, __ATOMIC_RELAXED) && !pool->stop)
        pthread_cond_wait(&pool->wake, &pool->mutex);
    pool->sleeping--;
    stop = pool->stop;
    pthread_mutex_unlock(&pool->mutex);
    return !stop;
}

static void *pool_worker(void *argument)
{
    worker_start *start = (worker_start *)argument;
    slim_pool *pool = start->pool;
    unsigned last = 0;                /* the job that it has been in */
    unsigned idle = 0;                /* spins since the last run ended */
    for (unsigned spins = 0;; spins++) {
        const unsigned job = __atomic_load_n(&pool->job, __ATOMIC_ACQUIRE);
        if (job != last) {
            const char *context = (const char *)__atomic_load_n(&pool->context, __ATOMIC_RELAXED);
            for (int i = 0; i < CONTEXT_LINES; i++)
                __builtin_prefetch(context + i * 64);
            pool_work(pool, job, start->index, start->index);
            last = job;
            idle = spins = 0;
        } else if (spins == PATIENCE_SPINS && job) {
            pool_help(pool, job, start->index);
        }
        idle = __atomic_load_n(&pool->running, __ATOMIC_RELAXED) ? 0 : idle + 1;
        if (idle > LINGER_SPINS) {
            if (!pool_sleep(pool))
                return NULL;
            idle = 0;
        }
        pool_relax(spins);
    }
}

SLIM_INTERNAL slim_pool *slim_pool_start(void *memory, int threads)
{
    slim_pool *pool = (slim_pool *)memory;
    worker_start *starts;
    if (threads < 2)
        return NULL;
    slim_fill(pool, 0, slim_pool_bytes(threads));
    slim_choice_start(&pool->choice);
    starts = (worker_start *)&pool->threads[threads];
    pool->shares = (pool_share *)(((uintptr_t)(starts + threads) + POOL_LINE - 1) & ~(uintptr_t)(POOL_LINE - 1));
    pool->counts = (pool_count *)(pool->shares + threads);
    if (pthread_mutex_init(&pool->mutex, NULL) || pthread_cond_init(&pool->wake, NULL))
        return NULL;
    for (int i = 0; i < threads - 1; i++) {
        starts[i].pool = pool;
        starts[i].index = i + 1;
        if (pthread_create(&pool->threads[i], NULL, pool_worker, &starts[i]))
            break;                    /* the system has no more threads: fewer workers, same results */
        pool->workers++;
    }
    return pool;
}

SLIM_INTERNAL void slim_pool_stop(slim_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->stop = 1;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->workers; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
}

static int64_t pool_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Asked when another session is running, not when one starts: Linux reads a file, 30 us. */
static int pool_processors(slim_pool *pool)
{
    if (!pool->processors)
        pool->processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
    return pool->processors;
}

SLIM_INTERNAL void slim_pool_begin(slim_pool *pool, int whole)
{
    int others, alone;
    if (!pool)
        return;
    pool->counted = pool->workers + 1;
    others = __atomic_fetch_add(&pool_running, pool->counted, __ATOMIC_RELAXED);
    alone = others > 0 && others + pool->counted > pool_processors(pool);
    pool->timed = whole && !alone;
    if (pool->timed)
        alone = slim_choice_begin(&pool->choice, pool_clock());
    if (alone) {
        __atomic_fetch_sub(&pool_running, pool->workers, __ATOMIC_RELAXED);
        pool->counted = 1;
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    __atomic_store_n(&pool->running, 1, __ATOMIC_RELAXED);
    if (pool->sleeping)
        pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

SLIM_INTERNAL void slim_pool_end(slim_pool *pool)
{
    if (!pool)
        return;
    __atomic_store_n(&pool->running, 0, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&pool_running, pool->counted, __ATOMIC_RELAXED);
    if (pool->timed)
        slim_choice_end(&pool->choice, pool_clock());
}

/* All tasks posted have been done. */
static int pool_done(const slim_pool *pool)
{
    unsigned done = 0;
    for (int i = 0; i <= pool->workers; i++)
        done += __atomic_load_n(&pool->counts[i].done, __ATOMIC_ACQUIRE);
    return done == pool->posted;
}

SLIM_INTERNAL void slim_pool_run(slim_pool *pool, size_t tasks, slim_task task, void *context)
{
    const size_t threads = (size_t)pool->workers + 1;
    const unsigned job = pool->job + 1;
    if (!__atomic_load_n(&pool->running, __ATOMIC_RELAXED) || tasks > UINT32_MAX) {
        for (size_t i = 0; i < tasks; i++)
            task(context, i, 0);
        return;
    }
    __atomic_store_n(&pool->tasks, SLIM_MAX(tasks, threads), __ATOMIC_RELAXED);
    __atomic_store_n(&pool->real, tasks, __ATOMIC_RELAXED);
    __atomic_store_n(&pool->task, task, __ATOMIC_RELAXED);
    __atomic_store_n(&pool->context, context, __ATOMIC_RELAXED);
    pool->posted += (unsigned)SLIM_MAX(tasks, threads);
    __atomic_store_n(&pool->job, job, __ATOMIC_RELEASE);
    pool_work(pool, job, 0, 0);
    for (unsigned spins = 0; !pool_done(pool); spins++) {
        if (spins == PATIENCE_SPINS)
            pool_help(pool, job, 0);
        pool_relax(spins);
    }
}
#else
SLIM_INTERNAL size_t slim_pool_bytes(int threads) { (void)threads; return 0; }
SLIM_INTERNAL slim_pool *slim_pool_start(void *memory, int threads) { (void)memory; (void)threads; return NULL; }
SLIM_INTERNAL void slim_pool_stop(slim_pool *pool) { (void)pool; }
SLIM_INTERNAL void slim_pool_begin(slim_pool *pool, int whole) { (void)pool; (void)whole; }
SLIM_INTERNAL void slim_pool_end(slim_pool *pool) { (void)pool; }
SLIM_INTERNAL void slim_pool_run(slim_pool *pool, size_t tasks, slim_task task, void *context)
{
    (void)pool;
    for (size_t i = 0; i < tasks; i++)
        task(context, i, 0);
}
#endif
