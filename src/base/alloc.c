/*
 * alloc.c - the allocator hook and the count of what it gave out.
 *
 * Each block is a header and the caller's bytes. The header keeps the size, so
 * that mbar_free needs none and the hook can always be told the old size, and
 * a mark, so that freeing what is not ours stops at once. It is as large as
 * the strictest alignment, which keeps the caller's bytes aligned as malloc's.
 *
 * live_bytes is reserved before the hook is called and given back when the
 * call fails: two threads can therefore not pass the limit together, and the
 * count is exact whenever no call is under way.
 *
 * The default allocator keeps the last large blocks that were freed (alloc_kept.c).
 *
 * The allocator itself is the one global without a lock: it is set before
 * anything else runs, as its declaration demands.
 */
#include "base/alloc.h"

#include "base/alloc_kept.h"
#include "base/checked.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#define HUGE_PAGE_BYTES ((uintptr_t)2 << 20)
#define MAX_BLOCK_BYTES ((size_t)PTRDIFF_MAX) /* no C object may be larger */
#define MARK_LIVE ((size_t)0x6D62617262617221)
#define MARK_FREE ((size_t)0x6465616464656164)

typedef struct block {
    alignas(max_align_t) size_t n_bytes; /* header and payload */
    size_t mark;
} block;

/* Large blocks are read and written from end to end: of huge pages, where the system has
 * them, a fault brings in two megabytes instead of four kilobytes. Advice alone: whatever
 * the system makes of it, the block is the same. */
static void *advise(void *ptr, size_t n_bytes)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (ptr && n_bytes >= MBAR_LARGE_BYTES) {
        uintptr_t first = ((uintptr_t)ptr + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1);
        uintptr_t end = ((uintptr_t)ptr + n_bytes) & ~(HUGE_PAGE_BYTES - 1);
        int saved = errno;
        (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
        errno = saved;
    }
#else
    (void)n_bytes;
#endif
    return ptr;
}

/* A new block, and whether it is all zeros. */
static void *default_new(size_t n_bytes, bool wants_zeros, bool *is_zeroed)
{
    void *fresh = n_bytes >= MBAR_KEPT_LEAST_BYTES ? mbar_kept_take(n_bytes) : NULL;
    *is_zeroed = wants_zeros && !fresh;
    if (fresh)
        return fresh;
    do {
        if (wants_zeros)
            fresh = calloc(1, n_bytes); /* which knows what pages the system has just zeroed */
        else if (n_bytes < MBAR_LARGE_BYTES ||
                 /* From one boundary on, so that but the last page is a huge one. */
                 posix_memalign(&fresh, HUGE_PAGE_BYTES, n_bytes) != 0)
            fresh = malloc(n_bytes);
    } while (!fresh && mbar_kept_release() > 0);
    return advise(fresh, n_bytes);
}

static void *default_resize(void *ctx, void *ptr, size_t old_bytes, size_t new_bytes)
{
    bool is_zeroed;
    (void)ctx;
    if (new_bytes == 0) {
        if (old_bytes < MBAR_KEPT_LEAST_BYTES || !mbar_kept_give(ptr))
            free(ptr);
        return NULL;
    }
    if (!ptr)
        return default_new(new_bytes, false, &is_zeroed);
    void *moved = realloc(ptr, new_bytes);
    if (!moved && mbar_kept_release() > 0)
        moved = realloc(ptr, new_bytes);
    return advise(moved, new_bytes);
}

static mbar_allocator allocator = {default_resize, NULL};
static atomic_size_t limit_bytes;
static atomic_size_t live_bytes;
static atomic_size_t peak_bytes;

void mbar_set_allocator(const mbar_allocator *replacement)
{
    assert(!replacement || replacement->resize);
    allocator = replacement ? *replacement : (mbar_allocator){default_resize, NULL};
}

void mbar_set_memory_limit(size_t limit)
{
    atomic_store(&limit_bytes, limit);
}

size_t mbar_memory_live_bytes(void)
{
    return atomic_load(&live_bytes);
}

size_t mbar_memory_peak_bytes(void)
{
    return atomic_load(&peak_bytes);
}

/* Counts n_bytes as live if the limit allows it. */
static bool reserve(size_t n_bytes, mbar_error *error)
{
    size_t limit = atomic_load(&limit_bytes);
    size_t live = atomic_load(&live_bytes);
    size_t wanted;
    do {
        if (!mbar_add_size(live, n_bytes, &wanted) || (limit && wanted > limit)) {
            mbar_error_set(error, MBAR_NOMEM,
                           "%zu bytes more would pass the memory limit of %zu bytes (%zu in use): "
                           "raise the limit, or read fewer rows or columns",
                           n_bytes, limit, live);
            return false;
        }
    } while (!atomic_compare_exchange_weak(&live_bytes, &live, wanted));
    size_t peak = atomic_load(&peak_bytes);
    while (wanted > peak && !atomic_compare_exchange_weak(&peak_bytes, &peak, wanted))
        ;
    return true;
}

size_t mbar_memory_trim(void)
{
    return mbar_kept_release();
}

static void give_back(size_t n_bytes)
{
    atomic_fetch_sub(&live_bytes, n_bytes);
}

static void *no_memory(size_t n_bytes, mbar_error *error)
{
    mbar_error_set(error, MBAR_NOMEM, "out of memory: an allocation of %zu bytes failed", n_bytes);
    return NULL;
}

static block *block_of(void *ptr)
{
    block *head = (block *)ptr - 1;
    assert(head->mark == MARK_LIVE);
    return head;
}

static void *new_block(size_t n_bytes, bool zeroed, mbar_error *error)
{
    size_t total;
    if (!mbar_add_size(n_bytes, sizeof(block), &total) || total > MAX_BLOCK_BYTES)
        return no_memory(n_bytes, error);
    if (!reserve(total, error))
        return NULL;
    bool is_zeroed = false;
    block *head = allocator.resize == default_resize
                      ? default_new(total, zeroed, &is_zeroed)
                      : allocator.resize(allocator.ctx, NULL, 0, total);
    if (!head) {
        give_back(total);
        return no_memory(n_bytes, error);
    }
    if (zeroed && !is_zeroed)
        memset(head + 1, 0, n_bytes);
    head->n_bytes = total;
    head->mark = MARK_LIVE;
    return head + 1;
}

void *mbar_alloc(size_t n_bytes, mbar_error *error)
{
    return new_block(n_bytes, true, error);
}

void *mbar_alloc_uninit(size_t n_bytes, mbar_error *error)
{
    return new_block(n_bytes, false, error);
}

void *mbar_alloc_array(size_t n, size_t size, mbar_error *error)
{
    size_t n_bytes;
    if (!mbar_mul_size(n, size, &n_bytes))
        return no_memory(SIZE_MAX, error);
    return new_block(n_bytes, true, error);
}

void mbar_free(void *ptr)
{
    if (!ptr)
        return;
    block *head = block_of(ptr);
    size_t total = head->n_bytes;
    head->mark = MARK_FREE;
    allocator.resize(allocator.ctx, head, total, 0);
    give_back(total);
}

bool mbar_resize_array(void **ptr, size_t old_n, size_t new_n, size_t size, mbar_error *error)
{
    size_t n_bytes;
    size_t total;
    if (!*ptr) {
        assert(old_n == 0);
        void *fresh = new_n ? mbar_alloc_array(new_n, size, error) : NULL;
        *ptr = fresh;
        return fresh || new_n == 0;
    }
    if (new_n == 0) {
        mbar_free(*ptr);
        *ptr = NULL;
        return true;
    }
    if (!mbar_mul_size(new_n, size, &n_bytes) || !mbar_add_size(n_bytes, sizeof(block), &total) ||
        total > MAX_BLOCK_BYTES) {
        no_memory(SIZE_MAX, error);
        return false;
    }
    block *head = block_of(*ptr);
    size_t old_total = head->n_bytes;
    if (total > old_total && !reserve(total - old_total, error))
        return false;
    block *moved = allocator.resize(allocator.ctx, head, old_total, total);
    if (!moved) {
        if (total > old_total)
            give_back(total - old_total);
        no_memory(n_bytes, error);
        return false;
    }
    if (total < old_total)
        give_back(old_total - total);
    moved->n_bytes = total;
    if (new_n > old_n)
        memset((char *)(moved + 1) + old_n * size, 0, (new_n - old_n) * size);
    *ptr = moved + 1;
    return true;
}

char *mbar_strdup(const char *text, mbar_error *error)
{
    size_t n_bytes = strlen(text) + 1;
    char *copy = mbar_alloc_uninit(n_bytes, error);
    if (copy)
        memcpy(copy, text, n_bytes);
    return copy;
}
