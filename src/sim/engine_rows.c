/*
 * engine_rows.c - a row of time, cash and value for each iteration.
 *
 * Cash, the number of positions and that of events change with events alone, so they are
 * kept as spans of rows. Times and values are one number a row.
 *
 * Under a clock of bars of one asset a row is a bar: its time is the bar's close in time,
 * its value the holdings' at the bar's close. Such rows wait, and are written together
 * before anything changes cash or holdings - the same numbers by the same operations,
 * without a call for each bar. All other rows are written at once.
 */
#include "sim/engine_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

/* ---- Room ------------------------------------------------------------------------ */

/* *array with room for n elements, the first old_n kept. What is new is written before it
 * is read: zeroing it would cost a pass. */
static bool grow(void **array, int64_t old_n, int64_t n, size_t size, mbar_error *error)
{
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
    assert(rows->n_done == rows->n);
    if (capacity <= rows->capacity) {
        return MBAR_OK;
    }
    if (!grow((void **)&rows->times, rows->n, capacity, sizeof *rows->times, error) ||
        !grow((void **)&rows->value, rows->n, capacity, sizeof *rows->value, error)) {
        return MBAR_NOMEM;
    }
    rows->capacity = capacity;
    return MBAR_OK;
}

void mbar_engine_rows_deinit(mbar_engine_rows *rows)
{
    mbar_free(rows->times);
    mbar_free(rows->value);
    mbar_free(rows->spans);
}

static mbar_status make_room(mbar_engine *engine, mbar_error *error)
{
    mbar_engine_rows *rows = &engine->rows;
    int64_t doubled;
    mbar_engine_settle_rows(engine);
    if (!mbar_add_i64(rows->capacity, rows->capacity + 256, &doubled)) {
        return mbar_error_set(error, MBAR_NOMEM, "more iterations than memory can hold");
    }
    return mbar_engine_rows_reserve(rows, doubled, error);
}

/* ---- Writing --------------------------------------------------------------------- */

/* Room for one more span, so that noting it cannot fail. */
static mbar_status reserve_span(mbar_engine_rows *rows, mbar_error *error)
{
    if (rows->n_spans == rows->spans_capacity) {
        int64_t more = rows->spans_capacity * 2 + 64;
        if (!mbar_resize_array((void **)&rows->spans, (size_t)rows->spans_capacity, (size_t)more,
                               sizeof *rows->spans, error)) {
            return MBAR_NOMEM;
        }
        rows->spans_capacity = more;
    }
    return MBAR_OK;
}

/* Cash, positions and events are these from row `first` on. */
static void note_span(mbar_engine *engine, int64_t first, int64_t n_events)
{
    mbar_engine_rows *rows = &engine->rows;
    const mbar_row_span span = {first, mbar_ledger_cash(engine->ledger), n_events,
                                mbar_ledger_n_held(engine->ledger)};
    const mbar_row_span *last = rows->n_spans > 0 ? &rows->spans[rows->n_spans - 1] : NULL;
    if (last == NULL || last->cash != span.cash || last->n_events != span.n_events ||
        last->n_positions != span.n_positions) {
        assert(rows->n_spans < rows->spans_capacity);
        rows->spans[rows->n_spans++] = span;
    }
}

void mbar_engine_settle_rows(mbar_engine *engine)
{
    mbar_engine_rows *rows = &engine->rows;
    int64_t first = rows->n_done, n = rows->n - rows->n_done;
    if (n == 0) {
        return;
    }
    note_span(engine, first, rows->waiting_events);
    const mbar_instrument *asset = &engine->assets[0];
    const int64_t *opens = asset->times + rows->first_bar;
    int64_t closes_ns = asset->series->closes_ns;
    for (int64_t i = 0; i < n; i++) {
        rows->times[first + i] = opens[i] + closes_ns;
    }
    mbar_ledger_values(engine->ledger, 0, asset->fields[MBAR_BAR_CLOSE] + rows->first_bar, n,
                       rows->value + first);
    rows->n_done = rows->n;
}

/* A row that is no bar's, or of several assets. */
static mbar_status write_row(mbar_engine *engine, mbar_error *error)
{
    mbar_engine_rows *rows = &engine->rows;
    mbar_engine_settle_rows(engine);
    MBAR_TRY(reserve_span(rows, error));
    note_span(engine, rows->n, mbar_book_events(engine->book));
    rows->times[rows->n] = engine->now_ns;
    rows->value[rows->n] = mbar_engine_value(engine);
    rows->n_done = ++rows->n;
    return MBAR_OK;
}

mbar_status mbar_engine_record(mbar_engine *engine, mbar_error *error)
{
    mbar_engine_rows *rows = &engine->rows;
    if (!engine->options.record_iterations) {
        return MBAR_OK;
    }
    if (rows->n == rows->capacity) {
        MBAR_TRY(make_room(engine, error));
    }
    if (!engine->defers_rows || engine->now_ns != engine->closed_ns) {
        return write_row(engine, error);
    }
    int64_t n_events = mbar_book_events(engine->book);
    if (n_events != rows->waiting_events) {
        mbar_engine_settle_rows(engine);
    }
    if (rows->n == rows->n_done) {
        MBAR_TRY(reserve_span(rows, error));
        rows->first_bar = engine->assets[0].n_shown - 1;
        rows->waiting_events = n_events;
    }
    rows->n++;
    return MBAR_OK;
}
