/*
 * scan_run.c - a plan carried out.
 *
 * Every source gives pieces: tables of the needed columns, cut to the rows that
 * the time range and the filters keep. Pieces are laid end to end in source
 * order, then come head and tail, the selection, the resampling (scan_finish.c);
 * or each piece is folded into aggregates as it comes and let go (scan_aggregate.c).
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
#include "base/threads.h"

#include <assert.h>

/* ---- One source ---- */

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

const mbar_scan_limit *mbar_scan_first_limit(const mbar_scan_run *r)
{
    return r->scan->n_limits > 0 ? &r->scan->limits[0] : NULL;
}

mbar_window mbar_scan_cut(mbar_window range, int64_t n_rows, bool is_tail)
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

/* Rows that aggregates take at once, at least and for each thread, up to the end of a
 * row group: no page is then decoded twice. */
#define FOLD_ROWS ((int64_t)1 << 17)

/* Adds the rows of a step that the plan keeps to the aggregates; takes table. */
static mbar_status fold_step(const mbar_scan_run *r, mbar_table *table, mbar_error *error)
{
    uint8_t *keep = NULL;
    mbar_status status =
        mbar_scan_is_exact(r) ? MBAR_OK : mbar_scan_mark_rows(r, table, &keep, error);
    if (status == MBAR_OK) {
        status = mbar_scan_fold_rows(r->fold, table, keep, error);
    }
    mbar_free(keep);
    mbar_table_unref(table);
    return status;
}

/* Reads one step, filters it, and puts it to the pieces or the aggregates. */
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
        if (r->streams) {
            return fold_step(r, table, error);
        }
        status = mbar_scan_filter_rows(r, table, &kept, error);
    }
    return status == MBAR_OK ? add_piece(p, kept, error) : status;
}

/* The most rows of a range to read at once, when `left` more are wanted. */
static int64_t step_rows(const mbar_scan_run *r, const mbar_scan_opened *o, mbar_window range,
                         int64_t left)
{
    if (r->streams) {
        int64_t end = mbar_scan_group_end(o, range.first, FOLD_ROWS * r->n_threads);
        int64_t most = o->file == NULL ? FOLD_ROWS : end - range.first;
        return most > 0 && most < STEP_ROWS ? most : STEP_ROWS;
    }
    /* A table is in memory already: in one step its rows need not be joined again. */
    int64_t thinned = o->file == NULL && mbar_scan_first_limit(r) == NULL ? INT64_MAX : STEP_ROWS;
    return mbar_scan_is_exact(r) ? left : thinned;
}

/* Reads the ranges from the front, or from the back for a tail, until the
 * limit is reached; the pieces are then in that order. */
static mbar_status read_ranges(const mbar_scan_run *r, const mbar_scan_opened *o,
                               const mbar_scan_ranges *set, int64_t wanted, mbar_scan_pieces *p,
                               mbar_read_stats *stats, mbar_error *error)
{
    const mbar_scan_limit *limit = mbar_scan_first_limit(r);
    bool back = limit != NULL && limit->is_tail;
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < set->n && status == MBAR_OK; i++) {
        mbar_window range = set->ranges[back ? set->n - 1 - i : i];
        while (range.n_rows > 0 && status == MBAR_OK && p->n_rows < wanted) {
            int64_t most = step_rows(r, o, range, wanted - p->n_rows);
            mbar_window step = mbar_scan_cut(range, most, back);
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
    const mbar_scan_limit *limit = mbar_scan_first_limit(r);
    int32_t n = r->scan->n_sources;
    int32_t threads = r->scan->n_threads > 0 ? r->scan->n_threads : mbar_cpu_count();
    if (!r->streams && limit == NULL && n >= 2 * threads && threads > 1) {
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

/* ---- Runs ---- */

/* fold is NULL, or what the rows go to. */
static mbar_status begin(const mbar_scan *scan, mbar_scan_fold *fold, mbar_scan_run *r,
                         mbar_error *error)
{
    *r = (mbar_scan_run){.scan = scan, .n_threads = 1, .fold = fold};
    r->streams = fold != NULL && scan->n_limits == 0 && !scan->has_resample;
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
        status = mbar_scan_choose_names(r, error != NULL ? error : &local);
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

/* What was read, for explain and for the caller. */
static void note_stats(const mbar_scan_run *r, mbar_scan *scan, mbar_read_stats *stats)
{
    sum_stats(r, &scan->stats);
    scan->has_run = true;
    if (stats != NULL) {
        *stats = scan->stats;
    }
}

mbar_status mbar_scan_collect(mbar_scan *scan, mbar_table **out, mbar_read_stats *stats,
                              mbar_error *error)
{
    assert(scan != NULL && out != NULL);
    mbar_scan_run r;
    mbar_table *table = NULL;
    mbar_status status = begin(scan, NULL, &r, error);
    if (status == MBAR_OK) {
        status = run_sources(&r, error);
    }
    if (status == MBAR_OK) {
        status = mbar_scan_finish(&r, &table, error);
    }
    if (status == MBAR_OK) {
        note_stats(&r, scan, stats);
        *out = table;
    }
    end(&r);
    return status;
}

/* Aggregates what head, tail and resampling leave, which is a table. */
static mbar_status fold_finished(const mbar_scan_run *r, mbar_table **out, mbar_error *error)
{
    mbar_table *table = NULL;
    mbar_status status = mbar_scan_finish(r, &table, error);
    if (status == MBAR_OK) {
        status = mbar_scan_fold_settle(r->fold, table, error);
    }
    if (status == MBAR_OK) {
        status = mbar_scan_fold_rows(r->fold, table, NULL, error);
    }
    if (status == MBAR_OK) {
        status = mbar_scan_fold_result(r->fold, out, error);
    }
    mbar_table_unref(table);
    return status;
}

mbar_status mbar_scan_aggregate(mbar_scan *scan, const mbar_aggregate *aggregates, int32_t n,
                                mbar_table **out, mbar_read_stats *stats, mbar_error *error)
{
    assert(scan != NULL && out != NULL && n >= 0 && (aggregates != NULL || n == 0));
    mbar_scan_run r;
    mbar_scan_fold *fold = NULL;
    mbar_table *table = NULL;
    mbar_status status = mbar_scan_fold_new(aggregates, n, &fold, error);
    if (status != MBAR_OK) {
        return status;
    }
    status = begin(scan, fold, &r, error);
    if (status == MBAR_OK && r.streams) {
        status = mbar_scan_fold_settle(fold, r.first, error);
    }
    if (status == MBAR_OK) {
        status = run_sources(&r, error);
    }
    if (status == MBAR_OK) {
        status = r.streams ? mbar_scan_fold_result(fold, &table, error)
                           : fold_finished(&r, &table, error);
    }
    if (status == MBAR_OK) {
        note_stats(&r, scan, stats);
        *out = table;
    }
    end(&r);
    mbar_scan_fold_free(fold);
    return status;
}

mbar_status mbar_scan_schema(mbar_scan *scan, mbar_table **out, mbar_error *error)
{
    assert(scan != NULL && out != NULL);
    mbar_scan_run r;
    mbar_status status = begin(scan, NULL, &r, error);
    for (int32_t i = 0; i < scan->n_filters && status == MBAR_OK; i++) {
        uint8_t none;
        status = mbar_expr_keep(scan->filters[i], r.first, &none, error);
    }
    if (status == MBAR_OK) {
        status = mbar_scan_finish(&r, out, error);
    }
    end(&r);
    return status;
}
