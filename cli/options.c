/*
 * options.c - reads a verb's options with getopt_long and prints its --help.
 *
 * The table of options is the only place where an option is named, so help and
 * behaviour cannot differ. Every message is one line and ends with the remedy.
 * cli_parse may be called once in a process: getopt keeps its place in globals.
 */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = 30, VALUE_HELP = 1000, VALUE_LIMIT };

/* ---- Help ---------------------------------------------------------------- */

static void print_option(const char *name, char letter, const char *argument, const char *help)
{
    char left[64];
    int n = letter != 0 ? snprintf(left, sizeof left, "-%c, --%s", letter, name)
                        : snprintf(left, sizeof left, "    --%s", name);
    if (argument != NULL && n > 0 && (size_t)n < sizeof left) {
        snprintf(left + n, sizeof left - (size_t)n, " %s", argument);
    }
    printf("  %-26s ", left);
    /* A help text may run over several lines; they go under the first. */
    for (const char *line = help; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        printf("%s%.*s\n", line == help ? "" : "                             ", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static void print_help(const cli_verb *verb, const cli_option *options, int n_options)
{
    printf("usage: mbar %s %s\n\n%s\n\noptions:\n", verb->name, verb->usage, verb->about);
    for (int i = 0; i < n_options; i++) {
        print_option(options[i].name, options[i].letter, options[i].argument, options[i].help);
    }
    print_option("memory-limit", 0, "SIZE", "give up beyond this much memory: 512M, 2G");
    print_option("help", 'h', NULL, "print this and stop");
    printf("\nexample:\n");
    for (const char *line = verb->example; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        printf("  %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    printf("\nexit codes: 0 done,%s 2 wrong usage, 3 a file or its data, 4 out of memory%s\n",
           strcmp(verb->name, "check") == 0 ? " 1 findings," : "",
           strcmp(verb->name, "run") == 0 ? ",\n130 stopped by Ctrl-C, what there was is written"
                                          : "");
}

/* ---- Values -------------------------------------------------------------- */

static bool parse_count(const char *text, int64_t *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0') {
        return false;
    }
    *out = value;
    return true;
}

static bool parse_number(const char *text, double *out)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value) || value <= 0) {
        return false;
    }
    *out = value;
    return true;
}

/* "512M": a number and K, M, G or T (powers of 1024). */
static bool parse_size(const char *text, size_t *out)
{
    static const char UNITS[] = "KMGT";
    char *end;
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = 0;
    if (*end != '\0') {
        const char *unit = strchr(UNITS, *end);
        if (unit == NULL || end[1] != '\0') {
            return false;
        }
        shift = 10 * (unsigned)(unit - UNITS + 1);
    }
    if (errno != 0 || value == 0 || value > (SIZE_MAX >> shift)) {
        return false;
    }
    *out = (size_t)value << shift;
    return true;
}

static int refuse_choice(const char *verb, const cli_option *option, const char *text)
{
    char all[256] = "";
    for (int i = 0; option->choices[i] != NULL; i++) {
        size_t length = strlen(all);
        snprintf(all + length, sizeof all - length, "%s%s", i > 0 ? ", " : "", option->choices[i]);
    }
    return cli_usage(verb, "--%s cannot be '%s': it is one of %s", option->name, text, all);
}

static int append_value(const char *verb, const cli_option *option, const char *text)
{
    cli_list *list = option->value;
    if (list->n == CLI_MAX_LIST) {
        return cli_usage(verb, "--%s is given more than %d times: give fewer", option->name,
                         CLI_MAX_LIST);
    }
    list->items[list->n++] = text;
    return CLI_OK;
}

static int set_value(const char *verb, const cli_option *option, const char *text)
{
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)option->value = true;
        return CLI_OK;
    case CLI_TEXT:
        *(const char **)option->value = text;
        return CLI_OK;
    case CLI_COUNT:
        if (parse_count(text, option->value)) {
            return CLI_OK;
        }
        return cli_usage(verb, "--%s cannot be '%s': it is a whole number, 0 or more", option->name,
                         text);
    case CLI_NUMBER:
        if (parse_number(text, option->value)) {
            return CLI_OK;
        }
        return cli_usage(verb, "--%s cannot be '%s': it is a number above 0", option->name, text);
    case CLI_CHOICE:
        for (int i = 0; option->choices[i] != NULL; i++) {
            if (strcmp(option->choices[i], text) == 0) {
                *(int *)option->value = i;
                return CLI_OK;
            }
        }
        return refuse_choice(verb, option, text);
    case CLI_LIST:
        return append_value(verb, option, text);
    }
    assert(!"an option of a kind that is none");
    return CLI_USAGE;
}

/* ---- getopt -------------------------------------------------------------- */

typedef struct tables {
    struct option longs[MAX_OPTIONS + 3];
    char shorts[2 * MAX_OPTIONS + 8];
} tables;

static void fill_tables(tables *t, const cli_option *options, int n_options)
{
    char *s = t->shorts;
    memset(t, 0, sizeof *t);
    *s++ = ':'; /* a missing argument is told from an unknown option */
    *s++ = 'h';
    for (int i = 0; i < n_options; i++) {
        bool has_argument = options[i].kind != CLI_FLAG;
        t->longs[i].name = options[i].name;
        t->longs[i].has_arg = has_argument ? required_argument : no_argument;
        t->longs[i].val = VALUE_LIMIT + 1 + i;
        if (options[i].letter != 0) {
            *s++ = options[i].letter;
            if (has_argument) {
                *s++ = ':';
            }
        }
    }
    t->longs[n_options] = (struct option){"help", no_argument, NULL, VALUE_HELP};
    t->longs[n_options + 1] = (struct option){"memory-limit", required_argument, NULL, VALUE_LIMIT};
}

static const cli_option *option_of(const cli_option *options, int n_options, int value)
{
    for (int i = 0; i < n_options; i++) {
        if (value == VALUE_LIMIT + 1 + i ||
            (options[i].letter != 0 && value == options[i].letter)) {
            return &options[i];
        }
    }
    return NULL;
}

static int refuse_option(const char *verb, int value, char **argv)
{
    if (value == ':') {
        return cli_usage(verb, "%s wants a value: see mbar %s --help", argv[optind - 1], verb);
    }
    if (optopt != 0 && optopt < VALUE_HELP) {
        return cli_usage(verb, "there is no option -%c: see mbar %s --help", optopt, verb);
    }
    return cli_usage(verb, "there is no option %s: see mbar %s --help", argv[optind - 1], verb);
}

static int set_limit(const char *verb, const char *text)
{
    size_t limit;
    if (!parse_size(text, &limit)) {
        return cli_usage(verb, "--memory-limit cannot be '%s': it is a size such as 512M or 2G",
                         text);
    }
    mbar_set_memory_limit(limit);
    return CLI_OK;
}

static int check_words(const cli_verb *verb, const cli_words *words, int min_words, int max_words)
{
    if (words->n_words < min_words) {
        return cli_usage(verb->name, "a file is missing: usage: mbar %s %s", verb->name,
                         verb->usage);
    }
    if (words->n_words > max_words) {
        return cli_usage(verb->name, "'%s' is one word too many: usage: mbar %s %s",
                         words->words[max_words], verb->name, verb->usage);
    }
    return CLI_OK;
}

bool cli_parse(const cli_verb *verb, const cli_option *options, int n_options, int argc,
               char **argv, int min_words, int max_words, cli_words *words, int *code)
{
    tables t;
    int value;
    assert(n_options <= MAX_OPTIONS);
    fill_tables(&t, options, n_options);
    opterr = 0;
    while ((value = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
        const cli_option *option = option_of(options, n_options, value);
        if (value == VALUE_HELP || value == 'h') {
            print_help(verb, options, n_options);
            *code = CLI_OK;
            return false;
        }
        if (value == VALUE_LIMIT) {
            *code = set_limit(verb->name, optarg);
        } else if (option != NULL) {
            *code = set_value(verb->name, option, optarg);
        } else {
            *code = refuse_option(verb->name, value, argv);
        }
        if (*code != CLI_OK) {
            return false;
        }
    }
    words->words = argv + optind;
    words->n_words = argc - optind;
    *code = check_words(verb, words, min_words, max_words);
    return *code == CLI_OK;
}

/* ---- Times, names, zones ------------------------------------------------- */

bool cli_parse_every(const char *text, int64_t *every, mbar_step *step)
{
    static const struct {
        const char *name;
        mbar_step step;
    } UNITS[] = {
        {"s", MBAR_STEP_SECOND}, {"m", MBAR_STEP_MINUTE}, {"min", MBAR_STEP_MINUTE},
        {"h", MBAR_STEP_HOUR},   {"d", MBAR_STEP_DAY},
    };
    char *end;
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || value < 1) {
        return false;
    }
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        /* Beyond a hundred years no period means anything, and sums stay in range. */
        if (strcmp(end, UNITS[i].name) == 0 &&
            value <= 36525 * MBAR_DAY_NS / mbar_step_ns(UNITS[i].step)) {
            *every = value;
            *step = UNITS[i].step;
            return true;
        }
    }
    return false;
}

bool cli_parse_duration(const char *text, int64_t *ns)
{
    int64_t every;
    mbar_step step;
    if (!cli_parse_every(text, &every, &step)) {
        return false;
    }
    *ns = every * mbar_step_ns(step);
    return true;
}

bool cli_parse_instant(const char *text, const mbar_zone *zone, int64_t *ns, mbar_error *error)
{
    int64_t value;
    bool has_offset;
    if (mbar_time_parse(text, &value, &has_offset, error) != MBAR_OK) {
        return false;
    }
    if (!has_offset && zone != NULL &&
        mbar_zone_from_local(zone, value, MBAR_FOLD_EARLIER, &value, error) != MBAR_OK) {
        return false;
    }
    *ns = value;
    return true;
}

bool cli_parse_names(const char *text, cli_names *out)
{
    out->n_names = 0;
    if (text == NULL) {
        return true;
    }
    if (strlen(text) >= sizeof out->storage) {
        return false;
    }
    strcpy(out->storage, text);
    char *name = out->storage;
    for (;;) {
        char *comma = strchr(name, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        if (name[0] == '\0' || out->n_names == CLI_MAX_NAMES) {
            return false;
        }
        out->names[out->n_names++] = name;
        if (comma == NULL) {
            return true;
        }
        name = comma + 1;
    }
}

int cli_open_zone(const char *verb, const char *name, mbar_zone **out)
{
    mbar_error error;
    mbar_error_init(&error);
    *out = NULL;
    if (name == NULL || mbar_zone_open(name, out, &error) == MBAR_OK) {
        return CLI_OK;
    }
    if (error.code == MBAR_NOMEM || error.code == MBAR_FORMAT) {
        return cli_fail(NULL, &error);
    }
    return cli_usage(verb, "%s", error.message);
}

int cli_parse_span(const char *verb, const char *from, const char *to, const mbar_zone *zone,
                   int64_t *from_ns, int64_t *to_ns)
{
    mbar_error error;
    mbar_error_init(&error);
    *from_ns = INT64_MIN;
    *to_ns = INT64_MAX;
    if (from != NULL && !cli_parse_instant(from, zone, from_ns, &error)) {
        return cli_usage(verb, "--from: %s", error.message);
    }
    if (to != NULL && !cli_parse_instant(to, zone, to_ns, &error)) {
        return cli_usage(verb, "--to: %s", error.message);
    }
    if (*from_ns >= *to_ns) {
        return cli_usage(verb, "--from %s is not before --to %s: the span [from, to) is empty",
                         from, to);
    }
    return CLI_OK;
}
