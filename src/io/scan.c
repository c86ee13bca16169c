/*
 * scan.c - the plan: what to read, said before anything is read.
 *
 * Each call only notes something down; scan_paths.c finds the files a path
 * means, scan_run.c does the work, scan_explain.c tells of it. A copy owns its
 * own notes and shares what is immutable (expressions, zones, tables).
 */
#include "io/scan_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

/* ---- Life -------------------------------------------------------------------- */

mbar_status mbar_scan_new(mbar_scan **out, mbar_error *error)
{
    mbar_scan *scan = mbar_alloc(sizeof *scan, error);
    if (scan == NULL) {
        return MBAR_NOMEM;
    }
    scan->from_ns = INT64_MIN;
    scan->to_ns = INT64_MAX;
    *out = scan;
    return MBAR_OK;
}

static void source_deinit(mbar_scan_source *source)
{
    for (int32_t i = 0; i < source->n_hive; i++) {
        mbar_free(source->hive[i].key);
        mbar_free(source->hive[i].value);
    }
    mbar_free(source->hive);
    mbar_free(source->name);
    mbar_table_unref(source->table);
}

static void forget_resample(mbar_scan *scan)
{
    mbar_free((char *)scan->series.time_column);
    mbar_zone_unref(scan->series.zone);
    mbar_zone_unref(scan->series.assume_zone);
    mbar_zone_unref(scan->resample.zone);
    scan->has_resample = false;
}

static void forget_select(mbar_scan *scan)
{
    for (int32_t i = 0; i < scan->n_selected; i++) {
        mbar_free(scan->selected[i]);
    }
    mbar_free(scan->selected);
    scan->selected = NULL;
    scan->n_selected = 0;
    scan->has_select = false;
}

void mbar_scan_free(mbar_scan *scan)
{
    if (scan == NULL) {
        return;
    }
    mbar_scan_drop_sources(scan, 0);
    for (int32_t i = 0; i < scan->n_filters; i++) {
        mbar_expr_unref(scan->filters[i]);
    }
    forget_select(scan);
    forget_resample(scan);
    mbar_free(scan->sources);
    mbar_free(scan->filters);
    mbar_free(scan->limits);
    mbar_free(scan->time_column);
    mbar_free(scan);
}

/* Makes room for one more element of an array. */
static mbar_status grow(void **array, int32_t n, size_t width, mbar_error *error)
{
    if (n == INT32_MAX) {
        return mbar_error_set(error, MBAR_INVALID, "a scan has too many parts");
    }
    return mbar_resize_array(array, (size_t)n, (size_t)n + 1, width, error) ? MBAR_OK : MBAR_NOMEM;
}

mbar_status mbar_scan_copy(const mbar_scan *scan, mbar_scan **out, mbar_error *error)
{
    assert(scan != NULL && out != NULL);
    mbar_scan *copy = NULL;
    mbar_status status = mbar_scan_new(&copy, error);
    for (int32_t i = 0; i < scan->n_sources && status == MBAR_OK; i++) {
        status = mbar_scan_push_source(copy, &scan->sources[i], error);
    }
    for (int32_t i = 0; i < scan->n_filters && status == MBAR_OK; i++) {
        status = mbar_scan_filter(copy, scan->filters[i], error);
    }
    for (int32_t i = 0; i < scan->n_limits && status == MBAR_OK; i++) {
        status = (scan->limits[i].is_tail ? mbar_scan_tail
                                          : mbar_scan_head)(copy, scan->limits[i].n_rows, error);
    }
    if (status == MBAR_OK && scan->has_select) {
        status =
            mbar_scan_select(copy, (const char *const *)scan->selected, scan->n_selected, error);
    }
    if (status == MBAR_OK && scan->has_between) {
        status = mbar_scan_between(copy, scan->time_column, scan->from_ns, scan->to_ns, error);
    }
    if (status == MBAR_OK && scan->has_resample) {
        status = mbar_scan_resample(copy, &scan->series, &scan->resample, error);
    }
    if (status != MBAR_OK) {
        mbar_scan_free(copy);
        return status;
    }
    copy->n_threads = scan->n_threads;
    *out = copy;
    return MBAR_OK;
}

/* ---- Sources -------------------------------------------------------------------- */

static mbar_status copy_hive(mbar_scan_source *to, const mbar_scan_source *from, mbar_error *error)
{
    if (from->n_hive == 0) {
        return MBAR_OK;
    }
    to->hive = mbar_alloc_array((size_t)from->n_hive, sizeof *to->hive, error);
    if (to->hive == NULL) {
        return MBAR_NOMEM;
    }
    to->n_hive = from->n_hive;
    for (int32_t i = 0; i < from->n_hive; i++) {
        to->hive[i].key = mbar_strdup(from->hive[i].key, error);
        if (to->hive[i].key == NULL) {
            return MBAR_NOMEM;
        }
        if (from->hive[i].value != NULL) {
            to->hive[i].value = mbar_strdup(from->hive[i].value, error);
            if (to->hive[i].value == NULL) {
                return MBAR_NOMEM;
            }
        }
    }
    return MBAR_OK;
}

mbar_status mbar_scan_push_source(mbar_scan *scan, const mbar_scan_source *source,
                                  mbar_error *error)
{
    mbar_scan_source made = {
        .kind = source->kind, .data = source->data, .n_bytes = source->n_bytes};
    void *array = scan->sources;
    made.name = mbar_strdup(source->name, error);
    mbar_status status = made.name == NULL ? MBAR_NOMEM : copy_hive(&made, source, error);
    if (status == MBAR_OK) {
        status = grow(&array, scan->n_sources, sizeof *scan->sources, error);
        scan->sources = array;
    }
    if (status != MBAR_OK) {
        source_deinit(&made);
        return status;
    }
    made.table = source->table != NULL ? mbar_table_ref(source->table) : NULL;
    scan->sources[scan->n_sources++] = made;
    return MBAR_OK;
}

void mbar_scan_drop_sources(mbar_scan *scan, int32_t n)
{
    while (scan->n_sources > n) {
        source_deinit(&scan->sources[--scan->n_sources]);
    }
}

mbar_status mbar_scan_add_memory(mbar_scan *scan, const void *data, size_t n_bytes,
                                 const char *name, mbar_error *error)
{
    assert(scan != NULL && (data != NULL || n_bytes == 0));
    mbar_scan_source source = {.kind = MBAR_SCAN_MEMORY,
                               .data = data,
                               .n_bytes = n_bytes,
                               .name = (char *)(name != NULL ? name : "memory")};
    return mbar_scan_push_source(scan, &source, error);
}

mbar_status mbar_scan_add_table(mbar_scan *scan, mbar_table *table, mbar_error *error)
{
    assert(scan != NULL && table != NULL);
    mbar_scan_source source = {.kind = MBAR_SCAN_TABLE, .table = table, .name = (char *)"table"};
    return mbar_scan_push_source(scan, &source, error);
}

/* ---- Notes ---------------------------------------------------------------------- */

mbar_status mbar_scan_select(mbar_scan *scan, const char *const *names, int32_t n_names,
                             mbar_error *error)
{
    assert(scan != NULL && n_names >= 0);
    if (n_names == 0) {
        return mbar_error_set(error, MBAR_INVALID, "select needs at least one column");
    }
    char **copies = mbar_alloc_array((size_t)n_names, sizeof *copies, error);
    if (copies == NULL) {
        return MBAR_NOMEM;
    }
    mbar_status status = MBAR_OK;
    for (int32_t i = 0; i < n_names && status == MBAR_OK; i++) {
        for (int32_t j = 0; j < i && status == MBAR_OK; j++) {
            if (strcmp(names[i], names[j]) == 0) {
                status =
                    mbar_error_set(error, MBAR_INVALID, "column '%s' is selected twice", names[i]);
            }
        }
        copies[i] = status == MBAR_OK ? mbar_strdup(names[i], error) : NULL;
        status = status == MBAR_OK && copies[i] == NULL ? MBAR_NOMEM : status;
    }
    if (status != MBAR_OK) {
        for (int32_t i = 0; i < n_names; i++) {
            mbar_free(copies[i]);
        }
        mbar_free(copies);
        return status;
    }
    forget_select(scan);
    scan->selected = copies;
    scan->n_selected = n_names;
    scan->has_select = true;
    return MBAR_OK;
}

mbar_status mbar_scan_between(mbar_scan *scan, const char *time_column, int64_t from_ns,
                              int64_t to_ns, mbar_error *error)
{
    assert(scan != NULL);
    if (time_column != NULL && scan->time_column != NULL &&
        strcmp(time_column, scan->time_column) != 0) {
        return mbar_error_set(error, MBAR_INVALID,
                              "between is given for '%s' and for '%s'; use one time column, or a "
                              "filter",
                              scan->time_column, time_column);
    }
    if (time_column != NULL && scan->time_column == NULL) {
        scan->time_column = mbar_strdup(time_column, error);
        if (scan->time_column == NULL) {
            return MBAR_NOMEM;
        }
    }
    scan->has_between = true;
    scan->from_ns = from_ns > scan->from_ns ? from_ns : scan->from_ns;
    scan->to_ns = to_ns < scan->to_ns ? to_ns : scan->to_ns;
    return MBAR_OK;
}

mbar_status mbar_scan_filter(mbar_scan *scan, mbar_expr *expr, mbar_error *error)
{
    assert(scan != NULL && expr != NULL);
    void *array = scan->filters;
    mbar_status status = grow(&array, scan->n_filters, sizeof(mbar_expr *), error);
    scan->filters = array;
    if (status == MBAR_OK) {
        scan->filters[scan->n_filters++] = mbar_expr_ref(expr);
    }
    return status;
}

static mbar_status add_limit(mbar_scan *scan, bool is_tail, int64_t n_rows, mbar_error *error)
{
    assert(scan != NULL);
    if (n_rows < 0) {
        return mbar_error_set(error, MBAR_INVALID, "%s of %lld rows: give 0 or more",
                              is_tail ? "tail" : "head", (long long)n_rows);
    }
    void *array = scan->limits;
    mbar_status status = grow(&array, scan->n_limits, sizeof *scan->limits, error);
    scan->limits = array;
    if (status == MBAR_OK) {
        scan->limits[scan->n_limits++] = (mbar_scan_limit){is_tail, n_rows};
    }
    return status;
}

mbar_status mbar_scan_head(mbar_scan *scan, int64_t n_rows, mbar_error *error)
{
    return add_limit(scan, false, n_rows, error);
}

mbar_status mbar_scan_tail(mbar_scan *scan, int64_t n_rows, mbar_error *error)
{
    return add_limit(scan, true, n_rows, error);
}

mbar_status mbar_scan_resample(mbar_scan *scan, const mbar_series_options *options,
                               const mbar_resample *how, mbar_error *error)
{
    assert(scan != NULL && how != NULL);
    mbar_series_options series;
    mbar_series_options_init(&series);
    if (options != NULL) {
        series = *options;
    }
    if (how->every < 1) {
        return mbar_error_set(error, MBAR_INVALID, "resample every %lld: give 1 or more",
                              (long long)how->every);
    }
    if (scan->has_resample) {
        return mbar_error_set(error, MBAR_INVALID, "a scan is resampled once, as its last step");
    }
    if (series.time_column != NULL) {
        series.time_column = mbar_strdup(series.time_column, error);
        if (series.time_column == NULL) {
            return MBAR_NOMEM;
        }
    }
    scan->series = series;
    scan->resample = *how;
    if (series.zone != NULL) {
        mbar_zone_ref(series.zone);
    }
    if (series.assume_zone != NULL) {
        mbar_zone_ref(series.assume_zone);
    }
    if (how->zone != NULL) {
        mbar_zone_ref(how->zone);
    }
    scan->has_resample = true;
    return MBAR_OK;
}

void mbar_scan_threads(mbar_scan *scan, int32_t n_threads)
{
    scan->n_threads = n_threads < 0 ? 0 : n_threads;
}

int32_t mbar_scan_find_time(const mbar_field *const *fields, int32_t n, const char *name)
{
    static const char *const usual[] = {"timestamp", "datetime", "time", "date"};
    int32_t only = -1, count = 0;
    for (int32_t i = 0; i < n; i++) {
        if (name != NULL && strcmp(fields[i]->name, name) == 0) {
            return i;
        }
        if (fields[i]->type == MBAR_TYPE_TIMESTAMP) {
            only = i;
            count++;
        }
    }
    if (name != NULL || count <= 1) {
        return name != NULL ? -1 : only;
    }
    for (size_t k = 0; k < sizeof usual / sizeof *usual; k++) {
        for (int32_t i = 0; i < n; i++) {
            if (fields[i]->type == MBAR_TYPE_TIMESTAMP &&
                strcasecmp(fields[i]->name, usual[k]) == 0) {
                return i;
            }
        }
    }
    return -1;
}
