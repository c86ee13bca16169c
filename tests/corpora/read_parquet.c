/*
 * read_parquet.c - reads one Parquet file whole and prints what came of it, for
 * run.py: "STATUS<tab>rows<tab>columns<tab>columns left out<tab>peak MiB<tab>message".
 *
 * Every column that can be read is read, in a few slices as well as whole, and
 * every value is looked at, so that a bad pointer shows. Exit code 0 whether
 * the file is good or bad; anything else is a bug.
 *
 *     read_parquet FILE [unmapped]
 */
#include <millibar/io.h>

#include <stdio.h>
#include <string.h>

/* Reads every byte the column answers for. */
static uint64_t touch(const mbar_column *column)
{
    uint64_t sum = 0;
    mbar_type type = mbar_column_field(column)->type;
    size_t width = mbar_type_width(type);
    for (int64_t row = 0; row < mbar_column_rows(column); row++) {
        sum += mbar_column_is_valid(column, row);
        if (type == MBAR_TYPE_UTF8 || type == MBAR_TYPE_DICT) {
            size_t n_bytes;
            const char *text = mbar_column_text(column, row, &n_bytes);
            for (size_t i = 0; i < n_bytes; i++) {
                sum += (unsigned char)text[i];
            }
        } else if (type == MBAR_TYPE_BOOL) {
            sum += mbar_column_bool(column, row);
        } else {
            const unsigned char *values = mbar_column_values(column);
            for (size_t i = 0; i < width; i++) {
                sum += values[(size_t)row * width + i];
            }
        }
    }
    return sum;
}

static mbar_status read_rows(mbar_parquet *file, int64_t first, int64_t n_rows, uint64_t *sum,
                             int32_t *n_columns, mbar_error *error)
{
    mbar_table *table = NULL;
    mbar_status status = mbar_parquet_read(file, NULL, 0, first, n_rows, 2, &table, NULL, error);
    if (status != MBAR_OK) {
        return status;
    }
    *n_columns = mbar_table_columns(table);
    for (int32_t c = 0; c < *n_columns; c++) {
        *sum += touch(mbar_table_column(table, c));
    }
    mbar_table_unref(table);
    return MBAR_OK;
}

/* Footer queries; they may fail, not crash. */
static void look_at_footer(mbar_parquet *file, int32_t *n_left_out)
{
    for (int32_t c = 0; c < mbar_parquet_columns(file); c++) {
        bool supported;
        mbar_error error;
        mbar_window ranges[8];
        int32_t n_ranges;
        mbar_parquet_field(file, c, &supported);
        *n_left_out += !supported;
        for (int32_t g = 0; g < mbar_parquet_row_groups(file); g++) {
            mbar_parquet_chunk chunk;
            (void)!mbar_parquet_chunk_info(file, g, c, &chunk, &error);
        }
        (void)!mbar_parquet_prune(file, c, -1000, 1000, ranges, 8, &n_ranges, NULL, &error);
    }
    (void)mbar_parquet_metadata(file, "pandas");
}

static mbar_status read_file(const char *path, bool mapped, int64_t *rows, int32_t *n_columns,
                             int32_t *n_left_out, uint64_t *sum, mbar_error *error)
{
    mbar_source *source = NULL;
    mbar_parquet *file = NULL;
    mbar_status status = mapped ? mbar_source_open_file(path, &source, error)
                                : mbar_source_open_file_unmapped(path, &source, error);
    if (status != MBAR_OK) {
        return status;
    }
    status = mbar_parquet_open(source, &file, error);
    if (status != MBAR_OK) {
        mbar_source_close(source);
        return status;
    }
    look_at_footer(file, n_left_out);
    *rows = mbar_parquet_rows(file);
    status = read_rows(file, 0, *rows, sum, n_columns, error);
    for (int64_t part = 0; part < 3 && status == MBAR_OK && *rows > 2; part++) {
        int64_t n = *rows / 3;
        status = read_rows(file, part * n + part % 2, n > 500 ? 500 : n, sum, n_columns, error);
    }
    mbar_parquet_close(file);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "read_parquet: give a file\n");
        return 2;
    }
    mbar_error error;
    int64_t rows = -1;
    int32_t n_columns = 0, n_left_out = 0;
    uint64_t sum = 0;
    mbar_error_init(&error);
    mbar_status status = read_file(argv[1], argc < 3, &rows, &n_columns, &n_left_out, &sum, &error);
    if (status != MBAR_OK && error.message[0] == '\0') {
        printf("an error without a message: %s\n", mbar_status_name(status));
        return 3;
    }
    if (mbar_memory_live_bytes() > 4096) {
        printf("%zu bytes leaked\n", mbar_memory_live_bytes());
        return 4;
    }
    printf("%s\t%lld\t%d\t%d\t%zu\t%s\n", mbar_status_name(status), (long long)rows, n_columns,
           n_left_out, mbar_memory_peak_bytes() >> 20, status == MBAR_OK ? "" : error.message);
    return 0;
}
