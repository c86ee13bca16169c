/*
 * column.h - the inside of a column, for the files of this folder and for
 * those that must read bits or text offsets in bulk.
 *
 * One row offset, `first`, applies to every buffer, as Arrow has it, so that
 * any column can be exported as it stands.
 */
#ifndef MILLIBAR_TABLE_COLUMN_H
#define MILLIBAR_TABLE_COLUMN_H

#include <millibar/table.h>

#include <stdatomic.h>
#include <string.h>

#define MBAR_NULLS_UNKNOWN INT64_C(-1)

struct mbar_column {
    atomic_size_t n_refs;
    mbar_field field; /* name and zone point into text */
    int64_t first;    /* of this column's rows in the buffers */
    int64_t n_rows;
    _Atomic(int64_t) n_nulls; /* MBAR_NULLS_UNKNOWN until asked for */
    mbar_buffer *data;        /* values, packed bits, codes, or UTF8 offsets */
    mbar_buffer *bytes;       /* UTF8 only */
    mbar_buffer *validity;    /* or NULL: no nulls */
    mbar_column *dictionary;  /* DICT only */
    char text[];
};

/* What a column is made of, borrowed. */
typedef struct mbar_column_parts {
    int64_t first;
    int64_t n_rows;
    int64_t n_nulls; /* or MBAR_NULLS_UNKNOWN */
    mbar_buffer *data;
    mbar_buffer *bytes;
    mbar_buffer *validity;
    mbar_column *dictionary;
} mbar_column_parts;

/* Makes a column of parts known to fit together; takes references. */
MBAR_MUST_USE mbar_status mbar_column_make(const mbar_field *field, const mbar_column_parts *parts,
                                           mbar_column **out, mbar_error *error);
/* The parts of a column, for making another of most of them. */
mbar_column_parts mbar_column_parts_of(const mbar_column *column);
/* No rows, of any type. */
MBAR_MUST_USE mbar_status mbar_column_new_empty(const mbar_field *field, mbar_column **out,
                                                mbar_error *error);

/* Asserts that rows taken are -1 or rows of n_source; whether any is -1. */
bool mbar_take_check(const int64_t *rows, int64_t n_rows, int64_t n_source);
/* mbar_column_take of rows that were checked: for several columns, once. */
MBAR_MUST_USE mbar_status mbar_column_take_checked(const mbar_column *column, const int64_t *rows,
                                                   int64_t n_rows, bool any_missing,
                                                   mbar_column **out, mbar_error *error);

/* Two zones of timestamp fields, either of which may be NULL. */
static inline bool mbar_same_zone(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* UTF8: the offsets of the column's rows, n_rows + 1 of them. */
const int32_t *mbar_column_offsets(const mbar_column *column);
/* UTF8: what the offsets count from. */
const char *mbar_column_text_bytes(const mbar_column *column);
/* BOOL: the packed bits, whose bit `first` is row 0. */
const uint8_t *mbar_column_bits(const mbar_column *column);

/* What parts from outside must satisfy; first is taken into account. Each sets
 * the error, naming the column, and the row where there is one. */
MBAR_MUST_USE mbar_status mbar_column_check_offsets(const char *name, const int32_t *offsets,
                                                    int64_t n_rows, int64_t n_bytes,
                                                    mbar_error *error);
MBAR_MUST_USE mbar_status mbar_column_check_codes(const char *name, const int32_t *codes,
                                                  int64_t n_rows, const uint8_t *validity,
                                                  int64_t bit_offset, int64_t n_entries,
                                                  mbar_error *error);

#endif
