/*
 * sim/rows.h - tables from rows that are structs.
 */
#ifndef MBAR_SIM_ROWS_H
#define MBAR_SIM_ROWS_H

#include <millibar/table.h>

/* A column and the member it is made of, which lies `offset` bytes into a row:
 *   FLOAT64, INT64   double, int64_t
 *   TIMESTAMP        int64_t; where the field is nullable INT64_MIN is null
 *   BOOL             bool
 *   DICT             int32_t or an enum: the number of one of n_words words */
typedef struct mbar_member {
    mbar_field field;
    size_t offset;
    const char *const *words;
    int32_t n_words;
} mbar_member;

/* row(ctx, i) is row i of n_rows. Everything is copied. */
mbar_status mbar_rows_table(const mbar_member *members, int32_t n_members,
                            const void *(*row)(const void *ctx, int64_t i), const void *ctx,
                            int64_t n_rows, mbar_table **out, mbar_error *error);

#endif
