/*
 * parquet_layout.c - where values lie in an uncompressed file.
 *
 * Values can be used where they are mapped only at an address their type may be
 * read from, and all of a column at once only where no page header stands in
 * between. So such a file has one row group, and most columns one page. Page
 * headers have whatever length their numbers give, which moves what follows
 * off the mark: the first column, and any other that would lie askew, has many
 * small pages instead, of a size chosen so that their headers together put the
 * next column right. That column is copied when read, and, being the time
 * column as a rule, gives the page index its use.
 *
 * Lengths follow from Thrift's compact protocol, as the library writes a page
 * header:
 *
 *     field                         bytes
 *     1 type                        2
 *     2, 3 sizes                    1 + varint each
 *     4 checksum                    1 + varint
 *     5 data page header            1
 *       1 values                    1 + varint
 *       2, 3, 4 encodings           2 each
 *       5 statistics                24 for 8-byte values, or none
 *     ends                          2
 *
 * Statistics thus never move anything. If the library comes to write other
 * headers, columns lie askew and reading copies them: slower, not wrong.
 *
 * Cost: the checksums of the columns; those of a column of small pages about
 * eight times over, until a size fits.
 */
#include "parquet_internal.h"

#include <zlib.h>

#define TRIES 100

/* Bytes of a zigzag varint. */
static int64_t varint_bytes(int32_t value)
{
    uint32_t bits = (uint32_t)value << 1 ^ (value < 0 ? UINT32_MAX : 0);
    int64_t n = 1;
    for (; bits >= 0x80; bits >>= 7) {
        n++;
    }
    return n;
}

/* Of the header of a page of n_rows values of 8 bytes, but for statistics. */
static int64_t header_bytes(const uint8_t *values, int64_t n_rows)
{
    size_t n_bytes = (size_t)n_rows * 8;
    int32_t crc = (int32_t)(uint32_t)crc32_z(0, values, n_bytes);
    return 2 + 2 * (1 + varint_bytes((int32_t)n_bytes)) + 1 + varint_bytes(crc) + 1 + 1 +
           varint_bytes((int32_t)n_rows) + 6 + 2;
}

/* Of all headers, with page_rows a page. */
static int64_t headers_bytes(const uint8_t *values, int64_t rows, int64_t page_rows)
{
    int64_t sum = 0;
    for (int64_t row = 0; row < rows; row += page_rows) {
        int64_t n = rows - row < page_rows ? rows - row : page_rows;
        sum += header_bytes(values + (size_t)row * 8, n);
    }
    return sum;
}

void mbar_parquet_plan_pages(const mbar_table *table, bool (*is_plain)(const mbar_column *),
                             int64_t page_rows, int64_t *rows_a_page)
{
    int64_t offset = 4; /* after "PAR1"; multiples of 8 are left out of it */
    int64_t rows = mbar_table_rows(table);
    for (int32_t c = 0; c < mbar_table_columns(table); c++) {
        const mbar_column *column = mbar_table_column(table, c);
        /* What follows a column of unknown length cannot be placed. */
        if (!is_plain(column) || mbar_type_width(mbar_column_field(column)->type) != 8) {
            return;
        }
        const uint8_t *values = mbar_column_values(column);
        int64_t headers = header_bytes(values, rows);
        for (int64_t try = 0; (offset + headers) % 8 != 0 && try < TRIES; try++) {
            rows_a_page[c] = page_rows - try;
            headers = headers_bytes(values, rows, rows_a_page[c]);
        }
        offset += headers;
    }
}
