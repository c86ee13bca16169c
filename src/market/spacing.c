/*
 * spacing.c - the most common distance between neighbouring times.
 *
 * Counts distances in an open-addressing table keyed by the distance, which
 * keeps the cost linear however many distances there are; regular data have a
 * handful and never leave the slot used last. The winner is chosen by count,
 * then by the smaller distance, so the order of the table does not show.
 */
#include "base/alloc.h"
#include "market/series.h"
#include "market/zone.h"

#define FIRST_CAPACITY 64

typedef struct slot {
    uint64_t distance; /* 0: free */
    int64_t n_all, n_intraday;
} slot;

typedef struct counter {
    slot *slots;
    size_t capacity; /* a power of two */
    size_t n_used;
    int shift; /* 64 - log2(capacity) */
} counter;

static bool counter_init(counter *c, size_t capacity, mbar_error *error)
{
    c->slots = mbar_alloc_array(capacity, sizeof *c->slots, error);
    c->capacity = capacity;
    c->n_used = 0;
    c->shift = 64 - __builtin_ctzll(capacity);
    return c->slots != NULL;
}

/* The slot of a distance, or the free one it belongs in. */
static slot *counter_slot(const counter *c, uint64_t distance)
{
    size_t i = (size_t)((distance * UINT64_C(0x9E3779B97F4A7C15)) >> c->shift);
    while (c->slots[i].distance != 0 && c->slots[i].distance != distance) {
        i = (i + 1) & (c->capacity - 1);
    }
    return &c->slots[i];
}

static bool counter_grow(counter *c, mbar_error *error)
{
    counter larger;
    if (!counter_init(&larger, c->capacity * 2, error)) {
        return false;
    }
    for (size_t i = 0; i < c->capacity; i++) {
        if (c->slots[i].distance != 0) {
            *counter_slot(&larger, c->slots[i].distance) = c->slots[i];
        }
    }
    larger.n_used = c->n_used;
    mbar_free(c->slots);
    *c = larger;
    return true;
}

/* The slot of distance, made where there is none; NULL for want of memory. */
static slot *counter_take(counter *c, uint64_t distance, mbar_error *error)
{
    slot *found = counter_slot(c, distance);
    if (found->distance == distance) {
        return found;
    }
    if (2 * (c->n_used + 1) > c->capacity) {
        if (!counter_grow(c, error)) {
            return NULL;
        }
        found = counter_slot(c, distance);
    }
    found->distance = distance;
    c->n_used++;
    return found;
}

static int64_t most_common(const counter *c, bool intraday)
{
    int64_t best_count = 0;
    uint64_t best = 0;
    for (size_t i = 0; i < c->capacity; i++) {
        const slot *s = &c->slots[i];
        int64_t count = intraday ? s->n_intraday : s->n_all;
        if (count > best_count || (count == best_count && count > 0 && s->distance < best)) {
            best_count = count;
            best = s->distance;
        }
    }
    return best > INT64_MAX ? INT64_MAX : (int64_t)best;
}

static bool same_day(mbar_zone_cursor *cursor, int64_t earlier_ns, int64_t later_ns)
{
    int64_t day = mbar_zone_cursor_day(cursor, earlier_ns);
    return mbar_zone_cursor_day(cursor, later_ns) == day;
}

mbar_status mbar_spacing(const int64_t *times, int64_t n, const mbar_zone *zone, int64_t *common_ns,
                         int64_t *intraday_ns, mbar_error *error)
{
    counter c;
    if (!counter_init(&c, FIRST_CAPACITY, error)) {
        return MBAR_NOMEM;
    }
    mbar_status status = MBAR_OK;
    mbar_zone_cursor cursor = {zone, 1, 0, 0};
    slot *s = &c.slots[0];
    for (int64_t i = 1; i < n; i++) {
        /* The range of int64 is wider than int64: subtract as unsigned. */
        uint64_t distance = (uint64_t)times[i] - (uint64_t)times[i - 1];
        if (s->distance != distance) {
            s = counter_take(&c, distance, error);
            if (s == NULL) {
                status = MBAR_NOMEM;
                goto done;
            }
        }
        s->n_all++;
        if (zone != NULL &&
            (distance <= (uint64_t)MBAR_HOUR_NS || same_day(&cursor, times[i - 1], times[i]))) {
            s->n_intraday++;
        }
    }
    *common_ns = most_common(&c, false);
    if (zone != NULL) {
        *intraday_ns = most_common(&c, true);
    }
done:
    mbar_free(c.slots);
    return status;
}
