/* The pool: workers spin for work during an inference, and sleep on a condition between inferences.
 *
 * Handing work to a spinning worker costs about 0.1 us, waking a sleeping one 15 us: so workers are woken once when a run
 * begins, spin (yielding after a while) until it ends, and then sleep: an idle session burns no core. */
#include "threads/pool.h"

#if SLIM_THREADS
#include <pthread.h>
#include <sched.h>

struct slim_pool {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int workers;              /* threads started, the caller's not counted */
    int running;              /* under mutex: an inference is under way, or stop */
    int stop;
    int awake;                /* read by spinning workers: 0 sends them to sleep */
    /* one job at a time: `ticket` changes when there is a new one */
    unsigned ticket;
    slim_task task;
    void *context;
    size_t tasks, next;
    int busy;                 /* workers that have not yet finished the job */
    pthread_t threads[1];     /* [workers] */
};

typedef struct worker_start {
    slim_pool *pool;
    int index;
} worker_start;

SLIM_INTERNAL size_t slim_pool_bytes(int threads)
{
    if (threads < 2)
        return 0;
    return slim_align(sizeof(slim_pool) + (size_t)threads * (sizeof(pthread_t) + sizeof(worker_start)));
}

static void relax(unsigned spins)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
    if ((spins & 1023u) == 1023u)
        sched_yield();
}

static void work(slim_pool *pool, int worker)
{
    slim_task task = pool->task;
    void *context = pool->context;
    size_t tasks = pool->tasks;
    for (;;) {
        size_t index = __atomic_fetch_add(&pool->next, 1, __ATOMIC_RELAXED);
        if (index >= tasks)
            return;
        task(context, index, worker);
    }
}

/* Spin until there is a new job (1) or the inference is over (0). */
static int wait_for_job(slim_pool *pool, unsigned *ticket)
{
    for (unsigned spins = 0;; spins++) {
        unsigned now = __atomic_load_n(&pool->ticket, __ATOMIC_ACQUIRE);
        if (now != *ticket) {
            *ticket = now;
            return 1;
        }
        if (!__atomic_load_n(&pool->awake, __ATOMIC_ACQUIRE))
            return 0;
        relax(spins);
    }
}

static void *worker_main(void *argument)
{
    worker_start *start = (worker_start *)argument;
    slim_pool *pool = start->pool;
    unsigned ticket = 0;
    for (;;) {
        pthread_mutex_lock(&pool->mutex);
        while (!pool->running && !pool->stop)
            pthread_cond_wait(&pool->wake, &pool->mutex);
        int stop = pool->stop;
        pthread_mutex_unlock(&pool->mutex);
        if (stop)
            return NULL;
        while (wait_for_job(pool, &ticket)) {
            work(pool, start->index);
            __atomic_fetch_sub(&pool->busy, 1, __ATOMIC_RELEASE);
        }
    }
}

SLIM_INTERNAL slim_pool *slim_pool_start(void *memory, int threads)
{
    slim_pool *pool = (slim_pool *)memory;
    worker_start *starts;
    if (threads < 2)
        return NULL;
    slim_fill(pool, 0, slim_pool_bytes(threads));
    starts = (worker_start *)((unsigned char *)memory + slim_pool_bytes(threads) - (size_t)threads * sizeof *starts);
    starts = (worker_start *)((uintptr_t)starts & ~(uintptr_t)15);
    if (pthread_mutex_init(&pool->mutex, NULL) || pthread_cond_init(&pool->wake, NULL))
        return NULL;
    for (int i = 0; i < threads - 1; i++) {
        starts[i].pool = pool;
        starts[i].index = i + 1;
        if (pthread_create(&pool->threads[i], NULL, worker_main, &starts[i]))
            break;   /* the system has no more threads: fewer workers, same results */
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
    __atomic_store_n(&pool->awake, 0, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->workers; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
}

SLIM_INTERNAL void slim_pool_begin(slim_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    __atomic_store_n(&pool->awake, 1, __ATOMIC_RELEASE);
    pool->running = 1;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

SLIM_INTERNAL void slim_pool_end(slim_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->running = 0;
    pthread_mutex_unlock(&pool->mutex);
    __atomic_store_n(&pool->awake, 0, __ATOMIC_RELEASE);
}

SLIM_INTERNAL void slim_pool_run(slim_pool *pool, size_t tasks, slim_task task, void *context)
{
    pool->task = task;
    pool->context = context;
    pool->tasks = tasks;
    __atomic_store_n(&pool->next, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&pool->busy, pool->workers, __ATOMIC_RELAXED);
    __atomic_fetch_add(&pool->ticket, 1, __ATOMIC_RELEASE);
    work(pool, 0);
    for (unsigned spins = 0; __atomic_load_n(&pool->busy, __ATOMIC_ACQUIRE) > 0; spins++)
        relax(spins);
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
