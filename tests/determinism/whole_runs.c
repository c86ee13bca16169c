/*
 * whole_runs.c - everything that computes, as a plugin of `mbar run`: what it writes must be the
 * same from every compiler (tools/check_builds compares).
 *
 * During the run it sends orders of every type, class, side and time in force, cancels and modifies
 * them, at prices off any tick, sized and timed by indicators. At the end it writes into the folder
 * of parameter out, a Parquet file each: the run's events and corporate actions, and of each
 * asset's bars every indicator of the registry, three resamples and a run of signals. Parameter
 * seed draws other orders.
 */
#include <millibar/millibar.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ASSETS = 4, PATH_BYTES = 4096, N_SIDES = 8, N_TYPES = 5, N_CLASSES = 4, N_TIFS = 5 };

typedef struct runs {
    uint64_t seed;
    char out[PATH_BYTES - 256];
    int32_t rsi[MAX_ASSETS], ema[MAX_ASSETS];
} runs;

static uint64_t draw(runs *self, uint64_t n)
{
    self->seed ^= self->seed << 13;
    self->seed ^= self->seed >> 7;
    self->seed ^= self->seed << 17;
    return (self->seed >> 16) % n;
}

/* Within a per cent of the price; sevenths have no exact binary form. */
static double near(runs *self, double price)
{
    return price * (1 + ((double)draw(self, 141) - 70) / 7000);
}

/* ---- The run ------------------------------------------------------------------------ */

static mbar_status initialize(mbar_engine *engine, void *state, mbar_error *error)
{
    runs *self = state;
    const double rsi = 14, ema = 20;
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < mbar_engine_assets(engine) && status == MBAR_OK; i++) {
        status = mbar_engine_indicator(engine, i, "rsi", &rsi, 1, &self->rsi[i], error);
        if (status == MBAR_OK) {
            status = mbar_engine_indicator(engine, i, "ema", &ema, 1, &self->ema[i], error);
        }
    }
    return status;
}

static void draw_prices(runs *self, double price, mbar_order_request *out)
{
    out->limit_price = near(self, price);
    out->stop_price = near(self, price);
    out->stop_limit_price = near(self, price);
    if (out->type == MBAR_ORDER_TRAIL && draw(self, 2) == 0) {
        out->trail_amount = price / 700;
    } else if (out->type == MBAR_ORDER_TRAIL) {
        out->trail_percent = 1.0 / 300;
    }
    if (out->order_class != MBAR_CLASS_OTO || draw(self, 2) == 0) {
        out->child_limit_price = near(self, price);
    }
    if (isnan(out->child_limit_price) || out->order_class != MBAR_CLASS_OTO) {
        out->child_stop_price = near(self, price);
    }
}

/* What the policy refuses is not entered, the same from every compiler. */
static mbar_status accept_refusal(mbar_status status)
{
    return status == MBAR_INVALID ? MBAR_OK : status;
}

static mbar_status submit(mbar_engine *engine, runs *self, int32_t asset, mbar_error *error)
{
    mbar_order_id id;
    mbar_order_request order;
    double price = mbar_engine_last_price(engine, asset);
    double rsi = mbar_engine_indicator_value(engine, self->rsi[asset], 0, 0);
    double ema = mbar_engine_indicator_value(engine, self->ema[asset], 0, 0);
    if (isnan(price) || isnan(rsi) || isnan(ema)) {
        return MBAR_OK;
    }
    mbar_order_request_init(&order);
    order.asset = asset;
    order.side = draw(self, 3) == 0 ? (mbar_side)draw(self, N_SIDES)
                 : price > ema      ? MBAR_SIDE_BUY
                                    : MBAR_SIDE_SELL;
    order.type = (mbar_order_type)draw(self, N_TYPES);
    order.order_class = (mbar_order_class)draw(self, N_CLASSES);
    order.tif = (mbar_tif)draw(self, N_TIFS);
    order.good_till_ns = mbar_engine_now_ns(engine) + (int64_t)draw(self, 200) * 60000000000;
    order.quantity = 1 + floor(rsi / 30);
    draw_prices(self, price, &order);
    return accept_refusal(mbar_engine_submit(engine, &order, &id, error));
}

static mbar_status touch(mbar_engine *engine, runs *self, mbar_error *error)
{
    int64_t n = mbar_engine_orders(engine);
    if (n == 0) {
        return MBAR_OK;
    }
    mbar_order_id id = n - (mbar_order_id)draw(self, (uint64_t)(n < 20 ? n : 20));
    double price = mbar_engine_last_price(engine, mbar_engine_order(engine, id)->asset);
    if (isnan(price) || draw(self, 3) > 0) {
        return accept_refusal(mbar_engine_cancel(engine, id, error));
    }
    /* Two draws among the arguments would come in the compiler's order. */
    double limit = near(self, price), stop = near(self, price);
    return accept_refusal(mbar_engine_modify(engine, id, limit, stop, NAN, error));
}

static mbar_status on_trading_iteration(mbar_engine *engine, void *state, mbar_error *error)
{
    runs *self = state;
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < mbar_engine_assets(engine) && status == MBAR_OK; i++) {
        uint64_t choice = draw(self, 12);
        if (choice == 0) {
            status = submit(engine, self, i, error);
        } else if (choice == 1) {
            status = touch(engine, self, error);
        }
    }
    return status != MBAR_OK || draw(self, 400) > 0 ? status
                                                    : mbar_engine_cancel_all(engine, error);
}

/* ---- Files -------------------------------------------------------------------------- */

/* Takes the table. */
static mbar_status write_table(const runs *self, const char *asset, const char *name,
                               mbar_table *table, mbar_error *error)
{
    char path[PATH_BYTES];
    mbar_sink *sink;
    mbar_parquet_options options;
    mbar_parquet_options_init(&options);
    options.codec = MBAR_CODEC_NONE;
    const char *between = asset[0] != '\0' ? "_" : "";
    snprintf(path, sizeof path, "%s/%s%s%s.parquet", self->out, asset, between, name);
    mbar_status status = mbar_sink_open_file(path, &sink, error);
    if (status == MBAR_OK) {
        status = mbar_parquet_write(table, sink, &options, error);
    }
    mbar_table_unref(table);
    return status;
}

static mbar_status write_indicator(const runs *self, const char *asset, const mbar_series *series,
                                   const mbar_indicator_spec *spec, mbar_error *error)
{
    double params[MBAR_INDICATOR_MAX_PARAMS];
    mbar_table *table;
    for (int32_t i = 0; i < spec->n_params; i++) {
        double known = spec->params[i].default_value;
        params[i] = isnan(known) ? fmax(spec->params[i].min, 14) : known;
    }
    const mbar_window all = {0, mbar_series_rows(series)};
    mbar_status status =
        mbar_series_indicator(series, all, spec, params, spec->n_params, NULL, &table, error);
    return status == MBAR_OK ? write_table(self, asset, spec->name, table, error) : status;
}

static mbar_status write_resample(const runs *self, const char *asset, const mbar_series *series,
                                  int64_t every, mbar_step step, mbar_error *error)
{
    char name[64];
    const mbar_resample how = {.every = every, .step = step};
    mbar_series *made;
    if (mbar_series_step(series) == MBAR_STEP_DAY && step != MBAR_STEP_DAY) {
        return MBAR_OK;
    }
    const mbar_window all = {0, mbar_series_rows(series)};
    mbar_status status = mbar_series_resample(series, all, &how, &made, error);
    if (status != MBAR_OK) {
        return status;
    }
    mbar_table *table = mbar_table_ref(mbar_series_table(made));
    mbar_series_unref(made);
    snprintf(name, sizeof name, "%d_%s", (int)every, mbar_step_name(step));
    return write_table(self, asset, name, table, error);
}

static mbar_status one_column(const char *name, const double *values, int64_t n, mbar_table **out,
                              mbar_error *error)
{
    const mbar_field field = {.name = name, .type = MBAR_TYPE_FLOAT64};
    mbar_column *column;
    mbar_status status = mbar_column_from_values(&field, n, values, &column, error);
    if (status == MBAR_OK) {
        status = mbar_table_new(&column, 1, out, error);
        mbar_column_unref(column);
    }
    return status;
}

/* Long above the close's average, short below, nine tenths of the account each time. */
static mbar_status write_signals(const runs *self, const mbar_asset *asset,
                                 const mbar_series *series, mbar_error *error)
{
    int64_t n = mbar_series_rows(series);
    const mbar_table *bars = mbar_series_table(series);
    const double *close =
        mbar_column_values(mbar_table_column(bars, mbar_series_find(series, "close")));
    double *equity = calloc((size_t)n, sizeof *equity), mean = close[0];
    uint8_t *up = calloc((size_t)n, 1), *down = calloc((size_t)n, 1);
    mbar_status status = MBAR_NOMEM;
    mbar_table *fills, *values;
    if (equity == NULL || up == NULL || down == NULL) {
        mbar_error_set(error, MBAR_NOMEM, "no memory for signals");
        goto done;
    }
    for (int64_t i = 0; i < n; i++) {
        mean += (close[i] - mean) / 30;
        up[i] = close[i] > mean;
        down[i] = close[i] < mean;
    }
    const mbar_fee fee = {.flat = 0.3, .percent = 0.0001, .maker = true, .taker = true};
    mbar_signal_options options;
    mbar_signal_options_init(&options);
    options.buy_fees = options.sell_fees = &fee;
    options.n_buy_fees = options.n_sell_fees = 1;
    options.frictions.slippage_percent = 0.0001;
    options.close_at_end = true;
    const mbar_signals signals = {.entries = up, .short_entries = down, .share = 0.9};
    status = mbar_signals_run(series, asset, &signals, &options, &fills, equity, error);
    if (status == MBAR_OK) {
        status = write_table(self, asset->symbol, "signal_fills", fills, error);
    }
    if (status == MBAR_OK) {
        status = one_column("portfolio_value", equity, n, &values, error);
    }
    if (status == MBAR_OK) {
        status = write_table(self, asset->symbol, "signal_equity", values, error);
    }
done:
    free(equity);
    free(up);
    free(down);
    return status;
}

static mbar_status write_asset(const runs *self, const mbar_engine *engine, int32_t asset,
                               mbar_error *error)
{
    const mbar_asset *known = mbar_engine_asset(engine, asset);
    const mbar_series *series = mbar_engine_series(engine, asset);
    mbar_status status = write_signals(self, known, series, error);
    for (int32_t i = 0; i < mbar_indicator_count() && status == MBAR_OK; i++) {
        status = write_indicator(self, known->symbol, series, mbar_indicator_at(i), error);
    }
    if (status == MBAR_OK) {
        status = write_resample(self, known->symbol, series, 7, MBAR_STEP_MINUTE, error);
    }
    if (status == MBAR_OK) {
        status = write_resample(self, known->symbol, series, 2, MBAR_STEP_DAY, error);
    }
    return status;
}

static mbar_status on_end(mbar_engine *engine, void *state, mbar_error *error)
{
    static const char *const TABLES[] = {"events", "corporate"};
    const runs *self = state;
    mbar_status status = MBAR_OK;
    for (int i = 0; i < 2 && status == MBAR_OK; i++) {
        mbar_table *table;
        status = mbar_engine_table(engine, TABLES[i], &table, error);
        if (status == MBAR_OK) {
            status = write_table(self, "", TABLES[i], table, error);
        }
    }
    for (int32_t i = 0; i < mbar_engine_assets(engine) && status == MBAR_OK; i++) {
        status = write_asset(self, engine, i, error);
    }
    return status;
}

/* ---- The plugin --------------------------------------------------------------------- */

MBAR_API mbar_status mbar_strategy_open(const char *const *parameters, mbar_strategy_plugin *out,
                                        mbar_error *error)
{
    runs *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return mbar_error_set(error, MBAR_NOMEM, "no memory for the strategy");
    }
    self->seed = 1;
    for (; *parameters != NULL; parameters++) {
        if (strncmp(*parameters, "seed=", 5) == 0) {
            self->seed = strtoull(*parameters + 5, NULL, 10);
        } else if (strncmp(*parameters, "out=", 4) == 0) {
            snprintf(self->out, sizeof self->out, "%s", *parameters + 4);
        }
    }
    self->seed = self->seed * UINT64_C(2654435769) + 1; /* xorshift never starts from 0 */
    if (self->out[0] == '\0') {
        free(self);
        return mbar_error_set(error, MBAR_INVALID, "give parameter out=FOLDER");
    }
    *out = (mbar_strategy_plugin){
        .strategy =
            {
                .struct_bytes = sizeof(mbar_strategy),
                .name = "whole_runs",
                .initialize = initialize,
                .on_trading_iteration = on_trading_iteration,
                .on_end = on_end,
            },
        .state = self,
        .close = free,
    };
    return MBAR_OK;
}
