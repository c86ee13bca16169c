/* test_engine_strict.c - STRICT: what is seen, what fills when, and that nothing of it
 * depends on what comes later, on the start, or on chance. */
#include "engine_support.h"
#include "shared_files.h"

/* ---- Next-open fills: the figures of other engines ------------------------------ */

static void check_cross(const char *name, int64_t n_fills, double profit)
{
    mbar_series *series = shared_series(name); /* or skips, holding nothing */
    mbar_engine *engine = engine_of(NULL);
    cross self = {.asset = add_asset(engine, "X", MBAR_ASSET_STOCK, series)};
    run_engine(engine, &CROSS, &self);
    mbar_table *fills = engine_table(engine, "fills"), *rows = engine_table(engine, "iterations");
    int64_t n = mbar_table_rows(rows);
    assert_int_equal(mbar_table_rows(fills), n_fills);
    assert_int_equal(n, mbar_series_rows(mbar_engine_series(engine, self.asset)));
    assert_true(fabs(table_double(rows, "portfolio_value", n - 1) - 100000 - profit) < 0.005);
    assert_true(mbar_engine_value(engine) == table_double(rows, "portfolio_value", n - 1));
    mbar_table_unref(fills);
    mbar_table_unref(rows);
    mbar_engine_free(engine);
}

static void test_cross_of_averages(void **state)
{
    (void)state;
    check_cross("MES_1m_2026Q1", 1195, -141.00);
    check_cross("BTCUSD_1m_bitfinex_2018_2019", 21231, 12027.54);
}

/* What rows say is what the engine said at the time, kept or worked out. */
typedef struct ledger_watch {
    cross cross;
    int64_t n;
    double cash[MAX_BARS], value[MAX_BARS];
    int64_t times[MAX_BARS], events[MAX_BARS];
} ledger_watch;

static mbar_status watch_iterate(mbar_engine *engine, void *state, mbar_error *error)
{
    ledger_watch *self = state;
    mbar_status status = cross_iterate(engine, &self->cross, error);
    self->times[self->n] = mbar_engine_now_ns(engine);
    self->cash[self->n] = mbar_engine_cash(engine);
    self->value[self->n] = mbar_engine_value(engine);
    self->events[self->n++] = mbar_engine_events(engine);
    return status;
}

static void check_rows(mbar_asset_kind kind)
{
    static made_bars bars;
    static ledger_watch self;
    make_walk(&bars, 3000, 0, MBAR_MINUTE_NS, 99, 12);
    bars.close[1500] = NAN;
    self = (ledger_watch){.n = 0};
    mbar_engine *engine = engine_of(NULL);
    self.cross.asset = add_asset(engine, "X", kind, minutes_of(&bars));
    mbar_strategy strategy = CROSS;
    strategy.on_trading_iteration = watch_iterate;
    run_engine(engine, &strategy, &self);
    mbar_table *rows = engine_table(engine, "iterations");
    assert_int_equal(mbar_table_rows(rows), self.n);
    assert_true(mbar_engine_orders(engine) > 20);
    for (int64_t row = 0; row < self.n; row++) {
        assert_ns_equal(table_int64(rows, "timestamp", row), self.times[row]);
        assert_true(table_double(rows, "cash", row) == self.cash[row]);
        assert_true(table_double(rows, "portfolio_value", row) == self.value[row]);
        assert_int_equal(table_int64(rows, "events", row), self.events[row]);
    }
    mbar_table_unref(rows);
    mbar_engine_free(engine);
}

static void test_rows(void **state)
{
    (void)state;
    check_rows(MBAR_ASSET_STOCK);
    check_rows(MBAR_ASSET_FUTURE);
    check_rows(MBAR_ASSET_CRYPTO);
}

/* ---- When an order fills ---------------------------------------------------------- */

/* Buys one at the second iteration; notes when what was told. */
typedef struct buyer {
    int64_t n;
    int64_t told_ns[8];
    mbar_event events[8];
    int n_events;
    double seen_close, seen_rows;
    mbar_order_request request;
} buyer;

static mbar_status buyer_iterate(mbar_engine *engine, void *state, mbar_error *error)
{
    buyer *self = state;
    mbar_order_id id;
    if (++self->n != 2) {
        return MBAR_OK;
    }
    self->seen_close = mbar_engine_last_price(engine, 0);
    self->seen_rows = (double)mbar_engine_visible_rows(engine, 0);
    return mbar_engine_submit(engine, &self->request, &id, error);
}

static mbar_status buyer_event(mbar_engine *engine, void *state, const mbar_event *event,
                               mbar_error *error)
{
    buyer *self = state;
    (void)error;
    assert_true(self->n_events < 8);
    self->told_ns[self->n_events] = mbar_engine_now_ns(engine);
    self->events[self->n_events++] = *event;
    return MBAR_OK;
}

static const mbar_strategy BUYER = {
    .struct_bytes = sizeof(mbar_strategy),
    .on_trading_iteration = buyer_iterate,
    .on_order_event = buyer_event,
};

static void test_fill_at_next_open(void **state)
{
    (void)state;
    static made_bars bars;
    make_stairs(&bars, 6, 0, MBAR_MINUTE_NS);
    mbar_engine *engine = engine_of(NULL);
    buyer self = {.request = order_for(0, MBAR_SIDE_BUY, 1)};
    add_asset(engine, "X", MBAR_ASSET_STOCK, minutes_of(&bars));
    run_engine(engine, &BUYER, &self);
    /* Submitted at the close of bar 1, 00:02: bars 0 and 1 show. */
    assert_true(self.seen_close == 11.5 && self.seen_rows == 2);
    assert_int_equal(self.n_events, 2);
    assert_int_equal(self.events[0].kind, MBAR_EVENT_NEW);
    assert_ns_equal(self.told_ns[0], 2 * MBAR_MINUTE_NS);
    assert_int_equal(self.events[1].kind, MBAR_EVENT_FILLED);
    assert_true(self.events[1].price == 12);
    assert_ns_equal(self.events[1].bar_ns, 2 * MBAR_MINUTE_NS);
    assert_ns_equal(self.events[1].ns, 3 * MBAR_MINUTE_NS);
    assert_ns_equal(self.told_ns[1], 3 * MBAR_MINUTE_NS);
    mbar_table *rows = engine_table(engine, "iterations");
    assert_int_equal(mbar_table_rows(rows), 6);
    assert_true(table_double(rows, "portfolio_value", 1) == 100000);
    assert_true(table_double(rows, "cash", 2) == 100000 - 12);
    assert_true(table_double(rows, "portfolio_value", 2) == 100000 - 12 + 12.5);
    assert_ns_equal(table_int64(rows, "timestamp", 2), 3 * MBAR_MINUTE_NS);
    mbar_table_unref(rows);
    mbar_engine_free(engine);
}

static void test_no_fill_without_volume_or_in_a_gap(void **state)
{
    (void)state;
    static made_bars bars;
    make_stairs(&bars, 6, 0, MBAR_MINUTE_NS);
    bars.volume[2] = 0;
    for (int64_t i = 3; i < bars.n; i++) {
        bars.times[i] += 90 * MBAR_MINUTE_NS;
    }
    mbar_engine *engine = engine_of(NULL);
    buyer self = {.request = order_for(0, MBAR_SIDE_BUY, 1)};
    add_asset(engine, "X", MBAR_ASSET_STOCK, minutes_of(&bars));
    run_engine(engine, &BUYER, &self);
    assert_int_equal(self.n_events, 2);
    assert_true(self.events[1].price == 13);
    assert_ns_equal(self.events[1].bar_ns, 93 * MBAR_MINUTE_NS);
    mbar_engine_free(engine);
}

/* Two assets: an order placed at one's close cannot meet the other's bar under way. */
static void test_bar_under_way_is_not_met(void **state)
{
    (void)state;
    static made_bars minutes, fives;
    make_stairs(&minutes, 20, 0, MBAR_MINUTE_NS);
    make_stairs(&fives, 4, 0, 5 * MBAR_MINUTE_NS);
    mbar_engine *engine = engine_of(NULL);
    buyer self = {.request = order_for(1, MBAR_SIDE_BUY, 1)};
    add_asset(engine, "ONE", MBAR_ASSET_STOCK, minutes_of(&minutes));
    add_asset(engine, "FIVE", MBAR_ASSET_STOCK,
              series_of_bars(&fives, MBAR_STEP_MINUTE, 5 * MBAR_MINUTE_NS));
    run_engine(engine, &BUYER, &self);
    assert_int_equal(self.n_events, 2);
    assert_ns_equal(self.events[1].bar_ns, 5 * MBAR_MINUTE_NS);
    assert_true(self.events[1].price == 11);
    assert_ns_equal(self.told_ns[1], 10 * MBAR_MINUTE_NS);
    assert_int_equal(mbar_engine_iterations(engine), 20);
    mbar_engine_free(engine);
}

/* Under a clock of steps bars match as they close, in between. */
static void test_steps_match_on_the_way(void **state)
{
    (void)state;
    static made_bars bars;
    make_stairs(&bars, 60, 0, MBAR_MINUTE_NS);
    mbar_engine_options options;
    mbar_engine_options_init(&options);
    options.clock = MBAR_CLOCK_STEP;
    options.step_ns = 10 * MBAR_MINUTE_NS;
    options.start_ns = 10 * MBAR_MINUTE_NS;
    mbar_engine *engine = engine_of(&options);
    buyer self = {.request = order_for(0, MBAR_SIDE_BUY, 1)};
    add_asset(engine, "X", MBAR_ASSET_STOCK, minutes_of(&bars));
    run_engine(engine, &BUYER, &self);
    assert_true(self.seen_rows == 20);
    assert_ns_equal(self.events[1].bar_ns, 20 * MBAR_MINUTE_NS);
    assert_ns_equal(self.told_ns[1], 21 * MBAR_MINUTE_NS);
    assert_int_equal(mbar_engine_iterations(engine), 6);
    mbar_engine_free(engine);
}

/* ---- A strategy that looks at everything and acts by what it saw ------------------- */

enum { LOG_BYTES = 1 << 22 };

typedef struct witness {
    unsigned char *log;
    size_t n_bytes;
    size_t at_row[MAX_BARS + 1], after_row[MAX_BARS + 1]; /* bytes before, after that iteration */
    int64_t times[MAX_BARS + 1];
    int64_t n;
    bool acts;
    uint64_t hash;
    int32_t indicators[3];
} witness;

static void note(witness *self, const void *bytes, size_t n)
{
    const unsigned char *from = bytes;
    assert_true(self->n_bytes + n <= LOG_BYTES);
    memcpy(self->log + self->n_bytes, bytes, n);
    self->n_bytes += n;
    for (size_t i = 0; i < n; i++) {
        self->hash = (self->hash ^ from[i]) * UINT64_C(1099511628211);
    }
}

static void note_double(witness *self, double value)
{
    value = isnan(value) ? NAN : value;
    note(self, &value, sizeof value);
}

static mbar_status witness_initialize(mbar_engine *engine, void *state, mbar_error *error)
{
    witness *self = state;
    const double period = 9;
    const char *names[] = {"sma", "atr", "ema"};
    for (int i = 0; i < 3; i++) {
        mbar_status status = mbar_engine_indicator(engine, i % mbar_engine_assets(engine), names[i],
                                                   &period, 1, &self->indicators[i], error);
        if (status != MBAR_OK) {
            return status;
        }
    }
    return MBAR_OK;
}

static void look(witness *self, mbar_engine *engine)
{
    int64_t now_ns = mbar_engine_now_ns(engine);
    note(self, &now_ns, sizeof now_ns);
    for (int32_t asset = 0; asset < mbar_engine_assets(engine); asset++) {
        mbar_window window;
        mbar_error error;
        must(mbar_engine_window(engine, asset, 20, 0, &window, &error), &error);
        const mbar_series *series = mbar_engine_series(engine, asset);
        assert_int_equal(mbar_engine_visible_rows(engine, asset), window.first + window.n_rows);
        for (int64_t row = window.first; row < window.first + window.n_rows; row++) {
            assert_true(mbar_series_times(series)[row] + mbar_series_period_ns(series) <= now_ns);
            note(self, &mbar_series_times(series)[row], sizeof(int64_t));
            note_double(self, series_doubles(series, "close")[row]);
            note_double(self, series_doubles(series, "volume")[row]);
        }
        note_double(self, mbar_engine_last_price(engine, asset));
    }
    for (int i = 0; i < 3; i++) {
        for (int64_t back = 0; back < 3; back++) {
            note_double(self, mbar_engine_indicator_value(engine, self->indicators[i], 0, back));
        }
    }
}

static void account(witness *self, mbar_engine *engine)
{
    note_double(self, mbar_engine_cash(engine));
    note_double(self, mbar_engine_value(engine));
    for (int32_t asset = 0; asset < mbar_engine_assets(engine); asset++) {
        note_double(self, mbar_engine_position(engine, asset)->quantity);
        note_double(self, mbar_engine_position(engine, asset)->avg_price);
    }
}

/* An order of some type, side and class, drawn from what has been seen. */
static mbar_status act(witness *self, mbar_engine *engine, mbar_error *error)
{
    uint64_t seed = self->hash | 1;
    if (draw(&seed, 3) == 0) {
        mbar_order_id active = mbar_engine_next_active(engine, 0);
        mbar_status status = active != 0 ? mbar_engine_cancel(engine, active, error) : MBAR_OK;
        if (status != MBAR_OK) {
            return status;
        }
    }
    if (draw(&seed, 2) == 0) {
        return MBAR_OK;
    }
    int32_t asset = (int32_t)draw(&seed, (uint64_t)mbar_engine_assets(engine));
    double price = mbar_engine_last_price(engine, asset);
    if (!(price > 10 && price < 1e6)) {
        return MBAR_OK;
    }
    mbar_order_request request = order_for(asset, draw(&seed, 2) ? MBAR_SIDE_BUY : MBAR_SIDE_SELL,
                                           1 + (double)draw(&seed, 4));
    double away = ((double)draw(&seed, 9) - 4) * 0.25;
    request.type = (mbar_order_type)draw(&seed, 5);
    request.tif = (mbar_tif)draw(&seed, 5);
    request.good_till_ns = mbar_engine_now_ns(engine) + 10 * MBAR_MINUTE_NS;
    if (request.type == MBAR_ORDER_LIMIT || request.type == MBAR_ORDER_STOP_LIMIT) {
        request.limit_price = price + away;
    }
    if (request.type == MBAR_ORDER_STOP || request.type == MBAR_ORDER_STOP_LIMIT) {
        request.stop_price = price - away;
    }
    if (request.type == MBAR_ORDER_TRAIL) {
        request.trail_amount = 1;
    }
    if (draw(&seed, 3) == 0) {
        double sign = mbar_side_sign(request.side);
        request.order_class = MBAR_CLASS_BRACKET;
        request.child_limit_price = price + sign * 2;
        request.child_stop_price = price - sign * 2;
    }
    mbar_order_id id;
    mbar_status status = mbar_engine_submit(engine, &request, &id, error);
    note(self, &id, sizeof id);
    return status;
}

static mbar_status witness_iterate(mbar_engine *engine, void *state, mbar_error *error)
{
    witness *self = state;
    mbar_status status = MBAR_OK;
    self->at_row[self->n] = self->n_bytes;
    self->times[self->n] = mbar_engine_now_ns(engine);
    look(self, engine);
    if (self->acts) {
        account(self, engine);
        status = act(self, engine, error);
    }
    self->after_row[self->n++] = self->n_bytes;
    return status;
}

static mbar_status witness_event(mbar_engine *engine, void *state, const mbar_event *event,
                                 mbar_error *error)
{
    witness *self = state;
    (void)error;
    int64_t told[] = {mbar_engine_now_ns(engine), event->ns, event->order, event->kind,
                      event->bar_ns};
    note(self, told, sizeof told);
    note_double(self, event->price);
    note_double(self, event->quantity);
    note_double(self, event->fee);
    return MBAR_OK;
}

static const mbar_strategy WITNESS = {
    .struct_bytes = sizeof(mbar_strategy),
    .initialize = witness_initialize,
    .on_trading_iteration = witness_iterate,
    .on_order_event = witness_event,
};

static witness *new_witness(bool acts)
{
    witness *self = calloc(1, sizeof *self);
    self->log = malloc(LOG_BYTES);
    self->acts = acts;
    self->hash = UINT64_C(14695981039346656037);
    return self;
}

static void free_witness(witness *self)
{
    free(self->log);
    free(self);
}

static mbar_engine *witness_run(witness *self, const made_bars *one, const made_bars *two,
                                int64_t start_ns)
{
    const mbar_fee fee = {.flat = 0.5, .percent = 0.001, .maker = true, .taker = true};
    mbar_engine_options options;
    mbar_engine_options_init(&options);
    options.start_ns = start_ns;
    options.buy_fees = options.sell_fees = &fee;
    options.n_buy_fees = options.n_sell_fees = 1;
    mbar_engine *engine = engine_of(&options);
    add_asset(engine, "ONE", MBAR_ASSET_FUTURE, minutes_of(one));
    add_asset(engine, "TWO", MBAR_ASSET_STOCK,
              series_of_bars(two, MBAR_STEP_MINUTE, 3 * MBAR_MINUTE_NS));
    run_engine(engine, &WITNESS, self);
    return engine;
}

static made_bars walk_one, walk_two, poisoned_one, poisoned_two;

static void make_walks(void)
{
    make_walk(&walk_one, 700, at("2024-03-10T05:00Z"), MBAR_MINUTE_NS, 11, 10);
    make_walk(&walk_two, 230, at("2024-03-10T05:01Z"), 3 * MBAR_MINUTE_NS, 12, 10);
}

/* Everything that has not closed by at_ns becomes garbage, stamps included. */
static void poison(made_bars *to, const made_bars *from, int64_t at_ns, int64_t period_ns,
                   uint64_t seed)
{
    const double garbage[] = {NAN, INFINITY, -INFINITY, 0, -1, 1e300, 1e-300, 100};
    *to = *from;
    int64_t shift_ns = 0;
    for (int64_t i = 0; i < to->n; i++) {
        if (to->times[i] + period_ns <= at_ns) {
            continue;
        }
        shift_ns += (int64_t)draw(&seed, 4) * MBAR_SECOND_NS;
        to->times[i] += shift_ns;
        to->open[i] = garbage[draw(&seed, 8)];
        to->high[i] = garbage[draw(&seed, 8)];
        to->low[i] = garbage[draw(&seed, 8)];
        to->close[i] = garbage[draw(&seed, 8)];
        to->volume[i] = garbage[draw(&seed, 8)];
    }
}

static void test_poison(void **state)
{
    (void)state;
    make_walks();
    witness *clean = new_witness(true);
    mbar_engine_free(witness_run(clean, &walk_one, &walk_two, INT64_MIN));
    assert_true(clean->n > 600);
    int64_t n_fills = 0;
    for (int64_t row = 5; row < clean->n; row += 13) {
        int64_t at_ns = clean->times[row];
        poison(&poisoned_one, &walk_one, at_ns, MBAR_MINUTE_NS, (uint64_t)row + 1);
        poison(&poisoned_two, &walk_two, at_ns, 3 * MBAR_MINUTE_NS, (uint64_t)row + 2);
        witness *poisoned = new_witness(true);
        mbar_engine *engine = witness_run(poisoned, &poisoned_one, &poisoned_two, INT64_MIN);
        size_t n_bytes = clean->after_row[row];
        assert_true(poisoned->n > row && poisoned->after_row[row] == n_bytes);
        assert_memory_equal(poisoned->log, clean->log, n_bytes);
        n_fills += mbar_engine_events(engine) > 0;
        mbar_engine_free(engine);
        free_witness(poisoned);
    }
    assert_true(n_fills > 0);
    free_witness(clean);
}

static void test_start_date_changes_nothing_seen(void **state)
{
    (void)state;
    make_walks();
    witness *whole = new_witness(false);
    mbar_engine_free(witness_run(whole, &walk_one, &walk_two, INT64_MIN));
    for (int64_t row = 1; row < whole->n; row += 97) {
        witness *late = new_witness(false);
        mbar_engine_free(witness_run(late, &walk_one, &walk_two, whole->times[row]));
        assert_int_equal(late->n, whole->n - row);
        size_t from = whole->at_row[row];
        assert_int_equal(late->n_bytes, whole->n_bytes - from);
        assert_memory_equal(late->log, whole->log + from, late->n_bytes);
        free_witness(late);
    }
    free_witness(whole);
}

static void test_same_bits_twice(void **state)
{
    (void)state;
    static const char *const names[] = {"iterations", "orders", "fills", "events"};
    make_walks();
    witness *first = new_witness(true), *second = new_witness(true);
    mbar_engine *a = witness_run(first, &walk_one, &walk_two, INT64_MIN);
    mbar_engine *b = witness_run(second, &walk_one, &walk_two, INT64_MIN);
    assert_int_equal(first->n_bytes, second->n_bytes);
    assert_memory_equal(first->log, second->log, first->n_bytes);
    for (int i = 0; i < 4; i++) {
        mbar_table *left = engine_table(a, names[i]), *right = engine_table(b, names[i]);
        assert_true(mbar_table_rows(left) > 50);
        assert_true(mbar_table_equal(left, right));
        mbar_table_unref(left);
        mbar_table_unref(right);
    }
    mbar_engine_free(a);
    mbar_engine_free(b);
    free_witness(first);
    free_witness(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_of_averages),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_fill_at_next_open),
        cmocka_unit_test(test_no_fill_without_volume_or_in_a_gap),
        cmocka_unit_test(test_bar_under_way_is_not_met),
        cmocka_unit_test(test_steps_match_on_the_way),
        cmocka_unit_test(test_poison),
        cmocka_unit_test(test_start_date_changes_nothing_seen),
        cmocka_unit_test(test_same_bits_twice),
    };
    return cmocka_run_group_tests(tests, use_tzdata, drop_zones);
}
