/*
 * session.c - when CME's equity-index futures trade.
 *
 * All in New York time. A trading day (Monday to Friday) opens at 18:00 on the
 * day before and ends at 17:00; the exchange halts until 18:00. Holidays are
 * computed for each year by the standing rules of CME Group's yearly Globex
 * holiday notices for equity products:
 *
 *   no session      New Year's Day, Good Friday, Christmas Day
 *   end at 13:00    Martin Luther King, Presidents, Memorial, Juneteenth (from
 *                   2022), Independence, Labor and Thanksgiving Day; trading
 *                   resumes at 18:00 for the next trading day
 *   end at 13:15    3 July before an Independence Day of Tuesday to Friday, the
 *                   Friday after Thanksgiving, 24 December
 *   end at 09:15    Good Friday in the first week of April, when the employment
 *                   report comes out that morning
 *
 * A holiday on a Sunday is kept on Monday, one on a Saturday on Friday, except
 * New Year's Day, whose Saturday moves nowhere.
 *
 * Limits: today's rules are applied to every year. Not known here are single
 * closures (days of mourning such as 2018-12-05 and 2025-01-09, hurricanes,
 * September 2001), outages, the halt of 16:15 to 16:30 that ended in June 2021,
 * the close at 17:15 before September 2015, and the other hours of earlier years.
 */
#include <millibar/market.h>

#include "market/weekday.h"

#include <assert.h>

#define CLOCK(hour, minute) ((hour)*60 + (minute))

enum { SUNDAY, MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY };

/* Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher). */
static int64_t easter(int64_t year)
{
    int64_t a = year % 19, b = year / 100, c = year % 100;
    int64_t d = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
    int64_t e = (32 + 2 * (b % 4) + 2 * (c / 4) - d - c % 4) % 7;
    int64_t f = d + e - 7 * ((a + 11 * d + 22 * e) / 451) + 114;
    return mbar_day_number(year, (int32_t)(f / 31), (int32_t)(f % 31 + 1));
}

/* The weekday a holiday of a fixed date is kept on. */
static int64_t observed(int64_t day)
{
    int weekday = mbar_weekday(day);
    return weekday == SUNDAY ? day + 1 : weekday == SATURDAY ? day - 1 : day;
}

/* Minute of the day at which a trading day, no weekend, ends; 0: no session. */
static int session_end(int64_t day)
{
    int64_t year = mbar_civil_from_days(day).year;
    int64_t good_friday = easter(year) - 2;
    int64_t new_year = mbar_day_number(year, 1, 1);
    int64_t independence = mbar_day_number(year, 7, 4);
    int64_t thanksgiving = mbar_nth_weekday(year, 11, THURSDAY, 4);
    int64_t christmas = observed(mbar_day_number(year, 12, 25));

    if (day == christmas || day == new_year ||
        (day == new_year + 1 && mbar_weekday(new_year) == SUNDAY)) {
        return 0;
    }
    if (day == good_friday) {
        int64_t april = mbar_day_number(year, 4, 1);
        return day >= april && day < april + 7 ? CLOCK(9, 15) : 0;
    }
    if (day == mbar_nth_weekday(year, 1, MONDAY, 3) ||
        day == mbar_nth_weekday(year, 2, MONDAY, 3) ||
        day == mbar_nth_weekday(year, 5, MONDAY, 5) ||
        day == mbar_nth_weekday(year, 9, MONDAY, 1) ||
        (year >= 2022 && day == observed(mbar_day_number(year, 6, 19))) ||
        day == observed(independence) || day == thanksgiving) {
        return CLOCK(13, 0);
    }
    bool before_independence = day == independence - 1 && mbar_weekday(independence) >= TUESDAY &&
                               mbar_weekday(independence) <= FRIDAY;
    if (before_independence || day == thanksgiving + 1 || day == mbar_day_number(year, 12, 24)) {
        return CLOCK(13, 15);
    }
    return CLOCK(17, 0);
}

bool mbar_session_cme_open(const mbar_zone *new_york, int64_t ns)
{
    assert(new_york != NULL);
    int64_t second = mbar_floor_div(mbar_zone_to_local(new_york, ns), MBAR_SECOND_NS);
    int64_t day = mbar_floor_div(second, 86400);
    int64_t minute = mbar_floor_mod(second, 86400) / 60;
    bool evening = minute >= CLOCK(18, 0);
    day += evening; /* the trading day it would belong to */
    int weekday = mbar_weekday(day);
    if (weekday == SATURDAY || weekday == SUNDAY) {
        return false;
    }
    int end = session_end(day);
    return end != 0 && (evening || minute < end);
}
