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
    mbar_blocks_init(&rows->bars, sizeof(mbar_bar_span));
    mbar_blocks_init(&rows->singles, sizeof(mbar_single_row));
}

void mbar_engine_rows_deinit(mbar_engine_rows *rows)
{
    mbar_blocks_deinit(&rows->spans);
    mbar_blocks_deinit(&rows->bars);
    mbar_blocks_deinit(&rows->singles);
}

static mbar_row_span *span_at(const mbar_engine_rows *rows, int64_t i)
{
    return mbar_blocks_at(&rows->spans, i);
}

static mbar_bar_span *bars_at(const mbar_engine_rows *rows, int64_t i)
{
    return mbar_blocks_at(&rows->bars, i);
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

/* Whether the next row is of the last span, bars apart. */
static bool continues(const mbar_engine *engine, bool of_bars)
{
    const mbar_engine_rows *rows = &engine->rows;
    if (rows->n_spans == 0) {
        return false;
    }
    const mbar_row_span *last = span_at(rows, rows->n_spans - 1);
    return last->of_bars == of_bars && last->n_events == mbar_book_events(engine->book) &&
           last->cash == mbar_ledger_cash_now(engine->ledger) &&
           last->n_positions == mbar_ledger_n_held(engine->ledger);
}

/* Whether the last span, of bars, goes on with this one's. */
static bool continues_bars(const mbar_engine_rows *rows, const mbar_bar_span *next)
{
    const mbar_bar_span *last = bars_at(rows, rows->n_bars - 1);
    return last->quantity == next->quantity &&
           (last->average == next->average || next->quantity == 0) &&
           last->multiplier == next->multiplier &&
           last->bar + (rows->n - span_at(rows, rows->n_spans - 1)->first) == next->bar;
}

static mbar_status begin_span(mbar_engine *engine, bool of_bars, mbar_error *error)
{
    mbar_engine_rows *rows = &engine->rows;
    MBAR_TRY(mbar_blocks_reserve(&rows->spans, rows->n_spans + 1, error));
    *span_at(rows, rows->n_spans++) = (mbar_row_span){
        .first = rows->n,
        .cash = mbar_ledger_cash_now(engine->ledger),
        .n_events = mbar_book_events(engine->book),
        .n_positions = mbar_ledger_n_held(engine->ledger),
        .of_bars = of_bars,
    };
    return MBAR_OK;
}

/* The row of the bar that shows last. */
static mbar_status add_bar(mbar_engine *engine, mbar_error *error)
{
    mbar_engine_rows *rows = &engine->rows;
    const mbar_position *held = &mbar_ledger_holding(engine->ledger, 0)->position;
    const mbar_bar_span next = {
        .bar = engine->assets[0].n_shown - 1,
        .quantity = held->quantity,
        .average = held->avg_price,
        .multiplier = engine->assets[0].spec.multiplier,
    };
    if (!continues(engine, true) || !continues_bars(rows, &next)) {
        MBAR_TRY(mbar_blocks_reserve(&rows->bars, rows->n_bars + 1, error));
        MBAR_TRY(begin_span(engine, true, error));
        *bars_at(rows, rows->n_bars++) = next;
    }
    rows->n++;
    rows->is_open = true;
    return MBAR_OK;
}

mbar_status mbar_engine_record(mbar_engine *engine, mbar_error *error)
{
    mbar_engine_rows *rows = &engine->rows;
    if (!engine->options.record_iterations) {
        return MBAR_OK;
    }
    if (engine->defers_rows && engine->now_ns == engine->closed_ns) {
        return add_bar(engine, error);
    }
    rows->is_open = false;
    MBAR_TRY(mbar_blocks_reserve(&rows->singles, rows->n_singles + 1, error));
    if (!continues(engine, false)) {
        MBAR_TRY(begin_span(engine, false, error));
    }
    *single_at(rows, rows->n_singles++) =
        (mbar_single_row){engine->now_ns, mbar_engine_value(engine)};
    rows->n++;
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
    int64_t *times = out, bars = 0, single = 0;
    for (int64_t i = 0; i < rows->n_spans; i++) {
        int64_t row = span_at(rows, i)->first, end = span_end(rows, i);
        if (span_at(rows, i)->of_bars) {
            for (int64_t bar = bars_at(rows, bars++)->bar; row < end; row++, bar++) {
                times[row] = asset->times[bar] + asset->series->closes_ns;
            }
        }
        for (; row < end; row++) {
            times[row] = single_at(rows, single++)->ns;
        }
    }
}

/* The values of a span of bars. */
static void fill_values(const mbar_engine *engine, double cash, const mbar_bar_span *bars,
                        int64_t n, double *out)
{
    const mbar_instrument *asset = &engine->assets[0];
    const double *closes = asset->fields[MBAR_BAR_CLOSE] + bars->bar;
    mbar_ledger_line line =
        mbar_ledger_line_of(&asset->spec, cash, bars->quantity, bars->average, bars->multiplier);
    for (int64_t i = 0; i < n; i++) {
        out[i] = mbar_ledger_line_at(&line, closes[i]);
    }
}

void mbar_engine_row_values(const mbar_engine *engine, void *out)
{
    const mbar_engine_rows *rows = &engine->rows;
    int64_t bars = 0, single = 0;
    double *value = out;
    for (int64_t i = 0; i < rows->n_spans; i++) {
        const mbar_row_span *span = span_at(rows, i);
        int64_t row = span->first, end = span_end(rows, i);
        if (span->of_bars) {
            fill_values(engine, span->cash, bars_at(rows, bars++), end - row, value + row);
            continue;
        }
        for (; row < end; row++) {
            value[row] = single_at(rows, single++)->value;
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
