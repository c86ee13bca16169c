/*
 * arrow_import.c - Arrow arrays as columns and tables, without a copy where the
 * layouts agree.
 *
 * The producer's array is moved into a hold with a count of the buffers that
 * point into it; the last of them to go releases the array. The move happens
 * last, after all checks: until then the hold is empty, and dropping it leaves
 * the array to the caller.
 *
 * Nothing in the structs is trusted that can be checked: counts, lengths, sums,
 * NULL pointers, text offsets, dictionary codes. The null count is taken from
 * the bitmap, never from the producer. What a pointer points to must be as
 * large as the lengths say; that cannot be checked.
 *
 * Copied, because our types are fewer or stricter: narrow integers (widened),
 * days (to seconds), and data not aligned to their width.
 */
#include "table/arrow_import.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "table/bitmap.h"
#include "table/buffer.h"

#include <assert.h>
#include <string.h>

#define MAX_ROWS (INT64_MAX / 64) /* keeps every size computed here in range */

/* ---- The hold ------------------------------------------------------------ */

struct mbar_arrow_hold {
    atomic_size_t n_refs;
    struct ArrowArray array; /* release is NULL until the move */
};

static mbar_arrow_hold *hold_new(mbar_error *error)
{
    mbar_arrow_hold *self = mbar_alloc(sizeof *self, error);
    if (self)
        atomic_init(&self->n_refs, 1);
    return self;
}

static void hold_unref(void *owner)
{
    mbar_arrow_hold *self = owner;
    if (atomic_fetch_sub_explicit(&self->n_refs, 1, memory_order_acq_rel) != 1)
        return;
    if (self->array.release)
        self->array.release(&self->array);
    mbar_free(self);
}

mbar_status mbar_arrow_wrap(mbar_arrow_hold *hold, const void *data, size_t n_bytes,
                            mbar_buffer **out, mbar_error *error)
{
    mbar_status status = mbar_buffer_wrap(data, n_bytes, hold_unref, hold, out, error);
    if (status == MBAR_OK)
        atomic_fetch_add_explicit(&hold->n_refs, 1, memory_order_relaxed);
    return status;
}

static void move_in(mbar_arrow_hold *self, struct ArrowArray *array)
{
    self->array = *array;
    array->release = NULL;
}

/* ---- One column ---------------------------------------------------------- */

mbar_status mbar_arrow_invalid(const mbar_arrow_import *in, const char *message)
{
    return mbar_error_set(in->error, MBAR_INVALID, "column \"%.100s\": Arrow array: %s",
                          in->field.name, message);
}

mbar_status mbar_arrow_invalid_at(const mbar_arrow_import *in, int64_t row, const char *message)
{
    mbar_error_set(in->error, MBAR_INVALID, "column \"%.100s\": row %lld: %s", in->field.name,
                   (long long)row, message);
    if (in->error)
        in->error->row = row;
    return MBAR_INVALID;
}

/* Rows [skip, skip + n_rows) of the array, and what its header says. */
static mbar_status check_header(mbar_arrow_import *in, int64_t skip, int64_t n_rows)
{
    const struct ArrowArray *array = in->array;
    int64_t end;
    if (!array->release)
        return mbar_arrow_invalid(in, "it has been released or moved already");
    if (array->length < 0 || array->offset < 0)
        return mbar_arrow_invalid(in, "a length or offset is negative");
    if (!mbar_add_i64(array->length, array->offset, &end) || end > MAX_ROWS)
        return mbar_arrow_invalid(in, "length and offset are too large");
    if (n_rows > array->length - skip)
        return mbar_arrow_invalid(in, "it is shorter than the struct it belongs to");
    if (array->null_count < -1 || array->null_count > array->length)
        return mbar_arrow_invalid(in, "the null count is impossible");
    if (array->n_children != 0)
        return mbar_arrow_invalid(in, "it has children, which its format does not");
    if (!array->dictionary != !in->schema->dictionary)
        return mbar_arrow_invalid(in, "schema and array disagree on a dictionary");
    in->first = array->offset + skip;
    in->n_rows = n_rows;
    return MBAR_OK;
}

static mbar_status check_buffers(mbar_arrow_import *in)
{
    const struct ArrowArray *array = in->array;
    int64_t n_expected = in->format->type == MBAR_TYPE_UTF8 ? 3 : 2;
    bool views = in->format->source == MBAR_ARROW_TEXT_VIEW;
    if (views ? array->n_buffers < n_expected : array->n_buffers != n_expected)
        return mbar_arrow_invalid(in, "the number of buffers is not that of its format");
    if (!array->buffers)
        return mbar_arrow_invalid(in, "it has no buffers");
    if (!array->buffers[0] && array->null_count > 0)
        return mbar_arrow_invalid(in, "it counts nulls and has no validity bitmap");
    if (!array->buffers[1] && in->n_rows > 0)
        return mbar_arrow_invalid(in, "it has rows and no data buffer");
    return MBAR_OK;
}

bool mbar_arrow_is_valid(const mbar_arrow_import *in, int64_t i)
{
    const uint8_t *bits = in->array->buffers[0];
    return !bits || mbar_bit_get(bits, in->first + i);
}

/* Takes the bitmap as it is where the data are in place, else from bit 0 on. */
static mbar_status import_validity(mbar_arrow_import *in)
{
    const uint8_t *bits = in->array->buffers[0];
    mbar_column_parts *parts = &in->parts;
    if (!bits || parts->validity)
        return MBAR_OK; /* none, or a dictionary's nulls have been merged in */
    parts->n_nulls = in->n_rows - mbar_bits_count(bits, in->first, in->n_rows);
    if (parts->n_nulls == 0)
        return MBAR_OK;
    if (in->in_place)
        return mbar_arrow_wrap(in->hold, bits, mbar_bits_bytes(in->first + in->n_rows),
                               &parts->validity, in->error);
    mbar_status status = mbar_buffer_new(mbar_bits_bytes(in->n_rows), &parts->validity, in->error);
    if (status == MBAR_OK)
        mbar_bits_copy(mbar_buffer_writable(parts->validity), 0, bits, in->first, in->n_rows);
    return status;
}

/* ---- Values -------------------------------------------------------------- */

#define WIDEN(from_type, to_type, scale)                                   \
    do {                                                                   \
        to_type *to = mbar_buffer_writable(in->parts.data);                \
        for (int64_t i = 0; i < in->n_rows; i++) {                         \
            from_type value;                                               \
            memcpy(&value, from + (size_t)i * sizeof value, sizeof value); \
            to[i] = (to_type)value * (scale);                              \
        }                                                                  \
    } while (0)

static mbar_status copy_values(mbar_arrow_import *in)
{
    size_t width = mbar_type_width(in->field.type);
    const char *from = (const char *)in->array->buffers[1] + (size_t)in->first * in->format->width;
    mbar_status status =
        mbar_buffer_new_uninit((size_t)in->n_rows * width, &in->parts.data, in->error);
    if (status != MBAR_OK)
        return status;
    switch (in->format->source) {
    case MBAR_ARROW_INT8:
        WIDEN(int8_t, int32_t, 1);
        break;
    case MBAR_ARROW_UINT8:
        WIDEN(uint8_t, int32_t, 1);
        break;
    case MBAR_ARROW_INT16:
        WIDEN(int16_t, int32_t, 1);
        break;
    case MBAR_ARROW_UINT16:
        WIDEN(uint16_t, int32_t, 1);
        break;
    case MBAR_ARROW_UINT32:
        WIDEN(uint32_t, int64_t, 1);
        break;
    case MBAR_ARROW_DAYS:
        WIDEN(int32_t, int64_t, 86400);
        break;
    default:
        memcpy(mbar_buffer_writable(in->parts.data), from, (size_t)in->n_rows * width);
        break;
    }
    return MBAR_OK;
}

static mbar_status import_values(mbar_arrow_import *in)
{
    const void *data = in->array->buffers[1];
    size_t width = in->format->width;
    int64_t end = in->first + in->n_rows;
    if (in->format->source != MBAR_ARROW_SAME || (width && (uintptr_t)data % width))
        return copy_values(in);
    in->in_place = true;
    return mbar_arrow_wrap(in->hold, data, width ? (size_t)end * width : mbar_bits_bytes(end),
                           &in->parts.data, in->error);
}

/* ---- Columns and tables -------------------------------------------------- */

static mbar_status import_data(mbar_arrow_import *in)
{
    if (in->field.type == MBAR_TYPE_DICT)
        return mbar_arrow_import_dictionary(in);
    if (in->field.type == MBAR_TYPE_UTF8)
        return mbar_arrow_import_text(in);
    return import_values(in);
}

static mbar_status build(mbar_arrow_import *in, mbar_column **out)
{
    mbar_status status = import_data(in);
    if (status == MBAR_OK)
        status = import_validity(in);
    if (status != MBAR_OK)
        return status;
    in->parts.first = in->in_place ? in->first : 0;
    in->parts.n_rows = in->n_rows;
    in->field.nullable |= in->parts.n_nulls > 0;
    return mbar_column_make(&in->field, &in->parts, out, in->error);
}

mbar_status mbar_arrow_import_column(const struct ArrowSchema *schema,
                                     const struct ArrowArray *array, int64_t skip, int64_t n_rows,
                                     mbar_arrow_hold *hold, mbar_column **out, mbar_error *error)
{
    mbar_arrow_import in = {.schema = schema, .array = array, .hold = hold, .error = error};
    mbar_status status = mbar_arrow_read_field(schema, &in.format, &in.field, error);
    if (status == MBAR_OK)
        status = check_header(&in, skip, n_rows);
    if (status == MBAR_OK)
        status = check_buffers(&in);
    if (status != MBAR_OK)
        return status;
    if (n_rows == 0)
        return mbar_column_new_empty(&in.field, out, error);
    status = build(&in, out);
    mbar_buffer_unref(in.parts.data);
    mbar_buffer_unref(in.parts.bytes);
    mbar_buffer_unref(in.parts.validity);
    mbar_column_unref(in.parts.dictionary);
    return status;
}

mbar_status mbar_column_from_arrow(const struct ArrowSchema *schema, struct ArrowArray *array,
                                   mbar_column **out, mbar_error *error)
{
    assert(schema && array && out);
    mbar_status status = mbar_arrow_check_alive(schema, error);
    if (status != MBAR_OK)
        return status;
    mbar_arrow_hold *hold = hold_new(error);
    if (!hold)
        return MBAR_NOMEM;
    status = mbar_arrow_import_column(schema, array, 0, array->length, hold, out, error);
    if (status == MBAR_OK)
        move_in(hold, array);
    hold_unref(hold);
    return status;
}

static mbar_status bad_struct(const char *message, mbar_error *error)
{
    return mbar_error_set(error, MBAR_INVALID, "Arrow struct array: %s", message);
}

static mbar_status check_struct(const struct ArrowSchema *schema, const struct ArrowArray *array,
                                mbar_error *error)
{
    int64_t end;
    if (!array->release)
        return bad_struct("it has been released or moved already", error);
    if (array->length < 0 || array->offset < 0 ||
        !mbar_add_i64(array->length, array->offset, &end) || end > MAX_ROWS)
        return bad_struct("length or offset is negative or too large", error);
    if (array->n_children != schema->n_children || (array->n_children > 0 && !array->children))
        return bad_struct("its columns are not those of the schema", error);
    if (array->n_buffers != 1 || !array->buffers)
        return bad_struct("it must have one buffer", error);
    if (array->dictionary)
        return bad_struct("it has a dictionary", error);
    for (int64_t i = 0; i < array->n_children; i++)
        if (!array->children[i])
            return bad_struct("a column is missing", error);
    const uint8_t *bits = array->buffers[0];
    if (!bits && array->null_count > 0)
        return bad_struct("it counts nulls and has no validity bitmap", error);
    if (bits && mbar_bits_count(bits, array->offset, array->length) != array->length)
        return mbar_error_set(error, MBAR_UNSUPPORTED,
                              "Arrow struct array: whole rows are null: drop them first");
    return MBAR_OK;
}

static mbar_status table_of(mbar_column **columns, int64_t n, mbar_status status, mbar_table **out,
                            mbar_error *error)
{
    if (status == MBAR_OK)
        status = mbar_table_new(columns, (int32_t)n, out, error);
    for (int64_t i = 0; i < n; i++)
        mbar_column_unref(columns[i]);
    mbar_free(columns);
    return status;
}

static mbar_status import_struct(const struct ArrowSchema *schema, const struct ArrowArray *array,
                                 mbar_arrow_hold *hold, mbar_table **out, mbar_error *error)
{
    int64_t n = schema->n_children;
    mbar_column **columns = mbar_alloc_array((size_t)n, sizeof *columns, error);
    if (!columns)
        return MBAR_NOMEM;
    mbar_status status = MBAR_OK;
    for (int64_t i = 0; i < n && status == MBAR_OK; i++)
        status = mbar_arrow_import_column(schema->children[i], array->children[i], array->offset,
                                          array->length, hold, &columns[i], error);
    return table_of(columns, n, status, out, error);
}

mbar_status mbar_table_from_arrow(const struct ArrowSchema *schema, struct ArrowArray *array,
                                  mbar_table **out, mbar_error *error)
{
    assert(schema && array && out);
    mbar_status status = mbar_arrow_check_table_schema(schema, error);
    if (status == MBAR_OK)
        status = check_struct(schema, array, error);
    if (status != MBAR_OK)
        return status;
    mbar_arrow_hold *hold = hold_new(error);
    if (!hold)
        return MBAR_NOMEM;
    status = import_struct(schema, array, hold, out, error);
    if (status == MBAR_OK)
        move_in(hold, array);
    hold_unref(hold);
    return status;
}

mbar_status mbar_arrow_empty_table(const struct ArrowSchema *schema, mbar_table **out,
                                   mbar_error *error)
{
    int64_t n = schema->n_children;
    mbar_column **columns = mbar_alloc_array((size_t)n, sizeof *columns, error);
    if (!columns)
        return MBAR_NOMEM;
    mbar_status status = MBAR_OK;
    for (int64_t i = 0; i < n && status == MBAR_OK; i++) {
        const mbar_arrow_format *format;
        mbar_field field;
        status = mbar_arrow_read_field(schema->children[i], &format, &field, error);
        if (status == MBAR_OK)
            status = mbar_column_new_empty(&field, &columns[i], error);
    }
    return table_of(columns, n, status, out, error);
}
