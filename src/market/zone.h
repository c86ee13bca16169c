/*
 * zone.h - a zone as the market module sees it inside.
 *
 * A zone is a list of spans that cover all of int64 nanoseconds: from_ns[0] is
 * INT64_MIN, and a footer rule has been written out as spans to the end of the
 * range (year 2262). So every question is one binary search, and no rule is
 * evaluated after loading. A zone with yearly rules has some 600 spans, about
 * 10 KiB.
 */
#ifndef MILLIBAR_MARKET_ZONE_H
#define MILLIBAR_MARKET_ZONE_H

#include <millibar/market.h>

#include "base/civil.h"

#include <stdatomic.h>

typedef struct mbar_zone_span {
    int64_t from_ns;      /* first instant; the next span's from_ns ends it */
    int32_t offset_s;     /* east of UTC */
    int32_t abbreviation; /* byte in text */
} mbar_zone_span;

struct mbar_zone {
    atomic_int n_refs;
    char *name;
    char *text; /* the abbreviations, each NUL-terminated */
    int64_t n_spans;
    mbar_zone_span *spans;
};

/* Fills spans and text of a zone that has neither. On failure zone is as it was. */
mbar_status mbar_zone_read_tzif(mbar_zone *zone, const void *data, size_t n_bytes,
                                mbar_error *error);

/* Index of the span that ns falls in. O(log n). */
int64_t mbar_zone_find(const mbar_zone *zone, int64_t ns);

/* The instant of local midnight on a day (since 1970-01-01), held inside int64. */
int64_t mbar_zone_midnight(const mbar_zone *zone, int64_t day, mbar_fold fold);

/*
 * A walk over rising instants: asks the zone only when a span ends. Start it
 * with {zone, 1, 0, 0}, an empty span.
 */
typedef struct mbar_zone_cursor {
    const mbar_zone *zone;
    int64_t first_ns, last_ns; /* of the span, both inside it */
    int64_t offset_ns;
} mbar_zone_cursor;

void mbar_zone_cursor_seek(mbar_zone_cursor *cursor, int64_t ns);

/* Wall-clock day number (days since 1970-01-01) at ns. */
static inline int64_t mbar_zone_cursor_day(mbar_zone_cursor *cursor, int64_t ns)
{
    if (ns < cursor->first_ns || ns > cursor->last_ns) {
        mbar_zone_cursor_seek(cursor, ns);
    }
    /* Offsets are whole seconds, so dividing first cannot overflow. */
    int64_t second = mbar_floor_div(ns, MBAR_SECOND_NS) + cursor->offset_ns / MBAR_SECOND_NS;
    return mbar_floor_div(second, 86400);
}

#endif
