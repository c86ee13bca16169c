/*
 * engine_ask.c - what a strategy may ask at the clock.
 *
 * Every answer is read through the cursors of engine.c. Numbers of assets and orders
 * are asserted where the answer is a plain value, and refused with MBAR_INVALID where
 * a status can say so.
 */
#include "sim/engine_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

int64_t mbar_engine_now_ns(const mbar_engine *engine)
{
    return engine->now_ns;
}

int64_t mbar_engine_end_ns(const mbar_engine *engine)
{
    assert(engine != NULL);
    return engine->end_ns;
}

int64_t mbar_engine_iterations(const mbar_engine *engine)
{
    return engine->n_iterations;
}

int64_t mbar_engine_row_count(const mbar_engine *engine)
{
    return engine->rows.n;
}

int32_t mbar_engine_assets(const mbar_engine *engine)
{
    return engine->n_assets;
}

int32_t mbar_engine_find(const mbar_engine *engine, const char *symbol)
{
    assert(symbol != NULL);
    for (int32_t i = 0; i < engine->n_assets; i++) {
        if (strcmp(engine->assets[i].symbol, symbol) == 0) {
            return i;
        }
    }
    return -1;
}

const mbar_asset *mbar_engine_asset(const mbar_engine *engine, int32_t asset)
{
    assert(asset >= 0 && asset < engine->n_assets);
    return &engine->assets[asset].spec;
}

mbar_series *mbar_engine_series(const mbar_engine *engine, int32_t asset)
{
    assert(asset >= 0 && asset < engine->n_assets);
    return engine->assets[asset].series;
}

mbar_status mbar_engine_window(const mbar_engine *engine, int32_t asset, int64_t length,
                               int64_t shift, mbar_window *out, mbar_error *error)
{
    const mbar_instrument *of = mbar_engine_at(engine, asset);
    if (of == NULL || of->series == NULL) {
        return mbar_error_set(error, MBAR_INVALID, "asset %d has no bars", (int)asset);
    }
    return mbar_series_window_at(of->series, engine->options.policy,
                                 mbar_engine_is_strict(engine) ? of->n_shown : of->row,
                                 engine->now_ns, length, shift, out, error);
}

int64_t mbar_engine_visible_rows(const mbar_engine *engine, int32_t asset)
{
    assert(asset >= 0 && asset < engine->n_assets);
    const mbar_instrument *of = &engine->assets[asset];
    if (mbar_engine_is_strict(engine) || of->series == NULL) {
        return of->n_shown;
    }
    mbar_window all;
    mbar_status status = mbar_series_window(of->series, MBAR_POLICY_STRICT, engine->now_ns,
                                            INT64_MAX, 0, &all, NULL);
    return status == MBAR_OK ? all.n_rows : 0;
}

bool mbar_engine_is_past_reach(const mbar_instrument *asset, int64_t now_ns)
{
    int64_t end_ns = asset->times[asset->n_rows - 1];
    return now_ns > end_ns && (uint64_t)now_ns - (uint64_t)end_ns > (uint64_t)(3 * MBAR_DAY_NS);
}

bool mbar_engine_is_forming(const mbar_engine *engine, const mbar_instrument *asset)
{
    uint64_t age_ns = (uint64_t)engine->now_ns - (uint64_t)asset->times[asset->row];
    return age_ns < (uint64_t)asset->series->intraday_ns;
}

int64_t mbar_engine_lumibot_shown(const mbar_engine *engine, const mbar_instrument *asset)
{
    /* As a window of one row ends: a day shows on its date, another bar once it has closed. */
    bool forming = asset->row >= 0 && asset->series->step != MBAR_STEP_DAY &&
                   mbar_engine_is_forming(engine, asset);
    return asset->row + (forming ? 0 : 1);
}

double mbar_engine_lumibot_price(const mbar_engine *engine, const mbar_instrument *asset)
{
    int64_t row = asset->row;
    if (row < 0 || mbar_engine_is_past_reach(asset, engine->now_ns)) {
        return NAN;
    }
    double price;
    if (asset->series->step == MBAR_STEP_DAY) {
        price = mbar_engine_unsplit(engine, asset, asset->fields[MBAR_BAR_CLOSE][row]);
    } else {
        bool forming = mbar_engine_is_forming(engine, asset);
        price = asset->fields[forming ? MBAR_BAR_OPEN : MBAR_BAR_CLOSE][row];
    }
    return price > 0.0 ? price : NAN;
}

double mbar_engine_last_price(const mbar_engine *engine, int32_t asset)
{
    assert(asset >= 0 && asset < engine->n_assets);
    const mbar_instrument *of = &engine->assets[asset];
    if (!mbar_engine_is_strict(engine)) {
        return mbar_engine_lumibot_price(engine, of);
    }
    return of->n_shown > 0 ? of->fields[MBAR_BAR_CLOSE][of->n_shown - 1] : NAN;
}

double mbar_engine_cash(const mbar_engine *engine)
{
    return mbar_ledger_cash_now(engine->ledger);
}

const mbar_position *mbar_engine_position(const mbar_engine *engine, int32_t asset)
{
    assert(asset >= 0 && asset < engine->n_assets);
    return &mbar_ledger_holding(engine->ledger, asset)->position;
}

const mbar_order *mbar_engine_order(const mbar_engine *engine, mbar_order_id id)
{
    return mbar_book_order(engine->book, id);
}

int64_t mbar_engine_orders(const mbar_engine *engine)
{
    return mbar_book_orders(engine->book);
}

mbar_order_id mbar_engine_next_active(const mbar_engine *engine, mbar_order_id after)
{
    return mbar_book_next_active(engine->book, after);
}

int64_t mbar_engine_events(const mbar_engine *engine)
{
    return mbar_book_events(engine->book);
}

void mbar_engine_event(const mbar_engine *engine, int64_t index, mbar_event *out)
{
    assert(out != NULL);
    *out = mbar_book_event(engine->book, index);
}
