/*
 * carquet_page.c - whole pages of numbers, decoded where the caller wants them.
 *
 * Takes the place of carquet_read_next_page of carquet 0.7.2 (Carquet.cmake gives the
 * original another name). The original decodes every page into a buffer of its own and
 * copies the values out, and looks up those of a dictionary in passes over a third buffer.
 * Here a page that is read from its first value to its last goes straight into the caller's
 * values: a plain one is decompressed there, one of deltas summed up there (carquet_delta.c),
 * and the indices of a dictionary are unpacked, checked and looked up in one pass
 * (carquet_rle.c).
 *
 * Only what is common is done here: a mapped file, a page of the first version, numbers of
 * four or eight bytes, all of them present. Everything else, and every page in which anything is
 * wrong, goes through the original, which tells what it is; nothing has changed for it by
 * then but the caller's values, which it writes itself, and room that it would have made
 * too. The one error told here is that there was no memory.
 *
 * Between calls a page that was read here is as one stepped over by carquet_column_skip:
 * none is loaded, and current_page is where the next begins.
 */
#include "carquet_page.h"
#include "core/allocator.h"
#include "core/endian.h"
#include "reader/reader_internal.h"
#include "thrift/parquet_types.h"

#include <string.h>

#define MOST_PAGE_BYTES (256 << 20) /* as the original's */

carquet_status_t carquet_read_next_page_by_copy(carquet_column_reader_t *reader, void *values,
                                                int64_t max_values, int16_t *def_levels,
                                                int16_t *rep_levels, int64_t *values_read,
                                                carquet_error_t *error);
carquet_status_t carquet_decompress_page(carquet_compression_t codec, const uint8_t *compressed,
                                         size_t compressed_size, uint8_t *decompressed,
                                         size_t decompressed_capacity, size_t *decompressed_size);
void carquet_dispatch_fill_def_levels(int16_t *def_levels, int64_t count, int16_t value);
uint32_t carquet_crc32(const uint8_t *data, size_t length);

typedef struct whole_page {
    parquet_page_header_t header;
    const uint8_t *body; /* header.compressed_page_size bytes of the file */
    size_t header_bytes;
    int32_t n_values;
} whole_page;

static size_t value_bytes(const carquet_column_reader_t *reader)
{
    switch (reader->type) {
    case CARQUET_PHYSICAL_INT32:
    case CARQUET_PHYSICAL_FLOAT:
        return 4;
    case CARQUET_PHYSICAL_INT64:
    case CARQUET_PHYSICAL_DOUBLE:
        return 8;
    default:
        return 0;
    }
}

/* Columns whose pages may be read here; the next value is the first of a page. */
static bool may_read(carquet_column_reader_t *reader, const int16_t *def_levels)
{
    if (!CARQUET_LITTLE_ENDIAN || reader->file_reader->mmap_data == NULL ||
        reader->max_def_level > (def_levels != NULL) || reader->max_rep_level > 0 ||
        reader->preserve_dictionary || value_bytes(reader) == 0) {
        return false;
    }
    if (reader->page_loaded) {
        if (reader->page_values_read < reader->page_num_values) {
            return false;
        }
        reader->current_page += (int64_t)reader->page_header_size + reader->page_compressed_size;
        reader->page_loaded = false;
    }
    return true;
}

/* The next page, its checksum verified; false where it is not all wanted, or not sound. */
static bool find_page(const carquet_column_reader_t *reader, int64_t max_values, whole_page *page)
{
    const carquet_reader_t *file = reader->file_reader;
    const parquet_page_header_t *header = &page->header;
    carquet_error_t ignored = CARQUET_ERROR_INIT;
    if (reader->data_start_offset < 0 || reader->current_page < 0 ||
        reader->data_start_offset > INT64_MAX - reader->current_page ||
        (uint64_t)(reader->data_start_offset + reader->current_page) >= file->file_size) {
        return false;
    }
    const uint8_t *at = file->mmap_data + reader->data_start_offset + reader->current_page;
    const size_t left = (size_t)(file->mmap_data + file->file_size - at);
    if (parquet_parse_page_header(at, left, &page->header, &page->header_bytes, &ignored) !=
            CARQUET_OK ||
        header->type != CARQUET_PAGE_DATA || header->compressed_page_size <= 0 ||
        header->compressed_page_size > MOST_PAGE_BYTES || header->uncompressed_page_size <= 0 ||
        header->uncompressed_page_size > MOST_PAGE_BYTES || page->header_bytes > left ||
        (size_t)header->compressed_page_size > left - page->header_bytes) {
        return false;
    }
    page->body = at + page->header_bytes;
    page->n_values = header->data_page_header.num_values;
    return page->n_values > 0 && page->n_values <= max_values &&
           page->n_values <= reader->values_remaining &&
           (!header->has_crc || !file->options.verify_checksums ||
            carquet_crc32(page->body, (size_t)header->compressed_page_size) ==
                (uint32_t)header->crc);
}

/* The page's bytes, decompressed into the reader's own room where they are compressed;
 * *body stays NULL where that fails. */
static carquet_status_t unpacked(carquet_column_reader_t *reader, const whole_page *page,
                                 const uint8_t **body, size_t *n_bytes, carquet_error_t *error)
{
    const carquet_compression_t codec = reader->col_meta->codec;
    const size_t wanted = (size_t)page->header.uncompressed_page_size;
    if (codec == CARQUET_COMPRESSION_UNCOMPRESSED) {
        *body = page->body;
        *n_bytes = (size_t)page->header.compressed_page_size;
        return CARQUET_OK;
    }
    if (wanted > reader->decompress_capacity) {
        uint8_t *larger = carquet_mem_realloc(reader->decompress_buffer, wanted);
        if (larger == NULL) {
            CARQUET_SET_ERROR(error, CARQUET_ERROR_OUT_OF_MEMORY, "no memory for a page");
            return CARQUET_ERROR_OUT_OF_MEMORY;
        }
        reader->decompress_buffer = larger;
        reader->decompress_capacity = wanted;
    }
    if (carquet_decompress_page(codec, page->body, (size_t)page->header.compressed_page_size,
                                reader->decompress_buffer, wanted, n_bytes) == CARQUET_OK) {
        *body = reader->decompress_buffer;
    }
    return CARQUET_OK;
}

/* Decompresses a page that is exactly its values to their place; whether it is one. What is
 * not compressed the original copies once too. */
static bool decompress_values(const carquet_column_reader_t *reader, const whole_page *page,
                              void *values)
{
    const size_t n_bytes = (size_t)page->n_values * value_bytes(reader);
    size_t got = 0;
    return reader->col_meta->codec != CARQUET_COMPRESSION_UNCOMPRESSED &&
           (size_t)page->header.uncompressed_page_size == n_bytes &&
           carquet_decompress_page(reader->col_meta->codec, page->body,
                                   (size_t)page->header.compressed_page_size, values, n_bytes,
                                   &got) == CARQUET_OK &&
           got == n_bytes;
}

/* Steps over the definition levels, their length in four bytes before them; false where not
 * all of them say that the value is there. */
static bool skip_levels(const whole_page *page, const uint8_t **body, size_t *n_bytes)
{
    if (page->header.data_page_header.definition_level_encoding != CARQUET_ENCODING_RLE ||
        *n_bytes < 4) {
        return false;
    }
    const size_t n_levels = carquet_read_u32_le(*body);
    if (n_levels > *n_bytes - 4 ||
        !mbar_carquet_all_ones(*body + 4, n_levels, (size_t)page->n_values)) {
        return false;
    }
    *body += 4 + n_levels;
    *n_bytes -= 4 + n_levels;
    return true;
}

/* Whether the page's values are now in place. */
static bool decode_body(const carquet_column_reader_t *reader, const whole_page *page,
                        const uint8_t *body, size_t n_bytes, void *values)
{
    const size_t n = (size_t)page->n_values, width = value_bytes(reader);
    switch (page->header.data_page_header.encoding) {
    case CARQUET_ENCODING_PLAIN:
        if (n_bytes < n * width) {
            return false;
        }
        memcpy(values, body, n * width);
        return true;
    case CARQUET_ENCODING_RLE_DICTIONARY:
    case CARQUET_ENCODING_PLAIN_DICTIONARY:
        return reader->has_dictionary && n_bytes > 0 &&
               mbar_carquet_look_up(body + 1, n_bytes - 1, body[0], reader->dictionary_data,
                                    (size_t)reader->dictionary_count, width, values, n);
    case CARQUET_ENCODING_DELTA_BINARY_PACKED:
        return reader->type == CARQUET_PHYSICAL_INT64 &&
               mbar_carquet_deltas(body, n_bytes, values, n);
    default:
        return false;
    }
}

/* Reads the next page where it can be; *done tells whether it was. */
static carquet_status_t read_whole(carquet_column_reader_t *reader, void *values,
                                   int64_t max_values, int16_t *def_levels, int64_t *values_read,
                                   bool *done, carquet_error_t *error)
{
    const bool has_levels = reader->max_def_level > 0;
    const uint8_t *body = NULL;
    size_t n_bytes = 0;
    whole_page page;
    if (!may_read(reader, def_levels)) {
        return CARQUET_OK;
    }
    carquet_status_t status = carquet_column_ensure_dictionary_loaded(reader, error);
    if (status != CARQUET_OK || !find_page(reader, max_values, &page)) {
        return status;
    }
    if (!has_levels && page.header.data_page_header.encoding == CARQUET_ENCODING_PLAIN) {
        *done = decompress_values(reader, &page, values);
    } else {
        status = unpacked(reader, &page, &body, &n_bytes, error);
        *done = body != NULL && (!has_levels || skip_levels(&page, &body, &n_bytes)) &&
                decode_body(reader, &page, body, n_bytes, values);
    }
    if (*done) {
        if (has_levels) {
            carquet_dispatch_fill_def_levels(def_levels, page.n_values, 1);
        }
        reader->current_page += (int64_t)page.header_bytes + page.header.compressed_page_size;
        reader->values_remaining -= page.n_values;
        *values_read = page.n_values;
    }
    return status;
}

carquet_status_t carquet_read_next_page(carquet_column_reader_t *reader, void *values,
                                        int64_t max_values, int16_t *def_levels,
                                        int16_t *rep_levels, int64_t *values_read,
                                        carquet_error_t *error)
{
    bool done = false;
    if (rep_levels == NULL) {
        carquet_status_t status =
            read_whole(reader, values, max_values, def_levels, values_read, &done, error);
        if (done || status != CARQUET_OK) {
            return status;
        }
    }
    return carquet_read_next_page_by_copy(reader, values, max_values, def_levels, rep_levels,
                                          values_read, error);
}
