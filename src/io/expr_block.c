/*
 * expr_block.c - the values of an expression's steps for one block of rows.
 *
 * Numbers of different types compare exactly, never by rounding one to the other;
 * so do times of different units. Integer arithmetic that passes int64 is an error
 * naming the row, not a wrapped value. A value under a null is calculated where
 * that is harmless, and masked; false stands under a null truth.
 *
 * The usual cases - numbers of one type, floats - are loops without a branch, which
 * the compiler turns into vector code; the rest goes value by value. Columns whose
 * values are cells as they lie are not copied, and where nothing may be null no
 * validity is kept.
 *
 * Cost: O(rows * nodes), under a nanosecond a row and node for the loops, ten for
 * the rest.
 */
#include "io/expr_steps.h"

#include "base/checked.h"
#include "table/bitmap.h"

#include <math.h>
#include <string.h>

/* ---- Nulls --------------------------------------------------------------------------- */

/* Where nothing is null. */
static const uint8_t *validity_of(const mbar_expr_step *s)
{
    static const uint8_t all[MBAR_EXPR_BLOCK] = {[0 ... MBAR_EXPR_BLOCK - 1] = 1};
    return s->valid != NULL ? s->valid : all;
}

/* Null where an argument is. */
static void join_validity(mbar_expr_step *s, const mbar_expr_step *a, const mbar_expr_step *b,
                          int64_t n)
{
    if (s->valid == NULL) {
        return;
    }
    const uint8_t *restrict x = validity_of(a), *restrict y = validity_of(b);
    for (int64_t i = 0; i < n; i++) {
        s->valid[i] = x[i] & y[i];
    }
}

/* false under a null. */
static void mask(mbar_expr_step *s, int64_t n)
{
    for (int64_t i = 0; i < n && s->valid != NULL; i++) {
        s->truths[i] &= s->valid[i];
    }
}

/* ---- Leaves ------------------------------------------------------------------------ */

static void load_numbers(mbar_expr_step *s, int64_t first, int64_t n)
{
    const void *values = mbar_column_values(s->column);
    mbar_expr_cell *to = s->own;
    switch (mbar_column_field(s->column)->type) {
    case MBAR_TYPE_INT32:
        for (int64_t i = 0; i < n; i++) {
            to[i].i = ((const int32_t *)values)[first + i];
        }
        break;
    case MBAR_TYPE_FLOAT32:
        for (int64_t i = 0; i < n; i++) {
            to[i].d = (double)((const float *)values)[first + i];
        }
        break;
    default:
        s->cells = (const mbar_expr_cell *)values + first;
    }
}

static void load_column(mbar_expr_step *s, int64_t first, int64_t n)
{
    int64_t offset = 0;
    const uint8_t *bits = mbar_column_validity(s->column, &offset);
    for (int64_t i = 0; i < n && s->valid != NULL; i++) {
        s->valid[i] = mbar_bit_get(bits, offset + first + i);
    }
    if (s->type == K_BOOL) {
        for (int64_t i = 0; i < n; i++) {
            s->truths[i] = mbar_column_bool(s->column, first + i);
        }
        mask(s, n);
    } else if (s->type == K_TEXT) {
        for (int64_t i = 0; i < n; i++) {
            s->texts[i].data = mbar_column_text(s->column, first + i, &s->texts[i].n_bytes);
        }
    } else {
        load_numbers(s, first, n);
    }
}

/* The number of a literal as what its step says it is. */
static mbar_expr_cell literal_cell(const mbar_expr_step *s)
{
    const mbar_expr *expr = s->expr;
    bool is_real = expr->kind == MBAR_EXPR_FLOAT;
    if (s->type == K_FLOAT) {
        return (mbar_expr_cell){.d = is_real ? expr->real : (double)expr->integer};
    }
    return (mbar_expr_cell){.i = is_real ? (int64_t)expr->real : expr->integer};
}

static void load_literal(mbar_expr_step *s)
{
    const mbar_expr *expr = s->expr;
    size_t n_bytes = s->type == K_TEXT ? strlen(expr->text) : 0;
    for (int64_t i = 0; i < MBAR_EXPR_BLOCK; i++) {
        if (s->type == K_TEXT) {
            s->texts[i] = (mbar_expr_span){expr->text, n_bytes};
        } else if (s->type == K_BOOL) {
            s->truths[i] = expr->integer != 0;
        } else {
            s->own[i] = literal_cell(s);
        }
    }
}

void mbar_expr_load_literals(const mbar_expr_program *p)
{
    for (int32_t i = 0; i < p->n; i++) {
        mbar_expr_kind kind = p->steps[i].expr->kind;
        if (kind != MBAR_EXPR_COLUMN && kind != MBAR_EXPR_NODE) {
            load_literal(&p->steps[i]);
        }
    }
}

/* ---- Comparisons ------------------------------------------------------------------- */

int mbar_expr_compare_text(mbar_expr_span a, mbar_expr_span b)
{
    size_t n = a.n_bytes < b.n_bytes ? a.n_bytes : b.n_bytes;
    int order = n > 0 ? memcmp(a.data, b.data, n) : 0;
    if (order == 0) {
        order = a.n_bytes < b.n_bytes ? -1 : a.n_bytes > b.n_bytes;
    }
    return order < 0 ? -1 : order > 0;
}

#define EACH_ROW(expression)          \
    for (int64_t i = 0; i < n; i++) { \
        to[i] = (expression);         \
    }                                 \
    break

/* to[i] = whether x[i].field op other */
#define COMPARE_ROWS(field, other)       \
    switch (op) {                        \
    case MBAR_OP_EQ:                     \
        EACH_ROW(x[i].field == (other)); \
    case MBAR_OP_NE:                     \
        EACH_ROW(x[i].field != (other)); \
    case MBAR_OP_LT:                     \
        EACH_ROW(x[i].field < (other));  \
    case MBAR_OP_LE:                     \
        EACH_ROW(x[i].field <= (other)); \
    case MBAR_OP_GT:                     \
        EACH_ROW(x[i].field > (other));  \
    default:                             \
        EACH_ROW(x[i].field >= (other)); \
    }                                    \
    break

static void compare_alike(mbar_op op, mbar_expr_type type, const mbar_expr_cell *restrict x,
                          const mbar_expr_cell *restrict y, int64_t n, uint8_t *restrict to)
{
    switch (type) {
    case K_FLOAT:
        COMPARE_ROWS(d, y[i].d);
    case K_UINT:
        COMPARE_ROWS(u, y[i].u);
    default:
        COMPARE_ROWS(i, y[i].i);
    }
}

static void compare_with(mbar_op op, mbar_expr_type type, const mbar_expr_cell *restrict x,
                         mbar_expr_cell y, int64_t n, uint8_t *restrict to)
{
    switch (type) {
    case K_FLOAT:
        COMPARE_ROWS(d, y.d);
    case K_UINT:
        COMPARE_ROWS(u, y.u);
    default:
        COMPARE_ROWS(i, y.i);
    }
}

#undef COMPARE_ROWS
#undef EACH_ROW

static int compare_numbers(mbar_expr_type a, mbar_expr_cell x, mbar_expr_type b, mbar_expr_cell y)
{
    if (b == K_FLOAT) {
        return a == K_INT ? mbar_compare_int_float(x.i, y.d) : mbar_compare_uint_float(x.u, y.d);
    }
    if (a == K_FLOAT) {
        int reversed =
            b == K_INT ? mbar_compare_int_float(y.i, x.d) : mbar_compare_uint_float(y.u, x.d);
        return reversed == 2 ? 2 : -reversed;
    }
    if ((a == K_INT ? x.i : y.i) < 0) {
        return a == K_INT ? -1 : 1;
    }
    return x.u < y.u ? -1 : x.u > y.u;
}

/* Numbers of two types, times of two units, texts. */
static int compare_values(const mbar_expr_step *a, const mbar_expr_step *b, int64_t i)
{
    if (a->type == K_TEXT) {
        return mbar_expr_compare_text(a->texts[i], b->texts[i]);
    }
    mbar_expr_cell x = a->cells[i], y = b->cells[i];
    if (a->type == K_TIME) {
        __int128 s = (__int128)x.i * a->unit_ns, t = (__int128)y.i * b->unit_ns;
        return s < t ? -1 : s > t;
    }
    return compare_numbers(a->type, x, b->type, y);
}

/* Whether their cells compare as they are. */
static bool are_alike(const mbar_expr_step *a, const mbar_expr_step *b)
{
    return a->type == b->type && a->type != K_TEXT &&
           (a->type != K_TIME || a->unit_ns == b->unit_ns);
}

static bool is_literal(const mbar_expr_step *s)
{
    return s->expr->kind != MBAR_EXPR_COLUMN && s->expr->kind != MBAR_EXPR_NODE;
}

static void run_comparison(const mbar_expr_program *p, mbar_expr_step *s, int64_t first, int64_t n)
{
    const mbar_expr_step *a = &p->steps[s->a], *b = &p->steps[s->b];
    mbar_op op = s->expr->op;
    join_validity(s, a, b, n);
    if (s->verdicts != NULL) {
        const int32_t *codes = (const int32_t *)mbar_column_values(s->column) + first;
        const uint8_t *valid = validity_of(s);
        for (int64_t i = 0; i < n; i++) {
            s->truths[i] = valid[i] && s->verdicts[codes[i]] != 0;
        }
        return;
    }
    if (a->type == K_BOOL) {
        for (int64_t i = 0; i < n; i++) {
            s->truths[i] = mbar_op_accepts(op, a->truths[i] - b->truths[i]);
        }
    } else if (are_alike(a, b) && is_literal(b)) {
        compare_with(op, a->type, a->cells, b->cells[0], n, s->truths);
    } else if (are_alike(a, b)) {
        compare_alike(op, a->type, a->cells, b->cells, n, s->truths);
    } else {
        const uint8_t *valid = validity_of(s);
        for (int64_t i = 0; i < n; i++) {
            s->truths[i] = valid[i] && mbar_op_accepts(op, compare_values(a, b, i));
        }
    }
    mask(s, n);
}

/* ---- Logic and tests ----------------------------------------------------------------- */

static void join_truths(mbar_op op, const uint8_t *restrict x, const uint8_t *restrict y, int64_t n,
                        uint8_t *restrict to)
{
    if (op == MBAR_OP_AND) {
        for (int64_t i = 0; i < n; i++) {
            to[i] = x[i] & y[i];
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            to[i] = x[i] | y[i];
        }
    }
}

/* Kleene's: what decides alone decides beside a null too. */
static void run_logic(const mbar_expr_program *p, mbar_expr_step *s, int64_t n)
{
    const mbar_expr_step *a = &p->steps[s->a], *b = &p->steps[s->b];
    if (s->valid == NULL) {
        join_truths(s->expr->op, a->truths, b->truths, n, s->truths);
        return;
    }
    const uint8_t *valid_a = validity_of(a), *valid_b = validity_of(b);
    uint8_t decides = s->expr->op == MBAR_OP_OR; /* the value that does */
    for (int64_t i = 0; i < n; i++) {
        uint8_t x = valid_a[i] & (a->truths[i] == decides);
        uint8_t y = valid_b[i] & (b->truths[i] == decides);
        s->valid[i] = x | y | (valid_a[i] & valid_b[i]);
        s->truths[i] = s->valid[i] & ((x | y) == decides);
    }
}

static void run_test(const mbar_expr_program *p, mbar_expr_step *s, int64_t n)
{
    const mbar_expr_step *a = &p->steps[s->a];
    const uint8_t *valid = validity_of(a);
    if (s->expr->op == MBAR_OP_IS_NULL) {
        for (int64_t i = 0; i < n; i++) {
            s->truths[i] = !valid[i];
        }
        return;
    }
    join_validity(s, a, a, n);
    for (int64_t i = 0; i < n; i++) {
        s->truths[i] = s->expr->op == MBAR_OP_IS_NAN ? a->type == K_FLOAT && isnan(a->cells[i].d)
                                                     : !a->truths[i];
    }
    mask(s, n);
}

/* ---- Arithmetic ----------------------------------------------------------------------- */

static double as_double(mbar_expr_type type, mbar_expr_cell x)
{
    return type == K_FLOAT ? x.d : type == K_UINT ? (double)x.u : (double)x.i;
}

/* to[i] = x op y, which may speak of i */
#define CALCULATE_ROWS(x, y)              \
    switch (op) {                         \
    case MBAR_OP_ADD:                     \
        for (int64_t i = 0; i < n; i++) { \
            to[i].d = (x) + (y);          \
        }                                 \
        break;                            \
    case MBAR_OP_SUB:                     \
        for (int64_t i = 0; i < n; i++) { \
            to[i].d = (x) - (y);          \
        }                                 \
        break;                            \
    case MBAR_OP_MUL:                     \
        for (int64_t i = 0; i < n; i++) { \
            to[i].d = (x) * (y);          \
        }                                 \
        break;                            \
    default:                              \
        for (int64_t i = 0; i < n; i++) { \
            to[i].d = (x) / (y);          \
        }                                 \
    }

static void calculate_floats(mbar_op op, const mbar_expr_cell *restrict x,
                             const mbar_expr_cell *restrict y, int64_t n,
                             mbar_expr_cell *restrict to)
{
    CALCULATE_ROWS(x[i].d, y[i].d)
}

static void calculate_mixed(mbar_op op, const mbar_expr_step *a, const mbar_expr_step *b, int64_t n,
                            mbar_expr_cell *restrict to)
{
    CALCULATE_ROWS(as_double(a->type, a->cells[i]), as_double(b->type, b->cells[i]))
}

#undef CALCULATE_ROWS

static void run_float(const mbar_expr_step *a, const mbar_expr_step *b, mbar_expr_step *s,
                      int64_t n)
{
    if (b == NULL) {
        for (int64_t i = 0; i < n; i++) {
            s->own[i].d = -as_double(a->type, a->cells[i]);
        }
    } else if (a->type == K_FLOAT && b->type == K_FLOAT) {
        calculate_floats(s->expr->op, a->cells, b->cells, n, s->own);
    } else {
        calculate_mixed(s->expr->op, a, b, n, s->own);
    }
}

static bool as_int(mbar_expr_type type, mbar_expr_cell x, int64_t *out)
{
    *out = x.i;
    return type == K_INT || x.u <= (uint64_t)INT64_MAX;
}

static bool calculate(mbar_op op, int64_t x, int64_t y, int64_t *out)
{
    if (op == MBAR_OP_ADD) {
        return mbar_add_i64(x, y, out);
    }
    return op == MBAR_OP_MUL ? mbar_mul_i64(x, y, out) : !__builtin_sub_overflow(x, y, out);
}

/* +, -, *, and negation as 0 - x. */
static mbar_status run_integer(const mbar_expr_step *a, const mbar_expr_step *b, mbar_expr_step *s,
                               int64_t first, int64_t n, mbar_error *error)
{
    const uint8_t *valid = validity_of(s);
    for (int64_t i = 0; i < n; i++) {
        int64_t x, y = 0, result = 0;
        bool fits = !valid[i] || (as_int(a->type, a->cells[i], &x) &&
                                  (b == NULL || as_int(b->type, b->cells[i], &y)) &&
                                  (b == NULL ? calculate(MBAR_OP_SUB, 0, x, &result)
                                             : calculate(s->expr->op, x, y, &result)));
        if (!fits) {
            mbar_expr_misfit(s->expr, "the result does not fit a 64-bit integer", error);
            if (error != NULL) {
                error->row = first + i;
            }
            return MBAR_INVALID;
        }
        s->own[i].i = result;
    }
    return MBAR_OK;
}

static mbar_status run_arithmetic(const mbar_expr_program *p, mbar_expr_step *s, int64_t first,
                                  int64_t n, mbar_error *error)
{
    const mbar_expr_step *a = &p->steps[s->a], *b = s->b >= 0 ? &p->steps[s->b] : NULL;
    join_validity(s, a, b != NULL ? b : a, n);
    if (s->type != K_FLOAT) {
        return run_integer(a, b, s, first, n, error);
    }
    run_float(a, b, s, n);
    for (int64_t i = 0; i < n && s->valid != NULL; i++) {
        s->own[i].i = s->valid[i] ? s->own[i].i : 0; /* the same bits under every null */
    }
    return MBAR_OK;
}

/* ---- A block ---------------------------------------------------------------------------- */

static mbar_status run_step(const mbar_expr_program *p, mbar_expr_step *s, int64_t first, int64_t n,
                            mbar_error *error)
{
    if (s->expr->kind == MBAR_EXPR_COLUMN) {
        load_column(s, first, n);
    } else if (s->expr->kind != MBAR_EXPR_NODE) {
        return MBAR_OK; /* a literal: there since the layout */
    } else if (mbar_op_is_comparison(s->expr->op)) {
        run_comparison(p, s, first, n);
    } else if (s->expr->op == MBAR_OP_AND || s->expr->op == MBAR_OP_OR) {
        run_logic(p, s, n);
    } else if (s->expr->op <= MBAR_OP_DIV || s->expr->op == MBAR_OP_NEG) {
        return run_arithmetic(p, s, first, n, error);
    } else {
        run_test(p, s, n);
    }
    return MBAR_OK;
}

mbar_status mbar_expr_run_block(const mbar_expr_program *p, int64_t first, int64_t n,
                                mbar_error *error)
{
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < p->n && status == MBAR_OK; i++) {
        status = run_step(p, &p->steps[i], first, n, error);
    }
    return status;
}
