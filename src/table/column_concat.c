/*
 * column_concat.c - columns end to end.
 *
 * Fixed-width values and bits are copied, text offsets rebased. Dictionary
 * columns that have one dictionary in common keep it; otherwise a dictionary is
 * built of all of theirs, each text once in the order of first appearance, and
 * the codes are translated. Codes under a null are written as 0: they may have
 * been anything.
 */
#include "table/column.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "table/bitmap.h"
#include "table/buffer.h"
#include "table/textset.h"

#include <assert.h>
#include <string.h>

typedef struct joint {
    mbar_column *const *columns;
    int32_t n;
    mbar_field field;
    mbar_column_parts parts; /* owned */
} joint;

static mbar_status check_types(joint *join, mbar_error *error)
{
    const mbar_field *first = &join->field;
    for (int32_t k = 1; k < join->n; k++) {
        const mbar_field *other = &join->columns[k]->field;
        if (other->type != first->type)
            return mbar_error_set(
                error, MBAR_INVALID, "column \"%s\" is %s in part 0 and %s in part %d: cast one",
                first->name, mbar_type_name(first->type), mbar_type_name(other->type), (int)k);
        if (first->type != MBAR_TYPE_TIMESTAMP)
            continue;
        if (other->unit != first->unit || !mbar_same_zone(other->zone, first->zone))
            return mbar_error_set(
                error, MBAR_INVALID,
                "column \"%s\" is timestamp[%s, %.64s] in part 0 and "
                "timestamp[%s, %.64s] in part %d: cast one",
                first->name, mbar_unit_name(first->unit), first->zone ? first->zone : "no zone",
                mbar_unit_name(other->unit), other->zone ? other->zone : "no zone", (int)k);
    }
    return MBAR_OK;
}

static mbar_status sum_rows(joint *join, mbar_error *error)
{
    for (int32_t k = 0; k < join->n; k++) {
        const mbar_column *column = join->columns[k];
        join->field.nullable |= column->field.nullable;
        if (!mbar_add_i64(join->parts.n_rows, column->n_rows, &join->parts.n_rows) ||
            join->parts.n_rows > INT64_MAX / 8)
            return mbar_error_set(error, MBAR_NOMEM, "column \"%s\": too many rows to join",
                                  join->field.name);
        join->parts.n_nulls += mbar_column_nulls(column);
    }
    return MBAR_OK;
}

static mbar_status join_validity(joint *join, mbar_error *error)
{
    if (join->parts.n_nulls == 0)
        return MBAR_OK;
    mbar_status status =
        mbar_buffer_new(mbar_bits_bytes(join->parts.n_rows), &join->parts.validity, error);
    if (status != MBAR_OK)
        return status;
    uint8_t *bits = mbar_buffer_writable(join->parts.validity);
    int64_t at = 0;
    for (int32_t k = 0; k < join->n; k++) {
        const mbar_column *column = join->columns[k];
        int64_t bit_offset;
        const uint8_t *from = mbar_column_validity(column, &bit_offset);
        if (from)
            mbar_bits_copy(bits, at, from, bit_offset, column->n_rows);
        else
            mbar_bits_fill(bits, at, column->n_rows);
        at += column->n_rows;
    }
    return MBAR_OK;
}

static mbar_status join_values(joint *join, mbar_error *error)
{
    size_t width = mbar_type_width(join->field.type);
    size_t n_bytes = (size_t)join->parts.n_rows * width;
    mbar_status status = mbar_buffer_new_uninit(n_bytes, &join->parts.data, error);
    if (status != MBAR_OK)
        return status;
    char *to = mbar_buffer_writable(join->parts.data);
    for (int32_t k = 0; k < join->n; k++) {
        size_t part_bytes = (size_t)join->columns[k]->n_rows * width;
        if (part_bytes)
            memcpy(to, mbar_column_values(join->columns[k]), part_bytes);
        to += part_bytes;
    }
    return MBAR_OK;
}

static mbar_status join_bits(joint *join, mbar_error *error)
{
    mbar_status status =
        mbar_buffer_new(mbar_bits_bytes(join->parts.n_rows), &join->parts.data, error);
    if (status != MBAR_OK)
        return status;
    uint8_t *bits = mbar_buffer_writable(join->parts.data);
    int64_t at = 0;
    for (int32_t k = 0; k < join->n; k++) {
        const mbar_column *column = join->columns[k];
        mbar_bits_copy(bits, at, mbar_column_bits(column), column->first, column->n_rows);
        at += column->n_rows;
    }
    return MBAR_OK;
}

static mbar_status join_offsets(joint *join, int64_t *n_bytes, mbar_error *error)
{
    size_t offsets_bytes = ((size_t)join->parts.n_rows + 1) * sizeof(int32_t);
    mbar_status status = mbar_buffer_new_uninit(offsets_bytes, &join->parts.data, error);
    if (status != MBAR_OK)
        return status;
    int32_t *to = mbar_buffer_writable(join->parts.data);
    int64_t total = 0;
    for (int32_t k = 0; k < join->n; k++) {
        const mbar_column *column = join->columns[k];
        const int32_t *from = mbar_column_offsets(column);
        if (total + (from[column->n_rows] - from[0]) > INT32_MAX)
            return mbar_error_set(error, MBAR_UNSUPPORTED,
                                  "column \"%s\": over 2 GiB of text: join fewer rows",
                                  join->field.name);
        for (int64_t i = 0; i < column->n_rows; i++)
            *to++ = (int32_t)(total + from[i] - from[0]);
        total += from[column->n_rows] - from[0];
    }
    *to = (int32_t)total;
    *n_bytes = total;
    return MBAR_OK;
}

static mbar_status join_text(joint *join, mbar_error *error)
{
    int64_t n_bytes = 0;
    mbar_status status = join_offsets(join, &n_bytes, error);
    if (status == MBAR_OK)
        status = mbar_buffer_new_uninit((size_t)n_bytes, &join->parts.bytes, error);
    if (status != MBAR_OK)
        return status;
    char *to = mbar_buffer_writable(join->parts.bytes);
    for (int32_t k = 0; k < join->n; k++) {
        const mbar_column *column = join->columns[k];
        const int32_t *from = mbar_column_offsets(column);
        size_t part_bytes = (size_t)(from[column->n_rows] - from[0]);
        if (part_bytes)
            memcpy(to, mbar_column_text_bytes(column) + from[0], part_bytes);
        to += part_bytes;
    }
    return MBAR_OK;
}

static bool share_dictionary(const joint *join)
{
    mbar_column *first = join->columns[0]->dictionary;
    for (int32_t k = 1; k < join->n; k++)
        if (join->columns[k]->dictionary != first &&
            !mbar_column_equal(join->columns[k]->dictionary, first))
            return false;
    return true;
}

/* Adds a dictionary's texts to set and writes the new code of each to *map. */
static mbar_status map_dictionary(mbar_textset *set, const mbar_column *dictionary, int32_t **map,
                                  mbar_error *error)
{
    int32_t *numbers = mbar_alloc_array((size_t)dictionary->n_rows, sizeof *numbers, error);
    if (!numbers)
        return MBAR_NOMEM;
    for (int64_t i = 0; i < dictionary->n_rows; i++) {
        size_t n_bytes;
        const char *text = mbar_column_text(dictionary, i, &n_bytes);
        mbar_status status = mbar_textset_add(set, text, n_bytes, &numbers[i], error);
        if (status != MBAR_OK) {
            mbar_free(numbers);
            return status;
        }
    }
    *map = numbers;
    return MBAR_OK;
}

static mbar_status join_mapped_codes(joint *join, mbar_textset *set, mbar_error *error)
{
    size_t n_bytes = (size_t)join->parts.n_rows * sizeof(int32_t);
    mbar_status status = mbar_buffer_new(n_bytes, &join->parts.data, error);
    if (status != MBAR_OK)
        return status;
    int32_t *to = mbar_buffer_writable(join->parts.data);
    for (int32_t k = 0; k < join->n; k++) {
        const mbar_column *column = join->columns[k];
        const int32_t *codes = mbar_column_values(column);
        int32_t *map;
        status = map_dictionary(set, column->dictionary, &map, error);
        if (status != MBAR_OK)
            return status;
        for (int64_t i = 0; i < column->n_rows; i++)
            if (mbar_column_is_valid(column, i))
                to[i] = map[codes[i]];
        to += column->n_rows;
        mbar_free(map);
    }
    return MBAR_OK;
}

static mbar_status join_dictionaries(joint *join, mbar_error *error)
{
    if (share_dictionary(join)) {
        join->parts.dictionary = mbar_column_ref(join->columns[0]->dictionary);
        return join_values(join, error);
    }
    mbar_textset set;
    mbar_textset_init(&set);
    mbar_status status = join_mapped_codes(join, &set, error);
    if (status == MBAR_OK)
        status = mbar_textset_column(&set, join->field.name, &join->parts.dictionary, error);
    mbar_textset_deinit(&set);
    return status;
}

static mbar_status join_data(joint *join, mbar_error *error)
{
    switch (join->field.type) {
    case MBAR_TYPE_BOOL:
        return join_bits(join, error);
    case MBAR_TYPE_UTF8:
        return join_text(join, error);
    case MBAR_TYPE_DICT:
        return join_dictionaries(join, error);
    default:
        return join_values(join, error);
    }
}

mbar_status mbar_column_concat(mbar_column *const *columns, int32_t n, mbar_column **out,
                               mbar_error *error)
{
    assert(columns && n >= 1);
    if (n == 1) {
        *out = mbar_column_ref(columns[0]);
        return MBAR_OK;
    }
    joint join = {.columns = columns, .n = n, .field = columns[0]->field};
    mbar_status status = check_types(&join, error);
    if (status == MBAR_OK)
        status = sum_rows(&join, error);
    if (status == MBAR_OK)
        status = join_validity(&join, error);
    if (status == MBAR_OK)
        status = join_data(&join, error);
    if (status == MBAR_OK)
        status = mbar_column_make(&join.field, &join.parts, out, error);
    mbar_buffer_unref(join.parts.data);
    mbar_buffer_unref(join.parts.bytes);
    mbar_buffer_unref(join.parts.validity);
    mbar_column_unref(join.parts.dictionary);
    return status;
}
