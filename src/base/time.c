/*
 * time.c - units of time, and instants as text.
 *
 * Reading is strict: one grammar, every field of its full width and in its
 * range, nothing before or after. An instant is a count of nanoseconds in an
 * int64, which spans 1677-09-21 to 2262-04-11; what lies outside is refused,
 * never wrapped. Writing is the exact inverse for every int64.
 *
 *   instant  = date [ ("T" | "t" | " ") clock [zone] ]
 *   date     = YYYY "-" MM "-" DD
 *   clock    = hh ":" mm [ ":" ss [ "." 1..9 digits ] ]     hh 00..23, ss 00..59
 *   zone     = "Z" | "z" | ("+" | "-") hh [[":"] mm]
 */
#include <millibar/base.h>

#include "base/checked.h"
#include "base/civil.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

int64_t mbar_unit_ns(mbar_unit unit)
{
    assert(unit >= MBAR_UNIT_S && unit <= MBAR_UNIT_NS);
    static const int64_t ns[] = {1000000000, 1000000, 1000, 1};
    return ns[unit];
}

const char *mbar_unit_name(mbar_unit unit)
{
    assert(unit >= MBAR_UNIT_S && unit <= MBAR_UNIT_NS);
    static const char *const names[] = {"s", "ms", "us", "ns"};
    return names[unit];
}

typedef struct cursor {
    const char *text;
    const char *at;
    mbar_error *error;
} cursor;

static mbar_status wrong(const cursor *in, const char *at, const char *expected)
{
    return mbar_error_set(in->error, MBAR_INVALID,
                          "\"%.40s\" is no time: column %d: expected %s, as in 2024-01-03, "
                          "2024-01-03 09:30 or 2024-01-03T09:30:00.5-05:00",
                          in->text, (int)(at - in->text) + 1, expected);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Exactly n_digits digits of a number in [low, high]. */
static mbar_status read_number(cursor *in, int n_digits, int64_t low, int64_t high,
                               const char *expected, int64_t *out)
{
    const char *start = in->at;
    int64_t value = 0;
    for (int i = 0; i < n_digits; i++, in->at++) {
        if (!is_digit(*in->at))
            return wrong(in, in->at, expected);
        value = value * 10 + (*in->at - '0');
    }
    if (value < low || value > high)
        return wrong(in, start, expected);
    *out = value;
    return MBAR_OK;
}

static mbar_status read_char(cursor *in, char c, const char *expected)
{
    if (*in->at != c)
        return wrong(in, in->at, expected);
    in->at++;
    return MBAR_OK;
}

static mbar_status read_date(cursor *in, int64_t *days)
{
    int64_t year = 0;
    int64_t month;
    int64_t day;
    mbar_status status;
    if ((status = read_number(in, 4, 0, 9999, "a year of four digits", &year)) != MBAR_OK ||
        (status = read_char(in, '-', "\"-\"")) != MBAR_OK ||
        (status = read_number(in, 2, 1, 12, "a month 01..12", &month)) != MBAR_OK ||
        (status = read_char(in, '-', "\"-\"")) != MBAR_OK ||
        (status = read_number(in, 2, 1, mbar_days_in_month(year, (int32_t)month),
                              "a day of that month", &day)) != MBAR_OK)
        return status;
    *days = mbar_days_from_civil((mbar_civil){year, (int32_t)month, (int32_t)day});
    return MBAR_OK;
}

static mbar_status read_fraction(cursor *in, int64_t *ns)
{
    int64_t value = 0;
    int n_digits = 0;
    for (; is_digit(*in->at) && n_digits < 9; in->at++, n_digits++)
        value = value * 10 + (*in->at - '0');
    if (n_digits == 0)
        return wrong(in, in->at, "a digit");
    if (is_digit(*in->at))
        return wrong(in, in->at, "at most nine digits of a second");
    for (; n_digits < 9; n_digits++)
        value *= 10;
    *ns = value;
    return MBAR_OK;
}

static mbar_status read_clock(cursor *in, int64_t *seconds, int64_t *ns)
{
    int64_t hour;
    int64_t minute;
    int64_t second = 0;
    mbar_status status;
    if ((status = read_number(in, 2, 0, 23, "an hour 00..23", &hour)) != MBAR_OK ||
        (status = read_char(in, ':', "\":\"")) != MBAR_OK ||
        (status = read_number(in, 2, 0, 59, "a minute 00..59", &minute)) != MBAR_OK)
        return status;
    if (*in->at == ':') {
        in->at++;
        if ((status = read_number(in, 2, 0, 59, "a second 00..59", &second)) != MBAR_OK)
            return status;
        if (*in->at == '.') {
            in->at++;
            if ((status = read_fraction(in, ns)) != MBAR_OK)
                return status;
        }
    }
    *seconds = (hour * 60 + minute) * 60 + second;
    return MBAR_OK;
}

static mbar_status read_zone(cursor *in, int64_t *offset_s, bool *has_offset)
{
    if (*in->at == 'Z' || *in->at == 'z') {
        in->at++;
        *has_offset = true;
        return MBAR_OK;
    }
    if (*in->at != '+' && *in->at != '-')
        return MBAR_OK;
    int64_t sign = *in->at++ == '-' ? -1 : 1;
    int64_t hour;
    int64_t minute = 0;
    mbar_status status = read_number(in, 2, 0, 23, "offset hours 00..23", &hour);
    if (status != MBAR_OK)
        return status;
    if (*in->at == ':' || is_digit(*in->at)) {
        if (*in->at == ':')
            in->at++;
        status = read_number(in, 2, 0, 59, "offset minutes 00..59", &minute);
        if (status != MBAR_OK)
            return status;
    }
    *offset_s = sign * (hour * 60 + minute) * 60;
    *has_offset = true;
    return MBAR_OK;
}

/* seconds * 1e9 + fraction, where the product alone may not fit at the lower
 * end of the range: INT64_MIN is -9223372037 s and a positive fraction. */
static bool join_ns(int64_t seconds, int64_t fraction, int64_t *ns)
{
    if (seconds < 0 && fraction > 0) {
        seconds += 1;
        fraction -= MBAR_SECOND_NS;
    }
    int64_t whole;
    return mbar_mul_i64(seconds, MBAR_SECOND_NS, &whole) && mbar_add_i64(whole, fraction, ns);
}

mbar_status mbar_time_parse(const char *text, int64_t *ns, bool *has_offset, mbar_error *error)
{
    assert(text && ns && has_offset);
    cursor in = {text, text, error};
    int64_t days;
    int64_t seconds = 0;
    int64_t fraction = 0;
    int64_t offset_s = 0;
    bool zoned = false;
    mbar_status status = read_date(&in, &days);
    if (status == MBAR_OK && (*in.at == 'T' || *in.at == 't' || *in.at == ' ')) {
        in.at++;
        status = read_clock(&in, &seconds, &fraction);
        if (status == MBAR_OK)
            status = read_zone(&in, &offset_s, &zoned);
    }
    if (status != MBAR_OK)
        return status;
    if (*in.at)
        return wrong(&in, in.at, "the end");
    int64_t instant;
    if (!join_ns(days * 86400 + seconds - offset_s, fraction, &instant))
        return mbar_error_set(error, MBAR_INVALID,
                              "\"%.40s\" is outside the range of int64 nanoseconds, 1677-09-21 to "
                              "2262-04-11",
                              text);
    *ns = instant;
    *has_offset = zoned;
    return MBAR_OK;
}

/* ".5" for half a second, "" for none. */
static void format_fraction(int64_t ns, char out[11])
{
    out[0] = '\0';
    if (ns == 0)
        return;
    snprintf(out, 11, ".%09d", (int)ns);
    size_t n_bytes = strlen(out);
    while (out[n_bytes - 1] == '0')
        out[--n_bytes] = '\0';
}

void mbar_time_format(int64_t ns, char *out, size_t out_bytes)
{
    int64_t seconds = mbar_floor_div(ns, MBAR_SECOND_NS);
    int second_of_day = (int)mbar_floor_mod(seconds, 86400);
    mbar_civil date = mbar_civil_from_days(mbar_floor_div(seconds, 86400));
    char fraction[11];
    format_fraction(mbar_floor_mod(ns, MBAR_SECOND_NS), fraction);
    snprintf(out, out_bytes, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", (int)date.year, (int)date.month,
             (int)date.day, second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60,
             fraction);
}
