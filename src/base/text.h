/*
 * text.h - a string that grows.
 *
 * data is NULL until the first append and NUL-terminated after it; n_bytes
 * does not count the NUL. Belongs to one thread. A failed append leaves the
 * text as it was.
 */
#ifndef MILLIBAR_BASE_TEXT_H
#define MILLIBAR_BASE_TEXT_H

#include <millibar/base.h>

struct mbar_text {
    char *data;
    size_t n_bytes;
    size_t capacity;
};

void mbar_text_init(struct mbar_text *text);
void mbar_text_deinit(struct mbar_text *text);
mbar_status mbar_text_append(struct mbar_text *text, const char *string, mbar_error *error);
mbar_status mbar_text_append_bytes(struct mbar_text *text, const char *bytes, size_t n_bytes,
                                   mbar_error *error);
mbar_status mbar_text_appendf(struct mbar_text *text, mbar_error *error, const char *format, ...)
    MBAR_PRINTF(3, 4);
/* The text so far, never NULL; valid until the next append or deinit. */
const char *mbar_text_string(const struct mbar_text *text);
/* Hands the text over, to be freed with mbar_free, and starts anew; NULL with
 * MBAR_NOMEM set where an empty text finds no memory for its NUL. */
char *mbar_text_take(struct mbar_text *text, mbar_error *error);

#endif
