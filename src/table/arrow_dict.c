/*
 * arrow_dict.c - Arrow's dictionary-encoded text.
 *
 * Codes of any integer type are taken: int32 ones are shared, others copied;
 * each valid one is checked to be inside the dictionary. Our dictionaries have
 * no nulls, so rows that point to a null entry become null themselves.
 */
#include "table/arrow_import.h"

#include "table/bitmap.h"

#include <string.h>

#define CODE(type)                        \
    do {                                  \
        type value;                       \
        memcpy(&value, at, sizeof value); \
        return (int64_t)value;            \
    } while (0)

/* Code i. A uint64 too large for an int64 turns negative, which is no code either. */
static int64_t code_at(const mbar_arrow_import *in, int64_t i)
{
    const char *at =
        (const char *)in->array->buffers[1] + (size_t)(in->first + i) * in->format->width;
    switch (in->format->code[0]) {
    case 'c':
        CODE(int8_t);
    case 'C':
        CODE(uint8_t);
    case 's':
        CODE(int16_t);
    case 'S':
        CODE(uint16_t);
    case 'i':
        CODE(int32_t);
    case 'I':
        CODE(uint32_t);
    case 'l':
        CODE(int64_t);
    default:
        CODE(uint64_t);
    }
}

static mbar_status copy_codes(mbar_arrow_import *in, int64_t n_entries)
{
    mbar_status status =
        mbar_buffer_new((size_t)in->n_rows * sizeof(int32_t), &in->parts.data, in->error);
    if (status != MBAR_OK)
        return status;
    int32_t *to = mbar_buffer_writable(in->parts.data);
    for (int64_t i = 0; i < in->n_rows; i++) {
        if (!mbar_arrow_is_valid(in, i))
            continue;
        int64_t code = code_at(in, i);
        if (code < 0 || code >= n_entries || code > INT32_MAX)
            return mbar_arrow_invalid_at(in, i, "the code is outside the dictionary");
        to[i] = (int32_t)code;
    }
    return MBAR_OK;
}

/* Our dictionaries have no nulls: rows that point to one become null. */
static mbar_status merge_dictionary_nulls(mbar_arrow_import *in, mbar_column **dictionary)
{
    const mbar_column *entries = *dictionary;
    mbar_status status =
        mbar_buffer_new(mbar_bits_bytes(in->n_rows), &in->parts.validity, in->error);
    if (status != MBAR_OK)
        return status;
    uint8_t *bits = mbar_buffer_writable(in->parts.validity);
    const int32_t *codes = mbar_buffer_data(in->parts.data);
    in->parts.n_nulls = 0;
    for (int64_t i = 0; i < in->n_rows; i++) {
        if (mbar_arrow_is_valid(in, i) && mbar_column_is_valid(entries, codes[i]))
            mbar_bit_set(bits, i);
        else
            in->parts.n_nulls++;
    }
    mbar_column_parts parts = mbar_column_parts_of(entries);
    parts.validity = NULL;
    mbar_column *whole;
    status = mbar_column_make(&entries->field, &parts, &whole, in->error);
    if (status != MBAR_OK)
        return status;
    mbar_column_unref(*dictionary);
    *dictionary = whole;
    return MBAR_OK;
}

mbar_status mbar_arrow_import_dictionary(mbar_arrow_import *in)
{
    const struct ArrowArray *entries = in->array->dictionary;
    mbar_column **dictionary = &in->parts.dictionary;
    mbar_status status = mbar_arrow_import_column(in->schema->dictionary, entries, 0,
                                                  entries->length, in->hold, dictionary, in->error);
    if (status != MBAR_OK)
        return status;
    int64_t n_entries = mbar_column_rows(*dictionary);
    bool has_nulls = mbar_column_nulls(*dictionary) > 0;
    bool plain = in->format->code[0] == 'i' && !has_nulls;
    if (!plain || (uintptr_t)in->array->buffers[1] % sizeof(int32_t)) {
        status = copy_codes(in, n_entries);
        if (status == MBAR_OK && has_nulls)
            status = merge_dictionary_nulls(in, dictionary);
        return status;
    }
    in->in_place = true;
    const int32_t *codes = (const int32_t *)in->array->buffers[1] + in->first;
    status = mbar_column_check_codes(in->field.name, codes, in->n_rows, in->array->buffers[0],
                                     in->first, n_entries, in->error);
    if (status != MBAR_OK)
        return status;
    return mbar_arrow_wrap(in->hold, in->array->buffers[1],
                           (size_t)(in->first + in->n_rows) * sizeof(int32_t), &in->parts.data,
                           in->error);
}
