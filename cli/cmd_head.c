/*
 * cmd_head.c - mbar head: the first or last rows, as a text table, CSV or JSON.
 *
 * The scan decodes only the rows and columns shown.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "filter.h"
#include "output.h"

typedef struct head_request {
    int64_t n_rows;
    bool tail, as_json, as_csv;
    const char *columns, *zone, *filter;
} head_request;

static bool is_text(const mbar_column *column)
{
    mbar_type type = mbar_column_field(column)->type;
    return type == MBAR_TYPE_UTF8 || type == MBAR_TYPE_DICT;
}

/* ---- Text ---------------------------------------------------------------- */

static void add_cell(cli_table *text, const mbar_column *column, int64_t row, const mbar_zone *zone)
{
    char value[CLI_VALUE_BYTES];
    if (is_text(column) && mbar_column_is_valid(column, row)) {
        size_t n_bytes;
        const char *bytes = mbar_column_text(column, row, &n_bytes);
        cli_table_add(text, bytes, n_bytes);
    } else if (is_text(column)) {
        cli_table_addf(text, "null");
    } else {
        cli_format_cell(column, row, zone, value);
        cli_table_addf(text, "%s", value);
    }
}

static mbar_status print_text(const mbar_table *table, const mbar_zone *zone, mbar_error *error)
{
    bool right[CLI_MAX_NAMES];
    cli_table text;
    int32_t n_columns = mbar_table_columns(table);
    if (n_columns > CLI_MAX_NAMES) {
        return mbar_error_set(error, MBAR_UNSUPPORTED,
                              "%" PRId32 " columns are too many for a text table: choose with "
                              "--columns, or use --csv or --json",
                              n_columns);
    }
    for (int32_t i = 0; i < n_columns; i++) {
        mbar_column *column = mbar_table_column(table, i);
        right[i] = !is_text(column) && mbar_column_field(column)->type != MBAR_TYPE_TIMESTAMP;
    }
    cli_table_init(&text, n_columns, right);
    for (int32_t i = 0; i < n_columns; i++) {
        cli_table_addf(&text, "%s", mbar_column_field(mbar_table_column(table, i))->name);
    }
    for (int64_t row = 0; row < mbar_table_rows(table); row++) {
        for (int32_t i = 0; i < n_columns; i++) {
            add_cell(&text, mbar_table_column(table, i), row, zone);
        }
    }
    mbar_status status = cli_table_print(&text, "", stdout, error);
    cli_table_deinit(&text);
    return status;
}

/* ---- CSV (RFC 4180, lines end in LF) ------------------------------------- */

static void print_csv_text(const char *text, size_t n_bytes)
{
    bool quote = n_bytes == 0; /* "" is empty text, nothing at all is null */
    for (size_t i = 0; i < n_bytes && !quote; i++) {
        quote = text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r';
    }
    if (!quote) {
        fwrite(text, 1, n_bytes, stdout);
        return;
    }
    putchar('"');
    for (size_t i = 0; i < n_bytes; i++) {
        if (text[i] == '"') {
            putchar('"');
        }
        putchar(text[i]);
    }
    putchar('"');
}

static void print_csv(const mbar_table *table, const mbar_zone *zone)
{
    int32_t n_columns = mbar_table_columns(table);
    for (int32_t i = 0; i < n_columns; i++) {
        const char *name = mbar_column_field(mbar_table_column(table, i))->name;
        fputs(i > 0 ? "," : "", stdout);
        print_csv_text(name, strlen(name));
    }
    putchar('\n');
    for (int64_t row = 0; row < mbar_table_rows(table); row++) {
        for (int32_t i = 0; i < n_columns; i++) {
            const mbar_column *column = mbar_table_column(table, i);
            char value[CLI_VALUE_BYTES];
            fputs(i > 0 ? "," : "", stdout);
            if (!mbar_column_is_valid(column, row)) {
                continue;
            }
            if (is_text(column)) {
                size_t n_bytes;
                const char *bytes = mbar_column_text(column, row, &n_bytes);
                print_csv_text(bytes, n_bytes);
            } else {
                cli_format_cell(column, row, zone, value);
                fputs(value, stdout);
            }
        }
        putchar('\n');
    }
}

/* ---- JSON: an object a row ----------------------------------------------- */

static bool is_finite_cell(const mbar_column *column, int64_t row)
{
    switch (mbar_column_field(column)->type) {
    case MBAR_TYPE_FLOAT32:
        return isfinite(((const float *)mbar_column_values(column))[row]);
    case MBAR_TYPE_FLOAT64:
        return isfinite(((const double *)mbar_column_values(column))[row]);
    default:
        return true;
    }
}

static void json_cell(cli_json *json, const mbar_column *column, int64_t row, const mbar_zone *zone)
{
    const mbar_field *field = mbar_column_field(column);
    char value[CLI_VALUE_BYTES];
    if (!mbar_column_is_valid(column, row) || !is_finite_cell(column, row)) {
        cli_json_null(json, field->name);
    } else if (is_text(column)) {
        size_t n_bytes;
        const char *bytes = mbar_column_text(column, row, &n_bytes);
        cli_json_bytes(json, field->name, bytes, n_bytes);
    } else {
        cli_format_cell(column, row, zone, value);
        if (field->type == MBAR_TYPE_TIMESTAMP) {
            cli_json_text(json, field->name, value);
        } else {
            cli_json_raw(json, field->name, value);
        }
    }
}

static void print_json(const mbar_table *table, const mbar_zone *zone)
{
    cli_json json;
    cli_json_init(&json, stdout);
    for (int64_t row = 0; row < mbar_table_rows(table); row++) {
        cli_json_open(&json, NULL, '{');
        for (int32_t i = 0; i < mbar_table_columns(table); i++) {
            json_cell(&json, mbar_table_column(table, i), row, zone);
        }
        cli_json_close(&json, '}');
        cli_json_end_line(&json);
    }
}

/* ---- The verb ------------------------------------------------------------ */

static mbar_status read_rows(const char *path, const head_request *request, const cli_names *names,
                             mbar_expr *filter, mbar_table **out, mbar_error *error)
{
    mbar_scan *scan = NULL;
    mbar_status status = cli_scan_path(path, &scan, error);
    if (status == MBAR_OK && filter != NULL) {
        status = mbar_scan_filter(scan, filter, error);
    }
    if (status == MBAR_OK && names->n_names > 0) {
        status = mbar_scan_select(scan, names->names, names->n_names, error);
    }
    if (status == MBAR_OK) {
        status = request->tail ? mbar_scan_tail(scan, request->n_rows, error)
                               : mbar_scan_head(scan, request->n_rows, error);
    }
    if (status == MBAR_OK) {
        status = mbar_scan_collect(scan, out, NULL, error);
    }
    mbar_scan_free(scan);
    return status;
}

static int show(const char *path, const head_request *request, const cli_names *names,
                mbar_expr *filter, const mbar_zone *zone)
{
    mbar_table *table = NULL;
    mbar_error error;
    mbar_error_init(&error);
    mbar_status status = read_rows(path, request, names, filter, &table, &error);
    if (status == MBAR_OK) {
        if (request->as_json) {
            print_json(table, zone);
        } else if (request->as_csv) {
            print_csv(table, zone);
        } else {
            status = print_text(table, zone, &error);
        }
    }
    mbar_table_unref(table);
    return status == MBAR_OK ? CLI_OK : cli_fail(path, &error);
}

static int run(int argc, char **argv)
{
    head_request request = {.n_rows = 10};
    cli_words words;
    cli_names names;
    mbar_zone *zone = NULL;
    mbar_expr *filter = NULL;
    int code;
    const cli_option options[] = {
        {"rows", 'n', CLI_COUNT, &request.n_rows, "N", "how many rows; default 10", NULL},
        {"tail", 0, CLI_FLAG, &request.tail, NULL, "the last rows instead of the first", NULL},
        {"columns", 'c', CLI_TEXT, &request.columns, "A,B", "only these columns, in this order",
         NULL},
        {"filter", 0, CLI_TEXT, &request.filter, "EXPR",
         "only rows where it holds, as in\n\"volume > 0 and close < open\"", NULL},
        {"tz", 0, CLI_TEXT, &request.zone, "ZONE", "show times in this zone; default UTC", NULL},
        {"csv", 0, CLI_FLAG, &request.as_csv, NULL, "comma-separated, empty for null", NULL},
        {"json", 0, CLI_FLAG, &request.as_json, NULL, "an object a row, a row a line", NULL},
    };
    int n_options = sizeof options / sizeof options[0];
    if (!cli_parse(&cli_verb_head, options, n_options, argc, argv, 1, 1, &words, &code)) {
        return code;
    }
    if (request.as_csv && request.as_json) {
        return cli_usage("head", "--csv and --json exclude each other: choose one");
    }
    if (!cli_parse_names(request.columns, &names)) {
        return cli_usage("head", "--columns cannot be '%s': it is names joined by commas",
                         request.columns);
    }
    code = cli_open_zone("head", request.zone, &zone);
    if (code == CLI_OK) {
        code = cli_open_filter("head", request.filter, &filter);
    }
    if (code == CLI_OK) {
        code = show(words.words[0], &request, &names, filter, zone);
    }
    mbar_expr_unref(filter);
    mbar_zone_unref(zone);
    return code;
}

const cli_verb cli_verb_head = {
    .name = "head",
    .summary = "the first or last rows, as text, CSV or JSON",
    .usage = "[options] FILE",
    .about = "Prints the first rows of FILE (a Parquet file, a glob pattern, or a directory of\n"
             "Parquet files). Numbers have the fewest digits that read back as the same value.\n"
             "A time without a zone is shown as it is, without an offset. In JSON, NaN and\n"
             "infinities are null; in CSV an empty field is null and \"\" is empty text.",
    .example = "mbar head -n 5 --tz America/New_York MES.parquet",
    .run = run,
};
