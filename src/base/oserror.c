/*
 * oserror.c - errno to mbar_error, in one place.
 */
#include "base/oserror.h"

#include <errno.h>
#include <string.h>

/* strerror is not safe between threads; its two safe forms share a name. */
static const char *reason(int errnum, char *room, size_t n_bytes)
{
#if defined(__GLIBC__) && defined(_GNU_SOURCE)
    return strerror_r(errnum, room, n_bytes);
#else
    return strerror_r(errnum, room, n_bytes) == 0 ? room : "unknown error";
#endif
}

static mbar_status status_of(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
        return MBAR_NOTFOUND;
    case ENOMEM:
        return MBAR_NOMEM;
    default:
        return MBAR_IO;
    }
}

mbar_status mbar_error_os(mbar_error *error, int errnum, const char *file, const char *what)
{
    char room[128];
    mbar_status status = status_of(errnum);
    mbar_error_set(error, status, "cannot %s: %s", what, reason(errnum, room, sizeof room));
    mbar_error_in_file(error, file);
    return status;
}
