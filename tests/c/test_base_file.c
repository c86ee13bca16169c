/* test_base_file.c - sources over files and memory, the file sink. */
#include "support.h"

#include "base/threads.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];

static const char *path_of(const char *name)
{
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *path, const char *expected, size_t n_bytes)
{
    char *got = malloc(n_bytes + 2);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(got, 1, n_bytes + 2, file), n_bytes);
    assert_memory_equal(got, expected, n_bytes);
    fclose(file);
    free(got);
}

static int count_files(void)
{
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static int count_open(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static int set_up(void **state)
{
    remember_live(state);
    snprintf(directory, sizeof directory, P_tmpdir "/millibar-test-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    if (system(command) != 0)
        return -1;
    return check_live(state);
}

typedef mbar_status opener(const char *, mbar_source **, mbar_error *);
static opener *const openers[] = {mbar_source_open_file, mbar_source_open_file_unmapped};

static void check_source(mbar_source *source, const char *expected)
{
    int64_t n = (int64_t)strlen(expected);
    int64_t size = -1;
    char bytes[64];
    assert_ok(source->ops->size(source, &size, &error));
    assert_int_equal(size, n);
    for (int64_t first = 0; first <= n; first++)
        for (int64_t end = first; end <= n; end++) {
            assert_ok(source->ops->read_at(source, first, (size_t)(end - first), bytes, &error));
            assert_memory_equal(bytes, expected + first, (size_t)(end - first));
        }
    assert_fails(MBAR_IO, "short read", source->ops->read_at(source, n, 1, bytes, &error));
    assert_fails(MBAR_IO, "short read", source->ops->read_at(source, 0, n + 1, bytes, &error));
    assert_fails(MBAR_IO, "short read", source->ops->read_at(source, n + 1, 0, bytes, &error));
    assert_fails(MBAR_IO, "short read", source->ops->read_at(source, -1, 1, bytes, &error));
    assert_fails(MBAR_IO, "short read", source->ops->read_at(source, 1, SIZE_MAX, bytes, &error));
    assert_fails(MBAR_IO, "short read", source->ops->read_at(source, INT64_MAX, 1, bytes, &error));
}

static void files(void **state)
{
    (void)state;
    write_file(path_of("f"), "hello bars");
    int n_open = count_open();
    for (int mapped = 1; mapped >= 0; mapped--) {
        mbar_source *source = NULL;
        assert_ok(openers[!mapped](path_of("f"), &source, &error));
        assert_string_equal(source->name, path_of("f"));
        check_source(source, "hello bars");
        const void *data = "x";
        assert_ok(source->ops->map(source, &data, &error));
        assert_int_equal(data != NULL, mapped);
        if (data)
            assert_memory_equal(data, "hello bars", 10);
        assert_ok(source->ops->check(source, &error));
        mbar_source_close(source);
    }
    mbar_source_close(NULL);
    assert_int_equal(count_open(), n_open);
}

static void empty_file(void **state)
{
    (void)state;
    write_file(path_of("f"), "");
    for (int k = 0; k < 2; k++) {
        mbar_source *source = NULL;
        const void *data = "x";
        assert_ok(openers[k](path_of("f"), &source, &error));
        check_source(source, "");
        assert_ok(source->ops->map(source, &data, &error));
        assert_null(data);
        assert_ok(source->ops->check(source, &error));
        mbar_source_close(source);
    }
}

static void refused(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    int n_open = count_open();
    for (int k = 0; k < 2; k++) {
        mbar_source *source = (mbar_source *)7;
        mbar_error error;
        assert_int_equal(openers[k](path_of("none"), &source, &error), MBAR_NOTFOUND);
        assert_string_equal(error.file, path_of("none"));
        assert_fails(MBAR_NOTFOUND, "cannot open", openers[k]("", &source, &error));
        assert_fails(MBAR_IO, "is a directory", openers[k](directory, &source, &error));
        assert_fails(MBAR_IO, "not a regular file", openers[k](path_of("fifo"), &source, &error));
        assert_fails(MBAR_IO, "not a regular file", openers[k]("/dev/null", &source, &error));
        assert_int_equal(openers[k](path_of("none"), &source, NULL), MBAR_NOTFOUND);
        assert_ptr_equal(source, (mbar_source *)7);
    }
    assert_int_equal(count_open(), n_open);
}

static void long_name(void **state)
{
    (void)state;
    char path[5000];
    memset(path, 'n', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    mbar_source *source;
    mbar_error error;
    assert_int_equal(mbar_source_open_file(path, &source, &error), MBAR_IO);
    assert_memory_equal(error.file, "...nnn", 6);
    assert_int_equal(strlen(error.file), sizeof error.file - 1);
}

static void changed(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        mbar_source *source = NULL;
        write_file(path_of("f"), "0123456789");
        assert_ok(openers[k](path_of("f"), &source, &error));
        FILE *file = fopen(path_of("f"), "ab");
        fputs("abc", file);
        fclose(file);
        mbar_error error;
        assert_int_equal(source->ops->check(source, &error), MBAR_IO);
        assert_string_equal(error.message, "changed while open (was 10 bytes, now 13): write a "
                                           "new file and rename it over");
        assert_string_equal(error.file, path_of("f"));
        mbar_source_close(source);

        /* The same size, another time, if only by a nanosecond. */
        struct timespec before[2] = {{1000000000, 2}, {1000000000, 2}};
        assert_int_equal(utimensat(AT_FDCWD, path_of("f"), before, 0), 0);
        assert_ok(openers[k](path_of("f"), &source, &error));
        struct timespec times[2] = {{1000000000, 1}, {1000000000, 1}};
        assert_int_equal(utimensat(AT_FDCWD, path_of("f"), times, 0), 0);
        assert_fails(MBAR_IO, "changed while open", source->ops->check(source, &error));
        mbar_source_close(source);

        /* Truncated: reads fail, they do not fault. */
        assert_ok(openers[k](path_of("f"), &source, &error));
        assert_int_equal(truncate(path_of("f"), 4), 0);
        char bytes[13];
        assert_fails(MBAR_IO, "short read", source->ops->read_at(source, 0, 13, bytes, &error));
        assert_fails(MBAR_IO, "was 13 bytes, now 4", source->ops->check(source, &error));
        mbar_source_close(source);

        /* Replaced by renaming: the old file goes on. */
        write_file(path_of("f"), "old");
        write_file(path_of("g"), "newer");
        assert_ok(openers[k](path_of("f"), &source, &error));
        assert_int_equal(rename(path_of("g"), path_of("f")), 0);
        assert_ok(source->ops->check(source, &error));
        check_source(source, "old");
        mbar_source_close(source);
    }
}

static void memory(void **state)
{
    (void)state;
    char name[] = "input";
    mbar_source *source = NULL;
    const void *data = NULL;
    assert_ok(mbar_source_open_memory("0123456789", 10, name, &source, &error));
    name[0] = 'X';
    assert_string_equal(source->name, "input");
    check_source(source, "0123456789");
    assert_ok(source->ops->map(source, &data, &error));
    assert_string_equal(data, "0123456789");
    mbar_source_close(source);
    assert_ok(mbar_source_open_memory(NULL, 0, NULL, &source, &error));
    assert_string_equal(source->name, "memory");
    check_source(source, "");
    mbar_source_close(source);
}

typedef struct many_reads {
    mbar_source *source;
    const char *expected;
} many_reads;

static mbar_status read_one(void *ctx, int64_t i, mbar_error *error)
{
    const many_reads *self = ctx;
    char byte;
    mbar_status status = self->source->ops->read_at(self->source, i % 10, 1, &byte, error);
    if (status == MBAR_OK && byte != self->expected[i % 10])
        return mbar_error_set(error, MBAR_INVALID, "wrong byte");
    return status;
}

static void read_from_threads(void **state)
{
    (void)state;
    write_file(path_of("f"), "0123456789");
    many_reads reads = {NULL, "0123456789"};
    for (int k = 0; k < 2; k++) {
        assert_ok(openers[k](path_of("f"), &reads.source, &error));
        assert_ok(mbar_parallel_for(2000, 4, read_one, &reads, &error));
        mbar_source_close(reads.source);
    }
}

static void sink_replaces(void **state)
{
    (void)state;
    write_file(path_of("f"), "old");
    int n_open = count_open();
    mbar_sink *sink = NULL;
    assert_ok(mbar_sink_open_file(path_of("f"), &sink, &error));
    assert_string_equal(sink->name, path_of("f"));
    assert_ok(sink->ops->write(sink, "new ", 4, &error));
    assert_ok(sink->ops->write(sink, NULL, 0, &error));
    assert_ok(sink->ops->write(sink, "bytes", 5, &error));
    assert_file(path_of("f"), "old", 3);
    assert_int_equal(count_files(), 2);
    assert_ok(sink->ops->finish(sink, &error));
    assert_file(path_of("f"), "new bytes", 9);
    assert_int_equal(count_files(), 1);
    assert_int_equal(count_open(), n_open);
}

/* Around the gathering's size, in writes of all sizes. */
static void sink_writes_large(void **state)
{
    (void)state;
    size_t n = 400000;
    char *bytes = malloc(n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    static const size_t sizes[] = {1, 100, 65535, 65536, 65537, 300000, 400000};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        mbar_sink *sink = NULL;
        assert_ok(mbar_sink_open_file(path_of("f"), &sink, &error));
        size_t total = sizes[k] == 1 ? 70000 : n;
        for (size_t at = 0; at < total;) {
            size_t part = total - at < sizes[k] ? total - at : sizes[k];
            assert_ok(sink->ops->write(sink, bytes + at, part, &error));
            at += part;
            if (at < total) { /* and a small one, to shift what follows */
                assert_ok(sink->ops->write(sink, bytes + at, 1, &error));
                at++;
            }
        }
        assert_ok(sink->ops->finish(sink, &error));
        assert_file(path_of("f"), bytes, total);
    }
    free(bytes);
}

static void sink_aborts(void **state)
{
    (void)state;
    mbar_sink *sink = NULL;
    assert_ok(mbar_sink_open_file(path_of("f"), &sink, &error));
    assert_ok(sink->ops->write(sink, "x", 1, &error));
    sink->ops->abort(sink);
    assert_int_equal(count_files(), 0);
    assert_ok(mbar_sink_open_file(path_of("f"), &sink, &error));
    assert_ok(sink->ops->finish(sink, &error));
    assert_file(path_of("f"), "", 0);
}

static void sink_mode_and_links(void **state)
{
    (void)state;
    mbar_sink *sink = NULL;
    mode_t old_mask = umask(027);
    assert_ok(mbar_sink_open_file(path_of("f"), &sink, &error));
    assert_ok(sink->ops->finish(sink, &error));
    umask(old_mask);
    struct stat found;
    assert_int_equal(stat(path_of("f"), &found), 0);
    assert_int_equal(found.st_mode & 0777, 0640);

    assert_int_equal(symlink("f", path_of("link")), 0);
    assert_ok(mbar_sink_open_file(path_of("link"), &sink, &error));
    assert_ok(sink->ops->write(sink, "through", 7, &error));
    assert_ok(sink->ops->finish(sink, &error));
    assert_int_equal(lstat(path_of("link"), &found), 0);
    assert_true(S_ISLNK(found.st_mode));
    assert_file(path_of("f"), "through", 7);
}

static void sink_relative(void **state)
{
    (void)state;
    char old[4096];
    assert_non_null(getcwd(old, sizeof old));
    assert_int_equal(chdir(directory), 0);
    mbar_sink *sink = NULL;
    assert_ok(mbar_sink_open_file("plain", &sink, &error));
    assert_ok(sink->ops->finish(sink, &error));
    assert_int_equal(count_files(), 1);
    assert_int_equal(chdir(old), 0);
}

static void sink_refused(void **state)
{
    (void)state;
    mbar_sink *sink = (mbar_sink *)7;
    char name[300];
    memset(name, 'n', 250);
    name[250] = '\0';
    assert_fails(MBAR_IO, "is a directory", mbar_sink_open_file(directory, &sink, &error));
    assert_fails(MBAR_IO, "not a regular file", mbar_sink_open_file("/dev/null", &sink, &error));
    assert_fails(MBAR_NOTFOUND, "cannot create",
                 mbar_sink_open_file(path_of("no/f"), &sink, &error));
    assert_fails(MBAR_IO, "names a directory", mbar_sink_open_file(path_of("no/"), &sink, &error));
    assert_ptr_equal(sink, (mbar_sink *)7);
    assert_int_equal(count_files(), 0);
    /* A name near the limit is no problem of the temporary one. */
    assert_ok(mbar_sink_open_file(path_of("f"), &sink, &error));
    sink->ops->abort(sink);
    char path[400];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_ok(mbar_sink_open_file(path, &sink, &error));
    assert_ok(sink->ops->finish(sink, &error));
    assert_int_equal(count_files(), 1);
}

/* The target becomes a directory: finish fails, and leaves nothing. */
static void sink_rename_fails(void **state)
{
    (void)state;
    mbar_sink *sink = NULL;
    assert_ok(mbar_sink_open_file(path_of("f"), &sink, &error));
    assert_ok(sink->ops->write(sink, "x", 1, &error));
    assert_int_equal(mkdir(path_of("f"), 0700), 0);
    assert_fails(MBAR_IO, "cannot rename", sink->ops->finish(sink, &error));
    assert_int_equal(count_files(), 1);
}

/* A write the system refuses, by way of a limit on the size of files. */
static void sink_write_fails(void **state)
{
    (void)state;
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct rlimit small = {1000, old.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    static char bytes[100000];
    mbar_sink *sink = NULL;
    assert_ok(mbar_sink_open_file(path_of("f"), &sink, &error));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_fails(MBAR_IO, "cannot write", sink->ops->write(sink, bytes, sizeof bytes, &error));
    sink->ops->abort(sink);
    assert_ok(mbar_sink_open_file(path_of("f"), &sink, &error));
    assert_ok(sink->ops->write(sink, bytes, 5000, &error)); /* gathered */
    assert_fails(MBAR_IO, "cannot write", sink->ops->finish(sink, &error));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(count_files(), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files),
        TEST(empty_file),
        TEST(refused),
        TEST(long_name),
        TEST(changed),
        TEST(memory),
        TEST(sink_replaces),
        TEST(sink_aborts),
        TEST(read_from_threads),
        TEST(sink_refused),
        TEST(sink_relative),
        TEST(sink_writes_large),
        TEST(sink_write_fails),
        TEST(sink_mode_and_links),
        TEST(sink_rename_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
