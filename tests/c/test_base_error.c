/* test_base_error.c - status names, the error struct, growing text. */
#include "support.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/oserror.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>

static void names(void **state)
{
    (void)state;
    assert_string_equal(mbar_status_name(MBAR_OK), "ok");
    assert_string_equal(mbar_status_name(MBAR_NOMEM), "out of memory");
    assert_string_equal(mbar_status_name(MBAR_IO), "input/output error");
    assert_string_equal(mbar_status_name(MBAR_FORMAT), "malformed file");
    assert_string_equal(mbar_status_name(MBAR_UNSUPPORTED), "unsupported");
    assert_string_equal(mbar_status_name(MBAR_INVALID), "invalid");
    assert_string_equal(mbar_status_name(MBAR_NOTFOUND), "not found");
    assert_string_equal(mbar_status_name((mbar_status)99), "unknown status");
    assert_string_equal(mbar_version(), "0.1.0");
}

static void set_and_name_file(void **state)
{
    (void)state;
    mbar_error error;
    mbar_error_init(&error);
    assert_int_equal(error.code, MBAR_OK);
    assert_int_equal(mbar_error_set(&error, MBAR_FORMAT, "row %d is %s", 3, "bad"), MBAR_FORMAT);
    assert_string_equal(error.message, "row 3 is bad");
    assert_string_equal(error.file, "");
    assert_int_equal(error.offset, -1);
    assert_int_equal(error.row, -1);
    error.row = 7;
    assert_int_equal(mbar_error_in_file(&error, "a.parquet"), MBAR_FORMAT);
    assert_int_equal(mbar_error_in_file(&error, "b.parquet"), MBAR_FORMAT);
    assert_string_equal(error.file, "a.parquet");
    assert_int_equal(error.row, 7);
    assert_int_equal(mbar_error_set(&error, MBAR_IO, "x"), MBAR_IO);
    assert_string_equal(error.file, "");
    assert_int_equal(error.row, -1);
    assert_int_equal(mbar_error_set(NULL, MBAR_IO, "x"), MBAR_IO);
    assert_int_equal(mbar_error_in_file(NULL, "x"), MBAR_OK);
}

static void set_from_own_message(void **state)
{
    (void)state;
    mbar_error error;
    mbar_error_set(&error, MBAR_IO, "inner");
    mbar_error_set(&error, MBAR_INVALID, "outer: %s", error.message);
    assert_string_equal(error.message, "outer: inner");
}

/* A message too long loses its end, never half a character. */
static void long_message(void **state)
{
    (void)state;
    mbar_error error;
    static const char *const fillers[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    for (size_t width = 1; width <= 4; width++)
        for (size_t shift = 0; shift < 4; shift++) {
            char text[1024] = "xxxx";
            size_t n = shift;
            while (n + width < sizeof text) {
                memcpy(text + n, fillers[width - 1], width);
                n += width;
            }
            text[n] = '\0';
            mbar_error_set(&error, MBAR_IO, "%s", text);
            size_t kept = strlen(error.message);
            size_t room = sizeof error.message - 1;
            assert_int_equal(kept, room - (room - shift) % width);
            assert_memory_equal(error.message, text, kept);
        }
}

/* A file name too long loses its beginning, never half a character. */
static void long_file(void **state)
{
    (void)state;
    mbar_error error;
    static const char *const ends[] = {"/end.parquet", "/tail.parquet"};
    for (size_t k = 0; k < 2; k++) {
        char path[2000] = "";
        for (size_t n = 0; n + 20 < sizeof path; n += 2)
            memcpy(path + n, "\xC3\xA9", 3);
        strcat(path, ends[k]);
        mbar_error_set(&error, MBAR_IO, "x");
        mbar_error_in_file(&error, path);
        size_t kept = strlen(error.file);
        assert_int_equal(kept, sizeof error.file - 1 - k);
        assert_memory_equal(error.file, "...\xC3", 4);
        assert_string_equal(error.file + 3, path + strlen(path) - (kept - 3));
    }
    char exact[sizeof error.file];
    memset(exact, 'y', sizeof exact - 1);
    exact[sizeof exact - 1] = '\0';
    mbar_error_set(&error, MBAR_IO, "x");
    mbar_error_in_file(&error, exact);
    assert_string_equal(error.file, exact);
}

static void operating_system(void **state)
{
    (void)state;
    mbar_error error;
    assert_int_equal(mbar_error_os(&error, ENOENT, "f", "open"), MBAR_NOTFOUND);
    assert_string_equal(error.message, "cannot open: No such file or directory");
    assert_string_equal(error.file, "f");
    assert_int_equal(mbar_error_os(&error, EACCES, "f", "open"), MBAR_IO);
    assert_int_equal(mbar_error_os(&error, ENOMEM, "f", "map"), MBAR_NOMEM);
    assert_int_equal(mbar_error_os(NULL, EACCES, "f", "open"), MBAR_IO);
}

static void checked(void **state)
{
    (void)state;
    int64_t i = 5;
    size_t z = 5;
    assert_true(mbar_add_i64(INT64_MAX - 1, 1, &i));
    assert_true(i == INT64_MAX);
    assert_false(mbar_add_i64(INT64_MAX, 1, &i));
    assert_false(mbar_add_i64(INT64_MIN, -1, &i));
    assert_false(mbar_mul_i64(INT64_MIN, -1, &i));
    assert_true(i == INT64_MAX);
    assert_true(mbar_mul_i64(INT64_MIN / 2, 2, &i));
    assert_true(i == INT64_MIN);
    assert_true(mbar_add_size(SIZE_MAX - 1, 1, &z));
    assert_false(mbar_add_size(SIZE_MAX, 1, &z));
    assert_false(mbar_mul_size(SIZE_MAX / 2 + 1, 2, &z));
    assert_true(z == SIZE_MAX);
}

static void text_grows(void **state)
{
    (void)state;
    struct mbar_text text;
    mbar_text_init(&text);
    assert_string_equal(mbar_text_string(&text), "");
    assert_ok(mbar_text_append(&text, "", &error));
    assert_string_equal(text.data, "");
    char expected[20000] = "";
    size_t n = 0;
    for (int i = 0; i < 1000; i++) {
        assert_ok(mbar_text_appendf(&text, &error, "%d,%s;", i, "abc"));
        n += (size_t)snprintf(expected + n, sizeof expected - n, "%d,abc;", i);
    }
    assert_ok(mbar_text_append_bytes(&text, "a\0b", 3, &error));
    assert_int_equal(text.n_bytes, n + 3);
    assert_memory_equal(text.data, expected, n);
    assert_memory_equal(text.data + n, "a\0b", 4);
    mbar_text_deinit(&text);
    assert_null(text.data);
    char *taken = mbar_text_take(&text, NULL);
    assert_string_equal(taken, "");
    mbar_free(taken);
    assert_ok(mbar_text_append(&text, "kept", &error));
    taken = mbar_text_take(&text, NULL);
    assert_string_equal(taken, "kept");
    assert_null(text.data);
    assert_int_equal(text.n_bytes, 0);
    mbar_free(taken);
}

static void text_too_large(void **state)
{
    (void)state;
    struct mbar_text text;
    mbar_text_init(&text);
    assert_ok(mbar_text_append(&text, "x", &error));
    assert_fails(MBAR_NOMEM, "out of memory",
                 mbar_text_append_bytes(&text, "x", SIZE_MAX - 1, &error));
    assert_string_equal(text.data, "x");
    mbar_text_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(names),          leak_checked(set_and_name_file),
        leak_checked(long_message),   leak_checked(set_from_own_message),
        leak_checked(long_file),      leak_checked(operating_system),
        leak_checked(checked),        leak_checked(text_grows),
        leak_checked(text_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
