/*
 * sim/blocks.h - an array that grows without moving what is in it.
 *
 * Blocks of 128 elements, then of twice as many as the last, up to 2^max_shift: a small
 * book is small, and a large one has blocks large enough for the system to give
 * them in few pages. Reaching an element is O(1): its block is told by its highest bit.
 */
#ifndef MBAR_SIM_BLOCKS_H
#define MBAR_SIM_BLOCKS_H

#include <millibar/base.h>

enum { MBAR_FIRST_BLOCK_SHIFT = 7 };

typedef struct mbar_blocks {
    char **items;
    int64_t n_blocks, block_capacity;
    int64_t capacity; /* elements of all blocks */
    size_t element_bytes;
    int32_t max_shift;
} mbar_blocks;

void mbar_blocks_init(mbar_blocks *blocks, size_t element_bytes, int32_t max_shift);
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
    uint64_t at = (uint64_t)i + (UINT64_C(1) << MBAR_FIRST_BLOCK_SHIFT), block, offset;
    int32_t shift = 63 - __builtin_clzll(at);
    if (shift <= blocks->max_shift) {
        block = (uint64_t)(shift - MBAR_FIRST_BLOCK_SHIFT);
        offset = at - (UINT64_C(1) << shift);
    } else {
        uint64_t first_equal = UINT64_C(2) << blocks->max_shift;
        block = (uint64_t)(blocks->max_shift - MBAR_FIRST_BLOCK_SHIFT + 1) +
                ((at - first_equal) >> blocks->max_shift);
        offset = (at - first_equal) & ((UINT64_C(1) << blocks->max_shift) - 1);
    }
    return blocks->items[block] + offset * blocks->element_bytes;
}

#endif
