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
