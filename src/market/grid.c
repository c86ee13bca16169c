/*
 * grid.c - the stamps that gap filling puts bars on.
 *
 * The stamps of all series are merged into one rising list (runs merged in
 * pairs, O(n log series)); for minutes, each local date found in it then gives
 * every whole minute, counted from the very first stamp, between the date's
 * first and last. So the cost and the size follow the dates that have bars, not
 * the span: at most 1,500 stamps a date.
 */
#include "base/alloc.h"
#include "base/checked.h"
#include "market/columns.h"
#include "market/series.h"

#include <assert.h>
#include <string.h>

/* ---- The union ----------------------------------------------------------------- */

typedef struct runs {
    int64_t *values, *spare; /* both of the length of all series together */
    int64_t *ends;           /* of each run in values; runs lie end to end */
    int32_t n_runs;
} runs;

static void runs_deinit(runs *r)
{
    mbar_free(r->values);
    mbar_free(r->spare);
    mbar_free(r->ends);
}

static mbar_status runs_init(runs *r, mbar_series *const *series, int32_t n_series,
                             mbar_error *error)
{
    int64_t n = 0;
    for (int32_t i = 0; i < n_series; i++) {
        if (!mbar_add_i64(n, series[i]->n_rows, &n)) {
            return mbar_error_set(error, MBAR_NOMEM, "more rows than memory can hold");
        }
    }
    r->values = mbar_alloc_array((size_t)n, sizeof *r->values, error);
    r->spare = mbar_alloc_array((size_t)n, sizeof *r->spare, error);
    r->ends = mbar_alloc_array((size_t)n_series, sizeof *r->ends, error);
    r->n_runs = n_series;
    if (r->values == NULL || r->spare == NULL || r->ends == NULL) {
        return MBAR_NOMEM;
    }
    int64_t end = 0;
    for (int32_t i = 0; i < n_series; i++) {
        if (series[i]->n_rows > 0) {
            memcpy(r->values + end, series[i]->times,
                   (size_t)series[i]->n_rows * sizeof *r->values);
        }
        end += series[i]->n_rows;
        r->ends[i] = end;
    }
    return MBAR_OK;
}

/* Merges two rising runs, equal values once; returns how many were written. */
static int64_t merge_runs(const int64_t *a, const int64_t *a_end, const int64_t *b,
                          const int64_t *b_end, int64_t *to)
{
    int64_t *next = to;
    while (a < a_end && b < b_end) {
        int64_t value = *a < *b ? *a : *b;
        a += *a == value;
        b += *b == value;
        *next++ = value;
    }
    for (; a < a_end; a++) {
        *next++ = *a;
    }
    for (; b < b_end; b++) {
        *next++ = *b;
    }
    return next - to;
}

/* Merges runs in pairs until one is left; returns its length. */
static int64_t runs_merge(runs *r)
{
    while (r->n_runs > 1) {
        int64_t first = 0, end = 0;
        int32_t n = 0;
        for (int32_t i = 0; i < r->n_runs; i += 2) {
            int64_t middle = r->ends[i];
            int64_t last = i + 1 < r->n_runs ? r->ends[i + 1] : middle;
            end += merge_runs(r->values + first, r->values + middle, r->values + middle,
                              r->values + last, r->spare + end);
            r->ends[n++] = end;
            first = last;
        }
        int64_t *swapped = r->values;
        r->values = r->spare;
        r->spare = swapped;
        r->n_runs = n;
    }
    return r->n_runs == 0 ? 0 : r->ends[0];
}

/* ---- Minutes --------------------------------------------------------------------- */

/* A walk over the local dates of rising times. */
typedef struct date_walk {
    const mbar_zone *zone;
    const int64_t *times;
    int64_t n, at;
    int64_t end_ns; /* no minute after it */
} date_walk;

/* The minutes of the next date, numbered from times[0]: *first to *last, none
 * where *last < *first. False after the last date. */
static bool next_date(date_walk *walk, int64_t *first, int64_t *last)
{
    if (walk->at >= walk->n) {
        return false;
    }
    int64_t from_ns = walk->times[walk->at];
    int64_t day_end_ns = mbar_zone_next_day(walk->zone, from_ns);
    int64_t rest = walk->n - walk->at;
    int64_t n_date = mbar_lower_bound(walk->times + walk->at, rest, day_end_ns);
    /* At the end of int64 a day has no next: take what is left as one date. */
    n_date = n_date > 0 ? n_date : rest;
    int64_t to_ns = walk->times[walk->at + n_date - 1];
    walk->at += n_date;
    to_ns = to_ns < walk->end_ns ? to_ns : walk->end_ns;

    uint64_t anchor = (uint64_t)walk->times[0];
    uint64_t minute = (uint64_t)MBAR_MINUTE_NS;
    uint64_t from = (uint64_t)from_ns - anchor;
    *first = (int64_t)(from / minute + (from % minute != 0));
    *last = to_ns < from_ns ? *first - 1 : (int64_t)(((uint64_t)to_ns - anchor) / minute);
    return true;
}

static mbar_status minute_stamps(date_walk walk, int64_t **out, int64_t *n_out, mbar_error *error)
{
    int64_t n = 0, first, last;
    for (date_walk count = walk; next_date(&count, &first, &last);) {
        n += last >= first ? last - first + 1 : 0;
    }
    int64_t *stamps = mbar_alloc_array((size_t)n, sizeof *stamps, error);
    if (stamps == NULL) {
        return MBAR_NOMEM;
    }
    int64_t at = 0;
    while (next_date(&walk, &first, &last)) {
        for (int64_t k = first; k <= last; k++) {
            stamps[at++] =
                (int64_t)((uint64_t)walk.times[0] + (uint64_t)k * (uint64_t)MBAR_MINUTE_NS);
        }
    }
    *out = stamps;
    *n_out = n;
    return MBAR_OK;
}

/* ---- Public ---------------------------------------------------------------------- */

mbar_status mbar_grid_new(mbar_series *const *series, int32_t n_series, mbar_step step,
                          const mbar_zone *zone, int64_t end_ns, mbar_column **out,
                          mbar_error *error)
{
    assert((series != NULL || n_series == 0) && n_series >= 0 && zone != NULL && out != NULL);
    static const mbar_field field = {
        .name = "timestamp", .type = MBAR_TYPE_TIMESTAMP, .unit = MBAR_UNIT_NS, .zone = "UTC"};
    runs r = {0};
    int64_t *minutes = NULL;
    mbar_status status = runs_init(&r, series, n_series, error);
    if (status != MBAR_OK) {
        goto done;
    }
    int64_t n = runs_merge(&r);
    const int64_t *stamps = r.values;
    if (step == MBAR_STEP_MINUTE) {
        date_walk walk = {.zone = zone, .times = r.values, .n = n, .end_ns = end_ns};
        status = minute_stamps(walk, &minutes, &n, error);
        stamps = minutes;
    } else {
        n = mbar_upper_bound(r.values, n, end_ns);
    }
    if (status == MBAR_OK) {
        status = mbar_time_column_new(&field, MBAR_UNIT_NS, "UTC", stamps, n, out, error);
    }
done:
    mbar_free(minutes);
    runs_deinit(&r);
    return status;
}
