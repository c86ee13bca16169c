/*
 * filter.c - predicates as text: a recursive descent over
 *
 *   or      = and { "or" and }
 *   and     = not { "and" not }
 *   not     = "not" not | compare
 *   compare = sum [ ( "<" | "<=" | ">" | ">=" | "=" | "==" | "!=" | "<>" ) sum ]
 *   sum     = product { ( "+" | "-" ) product }
 *   product = unary { ( "*" | "/" ) unary }
 *   unary   = "-" unary | primary
 *   primary = number | 'text' | "true" | "false" | column | "(" or ")"
 *           | ( "is_null" | "is_nan" ) "(" or ")"
 *
 * Every function gives NULL after the first error, which `reader` remembers;
 * an expression handed to combine() is consumed whatever happens.
 */
#include "filter.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_DEPTH = 100, MAX_WORD = 256, MAX_TEXT = 4096 };

typedef struct reader {
    const char *text;
    const char *at;
    int depth;
    mbar_error *error;
} reader;

static mbar_expr *parse_or(reader *in);

static mbar_expr *wrong(reader *in, const char *expected)
{
    mbar_error_set(in->error, MBAR_INVALID, "filter, column %d: expected %s",
                   (int)(in->at - in->text) + 1, expected);
    return NULL;
}

/* Makes op(a, b) and lets go of a and b. b NULL for unary operators. */
static mbar_expr *combine(reader *in, mbar_op op, mbar_expr *a, mbar_expr *b)
{
    mbar_expr *node = NULL;
    if (mbar_expr_node(op, a, b, &node, in->error) != MBAR_OK) {
        node = NULL;
    }
    mbar_expr_unref(a);
    mbar_expr_unref(b);
    return node;
}

/* ---- Tokens -------------------------------------------------------------- */

static void skip_blanks(reader *in)
{
    in->at += strspn(in->at, " \t\r\n");
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || (unsigned char)c >= 0x80;
}

static size_t name_length(const char *at)
{
    size_t n = 0;
    if (at[0] >= '0' && at[0] <= '9') {
        return 0;
    }
    while (is_name_character(at[n])) {
        n++;
    }
    return n;
}

static bool take_word(reader *in, const char *word)
{
    skip_blanks(in);
    size_t n = name_length(in->at);
    if (n != strlen(word) || strncasecmp(in->at, word, n) != 0) {
        return false;
    }
    in->at += n;
    return true;
}

static bool take_sign(reader *in, const char *sign)
{
    skip_blanks(in);
    if (strncmp(in->at, sign, strlen(sign)) != 0) {
        return false;
    }
    in->at += strlen(sign);
    return true;
}

/* Up to the quote that closes; a doubled quote stands for one. */
static bool take_quoted(reader *in, char quote, char out[MAX_WORD])
{
    size_t n = 0;
    in->at++;
    for (;;) {
        if (*in->at == '\0' || n == MAX_WORD - 1) {
            wrong(in, *in->at == '\0' ? "a closing quote" : "a shorter text");
            return false;
        }
        if (*in->at == quote) {
            if (in->at[1] != quote) {
                break;
            }
            in->at++;
        }
        out[n++] = *in->at++;
    }
    in->at++;
    out[n] = '\0';
    return true;
}

/* ---- Values -------------------------------------------------------------- */

static mbar_expr *parse_number(reader *in)
{
    char *end_int, *end_float;
    mbar_expr *out = NULL;
    errno = 0;
    long long integer = strtoll(in->at, &end_int, 10);
    bool fits = errno == 0;
    double real = strtod(in->at, &end_float);
    mbar_status status;
    size_t length = strspn(in->at, "0123456789.eE+-"); /* strtod also reads 0x10 and inf */
    if (end_float == in->at || end_float > in->at + length || is_name_character(*end_float)) {
        return wrong(in, "a number, a column, 'text' or (");
    }
    if (isinf(real)) {
        return wrong(in, "a number that a double can hold");
    }
    if (end_int == end_float && fits) {
        status = mbar_expr_int(integer, &out, in->error);
    } else {
        status = mbar_expr_float(real, &out, in->error);
    }
    in->at = end_float;
    return status == MBAR_OK ? out : NULL;
}

static mbar_expr *parse_text(reader *in)
{
    char word[MAX_WORD];
    mbar_expr *out = NULL;
    char quote = *in->at;
    if (!take_quoted(in, quote, word)) {
        return NULL;
    }
    mbar_status status = quote == '\'' ? mbar_expr_text(word, &out, in->error)
                                       : mbar_expr_column(word, &out, in->error);
    return status == MBAR_OK ? out : NULL;
}

static mbar_expr *parse_column(reader *in, size_t length)
{
    char word[MAX_WORD];
    mbar_expr *out = NULL;
    if (length >= sizeof word) {
        return wrong(in, "a shorter column name");
    }
    memcpy(word, in->at, length);
    word[length] = '\0';
    in->at += length;
    return mbar_expr_column(word, &out, in->error) == MBAR_OK ? out : NULL;
}

/* "( or )"; the opening one may have been taken by the caller's sign. */
static mbar_expr *parse_group(reader *in)
{
    if (!take_sign(in, "(")) {
        return wrong(in, "(");
    }
    mbar_expr *inner = parse_or(in);
    if (inner != NULL && !take_sign(in, ")")) {
        mbar_expr_unref(inner);
        return wrong(in, ")");
    }
    return inner;
}

static mbar_expr *parse_call(reader *in, mbar_op op)
{
    mbar_expr *inner = parse_group(in);
    return inner != NULL ? combine(in, op, inner, NULL) : NULL;
}

static mbar_expr *parse_primary(reader *in)
{
    mbar_expr *out = NULL;
    skip_blanks(in);
    if (*in->at == '(') {
        return parse_group(in);
    }
    if (*in->at == '\'' || *in->at == '"') {
        return parse_text(in);
    }
    if (take_word(in, "true")) {
        return mbar_expr_bool(true, &out, in->error) == MBAR_OK ? out : NULL;
    }
    if (take_word(in, "false")) {
        return mbar_expr_bool(false, &out, in->error) == MBAR_OK ? out : NULL;
    }
    if (take_word(in, "is_null")) {
        return parse_call(in, MBAR_OP_IS_NULL);
    }
    if (take_word(in, "is_nan")) {
        return parse_call(in, MBAR_OP_IS_NAN);
    }
    size_t length = name_length(in->at);
    return length > 0 && in->at[0] != '.' ? parse_column(in, length) : parse_number(in);
}

/* ---- Operators ----------------------------------------------------------- */

typedef struct sign {
    const char *text;
    mbar_op op;
} sign;

static mbar_expr *parse_unary(reader *in)
{
    if (++in->depth > MAX_DEPTH) {
        return wrong(in, "less nesting");
    }
    mbar_expr *out;
    skip_blanks(in);
    if (in->at[0] == '-' && in->at[1] >= '0' && in->at[1] <= '9') {
        out = parse_number(in);
    } else if (take_sign(in, "-")) {
        mbar_expr *inner = parse_unary(in);
        out = inner != NULL ? combine(in, MBAR_OP_NEG, inner, NULL) : NULL;
    } else {
        out = parse_primary(in);
    }
    in->depth--;
    return out;
}

static const sign *take_any(reader *in, const sign *signs)
{
    for (; signs->text != NULL; signs++) {
        if (take_sign(in, signs->text)) {
            return signs;
        }
    }
    return NULL;
}

/* next { sign next }, grouped from the left. */
static mbar_expr *parse_chain(reader *in, const sign *signs, mbar_expr *(*next)(reader *))
{
    mbar_expr *left = next(in);
    const sign *found;
    while (left != NULL && (found = take_any(in, signs)) != NULL) {
        mbar_expr *right = next(in);
        if (right == NULL) {
            mbar_expr_unref(left);
            return NULL;
        }
        left = combine(in, found->op, left, right);
    }
    return left;
}

static mbar_expr *parse_product(reader *in)
{
    static const sign SIGNS[] = {{"*", MBAR_OP_MUL}, {"/", MBAR_OP_DIV}, {NULL, 0}};
    return parse_chain(in, SIGNS, parse_unary);
}

static mbar_expr *parse_sum(reader *in)
{
    static const sign SIGNS[] = {{"+", MBAR_OP_ADD}, {"-", MBAR_OP_SUB}, {NULL, 0}};
    return parse_chain(in, SIGNS, parse_product);
}

static mbar_expr *parse_compare(reader *in)
{
    static const sign SIGNS[] = {{"<=", MBAR_OP_LE}, {">=", MBAR_OP_GE}, {"<>", MBAR_OP_NE},
                                 {"!=", MBAR_OP_NE}, {"==", MBAR_OP_EQ}, {"<", MBAR_OP_LT},
                                 {">", MBAR_OP_GT},  {"=", MBAR_OP_EQ},  {NULL, 0}};
    mbar_expr *left = parse_sum(in);
    const sign *found = left != NULL ? take_any(in, SIGNS) : NULL;
    if (found == NULL) {
        return left;
    }
    mbar_expr *right = parse_sum(in);
    if (right == NULL) {
        mbar_expr_unref(left);
        return NULL;
    }
    return combine(in, found->op, left, right);
}

static mbar_expr *parse_not(reader *in)
{
    if (!take_word(in, "not")) {
        return parse_compare(in);
    }
    if (++in->depth > MAX_DEPTH) {
        return wrong(in, "less nesting");
    }
    mbar_expr *inner = parse_not(in);
    in->depth--;
    return inner != NULL ? combine(in, MBAR_OP_NOT, inner, NULL) : NULL;
}

/* next { word next }, grouped from the left. */
static mbar_expr *parse_words(reader *in, const char *word, mbar_op op,
                              mbar_expr *(*next)(reader *))
{
    mbar_expr *left = next(in);
    while (left != NULL && take_word(in, word)) {
        mbar_expr *right = next(in);
        if (right == NULL) {
            mbar_expr_unref(left);
            return NULL;
        }
        left = combine(in, op, left, right);
    }
    return left;
}

static mbar_expr *parse_and(reader *in)
{
    return parse_words(in, "and", MBAR_OP_AND, parse_not);
}

static mbar_expr *parse_or(reader *in)
{
    return parse_words(in, "or", MBAR_OP_OR, parse_and);
}

/* ---- The door ------------------------------------------------------------ */

mbar_status cli_filter_parse(const char *text, mbar_expr **out, mbar_error *error)
{
    mbar_error own;
    mbar_error_init(&own);
    if (strlen(text) > MAX_TEXT) { /* bounds the depth of the tree as well */
        return mbar_error_set(error, MBAR_INVALID, "filter: longer than %d bytes: shorten it",
                              MAX_TEXT);
    }
    reader in = {text, text, 0, &own};
    mbar_expr *expr = parse_or(&in);
    skip_blanks(&in);
    if (expr != NULL && *in.at != '\0') {
        mbar_expr_unref(expr);
        expr = wrong(&in, "and, or, or the end");
    }
    if (expr == NULL) {
        return mbar_error_set(error, own.code, "%s", own.message);
    }
    *out = expr;
    return MBAR_OK;
}

int cli_open_filter(const char *verb, const char *text, mbar_expr **out)
{
    mbar_error error;
    mbar_error_init(&error);
    *out = NULL;
    if (text == NULL || cli_filter_parse(text, out, &error) == MBAR_OK) {
        return CLI_OK;
    }
    return error.code == MBAR_NOMEM ? cli_fail(NULL, &error)
                                    : cli_usage(verb, "--%s", error.message);
}
