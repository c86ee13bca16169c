/*
 * output.h - values as text, and aligned tables of them.
 */
#ifndef MBAR_CLI_OUTPUT_H
#define MBAR_CLI_OUTPUT_H

#include <stdio.h>

#include "cli.h"

/* ---- Values -------------------------------------------------------------- */

enum { CLI_VALUE_BYTES = 64 }; /* holds any number or time below */

/* The shortest decimal that reads back as the same double (or float), without
 * an exponent where that stays readable; "nan", "inf", "-inf". */
void cli_format_double(double value, char out[CLI_VALUE_BYTES]);
void cli_format_float(float value, char out[CLI_VALUE_BYTES]);
/* 1234567 as "1,234,567". */
void cli_format_count(int64_t value, char out[CLI_VALUE_BYTES]);
/* 90 s as "1m30s", 2 days 1 hour as "2d1h"; fractions of a second as "0.5s". */
void cli_format_span(int64_t ns, char out[CLI_VALUE_BYTES]);
/* ISO 8601 in zone with its offset, or with a Z where zone is NULL. */
void cli_format_time(int64_t ns, const mbar_zone *zone, char out[CLI_VALUE_BYTES]);
/* A TIMESTAMP value in its unit: as above, without an offset where the field
 * has no zone, and as "VALUE UNIT" beyond what int64 nanoseconds can hold. */
void cli_format_stamp(int64_t value, const mbar_field *field, const mbar_zone *zone,
                      char out[CLI_VALUE_BYTES]);

/* One cell of a fixed-width or BOOL column; "null" for null. */
void cli_format_cell(const mbar_column *column, int64_t row, const mbar_zone *zone,
                     char out[CLI_VALUE_BYTES]);

/* Bytes of the character that text starts with, 0 where it is not UTF-8 (cut
 * short, overlong, a surrogate, beyond U+10FFFF). n_bytes >= 1. */
size_t cli_utf8_length(const char *text, size_t n_bytes);
/* Bytes with control characters and invalid UTF-8 made visible ("\x1b"), at
 * most max_columns characters wide ("..." where cut; 0: no limit). */
void cli_print_safe(FILE *out, const char *text, size_t n_bytes, size_t max_columns);

/* ---- Tables -------------------------------------------------------------- */

/*
 * Cells are added row by row, left to right; printing aligns them two spaces
 * apart, without trailing blanks. A failed allocation is remembered and told
 * by _print. Memory is the library's, so that --memory-limit counts it.
 */
typedef struct cli_table {
    int n_columns;
    const bool *right; /* per column: align right */
    mbar_buffer *buffer;
    char *text; /* of buffer: cells, NUL-terminated, end to end */
    size_t n_bytes, capacity;
    size_t n_cells;
    bool failed;
} cli_table;

void cli_table_init(cli_table *table, int n_columns, const bool *right);
void cli_table_deinit(cli_table *table);
void cli_table_add(cli_table *table, const char *text, size_t n_bytes);
void cli_table_addf(cli_table *table, const char *format, ...) MBAR_PRINTF(2, 3);
mbar_status cli_table_print(const cli_table *table, const char *indent, FILE *out,
                            mbar_error *error);

#endif
