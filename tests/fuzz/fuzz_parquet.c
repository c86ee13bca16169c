/*
 * fuzz_parquet.c - libFuzzer target: any bytes as a Parquet file.
 *
 * Opens, asks the footer everything, reads each column alone (so that one bad
 * column does not hide the next) and all of them, whole and in slices, mapped
 * and not. Errors are fine; a sanitizer's word, a leak, a hang, an allocation
 * past 1 GiB, or a mapped and an unmapped read that differ are findings.
 */
#include <millibar/io.h>

#include <stdlib.h>
#include <string.h>

typedef struct plain_source {
    mbar_source base;
    const uint8_t *data;
    size_t n_bytes;
} plain_source;

static mbar_status plain_size(mbar_source *source, int64_t *size, mbar_error *error)
{
    (void)error;
    *size = (int64_t)((plain_source *)source)->n_bytes;
    return MBAR_OK;
}

static mbar_status plain_read(mbar_source *source, int64_t offset, size_t n_bytes, void *out,
                              mbar_error *error)
{
    plain_source *self = (plain_source *)source;
    if (offset < 0 || (size_t)offset > self->n_bytes || n_bytes > self->n_bytes - (size_t)offset) {
        return mbar_error_set(error, MBAR_IO, "past the end");
    }
    memcpy(out, self->data + offset, n_bytes);
    return MBAR_OK;
}

static void plain_close(mbar_source *source)
{
    free(source);
}

static const mbar_source_ops plain_ops = {plain_size, plain_read, NULL, NULL, plain_close};

static mbar_parquet *open_bytes(const uint8_t *data, size_t n_bytes, bool mapped)
{
    mbar_source *source = NULL;
    mbar_parquet *file = NULL;
    if (mapped) {
        if (mbar_source_open_memory(data, n_bytes, "fuzz", &source, NULL) != MBAR_OK) {
            return NULL;
        }
    } else {
        plain_source *plain = calloc(1, sizeof *plain);
        *plain = (plain_source){{&plain_ops, "fuzz"}, data, n_bytes};
        source = &plain->base;
    }
    if (mbar_parquet_open(source, &file, NULL) != MBAR_OK) {
        mbar_source_close(source);
    }
    return file;
}

static mbar_table *read_some(mbar_parquet *file, const int32_t *columns, int32_t n, int64_t first,
                             int64_t n_rows)
{
    mbar_table *table = NULL;
    mbar_error error;
    if (mbar_parquet_read(file, columns, n, first, n_rows, 2, &table, NULL, &error) != MBAR_OK) {
        if (error.message[0] == '\0') {
            abort();
        }
        return NULL;
    }
    return table;
}

static void ask_footer(mbar_parquet *file)
{
    for (int32_t c = 0; c < mbar_parquet_columns(file); c++) {
        (void)mbar_parquet_field(file, c, NULL);
        for (int32_t g = 0; g < mbar_parquet_row_groups(file) && g < 16; g++) {
            mbar_parquet_chunk chunk;
            (void)!mbar_parquet_chunk_info(file, g, c, &chunk, NULL);
        }
        mbar_window ranges[4];
        int32_t n_ranges;
        (void)!mbar_parquet_prune(file, c, -7, 1000000, ranges, 4, &n_ranges, NULL, NULL);
    }
    (void)mbar_parquet_metadata(file, "millibar.columns");
}

static void read_file(const uint8_t *data, size_t n_bytes)
{
    mbar_parquet *file = open_bytes(data, n_bytes, true);
    mbar_parquet *other = open_bytes(data, n_bytes, false);
    if ((file == NULL) != (other == NULL)) {
        abort();
    }
    if (file == NULL) {
        return;
    }
    ask_footer(file);
    ask_footer(other);
    int64_t rows = mbar_parquet_rows(file);
    for (int32_t c = 0; c < mbar_parquet_columns(file) && c < 64; c++) {
        mbar_table *a = read_some(file, &c, 1, 0, rows);
        mbar_table *b = read_some(other, &c, 1, 0, rows);
        if ((a == NULL) != (b == NULL) || (a != NULL && !mbar_table_equal(a, b))) {
            abort();
        }
        mbar_table_unref(b);
        b = a != NULL && rows > 3 ? read_some(file, &c, 1, rows / 3, rows / 3) : NULL;
        mbar_table_unref(a);
        mbar_table_unref(b);
    }
    mbar_table_unref(read_some(file, NULL, 0, 0, rows));
    mbar_parquet_close(file);
    mbar_parquet_close(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    mbar_set_memory_limit((size_t)1 << 30);
    size_t live = mbar_memory_live_bytes();
    read_file(data, n_bytes);
    if (mbar_memory_live_bytes() != live) {
        abort();
    }
    return 0;
}
