/*
 * cmd_resample.c - mbar resample: longer bars from shorter ones.
 */
#include <stdio.h>

#include "files.h"
#include "output.h"

typedef struct resample_request {
    const char *every_text, *zone_name, *time_column;
    bool keep_partial, as_json;
    cli_target target;
    mbar_resample how;
} resample_request;

static mbar_status collect(const char *path, const resample_request *request, mbar_table **out,
                           mbar_read_stats *stats, mbar_error *error)
{
    mbar_scan *scan = NULL;
    mbar_series_options options;
    mbar_series_options_init(&options);
    /* Stamps without a zone are wall clocks of --tz. */
    options.assume_zone = request->how.zone;
    options.time_column = request->time_column;
    mbar_status status = cli_scan_path(path, &scan, error);
    if (status == MBAR_OK) {
        status = mbar_scan_resample(scan, &options, &request->how, error);
    }
    if (status == MBAR_OK) {
        status = mbar_scan_collect(scan, out, stats, error);
    }
    mbar_scan_free(scan);
    return status;
}

static int resample(const char *path, const resample_request *request)
{
    mbar_table *table = NULL;
    mbar_read_stats stats = {0};
    mbar_error error;
    mbar_error_init(&error);
    mbar_status status = collect(path, request, &table, &stats, &error);
    if (status == MBAR_OK) {
        status = cli_write(table, &request->target,
                           request->how.every * mbar_step_ns(request->how.step), &error);
    }
    if (status == MBAR_OK && request->as_json) {
        cli_json json;
        cli_json_init(&json, stdout);
        cli_json_open(&json, NULL, '{');
        cli_json_written(&json, table, &request->target);
        cli_json_stats(&json, "read", &stats);
        cli_json_close(&json, '}');
        cli_json_end_line(&json);
    } else if (status == MBAR_OK) {
        cli_print_written(table, &request->target);
    }
    mbar_table_unref(table);
    return status == MBAR_OK
               ? CLI_OK
               : cli_fail_hint(path, &error, "mbar convert has --sort, --duplicates, --assume-tz");
}

static int run(int argc, char **argv)
{
    resample_request request = {.target = {.codec = MBAR_CODEC_ZSTD}};
    cli_words words;
    int code;
    const cli_option options[] = {
        {"every", 0, CLI_TEXT, &request.every_text, "SPAN",
         "length of the new bars: 30s, 5m, 15m, 1h, 1d", NULL},
        {"tz", 0, CLI_TEXT, &request.zone_name, "ZONE",
         "whose days and midnights; default the file's zone,\nelse UTC", NULL},
        {"time", 0, CLI_TEXT, &request.time_column, "COLUMN",
         "the time column; default as mbar convert", NULL},
        {"keep-partial", 0, CLI_FLAG, &request.keep_partial, NULL,
         "keep a last bar that the rows do not reach the end\nof", NULL},
        CLI_TARGET_OPTIONS(&request.target, "zstd"),
        {"json", 0, CLI_FLAG, &request.as_json, NULL, "the report as one JSON object", NULL},
    };
    int n_options = sizeof options / sizeof options[0];
    if (!cli_parse(&cli_verb_resample, options, n_options, argc, argv, 1, 1, &words, &code)) {
        return code;
    }
    if (request.every_text == NULL) {
        return cli_usage("resample", "--every is missing: give a length such as 15m");
    }
    if (!cli_parse_every(request.every_text, &request.how.every, &request.how.step)) {
        return cli_usage("resample",
                         "--every cannot be '%s': it is a whole number and s, m, h or d, as in 15m",
                         request.every_text);
    }
    request.how.drop_partial = !request.keep_partial;
    code = cli_check_target("resample", &request.target, words.words[0]);
    if (code == CLI_OK) {
        code = cli_open_zone("resample", request.zone_name, &request.how.zone);
    }
    if (code == CLI_OK) {
        code = resample(words.words[0], &request);
    }
    mbar_zone_unref(request.how.zone);
    return code;
}

const cli_verb cli_verb_resample = {
    .name = "resample",
    .summary = "longer bars from shorter ones",
    .usage = "[options] FILE --every SPAN --out OUT",
    .about = "Writes bars of SPAN made from the bars of FILE: first open, highest high, lowest\n"
             "low, last close, sum of volume; other columns are left out. Buckets start at the\n"
             "midnight of the first bar's day and are labelled by their start; a bucket\n"
             "without bars is absent. Stamps must be rising and are bar opens: mbar convert\n"
             "makes them so. Stamps without a zone are taken as wall clocks of --tz.",
    .example = "mbar resample MES.parquet --every 15m --tz America/New_York --out MES_15m.parquet",
    .run = run,
};
