/*
 * utf8.c - whether bytes are UTF-8, as RFC 3629 defines it.
 *
 * Runs of ASCII go eight bytes at a time; the rest byte by byte. O(n).
 */
#include "io/utf8.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the sequence at p, of n bytes left, or 0 where it is malformed. */
static size_t sequence(const unsigned char *p, size_t n)
{
    unsigned char low = 0x80, high = 0xBF; /* of the second byte */
    size_t length;
    if (p[0] >= 0xC2 && p[0] <= 0xDF) {
        length = 2;
    } else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        length = 3;
        low = p[0] == 0xE0 ? 0xA0 : low;
        high = p[0] == 0xED ? 0x9F : high;
    } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        length = 4;
        low = p[0] == 0xF0 ? 0x90 : low;
        high = p[0] == 0xF4 ? 0x8F : high;
    } else {
        return 0;
    }
    if (n < length || p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if (p[i] < 0x80 || p[i] > 0xBF) {
            return 0;
        }
    }
    return length;
}

bool mbar_utf8_valid(const char *bytes, size_t n_bytes)
{
    const unsigned char *p = (const unsigned char *)bytes;
    size_t i = 0;
    while (i < n_bytes) {
        uint64_t eight;
        while (n_bytes - i >= 8) {
            memcpy(&eight, p + i, 8);
            if ((eight & 0x8080808080808080u) != 0) {
                break;
            }
            i += 8;
        }
        if (i < n_bytes && p[i] < 0x80) {
            i++;
        } else if (i < n_bytes) {
            size_t length = sequence(p + i, n_bytes - i);
            if (length == 0) {
                return false;
            }
            i += length;
        }
    }
    return true;
}
