/*
 * cli.h - what every file of the mbar command shares.
 *
 * The command is a client of the public API and of nothing else of the
 * library. Its own names start with cli_, so that an mbar_ name in this folder
 * is always the library's.
 */
#ifndef MBAR_CLI_H
#define MBAR_CLI_H

#include <millibar/millibar.h>

/* Exit codes; `mbar --help` and docs/mbar.md tell them to users. */
enum {
    CLI_OK = 0,
    CLI_FINDINGS = 1, /* mbar check found something */
    CLI_USAGE = 2,    /* the command line is wrong */
    CLI_FAILED = 3,   /* a file or its data */
    CLI_NOMEM = 4,    /* out of memory, or past --memory-limit */
    CLI_STOPPED = 130 /* mbar run: by Ctrl-C, as shells count it */
};

typedef struct cli_verb {
    const char *name;
    const char *summary; /* one line, for `mbar --help` */
    const char *usage;   /* arguments after the verb */
    const char *about;   /* paragraphs, wrapped by hand */
    const char *example; /* lines that start with "mbar "; a test runs them */
    int (*run)(int argc, char **argv);
} cli_verb;

extern const cli_verb cli_verb_info;
extern const cli_verb cli_verb_head;
extern const cli_verb cli_verb_slice;
extern const cli_verb cli_verb_resample;
extern const cli_verb cli_verb_convert;
extern const cli_verb cli_verb_check;
extern const cli_verb cli_verb_synth;
extern const cli_verb cli_verb_run;

/* ---- Errors: one line on stderr ------------------------------------------ */

/* "mbar: FILE: message"; file may be NULL. Gives the exit code of the error's
 * status. */
int cli_fail(const char *file, const mbar_error *error);
/* The same; where the data broke a rule (MBAR_INVALID), hint tells the option
 * that helps. */
int cli_fail_hint(const char *file, const mbar_error *error, const char *hint);
/* "mbar: VERB: message"; gives CLI_USAGE. */
int cli_usage(const char *verb, const char *format, ...) MBAR_PRINTF(2, 3);

/* Flushes stdout; CLI_FAILED with a message when what was written there did
 * not arrive, otherwise code. */
int cli_finish(int code);

#endif
