/*
 * output.c - values as text and aligned tables.
 *
 * A double is printed with the fewest digits that read back as the same bits:
 * 15 significant digits always survive the way to a double and back, 17 always
 * tell two doubles apart, so at most three tries are needed (all 17 for
 * subnormals, which hold fewer digits). Nothing here depends on the locale:
 * the command never leaves the "C" one.
 */
#include "output.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- Numbers ------------------------------------------------------------- */

/* Lays "d.ddde[+-]xx" out without an exponent where that takes few zeros. */
static void lay_out(const char *scientific, char out[CLI_VALUE_BYTES])
{
    char digits[24];
    int n = 0;
    const char *s = scientific;
    char *o = out;
    if (*s == '-') {
        *o++ = *s++;
    }
    for (; *s != 'e'; s++) {
        if (*s != '.' && n < (int)sizeof digits - 1) {
            digits[n++] = *s;
        }
    }
    int exponent = atoi(s + 1);
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    digits[n] = '\0';
    if (exponent < -9 || exponent > 16) {
        int room = (int)(out + CLI_VALUE_BYTES - o);
        snprintf(o, (size_t)room, n > 1 ? "%c.%se%+03d" : "%c%se%+03d", digits[0], digits + 1,
                 exponent);
        return;
    }
    if (exponent < 0) {
        o += sprintf(o, "0.%.*s", -exponent - 1, "000000000");
        strcpy(o, digits);
        return;
    }
    for (int i = 0; i <= exponent || i < n; i++) {
        if (i == exponent + 1) {
            *o++ = '.';
        }
        *o++ = i < n ? digits[i] : '0';
    }
    *o = '\0';
}

static bool format_special(double value, char out[CLI_VALUE_BYTES])
{
    if (value == 0 && signbit(value)) {
        strcpy(out, "-0.0"); /* "-0" reads back as the integer 0 in some JSON readers */
    } else if (isnan(value)) {
        strcpy(out, "nan");
    } else if (isinf(value)) {
        strcpy(out, value < 0 ? "-inf" : "inf");
    } else {
        return false;
    }
    return true;
}

/* Prices and sizes are nearly always n / 10^k with at most 15 digits and few
 * decimals. Such a decimal that reads back as value is the shortest there is:
 * two of at most 15 digits never give the same double. False for others. */
static bool format_decimal(double value, char out[CLI_VALUE_BYTES])
{
    static const double POWERS[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
    for (int k = 0; k < 9; k++) {
        double n = nearbyint(value * POWERS[k]);
        if (!(fabs(n) < 1e15)) {
            return false;
        }
        if (n / POWERS[k] != value) {
            continue;
        }
        int64_t whole = (int64_t)fabs(n) / (int64_t)POWERS[k];
        int64_t part = (int64_t)fabs(n) % (int64_t)POWERS[k];
        out += sprintf(out, "%s%" PRId64, value < 0 ? "-" : "", whole);
        if (k > 0) {
            sprintf(out, ".%0*" PRId64, k, part);
        }
        return true;
    }
    return false;
}

void cli_format_double(double value, char out[CLI_VALUE_BYTES])
{
    char text[40];
    if (format_special(value, out) || format_decimal(value, out)) {
        return;
    }
    int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG;
    do {
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
    } while (strtod(text, NULL) != value && ++digits <= DBL_DECIMAL_DIG);
    lay_out(text, out);
}

void cli_format_float(float value, char out[CLI_VALUE_BYTES])
{
    char text[40];
    if (format_special(value, out)) {
        return;
    }
    int digits = fabsf(value) < FLT_MIN ? 1 : FLT_DIG;
    do {
        snprintf(text, sizeof text, "%.*e", digits - 1, (double)value);
    } while (strtof(text, NULL) != value && ++digits <= FLT_DECIMAL_DIG);
    lay_out(text, out);
}

void cli_format_count(int64_t value, char out[CLI_VALUE_BYTES])
{
    char digits[24];
    char *o = out;
    int n = snprintf(digits, sizeof digits, "%" PRId64, value);
    for (int i = 0; i < n; i++) {
        *o++ = digits[i];
        int left = n - 1 - i;
        if (left > 0 && left % 3 == 0 && digits[i] != '-') {
            *o++ = ',';
        }
    }
    *o = '\0';
}

/* ---- Times --------------------------------------------------------------- */

void cli_format_span(int64_t ns, char out[CLI_VALUE_BYTES])
{
    static const struct {
        int64_t ns;
        const char *name;
    } UNITS[] = {{MBAR_DAY_NS, "d"}, {MBAR_HOUR_NS, "h"}, {MBAR_MINUTE_NS, "m"}};
    char *o = out;
    uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (ns < 0) {
        *o++ = '-';
    }
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        uint64_t n = left / (uint64_t)UNITS[i].ns;
        if (n > 0) {
            o += sprintf(o, "%" PRIu64 "%s", n, UNITS[i].name);
            left -= n * (uint64_t)UNITS[i].ns;
        }
    }
    if (left > 0 || o == out) {
        char seconds[CLI_VALUE_BYTES];
        cli_format_double((double)left / (double)MBAR_SECOND_NS, seconds);
        snprintf(o, (size_t)(out + CLI_VALUE_BYTES - o), "%ss", seconds);
    }
}

/* Replaces the Z at the end of text by an offset such as "-05:00". */
static void put_offset(char *text, int32_t offset_s)
{
    char *z = strrchr(text, 'Z');
    int32_t seconds = abs(offset_s);
    assert(z != NULL);
    z += sprintf(z, "%c%02d:%02d", offset_s < 0 ? '-' : '+', seconds / 3600, seconds / 60 % 60);
    if (seconds % 60 != 0) {
        sprintf(z, ":%02d", seconds % 60);
    }
}

void cli_format_time(int64_t ns, const mbar_zone *zone, char out[CLI_VALUE_BYTES])
{
    if (zone == NULL) {
        mbar_time_format(ns, out, CLI_VALUE_BYTES);
        return;
    }
    mbar_time_format(mbar_zone_to_local(zone, ns), out, CLI_VALUE_BYTES);
    put_offset(out, mbar_zone_offset_s(zone, ns));
}

void cli_format_stamp(int64_t value, const mbar_field *field, const mbar_zone *zone,
                      char out[CLI_VALUE_BYTES])
{
    int64_t unit_ns = mbar_unit_ns(field->unit);
    if (value > INT64_MAX / unit_ns || value < INT64_MIN / unit_ns) {
        snprintf(out, CLI_VALUE_BYTES, "%" PRId64 " %s", value, mbar_unit_name(field->unit));
    } else if (field->zone != NULL) {
        cli_format_time(value * unit_ns, zone, out);
    } else {
        mbar_time_format(value * unit_ns, out, CLI_VALUE_BYTES);
        char *z = strrchr(out, 'Z');
        if (z != NULL) {
            *z = '\0'; /* a wall clock: no zone is known, none is claimed */
        }
    }
}

void cli_format_cell(const mbar_column *column, int64_t row, const mbar_zone *zone,
                     char out[CLI_VALUE_BYTES])
{
    const mbar_field *field = mbar_column_field(column);
    if (!mbar_column_is_valid(column, row)) {
        strcpy(out, "null");
        return;
    }
    const void *values = field->type == MBAR_TYPE_BOOL ? NULL : mbar_column_values(column);
    switch (field->type) {
    case MBAR_TYPE_BOOL:
        strcpy(out, mbar_column_bool(column, row) ? "true" : "false");
        return;
    case MBAR_TYPE_INT32:
        snprintf(out, CLI_VALUE_BYTES, "%" PRId32, ((const int32_t *)values)[row]);
        return;
    case MBAR_TYPE_INT64:
        snprintf(out, CLI_VALUE_BYTES, "%" PRId64, ((const int64_t *)values)[row]);
        return;
    case MBAR_TYPE_UINT64:
        snprintf(out, CLI_VALUE_BYTES, "%" PRIu64, ((const uint64_t *)values)[row]);
        return;
    case MBAR_TYPE_FLOAT32:
        cli_format_float(((const float *)values)[row], out);
        return;
    case MBAR_TYPE_FLOAT64:
        cli_format_double(((const double *)values)[row], out);
        return;
    case MBAR_TYPE_TIMESTAMP:
        cli_format_stamp(((const int64_t *)values)[row], field, zone, out);
        return;
    case MBAR_TYPE_UTF8:
    case MBAR_TYPE_DICT:
        break;
    }
    assert(!"text has no fixed width");
}

/* ---- Text ---------------------------------------------------------------- */

size_t cli_utf8_length(const char *text, size_t n_bytes)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned char lo = 0x80, hi = 0xBF; /* what the second byte may be */
    size_t length;
    if (s[0] < 0x80) {
        return 1;
    } else if (s[0] >= 0xC2 && s[0] <= 0xDF) {
        length = 2;
    } else if (s[0] >= 0xE0 && s[0] <= 0xEF) {
        length = 3;
        lo = s[0] == 0xE0 ? 0xA0 : lo;
        hi = s[0] == 0xED ? 0x9F : hi;
    } else if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        length = 4;
        lo = s[0] == 0xF0 ? 0x90 : lo;
        hi = s[0] == 0xF4 ? 0x8F : hi;
    } else {
        return 0;
    }
    if (n_bytes < length || s[1] < lo || s[1] > hi) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return length;
}

/* Writes the safe form of text to out (NULL: only measures). */
static size_t safe_text(FILE *out, const char *text, size_t n_bytes, size_t max_columns)
{
    size_t n_columns = 0;
    for (size_t i = 0; i < n_bytes;) {
        size_t length = cli_utf8_length(text + i, n_bytes - i);
        unsigned char c = (unsigned char)text[i];
        bool visible = length > 1 ? !(c == 0xC2 && (unsigned char)text[i + 1] < 0xA0)
                                  : length == 1 && c >= 0x20 && c != 0x7f;
        size_t width = visible ? 1 : 4 * (length > 0 ? length : 1);
        if (max_columns > 0 && n_columns + width + 3 > max_columns && i + length < n_bytes) {
            if (out != NULL) {
                fputs("...", out);
            }
            return n_columns + 3;
        }
        length = length > 0 ? length : 1;
        if (out != NULL && visible) {
            fwrite(text + i, 1, length, out);
        }
        for (size_t k = 0; out != NULL && !visible && k < length; k++) {
            fprintf(out, "\\x%02x", (unsigned char)text[i + k]);
        }
        n_columns += width;
        i += length;
    }
    return n_columns;
}

void cli_print_safe(FILE *out, const char *text, size_t n_bytes, size_t max_columns)
{
    safe_text(out, text, n_bytes, max_columns);
}

/* ---- Tables -------------------------------------------------------------- */

enum { MAX_CELL_COLUMNS = 48 };

void cli_table_init(cli_table *table, int n_columns, const bool *right)
{
    memset(table, 0, sizeof *table);
    table->n_columns = n_columns;
    table->right = right;
}

void cli_table_deinit(cli_table *table)
{
    mbar_buffer_unref(table->buffer);
    table->buffer = NULL;
}

static bool table_grow(cli_table *table, size_t capacity)
{
    mbar_buffer *grown;
    if (mbar_buffer_new(capacity, &grown, NULL) != MBAR_OK) {
        return false;
    }
    char *text = mbar_buffer_writable(grown);
    if (table->n_bytes > 0) {
        memcpy(text, table->text, table->n_bytes);
    }
    mbar_buffer_unref(table->buffer);
    table->buffer = grown;
    table->text = text;
    table->capacity = capacity;
    return true;
}

void cli_table_add(cli_table *table, const char *text, size_t n_bytes)
{
    /* A cell ends at a NUL; one inside the text would end it early. */
    size_t length = strnlen(text, n_bytes);
    if (table->failed) {
        return;
    }
    if (table->capacity - table->n_bytes <= length &&
        !table_grow(table, 2 * table->capacity + length + 4096)) {
        table->failed = true;
        return;
    }
    memcpy(table->text + table->n_bytes, text, length);
    table->text[table->n_bytes + length] = '\0';
    table->n_bytes += length + 1;
    table->n_cells++;
}

void cli_table_addf(cli_table *table, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cli_table_add(table, text, strlen(text));
}

static void print_cell(const cli_table *table, int column, const char *cell, size_t width,
                       FILE *out)
{
    size_t used = safe_text(NULL, cell, strlen(cell), MAX_CELL_COLUMNS);
    int blanks = (int)(width - used);
    if (table->right[column]) {
        fprintf(out, "%*s", blanks, "");
    }
    cli_print_safe(out, cell, strlen(cell), MAX_CELL_COLUMNS);
    if (column + 1 < table->n_columns) {
        fprintf(out, "%*s", table->right[column] ? 2 : blanks + 2, "");
    }
}

mbar_status cli_table_print(const cli_table *table, const char *indent, FILE *out,
                            mbar_error *error)
{
    mbar_buffer *buffer = NULL;
    if (table->failed ||
        mbar_buffer_new((size_t)table->n_columns * sizeof(size_t), &buffer, NULL) != MBAR_OK) {
        return mbar_error_set(error, MBAR_NOMEM,
                              "not enough memory for the text of the rows: ask for fewer");
    }
    size_t *widths = mbar_buffer_writable(buffer);
    const char *cell = table->text;
    for (size_t i = 0; i < table->n_cells; i++, cell += strlen(cell) + 1) {
        size_t width = safe_text(NULL, cell, strlen(cell), MAX_CELL_COLUMNS);
        size_t *widest = &widths[i % (size_t)table->n_columns];
        *widest = width > *widest ? width : *widest;
    }
    cell = table->text;
    for (size_t i = 0; i < table->n_cells; i++, cell += strlen(cell) + 1) {
        int column = (int)(i % (size_t)table->n_columns);
        fputs(column == 0 ? indent : "", out);
        print_cell(table, column, cell, widths[column], out);
        if (column + 1 == table->n_columns) {
            fputc('\n', out);
        }
    }
    mbar_buffer_unref(buffer);
    return MBAR_OK;
}
