/* test_series.c - making a series: the time column, order, labels, period, index. */
#include "market_support.h"

static const int64_t minutes[] = {0, 60, 120, 180};

static int64_t *scaled(const int64_t *values, int64_t n, int64_t factor, int64_t *out)
{
    for (int64_t i = 0; i < n; i++) {
        out[i] = values[i] * factor;
    }
    return out;
}

/* Expects an error whose message has part in it. */
static mbar_error refused(mbar_table *table, const mbar_series_options *options, mbar_status wanted,
                          const char *part)
{
    mbar_series *series = NULL;
    mbar_error error;
    assert_int_equal(mbar_series_new(table, options, &series, &error), wanted);
    assert_null(series);
    if (strstr(error.message, part) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", error.message, part);
    }
    mbar_table_unref(table);
    return error;
}

static void test_search(void **state)
{
    (void)state;
    static const int64_t times[] = {-5, 0, 3, 3, 9};
    static const int64_t asked[] = {INT64_MIN, -6, -5, -4, 0, 1, 3, 4, 9, 10, INT64_MAX};
    static const int64_t lower[] = {0, 0, 0, 1, 1, 2, 2, 4, 4, 5, 5};
    static const int64_t upper[] = {0, 0, 1, 1, 2, 2, 4, 4, 5, 5, 5};
    for (int64_t i = 0; i < COUNT(asked); i++) {
        assert_int_equal(mbar_lower_bound(times, 5, asked[i]), lower[i]);
        assert_int_equal(mbar_upper_bound(times, 5, asked[i]), upper[i]);
        assert_int_equal(mbar_asof(times, 5, asked[i]), upper[i] - 1);
    }
    assert_int_equal(mbar_lower_bound(NULL, 0, 5), 0);
    assert_int_equal(mbar_asof(NULL, 0, 5), -1);
    static const int64_t ends[] = {INT64_MIN, INT64_MAX};
    assert_int_equal(mbar_upper_bound(ends, 2, INT64_MAX), 2);
    assert_int_equal(mbar_lower_bound(ends, 2, INT64_MAX), 1);
    assert_int_equal(mbar_lower_bound(ends, 2, INT64_MIN), 0);
    /* Every size up to 40 against a scan. */
    int64_t many[40];
    for (int64_t n = 0; n <= 40; n++) {
        for (int64_t i = 0; i < n; i++) {
            many[i] = 2 * i;
        }
        for (int64_t t = -1; t <= 2 * n; t++) {
            assert_int_equal(mbar_lower_bound(many, n, t), (t + 1) / 2 > n ? n : (t + 1) / 2);
        }
    }
}

static void test_nanoseconds_are_taken_without_a_copy(void **state)
{
    (void)state;
    int64_t ns[4];
    scaled(minutes, 4, MBAR_SECOND_NS, ns);
    mbar_table *table = table_of(stamps("Time", MBAR_UNIT_NS, "UTC", 4, ns),
                                 doubles("Close", 4, (double[]){1, 2, 3, 4}), NULL);
    const void *values = mbar_column_values(mbar_table_column(table, 0));
    mbar_series *series = series_of(mbar_table_ref(table), NULL);
    assert_ptr_equal(mbar_series_table(series), table);
    assert_ptr_equal(mbar_series_times(series), values);
    assert_int_equal(mbar_series_rows(series), 4);
    assert_int_equal(mbar_series_time_column(series), 0);
    assert_int_equal(mbar_series_period_ns(series), MBAR_MINUTE_NS);
    assert_int_equal(mbar_series_step(series), MBAR_STEP_MINUTE);
    assert_string_equal(mbar_zone_name(mbar_series_zone(series)), "UTC");
    assert_int_equal(mbar_series_find(series, "close"), 1);
    assert_int_equal(mbar_series_find(series, "CLOSE"), 1);
    assert_int_equal(mbar_series_find(series, "clos"), -1);
    assert_int_equal(mbar_series_find(series, "closed"), -1);
    mbar_series *again = mbar_series_ref(series);
    mbar_series_unref(series);
    assert_int_equal(mbar_series_rows(again), 4);
    mbar_series_unref(again);
    mbar_series_unref(NULL);
    mbar_table_unref(table);
}

static void test_every_unit(void **state)
{
    (void)state;
    static const int64_t factors[] = {1, 1000, 1000000, 1000000000};
    for (int unit = MBAR_UNIT_S; unit <= MBAR_UNIT_NS; unit++) {
        int64_t values[4];
        scaled(minutes, 4, factors[unit], values);
        mbar_series *series =
            series_of(table_of(stamps("t", (mbar_unit)unit, "UTC", 4, values), NULL), NULL);
        for (int64_t i = 0; i < 4; i++) {
            assert_ns_equal(mbar_series_times(series)[i], minutes[i] * MBAR_SECOND_NS);
        }
        mbar_column *column = mbar_table_column(mbar_series_table(series), 0);
        assert_int_equal(mbar_column_field(column)->unit, unit);
        mbar_series_unref(series);
    }
    mbar_series_options options;
    mbar_series_options_init(&options);
    const int64_t huge[] = {0, INT64_MAX / 1000000 + 1};
    mbar_error error = refused(table_of(stamps("t", MBAR_UNIT_MS, "UTC", 2, huge), NULL), &options,
                               MBAR_INVALID, "");
    assert_int_equal(error.row, 1);
}

static void test_finding_the_time_column(void **state)
{
    (void)state;
    mbar_series_options options;
    mbar_series_options_init(&options);
    mbar_table *table = table_of(stamps("expiry", MBAR_UNIT_S, "UTC", 4, minutes),
                                 stamps("DATE", MBAR_UNIT_S, "UTC", 4, minutes),
                                 stamps("DateTime", MBAR_UNIT_S, "UTC", 4, minutes),
                                 int64s("timestamp", 4, minutes), NULL);
    mbar_series *series = series_of(mbar_table_ref(table), NULL);
    assert_int_equal(mbar_series_time_column(series), 2);
    mbar_series_unref(series);
    options.time_column = "expiry";
    series = series_of(mbar_table_ref(table), &options);
    assert_int_equal(mbar_series_time_column(series), 0);
    mbar_series_unref(series);
    options.time_column = "timestamp";
    refused(mbar_table_ref(table), &options, MBAR_INVALID, "is int64; cast it to timestamp");
    options.time_column = "when";
    refused(table, &options, MBAR_NOTFOUND, "\"when\"");
    options.time_column = NULL;
    refused(table_of(stamps("a", MBAR_UNIT_S, "UTC", 4, minutes),
                     stamps("b", MBAR_UNIT_S, "UTC", 4, minutes), NULL),
            &options, MBAR_NOTFOUND, "several timestamp columns");
    refused(table_of(int64s("timestamp", 4, minutes), NULL), &options, MBAR_NOTFOUND,
            "no timestamp column");
    refused(table_of(NULL), &options, MBAR_NOTFOUND, "no timestamp column");
}

static void test_nulls_and_bad_periods(void **state)
{
    (void)state;
    mbar_series_options options;
    mbar_series_options_init(&options);
    mbar_field field = {
        .name = "t", .type = MBAR_TYPE_TIMESTAMP, .unit = MBAR_UNIT_S, .zone = "UTC"};
    mbar_error error = refused(table_of(column_of(field, 4, minutes, 4), NULL), &options,
                               MBAR_INVALID, "null in row 2");
    assert_int_equal(error.row, 2);
    options.period_ns = -1;
    refused(table_of(stamps("t", MBAR_UNIT_S, "UTC", 4, minutes), NULL), &options, MBAR_INVALID,
            "period");
}

static void test_order(void **state)
{
    (void)state;
    const int64_t mixed[] = {120, 0, 60, 0, 120, 60};
    const double tags[] = {0, 1, 2, 3, 4, 5};
    mbar_series_options options;
    mbar_series_options_init(&options);
    mbar_table *table =
        table_of(doubles("tag", 6, tags), stamps("t", MBAR_UNIT_S, "UTC", 6, mixed), NULL);
    mbar_error error = refused(mbar_table_ref(table), &options, MBAR_INVALID, "sort");
    assert_int_equal(error.row, 1);
    options.sort = true;
    error = refused(mbar_table_ref(table), &options, MBAR_INVALID,
                    "row 3: 1970-01-01T00:00:00Z is there twice");
    assert_int_equal(error.row, 3);
    options.duplicates = MBAR_DUPLICATES_KEEP_FIRST;
    mbar_series *series = series_of(mbar_table_ref(table), &options);
    assert_int_equal(mbar_series_rows(series), 3);
    assert_memory_equal(series_doubles(series, "tag"), ((double[]){1, 2, 0}), 24);
    mbar_series_unref(series);
    options.duplicates = MBAR_DUPLICATES_KEEP_LAST;
    series = series_of(table, &options);
    assert_memory_equal(series_doubles(series, "tag"), ((double[]){3, 5, 4}), 24);
    for (int64_t i = 0; i < 3; i++) {
        assert_ns_equal(mbar_series_times(series)[i], i * MBAR_MINUTE_NS);
    }
    mbar_series_unref(series);
    /* Equal neighbours need no sorting, only the policy. */
    options.sort = false;
    series = series_of(table_of(stamps("t", MBAR_UNIT_S, "UTC", 4, (int64_t[]){0, 60, 60, 120}),
                                doubles("tag", 4, tags), NULL),
                       &options);
    assert_memory_equal(series_doubles(series, "tag"), ((double[]){0, 2, 3}), 24);
    mbar_series_unref(series);
}

/* Every length up to 70 sorts stably. */
static void test_sorting_is_stable(void **state)
{
    (void)state;
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.sort = true;
    options.duplicates = MBAR_DUPLICATES_KEEP_FIRST;
    int64_t times[70];
    double tags[70];
    uint32_t random = 1;
    for (int64_t n = 0; n <= 70; n++) {
        for (int64_t i = 0; i < n; i++) {
            random = random * 1664525 + 1013904223;
            times[i] = (random >> 16) % 40;
            tags[i] = (double)i;
        }
        mbar_series *series = series_of(
            table_of(stamps("t", MBAR_UNIT_S, "UTC", n, times), doubles("tag", n, tags), NULL),
            &options);
        const double *kept = series_doubles(series, "tag");
        int64_t row = 0;
        for (int64_t t = 0; t < 40; t++) {
            for (int64_t i = 0; i < n; i++) {
                if (times[i] == t) {
                    assert_true(row < mbar_series_rows(series) && kept[row] == (double)i);
                    assert_true(mbar_series_times(series)[row] == t * MBAR_SECOND_NS);
                    row++;
                    break;
                }
            }
        }
        assert_int_equal(row, mbar_series_rows(series));
        mbar_series_unref(series);
    }
}

static void test_wall_clock_without_a_zone(void **state)
{
    (void)state;
    mbar_series_options options;
    mbar_series_options_init(&options);
    /* Before and in the autumn fold, in the spring gap, plain winter. */
    const int64_t local[] = {at("2023-11-05T00:30"), at("2023-11-05T01:30"), at("2024-01-03T09:30"),
                             at("2024-03-10T02:30"), at("2024-07-01T09:30")};
    const int64_t utc[] = {at("2023-11-05T04:30Z"), at("2023-11-05T05:30Z"),
                           at("2024-01-03T14:30Z"), at("2024-03-10T07:00Z"),
                           at("2024-07-01T13:30Z")};
    refused(table_of(stamps("t", MBAR_UNIT_NS, NULL, 5, local), NULL), &options, MBAR_INVALID,
            "assume_zone");
    mbar_zone *zone = zone_or_skip("America/New_York");
    options.assume_zone = zone;
    int64_t seconds[5];
    for (int i = 0; i < 5; i++) {
        seconds[i] = local[i] / MBAR_SECOND_NS;
    }
    mbar_series *series =
        series_of(table_of(stamps("t", MBAR_UNIT_S, NULL, 5, seconds), NULL), &options);
    mbar_column *column = mbar_table_column(mbar_series_table(series), 0);
    assert_int_equal(mbar_column_field(column)->unit, MBAR_UNIT_S);
    assert_string_equal(mbar_column_field(column)->zone, "America/New_York");
    for (int i = 0; i < 5; i++) {
        assert_ns_equal(mbar_series_times(series)[i], utc[i]);
        assert_int_equal(((const int64_t *)mbar_column_values(column))[i], utc[i] / MBAR_SECOND_NS);
    }
    assert_ptr_equal(mbar_series_zone(series), zone);
    mbar_series_unref(series);
    /* Two wall clocks on one instant: the gap moves 02:30 onto 03:00. */
    const int64_t clash[] = {at("2024-03-10T02:30"), at("2024-03-10T03:00")};
    refused(table_of(stamps("t", MBAR_UNIT_NS, NULL, 2, clash), NULL), &options, MBAR_INVALID,
            "twice");
    /* A column with a zone is not placed again. */
    series = series_of(table_of(stamps("t", MBAR_UNIT_NS, "UTC", 5, utc), NULL), &options);
    assert_ns_equal(mbar_series_times(series)[0], utc[0]);
    assert_string_equal(mbar_zone_name(mbar_series_zone(series)), "UTC");
    mbar_series_unref(series);
    mbar_zone_unref(zone);
}

static void test_close_labels(void **state)
{
    (void)state;
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.label = MBAR_LABEL_CLOSE;
    mbar_series *series = series_of(
        table_of(stamps("t", MBAR_UNIT_MS, "UTC", 3, (int64_t[]){60000, 120000, 180000}), NULL),
        &options);
    mbar_column *column = mbar_table_column(mbar_series_table(series), 0);
    assert_int_equal(mbar_column_field(column)->unit, MBAR_UNIT_MS);
    for (int64_t i = 0; i < 3; i++) {
        assert_ns_equal(mbar_series_times(series)[i], i * MBAR_MINUTE_NS);
        assert_int_equal(((const int64_t *)mbar_column_values(column))[i], i * 60000);
    }
    assert_int_equal(mbar_series_period_ns(series), MBAR_MINUTE_NS);
    mbar_series_unref(series);
    /* A period finer than the unit makes the column nanoseconds. */
    options.period_ns = 500000000;
    series =
        series_of(table_of(stamps("t", MBAR_UNIT_S, "UTC", 2, (int64_t[]){1, 2}), NULL), &options);
    column = mbar_table_column(mbar_series_table(series), 0);
    assert_int_equal(mbar_column_field(column)->unit, MBAR_UNIT_NS);
    assert_ns_equal(((const int64_t *)mbar_column_values(column))[1], 1500000000);
    mbar_series_unref(series);
    refused(table_of(stamps("t", MBAR_UNIT_NS, "UTC", 1, (int64_t[]){INT64_MIN}), NULL), &options,
            MBAR_INVALID, "1677");
    options.period_ns = 0;
    refused(table_of(stamps("t", MBAR_UNIT_S, "UTC", 1, (int64_t[]){60}), NULL), &options,
            MBAR_INVALID, "period_ns");
    series = series_of(table_of(stamps("t", MBAR_UNIT_S, "UTC", 0, NULL), NULL), &options);
    assert_int_equal(mbar_series_rows(series), 0);
    mbar_series_unref(series);
}

static int64_t period_of(int64_t n, const int64_t *seconds, mbar_step step)
{
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.step = step;
    mbar_series *series =
        series_of(table_of(stamps("t", MBAR_UNIT_S, "UTC", n, seconds), NULL), &options);
    int64_t period_ns = mbar_series_period_ns(series);
    mbar_series_unref(series);
    return period_ns;
}

static void test_period_inference(void **state)
{
    (void)state;
    assert_int_equal(period_of(0, NULL, MBAR_STEP_HOUR), MBAR_HOUR_NS);
    assert_int_equal(period_of(1, minutes, MBAR_STEP_DAY), MBAR_DAY_NS);
    assert_int_equal(period_of(6, (int64_t[]){0, 300, 600, 660, 720, 1020}, MBAR_STEP_MINUTE),
                     300 * MBAR_SECOND_NS);
    /* Equally common: the smaller. */
    assert_int_equal(period_of(5, (int64_t[]){0, 300, 600, 660, 720}, MBAR_STEP_MINUTE),
                     60 * MBAR_SECOND_NS);
    /* More distances than the counter starts with, one of them twice. */
    int64_t many[500];
    many[0] = 0;
    for (int64_t i = 1; i < 500; i++) {
        many[i] = many[i - 1] + (i == 400 ? 7 : i);
    }
    assert_int_equal(period_of(500, many, MBAR_STEP_SECOND), 7 * MBAR_SECOND_NS);
    /* The widest distance there can be. */
    mbar_series *series = series_of(
        table_of(stamps("t", MBAR_UNIT_NS, "UTC", 2, (int64_t[]){INT64_MIN, INT64_MAX}), NULL),
        NULL);
    assert_true(mbar_series_period_ns(series) == INT64_MAX);
    mbar_series_unref(series);
}

static void test_zone_choice(void **state)
{
    (void)state;
    mbar_series_options options;
    mbar_series_options_init(&options);
    mbar_series *series =
        series_of(table_of(stamps("t", MBAR_UNIT_S, "+05:30", 4, minutes), NULL), &options);
    assert_string_equal(mbar_zone_name(mbar_series_zone(series)), "+05:30");
    mbar_series_unref(series);
    refused(table_of(stamps("t", MBAR_UNIT_S, "Mars/Olympus", 4, minutes), NULL), &options,
            MBAR_NOTFOUND, "Mars/Olympus");
    mbar_zone *utc;
    assert_int_equal(mbar_zone_open("UTC", &utc, NULL), MBAR_OK);
    options.zone = utc;
    series =
        series_of(table_of(stamps("t", MBAR_UNIT_S, "Mars/Olympus", 4, minutes), NULL), &options);
    assert_ptr_equal(mbar_series_zone(series), utc);
    mbar_series_unref(series);
    mbar_zone_unref(utc);
}

struct attempt {
    mbar_table *table;
    mbar_series_options options;
};

static mbar_status attempt_new(void *ctx, mbar_error *error)
{
    struct attempt *attempt = ctx;
    mbar_series *series = NULL;
    mbar_status status = mbar_series_new(attempt->table, &attempt->options, &series, error);
    mbar_series_unref(series);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    struct attempt attempt;
    mbar_zone *zone;
    assert_int_equal(mbar_zone_open("-05:00", &zone, NULL), MBAR_OK);
    mbar_series_options_init(&attempt.options);
    attempt.options.sort = true;
    attempt.options.label = MBAR_LABEL_CLOSE;
    attempt.options.duplicates = MBAR_DUPLICATES_KEEP_LAST;
    attempt.options.assume_zone = zone;
    attempt.table = table_of(stamps("t", MBAR_UNIT_S, NULL, 5, (int64_t[]){60, 0, 120, 60, 180}),
                             doubles("close", 5, (double[]){1, 2, 3, 4, 5}), NULL);
    check_every_allocation(attempt_new, &attempt);
    mbar_table_unref(attempt.table);
    mbar_zone_unref(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_nanoseconds_are_taken_without_a_copy),
        cmocka_unit_test(test_every_unit),
        cmocka_unit_test(test_finding_the_time_column),
        cmocka_unit_test(test_nulls_and_bad_periods),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_sorting_is_stable),
        cmocka_unit_test(test_wall_clock_without_a_zone),
        cmocka_unit_test(test_close_labels),
        cmocka_unit_test(test_period_inference),
        cmocka_unit_test(test_zone_choice),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, use_tzdata, drop_zones);
}
