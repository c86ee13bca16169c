/*
 * sim_support.h - what the tests of the simulator share: ledgers, books, markets made up.
 *
 * Everything here is static; include it in a test's one source file.
 */
#ifndef SIM_SUPPORT_H
#define SIM_SUPPORT_H

#include "support.h"

#include "sim/book.h"
#include "sim/ledger.h"
#include "sim/order.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NO NAN

static inline uint64_t double_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Equal bits, or both NaN. */
static inline bool same_double(double a, double b)
{
    return double_bits(a) == double_bits(b) || (isnan(a) && isnan(b));
}

#define assert_same(a, b)                                                              \
    do {                                                                               \
        double got_ = (a), wanted_ = (b);                                              \
        if (!same_double(got_, wanted_))                                               \
            fail_msg("%s is %.17g, not %.17g (line %d)", #a, got_, wanted_, __LINE__); \
    } while (0)

static inline mbar_ledger *ledger_new(mbar_policy policy, double cash)
{
    mbar_ledger *ledger = NULL;
    assert_ok(mbar_ledger_new(policy, &ledger, &error));
    mbar_ledger_set_cash(ledger, cash);
    return ledger;
}

static inline int32_t ledger_add(mbar_ledger *ledger, mbar_asset_kind kind, const char *symbol,
                                 double multiplier, double margin)
{
    mbar_asset asset;
    int32_t number = -1;
    mbar_asset_init(&asset);
    asset.kind = kind;
    asset.symbol = symbol;
    asset.multiplier = multiplier;
    asset.margin = margin;
    asset.tick = 0.25;
    assert_ok(mbar_ledger_add_asset(ledger, &asset, &number, &error));
    return number;
}

static inline mbar_order_request request_of(int32_t asset, mbar_side side, mbar_order_type type,
                                            double quantity)
{
    mbar_order_request request;
    mbar_order_request_init(&request);
    request.asset = asset;
    request.side = side;
    request.type = type;
    request.quantity = quantity;
    return request;
}

/* In no book. */
static inline mbar_order order_of(int32_t asset, mbar_side side, mbar_order_type type,
                                  double quantity)
{
    mbar_order order = mbar_order_of(asset, side, quantity);
    order.type = type;
    return order;
}

static inline mbar_bar bar_of(int64_t minute, double open, double high, double low, double close)
{
    return (mbar_bar){.open_ns = minute * MBAR_MINUTE_NS,
                      .open = open,
                      .high = high,
                      .low = low,
                      .close = close,
                      .volume = 1000,
                      .bid = NAN,
                      .ask = NAN};
}

#endif
