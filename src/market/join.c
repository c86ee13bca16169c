/*
 * join.c - beside each row of a series what another knew at its instant.
 *
 * Both series rise, so the row that belongs to each instant is found by walking
 * through both once; the columns are then taken by those row numbers. Instants
 * are opens, which are there, or closes, which are made: on a day series' wall
 * clock two of them may fall back over a clock change, so the walk also steps
 * back. A match never lies after its instant, whatever the series.
 *
 * Cost O(rows of both + rows of left x columns of right); memory a row number,
 * and for closes an instant, a row.
 */
#include "base/alloc.h"
#include "base/text.h"
#include "market/series.h"

#include <assert.h>
#include <string.h>

void mbar_asof_join_init(mbar_asof_join *how)
{
    *how = (mbar_asof_join){MBAR_ASOF_OPEN, INT64_MAX, "_right"};
}

/* The instants of a series' rows: its own, or made, when *made is to be freed. */
static mbar_status instants(const mbar_series *series, mbar_asof_on on, const int64_t **out,
                            int64_t **made, mbar_error *error)
{
    *out = series->times;
    if (on == MBAR_ASOF_OPEN) {
        return MBAR_OK;
    }
    int64_t *closes = mbar_alloc_array((size_t)series->n_rows + 1, sizeof *closes, error);
    if (closes == NULL) {
        return MBAR_NOMEM;
    }
    for (int64_t i = 0; i < series->n_rows; i++) {
        closes[i] = mbar_series_end_ns(series, i, series->period_ns);
    }
    *out = *made = closes;
    return MBAR_OK;
}

/* rows[i] = the last of n instants at or before at[i], no more than tolerance before it; or -1. */
static void match(const int64_t *at, int64_t n_at, const int64_t *found, int64_t n,
                  int64_t tolerance, int64_t *rows)
{
    int64_t row = -1;
    for (int64_t i = 0; i < n_at; i++) {
        int64_t now = at[i];
        while (row + 1 < n && found[row + 1] <= now) {
            row++;
        }
        while (row >= 0 && found[row] > now) {
            row--;
        }
        /* The distance is not negative, and may pass int64. */
        bool near = row >= 0 && (uint64_t)now - (uint64_t)found[row] <= (uint64_t)tolerance;
        rows[i] = near || (row >= 0 && tolerance == INT64_MAX) ? row : -1;
    }
}

static mbar_status match_rows(const mbar_series *left, const mbar_series *right,
                              const mbar_asof_join *how, int64_t **out, mbar_error *error)
{
    const int64_t *at, *found;
    int64_t *made[2] = {NULL, NULL};
    int64_t *rows = mbar_alloc_array((size_t)left->n_rows + 1, sizeof *rows, error);
    mbar_status status = rows == NULL ? MBAR_NOMEM : MBAR_OK;
    if (status == MBAR_OK) {
        status = instants(left, how->on, &at, &made[0], error);
    }
    if (status == MBAR_OK) {
        status = instants(right, how->on, &found, &made[1], error);
    }
    if (status == MBAR_OK) {
        match(at, left->n_rows, found, right->n_rows, how->tolerance_ns, rows);
        *out = rows;
    } else {
        mbar_free(rows);
    }
    mbar_free(made[0]);
    mbar_free(made[1]);
    return status;
}

/* A column of right at those rows, under a name that left leaves free. */
static mbar_status beside(const mbar_table *left, const mbar_column *column, const int64_t *rows,
                          int64_t n_rows, const char *suffix, mbar_column **out, mbar_error *error)
{
    const char *name = mbar_column_field(column)->name;
    if (mbar_table_find(left, name) < 0) {
        return mbar_column_take(column, rows, n_rows, out, error);
    }
    mbar_column *taken = NULL;
    struct mbar_text longer;
    mbar_text_init(&longer);
    mbar_status status = mbar_text_appendf(&longer, error, "%s%s", name, suffix);
    if (status == MBAR_OK && mbar_table_find(left, longer.data) >= 0) {
        status = mbar_error_set(error, MBAR_INVALID,
                                "column \"%.100s\" is in both, and so is \"%.100s\": give another "
                                "suffix",
                                name, longer.data);
    }
    if (status == MBAR_OK) {
        status = mbar_column_take(column, rows, n_rows, &taken, error);
    }
    if (status == MBAR_OK) {
        status = mbar_column_rename(taken, longer.data, out, error);
    }
    mbar_column_unref(taken);
    mbar_text_deinit(&longer);
    return status;
}

/* Fills columns, which holds as many as both tables have, and counts them. */
static mbar_status place_columns(const mbar_series *left, const mbar_series *right,
                                 const int64_t *rows, const char *suffix, mbar_column **columns,
                                 int32_t *n, mbar_error *error)
{
    mbar_status status = MBAR_OK;
    const char *time = mbar_column_field(mbar_table_column(left->table, left->time_column))->name;
    for (int32_t c = 0; c < mbar_table_columns(left->table); c++) {
        columns[(*n)++] = mbar_column_ref(mbar_table_column(left->table, c));
    }
    for (int32_t c = 0; c < mbar_table_columns(right->table) && status == MBAR_OK; c++) {
        const mbar_column *column = mbar_table_column(right->table, c);
        if (c == right->time_column && strcmp(mbar_column_field(column)->name, time) == 0) {
            continue;
        }
        status = beside(left->table, column, rows, left->n_rows, suffix, &columns[*n], error);
        *n += status == MBAR_OK;
    }
    return status;
}

mbar_status mbar_series_join_asof(const mbar_series *left, const mbar_series *right,
                                  const mbar_asof_join *how, mbar_table **out, mbar_error *error)
{
    assert(left != NULL && right != NULL && how != NULL && how->suffix != NULL && out != NULL);
    if (how->tolerance_ns < 0) {
        return mbar_error_set(error, MBAR_INVALID, "a tolerance of %lld ns; give 0 or more",
                              (long long)how->tolerance_ns);
    }
    size_t most =
        (size_t)mbar_table_columns(left->table) + (size_t)mbar_table_columns(right->table);
    int32_t n = 0;
    int64_t *rows = NULL;
    mbar_column **columns = mbar_alloc_array(most, sizeof *columns, error);
    mbar_status status = columns == NULL ? MBAR_NOMEM : match_rows(left, right, how, &rows, error);
    if (status == MBAR_OK) {
        status = place_columns(left, right, rows, how->suffix, columns, &n, error);
    }
    if (status == MBAR_OK) {
        status = mbar_table_new(columns, n, out, error);
    }
    for (int32_t c = 0; c < n; c++) {
        mbar_column_unref(columns[c]);
    }
    mbar_free(columns);
    mbar_free(rows);
    return status;
}
