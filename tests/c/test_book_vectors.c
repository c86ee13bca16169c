/* test_book_vectors.c - book and ledger under LUMIBOT against lumibot's own broker, by bits. */
#include "sim/order.h"
#include "sim_vectors.h"

enum { MOST_ASSETS = 8 };

struct replay {
    struct sim_lines lines;
    mbar_zone *zone;
    mbar_ledger *ledger;
    mbar_book *book;
    int32_t n_assets;
    mbar_fee fees[2][4];
    int32_t n_fees[2];
    /* What the present pass gives for each asset. */
    mbar_book_data data[MOST_ASSETS];
    mbar_bar bars[MOST_ASSETS];
    bool session_closed;
    int64_t n_logged; /* events compared so far */
    int64_t revision; /* the ledger's at the start */
    int64_t n_steps, n_fills;
};

static mbar_book_data give_bar(void *ctx, const mbar_order *order, const mbar_bar **out)
{
    struct replay *replay = ctx;
    *out = &replay->bars[order->asset];
    return replay->data[order->asset];
}

static bool is_session_closed(void *ctx)
{
    return ((struct replay *)ctx)->session_closed;
}

static void close_run(struct replay *replay)
{
    mbar_book_free(replay->book);
    mbar_ledger_free(replay->ledger);
    replay->book = NULL;
    replay->ledger = NULL;
    replay->n_assets = 0;
    replay->n_fees[0] = replay->n_fees[1] = 0;
    replay->n_logged = 0;
}

static void open_run(struct replay *replay)
{
    mbar_frictions frictions = {0};
    close_run(replay);
    replay->ledger = ledger_new(MBAR_POLICY_LUMIBOT, read_double(&replay->lines));
    assert_ok(mbar_book_new(MBAR_POLICY_LUMIBOT, replay->ledger, &frictions, replay->zone,
                            &replay->book, &error));
    replay->revision = mbar_ledger_revision(replay->ledger);
}

static void add_asset(struct replay *replay)
{
    struct sim_lines *lines = &replay->lines;
    mbar_asset asset;
    mbar_asset_init(&asset);
    asset.kind = (mbar_asset_kind)read_number(lines);
    asset.symbol = read_word(lines);
    asset.multiplier = read_double(lines);
    asset.margin = read_double(lines);
    asset.quote_is_crypto = read_number(lines) != 0;
    const char *quote = read_word(lines);
    asset.quote = strcmp(quote, "-") == 0 ? NULL : quote;
    int32_t number;
    assert_ok(mbar_ledger_add_asset(replay->ledger, &asset, &number, &error));
    replay->n_assets++;
    assert_true(replay->n_assets <= MOST_ASSETS);
}

static void add_fee(struct replay *replay)
{
    struct sim_lines *lines = &replay->lines;
    int64_t side = read_number(lines);
    mbar_fee *fee = &replay->fees[side][replay->n_fees[side]++];
    fee->flat = read_double(lines);
    fee->percent = read_double(lines);
    fee->per_contract = read_double(lines);
    fee->maker = read_number(lines) != 0;
    fee->taker = read_number(lines) != 0;
    assert_ok(mbar_ledger_set_fees(replay->ledger, replay->fees[0], replay->n_fees[0],
                                   replay->fees[1], replay->n_fees[1], &error));
}

/* ---- Steps ---------------------------------------------------------------- */

static void submit(struct replay *replay)
{
    struct sim_lines *lines = &replay->lines;
    mbar_order_request request;
    mbar_order_id id = 0;
    mbar_order_request_init(&request);
    int64_t now_ns = read_number(lines), wanted = read_number(lines);
    request.asset = (int32_t)read_number(lines);
    request.side = (mbar_side)read_number(lines);
    request.type = (mbar_order_type)read_number(lines);
    request.order_class = (mbar_order_class)read_number(lines);
    request.tif = (mbar_tif)read_number(lines);
    request.quantity = read_double(lines);
    request.good_till_ns = read_number(lines);
    request.limit_price = read_double(lines);
    request.stop_price = read_double(lines);
    request.stop_limit_price = read_double(lines);
    request.trail_amount = read_double(lines);
    request.trail_percent = read_double(lines);
    request.child_limit_price = read_double(lines);
    request.child_stop_price = read_double(lines);
    request.child_stop_limit_price = read_double(lines);
    request.child_trail_amount = read_double(lines);
    request.child_trail_percent = read_double(lines);
    assert_ok(mbar_book_submit(replay->book, &request, now_ns, &id, &error));
    check_number(lines, "the number", id, wanted);
}

static void modify(struct replay *replay)
{
    struct sim_lines *lines = &replay->lines;
    int64_t now_ns = read_number(lines), id = read_number(lines);
    double limit = read_double(lines), stop = read_double(lines);
    assert_ok(mbar_book_modify(replay->book, id, limit, stop, NAN, now_ns, &error));
}

static void pass(struct replay *replay)
{
    struct sim_lines *lines = &replay->lines;
    const mbar_book_market market = {give_bar, replay, is_session_closed};
    int64_t now_ns = read_number(lines);
    replay->session_closed = read_number(lines) != 0;
    for (int32_t i = 0; i < replay->n_assets; i++) {
        mbar_bar *bar = &replay->bars[i];
        replay->data[i] = (mbar_book_data)read_number(lines);
        bar->open_ns = now_ns;
        bar->open = read_double(lines);
        bar->high = read_double(lines);
        bar->low = bar->close = read_double(lines);
        bar->volume = 1;
        bar->bid = read_double(lines);
        bar->ask = read_double(lines);
        bar->is_day = read_number(lines) != 0;
    }
    assert_ok(mbar_book_match(replay->book, now_ns, &market, &error));
}

static void value(struct replay *replay)
{
    struct sim_lines *lines = &replay->lines;
    double prices[MOST_ASSETS];
    for (int32_t i = 0; i < replay->n_assets; i++) {
        prices[i] = read_double(lines);
    }
    double got = mbar_ledger_value(replay->ledger, prices);
    assert_true(lines_next(lines) && strcmp(read_word(lines), "worth") == 0);
    check_bits(lines, "the value", got, read_double(lines));
}

/* ---- What a step gives ---------------------------------------------------- */

static void check_event(struct replay *replay)
{
    struct sim_lines *lines = &replay->lines;
    if (replay->n_logged >= mbar_book_events(replay->book)) {
        fail_msg("line %ld: no event was logged", lines->number);
    }
    const mbar_event event = mbar_book_event(replay->book, replay->n_logged++);
    const char *kind = mbar_order_word(MBAR_WORDS_EVENT, (int32_t)event.kind);
    const char *wanted = read_word(lines);
    if (strcmp(kind, wanted) != 0) {
        fail_msg("line %ld: an event \"%s\" of order %lld, not \"%s\"", lines->number, kind,
                 (long long)event.order, wanted);
    }
    check_number(lines, "the event's order", event.order, read_number(lines));
    check_bits(lines, "the event's price", event.price, read_double(lines));
    check_bits(lines, "the event's quantity", event.quantity, read_double(lines));
    check_bits(lines, "the event's fee", event.fee, read_double(lines));
    replay->n_fills += event.kind == MBAR_EVENT_FILLED;
}

static void check_told(struct replay *replay)
{
    struct sim_lines *lines = &replay->lines;
    int64_t index = mbar_book_next_event(replay->book);
    if (index < 0) {
        fail_msg("line %ld: no event is left to be told", lines->number);
    }
    mbar_event event = mbar_book_event(replay->book, index);
    const char *kind = mbar_order_word(MBAR_WORDS_EVENT, (int32_t)event.kind);
    const char *wanted = read_word(lines);
    if (strcmp(kind, wanted) != 0) {
        fail_msg("line %ld: told \"%s\", not \"%s\"", lines->number, kind, wanted);
    }
    check_number(lines, "the order told of", event.order, read_number(lines));
    mbar_book_settle(replay->book, index);
    check_bits(lines, "the cash", mbar_ledger_cash(replay->ledger), read_double(lines));
}

static void check_order(struct replay *replay)
{
    struct sim_lines *lines = &replay->lines;
    const mbar_order *order = mbar_book_order(replay->book, read_number(lines));
    assert_non_null(order);
    check_number(lines, "the status", order->status, read_number(lines));
    check_bits(lines, "the quantity", order->quantity, read_double(lines));
    check_bits(lines, "the fill's price", order->fill_price, read_double(lines));
    check_bits(lines, "the fees", order->fees, read_double(lines));
    check_bits(lines, "the trailing stop", order->trail_stop, read_double(lines));
    check_number(lines, "triggered", order->triggered, read_number(lines));
    check_bits(lines, "the limit", order->limit_price, read_double(lines));
    check_bits(lines, "the stop", order->stop_price, read_double(lines));
}

static void check_active(struct replay *replay)
{
    struct sim_lines *lines = &replay->lines;
    mbar_order_id id = 0;
    while (lines->at < lines->n) {
        id = mbar_book_next_active(replay->book, id);
        check_number(lines, "the active order", id, read_number(lines));
    }
    if (lines->n == 2 || id != 0) {
        check_number(lines, "the end of the active orders", mbar_book_next_active(replay->book, id),
                     0);
    }
}

static void check_account(struct replay *replay)
{
    struct sim_lines *lines = &replay->lines;
    check_number(lines, "events logged", mbar_book_events(replay->book), replay->n_logged);
    check_bits(lines, "the cash", mbar_ledger_cash(replay->ledger), read_double(lines));
    check_number(lines, "the revision", mbar_ledger_revision(replay->ledger) - replay->revision,
                 read_number(lines));
    for (int32_t i = 0; i < replay->n_assets; i++) {
        const mbar_position *position = mbar_ledger_position(replay->ledger, i);
        double quantity = read_double(lines), average = read_double(lines);
        check_number(lines, "held", mbar_ledger_holding(replay->ledger, i)->is_held,
                     !isnan(quantity));
        check_bits(lines, "the position", position->quantity, isnan(quantity) ? 0 : quantity);
        check_bits(lines, "its average", position->avg_price, average);
    }
}

static void check_result(struct replay *replay)
{
    static const struct {
        const char *word;
        void (*check)(struct replay *replay);
    } checks[] = {{"event", check_event},
                  {"told", check_told},
                  {"order", check_order},
                  {"active", check_active},
                  {"account", check_account}};
    const char *word = read_word(&replay->lines);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (strcmp(word, checks[i].word) == 0) {
            checks[i].check(replay);
            return;
        }
    }
    fail_msg("line %ld: no result \"%s\"", replay->lines.number, word);
}

static void take_step(struct replay *replay)
{
    struct sim_lines *lines = &replay->lines;
    if (lines_is(lines, "submit")) {
        submit(replay);
    } else if (lines_is(lines, "pass")) {
        pass(replay);
    } else if (lines_is(lines, "modify")) {
        modify(replay);
    } else if (lines_is(lines, "value")) {
        value(replay);
    } else if (lines_is(lines, "cancelall")) {
        assert_ok(mbar_book_cancel_all(replay->book, read_number(lines), &error));
    } else if (lines_is(lines, "cancel")) {
        int64_t now_ns = read_number(lines);
        assert_ok(mbar_book_cancel(replay->book, read_number(lines), now_ns, &error));
    } else if (lines_is(lines, "resubmit")) {
        int64_t now_ns = read_number(lines);
        assert_ok(mbar_book_resubmit(replay->book, read_number(lines), now_ns, &error));
    } else if (lines_is(lines, "split")) {
        int32_t asset = (int32_t)read_number(lines);
        mbar_ledger_split(replay->ledger, asset, read_double(lines));
    } else if (!lines_is(lines, "drain")) {
        fail_msg("line %ld: no step \"%s\"", lines->number, lines->fields[0]);
    }
    replay->n_steps++;
}

static void test_replay(void **state)
{
    (void)state;
    static struct replay replay;
    memset(&replay, 0, sizeof replay);
    assert_ok(mbar_zone_open("America/New_York", &replay.zone, &error));
    lines_open(&replay.lines, "sim_book.txt");
    while (lines_next(&replay.lines)) {
        if (lines_is(&replay.lines, "run")) {
            open_run(&replay);
        } else if (lines_is(&replay.lines, "asset")) {
            add_asset(&replay);
        } else if (lines_is(&replay.lines, "fee")) {
            add_fee(&replay);
        } else if (lines_is(&replay.lines, ">")) {
            check_result(&replay);
        } else {
            take_step(&replay);
        }
    }
    close_run(&replay);
    mbar_zone_unref(replay.zone);
    print_message("%lld steps, %lld fills\n", (long long)replay.n_steps, (long long)replay.n_fills);
    assert_true(replay.n_steps > 900 && replay.n_fills > 180);
}

/* The library keeps zones it has read. */
static int read_zone(void **state)
{
    (void)state;
    mbar_zone *zone = NULL;
    assert_ok(mbar_zone_open("America/New_York", &zone, &error));
    mbar_zone_unref(zone);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {leak_checked(test_replay)};
    return cmocka_run_group_tests(tests, read_zone, NULL);
}
