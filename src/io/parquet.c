/*
 * parquet.c - opening a Parquet file, and what its footer says.
 *
 * The files parquet*.c in this folder are the only ones that know the Parquet
 * library (carquet); parquet_schema.c maps types, parquet_read.c and
 * parquet_text.c decode, parquet_prune.c asks the statistics, parquet_write.c
 * writes.
 *
 * A mapped source is one buffer to the library: any number of threads may read
 * through one reader, since nothing in it changes. A source without a map is
 * read through a FILE (one position, so one thread), or, where the C library
 * cannot make such a FILE, read into memory whole.
 *
 * Everything the footer says is a claim. Counts are checked against each other
 * and against the file's size before anything is sized by them, and every
 * pointer the library hands out may be NULL.
 *
 * Cost: opening parses the footer, once; it touches no data page.
 */
#include "parquet_internal.h"

#include "base/alloc.h"
#include "base/checked.h"

#include <assert.h>
#include <string.h>

/* A parsed footer takes some 10 times its bytes in the file. One that would
 * take far more says very much with nothing, and is refused. */
#define FOOTER_FACTOR 64
#define FOOTER_BYTES ((size_t)64 << 20)

/* ---- Errors ---------------------------------------------------------------- */

static mbar_status status_of(carquet_status_t code)
{
    switch (code) {
    case CARQUET_ERROR_OUT_OF_MEMORY:
        return MBAR_NOMEM;
    case CARQUET_ERROR_FILE_OPEN:
    case CARQUET_ERROR_FILE_WRITE:
    case CARQUET_ERROR_FILE_SEEK:
        return MBAR_IO;
    case CARQUET_ERROR_NOT_IMPLEMENTED:
    case CARQUET_ERROR_VERSION_NOT_SUPPORTED:
    case CARQUET_ERROR_UNSUPPORTED_CODEC:
        return MBAR_UNSUPPORTED;
    default:
        return MBAR_FORMAT;
    }
}

mbar_status mbar_parquet_fail(const mbar_parquet *file, int32_t group, int32_t column,
                              const carquet_error_t *library, mbar_error *error)
{
    if (file->stream.error.code != MBAR_OK) {
        if (error != NULL) {
            *error = file->stream.error;
        }
        mbar_error_in_file(error, file->source->name);
        return file->stream.error.code;
    }
    mbar_parquet_watch *watch = mbar_parquet_watched();
    mbar_status status = status_of(library->code);
    if (watch != NULL && watch->failed) {
        status = MBAR_NOMEM; /* whatever the library made of it */
    }
    const char *what = library->message[0] != '\0' ? library->message : "malformed";
    if (strcmp(what, "Expected data page") == 0) {
        /* Some writers before 2015, and a few since. */
        status = MBAR_UNSUPPORTED;
        what = "it has a dictionary that its footer does not announce, which is not supported; "
               "write the file again with a current writer";
    }
    if (watch != NULL && watch->over_budget) {
        status = MBAR_FORMAT;
        what = "it claims far more than its bytes can hold";
    } else if (status == MBAR_NOMEM) {
        what = "out of memory, or a page larger than the 256 MiB this library takes";
    }
    if (column >= 0 && group >= 0) {
        mbar_error_set(error, status, "column '%s', row group %d: %s",
                       file->columns[column].field.name, (int)group, what);
    } else {
        mbar_error_set(error, status, "malformed footer or index: %s", what);
    }
    if (error != NULL) {
        error->offset = library->offset;
    }
    mbar_error_in_file(error, file->source->name);
    return status;
}

/* ---- A FILE over a source --------------------------------------------------- */

#if defined(__GLIBC__)
#define HAVE_STREAM 1

static ssize_t stream_read(void *cookie, char *out, size_t n_bytes)
{
    mbar_parquet_stream *stream = cookie;
    int64_t left = stream->size - stream->offset;
    if (left <= 0 || stream->error.code != MBAR_OK) {
        return stream->error.code == MBAR_OK ? 0 : -1;
    }
    size_t n = (uint64_t)left < n_bytes ? (size_t)left : n_bytes;
    mbar_source *source = stream->source;
    mbar_status status = source->ops->read_at(source, stream->offset, n, out, &stream->error);
    if (status != MBAR_OK) {
        stream->error.code = status;
        return -1;
    }
    stream->offset += (int64_t)n;
    return (ssize_t)n;
}

static int stream_seek(void *cookie, off64_t *offset, int whence)
{
    mbar_parquet_stream *stream = cookie;
    int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? stream->offset : stream->size;
    int64_t target;
    if (!mbar_add_i64(base, *offset, &target) || target < 0) {
        return -1;
    }
    stream->offset = target;
    *offset = target;
    return 0;
}

static FILE *stream_open(mbar_parquet_stream *stream)
{
    cookie_io_functions_t io = {.read = stream_read, .seek = stream_seek};
    return fopencookie(stream, "rb", io);
}
#else
#define HAVE_STREAM 0
static FILE *stream_open(mbar_parquet_stream *stream)
{
    (void)stream;
    return NULL;
}
#endif

/* ---- Opening ----------------------------------------------------------------- */

/* Magic bytes and footer length; *footer_bytes is then inside the file. */
static mbar_status check_frame(mbar_source *source, int64_t size, int64_t *footer_bytes,
                               mbar_error *error)
{
    unsigned char head[4], tail[8];
    if (size == 0) {
        return mbar_error_set(error, MBAR_FORMAT, "the file is empty, not Parquet");
    }
    if (size < 12) {
        return mbar_error_set(error, MBAR_FORMAT,
                              "%lld bytes are too few for a Parquet file; it may be truncated",
                              (long long)size);
    }
    mbar_status status = source->ops->read_at(source, 0, sizeof head, head, error);
    if (status == MBAR_OK) {
        status = source->ops->read_at(source, size - 8, sizeof tail, tail, error);
    }
    if (status != MBAR_OK) {
        return status;
    }
    if (memcmp(tail + 4, "PARE", 4) == 0 || memcmp(head, "PARE", 4) == 0) {
        return mbar_error_set(error, MBAR_UNSUPPORTED,
                              "the file's footer is encrypted, which is not supported");
    }
    bool starts = memcmp(head, "PAR1", 4) == 0;
    if (memcmp(tail + 4, "PAR1", 4) != 0) {
        return mbar_error_set(error, MBAR_FORMAT,
                              starts ? "the file starts as Parquet but does not end so: it is "
                                       "truncated; write or copy it again"
                                     : "not a Parquet file (no PAR1 at its start and end)");
    }
    if (!starts) {
        return mbar_error_set(error, MBAR_FORMAT,
                              "the file ends as Parquet but does not start so: its head is "
                              "damaged");
    }
    uint32_t footer = (uint32_t)tail[0] | (uint32_t)tail[1] << 8 | (uint32_t)tail[2] << 16 |
                      (uint32_t)tail[3] << 24;
    if ((int64_t)footer > size - 12) {
        return mbar_error_set(error, MBAR_FORMAT,
                              "the footer claims %u bytes in a file of %lld: truncated or "
                              "damaged",
                              (unsigned)footer, (long long)size);
    }
    *footer_bytes = footer;
    return MBAR_OK;
}

static mbar_status open_bytes(mbar_parquet *file, mbar_error *error)
{
    const mbar_source_ops *ops = file->source->ops;
    const void *map = NULL;
    mbar_status status = ops->map != NULL ? ops->map(file->source, &map, error) : MBAR_OK;
    if (status != MBAR_OK) {
        return status;
    }
    file->map = map;
    if (map != NULL) {
        return MBAR_OK;
    }
    if (HAVE_STREAM) {
        file->stream.source = file->source;
        file->stream.size = file->size;
        file->file = stream_open(&file->stream);
        if (file->file == NULL) {
            return mbar_error_set(error, MBAR_NOMEM, "out of memory");
        }
        return MBAR_OK;
    }
    file->copy = mbar_alloc((size_t)file->size, error);
    if (file->copy == NULL) {
        return MBAR_NOMEM;
    }
    file->map = file->copy;
    return ops->read_at(file->source, 0, (size_t)file->size, file->copy, error);
}

/* The library's parser of the footer writes through a NULL that a refused
 * allocation gives it. So a refusal leaves it by the escape; the blocks it then
 * forgets are the watch's to free. Leaves file->reader NULL where it failed. */
static void read_footer(mbar_parquet *file, mbar_parquet_watch *watch,
                        const carquet_reader_options_t *options, carquet_error_t *library)
{
    jmp_buf escape;
    if (setjmp(escape) == 0) {
        watch->escape = &escape;
        file->reader = file->map != NULL ? carquet_reader_open_buffer(file->map, (size_t)file->size,
                                                                      options, library)
                                         : carquet_reader_open_file(file->file, options, library);
    }
    watch->escape = NULL;
}

static mbar_status open_reader(mbar_parquet *file, int64_t footer_bytes, mbar_error *error)
{
    carquet_reader_options_t options;
    carquet_error_t library = CARQUET_ERROR_INIT;
    mbar_parquet_watch watch;
    mbar_status status = MBAR_OK;
    carquet_reader_options_init(&options);
    options.num_threads = 1;
    mbar_parquet_watch_begin(&watch, FOOTER_BYTES + (size_t)footer_bytes * FOOTER_FACTOR);
    read_footer(file, &watch, &options, &library);
    if (file->reader == NULL) {
        status = mbar_parquet_fail(file, -1, -1, &library, error);
    } else if (carquet_reader_schema(file->reader) == NULL) {
        status = mbar_error_set(error, MBAR_FORMAT, "the footer holds no schema");
    }
    mbar_parquet_watch_end(&watch, file->reader == NULL);
    return status;
}

/* First row of each row group; the counts must be sound and add up. */
static mbar_status map_groups(mbar_parquet *file, mbar_error *error)
{
    file->n_groups = carquet_reader_num_row_groups(file->reader);
    if (file->n_groups < 0) {
        return mbar_error_set(error, MBAR_FORMAT, "the footer counts %d row groups",
                              (int)file->n_groups);
    }
    file->group_first = mbar_alloc_array((size_t)file->n_groups + 1, sizeof(int64_t), error);
    if (file->group_first == NULL) {
        return MBAR_NOMEM;
    }
    int64_t rows = 0;
    for (int32_t i = 0; i < file->n_groups; i++) {
        carquet_row_group_metadata_t group;
        if (carquet_reader_row_group_metadata(file->reader, i, &group) != CARQUET_OK ||
            group.num_rows < 0 || !mbar_add_i64(rows, group.num_rows, &rows)) {
            return mbar_error_set(error, MBAR_FORMAT, "row group %d has no sound row count",
                                  (int)i);
        }
        file->group_first[i + 1] = rows;
    }
    if (rows != carquet_reader_num_rows(file->reader)) {
        return mbar_error_set(error, MBAR_FORMAT,
                              "the footer counts %lld rows, its row groups %lld",
                              (long long)carquet_reader_num_rows(file->reader), (long long)rows);
    }
    return MBAR_OK;
}

static void file_free(mbar_parquet *file)
{
    carquet_reader_close(file->unchecked);
    carquet_reader_close(file->reader);
    if (file->file != NULL) {
        fclose(file->file);
    }
    for (int32_t i = 0; i < file->n_columns && file->columns != NULL; i++) {
        mbar_free((char *)file->columns[i].field.name);
        mbar_free((char *)file->columns[i].field.zone);
    }
    mbar_free(file->columns);
    mbar_free(file->group_first);
    mbar_free(file->copy);
    mbar_free(file);
}

mbar_status mbar_parquet_open(mbar_source *source, mbar_parquet **out, mbar_error *error)
{
    assert(source != NULL && out != NULL);
    mbar_parquet_library_init();
    mbar_parquet *file = mbar_alloc(sizeof *file, error);
    if (file == NULL) {
        mbar_error_in_file(error, source->name);
        return MBAR_NOMEM;
    }
    atomic_init(&file->refs, 1);
    file->source = source;
    file->sorted_column = -1;
    mbar_error_init(&file->stream.error);
    int64_t footer_bytes = 0;
    mbar_status status = source->ops->size(source, &file->size, error);
    if (status == MBAR_OK) {
        status = check_frame(source, file->size, &footer_bytes, error);
    }
    if (status == MBAR_OK) {
        status = open_bytes(file, error);
    }
    if (status == MBAR_OK) {
        status = open_reader(file, footer_bytes, error);
    }
    if (status == MBAR_OK) {
        status = map_groups(file, error);
    }
    if (status == MBAR_OK) {
        status = mbar_parquet_map_columns(file, error);
    }
    if (status == MBAR_OK && source->ops->check != NULL) {
        status = source->ops->check(source, error);
    }
    if (status != MBAR_OK) {
        mbar_error_in_file(error, source->name);
        file_free(file);
        return status;
    }
    *out = file;
    return MBAR_OK;
}

void mbar_parquet_ref(mbar_parquet *file)
{
    atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
}

void mbar_parquet_unref(mbar_parquet *file)
{
    if (atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) == 1) {
        mbar_source *source = file->source;
        file_free(file);
        mbar_source_close(source);
    }
}

void mbar_parquet_close(mbar_parquet *file)
{
    if (file != NULL) {
        mbar_parquet_unref(file);
    }
}

/* ---- What the footer says ------------------------------------------------------ */

int64_t mbar_parquet_rows(const mbar_parquet *file)
{
    return file->group_first[file->n_groups];
}

int32_t mbar_parquet_row_groups(const mbar_parquet *file)
{
    return file->n_groups;
}

int32_t mbar_parquet_columns(const mbar_parquet *file)
{
    return file->n_columns;
}

const mbar_field *mbar_parquet_field(const mbar_parquet *file, int32_t column, bool *supported)
{
    assert(column >= 0 && column < file->n_columns);
    if (supported != NULL) {
        *supported = file->columns[column].kind != MBAR_PARQUET_UNSUPPORTED;
    }
    return &file->columns[column].field;
}

const char *mbar_parquet_metadata(const mbar_parquet *file, const char *key)
{
    assert(key != NULL);
    return carquet_reader_find_metadata(file->reader, key);
}

const char *mbar_codec_name(mbar_codec codec)
{
    static const char *const names[] = {"none", "snappy", "gzip", "lz4", "zstd", "other"};
    assert(codec >= MBAR_CODEC_NONE && codec <= MBAR_CODEC_OTHER);
    return names[codec];
}

static mbar_codec codec_of(carquet_compression_t codec)
{
    switch (codec) {
    case CARQUET_COMPRESSION_UNCOMPRESSED:
        return MBAR_CODEC_NONE;
    case CARQUET_COMPRESSION_SNAPPY:
        return MBAR_CODEC_SNAPPY;
    case CARQUET_COMPRESSION_GZIP:
        return MBAR_CODEC_GZIP;
    case CARQUET_COMPRESSION_LZ4:
    case CARQUET_COMPRESSION_LZ4_RAW:
        return MBAR_CODEC_LZ4;
    case CARQUET_COMPRESSION_ZSTD:
        return MBAR_CODEC_ZSTD;
    default:
        return MBAR_CODEC_OTHER;
    }
}

mbar_status mbar_parquet_checked_chunk(const mbar_parquet *file, int32_t group, int32_t column,
                                       carquet_column_chunk_metadata_t *out, mbar_error *error)
{
    const char *name = file->columns[column].field.name;
    mbar_status status = MBAR_OK;
    if (carquet_reader_column_chunk_metadata(file->reader, group, column, out) != CARQUET_OK) {
        status =
            mbar_error_set(error, MBAR_FORMAT,
                           "column '%s', row group %d: no metadata in this file", name, (int)group);
    } else if (out->type != file->columns[column].physical) {
        /* The library sizes what it writes by the chunk's type, we by the schema's. */
        status = mbar_error_set(error, MBAR_FORMAT,
                                "column '%s', row group %d: stored type differs from the "
                                "schema's",
                                name, (int)group);
    } else if (out->total_compressed_size < 0 || out->total_uncompressed_size < 0 ||
               out->total_compressed_size > file->size) {
        status = mbar_error_set(error, MBAR_FORMAT,
                                "column '%s', row group %d: its %lld bytes do not fit the file",
                                name, (int)group, (long long)out->total_compressed_size);
    }
    mbar_error_in_file(status == MBAR_OK ? NULL : error, file->source->name);
    return status;
}

static double stat_double(const mbar_parquet_column *column, const void *value, int32_t n_bytes,
                          bool *known)
{
    double wide = 0;
    *known = false;
    if (value == NULL) {
        return 0;
    }
    if (column->field.type == MBAR_TYPE_FLOAT64 && n_bytes == 8) {
        memcpy(&wide, value, 8);
        *known = true;
    } else if (column->field.type == MBAR_TYPE_FLOAT32 && n_bytes == 4) {
        float narrow;
        memcpy(&narrow, value, 4);
        wide = (double)narrow;
        *known = true;
    }
    *known = *known && wide == wide;
    return wide;
}

mbar_status mbar_parquet_chunk_info(const mbar_parquet *file, int32_t row_group, int32_t column,
                                    mbar_parquet_chunk *out, mbar_error *error)
{
    assert(row_group >= 0 && row_group < file->n_groups);
    assert(column >= 0 && column < file->n_columns);
    carquet_column_chunk_metadata_t chunk;
    mbar_status status = mbar_parquet_checked_chunk(file, row_group, column, &chunk, error);
    if (status != MBAR_OK) {
        return status;
    }
    const mbar_parquet_column *col = &file->columns[column];
    mbar_parquet_chunk info = {0};
    info.n_rows = file->group_first[row_group + 1] - file->group_first[row_group];
    info.n_nulls = col->optional ? -1 : 0;
    info.compressed_bytes = chunk.total_compressed_size;
    info.uncompressed_bytes = chunk.total_uncompressed_size;
    info.codec = codec_of(chunk.codec);
    info.has_page_index = chunk.has_column_index && chunk.has_offset_index;
    carquet_column_statistics_t stats = {0};
    if (carquet_reader_column_statistics(file->reader, row_group, column, &stats) == CARQUET_OK) {
        if (stats.has_null_count && stats.null_count >= 0 && col->optional) {
            info.n_nulls = stats.null_count;
        }
        bool low = false, high = false;
        if (stats.has_min_max &&
            (col->field.type == MBAR_TYPE_FLOAT64 || col->field.type == MBAR_TYPE_FLOAT32)) {
            info.min_float = stat_double(col, stats.min_value, stats.min_value_size, &low);
            info.max_float = stat_double(col, stats.max_value, stats.max_value_size, &high);
        } else if (stats.has_min_max) {
            low = mbar_parquet_stat_int(col, stats.min_value, stats.min_value_size, &info.min_int);
            high = mbar_parquet_stat_int(col, stats.max_value, stats.max_value_size, &info.max_int);
        }
        info.has_min_max =
            low && high && info.min_int <= info.max_int && info.min_float <= info.max_float;
    }
    *out = info;
    return MBAR_OK;
}
