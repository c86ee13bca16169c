/*
 * cmd_convert.c - mbar convert: any bars to the form millibar works with.
 *
 * What comes out: stamps of bar opens, strictly rising, timestamp[ns] with a
 * zone; every other column as it was. What cannot be made so without a choice
 * of the user's (unsorted rows, doubled stamps, stamps without a zone, close
 * labels) is refused with the option that makes the choice.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "output.h"

typedef struct convert_request {
    const char *time_column, *period_text, *zone_name, *assume_name;
    int label, layout;
    int duplicates; /* index in the choices: first, last */
    bool sort, as_json;
    cli_target target;
    mbar_series_options series;
} convert_request;

static const char *const LABELS[] = {"open", "close", NULL};
static const char *const DUPLICATES[] = {"first", "last", NULL};
static const char *const LAYOUTS[] = {"zero-copy", "zstd", "snappy", NULL};

/* The series' opens as timestamp[ns, zone] under the time column's own name. */
static mbar_status make_times(const mbar_series *series, const char *zone, mbar_column **out,
                              mbar_error *error)
{
    mbar_table *table = mbar_series_table(series);
    mbar_column *old = mbar_table_column(table, mbar_series_time_column(series));
    mbar_field field = {mbar_column_field(old)->name, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, zone,
                        false};
    return mbar_column_from_values(&field, mbar_series_rows(series), mbar_series_times(series), out,
                                   error);
}

static mbar_status normalize(const mbar_series *series, const char *zone, mbar_table **out,
                             mbar_error *error)
{
    mbar_table *table = mbar_series_table(series);
    int32_t n_columns = mbar_table_columns(table);
    mbar_column *times = NULL;
    mbar_buffer *list = NULL;
    mbar_status status = make_times(series, zone, &times, error);
    if (status == MBAR_OK) {
        status = mbar_buffer_new((size_t)n_columns * sizeof(mbar_column *), &list, error);
    }
    if (status == MBAR_OK) {
        mbar_column **columns = mbar_buffer_writable(list);
        for (int32_t i = 0; i < n_columns; i++) {
            bool is_time = i == mbar_series_time_column(series);
            columns[i] = is_time ? times : mbar_table_column(table, i);
        }
        status = mbar_table_new(columns, n_columns, out, error);
    }
    mbar_buffer_unref(list);
    mbar_column_unref(times);
    return status;
}

static mbar_status read_series(const char *path, const convert_request *request, mbar_series **out,
                               mbar_error *error)
{
    mbar_scan *scan = NULL;
    mbar_table *table = NULL;
    mbar_status status = cli_scan_path(path, &scan, error);
    if (status == MBAR_OK) {
        status = mbar_scan_collect(scan, &table, NULL, error);
    }
    if (status == MBAR_OK) {
        status = mbar_series_new(table, &request->series, out, error);
    }
    mbar_table_unref(table);
    mbar_scan_free(scan);
    return status;
}

static void report(const mbar_table *table, const mbar_series *series,
                   const convert_request *request)
{
    char period[CLI_VALUE_BYTES];
    if (!request->as_json) {
        cli_format_span(mbar_series_period_ns(series), period);
        cli_print_written(table, &request->target);
        printf("  period      %s\n", period);
        return;
    }
    cli_json json;
    cli_json_init(&json, stdout);
    cli_json_open(&json, NULL, '{');
    cli_json_written(&json, table, &request->target);
    cli_json_int(&json, "period_ns", mbar_series_period_ns(series));
    cli_json_close(&json, '}');
    cli_json_end_line(&json);
}

static int convert(const char *path, const convert_request *request)
{
    mbar_series *series = NULL;
    mbar_table *table = NULL;
    mbar_error error;
    mbar_error_init(&error);
    const char *zone = request->zone_name != NULL ? request->zone_name : "UTC";
    mbar_status status = read_series(path, request, &series, &error);
    if (status == MBAR_OK) {
        status = normalize(series, zone, &table, &error);
    }
    if (status == MBAR_OK) {
        status = cli_write(table, &request->target, mbar_series_period_ns(series), &error);
    }
    if (status == MBAR_OK) {
        report(table, series, request);
    }
    mbar_table_unref(table);
    mbar_series_unref(series);
    return status == MBAR_OK
               ? CLI_OK
               : cli_fail_hint(path, &error, "see --sort, --duplicates, --assume-tz and --time");
}

static int check_request(convert_request *request, const char *path)
{
    static const int CODECS[] = {MBAR_CODEC_NONE, MBAR_CODEC_ZSTD, MBAR_CODEC_SNAPPY};
    mbar_series_options *series = &request->series;
    if (request->layout >= 0 && request->target.codec >= 0) {
        return cli_usage("convert", "--layout and --codec exclude each other: choose one");
    }
    if (request->layout >= 0) {
        request->target.codec = CODECS[request->layout];
    } else if (request->target.codec < 0) {
        request->target.codec = MBAR_CODEC_NONE;
    }
    if (request->period_text != NULL &&
        !cli_parse_duration(request->period_text, &series->period_ns)) {
        return cli_usage("convert",
                         "--period cannot be '%s': it is a whole number and s, m, h or d, as in 1m",
                         request->period_text);
    }
    if (request->label == MBAR_LABEL_CLOSE && request->period_text == NULL) {
        return cli_usage("convert", "--label close needs --period: how far a bar's open lies "
                                    "before its close, as in 1m");
    }
    series->time_column = request->time_column;
    series->label = (mbar_label)request->label;
    series->sort = request->sort;
    if (request->duplicates >= 0) {
        series->duplicates =
            request->duplicates == 0 ? MBAR_DUPLICATES_KEEP_FIRST : MBAR_DUPLICATES_KEEP_LAST;
    }
    return cli_check_target("convert", &request->target, path);
}

static int run(int argc, char **argv)
{
    convert_request request = {.layout = -1, .duplicates = -1, .target = {.codec = -1}};
    cli_words words;
    mbar_zone *zone = NULL, *assume = NULL;
    int code;
    const cli_option options[] = {
        {"layout", 0, CLI_CHOICE, &request.layout, "NAME",
         "zero-copy (as --codec none; the default), zstd or\nsnappy", LAYOUTS},
        CLI_TARGET_OPTIONS(&request.target, "none"),
        {"time", 0, CLI_TEXT, &request.time_column, "COLUMN",
         "the time column; default the only timestamp column,\nelse timestamp, datetime, time or "
         "date",
         NULL},
        {"tz", 0, CLI_TEXT, &request.zone_name, "ZONE",
         "the zone OUT's stamps are shown in; default UTC", NULL},
        {"assume-tz", 0, CLI_TEXT, &request.assume_name, "ZONE",
         "the zone of stamps that carry none; default --tz", NULL},
        {"label", 0, CLI_CHOICE, &request.label, "NAME",
         "what a stamp of FILE marks: a bar's open (default)\nor its close", LABELS},
        {"period", 0, CLI_TEXT, &request.period_text, "SPAN",
         "length of a bar: 1m, 1h, 1d; default the most common\nspacing", NULL},
        {"sort", 0, CLI_FLAG, &request.sort, NULL, "sort rows by time; else unsorted is an error",
         NULL},
        {"duplicates", 0, CLI_CHOICE, &request.duplicates, "NAME",
         "of equal stamps keep the first or the last; else they\nare an error", DUPLICATES},
        {"json", 0, CLI_FLAG, &request.as_json, NULL, "the report as one JSON object", NULL},
    };
    int n_options = sizeof options / sizeof options[0];
    mbar_series_options_init(&request.series);
    if (!cli_parse(&cli_verb_convert, options, n_options, argc, argv, 1, 1, &words, &code)) {
        return code;
    }
    code = check_request(&request, words.words[0]);
    if (code == CLI_OK) {
        code = cli_open_zone("convert", request.zone_name, &zone);
    }
    if (code == CLI_OK) {
        code = cli_open_zone("convert", request.assume_name, &assume);
    }
    if (code == CLI_OK) {
        request.series.assume_zone = assume != NULL ? assume : zone;
        code = convert(words.words[0], &request);
    }
    mbar_zone_unref(assume);
    mbar_zone_unref(zone);
    return code;
}

const cli_verb cli_verb_convert = {
    .name = "convert",
    .summary = "bars with any stamps, order or layout to rising opens in a chosen layout",
    .usage = "[options] FILE --out OUT",
    .about = "Writes the bars of FILE with stamps that are bar opens, strictly rising,\n"
             "timestamp[ns] with a zone; other columns are kept. The zero-copy layout (no\n"
             "codec, plain values) is read by mapping the file. Rows out of order, equal stamps\n"
             "and stamps without a zone are errors unless an option says what to do.",
    .example = "mbar convert MES.parquet --layout zero-copy --out MES_fast.parquet",
    .run = run,
};
