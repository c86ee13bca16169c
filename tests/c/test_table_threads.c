/* test_table_threads.c - one table read, sliced, exported and let go by several
 * threads at once; most telling under a thread sanitizer. */
#include "support.h"

#include "base/threads.h"

#define ROWS 1000
#define STEPS 400

typedef struct shared {
    mbar_table *table;
    struct ArrowArray arrays[STEPS];
} shared;

static mbar_status step(void *ctx, int64_t i, mbar_error *error)
{
    shared *all = ctx;
    mbar_table *part = NULL;
    mbar_table *held = mbar_table_ref(all->table);
    mbar_status status = mbar_table_slice(held, i, ROWS - i - 1, &part, error);
    mbar_table_unref(held);
    if (status != MBAR_OK)
        return status;
    const mbar_column *column = mbar_table_column(part, 0);
    const int64_t *values = mbar_column_values(column);
    int64_t n_nulls = mbar_column_nulls(mbar_table_column(all->table, 0));
    if (values[0] != i || n_nulls != ROWS / 10 || mbar_column_nulls(column) > n_nulls)
        status = mbar_error_set(error, MBAR_INVALID, "step %lld read otherwise", (long long)i);
    if (status == MBAR_OK) {
        struct ArrowSchema schema;
        status = mbar_table_to_arrow(part, &schema, &all->arrays[i], error);
        if (status == MBAR_OK)
            schema.release(&schema);
    }
    mbar_table_unref(part);
    return status;
}

static mbar_status release_array(void *ctx, int64_t i, mbar_error *error)
{
    (void)error;
    struct ArrowArray *array = &((shared *)ctx)->arrays[i];
    array->release(array);
    return MBAR_OK;
}

static mbar_table *make_table(void)
{
    int64_t values[ROWS];
    char valid[ROWS + 1];
    for (int i = 0; i < ROWS; i++) {
        values[i] = i;
        valid[i] = i % 10 == 9 ? '0' : '1';
    }
    valid[ROWS] = '\0';
    mbar_column *column = column_of(field_of("x", MBAR_TYPE_INT64), values, ROWS, valid);
    mbar_table *table = NULL;
    assert_ok(mbar_table_new(&column, 1, &table, &error));
    mbar_column_unref(column);
    return table;
}

static void shared_table(void **state)
{
    (void)state;
    static shared all;
    all.table = make_table();
    assert_ok(mbar_parallel_for(STEPS, 4, step, &all, &error));
    mbar_table_unref(all.table);
    assert_ok(mbar_parallel_for(STEPS, 4, release_array, &all, &error));
}

/* An imported array is released once, by whichever thread is last. */
static mbar_status drop(void *ctx, int64_t i, mbar_error *error)
{
    (void)error;
    mbar_table_unref(((mbar_table **)ctx)[i]);
    return MBAR_OK;
}

static void imported_table(void **state)
{
    (void)state;
    mbar_table *table = make_table();
    mbar_table *back = NULL;
    mbar_table *parts[STEPS] = {NULL};
    struct ArrowArrayStream stream;
    assert_ok(mbar_table_to_arrow_stream(table, &stream, &error));
    mbar_table_unref(table);
    assert_ok(mbar_table_from_arrow_stream(&stream, &back, &error));
    for (int64_t i = 0; i < STEPS; i++)
        assert_ok(mbar_table_slice(back, i, 10, &parts[i], &error));
    mbar_table_unref(back);
    assert_ok(mbar_parallel_for(STEPS, 4, drop, parts, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(shared_table),
        leak_checked(imported_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
