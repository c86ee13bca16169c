/*
 * table.c - columns of the same rows under distinct names.
 *
 * A table is one block: the struct with its column pointers. Names are checked
 * once, when it is made from outside (O(n log n) in the columns); slices and
 * the like keep what was checked.
 */
#include <millibar/table.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "table/column.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mbar_table {
    atomic_size_t n_refs;
    int64_t n_rows;
    int32_t n_columns;
    mbar_column *columns[];
};

static const char *name_of(const mbar_table *table, int32_t i)
{
    return mbar_column_field(table->columns[i])->name;
}

/* A table with room for its columns, all NULL still. */
static mbar_table *new_table(int64_t n_rows, int32_t n_columns, mbar_error *error)
{
    size_t n_bytes;
    if (!mbar_mul_size((size_t)n_columns, sizeof(mbar_column *), &n_bytes) ||
        !mbar_add_size(n_bytes, sizeof(mbar_table), &n_bytes)) {
        mbar_error_set(error, MBAR_NOMEM, "out of memory: %d columns", (int)n_columns);
        return NULL;
    }
    mbar_table *self = mbar_alloc(n_bytes, error);
    if (!self)
        return NULL;
    atomic_init(&self->n_refs, 1);
    self->n_rows = n_rows;
    self->n_columns = n_columns;
    return self;
}

/* *out = self on OK, else frees self and what it has. */
static mbar_status deliver(mbar_table *self, mbar_status status, mbar_table **out)
{
    if (status == MBAR_OK)
        *out = self;
    else
        mbar_table_unref(self);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static mbar_status check_names(mbar_column *const *columns, int32_t n, mbar_error *error)
{
    if (n < 2)
        return MBAR_OK;
    const char **names = mbar_alloc_array((size_t)n, sizeof *names, error);
    if (!names)
        return MBAR_NOMEM;
    for (int32_t i = 0; i < n; i++)
        names[i] = mbar_column_field(columns[i])->name;
    qsort(names, (size_t)n, sizeof *names, compare_names);
    mbar_status status = MBAR_OK;
    for (int32_t i = 1; i < n && status == MBAR_OK; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            status = mbar_error_set(error, MBAR_INVALID, "two columns are named \"%s\": rename one",
                                    names[i]);
    mbar_free(names);
    return status;
}

static mbar_status check_rows(mbar_column *const *columns, int32_t n, mbar_error *error)
{
    for (int32_t i = 1; i < n; i++)
        if (mbar_column_rows(columns[i]) != mbar_column_rows(columns[0]))
            return mbar_error_set(
                error, MBAR_INVALID, "column \"%s\" has %lld rows, column \"%s\" has %lld",
                mbar_column_field(columns[i])->name, (long long)mbar_column_rows(columns[i]),
                mbar_column_field(columns[0])->name, (long long)mbar_column_rows(columns[0]));
    return MBAR_OK;
}

mbar_status mbar_table_new(mbar_column *const *columns, int32_t n_columns, mbar_table **out,
                           mbar_error *error)
{
    assert(n_columns >= 0 && (columns || n_columns == 0));
    mbar_status status = check_rows(columns, n_columns, error);
    if (status == MBAR_OK)
        status = check_names(columns, n_columns, error);
    if (status != MBAR_OK)
        return status;
    mbar_table *self = new_table(n_columns ? mbar_column_rows(columns[0]) : 0, n_columns, error);
    if (!self)
        return MBAR_NOMEM;
    for (int32_t i = 0; i < n_columns; i++)
        self->columns[i] = mbar_column_ref(columns[i]);
    *out = self;
    return MBAR_OK;
}

mbar_table *mbar_table_ref(mbar_table *table)
{
    assert(table);
    atomic_fetch_add_explicit(&table->n_refs, 1, memory_order_relaxed);
    return table;
}

void mbar_table_unref(mbar_table *table)
{
    if (!table || atomic_fetch_sub_explicit(&table->n_refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int32_t i = 0; i < table->n_columns; i++)
        mbar_column_unref(table->columns[i]);
    mbar_free(table);
}

int64_t mbar_table_rows(const mbar_table *table)
{
    return table->n_rows;
}

int32_t mbar_table_columns(const mbar_table *table)
{
    return table->n_columns;
}

mbar_column *mbar_table_column(const mbar_table *table, int32_t index)
{
    assert(index >= 0 && index < table->n_columns);
    return table->columns[index];
}

int32_t mbar_table_find(const mbar_table *table, const char *name)
{
    for (int32_t i = 0; i < table->n_columns; i++)
        if (strcmp(name_of(table, i), name) == 0)
            return i;
    return -1;
}

mbar_status mbar_table_slice(mbar_table *table, int64_t first, int64_t n_rows, mbar_table **out,
                             mbar_error *error)
{
    assert(first >= 0 && n_rows >= 0 && first <= table->n_rows && n_rows <= table->n_rows - first);
    mbar_table *self = new_table(n_rows, table->n_columns, error);
    if (!self)
        return MBAR_NOMEM;
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < table->n_columns && status == MBAR_OK; i++)
        status = mbar_column_slice(table->columns[i], first, n_rows, &self->columns[i], error);
    return deliver(self, status, out);
}

static mbar_status no_such_column(const mbar_table *table, const char *name, mbar_error *error)
{
    char list[256] = "";
    size_t n_bytes = 0;
    for (int32_t i = 0; i < table->n_columns && n_bytes < sizeof list; i++)
        n_bytes += (size_t)snprintf(list + n_bytes, sizeof list - n_bytes, "%s\"%s\"",
                                    i ? ", " : "", name_of(table, i));
    return mbar_error_set(error, MBAR_NOTFOUND, "no column \"%.100s\": there %s %s%s", name,
                          table->n_columns == 1 ? "is" : "are", table->n_columns ? list : "none",
                          n_bytes >= sizeof list ? "..." : "");
}

mbar_status mbar_table_select(mbar_table *table, const char *const *names, int32_t n_names,
                              mbar_table **out, mbar_error *error)
{
    assert(n_names >= 0 && (names || n_names == 0));
    mbar_table *self = new_table(n_names ? table->n_rows : 0, n_names, error);
    if (!self)
        return MBAR_NOMEM;
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < n_names && status == MBAR_OK; i++) {
        int32_t at = mbar_table_find(table, names[i]);
        if (at < 0)
            status = no_such_column(table, names[i], error);
        else
            self->columns[i] = mbar_column_ref(table->columns[at]);
    }
    if (status == MBAR_OK)
        status = check_names(self->columns, n_names, error);
    return deliver(self, status, out);
}

mbar_status mbar_table_take(const mbar_table *table, const int64_t *rows, int64_t n_rows,
                            mbar_table **out, mbar_error *error)
{
    assert(n_rows >= 0 && (rows || n_rows == 0));
    mbar_table *self = new_table(table->n_columns ? n_rows : 0, table->n_columns, error);
    if (!self)
        return MBAR_NOMEM;
    mbar_status status = MBAR_OK;
    bool any_missing = table->n_columns && mbar_take_check(rows, n_rows, table->n_rows);
    for (int32_t i = 0; i < table->n_columns && status == MBAR_OK; i++)
        status = mbar_column_take_checked(table->columns[i], rows, n_rows, any_missing,
                                          &self->columns[i], error);
    return deliver(self, status, out);
}

static mbar_status check_same_columns(mbar_table *const *tables, int32_t n, mbar_error *error)
{
    const mbar_table *first = tables[0];
    for (int32_t k = 1; k < n; k++) {
        if (tables[k]->n_columns != first->n_columns)
            return mbar_error_set(error, MBAR_INVALID,
                                  "table 0 has %d columns and table %d has %d: select the same",
                                  (int)first->n_columns, (int)k, (int)tables[k]->n_columns);
        for (int32_t i = 0; i < first->n_columns; i++)
            if (strcmp(name_of(first, i), name_of(tables[k], i)) != 0)
                return mbar_error_set(error, MBAR_INVALID,
                                      "column %d is \"%.100s\" in table 0 and \"%.100s\" in table "
                                      "%d: select the same columns in the same order",
                                      (int)i, name_of(first, i), name_of(tables[k], i), (int)k);
    }
    return MBAR_OK;
}

static mbar_status join_columns(mbar_table *const *tables, int32_t n, mbar_table *self,
                                mbar_error *error)
{
    mbar_column **parts = mbar_alloc_array((size_t)n, sizeof *parts, error);
    if (!parts)
        return MBAR_NOMEM;
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < self->n_columns && status == MBAR_OK; i++) {
        for (int32_t k = 0; k < n; k++)
            parts[k] = tables[k]->columns[i];
        status = mbar_column_concat(parts, n, &self->columns[i], error);
    }
    mbar_free(parts);
    return status;
}

mbar_status mbar_table_concat(mbar_table *const *tables, int32_t n, mbar_table **out,
                              mbar_error *error)
{
    assert(tables && n >= 1);
    if (n == 1) {
        *out = mbar_table_ref(tables[0]);
        return MBAR_OK;
    }
    mbar_status status = check_same_columns(tables, n, error);
    if (status != MBAR_OK)
        return status;
    mbar_table *self = new_table(0, tables[0]->n_columns, error);
    if (!self)
        return MBAR_NOMEM;
    status = join_columns(tables, n, self, error);
    if (status == MBAR_OK && self->n_columns)
        self->n_rows = mbar_column_rows(self->columns[0]);
    return deliver(self, status, out);
}

bool mbar_table_equal(const mbar_table *a, const mbar_table *b)
{
    if (a == b)
        return true;
    if (a->n_columns != b->n_columns || a->n_rows != b->n_rows)
        return false;
    for (int32_t i = 0; i < a->n_columns; i++)
        if (strcmp(name_of(a, i), name_of(b, i)) != 0 ||
            !mbar_column_equal(a->columns[i], b->columns[i]))
            return false;
    return true;
}
