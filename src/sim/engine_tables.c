/*
 * engine_tables.c - what a run leaves: its rows, its orders, fills and events.
 *
 * The book makes the tables of orders, fills and events.
 */
#include "sim/engine_internal.h"

#include "base/alloc.h"
#include "sim/rows.h"
#include "table/buffer.h"

#include <assert.h>
#include <string.h>

/* ---- Rows ------------------------------------------------------------------------ */

/* A column of n values, written by fill. */
static mbar_status new_column(const mbar_field *field, const mbar_engine *engine,
                              void (*fill)(const mbar_engine *engine, void *out), mbar_column **out,
                              mbar_error *error)
{
    mbar_buffer *values;
    int64_t n = engine->rows.n;
    MBAR_TRY(mbar_buffer_new_uninit((size_t)n * mbar_type_width(field->type), &values, error));
    fill(engine, mbar_buffer_writable(values));
    mbar_status status = mbar_column_new(field, n, values, NULL, 0, out, error);
    mbar_buffer_unref(values);
    return status;
}

static mbar_status iterations_table(const mbar_engine *engine, mbar_table **out, mbar_error *error)
{
    const struct {
        mbar_field field;
        void (*fill)(const mbar_engine *engine, void *out);
    } parts[] = {
        {{"timestamp", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", false}, mbar_engine_row_times},
        {{"cash", MBAR_TYPE_FLOAT64, MBAR_UNIT_NS, NULL, false}, mbar_engine_row_cash},
        {{"portfolio_value", MBAR_TYPE_FLOAT64, MBAR_UNIT_NS, NULL, false}, mbar_engine_row_values},
        {{"n_positions", MBAR_TYPE_INT32, MBAR_UNIT_NS, NULL, false}, mbar_engine_row_positions},
        {{"events", MBAR_TYPE_INT64, MBAR_UNIT_NS, NULL, false}, mbar_engine_row_events},
    };
    enum { N = sizeof parts / sizeof *parts };
    mbar_column *columns[N] = {NULL};
    mbar_status status = MBAR_OK;
    for (int i = 0; i < N && status == MBAR_OK; i++) {
        status = new_column(&parts[i].field, engine, parts[i].fill, &columns[i], error);
    }
    if (status == MBAR_OK) {
        status = mbar_table_new(columns, N, out, error);
    }
    for (int i = 0; i < N; i++) {
        mbar_column_unref(columns[i]);
    }
    return status;
}

/* ---- Dividends and splits -------------------------------------------------------- */

static const void *corporate_row(const void *ctx, int64_t i)
{
    return &((const mbar_corporate_log *)ctx)->items[i];
}

static mbar_status corporate_table(const mbar_engine *engine, mbar_table **out, mbar_error *error)
{
    static const char *const kinds[] = {"dividend", "split"};
    const char **symbols = mbar_alloc_array((size_t)engine->n_assets, sizeof *symbols, error);
    if (symbols == NULL) {
        return MBAR_NOMEM;
    }
    for (int32_t i = 0; i < engine->n_assets; i++) {
        symbols[i] = engine->assets[i].symbol;
    }
#define MEMBER(column, column_type, member)                               \
    .field = {.name = column, .type = column_type, .unit = MBAR_UNIT_NS}, \
    .offset = offsetof(mbar_corporate_event, member)
    const mbar_member members[] = {
        {.field = {"timestamp", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", false},
         .offset = offsetof(mbar_corporate_event, ns)},
        {MEMBER("kind", MBAR_TYPE_DICT, kind), .words = kinds, .n_words = 2},
        {MEMBER("symbol", MBAR_TYPE_DICT, asset), .words = symbols, .n_words = engine->n_assets},
        {MEMBER("per_unit", MBAR_TYPE_FLOAT64, per_unit)},
        {MEMBER("quantity", MBAR_TYPE_FLOAT64, quantity)},
        {MEMBER("amount", MBAR_TYPE_FLOAT64, amount)},
        {MEMBER("events", MBAR_TYPE_INT64, n_events)},
    };
#undef MEMBER
    mbar_status status =
        mbar_rows_table(members, (int32_t)(sizeof members / sizeof *members), corporate_row,
                        &engine->corporate, engine->corporate.n, out, error);
    mbar_free(symbols);
    return status;
}

/* ---- Tables ---------------------------------------------------------------------- */

mbar_status mbar_engine_table(const mbar_engine *engine, const char *which, mbar_table **out,
                              mbar_error *error)
{
    assert(engine != NULL && which != NULL && out != NULL);
    if (strcmp(which, "iterations") == 0) {
        return iterations_table(engine, out, error);
    }
    if (strcmp(which, "orders") == 0 || strcmp(which, "fills") == 0 ||
        strcmp(which, "events") == 0) {
        return mbar_book_table(engine->book, which, out, error);
    }
    if (strcmp(which, "corporate") == 0) {
        return corporate_table(engine, out, error);
    }
    return mbar_error_set(
        error, MBAR_NOTFOUND,
        "no table \"%s\"; there are iterations, orders, fills, events and corporate", which);
}
