/*
 * scan_finish.c - from the pieces of all sources to the result: laid end to end in
 * source order, then head and tail, the selection, the resampling.
 *
 * Cost: one copy of every column where there is more than one piece, else none.
 */
#include "io/scan_internal.h"

#include "base/alloc.h"

/* A dictionary column as plain text. */
static mbar_status spell_out(mbar_column *column, mbar_column **out, mbar_error *error)
{
    int64_t rows = mbar_column_rows(column);
    const int32_t *codes = mbar_column_values(column);
    int64_t *indexes = mbar_alloc_array((size_t)rows + 1, sizeof *indexes, error);
    mbar_column *text = NULL;
    if (indexes == NULL) {
        return MBAR_NOMEM;
    }
    for (int64_t i = 0; i < rows; i++) {
        indexes[i] = mbar_column_is_valid(column, i) ? codes[i] : -1;
    }
    mbar_status status =
        mbar_column_take(mbar_column_dictionary(column), indexes, rows, &text, error);
    if (status == MBAR_OK) {
        status = mbar_column_rename(text, mbar_column_field(column)->name, out, error);
    }
    mbar_column_unref(text);
    mbar_free(indexes);
    return status;
}

/* One column of the result, end to end; text is spelled out where the pieces
 * do not agree on a dictionary. */
static mbar_status join_column(mbar_table **tables, int32_t n, int32_t c, mbar_column **out,
                               mbar_error *error)
{
    bool plain = false, dict = false;
    mbar_column **parts = mbar_alloc_array((size_t)n, sizeof *parts, error);
    mbar_status status = parts == NULL ? MBAR_NOMEM : MBAR_OK;
    for (int32_t i = 0; i < n && status == MBAR_OK; i++) {
        parts[i] = mbar_column_ref(mbar_table_column(tables[i], c));
        mbar_type type = mbar_column_field(parts[i])->type;
        plain |= type == MBAR_TYPE_UTF8;
        dict |= type == MBAR_TYPE_DICT;
    }
    for (int32_t i = 0; i < n && status == MBAR_OK && plain && dict; i++) {
        mbar_column *spelled = NULL;
        if (mbar_column_field(parts[i])->type == MBAR_TYPE_DICT) {
            status = spell_out(parts[i], &spelled, error);
        }
        if (spelled != NULL) {
            mbar_column_unref(parts[i]);
            parts[i] = spelled;
        }
    }
    if (status == MBAR_OK) {
        status = mbar_column_concat(parts, n, out, error);
    }
    for (int32_t i = 0; i < n && parts != NULL; i++) {
        mbar_column_unref(parts[i]);
    }
    mbar_free(parts);
    return status;
}

static mbar_status join_tables(mbar_table **tables, int32_t n, int32_t n_columns, mbar_table **out,
                               mbar_error *error)
{
    mbar_column **columns = mbar_alloc_array((size_t)n_columns + 1, sizeof *columns, error);
    mbar_status status = columns == NULL ? MBAR_NOMEM : MBAR_OK;
    for (int32_t c = 0; c < n_columns && status == MBAR_OK; c++) {
        status = join_column(tables, n, c, &columns[c], error);
    }
    if (status == MBAR_OK) {
        status = mbar_table_new(columns, n_columns, out, error);
    }
    for (int32_t c = 0; c < n_columns && columns != NULL; c++) {
        mbar_column_unref(columns[c]);
    }
    mbar_free(columns);
    return status;
}

/* All pieces in row order, the columns of the result. */
static mbar_status join_pieces(const mbar_scan_run *r, mbar_table **out, mbar_error *error)
{
    const mbar_scan_limit *limit = mbar_scan_first_limit(r);
    bool back = limit != NULL && limit->is_tail;
    int64_t n = 0;
    for (int32_t i = 0; i < r->scan->n_sources; i++) {
        n += r->per_source[i].n;
    }
    mbar_table *empty = NULL;
    mbar_table **tables = mbar_alloc_array((size_t)n + 1, sizeof *tables, error);
    mbar_status status = tables == NULL ? MBAR_NOMEM : MBAR_OK;
    int32_t count = 0;
    for (int32_t i = 0; i < r->scan->n_sources && status == MBAR_OK; i++) {
        const mbar_scan_pieces *p = &r->per_source[i];
        for (int32_t k = 0; k < p->n; k++) {
            mbar_table *table = p->tables[back ? p->n - 1 - k : k];
            if (mbar_table_rows(table) > 0) {
                tables[count++] = table;
            }
        }
    }
    if (status == MBAR_OK && count == 0) {
        status = mbar_table_select(r->first, r->names, r->n_names, &empty, error);
        tables[count++] = empty;
    }
    if (status == MBAR_OK && count == 1) {
        status = mbar_table_select(tables[0], r->names, r->n_result, out, error);
    } else if (status == MBAR_OK) {
        status = join_tables(tables, count, r->n_result, out, error);
    }
    mbar_table_unref(empty);
    mbar_free(tables);
    return status;
}

static mbar_status apply_limits(const mbar_scan *scan, mbar_table **table, mbar_error *error)
{
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < scan->n_limits && status == MBAR_OK; i++) {
        int64_t rows = mbar_table_rows(*table);
        mbar_window left =
            mbar_scan_cut((mbar_window){0, rows}, scan->limits[i].n_rows, scan->limits[i].is_tail);
        mbar_table *sliced = NULL;
        status = mbar_table_slice(*table, left.first, left.n_rows, &sliced, error);
        if (status == MBAR_OK) {
            mbar_table_unref(*table);
            *table = sliced;
        }
    }
    return status;
}

static mbar_status apply_resample(const mbar_scan *scan, mbar_table **table, mbar_error *error)
{
    mbar_series *series = NULL, *resampled = NULL;
    if (!scan->has_resample) {
        return MBAR_OK;
    }
    mbar_status status = mbar_series_new(*table, &scan->series, &series, error);
    if (status == MBAR_OK) {
        mbar_window all = {0, mbar_series_rows(series)};
        status = mbar_series_resample(series, all, &scan->resample, &resampled, error);
    }
    if (status == MBAR_OK) {
        mbar_table_unref(*table);
        *table = mbar_table_ref(mbar_series_table(resampled));
    }
    mbar_series_unref(resampled);
    mbar_series_unref(series);
    return status;
}

mbar_status mbar_scan_finish(const mbar_scan_run *r, mbar_table **out, mbar_error *error)
{
    mbar_table *table = NULL;
    mbar_status status = join_pieces(r, &table, error);
    if (status == MBAR_OK) {
        status = apply_limits(r->scan, &table, error);
    }
    if (status == MBAR_OK) {
        status = apply_resample(r->scan, &table, error);
    }
    if (status != MBAR_OK) {
        mbar_table_unref(table);
        return status;
    }
    *out = table;
    return MBAR_OK;
}
