/* The pool: workers spin for work during an inference, and sleep on a condition between inferences.
 *
 * Handing work to a spinning worker costs about 0.1 us, waking a sleeping one 15 us. So workers are woken when a run begins,
 * spin until it ends and a little longer (the next run may follow at once), and then sleep: an idle session burns no core.
 * Each thread has a share of a job's tasks, the same one in every job: what a step wrote, the next step reads mostly from the
 * cache of the core that wrote it. Who has finished takes tasks of others, so a worker that has not woken up is not waited
 * for: whoever is there takes the tasks, and the results are the same.
 * Where another session of the process is running and there are not processors for both, a run is its caller's alone. */
#include "threads/pool.h"

#if SLIM_THREADS
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

enum {
    LINGER_SPINS = 4000,              /* about 100 us: how long a worker stays awake after a run */
    YIELD_SPINS = 63                  /* about 1 us: how long it waits before whoever else wants the processor may have it */
};

/* The job's state is one word, so that joining a job and closing it cannot cross: ticket | open | workers inside. */
#define JOB_INSIDE 0xffu
#define JOB_OPEN 0x100u
#define JOB_TICKET 0x200u

/* The tasks that a thread takes first, on a cache line of its own. */
typedef struct pool_share {
    size_t next, end;
    size_t unused[6];
} pool_share;

struct slim_pool {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int workers;                      /* threads started, the caller's not counted */
    int sleeping, stop;               /* under mutex */
    int running;                      /* an inference is under way, with workers */
    int counted;                      /* in pool_running, for this inference */
    int processors;
    unsigned job;
    slim_task task;
    void *context;
    pool_share *shares;               /* [workers + 1], the caller's first */
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
    return slim_align(sizeof(slim_pool) + (size_t)threads * (sizeof(pthread_t) + sizeof(worker_start) + sizeof(pool_share))
                      + 2 * sizeof(pool_share));
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

static void pool_work(slim_pool *pool, int worker)
{
    slim_task task = pool->task;
    void *context = pool->context;
    for (int turn = 0; turn <= pool->workers; turn++) {   /* its own share, then what others have left */
        pool_share *share = &pool->shares[(worker + turn) % (pool->workers + 1)];
        while (__atomic_load_n(&share->next, __ATOMIC_RELAXED) < share->end) {
            size_t index = __atomic_fetch_add(&share->next, 1, __ATOMIC_RELAXED);
            if (index < share->end)
                task(context, index, worker);
        }
    }
}

/* Enter the open job unless it is the one that this worker has been in already. */
static int pool_join(slim_pool *pool, unsigned *last)
{
    unsigned job = __atomic_load_n(&pool->job, __ATOMIC_ACQUIRE);
    if (!(job & JOB_OPEN) || job / JOB_TICKET == *last)
        return 0;
    if (!__atomic_compare_exchange_n(&pool->job, &job, job + 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return 0;
    *last = job / JOB_TICKET;
    return 1;
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
    unsigned last = 0;
    unsigned idle = 0;                /* spins since the last run ended */
    for (unsigned spins = 0;; spins++) {
        if (pool_join(pool, &last)) {
            pool_work(pool, start->index);
            __atomic_fetch_sub(&pool->job, 1, __ATOMIC_RELEASE);
            idle = spins = 0;
            continue;
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
    pool->processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
    pool->shares = (pool_share *)(((uintptr_t)&pool->threads[threads] + 63) & ~(uintptr_t)63);
    starts = (worker_start *)(pool->shares + threads);
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

SLIM_INTERNAL void slim_pool_begin(slim_pool *pool)
{
    int others;
    if (!pool)
        return;
    pool->counted = pool->workers + 1;
    others = __atomic_fetch_add(&pool_running, pool->counted, __ATOMIC_RELAXED);
    if (others > 0 && others + pool->counted > pool->processors) {
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
}

SLIM_INTERNAL void slim_pool_run(slim_pool *pool, size_t tasks, slim_task task, void *context)
{
    unsigned ticket = __atomic_load_n(&pool->job, __ATOMIC_RELAXED) / JOB_TICKET + 1;
    if (!__atomic_load_n(&pool->running, __ATOMIC_RELAXED)) {
        for (size_t i = 0; i < tasks; i++)
            task(context, i, 0);
        return;
    }
    pool->task = task;
    pool->context = context;
    for (size_t i = 0, shares = (size_t)pool->workers + 1; i < shares; i++) {
        pool->shares[i].next = i * tasks / shares;
        pool->shares[i].end = (i + 1) * tasks / shares;
    }
    __atomic_store_n(&pool->job, ticket * JOB_TICKET | JOB_OPEN, __ATOMIC_RELEASE);
    pool_work(pool, 0);
    __atomic_fetch_and(&pool->job, ~JOB_OPEN, __ATOMIC_ACQ_REL);
    for (unsigned spins = 0; __atomic_load_n(&pool->job, __ATOMIC_ACQUIRE) & JOB_INSIDE; spins++)
        pool_relax(spins);
}
#else
SLIM_INTERNAL size_t slim_pool_bytes(int threads) { (void)threads; return 0; }
SLIM_INTERNAL slim_pool *slim_pool_start(void *memory, int threads) { (void)memory; (void)threads; return NULL; }
SLIM_INTERNAL void slim_pool_stop(slim_pool *pool) { (void)pool; }
SLIM_INTERNAL void slim_pool_begin(slim_pool *pool) { (void)pool; }
SLIM_INTERNAL void slim_pool_end(slim_pool *pool) { (void)pool; }
SLIM_INTERNAL void slim_pool_run(slim_pool *pool, size_t tasks, slim_task task, void *context)
{
    (void)pool;
    for (size_t i = 0; i < tasks; i++)
        task(context, i, 0);
}
#endif
