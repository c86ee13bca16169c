/* test_table.c - tables: names, slices, selection, take, concat. */
#include "support.h"

#include <stdio.h>

static mbar_column *ints(const char *name, int64_t first, int64_t n)
{
    int64_t values[64];
    for (int64_t i = 0; i < n; i++)
        values[i] = first + i;
    return column_of(field_of(name, MBAR_TYPE_INT64), values, n, NULL);
}

/* Takes the references of its columns over. */
static mbar_table *table_of(mbar_column **columns, int32_t n)
{
    mbar_table *table = NULL;
    assert_ok(mbar_table_new(columns, n, &table, &error));
    for (int32_t i = 0; i < n; i++)
        mbar_column_unref(columns[i]);
    return table;
}

static mbar_table *bars(int64_t first, int64_t n)
{
    mbar_column *columns[] = {ints("time", first, n), ints("close", 100 * first, n),
                              ints("volume", -first, n)};
    return table_of(columns, 3);
}

static int64_t cell(const mbar_table *table, const char *name, int64_t row)
{
    const mbar_column *column = mbar_table_column(table, mbar_table_find(table, name));
    return ((const int64_t *)mbar_column_values(column))[row];
}

static void make(void **state)
{
    (void)state;
    mbar_table *table = bars(5, 4);
    assert_int_equal(mbar_table_rows(table), 4);
    assert_int_equal(mbar_table_columns(table), 3);
    assert_int_equal(mbar_table_find(table, "volume"), 2);
    assert_int_equal(mbar_table_find(table, "Volume"), -1);
    assert_int_equal(cell(table, "close", 3), 503);
    assert_ptr_equal(mbar_table_ref(table), table);
    mbar_table_unref(table);
    mbar_table_unref(table);
    mbar_table_unref(NULL);
}

static void refused(void **state)
{
    (void)state;
    mbar_column *columns[] = {ints("a", 0, 3), ints("b", 0, 3), ints("c", 0, 4), ints("a", 0, 3)};
    mbar_table *table = (mbar_table *)7;
    assert_fails(MBAR_INVALID, "column \"c\" has 4 rows, column \"a\" has 3",
                 mbar_table_new(columns, 3, &table, &error));
    columns[2] = (mbar_column_unref(columns[2]), columns[3]);
    assert_fails(MBAR_INVALID, "two columns are named \"a\"",
                 mbar_table_new(columns, 3, &table, &error));
    assert_ptr_equal(table, (mbar_table *)7);
    for (int i = 0; i < 3; i++)
        mbar_column_unref(columns[i]);
}

static void no_columns(void **state)
{
    (void)state;
    mbar_table *table = table_of(NULL, 0);
    mbar_table *other = NULL;
    assert_int_equal(mbar_table_rows(table), 0);
    assert_int_equal(mbar_table_columns(table), 0);
    assert_ok(mbar_table_slice(table, 0, 0, &other, &error));
    assert_true(mbar_table_equal(table, other));
    mbar_table *both[] = {table, other};
    mbar_table *joined = NULL;
    assert_ok(mbar_table_concat(both, 2, &joined, &error));
    assert_true(mbar_table_equal(table, joined));
    mbar_table_unref(joined);
    mbar_table_unref(other);
    assert_ok(mbar_table_take(table, (int64_t[]){-1}, 1, &other, &error));
    assert_int_equal(mbar_table_rows(other), 0);
    mbar_table_unref(other);
    mbar_table_unref(table);
    table = bars(0, 3);
    assert_ok(mbar_table_select(table, NULL, 0, &other, &error));
    assert_int_equal(mbar_table_rows(other), 0);
    mbar_table_unref(other);
    mbar_table_unref(table);
}

static void slice(void **state)
{
    (void)state;
    mbar_table *table = bars(0, 10);
    mbar_table *part = NULL;
    assert_ok(mbar_table_slice(table, 3, 4, &part, &error));
    mbar_table_unref(table);
    assert_int_equal(mbar_table_rows(part), 4);
    assert_int_equal(cell(part, "time", 0), 3);
    assert_int_equal(cell(part, "time", 3), 6);
    mbar_table_unref(part);
}

static void select(void **state)
{
    (void)state;
    mbar_table *table = bars(1, 3);
    mbar_table *part = NULL;
    assert_ok(mbar_table_select(table, (const char *[]){"volume", "time"}, 2, &part, &error));
    assert_int_equal(mbar_table_columns(part), 2);
    assert_int_equal(mbar_table_find(part, "volume"), 0);
    assert_int_equal(mbar_table_find(part, "close"), -1);
    assert_ptr_equal(mbar_table_column(part, 1), mbar_table_column(table, 0));
    mbar_table_unref(part);
    part = (mbar_table *)7;
    mbar_error error;
    assert_int_equal(mbar_table_select(table, (const char *[]){"time", "Close"}, 2, &part, &error),
                     MBAR_NOTFOUND);
    assert_string_equal(error.message,
                        "no column \"Close\": there are \"time\", \"close\", \"volume\"");
    assert_fails(MBAR_INVALID, "two columns are named \"time\"",
                 mbar_table_select(table, (const char *[]){"time", "time"}, 2, &part, &error));
    assert_ptr_equal(part, (mbar_table *)7);
    mbar_table_unref(table);
    table = table_of(NULL, 0);
    assert_fails(MBAR_NOTFOUND, "there are none",
                 mbar_table_select(table, (const char *[]){"x"}, 1, &part, &error));
    mbar_table_unref(table);
}

static void select_lists_many(void **state)
{
    (void)state;
    mbar_column *columns[60];
    for (int i = 0; i < 60; i++) {
        char name[32];
        snprintf(name, sizeof name, "a long column name %d", i);
        columns[i] = ints(name, 0, 1);
    }
    mbar_table *table = table_of(columns, 60);
    mbar_table *part = NULL;
    assert_fails(MBAR_NOTFOUND, "\"a long column name 2\"",
                 mbar_table_select(table, (const char *[]){"x"}, 1, &part, &error));
    assert_fails(MBAR_NOTFOUND, "...",
                 mbar_table_select(table, (const char *[]){"x"}, 1, &part, &error));
    mbar_table_unref(table);
}

static void take(void **state)
{
    (void)state;
    mbar_table *table = bars(0, 5);
    mbar_table *taken = NULL;
    assert_ok(mbar_table_take(table, (int64_t[]){4, -1, 0}, 3, &taken, &error));
    assert_int_equal(mbar_table_rows(taken), 3);
    assert_int_equal(cell(taken, "time", 0), 4);
    assert_int_equal(cell(taken, "time", 2), 0);
    assert_valid(mbar_table_column(taken, 1), "101");
    mbar_table_unref(taken);
    mbar_table_unref(table);
}

static void concat(void **state)
{
    (void)state;
    mbar_table *whole = bars(0, 10);
    mbar_table *parts[3] = {NULL};
    mbar_table *joined = NULL;
    assert_ok(mbar_table_slice(whole, 0, 4, &parts[0], &error));
    assert_ok(mbar_table_slice(whole, 4, 0, &parts[1], &error));
    assert_ok(mbar_table_slice(whole, 4, 6, &parts[2], &error));
    assert_ok(mbar_table_concat(parts, 3, &joined, &error));
    assert_true(mbar_table_equal(joined, whole));
    assert_false(mbar_table_equal(joined, parts[0]));
    mbar_table_unref(joined);
    assert_ok(mbar_table_concat(&whole, 1, &joined, &error));
    assert_ptr_equal(joined, whole);
    mbar_table_unref(joined);
    for (int i = 0; i < 3; i++)
        mbar_table_unref(parts[i]);
    mbar_table_unref(whole);
}

static void concat_refused(void **state)
{
    (void)state;
    mbar_table *tables[] = {bars(0, 2), NULL};
    mbar_table *joined = (mbar_table *)7;
    assert_ok(
        mbar_table_select(tables[0], (const char *[]){"time", "close"}, 2, &tables[1], &error));
    assert_fails(MBAR_INVALID, "table 0 has 3 columns and table 1 has 2",
                 mbar_table_concat(tables, 2, &joined, &error));
    mbar_table_unref(tables[1]);
    assert_ok(mbar_table_select(tables[0], (const char *[]){"close", "time", "volume"}, 3,
                                &tables[1], &error));
    assert_fails(MBAR_INVALID, "column 0 is \"time\" in table 0 and \"close\" in table 1",
                 mbar_table_concat(tables, 2, &joined, &error));
    assert_false(mbar_table_equal(tables[0], tables[1]));
    mbar_table_unref(tables[1]);
    mbar_column *columns[] = {ints("time", 0, 2), bool_column_of("close", "10", NULL),
                              ints("volume", 0, 2)};
    tables[1] = table_of(columns, 3);
    assert_fails(MBAR_INVALID, "column \"close\" is int64 in part 0 and bool in part 1",
                 mbar_table_concat(tables, 2, &joined, &error));
    assert_ptr_equal(joined, (mbar_table *)7);
    mbar_table_unref(tables[0]);
    mbar_table_unref(tables[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(make),  leak_checked(refused), leak_checked(no_columns),
        leak_checked(slice), leak_checked(select),  leak_checked(select_lists_many),
        leak_checked(take),  leak_checked(concat),  leak_checked(concat_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
