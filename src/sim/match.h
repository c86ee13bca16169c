/*
 * sim/match.h - what the book asks of the matcher beyond mbar_match_order.
 */
#ifndef MBAR_SIM_MATCH_H
#define MBAR_SIM_MATCH_H

#include <millibar/sim.h>

/* A price lumibot would use: a number above 0. */
static inline bool mbar_price_is_usable(double price)
{
    return price > 0; /* false for NaN */
}

/* LUMIBOT: whether the quote alone settles a market or limit order, before any bar is
 * looked at: by a fill at *price, or, with *price NaN, by leaving a limit unfilled
 * between bid and ask. */
bool mbar_match_quote(const mbar_order *order, double bid, double ask, double *price);

/* What of an order is still to be filled. */
static inline double mbar_order_open_quantity(const mbar_order *order)
{
    return order->quantity - order->filled;
}

#endif
