/* Dictionary pages: the look-up in one pass against carquet's decoder and a plain loop. */
#include "support.h"

#include <stdlib.h>

/* As cmake/carquet_page.h and carquet declare them. */
bool mbar_carquet_look_up(const uint8_t *in, size_t n_in, int width, const uint8_t *values,
                          size_t n_values, size_t value_bytes, void *out, size_t n);
bool mbar_carquet_all_ones(const uint8_t *in, size_t n_in, size_t n);
int64_t carquet_rle_decode_all(const uint8_t *input, size_t input_size, int bit_width,
                               uint32_t *output, int64_t max_values);
int64_t carquet_rle_decode_all_by_value(const uint8_t *input, size_t input_size, int bit_width,
                                        uint32_t *output, int64_t max_values);

#define MOST 4000

static uint64_t seed = 7;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

static size_t put_header(uint8_t *to, uint32_t header)
{
    size_t n = 0;
    for (; header >= 128; header >>= 7) {
        to[n++] = (uint8_t)(header | 128);
    }
    to[n++] = (uint8_t)header;
    return n;
}

static size_t put_index(uint8_t *to, size_t bit, int width, uint32_t index)
{
    for (int i = 0; i < width; i++, bit++) {
        to[bit / 8] = (uint8_t)(to[bit / 8] | (index >> i & 1) << (bit % 8));
    }
    return bit;
}

/* Runs of both kinds that hold n indices or some more, n_values of them from lowest on. */
static size_t make_stream(uint8_t *to, int width, uint32_t lowest, uint32_t n_values, size_t n)
{
    size_t at = 0;
    for (size_t done = 0; done < n;) {
        if (below(3) == 0) {
            uint32_t run = below(200), index = lowest + below(n_values);
            at += put_header(to + at, run << 1);
            for (int i = 0; run > 0 && i < (width + 7) / 8; i++) {
                to[at++] = (uint8_t)(index >> (8 * i));
            }
            done += run;
        } else {
            uint32_t groups = below(20);
            at += put_header(to + at, groups << 1 | 1);
            memset(to + at, 0, groups * (size_t)width);
            for (size_t i = 0, bit = 0; i < groups * 8; i++) {
                bit = put_index(to + at, bit, width, lowest + below(n_values));
            }
            at += groups * (size_t)width;
            done += groups * 8;
        }
    }
    return at;
}

/* The stream in memory of its own size, so that a sanitizer sees one byte too many. */
static void assert_same(const uint8_t *stream, size_t n_stream, int width, uint32_t n_values,
                        size_t value_bytes, size_t n)
{
    static uint32_t indices[MOST], by_value[MOST];
    uint8_t *in = malloc(n_stream + (n_stream == 0));
    uint8_t *values = malloc(n_values * value_bytes), *out = malloc(n * value_bytes);
    assert_true(in != NULL && values != NULL && out != NULL);
    memcpy(in, stream, n_stream);
    for (size_t i = 0; i < n_values * value_bytes; i++) {
        values[i] = (uint8_t)below(256);
    }
    int64_t found = carquet_rle_decode_all(in, n_stream, width, indices, (int64_t)n);
    assert_int_equal(found,
                     carquet_rle_decode_all_by_value(in, n_stream, width, by_value, (int64_t)n));
    assert_memory_equal(indices, by_value, (size_t)found * sizeof *indices);
    bool inside = found == (int64_t)n && width > 0;
    for (size_t i = 0; i < n && inside; i++) {
        inside = indices[i] < n_values;
    }
    assert_int_equal(
        mbar_carquet_look_up(in, n_stream, width, values, n_values, value_bytes, out, n), inside);
    for (size_t i = 0; i < n && inside; i++) {
        assert_memory_equal(out + i * value_bytes, values + indices[i] * value_bytes, value_bytes);
    }
    free(in);
    free(values);
    free(out);
}

static void test_every_width(void **state)
{
    static uint8_t stream[MOST * 8];
    (void)state;
    for (int round = 0; round < 1200; round++) {
        const int width = round % 33;
        const uint32_t most = width < 12 ? 1u << width : 4000, n_values = below(most) + 1;
        const size_t n = below(600) + 1, value_bytes = round % 2 == 0 ? 8 : 4;
        size_t n_stream = make_stream(stream, width, 0, n_values, n);
        assert_same(stream, n_stream, width, n_values, value_bytes, n);
        assert_same(stream, below((uint32_t)n_stream), width, n_values, value_bytes, n);
        if (n_values > 1) {
            assert_same(stream, n_stream, width, n_values - 1, value_bytes, n);
        }
        stream[below((uint32_t)n_stream)] ^= (uint8_t)(1 << below(8));
        assert_same(stream, n_stream, width, n_values, value_bytes, n);
    }
}

static bool all_ones(const uint8_t *stream, size_t n_stream, size_t n)
{
    uint8_t *in = malloc(n_stream + (n_stream == 0));
    assert_non_null(in);
    memcpy(in, stream, n_stream);
    bool answer = mbar_carquet_all_ones(in, n_stream, n);
    free(in);
    return answer;
}

static void test_ones(void **state)
{
    static uint8_t stream[MOST * 8];
    static uint32_t levels[MOST];
    int n_true = 0;
    (void)state;
    for (int round = 0; round < 2000; round++) {
        const size_t n = below(1000) + 1, n_stream = make_stream(stream, 1, 1, 1, n);
        assert_true(all_ones(stream, n_stream, n));
        assert_false(all_ones(stream, n_stream, n_stream * 300));
        stream[below((uint32_t)n_stream)] ^= (uint8_t)(1 << below(8));
        /* Not the other way round: carquet takes 3 for 1 in a run, as it is one bit. */
        bool ones = carquet_rle_decode_all(stream, n_stream, 1, levels, (int64_t)n) == (int64_t)n;
        for (size_t i = 0; i < n && ones; i++) {
            ones = levels[i] == 1;
        }
        n_true += all_ones(stream, n_stream, n);
        assert_true(ones || !all_ones(stream, n_stream, n));
    }
    assert_in_range(n_true, 1, 1000);
}

static void test_padding_is_not_looked_up(void **state)
{
    /* One group of which the first is wanted; the second is outside of a dictionary of two. */
    const uint8_t stream[] = {1 << 1 | 1, 0x91, 0xFF, 0xFF}, values[] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t out[12];
    (void)state;
    assert_true(mbar_carquet_look_up(stream, sizeof stream, 3, values, 2, 4, out, 1));
    assert_memory_equal(out, values + 4, 4);
    assert_false(mbar_carquet_look_up(stream, sizeof stream, 3, values, 2, 4, out, 2));
    assert_false(mbar_carquet_look_up(stream, sizeof stream, 33, values, 2, 4, out, 1));
    assert_false(mbar_carquet_look_up(stream, 0, 3, values, 2, 4, out, 1));
}

static void test_a_dictionary_of_nothing(void **state)
{
    const uint8_t zeros[32] = {2 << 1 | 1};
    uint8_t out[64], *values = malloc(1);
    (void)state;
    assert_non_null(values);
    assert_false(mbar_carquet_look_up(zeros, sizeof zeros, 2, values, 0, 8, out, 8));
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_width),
        cmocka_unit_test(test_ones),
        cmocka_unit_test(test_padding_is_not_looked_up),
        cmocka_unit_test(test_a_dictionary_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
