/* test_book.c - the book under STRICT: what is entered, refused, filled, canceled, told.
 * test_book_vectors.c compares LUMIBOT's with lumibot. */
#include "sim_support.h"

#include "sim/order.h"

/* A book of two assets over bars of a minute; the clock stands at the close of `bar`. */
struct desk {
    mbar_ledger *ledger;
    mbar_book *book;
    mbar_frictions frictions;
    mbar_bar bar;
    int64_t now_ns;
    int64_t n_asked;
};

enum { FUTURE = 0, STOCK = 1 };

static mbar_book_data give_bar(void *ctx, const mbar_order *order, const mbar_bar **out)
{
    struct desk *desk = ctx;
    desk->n_asked++;
    if (desk->bar.open_ns < order->placed_ns) {
        return MBAR_BOOK_WAIT;
    }
    *out = &desk->bar;
    return MBAR_BOOK_BAR;
}

static struct desk desk_of(mbar_policy policy, double volume_share)
{
    struct desk desk = {.frictions = {.volume_share = volume_share}};
    desk.ledger = ledger_new(policy, 100000);
    ledger_add(desk.ledger, MBAR_ASSET_FUTURE, "MES", 5, 1300);
    ledger_add(desk.ledger, MBAR_ASSET_STOCK, "SPY", 1, 0);
    assert_ok(mbar_book_new(policy, desk.ledger, &desk.frictions, NULL, &desk.book, &error));
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

static mbar_order_id submit_simple(struct desk *desk, mbar_side side, mbar_order_type type,
                                   double price, double quantity)
{
    mbar_order_request request = request_of(FUTURE, side, type, quantity);
    *(type == MBAR_ORDER_STOP ? &request.stop_price : &request.limit_price) = price;
    return submit(desk, request);
}

static bool never_closed(void *ctx)
{
    (void)ctx;
    return false;
}

/* The next minute's bar, and a pass at its close. */
static void next_bar(struct desk *desk, double open, double high, double low, double close)
{
    mbar_book_market market = {give_bar, desk, never_closed};
    desk->bar = bar_of(desk->now_ns / MBAR_MINUTE_NS, open, high, low, close);
    desk->now_ns = desk->bar.open_ns + MBAR_MINUTE_NS;
    assert_ok(mbar_book_match(desk->book, desk->now_ns, &market, &error));
}

static const mbar_order *order_at(const struct desk *desk, mbar_order_id id)
{
    const mbar_order *order = mbar_book_order(desk->book, id);
    assert_non_null(order);
    return order;
}

#define assert_status(desk, id, wanted)                                                \
    do {                                                                               \
        mbar_order_status got_ = order_at(desk, id)->status;                           \
        if (got_ != (wanted))                                                          \
            fail_msg("order %d is %s, not %s (line %d)", (int)(id),                    \
                     mbar_order_word(MBAR_WORDS_STATUS, (int32_t)got_),                \
                     mbar_order_word(MBAR_WORDS_STATUS, (int32_t)(wanted)), __LINE__); \
    } while (0)

static double position(const struct desk *desk)
{
    return mbar_ledger_position(desk->ledger, FUTURE)->quantity;
}

/* The events told since, as text: "fill 1, canceled 3". */
static const char *told(struct desk *desk)
{
    static char text[1024];
    size_t n = 0;
    text[0] = 0;
    for (int64_t i; (i = mbar_book_next_event(desk->book)) >= 0;) {
        mbar_event event = mbar_book_event(desk->book, i);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %lld", n > 0 ? ", " : "",
                              mbar_order_word(MBAR_WORDS_EVENT, (int32_t)event.kind),
                              (long long)event.order);
        assert_true(n < sizeof text);
    }
    return text;
}

/* ---- Simple orders -------------------------------------------------------- */

static void test_market(void **state)
{
    (void)state;
    struct desk desk = desk_of(MBAR_POLICY_STRICT, 0);
    assert_true(mbar_book_is_idle(desk.book));
    assert_int_equal(mbar_book_next_active(desk.book, 0), 0);
    next_bar(&desk, 1, 2, 0.5, 1);
    mbar_order_id id = submit_simple(&desk, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, NO, 2);
    assert_int_equal(id, 1);
    assert_false(mbar_book_is_idle(desk.book));
    assert_int_equal(mbar_book_next_active(desk.book, 0), id);
    assert_status(&desk, id, MBAR_STATUS_NEW);
    next_bar(&desk, 100, 101, 99, 100.5);
    const mbar_order *order = order_at(&desk, id);
    assert_status(&desk, id, MBAR_STATUS_FILLED);
    assert_same(order->fill_price, 100);
    assert_same(order->filled, 2);
    assert_int_equal(order->created_ns, MBAR_MINUTE_NS);
    assert_int_equal(order->placed_ns, MBAR_MINUTE_NS);
    assert_int_equal(order->closed_ns, 2 * MBAR_MINUTE_NS);
    assert_same(position(&desk), 2);
    assert_string_equal(told(&desk), "fill 1, new 1");
    assert_string_equal(told(&desk), "");
    mbar_event event = mbar_book_event(desk.book, 1);
    assert_int_equal(event.bar_ns, MBAR_MINUTE_NS);
    assert_int_equal(event.ns, 2 * MBAR_MINUTE_NS);
    assert_same(event.multiplier, 5);
    assert_true(mbar_book_is_idle(desk.book));
    assert_null(mbar_book_order(desk.book, 2));
    assert_null(mbar_book_order(desk.book, 0));
    close_desk(&desk);
}

/* Orders of bars that opened before them wait. */
static void test_waits_for_a_later_bar(void **state)
{
    (void)state;
    struct desk desk = desk_of(MBAR_POLICY_STRICT, 0);
    desk.now_ns = MBAR_MINUTE_NS / 2;
    mbar_order_id id = submit_simple(&desk, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, NO, 1);
    next_bar(&desk, 100, 101, 99, 100); /* opened at 0 */
    assert_status(&desk, id, MBAR_STATUS_NEW);
    next_bar(&desk, 102, 103, 101, 102);
    assert_same(order_at(&desk, id)->fill_price, 102);
    /* A change counts from when it is made, too. */
    id = submit_simple(&desk, MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 90, 1);
    desk.now_ns += MBAR_MINUTE_NS / 2;
    assert_ok(mbar_book_modify(desk.book, id, 100, NO, NO, desk.now_ns, &error));
    next_bar(&desk, 99, 100, 98, 99);
    assert_status(&desk, id, MBAR_STATUS_NEW);
    next_bar(&desk, 99, 100, 98, 99);
    assert_same(order_at(&desk, id)->fill_price, 99);
    close_desk(&desk);
}

static void test_cancel_and_modify(void **state)
{
    (void)state;
    struct desk desk = desk_of(MBAR_POLICY_STRICT, 0);
    mbar_order_id a = submit_simple(&desk, MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 90, 1);
    mbar_order_id b = submit_simple(&desk, MBAR_SIDE_SELL, MBAR_ORDER_STOP, 80, 3);
    told(&desk);
    assert_ok(mbar_book_modify(desk.book, b, NO, 85, 2, 0, &error));
    assert_string_equal(told(&desk), "modified 2");
    assert_ok(mbar_book_cancel(desk.book, a, 5, &error));
    assert_ok(mbar_book_cancel(desk.book, a, 6, &error)); /* nothing more */
    assert_string_equal(told(&desk), "canceled 1");
    assert_int_equal(order_at(&desk, a)->closed_ns, 5);
    assert_ok(mbar_book_modify(desk.book, a, 95, NO, NO, 0, &error)); /* no longer active */
    assert_same(order_at(&desk, a)->limit_price, 90);
    next_bar(&desk, 88, 89, 84, 86);
    assert_same(order_at(&desk, b)->fill_price, 85);
    assert_same(position(&desk), -2);
    assert_fails(MBAR_NOTFOUND, "no order 9", mbar_book_cancel(desk.book, 9, 0, &error));
    assert_fails(MBAR_NOTFOUND, "no order -1", mbar_book_modify(desk.book, -1, 1, 1, 1, 0, &error));
    assert_fails(MBAR_INVALID, "submitted already", mbar_book_resubmit(desk.book, b, 0, &error));
    mbar_order_id c = submit_simple(&desk, MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 90, 1);
    assert_fails(MBAR_INVALID, "quantity", mbar_book_modify(desk.book, c, NO, NO, 0, 0, &error));
    assert_fails(MBAR_INVALID, "limit_price",
                 mbar_book_modify(desk.book, c, INFINITY, NO, NO, 0, &error));
    assert_ok(mbar_book_cancel_all(desk.book, 0, &error));
    assert_status(&desk, c, MBAR_STATUS_CANCELED);
    assert_true(mbar_book_is_idle(desk.book));
    close_desk(&desk);
}

/* ---- Children ------------------------------------------------------------- */

static mbar_order_request bracket(double take, double stop)
{
    mbar_order_request request = request_of(FUTURE, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, 2);
    request.order_class = MBAR_CLASS_BRACKET;
    request.child_limit_price = take;
    request.child_stop_price = stop;
    request.tag = 42;
    return request;
}

static void test_bracket(void **state)
{
    (void)state;
    struct desk desk = desk_of(MBAR_POLICY_STRICT, 0);
    mbar_order_id id = submit(&desk, bracket(110, 95));
    const mbar_order *take = order_at(&desk, id + 1), *stop = order_at(&desk, id + 2);
    assert_int_equal(mbar_book_orders(desk.book), 3);
    assert_int_equal(take->parent, id);
    assert_int_equal(mbar_order_sibling(take), id + 2);
    assert_int_equal(mbar_order_sibling(stop), id + 1);
    assert_int_equal(take->side, MBAR_SIDE_SELL_TO_CLOSE);
    assert_int_equal(take->type, MBAR_ORDER_LIMIT);
    assert_int_equal(stop->type, MBAR_ORDER_STOP);
    assert_int_equal(stop->tag, 42);
    assert_int_equal(stop->placed_ns, INT64_MIN);
    assert_string_equal(told(&desk), "new 1");
    next_bar(&desk, 100, 120, 90, 100); /* both lie in it, but the entry fills in it */
    assert_status(&desk, id, MBAR_STATUS_FILLED);
    assert_status(&desk, id + 1, MBAR_STATUS_NEW);
    assert_true(mbar_book_is_active(desk.book, id)); /* by its children */
    assert_string_equal(told(&desk), "fill 1, new 2, new 3");
    next_bar(&desk, 105, 112, 104, 111);
    assert_string_equal(told(&desk), "canceled 3, fill 2");
    assert_same(take->fill_price, 110);
    assert_same(position(&desk), 0);
    assert_false(stop->ambiguous);
    assert_false(mbar_book_is_active(desk.book, id));
    assert_same(mbar_ledger_cash(desk.ledger), 100000 + 100);
    close_desk(&desk);
}

/* Both siblings in one bar: at the open who fills there, else the stop, both flagged. */
static void test_ambiguous_siblings(void **state)
{
    (void)state;
    static const struct {
        double open, high, low, wanted;
        bool ambiguous;
    } cases[] = {{100, 111, 94, 95, true}, {111, 112, 94, 111, false}, {94, 112, 93, 94, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct desk desk = desk_of(MBAR_POLICY_STRICT, 0);
        mbar_order_id id = submit(&desk, bracket(110, 95));
        next_bar(&desk, 100, 101, 99, 100);
        next_bar(&desk, cases[i].open, cases[i].high, cases[i].low, 100);
        bool is_take = cases[i].wanted > 100;
        assert_status(&desk, is_take ? id + 1 : id + 2, MBAR_STATUS_FILLED);
        assert_status(&desk, is_take ? id + 2 : id + 1, MBAR_STATUS_CANCELED);
        assert_same(order_at(&desk, is_take ? id + 1 : id + 2)->fill_price, cases[i].wanted);
        assert_int_equal(order_at(&desk, id + 1)->ambiguous, cases[i].ambiguous);
        assert_int_equal(order_at(&desk, id + 2)->ambiguous, cases[i].ambiguous);
        assert_same(position(&desk), 0);
        close_desk(&desk);
    }
}

static void test_oco(void **state)
{
    (void)state;
    struct desk desk = desk_of(MBAR_POLICY_STRICT, 0);
    mbar_order_request request = request_of(FUTURE, MBAR_SIDE_SELL, MBAR_ORDER_LIMIT, 3);
    request.order_class = MBAR_CLASS_OCO;
    request.limit_price = 110;
    request.stop_price = 90;
    mbar_order_id id = submit(&desk, request);
    assert_string_equal(told(&desk), "new 2, new 3"); /* not of the placeholder */
    assert_int_equal(mbar_book_next_active(desk.book, 0), 2);
    assert_int_equal(mbar_book_next_active(desk.book, 2), 3);
    assert_int_equal(mbar_book_next_active(desk.book, 3), 1);
    assert_int_equal(mbar_book_next_active(desk.book, 1), 0);
    next_bar(&desk, 100, 101, 89, 90);
    assert_status(&desk, id, MBAR_STATUS_FILLED);
    assert_status(&desk, id + 1, MBAR_STATUS_CANCELED);
    assert_status(&desk, id + 2, MBAR_STATUS_FILLED);
    assert_same(order_at(&desk, id)->fill_price, 90);
    assert_same(order_at(&desk, id)->filled, 3);
    assert_same(position(&desk), -3);
    told(&desk);
    /* Canceled as a whole, and child by child. */
    id = submit(&desk, request);
    assert_ok(mbar_book_cancel(desk.book, id, 0, &error));
    assert_string_equal(told(&desk), "canceled 4, canceled 5, canceled 6, new 5, new 6");
    id = submit(&desk, request);
    assert_ok(mbar_book_cancel(desk.book, id + 1, 0, &error));
    assert_status(&desk, id, MBAR_STATUS_NEW);
    assert_ok(mbar_book_cancel(desk.book, id + 2, 0, &error));
    assert_status(&desk, id, MBAR_STATUS_CANCELED);
    assert_string_equal(told(&desk), "canceled 8, canceled 9, canceled 7, new 8, new 9");
    assert_int_equal(mbar_book_next_active(desk.book, 0), 0);
    close_desk(&desk);
}

static void test_oto_trails(void **state)
{
    (void)state;
    struct desk desk = desk_of(MBAR_POLICY_STRICT, 0);
    mbar_order_request request = request_of(FUTURE, MBAR_SIDE_SELL_SHORT, MBAR_ORDER_MARKET, 1);
    request.order_class = MBAR_CLASS_OTO;
    request.child_trail_amount = 5;
    mbar_order_id id = submit(&desk, request);
    const mbar_order *child = order_at(&desk, id + 1);
    assert_int_equal(child->type, MBAR_ORDER_TRAIL);
    assert_int_equal(child->side, MBAR_SIDE_BUY_TO_CLOSE);
    next_bar(&desk, 100, 101, 99, 100);
    next_bar(&desk, 100, 101, 98, 98);
    assert_same(child->trail_stop, 103);
    next_bar(&desk, 98, 99, 95, 95);
    assert_same(child->trail_stop, 100);
    next_bar(&desk, 95, 101, 94.75, 99);
    assert_same(child->fill_price, 100);
    assert_same(position(&desk), 0);
    close_desk(&desk);
}

/* ---- Orders that close ---------------------------------------------------- */

static void test_closing_orders_end_with_the_position(void **state)
{
    (void)state;
    struct desk desk = desk_of(MBAR_POLICY_STRICT, 0);
    submit_simple(&desk, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, NO, 2);
    next_bar(&desk, 100, 101, 99, 100);
    mbar_order_id closing = submit_simple(&desk, MBAR_SIDE_SELL_TO_CLOSE, MBAR_ORDER_LIMIT, 200, 2);
    mbar_order_id entry = submit_simple(&desk, MBAR_SIDE_SELL, MBAR_ORDER_LIMIT, 300, 2);
    mbar_order_id cover = submit_simple(&desk, MBAR_SIDE_BUY_TO_COVER, MBAR_ORDER_LIMIT, 50, 2);
    submit_simple(&desk, MBAR_SIDE_SELL, MBAR_ORDER_MARKET, NO, 1);
    next_bar(&desk, 100, 101, 99, 100);
    assert_status(&desk, closing, MBAR_STATUS_NEW);                 /* one is left */
    submit_simple(&desk, MBAR_SIDE_SELL, MBAR_ORDER_MARKET, NO, 5); /* turns it */
    next_bar(&desk, 100, 101, 99, 100);
    assert_status(&desk, closing, MBAR_STATUS_CANCELED);
    assert_status(&desk, entry, MBAR_STATUS_NEW);
    assert_status(&desk, cover, MBAR_STATUS_NEW);
    submit_simple(&desk, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, NO, 4);
    next_bar(&desk, 100, 101, 99, 100);
    assert_status(&desk, cover, MBAR_STATUS_CANCELED);
    assert_status(&desk, entry, MBAR_STATUS_NEW);
    close_desk(&desk);
}

/* ---- Time in force -------------------------------------------------------- */

static void test_time_in_force(void **state)
{
    (void)state;
    struct desk desk = desk_of(MBAR_POLICY_STRICT, 0);
    mbar_order_request request = request_of(FUTURE, MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 1);
    request.limit_price = 50;
    request.tif = MBAR_TIF_IOC;
    mbar_order_id ioc = submit(&desk, request);
    request.tif = MBAR_TIF_GTD;
    request.good_till_ns = 3 * MBAR_MINUTE_NS;
    mbar_order_id gtd = submit(&desk, request);
    request.tif = MBAR_TIF_DAY;
    mbar_order_id day = submit(&desk, request);
    next_bar(&desk, 100, 101, 99, 100);
    assert_status(&desk, ioc, MBAR_STATUS_CANCELED);
    assert_status(&desk, gtd, MBAR_STATUS_NEW);
    next_bar(&desk, 100, 101, 99, 100);
    next_bar(&desk, 100, 101, 99, 100);
    assert_status(&desk, gtd, MBAR_STATUS_EXPIRED);
    /* The day's last bar is met at the clock of the next day. */
    desk.now_ns = MBAR_DAY_NS - MBAR_MINUTE_NS;
    next_bar(&desk, 60, 61, 50, 60);
    assert_int_equal(desk.now_ns, MBAR_DAY_NS);
    assert_status(&desk, day, MBAR_STATUS_FILLED);
    desk.now_ns = MBAR_DAY_NS - MBAR_MINUTE_NS;
    day = submit(&desk, request);
    next_bar(&desk, 60, 61, 51, 60);
    assert_status(&desk, day, MBAR_STATUS_EXPIRED);
    /* No bar of the next day. */
    desk.now_ns = MBAR_DAY_NS - MBAR_MINUTE_NS;
    day = submit(&desk, request);
    desk.now_ns = MBAR_DAY_NS;
    next_bar(&desk, 60, 61, 50, 60);
    assert_status(&desk, day, MBAR_STATUS_EXPIRED);
    close_desk(&desk);
}

static void test_volume_share(void **state)
{
    (void)state;
    struct desk desk = desk_of(MBAR_POLICY_STRICT, 0.01); /* 10 a bar */
    mbar_order_id gtc = submit_simple(&desk, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, NO, 25);
    mbar_order_request request = request_of(FUTURE, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, 25);
    request.tif = MBAR_TIF_IOC;
    mbar_order_id ioc = submit(&desk, request);
    request.tif = MBAR_TIF_FOK;
    mbar_order_id fok = submit(&desk, request);
    next_bar(&desk, 100, 101, 99, 100);
    assert_status(&desk, gtc, MBAR_STATUS_PARTIAL);
    assert_same(order_at(&desk, gtc)->filled, 10);
    assert_status(&desk, ioc, MBAR_STATUS_CANCELED);
    assert_same(order_at(&desk, ioc)->filled, 10);
    assert_status(&desk, fok, MBAR_STATUS_CANCELED);
    assert_same(order_at(&desk, fok)->filled, 0);
    assert_string_equal(told(&desk), "partial_fill 1, partial_fill 2, canceled 2, canceled 3, "
                                     "new 1, new 2, new 3");
    assert_fails(MBAR_INVALID, "of which 10 are filled",
                 mbar_book_modify(desk.book, gtc, NO, NO, 10, 0, &error));
    next_bar(&desk, 103, 104, 102, 103);
    next_bar(&desk, 107, 108, 106, 107);
    assert_status(&desk, gtc, MBAR_STATUS_FILLED);
    assert_same(order_at(&desk, gtc)->fill_price,
                ((100 * 10 + 103 * 10) / 20.0 * 20 + 107 * 5) / 25);
    assert_same(position(&desk), 35);
    assert_string_equal(told(&desk), "partial_fill 1, fill 1");
    close_desk(&desk);
}

/* A sibling shrinks by what the other fills; an entry's part is protected. */
static void test_parts_of_brackets(void **state)
{
    (void)state;
    struct desk desk = desk_of(MBAR_POLICY_STRICT, 0.01);
    mbar_order_request request = bracket(110, 95);
    request.quantity = 15;
    mbar_order_id id = submit(&desk, request);
    next_bar(&desk, 100, 101, 99, 100);
    assert_status(&desk, id + 1, MBAR_STATUS_UNPROCESSED);
    next_bar(&desk, 100, 101, 99, 100);
    assert_status(&desk, id + 1, MBAR_STATUS_NEW);
    next_bar(&desk, 105, 111, 104, 110); /* takes 10 */
    assert_status(&desk, id + 1, MBAR_STATUS_PARTIAL);
    assert_same(order_at(&desk, id + 2)->quantity, 5);
    next_bar(&desk, 96, 97, 94, 95); /* stops the other 5 */
    assert_status(&desk, id + 2, MBAR_STATUS_FILLED);
    assert_same(order_at(&desk, id + 2)->filled, 5);
    assert_status(&desk, id + 1, MBAR_STATUS_CANCELED);
    assert_same(position(&desk), 0);
    told(&desk);
    id = submit(&desk, request);
    next_bar(&desk, 100, 101, 99, 100);
    assert_ok(mbar_book_cancel(desk.book, id, desk.now_ns, &error));
    assert_status(&desk, id, MBAR_STATUS_CANCELED);
    assert_same(order_at(&desk, id + 2)->quantity, 10);
    assert_true(mbar_book_is_active(desk.book, id));
    next_bar(&desk, 96, 97, 94, 95);
    assert_status(&desk, id + 2, MBAR_STATUS_FILLED);
    assert_status(&desk, id + 1, MBAR_STATUS_CANCELED);
    assert_same(position(&desk), 0);
    close_desk(&desk);
}

/* ---- What is refused ------------------------------------------------------ */

#define assert_refused(desk, part, request)                                        \
    do {                                                                           \
        mbar_order_id id_ = 77;                                                    \
        assert_fails(MBAR_INVALID, part,                                           \
                     mbar_book_submit((desk)->book, &(request), 0, &id_, &error)); \
        assert_int_equal(id_, 77);                                                 \
    } while (0)

static void test_refused(void **state)
{
    (void)state;
    struct desk desk = desk_of(MBAR_POLICY_STRICT, 0);
    const double bad[] = {0, -1, NAN, INFINITY, -INFINITY, 1e300};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mbar_order_request request = request_of(STOCK, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, bad[i]);
        assert_refused(&desk, "a quantity of", request);
    }
    const double prices[] = {0, -1, INFINITY};
    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++) {
        mbar_order_request request = request_of(STOCK, MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 1);
        request.limit_price = prices[i];
        assert_refused(&desk, "a limit_price of", request);
    }
    mbar_order_request request = request_of(STOCK, MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 1);
    assert_refused(&desk, "without its limit_price", request);
    request.type = MBAR_ORDER_STOP_LIMIT;
    request.limit_price = 5;
    assert_refused(&desk, "without its stop_price", request);
    request.type = MBAR_ORDER_TRAIL;
    assert_refused(&desk, "trailing stop", request);
    request.trail_percent = 1.5;
    assert_refused(&desk, "between 0 and 1", request);
    request = request_of(2, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, 1);
    assert_refused(&desk, "no asset 2; there are 2", request);
    request.asset = -1;
    assert_refused(&desk, "no asset -1", request);
    request = request_of(STOCK, (mbar_side)99, MBAR_ORDER_MARKET, 1);
    assert_refused(&desk, "side 99", request);
    request = request_of(STOCK, MBAR_SIDE_BUY, MBAR_ORDER_MARKET, 1);
    request.tif = MBAR_TIF_GTD;
    assert_refused(&desk, "has passed", request);
    request.tif = MBAR_TIF_GTC;
    request.order_class = MBAR_CLASS_BRACKET;
    assert_refused(&desk, "bracket without children", request);
    request.order_class = MBAR_CLASS_OTO;
    request.child_limit_price = 3;
    request.child_stop_price = 2;
    assert_refused(&desk, "OTO needs one child, not 2", request);
    request.order_class = MBAR_CLASS_OCO;
    request.child_stop_price = NAN;
    assert_refused(&desk, "OCO needs two", request);
    request.order_class = MBAR_CLASS_BRACKET;
    request.child_limit_price = -3;
    assert_refused(&desk, "a limit_price of -3", request);
    assert_int_equal(mbar_book_orders(desk.book), 0);
    assert_int_equal(mbar_book_events(desk.book), 0);
    /* Of a future a price may be below 0. */
    request = request_of(FUTURE, MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 1);
    request.limit_price = -37.63;
    submit(&desk, request);
    close_desk(&desk);
}

/* ---- Many ----------------------------------------------------------------- */

/* Ten thousand orders a bar, of which each fill ends the position of those before it. */
static void test_ten_thousand_orders_a_bar(void **state)
{
    (void)state;
    for (int policy = 0; policy < 2; policy++) {
        struct desk desk = desk_of(policy == 0 ? MBAR_POLICY_STRICT : MBAR_POLICY_LUMIBOT, 0);
        for (int i = 0; i < 10000; i++) {
            submit_simple(&desk, MBAR_SIDE_BUY, MBAR_ORDER_LIMIT, 1 + i % 50, 1);
        }
        for (int bar = 0; bar < 3; bar++) {
            for (int i = 0; i < 10000; i++) {
                mbar_side side = i % 2 == 0 ? MBAR_SIDE_BUY : MBAR_SIDE_SELL_SHORT;
                submit_simple(&desk, side, MBAR_ORDER_MARKET, NO, 1);
            }
            desk.n_asked = 0;
            next_bar(&desk, 100, 101, 99, 100);
            assert_int_equal(desk.n_asked, 20000);
            assert_same(position(&desk), 0);
            int64_t n = 0;
            for (mbar_order_id id = 0; (id = mbar_book_next_active(desk.book, id)) != 0;) {
                n++;
            }
            assert_int_equal(n, 10000);
        }
        assert_ok(mbar_book_cancel_all(desk.book, desk.now_ns, &error));
        assert_true(mbar_book_is_idle(desk.book));
        assert_int_equal(mbar_book_orders(desk.book), 40000);
        assert_int_equal(mbar_book_events(desk.book), 40000 + 30000 + 10000);
        close_desk(&desk);
    }
}

/* ---- Tables --------------------------------------------------------------- */

static mbar_table *table_of_book(const struct desk *desk, const char *which)
{
    mbar_table *table = NULL;
    assert_ok(mbar_book_table(desk->book, which, &table, &error));
    return table;
}

static void assert_word(const mbar_table *table, const char *column, int64_t row, const char *word)
{
    size_t n_bytes;
    const char *got =
        mbar_column_text(mbar_table_column(table, mbar_table_find(table, column)), row, &n_bytes);
    assert_int_equal(n_bytes, strlen(word));
    assert_memory_equal(got, word, n_bytes);
}

static void test_tables(void **state)
{
    (void)state;
    static const char *const names[] = {"orders", "fills", "events"};
    struct desk desk = desk_of(MBAR_POLICY_STRICT, 0);
    for (int i = 0; i < 3; i++) {
        mbar_table *empty = table_of_book(&desk, names[i]);
        assert_int_equal(mbar_table_rows(empty), 0);
        mbar_table_unref(empty);
    }
    submit(&desk, bracket(110, 95));
    next_bar(&desk, 100, 101, 99, 100);
    next_bar(&desk, 105, 112, 104, 111);
    mbar_table *orders = table_of_book(&desk, "orders");
    assert_int_equal(mbar_table_rows(orders), 3);
    assert_int_equal(mbar_table_columns(orders), 22);
    assert_word(orders, "symbol", 0, "MES");
    assert_word(orders, "side", 1, "sell_to_close");
    assert_word(orders, "class", 0, "bracket");
    assert_word(orders, "status", 2, "canceled");
    assert_word(orders, "type", 2, "stop");
    const mbar_column *placed = mbar_table_column(orders, mbar_table_find(orders, "placed"));
    assert_true(mbar_column_is_valid(placed, 2));
    mbar_table_unref(orders);
    mbar_table *fills = table_of_book(&desk, "fills");
    assert_int_equal(mbar_table_rows(fills), 2);
    const double *price =
        mbar_column_values(mbar_table_column(fills, mbar_table_find(fills, "price")));
    assert_same(price[0], 100);
    assert_same(price[1], 110);
    assert_word(fills, "side", 1, "sell_to_close");
    mbar_table_unref(fills);
    mbar_table *events = table_of_book(&desk, "events");
    assert_int_equal(mbar_table_rows(events), mbar_book_events(desk.book));
    assert_word(events, "kind", 0, "new");
    mbar_table_unref(events);
    mbar_table *none = NULL;
    assert_fails(MBAR_NOTFOUND, "orders, fills, events",
                 mbar_book_table(desk.book, "trades", &none, &error));
    mbar_order_request waiting = bracket(110, 95);
    submit(&desk, waiting);
    orders = table_of_book(&desk, "orders");
    placed = mbar_table_column(orders, mbar_table_find(orders, "placed"));
    assert_false(mbar_column_is_valid(placed, 4)); /* a child that waits */
    mbar_table_unref(orders);
    close_desk(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(test_market),
        leak_checked(test_waits_for_a_later_bar),
        leak_checked(test_cancel_and_modify),
        leak_checked(test_bracket),
        leak_checked(test_ambiguous_siblings),
        leak_checked(test_oco),
        leak_checked(test_oto_trails),
        leak_checked(test_closing_orders_end_with_the_position),
        leak_checked(test_time_in_force),
        leak_checked(test_volume_share),
        leak_checked(test_parts_of_brackets),
        leak_checked(test_refused),
        leak_checked(test_ten_thousand_orders_a_bar),
        leak_checked(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
