/*
 * column.c - making, sharing and reading columns.
 *
 * A column is one block: the struct with its name and zone behind it, and
 * references to buffers. A slice is another such block with another first row,
 * so it costs O(1) whatever the rows. The number of nulls is counted when it is
 * first asked for and then kept; two threads may both count, and both write the
 * same number.
 *
 * The constructors check everything that can be checked once, so that readers
 * need not: buffer sizes, alignment, text offsets, dictionary codes.
 */
#include "table/column.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "table/bitmap.h"

#include <assert.h>
#include <string.h>

/* ---- Types --------------------------------------------------------------- */

const char *mbar_type_name(mbar_type type)
{
    switch (type) {
    case MBAR_TYPE_BOOL:
        return "bool";
    case MBAR_TYPE_INT32:
        return "int32";
    case MBAR_TYPE_INT64:
        return "int64";
    case MBAR_TYPE_UINT64:
        return "uint64";
    case MBAR_TYPE_FLOAT32:
        return "float32";
    case MBAR_TYPE_FLOAT64:
        return "float64";
    case MBAR_TYPE_TIMESTAMP:
        return "timestamp";
    case MBAR_TYPE_UTF8:
        return "utf8";
    case MBAR_TYPE_DICT:
        return "dictionary";
    }
    return "unknown type";
}

size_t mbar_type_width(mbar_type type)
{
    switch (type) {
    case MBAR_TYPE_BOOL:
    case MBAR_TYPE_UTF8:
        return 0;
    case MBAR_TYPE_INT32:
    case MBAR_TYPE_FLOAT32:
    case MBAR_TYPE_DICT:
        return 4;
    case MBAR_TYPE_INT64:
    case MBAR_TYPE_UINT64:
    case MBAR_TYPE_FLOAT64:
    case MBAR_TYPE_TIMESTAMP:
        return 8;
    }
    return 0;
}

/* ---- Making -------------------------------------------------------------- */

mbar_status mbar_column_make(const mbar_field *field, const mbar_column_parts *parts,
                             mbar_column **out, mbar_error *error)
{
    bool zoned = field->type == MBAR_TYPE_TIMESTAMP && field->zone;
    size_t name_bytes = strlen(field->name) + 1;
    size_t zone_bytes = zoned ? strlen(field->zone) + 1 : 0;
    mbar_column *self = mbar_alloc_uninit(sizeof *self + name_bytes + zone_bytes, error);
    if (!self)
        return MBAR_NOMEM;
    memcpy(self->text, field->name, name_bytes);
    if (zoned)
        memcpy(self->text + name_bytes, field->zone, zone_bytes);
    self->field = (mbar_field){
        .name = self->text,
        .type = field->type,
        .unit = field->type == MBAR_TYPE_TIMESTAMP ? field->unit : MBAR_UNIT_S,
        .zone = zoned ? self->text + name_bytes : NULL,
        .nullable = field->nullable,
    };
    atomic_init(&self->n_refs, 1);
    self->first = parts->first;
    self->n_rows = parts->n_rows;
    bool whole = !parts->validity || parts->n_nulls == 0;
    atomic_init(&self->n_nulls, whole ? 0 : parts->n_nulls);
    self->data = mbar_buffer_ref(parts->data);
    self->bytes = parts->bytes ? mbar_buffer_ref(parts->bytes) : NULL;
    self->validity = whole ? NULL : mbar_buffer_ref(parts->validity);
    self->dictionary = parts->dictionary ? mbar_column_ref(parts->dictionary) : NULL;
    *out = self;
    return MBAR_OK;
}

mbar_column_parts mbar_column_parts_of(const mbar_column *column)
{
    return (mbar_column_parts){
        .first = column->first,
        .n_rows = column->n_rows,
        .n_nulls = atomic_load_explicit(&column->n_nulls, memory_order_relaxed),
        .data = column->data,
        .bytes = column->bytes,
        .validity = column->validity,
        .dictionary = column->dictionary,
    };
}

static void assert_field(const mbar_field *field)
{
    assert(field && field->name);
    assert(field->type >= MBAR_TYPE_BOOL && field->type <= MBAR_TYPE_DICT);
    assert(field->type != MBAR_TYPE_TIMESTAMP ||
           (field->unit >= MBAR_UNIT_S && field->unit <= MBAR_UNIT_NS));
}

static mbar_status too_small(const mbar_field *field, const char *what, size_t has, size_t needs,
                             mbar_error *error)
{
    return mbar_error_set(error, MBAR_INVALID,
                          "column \"%s\": the %s buffer has %zu bytes, %zu are needed", field->name,
                          what, has, needs);
}

/* Validity, number of nulls and the promise of none; settles parts->n_nulls
 * where the promise has to be checked. */
static mbar_status check_validity(const mbar_field *field, mbar_column_parts *parts,
                                  mbar_error *error)
{
    if (parts->n_rows < 0)
        return mbar_error_set(error, MBAR_INVALID, "column \"%s\": %lld rows", field->name,
                              (long long)parts->n_rows);
    if (parts->n_nulls < MBAR_NULLS_UNKNOWN || parts->n_nulls > parts->n_rows ||
        (!parts->validity && parts->n_nulls > 0))
        return mbar_error_set(error, MBAR_INVALID, "column \"%s\": %lld nulls among %lld rows%s",
                              field->name, (long long)parts->n_nulls, (long long)parts->n_rows,
                              parts->validity ? "" : " without a validity bitmap");
    if (!parts->validity)
        return MBAR_OK;
    size_t needs = mbar_bits_bytes(parts->n_rows);
    size_t has = mbar_buffer_size(parts->validity);
    if (has < needs)
        return too_small(field, "validity", has, needs, error);
    if (!field->nullable && parts->n_nulls == MBAR_NULLS_UNKNOWN)
        parts->n_nulls =
            parts->n_rows - mbar_bits_count(mbar_buffer_data(parts->validity), 0, parts->n_rows);
    if (!field->nullable && parts->n_nulls > 0)
        return mbar_error_set(error, MBAR_INVALID,
                              "column \"%s\" is declared without nulls and has %lld: declare it "
                              "nullable",
                              field->name, (long long)parts->n_nulls);
    return MBAR_OK;
}

static mbar_status check_data(const mbar_field *field, int64_t n_values, mbar_buffer *data,
                              mbar_error *error)
{
    size_t width = field->type == MBAR_TYPE_UTF8 ? sizeof(int32_t) : mbar_type_width(field->type);
    size_t needs;
    if (field->type == MBAR_TYPE_BOOL)
        needs = mbar_bits_bytes(n_values);
    else if (!mbar_mul_size((size_t)n_values, width, &needs))
        return mbar_error_set(error, MBAR_INVALID, "column \"%s\": %lld rows are too many",
                              field->name, (long long)n_values);
    size_t has = mbar_buffer_size(data);
    if (has < needs)
        return too_small(field, "data", has, needs, error);
    if (width && (uintptr_t)mbar_buffer_data(data) % width)
        return mbar_error_set(error, MBAR_INVALID,
                              "column \"%s\": the data buffer is not aligned to %zu bytes: copy it",
                              field->name, width);
    return MBAR_OK;
}

mbar_status mbar_column_check_offsets(const char *name, const int32_t *offsets, int64_t n_rows,
                                      int64_t n_bytes, mbar_error *error)
{
    int64_t bad = -1;
    if (offsets[0] < 0)
        bad = 0;
    for (int64_t i = 0; i < n_rows && bad < 0; i++)
        if (offsets[i + 1] < offsets[i])
            bad = i;
    if (bad < 0 && offsets[n_rows] > n_bytes)
        bad = n_rows - (n_rows > 0);
    if (bad < 0)
        return MBAR_OK;
    mbar_error_set(error, MBAR_INVALID,
                   "column \"%s\": row %lld: text offsets must rise and stay inside the %lld bytes "
                   "of text",
                   name, (long long)bad, (long long)n_bytes);
    if (error)
        error->row = bad;
    return MBAR_INVALID;
}

mbar_status mbar_column_check_codes(const char *name, const int32_t *codes, int64_t n_rows,
                                    const uint8_t *validity, int64_t bit_offset, int64_t n_entries,
                                    mbar_error *error)
{
    for (int64_t i = 0; i < n_rows; i++) {
        if (codes[i] >= 0 && codes[i] < n_entries)
            continue;
        if (validity && !mbar_bit_get(validity, bit_offset + i))
            continue;
        mbar_error_set(error, MBAR_INVALID,
                       "column \"%s\": row %lld: code %d is outside the dictionary of %lld entries",
                       name, (long long)i, (int)codes[i], (long long)n_entries);
        if (error)
            error->row = i;
        return MBAR_INVALID;
    }
    return MBAR_OK;
}

mbar_status mbar_column_new(const mbar_field *field, int64_t n_rows, mbar_buffer *data,
                            mbar_buffer *validity, int64_t n_nulls, mbar_column **out,
                            mbar_error *error)
{
    assert_field(field);
    assert(field->type != MBAR_TYPE_UTF8 && field->type != MBAR_TYPE_DICT && data);
    mbar_column_parts parts = {
        .n_rows = n_rows, .n_nulls = n_nulls, .data = data, .validity = validity};
    mbar_status status = check_validity(field, &parts, error);
    if (status == MBAR_OK)
        status = check_data(field, n_rows, data, error);
    return status == MBAR_OK ? mbar_column_make(field, &parts, out, error) : status;
}

mbar_status mbar_column_new_utf8(const mbar_field *field, int64_t n_rows, mbar_buffer *offsets,
                                 mbar_buffer *bytes, mbar_buffer *validity, int64_t n_nulls,
                                 mbar_column **out, mbar_error *error)
{
    assert_field(field);
    assert(field->type == MBAR_TYPE_UTF8 && offsets && bytes);
    mbar_column_parts parts = {.n_rows = n_rows,
                               .n_nulls = n_nulls,
                               .data = offsets,
                               .bytes = bytes,
                               .validity = validity};
    mbar_status status = check_validity(field, &parts, error);
    if (status == MBAR_OK && n_rows == INT64_MAX)
        status = mbar_error_set(error, MBAR_INVALID, "column \"%s\": too many rows", field->name);
    if (status == MBAR_OK)
        status = check_data(field, n_rows + 1, offsets, error);
    if (status == MBAR_OK)
        status = mbar_column_check_offsets(field->name, mbar_buffer_data(offsets), n_rows,
                                           (int64_t)mbar_buffer_size(bytes), error);
    return status == MBAR_OK ? mbar_column_make(field, &parts, out, error) : status;
}

mbar_status mbar_column_new_dict(const mbar_field *field, int64_t n_rows, mbar_buffer *codes,
                                 mbar_column *dictionary, mbar_buffer *validity, int64_t n_nulls,
                                 mbar_column **out, mbar_error *error)
{
    assert_field(field);
    assert(field->type == MBAR_TYPE_DICT && codes && dictionary);
    assert(dictionary->field.type == MBAR_TYPE_UTF8);
    mbar_column_parts parts = {.n_rows = n_rows,
                               .n_nulls = n_nulls,
                               .data = codes,
                               .validity = validity,
                               .dictionary = dictionary};
    mbar_status status = check_validity(field, &parts, error);
    if (status == MBAR_OK)
        status = check_data(field, n_rows, codes, error);
    if (status == MBAR_OK && mbar_column_nulls(dictionary) > 0)
        status = mbar_error_set(
            error, MBAR_INVALID,
            "column \"%s\": its dictionary has nulls: mark the rows null instead", field->name);
    if (status == MBAR_OK)
        status = mbar_column_check_codes(field->name, mbar_buffer_data(codes), n_rows,
                                         validity ? mbar_buffer_data(validity) : NULL, 0,
                                         dictionary->n_rows, error);
    return status == MBAR_OK ? mbar_column_make(field, &parts, out, error) : status;
}

mbar_status mbar_column_from_values(const mbar_field *field, int64_t n_rows, const void *values,
                                    mbar_column **out, mbar_error *error)
{
    assert_field(field);
    assert(field->type != MBAR_TYPE_UTF8 && field->type != MBAR_TYPE_DICT);
    assert(field->type != MBAR_TYPE_BOOL && n_rows >= 0 && (values || n_rows == 0));
    size_t n_bytes;
    mbar_buffer *data;
    if (!mbar_mul_size((size_t)n_rows, mbar_type_width(field->type), &n_bytes))
        return mbar_error_set(error, MBAR_NOMEM, "out of memory: %lld rows", (long long)n_rows);
    mbar_status status = mbar_buffer_new(n_bytes, &data, error);
    if (status != MBAR_OK)
        return status;
    if (n_bytes)
        memcpy(mbar_buffer_writable(data), values, n_bytes);
    status = mbar_column_new(field, n_rows, data, NULL, 0, out, error);
    mbar_buffer_unref(data);
    return status;
}

mbar_status mbar_column_new_empty(const mbar_field *field, mbar_column **out, mbar_error *error)
{
    assert_field(field);
    mbar_field entries = {.name = field->name, .type = MBAR_TYPE_UTF8};
    mbar_column_parts parts = {0};
    /* One offset is all that a column of no rows can need. */
    mbar_status status = mbar_buffer_new(sizeof(int32_t), &parts.data, error);
    if (status == MBAR_OK && field->type == MBAR_TYPE_UTF8)
        status = mbar_buffer_new(0, &parts.bytes, error);
    if (status == MBAR_OK && field->type == MBAR_TYPE_DICT)
        status = mbar_column_new_empty(&entries, &parts.dictionary, error);
    if (status == MBAR_OK)
        status = mbar_column_make(field, &parts, out, error);
    mbar_buffer_unref(parts.data);
    mbar_buffer_unref(parts.bytes);
    mbar_column_unref(parts.dictionary);
    return status;
}

/* ---- Sharing ------------------------------------------------------------- */

mbar_column *mbar_column_ref(mbar_column *column)
{
    assert(column);
    atomic_fetch_add_explicit(&column->n_refs, 1, memory_order_relaxed);
    return column;
}

void mbar_column_unref(mbar_column *column)
{
    if (!column || atomic_fetch_sub_explicit(&column->n_refs, 1, memory_order_acq_rel) != 1)
        return;
    mbar_buffer_unref(column->data);
    mbar_buffer_unref(column->bytes);
    mbar_buffer_unref(column->validity);
    mbar_column_unref(column->dictionary);
    mbar_free(column);
}

mbar_status mbar_column_slice(mbar_column *column, int64_t first, int64_t n_rows, mbar_column **out,
                              mbar_error *error)
{
    assert(first >= 0 && n_rows >= 0 && first <= column->n_rows &&
           n_rows <= column->n_rows - first);
    mbar_column_parts parts = mbar_column_parts_of(column);
    if (n_rows == column->n_rows) {
        *out = mbar_column_ref(column);
        return MBAR_OK;
    }
    parts.first += first;
    parts.n_rows = n_rows;
    if (parts.n_nulls != 0)
        parts.n_nulls = MBAR_NULLS_UNKNOWN;
    return mbar_column_make(&column->field, &parts, out, error);
}

mbar_status mbar_column_rename(mbar_column *column, const char *name, mbar_column **out,
                               mbar_error *error)
{
    assert(name);
    mbar_field field = column->field;
    field.name = name;
    mbar_column_parts parts = mbar_column_parts_of(column);
    return mbar_column_make(&field, &parts, out, error);
}

/* ---- Reading ------------------------------------------------------------- */

const mbar_field *mbar_column_field(const mbar_column *column)
{
    return &column->field;
}

int64_t mbar_column_rows(const mbar_column *column)
{
    return column->n_rows;
}

int64_t mbar_column_nulls(const mbar_column *column)
{
    int64_t n_nulls = atomic_load_explicit(&column->n_nulls, memory_order_relaxed);
    if (n_nulls != MBAR_NULLS_UNKNOWN)
        return n_nulls;
    n_nulls = column->n_rows -
              mbar_bits_count(mbar_buffer_data(column->validity), column->first, column->n_rows);
    atomic_store_explicit(&((mbar_column *)column)->n_nulls, n_nulls, memory_order_relaxed);
    return n_nulls;
}

const void *mbar_column_values(const mbar_column *column)
{
    size_t width = mbar_type_width(column->field.type);
    assert(width);
    if (column->n_rows == 0)
        return mbar_buffer_data(column->data);
    return (const char *)mbar_buffer_data(column->data) + (size_t)column->first * width;
}

const uint8_t *mbar_column_validity(const mbar_column *column, int64_t *bit_offset)
{
    if (!column->validity || mbar_column_nulls(column) == 0) {
        *bit_offset = 0;
        return NULL;
    }
    *bit_offset = column->first;
    return mbar_buffer_data(column->validity);
}

bool mbar_column_is_valid(const mbar_column *column, int64_t row)
{
    assert(row >= 0 && row < column->n_rows);
    return !column->validity ||
           mbar_bit_get(mbar_buffer_data(column->validity), column->first + row);
}

const uint8_t *mbar_column_bits(const mbar_column *column)
{
    assert(column->field.type == MBAR_TYPE_BOOL);
    return mbar_buffer_data(column->data);
}

bool mbar_column_bool(const mbar_column *column, int64_t row)
{
    assert(row >= 0 && row < column->n_rows);
    return mbar_bit_get(mbar_column_bits(column), column->first + row);
}

const int32_t *mbar_column_offsets(const mbar_column *column)
{
    assert(column->field.type == MBAR_TYPE_UTF8);
    return (const int32_t *)mbar_buffer_data(column->data) + column->first;
}

const char *mbar_column_text_bytes(const mbar_column *column)
{
    assert(column->field.type == MBAR_TYPE_UTF8);
    return mbar_buffer_data(column->bytes);
}

const char *mbar_column_text(const mbar_column *column, int64_t row, size_t *n_bytes)
{
    *n_bytes = 0;
    if (!mbar_column_is_valid(column, row))
        return "";
    if (column->field.type == MBAR_TYPE_DICT) {
        row = ((const int32_t *)mbar_column_values(column))[row];
        column = column->dictionary;
    }
    const int32_t *offsets = mbar_column_offsets(column) + row;
    *n_bytes = (size_t)(offsets[1] - offsets[0]);
    return *n_bytes ? mbar_column_text_bytes(column) + offsets[0] : "";
}

mbar_column *mbar_column_dictionary(const mbar_column *column)
{
    return column->dictionary;
}

int64_t mbar_column_bytes(const mbar_column *column)
{
    int64_t n_rows = column->n_rows;
    int64_t n_bytes = n_rows * (int64_t)mbar_type_width(column->field.type);
    if (column->field.type == MBAR_TYPE_BOOL)
        n_bytes = (int64_t)mbar_bits_bytes(n_rows);
    if (column->field.type == MBAR_TYPE_UTF8) {
        const int32_t *offsets = mbar_column_offsets(column);
        n_bytes = (n_rows + 1) * (int64_t)sizeof *offsets + (offsets[n_rows] - offsets[0]);
    }
    if (column->validity)
        n_bytes += (int64_t)mbar_bits_bytes(n_rows);
    return n_bytes + (column->dictionary ? mbar_column_bytes(column->dictionary) : 0);
}
