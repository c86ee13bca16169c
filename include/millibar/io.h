/*
 * millibar/io.h - files in and out: expressions, Parquet, CSV, the lazy scan.
 *
 * Purpose: read only what a question needs. A scan is a plan: where from, which
 * columns, which span of time, which predicates, how much of it. Running it
 * prunes files, row groups and pages by their statistics, decodes only the
 * needed columns and rows, and tells what it pruned.
 *
 * Ownership: readers and scans belong to one thread; expressions are shared.
 */
#ifndef MILLIBAR_IO_H
#define MILLIBAR_IO_H

#include <millibar/market.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Expressions --------------------------------------------------------- */

typedef struct mbar_expr mbar_expr;

typedef enum mbar_op {
    MBAR_OP_ADD = 1,
    MBAR_OP_SUB,
    MBAR_OP_MUL,
    MBAR_OP_DIV, /* always in doubles */
    MBAR_OP_EQ,
    MBAR_OP_NE,
    MBAR_OP_LT,
    MBAR_OP_LE,
    MBAR_OP_GT,
    MBAR_OP_GE,
    MBAR_OP_AND,
    MBAR_OP_OR,
    MBAR_OP_NOT,     /* unary */
    MBAR_OP_NEG,     /* unary */
    MBAR_OP_IS_NULL, /* unary; true for null, not for NaN */
    MBAR_OP_IS_NAN   /* unary */
} mbar_op;

/* Leaves. Times are ns UTC and compare with TIMESTAMP columns of any unit,
 * exactly. Strings are copied. */
MBAR_API MBAR_MUST_USE mbar_status mbar_expr_column(const char *name, mbar_expr **out,
                                                   mbar_error *error);
MBAR_API MBAR_MUST_USE mbar_status mbar_expr_int(int64_t value, mbar_expr **out, mbar_error *error);
MBAR_API MBAR_MUST_USE mbar_status mbar_expr_float(double value, mbar_expr **out,
                                                  mbar_error *error);
MBAR_API MBAR_MUST_USE mbar_status mbar_expr_bool(bool value, mbar_expr **out, mbar_error *error);
MBAR_API MBAR_MUST_USE mbar_status mbar_expr_text(const char *value, mbar_expr **out,
                                                 mbar_error *error);
MBAR_API MBAR_MUST_USE mbar_status mbar_expr_time(int64_t ns, mbar_expr **out, mbar_error *error);
/* Nodes; arguments are referenced, not stolen. b is NULL for unary operators. */
MBAR_API MBAR_MUST_USE mbar_status mbar_expr_node(mbar_op op, mbar_expr *a, mbar_expr *b,
                                                 mbar_expr **out, mbar_error *error);
MBAR_API mbar_expr *mbar_expr_ref(mbar_expr *expr);
MBAR_API void mbar_expr_unref(mbar_expr *expr);
/* Writes "(volume > 0)" into out, cut to out_bytes; returns the whole length,
 * like snprintf. */
MBAR_API size_t mbar_expr_format(const mbar_expr *expr, char *out, size_t out_bytes);
/* The value per row as a column (BOOL for comparisons). Three-valued logic:
 * null in, null out, except AND with false and OR with true. Comparisons with
 * NaN are false, != true, as IEEE says. Integers and doubles mix by exact comparison. */
MBAR_API MBAR_MUST_USE mbar_status mbar_expr_eval(const mbar_expr *expr, const mbar_table *table,
                                                 mbar_column **out, mbar_error *error);

/* ---- Parquet ------------------------------------------------------------- */

typedef enum mbar_codec {
    MBAR_CODEC_NONE = 0,
    MBAR_CODEC_SNAPPY,
    MBAR_CODEC_GZIP,
    MBAR_CODEC_LZ4,
    MBAR_CODEC_ZSTD,
    MBAR_CODEC_OTHER
} mbar_codec;
MBAR_API const char *mbar_codec_name(mbar_codec codec);

typedef struct mbar_parquet mbar_parquet;

/* Takes over source on MBAR_OK; it is closed with the reader. Every message
 * names the source, and column and row group where they apply. */
MBAR_API MBAR_MUST_USE mbar_status mbar_parquet_open(mbar_source *source, mbar_parquet **out,
                                                    mbar_error *error);
MBAR_API void mbar_parquet_close(mbar_parquet *file);
MBAR_API int64_t mbar_parquet_rows(const mbar_parquet *file);
MBAR_API int32_t mbar_parquet_row_groups(const mbar_parquet *file);
MBAR_API int32_t mbar_parquet_columns(const mbar_parquet *file);
/* Field of a column. supported tells whether mbar_parquet_read can read it
 * (nested, decimal, time of day ... cannot be represented); asking for one that
 * cannot be read is MBAR_UNSUPPORTED, leaving it out is fine. Text is DICT where
 * every row group has a dictionary page; bytes without annotation are taken for
 * text, and reading one that is not UTF-8 is MBAR_UNSUPPORTED. */
MBAR_API const mbar_field *mbar_parquet_field(const mbar_parquet *file, int32_t column,
                                              bool *supported);

typedef struct mbar_parquet_chunk {
    int64_t n_rows;
    int64_t n_nulls; /* -1 unknown */
    int64_t compressed_bytes;
    int64_t uncompressed_bytes;
    mbar_codec codec;
    bool has_min_max; /* numbers and timestamps only */
    double min_float, max_float;
    int64_t min_int, max_int; /* integers, and timestamps in the field's unit */
    bool has_page_index;
} mbar_parquet_chunk;
MBAR_API MBAR_MUST_USE mbar_status mbar_parquet_chunk_info(const mbar_parquet *file,
                                                          int32_t row_group, int32_t column,
                                                          mbar_parquet_chunk *out,
                                                          mbar_error *error);
/* Value of a file-level metadata key, or NULL. Borrowed. */
MBAR_API const char *mbar_parquet_metadata(const mbar_parquet *file, const char *key);

typedef struct mbar_read_stats {
    int64_t rows_present, rows_read; /* decoded rows (before predicates) */
    int64_t bytes_present, bytes_read;
    int64_t files_present, files_read;
    int64_t row_groups_present, row_groups_read;
    int64_t pages_present, pages_read; /* of the pruning columns; 0 without page index */
} mbar_read_stats;

/* Rows [first, first + n_rows) of the file, the columns given by index (n 0
 * means every supported one), on up to n_threads threads (0: as many as there
 * are processors). Decodes only the pages that hold them. A column that lies in
 * one mapped, uncompressed, plain, aligned page without nulls is not decoded: it
 * points into the map (its checksum is then not computed) and keeps the file
 * open. Adds to *stats where that is not NULL; bytes_read of a part of a chunk is
 * its share by rows. */
MBAR_API MBAR_MUST_USE mbar_status mbar_parquet_read(mbar_parquet *file, const int32_t *columns,
                                                    int32_t n_columns, int64_t first,
                                                    int64_t n_rows, int32_t n_threads,
                                                    mbar_table **out, mbar_read_stats *stats,
                                                    mbar_error *error);

/* Row ranges of the file whose `column` (an integer or timestamp one) may lie
 * in [lo, hi], by row-group statistics and page index; never leaves out a row
 * that lies there. Up to max_ranges rising, disjoint ranges; returns their
 * number in *n_ranges (the last one is widened if there would be more). */
MBAR_API MBAR_MUST_USE mbar_status mbar_parquet_prune(mbar_parquet *file, int32_t column,
                                                     int64_t lo, int64_t hi, mbar_window *ranges,
                                                     int32_t max_ranges, int32_t *n_ranges,
                                                     mbar_read_stats *stats, mbar_error *error);

typedef struct mbar_parquet_options {
    mbar_codec codec;       /* NONE with plain encoding: the zero-copy layout */
    int32_t level;          /* codec level; 0: the codec's default */
    /* Both 0: 262,144 and 8,192 rows; but with NONE and 1 to 8 Mi rows one row
     * group, and one page a column where that lets it be used as it is mapped. */
    int64_t row_group_rows;
    int64_t page_rows; /* at most 1,048,576 */
    const char *period;     /* kept as metadata millibar.period_ns, as it is; NULL: none */
} mbar_parquet_options;
MBAR_API void mbar_parquet_options_init(mbar_parquet_options *options);
/* Writes the whole table; columns without nulls are REQUIRED, statistics and
 * page index on, sorted-timestamp metadata where the first TIMESTAMP column is
 * rising. Ends the sink (finish on MBAR_OK, abort otherwise). */
MBAR_API MBAR_MUST_USE mbar_status mbar_parquet_write(const mbar_table *table, mbar_sink *sink,
                                                     const mbar_parquet_options *options,
                                                     mbar_error *error);

/* ---- Scan ---------------------------------------------------------------- */

typedef struct mbar_scan mbar_scan;

MBAR_API MBAR_MUST_USE mbar_status mbar_scan_new(mbar_scan **out, mbar_error *error);
/* A deep enough copy: a plan is extended without touching the first. */
MBAR_API MBAR_MUST_USE mbar_status mbar_scan_copy(const mbar_scan *scan, mbar_scan **out,
                                                 mbar_error *error);
MBAR_API void mbar_scan_free(mbar_scan *scan);
/* A file, a glob pattern (sorted by name), or a directory: every *.parquet
 * below it, with key=value folder names as dictionary columns (hive). Several
 * are read one after the other and must have the same columns. A pattern that
 * matches nothing is MBAR_NOTFOUND. */
MBAR_API MBAR_MUST_USE mbar_status mbar_scan_add_path(mbar_scan *scan, const char *path,
                                                     mbar_error *error);
/* Parquet bytes in memory, borrowed until the scan is freed. */
MBAR_API MBAR_MUST_USE mbar_status mbar_scan_add_memory(mbar_scan *scan, const void *data,
                                                       size_t n_bytes, const char *name,
                                                       mbar_error *error);
/* A table (referenced). */
MBAR_API MBAR_MUST_USE mbar_status mbar_scan_add_table(mbar_scan *scan, mbar_table *table,
                                                      mbar_error *error);
MBAR_API MBAR_MUST_USE mbar_status mbar_scan_select(mbar_scan *scan, const char *const *names,
                                                   int32_t n_names, mbar_error *error);
/* from_ns <= time < to_ns on the time column (found as mbar_series_new does,
 * or named). Both ends of int64 mean open. Repeated calls intersect. */
MBAR_API MBAR_MUST_USE mbar_status mbar_scan_between(mbar_scan *scan, const char *time_column,
                                                    int64_t from_ns, int64_t to_ns,
                                                    mbar_error *error);
/* Repeated calls are joined by AND. */
MBAR_API MBAR_MUST_USE mbar_status mbar_scan_filter(mbar_scan *scan, mbar_expr *expr,
                                                   mbar_error *error);
/* Applied after filters, in call order. */
MBAR_API MBAR_MUST_USE mbar_status mbar_scan_head(mbar_scan *scan, int64_t n_rows,
                                                 mbar_error *error);
MBAR_API MBAR_MUST_USE mbar_status mbar_scan_tail(mbar_scan *scan, int64_t n_rows,
                                                 mbar_error *error);
/* Makes a series of the rows (options NULL: defaults) and resamples it. */
MBAR_API MBAR_MUST_USE mbar_status mbar_scan_resample(mbar_scan *scan,
                                                     const mbar_series_options *options,
                                                     const mbar_resample *how,
                                                     mbar_error *error);
MBAR_API void mbar_scan_threads(mbar_scan *scan, int32_t n_threads);
/* The schema the result would have, without reading rows: an empty table. */
MBAR_API MBAR_MUST_USE mbar_status mbar_scan_schema(mbar_scan *scan, mbar_table **out,
                                                   mbar_error *error);
MBAR_API MBAR_MUST_USE mbar_status mbar_scan_collect(mbar_scan *scan, mbar_table **out,
                                                    mbar_read_stats *stats, mbar_error *error);
typedef enum mbar_aggregate_kind {
    MBAR_AGGREGATE_COUNT = 1,
    MBAR_AGGREGATE_SUM,
    MBAR_AGGREGATE_MEAN,
    MBAR_AGGREGATE_MIN,
    MBAR_AGGREGATE_MAX,
    MBAR_AGGREGATE_FIRST,
    MBAR_AGGREGATE_LAST
} mbar_aggregate_kind;
MBAR_API const char *mbar_aggregate_name(mbar_aggregate_kind kind);

typedef struct mbar_aggregate {
    mbar_aggregate_kind kind;
    mbar_expr *expr;  /* a value per row; NULL, for COUNT alone: the rows themselves */
    const char *name; /* of its column in the result; no two the same */
} mbar_aggregate;

/* One row: aggregates of the rows that collect would give, n of them at least 1,
 * borrowed for the call. Rows are folded in as they are decoded, a few row groups at a
 * time (at most 1,048,576 rows), so that memory does not grow with the rows; after head,
 * tail or resample their rows are held as by collect. After a select only selected
 * columns may be aggregated.
 *
 * Nulls are left out of every aggregate. Of no values COUNT and SUM are 0, the others null.
 *   COUNT  INT64.
 *   SUM    FLOAT64 of doubles, INT64 of integers and of bools (how many are true), UINT64 of
 *          unsigned ones. Of integers it is exact; MBAR_INVALID where it does not fit. Doubles
 *          are added in row order, each addition's rounding error (Knuth's two-sum) is added up
 *          beside and put in at the end. NaN where one is NaN; infinities as IEEE adds them.
 *   MEAN   FLOAT64: the sum, that of integers rounded once to a double, divided by the count.
 *   MIN, MAX  of the value's type. NaN is left out, unless there is nothing else. Of equal
 *          values (0.0 and -0.0) the first.
 *   FIRST, LAST  of the value's type, in row order; NaN counts as a value.
 * Integers and floats narrower than 64 bits come as 64; TIMESTAMPs keep unit and zone. SUM and
 * MEAN of times, and all but COUNT of text, are MBAR_INVALID.
 *
 * The result has the same bits for any number of threads and any layout of the files. A
 * damaged page that is read is an error that names the file, column and row group; *out is
 * then not touched. */
MBAR_API MBAR_MUST_USE mbar_status mbar_scan_aggregate(mbar_scan *scan,
                                                      const mbar_aggregate *aggregates, int32_t n,
                                                      mbar_table **out, mbar_read_stats *stats,
                                                      mbar_error *error);
/* The plan as text, one step a line; after collect with what was read of what
 * is there. Like snprintf. */
MBAR_API size_t mbar_scan_explain(const mbar_scan *scan, char *out, size_t out_bytes);

#ifdef __cplusplus
}
#endif
#endif
