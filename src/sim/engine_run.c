/*
 * engine_run.c - the run: who is called when, and what is kept of it.
 *
 * Events wait in the book. Both policies hand them out at fixed points, before and
 * after each call of the lifecycle; what an event's delivery does to cash is the
 * book's (mbar_book_settle). LUMIBOT drops, as lumibot's queue does, what it would
 * hand out before the first iteration has returned - with the cash leg of a stock's
 * fill, if there is one.
 *
 * Marks. LUMIBOT's value is a stored number, computed where lumibot computes it: on
 * entry of each call of the lifecycle and after an iteration, never by a fill.
 * STRICT's is what cash and holdings are worth at the last visible closes, computed
 * when somebody asks; there is nothing in between that could change it, so asking
 * early or late gives the same bits.
 *
 * Rows. LUMIBOT keeps one for each call of the lifecycle (several an instant),
 * STRICT one for each iteration.
 *
 * A callback's status ends the run at once; the engine can still be asked, and its
 * tables made.
 */
#include "sim/engine_internal.h"

#include "base/checked.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- Value ----------------------------------------------------------------------- */

/* Holdings at the last visible closes. Where there is none, the ledger has its rule. */
static double strict_value(const mbar_engine *engine)
{
    if (mbar_ledger_n_held(engine->ledger) == 0) {
        return mbar_ledger_cash_now(engine->ledger);
    }
    for (int32_t i = 0; i < engine->n_assets; i++) {
        engine->prices[i] = mbar_engine_last_price(engine, i);
    }
    return mbar_ledger_value(engine->ledger, engine->prices);
}

/* lumibot keeps a value until the clock or its list of positions has moved. */
static double lumibot_value(mbar_engine *engine)
{
    int64_t revision = mbar_ledger_revision(engine->ledger);
    if (engine->value_ns == engine->now_ns && engine->value_revision == revision) {
        return engine->value;
    }
    for (int32_t i = mbar_ledger_next_held(engine->ledger, -1); i >= 0;
         i = mbar_ledger_next_held(engine->ledger, i)) {
        /* lumibot asks for a price in the account's currency alone, and finds none for
         * what is priced in another crypto. */
        const mbar_instrument *asset = &engine->assets[i];
        engine->prices[i] =
            asset->spec.quote_is_crypto ? NAN : mbar_engine_lumibot_price(engine, asset);
    }
    engine->value_ns = engine->now_ns;
    engine->value_revision = revision;
    return mbar_ledger_value(engine->ledger, engine->prices);
}

double mbar_engine_mark(mbar_engine *engine)
{
    assert(engine != NULL);
    engine->value = mbar_engine_is_strict(engine) ? strict_value(engine) : lumibot_value(engine);
    return engine->value;
}

double mbar_engine_value(const mbar_engine *engine)
{
    assert(engine != NULL);
    return mbar_engine_is_strict(engine) ? strict_value(engine) : engine->value;
}

void mbar_engine_set_cash(mbar_engine *engine, double cash)
{
    assert(engine != NULL);
    mbar_engine_settle_rows(engine);
    mbar_ledger_set_cash(engine->ledger, cash);
}

/* ---- Events ---------------------------------------------------------------------- */

mbar_status mbar_engine_deliver(mbar_engine *engine, bool also_early, mbar_error *error)
{
    if (engine->strategy.on_order_event == NULL && mbar_engine_is_strict(engine)) {
        mbar_book_skip_events(engine->book);
        engine->is_touched = false;
        return MBAR_OK;
    }
    for (int64_t index = mbar_book_next_event(engine->book); index >= 0;
         index = mbar_book_next_event(engine->book)) {
        if (!mbar_engine_is_strict(engine) && !engine->has_iterated && !also_early) {
            continue;
        }
        mbar_book_settle(engine->book, index);
        if (engine->strategy.on_order_event != NULL) {
            mbar_event event = mbar_book_event(engine->book, index);
            MBAR_TRY(engine->strategy.on_order_event(engine, engine->state, &event, error));
        }
    }
    engine->is_touched = false;
    return MBAR_OK;
}

/* ---- Calls ----------------------------------------------------------------------- */

mbar_status mbar_engine_call(mbar_engine *engine, mbar_engine_callback *fn, mbar_error *error)
{
    return fn != NULL ? fn(engine, engine->state, error) : MBAR_OK;
}

mbar_status mbar_engine_lifecycle(mbar_engine *engine, mbar_engine_callback *fn, mbar_error *error)
{
    bool strict = mbar_engine_is_strict(engine);
    MBAR_TRY(mbar_engine_deliver_if_any(engine, error));
    if (!strict) {
        mbar_engine_mark(engine);
    }
    MBAR_TRY(mbar_engine_call(engine, fn, error));
    if (!strict) {
        MBAR_TRY(mbar_engine_record(engine, error));
    }
    return mbar_engine_deliver_if_any(engine, error);
}

/* What follows the strategy's own code, where there is anything. */
mbar_status mbar_engine_iterated(mbar_engine *engine, mbar_error *error)
{
    MBAR_TRY(mbar_engine_deliver_if_any(engine, error));
    MBAR_TRY(mbar_engine_record(engine, error));
    MBAR_TRY(mbar_engine_call(engine, engine->strategy.after_iteration, error));
    return mbar_engine_deliver_if_any(engine, error);
}

static mbar_status iterate_strict(mbar_engine *engine, mbar_error *error)
{
    engine->n_iterations++;
    MBAR_TRY(mbar_engine_call(engine, engine->strategy.on_trading_iteration, error));
    return mbar_engine_iterated(engine, error);
}

mbar_status mbar_engine_iterate(mbar_engine *engine, bool market_open, mbar_error *error)
{
    if (mbar_engine_is_strict(engine)) {
        return market_open ? iterate_strict(engine, error) : MBAR_OK;
    }
    MBAR_TRY(mbar_engine_deliver_if_any(engine, error));
    mbar_engine_mark(engine);
    if (market_open) {
        engine->n_iterations++;
        MBAR_TRY(mbar_engine_call(engine, engine->strategy.on_trading_iteration, error));
        engine->has_iterated = true;
        MBAR_TRY(mbar_engine_deliver_if_any(engine, error));
    }
    mbar_engine_mark(engine);
    MBAR_TRY(mbar_engine_record(engine, error));
    if (market_open) {
        MBAR_TRY(mbar_engine_call(engine, engine->strategy.after_iteration, error));
    }
    return mbar_engine_deliver_if_any(engine, error);
}

/* ---- The clock ------------------------------------------------------------------- */

mbar_status mbar_engine_pending(mbar_engine *engine, mbar_error *error)
{
    if (mbar_engine_is_strict(engine) || mbar_book_is_idle(engine->book)) {
        return MBAR_OK;
    }
    const mbar_book_market market = {mbar_engine_lumibot_bar, engine, mbar_engine_session_closed};
    engine->is_touched = true;
    MBAR_TRY(mbar_book_match(engine->book, engine->now_ns, &market, error));
    const mbar_error *failed = &engine->bar_error;
    return failed->code == MBAR_OK ? MBAR_OK
                                   : mbar_error_set(error, failed->code, "%s", failed->message);
}

mbar_status mbar_engine_move(mbar_engine *engine, int64_t to_ns, mbar_error *error)
{
    if (to_ns <= engine->now_ns) {
        to_ns = mbar_engine_later(engine->now_ns, MBAR_MINUTE_NS);
    }
    if (mbar_engine_is_strict(engine)) {
        return mbar_engine_close_until(engine, to_ns, error);
    }
    engine->now_ns = to_ns;
    for (int32_t i = 0; i < engine->n_assets; i++) {
        mbar_instrument *asset = &engine->assets[i];
        while (asset->row + 1 < asset->n_rows && asset->times[asset->row + 1] <= to_ns) {
            asset->row++;
        }
        asset->n_shown = asset->series != NULL ? mbar_engine_lumibot_shown(engine, asset) : 0;
    }
    return MBAR_OK;
}

mbar_status mbar_engine_wait(mbar_engine *engine, int64_t ns, mbar_error *error)
{
    assert(engine != NULL);
    if (ns < 0) {
        return mbar_error_set(error, MBAR_INVALID, "a sleep of %lld ns; give 0 or more",
                              (long long)ns);
    }
    MBAR_TRY(mbar_engine_pending(engine, error));
    mbar_engine_settle_rows(engine);
    return ns > 0 ? mbar_engine_move(engine, mbar_engine_later(engine->now_ns, ns), error)
                  : MBAR_OK;
}

mbar_status mbar_engine_sleep(mbar_engine *engine, int64_t ns, mbar_error *error)
{
    MBAR_TRY(mbar_engine_wait(engine, ns, error));
    if (mbar_engine_is_strict(engine)) {
        return MBAR_OK;
    }
    MBAR_TRY(mbar_engine_pending(engine, error));
    MBAR_TRY(mbar_engine_deliver(engine, true, error));
    engine->value_ns = INT64_MIN; /* lumibot forgets what it kept */
    mbar_engine_mark(engine);
    return MBAR_OK;
}

/* ---- The run --------------------------------------------------------------------- */

/* The first open of all bars, and the last open (LUMIBOT) or close (STRICT). */
static bool data_span(const mbar_engine *engine, int64_t *first_ns, int64_t *last_ns)
{
    *first_ns = INT64_MAX;
    *last_ns = INT64_MIN;
    for (int32_t i = 0; i < engine->n_assets; i++) {
        const mbar_instrument *asset = &engine->assets[i];
        if (asset->n_rows == 0) {
            continue;
        }
        int64_t last = asset->n_rows - 1;
        int64_t end_ns =
            mbar_engine_is_strict(engine) ? mbar_engine_close_ns(asset, last) : asset->times[last];
        *first_ns = asset->times[0] < *first_ns ? asset->times[0] : *first_ns;
        *last_ns = end_ns > *last_ns ? end_ns : *last_ns;
    }
    return *first_ns != INT64_MAX;
}

/* Where the run begins and ends, or why there is nothing to run over. */
static mbar_status set_span(mbar_engine *engine, mbar_error *error)
{
    int64_t first_ns, last_ns;
    char data[40], option[40];
    if (!data_span(engine, &first_ns, &last_ns)) {
        return mbar_error_set(error, MBAR_INVALID,
                              "nothing to run over: %s; add an asset with a series of bars",
                              engine->n_assets == 0 ? "no asset" : "no asset has a bar");
    }
    if (last_ns < engine->options.start_ns) {
        mbar_time_format(last_ns, data, sizeof data);
        mbar_time_format(engine->options.start_ns, option, sizeof option);
        return mbar_error_set(error, MBAR_INVALID,
                              "the data end at %s, before the start %s; start earlier", data,
                              option);
    }
    if (first_ns > engine->options.end_ns) {
        mbar_time_format(first_ns, data, sizeof data);
        mbar_time_format(engine->options.end_ns, option, sizeof option);
        return mbar_error_set(error, MBAR_INVALID,
                              "the data begin at %s, after the end %s; end later", data, option);
    }
    bool by_bars = engine->options.clock == MBAR_CLOCK_BARS;
    bool from_data = engine->options.start_ns == INT64_MIN;
    if (from_data || (by_bars && engine->options.start_ns < first_ns)) {
        engine->now_ns = first_ns;
    }
    engine->options.start_ns = engine->now_ns;
    if (engine->options.end_ns == INT64_MAX) {
        engine->end_ns = last_ns;
    }
    return MBAR_OK;
}

static mbar_status run(mbar_engine *engine, mbar_error *error)
{
    MBAR_TRY(mbar_engine_call(engine, engine->strategy.initialize, error));
    MBAR_TRY(mbar_engine_deliver_if_any(engine, error));
    engine->is_under_way = true;
    if (engine->options.clock == MBAR_CLOCK_BARS) {
        MBAR_TRY(mbar_engine_run_bars(engine, error));
    } else {
        MBAR_TRY(mbar_engine_run_steps(engine, error));
    }
    return mbar_engine_lifecycle(engine, engine->strategy.on_end, error);
}

/* A callback failed without a word; its status may be none of ours. */
static mbar_status unexplained(mbar_status status, mbar_error *error)
{
    bool is_known = status >= MBAR_NOMEM && status <= MBAR_NOTFOUND;
    return mbar_error_set(error, is_known ? status : MBAR_INVALID,
                          "the strategy returned status %d without an error: set one with "
                          "mbar_error_set, which says what went wrong",
                          (int)status);
}

mbar_status mbar_engine_run(mbar_engine *engine, const mbar_strategy *strategy, void *state,
                            mbar_error *error)
{
    assert(engine != NULL && strategy != NULL);
    assert(strategy->struct_bytes >= sizeof strategy->struct_bytes);
    if (engine->has_run) {
        return mbar_error_set(error, MBAR_INVALID, "an engine runs once; make another");
    }
    if (error != NULL) {
        mbar_error_init(error);
    }
    MBAR_TRY(set_span(engine, error));
    MBAR_TRY(mbar_engine_add_quotes(engine, error));
    engine->has_run = true;
    engine->strategy = (mbar_strategy){0};
    size_t known =
        strategy->struct_bytes < sizeof *strategy ? strategy->struct_bytes : sizeof *strategy;
    memcpy(&engine->strategy, strategy, known);
    engine->state = state;
    mbar_engine_place_cursors(engine);
    mbar_status status = run(engine, error);
    if (status != MBAR_OK && error != NULL && error->code == MBAR_OK) {
        status = unexplained(status, error);
    }
    mbar_engine_settle_rows(engine);
    engine->strategy = (mbar_strategy){0};
    engine->state = NULL;
    return status;
}
