/*
 * carquet_delta.c - whole pages of deltas, in one pass.
 *
 * For carquet_page.c. carquet unpacks the deltas of a small block, adds the least of their
 * block in a second pass, copies them out one by one and sums them in a last one. Here each
 * is unpacked, added and stored at once: one load, a shift and two additions a value.
 *
 * The page is a header of four numbers (values in a block, mini blocks in it, values in all,
 * the first value), then blocks: the least delta, a byte of width for each mini block, and
 * the mini blocks' deltas less the least one, packed. Numbers are varints; the first value
 * and least deltas are in zigzag. Sums wrap around, as the format has it.
 *
 * No byte outside [in, in + n_in) is read. Whatever is not as it should be, and widths that
 * one load does not hold, are left to carquet.
 */
#include <string.h>

#include "carquet_page.h"
#include "core/endian.h"

#define MOST_BLOCK (1 << 20)
#define MOST_WIDTH 57 /* in a word, from any bit of its first byte on */

typedef struct deltas {
    const uint8_t *in, *end;
    uint64_t block, minis; /* values in a block; mini blocks in a block */
    uint64_t last;         /* the sum so far */
} deltas;

static bool read_number(deltas *from, uint64_t *number)
{
    *number = 0;
    for (int shift = 0; shift < 64 && from->in < from->end; shift += 7) {
        const uint8_t byte = *from->in++;
        *number |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) {
            return shift < 63 || byte <= 1;
        }
    }
    return false;
}

static bool read_zigzag(deltas *from, uint64_t *number)
{
    bool ok = read_number(from, number);
    *number = *number >> 1 ^ (0 - (*number & 1));
    return ok;
}

/* Eight bytes, or as many as there are and zeros. */
static uint64_t load_at_end(const uint8_t *in, const uint8_t *end)
{
    uint8_t bytes[8] = {0};
    const size_t left = (size_t)(end - in);
    memcpy(bytes, in, left < 8 ? left : 8);
    return carquet_read_u64_le(bytes);
}

/* The first n of size values of a mini block. */
static bool read_mini(deltas *from, uint64_t least, unsigned width, size_t size, int64_t *out,
                      size_t n)
{
    const size_t n_bytes = size / 8 * width;
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    uint64_t last = from->last;
    size_t bit = 0, i = 0;
    if (n_bytes > (size_t)(from->end - from->in)) {
        return false;
    }
    if (n_bytes + 8 <= (size_t)(from->end - from->in)) {
        for (; i < n; i++, bit += width) {
            last += least + (carquet_read_u64_le(from->in + (bit >> 3)) >> (bit & 7) & mask);
            out[i] = (int64_t)last;
        }
    }
    for (; i < n; i++, bit += width) {
        last += least + (load_at_end(from->in + (bit >> 3), from->end) >> (bit & 7) & mask);
        out[i] = (int64_t)last;
    }
    from->last = last;
    from->in += n_bytes;
    return true;
}

/* The first n values of a block, or all it has; *done is how many. */
static bool read_block(deltas *from, int64_t *out, size_t n, size_t *done)
{
    const size_t size = (size_t)(from->block / from->minis);
    const uint8_t *widths;
    uint64_t least;
    *done = 0;
    if (!read_zigzag(from, &least) || from->minis > (size_t)(from->end - from->in)) {
        return false;
    }
    widths = from->in;
    from->in += from->minis;
    for (size_t i = 0; i < from->minis && *done < n; i++) {
        const size_t some = n - *done < size ? n - *done : size;
        if (widths[i] > MOST_WIDTH || !read_mini(from, least, widths[i], size, out + *done, some)) {
            return false;
        }
        *done += some;
    }
    return true;
}

bool mbar_carquet_deltas(const uint8_t *in, size_t n_in, int64_t *out, size_t n)
{
    deltas from = {.in = in, .end = in + n_in};
    uint64_t n_total;
    if (!read_number(&from, &from.block) || !read_number(&from, &from.minis) ||
        !read_number(&from, &n_total) || !read_zigzag(&from, &from.last) || n_total < n ||
        from.block == 0 || from.block > MOST_BLOCK || from.block % 128 != 0 || from.minis == 0 ||
        from.block % from.minis != 0 || from.block / from.minis % 32 != 0) {
        return false;
    }
    if (n > 0) {
        out[0] = (int64_t)from.last;
    }
    for (size_t done = 1, some; done < n; done += some) {
        if (!read_block(&from, out + done, n - done, &some)) {
            return false;
        }
    }
    return true;
}
