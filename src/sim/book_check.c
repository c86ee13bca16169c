/*
 * book_check.c - what may be asked of the book, and the orders it comes to.
 *
 * Requests come from outside: every field is looked at before it is used. Both
 * policies refuse what is not a quantity, an asset, a value of an enum, and a class
 * without its children. STRICT also refuses what could never fill or means nothing:
 * a price that is missing, not finite or, but for futures (oil was below 0), not
 * above 0; a trail of nothing; a date that has passed.
 */
#include "sim/book_check.h"
#include "sim/order.h"

#include <assert.h>
#include <math.h>

/* Beyond this units are no longer exact in a double. */
static const double MOST_UNITS = 1e15;

static mbar_status check_enums(const mbar_order_request *request, const mbar_ledger *ledger,
                               mbar_error *error)
{
    if (request->asset < 0 || request->asset >= mbar_ledger_assets(ledger)) {
        return mbar_error_set(error, MBAR_INVALID, "no asset %d; there are %d, from 0",
                              (int)request->asset, (int)mbar_ledger_assets(ledger));
    }
    if ((unsigned)request->side > MBAR_SIDE_SELL_SHORT ||
        (unsigned)request->type > MBAR_ORDER_TRAIL ||
        (unsigned)request->order_class > MBAR_CLASS_OTO || (unsigned)request->tif > MBAR_TIF_FOK) {
        return mbar_error_set(error, MBAR_INVALID,
                              "side %d, type %d, class %d, time in force %d: not all are values "
                              "of their enum",
                              (int)request->side, (int)request->type, (int)request->order_class,
                              (int)request->tif);
    }
    return MBAR_OK;
}

static mbar_status check_quantity(double quantity, mbar_policy policy, const char *symbol,
                                  mbar_error *error)
{
    if (isfinite(quantity) && quantity > 0 &&
        (quantity <= MOST_UNITS || policy == MBAR_POLICY_LUMIBOT)) {
        return MBAR_OK;
    }
    return mbar_error_set(error, MBAR_INVALID,
                          "a quantity of %g %s: give a number above 0, at most %g (a side says "
                          "which way)",
                          quantity, symbol, MOST_UNITS);
}

/* ---- STRICT: prices ------------------------------------------------------- */

static mbar_status check_price(double price, bool is_needed, const char *name,
                               const mbar_asset *asset, mbar_error *error)
{
    if (isnan(price)) {
        return !is_needed ? MBAR_OK
                          : mbar_error_set(error, MBAR_INVALID, "an order for %s without its %s",
                                           asset->symbol, name);
    }
    if (isfinite(price) && (price > 0 || asset->kind == MBAR_ASSET_FUTURE)) {
        return MBAR_OK;
    }
    return mbar_error_set(error, MBAR_INVALID, "a %s of %g for %s: give a finite number%s", name,
                          price, asset->symbol, asset->kind == MBAR_ASSET_FUTURE ? "" : " above 0");
}

static mbar_status check_trail(const mbar_order *order, const mbar_asset *asset, mbar_error *error)
{
    double amount = order->trail_amount, percent = order->trail_percent;
    bool is_amount = isfinite(amount) && amount > 0 && isnan(percent);
    bool is_percent = isnan(amount) && percent > 0 && percent < 1;
    if (order->type != MBAR_ORDER_TRAIL || is_amount || is_percent) {
        return MBAR_OK;
    }
    return mbar_error_set(error, MBAR_INVALID,
                          "a trailing stop for %s with a trail_amount of %g and a trail_percent "
                          "of %g: give one of them, an amount above 0 or a share between 0 and 1 "
                          "(0.02: two per cent), and NaN for the other",
                          asset->symbol, amount, percent);
}

static mbar_status check_prices(const mbar_order *order, const mbar_asset *asset, mbar_error *error)
{
    mbar_order_type type = order->type;
    bool is_stop_limit = type == MBAR_ORDER_STOP_LIMIT;
    mbar_status status =
        check_price(order->limit_price,
                    type == MBAR_ORDER_LIMIT || (is_stop_limit && isnan(order->stop_limit_price)),
                    "limit_price", asset, error);
    if (status == MBAR_OK) {
        status = check_price(order->stop_price, type == MBAR_ORDER_STOP || is_stop_limit,
                             "stop_price", asset, error);
    }
    if (status == MBAR_OK) {
        status = check_price(order->stop_limit_price, false, "stop_limit_price", asset, error);
    }
    return status == MBAR_OK ? check_trail(order, asset, error) : status;
}

/* ---- Children ------------------------------------------------------------- */

/* lumibot's children of a filled parent close what it opened; those of an OCO are as it. */
static void make_child(mbar_order *child, const mbar_order_request *parent, mbar_policy policy,
                       double quantity, int64_t now_ns)
{
    bool is_oco = parent->order_class == MBAR_CLASS_OCO;
    bool inherits = policy != MBAR_POLICY_LUMIBOT &&
                    (is_oco || parent->tif == MBAR_TIF_DAY || parent->tif == MBAR_TIF_GTD);
    mbar_side side = is_oco                           ? parent->side
                     : mbar_sign_of(parent->side) > 0 ? MBAR_SIDE_SELL_TO_CLOSE
                                                      : MBAR_SIDE_BUY_TO_CLOSE;
    *child = mbar_order_of(parent->asset, side, quantity);
    child->created_ns = now_ns;
    child->tag = parent->tag;
    if (inherits) {
        child->tif = parent->tif;
        child->expires_ns = parent->good_till_ns;
    } else if (policy == MBAR_POLICY_LUMIBOT) {
        child->tif = MBAR_TIF_DAY; /* Order's default */
    }
}

static double given(double value, double otherwise)
{
    return isnan(value) ? otherwise : value;
}

static double limit_of_child(const mbar_order_request *request)
{
    bool is_oco = request->order_class == MBAR_CLASS_OCO;
    return given(request->child_limit_price, is_oco ? request->limit_price : NAN);
}

/* Makes the stop of a child. false: the request asks for none. As in lumibot, trail and limit
 * refine a stop that is there; STRICT takes a trail alone, too. */
static bool set_stop(mbar_order *child, const mbar_order_request *request, mbar_policy policy)
{
    bool is_oco = request->order_class == MBAR_CLASS_OCO;
    double stop = given(request->child_stop_price, is_oco ? request->stop_price : NAN);
    double limit = given(request->child_stop_limit_price, is_oco ? request->stop_limit_price : NAN);
    double amount = given(request->child_trail_amount, is_oco ? request->trail_amount : NAN);
    double percent = given(request->child_trail_percent, is_oco ? request->trail_percent : NAN);
    bool trails = !isnan(amount) || !isnan(percent), has_limit = !isnan(limit) && limit != 0;
    child->type = trails ? MBAR_ORDER_TRAIL : has_limit ? MBAR_ORDER_STOP_LIMIT : MBAR_ORDER_STOP;
    child->stop_price = stop;
    child->stop_limit_price = limit;
    child->trail_amount = amount;
    child->trail_percent = percent;
    return !isnan(stop) || (trails && policy != MBAR_POLICY_LUMIBOT);
}

static mbar_status make_children(const mbar_draft *draft, const mbar_order_request *request,
                                 mbar_policy policy, int64_t now_ns, mbar_error *error)
{
    mbar_order *parent = draft->order;
    double limit = limit_of_child(request);
    int8_t n = 0;
    if (request->order_class == MBAR_CLASS_SIMPLE) {
        return MBAR_OK;
    }
    if (!isnan(limit)) {
        make_child(draft->children[n], request, policy, parent->quantity, now_ns);
        draft->children[n]->type = MBAR_ORDER_LIMIT;
        draft->children[n++]->limit_price = limit;
    }
    make_child(draft->children[n], request, policy, parent->quantity, now_ns);
    n += set_stop(draft->children[n], request, policy);
    if (request->order_class == MBAR_CLASS_OCO && n != 2) {
        return mbar_error_set(error, MBAR_INVALID,
                              "an OCO needs two children: give a limit and a stop price");
    }
    if (request->order_class == MBAR_CLASS_OTO && n != 1) {
        return mbar_error_set(error, MBAR_INVALID,
                              "an OTO needs one child, not %d: give a limit or a stop price for "
                              "it, not both",
                              (int)n);
    }
    if (n == 0) {
        return mbar_error_set(error, MBAR_INVALID,
                              "a bracket without children: give a limit or a stop price for "
                              "them, or both");
    }
    parent->n_children = parent->n_open_children = n;
    if (n == 2) {
        draft->children[0]->to_sibling = 1;
        draft->children[1]->to_sibling = -1;
    }
    return MBAR_OK;
}

/* ---- All of it ------------------------------------------------------------ */

static mbar_status check_strictly(const mbar_draft *draft, const mbar_asset *asset, int64_t now_ns,
                                  mbar_error *error)
{
    const mbar_order *order = draft->order;
    mbar_status status = MBAR_OK;
    if (order->tif == MBAR_TIF_GTD && order->expires_ns <= now_ns) {
        return mbar_error_set(error, MBAR_INVALID,
                              "an order for %s good till an instant that has passed; give a later "
                              "good_till_ns",
                              asset->symbol);
    }
    if (order->order_class != MBAR_CLASS_OCO) {
        status = check_prices(order, asset, error);
    }
    for (int32_t i = 0; i < order->n_children && status == MBAR_OK; i++) {
        status = check_prices(draft->children[i], asset, error);
    }
    return status;
}

/* The order itself. */
static void make_order(mbar_order *order, const mbar_order_request *request, double quantity,
                       int64_t now_ns)
{
    *order = mbar_order_of(request->asset, request->side, quantity);
    order->type = request->type;
    order->order_class = request->order_class;
    order->tif = request->tif;
    order->limit_price = request->limit_price;
    order->stop_price = request->stop_price;
    order->stop_limit_price = request->stop_limit_price;
    order->trail_amount = request->trail_amount;
    order->trail_percent = request->trail_percent;
    order->created_ns = now_ns;
    order->expires_ns = request->good_till_ns;
    order->tag = request->tag;
}

mbar_status mbar_draft_make(const mbar_draft *draft, const mbar_order_request *request,
                            mbar_policy policy, const mbar_ledger *ledger, int64_t now_ns,
                            mbar_error *error)
{
    mbar_status status = check_enums(request, ledger, error);
    if (status != MBAR_OK) {
        return status;
    }
    const mbar_asset *asset = mbar_ledger_asset(ledger, request->asset);
    bool is_strict = policy != MBAR_POLICY_LUMIBOT;
    double quantity = is_strict ? request->quantity : fabs(request->quantity);
    status = check_quantity(quantity, policy, asset->symbol, error);
    if (status == MBAR_OK) {
        make_order(draft->order, request, quantity, now_ns);
        status = make_children(draft, request, policy, now_ns, error);
    }
    return status == MBAR_OK && is_strict ? check_strictly(draft, asset, now_ns, error) : status;
}

mbar_status mbar_change_check(const mbar_order *order, const mbar_order *changed,
                              mbar_policy policy, const mbar_ledger *ledger, mbar_error *error)
{
    const mbar_asset *asset = mbar_ledger_asset(ledger, changed->asset);
    mbar_status status = check_quantity(changed->quantity, policy, asset->symbol, error);
    if (status != MBAR_OK || policy == MBAR_POLICY_LUMIBOT) {
        return status;
    }
    if (order->status > MBAR_STATUS_PARTIAL || changed->order_class == MBAR_CLASS_OCO) {
        return mbar_error_set(error, MBAR_INVALID,
                              "order %lld is only the parent of others: modify its children",
                              (long long)order->id);
    }
    if (changed->quantity <= order->filled) {
        return mbar_error_set(error, MBAR_INVALID,
                              "order %lld for %g %s, of which %g are filled: give more, or cancel "
                              "it",
                              (long long)order->id, changed->quantity, asset->symbol,
                              order->filled);
    }
    return check_prices(changed, asset, error);
}
