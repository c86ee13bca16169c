/*
 * weekday.h - days of the week over base/civil.h's day numbers, which is how
 * zone rules and exchange holidays name their dates.
 */
#ifndef MILLIBAR_MARKET_WEEKDAY_H
#define MILLIBAR_MARKET_WEEKDAY_H

#include "base/civil.h"

static inline int64_t mbar_day_number(int64_t year, int32_t month, int32_t day)
{
    return mbar_days_from_civil((mbar_civil){year, month, day});
}

/* 0 Sunday .. 6 Saturday. */
static inline int32_t mbar_weekday(int64_t day)
{
    return (int32_t)mbar_floor_mod(day + 4, 7);
}

/* Day number of the n-th (1..4, 5 the last) given weekday of a month. */
static inline int64_t mbar_nth_weekday(int64_t year, int32_t month, int32_t weekday, int32_t n)
{
    int64_t first = mbar_day_number(year, month, 1);
    int64_t day = first + mbar_floor_mod(weekday - mbar_weekday(first), 7) + (n - 1) * 7;
    return day >= first + mbar_days_in_month(year, month) ? day - 7 : day;
}

#endif
