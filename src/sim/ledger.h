/*
 * sim/ledger.h - the ledger as book and engine see it: sim.h and, without a call, its state.
 */
#ifndef MBAR_SIM_LEDGER_H
#define MBAR_SIM_LEDGER_H

#include "base/decimal.h"
#include "sim/order.h"

#include <assert.h>
#include <math.h>

/* ---- State, which the ledger's own files alone write --------------------------- */

/* A futures lot, signed. */
typedef struct mbar_lot {
    double quantity, price;
} mbar_lot;

/* One asset's place in the ledger. */
typedef struct mbar_holding {
    mbar_asset asset; /* symbol and quote owned */
    mbar_position position;
    bool is_held;       /* in the list of positions (lumibot's filled positions) */
    int32_t prev, next; /* of that list; -1: none */
    double last_price;  /* LUMIBOT: the last usable one it was valued at; NaN: none */
    /* Futures: lots [first_lot, n_lots), first in first out. */
    mbar_lot *lots;
    int32_t first_lot, n_lots, lot_capacity;
    /* LUMIBOT: lumibot's Decimal quantity, where it is no whole number that
     * position.quantity holds exactly. */
    bool is_decimal;
    mbar_decimal decimal;
} mbar_holding;

typedef struct mbar_fee_decimals {
    mbar_decimal flat, percent, per_contract;
} mbar_fee_decimals;

struct mbar_ledger {
    mbar_policy policy;
    mbar_holding *holdings;
    int32_t n_assets, capacity;
    int32_t first_held, last_held, n_held;
    int64_t revision;
    double cash;
    /* LUMIBOT: the account's currency is a crypto, and what cash it has then. */
    bool cash_is_decimal;
    mbar_decimal cash_decimal;
    mbar_fee *fees[2];                  /* of buys, of sells */
    mbar_fee_decimals *fee_decimals[2]; /* LUMIBOT */
    int32_t n_fees[2];
};

/* ---- Reading it: several times a bar, so without a call -------------------------- */

static inline int32_t mbar_ledger_assets(const mbar_ledger *ledger)
{
    return ledger->n_assets;
}

/* Borrowed; valid until an asset is added. asset is asserted to be one. */
static inline const mbar_holding *mbar_ledger_holding(const mbar_ledger *ledger, int32_t asset)
{
    assert(asset >= 0 && asset < ledger->n_assets);
    return &ledger->holdings[asset];
}

static inline const mbar_asset *mbar_ledger_asset(const mbar_ledger *ledger, int32_t asset)
{
    return &mbar_ledger_holding(ledger, asset)->asset;
}

/* The position after `after` (-1: first) in lumibot's order, that of their opening; -1: none. */
static inline int32_t mbar_ledger_next_held(const mbar_ledger *ledger, int32_t after)
{
    return after < 0 ? ledger->first_held : mbar_ledger_holding(ledger, after)->next;
}

static inline int32_t mbar_ledger_n_held(const mbar_ledger *ledger)
{
    return ledger->n_held;
}

/* Rises whenever lumibot's list of positions would: cash set, position opened or gone.
 * lumibot computes portfolio_value anew only where this or the clock has moved. */
static inline int64_t mbar_ledger_revision(const mbar_ledger *ledger)
{
    return ledger->revision;
}

/* mbar_ledger_cash. lumibot's cash is a position, and reads as nothing where it is next to
 * nothing. */
static inline double mbar_ledger_cash_now(const mbar_ledger *ledger)
{
    bool is_nothing = ledger->policy == MBAR_POLICY_LUMIBOT && !ledger->cash_is_decimal &&
                      fabs(ledger->cash) < 0.000001;
    return is_nothing ? 0 : ledger->cash;
}

/* ---- Valuing and booking ------------------------------------------------------- */

/* STRICT: how mbar_ledger_value follows from the price of one asset, the only one held, if any
 * is: the same operations, so the same bits. */
typedef struct mbar_ledger_line {
    double base, origin; /* value = base + (price - origin) x quantity x multiplier */
    double quantity, multiplier;
    double average; /* what a missing price counts as */
} mbar_ledger_line;
/* Of an account with so much cash, which holds quantity (0: nothing) of asset. */
mbar_ledger_line mbar_ledger_line_of(const mbar_asset *asset, double cash, double quantity,
                                     double average, double multiplier);
static inline double mbar_ledger_line_at(const mbar_ledger_line *line, double price)
{
    price = price != price ? line->average : price;
    return line->quantity == 0
               ? line->base
               : line->base + (price - line->origin) * line->quantity * line->multiplier;
}
/* Of what is booked from now on; finite, above 0 (asserted). */
void mbar_ledger_set_multiplier(mbar_ledger *ledger, int32_t asset, double multiplier);

/* mbar_ledger_fill in lumibot's two steps. _execute books the fill without the cash leg of
 * stock, forex and index, which LUMIBOT books by _settle when the strategy is told; under
 * STRICT _execute books all and _settle does nothing. */
mbar_status mbar_ledger_execute(mbar_ledger *ledger, const mbar_order *order, double price,
                                double quantity, int64_t ns, double *fee, mbar_error *error);
void mbar_ledger_settle(mbar_ledger *ledger, const mbar_order *order, double price,
                        double quantity);

#endif
