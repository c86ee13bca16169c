/*
 * run_report.c - what a run leaves: Parquet tables, a manifest, a summary.
 *
 * The manifest says all that the result depends on, and the result as a digest of
 * its values, so that two runs can be told to be the same without their files,
 * whose bytes depend on the compressor. A digest covers each column's name, type,
 * nulls and values, in order.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <time.h>

#include "output.h"
#include "run.h"
#include "sha256.h"

/* ---- Results as tables ------------------------------------------------------- */

static const struct {
    const char *which, *file;
} TABLES[] = {
    {"orders", "orders.parquet"}, {"fills", "fills.parquet"}, {"iterations", "equity.parquet"}};
enum { N_TABLES = sizeof TABLES / sizeof TABLES[0] };

static void digest_texts(cli_sha256 *hash, const mbar_column *column)
{
    for (int64_t i = 0; i < mbar_column_rows(column); i++) {
        size_t n_bytes;
        const char *text = mbar_column_text(column, i, &n_bytes);
        cli_sha256_add(hash, text, n_bytes);
        cli_sha256_add(hash, "", 1);
    }
}

/* Name, type, a byte a row for validity where there are nulls, values (zero under a null):
 * of dictionaries the words and then the codes. */
static void digest_column(cli_sha256 *hash, const mbar_column *column)
{
    static const char ZEROS[8] = "";
    const mbar_field *field = mbar_column_field(column);
    int64_t n = mbar_column_rows(column);
    size_t width = mbar_type_width(field->type);
    bool has_nulls = mbar_column_nulls(column) > 0;
    const uint8_t head[2] = {(uint8_t)field->type, has_nulls};
    cli_sha256_add(hash, field->name, strlen(field->name) + 1);
    cli_sha256_add(hash, head, sizeof head);
    if (mbar_column_dictionary(column) != NULL) {
        digest_texts(hash, mbar_column_dictionary(column));
    } else if (field->type == MBAR_TYPE_UTF8) {
        digest_texts(hash, column);
    }
    const char *values = width > 0 ? mbar_column_values(column) : NULL;
    if (values != NULL && !has_nulls) {
        cli_sha256_add(hash, values, (size_t)n * width);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        uint8_t valid = mbar_column_is_valid(column, i);
        uint8_t bit = field->type == MBAR_TYPE_BOOL && valid && mbar_column_bool(column, i);
        cli_sha256_add(hash, &valid, 1);
        cli_sha256_add(hash, &bit, 1);
        if (values != NULL) {
            cli_sha256_add(hash, valid ? values + (size_t)i * width : ZEROS, width);
        }
    }
}

static void digest_table(const mbar_table *table, char out[CLI_SHA256_TEXT])
{
    cli_sha256 hash;
    cli_sha256_init(&hash);
    for (int32_t i = 0; i < mbar_table_columns(table); i++) {
        digest_column(&hash, mbar_table_column(table, i));
    }
    cli_sha256_text(&hash, out);
}

static double table_sum(const mbar_table *table, const char *column)
{
    const double *values =
        mbar_column_values(mbar_table_column(table, mbar_table_find(table, column)));
    double sum = 0;
    for (int64_t i = 0; i < mbar_table_rows(table); i++) {
        sum += values[i];
    }
    return sum;
}

/* The deepest fall below an earlier value, as a share of that. */
static double max_drawdown(const mbar_table *iterations)
{
    const double *values = mbar_column_values(
        mbar_table_column(iterations, mbar_table_find(iterations, "portfolio_value")));
    double peak = -INFINITY, deepest = 0;
    for (int64_t i = 0; i < mbar_table_rows(iterations); i++) {
        peak = values[i] > peak ? values[i] : peak;
        double fall = peak > 0 ? (peak - values[i]) / peak : 0;
        deepest = fall > deepest ? fall : deepest;
    }
    return deepest;
}

/* ---- The manifest ------------------------------------------------------------ */

/* "" where the file cannot be read, or is no single file. */
static void digest_file(const char *path, char out[CLI_SHA256_TEXT])
{
    char block[65536];
    size_t n;
    cli_sha256 hash;
    FILE *file = fopen(path, "rb");
    out[0] = '\0';
    if (file == NULL) {
        return;
    }
    cli_sha256_init(&hash);
    while ((n = fread(block, 1, sizeof block, file)) > 0) {
        cli_sha256_add(&hash, block, n);
    }
    if (ferror(file) == 0) {
        cli_sha256_text(&hash, out);
    }
    fclose(file);
}

static void json_file(cli_json *json, const char *path)
{
    char digest[CLI_SHA256_TEXT];
    cli_json_text(json, "file", path);
    digest_file(path, digest);
    if (digest[0] != '\0') {
        cli_json_text(json, "sha256", digest);
    } else {
        cli_json_null(json, "sha256");
    }
}

static void json_time(cli_json *json, const char *key, int64_t ns)
{
    char text[CLI_VALUE_BYTES];
    cli_format_time(ns, NULL, text);
    cli_json_text(json, key, text);
}

static void json_asset(cli_json *json, const run_asset *item)
{
    const mbar_asset *asset = &item->asset;
    int64_t n = mbar_series_rows(item->read);
    const int64_t *times = mbar_series_times(item->read);
    cli_json_open(json, NULL, '{');
    cli_json_text(json, "symbol", asset->symbol);
    cli_json_text(json, "kind", run_kind_name(asset->kind));
    cli_json_double(json, "multiplier", asset->multiplier);
    cli_json_double(json, "margin", asset->margin);
    cli_json_double(json, "tick", asset->tick);
    if (asset->quote != NULL) {
        cli_json_text(json, "quote", asset->quote);
    }
    json_file(json, item->path);
    cli_json_int(json, "rows", n);
    cli_json_int(json, "rows_filled", mbar_series_rows(item->series));
    cli_json_int(json, "period_ns", mbar_series_period_ns(item->read));
    if (n > 0) {
        json_time(json, "first", times[0]);
        json_time(json, "last", times[n - 1]);
    }
    cli_json_close(json, '}');
}

static void json_settings(cli_json *json, const run_request *request)
{
    const mbar_engine_options *options = &request->options;
    cli_json_text(json, "policy", run_policy_choices[request->policy]);
    cli_json_text(json, "clock", run_clock_choices[request->clock]);
    cli_json_text(json, "sessions", run_sessions_choices[request->sessions]);
    cli_json_text(json, "start", request->start != NULL ? request->start : "");
    cli_json_text(json, "end", request->end != NULL ? request->end : "");
    cli_json_text(json, "zone", mbar_zone_name(request->zone));
    cli_json_int(json, "step_ns", options->step_ns);
    cli_json_double(json, "budget", options->budget);
    cli_json_open(json, "fee", '{');
    cli_json_double(json, "flat", request->fee.flat);
    cli_json_double(json, "percent", request->fee.percent);
    cli_json_double(json, "per_contract", request->fee.per_contract);
    cli_json_close(json, '}');
    cli_json_double(json, "slippage_ticks", options->frictions.slippage_ticks);
    cli_json_double(json, "volume_share", options->frictions.volume_share);
}

static void write_manifest_text(FILE *out, const run_request *request, const run_outcome *outcome,
                                mbar_table *const *tables)
{
    cli_json json;
    char digest[CLI_SHA256_TEXT];
    cli_json_init(&json, out);
    cli_json_open(&json, NULL, '{');
    cli_json_text(&json, "millibar", mbar_version());
    cli_json_text(&json, "command", "mbar run");
    cli_json_open(&json, "strategy", '{');
    cli_json_text(&json, "name", outcome->name);
    json_file(&json, request->plugin_path);
    cli_json_open(&json, "parameters", '[');
    for (int i = 0; i < request->parameters.n; i++) {
        cli_json_text(&json, NULL, request->parameters.items[i]);
    }
    cli_json_close(&json, ']');
    cli_json_close(&json, '}');
    json_settings(&json, request);
    cli_json_open(&json, "assets", '[');
    for (int32_t i = 0; i < request->n_assets; i++) {
        json_asset(&json, &request->items[i]);
    }
    cli_json_close(&json, ']');
    cli_json_bool(&json, "stopped", outcome->stopped);
    cli_json_int(&json, "iterations", mbar_engine_iterations(outcome->engine));
    cli_json_open(&json, "results", '[');
    for (int i = 0; i < N_TABLES; i++) {
        cli_json_open(&json, NULL, '{');
        cli_json_text(&json, "file", TABLES[i].file);
        cli_json_int(&json, "rows", mbar_table_rows(tables[i]));
        digest_table(tables[i], digest);
        cli_json_text(&json, "values_sha256", digest);
        cli_json_close(&json, '}');
    }
    cli_json_close(&json, ']');
    cli_json_close(&json, '}');
    cli_json_end_line(&json);
}

static mbar_status write_manifest(const char *path, const run_request *request,
                                  const run_outcome *outcome, mbar_table *const *tables,
                                  mbar_error *error)
{
    char *text = NULL;
    size_t n_bytes = 0;
    mbar_sink *sink;
    FILE *out = open_memstream(&text, &n_bytes);
    if (out == NULL) {
        return mbar_error_set(error, MBAR_NOMEM, "no memory for the manifest");
    }
    write_manifest_text(out, request, outcome, tables);
    if (fclose(out) != 0) {
        free(text);
        return mbar_error_set(error, MBAR_NOMEM, "no memory for the manifest");
    }
    mbar_status status = mbar_sink_open_file(path, &sink, error);
    if (status == MBAR_OK) {
        status = sink->ops->write(sink, text, n_bytes, error);
        if (status == MBAR_OK) {
            status = sink->ops->finish(sink, error);
        } else {
            sink->ops->abort(sink);
        }
    }
    free(text);
    return status;
}

/* ---- Files ------------------------------------------------------------------- */

mbar_status run_make_folder(const char *path, mbar_error *error)
{
    struct stat info;
    bool is_there = mkdir(path, 0777) == 0 ||
                    (errno == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode));
    if (is_there && access(path, W_OK | X_OK) == 0) {
        return MBAR_OK;
    }
    mbar_error_set(error, MBAR_IO, "cannot %s the folder: %s: name another with --out",
                   is_there ? "write to" : "make", strerror(errno));
    mbar_error_in_file(error, path);
    return MBAR_IO;
}

static mbar_status join(const char *folder, const char *name, char *out, size_t size,
                        mbar_error *error)
{
    int n = snprintf(out, size, "%s/%s", folder, name);
    return n > 0 && (size_t)n < size
               ? MBAR_OK
               : mbar_error_set(error, MBAR_INVALID, "the path of --out is too long");
}

static void free_tables(mbar_table **tables)
{
    for (int i = 0; i < N_TABLES; i++) {
        mbar_table_unref(tables[i]);
    }
}

static mbar_status get_tables(const run_outcome *outcome, mbar_table **tables, mbar_error *error)
{
    for (int i = 0; i < N_TABLES; i++) {
        mbar_status status = mbar_engine_table(outcome->engine, TABLES[i].which, &tables[i], error);
        if (status != MBAR_OK) {
            return status;
        }
    }
    return MBAR_OK;
}

mbar_status run_write(const run_request *request, const run_outcome *outcome, mbar_error *error)
{
    char path[4096];
    mbar_table *tables[N_TABLES] = {NULL};
    mbar_status status = get_tables(outcome, tables, error);
    for (int i = 0; i < N_TABLES && status == MBAR_OK; i++) {
        cli_target target = {.path = path, .codec = MBAR_CODEC_ZSTD};
        status = join(request->out, TABLES[i].file, path, sizeof path, error);
        if (status == MBAR_OK) {
            status = cli_write(tables[i], &target, 0, error);
        }
    }
    if (status == MBAR_OK) {
        status = join(request->out, "manifest.json", path, sizeof path, error);
    }
    if (status == MBAR_OK) {
        status = write_manifest(path, request, outcome, tables, error);
    }
    free_tables(tables);
    return status;
}

/* ---- Summary ----------------------------------------------------------------- */

typedef struct summary {
    int64_t n_bars, n_iterations, n_orders, n_fills;
    double fees, cash, value, change, drawdown;
    double wall_s, bars_per_second;
    int64_t memory_bytes;
} summary;

/* The most this process held. What getrusage tells also counts the process that started it. */
static int64_t peak_memory_bytes(void)
{
    char line[256];
    long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmHWM: %lld kB", &kib) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    if (kib == 0) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        kib = usage.ru_maxrss;
    }
    return kib * 1024;
}

/* Bars that the clock went over. */
static int64_t count_bars(const run_request *request)
{
    int64_t n = 0, end_ns = request->options.end_ns;
    for (int32_t i = 0; i < request->n_assets; i++) {
        n += mbar_series_between(request->items[i].series, request->options.start_ns,
                                 end_ns < INT64_MAX ? end_ns + 1 : end_ns)
                 .n_rows;
    }
    return n;
}

static mbar_status summarize(const run_request *request, const run_outcome *outcome, summary *out,
                             mbar_error *error)
{
    const mbar_engine *engine = outcome->engine;
    mbar_table *fills = NULL, *rows = NULL;
    mbar_status status = mbar_engine_table(engine, "fills", &fills, error);
    if (status == MBAR_OK) {
        status = mbar_engine_table(engine, "iterations", &rows, error);
    }
    if (status == MBAR_OK) {
        double budget = request->options.budget;
        *out = (summary){
            .n_bars = count_bars(request),
            .n_iterations = mbar_engine_iterations(engine),
            .n_orders = mbar_engine_orders(engine),
            .n_fills = mbar_table_rows(fills),
            .fees = table_sum(fills, "fee"),
            .cash = mbar_engine_cash(engine),
            .value = mbar_engine_value(engine),
            .change = (mbar_engine_value(engine) - budget) / budget,
            .drawdown = max_drawdown(rows),
            .wall_s = outcome->data_s + outcome->run_s + outcome->reporting_s,
            .memory_bytes = peak_memory_bytes(),
        };
        out->bars_per_second = outcome->run_s > 0 ? (double)out->n_bars / outcome->run_s : 0;
    }
    mbar_table_unref(fills);
    mbar_table_unref(rows);
    return status;
}

static void print_text(const run_request *request, const run_outcome *outcome, const summary *s)
{
    char n[4][CLI_VALUE_BYTES], rate[CLI_VALUE_BYTES], memory[CLI_VALUE_BYTES];
    cli_format_count(s->n_iterations, n[0]);
    cli_format_count(s->n_orders, n[1]);
    cli_format_count(s->n_fills, n[2]);
    cli_format_count(s->n_bars, n[3]);
    cli_format_count((int64_t)s->bars_per_second, rate);
    cli_format_count(s->memory_bytes >> 20, memory);
    printf("%s, policy %s%s\n", outcome->name, run_policy_choices[request->policy],
           outcome->stopped ? ": stopped by Ctrl-C, what follows is the part that ran" : "");
    printf("  %s iterations, %s orders, %s fills, fees %.2f\n", n[0], n[1], n[2], s->fees);
    printf("  cash %.2f, value %.2f (%+.2f%%), max drawdown %.2f%%\n", s->cash, s->value,
           100 * s->change, 100 * s->drawdown);
    if (request->out != NULL) {
        fputs("  written to ", stdout);
        cli_print_safe(stdout, request->out, strlen(request->out), 0);
        putchar('\n');
    }
    double share = s->wall_s > 0 ? 100 / s->wall_s : 0;
    printf("speed: %s bars, %s iterations in %.3f s wall, the run itself %s bars/s; data %.0f%%, "
           "strategy and broker %.0f%%, reporting %.0f%%; peak memory %s MiB\n",
           n[3], n[0], s->wall_s, rate, share * outcome->data_s, share * outcome->run_s,
           share * outcome->reporting_s, memory);
}

static void print_json(const run_request *request, const run_outcome *outcome, const summary *s)
{
    cli_json json;
    cli_json_init(&json, stdout);
    cli_json_open(&json, NULL, '{');
    cli_json_text(&json, "strategy", outcome->name);
    cli_json_text(&json, "policy", run_policy_choices[request->policy]);
    cli_json_bool(&json, "stopped", outcome->stopped);
    cli_json_int(&json, "bars", s->n_bars);
    cli_json_int(&json, "iterations", s->n_iterations);
    cli_json_int(&json, "orders", s->n_orders);
    cli_json_int(&json, "fills", s->n_fills);
    cli_json_double(&json, "fees", s->fees);
    cli_json_double(&json, "cash", s->cash);
    cli_json_double(&json, "value", s->value);
    cli_json_double(&json, "return", s->change);
    cli_json_double(&json, "max_drawdown", s->drawdown);
    if (request->out != NULL) {
        cli_json_text(&json, "out", request->out);
    } else {
        cli_json_null(&json, "out");
    }
    cli_json_open(&json, "speed", '{');
    cli_json_double(&json, "wall_s", s->wall_s);
    cli_json_double(&json, "data_s", outcome->data_s);
    cli_json_double(&json, "run_s", outcome->run_s);
    cli_json_double(&json, "run_cpu_s", outcome->run_cpu_s);
    cli_json_double(&json, "reporting_s", outcome->reporting_s);
    cli_json_double(&json, "run_bars_per_second", s->bars_per_second);
    cli_json_int(&json, "peak_memory_bytes", s->memory_bytes);
    cli_json_close(&json, '}');
    cli_json_close(&json, '}');
    cli_json_end_line(&json);
}

mbar_status run_print(const run_request *request, const run_outcome *outcome, mbar_error *error)
{
    summary s;
    mbar_status status = summarize(request, outcome, &s, error);
    if (status == MBAR_OK && request->as_json) {
        print_json(request, outcome, &s);
    } else if (status == MBAR_OK) {
        print_text(request, outcome, &s);
    }
    return status;
}
