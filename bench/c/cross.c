/*
 * cross.c - the SMA-cross benchmark's sides in C; a round for each line it gets.
 *
 * cross engine|loop FILE.parquet [ROWS] speaks the lines of serve.py: one of JSON when the bars
 * are loaded, then one a round with fills, profit in points, CPU and wall seconds and the most
 * memory the process has had since it was ready.
 *
 * engine: mbar_engine_run, strict, with indicators, orders, events, marks and a row of time, cash
 * and value for every bar. loop: the least that gives the same trades: two averages that are there
 * already, a comparison and a fill, over plain arrays. It is the floor, not an engine.
 */
#include <millibar/millibar.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FAST = 20, SLOW = 60 };

/* What a round gives. */
typedef struct outcome {
    int64_t n_fills;
    double profit;
} outcome;

/* ---- The engine ---------------------------------------------------------------- */

typedef struct crossing {
    int32_t fast, slow;
    double gap;
} crossing;

static mbar_status initialize(mbar_engine *engine, void *state, mbar_error *error)
{
    crossing *self = state;
    const double fast = FAST, slow = SLOW;
    self->gap = NAN;
    mbar_status status = mbar_engine_indicator(engine, 0, "sma", &fast, 1, &self->fast, error);
    return status != MBAR_OK
               ? status
               : mbar_engine_indicator(engine, 0, "sma", &slow, 1, &self->slow, error);
}

static mbar_status iterate(mbar_engine *engine, void *state, mbar_error *error)
{
    crossing *self = state;
    double before = self->gap;
    double gap = self->gap = mbar_engine_indicator_value(engine, self->fast, 0, 0) -
                             mbar_engine_indicator_value(engine, self->slow, 0, 0);
    double wanted = gap > 0 && before <= 0 ? 1 : gap < 0 && before >= 0 ? -1 : 0;
    if (wanted == 0) {
        return MBAR_OK;
    }
    double change = wanted - mbar_engine_position(engine, 0)->quantity;
    if (change == 0) {
        return MBAR_OK;
    }
    mbar_order_id id;
    mbar_order_request request;
    mbar_order_request_init(&request);
    request.side = change > 0 ? MBAR_SIDE_BUY : MBAR_SIDE_SELL;
    request.quantity = fabs(change);
    return mbar_engine_submit(engine, &request, &id, error);
}

static mbar_status make_engine(mbar_series *series, mbar_engine **out, mbar_error *error)
{
    mbar_asset asset;
    mbar_engine_options options;
    int32_t number;
    mbar_asset_init(&asset);
    asset.symbol = "X";
    mbar_engine_options_init(&options);
    mbar_status status = mbar_engine_new(&options, out, error);
    if (status != MBAR_OK) {
        return status;
    }
    status = mbar_engine_add_asset(*out, &asset, series, &number, error);
    if (status != MBAR_OK) {
        mbar_engine_free(*out);
    }
    return status;
}

static mbar_status read_outcome(mbar_engine *engine, double budget, outcome *out, mbar_error *error)
{
    mbar_table *fills;
    mbar_status status = mbar_engine_table(engine, "fills", &fills, error);
    if (status == MBAR_OK) {
        *out = (outcome){mbar_table_rows(fills), mbar_engine_value(engine) - budget};
        mbar_table_unref(fills);
    }
    return status;
}

/* ---- The bare loop ------------------------------------------------------------- */

typedef struct bare {
    int64_t n;
    const double *open, *close, *fast, *slow;
    mbar_table *averages[2];
} bare;

static mbar_status price_column(const mbar_series *series, const char *name, const double **out,
                                mbar_error *error)
{
    int32_t index = mbar_series_find(series, name);
    const mbar_column *column =
        index >= 0 ? mbar_table_column(mbar_series_table(series), index) : NULL;
    if (column == NULL || mbar_column_field(column)->type != MBAR_TYPE_FLOAT64) {
        return mbar_error_set(error, MBAR_INVALID, "the bars have no float64 column %s", name);
    }
    *out = mbar_column_values(column);
    return MBAR_OK;
}

static mbar_status average(const mbar_series *series, double length, mbar_table **table,
                           const double **out, mbar_error *error)
{
    const mbar_indicator_spec *spec;
    mbar_window all = {0, mbar_series_rows(series)};
    mbar_status status = mbar_indicator_find("sma", &spec, error);
    if (status == MBAR_OK) {
        status = mbar_table_indicator(mbar_series_table(series), all, spec, &length, 1, NULL, table,
                                      error);
    }
    if (status == MBAR_OK) {
        *out = mbar_column_values(mbar_table_column(*table, 0));
    }
    return status;
}

static mbar_status prepare_bare(const mbar_series *series, bare *out, mbar_error *error)
{
    mbar_status status;
    *out = (bare){.n = mbar_series_rows(series)};
    if ((status = price_column(series, "open", &out->open, error)) != MBAR_OK ||
        (status = price_column(series, "close", &out->close, error)) != MBAR_OK ||
        (status = average(series, FAST, &out->averages[0], &out->fast, error)) != MBAR_OK) {
        return status;
    }
    return average(series, SLOW, &out->averages[1], &out->slow, error);
}

static outcome run_bare(const bare *self)
{
    double gap = NAN, cash = 0, held = 0, wanted = 0;
    int64_t n_fills = 0;
    for (int64_t i = 0; i < self->n; i++) {
        if (wanted != held) {
            cash -= (wanted - held) * self->open[i];
            held = wanted;
            n_fills++;
        }
        double before = gap;
        gap = self->fast[i] - self->slow[i];
        if (gap > 0 && before <= 0) {
            wanted = 1;
        } else if (gap < 0 && before >= 0) {
            wanted = -1;
        }
    }
    return (outcome){n_fills, self->n > 0 ? cash + held * self->close[self->n - 1] : 0};
}

/* ---- Rounds -------------------------------------------------------------------- */

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Of a line "NAME: KIB kB" of /proc/self/status; 0 where there is none. */
static double memory_mib(const char *name)
{
    char line[256];
    long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            sscanf(line + strlen(name), ": %lld", &kib);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return (double)kib / 1024;
}

/* From here on VmHWM tells of what comes. */
static void forget_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (file != NULL) {
        fputs("5", file);
        fclose(file);
    }
}

static void tell(outcome found, double cpu_s, double wall_s)
{
    printf("{\"cpu_s\": %.9f, \"wall_s\": %.9f, \"fills\": %lld, \"profit\": %.6f, "
           "\"peak_mib\": %.3f}\n",
           cpu_s, wall_s, (long long)found.n_fills, found.profit, memory_mib("VmHWM"));
    fflush(stdout);
}

static bool next_line(void)
{
    int c = getchar();
    while (c != EOF && c != '\n') {
        c = getchar();
    }
    return c == '\n';
}

static mbar_status serve_engine(mbar_series *series, mbar_error *error)
{
    const mbar_strategy strategy = {
        .struct_bytes = sizeof strategy, .initialize = initialize, .on_trading_iteration = iterate};
    while (next_line()) {
        crossing self;
        mbar_engine *engine;
        outcome found;
        mbar_status status = make_engine(series, &engine, error);
        if (status != MBAR_OK) {
            return status;
        }
        double budget = mbar_engine_cash(engine);
        double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID), wall = seconds_of(CLOCK_MONOTONIC);
        status = mbar_engine_run(engine, &strategy, &self, error);
        cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        wall = seconds_of(CLOCK_MONOTONIC) - wall;
        if (status == MBAR_OK) {
            status = read_outcome(engine, budget, &found, error);
        }
        mbar_engine_free(engine);
        if (status != MBAR_OK) {
            return status;
        }
        tell(found, cpu, wall);
    }
    return MBAR_OK;
}

static mbar_status serve_bare(mbar_series *series, mbar_error *error)
{
    bare self;
    mbar_status status = prepare_bare(series, &self, error);
    while (status == MBAR_OK && next_line()) {
        double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID), wall = seconds_of(CLOCK_MONOTONIC);
        outcome found = run_bare(&self);
        cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        tell(found, cpu, seconds_of(CLOCK_MONOTONIC) - wall);
    }
    mbar_table_unref(self.averages[0]);
    mbar_table_unref(self.averages[1]);
    return status;
}

static mbar_status read_series(const char *path, int64_t n_rows, mbar_series **out,
                               mbar_error *error)
{
    mbar_scan *scan;
    mbar_table *table;
    mbar_series_options options;
    mbar_status status = mbar_scan_new(&scan, error);
    if (status != MBAR_OK) {
        return status;
    }
    status = mbar_scan_add_path(scan, path, error);
    if (status == MBAR_OK && n_rows > 0) {
        status = mbar_scan_head(scan, n_rows, error);
    }
    if (status == MBAR_OK) {
        status = mbar_scan_collect(scan, &table, NULL, error);
    }
    mbar_scan_free(scan);
    if (status != MBAR_OK) {
        return status;
    }
    mbar_series_options_init(&options);
    status = mbar_series_new(table, &options, out, error);
    mbar_table_unref(table);
    return status;
}

int main(int argc, char **argv)
{
    mbar_series *series = NULL;
    mbar_error error;
    bool is_loop = argc > 2 && strcmp(argv[1], "loop") == 0;
    if (argc < 3 || (!is_loop && strcmp(argv[1], "engine") != 0)) {
        fprintf(stderr, "usage: %s engine|loop FILE.parquet [ROWS]\n", argv[0]);
        return 2;
    }
    mbar_status status = read_series(argv[2], argc > 3 ? atoll(argv[3]) : 0, &series, &error);
    if (status == MBAR_OK) {
        forget_peak();
        printf("{\"version\": \"%s\", \"loaded_mib\": %.3f}\n", mbar_version(),
               memory_mib("VmRSS"));
        fflush(stdout);
        status = is_loop ? serve_bare(series, &error) : serve_engine(series, &error);
    }
    if (status != MBAR_OK) {
        fprintf(stderr, "%s\n", error.message);
    }
    mbar_series_unref(series);
    return status != MBAR_OK;
}
