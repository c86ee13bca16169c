/*
 * book_tables.c - orders, fills and events as tables.
 *
 * Copies of what there is when asked: O(rows). A fill is an event, so that table picks
 * the events that are fills.
 */
#include "base/alloc.h"
#include "sim/book_internal.h"
#include "sim/order.h"
#include "sim/rows.h"

#include <assert.h>
#include <string.h>

#define COUNT(array) ((int32_t)(sizeof(array) / sizeof(array)[0]))
#define NUMBER(name, type, member)                                \
    {                                                             \
        {name, MBAR_TYPE_##type, 0, NULL, false}, member, NULL, 0 \
    }
#define TIME(name, member, nullable)                                                \
    {                                                                               \
        {name, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", nullable}, member, NULL, 0 \
    }

static mbar_member words(const char *name, size_t offset, mbar_words list)
{
    mbar_member member = {.field = {.name = name, .type = MBAR_TYPE_DICT}, .offset = offset};
    member.words = mbar_order_words(list, &member.n_words);
    return member;
}

/* Symbols by asset, borrowed from the ledger; freed by the caller. */
static mbar_status symbols_of(const mbar_book *book, mbar_member *member, size_t offset,
                              const char ***out, mbar_error *error)
{
    int32_t n = mbar_ledger_assets(book->ledger);
    const char **symbols = mbar_alloc_array((size_t)n, sizeof *symbols, error);
    if (symbols == NULL) {
        return MBAR_NOMEM;
    }
    for (int32_t i = 0; i < n; i++) {
        symbols[i] = mbar_ledger_asset(book->ledger, i)->symbol;
    }
    *member = (mbar_member){
        .field = {.name = "symbol", .type = MBAR_TYPE_DICT},
        .offset = offset,
        .words = symbols,
        .n_words = n,
    };
    *out = symbols;
    return MBAR_OK;
}

/* ---- Orders --------------------------------------------------------------- */

static const void *order_row(const void *ctx, int64_t i)
{
    return mbar_book_order(ctx, i + 1);
}

#define ORDER(member) offsetof(mbar_order, member)

static mbar_status orders_table(const mbar_book *book, mbar_table **out, mbar_error *error)
{
    enum { SYMBOL = 2 };
    mbar_member members[] = {
        NUMBER("id", INT64, ORDER(id)),
        NUMBER("parent", INT64, ORDER(parent)),
        NUMBER("symbol", DICT, 0),
        words("side", ORDER(side), MBAR_WORDS_SIDE),
        words("type", ORDER(type), MBAR_WORDS_TYPE),
        words("class", ORDER(order_class), MBAR_WORDS_CLASS),
        words("tif", ORDER(tif), MBAR_WORDS_TIF),
        words("status", ORDER(status), MBAR_WORDS_STATUS),
        NUMBER("quantity", FLOAT64, ORDER(quantity)),
        NUMBER("limit_price", FLOAT64, ORDER(limit_price)),
        NUMBER("stop_price", FLOAT64, ORDER(stop_price)),
        NUMBER("stop_limit_price", FLOAT64, ORDER(stop_limit_price)),
        NUMBER("trail_amount", FLOAT64, ORDER(trail_amount)),
        NUMBER("trail_percent", FLOAT64, ORDER(trail_percent)),
        NUMBER("filled", FLOAT64, ORDER(filled)),
        NUMBER("fill_price", FLOAT64, ORDER(fill_price)),
        NUMBER("fees", FLOAT64, ORDER(fees)),
        TIME("created", ORDER(created_ns), false),
        TIME("placed", ORDER(placed_ns), true),
        TIME("closed", ORDER(closed_ns), true),
        NUMBER("ambiguous", BOOL, ORDER(ambiguous)),
        NUMBER("tag", INT64, ORDER(tag)),
    };
    const char **symbols;
    mbar_status status = symbols_of(book, &members[SYMBOL], ORDER(asset), &symbols, error);
    if (status != MBAR_OK) {
        return status;
    }
    status = mbar_rows_table(members, COUNT(members), order_row, book, book->n_orders, out, error);
    mbar_free(symbols);
    return status;
}

/* ---- Events --------------------------------------------------------------- */

/* Where each event asked for is put together. */
typedef struct event_rows {
    const mbar_book *book;
    mbar_event *row;
} event_rows;

static const void *event_row(const void *ctx, int64_t i)
{
    const event_rows *rows = ctx;
    *rows->row = mbar_book_event(rows->book, i);
    return rows->row;
}

#define EVENT(member) offsetof(mbar_event, member)

static mbar_status events_table(const mbar_book *book, mbar_table **out, mbar_error *error)
{
    const mbar_member members[] = {
        TIME("timestamp", EVENT(ns), false),          words("kind", EVENT(kind), MBAR_WORDS_EVENT),
        NUMBER("order", INT64, EVENT(order)),         NUMBER("price", FLOAT64, EVENT(price)),
        NUMBER("quantity", FLOAT64, EVENT(quantity)), NUMBER("fee", FLOAT64, EVENT(fee)),
    };
    mbar_event row;
    const event_rows rows = {book, &row};
    return mbar_rows_table(members, COUNT(members), event_row, &rows, book->n_events, out, error);
}

/* ---- Fills ---------------------------------------------------------------- */

typedef struct fill_row {
    mbar_event event;
    int32_t asset;
    mbar_side side;
} fill_row;

static const void *fill_at(const void *ctx, int64_t i)
{
    return (const fill_row *)ctx + i;
}

static int64_t collect_fills(const mbar_book *book, fill_row *rows)
{
    int64_t n = 0;
    for (int64_t i = 0; i < book->n_events; i++) {
        const mbar_log_row *row = mbar_book_logged(book, i);
        if (mbar_log_is_fill(row)) {
            if (rows != NULL) {
                const mbar_order *order = &mbar_book_entry(book, row->order)->order;
                rows[n] = (fill_row){mbar_book_event(book, i), order->asset, order->side};
            }
            n++;
        }
    }
    return n;
}

#define FILL(member) offsetof(fill_row, member)

static mbar_status fills_table(const mbar_book *book, mbar_table **out, mbar_error *error)
{
    enum { SYMBOL = 2 };
    mbar_member members[] = {
        TIME("timestamp", FILL(event.ns), false),
        NUMBER("order", INT64, FILL(event.order)),
        NUMBER("symbol", DICT, 0),
        words("side", FILL(side), MBAR_WORDS_SIDE),
        NUMBER("quantity", FLOAT64, FILL(event.quantity)),
        NUMBER("price", FLOAT64, FILL(event.price)),
        NUMBER("fee", FLOAT64, FILL(event.fee)),
        NUMBER("multiplier", FLOAT64, FILL(event.multiplier)),
        TIME("bar", FILL(event.bar_ns), true),
    };
    const char **symbols = NULL;
    int64_t n = collect_fills(book, NULL);
    fill_row *rows = mbar_alloc_array((size_t)n, sizeof *rows, error);
    if (rows == NULL) {
        return MBAR_NOMEM;
    }
    collect_fills(book, rows);
    mbar_status status = symbols_of(book, &members[SYMBOL], FILL(asset), &symbols, error);
    if (status == MBAR_OK) {
        status = mbar_rows_table(members, COUNT(members), fill_at, rows, n, out, error);
    }
    mbar_free(symbols);
    mbar_free(rows);
    return status;
}

mbar_status mbar_book_table(const mbar_book *book, const char *which, mbar_table **out,
                            mbar_error *error)
{
    assert(book != NULL && which != NULL && out != NULL);
    if (strcmp(which, "orders") == 0) {
        return orders_table(book, out, error);
    }
    if (strcmp(which, "fills") == 0) {
        return fills_table(book, out, error);
    }
    if (strcmp(which, "events") == 0) {
        return events_table(book, out, error);
    }
    return mbar_error_set(error, MBAR_NOTFOUND,
                          "no table \"%s\" of a book; there are orders, fills, events", which);
}
