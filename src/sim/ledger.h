/*
 * sim/ledger.h - what book and engine ask of the ledger beyond sim.h.
 */
#ifndef MBAR_SIM_LEDGER_H
#define MBAR_SIM_LEDGER_H

#include <millibar/sim.h>

int32_t mbar_ledger_assets(const mbar_ledger *ledger);
/* Borrowed, symbol and quote copied; valid until an asset is added. */
const mbar_asset *mbar_ledger_asset(const mbar_ledger *ledger, int32_t asset);

/* Whether the asset is among the positions (lumibot's filled positions). */
bool mbar_ledger_holds(const mbar_ledger *ledger, int32_t asset);
/* The position after `after` (-1: first) in lumibot's order, that of their opening; -1: none. */
int32_t mbar_ledger_next_held(const mbar_ledger *ledger, int32_t after);
int32_t mbar_ledger_n_held(const mbar_ledger *ledger);
/* Rises whenever lumibot's list of positions would: cash set, position opened or gone.
 * lumibot computes portfolio_value anew only where this or the clock has moved. */
int64_t mbar_ledger_revision(const mbar_ledger *ledger);

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
    return line->quantity == 0 ? line->base
                               : line->base + (price - line->origin) * line->quantity *
                                                  line->multiplier;
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
