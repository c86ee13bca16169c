/*
 * check_values.c - single rows: missing, impossible and off-grid prices.
 *
 * The tick, when it is not given, is the coarsest of 500, 250, 200, 100, 50 ...
 * 1e-8 (and 1/32, 1/64, 1/128) that at least 99 of 100 prices are multiples of;
 * the rest are off the tick. Adjusted prices have no grid, and are not judged.
 */
#include <float.h>
#include <math.h>

#include "check.h"
#include "output.h"

static void check_present(const check_bars *bars, int k, check_report *report)
{
    const double *values = bars->series[k];
    const mbar_column *column =
        mbar_table_column(bars->table, mbar_table_find(bars->table, bars->names[k]));
    bool has_nulls = mbar_column_nulls(column) > 0;
    for (int64_t row = 0; row < bars->n_rows; row++) {
        if (isfinite(values[row])) {
            continue;
        }
        if (has_nulls && !mbar_column_is_valid(column, row)) {
            check_add(report, CHECK_NULL, bars->names[k], row, NULL);
        } else {
            check_add(report, CHECK_NAN, bars->names[k], row, "%s",
                      isnan(values[row]) ? "NaN" : "infinite");
        }
    }
}

static void check_missing_stamps(const check_bars *bars, check_report *report)
{
    const mbar_column *stamps = mbar_table_column(bars->table, 0);
    for (int64_t row = 0; row < bars->n_rows && bars->times.n_nulls > 0; row++) {
        if (!mbar_column_is_valid(stamps, row)) {
            check_add(report, CHECK_NULL, mbar_column_field(stamps)->name, row, NULL);
        }
    }
}

static void check_positive(const check_bars *bars, int k, check_report *report)
{
    char text[CLI_VALUE_BYTES];
    for (int64_t row = 0; row < bars->n_rows; row++) {
        double value = bars->series[k][row];
        if (value <= 0) {
            cli_format_double(value, text);
            check_add(report, CHECK_NON_POSITIVE, bars->names[k], row, "%s", text);
        }
    }
}

static void check_order_of_prices(const check_bars *bars, check_report *report)
{
    const double *high = bars->series[CHECK_HIGH], *low = bars->series[CHECK_LOW];
    static const int INNER[] = {CHECK_OPEN, CHECK_CLOSE};
    char a[CLI_VALUE_BYTES], b[CLI_VALUE_BYTES], c[CLI_VALUE_BYTES];
    for (int64_t row = 0; row < bars->n_rows && high != NULL && low != NULL; row++) {
        if (high[row] < low[row]) {
            cli_format_double(high[row], a);
            cli_format_double(low[row], b);
            check_add(report, CHECK_HIGH_LOW, NULL, row, "high %s, low %s", a, b);
            continue; /* nothing can lie inside an empty range */
        }
        for (int i = 0; i < 2; i++) {
            const double *inner = bars->series[INNER[i]];
            if (inner != NULL && (inner[row] < low[row] || inner[row] > high[row])) {
                cli_format_double(inner[row], a);
                cli_format_double(low[row], b);
                cli_format_double(high[row], c);
                check_add(report, CHECK_OUTSIDE, bars->names[INNER[i]], row,
                          "%s outside low %s to high %s", a, b, c);
            }
        }
    }
}

/* ---- The tick ------------------------------------------------------------ */

/* How far from a multiple, in ticks, the rounding of a double (or of a float
 * that was widened) can put a price of n ticks. */
static double tolerance(double n, bool is_float32)
{
    return fabs(n) * (is_float32 ? FLT_EPSILON : 16 * DBL_EPSILON) + 1e-9;
}

static bool is_on_tick(double price, double tick, bool is_float32)
{
    double n = price / tick;
    return fabs(n - nearbyint(n)) <= tolerance(n, is_float32);
}

/* Whether 99 of 100 prices are multiples; *usable false where prices are too
 * large to tell. */
static bool fits_tick(const check_bars *bars, double tick, bool *usable)
{
    int64_t n = 0, n_off = 0, n_max = 0;
    for (int k = CHECK_OPEN; k <= CHECK_CLOSE; k++) {
        n_max += bars->series[k] != NULL ? bars->n_rows / 100 : 0;
    }
    for (int k = CHECK_OPEN; k <= CHECK_CLOSE; k++) {
        for (int64_t row = 0; bars->series[k] != NULL && row < bars->n_rows; row++) {
            double price = bars->series[k][row];
            if (!isfinite(price)) {
                continue;
            }
            *usable = *usable && tolerance(price / tick, bars->is_float32[k]) < 0.05;
            n_off += !is_on_tick(price, tick, bars->is_float32[k]);
            n++;
            if (n_off > n_max || !*usable) {
                return false;
            }
        }
    }
    return n > 0;
}

/* The coarsest tick that fits; 0 for none. */
static double infer_tick(const check_bars *bars)
{
    static const double STEPS[] = {5, 2.5, 2, 1};
    static const double BINARY[] = {1.0 / 32, 1.0 / 64, 1.0 / 128};
    bool usable = true;
    double power = 100;
    for (int exponent = 2; exponent >= -8; exponent--) {
        for (int i = 0; i < 4; i++) {
            double tick = exponent >= 0 ? STEPS[i] * power : STEPS[i] / power;
            if (fits_tick(bars, tick, &usable)) {
                return tick;
            }
            if (!usable) {
                return 0;
            }
        }
        for (int i = 0; i < 3 && exponent == -2; i++) {
            if (fits_tick(bars, BINARY[i], &usable)) {
                return BINARY[i];
            }
        }
        power = exponent > 0 ? power / 10 : power * 10;
    }
    return 0;
}

static void check_ticks(const check_bars *bars, double tick, check_report *report)
{
    char text[CLI_VALUE_BYTES];
    for (int64_t row = 0; row < bars->n_rows; row++) {
        for (int k = CHECK_OPEN; k <= CHECK_CLOSE; k++) {
            const double *values = bars->series[k];
            if (values != NULL && isfinite(values[row]) &&
                !is_on_tick(values[row], tick, bars->is_float32[k])) {
                cli_format_double(values[row], text);
                check_add(report, CHECK_OFF_TICK, NULL, row, "%s %s", bars->names[k], text);
                break; /* a row counts once */
            }
        }
    }
}

mbar_status check_values(const check_bars *bars, const check_limits *limits, check_report *report,
                         mbar_error *error)
{
    (void)error;
    check_missing_stamps(bars, report);
    for (int k = 0; k < CHECK_N_SERIES; k++) {
        if (bars->series[k] != NULL) {
            check_present(bars, k, report);
        }
    }
    for (int k = CHECK_OPEN; k <= CHECK_CLOSE; k++) {
        if (bars->series[k] != NULL) {
            check_positive(bars, k, report);
        }
    }
    check_order_of_prices(bars, report);
    report->tick_inferred = limits->tick == 0;
    report->tick = limits->tick > 0 ? limits->tick : infer_tick(bars);
    if (report->tick > 0) {
        check_ticks(bars, report->tick, report);
    }
    return MBAR_OK;
}
