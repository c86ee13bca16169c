/*
 * ledger_lumibot.c - the account with lumibot's arithmetic, operation by operation.
 *
 * What lumibot computes in Decimal is computed in decimals here (fees, cash legs of
 * stock and forex, quantities, average prices), what it computes in floats in
 * doubles and in its order (futures, crypto, value). Quirks kept:
 *   - cash and quantities below a millionth read as 0, except of crypto;
 *   - a crypto priced in a crypto pays by a position in it, and only the plain side
 *     "buy" takes from it: "buy_to_open" adds;
 *   - trailing orders pay no fee;
 *   - the average of a position does not move when it is reduced, though futures
 *     realize first in first out.
 *
 * Whole quantities up to 2^53, the usual ones, stay doubles, where the same sums
 * are exact.
 */
#include "sim/ledger_internal.h"

#include <assert.h>
#include <math.h>

static const double NEXT_TO_NOTHING = 0.000001;
static const double EXACT_LIMIT = 9007199254740992.0; /* 2^53 */

/* ---- Fees ----------------------------------------------------------------- */

/* price * quantity * percent */
static void percent_of(const mbar_decimal *percent, double price, double quantity,
                       mbar_decimal *out)
{
    mbar_decimal units;
    mbar_decimal_from_shortest(out, price);
    mbar_decimal_from_shortest(&units, quantity);
    mbar_decimal_multiply(out, out, &units);
    mbar_decimal_multiply(out, out, percent);
}

/* BacktestingBroker.calculate_trade_cost */
double mbar_lumibot_fee(const mbar_ledger *ledger, const mbar_order *order, double price)
{
    int side = mbar_sign_of(order->side) > 0 ? 0 : 1;
    mbar_order_type type = order->type;
    bool takes = type == MBAR_ORDER_MARKET || type == MBAR_ORDER_STOP;
    bool makes = type == MBAR_ORDER_LIMIT || type == MBAR_ORDER_STOP_LIMIT;
    if (ledger->n_fees[side] == 0) {
        return 0;
    }
    mbar_decimal cost, part;
    mbar_decimal_from_double(&cost, 0);
    for (int32_t i = 0; i < ledger->n_fees[side]; i++) {
        const mbar_fee *fee = &ledger->fees[side][i];
        const mbar_fee_decimals *exact = &ledger->fee_decimals[side][i];
        if (!(fee->taker && takes) && !(fee->maker && makes)) {
            continue;
        }
        /* lumibot adds the terms that are nothing, too: they leave the sum as it is. */
        mbar_decimal_add(&cost, &cost, &exact->flat);
        if (fee->percent != 0) {
            percent_of(&exact->percent, price, order->quantity, &part);
            mbar_decimal_add(&cost, &cost, &part);
        }
        if (fee->per_contract != 0) {
            mbar_decimal_from_shortest(&part, order->quantity);
            mbar_decimal_multiply(&part, &part, &exact->per_contract);
            mbar_decimal_add(&cost, &cost, &part);
        }
    }
    return mbar_decimal_to_double(&cost);
}

/* ---- Quantities ----------------------------------------------------------- */

static bool is_whole(double x)
{
    return fabs(x) < EXACT_LIMIT && x == nearbyint(x);
}

static void quantity_of(const mbar_holding *holding, mbar_decimal *out)
{
    if (holding->is_decimal) {
        mbar_decimal_copy(out, &holding->decimal);
    } else {
        mbar_decimal_from_double(out, holding->position.quantity);
    }
}

static void set_quantity(mbar_holding *holding, const mbar_decimal *quantity)
{
    double value = mbar_decimal_to_double(quantity);
    bool is_nothing = holding->asset.kind != MBAR_ASSET_CRYPTO && fabs(value) < NEXT_TO_NOTHING;
    mbar_decimal_copy(&holding->decimal, quantity);
    holding->is_decimal = true;
    holding->position.quantity = is_nothing ? 0 : value;
}

/* Order.to_position of the first fill, Position.add_order of those after it: twice, once
 * with nothing, which rounds what is held. */
static void add_quantity(mbar_holding *holding, int sign, double quantity)
{
    double sum = holding->position.quantity + sign * quantity;
    if (!holding->is_decimal && is_whole(quantity) && is_whole(sum)) {
        holding->position.quantity = sum;
        return;
    }
    mbar_decimal change, before;
    mbar_decimal_from_double(&change, quantity);
    if (sign < 0) {
        mbar_decimal_negate(&change, &change);
    }
    if (holding->is_held) {
        mbar_decimal nothing = {.n_limbs = 0};
        quantity_of(holding, &before);
        mbar_decimal_add(&before, &before, &nothing);
        mbar_decimal_add(&change, &before, &change);
    }
    set_quantity(holding, &change);
}

/* BacktestingBroker._update_position_fill_basis where the quantity has grown:
 * (|before| * average + added * price) / |after|. */
static double grown_average(const mbar_decimal *before, const mbar_decimal *after, double average,
                            double price)
{
    mbar_decimal value, added, paid;
    mbar_decimal_from_shortest(&value, average);
    mbar_decimal_multiply(&value, before, &value);
    mbar_decimal_subtract(&added, after, before);
    mbar_decimal_from_shortest(&paid, price);
    mbar_decimal_multiply(&paid, &added, &paid);
    mbar_decimal_add(&value, &value, &paid);
    mbar_decimal_divide(&value, &value, after);
    return mbar_decimal_to_double(&value);
}

static void update_average(mbar_holding *holding, const mbar_decimal *before, double price)
{
    mbar_decimal after, size_before, size_after, change;
    quantity_of(holding, &after);
    int sign = mbar_decimal_sign(&after), sign_before = mbar_decimal_sign(before);
    if (sign == 0) {
        holding->position.avg_price = NAN;
    } else if (sign_before == 0 || sign_before != sign) {
        holding->position.avg_price = price;
    } else if (!isnan(holding->position.avg_price)) {
        mbar_decimal_abs(&size_before, before);
        mbar_decimal_abs(&size_after, &after);
        mbar_decimal_subtract(&change, &size_after, &size_before);
        if (mbar_decimal_sign(&change) > 0) {
            holding->position.avg_price =
                grown_average(&size_before, &size_after, holding->position.avg_price, price);
        }
    }
}

/* BacktestingBroker._process_filled_order, the position's part. */
/* update_average of quantities that are doubles; false where the average is to be computed. */
static bool keep_average(mbar_holding *holding, double before, double price)
{
    double after = holding->position.quantity;
    if (after == 0) {
        holding->position.avg_price = NAN;
    } else if (before == 0 || (before > 0) != (after > 0)) {
        holding->position.avg_price = price;
    } else {
        return fabs(after) <= fabs(before);
    }
    return true;
}

static void move_position(mbar_ledger *ledger, int32_t asset, int sign, double quantity,
                          double price, int64_t ns)
{
    mbar_holding *holding = &ledger->holdings[asset];
    mbar_decimal before;
    double held = holding->position.quantity;
    bool was_held = holding->is_held, was_long = held > 0, was_decimal = holding->is_decimal;
    if (was_decimal) {
        quantity_of(holding, &before);
    }
    add_quantity(holding, sign, quantity);
    if (was_decimal || holding->is_decimal || !keep_average(holding, held, price)) {
        if (!was_decimal) {
            mbar_decimal_from_double(&before, held);
        }
        update_average(holding, &before, price);
    }
    if (!was_held) {
        mbar_holding_open(ledger, asset, ns);
    } else if (holding->position.quantity == 0) {
        mbar_holding_close(ledger, asset);
    } else if (was_long != (holding->position.quantity > 0)) {
        holding->position.opened_ns = ns;
    }
}

/* ---- Cash legs ------------------------------------------------------------ */

/* BacktestingBroker._process_futures_fill */
static double pay_future(mbar_ledger *ledger, mbar_holding *holding, int sign, double price,
                         double quantity)
{
    double net = 0, cash = mbar_ledger_cash_now(ledger), realized = 0;
    double change = sign * quantity, closing = 0;
    for (int32_t i = holding->first_lot; i < holding->n_lots; i++) {
        net += holding->lots[i].quantity;
    }
    if (net * change < 0) {
        closing = fabs(net) <= quantity ? fabs(net) : quantity;
    }
    double opening = quantity - closing;
    if (closing > 0) {
        realized = mbar_lots_realize(holding, closing, price);
        cash += holding->asset.margin * closing;
        cash += realized;
    }
    if (opening > 0) {
        mbar_lots_append(holding, change > 0 ? opening : -opening, price);
        cash -= holding->asset.margin * opening;
    }
    mbar_ledger_set_cash(ledger, cash);
    return realized;
}

/* Broker._process_crypto_quote: the quote, a crypto, is a position or the cash itself. */
static void pay_in_crypto(mbar_ledger *ledger, int32_t quote, mbar_side side, double price,
                          double quantity, int64_t ns)
{
    mbar_decimal leg, factor, before;
    mbar_decimal_from_double(&leg, quantity);
    mbar_decimal_from_double(&factor, price);
    mbar_decimal_multiply(&leg, &leg, &factor);
    if (side == MBAR_SIDE_BUY) {
        mbar_decimal_negate(&leg, &leg);
    }
    if (quote < 0) {
        if (ledger->cash_is_decimal) {
            mbar_decimal_copy(&before, &ledger->cash_decimal);
        } else {
            mbar_decimal_from_double(&before, ledger->cash);
        }
        mbar_decimal_add(&ledger->cash_decimal, &before, &leg);
        ledger->cash = mbar_decimal_to_double(&ledger->cash_decimal);
        ledger->cash_is_decimal = true;
        return;
    }
    mbar_holding *holding = &ledger->holdings[quote];
    if (holding->is_held) {
        quantity_of(holding, &before);
        mbar_decimal_add(&leg, &before, &leg);
        set_quantity(holding, &leg);
    } else {
        set_quantity(holding, &leg);
        mbar_holding_open(ledger, quote, ns);
    }
}

static double closed_gain(const mbar_holding *holding, int sign, double price, double quantity)
{
    double held = holding->position.quantity;
    if (held * sign >= 0 || isnan(holding->position.avg_price)) {
        return 0;
    }
    double gain = price - holding->position.avg_price;
    return (held > 0 ? gain : -gain) * fmin(fabs(held), quantity) * holding->asset.multiplier;
}

/* BacktestingBroker._execute_filled_order: crypto priced in money. */
static void pay_for_crypto(mbar_ledger *ledger, const mbar_holding *holding, int sign, double price,
                           double quantity, double fee)
{
    double amount = quantity * price;
    amount *= holding->asset.multiplier;
    double cash = mbar_ledger_cash_now(ledger);
    mbar_ledger_set_cash(ledger, sign > 0 ? cash - amount - fee : cash + amount - fee);
}

mbar_status mbar_lumibot_execute(mbar_ledger *ledger, const mbar_order *order, double price,
                                 double quantity, int64_t ns, double *fee, mbar_error *error)
{
    int32_t asset = order->asset, quote;
    assert(asset >= 0 && asset < ledger->n_assets);
    mbar_holding *holding = &ledger->holdings[asset];
    mbar_status status = mbar_ledger_quote_asset(ledger, asset, &quote, error);
    if (status == MBAR_OK && mbar_ledger_pays_by_margin(&holding->asset)) {
        status = mbar_lots_reserve(holding, error);
    }
    if (status != MBAR_OK) {
        return status;
    }
    int sign = mbar_sign_of(order->side);
    double cost = mbar_lumibot_fee(ledger, order, price);
    double gain = closed_gain(holding, sign, price, quantity);
    bool is_crypto = holding->asset.kind == MBAR_ASSET_CRYPTO;
    if (mbar_ledger_pays_by_margin(&holding->asset)) {
        gain = pay_future(ledger, holding, sign, price, quantity);
    } else if (is_crypto && !holding->asset.quote_is_crypto) {
        pay_for_crypto(ledger, holding, sign, price, quantity, cost);
    } else if (is_crypto) {
        pay_in_crypto(ledger, quote, order->side, price, quantity, ns);
    }
    holding->position.realized += gain;
    move_position(ledger, asset, sign, quantity, price, ns);
    if (cost != 0 && (!is_crypto || holding->asset.quote_is_crypto)) {
        mbar_ledger_set_cash(ledger, mbar_ledger_cash_now(ledger) - cost);
    }
    *fee = cost;
    return MBAR_OK;
}

/* Strategy._update_cash */
void mbar_lumibot_settle(mbar_ledger *ledger, const mbar_order *order, double price,
                         double quantity)
{
    const mbar_asset *asset = mbar_ledger_asset(ledger, order->asset);
    if (!mbar_ledger_settles_late(asset)) {
        return;
    }
    mbar_decimal cash, leg, factor;
    mbar_decimal_from_shortest(&cash, mbar_ledger_cash_now(ledger));
    mbar_decimal_from_shortest(&leg, quantity);
    mbar_decimal_from_shortest(&factor, price);
    mbar_decimal_multiply(&leg, &leg, &factor);
    mbar_decimal_from_shortest(&factor, asset->multiplier);
    mbar_decimal_multiply(&leg, &leg, &factor);
    if (mbar_sign_of(order->side) > 0) {
        mbar_decimal_subtract(&cash, &cash, &leg);
    } else {
        mbar_decimal_add(&cash, &cash, &leg);
    }
    mbar_ledger_set_cash(ledger, mbar_decimal_to_double(&cash));
}

/* ---- Value and corporate actions ------------------------------------------ */

/* Strategy._update_portfolio_value */
double mbar_lumibot_value(mbar_ledger *ledger, const double *prices)
{
    double value = mbar_ledger_cash_now(ledger);
    for (int32_t i = ledger->first_held; i >= 0; i = ledger->holdings[i].next) {
        mbar_holding *holding = &ledger->holdings[i];
        if (isfinite(prices[i]) && prices[i] != 0) {
            holding->last_price = prices[i];
        }
        double price = holding->last_price, quantity = holding->position.quantity;
        if (isnan(price)) {
            continue;
        }
        if (mbar_ledger_pays_by_margin(&holding->asset)) {
            double average = holding->position.avg_price;
            double entry = isnan(average) || average == 0 ? price : average;
            value += holding->asset.margin * fabs(quantity);
            value += (price - entry) * quantity * holding->asset.multiplier;
        } else {
            value += quantity * price;
        }
    }
    return value;
}

/* Strategy._update_positions_with_splits */
void mbar_lumibot_split(mbar_ledger *ledger, int32_t asset, double factor)
{
    mbar_holding *holding = &ledger->holdings[asset];
    mbar_decimal ratio, number;
    mbar_decimal_from_shortest(&ratio, factor);
    quantity_of(holding, &number);
    mbar_decimal_multiply(&number, &number, &ratio);
    set_quantity(holding, &number);
    if (!isnan(holding->position.avg_price)) {
        mbar_decimal_from_shortest(&number, holding->position.avg_price);
        mbar_decimal_divide(&number, &number, &ratio);
        holding->position.avg_price = mbar_decimal_to_double(&number);
    }
}
