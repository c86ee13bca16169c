/*
 * check_volume.c - volumes that cannot be, or hardly.
 *
 * A spike is judged on the logarithm, against the median of the 61 bars around
 * it, in robust deviations (1.4826 MAD) of that distance over the whole file:
 * the open of a session is loud every day and is no spike, a digit too many is.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "output.h"

enum { HALF_WINDOW = 30, WINDOW = 2 * HALF_WINDOW + 1 };

static void check_signs(const check_bars *bars, const check_limits *limits, check_report *report)
{
    const double *volume = bars->series[CHECK_VOLUME];
    const cli_times *times = &bars->times;
    const char *name = bars->names[CHECK_VOLUME];
    int64_t run = 0;
    for (int64_t i = 0; i <= times->n; i++) {
        bool is_zero = i < times->n && volume[times->rows[i]] == 0;
        if (i < times->n && volume[times->rows[i]] < 0) {
            char text[CLI_VALUE_BYTES];
            cli_format_double(volume[times->rows[i]], text);
            check_add(report, CHECK_NEGATIVE_VOLUME, name, times->rows[i], "%s", text);
        }
        if (!is_zero && run >= limits->zero_bars && run > 0) {
            check_add(report, CHECK_ZERO_VOLUME, name, times->rows[i - run],
                      "%" PRId64 " %s of no volume", run, run == 1 ? "bar" : "bars");
        }
        run = is_zero ? run + 1 : 0;
    }
}

/* ---- Spikes -------------------------------------------------------------- */

/* The values of a moving window in rising order. */
typedef struct window {
    double sorted[WINDOW + 1];
    int n;
} window;

static int find_place(const window *w, double value)
{
    int low = 0, high = w->n;
    while (low < high) {
        int middle = (low + high) / 2;
        if (w->sorted[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void window_add(window *w, double value)
{
    int at = find_place(w, value);
    memmove(&w->sorted[at + 1], &w->sorted[at], (size_t)(w->n - at) * sizeof(double));
    w->sorted[at] = value;
    w->n++;
}

static void window_remove(window *w, double value)
{
    int at = find_place(w, value);
    w->n--;
    memmove(&w->sorted[at], &w->sorted[at + 1], (size_t)(w->n - at) * sizeof(double));
}

static double window_median(const window *w)
{
    int middle = w->n / 2;
    return w->n % 2 == 1 ? w->sorted[middle] : (w->sorted[middle - 1] + w->sorted[middle]) / 2;
}

/* logs[i] less the median of its neighbourhood, for n positive volumes. */
static void local_excess(const double *logs, int64_t n, double *out)
{
    window w = {.n = 0};
    int64_t first = 0, last = 0;
    for (int64_t i = 0; i < n; i++) {
        for (; first < i - HALF_WINDOW; first++) {
            window_remove(&w, logs[first]);
        }
        for (; last < n && last <= i + HALF_WINDOW; last++) {
            window_add(&w, logs[last]);
        }
        out[i] = logs[i] - window_median(&w);
    }
}

static int64_t gather_logs(const check_bars *bars, double *logs, int64_t *rows)
{
    const double *volume = bars->series[CHECK_VOLUME];
    int64_t n = 0;
    for (int64_t i = 0; i < bars->times.n; i++) {
        int64_t row = bars->times.rows[i];
        if (volume[row] > 0 && isfinite(volume[row])) {
            rows[n] = row;
            logs[n++] = log(volume[row]);
        }
    }
    return n;
}

static void find_spikes(const check_bars *bars, const double *excess, const int64_t *rows,
                        int64_t n, double *scratch, double spike_z, check_report *report)
{
    char volume[CLI_VALUE_BYTES];
    memcpy(scratch, excess, (size_t)n * sizeof(double));
    double middle = check_median(scratch, n);
    for (int64_t i = 0; i < n; i++) {
        scratch[i] = fabs(excess[i] - middle);
    }
    double deviation = 1.4826 * check_median(scratch, n);
    for (int64_t i = 0; i < n && deviation > 0; i++) {
        if (excess[i] - middle > spike_z * deviation) {
            cli_format_double(bars->series[CHECK_VOLUME][rows[i]], volume);
            check_add(report, CHECK_VOLUME_SPIKE, bars->names[CHECK_VOLUME], rows[i],
                      "%s, %.0f times the median around it", volume, exp(excess[i]));
        }
    }
}

static mbar_status check_spikes(const check_bars *bars, double spike_z, check_report *report,
                                mbar_error *error)
{
    mbar_buffer *buffers[4] = {0};
    void *memory[4];
    mbar_status status = MBAR_OK;
    for (int i = 0; i < 4 && status == MBAR_OK; i++) {
        status = mbar_buffer_new((size_t)bars->times.n * sizeof(double), &buffers[i], error);
        memory[i] = status == MBAR_OK ? mbar_buffer_writable(buffers[i]) : NULL;
    }
    if (status == MBAR_OK) {
        int64_t n = gather_logs(bars, memory[0], memory[1]);
        local_excess(memory[0], n, memory[2]);
        find_spikes(bars, memory[2], memory[1], n, memory[3], spike_z, report);
    }
    for (int i = 0; i < 4; i++) {
        mbar_buffer_unref(buffers[i]);
    }
    return status;
}

mbar_status check_volume(const check_bars *bars, const check_limits *limits, check_report *report,
                         mbar_error *error)
{
    if (bars->series[CHECK_VOLUME] == NULL) {
        return MBAR_OK;
    }
    check_signs(bars, limits, report);
    /* The sizes of single trades have no neighbourhood. */
    return bars->are_trades ? MBAR_OK : check_spikes(bars, limits->spike_z, report, error);
}
