/*
 * blocks.c - making the next block of an array in blocks.
 */
#include "base/alloc.h"
#include "sim/blocks.h"

#include <assert.h>
#include <string.h>

static const size_t LARGEST_BYTES = (size_t)4 << 20;

void mbar_blocks_init(mbar_blocks *blocks, size_t element_bytes)
{
    assert(element_bytes > 0);
    memset(blocks, 0, sizeof *blocks);
    blocks->element_bytes = element_bytes;
    blocks->max_shift = MBAR_STRETCH_SHIFT;
    while (element_bytes << blocks->max_shift < LARGEST_BYTES) {
        blocks->max_shift++;
    }
}

/* Stretches of block number `block`. */
static int64_t stretches_of(const mbar_blocks *blocks, int64_t block)
{
    int64_t most = blocks->max_shift - MBAR_STRETCH_SHIFT;
    return INT64_C(1) << (2 * block < most ? 2 * block : most);
}

void mbar_blocks_deinit(mbar_blocks *blocks)
{
    for (int64_t block = 0, first = 0; block < blocks->n_blocks; block++) {
        mbar_free(blocks->stretches[first]);
        first += stretches_of(blocks, block);
    }
    mbar_free(blocks->stretches);
    blocks->stretches = NULL;
    blocks->n_blocks = blocks->table_capacity = blocks->capacity = 0;
}

static mbar_status reserve_table(mbar_blocks *blocks, int64_t n, mbar_error *error)
{
    void *table = blocks->stretches;
    int64_t had = blocks->table_capacity, room = had > 0 ? 2 * had : 16;
    room = room < n ? n : room;
    if (n <= had) {
        return MBAR_OK;
    }
    if (!mbar_resize_array(&table, (size_t)had, (size_t)room, sizeof *blocks->stretches, error)) {
        return MBAR_NOMEM;
    }
    blocks->stretches = table;
    blocks->table_capacity = room;
    return MBAR_OK;
}

static mbar_status add_block(mbar_blocks *blocks, mbar_error *error)
{
    int64_t first = blocks->capacity >> MBAR_STRETCH_SHIFT;
    int64_t n = stretches_of(blocks, blocks->n_blocks);
    size_t stretch_bytes = blocks->element_bytes << MBAR_STRETCH_SHIFT;
    mbar_status status = reserve_table(blocks, first + n, error);
    if (status != MBAR_OK) {
        return status;
    }
    char *block = mbar_alloc_uninit((size_t)n * stretch_bytes, error);
    if (block == NULL) {
        return MBAR_NOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        blocks->stretches[first + i] = block + (size_t)i * stretch_bytes;
    }
    blocks->n_blocks++;
    blocks->capacity += n << MBAR_STRETCH_SHIFT;
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
