/*
 * sim/ledger_internal.h - what ledger.c and ledger_lumibot.c share.
 */
#ifndef MBAR_SIM_LEDGER_INTERNAL_H
#define MBAR_SIM_LEDGER_INTERNAL_H

#include "sim/ledger.h"

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
