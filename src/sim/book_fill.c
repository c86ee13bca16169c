/*
 * book_fill.c - what one fill brings about.
 *
 * In lumibot's order (_execute_filled_order, _process_filled_order), as far as anyone
 * can tell: the sibling is canceled, the ledger told, children begin to work, orders
 * that would close a position now gone are canceled, an OCO's parent is done, and
 * last comes the event of the fill itself.
 *
 * Orders that close. LUMIBOT: when a sale (sell, sell_to_close) ends a position, every
 * other working order of the asset that is such a sale, or has a child that is, is
 * canceled, entries of other brackets included; likewise for buy_to_cover and
 * buy_to_close.
 * STRICT: when a position ends or turns, by whatever fill, the orders that say
 * they close the old side (sell_to_close; buy_to_close, buy_to_cover) are.
 *
 * STRICT fills in part where a volume share says so: siblings shrink by as much,
 * children wait for the whole.
 */
#include "sim/book_internal.h"
#include "sim/match.h"
#include "sim/order.h"

#include <assert.h>
#include <math.h>

/* ---- Closing orders ------------------------------------------------------- */

typedef struct closing_sides {
    mbar_side first, second;
} closing_sides;

static bool is_among(closing_sides sides, mbar_side side)
{
    return side == sides.first || side == sides.second;
}

/* Which orders the end of the position cancels; false: none. */
static bool sides_to_cancel(const mbar_book *book, const mbar_entry *entry, double before,
                            closing_sides *out)
{
    closing_sides sales = {MBAR_SIDE_SELL, MBAR_SIDE_SELL_TO_CLOSE};
    closing_sides covers = {MBAR_SIDE_BUY_TO_COVER, MBAR_SIDE_BUY_TO_CLOSE};
    if (book->policy == MBAR_POLICY_LUMIBOT) {
        mbar_side side = entry->order.side;
        *out = is_among(sales, side) ? sales : covers;
        return is_among(*out, side);
    }
    sales.first = sales.second;
    *out = before > 0 ? sales : covers;
    return true;
}

static bool matches(const mbar_book *book, const mbar_entry *entry, closing_sides sides)
{
    if (is_among(sides, entry->order.side)) {
        return true;
    }
    for (int32_t i = 1; i <= entry->order.n_children && book->policy == MBAR_POLICY_LUMIBOT; i++) {
        if (is_among(sides, mbar_book_entry(book, entry->order.id + i)->order.side)) {
            return true;
        }
    }
    return false;
}

static mbar_status cancel_closing_of(mbar_book *book, int32_t asset, const mbar_entry *filled,
                                     closing_sides sides, int64_t now_ns, mbar_error *error)
{
    uint32_t id = book->working_by_asset[asset].first;
    mbar_status status = MBAR_OK;
    while (id != 0 && status == MBAR_OK) {
        mbar_entry *entry = mbar_book_entry(book, id);
        /* Canceling takes nothing else out of this list: children of a working parent
         * do not work yet. */
        id = entry->asset_next;
        if (entry != filled && matches(book, entry, sides)) {
            status = mbar_entry_cancel(book, entry, MBAR_STATUS_CANCELED, now_ns,
                                       "the position it would close is closed", error);
        }
    }
    return status;
}

/* The number of the asset it is the same as. */
static int32_t root_of(const mbar_book *book, int32_t asset)
{
    int32_t same_as = mbar_ledger_asset(book->ledger, asset)->same_as;
    return same_as > 0 ? same_as - 1 : asset;
}

static mbar_status cancel_closing(mbar_book *book, const mbar_entry *filled, closing_sides sides,
                                  int64_t now_ns, mbar_error *error)
{
    int32_t asset = filled->order.asset;
    mbar_status status = cancel_closing_of(book, asset, filled, sides, now_ns, error);
    bool has_same = book->has_same && book->policy == MBAR_POLICY_LUMIBOT;
    for (int32_t i = 0; has_same && i < book->n_assets && status == MBAR_OK; i++) {
        if (i != asset && root_of(book, i) == root_of(book, asset)) {
            status = cancel_closing_of(book, i, filled, sides, now_ns, error);
        }
    }
    return status;
}

static mbar_status after_position(mbar_book *book, const mbar_entry *entry, double before,
                                  int64_t now_ns, mbar_error *error)
{
    closing_sides sides;
    int32_t asset = entry->order.asset;
    double after = mbar_ledger_holding(book->ledger, asset)->position.quantity;
    bool is_over = book->policy == MBAR_POLICY_LUMIBOT
                       ? !mbar_ledger_holding(book->ledger, asset)->is_held
                       : before * after <= 0;
    if (!is_over || !sides_to_cancel(book, entry, before, &sides)) {
        return MBAR_OK;
    }
    return cancel_closing(book, entry, sides, now_ns, error);
}

/* ---- Siblings, children, parents ------------------------------------------ */

static mbar_status cancel_sibling(mbar_book *book, const mbar_entry *entry, int64_t now_ns,
                                  mbar_error *error)
{
    if (mbar_sibling_of(&entry->order) == 0) {
        return MBAR_OK;
    }
    mbar_entry *sibling = mbar_book_entry(book, mbar_sibling_of(&entry->order));
    sibling->sibling_filled = true;
    return mbar_entry_cancel(book, sibling, MBAR_STATUS_CANCELED, now_ns, "its sibling is filled",
                             error);
}

/* BacktestingBroker._update_parent_order_status, of an OCO: its price is that of the
 * child that filled, negative for a sale; its fees are nothing. */
static void finish_as_lumibot(mbar_order *parent, const mbar_order *child)
{
    double price = child->fill_price;
    parent->fill_price = mbar_sign_of(child->side) < 0 ? -price : price;
    parent->fees = 0;
    parent->filled = child->filled;
    parent->quantity = child->quantity;
}

/* STRICT: what its children have filled together. */
static void finish_strictly(const mbar_book *book, mbar_order *parent)
{
    double paid = 0;
    parent->filled = parent->fees = 0;
    for (int32_t i = 1; i <= parent->n_children; i++) {
        const mbar_order *child = &mbar_book_entry(book, parent->id + i)->order;
        if (child->filled > 0) {
            paid += child->fill_price * child->filled;
            parent->fill_price = child->fill_price;
            parent->filled += child->filled;
            parent->fees += child->fees;
        }
    }
    if (paid != parent->fill_price * parent->filled) {
        parent->fill_price = paid / parent->filled;
    }
}

static void finish_oco(mbar_book *book, const mbar_entry *child, int64_t now_ns)
{
    mbar_entry *parent = mbar_book_entry(book, child->order.parent);
    if (parent->order.order_class != MBAR_CLASS_OCO || parent->order.n_open_children > 0) {
        return;
    }
    mbar_entry_close(book, parent, MBAR_STATUS_FILLED, now_ns);
    if (book->policy == MBAR_POLICY_LUMIBOT) {
        finish_as_lumibot(&parent->order, &child->order);
    } else {
        finish_strictly(book, &parent->order);
    }
}

static void shrink_sibling(mbar_book *book, const mbar_entry *entry, double quantity)
{
    if (mbar_sibling_of(&entry->order) != 0) {
        mbar_entry *sibling = mbar_book_entry(book, mbar_sibling_of(&entry->order));
        sibling->order.quantity -= quantity;
    }
}

/* ---- The fill ------------------------------------------------------------- */

static void take_fill(mbar_entry *entry, double price, double quantity, double fee)
{
    mbar_order *order = &entry->order;
    double filled = order->filled + quantity;
    order->fill_price = order->filled == 0
                            ? price
                            : (order->fill_price * order->filled + price * quantity) / filled;
    order->filled = filled;
    order->fees += fee;
}

static mbar_status fill_part(mbar_book *book, mbar_entry *entry, double price, double quantity,
                             const mbar_bar *bar, int64_t now_ns, mbar_error *error)
{
    double fee;
    double before = mbar_ledger_holding(book->ledger, entry->order.asset)->position.quantity;
    mbar_status status =
        mbar_ledger_execute(book->ledger, &entry->order, price, quantity, now_ns, &fee, error);
    if (status == MBAR_OK) {
        take_fill(entry, price, quantity, fee);
        entry->order.status = MBAR_STATUS_PARTIAL;
        shrink_sibling(book, entry, quantity);
        status = after_position(book, entry, before, now_ns, error);
    }
    if (status == MBAR_OK && (status = mbar_book_reserve_events(book, 1, error)) == MBAR_OK) {
        mbar_book_log_numbers(
            book, MBAR_EVENT_PARTIAL, entry, now_ns,
            (mbar_log_numbers){
                .price = price, .quantity = quantity, .fee = fee, .bar_ns = bar->open_ns});
    }
    return status;
}

static mbar_status fill_whole(mbar_book *book, mbar_entry *entry, double price, double quantity,
                              const mbar_bar *bar, int64_t now_ns, mbar_error *error)
{
    double fee;
    double before = mbar_ledger_holding(book->ledger, entry->order.asset)->position.quantity;
    bool was_held = mbar_ledger_holding(book->ledger, entry->order.asset)->is_held;
    mbar_status status = cancel_sibling(book, entry, now_ns, error);
    if (status == MBAR_OK) {
        status =
            mbar_ledger_execute(book->ledger, &entry->order, price, quantity, now_ns, &fee, error);
    }
    if (status != MBAR_OK) {
        return status;
    }
    take_fill(entry, price, quantity, fee);
    mbar_entry_close(book, entry, MBAR_STATUS_FILLED, now_ns);
    if (entry->order.n_open_children > 0) {
        mbar_book_link(book, entry, MBAR_BUCKET_PARENT);
        status = mbar_entry_place_children(book, entry, now_ns, error);
    }
    if (status == MBAR_OK && was_held) {
        status = after_position(book, entry, before, now_ns, error);
    }
    if (status == MBAR_OK && entry->order.parent != 0) {
        finish_oco(book, entry, now_ns);
    }
    if (status == MBAR_OK && (status = mbar_book_reserve_events(book, 1, error)) == MBAR_OK) {
        mbar_book_log_numbers(
            book, MBAR_EVENT_FILLED, entry, now_ns,
            (mbar_log_numbers){
                .price = price, .quantity = quantity, .fee = fee, .bar_ns = bar->open_ns});
    }
    return status;
}

mbar_status mbar_entry_fill(mbar_book *book, mbar_entry *entry, double price, double quantity,
                            const mbar_bar *bar, int64_t now_ns, mbar_error *error)
{
    double open = entry->order.quantity - entry->order.filled;
    assert(quantity > 0 && entry->bucket == MBAR_BUCKET_WORKING);
    return quantity < open ? fill_part(book, entry, price, quantity, bar, now_ns, error)
                           : fill_whole(book, entry, price, quantity, bar, now_ns, error);
}
