/*
 * alloc_kept.c - the last few blocks of many pages that were freed.
 *
 * A column of a table, a stretch of a run's orders: such blocks malloc takes from the system
 * and gives back, and for every one the system clears as many fresh pages, for a quarter of the
 * time of a read by itself and most of it on a busy machine. So freed blocks stay here,
 * KEPT_BYTES at most, until the next block of about their size is wanted; the oldest goes first.
 * Beyond the latest HELD_BYTES the system may take their pages back whenever it is short of
 * memory (MADV_FREE), and gives fresh ones to whoever writes there then. That is all that a process
 * holds beyond what is live, and it goes at once when memory is short or mbar_memory_trim is
 * called.
 *
 * Kept blocks are not live: they count neither as such nor towards the limit. Any thread may
 * call anything here. Nobody waits: where another thread is at it, or was when the process
 * forked, blocks are freed and allocated as without this file. Under AddressSanitizer nothing
 * is kept, so that it sees what is freed.
 */
#include "base/alloc_kept.h"

#include <stdint.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS_NOTHING
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || !defined(__linux__)
#define KEEPS_NOTHING
#endif

#ifdef KEEPS_NOTHING

bool mbar_kept_give(void *ptr)
{
    (void)ptr;
    return false;
}

void *mbar_kept_take(size_t n_bytes)
{
    (void)n_bytes;
    return NULL;
}

size_t mbar_kept_release(void)
{
    return 0;
}

#else

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KEPT_BYTES ((size_t)256 << 20)
#define HELD_BYTES ((size_t)64 << 20)
#define KEPT_BLOCKS 64
/* malloc itself gives as much more, to align a large block */
#define SLACK_BYTES ((size_t)2 << 20)

typedef struct kept_block {
    void *ptr;
    size_t n_bytes;  /* all that malloc gave */
    bool is_offered; /* to the system */
} kept_block;

/* Oldest first. */
static kept_block kept[KEPT_BLOCKS];
static size_t n_kept, n_kept_bytes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Takes a block out of the list. */
static void *unlist(size_t i)
{
    void *ptr = kept[i].ptr;
    n_kept_bytes -= kept[i].n_bytes;
    n_kept--;
    memmove(&kept[i], &kept[i + 1], (n_kept - i) * sizeof *kept);
    return ptr;
}

/* Offers the system the whole pages of a block. */
static void offer(kept_block *block)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = (uintptr_t)block->ptr + page - 1;
    uintptr_t end = (uintptr_t)block->ptr + block->n_bytes;
    int saved = errno;
    first -= first % page;
    end -= end % page;
    if (end > first) {
        (void)madvise((void *)first, end - first, MADV_FREE);
    }
    errno = saved;
    block->is_offered = true;
}

static void offer_oldest(void)
{
    size_t n_bytes = 0;
    for (size_t i = n_kept; i > 0; i--) {
        n_bytes += kept[i - 1].n_bytes;
        if (n_bytes > HELD_BYTES && !kept[i - 1].is_offered) {
            offer(&kept[i - 1]);
        }
    }
}

bool mbar_kept_give(void *ptr)
{
    size_t n_bytes = malloc_usable_size(ptr);
    if (n_bytes > KEPT_BYTES || pthread_mutex_trylock(&lock) != 0) {
        return false;
    }
    while (n_kept == KEPT_BLOCKS || n_kept_bytes + n_bytes > KEPT_BYTES) {
        free(unlist(0));
    }
    kept[n_kept++] = (kept_block){ptr, n_bytes, false};
    n_kept_bytes += n_bytes;
    offer_oldest();
    pthread_mutex_unlock(&lock);
    return true;
}

void *mbar_kept_take(size_t n_bytes)
{
    void *ptr = NULL;
    size_t most = n_bytes + n_bytes / 8 + (n_bytes < MBAR_LARGE_BYTES ? 0 : SLACK_BYTES);
    if (pthread_mutex_trylock(&lock) != 0) {
        return NULL;
    }
    /* The last freed is the likeliest to be in a cache. */
    for (size_t i = n_kept; i > 0 && ptr == NULL; i--) {
        if (kept[i - 1].n_bytes >= n_bytes && kept[i - 1].n_bytes <= most) {
            ptr = unlist(i - 1);
        }
    }
    pthread_mutex_unlock(&lock);
    return ptr;
}

size_t mbar_kept_release(void)
{
    size_t freed;
    if (pthread_mutex_trylock(&lock) != 0) {
        return 0;
    }
    freed = n_kept_bytes;
    while (n_kept > 0) {
        free(unlist(n_kept - 1));
    }
    pthread_mutex_unlock(&lock);
    return freed;
}

#endif
