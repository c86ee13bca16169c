/* The snappy decompressor in carquet's place: against carquet's own, on blocks made here. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

/* As cmake/carquet_snappy.c and carquet declare them: 0 is success. */
int carquet_snappy_decompress_diag(const uint8_t *src, size_t src_size, uint8_t *dst,
                                   size_t dst_capacity, size_t *dst_size, void *diag);
int carquet_snappy_decompress_diag_exact(const uint8_t *src, size_t src_size, uint8_t *dst,
                                         size_t dst_capacity, size_t *dst_size, void *diag);
int carquet_snappy_compress(const uint8_t *src, size_t src_size, uint8_t *dst, size_t dst_capacity,
                            size_t *dst_size);
size_t carquet_snappy_compress_bound(size_t src_size);

#define MOST 20000

static uint64_t seed = 1;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

/* Blocks of their own size, so that a sanitizer sees one byte too many. */
static void assert_same(const uint8_t *block, size_t n_block, size_t capacity)
{
    uint64_t diag[8], diag_exact[8];
    uint8_t *in = malloc(n_block + (n_block == 0));
    uint8_t *out = malloc(capacity + (capacity == 0)), *exact = malloc(capacity + (capacity == 0));
    size_t n_out = 0, n_exact = 0;
    assert_true(in != NULL && out != NULL && exact != NULL);
    memcpy(in, block, n_block);
    int status = carquet_snappy_decompress_diag(in, n_block, out, capacity, &n_out, diag);
    int expected =
        carquet_snappy_decompress_diag_exact(in, n_block, exact, capacity, &n_exact, diag_exact);
    assert_int_equal(status, expected);
    if (expected == 0) {
        assert_int_equal(n_out, n_exact);
        assert_memory_equal(out, exact, n_exact);
    }
    free(in);
    free(out);
    free(exact);
}

static size_t put_length(uint8_t *block, size_t length)
{
    size_t n = 0;
    for (; length >= 128; length >>= 7) {
        block[n++] = (uint8_t)(length | 128);
    }
    block[n++] = (uint8_t)length;
    return n;
}

/* A literal, or a copy of what is there, in one of the forms that can tell it. */
static size_t put_element(uint8_t *to, size_t done, size_t *length)
{
    uint32_t kind = done == 0 ? 0 : below(4);
    size_t n = 0, offset = 0;
    if (kind == 0) {
        *length = below(8) == 0 ? below(300) + 1 : below(20) + 1;
        if (*length <= 60) {
            to[n++] = (uint8_t)((*length - 1) << 2);
        } else {
            to[n++] = 61 << 2;
            to[n++] = (uint8_t)(*length - 1);
            to[n++] = (uint8_t)((*length - 1) >> 8);
        }
        for (size_t i = 0; i < *length; i++) {
            to[n++] = (uint8_t)below(256);
        }
        return n;
    }
    offset = below(3) == 0 ? below(10) + 1 : below(2000) + 1;
    offset = offset > done ? below((uint32_t)done) + 1 : offset;
    *length = kind == 1 ? below(8) + 4 : below(64) + 1;
    to[n++] = kind == 1 ? (uint8_t)(1 | (*length - 4) << 2 | (offset >> 8) << 5)
                        : (uint8_t)(kind | (*length - 1) << 2);
    for (size_t i = 0; i < (kind == 3 ? 4 : kind); i++) {
        to[n++] = (uint8_t)(offset >> (8 * i));
    }
    return n;
}

/* Values of eight bytes that share their upper ones, as times do: literals, and copies from eight
 * back. Now and then one is cut otherwise. */
static size_t put_pairs(uint8_t *to, size_t *length)
{
    size_t n = 0, n_low = below(4) + 1;
    *length = 0;
    for (uint32_t pairs = below(30) + 1; pairs > 0; pairs--) {
        size_t offset = below(40) == 0 ? below(8) + 1 : 8;
        size_t n_high = below(40) == 0 ? below(8) + 4 : 8 - n_low;
        to[n++] = (uint8_t)((n_low - 1) << 2);
        for (size_t i = 0; i < n_low; i++) {
            to[n++] = (uint8_t)below(256);
        }
        to[n++] = (uint8_t)(1 | (n_high - 4) << 2);
        to[n++] = (uint8_t)offset;
        *length += n_low + n_high;
    }
    return n;
}

/* A valid block that unpacks to *length bytes, at most about MOST / 2. */
static size_t make_block(uint8_t *block, size_t *length)
{
    static uint8_t elements[MOST];
    size_t n = 0, done = 0, wanted = below(below(2) == 0 ? 200 : MOST / 4) + 1;
    while (done < wanted) {
        size_t more;
        n += done >= 7 && below(8) == 0 ? put_pairs(elements + n, &more)
                                        : put_element(elements + n, done, &more);
        done += more;
    }
    *length = done;
    size_t n_length = put_length(block, done);
    memcpy(block + n_length, elements, n);
    return n_length + n;
}

static void test_every_kind_of_element(void **state)
{
    static uint8_t block[MOST + 8];
    (void)state;
    for (int round = 0; round < 2000; round++) {
        size_t length;
        size_t n = make_block(block, &length);
        assert_same(block, n, length);
        assert_same(block, n, length + below(100));
    }
}

static void test_damaged_blocks(void **state)
{
    static uint8_t block[MOST + 8];
    (void)state;
    for (int round = 0; round < 4000; round++) {
        size_t length;
        size_t n = make_block(block, &length);
        assert_same(block, below((uint32_t)n), length);
        assert_same(block, n, length - 1);
        for (uint32_t i = below(3) + 1; i > 0; i--) {
            block[below((uint32_t)n)] = (uint8_t)below(256);
        }
        assert_same(block, n, length);
    }
}

/* Columns of values that repeat, as the compressor itself writes them. */
static void test_compressed_columns(void **state)
{
    static double values[8192];
    size_t n_bytes = sizeof values, n_block = 0;
    uint8_t *block = malloc(carquet_snappy_compress_bound(n_bytes));
    (void)state;
    assert_non_null(block);
    for (uint32_t kinds = 1; kinds < 5000; kinds = kinds * 3 + 1) {
        size_t n_out = 0;
        static uint8_t out[sizeof values];
        uint64_t diag[8];
        for (size_t i = 0; i < 8192; i++) {
            values[i] = 100.0 + 0.25 * below(kinds);
        }
        assert_int_equal(carquet_snappy_compress((const uint8_t *)values, n_bytes, block,
                                                 carquet_snappy_compress_bound(n_bytes), &n_block),
                         0);
        assert_int_equal(carquet_snappy_decompress_diag(block, n_block, out, n_bytes, &n_out, diag),
                         0);
        assert_int_equal(n_out, n_bytes);
        assert_memory_equal(out, values, n_bytes);
        assert_same(block, n_block, n_bytes);
    }
    free(block);
}

/* Times of every unit, as the compressor itself writes them, with gaps. */
static void test_compressed_times(void **state)
{
    static int64_t values[8192];
    size_t n_bytes = sizeof values, n_block = 0;
    uint8_t *block = malloc(carquet_snappy_compress_bound(n_bytes));
    (void)state;
    assert_non_null(block);
    for (int64_t second = 1; second <= 1000000000; second *= 10) {
        int64_t value = 1700000000 * second;
        for (size_t i = 0; i < 8192; i++) {
            value += 60 * second * (below(50) == 0 ? below(100) : 1);
            values[i] = value;
        }
        assert_int_equal(carquet_snappy_compress((const uint8_t *)values, n_bytes, block,
                                                 carquet_snappy_compress_bound(n_bytes), &n_block),
                         0);
        assert_same(block, n_block, n_bytes);
    }
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_element),
        cmocka_unit_test(test_damaged_blocks),
        cmocka_unit_test(test_compressed_columns),
        cmocka_unit_test(test_compressed_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
