/*
 * parquet_mapped.c - values used where they lie.
 *
 * A page that is mapped, uncompressed, plain, without levels and at an address
 * its type can be read from needs no decoding. The offset index tells where the
 * page ends, and what such a page holds tells where its values start: n rows
 * times their width before the end. The file's word is not taken for it: the
 * library must read the same first and last value from that page.
 *
 * The page is otherwise untouched, its checksum not computed: an untouched page
 * costs nothing until its rows are looked at.
 */
#include "parquet_internal.h"

#include "base/alloc.h"

#include <string.h>

/* A plain chunk without a dictionary, by its own metadata. */
static bool is_plain(const carquet_column_chunk_metadata_t *chunk)
{
    for (int32_t i = 0; i < chunk->num_encodings && i < 4; i++) {
        if (chunk->encodings[i] != CARQUET_ENCODING_PLAIN &&
            chunk->encodings[i] != CARQUET_ENCODING_RLE) {
            return false;
        }
    }
    return chunk->codec == CARQUET_COMPRESSION_UNCOMPRESSED && !chunk->has_dictionary_page &&
           chunk->has_offset_index;
}

/* The page that holds rows [first, first + n_rows): its end in the file, its
 * first row and its rows. false where no single page does. */
static bool find_page(const carquet_offset_index_t *places, int64_t group_rows, int64_t first,
                      int64_t n_rows, int64_t *end, int64_t *page_first, int64_t *page_rows)
{
    int32_t n = carquet_offset_index_num_pages(places);
    for (int32_t i = 0; i < n; i++) {
        carquet_page_location_t here = {0}, next = {0};
        if (carquet_offset_index_get_page_location(places, i, &here) != CARQUET_OK) {
            return false;
        }
        next.first_row_index = group_rows;
        if (i + 1 < n &&
            carquet_offset_index_get_page_location(places, i + 1, &next) != CARQUET_OK) {
            return false;
        }
        if (here.first_row_index < 0 || here.first_row_index > first ||
            next.first_row_index <= first) {
            continue;
        }
        *page_first = here.first_row_index;
        *page_rows = next.first_row_index - here.first_row_index;
        bool sound = here.offset >= 0 && here.compressed_size > 0 &&
                     here.offset <= INT64_MAX - here.compressed_size;
        *end = sound ? here.offset + here.compressed_size : 0;
        return sound && next.first_row_index >= first + n_rows &&
               next.first_row_index <= group_rows;
    }
    return false;
}

/* Whether the library reads the bytes at place as the page's row. */
static bool row_agrees(mbar_parquet *file, int32_t group, int32_t column, int64_t row,
                       const uint8_t *place, size_t width)
{
    carquet_error_t library = CARQUET_ERROR_INIT;
    uint64_t value = 0;
    carquet_column_reader_t *reader =
        carquet_reader_get_column(file->unchecked, group, column, &library);
    if (reader == NULL) {
        return false;
    }
    bool agrees = (row == 0 || carquet_column_skip(reader, row) == row) &&
                  carquet_column_read_batch_ex(reader, &value, 1, NULL, NULL, &library) == 1 &&
                  library.code == CARQUET_OK && memcmp(&value, place, width) == 0;
    carquet_column_reader_free(reader);
    return agrees;
}

static mbar_status open_unchecked(mbar_parquet *file, mbar_error *error)
{
    if (file->unchecked != NULL) {
        return MBAR_OK;
    }
    carquet_reader_options_t options;
    carquet_error_t library = CARQUET_ERROR_INIT;
    carquet_reader_options_init(&options);
    options.num_threads = 1;
    options.verify_checksums = false;
    file->unchecked = carquet_reader_open_buffer(file->map, (size_t)file->size, &options, &library);
    return file->unchecked != NULL ? MBAR_OK : mbar_parquet_fail(file, -1, -1, &library, error);
}

mbar_status mbar_parquet_mapped(mbar_parquet *file, int32_t group, int32_t column, int64_t first,
                                int64_t n_rows, const void **data, mbar_error *error)
{
    carquet_column_chunk_metadata_t chunk;
    carquet_error_t library = CARQUET_ERROR_INIT;
    size_t width = mbar_type_width(file->columns[column].field.type);
    int64_t group_rows = file->group_first[group + 1] - file->group_first[group];
    int64_t end, page_first, page_rows;
    *data = NULL;
    if (file->map == NULL || file->copy != NULL || n_rows == 0) {
        return MBAR_OK;
    }
    mbar_status status = mbar_parquet_checked_chunk(file, group, column, &chunk, error);
    if (status != MBAR_OK || !is_plain(&chunk)) {
        return status;
    }
    carquet_offset_index_t *places =
        carquet_reader_get_offset_index(file->reader, group, column, &library);
    bool found = places != NULL &&
                 find_page(places, group_rows, first, n_rows, &end, &page_first, &page_rows);
    carquet_offset_index_free(places);
    if (!found || end > file->size || page_rows > end / (int64_t)width) {
        return MBAR_OK;
    }
    const uint8_t *values = file->map + end - page_rows * (int64_t)width;
    if ((uintptr_t)values % width != 0) {
        return MBAR_OK;
    }
    status = open_unchecked(file, error);
    if (status != MBAR_OK) {
        return status;
    }
    const uint8_t *last = values + (size_t)(page_rows - 1) * width;
    if (row_agrees(file, group, column, page_first, values, width) &&
        row_agrees(file, group, column, page_first + page_rows - 1, last, width)) {
        *data = values + (size_t)(first - page_first) * width;
    }
    return MBAR_OK;
}
