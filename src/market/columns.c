/*
 * columns.c - columns as bars need them: by name, of times, without nulls.
 */
#include "market/columns.h"

#include "base/alloc.h"
#include "table/buffer.h"

#include <math.h>
#include <string.h>

static char lower(char ch)
{
    return ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch;
}

/* Not strcasecmp, which asks the locale. */
bool mbar_same_any_case(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

int32_t mbar_table_find_any_case(const mbar_table *table, const char *name)
{
    int32_t found = mbar_table_find(table, name);
    for (int32_t i = 0; i < mbar_table_columns(table) && found < 0; i++) {
        if (mbar_same_any_case(mbar_column_field(mbar_table_column(table, i))->name, name)) {
            found = i;
        }
    }
    return found;
}

mbar_status mbar_time_column_new(const mbar_field *like, mbar_unit unit, const char *zone,
                                 const int64_t *ns, int64_t n, mbar_column **out, mbar_error *error)
{
    int64_t unit_ns = mbar_unit_ns(unit);
    for (int64_t i = 0; i < n && unit_ns > 1; i++) {
        if (ns[i] % unit_ns != 0) {
            unit = MBAR_UNIT_NS;
            unit_ns = 1;
        }
    }
    mbar_buffer *values;
    mbar_status status = mbar_buffer_new_uninit((size_t)n * sizeof(int64_t), &values, error);
    if (status != MBAR_OK) {
        return status;
    }
    int64_t *to = mbar_buffer_writable(values);
    for (int64_t i = 0; i < n; i++) {
        to[i] = ns[i] / unit_ns;
    }
    mbar_field field = {like->name, MBAR_TYPE_TIMESTAMP, unit, zone, false};
    status = mbar_column_new(&field, n, values, NULL, 0, out, error);
    mbar_buffer_unref(values);
    return status;
}

mbar_status mbar_table_replace(const mbar_table *table, int32_t index, mbar_column *column,
                               mbar_table **out, mbar_error *error)
{
    int32_t n = mbar_table_columns(table);
    mbar_column **columns = mbar_alloc_array((size_t)n, sizeof *columns, error);
    if (columns == NULL) {
        return MBAR_NOMEM;
    }
    for (int32_t i = 0; i < n; i++) {
        columns[i] = i == index ? column : mbar_table_column(table, i);
    }
    mbar_status status = mbar_table_new(columns, n, out, error);
    mbar_free(columns);
    return status;
}

mbar_status mbar_column_nulls_to_nan(const mbar_column *column, mbar_column **out,
                                     mbar_error *error)
{
    mbar_field field = *mbar_column_field(column);
    int64_t n = mbar_column_rows(column);
    size_t width = mbar_type_width(field.type);
    mbar_buffer *values;
    mbar_status status = mbar_buffer_new_uninit((size_t)n * width, &values, error);
    if (status != MBAR_OK) {
        return status;
    }
    char *to = mbar_buffer_writable(values);
    memcpy(to, mbar_column_values(column), (size_t)n * width);
    const double nan64 = NAN;
    const float nan32 = NAN;
    const void *nan = field.type == MBAR_TYPE_FLOAT64 ? (const void *)&nan64 : &nan32;
    for (int64_t i = 0; i < n; i++) {
        if (!mbar_column_is_valid(column, i)) {
            memcpy(to + (size_t)i * width, nan, width);
        }
    }
    field.nullable = false;
    status = mbar_column_new(&field, n, values, NULL, 0, out, error);
    mbar_buffer_unref(values);
    return status;
}
