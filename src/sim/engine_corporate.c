/*
 * engine_corporate.c - dividends and splits, from the columns of a series.
 *
 * LUMIBOT looks for them as the day begins and before every iteration, by local
 * date, once a date: a split scales the position and its average price and cancels
 * the orders of earlier days (and children, which carry no date); a dividend is paid
 * on what was held when the day was first looked at. It reads day data alone. Which
 * dividends it knows depends on when it first asks: of rows with both columns that
 * reach to the end of the run all, else those of the rows up to that moment.
 *
 * STRICT books what a row says as the row closes, before any order meets that bar:
 * who holds before the ex-day's bar is paid, and orders at prices of before a split
 * are canceled.
 */
#include "sim/engine_internal.h"

#include "base/alloc.h"

#include <math.h>

/* A split's factor on quantity, or 0 for none. */
static double split_ratio(const mbar_instrument *asset, int64_t row)
{
    double ratio = asset->fields[MBAR_BAR_SPLITS][row];
    return isfinite(ratio) && ratio > 0.0 && fabs(ratio - 1.0) >= 1e-12 ? ratio : 0.0;
}

static bool has_splits(const mbar_instrument *asset)
{
    return asset->fields[MBAR_BAR_SPLITS] != NULL && !asset->split_adjusted;
}

enum { DIVIDEND, SPLIT };

/* Room for one more event, so that noting it cannot fail. */
static mbar_status reserve_event(mbar_engine *engine, mbar_error *error)
{
    mbar_corporate_log *log = &engine->corporate;
    if (log->n == log->capacity) {
        int64_t more = log->capacity * 2 + 16;
        if (!mbar_resize_array((void **)&log->items, (size_t)log->capacity, (size_t)more,
                               sizeof *log->items, error)) {
            return MBAR_NOMEM;
        }
        log->capacity = more;
    }
    return MBAR_OK;
}

static void note_event(mbar_engine *engine, int32_t kind, int32_t asset, double per_unit,
                       double quantity, double amount)
{
    mbar_corporate_log *log = &engine->corporate;
    log->items[log->n++] = (mbar_corporate_event){
        engine->now_ns, kind, asset, per_unit, quantity, amount, mbar_book_events(engine->book)};
}

/* Scales what is held, if anything is. */
static mbar_status split(mbar_engine *engine, int32_t asset, double ratio, mbar_error *error)
{
    double quantity = mbar_ledger_holding(engine->ledger, asset)->position.quantity;
    if (quantity == 0.0) {
        return MBAR_OK;
    }
    MBAR_TRY(reserve_event(engine, error));
    mbar_engine_settle_rows(engine);
    mbar_ledger_split(engine->ledger, asset, ratio);
    note_event(engine, SPLIT, asset, ratio, quantity, 0.0);
    return MBAR_OK;
}

/* Whether an order in the book was there before: children carry no date. */
static bool is_carried(const mbar_order *order, int32_t asset, int64_t before_ns)
{
    return order->asset == asset && order->order_class != MBAR_CLASS_OCO &&
           (order->parent != 0 || order->created_ns < before_ns);
}

/* Cancels the asset's working orders that were created before, in the book's order. A cancel
 * takes others along, so they are listed first. */
static mbar_status cancel_carried(mbar_engine *engine, int32_t asset, int64_t before_ns,
                                  mbar_error *error)
{
    const mbar_book *book = engine->book;
    size_t n = 0;
    mbar_order_id id;
    for (id = mbar_book_next_active(book, 0); id != 0; id = mbar_book_next_active(book, id)) {
        n += is_carried(mbar_book_order(book, id), asset, before_ns);
    }
    mbar_order_id *carried = mbar_alloc_array(n, sizeof *carried, error);
    if (carried == NULL) {
        return MBAR_NOMEM;
    }
    n = 0;
    for (id = mbar_book_next_active(book, 0); id != 0; id = mbar_book_next_active(book, id)) {
        if (is_carried(mbar_book_order(book, id), asset, before_ns)) {
            carried[n++] = id;
        }
    }
    mbar_status status = MBAR_OK;
    for (size_t i = 0; i < n && status == MBAR_OK; i++) {
        if (mbar_book_is_active(book, carried[i])) {
            status = mbar_engine_cancel(engine, carried[i], error);
        }
    }
    mbar_free(carried);
    return status;
}

/* ---- STRICT ----------------------------------------------------------------------- */

mbar_status mbar_engine_corporate_row(mbar_engine *engine, int32_t asset, int64_t row,
                                      mbar_error *error)
{
    const mbar_instrument *of = &engine->assets[asset];
    double ratio = has_splits(of) ? split_ratio(of, row) : 0.0;
    if (of->spec.kind != MBAR_ASSET_STOCK) {
        return MBAR_OK;
    }
    if (ratio != 0.0) {
        MBAR_TRY(cancel_carried(engine, asset, INT64_MAX, error));
        MBAR_TRY(split(engine, asset, ratio, error));
    }
    double dividend =
        of->fields[MBAR_BAR_DIVIDEND] != NULL ? of->fields[MBAR_BAR_DIVIDEND][row] : 0.0;
    double quantity = mbar_ledger_holding(engine->ledger, asset)->position.quantity;
    if (isfinite(dividend) && dividend > 0.0 && quantity != 0.0) {
        MBAR_TRY(reserve_event(engine, error));
        mbar_engine_settle_rows(engine);
        mbar_ledger_dividend(engine->ledger, asset, dividend);
        note_event(engine, DIVIDEND, asset, dividend, quantity, dividend * quantity);
    }
    return MBAR_OK;
}

/* ---- LUMIBOT: splits -------------------------------------------------------------- */

typedef struct day {
    int64_t start_ns, end_ns; /* of the clock's local date */
} day;

/* Rows of the day. */
static mbar_window rows_of(const mbar_instrument *asset, const day *today)
{
    return mbar_series_between(asset->series, today->start_ns, today->end_ns);
}

double mbar_engine_unsplit(const mbar_engine *engine, const mbar_instrument *asset, double price)
{
    if (!has_splits(asset)) {
        return price;
    }
    int64_t end_ns = mbar_zone_next_day(engine->zone, engine->now_ns);
    for (int64_t row = asset->row + 1; row < asset->n_rows && asset->times[row] < end_ns; row++) {
        double ratio = split_ratio(asset, row);
        if (ratio != 0.0) {
            return price / ratio;
        }
    }
    return price;
}

static mbar_status split_today(mbar_engine *engine, int32_t asset, const day *today,
                               mbar_error *error)
{
    mbar_instrument *of = &engine->assets[asset];
    if (of->series == NULL || of->spec.kind != MBAR_ASSET_STOCK ||
        of->series->step != MBAR_STEP_DAY || !has_splits(of) ||
        of->split_day_ns == today->start_ns) {
        return MBAR_OK;
    }
    mbar_window rows = rows_of(of, today);
    double ratio = 0.0;
    for (int64_t row = rows.first; row < rows.first + rows.n_rows; row++) {
        double found = split_ratio(of, row);
        ratio = found != 0.0 ? found : ratio;
    }
    if (ratio == 0.0) {
        return MBAR_OK;
    }
    MBAR_TRY(cancel_carried(engine, asset, today->start_ns, error));
    MBAR_TRY(split(engine, asset, ratio, error));
    of->split_day_ns = today->start_ns;
    return MBAR_OK;
}

/* ---- LUMIBOT: dividends ------------------------------------------------------------ */

/* The number of ns's local date, in days from some day. */
static int64_t date_number(const mbar_engine *engine, int64_t ns)
{
    int64_t local_ns = mbar_zone_to_local(engine->zone, ns);
    return local_ns / MBAR_DAY_NS - (local_ns % MBAR_DAY_NS < 0);
}

/* Length of lumibot's first look back: the run's dates and ten more, 30 to 2000. */
static int64_t look_back_rows(const mbar_engine *engine)
{
    int64_t rows =
        date_number(engine, engine->end_ns) - date_number(engine, engine->options.start_ns) + 11;
    return rows < 30 ? 30 : rows > 2000 ? 2000 : rows;
}

static void look_for_dividends(const mbar_engine *engine, mbar_instrument *asset)
{
    if (asset->has_looked) {
        return;
    }
    asset->has_looked = true;
    if (asset->series == NULL || asset->series->step != MBAR_STEP_DAY ||
        asset->fields[MBAR_BAR_DIVIDEND] == NULL || asset->n_rows == 0) {
        return;
    }
    int64_t last_ns = asset->times[asset->n_rows - 1];
    if (asset->fields[MBAR_BAR_SPLITS] != NULL &&
        last_ns >= mbar_zone_day_start(engine->zone, engine->end_ns)) {
        asset->end_paid = asset->n_rows;
        return;
    }
    mbar_window seen = {0, 0};
    if (mbar_series_window(asset->series, MBAR_POLICY_LUMIBOT, engine->now_ns,
                           look_back_rows(engine), 0, &seen, NULL) == MBAR_OK) {
        asset->first_paid = seen.first;
        asset->end_paid = seen.first + seen.n_rows;
    }
}

static double dividend_of(const mbar_instrument *asset, const day *today)
{
    double dividend = 0.0;
    if (asset->first_paid == asset->end_paid) {
        return dividend;
    }
    mbar_window rows = rows_of(asset, today);
    int64_t end = rows.first + rows.n_rows;
    end = end < asset->end_paid ? end : asset->end_paid;
    for (int64_t row = rows.first > asset->first_paid ? rows.first : asset->first_paid; row < end;
         row++) {
        double found = asset->fields[MBAR_BAR_DIVIDEND][row];
        dividend = found > 0.0 ? found : dividend;
    }
    return dividend;
}

static mbar_status pay_today(mbar_engine *engine, const day *today, mbar_error *error)
{
    if (engine->entitled_day_ns != today->start_ns) {
        engine->entitled_day_ns = today->start_ns;
        for (int32_t i = 0; i < engine->n_assets; i++) {
            engine->assets[i].entitled = mbar_ledger_holding(engine->ledger, i)->position.quantity;
        }
    }
    double paid = 0.0;
    bool any = false;
    for (int32_t i = mbar_ledger_next_held(engine->ledger, -1); i >= 0;
         i = mbar_ledger_next_held(engine->ledger, i)) {
        mbar_instrument *asset = &engine->assets[i];
        if (asset->entitled == 0.0) {
            continue;
        }
        look_for_dividends(engine, asset);
        double dividend = dividend_of(asset, today);
        if (dividend != 0.0 && asset->dividend_day_ns != today->start_ns) {
            MBAR_TRY(reserve_event(engine, error));
            double amount = dividend * asset->entitled;
            note_event(engine, DIVIDEND, i, dividend, asset->entitled, amount);
            paid += amount;
            any = true;
            asset->dividend_day_ns = today->start_ns;
        }
    }
    if (any) {
        mbar_ledger_set_cash(engine->ledger, mbar_ledger_cash_now(engine->ledger) + paid);
    }
    return MBAR_OK;
}

mbar_status mbar_engine_corporate_day(mbar_engine *engine, mbar_error *error)
{
    if (mbar_engine_is_strict(engine)) {
        return MBAR_OK;
    }
    const day today = {mbar_zone_day_start(engine->zone, engine->now_ns),
                       mbar_zone_next_day(engine->zone, engine->now_ns)};
    for (int32_t i = 0; i < engine->n_assets; i++) {
        MBAR_TRY(split_today(engine, i, &today, error));
    }
    return pay_today(engine, &today, error);
}
