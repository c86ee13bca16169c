/*
 * engine_assets.c - what an engine knows of an asset: its terms, bars and columns.
 *
 * A column of prices is taken as doubles, one value a row: the series' own buffer
 * where it is that already, else a copy whose nulls are NaN. An asset without bars
 * is one that cash legs are paid in.
 *
 * Cost: O(rows) once an asset, and nothing while running.
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

void mbar_instrument_deinit(mbar_instrument *asset)
{
    for (int i = 0; i < MBAR_BAR_N_FIELDS; i++) {
        mbar_column_unref(asset->columns[i]);
    }
    mbar_series_unref(asset->series);
    mbar_free(asset->symbol);
    mbar_free(asset->quote);
}

/* ---- Columns of bars ---------------------------------------------------------------- */

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
        mbar_instrument_deinit(&asset);
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
