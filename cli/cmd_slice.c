/*
 * cmd_slice.c - mbar slice: rows of a span of time, and some columns, to a new
 * file, telling what was pruned on the way.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "files.h"
#include "filter.h"
#include "output.h"

typedef struct slice_request {
    const char *from, *to, *zone, *time_column, *columns, *filter;
    int64_t from_ns, to_ns;
    cli_target target;
    bool as_json, explain;
} slice_request;

static mbar_status plan(const char *path, const slice_request *request, const cli_names *names,
                        mbar_expr *filter, mbar_scan **out, mbar_error *error)
{
    mbar_scan *scan = NULL;
    mbar_status status = cli_scan_path(path, &scan, error);
    if (status == MBAR_OK && (request->from != NULL || request->to != NULL)) {
        status =
            mbar_scan_between(scan, request->time_column, request->from_ns, request->to_ns, error);
    }
    if (status == MBAR_OK && filter != NULL) {
        status = mbar_scan_filter(scan, filter, error);
    }
    if (status == MBAR_OK && names->n_names > 0) {
        status = mbar_scan_select(scan, names->names, names->n_names, error);
    }
    if (status != MBAR_OK) {
        mbar_scan_free(scan);
        return status;
    }
    *out = scan;
    return MBAR_OK;
}

/* "3" of 1 and "3 of 12" otherwise: what was read of what is there. */
static void print_read_of(const char *what, int64_t n_read, int64_t n_present)
{
    char read[CLI_VALUE_BYTES], present[CLI_VALUE_BYTES];
    cli_format_count(n_read, read);
    cli_format_count(n_present, present);
    printf("  %-11s %s of %s\n", what, read, present);
}

static mbar_status print_plan(const mbar_scan *scan, mbar_error *error)
{
    mbar_buffer *buffer;
    size_t length = mbar_scan_explain(scan, NULL, 0);
    mbar_status status = mbar_buffer_new(length + 1, &buffer, error);
    if (status != MBAR_OK) {
        return status;
    }
    char *text = mbar_buffer_writable(buffer);
    mbar_scan_explain(scan, text, length + 1);
    fputs("plan:\n", stdout);
    fputs(text, stdout);
    if (length == 0 || text[length - 1] != '\n') {
        putchar('\n');
    }
    mbar_buffer_unref(buffer);
    return MBAR_OK;
}

static void print_stats(const mbar_read_stats *stats)
{
    puts("read:");
    print_read_of("files", stats->files_read, stats->files_present);
    print_read_of("row groups", stats->row_groups_read, stats->row_groups_present);
    if (stats->pages_present > 0) {
        print_read_of("pages", stats->pages_read, stats->pages_present);
    }
    print_read_of("rows", stats->rows_read, stats->rows_present);
    print_read_of("bytes", stats->bytes_read, stats->bytes_present);
}

static mbar_status report(const mbar_table *table, const mbar_scan *scan,
                          const mbar_read_stats *stats, const slice_request *request,
                          mbar_error *error)
{
    if (request->as_json) {
        cli_json json;
        cli_json_init(&json, stdout);
        cli_json_open(&json, NULL, '{');
        cli_json_written(&json, table, &request->target);
        cli_json_stats(&json, "read", stats);
        cli_json_close(&json, '}');
        cli_json_end_line(&json);
        return MBAR_OK;
    }
    cli_print_written(table, &request->target);
    print_stats(stats);
    return request->explain ? print_plan(scan, error) : MBAR_OK;
}

/* The period the source states; a cut leaves it true. 0: none, or several files. */
static int64_t stated_period(const char *path)
{
    mbar_source *source;
    mbar_parquet *file;
    int64_t period_ns = 0;
    if (mbar_source_open_file(path, &source, NULL) != MBAR_OK) {
        return 0;
    }
    if (mbar_parquet_open(source, &file, NULL) != MBAR_OK) {
        mbar_source_close(source);
        return 0;
    }
    const char *text = mbar_parquet_metadata(file, "millibar.period_ns");
    if (text != NULL) {
        period_ns = strtoll(text, NULL, 10);
    }
    mbar_parquet_close(file);
    return period_ns > 0 ? period_ns : 0;
}

static int slice(const char *path, const slice_request *request, const cli_names *names,
                 mbar_expr *filter)
{
    mbar_scan *scan = NULL;
    mbar_table *table = NULL;
    mbar_read_stats stats = {0};
    mbar_error error;
    mbar_error_init(&error);
    mbar_status status = plan(path, request, names, filter, &scan, &error);
    if (status == MBAR_OK) {
        status = mbar_scan_collect(scan, &table, &stats, &error);
    }
    if (status == MBAR_OK) {
        status = cli_write(table, &request->target, stated_period(path), &error);
    }
    if (status == MBAR_OK) {
        status = report(table, scan, &stats, request, &error);
    }
    mbar_table_unref(table);
    mbar_scan_free(scan);
    return status == MBAR_OK ? CLI_OK : cli_fail(path, &error);
}

/* What the options say beyond their own values. */
static int check_request(slice_request *request, const char *path, cli_names *names,
                         mbar_expr **filter)
{
    mbar_zone *zone;
    int code = cli_open_zone("slice", request->zone, &zone);
    if (code == CLI_OK) {
        code = cli_parse_span("slice", request->from, request->to, zone, &request->from_ns,
                              &request->to_ns);
    }
    mbar_zone_unref(zone);
    if (code == CLI_OK && !cli_parse_names(request->columns, names)) {
        code = cli_usage("slice", "--columns cannot be '%s': it is names joined by commas",
                         request->columns);
    }
    if (code == CLI_OK) {
        code = cli_check_target("slice", &request->target, path);
    }
    return code == CLI_OK ? cli_open_filter("slice", request->filter, filter) : code;
}

static int run(int argc, char **argv)
{
    slice_request request = {.target = {.codec = MBAR_CODEC_ZSTD}};
    cli_words words;
    cli_names names;
    mbar_expr *filter = NULL;
    int code;
    const cli_option options[] = {
        {"from", 0, CLI_TEXT, &request.from, "TIME", "first instant, inclusive; default the start",
         NULL},
        {"to", 0, CLI_TEXT, &request.to, "TIME", "last instant, exclusive; default the end", NULL},
        {"tz", 0, CLI_TEXT, &request.zone, "ZONE",
         "the zone of --from and --to without an offset;\ndefault UTC", NULL},
        {"time", 0, CLI_TEXT, &request.time_column, "COLUMN",
         "the time column; default as mbar convert", NULL},
        {"columns", 'c', CLI_TEXT, &request.columns, "A,B", "only these columns, in this order",
         NULL},
        {"filter", 0, CLI_TEXT, &request.filter, "EXPR",
         "only rows where it holds, as in\n\"volume > 0 and close < open\"", NULL},
        CLI_TARGET_OPTIONS(&request.target, "zstd"),
        {"explain", 0, CLI_FLAG, &request.explain, NULL, "print the plan as well", NULL},
        {"json", 0, CLI_FLAG, &request.as_json, NULL, "the report as one JSON object", NULL},
    };
    int n_options = sizeof options / sizeof options[0];
    if (!cli_parse(&cli_verb_slice, options, n_options, argc, argv, 1, 1, &words, &code)) {
        return code;
    }
    code = check_request(&request, words.words[0], &names, &filter);
    if (code == CLI_OK) {
        code = slice(words.words[0], &request, &names, filter);
    }
    mbar_expr_unref(filter);
    return code;
}

const cli_verb cli_verb_slice = {
    .name = "slice",
    .summary = "the rows of a span of time, and some columns, to a new file",
    .usage = "[options] FILE --out OUT",
    .about = "Writes the rows with from <= time < to, where the filter holds, to OUT, and tells\n"
             "how much of FILE had to be read: row groups and pages outside the span are\n"
             "skipped by their statistics. FILE may be a glob pattern or a directory. Times\n"
             "read 2024-01-03, \"2024-01-03 09:30\" or 2024-01-03T09:30:00-05:00.",
    .example = "mbar slice MES.parquet --from 2024-01-03 --to 2024-01-06 \\\n"
               "    --columns timestamp,close,volume --out three_days.parquet",
    .run = run,
};
