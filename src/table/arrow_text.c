/*
 * arrow_text.c - Arrow's three layouts of text as our one.
 *
 * "u" has our layout and is shared. "U" has int64 offsets, which are copied to
 * int32 counted from the first row, while the bytes are shared. "vu" has views,
 * short texts in themselves and long ones in any of several buffers; all are
 * copied. More than 2^31 - 1 bytes in one batch are refused.
 */
#include "table/arrow_import.h"

#include "table/buffer.h"

#include <string.h>

/* The bytes from data[start] on, n of them, which may be none at all. */
static mbar_status wrap_text(mbar_arrow_import *in, const char *data, int64_t start, int64_t n)
{
    if (n == 0)
        return mbar_buffer_new(0, &in->parts.bytes, in->error);
    if (!data)
        return mbar_arrow_invalid(in, "it has text and no text buffer");
    return mbar_arrow_wrap(in->hold, data + start, (size_t)n, &in->parts.bytes, in->error);
}

/* The buffer's size is the array's last offset, which rows beyond those wanted may have set back.
 */
static mbar_status check_end(const mbar_arrow_import *in, int64_t wanted_end, int64_t array_end)
{
    return wanted_end <= array_end
               ? MBAR_OK
               : mbar_arrow_invalid_at(in, in->n_rows, "text offsets must rise");
}

static mbar_status new_offsets(mbar_arrow_import *in)
{
    return mbar_buffer_new_uninit(((size_t)in->n_rows + 1) * sizeof(int32_t), &in->parts.data,
                                  in->error);
}

static mbar_status import_small_text(mbar_arrow_import *in)
{
    const char *at = in->array->buffers[1];
    size_t n_bytes = (size_t)(in->first + in->n_rows + 1) * sizeof(int32_t);
    size_t skip = (size_t)in->first * sizeof(int32_t);
    mbar_status status;
    if ((uintptr_t)at % sizeof(int32_t)) {
        status = new_offsets(in);
        if (status == MBAR_OK)
            memcpy(mbar_buffer_writable(in->parts.data), at + skip, n_bytes - skip);
    } else {
        in->in_place = true;
        status = mbar_arrow_wrap(in->hold, at, n_bytes, &in->parts.data, in->error);
    }
    if (status != MBAR_OK)
        return status;
    const int32_t *offsets = mbar_buffer_data(in->parts.data);
    offsets += in->in_place ? in->first : 0;
    status = mbar_column_check_offsets(in->field.name, offsets, in->n_rows, INT32_MAX, in->error);
    if (status != MBAR_OK)
        return status;
    int32_t array_end;
    memcpy(&array_end, at + (size_t)(in->array->offset + in->array->length) * sizeof array_end,
           sizeof array_end);
    status = check_end(in, offsets[in->n_rows], array_end);
    if (status != MBAR_OK)
        return status;
    return wrap_text(in, in->array->buffers[2], 0, offsets[in->n_rows]);
}

static mbar_status too_much_text(const mbar_arrow_import *in)
{
    return mbar_error_set(in->error, MBAR_UNSUPPORTED,
                          "column \"%.100s\": over 2 GiB of text: pass it in smaller batches",
                          in->field.name);
}

static int64_t large_offset(const mbar_arrow_import *in, int64_t i)
{
    int64_t value;
    memcpy(&value, (const char *)in->array->buffers[1] + (size_t)(in->first + i) * sizeof value,
           sizeof value);
    return value;
}

static mbar_status import_large_text(mbar_arrow_import *in)
{
    mbar_status status = new_offsets(in);
    if (status != MBAR_OK)
        return status;
    int32_t *to = mbar_buffer_writable(in->parts.data);
    int64_t start = large_offset(in, 0);
    int64_t last = start;
    if (start < 0)
        return mbar_arrow_invalid_at(in, 0, "text offsets must not be negative");
    for (int64_t i = 0; i <= in->n_rows; i++) {
        int64_t offset = large_offset(in, i);
        if (offset < last)
            return mbar_arrow_invalid_at(in, i - 1, "text offsets must rise");
        if (offset - start > INT32_MAX)
            return too_much_text(in);
        to[i] = (int32_t)(offset - start);
        last = offset;
    }
    status =
        check_end(in, last, large_offset(in, in->array->offset + in->array->length - in->first));
    if (status != MBAR_OK)
        return status;
    return wrap_text(in, in->array->buffers[2], start, last - start);
}

/* One element of a text view: short texts lie in it, long ones elsewhere. */
typedef struct view {
    int32_t n_bytes;
    char rest[12]; /* the text, or prefix[4], int32 buffer, int32 offset */
} view;

#define VIEW_INLINE_BYTES 12

static view view_at(const mbar_arrow_import *in, int64_t i)
{
    view value;
    memcpy(&value, (const char *)in->array->buffers[1] + (size_t)(in->first + i) * sizeof value,
           sizeof value);
    return value;
}

/* Where the text of a long view lies, or NULL if it lies outside its buffer. */
static const char *long_view_text(const mbar_arrow_import *in, const view *value)
{
    int64_t n_data = in->array->n_buffers - 3; /* besides validity, views and the sizes */
    const char *sizes = in->array->buffers[in->array->n_buffers - 1];
    int32_t buffer;
    int32_t offset;
    int64_t size;
    memcpy(&buffer, value->rest + 4, sizeof buffer);
    memcpy(&offset, value->rest + 8, sizeof offset);
    if (buffer < 0 || buffer >= n_data || offset < 0 || !sizes)
        return NULL;
    memcpy(&size, sizes + (size_t)buffer * sizeof size, sizeof size);
    const char *data = in->array->buffers[2 + buffer];
    return data && offset <= size && value->n_bytes <= size - offset ? data + offset : NULL;
}

static mbar_status check_views(mbar_arrow_import *in, int32_t *offsets)
{
    int64_t total = 0;
    offsets[0] = 0;
    for (int64_t i = 0; i < in->n_rows; i++) {
        if (mbar_arrow_is_valid(in, i)) {
            view value = view_at(in, i);
            bool outside = value.n_bytes > VIEW_INLINE_BYTES && !long_view_text(in, &value);
            if (value.n_bytes < 0 || outside)
                return mbar_arrow_invalid_at(in, i, "a text view lies outside its buffer");
            total += value.n_bytes;
        }
        if (total > INT32_MAX)
            return too_much_text(in);
        offsets[i + 1] = (int32_t)total;
    }
    return MBAR_OK;
}

static mbar_status import_text_views(mbar_arrow_import *in)
{
    mbar_status status = new_offsets(in);
    if (status != MBAR_OK)
        return status;
    int32_t *offsets = mbar_buffer_writable(in->parts.data);
    status = check_views(in, offsets);
    if (status == MBAR_OK)
        status = mbar_buffer_new_uninit((size_t)offsets[in->n_rows], &in->parts.bytes, in->error);
    if (status != MBAR_OK)
        return status;
    char *to = mbar_buffer_writable(in->parts.bytes);
    for (int64_t i = 0; i < in->n_rows; i++) {
        size_t n_bytes = (size_t)(offsets[i + 1] - offsets[i]);
        view value = view_at(in, i);
        if (n_bytes)
            memcpy(to + offsets[i],
                   n_bytes > VIEW_INLINE_BYTES ? long_view_text(in, &value) : value.rest, n_bytes);
    }
    return MBAR_OK;
}

mbar_status mbar_arrow_import_text(mbar_arrow_import *in)
{
    switch (in->format->source) {
    case MBAR_ARROW_LARGE_TEXT:
        return import_large_text(in);
    case MBAR_ARROW_TEXT_VIEW:
        return import_text_views(in);
    default:
        return import_small_text(in);
    }
}
