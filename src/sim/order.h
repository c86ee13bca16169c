/*
 * sim/order.h - the sign of a side; the words for what orders are, lumibot's: "buy_to_close",
 * "fill".
 */
#ifndef MBAR_SIM_ORDER_H
#define MBAR_SIM_ORDER_H

#include <millibar/sim.h>

#include <math.h>

/* mbar_side_sign, without a call. */
static inline int mbar_sign_of(mbar_side side)
{
    bool buys =
        side == MBAR_SIDE_BUY || (side >= MBAR_SIDE_BUY_TO_OPEN && side <= MBAR_SIDE_BUY_TO_COVER);
    return buys ? 1 : -1;
}

/* mbar_order_sibling, without a call. */
static inline mbar_order_id mbar_sibling_of(const mbar_order *order)
{
    return order->to_sibling != 0 ? order->id + order->to_sibling : 0;
}

/* An order of this much, at the market, in no book: without a number, prices or a term. Every
 * member by name: clearing it first takes longer. */
static inline mbar_order mbar_order_of(int32_t asset, mbar_side side, double quantity)
{
    return (mbar_order){
        .id = 0,
        .parent = 0,
        .asset = asset,
        .side = side,
        .type = MBAR_ORDER_MARKET,
        .order_class = MBAR_CLASS_SIMPLE,
        .tif = MBAR_TIF_GTC,
        .status = MBAR_STATUS_UNPROCESSED,
        .n_children = 0,
        .n_open_children = 0,
        .to_sibling = 0,
        .triggered = false,
        .ambiguous = false,
        .by_quote = false,
        .quantity = quantity,
        .limit_price = NAN,
        .stop_price = NAN,
        .stop_limit_price = NAN,
        .trail_amount = NAN,
        .trail_percent = NAN,
        .trail_stop = NAN,
        .filled = 0,
        .fill_price = NAN,
        .fees = 0,
        .created_ns = 0,
        .placed_ns = INT64_MIN,
        .expires_ns = 0,
        .closed_ns = INT64_MIN,
        .tag = 0,
    };
}

/* Each list is in the order of its enum. */
typedef enum mbar_words {
    MBAR_WORDS_SIDE = 0, /* mbar_side */
    MBAR_WORDS_TYPE,     /* mbar_order_type */
    MBAR_WORDS_CLASS,    /* mbar_order_class */
    MBAR_WORDS_TIF,      /* mbar_tif */
    MBAR_WORDS_STATUS,   /* mbar_order_status */
    MBAR_WORDS_EVENT     /* mbar_event_kind */
} mbar_words;

/* All words of a list, *n of them. Static. */
const char *const *mbar_order_words(mbar_words which, int32_t *n);
/* The word for one value of the enum, asserted to be one. Static. */
const char *mbar_order_word(mbar_words which, int32_t value);

#endif
