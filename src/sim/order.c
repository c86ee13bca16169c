/*
 * order.c - requests and assets with their defaults; the words for what orders are.
 *
 * The words are lumibot's, so that tables, files and messages say what a user of
 * it expects: "buy_to_close", "trailing_stop", "fill".
 */
#include "sim/order.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void mbar_asset_init(mbar_asset *asset)
{
    assert(asset != NULL);
    memset(asset, 0, sizeof *asset);
    asset->kind = MBAR_ASSET_STOCK;
    asset->multiplier = 1;
}

int mbar_side_sign(mbar_side side)
{
    return mbar_sign_of(side);
}

mbar_order_id mbar_order_sibling(const mbar_order *order)
{
    assert(order != NULL);
    return mbar_sibling_of(order);
}

void mbar_order_request_init(mbar_order_request *request)
{
    assert(request != NULL);
    /* Every member by name: clearing it first takes longer. */
    *request = (mbar_order_request){
        .asset = 0,
        .side = MBAR_SIDE_BUY,
        .type = MBAR_ORDER_MARKET,
        .order_class = MBAR_CLASS_SIMPLE,
        .tif = MBAR_TIF_GTC,
        .quantity = 0,
        .limit_price = NAN,
        .stop_price = NAN,
        .stop_limit_price = NAN,
        .trail_amount = NAN,
        .trail_percent = NAN,
        .good_till_ns = 0,
        .child_limit_price = NAN,
        .child_stop_price = NAN,
        .child_stop_limit_price = NAN,
        .child_trail_amount = NAN,
        .child_trail_percent = NAN,
        .tag = 0,
    };
}

/* ---- Words ---------------------------------------------------------------- */

#define COUNT(array) ((int32_t)(sizeof(array) / sizeof(array)[0]))

static const char *const SIDES[] = {
    "buy",          "sell",         "buy_to_open",   "buy_to_close",
    "buy_to_cover", "sell_to_open", "sell_to_close", "sell_short",
};
static const char *const TYPES[] = {"market", "limit", "stop", "stop_limit", "trailing_stop"};
static const char *const CLASSES[] = {"simple", "bracket", "oco", "oto"};
static const char *const TIFS[] = {"gtc", "day", "gtd", "ioc", "fok"};
static const char *const STATUSES[] = {
    "unprocessed", "new", "partial_fill", "fill", "canceled", "expired", "error",
};
static const char *const EVENTS[] = {
    "new", "fill", "partial_fill", "canceled", "modified", "error",
};

static const struct {
    const char *const *words;
    int32_t n;
} LISTS[] = {
    [MBAR_WORDS_SIDE] = {SIDES, COUNT(SIDES)},         [MBAR_WORDS_TYPE] = {TYPES, COUNT(TYPES)},
    [MBAR_WORDS_CLASS] = {CLASSES, COUNT(CLASSES)},    [MBAR_WORDS_TIF] = {TIFS, COUNT(TIFS)},
    [MBAR_WORDS_STATUS] = {STATUSES, COUNT(STATUSES)}, [MBAR_WORDS_EVENT] = {EVENTS, COUNT(EVENTS)},
};

const char *const *mbar_order_words(mbar_words which, int32_t *n)
{
    assert((int)which >= 0 && (int)which < COUNT(LISTS) && n != NULL);
    *n = LISTS[which].n;
    return LISTS[which].words;
}

const char *mbar_order_word(mbar_words which, int32_t value)
{
    int32_t n;
    const char *const *words = mbar_order_words(which, &n);
    assert(value >= 0 && value < n);
    return words[value];
}
