/*
 * scan_rows.c - which rows of a table a plan keeps, and the table of them.
 *
 * The exact test behind all pruning: the time range and every filter, a byte a row.
 * What is kept is a slice where it is one run of rows, else a copy.
 *
 * Cost: O(rows * nodes of the filters), a byte a row beside the result.
 */
#include "io/scan_internal.h"

#include "base/alloc.h"

#include <string.h>

bool mbar_scan_is_exact(const mbar_scan_run *r)
{
    return r->time_name == NULL && r->scan->n_filters == 0;
}

static void keep_times(const mbar_scan_run *r, const mbar_table *table, uint8_t *keep)
{
    const mbar_column *column = mbar_table_column(table, mbar_table_find(table, r->time_name));
    const int64_t *times = mbar_column_values(column);
    int64_t lo, hi;
    mbar_scan_unit_range(r->scan, mbar_unit_ns(mbar_column_field(column)->unit), &lo, &hi);
    bool nulls = mbar_column_nulls(column) > 0;
    for (int64_t i = 0; i < mbar_table_rows(table); i++) {
        keep[i] &= (uint8_t)((times[i] >= lo) & (times[i] <= hi));
    }
    for (int64_t i = 0; nulls && i < mbar_table_rows(table); i++) {
        keep[i] &= mbar_column_is_valid(column, i);
    }
}

/* By bytes, so that sixteen are added at a time. */
int64_t mbar_scan_count_kept(const uint8_t *keep, int64_t n)
{
    int64_t count = 0;
    for (int64_t first = 0; first < n; first += 255) {
        int64_t end = n - first < 255 ? n : first + 255;
        uint8_t part = 0;
        for (int64_t i = first; i < end; i++) {
            part = (uint8_t)(part + keep[i]);
        }
        count += part;
    }
    return count;
}

/* The rows whose keep is 1: a slice where they are one run, else a copy. Takes table. */
static mbar_status take_kept(mbar_table *table, const uint8_t *keep, mbar_table **out,
                             mbar_error *error)
{
    int64_t rows = mbar_table_rows(table), first = 0, last = rows - 1;
    int64_t count = mbar_scan_count_kept(keep, rows);
    while (first < rows && !keep[first]) {
        first++;
    }
    while (last > first && !keep[last]) {
        last--;
    }
    if (count == rows) {
        *out = table;
        return MBAR_OK;
    }
    mbar_status status;
    if (count == 0 || last - first + 1 == count) {
        status = mbar_table_slice(table, count == 0 ? 0 : first, count, out, error);
    } else {
        /* One more than there are: a row that goes is written over by the next. */
        int64_t *indexes = mbar_alloc_array((size_t)count + 1, sizeof *indexes, error);
        status = indexes == NULL ? MBAR_NOMEM : MBAR_OK;
        for (int64_t i = first, n = 0; i <= last && status == MBAR_OK; i++) {
            indexes[n] = i;
            n += keep[i];
        }
        if (status == MBAR_OK) {
            status = mbar_table_take(table, indexes, count, out, error);
        }
        mbar_free(indexes);
    }
    mbar_table_unref(table);
    return status;
}

/* The result's columns alone, which come first; takes table. */
static mbar_status drop_looked_at(const mbar_scan_run *r, mbar_table *table, mbar_table **out,
                                  mbar_error *error)
{
    if (r->n_names == r->n_result || r->n_result == 0) {
        *out = table;
        return MBAR_OK;
    }
    mbar_status status = mbar_table_select(table, r->names, r->n_result, out, error);
    mbar_table_unref(table);
    return status;
}

/* keep[row] &= a filter's verdict. */
static mbar_status keep_also(const mbar_expr *filter, const mbar_table *table, uint8_t *keep,
                             mbar_error *error)
{
    int64_t rows = mbar_table_rows(table);
    uint8_t *next = mbar_alloc((size_t)rows + 1, error);
    mbar_status status = next == NULL ? MBAR_NOMEM : mbar_expr_keep(filter, table, next, error);
    for (int64_t i = 0; i < rows && status == MBAR_OK; i++) {
        keep[i] &= next[i];
    }
    mbar_free(next);
    return status;
}

mbar_status mbar_scan_mark_rows(const mbar_scan_run *r, const mbar_table *table, uint8_t **out,
                                mbar_error *error)
{
    int64_t rows = mbar_table_rows(table);
    const mbar_scan *scan = r->scan;
    uint8_t *keep = mbar_alloc((size_t)rows + 1, error);
    mbar_status status = keep == NULL ? MBAR_NOMEM : MBAR_OK;
    if (status == MBAR_OK && scan->n_filters == 0) {
        memset(keep, 1, (size_t)rows);
    }
    for (int32_t f = 0; f < scan->n_filters && status == MBAR_OK; f++) {
        status = f == 0 ? mbar_expr_keep(scan->filters[f], table, keep, error)
                        : keep_also(scan->filters[f], table, keep, error);
    }
    if (status != MBAR_OK) {
        mbar_free(keep);
        return status;
    }
    if (r->time_name != NULL) {
        keep_times(r, table, keep);
    }
    *out = keep;
    return MBAR_OK;
}

mbar_status mbar_scan_filter_rows(const mbar_scan_run *r, mbar_table *table, mbar_table **out,
                                  mbar_error *error)
{
    if (mbar_scan_is_exact(r)) {
        *out = table;
        return MBAR_OK;
    }
    uint8_t *keep = NULL;
    mbar_status status = mbar_scan_mark_rows(r, table, &keep, error);
    if (status != MBAR_OK) {
        mbar_table_unref(table);
    } else {
        status = drop_looked_at(r, table, &table, error);
    }
    if (status == MBAR_OK) {
        status = take_kept(table, keep, out, error);
    }
    mbar_free(keep);
    return status;
}
