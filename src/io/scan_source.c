/*
 * scan_source.c - one source of a scan, opened: its columns, and rows of them.
 *
 * A source is a Parquet file, Parquet bytes or a table. Folders named
 * key=value give a file dictionary columns of one value; a column of that name
 * in the file itself goes before the folder's.
 */
#include "io/scan_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

void mbar_scan_close_source(mbar_scan_opened *o)
{
    mbar_parquet_close(o->file);
    o->file = NULL;
}

mbar_status mbar_scan_open_source(const mbar_scan_source *source, mbar_scan_opened *out,
                                  mbar_error *error)
{
    *out = (mbar_scan_opened){.source = source};
    if (source->kind == MBAR_SCAN_TABLE) {
        return MBAR_OK;
    }
    mbar_source *bytes = NULL;
    mbar_status status =
        source->kind == MBAR_SCAN_FILE
            ? mbar_source_open_file(source->name, &bytes, error)
            : mbar_source_open_memory(source->data, source->n_bytes, source->name, &bytes, error);
    if (status != MBAR_OK) {
        return status;
    }
    status = mbar_parquet_open(bytes, &out->file, error);
    if (status != MBAR_OK) {
        mbar_source_close(bytes);
    }
    return status;
}

int32_t mbar_scan_file_column(const mbar_parquet *file, const char *name)
{
    for (int32_t c = 0; c < mbar_parquet_columns(file); c++) {
        if (strcmp(mbar_parquet_field(file, c, NULL)->name, name) == 0) {
            return c;
        }
    }
    return -1;
}

static const mbar_scan_hive *find_hive(const mbar_scan_source *source, const char *name)
{
    for (int32_t i = 0; i < source->n_hive; i++) {
        if (strcmp(source->hive[i].key, name) == 0) {
            return &source->hive[i];
        }
    }
    return NULL;
}

/* A dictionary column of one value, or of nulls. */
static mbar_status hive_column(const mbar_scan_hive *hive, int64_t n_rows, mbar_column **out,
                               mbar_error *error)
{
    bool is_null = hive->value == NULL;
    const char *value = is_null ? "" : hive->value;
    size_t length = strlen(value);
    mbar_buffer *offsets = NULL, *bytes = NULL, *codes = NULL, *valid = NULL;
    mbar_column *words = NULL;
    mbar_field field = {.name = hive->key, .type = MBAR_TYPE_UTF8};
    if (length > INT32_MAX) {
        return mbar_error_set(error, MBAR_INVALID, "a folder's name is too long");
    }
    mbar_status status = mbar_buffer_new(2 * sizeof(int32_t), &offsets, error);
    if (status == MBAR_OK) {
        status = mbar_buffer_new(length, &bytes, error);
    }
    if (status == MBAR_OK) {
        status = mbar_buffer_new((size_t)n_rows * sizeof(int32_t), &codes, error);
    }
    if (status == MBAR_OK && is_null) {
        status = mbar_buffer_new((size_t)n_rows / 8 + 1, &valid, error);
    }
    if (status == MBAR_OK) {
        ((int32_t *)mbar_buffer_writable(offsets))[1] = (int32_t)length;
        if (length > 0) {
            memcpy(mbar_buffer_writable(bytes), value, length);
        }
        status = mbar_column_new_utf8(&field, 1, offsets, bytes, NULL, 0, &words, error);
    }
    field.type = MBAR_TYPE_DICT;
    field.nullable = is_null;
    if (status == MBAR_OK) {
        status = mbar_column_new_dict(&field, n_rows, codes, words, valid, -1, out, error);
    }
    mbar_buffer_unref(offsets);
    mbar_buffer_unref(bytes);
    mbar_buffer_unref(codes);
    mbar_buffer_unref(valid);
    mbar_column_unref(words);
    return status;
}

int64_t mbar_scan_source_rows(const mbar_scan_opened *o)
{
    return o->file != NULL ? mbar_parquet_rows(o->file) : mbar_table_rows(o->source->table);
}

/* The table of `read` with the hive columns put to their places in names. */
static mbar_status with_hive(const mbar_scan_source *source, const char *const *names, int32_t n,
                             mbar_table *read, int64_t n_rows, mbar_table **out, mbar_error *error)
{
    mbar_column **columns = mbar_alloc_array((size_t)n + 1, sizeof *columns, error);
    mbar_status status = columns == NULL ? MBAR_NOMEM : MBAR_OK;
    for (int32_t i = 0, from = 0; i < n && status == MBAR_OK; i++) {
        if (from < mbar_table_columns(read) &&
            strcmp(mbar_column_field(mbar_table_column(read, from))->name, names[i]) == 0) {
            columns[i] = mbar_column_ref(mbar_table_column(read, from++));
        } else {
            status = hive_column(find_hive(source, names[i]), n_rows, &columns[i], error);
        }
    }
    if (status == MBAR_OK) {
        status = mbar_table_new(columns, n, out, error);
    }
    for (int32_t i = 0; i < n && columns != NULL; i++) {
        mbar_column_unref(columns[i]);
    }
    mbar_free(columns);
    return status;
}

static mbar_status no_column(const mbar_scan_source *source, const char *name, mbar_error *error)
{
    mbar_error_set(error, MBAR_NOTFOUND, "there is no column '%s'", name);
    return mbar_error_in_file(error, source->name), MBAR_NOTFOUND;
}

/* Rows of the named columns. */
mbar_status mbar_scan_read_columns(const mbar_scan_opened *o, const char *const *names, int32_t n,
                                   int64_t first, int64_t n_rows, int32_t n_threads,
                                   mbar_table **out, mbar_read_stats *stats, mbar_error *error)
{
    mbar_status status;
    if (o->file == NULL) {
        mbar_table *selected = NULL;
        status = mbar_table_select(o->source->table, names, n, &selected, error);
        if (status == MBAR_OK) {
            status = mbar_table_slice(selected, first, n_rows, out, error);
        }
        mbar_table_unref(selected);
        return status;
    }
    int32_t *columns = mbar_alloc_array((size_t)n + 1, sizeof *columns, error);
    mbar_table *read = NULL;
    int32_t n_columns = 0;
    if (columns == NULL) {
        return MBAR_NOMEM;
    }
    for (int32_t i = 0; i < n; i++) {
        int32_t c = mbar_scan_file_column(o->file, names[i]);
        if (c < 0 && find_hive(o->source, names[i]) == NULL) {
            mbar_free(columns);
            return no_column(o->source, names[i], error);
        }
        if (c >= 0) {
            columns[n_columns++] = c;
        }
    }
    if (n_columns == 0) { /* folders alone: any column tells nothing more */
        status = mbar_table_new(NULL, 0, &read, error);
    } else {
        status = mbar_parquet_read(o->file, columns, n_columns, first, n_rows, n_threads, &read,
                                   stats, error);
    }
    mbar_free(columns);
    if (status == MBAR_OK && n_columns == n) {
        *out = read;
        return MBAR_OK;
    }
    if (status == MBAR_OK) {
        status = with_hive(o->source, names, n, read, n_rows, out, error);
    }
    mbar_table_unref(read);
    return status;
}

/* Every column of a source that can be read, hive columns last, without rows. */
mbar_status mbar_scan_source_schema(const mbar_scan_opened *o, mbar_table **out, mbar_error *error)
{
    if (o->file == NULL) {
        return mbar_table_slice(o->source->table, 0, 0, out, error);
    }
    int32_t n_file = mbar_parquet_columns(o->file), n = 0;
    const char **names =
        mbar_alloc_array((size_t)n_file + (size_t)o->source->n_hive + 1, sizeof *names, error);
    if (names == NULL) {
        return MBAR_NOMEM;
    }
    for (int32_t c = 0; c < n_file; c++) {
        bool supported = false;
        const mbar_field *field = mbar_parquet_field(o->file, c, &supported);
        if (supported) {
            names[n++] = field->name;
        }
    }
    for (int32_t i = 0; i < o->source->n_hive; i++) {
        if (mbar_scan_file_column(o->file, o->source->hive[i].key) < 0) {
            names[n++] = o->source->hive[i].key;
        }
    }
    mbar_status status = mbar_scan_read_columns(o, names, n, 0, 0, 1, out, NULL, error);
    mbar_free(names);
    return status;
}

mbar_status mbar_scan_check_columns(const mbar_scan_opened *o, const mbar_table *first,
                                    mbar_error *error)
{
    mbar_table *own = NULL;
    mbar_status status = mbar_scan_source_schema(o, &own, error);
    if (status != MBAR_OK) {
        return status;
    }
    const char *file = o->source->name;
    for (int32_t c = 0; c < mbar_table_columns(first) && status == MBAR_OK; c++) {
        const mbar_field *want = mbar_column_field(mbar_table_column(first, c));
        int32_t index = mbar_table_find(own, want->name);
        const mbar_field *have =
            index >= 0 ? mbar_column_field(mbar_table_column(own, index)) : NULL;
        bool text = have != NULL &&
                    (have->type == MBAR_TYPE_UTF8 || have->type == MBAR_TYPE_DICT) &&
                    (want->type == MBAR_TYPE_UTF8 || want->type == MBAR_TYPE_DICT);
        if (have == NULL) {
            status = mbar_error_set(error, MBAR_INVALID,
                                    "column '%s' is missing here and present in the first file",
                                    want->name);
        } else if (!text && (have->type != want->type ||
                             (have->type == MBAR_TYPE_TIMESTAMP &&
                              (have->unit != want->unit ||
                               strcmp(have->zone != NULL ? have->zone : "",
                                      want->zone != NULL ? want->zone : "") != 0)))) {
            status =
                mbar_error_set(error, MBAR_INVALID,
                               "column '%s' is %s here and %s in the first file (type, unit "
                               "or zone differ)",
                               want->name, mbar_type_name(have->type), mbar_type_name(want->type));
        }
    }
    for (int32_t c = 0; c < mbar_table_columns(own) && status == MBAR_OK; c++) {
        const char *name = mbar_column_field(mbar_table_column(own, c))->name;
        if (mbar_table_find(first, name) < 0) {
            status =
                mbar_error_set(error, MBAR_INVALID,
                               "column '%s' is present here and missing in the first file", name);
        }
    }
    mbar_error_in_file(status == MBAR_OK ? NULL : error, file);
    mbar_table_unref(own);
    return status;
}
