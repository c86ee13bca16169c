/*
 * engine_bars.c - bars that close: what STRICT matches, and a clock made of them.
 *
 * STRICT in full. At an instant t at which bars close, all assets together:
 *   1. these bars become visible; what they pay and split is booked;
 *   2. each active order meets the one of its asset, if that bar opened at or after
 *      the order was placed: every bar is met once, in order of time, and never one
 *      that had begun;
 *   3. events are delivered with the clock at t;
 *   4. if the clock says so, the strategy's iteration runs: it sees these bars.
 * So an order placed at t, the close of bar i, is filled in the first bar that opens
 * at t or later - a market order at its open - and the strategy is told at that bar's
 * close. What waits for a fill (the children of a bracket) is placed when the fill is
 * told, and meets the bar after. An order never knows more than its strategy did.
 *
 * A bar with a price that is missing or infinite is met by no order.
 *
 * MBAR_CLOCK_BARS calls the iteration at each such instant from start to end; a bar
 * that has closed before the start is visible from the beginning. MBAR_CLOCK_STEP
 * passes the same instants on its way from one iteration to the next.
 *
 * Bars are read through cursors that move forward alone. An instant costs O(assets);
 * of it, an idle book and flat positions cost nothing.
 */
#include "sim/engine_internal.h"

#include "base/checked.h"

#include <assert.h>
#include <math.h>

/* ---- Cursors --------------------------------------------------------------------- */

static inline int64_t close_ns(const mbar_instrument *asset, int64_t row)
{
    if (row >= asset->n_rows) {
        return INT64_MAX;
    }
    const mbar_series *series = asset->series;
    if (series->step == MBAR_STEP_DAY) {
        return mbar_series_end_ns(series, row, series->closes_ns);
    }
    return mbar_engine_later(asset->times[row], series->closes_ns);
}

int64_t mbar_engine_close_ns(const mbar_instrument *asset, int64_t row)
{
    return close_ns(asset, row);
}

void mbar_engine_place_cursors(mbar_engine *engine)
{
    int64_t now_ns = engine->now_ns;
    if (engine->options.clock == MBAR_CLOCK_BARS && now_ns > INT64_MIN) {
        now_ns--; /* a bar that closes at the start gives an iteration */
    }
    for (int32_t i = 0; i < engine->n_assets; i++) {
        mbar_instrument *asset = &engine->assets[i];
        if (asset->series == NULL) {
            continue;
        }
        mbar_window closed = {0, 0};
        mbar_status status = mbar_series_window(asset->series, MBAR_POLICY_STRICT, now_ns,
                                                INT64_MAX, 0, &closed, NULL);
        assert(status == MBAR_OK);
        asset->n_shown = closed.n_rows;
        asset->next_close_ns = close_ns(asset, closed.n_rows);
        asset->row = mbar_asof(asset->times, asset->n_rows, engine->now_ns);
        if (!mbar_engine_is_strict(engine)) {
            asset->n_shown = mbar_engine_lumibot_shown(engine, asset);
        }
    }
}

static int64_t next_instant(const mbar_engine *engine)
{
    int64_t next_ns = INT64_MAX;
    for (int32_t i = 0; i < engine->n_assets; i++) {
        int64_t own_ns = engine->assets[i].next_close_ns;
        next_ns = own_ns < next_ns ? own_ns : next_ns;
    }
    return next_ns;
}

/* ---- Matching -------------------------------------------------------------------- */

/* A quote column says what was quoted by the bar's end: no order can have met that at its
 * beginning, so there is none. */
static void read_fresh(mbar_instrument *asset)
{
    int64_t row = asset->fresh_row;
    asset->met_at = row;
    asset->met = (mbar_bar){.bid = NAN, .ask = NAN, .is_day = asset->series->step == MBAR_STEP_DAY};
    asset->met_data =
        mbar_instrument_read(asset, row, &asset->met) ? MBAR_BOOK_BAR : MBAR_BOOK_WAIT;
}

/* mbar_book_market.bar. */
static mbar_book_data strict_bar(void *ctx, const mbar_order *order, const mbar_bar **out)
{
    const mbar_engine *engine = ctx;
    mbar_instrument *asset = &engine->assets[order->asset];
    int64_t row = asset->fresh_row;
    if (row < 0 || asset->times[row] < order->placed_ns) {
        return MBAR_BOOK_WAIT;
    }
    if (asset->met_at != row) {
        read_fresh(asset);
    }
    *out = &asset->met;
    return asset->met_data;
}

static mbar_status book_corporate(mbar_engine *engine, mbar_error *error)
{
    for (int32_t i = 0; i < engine->n_assets; i++) {
        const mbar_instrument *asset = &engine->assets[i];
        if (asset->fresh_row >= 0 &&
            (asset->fields[MBAR_BAR_DIVIDEND] != NULL || asset->fields[MBAR_BAR_SPLITS] != NULL)) {
            MBAR_TRY(mbar_engine_corporate_row(engine, i, asset->fresh_row, error));
        }
    }
    return MBAR_OK;
}

/* What bars that close at ns do to orders and holdings. */
static mbar_status match_closed(mbar_engine *engine, int64_t ns, mbar_error *error)
{
    const mbar_book_market market = {strict_bar, engine, false};
    mbar_engine_settle_rows(engine);
    engine->is_touched = true;
    MBAR_TRY(mbar_book_match(engine->book, ns, &market, error));
    MBAR_TRY(mbar_engine_deliver(engine, false, error));
    engine->is_busy = !mbar_book_is_idle(engine->book);
    return MBAR_OK;
}

/* The bars that close at ns: visible, matched, told. */
static mbar_status close_instant(mbar_engine *engine, int64_t ns, mbar_error *error)
{
    engine->now_ns = engine->closed_ns = ns;
    for (int32_t i = 0; i < engine->n_assets; i++) {
        mbar_instrument *asset = &engine->assets[i];
        asset->fresh_row = -1;
        if (asset->next_close_ns == ns) {
            asset->fresh_row = asset->n_shown++;
            asset->next_close_ns = close_ns(asset, asset->n_shown);
        }
    }
    if (engine->has_corporate) {
        MBAR_TRY(book_corporate(engine, error));
    }
    return engine->is_busy || engine->is_touched ? match_closed(engine, ns, error) : MBAR_OK;
}

mbar_status mbar_engine_close_until(mbar_engine *engine, int64_t to_ns, mbar_error *error)
{
    int64_t last_ns = to_ns < engine->end_ns ? to_ns : engine->end_ns;
    for (int64_t ns = next_instant(engine); ns <= last_ns && ns < INT64_MAX;
         ns = next_instant(engine)) {
        MBAR_TRY(close_instant(engine, ns, error));
    }
    /* A callback on the way may have slept beyond. */
    engine->now_ns = to_ns > engine->now_ns ? to_ns : engine->now_ns;
    return MBAR_OK;
}

/* ---- The clock of bars ----------------------------------------------------------- */

static mbar_status run_all(mbar_engine *engine, mbar_error *error)
{
    while (!mbar_engine_is_stopped(engine)) {
        int64_t ns = next_instant(engine);
        if (ns > engine->end_ns || ns == INT64_MAX) {
            break;
        }
        MBAR_TRY(close_instant(engine, ns, error));
        MBAR_TRY(mbar_engine_iterate(engine, true, error));
    }
    return MBAR_OK;
}

/* Whether every instant is the close of one bar of one asset, by plain addition. */
static bool is_one_by_one(const mbar_engine *engine)
{
    const mbar_instrument *asset = &engine->assets[0];
    return engine->n_assets == 1 && asset->series->step != MBAR_STEP_DAY &&
           asset->times[asset->n_rows - 1] <= INT64_MAX - 1 - asset->series->closes_ns;
}

/* The bar closes, and nobody waits for it. */
static void show_next(mbar_engine *engine, mbar_instrument *asset)
{
    engine->now_ns = engine->closed_ns = asset->next_close_ns;
    asset->fresh_row = asset->n_shown++;
    asset->next_close_ns = asset->n_shown < asset->n_rows
                               ? asset->times[asset->n_shown] + asset->series->closes_ns
                               : INT64_MAX;
}

/* run_all for one asset: the same calls, without looking round for others. */
static mbar_status run_one(mbar_engine *engine, mbar_error *error)
{
    mbar_instrument *asset = &engine->assets[0]; /* moves when another is added */
    mbar_engine_callback *const iterate = engine->strategy.on_trading_iteration;
    const bool calls_after = engine->strategy.after_iteration != NULL;
    mbar_engine_rows *rows = &engine->rows;
    while (asset->next_close_ns <= engine->end_ns && asset->next_close_ns < INT64_MAX &&
           !mbar_engine_is_stopped(engine)) {
        if (engine->is_busy || engine->is_touched || engine->has_corporate) {
            MBAR_TRY(close_instant(engine, asset->next_close_ns, error));
            asset = &engine->assets[0];
        } else {
            show_next(engine, asset);
        }
        engine->n_iterations++;
        if (iterate != NULL) {
            MBAR_TRY(iterate(engine, engine->state, error));
            asset = &engine->assets[0];
        }
        if (rows->is_open && !engine->is_touched && !calls_after &&
            engine->now_ns == engine->closed_ns) {
            rows->n++;
        } else {
            MBAR_TRY(mbar_engine_iterated(engine, error));
            asset = &engine->assets[0];
        }
    }
    return MBAR_OK;
}

mbar_status mbar_engine_run_bars(mbar_engine *engine, mbar_error *error)
{
    engine->defers_rows = is_one_by_one(engine);
    return engine->defers_rows ? run_one(engine, error) : run_all(engine, error);
}
