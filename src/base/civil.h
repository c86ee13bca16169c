/*
 * civil.h - days since 1970-01-01 to and from the proleptic Gregorian calendar.
 *
 * The year is taken to begin in March, which puts the leap day last and makes
 * the length of the months before it a linear function; 400 years (an era) are
 * 146097 days. Exact for every year an int64 of seconds can hold.
 */
#ifndef MILLIBAR_BASE_CIVIL_H
#define MILLIBAR_BASE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mbar_civil {
    int64_t year;
    int32_t month; /* 1..12 */
    int32_t day;   /* 1..31 */
} mbar_civil;

/* Rounds towards minus infinity; b > 0. */
static inline int64_t mbar_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static inline int64_t mbar_floor_mod(int64_t a, int64_t b)
{
    int64_t rest = a % b;
    return rest < 0 ? rest + b : rest;
}

static inline int64_t mbar_days_from_civil(mbar_civil date)
{
    int64_t year = date.year - (date.month <= 2);
    int64_t era = mbar_floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static inline mbar_civil mbar_civil_from_days(int64_t days)
{
    int64_t shifted = days + 719468; /* since 0000-03-01 */
    int64_t era = mbar_floor_div(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    mbar_civil date;
    date.day = (int32_t)(day_of_year - (153 * month + 2) / 5 + 1);
    date.month = (int32_t)(month < 10 ? month + 3 : month - 9);
    date.year = year_of_era + era * 400 + (date.month <= 2);
    return date;
}

static inline bool mbar_is_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline int32_t mbar_days_in_month(int64_t year, int32_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && mbar_is_leap_year(year));
}

#endif
