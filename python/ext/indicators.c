/*
 * indicators.c - the registry of indicators, and their computation over tables.
 *
 * Parameters come as a tuple in the spec's order: numbers, the word of a choice,
 * None for the default. Which keyword is which place is Python's affair, told by
 * indicator_spec(). The interpreter's lock is let go while rows are computed.
 */
#include "ext.h"

#include <math.h>

/* ---- What there is ------------------------------------------------------- */

static PyObject *words(const char *const *texts, int32_t n)
{
    PyObject *tuple = PyTuple_New(n);
    for (int32_t i = 0; tuple != NULL && i < n; i++) {
        PyObject *text = PyUnicode_FromString(texts[i]);
        if (text == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, text);
        }
    }
    return tuple;
}

PyObject *mbar_py_show_param(const mbar_indicator_param *param, double value)
{
    if (isnan(value)) {
        return Py_NewRef(Py_None);
    }
    switch (param->kind) {
    case MBAR_PARAM_CHOICE:
        return PyUnicode_FromString(param->choices[(int)value]);
    case MBAR_PARAM_INTEGER:
        return PyLong_FromDouble(value);
    default:
        return PyFloat_FromDouble(value);
    }
}

static PyObject *describe_param(const mbar_indicator_param *param)
{
    PyObject *choices = param->kind == MBAR_PARAM_CHOICE
                            ? words(param->choices, (int32_t)param->max + 1)
                            : Py_NewRef(Py_None);
    return Py_BuildValue("(sNNNN)", param->name, mbar_py_show_param(param, param->default_value),
                         mbar_py_show_param(param, param->min),
                         mbar_py_show_param(param, param->max), choices);
}

static PyObject *describe_params(const mbar_indicator_spec *spec)
{
    PyObject *tuple = PyTuple_New(spec->n_params);
    for (int32_t i = 0; tuple != NULL && i < spec->n_params; i++) {
        PyObject *each = describe_param(&spec->params[i]);
        if (each == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, each);
        }
    }
    return tuple;
}

PyObject *mbar_py_indicator_names(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    int32_t n = mbar_indicator_count();
    PyObject *tuple = PyTuple_New(n);
    for (int32_t i = 0; tuple != NULL && i < n; i++) {
        PyObject *name = PyUnicode_FromString(mbar_indicator_at(i)->name);
        if (name == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, name);
        }
    }
    return tuple;
}

/* NULL with an exception where there is no such indicator. */
static const mbar_indicator_spec *find(mbar_py_state *state, PyObject *name)
{
    const char *text = mbar_py_text(name);
    mbar_error error;
    const mbar_indicator_spec *spec = NULL;
    if (text != NULL && mbar_indicator_find(text, &spec, &error) != MBAR_OK) {
        mbar_py_raise_missing(state, &error, MBAR_PY_INVALID);
    }
    return spec;
}

PyObject *mbar_py_indicator_describe(PyObject *module, PyObject *name)
{
    const mbar_indicator_spec *spec = find(mbar_py_state_of_module(module), name);
    return spec != NULL ? Py_BuildValue("(sssNNN)", spec->name, spec->title, spec->formula,
                                        words(spec->inputs, spec->n_inputs), describe_params(spec),
                                        words(spec->outputs, spec->n_outputs))
                        : NULL;
}

/* ---- Parameters ---------------------------------------------------------- */

/* One given value; 0, or -1 with an exception. */
static int read_param(mbar_py_state *state, const mbar_indicator_spec *spec, int32_t index,
                      PyObject *value, double *out)
{
    mbar_error error;
    if (PyUnicode_Check(value)) {
        const char *word = mbar_py_text(value);
        if (word == NULL) {
            return -1;
        }
        if (mbar_indicator_param_choose(spec, index, word, out, &error) != MBAR_OK) {
            mbar_py_raise(state, &error);
            return -1;
        }
        return 0;
    }
    const mbar_indicator_param *param = &spec->params[index];
    if (param->kind == MBAR_PARAM_CHOICE) {
        PyErr_Format(PyExc_TypeError, "%s: %s is one of its words, not %.100s", spec->name,
                     param->name, Py_TYPE(value)->tp_name);
        return -1;
    }
    *out = PyFloat_AsDouble(value);
    if (*out == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Format(PyExc_TypeError, "%s: %s is a number, not %.100s", spec->name, param->name,
                         Py_TYPE(value)->tp_name);
        } else if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
            PyErr_Clear();
            *out = INFINITY; /* beyond any range: the library names the range */
            return 0;
        }
        return -1;
    }
    return 0;
}

int mbar_py_read_params(mbar_py_state *state, const mbar_indicator_spec *spec, PyObject *values,
                        double out[MBAR_INDICATOR_MAX_PARAMS])
{
    if (!PyTuple_Check(values)) {
        PyErr_Format(PyExc_TypeError, "expected a tuple of parameters, not %.100s",
                     Py_TYPE(values)->tp_name);
        return -1;
    }
    Py_ssize_t n = PyTuple_GET_SIZE(values);
    if (n > spec->n_params) {
        PyErr_Format(PyExc_TypeError, "%s takes %d parameters at most, not %zd", spec->name,
                     (int)spec->n_params, n);
        return -1;
    }
    for (int32_t i = 0; i < spec->n_params; i++) {
        PyObject *value = i < n ? PyTuple_GET_ITEM(values, i) : Py_None;
        if (value != Py_None) {
            if (read_param(state, spec, i, value, &out[i]) != 0) {
                return -1;
            }
        } else if (isnan(spec->params[i].default_value)) {
            PyErr_Format(PyExc_TypeError, "%s needs %s: it has no default", spec->name,
                         spec->params[i].name);
            return -1;
        } else {
            out[i] = spec->params[i].default_value;
        }
    }
    return 0;
}

/* Names to read instead of the spec's inputs; 0, or -1 with an exception. */
static int read_columns(const mbar_indicator_spec *spec, PyObject *names,
                        const char *out[MBAR_INDICATOR_MAX_INPUTS])
{
    Py_ssize_t n = names == Py_None ? 0 : PyTuple_Check(names) ? PyTuple_GET_SIZE(names) : -1;
    if (n < 0) {
        PyErr_Format(PyExc_TypeError, "expected a tuple of column names, not %.100s",
                     Py_TYPE(names)->tp_name);
        return -1;
    }
    if (n != 0 && n != spec->n_inputs) {
        PyErr_Format(PyExc_TypeError, "%s reads %d columns, not %zd", spec->name,
                     (int)spec->n_inputs, n);
        return -1;
    }
    for (Py_ssize_t i = 0; i < spec->n_inputs; i++) {
        PyObject *name = i < n ? PyTuple_GET_ITEM(names, i) : Py_None;
        out[i] = name == Py_None ? NULL : mbar_py_text(name);
        if (out[i] == NULL && name != Py_None) {
            return -1;
        }
    }
    return 0;
}

/* ---- Computation --------------------------------------------------------- */

/* A table's columns as a tuple; the table is given up. */
static PyObject *columns_of(mbar_py_state *state, mbar_table *stolen)
{
    int32_t n = mbar_table_columns(stolen);
    PyObject *tuple = PyTuple_New(n);
    for (int32_t i = 0; tuple != NULL && i < n; i++) {
        PyObject *column =
            mbar_py_column_wrap(state, mbar_column_ref(mbar_table_column(stolen, i)));
        if (column == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, column);
        }
    }
    mbar_table_unref(stolen);
    return tuple;
}

PyObject *mbar_py_table_indicator(PyObject *module, PyObject *const *args, Py_ssize_t n_args)
{
    mbar_py_state *state = mbar_py_state_of_module(module);
    if (n_args < 3 || n_args > 4) {
        PyErr_Format(PyExc_TypeError, "table_indicator() takes 3 or 4 arguments, not %zd", n_args);
        return NULL;
    }
    if (!Py_IS_TYPE(args[0], state->table_type)) {
        PyErr_Format(PyExc_TypeError, "expected a Table, not %.100s", Py_TYPE(args[0])->tp_name);
        return NULL;
    }
    const mbar_indicator_spec *spec = find(state, args[1]);
    if (spec == NULL) {
        return NULL;
    }
    double params[MBAR_INDICATOR_MAX_PARAMS];
    const char *columns[MBAR_INDICATOR_MAX_INPUTS];
    if (mbar_py_read_params(state, spec, args[2], params) != 0 ||
        read_columns(spec, n_args > 3 ? args[3] : Py_None, columns) != 0) {
        return NULL;
    }
    const mbar_table *table = ((mbar_py_table *)args[0])->table;
    mbar_window window = {0, mbar_table_rows(table)};
    mbar_table *made;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status =
        mbar_table_indicator(table, window, spec, params, spec->n_params, columns, &made, &error);
    Py_END_ALLOW_THREADS return status == MBAR_OK ? columns_of(state, made)
                                                  : mbar_py_raise(state, &error);
}

/* ---- Crossings ----------------------------------------------------------- */

/* 0, or -1 with an exception. */
static int get_doubles(PyObject *object, Py_buffer *view)
{
    if (PyObject_GetBuffer(object, view, PyBUF_ND | PyBUF_FORMAT) != 0) {
        return -1;
    }
    if (view->ndim == 1 && view->format != NULL && strcmp(view->format, "d") == 0) {
        return 0;
    }
    PyBuffer_Release(view);
    PyErr_SetString(PyExc_TypeError, "expected a one-dimensional buffer of float64");
    return -1;
}

PyObject *mbar_py_cross(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n_args)
{
    Py_buffer a, b;
    if (n_args != 3) {
        PyErr_Format(PyExc_TypeError, "cross() takes 3 arguments, not %zd", n_args);
        return NULL;
    }
    int above = PyObject_IsTrue(args[2]);
    if (above < 0 || get_doubles(args[0], &a) != 0) {
        return NULL;
    }
    if (get_doubles(args[1], &b) != 0) {
        PyBuffer_Release(&a);
        return NULL;
    }
    Py_ssize_t n_rows = a.shape[0];
    PyObject *out = NULL;
    if (n_rows != b.shape[0]) {
        PyErr_Format(PyExc_ValueError, "%zd rows cannot cross %zd rows", n_rows, b.shape[0]);
    } else {
        out = PyBytes_FromStringAndSize(NULL, n_rows);
    }
    if (out != NULL) {
        bool *crossed = (bool *)PyBytes_AS_STRING(out);
        Py_BEGIN_ALLOW_THREADS(above ? mbar_cross_above : mbar_cross_below)(a.buf, b.buf, n_rows,
                                                                            crossed);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&b);
    PyBuffer_Release(&a);
    return out;
}
