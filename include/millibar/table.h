/*
 * millibar/table.h - typed columns and tables.
 *
 * Purpose: hold rows as columns in Arrow layout, share them without copying,
 * and pass them to and from any Arrow speaker.
 *
 * Invariants
 *   - Columns and tables are immutable and reference-counted; a slice shares
 *     its parent's buffers and costs O(1) a column.
 *   - Data buffers made here are 64-byte aligned and padded to 64 bytes.
 *     Imported ones are used as they come.
 *   - A column without nulls may have no validity bitmap. Bit i of the bitmap,
 *     least significant first, is 1 where row i is valid. The value under a
 *     null is unspecified.
 *   - Row and column counts are non-negative and fit int64 / int32.
 */
#ifndef MILLIBAR_TABLE_H
#define MILLIBAR_TABLE_H

#include <millibar/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Types --------------------------------------------------------------- */

typedef enum mbar_type {
    MBAR_TYPE_BOOL = 1,  /* bit-packed, least significant bit first */
    MBAR_TYPE_INT32,     /* int32_t */
    MBAR_TYPE_INT64,     /* int64_t */
    MBAR_TYPE_UINT64,    /* uint64_t */
    MBAR_TYPE_FLOAT32,   /* float */
    MBAR_TYPE_FLOAT64,   /* double */
    MBAR_TYPE_TIMESTAMP, /* int64_t in the field's unit, UTC where it has a zone */
    MBAR_TYPE_UTF8,      /* int32_t offsets [rows + 1] and bytes */
    MBAR_TYPE_DICT       /* int32_t codes into a UTF8 dictionary column */
} mbar_type;

/* "bool", "int32", ... "timestamp", "utf8", "dictionary". Static. */
MBAR_API const char *mbar_type_name(mbar_type type);
/* Bytes of one value; 0 for BOOL and UTF8, 4 for DICT (its codes). */
MBAR_API size_t mbar_type_width(mbar_type type);

/* A column's name and type. name and zone point into the object that handed
 * the field out and live as long as it. */
typedef struct mbar_field {
    const char *name;
    mbar_type type;
    mbar_unit unit;   /* TIMESTAMP only */
    const char *zone; /* TIMESTAMP only: IANA name, or NULL for a wall clock without zone */
    bool nullable;    /* false: the producer promises no nulls */
} mbar_field;

/* ---- Buffers ------------------------------------------------------------- */

/* Reference-counted bytes: our own, or foreign ones with a release callback. */
typedef struct mbar_buffer mbar_buffer;

/* n_bytes of zeroed, 64-byte aligned memory; writable until the first share. */
MBAR_API MBAR_MUST_USE mbar_status mbar_buffer_new(size_t n_bytes, mbar_buffer **out,
                                                  mbar_error *error);
/* Foreign memory; release(owner) is called once, by the last _unref, from
 * whichever thread that is. On failure release is not called. */
MBAR_API MBAR_MUST_USE mbar_status mbar_buffer_wrap(const void *data, size_t n_bytes,
                                                   void (*release)(void *owner), void *owner,
                                                   mbar_buffer **out, mbar_error *error);
MBAR_API mbar_buffer *mbar_buffer_ref(mbar_buffer *buffer);
MBAR_API void mbar_buffer_unref(mbar_buffer *buffer);
MBAR_API const void *mbar_buffer_data(const mbar_buffer *buffer);
/* Only before the buffer is shared, and only for one made by mbar_buffer_new. */
MBAR_API void *mbar_buffer_writable(mbar_buffer *buffer);
MBAR_API size_t mbar_buffer_size(const mbar_buffer *buffer);

/* ---- Columns ------------------------------------------------------------- */

typedef struct mbar_column mbar_column;

/*
 * Makes a fixed-width column (not UTF8, not DICT) of n_rows from a data buffer
 * and an optional validity bitmap (NULL: no nulls). References are taken, not
 * stolen. n_nulls -1 means "count them". MBAR_INVALID when a buffer is too
 * small. zone is copied.
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_column_new(const mbar_field *field, int64_t n_rows,
                                                  mbar_buffer *data, mbar_buffer *validity,
                                                  int64_t n_nulls, mbar_column **out,
                                                  mbar_error *error);
/* UTF8: offsets are checked to be rising and inside bytes. */
MBAR_API MBAR_MUST_USE mbar_status mbar_column_new_utf8(const mbar_field *field, int64_t n_rows,
                                                       mbar_buffer *offsets, mbar_buffer *bytes,
                                                       mbar_buffer *validity, int64_t n_nulls,
                                                       mbar_column **out, mbar_error *error);
/* DICT: every valid code is checked to be inside dictionary, a UTF8 column. */
MBAR_API MBAR_MUST_USE mbar_status mbar_column_new_dict(const mbar_field *field, int64_t n_rows,
                                                       mbar_buffer *codes,
                                                       mbar_column *dictionary,
                                                       mbar_buffer *validity, int64_t n_nulls,
                                                       mbar_column **out, mbar_error *error);
/* Copies n_rows values of a fixed-width type other than BOOL; no nulls. */
MBAR_API MBAR_MUST_USE mbar_status mbar_column_from_values(const mbar_field *field, int64_t n_rows,
                                                          const void *values, mbar_column **out,
                                                          mbar_error *error);

MBAR_API mbar_column *mbar_column_ref(mbar_column *column);
MBAR_API void mbar_column_unref(mbar_column *column);

MBAR_API const mbar_field *mbar_column_field(const mbar_column *column);
MBAR_API int64_t mbar_column_rows(const mbar_column *column);
/* Nulls among the column's own rows; counted once, then remembered. */
MBAR_API int64_t mbar_column_nulls(const mbar_column *column);
/* First value of the column (slice offset applied). Fixed width except BOOL:
 * an array of rows values; DICT: its codes. NULL only when rows is 0. */
MBAR_API const void *mbar_column_values(const mbar_column *column);
/* Validity bitmap and the bit of row 0 in it, or NULL: no nulls. */
MBAR_API const uint8_t *mbar_column_validity(const mbar_column *column, int64_t *bit_offset);
MBAR_API bool mbar_column_is_valid(const mbar_column *column, int64_t row);
MBAR_API bool mbar_column_bool(const mbar_column *column, int64_t row);
/* UTF8 and DICT: the bytes of one row, not NUL-terminated; "" and 0 for null. */
MBAR_API const char *mbar_column_text(const mbar_column *column, int64_t row, size_t *n_bytes);
/* DICT: the dictionary (borrowed); NULL for other types. */
MBAR_API mbar_column *mbar_column_dictionary(const mbar_column *column);
/* Bytes this column's rows occupy in their buffers. */
MBAR_API int64_t mbar_column_bytes(const mbar_column *column);

/* Rows [first, first + n_rows); asserts they are inside. O(1), shares buffers. */
MBAR_API MBAR_MUST_USE mbar_status mbar_column_slice(mbar_column *column, int64_t first,
                                                    int64_t n_rows, mbar_column **out,
                                                    mbar_error *error);
/* The same values under another name. */
MBAR_API MBAR_MUST_USE mbar_status mbar_column_rename(mbar_column *column, const char *name,
                                                     mbar_column **out, mbar_error *error);
/* Rows rows[0..n_rows), each inside the column, in that order; -1 gives null. */
MBAR_API MBAR_MUST_USE mbar_status mbar_column_take(const mbar_column *column, const int64_t *rows,
                                                   int64_t n_rows, mbar_column **out,
                                                   mbar_error *error);
/* End to end; all of one type, unit and zone (MBAR_INVALID otherwise), under
 * the first one's name. Different dictionaries are merged. n >= 1. */
MBAR_API MBAR_MUST_USE mbar_status mbar_column_concat(mbar_column *const *columns, int32_t n,
                                                     mbar_column **out, mbar_error *error);
/* Converts a number, bool or timestamp column to type (and unit, for
 * TIMESTAMP); text is MBAR_UNSUPPORTED. A value that does not fit is
 * MBAR_INVALID naming the row; a fraction lost on the way to an integer
 * likewise. Numbers on the way to a float round to the nearest one. Nulls stay
 * null. Timestamps to a coarser unit round down (floor) and keep their zone;
 * between timestamps and numbers the value is the count of units. */
MBAR_API MBAR_MUST_USE mbar_status mbar_column_cast(mbar_column *column, mbar_type type,
                                                   mbar_unit unit, mbar_column **out,
                                                   mbar_error *error);
/* Same type, unit, zone, rows, nulls and bits (NaN equals NaN of the same bits);
 * of dictionary columns the rows' texts. Names do not count. */
MBAR_API bool mbar_column_equal(const mbar_column *a, const mbar_column *b);

/* ---- Tables -------------------------------------------------------------- */

typedef struct mbar_table mbar_table;

/* References are taken. All columns must have the same rows and distinct
 * names (MBAR_INVALID otherwise). n_columns 0 gives a table of 0 rows. */
MBAR_API MBAR_MUST_USE mbar_status mbar_table_new(mbar_column *const *columns, int32_t n_columns,
                                                 mbar_table **out, mbar_error *error);
MBAR_API mbar_table *mbar_table_ref(mbar_table *table);
MBAR_API void mbar_table_unref(mbar_table *table);
MBAR_API int64_t mbar_table_rows(const mbar_table *table);
MBAR_API int32_t mbar_table_columns(const mbar_table *table);
/* Borrowed; index asserted. */
MBAR_API mbar_column *mbar_table_column(const mbar_table *table, int32_t index);
/* Index of the column named so, or -1. */
MBAR_API int32_t mbar_table_find(const mbar_table *table, const char *name);
MBAR_API MBAR_MUST_USE mbar_status mbar_table_slice(mbar_table *table, int64_t first,
                                                   int64_t n_rows, mbar_table **out,
                                                   mbar_error *error);
/* The named columns in the order given; MBAR_NOTFOUND names the one missing
 * and lists those there are. */
MBAR_API MBAR_MUST_USE mbar_status mbar_table_select(mbar_table *table, const char *const *names,
                                                    int32_t n_names, mbar_table **out,
                                                    mbar_error *error);
MBAR_API MBAR_MUST_USE mbar_status mbar_table_take(const mbar_table *table, const int64_t *rows,
                                                  int64_t n_rows, mbar_table **out,
                                                  mbar_error *error);
/* Same columns in the same order; n >= 1. */
MBAR_API MBAR_MUST_USE mbar_status mbar_table_concat(mbar_table *const *tables, int32_t n,
                                                    mbar_table **out, mbar_error *error);
MBAR_API bool mbar_table_equal(const mbar_table *a, const mbar_table *b);

/* ---- Arrow C Data Interface ---------------------------------------------- */
/* https://arrow.apache.org/docs/format/CDataInterface.html and
 * CStreamInterface.html: the structs below are the specification's. */

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

/* Export: the result holds references to our buffers, so it outlives the
 * object and costs no copy. The receiver calls release. */
MBAR_API MBAR_MUST_USE mbar_status mbar_column_to_arrow(const mbar_column *column,
                                                       struct ArrowSchema *schema,
                                                       struct ArrowArray *array,
                                                       mbar_error *error);
MBAR_API MBAR_MUST_USE mbar_status mbar_table_to_arrow_schema(const mbar_table *table,
                                                             struct ArrowSchema *schema,
                                                             mbar_error *error);
/* A struct array of the table's columns. */
MBAR_API MBAR_MUST_USE mbar_status mbar_table_to_arrow(const mbar_table *table,
                                                      struct ArrowSchema *schema,
                                                      struct ArrowArray *array, mbar_error *error);
/* A stream of one batch (none when the table has no rows). */
MBAR_API MBAR_MUST_USE mbar_status mbar_table_to_arrow_stream(mbar_table *table,
                                                             struct ArrowArrayStream *stream,
                                                             mbar_error *error);

/*
 * Import. On MBAR_OK the array (or stream) has been moved: its release is
 * NULL, and its producer's release is called when the last buffer goes. On
 * failure everything is still the caller's. schema is only read, and remains
 * the caller's.
 * Types taken: b, i (and c/C s/S/I widened by copy), l, L, f, g, ts*, tdD/tdm
 * as timestamps, u, U, vu where small enough, dictionaries of text; others are
 * MBAR_UNSUPPORTED, naming column and format. Lengths, offsets and dictionary
 * codes are checked; what cannot be checked (buffer sizes) is the producer's
 * promise.
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_column_from_arrow(const struct ArrowSchema *schema,
                                                         struct ArrowArray *array,
                                                         mbar_column **out, mbar_error *error);
MBAR_API MBAR_MUST_USE mbar_status mbar_table_from_arrow(const struct ArrowSchema *schema,
                                                        struct ArrowArray *array,
                                                        mbar_table **out, mbar_error *error);
/* Reads the stream to its end; one batch comes without a copy, several are
 * concatenated. */
MBAR_API MBAR_MUST_USE mbar_status mbar_table_from_arrow_stream(struct ArrowArrayStream *stream,
                                                               mbar_table **out,
                                                               mbar_error *error);

#ifdef __cplusplus
}
#endif
#endif
