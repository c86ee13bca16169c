/*
 * sim/book.h - the orders of one run: entering, matching in turn, canceling.
 *
 * The book owns every order, decides what each does to the others (children,
 * siblings, time in force) and queues what happened as events. It knows no clock
 * and no series: the engine tells it the time and the bar. Positions and cash are
 * the ledger's, which it is lent.
 */
#ifndef MBAR_SIM_BOOK_H
#define MBAR_SIM_BOOK_H

#include <millibar/sim.h>

typedef struct mbar_book mbar_book;

/* What there is to match an order against. */
typedef enum mbar_book_data {
    MBAR_BOOK_BAR = 0, /* *out */
    /* Nothing now. STRICT: no bar has closed that opened at or after order->placed_ns.
     * LUMIBOT: rows, but none at or before the clock nor shortly after it. */
    MBAR_BOOK_WAIT,
    /* LUMIBOT only: no rows at all ("unavailable execution data"): ends IOC and FOK orders, and
     * DAY ones once the session has closed. */
    MBAR_BOOK_NO_BAR,
    /* LUMIBOT only: the row chosen is more than a day (of day data: 7) from the clock: as
     * NO_BAR for market orders, as WAIT for the others. */
    MBAR_BOOK_FAR_BAR
} mbar_book_data;

/* *out is lent until the next call; LUMIBOT wants it whatever is returned, for its quote (NaN:
 * none). One call per order and pass, LUMIBOT; STRICT may ask again for an order's sibling. */
typedef struct mbar_book_market {
    mbar_book_data (*bar)(void *ctx, const mbar_order *order, const mbar_bar **out);
    void *ctx;
    /* LUMIBOT: whether the time to the close is 0 or less. Asked of DAY orders without data only,
     * for lumibot's answer has a consequence: see mbar_engine_session_closed. */
    bool (*session_closed)(void *ctx);
} mbar_book_market;

/* ledger is borrowed and outlives the book; its assets are those of the requests. zone is
 * that of dates (DAY orders), referenced; NULL: UTC. */
mbar_status mbar_book_new(mbar_policy policy, mbar_ledger *ledger, const mbar_frictions *frictions,
                          mbar_zone *zone, mbar_book **out, mbar_error *error);
void mbar_book_free(mbar_book *book);

/* As mbar_engine_submit, _cancel, _cancel_all, _modify, at the clock now_ns. LUMIBOT: a cancel
 * is not refused to an order that is filled or canceled: it becomes canceled and says so
 * again, as lumibot's does; cancel_all reaches filled parents of active children. */
mbar_status mbar_book_submit(mbar_book *book, const mbar_order_request *request, int64_t now_ns,
                             mbar_order_id *out, mbar_error *error);
mbar_status mbar_book_cancel(mbar_book *book, mbar_order_id id, int64_t now_ns, mbar_error *error);
mbar_status mbar_book_cancel_all(mbar_book *book, int64_t now_ns, mbar_error *error);
mbar_status mbar_book_modify(mbar_book *book, mbar_order_id id, double limit_price,
                             double stop_price, double quantity, int64_t now_ns, mbar_error *error);
/* LUMIBOT: the same order submitted once more: lumibot says "new" again, and no more. */
mbar_status mbar_book_resubmit(mbar_book *book, mbar_order_id id, int64_t now_ns,
                               mbar_error *error);

/* One pass over the orders that are active at its start (lumibot: process_pending_orders). */
mbar_status mbar_book_match(mbar_book *book, int64_t now_ns, const mbar_book_market *market,
                            mbar_error *error);
/* Whether a pass has anything to look at. O(1). */
bool mbar_book_is_idle(const mbar_book *book);

const mbar_order *mbar_book_order(const mbar_book *book, mbar_order_id id); /* NULL: none */
int64_t mbar_book_orders(const mbar_book *book);
/* The next active order after `after` (0: first; else an active one): those that pass over
 * bars meets, in its order, then the placeholders of OCO. O(1). */
mbar_order_id mbar_book_next_active(const mbar_book *book, mbar_order_id after);
/* lumibot's is_active: neither filled nor canceled, or with a child that is neither. */
bool mbar_book_is_active(const mbar_book *book, mbar_order_id id);

/* Takes the next event in the order in which lumibot's queue gives them (fills, cancels, errors
 * before the others): its place in the log, -1 when there is none. Not queued, only logged:
 * MODIFIED under LUMIBOT, and the NEW of an OCO's placeholder. */
int64_t mbar_book_next_event(mbar_book *book);
/* The events that wait have been told, without being looked at. STRICT, where nothing is settled
 * when an event is told (asserted). */
void mbar_book_skip_events(mbar_book *book);
/* What the delivery of an event does: LUMIBOT books the cash leg of stock and forex fills
 * only now. An event that lumibot drops unseen is not settled. */
void mbar_book_settle(mbar_book *book, int64_t index);
/* The log: how many events so far, and one of them, asserted to be there. */
int64_t mbar_book_events(const mbar_book *book);
mbar_event mbar_book_event(const mbar_book *book, int64_t index);

/* The tables "orders", "fills" and "events" of mbar_engine_table. */
mbar_status mbar_book_table(const mbar_book *book, const char *which, mbar_table **out,
                            mbar_error *error);

#endif
