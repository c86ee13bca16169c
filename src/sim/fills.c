/*
 * fills.c - fills collected row by row, then turned into columns.
 *
 * Adding costs O(1) on average. The table copies, so the list may go on growing
 * behind it.
 */
#include "base/alloc.h"
#include "sim/fills.h"
#include "sim/order.h"
#include "sim/rows.h"

#include <string.h>

void mbar_fills_init(mbar_fills *fills)
{
    memset(fills, 0, sizeof *fills);
}

void mbar_fills_deinit(mbar_fills *fills)
{
    mbar_free(fills->items);
    mbar_fills_init(fills);
}

mbar_status mbar_fills_add(mbar_fills *fills, const mbar_fill *fill, mbar_error *error)
{
    if (fills->n == fills->capacity) {
        int64_t capacity = fills->capacity > 0 ? 2 * fills->capacity : 64;
        void *items = fills->items;
        if (!mbar_resize_array(&items, (size_t)fills->capacity, (size_t)capacity,
                               sizeof *fills->items, error)) {
            return MBAR_NOMEM;
        }
        fills->items = items;
        fills->capacity = capacity;
    }
    fills->items[fills->n++] = *fill;
    return MBAR_OK;
}

/* ---- The table ------------------------------------------------------------ */

static const void *fill_at(const void *ctx, int64_t i)
{
    return (const mbar_fill *)ctx + i;
}

mbar_status mbar_fills_table(const mbar_fills *fills, const char *const *symbols, int32_t n_assets,
                             mbar_table **out, mbar_error *error)
{
    int32_t n_sides;
    const char *const *sides = mbar_order_words(MBAR_WORDS_SIDE, &n_sides);
#define NUMBER(column, kind, member)                                                     \
    {                                                                                    \
        {.name = column, .type = MBAR_TYPE_##kind}, offsetof(mbar_fill, member), NULL, 0 \
    }
#define TIME(column, may_be_null, member)                                \
    {                                                                    \
        {column, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", may_be_null}, \
            offsetof(mbar_fill, member), NULL, 0                         \
    }
    const mbar_member members[] = {
        TIME("timestamp", false, ns),
        NUMBER("order", INT64, order),
        {{.name = "symbol", .type = MBAR_TYPE_DICT}, offsetof(mbar_fill, asset), symbols, n_assets},
        {{.name = "side", .type = MBAR_TYPE_DICT}, offsetof(mbar_fill, side), sides, n_sides},
        NUMBER("quantity", FLOAT64, quantity),
        NUMBER("price", FLOAT64, price),
        NUMBER("fee", FLOAT64, fee),
        NUMBER("multiplier", FLOAT64, multiplier),
        TIME("bar", true, bar_ns),
    };
#undef NUMBER
#undef TIME
    return mbar_rows_table(members, (int32_t)(sizeof members / sizeof members[0]), fill_at,
                           fills->items, fills->n, out, error);
}
