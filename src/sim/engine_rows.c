/*
 * engine_rows.c - a row of time, cash and value for each iteration.
 *
 * Rows lie in spans in which all but time and value stay as they are: cash, the number
 * of positions and that of events change with events alone.
 *
 * Under a clock of bars of one asset a row is a bar: its time is the bar's close in time,
 * its value what the holdings are worth at the bar's close. Of such rows a span keeps
 * which bars they are and what is held (value follows from price: mbar_ledger_line); the
 * numbers are worked out when a table is made, by the operations of mbar_ledger_value. So a bar
 * on which nothing happens costs no more than being counted. All other rows have a time
 * and a value of their own.
 *
 * A span of bars is open while rows may join it: mbar_engine_settle_rows closes it before
 * anything changes cash or holdings.
 */
#include "sim/engine_internal.h"

/* ---- Room ------------------------------------------------------------------------ */

void mbar_engine_rows_init(mbar_engine_rows *rows)
{
    mbar_blocks_init(&rows->spans, sizeof(mbar_row_span));
    mbar_blocks_init(&rows->singles, sizeof(mbar_single_row));
}

void mbar_engine_rows_deinit(mbar_engine_rows *rows)
{
    mbar_blocks_deinit(&rows->spans);
    mbar_blocks_deinit(&rows->singles);
}

static mbar_row_span *span_at(const mbar_engine_rows *rows, int64_t i)
{
    return mbar_blocks_at(&rows->spans, i);
}

static mbar_single_row *single_at(const mbar_engine_rows *rows, int64_t i)
{
    return mbar_blocks_at(&rows->singles, i);
}

/* ---- Recording ------------------------------------------------------------------- */

void mbar_engine_settle_rows(mbar_engine *engine)
{
    engine->rows.is_open = false;
}

/* Whether the next row belongs to the last span. */
static bool continues(const mbar_engine_rows *rows, const mbar_row_span *next)
{
    if (rows->n_spans == 0) {
        return false;
    }
    const mbar_row_span *last = span_at(rows, rows->n_spans - 1);
    return last->of_bars == next->of_bars && last->n_events == next->n_events &&
           last->n_positions == next->n_positions && last->cash == next->cash &&
           last->quantity == next->quantity &&
           (last->average == next->average || next->quantity == 0) &&
           last->multiplier == next->multiplier &&
           last->from + (next->first - last->first) == next->from;
}

/* Adds a row at `from` of its kind. */
static mbar_status add_row(mbar_engine *engine, bool of_bars, int64_t from, mbar_error *error)
{
    mbar_engine_rows *rows = &engine->rows;
    const mbar_position *held = &mbar_ledger_holding(engine->ledger, 0)->position;
    const mbar_row_span span = {
        .first = rows->n,
        .from = from,
        .cash = mbar_ledger_cash_now(engine->ledger),
        .quantity = of_bars ? held->quantity : 0,
        .average = of_bars ? held->avg_price : 0,
        .multiplier = of_bars ? engine->assets[0].spec.multiplier : 0,
        .n_events = mbar_book_events(engine->book),
        .n_positions = mbar_ledger_n_held(engine->ledger),
        .of_bars = of_bars,
    };
    if (!continues(rows, &span)) {
        MBAR_TRY(mbar_blocks_reserve(&rows->spans, rows->n_spans + 1, error));
        *span_at(rows, rows->n_spans++) = span;
    }
    rows->n++;
    return MBAR_OK;
}

/* Whether a row with a time and a value of its own differs from the last in these alone. */
static bool repeats_single(const mbar_engine *engine)
{
    const mbar_engine_rows *rows = &engine->rows;
    if (rows->n_spans == 0) {
        return false;
    }
    const mbar_row_span *last = span_at(rows, rows->n_spans - 1);
    return !last->of_bars && last->n_events == mbar_book_events(engine->book) &&
           last->cash == mbar_ledger_cash_now(engine->ledger) &&
           last->n_positions == mbar_ledger_n_held(engine->ledger) &&
           last->from + (rows->n - last->first) == rows->n_singles;
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
    MBAR_TRY(mbar_blocks_reserve(&rows->singles, rows->n_singles + 1, error));
    if (repeats_single(engine)) {
        rows->n++;
    } else {
        MBAR_TRY(add_row(engine, false, rows->n_singles, error));
    }
    *single_at(rows, rows->n_singles++) =
        (mbar_single_row){engine->now_ns, mbar_engine_value(engine)};
    return MBAR_OK;
}

/* ---- Reading --------------------------------------------------------------------- */

static int64_t span_end(const mbar_engine_rows *rows, int64_t span)
{
    return span + 1 < rows->n_spans ? span_at(rows, span + 1)->first : rows->n;
}

void mbar_engine_row_times(const mbar_engine *engine, void *out)
{
    const mbar_engine_rows *rows = &engine->rows;
    const mbar_instrument *asset = &engine->assets[0];
    int64_t *times = out;
    for (int64_t i = 0; i < rows->n_spans; i++) {
        const mbar_row_span *span = span_at(rows, i);
        int64_t from = span->from;
        for (int64_t row = span->first; row < span_end(rows, i); row++, from++) {
            times[row] = span->of_bars ? asset->times[from] + asset->series->closes_ns
                                       : single_at(rows, from)->ns;
        }
    }
}

/* The values of a span of bars. */
static void fill_values(const mbar_engine *engine, const mbar_row_span *span, int64_t n,
                        double *out)
{
    const mbar_instrument *asset = &engine->assets[0];
    const double *closes = asset->fields[MBAR_BAR_CLOSE] + span->from;
    mbar_ledger_line line = mbar_ledger_line_of(&asset->spec, span->cash, span->quantity,
                                                span->average, span->multiplier);
    for (int64_t i = 0; i < n; i++) {
        out[i] = mbar_ledger_line_at(&line, closes[i]);
    }
}

void mbar_engine_row_values(const mbar_engine *engine, void *out)
{
    const mbar_engine_rows *rows = &engine->rows;
    double *value = out;
    for (int64_t i = 0; i < rows->n_spans; i++) {
        const mbar_row_span *span = span_at(rows, i);
        int64_t n = span_end(rows, i) - span->first;
        if (span->of_bars) {
            fill_values(engine, span, n, value + span->first);
        } else {
            for (int64_t k = 0; k < n; k++) {
                value[span->first + k] = single_at(rows, span->from + k)->value;
            }
        }
    }
}

void mbar_engine_row_cash(const mbar_engine *engine, void *out)
{
    const mbar_engine_rows *rows = &engine->rows;
    double *cash = out;
    for (int64_t i = 0; i < rows->n_spans; i++) {
        for (int64_t row = span_at(rows, i)->first; row < span_end(rows, i); row++) {
            cash[row] = span_at(rows, i)->cash;
        }
    }
}

void mbar_engine_row_positions(const mbar_engine *engine, void *out)
{
    const mbar_engine_rows *rows = &engine->rows;
    int32_t *positions = out;
    for (int64_t i = 0; i < rows->n_spans; i++) {
        for (int64_t row = span_at(rows, i)->first; row < span_end(rows, i); row++) {
            positions[row] = span_at(rows, i)->n_positions;
        }
    }
}

void mbar_engine_row_events(const mbar_engine *engine, void *out)
{
    const mbar_engine_rows *rows = &engine->rows;
    int64_t *events = out;
    for (int64_t i = 0; i < rows->n_spans; i++) {
        for (int64_t row = span_at(rows, i)->first; row < span_end(rows, i); row++) {
            events[row] = span_at(rows, i)->n_events;
        }
    }
}
