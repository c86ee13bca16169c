/*
 * text.c - a string that grows, by half its size at least, so that n appends
 * cost O(n) bytes moved in all.
 */
#include "base/text.h"

#include "base/alloc.h"
#include "base/checked.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void mbar_text_init(struct mbar_text *text)
{
    *text = (struct mbar_text){0};
}

void mbar_text_deinit(struct mbar_text *text)
{
    mbar_free(text->data);
    mbar_text_init(text);
}

/* Room for n_more bytes and a NUL. */
static mbar_status make_room(struct mbar_text *text, size_t n_more, mbar_error *error)
{
    size_t need;
    if (!mbar_add_size(text->n_bytes, n_more, &need) || !mbar_add_size(need, 1, &need))
        return mbar_error_set(error, MBAR_NOMEM, "out of memory: a text of over %zu bytes",
                              text->n_bytes);
    if (need <= text->capacity)
        return MBAR_OK;
    size_t grown = text->capacity + text->capacity / 2;
    if (grown < need)
        grown = need < 64 ? 64 : need;
    void *data = text->data;
    if (!mbar_resize_array(&data, text->capacity, grown, 1, error))
        return MBAR_NOMEM;
    text->data = data;
    text->capacity = grown;
    return MBAR_OK;
}

mbar_status mbar_text_append_bytes(struct mbar_text *text, const char *bytes, size_t n_bytes,
                                   mbar_error *error)
{
    mbar_status status = make_room(text, n_bytes, error);
    if (status != MBAR_OK)
        return status;
    if (n_bytes)
        memcpy(text->data + text->n_bytes, bytes, n_bytes);
    text->n_bytes += n_bytes;
    text->data[text->n_bytes] = '\0';
    return MBAR_OK;
}

mbar_status mbar_text_append(struct mbar_text *text, const char *string, mbar_error *error)
{
    return mbar_text_append_bytes(text, string, strlen(string), error);
}

mbar_status mbar_text_appendf(struct mbar_text *text, mbar_error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n_bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n_bytes < 0)
        return mbar_error_set(error, MBAR_INVALID, "cannot format \"%s\"", format);
    mbar_status status = make_room(text, (size_t)n_bytes, error);
    if (status != MBAR_OK)
        return status;
    va_start(args, format);
    vsnprintf(text->data + text->n_bytes, (size_t)n_bytes + 1, format, args);
    va_end(args);
    text->n_bytes += (size_t)n_bytes;
    return MBAR_OK;
}

const char *mbar_text_string(const struct mbar_text *text)
{
    return text->data ? text->data : "";
}

char *mbar_text_take(struct mbar_text *text, mbar_error *error)
{
    if (make_room(text, 0, error) != MBAR_OK)
        return NULL;
    char *data = text->data;
    mbar_text_init(text);
    return data;
}
