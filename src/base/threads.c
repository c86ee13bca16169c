/*
 * threads.c - a parallel loop without a standing pool.
 *
 * Threads are made for one loop and joined at its end: a few tens of
 * microseconds, which the loops here (a row group, a file) do not feel, and no
 * state that must survive a fork. Iterations are handed out one at a time from
 * a shared counter, in rising order. That order is what makes the error
 * deterministic: when iteration i fails, every smaller one has already started
 * and will report its own failure.
 *
 * A thread that cannot be made is done without: the caller's own always runs.
 */
#include "base/threads.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#define MAX_THREADS 64

typedef struct loop {
    mbar_status (*fn)(void *ctx, int64_t i, mbar_error *error);
    void *ctx;
    int64_t n;
    atomic_int_least64_t next;
    atomic_bool failed;
    pthread_mutex_t mutex; /* guards what follows */
    int64_t failed_at;     /* n while nothing has failed */
    mbar_status status;
    mbar_error error;
} loop;

int32_t mbar_cpu_count(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < INT32_MAX ? (int32_t)n : 1;
}

static void record_failure(loop *shared, int64_t i, mbar_status status, const mbar_error *error)
{
    atomic_store(&shared->failed, true);
    pthread_mutex_lock(&shared->mutex);
    if (i < shared->failed_at) {
        shared->failed_at = i;
        shared->status = status;
        shared->error = *error;
    }
    pthread_mutex_unlock(&shared->mutex);
}

static void *run(void *arg)
{
    loop *shared = arg;
    while (!atomic_load(&shared->failed)) {
        int64_t i = atomic_fetch_add(&shared->next, 1);
        if (i >= shared->n)
            break;
        mbar_error error;
        mbar_error_init(&error);
        mbar_status status = shared->fn(shared->ctx, i, &error);
        if (status != MBAR_OK)
            record_failure(shared, i, status, &error);
    }
    return NULL;
}

static mbar_status run_inline(int64_t n, mbar_status (*fn)(void *, int64_t, mbar_error *),
                              void *ctx, mbar_error *error)
{
    for (int64_t i = 0; i < n; i++) {
        mbar_status status = fn(ctx, i, error);
        if (status != MBAR_OK)
            return status;
    }
    return MBAR_OK;
}

mbar_status mbar_parallel_for(int64_t n, int32_t n_threads,
                              mbar_status (*fn)(void *ctx, int64_t i, mbar_error *error), void *ctx,
                              mbar_error *error)
{
    assert(n >= 0 && fn);
    if (n_threads > MAX_THREADS)
        n_threads = MAX_THREADS;
    if (n_threads > n)
        n_threads = (int32_t)n;
    if (n_threads <= 1)
        return run_inline(n, fn, ctx, error);

    loop shared = {.fn = fn, .ctx = ctx, .n = n, .failed_at = n};
    pthread_mutex_init(&shared.mutex, NULL);
    pthread_t threads[MAX_THREADS];
    int32_t n_made = 0;
    while (n_made < n_threads - 1 && pthread_create(&threads[n_made], NULL, run, &shared) == 0)
        n_made++;
    run(&shared);
    for (int32_t i = 0; i < n_made; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&shared.mutex);
    if (shared.failed_at < n && error)
        *error = shared.error;
    return shared.status;
}
