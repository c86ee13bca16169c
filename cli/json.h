/*
 * json.h - a JSON writer: one value on one line, written as it is made.
 *
 * The caller opens and closes objects and arrays; commas and keys are placed
 * here. Text is escaped, and bytes that are not UTF-8 become U+FFFD, so that
 * the output always parses. JSON has no NaN or infinity: they are null.
 */
#ifndef MBAR_CLI_JSON_H
#define MBAR_CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CLI_JSON_DEPTH = 16 };

typedef struct cli_json {
    FILE *out;
    int depth;
    bool has_value[CLI_JSON_DEPTH]; /* of the object or array open at this depth */
} cli_json;

void cli_json_init(cli_json *json, FILE *out);
/* Ends the line. Everything opened must be closed. */
void cli_json_end_line(cli_json *json);

/* key is the member's name inside an object, NULL inside an array. */
void cli_json_open(cli_json *json, const char *key, char bracket); /* '{' or '[' */
void cli_json_close(cli_json *json, char bracket);                 /* '}' or ']' */
void cli_json_text(cli_json *json, const char *key, const char *text);
void cli_json_bytes(cli_json *json, const char *key, const char *text, size_t n_bytes);
void cli_json_int(cli_json *json, const char *key, int64_t value);
void cli_json_uint(cli_json *json, const char *key, uint64_t value);
void cli_json_double(cli_json *json, const char *key, double value);
void cli_json_bool(cli_json *json, const char *key, bool value);
void cli_json_null(cli_json *json, const char *key);
/* A number already in JSON's form. */
void cli_json_raw(cli_json *json, const char *key, const char *number);

#endif
