/*
 * options.h - a verb's options: a table of typed options, read by getopt_long,
 * from which --help is printed too.
 */
#ifndef MBAR_CLI_OPTIONS_H
#define MBAR_CLI_OPTIONS_H

#include "cli.h"

typedef enum cli_kind {
    CLI_FLAG = 0, /* bool */
    CLI_TEXT,     /* const char * */
    CLI_COUNT,    /* int64_t, >= 0 */
    CLI_NUMBER,   /* double, finite and > 0 */
    CLI_CHOICE,   /* int: the index in choices */
    CLI_LIST      /* cli_list: may be given again and again */
} cli_kind;

enum { CLI_MAX_LIST = 64 };
typedef struct cli_list {
    const char *items[CLI_MAX_LIST];
    int n;
} cli_list;

typedef struct cli_option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    cli_kind kind;
    void *value;          /* of the kind's type; keeps its default when not given */
    const char *argument; /* "N", as --help shows it; NULL for a flag */
    const char *help;
    const char *const *choices; /* CLI_CHOICE: NULL-terminated */
} cli_option;

/* The words after the options. */
typedef struct cli_words {
    char **words;
    int n_words;
} cli_words;

/*
 * Reads argv (argv[0] is the verb) into the options' values. Every verb also
 * knows --help and --memory-limit. False when there is nothing left to do:
 * *code then is the exit code (CLI_OK after --help, CLI_USAGE after a message).
 * At least min_words and at most max_words words must remain.
 */
bool cli_parse(const cli_verb *verb, const cli_option *options, int n_options, int argc,
               char **argv, int min_words, int max_words, cli_words *words, int *code);

/* ---- Values -------------------------------------------------------------- */

/* "1m", "15m", "2h", "1d", "30s": a whole number of steps. */
bool cli_parse_every(const char *text, int64_t *every, mbar_step *step);
/* The same as nanoseconds. */
bool cli_parse_duration(const char *text, int64_t *ns);
/* An instant; one without an offset is a wall clock of zone (NULL: UTC). */
bool cli_parse_instant(const char *text, const mbar_zone *zone, int64_t *ns, mbar_error *error);

/* "a,b,c" cut at the commas; names point into storage. */
enum { CLI_MAX_NAMES = 256 };
typedef struct cli_names {
    const char *names[CLI_MAX_NAMES];
    int32_t n_names;
    char storage[8192];
} cli_names;
/* False when a name is empty or there are too many. text NULL gives none. */
bool cli_parse_names(const char *text, cli_names *out);

/* Opens the zone called name (NULL: *out stays NULL); says what is wrong and
 * gives an exit code other than CLI_OK when there is none of that name. */
int cli_open_zone(const char *verb, const char *name, mbar_zone **out);

/* The span [from, to) of two texts, either of which may be NULL (open). */
int cli_parse_span(const char *verb, const char *from, const char *to, const mbar_zone *zone,
                   int64_t *from_ns, int64_t *to_ns);

#endif
