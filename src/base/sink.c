/*
 * sink.c - a file written whole or not at all.
 *
 * The bytes go to a new file beside the target, ".NAME.PID-N.tmp", made with
 * O_EXCL and mode 0666 so that the umask decides as for any other file. finish
 * flushes it, syncs it, renames it over the target and syncs the directory;
 * abort unlinks it. A reader that holds the old file keeps it.
 *
 * A symbolic link is followed, so that its target is replaced and the link
 * stays. An existing target that is no regular file is refused: renaming over
 * /dev/null would remove the device.
 *
 * Small writes are gathered in 64 KiB; larger ones go straight through.
 */
#include "base/alloc.h"
#include "base/oserror.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GATHER_BYTES ((size_t)64 * 1024)
#define MAX_ATTEMPTS 100

typedef struct file_sink {
    mbar_sink base;
    int fd;
    char *path;      /* as given, for messages */
    char *target;    /* the same with links followed */
    char *temporary; /* beside it; "" until made */
    size_t n_gathered;
    char gathered[GATHER_BYTES];
} file_sink;

static void destroy(file_sink *self)
{
    if (self->fd >= 0)
        close(self->fd);
    mbar_free(self->path);
    mbar_free(self->target);
    mbar_free(self->temporary);
    mbar_free(self);
}

static mbar_status write_all(file_sink *self, const char *data, size_t n_bytes, mbar_error *error)
{
    while (n_bytes) {
        ssize_t n_done = write(self->fd, data, n_bytes);
        if (n_done < 0 && errno == EINTR)
            continue;
        if (n_done < 0)
            return mbar_error_os(error, errno, self->path, "write");
        data += n_done;
        n_bytes -= (size_t)n_done;
    }
    return MBAR_OK;
}

static mbar_status flush(file_sink *self, mbar_error *error)
{
    size_t n_bytes = self->n_gathered;
    self->n_gathered = 0;
    return write_all(self, self->gathered, n_bytes, error);
}

static mbar_status file_write(mbar_sink *sink, const void *data, size_t n_bytes, mbar_error *error)
{
    file_sink *self = (file_sink *)sink;
    if (n_bytes > GATHER_BYTES - self->n_gathered) {
        mbar_status status = flush(self, error);
        if (status != MBAR_OK)
            return status;
        if (n_bytes >= GATHER_BYTES)
            return write_all(self, data, n_bytes, error);
    }
    if (n_bytes)
        memcpy(self->gathered + self->n_gathered, data, n_bytes);
    self->n_gathered += n_bytes;
    return MBAR_OK;
}

/* Makes the rename itself durable. The file is whole and in place by now, so
 * that a directory which cannot be synced is no failure to report. */
static void sync_directory(const char *target)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(target, '/');
    size_t n_bytes = slash ? (size_t)(slash - target) + 1 : 0;
    if (n_bytes >= sizeof directory)
        return;
    memcpy(directory, target, n_bytes);
    directory[n_bytes] = '\0';
    int fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

static mbar_status close_durably(file_sink *self, mbar_error *error)
{
    mbar_status status = flush(self, error);
    if (status == MBAR_OK && fsync(self->fd) != 0)
        status = mbar_error_os(error, errno, self->path, "sync");
    int closed = close(self->fd);
    self->fd = -1;
    if (status == MBAR_OK && closed != 0)
        status = mbar_error_os(error, errno, self->path, "close");
    return status;
}

static mbar_status file_finish(mbar_sink *sink, mbar_error *error)
{
    file_sink *self = (file_sink *)sink;
    mbar_status status = close_durably(self, error);
    if (status == MBAR_OK && rename(self->temporary, self->target) != 0)
        status = mbar_error_os(error, errno, self->path, "rename the finished file");
    if (status == MBAR_OK)
        sync_directory(self->target);
    else
        unlink(self->temporary);
    destroy(self);
    return status;
}

static void file_abort(mbar_sink *sink)
{
    file_sink *self = (file_sink *)sink;
    unlink(self->temporary);
    destroy(self);
}

static const mbar_sink_ops file_ops = {
    .write = file_write,
    .finish = file_finish,
    .abort = file_abort,
};

static mbar_status refuse(const char *path, const char *message, mbar_error *error)
{
    mbar_error_set(error, MBAR_IO, "%s", message);
    mbar_error_in_file(error, path);
    return MBAR_IO;
}

/* Sets path and target, and refuses targets that must not be replaced. */
static mbar_status resolve(file_sink *self, const char *path, mbar_error *error)
{
    struct stat found;
    char real[PATH_MAX];
    bool there = stat(path, &found) == 0;
    if (there && S_ISDIR(found.st_mode))
        return refuse(path, "is a directory: name a file in it", error);
    if (there && !S_ISREG(found.st_mode))
        return refuse(path, "is not a regular file: write to a file and copy it there", error);
    const char *target = there ? realpath(path, real) : path;
    if (!target)
        return mbar_error_os(error, errno, path, "resolve");
    self->path = mbar_strdup(path, error);
    if (!self->path)
        return MBAR_NOMEM;
    self->target = mbar_strdup(target, error);
    return self->target ? MBAR_OK : MBAR_NOMEM;
}

static mbar_status create(file_sink *self, mbar_error *error)
{
    static atomic_uint next; /* names within the process; the kernel decides between processes */
    const char *slash = strrchr(self->target, '/');
    const char *base = slash ? slash + 1 : self->target;
    int directory_bytes = (int)(base - self->target);
    if (!*base)
        return refuse(self->path, "names a directory: add a file name", error);
    size_t room = strlen(self->target) + 48;
    self->temporary = mbar_alloc(room, error);
    if (!self->temporary)
        return MBAR_NOMEM;
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        /* The name is cut so that the whole fits the usual limit of 255. */
        snprintf(self->temporary, room, "%.*s.%.200s.%ld-%u.tmp", directory_bytes, self->target,
                 base, (long)getpid(), atomic_fetch_add(&next, 1));
        self->fd = open(self->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (self->fd >= 0)
            return MBAR_OK;
        if (errno != EEXIST)
            break;
    }
    return mbar_error_os(error, errno, self->path, "create a file in that directory");
}

mbar_status mbar_sink_open_file(const char *path, mbar_sink **out, mbar_error *error)
{
    assert(path && out);
    file_sink *self = mbar_alloc(sizeof *self, error);
    if (!self)
        return MBAR_NOMEM;
    self->fd = -1;
    mbar_status status = resolve(self, path, error);
    if (status == MBAR_OK)
        status = create(self, error);
    if (status != MBAR_OK) {
        destroy(self);
        return status;
    }
    self->base.ops = &file_ops;
    self->base.name = self->path;
    *out = &self->base;
    return MBAR_OK;
}
