/*
 * times.c - the stamps of a file in time order, with the rows they came from.
 *
 * Cost: O(n) for a sorted column, O(n log n) otherwise. The period is the
 * library's own notion of it: a series of the distinct stamps is asked.
 */
#include "times.h"

#include <stdlib.h>
#include <string.h>

int64_t cli_spacing(int64_t earlier, int64_t later)
{
    uint64_t distance = (uint64_t)later - (uint64_t)earlier;
    return distance > INT64_MAX ? INT64_MAX : (int64_t)distance;
}

typedef struct stamp {
    int64_t ns, row;
} stamp;

static int compare_stamps(const void *a, const void *b)
{
    const stamp *x = a, *y = b;
    if (x->ns != y->ns) {
        return x->ns < y->ns ? -1 : 1;
    }
    return (x->row > y->row) - (x->row < y->row);
}

static mbar_status sort_times(int64_t *ns, int64_t *rows, int64_t n, mbar_error *error)
{
    mbar_buffer *buffer;
    mbar_status status = mbar_buffer_new((size_t)n * sizeof(stamp), &buffer, error);
    if (status != MBAR_OK) {
        return status;
    }
    stamp *stamps = mbar_buffer_writable(buffer);
    for (int64_t i = 0; i < n; i++) {
        stamps[i] = (stamp){ns[i], rows[i]};
    }
    qsort(stamps, (size_t)n, sizeof *stamps, compare_stamps);
    for (int64_t i = 0; i < n; i++) {
        ns[i] = stamps[i].ns;
        rows[i] = stamps[i].row;
    }
    mbar_buffer_unref(buffer);
    return MBAR_OK;
}

/* Copies the stamps that are there; counts nulls and steps back. */
static void gather(cli_times *times, const mbar_column *column, int64_t *ns, int64_t *rows)
{
    const int64_t *values = mbar_column_values(column);
    bool has_nulls = mbar_column_nulls(column) > 0;
    int64_t n_rows = mbar_column_rows(column);
    for (int64_t i = 0; i < n_rows; i++) {
        if (has_nulls && !mbar_column_is_valid(column, i)) {
            times->n_nulls++;
            continue;
        }
        if (times->n > 0 && values[i] < ns[times->n - 1]) {
            times->first_unsorted = times->n_unsorted == 0 ? i : times->first_unsorted;
            times->n_unsorted++;
        }
        ns[times->n] = values[i];
        rows[times->n++] = i;
    }
}

static mbar_status find_period(cli_times *times, mbar_error *error)
{
    static const mbar_field FIELD = {"timestamp", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", false};
    mbar_column *column = NULL;
    mbar_table *table = NULL;
    mbar_series *series = NULL;
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.duplicates = MBAR_DUPLICATES_KEEP_FIRST;
    mbar_status status = mbar_column_from_values(&FIELD, times->n, times->ns, &column, error);
    if (status == MBAR_OK) {
        status = mbar_table_new(&column, 1, &table, error);
    }
    if (status == MBAR_OK) {
        status = mbar_series_new(table, &options, &series, error);
    }
    /* Fewer than two distinct stamps have no spacing; the library then assumes one. */
    if (status == MBAR_OK && mbar_series_rows(series) > 1) {
        times->period_ns = mbar_series_period_ns(series);
    }
    mbar_series_unref(series);
    mbar_table_unref(table);
    mbar_column_unref(column);
    return status;
}

mbar_status cli_times_init(cli_times *times, mbar_column *column, mbar_error *error)
{
    mbar_column *in_ns = NULL;
    size_t n_bytes = (size_t)mbar_column_rows(column) * sizeof(int64_t);
    memset(times, 0, sizeof *times);
    times->first_unsorted = -1;
    mbar_status status = mbar_column_cast(column, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, &in_ns, error);
    if (status != MBAR_OK) {
        goto done;
    }
    if ((status = mbar_buffer_new(n_bytes, &times->ns_buffer, error)) != MBAR_OK ||
        (status = mbar_buffer_new(n_bytes, &times->rows_buffer, error)) != MBAR_OK) {
        goto done;
    }
    int64_t *ns = mbar_buffer_writable(times->ns_buffer);
    int64_t *rows = mbar_buffer_writable(times->rows_buffer);
    gather(times, in_ns, ns, rows);
    if (times->n_unsorted > 0 && (status = sort_times(ns, rows, times->n, error)) != MBAR_OK) {
        goto done;
    }
    for (int64_t i = 1; i < times->n; i++) {
        times->n_duplicates += ns[i] == ns[i - 1];
    }
    times->ns = ns;
    times->rows = rows;
    status = find_period(times, error);
done:
    mbar_column_unref(in_ns);
    if (status != MBAR_OK) {
        cli_times_deinit(times);
    }
    return status;
}

void cli_times_deinit(cli_times *times)
{
    mbar_buffer_unref(times->ns_buffer);
    mbar_buffer_unref(times->rows_buffer);
    memset(times, 0, sizeof *times);
}
