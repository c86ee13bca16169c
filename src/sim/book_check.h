/*
 * sim/book_check.h - whether a request can be entered, and the orders it comes to.
 */
#ifndef MBAR_SIM_BOOK_CHECK_H
#define MBAR_SIM_BOOK_CHECK_H

#include "sim/ledger.h"

enum { MBAR_MOST_CHILDREN = 2 };

/* Where the orders go that a request comes to: itself, then as many children as its n_children
 * says, the limit first. */
typedef struct mbar_draft {
    mbar_order *order, *children[MBAR_MOST_CHILDREN];
} mbar_draft;

/* Writes them, numbers and parents apart. MBAR_INVALID saying what is wrong and what would be
 * right; what is written then is unspecified. LUMIBOT takes a negative quantity for a positive
 * one. */
mbar_status mbar_draft_make(const mbar_draft *draft, const mbar_order_request *request,
                            mbar_policy policy, const mbar_ledger *ledger, int64_t now_ns,
                            mbar_error *error);
/* Whether an order may become as changed says. LUMIBOT: anything that is a number. */
mbar_status mbar_change_check(const mbar_order *order, const mbar_order *changed,
                              mbar_policy policy, const mbar_ledger *ledger, mbar_error *error);

#endif
