/* test_fault_base.c - the base layer with the N-th allocation failing, and the
 * harness itself. */
#include "../c/support.h"
#include "fault.h"

#include "base/alloc.h"
#include "base/text.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

static char directory[] = P_tmpdir "/millibar-test-XXXXXX";
static char path[64];

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/f", directory);
    FILE *file = fopen(path, "wb");
    return file && fputs("0123456789", file) >= 0 && fclose(file) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return unlink(path) == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static mbar_status grow_text(void *ctx, mbar_error *error)
{
    (void)ctx;
    struct mbar_text text;
    mbar_text_init(&text);
    mbar_status status = MBAR_OK;
    for (int i = 0; i < 100 && status == MBAR_OK; i++) {
        char before[1024] = "";
        size_t n_bytes = text.n_bytes;
        memcpy(before, mbar_text_string(&text), n_bytes);
        status = i % 2 ? mbar_text_append(&text, "abc", error)
                       : mbar_text_appendf(&text, error, "%d", i);
        if (status != MBAR_OK) { /* as it was */
            assert_int_equal(text.n_bytes, n_bytes);
            assert_memory_equal(mbar_text_string(&text), before, n_bytes + 1);
        }
    }
    mbar_text_deinit(&text);
    return status;
}

static mbar_status take_empty_text(void *ctx, mbar_error *error)
{
    (void)ctx;
    struct mbar_text text;
    mbar_text_init(&text);
    char *taken = mbar_text_take(&text, error);
    mbar_free(taken);
    return taken ? MBAR_OK : MBAR_NOMEM;
}

static void text(void **state)
{
    (void)state;
    assert_true(fault_check_alloc(grow_text, NULL) >= 2);
    assert_int_equal(fault_check_alloc(take_empty_text, NULL), 1);
}

static mbar_status open_source(void *ctx, mbar_error *error)
{
    mbar_source *source = (mbar_source *)7;
    mbar_status status;
    if (*(int *)ctx == 0)
        status = mbar_source_open_file(path, &source, error);
    else if (*(int *)ctx == 1)
        status = mbar_source_open_file_unmapped(path, &source, error);
    else
        status = mbar_source_open_memory("abc", 3, "name", &source, error);
    if (status == MBAR_OK)
        mbar_source_close(source);
    else
        assert_ptr_equal(source, (mbar_source *)7);
    return status;
}

static void sources(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++)
        assert_int_equal(fault_check_alloc(open_source, &k), 1);
}

static mbar_status write_sink(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_sink *sink = (mbar_sink *)7;
    mbar_status status = mbar_sink_open_file(path, &sink, error);
    if (status != MBAR_OK) {
        assert_ptr_equal(sink, (mbar_sink *)7);
        return status;
    }
    assert_ok(sink->ops->write(sink, "0123456789", 10, &error));
    assert_ok(sink->ops->finish(sink, &error));
    return MBAR_OK;
}

static void sinks(void **state)
{
    (void)state;
    assert_int_equal(fault_check_alloc(write_sink, NULL), 4);
    DIR *dir = opendir(directory); /* no temporary file is left */
    int n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    assert_int_equal(n, 3); /* ".", ".." and the file */
}

/* ---- The harness --------------------------------------------------------- */

static mbar_status read_thrice(void *ctx, mbar_source *source, mbar_error *error)
{
    char *bytes = ctx;
    for (int i = 0; i < 3; i++) {
        mbar_status status = source->ops->read_at(source, i, 1, bytes + i, error);
        if (status != MBAR_OK)
            return status;
    }
    mbar_source_close(source);
    return MBAR_OK;
}

static mbar_status write_thrice(void *ctx, mbar_sink *sink, mbar_error *error)
{
    (void)ctx;
    for (int i = 0; i < 3; i++) {
        mbar_status status = sink->ops->write(sink, "x", 1, error);
        if (status != MBAR_OK) {
            sink->ops->abort(sink);
            return status;
        }
    }
    return sink->ops->finish(sink, error);
}

static void harness(void **state)
{
    (void)state;
    char bytes[4] = "";
    assert_int_equal(fault_check_read(read_thrice, bytes, "abc", 3), 3);
    assert_string_equal(bytes, "abc");
    assert_int_equal(fault_check_write(write_thrice, NULL), 4);
    fault_arm(1, false);
    void *a = mbar_alloc(1, NULL);
    void *b = mbar_alloc(1, NULL);
    void *c = mbar_alloc(1, NULL);
    assert_true(a && !b && c);
    assert_true(fault_disarm());
    mbar_free(c);
    fault_arm(0, true);
    assert_null(mbar_alloc(1, NULL));
    assert_null(mbar_alloc(1, NULL));
    assert_true(fault_disarm());
    fault_arm(5, true);
    assert_false(fault_disarm());
    mbar_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(harness),
        leak_checked(text),
        leak_checked(sources),
        leak_checked(sinks),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
