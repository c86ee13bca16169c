/*
 * check_calendar.h - when bars are expected, so that a night or a weekend is
 * not called a gap.
 */
#ifndef MBAR_CLI_CHECK_CALENDAR_H
#define MBAR_CLI_CHECK_CALENDAR_H

#include "check.h"

enum { CALENDAR_CELLS = 96 }; /* quarters of an hour in a day */

typedef struct check_calendar {
    check_calendar_kind kind; /* never AUTO */
    const mbar_zone *zone;    /* of days and cells; NULL: UTC */
    int64_t period_ns;
    int64_t gap_days;
    bool open[7][CALENDAR_CELLS]; /* LEARNED, intraday: by local weekday, Sunday 0 */
    bool weekday[7];              /* LEARNED: days that have bars at all */
} check_calendar;

/* Chooses (for AUTO) and learns. */
void check_calendar_init(check_calendar *calendar, const check_bars *bars,
                         const check_limits *limits);
/* "cme", "learned", "none". Static. */
const char *check_calendar_name(const check_calendar *calendar);
/* Bars expected strictly between two neighbouring stamps, a < b. */
int64_t check_calendar_missing(const check_calendar *calendar, int64_t a, int64_t b);

#endif
