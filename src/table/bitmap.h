/*
 * bitmap.h - runs of bits, least significant first, as Arrow packs them.
 *
 * A position is (bits, index of a bit); nothing need be aligned. No function
 * touches a byte that holds none of the bits named, beyond reading the other
 * bits of the bytes it must share.
 */
#ifndef MILLIBAR_TABLE_BITMAP_H
#define MILLIBAR_TABLE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that hold n_bits. */
static inline size_t mbar_bits_bytes(int64_t n_bits)
{
    return (size_t)(n_bits / 8 + (n_bits % 8 != 0));
}

static inline bool mbar_bit_get(const uint8_t *bits, int64_t i)
{
    return (bits[i >> 3] >> (i & 7)) & 1;
}

static inline void mbar_bit_set(uint8_t *bits, int64_t i)
{
    bits[i >> 3] = (uint8_t)(bits[i >> 3] | (1u << (i & 7)));
}

static inline void mbar_bit_put(uint8_t *bits, int64_t i, bool value)
{
    uint8_t mask = (uint8_t)(1u << (i & 7));
    bits[i >> 3] = (uint8_t)(value ? bits[i >> 3] | mask : bits[i >> 3] & ~mask);
}

/* Ones among n bits from first. */
int64_t mbar_bits_count(const uint8_t *bits, int64_t first, int64_t n);
/* Copies n bits; the two must not overlap. */
void mbar_bits_copy(uint8_t *to, int64_t to_first, const uint8_t *from, int64_t from_first,
                    int64_t n);
/* Sets n bits from first. */
void mbar_bits_fill(uint8_t *bits, int64_t first, int64_t n);
/* Whether n bits at two places are the same. */
bool mbar_bits_equal(const uint8_t *a, int64_t a_first, const uint8_t *b, int64_t b_first,
                     int64_t n);

#endif
