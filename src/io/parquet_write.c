/*
 * parquet_write.c - a table into a Parquet file.
 *
 * Row group by row group, column by column, page by page: each call to the
 * library hands over one page's rows, so pages hold page_rows rows and the page
 * index is as fine as asked. Columns without nulls are REQUIRED.
 *
 * Encodings are chosen here, not left to the library. Without compression:
 * plain, which a reader can use where it lies. With compression: integers and
 * timestamps as deltas, text with few values and prices by dictionary where
 * that is smaller (prices move on a tick grid), else plain.
 *
 * What Parquet cannot say goes into file metadata: "millibar.columns" (seconds,
 * zones, dictionaries), "millibar.sorted_by" and "millibar.period_ns".
 *
 * Cost: one pass; memory of one encoded row group.
 */
#include "parquet_internal.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/text.h"

#include <assert.h>
#include <string.h>

#define DEFAULT_GROUP_ROWS (INT64_C(1) << 18)
#define MOST_PAGE_ROWS (INT64_C(1) << 20)
#define DEFAULT_PAGE_ROWS 8192
#define LARGEST_PAGE_BYTES (64 << 20)
/* Between these, an uncompressed table becomes one row group of one page a
 * column (parquet_layout.c), unless other sizes are asked for. Smaller ones are
 * copied in no time; larger pages other readers may refuse. */
#define LEAST_MAPPED_ROWS (INT64_C(1) << 20)
#define MOST_MAPPED_ROWS (INT64_C(1) << 23)

void mbar_parquet_options_init(mbar_parquet_options *options)
{
    *options = (mbar_parquet_options){.codec = MBAR_CODEC_ZSTD};
}

/* ---- A FILE over a sink ------------------------------------------------------- */

typedef struct sink_stream {
    mbar_sink *sink;
    int64_t offset;
    mbar_error error; /* the first failed write */
} sink_stream;

#if defined(__GLIBC__)
static ssize_t sink_write(void *cookie, const char *data, size_t n_bytes)
{
    sink_stream *stream = cookie;
    if (stream->error.code != MBAR_OK) {
        return 0;
    }
    mbar_status status = stream->sink->ops->write(stream->sink, data, n_bytes, &stream->error);
    if (status != MBAR_OK) {
        stream->error.code = status;
        return 0;
    }
    stream->offset += (int64_t)n_bytes;
    return (ssize_t)n_bytes;
}

/* Only tells the position. */
static int sink_seek(void *cookie, off64_t *offset, int whence)
{
    sink_stream *stream = cookie;
    if (whence != SEEK_CUR || *offset != 0) {
        return -1;
    }
    *offset = stream->offset;
    return 0;
}

static FILE *sink_file(sink_stream *stream)
{
    cookie_io_functions_t io = {.write = sink_write, .seek = sink_seek};
    return fopencookie(stream, "wb", io);
}
#else
#error "this file needs fopencookie, or its equivalent, to write through a sink"
#endif

/* ---- The writer ------------------------------------------------------------------ */

typedef struct writer {
    const mbar_table *table;
    const mbar_parquet_options *options;
    int64_t group_rows, page_rows;
    int64_t *rows_a_page; /* the mapped layout: see parquet_layout.c; else NULL */
    sink_stream stream;
    FILE *file;
    carquet_writer_t *library;
    void *values;    /* one page, converted or packed */
    int16_t *levels; /* one page's definition levels */
} writer;

static mbar_status fail(const writer *w, carquet_status_t code, const carquet_error_t *library,
                        mbar_error *error)
{
    if (w->stream.error.code != MBAR_OK) {
        if (error != NULL) {
            *error = w->stream.error;
        }
        return w->stream.error.code;
    }
    if (code == CARQUET_ERROR_OUT_OF_MEMORY || mbar_parquet_watched()->failed) {
        return mbar_error_set(error, MBAR_NOMEM, "out of memory while writing Parquet");
    }
    bool io = code == CARQUET_ERROR_FILE_WRITE || code == CARQUET_ERROR_FILE_SEEK;
    const char *what = library != NULL && library->message[0] != '\0' ? library->message
                                                                      : carquet_status_string(code);
    return mbar_error_set(error, io ? MBAR_IO : MBAR_INVALID, "cannot write Parquet: %s", what);
}

/* The library ignores some failed allocations and later trips over what is then
 * missing: it is called no more after one. */
static mbar_status check_call(const writer *w, carquet_status_t code, mbar_error *error)
{
    return code == CARQUET_OK && !mbar_parquet_watched()->failed ? MBAR_OK
                                                                 : fail(w, code, NULL, error);
}

static carquet_compression_t codec_for(mbar_codec codec)
{
    switch (codec) {
    case MBAR_CODEC_SNAPPY:
        return CARQUET_COMPRESSION_SNAPPY;
    case MBAR_CODEC_GZIP:
        return CARQUET_COMPRESSION_GZIP;
    case MBAR_CODEC_LZ4:
        return CARQUET_COMPRESSION_LZ4_RAW;
    case MBAR_CODEC_ZSTD:
        return CARQUET_COMPRESSION_ZSTD;
    default:
        return CARQUET_COMPRESSION_UNCOMPRESSED;
    }
}

/* Physical type; fills *logical and points *used at it where there is one. */
static carquet_physical_type_t type_for(const mbar_field *field, carquet_logical_type_t *logical,
                                        const carquet_logical_type_t **used)
{
    *used = NULL;
    switch (field->type) {
    case MBAR_TYPE_BOOL:
        return CARQUET_PHYSICAL_BOOLEAN;
    case MBAR_TYPE_INT32:
        return CARQUET_PHYSICAL_INT32;
    case MBAR_TYPE_INT64:
        return CARQUET_PHYSICAL_INT64;
    case MBAR_TYPE_UINT64:
        logical->id = CARQUET_LOGICAL_INTEGER;
        logical->params.integer.bit_width = 64;
        logical->params.integer.is_signed = false;
        *used = logical;
        return CARQUET_PHYSICAL_INT64;
    case MBAR_TYPE_FLOAT32:
        return CARQUET_PHYSICAL_FLOAT;
    case MBAR_TYPE_FLOAT64:
        return CARQUET_PHYSICAL_DOUBLE;
    case MBAR_TYPE_TIMESTAMP:
        logical->id = CARQUET_LOGICAL_TIMESTAMP;
        logical->params.timestamp.unit = field->unit == MBAR_UNIT_NS   ? CARQUET_TIME_UNIT_NANOS
                                         : field->unit == MBAR_UNIT_US ? CARQUET_TIME_UNIT_MICROS
                                                                       : CARQUET_TIME_UNIT_MILLIS;
        logical->params.timestamp.is_adjusted_to_utc = field->zone != NULL;
        *used = logical;
        return CARQUET_PHYSICAL_INT64;
    default:
        logical->id = CARQUET_LOGICAL_STRING;
        *used = logical;
        return CARQUET_PHYSICAL_BYTE_ARRAY;
    }
}

static bool is_optional(const mbar_column *column)
{
    return mbar_column_nulls(column) > 0;
}

static mbar_status make_schema(const writer *w, carquet_schema_t **out, mbar_error *error)
{
    carquet_error_t library = CARQUET_ERROR_INIT;
    carquet_schema_t *schema = carquet_schema_create(&library);
    if (schema == NULL) {
        return fail(w, library.code, &library, error);
    }
    for (int32_t c = 0; c < mbar_table_columns(w->table); c++) {
        const mbar_column *column = mbar_table_column(w->table, c);
        const mbar_field *field = mbar_column_field(column);
        carquet_logical_type_t logical = {0};
        const carquet_logical_type_t *used;
        carquet_physical_type_t physical = type_for(field, &logical, &used);
        carquet_status_t code = carquet_schema_add_column(
            schema, field->name, physical, used,
            is_optional(column) ? CARQUET_REPETITION_OPTIONAL : CARQUET_REPETITION_REQUIRED, 0, 0);
        if (code != CARQUET_OK) {
            carquet_schema_free(schema);
            return fail(w, code, NULL, error);
        }
    }
    *out = schema;
    return MBAR_OK;
}

/* Whether a sample of a price column repeats its values enough for a
 * dictionary: at most one in eight of the sampled values is new. */
static bool repeats(const mbar_column *column)
{
    enum { SAMPLE = 4096, SLOTS = 8192 };
    int64_t rows = mbar_column_rows(column);
    const double *values = mbar_column_values(column);
    uint64_t seen[SLOTS] = {0};
    int64_t n = rows < SAMPLE ? rows : SAMPLE;
    int64_t fresh = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &values[(int64_t)((double)i * ((double)rows / (double)n))], 8);
        bits = bits == 0 ? 1 : bits;
        uint64_t slot = bits * UINT64_C(0x9E3779B97F4A7C15) >> 51;
        while (seen[slot] != 0 && seen[slot] != bits) {
            slot = (slot + 1) & (SLOTS - 1);
        }
        fresh += seen[slot] == 0;
        seen[slot] = bits;
    }
    return n > 0 && fresh * 8 <= n;
}

static carquet_encoding_t encoding_for(const mbar_column *column, mbar_codec codec)
{
    switch (mbar_column_field(column)->type) {
    case MBAR_TYPE_DICT:
        return CARQUET_ENCODING_RLE_DICTIONARY;
    case MBAR_TYPE_INT32:
    case MBAR_TYPE_INT64:
    case MBAR_TYPE_UINT64:
    case MBAR_TYPE_TIMESTAMP:
        return codec == MBAR_CODEC_NONE ? CARQUET_ENCODING_PLAIN
                                        : CARQUET_ENCODING_DELTA_BINARY_PACKED;
    case MBAR_TYPE_FLOAT64:
        return codec != MBAR_CODEC_NONE && repeats(column) ? CARQUET_ENCODING_RLE_DICTIONARY
                                                           : CARQUET_ENCODING_PLAIN;
    default:
        return CARQUET_ENCODING_PLAIN;
    }
}

/* ---- Metadata ------------------------------------------------------------------------ */

/* The first timestamp column without nulls whose values never fall, or -1. */
static int32_t sorted_column(const mbar_table *table)
{
    for (int32_t c = 0; c < mbar_table_columns(table); c++) {
        const mbar_column *column = mbar_table_column(table, c);
        if (mbar_column_field(column)->type != MBAR_TYPE_TIMESTAMP) {
            continue;
        }
        const int64_t *values = mbar_column_values(column);
        int64_t rows = mbar_column_rows(column);
        bool rising = !is_optional(column);
        for (int64_t i = 1; i < rows && rising; i++) {
            rising = values[i] >= values[i - 1];
        }
        return rising ? c : -1;
    }
    return -1;
}

static mbar_status describe_columns(const mbar_table *table, struct mbar_text *text,
                                    mbar_error *error)
{
    mbar_status status = MBAR_OK;
    for (int32_t c = 0; c < mbar_table_columns(table) && status == MBAR_OK; c++) {
        const mbar_field *field = mbar_column_field(mbar_table_column(table, c));
        bool is_time = field->type == MBAR_TYPE_TIMESTAMP;
        status = mbar_text_appendf(text, error, "%s%s %s %s %s", c > 0 ? "\n" : "",
                                   mbar_type_name(field->type),
                                   is_time ? mbar_unit_name(field->unit) : "-",
                                   is_time && field->zone != NULL ? field->zone : "-", field->name);
    }
    return status;
}

static mbar_status add_metadata(writer *w, mbar_error *error)
{
    struct mbar_text columns;
    mbar_text_init(&columns);
    int32_t sorted = sorted_column(w->table);
    carquet_status_t code = CARQUET_OK;
    mbar_status status = describe_columns(w->table, &columns, error);
    if (status == MBAR_OK) {
        code = carquet_writer_add_metadata(w->library, MBAR_PARQUET_KEY_COLUMNS,
                                           mbar_text_string(&columns));
    }
    if (status == MBAR_OK && code == CARQUET_OK && sorted >= 0) {
        carquet_sorting_column_t by = {.column_index = sorted};
        code = carquet_writer_set_sorting_columns(w->library, &by, 1);
        if (code == CARQUET_OK) {
            const mbar_column *column = mbar_table_column(w->table, sorted);
            code = carquet_writer_add_metadata(w->library, MBAR_PARQUET_KEY_SORTED,
                                               mbar_column_field(column)->name);
        }
    }
    if (status == MBAR_OK && code == CARQUET_OK && w->options->period != NULL) {
        code = carquet_writer_add_metadata(w->library, MBAR_PARQUET_KEY_PERIOD, w->options->period);
    }
    mbar_text_deinit(&columns);
    return status != MBAR_OK ? status : check_call(w, code, error);
}

/* ---- Pages ------------------------------------------------------------------------------ */

/* Converts one row's value into place i of the page. */
static mbar_status put_value(writer *w, const mbar_column *column, int64_t row, int64_t i,
                             mbar_error *error)
{
    const mbar_field *field = mbar_column_field(column);
    if (field->type == MBAR_TYPE_BOOL) {
        ((uint8_t *)w->values)[i] = mbar_column_bool(column, row);
        return MBAR_OK;
    }
    if (field->type == MBAR_TYPE_UTF8 || field->type == MBAR_TYPE_DICT) {
        size_t n_bytes;
        const char *text = mbar_column_text(column, row, &n_bytes);
        ((carquet_byte_array_t *)w->values)[i] =
            (carquet_byte_array_t){(uint8_t *)text, (int32_t)n_bytes};
        return MBAR_OK;
    }
    if (field->type == MBAR_TYPE_TIMESTAMP && field->unit == MBAR_UNIT_S) {
        int64_t value = ((const int64_t *)mbar_column_values(column))[row];
        if (!mbar_mul_i64(value, 1000, &((int64_t *)w->values)[i])) {
            mbar_error_set(error, MBAR_INVALID,
                           "column '%s', row %lld: %lld seconds do not fit Parquet's "
                           "milliseconds",
                           field->name, (long long)row, (long long)value);
            if (error != NULL) {
                error->row = row;
            }
            return MBAR_INVALID;
        }
        return MBAR_OK;
    }
    size_t width = mbar_type_width(field->type);
    memcpy((char *)w->values + (size_t)i * width,
           (const char *)mbar_column_values(column) + (size_t)row * width, width);
    return MBAR_OK;
}

static bool is_direct(const mbar_column *column)
{
    const mbar_field *field = mbar_column_field(column);
    return !is_optional(column) && field->type != MBAR_TYPE_BOOL && field->type != MBAR_TYPE_UTF8 &&
           field->type != MBAR_TYPE_DICT &&
           !(field->type == MBAR_TYPE_TIMESTAMP && field->unit == MBAR_UNIT_S);
}

static mbar_status write_page(writer *w, int32_t c, int64_t first, int64_t n, mbar_error *error)
{
    const mbar_column *column = mbar_table_column(w->table, c);
    const void *values = w->values;
    const int16_t *levels = NULL;
    if (is_direct(column)) {
        values = (const char *)mbar_column_values(column) +
                 (size_t)first * mbar_type_width(mbar_column_field(column)->type);
    } else {
        bool optional = is_optional(column);
        int64_t packed = 0;
        for (int64_t i = 0; i < n; i++) {
            bool valid = mbar_column_is_valid(column, first + i);
            w->levels[i] = valid;
            mbar_status status = valid ? put_value(w, column, first + i, packed++, error) : MBAR_OK;
            if (status != MBAR_OK) {
                return status;
            }
        }
        levels = optional ? w->levels : NULL;
    }
    carquet_status_t code = carquet_writer_write_batch(w->library, c, values, n, levels, NULL);
    return check_call(w, code, error);
}

/* Rows to hand over at once. A column that is written as it lies, in the mapped
 * layout, goes whole; the library then cuts it by its page size. */
static int64_t rows_at_once(const writer *w, int32_t c)
{
    bool whole = w->rows_a_page != NULL && is_direct(mbar_table_column(w->table, c));
    return whole ? mbar_table_rows(w->table) : w->page_rows;
}

static mbar_status write_groups(writer *w, mbar_error *error)
{
    int64_t rows = mbar_table_rows(w->table);
    for (int64_t first = 0; first < rows; first += w->group_rows) {
        int64_t end = rows - first < w->group_rows ? rows : first + w->group_rows;
        if (first > 0) {
            mbar_status status = check_call(w, carquet_writer_new_row_group(w->library), error);
            if (status != MBAR_OK) {
                return status;
            }
        }
        for (int32_t c = 0; c < mbar_table_columns(w->table); c++) {
            int64_t n = 0;
            for (int64_t row = first; row < end; row += n) {
                n = rows_at_once(w, c);
                n = end - row < n ? end - row : n;
                mbar_status status = write_page(w, c, row, n, error);
                if (status != MBAR_OK) {
                    return status;
                }
            }
        }
    }
    return MBAR_OK;
}

/* ---- The write ------------------------------------------------------------------------------ */

static mbar_status check_request(const mbar_table *table, const mbar_parquet_options *options,
                                 mbar_error *error)
{
    if (mbar_table_columns(table) == 0) {
        return mbar_error_set(error, MBAR_INVALID, "a table without columns cannot be written");
    }
    if (options->codec < MBAR_CODEC_NONE || options->codec >= MBAR_CODEC_OTHER) {
        return mbar_error_set(error, MBAR_INVALID,
                              "codec %d cannot be written; use none, snappy, gzip, lz4 or zstd",
                              (int)options->codec);
    }
    if (options->row_group_rows < 0 || options->page_rows < 0 ||
        options->page_rows > MOST_PAGE_ROWS) {
        return mbar_error_set(error, MBAR_INVALID,
                              "row_group_rows must be 0 or more, page_rows 0 to 1,048,576");
    }
    return MBAR_OK;
}

/* In the mapped layout, where pages are cut by their bytes. */
static int64_t page_bytes(const writer *w, int32_t c)
{
    const mbar_column *column = mbar_table_column(w->table, c);
    if (is_direct(column) && w->rows_a_page[c] == 0) {
        return LARGEST_PAGE_BYTES;
    }
    size_t width = mbar_type_width(mbar_column_field(column)->type);
    int64_t rows = w->rows_a_page[c] > 0 ? w->rows_a_page[c] : w->page_rows;
    return rows * (int64_t)(width > 0 ? width : 1);
}

/* Plans the mapped layout where it serves. */
static mbar_status plan_layout(writer *w, mbar_error *error)
{
    int64_t rows = mbar_table_rows(w->table);
    if (w->options->codec != MBAR_CODEC_NONE || w->options->row_group_rows != 0 ||
        w->options->page_rows != 0 || rows < LEAST_MAPPED_ROWS || rows > MOST_MAPPED_ROWS) {
        return MBAR_OK;
    }
    w->rows_a_page =
        mbar_alloc_array((size_t)mbar_table_columns(w->table), sizeof *w->rows_a_page, error);
    if (w->rows_a_page == NULL) {
        return MBAR_NOMEM;
    }
    w->group_rows = rows;
    mbar_parquet_plan_pages(w->table, is_direct, w->page_rows, w->rows_a_page);
    return MBAR_OK;
}

static mbar_status open_library(writer *w, mbar_error *error)
{
    carquet_writer_options_t options;
    carquet_error_t library = CARQUET_ERROR_INIT;
    carquet_schema_t *schema = NULL;
    carquet_writer_options_init(&options);
    options.compression = codec_for(w->options->codec);
    options.compression_level = w->options->level;
    options.row_group_size = INT64_MAX / 2; /* row groups are cut here, by rows */
    options.page_size = LARGEST_PAGE_BYTES;
    options.max_rows_per_page = w->rows_a_page != NULL ? 0 : w->page_rows;
    options.write_page_index = true;
    options.created_by = "millibar";
    options.async_io = false;
    mbar_status status = make_schema(w, &schema, error);
    if (status != MBAR_OK) {
        return status;
    }
    w->library = carquet_writer_create_file(w->file, schema, &options, &library);
    carquet_schema_free(schema);
    if (w->library == NULL) {
        return fail(w, library.code, &library, error);
    }
    for (int32_t c = 0; c < mbar_table_columns(w->table); c++) {
        carquet_status_t code = carquet_writer_set_column_encoding(
            w->library, c, encoding_for(mbar_table_column(w->table, c), w->options->codec));
        if (code == CARQUET_OK && w->rows_a_page != NULL) {
            code = carquet_writer_set_column_page_size(w->library, c, page_bytes(w, c));
        }
        status = check_call(w, code, error);
        if (status != MBAR_OK) {
            return status;
        }
    }
    return add_metadata(w, error);
}

static mbar_status write_all(writer *w, mbar_error *error)
{
    mbar_status status = MBAR_OK;
    w->values = mbar_alloc_array((size_t)w->page_rows, sizeof(carquet_byte_array_t), error);
    w->levels = mbar_alloc_array((size_t)w->page_rows, sizeof *w->levels, error);
    if (w->values == NULL || w->levels == NULL) {
        return MBAR_NOMEM;
    }
    w->file = sink_file(&w->stream);
    if (w->file == NULL) {
        return mbar_error_set(error, MBAR_NOMEM, "out of memory");
    }
    status = plan_layout(w, error);
    if (status == MBAR_OK) {
        status = open_library(w, error);
    }
    if (status == MBAR_OK) {
        status = write_groups(w, error);
    }
    if (status == MBAR_OK) {
        carquet_status_t code = carquet_writer_close(w->library);
        w->library = NULL;
        status = check_call(w, code, error);
    }
    return status;
}

mbar_status mbar_parquet_write(const mbar_table *table, mbar_sink *sink,
                               const mbar_parquet_options *options, mbar_error *error)
{
    assert(table != NULL && sink != NULL);
    mbar_parquet_options defaults;
    mbar_parquet_options_init(&defaults);
    writer w = {.table = table, .options = options != NULL ? options : &defaults};
    w.stream.sink = sink;
    mbar_error_init(&w.stream.error);
    w.group_rows = w.options->row_group_rows > 0 ? w.options->row_group_rows : DEFAULT_GROUP_ROWS;
    w.page_rows = w.options->page_rows > 0 ? w.options->page_rows : DEFAULT_PAGE_ROWS;
    mbar_parquet_library_init();
    mbar_parquet_watch watch;
    mbar_status status = check_request(table, w.options, error);
    mbar_parquet_watch_begin(&watch, SIZE_MAX);
    if (status == MBAR_OK) {
        status = write_all(&w, error);
    }
    carquet_writer_abort(w.library);
    /* What the FILE still buffers is written by its close. */
    if (w.file != NULL && (fclose(w.file) != 0 || w.stream.error.code != MBAR_OK) &&
        status == MBAR_OK) {
        status = fail(&w, CARQUET_ERROR_FILE_WRITE, NULL, error);
    }
    mbar_parquet_watch_end(&watch, true);
    mbar_free(w.values);
    mbar_free(w.levels);
    mbar_free(w.rows_a_page);
    mbar_error_in_file(status == MBAR_OK ? NULL : error, sink->name);
    if (status != MBAR_OK) {
        sink->ops->abort(sink);
        return status;
    }
    return sink->ops->finish(sink, error);
}
