/*
 * parquet.c - writing a table to a Parquet file, and describing one.
 *
 * Reading goes through Scan. The interpreter's lock is let go while the file is
 * written and while its footer is read.
 */
#include "ext.h"

/* ---- parquet_write ------------------------------------------------------- */

typedef struct write_words {
    const char *codec, *period;
    int level;
    long long row_group_rows, page_rows;
} write_words;

static mbar_status write_table(const mbar_table *table, const char *path,
                               const mbar_parquet_options *options, mbar_error *error)
{
    mbar_sink *sink;
    mbar_status status = mbar_sink_open_file(path, &sink, error);
    return status == MBAR_OK ? mbar_parquet_write(table, sink, options, error) : status;
}

static PyObject *write_to(mbar_py_state *state, const mbar_table *table, const char *path,
                          const write_words *words)
{
    mbar_parquet_options options;
    mbar_parquet_options_init(&options);
    if (mbar_py_parse_codec(state, words->codec, &options.codec) != 0) {
        return NULL;
    }
    if (words->row_group_rows < 0 || words->page_rows < 0) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID,
                                  "row_group_rows and page_rows are counts; 0 is the default");
    }
    options.level = words->level;
    options.row_group_rows = words->row_group_rows;
    options.page_rows = words->page_rows;
    options.period = words->period;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status = write_table(table, path, &options, &error);
    Py_END_ALLOW_THREADS if (status != MBAR_OK)
    {
        return mbar_py_raise_missing(state, &error, MBAR_PY_FILE_MISSING);
    }
    Py_RETURN_NONE;
}

PyObject *mbar_py_parquet_write(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"table",          "path",      "codec",  "level",
                               "row_group_rows", "page_rows", "period", NULL};
    mbar_py_state *state = mbar_py_state_of_module(module);
    PyObject *table, *path;
    write_words words = {.codec = "none"};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O&|$siLLz:parquet_write", keywords,
                                     state->table_type, &table, PyUnicode_FSConverter, &path,
                                     &words.codec, &words.level, &words.row_group_rows,
                                     &words.page_rows, &words.period)) {
        return NULL;
    }
    PyObject *done =
        write_to(state, ((mbar_py_table *)table)->table, PyBytes_AS_STRING(path), &words);
    Py_DECREF(path);
    return done;
}

/* ---- parquet_info -------------------------------------------------------- */

static PyObject *text_or_none(const char *text)
{
    return text != NULL ? PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace")
                        : Py_NewRef(Py_None);
}

static PyObject *column_info(const mbar_parquet *file, int32_t column)
{
    bool supported;
    const mbar_field *field = mbar_parquet_field(file, column, &supported);
    bool is_time = supported && field->type == MBAR_TYPE_TIMESTAMP;
    return Py_BuildValue("{s:N,s:z,s:z,s:N,s:O,s:O}", "name", text_or_none(field->name), "type",
                         supported ? mbar_type_name(field->type) : NULL, "unit",
                         is_time ? mbar_unit_name(field->unit) : NULL, "zone",
                         text_or_none(is_time ? field->zone : NULL), "nullable",
                         field->nullable ? Py_True : Py_False, "supported",
                         supported ? Py_True : Py_False);
}

static PyObject *min_max(const mbar_parquet_chunk *chunk, mbar_type type)
{
    if (!chunk->has_min_max) {
        return Py_BuildValue("(OO)", Py_None, Py_None);
    }
    if (type == MBAR_TYPE_FLOAT32 || type == MBAR_TYPE_FLOAT64) {
        return Py_BuildValue("(dd)", chunk->min_float, chunk->max_float);
    }
    return Py_BuildValue("(LL)", (long long)chunk->min_int, (long long)chunk->max_int);
}

static PyObject *chunk_info(mbar_py_state *state, const mbar_parquet *file, int32_t row_group,
                            int32_t column)
{
    mbar_parquet_chunk chunk;
    mbar_error error;
    if (mbar_parquet_chunk_info(file, row_group, column, &chunk, &error) != MBAR_OK) {
        return mbar_py_raise(state, &error);
    }
    bool supported;
    const mbar_field *field = mbar_parquet_field(file, column, &supported);
    return Py_BuildValue("{s:L,s:L,s:L,s:L,s:s,s:N,s:O}", "rows", (long long)chunk.n_rows, "nulls",
                         (long long)chunk.n_nulls, "compressed_bytes",
                         (long long)chunk.compressed_bytes, "uncompressed_bytes",
                         (long long)chunk.uncompressed_bytes, "codec", mbar_codec_name(chunk.codec),
                         "min_max", min_max(&chunk, field->type), "page_index",
                         chunk.has_page_index ? Py_True : Py_False);
}

/* A list of n items made by one of the two above. */
static PyObject *columns_info(const mbar_parquet *file)
{
    int32_t n = mbar_parquet_columns(file);
    PyObject *list = PyList_New(n);
    for (int32_t i = 0; list != NULL && i < n; i++) {
        PyObject *item = column_info(file, i);
        if (item == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static PyObject *row_group_info(mbar_py_state *state, const mbar_parquet *file, int32_t group)
{
    int32_t n = mbar_parquet_columns(file);
    PyObject *list = PyList_New(n);
    for (int32_t i = 0; list != NULL && i < n; i++) {
        PyObject *item = chunk_info(state, file, group, i);
        if (item == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static PyObject *row_groups_info(mbar_py_state *state, const mbar_parquet *file)
{
    int32_t n = mbar_parquet_row_groups(file);
    PyObject *list = PyList_New(n);
    for (int32_t i = 0; list != NULL && i < n; i++) {
        PyObject *item = row_group_info(state, file, i);
        if (item == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static PyObject *metadata_info(const mbar_parquet *file)
{
    static const char *const keys[] = {"millibar.columns", "millibar.sorted_by",
                                       "millibar.period_ns", "pandas"};
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < sizeof keys / sizeof *keys; i++) {
        const char *text = mbar_parquet_metadata(file, keys[i]);
        PyObject *value = text != NULL ? text_or_none(text) : NULL;
        if (text != NULL && (value == NULL || PyDict_SetItemString(dict, keys[i], value) != 0)) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(value);
    }
    return dict;
}

/* N takes the references, also when it fails. */
static PyObject *file_info(mbar_py_state *state, const mbar_parquet *file)
{
    return Py_BuildValue("{s:L,s:N,s:N,s:N}", "rows", (long long)mbar_parquet_rows(file), "columns",
                         columns_info(file), "row_groups", row_groups_info(state, file), "metadata",
                         metadata_info(file));
}

static mbar_status open_parquet(const char *path, mbar_parquet **out, mbar_error *error)
{
    mbar_source *source;
    mbar_status status = mbar_source_open_file(path, &source, error);
    if (status == MBAR_OK) {
        status = mbar_parquet_open(source, out, error);
        if (status != MBAR_OK) {
            mbar_source_close(source);
        }
    }
    return status;
}

PyObject *mbar_py_parquet_info(PyObject *module, PyObject *path)
{
    mbar_py_state *state = mbar_py_state_of_module(module);
    PyObject *text;
    if (!PyUnicode_FSConverter(path, &text)) {
        return NULL;
    }
    mbar_parquet *file;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status = open_parquet(PyBytes_AS_STRING(text), &file, &error);
    Py_END_ALLOW_THREADS Py_DECREF(text);
    if (status != MBAR_OK) {
        return mbar_py_raise_missing(state, &error, MBAR_PY_FILE_MISSING);
    }
    PyObject *info = file_info(state, file);
    mbar_parquet_close(file);
    return info;
}
