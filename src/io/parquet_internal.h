/*
 * parquet_internal.h - what the parquet_*.c files share.
 *
 * The files named parquet*.c are the only ones that know which library reads
 * and writes Parquet; no other file includes this header or the library's.
 */
#ifndef MILLIBAR_IO_PARQUET_INTERNAL_H
#define MILLIBAR_IO_PARQUET_INTERNAL_H

#include <carquet/carquet.h>
#include <millibar/io.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>

/* Our own file-level metadata. Values are text. */
#define MBAR_PARQUET_KEY_SORTED "millibar.sorted_by"
#define MBAR_PARQUET_KEY_PERIOD "millibar.period_ns"
/* One line a column: "<type> <unit> <zone or -> <name>". */
#define MBAR_PARQUET_KEY_COLUMNS "millibar.columns"

/* How a column's stored values become ours. */
typedef enum mbar_parquet_kind {
    MBAR_PARQUET_UNSUPPORTED = 0,
    MBAR_PARQUET_BOOL,   /* a byte each from the library, bits with us */
    MBAR_PARQUET_WIDTH4, /* the same four bytes */
    MBAR_PARQUET_WIDTH8, /* the same eight bytes */
    MBAR_PARQUET_UINT32, /* widened to int64 */
    MBAR_PARQUET_DATE,   /* int32 days to int64 seconds */
    MBAR_PARQUET_MS_S,   /* milliseconds that were written from seconds */
    MBAR_PARQUET_INT96,  /* nanoseconds of day and Julian day to int64 ns */
    MBAR_PARQUET_TEXT    /* UTF8 or DICT, as the field says */
} mbar_parquet_kind;

typedef struct mbar_parquet_column {
    mbar_field field; /* name and zone are owned */
    mbar_parquet_kind kind;
    carquet_physical_type_t physical;
    bool optional;   /* one definition level */
    bool annotated;  /* TEXT: the file says it is text */
    bool unsigned64; /* statistics compare as uint64 */
    char why[96];    /* UNSUPPORTED: the type, for the message */
} mbar_parquet_column;

/* A FILE over a source's read_at, for sources without a map. */
typedef struct mbar_parquet_stream {
    mbar_source *source;
    int64_t size, offset;
    mbar_error error; /* the first failed read */
} mbar_parquet_stream;

struct mbar_parquet {
    atomic_int refs; /* the owner's, and one a column that points into the map */
    mbar_source *source;
    const uint8_t *map; /* the whole file, or NULL: then file is used */
    void *copy;         /* map's own memory where the bytes had to be read */
    int64_t size;
    FILE *file;
    mbar_parquet_stream stream;
    carquet_reader_t *reader;
    /* A second one over the same map that does not verify checksums: a page
     * that is handed out unread must not be read for its checksum. Made on
     * first use. */
    carquet_reader_t *unchecked;
    int32_t n_columns, n_groups;
    mbar_parquet_column *columns;
    int64_t *group_first;  /* [n_groups + 1] first row of each row group */
    int32_t sorted_column; /* declared rising by our own writer, or -1 */
};

/* ---- parquet_alloc.c ---- */

/* Installs our allocator into the library; the first call does. */
void mbar_parquet_library_init(void);

typedef struct mbar_parquet_block {
    struct mbar_parquet_block *next, *prev; /* NULL: not watched */
    size_t n_bytes;
    size_t padding; /* keeps what follows aligned as malloc's */
} mbar_parquet_block;

/* What the library does with memory on this thread, from begin to end. */
typedef struct mbar_parquet_watch {
    mbar_parquet_block blocks; /* a ring of those not freed */
    size_t budget;             /* bytes that may still be asked for */
    bool failed;               /* an allocation was refused */
    bool over_budget;          /* because of the budget */
    jmp_buf *escape;           /* where a refused block jumps to; NULL: the library is told */
} mbar_parquet_watch;

/* Watches do not nest. */
void mbar_parquet_watch_begin(mbar_parquet_watch *watch, size_t budget);
/* Frees what is left, or lets it go on living unwatched. */
void mbar_parquet_watch_end(mbar_parquet_watch *watch, bool free_rest);
/* The watch of this thread, or NULL. */
mbar_parquet_watch *mbar_parquet_watched(void);

/* ---- parquet.c ---- */

/* Status of a library failure, with its message and our place added. column
 * and group may be -1. A read that the source failed comes back as the
 * source's own error. */
mbar_status mbar_parquet_fail(const mbar_parquet *file, int32_t group, int32_t column,
                              const carquet_error_t *library, mbar_error *error);

/* Fills columns[] from the schema and the metadata. */
mbar_status mbar_parquet_map_columns(mbar_parquet *file, mbar_error *error);

/* Zone and dictionary flag of each top-level field of an ARROW:schema value.
 * zones[i] is owned by the caller (NULL: none). Malformed input finds less. */
typedef struct mbar_arrow_field {
    char *name;
    char *zone;
    bool is_dictionary;
} mbar_arrow_field;
mbar_status mbar_arrow_schema_read(const char *base64, mbar_arrow_field **fields, int32_t *n_fields,
                                   mbar_error *error);
void mbar_arrow_schema_free(mbar_arrow_field *fields, int32_t n_fields);

/* A column chunk's metadata, checked: sizes inside the file, the type that of
 * the schema, as many values as the row group has rows. */
mbar_status mbar_parquet_checked_chunk(const mbar_parquet *file, int32_t group, int32_t column,
                                       carquet_column_chunk_metadata_t *out, mbar_error *error);

/* One stored statistics value as int64 in the field's unit; false where it
 * cannot be told. */
bool mbar_parquet_stat_int(const mbar_parquet_column *column, const void *value, int32_t n_bytes,
                           int64_t *out);

/* Whole-file reference counting; the last one closes everything. */
void mbar_parquet_ref(mbar_parquet *file);
void mbar_parquet_unref(mbar_parquet *file);

/* Part of a row group: n_rows rows from first, both within the group. */
typedef struct mbar_parquet_part {
    int32_t group;
    int64_t first, n_rows;
    int64_t to_row; /* where they go in the result */
} mbar_parquet_part;

/* Text columns are gathered part by part and joined at the end. */
typedef struct mbar_parquet_text mbar_parquet_text;
mbar_status mbar_parquet_text_new(int32_t n_parts, bool dictionary, mbar_parquet_text **out,
                                  mbar_error *error);
void mbar_parquet_text_free(mbar_parquet_text *text);
/* Adds n present values of part. MBAR_FORMAT, with no message set, where one is
 * not UTF-8. Parts may be added to from several threads,
 * each part from one. */
mbar_status mbar_parquet_text_add(mbar_parquet_text *text, int32_t part,
                                  const carquet_byte_array_t *values, int64_t n,
                                  const int16_t *levels, int64_t n_rows, mbar_error *error);
/* Makes the column; validity may be NULL. */
mbar_status mbar_parquet_text_finish(mbar_parquet_text *text, const mbar_field *field,
                                     int64_t n_rows, mbar_buffer *validity, mbar_column **out,
                                     mbar_error *error);

/* For an uncompressed file of one row group: how many rows a page of each column
 * takes, about page_rows, or 0 for one page of all. rows_a_page holds one entry
 * a column and is zeroed; is_plain tells which columns are written as they lie. */
void mbar_parquet_plan_pages(const mbar_table *table, bool (*is_plain)(const mbar_column *),
                             int64_t page_rows, int64_t *rows_a_page);

/* A contiguous run of mapped values: rows [first, first + n_rows) of a group,
 * or NULL in *data where it is not one mapped, aligned, plain page. Never
 * touches the values. */
mbar_status mbar_parquet_mapped(mbar_parquet *file, int32_t group, int32_t column, int64_t first,
                                int64_t n_rows, const void **data, mbar_error *error);

#endif
