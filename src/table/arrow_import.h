/*
 * arrow_import.h - what the files that import Arrow arrays share.
 *
 * arrow_format.c reads a schema, arrow_import.c a column's header, fixed-width
 * values and tables, arrow_text.c and arrow_dict.c the layouts their names
 * say, arrow_stream.c many batches.
 */
#ifndef MILLIBAR_TABLE_ARROW_IMPORT_H
#define MILLIBAR_TABLE_ARROW_IMPORT_H

#include "table/column.h"

/* How the producer's values become ours. */
typedef enum mbar_arrow_source {
    MBAR_ARROW_SAME,
    MBAR_ARROW_INT8,
    MBAR_ARROW_UINT8,
    MBAR_ARROW_INT16,
    MBAR_ARROW_UINT16,
    MBAR_ARROW_UINT32,
    MBAR_ARROW_DAYS, /* int32 days to int64 seconds */
    MBAR_ARROW_LARGE_TEXT,
    MBAR_ARROW_TEXT_VIEW
} mbar_arrow_source;

typedef struct mbar_arrow_format {
    const char *code;
    mbar_type type;
    mbar_unit unit;
    mbar_arrow_source source;
    size_t width; /* of the producer's values; 0 for bits and text */
} mbar_arrow_format;

/* The moved array and the count of those who point into it. */
typedef struct mbar_arrow_hold mbar_arrow_hold;

/* One column on its way in. */
typedef struct mbar_arrow_import {
    const struct ArrowSchema *schema;
    const struct ArrowArray *array;
    mbar_arrow_hold *hold;
    const mbar_arrow_format *format; /* of the values; of the codes for a dictionary */
    mbar_field field;
    int64_t first;           /* of the rows wanted, in the producer's buffers */
    int64_t n_rows;          /* wanted, at least 1 */
    bool in_place;           /* parts.data is the producer's whole buffer */
    mbar_column_parts parts; /* owned */
    mbar_error *error;
} mbar_arrow_import;

/* The format of a column's values and the field they give, whose strings are
 * the schema's. For a dictionary the format is that of the codes. */
MBAR_MUST_USE mbar_status mbar_arrow_read_field(const struct ArrowSchema *schema,
                                                const mbar_arrow_format **format, mbar_field *field,
                                                mbar_error *error);
/* MBAR_INVALID if the schema has been released. */
MBAR_MUST_USE mbar_status mbar_arrow_check_alive(const struct ArrowSchema *schema,
                                                 mbar_error *error);
/* MBAR_INVALID unless schema is alive and a struct with sound children. */
MBAR_MUST_USE mbar_status mbar_arrow_check_table_schema(const struct ArrowSchema *schema,
                                                        mbar_error *error);
/* A table of no rows, of a schema that was checked. */
MBAR_MUST_USE mbar_status mbar_arrow_empty_table(const struct ArrowSchema *schema, mbar_table **out,
                                                 mbar_error *error);

/* n_rows of an array, after skip of them, as a column. */
MBAR_MUST_USE mbar_status mbar_arrow_import_column(const struct ArrowSchema *schema,
                                                   const struct ArrowArray *array, int64_t skip,
                                                   int64_t n_rows, mbar_arrow_hold *hold,
                                                   mbar_column **out, mbar_error *error);
/* Fill in->parts but for the validity, which the dictionary may have. */
MBAR_MUST_USE mbar_status mbar_arrow_import_text(mbar_arrow_import *in);
MBAR_MUST_USE mbar_status mbar_arrow_import_dictionary(mbar_arrow_import *in);

/* A buffer of the producer's memory that keeps the hold. */
MBAR_MUST_USE mbar_status mbar_arrow_wrap(mbar_arrow_hold *hold, const void *data, size_t n_bytes,
                                          mbar_buffer **out, mbar_error *error);
/* Whether row i of those wanted is valid by the producer's bitmap. */
bool mbar_arrow_is_valid(const mbar_arrow_import *in, int64_t i);
/* MBAR_INVALID, naming the column, and the row. */
mbar_status mbar_arrow_invalid(const mbar_arrow_import *in, const char *message);
mbar_status mbar_arrow_invalid_at(const mbar_arrow_import *in, int64_t row, const char *message);

#endif
