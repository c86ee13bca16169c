/*
 * sim/blocks.h - an array that grows without moving what is in it.
 *
 * Blocks of 128 elements, then of four times as many as the last, up to four megabytes or just
 * above: a small book is small, and a large one has blocks that the system gives in few pages.
 * A table has the address of every 128th element, whatever block it lies in,
 * so that reaching an element is a look into the table.
 */
#ifndef MBAR_SIM_BLOCKS_H
#define MBAR_SIM_BLOCKS_H

#include <millibar/base.h>

enum { MBAR_STRETCH_SHIFT = 7, MBAR_STRETCH = 1 << MBAR_STRETCH_SHIFT };

typedef struct mbar_blocks {
    char **stretches; /* element i << MBAR_STRETCH_SHIFT of each i */
    int64_t table_capacity;
    int64_t n_blocks;
    int64_t capacity; /* elements of all blocks */
    size_t element_bytes;
    int32_t max_shift; /* of the elements of the largest block */
} mbar_blocks;

void mbar_blocks_init(mbar_blocks *blocks, size_t element_bytes);
void mbar_blocks_deinit(mbar_blocks *blocks);
mbar_status mbar_blocks_grow(mbar_blocks *blocks, int64_t n, mbar_error *error);

/* Room for n elements in all; what is in new ones is unspecified. */
static inline mbar_status mbar_blocks_reserve(mbar_blocks *blocks, int64_t n, mbar_error *error)
{
    return n <= blocks->capacity ? MBAR_OK : mbar_blocks_grow(blocks, n, error);
}

/* Element i, for which there must be room. */
static inline void *mbar_blocks_at(const mbar_blocks *blocks, int64_t i)
{
    return blocks->stretches[i >> MBAR_STRETCH_SHIFT] +
           (size_t)(i & (MBAR_STRETCH - 1)) * blocks->element_bytes;
}

#endif
