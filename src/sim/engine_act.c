/*
 * engine_act.c - what a strategy may do at the clock: orders, and the engine's own
 * settings.
 *
 * The book decides; here it is told the clock, and the engine that events may wait
 * (is_touched) or orders (is_busy).
 */
#include "sim/engine_internal.h"

#include <assert.h>
#include <math.h>

mbar_status mbar_engine_submit(mbar_engine *engine, const mbar_order_request *request,
                               mbar_order_id *out, mbar_error *error)
{
    assert(engine != NULL && request != NULL && out != NULL);
    const mbar_instrument *asset = mbar_engine_at(engine, request->asset);
    if (asset == NULL) {
        return mbar_error_set(error, MBAR_INVALID, "an order for asset %d; there are %d, from 0",
                              (int)request->asset, (int)engine->n_assets);
    }
    if (asset->series == NULL && mbar_engine_is_strict(engine)) {
        return mbar_error_set(error, MBAR_INVALID,
                              "an order for %s, which has no bars to be filled in", asset->symbol);
    }
    /* The next bar is likely to be read now, and its columns lie apart. */
    for (int field = 0; field <= MBAR_BAR_VOLUME && asset->n_shown < asset->n_rows; field++) {
        if (asset->fields[field] != NULL) {
            __builtin_prefetch(&asset->fields[field][asset->n_shown]);
        }
    }
    engine->is_touched = engine->is_busy = true;
    return mbar_book_submit(engine->book, request, engine->now_ns, out, error);
}

mbar_status mbar_engine_cancel(mbar_engine *engine, mbar_order_id id, mbar_error *error)
{
    engine->is_touched = true;
    return mbar_book_cancel(engine->book, id, engine->now_ns, error);
}

mbar_status mbar_engine_cancel_all(mbar_engine *engine, mbar_error *error)
{
    engine->is_touched = true;
    return mbar_book_cancel_all(engine->book, engine->now_ns, error);
}

mbar_status mbar_engine_resubmit(mbar_engine *engine, mbar_order_id id, mbar_error *error)
{
    engine->is_touched = engine->is_busy = true;
    return mbar_book_resubmit(engine->book, id, engine->now_ns, error);
}

mbar_status mbar_engine_modify(mbar_engine *engine, mbar_order_id id, double limit_price,
                               double stop_price, double quantity, mbar_error *error)
{
    engine->is_touched = true;
    return mbar_book_modify(engine->book, id, limit_price, stop_price, quantity, engine->now_ns,
                            error);
}

static bool is_in_use(const mbar_engine *engine, int32_t asset)
{
    if (mbar_ledger_holding(engine->ledger, asset)->position.quantity != 0.0) {
        return true;
    }
    for (mbar_order_id id = mbar_book_next_active(engine->book, 0); id != 0;
         id = mbar_book_next_active(engine->book, id)) {
        if (mbar_book_order(engine->book, id)->asset == asset) {
            return true;
        }
    }
    return false;
}

mbar_status mbar_engine_set_multiplier(mbar_engine *engine, int32_t asset, double multiplier,
                                       mbar_error *error)
{
    if (mbar_engine_at(engine, asset) == NULL) {
        return mbar_error_set(error, MBAR_INVALID,
                              "a multiplier for asset %d; there are %d, from 0", (int)asset,
                              (int)engine->n_assets);
    }
    if (!isfinite(multiplier) || multiplier <= 0.0) {
        return mbar_error_set(error, MBAR_INVALID,
                              "a multiplier of %g for %s; give a finite one above 0", multiplier,
                              engine->assets[asset].symbol);
    }
    if (!is_in_use(engine, asset)) {
        mbar_engine_settle_rows(engine);
        engine->assets[asset].spec.multiplier = multiplier;
        mbar_ledger_set_multiplier(engine->ledger, asset, multiplier);
    }
    return MBAR_OK;
}

void mbar_engine_set_schedule(mbar_engine *engine, mbar_sessions sessions,
                              int64_t before_opening_ns, int64_t before_closing_ns,
                              int64_t after_closing_ns)
{
    assert(before_opening_ns >= 0 && before_closing_ns >= 0 && after_closing_ns >= 0);
    if (!engine->is_under_way) {
        engine->options.sessions = sessions;
    }
    engine->options.before_opening_ns = before_opening_ns;
    engine->options.before_closing_ns = before_closing_ns;
    engine->options.after_closing_ns = after_closing_ns;
}

void mbar_engine_set_step(mbar_engine *engine, int64_t step_ns)
{
    assert(step_ns >= 0);
    engine->step_ns = step_ns;
}

void mbar_engine_stop(mbar_engine *engine)
{
    atomic_store_explicit(&engine->is_stopped, true, memory_order_relaxed);
}
