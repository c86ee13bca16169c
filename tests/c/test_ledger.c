/* test_ledger.c - the account under STRICT, and what both policies share. test_book_vectors.c
 * compares LUMIBOT's with lumibot. */
#include "sim_support.h"

static double fill(mbar_ledger *ledger, int32_t asset, mbar_side side, double quantity,
                   double price)
{
    mbar_order order = order_of(asset, side, MBAR_ORDER_MARKET, quantity);
    double fee = NAN;
    assert_ok(mbar_ledger_fill(ledger, &order, price, quantity, 7, &fee, &error));
    return fee;
}

/* ---- STRICT --------------------------------------------------------------- */

static void test_stock(void **state)
{
    (void)state;
    mbar_ledger *ledger = ledger_new(MBAR_POLICY_STRICT, 1000);
    int32_t stock = ledger_add(ledger, MBAR_ASSET_STOCK, "SPY", 1, 0);
    const mbar_position *position = mbar_ledger_position(ledger, stock);
    double price = 20;
    assert_same(position->avg_price, NO);
    assert_same(mbar_ledger_value(ledger, &price), 1000);
    fill(ledger, stock, MBAR_SIDE_BUY, 10, 10);
    fill(ledger, stock, MBAR_SIDE_BUY, 30, 14);
    assert_same(mbar_ledger_cash(ledger), 480);
    assert_same(position->quantity, 40);
    assert_same(position->avg_price, 13);
    assert_int_equal(position->opened_ns, 7);
    assert_same(mbar_ledger_value(ledger, &price), 480 + 800);
    price = NAN; /* at the average */
    assert_same(mbar_ledger_value(ledger, &price), 480 + 520);
    fill(ledger, stock, MBAR_SIDE_SELL, 10, 15);
    assert_same(position->realized, 20);
    assert_same(position->avg_price, 13);
    fill(ledger, stock, MBAR_SIDE_SELL, 50, 12); /* turns it */
    assert_same(position->quantity, -20);
    assert_same(position->avg_price, 12);
    assert_same(position->realized, 20 - 30);
    assert_same(mbar_ledger_cash(ledger), 480 + 150 + 600);
    fill(ledger, stock, MBAR_SIDE_BUY_TO_COVER, 20, 11);
    assert_same(position->realized, 10);
    assert_same(position->quantity, 0);
    assert_same(position->avg_price, NO);
    assert_same(mbar_ledger_cash(ledger), 1010);
    assert_false(mbar_ledger_holding(ledger, stock)->is_held);
    mbar_ledger_free(ledger);
}

/* First in first out, and worth what closing it would bring. */
static void test_future(void **state)
{
    (void)state;
    mbar_ledger *ledger = ledger_new(MBAR_POLICY_STRICT, 10000);
    int32_t future = ledger_add(ledger, MBAR_ASSET_FUTURE, "MES", 5, 1300);
    const mbar_position *position = mbar_ledger_position(ledger, future);
    double price = 120;
    fill(ledger, future, MBAR_SIDE_BUY, 1, 100);
    fill(ledger, future, MBAR_SIDE_BUY, 1, 110);
    fill(ledger, future, MBAR_SIDE_BUY, 2, 106);
    assert_same(position->avg_price, 105.5);
    assert_same(mbar_ledger_cash(ledger), 10000 - 4 * 1300);
    assert_same(mbar_ledger_value(ledger, &price), 10000 + (20 + 10 + 28) * 5);
    fill(ledger, future, MBAR_SIDE_SELL, 1, 120);
    assert_same(position->realized, 100);
    assert_same(position->avg_price, (110 + 212) / 3.0);
    assert_same(mbar_ledger_value(ledger, &price), 10000 + 100 + (10 + 28) * 5);
    fill(ledger, future, MBAR_SIDE_SELL, 4, 120); /* closes 3, opens 1 short */
    assert_same(position->realized, 290);
    assert_same(position->quantity, -1);
    assert_same(position->avg_price, 120);
    assert_same(mbar_ledger_cash(ledger), 10000 + 290 - 1300);
    price = 100;
    assert_same(mbar_ledger_value(ledger, &price), 10000 + 290 + 100);
    mbar_ledger_free(ledger);
}

/* A thousand lots in, one by one, and out in halves. */
static void test_many_lots(void **state)
{
    (void)state;
    mbar_ledger *ledger = ledger_new(MBAR_POLICY_STRICT, 0);
    int32_t future = ledger_add(ledger, MBAR_ASSET_FUTURE, "ES", 1, 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 1000; i++) {
            fill(ledger, future, MBAR_SIDE_SELL_SHORT, 1, 100 + i % 10);
        }
        assert_same(mbar_ledger_position(ledger, future)->avg_price, 104.5);
        for (int i = 0; i < 2000; i++) {
            fill(ledger, future, MBAR_SIDE_BUY, 0.5, 100);
        }
        assert_false(mbar_ledger_holding(ledger, future)->is_held);
        assert_same(mbar_ledger_cash(ledger), (round + 1) * 4500.0);
    }
    mbar_ledger_free(ledger);
}

static void test_dust_is_nothing(void **state)
{
    (void)state;
    mbar_ledger *ledger = ledger_new(MBAR_POLICY_STRICT, 0);
    int32_t crypto = ledger_add(ledger, MBAR_ASSET_CRYPTO, "BTC", 1, 0);
    fill(ledger, crypto, MBAR_SIDE_BUY, 0.1, 100);
    fill(ledger, crypto, MBAR_SIDE_BUY, 0.2, 100);
    fill(ledger, crypto, MBAR_SIDE_SELL, 0.3, 100); /* 0.1 + 0.2 is no 0.3 */
    assert_false(mbar_ledger_holding(ledger, crypto)->is_held);
    assert_same(mbar_ledger_position(ledger, crypto)->quantity, 0);
    mbar_ledger_free(ledger);
}

static void test_crypto_pays_crypto(void **state)
{
    (void)state;
    for (int policy = 0; policy < 2; policy++) {
        mbar_ledger *ledger =
            ledger_new(policy == 0 ? MBAR_POLICY_STRICT : MBAR_POLICY_LUMIBOT, 50);
        mbar_asset pair;
        int32_t eth, number;
        double fee;
        mbar_asset_init(&pair);
        pair.symbol = "ETH";
        pair.kind = MBAR_ASSET_CRYPTO;
        pair.quote = "USDT";
        pair.quote_is_crypto = true;
        assert_ok(mbar_ledger_add_asset(ledger, &pair, &eth, &error));
        mbar_order order = order_of(eth, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, 2);
        assert_fails(MBAR_NOTFOUND, "USDT",
                     mbar_ledger_fill(ledger, &order, 8, 2, 0, &fee, &error));
        number = ledger_add(ledger, MBAR_ASSET_CRYPTO, "USDT", 1, 0);
        fill(ledger, eth, MBAR_SIDE_BUY, 2, 8);
        assert_same(mbar_ledger_position(ledger, number)->quantity, -16);
        assert_same(mbar_ledger_cash(ledger), 50);
        assert_same(mbar_ledger_value(ledger, (double[]){10, 1}), 50 - 16 + 20);
        fill(ledger, eth, MBAR_SIDE_SELL, 2, 8);
        assert_same(mbar_ledger_position(ledger, number)->quantity, 0);
        mbar_ledger_free(ledger);
    }
}

static void test_fees(void **state)
{
    (void)state;
    mbar_ledger *ledger = ledger_new(MBAR_POLICY_STRICT, 0);
    int32_t stock = ledger_add(ledger, MBAR_ASSET_STOCK, "SPY", 1, 0);
    const mbar_fee buy[] = {{.flat = 1, .percent = 0.01, .taker = true},
                            {.per_contract = 0.5, .maker = true, .taker = true}};
    const mbar_fee sell = {.flat = 3, .maker = true};
    double fee;
    assert_ok(mbar_ledger_set_fees(ledger, buy, 2, &sell, 1, &error));
    assert_same(fill(ledger, stock, MBAR_SIDE_BUY, 10, 100), 1 + 10 + 5);
    assert_same(fill(ledger, stock, MBAR_SIDE_SELL, 10, 100), 0); /* takes, but only makers pay */
    assert_same(mbar_ledger_cash(ledger), -16);
    mbar_order order = order_of(stock, MBAR_SIDE_BUY, MBAR_ORDER_TRAIL, 10);
    order.filled = 4; /* not its first fill: the flat part is paid */
    assert_ok(mbar_ledger_fill(ledger, &order, 100, 6, 0, &fee, &error));
    assert_same(fee, 6 + 3);
    order.type = MBAR_ORDER_LIMIT;
    assert_ok(mbar_ledger_fill(ledger, &order, 100, 6, 0, &fee, &error));
    assert_same(fee, 3);
    mbar_fee bad = {.flat = NAN};
    assert_fails(MBAR_INVALID, "a fee", mbar_ledger_set_fees(ledger, buy, 2, &bad, 1, &error));
    assert_same(fill(ledger, stock, MBAR_SIDE_BUY, 10, 100), 16); /* as they were */
    mbar_ledger_free(ledger);
}

static void test_order_of_positions(void **state)
{
    (void)state;
    mbar_ledger *ledger = ledger_new(MBAR_POLICY_STRICT, 0);
    for (int i = 0; i < 5; i++) {
        ledger_add(ledger, MBAR_ASSET_STOCK, "S", 1, 0); /* symbols may repeat */
    }
    const int32_t opened[] = {3, 0, 4, 1};
    for (int i = 0; i < 4; i++) {
        fill(ledger, opened[i], MBAR_SIDE_BUY, 1, 1);
    }
    fill(ledger, 0, MBAR_SIDE_SELL, 1, 1);
    fill(ledger, 3, MBAR_SIDE_SELL, 1, 1);
    fill(ledger, 3, MBAR_SIDE_SELL, 1, 1);
    const int32_t wanted[] = {4, 1, 3, -1};
    int32_t held = -1;
    for (int i = 0; i < 4; i++) {
        held = mbar_ledger_next_held(ledger, held);
        assert_int_equal(held, wanted[i]);
    }
    assert_int_equal(mbar_ledger_n_held(ledger), 3);
    mbar_ledger_free(ledger);
}

static void test_dividends_and_splits(void **state)
{
    (void)state;
    mbar_ledger *ledger = ledger_new(MBAR_POLICY_STRICT, 100);
    int32_t stock = ledger_add(ledger, MBAR_ASSET_STOCK, "SPY", 1, 0);
    mbar_ledger_dividend(ledger, stock, 5); /* none held */
    mbar_ledger_split(ledger, stock, 2);
    assert_same(mbar_ledger_cash(ledger), 100);
    fill(ledger, stock, MBAR_SIDE_BUY, 10, 10);
    mbar_ledger_dividend(ledger, stock, 0.5);
    assert_same(mbar_ledger_cash(ledger), 5);
    mbar_ledger_split(ledger, stock, 4);
    assert_same(mbar_ledger_position(ledger, stock)->quantity, 40);
    assert_same(mbar_ledger_position(ledger, stock)->avg_price, 2.5);
    mbar_ledger_free(ledger);
}

static void test_refused_assets(void **state)
{
    (void)state;
    mbar_ledger *ledger = ledger_new(MBAR_POLICY_STRICT, 0);
    mbar_asset asset;
    int32_t number;
    mbar_asset_init(&asset);
    asset.symbol = "X";
    asset.multiplier = 0;
    assert_fails(MBAR_INVALID, "multiplier",
                 mbar_ledger_add_asset(ledger, &asset, &number, &error));
    asset.multiplier = 1;
    asset.margin = INFINITY;
    assert_fails(MBAR_INVALID, "margin", mbar_ledger_add_asset(ledger, &asset, &number, &error));
    assert_int_equal(mbar_ledger_assets(ledger), 0);
    assert_same(mbar_ledger_value(ledger, NULL), 0);
    mbar_ledger_free(ledger);
    mbar_ledger_free(NULL);
}

/* ---- LUMIBOT -------------------------------------------------------------- */

/* The quirks by name; their bits are lumibot's own in test_book_vectors.c. */
static void test_lumibot_quirks(void **state)
{
    (void)state;
    mbar_ledger *ledger = ledger_new(MBAR_POLICY_LUMIBOT, 100);
    int32_t stock = ledger_add(ledger, MBAR_ASSET_STOCK, "SPY", 1, 0);
    int32_t future = ledger_add(ledger, MBAR_ASSET_FUTURE, "MES", 5, 1300);
    mbar_order order = order_of(stock, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, 4);
    double fee;
    /* The cash leg of a stock comes when the strategy is told. */
    assert_ok(mbar_ledger_execute(ledger, &order, 10, 4, 0, &fee, &error));
    assert_same(mbar_ledger_position(ledger, stock)->quantity, 4);
    assert_same(mbar_ledger_cash(ledger), 100);
    mbar_ledger_settle(ledger, &order, 10, 4);
    assert_same(mbar_ledger_cash(ledger), 60);
    /* A missing price is the last one; where there is none the holding does not count. */
    assert_same(mbar_ledger_value(ledger, (double[]){NAN, NAN}), 60);
    assert_same(mbar_ledger_value(ledger, (double[]){11, NAN}), 104);
    assert_same(mbar_ledger_value(ledger, (double[]){0, NAN}), 104);
    /* Futures realize first in first out, but the average does not move. */
    fill(ledger, future, MBAR_SIDE_BUY, 1, 100);
    fill(ledger, future, MBAR_SIDE_BUY, 1, 110);
    fill(ledger, future, MBAR_SIDE_SELL, 1, 110);
    assert_same(mbar_ledger_position(ledger, future)->avg_price, 105);
    assert_same(mbar_ledger_cash(ledger), 60 + 50 - 1300);
    assert_same(mbar_ledger_value(ledger, (double[]){11, 110}), 60 + 50 + 44 + 25);
    /* Next to nothing is nothing. */
    mbar_ledger_set_cash(ledger, -0.0000009);
    assert_same(mbar_ledger_cash(ledger), 0);
    mbar_ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(test_stock),
        leak_checked(test_future),
        leak_checked(test_many_lots),
        leak_checked(test_dust_is_nothing),
        leak_checked(test_crypto_pays_crypto),
        leak_checked(test_fees),
        leak_checked(test_order_of_positions),
        leak_checked(test_dividends_and_splits),
        leak_checked(test_refused_assets),
        leak_checked(test_lumibot_quirks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
