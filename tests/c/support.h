/*
 * support.h - what the C tests share: cmocka, columns from literals.
 *
 * Everything here is static; include it in a test's one source file.
 */
#ifndef MILLIBAR_TESTS_SUPPORT_H
#define MILLIBAR_TESTS_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <millibar/table.h>

#include <string.h>

/* The call, given &error as its last argument, must succeed. */
#define assert_ok(call)                                                      \
    do {                                                                     \
        mbar_error error;                                                    \
        mbar_error_init(&error);                                             \
        if ((call) != MBAR_OK)                                               \
            fail_msg("%s: %s", mbar_status_name(error.code), error.message); \
    } while (0)

/* The call, given &error as its last argument, must fail so, and its message
 * must contain part. */
#define assert_fails(expected, part, call)                                     \
    do {                                                                       \
        mbar_error error;                                                      \
        mbar_error_init(&error);                                               \
        mbar_status got = (call);                                              \
        if (got != (expected) || error.code != (expected))                     \
            fail_msg("status \"%s\", error \"%s\": %s", mbar_status_name(got), \
                     mbar_status_name(error.code), error.message);             \
        if (!strstr(error.message, part))                                      \
            fail_msg("no \"%s\" in: %s", part, error.message);                 \
    } while (0)

/* A test that begins and ends with the same live bytes. */
#define leak_checked(f) cmocka_unit_test_setup_teardown(f, remember_live, check_live)

static inline int remember_live(void **state)
{
    *state = (void *)(uintptr_t)mbar_memory_live_bytes();
    return 0;
}

static inline int check_live(void **state)
{
    size_t live = mbar_memory_live_bytes();
    if (live != (uintptr_t)*state)
        print_error("live bytes: %zu before, %zu after\n", (size_t)(uintptr_t)*state, live);
    return live == (uintptr_t)*state ? 0 : -1;
}

static inline mbar_field field_of(const char *name, mbar_type type)
{
    return (mbar_field){.name = name, .type = type, .unit = MBAR_UNIT_NS, .nullable = true};
}

static inline mbar_buffer *buffer_of(const void *data, size_t n_bytes)
{
    mbar_buffer *buffer = NULL;
    assert_ok(mbar_buffer_new(n_bytes, &buffer, &error));
    if (n_bytes)
        memcpy(mbar_buffer_writable(buffer), data, n_bytes);
    return buffer;
}

/* A bitmap of n bits from one character each, '1' for set; NULL for NULL. */
static inline mbar_buffer *bits_of(const char *text)
{
    if (!text)
        return NULL;
    size_t n = strlen(text);
    mbar_buffer *buffer = NULL;
    assert_ok(mbar_buffer_new((n + 7) / 8, &buffer, &error));
    uint8_t *bits = mbar_buffer_writable(buffer);
    for (size_t i = 0; i < n; i++)
        if (text[i] == '1')
            bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
    return buffer;
}

/* n values of a fixed-width type other than bool; valid as bits_of, or NULL. */
static inline mbar_column *column_of(mbar_field field, const void *values, int64_t n,
                                     const char *valid)
{
    mbar_column *column = NULL;
    mbar_buffer *data = buffer_of(values, (size_t)n * mbar_type_width(field.type));
    mbar_buffer *validity = bits_of(valid);
    assert_ok(mbar_column_new(&field, n, data, validity, -1, &column, &error));
    mbar_buffer_unref(data);
    mbar_buffer_unref(validity);
    return column;
}

static inline mbar_column *bool_column_of(const char *name, const char *values, const char *valid)
{
    mbar_field field = field_of(name, MBAR_TYPE_BOOL);
    mbar_column *column = NULL;
    mbar_buffer *data = bits_of(values);
    mbar_buffer *validity = bits_of(valid);
    int64_t n = (int64_t)strlen(values);
    assert_ok(mbar_column_new(&field, n, data, validity, -1, &column, &error));
    mbar_buffer_unref(data);
    mbar_buffer_unref(validity);
    return column;
}

/* n texts; NULL for a null. */
static inline mbar_column *text_column_of(const char *name, const char *const *texts, int64_t n)
{
    mbar_field field = field_of(name, MBAR_TYPE_UTF8);
    int32_t offsets[256] = {0};
    char bytes[4096];
    char valid[256] = "";
    assert_true(n < 255);
    for (int64_t i = 0; i < n; i++) {
        size_t n_bytes = texts[i] ? strlen(texts[i]) : 0;
        if (n_bytes)
            memcpy(bytes + offsets[i], texts[i], n_bytes);
        offsets[i + 1] = offsets[i] + (int32_t)n_bytes;
        valid[i] = texts[i] ? '1' : '0';
    }
    mbar_column *column = NULL;
    mbar_buffer *data = buffer_of(offsets, (size_t)(n + 1) * sizeof *offsets);
    mbar_buffer *text = buffer_of(bytes, (size_t)offsets[n]);
    mbar_buffer *validity = strchr(valid, '0') ? bits_of(valid) : NULL;
    assert_ok(mbar_column_new_utf8(&field, n, data, text, validity, -1, &column, &error));
    mbar_buffer_unref(data);
    mbar_buffer_unref(text);
    mbar_buffer_unref(validity);
    return column;
}

static inline mbar_column *dict_column_of(const char *name, const int32_t *codes, int64_t n,
                                          const char *valid, const char *const *entries,
                                          int64_t n_entries)
{
    mbar_field field = field_of(name, MBAR_TYPE_DICT);
    mbar_column *column = NULL;
    mbar_column *dictionary = text_column_of(name, entries, n_entries);
    mbar_buffer *data = buffer_of(codes, (size_t)n * sizeof *codes);
    mbar_buffer *validity = bits_of(valid);
    assert_ok(mbar_column_new_dict(&field, n, data, dictionary, validity, -1, &column, &error));
    mbar_buffer_unref(data);
    mbar_buffer_unref(validity);
    mbar_column_unref(dictionary);
    return column;
}

/* Row i is this text, or null for NULL. */
static inline void assert_text(const mbar_column *column, int64_t row, const char *expected)
{
    size_t n_bytes;
    const char *text = mbar_column_text(column, row, &n_bytes);
    assert_int_equal(mbar_column_is_valid(column, row), expected != NULL);
    if (!expected)
        expected = "";
    assert_int_equal(n_bytes, strlen(expected));
    assert_memory_equal(text, expected, n_bytes);
}

/* All of the column's validity, as bits_of reads it. */
static inline void assert_valid(const mbar_column *column, const char *expected)
{
    int64_t n_nulls = 0;
    assert_int_equal(mbar_column_rows(column), strlen(expected));
    for (int64_t i = 0; expected[i]; i++) {
        assert_int_equal(mbar_column_is_valid(column, i), expected[i] == '1');
        n_nulls += expected[i] == '0';
    }
    assert_int_equal(mbar_column_nulls(column), n_nulls);
    int64_t bit_offset;
    const uint8_t *bits = mbar_column_validity(column, &bit_offset);
    assert_int_equal(bits == NULL, n_nulls == 0);
    for (int64_t i = 0; bits && expected[i]; i++)
        assert_int_equal(bits[(bit_offset + i) / 8] >> ((bit_offset + i) % 8) & 1,
                         expected[i] == '1');
}

#endif
