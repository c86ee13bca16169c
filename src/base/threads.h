/*
 * threads.h - how many processors there are, and a loop over them.
 */
#ifndef MILLIBAR_BASE_THREADS_H
#define MILLIBAR_BASE_THREADS_H

#include <millibar/base.h>

/* Processors this process may run on, at least 1. */
int32_t mbar_cpu_count(void);

/*
 * Calls fn(ctx, i, error) for every i in [0, n), on up to n_threads threads of
 * which the caller's is one; inline, in order, when either is at most 1. Calls
 * start in rising order of i. After a failure no new call starts, and the
 * failure of the smallest i is the one returned, so the outcome does not
 * depend on the number of threads.
 */
mbar_status mbar_parallel_for(int64_t n, int32_t n_threads,
                              mbar_status (*fn)(void *ctx, int64_t i, mbar_error *error), void *ctx,
                              mbar_error *error);

#endif
