/*
 * series_make.c - making series: from a table, filled, resampled; joins, grid and
 * returns. Work over all rows, so the interpreter's lock is let go.
 */
#include "ext.h"

/* ---- Series(table, ...) -------------------------------------------------- */

int mbar_py_series_options(mbar_py_state *state, const mbar_py_series_words *words,
                           mbar_series_options *out)
{
    mbar_series_options_init(out);
    out->time_column = words->time;
    out->period_ns = words->period_ns;
    out->sort = words->sort != 0;
    if (words->period_ns < 0) {
        mbar_py_raise_text(state, MBAR_PY_INVALID,
                           "period_ns %lld is negative: 0 takes the most common spacing",
                           words->period_ns);
        return -1;
    }
    if (mbar_py_parse_step(state, words->step, &out->step) != 0 ||
        mbar_py_parse_label(state, words->label, &out->label) != 0 ||
        mbar_py_parse_duplicates(state, words->duplicates, &out->duplicates) != 0 ||
        mbar_py_open_zone(state, words->zone, &out->zone) != 0) {
        return -1;
    }
    if (mbar_py_open_zone(state, words->assume_zone, &out->assume_zone) != 0) {
        mbar_zone_unref(out->zone);
        return -1;
    }
    return 0;
}

void mbar_py_series_options_deinit(mbar_series_options *options)
{
    mbar_zone_unref(options->zone);
    mbar_zone_unref(options->assume_zone);
}

PyObject *mbar_py_series_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"table", "time",       "period_ns", "step",        "label",
                               "sort",  "duplicates", "zone",      "assume_zone", NULL};
    mbar_py_state *state = PyType_GetModuleState(type);
    mbar_py_series_words words = {.step = "minute", .label = "open", .duplicates = "refuse"};
    PyObject *table;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|$zLsspszz:Series", keywords,
                                     state->table_type, &table, &words.time, &words.period_ns,
                                     &words.step, &words.label, &words.sort, &words.duplicates,
                                     &words.zone, &words.assume_zone)) {
        return NULL;
    }
    mbar_series_options options;
    if (mbar_py_series_options(state, &words, &options) != 0) {
        return NULL;
    }
    mbar_series *series;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status =
        mbar_series_new(((mbar_py_table *)table)->table, &options, &series, &error);
    Py_END_ALLOW_THREADS mbar_zone_unref(options.zone);
    mbar_zone_unref(options.assume_zone);
    return status == MBAR_OK ? mbar_py_series_wrap(state, series) : mbar_py_raise(state, &error);
}

/* ---- Filling and resampling ---------------------------------------------- */

PyObject *mbar_py_series_fill(PyObject *self, PyObject *grid)
{
    mbar_py_state *state = mbar_py_state_of(self);
    if (!Py_IS_TYPE(grid, state->column_type)) {
        PyErr_Format(PyExc_TypeError, "fill() takes a Column of stamps, not %.100s",
                     Py_TYPE(grid)->tp_name);
        return NULL;
    }
    mbar_series *series;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status = mbar_series_fill(
        ((mbar_py_series *)self)->series, ((mbar_py_column *)grid)->column, &series, &error);
    Py_END_ALLOW_THREADS return status == MBAR_OK ? mbar_py_series_wrap(state, series)
                                                  : mbar_py_raise(state, &error);
}

/* n_rows None means to the end. 0 or -1 with IndexError. */
static int resample_window(const mbar_series *series, long long first, PyObject *n_rows,
                           mbar_window *out)
{
    int64_t rows = mbar_series_rows(series);
    out->first = first;
    out->n_rows = rows - first;
    if (n_rows != Py_None) {
        out->n_rows = PyLong_AsLongLong(n_rows);
        if (out->n_rows == -1 && PyErr_Occurred()) {
            return -1;
        }
    }
    return mbar_py_check_range(rows, out->first, out->n_rows);
}

PyObject *mbar_py_series_resample(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"every", "step", "first", "n_rows", "zone", "drop_partial", NULL};
    mbar_py_state *state = mbar_py_state_of(self);
    const mbar_series *source = ((mbar_py_series *)self)->series;
    long long every, first = 0;
    const char *step, *zone = NULL;
    PyObject *n_rows = Py_None;
    int drop_partial = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Ls|$LOzp:resample", keywords, &every, &step,
                                     &first, &n_rows, &zone, &drop_partial)) {
        return NULL;
    }
    mbar_resample how = {.every = every, .drop_partial = drop_partial != 0};
    mbar_window window;
    if (every < 1) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID, "every %lld is less than 1", every);
    }
    if (resample_window(source, first, n_rows, &window) != 0 ||
        mbar_py_parse_step(state, step, &how.step) != 0 ||
        mbar_py_open_zone(state, zone, &how.zone) != 0) {
        return NULL;
    }
    mbar_series *series;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status = mbar_series_resample(source, window, &how, &series, &error);
    Py_END_ALLOW_THREADS mbar_zone_unref(how.zone);
    return status == MBAR_OK ? mbar_py_series_wrap(state, series) : mbar_py_raise(state, &error);
}

/* ---- Series.join_asof(other, ...) ----------------------------------------- */

PyObject *mbar_py_series_join_asof(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"", "on", "tolerance_ns", "suffix", NULL};
    mbar_py_state *state = mbar_py_state_of(self);
    mbar_asof_join how;
    mbar_asof_join_init(&how);
    PyObject *other, *tolerance = Py_None;
    const char *on = "open";
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|sOs:join_asof", keywords, state->series_type,
                                     &other, &on, &tolerance, &how.suffix)) {
        return NULL;
    }
    if (strcmp(on, "close") == 0) {
        how.on = MBAR_ASOF_CLOSE;
    } else if (strcmp(on, "open") != 0) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID,
                                  "on=\"%.50s\": instants are \"open\" or \"close\"", on);
    }
    if (tolerance != Py_None) {
        how.tolerance_ns = PyLong_AsLongLong(tolerance);
        if (PyErr_Occurred() != NULL) {
            return NULL;
        }
    }
    const mbar_series *left = ((mbar_py_series *)self)->series;
    const mbar_series *right = ((mbar_py_series *)other)->series;
    mbar_table *table;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status = mbar_series_join_asof(left, right, &how, &table, &error);
    Py_END_ALLOW_THREADS return status == MBAR_OK ? mbar_py_table_wrap(state, table)
                                                  : mbar_py_raise(state, &error);
}

/* ---- grid() -------------------------------------------------------------- */

/* The mbar_series of every item; NULL with an exception. Free with PyMem_Free. */
static mbar_series **series_list(mbar_py_state *state, PyObject *items)
{
    Py_ssize_t n = PyTuple_GET_SIZE(items);
    mbar_series **list = n < INT32_MAX ? PyMem_New(mbar_series *, (size_t)(n > 0 ? n : 1)) : NULL;
    if (list == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyTuple_GET_ITEM(items, i);
        if (!Py_IS_TYPE(item, state->series_type)) {
            PyErr_Format(PyExc_TypeError, "grid() takes Series, not %.100s",
                         Py_TYPE(item)->tp_name);
            PyMem_Free(list);
            return NULL;
        }
        list[i] = ((mbar_py_series *)item)->series;
    }
    return list;
}

static PyObject *grid_of(mbar_py_state *state, PyObject *items, mbar_step step, const char *zone,
                         int64_t end_ns)
{
    mbar_series **list = series_list(state, items);
    mbar_zone *rules = NULL;
    if (list == NULL || mbar_py_open_zone(state, zone, &rules) != 0) {
        PyMem_Free(list);
        return NULL;
    }
    mbar_column *column;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status =
        mbar_grid_new(list, (int32_t)PyTuple_GET_SIZE(items), step, rules, end_ns, &column, &error);
    Py_END_ALLOW_THREADS mbar_zone_unref(rules);
    PyMem_Free(list);
    return status == MBAR_OK ? mbar_py_column_wrap(state, column) : mbar_py_raise(state, &error);
}

PyObject *mbar_py_grid(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"series", "step", "zone", "end_ns", NULL};
    mbar_py_state *state = mbar_py_state_of_module(module);
    PyObject *sequence, *end = Py_None;
    const char *step_text, *zone;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Oss|O:grid", keywords, &sequence, &step_text,
                                     &zone, &end)) {
        return NULL;
    }
    mbar_step step;
    long long end_ns = end == Py_None ? INT64_MAX : PyLong_AsLongLong(end);
    if ((end_ns == -1 && PyErr_Occurred()) || mbar_py_parse_step(state, step_text, &step) != 0) {
        return NULL;
    }
    PyObject *items = PySequence_Tuple(sequence);
    if (items == NULL) {
        return NULL;
    }
    PyObject *column = grid_of(state, items, step, zone, end_ns);
    Py_DECREF(items);
    return column;
}

/* ---- returns() ----------------------------------------------------------- */

static PyObject *returns_of(mbar_py_state *state, const Py_buffer *view)
{
    int64_t n = view->len / (Py_ssize_t)sizeof(double);
    mbar_buffer *buffer;
    mbar_error error;
    if (mbar_buffer_new((size_t)view->len, &buffer, &error) != MBAR_OK) {
        return mbar_py_raise(state, &error);
    }
    Py_BEGIN_ALLOW_THREADS mbar_returns(view->buf, n, mbar_buffer_writable(buffer));
    Py_END_ALLOW_THREADS mbar_field field = {.name = "return", .type = MBAR_TYPE_FLOAT64};
    mbar_column *column;
    mbar_status status = mbar_column_new(&field, n, buffer, NULL, 0, &column, &error);
    mbar_buffer_unref(buffer);
    return status == MBAR_OK ? mbar_py_column_wrap(state, column) : mbar_py_raise(state, &error);
}

PyObject *mbar_py_returns(PyObject *module, PyObject *close)
{
    mbar_py_state *state = mbar_py_state_of_module(module);
    Py_buffer view;
    if (PyObject_GetBuffer(close, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0) {
        return NULL;
    }
    PyObject *column;
    if (view.format == NULL || strcmp(view.format, "d") != 0) {
        column = mbar_py_raise_text(state, MBAR_PY_INVALID,
                                    "returns() takes a contiguous float64 buffer, not '%.20s'",
                                    view.format != NULL ? view.format : "B");
    } else {
        column = returns_of(state, &view);
    }
    PyBuffer_Release(&view);
    return column;
}
