/*
 * expr.c - expression trees: making, sharing, printing, comparing numbers.
 *
 * A tree is immutable once made, so it is shared by reference and walked from
 * any thread. Its depth is bounded where it is built, which bounds every
 * recursion over it.
 */
#include "io/expr_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_DEPTH 500

static mbar_status new_expr(mbar_expr_kind kind, mbar_expr **out, mbar_error *error)
{
    mbar_expr *expr = mbar_alloc(sizeof *expr, error);
    if (expr == NULL) {
        return MBAR_NOMEM;
    }
    atomic_init(&expr->refs, 1);
    expr->kind = kind;
    expr->depth = 1;
    *out = expr;
    return MBAR_OK;
}

static mbar_status new_text(mbar_expr_kind kind, const char *text, mbar_expr **out,
                            mbar_error *error)
{
    assert(text != NULL);
    mbar_expr *expr = NULL;
    mbar_status status = new_expr(kind, &expr, error);
    if (status != MBAR_OK) {
        return status;
    }
    expr->text = mbar_strdup(text, error);
    if (expr->text == NULL) {
        mbar_free(expr);
        return MBAR_NOMEM;
    }
    *out = expr;
    return MBAR_OK;
}

static mbar_status new_integer(mbar_expr_kind kind, int64_t value, mbar_expr **out,
                               mbar_error *error)
{
    mbar_status status = new_expr(kind, out, error);
    if (status == MBAR_OK) {
        (*out)->integer = value;
    }
    return status;
}

mbar_status mbar_expr_column(const char *name, mbar_expr **out, mbar_error *error)
{
    return new_text(MBAR_EXPR_COLUMN, name, out, error);
}

mbar_status mbar_expr_text(const char *value, mbar_expr **out, mbar_error *error)
{
    return new_text(MBAR_EXPR_TEXT, value, out, error);
}

mbar_status mbar_expr_int(int64_t value, mbar_expr **out, mbar_error *error)
{
    return new_integer(MBAR_EXPR_INT, value, out, error);
}

mbar_status mbar_expr_bool(bool value, mbar_expr **out, mbar_error *error)
{
    return new_integer(MBAR_EXPR_BOOL, value, out, error);
}

mbar_status mbar_expr_time(int64_t ns, mbar_expr **out, mbar_error *error)
{
    return new_integer(MBAR_EXPR_TIME, ns, out, error);
}

mbar_status mbar_expr_float(double value, mbar_expr **out, mbar_error *error)
{
    mbar_status status = new_expr(MBAR_EXPR_FLOAT, out, error);
    if (status == MBAR_OK) {
        (*out)->real = value;
    }
    return status;
}

mbar_status mbar_expr_node(mbar_op op, mbar_expr *a, mbar_expr *b, mbar_expr **out,
                           mbar_error *error)
{
    assert(op >= MBAR_OP_ADD && op <= MBAR_OP_IS_NAN && a != NULL);
    assert((b == NULL) == (op >= MBAR_OP_NOT));
    int32_t depth = 1 + (b != NULL && b->depth > a->depth ? b->depth : a->depth);
    if (depth > MAX_DEPTH) {
        return mbar_error_set(error, MBAR_INVALID, "an expression nests deeper than %d levels",
                              MAX_DEPTH);
    }
    mbar_status status = new_expr(MBAR_EXPR_NODE, out, error);
    if (status == MBAR_OK) {
        (*out)->op = op;
        (*out)->a = mbar_expr_ref(a);
        (*out)->b = b != NULL ? mbar_expr_ref(b) : NULL;
        (*out)->depth = depth;
    }
    return status;
}

mbar_expr *mbar_expr_ref(mbar_expr *expr)
{
    atomic_fetch_add_explicit(&expr->refs, 1, memory_order_relaxed);
    return expr;
}

void mbar_expr_unref(mbar_expr *expr)
{
    if (expr == NULL || atomic_fetch_sub_explicit(&expr->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    mbar_expr_unref(expr->a);
    mbar_expr_unref(expr->b);
    mbar_free(expr->text);
    mbar_free(expr);
}

void mbar_expr_each_column(const mbar_expr *expr, void (*fn)(void *ctx, const char *name),
                           void *ctx)
{
    if (expr->kind == MBAR_EXPR_COLUMN) {
        fn(ctx, expr->text);
    }
    if (expr->a != NULL) {
        mbar_expr_each_column(expr->a, fn, ctx);
    }
    if (expr->b != NULL) {
        mbar_expr_each_column(expr->b, fn, ctx);
    }
}

/* ---- Printing ---------------------------------------------------------------- */

typedef struct printer {
    char *out;
    size_t room, n; /* n counts what did not fit, too */
} printer;

static void put(printer *p, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++, p->n++) {
        if (p->n + 1 < p->room) {
            p->out[p->n] = text[i];
        }
    }
}

static void puts_to(printer *p, const char *text)
{
    put(p, text, strlen(text));
}

static void put_quoted(printer *p, const char *text)
{
    put(p, "\"", 1);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            put(p, "\\", 1);
        }
        put(p, text, 1);
    }
    put(p, "\"", 1);
}

/* The shortest of 15 to 17 digits that reads back as the same double. */
static void put_float(printer *p, double value)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        double back = 0;
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (sscanf(text, "%lf", &back) == 1 && back == value) {
            break;
        }
    }
    if (strspn(text, "-0123456789") == strlen(text)) {
        strcat(text, ".0");
    }
    puts_to(p, isnan(value) ? "nan" : text);
}

static const char *op_text(mbar_op op)
{
    static const char *const texts[] = {
        [MBAR_OP_ADD] = " + ",        [MBAR_OP_SUB] = " - ",   [MBAR_OP_MUL] = " * ",
        [MBAR_OP_DIV] = " / ",        [MBAR_OP_EQ] = " == ",   [MBAR_OP_NE] = " != ",
        [MBAR_OP_LT] = " < ",         [MBAR_OP_LE] = " <= ",   [MBAR_OP_GT] = " > ",
        [MBAR_OP_GE] = " >= ",        [MBAR_OP_AND] = " and ", [MBAR_OP_OR] = " or ",
        [MBAR_OP_NOT] = "not ",       [MBAR_OP_NEG] = "-",     [MBAR_OP_IS_NULL] = " is null",
        [MBAR_OP_IS_NAN] = " is nan",
    };
    return texts[op];
}

static void print(printer *p, const mbar_expr *expr)
{
    char text[48];
    switch (expr->kind) {
    case MBAR_EXPR_COLUMN:
        puts_to(p, expr->text);
        return;
    case MBAR_EXPR_TEXT:
        put_quoted(p, expr->text);
        return;
    case MBAR_EXPR_INT:
        snprintf(text, sizeof text, "%lld", (long long)expr->integer);
        puts_to(p, text);
        return;
    case MBAR_EXPR_TIME:
        mbar_time_format(expr->integer, text, sizeof text);
        puts_to(p, text);
        return;
    case MBAR_EXPR_BOOL:
        puts_to(p, expr->integer != 0 ? "true" : "false");
        return;
    case MBAR_EXPR_FLOAT:
        put_float(p, expr->real);
        return;
    case MBAR_EXPR_NODE:
        break;
    }
    bool before = expr->op == MBAR_OP_NOT || expr->op == MBAR_OP_NEG;
    put(p, "(", 1);
    if (before) {
        puts_to(p, op_text(expr->op));
    }
    print(p, expr->a);
    if (!before) {
        puts_to(p, op_text(expr->op));
    }
    if (expr->b != NULL) {
        print(p, expr->b);
    }
    put(p, ")", 1);
}

size_t mbar_expr_format(const mbar_expr *expr, char *out, size_t out_bytes)
{
    printer p = {out, out_bytes, 0};
    print(&p, expr);
    if (out_bytes > 0) {
        out[p.n < out_bytes ? p.n : out_bytes - 1] = '\0';
    }
    return p.n;
}

/* ---- Exact comparison ----------------------------------------------------------- */

int mbar_compare_int_float(int64_t a, double b)
{
    if (isnan(b)) {
        return 2;
    }
    if (b >= 9223372036854775808.0) {
        return -1;
    }
    if (b < -9223372036854775808.0) {
        return 1;
    }
    double whole = trunc(b);
    int64_t c = (int64_t)whole;
    if (a != c) {
        return a < c ? -1 : 1;
    }
    return b > whole ? -1 : b < whole ? 1 : 0;
}

int mbar_compare_uint_float(uint64_t a, double b)
{
    if (isnan(b)) {
        return 2;
    }
    if (b >= 18446744073709551616.0) {
        return -1;
    }
    if (b < 0) {
        return 1;
    }
    double whole = trunc(b);
    uint64_t c = (uint64_t)whole;
    if (a != c) {
        return a < c ? -1 : 1;
    }
    return b > whole ? -1 : 0;
}

bool mbar_op_accepts(mbar_op op, int three_way)
{
    switch (op) {
    case MBAR_OP_EQ:
        return three_way == 0;
    case MBAR_OP_NE:
        return three_way != 0;
    case MBAR_OP_LT:
        return three_way == -1;
    case MBAR_OP_LE:
        return three_way == -1 || three_way == 0;
    case MBAR_OP_GT:
        return three_way == 1;
    default:
        return three_way == 1 || three_way == 0;
    }
}
