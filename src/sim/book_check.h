/*
 * sim/book_check.h - whether a request can be entered, and the orders it comes to.
 */
#ifndef MBAR_SIM_BOOK_CHECK_H
#define MBAR_SIM_BOOK_CHECK_H

#include "sim/ledger.h"

/* The orders that a request comes to, not in the book yet. */
typedef struct mbar_draft {
    mbar_order order;
    mbar_order children[2]; /* order.n_children of them, the limit first */
} mbar_draft;

/* MBAR_INVALID saying what is wrong and what would be right. LUMIBOT takes a negative quantity
 * for a positive one. */
mbar_status mbar_draft_make(const mbar_order_request *request, mbar_policy policy,
                            const mbar_ledger *ledger, int64_t now_ns, mbar_draft *out,
                            mbar_error *error);
/* Whether an order may become as changed says. LUMIBOT: anything that is a number. */
mbar_status mbar_change_check(const mbar_order *order, const mbar_order *changed,
                              mbar_policy policy, const mbar_ledger *ledger, mbar_error *error);

#endif
