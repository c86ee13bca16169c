/*
 * cmd_check.c - mbar check: what is wrong with a file of bars, or looks so.
 *
 * Reads the table, not a series, because a series refuses the very files that
 * need a look. check_*.c hold the checks; this file reads, collects and tells.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check.h"
#include "files.h"
#include "output.h"

typedef struct check_request {
    const char *time_column, *period_text, *zone_name, *skip;
    int64_t max_examples, period_ns;
    bool as_json;
    check_limits limits;
    bool skipped[CHECK_N_KINDS];
} check_request;

/* ---- Findings ------------------------------------------------------------ */

static const struct {
    const char *name, *meaning;
} KINDS[CHECK_N_KINDS] = {
    [CHECK_UNSORTED] = {"unsorted", "stamps earlier than the row before"},
    [CHECK_DUPLICATE] = {"duplicate", "stamps that are there already"},
    [CHECK_GAP] = {"gap", "places where bars are missing"},
    [CHECK_OFF_SESSION] = {"off-session", "bars outside the session"},
    [CHECK_NULL] = {"null", "missing values"},
    [CHECK_NAN] = {"nan", "values that are not a finite number"},
    [CHECK_NON_POSITIVE] = {"non-positive", "prices of zero or less"},
    [CHECK_HIGH_LOW] = {"high-low", "rows with high below low"},
    [CHECK_OUTSIDE] = {"outside", "values outside [low, high]"},
    [CHECK_OFF_TICK] = {"off-tick", "rows with a price off the tick"},
    [CHECK_JUMP] = {"jump", "leaps from close to next open"},
    [CHECK_CONTRACT_FLIP] = {"contract-flip", "leaps there and back, as of two contracts"},
    [CHECK_NEGATIVE_VOLUME] = {"negative-volume", "volumes below zero"},
    [CHECK_ZERO_VOLUME] = {"zero-volume", "runs of bars without volume"},
    [CHECK_VOLUME_SPIKE] = {"volume-spike", "volumes far above those around"},
};

const char *check_kind_name(check_kind kind)
{
    return KINDS[kind].name;
}

bool check_kind_parse(const char *name, check_kind *out)
{
    for (int i = 0; i < CHECK_N_KINDS; i++) {
        if (strcmp(KINDS[i].name, name) == 0) {
            *out = (check_kind)i;
            return true;
        }
    }
    return false;
}

static check_finding *find_or_add(check_report *report, check_kind kind, const char *column)
{
    for (int i = 0; i < report->n_findings; i++) {
        check_finding *f = &report->findings[i];
        /* Names are borrowed from one table, so the pointer tells them apart. */
        if (f->kind == kind && f->column == column) {
            return f;
        }
    }
    if (report->n_findings == CHECK_MAX_FINDINGS) {
        return NULL;
    }
    check_finding *f = &report->findings[report->n_findings++];
    *f = (check_finding){.kind = kind, .column = column};
    return f;
}

void check_add(check_report *report, check_kind kind, const char *column, int64_t row,
               const char *format, ...)
{
    check_finding *f = report->skip[kind] ? NULL : find_or_add(report, kind, column);
    if (f == NULL) {
        return;
    }
    f->count++;
    if (f->n_examples < report->max_examples) {
        check_example *example = &f->examples[f->n_examples++];
        *example = (check_example){.row = row};
        if (format != NULL) {
            va_list args;
            va_start(args, format);
            vsnprintf(example->detail, sizeof example->detail, format, args);
            va_end(args);
        }
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double check_median(double *values, int64_t n)
{
    if (n == 0) {
        return NAN;
    }
    qsort(values, (size_t)n, sizeof *values, compare_doubles);
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* ---- Reading ------------------------------------------------------------- */

static int32_t find_column(const mbar_table *table, const char *name)
{
    for (int32_t i = 0; i < mbar_table_columns(table); i++) {
        if (strcasecmp(mbar_column_field(mbar_table_column(table, i))->name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* The columns to look at, the time column first. */
static mbar_status choose_columns(const mbar_table *schema, const char *time_column,
                                  check_bars *bars, cli_names *names, mbar_error *error)
{
    static const char *const BARS[] = {"open", "high", "low", "close", "volume"};
    static const char *const TRADES[] = {NULL, NULL, NULL, "price", "size"};
    int32_t time;
    mbar_status status = cli_find_time(schema, time_column, &time, error);
    if (status != MBAR_OK) {
        return status;
    }
    names->n_names = 0;
    names->names[names->n_names++] = mbar_column_field(mbar_table_column(schema, time))->name;
    bars->are_trades = find_column(schema, "close") < 0 && find_column(schema, "price") >= 0;
    for (int k = 0; k < CHECK_N_SERIES; k++) {
        const char *name = bars->are_trades ? TRADES[k] : BARS[k];
        int32_t column = name != NULL ? find_column(schema, name) : -1;
        if (column >= 0 && column != time) {
            bars->names[k] = mbar_column_field(mbar_table_column(schema, column))->name;
            names->names[names->n_names++] = bars->names[k];
        }
    }
    return MBAR_OK;
}

static double number_at(const void *values, mbar_type type, int64_t row)
{
    switch (type) {
    case MBAR_TYPE_INT32:
        return ((const int32_t *)values)[row];
    case MBAR_TYPE_INT64:
        return (double)((const int64_t *)values)[row];
    case MBAR_TYPE_UINT64:
        return (double)((const uint64_t *)values)[row];
    case MBAR_TYPE_FLOAT32:
        return (double)((const float *)values)[row];
    default:
        return ((const double *)values)[row];
    }
}

static bool is_number(mbar_type type)
{
    return type == MBAR_TYPE_INT32 || type == MBAR_TYPE_INT64 || type == MBAR_TYPE_UINT64 ||
           type == MBAR_TYPE_FLOAT32 || type == MBAR_TYPE_FLOAT64;
}

/* The column as doubles, NaN for null; without a copy where it is so already. */
static mbar_status read_series(check_bars *bars, int k, mbar_error *error)
{
    const mbar_column *column =
        mbar_table_column(bars->table, mbar_table_find(bars->table, bars->names[k]));
    const mbar_field *field = mbar_column_field(column);
    bars->names[k] = field->name;
    if (!is_number(field->type)) {
        return mbar_error_set(error, MBAR_INVALID, "column '%s' is %s, not a number: make it one",
                              field->name, mbar_type_name(field->type));
    }
    const void *values = mbar_column_values(column);
    bool has_nulls = mbar_column_nulls(column) > 0;
    bars->is_float32[k] = field->type == MBAR_TYPE_FLOAT32;
    if (field->type == MBAR_TYPE_FLOAT64 && !has_nulls) {
        bars->series[k] = values;
        return MBAR_OK;
    }
    mbar_status status =
        mbar_buffer_new((size_t)bars->n_rows * sizeof(double), &bars->buffers[k], error);
    if (status != MBAR_OK) {
        return status;
    }
    double *out = mbar_buffer_writable(bars->buffers[k]);
    for (int64_t row = 0; row < bars->n_rows; row++) {
        bool is_null = has_nulls && !mbar_column_is_valid(column, row);
        out[row] = is_null ? NAN : number_at(values, field->type, row);
    }
    bars->series[k] = out;
    return MBAR_OK;
}

static mbar_status read_table(const char *path, const char *time_column, check_bars *bars,
                              mbar_error *error)
{
    mbar_scan *scan = NULL;
    mbar_table *schema = NULL;
    cli_names names;
    mbar_status status = cli_scan_path(path, &scan, error);
    if (status == MBAR_OK) {
        status = mbar_scan_schema(scan, &schema, error);
    }
    if (status == MBAR_OK) {
        status = choose_columns(schema, time_column, bars, &names, error);
    }
    if (status == MBAR_OK) {
        status = mbar_scan_select(scan, names.names, names.n_names, error);
    }
    if (status == MBAR_OK) {
        status = mbar_scan_collect(scan, &bars->table, NULL, error);
    }
    for (int k = 0; k < CHECK_N_SERIES && status == MBAR_OK; k++) {
        bars->n_rows = mbar_table_rows(bars->table);
        if (bars->names[k] != NULL) {
            status = read_series(bars, k, error);
        }
    }
    mbar_table_unref(schema); /* the names have moved to the table's own */
    mbar_scan_free(scan);
    return status;
}

static mbar_status check_bars_init(check_bars *bars, const char *path, const check_request *request,
                                   mbar_error *error)
{
    memset(bars, 0, sizeof *bars);
    mbar_status status = read_table(path, request->time_column, bars, error);
    if (status == MBAR_OK) {
        status = cli_times_init(&bars->times, mbar_table_column(bars->table, 0), error);
        bars->period_ns = request->period_ns > 0 ? request->period_ns : bars->times.period_ns;
    }
    return status;
}

static void check_bars_deinit(check_bars *bars)
{
    for (int k = 0; k < CHECK_N_SERIES; k++) {
        mbar_buffer_unref(bars->buffers[k]);
    }
    cli_times_deinit(&bars->times);
    mbar_table_unref(bars->table);
}

/* ---- Telling ------------------------------------------------------------- */

/* The stamp of a row as text; false where it has none. */
static bool format_row_time(const check_bars *bars, int64_t row, const mbar_zone *zone,
                            char out[CLI_VALUE_BYTES])
{
    const mbar_column *stamps = mbar_table_column(bars->table, 0);
    if (!mbar_column_is_valid(stamps, row)) {
        return false;
    }
    cli_format_cell(stamps, row, zone, out);
    return true;
}

static void print_finding(const check_finding *f, const check_bars *bars, const mbar_zone *zone)
{
    char count[CLI_VALUE_BYTES], time[CLI_VALUE_BYTES];
    cli_format_count(f->count, count);
    printf("  %-16s %9s  %s", check_kind_name(f->kind), count, KINDS[f->kind].meaning);
    if (f->column != NULL) {
        fputs(": ", stdout);
        cli_print_safe(stdout, f->column, strlen(f->column), 40);
    }
    putchar('\n');
    for (int i = 0; i < f->n_examples; i++) {
        const check_example *e = &f->examples[i];
        bool has_time = format_row_time(bars, e->row, zone, time);
        printf("    row %" PRId64 "  %s%s", e->row, has_time ? time : "no stamp",
               e->detail[0] != '\0' ? "  " : "");
        cli_print_safe(stdout, e->detail, strlen(e->detail), 0);
        putchar('\n');
    }
    if (f->count > f->n_examples && f->n_examples > 0) {
        puts("    ...");
    }
}

static void print_report(const char *path, const check_bars *bars, const check_report *report,
                         const mbar_zone *zone)
{
    char text[CLI_VALUE_BYTES];
    cli_print_safe(stdout, path, strlen(path), 0);
    cli_format_count(bars->n_rows, text);
    printf(": %s rows%s", text, bars->are_trades ? " of trades" : "");
    if (bars->period_ns > 0 && !bars->are_trades) {
        cli_format_span(bars->period_ns, text);
        printf(", period %s, calendar %s", text, report->calendar);
    }
    if (report->tick > 0) {
        cli_format_double(report->tick, text);
        printf(", tick %s%s", text, report->tick_inferred ? " (inferred)" : "");
    } else {
        fputs(", no tick", stdout);
    }
    puts(report->n_findings == 0 ? ": clean" : "");
    for (int i = 0; i < report->n_findings; i++) {
        print_finding(&report->findings[i], bars, zone);
    }
}

static void json_finding(cli_json *json, const check_finding *f, const check_bars *bars,
                         const mbar_zone *zone)
{
    char time[CLI_VALUE_BYTES];
    cli_json_open(json, NULL, '{');
    cli_json_text(json, "kind", check_kind_name(f->kind));
    if (f->column != NULL) {
        cli_json_text(json, "column", f->column);
    } else {
        cli_json_null(json, "column");
    }
    cli_json_int(json, "count", f->count);
    cli_json_open(json, "examples", '[');
    for (int i = 0; i < f->n_examples; i++) {
        const check_example *e = &f->examples[i];
        cli_json_open(json, NULL, '{');
        cli_json_int(json, "row", e->row);
        if (format_row_time(bars, e->row, zone, time)) {
            cli_json_text(json, "time", time);
        } else {
            cli_json_null(json, "time");
        }
        cli_json_text(json, "detail", e->detail);
        cli_json_close(json, '}');
    }
    cli_json_close(json, ']');
    cli_json_close(json, '}');
}

static void json_report(const char *path, const check_bars *bars, const check_report *report,
                        const mbar_zone *zone)
{
    cli_json json;
    cli_json_init(&json, stdout);
    cli_json_open(&json, NULL, '{');
    cli_json_text(&json, "file", path);
    cli_json_int(&json, "rows", bars->n_rows);
    cli_json_int(&json, "period_ns", bars->period_ns);
    cli_json_text(&json, "calendar", report->calendar);
    if (report->tick > 0) {
        cli_json_double(&json, "tick", report->tick);
    } else {
        cli_json_null(&json, "tick");
    }
    cli_json_bool(&json, "tick_inferred", report->tick_inferred);
    cli_json_bool(&json, "clean", report->n_findings == 0);
    cli_json_open(&json, "findings", '[');
    for (int i = 0; i < report->n_findings; i++) {
        json_finding(&json, &report->findings[i], bars, zone);
    }
    cli_json_close(&json, ']');
    cli_json_close(&json, '}');
    cli_json_end_line(&json);
}

/* ---- The verb ------------------------------------------------------------ */

static mbar_status run_checks(const check_bars *bars, const check_limits *limits,
                              check_report *report, mbar_error *error)
{
    static mbar_status (*const CHECKS[])(const check_bars *, const check_limits *, check_report *,
                                         mbar_error *) = {
        check_stamps,
        check_values,
        check_jumps,
        check_volume,
    };
    mbar_status status = MBAR_OK;
    for (size_t i = 0; i < sizeof CHECKS / sizeof CHECKS[0] && status == MBAR_OK; i++) {
        status = CHECKS[i](bars, limits, report, error);
    }
    return status;
}

static int check_file(const char *path, const check_request *request)
{
    check_bars bars;
    check_report *report = NULL;
    mbar_buffer *buffer = NULL;
    mbar_error error;
    mbar_error_init(&error);
    int code = CLI_OK;
    memset(&bars, 0, sizeof bars);
    mbar_status status = mbar_buffer_new(sizeof *report, &buffer, &error);
    if (status == MBAR_OK) {
        report = mbar_buffer_writable(buffer);
        memcpy(report->skip, request->skipped, sizeof report->skip);
        report->max_examples = request->max_examples;
        status = check_bars_init(&bars, path, request, &error);
    }
    if (status == MBAR_OK) {
        status = run_checks(&bars, &request->limits, report, &error);
    }
    if (status == MBAR_OK) {
        (request->as_json ? json_report : print_report)(path, &bars, report, request->limits.zone);
        code = report->n_findings > 0 ? CLI_FINDINGS : CLI_OK;
    } else {
        code = cli_fail(path, &error);
    }
    check_bars_deinit(&bars);
    mbar_buffer_unref(buffer);
    return code;
}

static int check_request_values(check_request *request)
{
    cli_names names;
    if (request->max_examples > CHECK_MAX_EXAMPLES) {
        return cli_usage("check", "--examples cannot be %" PRId64 ": the most is %d",
                         request->max_examples, CHECK_MAX_EXAMPLES);
    }
    if (request->period_text != NULL &&
        !cli_parse_duration(request->period_text, &request->period_ns)) {
        return cli_usage("check",
                         "--period cannot be '%s': it is a whole number and s, m, h or d, as in 1m",
                         request->period_text);
    }
    if (!cli_parse_names(request->skip, &names)) {
        return cli_usage("check", "--skip cannot be '%s': it is kinds joined by commas",
                         request->skip);
    }
    for (int32_t i = 0; i < names.n_names; i++) {
        check_kind kind;
        if (!check_kind_parse(names.names[i], &kind)) {
            return cli_usage("check", "there is no kind '%s': see mbar check --help",
                             names.names[i]);
        }
        request->skipped[kind] = true;
    }
    return CLI_OK;
}

static int check_files(const cli_words *words, check_request *request)
{
    int code = check_request_values(request);
    if (code == CLI_OK) {
        code = cli_open_zone("check", request->zone_name, &request->limits.zone);
    }
    if (code == CLI_OK) {
        code = cli_open_zone("check", "America/New_York", &request->limits.new_york);
    }
    for (int i = 0; i < words->n_words && code != CLI_USAGE && code != CLI_NOMEM; i++) {
        int one = check_file(words->words[i], request);
        code = one > code ? one : code;
    }
    mbar_zone_unref(request->limits.new_york);
    mbar_zone_unref(request->limits.zone);
    return code;
}

static int run(int argc, char **argv)
{
    static const char *const CALENDARS[] = {"auto", "cme", "learned", "none", NULL};
    check_request request = {.max_examples = 3,
                             .limits = {.gap_bars = 5,
                                        .gap_days = 2,
                                        .jump_factor = 7,
                                        .flip_bars = 30,
                                        .spike_z = 12,
                                        .zero_bars = 1}};
    check_limits *limits = &request.limits;
    cli_words words;
    int code;
    const cli_option options[] = {
        {"calendar", 0, CLI_CHOICE, &limits->calendar, "NAME",
         "when bars are expected: auto (default), cme, learned\n(from the file's own days) or "
         "none (always)",
         CALENDARS},
        {"gap", 0, CLI_COUNT, &limits->gap_bars, "N",
         "a gap misses more than N expected bars; default 5", NULL},
        {"gap-days", 0, CLI_COUNT, &limits->gap_days, "N",
         "up to N days on end without a bar are holidays\n(learned calendar, daily bars); default "
         "2",
         NULL},
        {"tick", 0, CLI_NUMBER, &limits->tick, "T",
         "the price step; default the coarsest that 99 of 100\nprices keep", NULL},
        {"jump", 0, CLI_NUMBER, &limits->jump_factor, "X",
         "a jump is beyond X times the range of the bars\naround it; default 7", NULL},
        {"flip-bars", 0, CLI_COUNT, &limits->flip_bars, "N",
         "a jump and its reverse within N bars are contract\nflips; default 30", NULL},
        {"spike", 0, CLI_NUMBER, &limits->spike_z, "Z",
         "a volume spike is beyond Z robust deviations of log\nvolume; default 12", NULL},
        {"zero-run", 0, CLI_COUNT, &limits->zero_bars, "N",
         "runs of at least N bars without volume; default 1", NULL},
        {"skip", 0, CLI_TEXT, &request.skip, "KIND,...", "kinds not to look for", NULL},
        {"time", 0, CLI_TEXT, &request.time_column, "COLUMN",
         "the time column; default as mbar convert", NULL},
        {"period", 0, CLI_TEXT, &request.period_text, "SPAN",
         "length of a bar; default the most common spacing", NULL},
        {"tz", 0, CLI_TEXT, &request.zone_name, "ZONE",
         "show times in this zone, and learn its days; default\nUTC, and New York's days", NULL},
        {"examples", 0, CLI_COUNT, &request.max_examples, "N",
         "rows shown a finding, at most 20; default 3", NULL},
        {"json", 0, CLI_FLAG, &request.as_json, NULL, "one JSON object a line, a line a file",
         NULL},
    };
    int n_options = sizeof options / sizeof options[0];
    if (!cli_parse(&cli_verb_check, options, n_options, argc, argv, 1, INT32_MAX, &words, &code)) {
        return code;
    }
    return check_files(&words, &request);
}

const cli_verb cli_verb_check = {
    .name = "check",
    .summary = "unsorted, missing, doubled, impossible or unlikely bars; exit 1 when any",
    .usage = "[options] FILE...",
    .about = "Looks for: unsorted, duplicate, gap, off-session, null, nan, non-positive,\n"
             "high-low (high below low), outside (open or close outside low to high),\n"
             "off-tick, jump (close to next open: rolls, splits, bad prints), contract-flip\n"
             "(jumps there and back: interleaved contracts), negative-volume, zero-volume,\n"
             "volume-spike. A file with price and no close is one of trades: its stamps may\n"
             "repeat. Stamps without a zone are read as UTC. Exits 1 when anything was found.",
    .example = "mbar check MES.parquet",
    .run = run,
};
