/*
 * expr_layout.c - an expression made ready for a table: its steps and their types.
 *
 * The tree is laid out as steps, arguments before their node, which settles every
 * type and finds every column once. A dictionary column compared with a text
 * literal is decided here, once a word; the rows are then looked up by code.
 *
 * Cost: O(nodes + words of such dictionaries); memory O(nodes) blocks.
 */
#include "io/expr_steps.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

static const char *type_name(mbar_expr_type k)
{
    static const char *const names[] = {"bool", "integer", "integer", "float", "time", "text"};
    return names[k];
}

static bool is_number(mbar_expr_type k)
{
    return k == K_INT || k == K_UINT || k == K_FLOAT;
}

mbar_status mbar_expr_misfit(const mbar_expr *expr, const char *what, mbar_error *error)
{
    char text[200];
    mbar_expr_format(expr, text, sizeof text);
    return mbar_error_set(error, MBAR_INVALID, "%s: %s", text, what);
}

static mbar_status missing_column(const mbar_table *table, const char *name, mbar_error *error)
{
    char list[300] = "";
    size_t n = 0;
    for (int32_t c = 0; c < mbar_table_columns(table) && n + 2 < sizeof list; c++) {
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", c > 0 ? ", " : "",
                              mbar_column_field(mbar_table_column(table, c))->name);
    }
    return mbar_error_set(error, MBAR_NOTFOUND, "no column '%s'; there are: %s", name, list);
}

static mbar_status lay_column(const mbar_expr_program *p, mbar_expr_step *s, mbar_error *error)
{
    int32_t index = mbar_table_find(p->table, s->expr->text);
    if (index < 0) {
        return missing_column(p->table, s->expr->text, error);
    }
    int64_t bit;
    s->column = mbar_table_column(p->table, index);
    s->may_be_null = mbar_column_validity(s->column, &bit) != NULL;
    const mbar_field *field = mbar_column_field(s->column);
    switch (field->type) {
    case MBAR_TYPE_BOOL:
        s->type = K_BOOL;
        break;
    case MBAR_TYPE_INT32:
    case MBAR_TYPE_INT64:
        s->type = K_INT;
        break;
    case MBAR_TYPE_UINT64:
        s->type = K_UINT;
        break;
    case MBAR_TYPE_FLOAT32:
    case MBAR_TYPE_FLOAT64:
        s->type = K_FLOAT;
        break;
    case MBAR_TYPE_TIMESTAMP:
        s->type = K_TIME;
        s->unit_ns = mbar_unit_ns(field->unit);
        break;
    default:
        s->type = K_TEXT;
    }
    return MBAR_OK;
}

static mbar_expr_type literal_type(mbar_expr_kind k)
{
    switch (k) {
    case MBAR_EXPR_INT:
        return K_INT;
    case MBAR_EXPR_FLOAT:
        return K_FLOAT;
    case MBAR_EXPR_BOOL:
        return K_BOOL;
    case MBAR_EXPR_TIME:
        return K_TIME;
    default:
        return K_TEXT;
    }
}

static mbar_status check_comparison(const mbar_expr *expr, mbar_expr_type a, mbar_expr_type b,
                                    mbar_error *error)
{
    if (a == b || (is_number(a) && is_number(b))) {
        return MBAR_OK;
    }
    char what[160];
    bool time_and_text = (a == K_TIME && b == K_TEXT) || (a == K_TEXT && b == K_TIME);
    snprintf(what, sizeof what, "%s and %s cannot be compared%s", type_name(a), type_name(b),
             time_and_text ? "; give the time as a time, not as text" : "");
    return mbar_expr_misfit(expr, what, error);
}

/* Settles a node's type from its arguments'. */
static mbar_status lay_node(mbar_expr_step *s, mbar_expr_type a, mbar_expr_type b,
                            mbar_error *error)
{
    const mbar_expr *expr = s->expr;
    s->type = K_BOOL;
    if (mbar_op_is_comparison(expr->op)) {
        return check_comparison(expr, a, b, error);
    }
    switch (expr->op) {
    case MBAR_OP_AND:
    case MBAR_OP_OR:
        return a == K_BOOL && b == K_BOOL
                   ? MBAR_OK
                   : mbar_expr_misfit(expr, "and/or take true or false", error);
    case MBAR_OP_NOT:
        return a == K_BOOL ? MBAR_OK : mbar_expr_misfit(expr, "not takes true or false", error);
    case MBAR_OP_IS_NULL:
        return MBAR_OK;
    case MBAR_OP_IS_NAN:
        return is_number(a) ? MBAR_OK : mbar_expr_misfit(expr, "only a number can be NaN", error);
    case MBAR_OP_NEG:
        s->type = a == K_FLOAT ? K_FLOAT : K_INT;
        return is_number(a) ? MBAR_OK
                            : mbar_expr_misfit(expr, "only a number can be negated", error);
    default:
        s->type = expr->op == MBAR_OP_DIV || a == K_FLOAT || b == K_FLOAT ? K_FLOAT : K_INT;
        return is_number(a) && is_number(b)
                   ? MBAR_OK
                   : mbar_expr_misfit(expr, "arithmetic takes numbers", error);
    }
}

/* A dictionary column against a literal: what each word gives. */
static mbar_status lay_verdicts(mbar_expr_step *s, const mbar_expr_step *a, const mbar_expr_step *b,
                                mbar_error *error)
{
    bool straight = b->expr->kind == MBAR_EXPR_TEXT;
    const mbar_expr_step *side = straight ? a : b;
    const mbar_expr *literal = straight ? b->expr : a->expr;
    if (!mbar_op_is_comparison(s->expr->op) || literal->kind != MBAR_EXPR_TEXT ||
        side->column == NULL || mbar_column_field(side->column)->type != MBAR_TYPE_DICT) {
        return MBAR_OK;
    }
    const mbar_expr_span wanted = {literal->text, strlen(literal->text)};
    const mbar_column *words = mbar_column_dictionary(side->column);
    int64_t n = mbar_column_rows(words);
    s->verdicts = mbar_alloc((size_t)n + 1, error);
    if (s->verdicts == NULL) {
        return MBAR_NOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        size_t n_bytes;
        const char *word = mbar_column_text(words, i, &n_bytes);
        int order = mbar_expr_compare_text((mbar_expr_span){word, n_bytes}, wanted);
        s->verdicts[i] = mbar_op_accepts(s->expr->op, straight ? order : -order);
    }
    s->column = side->column;
    return MBAR_OK;
}

/* 2^53: up to here every integer is a double. */
#define EXACT_INT (INT64_C(1) << 53)

/* The literal as a number of the other side's type, where it is one: cells of one type
 * are compared and calculated with as they are. */
static void settle_literal(mbar_op op, mbar_expr_step *literal, mbar_expr_type other)
{
    const mbar_expr *expr = literal->expr;
    bool is_comparison = mbar_op_is_comparison(op);
    if (expr->kind == MBAR_EXPR_INT) {
        bool exact = expr->integer >= -EXACT_INT && expr->integer <= EXACT_INT;
        if (other == K_FLOAT && (exact || !is_comparison)) {
            literal->type = K_FLOAT;
        } else if (other == K_UINT && is_comparison && expr->integer >= 0) {
            literal->type = K_UINT;
        }
    } else if (expr->kind == MBAR_EXPR_FLOAT && is_comparison) {
        double least = other == K_UINT ? 0 : -(double)EXACT_INT;
        if ((other == K_INT || other == K_UINT) && expr->real >= least &&
            expr->real <= (double)EXACT_INT && expr->real == (double)(int64_t)expr->real) {
            literal->type = other;
        }
    }
}

/* Whether a node may give null, from its arguments. */
static bool node_may_be_null(const mbar_expr_program *p, const mbar_expr_step *s)
{
    bool b = s->b >= 0 && p->steps[s->b].may_be_null;
    return s->expr->op != MBAR_OP_IS_NULL && (p->steps[s->a].may_be_null || b);
}

static mbar_status new_step(mbar_expr_program *p, const mbar_expr *expr, int32_t *index,
                            mbar_error *error)
{
    if (p->n == p->capacity) {
        void *array = p->steps;
        size_t grown = p->capacity == 0 ? 16 : (size_t)p->capacity * 2;
        if (grown > INT32_MAX / 2 ||
            !mbar_resize_array(&array, (size_t)p->capacity, grown, sizeof *p->steps, error)) {
            return MBAR_NOMEM;
        }
        p->steps = array;
        p->capacity = (int32_t)grown;
    }
    *index = p->n;
    p->steps[p->n++] = (mbar_expr_step){.expr = expr, .a = -1, .b = -1};
    return MBAR_OK;
}

static mbar_status lay_out(mbar_expr_program *p, const mbar_expr *expr, int32_t *index,
                           mbar_error *error)
{
    int32_t a = -1, b = -1;
    mbar_status status = expr->a != NULL ? lay_out(p, expr->a, &a, error) : MBAR_OK;
    if (status == MBAR_OK && expr->b != NULL) {
        status = lay_out(p, expr->b, &b, error);
    }
    if (status == MBAR_OK) {
        status = new_step(p, expr, index, error);
    }
    if (status != MBAR_OK) {
        return status;
    }
    mbar_expr_step *s = &p->steps[*index];
    s->a = a;
    s->b = b;
    if (expr->kind == MBAR_EXPR_COLUMN) {
        return lay_column(p, s, error);
    }
    if (expr->kind != MBAR_EXPR_NODE) {
        s->type = literal_type(expr->kind);
        s->unit_ns = 1;
        return MBAR_OK;
    }
    status = lay_node(s, p->steps[a].type, b >= 0 ? p->steps[b].type : K_BOOL, error);
    s->may_be_null = node_may_be_null(p, s);
    if (status == MBAR_OK && b >= 0) {
        settle_literal(expr->op, &p->steps[a], p->steps[b].type);
        settle_literal(expr->op, &p->steps[b], p->steps[a].type);
    }
    return status == MBAR_OK && b >= 0 ? lay_verdicts(s, &p->steps[a], &p->steps[b], error)
                                       : status;
}

/* ---- A program ---------------------------------------------------------------------- */

void mbar_expr_program_deinit(mbar_expr_program *p)
{
    for (int32_t i = 0; i < p->n; i++) {
        mbar_free(p->steps[i].verdicts);
        mbar_free(p->steps[i].truths);
        mbar_free(p->steps[i].own);
        mbar_free(p->steps[i].texts);
        mbar_free(p->steps[i].valid);
    }
    mbar_free(p->steps);
}

/* Whether the column's values are cells already. */
static bool lies_as_cells(const mbar_expr_step *s)
{
    return s->expr->kind == MBAR_EXPR_COLUMN &&
           mbar_type_width(mbar_column_field(s->column)->type) == sizeof(mbar_expr_cell);
}

static mbar_status make_block(mbar_expr_step *s, mbar_error *error)
{
    if (s->may_be_null) {
        s->valid = mbar_alloc(MBAR_EXPR_BLOCK, error);
        if (s->valid == NULL) {
            return MBAR_NOMEM;
        }
    }
    switch (s->type) {
    case K_BOOL:
        s->truths = mbar_alloc(MBAR_EXPR_BLOCK, error);
        return s->truths != NULL ? MBAR_OK : MBAR_NOMEM;
    case K_TEXT:
        s->texts = mbar_alloc_array(MBAR_EXPR_BLOCK, sizeof *s->texts, error);
        return s->texts != NULL ? MBAR_OK : MBAR_NOMEM;
    default:
        if (lies_as_cells(s)) {
            return MBAR_OK;
        }
        s->own = mbar_alloc_array(MBAR_EXPR_BLOCK, sizeof *s->own, error);
        s->cells = s->own;
        return s->own != NULL ? MBAR_OK : MBAR_NOMEM;
    }
}

mbar_status mbar_expr_layout(mbar_expr_program *p, const mbar_expr *expr, const mbar_table *table,
                             mbar_error *error)
{
    int32_t root = 0;
    *p = (mbar_expr_program){.table = table};
    mbar_status status = lay_out(p, expr, &root, error);
    for (int32_t i = 0; i < p->n && status == MBAR_OK; i++) {
        status = make_block(&p->steps[i], error);
    }
    if (status == MBAR_OK) {
        mbar_expr_load_literals(p);
    }
    return status;
}
