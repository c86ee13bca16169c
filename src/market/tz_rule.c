/*
 * tz_rule.c - parsing and applying a POSIX TZ string (RFC 9636 section 3.3).
 *
 * A recursive-descent reader over one cursor: each take_* either moves past
 * what it read or leaves the cursor at the byte that broke the grammar, which
 * is what the caller reports. No allocation, no locale.
 */
#include "market/tz_rule.h"

#include "market/weekday.h"

typedef struct cursor {
    const char *text;
    size_t n_bytes, at;
} cursor;

static bool take(cursor *c, char wanted)
{
    if (c->at < c->n_bytes && c->text[c->at] == wanted) {
        c->at++;
        return true;
    }
    return false;
}

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

static bool is_letter(char ch)
{
    return (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z');
}

/* A decimal number from low to high of at most three digits. */
static bool take_number(cursor *c, int low, int high, int *out)
{
    size_t first = c->at;
    int value = 0;
    while (c->at < c->n_bytes && is_digit(c->text[c->at]) && c->at - first < 3) {
        value = value * 10 + (c->text[c->at++] - '0');
    }
    if (c->at == first || value < low || value > high) {
        c->at = first;
        return false;
    }
    *out = value;
    return true;
}

/* [+-]hh[:mm[:ss]] as seconds. */
static bool take_time(cursor *c, int max_hours, int32_t *out)
{
    int sign = 1;
    int hours = 0, minutes = 0, seconds = 0;
    if (take(c, '-')) {
        sign = -1;
    } else {
        (void)take(c, '+');
    }
    if (!take_number(c, 0, max_hours, &hours)) {
        return false;
    }
    if (take(c, ':')) {
        if (!take_number(c, 0, 59, &minutes)) {
            return false;
        }
        if (take(c, ':') && !take_number(c, 0, 59, &seconds)) {
            return false;
        }
    }
    *out = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

/* Three letters or more, or anything of [A-Za-z0-9+-] in angle brackets. */
static bool take_name(cursor *c, mbar_tz_period *period)
{
    bool quoted = take(c, '<');
    size_t first = c->at;
    while (c->at < c->n_bytes) {
        char ch = c->text[c->at];
        if (!is_letter(ch) && !(quoted && (is_digit(ch) || ch == '+' || ch == '-'))) {
            break;
        }
        c->at++;
    }
    period->name = c->text + first;
    period->name_bytes = c->at - first;
    return period->name_bytes >= 3 && (!quoted || take(c, '>'));
}

/* An offset is written west of UTC and kept east of it. */
static bool take_offset(cursor *c, int32_t *out)
{
    int32_t west;
    if (!take_time(c, 24, &west)) {
        return false;
    }
    *out = -west;
    return true;
}

static bool take_moment(cursor *c, mbar_tz_moment *moment)
{
    bool ok;
    if (take(c, 'J')) {
        moment->kind = MBAR_TZ_JULIAN;
        ok = take_number(c, 1, 365, &moment->day);
    } else if (take(c, 'M')) {
        moment->kind = MBAR_TZ_MONTH;
        ok = take_number(c, 1, 12, &moment->month) && take(c, '.') &&
             take_number(c, 1, 5, &moment->week) && take(c, '.') &&
             take_number(c, 0, 6, &moment->day);
    } else {
        moment->kind = MBAR_TZ_DAY;
        ok = take_number(c, 0, 365, &moment->day);
    }
    moment->time_s = 2 * 3600;
    return ok && (!take(c, '/') || take_time(c, 167, &moment->time_s));
}

static bool take_rule(cursor *c, mbar_tz_rule *rule)
{
    if (!take_name(c, &rule->standard) || !take_offset(c, &rule->standard.offset_s)) {
        return false;
    }
    rule->has_daylight = c->at < c->n_bytes;
    if (!rule->has_daylight) {
        return true;
    }
    if (!take_name(c, &rule->daylight)) {
        return false;
    }
    rule->daylight.offset_s = rule->standard.offset_s + 3600;
    if (c->at < c->n_bytes && c->text[c->at] != ',' && !take_offset(c, &rule->daylight.offset_s)) {
        return false;
    }
    return take(c, ',') && take_moment(c, &rule->start) && take(c, ',') &&
           take_moment(c, &rule->end) && c->at == c->n_bytes;
}

bool mbar_tz_rule_parse(const char *text, size_t n_bytes, mbar_tz_rule *rule, size_t *at)
{
    cursor c = {text, n_bytes, 0};
    mbar_tz_rule parsed = {0};
    if (!take_rule(&c, &parsed)) {
        *at = c.at;
        return false;
    }
    *rule = parsed;
    return true;
}

int64_t mbar_tz_moment_in(const mbar_tz_moment *moment, int64_t year, int32_t offset_s)
{
    int64_t days = 0;
    switch (moment->kind) {
    case MBAR_TZ_JULIAN: /* 29 February is never counted */
        days = mbar_day_number(year, 1, 1) + moment->day - 1 +
               (moment->day >= 60 && mbar_is_leap_year(year));
        break;
    case MBAR_TZ_DAY:
        days = mbar_day_number(year, 1, 1) + moment->day;
        break;
    case MBAR_TZ_MONTH:
        days = mbar_nth_weekday(year, moment->month, moment->day, moment->week);
        break;
    }
    return days * 86400 + moment->time_s - offset_s;
}
