/*
 * ledger.c - cash, positions, lots: what fills do to an account.
 *
 * The two policies share the data and part in the arithmetic. STRICT, here, is
 * plain doubles, and everything happens at the fill; the average price of a future
 * is that of the lots still open, so that value is cash plus what closing at the
 * price would bring. LUMIBOT is ledger_lumibot.c.
 *
 * Positions form a list in the order in which they were opened, for that is the
 * order in which lumibot adds their values up, and addition of doubles depends on it.
 *
 * Cost: a fill is O(lots it closes); value is O(positions held). Only adding an
 * asset and growing lots allocate, and both before they change anything.
 */
#include "base/alloc.h"
#include "sim/ledger_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- Life ----------------------------------------------------------------- */

mbar_status mbar_ledger_new(mbar_policy policy, mbar_ledger **out, mbar_error *error)
{
    assert(out != NULL);
    mbar_ledger *ledger = mbar_alloc(sizeof *ledger, error);
    if (ledger == NULL) {
        return MBAR_NOMEM;
    }
    ledger->policy = policy;
    ledger->first_held = ledger->last_held = -1;
    *out = ledger;
    return MBAR_OK;
}

void mbar_ledger_free(mbar_ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    for (int32_t i = 0; i < ledger->n_assets; i++) {
        mbar_free((char *)ledger->holdings[i].asset.symbol);
        mbar_free((char *)ledger->holdings[i].asset.quote);
        mbar_free(ledger->holdings[i].lots);
    }
    mbar_free(ledger->holdings);
    for (int32_t i = 0; i < 2; i++) {
        mbar_free(ledger->fees[i]);
        mbar_free(ledger->fee_decimals[i]);
    }
    mbar_free(ledger);
}

static mbar_status check_asset(const mbar_asset *asset, mbar_error *error)
{
    if (!isfinite(asset->multiplier) || asset->multiplier <= 0) {
        return mbar_error_set(error, MBAR_INVALID,
                              "%s: a multiplier of %g; give the currency a point of one unit is "
                              "worth, more than 0",
                              asset->symbol, asset->multiplier);
    }
    if (!isfinite(asset->margin) || !isfinite(asset->tick) || asset->tick < 0) {
        return mbar_error_set(error, MBAR_INVALID,
                              "%s: a margin of %g, a tick of %g; both must be numbers, the tick "
                              "0 or more",
                              asset->symbol, asset->margin, asset->tick);
    }
    return MBAR_OK;
}

static mbar_status init_holding(mbar_holding *holding, const mbar_asset *asset, int32_t number,
                                mbar_error *error)
{
    holding->asset = *asset;
    holding->asset.quote = NULL;
    holding->asset.symbol = mbar_strdup(asset->symbol, error);
    if (holding->asset.symbol == NULL) {
        return MBAR_NOMEM;
    }
    if (asset->quote != NULL && (holding->asset.quote = mbar_strdup(asset->quote, error)) == NULL) {
        mbar_free((char *)holding->asset.symbol);
        memset(holding, 0, sizeof *holding);
        return MBAR_NOMEM;
    }
    holding->prev = holding->next = -1;
    holding->last_price = NAN;
    holding->position = (mbar_position){.asset = number, .avg_price = NAN, .opened_ns = INT64_MIN};
    return MBAR_OK;
}

mbar_status mbar_ledger_add_asset(mbar_ledger *ledger, const mbar_asset *asset, int32_t *out,
                                  mbar_error *error)
{
    assert(ledger != NULL && asset != NULL && asset->symbol != NULL && out != NULL);
    mbar_status status = check_asset(asset, error);
    if (status != MBAR_OK) {
        return status;
    }
    if (ledger->n_assets == ledger->capacity) {
        if (ledger->capacity > INT32_MAX / 2) {
            return mbar_error_set(error, MBAR_NOMEM, "more than %d assets", (int)ledger->capacity);
        }
        int32_t capacity = ledger->capacity > 0 ? 2 * ledger->capacity : 1;
        void *holdings = ledger->holdings;
        if (!mbar_resize_array(&holdings, (size_t)ledger->capacity, (size_t)capacity,
                               sizeof *ledger->holdings, error)) {
            return MBAR_NOMEM;
        }
        ledger->holdings = holdings;
        ledger->capacity = capacity;
    }
    status = init_holding(&ledger->holdings[ledger->n_assets], asset, ledger->n_assets, error);
    if (status == MBAR_OK) {
        *out = ledger->n_assets++;
    }
    return status;
}

static mbar_status check_fee(const mbar_fee *fee, mbar_error *error)
{
    if (isfinite(fee->flat) && isfinite(fee->percent) && isfinite(fee->per_contract)) {
        return MBAR_OK;
    }
    return mbar_error_set(error, MBAR_INVALID,
                          "a fee of %g flat, %g of the price, %g a unit; give finite numbers",
                          fee->flat, fee->percent, fee->per_contract);
}

/* One side's fees; on failure nothing is kept. */
static mbar_status copy_fees(const mbar_fee *fees, int32_t n, mbar_fee **out,
                             mbar_fee_decimals **decimals, mbar_error *error)
{
    for (int32_t i = 0; i < n; i++) {
        mbar_status status = check_fee(&fees[i], error);
        if (status != MBAR_OK) {
            return status;
        }
    }
    mbar_fee *copy = mbar_alloc_array((size_t)n, sizeof *copy, error);
    mbar_fee_decimals *exact = mbar_alloc_array((size_t)n, sizeof *exact, error);
    if (copy == NULL || exact == NULL) {
        mbar_free(copy);
        mbar_free(exact);
        return MBAR_NOMEM;
    }
    for (int32_t i = 0; i < n; i++) {
        copy[i] = fees[i];
        mbar_decimal_from_shortest(&exact[i].flat, fees[i].flat);
        mbar_decimal_from_shortest(&exact[i].percent, fees[i].percent);
        mbar_decimal_from_shortest(&exact[i].per_contract, fees[i].per_contract);
    }
    *out = copy;
    *decimals = exact;
    return MBAR_OK;
}

mbar_status mbar_ledger_set_fees(mbar_ledger *ledger, const mbar_fee *buy, int32_t n_buy,
                                 const mbar_fee *sell, int32_t n_sell, mbar_error *error)
{
    assert(ledger != NULL && n_buy >= 0 && n_sell >= 0 && (buy != NULL || n_buy == 0) &&
           (sell != NULL || n_sell == 0));
    mbar_fee *fees[2];
    mbar_fee_decimals *decimals[2];
    mbar_status status = copy_fees(buy, n_buy, &fees[0], &decimals[0], error);
    if (status != MBAR_OK) {
        return status;
    }
    status = copy_fees(sell, n_sell, &fees[1], &decimals[1], error);
    if (status != MBAR_OK) {
        mbar_free(fees[0]);
        mbar_free(decimals[0]);
        return status;
    }
    for (int32_t i = 0; i < 2; i++) {
        mbar_free(ledger->fees[i]);
        mbar_free(ledger->fee_decimals[i]);
        ledger->fees[i] = fees[i];
        ledger->fee_decimals[i] = decimals[i];
    }
    ledger->n_fees[0] = n_buy;
    ledger->n_fees[1] = n_sell;
    return MBAR_OK;
}

/* ---- What is held --------------------------------------------------------- */

static mbar_holding *holding_of(const mbar_ledger *ledger, int32_t asset)
{
    assert(ledger != NULL && asset >= 0 && asset < ledger->n_assets);
    return &ledger->holdings[asset];
}

const mbar_position *mbar_ledger_position(const mbar_ledger *ledger, int32_t asset)
{
    return &holding_of(ledger, asset)->position;
}

void mbar_holding_open(mbar_ledger *ledger, int32_t asset, int64_t ns)
{
    mbar_holding *holding = holding_of(ledger, asset);
    assert(!holding->is_held);
    holding->is_held = true;
    holding->position.opened_ns = ns;
    holding->prev = ledger->last_held;
    holding->next = -1;
    if (ledger->last_held >= 0) {
        ledger->holdings[ledger->last_held].next = asset;
    } else {
        ledger->first_held = asset;
    }
    ledger->last_held = asset;
    ledger->n_held++;
    ledger->revision++;
}

void mbar_holding_close(mbar_ledger *ledger, int32_t asset)
{
    mbar_holding *holding = holding_of(ledger, asset);
    assert(holding->is_held);
    if (holding->prev >= 0) {
        ledger->holdings[holding->prev].next = holding->next;
    } else {
        ledger->first_held = holding->next;
    }
    if (holding->next >= 0) {
        ledger->holdings[holding->next].prev = holding->prev;
    } else {
        ledger->last_held = holding->prev;
    }
    holding->prev = holding->next = -1;
    holding->is_held = false;
    holding->is_decimal = false;
    holding->position.quantity = 0;
    holding->position.avg_price = NAN;
    holding->position.opened_ns = INT64_MIN;
    ledger->n_held--;
    ledger->revision++;
}

mbar_status mbar_ledger_quote_asset(const mbar_ledger *ledger, int32_t asset, int32_t *out,
                                    mbar_error *error)
{
    const mbar_asset *base = mbar_ledger_asset(ledger, asset);
    *out = -1;
    if (!base->quote_is_crypto || base->quote == NULL) {
        return MBAR_OK;
    }
    for (int32_t i = 0; i < ledger->n_assets; i++) {
        if (i != asset && ledger->holdings[i].asset.kind == MBAR_ASSET_CRYPTO &&
            strcmp(ledger->holdings[i].asset.symbol, base->quote) == 0) {
            *out = i;
            return MBAR_OK;
        }
    }
    return mbar_error_set(error, MBAR_NOTFOUND,
                          "%s is priced in %s, which is no asset of the account: add it, a "
                          "crypto, with or without bars",
                          base->symbol, base->quote);
}

/* ---- Futures lots --------------------------------------------------------- */

mbar_status mbar_lots_reserve(mbar_holding *holding, mbar_error *error)
{
    if (holding->n_lots < holding->lot_capacity) {
        return MBAR_OK;
    }
    int32_t n = holding->n_lots - holding->first_lot;
    if (holding->first_lot > holding->lot_capacity / 2) {
        memmove(holding->lots, holding->lots + holding->first_lot, (size_t)n * sizeof(mbar_lot));
        holding->first_lot = 0;
        holding->n_lots = n;
        return MBAR_OK;
    }
    if (holding->lot_capacity > INT32_MAX / 2) {
        return mbar_error_set(error, MBAR_NOMEM, "more than %d lots of %s", (int)n,
                              holding->asset.symbol);
    }
    int32_t capacity = holding->lot_capacity > 0 ? 2 * holding->lot_capacity : 4;
    void *lots = holding->lots;
    if (!mbar_resize_array(&lots, (size_t)holding->lot_capacity, (size_t)capacity, sizeof(mbar_lot),
                           error)) {
        return MBAR_NOMEM;
    }
    holding->lots = lots;
    holding->lot_capacity = capacity;
    return MBAR_OK;
}

void mbar_lots_append(mbar_holding *holding, double quantity, double price)
{
    assert(holding->n_lots < holding->lot_capacity);
    holding->lots[holding->n_lots++] = (mbar_lot){quantity, price};
}

double mbar_lots_realize(mbar_holding *holding, double closing, double price)
{
    const double nothing = 1e-9; /* lumibot's */
    double remaining = closing, realized = 0, multiplier = holding->asset.multiplier;
    while (remaining > nothing && holding->first_lot < holding->n_lots) {
        mbar_lot *lot = &holding->lots[holding->first_lot];
        double size = fabs(lot->quantity);
        double taken = remaining < size ? remaining : size;
        if (lot->quantity > 0) {
            realized += (price - lot->price) * taken * multiplier;
            lot->quantity -= taken;
        } else {
            realized += (lot->price - price) * taken * multiplier;
            lot->quantity += taken;
        }
        if (fabs(lot->quantity) < nothing) {
            holding->first_lot++;
        }
        remaining -= taken;
    }
    if (holding->first_lot == holding->n_lots) {
        holding->first_lot = holding->n_lots = 0;
    }
    return realized;
}

/* ---- STRICT --------------------------------------------------------------- */

/* Market, stop and trailing orders take; limits, stopped or not, make. */
static double strict_fee(const mbar_ledger *ledger, const mbar_order *order, double price,
                         double quantity)
{
    int side = mbar_sign_of(order->side) > 0 ? 0 : 1;
    mbar_order_type type = order->type;
    bool makes = type == MBAR_ORDER_LIMIT || type == MBAR_ORDER_STOP_LIMIT;
    double cost = 0;
    for (int32_t i = 0; i < ledger->n_fees[side]; i++) {
        const mbar_fee *fee = &ledger->fees[side][i];
        if (makes ? !fee->maker : !fee->taker) {
            continue;
        }
        if (order->filled == 0) {
            cost += fee->flat;
        }
        cost += price * quantity * fee->percent;
        cost += quantity * fee->per_contract;
    }
    return cost;
}

static double lots_average(const mbar_holding *holding)
{
    double quantity = 0, paid = 0;
    for (int32_t i = holding->first_lot; i < holding->n_lots; i++) {
        quantity += holding->lots[i].quantity;
        paid += holding->lots[i].quantity * holding->lots[i].price;
    }
    return holding->n_lots - holding->first_lot == 1 ? holding->lots[holding->first_lot].price
                                                     : paid / quantity;
}

static double strict_average(const mbar_holding *holding, double before, double after, double price)
{
    if (mbar_ledger_pays_by_margin(&holding->asset)) {
        return lots_average(holding);
    }
    double average = holding->position.avg_price;
    if (before == 0 || (before > 0) != (after > 0)) {
        return price;
    }
    if (fabs(after) <= fabs(before) || isnan(average)) {
        return average;
    }
    return (fabs(before) * average + (fabs(after) - fabs(before)) * price) / fabs(after);
}

/* Where quantity went from before by change: dust of rounding is nothing. */
static double sum_without_dust(double before, double change)
{
    double after = before + change;
    return fabs(after) <= 1e-12 * fabs(change) ? 0 : after;
}

static void strict_move(mbar_ledger *ledger, int32_t asset, double change, double price, int64_t ns)
{
    mbar_holding *holding = &ledger->holdings[asset];
    double before = holding->position.quantity, after = sum_without_dust(before, change);
    if (after == 0) {
        if (holding->is_held) {
            mbar_holding_close(ledger, asset);
        }
        return;
    }
    if (!holding->is_held) {
        mbar_holding_open(ledger, asset, ns);
    } else if ((before > 0) != (after > 0)) {
        holding->position.opened_ns = ns;
    }
    holding->position.avg_price = strict_average(holding, before, after, price);
    holding->position.quantity = after;
}

/* Margin and realized profit. */
static void strict_future(mbar_ledger *ledger, mbar_holding *holding, double change, double closing,
                          double price)
{
    double opening = fabs(change) - closing;
    if (closing > 0) {
        double realized = mbar_lots_realize(holding, closing, price);
        holding->position.realized += realized;
        ledger->cash += holding->asset.margin * closing;
        ledger->cash += realized;
    }
    if (opening > 0) {
        mbar_lots_append(holding, change > 0 ? opening : -opening, price);
        ledger->cash -= holding->asset.margin * opening;
    }
}

static mbar_status strict_execute(mbar_ledger *ledger, const mbar_order *order, double price,
                                  double quantity, int64_t ns, double *fee, mbar_error *error)
{
    int32_t asset = order->asset, quote;
    mbar_holding *holding = holding_of(ledger, asset);
    mbar_status status = mbar_ledger_quote_asset(ledger, asset, &quote, error);
    if (status == MBAR_OK && mbar_ledger_pays_by_margin(&holding->asset)) {
        status = mbar_lots_reserve(holding, error);
    }
    if (status != MBAR_OK) {
        return status;
    }
    double before = holding->position.quantity;
    double change = mbar_sign_of(order->side) * quantity;
    double closing = before * change < 0 ? fmin(fabs(before), quantity) : 0;
    if (mbar_ledger_pays_by_margin(&holding->asset)) {
        strict_future(ledger, holding, change, closing, price);
    } else {
        double leg = change * price * holding->asset.multiplier;
        if (closing > 0 && !isnan(holding->position.avg_price)) {
            double gain = price - holding->position.avg_price;
            holding->position.realized +=
                (before > 0 ? gain : -gain) * closing * holding->asset.multiplier;
        }
        if (quote < 0) {
            ledger->cash -= leg;
        } else {
            strict_move(ledger, quote, -leg, NAN, ns);
        }
    }
    strict_move(ledger, asset, change, price, ns);
    *fee = strict_fee(ledger, order, price, quantity);
    ledger->cash -= *fee;
    ledger->revision++;
    return MBAR_OK;
}

static double strict_value(const mbar_ledger *ledger, const double *prices)
{
    double value = ledger->cash;
    for (int32_t i = ledger->first_held; i >= 0; i = ledger->holdings[i].next) {
        const mbar_holding *holding = &ledger->holdings[i];
        double quantity = holding->position.quantity, average = holding->position.avg_price;
        double price = isnan(prices[i]) ? average : prices[i];
        if (mbar_ledger_pays_by_margin(&holding->asset)) {
            value += holding->asset.margin * fabs(quantity);
            value += (price - average) * quantity * holding->asset.multiplier;
        } else if (!isnan(price)) {
            value += price * quantity * holding->asset.multiplier;
        }
    }
    return value;
}

/* ---- Both policies -------------------------------------------------------- */

mbar_status mbar_ledger_execute(mbar_ledger *ledger, const mbar_order *order, double price,
                                double quantity, int64_t ns, double *fee, mbar_error *error)
{
    assert(ledger != NULL && order != NULL && fee != NULL && isfinite(price) &&
           isfinite(quantity) && quantity >= 0);
    return ledger->policy == MBAR_POLICY_LUMIBOT
               ? mbar_lumibot_execute(ledger, order, price, quantity, ns, fee, error)
               : strict_execute(ledger, order, price, quantity, ns, fee, error);
}

void mbar_ledger_settle(mbar_ledger *ledger, const mbar_order *order, double price, double quantity)
{
    if (ledger->policy == MBAR_POLICY_LUMIBOT) {
        mbar_lumibot_settle(ledger, order, price, quantity);
    }
}

mbar_status mbar_ledger_fill(mbar_ledger *ledger, const mbar_order *order, double price,
                             double quantity, int64_t ns, double *fee, mbar_error *error)
{
    mbar_status status = mbar_ledger_execute(ledger, order, price, quantity, ns, fee, error);
    if (status == MBAR_OK) {
        mbar_ledger_settle(ledger, order, price, quantity);
    }
    return status;
}

double mbar_ledger_value(mbar_ledger *ledger, const double *prices)
{
    assert(ledger != NULL && (prices != NULL || ledger->n_assets == 0));
    return ledger->policy == MBAR_POLICY_LUMIBOT ? mbar_lumibot_value(ledger, prices)
                                                 : strict_value(ledger, prices);
}

double mbar_ledger_cash(const mbar_ledger *ledger)
{
    assert(ledger != NULL);
    return mbar_ledger_cash_now(ledger);
}

void mbar_ledger_set_cash(mbar_ledger *ledger, double cash)
{
    assert(ledger != NULL);
    ledger->cash = cash;
    ledger->cash_is_decimal = false;
    ledger->revision++;
}

mbar_ledger_line mbar_ledger_line_of(const mbar_asset *asset, double cash, double quantity,
                                     double average, double multiplier)
{
    mbar_ledger_line line = {
        .base = cash, .quantity = quantity, .multiplier = multiplier, .average = average};
    if (quantity != 0 && mbar_ledger_pays_by_margin(asset)) {
        line.base += asset->margin * fabs(quantity);
        line.origin = average;
    }
    return line;
}

void mbar_ledger_set_multiplier(mbar_ledger *ledger, int32_t asset, double multiplier)
{
    assert(ledger != NULL && asset >= 0 && asset < ledger->n_assets);
    assert(isfinite(multiplier) && multiplier > 0);
    ledger->holdings[asset].asset.multiplier = multiplier;
}

void mbar_ledger_dividend(mbar_ledger *ledger, int32_t asset, double per_unit)
{
    double amount = per_unit * holding_of(ledger, asset)->position.quantity;
    if (amount != 0) {
        mbar_ledger_set_cash(ledger, mbar_ledger_cash(ledger) + amount);
    }
}

void mbar_ledger_split(mbar_ledger *ledger, int32_t asset, double factor)
{
    mbar_holding *holding = holding_of(ledger, asset);
    assert(isfinite(factor) && factor > 0);
    if (!holding->is_held) {
        return;
    }
    if (ledger->policy == MBAR_POLICY_LUMIBOT) {
        mbar_lumibot_split(ledger, asset, factor);
    } else {
        holding->position.quantity *= factor;
        holding->position.avg_price /= factor;
    }
    ledger->revision++;
}
