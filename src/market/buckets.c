/*
 * buckets.c - the edges of a resample, and the rows between them.
 *
 * The edges are those of pandas' resample with origin "start_day": an intraday
 * frequency is a length of time, so its edges march on over clock changes; a
 * frequency of days is a number of dates, so its edges are local midnights (the
 * first where the clock shows one twice, the jump's end where it shows none).
 *
 * Rows rise, so one pass finds each bucket and skips the empty ones without
 * visiting them. Cost O(rows).
 */
#include "market/buckets.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/civil.h"
#include "market/zone.h"

/* How edges are numbered; edge k of an intraday frequency is origin + k width. */
typedef struct edges {
    const mbar_zone *zone;
    bool days;
    int64_t every;     /* days a bucket */
    int64_t first_day; /* of edge 0 */
    int64_t origin_ns;
    int64_t width_ns;
} edges;

static int64_t edge_ns(const edges *e, int64_t k)
{
    int64_t steps, day, ns;
    if (!e->days) {
        return mbar_mul_i64(k, e->width_ns, &steps) && mbar_add_i64(e->origin_ns, steps, &ns)
                   ? ns
                   : INT64_MAX;
    }
    if (!mbar_mul_i64(k, e->every, &steps) || !mbar_add_i64(e->first_day, steps, &day)) {
        return INT64_MAX;
    }
    return mbar_zone_midnight(e->zone, day, MBAR_FOLD_EARLIER);
}

/* The bucket that ns, not before edge 0, falls in. */
static int64_t bucket_of(const edges *e, mbar_zone_cursor *cursor, int64_t ns)
{
    if (!e->days) {
        return (int64_t)(((uint64_t)ns - (uint64_t)e->origin_ns) / (uint64_t)e->width_ns);
    }
    int64_t k = (mbar_zone_cursor_day(cursor, ns) - e->first_day) / e->every;
    /* A clock set back over midnight shows an earlier date after the edge. */
    return edge_ns(e, k + 1) <= ns ? k + 1 : k;
}

static mbar_status edges_init(edges *e, int64_t first_ns, int64_t every, mbar_step step,
                              const mbar_zone *zone, mbar_error *error)
{
    mbar_zone_cursor cursor = {zone, 1, 0, 0};
    *e = (edges){.zone = zone, .days = step == MBAR_STEP_DAY, .every = every};
    e->first_day = mbar_zone_cursor_day(&cursor, first_ns);
    if (!mbar_mul_i64(every, mbar_step_ns(step), &e->width_ns)) {
        return mbar_error_set(error, MBAR_INVALID,
                              "buckets of %lld %ss are longer than time itself", (long long)every,
                              mbar_step_name(step));
    }
    e->origin_ns = mbar_zone_day_start(zone, first_ns);
    return MBAR_OK;
}

static mbar_status grow(mbar_bucket **items, int64_t *capacity, mbar_error *error)
{
    int64_t larger = *capacity * 2;
    if (!mbar_resize_array((void **)items, (size_t)*capacity, (size_t)larger, sizeof **items,
                           error)) {
        return MBAR_NOMEM;
    }
    *capacity = larger;
    return MBAR_OK;
}

static mbar_status assign(mbar_buckets *b, const edges *e, const int64_t *times, mbar_window window,
                          mbar_error *error)
{
    mbar_zone_cursor cursor = {e->zone, 1, 0, 0};
    int64_t capacity = 64;
    int64_t expected =
        e->days || window.n_rows == 0 ? 0 : bucket_of(e, &cursor, times[window.first]);
    b->items = mbar_alloc_array((size_t)capacity, sizeof *b->items, error);
    if (b->items == NULL) {
        return MBAR_NOMEM;
    }
    b->end_ns = INT64_MIN;
    int64_t end = window.first + window.n_rows;
    for (int64_t row = window.first; row < end; row++) {
        if (b->n > 0 && (times[row] < b->end_ns || b->end_ns == INT64_MAX)) {
            continue;
        }
        if (b->n + 2 > capacity && grow(&b->items, &capacity, error) != MBAR_OK) {
            return MBAR_NOMEM;
        }
        int64_t k = bucket_of(e, &cursor, times[row]);
        b->has_gaps |= k > expected;
        expected = k + 1;
        b->items[b->n++] = (mbar_bucket){edge_ns(e, k), row};
        b->end_ns = edge_ns(e, k + 1);
    }
    b->items[b->n] = (mbar_bucket){b->end_ns, end};
    return MBAR_OK;
}

mbar_status mbar_buckets_init(mbar_buckets *buckets, const mbar_series *series, mbar_window window,
                              int64_t every, mbar_step step, const mbar_zone *zone,
                              mbar_error *error)
{
    edges e;
    *buckets = (mbar_buckets){0};
    int64_t first_ns = window.n_rows > 0 ? series->times[window.first] : 0;
    mbar_status status = edges_init(&e, first_ns, every, step, zone, error);
    if (status == MBAR_OK) {
        status = assign(buckets, &e, series->times, window, error);
    }
    if (status != MBAR_OK) {
        mbar_buckets_deinit(buckets);
    }
    return status;
}

void mbar_buckets_deinit(mbar_buckets *buckets)
{
    mbar_free(buckets->items);
    buckets->items = NULL;
}
