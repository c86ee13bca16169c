/*
 * main.c - the mbar command: finds the verb and runs it.
 *
 * Each verb is a file cmd_NAME.c with a cli_verb; options.c reads their
 * options, output.c and json.c write for people and for programs.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const cli_verb *const VERBS[] = {
    &cli_verb_info,    &cli_verb_head,  &cli_verb_slice, &cli_verb_resample,
    &cli_verb_convert, &cli_verb_check, &cli_verb_synth, &cli_verb_run,
};
enum { N_VERBS = sizeof VERBS / sizeof VERBS[0] };

static int print_help(void)
{
    printf("mbar %s - look into, cut, convert and check market data in Parquet files, and run\n"
           "strategies over it\n\n"
           "usage: mbar VERB [options] FILE...\n\nverbs:\n",
           mbar_version());
    for (int i = 0; i < N_VERBS; i++) {
        printf("  %-9s %s\n", VERBS[i]->name, VERBS[i]->summary);
    }
    printf("\nmbar VERB --help tells a verb's options and an example.\n"
           "mbar --version prints the version.\n\n"
           "exit codes: 0 done, 1 mbar check found something, 2 wrong usage, 3 a file or\n"
           "its data, 4 out of memory, 130 mbar run was stopped by Ctrl-C\n");
    return cli_finish(CLI_OK);
}

/* Edits that turn a into b; words longer than the table count as far apart. */
static int edit_distance(const char *a, const char *b)
{
    enum { MAX = 24 };
    int row[MAX + 1];
    int n = (int)strnlen(b, MAX + 1);
    if (strnlen(a, MAX + 1) > MAX || n > MAX) {
        return MAX;
    }
    for (int j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (int i = 1; a[i - 1] != '\0'; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[n];
}

static int refuse_verb(const char *word)
{
    const cli_verb *nearest = NULL;
    int distance = 3; /* further than two edits is a guess, not a suggestion */
    for (int i = 0; i < N_VERBS; i++) {
        int d = edit_distance(word, VERBS[i]->name);
        if (strncmp(word, VERBS[i]->name, strlen(word)) == 0) {
            d = 0;
        }
        if (d < distance) {
            distance = d;
            nearest = VERBS[i];
        }
    }
    if (nearest != NULL) {
        return cli_usage(NULL, "there is no verb '%s': did you mean '%s'?", word, nearest->name);
    }
    return cli_usage(NULL, "there is no verb '%s': see mbar --help", word);
}

static const cli_verb *find_verb(const char *word)
{
    for (int i = 0; i < N_VERBS; i++) {
        if (strcmp(VERBS[i]->name, word) == 0) {
            return VERBS[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    /* A closed pipe ends us quietly, also where the parent ignores the signal. */
    signal(SIGPIPE, SIG_DFL);
    if (argc < 2 || argv[1][0] == '\0') {
        return cli_usage(NULL, "a verb is missing: see mbar --help");
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        return print_help();
    }
    if (strcmp(word, "--version") == 0) {
        printf("mbar %s\n", mbar_version());
        return cli_finish(CLI_OK);
    }
    if (strcmp(word, "help") == 0) {
        if (argc < 3) {
            return print_help();
        }
        char help[] = "--help";
        char *arguments[] = {argv[2], help, NULL};
        const cli_verb *verb = find_verb(argv[2]);
        return verb != NULL ? cli_finish(verb->run(2, arguments)) : refuse_verb(argv[2]);
    }
    if (word[0] == '-') {
        return cli_usage(NULL, "a verb comes first, not '%s': see mbar --help", word);
    }
    const cli_verb *verb = find_verb(word);
    return verb != NULL ? cli_finish(verb->run(argc - 1, argv + 1)) : refuse_verb(word);
}
