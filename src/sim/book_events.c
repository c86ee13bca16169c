/*
 * book_events.c - the log of what happened, and the two queues read from it.
 *
 * Everything is logged in the order in which it happened. The strategy is told in
 * lumibot's order: fills, cancels and errors first, whenever there are any. So
 * a queue is no more than a place in the log, and reading skips what belongs to the
 * other: O(1) on average.
 */
#include "sim/book_internal.h"

#include <assert.h>
#include <math.h>

mbar_status mbar_book_reserve_events(mbar_book *book, int64_t n, mbar_error *error)
{
    mbar_status status = mbar_blocks_reserve(&book->events, book->n_events + n, error);
    return status == MBAR_OK ? mbar_blocks_reserve(&book->numbers, book->n_numbers + n, error)
                             : status;
}

static mbar_log_row *add_row(mbar_book *book, mbar_event_kind kind, const mbar_entry *entry,
                             int64_t ns)
{
    assert(book->n_events < book->events.capacity);
    mbar_log_row *row = mbar_blocks_at(&book->events, book->n_events++);
    row->ns = ns;
    row->order = (uint32_t)entry->order.id;
    row->kind = (uint8_t)kind;
    return row;
}

void mbar_book_log(mbar_book *book, mbar_event_kind kind, const mbar_entry *entry, int64_t ns,
                   const char *message)
{
    mbar_log_row *row = add_row(book, kind, entry, ns);
    row->message = message;
    row->has_numbers = false;
}

void mbar_book_log_numbers(mbar_book *book, mbar_event_kind kind, const mbar_entry *entry,
                           int64_t ns, mbar_log_numbers numbers)
{
    assert(book->n_numbers < book->numbers.capacity);
    mbar_log_row *row = add_row(book, kind, entry, ns);
    row->numbers = book->n_numbers++;
    row->has_numbers = true;
    numbers.multiplier = mbar_entry_asset(book, entry)->multiplier;
    *(mbar_log_numbers *)mbar_blocks_at(&book->numbers, row->numbers) = numbers;
}

int64_t mbar_book_events(const mbar_book *book)
{
    return book->n_events;
}

static const mbar_log_numbers *numbers_of(const mbar_book *book, const mbar_log_row *row)
{
    return mbar_blocks_at(&book->numbers, row->numbers);
}

mbar_event mbar_book_event(const mbar_book *book, int64_t index)
{
    assert(book != NULL && index >= 0 && index < book->n_events);
    const mbar_log_row *row = mbar_book_logged(book, index);
    mbar_log_numbers numbers = {.price = NAN, .bar_ns = INT64_MIN};
    if (row->has_numbers) {
        numbers = *numbers_of(book, row);
    } else {
        numbers.multiplier = mbar_entry_asset(book, mbar_book_entry(book, row->order))->multiplier;
    }
    return (mbar_event){
        .kind = (mbar_event_kind)row->kind,
        .order = row->order,
        .ns = row->ns,
        .price = numbers.price,
        .quantity = numbers.quantity,
        .fee = numbers.fee,
        .multiplier = numbers.multiplier,
        .bar_ns = numbers.bar_ns,
        .message = row->has_numbers ? "" : row->message,
    };
}

/* ---- Telling -------------------------------------------------------------- */

static bool is_urgent(const mbar_log_row *row)
{
    return mbar_log_is_fill(row) || row->kind == MBAR_EVENT_CANCELED ||
           row->kind == MBAR_EVENT_ERROR;
}

/* Whether the strategy is told at all. */
static bool is_queued(const mbar_book *book, const mbar_log_row *row)
{
    if (row->kind == MBAR_EVENT_MODIFIED) {
        return book->policy != MBAR_POLICY_LUMIBOT;
    }
    if (row->kind == MBAR_EVENT_NEW) {
        return mbar_book_entry(book, row->order)->order.order_class != MBAR_CLASS_OCO;
    }
    return true;
}

int64_t mbar_book_next_event(mbar_book *book)
{
    assert(book != NULL);
    while (book->next_urgent < book->n_events) {
        int64_t index = book->next_urgent++;
        if (is_urgent(mbar_book_logged(book, index))) {
            return index;
        }
    }
    while (book->next_other < book->n_events) {
        int64_t index = book->next_other++;
        const mbar_log_row *row = mbar_book_logged(book, index);
        if (!is_urgent(row) && is_queued(book, row)) {
            return index;
        }
    }
    return -1;
}

void mbar_book_skip_events(mbar_book *book)
{
    assert(book->policy != MBAR_POLICY_LUMIBOT);
    book->next_urgent = book->next_other = book->n_events;
}

void mbar_book_settle(mbar_book *book, int64_t index)
{
    assert(book != NULL && index >= 0 && index < book->n_events);
    const mbar_log_row *row = mbar_book_logged(book, index);
    if (mbar_log_is_fill(row)) {
        const mbar_log_numbers *numbers = numbers_of(book, row);
        mbar_ledger_settle(book->ledger, &mbar_book_entry(book, row->order)->order, numbers->price,
                           numbers->quantity);
    }
}
