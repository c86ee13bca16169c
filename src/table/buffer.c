/*
 * buffer.c - reference-counted bytes.
 *
 * Our own buffers are one block: the struct, a gap up to the next multiple of
 * 64, and the bytes padded with zeros to a multiple of 64 (at least one, so
 * that there is always an address to give). Loops may therefore read whole
 * cache lines to the end. Foreign bytes are used as they come and given back
 * through release by the last reference.
 *
 * Immutable once shared, which mbar_buffer_writable enforces: it asserts that
 * there is one reference and that the bytes are ours.
 */
#include "table/buffer.h"

#include "base/alloc.h"
#include "base/checked.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#define LINE_BYTES ((size_t)64)

struct mbar_buffer {
    atomic_size_t n_refs;
    const void *data;
    size_t n_bytes;
    void (*release)(void *owner); /* NULL and owned false: borrowed for ever */
    void *owner;
    bool owned; /* data is inside this block */
};

static mbar_status new_buffer(size_t n_bytes, bool zeroed, mbar_buffer **out, mbar_error *error)
{
    size_t padded;
    size_t total;
    if (!mbar_add_size(n_bytes, LINE_BYTES - 1, &padded) ||
        !mbar_add_size(padded, sizeof(mbar_buffer) + LINE_BYTES, &total))
        return mbar_error_set(error, MBAR_NOMEM, "out of memory: a buffer of %zu bytes", n_bytes);
    padded -= padded % LINE_BYTES;
    if (padded == 0)
        padded = LINE_BYTES;
    total = sizeof(mbar_buffer) + (LINE_BYTES - 1) + padded;
    mbar_buffer *self = zeroed ? mbar_alloc(total, error) : mbar_alloc_uninit(total, error);
    if (!self)
        return MBAR_NOMEM;
    char *data = (char *)(self + 1);
    data += -(uintptr_t)data % LINE_BYTES;
    if (!zeroed)
        memset(data + n_bytes, 0, padded - n_bytes);
    atomic_init(&self->n_refs, 1);
    self->data = data;
    self->n_bytes = n_bytes;
    self->release = NULL;
    self->owner = NULL;
    self->owned = true;
    *out = self;
    return MBAR_OK;
}

mbar_status mbar_buffer_new(size_t n_bytes, mbar_buffer **out, mbar_error *error)
{
    return new_buffer(n_bytes, true, out, error);
}

mbar_status mbar_buffer_new_uninit(size_t n_bytes, mbar_buffer **out, mbar_error *error)
{
    return new_buffer(n_bytes, false, out, error);
}

mbar_status mbar_buffer_wrap(const void *data, size_t n_bytes, void (*release)(void *owner),
                             void *owner, mbar_buffer **out, mbar_error *error)
{
    assert(data || n_bytes == 0);
    mbar_buffer *self = mbar_alloc(sizeof *self, error);
    if (!self)
        return MBAR_NOMEM;
    atomic_init(&self->n_refs, 1);
    self->data = data;
    self->n_bytes = n_bytes;
    self->release = release;
    self->owner = owner;
    *out = self;
    return MBAR_OK;
}

mbar_buffer *mbar_buffer_ref(mbar_buffer *buffer)
{
    assert(buffer);
    atomic_fetch_add_explicit(&buffer->n_refs, 1, memory_order_relaxed);
    return buffer;
}

void mbar_buffer_unref(mbar_buffer *buffer)
{
    if (!buffer || atomic_fetch_sub_explicit(&buffer->n_refs, 1, memory_order_acq_rel) != 1)
        return;
    if (buffer->release)
        buffer->release(buffer->owner);
    mbar_free(buffer);
}

const void *mbar_buffer_data(const mbar_buffer *buffer)
{
    return buffer->data;
}

void *mbar_buffer_writable(mbar_buffer *buffer)
{
    assert(buffer->owned && atomic_load(&buffer->n_refs) == 1);
    return (void *)buffer->data;
}

size_t mbar_buffer_size(const mbar_buffer *buffer)
{
    return buffer->n_bytes;
}
