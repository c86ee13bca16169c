/*
 * column_take.c - a column of chosen rows.
 *
 * One pass over the row numbers a buffer. A dictionary is shared, not cut down.
 * The result has a validity bitmap only where the source has nulls or a row
 * number is -1, and is nullable then. Cost O(rows taken), plus the bytes of
 * text.
 */
#include "table/column.h"

#include "base/checked.h"
#include "table/bitmap.h"
#include "table/buffer.h"

#include <assert.h>
#include <string.h>

bool mbar_take_check(const int64_t *rows, int64_t n_rows, int64_t n_source)
{
    int64_t least = 0, most = -1;
    for (int64_t i = 0; i < n_rows; i++) {
        least = rows[i] < least ? rows[i] : least;
        most = rows[i] > most ? rows[i] : most;
    }
    assert(least >= -1 && most < n_source);
    return least < 0;
}

/* Whether any row taken is null. */
static bool takes_null(const mbar_column *column, const int64_t *rows, int64_t n_rows, bool any)
{
    for (int64_t i = 0; i < n_rows && !any && mbar_column_nulls(column) > 0; i++)
        any = !mbar_column_is_valid(column, rows[i]);
    return any;
}

static mbar_status take_validity(const mbar_column *column, const int64_t *rows,
                                 mbar_column_parts *parts, mbar_error *error)
{
    mbar_status status = mbar_buffer_new(mbar_bits_bytes(parts->n_rows), &parts->validity, error);
    if (status != MBAR_OK)
        return status;
    uint8_t *bits = mbar_buffer_writable(parts->validity);
    int64_t n_valid = 0;
    bool all = mbar_column_nulls(column) == 0;
    for (int64_t first = 0; first < parts->n_rows; first += 8) {
        int64_t n = parts->n_rows - first < 8 ? parts->n_rows - first : 8;
        unsigned byte = 0;
        for (int64_t i = 0; i < n; i++) {
            int64_t row = rows[first + i];
            byte |= (unsigned)(row >= 0 && (all || mbar_column_is_valid(column, row))) << i;
        }
        bits[first >> 3] = (uint8_t)byte;
        n_valid += __builtin_popcount(byte);
    }
    parts->n_nulls = parts->n_rows - n_valid;
    return MBAR_OK;
}

/* Without -1 among the rows there is nothing to decide. */
#define TAKE_VALUES(from, to)                            \
    if (any_missing) {                                   \
        for (int64_t i = 0; i < parts->n_rows; i++)      \
            (to)[i] = rows[i] < 0 ? 0 : (from)[rows[i]]; \
    } else {                                             \
        for (int64_t i = 0; i < parts->n_rows; i++)      \
            (to)[i] = (from)[rows[i]];                   \
    }

static mbar_status take_values(const mbar_column *column, const int64_t *rows, bool any_missing,
                               mbar_column_parts *parts, mbar_error *error)
{
    size_t width = mbar_type_width(column->field.type);
    size_t n_bytes;
    if (!mbar_mul_size((size_t)parts->n_rows, width, &n_bytes))
        return mbar_error_set(error, MBAR_NOMEM, "out of memory: %lld rows",
                              (long long)parts->n_rows);
    mbar_status status = mbar_buffer_new_uninit(n_bytes, &parts->data, error);
    if (status != MBAR_OK)
        return status;
    if (width == 8) {
        const uint64_t *from = mbar_column_values(column);
        uint64_t *to = mbar_buffer_writable(parts->data);
        TAKE_VALUES(from, to);
    } else {
        const uint32_t *from = mbar_column_values(column);
        uint32_t *to = mbar_buffer_writable(parts->data);
        TAKE_VALUES(from, to);
    }
    return MBAR_OK;
}

static mbar_status take_bits(const mbar_column *column, const int64_t *rows,
                             mbar_column_parts *parts, mbar_error *error)
{
    mbar_status status = mbar_buffer_new(mbar_bits_bytes(parts->n_rows), &parts->data, error);
    if (status != MBAR_OK)
        return status;
    uint8_t *bits = mbar_buffer_writable(parts->data);
    for (int64_t i = 0; i < parts->n_rows; i++)
        if (rows[i] >= 0 && mbar_column_bool(column, rows[i]))
            mbar_bit_set(bits, i);
    return MBAR_OK;
}

static mbar_status take_text(const mbar_column *column, const int64_t *rows,
                             mbar_column_parts *parts, mbar_error *error)
{
    size_t n_bytes;
    if (!mbar_mul_size((size_t)parts->n_rows + 1, sizeof(int32_t), &n_bytes))
        return mbar_error_set(error, MBAR_NOMEM, "out of memory: %lld rows",
                              (long long)parts->n_rows);
    mbar_status status = mbar_buffer_new_uninit(n_bytes, &parts->data, error);
    if (status != MBAR_OK)
        return status;
    int32_t *offsets = mbar_buffer_writable(parts->data);
    int64_t total = 0;
    offsets[0] = 0;
    for (int64_t i = 0; i < parts->n_rows; i++) {
        size_t length = 0;
        if (rows[i] >= 0)
            mbar_column_text(column, rows[i], &length);
        total += (int64_t)length;
        if (total > INT32_MAX)
            return mbar_error_set(error, MBAR_UNSUPPORTED,
                                  "column \"%s\": over 2 GiB of text: take fewer rows at a time",
                                  column->field.name);
        offsets[i + 1] = (int32_t)total;
    }
    status = mbar_buffer_new_uninit((size_t)total, &parts->bytes, error);
    if (status != MBAR_OK)
        return status;
    char *to = mbar_buffer_writable(parts->bytes);
    for (int64_t i = 0; i < parts->n_rows; i++) {
        size_t length = 0;
        const char *text = rows[i] < 0 ? "" : mbar_column_text(column, rows[i], &length);
        memcpy(to + offsets[i], text, length);
    }
    return MBAR_OK;
}

mbar_status mbar_column_take(const mbar_column *column, const int64_t *rows, int64_t n_rows,
                             mbar_column **out, mbar_error *error)
{
    assert(n_rows >= 0 && (rows || n_rows == 0));
    bool any_missing = mbar_take_check(rows, n_rows, column->n_rows);
    return mbar_column_take_checked(column, rows, n_rows, any_missing, out, error);
}

mbar_status mbar_column_take_checked(const mbar_column *column, const int64_t *rows, int64_t n_rows,
                                     bool any_missing, mbar_column **out, mbar_error *error)
{
    mbar_field field = column->field;
    mbar_column_parts parts = {.n_rows = n_rows, .dictionary = column->dictionary};
    bool any_null = takes_null(column, rows, n_rows, any_missing);
    mbar_status status;
    if (field.type == MBAR_TYPE_BOOL)
        status = take_bits(column, rows, &parts, error);
    else if (field.type == MBAR_TYPE_UTF8)
        status = take_text(column, rows, &parts, error);
    else
        status = take_values(column, rows, any_missing, &parts, error);
    if (status == MBAR_OK && any_null) {
        field.nullable = true;
        status = take_validity(column, rows, &parts, error);
    }
    if (status == MBAR_OK)
        status = mbar_column_make(&field, &parts, out, error);
    mbar_buffer_unref(parts.data);
    mbar_buffer_unref(parts.bytes);
    mbar_buffer_unref(parts.validity);
    return status;
}
