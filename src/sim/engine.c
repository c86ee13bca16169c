/*
 * engine.c - an engine from its making to its end: options, parts, zone.
 *
 * The engine owns a ledger, a book that borrows it, and of each asset the columns
 * of its series as doubles, resolved once (engine_assets.c): no call while running
 * looks a column up, converts or searches where a cursor will do.
 *
 * Two cursors an asset, both moving forward alone. n_shown counts the rows that the
 * policy shows; LUMIBOT keeps the last row that has opened (row) and decides by
 * lumibot's rule whether it still forms. No question (engine_ask.c) can name a row
 * beyond them.
 */
#include "sim/engine_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>

void mbar_engine_options_init(mbar_engine_options *options)
{
    assert(options != NULL);
    *options = (mbar_engine_options){
        .policy = MBAR_POLICY_STRICT,
        .clock = MBAR_CLOCK_BARS,
        .sessions = MBAR_SESSIONS_CONTINUOUS,
        .start_ns = INT64_MIN,
        .end_ns = INT64_MAX,
        .step_ns = MBAR_MINUTE_NS,
        .before_opening_ns = MBAR_HOUR_NS,
        .before_closing_ns = MBAR_MINUTE_NS,
        .budget = 100000.0,
        .record_iterations = true,
    };
}

static mbar_status check_options(const mbar_engine_options *options, mbar_error *error)
{
    if (options->policy == MBAR_POLICY_LUMIBOT && options->clock == MBAR_CLOCK_BARS) {
        return mbar_error_set(error, MBAR_INVALID,
                              "the lumibot policy has a clock of steps; give it MBAR_CLOCK_STEP, "
                              "or run the strict policy");
    }
    if (options->start_ns > options->end_ns) {
        return mbar_error_set(error, MBAR_INVALID, "the run starts after its end");
    }
    if (options->clock == MBAR_CLOCK_STEP && options->step_ns < 0) {
        return mbar_error_set(error, MBAR_INVALID, "a step of %lld ns; give 0 or more",
                              (long long)options->step_ns);
    }
    if (options->before_opening_ns < 0 || options->before_closing_ns < 0 ||
        options->after_closing_ns < 0) {
        return mbar_error_set(error, MBAR_INVALID,
                              "times before opening, before closing and after closing are lengths: "
                              "give 0 or more");
    }
    const mbar_frictions *frictions = &options->frictions;
    if (!(frictions->slippage_ticks >= 0 && frictions->slippage_percent >= 0 &&
          frictions->volume_share >= 0 && isfinite(frictions->slippage_ticks) &&
          isfinite(frictions->slippage_percent) && frictions->volume_share <= 1)) {
        return mbar_error_set(error, MBAR_INVALID,
                              "slippage of %g ticks and %g of the price, a share of %g of the "
                              "volume: give slippage of 0 or more, and a share from 0 to 1",
                              frictions->slippage_ticks, frictions->slippage_percent,
                              frictions->volume_share);
    }
    if (!isfinite(options->budget)) {
        return mbar_error_set(error, MBAR_INVALID, "a budget of %g; give a finite one",
                              options->budget);
    }
    return MBAR_OK;
}

static mbar_status open_zone(const mbar_engine_options *options, mbar_zone **out, mbar_error *error)
{
    if (options->zone != NULL) {
        *out = mbar_zone_ref(options->zone);
        return MBAR_OK;
    }
    mbar_status status = mbar_zone_open("America/New_York", out, error);
    return status == MBAR_NOTFOUND ? mbar_zone_open("UTC", out, error) : status;
}

static mbar_status build(mbar_engine *engine, const mbar_engine_options *options, mbar_error *error)
{
    MBAR_TRY(open_zone(options, &engine->zone, error));
    MBAR_TRY(mbar_ledger_new(options->policy, &engine->ledger, error));
    MBAR_TRY(mbar_ledger_set_fees(engine->ledger, options->buy_fees, options->n_buy_fees,
                                  options->sell_fees, options->n_sell_fees, error));
    mbar_ledger_set_cash(engine->ledger, options->budget);
    MBAR_TRY(mbar_book_new(options->policy, engine->ledger, &options->frictions, engine->zone,
                           &engine->book, error));
    engine->options = *options;
    engine->options.zone = engine->zone;
    engine->options.buy_fees = engine->options.sell_fees = NULL;
    engine->now_ns = options->start_ns;
    engine->end_ns = options->end_ns;
    engine->step_ns = options->step_ns;
    engine->value = options->budget;
    engine->value_ns = engine->entitled_day_ns = INT64_MIN;
    return MBAR_OK;
}

mbar_status mbar_engine_new(const mbar_engine_options *options, mbar_engine **out,
                            mbar_error *error)
{
    assert(options != NULL && out != NULL);
    MBAR_TRY(check_options(options, error));
    mbar_engine *engine = mbar_alloc(sizeof *engine, error);
    if (engine == NULL) {
        return MBAR_NOMEM;
    }
    atomic_init(&engine->is_stopped, false);
    mbar_error_init(&engine->bar_error);
    mbar_engine_rows_init(&engine->rows);
    mbar_status status = build(engine, options, error);
    if (status != MBAR_OK) {
        mbar_engine_free(engine);
        return status;
    }
    *out = engine;
    return MBAR_OK;
}

void mbar_engine_free(mbar_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    for (int32_t i = 0; i < engine->n_indicators; i++) {
        mbar_instrument_indicator_deinit(&engine->indicators[i]);
    }
    mbar_book_free(engine->book);
    mbar_ledger_free(engine->ledger);
    for (int32_t i = 0; i < engine->n_assets; i++) {
        mbar_instrument_deinit(&engine->assets[i]);
    }
    mbar_free(engine->assets);
    mbar_free(engine->prices);
    mbar_free(engine->indicators);
    mbar_free(engine->sessions.items);
    mbar_free(engine->corporate.items);
    mbar_engine_rows_deinit(&engine->rows);
    mbar_zone_unref(engine->zone);
    mbar_free(engine);
}
