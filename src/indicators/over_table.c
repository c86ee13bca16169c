/*
 * over_table.c - indicators of the columns of a table, or of a series.
 *
 * A float64 column without nulls is read where it is; any other number is first
 * converted, null to NaN, the window's rows alone. The outputs are new columns.
 */
#include "indicators/kind.h"

#include "market/columns.h"
#include "table/buffer.h"

#include <assert.h>
#include <string.h>

/* ---- Inputs -------------------------------------------------------------- */

static mbar_status no_column(const mbar_table *table, const mbar_indicator_spec *spec,
                             const char *name, mbar_error *error)
{
    char list[320] = "";
    for (int32_t i = 0; i < mbar_table_columns(table); i++) {
        size_t used = strlen(list);
        const char *each = mbar_column_field(mbar_table_column(table, i))->name;
        if (used + strlen(each) + 3 < sizeof list) {
            strcat(strcat(list, used > 0 ? ", " : ""), each);
        }
    }
    return mbar_error_set(error, MBAR_NOTFOUND, "%s needs column '%.60s'; there are %s", spec->name,
                          name, list[0] != '\0' ? list : "none");
}

/* The window's rows of a column of numbers as doubles without nulls. */
static mbar_status read_input(const mbar_table *table, mbar_window window,
                              const mbar_indicator_spec *spec, const char *name, mbar_column **out,
                              mbar_error *error)
{
    int32_t index = mbar_table_find_any_case(table, name);
    if (index < 0) {
        return no_column(table, spec, name, error);
    }
    mbar_column *column = mbar_table_column(table, index);
    mbar_type type = mbar_column_field(column)->type;
    if (!mbar_type_is_number(type)) {
        return mbar_error_set(error, MBAR_INVALID, "%s needs numbers, and column '%.60s' is %s",
                              spec->name, name, mbar_type_name(type));
    }
    mbar_column *rows = NULL, *made = NULL;
    mbar_status status = mbar_column_slice(column, window.first, window.n_rows, &rows, error);
    if (status == MBAR_OK && type != MBAR_TYPE_FLOAT64) {
        status = mbar_column_cast(rows, MBAR_TYPE_FLOAT64, MBAR_UNIT_NS, &made, error);
        mbar_column_unref(rows);
        rows = made;
    }
    if (status == MBAR_OK && mbar_column_nulls(rows) > 0) {
        made = NULL;
        status = mbar_column_nulls_to_nan(rows, &made, error);
        mbar_column_unref(rows);
        rows = made;
    }
    if (status == MBAR_OK) {
        *out = rows;
    }
    return status;
}

/* ---- Outputs ------------------------------------------------------------- */

/* Columns over the buffers, which hold n_rows doubles each. */
static mbar_status make_table(const mbar_indicator_spec *spec, mbar_buffer *const *buffers,
                              int64_t n_rows, mbar_table **out, mbar_error *error)
{
    mbar_column *columns[MBAR_INDICATOR_MAX_OUTPUTS] = {NULL};
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < spec->n_outputs && status == MBAR_OK; i++) {
        mbar_field field = {.name = spec->outputs[i], .type = MBAR_TYPE_FLOAT64};
        status = mbar_column_new(&field, n_rows, buffers[i], NULL, 0, &columns[i], error);
    }
    if (status == MBAR_OK) {
        status = mbar_table_new(columns, spec->n_outputs, out, error);
    }
    for (int32_t i = 0; i < spec->n_outputs; i++) {
        mbar_column_unref(columns[i]);
    }
    return status;
}

/* ---- The two calls ------------------------------------------------------- */

static mbar_status check_window(const mbar_table *table, mbar_window window, mbar_error *error)
{
    int64_t n_rows = mbar_table_rows(table);
    if (window.first >= 0 && window.n_rows >= 0 && window.first <= n_rows &&
        window.n_rows <= n_rows - window.first) {
        return MBAR_OK;
    }
    return mbar_error_set(error, MBAR_INVALID,
                          "a window of %lld rows from row %lld on is not inside %lld rows",
                          (long long)window.n_rows, (long long)window.first, (long long)n_rows);
}

mbar_status mbar_table_indicator(const mbar_table *table, mbar_window window,
                                 const mbar_indicator_spec *spec, const double *params,
                                 int32_t n_params, const char *const *columns, mbar_table **out,
                                 mbar_error *error)
{
    assert(table != NULL && out != NULL);
    mbar_column *read[MBAR_INDICATOR_MAX_INPUTS] = {NULL};
    mbar_buffer *made[MBAR_INDICATOR_MAX_OUTPUTS] = {NULL};
    const double *inputs[MBAR_INDICATOR_MAX_INPUTS];
    double *outputs[MBAR_INDICATOR_MAX_OUTPUTS];
    mbar_status status = check_window(table, window, error);
    if (status == MBAR_OK) {
        status = mbar_indicator_params(spec, params, n_params, NULL, error);
    }
    for (int32_t i = 0; i < spec->n_inputs && status == MBAR_OK; i++) {
        bool given = columns != NULL && columns[i] != NULL;
        status =
            read_input(table, window, spec, given ? columns[i] : spec->inputs[i], &read[i], error);
        inputs[i] = status == MBAR_OK ? mbar_column_values(read[i]) : NULL;
    }
    size_t n_bytes = (size_t)window.n_rows * sizeof(double);
    for (int32_t i = 0; i < spec->n_outputs && status == MBAR_OK; i++) {
        status = mbar_buffer_new_uninit(n_bytes, &made[i], error);
        outputs[i] = status == MBAR_OK ? mbar_buffer_writable(made[i]) : NULL;
    }
    if (status == MBAR_OK) {
        status =
            mbar_indicator_compute(spec, params, n_params, inputs, window.n_rows, outputs, error);
    }
    if (status == MBAR_OK) {
        status = make_table(spec, made, window.n_rows, out, error);
    }
    for (int32_t i = 0; i < spec->n_outputs; i++) {
        mbar_buffer_unref(made[i]);
    }
    for (int32_t i = 0; i < spec->n_inputs; i++) {
        mbar_column_unref(read[i]);
    }
    return status;
}

mbar_status mbar_series_indicator(const mbar_series *series, mbar_window window,
                                  const mbar_indicator_spec *spec, const double *params,
                                  int32_t n_params, const char *const *columns, mbar_table **out,
                                  mbar_error *error)
{
    assert(series != NULL);
    return mbar_table_indicator(mbar_series_table(series), window, spec, params, n_params, columns,
                                out, error);
}
