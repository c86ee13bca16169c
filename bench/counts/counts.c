/*
 * counts.c - the library's hot paths, for counting their instructions.
 *
 * counts SCRATCH.parquet runs every path once, over bars of a fixed seed, and prints a line of
 * JSON for each: name, the function that callgrind's totals are read of, how many units of work it
 * did and what they are called. Nothing here depends on time, addresses or threads, so under
 * valgrind the counts repeat; tools/check_counts compares them with baseline.json.
 *
 * What a path needs is made by its prepare function, outside of what is counted. Paths are called
 * through pointers, so that none of them is inlined into main.
 */
#include <millibar/millibar.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_BARS = 20000, N_CALLS = 20000, N_PRICES = 16 };

typedef struct world {
    const char *scratch;
    mbar_series *series;
    mbar_engine *engine;
    mbar_parquet *file;
    mbar_expr *filter;
    uint8_t *entries, *short_entries;
    double sum; /* of what paths found, so that nothing is left out */
} world;

typedef struct path {
    const char *name, *counted, *unit;
    int64_t n;
    void (*prepare)(world *self);
    void (*run)(world *self);
} path;

static mbar_error error;

static void must(mbar_status status)
{
    if (status != MBAR_OK) {
        fprintf(stderr, "counts: %s\n", error.message);
        exit(1);
    }
}

/* ---- Bars of a fixed seed ------------------------------------------------------ */

static uint64_t draw(uint64_t *seed, uint64_t n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % n;
}

static mbar_column *column_of(const char *name, mbar_type type, const void *values)
{
    const mbar_field field = {.name = name,
                              .type = type,
                              .unit = MBAR_UNIT_NS,
                              .zone = type == MBAR_TYPE_TIMESTAMP ? "UTC" : NULL};
    mbar_column *column;
    must(mbar_column_from_values(&field, N_BARS, values, &column, &error));
    return column;
}

/* A walk by quarters, a bar a minute. */
static mbar_table *make_table(void)
{
    enum { N_COLUMNS = 6 };
    static int64_t times[N_BARS];
    static double open[N_BARS], high[N_BARS], low[N_BARS], close[N_BARS], volume[N_BARS];
    uint64_t seed = 88172645463325252u;
    double price = 4000;
    for (int64_t i = 0; i < N_BARS; i++) {
        times[i] = 1704067200000000000 + i * 60000000000;
        open[i] = price;
        close[i] = price += ((double)draw(&seed, 9) - 4) * 0.25;
        high[i] = fmax(open[i], close[i]) + (double)draw(&seed, 4) * 0.25;
        low[i] = fmin(open[i], close[i]) - (double)draw(&seed, 4) * 0.25;
        volume[i] = 1 + (double)draw(&seed, 500);
    }
    mbar_column *columns[N_COLUMNS] = {
        column_of("timestamp", MBAR_TYPE_TIMESTAMP, times),
        column_of("open", MBAR_TYPE_FLOAT64, open),
        column_of("high", MBAR_TYPE_FLOAT64, high),
        column_of("low", MBAR_TYPE_FLOAT64, low),
        column_of("close", MBAR_TYPE_FLOAT64, close),
        column_of("volume", MBAR_TYPE_FLOAT64, volume),
    };
    mbar_table *table;
    must(mbar_table_new(columns, N_COLUMNS, &table, &error));
    for (int i = 0; i < N_COLUMNS; i++) {
        mbar_column_unref(columns[i]);
    }
    return table;
}

static mbar_series *make_series(void)
{
    mbar_series *series;
    mbar_series_options options;
    mbar_table *table = make_table();
    mbar_series_options_init(&options);
    must(mbar_series_new(table, &options, &series, &error));
    mbar_table_unref(table);
    return series;
}

/* ---- Windows ------------------------------------------------------------------- */

static void run_windows(world *self, mbar_policy policy)
{
    const int64_t *times = mbar_series_times(self->series);
    for (int64_t i = 0; i < N_CALLS; i++) {
        mbar_window window;
        must(mbar_series_window(self->series, policy, times[i], 200, 0, &window, &error));
        self->sum += (double)window.n_rows;
    }
}

static void count_window_strict(world *self)
{
    run_windows(self, MBAR_POLICY_STRICT);
}

static void count_window_lumibot(world *self)
{
    run_windows(self, MBAR_POLICY_LUMIBOT);
}

/* ---- The engine ---------------------------------------------------------------- */

static void prepare_engine(world *self)
{
    mbar_asset asset;
    mbar_engine_options options;
    int32_t number;
    mbar_asset_init(&asset);
    asset.symbol = "MES";
    asset.kind = MBAR_ASSET_FUTURE;
    asset.margin = 1300;
    mbar_engine_options_init(&options);
    mbar_engine_free(self->engine);
    must(mbar_engine_new(&options, &self->engine, &error));
    must(mbar_engine_add_asset(self->engine, &asset, self->series, &number, &error));
}

/* Policy lumibot, a step a minute: the clock of lumibot's strategies. */
static void prepare_stepping(world *self)
{
    mbar_asset asset;
    mbar_engine_options options;
    int32_t number;
    mbar_asset_init(&asset);
    asset.symbol = "MES";
    mbar_engine_options_init(&options);
    options.policy = MBAR_POLICY_LUMIBOT;
    options.clock = MBAR_CLOCK_STEP;
    options.sessions = MBAR_SESSIONS_CONTINUOUS;
    options.step_ns = 60000000000;
    mbar_engine_free(self->engine);
    must(mbar_engine_new(&options, &self->engine, &error));
    must(mbar_engine_add_asset(self->engine, &asset, self->series, &number, &error));
}

static void run_engine(world *self, mbar_status (*iterate)(mbar_engine *, void *, mbar_error *))
{
    const mbar_strategy strategy = {.struct_bytes = sizeof strategy,
                                    .on_trading_iteration = iterate};
    must(mbar_engine_run(self->engine, &strategy, self, &error));
}

static mbar_status do_nothing(mbar_engine *engine, void *state, mbar_error *failure)
{
    (void)engine;
    (void)state;
    (void)failure;
    return MBAR_OK;
}

/* In and out in turn: an order entered and one filled at every bar. */
static mbar_status trade(mbar_engine *engine, void *state, mbar_error *failure)
{
    mbar_order_id id;
    mbar_order_request request;
    (void)state;
    mbar_order_request_init(&request);
    request.side = mbar_engine_position(engine, 0)->quantity > 0 ? MBAR_SIDE_SELL : MBAR_SIDE_BUY;
    request.quantity = 1;
    return mbar_engine_submit(engine, &request, &id, failure);
}

/* Counted itself, not the run around it. */
static mbar_status count_last_price(mbar_engine *engine, void *state, mbar_error *failure)
{
    world *self = state;
    (void)failure;
    for (int i = 0; i < N_PRICES; i++) {
        self->sum += mbar_engine_last_price(engine, 0);
    }
    return MBAR_OK;
}

static void expect(const char *what, int64_t found, int64_t wanted)
{
    if (found != wanted) {
        fprintf(stderr, "counts: %lld %s, not %lld\n", (long long)found, what, (long long)wanted);
        exit(1);
    }
}

static void count_idle(world *self)
{
    run_engine(self, do_nothing);
    expect("iterations", mbar_engine_iterations(self->engine), N_BARS);
}

static void count_idle_stepping(world *self)
{
    run_engine(self, do_nothing);
    expect("steps", mbar_engine_iterations(self->engine), N_BARS);
}

static void count_fills(world *self)
{
    run_engine(self, trade);
    expect("orders", mbar_engine_orders(self->engine), N_BARS);
}

static void run_last_prices(world *self)
{
    run_engine(self, count_last_price);
}

/* ---- Signals and indicators ----------------------------------------------------- */

static void prepare_signals(world *self)
{
    self->entries = calloc(N_BARS, 1);
    self->short_entries = calloc(N_BARS, 1);
    if (self->entries == NULL || self->short_entries == NULL) {
        exit(1);
    }
    for (int64_t i = 0; i < N_BARS; i += 100) {
        (i % 200 == 0 ? self->entries : self->short_entries)[i] = 1;
    }
}

static void count_signals(world *self)
{
    mbar_asset asset;
    mbar_table *fills;
    mbar_signal_options options;
    const mbar_signals signals = {
        .entries = self->entries, .short_entries = self->short_entries, .size = 1};
    mbar_asset_init(&asset);
    asset.symbol = "MES";
    mbar_signal_options_init(&options);
    must(mbar_signals_run(self->series, &asset, &signals, &options, &fills, NULL, &error));
    self->sum += (double)mbar_table_rows(fills);
    mbar_table_unref(fills);
}

static void count_rolling_mean(world *self)
{
    const double length = 20;
    const mbar_indicator_spec *spec;
    mbar_table *means;
    must(mbar_indicator_find("sma", &spec, &error));
    must(mbar_series_indicator(self->series, (mbar_window){0, N_BARS}, spec, &length, 1, NULL,
                               &means, &error));
    mbar_table_unref(means);
}

/* ---- Pages and filters ----------------------------------------------------------- */

static void prepare_file(world *self, mbar_codec codec)
{
    mbar_parquet_options options;
    mbar_sink *sink;
    mbar_source *source;
    mbar_parquet_options_init(&options);
    options.codec = codec;
    options.page_rows = 4096;
    must(mbar_sink_open_file(self->scratch, &sink, &error));
    must(mbar_parquet_write(mbar_series_table(self->series), sink, &options, &error));
    must(mbar_source_open_file(self->scratch, &source, &error));
    mbar_parquet_close(self->file);
    must(mbar_parquet_open(source, &self->file, &error));
}

static void prepare_snappy(world *self)
{
    prepare_file(self, MBAR_CODEC_SNAPPY);
}

static void prepare_zstd(world *self)
{
    prepare_file(self, MBAR_CODEC_ZSTD);
}

static void read_close(world *self, mbar_codec codec)
{
    const int32_t column = 4;
    mbar_table *table;
    mbar_parquet_chunk chunk;
    must(mbar_parquet_chunk_info(self->file, 0, column, &chunk, &error));
    expect("is the codec", chunk.codec, codec);
    must(mbar_parquet_read(self->file, &column, 1, 0, N_BARS, 1, &table, NULL, &error));
    mbar_table_unref(table);
}

static void count_pages_snappy(world *self)
{
    read_close(self, MBAR_CODEC_SNAPPY);
}

static void count_pages_zstd(world *self)
{
    read_close(self, MBAR_CODEC_ZSTD);
}

static mbar_expr *node_of(mbar_op op, mbar_expr *a, mbar_expr *b)
{
    mbar_expr *node;
    must(mbar_expr_node(op, a, b, &node, &error));
    mbar_expr_unref(a);
    mbar_expr_unref(b);
    return node;
}

/* ((close > open) and (volume > 100)) */
static void prepare_filter(world *self)
{
    mbar_expr *close, *open, *volume, *least;
    must(mbar_expr_column("close", &close, &error));
    must(mbar_expr_column("open", &open, &error));
    must(mbar_expr_column("volume", &volume, &error));
    must(mbar_expr_float(100, &least, &error));
    self->filter =
        node_of(MBAR_OP_AND, node_of(MBAR_OP_GT, close, open), node_of(MBAR_OP_GT, volume, least));
}

static void count_filter(world *self)
{
    mbar_column *truths;
    must(mbar_expr_eval(self->filter, mbar_series_table(self->series), &truths, &error));
    mbar_column_unref(truths);
}

/* ---- All of them ----------------------------------------------------------------- */

static const path paths[] = {
    {"window, strict", "count_window_strict", "call", N_CALLS, NULL, count_window_strict},
    {"window, lumibot", "count_window_lumibot", "call", N_CALLS, NULL, count_window_lumibot},
    {"last price", "count_last_price", "call", (int64_t)N_BARS *N_PRICES, prepare_engine,
     run_last_prices},
    {"idle iteration, bars", "count_idle", "iteration", N_BARS, prepare_engine, count_idle},
    {"idle iteration, steps", "count_idle_stepping", "iteration", N_BARS, prepare_stepping,
     count_idle_stepping},
    {"iteration with order and fill", "count_fills", "iteration", N_BARS, prepare_engine,
     count_fills},
    {"signals", "count_signals", "bar", N_BARS, prepare_signals, count_signals},
    {"rolling mean", "count_rolling_mean", "row", N_BARS, NULL, count_rolling_mean},
    {"page decode, snappy", "count_pages_snappy", "value", N_BARS, prepare_snappy,
     count_pages_snappy},
    {"page decode, zstd", "count_pages_zstd", "value", N_BARS, prepare_zstd, count_pages_zstd},
    {"filter", "count_filter", "row", N_BARS, prepare_filter, count_filter},
};

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s SCRATCH.parquet\n", argv[0]);
        return 2;
    }
    world self = {.scratch = argv[1], .series = make_series()};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const path *item = &paths[i];
        if (item->prepare != NULL) {
            item->prepare(&self);
        }
        item->run(&self);
        printf("{\"name\": \"%s\", \"counted\": \"%s\", \"unit\": \"%s\", \"n\": %lld}\n",
               item->name, item->counted, item->unit, (long long)item->n);
    }
    mbar_engine_free(self.engine);
    mbar_parquet_close(self.file);
    mbar_expr_unref(self.filter);
    free(self.entries);
    free(self.short_entries);
    mbar_series_unref(self.series);
    return isnan(self.sum);
}
