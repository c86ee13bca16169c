/*
 * shared_files.h - the oracles that lie beside the project, not in it.
 */
#ifndef SHARED_FILES_H
#define SHARED_FILES_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

/* The file at path under MILLIBAR_SHARED (or ../shared); a test that has none
 * says so and is skipped. */
static inline gzFile open_shared_gz(const char *path)
{
    const char *shared = getenv("MILLIBAR_SHARED");
    char whole[1024];
    snprintf(whole, sizeof whole, "%s/%s", shared != NULL ? shared : "../shared", path);
    gzFile file = gzopen(whole, "rb");
    if (file == NULL) {
        print_message("skipped: no %s\n", whole);
        skip();
    }
    return file;
}

#endif
