/*
 * series_rows.c - a table's rows made ready for a series.
 *
 * The stages, each of which leaves alone what it need not change, so that a
 * sorted, zoned table of nanosecond opens is taken over without a copy:
 *
 *   find    the time column
 *   read    its values as nanoseconds; no nulls
 *   place   a wall clock without a zone in assume_zone, the earlier of two
 *   order   sort (stable) where asked, then drop or refuse equal times
 *   shift   closes to opens
 *   finish  the table in the new order, its time column rewritten where the
 *           instants in it changed
 *
 * Cost O(n), and O(n log n) for rows that must be sorted.
 */
#include "market/series.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "market/columns.h"
#include "market/zone.h"
#include "table/buffer.h"

#include <assert.h>
#include <string.h>

/* State between the stages; everything in it is released by work_deinit. */
typedef struct work {
    const mbar_series_options *options;
    mbar_table *source;   /* borrowed */
    mbar_column *column;  /* the time column in nanoseconds */
    mbar_buffer *values;  /* our own times, or NULL: column's */
    const int64_t *times; /* n of them */
    int64_t n;
    int64_t *order; /* rows of source, or NULL: all, as they stand */
    int32_t time_column;
    int64_t period_ns;
    bool instants_changed; /* by place or shift */
} work;

static void work_deinit(work *w)
{
    mbar_column_unref(w->column);
    mbar_buffer_unref(w->values);
    mbar_free(w->order);
}

static mbar_status invalid_at(mbar_error *error, int64_t row)
{
    if (error != NULL) {
        error->row = row;
    }
    return MBAR_INVALID;
}

/* ---- Find ------------------------------------------------------------------ */

static const mbar_field *field_of(const mbar_table *table, int32_t i)
{
    return mbar_column_field(mbar_table_column(table, i));
}

static mbar_status find_named(work *w, const char *name, mbar_error *error)
{
    int32_t i = mbar_table_find(w->source, name);
    if (i < 0) {
        return mbar_error_set(error, MBAR_NOTFOUND, "no time column \"%.100s\" in the table", name);
    }
    if (field_of(w->source, i)->type != MBAR_TYPE_TIMESTAMP) {
        return mbar_error_set(error, MBAR_INVALID,
                              "time column \"%.100s\" is %s; cast it to timestamp first", name,
                              mbar_type_name(field_of(w->source, i)->type));
    }
    w->time_column = i;
    return MBAR_OK;
}

static mbar_status find_usual(work *w, mbar_error *error)
{
    static const char *const usual[] = {"timestamp", "datetime", "time", "date"};
    int32_t n_timestamps = 0;
    for (int32_t i = 0; i < mbar_table_columns(w->source); i++) {
        if (field_of(w->source, i)->type == MBAR_TYPE_TIMESTAMP) {
            w->time_column = i;
            n_timestamps++;
        }
    }
    if (n_timestamps == 1) {
        return MBAR_OK;
    }
    for (size_t k = 0; k < sizeof usual / sizeof usual[0]; k++) {
        for (int32_t i = 0; i < mbar_table_columns(w->source); i++) {
            const mbar_field *field = field_of(w->source, i);
            if (field->type == MBAR_TYPE_TIMESTAMP && mbar_same_any_case(field->name, usual[k])) {
                w->time_column = i;
                return MBAR_OK;
            }
        }
    }
    return mbar_error_set(error, MBAR_NOTFOUND,
                          n_timestamps == 0
                              ? "the table has no timestamp column; cast one or name it"
                              : "the table has several timestamp columns, none of them called "
                                "timestamp, datetime, time or date; name the one that is the time");
}

/* ---- Read and place ----------------------------------------------------------- */

static mbar_status read_times(work *w, mbar_error *error)
{
    mbar_column *column = mbar_table_column(w->source, w->time_column);
    w->n = mbar_column_rows(column);
    int64_t n_nulls = mbar_column_nulls(column);
    for (int64_t i = 0; n_nulls > 0 && i < w->n; i++) {
        if (!mbar_column_is_valid(column, i)) {
            mbar_error_set(error, MBAR_INVALID,
                           "time column \"%.100s\" is null in row %lld; every bar needs a time",
                           mbar_column_field(column)->name, (long long)i);
            return invalid_at(error, i);
        }
    }
    mbar_status status =
        mbar_column_cast(column, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, &w->column, error);
    if (status == MBAR_OK) {
        w->times = mbar_column_values(w->column);
    }
    return status;
}

/* Makes w->values, if it is not there yet, so that times can be written. */
static mbar_status own_times(work *w, int64_t **out, mbar_error *error)
{
    if (w->values == NULL) {
        size_t n_bytes = (size_t)w->n * sizeof(int64_t);
        mbar_buffer *values;
        mbar_status status = mbar_buffer_new_uninit(n_bytes, &values, error);
        if (status != MBAR_OK) {
            return status;
        }
        if (w->n > 0) {
            memcpy(mbar_buffer_writable(values), w->times, n_bytes);
        }
        w->values = values;
        w->times = mbar_buffer_data(values);
    }
    *out = mbar_buffer_writable(w->values);
    return MBAR_OK;
}

/* A wall clock this far inside a span is shown by that span alone. */
#define CLEAR_OF_CHANGES_NS (27 * MBAR_HOUR_NS)

static bool inside(const mbar_zone_cursor *cursor, int64_t ns)
{
    return ns >= cursor->first_ns && ns <= cursor->last_ns &&
           (uint64_t)ns - (uint64_t)cursor->first_ns > (uint64_t)CLEAR_OF_CHANGES_NS &&
           (uint64_t)cursor->last_ns - (uint64_t)ns > (uint64_t)CLEAR_OF_CHANGES_NS;
}

static mbar_status place_times(work *w, mbar_error *error)
{
    const mbar_zone *zone = w->options->assume_zone;
    const mbar_field *field = mbar_column_field(w->column);
    if (field->zone != NULL) {
        return MBAR_OK;
    }
    if (zone == NULL) {
        return mbar_error_set(error, MBAR_INVALID,
                              "time column \"%.100s\" has no time zone; say which one its wall "
                              "clock is in (assume_zone)",
                              field->name);
    }
    int64_t *times;
    mbar_status status = own_times(w, &times, error);
    mbar_zone_cursor cursor = {zone, 1, 0, 0};
    for (int64_t i = 0; i < w->n && status == MBAR_OK; i++) {
        int64_t ns;
        if (mbar_add_i64(times[i], -cursor.offset_ns, &ns) && inside(&cursor, ns)) {
            times[i] = ns;
            continue;
        }
        status = mbar_zone_from_local(zone, times[i], MBAR_FOLD_EARLIER, &ns, error);
        if (status != MBAR_OK) {
            return invalid_at(error, i);
        }
        mbar_zone_cursor_seek(&cursor, ns);
        times[i] = ns;
    }
    w->instants_changed = true;
    return status;
}

/* ---- Order -------------------------------------------------------------------- */

/* Merges the runs [a, b) and [b, c) of from into to, the left one first where equal. */
static void merge(const int64_t *times, const int64_t *from, int64_t a, int64_t b, int64_t c,
                  int64_t *to)
{
    int64_t i = a, j = b;
    for (int64_t k = a; k < c; k++) {
        bool left = i < b && (j >= c || times[from[i]] <= times[from[j]]);
        to[k] = left ? from[i++] : from[j++];
    }
}

/* A stable order of rows by time: bottom-up merge sort. */
static mbar_status sort_rows(work *w, mbar_error *error)
{
    int64_t n = w->n;
    int64_t *from = mbar_alloc_array((size_t)n, sizeof *from, error);
    int64_t *to = mbar_alloc_array((size_t)n, sizeof *to, error);
    if (from == NULL || to == NULL) {
        mbar_free(from);
        mbar_free(to);
        return MBAR_NOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        from[i] = i;
    }
    for (int64_t width = 1; width<n; width = width> n / 2 ? n : width * 2) {
        for (int64_t a = 0; a < n;) {
            int64_t b = width < n - a ? a + width : n;
            int64_t c = width < n - b ? b + width : n;
            merge(w->times, from, a, b, c, to);
            a = c;
        }
        int64_t *swapped = from;
        from = to;
        to = swapped;
    }
    mbar_free(to);
    w->order = from;
    return MBAR_OK;
}

/* The first row not later than the one before it; n for none. */
static int64_t first_fall(const int64_t *times, int64_t n, bool equal_counts)
{
    for (int64_t i = 1; i < n; i++) {
        if (times[i] < times[i - 1] || (equal_counts && times[i] == times[i - 1])) {
            return i;
        }
    }
    return n;
}

static mbar_status refuse_row(const work *w, int64_t row, const char *what, mbar_error *error)
{
    char text[40];
    mbar_time_format(w->times[row], text, sizeof text);
    mbar_error_set(error, MBAR_INVALID, "time column \"%.100s\", row %lld: %s %s",
                   mbar_column_field(w->column)->name, (long long)row, text, what);
    return invalid_at(error, row);
}

/* Drops all but the first or last of equal times from order; returns how many stay. */
static int64_t drop_duplicates(const work *w)
{
    bool keep_last = w->options->duplicates == MBAR_DUPLICATES_KEEP_LAST;
    int64_t n_kept = 0;
    for (int64_t i = 0; i < w->n; i++) {
        int64_t row = w->order[i];
        bool repeats = n_kept > 0 && w->times[w->order[n_kept - 1]] == w->times[row];
        if (!repeats) {
            w->order[n_kept++] = row;
        } else if (keep_last) {
            w->order[n_kept - 1] = row;
        }
    }
    return n_kept;
}

/* The first two equal times of a sorted order; the later row of them, or -1. */
static int64_t first_duplicate(const work *w)
{
    for (int64_t i = 1; i < w->n; i++) {
        if (w->times[w->order[i]] == w->times[w->order[i - 1]]) {
            return w->order[i];
        }
    }
    return -1;
}

static mbar_status apply_order(work *w, int64_t n_kept, mbar_error *error)
{
    mbar_buffer *values;
    mbar_status status = mbar_buffer_new_uninit((size_t)n_kept * sizeof(int64_t), &values, error);
    if (status != MBAR_OK) {
        return status;
    }
    int64_t *times = mbar_buffer_writable(values);
    for (int64_t i = 0; i < n_kept; i++) {
        times[i] = w->times[w->order[i]];
    }
    mbar_buffer_unref(w->values);
    w->values = values;
    w->times = times;
    w->n = n_kept;
    return MBAR_OK;
}

static mbar_status order_times(work *w, mbar_error *error)
{
    if (first_fall(w->times, w->n, true) == w->n) {
        return MBAR_OK;
    }
    int64_t fall = first_fall(w->times, w->n, false);
    if (fall < w->n && !w->options->sort) {
        return refuse_row(w, fall, "is earlier than the row before; ask for sorting", error);
    }
    mbar_status status = sort_rows(w, error);
    if (status != MBAR_OK) {
        return status;
    }
    int64_t repeated = first_duplicate(w);
    if (repeated >= 0 && w->options->duplicates == MBAR_DUPLICATES_REFUSE) {
        return refuse_row(w, repeated,
                          "is there twice; drop one, or say which to keep (duplicates)", error);
    }
    return apply_order(w, drop_duplicates(w), error);
}

/* ---- Shift and finish ------------------------------------------------------------ */

static mbar_status shift_closes(work *w, mbar_error *error)
{
    if (w->options->label != MBAR_LABEL_CLOSE || w->n == 0) {
        return MBAR_OK;
    }
    mbar_status status = MBAR_OK;
    if (w->period_ns == 0) {
        status = mbar_spacing(w->times, w->n, NULL, &w->period_ns, NULL, error);
    }
    if (status == MBAR_OK && w->period_ns == 0) {
        return mbar_error_set(error, MBAR_INVALID,
                              "one bar labelled by its close tells no period; give period_ns");
    }
    int64_t first;
    if (status == MBAR_OK && !mbar_add_i64(w->times[0], -w->period_ns, &first)) {
        return refuse_row(w, 0, "less the period lies before the year 1677", error);
    }
    int64_t *times;
    if (status == MBAR_OK) {
        status = own_times(w, &times, error);
    }
    for (int64_t i = 0; i < w->n && status == MBAR_OK; i++) {
        times[i] -= w->period_ns;
    }
    w->instants_changed = true;
    return status;
}

/* table with its time column rewritten from w->times; takes table over. */
static mbar_status rewrite_times(const work *w, mbar_table **table, mbar_error *error)
{
    const mbar_field *field = field_of(w->source, w->time_column);
    const char *zone = field->zone != NULL ? field->zone : mbar_zone_name(w->options->assume_zone);
    mbar_column *column;
    mbar_table *rewritten;
    mbar_status status =
        mbar_time_column_new(field, field->unit, zone, w->times, w->n, &column, error);
    if (status != MBAR_OK) {
        return status;
    }
    status = mbar_table_replace(*table, w->time_column, column, &rewritten, error);
    mbar_column_unref(column);
    if (status == MBAR_OK) {
        mbar_table_unref(*table);
        *table = rewritten;
    }
    return status;
}

static mbar_status finish(work *w, mbar_ready_rows *out, mbar_error *error)
{
    mbar_table *table = NULL;
    mbar_status status = MBAR_OK;
    if (w->order != NULL) {
        status = mbar_table_take(w->source, w->order, w->n, &table, error);
    } else {
        table = mbar_table_ref(w->source);
    }
    if (status == MBAR_OK && w->instants_changed) {
        status = rewrite_times(w, &table, error);
    }
    if (status != MBAR_OK) {
        mbar_table_unref(table);
        return status;
    }
    *out = (mbar_ready_rows){.table = table,
                             .time_column = w->time_column,
                             .times = w->times,
                             .period_ns = w->period_ns};
    if (field_of(table, w->time_column)->unit == MBAR_UNIT_NS) {
        out->times = mbar_column_values(mbar_table_column(table, w->time_column));
    } else if (w->values != NULL) {
        out->time_values = w->values;
        w->values = NULL;
    } else {
        out->time_cast = w->column;
        w->column = NULL;
    }
    return MBAR_OK;
}

mbar_status mbar_series_prepare(mbar_table *table, const mbar_series_options *options,
                                mbar_ready_rows *out, mbar_error *error)
{
    work w = {.options = options, .source = table, .period_ns = options->period_ns};
    mbar_status status = options->time_column != NULL ? find_named(&w, options->time_column, error)
                                                      : find_usual(&w, error);
    if (status == MBAR_OK) {
        status = read_times(&w, error);
    }
    if (status == MBAR_OK) {
        status = place_times(&w, error);
    }
    if (status == MBAR_OK) {
        status = order_times(&w, error);
    }
    if (status == MBAR_OK) {
        status = shift_closes(&w, error);
    }
    if (status == MBAR_OK) {
        status = finish(&w, out, error);
    }
    work_deinit(&w);
    return status;
}
