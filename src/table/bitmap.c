/*
 * bitmap.c - counting, copying and comparing runs of bits.
 *
 * Each walks bit by bit to a byte boundary (of the destination, where there is
 * one), then by bytes or words, then bit by bit to the end.
 */
#include "table/bitmap.h"

#include <string.h>

int64_t mbar_bits_count(const uint8_t *bits, int64_t first, int64_t n)
{
    int64_t count = 0;
    int64_t i = first;
    int64_t end = first + n;
    for (; i < end && (i & 7); i++)
        count += mbar_bit_get(bits, i);
    for (; end - i >= 64; i += 64) {
        uint64_t word;
        memcpy(&word, bits + (i >> 3), sizeof word);
        count += __builtin_popcountll(word);
    }
    for (; i < end; i++)
        count += mbar_bit_get(bits, i);
    return count;
}

/* Eight bits from any position; all eight must be there. */
static uint8_t byte_at(const uint8_t *bits, int64_t first)
{
    const uint8_t *at = bits + (first >> 3);
    int shift = (int)(first & 7);
    return (uint8_t)(shift ? (at[0] >> shift) | (at[1] << (8 - shift)) : at[0]);
}

void mbar_bits_copy(uint8_t *to, int64_t to_first, const uint8_t *from, int64_t from_first,
                    int64_t n)
{
    int64_t i = 0;
    for (; i < n && ((to_first + i) & 7); i++)
        mbar_bit_put(to, to_first + i, mbar_bit_get(from, from_first + i));
    if (((from_first + i) & 7) == 0 && n - i >= 8) {
        size_t n_bytes = (size_t)((n - i) / 8);
        memcpy(to + ((to_first + i) >> 3), from + ((from_first + i) >> 3), n_bytes);
        i += (int64_t)n_bytes * 8;
    }
    for (; n - i >= 8; i += 8)
        to[(to_first + i) >> 3] = byte_at(from, from_first + i);
    for (; i < n; i++)
        mbar_bit_put(to, to_first + i, mbar_bit_get(from, from_first + i));
}

void mbar_bits_fill(uint8_t *bits, int64_t first, int64_t n)
{
    int64_t i = first;
    int64_t end = first + n;
    for (; i < end && (i & 7); i++)
        mbar_bit_set(bits, i);
    if (end - i >= 8) {
        size_t n_bytes = (size_t)((end - i) / 8);
        memset(bits + (i >> 3), 0xFF, n_bytes);
        i += (int64_t)n_bytes * 8;
    }
    for (; i < end; i++)
        mbar_bit_set(bits, i);
}

bool mbar_bits_equal(const uint8_t *a, int64_t a_first, const uint8_t *b, int64_t b_first,
                     int64_t n)
{
    int64_t i = 0;
    for (; n - i >= 8; i += 8)
        if (byte_at(a, a_first + i) != byte_at(b, b_first + i))
            return false;
    for (; i < n; i++)
        if (mbar_bit_get(a, a_first + i) != mbar_bit_get(b, b_first + i))
            return false;
    return true;
}
