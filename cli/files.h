/*
 * files.h - files in and out, as the verbs share them: opening a scan, finding
 * the time column, and writing a result.
 */
#ifndef MBAR_CLI_FILES_H
#define MBAR_CLI_FILES_H

#include "json.h"
#include "options.h"

/* A scan over one path (a file, a glob pattern or a directory). */
mbar_status cli_scan_path(const char *path, mbar_scan **out, mbar_error *error);

/* A column's field, or NULL for one that cannot be read. */
typedef const mbar_field *cli_field_at(const void *owner, int32_t column);
/* The time column by the rule of mbar_series_new: the only TIMESTAMP column,
 * else the one with a usual name; -1 where there is none. *n_found: how many
 * hold timestamps. */
int32_t cli_pick_time(cli_field_at *field_at, const void *owner, int32_t n_columns,
                      int32_t *n_found);
/* Index of the time column of a table: the one named, or (NULL) by the rule
 * above. MBAR_NOTFOUND, MBAR_INVALID. */
mbar_status cli_find_time(const mbar_table *table, const char *name, int32_t *out,
                          mbar_error *error);

/* Where and how a verb writes. */
typedef struct cli_target {
    const char *path;
    int codec; /* an mbar_codec: the choices stand in its order */
    int64_t level;
    bool overwrite;
} cli_target;

extern const char *const cli_codec_choices[];

/* The options that fill a cli_target, for a verb's table. */
#define CLI_TARGET_OPTIONS(target, default_codec)                                                    \
    {"out", 'o', CLI_TEXT, &(target)->path, "OUT", "the Parquet file to write", NULL},               \
        {"codec",                                                                                    \
         0,                                                                                          \
         CLI_CHOICE,                                                                                 \
         &(target)->codec,                                                                           \
         "NAME",                                                                                     \
         "none (the zero-copy layout), snappy, gzip, lz4 or zstd;\ndefault " default_codec,          \
         cli_codec_choices},                                                                         \
        {"level", 0, CLI_COUNT, &(target)->level, "N", "the codec's level; 0, the default: its own", \
         NULL},                                                                                      \
    {                                                                                                \
        "overwrite", 0, CLI_FLAG, &(target)->overwrite, NULL, "let OUT replace the input file",      \
            NULL                                                                                     \
    }

/* Refuses a missing --out, a bad level, and OUT that is the input itself
 * (unless --overwrite). input NULL: there is none. */
int cli_check_target(const char *verb, const cli_target *target, const char *input);

/* Writes table to the target; period_ns 0 is unknown. The old file stays until
 * the new one is whole. */
mbar_status cli_write(const mbar_table *table, const cli_target *target, int64_t period_ns,
                      mbar_error *error);

/* "wrote OUT: 1,234 rows, 56,789 bytes, 2024-01-02T23:00:00Z to ..." */
void cli_print_written(const mbar_table *table, const cli_target *target);
/* The same as members "out", "rows", "bytes", "first", "last". */
void cli_json_written(cli_json *json, const mbar_table *table, const cli_target *target);
/* Rows, bytes, files, row groups and pages read of those present. */
void cli_json_stats(cli_json *json, const char *key, const mbar_read_stats *stats);

#endif
