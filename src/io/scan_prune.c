/*
 * scan_prune.c - the rows of a file that a plan may need.
 *
 * Starts from all rows and takes the ranges that the page index leaves of each
 * column that the time range or a filter bounds, and the row groups whose
 * statistics every filter can pass. Errs by keeping.
 */
#include "io/scan_internal.h"

#include "base/checked.h"

#include <string.h>

/* Rows in both. One range more than fits widens the last. */
static void intersect(mbar_scan_ranges *set, const mbar_scan_ranges *other)
{
    mbar_scan_ranges both;
    both.n = 0;
    for (int32_t i = 0, j = 0; i < set->n && j < other->n;) {
        mbar_window a = set->ranges[i], b = other->ranges[j];
        int64_t a_end = a.first + a.n_rows, b_end = b.first + b.n_rows;
        int64_t first = a.first > b.first ? a.first : b.first;
        int64_t end = a_end < b_end ? a_end : b_end;
        if (first < end && both.n < MBAR_SCAN_MAX_RANGES) {
            both.ranges[both.n++] = (mbar_window){first, end - first};
        } else if (first < end) {
            both.ranges[both.n - 1].n_rows = end - both.ranges[both.n - 1].first;
        }
        i += a_end <= b_end;
        j += b_end <= a_end;
    }
    *set = both;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

void mbar_scan_unit_range(const mbar_scan *scan, int64_t unit_ns, int64_t *lo, int64_t *hi)
{
    *lo = INT64_MIN;
    *hi = INT64_MAX;
    if (scan->from_ns >= scan->to_ns) {
        *lo = INT64_MAX;
        *hi = INT64_MIN;
        return;
    }
    if (scan->from_ns != INT64_MIN) {
        /* Rounded up: the first stamp at or after from. */
        int64_t down = floor_div(scan->from_ns, unit_ns);
        *lo = down + (scan->from_ns % unit_ns != 0);
    }
    if (scan->to_ns != INT64_MAX) {
        *hi = floor_div(scan->to_ns - 1, unit_ns);
    }
}

/* The same, narrowed by what the filters say of the column. */
static void column_range(const mbar_scan_run *r, const mbar_field *field, int64_t *lo, int64_t *hi)
{
    bool is_time = field->type == MBAR_TYPE_TIMESTAMP;
    int64_t unit_ns = is_time ? mbar_unit_ns(field->unit) : 1;
    int64_t filter_lo = INT64_MIN, filter_hi = INT64_MAX;
    *lo = INT64_MIN;
    *hi = INT64_MAX;
    if (r->time_name != NULL && strcmp(r->time_name, field->name) == 0) {
        mbar_scan_unit_range(r->scan, unit_ns, lo, hi);
    }
    for (int32_t i = 0; i < r->scan->n_filters; i++) {
        mbar_expr_int_range(r->scan->filters[i], field->name, is_time, &filter_lo, &filter_hi);
    }
    /* Both rounded outwards: a coarser stamp may still lie inside. */
    int64_t low = filter_lo == INT64_MIN ? INT64_MIN : floor_div(filter_lo, unit_ns);
    int64_t high = filter_hi == INT64_MAX ? INT64_MAX : floor_div(filter_hi, unit_ns);
    *lo = low > *lo ? low : *lo;
    *hi = high < *hi ? high : *hi;
}

static mbar_status prune_pages(const mbar_scan_run *r, const mbar_scan_opened *o,
                               mbar_scan_ranges *set, mbar_read_stats *stats, mbar_error *error)
{
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < r->n_names && status == MBAR_OK; i++) {
        int32_t column = mbar_scan_file_column(o->file, r->names[i]);
        if (column < 0) {
            continue;
        }
        bool supported = false;
        const mbar_field *field = mbar_parquet_field(o->file, column, &supported);
        bool ordered = field->type == MBAR_TYPE_INT32 || field->type == MBAR_TYPE_INT64 ||
                       field->type == MBAR_TYPE_UINT64 || field->type == MBAR_TYPE_TIMESTAMP;
        int64_t lo, hi;
        column_range(r, field, &lo, &hi);
        if (!supported || !ordered || (lo == INT64_MIN && hi == INT64_MAX)) {
            continue;
        }
        mbar_scan_ranges found;
        status = mbar_parquet_prune(o->file, column, lo, hi, found.ranges, MBAR_SCAN_MAX_RANGES,
                                    &found.n, stats, error);
        if (status == MBAR_OK) {
            intersect(set, &found);
        }
    }
    return status;
}

typedef struct group_bounds {
    const mbar_scan_opened *opened;
    int32_t group;
} group_bounds;

/* Bounds of a column in one row group; for mbar_expr_may_be_true. */
static bool bounds_of(void *ctx, const char *name, mbar_bounds *out)
{
    const group_bounds *g = ctx;
    int32_t column = mbar_scan_file_column(g->opened->file, name);
    mbar_parquet_chunk chunk;
    bool supported = false;
    if (column < 0) {
        return false;
    }
    const mbar_field *field = mbar_parquet_field(g->opened->file, column, &supported);
    if (!supported ||
        mbar_parquet_chunk_info(g->opened->file, g->group, column, &chunk, NULL) != MBAR_OK) {
        return false;
    }
    *out = (mbar_bounds){
        .known = chunk.has_min_max,
        .is_float = field->type == MBAR_TYPE_FLOAT64 || field->type == MBAR_TYPE_FLOAT32,
        .is_time = field->type == MBAR_TYPE_TIMESTAMP,
        .is_number = field->type == MBAR_TYPE_INT32 || field->type == MBAR_TYPE_INT64 ||
                     field->type == MBAR_TYPE_UINT64,
        .may_be_null = chunk.n_nulls != 0,
        .may_be_valid = chunk.n_nulls < chunk.n_rows,
        .min_int = chunk.min_int,
        .max_int = chunk.max_int,
        .min_float = chunk.min_float,
        .max_float = chunk.max_float};
    if (out->is_time) {
        int64_t unit_ns = mbar_unit_ns(field->unit);
        out->known = out->known && mbar_mul_i64(out->min_int, unit_ns, &out->min_int) &&
                     mbar_mul_i64(out->max_int, unit_ns, &out->max_int);
    }
    return true;
}

static bool group_may_pass(const mbar_scan_run *r, const mbar_scan_opened *o, int32_t group)
{
    group_bounds g = {o, group};
    for (int32_t i = 0; i < r->scan->n_filters; i++) {
        if (!mbar_expr_may_be_true(r->scan->filters[i], bounds_of, &g)) {
            return false;
        }
    }
    return true;
}

static int64_t group_rows(const mbar_parquet *file, int32_t group)
{
    mbar_parquet_chunk chunk;
    if (mbar_parquet_columns(file) == 0 ||
        mbar_parquet_chunk_info(file, group, 0, &chunk, NULL) != MBAR_OK) {
        return -1;
    }
    return chunk.n_rows;
}

/* Leaves out row groups that no filter passes. */
static void prune_groups(const mbar_scan_run *r, const mbar_scan_opened *o, mbar_scan_ranges *set)
{
    mbar_scan_ranges passing;
    passing.n = 0;
    int64_t first = 0;
    for (int32_t g = 0; g < mbar_parquet_row_groups(o->file); g++) {
        int64_t rows = group_rows(o->file, g);
        if (rows < 0) {
            return; /* a damaged chunk: the read will tell */
        }
        mbar_window *last = passing.n > 0 ? &passing.ranges[passing.n - 1] : NULL;
        if (rows > 0 && group_may_pass(r, o, g)) {
            if (last != NULL &&
                (last->first + last->n_rows == first || passing.n == MBAR_SCAN_MAX_RANGES)) {
                last->n_rows = first + rows - last->first;
            } else {
                passing.ranges[passing.n++] = (mbar_window){first, rows};
            }
        }
        first += rows;
    }
    intersect(set, &passing);
}

int32_t mbar_scan_count_groups(const mbar_scan_opened *o, const mbar_scan_ranges *set)
{
    int32_t n = 0;
    int64_t first = 0;
    for (int32_t g = 0, i = 0; g < mbar_parquet_row_groups(o->file); g++) {
        int64_t end = first + (group_rows(o->file, g) > 0 ? group_rows(o->file, g) : 0);
        while (i < set->n && set->ranges[i].first + set->ranges[i].n_rows <= first) {
            i++;
        }
        n += i < set->n && set->ranges[i].first < end && first < end;
        first = end;
    }
    return n;
}

int64_t mbar_scan_group_end(const mbar_scan_opened *o, int64_t row, int64_t n_rows)
{
    int64_t all = mbar_scan_source_rows(o), end = 0;
    for (int32_t g = 0; o->file != NULL && g < mbar_parquet_row_groups(o->file); g++) {
        int64_t rows = group_rows(o->file, g);
        end += rows > 0 ? rows : 0;
        if (end - row >= n_rows) {
            return end < all ? end : all;
        }
    }
    return all;
}

mbar_status mbar_scan_prune(const mbar_scan_run *r, const mbar_scan_opened *o,
                            mbar_scan_ranges *set, mbar_read_stats *stats, mbar_error *error)
{
    mbar_status status = prune_pages(r, o, set, stats, error);
    if (status == MBAR_OK && r->scan->n_filters > 0) {
        prune_groups(r, o, set);
    }
    return status;
}
