/*
 * fault.h - allocations, reads and writes that fail on demand.
 *
 * Include after the cmocka headers, in a test's one source file. Everything
 * here is static.
 *
 *   fault_check_alloc(fn, ctx)   runs fn with its 1st, 2nd, ... allocation
 *                                failing, once alone and once with all that
 *                                follow, until it succeeds undisturbed; each
 *                                failure must be MBAR_NOMEM and leave the live
 *                                bytes as they were
 *   fault_check_read(...)        the same for a source's reads, and MBAR_IO
 *   fault_check_write(...)       the same for a sink's writes, and MBAR_IO
 *
 * fn does the work, asserts that out-parameters are untouched where it failed,
 * frees what it made where it did not, and returns the status. What it needs
 * is prepared before, in ctx.
 */
#ifndef MILLIBAR_TESTS_FAULT_H
#define MILLIBAR_TESTS_FAULT_H

#include <millibar/base.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULT_NEVER INT64_MAX
/* No honest function needs more; a loop that never ends is a failure too. */
#define FAULT_MAX_STEPS 100000

/* ---- Allocations --------------------------------------------------------- */

static _Atomic(int64_t) fault_countdown = FAULT_NEVER; /* allocations until the one that fails */
static atomic_bool fault_persists;                     /* whether those after it fail too */
static atomic_bool fault_fired;

static inline bool fault_due(void)
{
    if (atomic_load(&fault_countdown) == FAULT_NEVER)
        return false;
    int64_t left = atomic_fetch_sub(&fault_countdown, 1);
    if (left > 0 || (left < 0 && !atomic_load(&fault_persists)))
        return false;
    atomic_store(&fault_fired, true);
    return true;
}

static inline void *fault_resize(void *ctx, void *ptr, size_t old_bytes, size_t new_bytes)
{
    (void)ctx;
    if (new_bytes == 0) {
        free(ptr);
        return NULL;
    }
    if (new_bytes > old_bytes && fault_due())
        return NULL;
    void *moved = realloc(ptr, new_bytes);
    /* Fresh bytes are no zeros: who counts on zeros must have asked for them. */
    if (moved && new_bytes > old_bytes)
        memset((char *)moved + old_bytes, 0xA5, new_bytes - old_bytes);
    return moved;
}

/* The n-th allocation from here fails, counted from 0. */
static inline void fault_arm(int64_t n, bool persists)
{
    static const mbar_allocator faulty = {fault_resize, NULL};
    mbar_set_allocator(&faulty);
    atomic_store(&fault_fired, false);
    atomic_store(&fault_persists, persists);
    atomic_store(&fault_countdown, n);
}

/* Returns whether the fault happened. */
static inline bool fault_disarm(void)
{
    atomic_store(&fault_countdown, FAULT_NEVER);
    return atomic_load(&fault_fired);
}

typedef mbar_status fault_fn(void *ctx, mbar_error *error);

/* Runs fn once; returns whether it saw its fault. A function that works around
 * a failed allocation may be OK all the same. */
static inline bool fault_step(fault_fn *fn, void *ctx, int64_t n, bool persists)
{
    size_t live = mbar_memory_live_bytes();
    mbar_error error;
    mbar_error_init(&error);
    fault_arm(n, persists);
    mbar_status status = fn(ctx, &error);
    bool fired = fault_disarm();
    if (mbar_memory_live_bytes() != live)
        fail_msg("allocation %lld: %zu bytes live before, %zu after", (long long)n, live,
                 mbar_memory_live_bytes());
    if (status != MBAR_OK && !fired)
        fail_msg("failed undisturbed: %s", error.message);
    if (status != MBAR_OK && status != MBAR_NOMEM)
        fail_msg("allocation %lld failed, and the status is \"%s\" (%s)", (long long)n,
                 mbar_status_name(status), error.message);
    if (status != MBAR_OK && (error.code != status || !error.message[0]))
        fail_msg("allocation %lld failed, and the error was not set", (long long)n);
    return fired;
}

/* Returns the number of allocations of an undisturbed run. */
static inline int64_t fault_check_alloc(fault_fn *fn, void *ctx)
{
    int64_t n = 0;
    while (fault_step(fn, ctx, n, false)) {
        fault_step(fn, ctx, n, true);
        if (++n > FAULT_MAX_STEPS)
            fail_msg("more than %d allocations", FAULT_MAX_STEPS);
    }
    return n;
}

/* ---- Reads --------------------------------------------------------------- */

/* A source over borrowed memory, never mapped, whose n-th read fails. Put it on
 * the stack; closing it does nothing. */
typedef struct fault_source {
    mbar_source base;
    const void *data;
    int64_t n_bytes;
    _Atomic(int64_t) countdown;
    atomic_bool fired;
    _Atomic(int64_t) n_reads;
} fault_source;

static inline mbar_status fault_source_size(mbar_source *source, int64_t *size_bytes,
                                            mbar_error *error)
{
    (void)error;
    *size_bytes = ((fault_source *)source)->n_bytes;
    return MBAR_OK;
}

static inline mbar_status fault_source_read_at(mbar_source *source, int64_t offset, size_t n_bytes,
                                               void *out, mbar_error *error)
{
    fault_source *self = (fault_source *)source;
    atomic_fetch_add(&self->n_reads, 1);
    if (atomic_load(&self->countdown) != FAULT_NEVER &&
        atomic_fetch_sub(&self->countdown, 1) == 0) {
        atomic_store(&self->fired, true);
        return mbar_error_set(error, MBAR_IO, "injected read failure");
    }
    if (offset < 0 || offset > self->n_bytes || n_bytes > (uint64_t)(self->n_bytes - offset))
        return mbar_error_set(error, MBAR_IO, "short read");
    if (n_bytes)
        memcpy(out, (const char *)self->data + offset, n_bytes);
    return MBAR_OK;
}

static inline void fault_source_close(mbar_source *source)
{
    (void)source;
}

static inline void fault_source_init(fault_source *self, const void *data, size_t n_bytes,
                                     int64_t fail_at)
{
    static const mbar_source_ops ops = {
        .size = fault_source_size, .read_at = fault_source_read_at, .close = fault_source_close};
    self->base.ops = &ops;
    self->base.name = "fault";
    self->data = data;
    self->n_bytes = (int64_t)n_bytes;
    atomic_init(&self->countdown, fail_at);
    atomic_init(&self->fired, false);
    atomic_init(&self->n_reads, 0);
}

typedef mbar_status fault_read_fn(void *ctx, mbar_source *source, mbar_error *error);

/* Returns the number of reads of an undisturbed run. fn closes the source, or
 * hands it to what does. */
static inline int64_t fault_check_read(fault_read_fn *fn, void *ctx, const void *data,
                                       size_t n_bytes)
{
    for (int64_t n = 0; n < FAULT_MAX_STEPS; n++) {
        size_t live = mbar_memory_live_bytes();
        mbar_error error;
        mbar_error_init(&error);
        fault_source source;
        fault_source_init(&source, data, n_bytes, n);
        mbar_status status = fn(ctx, &source.base, &error);
        bool fired = atomic_load(&source.fired);
        if (mbar_memory_live_bytes() != live)
            fail_msg("read %lld: %zu bytes live before, %zu after", (long long)n, live,
                     mbar_memory_live_bytes());
        if (!fired && status != MBAR_OK)
            fail_msg("failed undisturbed: %s", error.message);
        if (!fired)
            return atomic_load(&source.n_reads);
        if (status != MBAR_IO || error.code != MBAR_IO)
            fail_msg("read %lld failed, and the status is \"%s\"", (long long)n,
                     mbar_status_name(status));
    }
    fail_msg("more than %d reads", FAULT_MAX_STEPS);
    return -1;
}

/* ---- Writes -------------------------------------------------------------- */

/* A sink into memory whose n-th operation (write or finish) fails. Put it on
 * the stack, and fault_sink_deinit it. */
typedef struct fault_sink {
    mbar_sink base;
    char *data;
    size_t n_bytes;
    int64_t countdown;
    int64_t n_operations;
    bool fired;
    int n_ended; /* finish or abort: must be 1 in the end */
} fault_sink;

static inline mbar_status fault_sink_step(fault_sink *self, mbar_error *error)
{
    self->n_operations++;
    if (self->countdown == FAULT_NEVER || self->countdown-- != 0)
        return MBAR_OK;
    self->fired = true;
    return mbar_error_set(error, MBAR_IO, "injected write failure");
}

static inline mbar_status fault_sink_write(mbar_sink *sink, const void *data, size_t n_bytes,
                                           mbar_error *error)
{
    fault_sink *self = (fault_sink *)sink;
    mbar_status status = fault_sink_step(self, error);
    if (status != MBAR_OK || n_bytes == 0)
        return status;
    self->data = realloc(self->data, self->n_bytes + n_bytes);
    memcpy(self->data + self->n_bytes, data, n_bytes);
    self->n_bytes += n_bytes;
    return MBAR_OK;
}

static inline mbar_status fault_sink_finish(mbar_sink *sink, mbar_error *error)
{
    ((fault_sink *)sink)->n_ended++;
    return fault_sink_step((fault_sink *)sink, error);
}

static inline void fault_sink_abort(mbar_sink *sink)
{
    ((fault_sink *)sink)->n_ended++;
}

static inline void fault_sink_init(fault_sink *self, int64_t fail_at)
{
    static const mbar_sink_ops ops = {
        .write = fault_sink_write, .finish = fault_sink_finish, .abort = fault_sink_abort};
    *self = (fault_sink){.base = {&ops, "fault"}, .countdown = fail_at};
}

static inline void fault_sink_deinit(fault_sink *self)
{
    free(self->data);
}

typedef mbar_status fault_write_fn(void *ctx, mbar_sink *sink, mbar_error *error);

/* Returns the number of operations of an undisturbed run. fn finishes or aborts
 * the sink, or hands it to what does. */
static inline int64_t fault_check_write(fault_write_fn *fn, void *ctx)
{
    for (int64_t n = 0; n < FAULT_MAX_STEPS; n++) {
        size_t live = mbar_memory_live_bytes();
        mbar_error error;
        mbar_error_init(&error);
        fault_sink sink;
        fault_sink_init(&sink, n);
        mbar_status status = fn(ctx, &sink.base, &error);
        bool fired = sink.fired;
        int64_t n_operations = sink.n_operations;
        if (sink.n_ended != 1)
            fail_msg("operation %lld: the sink was ended %d times", (long long)n, sink.n_ended);
        fault_sink_deinit(&sink);
        if (mbar_memory_live_bytes() != live)
            fail_msg("operation %lld: %zu bytes live before, %zu after", (long long)n, live,
                     mbar_memory_live_bytes());
        if (!fired && status != MBAR_OK)
            fail_msg("failed undisturbed: %s", error.message);
        if (!fired)
            return n_operations;
        if (status != MBAR_IO || error.code != MBAR_IO)
            fail_msg("operation %lld failed, and the status is \"%s\"", (long long)n,
                     mbar_status_name(status));
    }
    fail_msg("more than %d operations", FAULT_MAX_STEPS);
    return -1;
}

#endif
