/* test_match.c - one order against one bar: lumibot's answers by bits, STRICT's by rule. */
#include "sim_vectors.h"

static const mbar_frictions NO_FRICTION = {0};

static mbar_asset asset_of(mbar_asset_kind kind)
{
    mbar_asset asset;
    mbar_asset_init(&asset);
    asset.symbol = "X";
    asset.kind = kind;
    asset.tick = 0.25;
    return asset;
}

/* ---- LUMIBOT -------------------------------------------------------------- */

static void test_lumibot(void **state)
{
    (void)state;
    static struct sim_lines lines;
    mbar_asset asset = asset_of(MBAR_ASSET_STOCK);
    int64_t n = 0, n_filled = 0;
    for (lines_open(&lines, "sim_match.txt"); lines_next(&lines); n++) {
        lines.at = 0;
        mbar_order order = order_of(0, (mbar_side)read_number(&lines), MBAR_ORDER_MARKET, 1);
        order.type = (mbar_order_type)read_number(&lines);
        order.tif = (mbar_tif)read_number(&lines);
        order.triggered = read_number(&lines) != 0;
        order.trail_stop = read_double(&lines);
        order.limit_price = read_double(&lines);
        order.stop_price = read_double(&lines);
        order.stop_limit_price = read_double(&lines);
        order.trail_amount = read_double(&lines);
        order.trail_percent = read_double(&lines);
        mbar_bar bar = {.volume = 1};
        bar.open = read_double(&lines);
        bar.high = read_double(&lines);
        bar.low = bar.close = read_double(&lines);
        bar.bid = read_double(&lines);
        bar.ask = read_double(&lines);
        bar.is_day = read_number(&lines) != 0;
        mbar_match match =
            mbar_match_order(&order, &bar, MBAR_POLICY_LUMIBOT, &asset, &NO_FRICTION);
        check_bits(&lines, "the price", match.price, read_double(&lines));
        check_number(&lines, "triggered", match.triggered, read_number(&lines));
        check_bits(&lines, "the trailing stop", match.trail_stop, read_double(&lines));
        check_number(&lines, "cancel", match.cancel, read_number(&lines));
        assert_true(match.quantity == (isnan(match.price) ? 0 : 1) && !match.ambiguous);
        n_filled += !isnan(match.price);
    }
    assert_true(n >= 1000 && n_filled >= 300);
}

/* ---- STRICT --------------------------------------------------------------- */

static mbar_match strictly(const mbar_order *order, mbar_bar bar)
{
    mbar_asset asset = asset_of(MBAR_ASSET_FUTURE);
    return mbar_match_order(order, &bar, MBAR_POLICY_STRICT, &asset, &NO_FRICTION);
}

/* The price of a fill of the order in a bar of open 100, high 110, low 90, close 105. */
static double price_in_bar(mbar_side side, mbar_order_type type, double price)
{
    mbar_order order = order_of(0, side, type, 1);
    *(type == MBAR_ORDER_LIMIT ? &order.limit_price : &order.stop_price) = price;
    return strictly(&order, bar_of(0, 100, 110, 90, 105)).price;
}

static void test_strict_prices(void **state)
{
    (void)state;
    static const struct {
        mbar_side side;
        mbar_order_type type;
        double price, wanted;
    } cases[] = {
        {MBAR_SIDE_BUY, MBAR_ORDER_MARKET, NO, 100},
        {MBAR_SIDE_SELL, MBAR_ORDER_MARKET, NO, 100},
        {MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 101, 100},
        {MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 100, 100},
        {MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 99, 99},
        {MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 90, 90},
        {MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 89.75, NO},
        {MBAR_SIDE_SELL, MBAR_ORDER_LIMIT, 99, 100},
        {MBAR_SIDE_SELL, MBAR_ORDER_LIMIT, 110, 110},
        {MBAR_SIDE_SELL, MBAR_ORDER_LIMIT, 111, NO},
        {MBAR_SIDE_SELL, MBAR_ORDER_LIMIT, -5, 100},
        {MBAR_SIDE_BUY, MBAR_ORDER_STOP, 99, 100},
        {MBAR_SIDE_BUY, MBAR_ORDER_STOP, 110, 110},
        {MBAR_SIDE_BUY, MBAR_ORDER_STOP, 110.25, NO},
        {MBAR_SIDE_SELL, MBAR_ORDER_STOP, 101, 100},
        {MBAR_SIDE_SELL, MBAR_ORDER_STOP, 90, 90},
        {MBAR_SIDE_SELL, MBAR_ORDER_STOP, 89, NO},
        {MBAR_SIDE_SELL_SHORT, MBAR_ORDER_STOP, 95, 95},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_same(price_in_bar(cases[i].side, cases[i].type, cases[i].price), cases[i].wanted);
    }
}

static void test_strict_needs_volume(void **state)
{
    (void)state;
    mbar_order order = order_of(0, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, 1);
    mbar_bar bar = bar_of(0, 100, 110, 90, 105);
    bar.volume = 0;
    assert_same(strictly(&order, bar).price, NO);
    assert_false(strictly(&order, bar).cancel);
    order.tif = MBAR_TIF_IOC;
    assert_true(strictly(&order, bar).cancel);
    bar.volume = NAN; /* unknown */
    assert_same(strictly(&order, bar).price, 100);
    bar.open = NAN;
    assert_same(strictly(&order, bar).price, NO);
    /* A bar without trades moves no stop. */
    order = order_of(0, MBAR_SIDE_SELL, MBAR_ORDER_TRAIL, 1);
    order.trail_amount = 5;
    bar = bar_of(0, 100, 110, 90, 105);
    bar.volume = 0;
    assert_same(strictly(&order, bar).trail_stop, NO);
}

/* Stop and limit of a stop-limit against open 100, high 110, low 90. */
static mbar_match stop_limit(mbar_side side, double stop, double limit, double close)
{
    mbar_order order = order_of(0, side, MBAR_ORDER_STOP_LIMIT, 1);
    order.stop_price = stop;
    order.stop_limit_price = limit;
    return strictly(&order, bar_of(0, 100, 110, 90, close));
}

static void test_strict_stop_limit(void **state)
{
    (void)state;
    static const struct {
        mbar_side side;
        double stop, limit, close, wanted;
        bool triggered, ambiguous;
    } cases[] = {
        {MBAR_SIDE_BUY, 111, 120, 105, NO, false, false}, /* not triggered */
        {MBAR_SIDE_BUY, 99, 101, 105, 100, true, false},  /* at the open, marketable */
        {MBAR_SIDE_BUY, 99, 95, 105, 95, true, false},    /* at the open, met later */
        {MBAR_SIDE_BUY, 99, 89, 105, NO, true, false},    /* at the open, never met */
        {MBAR_SIDE_BUY, 105, 120, 105, 105, true, false}, /* inside, the limit beyond the bar */
        {MBAR_SIDE_BUY, 105, 89, 105, NO, true, false},   /* inside, never met */
        {MBAR_SIDE_BUY, 105, 103, 102, 103, true, true},  /* closes on the limit's far side */
        {MBAR_SIDE_BUY, 105, 103, 104, NO, true, true},   /* may have been met before */
        {MBAR_SIDE_BUY, 105, 107, 106, 107, true, true},
        {MBAR_SIDE_SELL, 95, 97, 98, 97, true, true},
        {MBAR_SIDE_SELL, 95, 97, 96, NO, true, true},
        {MBAR_SIDE_SELL, 95, 80, 96, 95, true, false},
        {MBAR_SIDE_SELL, 101, 99, 96, 100, true, false},
        {MBAR_SIDE_SELL, 101, 105, 96, 105, true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mbar_match match = stop_limit(cases[i].side, cases[i].stop, cases[i].limit, cases[i].close);
        assert_same(match.price, cases[i].wanted);
        assert_int_equal(match.triggered, cases[i].triggered);
        assert_int_equal(match.ambiguous, cases[i].ambiguous);
    }
    /* Once triggered it is a limit. */
    mbar_order order = order_of(0, MBAR_SIDE_BUY, MBAR_ORDER_STOP_LIMIT, 1);
    order.stop_price = 200;
    order.limit_price = 95;
    order.triggered = true;
    assert_same(strictly(&order, bar_of(0, 100, 110, 90, 100)).price, 95);
}

static void test_strict_trail(void **state)
{
    (void)state;
    mbar_order sell = order_of(0, MBAR_SIDE_SELL, MBAR_ORDER_TRAIL, 1);
    sell.trail_percent = 0.1;
    mbar_match match = strictly(&sell, bar_of(0, 100, 110, 90, 105));
    assert_same(match.price, NO); /* the first bar only arms it */
    assert_same(match.trail_stop, 99);
    sell.trail_stop = 99;
    match = strictly(&sell, bar_of(1, 100, 105, 99.5, 100));
    assert_same(match.price, NO);
    assert_same(match.trail_stop, 99); /* never down */
    match = strictly(&sell, bar_of(1, 105, 120, 100, 118));
    assert_same(match.trail_stop, 108);
    assert_same(strictly(&sell, bar_of(1, 105, 120, 99, 118)).price, 99);
    assert_same(strictly(&sell, bar_of(1, 97, 120, 95, 118)).price, 97);
    mbar_order buy = order_of(0, MBAR_SIDE_BUY, MBAR_ORDER_TRAIL, 1);
    buy.trail_amount = 4;
    buy.trail_stop = 104;
    match = strictly(&buy, bar_of(1, 100, 103, 98, 99));
    assert_same(match.trail_stop, 102);
    match = strictly(&buy, bar_of(1, 103, 103.5, 101, 102));
    assert_same(match.trail_stop, 104);
    assert_same(strictly(&buy, bar_of(1, 103, 104, 101, 102)).price, 104);
}

static void test_strict_frictions(void **state)
{
    (void)state;
    mbar_asset asset = asset_of(MBAR_ASSET_FUTURE), crypto = asset_of(MBAR_ASSET_CRYPTO);
    mbar_frictions frictions = {.slippage_ticks = 2, .slippage_percent = 0.01};
    mbar_bar bar = bar_of(0, 100, 110, 90, 105);
    mbar_order buy = order_of(0, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, 100);
    mbar_order sell = order_of(0, MBAR_SIDE_SELL, MBAR_ORDER_STOP, 100);
    mbar_order limit = order_of(0, MBAR_SIDE_SELL, MBAR_ORDER_LIMIT, 100);
    sell.stop_price = 95;
    limit.limit_price = 104;
    assert_same(mbar_match_order(&buy, &bar, MBAR_POLICY_STRICT, &asset, &frictions).price, 101.5);
    assert_same(mbar_match_order(&sell, &bar, MBAR_POLICY_STRICT, &asset, &frictions).price,
                95 - (0.5 + 0.95));
    assert_same(mbar_match_order(&limit, &bar, MBAR_POLICY_STRICT, &asset, &frictions).price, 104);
    frictions = (mbar_frictions){.volume_share = 0.05};
    bar.volume = 250;
    mbar_match match = mbar_match_order(&buy, &bar, MBAR_POLICY_STRICT, &asset, &frictions);
    assert_same(match.quantity, 12);
    match = mbar_match_order(&buy, &bar, MBAR_POLICY_STRICT, &crypto, &frictions);
    assert_same(match.quantity, 12.5);
    buy.filled = 95;
    match = mbar_match_order(&buy, &bar, MBAR_POLICY_STRICT, &asset, &frictions);
    assert_same(match.quantity, 5);
    bar.volume = 10; /* not a whole unit of it */
    match = mbar_match_order(&buy, &bar, MBAR_POLICY_STRICT, &asset, &frictions);
    assert_same(match.price, NO);
    assert_same(match.quantity, 0);
    buy.filled = 0;
    buy.tif = MBAR_TIF_FOK;
    bar.volume = 250;
    match = mbar_match_order(&buy, &bar, MBAR_POLICY_STRICT, &asset, &frictions);
    assert_same(match.price, NO);
    assert_true(match.cancel);
    bar.volume = 2000;
    match = mbar_match_order(&buy, &bar, MBAR_POLICY_STRICT, &asset, &frictions);
    assert_same(match.quantity, 100);
}

/* Prices below 0, as oil had: everything mirrored. */
static void test_strict_below_zero(void **state)
{
    (void)state;
    mbar_order order = order_of(0, MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 1);
    order.limit_price = -12;
    assert_same(strictly(&order, bar_of(0, -10, -5, -20, -18)).price, -12);
    order = order_of(0, MBAR_SIDE_SELL, MBAR_ORDER_STOP, 1);
    order.stop_price = -15;
    assert_same(strictly(&order, bar_of(0, -10, -5, -20, -18)).price, -15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(test_lumibot),
        leak_checked(test_strict_prices),
        leak_checked(test_strict_needs_volume),
        leak_checked(test_strict_stop_limit),
        leak_checked(test_strict_trail),
        leak_checked(test_strict_frictions),
        leak_checked(test_strict_below_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
