/*
 * fills.c - fills collected row by row, then turned into columns.
 *
 * Adding costs O(1) on average. The table copies, so the list may go on growing
 * behind it.
 */
#include "base/alloc.h"
#include "sim/fills.h"
#include "table/textset.h"

#include <assert.h>
#include <string.h>

/* In the order of mbar_side. */
static const char *const SIDES[] = {
    "buy",          "sell",         "buy_to_open",   "buy_to_close",
    "buy_to_cover", "sell_to_open", "sell_to_close", "sell_short",
};
enum { N_SIDES = sizeof SIDES / sizeof SIDES[0], N_COLUMNS = 9 };

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

/* A column of one member of every fill, which lies `offset` bytes into it. */
static mbar_status member_column(const mbar_fills *fills, const mbar_field *field, size_t offset,
                                 mbar_column **out, mbar_error *error)
{
    mbar_buffer *buffer;
    mbar_status status = mbar_buffer_new((size_t)fills->n * sizeof(int64_t), &buffer, error);
    if (status != MBAR_OK) {
        return status;
    }
    char *values = mbar_buffer_writable(buffer);
    for (int64_t i = 0; i < fills->n; i++) {
        memcpy(values + (size_t)i * sizeof(int64_t), (const char *)&fills->items[i] + offset,
               sizeof(int64_t));
    }
    status = mbar_column_new(field, fills->n, buffer, NULL, 0, out, error);
    mbar_buffer_unref(buffer);
    return status;
}

static mbar_status words_column(const char *const *words, int32_t n, mbar_column **out,
                                mbar_error *error)
{
    mbar_textset set;
    mbar_status status = MBAR_OK;
    mbar_textset_init(&set);
    for (int32_t i = 0; i < n && status == MBAR_OK; i++) {
        int32_t number;
        status = mbar_textset_add(&set, words[i], strlen(words[i]), &number, error);
        assert(status != MBAR_OK || number == i);
    }
    if (status == MBAR_OK) {
        status = mbar_textset_column(&set, "words", out, error);
    }
    mbar_textset_deinit(&set);
    return status;
}

/* A dictionary column of codes, whose buffer it takes over, into n words. */
static mbar_status coded_column(const char *name, mbar_buffer *codes, int64_t n_rows,
                                const char *const *words, int32_t n, mbar_column **out,
                                mbar_error *error)
{
    mbar_field field = {.name = name, .type = MBAR_TYPE_DICT};
    mbar_column *dictionary = NULL;
    mbar_status status = words_column(words, n, &dictionary, error);
    if (status == MBAR_OK) {
        status = mbar_column_new_dict(&field, n_rows, codes, dictionary, NULL, 0, out, error);
    }
    mbar_column_unref(dictionary);
    mbar_buffer_unref(codes);
    return status;
}

static mbar_status symbol_column(const mbar_fills *fills, const char *const *symbols,
                                 int32_t n_assets, mbar_column **out, mbar_error *error)
{
    mbar_buffer *codes;
    mbar_status status = mbar_buffer_new((size_t)fills->n * sizeof(int32_t), &codes, error);
    if (status != MBAR_OK) {
        return status;
    }
    int32_t *values = mbar_buffer_writable(codes);
    for (int64_t i = 0; i < fills->n; i++) {
        values[i] = fills->items[i].asset;
    }
    return coded_column("symbol", codes, fills->n, symbols, n_assets, out, error);
}

static mbar_status side_column(const mbar_fills *fills, mbar_column **out, mbar_error *error)
{
    mbar_buffer *codes;
    mbar_status status = mbar_buffer_new((size_t)fills->n * sizeof(int32_t), &codes, error);
    if (status != MBAR_OK) {
        return status;
    }
    int32_t *values = mbar_buffer_writable(codes);
    for (int64_t i = 0; i < fills->n; i++) {
        values[i] = (int32_t)fills->items[i].side;
    }
    return coded_column("side", codes, fills->n, SIDES, N_SIDES, out, error);
}

mbar_status mbar_fills_table(const mbar_fills *fills, const char *const *symbols, int32_t n_assets,
                             mbar_table **out, mbar_error *error)
{
    static const struct {
        mbar_field field;
        size_t offset;
        int32_t column;
    } MEMBERS[] = {
        {{"timestamp", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", false},
         offsetof(mbar_fill, ns),
         0},
        {{.name = "order", .type = MBAR_TYPE_INT64}, offsetof(mbar_fill, order), 1},
        {{.name = "quantity", .type = MBAR_TYPE_FLOAT64}, offsetof(mbar_fill, quantity), 4},
        {{.name = "price", .type = MBAR_TYPE_FLOAT64}, offsetof(mbar_fill, price), 5},
        {{.name = "fee", .type = MBAR_TYPE_FLOAT64}, offsetof(mbar_fill, fee), 6},
        {{.name = "multiplier", .type = MBAR_TYPE_FLOAT64}, offsetof(mbar_fill, multiplier), 7},
        {{"bar", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", false}, offsetof(mbar_fill, bar_ns), 8},
    };
    mbar_column *columns[N_COLUMNS] = {NULL};
    mbar_status status = symbol_column(fills, symbols, n_assets, &columns[2], error);
    if (status == MBAR_OK) {
        status = side_column(fills, &columns[3], error);
    }
    for (size_t i = 0; i < sizeof MEMBERS / sizeof MEMBERS[0] && status == MBAR_OK; i++) {
        status = member_column(fills, &MEMBERS[i].field, MEMBERS[i].offset,
                               &columns[MEMBERS[i].column], error);
    }
    if (status == MBAR_OK) {
        status = mbar_table_new(columns, N_COLUMNS, out, error);
    }
    for (int i = 0; i < N_COLUMNS; i++) {
        mbar_column_unref(columns[i]);
    }
    return status;
}
