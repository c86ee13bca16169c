/*
 * cmd_info.c - mbar info: what a Parquet file holds.
 *
 * Everything but the spacing of the stamps comes from the footer; of the rows
 * only the time column is read. Works on files no series would take: unsorted,
 * doubled or zone-less stamps are told, not refused.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "output.h"
#include "times.h"

/* A column's chunks over all row groups. */
typedef struct column_sum {
    int64_t n_nulls; /* -1: a chunk does not tell */
    int64_t compressed_bytes, uncompressed_bytes;
    int32_t n_chunks, n_page_indexes;
    unsigned codecs; /* one bit an mbar_codec */
    bool has_range;
    mbar_parquet_chunk range; /* its min and max over all chunks */
} column_sum;

typedef struct file_sum {
    mbar_parquet *file;
    const char *path;
    int64_t n_bytes;
    int64_t compressed_bytes, uncompressed_bytes;
    int64_t min_group_rows, max_group_rows;
    int32_t n_chunks, n_page_indexes;
    unsigned codecs;
    int32_t time_column; /* -1: none */
    cli_times times;
    char times_problem[512]; /* why there are none, or "" */
    int64_t n_gaps, longest_gap_ns, longest_gap_after_ns;
} file_sum;

/* ---- Gathering ----------------------------------------------------------- */

static bool is_real(mbar_type type)
{
    return type == MBAR_TYPE_FLOAT32 || type == MBAR_TYPE_FLOAT64;
}

static void add_range(column_sum *sum, const mbar_parquet_chunk *chunk)
{
    mbar_parquet_chunk *range = &sum->range;
    if (sum->n_chunks == 0) {
        *range = *chunk;
        sum->has_range = chunk->has_min_max;
        return;
    }
    sum->has_range = sum->has_range && chunk->has_min_max;
    range->min_int = chunk->min_int < range->min_int ? chunk->min_int : range->min_int;
    range->max_int = chunk->max_int > range->max_int ? chunk->max_int : range->max_int;
    range->min_float = chunk->min_float < range->min_float ? chunk->min_float : range->min_float;
    range->max_float = chunk->max_float > range->max_float ? chunk->max_float : range->max_float;
}

static mbar_status sum_column(const mbar_parquet *file, int32_t column, column_sum *out,
                              mbar_error *error)
{
    column_sum sum = {0};
    for (int32_t group = 0; group < mbar_parquet_row_groups(file); group++) {
        mbar_parquet_chunk chunk;
        mbar_status status = mbar_parquet_chunk_info(file, group, column, &chunk, error);
        if (status != MBAR_OK) {
            return status;
        }
        add_range(&sum, &chunk);
        sum.n_nulls = sum.n_nulls < 0 || chunk.n_nulls < 0 ? -1 : sum.n_nulls + chunk.n_nulls;
        sum.compressed_bytes += chunk.compressed_bytes;
        sum.uncompressed_bytes += chunk.uncompressed_bytes;
        sum.codecs |= 1u << chunk.codec;
        sum.n_page_indexes += chunk.has_page_index;
        sum.n_chunks++;
    }
    *out = sum;
    return MBAR_OK;
}

static mbar_status sum_groups(file_sum *sum, mbar_error *error)
{
    for (int32_t i = 0; i < mbar_parquet_columns(sum->file); i++) {
        column_sum column;
        mbar_status status = sum_column(sum->file, i, &column, error);
        if (status != MBAR_OK) {
            return status;
        }
        sum->compressed_bytes += column.compressed_bytes;
        sum->uncompressed_bytes += column.uncompressed_bytes;
        sum->codecs |= column.codecs;
        sum->n_chunks += column.n_chunks;
        sum->n_page_indexes += column.n_page_indexes;
    }
    for (int32_t group = 0; group < mbar_parquet_row_groups(sum->file); group++) {
        mbar_parquet_chunk chunk;
        mbar_status status = mbar_parquet_chunk_info(sum->file, group, 0, &chunk, error);
        if (status != MBAR_OK) {
            return status;
        }
        int64_t rows = chunk.n_rows;
        sum->min_group_rows = group == 0 || rows < sum->min_group_rows ? rows : sum->min_group_rows;
        sum->max_group_rows = rows > sum->max_group_rows ? rows : sum->max_group_rows;
    }
    return MBAR_OK;
}

static const mbar_field *field_of_file(const void *file, int32_t column)
{
    bool supported;
    const mbar_field *field = mbar_parquet_field(file, column, &supported);
    return supported ? field : NULL;
}

static mbar_status read_times(file_sum *sum, mbar_error *error)
{
    mbar_table *table = NULL;
    int32_t n_found;
    sum->time_column =
        cli_pick_time(field_of_file, sum->file, mbar_parquet_columns(sum->file), &n_found);
    if (sum->time_column < 0) {
        return MBAR_OK;
    }
    mbar_status status = mbar_parquet_read(sum->file, &sum->time_column, 1, 0,
                                           mbar_parquet_rows(sum->file), 0, &table, NULL, error);
    if (status == MBAR_OK) {
        status = cli_times_init(&sum->times, mbar_table_column(table, 0), error);
    }
    mbar_table_unref(table);
    if (status == MBAR_INVALID) {
        /* Stamps that nanoseconds cannot hold are told; the rest is still shown. */
        snprintf(sum->times_problem, sizeof sum->times_problem, "%s", error->message);
        mbar_error_init(error);
        return MBAR_OK;
    }
    const cli_times *times = &sum->times;
    for (int64_t i = 1; i < times->n && times->period_ns > 0; i++) {
        int64_t spacing = cli_spacing(times->ns[i - 1], times->ns[i]);
        sum->n_gaps += spacing > times->period_ns;
        if (spacing > times->period_ns && spacing > sum->longest_gap_ns) {
            sum->longest_gap_ns = spacing;
            sum->longest_gap_after_ns = times->ns[i - 1];
        }
    }
    return status;
}

static mbar_status file_sum_init(file_sum *sum, const char *path, mbar_error *error)
{
    mbar_source *source;
    memset(sum, 0, sizeof *sum);
    sum->path = path;
    mbar_status status = mbar_source_open_file(path, &source, error);
    if (status != MBAR_OK) {
        return status;
    }
    status = source->ops->size(source, &sum->n_bytes, error);
    if (status == MBAR_OK) {
        status = mbar_parquet_open(source, &sum->file, error);
    }
    if (status != MBAR_OK) {
        mbar_source_close(source);
        return status;
    }
    status = sum_groups(sum, error);
    return status == MBAR_OK ? read_times(sum, error) : status;
}

static void file_sum_deinit(file_sum *sum)
{
    cli_times_deinit(&sum->times);
    mbar_parquet_close(sum->file);
}

/* ---- Text ---------------------------------------------------------------- */

static void format_codecs(unsigned codecs, char *out, size_t size)
{
    out[0] = '\0';
    for (int i = MBAR_CODEC_NONE; i <= MBAR_CODEC_OTHER; i++) {
        if (codecs & (1u << i)) {
            size_t length = strlen(out);
            snprintf(out + length, size - length, "%s%s", length > 0 ? "+" : "",
                     mbar_codec_name((mbar_codec)i));
        }
    }
}

static const char *page_index_text(int32_t n_chunks, int32_t n_page_indexes)
{
    return n_page_indexes == 0 ? "none" : n_page_indexes == n_chunks ? "yes" : "some";
}

/* Minimum or maximum of a column as text; "" where the file does not tell. */
static void format_end(const column_sum *sum, const mbar_field *field, bool is_max,
                       char out[CLI_VALUE_BYTES])
{
    int64_t value = is_max ? sum->range.max_int : sum->range.min_int;
    out[0] = '\0';
    if (!sum->has_range) {
        return;
    }
    if (is_real(field->type)) {
        double real = is_max ? sum->range.max_float : sum->range.min_float;
        if (field->type == MBAR_TYPE_FLOAT32) {
            cli_format_float((float)real, out);
        } else {
            cli_format_double(real, out);
        }
    } else if (field->type == MBAR_TYPE_TIMESTAMP) {
        cli_format_stamp(value, field, NULL, out);
    } else {
        snprintf(out, CLI_VALUE_BYTES, "%" PRId64, value);
    }
}

static void format_type(const mbar_field *field, bool supported, char *out, size_t size)
{
    if (!supported) {
        snprintf(out, size, "unsupported");
    } else if (field->type == MBAR_TYPE_TIMESTAMP) {
        snprintf(out, size, "timestamp[%s, %s]", mbar_unit_name(field->unit),
                 field->zone != NULL ? field->zone : "no zone");
    } else {
        snprintf(out, size, "%s", mbar_type_name(field->type));
    }
}

static mbar_status print_columns(const file_sum *sum, mbar_error *error)
{
    static const bool RIGHT[] = {false, false, true, true, true, true};
    cli_table table;
    mbar_status status = MBAR_OK;
    cli_table_init(&table, 6, RIGHT);
    const char *const heads[] = {"column", "type", "nulls", "min", "max", "bytes"};
    for (int i = 0; i < 6; i++) {
        cli_table_addf(&table, "%s", heads[i]);
    }
    for (int32_t i = 0; i < mbar_parquet_columns(sum->file) && status == MBAR_OK; i++) {
        bool supported;
        column_sum column;
        char type[96], low[CLI_VALUE_BYTES], high[CLI_VALUE_BYTES], bytes[CLI_VALUE_BYTES];
        const mbar_field *field = mbar_parquet_field(sum->file, i, &supported);
        status = sum_column(sum->file, i, &column, error);
        if (status == MBAR_OK) {
            format_type(field, supported, type, sizeof type);
            format_end(&column, field, false, low);
            format_end(&column, field, true, high);
            cli_format_count(column.compressed_bytes, bytes);
            cli_table_addf(&table, "%s", field->name);
            cli_table_addf(&table, "%s", type);
            if (column.n_nulls < 0) {
                cli_table_addf(&table, "?");
            } else {
                cli_table_addf(&table, "%" PRId64, column.n_nulls);
            }
            cli_table_addf(&table, "%s", low);
            cli_table_addf(&table, "%s", high);
            cli_table_addf(&table, "%s", bytes);
        }
    }
    if (status == MBAR_OK) {
        status = cli_table_print(&table, "  ", stdout, error);
    }
    cli_table_deinit(&table);
    return status;
}

static void print_span(const file_sum *sum)
{
    const cli_times *times = &sum->times;
    char first[CLI_VALUE_BYTES], last[CLI_VALUE_BYTES], text[CLI_VALUE_BYTES];
    if (sum->times_problem[0] != '\0') {
        fputs("  span        unknown: ", stdout);
        cli_print_safe(stdout, sum->times_problem, strlen(sum->times_problem), 0);
        putchar('\n');
        return;
    }
    if (sum->time_column < 0 || times->n == 0) {
        printf("  span        %s\n", sum->time_column < 0 ? "no time column" : "no stamps");
        return;
    }
    cli_format_time(times->ns[0], NULL, first);
    cli_format_time(times->ns[times->n - 1], NULL, last);
    printf("  span        %s to %s\n", first, last);
    if (times->period_ns > 0) {
        cli_format_span(times->period_ns, text);
        printf("  period      %s\n", text);
    }
    cli_format_count(sum->n_gaps, text);
    printf("  gaps        %s", text);
    if (sum->n_gaps > 0) {
        cli_format_span(sum->longest_gap_ns, text);
        cli_format_time(sum->longest_gap_after_ns, NULL, first);
        printf(" longer than the period, longest %s after %s", text, first);
    }
    putchar('\n');
    if (times->n_unsorted > 0) {
        printf("  unsorted    %" PRId64 " stamps before their predecessor, first at row %" PRId64
               "\n",
               times->n_unsorted, times->first_unsorted);
    }
    if (times->n_duplicates > 0) {
        printf("  duplicates  %" PRId64 " stamps\n", times->n_duplicates);
    }
}

static void print_storage(const file_sum *sum)
{
    char bytes[CLI_VALUE_BYTES], packed[CLI_VALUE_BYTES], plain[CLI_VALUE_BYTES], codecs[96];
    int32_t n_groups = mbar_parquet_row_groups(sum->file);
    cli_format_count(sum->n_bytes, bytes);
    cli_format_count(sum->compressed_bytes, packed);
    cli_format_count(sum->uncompressed_bytes, plain);
    format_codecs(sum->codecs, codecs, sizeof codecs);
    printf("  row groups  %" PRId32, n_groups);
    if (n_groups > 0) {
        printf(" of %" PRId64, sum->max_group_rows);
        if (sum->min_group_rows != sum->max_group_rows) {
            printf(" (smallest %" PRId64 ")", sum->min_group_rows);
        }
        printf(" rows");
    }
    printf("\n  codec       %s\n", codecs[0] != '\0' ? codecs : "-");
    printf("  sizes       %s bytes, columns %s, uncompressed %s\n", bytes, packed, plain);
    printf("  page index  %s\n", page_index_text(sum->n_chunks, sum->n_page_indexes));
}

/* Metadata that millibar's writer leaves. */
static const char *const METADATA[] = {"millibar.period_ns", "millibar.sorted_by"};
enum { N_METADATA = sizeof METADATA / sizeof METADATA[0] };

static mbar_status print_file(const file_sum *sum, mbar_error *error)
{
    char rows[CLI_VALUE_BYTES];
    cli_print_safe(stdout, sum->path, strlen(sum->path), 0);
    cli_format_count(mbar_parquet_rows(sum->file), rows);
    printf("\n  rows        %s\n", rows);
    print_span(sum);
    print_storage(sum);
    for (int i = 0; i < N_METADATA; i++) {
        const char *value = mbar_parquet_metadata(sum->file, METADATA[i]);
        if (value != NULL) {
            printf("  metadata    %s = ", METADATA[i]);
            cli_print_safe(stdout, value, strlen(value), 80);
            putchar('\n');
        }
    }
    return print_columns(sum, error);
}

/* ---- JSON ---------------------------------------------------------------- */

static void json_end(cli_json *json, const char *key, const column_sum *sum,
                     const mbar_field *field, bool is_max)
{
    char text[CLI_VALUE_BYTES];
    format_end(sum, field, is_max, text);
    if (text[0] == '\0') {
        cli_json_null(json, key);
    } else if (field->type == MBAR_TYPE_TIMESTAMP) {
        cli_json_text(json, key, text);
    } else if (is_real(field->type)) {
        cli_json_double(json, key, is_max ? sum->range.max_float : sum->range.min_float);
    } else {
        cli_json_raw(json, key, text);
    }
}

static void json_column(cli_json *json, const mbar_field *field, bool supported,
                        const column_sum *sum)
{
    char codecs[96];
    format_codecs(sum->codecs, codecs, sizeof codecs);
    cli_json_open(json, NULL, '{');
    cli_json_text(json, "name", field->name);
    cli_json_text(json, "type", supported ? mbar_type_name(field->type) : "unsupported");
    if (supported && field->type == MBAR_TYPE_TIMESTAMP) {
        cli_json_text(json, "unit", mbar_unit_name(field->unit));
        if (field->zone != NULL) {
            cli_json_text(json, "zone", field->zone);
        } else {
            cli_json_null(json, "zone");
        }
    }
    if (sum->n_nulls < 0) {
        cli_json_null(json, "nulls");
    } else {
        cli_json_int(json, "nulls", sum->n_nulls);
    }
    json_end(json, "min", sum, field, false);
    json_end(json, "max", sum, field, true);
    cli_json_text(json, "codec", codecs);
    cli_json_int(json, "compressed_bytes", sum->compressed_bytes);
    cli_json_int(json, "uncompressed_bytes", sum->uncompressed_bytes);
    cli_json_close(json, '}');
}

static mbar_status json_columns(cli_json *json, const mbar_parquet *file, mbar_error *error)
{
    mbar_status status = MBAR_OK;
    cli_json_open(json, "columns", '[');
    for (int32_t i = 0; i < mbar_parquet_columns(file) && status == MBAR_OK; i++) {
        bool supported;
        column_sum column;
        const mbar_field *field = mbar_parquet_field(file, i, &supported);
        status = sum_column(file, i, &column, error);
        if (status == MBAR_OK) {
            json_column(json, field, supported, &column);
        }
    }
    cli_json_close(json, ']');
    return status;
}

static void json_time(cli_json *json, const char *key, int64_t ns)
{
    char text[CLI_VALUE_BYTES];
    cli_format_time(ns, NULL, text);
    cli_json_text(json, key, text);
}

static void json_times(cli_json *json, const file_sum *sum)
{
    const cli_times *times = &sum->times;
    bool supported;
    if (sum->time_column < 0) {
        cli_json_null(json, "time");
        return;
    }
    cli_json_open(json, "time", '{');
    cli_json_text(json, "column",
                  mbar_parquet_field(sum->file, sum->time_column, &supported)->name);
    if (sum->times_problem[0] != '\0') {
        cli_json_text(json, "problem", sum->times_problem);
        cli_json_close(json, '}');
        return;
    }
    if (times->n > 0) {
        json_time(json, "first", times->ns[0]);
        json_time(json, "last", times->ns[times->n - 1]);
    }
    cli_json_int(json, "period_ns", times->period_ns);
    cli_json_int(json, "unsorted", times->n_unsorted);
    cli_json_int(json, "duplicates", times->n_duplicates);
    cli_json_open(json, "gaps", '{');
    cli_json_int(json, "count", sum->n_gaps);
    if (sum->n_gaps > 0) {
        cli_json_int(json, "longest_ns", sum->longest_gap_ns);
        json_time(json, "longest_after", sum->longest_gap_after_ns);
    }
    cli_json_close(json, '}');
    cli_json_close(json, '}');
}

static mbar_status json_file(const file_sum *sum, mbar_error *error)
{
    cli_json json;
    char codecs[96];
    cli_json_init(&json, stdout);
    format_codecs(sum->codecs, codecs, sizeof codecs);
    cli_json_open(&json, NULL, '{');
    cli_json_text(&json, "file", sum->path);
    cli_json_int(&json, "bytes", sum->n_bytes);
    cli_json_int(&json, "rows", mbar_parquet_rows(sum->file));
    json_times(&json, sum);
    cli_json_open(&json, "row_groups", '{');
    cli_json_int(&json, "count", mbar_parquet_row_groups(sum->file));
    cli_json_int(&json, "min_rows", sum->min_group_rows);
    cli_json_int(&json, "max_rows", sum->max_group_rows);
    cli_json_close(&json, '}');
    cli_json_text(&json, "codec", codecs);
    cli_json_int(&json, "compressed_bytes", sum->compressed_bytes);
    cli_json_int(&json, "uncompressed_bytes", sum->uncompressed_bytes);
    cli_json_text(&json, "page_index", page_index_text(sum->n_chunks, sum->n_page_indexes));
    cli_json_open(&json, "metadata", '{');
    for (int i = 0; i < N_METADATA; i++) {
        const char *value = mbar_parquet_metadata(sum->file, METADATA[i]);
        if (value != NULL) {
            cli_json_text(&json, METADATA[i], value);
        }
    }
    cli_json_close(&json, '}');
    mbar_status status = json_columns(&json, sum->file, error);
    cli_json_close(&json, '}');
    cli_json_end_line(&json);
    return status;
}

/* ---- The verb ------------------------------------------------------------ */

static int show_file(const char *path, bool as_json)
{
    file_sum sum;
    mbar_error error;
    mbar_error_init(&error);
    mbar_status status = file_sum_init(&sum, path, &error);
    if (status == MBAR_OK) {
        status = as_json ? json_file(&sum, &error) : print_file(&sum, &error);
    }
    file_sum_deinit(&sum);
    return status == MBAR_OK ? CLI_OK : cli_fail(path, &error);
}

static int run(int argc, char **argv)
{
    bool as_json = false;
    cli_words words;
    int code;
    const cli_option options[] = {
        {"json", 0, CLI_FLAG, &as_json, NULL, "one JSON object a line, a line a file", NULL},
    };
    if (!cli_parse(&cli_verb_info, options, 1, argc, argv, 1, INT32_MAX, &words, &code)) {
        return code;
    }
    for (int i = 0; i < words.n_words; i++) {
        int one = show_file(words.words[i], as_json);
        code = one > code ? one : code;
    }
    return code;
}

const cli_verb cli_verb_info = {
    .name = "info",
    .summary = "schema, rows, span, period, gaps, row groups, codec and sizes of files",
    .usage = "[options] FILE...",
    .about = "Tells what Parquet files hold: rows, first and last stamp, the most common\n"
             "spacing (the period) and what exceeds it, row groups, codec, sizes, page index,\n"
             "and each column's type, nulls, range and bytes. Reads the footer and the time\n"
             "column. Times are UTC. A file that cannot be read is told on stderr, the others\n"
             "are still shown, and the exit code is 3.",
    .example = "mbar info MES.parquet",
    .run = run,
};
