/*
 * run_market.c - what `mbar run` trades: assets from the command line, bars from
 * files.
 *
 * Under LUMIBOT the bars are put on one common grid and their gaps are filled,
 * as PandasData does when it loads: that is part of what the policy means.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

static const char *const KINDS[] = {"stock", "future", "crypto", "forex", "index"};
enum { N_KINDS = sizeof KINDS / sizeof KINDS[0] };

const char *run_kind_name(mbar_asset_kind kind)
{
    return KINDS[kind];
}

/* ---- "name=number,name=number" --------------------------------------------- */

typedef struct setting {
    const char *name;
    double *value;
} setting;

/* Takes one "name=number" of length characters; false where it is none of settings. */
static bool take_setting(const char *text, size_t length, const setting *settings, int n)
{
    char copy[128], *end;
    if (length >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *value = strchr(copy, '=');
    if (value == NULL) {
        return false;
    }
    *value++ = '\0';
    double number = strtod(value, &end);
    if (end == value || *end != '\0' || !isfinite(number) || number < 0) {
        return false;
    }
    for (int i = 0; i < n; i++) {
        if (strcmp(settings[i].name, copy) == 0) {
            *settings[i].value = number;
            return true;
        }
    }
    return false;
}

/* ---- Assets ------------------------------------------------------------------ */

static run_asset *find_asset(run_request *request, const char *symbol, size_t length)
{
    for (int32_t i = 0; i < request->n_assets; i++) {
        run_asset *item = &request->items[i];
        if (strlen(item->symbol) == length && memcmp(item->symbol, symbol, length) == 0) {
            return item;
        }
    }
    return NULL;
}

/* Those of --data, in their order. */
static int read_data(run_request *request)
{
    for (int i = 0; i < request->data.n; i++) {
        const char *text = request->data.items[i], *equals = strchr(text, '=');
        size_t length = equals != NULL ? (size_t)(equals - text) : 0;
        if (length == 0 || length >= RUN_SYMBOL_BYTES || equals[1] == '\0') {
            return cli_usage(
                "run", "--data cannot be '%s': it is SYMBOL=FILE, as in MES=MES.parquet", text);
        }
        if (find_asset(request, text, length) != NULL) {
            return cli_usage("run",
                             "--data gives bars of %.*s twice: give one file, or a glob "
                             "pattern, for each symbol",
                             (int)length, text);
        }
        run_asset *item = &request->items[request->n_assets++];
        mbar_asset_init(&item->asset);
        memcpy(item->symbol, text, length);
        item->symbol[length] = '\0';
        item->asset.symbol = item->symbol;
        item->path = equals + 1;
    }
    return CLI_OK;
}

static int refuse_asset(const char *text)
{
    return cli_usage("run",
                     "--asset cannot be '%s': it is SYMBOL:KIND[:SETTINGS], as in "
                     "MES:future:multiplier=5,margin=1300,tick=0.25; kinds are stock, future, "
                     "crypto, forex and index, settings multiplier, margin, tick and quote",
                     text);
}

/* multiplier=5,margin=1300,tick=0.25,quote=USD */
static bool read_settings(run_asset *item, const char *text)
{
    const setting settings[] = {{"multiplier", &item->asset.multiplier},
                                {"margin", &item->asset.margin},
                                {"tick", &item->asset.tick}};
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        if (length > 6 && length - 6 < RUN_SYMBOL_BYTES && strncmp(text, "quote=", 6) == 0) {
            memcpy(item->quote, text + 6, length - 6);
            item->quote[length - 6] = '\0';
            item->asset.quote = item->quote;
        } else if (!take_setting(text, length, settings, 3)) {
            return false;
        }
        text += length;
        text += *text == ',';
    }
    return item->asset.multiplier > 0;
}

static int read_asset(run_request *request, const char *text)
{
    size_t length = strcspn(text, ":");
    run_asset *item = find_asset(request, text, length);
    if (text[length] != ':') {
        return refuse_asset(text);
    }
    if (item == NULL) {
        return cli_usage("run", "--asset %.*s has no bars: give --data %.*s=FILE", (int)length,
                         text, (int)length, text);
    }
    const char *kind = text + length + 1;
    size_t kind_length = strcspn(kind, ":");
    int found = 0;
    while (found < N_KINDS &&
           (strlen(KINDS[found]) != kind_length || strncmp(KINDS[found], kind, kind_length) != 0)) {
        found++;
    }
    if (found == N_KINDS) {
        return refuse_asset(text);
    }
    item->asset.kind = (mbar_asset_kind)found;
    const char *settings = kind + kind_length;
    return read_settings(item, settings + (*settings == ':')) ? CLI_OK : refuse_asset(text);
}

int run_read_assets(run_request *request)
{
    int code = read_data(request);
    if (code == CLI_OK && request->n_assets == 0) {
        code = cli_usage("run", "--data is missing: give bars as SYMBOL=FILE, once for each asset");
    }
    for (int i = 0; i < request->assets.n && code == CLI_OK; i++) {
        code = read_asset(request, request->assets.items[i]);
    }
    return code;
}

/* "0.5" is a flat fee; else flat=, percent=, per-contract=. */
int run_read_fees(run_request *request)
{
    mbar_fee *fee = &request->fee;
    const setting settings[] = {
        {"flat", &fee->flat}, {"percent", &fee->percent}, {"per-contract", &fee->per_contract}};
    const char *text = request->fee_text;
    if (text == NULL) {
        return CLI_OK;
    }
    char *end;
    fee->maker = fee->taker = request->has_fee = true;
    fee->flat = strtod(text, &end);
    if (end != text && *end == '\0' && isfinite(fee->flat) && fee->flat >= 0) {
        return CLI_OK;
    }
    fee->flat = 0;
    for (const char *part = text; *part != '\0';) {
        size_t length = strcspn(part, ",");
        if (!take_setting(part, length, settings, 3)) {
            return cli_usage("run",
                             "--fee cannot be '%s': it is an amount for each order, or "
                             "flat=0.5,percent=0.001,per-contract=0.1",
                             text);
        }
        part += length;
        part += *part == ',';
    }
    return CLI_OK;
}

/* ---- Bars ---------------------------------------------------------------------- */

static mbar_step step_of(int64_t period_ns)
{
    return period_ns >= MBAR_DAY_NS      ? MBAR_STEP_DAY
           : period_ns >= MBAR_HOUR_NS   ? MBAR_STEP_HOUR
           : period_ns >= MBAR_MINUTE_NS ? MBAR_STEP_MINUTE
                                         : MBAR_STEP_SECOND;
}

/* A series of table; its step follows from its period, which only a series knows. */
static mbar_status make_series(mbar_table *table, const run_request *request, mbar_series **out,
                               mbar_error *error)
{
    mbar_series *series = NULL;
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.time_column = request->time_column;
    options.zone = options.assume_zone = request->zone;
    mbar_status status = mbar_series_new(table, &options, &series, error);
    if (status != MBAR_OK) {
        return status;
    }
    mbar_step step = step_of(mbar_series_period_ns(series));
    if (step == options.step) {
        *out = series;
        return MBAR_OK;
    }
    options.step = step;
    mbar_series_unref(series);
    return mbar_series_new(table, &options, out, error);
}

static mbar_status read_asset_bars(run_asset *item, const run_request *request, mbar_error *error)
{
    mbar_scan *scan = NULL;
    mbar_table *table = NULL;
    mbar_status status = cli_scan_path(item->path, &scan, error);
    if (status == MBAR_OK) {
        status = mbar_scan_collect(scan, &table, NULL, error);
    }
    if (status == MBAR_OK) {
        status = make_series(table, request, &item->read, error);
    }
    mbar_table_unref(table);
    mbar_scan_free(scan);
    return status;
}

/* The grid of all assets' stamps, and each asset's bars on it. */
static mbar_status fill_gaps(run_request *request, mbar_error *error)
{
    mbar_series *all[RUN_MAX_ASSETS];
    mbar_column *grid = NULL;
    for (int32_t i = 0; i < request->n_assets; i++) {
        all[i] = request->items[i].read;
    }
    int64_t end_ns = request->end != NULL ? request->options.end_ns : INT64_MAX;
    mbar_status status = mbar_grid_new(all, request->n_assets, mbar_series_step(all[0]),
                                       request->zone, end_ns, &grid, error);
    for (int32_t i = 0; i < request->n_assets && status == MBAR_OK; i++) {
        status = mbar_series_fill(all[i], grid, &request->items[i].series, error);
    }
    mbar_column_unref(grid);
    return status;
}

mbar_status run_load(run_request *request, const char **path, mbar_error *error)
{
    for (int32_t i = 0; i < request->n_assets; i++) {
        run_asset *item = &request->items[i];
        mbar_status status = read_asset_bars(item, request, error);
        if (status != MBAR_OK) {
            *path = item->path;
            return status;
        }
    }
    if (request->policy == MBAR_POLICY_LUMIBOT) {
        return fill_gaps(request, error);
    }
    for (int32_t i = 0; i < request->n_assets; i++) {
        request->items[i].series = mbar_series_ref(request->items[i].read);
    }
    return MBAR_OK;
}

void run_unload(run_request *request)
{
    for (int32_t i = 0; i < request->n_assets; i++) {
        mbar_series_unref(request->items[i].series);
        mbar_series_unref(request->items[i].read);
    }
    mbar_zone_unref(request->zone);
}
