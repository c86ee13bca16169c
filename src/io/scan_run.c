/*
 * scan_run.c - a plan carried out.
 *
 * Every source gives pieces: tables of the needed columns, cut to the rows that
 * the time range and the filters keep. Pieces are laid end to end in source
 * order, then come head and tail, the selection, the resampling.
 *
 * What is not read. The needed columns are those of the result and those that
 * filters look at. Row ranges come from the page index of the time column and
 * of each integer or time column that a filter bounds; row groups fall away
 * whose statistics no filter can pass. A head (or tail) that comes first stops
 * the reading at its rows, from the front (or the back).
 *
 * Pruning only ever leaves out rows that the exact test would leave out, so the
 * result does not depend on it, nor on the number of threads.
 */
#include "io/scan_internal.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/threads.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

/* ---- Exact rows ---------------------------------------------------------------------- */

static bool is_exact(const mbar_scan_run *r)
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

/* How many of n flags are 1: by bytes, so that sixteen are added at a time. */
static int64_t count_kept(const uint8_t *keep, int64_t n)
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
    int64_t count = count_kept(keep, rows);
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

/* Applies the time range and the filters; takes table over, whatever comes. The columns
 * that only they look at are not in *out. */
static mbar_status filter_rows(const mbar_scan_run *r, mbar_table *table, mbar_table **out,
                               mbar_error *error)
{
    int64_t rows = mbar_table_rows(table);
    if (is_exact(r)) {
        *out = table;
        return MBAR_OK;
    }
    bool several = r->scan->n_filters > 1;
    uint8_t *keep = mbar_alloc((size_t)rows + 1, error);
    uint8_t *next = several ? mbar_alloc((size_t)rows + 1, error) : NULL;
    mbar_status status = keep == NULL || (several && next == NULL) ? MBAR_NOMEM : MBAR_OK;
    if (status == MBAR_OK && r->scan->n_filters == 0) {
        memset(keep, 1, (size_t)rows);
    }
    for (int32_t f = 0; f < r->scan->n_filters && status == MBAR_OK; f++) {
        status = mbar_expr_keep(r->scan->filters[f], table, f == 0 ? keep : next, error);
        for (int64_t i = 0; f > 0 && i < rows && status == MBAR_OK; i++) {
            keep[i] &= next[i];
        }
    }
    if (status != MBAR_OK) {
        mbar_table_unref(table);
    } else {
        if (r->time_name != NULL) {
            keep_times(r, table, keep);
        }
        status = drop_looked_at(r, table, &table, error);
    }
    if (status == MBAR_OK) {
        status = take_kept(table, keep, out, error);
    }
    mbar_free(keep);
    mbar_free(next);
    return status;
}

/* ---- One source --------------------------------------------------------------------------- */

static mbar_status add_piece(mbar_scan_pieces *p, mbar_table *table, mbar_error *error)
{
    void *array = p->tables;
    if (!mbar_resize_array(&array, (size_t)p->n, (size_t)p->n + 1, sizeof *p->tables, error)) {
        mbar_table_unref(table);
        return MBAR_NOMEM;
    }
    p->tables = array;
    p->tables[p->n++] = table;
    p->n_rows += mbar_table_rows(table);
    return MBAR_OK;
}

static void pieces_deinit(mbar_scan_pieces *p)
{
    for (int32_t i = 0; i < p->n; i++) {
        mbar_table_unref(p->tables[i]);
    }
    mbar_free(p->tables);
}

/* The first limit, when reading may stop at it. */
static const mbar_scan_limit *first_limit(const mbar_scan_run *r)
{
    return r->scan->n_limits > 0 ? &r->scan->limits[0] : NULL;
}

/* Cuts a range to at most n_rows, from the end that matters. */
static mbar_window cut(mbar_window range, int64_t n_rows, bool is_tail)
{
    if (range.n_rows > n_rows) {
        range.first += is_tail ? range.n_rows - n_rows : 0;
        range.n_rows = n_rows;
    }
    return range;
}

/* Rows of a file that a read of one range may take at once while a filter thins
 * them out, so that memory is that of what is kept. */
#define STEP_ROWS ((int64_t)1 << 20)

/* Reads one step, filters it, and puts it to the pieces. */
static mbar_status read_step(const mbar_scan_run *r, const mbar_scan_opened *o, mbar_window step,
                             mbar_scan_pieces *p, mbar_read_stats *stats, mbar_error *error)
{
    mbar_table *table = NULL, *kept = NULL;
    mbar_read_stats read = {0};
    mbar_status status = mbar_scan_read_columns(o, r->names, r->n_names, step.first, step.n_rows,
                                                r->n_threads, &table, &read, error);
    if (status == MBAR_OK) {
        stats->rows_read += step.n_rows;
        stats->bytes_read += read.bytes_read;
        status = filter_rows(r, table, &kept, error);
    }
    return status == MBAR_OK ? add_piece(p, kept, error) : status;
}

/* Reads the ranges from the front, or from the back for a tail, until the
 * limit is reached; the pieces are then in that order. */
static mbar_status read_ranges(const mbar_scan_run *r, const mbar_scan_opened *o,
                               const mbar_scan_ranges *set, int64_t wanted, mbar_scan_pieces *p,
                               mbar_read_stats *stats, mbar_error *error)
{
    const mbar_scan_limit *limit = first_limit(r);
    bool back = limit != NULL && limit->is_tail;
    /* A table is in memory already: in one step its rows need not be joined again. */
    int64_t thinned = o->file == NULL && limit == NULL ? INT64_MAX : STEP_ROWS;
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < set->n && status == MBAR_OK; i++) {
        mbar_window range = set->ranges[back ? set->n - 1 - i : i];
        while (range.n_rows > 0 && status == MBAR_OK && p->n_rows < wanted) {
            int64_t most = is_exact(r) ? wanted - p->n_rows : thinned;
            mbar_window step = cut(range, most, back);
            status = read_step(r, o, step, p, stats, error);
            range.n_rows -= step.n_rows;
            range.first += back ? 0 : step.n_rows;
        }
    }
    return status;
}

static mbar_status run_source(const mbar_scan_run *r, int32_t index, int64_t wanted,
                              mbar_error *error)
{
    mbar_scan_opened o = {0};
    mbar_scan_ranges *set = mbar_alloc(sizeof *set, error);
    mbar_read_stats *stats = &r->stats[index];
    mbar_scan_pieces *p = &r->per_source[index];
    mbar_status status = set == NULL ? MBAR_NOMEM : MBAR_OK;
    if (status == MBAR_OK) {
        status = mbar_scan_open_source(&r->scan->sources[index], &o, error);
    }
    if (status == MBAR_OK && index > 0) {
        status = mbar_scan_check_columns(&o, r->first, error);
    }
    if (status == MBAR_OK) {
        set->n = mbar_scan_source_rows(&o) > 0;
        set->ranges[0] = (mbar_window){0, mbar_scan_source_rows(&o)};
        stats->files_present = 1;
        stats->rows_present = mbar_scan_source_rows(&o);
    }
    if (status == MBAR_OK && o.file != NULL) {
        mbar_read_stats present = {0};
        mbar_table *none = NULL;
        status = mbar_parquet_read(o.file, NULL, 0, 0, 0, 1, &none, &present, error);
        mbar_table_unref(none);
        stats->bytes_present = present.bytes_present;
        stats->row_groups_present = present.row_groups_present;
        if (status == MBAR_OK) {
            status = mbar_scan_prune(r, &o, set, stats, error);
        }
    }
    if (status == MBAR_OK) {
        status = read_ranges(r, &o, set, wanted, p, stats, error);
        stats->files_read = stats->rows_read > 0;
        stats->row_groups_read =
            o.file != NULL && stats->rows_read > 0 ? mbar_scan_count_groups(&o, set) : 0;
    }
    mbar_free(set);
    mbar_scan_close_source(&o);
    return status;
}

static mbar_status run_source_task(void *ctx, int64_t i, mbar_error *error)
{
    return run_source(ctx, (int32_t)i, INT64_MAX, error);
}

static mbar_status run_sources(mbar_scan_run *r, mbar_error *error)
{
    const mbar_scan_limit *limit = first_limit(r);
    int32_t n = r->scan->n_sources;
    int32_t threads = r->scan->n_threads > 0 ? r->scan->n_threads : mbar_cpu_count();
    if (limit == NULL && n >= 2 * threads && threads > 1) {
        r->n_threads = 1;
        return mbar_parallel_for(n, threads, run_source_task, r, error);
    }
    int64_t wanted = limit != NULL ? limit->n_rows : INT64_MAX;
    mbar_status status = MBAR_OK;
    r->n_threads = threads;
    for (int32_t i = 0; i < n && status == MBAR_OK; i++) {
        int32_t index = limit != NULL && limit->is_tail ? n - 1 - i : i;
        status = run_source(r, index, wanted, error);
        wanted -= limit != NULL ? r->per_source[index].n_rows : 0;
        wanted = wanted < 0 ? 0 : wanted;
    }
    return status;
}

/* ---- The columns ------------------------------------------------------------------------------
 */

static bool has_name(const mbar_scan_run *r, const char *name)
{
    for (int32_t i = 0; i < r->n_names; i++) {
        if (strcmp(r->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

typedef struct name_adder {
    mbar_scan_run *r;
    const char *missing;
    mbar_status status;
    mbar_error *error;
} name_adder;

static void add_name(void *ctx, const char *name)
{
    name_adder *a = ctx;
    mbar_scan_run *r = a->r;
    if (a->status != MBAR_OK || has_name(r, name)) {
        return;
    }
    if (mbar_table_find(r->first, name) < 0) {
        a->missing = a->missing != NULL ? a->missing : name;
        return;
    }
    void *array = r->names;
    if (!mbar_resize_array(&array, (size_t)r->n_names, (size_t)r->n_names + 1, sizeof *r->names,
                           a->error)) {
        a->status = MBAR_NOMEM;
        return;
    }
    r->names = array;
    r->names[r->n_names++] = name;
}

static bool is_resampled(const char *name)
{
    static const char *const used[] = {"open",   "high",     "low",         "close",
                                       "volume", "dividend", "stock_splits"};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) {
        if (strcasecmp(name, used[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const char *time_name(const mbar_scan_run *r, const char *name, mbar_error *error)
{
    int32_t n = mbar_table_columns(r->first);
    const mbar_field **fields = mbar_alloc_array((size_t)n + 1, sizeof *fields, error);
    if (fields == NULL) {
        return NULL;
    }
    for (int32_t c = 0; c < n; c++) {
        fields[c] = mbar_column_field(mbar_table_column(r->first, c));
    }
    int32_t index = mbar_scan_find_time(fields, n, name);
    const char *found = index >= 0 ? fields[index]->name : NULL;
    bool is_time = index >= 0 && fields[index]->type == MBAR_TYPE_TIMESTAMP;
    mbar_free(fields);
    if (found == NULL && name != NULL) {
        mbar_error_set(error, MBAR_NOTFOUND, "there is no time column '%s'", name);
    } else if (found == NULL) {
        mbar_error_set(error, MBAR_NOTFOUND,
                       "no time column is found (none, or several without a usual name); name it");
    } else if (!is_time) {
        mbar_error_set(error, MBAR_INVALID, "column '%s' is not a timestamp column", found);
        return NULL;
    }
    return found;
}

/* A column that the first source lacks, or has and cannot give. */
static mbar_status missing_column(const mbar_scan_run *r, const char *name, mbar_error *error)
{
    mbar_scan_opened o;
    mbar_table *table = NULL;
    mbar_status status = mbar_scan_open_source(&r->scan->sources[0], &o, error);
    if (status != MBAR_OK) {
        return status;
    }
    if (o.file != NULL && mbar_scan_file_column(o.file, name) >= 0) {
        status = mbar_scan_read_columns(&o, &name, 1, 0, 0, 1, &table, NULL, error);
    } else {
        status = mbar_table_select(r->first, &name, 1, &table, error);
        mbar_error_in_file(error, o.source->name);
    }
    mbar_table_unref(table);
    mbar_scan_close_source(&o);
    return status;
}

/* Settles names: those of the result, then those only looked at. */
static mbar_status choose_names(mbar_scan_run *r, mbar_error *error)
{
    const mbar_scan *scan = r->scan;
    name_adder a = {.r = r, .error = error};
    if (scan->has_between) {
        r->time_name = time_name(r, scan->time_column, error);
        if (r->time_name == NULL) {
            return error != NULL ? error->code : MBAR_NOTFOUND;
        }
    }
    const char *bar_time = NULL;
    if (scan->has_resample) {
        bar_time = time_name(r, scan->series.time_column, error);
        if (bar_time == NULL) {
            return error != NULL ? error->code : MBAR_NOTFOUND;
        }
        add_name(&a, bar_time);
    }
    for (int32_t i = 0; i < scan->n_selected; i++) {
        add_name(&a, scan->selected[i]);
    }
    for (int32_t c = 0; c < mbar_table_columns(r->first) && !scan->has_select; c++) {
        const char *name = mbar_column_field(mbar_table_column(r->first, c))->name;
        if (!scan->has_resample || is_resampled(name)) {
            add_name(&a, name);
        }
    }
    r->n_result = r->n_names;
    for (int32_t i = 0; i < scan->n_filters; i++) {
        mbar_expr_each_column(scan->filters[i], add_name, &a);
    }
    if (r->time_name != NULL) {
        add_name(&a, r->time_name);
    }
    if (a.status == MBAR_OK && a.missing != NULL) {
        return missing_column(r, a.missing, error);
    }
    return a.status;
}

/* ---- The end of it
 * ------------------------------------------------------------------------------- */

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
    const mbar_scan_limit *limit = first_limit(r);
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
            cut((mbar_window){0, rows}, scan->limits[i].n_rows, scan->limits[i].is_tail);
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

static mbar_status finish(const mbar_scan_run *r, mbar_table **out, mbar_error *error)
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

/* ---- Runs
 * ------------------------------------------------------------------------------------------ */

static mbar_status begin(const mbar_scan *scan, mbar_scan_run *r, mbar_error *error)
{
    *r = (mbar_scan_run){.scan = scan, .n_threads = 1};
    if (scan->n_sources == 0) {
        return mbar_error_set(error, MBAR_INVALID, "a scan needs a source: add a path or a table");
    }
    mbar_scan_opened o;
    r->per_source = mbar_alloc_array((size_t)scan->n_sources, sizeof *r->per_source, error);
    r->stats = mbar_alloc_array((size_t)scan->n_sources, sizeof *r->stats, error);
    if (r->per_source == NULL || r->stats == NULL) {
        return MBAR_NOMEM;
    }
    mbar_status status = mbar_scan_open_source(&scan->sources[0], &o, error);
    if (status == MBAR_OK) {
        status = mbar_scan_source_schema(&o, &r->first, error);
        mbar_scan_close_source(&o);
    }
    if (status == MBAR_OK) {
        mbar_error local;
        status = choose_names(r, error != NULL ? error : &local);
    }
    return status;
}

static void end(mbar_scan_run *r)
{
    for (int32_t i = 0; i < r->scan->n_sources && r->per_source != NULL; i++) {
        pieces_deinit(&r->per_source[i]);
    }
    mbar_free(r->per_source);
    mbar_free(r->stats);
    mbar_free(r->names);
    mbar_table_unref(r->first);
}

static void sum_stats(const mbar_scan_run *r, mbar_read_stats *sum)
{
    *sum = (mbar_read_stats){0};
    for (int32_t i = 0; i < r->scan->n_sources; i++) {
        const mbar_read_stats *s = &r->stats[i];
        sum->rows_present += s->rows_present;
        sum->rows_read += s->rows_read;
        sum->bytes_present += s->bytes_present;
        sum->bytes_read += s->bytes_read;
        sum->files_present += s->files_present;
        sum->files_read += s->files_read;
        sum->row_groups_present += s->row_groups_present;
        sum->row_groups_read += s->row_groups_read;
        sum->pages_present += s->pages_present;
        sum->pages_read += s->pages_read;
    }
}

mbar_status mbar_scan_collect(mbar_scan *scan, mbar_table **out, mbar_read_stats *stats,
                              mbar_error *error)
{
    assert(scan != NULL && out != NULL);
    mbar_scan_run r;
    mbar_table *table = NULL;
    mbar_status status = begin(scan, &r, error);
    if (status == MBAR_OK) {
        status = run_sources(&r, error);
    }
    if (status == MBAR_OK) {
        status = finish(&r, &table, error);
    }
    if (status == MBAR_OK) {
        sum_stats(&r, &scan->stats);
        scan->has_run = true;
        if (stats != NULL) {
            *stats = scan->stats;
        }
        *out = table;
    }
    end(&r);
    return status;
}

mbar_status mbar_scan_schema(mbar_scan *scan, mbar_table **out, mbar_error *error)
{
    assert(scan != NULL && out != NULL);
    mbar_scan_run r;
    mbar_status status = begin(scan, &r, error);
    for (int32_t i = 0; i < scan->n_filters && status == MBAR_OK; i++) {
        uint8_t none;
        status = mbar_expr_keep(scan->filters[i], r.first, &none, error);
    }
    if (status == MBAR_OK) {
        status = finish(&r, out, error);
    }
    end(&r);
    return status;
}
