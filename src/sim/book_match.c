/*
 * book_match.c - one pass over the working orders.
 *
 * The orders are those that work when the pass begins, in the order of their arrival;
 * what is canceled or filled on the way is passed over, what arrives waits for the
 * next pass. One bar is asked for each, one match made.
 *
 * LUMIBOT (process_pending_orders): time in force is looked at before the bar. Where
 * there is no data, immediate orders end, and DAY ones once the session is over.
 *
 * STRICT: an order that has lapsed by now still meets a bar that opened before. Of two
 * siblings that one bar would both fill, the one that fills at the open was first;
 * where neither does, nobody knows which was first: the stop is taken, for it is the
 * worse, and both are flagged ambiguous.
 */
#include "sim/book_internal.h"
#include "sim/match.h"
#include "sim/order.h"

#include <assert.h>
#include <math.h>

static bool is_immediate(const mbar_entry *entry)
{
    return entry->order.tif == MBAR_TIF_IOC || entry->order.tif == MBAR_TIF_FOK;
}

static mbar_match match_entry(const mbar_book *book, const mbar_entry *entry, const mbar_bar *bar)
{
    return mbar_match_order(&entry->order, bar, book->policy, mbar_entry_asset(book, entry),
                            &book->frictions);
}

/* ---- LUMIBOT -------------------------------------------------------------- */

static mbar_status lumibot_cancel(mbar_book *book, mbar_entry *entry, int64_t now_ns,
                                  const char *why, mbar_error *error)
{
    return mbar_entry_cancel(book, entry, MBAR_STATUS_CANCELED, now_ns, why, error);
}

/* BacktestingBroker._handle_unavailable_execution_data */
static mbar_status lumibot_without_data(mbar_book *book, mbar_entry *entry, int64_t now_ns,
                                        const mbar_book_market *market, mbar_error *error)
{
    bool is_over = entry->order.tif == MBAR_TIF_DAY && market->session_closed(market->ctx);
    return is_immediate(entry) || is_over
               ? lumibot_cancel(book, entry, now_ns, "no data to execute it against", error)
               : MBAR_OK;
}

/* There are rows, but none to use: the quote may settle it. */
static mbar_status lumibot_by_quote(mbar_book *book, mbar_entry *entry, const mbar_bar *bar,
                                    bool is_far, int64_t now_ns, const mbar_book_market *market,
                                    mbar_error *error)
{
    double price;
    if (mbar_match_quote(&entry->order, bar->bid, bar->ask, &price)) {
        if (!isnan(price)) {
            entry->order.by_quote = true;
            return mbar_entry_fill(book, entry, price, entry->order.quantity, bar, now_ns, error);
        }
        return is_immediate(entry)
                   ? lumibot_cancel(book, entry, now_ns, "not filled at once", error)
                   : MBAR_OK;
    }
    return is_far && entry->order.type == MBAR_ORDER_MARKET
               ? lumibot_without_data(book, entry, now_ns, market, error)
               : MBAR_OK;
}

static mbar_status lumibot_order(mbar_book *book, mbar_entry *entry, int64_t now_ns,
                                 const mbar_book_market *market, mbar_error *error)
{
    if (now_ns >= entry->order.expires_ns) {
        return lumibot_cancel(book, entry, now_ns, "its time in force has elapsed", error);
    }
    const mbar_bar *bar;
    mbar_bar quote;
    double settled;
    mbar_book_data data = market->bar(market->ctx, &entry->order, &bar);
    if (data == MBAR_BOOK_WAIT || data == MBAR_BOOK_FAR_BAR) {
        return lumibot_by_quote(book, entry, bar, data == MBAR_BOOK_FAR_BAR, now_ns, market, error);
    }
    if (data == MBAR_BOOK_NO_BAR) {
        quote = *bar;
        quote.open = quote.high = quote.low = quote.close = quote.volume = NAN;
        bar = &quote;
    }
    mbar_match match = match_entry(book, entry, bar);
    entry->order.triggered = match.triggered;
    entry->order.trail_stop = match.trail_stop;
    entry->order.by_quote = match.by_quote;
    if (!isnan(match.price)) {
        return mbar_entry_fill(book, entry, match.price, match.quantity, bar, now_ns, error);
    }
    if (data == MBAR_BOOK_NO_BAR &&
        !mbar_match_quote(&entry->order, bar->bid, bar->ask, &settled)) {
        return lumibot_without_data(book, entry, now_ns, market, error);
    }
    return match.cancel ? lumibot_cancel(book, entry, now_ns, "not filled at once", error)
                        : MBAR_OK;
}

/* ---- STRICT --------------------------------------------------------------- */

static bool fills_at_open(const mbar_entry *entry, const mbar_bar *bar)
{
    const mbar_order *order = &entry->order;
    double s = mbar_sign_of(order->side);
    if (order->type == MBAR_ORDER_LIMIT) {
        return s * bar->open <= s * order->limit_price;
    }
    double stop = order->type == MBAR_ORDER_TRAIL ? order->trail_stop : order->stop_price;
    return order->triggered || s * bar->open >= s * stop;
}

/* The sibling that fills in entry's stead, if one does: *match becomes its match. */
static mbar_entry *first_of_siblings(mbar_book *book, mbar_entry *entry, const mbar_bar *bar,
                                     const mbar_book_market *market, mbar_match *match)
{
    const mbar_bar *other;
    if (mbar_sibling_of(&entry->order) == 0) {
        return entry;
    }
    mbar_entry *sibling = mbar_book_entry(book, mbar_sibling_of(&entry->order));
    if (sibling->bucket != MBAR_BUCKET_WORKING ||
        market->bar(market->ctx, &sibling->order, &other) != MBAR_BOOK_BAR ||
        other->open_ns != bar->open_ns || other->open_ns >= sibling->order.expires_ns) {
        return entry;
    }
    mbar_match its = match_entry(book, sibling, bar);
    if (isnan(its.price) || fills_at_open(entry, bar)) {
        return entry;
    }
    if (!fills_at_open(sibling, bar)) {
        entry->order.ambiguous = sibling->order.ambiguous = true;
        if (entry->order.type != MBAR_ORDER_LIMIT) {
            return entry;
        }
    }
    *match = its;
    return sibling;
}

static mbar_status strict_expire(mbar_book *book, mbar_entry *entry, int64_t now_ns,
                                 mbar_error *error)
{
    return mbar_entry_cancel(book, entry, MBAR_STATUS_EXPIRED, now_ns,
                             "its time in force has elapsed", error);
}

static mbar_status strict_meet(mbar_book *book, mbar_entry *entry, const mbar_bar *bar,
                               int64_t now_ns, const mbar_book_market *market, mbar_error *error)
{
    mbar_match match = match_entry(book, entry, bar);
    if (!isnan(match.price)) {
        entry = first_of_siblings(book, entry, bar, market, &match);
    }
    entry->order.triggered = match.triggered;
    entry->order.trail_stop = match.trail_stop;
    entry->order.ambiguous = entry->order.ambiguous || match.ambiguous;
    mbar_status status = MBAR_OK;
    if (!isnan(match.price)) {
        status = mbar_entry_fill(book, entry, match.price, match.quantity, bar, now_ns, error);
    }
    if (status == MBAR_OK && entry->bucket == MBAR_BUCKET_WORKING && is_immediate(entry)) {
        status = mbar_entry_cancel(book, entry, MBAR_STATUS_CANCELED, now_ns, "not filled at once",
                                   error);
    }
    return status;
}

static mbar_status strict_order(mbar_book *book, mbar_entry *entry, int64_t now_ns,
                                const mbar_book_market *market, mbar_error *error)
{
    const mbar_bar *bar;
    mbar_status status = MBAR_OK;
    bool has_bar = market->bar(market->ctx, &entry->order, &bar) == MBAR_BOOK_BAR;
    if (has_bar && bar->open_ns < entry->order.expires_ns) {
        status = strict_meet(book, entry, bar, now_ns, market, error);
    }
    if (status == MBAR_OK && entry->bucket == MBAR_BUCKET_WORKING &&
        now_ns >= entry->order.expires_ns) {
        status = strict_expire(book, entry, now_ns, error);
    }
    return status;
}

/* ---- The pass ------------------------------------------------------------- */

mbar_status mbar_book_match(mbar_book *book, int64_t now_ns, const mbar_book_market *market,
                            mbar_error *error)
{
    static const mbar_bucket working = MBAR_BUCKET_WORKING;
    int64_t n;
    assert(book != NULL && market != NULL && market->bar != NULL);
    if (mbar_book_is_idle(book)) {
        return MBAR_OK;
    }
    bool is_lumibot = book->policy == MBAR_POLICY_LUMIBOT;
    mbar_status status = mbar_book_list(book, &working, 1, &n, error);
    for (int64_t i = 0; i < n && status == MBAR_OK; i++) {
        mbar_entry *entry = mbar_book_entry(book, book->pending[i]);
        if (entry->bucket == MBAR_BUCKET_WORKING && !entry->sibling_filled) {
            status = is_lumibot ? lumibot_order(book, entry, now_ns, market, error)
                                : strict_order(book, entry, now_ns, market, error);
        }
    }
    return status;
}
