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

/* The bar against which order is matched now; false where there is none (LUMIBOT: its
 * "unavailable execution data"; STRICT: no bar has closed since the order was placed). */
typedef struct mbar_book_market {
    bool (*bar)(void *ctx, const mbar_order *order, mbar_bar *out);
    void *ctx;
} mbar_book_market;

/* ledger is borrowed and outlives the book; its assets are those of the requests. zone is
 * that of dates (DAY orders); referenced. */
mbar_status mbar_book_new(mbar_policy policy, mbar_ledger *ledger, const mbar_frictions *frictions,
                          mbar_zone *zone, mbar_book **out, mbar_error *error);
void mbar_book_free(mbar_book *book);

/* As mbar_engine_submit, _cancel, _cancel_all, _modify, at the clock now_ns. */
mbar_status mbar_book_submit(mbar_book *book, const mbar_order_request *request, int64_t now_ns,
                             mbar_order_id *out, mbar_error *error);
mbar_status mbar_book_cancel(mbar_book *book, mbar_order_id id, int64_t now_ns, mbar_error *error);
mbar_status mbar_book_cancel_all(mbar_book *book, int64_t now_ns, mbar_error *error);
mbar_status mbar_book_modify(mbar_book *book, mbar_order_id id, double limit_price,
                             double stop_price, double quantity, int64_t now_ns, mbar_error *error);

/* One pass over the orders that are active at its start (lumibot: process_pending_orders). */
mbar_status mbar_book_match(mbar_book *book, int64_t now_ns, const mbar_book_market *market,
                            mbar_error *error);
/* Whether a pass has anything to look at. O(1). */
bool mbar_book_is_idle(const mbar_book *book);

const mbar_order *mbar_book_order(const mbar_book *book, mbar_order_id id); /* NULL: none */
int64_t mbar_book_orders(const mbar_book *book);
mbar_order_id mbar_book_next_active(const mbar_book *book, mbar_order_id after);

/* Takes the next event in the order in which lumibot's queue gives them (fills and cancels
 * before the others); false when there is none. Events stay in the log. */
bool mbar_book_next_event(mbar_book *book, mbar_event *out);
/* What the delivery of an event does: LUMIBOT books the cash leg of stock and forex fills
 * only now. */
mbar_status mbar_book_settle(mbar_book *book, const mbar_event *event, mbar_error *error);

/* The tables "orders", "fills" and "events" of mbar_engine_table. */
mbar_status mbar_book_table(const mbar_book *book, const char *which, mbar_table **out,
                            mbar_error *error);

#endif
