/*
 * check_calendar.c - when bars are expected.
 *
 *   CME      the exchange's sessions, as the library knows them.
 *   LEARNED  the file's own habit. Intraday: bars are expected in a quarter of
 *            an hour of a weekday that holds at least half as many bars as the
 *            fullest one of that weekday (weekdays seen fewer than three times
 *            borrow the habit of all days).
 *            Daily bars: a weekday is expected when a fifth as many bars fall
 *            on it as on the fullest. Up to gap_days expected days on end
 *            without any bar are taken for holidays.
 *   NONE     always.
 *
 * Sessions begin and end on quarters of an hour, so time is walked in quarters,
 * not in bars: the cost of all gaps of a file together is its span / 15 minutes.
 */
#include "check_calendar.h"

#include <string.h>

#define CELL_NS (15 * MBAR_MINUTE_NS)

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t local_time(const check_calendar *calendar, int64_t ns)
{
    return calendar->zone != NULL ? mbar_zone_to_local(calendar->zone, ns) : ns;
}

/* Sunday 0; day 0 of the epoch was a Thursday. */
static int weekday_of(int64_t day)
{
    int64_t w = (day + 4) % 7;
    return (int)(w < 0 ? w + 7 : w);
}

static int cell_of(int64_t local_ns)
{
    int64_t since_midnight = local_ns % MBAR_DAY_NS;
    return (int)((since_midnight < 0 ? since_midnight + MBAR_DAY_NS : since_midnight) / CELL_NS);
}

/* Stamps this near the ends of time, or further apart than int64 can say, would
 * overflow below; none but hostile files have them, and they get the plain
 * count. */
static bool is_far_out(int64_t ns)
{
    return ns < INT64_MIN + 2 * MBAR_DAY_NS || ns > INT64_MAX - 2 * MBAR_DAY_NS;
}

/* ---- Choosing ------------------------------------------------------------ */

/* Whether the bars are those of a CME session: nearly all inside it, and a good
 * part of them at night, when few other markets trade. */
static bool looks_like_cme(const check_bars *bars, const mbar_zone *new_york)
{
    int64_t n_inside = 0, n_night = 0, cell_end = INT64_MIN;
    bool is_inside = false, is_night = false;
    for (int64_t i = 0; i < bars->times.n; i++) {
        int64_t ns = bars->times.ns[i];
        if (is_far_out(ns)) {
            return false;
        }
        if (ns >= cell_end) {
            int cell = cell_of(mbar_zone_to_local(new_york, ns));
            cell_end = (floor_div(ns, CELL_NS) + 1) * CELL_NS;
            is_inside = mbar_session_cme_open(new_york, ns);
            is_night = cell < 38 || cell >= 72; /* before 09:30, from 18:00 */
        }
        n_inside += is_inside;
        n_night += is_night;
    }
    return bars->times.n >= 100 && n_inside >= bars->times.n - bars->times.n / 50 &&
           n_night >= bars->times.n * 3 / 10;
}

/* ---- Learning ------------------------------------------------------------ */

typedef struct habit {
    int64_t days[7];
    int64_t cells[7][CALENDAR_CELLS]; /* bars */
} habit;

static void count_habit(habit *h, const check_calendar *calendar, const cli_times *times)
{
    int64_t last_day = INT64_MIN;
    memset(h, 0, sizeof *h);
    for (int64_t i = 0; i < times->n; i++) {
        int64_t local = local_time(calendar, times->ns[i]);
        int64_t day = floor_div(local, MBAR_DAY_NS);
        int w = weekday_of(day);
        h->days[w] += day != last_day;
        h->cells[w][cell_of(local)]++;
        last_day = day;
    }
}

static void learn_cells(check_calendar *calendar, const habit *h)
{
    int64_t all[CALENDAR_CELLS] = {0};
    int64_t n_days = 0;
    for (int w = 0; w < 7; w++) {
        n_days += h->days[w];
        calendar->weekday[w] = h->days[w] > 0;
        for (int cell = 0; cell < CALENDAR_CELLS; cell++) {
            all[cell] += h->cells[w][cell];
        }
    }
    if (n_days < 3) {
        calendar->kind = CALENDAR_NONE; /* too little to learn a habit from */
        return;
    }
    for (int w = 0; w < 7; w++) {
        const int64_t *counts = h->days[w] >= 3 ? h->cells[w] : all;
        int64_t most = 0;
        for (int cell = 0; cell < CALENDAR_CELLS; cell++) {
            most = counts[cell] > most ? counts[cell] : most;
        }
        for (int cell = 0; cell < CALENDAR_CELLS; cell++) {
            calendar->open[w][cell] = h->days[w] > 0 && 2 * counts[cell] >= most;
        }
    }
}

static void learn_weekdays(check_calendar *calendar, const habit *h)
{
    int64_t most = 0;
    for (int w = 0; w < 7; w++) {
        most = h->days[w] > most ? h->days[w] : most;
    }
    for (int w = 0; w < 7; w++) {
        calendar->weekday[w] = h->days[w] > 0 && 5 * h->days[w] >= most;
    }
}

void check_calendar_init(check_calendar *calendar, const check_bars *bars,
                         const check_limits *limits)
{
    habit h;
    memset(calendar, 0, sizeof *calendar);
    calendar->kind = (check_calendar_kind)limits->calendar;
    calendar->period_ns = bars->period_ns;
    calendar->gap_days = limits->gap_days;
    bool intraday = bars->period_ns < MBAR_DAY_NS;
    if (calendar->kind == CALENDAR_AUTO) {
        bool cme = bars->period_ns <= MBAR_HOUR_NS && looks_like_cme(bars, limits->new_york);
        calendar->kind = cme ? CALENDAR_CME : CALENDAR_LEARNED;
    }
    if (!intraday && calendar->kind == CALENDAR_CME) {
        calendar->kind = CALENDAR_LEARNED; /* a day's stamp need not lie in its session */
    }
    if (calendar->kind == CALENDAR_CME) {
        calendar->zone = limits->new_york;
    } else if (calendar->kind == CALENDAR_LEARNED) {
        /* Daily stamps are midnights somewhere: their UTC date is the day. */
        calendar->zone = limits->zone != NULL ? limits->zone : intraday ? limits->new_york : NULL;
        count_habit(&h, calendar, &bars->times);
        if (intraday) {
            learn_cells(calendar, &h);
        } else {
            learn_weekdays(calendar, &h);
        }
    }
}

const char *check_calendar_name(const check_calendar *calendar)
{
    static const char *const NAMES[] = {"auto", "cme", "learned", "none"};
    return NAMES[calendar->kind];
}

/* ---- Counting ------------------------------------------------------------ */

/* Stamps a + k * period (k >= 1) in [from, to). */
static int64_t count_stamps(int64_t a, int64_t period_ns, int64_t from, int64_t to)
{
    return (to - 1 - a) / period_ns - (from - 1 - a) / period_ns;
}

/* Expected days strictly between two days. */
static int64_t expected_days(const check_calendar *calendar, int64_t first, int64_t last)
{
    int64_t n = 0;
    for (int64_t day = first + 1; day < last; day++) {
        n += calendar->weekday[weekday_of(day)];
    }
    return n;
}

/* Quarter by quarter from a to b, the quarters of days in (skip_after,
 * skip_before) left out. */
static int64_t missing_in_cells(const check_calendar *calendar, int64_t a, int64_t b,
                                int64_t skip_after, int64_t skip_before)
{
    int64_t n = 0;
    for (int64_t cell = floor_div(a, CELL_NS) * CELL_NS; cell < b; cell += CELL_NS) {
        bool open;
        if (calendar->kind == CALENDAR_CME) {
            open = mbar_session_cme_open(calendar->zone, cell);
        } else {
            int64_t local = local_time(calendar, cell);
            int64_t day = floor_div(local, MBAR_DAY_NS);
            open = calendar->open[weekday_of(day)][cell_of(local)] &&
                   !(day > skip_after && day < skip_before);
        }
        if (open) {
            int64_t from = cell > a ? cell : a + 1;
            int64_t to = cell + CELL_NS < b ? cell + CELL_NS : b;
            n += count_stamps(a, calendar->period_ns, from, to);
        }
    }
    return n;
}

int64_t check_calendar_missing(const check_calendar *calendar, int64_t a, int64_t b)
{
    int64_t period_ns = calendar->period_ns;
    int64_t spacing = cli_spacing(a, b);
    if (spacing <= period_ns) {
        return 0;
    }
    if (calendar->kind == CALENDAR_NONE || is_far_out(a) || is_far_out(b) || spacing == INT64_MAX) {
        return (spacing - 1) / period_ns;
    }
    if (period_ns > MBAR_DAY_NS) {
        /* Weeks and months vary in length: whole ones that are absent. */
        return (spacing - 1 - period_ns / 2) / period_ns;
    }
    int64_t first = floor_div(local_time(calendar, a), MBAR_DAY_NS);
    int64_t last = floor_div(local_time(calendar, b), MBAR_DAY_NS);
    if (period_ns == MBAR_DAY_NS) {
        return expected_days(calendar, first, last);
    }
    bool are_holidays = calendar->kind == CALENDAR_LEARNED &&
                        expected_days(calendar, first, last) <= calendar->gap_days;
    return missing_in_cells(calendar, a, b, are_holidays ? first : INT64_MAX,
                            are_holidays ? last : INT64_MIN);
}
