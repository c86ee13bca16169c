/*
 * engine_support.h - what the engine's tests share: bars made of a seed, engines of one
 * or two assets, the strategy of crossing averages, columns of the tables a run leaves.
 */
#ifndef ENGINE_SUPPORT_H
#define ENGINE_SUPPORT_H

#include "market_support.h"

#include <millibar/io.h>
#include <millibar/sim.h>

#include <math.h>

/* ---- Bars -------------------------------------------------------------------- */

enum { MAX_BARS = 4096 };

typedef struct made_bars {
    int64_t n;
    int64_t times[MAX_BARS];
    double open[MAX_BARS], high[MAX_BARS], low[MAX_BARS], close[MAX_BARS], volume[MAX_BARS];
} made_bars;

/* A number in [0, n), from a state that is never 0. */
static inline uint64_t draw(uint64_t *seed, uint64_t n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % n;
}

/* Bars n of a walk by quarters from 100, each period_ns after the last, from start_ns; one
 * in `hole` is left out (0: none), one in seven has no volume. */
static inline void make_walk(made_bars *bars, int64_t n, int64_t start_ns, int64_t period_ns,
                             uint64_t seed, uint64_t hole)
{
    double price = 100;
    bars->n = 0;
    for (int64_t i = 0; i < n; i++) {
        if (hole != 0 && i > 0 && draw(&seed, hole) == 0) {
            continue;
        }
        int64_t row = bars->n++;
        double open = price + ((double)draw(&seed, 5) - 2) * 0.25;
        double close = open + ((double)draw(&seed, 9) - 4) * 0.25;
        bars->times[row] = start_ns + i * period_ns;
        bars->open[row] = open;
        bars->close[row] = close;
        bars->high[row] = fmax(open, close) + (double)draw(&seed, 4) * 0.25;
        bars->low[row] = fmin(open, close) - (double)draw(&seed, 4) * 0.25;
        bars->volume[row] = draw(&seed, 7) == 0 ? 0 : (double)(1 + draw(&seed, 500));
        price = close < 20 ? 20 : close;
    }
}

/* Opens 10, 11, ..., highs 1 above, lows 1 below, closes half above. */
static inline void make_stairs(made_bars *bars, int64_t n, int64_t start_ns, int64_t period_ns)
{
    bars->n = n;
    for (int64_t i = 0; i < n; i++) {
        bars->times[i] = start_ns + i * period_ns;
        bars->open[i] = 10 + (double)i;
        bars->close[i] = bars->open[i] + 0.5;
        bars->high[i] = bars->open[i] + 1;
        bars->low[i] = bars->open[i] - 1;
        bars->volume[i] = 100;
    }
}

static inline mbar_series *series_of_bars(const made_bars *bars, mbar_step step, int64_t period_ns)
{
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.period_ns = period_ns;
    options.step = step;
    return series_of(
        table_of(stamps("timestamp", MBAR_UNIT_NS, "UTC", bars->n, bars->times),
                 doubles("open", bars->n, bars->open), doubles("high", bars->n, bars->high),
                 doubles("low", bars->n, bars->low), doubles("close", bars->n, bars->close),
                 doubles("volume", bars->n, bars->volume), NULL),
        &options);
}

static inline mbar_series *minutes_of(const made_bars *bars)
{
    return series_of_bars(bars, MBAR_STEP_MINUTE, MBAR_MINUTE_NS);
}

/* ---- Engines ------------------------------------------------------------------ */

static inline mbar_asset asset_of(const char *symbol, mbar_asset_kind kind)
{
    mbar_asset asset;
    mbar_asset_init(&asset);
    asset.symbol = symbol;
    asset.kind = kind;
    asset.tick = 0.25;
    asset.margin = kind == MBAR_ASSET_FUTURE ? 1300 : 0;
    return asset;
}

/* options NULL: the defaults. */
static inline mbar_engine *engine_of(const mbar_engine_options *options)
{
    mbar_engine_options plain;
    mbar_engine *engine = NULL;
    mbar_error error;
    mbar_engine_options_init(&plain);
    must(mbar_engine_new(options != NULL ? options : &plain, &engine, &error), &error);
    return engine;
}

/* Takes the series' reference. */
static inline int32_t add_asset(mbar_engine *engine, const char *symbol, mbar_asset_kind kind,
                                mbar_series *series)
{
    mbar_asset asset = asset_of(symbol, kind);
    int32_t number = -1;
    mbar_error error;
    must(mbar_engine_add_asset(engine, &asset, series, &number, &error), &error);
    mbar_series_unref(series);
    return number;
}

static inline void run_engine(mbar_engine *engine, const mbar_strategy *strategy, void *state)
{
    mbar_error error;
    must(mbar_engine_run(engine, strategy, state, &error), &error);
}

/* A market order for the asset at the engine's clock. */
static inline mbar_order_request order_for(int32_t asset, mbar_side side, double quantity)
{
    mbar_order_request request;
    mbar_order_request_init(&request);
    request.asset = asset;
    request.side = side;
    request.quantity = quantity;
    return request;
}

/* ---- Tables -------------------------------------------------------------------- */

static inline mbar_table *engine_table(const mbar_engine *engine, const char *which)
{
    mbar_table *table = NULL;
    mbar_error error;
    must(mbar_engine_table(engine, which, &table, &error), &error);
    return table;
}

static inline const mbar_column *table_column(const mbar_table *table, const char *name)
{
    int32_t index = mbar_table_find(table, name);
    if (index < 0) {
        fail_msg("no column %s", name);
    }
    return mbar_table_column(table, index);
}

static inline double table_double(const mbar_table *table, const char *name, int64_t row)
{
    return ((const double *)mbar_column_values(table_column(table, name)))[row];
}

static inline int64_t table_int64(const mbar_table *table, const char *name, int64_t row)
{
    return ((const int64_t *)mbar_column_values(table_column(table, name)))[row];
}

/* ---- Crossing averages ---------------------------------------------------------- */

/* Long one unit after the average of 20 closes has crossed that of 60 upwards, short one
 * after the other way round. */
typedef struct cross {
    int32_t asset, fast, slow;
} cross;

static mbar_status cross_initialize(mbar_engine *engine, void *state, mbar_error *error)
{
    cross *self = state;
    const double periods[] = {20, 60};
    mbar_status status =
        mbar_engine_indicator(engine, self->asset, "sma", &periods[0], 1, &self->fast, error);
    return status != MBAR_OK ? status
                             : mbar_engine_indicator(engine, self->asset, "sma", &periods[1], 1,
                                                     &self->slow, error);
}

static mbar_status cross_iterate(mbar_engine *engine, void *state, mbar_error *error)
{
    const cross *self = state;
    double fast = mbar_engine_indicator_value(engine, self->fast, 0, 0);
    double slow = mbar_engine_indicator_value(engine, self->slow, 0, 0);
    double fast_before = mbar_engine_indicator_value(engine, self->fast, 0, 1);
    double slow_before = mbar_engine_indicator_value(engine, self->slow, 0, 1);
    double wanted = fast > slow && fast_before <= slow_before   ? 1
                    : fast < slow && fast_before >= slow_before ? -1
                                                                : 0;
    if (wanted == 0) {
        return MBAR_OK;
    }
    double change = wanted - mbar_engine_position(engine, self->asset)->quantity;
    if (change == 0) {
        return MBAR_OK;
    }
    mbar_order_id id;
    mbar_order_request request =
        order_for(self->asset, change > 0 ? MBAR_SIDE_BUY : MBAR_SIDE_SELL, fabs(change));
    return mbar_engine_submit(engine, &request, &id, error);
}

static const mbar_strategy CROSS = {
    .struct_bytes = sizeof(mbar_strategy),
    .name = "cross",
    .initialize = cross_initialize,
    .on_trading_iteration = cross_iterate,
};

#endif
