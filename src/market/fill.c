/*
 * fill.c - a series put on a grid of stamps, and lumibot's repairs.
 *
 * Every repair but two is a question of which row a cell comes from: the row at
 * or before the stamp, or an earlier one where that row's value is missing. So
 * each column gets a list of source rows (-1: none) and is gathered once. The
 * two others put a value where there is none: 0 for volume and corporate
 * actions, the close for open, high and low. A column without missing values,
 * which is nearly every one, shares one list.
 *
 * Missing is null, or NaN in a float column. Where no value is found a float
 * column gets NaN and others null.
 *
 * What each column gets, in lumibot's order (roles below):
 *   volume           missing: 0
 *   quotes           intraday: the first row after a gap of more than two hours
 *                    counts only where the grid's stamp is a row's own; then
 *                    filled forward inside the stretches between such gaps.
 *                    Day series: left as they are. A whole-number column that
 *                    so gets a hole becomes float64, as in pandas.
 *   everything else  filled forward (close too)
 *   dividend, stock_splits   missing: 0
 *   last_bid_time, last_ask_time   the time that came with the quote shown
 *   open, high, low  missing: the close
 */
#include "base/alloc.h"
#include "market/columns.h"
#include "market/series.h"
#include "table/bitmap.h"
#include "table/buffer.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define QUOTE_GAP_NS (2 * MBAR_HOUR_NS)

typedef enum role {
    ROLE_TIME,
    ROLE_PRICE,  /* open, high, low */
    ROLE_VOLUME, /* and actions: missing is 0 */
    ROLE_QUOTE,
    ROLE_QUOTE_TIME,
    ROLE_OTHER
} role;

typedef struct filler {
    mbar_series *series;
    mbar_column *grid; /* in nanoseconds, cut to the series' span; owned */
    const int64_t *stamps;
    int64_t n;
    int64_t *base;         /* the source row of each stamp */
    int64_t *rows;         /* of the column at hand */
    mbar_column **columns; /* the result's; owned */
    int32_t n_columns;
} filler;

/* ---- Values ---------------------------------------------------------------------- */

static bool is_missing(const mbar_column *column, int64_t row)
{
    if (!mbar_column_is_valid(column, row)) {
        return true;
    }
    switch (mbar_column_field(column)->type) {
    case MBAR_TYPE_FLOAT64:
        return isnan(((const double *)mbar_column_values(column))[row]);
    case MBAR_TYPE_FLOAT32:
        return isnan(((const float *)mbar_column_values(column))[row]);
    default:
        return false;
    }
}

static bool any_missing(const mbar_column *column)
{
    mbar_type type = mbar_column_field(column)->type;
    if (type != MBAR_TYPE_FLOAT64 && type != MBAR_TYPE_FLOAT32) {
        return mbar_column_nulls(column) > 0;
    }
    for (int64_t i = 0; i < mbar_column_rows(column); i++) {
        if (is_missing(column, i)) {
            return true;
        }
    }
    return false;
}

static bool is_number(const mbar_column *column)
{
    return mbar_type_is_number(mbar_column_field(column)->type);
}

static bool is_float(mbar_type type)
{
    return type == MBAR_TYPE_FLOAT32 || type == MBAR_TYPE_FLOAT64;
}

/* What a cell without a value gets. */
typedef struct instead {
    bool zero;
    const mbar_column *column; /* or NULL; has a row for each stamp */
} instead;

static void put_double(void *to, mbar_type type, double value)
{
    if (type == MBAR_TYPE_FLOAT64) {
        *(double *)to = value;
    } else {
        *(float *)to = (float)value;
    }
}

/* Writes what stands in for a missing value; false where it is null. to holds
 * zero bytes, which is 0 in every number type. */
static bool put_instead(void *to, mbar_type type, instead other, int64_t i)
{
    if (other.zero) {
        return true;
    }
    if (other.column != NULL && !is_missing(other.column, i)) {
        if (mbar_column_field(other.column)->type == type) {
            size_t width = mbar_type_width(type);
            memcpy(to, (const char *)mbar_column_values(other.column) + (size_t)i * width, width);
            return true;
        }
        if (is_float(type)) {
            put_double(to, type, mbar_column_number(other.column, i));
            return true;
        }
    }
    if (is_float(type)) {
        put_double(to, type, (double)NAN);
    }
    return is_float(type);
}

/* A number column gathered from f->rows; a row of -1 is a missing value. */
static mbar_status gather_numbers(const filler *f, const mbar_column *column, instead other,
                                  mbar_column **out, mbar_error *error)
{
    mbar_field field = *mbar_column_field(column);
    size_t width = mbar_type_width(field.type);
    mbar_buffer *values = NULL, *validity = NULL;
    mbar_status status = mbar_buffer_new((size_t)f->n * width, &values, error);
    if (status == MBAR_OK) {
        status = mbar_buffer_new(mbar_bits_bytes(f->n), &validity, error);
    }
    if (status != MBAR_OK) {
        goto done;
    }
    const char *from = mbar_column_values(column);
    char *to = mbar_buffer_writable(values);
    uint8_t *bits = mbar_buffer_writable(validity);
    int64_t n_valid = 0;
    for (int64_t i = 0; i < f->n; i++, to += width) {
        int64_t row = f->rows[i];
        bool valid = true;
        if (row >= 0 && !is_missing(column, row)) {
            memcpy(to, from + (size_t)row * width, width);
        } else {
            valid = put_instead(to, field.type, other, i);
        }
        mbar_bit_put(bits, i, valid);
        n_valid += valid;
    }
    field.nullable = n_valid < f->n;
    status = mbar_column_new(&field, f->n, values, field.nullable ? validity : NULL, f->n - n_valid,
                             out, error);
done:
    mbar_buffer_unref(values);
    mbar_buffer_unref(validity);
    return status;
}

static mbar_status gather(const filler *f, const mbar_column *column, instead other,
                          mbar_column **out, mbar_error *error)
{
    if (is_number(column)) {
        return gather_numbers(f, column, other, out, error);
    }
    return mbar_column_take(column, f->rows, f->n, out, error);
}

static const instead nothing = {false, NULL};

/* ---- Source rows ------------------------------------------------------------------- */

static void fill_base(filler *f)
{
    int64_t row = 0;
    for (int64_t i = 0; i < f->n; i++) {
        while (row + 1 < f->series->n_rows && f->series->times[row + 1] <= f->stamps[i]) {
            row++;
        }
        f->base[i] = row;
    }
}

static void use_base(filler *f)
{
    memcpy(f->rows, f->base, (size_t)f->n * sizeof *f->rows);
}

static void rows_forward(filler *f, const mbar_column *column)
{
    int64_t last = -1;
    for (int64_t i = 0; i < f->n; i++) {
        last = is_missing(column, f->base[i]) ? last : f->base[i];
        f->rows[i] = last;
    }
}

/* Whether the quotes of stamp i - 1 are too old for stamp i. */
static bool quotes_break(const filler *f, int64_t i)
{
    return f->series->step != MBAR_STEP_DAY && i > 0 &&
           (uint64_t)f->stamps[i] - (uint64_t)f->stamps[i - 1] > (uint64_t)QUOTE_GAP_NS;
}

/* Whether stamp i brings a quote of its own or of the row it repeats. */
static bool quote_observed(const filler *f, const mbar_column *column, int64_t i)
{
    int64_t row = f->base[i];
    bool own = f->series->times[row] == f->stamps[i];
    return !is_missing(column, row) && (own || !quotes_break(f, i));
}

static void rows_quote(filler *f, const mbar_column *column)
{
    bool forward = f->series->step != MBAR_STEP_DAY;
    int64_t last = -1;
    for (int64_t i = 0; i < f->n; i++) {
        last = forward && !quotes_break(f, i) ? last : -1;
        last = quote_observed(f, column, i) ? f->base[i] : last;
        f->rows[i] = last;
    }
}

/* The rows the quote times come from: those of the quotes shown. quote NULL:
 * no such column, so no time either. */
static void rows_quote_time(filler *f, const mbar_column *quote)
{
    if (quote != NULL) {
        rows_quote(f, quote);
        return;
    }
    for (int64_t i = 0; i < f->n; i++) {
        f->rows[i] = -1;
    }
}

/* ---- Columns ----------------------------------------------------------------------- */

static bool name_in(const char *name, const char *const *names, size_t n, bool any_case)
{
    for (size_t i = 0; i < n; i++) {
        if (any_case ? mbar_same_any_case(name, names[i]) : strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static role role_of(const filler *f, int32_t index, const char *name)
{
    static const char *const prices[] = {"open", "high", "low"};
    static const char *const volume[] = {"volume"};
    static const char *const actions[] = {"dividend", "stock_splits"};
    static const char *const quotes[] = {"bid", "ask", "bid_size", "ask_size"};
    static const char *const quote_times[] = {"last_bid_time", "last_ask_time"};
    if (index == f->series->time_column) {
        return ROLE_TIME;
    }
    if (name_in(name, prices, 3, true)) {
        return ROLE_PRICE;
    }
    if (name_in(name, volume, 1, true) || name_in(name, actions, 2, false)) {
        return ROLE_VOLUME;
    }
    if (name_in(name, quotes, 4, false)) {
        return ROLE_QUOTE;
    }
    return name_in(name, quote_times, 2, false) ? ROLE_QUOTE_TIME : ROLE_OTHER;
}

static mbar_column *source(const filler *f, int32_t index)
{
    return mbar_table_column(f->series->table, index);
}

static mbar_column *source_named(const filler *f, const char *name)
{
    int32_t index = mbar_table_find(f->series->table, name);
    return index < 0 ? NULL : source(f, index);
}

/* Integers with a hole in them become doubles. */
static mbar_status fill_quote(filler *f, mbar_column *column, mbar_column **out, mbar_error *error)
{
    if (!is_number(column)) {
        use_base(f);
        return gather(f, column, nothing, out, error);
    }
    rows_quote(f, column);
    bool holes = false;
    for (int64_t i = 0; i < f->n && !holes; i++) {
        holes = f->rows[i] < 0;
    }
    if (!holes || is_float(mbar_column_field(column)->type)) {
        return gather(f, column, nothing, out, error);
    }
    mbar_column *doubles;
    mbar_status status = mbar_column_cast(column, MBAR_TYPE_FLOAT64, MBAR_UNIT_NS, &doubles, error);
    if (status == MBAR_OK) {
        status = gather(f, doubles, nothing, out, error);
        mbar_column_unref(doubles);
    }
    return status;
}

static mbar_status fill_times(const filler *f, mbar_column **out, mbar_error *error)
{
    const mbar_field *field = mbar_column_field(source(f, f->series->time_column));
    return mbar_time_column_new(field, field->unit, field->zone, f->stamps, f->n, out, error);
}

/* Rows as the grid repeats them, or, where the column misses values, f->rows. */
static mbar_status fill_repaired(filler *f, int32_t index, role part, mbar_error *error)
{
    mbar_column *column = source(f, index);
    use_base(f);
    if (!any_missing(column)) {
        return mbar_column_take(column, f->rows, f->n, &f->columns[index], error);
    }
    instead other = {.zero = part == ROLE_VOLUME};
    if (part == ROLE_OTHER) {
        rows_forward(f, column);
    }
    if (part == ROLE_PRICE) {
        int32_t close = mbar_table_find_any_case(f->series->table, "close");
        other.column = close >= 0 && is_number(f->columns[close]) ? f->columns[close] : NULL;
    }
    return gather(f, column, other, &f->columns[index], error);
}

static mbar_status fill_column(filler *f, int32_t index, role part, mbar_error *error)
{
    mbar_column *column = source(f, index);
    mbar_column **out = &f->columns[index];
    switch (part) {
    case ROLE_TIME:
        return fill_times(f, out, error);
    case ROLE_QUOTE:
        return fill_quote(f, column, out, error);
    case ROLE_QUOTE_TIME: {
        bool is_bid = strcmp(mbar_column_field(column)->name, "last_bid_time") == 0;
        rows_quote_time(f, source_named(f, is_bid ? "bid" : "ask"));
        return gather(f, column, nothing, out, error);
    }
    default:
        return fill_repaired(f, index, part, error);
    }
}

/* All columns, those that need the close last. */
static mbar_status fill_columns(filler *f, mbar_error *error)
{
    mbar_status status = MBAR_OK;
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t i = 0; i < f->n_columns && status == MBAR_OK; i++) {
            role part = role_of(f, i, mbar_column_field(source(f, i))->name);
            if ((part == ROLE_PRICE) == (pass == 1)) {
                status = fill_column(f, i, part, error);
            }
        }
    }
    return status;
}

/* ---- Public ------------------------------------------------------------------------ */

static mbar_status check_grid(const mbar_column *grid, mbar_error *error)
{
    const mbar_field *field = mbar_column_field(grid);
    if (field->type != MBAR_TYPE_TIMESTAMP || mbar_column_nulls(grid) > 0) {
        return mbar_error_set(error, MBAR_INVALID,
                              "grid column \"%.100s\" must be timestamps without nulls",
                              field->name);
    }
    const int64_t *stamps = mbar_column_values(grid);
    for (int64_t i = 1; i < mbar_column_rows(grid); i++) {
        if (stamps[i] <= stamps[i - 1]) {
            mbar_error_set(error, MBAR_INVALID,
                           "grid column \"%.100s\" does not rise at row %lld; sort it first",
                           field->name, (long long)i);
            if (error != NULL) {
                error->row = i;
            }
            return MBAR_INVALID;
        }
    }
    return MBAR_OK;
}

/* The part of grid between the series' first and last stamp. */
static mbar_status cut_grid(filler *f, const mbar_column *grid, mbar_error *error)
{
    const mbar_series *series = f->series;
    mbar_column *whole;
    mbar_status status =
        mbar_column_cast((mbar_column *)grid, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, &whole, error);
    if (status != MBAR_OK) {
        return status;
    }
    int64_t first = 0, end = 0;
    if (series->n_rows > 0) {
        const int64_t *stamps = mbar_column_values(whole);
        int64_t n = mbar_column_rows(whole);
        first = mbar_lower_bound(stamps, n, series->times[0]);
        end = mbar_upper_bound(stamps, n, series->times[series->n_rows - 1]);
    }
    status = mbar_column_slice(whole, first, end - first, &f->grid, error);
    mbar_column_unref(whole);
    if (status == MBAR_OK) {
        f->n = end - first;
        f->stamps = mbar_column_values(f->grid);
    }
    return status;
}

static void filler_deinit(filler *f)
{
    for (int32_t i = 0; i < f->n_columns && f->columns != NULL; i++) {
        mbar_column_unref(f->columns[i]);
    }
    mbar_free(f->columns);
    mbar_free(f->base);
    mbar_free(f->rows);
    mbar_column_unref(f->grid);
}

static mbar_status filler_init(filler *f, mbar_series *series, const mbar_column *grid,
                               mbar_error *error)
{
    *f = (filler){.series = series, .n_columns = mbar_table_columns(series->table)};
    mbar_status status = check_grid(grid, error);
    if (status == MBAR_OK) {
        status = cut_grid(f, grid, error);
    }
    if (status != MBAR_OK) {
        return status;
    }
    f->base = mbar_alloc_array((size_t)f->n, sizeof *f->base, error);
    f->rows = mbar_alloc_array((size_t)f->n, sizeof *f->rows, error);
    f->columns = mbar_alloc_array((size_t)f->n_columns, sizeof(mbar_column *), error);
    if (f->base == NULL || f->rows == NULL || f->columns == NULL) {
        return MBAR_NOMEM;
    }
    fill_base(f);
    return MBAR_OK;
}

mbar_status mbar_series_fill(mbar_series *series, const mbar_column *grid, mbar_series **out,
                             mbar_error *error)
{
    assert(series != NULL && grid != NULL && out != NULL);
    filler f;
    mbar_ready_rows rows = {0};
    mbar_status status = filler_init(&f, series, grid, error);
    if (status == MBAR_OK) {
        status = fill_columns(&f, error);
    }
    if (status == MBAR_OK) {
        status = mbar_table_new(f.columns, f.n_columns, &rows.table, error);
    }
    if (status == MBAR_OK) {
        rows.time_column = series->time_column;
        rows.time_cast = mbar_column_ref(f.grid);
        rows.times = f.stamps;
        /* Minutes stand a minute apart; on other grids rows stay as far apart as
         * they were. A row repeats a bar that closes when it did. */
        rows.period_ns = series->step == MBAR_STEP_MINUTE ? MBAR_MINUTE_NS : series->period_ns;
        status =
            mbar_series_from_rows(&rows, series->step, series->zone, series->closes_ns, out, error);
    }
    if (status != MBAR_OK) {
        mbar_ready_rows_deinit(&rows);
    }
    filler_deinit(&f);
    return status;
}
