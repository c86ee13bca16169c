/* test_book_random.c - random orders on both books, and what must hold after every bar. */
#include "sim_support.h"

enum { ASSETS = 3, BARS = 300, RUNS = 40 };

struct desk {
    mbar_policy policy;
    mbar_ledger *ledger;
    mbar_book *book;
    mbar_bar bars[ASSETS];
    double level[ASSETS];
    int64_t now_ns;
    uint64_t seed;
};

/* xorshift64* */
static uint64_t random_bits(struct desk *desk)
{
    desk->seed ^= desk->seed >> 12;
    desk->seed ^= desk->seed << 25;
    desk->seed ^= desk->seed >> 27;
    return desk->seed * UINT64_C(2685821657736338717);
}

static int64_t random_below(struct desk *desk, int64_t n)
{
    return (int64_t)(random_bits(desk) >> 33) % n;
}

/* A quarter near the level. */
static double random_price(struct desk *desk, int32_t asset)
{
    return desk->level[asset] + 0.25 * (double)(random_below(desk, 41) - 20);
}

static mbar_book_data give_bar(void *ctx, const mbar_order *order, const mbar_bar **out)
{
    struct desk *desk = ctx;
    *out = &desk->bars[order->asset];
    bool is_later = (*out)->open_ns >= order->placed_ns;
    return is_later || desk->policy == MBAR_POLICY_LUMIBOT ? MBAR_BOOK_BAR : MBAR_BOOK_WAIT;
}

/* ---- Steps ---------------------------------------------------------------- */

static void submit_one(struct desk *desk)
{
    int32_t asset = (int32_t)random_below(desk, ASSETS);
    mbar_order_request request =
        request_of(asset, (mbar_side)random_below(desk, 8), (mbar_order_type)random_below(desk, 5),
                   (double)(1 + random_below(desk, 30)));
    mbar_order_id id;
    request.order_class = (mbar_order_class)random_below(desk, 4);
    request.tif = (mbar_tif)random_below(desk, 5);
    request.good_till_ns = desk->now_ns + random_below(desk, 20) * MBAR_MINUTE_NS;
    request.limit_price = random_price(desk, asset);
    request.stop_price = random_price(desk, asset);
    if (request.type == MBAR_ORDER_TRAIL) {
        request.trail_amount = 0.25 * (double)(1 + random_below(desk, 8));
    }
    if (request.order_class != MBAR_CLASS_OTO || random_below(desk, 2) == 0) {
        request.child_limit_price = random_price(desk, asset);
    } else {
        request.child_stop_price = random_price(desk, asset);
    }
    if (request.order_class == MBAR_CLASS_BRACKET && random_below(desk, 3) > 0) {
        request.child_stop_price = random_price(desk, asset);
    }
    mbar_error error;
    mbar_status status = mbar_book_submit(desk->book, &request, desk->now_ns, &id, &error);
    /* A date that has passed is the one thing here to refuse. */
    if (status != MBAR_OK && (status != MBAR_INVALID || request.tif != MBAR_TIF_GTD)) {
        fail_msg("%s", error.message);
    }
}

static void touch_one(struct desk *desk)
{
    int64_t n = mbar_book_orders(desk->book);
    if (n == 0) {
        return;
    }
    int64_t recent = n < 20 ? n : 20;
    mbar_order_id id = n - random_below(desk, recent);
    const mbar_order *order = mbar_book_order(desk->book, id);
    mbar_error error;
    mbar_status status = MBAR_OK;
    switch (random_below(desk, 12)) {
    case 0:
        status = mbar_book_cancel_all(desk->book, desk->now_ns, &error);
        break;
    case 1:
    case 2:
    case 3:
        status = mbar_book_cancel(desk->book, id, desk->now_ns, &error);
        break;
    default:
        status = mbar_book_modify(desk->book, id, random_price(desk, order->asset),
                                  random_price(desk, order->asset), NAN, desk->now_ns, &error);
    }
    if (status != MBAR_OK && status != MBAR_INVALID) {
        fail_msg("%s", error.message);
    }
}

static bool never_closed(void *ctx)
{
    (void)ctx;
    return false;
}

static void next_bars(struct desk *desk)
{
    mbar_book_market market = {give_bar, desk, never_closed};
    for (int32_t i = 0; i < ASSETS; i++) {
        double open = desk->level[i], close = random_price(desk, i);
        double above = 0.25 * (double)random_below(desk, 12);
        double below = 0.25 * (double)random_below(desk, 12);
        desk->bars[i] = bar_of(desk->now_ns / MBAR_MINUTE_NS, open, fmax(open, close) + above,
                               fmin(open, close) - below, close);
        desk->bars[i].volume = (double)random_below(desk, 400);
        desk->level[i] = close > 50 ? close : 50;
    }
    desk->now_ns += MBAR_MINUTE_NS;
    assert_ok(mbar_book_match(desk->book, desk->now_ns, &market, &error));
}

/* ---- What must hold ------------------------------------------------------- */

static void check_active(const struct desk *desk)
{
    int64_t n = mbar_book_orders(desk->book), n_walked = 0, n_open = 0;
    for (mbar_order_id id = 0; (id = mbar_book_next_active(desk->book, id)) != 0;) {
        assert_true(mbar_book_order(desk->book, id)->status <= MBAR_STATUS_PARTIAL);
        assert_true(++n_walked <= n);
    }
    for (mbar_order_id id = 1; id <= n; id++) {
        const mbar_order *order = mbar_book_order(desk->book, id);
        bool is_open = order->status <= MBAR_STATUS_PARTIAL;
        n_open += is_open && order->placed_ns != INT64_MIN; /* else a child that waits */
        assert_true(is_open == (order->closed_ns == INT64_MIN));
        assert_true(order->filled >= 0 && order->filled <= order->quantity + 1e-9);
        assert_true(!is_open || mbar_book_is_active(desk->book, id));
    }
    assert_int_equal(n_walked, n_open);
}

/* Of two siblings together no more is filled than of their parent, or asked by it. */
static void check_siblings(const struct desk *desk)
{
    for (mbar_order_id id = 1; id <= mbar_book_orders(desk->book); id++) {
        const mbar_order *order = mbar_book_order(desk->book, id);
        if (mbar_order_sibling(order) > id) {
            const mbar_order *sibling = mbar_book_order(desk->book, mbar_order_sibling(order));
            const mbar_order *parent = mbar_book_order(desk->book, order->parent);
            double most = parent->order_class == MBAR_CLASS_OCO ? parent->quantity : parent->filled;
            assert_true(order->filled + sibling->filled <= most + 1e-9);
        }
    }
}

/* Positions and fees are those of the fills in the log; no fill is before its order. */
static double check_fills(const struct desk *desk)
{
    double held[ASSETS] = {0}, fees = 0;
    for (int64_t i = 0; i < mbar_book_events(desk->book); i++) {
        const mbar_event event = mbar_book_event(desk->book, i);
        if (event.kind != MBAR_EVENT_FILLED && event.kind != MBAR_EVENT_PARTIAL) {
            continue;
        }
        const mbar_order *order = mbar_book_order(desk->book, event.order);
        held[order->asset] += mbar_side_sign(order->side) * event.quantity;
        fees += event.fee;
        assert_true(event.bar_ns >= order->created_ns || desk->policy == MBAR_POLICY_LUMIBOT);
    }
    for (int32_t i = 0; i < ASSETS; i++) {
        /* Shares of a volume are no binary fractions, and the ledger drops their dust. */
        double quantity = mbar_ledger_position(desk->ledger, i)->quantity;
        assert_true(fabs(quantity - held[i]) < 1e-9);
        assert_int_equal(mbar_ledger_holding(desk->ledger, i)->is_held, fabs(held[i]) > 1e-9);
    }
    return fees;
}

/* STRICT: what there is, is what there was, what was gained and what is not yet. */
static void check_value(const struct desk *desk, double fees)
{
    double prices[ASSETS], expected = 100000 - fees;
    for (int32_t i = 0; i < ASSETS; i++) {
        const mbar_position *position = mbar_ledger_position(desk->ledger, i);
        prices[i] = desk->bars[i].close;
        expected += position->realized;
        if (position->quantity != 0) {
            expected += (prices[i] - position->avg_price) * position->quantity * 5;
        }
    }
    double value = mbar_ledger_value(desk->ledger, prices);
    if (fabs(value - expected) > 1e-6) {
        fail_msg("worth %.9f, not %.9f", value, expected);
    }
}

static int64_t drain(struct desk *desk)
{
    int64_t n = 0;
    for (int64_t i; (i = mbar_book_next_event(desk->book)) >= 0; n++) {
        mbar_book_settle(desk->book, i);
    }
    return n;
}

static void play(mbar_policy policy, uint64_t seed)
{
    const mbar_frictions frictions = {.volume_share = seed % 2 == 0 ? 0.05 : 0};
    const mbar_fee fee = {.flat = 1, .per_contract = 0.62, .maker = true, .taker = true};
    struct desk desk = {.policy = policy, .seed = seed * 77 + 1, .level = {100, 100, 100}};
    desk.ledger = ledger_new(policy, 100000);
    ledger_add(desk.ledger, MBAR_ASSET_FUTURE, "A", 5, 1300);
    ledger_add(desk.ledger, MBAR_ASSET_STOCK, "B", 5, 0);
    ledger_add(desk.ledger, MBAR_ASSET_CRYPTO, "C", 5, 0);
    assert_ok(mbar_ledger_set_fees(desk.ledger, &fee, 1, &fee, 1, &error));
    assert_ok(mbar_book_new(policy, desk.ledger, &frictions, NULL, &desk.book, &error));
    for (int i = 0; i < BARS; i++) {
        for (int64_t k = random_below(&desk, 4); k > 0; k--) {
            submit_one(&desk);
        }
        if (random_below(&desk, 3) == 0) {
            touch_one(&desk);
        }
        next_bars(&desk);
        drain(&desk);
        if (i % 10 == 9) {
            check_active(&desk);
            double fees = check_fills(&desk);
            if (policy == MBAR_POLICY_STRICT) {
                check_siblings(&desk);
                check_value(&desk, fees);
            }
        }
    }
    assert_int_equal(drain(&desk), 0);
    assert_ok(mbar_book_cancel_all(desk.book, desk.now_ns, &error));
    assert_true(mbar_book_is_idle(desk.book));
    assert_int_equal(mbar_book_next_active(desk.book, 0), 0);
    mbar_book_free(desk.book);
    mbar_ledger_free(desk.ledger);
}

static void test_strict(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        play(MBAR_POLICY_STRICT, seed);
    }
}

static void test_lumibot(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        play(MBAR_POLICY_LUMIBOT, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {leak_checked(test_strict), leak_checked(test_lumibot)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
