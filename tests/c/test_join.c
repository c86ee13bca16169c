/* test_join.c - as-of joins: which row, nulls, names, tolerance, closes, faults. */
#include "market_vectors.h"

#include <math.h>

/* A series of n stamps in seconds, with those numbers as column name. */
static mbar_series *numbers(const char *time, const char *name, int64_t n, const int64_t *seconds,
                            int64_t period_ns)
{
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.period_ns = period_ns;
    return series_of(
        table_of(stamps(time, MBAR_UNIT_S, "UTC", n, seconds), int64s(name, n, seconds), NULL),
        &options);
}

/* The values of an int64 column, -1 for null. */
static void assert_found(const mbar_table *table, const char *name, int64_t n,
                         const int64_t *wanted)
{
    int32_t index = mbar_table_find(table, name);
    assert_true(index >= 0);
    const mbar_column *column = mbar_table_column(table, index);
    const int64_t *values = mbar_column_values(column);
    assert_int_equal(mbar_column_rows(column), n);
    for (int64_t i = 0; i < n; i++) {
        int64_t found = mbar_column_is_valid(column, i) ? values[i] : -1;
        if (found != wanted[i]) {
            fail_msg("%s[%d] is %lld, not %lld", name, (int)i, (long long)found,
                     (long long)wanted[i]);
        }
    }
}

static mbar_table *joined(const mbar_series *left, const mbar_series *right,
                          const mbar_asof_join *how)
{
    mbar_asof_join plain;
    mbar_asof_join_init(&plain);
    mbar_table *out = NULL;
    mbar_error error;
    must(mbar_series_join_asof(left, right, how != NULL ? how : &plain, &out, &error), &error);
    return out;
}

static void test_the_last_at_or_before(void **state)
{
    (void)state;
    mbar_series *left = numbers("t", "x", 6, (int64_t[]){0, 60, 120, 180, 240, 300}, 0);
    mbar_series *right = numbers("at", "y", 4, (int64_t[]){60, 70, 119, 241}, 0);
    mbar_table *table = joined(left, right, NULL);
    assert_int_equal(mbar_table_columns(table), 4);
    assert_found(table, "x", 6, (int64_t[]){0, 60, 120, 180, 240, 300});
    assert_found(table, "at", 6, (int64_t[]){-1, 60, 119, 119, 119, 241});
    assert_found(table, "y", 6, (int64_t[]){-1, 60, 119, 119, 119, 241});
    /* The left columns are the same ones, not copies. */
    assert_ptr_equal(mbar_column_values(mbar_table_column(table, 1)),
                     mbar_column_values(mbar_table_column(mbar_series_table(left), 1)));
    mbar_table_unref(table);

    mbar_asof_join near = {MBAR_ASOF_OPEN, 60 * MBAR_SECOND_NS, "_right"};
    table = joined(left, right, &near);
    assert_found(table, "y", 6, (int64_t[]){-1, 60, 119, -1, -1, 241});
    mbar_table_unref(table);
    near.tolerance_ns = 61 * MBAR_SECOND_NS;
    table = joined(left, right, &near);
    assert_found(table, "y", 6, (int64_t[]){-1, 60, 119, 119, -1, 241});
    mbar_table_unref(table);
    near.tolerance_ns = 0;
    table = joined(left, right, &near);
    assert_found(table, "y", 6, (int64_t[]){-1, 60, -1, -1, -1, -1});
    mbar_table_unref(table);
    mbar_series_unref(left);
    mbar_series_unref(right);
}

static void test_closes_know_nothing_of_later(void **state)
{
    (void)state;
    /* Minutes beside bars of five: the bar of 0 closes at 300, when the minute of 240 does. */
    mbar_series *left = numbers("t", "x", 4, (int64_t[]){180, 240, 300, 540}, MBAR_MINUTE_NS);
    mbar_series *right = numbers("t", "y", 3, (int64_t[]){0, 300, 600}, 5 * MBAR_MINUTE_NS);
    mbar_asof_join how = {MBAR_ASOF_CLOSE, INT64_MAX, "_right"};
    mbar_table *table = joined(left, right, &how);
    assert_found(table, "y", 4, (int64_t[]){-1, 0, 0, 300});
    mbar_table_unref(table);
    how.tolerance_ns = 30 * MBAR_SECOND_NS;
    table = joined(left, right, &how);
    assert_found(table, "y", 4, (int64_t[]){-1, 0, -1, 300});
    mbar_table_unref(table);
    how.on = MBAR_ASOF_OPEN;
    how.tolerance_ns = INT64_MAX;
    table = joined(left, right, &how);
    assert_found(table, "y", 4, (int64_t[]){0, 0, 300, 300});
    mbar_table_unref(table);
    mbar_series_unref(left);
    mbar_series_unref(right);
}

static void test_days_close_by_the_clock(void **state)
{
    (void)state;
    mbar_zone *zone = zone_or_skip("America/New_York");
    /* 2024-11-03 has 25 hours: its bar closes at 05:00 UTC of the 4th. */
    int64_t days[] = {at("2024-11-02T04:00Z") / MBAR_SECOND_NS,
                      at("2024-11-03T04:00Z") / MBAR_SECOND_NS};
    int64_t minutes[] = {at("2024-11-04T04:58Z") / MBAR_SECOND_NS,
                         at("2024-11-04T04:59Z") / MBAR_SECOND_NS};
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.step = MBAR_STEP_DAY;
    options.zone = zone;
    options.period_ns = MBAR_DAY_NS;
    mbar_series *right = series_of(
        table_of(stamps("t", MBAR_UNIT_S, "UTC", 2, days), int64s("y", 2, days), NULL), &options);
    mbar_series *left = numbers("t", "x", 2, minutes, MBAR_MINUTE_NS);
    mbar_asof_join how = {MBAR_ASOF_CLOSE, INT64_MAX, "_right"};
    mbar_table *table = joined(left, right, &how);
    assert_found(table, "y", 2, days);
    mbar_table_unref(table);
    mbar_series_unref(left);
    mbar_series_unref(right);
    mbar_zone_unref(zone);
}

static void test_far_instants(void **state)
{
    (void)state;
    int64_t far = INT64_MAX / MBAR_SECOND_NS;
    mbar_series *left = numbers("t", "x", 2, (int64_t[]){-far, far}, MBAR_DAY_NS);
    mbar_series *right = numbers("t", "y", 2, (int64_t[]){-far, far}, MBAR_DAY_NS);
    mbar_asof_join how = {MBAR_ASOF_CLOSE, INT64_MAX, "_right"};
    mbar_table *table = joined(left, right, &how);
    assert_found(table, "y", 2, (int64_t[]){-far, far});
    mbar_table_unref(table);
    mbar_series_unref(right);
    /* A distance that passes int64 is too far for any tolerance but the open one. */
    right = numbers("t", "y", 1, (int64_t[]){-far}, MBAR_DAY_NS);
    how.on = MBAR_ASOF_OPEN;
    table = joined(left, right, &how);
    assert_found(table, "y", 2, (int64_t[]){-far, -far});
    mbar_table_unref(table);
    how.tolerance_ns = INT64_MAX - 1;
    table = joined(left, right, &how);
    assert_found(table, "y", 2, (int64_t[]){-far, -1});
    mbar_table_unref(table);
    mbar_series_unref(left);
    mbar_series_unref(right);
}

static void test_empty_sides(void **state)
{
    (void)state;
    mbar_series *none = numbers("t", "y", 0, (int64_t[]){0}, 0);
    mbar_series *some = numbers("t", "x", 2, (int64_t[]){0, 60}, 0);
    mbar_table *table = joined(some, none, NULL);
    assert_found(table, "y", 2, (int64_t[]){-1, -1});
    mbar_table_unref(table);
    table = joined(none, some, NULL);
    assert_int_equal(mbar_table_rows(table), 0);
    assert_int_equal(mbar_table_columns(table), 3);
    mbar_table_unref(table);
    mbar_series_unref(none);
    mbar_series_unref(some);
}

static void test_names(void **state)
{
    (void)state;
    int64_t seconds[] = {0, 60};
    mbar_series *left = numbers("t", "close", 2, seconds, 0);
    mbar_series *right = numbers("t", "close", 2, seconds, 0);
    mbar_table *table = joined(left, right, NULL);
    assert_int_equal(mbar_table_columns(table), 3);
    assert_found(table, "close_right", 2, seconds);
    mbar_table_unref(table);
    mbar_asof_join how = {MBAR_ASOF_OPEN, INT64_MAX, ""};
    mbar_error error;
    table = (mbar_table *)7;
    assert_int_equal(mbar_series_join_asof(left, right, &how, &table, &error), MBAR_INVALID);
    assert_non_null(strstr(error.message, "give another suffix"));
    how = (mbar_asof_join){MBAR_ASOF_OPEN, -1, "_right"};
    assert_int_equal(mbar_series_join_asof(left, right, &how, &table, &error), MBAR_INVALID);
    assert_ptr_equal(table, (mbar_table *)7);
    mbar_series_unref(left);
    mbar_series_unref(right);
}

static void test_nulls_stay(void **state)
{
    (void)state;
    int64_t seconds[] = {0, 60, 120};
    mbar_field field = {.name = "y", .type = MBAR_TYPE_INT64};
    mbar_series *left = numbers("t", "x", 3, seconds, 0);
    mbar_series *right = series_of(table_of(stamps("t", MBAR_UNIT_S, "UTC", 3, seconds),
                                            column_of(field, 3, seconds, 2), NULL),
                                   NULL);
    mbar_table *table = joined(left, right, NULL);
    assert_found(table, "y", 3, (int64_t[]){0, -1, 120});
    mbar_table_unref(table);
    mbar_series_unref(left);
    mbar_series_unref(right);
}

typedef struct pair {
    mbar_series *left, *right;
} pair;

static mbar_status attempt_join(void *ctx, mbar_error *error)
{
    const pair *pair = ctx;
    mbar_asof_join how = {MBAR_ASOF_CLOSE, INT64_MAX, "_right"};
    mbar_table *out = NULL;
    mbar_status status = mbar_series_join_asof(pair->left, pair->right, &how, &out, error);
    mbar_table_unref(out);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pair pair = {numbers("t", "x", 3, (int64_t[]){0, 60, 120}, 0),
                 numbers("t", "x", 2, (int64_t[]){0, 90}, 0)};
    check_every_allocation(attempt_join, &pair);
    mbar_series_unref(pair.left);
    mbar_series_unref(pair.right);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_at_or_before),
        cmocka_unit_test(test_closes_know_nothing_of_later),
        cmocka_unit_test(test_days_close_by_the_clock),
        cmocka_unit_test(test_far_instants),
        cmocka_unit_test(test_empty_sides),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_nulls_stay),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, use_tzdata, drop_zones);
}
