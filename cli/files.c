/*
 * files.c - files in and out.
 *
 * A verb never writes over its own input unless told to. It would be safe (the
 * sink writes beside the old file and renames), but it destroys what was there
 * and is a slip far more often than a wish.
 */
#include "files.h"

#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "output.h"

const char *const cli_codec_choices[] = {"none", "snappy", "gzip", "lz4", "zstd", NULL};

mbar_status cli_scan_path(const char *path, mbar_scan **out, mbar_error *error)
{
    mbar_scan *scan = NULL;
    mbar_status status = mbar_scan_new(&scan, error);
    if (status == MBAR_OK) {
        status = mbar_scan_add_path(scan, path, error);
    }
    if (status != MBAR_OK) {
        mbar_scan_free(scan);
        return status;
    }
    *out = scan;
    return MBAR_OK;
}

static const mbar_field *field_of_table(const void *table, int32_t column)
{
    return mbar_column_field(mbar_table_column(table, column));
}

int32_t cli_pick_time(cli_field_at *field_at, const void *owner, int32_t n_columns,
                      int32_t *n_found)
{
    static const char *const USUAL[] = {"timestamp", "datetime", "time", "date"};
    int32_t found = -1;
    *n_found = 0;
    for (int32_t i = 0; i < n_columns; i++) {
        const mbar_field *field = field_at(owner, i);
        if (field != NULL && field->type == MBAR_TYPE_TIMESTAMP) {
            found = i;
            (*n_found)++;
        }
    }
    if (*n_found < 2) {
        return found;
    }
    for (size_t k = 0; k < sizeof USUAL / sizeof USUAL[0]; k++) {
        for (int32_t i = 0; i < n_columns; i++) {
            const mbar_field *field = field_at(owner, i);
            if (field != NULL && field->type == MBAR_TYPE_TIMESTAMP &&
                strcasecmp(field->name, USUAL[k]) == 0) {
                return i;
            }
        }
    }
    return -1;
}

mbar_status cli_find_time(const mbar_table *table, const char *name, int32_t *out,
                          mbar_error *error)
{
    int32_t n_found;
    if (name == NULL) {
        int32_t found = cli_pick_time(field_of_table, table, mbar_table_columns(table), &n_found);
        if (found < 0) {
            return mbar_error_set(error, MBAR_NOTFOUND, "%s: name one with --time",
                                  n_found == 0 ? "no column holds timestamps"
                                               : "several columns hold timestamps, none of them "
                                                 "named timestamp, datetime, time or date");
        }
        *out = found;
        return MBAR_OK;
    }
    int32_t found = mbar_table_find(table, name);
    if (found < 0) {
        return mbar_error_set(error, MBAR_NOTFOUND,
                              "there is no column '%s': see mbar info for those there are", name);
    }
    mbar_type type = field_of_table(table, found)->type;
    if (type != MBAR_TYPE_TIMESTAMP) {
        return mbar_error_set(error, MBAR_INVALID,
                              "column '%s' is %s, not timestamp: name the one that holds times",
                              name, mbar_type_name(type));
    }
    *out = found;
    return MBAR_OK;
}

/* ---- Writing ------------------------------------------------------------- */

static bool same_file(const char *path, const struct stat *out)
{
    struct stat in;
    return stat(path, &in) == 0 && in.st_dev == out->st_dev && in.st_ino == out->st_ino;
}

/* Whether OUT is the input, or one of the files its pattern names. */
static bool is_input(const char *input, const char *path)
{
    struct stat out;
    glob_t found;
    bool same = false;
    if (stat(path, &out) != 0) {
        return false;
    }
    if (same_file(input, &out)) {
        return true;
    }
    if (glob(input, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && !same; i++) {
            same = same_file(found.gl_pathv[i], &out);
        }
        globfree(&found);
    }
    return same;
}

int cli_check_target(const char *verb, const cli_target *target, const char *input)
{
    if (target->path == NULL || target->path[0] == '\0') {
        return cli_usage(verb, "--out is missing: name the Parquet file to write");
    }
    if (target->level > 22) {
        return cli_usage(verb, "--level cannot be %" PRId64 ": the highest is 22 (zstd)",
                         target->level);
    }
    if (input != NULL && !target->overwrite && is_input(input, target->path)) {
        return cli_usage(verb,
                         "--out %s is the input itself: choose another name, or say "
                         "--overwrite",
                         target->path);
    }
    return CLI_OK;
}

mbar_status cli_write(const mbar_table *table, const cli_target *target, int64_t period_ns,
                      mbar_error *error)
{
    char period[24];
    mbar_sink *sink;
    mbar_parquet_options options;
    mbar_status status = mbar_sink_open_file(target->path, &sink, error);
    if (status == MBAR_OK) {
        mbar_parquet_options_init(&options);
        options.codec = (mbar_codec)target->codec;
        options.level = (int32_t)target->level;
        if (period_ns > 0) {
            snprintf(period, sizeof period, "%" PRId64, period_ns);
            options.period = period;
        }
        status = mbar_parquet_write(table, sink, &options, error);
    }
    if (status != MBAR_OK) {
        mbar_error_in_file(error, target->path);
    }
    return status;
}

/* ---- Telling what was written -------------------------------------------- */

static int64_t file_bytes(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 ? (int64_t)file.st_size : 0;
}

/* First and last stamp as text; false where there is none to tell. */
static bool format_ends(const mbar_table *table, char first[CLI_VALUE_BYTES],
                        char last[CLI_VALUE_BYTES])
{
    int32_t time = 0;
    if (mbar_table_rows(table) == 0 || cli_find_time(table, NULL, &time, NULL) != MBAR_OK) {
        return false;
    }
    mbar_column *column = mbar_table_column(table, time);
    cli_format_cell(column, 0, NULL, first);
    cli_format_cell(column, mbar_table_rows(table) - 1, NULL, last);
    return true;
}

void cli_print_written(const mbar_table *table, const cli_target *target)
{
    char rows[CLI_VALUE_BYTES], bytes[CLI_VALUE_BYTES], first[CLI_VALUE_BYTES],
        last[CLI_VALUE_BYTES];
    cli_format_count(mbar_table_rows(table), rows);
    cli_format_count(file_bytes(target->path), bytes);
    fputs("wrote ", stdout);
    cli_print_safe(stdout, target->path, strlen(target->path), 0);
    printf(": %s rows, %s bytes", rows, bytes);
    if (format_ends(table, first, last)) {
        printf(", %s to %s", first, last);
    }
    putchar('\n');
}

void cli_json_written(cli_json *json, const mbar_table *table, const cli_target *target)
{
    char first[CLI_VALUE_BYTES], last[CLI_VALUE_BYTES];
    cli_json_text(json, "out", target->path);
    cli_json_int(json, "rows", mbar_table_rows(table));
    cli_json_int(json, "bytes", file_bytes(target->path));
    if (format_ends(table, first, last)) {
        cli_json_text(json, "first", first);
        cli_json_text(json, "last", last);
    } else {
        cli_json_null(json, "first");
        cli_json_null(json, "last");
    }
}

void cli_json_stats(cli_json *json, const char *key, const mbar_read_stats *stats)
{
    cli_json_open(json, key, '{');
    cli_json_int(json, "rows_present", stats->rows_present);
    cli_json_int(json, "rows_read", stats->rows_read);
    cli_json_int(json, "bytes_present", stats->bytes_present);
    cli_json_int(json, "bytes_read", stats->bytes_read);
    cli_json_int(json, "files_present", stats->files_present);
    cli_json_int(json, "files_read", stats->files_read);
    cli_json_int(json, "row_groups_present", stats->row_groups_present);
    cli_json_int(json, "row_groups_read", stats->row_groups_read);
    cli_json_int(json, "pages_present", stats->pages_present);
    cli_json_int(json, "pages_read", stats->pages_read);
    cli_json_close(json, '}');
}
