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

#include "market_support.h"

#include <millibar/io.h>

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

static inline const char *shared_folder(void)
{
    const char *shared = getenv("MILLIBAR_SHARED");
    return shared != NULL ? shared : "../shared";
}

/* The file at path under MILLIBAR_SHARED (or ../shared); a test that has none
 * says so and is skipped. */
static inline gzFile open_shared_gz(const char *path)
{
    char whole[1024];
    snprintf(whole, sizeof whole, "%s/%s", shared_folder(), path);
    gzFile file = gzopen(whole, "rb");
    if (file == NULL) {
        print_message("skipped: no %s\n", whole);
        skip();
    }
    return file;
}

/* A file of the shared data as a series; skips the test where it is absent. */
static inline mbar_series *shared_series(const char *name)
{
    char path[1024];
    mbar_scan *scan = NULL;
    mbar_table *table = NULL;
    mbar_error error;
    snprintf(path, sizeof path, "%s/data/%s.parquet", shared_folder(), name);
    must(mbar_scan_new(&scan, &error), &error);
    if (mbar_scan_add_path(scan, path, &error) == MBAR_NOTFOUND) {
        mbar_scan_free(scan);
        print_message("skipped: no %s\n", path);
        skip();
    }
    must(mbar_scan_collect(scan, &table, NULL, &error), &error);
    mbar_scan_free(scan);
    return series_of(table, NULL);
}

#endif
