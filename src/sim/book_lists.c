/*
 * book_lists.c - where the book keeps its orders, and the lists it keeps them in.
 *
 * Orders live in blocks and never move. Buckets are doubly linked by number, in the
 * order of arrival, which is the order lumibot's dictionaries keep; links of the same
 * kind run through the working orders of each asset, so that closing a position
 * looks at those alone. Linking and unlinking are O(1).
 */
#include "base/alloc.h"
#include "sim/book_internal.h"

#include <assert.h>

mbar_status mbar_book_reserve(mbar_book *book, int64_t n, mbar_error *error)
{
    if (book->n_orders + n > MBAR_MOST_ORDERS) {
        return mbar_error_set(error, MBAR_NOMEM, "more than %lld orders in one run",
                              (long long)MBAR_MOST_ORDERS);
    }
    return mbar_blocks_reserve(&book->orders, book->n_orders + n, error);
}

mbar_status mbar_book_reserve_asset(mbar_book *book, int32_t asset, mbar_error *error)
{
    if (asset < book->n_assets) {
        return MBAR_OK;
    }
    int32_t n_assets = mbar_ledger_assets(book->ledger);
    assert(asset < n_assets);
    void *lists = book->working_by_asset;
    if (!mbar_resize_array(&lists, (size_t)book->n_assets, (size_t)n_assets,
                           sizeof *book->working_by_asset, error)) {
        return MBAR_NOMEM;
    }
    book->working_by_asset = lists;
    while (book->n_assets < n_assets) {
        book->has_same |= mbar_ledger_asset(book->ledger, book->n_assets++)->same_as > 0;
    }
    return MBAR_OK;
}

mbar_entry *mbar_book_append(mbar_book *book)
{
    mbar_entry *entry = mbar_book_entry(book, ++book->n_orders);
    entry->order.id = book->n_orders;
    entry->bucket = MBAR_BUCKET_NONE;
    entry->sibling_filled = false;
    return entry;
}

void mbar_book_link(mbar_book *book, mbar_entry *entry, mbar_bucket bucket)
{
    assert(entry->bucket == MBAR_BUCKET_NONE && bucket < MBAR_N_BUCKETS);
    uint32_t id = (uint32_t)entry->order.id;
    mbar_order_list *list = &book->buckets[bucket];
    entry->bucket = bucket;
    entry->prev = list->last;
    entry->next = 0;
    *(list->last != 0 ? &mbar_book_entry(book, list->last)->next : &list->first) = id;
    list->last = id;
    list->n++;
    if (bucket == MBAR_BUCKET_WORKING) {
        list = &book->working_by_asset[entry->order.asset];
        entry->asset_prev = list->last;
        entry->asset_next = 0;
        *(list->last != 0 ? &mbar_book_entry(book, list->last)->asset_next : &list->first) = id;
        list->last = id;
        list->n++;
    }
}

void mbar_book_unlink(mbar_book *book, mbar_entry *entry)
{
    if (entry->bucket == MBAR_BUCKET_NONE) {
        return;
    }
    mbar_order_list *list = &book->buckets[entry->bucket];
    uint32_t prev = entry->prev, next = entry->next;
    *(prev != 0 ? &mbar_book_entry(book, prev)->next : &list->first) = next;
    *(next != 0 ? &mbar_book_entry(book, next)->prev : &list->last) = prev;
    list->n--;
    if (entry->bucket == MBAR_BUCKET_WORKING) {
        list = &book->working_by_asset[entry->order.asset];
        prev = entry->asset_prev;
        next = entry->asset_next;
        *(prev != 0 ? &mbar_book_entry(book, prev)->asset_next : &list->first) = next;
        *(next != 0 ? &mbar_book_entry(book, next)->asset_prev : &list->last) = prev;
        list->n--;
    }
    entry->bucket = MBAR_BUCKET_NONE;
}

mbar_status mbar_book_list(mbar_book *book, const mbar_bucket *buckets, int32_t n,
                           int64_t *n_orders, mbar_error *error)
{
    int64_t wanted = 0, capacity = book->pending_capacity;
    *n_orders = 0;
    for (int32_t i = 0; i < n; i++) {
        wanted += book->buckets[buckets[i]].n;
    }
    if (wanted > capacity) {
        void *pending = book->pending;
        capacity = wanted > 2 * capacity ? wanted : 2 * capacity;
        if (!mbar_resize_array(&pending, (size_t)book->pending_capacity, (size_t)capacity,
                               sizeof *book->pending, error)) {
            return MBAR_NOMEM;
        }
        book->pending = pending;
        book->pending_capacity = capacity;
    }
    for (int32_t i = 0; i < n; i++) {
        for (mbar_order_id id = book->buckets[buckets[i]].first; id != 0;) {
            book->pending[(*n_orders)++] = id;
            id = mbar_book_entry(book, id)->next;
        }
    }
    return MBAR_OK;
}

void mbar_book_free_lists(mbar_book *book)
{
    mbar_blocks_deinit(&book->orders);
    mbar_free(book->working_by_asset);
    mbar_free(book->pending);
}
