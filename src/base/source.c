/*
 * source.c - closing any source, and the source over memory.
 *
 * The memory source borrows the bytes and copies the name. It can be mapped,
 * so a reader needs no second code path; read_at exists for readers that do
 * not map, and checks its range, since offsets come out of files.
 */
#include "base/alloc.h"
#include "base/checked.h"

#include <assert.h>
#include <string.h>

typedef struct memory_source {
    mbar_source base;
    const unsigned char *data;
    int64_t n_bytes;
    char name[];
} memory_source;

static mbar_status memory_size(mbar_source *source, int64_t *size_bytes, mbar_error *error)
{
    (void)error;
    *size_bytes = ((memory_source *)source)->n_bytes;
    return MBAR_OK;
}

static mbar_status memory_read_at(mbar_source *source, int64_t offset, size_t n_bytes, void *out,
                                  mbar_error *error)
{
    const memory_source *self = (const memory_source *)source;
    if (offset < 0 || offset > self->n_bytes || n_bytes > (uint64_t)(self->n_bytes - offset)) {
        mbar_error_set(error, MBAR_IO, "short read: %zu bytes at %lld of %lld", n_bytes,
                       (long long)offset, (long long)self->n_bytes);
        if (error)
            error->offset = offset;
        mbar_error_in_file(error, source->name);
        return MBAR_IO;
    }
    if (n_bytes)
        memcpy(out, self->data + offset, n_bytes);
    return MBAR_OK;
}

static mbar_status memory_map(mbar_source *source, const void **data, mbar_error *error)
{
    (void)error;
    *data = ((memory_source *)source)->data;
    return MBAR_OK;
}

static void memory_close(mbar_source *source)
{
    mbar_free(source);
}

static const mbar_source_ops memory_ops = {
    .size = memory_size,
    .read_at = memory_read_at,
    .map = memory_map,
    .close = memory_close,
};

mbar_status mbar_source_open_memory(const void *data, size_t n_bytes, const char *name,
                                    mbar_source **out, mbar_error *error)
{
    assert(out && (data || n_bytes == 0));
    if (n_bytes > INT64_MAX)
        return mbar_error_set(error, MBAR_INVALID, "%zu bytes are more than memory can hold",
                              n_bytes);
    if (!name)
        name = "memory";
    size_t name_bytes = strlen(name) + 1;
    memory_source *self = mbar_alloc(sizeof *self + name_bytes, error);
    if (!self)
        return MBAR_NOMEM;
    memcpy(self->name, name, name_bytes);
    self->base.ops = &memory_ops;
    self->base.name = self->name;
    self->data = n_bytes ? data : NULL;
    self->n_bytes = (int64_t)n_bytes;
    *out = &self->base;
    return MBAR_OK;
}

void mbar_source_close(mbar_source *source)
{
    if (source)
        source->ops->close(source);
}
