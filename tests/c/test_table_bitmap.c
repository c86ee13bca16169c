/* test_table_bitmap.c - runs of bits against the obvious loop. */
#include "support.h"

#include "table/bitmap.h"

#define BYTES 48
#define BITS (BYTES * 8)

static uint64_t seed = 88172645463325252;

static uint64_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void randomize(uint8_t *bits)
{
    for (int i = 0; i < BYTES; i++)
        bits[i] = (uint8_t)next();
}

static void single(void **state)
{
    (void)state;
    uint8_t bits[2] = {0, 0};
    mbar_bit_set(bits, 9);
    assert_int_equal(bits[1], 2);
    assert_true(mbar_bit_get(bits, 9));
    assert_false(mbar_bit_get(bits, 8));
    mbar_bit_put(bits, 9, false);
    mbar_bit_put(bits, 0, true);
    assert_int_equal(bits[0], 1);
    assert_int_equal(bits[1], 0);
    assert_int_equal(mbar_bits_bytes(0), 0);
    assert_int_equal(mbar_bits_bytes(1), 1);
    assert_int_equal(mbar_bits_bytes(8), 1);
    assert_int_equal(mbar_bits_bytes(9), 2);
    assert_int_equal(mbar_bits_bytes(INT64_MAX), (size_t)1 << 60);
}

static void count(void **state)
{
    (void)state;
    uint8_t bits[BYTES];
    randomize(bits);
    for (int64_t first = 0; first < 20; first++)
        for (int64_t n = 0; first + n <= BITS; n++) {
            int64_t expected = 0;
            for (int64_t i = 0; i < n; i++)
                expected += mbar_bit_get(bits, first + i);
            assert_int_equal(mbar_bits_count(bits, first, n), expected);
        }
}

/* Copies the bits named, and no others. */
static void copy(void **state)
{
    (void)state;
    for (int64_t from_first = 0; from_first < 17; from_first++)
        for (int64_t to_first = 0; to_first < 17; to_first++)
            for (int64_t n = 0; n < 150; n += 1 + (n > 40) * 7) {
                uint8_t from[BYTES];
                uint8_t to[BYTES];
                uint8_t before[BYTES];
                randomize(from);
                randomize(to);
                memcpy(before, to, BYTES);
                mbar_bits_copy(to, to_first, from, from_first, n);
                for (int64_t i = 0; i < BITS; i++) {
                    bool inside = i >= to_first && i < to_first + n;
                    bool expected = inside ? mbar_bit_get(from, from_first + i - to_first)
                                           : mbar_bit_get(before, i);
                    assert_int_equal(mbar_bit_get(to, i), expected);
                }
                assert_true(mbar_bits_equal(to, to_first, from, from_first, n));
                if (n > 0) {
                    int64_t at = to_first + (int64_t)(next() % (uint64_t)n);
                    mbar_bit_put(to, at, !mbar_bit_get(to, at));
                    assert_false(mbar_bits_equal(to, to_first, from, from_first, n));
                }
            }
}

static void fill(void **state)
{
    (void)state;
    for (int64_t first = 0; first < 17; first++)
        for (int64_t n = 0; n < 100; n++) {
            uint8_t bits[BYTES];
            uint8_t before[BYTES];
            randomize(bits);
            memcpy(before, bits, BYTES);
            mbar_bits_fill(bits, first, n);
            for (int64_t i = 0; i < BITS; i++)
                assert_int_equal(mbar_bit_get(bits, i),
                                 (i >= first && i < first + n) || mbar_bit_get(before, i));
        }
}

/* The last byte of a run is the last byte read: the array ends there. */
static void ends(void **state)
{
    (void)state;
    for (int64_t first = 0; first < 8; first++)
        for (int64_t n = 1; n < 90; n++) {
            size_t n_bytes = mbar_bits_bytes(first + n);
            uint8_t *a = test_calloc(n_bytes, 1);
            uint8_t *b = test_calloc(n_bytes, 1);
            mbar_bits_fill(a, first, n);
            assert_int_equal(mbar_bits_count(a, first, n), n);
            mbar_bits_copy(b, first, a, first, n);
            assert_memory_equal(a, b, n_bytes);
            assert_true(mbar_bits_equal(a, first, b, first, n));
            uint8_t *c = test_calloc(mbar_bits_bytes(n), 1);
            mbar_bits_copy(c, 0, a, first, n);
            assert_int_equal(mbar_bits_count(c, 0, n), n);
            test_free(a);
            test_free(b);
            test_free(c);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single), cmocka_unit_test(count), cmocka_unit_test(copy),
        cmocka_unit_test(fill),   cmocka_unit_test(ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
