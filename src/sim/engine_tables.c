/*
 * engine_tables.c - what a run leaves: its rows, its orders, fills and events.
 *
 * The book makes the tables of orders, fills and events.
 */
#include "sim/engine_internal.h"

#include "table/buffer.h"

#include <assert.h>
#include <string.h>

/* ---- Rows ------------------------------------------------------------------------ */

/* A column of n values, written by fill. */
static mbar_status new_column(const mbar_field *field, const mbar_engine_rows *rows,
                              void (*fill)(const mbar_engine_rows *rows, void *out),
                              mbar_column **out, mbar_error *error)
{
    mbar_buffer *values;
    size_t n_bytes = (size_t)rows->n * mbar_type_width(field->type);
    MBAR_TRY(mbar_buffer_new_uninit(n_bytes, &values, error));
    fill(rows, mbar_buffer_writable(values));
    mbar_status status = mbar_column_new(field, rows->n, values, NULL, 0, out, error);
    mbar_buffer_unref(values);
    return status;
}

static void fill_times(const mbar_engine_rows *rows, void *out)
{
    if (rows->n > 0) {
        memcpy(out, rows->times, (size_t)rows->n * sizeof *rows->times);
    }
}

static void fill_values(const mbar_engine_rows *rows, void *out)
{
    if (rows->n > 0) {
        memcpy(out, rows->value, (size_t)rows->n * sizeof *rows->value);
    }
}

static int64_t span_end(const mbar_engine_rows *rows, int64_t span)
{
    return span + 1 < rows->n_spans ? rows->spans[span + 1].first : rows->n;
}

static void fill_cash(const mbar_engine_rows *rows, void *out)
{
    double *cash = out;
    for (int64_t span = 0; span < rows->n_spans; span++) {
        for (int64_t row = rows->spans[span].first; row < span_end(rows, span); row++) {
            cash[row] = rows->spans[span].cash;
        }
    }
}

static void fill_positions(const mbar_engine_rows *rows, void *out)
{
    int32_t *positions = out;
    for (int64_t span = 0; span < rows->n_spans; span++) {
        for (int64_t row = rows->spans[span].first; row < span_end(rows, span); row++) {
            positions[row] = rows->spans[span].n_positions;
        }
    }
}

static mbar_status iterations_table(const mbar_engine_rows *rows, mbar_table **out,
                                    mbar_error *error)
{
    const struct {
        mbar_field field;
        void (*fill)(const mbar_engine_rows *rows, void *out);
    } parts[] = {
        {{"timestamp", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", false}, fill_times},
        {{"cash", MBAR_TYPE_FLOAT64, MBAR_UNIT_NS, NULL, false}, fill_cash},
        {{"portfolio_value", MBAR_TYPE_FLOAT64, MBAR_UNIT_NS, NULL, false}, fill_values},
        {{"n_positions", MBAR_TYPE_INT32, MBAR_UNIT_NS, NULL, false}, fill_positions},
    };
    enum { N = sizeof parts / sizeof *parts };
    mbar_column *columns[N] = {NULL};
    mbar_status status = MBAR_OK;
    for (int i = 0; i < N && status == MBAR_OK; i++) {
        status = new_column(&parts[i].field, rows, parts[i].fill, &columns[i], error);
    }
    if (status == MBAR_OK) {
        status = mbar_table_new(columns, N, out, error);
    }
    for (int i = 0; i < N; i++) {
        mbar_column_unref(columns[i]);
    }
    return status;
}

/* ---- Tables ---------------------------------------------------------------------- */

mbar_status mbar_engine_table(const mbar_engine *engine, const char *which, mbar_table **out,
                              mbar_error *error)
{
    assert(engine != NULL && which != NULL && out != NULL);
    if (strcmp(which, "iterations") == 0) {
        /* No engine is a const object, and rows that wait are there to whoever asks. */
        mbar_engine_settle_rows((mbar_engine *)engine);
        return iterations_table(&engine->rows, out, error);
    }
    if (strcmp(which, "orders") == 0 || strcmp(which, "fills") == 0 ||
        strcmp(which, "events") == 0) {
        return mbar_book_table(engine->book, which, out, error);
    }
    return mbar_error_set(error, MBAR_NOTFOUND,
                          "no table \"%s\"; there are iterations, orders, fills and events", which);
}
