/*
 * carquet_rle.c - indices of dictionary pages, faster.
 *
 * carquet 0.7.2 unpacks the indices of dictionary pages through a buffer of eight values,
 * one value at a time; that is most of the time of reading a file whose columns have
 * dictionaries, as pyarrow writes them. carquet_rle_decode_all here takes that function's
 * place (Carquet.cmake gives the original another name): same arguments, same values, same
 * count where the input ends early. Runs are filled, and packed groups unpacked, in loops
 * straight into the output.
 *
 * The rest is for carquet_page.c. mbar_carquet_look_up goes on to the values at once. Its loop
 * exists once for each width of an index, so that all shifts are constants, and an index
 * outside the dictionary reads the first value and is told at the end: no branch is left.
 *
 * The stream is Parquet's hybrid of runs: a varint header whose lowest bit tells a run of
 * one value (0) from groups of eight packed ones (1). No byte outside
 * [input, input + input_size) is read, whatever the stream says.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "carquet_page.h"
#include "core/bitpack.h"
#include "encoding/rle.h"

/* Up to five bytes. Nothing where it is cut off or longer: 0. */
static size_t read_header(const uint8_t *in, size_t n_in, uint32_t *header)
{
    uint32_t value = 0;
    for (size_t i = 0; i < n_in && i < 5; i++) {
        value |= (uint32_t)(in[i] & 0x7F) << (7 * i);
        if ((in[i] & 0x80) == 0) {
            *header = value;
            return i + 1;
        }
    }
    return 0;
}

static uint64_t load_64(const uint8_t *in)
{
    uint64_t word;
    memcpy(&word, in, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* n values of width bits, 1 to 32, where n_in bytes may be read: those of the last few
 * that a word would reach past go through a copy. */
static void unpack(const uint8_t *in, size_t n_in, int width, uint32_t *out, size_t n)
{
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    size_t i = 0, bit = 0;
    if (n_in >= 8) {
        size_t last = (n_in - 8) * 8 + 7; /* the last bit that a word may begin with */
        size_t whole = last / (size_t)width + 1;
        for (whole = whole < n ? whole : n; i < whole; i++, bit += (size_t)width) {
            out[i] = (uint32_t)(load_64(in + (bit >> 3)) >> (bit & 7) & mask);
        }
    }
    for (; i < n; i++, bit += (size_t)width) {
        uint8_t rest[8] = {0};
        size_t at = bit >> 3, left = n_in - at;
        memcpy(rest, in + at, left < 8 ? left : 8);
        out[i] = (uint32_t)(load_64(rest) >> (bit & 7) & mask);
    }
}

/* groups of eight values, of width bytes each. */
static void unpack_groups(const uint8_t *in, size_t n_in, int width, uint32_t *out, size_t groups)
{
    if (width <= 8) {
        carquet_bitunpack_32(in, groups * 8, width, out);
    } else {
        unpack(in, n_in, width, out, groups * 8);
    }
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Up to most values of `groups` packed groups; *used is how many groups are there for them. */
static size_t decode_groups(const uint8_t *in, size_t n_in, int width, size_t groups, uint32_t *out,
                            size_t most, size_t *used)
{
    size_t there = width > 0 ? least(groups, n_in / (size_t)width) : groups;
    size_t whole = least(there, most / 8);
    size_t n = whole * 8;
    unpack_groups(in, n_in, width, out, whole);
    *used = whole;
    if (whole < there && n < most) {
        uint32_t group[8];
        size_t at = whole * (size_t)width;
        unpack_groups(in + at, n_in - at, width, group, 1);
        memcpy(out + n, group, (most - n) * sizeof *out);
        n = most;
        *used = whole + 1;
    }
    return n;
}

int64_t carquet_rle_decode_all(const uint8_t *input, size_t input_size, int bit_width,
                               uint32_t *output, int64_t max_values)
{
    if (bit_width < 0 || bit_width > 32 || max_values <= 0) {
        return 0;
    }
    const size_t value_bytes = (size_t)(bit_width + 7) / 8, most = (size_t)max_values;
    const uint32_t mask = bit_width == 32 ? UINT32_MAX : (UINT32_C(1) << bit_width) - 1;
    size_t pos = 0, n = 0;
    while (n < most && pos < input_size) {
        uint32_t header = 0;
        size_t n_header = read_header(input + pos, input_size - pos, &header);
        size_t run = header >> 1, used;
        if (n_header == 0) {
            break;
        }
        pos += n_header;
        if ((header & 1) != 0) {
            n += decode_groups(input + pos, input_size - pos, bit_width, run, output + n, most - n,
                               &used);
            pos += used * (size_t)bit_width;
            if (used < run) {
                break; /* there is no more input, or no more wanted */
            }
        } else if (run > 0) {
            uint32_t value = 0;
            if (input_size - pos < value_bytes) {
                break;
            }
            for (size_t i = 0; i < value_bytes; i++) {
                value |= (uint32_t)input[pos++] << (8 * i);
            }
            value &= mask;
            for (size_t end = n + least(run, most - n); n < end; n++) {
                output[n] = value;
            }
        }
    }
    return (int64_t)n;
}

/* ---- Straight to the values -------------------------------------------------------- */

typedef struct dictionary {
    const uint8_t *values; /* at any address */
    size_t n, value_bytes;
} dictionary;

/* Values of whole groups, of which eight bytes from each index on may be read; whether all
 * their indices are inside. */
static inline __attribute__((always_inline)) bool look_up_groups_of(const int width,
                                                                    const size_t value_bytes,
                                                                    const uint8_t *in,
                                                                    const dictionary *from,
                                                                    uint8_t *out, size_t groups)
{
    const uint64_t mask = (UINT64_C(1) << width) - 1, n = from->n;
    const uint8_t *values = from->values;
    uint64_t outside = 0;
    for (; groups > 0; groups--, in += width) {
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++, out += value_bytes) {
            const int bit = i * width;
            uint64_t index = load_64(in + (bit >> 3)) >> (bit & 7) & mask;
            outside |= index >= n;
            index = index < n ? index : 0;
            memcpy(out, values + index * value_bytes, value_bytes);
        }
    }
    return outside == 0;
}

static bool look_up_groups(const uint8_t *in, int width, const dictionary *from, uint8_t *out,
                           size_t groups)
{
#define OF(width)                                                                          \
    case width:                                                                            \
        return from->value_bytes == 8 ? look_up_groups_of(width, 8, in, from, out, groups) \
                                      : look_up_groups_of(width, 4, in, from, out, groups);
#define OF_8(width) \
    OF(width)       \
    OF(width + 1)   \
    OF(width + 2) OF(width + 3) OF(width + 4) OF(width + 5) OF(width + 6) OF(width + 7)
    switch (width) {
        OF_8(1)
        OF_8(9)
        OF_8(17)
        OF_8(25)
    }
#undef OF_8
#undef OF
    return false;
}

/* n values of one packed run. There are all their groups' bytes; those of the last few
 * groups, which a word would reach past, go by way of their indices. */
static bool look_up_packed(const uint8_t *in, size_t n_in, int width, const dictionary *from,
                           uint8_t *out, size_t n)
{
    const size_t group_bytes = (size_t)width;
    const size_t reach = group_bytes + 8, most = n_in >= reach ? (n_in - reach) / group_bytes : 0;
    const size_t fast = least(n / 8, most);
    if (!look_up_groups(in, width, from, out, fast)) {
        return false;
    }
    for (size_t done = fast * 8; done < n; done += 8) {
        uint32_t indices[8];
        const size_t at = done / 8 * group_bytes;
        unpack(in + at, n_in - at, width, indices, 8);
        for (size_t i = 0; i < least(8, n - done); i++) {
            if (indices[i] >= from->n) {
                return false;
            }
            memcpy(out + (done + i) * from->value_bytes,
                   from->values + indices[i] * from->value_bytes, from->value_bytes);
        }
    }
    return true;
}

/* n times the value of one index. */
static bool look_up_run(size_t index, const dictionary *from, uint8_t *out, size_t n)
{
    uint64_t value = 0;
    if (index >= from->n) {
        return false;
    }
    memcpy(&value, from->values + index * from->value_bytes, from->value_bytes);
    for (size_t i = 0; i < n && from->value_bytes == 8; i++) {
        memcpy(out + i * 8, &value, 8);
    }
    for (size_t i = 0; i < n && from->value_bytes == 4; i++) {
        memcpy(out + i * 4, &value, 4);
    }
    return true;
}

/* Up to n values of the run at *in, whose header has been read, and the step over it;
 * *some is how many. */
static bool look_up_one_run(const uint8_t **in, const uint8_t *end, uint32_t header, int width,
                            const dictionary *from, uint8_t *out, size_t n, size_t *some)
{
    const size_t run = header >> 1, left = (size_t)(end - *in);
    if ((header & 1) != 0) {
        *some = least(least(run, n) * 8, n);
        const size_t n_bytes = (*some + 7) / 8 * (size_t)width;
        const uint8_t *packed = *in;
        *in += least(n_bytes, left);
        return n_bytes <= left && look_up_packed(packed, left, width, from, out, *some);
    }
    const size_t index_bytes = run > 0 ? (size_t)(width + 7) / 8 : 0;
    uint64_t index = 0;
    *some = least(run, n);
    if (index_bytes > left) {
        return false;
    }
    for (size_t i = 0; i < index_bytes; i++) {
        index |= (uint64_t) * (*in)++ << (8 * i);
    }
    index &= (UINT64_C(1) << width) - 1;
    return run == 0 || look_up_run((size_t)index, from, out, *some);
}

bool mbar_carquet_look_up(const uint8_t *in, size_t n_in, int width, const uint8_t *values,
                          size_t n_values, size_t value_bytes, void *out, size_t n)
{
    const dictionary from = {values, n_values, value_bytes};
    const uint8_t *end = in + n_in;
    uint8_t *to = out;
    if (width < 1 || width > 32 || n_values == 0) {
        return false;
    }
    for (size_t done = 0, some; done < n; done += some, to += some * value_bytes) {
        uint32_t header = 0;
        const size_t n_header = read_header(in, (size_t)(end - in), &header);
        in += n_header;
        if (n_header == 0 ||
            !look_up_one_run(&in, end, header, width, &from, to, n - done, &some)) {
            return false;
        }
    }
    return true;
}

/* Of one packed run, n bits in (n + 7) / 8 bytes. */
static bool all_bits(const uint8_t *in, size_t n)
{
    for (; n >= 8; n -= 8) {
        if (*in++ != 0xFF) {
            return false;
        }
    }
    return n == 0 || (*in & ((1 << n) - 1)) == (1 << n) - 1;
}

bool mbar_carquet_all_ones(const uint8_t *in, size_t n_in, size_t n)
{
    for (size_t done = 0, some; done < n; done += some) {
        uint32_t header = 0;
        const size_t n_header = read_header(in, n_in, &header), run = header >> 1;
        const bool packed = (header & 1) != 0;
        some = least(packed ? least(run, n) * 8 : run, n - done);
        const size_t n_bytes = packed ? (some + 7) / 8 : run > 0;
        if (n_header == 0 || n_bytes > n_in - n_header ||
            !(packed ? all_bits(in + n_header, some) : some == 0 || in[n_header] == 1)) {
            return false;
        }
        in += n_header + n_bytes;
        n_in -= n_header + n_bytes;
    }
    return true;
}
