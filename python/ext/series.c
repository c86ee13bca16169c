/*
 * series.c - the type Series: the calls a backtest makes every iteration.
 *
 * window(), state(), asof() and the bounds take positional ints and return
 * ints; they allocate nothing but their result and never let the interpreter's
 * lock go, which would cost more than the look-up. Making, filling and
 * resampling are in series_make.c.
 */
#include "ext.h"

PyObject *mbar_py_series_wrap(mbar_py_state *state, mbar_series *stolen)
{
    mbar_py_series *self = (mbar_py_series *)state->series_type->tp_alloc(state->series_type, 0);
    if (self == NULL) {
        mbar_series_unref(stolen);
        return NULL;
    }
    self->series = stolen;
    return (PyObject *)self;
}

static inline mbar_series *series_of(PyObject *self)
{
    return ((mbar_py_series *)self)->series;
}

static void series_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    mbar_series_unref(series_of(self));
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---- The hot path -------------------------------------------------------- */

/* args[0..n_args) as int64; false with an exception. */
static inline bool int_arguments(const char *name, PyObject *const *args, Py_ssize_t n_args,
                                 Py_ssize_t least, Py_ssize_t most, int64_t *out)
{
    if (n_args < least || n_args > most) {
        PyErr_Format(PyExc_TypeError, "%s() takes %zd to %zd positional ints, not %zd", name, least,
                     most, n_args);
        return false;
    }
    for (Py_ssize_t i = 0; i < n_args; i++) {
        out[i] = PyLong_AsLongLong(args[i]);
        if (out[i] == -1 && PyErr_Occurred()) {
            return false;
        }
    }
    return true;
}

static PyObject *series_window(PyObject *self, PyObject *const *args, Py_ssize_t n_args)
{
    int64_t given[4] = {0, 0, 0, 0};
    if (!int_arguments("window", args, n_args, 3, 4, given)) {
        return NULL;
    }
    if (given[0] != MBAR_POLICY_STRICT && given[0] != MBAR_POLICY_LUMIBOT) {
        return mbar_py_raise_text(mbar_py_state_of(self), MBAR_PY_INVALID,
                                  "policy %lld is neither STRICT nor LUMIBOT", (long long)given[0]);
    }
    mbar_window window;
    mbar_error error;
    if (mbar_series_window(series_of(self), (mbar_policy)given[0], given[1], given[2], given[3],
                           &window, &error) != MBAR_OK) {
        return mbar_py_raise(mbar_py_state_of(self), &error);
    }
    return mbar_py_pair(window.first, window.n_rows);
}

static PyObject *series_state(PyObject *self, PyObject *const *args, Py_ssize_t n_args)
{
    int64_t now;
    if (!int_arguments("state", args, n_args, 1, 1, &now)) {
        return NULL;
    }
    int64_t row;
    mbar_bar_state state = mbar_series_state(series_of(self), now, &row);
    return mbar_py_pair(row, state);
}

static PyObject *series_asof(PyObject *self, PyObject *const *args, Py_ssize_t n_args)
{
    int64_t t;
    if (!int_arguments("asof", args, n_args, 1, 1, &t)) {
        return NULL;
    }
    const mbar_series *series = series_of(self);
    return PyLong_FromLongLong(mbar_asof(mbar_series_times(series), mbar_series_rows(series), t));
}

static PyObject *series_lower_bound(PyObject *self, PyObject *const *args, Py_ssize_t n_args)
{
    int64_t t;
    if (!int_arguments("lower_bound", args, n_args, 1, 1, &t)) {
        return NULL;
    }
    const mbar_series *series = series_of(self);
    return PyLong_FromLongLong(
        mbar_lower_bound(mbar_series_times(series), mbar_series_rows(series), t));
}

static PyObject *series_upper_bound(PyObject *self, PyObject *const *args, Py_ssize_t n_args)
{
    int64_t t;
    if (!int_arguments("upper_bound", args, n_args, 1, 1, &t)) {
        return NULL;
    }
    const mbar_series *series = series_of(self);
    return PyLong_FromLongLong(
        mbar_upper_bound(mbar_series_times(series), mbar_series_rows(series), t));
}

static PyObject *series_between(PyObject *self, PyObject *const *args, Py_ssize_t n_args)
{
    int64_t given[2];
    if (!int_arguments("between", args, n_args, 2, 2, given)) {
        return NULL;
    }
    mbar_window window = mbar_series_between(series_of(self), given[0], given[1]);
    return mbar_py_pair(window.first, window.n_rows);
}

/* ---- Properties ---------------------------------------------------------- */

static Py_ssize_t series_len(PyObject *self)
{
    return (Py_ssize_t)mbar_series_rows(series_of(self));
}

static PyObject *series_get_table(PyObject *self, void *Py_UNUSED(closure))
{
    return mbar_py_table_wrap(mbar_py_state_of(self),
                              mbar_table_ref(mbar_series_table(series_of(self))));
}

static void release_series(void *owner)
{
    mbar_series_unref(owner);
}

/* The times are the series' own array: share it, with the series as owner. */
static PyObject *series_get_times(PyObject *self, void *Py_UNUSED(closure))
{
    mbar_py_state *state = mbar_py_state_of(self);
    mbar_series *series = series_of(self);
    int64_t n_rows = mbar_series_rows(series);
    mbar_field field = {.name = "times", .type = MBAR_TYPE_INT64};
    mbar_buffer *buffer;
    mbar_error error;
    if (mbar_buffer_wrap(mbar_series_times(series), (size_t)n_rows * sizeof(int64_t),
                         release_series, mbar_series_ref(series), &buffer, &error) != MBAR_OK) {
        mbar_series_unref(series);
        return mbar_py_raise(state, &error);
    }
    mbar_column *column;
    mbar_status status = mbar_column_new(&field, n_rows, buffer, NULL, 0, &column, &error);
    mbar_buffer_unref(buffer);
    return status == MBAR_OK ? mbar_py_column_wrap(state, column) : mbar_py_raise(state, &error);
}

static PyObject *series_get_time_column(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLong(mbar_series_time_column(series_of(self)));
}

static PyObject *series_get_period_ns(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLongLong(mbar_series_period_ns(series_of(self)));
}

static PyObject *series_get_step(PyObject *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(mbar_step_name(mbar_series_step(series_of(self))));
}

static PyObject *series_get_zone(PyObject *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(mbar_zone_name(mbar_series_zone(series_of(self))));
}

static PyObject *series_find(PyObject *self, PyObject *args)
{
    const char *name;
    if (!PyArg_ParseTuple(args, "s:find", &name)) {
        return NULL;
    }
    return PyLong_FromLong(mbar_series_find(series_of(self), name));
}

static PyObject *series_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<Series: %zd rows, %s>", series_len(self),
                                mbar_step_name(mbar_series_step(series_of(self))));
}

/* ---- The type ------------------------------------------------------------ */

static PyMethodDef series_methods[] = {
    {"window", MBAR_PY_METHOD(series_window), METH_FASTCALL,
     PyDoc_STR(
         "window($self, policy, now_ns, length, shift=0, /)\n--\n\n(first, n_rows) visible at "
         "now_ns under STRICT or LUMIBOT.")},
    {"state", MBAR_PY_METHOD(series_state), METH_FASTCALL,
     PyDoc_STR(
         "state($self, now_ns, /)\n--\n\n(row, BAR_*): the last row with open <= now (-1: none) "
         "and whether it has closed.")},
    {"asof", MBAR_PY_METHOD(series_asof), METH_FASTCALL,
     PyDoc_STR("asof($self, ns, /)\n--\n\nLast row with open <= ns, or -1.")},
    {"lower_bound", MBAR_PY_METHOD(series_lower_bound), METH_FASTCALL,
     PyDoc_STR("lower_bound($self, ns, /)\n--\n\nFirst row with open >= ns; len(self) if none.")},
    {"upper_bound", MBAR_PY_METHOD(series_upper_bound), METH_FASTCALL,
     PyDoc_STR("upper_bound($self, ns, /)\n--\n\nFirst row with open > ns; len(self) if none.")},
    {"between", MBAR_PY_METHOD(series_between), METH_FASTCALL,
     PyDoc_STR(
         "between($self, from_ns, to_ns, /)\n--\n\n(first, n_rows) with from_ns <= open < to_ns.")},
    {"find", series_find, METH_VARARGS,
     PyDoc_STR(
         "find($self, name, /)\n--\n\nIndex of a column by its usual name in any case, or -1.")},
    {"fill", mbar_py_series_fill, METH_O,
     PyDoc_STR("fill($self, grid, /)\n--\n\nThe series on the grid's stamps between its own first "
               "and last, "
               "filled forward as lumibot does.")},
    {"resample", MBAR_PY_METHOD(mbar_py_series_resample), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR(
         "resample($self, every, step, *, first=0, n_rows=None, zone=None, drop_partial=False)\n"
         "--\n\nBuckets of `every` steps over rows [first, first + n_rows).")},
    {"join_asof", MBAR_PY_METHOD(mbar_py_series_join_asof), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("join_asof($self, other, /, on='open', tolerance_ns=None, suffix='_right')\n--\n\n"
               "A table: the rows, and beside each the last of other at or before its open or its "
               "close.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef series_getset[] = {
    {"table", series_get_table, NULL, PyDoc_STR("The rows, in time order."), NULL},
    {"times", series_get_times, NULL,
     PyDoc_STR("Opens as an int64 column \"times\", ns UTC, shared."), NULL},
    {"time_column", series_get_time_column, NULL,
     PyDoc_STR("Index of the time column in the table."), NULL},
    {"period_ns", series_get_period_ns, NULL, PyDoc_STR("Length of a bar."), NULL},
    {"step", series_get_step, NULL, PyDoc_STR("The nominal step."), NULL},
    {"zone", series_get_zone, NULL, PyDoc_STR("Name of the zone of days and sessions."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot series_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR(
                    "Series(table, *, time=None, period_ns=0, step='minute', label='open', "
                    "sort=False, duplicates='refuse', zone=None, assume_zone=None)\n--\n\n"
                    "Bars in time order: a table, its times (open, ns UTC, strictly rising) and a "
                    "period.")},
    {Py_tp_new, mbar_py_series_new},
    {Py_tp_dealloc, series_dealloc},
    {Py_tp_repr, series_repr},
    {Py_tp_methods, series_methods},
    {Py_tp_getset, series_getset},
    {Py_mp_length, series_len},
    {0, NULL},
};

PyType_Spec mbar_py_series_spec = {
    .name = "millibar._core.Series",
    .basicsize = sizeof(mbar_py_series),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = series_slots,
};
