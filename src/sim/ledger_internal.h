/*
 * sim/ledger_internal.h - the ledger's state, shared by ledger.c and ledger_lumibot.c.
 */
#ifndef MBAR_SIM_LEDGER_INTERNAL_H
#define MBAR_SIM_LEDGER_INTERNAL_H

#include "base/decimal.h"
#include "sim/ledger.h"

/* A futures lot, signed. */
typedef struct mbar_lot {
    double quantity, price;
} mbar_lot;

/* One asset's place in the ledger. */
typedef struct mbar_holding {
    mbar_asset asset; /* symbol and quote owned */
    mbar_position position;
    bool is_held;       /* in the list of positions */
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

static inline bool mbar_ledger_pays_by_margin(const mbar_asset *asset)
{
    return asset->kind == MBAR_ASSET_FUTURE;
}

/* Whether LUMIBOT books the fill's cash leg when the strategy is told of it. */
static inline bool mbar_ledger_settles_late(const mbar_asset *asset)
{
    return asset->kind != MBAR_ASSET_FUTURE && asset->kind != MBAR_ASSET_CRYPTO;
}

/* Puts the asset at the end of the list of positions, or takes it out of it. */
void mbar_holding_open(mbar_ledger *ledger, int32_t asset, int64_t ns);
void mbar_holding_close(mbar_ledger *ledger, int32_t asset);

/* Where the cash leg of a fill goes: an asset's number, or -1 for the cash. MBAR_NOTFOUND where
 * the quote is a crypto that is no asset here. */
mbar_status mbar_ledger_quote_asset(const mbar_ledger *ledger, int32_t asset, int32_t *out,
                                    mbar_error *error);

/* Futures lots. Room for one more, before anything is changed. */
mbar_status mbar_lots_reserve(mbar_holding *holding, mbar_error *error);
void mbar_lots_append(mbar_holding *holding, double quantity, double price);
/* lumibot's _realize_futures_pnl: closes `closing` units first in first out. */
double mbar_lots_realize(mbar_holding *holding, double closing, double price);

/* ledger_lumibot.c: the parts of a fill that lumibot computes in its own way. */
double mbar_lumibot_fee(const mbar_ledger *ledger, const mbar_order *order, double price);
mbar_status mbar_lumibot_execute(mbar_ledger *ledger, const mbar_order *order, double price,
                                 double quantity, int64_t ns, double *fee, mbar_error *error);
void mbar_lumibot_settle(mbar_ledger *ledger, const mbar_order *order, double price,
                         double quantity);
double mbar_lumibot_value(mbar_ledger *ledger, const double *prices);
void mbar_lumibot_split(mbar_ledger *ledger, int32_t asset, double factor);

#endif
