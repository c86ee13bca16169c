/*
 * blocks.c - making the next block of an array in blocks.
 */
#include "base/alloc.h"
#include "sim/blocks.h"

#include <assert.h>
#include <string.h>

void mbar_blocks_init(mbar_blocks *blocks, size_t element_bytes, int32_t max_shift)
{
    assert(max_shift >= MBAR_FIRST_BLOCK_SHIFT && max_shift < 32);
    memset(blocks, 0, sizeof *blocks);
    blocks->element_bytes = element_bytes;
    blocks->max_shift = max_shift;
}

void mbar_blocks_deinit(mbar_blocks *blocks)
{
    for (int64_t i = 0; i < blocks->n_blocks; i++) {
        mbar_free(blocks->items[i]);
    }
    mbar_free(blocks->items);
    blocks->items = NULL;
    blocks->n_blocks = blocks->block_capacity = blocks->capacity = 0;
}

static mbar_status add_block(mbar_blocks *blocks, mbar_error *error)
{
    if (blocks->n_blocks == blocks->block_capacity) {
        int64_t capacity = blocks->block_capacity > 0 ? 2 * blocks->block_capacity : 16;
        void *items = blocks->items;
        if (!mbar_resize_array(&items, (size_t)blocks->block_capacity, (size_t)capacity,
                               sizeof *blocks->items, error)) {
            return MBAR_NOMEM;
        }
        blocks->items = items;
        blocks->block_capacity = capacity;
    }
    int64_t shift = MBAR_FIRST_BLOCK_SHIFT + blocks->n_blocks;
    int64_t n = INT64_C(1) << (shift < blocks->max_shift ? shift : blocks->max_shift);
    char *block = mbar_alloc_uninit((size_t)n * blocks->element_bytes, error);
    if (block == NULL) {
        return MBAR_NOMEM;
    }
    blocks->items[blocks->n_blocks++] = block;
    blocks->capacity += n;
    return MBAR_OK;
}

mbar_status mbar_blocks_grow(mbar_blocks *blocks, int64_t n, mbar_error *error)
{
    mbar_status status = MBAR_OK;
    while (blocks->capacity < n && status == MBAR_OK) {
        status = add_block(blocks, error);
    }
    return status;
}
