/*
 * window.c - what of a series is visible at a clock.
 *
 * The hot path of every backtest: one binary search, no allocation, no lock, no
 * division. Both policies find an end row first and count back from it; every
 * number from outside is clamped to the rows there are before it is used, so
 * that no length, shift or clock overflows.
 *
 * STRICT counts the period of a day series on the zone's wall clock: a bar of
 * midnight New York has closed at the next midnight there, 23, 24 or 25 hours
 * later. Everything else counts nanoseconds.
 */
#include "base/checked.h"
#include "market/series.h"
#include "market/zone.h"

#include <assert.h>

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* ---- STRICT -------------------------------------------------------------------- */

static int64_t before(int64_t ns, int64_t distance_ns)
{
    int64_t at;
    return mbar_add_i64(ns, -distance_ns, &at) ? at : INT64_MIN;
}

int64_t mbar_series_end_ns(const mbar_series *series, int64_t row, int64_t length_ns)
{
    int64_t local_ns, end_ns;
    if (series->step != MBAR_STEP_DAY) {
        return mbar_add_i64(series->times[row], length_ns, &end_ns) ? end_ns : INT64_MAX;
    }
    int64_t open_ns = mbar_zone_to_local(series->zone, series->times[row]);
    if (!mbar_add_i64(open_ns, length_ns, &local_ns) ||
        mbar_zone_from_local(series->zone, local_ns, MBAR_FOLD_LATER, &end_ns, NULL) != MBAR_OK) {
        return INT64_MAX;
    }
    return end_ns;
}

/* Rows that have closed. Offsets of one zone differ by two days at most, so a
 * search between the rows that surely have and those that surely have not. */
static int64_t closed_rows(const mbar_series *series, int64_t now_ns)
{
    int64_t latest_ns = before(now_ns, series->closes_ns);
    if (series->step != MBAR_STEP_DAY) {
        return mbar_upper_bound(series->times, series->n_rows, latest_ns);
    }
    int64_t margin_ns = 2 * MBAR_DAY_NS;
    int64_t low = mbar_upper_bound(series->times, series->n_rows, before(latest_ns, margin_ns));
    int64_t high =
        mbar_upper_bound(series->times, series->n_rows,
                         latest_ns > INT64_MAX - margin_ns ? INT64_MAX : latest_ns + margin_ns);
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (mbar_series_end_ns(series, middle, series->closes_ns) <= now_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static mbar_status strict_window(int64_t n_closed, int64_t length, int64_t shift, mbar_window *out,
                                 mbar_error *error)
{
    if (length < 1) {
        return mbar_error_set(error, MBAR_INVALID, "a window of %lld rows; ask for 1 or more",
                              (long long)length);
    }
    if (shift < 0) {
        return mbar_error_set(error, MBAR_INVALID,
                              "a shift of %lld rows reaches past the clock; give 0 or more",
                              (long long)shift);
    }
    int64_t end = shift < n_closed ? n_closed - shift : 0;
    out->n_rows = length < end ? length : end;
    out->first = end - out->n_rows;
    return MBAR_OK;
}

/* ---- LUMIBOT ------------------------------------------------------------------- */

/* Whether row, the last with open <= now, has closed by lumibot's rule. */
static bool intraday_closed(const mbar_series *series, int64_t row, int64_t now_ns)
{
    /* now >= the open, so the difference fits an unsigned number. */
    return (uint64_t)now_ns - (uint64_t)series->times[row] >= (uint64_t)series->intraday_ns;
}

/* row: the last with open <= now_ns. */
static mbar_window lumibot_window(const mbar_series *series, int64_t row, int64_t now_ns,
                                  int64_t length, int64_t shift)
{
    int64_t n = series->n_rows;
    int64_t end = row;
    if (series->step == MBAR_STEP_DAY) {
        end++;
    } else if (row >= 0 && shift >= 0 && intraday_closed(series, row, now_ns)) {
        end++;
    }
    /* A shift of more than n + 1 rows either way lands on the same clamp. */
    end = clamp(end - clamp(shift, -n - 2, n + 2), 0, n);
    int64_t first = length > 0 ? clamp(end - clamp(length, 0, n), 0, end) : end;
    if (first == end && end > 0) {
        first = end - 1;
    }
    return (mbar_window){first, end - first};
}

/* ---- Public -------------------------------------------------------------------- */

mbar_status mbar_series_window(const mbar_series *series, mbar_policy policy, int64_t now_ns,
                               int64_t length, int64_t shift, mbar_window *out, mbar_error *error)
{
    assert(series != NULL && out != NULL);
    int64_t at = policy == MBAR_POLICY_LUMIBOT ? mbar_asof(series->times, series->n_rows, now_ns)
                                               : closed_rows(series, now_ns);
    return mbar_series_window_at(series, policy, at, now_ns, length, shift, out, error);
}

mbar_status mbar_series_window_at(const mbar_series *series, mbar_policy policy, int64_t at,
                                  int64_t now_ns, int64_t length, int64_t shift, mbar_window *out,
                                  mbar_error *error)
{
    if (policy == MBAR_POLICY_LUMIBOT) {
        *out = lumibot_window(series, at, now_ns, length, shift);
        return MBAR_OK;
    }
    assert(policy == MBAR_POLICY_STRICT);
    return strict_window(at, length, shift, out, error);
}

mbar_window mbar_series_between(const mbar_series *series, int64_t from_ns, int64_t to_ns)
{
    assert(series != NULL);
    int64_t first = mbar_lower_bound(series->times, series->n_rows, from_ns);
    int64_t end = mbar_lower_bound(series->times, series->n_rows, to_ns);
    return (mbar_window){first, end > first ? end - first : 0};
}

mbar_bar_state mbar_series_state(const mbar_series *series, int64_t now_ns, int64_t *row)
{
    assert(series != NULL && row != NULL);
    int64_t last = mbar_asof(series->times, series->n_rows, now_ns);
    *row = last;
    if (last < 0 || series->step == MBAR_STEP_DAY) {
        return MBAR_BAR_NONE;
    }
    return intraday_closed(series, last, now_ns) ? MBAR_BAR_CLOSED : MBAR_BAR_FORMING;
}
