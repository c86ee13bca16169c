/*
 * status.c - the status names and the caller-owned error.
 *
 * An mbar_error is plain data of fixed size, so reporting a failure cannot
 * itself fail, least of all for want of memory. Texts that are too long are cut
 * on a UTF-8 boundary: a message loses its end, a file name its beginning,
 * since the last part of a path is the part that tells files apart.
 */
#include <millibar/base.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *mbar_status_name(mbar_status status)
{
    switch (status) {
    case MBAR_OK:
        return "ok";
    case MBAR_NOMEM:
        return "out of memory";
    case MBAR_IO:
        return "input/output error";
    case MBAR_FORMAT:
        return "malformed file";
    case MBAR_UNSUPPORTED:
        return "unsupported";
    case MBAR_INVALID:
        return "invalid";
    case MBAR_NOTFOUND:
        return "not found";
    }
    return "unknown status";
}

void mbar_error_init(mbar_error *error)
{
    error->code = MBAR_OK;
    error->offset = -1;
    error->row = -1;
    error->file[0] = '\0';
    error->message[0] = '\0';
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Drops a character cut in two from the end of text, which fills its array. */
static void drop_partial_tail(char *text, size_t n_bytes)
{
    size_t i = n_bytes;
    while (i > 0 && is_continuation(text[i - 1]))
        i--;
    if (i == 0 || ((unsigned char)text[i - 1] & 0xC0) != 0xC0)
        return; /* ends in ASCII, or is no UTF-8 at all */
    unsigned char lead = (unsigned char)text[i - 1];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (n_bytes - (i - 1) < need)
        text[i - 1] = '\0';
}

mbar_status mbar_error_set(mbar_error *error, mbar_status code, const char *format, ...)
{
    if (!error)
        return code;
    /* Into a copy first: the arguments may include error->message itself. */
    char message[sizeof error->message];
    va_list args;
    va_start(args, format);
    int n_bytes = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (n_bytes < 0)
        message[0] = '\0';
    else if ((size_t)n_bytes >= sizeof message)
        drop_partial_tail(message, sizeof message - 1);
    mbar_error_init(error);
    error->code = code;
    memcpy(error->message, message, strlen(message) + 1);
    return code;
}

mbar_status mbar_error_in_file(mbar_error *error, const char *file)
{
    if (!error)
        return MBAR_OK;
    if (error->file[0] || !file)
        return error->code;
    size_t n_bytes = strlen(file);
    if (n_bytes < sizeof error->file) {
        memcpy(error->file, file, n_bytes + 1);
        return error->code;
    }
    static const char mark[] = "...";
    const char *tail = file + n_bytes - (sizeof error->file - sizeof mark);
    while (is_continuation(*tail))
        tail++;
    memcpy(error->file, mark, sizeof mark - 1);
    memcpy(error->file + sizeof mark - 1, tail, strlen(tail) + 1);
    return error->code;
}
