/* test_fault_engine.c - whole small runs with the N-th allocation failing: nothing leaks, and
 * the run says MBAR_NOMEM. */
#include "../c/support.h"
#include "fault.h"

#include <millibar/sim.h>

enum { N_ROWS = 300 };

typedef struct setting {
    mbar_engine_options options;
    mbar_series *minutes, *days;
} setting;

static mbar_series *series_of(mbar_step step, int64_t n)
{
    int64_t times[N_ROWS];
    double prices[N_ROWS], paid[N_ROWS], volume[N_ROWS];
    for (int64_t i = 0; i < n; i++) {
        times[i] = i * mbar_step_ns(step);
        prices[i] = 100 + (double)(i * 7 % 13);
        paid[i] = i % 50 == 49 ? 0.5 : 0;
        volume[i] = 5;
    }
    mbar_field time = {"time", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", false};
    mbar_column *columns[] = {
        column_of(time, times, n, NULL),
        column_of(field_of("open", MBAR_TYPE_FLOAT64), prices, n, NULL),
        column_of(field_of("high", MBAR_TYPE_FLOAT64), prices, n, NULL),
        column_of(field_of("low", MBAR_TYPE_FLOAT64), prices, n, NULL),
        column_of(field_of("close", MBAR_TYPE_FLOAT64), prices, n, NULL),
        column_of(field_of("volume", MBAR_TYPE_FLOAT64), volume, n, NULL),
        column_of(field_of("dividend", MBAR_TYPE_FLOAT64), paid, n, NULL),
    };
    mbar_table *table = NULL;
    mbar_series *series = NULL;
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.step = step;
    assert_ok(mbar_table_new(columns, 7, &table, &error));
    assert_ok(mbar_series_new(table, &options, &series, &error));
    mbar_table_unref(table);
    for (int i = 0; i < 7; i++)
        mbar_column_unref(columns[i]);
    return series;
}

static mbar_status initialize(mbar_engine *engine, void *state, mbar_error *error)
{
    const double period = 5;
    return mbar_engine_indicator(engine, 0, "atr", &period, 1, state, error);
}

/* The latest order is touched, and now and then the clock moves within the callback. */
static mbar_status touch(mbar_engine *engine, int64_t n, mbar_error *error)
{
    mbar_order_id id = mbar_engine_orders(engine);
    if (id == 0)
        return MBAR_OK;
    switch (n % 11) {
    case 3:
        return mbar_engine_cancel(engine, id, error);
    case 5:
        return mbar_engine_cancel_all(engine, error);
    case 7:
        return mbar_engine_sleep(engine, MBAR_MINUTE_NS, error);
    case 9:
        return mbar_engine_wait(engine, MBAR_MINUTE_NS, error);
    default:
        return MBAR_OK;
    }
}

/* An order of some kind at each iteration, of some asset. */
static mbar_status iterate(mbar_engine *engine, void *state, mbar_error *error)
{
    int64_t n = mbar_engine_iterations(engine);
    mbar_order_request request;
    mbar_order_id id;
    double price = mbar_engine_last_price(engine, (int32_t)(n % 2));
    (void)mbar_engine_indicator_value(engine, *(int32_t *)state, 0, 0);
    if (!(price > 0))
        return MBAR_OK;
    mbar_order_request_init(&request);
    request.asset = (int32_t)(n % 2);
    request.side = n % 3 ? MBAR_SIDE_BUY : MBAR_SIDE_SELL;
    request.quantity = 1;
    if (n % 5 == 0) {
        request.order_class = MBAR_CLASS_BRACKET;
        request.child_limit_price = price + (n % 3 ? 5 : -5);
        request.child_stop_price = price - (n % 3 ? 5 : -5);
    }
    mbar_status status = mbar_engine_submit(engine, &request, &id, error);
    return status == MBAR_OK ? touch(engine, n, error) : status;
}

static mbar_status tables(mbar_engine *engine, mbar_error *error)
{
    static const char *const names[] = {"iterations", "orders", "fills", "events", "corporate"};
    for (int i = 0; i < 5; i++) {
        mbar_table *table = (void *)7;
        mbar_status status = mbar_engine_table(engine, names[i], &table, error);
        if (status != MBAR_OK) {
            assert_ptr_equal(table, (void *)7);
            return status;
        }
        assert_true(mbar_table_rows(table) > 0 || i == 4);
        mbar_table_unref(table);
    }
    return MBAR_OK;
}

static mbar_status whole_run(void *ctx, mbar_error *error)
{
    const setting *setting = ctx;
    const mbar_strategy strategy = {
        .struct_bytes = sizeof strategy, .initialize = initialize, .on_trading_iteration = iterate};
    mbar_engine *engine = (void *)7;
    int32_t number = -7, indicator = -7;
    mbar_asset asset;
    mbar_asset_init(&asset);
    mbar_status status = mbar_engine_new(&setting->options, &engine, error);
    if (status != MBAR_OK) {
        assert_ptr_equal(engine, (void *)7);
        return status;
    }
    asset.symbol = "ONE";
    status = mbar_engine_add_asset(engine, &asset, setting->minutes, &number, error);
    if (status == MBAR_OK) {
        asset.symbol = "TWO";
        asset.kind = MBAR_ASSET_FUTURE;
        asset.margin = 100;
        status = mbar_engine_add_asset(engine, &asset, setting->days, &number, error);
    }
    if (status == MBAR_OK)
        status = mbar_engine_run(engine, &strategy, &indicator, error);
    if (status == MBAR_OK)
        status = tables(engine, error);
    mbar_engine_free(engine);
    return status;
}

static mbar_zone *utc;

/* ---- Signals --------------------------------------------------------------- */

static mbar_status run_signals(void *ctx, mbar_error *error)
{
    static uint8_t up[N_ROWS], down[N_ROWS];
    double equity[N_ROWS];
    const mbar_fee fee = {.flat = 1, .taker = true};
    const mbar_signals signals = {.entries = up, .short_entries = down, .share = 0.5, .lot = 1};
    mbar_signal_options options;
    mbar_asset asset;
    mbar_table *fills = (void *)7;
    for (int i = 0; i < N_ROWS; i++) {
        up[i] = i % 8 == 1;
        down[i] = i % 8 == 5;
    }
    mbar_asset_init(&asset);
    asset.symbol = "ONE";
    mbar_signal_options_init(&options);
    options.buy_fees = options.sell_fees = &fee;
    options.n_buy_fees = options.n_sell_fees = 1;
    options.close_at_end = true;
    mbar_status status = mbar_signals_run(ctx, &asset, &signals, &options, &fills, equity, error);
    if (status != MBAR_OK) {
        assert_ptr_equal(fills, (void *)7);
        return status;
    }
    assert_true(mbar_table_rows(fills) > 50);
    mbar_table_unref(fills);
    return MBAR_OK;
}

static void test_signals(void **state)
{
    (void)state;
    mbar_series *series = series_of(MBAR_STEP_MINUTE, N_ROWS);
    assert_true(fault_check_alloc(run_signals, series) > 15);
    mbar_series_unref(series);
}

/* ---- Runs -------------------------------------------------------------------- */

static void check_runs(setting *setting)
{
    setting->options.zone = utc;
    assert_true(fault_check_alloc(whole_run, setting) > 20);
    mbar_series_unref(setting->minutes);
    mbar_series_unref(setting->days);
}

static void test_bars(void **state)
{
    (void)state;
    setting setting = {.minutes = series_of(MBAR_STEP_MINUTE, N_ROWS),
                       .days = series_of(MBAR_STEP_MINUTE, N_ROWS)};
    mbar_engine_options_init(&setting.options);
    check_runs(&setting);
}

static void test_sessions(void **state)
{
    (void)state;
    setting setting = {.minutes = series_of(MBAR_STEP_HOUR, 60),
                       .days = series_of(MBAR_STEP_HOUR, 60)};
    mbar_engine_options_init(&setting.options);
    setting.options.policy = MBAR_POLICY_LUMIBOT;
    setting.options.clock = MBAR_CLOCK_STEP;
    setting.options.sessions = MBAR_SESSIONS_DATA;
    setting.options.step_ns = MBAR_HOUR_NS;
    check_runs(&setting);
}

static void test_days(void **state)
{
    (void)state;
    setting setting = {.minutes = series_of(MBAR_STEP_DAY, 4),
                       .days = series_of(MBAR_STEP_MINUTE, 20)};
    mbar_engine_options_init(&setting.options);
    setting.options.policy = MBAR_POLICY_LUMIBOT;
    setting.options.clock = MBAR_CLOCK_STEP;
    setting.options.sessions = MBAR_SESSIONS_DAILY;
    check_runs(&setting);
}

static int open_utc(void **state)
{
    (void)state;
    return mbar_zone_open("UTC", &utc, NULL) == MBAR_OK ? 0 : -1;
}

static int close_utc(void **state)
{
    (void)state;
    mbar_zone_unref(utc);
    mbar_zone_set_directory(NULL);
    return mbar_memory_live_bytes() == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bars),
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_signals),
    };
    return cmocka_run_group_tests(tests, open_utc, close_utc);
}
