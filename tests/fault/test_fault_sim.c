/* test_fault_sim.c - ledger and book with the N-th allocation failing: nothing leaks, what a
 * failed call was to change is as it was. */
#include "../c/sim_support.h"
#include "fault.h"

enum { N_ORDERS = 300 };

static mbar_asset pair_of(const char *symbol)
{
    mbar_asset asset;
    mbar_asset_init(&asset);
    asset.symbol = symbol;
    asset.kind = MBAR_ASSET_FUTURE;
    asset.quote = "USD";
    asset.multiplier = 5;
    return asset;
}

/* ---- Ledger --------------------------------------------------------------- */

static mbar_status fill_lots(mbar_ledger *ledger, mbar_error *error)
{
    mbar_status status = MBAR_OK;
    mbar_order order = order_of(0, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, 1);
    for (int i = 0; i < 40 && status == MBAR_OK; i++) {
        double cash = mbar_ledger_cash(ledger), fee = 77;
        double quantity = mbar_ledger_position(ledger, 0)->quantity;
        status = mbar_ledger_fill(ledger, &order, 100, 1, 0, &fee, error);
        if (status != MBAR_OK) {
            assert_same(mbar_ledger_cash(ledger), cash);
            assert_same(mbar_ledger_position(ledger, 0)->quantity, quantity);
            assert_same(fee, 77);
        }
    }
    return status;
}

static mbar_status run_ledger(void *ctx, mbar_error *error)
{
    const mbar_policy *policy = ctx;
    const mbar_fee fee = {.flat = 1, .taker = true};
    mbar_ledger *ledger = (void *)7;
    mbar_status status = mbar_ledger_new(*policy, &ledger, error);
    if (status != MBAR_OK) {
        assert_ptr_equal(ledger, (void *)7);
        return status;
    }
    for (int i = 0; i < 5 && status == MBAR_OK; i++) {
        int32_t number = -7;
        mbar_asset asset = pair_of("MES");
        status = mbar_ledger_add_asset(ledger, &asset, &number, error);
        assert_int_equal(number, status == MBAR_OK ? i : -7);
    }
    if (status == MBAR_OK) {
        status = mbar_ledger_set_fees(ledger, &fee, 1, &fee, 1, error);
    }
    if (status == MBAR_OK) {
        status = mbar_ledger_set_fees(ledger, &fee, 1, NULL, 0, error); /* instead of those */
    }
    if (status == MBAR_OK) {
        status = fill_lots(ledger, error);
    }
    mbar_ledger_free(ledger);
    return status;
}

static void test_ledger(void **state)
{
    (void)state;
    mbar_policy policies[] = {MBAR_POLICY_STRICT, MBAR_POLICY_LUMIBOT};
    for (int i = 0; i < 2; i++) {
        assert_true(fault_check_alloc(run_ledger, &policies[i]) > 15);
    }
}

/* ---- Book ----------------------------------------------------------------- */

struct desk {
    mbar_ledger *ledger;
    mbar_policy policy;
};

static mbar_book_data give_bar(void *ctx, const mbar_order *order, const mbar_bar **out)
{
    (void)order;
    *out = ctx;
    return MBAR_BOOK_BAR;
}

static mbar_status submit_some(mbar_book *book, mbar_error *error)
{
    mbar_status status = MBAR_OK;
    for (int i = 0; i < N_ORDERS && status == MBAR_OK; i++) {
        mbar_order_request request = request_of(i % 2, MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 1);
        mbar_order_id id = 77;
        int64_t n = mbar_book_orders(book), n_events = mbar_book_events(book);
        request.limit_price = i % 3 == 0 ? 100 : 50;
        request.order_class = i % 5 == 0 ? MBAR_CLASS_BRACKET : MBAR_CLASS_SIMPLE;
        request.child_limit_price = 110;
        request.child_stop_price = 90;
        status = mbar_book_submit(book, &request, 0, &id, error);
        if (status != MBAR_OK) {
            assert_int_equal(id, 77);
            assert_int_equal(mbar_book_orders(book), n);
            assert_int_equal(mbar_book_events(book), n_events);
        }
    }
    return status;
}

static bool never_closed(void *ctx)
{
    (void)ctx;
    return false;
}

static mbar_status take_tables(const mbar_book *book, mbar_error *error)
{
    static const char *const names[] = {"orders", "fills", "events"};
    mbar_status status = MBAR_OK;
    for (int i = 0; i < 3 && status == MBAR_OK; i++) {
        mbar_table *table = (void *)7;
        status = mbar_book_table(book, names[i], &table, error);
        if (status == MBAR_OK) {
            mbar_table_unref(table);
        } else {
            assert_ptr_equal(table, (void *)7);
        }
    }
    return status;
}

static mbar_status run_book(void *ctx, mbar_error *error)
{
    struct desk *desk = ctx;
    const mbar_frictions frictions = {0};
    mbar_bar bar = bar_of(10, 100, 101, 99, 100);
    const mbar_book_market market = {give_bar, &bar, never_closed};
    mbar_book *book = (void *)7;
    mbar_status status = mbar_book_new(desk->policy, desk->ledger, &frictions, NULL, &book, error);
    if (status != MBAR_OK) {
        assert_ptr_equal(book, (void *)7);
        return status;
    }
    if ((status = submit_some(book, error)) == MBAR_OK &&
        (status = mbar_book_match(book, 11 * MBAR_MINUTE_NS, &market, error)) == MBAR_OK &&
        (status = mbar_book_modify(book, 2, 51, NAN, NAN, 0, error)) == MBAR_OK &&
        (status = mbar_book_cancel(book, 2, 0, error)) == MBAR_OK &&
        (status = mbar_book_cancel_all(book, 0, error)) == MBAR_OK) {
        assert_true(mbar_book_is_idle(book));
        status = take_tables(book, error);
    }
    mbar_book_free(book);
    return status;
}

static void test_book(void **state)
{
    (void)state;
    mbar_policy policies[] = {MBAR_POLICY_STRICT, MBAR_POLICY_LUMIBOT};
    for (int i = 0; i < 2; i++) {
        struct desk desk = {ledger_new(policies[i], 1000), policies[i]};
        ledger_add(desk.ledger, MBAR_ASSET_STOCK, "SPY", 1, 0);
        ledger_add(desk.ledger, MBAR_ASSET_STOCK, "SPY", 1, 0);
        assert_true(fault_check_alloc(run_book, &desk) > 30);
        mbar_ledger_free(desk.ledger);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {leak_checked(test_ledger), leak_checked(test_book)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
