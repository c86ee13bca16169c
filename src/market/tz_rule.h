/*
 * tz_rule.h - the POSIX TZ string at the foot of a TZif file.
 *
 * "EST5EDT,M3.2.0,M11.1.0": a standard time and, where there is a rule, a
 * daylight saving time with the two days of the year on which it starts and
 * ends. RFC 9636's extensions (names in angle brackets, hours -167 to 167) are
 * taken in files of every version.
 */
#ifndef MILLIBAR_MARKET_TZ_RULE_H
#define MILLIBAR_MARKET_TZ_RULE_H

#include <millibar/base.h>

/* A moment that comes once a year, on the wall clock then in force. */
typedef struct mbar_tz_moment {
    enum { MBAR_TZ_JULIAN, MBAR_TZ_DAY, MBAR_TZ_MONTH } kind; /* Jn, n, Mm.w.d */
    int day;                                                  /* Jn 1..365, n 0..365, d 0..6 */
    int month, week;
    int32_t time_s; /* after that day's midnight */
} mbar_tz_moment;

typedef struct mbar_tz_period {
    const char *name; /* in the parsed text, not NUL-terminated */
    size_t name_bytes;
    int32_t offset_s; /* east of UTC */
} mbar_tz_period;

typedef struct mbar_tz_rule {
    mbar_tz_period standard;
    bool has_daylight;
    mbar_tz_period daylight; /* and below: only with has_daylight */
    mbar_tz_moment start, end;
} mbar_tz_rule;

/* Reads n_bytes of text. On failure returns false, and *at is the byte that
 * could not be read. rule points into text. */
bool mbar_tz_rule_parse(const char *text, size_t n_bytes, mbar_tz_rule *rule, size_t *at);

/* The moment in a year, as seconds since 1970 on the wall clock that stands
 * offset_s east of UTC, turned into UTC. */
int64_t mbar_tz_moment_in(const mbar_tz_moment *moment, int64_t year, int32_t offset_s);

#endif
