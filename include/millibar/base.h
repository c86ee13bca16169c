/*
 * millibar/base.h - what every other header stands on.
 *
 * Purpose: status and error, the allocator hook, the byte source and sink,
 * time units. Nothing here knows what a bar is.
 *
 * Conventions of the whole API
 *   - The type names its functions: mbar_table_slice(const mbar_table *, ...).
 *     _init/_deinit are for structs the caller owns, _new/_free for heap
 *     objects, _ref/_unref for shared, reference-counted ones. _free(NULL) and
 *     _unref(NULL) do nothing.
 *   - A function that can fail returns mbar_status and takes a caller-owned
 *     mbar_error * last; NULL is allowed there. Out-parameters are written, and
 *     ownership moves, only on MBAR_OK.
 *   - Time is int64 nanoseconds since 1970-01-01T00:00:00 UTC unless a name or
 *     a unit says otherwise. Counts are n_, sizes _bytes, rows _rows.
 *   - Bytes that came from a file never reach an assert. Misuse by the
 *     programmer (a NULL where none is allowed, a column index out of range)
 *     always does.
 *   - Reference counts are atomic and shared objects immutable, so any thread
 *     may read, _ref and _unref them. Everything else belongs to one thread at
 *     a time.
 */
#ifndef MILLIBAR_BASE_H
#define MILLIBAR_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MBAR_API __attribute__((visibility("default")))
#define MBAR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define MBAR_MUST_USE __attribute__((warn_unused_result))
#else
#define MBAR_API
#define MBAR_PRINTF(fmt, args)
#define MBAR_MUST_USE
#endif

#define MBAR_VERSION_MAJOR 0
#define MBAR_VERSION_MINOR 1
#define MBAR_VERSION_PATCH 0

/* The library's version, "0.1.0". Static; never NULL. */
MBAR_API const char *mbar_version(void);

/* ---- Status and error ---------------------------------------------------- */

/* One value per decision a caller can take. */
typedef enum mbar_status {
    MBAR_OK = 0,
    MBAR_NOMEM,       /* an allocation failed or would pass the limit */
    MBAR_IO,          /* the operating system said no, or the file changed under us */
    MBAR_FORMAT,      /* the bytes are not what the format says they must be */
    MBAR_UNSUPPORTED, /* valid, but something this library does not do */
    MBAR_INVALID,     /* an argument or the data break a stated rule */
    MBAR_NOTFOUND     /* no such file, column, zone, row */
} mbar_status;

/* "ok", "out of memory", ... Static; never NULL. */
MBAR_API const char *mbar_status_name(mbar_status status);

/*
 * What went wrong and where. Caller-owned, plain data, no deinit.
 * message says what was wrong, where, and what would be right. file is "" and
 * offset and row are -1 where they do not apply.
 */
typedef struct mbar_error {
    mbar_status code;
    int64_t offset; /* byte in the file */
    int64_t row;    /* row in the column or file */
    char file[512];
    char message[512];
} mbar_error;

/* Clears to MBAR_OK. */
MBAR_API void mbar_error_init(mbar_error *error);

/* Writes code and message, clears file, offset and row. Returns code, so that
 * `return mbar_error_set(...)` reads well. error may be NULL. */
MBAR_API mbar_status mbar_error_set(mbar_error *error, mbar_status code, const char *format, ...)
    MBAR_PRINTF(3, 4);

/* Names the file of an error already set; keeps a name that is there. Returns
 * error->code, or MBAR_OK for NULL. */
MBAR_API mbar_status mbar_error_in_file(mbar_error *error, const char *file);

/* ---- Memory -------------------------------------------------------------- */

/*
 * The one hook all allocation goes through. resize(ctx, ptr, old, new) works
 * like realloc with the old size told: ptr NULL and old 0 allocates, new 0
 * frees and returns NULL, a failed call returns NULL and leaves ptr as it was.
 * Must be callable from any thread. Alignment: that of malloc.
 */
typedef struct mbar_allocator {
    void *(*resize)(void *ctx, void *ptr, size_t old_bytes, size_t new_bytes);
    void *ctx;
} mbar_allocator;

/* Replaces the allocator; NULL restores the default (malloc family). Call it
 * before anything else of the library, from one thread. */
MBAR_API void mbar_set_allocator(const mbar_allocator *allocator);

/* Refuses (MBAR_NOMEM) any allocation that would take the library's live bytes
 * over limit_bytes; 0, the default, means no limit. Thread-safe. */
MBAR_API void mbar_set_memory_limit(size_t limit_bytes);

/* Bytes now live, and the most ever live since start. Thread-safe. */
MBAR_API size_t mbar_memory_live_bytes(void);
MBAR_API size_t mbar_memory_peak_bytes(void);

/* Gives back to the system what the default allocator keeps of large blocks that were
 * freed, at most 256 MiB and none of it live; how many bytes that was. Without a call the system
 * takes back all but 64 MiB of them by itself when it is short of memory. Thread-safe. */
MBAR_API size_t mbar_memory_trim(void);

/* ---- Bytes in ------------------------------------------------------------ */

/*
 * Where a file's bytes come from: a vtable, so that tests can fail the N-th
 * read and fuzzers feed memory. A source is used by one reader, but read_at
 * must be callable from several threads at once.
 */
typedef struct mbar_source mbar_source;

typedef struct mbar_source_ops {
    /* Total size in bytes, >= 0. */
    mbar_status (*size)(mbar_source *source, int64_t *size_bytes, mbar_error *error);
    /* Exactly n_bytes at offset into out; a short read is MBAR_IO. */
    mbar_status (*read_at)(mbar_source *source, int64_t offset, size_t n_bytes, void *out,
                           mbar_error *error);
    /* The whole file as memory that lives as long as the source, or NULL in
     * *data where there is none (then read_at is used). May be NULL. */
    mbar_status (*map)(mbar_source *source, const void **data, mbar_error *error);
    /* MBAR_IO when the bytes are no longer those that were opened. May be NULL. */
    mbar_status (*check)(mbar_source *source, mbar_error *error);
    void (*close)(mbar_source *source);
} mbar_source_ops;

/* Embed as the first member of your own struct. name is for messages; it must
 * live as long as the source. */
struct mbar_source {
    const mbar_source_ops *ops;
    const char *name;
};

/* A file by path, memory-mapped; keeps its size and modification time so that
 * check() can tell a change. MBAR_NOTFOUND, or MBAR_IO (a directory, no right). */
MBAR_API MBAR_MUST_USE mbar_status mbar_source_open_file(const char *path, mbar_source **out,
                                                        mbar_error *error);
/* The same, read by pread and never mapped: for files that others rewrite in
 * place, where a mapping could fault. */
MBAR_API MBAR_MUST_USE mbar_status mbar_source_open_file_unmapped(const char *path,
                                                                 mbar_source **out,
                                                                 mbar_error *error);
/* Borrowed memory, which must outlive the source and what was read from it. */
MBAR_API MBAR_MUST_USE mbar_status mbar_source_open_memory(const void *data, size_t n_bytes,
                                                          const char *name, mbar_source **out,
                                                          mbar_error *error);
MBAR_API void mbar_source_close(mbar_source *source);

/* ---- Bytes out ----------------------------------------------------------- */

/* Where a written file's bytes go. finish() makes them durable and visible
 * under their name; abort() leaves nothing behind. Exactly one of them ends a
 * sink, and frees it, whatever it returns. */
typedef struct mbar_sink mbar_sink;

typedef struct mbar_sink_ops {
    mbar_status (*write)(mbar_sink *sink, const void *data, size_t n_bytes, mbar_error *error);
    mbar_status (*finish)(mbar_sink *sink, mbar_error *error);
    void (*abort)(mbar_sink *sink);
} mbar_sink_ops;

struct mbar_sink {
    const mbar_sink_ops *ops;
    const char *name;
};

/* Writes PATH through a temporary file beside it and renames it on finish, so
 * a reader sees the old file or the new one, never half of either. */
MBAR_API MBAR_MUST_USE mbar_status mbar_sink_open_file(const char *path, mbar_sink **out,
                                                      mbar_error *error);

/* ---- Time units ---------------------------------------------------------- */

/* Of a timestamp column; the values are those of Arrow and numpy datetime64. */
typedef enum mbar_unit { MBAR_UNIT_S = 0, MBAR_UNIT_MS, MBAR_UNIT_US, MBAR_UNIT_NS } mbar_unit;

#define MBAR_SECOND_NS INT64_C(1000000000)
#define MBAR_MINUTE_NS (60 * MBAR_SECOND_NS)
#define MBAR_HOUR_NS (60 * MBAR_MINUTE_NS)
#define MBAR_DAY_NS (24 * MBAR_HOUR_NS)

/* Nanoseconds in one unit: 1e9, 1e6, 1e3, 1. */
MBAR_API int64_t mbar_unit_ns(mbar_unit unit);
/* "s", "ms", "us", "ns". Static. */
MBAR_API const char *mbar_unit_name(mbar_unit unit);

/*
 * Reads an instant: "2024-01-03", "2024-01-03 09:30", "2024-01-03T09:30:00.5Z",
 * "2024-01-03T09:30:00-05:00". *has_offset tells whether a zone was written;
 * without one *ns is the wall clock as if UTC, for the caller to place in a
 * zone. MBAR_INVALID with the column of the first wrong character.
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_time_parse(const char *text, int64_t *ns, bool *has_offset,
                                                  mbar_error *error);

/* Writes ns as ISO 8601 with a Z ("2024-01-03T14:30:00Z", fraction only where
 * there is one) into out, at most out_bytes with the NUL. 40 always suffice. */
MBAR_API void mbar_time_format(int64_t ns, char *out, size_t out_bytes);

#ifdef __cplusplus
}
#endif
#endif
