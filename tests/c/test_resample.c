/* test_resample.c - buckets, aggregates, types, partial buckets. */
#include "market_vectors.h"

#include <math.h>

static mbar_series *resampled(const mbar_series *series, int64_t every, mbar_step step, bool drop)
{
    mbar_resample how = {.every = every, .step = step, .drop_partial = drop};
    mbar_window all = {0, mbar_series_rows(series)};
    mbar_series *out = NULL;
    mbar_error error;
    must(mbar_series_resample(series, all, &how, &out, &error), &error);
    return out;
}

static void assert_times(const mbar_series *series, int64_t n, const char *const *wanted)
{
    assert_int_equal(mbar_series_rows(series), n);
    for (int64_t i = 0; i < n; i++) {
        assert_ns_equal(mbar_series_times(series)[i], at(wanted[i]));
    }
}

static mbar_series *minute_bars(int64_t n, int64_t first_minute)
{
    int64_t minutes[300];
    double close[300];
    for (int64_t i = 0; i < n; i++) {
        minutes[i] = (first_minute + i) * 60;
        close[i] = (double)i;
    }
    return series_of(table_of(stamps("timestamp", MBAR_UNIT_S, "UTC", n, minutes),
                              doubles("Open", n, close), doubles("high", n, close),
                              doubles("low", n, close), doubles("close", n, close),
                              int64s("volume", n, minutes), doubles("oi", n, close), NULL),
                     NULL);
}

static void test_five_minutes(void **state)
{
    (void)state;
    mbar_series *series = minute_bars(12, 3);
    mbar_series *five = resampled(series, 5, MBAR_STEP_MINUTE, false);
    assert_times(five, 3,
                 (const char *[]){"1970-01-01T00:00Z", "1970-01-01T00:05Z", "1970-01-01T00:10Z"});
    /* The source's names, in the order of the aggregates; nothing else. */
    static const char *const names[] = {"timestamp", "Open", "high", "low", "close", "volume"};
    mbar_table *table = mbar_series_table(five);
    assert_int_equal(mbar_table_columns(table), 6);
    for (int32_t i = 0; i < 6; i++) {
        assert_string_equal(mbar_column_field(mbar_table_column(table, i))->name, names[i]);
    }
    assert_memory_equal(series_doubles(five, "open"), ((double[]){0, 2, 7}), 24);
    assert_memory_equal(series_doubles(five, "high"), ((double[]){1, 6, 11}), 24);
    assert_memory_equal(series_doubles(five, "low"), ((double[]){0, 2, 7}), 24);
    assert_memory_equal(series_doubles(five, "close"), ((double[]){1, 6, 11}), 24);
    assert_memory_equal(series_int64s(five, "volume"), ((int64_t[]){7 * 60, 35 * 60, 60 * 60}), 24);
    assert_int_equal(mbar_series_period_ns(five), 5 * MBAR_MINUTE_NS);
    assert_int_equal(mbar_series_step(five), MBAR_STEP_MINUTE);
    assert_int_equal(mbar_column_field(mbar_table_column(table, 0))->unit, MBAR_UNIT_S);
    mbar_series_unref(five);
    mbar_series_unref(series);
}

static void test_partial_buckets(void **state)
{
    (void)state;
    /* Rows to 00:14 reach the end of their bucket; rows to 00:13 do not. */
    mbar_series *series = minute_bars(15, 0);
    mbar_series *five = resampled(series, 5, MBAR_STEP_MINUTE, true);
    assert_int_equal(mbar_series_rows(five), 3);
    mbar_series_unref(five);
    mbar_series_unref(series);
    series = minute_bars(14, 0);
    five = resampled(series, 5, MBAR_STEP_MINUTE, true);
    assert_int_equal(mbar_series_rows(five), 2);
    mbar_series_unref(five);
    five = resampled(series, 5, MBAR_STEP_MINUTE, false);
    assert_int_equal(mbar_series_rows(five), 3);
    mbar_series_unref(five);
    five = resampled(series, 1, MBAR_STEP_DAY, true);
    assert_int_equal(mbar_series_rows(five), 0);
    mbar_series_unref(five);
    mbar_series_unref(series);
}

static void test_windows_are_resampled_alone(void **state)
{
    (void)state;
    mbar_series *series = minute_bars(20, 0);
    mbar_resample how = {.every = 7, .step = MBAR_STEP_MINUTE};
    mbar_series *out = NULL;
    mbar_error error;
    must(mbar_series_resample(series, (mbar_window){8, 7}, &how, &out, &error), &error);
    assert_times(out, 2, (const char *[]){"1970-01-01T00:07Z", "1970-01-01T00:14Z"});
    assert_memory_equal(series_doubles(out, "open"), ((double[]){8, 14}), 16);
    mbar_series_unref(out);
    must(mbar_series_resample(series, (mbar_window){20, 0}, &how, &out, &error), &error);
    assert_int_equal(mbar_series_rows(out), 0);
    assert_int_equal(mbar_table_columns(mbar_series_table(out)), 6);
    mbar_series_unref(out);
    mbar_series_unref(series);
}

static void test_days_over_clock_changes(void **state)
{
    (void)state;
    mbar_zone *zone = zone_or_skip("America/New_York");
    int64_t hours[96];
    double close[96];
    for (int64_t i = 0; i < 96; i++) {
        hours[i] = at("2024-11-02T04:00Z") / MBAR_SECOND_NS + i * 3600;
        close[i] = (double)i;
    }
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.step = MBAR_STEP_HOUR;
    options.zone = zone;
    mbar_series *series = series_of(
        table_of(stamps("t", MBAR_UNIT_S, "UTC", 96, hours), doubles("close", 96, close), NULL),
        &options);
    mbar_series *days = resampled(series, 1, MBAR_STEP_DAY, true);
    /* 3 November has 25 hours, so the 96th is one short of a whole fourth day. */
    assert_times(days, 3,
                 (const char *[]){"2024-11-02T04:00Z", "2024-11-03T04:00Z", "2024-11-04T05:00Z"});
    assert_memory_equal(series_doubles(days, "close"), ((double[]){23, 48, 72}), 24);
    assert_ptr_equal(mbar_series_zone(days), zone);
    mbar_series_unref(days);
    /* Twelve hours are a length of time: their edges march through the change. */
    mbar_series *halves = resampled(series, 12, MBAR_STEP_HOUR, false);
    assert_ns_equal(mbar_series_times(halves)[4], at("2024-11-04T04:00Z"));
    mbar_series_unref(halves);
    mbar_series_unref(series);
    mbar_zone_unref(zone);
}

/* A last daily bar of a day with 25 hours reaches the end of its bucket. */
static void test_daily_bars_end_with_their_day(void **state)
{
    (void)state;
    mbar_zone_unref(zone_or_skip("America/New_York"));
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.step = MBAR_STEP_DAY;
    options.period_ns = MBAR_DAY_NS;
    int64_t days[] = {at("2024-11-02T04:00Z"), at("2024-11-03T04:00Z")};
    mbar_series *series = series_of(table_of(stamps("t", MBAR_UNIT_NS, "America/New_York", 2, days),
                                             doubles("close", 2, (double[]){1, 2}), NULL),
                                    &options);
    mbar_series *pairs = resampled(series, 2, MBAR_STEP_DAY, true);
    assert_int_equal(mbar_series_rows(pairs), 1);
    mbar_series_unref(pairs);
    mbar_series_unref(series);
}

static mbar_series *sums_of(int64_t n, mbar_column *volume)
{
    int64_t seconds[16];
    for (int64_t i = 0; i < n; i++) {
        seconds[i] = i;
    }
    mbar_series *series =
        series_of(table_of(stamps("t", MBAR_UNIT_S, "UTC", n, seconds), volume, NULL), NULL);
    mbar_series *out = resampled(series, 1, MBAR_STEP_MINUTE, false);
    mbar_series_unref(series);
    return out;
}

static void test_sums(void **state)
{
    (void)state;
    /* Compensated: each 1 alone is lost beside 1e16. */
    mbar_series *out = sums_of(4, doubles("volume", 4, (double[]){1e16, 1, 1, -1e16}));
    assert_true(series_doubles(out, "volume")[0] == 2);
    mbar_series_unref(out);
    out = sums_of(3, doubles("volume", 3, (double[]){INFINITY, 1, 2}));
    assert_true(series_doubles(out, "volume")[0] == INFINITY);
    mbar_series_unref(out);
    /* A sum that is NaN drops its bucket; NaN cells alone do not. */
    out = sums_of(2, doubles("volume", 2, (double[]){INFINITY, -INFINITY}));
    assert_int_equal(mbar_series_rows(out), 0);
    mbar_series_unref(out);
    out = sums_of(2, doubles("volume", 2, (double[]){NAN, NAN}));
    assert_true(series_doubles(out, "volume")[0] == 0);
    mbar_series_unref(out);
    /* Integers wrap as they do in pandas. */
    out = sums_of(2, int64s("volume", 2, (int64_t[]){INT64_MAX, 1}));
    assert_true(series_int64s(out, "volume")[0] == INT64_MIN);
    mbar_series_unref(out);
    mbar_field field = {.name = "volume", .type = MBAR_TYPE_INT32};
    out = sums_of(2, column_of(field, 2, (int32_t[]){INT32_MAX, 1}, 0));
    assert_true(series_int64s(out, "volume")[0] == (int64_t)INT32_MAX + 1);
    mbar_series_unref(out);
    out = sums_of(2, column_of(field, 2, (int32_t[]){INT32_MIN, 1}, 0));
    assert_int_equal(mbar_column_field(series_column(out, "volume"))->type, MBAR_TYPE_INT32);
    mbar_series_unref(out);
    /* Null integers are summed as doubles without them. */
    field.type = MBAR_TYPE_INT64;
    out = sums_of(3, column_of(field, 3, (int64_t[]){1, 99, 2}, 2));
    assert_true(series_doubles(out, "volume")[0] == 3);
    mbar_series_unref(out);
    field.type = MBAR_TYPE_FLOAT32;
    out = sums_of(3, column_of(field, 3, (float[]){1, 99, 2}, 2));
    assert_true(((const float *)mbar_column_values(series_column(out, "volume")))[0] == 3);
    mbar_series_unref(out);
}

static void test_refusals(void **state)
{
    (void)state;
    mbar_series *series = minute_bars(3, 0);
    mbar_resample how = {.every = 0, .step = MBAR_STEP_MINUTE};
    mbar_series *out = NULL;
    mbar_error error;
    mbar_window all = {0, 3};
    assert_int_equal(mbar_series_resample(series, all, &how, &out, &error), MBAR_INVALID);
    assert_non_null(strstr(error.message, "1 or more"));
    how.every = INT64_MAX;
    assert_int_equal(mbar_series_resample(series, all, &how, &out, &error), MBAR_INVALID);
    assert_non_null(strstr(error.message, "longer than"));
    /* The longest bucket there is holds everything. */
    how.every = INT64_MAX / MBAR_MINUTE_NS;
    must(mbar_series_resample(series, all, &how, &out, &error), &error);
    assert_int_equal(mbar_series_rows(out), 1);
    mbar_series_unref(out);
    how = (mbar_resample){.every = INT64_MAX / MBAR_DAY_NS, .step = MBAR_STEP_DAY};
    must(mbar_series_resample(series, all, &how, &out, &error), &error);
    assert_int_equal(mbar_series_rows(out), 1);
    mbar_series_unref(out);
    mbar_series_unref(series);
    series = series_of(table_of(stamps("t", MBAR_UNIT_S, "UTC", 1, (int64_t[]){0}),
                                stamps("close", MBAR_UNIT_S, "UTC", 1, (int64_t[]){0}), NULL),
                       &(mbar_series_options){.time_column = "t", .step = MBAR_STEP_MINUTE});
    how.every = 1;
    assert_int_equal(mbar_series_resample(series, (mbar_window){0, 1}, &how, &out, &error),
                     MBAR_INVALID);
    assert_non_null(strstr(error.message, "\"close\" is timestamp"));
    mbar_series_unref(series);
}

static void test_against_pandas(void **state)
{
    (void)state;
    mbar_zone_unref(zone_or_skip("America/New_York"));
    struct vectors v = vectors_open("market_resamples.txt");
    mbar_series *series = NULL;
    long n_resamples = 0;
    while (vectors_next(&v)) {
        if (vectors_frame(&v, &series)) {
            continue;
        }
        assert_true(vectors_is(&v, "resample"));
        mbar_resample how = {.every = vectors_number(&v, 1), .step = vectors_step(&v, 2)};
        mbar_window window = {vectors_number(&v, 3), vectors_number(&v, 4)};
        struct vector_table table = vectors_table(&v, 5);
        mbar_series *out = NULL;
        mbar_error error;
        must(mbar_series_resample(series, window, &how, &out, &error), &error);
        check_vector_table(&v, &table, out);
        vector_table_free(&table);
        mbar_series_unref(out);
        n_resamples++;
    }
    mbar_series_unref(series);
    assert_true(n_resamples == 30);
}

static mbar_status attempt_resample(void *ctx, mbar_error *error)
{
    const mbar_series *series = ctx;
    mbar_resample how = {.every = 1, .step = MBAR_STEP_MINUTE};
    mbar_window all = {0, mbar_series_rows(series)};
    mbar_series *out = NULL;
    mbar_status status = mbar_series_resample(series, all, &how, &out, error);
    mbar_series_unref(out);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    int64_t minutes[100];
    double close[100];
    for (int64_t i = 0; i < 100; i++) {
        minutes[i] = i * 60;
        close[i] = (double)i;
    }
    mbar_field volume = {.name = "volume", .type = MBAR_TYPE_INT32};
    int32_t counts[100] = {0};
    mbar_series *series =
        series_of(table_of(stamps("t", MBAR_UNIT_S, "UTC", 100, minutes),
                           doubles("close", 100, close), column_of(volume, 100, counts, 5), NULL),
                  NULL);
    check_every_allocation(attempt_resample, series);
    mbar_series_unref(series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_five_minutes),
        cmocka_unit_test(test_partial_buckets),
        cmocka_unit_test(test_windows_are_resampled_alone),
        cmocka_unit_test(test_days_over_clock_changes),
        cmocka_unit_test(test_daily_bars_end_with_their_day),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_against_pandas),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, use_tzdata, drop_zones);
}
