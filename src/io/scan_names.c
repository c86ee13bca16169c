/*
 * scan_names.c - which columns a plan needs: those of its result, in order, then
 * those that only its time range and its filters look at.
 *
 * Names are looked up in the first source; the others must have the same columns.
 */
#include "io/scan_internal.h"

#include "base/alloc.h"
#include "base/checked.h"

#include <string.h>
#include <strings.h>

static bool has_name(const mbar_scan_run *r, const char *name)
{
    for (int32_t i = 0; i < r->n_names; i++) {
        if (strcmp(r->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

typedef struct name_adder {
    mbar_scan_run *r;
    const char *missing;
    mbar_status status;
    mbar_error *error;
} name_adder;

static void add_name(void *ctx, const char *name)
{
    name_adder *a = ctx;
    mbar_scan_run *r = a->r;
    if (a->status != MBAR_OK || has_name(r, name)) {
        return;
    }
    if (mbar_table_find(r->first, name) < 0) {
        a->missing = a->missing != NULL ? a->missing : name;
        return;
    }
    void *array = r->names;
    if (!mbar_resize_array(&array, (size_t)r->n_names, (size_t)r->n_names + 1, sizeof *r->names,
                           a->error)) {
        a->status = MBAR_NOMEM;
        return;
    }
    r->names = array;
    r->names[r->n_names++] = name;
}

static bool is_resampled(const char *name)
{
    static const char *const used[] = {"open",   "high",     "low",         "close",
                                       "volume", "dividend", "stock_splits"};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) {
        if (strcasecmp(name, used[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const char *time_name(const mbar_scan_run *r, const char *name, mbar_error *error)
{
    int32_t n = mbar_table_columns(r->first);
    const mbar_field **fields = mbar_alloc_array((size_t)n + 1, sizeof *fields, error);
    if (fields == NULL) {
        return NULL;
    }
    for (int32_t c = 0; c < n; c++) {
        fields[c] = mbar_column_field(mbar_table_column(r->first, c));
    }
    int32_t index = mbar_scan_find_time(fields, n, name);
    const char *found = index >= 0 ? fields[index]->name : NULL;
    bool is_time = index >= 0 && fields[index]->type == MBAR_TYPE_TIMESTAMP;
    mbar_free(fields);
    if (found == NULL && name != NULL) {
        mbar_error_set(error, MBAR_NOTFOUND, "there is no time column '%s'", name);
    } else if (found == NULL) {
        mbar_error_set(error, MBAR_NOTFOUND,
                       "no time column is found (none, or several without a usual name); name it");
    } else if (!is_time) {
        mbar_error_set(error, MBAR_INVALID, "column '%s' is not a timestamp column", found);
        return NULL;
    }
    return found;
}

/* As add_name, for a column of an aggregate: where there is a select, one of it. */
static void add_aggregated(void *ctx, const char *name)
{
    name_adder *a = ctx;
    const mbar_scan *scan = a->r->scan;
    bool is_selected = !scan->has_select;
    for (int32_t i = 0; i < scan->n_selected && !is_selected; i++) {
        is_selected = strcmp(scan->selected[i], name) == 0;
    }
    if (is_selected) {
        add_name(a, name);
    } else if (a->status == MBAR_OK) {
        a->status = mbar_error_set(a->error, MBAR_NOTFOUND,
                                   "column '%s' is aggregated, but not among the selected", name);
    }
}

/* Rows are counted by a column, where nothing else is looked at. */
static void add_any(name_adder *a)
{
    if (a->r->n_names == 0 && mbar_table_columns(a->r->first) > 0) {
        add_name(a, mbar_column_field(mbar_table_column(a->r->first, 0))->name);
    }
}

/* The columns of the result: rows, resampled or not, or what aggregates are of. */
static void add_result(name_adder *a)
{
    mbar_scan_run *r = a->r;
    const mbar_scan *scan = r->scan;
    if (r->fold != NULL && !scan->has_resample) {
        mbar_scan_fold_each_column(r->fold, add_aggregated, a);
        if (!r->streams) {
            add_any(a);
        }
        return;
    }
    for (int32_t i = 0; i < scan->n_selected; i++) {
        add_name(a, scan->selected[i]);
    }
    for (int32_t c = 0; c < mbar_table_columns(r->first) && !scan->has_select; c++) {
        const char *name = mbar_column_field(mbar_table_column(r->first, c))->name;
        if (!scan->has_resample || is_resampled(name)) {
            add_name(a, name);
        }
    }
}

/* A column that the first source lacks, or has and cannot give. */
static mbar_status missing_column(const mbar_scan_run *r, const char *name, mbar_error *error)
{
    mbar_scan_opened o;
    mbar_table *table = NULL;
    mbar_status status = mbar_scan_open_source(&r->scan->sources[0], &o, error);
    if (status != MBAR_OK) {
        return status;
    }
    if (o.file != NULL && mbar_scan_file_column(o.file, name) >= 0) {
        status = mbar_scan_read_columns(&o, &name, 1, 0, 0, 1, &table, NULL, error);
    } else {
        status = mbar_table_select(r->first, &name, 1, &table, error);
        mbar_error_in_file(error, o.source->name);
    }
    mbar_table_unref(table);
    mbar_scan_close_source(&o);
    return status;
}

mbar_status mbar_scan_choose_names(mbar_scan_run *r, mbar_error *error)
{
    const mbar_scan *scan = r->scan;
    name_adder a = {.r = r, .error = error};
    if (scan->has_between) {
        r->time_name = time_name(r, scan->time_column, error);
        if (r->time_name == NULL) {
            return error != NULL ? error->code : MBAR_NOTFOUND;
        }
    }
    const char *bar_time = NULL;
    if (scan->has_resample) {
        bar_time = time_name(r, scan->series.time_column, error);
        if (bar_time == NULL) {
            return error != NULL ? error->code : MBAR_NOTFOUND;
        }
        add_name(&a, bar_time);
    }
    add_result(&a);
    r->n_result = r->n_names;
    for (int32_t i = 0; i < scan->n_filters; i++) {
        mbar_expr_each_column(scan->filters[i], add_name, &a);
    }
    if (r->time_name != NULL) {
        add_name(&a, r->time_name);
    }
    if (r->streams) {
        add_any(&a);
    }
    if (a.status == MBAR_OK && a.missing != NULL) {
        return missing_column(r, a.missing, error);
    }
    return a.status;
}
