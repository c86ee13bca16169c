/*
 * source_file.c - a file as a source, mapped or not.
 *
 * The file is opened once and never looked up by name again: a file renamed
 * over it is another file, and reading goes on with the old one, which is how
 * a writer should replace it. A file rewritten in place is the danger. A
 * mapping of it changes under the reader and faults (SIGBUS) beyond a new,
 * nearer end; nothing can make that safe, so check() tells of it wherever a
 * reader asks, by size and modification time, and mbar_source_open_file_unmapped
 * is there for those who must read such files.
 *
 * read_at always uses pread, also where the file is mapped: it cannot fault.
 *
 * Only regular files are taken. O_NONBLOCK keeps open() of a FIFO from waiting
 * for its writer before we can refuse it; it means nothing to a regular file.
 */
#include "base/alloc.h"
#include "base/oserror.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct file_source {
    mbar_source base;
    int fd;
    int64_t n_bytes;
    struct timespec modified;
    void *mapping; /* NULL: not mapped, or empty */
    char name[];
} file_source;

static mbar_status file_size(mbar_source *source, int64_t *size_bytes, mbar_error *error)
{
    (void)error;
    *size_bytes = ((file_source *)source)->n_bytes;
    return MBAR_OK;
}

static mbar_status short_read(const file_source *self, int64_t offset, size_t n_bytes,
                              mbar_error *error)
{
    mbar_error_set(error, MBAR_IO, "short read: %zu bytes at %lld, the file had %lld when opened",
                   n_bytes, (long long)offset, (long long)self->n_bytes);
    if (error)
        error->offset = offset;
    mbar_error_in_file(error, self->name);
    return MBAR_IO;
}

static mbar_status file_read_at(mbar_source *source, int64_t offset, size_t n_bytes, void *out,
                                mbar_error *error)
{
    const file_source *self = (const file_source *)source;
    if (offset < 0 || offset > self->n_bytes || n_bytes > (uint64_t)(self->n_bytes - offset))
        return short_read(self, offset, n_bytes, error);
    char *to = out;
    int64_t at = offset;
    size_t left = n_bytes;
    while (left) {
        ssize_t got = pread(self->fd, to, left, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return mbar_error_os(error, errno, self->name, "read");
        if (got == 0)
            return short_read(self, offset, n_bytes, error);
        to += got;
        at += got;
        left -= (size_t)got;
    }
    return MBAR_OK;
}

static mbar_status file_map(mbar_source *source, const void **data, mbar_error *error)
{
    (void)error;
    *data = ((file_source *)source)->mapping;
    return MBAR_OK;
}

static mbar_status file_check(mbar_source *source, mbar_error *error)
{
    const file_source *self = (const file_source *)source;
    struct stat now;
    if (fstat(self->fd, &now) != 0)
        return mbar_error_os(error, errno, self->name, "look at the open file");
    if (now.st_size == self->n_bytes && now.st_mtim.tv_sec == self->modified.tv_sec &&
        now.st_mtim.tv_nsec == self->modified.tv_nsec)
        return MBAR_OK;
    mbar_error_set(error, MBAR_IO,
                   "changed while open (was %lld bytes, now %lld): write a new file and rename it "
                   "over",
                   (long long)self->n_bytes, (long long)now.st_size);
    mbar_error_in_file(error, self->name);
    return MBAR_IO;
}

static void file_close(mbar_source *source)
{
    file_source *self = (file_source *)source;
    if (self->mapping)
        munmap(self->mapping, (size_t)self->n_bytes);
    if (self->fd >= 0)
        close(self->fd);
    mbar_free(self);
}

static const mbar_source_ops file_ops = {
    .size = file_size,
    .read_at = file_read_at,
    .map = file_map,
    .check = file_check,
    .close = file_close,
};

static mbar_status refuse_irregular(const char *path, mode_t mode, mbar_error *error)
{
    if (S_ISDIR(mode))
        mbar_error_set(error, MBAR_IO, "is a directory: name a file in it");
    else
        mbar_error_set(error, MBAR_IO,
                       "is not a regular file (a pipe, a device or a socket): copy it to a file "
                       "first");
    mbar_error_in_file(error, path);
    return MBAR_IO;
}

static mbar_status open_regular(file_source *self, mbar_error *error)
{
    struct stat found;
    self->fd = open(self->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (self->fd < 0)
        return mbar_error_os(error, errno, self->name, "open");
    if (fstat(self->fd, &found) != 0)
        return mbar_error_os(error, errno, self->name, "look at the open file");
    if (!S_ISREG(found.st_mode))
        return refuse_irregular(self->name, found.st_mode, error);
    self->n_bytes = found.st_size;
    self->modified = found.st_mtim;
    return MBAR_OK;
}

static mbar_status map_whole(file_source *self, mbar_error *error)
{
    if (self->n_bytes == 0)
        return MBAR_OK;
    void *mapping = mmap(NULL, (size_t)self->n_bytes, PROT_READ, MAP_PRIVATE, self->fd, 0);
    if (mapping != MAP_FAILED)
        self->mapping = mapping;
    else if (errno != ENODEV) /* a file system without mmap: pread serves */
        return mbar_error_os(error, errno, self->name, "map the file into memory");
    return MBAR_OK;
}

static mbar_status open_file(const char *path, bool mapped, mbar_source **out, mbar_error *error)
{
    assert(path && out);
    size_t path_bytes = strlen(path) + 1;
    file_source *self = mbar_alloc(sizeof *self + path_bytes, error);
    if (!self)
        return MBAR_NOMEM;
    memcpy(self->name, path, path_bytes);
    self->base.ops = &file_ops;
    self->base.name = self->name;
    mbar_status status = open_regular(self, error);
    if (status == MBAR_OK && mapped)
        status = map_whole(self, error);
    if (status != MBAR_OK) {
        file_close(&self->base);
        return status;
    }
    *out = &self->base;
    return MBAR_OK;
}

mbar_status mbar_source_open_file(const char *path, mbar_source **out, mbar_error *error)
{
    return open_file(path, true, out, error);
}

mbar_status mbar_source_open_file_unmapped(const char *path, mbar_source **out, mbar_error *error)
{
    return open_file(path, false, out, error);
}
