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

/* An order as the request says, without a number, in no book; its children are others. What
 * good_till_ns comes to is seen when it is placed. */
static inline void mbar_order_init(mbar_order *order, const mbar_order_request *request)
{
    *order = (mbar_order){
        .asset = request->asset,
        .side = request->side,
        .type = request->type,
        .order_class = request->order_class,
        .tif = request->tif,
        .quantity = request->quantity,
        .limit_price = request->limit_price,
        .stop_price = request->stop_price,
        .stop_limit_price = request->stop_limit_price,
        .trail_amount = request->trail_amount,
        .trail_percent = request->trail_percent,
        .trail_stop = NAN,
        .fill_price = NAN,
        .placed_ns = INT64_MIN,
        .expires_ns = request->good_till_ns,
        .closed_ns = INT64_MIN,
        .tag = request->tag,
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
