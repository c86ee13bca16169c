/*
 * expr_eval.c - the value of an expression for each row of a table.
 *
 * The tree is first laid out as steps, arguments before their node, which
 * settles every type; then blocks of rows go through all steps, so that the
 * intermediate values stay in cache. A step has a block of values and a block
 * of validity bytes.
 *
 * Inside, a value is one of six kinds: bool, int64, uint64, double, time (int64
 * in its column's unit) and text. Numbers of different kinds compare exactly,
 * never by rounding one to the other; so do times of different units. Integer
 * arithmetic that passes int64 is an error naming the row, not a wrapped value.
 *
 * A dictionary column compared with a text literal is decided once a word, then
 * looked up by code.
 *
 * Cost: O(rows * nodes), memory O(nodes).
 */
#include "io/expr_internal.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "table/bitmap.h"
#include "table/buffer.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define BLOCK 1024

typedef enum kind { K_BOOL, K_INT, K_UINT, K_FLOAT, K_TIME, K_TEXT } kind;

typedef struct text_value {
    const char *data;
    size_t n_bytes;
} text_value;

typedef union cell {
    bool truth;
    int64_t i;
    uint64_t u;
    double d;
} cell;

typedef struct step {
    const mbar_expr *expr;
    kind kind;
    int64_t unit_ns; /* K_TIME */
    int32_t a, b;    /* steps of the arguments */
    const mbar_column *column;
    uint8_t *verdicts; /* dictionary against literal: one a word; column is the dictionary's */
    cell *cells;       /* [BLOCK] */
    text_value *texts; /* [BLOCK], K_TEXT only */
    uint8_t *valid;    /* [BLOCK] */
} step;

typedef struct program {
    const mbar_table *table;
    step *steps;
    int32_t n, capacity;
} program;

static const char *kind_name(kind k)
{
    static const char *const names[] = {"bool", "integer", "integer", "float", "time", "text"};
    return names[k];
}

static bool is_number(kind k)
{
    return k == K_INT || k == K_UINT || k == K_FLOAT;
}

/* ---- Laying out ---------------------------------------------------------------- */

static mbar_status misfit(const mbar_expr *expr, const char *what, mbar_error *error)
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

static mbar_status lay_column(const program *p, step *s, mbar_error *error)
{
    int32_t index = mbar_table_find(p->table, s->expr->text);
    if (index < 0) {
        return missing_column(p->table, s->expr->text, error);
    }
    s->column = mbar_table_column(p->table, index);
    const mbar_field *field = mbar_column_field(s->column);
    switch (field->type) {
    case MBAR_TYPE_BOOL:
        s->kind = K_BOOL;
        break;
    case MBAR_TYPE_INT32:
    case MBAR_TYPE_INT64:
        s->kind = K_INT;
        break;
    case MBAR_TYPE_UINT64:
        s->kind = K_UINT;
        break;
    case MBAR_TYPE_FLOAT32:
    case MBAR_TYPE_FLOAT64:
        s->kind = K_FLOAT;
        break;
    case MBAR_TYPE_TIMESTAMP:
        s->kind = K_TIME;
        s->unit_ns = mbar_unit_ns(field->unit);
        break;
    default:
        s->kind = K_TEXT;
    }
    return MBAR_OK;
}

static kind literal_kind(mbar_expr_kind k)
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

static mbar_status check_comparison(const mbar_expr *expr, kind a, kind b, mbar_error *error)
{
    if (a == b || (is_number(a) && is_number(b))) {
        return MBAR_OK;
    }
    char what[160];
    bool time_and_text = (a == K_TIME && b == K_TEXT) || (a == K_TEXT && b == K_TIME);
    snprintf(what, sizeof what, "%s and %s cannot be compared%s", kind_name(a), kind_name(b),
             time_and_text ? "; give the time as a time, not as text" : "");
    return misfit(expr, what, error);
}

/* Settles a node's kind from its arguments'. */
static mbar_status lay_node(step *s, kind a, kind b, mbar_error *error)
{
    const mbar_expr *expr = s->expr;
    s->kind = K_BOOL;
    if (mbar_op_is_comparison(expr->op)) {
        return check_comparison(expr, a, b, error);
    }
    switch (expr->op) {
    case MBAR_OP_AND:
    case MBAR_OP_OR:
        return a == K_BOOL && b == K_BOOL ? MBAR_OK
                                          : misfit(expr, "and/or take true or false", error);
    case MBAR_OP_NOT:
        return a == K_BOOL ? MBAR_OK : misfit(expr, "not takes true or false", error);
    case MBAR_OP_IS_NULL:
        return MBAR_OK;
    case MBAR_OP_IS_NAN:
        return is_number(a) ? MBAR_OK : misfit(expr, "only a number can be NaN", error);
    case MBAR_OP_NEG:
        s->kind = a == K_FLOAT ? K_FLOAT : K_INT;
        return is_number(a) ? MBAR_OK : misfit(expr, "only a number can be negated", error);
    default:
        s->kind = expr->op == MBAR_OP_DIV || a == K_FLOAT || b == K_FLOAT ? K_FLOAT : K_INT;
        return is_number(a) && is_number(b) ? MBAR_OK
                                            : misfit(expr, "arithmetic takes numbers", error);
    }
}

static int compare_text(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    size_t n = a_bytes < b_bytes ? a_bytes : b_bytes;
    int order = n > 0 ? memcmp(a, b, n) : 0;
    if (order == 0) {
        order = a_bytes < b_bytes ? -1 : a_bytes > b_bytes;
    }
    return order < 0 ? -1 : order > 0;
}

/* A dictionary column against a literal: what each word gives. */
static mbar_status lay_verdicts(step *s, const step *a, const step *b, mbar_error *error)
{
    bool straight = b->expr->kind == MBAR_EXPR_TEXT;
    const step *side = straight ? a : b;
    const mbar_expr *literal = straight ? b->expr : a->expr;
    if (!mbar_op_is_comparison(s->expr->op) || literal->kind != MBAR_EXPR_TEXT ||
        side->column == NULL || mbar_column_field(side->column)->type != MBAR_TYPE_DICT) {
        return MBAR_OK;
    }
    const mbar_column *words = mbar_column_dictionary(side->column);
    int64_t n = mbar_column_rows(words);
    s->verdicts = mbar_alloc((size_t)n + 1, error);
    if (s->verdicts == NULL) {
        return MBAR_NOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        size_t n_bytes;
        const char *word = mbar_column_text(words, i, &n_bytes);
        int order = compare_text(word, n_bytes, literal->text, strlen(literal->text));
        s->verdicts[i] = mbar_op_accepts(s->expr->op, straight ? order : -order);
    }
    s->column = side->column;
    return MBAR_OK;
}

static mbar_status new_step(program *p, const mbar_expr *expr, int32_t *index, mbar_error *error)
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
    p->steps[p->n++] = (step){.expr = expr, .a = -1, .b = -1};
    return MBAR_OK;
}

static mbar_status lay_out(program *p, const mbar_expr *expr, int32_t *index, mbar_error *error)
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
    step *s = &p->steps[*index];
    s->a = a;
    s->b = b;
    if (expr->kind == MBAR_EXPR_COLUMN) {
        return lay_column(p, s, error);
    }
    if (expr->kind != MBAR_EXPR_NODE) {
        s->kind = literal_kind(expr->kind);
        s->unit_ns = 1;
        return MBAR_OK;
    }
    status = lay_node(s, p->steps[a].kind, b >= 0 ? p->steps[b].kind : K_BOOL, error);
    return status == MBAR_OK && b >= 0 ? lay_verdicts(s, &p->steps[a], &p->steps[b], error)
                                       : status;
}

/* ---- One block --------------------------------------------------------------------- */

static void load_numbers(step *s, int64_t first, int64_t n)
{
    const void *values = mbar_column_values(s->column);
    for (int64_t i = 0; i < n; i++) {
        cell *to = &s->cells[i];
        switch (mbar_column_field(s->column)->type) {
        case MBAR_TYPE_INT32:
            to->i = ((const int32_t *)values)[first + i];
            break;
        case MBAR_TYPE_FLOAT32:
            to->d = (double)((const float *)values)[first + i];
            break;
        default:
            memcpy(to, (const char *)values + (size_t)(first + i) * 8, 8);
        }
    }
}

static void load_column(step *s, int64_t first, int64_t n)
{
    int64_t offset = 0;
    const uint8_t *bits = mbar_column_validity(s->column, &offset);
    for (int64_t i = 0; i < n; i++) {
        s->valid[i] = bits == NULL || mbar_bit_get(bits, offset + first + i);
    }
    if (s->kind == K_BOOL) {
        for (int64_t i = 0; i < n; i++) {
            s->cells[i].truth = mbar_column_bool(s->column, first + i);
        }
    } else if (s->kind == K_TEXT) {
        for (int64_t i = 0; i < n; i++) {
            s->texts[i].data = mbar_column_text(s->column, first + i, &s->texts[i].n_bytes);
        }
    } else {
        load_numbers(s, first, n);
    }
}

static void load_literal(step *s, int64_t n)
{
    const mbar_expr *expr = s->expr;
    for (int64_t i = 0; i < n; i++) {
        s->valid[i] = 1;
        if (s->kind == K_TEXT) {
            s->texts[i] = (text_value){expr->text, strlen(expr->text)};
        } else if (s->kind == K_BOOL) {
            s->cells[i].truth = expr->integer != 0;
        } else if (s->kind == K_FLOAT) {
            s->cells[i].d = expr->real;
        } else {
            s->cells[i].i = expr->integer;
        }
    }
}

static int compare_numbers(kind a, cell x, kind b, cell y)
{
    if (a == K_FLOAT && b == K_FLOAT) {
        return x.d < y.d ? -1 : x.d > y.d ? 1 : x.d == y.d ? 0 : 2;
    }
    if (b == K_FLOAT) {
        return a == K_INT ? mbar_compare_int_float(x.i, y.d) : mbar_compare_uint_float(x.u, y.d);
    }
    if (a == K_FLOAT) {
        int reversed =
            b == K_INT ? mbar_compare_int_float(y.i, x.d) : mbar_compare_uint_float(y.u, x.d);
        return reversed == 2 ? 2 : -reversed;
    }
    if (a == b && a == K_UINT) {
        return x.u < y.u ? -1 : x.u > y.u;
    }
    if (a != b && (a == K_INT ? x.i : y.i) < 0) {
        return a == K_INT ? -1 : 1;
    }
    if (a != b) {
        return x.u < y.u ? -1 : x.u > y.u;
    }
    return x.i < y.i ? -1 : x.i > y.i;
}

static int compare_cells(const step *a, const step *b, int64_t i)
{
    cell x = a->cells[i], y = b->cells[i];
    switch (a->kind) {
    case K_BOOL:
        return (int)x.truth - (int)y.truth;
    case K_TEXT:
        return compare_text(a->texts[i].data, a->texts[i].n_bytes, b->texts[i].data,
                            b->texts[i].n_bytes);
    case K_TIME: {
        __int128 s = (__int128)x.i * a->unit_ns, t = (__int128)y.i * b->unit_ns;
        return s < t ? -1 : s > t;
    }
    default:
        return compare_numbers(a->kind, x, b->kind, y);
    }
}

static void run_comparison(const program *p, step *s, int64_t first, int64_t n)
{
    const step *a = &p->steps[s->a], *b = &p->steps[s->b];
    for (int64_t i = 0; i < n; i++) {
        s->valid[i] = a->valid[i] && b->valid[i];
        if (!s->valid[i]) {
            s->cells[i].truth = false;
        } else if (s->verdicts != NULL) {
            const int32_t *codes = mbar_column_values(s->column);
            s->cells[i].truth = s->verdicts[codes[first + i]] != 0;
        } else {
            s->cells[i].truth = mbar_op_accepts(s->expr->op, compare_cells(a, b, i));
        }
    }
}

static void run_logic(const program *p, step *s, int64_t n)
{
    const step *a = &p->steps[s->a], *b = &p->steps[s->b];
    bool decides = s->expr->op == MBAR_OP_OR; /* the value that decides alone */
    for (int64_t i = 0; i < n; i++) {
        bool x = a->valid[i] && a->cells[i].truth == decides;
        bool y = b->valid[i] && b->cells[i].truth == decides;
        s->valid[i] = x || y || (a->valid[i] && b->valid[i]);
        s->cells[i].truth = (x || y) == decides;
    }
}

static double as_double(kind k, cell x)
{
    return k == K_FLOAT ? x.d : k == K_UINT ? (double)x.u : (double)x.i;
}

static bool as_int(kind k, cell x, int64_t *out)
{
    *out = x.i;
    return k == K_INT || x.u <= (uint64_t)INT64_MAX;
}

static bool calculate(mbar_op op, int64_t x, int64_t y, int64_t *out)
{
    if (op == MBAR_OP_ADD) {
        return mbar_add_i64(x, y, out);
    }
    return op == MBAR_OP_MUL ? mbar_mul_i64(x, y, out) : !__builtin_sub_overflow(x, y, out);
}

static double calculate_float(mbar_op op, double x, double y)
{
    return op == MBAR_OP_ADD   ? x + y
           : op == MBAR_OP_SUB ? x - y
           : op == MBAR_OP_MUL ? x * y
                               : x / y;
}

/* +, -, *, /, and negation as 0 - x for integers. */
static mbar_status run_arithmetic(const program *p, step *s, int64_t first, int64_t n,
                                  mbar_error *error)
{
    const step *a = &p->steps[s->a], *b = s->b >= 0 ? &p->steps[s->b] : NULL;
    for (int64_t i = 0; i < n; i++) {
        s->valid[i] = a->valid[i] && (b == NULL || b->valid[i]);
        s->cells[i].i = 0;
        if (!s->valid[i]) {
            continue;
        }
        if (s->kind == K_FLOAT) {
            double x = as_double(a->kind, a->cells[i]);
            s->cells[i].d =
                b == NULL ? -x : calculate_float(s->expr->op, x, as_double(b->kind, b->cells[i]));
            continue;
        }
        int64_t x, y = 0, result = 0;
        bool fits = as_int(a->kind, a->cells[i], &x) &&
                    (b == NULL || as_int(b->kind, b->cells[i], &y)) &&
                    (b == NULL ? calculate(MBAR_OP_SUB, 0, x, &result)
                               : calculate(s->expr->op, x, y, &result));
        if (!fits) {
            misfit(s->expr, "the result does not fit a 64-bit integer", error);
            if (error != NULL) {
                error->row = first + i;
            }
            return MBAR_INVALID;
        }
        s->cells[i].i = result;
    }
    return MBAR_OK;
}

static void run_test(const program *p, step *s, int64_t n)
{
    const step *a = &p->steps[s->a];
    for (int64_t i = 0; i < n; i++) {
        switch (s->expr->op) {
        case MBAR_OP_IS_NULL:
            s->valid[i] = 1;
            s->cells[i].truth = !a->valid[i];
            break;
        case MBAR_OP_IS_NAN:
            s->valid[i] = a->valid[i];
            s->cells[i].truth = a->kind == K_FLOAT && isnan(a->cells[i].d);
            break;
        default:
            s->valid[i] = a->valid[i];
            s->cells[i].truth = !a->cells[i].truth;
        }
    }
}

static mbar_status run_step(const program *p, step *s, int64_t first, int64_t n, mbar_error *error)
{
    if (s->expr->kind == MBAR_EXPR_COLUMN) {
        load_column(s, first, n);
    } else if (s->expr->kind != MBAR_EXPR_NODE) {
        load_literal(s, n);
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

/* ---- A program ---------------------------------------------------------------------- */

static void program_deinit(program *p)
{
    for (int32_t i = 0; i < p->n; i++) {
        mbar_free(p->steps[i].verdicts);
        mbar_free(p->steps[i].cells);
        mbar_free(p->steps[i].texts);
        mbar_free(p->steps[i].valid);
    }
    mbar_free(p->steps);
}

static mbar_status program_init(program *p, const mbar_expr *expr, const mbar_table *table,
                                mbar_error *error)
{
    int32_t root = 0;
    *p = (program){.table = table};
    mbar_status status = lay_out(p, expr, &root, error);
    for (int32_t i = 0; i < p->n && status == MBAR_OK; i++) {
        step *s = &p->steps[i];
        s->cells = mbar_alloc_array(BLOCK, sizeof *s->cells, error);
        s->valid = mbar_alloc(BLOCK, error);
        if (s->kind == K_TEXT) {
            s->texts = mbar_alloc_array(BLOCK, sizeof *s->texts, error);
        }
        if (s->cells == NULL || s->valid == NULL || (s->kind == K_TEXT && s->texts == NULL)) {
            status = MBAR_NOMEM;
        }
    }
    if (status != MBAR_OK) {
        program_deinit(p);
    }
    return status;
}

/* Runs one block; the root is the last step. */
static mbar_status run_block(const program *p, int64_t first, int64_t n, mbar_error *error)
{
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < p->n && status == MBAR_OK; i++) {
        status = run_step(p, &p->steps[i], first, n, error);
    }
    return status;
}

mbar_status mbar_expr_keep(const mbar_expr *expr, const mbar_table *table, uint8_t *keep,
                           mbar_error *error)
{
    program p;
    mbar_status status = program_init(&p, expr, table, error);
    if (status != MBAR_OK) {
        return status;
    }
    const step *root = &p.steps[p.n - 1];
    int64_t rows = mbar_table_rows(table);
    if (root->kind != K_BOOL) {
        status = misfit(expr, "a filter must be true or false", error);
    }
    for (int64_t first = 0; first < rows && status == MBAR_OK; first += BLOCK) {
        int64_t n = rows - first < BLOCK ? rows - first : BLOCK;
        status = run_block(&p, first, n, error);
        for (int64_t i = 0; i < n && status == MBAR_OK; i++) {
            keep[first + i] = root->valid[i] && root->cells[i].truth;
        }
    }
    program_deinit(&p);
    return status;
}

/* ---- Into a column --------------------------------------------------------------------- */

static mbar_type type_of(kind k)
{
    static const mbar_type types[] = {MBAR_TYPE_BOOL,    MBAR_TYPE_INT64,     MBAR_TYPE_UINT64,
                                      MBAR_TYPE_FLOAT64, MBAR_TYPE_TIMESTAMP, MBAR_TYPE_UTF8};
    return types[k];
}

/* A text literal, once a row. */
static mbar_status literal_text(const mbar_expr *expr, const mbar_field *field, int64_t rows,
                                mbar_column **out, mbar_error *error)
{
    size_t length = strlen(expr->text), n_bytes;
    mbar_buffer *offsets = NULL, *bytes = NULL;
    if (!mbar_mul_size(length, (size_t)rows, &n_bytes) || n_bytes > INT32_MAX) {
        return mbar_error_set(error, MBAR_INVALID, "%lld times a text of %zu bytes is too long",
                              (long long)rows, length);
    }
    mbar_status status = mbar_buffer_new(((size_t)rows + 1) * sizeof(int32_t), &offsets, error);
    if (status == MBAR_OK) {
        status = mbar_buffer_new(n_bytes, &bytes, error);
    }
    for (int64_t i = 0; i < rows && status == MBAR_OK; i++) {
        ((int32_t *)mbar_buffer_writable(offsets))[i + 1] = (int32_t)((size_t)(i + 1) * length);
        memcpy((char *)mbar_buffer_writable(bytes) + (size_t)i * length, expr->text, length);
    }
    if (status == MBAR_OK) {
        status = mbar_column_new_utf8(field, rows, offsets, bytes, NULL, 0, out, error);
    }
    mbar_buffer_unref(offsets);
    mbar_buffer_unref(bytes);
    return status;
}

static mbar_status fill(const program *p, uint8_t *data, uint8_t *bits, bool *nulls,
                        mbar_error *error)
{
    const step *root = &p->steps[p->n - 1];
    int64_t rows = mbar_table_rows(p->table);
    for (int64_t first = 0; first < rows; first += BLOCK) {
        int64_t n = rows - first < BLOCK ? rows - first : BLOCK;
        mbar_status status = run_block(p, first, n, error);
        if (status != MBAR_OK) {
            return status;
        }
        for (int64_t i = 0; i < n; i++) {
            *nulls |= !root->valid[i];
            mbar_bit_put(bits, first + i, root->valid[i] != 0);
            if (root->kind == K_BOOL) {
                mbar_bit_put(data, first + i, root->valid[i] && root->cells[i].truth);
            } else {
                memcpy(data + (size_t)(first + i) * 8, &root->cells[i], 8);
            }
        }
    }
    return MBAR_OK;
}

mbar_status mbar_expr_eval(const mbar_expr *expr, const mbar_table *table, mbar_column **out,
                           mbar_error *error)
{
    assert(expr != NULL && table != NULL && out != NULL);
    program p;
    mbar_status status = program_init(&p, expr, table, error);
    if (status != MBAR_OK) {
        return status;
    }
    const step *root = &p.steps[p.n - 1];
    int64_t rows = mbar_table_rows(table);
    mbar_buffer *data = NULL, *bits = NULL;
    char name[128];
    mbar_expr_format(expr, name, sizeof name);
    mbar_field field = {.name = name, .type = type_of(root->kind), .unit = MBAR_UNIT_NS};
    if (root->kind == K_TIME) {
        field.zone = "UTC"; /* only a literal gets here: a column is returned as it is */
    }
    if (expr->kind == MBAR_EXPR_COLUMN) {
        *out = mbar_column_ref((mbar_column *)root->column);
    } else if (root->kind == K_TEXT) {
        status = literal_text(expr, &field, rows, out, error);
    } else {
        bool nulls = false;
        size_t bit_bytes = mbar_bits_bytes(rows);
        status = mbar_buffer_new(root->kind == K_BOOL ? bit_bytes : (size_t)rows * 8, &data, error);
        if (status == MBAR_OK) {
            status = mbar_buffer_new(bit_bytes, &bits, error);
        }
        if (status == MBAR_OK) {
            status =
                fill(&p, mbar_buffer_writable(data), mbar_buffer_writable(bits), &nulls, error);
        }
        field.nullable = nulls;
        if (status == MBAR_OK) {
            status = mbar_column_new(&field, rows, data, nulls ? bits : NULL, nulls ? -1 : 0, out,
                                     error);
        }
    }
    mbar_buffer_unref(data);
    mbar_buffer_unref(bits);
    program_deinit(&p);
    return status;
}
