/*
 * expr_steps.h - an expression laid out as steps, for the files that make and run
 * them: expr_layout.c settles every type, expr_block.c gives the steps the values
 * of a block of rows, expr_eval.c goes through a table.
 */
#ifndef MILLIBAR_IO_EXPR_STEPS_H
#define MILLIBAR_IO_EXPR_STEPS_H

#include "io/expr_internal.h"

/* Rows that go through all steps together, so that their values stay in cache. */
#define MBAR_EXPR_BLOCK 1024

/* What a value is: times are int64 in their column's unit. */
typedef enum mbar_expr_type { K_BOOL, K_INT, K_UINT, K_FLOAT, K_TIME, K_TEXT } mbar_expr_type;

typedef struct mbar_expr_span {
    const char *data;
    size_t n_bytes;
} mbar_expr_span;

typedef union mbar_expr_cell {
    int64_t i;
    uint64_t u;
    double d;
} mbar_expr_cell;

/* One node with its values for the present block; an argument comes before its node. */
typedef struct mbar_expr_step {
    const mbar_expr *expr;
    mbar_expr_type type;
    int64_t unit_ns; /* K_TIME */
    int32_t a, b;    /* steps of the arguments */
    const mbar_column *column;
    uint8_t *verdicts; /* dictionary against literal: one a word; column is the dictionary's */
    bool may_be_null;
    uint8_t *truths;             /* K_BOOL: 1 for true; false under a null. Each [BLOCK] */
    const mbar_expr_cell *cells; /* numbers and times: own, or the column's as they lie there */
    mbar_expr_cell *own;
    mbar_expr_span *texts; /* K_TEXT */
    uint8_t *valid;        /* 0 for null; NULL where nothing may be */
} mbar_expr_step;

typedef struct mbar_expr_program {
    const mbar_table *table;
    mbar_expr_step *steps; /* the root is the last */
    int32_t n, capacity;
} mbar_expr_program;

/* Lays expr out for the columns of table. MBAR_NOTFOUND: no such column;
 * MBAR_INVALID: types that do not go together. Deinit in any case. */
mbar_status mbar_expr_layout(mbar_expr_program *program, const mbar_expr *expr,
                             const mbar_table *table, mbar_error *error);
void mbar_expr_program_deinit(mbar_expr_program *program);

/* Sets all steps' values to those of rows [first, first + n), n <= BLOCK. */
mbar_status mbar_expr_run_block(const mbar_expr_program *program, int64_t first, int64_t n,
                                mbar_error *error);

/* Sets the values of literals, which no block changes. */
void mbar_expr_load_literals(const mbar_expr_program *program);

/* -1, 0, 1, by bytes. */
int mbar_expr_compare_text(mbar_expr_span a, mbar_expr_span b);
/* The error of an expression that cannot be: its text and what is wrong with it. */
mbar_status mbar_expr_misfit(const mbar_expr *expr, const char *what, mbar_error *error);

#endif
