/* test_fill.c - the grid, lumibot's repairs, returns. */
#include "market_vectors.h"

#include <math.h>

static const double nan64 = NAN;

static void assert_doubles(const mbar_series *series, const char *name, int64_t n,
                           const double *wanted)
{
    assert_int_equal(mbar_series_rows(series), n);
    const double *got = series_doubles(series, name);
    for (int64_t i = 0; i < n; i++) {
        if (memcmp(&got[i], &wanted[i], sizeof *got) != 0 && !(isnan(got[i]) && isnan(wanted[i]))) {
            fail_msg("%s, row %lld: %g, not %g", name, (long long)i, got[i], wanted[i]);
        }
    }
    assert_int_equal(mbar_column_nulls(series_column(series, name)), 0);
}

/* A UTC series of given seconds; more columns may be added to the table. */
static mbar_series *series_of_seconds(int64_t n, const int64_t *seconds)
{
    return series_of(table_of(stamps("t", MBAR_UNIT_S, "UTC", n, seconds), NULL), NULL);
}

static mbar_zone *utc(void)
{
    mbar_zone *zone = NULL;
    mbar_error error;
    must(mbar_zone_open("UTC", &zone, &error), &error);
    return zone;
}

/* The grid of series in UTC, as seconds; -1 ends wanted. */
static void assert_grid(mbar_series *const *series, int32_t n, mbar_step step, int64_t end_ns,
                        const int64_t *wanted)
{
    mbar_zone *zone = utc();
    mbar_column *grid = NULL;
    mbar_error error;
    must(mbar_grid_new(series, n, step, zone, end_ns, &grid, &error), &error);
    const mbar_field *field = mbar_column_field(grid);
    assert_string_equal(field->name, "timestamp");
    assert_string_equal(field->zone, "UTC");
    assert_int_equal(field->unit, MBAR_UNIT_NS);
    const int64_t *got = mbar_column_values(grid);
    for (int64_t i = 0; i < mbar_column_rows(grid); i++) {
        assert_ns_equal(got[i], wanted[i] * MBAR_SECOND_NS);
    }
    assert_int_equal(wanted[mbar_column_rows(grid)], -1);
    mbar_column_unref(grid);
    mbar_zone_unref(zone);
}

static void test_grid(void **state)
{
    (void)state;
    mbar_series *a = series_of_seconds(3, (int64_t[]){60, 240, 86400 + 60});
    mbar_series *b = series_of_seconds(2, (int64_t[]){90, 86400 + 200});
    mbar_series *empty = series_of_seconds(0, NULL);
    assert_grid(NULL, 0, MBAR_STEP_MINUTE, INT64_MAX, (int64_t[]){-1});
    assert_grid(&empty, 1, MBAR_STEP_MINUTE, INT64_MAX, (int64_t[]){-1});
    assert_grid(&a, 1, MBAR_STEP_MINUTE, INT64_MAX, (int64_t[]){60, 120, 180, 240, 86460, -1});
    /* The first stamp anchors the minutes of every date; others fall between. */
    assert_grid(&b, 1, MBAR_STEP_MINUTE, INT64_MAX, (int64_t[]){90, -1});
    mbar_series *both[] = {b, empty, a};
    assert_grid(both, 3, MBAR_STEP_MINUTE, INT64_MAX,
                (int64_t[]){60, 120, 180, 240, 86460, 86520, 86580, -1});
    assert_grid(both, 3, MBAR_STEP_MINUTE, 200 * MBAR_SECOND_NS, (int64_t[]){60, 120, 180, -1});
    assert_grid(both, 3, MBAR_STEP_MINUTE, 0, (int64_t[]){-1});
    assert_grid(both, 3, MBAR_STEP_HOUR, 86460 * MBAR_SECOND_NS,
                (int64_t[]){60, 90, 240, 86460, -1});
    assert_grid(both, 3, MBAR_STEP_DAY, INT64_MIN, (int64_t[]){-1});
    mbar_series_unref(a);
    mbar_series_unref(b);
    mbar_series_unref(empty);
}

static void test_grid_merges_many_series(void **state)
{
    (void)state;
    mbar_series *series[9];
    int64_t wanted[101];
    for (int k = 0; k < 9; k++) {
        int64_t seconds[100], n = 0;
        for (int64_t t = 0; t < 100; t++) {
            if (t % 9 == k || t % 7 == 0) {
                seconds[n++] = t;
            }
        }
        series[k] = series_of_seconds(n, seconds);
    }
    for (int64_t t = 0; t < 100; t++) {
        wanted[t] = t;
    }
    wanted[100] = -1;
    assert_grid(series, 9, MBAR_STEP_DAY, INT64_MAX, wanted);
    for (int k = 0; k < 9; k++) {
        mbar_series_unref(series[k]);
    }
}

static void test_grid_at_the_ends_of_time(void **state)
{
    (void)state;
    mbar_zone *zone = utc();
    mbar_series *s = series_of(
        table_of(stamps("t", MBAR_UNIT_NS, "UTC", 2, (int64_t[]){INT64_MIN, INT64_MAX}), NULL),
        NULL);
    mbar_column *grid = NULL;
    mbar_error error;
    must(mbar_grid_new(&s, 1, MBAR_STEP_MINUTE, zone, INT64_MAX, &grid, &error), &error);
    assert_true(mbar_column_rows(grid) >= 1 && mbar_column_rows(grid) <= 2);
    assert_true(((const int64_t *)mbar_column_values(grid))[0] == INT64_MIN);
    mbar_column_unref(grid);
    mbar_series_unref(s);
    mbar_zone_unref(zone);
}

static mbar_series *filled(mbar_series *series)
{
    mbar_zone *zone = utc();
    mbar_column *grid = NULL;
    mbar_series *out = NULL;
    mbar_error error;
    must(mbar_grid_new(&series, 1, mbar_series_step(series), zone, INT64_MAX, &grid, &error),
         &error);
    must(mbar_series_fill(series, grid, &out, &error), &error);
    mbar_column_unref(grid);
    mbar_zone_unref(zone);
    return out;
}

static void test_repairs_by_hand(void **state)
{
    (void)state;
    mbar_table *table = table_of(stamps("t", MBAR_UNIT_S, "UTC", 3, (int64_t[]){0, 60, 240}),
                                 doubles("Open", 3, (double[]){1, nan64, 3}),
                                 doubles("close", 3, (double[]){5, nan64, 7}),
                                 int64s("volume", 3, (int64_t[]){10, 20, 30}), NULL);
    mbar_series *series = series_of(table, NULL);
    mbar_series *full = filled(series);
    assert_doubles(full, "close", 5, (double[]){5, 5, 5, 5, 7});
    assert_doubles(full, "Open", 5, (double[]){1, 5, 5, 5, 3});
    assert_memory_equal(series_int64s(full, "volume"), ((int64_t[]){10, 20, 20, 20, 30}), 40);
    mbar_column *time = series_column(full, "t");
    assert_int_equal(mbar_column_field(time)->unit, MBAR_UNIT_S);
    assert_memory_equal(mbar_column_values(time), ((int64_t[]){0, 60, 120, 180, 240}), 40);
    assert_int_equal(mbar_series_period_ns(full), MBAR_MINUTE_NS);
    mbar_series_unref(full);
    mbar_series_unref(series);
}

/* A row that repeats a five-minute bar must not show before that bar closed. */
static void test_filled_rows_close_with_their_bar(void **state)
{
    (void)state;
    mbar_series *series = series_of_seconds(3, (int64_t[]){0, 300, 600});
    mbar_series *full = filled(series);
    assert_int_equal(mbar_series_rows(full), 11);
    mbar_window window;
    assert_int_equal(
        mbar_series_window(full, MBAR_POLICY_STRICT, 299 * MBAR_SECOND_NS, 50, 0, &window, NULL),
        MBAR_OK);
    assert_int_equal(window.n_rows, 0);
    assert_int_equal(
        mbar_series_window(full, MBAR_POLICY_STRICT, 300 * MBAR_SECOND_NS, 50, 0, &window, NULL),
        MBAR_OK);
    assert_int_equal(window.n_rows, 1);
    mbar_series_unref(full);
    mbar_series_unref(series);
}

static void test_nulls_count_as_missing(void **state)
{
    (void)state;
    mbar_field volume = {.name = "volume", .type = MBAR_TYPE_INT64};
    mbar_field close = {.name = "close", .type = MBAR_TYPE_FLOAT64};
    mbar_field high = {.name = "high", .type = MBAR_TYPE_FLOAT32};
    mbar_field other = {.name = "oi", .type = MBAR_TYPE_INT32};
    mbar_table *table = table_of(stamps("t", MBAR_UNIT_S, "UTC", 3, (int64_t[]){0, 60, 120}),
                                 column_of(volume, 3, (int64_t[]){9, 8, 7}, 2),
                                 column_of(close, 3, (double[]){1, 2, 3}, 1),
                                 column_of(high, 3, (float[]){1, 2, 4}, 2),
                                 column_of(other, 3, (int32_t[]){1, 2, 3}, 5), NULL);
    mbar_series *series = series_of(table, NULL);
    mbar_series *full = filled(series);
    assert_memory_equal(series_int64s(full, "volume"), ((int64_t[]){9, 0, 7}), 24);
    assert_doubles(full, "close", 3, (double[]){nan64, 2, 3});
    mbar_column *column = series_column(full, "high");
    assert_int_equal(mbar_column_field(column)->type, MBAR_TYPE_FLOAT32);
    assert_memory_equal(mbar_column_values(column), ((float[]){1, 2, 4}), 12);
    column = series_column(full, "oi");
    assert_false(mbar_column_is_valid(column, 0));
    assert_true(mbar_column_is_valid(column, 1));
    assert_int_equal(((const int32_t *)mbar_column_values(column))[2], 2);
    mbar_series_unref(full);
    mbar_series_unref(series);
}

/* Quotes do not cross two hours; a whole-number size with a hole is a double. */
static void test_quotes(void **state)
{
    (void)state;
    int64_t seconds[] = {0, 60, 7320, 14580, 14640};
    mbar_table *table = table_of(stamps("t", MBAR_UNIT_S, "UTC", 5, seconds),
                                 doubles("bid", 5, (double[]){1, nan64, nan64, nan64, 5}),
                                 int64s("bid_size", 5, (int64_t[]){1, 2, 3, 4, 5}), NULL);
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.step = MBAR_STEP_HOUR;
    mbar_series *series = series_of(table, &options);
    mbar_series *full = filled(series);
    /* 7260 s are more than two hours, and 60 s before them is one segment. */
    assert_doubles(full, "bid", 5, (double[]){1, 1, nan64, nan64, 5});
    assert_memory_equal(series_int64s(full, "bid_size"), ((int64_t[]){1, 2, 3, 4, 5}), 40);
    mbar_series_unref(full);
    /* On another's stamps the rows after a gap are not the series' own. */
    mbar_column *grid = stamps("g", MBAR_UNIT_S, "UTC", 3, (int64_t[]){0, 60, 14640 - 30});
    mbar_error error;
    must(mbar_series_fill(series, grid, &full, &error), &error);
    assert_doubles(full, "bid_size", 3, (double[]){1, 2, nan64});
    mbar_column_unref(grid);
    mbar_series_unref(full);
    mbar_series_unref(series);
}

static void test_empty_and_one_row(void **state)
{
    (void)state;
    mbar_table *table =
        table_of(stamps("t", MBAR_UNIT_S, "UTC", 0, NULL), doubles("close", 0, NULL), NULL);
    mbar_series *series = series_of(table, NULL);
    mbar_series *full = filled(series);
    assert_int_equal(mbar_series_rows(full), 0);
    assert_int_equal(mbar_table_columns(mbar_series_table(full)), 2);
    mbar_series_unref(full);
    mbar_series_unref(series);
    series = series_of(table_of(stamps("t", MBAR_UNIT_S, "UTC", 1, (int64_t[]){60}),
                                doubles("open", 1, &nan64), doubles("close", 1, &nan64), NULL),
                       NULL);
    full = filled(series);
    assert_doubles(full, "open", 1, &nan64);
    mbar_series_unref(full);
    /* No stamp of the grid inside the series. */
    mbar_column *grid = stamps("g", MBAR_UNIT_S, "UTC", 2, (int64_t[]){0, 120});
    mbar_error error;
    must(mbar_series_fill(series, grid, &full, &error), &error);
    assert_int_equal(mbar_series_rows(full), 0);
    mbar_column_unref(grid);
    mbar_series_unref(full);
    mbar_series_unref(series);
}

static void test_bad_grids(void **state)
{
    (void)state;
    mbar_series *series = series_of_seconds(2, (int64_t[]){0, 60});
    mbar_series *full = NULL;
    mbar_error error;
    mbar_column *grid = stamps("g", MBAR_UNIT_S, "UTC", 3, (int64_t[]){0, 60, 60});
    assert_int_equal(mbar_series_fill(series, grid, &full, &error), MBAR_INVALID);
    assert_int_equal(error.row, 2);
    mbar_column_unref(grid);
    grid = int64s("g", 1, (int64_t[]){0});
    assert_int_equal(mbar_series_fill(series, grid, &full, &error), MBAR_INVALID);
    assert_non_null(strstr(error.message, "must be timestamps"));
    assert_null(full);
    mbar_column_unref(grid);
    mbar_series_unref(series);
}

/* The frames of one grid, and the grid once it has come. */
struct replay {
    struct vectors vectors;
    mbar_zone *zone;
    mbar_series *series[4];
    int32_t n_series;
    mbar_column *grid;
    long n_fills;
};

static void replay_clear(struct replay *r)
{
    while (r->n_series > 0) {
        mbar_series_unref(r->series[--r->n_series]);
    }
    mbar_column_unref(r->grid);
    r->grid = NULL;
}

static void replay_frame(struct replay *r)
{
    if (r->grid != NULL) {
        replay_clear(r);
    }
    mbar_step step = vectors_step(&r->vectors, 1);
    struct vector_table table = vectors_table(&r->vectors, 2);
    r->series[r->n_series++] = vector_series(&table, step);
    vector_table_free(&table);
}

static void replay_grid(struct replay *r)
{
    struct vectors *v = &r->vectors;
    mbar_error error;
    must(mbar_grid_new(r->series, r->n_series, vectors_step(v, 1), r->zone, vectors_number(v, 2),
                       &r->grid, &error),
         &error);
    int64_t n = vectors_number(v, 3);
    assert_int_equal(mbar_column_rows(r->grid), n);
    for (int64_t i = 0; i < n; i++) {
        assert_true(vectors_next(v));
        assert_ns_equal(((const int64_t *)mbar_column_values(r->grid))[i], vectors_number(v, 0));
    }
}

static void replay_fill(struct replay *r)
{
    mbar_series *full = NULL;
    mbar_error error;
    must(mbar_series_fill(r->series[vectors_number(&r->vectors, 1)], r->grid, &full, &error),
         &error);
    struct vector_table table = vectors_table(&r->vectors, 2);
    check_vector_table(&r->vectors, &table, full);
    vector_table_free(&table);
    mbar_series_unref(full);
    r->n_fills++;
}

static void test_against_lumibot(void **state)
{
    (void)state;
    struct replay r = {.zone = zone_or_skip("America/New_York")};
    r.vectors = vectors_open("market_fills.txt");
    while (vectors_next(&r.vectors)) {
        if (vectors_is(&r.vectors, "frame")) {
            replay_frame(&r);
        } else if (vectors_is(&r.vectors, "grid")) {
            replay_grid(&r);
        } else {
            assert_true(vectors_is(&r.vectors, "fill"));
            replay_fill(&r);
        }
    }
    replay_clear(&r);
    mbar_zone_unref(r.zone);
    assert_true(r.n_fills >= 6);
}

static void test_returns(void **state)
{
    (void)state;
    const double close[] = {100, 110, 99, 0, 5, nan64, 7};
    double got[7];
    mbar_returns(close, 7, got);
    const double wanted[] = {
        nan64, (110.0 - 100.0) / 100.0, (99.0 - 110.0) / 110.0, -1, INFINITY, nan64, nan64};
    for (int i = 0; i < 7; i++) {
        assert_true(got[i] == wanted[i] || (isnan(got[i]) && isnan(wanted[i])));
    }
    mbar_returns(close, 1, got);
    assert_true(isnan(got[0]));
    mbar_returns(NULL, 0, NULL);
}

struct attempt {
    mbar_series *series[2];
    mbar_column *grid;
    mbar_zone *zone;
};

static mbar_status attempt_grid(void *ctx, mbar_error *error)
{
    struct attempt *attempt = ctx;
    mbar_column *grid = NULL;
    mbar_status status =
        mbar_grid_new(attempt->series, 2, MBAR_STEP_MINUTE, attempt->zone, INT64_MAX, &grid, error);
    mbar_column_unref(grid);
    return status;
}

static mbar_status attempt_fill(void *ctx, mbar_error *error)
{
    struct attempt *attempt = ctx;
    mbar_series *full = NULL;
    mbar_status status = mbar_series_fill(attempt->series[0], attempt->grid, &full, error);
    mbar_series_unref(full);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    struct attempt attempt = {.zone = utc()};
    int64_t seconds[] = {0, 60, 9000};
    mbar_field volume = {.name = "volume", .type = MBAR_TYPE_INT64};
    attempt.series[0] =
        series_of(table_of(stamps("time", MBAR_UNIT_S, "UTC", 3, seconds),
                           doubles("open", 3, (double[]){1, nan64, 3}),
                           doubles("close", 3, (double[]){1, nan64, 3}),
                           doubles("bid", 3, (double[]){1, 2, 3}), int64s("bid_size", 3, seconds),
                           stamps("last_bid_time", MBAR_UNIT_S, NULL, 3, seconds),
                           column_of(volume, 3, seconds, 2), NULL),
                  NULL);
    attempt.series[1] = series_of_seconds(2, (int64_t[]){30, 8990});
    attempt.grid = stamps("g", MBAR_UNIT_S, "UTC", 3, (int64_t[]){0, 90, 8990});
    check_every_allocation(attempt_grid, &attempt);
    check_every_allocation(attempt_fill, &attempt);
    mbar_series_unref(attempt.series[0]);
    mbar_series_unref(attempt.series[1]);
    mbar_column_unref(attempt.grid);
    mbar_zone_unref(attempt.zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grid),
        cmocka_unit_test(test_grid_merges_many_series),
        cmocka_unit_test(test_grid_at_the_ends_of_time),
        cmocka_unit_test(test_repairs_by_hand),
        cmocka_unit_test(test_filled_rows_close_with_their_bar),
        cmocka_unit_test(test_nulls_count_as_missing),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_empty_and_one_row),
        cmocka_unit_test(test_bad_grids),
        cmocka_unit_test(test_against_lumibot),
        cmocka_unit_test(test_returns),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, use_tzdata, drop_zones);
}
