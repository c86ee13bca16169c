/*
 * oserror.h - what the operating system said, as an mbar_error.
 */
#ifndef MILLIBAR_BASE_OSERROR_H
#define MILLIBAR_BASE_OSERROR_H

#include <millibar/base.h>

/* Sets "cannot WHAT: REASON" in file from an errno value and returns the
 * status: MBAR_NOTFOUND where nothing is there, MBAR_NOMEM for want of memory,
 * else MBAR_IO. */
mbar_status mbar_error_os(mbar_error *error, int errnum, const char *file, const char *what);

#endif
