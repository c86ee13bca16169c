/* test_window.c - what is visible at a clock, by both policies. */
#include "market_vectors.h"

static mbar_series *series_at(const char *zone, mbar_step step, int64_t period_ns, int64_t n,
                              const int64_t *ns)
{
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.step = step;
    options.period_ns = period_ns;
    return series_of(table_of(stamps("t", MBAR_UNIT_NS, zone, n, ns), NULL), &options);
}

static mbar_series *minutes_from_zero(int64_t n)
{
    int64_t ns[200];
    for (int64_t i = 0; i < n; i++) {
        ns[i] = i * MBAR_MINUTE_NS;
    }
    return series_at("UTC", MBAR_STEP_MINUTE, 0, n, ns);
}

static void assert_window(const mbar_series *series, mbar_policy policy, int64_t now_ns,
                          int64_t length, int64_t shift, int64_t first, int64_t n_rows)
{
    mbar_window window = {-1, -1};
    mbar_error error;
    must(mbar_series_window(series, policy, now_ns, length, shift, &window, &error), &error);
    if (window.first != first || window.n_rows != n_rows) {
        fail_msg("now %lld, length %lld, shift %lld: [%lld, +%lld), not [%lld, +%lld)",
                 (long long)now_ns, (long long)length, (long long)shift, (long long)window.first,
                 (long long)window.n_rows, (long long)first, (long long)n_rows);
    }
}

static void test_strict(void **state)
{
    (void)state;
    mbar_series *s = minutes_from_zero(10);
    int64_t minute = MBAR_MINUTE_NS;
    assert_window(s, MBAR_POLICY_STRICT, minute - 1, 5, 0, 0, 0);
    assert_window(s, MBAR_POLICY_STRICT, minute, 5, 0, 0, 1);
    assert_window(s, MBAR_POLICY_STRICT, 5 * minute, 3, 0, 2, 3);
    assert_window(s, MBAR_POLICY_STRICT, 5 * minute - 1, 3, 0, 1, 3);
    assert_window(s, MBAR_POLICY_STRICT, 5 * minute, 3, 1, 1, 3);
    assert_window(s, MBAR_POLICY_STRICT, 5 * minute, 3, 4, 0, 1);
    assert_window(s, MBAR_POLICY_STRICT, 5 * minute, 3, 5, 0, 0);
    assert_window(s, MBAR_POLICY_STRICT, INT64_MAX, INT64_MAX, 0, 0, 10);
    assert_window(s, MBAR_POLICY_STRICT, INT64_MAX, 1, INT64_MAX, 0, 0);
    assert_window(s, MBAR_POLICY_STRICT, INT64_MIN, 5, 0, 0, 0);
    mbar_window window = {7, 7};
    mbar_error error;
    assert_int_equal(mbar_series_window(s, MBAR_POLICY_STRICT, 0, 0, 0, &window, &error),
                     MBAR_INVALID);
    assert_int_equal(mbar_series_window(s, MBAR_POLICY_STRICT, 0, 1, -1, &window, &error),
                     MBAR_INVALID);
    assert_non_null(strstr(error.message, "past the clock"));
    assert_int_equal(mbar_series_window(s, MBAR_POLICY_STRICT, 0, INT64_MIN, 0, &window, NULL),
                     MBAR_INVALID);
    assert_int_equal(window.first, 7);
    mbar_series_unref(s);
}

/* No clock, length or shift shows a row that has not closed. */
static void test_strict_never_looks_ahead(void **state)
{
    (void)state;
    mbar_series *s = minutes_from_zero(20);
    for (int64_t now = -MBAR_MINUTE_NS; now < 25 * MBAR_MINUTE_NS; now += 20 * MBAR_SECOND_NS) {
        for (int64_t length = 1; length < 25; length++) {
            for (int64_t shift = 0; shift < 5; shift++) {
                mbar_window window;
                assert_int_equal(
                    mbar_series_window(s, MBAR_POLICY_STRICT, now, length, shift, &window, NULL),
                    MBAR_OK);
                int64_t end = window.first + window.n_rows;
                assert_true(window.first >= 0 && window.n_rows >= 0 && window.n_rows <= length);
                assert_true(window.n_rows == 0 ||
                            mbar_series_times(s)[end - 1] + MBAR_MINUTE_NS <= now);
            }
        }
    }
    mbar_series_unref(s);
}

static void test_strict_days_follow_the_wall_clock(void **state)
{
    (void)state;
    mbar_zone *zone = zone_or_skip("America/New_York");
    mbar_zone_unref(zone);
    int64_t days[] = {at("2024-11-01T04:00Z"), at("2024-11-02T04:00Z"), at("2024-11-03T04:00Z"),
                      at("2024-11-04T05:00Z")};
    mbar_series *s = series_at("America/New_York", MBAR_STEP_DAY, 0, 4, days);
    assert_int_equal(mbar_series_period_ns(s), MBAR_DAY_NS);
    /* 3 November has 25 hours. */
    assert_window(s, MBAR_POLICY_STRICT, at("2024-11-04T04:59Z"), 9, 0, 0, 2);
    assert_window(s, MBAR_POLICY_STRICT, at("2024-11-04T05:00Z"), 9, 0, 0, 3);
    assert_window(s, MBAR_POLICY_STRICT, at("2024-11-02T04:00Z"), 9, 0, 0, 1);
    mbar_series_unref(s);
    int64_t spring[] = {at("2024-03-09T05:00Z"), at("2024-03-10T05:00Z"), at("2024-03-11T04:00Z")};
    s = series_at("America/New_York", MBAR_STEP_DAY, MBAR_DAY_NS, 3, spring);
    /* 10 March has 23. */
    assert_window(s, MBAR_POLICY_STRICT, at("2024-03-11T03:59Z"), 9, 0, 0, 1);
    assert_window(s, MBAR_POLICY_STRICT, at("2024-03-11T04:00Z"), 9, 0, 0, 2);
    assert_window(s, MBAR_POLICY_STRICT, INT64_MAX, 9, 0, 0, 3);
    assert_window(s, MBAR_POLICY_STRICT, INT64_MIN, 9, 0, 0, 0);
    mbar_series_unref(s);
}

static void test_lumibot_by_hand(void **state)
{
    (void)state;
    mbar_series *s = minutes_from_zero(10);
    int64_t minute = MBAR_MINUTE_NS;
    /* The bar labelled now is hidden; a negative shift reaches it and beyond. */
    assert_window(s, MBAR_POLICY_LUMIBOT, 4 * minute, 2, 0, 2, 2);
    assert_window(s, MBAR_POLICY_LUMIBOT, 4 * minute, 2, -1, 3, 2);
    assert_window(s, MBAR_POLICY_LUMIBOT, 4 * minute, 2, -2, 4, 2);
    assert_window(s, MBAR_POLICY_LUMIBOT, 4 * minute, 2, 1, 1, 2);
    /* After the last bar it has closed and shows. */
    assert_window(s, MBAR_POLICY_LUMIBOT, 9 * minute, 2, 0, 7, 2);
    assert_window(s, MBAR_POLICY_LUMIBOT, 10 * minute, 2, 0, 8, 2);
    assert_window(s, MBAR_POLICY_LUMIBOT, 10 * minute, 2, 1, 7, 2);
    assert_window(s, MBAR_POLICY_LUMIBOT, 10 * minute, 2, -1, 8, 2);
    /* None at or before the first bar. */
    assert_window(s, MBAR_POLICY_LUMIBOT, 0, 5, 0, 0, 0);
    assert_window(s, MBAR_POLICY_LUMIBOT, -1, 5, 0, 0, 0);
    assert_window(s, MBAR_POLICY_LUMIBOT, -1, 5, -3, 0, 2);
    /* A length of none gives the row before the end. */
    assert_window(s, MBAR_POLICY_LUMIBOT, 4 * minute, 0, 0, 3, 1);
    assert_window(s, MBAR_POLICY_LUMIBOT, 4 * minute, INT64_MIN, 0, 3, 1);
    assert_window(s, MBAR_POLICY_LUMIBOT, 4 * minute, INT64_MAX, 0, 0, 4);
    assert_window(s, MBAR_POLICY_LUMIBOT, 4 * minute, 3, INT64_MAX, 0, 0);
    assert_window(s, MBAR_POLICY_LUMIBOT, 4 * minute, 3, INT64_MIN, 7, 3);
    assert_window(s, MBAR_POLICY_LUMIBOT, INT64_MAX, 3, 0, 7, 3);
    assert_window(s, MBAR_POLICY_LUMIBOT, INT64_MIN, 3, 0, 0, 0);
    mbar_series_unref(s);
}

static void test_state_and_between(void **state)
{
    (void)state;
    mbar_series *s = minutes_from_zero(3);
    int64_t row, minute = MBAR_MINUTE_NS;
    assert_int_equal(mbar_series_state(s, -1, &row), MBAR_BAR_NONE);
    assert_int_equal(row, -1);
    assert_int_equal(mbar_series_state(s, 0, &row), MBAR_BAR_FORMING);
    assert_int_equal(row, 0);
    assert_int_equal(mbar_series_state(s, 3 * minute - 1, &row), MBAR_BAR_FORMING);
    assert_int_equal(mbar_series_state(s, 3 * minute, &row), MBAR_BAR_CLOSED);
    assert_int_equal(row, 2);
    mbar_window window = mbar_series_between(s, 1, 2 * minute);
    assert_int_equal(window.first, 1);
    assert_int_equal(window.n_rows, 1);
    window = mbar_series_between(s, 2 * minute, 1);
    assert_int_equal(window.n_rows, 0);
    window = mbar_series_between(s, INT64_MIN, INT64_MAX);
    assert_int_equal(window.n_rows, 3);
    mbar_series_unref(s);
    s = series_at("UTC", MBAR_STEP_DAY, 0, 1, (int64_t[]){0});
    assert_int_equal(mbar_series_state(s, 5 * MBAR_DAY_NS, &row), MBAR_BAR_NONE);
    assert_int_equal(row, 0);
    mbar_series_unref(s);
}

static void test_empty_and_one_row(void **state)
{
    (void)state;
    int64_t row;
    for (int step = MBAR_STEP_SECOND; step <= MBAR_STEP_DAY; step++) {
        mbar_series *s = series_at("UTC", (mbar_step)step, 0, 0, NULL);
        assert_window(s, MBAR_POLICY_STRICT, 0, 5, 0, 0, 0);
        assert_window(s, MBAR_POLICY_LUMIBOT, 0, 5, -3, 0, 0);
        assert_int_equal(mbar_series_state(s, 0, &row), MBAR_BAR_NONE);
        assert_int_equal(mbar_series_between(s, INT64_MIN, INT64_MAX).n_rows, 0);
        mbar_series_unref(s);
    }
    /* At the ends of time. */
    mbar_series *s = series_at("UTC", MBAR_STEP_MINUTE, 0, 2, (int64_t[]){INT64_MIN, INT64_MAX});
    assert_window(s, MBAR_POLICY_LUMIBOT, INT64_MAX, 5, 0, 0, 1);
    assert_window(s, MBAR_POLICY_STRICT, INT64_MAX, 5, 0, 0, 1);
    assert_int_equal(mbar_series_state(s, INT64_MAX, &row), MBAR_BAR_FORMING);
    assert_int_equal(mbar_series_state(s, INT64_MAX - 1, &row), MBAR_BAR_CLOSED);
    mbar_series_unref(s);
}

static void test_against_lumibot(void **state)
{
    (void)state;
    mbar_zone_unref(zone_or_skip("America/New_York"));
    struct vectors v = vectors_open("market_windows.txt");
    mbar_series *series = NULL;
    long n_windows = 0;
    while (vectors_next(&v)) {
        if (vectors_frame(&v, &series)) {
            continue;
        }
        assert_true(vectors_is(&v, "window"));
        int64_t now_ns = vectors_number(&v, 1), row;
        assert_window(series, MBAR_POLICY_LUMIBOT, now_ns, vectors_number(&v, 2),
                      vectors_number(&v, 3), vectors_number(&v, 4), vectors_number(&v, 5));
        assert_int_equal(mbar_series_state(series, now_ns, &row), vectors_number(&v, 7));
        assert_int_equal(row, vectors_number(&v, 6));
        n_windows++;
    }
    mbar_series_unref(series);
    assert_true(n_windows == 360);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strict),
        cmocka_unit_test(test_strict_never_looks_ahead),
        cmocka_unit_test(test_strict_days_follow_the_wall_clock),
        cmocka_unit_test(test_lumibot_by_hand),
        cmocka_unit_test(test_state_and_between),
        cmocka_unit_test(test_empty_and_one_row),
        cmocka_unit_test(test_against_lumibot),
    };
    return cmocka_run_group_tests(tests, use_tzdata, drop_zones);
}
