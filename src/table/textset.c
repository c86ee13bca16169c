/*
 * textset.c - distinct texts, numbered in the order of their first appearance.
 *
 * An open-addressing hash table of numbers beside the texts themselves, at most
 * half full. The hash decides only where a text is looked for, never its
 * number, so the result is the same whatever the hash. A text costs O(its
 * length) to add, amortised.
 */
#include "table/textset.h"

#include "base/alloc.h"

#include <string.h>

void mbar_textset_init(mbar_textset *set)
{
    *set = (mbar_textset){0};
}

void mbar_textset_deinit(mbar_textset *set)
{
    mbar_free(set->bytes);
    mbar_free(set->offsets);
    mbar_free(set->hashes);
    mbar_free(set->slots);
    mbar_textset_init(set);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 32);
}

static uint64_t hash_of(const char *text, size_t n_bytes)
{
    uint64_t hash = mix(UINT64_C(0x243F6A8885A308D3), n_bytes);
    for (; n_bytes >= 8; text += 8, n_bytes -= 8) {
        uint64_t word;
        memcpy(&word, text, sizeof word);
        hash = mix(hash, word);
    }
    uint64_t rest = 0;
    for (size_t i = 0; i < n_bytes; i++)
        rest |= (uint64_t)(unsigned char)text[i] << (8 * i);
    return mix(hash, rest);
}

/* The slot that holds text, or the empty one where it would go. */
static size_t find_slot(const mbar_textset *set, const char *text, size_t n_bytes, uint64_t hash)
{
    size_t mask = set->n_slots - 1;
    size_t at = (size_t)hash & mask;
    for (; set->slots[at]; at = (at + 1) & mask) {
        int32_t i = set->slots[at] - 1;
        size_t length = (size_t)(set->offsets[i + 1] - set->offsets[i]);
        if (set->hashes[i] == hash && length == n_bytes &&
            (n_bytes == 0 || memcmp(set->bytes + set->offsets[i], text, n_bytes) == 0))
            break;
    }
    return at;
}

static mbar_status grow_slots(mbar_textset *set, mbar_error *error)
{
    size_t n_slots = set->n_slots ? set->n_slots * 2 : 64;
    int32_t *slots = mbar_alloc_array(n_slots, sizeof *slots, error);
    if (!slots)
        return MBAR_NOMEM;
    for (int32_t i = 0; i < set->n; i++) {
        size_t at = (size_t)set->hashes[i] & (n_slots - 1);
        while (slots[at])
            at = (at + 1) & (n_slots - 1);
        slots[at] = i + 1;
    }
    mbar_free(set->slots);
    set->slots = slots;
    set->n_slots = n_slots;
    return MBAR_OK;
}

/* Enlarges one of the arrays, of which `capacity` is the element count. */
static mbar_status grow(void *array_address, size_t old_n, size_t new_n, size_t size,
                        mbar_error *error)
{
    void *array;
    memcpy(&array, array_address, sizeof array);
    if (!mbar_resize_array(&array, old_n, new_n, size, error))
        return MBAR_NOMEM;
    memcpy(array_address, &array, sizeof array);
    return MBAR_OK;
}

static mbar_status make_room(mbar_textset *set, size_t n_bytes, mbar_error *error)
{
    mbar_status status = MBAR_OK;
    if (set->n == INT32_MAX - 1 || n_bytes > INT32_MAX - set->n_bytes)
        return mbar_error_set(error, MBAR_UNSUPPORTED,
                              "a dictionary of over 2 GiB of text or 2^31 entries");
    if ((size_t)set->n * 2 + 2 > set->n_slots)
        status = grow_slots(set, error);
    if (status == MBAR_OK && (size_t)set->n == set->capacity) {
        /* offsets first: with room to spare there, a failure below harms nothing. */
        size_t capacity = set->capacity ? set->capacity * 2 : 32;
        size_t old_offsets = set->offsets ? set->capacity + 1 : 0;
        status = grow(&set->offsets, old_offsets, capacity + 1, sizeof *set->offsets, error);
        if (status == MBAR_OK)
            status = grow(&set->hashes, set->capacity, capacity, sizeof *set->hashes, error);
        if (status == MBAR_OK)
            set->capacity = capacity;
    }
    size_t need = set->n_bytes + n_bytes;
    if (status == MBAR_OK && need > set->bytes_capacity) {
        size_t capacity = set->bytes_capacity * 2 > need ? set->bytes_capacity * 2 : need + 64;
        status = grow(&set->bytes, set->bytes_capacity, capacity, 1, error);
        if (status == MBAR_OK)
            set->bytes_capacity = capacity;
    }
    return status;
}

mbar_status mbar_textset_add(mbar_textset *set, const char *text, size_t n_bytes, int32_t *number,
                             mbar_error *error)
{
    uint64_t hash = hash_of(text, n_bytes);
    if (set->n_slots) {
        size_t at = find_slot(set, text, n_bytes, hash);
        if (set->slots[at]) {
            *number = set->slots[at] - 1;
            return MBAR_OK;
        }
    }
    mbar_status status = make_room(set, n_bytes, error);
    if (status != MBAR_OK)
        return status;
    size_t at = find_slot(set, text, n_bytes, hash);
    if (n_bytes)
        memcpy(set->bytes + set->n_bytes, text, n_bytes);
    set->n_bytes += n_bytes;
    set->hashes[set->n] = hash;
    set->offsets[set->n + 1] = (int32_t)set->n_bytes;
    *number = set->n++;
    set->slots[at] = *number + 1;
    return MBAR_OK;
}

mbar_status mbar_textset_column(const mbar_textset *set, const char *name, mbar_column **out,
                                mbar_error *error)
{
    mbar_field field = {.name = name, .type = MBAR_TYPE_UTF8};
    mbar_buffer *offsets = NULL;
    mbar_buffer *bytes = NULL;
    size_t offsets_bytes = ((size_t)set->n + 1) * sizeof *set->offsets;
    mbar_status status = mbar_buffer_new(offsets_bytes, &offsets, error);
    if (status == MBAR_OK)
        status = mbar_buffer_new(set->n_bytes, &bytes, error);
    if (status == MBAR_OK && set->n) {
        memcpy(mbar_buffer_writable(offsets), set->offsets, offsets_bytes);
        if (set->n_bytes)
            memcpy(mbar_buffer_writable(bytes), set->bytes, set->n_bytes);
    }
    if (status == MBAR_OK)
        status = mbar_column_new_utf8(&field, set->n, offsets, bytes, NULL, 0, out, error);
    mbar_buffer_unref(offsets);
    mbar_buffer_unref(bytes);
    return status;
}
