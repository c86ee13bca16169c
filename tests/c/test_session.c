/*
 * test_session.c - hours and holidays of CME equity-index futures.
 *
 * The holiday dates are compared with the calendar "CMES" of exchange_calendars
 * (corpora/exchange_calendars/answers/cmes.csv.gz under MILLIBAR_SHARED), day by
 * day from 2013. That calendar has one early close, 13:00, where the exchange
 * has 13:00 and 13:15; the days on which the two differ in more are listed here.
 */
#include "market_support.h"
#include "shared_files.h"

static mbar_zone *new_york;

static int open_zone(void **state)
{
    use_tzdata(state);
    mbar_status status = mbar_zone_open("America/New_York", &new_york, NULL);
    return status == MBAR_OK || status == MBAR_NOTFOUND ? 0 : -1;
}

static int close_zone(void **state)
{
    mbar_zone_unref(new_york);
    return drop_zones(state);
}

static bool open_at(const char *local)
{
    if (new_york == NULL) {
        print_message("skipped: no time zone data\n");
        skip();
    }
    int64_t ns;
    mbar_error error;
    must(mbar_zone_from_local(new_york, at(local), MBAR_FOLD_EARLIER, &ns, &error), &error);
    return mbar_session_cme_open(new_york, ns);
}

/* The session that ends at the first minute is open up to it, and closed from it
 * to the second, when the next opens. */
static void assert_break(const char *end, const char *next)
{
    int64_t minute = MBAR_MINUTE_NS;
    assert_false(open_at(end));
    assert_true(open_at(next));
    int64_t end_ns, next_ns;
    assert_int_equal(mbar_zone_from_local(new_york, at(end), MBAR_FOLD_EARLIER, &end_ns, NULL), 0);
    assert_int_equal(mbar_zone_from_local(new_york, at(next), MBAR_FOLD_EARLIER, &next_ns, NULL),
                     0);
    assert_true(mbar_session_cme_open(new_york, end_ns - 1));
    assert_false(mbar_session_cme_open(new_york, next_ns - 1));
    for (int64_t ns = end_ns; ns < next_ns; ns += minute) {
        assert_false(mbar_session_cme_open(new_york, ns));
    }
}

static void test_plain_week(void **state)
{
    (void)state;
    assert_break("2024-05-13T17:00", "2024-05-13T18:00");
    assert_break("2024-05-17T17:00", "2024-05-19T18:00");
    /* Over the changes of clock. */
    assert_break("2024-03-08T17:00", "2024-03-10T18:00");
    assert_break("2024-11-01T17:00", "2024-11-03T18:00");
    assert_true(open_at("2024-05-14T03:00"));
}

static void test_holidays(void **state)
{
    (void)state;
    assert_break("2024-12-31T17:00", "2025-01-01T18:00");
    assert_break("2025-01-20T13:00", "2025-01-20T18:00");
    assert_break("2025-02-17T13:00", "2025-02-17T18:00");
    assert_break("2025-04-17T17:00", "2025-04-20T18:00"); /* Good Friday, not report day */
    assert_break("2026-04-03T09:15", "2026-04-05T18:00"); /* Good Friday with the report */
    assert_break("2025-05-26T13:00", "2025-05-26T18:00");
    assert_break("2025-06-19T13:00", "2025-06-19T18:00");
    assert_break("2025-07-03T13:15", "2025-07-03T18:00");
    assert_break("2025-07-04T13:00", "2025-07-06T18:00");
    assert_break("2025-09-01T13:00", "2025-09-01T18:00");
    assert_break("2025-11-27T13:00", "2025-11-27T18:00");
    assert_break("2025-11-28T13:15", "2025-11-30T18:00");
    assert_break("2025-12-24T13:15", "2025-12-25T18:00");
    /* Kept on another day. */
    assert_break("2021-12-23T17:00", "2021-12-26T18:00"); /* Christmas on Saturday */
    assert_break("2021-12-31T17:00", "2022-01-02T18:00"); /* New Year on Saturday: nowhere */
    assert_break("2022-06-20T13:00", "2022-06-20T18:00"); /* Juneteenth on Sunday */
    assert_break("2022-12-23T17:00", "2022-12-26T18:00"); /* Christmas on Sunday */
    assert_break("2022-12-30T17:00", "2023-01-02T18:00"); /* New Year on Sunday */
    assert_break("2020-07-03T13:00", "2020-07-05T18:00"); /* Independence on Saturday */
    assert_true(open_at("2021-06-18T16:59"));             /* no Juneteenth before 2022 */
}

/* How a trading day ends, as far as exchange_calendars tells such days apart. */
enum day_kind { KIND_NONE, KIND_EARLY, KIND_FULL };

static enum day_kind kind_of(const char *date)
{
    char text[32];
    snprintf(text, sizeof text, "%.10sT08:00", date);
    if (!open_at(text)) {
        return KIND_NONE;
    }
    snprintf(text, sizeof text, "%.10sT13:15", date);
    return open_at(text) ? KIND_FULL : KIND_EARLY;
}

struct difference {
    const char *date;
    enum day_kind here;
};

/* Good Fridays with the employment report, days of mourning, eves of 4 July. */
static const struct difference differences[] = {
    {"2013-07-03", KIND_EARLY}, {"2014-07-03", KIND_EARLY}, {"2015-04-03", KIND_EARLY},
    {"2017-07-03", KIND_EARLY}, {"2018-07-03", KIND_EARLY}, {"2018-12-05", KIND_FULL},
    {"2019-07-03", KIND_EARLY}, {"2021-04-02", KIND_EARLY}, {"2023-04-07", KIND_EARLY},
    {"2023-07-03", KIND_EARLY}, {"2024-07-03", KIND_EARLY}, {"2025-01-09", KIND_FULL},
    {"2025-07-03", KIND_EARLY}, {"2026-04-03", KIND_EARLY},
};

static void check_date(const char *date, enum day_kind there, size_t *n_different)
{
    enum day_kind here = kind_of(date);
    if (here == there) {
        return;
    }
    if (*n_different >= sizeof differences / sizeof differences[0] ||
        strncmp(differences[*n_different].date, date, 10) != 0 ||
        differences[*n_different].here != here) {
        fail_msg("%.10s: kind %d here, %d in the calendar", date, here, there);
    }
    ++*n_different;
}

static void test_against_exchange_calendars(void **state)
{
    (void)state;
    gzFile file = open_shared_gz("corpora/exchange_calendars/answers/cmes.csv.gz");
    char line[256];
    size_t n_different = 0;
    long n_days = 0;
    int64_t day = at("2013-01-01") / MBAR_DAY_NS;
    while (gzgets(file, line, sizeof line) != NULL) {
        if (strncmp(line, "2013", 4) < 0 || line[0] != '2') {
            continue;
        }
        /* Weekdays before this row that the calendar passes over have no session. */
        char date[40];
        for (;; day++) {
            mbar_time_format(day * MBAR_DAY_NS, date, sizeof date);
            if (strncmp(date, line, 10) == 0) {
                break;
            }
            if ((day + 4) % 7 != 0 && (day + 4) % 7 != 6) {
                check_date(date, KIND_NONE, &n_different);
                n_days++;
            }
        }
        /* date,open,close in UTC: an early close is at 17:00 or 18:00 there. */
        const char *close = strchr(strchr(line, ',') + 1, ',') + 1;
        int hour = atoi(close + 11);
        check_date(date, hour == 17 || hour == 18 ? KIND_EARLY : KIND_FULL, &n_different);
        n_days++;
        day++;
    }
    gzclose(file);
    print_message("%ld weekdays compared, %zu known differences\n", n_days, n_different);
    assert_true(n_days > 3700);
    assert_int_equal(n_different, sizeof differences / sizeof differences[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_week),
        cmocka_unit_test(test_holidays),
        cmocka_unit_test(test_against_exchange_calendars),
    };
    return cmocka_run_group_tests(tests, open_zone, close_zone);
}
