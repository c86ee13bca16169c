/*
 * buckets.h - which rows of a series fall into which bucket of a resample.
 *
 * Buckets are [edge, next edge). Those of seconds, minutes and hours are equally
 * long and start at the local midnight of the first row's day; those of days
 * start at every n-th local midnight from there, wherever clock changes put it.
 */
#ifndef MILLIBAR_MARKET_BUCKETS_H
#define MILLIBAR_MARKET_BUCKETS_H

#include "market/series.h"

typedef struct mbar_bucket {
    int64_t label_ns; /* its edge */
    int64_t first;    /* row of the series; the next bucket's first ends it */
} mbar_bucket;

typedef struct mbar_buckets {
    mbar_bucket *items; /* n + 1: the last holds only the end row */
    int64_t n;          /* buckets with rows */
    int64_t end_ns;     /* edge after the last */
    bool has_gaps;      /* a bucket between the first and the last has no rows */
} mbar_buckets;

/* Assigns the rows of window; zone and every are how's, every at least 1. */
MBAR_MUST_USE mbar_status mbar_buckets_init(mbar_buckets *buckets, const mbar_series *series,
                                            mbar_window window, int64_t every, mbar_step step,
                                            const mbar_zone *zone, mbar_error *error);
void mbar_buckets_deinit(mbar_buckets *buckets);

#endif
