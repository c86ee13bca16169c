/* json.c - the JSON writer of json.h. Nothing is held back: each call writes. */
#include "json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "output.h"

void cli_json_init(cli_json *json, FILE *out)
{
    memset(json, 0, sizeof *json);
    json->out = out;
}

void cli_json_end_line(cli_json *json)
{
    assert(json->depth == 0);
    fputc('\n', json->out);
    json->has_value[0] = false;
}

/* ASCII that stands for itself in a JSON text. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
}

static void put_escaped(FILE *out, unsigned char c)
{
    static const char NAMED[] = "\b\f\n\r\t\"\\";
    static const char LETTERS[] = "bfnrt\"\\";
    const char *at = c != '\0' ? strchr(NAMED, c) : NULL;
    if (at != NULL) {
        fputc('\\', out);
        fputc(LETTERS[at - NAMED], out);
    } else {
        fprintf(out, "\\u%04x", c);
    }
}

static void put_text(FILE *out, const char *text, size_t n_bytes)
{
    size_t written = 0; /* what stands before it is out */
    fputc('"', out);
    for (size_t i = 0; i < n_bytes;) {
        size_t length = cli_utf8_length(text + i, n_bytes - i);
        unsigned char c = (unsigned char)text[i];
        if (length > 1 || (length == 1 && is_plain(c))) {
            i += length;
            continue;
        }
        fwrite(text + written, 1, i - written, out);
        if (length == 1) {
            put_escaped(out, c);
        } else {
            fputs("\xEF\xBF\xBD", out); /* U+FFFD */
        }
        written = ++i;
    }
    fwrite(text + written, 1, n_bytes - written, out);
    fputc('"', out);
}

/* The comma before a value, and its key. */
static void begin_value(cli_json *json, const char *key)
{
    if (json->has_value[json->depth]) {
        fputc(',', json->out);
    }
    json->has_value[json->depth] = true;
    if (key != NULL) {
        put_text(json->out, key, strlen(key));
        fputc(':', json->out);
    }
}

void cli_json_open(cli_json *json, const char *key, char bracket)
{
    assert((bracket == '{' || bracket == '[') && json->depth + 1 < CLI_JSON_DEPTH);
    begin_value(json, key);
    fputc(bracket, json->out);
    json->has_value[++json->depth] = false;
}

void cli_json_close(cli_json *json, char bracket)
{
    assert((bracket == '}' || bracket == ']') && json->depth > 0);
    fputc(bracket, json->out);
    json->depth--;
}

void cli_json_bytes(cli_json *json, const char *key, const char *text, size_t n_bytes)
{
    begin_value(json, key);
    put_text(json->out, text, n_bytes);
}

void cli_json_text(cli_json *json, const char *key, const char *text)
{
    cli_json_bytes(json, key, text, strlen(text));
}

void cli_json_raw(cli_json *json, const char *key, const char *number)
{
    begin_value(json, key);
    fputs(number, json->out);
}

void cli_json_int(cli_json *json, const char *key, int64_t value)
{
    begin_value(json, key);
    fprintf(json->out, "%" PRId64, value);
}

void cli_json_uint(cli_json *json, const char *key, uint64_t value)
{
    begin_value(json, key);
    fprintf(json->out, "%" PRIu64, value);
}

void cli_json_double(cli_json *json, const char *key, double value)
{
    char text[CLI_VALUE_BYTES];
    if (!isfinite(value)) {
        cli_json_null(json, key);
        return;
    }
    cli_format_double(value, text);
    cli_json_raw(json, key, text);
}

void cli_json_bool(cli_json *json, const char *key, bool value)
{
    cli_json_raw(json, key, value ? "true" : "false");
}

void cli_json_null(cli_json *json, const char *key)
{
    cli_json_raw(json, key, "null");
}
