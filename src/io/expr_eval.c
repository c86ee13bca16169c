/*
 * expr_eval.c - the value of an expression for each row of a table.
 *
 * Blocks of rows go through all steps of the laid-out expression; what the last
 * one gives is a filter's verdict or a new column.
 *
 * Cost: O(rows * nodes), memory O(nodes) beside the result.
 */
#include "io/expr_steps.h"

#include "base/checked.h"
#include "table/bitmap.h"
#include "table/buffer.h"

#include <assert.h>
#include <string.h>

mbar_status mbar_expr_keep(const mbar_expr *expr, const mbar_table *table, uint8_t *keep,
                           mbar_error *error)
{
    mbar_expr_program p;
    mbar_status status = mbar_expr_layout(&p, expr, table, error);
    if (status != MBAR_OK) {
        mbar_expr_program_deinit(&p);
        return status;
    }
    const mbar_expr_step *root = &p.steps[p.n - 1];
    int64_t rows = mbar_table_rows(table);
    if (root->type != K_BOOL) {
        status = mbar_expr_misfit(expr, "a filter must be true or false", error);
    }
    for (int64_t first = 0; first < rows && status == MBAR_OK; first += MBAR_EXPR_BLOCK) {
        int64_t n = rows - first < MBAR_EXPR_BLOCK ? rows - first : MBAR_EXPR_BLOCK;
        status = mbar_expr_run_block(&p, first, n, error);
        if (status == MBAR_OK) {
            memcpy(keep + first, root->truths, (size_t)n);
        }
    }
    mbar_expr_program_deinit(&p);
    return status;
}

/* ---- Into a column --------------------------------------------------------------------- */

static mbar_type type_of(mbar_expr_type k)
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

static mbar_status fill(const mbar_expr_program *p, uint8_t *data, uint8_t *bits, bool *nulls,
                        mbar_error *error)
{
    const mbar_expr_step *root = &p->steps[p->n - 1];
    int64_t rows = mbar_table_rows(p->table);
    for (int64_t first = 0; first < rows; first += MBAR_EXPR_BLOCK) {
        int64_t n = rows - first < MBAR_EXPR_BLOCK ? rows - first : MBAR_EXPR_BLOCK;
        mbar_status status = mbar_expr_run_block(p, first, n, error);
        if (status != MBAR_OK) {
            return status;
        }
        for (int64_t i = 0; i < n; i++) {
            bool is_valid = root->valid == NULL || root->valid[i] != 0;
            *nulls |= !is_valid;
            mbar_bit_put(bits, first + i, is_valid);
            if (root->type == K_BOOL) {
                mbar_bit_put(data, first + i, root->truths[i]);
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
    mbar_expr_program p;
    mbar_status status = mbar_expr_layout(&p, expr, table, error);
    if (status != MBAR_OK) {
        mbar_expr_program_deinit(&p);
        return status;
    }
    const mbar_expr_step *root = &p.steps[p.n - 1];
    int64_t rows = mbar_table_rows(table);
    mbar_buffer *data = NULL, *bits = NULL;
    char name[128];
    mbar_expr_format(expr, name, sizeof name);
    mbar_field field = {.name = name, .type = type_of(root->type), .unit = MBAR_UNIT_NS};
    if (root->type == K_TIME) {
        field.zone = "UTC"; /* only a literal gets here: a column is returned as it is */
    }
    if (expr->kind == MBAR_EXPR_COLUMN) {
        *out = mbar_column_ref((mbar_column *)root->column);
    } else if (root->type == K_TEXT) {
        status = literal_text(expr, &field, rows, out, error);
    } else {
        bool nulls = false;
        size_t bit_bytes = mbar_bits_bytes(rows);
        status = mbar_buffer_new(root->type == K_BOOL ? bit_bytes : (size_t)rows * 8, &data, error);
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
    mbar_expr_program_deinit(&p);
    return status;
}
