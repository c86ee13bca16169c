/*
 * sim/fills.h - what was filled, as a list that grows and as a table.
 */
#ifndef MBAR_SIM_FILLS_H
#define MBAR_SIM_FILLS_H

#include <millibar/sim.h>

typedef struct mbar_fill {
    int64_t ns;
    mbar_order_id order;
    int32_t asset;
    mbar_side side;
    double quantity, price, fee, multiplier;
    int64_t bar_ns;
} mbar_fill;

typedef struct mbar_fills {
    mbar_fill *items;
    int64_t n;
    int64_t capacity;
} mbar_fills;

void mbar_fills_init(mbar_fills *fills);
void mbar_fills_deinit(mbar_fills *fills);
mbar_status mbar_fills_add(mbar_fills *fills, const mbar_fill *fill, mbar_error *error);
/* The table "fills" of mbar_engine_table; symbols[asset] for each of n_assets. */
mbar_status mbar_fills_table(const mbar_fills *fills, const char *const *symbols, int32_t n_assets,
                             mbar_table **out, mbar_error *error);

#endif
