/* test_book_lumibot.c - LUMIBOT's rules of the book that the vectors do not meet: assets in two
 * currencies, orders without a date, quotes, and when the end of the session is asked for. */
#include "sim_support.h"

enum { MARKET = 0, SAME = 1, OTHER = 2, N_ASSETS };

/* What each asset is given at a pass. */
struct desk {
    mbar_ledger *ledger;
    mbar_book *book;
    mbar_book_data data[N_ASSETS];
    mbar_bar bar;
    int64_t now_ns;
    bool session_closed;
    int64_t n_asked;
};

static mbar_book_data give_bar(void *ctx, const mbar_order *order, const mbar_bar **out)
{
    struct desk *desk = ctx;
    *out = &desk->bar;
    return desk->data[order->asset];
}

static bool is_session_closed(void *ctx)
{
    struct desk *desk = ctx;
    desk->n_asked++;
    return desk->session_closed;
}

/* BTC, BTC in another currency, which has no data, and ETH. */
static struct desk desk_of(void)
{
    static const mbar_frictions none = {0};
    struct desk desk = {.data = {MBAR_BOOK_BAR, MBAR_BOOK_NO_BAR, MBAR_BOOK_BAR}};
    mbar_asset same;
    int32_t number;
    desk.ledger = ledger_new(MBAR_POLICY_LUMIBOT, 100000);
    ledger_add(desk.ledger, MBAR_ASSET_STOCK, "BTC", 1, 0);
    mbar_asset_init(&same);
    same.symbol = "BTC";
    same.same_as = MARKET + 1;
    assert_ok(mbar_ledger_add_asset(desk.ledger, &same, &number, &error));
    assert_int_equal(number, SAME);
    ledger_add(desk.ledger, MBAR_ASSET_STOCK, "ETH", 1, 0);
    assert_ok(mbar_book_new(MBAR_POLICY_LUMIBOT, desk.ledger, &none, NULL, &desk.book, &error));
    desk.bar = bar_of(0, 100, 101, 99, 100);
    return desk;
}

static void close_desk(struct desk *desk)
{
    mbar_book_free(desk->book);
    mbar_ledger_free(desk->ledger);
}

static mbar_order_id submit(struct desk *desk, mbar_order_request request)
{
    mbar_order_id id = 0;
    assert_ok(mbar_book_submit(desk->book, &request, desk->now_ns, &id, &error));
    return id;
}

static mbar_order_id submit_market(struct desk *desk, int32_t asset, mbar_side side)
{
    return submit(desk, request_of(asset, side, MBAR_ORDER_MARKET, 1));
}

static void pass_at(struct desk *desk, int64_t now_ns)
{
    const mbar_book_market market = {give_bar, desk, is_session_closed};
    desk->now_ns = now_ns;
    assert_ok(mbar_book_match(desk->book, now_ns, &market, &error));
}

static mbar_order_status status_of(const struct desk *desk, mbar_order_id id)
{
    return mbar_book_order(desk->book, id)->status;
}

/* ---- Two currencies --------------------------------------------------------- */

static void test_the_end_of_a_position_cancels_its_closing_orders_in_every_currency(void **state)
{
    (void)state;
    struct desk desk = desk_of();
    submit_market(&desk, MARKET, MBAR_SIDE_BUY);
    mbar_order_id buy = submit_market(&desk, SAME, MBAR_SIDE_BUY);
    mbar_order_id sell = submit_market(&desk, SAME, MBAR_SIDE_SELL);
    pass_at(&desk, MBAR_MINUTE_NS);
    mbar_order_request far = request_of(OTHER, MBAR_SIDE_SELL, MBAR_ORDER_LIMIT, 1);
    far.limit_price = 1000;
    mbar_order_id other = submit(&desk, far);
    assert_int_equal(status_of(&desk, sell), MBAR_STATUS_NEW);
    submit_market(&desk, MARKET, MBAR_SIDE_SELL);
    pass_at(&desk, 2 * MBAR_MINUTE_NS);
    assert_int_equal(status_of(&desk, sell), MBAR_STATUS_CANCELED);
    assert_int_equal(status_of(&desk, buy), MBAR_STATUS_NEW);
    assert_int_equal(status_of(&desk, other), MBAR_STATUS_NEW);
    close_desk(&desk);
}

/* ---- Days ------------------------------------------------------------------- */

static mbar_order_id submit_for_a_day(struct desk *desk, int64_t created_ns)
{
    mbar_order_request request = request_of(SAME, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, 1);
    request.tif = MBAR_TIF_DAY;
    request.good_till_ns = created_ns;
    return submit(desk, request);
}

static void test_a_day_order_lasts_the_day_of_its_creation(void **state)
{
    (void)state;
    struct desk desk = desk_of();
    desk.now_ns = 3 * MBAR_DAY_NS;
    mbar_order_id today = submit_for_a_day(&desk, 0);
    mbar_order_id before = submit_for_a_day(&desk, 2 * MBAR_DAY_NS + 1);
    mbar_order_id undated = submit_for_a_day(&desk, INT64_MAX);
    pass_at(&desk, 3 * MBAR_DAY_NS + MBAR_MINUTE_NS);
    assert_int_equal(status_of(&desk, today), MBAR_STATUS_NEW);
    assert_int_equal(status_of(&desk, before), MBAR_STATUS_CANCELED);
    pass_at(&desk, 4 * MBAR_DAY_NS);
    assert_int_equal(status_of(&desk, today), MBAR_STATUS_CANCELED);
    pass_at(&desk, 9 * MBAR_DAY_NS);
    assert_int_equal(status_of(&desk, undated), MBAR_STATUS_NEW);
    desk.session_closed = true;
    pass_at(&desk, 9 * MBAR_DAY_NS + MBAR_MINUTE_NS);
    assert_int_equal(status_of(&desk, undated), MBAR_STATUS_CANCELED);
    close_desk(&desk);
}

static void test_the_close_is_asked_for_by_day_orders_without_data_alone(void **state)
{
    (void)state;
    struct desk desk = desk_of();
    desk.session_closed = true;
    mbar_order_request request = request_of(OTHER, MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 1);
    request.limit_price = 1;
    request.tif = MBAR_TIF_DAY;
    mbar_order_id with_data = submit(&desk, request);
    mbar_order_id for_ever = submit_market(&desk, SAME, MBAR_SIDE_BUY);
    request = request_of(SAME, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, 1);
    request.tif = MBAR_TIF_IOC;
    mbar_order_id at_once = submit(&desk, request);
    pass_at(&desk, MBAR_MINUTE_NS);
    assert_int_equal(desk.n_asked, 0);
    assert_int_equal(status_of(&desk, with_data), MBAR_STATUS_NEW);
    assert_int_equal(status_of(&desk, for_ever), MBAR_STATUS_NEW);
    assert_int_equal(status_of(&desk, at_once), MBAR_STATUS_CANCELED);
    submit_for_a_day(&desk, 0);
    pass_at(&desk, 2 * MBAR_MINUTE_NS);
    assert_int_equal(desk.n_asked, 1);
    close_desk(&desk);
}

/* ---- Quotes ----------------------------------------------------------------- */

static void test_an_order_says_whether_a_quote_filled_it(void **state)
{
    (void)state;
    struct desk desk = desk_of();
    mbar_order_id by_bar = submit_market(&desk, MARKET, MBAR_SIDE_BUY);
    pass_at(&desk, MBAR_MINUTE_NS);
    desk.bar.ask = 100;
    mbar_order_id by_ask = submit_market(&desk, MARKET, MBAR_SIDE_BUY);
    mbar_order_id without_bid = submit_market(&desk, MARKET, MBAR_SIDE_SELL);
    mbar_order_request request = request_of(MARKET, MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 1);
    request.limit_price = 200;
    mbar_order_id limit = submit(&desk, request);
    pass_at(&desk, 2 * MBAR_MINUTE_NS);
    const mbar_order_id ids[] = {by_bar, by_ask, without_bid, limit};
    const bool wanted[] = {false, true, false, true};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(status_of(&desk, ids[i]), MBAR_STATUS_FILLED);
        assert_same(mbar_book_order(desk.book, ids[i])->fill_price, 100);
        assert_int_equal(mbar_book_order(desk.book, ids[i])->by_quote, wanted[i]);
    }
    close_desk(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_end_of_a_position_cancels_its_closing_orders_in_every_currency),
        cmocka_unit_test(test_a_day_order_lasts_the_day_of_its_creation),
        cmocka_unit_test(test_the_close_is_asked_for_by_day_orders_without_data_alone),
        cmocka_unit_test(test_an_order_says_whether_a_quote_filled_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
