/*
 * series.h - a series as the market module sees it inside.
 */
#ifndef MILLIBAR_MARKET_SERIES_H
#define MILLIBAR_MARKET_SERIES_H

#include <millibar/market.h>

#include <stdatomic.h>

struct mbar_series {
    atomic_int n_refs;
    mbar_table *table;
    int32_t time_column;
    int64_t n_rows;
    const int64_t *times;     /* in one of the next two, or the table's time column */
    mbar_buffer *time_values; /* or NULL */
    mbar_column *time_cast;   /* or NULL */
    int64_t period_ns;
    int64_t closes_ns;   /* STRICT: a bar has closed this long after its open */
    int64_t intraday_ns; /* LUMIBOT: the same, by its own rule; 0 for day series */
    mbar_step step;
    mbar_zone *zone;
};

/* Times made ready for a series: sorted, shifted to opens, in nanoseconds. */
typedef struct mbar_ready_rows {
    mbar_table *table;
    int32_t time_column;
    const int64_t *times;     /* in one of the next two, or the table's time column */
    mbar_buffer *time_values; /* or NULL */
    mbar_column *time_cast;   /* or NULL */
    int64_t period_ns;        /* 0: not known yet */
} mbar_ready_rows;

/* What mbar_series_new does to rows: finds and checks the time column, sorts,
 * drops duplicates, infers the period, shifts closes to opens. out's members
 * are the caller's references; mbar_ready_rows_deinit drops them. */
MBAR_MUST_USE mbar_status mbar_series_prepare(mbar_table *table, const mbar_series_options *options,
                                              mbar_ready_rows *out, mbar_error *error);

void mbar_ready_rows_deinit(mbar_ready_rows *rows);

/* A series of ready rows, whose references it takes over on MBAR_OK. An unknown
 * period becomes the most common spacing, or the step where there is none.
 * closes_ns 0: the period. */
MBAR_MUST_USE mbar_status mbar_series_from_rows(mbar_ready_rows *rows, mbar_step step,
                                                mbar_zone *zone, int64_t closes_ns,
                                                mbar_series **out, mbar_error *error);

/* mbar_series_window for who knows where the clock is in the series. at: STRICT, how many rows
 * have closed; LUMIBOT, the last row with open <= now_ns, -1 for none. O(1). */
MBAR_MUST_USE mbar_status mbar_series_window_at(const mbar_series *series, mbar_policy policy,
                                                int64_t at, int64_t now_ns, int64_t length,
                                                int64_t shift, mbar_window *out,
                                                mbar_error *error);

/* The instant length_ns after row's open: on the zone's wall clock for a day
 * series, where a day may have 23 or 25 hours. INT64_MAX where it lies beyond. */
int64_t mbar_series_end_ns(const mbar_series *series, int64_t row, int64_t length_ns);

/*
 * The most common difference of neighbours, the smallest of equally common
 * ones, 0 for fewer than two times: of all neighbours (*common_ns), and of those
 * no more than an hour apart or on one local date of zone (*intraday_ns; both
 * NULL: not wanted). Times rise strictly. O(n) time; memory for as many numbers as there are
 * differences.
 */
MBAR_MUST_USE mbar_status mbar_spacing(const int64_t *times, int64_t n, const mbar_zone *zone,
                                       int64_t *common_ns, int64_t *intraday_ns, mbar_error *error);

#endif
