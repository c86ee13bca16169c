/*
 * millibar/market.h - what a table of bars means.
 *
 * Purpose: time zones, the bar series (sorted, labelled, with a period), what
 * of it is visible at a clock, windows, gap filling, resampling, sessions.
 *
 * Invariants
 *   - A series' times are strictly rising int64 nanoseconds UTC of bar OPEN.
 *   - No call that takes a clock (now_ns) can name a row beyond what the chosen
 *     policy shows at that clock: look-ahead is impossible by construction.
 *   - Zones and series are immutable and reference-counted; any thread may read.
 */
#ifndef MILLIBAR_MARKET_H
#define MILLIBAR_MARKET_H

#include <millibar/table.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Time zones ---------------------------------------------------------- */

typedef struct mbar_zone mbar_zone;

/*
 * A zone by IANA name, read from TZif: first the directory given to
 * mbar_zone_set_directory, if any, then the system's (/usr/share/zoneinfo and
 * the usual others). Cached: the second open costs a look-up. "UTC" and fixed
 * offsets ("+05:30", as Arrow writes them) need no file. MBAR_NOTFOUND;
 * MBAR_FORMAT; MBAR_UNSUPPORTED for zones that count leap seconds ("right/").
 * Names that climb out (".."), are absolute or empty are MBAR_INVALID.
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_zone_open(const char *name, mbar_zone **out,
                                                  mbar_error *error);
/* From TZif bytes (RFC 9636, versions 1 to 4), for tests and embedders. */
MBAR_API MBAR_MUST_USE mbar_status mbar_zone_from_tzif(const char *name, const void *data,
                                                       size_t n_bytes, mbar_zone **out,
                                                       mbar_error *error);
/* The directory of TZif files to ask before the system's (the tzdata package's);
 * NULL forgets it. Zones opened from now on come from it; those already handed
 * out stay as they are. Also empties the cache. */
MBAR_API void mbar_zone_set_directory(const char *directory);
MBAR_API mbar_zone *mbar_zone_ref(mbar_zone *zone);
MBAR_API void mbar_zone_unref(mbar_zone *zone);
MBAR_API const char *mbar_zone_name(const mbar_zone *zone);

/* Seconds east of UTC in force at ns. Before the first transition known, the
 * zone's first standard time (for most, its local mean time). */
MBAR_API int32_t mbar_zone_offset_s(const mbar_zone *zone, int64_t ns);
/* The zone's abbreviation at ns ("EST"); lives as long as the zone. */
MBAR_API const char *mbar_zone_abbreviation(const mbar_zone *zone, int64_t ns);
/* Wall clock at ns, as nanoseconds as if it were UTC; saturates at the ends. */
MBAR_API int64_t mbar_zone_to_local(const mbar_zone *zone, int64_t ns);

/* What to do with a wall clock that happens twice or never. */
typedef enum mbar_fold {
    MBAR_FOLD_EARLIER = 0, /* twice: the first; never: shifted forward to the jump's end */
    MBAR_FOLD_LATER,       /* twice: the second; never: likewise shifted forward */
    MBAR_FOLD_REFUSE       /* either: MBAR_INVALID */
} mbar_fold;
MBAR_API MBAR_MUST_USE mbar_status mbar_zone_from_local(const mbar_zone *zone, int64_t local_ns,
                                                        mbar_fold fold, int64_t *ns,
                                                        mbar_error *error);
/* First instant of the local calendar day that ns falls in, and of the next day
 * there is. Right for zones that change at midnight, days of 23 or 25 hours and
 * days left out. Held inside int64. */
MBAR_API int64_t mbar_zone_day_start(const mbar_zone *zone, int64_t ns);
MBAR_API int64_t mbar_zone_next_day(const mbar_zone *zone, int64_t ns);

/* ---- Time index ---------------------------------------------------------- */
/* Over n rising int64. Binary search: O(log n). */

/* First i with times[i] >= t; n if none. */
MBAR_API int64_t mbar_lower_bound(const int64_t *times, int64_t n, int64_t t);
/* First i with times[i] > t; n if none. */
MBAR_API int64_t mbar_upper_bound(const int64_t *times, int64_t n, int64_t t);
/* Last i with times[i] <= t; -1 if none. */
MBAR_API int64_t mbar_asof(const int64_t *times, int64_t n, int64_t t);

/* ---- Series -------------------------------------------------------------- */

/* The nominal step a series is declared with; lumibot's Data.timestep. */
typedef enum mbar_step {
    MBAR_STEP_SECOND = 0,
    MBAR_STEP_MINUTE,
    MBAR_STEP_HOUR,
    MBAR_STEP_DAY
} mbar_step;
MBAR_API const char *mbar_step_name(mbar_step step);
/* 1 s, 1 min, 1 h, 24 h in nanoseconds. */
MBAR_API int64_t mbar_step_ns(mbar_step step);

typedef enum mbar_label {
    MBAR_LABEL_OPEN = 0, /* a bar's stamp is its first instant */
    MBAR_LABEL_CLOSE     /* its last: period_ns is subtracted once, here */
} mbar_label;

typedef enum mbar_duplicates {
    MBAR_DUPLICATES_REFUSE = 0, /* MBAR_INVALID naming the first */
    MBAR_DUPLICATES_KEEP_FIRST,
    MBAR_DUPLICATES_KEEP_LAST
} mbar_duplicates;

typedef struct mbar_series_options {
    const char *time_column; /* NULL: the table's only TIMESTAMP column, else "timestamp",
                                "datetime", "time", "date" in that order, any case */
    int64_t period_ns;       /* 0: the most common spacing (mbar_series_period_ns) */
    mbar_step step;          /* nominal step, for the lumibot policy and day logic */
    mbar_label label;
    bool sort;                  /* true: unsorted rows are sorted (stable); false: MBAR_INVALID */
    mbar_duplicates duplicates; /* of time, after sorting */
    mbar_zone *zone;            /* for days and sessions; NULL: the time column's own, else UTC */
    mbar_zone *assume_zone;     /* places a time column without a zone; NULL: MBAR_INVALID there */
} mbar_series_options;
/* period 0, step minute, label open, no sorting, no duplicates, zones NULL. */
MBAR_API void mbar_series_options_init(mbar_series_options *options);

typedef struct mbar_series mbar_series;

/*
 * References table and zone; a sorted, zoned table of nanosecond opens is taken
 * without a copy. Null times and times outside int64 nanoseconds are
 * MBAR_INVALID naming the row. A table of no rows gives an empty series.
 * A wall clock without a zone is placed at the earlier of two instants, and at a
 * jump's end where the clock jumped over it. Closes are shifted by period_ns, or
 * by the inferred period (one bar alone tells none: MBAR_INVALID). The series'
 * table then has the instants, the zone and the order that the series has.
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_series_new(mbar_table *table,
                                                   const mbar_series_options *options,
                                                   mbar_series **out, mbar_error *error);
MBAR_API mbar_series *mbar_series_ref(mbar_series *series);
MBAR_API void mbar_series_unref(mbar_series *series);
MBAR_API int64_t mbar_series_rows(const mbar_series *series);
/* The rows as a table (time column included), in time order. Borrowed. */
MBAR_API mbar_table *mbar_series_table(const mbar_series *series);
/* Index of the time column in that table. */
MBAR_API int32_t mbar_series_time_column(const mbar_series *series);
/* rows opens, strictly rising, ns UTC. Borrowed. */
MBAR_API const int64_t *mbar_series_times(const mbar_series *series);
/* As given, else the most common spacing of neighbours (the smallest of equally
 * common ones), else, for fewer than two rows, the step. */
MBAR_API int64_t mbar_series_period_ns(const mbar_series *series);
MBAR_API mbar_step mbar_series_step(const mbar_series *series);
MBAR_API mbar_zone *mbar_series_zone(const mbar_series *series);
/* Column of a price field by its usual name in any case ("close", "Close"), or
 * -1. */
MBAR_API int32_t mbar_series_find(const mbar_series *series, const char *name);

/* ---- Visibility and windows ---------------------------------------------- */

typedef enum mbar_policy {
    /* A bar shows once it has closed: open + period <= now. Day series count the
     * period on the zone's wall clock: a day of 25 hours hides its bar to its end. */
    MBAR_POLICY_STRICT = 0,
    /* lumibot 4.6.30's PandasData: the bar labelled now is hidden while it may
     * still form, a negative shift reaches past it, a shift counts rows. */
    MBAR_POLICY_LUMIBOT
} mbar_policy;

/* Rows [first, first + n_rows) of a series. */
typedef struct mbar_window {
    int64_t first;
    int64_t n_rows;
} mbar_window;

/*
 * The latest length rows visible at now_ns, moved back by shift rows. Fewer
 * where history is short; n_rows 0 where there is none (lumibot: None).
 * STRICT: length < 1 or shift < 0 is MBAR_INVALID.
 * LUMIBOT: end = i (+1 when bar i has closed and shift >= 0) - shift, i the
 * last row <= now; day series: end = i + 1 - shift. Bounds are clamped as
 * lumibot does; a length below 1 yields the one row before the end, if any.
 * O(log rows), no allocation.
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_series_window(const mbar_series *series, mbar_policy policy,
                                                      int64_t now_ns, int64_t length, int64_t shift,
                                                      mbar_window *out, mbar_error *error);
/* Rows with from_ns <= open < to_ns. */
MBAR_API mbar_window mbar_series_between(const mbar_series *series, int64_t from_ns, int64_t to_ns);

/* Whether the last intraday bar at or before now has closed. */
typedef enum mbar_bar_state {
    MBAR_BAR_NONE = 0, /* no bar at or before now, or not an intraday series */
    MBAR_BAR_FORMING,
    MBAR_BAR_CLOSED
} mbar_bar_state;
/* *row: the last row with open <= now, -1 for none. Closed when open +
 * max(nominal step, most common intraday spacing) <= now (lumibot's rule; a
 * spacing is intraday within one local date of the zone, or up to one hour). */
MBAR_API mbar_bar_state mbar_series_state(const mbar_series *series, int64_t now_ns, int64_t *row);

/* ---- Gap filling --------------------------------------------------------- */

/*
 * lumibot's minute grid (PandasData.clean_trading_times): for each local date
 * of zone that has a row in any of the series, every minute from the first to
 * the last stamp of that date. Minutes are counted from the very first stamp of
 * all, so stamps off that beat are not on the grid. Stamps after end_ns are
 * dropped. step other than minute: the union of the stamps up to end_ns.
 * The result is a TIMESTAMP[ns, UTC] column named "timestamp", rising.
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_grid_new(mbar_series *const *series, int32_t n_series,
                                                 mbar_step step, const mbar_zone *zone,
                                                 int64_t end_ns, mbar_column **out,
                                                 mbar_error *error);
/*
 * The series on grid's stamps between its own first and last: a stamp takes the
 * row at or before it whole, volume included (Data.repair_times_and_fill). Then
 * lumibot's repairs, where missing means null or NaN:
 *   - volume, dividend, stock_splits: 0;
 *   - close and every column not named here: filled forward;
 *   - open, high, low: the close;
 *   - bid, ask, bid_size, ask_size: filled forward within stretches of grid
 *     without a gap of more than two hours; the first row after such a gap keeps
 *     a quote only where its stamp is the series' own. Day series: left alone;
 *   - last_bid_time, last_ask_time: the time that came with the quote shown.
 * Names count in any case for open, high, low, close, volume, exactly for the
 * others. Column types are kept, except that an integer quote with a hole
 * becomes float64, as in pandas. (pandas also widens a float32 price filled from
 * a float64 close; here it is rounded.) What stays missing is NaN in a float
 * column and null in others. Columns that are not there are not added.
 * The result's period is a minute for minute series, the source's otherwise;
 * STRICT shows a repeated row when the bar it repeats would have closed.
 * grid: timestamps of any unit, rising, no nulls (else MBAR_INVALID).
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_series_fill(mbar_series *series, const mbar_column *grid,
                                                    mbar_series **out, mbar_error *error);

/* (close - previous close) / previous close over n rows; row 0 NaN. out may
 * not overlap close. IEEE double, no contraction: lumibot's "return". */
MBAR_API void mbar_returns(const double *close, int64_t n, double *out);

/* ---- Resampling ---------------------------------------------------------- */

typedef enum mbar_agg {
    MBAR_AGG_FIRST = 0,
    MBAR_AGG_MAX,
    MBAR_AGG_MIN,
    MBAR_AGG_LAST,
    MBAR_AGG_SUM /* compensated (Kahan) over doubles, as pandas sums groups */
} mbar_agg;

/*
 * Buckets of `every` steps, labelled and closed left. Intraday buckets are
 * lengths of time from the local midnight of the first row's day (pandas
 * origin="start_day") and march on over clock changes; day buckets start at every
 * n-th local midnight from there (where the clock shows it twice the first, where
 * it shows none the jump's end). NaN and null are skipped; a bucket whose
 * aggregate is NaN in any column is dropped (pandas dropna), and so are buckets
 * without rows.
 */
typedef struct mbar_resample {
    int64_t every; /* >= 1 */
    mbar_step step;
    mbar_zone *zone;   /* NULL: the series' own */
    bool drop_partial; /* drop a last bucket that ends after the last row's open + period */
} mbar_resample;

/*
 * Aggregation by column name, in this order: open first, high max, low min, close
 * last, volume sum (these in any case), dividend sum, stock_splits max; every
 * other column is left out, and one of these that is no number is MBAR_INVALID.
 * Values and types are those of pandas 2.3.3: integers stay integers, but become
 * float64 in all but sums where a bucket in between has no rows, and a sum of
 * int32 that does not fit becomes int64; integers with nulls are float64 from the
 * start. window is a range of series' rows. The result's period is every * step.
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_series_resample(const mbar_series *series,
                                                        mbar_window window,
                                                        const mbar_resample *how, mbar_series **out,
                                                        mbar_error *error);

/* ---- Joining --------------------------------------------------------------- */

/* Which instants of two series meet. */
typedef enum mbar_asof_on {
    /* Opens, or the stamps of what has no length, such as trades: pandas' merge_asof and Polars'
     * join_asof. A bar found so may still be forming. */
    MBAR_ASOF_OPEN = 0,
    /* Closes (open + period, days on the zone's wall clock): what had closed when the row itself
     * closes, so that nothing is known before its time. */
    MBAR_ASOF_CLOSE
} mbar_asof_on;

typedef struct mbar_asof_join {
    mbar_asof_on on;
    int64_t tolerance_ns; /* a match further back is none; INT64_MAX: any */
    const char *suffix;   /* for names of right that left has too */
} mbar_asof_join;
/* On opens, any distance, "_right". */
MBAR_API void mbar_asof_join_init(mbar_asof_join *how);

/*
 * left's columns as they are and, beside them, those of the last row of right at
 * or before each row's instant; null where there is none. right's time column is
 * left out where it has the name of left's. A name that is there twice even with
 * the suffix, or a negative tolerance, is MBAR_INVALID. O(rows of both).
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_series_join_asof(const mbar_series *left,
                                                         const mbar_series *right,
                                                         const mbar_asof_join *how,
                                                         mbar_table **out, mbar_error *error);

/* ---- Sessions ------------------------------------------------------------ */

/* Whether ns is inside a CME equity-index futures session: Sunday to Friday
 * 18:00-17:00 New York less the daily 17:00-18:00 halt, holidays and early closes
 * by today's standing rules of the exchange, for any year. Single closures (days
 * of mourning, outages) and the hours before September 2015 are not known.
 * zone is America/New_York. */
MBAR_API bool mbar_session_cme_open(const mbar_zone *new_york, int64_t ns);

#ifdef __cplusplus
}
#endif
#endif
