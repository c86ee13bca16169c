/* test_signals.c - runs of signal arrays: each fill, and the equity at each close. */
#include "market_support.h"
#include "shared_files.h"

#include "sim/order.h"

#include <millibar/io.h>
#include <millibar/sim.h>

#include <math.h>

enum { MAX_ROWS = 64 };

/* ---- Making runs ------------------------------------------------------------ */

/* n one-minute bars from the epoch; opens 10, 11, ..., close half a point above. */
typedef struct made_bars {
    int64_t n;
    int64_t times[MAX_ROWS];
    double open[MAX_ROWS], high[MAX_ROWS], low[MAX_ROWS], close[MAX_ROWS], volume[MAX_ROWS];
} made_bars;

static made_bars make_bars(int64_t n)
{
    made_bars bars = {.n = n};
    for (int64_t i = 0; i < n; i++) {
        bars.times[i] = i * MBAR_MINUTE_NS;
        bars.open[i] = 10 + (double)i;
        bars.close[i] = bars.open[i] + 0.5;
        bars.high[i] = bars.open[i] + 1;
        bars.low[i] = bars.open[i] - 1;
        bars.volume[i] = 100;
    }
    return bars;
}

static mbar_series *series_of_bars(const made_bars *bars)
{
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.period_ns = MBAR_MINUTE_NS;
    return series_of(
        table_of(stamps("timestamp", MBAR_UNIT_NS, "UTC", bars->n, bars->times),
                 doubles("open", bars->n, bars->open), doubles("high", bars->n, bars->high),
                 doubles("low", bars->n, bars->low), doubles("close", bars->n, bars->close),
                 doubles("volume", bars->n, bars->volume), NULL),
        &options);
}

/* A run and what it left. Signals come as a text, a character a row: '.' nothing, 'E' entry,
 * 'x' exit, 'S' short entry, 'c' short exit, 'B' exit and entry, 'R' exit and short entry,
 * '!' both entries. */
typedef struct result {
    mbar_table *fills;
    double equity[MAX_ROWS];
} result;

typedef struct arrays {
    uint8_t entries[MAX_ROWS], exits[MAX_ROWS], short_entries[MAX_ROWS], short_exits[MAX_ROWS];
} arrays;

static mbar_signals signals_of(const char *text, arrays *out)
{
    memset(out, 0, sizeof *out);
    for (int64_t i = 0; text[i] != '\0'; i++) {
        out->entries[i] = strchr("EB!", text[i]) != NULL;
        out->exits[i] = strchr("xBR", text[i]) != NULL ? 0x80 : 0;
        out->short_entries[i] = strchr("SR!", text[i]) != NULL;
        out->short_exits[i] = text[i] == 'c';
    }
    return (mbar_signals){out->entries, out->exits, out->short_entries, out->short_exits, 1, 0, 0};
}

static mbar_asset asset_of(mbar_asset_kind kind, double multiplier, double margin)
{
    mbar_asset asset;
    mbar_asset_init(&asset);
    asset.symbol = "MES";
    asset.kind = kind;
    asset.multiplier = multiplier;
    asset.margin = margin;
    asset.tick = 0.25;
    return asset;
}

static result run_text(const made_bars *bars, const char *text, const mbar_asset *asset,
                       const mbar_signal_options *options)
{
    mbar_signal_options plain;
    mbar_asset stock = asset_of(MBAR_ASSET_STOCK, 1, 0);
    mbar_error error;
    result out = {NULL, {0}};
    arrays texts;
    mbar_signals signals = signals_of(text, &texts);
    mbar_series *series = series_of_bars(bars);
    mbar_signal_options_init(&plain);
    assert_int_equal((int64_t)strlen(text), bars->n);
    must(mbar_signals_run(series, asset != NULL ? asset : &stock, &signals,
                          options != NULL ? options : &plain, &out.fills, out.equity, &error),
         &error);
    mbar_series_unref(series);
    return out;
}

/* ---- Looking at fills -------------------------------------------------------- */

static const void *fill_values(const mbar_table *fills, const char *name)
{
    int32_t index = mbar_table_find(fills, name);
    assert_true(index >= 0);
    return mbar_column_values(mbar_table_column(fills, index));
}

typedef struct expected_fill {
    char side; /* 'b' or 's' */
    double quantity, price;
    int64_t row;
} expected_fill;

static void assert_fills(const mbar_table *fills, const expected_fill *expected, int64_t n)
{
    assert_int_equal(mbar_table_rows(fills), n);
    const double *quantity = fill_values(fills, "quantity"), *price = fill_values(fills, "price");
    const int64_t *bar = fill_values(fills, "bar");
    const mbar_column *side = mbar_table_column(fills, mbar_table_find(fills, "side"));
    for (int64_t i = 0; i < n; i++) {
        size_t n_bytes;
        assert_int_equal(mbar_column_text(side, i, &n_bytes)[0], expected[i].side);
        assert_true(quantity[i] == expected[i].quantity);
        assert_true(price[i] == expected[i].price);
        assert_int_equal(bar[i], expected[i].row * MBAR_MINUTE_NS);
    }
}

/* The run's fills, and nothing else, through a ledger of our own. */
static void assert_equity(const made_bars *bars, const result *run, const mbar_asset *asset,
                          const mbar_signal_options *options)
{
    mbar_ledger *ledger = NULL;
    mbar_error error;
    int32_t number;
    must(mbar_ledger_new(MBAR_POLICY_STRICT, &ledger, &error), &error);
    must(mbar_ledger_add_asset(ledger, asset, &number, &error), &error);
    must(mbar_ledger_set_fees(ledger, options->buy_fees, options->n_buy_fees, options->sell_fees,
                              options->n_sell_fees, &error),
         &error);
    mbar_ledger_set_cash(ledger, options->budget);
    const double *quantity = fill_values(run->fills, "quantity");
    const double *price = fill_values(run->fills, "price"), *fees = fill_values(run->fills, "fee");
    const int64_t *bar = fill_values(run->fills, "bar");
    const int32_t *side = fill_values(run->fills, "side");
    for (int64_t i = 0, k = 0; i < bars->n; i++) {
        for (; k < mbar_table_rows(run->fills) && bar[k] == bars->times[i]; k++) {
            mbar_order order =
                mbar_order_of(0, side[k] == 0 ? MBAR_SIDE_BUY : MBAR_SIDE_SELL, quantity[k]);
            double fee;
            must(mbar_ledger_fill(ledger, &order, price[k], quantity[k], bar[k], &fee, &error),
                 &error);
            assert_true(fee == fees[k]);
        }
        assert_true(mbar_ledger_value(ledger, &bars->close[i]) == run->equity[i]);
    }
    mbar_ledger_free(ledger);
}

/* ---- Fills ------------------------------------------------------------------- */

static void check_text(const char *text, const expected_fill *expected, int64_t n)
{
    mbar_asset stock = asset_of(MBAR_ASSET_STOCK, 1, 0);
    mbar_signal_options options;
    mbar_signal_options_init(&options);
    made_bars bars = make_bars((int64_t)strlen(text));
    result run = run_text(&bars, text, &stock, &options);
    assert_fills(run.fills, expected, n);
    assert_equity(&bars, &run, &stock, &options);
    mbar_table_unref(run.fills);
}

static void test_next_open(void **state)
{
    (void)state;
    check_text("", NULL, 0);
    check_text("E", NULL, 0);
    check_text("........................", NULL, 0);
    check_text(".....x..c......xx......", NULL, 0);
    check_text("E.", (expected_fill[]){{'b', 1, 11, 1}}, 1);
    check_text("..E...x...", (expected_fill[]){{'b', 1, 13, 3}, {'s', 1, 17, 7}}, 2);
    check_text("...............E.................x", (expected_fill[]){{'b', 1, 26, 16}}, 1);
    check_text("EEEEEEEEEEEx", (expected_fill[]){{'b', 1, 11, 1}}, 1);
    check_text("EEEExEEEEEE.", (expected_fill[]){{'b', 1, 11, 1}, {'s', 1, 15, 5}, {'b', 1, 16, 6}},
               3);
}

static void test_shorts_and_reversals(void **state)
{
    (void)state;
    check_text("S..c..", (expected_fill[]){{'s', 1, 11, 1}, {'b', 1, 14, 4}}, 2);
    check_text("E..S..E..", (expected_fill[]){{'b', 1, 11, 1}, {'s', 2, 14, 4}, {'b', 2, 17, 7}},
               3);
    /* An exit is of its own side only. */
    check_text("S..x..", (expected_fill[]){{'s', 1, 11, 1}}, 1);
    check_text("E..c..", (expected_fill[]){{'b', 1, 11, 1}}, 1);
    /* Out, then in. */
    check_text("B..B..", (expected_fill[]){{'b', 1, 11, 1}}, 1);
    check_text("E..R..", (expected_fill[]){{'b', 1, 11, 1}, {'s', 2, 14, 4}}, 2);
}

static void test_waits_for_trades(void **state)
{
    (void)state;
    made_bars bars = make_bars(8);
    bars.volume[1] = bars.volume[2] = 0;
    result run = run_text(&bars, "E....x..", NULL, NULL);
    assert_fills(run.fills, (expected_fill[]){{'b', 1, 13, 3}, {'s', 1, 16, 6}}, 2);
    mbar_table_unref(run.fills);
    /* Called off before it was filled; and turned about. */
    run = run_text(&bars, "Ex......", NULL, NULL);
    assert_fills(run.fills, NULL, 0);
    mbar_table_unref(run.fills);
    run = run_text(&bars, "ES......", NULL, NULL);
    assert_fills(run.fills, (expected_fill[]){{'s', 1, 13, 3}}, 1);
    mbar_table_unref(run.fills);
    /* A volume that is missing is unknown, a price that is missing no price. */
    bars.volume[1] = NAN;
    run = run_text(&bars, "E.......", NULL, NULL);
    assert_fills(run.fills, (expected_fill[]){{'b', 1, 11, 1}}, 1);
    mbar_table_unref(run.fills);
    bars.open[1] = NAN;
    run = run_text(&bars, "E.......", NULL, NULL);
    assert_fills(run.fills, (expected_fill[]){{'b', 1, 13, 3}}, 1);
    mbar_table_unref(run.fills);
}

/* A bar that opened before the signal's bar had closed is none to fill in. */
static void test_overlapping_bars(void **state)
{
    (void)state;
    made_bars bars = make_bars(8);
    for (int64_t i = 3; i < 8; i++) {
        bars.times[i] -= MBAR_MINUTE_NS / 2;
    }
    result run = run_text(&bars, "..E.....", NULL, NULL);
    const int64_t *bar = fill_values(run.fills, "bar");
    assert_int_equal(mbar_table_rows(run.fills), 1);
    assert_int_equal(bar[0], bars.times[4]);
    mbar_table_unref(run.fills);
}

static void test_close_at_end(void **state)
{
    (void)state;
    mbar_fee fee = {.flat = 0.5, .maker = true, .taker = true};
    mbar_signal_options options;
    mbar_signal_options_init(&options);
    options.close_at_end = true;
    options.buy_fees = options.sell_fees = &fee;
    options.n_buy_fees = options.n_sell_fees = 1;
    made_bars bars = make_bars(6);
    result run = run_text(&bars, "E.....", NULL, &options);
    assert_fills(run.fills, (expected_fill[]){{'b', 1, 11, 1}, {'s', 1, 15.5, 5}}, 2);
    assert_true(run.equity[0] == 100000);
    assert_true(run.equity[4] == 100000 - 0.5 + 3.5);
    assert_true(run.equity[5] == 100000 - 1 + 4.5);
    mbar_table_unref(run.fills);
    bars.close[5] = NAN;
    run = run_text(&bars, "E.....", NULL, &options);
    assert_fills(run.fills, (expected_fill[]){{'b', 1, 11, 1}, {'s', 1, 14.5, 4}}, 2);
    assert_true(run.equity[4] == 100000 - 1 + 3.5 && run.equity[5] == run.equity[4]);
    mbar_table_unref(run.fills);
    run = run_text(&bars, "E..x..", NULL, &options);
    assert_int_equal(mbar_table_rows(run.fills), 2);
    mbar_table_unref(run.fills);
}

static void test_volume_share(void **state)
{
    (void)state;
    mbar_asset coin = asset_of(MBAR_ASSET_CRYPTO, 1, 0);
    mbar_signal_options options;
    mbar_signal_options_init(&options);
    options.frictions.volume_share = 0.25;
    made_bars bars = make_bars(10);
    for (int64_t i = 0; i < bars.n; i++) {
        bars.volume[i] = 2;
    }
    coin.quote = "USDT"; /* the account is in what the coin is priced in */
    result run = run_text(&bars, "E....x....", &coin, &options);
    assert_fills(run.fills,
                 (expected_fill[]){
                     {'b', 0.5, 11, 1}, {'b', 0.5, 12, 2}, {'s', 0.5, 16, 6}, {'s', 0.5, 17, 7}},
                 4);
    const int64_t *order = fill_values(run.fills, "order");
    assert_true(order[0] == 1 && order[1] == 1 && order[2] == 2 && order[3] == 2);
    coin.quote = NULL;
    assert_equity(&bars, &run, &coin, &options);
    mbar_table_unref(run.fills);

    /* A flat fee is the order's, not each fill's. */
    mbar_fee fee = {.flat = 0.5, .taker = true};
    options.buy_fees = options.sell_fees = &fee;
    options.n_buy_fees = options.n_sell_fees = 1;
    coin.quote = "USDT";
    run = run_text(&bars, "E....x....", &coin, &options);
    const double *fees = fill_values(run.fills, "fee");
    assert_int_equal(mbar_table_rows(run.fills), 4);
    assert_true(fees[0] == 0.5 && fees[1] == 0 && fees[2] == 0.5 && fees[3] == 0);
    mbar_table_unref(run.fills);
}

static void test_share_of_the_account(void **state)
{
    (void)state;
    mbar_asset stock = asset_of(MBAR_ASSET_STOCK, 1, 0);
    mbar_signal_options options;
    mbar_error error;
    mbar_table *fills = NULL;
    arrays texts;
    made_bars bars = make_bars(6);
    mbar_series *series = series_of_bars(&bars);
    mbar_signals signals = signals_of("E..S..", &texts);
    mbar_signal_options_init(&options);
    options.budget = 1000;
    signals.share = 0.5;
    signals.lot = 1;
    must(mbar_signals_run(series, &stock, &signals, &options, &fills, NULL, &error), &error);
    /* 500 at 11 buy 45; 1135 at 14, of which half sells 40 short. */
    assert_fills(fills, (expected_fill[]){{'b', 45, 11, 1}, {'s', 85, 14, 4}}, 2);
    mbar_table_unref(fills);
    signals.lot = 0;
    must(mbar_signals_run(series, &stock, &signals, &options, &fills, NULL, &error), &error);
    assert_true(((const double *)fill_values(fills, "quantity"))[0] == 500.0 / 11);
    mbar_table_unref(fills);
    /* Less than a lot is nothing, and what is owed buys nothing. */
    signals.lot = 1000;
    must(mbar_signals_run(series, &stock, &signals, &options, &fills, NULL, &error), &error);
    assert_int_equal(mbar_table_rows(fills), 0);
    mbar_table_unref(fills);
    signals.lot = 0;
    options.budget = -5;
    must(mbar_signals_run(series, &stock, &signals, &options, &fills, NULL, &error), &error);
    assert_int_equal(mbar_table_rows(fills), 0);
    mbar_table_unref(fills);
    mbar_series_unref(series);
}

/* Random signals and bars, over every kind, fees and slippage: equity is the ledger's. */
static void test_equity_is_the_ledgers(void **state)
{
    (void)state;
    static const char WORDS[] = "........ExScBR";
    mbar_fee fees[2] = {{.flat = 0.37, .maker = true, .taker = true},
                        {.percent = 0.0013, .per_contract = 0.11, .taker = true}};
    uint32_t seed = 1;
    for (int32_t round = 0; round < 300; round++) {
        mbar_asset asset = asset_of(round % 3 == 0   ? MBAR_ASSET_FUTURE
                                    : round % 3 == 1 ? MBAR_ASSET_STOCK
                                                     : MBAR_ASSET_CRYPTO,
                                    round % 2 == 0 ? 1 : 5, round % 3 == 0 ? 1300 : 0);
        mbar_signal_options options;
        mbar_signal_options_init(&options);
        options.buy_fees = options.sell_fees = fees;
        options.n_buy_fees = options.n_sell_fees = round % 5 == 0 ? 0 : 2;
        options.frictions.slippage_ticks = round % 4;
        made_bars bars = make_bars(MAX_ROWS - round % 9);
        char text[MAX_ROWS + 1] = "";
        for (int64_t i = 0; i < bars.n; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = WORDS[(seed >> 16) % (sizeof WORDS - 1)];
            bars.open[i] = 100 + (double)(seed >> 8 & 0xFF) * 0.07;
            bars.close[i] = (seed >> 4) % 31 == 0 ? NAN : 100 + (double)(seed >> 20 & 0xFF) * 0.07;
            bars.high[i] = 130;
            bars.low[i] = 90;
            bars.volume[i] = (seed >> 12) % 7 == 0 ? 0 : 10;
        }
        result run = run_text(&bars, text, &asset, &options);
        assert_equity(&bars, &run, &asset, &options);
        mbar_table_unref(run.fills);
    }
}

/* ---- Columns of other types ---------------------------------------------------- */

static void test_other_types(void **state)
{
    (void)state;
    const int64_t times[] = {0, MBAR_MINUTE_NS, 2 * MBAR_MINUTE_NS};
    const int32_t open[] = {1, 2, 3};
    const int64_t close[] = {1, 3, 4}, volume[] = {1, 1, 1};
    const float high[] = {5, 5, 5};
    const double low[] = {0, 0, 0};
    const uint8_t entries[] = {1, 0, 0};
    double equity[3];
    mbar_table *fills = NULL;
    mbar_error error;
    mbar_asset stock = asset_of(MBAR_ASSET_STOCK, 1, 0);
    mbar_signals signals = {.entries = entries, .size = 2};
    mbar_signal_options options;
    mbar_signal_options_init(&options);
    mbar_series *series = series_of(
        table_of(stamps("timestamp", MBAR_UNIT_NS, "UTC", 3, times),
                 column_of((mbar_field){.name = "Open", .type = MBAR_TYPE_INT32}, 3, open, 0),
                 column_of((mbar_field){.name = "High", .type = MBAR_TYPE_FLOAT32}, 3, high, 0),
                 doubles("Low", 3, low),
                 column_of((mbar_field){.name = "Close", .type = MBAR_TYPE_INT64}, 3, close, 4),
                 column_of((mbar_field){.name = "Volume", .type = MBAR_TYPE_INT64}, 3, volume, 2),
                 NULL),
        NULL);
    must(mbar_signals_run(series, &stock, &signals, &options, &fills, equity, &error), &error);
    assert_fills(fills, (expected_fill[]){{'b', 2, 2, 1}}, 1);
    assert_true(equity[0] == 100000 && equity[1] == 100002 && equity[2] == 100000);
    mbar_table_unref(fills);
    mbar_series_unref(series);
}

static void test_no_volume_column(void **state)
{
    (void)state;
    const int64_t times[] = {0, MBAR_MINUTE_NS};
    const double price[] = {1, 2};
    const uint8_t entries[] = {1, 0};
    mbar_table *fills = NULL;
    mbar_error error;
    mbar_asset stock = asset_of(MBAR_ASSET_STOCK, 1, 0);
    mbar_signals signals = {.entries = entries, .size = 1};
    mbar_signal_options options;
    mbar_signal_options_init(&options);
    mbar_series *series =
        series_of(table_of(stamps("timestamp", MBAR_UNIT_NS, "UTC", 2, times),
                           doubles("open", 2, price), doubles("high", 2, price),
                           doubles("low", 2, price), doubles("close", 2, price), NULL),
                  NULL);
    must(mbar_signals_run(series, &stock, &signals, &options, &fills, NULL, &error), &error);
    assert_fills(fills, (expected_fill[]){{'b', 1, 2, 1}}, 1);
    mbar_table_unref(fills);
    mbar_series_unref(series);
}

/* ---- Refusals ------------------------------------------------------------------- */

static void refuse(const mbar_series *series, const char *text, double size, double share,
                   double lot, double budget, const char *part)
{
    mbar_asset stock = asset_of(MBAR_ASSET_STOCK, 1, 0);
    arrays texts;
    mbar_signals signals = signals_of(text, &texts);
    mbar_signal_options options;
    mbar_error error;
    mbar_table *fills = NULL;
    mbar_signal_options_init(&options);
    options.budget = budget;
    signals.size = size;
    signals.share = share;
    signals.lot = lot;
    assert_int_equal(mbar_signals_run(series, &stock, &signals, &options, &fills, NULL, &error),
                     MBAR_INVALID);
    assert_non_null(strstr(error.message, part));
    assert_null(fills);
}

static void test_refusals(void **state)
{
    (void)state;
    made_bars bars = make_bars(4);
    mbar_series *series = series_of_bars(&bars);
    const double sizes[] = {0, -1, NAN, INFINITY};
    for (size_t i = 0; i < 4; i++) {
        refuse(series, "E...", sizes[i], 0, 0, 1, "size");
        if (sizes[i] != 0) {
            refuse(series, "E...", 1, sizes[i], 0, 1, "share");
            refuse(series, "E...", 1, 0, sizes[i], 1, "lots");
        }
    }
    refuse(series, "E...", 1, 0, 0, NAN, "budget");
    refuse(series, "..!.", 1, 0, 0, 1, "row 2");
    mbar_series_unref(series);
    mbar_series *no_prices =
        series_of(table_of(stamps("timestamp", MBAR_UNIT_NS, "UTC", 4, bars.times), NULL), NULL);
    refuse(no_prices, "E...", 1, 0, 0, 1, "column open");
    mbar_series_unref(no_prices);
}

static mbar_status attempt(void *ctx, mbar_error *error)
{
    mbar_asset stock = asset_of(MBAR_ASSET_STOCK, 1, 0);
    arrays texts;
    mbar_signals signals = signals_of("E.x.S..c", &texts);
    mbar_fee fee = {.flat = 1, .taker = true};
    mbar_signal_options options;
    mbar_table *fills = NULL;
    double equity[MAX_ROWS];
    mbar_signal_options_init(&options);
    options.buy_fees = &fee;
    options.n_buy_fees = 1;
    mbar_status status = mbar_signals_run(ctx, &stock, &signals, &options, &fills, equity, error);
    assert_true((status == MBAR_OK) == (fills != NULL));
    mbar_table_unref(fills);
    return status;
}

static void test_every_allocation(void **state)
{
    (void)state;
    made_bars bars = make_bars(8);
    mbar_series *series = series_of_bars(&bars);
    check_every_allocation(attempt, series);
    mbar_series_unref(series);
}

/* ---- Real bars ------------------------------------------------------------------- */

static double *sma_of(const mbar_series *series, double period, mbar_table **held)
{
    const mbar_indicator_spec *spec;
    mbar_error error;
    must(mbar_indicator_find("sma", &spec, &error), &error);
    mbar_window all = {0, mbar_series_rows(series)};
    must(mbar_series_indicator(series, all, spec, &period, 1, NULL, held, &error), &error);
    return (double *)mbar_column_values(mbar_table_column(*held, 0));
}

static void check_cross(const char *name, int64_t n_fills, double profit)
{
    mbar_series *series = shared_series(name);
    int64_t n = mbar_series_rows(series);
    mbar_table *fast_table, *slow_table, *fills = NULL;
    mbar_error error;
    const double *fast = sma_of(series, 20, &fast_table), *slow = sma_of(series, 60, &slow_table);
    bool *up = calloc((size_t)n, sizeof *up), *down = calloc((size_t)n, sizeof *down);
    double *equity = calloc((size_t)n, sizeof *equity);
    mbar_cross_above(fast, slow, n, up);
    mbar_cross_below(fast, slow, n, down);
    mbar_signals signals = {.entries = (uint8_t *)up, .short_entries = (uint8_t *)down, .size = 1};
    mbar_asset stock = asset_of(MBAR_ASSET_STOCK, 1, 0);
    mbar_signal_options options;
    mbar_signal_options_init(&options);
    must(mbar_signals_run(series, &stock, &signals, &options, &fills, equity, &error), &error);
    assert_int_equal(mbar_table_rows(fills), n_fills);
    assert_true(fabs(equity[n - 1] - options.budget - profit) < 0.005);
    mbar_table_unref(fills);
    free(equity);
    free(up);
    free(down);
    mbar_table_unref(fast_table);
    mbar_table_unref(slow_table);
    mbar_series_unref(series);
}

/* What an independent loop, vectorbt, raptorbt and back-trader-cpp agree on. */
static void test_cross_of_averages(void **state)
{
    (void)state;
    check_cross("MES_1m_2026Q1", 1195, -141.00);
    check_cross("BTCUSD_1m_bitfinex_2018_2019", 21231, 12027.54);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_open),
        cmocka_unit_test(test_shorts_and_reversals),
        cmocka_unit_test(test_waits_for_trades),
        cmocka_unit_test(test_overlapping_bars),
        cmocka_unit_test(test_close_at_end),
        cmocka_unit_test(test_volume_share),
        cmocka_unit_test(test_share_of_the_account),
        cmocka_unit_test(test_equity_is_the_ledgers),
        cmocka_unit_test(test_other_types),
        cmocka_unit_test(test_no_volume_column),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_every_allocation),
        cmocka_unit_test(test_cross_of_averages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
