/*
 * io_support.h - what the tests of src/io share: a sink into memory, a source
 * whose N-th read fails, and columns made in a line.
 */
#ifndef MILLIBAR_TESTS_IO_SUPPORT_H
#define MILLIBAR_TESTS_IO_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <millibar/io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fails the test with the error's message. */
static inline void must(mbar_status status, const mbar_error *error)
{
    if (status != MBAR_OK) {
        fail_msg("%s: %s", mbar_status_name(status), error->message);
    }
}

/* ---- A sink into memory --------------------------------------------------- */

typedef struct memory_file {
    char *data;
    size_t n_bytes;
    bool finished, aborted;
    int64_t fail_at; /* the write of this number fails; 0: none */
    int64_t n_writes;
} memory_file;

typedef struct memory_sink {
    mbar_sink base;
    memory_file *file;
} memory_sink;

static inline mbar_status memory_sink_write(mbar_sink *sink, const void *data, size_t n_bytes,
                                            mbar_error *error)
{
    memory_file *file = ((memory_sink *)sink)->file;
    if (++file->n_writes == file->fail_at) {
        return mbar_error_set(error, MBAR_IO, "the disk is full");
    }
    file->data = realloc(file->data, file->n_bytes + n_bytes + 1);
    memcpy(file->data + file->n_bytes, data, n_bytes);
    file->n_bytes += n_bytes;
    return MBAR_OK;
}

static inline mbar_status memory_sink_finish(mbar_sink *sink, mbar_error *error)
{
    (void)error;
    ((memory_sink *)sink)->file->finished = true;
    free(sink);
    return MBAR_OK;
}

static inline void memory_sink_abort(mbar_sink *sink)
{
    ((memory_sink *)sink)->file->aborted = true;
    free(sink);
}

static const mbar_sink_ops memory_sink_ops = {memory_sink_write, memory_sink_finish,
                                              memory_sink_abort};

static inline mbar_sink *memory_sink_open(memory_file *file)
{
    memory_sink *sink = malloc(sizeof *sink);
    sink->base = (mbar_sink){&memory_sink_ops, "memory"};
    sink->file = file;
    return &sink->base;
}

/* ---- A source without a map whose N-th read fails --------------------------- */

typedef struct shaky_source {
    mbar_source base;
    const memory_file *file;
    int64_t fail_at; /* 0: never */
    int64_t n_reads;
    bool changed; /* what check() says */
} shaky_source;

static inline mbar_status shaky_size(mbar_source *source, int64_t *size, mbar_error *error)
{
    (void)error;
    *size = (int64_t)((shaky_source *)source)->file->n_bytes;
    return MBAR_OK;
}

static inline mbar_status shaky_read(mbar_source *source, int64_t offset, size_t n_bytes, void *out,
                                     mbar_error *error)
{
    shaky_source *self = (shaky_source *)source;
    if (++self->n_reads == self->fail_at) {
        return mbar_error_set(error, MBAR_IO, "the cable is out");
    }
    assert_true(offset >= 0 && (size_t)offset + n_bytes <= self->file->n_bytes);
    memcpy(out, self->file->data + offset, n_bytes);
    return MBAR_OK;
}

static inline mbar_status shaky_check(mbar_source *source, mbar_error *error)
{
    if (((shaky_source *)source)->changed) {
        return mbar_error_set(error, MBAR_IO, "the file changed while it was open");
    }
    return MBAR_OK;
}

static inline void shaky_close(mbar_source *source)
{
    free(source);
}

static const mbar_source_ops shaky_ops = {shaky_size, shaky_read, NULL, shaky_check, shaky_close};

static inline shaky_source *shaky_open(const memory_file *file, int64_t fail_at)
{
    shaky_source *self = calloc(1, sizeof *self);
    self->base = (mbar_source){&shaky_ops, "shaky.parquet"};
    self->file = file;
    self->fail_at = fail_at;
    return self;
}

/* ---- Columns ------------------------------------------------------------------ */

static inline mbar_column *values_column(const char *name, mbar_type type, mbar_unit unit,
                                         const char *zone, int64_t n, const void *values)
{
    mbar_error error;
    mbar_column *column = NULL;
    mbar_field field = {.name = name, .type = type, .unit = unit, .zone = zone};
    must(mbar_column_from_values(&field, n, values, &column, &error), &error);
    return column;
}

/* valid: one byte a row, NULL for no nulls. BOOL takes a byte a value. */
static inline mbar_column *any_column(const char *name, mbar_type type, mbar_unit unit,
                                      const char *zone, int64_t n, const void *values,
                                      const uint8_t *valid)
{
    mbar_error error;
    mbar_column *column = NULL;
    mbar_buffer *data = NULL, *bits = NULL;
    size_t width = mbar_type_width(type);
    mbar_field field = {
        .name = name, .type = type, .unit = unit, .zone = zone, .nullable = valid != NULL};
    must(mbar_buffer_new(width > 0 ? (size_t)n * width : (size_t)n / 8 + 1, &data, &error), &error);
    if (width > 0) {
        memcpy(mbar_buffer_writable(data), values, (size_t)n * width);
    }
    for (int64_t i = 0; i < n && width == 0; i++) {
        uint8_t *byte = (uint8_t *)mbar_buffer_writable(data) + i / 8;
        *byte = (uint8_t)(*byte | (((const uint8_t *)values)[i] != 0) << (i % 8));
    }
    if (valid != NULL) {
        must(mbar_buffer_new((size_t)n / 8 + 1, &bits, &error), &error);
        for (int64_t i = 0; i < n; i++) {
            uint8_t *byte = (uint8_t *)mbar_buffer_writable(bits) + i / 8;
            *byte = (uint8_t)(*byte | (valid[i] != 0) << (i % 8));
        }
    }
    must(mbar_column_new(&field, n, data, bits, -1, &column, &error), &error);
    mbar_buffer_unref(data);
    mbar_buffer_unref(bits);
    return column;
}

/* NULL entries are nulls. */
static inline mbar_column *text_column(const char *name, int64_t n, const char *const *values)
{
    mbar_error error;
    mbar_column *column = NULL;
    mbar_buffer *offsets = NULL, *bytes = NULL, *bits = NULL;
    size_t n_bytes = 0;
    bool nulls = false;
    for (int64_t i = 0; i < n; i++) {
        n_bytes += values[i] != NULL ? strlen(values[i]) : 0;
        nulls |= values[i] == NULL;
    }
    mbar_field field = {.name = name, .type = MBAR_TYPE_UTF8, .nullable = nulls};
    must(mbar_buffer_new(((size_t)n + 1) * 4, &offsets, &error), &error);
    must(mbar_buffer_new(n_bytes, &bytes, &error), &error);
    must(mbar_buffer_new((size_t)n / 8 + 1, &bits, &error), &error);
    int32_t *to = mbar_buffer_writable(offsets);
    for (int64_t i = 0; i < n; i++) {
        size_t length = values[i] != NULL ? strlen(values[i]) : 0;
        if (length > 0) {
            memcpy((char *)mbar_buffer_writable(bytes) + to[i], values[i], length);
        }
        to[i + 1] = to[i] + (int32_t)length;
        uint8_t *byte = (uint8_t *)mbar_buffer_writable(bits) + i / 8;
        *byte = (uint8_t)(*byte | (values[i] != NULL) << (i % 8));
    }
    must(mbar_column_new_utf8(&field, n, offsets, bytes, nulls ? bits : NULL, -1, &column, &error),
         &error);
    mbar_buffer_unref(offsets);
    mbar_buffer_unref(bytes);
    mbar_buffer_unref(bits);
    return column;
}

/* codes into words; -1 is null. */
static inline mbar_column *dict_column(const char *name, int64_t n, const int32_t *codes,
                                       const char *const *words, int64_t n_words)
{
    mbar_error error;
    mbar_column *column = NULL, *dictionary = text_column(name, n_words, words);
    mbar_buffer *data = NULL, *bits = NULL;
    bool nulls = false;
    must(mbar_buffer_new((size_t)n * 4, &data, &error), &error);
    must(mbar_buffer_new((size_t)n / 8 + 1, &bits, &error), &error);
    for (int64_t i = 0; i < n; i++) {
        ((int32_t *)mbar_buffer_writable(data))[i] = codes[i] < 0 ? 0 : codes[i];
        uint8_t *byte = (uint8_t *)mbar_buffer_writable(bits) + i / 8;
        *byte = (uint8_t)(*byte | (codes[i] >= 0) << (i % 8));
        nulls |= codes[i] < 0;
    }
    mbar_field field = {.name = name, .type = MBAR_TYPE_DICT, .nullable = nulls};
    must(
        mbar_column_new_dict(&field, n, data, dictionary, nulls ? bits : NULL, -1, &column, &error),
        &error);
    mbar_buffer_unref(data);
    mbar_buffer_unref(bits);
    mbar_column_unref(dictionary);
    return column;
}

/* Takes the columns over. */
static inline mbar_table *table_of(mbar_column **columns, int32_t n)
{
    mbar_error error;
    mbar_table *table = NULL;
    must(mbar_table_new(columns, n, &table, &error), &error);
    for (int32_t i = 0; i < n; i++) {
        mbar_column_unref(columns[i]);
    }
    return table;
}

/* Minute bars from start_ns: timestamp[ns, UTC], five prices-and-volume
 * columns, no nulls. Values are a fixed function of the row. */
static inline mbar_table *minute_bars(int64_t n, int64_t start_ns)
{
    int64_t *times = malloc((size_t)(n + 1) * 8), *volume = malloc((size_t)(n + 1) * 8);
    double *price[4];
    static const char *const names[] = {"open", "high", "low", "close"};
    for (int k = 0; k < 4; k++) {
        price[k] = malloc((size_t)(n + 1) * 8);
    }
    uint64_t state = 88172645463325252u;
    double level = 5000;
    for (int64_t i = 0; i < n; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        times[i] = start_ns + i * MBAR_MINUTE_NS;
        level += (double)((int)(state % 9) - 4) * 0.25;
        price[0][i] = level;
        price[1][i] = level + (double)(state >> 8 & 7) * 0.25;
        price[2][i] = level - (double)(state >> 16 & 7) * 0.25;
        price[3][i] = level + (double)((int)(state >> 24 & 3) - 2) * 0.25;
        volume[i] = (int64_t)(state >> 32 & 1023);
    }
    mbar_column *columns[6];
    columns[0] = values_column("timestamp", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", n, times);
    for (int k = 0; k < 4; k++) {
        columns[k + 1] =
            values_column(names[k], MBAR_TYPE_FLOAT64, MBAR_UNIT_NS, NULL, n, price[k]);
        free(price[k]);
    }
    columns[5] = values_column("volume", MBAR_TYPE_INT64, MBAR_UNIT_NS, NULL, n, volume);
    free(times);
    free(volume);
    return table_of(columns, 6);
}

/* ---- Parquet in memory ---------------------------------------------------------- */

static inline memory_file write_memory(const mbar_table *table, const mbar_parquet_options *options)
{
    mbar_error error;
    memory_file file = {0};
    must(mbar_parquet_write(table, memory_sink_open(&file), options, &error), &error);
    assert_true(file.finished);
    return file;
}

static inline mbar_parquet *open_memory(const memory_file *file)
{
    mbar_error error;
    mbar_source *source = NULL;
    mbar_parquet *parquet = NULL;
    must(mbar_source_open_memory(file->data, file->n_bytes, "memory", &source, &error), &error);
    must(mbar_parquet_open(source, &parquet, &error), &error);
    return parquet;
}

static inline mbar_table *read_all(mbar_parquet *parquet, int32_t n_threads)
{
    mbar_error error;
    mbar_table *table = NULL;
    must(mbar_parquet_read(parquet, NULL, 0, 0, mbar_parquet_rows(parquet), n_threads, &table, NULL,
                           &error),
         &error);
    return table;
}

#endif
