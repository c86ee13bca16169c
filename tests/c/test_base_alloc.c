/* test_base_alloc.c - the allocator hook, the byte counts, the limit. */
#include "support.h"

#include "base/alloc.h"
#include "base/threads.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* A hook that checks what it is told: old sizes must be true. */
typedef struct audit {
    size_t live;
    int n_calls;
} audit;

static void *audit_resize(void *ctx, void *ptr, size_t old_bytes, size_t new_bytes)
{
    audit *self = ctx;
    self->n_calls++;
    assert_true(ptr ? old_bytes > 0 : old_bytes == 0);
    assert_true(self->live >= old_bytes);
    size_t *raw = ptr ? (size_t *)ptr - 2 : NULL;
    if (raw)
        assert_int_equal(raw[0], old_bytes);
    self->live += new_bytes - old_bytes;
    if (new_bytes == 0) {
        free(raw);
        return NULL;
    }
    raw = realloc(raw, new_bytes + 2 * sizeof *raw);
    assert_non_null(raw);
    raw[0] = new_bytes;
    memset((char *)(raw + 2) + old_bytes, 0xEE, new_bytes > old_bytes ? new_bytes - old_bytes : 0);
    return raw + 2;
}

static int use_default(void **state)
{
    (void)state;
    mbar_set_allocator(NULL);
    mbar_set_memory_limit(0);
    return 0;
}

static void assert_zero(const void *data, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        assert_int_equal(((const char *)data)[i], 0);
}

static void blocks(void **state)
{
    (void)state;
    mbar_free(NULL);
    for (size_t n = 0; n < 300; n += 7) {
        char *block = mbar_alloc(n, NULL);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
        assert_zero(block, n);
        memset(block, 1, n);
        mbar_free(block);
    }
    char *copy = mbar_strdup("bars", NULL);
    assert_string_equal(copy, "bars");
    mbar_free(copy);
    assert_int_equal(mbar_memory_live_bytes(), 0);
}

static void hook_is_told_sizes(void **state)
{
    (void)state;
    audit book = {0};
    mbar_allocator hook = {audit_resize, &book};
    mbar_set_allocator(&hook);
    char *block = mbar_alloc(100, NULL);
    assert_zero(block, 100);
    assert_int_equal(book.live, mbar_memory_live_bytes());
    assert_true(book.live >= 100 && book.live <= 100 + 64);
    void *array = NULL;
    assert_true(mbar_resize_array(&array, 0, 3, 8, NULL));
    assert_zero(array, 24);
    memset(array, 7, 24);
    assert_true(mbar_resize_array(&array, 3, 1000, 8, NULL));
    assert_int_equal(((char *)array)[23], 7);
    assert_zero((char *)array + 24, 1000 * 8 - 24);
    assert_int_equal(book.live, mbar_memory_live_bytes());
    assert_true(mbar_resize_array(&array, 1000, 2, 8, NULL));
    assert_int_equal(((char *)array)[15], 7);
    assert_int_equal(book.live, mbar_memory_live_bytes());
    assert_true(mbar_resize_array(&array, 2, 0, 8, NULL));
    assert_null(array);
    assert_true(mbar_resize_array(&array, 0, 0, 8, NULL));
    assert_null(array);
    mbar_free(block);
    assert_int_equal(book.live, 0);
    assert_int_equal(book.n_calls, 6);
    assert_int_equal(mbar_memory_live_bytes(), 0);
}

static void overflow(void **state)
{
    (void)state;
    assert_fails(MBAR_NOMEM, "out of memory",
                 mbar_alloc(SIZE_MAX - 3, &error) ? MBAR_OK : MBAR_NOMEM);
    assert_fails(MBAR_NOMEM, "out of memory",
                 mbar_alloc_array(SIZE_MAX / 2, 3, &error) ? MBAR_OK : MBAR_NOMEM);
    void *array = mbar_alloc_array(2, 8, NULL);
    void *before = array;
    assert_false(mbar_resize_array(&array, 2, SIZE_MAX / 4, 8, NULL));
    assert_ptr_equal(array, before);
    mbar_free(array);
}

static void limit(void **state)
{
    (void)state;
    mbar_set_memory_limit(1000);
    void *a = mbar_alloc(500, NULL);
    assert_non_null(a);
    size_t live = mbar_memory_live_bytes();
    assert_fails(MBAR_NOMEM, "memory limit of 1000 bytes",
                 mbar_alloc(500, &error) ? MBAR_OK : MBAR_NOMEM);
    assert_int_equal(mbar_memory_live_bytes(), live);
    assert_fails(MBAR_NOMEM, "memory limit",
                 mbar_resize_array(&a, 500, 1000, 1, &error) ? MBAR_OK : MBAR_NOMEM);
    assert_int_equal(mbar_memory_live_bytes(), live);
    void *b = mbar_alloc(1000 - live - (live - 500), NULL);
    assert_non_null(b);
    assert_int_equal(mbar_memory_live_bytes(), 1000);
    assert_true(mbar_memory_peak_bytes() >= 1000);
    assert_null(mbar_alloc(0, NULL));
    mbar_set_memory_limit(0);
    void *c = mbar_alloc(100000, NULL);
    assert_non_null(c);
    assert_true(mbar_memory_peak_bytes() >= 100000);
    mbar_free(a);
    mbar_free(b);
    mbar_free(c);
    assert_int_equal(mbar_memory_live_bytes(), 0);
}

static mbar_status churn(void *ctx, int64_t i, mbar_error *error)
{
    (void)ctx;
    for (int k = 0; k < 200; k++) {
        void *block = mbar_alloc((size_t)(i * 17 + k), error);
        if (mbar_memory_live_bytes() > 5000)
            return mbar_error_set(error, MBAR_INVALID, "over the limit");
        mbar_free(block);
    }
    return MBAR_OK;
}

/* The limit holds and the count is exact with several threads. */
static void threads(void **state)
{
    (void)state;
    mbar_set_memory_limit(5000);
    assert_ok(mbar_parallel_for(64, 4, churn, NULL, &error));
    mbar_set_memory_limit(0);
    assert_int_equal(mbar_memory_live_bytes(), 0);
}

typedef struct tally {
    atomic_int counts[1000];
    int64_t fail_from;
} tally;

static mbar_status count(void *ctx, int64_t i, mbar_error *error)
{
    tally *self = ctx;
    atomic_fetch_add(&self->counts[i], 1);
    if (i >= self->fail_from)
        return mbar_error_set(error, MBAR_FORMAT, "at %lld", (long long)i);
    return MBAR_OK;
}

static void parallel_for(void **state)
{
    (void)state;
    assert_true(mbar_cpu_count() >= 1);
    static const int32_t n_threads[] = {-1, 0, 1, 2, 7, 1000};
    for (size_t k = 0; k < sizeof n_threads / sizeof *n_threads; k++) {
        tally all = {.fail_from = 1000};
        assert_ok(mbar_parallel_for(1000, n_threads[k], count, &all, &error));
        for (int i = 0; i < 1000; i++)
            assert_int_equal(all.counts[i], 1);
        tally some = {.fail_from = 37};
        assert_fails(MBAR_FORMAT, "at 37",
                     mbar_parallel_for(1000, n_threads[k], count, &some, &error));
        assert_int_equal(mbar_parallel_for(1000, n_threads[k], count, &some, NULL), MBAR_FORMAT);
        tally none = {.fail_from = 0};
        assert_ok(mbar_parallel_for(0, n_threads[k], count, &none, &error));
        assert_int_equal(none.counts[0], 0);
    }
}

/* Two failures in a known order of time: the smaller index counts. */
typedef struct race {
    int64_t first; /* to fail */
    atomic_int n_started;
    atomic_bool failed;
} race;

static mbar_status fail_in_turn(void *ctx, int64_t i, mbar_error *error)
{
    race *self = ctx;
    atomic_fetch_add(&self->n_started, 1);
    while (atomic_load(&self->n_started) < 2)
        usleep(100);
    if (i == self->first) {
        atomic_store(&self->failed, true);
        return mbar_error_set(error, MBAR_FORMAT, "at %lld", (long long)i);
    }
    while (!atomic_load(&self->failed))
        usleep(100);
    usleep(20000); /* time for the other to have been recorded */
    return mbar_error_set(error, MBAR_IO, "at %lld", (long long)i);
}

static void smallest_failure(void **state)
{
    (void)state;
    race early = {.first = 0};
    assert_fails(MBAR_FORMAT, "at 0", mbar_parallel_for(2, 2, fail_in_turn, &early, &error));
    race late = {.first = 1};
    assert_fails(MBAR_IO, "at 0", mbar_parallel_for(2, 2, fail_in_turn, &late, &error));
}

#define MIB ((size_t)1 << 20)

static void kept_blocks(void **state)
{
    (void)state;
    mbar_memory_trim();
    assert_int_equal(mbar_memory_trim(), 0);
    size_t live = mbar_memory_live_bytes();
    char *first = mbar_alloc_uninit(20 * MIB, NULL);
    assert_non_null(first);
    memset(first, 0x5A, 20 * MIB);
    mbar_free(first);
    assert_int_equal(mbar_memory_live_bytes(), live);
    if (mbar_memory_trim() == 0)
        return; /* under AddressSanitizer, or not on Linux */

    first = mbar_alloc_uninit(20 * MIB, NULL);
    mbar_free(first);
    char *larger = mbar_alloc_uninit(30 * MIB, NULL), *smaller = mbar_alloc_uninit(9 * MIB, NULL);
    assert_ptr_not_equal(larger, first);
    assert_ptr_not_equal(smaller, first);
    char *again = mbar_alloc_uninit(19 * MIB, NULL);
    assert_ptr_equal(again, first);
    char *zeroed = mbar_alloc(19 * MIB, NULL);
    assert_non_null(zeroed);
    assert_true(zeroed[0] == 0 && memcmp(zeroed, zeroed + 1, 19 * MIB - 1) == 0);
    mbar_free(zeroed);
    mbar_free(again);
    mbar_free(larger);
    mbar_free(smaller);
    /* 19, 20, 30 and 9 MiB: more than are held, all of them kept, and still of use. */
    first = mbar_alloc(19 * MIB, NULL);
    assert_true(first[0] == 0 && memcmp(first, first + 1, 19 * MIB - 1) == 0);
    mbar_free(first);
    assert_in_range(mbar_memory_trim(), 78 * MIB, 90 * MIB);
    assert_int_equal(mbar_memory_trim(), 0);

    first = mbar_alloc_uninit(MIB, NULL);
    mbar_free(first);
    assert_ptr_not_equal(larger = mbar_alloc_uninit(2 * MIB, NULL), first);
    assert_ptr_equal(again = mbar_alloc_uninit(MIB - MIB / 16, NULL), first);
    mbar_free(again);
    mbar_free(larger);
    assert_in_range(mbar_memory_trim(), 3 * MIB, 4 * MIB);

    mbar_free(mbar_alloc_uninit(257 * MIB, NULL));
    mbar_free(mbar_alloc_uninit(MIB / 10, NULL));
    assert_int_equal(mbar_memory_trim(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(blocks, use_default),
        cmocka_unit_test_teardown(hook_is_told_sizes, use_default),
        cmocka_unit_test_teardown(overflow, use_default),
        cmocka_unit_test_teardown(limit, use_default),
        cmocka_unit_test_teardown(kept_blocks, use_default),
        cmocka_unit_test_teardown(threads, use_default),
        cmocka_unit_test_teardown(parallel_for, use_default),
        cmocka_unit_test_teardown(smallest_failure, use_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
