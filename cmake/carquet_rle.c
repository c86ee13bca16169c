/*
 * carquet_rle.c - carquet_rle_decode_all, faster.
 *
 * carquet 0.7.2 unpacks the indices of dictionary pages through a buffer of eight values,
 * one value at a time; that is most of the time of reading a file whose columns have
 * dictionaries, as pyarrow writes them. This takes the place of that one function
 * (Carquet.cmake gives the original another name): same arguments, same values, same count
 * where the input ends early. Runs are filled, and packed groups unpacked, in loops
 * straight into the output.
 *
 * The stream is Parquet's hybrid of runs: a varint header whose lowest bit tells a run of
 * one value (0) from groups of eight packed ones (1). No byte outside
 * [input, input + input_size) is read, whatever the stream says.
 */
#include <stdint.h>
#include <string.h>

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
