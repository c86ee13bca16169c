/*
 * scan_paths.c - the files a path means.
 *
 * A path that exists is taken as it is: a file, or a directory, of which every
 * *.parquet file below is taken, and its key=value folders noted. What does
 * not exist and holds *, ? or [ is a pattern. Names are in byte order, so that
 * the order of rows depends on no locale. Names that begin with "." or "_" are
 * left out, as writers put their scratch there.
 */
#include "io/scan_internal.h"

#include "base/alloc.h"
#include "base/oserror.h"
#include "base/text.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FOLDERS 32 /* deep; beyond, it is a loop of links */

/* What a walk carries down: the path so far and its key=value folders. */
typedef struct walk {
    mbar_scan *scan;
    struct mbar_text path;
    mbar_scan_hive hive[MAX_FOLDERS];
    int32_t n_hive, depth;
} walk;

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mbar_free(names[i]);
    }
    mbar_free(names);
}

static mbar_status add_name(char ***names, size_t *n, const char *name, mbar_error *error)
{
    void *array = *names;
    char *copy = mbar_strdup(name, error);
    if (copy == NULL) {
        return MBAR_NOMEM;
    }
    if (!mbar_resize_array(&array, *n, *n + 1, sizeof **names, error)) {
        mbar_free(copy);
        return MBAR_NOMEM;
    }
    *names = array;
    (*names)[(*n)++] = copy;
    return MBAR_OK;
}

static mbar_status list_folder(const char *path, char ***names, size_t *n, mbar_error *error)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return mbar_error_os(error, errno, path, "list the directory");
    }
    mbar_status status = MBAR_OK;
    for (struct dirent *entry; status == MBAR_OK && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.' && entry->d_name[0] != '_') {
            status = add_name(names, n, entry->d_name, error);
        }
    }
    closedir(folder);
    if (status == MBAR_OK && *n > 0) {
        qsort(*names, *n, sizeof **names, by_bytes);
    }
    return status;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* %XX in a folder name is a byte; not %00. In place. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        int high = from[0] == '%' ? hex(from[1]) : -1;
        int low = high >= 0 ? hex(from[2]) : -1;
        if (low >= 0 && high + low > 0) {
            *to++ = (char)(high * 16 + low);
            from += 3;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

/* Notes a folder "key=value"; other folders note nothing. */
static mbar_status enter_folder(walk *w, const char *name, bool *noted, mbar_error *error)
{
    const char *equals = strchr(name, '=');
    *noted = equals != NULL && equals != name && w->n_hive < MAX_FOLDERS;
    if (!*noted) {
        return MBAR_OK;
    }
    char *key = mbar_strdup(name, error);
    char *value = mbar_strdup(equals + 1, error);
    if (key == NULL || value == NULL) {
        mbar_free(key);
        mbar_free(value);
        *noted = false;
        return MBAR_NOMEM;
    }
    key[equals - name] = '\0';
    unescape(key);
    unescape(value);
    if (strcmp(value, "__HIVE_DEFAULT_PARTITION__") == 0) {
        mbar_free(value);
        value = NULL;
    }
    w->hive[w->n_hive++] = (mbar_scan_hive){key, value};
    return MBAR_OK;
}

static void leave_folder(walk *w, bool noted)
{
    if (noted) {
        w->n_hive--;
        mbar_free(w->hive[w->n_hive].key);
        mbar_free(w->hive[w->n_hive].value);
    }
}

static mbar_status add_file(walk *w, mbar_error *error)
{
    mbar_scan_source source = {.kind = MBAR_SCAN_FILE,
                               .name = (char *)mbar_text_string(&w->path),
                               .hive = w->hive,
                               .n_hive = w->n_hive};
    return mbar_scan_push_source(w->scan, &source, error);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static mbar_status walk_folder(walk *w, mbar_error *error)
{
    char **names = NULL;
    size_t n = 0, length = w->path.n_bytes;
    if (w->depth >= MAX_FOLDERS) {
        return mbar_error_set(error, MBAR_INVALID, "%s: folders nest deeper than %d",
                              mbar_text_string(&w->path), MAX_FOLDERS);
    }
    w->depth++;
    mbar_status status = list_folder(mbar_text_string(&w->path), &names, &n, error);
    for (size_t i = 0; i < n && status == MBAR_OK; i++) {
        struct stat about;
        bool noted = false;
        status = mbar_text_appendf(&w->path, error, "%s%s",
                                   ends_with(mbar_text_string(&w->path), "/") ? "" : "/", names[i]);
        if (status == MBAR_OK && stat(mbar_text_string(&w->path), &about) == 0) {
            if (S_ISDIR(about.st_mode)) {
                status = enter_folder(w, names[i], &noted, error);
                if (status == MBAR_OK) {
                    status = walk_folder(w, error);
                }
                leave_folder(w, noted);
            } else if (ends_with(names[i], ".parquet")) {
                status = add_file(w, error);
            }
        }
        w->path.n_bytes = length;
        w->path.data[length] = '\0';
    }
    free_names(names, n);
    w->depth--;
    return status;
}

/* One path that exists. */
static mbar_status add_existing(mbar_scan *scan, const char *path, mbar_error *error)
{
    struct stat about;
    walk w = {.scan = scan};
    mbar_text_init(&w.path);
    mbar_status status = mbar_text_append(&w.path, path, error);
    if (status == MBAR_OK && stat(path, &about) == 0 && S_ISDIR(about.st_mode)) {
        int32_t before = scan->n_sources;
        status = walk_folder(&w, error);
        if (status == MBAR_OK && scan->n_sources == before) {
            status = mbar_error_set(error, MBAR_NOTFOUND, "the directory holds no *.parquet file");
            mbar_error_in_file(error, path);
        }
    } else if (status == MBAR_OK) {
        status = add_file(&w, error);
    }
    mbar_text_deinit(&w.path);
    return status;
}

static mbar_status add_pattern(mbar_scan *scan, const char *pattern, mbar_error *error)
{
    glob_t found = {0};
    int code = glob(pattern, GLOB_NOSORT, NULL, &found);
    mbar_status status = MBAR_OK;
    if (code == GLOB_NOSPACE) {
        status = mbar_error_set(error, MBAR_NOMEM, "out of memory");
    } else if (code != 0 || found.gl_pathc == 0) {
        status = mbar_error_set(error, MBAR_NOTFOUND, "no file matches");
        mbar_error_in_file(error, pattern);
    } else {
        qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, by_bytes);
        for (size_t i = 0; i < found.gl_pathc && status == MBAR_OK; i++) {
            status = add_existing(scan, found.gl_pathv[i], error);
        }
    }
    globfree(&found);
    return status;
}

mbar_status mbar_scan_add_path(mbar_scan *scan, const char *path, mbar_error *error)
{
    assert(scan != NULL && path != NULL);
    struct stat about;
    int32_t before = scan->n_sources;
    mbar_status status;
    if (stat(path, &about) == 0) {
        status = add_existing(scan, path, error);
    } else if (strpbrk(path, "*?[") != NULL) {
        status = add_pattern(scan, path, error);
    } else {
        return mbar_error_os(error, errno, path, "open the file");
    }
    if (status != MBAR_OK) {
        mbar_scan_drop_sources(scan, before);
    }
    return status;
}
