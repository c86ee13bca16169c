/*
 * expr_internal.h - an expression's nodes, for those that walk them.
 */
#ifndef MILLIBAR_IO_EXPR_INTERNAL_H
#define MILLIBAR_IO_EXPR_INTERNAL_H

#include <millibar/io.h>
#include <stdatomic.h>

typedef enum mbar_expr_kind {
    MBAR_EXPR_COLUMN = 1,
    MBAR_EXPR_INT,
    MBAR_EXPR_FLOAT,
    MBAR_EXPR_BOOL,
    MBAR_EXPR_TEXT,
    MBAR_EXPR_TIME,
    MBAR_EXPR_NODE
} mbar_expr_kind;

struct mbar_expr {
    atomic_int refs;
    mbar_expr_kind kind;
    mbar_op op; /* NODE */
    mbar_expr *a, *b;
    char *text;      /* COLUMN: the name; TEXT: the value */
    int64_t integer; /* INT, TIME (ns), BOOL (0 or 1) */
    double real;     /* FLOAT */
    int32_t depth;   /* of the tree below, itself included */
};

static inline bool mbar_op_is_comparison(mbar_op op)
{
    return op >= MBAR_OP_EQ && op <= MBAR_OP_GE;
}

/* Three-way results of comparing exactly: -1, 0, 1; 2 where one is NaN. */
int mbar_compare_int_float(int64_t a, double b);
int mbar_compare_uint_float(uint64_t a, double b);
/* Whether a three-way result satisfies a comparison; NaN satisfies only NE. */
bool mbar_op_accepts(mbar_op op, int three_way);

/* What is known of a column in some rows, without reading them. */
typedef struct mbar_bounds {
    bool known; /* the range holds every value that is neither null nor NaN */
    bool is_float;
    int64_t min_int, max_int; /* integers, and times in ns saturated outwards */
    double min_float, max_float;
    bool may_be_null, may_be_valid;
    bool is_number; /* an integer column: no NaN */
    bool is_time;
} mbar_bounds;

/* Looks up a column's bounds; false: nothing is known. */
typedef bool (*mbar_bounds_fn)(void *ctx, const char *column, mbar_bounds *out);

/* false only if the predicate is true for no row whose columns lie in the
 * bounds. Anything not understood may be true. */
bool mbar_expr_may_be_true(const mbar_expr *expr, mbar_bounds_fn bounds, void *ctx);

/* The range of integers, or of times in ns, outside of which the predicate is
 * true for no row: from the comparisons of `column` with literals that are
 * joined by AND. Starts at all of int64. */
void mbar_expr_int_range(const mbar_expr *expr, const char *column, bool is_time, int64_t *lo,
                         int64_t *hi);

/* Calls fn for the name of every column in the expression. */
void mbar_expr_each_column(const mbar_expr *expr, void (*fn)(void *ctx, const char *name),
                           void *ctx);

/* Sets keep[row] to whether a predicate is true, for a table's rows; keep holds
 * as many bytes. Not a bool expression: MBAR_INVALID. */
mbar_status mbar_expr_keep(const mbar_expr *expr, const mbar_table *table, uint8_t *keep,
                           mbar_error *error);

#endif
