/*
 * engine.c - bars a second of the engine with a strategy in C.
 *
 * engine_speed FILE.parquet [ROUNDS] runs the crossing averages of 20 and 60 closes over the file's
 * bars, strict, filled at the next open, one unit long or short, and prints the fills, the
 * profit in points and the best round's CPU time. What is timed is mbar_engine_run with
 * indicators, orders, events, marks and a row of time, cash and value for every bar.
 */
#include <millibar/millibar.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct cross {
    int32_t fast, slow;
    double fast_before, slow_before;
} cross;

static mbar_status initialize(mbar_engine *engine, void *state, mbar_error *error)
{
    cross *self = state;
    const double fast = 20, slow = 60;
    mbar_status status = mbar_engine_indicator(engine, 0, "sma", &fast, 1, &self->fast, error);
    return status != MBAR_OK
               ? status
               : mbar_engine_indicator(engine, 0, "sma", &slow, 1, &self->slow, error);
}

/* Carries the position to what is wanted. */
static mbar_status trade(mbar_engine *engine, double wanted, mbar_error *error)
{
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

static mbar_status iterate(mbar_engine *engine, void *state, mbar_error *error)
{
    cross *self = state;
    double fast_before = self->fast_before, slow_before = self->slow_before;
    double fast = self->fast_before = mbar_engine_indicator_value(engine, self->fast, 0, 0);
    double slow = self->slow_before = mbar_engine_indicator_value(engine, self->slow, 0, 0);
    if (fast > slow && fast_before <= slow_before) {
        return trade(engine, 1, error);
    }
    if (fast < slow && fast_before >= slow_before) {
        return trade(engine, -1, error);
    }
    return MBAR_OK;
}

static mbar_status read_series(const char *path, mbar_series **out, mbar_error *error)
{
    mbar_scan *scan;
    mbar_table *table;
    mbar_series_options options;
    mbar_status status = mbar_scan_new(&scan, error);
    if (status != MBAR_OK) {
        return status;
    }
    status = mbar_scan_add_path(scan, path, error);
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

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* One run; *seconds of mbar_engine_run, what it left on standard output if asked for. */
static mbar_status run_once(mbar_series *series, bool print, double *seconds, mbar_error *error)
{
    const mbar_strategy strategy = {
        .struct_bytes = sizeof strategy, .initialize = initialize, .on_trading_iteration = iterate};
    cross self = {0, 0, NAN, NAN};
    mbar_asset asset;
    mbar_engine_options options;
    mbar_engine *engine;
    int32_t number;
    mbar_asset_init(&asset);
    asset.symbol = "X";
    mbar_engine_options_init(&options);
    mbar_status status = mbar_engine_new(&options, &engine, error);
    if (status != MBAR_OK) {
        return status;
    }
    status = mbar_engine_add_asset(engine, &asset, series, &number, error);
    double start = cpu_seconds();
    if (status == MBAR_OK) {
        status = mbar_engine_run(engine, &strategy, &self, error);
    }
    *seconds = cpu_seconds() - start;
    mbar_table *fills = NULL;
    if (status == MBAR_OK && print) {
        status = mbar_engine_table(engine, "fills", &fills, error);
    }
    if (status == MBAR_OK && print) {
        printf("%lld bars, %lld fills, %+.4f points\n", (long long)mbar_series_rows(series),
               (long long)mbar_table_rows(fills), mbar_engine_value(engine) - options.budget);
    }
    mbar_table_unref(fills);
    mbar_engine_free(engine);
    return status;
}

int main(int argc, char **argv)
{
    mbar_series *series = NULL;
    mbar_error error;
    int rounds = argc > 2 ? atoi(argv[2]) : 20;
    double best = INFINITY, seconds = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE.parquet [ROUNDS]\n", argv[0]);
        return 2;
    }
    mbar_status status = read_series(argv[1], &series, &error);
    for (int i = 0; i < rounds && status == MBAR_OK; i++) {
        status = run_once(series, i == 0, &seconds, &error);
        best = seconds < best ? seconds : best;
    }
    if (status != MBAR_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("%.6f s CPU, %.1f M bars/s\n", best, (double)mbar_series_rows(series) / best / 1e6);
    mbar_series_unref(series);
    return 0;
}
