/*
 * carquet_snappy.c - carquet's snappy decompressor, faster.
 *
 * Takes the place of carquet_snappy_decompress and carquet_snappy_decompress_diag of
 * carquet 0.7.2 (Carquet.cmake gives the originals other names): same arguments, same bytes.
 * What this refuses goes once more through the original, whose answer stands: it tells which
 * rule a block breaks and where, so that codes and messages stay its own.
 *
 * A block is a varint, the number of bytes that it unpacks to, then elements: a tag whose
 * two lowest bits say literal (0) or copy with one, two or four bytes of offset (1 to 3), and
 * what the tag announces. Bars give short copies, one for every value or so. Far from both
 * ends one takes a look-up and two moves of eight bytes, whatever its length and offset (a
 * branch on either is mispredicted too often); what they write past its end the next element
 * overwrites. "Far" is SLACK bytes, which no such move or load reaches over. Times give pairs,
 * one a value: a literal for the lower bytes, a copy of the upper ones from eight back. A copy
 * that loads what two stores have just left waits for both, so runs of such pairs keep what is
 * copied in a register. Everything else is done exactly.
 *
 * No byte outside [src, src + src_size) is read, and none outside [dst, dst + the block's
 * length), which is at most dst_capacity, is written, whatever the block says.
 */
#include <stdbool.h>
#include <string.h>

#include "compression/snappy.h"

carquet_status_t carquet_snappy_decompress_diag_exact(const uint8_t *src, size_t src_size,
                                                      uint8_t *dst, size_t dst_capacity,
                                                      size_t *dst_size,
                                                      carquet_snappy_diag_t *diag);

/* In the input a tag and a literal of 60 rounded up, in the output a copy of 64. */
#define SLACK 80

/* Where a block is being unpacked. */
typedef struct place {
    const uint8_t *in, *in_end;
    uint8_t *out, *out_begin, *out_end;
} place;

/* Of each tag of a copy with one or two bytes of offset, of which there are as many as its
 * two lowest bits say: its length, and the offset's upper three bits << 8. */
#define NEAR_COPY(tag) \
    ((tag) % 4 == 1 ? ((tag) / 4 % 8 + 4) | (tag) / 32 << 8 : (tag) % 4 == 2 ? (tag) / 4 + 1 : 0)
#define NEAR_4(tag) NEAR_COPY(tag), NEAR_COPY((tag) + 1), NEAR_COPY((tag) + 2), NEAR_COPY((tag) + 3)
#define NEAR_16(tag) NEAR_4(tag), NEAR_4((tag) + 4), NEAR_4((tag) + 8), NEAR_4((tag) + 12)
#define NEAR_64(tag) NEAR_16(tag), NEAR_16((tag) + 16), NEAR_16((tag) + 32), NEAR_16((tag) + 48)
static const uint16_t near_copies[256] = {NEAR_64(0), NEAR_64(64), NEAR_64(128), NEAR_64(192)};

/* The tags of a literal of n bytes, up to 60, and of a copy of n, 4 to 11, from less than 256
 * bytes back, which the byte after it says. */
#define LITERAL_TAG(n) ((uint8_t)(((n)-1) << 2))
#define COPY_TAG(n) ((uint8_t)(((n)-4) << 2 | 1))

static void move_8(uint8_t *to, const uint8_t *from)
{
    uint64_t bytes;
    memcpy(&bytes, from, 8);
    memcpy(to, &bytes, 8);
}

/* n bytes, 1 to 4, of a little-endian number. */
static uint32_t load(const uint8_t *in, size_t n)
{
    uint32_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value |= (uint32_t)in[i] << (8 * i);
    }
    return value;
}

/* The block's own length; false where it is not a number of 32 bits. */
static bool read_length(place *at, size_t *length)
{
    uint64_t value = 0;
    for (int i = 0; i < 5 && at->in < at->in_end; i++) {
        const uint8_t byte = *at->in++;
        value |= (uint64_t)(byte & 0x7F) << (7 * i);
        if ((byte & 0x80) == 0) {
            *length = (size_t)value;
            return value <= UINT32_MAX;
        }
    }
    return false;
}

static bool literal_exact(place *at, size_t length)
{
    if (length > (size_t)(at->in_end - at->in) || length > (size_t)(at->out_end - at->out)) {
        return false;
    }
    memcpy(at->out, at->in, length);
    at->in += length;
    at->out += length;
    return true;
}

static bool copy_exact(place *at, size_t offset, size_t length)
{
    if (offset == 0 || offset > (size_t)(at->out - at->out_begin) ||
        length > (size_t)(at->out_end - at->out)) {
        return false;
    }
    for (size_t i = 0; i < length; i++, at->out++) {
        *at->out = *(at->out - offset);
    }
    return true;
}

/* One element, with every bound looked at; false where it passes one. There is input. */
static bool unpack_exact(place *at)
{
    const size_t tag = *at->in++, kind = tag & 3;
    const size_t more = kind == 3 ? 4 : kind > 0 ? kind : tag >> 2 >= 60 ? (tag >> 2) - 59 : 0;
    if ((size_t)(at->in_end - at->in) < more) {
        return false;
    }
    const size_t number = load(at->in, more);
    at->in += more;
    switch (kind) {
    case 0:
        return literal_exact(at, (more > 0 ? number : tag >> 2) + 1);
    case 1:
        return copy_exact(at, (tag >> 5) << 8 | number, (tag >> 2 & 7) + 4);
    default:
        return copy_exact(at, number, (tag >> 2) + 1);
    }
}

/* A copy from offset back, 1 to 7: what it copies repeats. */
static void repeat(uint8_t *out, size_t offset, size_t length)
{
    const size_t whole = (7 + offset) / offset * offset; /* repetitions in 8 bytes or more */
    for (size_t i = 0; i < 8; i++) {
        out[i] = *(out + i - offset);
    }
    for (size_t i = 8; i < length; i += 8) {
        move_8(out + i, out + i - whole);
    }
}

/* Values of eight bytes, alike but for the first n_low, as pairs: a literal of those, then a copy
 * of the others from eight back, with the same tags all along. Stops at the first that is none,
 * or where less than SLACK bytes are left. */
static void unpack_pairs(place *at, size_t n_low)
{
    const uint8_t *in = at->in, *in_far = at->in_end - SLACK;
    const uint8_t low = LITERAL_TAG(n_low), high = COPY_TAG(8 - n_low);
    uint8_t *out = at->out, *out_far = at->out_end - SLACK;
    uint8_t rest[8];
    move_8(rest, out - 8 + n_low);
    while (in < in_far && out < out_far && in[0] == low && in[1 + n_low] == high &&
           in[2 + n_low] == 8) {
        move_8(out, in + 1);
        move_8(out + n_low, rest);
        in += n_low + 3;
        out += 8;
    }
    at->in = in;
    at->out = out;
}

/* Near copies and short literals, up to another element or the last SLACK bytes of an end. */
static void unpack_fast(place *at)
{
    const uint8_t *in = at->in, *in_far = at->in_end - SLACK;
    uint8_t *out = at->out, *out_far = at->out_end - SLACK;
    while (in < in_far && out < out_far) {
        const size_t tag = *in, kind = tag & 3;
        if (kind == 0) {
            const size_t length = (tag >> 2) + 1;
            if (length > 60) {
                break;
            }
            if (length <= 4 && in[1 + length] == COPY_TAG(8 - length) && in[2 + length] == 8 &&
                out - at->out_begin >= 8) {
                at->in = in;
                at->out = out;
                unpack_pairs(at, length);
                in = at->in;
                out = at->out;
                continue;
            }
            memcpy(out, in + 1, 16);
            if (length > 16) {
                memcpy(out + 16, in + 17, 48);
            }
            in += 1 + length;
            out += length;
            continue;
        }
        const size_t copy = near_copies[tag], length = copy & 0x7F;
        const size_t offset = (copy & 0x700) | (load(in + 1, 2) & (0xFFFFFF >> (24 - 8 * kind)));
        if (kind == 3 || offset == 0 || offset > (size_t)(out - at->out_begin)) {
            break;
        }
        if (offset < 8) {
            repeat(out, offset, length);
        } else {
            move_8(out, out - offset);
            move_8(out + 8, out + 8 - offset);
            for (size_t i = 16; i < length; i += 8) {
                move_8(out + i, out + i - offset);
            }
        }
        in += 1 + kind;
        out += length;
    }
    at->in = in;
    at->out = out;
}

static bool unpack(place *at)
{
    while (at->in < at->in_end) {
        if (at->in_end - at->in > SLACK && at->out_end - at->out > SLACK) {
            unpack_fast(at);
        }
        if (!unpack_exact(at)) {
            return false;
        }
    }
    return at->out == at->out_end;
}

carquet_status_t carquet_snappy_decompress_diag(const uint8_t *src, size_t src_size, uint8_t *dst,
                                                size_t dst_capacity, size_t *dst_size,
                                                carquet_snappy_diag_t *diag)
{
    if (src != NULL && dst != NULL && dst_size != NULL) {
        place at = {.in = src, .in_end = src + src_size, .out = dst, .out_begin = dst};
        size_t length;
        if (read_length(&at, &length) && length <= dst_capacity) {
            at.out_end = dst + length;
            if (unpack(&at)) {
                *dst_size = length;
                return CARQUET_OK;
            }
        }
    }
    return carquet_snappy_decompress_diag_exact(src, src_size, dst, dst_capacity, dst_size, diag);
}

carquet_status_t carquet_snappy_decompress(const uint8_t *src, size_t src_size, uint8_t *dst,
                                           size_t dst_capacity, size_t *dst_size)
{
    carquet_snappy_diag_t diag;
    return carquet_snappy_decompress_diag(src, src_size, dst, dst_capacity, dst_size, &diag);
}
