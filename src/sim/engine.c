/*
 * engine.c - what an engine is made of, what it is asked and told.
 *
 * The engine owns a ledger, a book that borrows it, and of each asset the columns
 * of its series as doubles, resolved once: no call while running looks a column up,
 * converts or searches where a cursor will do.
 *
 * Two cursors an asset, both moving forward alone. n_shown counts
 * the rows that the policy shows; LUMIBOT keeps the last row that has opened (row) and decides
 * by lumibot's rule whether it still forms. No question can name a row beyond them.
 *
 * Numbers of assets, orders and indicators that come from a strategy are asserted
 * where the answer is a plain value, and refused with MBAR_INVALID where a status
 * can say so.
 */
#include "sim/engine_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const char *const FIELD_NAMES[MBAR_BAR_N_FIELDS] = {
    "open", "high", "low", "close", "volume", "bid", "ask", "dividend", "stock_splits"};

mbar_bar_field mbar_bar_field_named(const char *name)
{
    int field = 0;
    while (field < MBAR_BAR_N_FIELDS && strcmp(FIELD_NAMES[field], name) != 0) {
        field++;
    }
    return (mbar_bar_field)field;
}

/* ---- Life ------------------------------------------------------------------------ */

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

static void asset_deinit(mbar_instrument *asset)
{
    for (int i = 0; i < MBAR_BAR_N_FIELDS; i++) {
        mbar_column_unref(asset->columns[i]);
    }
    mbar_series_unref(asset->series);
    mbar_free(asset->symbol);
    mbar_free(asset->quote);
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
        asset_deinit(&engine->assets[i]);
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

/* ---- Assets ---------------------------------------------------------------------- */

/* column's doubles with NaN for nulls, in a column of their own. */
static mbar_status nulls_to_nan(const mbar_column *column, mbar_column **out, mbar_error *error)
{
    int64_t n = mbar_column_rows(column);
    const double *from = mbar_column_values(column);
    mbar_buffer *values;
    MBAR_TRY(mbar_buffer_new((size_t)n * sizeof(double), &values, error));
    double *to = mbar_buffer_writable(values);
    for (int64_t i = 0; i < n; i++) {
        to[i] = mbar_column_is_valid(column, i) ? from[i] : NAN;
    }
    mbar_field field = *mbar_column_field(column);
    field.nullable = false;
    mbar_status status = mbar_column_new(&field, n, values, NULL, 0, out, error);
    mbar_buffer_unref(values);
    return status;
}

/* Field number `field` of asset's series as doubles, or nothing where there is none. */
static mbar_status resolve(mbar_instrument *asset, int field, mbar_error *error)
{
    const char *name = FIELD_NAMES[field];
    int32_t index = mbar_series_find(asset->series, name);
    if (index < 0) {
        return field > MBAR_BAR_CLOSE
                   ? MBAR_OK
                   : mbar_error_set(error, MBAR_INVALID,
                                    "the series of %s has no column %s; bars have open, high, low "
                                    "and close",
                                    asset->symbol, name);
    }
    mbar_column *column = mbar_table_column(mbar_series_table(asset->series), index);
    mbar_type type = mbar_column_field(column)->type;
    if (type == MBAR_TYPE_UTF8 || type == MBAR_TYPE_DICT || type == MBAR_TYPE_TIMESTAMP ||
        type == MBAR_TYPE_BOOL) {
        return mbar_error_set(error, MBAR_INVALID, "column %s of %s is of type %s, not a number",
                              name, asset->symbol, mbar_type_name(type));
    }
    mbar_column *doubles;
    MBAR_TRY(mbar_column_cast(column, MBAR_TYPE_FLOAT64, MBAR_UNIT_NS, &doubles, error));
    if (mbar_column_nulls(doubles) == 0) {
        asset->columns[field] = doubles;
    } else {
        mbar_status status = nulls_to_nan(doubles, &asset->columns[field], error);
        mbar_column_unref(doubles);
        MBAR_TRY(status);
    }
    asset->fields[field] = mbar_column_values(asset->columns[field]);
    return MBAR_OK;
}

/* Whether lumibot's marker says that prices are in today's units. */
static bool is_split_adjusted(const mbar_series *series)
{
    int32_t index = mbar_table_find(mbar_series_table(series), "_split_adjusted");
    if (index < 0) {
        return false;
    }
    const mbar_column *column = mbar_table_column(mbar_series_table(series), index);
    if (mbar_column_field(column)->type != MBAR_TYPE_BOOL) {
        return false;
    }
    for (int64_t i = 0; i < mbar_column_rows(column); i++) {
        if (mbar_column_is_valid(column, i) && mbar_column_bool(column, i)) {
            return true;
        }
    }
    return false;
}

static mbar_status asset_init(mbar_instrument *asset, const mbar_asset *spec, mbar_series *series,
                              mbar_error *error)
{
    asset->symbol = mbar_strdup(spec->symbol, error);
    asset->quote = spec->quote != NULL ? mbar_strdup(spec->quote, error) : NULL;
    if (asset->symbol == NULL || (spec->quote != NULL && asset->quote == NULL)) {
        return MBAR_NOMEM;
    }
    asset->spec = *spec;
    asset->spec.symbol = asset->symbol;
    asset->spec.quote = asset->quote;
    asset->next_close_ns = INT64_MAX;
    asset->fresh_row = asset->row = -1;
    asset->dividend_day_ns = asset->split_day_ns = asset->met_at = INT64_MIN;
    if (series == NULL) {
        return MBAR_OK;
    }
    asset->series = mbar_series_ref(series);
    asset->times = mbar_series_times(series);
    asset->n_rows = mbar_series_rows(series);
    asset->split_adjusted = is_split_adjusted(series);
    for (int field = 0; field < MBAR_BAR_N_FIELDS; field++) {
        MBAR_TRY(resolve(asset, field, error));
    }
    return MBAR_OK;
}

static mbar_status make_room(mbar_engine *engine, mbar_error *error)
{
    if (engine->n_assets < engine->assets_capacity) {
        return MBAR_OK;
    }
    if (engine->n_assets > INT32_MAX / 2 - 4) {
        return mbar_error_set(error, MBAR_NOMEM, "more than %d assets", (int)engine->n_assets);
    }
    size_t had = (size_t)engine->assets_capacity, room = had * 2 + 4;
    if (!mbar_resize_array((void **)&engine->prices, had, room, sizeof *engine->prices, error) ||
        !mbar_resize_array((void **)&engine->assets, had, room, sizeof *engine->assets, error)) {
        return MBAR_NOMEM;
    }
    engine->assets_capacity = (int32_t)room;
    for (int32_t i = 0; i < engine->n_indicators; i++) {
        mbar_instrument_indicator *indicator = &engine->indicators[i];
        indicator->n_shown = &engine->assets[indicator->asset].n_shown;
    }
    return MBAR_OK;
}

mbar_status mbar_engine_add_asset(mbar_engine *engine, const mbar_asset *spec, mbar_series *series,
                                  int32_t *out, mbar_error *error)
{
    assert(engine != NULL && spec != NULL && spec->symbol != NULL && out != NULL);
    if (engine->has_run && series != NULL) {
        return mbar_error_set(error, MBAR_INVALID,
                              "the bars of %s were added after the run had begun", spec->symbol);
    }
    if (spec->same_as < 0 || spec->same_as > engine->n_assets) {
        return mbar_error_set(error, MBAR_INVALID,
                              "%s is to be the same as asset %d; there are %d, from 0",
                              spec->symbol, (int)spec->same_as - 1, (int)engine->n_assets);
    }
    MBAR_TRY(make_room(engine, error));
    mbar_instrument asset = {0};
    int32_t number;
    mbar_status status = asset_init(&asset, spec, series, error);
    if (status == MBAR_OK) {
        status = mbar_ledger_add_asset(engine->ledger, &asset.spec, &number, error);
    }
    if (status != MBAR_OK) {
        asset_deinit(&asset);
        return status;
    }
    assert(number == engine->n_assets);
    engine->prices[number] = NAN;
    engine->assets[number] = asset;
    engine->has_corporate |=
        asset.fields[MBAR_BAR_DIVIDEND] != NULL || asset.fields[MBAR_BAR_SPLITS] != NULL;
    engine->n_assets++;
    *out = number;
    return MBAR_OK;
}

mbar_status mbar_engine_add_quotes(mbar_engine *engine, mbar_error *error)
{
    for (int32_t i = 0; i < engine->n_assets; i++) {
        const mbar_asset *spec = &engine->assets[i].spec;
        if (!spec->quote_is_crypto || spec->quote == NULL ||
            mbar_engine_find(engine, spec->quote) >= 0) {
            continue;
        }
        mbar_asset quote;
        int32_t number;
        mbar_asset_init(&quote);
        quote.symbol = spec->quote;
        quote.kind = MBAR_ASSET_CRYPTO;
        MBAR_TRY(mbar_engine_add_asset(engine, &quote, NULL, &number, error));
    }
    return MBAR_OK;
}

/* ---- Questions ------------------------------------------------------------------- */

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
    return mbar_ledger_cash(engine->ledger);
}

const mbar_position *mbar_engine_position(const mbar_engine *engine, int32_t asset)
{
    assert(asset >= 0 && asset < engine->n_assets);
    return mbar_ledger_position(engine->ledger, asset);
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
    *out = *mbar_book_event(engine->book, index);
}

/* ---- Actions --------------------------------------------------------------------- */

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
    if (mbar_ledger_position(engine->ledger, asset)->quantity != 0.0) {
        return true;
    }
    for (mbar_order_id id = mbar_book_next_active(engine->book, 0); id != 0;
         id = mbar_book_next_active(engine->book, id)) {
        if (mbar_book_order(engine->book, id)->request.asset == asset) {
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
