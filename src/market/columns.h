/*
 * columns.h - columns as bars need them: by name, of times, without nulls.
 */
#ifndef MILLIBAR_MARKET_COLUMNS_H
#define MILLIBAR_MARKET_COLUMNS_H

#include <millibar/table.h>

/* Whether two names are equal but for the case of ASCII letters, in any locale. */
bool mbar_same_any_case(const char *a, const char *b);

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
