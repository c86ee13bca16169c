/*
 * parquet_alloc.c - the Parquet library's memory, out of ours.
 *
 * The library gets our allocator, so that the limit, the count of live bytes
 * and injected faults reach it. It frees without telling a size, so each block
 * carries it.
 *
 * It also does not always tell a failed allocation from a damaged file, nor
 * free everything after one. A watch, put up around a piece of its work on one
 * thread, knows: it notes refusals, and keeps the blocks in a ring so that those
 * forgotten can be freed at the end. A watch can have a budget, which bounds
 * what a few hostile bytes can ask for.
 *
 * The watch is found through a thread-local variable, because the library's
 * hook has no context of its own. A watched block must be freed while its watch
 * stands, or after, on whichever thread owns the work then.
 */
#include "parquet_internal.h"

#include "base/alloc.h"

#include <pthread.h>
#include <string.h>

/* The library takes pages of at most 256 MiB; more at once is a damaged file's wish. */
#define LARGEST_BLOCK_BYTES (((size_t)256 << 20) + 4096)

static _Thread_local mbar_parquet_watch *current;

static void link_block(mbar_parquet_block *block)
{
    block->next = block->prev = NULL;
    if (current != NULL) {
        block->next = current->blocks.next;
        block->prev = &current->blocks;
        block->next->prev = block;
        block->prev->next = block;
    }
}

static void unlink_block(mbar_parquet_block *block)
{
    if (block->next != NULL) {
        block->next->prev = block->prev;
        block->prev->next = block->next;
        block->next = block->prev = NULL;
    }
}

/* Notes a refusal. The library's footer parser writes through a NULL it was
 * given, so while a watch has an escape the refusal does not return to it. */
static void *refused(void)
{
    if (current != NULL) {
        current->failed = true;
        if (current->escape != NULL) {
            longjmp(*current->escape, 1);
        }
    }
    return NULL;
}

/* Whether n_bytes more may be had; notes it where not. */
static bool may_grow(size_t n_bytes)
{
    bool over = current != NULL && n_bytes > current->budget;
    if (n_bytes <= LARGEST_BLOCK_BYTES && !over) {
        if (current != NULL) {
            current->budget -= n_bytes;
        }
        return true;
    }
    if (current != NULL) {
        current->over_budget |= over;
    }
    (void)refused();
    return false;
}

static void *library_malloc(size_t n_bytes, void *ctx)
{
    (void)ctx;
    if (!may_grow(n_bytes)) {
        return NULL;
    }
    mbar_parquet_block *block = mbar_alloc_uninit(n_bytes + sizeof *block, NULL);
    if (block == NULL) {
        return refused();
    }
    block->n_bytes = n_bytes;
    link_block(block);
    return block + 1;
}

static void library_free(void *ptr, void *ctx)
{
    (void)ctx;
    if (ptr != NULL) {
        mbar_parquet_block *block = (mbar_parquet_block *)ptr - 1;
        unlink_block(block);
        mbar_free(block);
    }
}

static void *library_realloc(void *ptr, size_t n_bytes, void *ctx)
{
    if (ptr == NULL) {
        return library_malloc(n_bytes, ctx);
    }
    mbar_parquet_block *block = (mbar_parquet_block *)ptr - 1;
    size_t old_bytes = block->n_bytes;
    if (n_bytes > old_bytes && !may_grow(n_bytes - old_bytes)) {
        return NULL;
    }
    bool watched = block->next != NULL;
    void *moved = block;
    unlink_block(block);
    bool ok =
        mbar_resize_array(&moved, old_bytes + sizeof *block, n_bytes + sizeof *block, 1, NULL);
    block = moved;
    if (watched) {
        link_block(block);
    }
    if (!ok) {
        return refused();
    }
    block->n_bytes = n_bytes;
    return block + 1;
}

static void library_init_once(void)
{
    carquet_allocator_t allocator = {library_malloc, library_realloc, library_free, NULL};
    carquet_set_allocator(&allocator);
    /* It can only fail to look at the processor, and then uses plain code. */
    (void)!carquet_init();
}

void mbar_parquet_library_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, library_init_once);
}

void mbar_parquet_watch_begin(mbar_parquet_watch *watch, size_t budget)
{
    *watch = (mbar_parquet_watch){.budget = budget};
    watch->blocks.next = watch->blocks.prev = &watch->blocks;
    current = watch;
}

void mbar_parquet_watch_end(mbar_parquet_watch *watch, bool free_rest)
{
    while (watch->blocks.next != &watch->blocks) {
        mbar_parquet_block *block = watch->blocks.next;
        unlink_block(block);
        if (free_rest) {
            mbar_free(block);
        }
    }
    current = NULL;
}

mbar_parquet_watch *mbar_parquet_watched(void)
{
    return current;
}
