/*
 * sim/book_internal.h - the book's state, shared by the files book*.c.
 */
#ifndef MBAR_SIM_BOOK_INTERNAL_H
#define MBAR_SIM_BOOK_INTERNAL_H

#include "sim/blocks.h"
#include "sim/book.h"
#include "sim/ledger.h"

/* The list an order is in; at most one at a time. */
typedef enum mbar_bucket {
    MBAR_BUCKET_WORKING = 0, /* met by passes over bars: lumibot's new orders */
    MBAR_BUCKET_PLACEHOLDER, /* parents of OCO, still open */
    MBAR_BUCKET_PARENT,      /* filled parents of children not yet done */
    MBAR_N_BUCKETS,
    MBAR_BUCKET_NONE = MBAR_N_BUCKETS
} mbar_bucket;

/* Links are the numbers of orders, 0 for none. Three cache lines: most of a run's memory is
 * entries. */
typedef struct mbar_entry {
    mbar_order order;
    uint32_t prev, next;             /* in its bucket */
    uint32_t asset_prev, asset_next; /* among its asset's working orders */
    uint8_t bucket;                  /* mbar_bucket */
    bool sibling_filled;             /* LUMIBOT */
} mbar_entry;

#define MBAR_MOST_ORDERS ((int64_t)UINT32_MAX)

typedef struct mbar_order_list {
    uint32_t first, last;
    int64_t n;
} mbar_order_list;

/* An event as the log keeps it: most say no more than that an order is new or gone. */
typedef struct mbar_log_row {
    int64_t ns;
    union {
        const char *message; /* static */
        int64_t numbers;     /* has_numbers: which; the message is "" */
    };
    uint32_t order;
    uint8_t kind; /* mbar_event_kind */
    bool has_numbers;
} mbar_log_row;

/* What a fill or a change of price says besides. */
typedef struct mbar_log_numbers {
    double price, quantity, fee;
    int64_t bar_ns;
    double multiplier;
} mbar_log_numbers;

struct mbar_book {
    mbar_policy policy;
    mbar_ledger *ledger;
    mbar_frictions frictions;
    mbar_zone *zone;    /* or NULL */
    mbar_blocks orders; /* mbar_entry */
    int64_t n_orders;
    mbar_order_list buckets[MBAR_N_BUCKETS];
    mbar_order_list *working_by_asset;
    int32_t n_assets;
    bool has_same;          /* an asset is the same as another */
    mbar_order_id *pending; /* scratch of the pass under way */
    int64_t pending_capacity;
    /* The log, and how far each queue has been read. */
    mbar_blocks events;  /* mbar_log_row */
    mbar_blocks numbers; /* mbar_log_numbers */
    int64_t n_events, n_numbers, next_urgent, next_other;
};

static inline mbar_entry *mbar_book_entry(const mbar_book *book, mbar_order_id id)
{
    return mbar_blocks_at(&book->orders, id - 1);
}

/* Neither filled nor canceled itself, whatever its children are. */
static inline bool mbar_entry_is_open(const mbar_entry *entry)
{
    return entry->order.status <= MBAR_STATUS_PARTIAL;
}

static inline const mbar_asset *mbar_entry_asset(const mbar_book *book, const mbar_entry *entry)
{
    return mbar_ledger_asset(book->ledger, entry->order.asset);
}

/* ---- book_lists.c --------------------------------------------------------- */

/* Room for n more orders, from number n_orders + 1 on, which may be written before they are
 * appended. */
mbar_status mbar_book_reserve(mbar_book *book, int64_t n, mbar_error *error);
/* Room for the list of an asset. */
mbar_status mbar_book_reserve_asset(mbar_book *book, int32_t asset, mbar_error *error);
/* The next number's entry, its order as written, in no bucket. */
mbar_entry *mbar_book_append(mbar_book *book);
void mbar_book_link(mbar_book *book, mbar_entry *entry, mbar_bucket bucket);
/* Does nothing to an entry in no bucket. */
void mbar_book_unlink(mbar_book *book, mbar_entry *entry);
/* Lists the orders of n buckets in book->pending, *n_orders of them (0 on failure). */
mbar_status mbar_book_list(mbar_book *book, const mbar_bucket *buckets, int32_t n,
                           int64_t *n_orders, mbar_error *error);
void mbar_book_free_lists(mbar_book *book);

/* ---- book_events.c -------------------------------------------------------- */

/* Room for n more events, so that none of the next two can fail. */
mbar_status mbar_book_reserve_events(mbar_book *book, int64_t n, mbar_error *error);
/* Logs one of the order at the clock; message is static, the multiplier the asset's. */
void mbar_book_log(mbar_book *book, mbar_event_kind kind, const mbar_entry *entry, int64_t ns,
                   const char *message);
void mbar_book_log_numbers(mbar_book *book, mbar_event_kind kind, const mbar_entry *entry,
                           int64_t ns, mbar_log_numbers numbers);
static inline const mbar_log_row *mbar_book_logged(const mbar_book *book, int64_t index)
{
    return mbar_blocks_at(&book->events, index);
}
static inline bool mbar_log_is_fill(const mbar_log_row *row)
{
    return row->kind == MBAR_EVENT_FILLED || row->kind == MBAR_EVENT_PARTIAL;
}

/* ---- book.c --------------------------------------------------------------- */

/* The end of an open order: out of its bucket, with this status. */
void mbar_entry_close(mbar_book *book, mbar_entry *entry, mbar_order_status status, int64_t now_ns);
/* lumibot's cancel_order: this one, then its open children. message is static. */
mbar_status mbar_entry_cancel(mbar_book *book, mbar_entry *entry, mbar_order_status status,
                              int64_t now_ns, const char *message, mbar_error *error);
/* The open children that wait begin to work; STRICT: for what the parent has filled. */
mbar_status mbar_entry_place_children(mbar_book *book, const mbar_entry *parent, int64_t now_ns,
                                      mbar_error *error);
/* Into the book, at the clock: its bucket, time and expiry. */
void mbar_entry_place(mbar_book *book, mbar_entry *entry, mbar_bucket bucket, int64_t now_ns);

/* ---- book_fill.c ---------------------------------------------------------- */

/* One fill, whole or part, and all that follows from it. */
mbar_status mbar_entry_fill(mbar_book *book, mbar_entry *entry, double price, double quantity,
                            const mbar_bar *bar, int64_t now_ns, mbar_error *error);

#endif
