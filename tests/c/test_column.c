/* test_column.c - buffers, making columns, slices, reading. */
#include "support.h"

#include "base/alloc.h"
#include "table/buffer.h"
#include "table/column.h"

#include <math.h>

/* ---- Buffers ------------------------------------------------------------- */

static void buffers(void **state)
{
    (void)state;
    for (size_t n = 0; n < 300; n++) {
        mbar_buffer *buffer = NULL;
        mbar_buffer *raw = NULL;
        assert_ok(mbar_buffer_new(n, &buffer, &error));
        assert_ok(mbar_buffer_new_uninit(n, &raw, &error));
        assert_int_equal((uintptr_t)mbar_buffer_data(buffer) % 64, 0);
        assert_int_equal((uintptr_t)mbar_buffer_data(raw) % 64, 0);
        assert_int_equal(mbar_buffer_size(buffer), n);
        assert_int_equal(mbar_buffer_size(raw), n);
        size_t padded = n ? (n + 63) / 64 * 64 : 64;
        const char *bytes = mbar_buffer_data(buffer);
        for (size_t i = 0; i < padded; i++)
            assert_int_equal(bytes[i], 0);
        bytes = mbar_buffer_data(raw);
        for (size_t i = n; i < padded; i++)
            assert_int_equal(bytes[i], 0);
        memset(mbar_buffer_writable(buffer), 1, padded);
        mbar_buffer_unref(buffer);
        mbar_buffer_unref(raw);
    }
    mbar_buffer_unref(NULL);
    mbar_buffer *buffer = (mbar_buffer *)7;
    assert_fails(MBAR_NOMEM, "out of memory", mbar_buffer_new(SIZE_MAX, &buffer, &error));
    assert_fails(MBAR_NOMEM, "out of memory", mbar_buffer_new(SIZE_MAX - 200, &buffer, &error));
    assert_ptr_equal(buffer, (mbar_buffer *)7);
}

static void count_release(void *owner)
{
    ++*(int *)owner;
}

static void wrapped_buffers(void **state)
{
    (void)state;
    static const char bytes[] = "foreign";
    int n_released = 0;
    mbar_buffer *buffer = NULL;
    assert_ok(mbar_buffer_wrap(bytes, sizeof bytes, count_release, &n_released, &buffer, &error));
    assert_ptr_equal(mbar_buffer_data(buffer), bytes);
    assert_ptr_equal(mbar_buffer_ref(buffer), buffer);
    mbar_buffer_unref(buffer);
    assert_int_equal(n_released, 0);
    mbar_buffer_unref(buffer);
    assert_int_equal(n_released, 1);
    assert_ok(mbar_buffer_wrap(NULL, 0, NULL, NULL, &buffer, &error));
    assert_null(mbar_buffer_data(buffer));
    mbar_buffer_unref(buffer);
    mbar_set_memory_limit(1);
    assert_fails(MBAR_NOMEM, "limit",
                 mbar_buffer_wrap(bytes, 1, count_release, &n_released, &buffer, &error));
    mbar_set_memory_limit(0);
    assert_int_equal(n_released, 1);
}

/* ---- Types and making ---------------------------------------------------- */

static void types(void **state)
{
    (void)state;
    static const struct {
        mbar_type type;
        const char *name;
        size_t width;
    } all[] = {
        {MBAR_TYPE_BOOL, "bool", 0},       {MBAR_TYPE_INT32, "int32", 4},
        {MBAR_TYPE_INT64, "int64", 8},     {MBAR_TYPE_UINT64, "uint64", 8},
        {MBAR_TYPE_FLOAT32, "float32", 4}, {MBAR_TYPE_FLOAT64, "float64", 8},
        {MBAR_TYPE_UTF8, "utf8", 0},       {MBAR_TYPE_TIMESTAMP, "timestamp", 8},
        {MBAR_TYPE_DICT, "dictionary", 4},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_string_equal(mbar_type_name(all[i].type), all[i].name);
        assert_int_equal(mbar_type_width(all[i].type), all[i].width);
    }
    assert_string_equal(mbar_type_name((mbar_type)0), "unknown type");
    assert_int_equal(mbar_type_width((mbar_type)99), 0);
}

static void fields_are_copied(void **state)
{
    (void)state;
    char name[] = "time";
    char zone[] = "America/New_York";
    const int64_t values[] = {1, 2};
    mbar_field field = {name, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_US, zone, false};
    mbar_column *column = NULL;
    assert_ok(mbar_column_from_values(&field, 2, values, &column, &error));
    memset(name, 'x', sizeof name - 1);
    memset(zone, 'x', sizeof zone - 1);
    const mbar_field *got = mbar_column_field(column);
    assert_string_equal(got->name, "time");
    assert_string_equal(got->zone, "America/New_York");
    assert_int_equal(got->unit, MBAR_UNIT_US);
    assert_false(got->nullable);
    mbar_column *renamed = NULL;
    assert_ok(mbar_column_rename(column, "datetime", &renamed, &error));
    assert_string_equal(mbar_column_field(renamed)->name, "datetime");
    assert_string_equal(mbar_column_field(renamed)->zone, "America/New_York");
    assert_ptr_equal(mbar_column_values(renamed), mbar_column_values(column));
    mbar_column_unref(column);
    assert_int_equal(((const int64_t *)mbar_column_values(renamed))[1], 2);
    mbar_column_unref(renamed);
    mbar_column_unref(NULL);
}

static void values_of_each_width(void **state)
{
    (void)state;
    const double prices[] = {1.5, -0.0, NAN, INFINITY};
    mbar_column *column = column_of(field_of("close", MBAR_TYPE_FLOAT64), prices, 4, NULL);
    assert_int_equal(mbar_column_rows(column), 4);
    assert_memory_equal(mbar_column_values(column), prices, sizeof prices);
    assert_int_equal(mbar_column_nulls(column), 0);
    assert_int_equal(mbar_column_bytes(column), 32);
    assert_valid(column, "1111");
    mbar_column_unref(column);

    const float floats[] = {1.5f, 2.5f, 3.5f};
    column = column_of(field_of("x", MBAR_TYPE_FLOAT32), floats, 3, "101");
    assert_memory_equal(mbar_column_values(column), floats, 4);
    assert_valid(column, "101");
    assert_int_equal(mbar_column_bytes(column), 12 + 1);
    mbar_column_unref(column);
}

static void no_rows(void **state)
{
    (void)state;
    for (int type = MBAR_TYPE_BOOL; type <= MBAR_TYPE_DICT; type++) {
        mbar_field field = field_of("x", (mbar_type)type);
        mbar_column *column = NULL;
        assert_ok(mbar_column_new_empty(&field, &column, &error));
        assert_valid(column, "");
        assert_int_equal(mbar_column_bytes(column), type == MBAR_TYPE_UTF8   ? 4
                                                    : type == MBAR_TYPE_DICT ? 4
                                                                             : 0);
        mbar_column *slice = NULL;
        assert_ok(mbar_column_slice(column, 0, 0, &slice, &error));
        assert_true(mbar_column_equal(slice, column));
        mbar_column_unref(slice);
        mbar_column_unref(column);
    }
    mbar_field field = field_of("x", MBAR_TYPE_INT64);
    mbar_column *column = NULL;
    assert_ok(mbar_column_from_values(&field, 0, NULL, &column, &error));
    mbar_column_unref(column);
}

/* ---- Checks -------------------------------------------------------------- */

static void refused(void **state)
{
    (void)state;
    static const int64_t values[4] = {0};
    mbar_field field = field_of("volume", MBAR_TYPE_INT64);
    mbar_field strict = field;
    strict.nullable = false;
    mbar_buffer *data = buffer_of(values, 24);
    mbar_buffer *bits = bits_of("101");
    mbar_buffer *odd = NULL;
    assert_ok(mbar_buffer_wrap((const char *)values + 4, 16, NULL, NULL, &odd, &error));
    mbar_column *column = (mbar_column *)7;
    assert_fails(MBAR_INVALID, "column \"volume\": the data buffer has 24 bytes, 32 are needed",
                 mbar_column_new(&field, 4, data, NULL, 0, &column, &error));
    assert_fails(MBAR_INVALID, "-1 rows",
                 mbar_column_new(&field, -1, data, NULL, 0, &column, &error));
    assert_fails(MBAR_INVALID, "too many",
                 mbar_column_new(&field, INT64_MAX, data, NULL, 0, &column, &error));
    assert_fails(MBAR_INVALID, "without a validity bitmap",
                 mbar_column_new(&field, 3, data, NULL, 1, &column, &error));
    assert_fails(MBAR_INVALID, "4 nulls among 3",
                 mbar_column_new(&field, 3, data, bits, 4, &column, &error));
    assert_fails(MBAR_INVALID, "-2 nulls",
                 mbar_column_new(&field, 3, data, bits, -2, &column, &error));
    assert_fails(MBAR_INVALID, "declared without nulls and has 1",
                 mbar_column_new(&strict, 3, data, bits, -1, &column, &error));
    assert_fails(MBAR_INVALID, "not aligned to 8",
                 mbar_column_new(&field, 2, odd, NULL, 0, &column, &error));
    field.type = MBAR_TYPE_BOOL;
    assert_fails(MBAR_INVALID, "the validity buffer has 1 bytes, 2 are needed",
                 mbar_column_new(&field, 9, data, bits, -1, &column, &error));
    assert_fails(MBAR_INVALID, "25 are needed",
                 mbar_column_new(&field, 193, data, NULL, 0, &column, &error));
    assert_ptr_equal(column, (mbar_column *)7);
    assert_ok(mbar_column_new(&strict, 1, data, bits, -1, &column, &error));
    assert_valid(column, "1");
    mbar_column_unref(column);
    mbar_buffer_unref(data);
    mbar_buffer_unref(bits);
    mbar_buffer_unref(odd);
}

static void utf8_refused(void **state)
{
    (void)state;
    mbar_field field = field_of("symbol", MBAR_TYPE_UTF8);
    static const struct {
        int32_t offsets[4];
        const char *message;
        int row;
    } bad[] = {
        {{-1, 0, 1, 2}, "row 0", 0}, {{0, 2, 1, 3}, "row 1", 1},       {{0, 1, 2, 1}, "row 2", 2},
        {{0, 1, 2, 6}, "row 2", 2},  {{6, 6, 6, 6}, "the 5 bytes", 2}, {{0, 5, 4, 5}, "row 1", 1},
    };
    mbar_buffer *bytes = buffer_of("abcde", 5);
    mbar_column *column = (mbar_column *)7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mbar_buffer *offsets = buffer_of(bad[i].offsets, 16);
        assert_fails(MBAR_INVALID, bad[i].message,
                     mbar_column_new_utf8(&field, 3, offsets, bytes, NULL, 0, &column, &error));
        mbar_error error;
        assert_int_equal(mbar_column_new_utf8(&field, 3, offsets, bytes, NULL, 0, &column, &error),
                         MBAR_INVALID);
        assert_int_equal(error.row, bad[i].row);
        mbar_buffer_unref(offsets);
    }
    mbar_buffer *offsets = buffer_of((int32_t[]){1, 2, 2, 5}, 16);
    assert_fails(MBAR_INVALID, "20 are needed",
                 mbar_column_new_utf8(&field, 4, offsets, bytes, NULL, 0, &column, &error));
    assert_fails(MBAR_INVALID, "too many rows",
                 mbar_column_new_utf8(&field, INT64_MAX, offsets, bytes, NULL, 0, &column, &error));
    assert_ptr_equal(column, (mbar_column *)7);
    assert_ok(mbar_column_new_utf8(&field, 3, offsets, bytes, NULL, 0, &column, &error));
    assert_text(column, 0, "b");
    assert_text(column, 1, "");
    assert_text(column, 2, "cde");
    assert_int_equal(mbar_column_bytes(column), 16 + 4);
    mbar_column_unref(column);
    mbar_buffer_unref(offsets);
    mbar_buffer_unref(bytes);
}

static void dict_refused(void **state)
{
    (void)state;
    mbar_field field = field_of("symbol", MBAR_TYPE_DICT);
    mbar_column *entries = text_column_of("", (const char *[]){"MES", "ES"}, 2);
    mbar_column *with_null = text_column_of("", (const char *[]){"MES", NULL}, 2);
    mbar_buffer *codes = buffer_of((int32_t[]){0, 2, 1, -5}, 16);
    mbar_buffer *bits = bits_of("1010");
    mbar_column *column = (mbar_column *)7;
    assert_fails(MBAR_INVALID, "row 1: code 2 is outside the dictionary of 2",
                 mbar_column_new_dict(&field, 4, codes, entries, NULL, 0, &column, &error));
    assert_fails(MBAR_INVALID, "dictionary has nulls",
                 mbar_column_new_dict(&field, 1, codes, with_null, NULL, 0, &column, &error));
    assert_ptr_equal(column, (mbar_column *)7);
    assert_ok(mbar_column_new_dict(&field, 4, codes, entries, bits, -1, &column, &error));
    assert_text(column, 0, "MES");
    assert_text(column, 1, NULL);
    assert_text(column, 2, "ES");
    assert_text(column, 3, NULL);
    assert_ptr_equal(mbar_column_dictionary(column), entries);
    assert_null(mbar_column_dictionary(entries));
    assert_int_equal(((const int32_t *)mbar_column_values(column))[2], 1);
    assert_int_equal(mbar_column_bytes(column), 16 + 1 + (12 + 5));
    mbar_column_unref(column);
    mbar_column_unref(entries);
    mbar_column_unref(with_null);
    mbar_buffer_unref(codes);
    mbar_buffer_unref(bits);
}

/* ---- Slices -------------------------------------------------------------- */

#define N 40

static const char pattern[] = "1101001110101100011110000101101110010111";
static const char flipped[] = "0010110001010011100001111010010001101000";

static void check_slice(mbar_column *column, int64_t first, int64_t n, bool is_bool)
{
    mbar_column *slice = NULL;
    assert_ok(mbar_column_slice(column, first, n, &slice, &error));
    char expected[N + 1] = "";
    memcpy(expected, pattern + first, (size_t)n);
    assert_valid(slice, expected);
    for (int64_t i = 0; i < n; i++) {
        if (is_bool)
            assert_int_equal(mbar_column_bool(slice, i), flipped[first + i] == '1');
        else
            assert_int_equal(((const int64_t *)mbar_column_values(slice))[i], first + i);
    }
    if (n > 1) { /* and a slice of a slice */
        mbar_column *inner = NULL;
        assert_ok(mbar_column_slice(slice, 1, n - 1, &inner, &error));
        assert_valid(inner, expected + 1);
        mbar_column *direct = NULL;
        assert_ok(mbar_column_slice(column, first + 1, n - 1, &direct, &error));
        assert_true(mbar_column_equal(inner, direct));
        mbar_column_unref(direct);
        mbar_column_unref(inner);
    }
    mbar_column_unref(slice);
}

/* At every first bit and length. */
static void slices(void **state)
{
    (void)state;
    int64_t values[N];
    for (int64_t i = 0; i < N; i++)
        values[i] = i;
    mbar_column *numbers = column_of(field_of("x", MBAR_TYPE_INT64), values, N, pattern);
    mbar_column *bools = bool_column_of("b", flipped, pattern);
    for (int64_t first = 0; first <= N; first++)
        for (int64_t n = 0; first + n <= N; n++) {
            check_slice(numbers, first, n, false);
            check_slice(bools, first, n, true);
        }
    mbar_column *slice = NULL;
    assert_ok(mbar_column_slice(numbers, 3, 10, &slice, &error));
    assert_ptr_equal(mbar_column_values(slice), (const int64_t *)mbar_column_values(numbers) + 3);
    assert_int_equal(mbar_column_bytes(slice), 80 + 2);
    mbar_column_unref(numbers); /* the slice keeps the buffers */
    assert_int_equal(((const int64_t *)mbar_column_values(slice))[9], 12);
    mbar_column_unref(slice);
    mbar_column_unref(bools);
}

static void text_slices(void **state)
{
    (void)state;
    mbar_column *text = text_column_of(
        "t", (const char *[]){"a", NULL, "", "b\xC3\xA9", "long enough to matter", NULL}, 6);
    mbar_column *slice = NULL;
    assert_ok(mbar_column_slice(text, 1, 4, &slice, &error));
    mbar_column_unref(text);
    assert_text(slice, 0, NULL);
    assert_text(slice, 1, "");
    assert_text(slice, 2, "b\xC3\xA9");
    assert_text(slice, 3, "long enough to matter");
    assert_int_equal(mbar_column_bytes(slice), 20 + 24 + 1);
    mbar_column_unref(slice);
}

/* A part without nulls of a column with some says so. */
static void nulls_are_counted_once(void **state)
{
    (void)state;
    const int32_t values[8] = {0};
    mbar_column *column = column_of(field_of("x", MBAR_TYPE_INT32), values, 8, "11110111");
    mbar_column *whole = NULL;
    mbar_column *part = NULL;
    assert_int_equal(mbar_column_nulls(column), 1);
    assert_int_equal(column->n_nulls, 1);
    assert_ok(mbar_column_slice(column, 0, 8, &whole, &error));
    assert_ptr_equal(whole, column);
    assert_ok(mbar_column_slice(column, 5, 3, &part, &error));
    assert_int_equal(part->n_nulls, MBAR_NULLS_UNKNOWN);
    int64_t bit_offset = 9;
    assert_null(mbar_column_validity(part, &bit_offset));
    assert_int_equal(part->n_nulls, 0);
    mbar_column_unref(part);
    mbar_column_unref(whole);
    mbar_column_unref(column);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(buffers),      leak_checked(wrapped_buffers),
        leak_checked(types),        leak_checked(fields_are_copied),
        leak_checked(no_rows),      leak_checked(values_of_each_width),
        leak_checked(refused),      leak_checked(utf8_refused),
        leak_checked(dict_refused), leak_checked(slices),
        leak_checked(text_slices),  leak_checked(nulls_are_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
