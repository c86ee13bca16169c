/*
 * check.h - what the files of mbar check share: the bars looked at, the limits,
 * the findings.
 */
#ifndef MBAR_CLI_CHECK_H
#define MBAR_CLI_CHECK_H

#include "cli.h"
#include "times.h"

typedef enum check_kind {
    CHECK_UNSORTED = 0,
    CHECK_DUPLICATE,
    CHECK_GAP,
    CHECK_OFF_SESSION,
    CHECK_NULL,
    CHECK_NAN,
    CHECK_NON_POSITIVE,
    CHECK_HIGH_LOW,
    CHECK_OUTSIDE,
    CHECK_OFF_TICK,
    CHECK_JUMP,
    CHECK_CONTRACT_FLIP,
    CHECK_NEGATIVE_VOLUME,
    CHECK_ZERO_VOLUME,
    CHECK_VOLUME_SPIKE,
    CHECK_N_KINDS
} check_kind;

/* "gap"; Static. */
const char *check_kind_name(check_kind kind);
/* The kind named so; false when there is none. */
bool check_kind_parse(const char *name, check_kind *out);

/* ---- The bars ------------------------------------------------------------ */

enum { CHECK_OPEN = 0, CHECK_HIGH, CHECK_LOW, CHECK_CLOSE, CHECK_VOLUME, CHECK_N_SERIES };

/* Columns as doubles by row of the file; NULL where a column is absent. A file
 * with a "price" but no close is one of trades: price stands as close, size as
 * volume. */
typedef struct check_bars {
    int64_t n_rows;
    cli_times times;
    const double *series[CHECK_N_SERIES];
    mbar_buffer *buffers[CHECK_N_SERIES];
    const char *names[CHECK_N_SERIES]; /* the column's own; borrowed from table */
    bool is_float32[CHECK_N_SERIES];
    mbar_table *table; /* the columns looked at; the stamps are column 0 */
    bool are_trades;
    int64_t period_ns; /* 0: unknown */
} check_bars;

/* ---- The limits ---------------------------------------------------------- */

typedef enum check_calendar_kind {
    CALENDAR_AUTO = 0,
    CALENDAR_CME,
    CALENDAR_LEARNED,
    CALENDAR_NONE
} check_calendar_kind;

typedef struct check_limits {
    int calendar;       /* check_calendar_kind */
    int64_t gap_bars;   /* a gap misses more expected bars than this */
    int64_t gap_days;   /* up to this many days on end without a bar are holidays */
    double tick;        /* 0: inferred */
    double jump_factor; /* of the local range */
    int64_t flip_bars;  /* a jump and its reverse lie this close */
    double spike_z;     /* robust deviations of log volume */
    int64_t zero_bars;  /* a run of zero volume is at least this long */
    mbar_zone *zone;    /* of days, for the learned calendar */
    mbar_zone *new_york;
} check_limits;

/* ---- The findings -------------------------------------------------------- */

enum { CHECK_MAX_EXAMPLES = 20, CHECK_MAX_FINDINGS = 48, CHECK_DETAIL_BYTES = 112 };

typedef struct check_example {
    int64_t row; /* of the file */
    int64_t ns;  /* its stamp; has_time tells whether there is one */
    bool has_time;
    char detail[CHECK_DETAIL_BYTES];
} check_example;

typedef struct check_finding {
    check_kind kind;
    const char *column; /* NULL: the whole row */
    int64_t count;
    int n_examples;
    check_example examples[CHECK_MAX_EXAMPLES];
} check_finding;

typedef struct check_report {
    bool skip[CHECK_N_KINDS];
    int64_t max_examples;
    int n_findings;
    check_finding findings[CHECK_MAX_FINDINGS];
    char calendar[16]; /* the one used */
    double tick;       /* the one used; 0: none */
    bool tick_inferred;
} check_report;

/* One more finding of kind (in column) at a row; format NULL: no detail. */
void check_add(check_report *report, check_kind kind, const char *column, int64_t row,
               const char *format, ...) MBAR_PRINTF(5, 6);

/* ---- The checks ---------------------------------------------------------- */
/* Each adds what it finds; only a lack of memory fails. */

mbar_status check_stamps(const check_bars *bars, const check_limits *limits, check_report *report,
                         mbar_error *error);
mbar_status check_values(const check_bars *bars, const check_limits *limits, check_report *report,
                         mbar_error *error);
mbar_status check_jumps(const check_bars *bars, const check_limits *limits, check_report *report,
                        mbar_error *error);
mbar_status check_volume(const check_bars *bars, const check_limits *limits, check_report *report,
                         mbar_error *error);

/* Median of n values, which are put in another order; NaN for n 0. No NaN in. */
double check_median(double *values, int64_t n);

#endif
