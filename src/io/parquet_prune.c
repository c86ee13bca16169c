/*
 * parquet_prune.c - which rows of a file a question can concern.
 *
 * Row groups are ruled out by their statistics, then pages by the page index.
 * Statistics are the file's claims; one that is missing, of the wrong width or
 * of a type without an order rules nothing out, and an index whose pages do
 * not fit its row group is not used.
 */
#include "parquet_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

bool mbar_parquet_stat_int(const mbar_parquet_column *column, const void *value, int32_t n_bytes,
                           int64_t *out)
{
    int64_t wide;
    int32_t narrow;
    if (value == NULL) {
        return false;
    }
    if (column->physical == CARQUET_PHYSICAL_INT32 && n_bytes == 4) {
        memcpy(&narrow, value, 4);
        *out = column->kind == MBAR_PARQUET_UINT32 ? (int64_t)(uint32_t)narrow
               : column->kind == MBAR_PARQUET_DATE ? (int64_t)narrow * 86400
                                                   : (int64_t)narrow;
        return true;
    }
    if (column->physical == CARQUET_PHYSICAL_INT64 && n_bytes == 8) {
        memcpy(&wide, value, 8);
        *out = column->kind == MBAR_PARQUET_MS_S ? wide / 1000 : wide;
        return !column->unsigned64 || wide >= 0;
    }
    return false;
}

typedef struct range_list {
    mbar_window *ranges;
    int32_t n, max;
} range_list;

/* Adds a range that lies after all there are. */
static void add_range(range_list *list, int64_t first, int64_t n_rows)
{
    if (n_rows <= 0) {
        return;
    }
    mbar_window *last = list->n > 0 ? &list->ranges[list->n - 1] : NULL;
    if (last != NULL && (last->first + last->n_rows == first || list->n == list->max)) {
        last->n_rows = first + n_rows - last->first;
    } else {
        list->ranges[list->n++] = (mbar_window){first, n_rows};
    }
}

/* Whether [low, high] of the statistics misses [lo, hi]. Either bound alone can
 * rule out, except for unsigned types: old writers ordered those as signed, and
 * then the pair shows it by being out of order or out of range. */
static bool misses(const mbar_parquet_column *column, const void *low, int32_t low_bytes,
                   const void *high, int32_t high_bytes, int64_t lo, int64_t hi)
{
    int64_t min = 0, max = 0;
    bool has_min = mbar_parquet_stat_int(column, low, low_bytes, &min);
    bool has_max = mbar_parquet_stat_int(column, high, high_bytes, &max);
    bool is_unsigned = column->unsigned64 || column->kind == MBAR_PARQUET_UINT32;
    if ((is_unsigned && !(has_min && has_max)) || (has_min && has_max && min > max)) {
        return false;
    }
    return (has_min && min > hi) || (has_max && max < lo);
}

static bool group_misses(const mbar_parquet *file, int32_t group, int32_t column, int64_t lo,
                         int64_t hi)
{
    carquet_column_statistics_t stats = {0};
    if (carquet_reader_column_statistics(file->reader, group, column, &stats) != CARQUET_OK) {
        return false;
    }
    int64_t rows = file->group_first[group + 1] - file->group_first[group];
    if (stats.has_null_count && stats.null_count == rows && file->columns[column].optional) {
        return true;
    }
    return stats.has_min_max &&
           misses(&file->columns[column], stats.min_value, stats.min_value_size, stats.max_value,
                  stats.max_value_size, lo, hi);
}

/* First row of page i within its group; the group's end for i == n. */
static int64_t page_start(const carquet_offset_index_t *places, int32_t i, int32_t n,
                          int64_t group_rows)
{
    carquet_page_location_t place = {0};
    if (i >= n) {
        return group_rows;
    }
    if (carquet_offset_index_get_page_location(places, i, &place) != CARQUET_OK) {
        return -1;
    }
    return place.first_row_index;
}

static bool places_fit(const carquet_offset_index_t *places, int32_t n, int64_t group_rows)
{
    if (n < 1 || page_start(places, 0, n, group_rows) != 0) {
        return false;
    }
    for (int32_t i = 0; i < n; i++) {
        if (page_start(places, i + 1, n, group_rows) <= page_start(places, i, n, group_rows)) {
            return false;
        }
    }
    return true;
}

static bool page_misses(const mbar_parquet_column *column, const carquet_column_index_t *index,
                        int32_t i, int64_t lo, int64_t hi)
{
    carquet_page_stats_t stats = {0};
    if (carquet_column_index_get_page_stats(index, i, &stats) != CARQUET_OK) {
        return false;
    }
    if (stats.is_null_page) {
        return column->optional;
    }
    return misses(column, stats.min_value, stats.min_value_size, stats.max_value,
                  stats.max_value_size, lo, hi);
}

/* Adds the group's rows by its page index; false where there is none to use. */
static bool add_pages(mbar_parquet *file, int32_t group, int32_t column, int64_t lo, int64_t hi,
                      range_list *list, mbar_read_stats *stats)
{
    carquet_error_t library = CARQUET_ERROR_INIT;
    int64_t first = file->group_first[group];
    int64_t rows = file->group_first[group + 1] - first;
    carquet_offset_index_t *places =
        carquet_reader_get_offset_index(file->reader, group, column, &library);
    carquet_column_index_t *index =
        places != NULL ? carquet_reader_get_column_index(file->reader, group, column, &library)
                       : NULL;
    int32_t n = places != NULL ? carquet_offset_index_num_pages(places) : 0;
    bool usable =
        index != NULL && carquet_column_index_num_pages(index) == n && places_fit(places, n, rows);
    for (int32_t i = 0; usable && i < n; i++) {
        int64_t start = page_start(places, i, n, rows);
        stats->pages_present++;
        if (!page_misses(&file->columns[column], index, i, lo, hi)) {
            stats->pages_read++;
            add_range(list, first + start, page_start(places, i + 1, n, rows) - start);
        }
    }
    carquet_column_index_free(index);
    carquet_offset_index_free(places);
    return usable;
}

mbar_status mbar_parquet_prune(mbar_parquet *file, int32_t column, int64_t lo, int64_t hi,
                               mbar_window *ranges, int32_t max_ranges, int32_t *n_ranges,
                               mbar_read_stats *stats, mbar_error *error)
{
    assert(column >= 0 && column < file->n_columns);
    assert(ranges != NULL && max_ranges >= 1 && n_ranges != NULL);
    const mbar_parquet_column *col = &file->columns[column];
    if (col->kind == MBAR_PARQUET_UNSUPPORTED ||
        (col->field.type != MBAR_TYPE_INT32 && col->field.type != MBAR_TYPE_INT64 &&
         col->field.type != MBAR_TYPE_UINT64 && col->field.type != MBAR_TYPE_TIMESTAMP)) {
        mbar_error_set(error, MBAR_INVALID,
                       "column '%s' is neither an integer nor a timestamp column", col->field.name);
        return mbar_error_in_file(error, file->source->name), MBAR_INVALID;
    }
    mbar_error_init(&file->stream.error);
    range_list list = {ranges, 0, max_ranges};
    mbar_read_stats pages = {0};
    for (int32_t g = 0; g < file->n_groups && lo <= hi; g++) {
        int64_t first = file->group_first[g];
        int64_t rows = file->group_first[g + 1] - first;
        if (rows == 0 || group_misses(file, g, column, lo, hi)) {
            continue;
        }
        if (!add_pages(file, g, column, lo, hi, &list, &pages)) {
            add_range(&list, first, rows);
        }
    }
    if (file->stream.error.code != MBAR_OK) {
        carquet_error_t none = CARQUET_ERROR_INIT;
        return mbar_parquet_fail(file, -1, -1, &none, error);
    }
    if (stats != NULL) {
        stats->pages_present += pages.pages_present;
        stats->pages_read += pages.pages_read;
    }
    *n_ranges = list.n;
    return MBAR_OK;
}
