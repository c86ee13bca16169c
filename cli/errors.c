/*
 * errors.c - how the command says that something went wrong.
 *
 * One line on stderr, "mbar: FILE: what (where): remedy", whatever bytes the
 * file's name or the message carry: they may come from a hostile file, so
 * control characters are made visible and never reach a terminal.
 */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "output.h"

static void print_line(const char *subject, const char *message)
{
    fputs("mbar: ", stderr);
    if (subject != NULL && subject[0] != '\0') {
        cli_print_safe(stderr, subject, strlen(subject), 0);
        fputs(": ", stderr);
    }
    cli_print_safe(stderr, message, strlen(message), 0);
    fputc('\n', stderr);
}

static int exit_code(mbar_status status)
{
    if (status == MBAR_OK) {
        return CLI_OK;
    }
    return status == MBAR_NOMEM ? CLI_NOMEM : CLI_FAILED;
}

/* Appends " (byte 12)" unless the message already tells the number. */
static void append_place(char *message, size_t size, const char *what, int64_t value)
{
    char number[32];
    size_t length = strlen(message);
    snprintf(number, sizeof number, "%" PRId64, value);
    if (value >= 0 && strstr(message, number) == NULL) {
        snprintf(message + length, size - length, " (%s %s)", what, number);
    }
}

int cli_fail_hint(const char *file, const mbar_error *error, const char *hint)
{
    char message[sizeof error->message + 192];
    const char *subject = error->file[0] != '\0' ? error->file : file;
    snprintf(message, sizeof message, "%s", error->message);
    append_place(message, sizeof message, "byte", error->offset);
    append_place(message, sizeof message, "row", error->row);
    if (hint != NULL && error->code == MBAR_INVALID) {
        size_t length = strlen(message);
        snprintf(message + length, sizeof message - length, "; %s", hint);
    }
    /* A message that starts with its file's name has said it already. */
    if (subject != NULL && strncmp(message, subject, strlen(subject)) == 0) {
        subject = NULL;
    }
    print_line(subject, message);
    return exit_code(error->code);
}

int cli_fail(const char *file, const mbar_error *error)
{
    return cli_fail_hint(file, error, NULL);
}

int cli_usage(const char *verb, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    print_line(verb, message);
    return CLI_USAGE;
}

int cli_finish(int code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        /* A reader that has seen enough (head, less) is no error. */
        if (errno != EPIPE) {
            char message[256];
            snprintf(message, sizeof message, "cannot write: %s: free space or write elsewhere",
                     strerror(errno));
            print_line("standard output", message);
            return CLI_FAILED;
        }
    }
    return code;
}
