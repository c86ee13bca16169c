/* test_fault_table.c - columns and tables with the N-th allocation failing:
 * nothing leaks, nothing is half done, no out-parameter is touched. */
#include "../c/support.h"
#include "fault.h"

#include "table/column.h"
#include "table/textset.h"

#define UNTOUCHED ((void *)7)

/* One of each kind, made before the faults begin. */
typedef struct fixture {
    mbar_column *numbers, *slice, *times, *bools, *text, *dict, *other_dict;
    mbar_table *table, *part;
} fixture;

static fixture all;

static int set_up(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, 4, 5};
    const int64_t instants[] = {1, 2, 3, 4, 5};
    mbar_field time = {"time", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_S, "UTC", true};
    all.numbers = column_of(field_of("x", MBAR_TYPE_FLOAT64), values, 5, "11011");
    assert_ok(mbar_column_slice(all.numbers, 1, 3, &all.slice, &error));
    all.times = column_of(time, instants, 5, NULL);
    all.bools = bool_column_of("b", "10110", "01111");
    all.text = text_column_of("t", (const char *[]){"a", NULL, "b", "cd", ""}, 5);
    all.dict = dict_column_of("d", (int32_t[]){0, 1, 0, 1, 0}, 5, "11101",
                              (const char *[]){"MES", "ES"}, 2);
    all.other_dict =
        dict_column_of("d", (int32_t[]){0, 1}, 2, NULL, (const char *[]){"NQ", "ES"}, 2);
    mbar_column *columns[] = {all.numbers, all.times, all.bools, all.text, all.dict};
    assert_ok(mbar_table_new(columns, 5, &all.table, &error));
    assert_ok(mbar_table_slice(all.table, 2, 2, &all.part, &error));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mbar_column *columns[] = {all.numbers, all.slice, all.times,     all.bools,
                              all.text,    all.dict,  all.other_dict};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        mbar_column_unref(columns[i]);
    mbar_table_unref(all.table);
    mbar_table_unref(all.part);
    return mbar_memory_live_bytes() == 0 ? 0 : -1;
}

/* Ends a step whose result is a column. By address: an argument may be read
 * before the call beside it has written. */
static mbar_status column_done(mbar_status status, mbar_column **column)
{
    if (status == MBAR_OK)
        mbar_column_unref(*column);
    else
        assert_ptr_equal(*column, UNTOUCHED);
    return status;
}

static mbar_status table_done(mbar_status status, mbar_table **table)
{
    if (status == MBAR_OK)
        mbar_table_unref(*table);
    else
        assert_ptr_equal(*table, UNTOUCHED);
    return status;
}

static void count_release(void *owner)
{
    ++*(int *)owner;
}

static mbar_status buffers(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_buffer *buffer = UNTOUCHED;
    mbar_status status = mbar_buffer_new(100, &buffer, error);
    if (status != MBAR_OK) {
        assert_ptr_equal(buffer, UNTOUCHED);
        return status;
    }
    int n_released = 0;
    mbar_buffer *wrapped = UNTOUCHED;
    status = mbar_buffer_wrap("abc", 3, count_release, &n_released, &wrapped, error);
    if (status == MBAR_OK)
        mbar_buffer_unref(wrapped);
    else
        assert_ptr_equal(wrapped, UNTOUCHED);
    assert_int_equal(n_released, status == MBAR_OK);
    mbar_buffer_unref(buffer);
    return status;
}

static mbar_status from_values(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_field field = field_of("x", MBAR_TYPE_INT64);
    mbar_column *column = UNTOUCHED;
    return column_done(mbar_column_from_values(&field, 2, (int64_t[]){1, 2}, &column, error),
                       &column);
}

static mbar_status new_dict(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_column *column = UNTOUCHED;
    return column_done(mbar_column_new_dict(&all.dict->field, 5, all.dict->data,
                                            all.dict->dictionary, all.dict->validity, -1, &column,
                                            error),
                       &column);
}

static mbar_status new_utf8(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_column *column = UNTOUCHED;
    return column_done(mbar_column_new_utf8(&all.text->field, 5, all.text->data, all.text->bytes,
                                            all.text->validity, -1, &column, error),
                       &column);
}

static mbar_status new_empty(void *ctx, mbar_error *error)
{
    mbar_field field = field_of("x", *(const mbar_type *)ctx);
    mbar_column *column = UNTOUCHED;
    return column_done(mbar_column_new_empty(&field, &column, error), &column);
}

static mbar_status slice(void *ctx, mbar_error *error)
{
    mbar_column *column = UNTOUCHED;
    return column_done(mbar_column_slice(ctx, 1, 2, &column, error), &column);
}

static mbar_status rename_column(void *ctx, mbar_error *error)
{
    mbar_column *column = UNTOUCHED;
    return column_done(mbar_column_rename(ctx, "other", &column, error), &column);
}

static mbar_status take(void *ctx, mbar_error *error)
{
    mbar_column *column = UNTOUCHED;
    return column_done(mbar_column_take(ctx, (int64_t[]){2, -1, 0, 1}, 4, &column, error), &column);
}

static mbar_status concat(void *ctx, mbar_error *error)
{
    mbar_column *column = UNTOUCHED;
    mbar_column *both[] = {ctx, ctx};
    return column_done(mbar_column_concat(both, 2, &column, error), &column);
}

static mbar_status concat_dictionaries(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_column *column = UNTOUCHED;
    mbar_column *both[] = {all.dict, all.other_dict};
    return column_done(mbar_column_concat(both, 2, &column, error), &column);
}

static mbar_status cast(void *ctx, mbar_error *error)
{
    mbar_column *column = UNTOUCHED;
    return column_done(mbar_column_cast(ctx, MBAR_TYPE_INT32, 0, &column, error), &column);
}

static mbar_status cast_unit(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_column *column = UNTOUCHED;
    return column_done(
        mbar_column_cast(all.times, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, &column, error), &column);
}

static mbar_status cast_label(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_column *column = UNTOUCHED;
    return column_done(mbar_column_cast(all.times, MBAR_TYPE_INT64, 0, &column, error), &column);
}

static void columns(void **state)
{
    (void)state;
    assert_int_equal(fault_check_alloc(buffers, NULL), 2);
    assert_int_equal(fault_check_alloc(from_values, NULL), 2);
    assert_int_equal(fault_check_alloc(new_dict, NULL), 1);
    assert_int_equal(fault_check_alloc(new_utf8, NULL), 1);
    for (mbar_type type = MBAR_TYPE_BOOL; type <= MBAR_TYPE_DICT; type++)
        fault_check_alloc(new_empty, &type);
    mbar_column *kinds[] = {all.numbers, all.slice, all.times, all.bools, all.text, all.dict};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        assert_int_equal(fault_check_alloc(slice, kinds[i]), 1);
        assert_int_equal(fault_check_alloc(rename_column, kinds[i]), 1);
        assert_true(fault_check_alloc(take, kinds[i]) >= 3);
        assert_true(fault_check_alloc(concat, kinds[i]) >= 2);
    }
    assert_true(fault_check_alloc(concat_dictionaries, NULL) >= 8);
    assert_int_equal(fault_check_alloc(cast, all.numbers), 2);
    assert_int_equal(fault_check_alloc(cast, all.slice), 3); /* its validity is moved */
    assert_int_equal(fault_check_alloc(cast, all.bools), 2);
    assert_int_equal(fault_check_alloc(cast_unit, NULL), 2);
    assert_int_equal(fault_check_alloc(cast_label, NULL), 1);
}

/* A set of texts that failed to grow is what it was before. */
static mbar_status fill_textset(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_textset set;
    mbar_textset_init(&set);
    mbar_status status = MBAR_OK;
    char text[100];
    memset(text, 'x', sizeof text);
    for (int32_t i = 0; i < 90 && status == MBAR_OK; i++) {
        int32_t number = -1;
        status = mbar_textset_add(&set, text, (size_t)i, &number, error);
        assert_int_equal(number, status == MBAR_OK ? i : -1);
        assert_int_equal(set.n, i + (status == MBAR_OK));
        for (int32_t k = 0; k < set.n; k++) { /* all are still found */
            assert_ok(mbar_textset_add(&set, text, (size_t)k, &number, &error));
            assert_int_equal(number, k);
        }
    }
    mbar_textset_deinit(&set);
    return status;
}

static void textset(void **state)
{
    (void)state;
    assert_true(fault_check_alloc(fill_textset, NULL) >= 8);
}

static mbar_status table_new(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_column *columns[] = {all.numbers, all.times, all.bools};
    mbar_table *table = UNTOUCHED;
    return table_done(mbar_table_new(columns, 3, &table, error), &table);
}

static mbar_status table_slice(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_table *table = UNTOUCHED;
    return table_done(mbar_table_slice(all.table, 1, 3, &table, error), &table);
}

static mbar_status table_select(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_table *table = UNTOUCHED;
    return table_done(mbar_table_select(all.table, (const char *[]){"d", "x"}, 2, &table, error),
                      &table);
}

static mbar_status table_take(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_table *table = UNTOUCHED;
    return table_done(mbar_table_take(all.table, (int64_t[]){4, -1}, 2, &table, error), &table);
}

static mbar_status table_concat(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_table *both[] = {all.table, all.part};
    mbar_table *table = UNTOUCHED;
    return table_done(mbar_table_concat(both, 2, &table, error), &table);
}

static void tables(void **state)
{
    (void)state;
    assert_int_equal(fault_check_alloc(table_new, NULL), 2);
    assert_int_equal(fault_check_alloc(table_slice, NULL), 6);
    assert_int_equal(fault_check_alloc(table_select, NULL), 2);
    assert_true(fault_check_alloc(table_take, NULL) >= 15);
    assert_true(fault_check_alloc(table_concat, NULL) >= 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(columns),
        leak_checked(textset),
        leak_checked(tables),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
