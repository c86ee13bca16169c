/*
 * scan_aggregate.c - count, sum, mean, min, max, first and last of the rows of a scan,
 * folded in as the rows come.
 *
 * Each distinct expression has one accumulator, which several aggregates may ask. Tables
 * come in row order, on one thread; a block of rows goes through the expression, the values
 * that are kept and not null are moved together, and are added one after the other. The
 * state after a row so depends on the rows before it alone: not on where one table ended,
 * nor on threads.
 *
 * Integers are added in 128 bits, which 2^63 of them cannot overflow. Doubles carry the
 * rounding error of every addition beside their sum.
 *
 * Cost: O(rows * nodes of the expressions), memory of a block.
 */
#include "io/expr_steps.h"
#include "io/scan_internal.h"

#include "base/alloc.h"
#include "table/bitmap.h"

#include <assert.h>
#include <math.h>
#include <string.h>

__extension__ typedef __int128 int128;

/* What was seen of one expression's values. */
typedef struct accumulator {
    const mbar_expr *expr;
    bool sums, bounds; /* whether an aggregate asks for it */
    mbar_expr_type type;
    const mbar_field *field; /* K_TIME of a column: the column's, for unit and zone */
    int64_t n;               /* values, none of them null */
    double sum, rest;        /* K_FLOAT: the sum, and what rounding took from it */
    int128 total;            /* the others */
    mbar_expr_cell min, max, first, last;
    bool has_bounds; /* K_FLOAT: a value that is not NaN was seen */
} accumulator;

struct mbar_scan_fold {
    const mbar_aggregate *aggregates;
    int32_t n;
    accumulator *parts; /* no more than aggregates */
    int32_t n_parts;
    int32_t *part_of; /* per aggregate; -1: rows are counted */
    int64_t n_rows;
};

const char *mbar_aggregate_name(mbar_aggregate_kind kind)
{
    static const char *const names[] = {"count", "sum", "mean", "min", "max", "first", "last"};
    assert(kind >= MBAR_AGGREGATE_COUNT && kind <= MBAR_AGGREGATE_LAST);
    return names[kind - MBAR_AGGREGATE_COUNT];
}

/* ---- Life ---------------------------------------------------------------------------- */

/* Whether two expressions are seen to be the same; those that are not are worked out twice. */
static bool is_same(const mbar_expr *a, const mbar_expr *b)
{
    return a == b || (a->kind == MBAR_EXPR_COLUMN && b->kind == MBAR_EXPR_COLUMN &&
                      strcmp(a->text, b->text) == 0);
}

static int32_t part_for(mbar_scan_fold *fold, const mbar_expr *expr)
{
    for (int32_t i = 0; i < fold->n_parts; i++) {
        if (is_same(fold->parts[i].expr, expr)) {
            return i;
        }
    }
    fold->parts[fold->n_parts].expr = expr;
    return fold->n_parts++;
}

mbar_status mbar_scan_fold_new(const mbar_aggregate *aggregates, int32_t n, mbar_scan_fold **out,
                               mbar_error *error)
{
    if (n == 0) {
        return mbar_error_set(error, MBAR_INVALID, "aggregate needs at least one aggregate");
    }
    mbar_scan_fold *fold = mbar_alloc(sizeof *fold, error);
    if (fold == NULL) {
        return MBAR_NOMEM;
    }
    fold->aggregates = aggregates;
    fold->n = n;
    fold->parts = mbar_alloc_array((size_t)n, sizeof *fold->parts, error);
    fold->part_of = mbar_alloc_array((size_t)n, sizeof *fold->part_of, error);
    if (fold->parts == NULL || fold->part_of == NULL) {
        mbar_scan_fold_free(fold);
        return MBAR_NOMEM;
    }
    for (int32_t i = 0; i < n; i++) {
        const mbar_aggregate *a = &aggregates[i];
        assert(a->name != NULL && (a->expr != NULL || a->kind == MBAR_AGGREGATE_COUNT));
        fold->part_of[i] = a->expr != NULL ? part_for(fold, a->expr) : -1;
        if (a->expr != NULL) {
            accumulator *part = &fold->parts[fold->part_of[i]];
            part->sums |= a->kind == MBAR_AGGREGATE_SUM || a->kind == MBAR_AGGREGATE_MEAN;
            part->bounds |= a->kind == MBAR_AGGREGATE_MIN || a->kind == MBAR_AGGREGATE_MAX;
        }
    }
    *out = fold;
    return MBAR_OK;
}

void mbar_scan_fold_free(mbar_scan_fold *fold)
{
    if (fold != NULL) {
        mbar_free(fold->parts);
        mbar_free(fold->part_of);
        mbar_free(fold);
    }
}

void mbar_scan_fold_each_column(const mbar_scan_fold *fold, void (*fn)(void *ctx, const char *name),
                                void *ctx)
{
    for (int32_t i = 0; i < fold->n_parts; i++) {
        mbar_expr_each_column(fold->parts[i].expr, fn, ctx);
    }
}

/* ---- Types --------------------------------------------------------------------------- */

/* Whether an aggregate has a meaning for its values. */
static mbar_status check_kind(const mbar_aggregate *a, mbar_expr_type type, mbar_error *error)
{
    if (type == K_TEXT && a->kind != MBAR_AGGREGATE_COUNT) {
        return mbar_expr_misfit(a->expr, "of text only the count is aggregated", error);
    }
    if (type == K_TIME && (a->kind == MBAR_AGGREGATE_SUM || a->kind == MBAR_AGGREGATE_MEAN)) {
        return mbar_expr_misfit(a->expr, "times have no sum and no mean", error);
    }
    return MBAR_OK;
}

mbar_status mbar_scan_fold_settle(mbar_scan_fold *fold, const mbar_table *table, mbar_error *error)
{
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < fold->n_parts && status == MBAR_OK; i++) {
        mbar_expr_program p;
        accumulator *part = &fold->parts[i];
        status = mbar_expr_layout(&p, part->expr, table, error);
        if (status == MBAR_OK) {
            const mbar_expr_step *root = &p.steps[p.n - 1];
            bool is_column = part->expr->kind == MBAR_EXPR_COLUMN;
            part->type = root->type;
            part->field = is_column ? mbar_column_field(root->column) : NULL;
        }
        mbar_expr_program_deinit(&p);
    }
    for (int32_t i = 0; i < fold->n && status == MBAR_OK; i++) {
        if (fold->part_of[i] >= 0) {
            status = check_kind(&fold->aggregates[i], fold->parts[fold->part_of[i]].type, error);
        }
    }
    return status;
}

/* ---- Rows ---------------------------------------------------------------------------- */

/* Moves the kept values of a block that are not null to the front of out. Of text, which
 * is only counted, zeros. */
static int64_t gather(const mbar_expr_step *root, const uint8_t *keep, int64_t n,
                      mbar_expr_cell *out)
{
    uint8_t taken[MBAR_EXPR_BLOCK];
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        taken[i] = keep == NULL || keep[i];
    }
    for (int64_t i = 0; i < n && root->valid != NULL; i++) {
        taken[i] &= root->valid[i] != 0;
    }
    /* A value that goes is written over by the next. */
    if (root->type == K_BOOL || root->type == K_TEXT) {
        for (int64_t i = 0; i < n; i++) {
            out[count].i = root->type == K_BOOL ? root->truths[i] : 0;
            count += taken[i];
        }
        return count;
    }
    const mbar_expr_cell *cells = root->cells;
    for (int64_t i = 0; i < n; i++) {
        out[count] = cells[i];
        count += taken[i];
    }
    return count;
}

static void add_up(accumulator *part, const mbar_expr_cell *values, int64_t n)
{
    double sum = part->sum, rest = part->rest;
    for (int64_t i = 0; i < n && part->type == K_FLOAT; i++) {
        double x = values[i].d, next = sum + x, added = next - sum;
        rest += (sum - (next - added)) + (x - added);
        sum = next;
    }
    part->sum = sum;
    part->rest = rest;
    for (int64_t i = 0; i < n && part->type != K_FLOAT; i++) {
        part->total += part->type == K_UINT ? (int128)values[i].u : (int128)values[i].i;
    }
}

static bool is_less(mbar_expr_type type, mbar_expr_cell a, mbar_expr_cell b)
{
    return type == K_FLOAT ? a.d < b.d : type == K_UINT ? a.u < b.u : a.i < b.i;
}

static void widen(accumulator *part, const mbar_expr_cell *values, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (part->type == K_FLOAT && isnan(values[i].d)) {
            continue;
        }
        if (!part->has_bounds || is_less(part->type, values[i], part->min)) {
            part->min = values[i];
        }
        if (!part->has_bounds || is_less(part->type, part->max, values[i])) {
            part->max = values[i];
        }
        part->has_bounds = true;
    }
}

static mbar_status add_part(accumulator *part, const mbar_table *table, const uint8_t *keep,
                            mbar_error *error)
{
    mbar_expr_program p;
    mbar_expr_cell values[MBAR_EXPR_BLOCK];
    int64_t rows = mbar_table_rows(table);
    mbar_status status = mbar_expr_layout(&p, part->expr, table, error);
    for (int64_t first = 0; first < rows && status == MBAR_OK; first += MBAR_EXPR_BLOCK) {
        int64_t n = rows - first < MBAR_EXPR_BLOCK ? rows - first : MBAR_EXPR_BLOCK;
        status = mbar_expr_run_block(&p, first, n, error);
        if (status != MBAR_OK) {
            break;
        }
        n = gather(&p.steps[p.n - 1], keep != NULL ? keep + first : NULL, n, values);
        if (n > 0) {
            part->first = part->n == 0 ? values[0] : part->first;
            part->last = values[n - 1];
            part->n += n;
        }
        if (part->sums) {
            add_up(part, values, n);
        }
        if (part->bounds) {
            widen(part, values, n);
        }
    }
    mbar_expr_program_deinit(&p);
    return status;
}

mbar_status mbar_scan_fold_rows(mbar_scan_fold *fold, const mbar_table *table, const uint8_t *keep,
                                mbar_error *error)
{
    int64_t rows = mbar_table_rows(table);
    mbar_status status = MBAR_OK;
    fold->n_rows += keep != NULL ? mbar_scan_count_kept(keep, rows) : rows;
    for (int32_t i = 0; i < fold->n_parts && status == MBAR_OK; i++) {
        status = add_part(&fold->parts[i], table, keep, error);
    }
    return status;
}

/* ---- The result ---------------------------------------------------------------------- */

/* A value of the result: its type, and whether it is null. */
typedef struct answer {
    mbar_type type;
    mbar_expr_cell cell;
    bool is_null;
} answer;

static mbar_type type_of(mbar_expr_type type)
{
    static const mbar_type types[] = {MBAR_TYPE_BOOL, MBAR_TYPE_INT64, MBAR_TYPE_UINT64,
                                      MBAR_TYPE_FLOAT64, MBAR_TYPE_TIMESTAMP};
    assert(type != K_TEXT);
    return types[type];
}

static double float_sum(const accumulator *part)
{
    double whole = part->sum + part->rest;
    return isfinite(whole) ? whole : part->sum; /* past an infinity the rest is NaN */
}

static mbar_status sum_of(const accumulator *part, answer *out, mbar_error *error)
{
    bool is_unsigned = part->type == K_UINT;
    if (part->type == K_FLOAT) {
        *out = (answer){.type = MBAR_TYPE_FLOAT64, .cell.d = float_sum(part)};
        return MBAR_OK;
    }
    if (part->total > (is_unsigned ? (int128)UINT64_MAX : (int128)INT64_MAX) ||
        part->total < INT64_MIN) {
        return mbar_expr_misfit(part->expr, "the sum does not fit in 64 bits", error);
    }
    *out = (answer){.type = is_unsigned ? MBAR_TYPE_UINT64 : MBAR_TYPE_INT64};
    if (is_unsigned) {
        out->cell.u = (uint64_t)part->total;
    } else {
        out->cell.i = (int64_t)part->total;
    }
    return MBAR_OK;
}

static answer mean_of(const accumulator *part)
{
    answer a = {.type = MBAR_TYPE_FLOAT64, .is_null = part->n == 0};
    double sum = part->type == K_FLOAT ? float_sum(part) : (double)part->total;
    a.cell.d = a.is_null ? 0 : sum / (double)part->n;
    return a;
}

/* MIN or MAX, FIRST or LAST. */
static answer pick(const accumulator *part, mbar_aggregate_kind kind)
{
    answer a = {.type = type_of(part->type), .is_null = part->n == 0};
    bool is_bound = kind == MBAR_AGGREGATE_MIN || kind == MBAR_AGGREGATE_MAX;
    if (kind == MBAR_AGGREGATE_FIRST || (is_bound && !part->has_bounds)) {
        a.cell = part->first; /* NaN where there is nothing else */
    } else if (is_bound) {
        a.cell = kind == MBAR_AGGREGATE_MIN ? part->min : part->max;
    } else {
        a.cell = part->last;
    }
    return a;
}

static mbar_status answer_of(const mbar_scan_fold *fold, int32_t i, answer *out, mbar_error *error)
{
    const accumulator *part = fold->part_of[i] >= 0 ? &fold->parts[fold->part_of[i]] : NULL;
    mbar_aggregate_kind kind = fold->aggregates[i].kind;
    if (kind == MBAR_AGGREGATE_COUNT) {
        *out = (answer){.type = MBAR_TYPE_INT64, .cell.i = part != NULL ? part->n : fold->n_rows};
        return MBAR_OK;
    }
    if (kind == MBAR_AGGREGATE_SUM) {
        return sum_of(part, out, error);
    }
    *out = kind == MBAR_AGGREGATE_MEAN ? mean_of(part) : pick(part, kind);
    return MBAR_OK;
}

/* A column of one row. */
static mbar_status answer_column(const mbar_scan_fold *fold, int32_t i, mbar_column **out,
                                 mbar_error *error)
{
    answer a = {0};
    mbar_buffer *data = NULL, *bits = NULL;
    mbar_status status = answer_of(fold, i, &a, error);
    if (status == MBAR_OK) {
        status = mbar_buffer_new(sizeof a.cell, &data, error);
    }
    if (status == MBAR_OK && a.is_null) {
        status = mbar_buffer_new(mbar_bits_bytes(1), &bits, error); /* zeroed: null */
    }
    if (status == MBAR_OK) {
        mbar_field field = {.name = fold->aggregates[i].name, .type = a.type};
        field.nullable = a.is_null;
        if (a.type == MBAR_TYPE_TIMESTAMP) {
            const mbar_field *like = fold->parts[fold->part_of[i]].field;
            field.unit = like != NULL ? like->unit : MBAR_UNIT_NS;
            field.zone = like != NULL ? like->zone : "UTC";
        }
        memcpy(mbar_buffer_writable(data), &a.cell, sizeof a.cell);
        if (a.type == MBAR_TYPE_BOOL) {
            mbar_bit_put(mbar_buffer_writable(data), 0, a.cell.i != 0);
        }
        status = mbar_column_new(&field, 1, data, bits, a.is_null ? 1 : 0, out, error);
    }
    mbar_buffer_unref(data);
    mbar_buffer_unref(bits);
    return status;
}

mbar_status mbar_scan_fold_result(const mbar_scan_fold *fold, mbar_table **out, mbar_error *error)
{
    mbar_column **columns = mbar_alloc_array((size_t)fold->n, sizeof *columns, error);
    mbar_status status = columns == NULL ? MBAR_NOMEM : MBAR_OK;
    for (int32_t i = 0; i < fold->n && status == MBAR_OK; i++) {
        status = answer_column(fold, i, &columns[i], error);
    }
    if (status == MBAR_OK) {
        status = mbar_table_new(columns, fold->n, out, error);
    }
    for (int32_t i = 0; i < fold->n && columns != NULL; i++) {
        mbar_column_unref(columns[i]);
    }
    mbar_free(columns);
    return status;
}
