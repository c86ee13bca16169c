/*
 * check_jumps.c - prices that leap from one bar to the next: a roll between two
 * contracts, a split, a bad print, two contracts interleaved.
 *
 * A jump is open - previous close, relative to that close, between bars at most
 * three periods apart (a week, for daily bars). It is compared with what the
 * market does there: the mean relative range of the 61 bars around it, each
 * capped at 20 medians so that one bad high does not hide its neighbours, and
 * at least the median range of the file and the deviation (1.4826 MAD) of its
 * jumps. Beyond jump_factor times that it is a finding.
 *
 * A jump and one back of like size within flip_bars bars are contract flips:
 * two contracts interleaved, or a price from another instrument.
 *
 * Why 7: on real minute, quarter-hour and daily bars of index futures, stocks,
 * currencies and coins, ordinary moves stay below 7 and rolls and splits lie
 * above it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "output.h"

enum { HALF_WINDOW = 30, RANGE_CAP = 20 };

/* The bars in time order that a jump can be measured on. */
typedef struct walk {
    const check_bars *bars;
    int64_t n;
    int64_t *rows; /* of the file */
    int64_t *ns;
    double *ranges; /* (high - low) / close */
    double *jumps;  /* relative, from the bar before; NaN where too far apart */
    double *scratch;
    mbar_buffer *buffers[5];
} walk;

static void walk_deinit(walk *w)
{
    for (int i = 0; i < 5; i++) {
        mbar_buffer_unref(w->buffers[i]);
    }
}

static mbar_status walk_init(walk *w, const check_bars *bars, mbar_error *error)
{
    void *memory[5];
    *w = (walk){.bars = bars};
    for (int i = 0; i < 5; i++) {
        mbar_status status =
            mbar_buffer_new((size_t)bars->times.n * sizeof(double), &w->buffers[i], error);
        if (status != MBAR_OK) {
            return status;
        }
        memory[i] = mbar_buffer_writable(w->buffers[i]);
    }
    w->rows = memory[0];
    w->ns = memory[1];
    w->ranges = memory[2];
    w->jumps = memory[3];
    w->scratch = memory[4];
    return MBAR_OK;
}

/* Sound bars only: one that another check refuses would make two jumps more. */
static void gather(walk *w)
{
    const check_bars *bars = w->bars;
    const double *open = bars->series[CHECK_OPEN], *high = bars->series[CHECK_HIGH];
    const double *low = bars->series[CHECK_LOW], *close = bars->series[CHECK_CLOSE];
    bool daily = bars->period_ns >= MBAR_DAY_NS;
    int64_t reach = daily ? 7 * bars->period_ns : 3 * bars->period_ns;
    for (int64_t i = 0; i < bars->times.n; i++) {
        int64_t row = bars->times.rows[i];
        double range = (high[row] - low[row]) / close[row];
        if (!(open[row] > 0 && close[row] > 0 && range >= 0) || isinf(range)) {
            continue;
        }
        int64_t n = w->n++;
        w->rows[n] = row;
        w->ns[n] = bars->times.ns[i];
        w->ranges[n] = range;
        w->jumps[n] = NAN;
        if (n > 0) {
            double before = close[w->rows[n - 1]];
            int64_t spacing = cli_spacing(w->ns[n - 1], w->ns[n]);
            if (spacing > 0 && spacing <= reach) {
                w->jumps[n] = (open[row] - before) / before;
            }
        }
    }
}

static double median_range(walk *w)
{
    for (int64_t i = 0; i < w->n; i++) {
        w->scratch[i] = w->ranges[i];
    }
    return check_median(w->scratch, w->n);
}

static double jump_deviation(walk *w)
{
    int64_t n = 0;
    for (int64_t i = 0; i < w->n; i++) {
        if (!isnan(w->jumps[i])) {
            w->scratch[n++] = fabs(w->jumps[i]);
        }
    }
    return n > 0 ? 1.4826 * check_median(w->scratch, n) : 0;
}

/* Puts the mean capped range of the bars around each bar into scratch. */
static void local_ranges(walk *w, double cap)
{
    double sum = 0;
    int64_t first = 0, last = 0; /* [first, last) is summed */
    for (int64_t i = 0; i < w->n; i++) {
        for (; last < w->n && last <= i + HALF_WINDOW; last++) {
            sum += fmin(w->ranges[last], cap);
        }
        for (; first < i - HALF_WINDOW; first++) {
            sum -= fmin(w->ranges[first], cap);
        }
        w->scratch[i] = sum / (double)(last - first);
    }
}

typedef struct jump {
    int64_t at; /* index in the walk; -1: none */
    bool is_flip;
} jump;

/* The jump at i in price. */
static double leap(const walk *w, int64_t i)
{
    return w->bars->series[CHECK_OPEN][w->rows[i]] - w->bars->series[CHECK_CLOSE][w->rows[i - 1]];
}

static void report_jump(const walk *w, const jump *j, check_report *report)
{
    char size[CLI_VALUE_BYTES], before[CLI_VALUE_BYTES], after[CLI_VALUE_BYTES];
    if (j->at < 0) {
        return;
    }
    double from = w->bars->series[CHECK_CLOSE][w->rows[j->at - 1]];
    double to = w->bars->series[CHECK_OPEN][w->rows[j->at]];
    /* The difference of two decimals is rarely the nearest double to one. */
    cli_format_double(nearbyint(leap(w, j->at) * 1e8) / 1e8, size);
    cli_format_double(from, before);
    cli_format_double(to, after);
    check_add(report, j->is_flip ? CHECK_CONTRACT_FLIP : CHECK_JUMP, NULL, w->rows[j->at],
              "%s%s, from close %s to open %s", to > from ? "+" : "", size, before, after);
}

static bool is_reverse(const walk *w, int64_t a, int64_t b, int64_t flip_bars)
{
    double x = leap(w, a), y = leap(w, b);
    return b - a <= flip_bars && (x > 0) != (y > 0) && fabs(y) > fabs(x) / 2 &&
           fabs(y) < fabs(x) * 2;
}

static void find_jumps(const walk *w, double floor, const check_limits *limits,
                       check_report *report)
{
    jump held = {-1, false}; /* told once it is known whether the next reverses it */
    for (int64_t i = 1; i < w->n; i++) {
        double scale = fmax(w->scratch[i], floor);
        if (!(fabs(w->jumps[i]) > limits->jump_factor * scale)) {
            continue;
        }
        jump found = {i, false};
        if (held.at >= 0 && is_reverse(w, held.at, i, limits->flip_bars)) {
            held.is_flip = found.is_flip = true;
        }
        report_jump(w, &held, report);
        held = found;
    }
    report_jump(w, &held, report);
}

mbar_status check_jumps(const check_bars *bars, const check_limits *limits, check_report *report,
                        mbar_error *error)
{
    walk w;
    for (int k = CHECK_OPEN; k <= CHECK_CLOSE; k++) {
        if (bars->series[k] == NULL) {
            return MBAR_OK;
        }
    }
    mbar_status status = walk_init(&w, bars, error);
    if (status == MBAR_OK) {
        gather(&w);
        double median = median_range(&w);
        double floor = fmax(median, jump_deviation(&w));
        local_ranges(&w, RANGE_CAP * median);
        if (floor > 0) {
            find_jumps(&w, floor, limits, report);
        }
    }
    walk_deinit(&w);
    return status;
}
