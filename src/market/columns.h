/*
 * columns.h - columns as bars need them: by name, of times, without nulls.
 */
#ifndef MILLIBAR_MARKET_COLUMNS_H
#define MILLIBAR_MARKET_COLUMNS_H

#include <millibar/table.h>

static inline bool mbar_type_is_number(mbar_type type)
{
    return type == MBAR_TYPE_INT32 || type == MBAR_TYPE_INT64 || type == MBAR_TYPE_UINT64 ||
           type == MBAR_TYPE_FLOAT32 || type == MBAR_TYPE_FLOAT64;
}

/* The nearest double to one value of a column of numbers; of a null, whatever is under it. */
static inline double mbar_column_number(const mbar_column *column, int64_t row)
{
    const void *values = mbar_column_values(column);
    switch (mbar_column_field(column)->type) {
    case MBAR_TYPE_FLOAT64:
        return ((const double *)values)[row];
    case MBAR_TYPE_FLOAT32:
        return ((const float *)values)[row];
    case MBAR_TYPE_INT32:
        return ((const int32_t *)values)[row];
    case MBAR_TYPE_INT64:
        return (double)((const int64_t *)values)[row];
    default:
        return (double)((const uint64_t *)values)[row];
    }
}

/* Whether two names are equal but for the case of ASCII letters, in any locale. */
bool mbar_same_any_case(const char *a, const char *b);

/* A copy of a FLOAT64 or FLOAT32 column with NaN for null. */
MBAR_MUST_USE mbar_status mbar_column_nulls_to_nan(const mbar_column *column, mbar_column **out,
                                                   mbar_error *error);

/* A TIMESTAMP column of n instants under like's name, in unit where every
 * instant is a whole number of it, in nanoseconds otherwise. zone may be NULL. */
MBAR_MUST_USE mbar_status mbar_time_column_new(const mbar_field *like, mbar_unit unit,
                                               const char *zone, const int64_t *ns, int64_t n,
                                               mbar_column **out, mbar_error *error);

/* table with column index replaced. */
MBAR_MUST_USE mbar_status mbar_table_replace(const mbar_table *table, int32_t index,
                                             mbar_column *column, mbar_table **out,
                                             mbar_error *error);

/* Column of that name in any case (ASCII), an exact match first; or -1. */
int32_t mbar_table_find_any_case(const mbar_table *table, const char *name);

#endif
