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
    return mbar_blocks_reserve(&book->events, book->n_events + n, error);
}

void mbar_book_log_event(mbar_book *book, const mbar_event *event)
{
    assert(book->n_events < book->events.capacity);
    *(mbar_event *)mbar_blocks_at(&book->events, book->n_events++) = *event;
}

mbar_event mbar_book_event_of(const mbar_book *book, mbar_event_kind kind, const mbar_entry *entry,
                              int64_t ns)
{
    return (mbar_event){
        .kind = kind,
        .order = entry->order.id,
        .ns = ns,
        .price = NAN,
        .multiplier = mbar_entry_asset(book, entry)->multiplier,
        .bar_ns = INT64_MIN,
        .message = "",
    };
}

void mbar_book_log(mbar_book *book, mbar_event_kind kind, const mbar_entry *entry, int64_t ns,
                   const char *message)
{
    mbar_event event = mbar_book_event_of(book, kind, entry, ns);
    event.message = message;
    mbar_book_log_event(book, &event);
}

static bool is_urgent(const mbar_event *event)
{
    return event->kind == MBAR_EVENT_FILLED || event->kind == MBAR_EVENT_PARTIAL ||
           event->kind == MBAR_EVENT_CANCELED || event->kind == MBAR_EVENT_ERROR;
}

/* Whether the strategy is told at all. */
static bool is_queued(const mbar_book *book, const mbar_event *event)
{
    if (event->kind == MBAR_EVENT_MODIFIED) {
        return book->policy != MBAR_POLICY_LUMIBOT;
    }
    if (event->kind == MBAR_EVENT_NEW) {
        return mbar_book_entry(book, event->order)->order.request.order_class != MBAR_CLASS_OCO;
    }
    return true;
}

bool mbar_book_next_event(mbar_book *book, mbar_event *out)
{
    assert(book != NULL && out != NULL);
    while (book->next_urgent < book->n_events) {
        const mbar_event *event = mbar_book_event(book, book->next_urgent++);
        if (is_urgent(event)) {
            *out = *event;
            return true;
        }
    }
    while (book->next_other < book->n_events) {
        const mbar_event *event = mbar_book_event(book, book->next_other++);
        if (!is_urgent(event) && is_queued(book, event)) {
            *out = *event;
            return true;
        }
    }
    return false;
}

void mbar_book_skip_events(mbar_book *book)
{
    assert(book->policy != MBAR_POLICY_LUMIBOT);
    book->next_urgent = book->next_other = book->n_events;
}

int64_t mbar_book_events(const mbar_book *book)
{
    return book->n_events;
}

const mbar_event *mbar_book_event(const mbar_book *book, int64_t index)
{
    assert(book != NULL && index >= 0 && index < book->n_events);
    return mbar_blocks_at(&book->events, index);
}

mbar_status mbar_book_settle(mbar_book *book, const mbar_event *event, mbar_error *error)
{
    assert(book != NULL && event != NULL);
    (void)error;
    if (event->kind == MBAR_EVENT_FILLED || event->kind == MBAR_EVENT_PARTIAL) {
        mbar_ledger_settle(book->ledger, mbar_book_order(book, event->order), event->price,
                           event->quantity);
    }
    return MBAR_OK;
}
