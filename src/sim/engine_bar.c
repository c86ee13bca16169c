/*
 * engine_bar.c - LUMIBOT: which bar an order is matched against.
 *
 * lumibot asks its data source for the two latest rows of the source's step (the
 * engine's fill_step), shifted one row forward for intraday data, and takes the first
 * of them from the clock on, if it lies near (5 minutes; 2 hours of hourly, 2 days of
 * day data), else the last at or before the clock. For rows of the source's own step
 * that is:
 *   intraday  the last row with open <= clock, forming or not: a market order at t is
 *             filled at the open of the bar labelled t, a minute without a row at the
 *             open of the row before it;
 *   day       the same; where that row is of an earlier local date, the row after it,
 *             if it is at the clock or near.
 * Rows with a missing price (or an infinite one) are passed over. A row more than a day away (of
 * day data: 7) fills nothing.
 *
 * A finer series under a coarser step is resampled as lumibot's history is: whole hours
 * or whole days before today. A coarser one gives nothing.
 *
 * Quotes come from the columns bid and ask of the last row with open <= clock, whatever
 * bar is chosen. While that row forms, a quote of bid = ask = close was made from the
 * close and is read as the open.
 */
#include "sim/engine_internal.h"

#include "market/columns.h"

#include <math.h>

/* Rows a request of lumibot's may fall on, in order. */
typedef struct candidates {
    mbar_bar items[2];
    int n;
} candidates;

/* ---- Rows of the source's own step ------------------------------------------------ */

/* Rows [end - 2, end). */
static candidates native_rows(const mbar_instrument *asset, int64_t end)
{
    candidates list;
    list.n = 0;
    end = end < asset->n_rows ? end : asset->n_rows;
    for (int64_t row = end > 2 ? end - 2 : 0; row < end; row++) {
        list.n += mbar_instrument_read(asset, row, &list.items[list.n]);
    }
    return list;
}

/* The later of the two last rows up to the clock that is whole: the choice falls on it. false:
 * neither is. */
static bool read_last(const mbar_instrument *asset, mbar_bar *out)
{
    int64_t row = asset->row;
    return (row >= 0 && mbar_instrument_read(asset, row, out)) ||
           (row >= 1 && mbar_instrument_read(asset, row - 1, out));
}

static bool is_before_today(const mbar_engine *engine, int64_t ns)
{
    return ns < mbar_zone_day_start(engine->zone, engine->now_ns);
}

/* Day data: once more with the next row, where the last one is of an earlier date. */
static candidates native_days(const mbar_engine *engine, const mbar_instrument *asset)
{
    candidates list = native_rows(asset, asset->row + 1);
    if (list.n > 0 && is_before_today(engine, list.items[list.n - 1].open_ns)) {
        candidates later = native_rows(asset, asset->row + 2);
        list = later.n > 0 ? later : list;
    }
    return list;
}

/* ---- Rows of a finer series ------------------------------------------------------- */

static double number_at(const mbar_series *series, const char *name, int64_t row)
{
    int32_t index = mbar_series_find(series, name);
    if (index < 0) {
        return NAN;
    }
    const mbar_column *column = mbar_table_column(mbar_series_table(series), index);
    bool is_there =
        mbar_type_is_number(mbar_column_field(column)->type) && mbar_column_is_valid(column, row);
    return is_there ? mbar_column_number(column, row) : NAN;
}

/* The last two buckets of `length` rows with the shift given. A failure is kept for the end
 * of the pass. */
static candidates resampled_rows(mbar_engine *engine, const mbar_instrument *asset, mbar_step step,
                                 int64_t length, int64_t shift)
{
    candidates list = {.n = 0};
    mbar_window window;
    mbar_series *buckets;
    const mbar_resample how = {1, step, NULL, step != MBAR_STEP_DAY};
    if (asset->row < 0 || mbar_engine_is_past_reach(asset, engine->now_ns) ||
        mbar_series_window(asset->series, MBAR_POLICY_LUMIBOT, engine->now_ns, length, shift,
                           &window, NULL) != MBAR_OK ||
        window.n_rows == 0 ||
        mbar_series_resample(asset->series, window, &how, &buckets, &engine->bar_error) !=
            MBAR_OK) {
        return list;
    }
    const int64_t *times = mbar_series_times(buckets);
    int64_t end = mbar_series_rows(buckets);
    while (step == MBAR_STEP_DAY && end > 0 && !is_before_today(engine, times[end - 1])) {
        end--;
    }
    for (int64_t row = end > 2 ? end - 2 : 0; row < end; row++) {
        list.items[list.n] = (mbar_bar){
            .open_ns = times[row],
            .open = number_at(buckets, "open", row),
            .high = number_at(buckets, "high", row),
            .low = number_at(buckets, "low", row),
            .close = number_at(buckets, "close", row),
            .volume = number_at(buckets, "volume", row),
        };
        list.n += mbar_bar_is_whole(&list.items[list.n]);
    }
    mbar_series_unref(buckets);
    return list;
}

static candidates whole_days(mbar_engine *engine, const mbar_instrument *asset)
{
    enum { MINUTES = 2 * 1440 };
    candidates later = resampled_rows(engine, asset, MBAR_STEP_DAY, MINUTES, -1);
    return later.n > 0 ? later : resampled_rows(engine, asset, MBAR_STEP_DAY, MINUTES, 0);
}

/* ---- The choice ------------------------------------------------------------------- */

/* lumibot knows no seconds: such a series is one of minutes to it. */
static mbar_step coarse_step(mbar_step step)
{
    return step == MBAR_STEP_SECOND ? MBAR_STEP_MINUTE : step;
}

static candidates find_rows(mbar_engine *engine, const mbar_instrument *asset, mbar_step wanted,
                            mbar_step has)
{
    const candidates none = {.n = 0};
    if (wanted == MBAR_STEP_DAY) {
        return has == MBAR_STEP_DAY      ? native_days(engine, asset)
               : has == MBAR_STEP_MINUTE ? whole_days(engine, asset)
                                         : none;
    }
    if (wanted == MBAR_STEP_HOUR && has == MBAR_STEP_MINUTE) {
        return resampled_rows(engine, asset, MBAR_STEP_HOUR, 2 * 60, -1);
    }
    return none;
}

static int64_t reach_ns(mbar_step step)
{
    return step == MBAR_STEP_DAY    ? 2 * MBAR_DAY_NS
           : step == MBAR_STEP_HOUR ? 2 * MBAR_HOUR_NS
                                    : 5 * MBAR_MINUTE_NS;
}

/* The first row from the clock on that is near, else the last before it; NULL: none. */
static const mbar_bar *choose(const candidates *list, int64_t now_ns, mbar_step step)
{
    const mbar_bar *past = NULL;
    for (int i = 0; i < list->n; i++) {
        const mbar_bar *row = &list->items[i];
        if (row->open_ns >= now_ns) {
            if ((uint64_t)row->open_ns - (uint64_t)now_ns <= (uint64_t)reach_ns(step)) {
                return row;
            }
        } else {
            past = row;
        }
    }
    return past;
}

/* ---- Quotes ----------------------------------------------------------------------- */

static void set_quote(const mbar_engine *engine, const mbar_instrument *asset, mbar_bar *out)
{
    int64_t row = asset->row, now_ns = engine->now_ns;
    if (row < 0 || (asset->fields[MBAR_BAR_BID] == NULL && asset->fields[MBAR_BAR_ASK] == NULL) ||
        mbar_engine_is_past_reach(asset, now_ns)) {
        return;
    }
    double bid = mbar_instrument_number(asset, MBAR_BAR_BID, row),
           ask = mbar_instrument_number(asset, MBAR_BAR_ASK, row);
    double open = asset->fields[MBAR_BAR_OPEN][row], close = asset->fields[MBAR_BAR_CLOSE][row];
    if (asset->series->step == MBAR_STEP_DAY) {
        bid = mbar_engine_unsplit(engine, asset, bid);
        ask = mbar_engine_unsplit(engine, asset, ask);
    } else if (mbar_engine_is_forming(engine, asset) && !isnan(open) && bid == close &&
               ask == close) {
        bid = ask = open;
    }
    out->bid = bid > 0.0 && isfinite(bid) ? bid : NAN;
    out->ask = ask > 0.0 && isfinite(ask) ? ask : NAN;
}

/* ---- The order's bar --------------------------------------------------------------- */

/* The prices and volume of *out; false: there is no row to use, and *is_late says whether there is
 * one to come. */
static bool find_prices(mbar_engine *engine, const mbar_instrument *asset, mbar_bar *out,
                        bool *is_late)
{
    mbar_step wanted = coarse_step(engine->fill_step), has = coarse_step(asset->series->step);
    *is_late = false;
    if (has == wanted && has != MBAR_STEP_DAY) {
        return read_last(asset, out);
    }
    candidates list = find_rows(engine, asset, wanted, has);
    const mbar_bar *row = choose(&list, engine->now_ns, engine->fill_step);
    *is_late = row == NULL && list.n > 0;
    if (row != NULL) {
        out->open_ns = row->open_ns;
        out->open = row->open;
        out->high = row->high;
        out->low = row->low;
        out->close = row->close;
        out->volume = row->volume;
    }
    return row != NULL;
}

static mbar_book_data find_bar(mbar_engine *engine, const mbar_instrument *asset, mbar_bar *out)
{
    const mbar_bar none = {
        INT64_MIN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, engine->fill_step == MBAR_STEP_DAY};
    bool is_late;
    *out = none;
    if (asset->series == NULL) {
        return MBAR_BOOK_NO_BAR;
    }
    bool is_found = find_prices(engine, asset, out, &is_late);
    if (!is_found) {
        *out = none;
    }
    set_quote(engine, asset, out);
    if (!is_found) {
        return is_late ? MBAR_BOOK_WAIT : MBAR_BOOK_NO_BAR;
    }
    uint64_t away_ns = out->open_ns > engine->now_ns
                           ? (uint64_t)out->open_ns - (uint64_t)engine->now_ns
                           : (uint64_t)engine->now_ns - (uint64_t)out->open_ns;
    uint64_t most_ns = (uint64_t)(out->is_day ? 7 * MBAR_DAY_NS : MBAR_DAY_NS);
    return away_ns > most_ns ? MBAR_BOOK_FAR_BAR : MBAR_BOOK_BAR;
}

mbar_book_data mbar_engine_lumibot_bar(void *ctx, const mbar_order *order, const mbar_bar **out)
{
    mbar_engine *engine = ctx;
    mbar_instrument *asset = &engine->assets[order->asset];
    bool has_days = engine->fill_step == MBAR_STEP_DAY ||
                    (asset->series != NULL && asset->series->step == MBAR_STEP_DAY);
    /* Bars of days depend on the splits booked, too. */
    if (asset->met_at != engine->now_ns || has_days) {
        asset->met_data = find_bar(engine, asset, &asset->met);
        asset->met_at = engine->now_ns;
    }
    *out = &asset->met;
    return asset->met_data;
}
