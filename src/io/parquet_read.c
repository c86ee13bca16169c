/*
 * parquet_read.c - rows of a file into a table.
 *
 * A read is cut into tasks, one a (row group, column), which threads take in
 * any order. Fixed-width values are decoded straight into their place in the
 * final buffer; what must be converted goes through a small scratch block; text
 * is gathered (parquet_text.c). A part of a row group is reached by skipping:
 * whole pages are stepped over by their headers alone, so a slice decodes only
 * the pages that hold it, page index or none.
 *
 * Where the rows are one mapped, uncompressed, plain page of a column without
 * nulls, nothing is decoded: the column points into the map and keeps the file
 * open.
 *
 * Bits (validity, booleans) of two parts can share a byte, so they are set with
 * atomic or. Results do not depend on the number of threads.
 */
#include "parquet_internal.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/threads.h"
#include "table/buffer.h"

#include <assert.h>
#include <string.h>

#define SCRATCH_ROWS 16384
#define DIRECT_ROWS ((int64_t)1 << 20)
/* Below this many values, starting threads costs more than it gains. */
#define THREAD_VALUES 1000000

/* One column of the result. */
typedef struct output {
    int32_t column;
    mbar_buffer *data, *validity;
    uint8_t *bytes, *valid; /* of the two buffers */
    mbar_parquet_text *text;
    mbar_column *done; /* mapped columns are finished at once */
} output;

typedef struct read_job {
    mbar_parquet *file;
    output *outputs;
    int32_t n_outputs;
    mbar_parquet_part *parts;
    int32_t n_parts;
    int64_t n_rows;
} read_job;

/* What a task needs beside the result. */
typedef struct scratch {
    void *values;
    int16_t *levels;
} scratch;

/* ---- Bits ------------------------------------------------------------------- */

static void or_byte(uint8_t *byte, uint8_t bits)
{
    if (bits != 0) {
        __atomic_fetch_or(byte, bits, __ATOMIC_RELAXED);
    }
}

/* Sets bit first + i for each i below n whose flag is not zero. */
static void set_bits(uint8_t *bits, int64_t first, const uint8_t *flags, int64_t n)
{
    int64_t i = 0;
    while (i < n) {
        int64_t bit = first + i;
        uint8_t byte = 0;
        int shift = (int)(bit & 7);
        for (; shift < 8 && i < n; shift++, i++) {
            byte = (uint8_t)(byte | (flags[i] != 0) << shift);
        }
        or_byte(&bits[bit >> 3], byte);
    }
}

static int64_t count_valid(const int16_t *levels, int64_t n)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        count += levels[i] == 1;
    }
    return count;
}

static void set_valid_bits(uint8_t *bits, int64_t first, const int16_t *levels, int64_t n)
{
    int64_t i = 0;
    while (i < n) {
        int64_t bit = first + i;
        uint8_t byte = 0;
        int shift = (int)(bit & 7);
        for (; shift < 8 && i < n; shift++, i++) {
            byte = (uint8_t)(byte | (levels[i] == 1) << shift);
        }
        or_byte(&bits[bit >> 3], byte);
    }
}

/* Sets n bits from first on. */
static void set_all_bits(uint8_t *bits, int64_t first, int64_t n)
{
    static const int16_t ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    int64_t before = first % 8 == 0 ? 0 : 8 - first % 8;
    before = before < n ? before : n;
    set_valid_bits(bits, first, ones, before);
    first += before;
    n -= before;
    /* Whole bytes are of this part alone. */
    memset(bits + first / 8, 0xFF, (size_t)(n / 8));
    set_valid_bits(bits, first + n / 8 * 8, ones, n % 8);
}

/* Moves the n_valid values at the front of n rows to their rows; nulls become
 * zero. Back to front, in place. */
static void spread(uint8_t *values, size_t width, const int16_t *levels, int64_t n, int64_t n_valid)
{
    int64_t from = n_valid;
    for (int64_t row = n - 1; row >= 0 && from <= row; row--) {
        uint8_t *to = values + (size_t)row * width;
        if (levels[row] == 1) {
            from--;
            memmove(to, values + (size_t)from * width, width);
        } else {
            memset(to, 0, width);
        }
    }
}

/* ---- Conversions -------------------------------------------------------------- */

/* 2440588 is the Julian day of 1970-01-01. false: outside int64 nanoseconds. */
static bool int96_ns(const uint8_t *stored, int64_t *ns)
{
    int64_t of_day, days;
    uint32_t julian;
    memcpy(&of_day, stored, 8);
    memcpy(&julian, stored + 8, 4);
    days = (int64_t)(int32_t)julian - 2440588;
    return mbar_mul_i64(days, MBAR_DAY_NS, &days) && mbar_add_i64(days, of_day, ns);
}

/* Converts n present values; returns the first that does not fit, or -1. */
static int64_t convert(mbar_parquet_kind kind, const void *stored, int64_t n, int64_t *out)
{
    const uint32_t *narrow = stored;
    const int32_t *days = stored;
    const int64_t *wide = stored;
    for (int64_t i = 0; i < n; i++) {
        switch (kind) {
        case MBAR_PARQUET_UINT32:
            out[i] = (int64_t)narrow[i];
            break;
        case MBAR_PARQUET_DATE:
            out[i] = (int64_t)days[i] * 86400;
            break;
        case MBAR_PARQUET_MS_S:
            if (wide[i] % 1000 != 0) {
                return i;
            }
            out[i] = wide[i] / 1000;
            break;
        default:
            if (!int96_ns((const uint8_t *)stored + 12 * i, &out[i])) {
                return i;
            }
        }
    }
    return -1;
}

/* ---- One task -------------------------------------------------------------------- */

static bool is_direct(const mbar_parquet_column *column)
{
    return column->kind == MBAR_PARQUET_WIDTH4 || column->kind == MBAR_PARQUET_WIDTH8;
}

/* Whole pages at a time, where no scratch has to hold their values. */
static int64_t rows_at_once(const mbar_parquet_column *column)
{
    return is_direct(column) ? DIRECT_ROWS : SCRATCH_ROWS;
}

static mbar_status place_error(const read_job *job, const output *out,
                               const mbar_parquet_part *part, mbar_status status, const char *what,
                               mbar_error *error)
{
    mbar_error_set(error, status, "column '%s', row group %d: %s",
                   job->file->columns[out->column].field.name, (int)part->group, what);
    mbar_error_in_file(error, job->file->source->name);
    return status;
}

static mbar_status store_text(const read_job *job, output *out, int32_t part_index, void *values,
                              const int16_t *levels, int64_t n, int64_t n_valid, mbar_error *error)
{
    mbar_status status =
        mbar_parquet_text_add(out->text, part_index, values, n_valid, levels, n, error);
    if (status != MBAR_FORMAT) {
        return status;
    }
    const mbar_parquet_part *part = &job->parts[part_index];
    return job->file->columns[out->column].annotated
               ? place_error(job, out, part, status, "a text value is not UTF-8", error)
               : place_error(job, out, part, MBAR_UNSUPPORTED,
                             "it holds binary data, which is not supported; leave the column out",
                             error);
}

/* Puts n rows that were just read to their place. values is the scratch, or for
 * direct kinds the place itself. */
static mbar_status store(const read_job *job, output *out, int32_t part_index, int64_t row,
                         void *values, const int16_t *levels, int64_t n, mbar_error *error)
{
    const mbar_parquet_part *part = &job->parts[part_index];
    const mbar_parquet_column *column = &job->file->columns[out->column];
    int64_t n_valid = levels != NULL ? count_valid(levels, n) : n;
    if (out->valid != NULL && n_valid == n) {
        set_all_bits(out->valid, row, n);
    } else if (out->valid != NULL) {
        set_valid_bits(out->valid, row, levels, n);
    }
    size_t width = mbar_type_width(column->field.type);
    switch (column->kind) {
    case MBAR_PARQUET_WIDTH4:
    case MBAR_PARQUET_WIDTH8:
        break;
    case MBAR_PARQUET_BOOL:
        if (n_valid < n) {
            spread(values, 1, levels, n, n_valid);
        }
        set_bits(out->bytes, row, values, n);
        return MBAR_OK;
    case MBAR_PARQUET_TEXT:
        return store_text(job, out, part_index, values, levels, n, n_valid, error);
    default: {
        int64_t *to = (int64_t *)out->bytes + row;
        if (convert(column->kind, values, n_valid, to) >= 0) {
            return place_error(job, out, part, MBAR_INVALID,
                               "a timestamp does not fit the column's unit", error);
        }
        values = to;
    }
    }
    if (n_valid < n) {
        spread(values, width, levels, n, n_valid);
    }
    return MBAR_OK;
}

static mbar_status decode_part(const read_job *job, output *out, int32_t part_index,
                               carquet_column_reader_t *reader, scratch *space, mbar_error *error)
{
    const mbar_parquet_part *part = &job->parts[part_index];
    const mbar_parquet_column *column = &job->file->columns[out->column];
    carquet_error_t library = CARQUET_ERROR_INIT;
    bool direct = is_direct(column);
    int64_t most = rows_at_once(column);
    if (part->first > 0 && carquet_column_skip(reader, part->first) != part->first) {
        return job->file->stream.error.code != MBAR_OK || mbar_parquet_watched()->failed
                   ? mbar_parquet_fail(job->file, part->group, out->column, &library, error)
                   : place_error(job, out, part, MBAR_FORMAT, "its pages end before its rows do",
                                 error);
    }
    for (int64_t done = 0; done < part->n_rows;) {
        int64_t row = part->to_row + done;
        int64_t n = part->n_rows - done < most ? part->n_rows - done : most;
        void *values =
            direct ? out->bytes + (size_t)row * mbar_type_width(column->field.type) : space->values;
        int64_t got =
            carquet_column_read_batch_ex(reader, values, n, space->levels, NULL, &library);
        if (got < 0 || library.code != CARQUET_OK) {
            return mbar_parquet_fail(job->file, part->group, out->column, &library, error);
        }
        if (got == 0 || got > n) {
            return place_error(job, out, part, MBAR_FORMAT, "its pages end before its rows do",
                               error);
        }
        mbar_status status = store(job, out, part_index, row, values, space->levels, got, error);
        if (status != MBAR_OK) {
            return status;
        }
        done += got;
    }
    return MBAR_OK;
}

static size_t scratch_width(const mbar_parquet_column *column)
{
    switch (column->kind) {
    case MBAR_PARQUET_BOOL:
        return 1;
    case MBAR_PARQUET_UINT32:
    case MBAR_PARQUET_DATE:
        return 4;
    case MBAR_PARQUET_MS_S:
        return 8;
    case MBAR_PARQUET_INT96:
        return 12;
    case MBAR_PARQUET_TEXT:
        return sizeof(carquet_byte_array_t);
    default:
        return 0;
    }
}

/* Decodes one part of one column. */
static mbar_status run_part(read_job *job, output *out, int32_t part_index, mbar_error *error)
{
    const mbar_parquet_part *part = &job->parts[part_index];
    const mbar_parquet_column *column = &job->file->columns[out->column];
    carquet_error_t library = CARQUET_ERROR_INIT;
    scratch space = {0};
    mbar_status status = MBAR_OK;
    carquet_column_reader_t *reader =
        carquet_reader_get_column(job->file->reader, part->group, out->column, &library);
    if (reader == NULL) {
        return mbar_parquet_fail(job->file, part->group, out->column, &library, error);
    }
    if (scratch_width(column) > 0) {
        space.values = mbar_alloc_array(SCRATCH_ROWS, scratch_width(column), error);
        status = space.values == NULL ? MBAR_NOMEM : MBAR_OK;
    }
    if (status == MBAR_OK && column->optional) {
        int64_t most = rows_at_once(column);
        size_t n_levels = (size_t)(part->n_rows < most ? part->n_rows : most);
        space.levels = mbar_alloc_uninit(n_levels * sizeof(int16_t), error);
        status = space.levels == NULL ? MBAR_NOMEM : MBAR_OK;
    }
    if (status == MBAR_OK) {
        status = decode_part(job, out, part_index, reader, &space, error);
    }
    mbar_free(space.values);
    mbar_free(space.levels);
    carquet_column_reader_free(reader);
    return status;
}

static mbar_status run_task(void *ctx, int64_t index, mbar_error *error)
{
    read_job *job = ctx;
    output *out = &job->outputs[index % job->n_outputs];
    if (out->done != NULL) {
        return MBAR_OK;
    }
    mbar_parquet_watch watch;
    mbar_parquet_watch_begin(&watch, SIZE_MAX);
    mbar_status status = run_part(job, out, (int32_t)(index / job->n_outputs), error);
    mbar_parquet_watch_end(&watch, true);
    mbar_error_in_file(status == MBAR_OK ? NULL : error, job->file->source->name);
    return status;
}

/* ---- Preparing ---------------------------------------------------------------------- */

/* Row groups that hold rows [first, first + n_rows), as parts. */
static mbar_status cut_parts(read_job *job, int64_t first, mbar_error *error)
{
    const mbar_parquet *file = job->file;
    job->parts = mbar_alloc_array((size_t)file->n_groups + 1, sizeof *job->parts, error);
    if (job->parts == NULL) {
        return MBAR_NOMEM;
    }
    int64_t end = first + job->n_rows;
    for (int32_t g = 0; g < file->n_groups; g++) {
        int64_t low = file->group_first[g] > first ? file->group_first[g] : first;
        int64_t high = file->group_first[g + 1] < end ? file->group_first[g + 1] : end;
        if (low < high) {
            job->parts[job->n_parts++] = (mbar_parquet_part){.group = g,
                                                             .first = low - file->group_first[g],
                                                             .n_rows = high - low,
                                                             .to_row = low - first};
        }
    }
    return MBAR_OK;
}

/* A chunk that claims far more rows than its bytes commonly hold must show
 * pages for them before memory is set aside. */
static mbar_status check_claim(const read_job *job, const output *out,
                               const mbar_parquet_part *part,
                               const carquet_column_chunk_metadata_t *chunk, mbar_error *error)
{
    int64_t rows = job->file->group_first[part->group + 1] - job->file->group_first[part->group];
    if (chunk->num_values != rows) {
        return place_error(job, out, part, MBAR_FORMAT,
                           "it counts another number of values than the row group has rows", error);
    }
    if (part->n_rows / 64 < chunk->total_compressed_size + (1 << 18)) {
        return MBAR_OK;
    }
    carquet_error_t library = CARQUET_ERROR_INIT;
    carquet_column_reader_t *reader =
        carquet_reader_get_column(job->file->reader, part->group, out->column, &library);
    if (reader == NULL) {
        return mbar_parquet_fail(job->file, part->group, out->column, &library, error);
    }
    int64_t skipped = carquet_column_skip(reader, rows);
    carquet_column_reader_free(reader);
    return skipped == rows ? MBAR_OK
                           : place_error(job, out, part, MBAR_FORMAT,
                                         "its pages hold fewer values than it counts", error);
}

static mbar_status check_chunks(const read_job *job, mbar_read_stats *stats, mbar_error *error)
{
    for (int32_t p = 0; p < job->n_parts; p++) {
        for (int32_t c = 0; c < job->n_outputs; c++) {
            carquet_column_chunk_metadata_t chunk;
            const output *out = &job->outputs[c];
            mbar_status status = mbar_parquet_checked_chunk(job->file, job->parts[p].group,
                                                            out->column, &chunk, error);
            if (status == MBAR_OK) {
                status = check_claim(job, out, &job->parts[p], &chunk, error);
            }
            if (status != MBAR_OK) {
                return status;
            }
            int64_t rows = chunk.num_values > 0 ? chunk.num_values : 1;
            if (job->parts[p].n_rows == chunk.num_values) {
                stats->bytes_read += chunk.total_compressed_size;
            } else {
                stats->bytes_read += (int64_t)((double)chunk.total_compressed_size *
                                               (double)job->parts[p].n_rows / (double)rows);
            }
        }
    }
    return MBAR_OK;
}

static void release_mapped(void *owner)
{
    mbar_parquet_unref(owner);
}

/* The column as a view into the map; *done stays NULL where it cannot be. */
static mbar_status try_mapped(read_job *job, output *out, mbar_error *error)
{
    const mbar_parquet_column *column = &job->file->columns[out->column];
    const mbar_parquet_part *part = &job->parts[0];
    const void *data = NULL;
    if (job->n_parts != 1 || !is_direct(column) || column->optional) {
        return MBAR_OK;
    }
    mbar_status status = mbar_parquet_mapped(job->file, part->group, out->column, part->first,
                                             part->n_rows, &data, error);
    if (status != MBAR_OK || data == NULL) {
        return status;
    }
    mbar_parquet_ref(job->file);
    status = mbar_buffer_wrap(data, (size_t)part->n_rows * mbar_type_width(column->field.type),
                              release_mapped, job->file, &out->data, error);
    if (status != MBAR_OK) {
        mbar_parquet_unref(job->file);
        return status;
    }
    return mbar_column_new(&column->field, job->n_rows, out->data, NULL, 0, &out->done, error);
}

static mbar_status prepare_output(read_job *job, output *out, mbar_error *error)
{
    const mbar_parquet_column *column = &job->file->columns[out->column];
    mbar_status status = try_mapped(job, out, error);
    if (status != MBAR_OK || out->done != NULL) {
        return status;
    }
    size_t n_bytes = 0;
    size_t bitmap_bytes = (size_t)(job->n_rows / 8 + 1);
    if (column->optional) {
        status = mbar_buffer_new(bitmap_bytes, &out->validity, error);
        if (status != MBAR_OK) {
            return status;
        }
        out->valid = mbar_buffer_writable(out->validity);
    }
    if (column->kind == MBAR_PARQUET_TEXT) {
        return mbar_parquet_text_new(job->n_parts, column->field.type == MBAR_TYPE_DICT, &out->text,
                                     error);
    }
    if (column->kind == MBAR_PARQUET_BOOL) {
        status = mbar_buffer_new(bitmap_bytes, &out->data, error);
    } else if (!mbar_mul_size((size_t)job->n_rows, mbar_type_width(column->field.type), &n_bytes)) {
        status = mbar_error_set(error, MBAR_NOMEM, "column '%s' is too large to hold",
                                column->field.name);
    } else {
        status = mbar_buffer_new_uninit(n_bytes, &out->data, error);
    }
    if (status == MBAR_OK) {
        out->bytes = mbar_buffer_writable(out->data);
    }
    return status;
}

static mbar_status finish_output(const read_job *job, output *out, mbar_error *error)
{
    const mbar_parquet_column *column = &job->file->columns[out->column];
    if (out->done != NULL) {
        return MBAR_OK;
    }
    int64_t n_nulls = column->optional ? -1 : 0;
    if (column->kind != MBAR_PARQUET_TEXT) {
        return mbar_column_new(&column->field, job->n_rows, out->data, out->validity, n_nulls,
                               &out->done, error);
    }
    return mbar_parquet_text_finish(out->text, &column->field, job->n_rows, out->validity,
                                    &out->done, error);
}

/* ---- The read --------------------------------------------------------------------------- */

static mbar_status choose_columns(read_job *job, const int32_t *columns, int32_t n_columns,
                                  mbar_error *error)
{
    mbar_parquet *file = job->file;
    int32_t most = n_columns > 0 ? n_columns : file->n_columns;
    job->outputs = mbar_alloc_array((size_t)most + 1, sizeof *job->outputs, error);
    if (job->outputs == NULL) {
        return MBAR_NOMEM;
    }
    for (int32_t i = 0; i < most; i++) {
        int32_t column = n_columns > 0 ? columns[i] : i;
        assert(column >= 0 && column < file->n_columns);
        if (file->columns[column].kind != MBAR_PARQUET_UNSUPPORTED) {
            job->outputs[job->n_outputs++].column = column;
        } else if (n_columns > 0) {
            return mbar_error_set(error, MBAR_UNSUPPORTED,
                                  "column '%s' has type %s, which is not supported; leave the "
                                  "column out",
                                  file->columns[column].field.name, file->columns[column].why);
        }
    }
    return MBAR_OK;
}

static mbar_status run_job(read_job *job, int64_t first, int32_t n_threads, mbar_read_stats *stats,
                           mbar_error *error)
{
    mbar_status status = cut_parts(job, first, error);
    if (status == MBAR_OK) {
        status = check_chunks(job, stats, error);
    }
    for (int32_t c = 0; c < job->n_outputs && status == MBAR_OK; c++) {
        status = prepare_output(job, &job->outputs[c], error);
    }
    if (status != MBAR_OK) {
        return status;
    }
    int64_t n_tasks = (int64_t)job->n_parts * job->n_outputs;
    if (n_threads <= 0) {
        n_threads = mbar_cpu_count();
    }
    if (job->file->map == NULL || job->n_rows * job->n_outputs < THREAD_VALUES) {
        n_threads = 1;
    }
    status = mbar_parallel_for(n_tasks, n_threads, run_task, job, error);
    for (int32_t c = 0; c < job->n_outputs && status == MBAR_OK; c++) {
        status = finish_output(job, &job->outputs[c], error);
    }
    return status;
}

static mbar_status make_table(const read_job *job, mbar_table **out, mbar_error *error)
{
    mbar_column **columns =
        mbar_alloc_array((size_t)job->n_outputs + 1, sizeof(mbar_column *), error);
    if (columns == NULL) {
        return MBAR_NOMEM;
    }
    for (int32_t c = 0; c < job->n_outputs; c++) {
        columns[c] = job->outputs[c].done;
    }
    mbar_status status = mbar_table_new(columns, job->n_outputs, out, error);
    mbar_free(columns);
    return status;
}

static void job_free(read_job *job)
{
    for (int32_t c = 0; c < job->n_outputs; c++) {
        mbar_buffer_unref(job->outputs[c].data);
        mbar_buffer_unref(job->outputs[c].validity);
        mbar_parquet_text_free(job->outputs[c].text);
        mbar_column_unref(job->outputs[c].done);
    }
    mbar_free(job->outputs);
    mbar_free(job->parts);
}

static void add_present(const mbar_parquet *file, mbar_read_stats *stats)
{
    stats->rows_present += mbar_parquet_rows(file);
    stats->bytes_present += file->size;
    stats->files_present += 1;
    stats->row_groups_present += file->n_groups;
}

mbar_status mbar_parquet_read(mbar_parquet *file, const int32_t *columns, int32_t n_columns,
                              int64_t first, int64_t n_rows, int32_t n_threads, mbar_table **out,
                              mbar_read_stats *stats, mbar_error *error)
{
    assert(file != NULL && out != NULL && n_columns >= 0);
    int64_t rows = mbar_parquet_rows(file);
    if (first < 0 || n_rows < 0 || first > rows || n_rows > rows - first) {
        mbar_error_set(error, MBAR_INVALID, "rows %lld to %lld are not inside the file's %lld",
                       (long long)first, (long long)first + n_rows, (long long)rows);
        return mbar_error_in_file(error, file->source->name), MBAR_INVALID;
    }
    read_job job = {.file = file, .n_rows = n_rows};
    mbar_read_stats read = {0};
    mbar_table *table = NULL;
    const mbar_source_ops *ops = file->source->ops;
    /* A read that failed may be tried again. */
    mbar_error_init(&file->stream.error);
    mbar_status status = ops->check != NULL ? ops->check(file->source, error) : MBAR_OK;
    if (status == MBAR_OK) {
        status = choose_columns(&job, columns, n_columns, error);
    }
    if (status == MBAR_OK) {
        status = run_job(&job, first, n_threads, &read, error);
    }
    if (status == MBAR_OK && ops->check != NULL) {
        status = ops->check(file->source, error);
    }
    if (status == MBAR_OK) {
        status = make_table(&job, &table, error);
    }
    if (status == MBAR_OK && stats != NULL) {
        add_present(file, stats);
        stats->rows_read += n_rows;
        stats->bytes_read += read.bytes_read;
        stats->files_read += n_rows > 0;
        stats->row_groups_read += job.n_parts;
    }
    job_free(&job);
    mbar_error_in_file(status == MBAR_OK ? NULL : error, file->source->name);
    if (status == MBAR_OK) {
        *out = table;
    }
    return status;
}
