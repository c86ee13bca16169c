/* The checksums in carquet's place: against carquet's own, which are zlib's. */
#include "support.h"

#include <stdlib.h>

/* As carquet declares them. */
uint32_t carquet_crc32(const uint8_t *data, size_t length);
uint32_t carquet_crc32_update(uint32_t crc, const uint8_t *data, size_t length);
uint32_t carquet_crc32_update_by_zlib(uint32_t crc, const uint8_t *data, size_t length);

/* Several strides of every kind. */
#define MOST 1200

static uint64_t seed = 1;

static uint32_t next(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 32);
}

/* In memory of its own size, so that a sanitizer sees one byte too many. */
static void assert_same(size_t before, size_t length)
{
    uint8_t *block = malloc(before + length + 1);
    assert_non_null(block);
    uint8_t *data = block + 1 + before;
    for (size_t i = 0; i < length; i++) {
        data[i] = (uint8_t)next();
    }
    uint32_t crc = next();
    assert_int_equal(carquet_crc32_update(crc, data, length),
                     carquet_crc32_update_by_zlib(crc, data, length));
    assert_int_equal(carquet_crc32(data, length), carquet_crc32_update_by_zlib(0, data, length));
    free(block);
}

static void test_every_length(void **state)
{
    (void)state;
    for (size_t length = 0; length < MOST; length++) {
        assert_same(next() % 32, length);
    }
}

static void test_pages(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        assert_same(next() % 32, next() % (1 << 20));
    }
}

static void test_known(void **state)
{
    (void)state;
    assert_int_equal(carquet_crc32((const uint8_t *)"123456789", 9), 0xCBF43926);
    assert_int_equal(carquet_crc32_update(7, NULL, 0), 7);
}

/* Whatever the cut, also where the parts are folded in other strides than the whole. */
static void test_parts(void **state)
{
    static uint8_t data[MOST];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)next();
    }
    for (size_t cut = 0; cut <= sizeof data; cut++) {
        uint32_t crc = carquet_crc32(data, cut);
        crc = carquet_crc32_update(crc, data + cut, sizeof data - cut);
        assert_int_equal(crc, carquet_crc32(data, sizeof data));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
