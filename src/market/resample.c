/*
 * resample.c - bars of a longer step, with pandas' bits.
 *
 * Rows are put in buckets (buckets.c), each aggregated column is reduced bucket
 * by bucket, and buckets with NaN in any of them are dropped, as
 * df.resample(...).agg(...).dropna() does in pandas 2.3.3:
 *
 *   - first, last, max, min pass over NaN; the first of equal values wins, so
 *     the sign of a zero is that of the first;
 *   - a sum of floats is compensated (Kahan) in the column's own precision, the
 *     compensation set back to 0 where an infinity makes it NaN; a sum of
 *     integers wraps;
 *   - integers stay integers, except that the other aggregates become float64
 *     where a bucket between the first and the last has no rows, and a sum of
 *     int32 becomes int64 where it does not fit; null integers make the column
 *     float64 first.
 *
 * Cost O(rows x columns). The series is only read.
 */
#include "base/alloc.h"
#include "base/checked.h"
#include "market/buckets.h"
#include "market/columns.h"
#include "market/series.h"
#include "table/buffer.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define N_AGGREGATES 7

static const struct aggregate {
    const char *name;
    mbar_agg agg;
    bool any_case;
} aggregates[N_AGGREGATES] = {
    {"open", MBAR_AGG_FIRST, true},        {"high", MBAR_AGG_MAX, true},
    {"low", MBAR_AGG_MIN, true},           {"close", MBAR_AGG_LAST, true},
    {"volume", MBAR_AGG_SUM, true},        {"dividend", MBAR_AGG_SUM, false},
    {"stock_splits", MBAR_AGG_MAX, false},
};

/* ---- Kernels ----------------------------------------------------------------------- */

/* The value of n >= 1 rows. Comparisons with NaN are false, so an extreme passes over it; one
 * still at its start is looked at again, for there may be nothing but NaN. */
#define FLOAT_KERNELS(type, suffix)                                \
    static type first_##suffix(const type *v, int64_t n)           \
    {                                                              \
        int64_t i = 0;                                             \
        while (i < n - 1 && isnan(v[i])) {                         \
            i++;                                                   \
        }                                                          \
        return v[i];                                               \
    }                                                              \
    static type last_##suffix(const type *v, int64_t n)            \
    {                                                              \
        int64_t i = n - 1;                                         \
        while (i > 0 && isnan(v[i])) {                             \
            i--;                                                   \
        }                                                          \
        return v[i];                                               \
    }                                                              \
    static type max_##suffix(const type *v, int64_t n)             \
    {                                                              \
        type found = -INFINITY;                                    \
        for (int64_t i = 0; i < n; i++) {                          \
            found = v[i] > found ? v[i] : found;                   \
        }                                                          \
        return found == -INFINITY ? first_##suffix(v, n) : found;  \
    }                                                              \
    static type min_##suffix(const type *v, int64_t n)             \
    {                                                              \
        type found = INFINITY;                                     \
        for (int64_t i = 0; i < n; i++) {                          \
            found = v[i] < found ? v[i] : found;                   \
        }                                                          \
        return found == INFINITY ? first_##suffix(v, n) : found;   \
    }                                                              \
    static type sum_##suffix(const type *v, int64_t n)             \
    {                                                              \
        type sum = 0, compensation = 0;                            \
        for (int64_t i = 0; i < n; i++) {                          \
            if (isnan(v[i])) {                                     \
                continue;                                          \
            }                                                      \
            type y = v[i] - compensation;                          \
            type t = sum + y;                                      \
            compensation = t - sum - y;                            \
            compensation = isnan(compensation) ? 0 : compensation; \
            sum = t;                                               \
        }                                                          \
        return sum;                                                \
    }
FLOAT_KERNELS(double, f64)
FLOAT_KERNELS(float, f32)

/* As 64 bits; a sum is unsigned, so that it wraps. */
#define INTEGER_KERNELS(type, suffix)                        \
    static uint64_t first_##suffix(const type *v, int64_t n) \
    {                                                        \
        (void)n;                                             \
        return (uint64_t)v[0];                               \
    }                                                        \
    static uint64_t last_##suffix(const type *v, int64_t n)  \
    {                                                        \
        return (uint64_t)v[n - 1];                           \
    }                                                        \
    static uint64_t max_##suffix(const type *v, int64_t n)   \
    {                                                        \
        type found = v[0];                                   \
        for (int64_t i = 1; i < n; i++) {                    \
            found = v[i] > found ? v[i] : found;             \
        }                                                    \
        return (uint64_t)found;                              \
    }                                                        \
    static uint64_t min_##suffix(const type *v, int64_t n)   \
    {                                                        \
        type found = v[0];                                   \
        for (int64_t i = 1; i < n; i++) {                    \
            found = v[i] < found ? v[i] : found;             \
        }                                                    \
        return (uint64_t)found;                              \
    }                                                        \
    static uint64_t sum_##suffix(const type *v, int64_t n)   \
    {                                                        \
        uint64_t sum = 0;                                    \
        for (int64_t i = 0; i < n; i++) {                    \
            sum += (uint64_t)v[i];                           \
        }                                                    \
        return sum;                                          \
    }
INTEGER_KERNELS(int32_t, i32)
INTEGER_KERNELS(int64_t, i64)
INTEGER_KERNELS(uint64_t, u64)

/* One aggregated column: a value a bucket, 8 bytes each, in the kernel's type. */
typedef union cell {
    double f64;
    float f32;
    int64_t i64;
    uint64_t u64;
} cell;

typedef struct reduced {
    const char *name;
    mbar_type type;      /* of the values as they will be written */
    mbar_buffer *buffer; /* of the cells: the column's, where all buckets stay */
    cell *cells;
} reduced;

/* field of each bucket's cell = kernel of its values */
#define EACH_BUCKET(kernel, field)                       \
    for (int64_t k = 0; k < buckets->n; k++) {           \
        int64_t first = buckets->items[k].first;         \
        int64_t n = buckets->items[k + 1].first - first; \
        cells[k].field = kernel(v + (first - from), n);  \
    }                                                    \
    break

/* Reduces values, whose first is row `from`, bucket by bucket. */
#define REDUCE(type, suffix, field)                                        \
    static void reduce_##suffix(const type *v, int64_t from, mbar_agg agg, \
                                const mbar_buckets *buckets, cell *cells)  \
    {                                                                      \
        switch (agg) {                                                     \
        case MBAR_AGG_FIRST:                                               \
            EACH_BUCKET(first_##suffix, field);                            \
        case MBAR_AGG_LAST:                                                \
            EACH_BUCKET(last_##suffix, field);                             \
        case MBAR_AGG_MAX:                                                 \
            EACH_BUCKET(max_##suffix, field);                              \
        case MBAR_AGG_MIN:                                                 \
            EACH_BUCKET(min_##suffix, field);                              \
        default:                                                           \
            EACH_BUCKET(sum_##suffix, field);                              \
        }                                                                  \
    }
REDUCE(double, f64, f64)
REDUCE(float, f32, f32)
REDUCE(int32_t, i32, u64)
REDUCE(int64_t, i64, u64)
REDUCE(uint64_t, u64, u64)

static void reduce(const mbar_column *column, int64_t from, mbar_agg agg,
                   const mbar_buckets *buckets, cell *cells)
{
    const void *values = mbar_column_values(column);
    switch (mbar_column_field(column)->type) {
    case MBAR_TYPE_FLOAT64:
        reduce_f64(values, from, agg, buckets, cells);
        break;
    case MBAR_TYPE_FLOAT32:
        reduce_f32(values, from, agg, buckets, cells);
        break;
    case MBAR_TYPE_INT32:
        reduce_i32(values, from, agg, buckets, cells);
        break;
    case MBAR_TYPE_INT64:
        reduce_i64(values, from, agg, buckets, cells);
        break;
    default:
        reduce_u64(values, from, agg, buckets, cells);
    }
}

/* ---- Columns ----------------------------------------------------------------------- */

/* The rows of window of a number column, null-free: integers with nulls as
 * doubles, null floats as NaN. */
static mbar_status plain_column(mbar_column *column, mbar_window window, mbar_column **out,
                                mbar_error *error)
{
    const mbar_field *field = mbar_column_field(column);
    if (!mbar_type_is_number(field->type)) {
        return mbar_error_set(error, MBAR_INVALID,
                              "column \"%.100s\" is %s; cast it to a number to resample it",
                              field->name, mbar_type_name(field->type));
    }
    mbar_column *rows;
    mbar_status status = mbar_column_slice(column, window.first, window.n_rows, &rows, error);
    if (status != MBAR_OK || mbar_column_nulls(rows) == 0) {
        if (status == MBAR_OK) {
            *out = rows;
        }
        return status;
    }
    mbar_column *floats = NULL;
    if (field->type == MBAR_TYPE_FLOAT32) {
        floats = mbar_column_ref(rows);
    } else {
        status = mbar_column_cast(rows, MBAR_TYPE_FLOAT64, MBAR_UNIT_NS, &floats, error);
    }
    if (status == MBAR_OK) {
        status = mbar_column_nulls_to_nan(floats, out, error);
    }
    mbar_column_unref(floats);
    mbar_column_unref(rows);
    return status;
}

/* Gives integers the type pandas gives them (see above). */
static void settle_type(reduced *r, mbar_agg agg, const mbar_buckets *buckets)
{
    if (r->type == MBAR_TYPE_FLOAT64 || r->type == MBAR_TYPE_FLOAT32) {
        return;
    }
    if (agg != MBAR_AGG_SUM && buckets->has_gaps) {
        for (int64_t k = 0; k < buckets->n; k++) {
            bool is_unsigned = r->type == MBAR_TYPE_UINT64;
            r->cells[k].f64 = is_unsigned ? (double)r->cells[k].u64 : (double)r->cells[k].i64;
        }
        r->type = MBAR_TYPE_FLOAT64;
        return;
    }
    for (int64_t k = 0; k < buckets->n && r->type == MBAR_TYPE_INT32; k++) {
        if (r->cells[k].i64 < INT32_MIN || r->cells[k].i64 > INT32_MAX) {
            r->type = MBAR_TYPE_INT64;
        }
    }
}

static mbar_status reduce_column(mbar_column *column, mbar_agg agg, mbar_window window,
                                 const mbar_buckets *buckets, reduced *out, mbar_error *error)
{
    mbar_column *plain;
    mbar_status status = plain_column(column, window, &plain, error);
    if (status != MBAR_OK) {
        return status;
    }
    status = mbar_buffer_new_uninit((size_t)buckets->n * sizeof(cell), &out->buffer, error);
    if (status != MBAR_OK) {
        mbar_column_unref(plain);
        return status;
    }
    out->cells = mbar_buffer_writable(out->buffer);
    out->name = mbar_column_field(column)->name;
    out->type = mbar_column_field(plain)->type;
    reduce(plain, window.first, agg, buckets, out->cells);
    settle_type(out, agg, buckets);
    mbar_column_unref(plain);
    return MBAR_OK;
}

static bool is_nan(const reduced *r, int64_t k)
{
    return (r->type == MBAR_TYPE_FLOAT64 && isnan(r->cells[k].f64)) ||
           (r->type == MBAR_TYPE_FLOAT32 && isnan(r->cells[k].f32));
}

/* The cells of the kept buckets as values of their type. */
static mbar_status write_values(const reduced *r, const int64_t *kept, int64_t n_kept,
                                mbar_buffer **out, mbar_error *error)
{
    mbar_status status =
        mbar_buffer_new_uninit((size_t)n_kept * mbar_type_width(r->type), out, error);
    if (status != MBAR_OK) {
        return status;
    }
    void *to = mbar_buffer_writable(*out);
    for (int64_t i = 0; i < n_kept; i++) {
        cell c = r->cells[kept != NULL ? kept[i] : i];
        switch (r->type) {
        case MBAR_TYPE_FLOAT32:
            ((float *)to)[i] = c.f32;
            break;
        case MBAR_TYPE_INT32:
            ((int32_t *)to)[i] = (int32_t)c.i64;
            break;
        default:
            ((uint64_t *)to)[i] = c.u64;
            break;
        }
    }
    return MBAR_OK;
}

/* kept NULL: the first n_kept buckets. */
static mbar_status write_column(const reduced *r, const int64_t *kept, int64_t n_kept,
                                mbar_column **out, mbar_error *error)
{
    mbar_buffer *values = NULL;
    mbar_status status = MBAR_OK;
    if (kept == NULL && mbar_type_width(r->type) == sizeof(cell)) {
        values = mbar_buffer_ref(r->buffer);
    } else {
        status = write_values(r, kept, n_kept, &values, error);
    }
    if (status == MBAR_OK) {
        mbar_field field = {.name = r->name, .type = r->type};
        status = mbar_column_new(&field, n_kept, values, NULL, 0, out, error);
    }
    mbar_buffer_unref(values);
    return status;
}

/* ---- The whole --------------------------------------------------------------------- */

typedef struct resampler {
    const mbar_series *series;
    mbar_window window;
    mbar_buckets buckets;
    reduced columns[N_AGGREGATES];
    int32_t n_columns;
    int64_t *kept; /* buckets that stay, rising; NULL: the first n_kept */
    int64_t *labels;
    int64_t n_kept;
} resampler;

static void resampler_deinit(resampler *r)
{
    for (int32_t i = 0; i < N_AGGREGATES; i++) {
        mbar_buffer_unref(r->columns[i].buffer);
    }
    mbar_free(r->kept);
    mbar_free(r->labels);
    mbar_buckets_deinit(&r->buckets);
}

static mbar_status reduce_columns(resampler *r, mbar_error *error)
{
    mbar_table *table = r->series->table;
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < N_AGGREGATES && status == MBAR_OK; i++) {
        const struct aggregate *a = &aggregates[i];
        int32_t index = a->any_case ? mbar_table_find_any_case(table, a->name)
                                    : mbar_table_find(table, a->name);
        if (index >= 0) {
            status = reduce_column(mbar_table_column(table, index), a->agg, r->window, &r->buckets,
                                   &r->columns[r->n_columns++], error);
        }
    }
    return status;
}

/* Whether the rows reach the end of the last bucket. */
static bool last_is_whole(const resampler *r)
{
    const mbar_series *series = r->series;
    int64_t last = r->window.first + r->window.n_rows - 1;
    return mbar_series_end_ns(series, last, series->period_ns) >= r->buckets.end_ns;
}

/* Whether no aggregate of the bucket is missing. */
static bool is_whole(const resampler *r, int64_t k)
{
    bool missing = false;
    for (int32_t i = 0; i < r->n_columns; i++) {
        missing |= is_nan(&r->columns[i], k);
    }
    return !missing;
}

static mbar_status keep_buckets(resampler *r, bool drop_partial, mbar_error *error)
{
    int64_t n = r->buckets.n;
    r->labels = mbar_alloc_array((size_t)n, sizeof *r->labels, error);
    if (r->labels == NULL) {
        return MBAR_NOMEM;
    }
    if (n > 0 && drop_partial && !last_is_whole(r)) {
        n--;
    }
    for (int64_t k = 0; k < n; k++) {
        if (is_whole(r, k)) {
            if (r->kept != NULL) {
                r->kept[r->n_kept] = k;
            }
            r->labels[r->n_kept++] = r->buckets.items[k].label_ns;
        } else if (r->kept == NULL) {
            r->kept = mbar_alloc_array((size_t)n, sizeof *r->kept, error);
            if (r->kept == NULL) {
                return MBAR_NOMEM;
            }
            for (int64_t i = 0; i < k; i++) {
                r->kept[i] = i;
            }
        }
    }
    return MBAR_OK;
}

static mbar_status make_table(const resampler *r, mbar_table **out, mbar_error *error)
{
    mbar_column *columns[N_AGGREGATES + 1] = {NULL};
    const mbar_field *time =
        mbar_column_field(mbar_table_column(r->series->table, r->series->time_column));
    mbar_status status = mbar_time_column_new(time, time->unit, time->zone, r->labels, r->n_kept,
                                              &columns[0], error);
    for (int32_t i = 0; i < r->n_columns && status == MBAR_OK; i++) {
        status = write_column(&r->columns[i], r->kept, r->n_kept, &columns[i + 1], error);
    }
    if (status == MBAR_OK) {
        status = mbar_table_new(columns, r->n_columns + 1, out, error);
    }
    for (int32_t i = 0; i <= r->n_columns; i++) {
        mbar_column_unref(columns[i]);
    }
    return status;
}

static mbar_status make_series(const resampler *r, const mbar_resample *how, mbar_zone *zone,
                               mbar_series **out, mbar_error *error)
{
    mbar_table *table;
    mbar_status status = make_table(r, &table, error);
    if (status != MBAR_OK) {
        return status;
    }
    mbar_series_options options;
    mbar_series_options_init(&options);
    mbar_column *time = mbar_table_column(table, 0);
    options.time_column = mbar_column_field(time)->name;
    options.period_ns = how->every * mbar_step_ns(how->step);
    options.step = how->step;
    options.zone = zone;
    /* The source's time column has a zone, or was given one. */
    status = mbar_series_new(table, &options, out, error);
    mbar_table_unref(table);
    return status;
}

mbar_status mbar_series_resample(const mbar_series *series, mbar_window window,
                                 const mbar_resample *how, mbar_series **out, mbar_error *error)
{
    assert(series != NULL && how != NULL && out != NULL);
    assert(window.first >= 0 && window.n_rows >= 0 &&
           window.n_rows <= series->n_rows - window.first);
    if (how->every < 1) {
        return mbar_error_set(error, MBAR_INVALID, "buckets of %lld %ss; ask for 1 or more",
                              (long long)how->every, mbar_step_name(how->step));
    }
    resampler r = {.series = series, .window = window};
    mbar_zone *zone = how->zone != NULL ? how->zone : series->zone;
    mbar_status status =
        mbar_buckets_init(&r.buckets, series, window, how->every, how->step, zone, error);
    if (status == MBAR_OK) {
        status = reduce_columns(&r, error);
    }
    if (status == MBAR_OK) {
        status = keep_buckets(&r, how->drop_partial, error);
    }
    if (status == MBAR_OK) {
        status = make_series(&r, how, zone, out, error);
    }
    resampler_deinit(&r);
    return status;
}
