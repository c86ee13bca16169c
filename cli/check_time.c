/* check_time.c - stamps: order, repetition, gaps, sessions. */
#include <inttypes.h>
#include <string.h>

#include "check_calendar.h"
#include "output.h"

/* Steps back in file order. */
static void check_order(const check_bars *bars, check_report *report)
{
    const cli_times *times = &bars->times;
    if (times->n_unsorted == 0) {
        return;
    }
    const mbar_column *stamps = mbar_table_column(bars->table, 0);
    const int64_t *values = mbar_column_values(stamps);
    int64_t previous = -1;
    for (int64_t row = 0; row < bars->n_rows; row++) {
        if (!mbar_column_is_valid(stamps, row)) {
            continue;
        }
        if (previous >= 0 && values[row] < values[previous]) {
            check_add(report, CHECK_UNSORTED, NULL, row, "earlier than row %" PRId64, previous);
        }
        previous = row;
    }
}

static bool same_values(const check_bars *bars, int64_t a, int64_t b)
{
    for (int i = 0; i < CHECK_N_SERIES; i++) {
        const double *values = bars->series[i];
        if (values != NULL && memcmp(&values[a], &values[b], sizeof *values) != 0) {
            return false;
        }
    }
    return true;
}

static void check_duplicates(const check_bars *bars, check_report *report)
{
    const cli_times *times = &bars->times;
    for (int64_t i = 1; i < times->n && times->n_duplicates > 0; i++) {
        if (times->ns[i] == times->ns[i - 1]) {
            int64_t row = times->rows[i], before = times->rows[i - 1];
            check_add(report, CHECK_DUPLICATE, NULL, row,
                      "same stamp as row %" PRId64 ", %s values", before,
                      same_values(bars, row, before) ? "same" : "other");
        }
    }
}

static void check_gaps(const check_bars *bars, const check_calendar *calendar, int64_t limit,
                       check_report *report)
{
    const cli_times *times = &bars->times;
    for (int64_t i = 1; i < times->n; i++) {
        int64_t missing = check_calendar_missing(calendar, times->ns[i - 1], times->ns[i]);
        if (missing > limit) {
            char next[CLI_VALUE_BYTES];
            cli_format_time(times->ns[i], NULL, next);
            check_add(report, CHECK_GAP, NULL, times->rows[i - 1],
                      "%" PRId64 " bars missing, next at %s", missing, next);
        }
    }
}

static void check_sessions(const check_bars *bars, const mbar_zone *new_york, check_report *report)
{
    const cli_times *times = &bars->times;
    for (int64_t i = 0; i < times->n; i++) {
        if (!mbar_session_cme_open(new_york, times->ns[i])) {
            check_add(report, CHECK_OFF_SESSION, NULL, times->rows[i], "while CME is closed");
        }
    }
}

mbar_status check_stamps(const check_bars *bars, const check_limits *limits, check_report *report,
                         mbar_error *error)
{
    check_calendar calendar;
    (void)error;
    strcpy(report->calendar, "none");
    check_order(bars, report);
    if (bars->are_trades) {
        return MBAR_OK; /* trades share stamps and come when they come */
    }
    check_duplicates(bars, report);
    if (bars->period_ns > 0) {
        bool daily = bars->period_ns >= MBAR_DAY_NS;
        check_calendar_init(&calendar, bars, limits);
        strcpy(report->calendar, check_calendar_name(&calendar));
        int64_t limit = !daily                           ? limits->gap_bars
                        : bars->period_ns == MBAR_DAY_NS ? limits->gap_days
                                                         : 0;
        check_gaps(bars, &calendar, limit, report);
        if (calendar.kind == CALENDAR_CME) {
            check_sessions(bars, limits->new_york, report);
        }
    }
    return MBAR_OK;
}
