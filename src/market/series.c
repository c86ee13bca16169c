/*
 * series.c - a series' life and what it answers about itself.
 *
 * All work is done once, when the series is made (series_rows.c, spacing.c):
 * afterwards it is immutable and every question is a field or one search.
 */
#include "market/series.h"

#include "base/alloc.h"
#include "market/columns.h"
#include "market/zone.h"

#include <assert.h>

const char *mbar_step_name(mbar_step step)
{
    static const char *const names[] = {"second", "minute", "hour", "day"};
    assert(step >= MBAR_STEP_SECOND && step <= MBAR_STEP_DAY);
    return names[step];
}

int64_t mbar_step_ns(mbar_step step)
{
    static const int64_t ns[] = {MBAR_SECOND_NS, MBAR_MINUTE_NS, MBAR_HOUR_NS, MBAR_DAY_NS};
    assert(step >= MBAR_STEP_SECOND && step <= MBAR_STEP_DAY);
    return ns[step];
}

void mbar_series_options_init(mbar_series_options *options)
{
    *options = (mbar_series_options){.step = MBAR_STEP_MINUTE};
}

/* ---- Making one -------------------------------------------------------------- */

void mbar_ready_rows_deinit(mbar_ready_rows *rows)
{
    mbar_table_unref(rows->table);
    mbar_buffer_unref(rows->time_values);
    mbar_column_unref(rows->time_cast);
}

mbar_status mbar_series_from_rows(mbar_ready_rows *rows, mbar_step step, mbar_zone *zone,
                                  int64_t closes_ns, mbar_series **out, mbar_error *error)
{
    int64_t common_ns, intraday_ns;
    int64_t n_rows = mbar_table_rows(rows->table);
    mbar_status status = mbar_spacing(rows->times, n_rows, zone, &common_ns, &intraday_ns, error);
    if (status != MBAR_OK) {
        return status;
    }
    mbar_series *series = mbar_alloc(sizeof *series, error);
    if (series == NULL) {
        return MBAR_NOMEM;
    }
    int64_t nominal_ns = mbar_step_ns(step);
    atomic_init(&series->n_refs, 1);
    series->table = rows->table;
    series->time_column = rows->time_column;
    series->n_rows = n_rows;
    series->times = rows->times;
    series->time_values = rows->time_values;
    series->time_cast = rows->time_cast;
    series->period_ns = rows->period_ns > 0 ? rows->period_ns : common_ns;
    if (series->period_ns == 0) {
        series->period_ns = nominal_ns;
    }
    series->closes_ns = closes_ns > 0 ? closes_ns : series->period_ns;
    if (step != MBAR_STEP_DAY) {
        series->intraday_ns = intraday_ns > nominal_ns ? intraday_ns : nominal_ns;
    }
    series->step = step;
    series->zone = mbar_zone_ref(zone);
    *out = series;
    return MBAR_OK;
}

/* The zone of a series' days: asked for, else the time column's, else the one
 * its wall clock was placed in, else UTC. */
static mbar_status open_zone(const mbar_series_options *options, const mbar_field *time,
                             mbar_zone **out, mbar_error *error)
{
    if (options->zone != NULL) {
        *out = mbar_zone_ref(options->zone);
        return MBAR_OK;
    }
    if (time->zone == NULL && options->assume_zone != NULL) {
        *out = mbar_zone_ref(options->assume_zone);
        return MBAR_OK;
    }
    return mbar_zone_open(time->zone != NULL ? time->zone : "UTC", out, error);
}

mbar_status mbar_series_new(mbar_table *table, const mbar_series_options *options,
                            mbar_series **out, mbar_error *error)
{
    assert(table != NULL && options != NULL && out != NULL);
    if (options->period_ns < 0) {
        return mbar_error_set(error, MBAR_INVALID,
                              "a period of %lld ns; give a positive one, or 0 to infer it",
                              (long long)options->period_ns);
    }
    mbar_ready_rows rows = {0};
    mbar_zone *zone = NULL;
    mbar_status status = mbar_series_prepare(table, options, &rows, error);
    if (status == MBAR_OK) {
        mbar_column *time = mbar_table_column(table, rows.time_column);
        status = open_zone(options, mbar_column_field(time), &zone, error);
    }
    if (status == MBAR_OK) {
        status = mbar_series_from_rows(&rows, options->step, zone, 0, out, error);
    }
    if (status != MBAR_OK) {
        mbar_ready_rows_deinit(&rows);
    }
    mbar_zone_unref(zone);
    return status;
}

mbar_series *mbar_series_ref(mbar_series *series)
{
    assert(series != NULL);
    atomic_fetch_add_explicit(&series->n_refs, 1, memory_order_relaxed);
    return series;
}

void mbar_series_unref(mbar_series *series)
{
    if (series == NULL ||
        atomic_fetch_sub_explicit(&series->n_refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    mbar_table_unref(series->table);
    mbar_buffer_unref(series->time_values);
    mbar_column_unref(series->time_cast);
    mbar_zone_unref(series->zone);
    mbar_free(series);
}

/* ---- Reading one ------------------------------------------------------------- */

int64_t mbar_series_rows(const mbar_series *series)
{
    return series->n_rows;
}

mbar_table *mbar_series_table(const mbar_series *series)
{
    return series->table;
}

int32_t mbar_series_time_column(const mbar_series *series)
{
    return series->time_column;
}

const int64_t *mbar_series_times(const mbar_series *series)
{
    return series->times;
}

int64_t mbar_series_period_ns(const mbar_series *series)
{
    return series->period_ns;
}

mbar_step mbar_series_step(const mbar_series *series)
{
    return series->step;
}

mbar_zone *mbar_series_zone(const mbar_series *series)
{
    return series->zone;
}

int32_t mbar_series_find(const mbar_series *series, const char *name)
{
    assert(series != NULL && name != NULL);
    return mbar_table_find_any_case(series->table, name);
}
