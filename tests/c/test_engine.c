/* test_engine.c - the engine's edges: what cannot run and why, strategies that fail, stop or
 * sleep for ever, dividends and splits, what may be asked when. */
#include "engine_support.h"

static made_bars bars, others;

/* The call, given &error as its last argument, must fail so, and say part. */
#define assert_fails(expected, part, call)                                                 \
    do {                                                                                   \
        mbar_error error;                                                                  \
        mbar_error_init(&error);                                                           \
        mbar_status got = (call);                                                          \
        if (got != (expected) || error.code != (expected) || !strstr(error.message, part)) \
            fail_msg("status \"%s\": %s", mbar_status_name(got), error.message);           \
    } while (0)

static const mbar_strategy NOTHING = {.struct_bytes = sizeof(mbar_strategy)};

/* ---- What cannot run ------------------------------------------------------------- */

static void test_options(void **state)
{
    (void)state;
    mbar_engine_options options;
    mbar_engine *engine = NULL;
    mbar_engine_options_init(&options);
    options.policy = MBAR_POLICY_LUMIBOT;
    assert_fails(MBAR_INVALID, "MBAR_CLOCK_STEP", mbar_engine_new(&options, &engine, &error));
    options.clock = MBAR_CLOCK_STEP;
    options.step_ns = -1;
    assert_fails(MBAR_INVALID, "step", mbar_engine_new(&options, &engine, &error));
    mbar_engine_options_init(&options);
    options.start_ns = 2;
    options.end_ns = 1;
    assert_fails(MBAR_INVALID, "starts after its end", mbar_engine_new(&options, &engine, &error));
    mbar_engine_options_init(&options);
    options.budget = NAN;
    assert_fails(MBAR_INVALID, "budget", mbar_engine_new(&options, &engine, &error));
    mbar_engine_options_init(&options);
    options.before_closing_ns = -1;
    assert_fails(MBAR_INVALID, "before closing", mbar_engine_new(&options, &engine, &error));
    assert_null(engine);
}

static void test_nothing_to_run_over(void **state)
{
    (void)state;
    int64_t start_ns = at("2024-01-03T00:00Z");
    mbar_engine *engine = engine_of(NULL);
    assert_fails(MBAR_INVALID, "no asset", mbar_engine_run(engine, &NOTHING, NULL, &error));
    add_asset(engine, "HELD", MBAR_ASSET_STOCK, NULL);
    assert_fails(MBAR_INVALID, "no asset has a bar",
                 mbar_engine_run(engine, &NOTHING, NULL, &error));
    bars.n = 0;
    add_asset(engine, "EMPTY", MBAR_ASSET_STOCK, minutes_of(&bars));
    assert_fails(MBAR_INVALID, "no asset has a bar",
                 mbar_engine_run(engine, &NOTHING, NULL, &error));
    mbar_engine_free(engine);

    make_stairs(&bars, 10, start_ns, MBAR_MINUTE_NS);
    mbar_engine_options options;
    mbar_engine_options_init(&options);
    options.start_ns = start_ns + MBAR_DAY_NS;
    engine = engine_of(&options);
    add_asset(engine, "X", MBAR_ASSET_STOCK, minutes_of(&bars));
    assert_fails(MBAR_INVALID, "the data end at 2024-01-03T00:10:00Z, before the start",
                 mbar_engine_run(engine, &NOTHING, NULL, &error));
    mbar_engine_free(engine);

    mbar_engine_options_init(&options);
    options.end_ns = start_ns - MBAR_DAY_NS;
    engine = engine_of(&options);
    add_asset(engine, "X", MBAR_ASSET_STOCK, minutes_of(&bars));
    assert_fails(MBAR_INVALID, "the data begin at 2024-01-03T00:00:00Z, after the end",
                 mbar_engine_run(engine, &NOTHING, NULL, &error));
    mbar_engine_free(engine);
}

static void test_columns(void **state)
{
    (void)state;
    mbar_engine *engine = engine_of(NULL);
    mbar_asset asset = asset_of("X", MBAR_ASSET_STOCK);
    const int64_t times[] = {0, MBAR_MINUTE_NS};
    const double prices[] = {1, 2};
    const int64_t whole[] = {5, 7};
    int32_t number = -1;
    mbar_series *no_low = series_of(table_of(stamps("timestamp", MBAR_UNIT_NS, "UTC", 2, times),
                                             doubles("open", 2, prices), doubles("high", 2, prices),
                                             doubles("close", 2, prices), NULL),
                                    NULL);
    assert_fails(MBAR_INVALID, "no column low",
                 mbar_engine_add_asset(engine, &asset, no_low, &number, &error));
    mbar_series *times_for_open = series_of(
        table_of(stamps("timestamp", MBAR_UNIT_NS, "UTC", 2, times),
                 stamps("Open", MBAR_UNIT_NS, "UTC", 2, times), doubles("high", 2, prices),
                 doubles("low", 2, prices), doubles("close", 2, prices), NULL),
        NULL);
    assert_fails(MBAR_INVALID, "not a number",
                 mbar_engine_add_asset(engine, &asset, times_for_open, &number, &error));
    assert_int_equal(number, -1);
    assert_int_equal(mbar_engine_assets(engine), 0);
    /* Whole numbers, nulls and other cases of letters are all right; no volume too. */
    mbar_series *mixed = series_of(
        table_of(stamps("timestamp", MBAR_UNIT_NS, "UTC", 2, times), int64s("OPEN", 2, whole),
                 doubles("High", 2, prices),
                 column_of((mbar_field){.name = "low", .type = MBAR_TYPE_FLOAT64}, 2, prices, 1),
                 int64s("Close", 2, whole), NULL),
        NULL);
    mbar_error error;
    must(mbar_engine_add_asset(engine, &asset, mixed, &number, &error), &error);
    assert_int_equal(mbar_engine_find(engine, "X"), 0);
    assert_int_equal(mbar_engine_find(engine, "x"), -1);
    run_engine(engine, &NOTHING, NULL);
    assert_true(mbar_engine_last_price(engine, 0) == 7);
    assert_fails(MBAR_INVALID, "runs once", mbar_engine_run(engine, &NOTHING, NULL, &error));
    assert_fails(MBAR_INVALID, "after the run had begun",
                 mbar_engine_add_asset(engine, &asset, mixed, &number, &error));
    mbar_engine_free(engine);
    mbar_series_unref(no_low);
    mbar_series_unref(times_for_open);
    mbar_series_unref(mixed);
}

/* ---- Strategies that do odd things --------------------------------------------------- */

typedef struct odd {
    int64_t n, n_events, n_ends;
    int64_t fail_at, stop_at, sleep_at, sleep_ns;
    mbar_status (*act)(mbar_engine *engine, struct odd *self, mbar_error *error);
} odd;

static mbar_status odd_iterate(mbar_engine *engine, void *state, mbar_error *error)
{
    odd *self = state;
    self->n++;
    if (self->n == self->fail_at) {
        return mbar_error_set(error, MBAR_IO, "the strategy's own trouble");
    }
    if (self->n == self->stop_at) {
        mbar_engine_stop(engine);
    }
    if (self->n == self->sleep_at) {
        return mbar_engine_sleep(engine, self->sleep_ns, error);
    }
    return self->act != NULL ? self->act(engine, self, error) : MBAR_OK;
}

static mbar_status odd_event(mbar_engine *engine, void *state, const mbar_event *event,
                             mbar_error *error)
{
    (void)engine;
    (void)event;
    (void)error;
    ((odd *)state)->n_events++;
    return MBAR_OK;
}

static mbar_status odd_end(mbar_engine *engine, void *state, mbar_error *error)
{
    (void)engine;
    (void)error;
    ((odd *)state)->n_ends++;
    return MBAR_OK;
}

static const mbar_strategy ODD = {
    .struct_bytes = sizeof(mbar_strategy),
    .on_trading_iteration = odd_iterate,
    .on_order_event = odd_event,
    .on_end = odd_end,
};

static mbar_engine *stairs_engine(mbar_policy policy, int64_t n)
{
    mbar_engine_options options;
    mbar_engine_options_init(&options);
    options.policy = policy;
    options.clock = policy == MBAR_POLICY_LUMIBOT ? MBAR_CLOCK_STEP : MBAR_CLOCK_BARS;
    make_stairs(&bars, n, at("2024-01-03T00:00Z"), MBAR_MINUTE_NS);
    mbar_engine *engine = engine_of(&options);
    add_asset(engine, "X", MBAR_ASSET_STOCK, minutes_of(&bars));
    return engine;
}

static int64_t n_rows(const mbar_engine *engine, const char *which)
{
    mbar_table *table = engine_table(engine, which);
    int64_t n = mbar_table_rows(table);
    mbar_table_unref(table);
    return n;
}

static void test_failure_ends_the_run(void **state)
{
    (void)state;
    for (int policy = MBAR_POLICY_STRICT; policy <= MBAR_POLICY_LUMIBOT; policy++) {
        mbar_engine *engine = stairs_engine((mbar_policy)policy, 10);
        odd self = {.fail_at = 4};
        assert_fails(MBAR_IO, "own trouble", mbar_engine_run(engine, &ODD, &self, &error));
        assert_int_equal(self.n, 4);
        assert_int_equal(self.n_ends, 0);
        assert_int_equal(n_rows(engine, "iterations"), 3);
        assert_int_equal(n_rows(engine, "fills"), 0);
        mbar_engine_free(engine);
    }
}

static void test_stop(void **state)
{
    (void)state;
    for (int policy = MBAR_POLICY_STRICT; policy <= MBAR_POLICY_LUMIBOT; policy++) {
        mbar_engine *engine = stairs_engine((mbar_policy)policy, 10);
        odd self = {.stop_at = 4};
        run_engine(engine, &ODD, &self);
        assert_int_equal(self.n, 4);
        assert_int_equal(self.n_ends, 1);
        assert_int_equal(n_rows(engine, "iterations"), policy == MBAR_POLICY_LUMIBOT ? 5 : 4);
        mbar_engine_free(engine);
    }
    mbar_engine *engine = stairs_engine(MBAR_POLICY_STRICT, 10);
    odd self = {0};
    mbar_engine_stop(engine);
    run_engine(engine, &ODD, &self);
    assert_int_equal(self.n, 0);
    mbar_engine_free(engine);
}

static void test_sleep(void **state)
{
    (void)state;
    for (int policy = MBAR_POLICY_STRICT; policy <= MBAR_POLICY_LUMIBOT; policy++) {
        mbar_engine *engine = stairs_engine((mbar_policy)policy, 10);
        odd self = {.sleep_at = 3, .sleep_ns = INT64_MAX};
        run_engine(engine, &ODD, &self);
        assert_int_equal(self.n, 3);
        assert_int_equal(self.n_ends, 1);
        mbar_engine_free(engine);
        engine = stairs_engine((mbar_policy)policy, 10);
        odd backwards = {.sleep_at = 3, .sleep_ns = -1};
        assert_fails(MBAR_INVALID, "a sleep of -1",
                     mbar_engine_run(engine, &ODD, &backwards, &error));
        mbar_engine_free(engine);
    }
}

/* Sleeping between closes and over some: rows are those of the clock. */
static void test_rows_after_sleep(void **state)
{
    (void)state;
    mbar_engine *engine = stairs_engine(MBAR_POLICY_STRICT, 10);
    odd self = {.sleep_at = 3, .sleep_ns = 150 * MBAR_SECOND_NS};
    run_engine(engine, &ODD, &self);
    assert_int_equal(self.n, 8);
    mbar_table *rows = engine_table(engine, "iterations");
    int64_t start_ns = at("2024-01-03T00:00Z");
    assert_int_equal(mbar_table_rows(rows), 8);
    assert_ns_equal(table_int64(rows, "timestamp", 1), start_ns + 2 * MBAR_MINUTE_NS);
    assert_ns_equal(table_int64(rows, "timestamp", 2), start_ns + 330 * MBAR_SECOND_NS);
    assert_ns_equal(table_int64(rows, "timestamp", 3), start_ns + 6 * MBAR_MINUTE_NS);
    mbar_table_unref(rows);
    mbar_engine_free(engine);
}

static mbar_status ten_thousand(mbar_engine *engine, odd *self, mbar_error *error)
{
    mbar_order_request request = order_for(0, MBAR_SIDE_BUY, 1);
    mbar_order_id id;
    (void)self;
    for (int i = 0; i < 10000; i++) {
        mbar_status status = mbar_engine_submit(engine, &request, &id, error);
        if (status != MBAR_OK) {
            return status;
        }
    }
    return MBAR_OK;
}

static void test_ten_thousand_orders_a_bar(void **state)
{
    (void)state;
    for (int policy = MBAR_POLICY_STRICT; policy <= MBAR_POLICY_LUMIBOT; policy++) {
        mbar_engine *engine = stairs_engine((mbar_policy)policy, 4);
        odd self = {.act = ten_thousand};
        run_engine(engine, &ODD, &self);
        int64_t filled = policy == MBAR_POLICY_STRICT ? 3 : 4;
        assert_int_equal(mbar_engine_orders(engine), 40000);
        assert_int_equal(n_rows(engine, "fills"), filled * 10000);
        assert_true(mbar_engine_position(engine, 0)->quantity == (double)filled * 10000);
        assert_int_equal(mbar_engine_events(engine), 40000 + filled * 10000);
        mbar_event event;
        mbar_engine_event(engine, 0, &event);
        assert_int_equal(event.kind, MBAR_EVENT_NEW);
        mbar_engine_free(engine);
    }
}

/* Refused with a reason, and the run goes on. */
static mbar_status submit_badly(mbar_engine *engine, odd *self, mbar_error *error)
{
    mbar_order_id id = 77;
    mbar_order_request request = order_for(7, MBAR_SIDE_BUY, 1);
    (void)self;
    (void)error;
    assert_fails(MBAR_INVALID, "asset 7", mbar_engine_submit(engine, &request, &id, &error));
    const double quantities[] = {0, -1, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        request = order_for(0, MBAR_SIDE_BUY, quantities[i]);
        assert_fails(MBAR_INVALID, "quantity", mbar_engine_submit(engine, &request, &id, &error));
    }
    request = order_for(0, MBAR_SIDE_BUY, 1);
    request.type = MBAR_ORDER_LIMIT;
    assert_fails(MBAR_INVALID, "limit", mbar_engine_submit(engine, &request, &id, &error));
    assert_fails(MBAR_INVALID, "multiplier", mbar_engine_set_multiplier(engine, 0, -5, &error));
    assert_fails(MBAR_INVALID, "asset 9", mbar_engine_set_multiplier(engine, 9, 5, &error));
    assert_int_equal(id, 77);
    assert_null(mbar_engine_order(engine, 1));
    mbar_window window;
    assert_fails(MBAR_INVALID, "asset 5", mbar_engine_window(engine, 5, 1, 0, &window, &error));
    int32_t number;
    assert_fails(MBAR_NOTFOUND, "sma",
                 mbar_engine_indicator(engine, 0, "smo", NULL, 0, &number, &error));
    assert_fails(MBAR_INVALID, "no bars",
                 mbar_engine_indicator(engine, 3, "sma", NULL, 0, &number, &error));
    mbar_table *table;
    assert_fails(MBAR_NOTFOUND, "iterations", mbar_engine_table(engine, "trades", &table, &error));
    return MBAR_OK;
}

static void test_bad_requests(void **state)
{
    (void)state;
    mbar_engine *engine = stairs_engine(MBAR_POLICY_STRICT, 3);
    odd self = {.act = submit_badly};
    run_engine(engine, &ODD, &self);
    assert_int_equal(self.n, 3);
    assert_int_equal(self.n_events, 0);
    mbar_engine_free(engine);
}

/* A strategy of an older header: what it does not know is not called. */
static void test_shorter_struct(void **state)
{
    (void)state;
    mbar_engine *engine = stairs_engine(MBAR_POLICY_STRICT, 3);
    odd self = {0};
    mbar_strategy old = ODD;
    old.struct_bytes = offsetof(mbar_strategy, on_end);
    run_engine(engine, &old, &self);
    assert_int_equal(self.n, 3);
    assert_int_equal(self.n_ends, 0);
    mbar_engine_free(engine);
}

/* ---- Two assets with no common minute -------------------------------------------------- */

static mbar_status buy_both(mbar_engine *engine, odd *self, mbar_error *error)
{
    mbar_order_id id;
    for (int32_t asset = 0; asset < 2 && self->n == 1; asset++) {
        mbar_order_request request = order_for(asset, MBAR_SIDE_BUY, 1);
        mbar_status status = mbar_engine_submit(engine, &request, &id, error);
        if (status != MBAR_OK) {
            return status;
        }
    }
    return MBAR_OK;
}

static void test_no_common_minute(void **state)
{
    (void)state;
    int64_t start_ns = at("2024-01-03T00:00Z");
    make_stairs(&bars, 5, start_ns, 2 * MBAR_MINUTE_NS);
    make_stairs(&others, 5, start_ns + MBAR_MINUTE_NS, 2 * MBAR_MINUTE_NS);
    mbar_engine *engine = engine_of(NULL);
    odd self = {.act = buy_both};
    add_asset(engine, "EVEN", MBAR_ASSET_STOCK, minutes_of(&bars));
    add_asset(engine, "ODD", MBAR_ASSET_STOCK, minutes_of(&others));
    run_engine(engine, &ODD, &self);
    assert_int_equal(self.n, 10);
    mbar_table *fills = engine_table(engine, "fills");
    assert_int_equal(mbar_table_rows(fills), 2);
    assert_ns_equal(table_int64(fills, "bar", 0), start_ns + MBAR_MINUTE_NS);
    assert_ns_equal(table_int64(fills, "bar", 1), start_ns + 2 * MBAR_MINUTE_NS);
    mbar_table_unref(fills);
    assert_true(mbar_engine_value(engine) == 100000 - 10 - 11 + 14.5 + 14.5);
    mbar_engine_free(engine);
}

/* ---- Dividends and splits --------------------------------------------------------------- */

/* Six days; the fourth pays 0.5 and splits two for one. */
static mbar_series *days_with_actions(void)
{
    make_stairs(&bars, 6, at("2024-01-03T05:00Z"), MBAR_DAY_NS);
    const double dividend[] = {0, 0, 0, 0.5, 0, 0}, splits[] = {0, 0, 0, 2, 0, 0};
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.step = MBAR_STEP_DAY;
    options.period_ns = MBAR_DAY_NS;
    return series_of(table_of(stamps("timestamp", MBAR_UNIT_NS, "UTC", 6, bars.times),
                              doubles("open", 6, bars.open), doubles("high", 6, bars.high),
                              doubles("low", 6, bars.low), doubles("close", 6, bars.close),
                              doubles("volume", 6, bars.volume), doubles("dividend", 6, dividend),
                              doubles("stock_splits", 6, splits), NULL),
                     &options);
}

/* Buys ten at once, and leaves an order that no bar fills. */
static mbar_status hold(mbar_engine *engine, odd *self, mbar_error *error)
{
    mbar_order_id id;
    if (self->n != 1) {
        return MBAR_OK;
    }
    mbar_order_request request = order_for(0, MBAR_SIDE_BUY, 10);
    mbar_status status = mbar_engine_submit(engine, &request, &id, error);
    request.type = MBAR_ORDER_LIMIT;
    request.limit_price = 1;
    return status != MBAR_OK ? status : mbar_engine_submit(engine, &request, &id, error);
}

static void check_actions(mbar_policy policy, double bought)
{
    mbar_engine_options options;
    mbar_engine_options_init(&options);
    options.policy = policy;
    if (policy == MBAR_POLICY_LUMIBOT) {
        options.clock = MBAR_CLOCK_STEP;
        options.sessions = MBAR_SESSIONS_DAILY;
    }
    mbar_engine *engine = engine_of(&options);
    odd self = {.act = hold};
    add_asset(engine, "X", MBAR_ASSET_STOCK, days_with_actions());
    run_engine(engine, &ODD, &self);
    assert_int_equal(mbar_engine_order(engine, 2)->status, MBAR_STATUS_CANCELED);
    assert_true(mbar_engine_position(engine, 0)->quantity == 20);
    assert_true(mbar_engine_position(engine, 0)->avg_price == bought / 2);
    mbar_table *log = engine_table(engine, "corporate");
    assert_int_equal(mbar_table_rows(log), 2);
    double entitled = table_double(log, "quantity", 1);
    assert_true(table_double(log, "per_unit", 0) == 2 && table_double(log, "quantity", 0) == 10);
    assert_true(table_double(log, "per_unit", 1) == 0.5);
    assert_true(table_double(log, "amount", 1) == 0.5 * entitled);
    /* The split comes first, so what is paid is paid on what it made. */
    assert_true(entitled == 20);
    assert_true(mbar_engine_cash(engine) == 100000 - 10 * bought + 0.5 * entitled);
    mbar_table_unref(log);
    mbar_engine_free(engine);
}

static void test_dividends_and_splits(void **state)
{
    (void)state;
    check_actions(MBAR_POLICY_STRICT, 11);
    check_actions(MBAR_POLICY_LUMIBOT, 11);
}

/* ---- Assets without bars, at any time --------------------------------------------------- */

static mbar_status add_more(mbar_engine *engine, odd *self, mbar_error *error)
{
    (void)self;
    for (int i = 0; i < 3; i++) {
        mbar_asset asset = asset_of("MORE", MBAR_ASSET_STOCK);
        int32_t number;
        mbar_status status = mbar_engine_add_asset(engine, &asset, NULL, &number, error);
        if (status != MBAR_OK) {
            return status;
        }
    }
    mbar_order_id id;
    mbar_order_request request = order_for(1, MBAR_SIDE_BUY, 1);
    assert_fails(MBAR_INVALID, "no bars", mbar_engine_submit(engine, &request, &id, &error));
    request.asset = 0;
    return mbar_engine_submit(engine, &request, &id, error);
}

static void test_assets_added_while_running(void **state)
{
    (void)state;
    mbar_engine *engine = stairs_engine(MBAR_POLICY_STRICT, 50);
    odd self = {.act = add_more};
    run_engine(engine, &ODD, &self);
    assert_int_equal(self.n, 50);
    assert_int_equal(mbar_engine_assets(engine), 151);
    assert_true(mbar_engine_position(engine, 0)->quantity == 49);
    mbar_table *rows = engine_table(engine, "iterations");
    double paid = 0;
    for (int64_t row = 0; row < 50; row++) {
        paid += row > 0 ? 10 + (double)row : 0;
        double value = 100000 - paid + (double)row * (10.5 + (double)row);
        assert_true(table_double(rows, "portfolio_value", row) == value);
        assert_int_equal(table_int64(rows, "events", row), 1 + 2 * row);
    }
    mbar_table_unref(rows);
    mbar_engine_free(engine);
}

/* ---- Cash and multipliers ------------------------------------------------------------------ */

static mbar_status change_cash(mbar_engine *engine, odd *self, mbar_error *error)
{
    if (self->n == 3) {
        mbar_engine_set_cash(engine, 5);
        assert_true(mbar_engine_value(engine) == 5);
    }
    return self->n == 4 ? mbar_engine_set_multiplier(engine, 0, 5, error) : MBAR_OK;
}

static void test_cash_in_rows(void **state)
{
    (void)state;
    mbar_engine *engine = stairs_engine(MBAR_POLICY_STRICT, 5);
    odd self = {.act = change_cash};
    run_engine(engine, &ODD, &self);
    mbar_table *rows = engine_table(engine, "iterations");
    for (int64_t row = 0; row < 5; row++) {
        assert_true(table_double(rows, "cash", row) == (row < 2 ? 100000 : 5));
        assert_true(table_double(rows, "portfolio_value", row) == (row < 2 ? 100000 : 5));
    }
    assert_true(mbar_engine_asset(engine, 0)->multiplier == 5);
    mbar_table_unref(rows);
    mbar_engine_free(engine);
}

static void test_no_rows_wanted(void **state)
{
    (void)state;
    mbar_engine_options options;
    mbar_engine_options_init(&options);
    options.record_iterations = false;
    make_stairs(&bars, 5, 0, MBAR_MINUTE_NS);
    mbar_engine *engine = engine_of(&options);
    odd self = {0};
    add_asset(engine, "X", MBAR_ASSET_STOCK, minutes_of(&bars));
    run_engine(engine, &ODD, &self);
    assert_int_equal(self.n, 5);
    assert_int_equal(n_rows(engine, "iterations"), 0);
    mbar_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_nothing_to_run_over),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_failure_ends_the_run),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_sleep),
        cmocka_unit_test(test_rows_after_sleep),
        cmocka_unit_test(test_ten_thousand_orders_a_bar),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_shorter_struct),
        cmocka_unit_test(test_no_common_minute),
        cmocka_unit_test(test_dividends_and_splits),
        cmocka_unit_test(test_assets_added_while_running),
        cmocka_unit_test(test_cash_in_rows),
        cmocka_unit_test(test_no_rows_wanted),
    };
    return cmocka_run_group_tests(tests, use_tzdata, drop_zones);
}
