/*
 * scan_internal.h - the plan behind mbar_scan, for the scan_*.c files.
 */
#ifndef MILLIBAR_IO_SCAN_INTERNAL_H
#define MILLIBAR_IO_SCAN_INTERNAL_H

#include "io/expr_internal.h"

typedef enum mbar_scan_kind {
    MBAR_SCAN_FILE = 1,
    MBAR_SCAN_MEMORY,
    MBAR_SCAN_TABLE
} mbar_scan_kind;

/* A folder's key=value; value NULL is null. */
typedef struct mbar_scan_hive {
    char *key, *value;
} mbar_scan_hive;

typedef struct mbar_scan_source {
    mbar_scan_kind kind;
    char *name;       /* FILE: the path */
    const void *data; /* MEMORY: borrowed */
    size_t n_bytes;
    mbar_table *table;
    mbar_scan_hive *hive;
    int32_t n_hive;
} mbar_scan_source;

typedef struct mbar_scan_limit {
    bool is_tail;
    int64_t n_rows;
} mbar_scan_limit;

struct mbar_scan {
    mbar_scan_source *sources;
    int32_t n_sources;
    char **selected;
    int32_t n_selected;
    bool has_select;
    bool has_between;
    char *time_column; /* NULL: found */
    int64_t from_ns, to_ns;
    mbar_expr **filters;
    int32_t n_filters;
    mbar_scan_limit *limits;
    int32_t n_limits;
    bool has_resample;
    mbar_series_options series; /* its strings and zones are owned */
    mbar_resample resample;
    int32_t n_threads;
    bool has_run;
    mbar_read_stats stats; /* of the last run */
};

/* Tables in order. */
typedef struct mbar_scan_pieces {
    mbar_table **tables;
    int32_t n;
    int64_t n_rows;
} mbar_scan_pieces;

/* Aggregates on their way: scan_aggregate.c. */
typedef struct mbar_scan_fold mbar_scan_fold;

/* A plan being carried out. */
typedef struct mbar_scan_run {
    const mbar_scan *scan;
    /* Of the result, in order, then those only looked at. Borrowed from the
     * first source's fields, the plan, or its filters. */
    const char **names;
    int32_t n_names, n_result;
    const char *time_name; /* the column of between, or NULL */
    int32_t n_threads;     /* within one source */
    mbar_table *first;     /* no rows, every column of the first source */
    mbar_scan_pieces *per_source;
    mbar_read_stats *stats; /* per source */
    mbar_scan_fold *fold;   /* borrowed; NULL: the result is rows */
    bool streams;           /* rows go to fold as they come, there are no pieces */
} mbar_scan_run;

typedef struct mbar_scan_opened {
    const mbar_scan_source *source;
    mbar_parquet *file; /* NULL: a table */
} mbar_scan_opened;

#define MBAR_SCAN_MAX_RANGES 256

/* Rising, disjoint row ranges. */
typedef struct mbar_scan_ranges {
    mbar_window ranges[MBAR_SCAN_MAX_RANGES];
    int32_t n;
} mbar_scan_ranges;

/* ---- scan_source.c ---- */

mbar_status mbar_scan_open_source(const mbar_scan_source *source, mbar_scan_opened *out,
                                  mbar_error *error);
void mbar_scan_close_source(mbar_scan_opened *o);
int64_t mbar_scan_source_rows(const mbar_scan_opened *o);
/* Index of a file's column by name, or -1. */
int32_t mbar_scan_file_column(const mbar_parquet *file, const char *name);
/* Rows of the named columns, folders' ones among them. */
mbar_status mbar_scan_read_columns(const mbar_scan_opened *o, const char *const *names, int32_t n,
                                   int64_t first, int64_t n_rows, int32_t n_threads,
                                   mbar_table **out, mbar_read_stats *stats, mbar_error *error);
/* Every column that can be read, folders' ones last, without rows. */
mbar_status mbar_scan_source_schema(const mbar_scan_opened *o, mbar_table **out, mbar_error *error);
/* MBAR_INVALID where the source's columns are not those of first. */
mbar_status mbar_scan_check_columns(const mbar_scan_opened *o, const mbar_table *first,
                                    mbar_error *error);

/* ---- scan_prune.c ---- */

/* Narrows set, which starts as all rows of the file. */
mbar_status mbar_scan_prune(const mbar_scan_run *r, const mbar_scan_opened *o,
                            mbar_scan_ranges *set, mbar_read_stats *stats, mbar_error *error);
/* The plan's [from, to) as an inclusive range of a column's unit. */
void mbar_scan_unit_range(const mbar_scan *scan, int64_t unit_ns, int64_t *lo, int64_t *hi);
/* Row groups that hold a row of the set. */
int32_t mbar_scan_count_groups(const mbar_scan_opened *o, const mbar_scan_ranges *set);

/* The end of the first row group that ends at least n_rows after a row of a file;
 * the rows of the file where none does. */
int64_t mbar_scan_group_end(const mbar_scan_opened *o, int64_t row, int64_t n_rows);

/* ---- scan_names.c ---- */

/* Settles names: those of the result, then those only looked at. */
mbar_status mbar_scan_choose_names(mbar_scan_run *r, mbar_error *error);

/* ---- scan_rows.c ---- */

/* Whether every row that is read is kept. */
bool mbar_scan_is_exact(const mbar_scan_run *r);
/* How many of n flags are 1. */
int64_t mbar_scan_count_kept(const uint8_t *keep, int64_t n);
/* A byte a row of table, 1 where the time range and the filters keep it. */
mbar_status mbar_scan_mark_rows(const mbar_scan_run *r, const mbar_table *table, uint8_t **out,
                                mbar_error *error);
/* Applies the time range and the filters; takes table over, whatever comes. The columns
 * that only they look at are not in *out. */
mbar_status mbar_scan_filter_rows(const mbar_scan_run *r, mbar_table *table, mbar_table **out,
                                  mbar_error *error);

/* ---- scan_run.c ---- */

/* The first limit, when reading may stop at it, or NULL. */
const mbar_scan_limit *mbar_scan_first_limit(const mbar_scan_run *r);
/* Cuts a range to at most n_rows, from the end that matters. */
mbar_window mbar_scan_cut(mbar_window range, int64_t n_rows, bool is_tail);

/* ---- scan_finish.c ---- */

/* The result of all pieces. */
mbar_status mbar_scan_finish(const mbar_scan_run *r, mbar_table **out, mbar_error *error);

/* ---- scan_aggregate.c ---- */

/* Borrows the aggregates. */
mbar_status mbar_scan_fold_new(const mbar_aggregate *aggregates, int32_t n, mbar_scan_fold **out,
                               mbar_error *error);
void mbar_scan_fold_free(mbar_scan_fold *fold);
/* Calls fn for the name of every column in the aggregates. */
void mbar_scan_fold_each_column(const mbar_scan_fold *fold, void (*fn)(void *ctx, const char *name),
                                void *ctx);
/* Settles types by a table with the columns of those to come, which must outlive
 * the fold; MBAR_INVALID where an aggregate has no meaning for its type. */
mbar_status mbar_scan_fold_settle(mbar_scan_fold *fold, const mbar_table *table, mbar_error *error);
/* Adds the rows whose keep is 1, all where it is NULL. Rows come in order. */
mbar_status mbar_scan_fold_rows(mbar_scan_fold *fold, const mbar_table *table, const uint8_t *keep,
                                mbar_error *error);
/* The aggregates of the rows so far: one row. */
mbar_status mbar_scan_fold_result(const mbar_scan_fold *fold, mbar_table **out, mbar_error *error);

/* ---- scan.c ---- */

/* Adds one source, whose parts are copied (hive too) and table referenced. */
mbar_status mbar_scan_push_source(mbar_scan *scan, const mbar_scan_source *source,
                                  mbar_error *error);

/* Forgets the sources from the n-th on. */
void mbar_scan_drop_sources(mbar_scan *scan, int32_t n);

/* Index of the time column among fields: named, the only TIMESTAMP, or by its
 * usual name; -1. */
int32_t mbar_scan_find_time(const mbar_field *const *fields, int32_t n, const char *name);

#endif
