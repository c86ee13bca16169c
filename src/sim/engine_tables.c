/*
 * engine_tables.c - what a run leaves: its rows, its orders, fills and events.
 *
 * Rows are four plain arrays that grow by doubling; a table copies them. The book
 * makes the tables of orders, fills and events.
 */
#include "sim/engine_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

/* ---- Rows ------------------------------------------------------------------------ */

/* A block of n elements with the old_n first ones of *array, which it replaces. */
static bool grow(void **array, int64_t old_n, int64_t n, size_t size, mbar_error *error)
{
    /* What is new is written before it is read: zeroing it would cost a pass. */
    if ((uint64_t)n > SIZE_MAX / size) {
        mbar_error_set(error, MBAR_NOMEM, "more rows than memory can hold");
        return false;
    }
    void *block = mbar_alloc_uninit((size_t)n * size, error);
    if (block == NULL) {
        return false;
    }
    if (old_n > 0) {
        memcpy(block, *array, (size_t)old_n * size);
    }
    mbar_free(*array);
    *array = block;
    return true;
}

mbar_status mbar_engine_rows_reserve(mbar_engine_rows *rows, int64_t capacity, mbar_error *error)
{
    if (capacity <= rows->capacity) {
        return MBAR_OK;
    }
    if (!grow((void **)&rows->times, rows->n, capacity, sizeof *rows->times, error) ||
        !grow((void **)&rows->cash, rows->n, capacity, sizeof *rows->cash, error) ||
        !grow((void **)&rows->value, rows->n, capacity, sizeof *rows->value, error) ||
        !grow((void **)&rows->positions, rows->n, capacity, sizeof *rows->positions, error)) {
        return MBAR_NOMEM;
    }
    rows->capacity = capacity;
    return MBAR_OK;
}

void mbar_engine_rows_deinit(mbar_engine_rows *rows)
{
    mbar_free(rows->times);
    mbar_free(rows->cash);
    mbar_free(rows->value);
    mbar_free(rows->positions);
}

/* ---- Tables ---------------------------------------------------------------------- */

static mbar_status iterations_table(const mbar_engine_rows *rows, mbar_table **out,
                                    mbar_error *error)
{
    const struct {
        mbar_field field;
        const void *values;
    } parts[] = {
        {{"timestamp", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", false}, rows->times},
        {{"cash", MBAR_TYPE_FLOAT64, MBAR_UNIT_NS, NULL, false}, rows->cash},
        {{"portfolio_value", MBAR_TYPE_FLOAT64, MBAR_UNIT_NS, NULL, false}, rows->value},
        {{"n_positions", MBAR_TYPE_INT32, MBAR_UNIT_NS, NULL, false}, rows->positions},
    };
    enum { N = sizeof parts / sizeof *parts };
    mbar_column *columns[N] = {NULL};
    mbar_status status = MBAR_OK;
    for (int i = 0; i < N && status == MBAR_OK; i++) {
        status =
            mbar_column_from_values(&parts[i].field, rows->n, parts[i].values, &columns[i], error);
    }
    if (status == MBAR_OK) {
        status = mbar_table_new(columns, N, out, error);
    }
    for (int i = 0; i < N; i++) {
        mbar_column_unref(columns[i]);
    }
    return status;
}

mbar_status mbar_engine_table(const mbar_engine *engine, const char *which, mbar_table **out,
                              mbar_error *error)
{
    assert(engine != NULL && which != NULL && out != NULL);
    if (strcmp(which, "iterations") == 0) {
        return iterations_table(&engine->rows, out, error);
    }
    if (strcmp(which, "orders") == 0 || strcmp(which, "fills") == 0 ||
        strcmp(which, "events") == 0) {
        return mbar_book_table(engine->book, which, out, error);
    }
    return mbar_error_set(error, MBAR_NOTFOUND,
                          "no table \"%s\"; there are iterations, orders, fills and events", which);
}
