/*
 * engine_rows.c - a row of time, cash and value for each iteration.
 *
 * Rows lie in spans in which all but time and value stay as they are: cash, the number
 * of positions and that of events change with events alone.
 *
 * Under a clock of bars of one asset a row is a bar: its time is the bar's close in time,
 * its value what the holdings are worth at the bar's close. Of such rows a span keeps
 * which bars they are and how value follows from price (mbar_ledger_line); the numbers
 * are worked out when a table is made, by the operations of mbar_ledger_value. So a bar
 * on which nothing happens costs no more than being counted. All other rows have a time
 * and a value of their own.
 *
 * A span of bars is open while rows may join it: mbar_engine_settle_rows closes it before
 * anything changes cash or holdings.
 */
#include "sim/engine_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

/* ---- Room ------------------------------------------------------------------------ */

void mbar_engine_rows_deinit(mbar_engine_rows *rows)
{
    mbar_free(rows->spans);
    mbar_free(rows->times);
    mbar_free(rows->value);
}

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

static mbar_status reserve_single(mbar_engine_rows *rows, mbar_error *error)
{
    if (rows->n_singles == rows->capacity) {
        int64_t more = rows->capacity * 2 + 256;
        if (!mbar_resize_array((void **)&rows->times, (size_t)rows->capacity, (size_t)more,
                               sizeof *rows->times, error) ||
            !mbar_resize_array((void **)&rows->value, (size_t)rows->capacity, (size_t)more,
                               sizeof *rows->value, error)) {
            return MBAR_NOMEM;
        }
        rows->capacity = more;
    }
    return MBAR_OK;
}

/* ---- Recording ------------------------------------------------------------------- */

void mbar_engine_settle_rows(mbar_engine *engine)
{
    engine->rows.is_open = false;
}

/* Whether the next row, which is at `from` of its kind, belongs to the last span. */
static bool continues(const mbar_engine_rows *rows, const mbar_row_span *next)
{
    if (rows->n_spans == 0) {
        return false;
    }
    const mbar_row_span *last = &rows->spans[rows->n_spans - 1];
    return last->of_bars == next->of_bars && last->cash == next->cash &&
           last->n_events == next->n_events && last->n_positions == next->n_positions &&
           last->from + (next->first - last->first) == next->from &&
           memcmp(&last->line, &next->line, sizeof next->line) == 0;
}

/* Adds a row at `from` of its kind. */
static mbar_status add_row(mbar_engine *engine, bool of_bars, int64_t from, mbar_error *error)
{
    mbar_engine_rows *rows = &engine->rows;
    mbar_row_span span;
    memset(&span, 0, sizeof span);
    span.first = rows->n;
    span.from = from;
    span.cash = mbar_ledger_cash(engine->ledger);
    span.n_events = mbar_book_events(engine->book);
    span.n_positions = mbar_ledger_n_held(engine->ledger);
    span.of_bars = of_bars;
    if (of_bars) {
        span.line = mbar_ledger_line_of(engine->ledger, 0);
    }
    if (!continues(rows, &span)) {
        MBAR_TRY(reserve_span(rows, error));
        rows->spans[rows->n_spans++] = span;
    }
    rows->n++;
    return MBAR_OK;
}

mbar_status mbar_engine_record(mbar_engine *engine, mbar_error *error)
{
    mbar_engine_rows *rows = &engine->rows;
    if (!engine->options.record_iterations) {
        return MBAR_OK;
    }
    if (engine->defers_rows && engine->now_ns == engine->closed_ns) {
        MBAR_TRY(add_row(engine, true, engine->assets[0].n_shown - 1, error));
        rows->is_open = true;
        return MBAR_OK;
    }
    rows->is_open = false;
    MBAR_TRY(reserve_single(rows, error));
    MBAR_TRY(add_row(engine, false, rows->n_singles, error));
    rows->times[rows->n_singles] = engine->now_ns;
    rows->value[rows->n_singles++] = mbar_engine_value(engine);
    return MBAR_OK;
}

/* ---- Reading --------------------------------------------------------------------- */

static int64_t span_end(const mbar_engine_rows *rows, int64_t span)
{
    return span + 1 < rows->n_spans ? rows->spans[span + 1].first : rows->n;
}

void mbar_engine_row_times(const mbar_engine *engine, void *out)
{
    const mbar_engine_rows *rows = &engine->rows;
    int64_t *times = out;
    for (int64_t i = 0; i < rows->n_spans; i++) {
        const mbar_row_span *span = &rows->spans[i];
        const mbar_instrument *asset = &engine->assets[0];
        const int64_t *from = (span->of_bars ? asset->times : rows->times) + span->from;
        int64_t later_ns = span->of_bars ? asset->series->closes_ns : 0;
        for (int64_t row = span->first; row < span_end(rows, i); row++) {
            times[row] = *from++ + later_ns;
        }
    }
}

void mbar_engine_row_values(const mbar_engine *engine, void *out)
{
    const mbar_engine_rows *rows = &engine->rows;
    double *value = out;
    for (int64_t i = 0; i < rows->n_spans; i++) {
        const mbar_row_span *span = &rows->spans[i];
        const double *closes = engine->assets[0].fields[MBAR_BAR_CLOSE];
        for (int64_t row = span->first; row < span_end(rows, i); row++) {
            int64_t at = span->from + (row - span->first);
            value[row] =
                span->of_bars ? mbar_ledger_line_at(&span->line, closes[at]) : rows->value[at];
        }
    }
}

void mbar_engine_row_cash(const mbar_engine *engine, void *out)
{
    const mbar_engine_rows *rows = &engine->rows;
    double *cash = out;
    for (int64_t i = 0; i < rows->n_spans; i++) {
        for (int64_t row = rows->spans[i].first; row < span_end(rows, i); row++) {
            cash[row] = rows->spans[i].cash;
        }
    }
}

void mbar_engine_row_positions(const mbar_engine *engine, void *out)
{
    const mbar_engine_rows *rows = &engine->rows;
    int32_t *positions = out;
    for (int64_t i = 0; i < rows->n_spans; i++) {
        for (int64_t row = rows->spans[i].first; row < span_end(rows, i); row++) {
            positions[row] = rows->spans[i].n_positions;
        }
    }
}

void mbar_engine_row_events(const mbar_engine *engine, void *out)
{
    const mbar_engine_rows *rows = &engine->rows;
    int64_t *events = out;
    for (int64_t i = 0; i < rows->n_spans; i++) {
        for (int64_t row = rows->spans[i].first; row < span_end(rows, i); row++) {
            events[row] = rows->spans[i].n_events;
        }
    }
}
