/*
 * sim/book_check.h - whether a request can be entered, and the children it asks for.
 */
#ifndef MBAR_SIM_BOOK_CHECK_H
#define MBAR_SIM_BOOK_CHECK_H

#include "sim/ledger.h"

typedef struct mbar_children {
    int32_t n;
    mbar_order_request requests[2]; /* the limit first */
} mbar_children;

/* MBAR_INVALID saying what is wrong and what would be right. LUMIBOT makes a negative quantity
 * positive in *request. */
mbar_status mbar_request_check(mbar_order_request *request, mbar_policy policy,
                               const mbar_ledger *ledger, int64_t now_ns, mbar_children *children,
                               mbar_error *error);
/* Whether an order may become as changed says. LUMIBOT: anything that is a number. */
mbar_status mbar_change_check(const mbar_order *order, const mbar_order_request *changed,
                              mbar_policy policy, const mbar_ledger *ledger, mbar_error *error);

#endif
