/* Pages of deltas: the decoder in one pass against carquet's. */
#include "support.h"

#include <stdlib.h>

/* As cmake/carquet_page.h and carquet declare them: 0 is success. */
bool mbar_carquet_deltas(const uint8_t *in, size_t n_in, int64_t *out, size_t n);
int carquet_delta_decode_int64(const uint8_t *data, size_t data_size, int64_t *values,
                               int32_t num_values, size_t *bytes_consumed);
int carquet_delta_encode_int64(const int64_t *values, int32_t num_values, uint8_t *data,
                               size_t data_capacity, size_t *bytes_written);

#define MOST 3000

static uint64_t seed = 11;

static uint64_t next(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 33 | seed << 31;
}

/* Values whose steps take up to width bits, now and then 60 times as large. */
static size_t make_page(uint8_t *page, size_t capacity, int64_t *values, int32_t n, int width)
{
    uint64_t value = next();
    size_t n_bytes = 0;
    for (int32_t i = 0; i < n; i++) {
        uint64_t step = width == 0 ? 60 : next() & ((UINT64_C(2) << (width - 1)) - 1);
        value += next() % 50 == 0 && width < 50 ? step * 60 : step;
        values[i] = (int64_t)value;
    }
    assert_int_equal(carquet_delta_encode_int64(values, n, page, capacity, &n_bytes), 0);
    return n_bytes;
}

/* Whether both read the page; alike where ours does. The page is in memory of its own size. */
static bool reads(const uint8_t *page, size_t n_bytes, int32_t n)
{
    static int64_t ours[MOST], theirs[MOST];
    uint8_t *in = malloc(n_bytes + (n_bytes == 0));
    size_t used;
    assert_non_null(in);
    memcpy(in, page, n_bytes);
    bool ok = mbar_carquet_deltas(in, n_bytes, ours, (size_t)n);
    if (ok) {
        assert_int_equal(carquet_delta_decode_int64(in, n_bytes, theirs, n, &used), 0);
        assert_memory_equal(ours, theirs, (size_t)n * sizeof *ours);
    }
    free(in);
    return ok;
}

static void test_every_width(void **state)
{
    static int64_t values[MOST], out[MOST];
    static uint8_t page[MOST * 12];
    (void)state;
    for (int round = 0; round < 50 * 20; round++) {
        const int width = round % 50;
        const int32_t n = (int32_t)(next() % (MOST - 1)) + 1;
        const size_t n_bytes = make_page(page, sizeof page, values, n, width);
        assert_true(reads(page, n_bytes, n));
        assert_true(mbar_carquet_deltas(page, n_bytes, out, (size_t)n));
        assert_memory_equal(out, values, (size_t)n * sizeof *values);
        assert_false(reads(page, n_bytes, n + 1));
        assert_false(reads(page, next() % n_bytes, n));
        page[next() % n_bytes] ^= (uint8_t)(1 << next() % 8);
        (void)reads(page, n_bytes, n);
    }
}

static void test_wide_deltas_are_left_to_carquet(void **state)
{
    static int64_t values[200];
    static uint8_t page[4096];
    (void)state;
    assert_false(reads(page, make_page(page, sizeof page, values, 200, 64), 200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_width),
        cmocka_unit_test(test_wide_deltas_are_left_to_carquet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
