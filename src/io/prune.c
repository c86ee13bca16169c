/*
 * prune.c - whether a predicate can be true of rows that were not read.
 *
 * Each part of the predicate is given the set of outcomes it may have (true,
 * false, null) for some row within the columns' bounds; AND, OR and NOT combine
 * sets. Rows can be left out when "true" is not in the whole's set. The answer
 * errs on one side only: what is not understood may have any outcome.
 *
 * A float column may hide NaN, whatever its bounds say: NaN makes every
 * comparison false except "not equal", which it makes true. -0.0 and 0.0 are
 * equal here as they are to the comparison itself, so bounds of either sign of
 * zero serve.
 */
#include "io/expr_internal.h"

#include <math.h>
#include <string.h>

enum { CAN_TRUE = 1, CAN_FALSE = 2, CAN_NULL = 4, CAN_ANY = 7 };

static int outcomes(const mbar_expr *expr, mbar_bounds_fn bounds, void *ctx);

static mbar_op mirrored(mbar_op op)
{
    switch (op) {
    case MBAR_OP_LT:
        return MBAR_OP_GT;
    case MBAR_OP_LE:
        return MBAR_OP_GE;
    case MBAR_OP_GT:
        return MBAR_OP_LT;
    case MBAR_OP_GE:
        return MBAR_OP_LE;
    default:
        return op;
    }
}

static int compare_floats(double a, double b)
{
    return isnan(a) || isnan(b) ? 2 : a < b ? -1 : a > b ? 1 : 0;
}

static int compare_ints(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b ? 1 : 0;
}

/* Three-way comparison of a bound with a literal; false: not comparable. */
static bool compare_bound(const mbar_bounds *b, bool low, const mbar_expr *literal, int *out)
{
    int64_t integer = low ? b->min_int : b->max_int;
    double real = low ? b->min_float : b->max_float;
    if (b->is_time != (literal->kind == MBAR_EXPR_TIME)) {
        return false;
    }
    if (literal->kind == MBAR_EXPR_INT || literal->kind == MBAR_EXPR_TIME) {
        int reversed = mbar_compare_int_float(literal->integer, real);
        *out = !b->is_float    ? compare_ints(integer, literal->integer)
               : reversed == 2 ? 2
                               : -reversed;
        return true;
    }
    if (literal->kind == MBAR_EXPR_FLOAT) {
        *out = b->is_float ? compare_floats(real, literal->real)
                           : mbar_compare_int_float(integer, literal->real);
        return true;
    }
    return false;
}

/* Outcomes of "value op literal" over values from low to high, given how the
 * two ends compare with the literal. */
static int over_range(mbar_op op, int low, int high)
{
    bool below = low == -1, above = high == 1;
    bool equal = low <= 0 && high >= 0;
    int set = 0;
    for (int sign = -1; sign <= 1; sign++) {
        bool reached = sign < 0 ? below : sign > 0 ? above : equal;
        if (reached) {
            set |= mbar_op_accepts(op, sign) ? CAN_TRUE : CAN_FALSE;
        }
    }
    return set;
}

static int of_comparison(mbar_op op, const mbar_expr *column, const mbar_expr *literal,
                         mbar_bounds_fn bounds, void *ctx)
{
    mbar_bounds b = {0};
    int low = 0, high = 0;
    if (!bounds(ctx, column->text, &b)) {
        return CAN_ANY;
    }
    int set = b.may_be_null ? CAN_NULL : 0;
    if (!b.may_be_valid) {
        return set;
    }
    if (!b.known || !compare_bound(&b, true, literal, &low) ||
        !compare_bound(&b, false, literal, &high)) {
        return CAN_ANY;
    }
    if (low == 2 || high == 2) { /* the literal is NaN */
        return set | (mbar_op_accepts(op, 2) ? CAN_TRUE : CAN_FALSE);
    }
    if (b.is_float) {
        set |= mbar_op_accepts(op, 2) ? CAN_TRUE : CAN_FALSE;
    }
    return set | over_range(op, low, high);
}

static int of_null_test(const mbar_expr *argument, bool is_nan, mbar_bounds_fn bounds, void *ctx)
{
    mbar_bounds b = {0};
    if (argument->kind != MBAR_EXPR_COLUMN || !bounds(ctx, argument->text, &b)) {
        return CAN_ANY;
    }
    if (!is_nan) {
        return (b.may_be_null ? CAN_TRUE : 0) | (b.may_be_valid ? CAN_FALSE : 0);
    }
    int valid = b.is_number ? CAN_FALSE : CAN_TRUE | CAN_FALSE;
    return (b.may_be_null ? CAN_NULL : 0) | (b.may_be_valid ? valid : 0);
}

static int of_not(int set)
{
    return (set & CAN_NULL) | ((set & CAN_TRUE) ? CAN_FALSE : 0) |
           ((set & CAN_FALSE) ? CAN_TRUE : 0);
}

static int of_and(int a, int b)
{
    int set = (a | b) & CAN_FALSE;
    if ((a & CAN_TRUE) && (b & CAN_TRUE)) {
        set |= CAN_TRUE;
    }
    if (((a & CAN_NULL) && (b & (CAN_NULL | CAN_TRUE))) ||
        ((b & CAN_NULL) && (a & (CAN_NULL | CAN_TRUE)))) {
        set |= CAN_NULL;
    }
    return set;
}

static bool is_literal(const mbar_expr *expr)
{
    return expr->kind != MBAR_EXPR_COLUMN && expr->kind != MBAR_EXPR_NODE;
}

static int outcomes(const mbar_expr *expr, mbar_bounds_fn bounds, void *ctx)
{
    if (expr->kind == MBAR_EXPR_BOOL) {
        return expr->integer != 0 ? CAN_TRUE : CAN_FALSE;
    }
    if (expr->kind != MBAR_EXPR_NODE) {
        return CAN_ANY;
    }
    if (mbar_op_is_comparison(expr->op)) {
        if (expr->a->kind == MBAR_EXPR_COLUMN && is_literal(expr->b)) {
            return of_comparison(expr->op, expr->a, expr->b, bounds, ctx);
        }
        if (expr->b->kind == MBAR_EXPR_COLUMN && is_literal(expr->a)) {
            return of_comparison(mirrored(expr->op), expr->b, expr->a, bounds, ctx);
        }
        return CAN_ANY;
    }
    switch (expr->op) {
    case MBAR_OP_AND:
        return of_and(outcomes(expr->a, bounds, ctx), outcomes(expr->b, bounds, ctx));
    case MBAR_OP_OR: /* by De Morgan, which holds for three values too */
        return of_not(
            of_and(of_not(outcomes(expr->a, bounds, ctx)), of_not(outcomes(expr->b, bounds, ctx))));
    case MBAR_OP_NOT:
        return of_not(outcomes(expr->a, bounds, ctx));
    case MBAR_OP_IS_NULL:
    case MBAR_OP_IS_NAN:
        return of_null_test(expr->a, expr->op == MBAR_OP_IS_NAN, bounds, ctx);
    default:
        return CAN_ANY;
    }
}

bool mbar_expr_may_be_true(const mbar_expr *expr, mbar_bounds_fn bounds, void *ctx)
{
    return (outcomes(expr, bounds, ctx) & CAN_TRUE) != 0;
}

/* ---- Integer ranges ---------------------------------------------------------------- */

/* The smallest and largest integers that compare so with a float literal. */
static void narrow_float(mbar_op op, double value, int64_t *lo, int64_t *hi)
{
    bool less = op == MBAR_OP_LT || op == MBAR_OP_LE || op == MBAR_OP_EQ;
    bool more = op == MBAR_OP_GT || op == MBAR_OP_GE || op == MBAR_OP_EQ;
    /* One wider than exact at a whole number, which the row test mends. */
    if (isnan(value)) {
        *hi = INT64_MIN;
        *lo = INT64_MAX;
        return;
    }
    double down = floor(value), up = ceil(value);
    if (less && down < 9223372036854775808.0) {
        int64_t most = down < -9223372036854775808.0 ? INT64_MIN : (int64_t)down;
        *hi = most < *hi ? most : *hi;
    }
    if (more && up >= -9223372036854775808.0) {
        int64_t least = up >= 9223372036854775808.0 ? INT64_MAX : (int64_t)up;
        *lo = least > *lo ? least : *lo;
    }
}

static void narrow_int(mbar_op op, int64_t value, int64_t *lo, int64_t *hi)
{
    if (op == MBAR_OP_LT || op == MBAR_OP_LE || op == MBAR_OP_EQ) {
        int64_t most = op == MBAR_OP_LT && value > INT64_MIN ? value - 1 : value;
        *hi = most < *hi ? most : *hi;
    }
    if (op == MBAR_OP_GT || op == MBAR_OP_GE || op == MBAR_OP_EQ) {
        int64_t least = op == MBAR_OP_GT && value < INT64_MAX ? value + 1 : value;
        *lo = least > *lo ? least : *lo;
    }
}

void mbar_expr_int_range(const mbar_expr *expr, const char *column, bool is_time, int64_t *lo,
                         int64_t *hi)
{
    if (expr->kind != MBAR_EXPR_NODE) {
        return;
    }
    if (expr->op == MBAR_OP_AND) {
        mbar_expr_int_range(expr->a, column, is_time, lo, hi);
        mbar_expr_int_range(expr->b, column, is_time, lo, hi);
        return;
    }
    if (!mbar_op_is_comparison(expr->op) || expr->op == MBAR_OP_NE) {
        return;
    }
    bool straight = expr->a->kind == MBAR_EXPR_COLUMN;
    const mbar_expr *name = straight ? expr->a : expr->b;
    const mbar_expr *literal = straight ? expr->b : expr->a;
    mbar_op op = straight ? expr->op : mirrored(expr->op);
    if (name->kind != MBAR_EXPR_COLUMN || strcmp(name->text, column) != 0) {
        return;
    }
    if (literal->kind == (is_time ? MBAR_EXPR_TIME : MBAR_EXPR_INT)) {
        narrow_int(op, literal->integer, lo, hi);
    } else if (literal->kind == MBAR_EXPR_FLOAT && !is_time) {
        narrow_float(op, literal->real, lo, hi);
    }
}
