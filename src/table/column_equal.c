/*
 * column_equal.c - whether two columns hold the same rows.
 *
 * By bits: -0.0 is not 0.0, and a NaN equals a NaN of the same bits. What lies
 * under a null does not count. Dictionary columns are equal when the texts of
 * their rows are, however their dictionaries are ordered. Names do not count
 * for columns; mbar_table_equal compares them.
 */
#include "table/column.h"

#include "table/bitmap.h"

#include <string.h>

static bool same_nulls(const mbar_column *a, const mbar_column *b)
{
    if (mbar_column_nulls(a) != mbar_column_nulls(b))
        return false;
    int64_t a_offset;
    int64_t b_offset;
    const uint8_t *a_bits = mbar_column_validity(a, &a_offset);
    const uint8_t *b_bits = mbar_column_validity(b, &b_offset);
    return !a_bits || mbar_bits_equal(a_bits, a_offset, b_bits, b_offset, a->n_rows);
}

static bool same_values(const mbar_column *a, const mbar_column *b)
{
    size_t width = mbar_type_width(a->field.type);
    const char *a_values = mbar_column_values(a);
    const char *b_values = mbar_column_values(b);
    if (a->n_rows == 0)
        return true;
    if (mbar_column_nulls(a) == 0)
        return memcmp(a_values, b_values, (size_t)a->n_rows * width) == 0;
    for (int64_t i = 0; i < a->n_rows; i++)
        if (mbar_column_is_valid(a, i) &&
            memcmp(a_values + (size_t)i * width, b_values + (size_t)i * width, width) != 0)
            return false;
    return true;
}

static bool same_bits(const mbar_column *a, const mbar_column *b)
{
    if (mbar_column_nulls(a) == 0)
        return mbar_bits_equal(mbar_column_bits(a), a->first, mbar_column_bits(b), b->first,
                               a->n_rows);
    for (int64_t i = 0; i < a->n_rows; i++)
        if (mbar_column_is_valid(a, i) && mbar_column_bool(a, i) != mbar_column_bool(b, i))
            return false;
    return true;
}

static bool same_texts(const mbar_column *a, const mbar_column *b)
{
    for (int64_t i = 0; i < a->n_rows; i++) {
        size_t a_bytes;
        size_t b_bytes;
        const char *a_text = mbar_column_text(a, i, &a_bytes);
        const char *b_text = mbar_column_text(b, i, &b_bytes);
        if (a_bytes != b_bytes || memcmp(a_text, b_text, a_bytes) != 0)
            return false;
    }
    return true;
}

bool mbar_column_equal(const mbar_column *a, const mbar_column *b)
{
    if (a == b)
        return true;
    if (a->field.type != b->field.type || a->n_rows != b->n_rows ||
        a->field.unit != b->field.unit || !mbar_same_zone(a->field.zone, b->field.zone))
        return false;
    if (!same_nulls(a, b))
        return false;
    switch (a->field.type) {
    case MBAR_TYPE_BOOL:
        return same_bits(a, b);
    case MBAR_TYPE_UTF8:
    case MBAR_TYPE_DICT:
        return same_texts(a, b);
    default:
        return same_values(a, b);
    }
}
