/*
 * match.c - what one bar does to one order.
 *
 * Pure: the answer depends on the arguments alone, and nothing is allocated or
 * kept. The caller carries the trigger and the trailing stop from one bar to the
 * next, by what is returned.
 *
 * LUMIBOT is lumibot's BacktestingBroker, in its order: the quote (market and
 * limit), then the bar, then the quote again where the bar is unusable or one of
 * days. Its quirks are kept: a stop-limit is tested against limit_price, never
 * stop_limit_price; a trailing percentage of a sell moves down as well as up, of
 * a buy never; a sell limit of zero or less is marketable; a price of zero or less
 * in the bar is a missing one.
 *
 * STRICT takes a bar for a path that begins at the open and ends at the close,
 * and gives a fill only where every such path through high and low gives it, or
 * flags it. Slippage moves market, stop and trailing fills against the order; a
 * share of volume caps what one bar can fill.
 */
#include "sim/match.h"
#include "sim/order.h"

#include <assert.h>
#include <math.h>

/* ---- Common --------------------------------------------------------------- */

static bool is_buy(const mbar_order *order)
{
    return mbar_sign_of(order->side) > 0;
}

static bool is_immediate(const mbar_order *order)
{
    return order->tif == MBAR_TIF_IOC || order->tif == MBAR_TIF_FOK;
}

static mbar_match no_match(const mbar_order *order)
{
    return (mbar_match){
        .price = NAN, .triggered = order->triggered, .trail_stop = order->trail_stop};
}

/* ---- LUMIBOT -------------------------------------------------------------- */

/* lumibot's limit_order. */
static double limit_in_bar(double limit, bool buy, double open, double high, double low)
{
    if (!mbar_price_is_usable(open) || !mbar_price_is_usable(high) || !mbar_price_is_usable(low) ||
        isnan(limit)) {
        return NAN;
    }
    if (buy ? limit >= open : limit <= 0 || limit <= open) {
        return open;
    }
    return low <= limit && limit <= high ? limit : NAN;
}

/* lumibot's stop_order. */
static double stop_in_bar(double stop, bool buy, double open, double high, double low)
{
    if (!mbar_price_is_usable(open) || !mbar_price_is_usable(high) || !mbar_price_is_usable(low) ||
        !mbar_price_is_usable(stop)) {
        return NAN;
    }
    if (buy ? stop <= open : stop >= open) {
        return open;
    }
    return low <= stop && stop <= high ? stop : NAN;
}

/* lumibot's Order.update_trail_stop_price. */
static double moved_trail(const mbar_order *order, double price)
{
    bool buy = is_buy(order), armed = !isnan(order->trail_stop);
    if (!isnan(order->trail_percent)) {
        double stop = price * (buy ? 1 + order->trail_percent : 1 - order->trail_percent);
        return !armed || !buy ? stop : order->trail_stop;
    }
    if (isnan(order->trail_amount)) {
        return order->trail_stop;
    }
    double stop = buy ? price + order->trail_amount : price - order->trail_amount;
    return !armed || (buy ? stop < order->trail_stop : stop > order->trail_stop)
               ? stop
               : order->trail_stop;
}

/* A limit against a quote of which a side may be missing (NaN): the far side if it
 * is marketable there, else the limit itself inside the quote. */
static double limit_in_quote(double limit, bool buy, double bid, double ask)
{
    if (buy) {
        return limit >= ask ? ask : limit >= bid ? limit : NAN;
    }
    return limit <= bid ? bid : limit <= ask ? limit : NAN;
}

bool mbar_match_quote(const mbar_order *order, double bid, double ask, double *price)
{
    *price = NAN;
    if (isnan(bid) && isnan(ask)) {
        return false;
    }
    double limit = order->limit_price;
    bool buy = is_buy(order);
    bool has_bid = mbar_price_is_usable(bid), has_ask = mbar_price_is_usable(ask);
    if (order->type == MBAR_ORDER_MARKET) {
        *price = buy ? (has_ask ? ask : NAN) : (has_bid ? bid : NAN);
        return !isnan(*price);
    }
    if (order->type != MBAR_ORDER_LIMIT) {
        return false;
    }
    if (has_bid && has_ask) {
        double fill = limit_in_quote(limit, buy, bid, ask);
        *price = mbar_price_is_usable(fill) ? fill : NAN;
        return true;
    }
    if (buy ? has_ask && limit >= ask : has_bid && limit <= bid) {
        *price = buy ? ask : bid;
        return true;
    }
    return false;
}

/* The quote as executable reference of a stop: ask for buyers, bid for sellers. */
static double stop_in_quote(double stop, bool buy, double bid, double ask)
{
    double reference = buy ? ask : bid;
    if (!mbar_price_is_usable(reference)) {
        return NAN;
    }
    return (buy ? reference >= stop : reference <= stop) ? reference : NAN;
}

static double trail_in_quote(const mbar_order *order, double bid, double ask, mbar_match *match)
{
    bool buy = is_buy(order);
    double update = buy ? bid : ask;
    if (!mbar_price_is_usable(update)) {
        return NAN;
    }
    mbar_order moved = *order;
    moved.trail_stop = match->trail_stop;
    match->trail_stop = moved_trail(&moved, update);
    return mbar_price_is_usable(match->trail_stop) ? stop_in_quote(match->trail_stop, buy, bid, ask)
                                                   : NAN;
}

/* lumibot's _try_fill_with_quote. */
static double quote_price(const mbar_order *order, const mbar_bar *bar, mbar_match *match)
{
    bool buy = is_buy(order);
    double price = NAN;
    switch (order->type) {
    case MBAR_ORDER_MARKET:
        price = buy ? bar->ask : bar->bid;
        break;
    case MBAR_ORDER_LIMIT:
        price = limit_in_quote(order->limit_price, buy, bar->bid, bar->ask);
        break;
    case MBAR_ORDER_STOP:
        if (mbar_price_is_usable(order->stop_price)) {
            price = stop_in_quote(order->stop_price, buy, bar->bid, bar->ask);
        }
        break;
    case MBAR_ORDER_STOP_LIMIT:
        if (!mbar_price_is_usable(order->stop_price) || isnan(order->limit_price)) {
            break;
        }
        match->triggered =
            match->triggered || !isnan(stop_in_quote(order->stop_price, buy, bar->bid, bar->ask));
        if (match->triggered) {
            price = limit_in_quote(order->limit_price, buy, bar->bid, bar->ask);
        }
        break;
    case MBAR_ORDER_TRAIL:
        price = trail_in_quote(order, bar->bid, bar->ask, match);
        break;
    }
    return mbar_price_is_usable(price) ? price : NAN;
}

static double bar_price(const mbar_order *order, const mbar_bar *bar, mbar_match *match)
{
    bool buy = is_buy(order);
    double price = NAN;
    switch (order->type) {
    case MBAR_ORDER_MARKET:
        return bar->open;
    case MBAR_ORDER_LIMIT:
        return limit_in_bar(order->limit_price, buy, bar->open, bar->high, bar->low);
    case MBAR_ORDER_STOP:
        return stop_in_bar(order->stop_price, buy, bar->open, bar->high, bar->low);
    case MBAR_ORDER_STOP_LIMIT:
        if (order->triggered) {
            return limit_in_bar(order->limit_price, buy, bar->open, bar->high, bar->low);
        }
        price = stop_in_bar(order->stop_price, buy, bar->open, bar->high, bar->low);
        if (!isnan(price)) {
            match->triggered = true;
            price = limit_in_bar(order->limit_price, buy, price, bar->high, bar->low);
        }
        return price;
    case MBAR_ORDER_TRAIL:
        if (!isnan(order->trail_stop) && order->trail_stop != 0) {
            price = stop_in_bar(order->trail_stop, buy, bar->open, bar->high, bar->low);
        }
        if (mbar_price_is_usable(buy ? bar->low : bar->high)) {
            match->trail_stop = moved_trail(order, buy ? bar->low : bar->high);
        }
        return price;
    }
    return price;
}

static bool is_missing(const mbar_bar *bar)
{
    return !mbar_price_is_usable(bar->open) || !mbar_price_is_usable(bar->high) ||
           !mbar_price_is_usable(bar->low);
}

static mbar_match lumibot_match(const mbar_order *order, const mbar_bar *bar)
{
    mbar_match match = no_match(order);
    double price;
    bool by_quote = mbar_match_quote(order, bar->bid, bar->ask, &price);
    if (!by_quote) {
        price = bar_price(order, bar, &match);
        if (!mbar_price_is_usable(price) && (bar->is_day || is_missing(bar))) {
            price = quote_price(order, bar, &match);
            by_quote = true;
        }
    }
    match.price = price;
    match.by_quote = by_quote && !isnan(price);
    match.quantity = isnan(price) ? 0 : mbar_order_open_quantity(order);
    match.cancel = isnan(price) && is_immediate(order);
    return match;
}

/* ---- STRICT --------------------------------------------------------------- */

/* Distances below are measured in the order's own direction: s is 1 for a buy and -1
 * for a sell, so that s * price rises as the price gets worse for the order. */
typedef struct strict_bar {
    double s;
    double open, best, worst, close; /* times s: best <= open <= worst */
} strict_bar;

static strict_bar directed(const mbar_order *order, const mbar_bar *bar)
{
    double s = is_buy(order) ? 1 : -1;
    return (strict_bar){s, s * bar->open, s * (s > 0 ? bar->low : bar->high),
                        s * (s > 0 ? bar->high : bar->low), s * bar->close};
}

static double strict_limit(double limit, const strict_bar *bar)
{
    return bar->open <= limit ? bar->open : bar->best <= limit ? limit : NAN;
}

static double strict_stop(double stop, const strict_bar *bar)
{
    return bar->open >= stop ? bar->open : bar->worst >= stop ? stop : NAN;
}

/* A stop-limit not yet triggered. Inside the bar the stop comes first; whether the limit
 * is then traded at is only sure where the bar closes at it or better. */
static double strict_stop_limit(double stop, double limit, const strict_bar *bar, mbar_match *match)
{
    double trigger = strict_stop(stop, bar);
    if (isnan(trigger)) {
        return NAN;
    }
    match->triggered = true;
    if (trigger == bar->open) {
        return strict_limit(limit, bar);
    }
    if (limit < bar->best) {
        return NAN;
    }
    if (limit > bar->worst) {
        return trigger;
    }
    match->ambiguous = true;
    return bar->close <= limit ? limit : NAN;
}

/* The old stop is tested, then drawn after the bar's best price; it never retreats. */
static double strict_trail(const mbar_order *order, const strict_bar *bar, mbar_match *match)
{
    double price = NAN, old = bar->s * order->trail_stop;
    if (!isnan(old)) {
        price = strict_stop(old, bar);
    }
    double distance =
        isnan(order->trail_percent) ? order->trail_amount : fabs(bar->best) * order->trail_percent;
    double stop = bar->best + distance;
    if (isnan(old) || stop < old) {
        match->trail_stop = bar->s * stop;
    }
    return price;
}

static double strict_price(const mbar_order *order, const mbar_bar *bar, mbar_match *match)
{
    strict_bar at = directed(order, bar);
    double limit = at.s * order->limit_price;
    switch (order->type) {
    case MBAR_ORDER_MARKET:
        return bar->open;
    case MBAR_ORDER_LIMIT:
        return at.s * strict_limit(limit, &at);
    case MBAR_ORDER_STOP:
        return at.s * strict_stop(at.s * order->stop_price, &at);
    case MBAR_ORDER_STOP_LIMIT:
        if (!isnan(order->stop_limit_price)) {
            limit = at.s * order->stop_limit_price;
        }
        return at.s * (order->triggered
                           ? strict_limit(limit, &at)
                           : strict_stop_limit(at.s * order->stop_price, limit, &at, match));
    case MBAR_ORDER_TRAIL:
        return at.s * strict_trail(order, &at, match);
    }
    return NAN;
}

static double slipped(const mbar_order *order, double price, const mbar_asset *asset,
                      const mbar_frictions *frictions)
{
    if (order->type == MBAR_ORDER_LIMIT || order->type == MBAR_ORDER_STOP_LIMIT) {
        return price;
    }
    double against =
        frictions->slippage_ticks * asset->tick + frictions->slippage_percent * fabs(price);
    return is_buy(order) ? price + against : price - against;
}

/* What one bar can fill: whole units, except of crypto and forex. */
static double fillable(const mbar_order *order, const mbar_bar *bar, const mbar_asset *asset,
                       const mbar_frictions *frictions)
{
    double wanted = mbar_order_open_quantity(order);
    if (!(frictions->volume_share > 0) || isnan(bar->volume)) {
        return wanted;
    }
    double most = frictions->volume_share * bar->volume;
    if (asset->kind != MBAR_ASSET_CRYPTO && asset->kind != MBAR_ASSET_FOREX) {
        most = floor(most);
    }
    return most < wanted ? most : wanted;
}

static mbar_match strict_match(const mbar_order *order, const mbar_bar *bar,
                               const mbar_asset *asset, const mbar_frictions *frictions)
{
    mbar_match match = no_match(order);
    assert(bar->open_ns >= order->placed_ns);
    bool is_traded = bar->volume != 0 && !isnan(bar->open);
    double price = is_traded ? strict_price(order, bar, &match) : NAN;
    if (!isnan(price)) {
        double quantity = fillable(order, bar, asset, frictions);
        bool is_all = quantity >= mbar_order_open_quantity(order);
        if (quantity > 0 && (is_all || order->tif != MBAR_TIF_FOK)) {
            match.price = slipped(order, price, asset, frictions);
            match.quantity = quantity;
        }
    }
    match.cancel = isnan(match.price) && is_immediate(order);
    return match;
}

mbar_match mbar_match_order(const mbar_order *order, const mbar_bar *bar, mbar_policy policy,
                            const mbar_asset *asset, const mbar_frictions *frictions)
{
    assert(order != NULL && bar != NULL && asset != NULL && frictions != NULL);
    return policy == MBAR_POLICY_LUMIBOT ? lumibot_match(order, bar)
                                         : strict_match(order, bar, asset, frictions);
}
