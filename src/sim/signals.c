/*
 * signals.c - a backtest of arrays of signals, without a callback.
 *
 * Purpose: the trades that entries and exits decided beforehand give under STRICT,
 * through the same matching and the same ledger as the engine's.
 *
 * What is wanted after a bar is a direction: long, short or out. An order carries
 * the position from what is held to what is wanted, whole, and waits for the first
 * bar that opens at or after its signal's bar has closed and that fills it; a
 * later signal that wants something else replaces it. So a position is reversed
 * by one fill, and an exit and an entry of one bar that want what is held already
 * trade nothing.
 *
 * Cost: bars without a signal are passed over eight at a time, one load an array,
 * and the equity between two fills is one loop of a multiplication and an
 * addition a bar, which compilers vectorize. What is left is a price of some
 * hundred nanoseconds for each fill. Most of that would be waiting for memory, for the bars that
 * fill lie apart; but which they are is known beforehand, so the next signal's are asked for
 * before this one's are looked at.
 *
 * The memory is that of the fills. A series' columns are read where they are; a
 * close that is no plain float64 is copied once, where equity is wanted.
 */
#include "base/alloc.h"
#include "market/columns.h"
#include "market/series.h"
#include "sim/fills.h"
#include "sim/order.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { N_ARRAYS = 4 };

/* A column of numbers, and where its doubles lie if it is of them and has no null; or neither. */
typedef struct numbers {
    const mbar_column *column;
    const double *plain;
} numbers;

typedef struct bars {
    const mbar_series *series;
    numbers open, high, low, close, volume; /* of volume there may be none */
} bars;

typedef struct run {
    bars bars;
    int64_t n_rows;
    mbar_asset asset;
    const mbar_signals *signals;
    const uint8_t *arrays[N_ARRAYS]; /* those of the signals that are there */
    int32_t n_arrays;
    int64_t ahead; /* no signal lies between the one being looked at and this row */
    const mbar_signal_options *options;
    mbar_ledger *ledger;
    mbar_fills fills;
    /* What is wanted, and the order that is under way to it, if any. */
    int32_t wanted; /* 1 long, -1 short, 0 out */
    bool waiting;
    double target; /* units; NaN until the first bar the order meets */
    double filled; /* of the order, so far */
    int64_t order; /* its number */
    int64_t placed_ns;
    /* Equity. */
    const double *closes;
    double *closes_copy; /* or NULL */
    double *equity;      /* or NULL */
    int64_t n_equity;    /* rows done */
} run;

void mbar_signal_options_init(mbar_signal_options *options)
{
    assert(options != NULL);
    memset(options, 0, sizeof *options);
    options->budget = 100000;
}

/* ---- Reading bars --------------------------------------------------------- */

/* One cell as a double; null is NaN. */
static double converted(const mbar_column *column, int64_t row)
{
    bool is_null = mbar_column_nulls(column) > 0 && !mbar_column_is_valid(column, row);
    return is_null ? NAN : mbar_column_number(column, row);
}

static inline double cell(const numbers *numbers, int64_t row)
{
    return numbers->plain != NULL ? numbers->plain[row] : converted(numbers->column, row);
}

static mbar_status find_column(const mbar_series *series, const char *name, bool needed,
                               numbers *out, mbar_error *error)
{
    int32_t index = mbar_series_find(series, name);
    if (index < 0) {
        *out = (numbers){NULL, NULL};
        return !needed ? MBAR_OK
                       : mbar_error_set(error, MBAR_INVALID,
                                        "the bars have no column %s: open, high, low and close "
                                        "are needed",
                                        name);
    }
    mbar_column *column = mbar_table_column(mbar_series_table(series), index);
    mbar_type type = mbar_column_field(column)->type;
    if (!mbar_type_is_number(type)) {
        return mbar_error_set(error, MBAR_INVALID, "column %s is %s: bars are numbers", name,
                              mbar_type_name(type));
    }
    bool is_plain = type == MBAR_TYPE_FLOAT64 && mbar_column_nulls(column) == 0;
    *out = (numbers){column, is_plain ? mbar_column_values(column) : NULL};
    return MBAR_OK;
}

static mbar_status open_bars(const mbar_series *series, bars *out, mbar_error *error)
{
    mbar_status status;
    out->series = series;
    if ((status = find_column(series, "open", true, &out->open, error)) != MBAR_OK ||
        (status = find_column(series, "high", true, &out->high, error)) != MBAR_OK ||
        (status = find_column(series, "low", true, &out->low, error)) != MBAR_OK ||
        (status = find_column(series, "close", true, &out->close, error)) != MBAR_OK) {
        return status;
    }
    return find_column(series, "volume", false, &out->volume, error);
}

static mbar_bar bar_at(const bars *bars, int64_t row)
{
    return (mbar_bar){
        .open_ns = bars->series->times[row],
        .open = cell(&bars->open, row),
        .high = cell(&bars->high, row),
        .low = cell(&bars->low, row),
        .close = cell(&bars->close, row),
        .volume = bars->volume.column != NULL ? cell(&bars->volume, row) : NAN,
        .bid = NAN,
        .ask = NAN,
    };
}

/* Row is likely to be read soon. */
static void ask_for(const bars *bars, int64_t row)
{
    const numbers *columns[] = {&bars->open, &bars->high, &bars->low, &bars->close, &bars->volume};
    for (int i = 0; i < 5; i++) {
        if (columns[i]->plain != NULL) {
            __builtin_prefetch(&columns[i]->plain[row]);
        }
    }
    __builtin_prefetch(&bars->series->times[row]);
}

/* Where a bar has closed: the instant from which STRICT shows it. */
static int64_t close_ns(const bars *bars, int64_t row)
{
    return mbar_series_end_ns(bars->series, row, bars->series->closes_ns);
}

static mbar_status open_closes(run *run, mbar_error *error)
{
    const numbers *close = &run->bars.close;
    if (close->plain != NULL) {
        run->closes = close->plain;
        return MBAR_OK;
    }
    run->closes_copy = mbar_alloc_array((size_t)run->n_rows, sizeof(double), error);
    if (run->closes_copy == NULL) {
        return MBAR_NOMEM;
    }
    for (int64_t i = 0; i < run->n_rows; i++) {
        run->closes_copy[i] = cell(close, i);
    }
    run->closes = run->closes_copy;
    return MBAR_OK;
}

/* ---- Signals -------------------------------------------------------------- */

static bool has_signal(const run *run, int64_t row)
{
    uint8_t any = 0;
    for (int32_t i = 0; i < run->n_arrays; i++) {
        any = (uint8_t)(any | run->arrays[i][row]);
    }
    return any != 0;
}

/* The first row at or after row with a signal; n_rows if none. */
static int64_t find_signal(const run *run, int64_t row)
{
    while (row + 8 <= run->n_rows) {
        uint64_t any = 0;
        for (int32_t i = 0; i < run->n_arrays; i++) {
            uint64_t word;
            memcpy(&word, run->arrays[i] + row, sizeof word);
            any |= word;
        }
        if (any != 0) {
            break;
        }
        row += 8;
    }
    while (row < run->n_rows && !has_signal(run, row)) {
        row++;
    }
    return row;
}

/* The same, of rows that only rise; what it has found, it looks ahead from. */
static int64_t next_signal(run *run, int64_t row)
{
    int64_t found = row <= run->ahead ? run->ahead : find_signal(run, row);
    if (found < run->n_rows) {
        run->ahead = find_signal(run, found + 1);
        if (run->ahead + 1 < run->n_rows) {
            ask_for(&run->bars, run->ahead + 1);
        }
    }
    return found;
}

static bool is_set(const uint8_t *array, int64_t row)
{
    return array != NULL && array[row] != 0;
}

/* What is wanted from the close of row on. */
static mbar_status want(const run *run, int64_t row, int32_t *out, mbar_error *error)
{
    const mbar_signals *signals = run->signals;
    bool is_long = is_set(signals->entries, row), is_short = is_set(signals->short_entries, row);
    int32_t wanted = run->wanted;
    if (is_long && is_short) {
        mbar_error_set(error, MBAR_INVALID,
                       "row %lld asks to be long and short at once: clear one of the two",
                       (long long)row);
        if (error != NULL) {
            error->row = row;
        }
        return MBAR_INVALID;
    }
    if ((wanted > 0 && is_set(signals->exits, row)) ||
        (wanted < 0 && is_set(signals->short_exits, row))) {
        wanted = 0;
    }
    *out = is_long ? 1 : is_short ? -1 : wanted;
    return MBAR_OK;
}

/* ---- Equity --------------------------------------------------------------- */

/*
 * Cash and holdings at the closes of rows [n_equity, end), through which the
 * position did not change: mbar_ledger_value's operations on one asset. A missing
 * close counts as the average price, as there.
 */
static void mark_until(run *run, int64_t end)
{
    if (run->equity == NULL || end <= run->n_equity) {
        return;
    }
    const mbar_position *position = mbar_ledger_position(run->ledger, 0);
    bool is_future = run->asset.kind == MBAR_ASSET_FUTURE;
    double quantity = position->quantity;
    double average = position->avg_price;
    double base = mbar_ledger_cash(run->ledger);
    double origin = 0;
    if (is_future && quantity != 0) {
        base += run->asset.margin * fabs(quantity);
        origin = average;
    }
    const double *restrict closes = run->closes;
    double *restrict equity = run->equity;
    int64_t first = run->n_equity;
    run->n_equity = end;
    for (int64_t i = first; quantity == 0 && i < end; i++) {
        equity[i] = base;
    }
    for (int64_t i = first; quantity != 0 && i < end; i++) {
        double price = closes[i] == closes[i] ? closes[i] : average;
        equity[i] = base + (price - origin) * quantity * run->asset.multiplier;
    }
}

/* ---- Orders --------------------------------------------------------------- */

/* Takes up what row's signals say: *changed where they want something else. */
static mbar_status read_signals(run *run, int64_t row, mbar_error *error)
{
    int32_t wanted;
    mbar_status status = want(run, row, &wanted, error);
    if (status != MBAR_OK || wanted == run->wanted) {
        return status;
    }
    run->wanted = wanted;
    run->waiting = true;
    run->target = NAN;
    run->filled = 0;
    run->order++;
    run->placed_ns = close_ns(&run->bars, row);
    return MBAR_OK;
}

/* The units wanted, once an order knows at which price. */
static double units_wanted(const run *run, double price)
{
    const mbar_signals *signals = run->signals;
    if (run->wanted == 0 || !(signals->share > 0)) {
        return run->wanted * signals->size;
    }
    double value = mbar_ledger_value(run->ledger, &price);
    double units = value * signals->share / (price * run->asset.multiplier);
    if (signals->lot > 0) {
        units = floor(units / signals->lot) * signals->lot;
    }
    return units > 0 ? run->wanted * units : 0;
}

/* The order that carries what is held to the target; false where nothing is to do. */
static bool make_order(const run *run, mbar_order *order)
{
    double change = run->target - mbar_ledger_position(run->ledger, 0)->quantity;
    if (change == 0) {
        return false;
    }
    *order = mbar_order_of(0, change > 0 ? MBAR_SIDE_BUY : MBAR_SIDE_SELL, fabs(change));
    order->id = run->order;
    order->status = MBAR_STATUS_NEW;
    order->created_ns = order->placed_ns = run->placed_ns;
    return true;
}

/* Books one fill; the equity of the bars before it stands by then. The order asks for what
 * is left; a flat fee is for the whole of it. */
static mbar_status book(run *run, mbar_order *order, const mbar_bar *bar, const mbar_match *match,
                        int64_t ns, mbar_error *error)
{
    double fee;
    order->filled = run->filled;
    run->filled += match->quantity;
    mbar_status status =
        mbar_ledger_fill(run->ledger, order, match->price, match->quantity, ns, &fee, error);
    if (status != MBAR_OK) {
        return status;
    }
    mbar_fill fill = {
        .ns = ns,
        .order = order->id,
        .asset = 0,
        .side = order->side,
        .quantity = match->quantity,
        .price = match->price,
        .fee = fee,
        .multiplier = run->asset.multiplier,
        .bar_ns = bar->open_ns,
    };
    return mbar_fills_add(&run->fills, &fill, error);
}

/* Offers row's bar to the order that waits. */
static mbar_status offer(run *run, int64_t row, mbar_error *error)
{
    mbar_order order;
    mbar_bar bar = bar_at(&run->bars, row);
    if (bar.open_ns < run->placed_ns || isnan(bar.open)) {
        return MBAR_OK;
    }
    if (isnan(run->target)) {
        run->target = units_wanted(run, bar.open);
    }
    if (!make_order(run, &order)) {
        run->waiting = false;
        return MBAR_OK;
    }
    mbar_match match =
        mbar_match_order(&order, &bar, MBAR_POLICY_STRICT, &run->asset, &run->options->frictions);
    if (isnan(match.price)) {
        return MBAR_OK;
    }
    mark_until(run, row);
    run->waiting = match.quantity < order.quantity;
    return book(run, &order, &bar, &match, close_ns(&run->bars, row), error);
}

/* ---- The run -------------------------------------------------------------- */

static mbar_status walk(run *run, mbar_error *error)
{
    mbar_status status = MBAR_OK;
    for (int64_t row = next_signal(run, 0); row < run->n_rows && status == MBAR_OK;) {
        status = read_signals(run, row, error);
        row++;
        /* Bars that an order meets are looked at one by one. */
        while (run->waiting && row < run->n_rows && status == MBAR_OK) {
            status = offer(run, row, error);
            if (has_signal(run, row)) {
                break;
            }
            row++;
        }
        row = next_signal(run, row);
    }
    return status;
}

/* Closes what is open at the last close there is. */
static mbar_status close_position(run *run, mbar_error *error)
{
    int64_t row = run->n_rows - 1;
    while (row >= 0 && isnan(cell(&run->bars.close, row))) {
        row--;
    }
    mbar_order order;
    run->target = 0;
    run->filled = 0;
    if (row < 0 || !make_order(run, &order)) {
        return MBAR_OK;
    }
    mbar_bar bar = bar_at(&run->bars, row);
    bar.open = bar.high = bar.low = bar.close;
    bar.volume = NAN; /* the whole of it, whatever the share of volume */
    order.id = ++run->order;
    order.created_ns = order.placed_ns = bar.open_ns;
    mbar_match match =
        mbar_match_order(&order, &bar, MBAR_POLICY_STRICT, &run->asset, &run->options->frictions);
    assert(!isnan(match.price));
    mark_until(run, row);
    return book(run, &order, &bar, &match, close_ns(&run->bars, row), error);
}

static mbar_status check(const mbar_signals *signals, const mbar_signal_options *options,
                         mbar_error *error)
{
    bool by_share = signals->share != 0;
    if (!by_share && !(isfinite(signals->size) && signals->size > 0)) {
        return mbar_error_set(error, MBAR_INVALID, "a size of %g units: give more than 0",
                              signals->size);
    }
    if (by_share && !(isfinite(signals->share) && signals->share > 0)) {
        return mbar_error_set(error, MBAR_INVALID,
                              "a share of %g of the account: give more than 0, 1 for all of it",
                              signals->share);
    }
    if (!(isfinite(signals->lot) && signals->lot >= 0)) {
        return mbar_error_set(error, MBAR_INVALID,
                              "lots of %g units: give 1 for whole units, 0 for any fraction",
                              signals->lot);
    }
    if (!isfinite(options->budget)) {
        return mbar_error_set(error, MBAR_INVALID, "a budget of %g: give a number",
                              options->budget);
    }
    return MBAR_OK;
}

static void take_arrays(run *run, const mbar_signals *signals)
{
    const uint8_t *arrays[N_ARRAYS] = {signals->entries, signals->exits, signals->short_entries,
                                       signals->short_exits};
    for (int32_t i = 0; i < N_ARRAYS; i++) {
        if (arrays[i] != NULL) {
            run->arrays[run->n_arrays++] = arrays[i];
        }
    }
}

static mbar_status open_ledger(run *run, mbar_error *error)
{
    int32_t number;
    const mbar_signal_options *options = run->options;
    mbar_status status = mbar_ledger_new(MBAR_POLICY_STRICT, &run->ledger, error);
    if (status == MBAR_OK) {
        status = mbar_ledger_add_asset(run->ledger, &run->asset, &number, error);
    }
    if (status == MBAR_OK) {
        status = mbar_ledger_set_fees(run->ledger, options->buy_fees, options->n_buy_fees,
                                      options->sell_fees, options->n_sell_fees, error);
        mbar_ledger_set_cash(run->ledger, options->budget);
    }
    return status;
}

mbar_status mbar_signals_run(const mbar_series *series, const mbar_asset *asset,
                             const mbar_signals *signals, const mbar_signal_options *options,
                             mbar_table **fills, double *equity, mbar_error *error)
{
    assert(series != NULL && asset != NULL && asset->symbol != NULL && signals != NULL &&
           options != NULL && fills != NULL);
    run run = {
        .n_rows = mbar_series_rows(series),
        .asset = *asset,
        .signals = signals,
        .options = options,
        .target = NAN,
        .ahead = -1,
        .equity = equity,
    };
    /* The account is in what the asset is priced in, whatever that is. */
    run.asset.quote = NULL;
    run.asset.quote_is_crypto = false;
    mbar_fills_init(&run.fills);
    take_arrays(&run, signals);
    mbar_status status = check(signals, options, error);
    if (status != MBAR_OK || (status = open_bars(series, &run.bars, error)) != MBAR_OK ||
        (status = open_ledger(&run, error)) != MBAR_OK) {
        goto done;
    }
    if (equity != NULL && (status = open_closes(&run, error)) != MBAR_OK) {
        goto done;
    }
    status = walk(&run, error);
    if (status == MBAR_OK && options->close_at_end) {
        status = close_position(&run, error);
    }
    if (status == MBAR_OK) {
        mark_until(&run, run.n_rows);
        status = mbar_fills_table(&run.fills, &asset->symbol, 1, fills, error);
    }
done:
    mbar_fills_deinit(&run.fills);
    mbar_free(run.closes_copy);
    mbar_ledger_free(run.ledger);
    return status;
}
