/*
 * market_support.h - what the market tests share: failing the N-th allocation,
 * building columns and tables from literals, calendar dates as nanoseconds.
 */
#ifndef MARKET_SUPPORT_H
#define MARKET_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <millibar/market.h>

/* ---- Allocation faults ----------------------------------------------------- */

struct fault {
    long countdown; /* the allocation that fails; below 0: none */
    long n_seen;
};

static void *fault_resize(void *ctx, void *ptr, size_t old_bytes, size_t new_bytes)
{
    struct fault *fault = ctx;
    if (new_bytes == 0) {
        free(ptr);
        return NULL;
    }
    if (new_bytes > old_bytes && fault->n_seen++ == fault->countdown) {
        return NULL;
    }
    return realloc(ptr, new_bytes);
}

/*
 * Runs attempt with the first allocation failing, then the second, and so on
 * until one run meets no fault. Each failed run must say MBAR_NOMEM and leave
 * nothing allocated; attempt frees what it made.
 */
static inline void check_every_allocation(mbar_status (*attempt)(void *ctx, mbar_error *error),
                                          void *ctx)
{
    size_t live = mbar_memory_live_bytes();
    for (long i = 0;; i++) {
        struct fault fault = {i, 0};
        mbar_allocator allocator = {fault_resize, &fault};
        mbar_error error;
        mbar_error_init(&error);
        mbar_set_allocator(&allocator);
        mbar_status status = attempt(ctx, &error);
        mbar_set_allocator(NULL);
        assert_int_equal(mbar_memory_live_bytes(), live);
        if (status == MBAR_OK) {
            assert_true(fault.n_seen <= i);
            return;
        }
        assert_int_equal(status, MBAR_NOMEM);
        assert_int_equal(error.code, MBAR_NOMEM);
    }
}

/* ---- Times ------------------------------------------------------------------ */

/* "2024-03-10T02:30", "...Z", "...-05:00" as nanoseconds. */
static inline int64_t at(const char *text)
{
    int64_t ns;
    bool has_offset;
    mbar_error error;
    if (mbar_time_parse(text, &ns, &has_offset, &error) != MBAR_OK) {
        fail_msg("%s", error.message);
    }
    return ns;
}

#define assert_ns_equal(a, b) assert_ns_equal_at((a), (b), __FILE__, __LINE__)

static inline void assert_ns_equal_at(int64_t a, int64_t b, const char *file, int line)
{
    if (a != b) {
        char left[40], right[40];
        mbar_time_format(a, left, sizeof left);
        mbar_time_format(b, right, sizeof right);
        print_error("%s != %s\n", left, right);
        _fail(file, line);
    }
}

/* ---- Columns and tables ------------------------------------------------------ */

#define COUNT(array) ((int64_t)(sizeof(array) / sizeof((array)[0])))

static inline void must(mbar_status status, const mbar_error *error)
{
    if (status != MBAR_OK) {
        fail_msg("%s", error->message);
    }
}

/* A column of n values; bit i of nulls makes row i null. */
static inline mbar_column *column_of(mbar_field field, int64_t n, const void *values,
                                     uint64_t nulls)
{
    mbar_buffer *data = NULL, *validity = NULL;
    mbar_column *column = NULL;
    mbar_error error;
    size_t n_bytes = (size_t)n * mbar_type_width(field.type);
    must(mbar_buffer_new(n_bytes, &data, &error), &error);
    if (n > 0) {
        memcpy(mbar_buffer_writable(data), values, n_bytes);
    }
    if (nulls != 0) {
        must(mbar_buffer_new((size_t)(n + 7) / 8, &validity, &error), &error);
        uint8_t *bits = mbar_buffer_writable(validity);
        for (int64_t i = 0; i < n; i++) {
            bits[i / 8] = (uint8_t)(bits[i / 8] | (!(i < 64 && (nulls >> i & 1)) << (i % 8)));
        }
    }
    field.nullable = nulls != 0;
    must(mbar_column_new(&field, n, data, validity, -1, &column, &error), &error);
    mbar_buffer_unref(data);
    mbar_buffer_unref(validity);
    return column;
}

static inline mbar_column *doubles(const char *name, int64_t n, const double *values)
{
    return column_of((mbar_field){.name = name, .type = MBAR_TYPE_FLOAT64}, n, values, 0);
}

static inline mbar_column *int64s(const char *name, int64_t n, const int64_t *values)
{
    return column_of((mbar_field){.name = name, .type = MBAR_TYPE_INT64}, n, values, 0);
}

static inline mbar_column *stamps(const char *name, mbar_unit unit, const char *zone, int64_t n,
                                  const int64_t *values)
{
    mbar_field field = {.name = name, .type = MBAR_TYPE_TIMESTAMP, .unit = unit, .zone = zone};
    return column_of(field, n, values, 0);
}

/* A table of columns, whose references it takes; ends with NULL. */
static inline mbar_table *table_of(mbar_column *first, ...)
{
    mbar_column *columns[16];
    int32_t n = 0;
    va_list args;
    va_start(args, first);
    for (mbar_column *column = first; column != NULL; column = va_arg(args, mbar_column *)) {
        columns[n++] = column;
    }
    va_end(args);
    mbar_table *table = NULL;
    mbar_error error;
    must(mbar_table_new(columns, n, &table, &error), &error);
    for (int32_t i = 0; i < n; i++) {
        mbar_column_unref(columns[i]);
    }
    return table;
}

/* A series of table, whose reference it takes. */
static inline mbar_series *series_of(mbar_table *table, const mbar_series_options *options)
{
    mbar_series_options plain;
    mbar_series_options_init(&plain);
    mbar_series *series = NULL;
    mbar_error error;
    must(mbar_series_new(table, options != NULL ? options : &plain, &series, &error), &error);
    mbar_table_unref(table);
    return series;
}

static inline mbar_column *series_column(const mbar_series *series, const char *name)
{
    int32_t i = mbar_series_find(series, name);
    if (i < 0) {
        fail_msg("no column %s", name);
    }
    return mbar_table_column(mbar_series_table(series), i);
}

static inline const double *series_doubles(const mbar_series *series, const char *name)
{
    mbar_column *column = series_column(series, name);
    assert_int_equal(mbar_column_field(column)->type, MBAR_TYPE_FLOAT64);
    return mbar_column_values(column);
}

static inline const int64_t *series_int64s(const mbar_series *series, const char *name)
{
    mbar_column *column = series_column(series, name);
    assert_int_equal(mbar_column_field(column)->type, MBAR_TYPE_INT64);
    return mbar_column_values(column);
}

/* ---- Zones ------------------------------------------------------------------- */

/* A zone from the data that is there; skips the test where there is none. */
static inline mbar_zone *zone_or_skip(const char *name)
{
    mbar_zone *zone = NULL;
    mbar_error error;
    mbar_status status = mbar_zone_open(name, &zone, &error);
    if (status == MBAR_NOTFOUND) {
        print_message("skipped: %s\n", error.message);
        skip();
    }
    if (status != MBAR_OK) {
        fail_msg("%s", error.message);
    }
    return zone;
}

/* Takes MILLIBAR_TZDATA, a directory of TZif files, where it is given. */
static inline int use_tzdata(void **state)
{
    (void)state;
    mbar_zone_set_directory(getenv("MILLIBAR_TZDATA"));
    return 0;
}

static inline int drop_zones(void **state)
{
    (void)state;
    mbar_zone_set_directory(NULL);
    return mbar_memory_live_bytes() == 0 ? 0 : -1;
}

#endif
