/*
 * book.c - entering, canceling and changing orders.
 *
 * An order with children is entered with all of them, numbered after it; those of a
 * bracket or OTO wait, unprocessed, until it is filled, those of an OCO enter at once
 * while it stays behind as a placeholder. Which child does what: the limit takes the
 * profit, the stop (or stop-limit, or trailing stop) stops the loss, and the fill of
 * one cancels the other.
 *
 * LUMIBOT enters what lumibot enters, even an order that can never fill (a limit
 * without a price); children of a bracket stay unprocessed while they work, and no
 * event says that they do. STRICT refuses what makes no sense and says "new" of
 * children when they begin to work; they inherit DAY and GTD, and are GTC otherwise.
 * An entry canceled after a part of it was filled leaves its children working for
 * that part.
 *
 * Matching is book_match.c, what a fill brings about book_fill.c, lists and events
 * have files of their own. Everything here is O(1), cancel_all O(orders open).
 */
#include "base/alloc.h"
#include "base/civil.h"
#include "sim/book_check.h"
#include "sim/book_internal.h"

#include <assert.h>
#include <math.h>

/* ---- Life ----------------------------------------------------------------- */

mbar_status mbar_book_new(mbar_policy policy, mbar_ledger *ledger, const mbar_frictions *frictions,
                          mbar_zone *zone, mbar_book **out, mbar_error *error)
{
    assert(ledger != NULL && frictions != NULL && out != NULL);
    mbar_book *book = mbar_alloc(sizeof *book, error);
    if (book == NULL) {
        return MBAR_NOMEM;
    }
    mbar_blocks_init(&book->orders, sizeof(mbar_entry));
    mbar_blocks_init(&book->events, sizeof(mbar_log_row));
    mbar_blocks_init(&book->numbers, sizeof(mbar_log_numbers));
    book->policy = policy;
    book->ledger = ledger;
    book->frictions = *frictions;
    book->zone = zone != NULL ? mbar_zone_ref(zone) : NULL;
    *out = book;
    return MBAR_OK;
}

void mbar_book_free(mbar_book *book)
{
    if (book == NULL) {
        return;
    }
    mbar_book_free_lists(book);
    mbar_blocks_deinit(&book->events);
    mbar_blocks_deinit(&book->numbers);
    mbar_zone_unref(book->zone);
    mbar_free(book);
}

/* ---- Asking --------------------------------------------------------------- */

const mbar_order *mbar_book_order(const mbar_book *book, mbar_order_id id)
{
    return id < 1 || id > book->n_orders ? NULL : &mbar_book_entry(book, id)->order;
}

int64_t mbar_book_orders(const mbar_book *book)
{
    return book->n_orders;
}

bool mbar_book_is_active(const mbar_book *book, mbar_order_id id)
{
    assert(mbar_book_order(book, id) != NULL);
    const mbar_entry *entry = mbar_book_entry(book, id);
    return mbar_entry_is_open(entry) || entry->order.n_open_children > 0;
}

bool mbar_book_is_idle(const mbar_book *book)
{
    return book->buckets[MBAR_BUCKET_WORKING].n == 0;
}

mbar_order_id mbar_book_next_active(const mbar_book *book, mbar_order_id after)
{
    const mbar_order_list *placeholders = &book->buckets[MBAR_BUCKET_PLACEHOLDER];
    if (after == 0) {
        mbar_order_id first = book->buckets[MBAR_BUCKET_WORKING].first;
        return first != 0 ? first : placeholders->first;
    }
    assert(mbar_book_order(book, after) != NULL);
    const mbar_entry *entry = mbar_book_entry(book, after);
    if (entry->bucket > MBAR_BUCKET_PLACEHOLDER) {
        return 0;
    }
    return entry->next != 0 || entry->bucket == MBAR_BUCKET_PLACEHOLDER ? entry->next
                                                                        : placeholders->first;
}

/* ---- Entering ------------------------------------------------------------- */

/* DAY ends with the local date of its creation; of crypto, with that of UTC. */
static int64_t day_end(const mbar_book *book, const mbar_asset *asset, int64_t ns)
{
    if (book->zone == NULL || asset->kind == MBAR_ASSET_CRYPTO || asset->quote_is_crypto) {
        int64_t into = mbar_floor_mod(ns, MBAR_DAY_NS);
        return ns - into > INT64_MAX - MBAR_DAY_NS ? INT64_MAX : ns - into + MBAR_DAY_NS;
    }
    return mbar_zone_next_day(book->zone, ns);
}

static int64_t expiry(const mbar_book *book, const mbar_order *order, int64_t now_ns)
{
    int64_t good_till_ns = order->expires_ns, created_ns = now_ns;
    if (order->tif != MBAR_TIF_DAY) {
        return order->tif == MBAR_TIF_GTD ? good_till_ns : INT64_MAX;
    }
    if (book->policy == MBAR_POLICY_LUMIBOT) {
        /* lumibot's children have no date of creation, so that none passes. */
        if (order->parent != 0 || good_till_ns == INT64_MAX) {
            return INT64_MAX;
        }
        created_ns = good_till_ns != 0 ? good_till_ns : now_ns;
    }
    return day_end(book, mbar_ledger_asset(book->ledger, order->asset), created_ns);
}

void mbar_entry_place(mbar_book *book, mbar_entry *entry, mbar_bucket bucket, int64_t now_ns)
{
    entry->order.placed_ns = now_ns;
    entry->order.expires_ns = expiry(book, &entry->order, now_ns);
    mbar_book_link(book, entry, bucket);
}

static void enter(mbar_book *book, mbar_entry *entry, mbar_bucket bucket, int64_t now_ns)
{
    entry->order.status = MBAR_STATUS_NEW;
    mbar_entry_place(book, entry, bucket, now_ns);
    mbar_book_log(book, MBAR_EVENT_NEW, entry, now_ns, "");
}

mbar_status mbar_book_submit(mbar_book *book, const mbar_order_request *request, int64_t now_ns,
                             mbar_order_id *out, mbar_error *error)
{
    assert(book != NULL && request != NULL && out != NULL);
    mbar_status status = mbar_book_reserve(book, MBAR_MOST_CHILDREN + 1, error);
    if (status != MBAR_OK) {
        return status;
    }
    mbar_order_id id = book->n_orders + 1;
    mbar_entry *entry = mbar_book_entry(book, id);
    mbar_draft draft = {.order = &entry->order};
    for (int32_t i = 0; i < MBAR_MOST_CHILDREN; i++) {
        draft.children[i] = &mbar_book_entry(book, id + 1 + i)->order;
    }
    if ((status = mbar_draft_make(&draft, request, book->policy, book->ledger, now_ns, error)) !=
            MBAR_OK ||
        (status = mbar_book_reserve_asset(book, request->asset, error)) != MBAR_OK ||
        (status = mbar_book_reserve_events(book, 1 + entry->order.n_children, error)) != MBAR_OK) {
        return status;
    }
    bool is_oco = request->order_class == MBAR_CLASS_OCO;
    mbar_book_append(book);
    enter(book, entry, is_oco ? MBAR_BUCKET_PLACEHOLDER : MBAR_BUCKET_WORKING, now_ns);
    for (int32_t i = 0; i < entry->order.n_children; i++) {
        mbar_entry *child = mbar_book_append(book);
        child->order.parent = id;
        if (is_oco) {
            enter(book, child, MBAR_BUCKET_WORKING, now_ns);
        }
    }
    *out = id;
    return MBAR_OK;
}

/* NULL with MBAR_NOTFOUND set where there is no such order. */
static mbar_entry *find(const mbar_book *book, mbar_order_id id, mbar_error *error)
{
    if (mbar_book_order(book, id) == NULL) {
        mbar_error_set(error, MBAR_NOTFOUND, "no order %lld; there are %lld, from 1", (long long)id,
                       (long long)book->n_orders);
        return NULL;
    }
    return mbar_book_entry(book, id);
}

mbar_status mbar_book_resubmit(mbar_book *book, mbar_order_id id, int64_t now_ns, mbar_error *error)
{
    mbar_entry *entry = find(book, id, error);
    if (entry == NULL) {
        return MBAR_NOTFOUND;
    }
    if (book->policy != MBAR_POLICY_LUMIBOT) {
        return mbar_error_set(error, MBAR_INVALID,
                              "order %lld has been submitted already: create another",
                              (long long)id);
    }
    bool is_oco = entry->order.order_class == MBAR_CLASS_OCO;
    mbar_status status = mbar_book_reserve_events(book, 1 + entry->order.n_children, error);
    if (status != MBAR_OK) {
        return status;
    }
    mbar_book_log(book, MBAR_EVENT_NEW, entry, now_ns, "");
    if (is_oco) {
        entry->order.status = MBAR_STATUS_NEW; /* whatever it was, as lumibot's placeholder */
        if (entry->bucket == MBAR_BUCKET_NONE) {
            mbar_book_link(book, entry, MBAR_BUCKET_PLACEHOLDER);
        }
        for (int32_t i = 1; i <= entry->order.n_children; i++) {
            mbar_book_log(book, MBAR_EVENT_NEW, mbar_book_entry(book, id + i), now_ns, "");
        }
    }
    return MBAR_OK;
}

/* ---- Canceling ------------------------------------------------------------ */

void mbar_entry_close(mbar_book *book, mbar_entry *entry, mbar_order_status status, int64_t now_ns)
{
    bool was_open = mbar_entry_is_open(entry);
    if (entry->bucket != MBAR_BUCKET_PARENT) {
        mbar_book_unlink(book, entry);
    }
    entry->order.status = status;
    entry->order.closed_ns = now_ns;
    if (was_open && entry->order.parent != 0) {
        mbar_entry *parent = mbar_book_entry(book, entry->order.parent);
        parent->order.n_open_children--;
        if (parent->order.n_open_children == 0 && parent->bucket == MBAR_BUCKET_PARENT) {
            mbar_book_unlink(book, parent);
        }
    }
}

mbar_status mbar_entry_place_children(mbar_book *book, const mbar_entry *parent, int64_t now_ns,
                                      mbar_error *error)
{
    bool is_strict = book->policy != MBAR_POLICY_LUMIBOT;
    mbar_status status = mbar_book_reserve_events(book, parent->order.n_children, error);
    for (int32_t i = 1; i <= parent->order.n_children && status == MBAR_OK; i++) {
        mbar_entry *child = mbar_book_entry(book, parent->order.id + i);
        if (!mbar_entry_is_open(child) || child->bucket != MBAR_BUCKET_NONE) {
            continue;
        }
        mbar_entry_place(book, child, MBAR_BUCKET_WORKING, now_ns);
        if (is_strict) {
            child->order.status = MBAR_STATUS_NEW;
            child->order.quantity = parent->order.filled;
            mbar_book_log(book, MBAR_EVENT_NEW, child, now_ns, "");
        }
    }
    return status;
}

static void cancel_children(mbar_book *book, const mbar_entry *parent, mbar_order_status status,
                            int64_t now_ns, const char *message)
{
    for (int32_t i = 1; i <= parent->order.n_children; i++) {
        mbar_entry *child = mbar_book_entry(book, parent->order.id + i);
        if (mbar_entry_is_open(child)) {
            mbar_entry_close(book, child, status, now_ns);
            mbar_book_log(book, MBAR_EVENT_CANCELED, child, now_ns, message);
        }
    }
}

/* STRICT: what an entry has filled in part is protected by its children all the same. */
static bool has_part_to_protect(const mbar_book *book, const mbar_entry *entry)
{
    return book->policy != MBAR_POLICY_LUMIBOT && mbar_entry_is_open(entry) &&
           entry->order.filled > 0 && entry->order.n_open_children > 0;
}

/* STRICT: an OCO whose children are all canceled is canceled. */
static void cancel_empty_oco(mbar_book *book, const mbar_entry *child, mbar_order_status status,
                             int64_t now_ns, const char *message)
{
    if (child->order.parent == 0 || book->policy == MBAR_POLICY_LUMIBOT) {
        return;
    }
    mbar_entry *parent = mbar_book_entry(book, child->order.parent);
    if (parent->bucket == MBAR_BUCKET_PLACEHOLDER && parent->order.n_open_children == 0) {
        mbar_entry_close(book, parent, status, now_ns);
        mbar_book_log(book, MBAR_EVENT_CANCELED, parent, now_ns, message);
    }
}

mbar_status mbar_entry_cancel(mbar_book *book, mbar_entry *entry, mbar_order_status status,
                              int64_t now_ns, const char *message, mbar_error *error)
{
    mbar_status result = mbar_book_reserve_events(book, 2 + entry->order.n_open_children, error);
    if (result != MBAR_OK) {
        return result;
    }
    bool protects = has_part_to_protect(book, entry);
    /* STRICT leaves a filled parent filled, and ends its children only. */
    if (mbar_entry_is_open(entry) || book->policy == MBAR_POLICY_LUMIBOT) {
        mbar_entry_close(book, entry, status, now_ns);
        mbar_book_log(book, MBAR_EVENT_CANCELED, entry, now_ns, message);
    }
    if (protects) {
        mbar_book_link(book, entry, MBAR_BUCKET_PARENT);
        return mbar_entry_place_children(book, entry, now_ns, error);
    }
    cancel_children(book, entry, status, now_ns, message);
    cancel_empty_oco(book, entry, status, now_ns, message);
    return MBAR_OK;
}

mbar_status mbar_book_cancel(mbar_book *book, mbar_order_id id, int64_t now_ns, mbar_error *error)
{
    mbar_entry *entry = find(book, id, error);
    return entry == NULL ? MBAR_NOTFOUND
                         : mbar_entry_cancel(book, entry, MBAR_STATUS_CANCELED, now_ns, "", error);
}

static mbar_status cancel_listed(mbar_book *book, int64_t now_ns, mbar_error *error)
{
    static const mbar_bucket order[] = {MBAR_BUCKET_WORKING, MBAR_BUCKET_PARENT,
                                        MBAR_BUCKET_PLACEHOLDER};
    int64_t n;
    /* Listed first: a parent whose children are canceled before it is canceled too. */
    mbar_status status = mbar_book_list(book, order, 3, &n, error);
    for (int64_t i = 0; i < n && status == MBAR_OK; i++) {
        mbar_entry *entry = mbar_book_entry(book, book->pending[i]);
        status = mbar_entry_cancel(book, entry, MBAR_STATUS_CANCELED, now_ns, "", error);
    }
    return status;
}

mbar_status mbar_book_cancel_all(mbar_book *book, int64_t now_ns, mbar_error *error)
{
    mbar_status status = cancel_listed(book, now_ns, error);
    if (status == MBAR_OK && !mbar_book_is_idle(book)) {
        /* Children that came to protect what an entry had filled in part. */
        status = cancel_listed(book, now_ns, error);
    }
    return status;
}

/* ---- Changing ------------------------------------------------------------- */

mbar_status mbar_book_modify(mbar_book *book, mbar_order_id id, double limit_price,
                             double stop_price, double quantity, int64_t now_ns, mbar_error *error)
{
    mbar_entry *entry = find(book, id, error);
    if (entry == NULL) {
        return MBAR_NOTFOUND;
    }
    if (!mbar_book_is_active(book, id)) {
        return MBAR_OK;
    }
    mbar_order changed = entry->order;
    if (!isnan(limit_price)) {
        bool is_stop_limit = book->policy != MBAR_POLICY_LUMIBOT &&
                             changed.type == MBAR_ORDER_STOP_LIMIT &&
                             !isnan(changed.stop_limit_price);
        *(is_stop_limit ? &changed.stop_limit_price : &changed.limit_price) = limit_price;
    }
    if (!isnan(stop_price)) {
        changed.stop_price = stop_price;
    }
    if (!isnan(quantity)) {
        changed.quantity = quantity;
    }
    mbar_status status =
        mbar_change_check(&entry->order, &changed, book->policy, book->ledger, error);
    if (status != MBAR_OK || (status = mbar_book_reserve_events(book, 1, error)) != MBAR_OK) {
        return status;
    }
    const mbar_log_numbers numbers = {
        .price = changed.type == MBAR_ORDER_LIMIT  ? limit_price
                 : changed.type == MBAR_ORDER_STOP ? stop_price
                                                   : NAN,
        .bar_ns = INT64_MIN,
    };
    mbar_book_log_numbers(book, MBAR_EVENT_MODIFIED, entry, now_ns, numbers);
    entry->order = changed;
    for (int32_t i = 1; i <= entry->order.n_children && !isnan(quantity); i++) {
        mbar_book_entry(book, id + i)->order.quantity = quantity;
    }
    if (book->policy != MBAR_POLICY_LUMIBOT && entry->bucket == MBAR_BUCKET_WORKING) {
        entry->order.placed_ns = now_ns; /* no bar that had opened before */
    }
    return MBAR_OK;
}
