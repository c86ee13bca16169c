/* test_column_ops.c - take, concat and equality of columns. */
#include "support.h"

#include "base/alloc.h"
#include "table/column.h"
#include "table/textset.h"

#include <math.h>
#include <stdio.h>

/* ---- Take ---------------------------------------------------------------- */

static mbar_column *take(const mbar_column *column, const int64_t *rows, int64_t n)
{
    mbar_column *taken = NULL;
    assert_ok(mbar_column_take(column, rows, n, &taken, &error));
    return taken;
}

static void take_values(void **state)
{
    (void)state;
    const int64_t wide[] = {10, 11, 12, 13, 14};
    const float narrow[] = {0.5f, 1.5f, 2.5f, 3.5f, 4.5f};
    const int64_t rows[] = {4, 1, 1, 3};
    mbar_field field = field_of("x", MBAR_TYPE_INT64);
    field.nullable = false;
    mbar_column *column = column_of(field, wide, 5, NULL);
    mbar_column *slice = NULL;
    assert_ok(mbar_column_slice(column, 1, 4, &slice, &error));
    mbar_column *taken = take(column, rows, 4);
    assert_memory_equal(mbar_column_values(taken), ((int64_t[]){14, 11, 11, 13}), 32);
    assert_valid(taken, "1111");
    assert_false(mbar_column_field(taken)->nullable);
    mbar_column_unref(taken);
    taken = take(slice, (int64_t[]){3, -1, 0}, 3);
    assert_int_equal(((const int64_t *)mbar_column_values(taken))[0], 14);
    assert_int_equal(((const int64_t *)mbar_column_values(taken))[2], 11);
    assert_valid(taken, "101");
    assert_true(mbar_column_field(taken)->nullable);
    mbar_column_unref(taken);
    taken = take(column, NULL, 0);
    assert_valid(taken, "");
    mbar_column_unref(taken);
    mbar_column_unref(slice);
    mbar_column_unref(column);

    column = column_of(field_of("x", MBAR_TYPE_FLOAT32), narrow, 5, "11011");
    taken = take(column, (int64_t[]){2, 0, -1, 4, 2}, 5);
    assert_valid(taken, "01010");
    assert_true(((const float *)mbar_column_values(taken))[1] == 0.5f);
    assert_true(((const float *)mbar_column_values(taken))[3] == 4.5f);
    mbar_column_unref(taken);
    taken = take(column, (int64_t[]){2, 3}, 2);
    assert_valid(taken, "01");
    mbar_column_unref(taken);
    taken = take(column, (int64_t[]){4, 3}, 2);
    assert_valid(taken, "11");
    mbar_column_unref(taken);
    mbar_column_unref(column);
}

static void take_bits_and_text(void **state)
{
    (void)state;
    mbar_column *bools = bool_column_of("b", "1011010110", "1111101111");
    mbar_column *slice = NULL;
    assert_ok(mbar_column_slice(bools, 3, 7, &slice, &error));
    mbar_column *taken = take(slice, (int64_t[]){6, 5, 4, 3, 2, 1, 0, -1, 0}, 9);
    assert_valid(taken, "111101101");
    static const char expected[] = "011010101";
    for (int64_t i = 0; i < 9; i++)
        if (mbar_column_is_valid(taken, i))
            assert_int_equal(mbar_column_bool(taken, i), expected[i] == '1');
    mbar_column_unref(taken);
    mbar_column_unref(slice);
    mbar_column_unref(bools);

    mbar_column *text = text_column_of("t", (const char *[]){"a", NULL, "", "bcd"}, 4);
    taken = take(text, (int64_t[]){3, 3, -1, 0, 1, 2}, 6);
    assert_text(taken, 0, "bcd");
    assert_text(taken, 1, "bcd");
    assert_text(taken, 2, NULL);
    assert_text(taken, 3, "a");
    assert_text(taken, 4, NULL);
    assert_text(taken, 5, "");
    mbar_column_unref(taken);
    mbar_column_unref(text);
}

static void take_dictionary(void **state)
{
    (void)state;
    mbar_column *dict =
        dict_column_of("d", (int32_t[]){1, 0, 9, 1}, 4, "1101", (const char *[]){"MES", "ES"}, 2);
    mbar_column *taken = take(dict, (int64_t[]){0, 1, 2, -1}, 4);
    assert_ptr_equal(mbar_column_dictionary(taken), mbar_column_dictionary(dict));
    assert_text(taken, 0, "ES");
    assert_text(taken, 1, "MES");
    assert_text(taken, 2, NULL);
    assert_text(taken, 3, NULL);
    mbar_column_unref(taken);
    mbar_column_unref(dict);
}

/* Over 2 GiB of text from a small column: told before it is allocated. */
static void take_too_much_text(void **state)
{
    (void)state;
    size_t length = 1 << 20;
    mbar_buffer *bytes = NULL;
    assert_ok(mbar_buffer_new(length, &bytes, &error));
    mbar_buffer *offsets = buffer_of((int32_t[]){0, 1 << 20}, 8);
    mbar_field field = field_of("t", MBAR_TYPE_UTF8);
    mbar_column *column = NULL;
    mbar_column *taken = (mbar_column *)7;
    assert_ok(mbar_column_new_utf8(&field, 1, offsets, bytes, NULL, 0, &column, &error));
    static const int64_t rows[2048] = {0};
    assert_fails(MBAR_UNSUPPORTED, "2 GiB", mbar_column_take(column, rows, 2048, &taken, &error));
    assert_ptr_equal(taken, (mbar_column *)7);
    mbar_column *columns[2048];
    for (int i = 0; i < 2048; i++)
        columns[i] = column;
    assert_fails(MBAR_UNSUPPORTED, "2 GiB", mbar_column_concat(columns, 2048, &taken, &error));
    assert_ptr_equal(taken, (mbar_column *)7);
    mbar_column_unref(column);
    mbar_buffer_unref(offsets);
    mbar_buffer_unref(bytes);
}

/* ---- Concat -------------------------------------------------------------- */

/* Cuts column in three at the given rows and joins it again. */
static void check_rejoined(mbar_column *column, int64_t cut_a, int64_t cut_b)
{
    mbar_column *parts[3] = {NULL};
    mbar_column *joined = NULL;
    int64_t n = mbar_column_rows(column);
    assert_ok(mbar_column_slice(column, 0, cut_a, &parts[0], &error));
    assert_ok(mbar_column_slice(column, cut_a, cut_b - cut_a, &parts[1], &error));
    assert_ok(mbar_column_slice(column, cut_b, n - cut_b, &parts[2], &error));
    assert_ok(mbar_column_concat(parts, 3, &joined, &error));
    assert_true(mbar_column_equal(joined, column));
    assert_string_equal(mbar_column_field(joined)->name, mbar_column_field(column)->name);
    assert_int_equal(mbar_column_field(joined)->nullable, mbar_column_field(column)->nullable);
    mbar_column_unref(joined);
    for (int i = 0; i < 3; i++)
        mbar_column_unref(parts[i]);
}

#define N 21

static void concat_every_cut(void **state)
{
    (void)state;
    static const char valid[] = "110101110010111011010";
    static const char bits[] = "010011000111010110110";
    int64_t wide[N];
    int32_t codes[N];
    const char *texts[N];
    for (int i = 0; i < N; i++) {
        wide[i] = INT64_MAX / N * i;
        codes[i] = valid[i] == '1' ? i % 3 : 1000;
        texts[i] = valid[i] == '1' ? &"some text"[i % 9] : NULL;
    }
    mbar_field time = {"t", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_MS, "UTC", true};
    mbar_column *columns[] = {
        column_of(field_of("x", MBAR_TYPE_INT64), wide, N, NULL),
        column_of(time, wide, N, valid),
        column_of(field_of("x", MBAR_TYPE_INT32), codes, N, valid),
        bool_column_of("b", bits, NULL),
        bool_column_of("b", bits, valid),
        text_column_of("t", texts, N),
        dict_column_of("d", codes, N, valid, (const char *[]){"a", "b", "c"}, 3),
    };
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
        for (int64_t a = 0; a <= N; a++)
            for (int64_t b = a; b <= N; b++)
                check_rejoined(columns[k], a, b);
        mbar_column_unref(columns[k]);
    }
}

static void concat_one_is_itself(void **state)
{
    (void)state;
    mbar_column *column = bool_column_of("b", "10", NULL);
    mbar_column *joined = NULL;
    assert_ok(mbar_column_concat(&column, 1, &joined, &error));
    assert_ptr_equal(joined, column);
    mbar_column_unref(joined);
    mbar_column_unref(column);
}

static void concat_mixed_nullability(void **state)
{
    (void)state;
    mbar_field strict = field_of("x", MBAR_TYPE_INT32);
    strict.nullable = false;
    const int32_t values[] = {1, 2, 3};
    mbar_column *parts[] = {column_of(strict, values, 3, NULL),
                            column_of(field_of("y", MBAR_TYPE_INT32), values, 3, "010")};
    mbar_column *joined = NULL;
    assert_ok(mbar_column_concat(parts, 2, &joined, &error));
    assert_valid(joined, "111010");
    assert_true(mbar_column_field(joined)->nullable);
    assert_string_equal(mbar_column_field(joined)->name, "x");
    mbar_column_unref(joined);
    mbar_column_unref(parts[0]);
    mbar_column_unref(parts[1]);
}

static void concat_dictionaries(void **state)
{
    (void)state;
    mbar_column *parts[] = {
        dict_column_of("d", (int32_t[]){0, 1, 7}, 3, "110", (const char *[]){"MES", "ES"}, 2),
        dict_column_of("d", (int32_t[]){0, 1, 2}, 3, NULL, (const char *[]){"NQ", "ES", ""}, 3),
        dict_column_of("d", NULL, 0, NULL, NULL, 0),
    };
    mbar_column *joined = NULL;
    assert_ok(mbar_column_concat(parts, 3, &joined, &error));
    static const char *const expected[] = {"MES", "ES", NULL, "NQ", "ES", ""};
    for (int i = 0; i < 6; i++)
        assert_text(joined, i, expected[i]);
    const mbar_column *dictionary = mbar_column_dictionary(joined);
    assert_int_equal(mbar_column_rows(dictionary), 4); /* each text once */
    assert_text(dictionary, 0, "MES");
    assert_text(dictionary, 1, "ES");
    assert_text(dictionary, 2, "NQ");
    assert_text(dictionary, 3, "");
    mbar_column_unref(joined);
    /* Equal dictionaries in two places: the first is kept. */
    mbar_column *same[] = {
        dict_column_of("d", (int32_t[]){0, 1}, 2, NULL, (const char *[]){"MES", "ES"}, 2),
        parts[0],
    };
    assert_ok(mbar_column_concat(same, 2, &joined, &error));
    assert_ptr_equal(mbar_column_dictionary(joined), mbar_column_dictionary(same[0]));
    assert_text(joined, 3, "ES");
    mbar_column_unref(joined);
    mbar_column_unref(same[0]);
    for (int i = 0; i < 3; i++)
        mbar_column_unref(parts[i]);
}

static void concat_refused(void **state)
{
    (void)state;
    const int64_t values[] = {1};
    mbar_field fields[] = {
        {"x", MBAR_TYPE_INT64, 0, NULL, true},
        {"x", MBAR_TYPE_FLOAT64, 0, NULL, true},
        {"x", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", true},
        {"x", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_US, "UTC", true},
        {"x", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, NULL, true},
        {"x", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "America/New_York", true},
    };
    mbar_column *columns[6];
    for (int i = 0; i < 6; i++)
        columns[i] = column_of(fields[i], values, 1, NULL);
    mbar_column *joined = (mbar_column *)7;
    assert_fails(MBAR_INVALID, "is int64 in part 0 and float64 in part 1",
                 mbar_column_concat(columns, 2, &joined, &error));
    for (int i = 3; i < 6; i++) {
        mbar_column *pair[] = {columns[2], columns[i]};
        assert_fails(MBAR_INVALID, "timestamp[ns, UTC] in part 0",
                     mbar_column_concat(pair, 2, &joined, &error));
        assert_false(mbar_column_equal(pair[0], pair[1]));
    }
    assert_false(mbar_column_equal(columns[0], columns[1]));
    assert_ptr_equal(joined, (mbar_column *)7);
    for (int i = 0; i < 6; i++)
        mbar_column_unref(columns[i]);
}

/* ---- Equality ------------------------------------------------------------ */

static bool equal_and_unref(mbar_column *a, mbar_column *b)
{
    bool equal = mbar_column_equal(a, b);
    assert_int_equal(mbar_column_equal(b, a), equal);
    assert_true(mbar_column_equal(a, a));
    mbar_column_unref(a);
    mbar_column_unref(b);
    return equal;
}

static mbar_column *doubles(double a, double b, const char *valid)
{
    return column_of(field_of("x", MBAR_TYPE_FLOAT64), (double[]){a, b}, 2, valid);
}

static void equality(void **state)
{
    (void)state;
    double other_nan;
    memcpy(&other_nan, &(uint64_t){UINT64_C(0x7FF8000000000001)}, sizeof other_nan);
    assert_true(equal_and_unref(doubles(1, NAN, NULL), doubles(1, NAN, NULL)));
    assert_false(equal_and_unref(doubles(1, NAN, NULL), doubles(1, other_nan, NULL)));
    assert_false(equal_and_unref(doubles(0.0, 1, NULL), doubles(-0.0, 1, NULL)));
    assert_true(equal_and_unref(doubles(1, 2, "10"), doubles(1, 3, "10")));
    assert_false(equal_and_unref(doubles(1, 2, "10"), doubles(1, 2, "01")));
    assert_false(equal_and_unref(doubles(1, 2, "10"), doubles(1, 2, NULL)));
    assert_true(equal_and_unref(doubles(1, 2, "11"), doubles(1, 2, NULL)));
    assert_false(equal_and_unref(doubles(1, 2, "01"), doubles(1, 3, "01")));
    assert_true(
        equal_and_unref(bool_column_of("a", "10110", NULL), bool_column_of("b", "10110", NULL)));
    assert_false(
        equal_and_unref(bool_column_of("a", "10110", NULL), bool_column_of("b", "10100", NULL)));
    assert_true(
        equal_and_unref(bool_column_of("a", "110", "101"), bool_column_of("b", "100", "101")));
    assert_false(equal_and_unref(bool_column_of("a", "1", NULL), bool_column_of("b", "11", NULL)));
    assert_true(equal_and_unref(text_column_of("a", (const char *[]){"x", NULL}, 2),
                                text_column_of("b", (const char *[]){"x", NULL}, 2)));
    assert_false(equal_and_unref(text_column_of("a", (const char *[]){"x", NULL}, 2),
                                 text_column_of("b", (const char *[]){"x", ""}, 2)));
    assert_false(equal_and_unref(text_column_of("a", (const char *[]){"x"}, 1),
                                 text_column_of("b", (const char *[]){"y"}, 1)));
    assert_true(equal_and_unref(
        dict_column_of("a", (int32_t[]){0, 1}, 2, NULL, (const char *[]){"x", "y"}, 2),
        dict_column_of("b", (int32_t[]){1, 0}, 2, NULL, (const char *[]){"y", "x", "z"}, 3)));
    assert_false(
        equal_and_unref(dict_column_of("a", (int32_t[]){0}, 1, NULL, (const char *[]){"x", "y"}, 2),
                        text_column_of("b", (const char *[]){"x"}, 1)));
}

/* ---- The set of texts ---------------------------------------------------- */

static void textset(void **state)
{
    (void)state;
    mbar_textset set;
    mbar_textset_init(&set);
    char text[64];
    int32_t number;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++) {
            size_t n = (size_t)snprintf(text, sizeof text, "%0*d", 1 + i % 23, i);
            assert_ok(mbar_textset_add(&set, text, n, &number, &error));
            assert_int_equal(number, i);
        }
    assert_ok(mbar_textset_add(&set, "", 0, &number, &error));
    assert_int_equal(number, 5000);
    assert_ok(mbar_textset_add(&set, "a\0b", 3, &number, &error));
    assert_ok(mbar_textset_add(&set, "a\0c", 3, &number, &error));
    assert_int_equal(number, 5002);
    mbar_column *column = NULL;
    assert_ok(mbar_textset_column(&set, "d", &column, &error));
    assert_int_equal(mbar_column_rows(column), 5003);
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "%0*d", 1 + i % 23, i);
        assert_text(column, i, text);
    }
    mbar_column_unref(column);
    mbar_textset_deinit(&set);
    assert_ok(mbar_textset_column(&set, "d", &column, &error));
    assert_int_equal(mbar_column_rows(column), 0);
    mbar_column_unref(column);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(take_values),
        leak_checked(take_bits_and_text),
        leak_checked(take_dictionary),
        leak_checked(take_too_much_text),
        leak_checked(concat_every_cut),
        leak_checked(concat_one_is_itself),
        leak_checked(concat_mixed_nullability),
        leak_checked(concat_dictionaries),
        leak_checked(concat_refused),
        leak_checked(equality),
        leak_checked(textset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
