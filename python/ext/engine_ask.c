/*
 * engine_ask.c - what a strategy asks an Engine at its clock: windows, prices,
 * positions, tables. Look-ups of constant or logarithmic cost, with the
 * interpreter's lock held; only table() costs what it holds.
 */
#include "engine.h"

#include <math.h>

/* ---- Windows and prices -------------------------------------------------- */

static PyObject *price_or_none(double price)
{
    return isnan(price) ? Py_NewRef(Py_None) : PyFloat_FromDouble(price);
}

/* Whether asset has bars; if not, InvalidError. */
static bool has_bars(PyObject *self, int32_t asset, const char *call)
{
    const mbar_engine *engine = mbar_py_engine_of(self);
    if (mbar_engine_series(engine, asset) == NULL) {
        mbar_py_raise_text(mbar_py_state_of(self), MBAR_PY_INVALID,
                           "Engine.%s(): '%.60s' has no bars", call,
                           mbar_engine_asset(engine, asset)->symbol);
        return false;
    }
    return true;
}

PyObject *mbar_py_engine_window(PyObject *self, PyObject *const *args, Py_ssize_t n_args)
{
    if (n_args < 2 || n_args > 3) {
        PyErr_Format(PyExc_TypeError,
                     "window() takes an asset, a length and a shift, not %zd "
                     "arguments",
                     n_args);
        return NULL;
    }
    if (!mbar_py_engine_ready(self, "window")) {
        return NULL;
    }
    int32_t asset = mbar_py_engine_asset(self, args[0]);
    int64_t length = asset >= 0 ? PyLong_AsLongLong(args[1]) : -1;
    int64_t shift = n_args == 3 && asset >= 0 ? PyLong_AsLongLong(args[2]) : 0;
    if (PyErr_Occurred() != NULL || !has_bars(self, asset, "window")) {
        return NULL;
    }
    mbar_window window;
    mbar_error error;
    if (mbar_engine_window(mbar_py_engine_of(self), asset, length, shift, &window, &error) !=
        MBAR_OK) {
        return mbar_py_raise(mbar_py_state_of(self), &error);
    }
    return mbar_py_pair(window.first, window.n_rows);
}

PyObject *mbar_py_engine_visible_rows(PyObject *self, PyObject *number)
{
    int32_t asset =
        mbar_py_engine_ready(self, "visible_rows") ? mbar_py_engine_asset(self, number) : -1;
    if (asset < 0 || !has_bars(self, asset, "visible_rows")) {
        return NULL;
    }
    return PyLong_FromLongLong(mbar_engine_visible_rows(mbar_py_engine_of(self), asset));
}

PyObject *mbar_py_engine_last_price(PyObject *self, PyObject *number)
{
    int32_t asset =
        mbar_py_engine_ready(self, "last_price") ? mbar_py_engine_asset(self, number) : -1;
    if (asset < 0) {
        return NULL;
    }
    return price_or_none(mbar_engine_last_price(mbar_py_engine_of(self), asset));
}

/* ---- Positions ----------------------------------------------------------- */

PyObject *mbar_py_engine_quantity(PyObject *self, PyObject *number)
{
    int32_t asset =
        mbar_py_engine_ready(self, "quantity") ? mbar_py_engine_asset(self, number) : -1;
    if (asset < 0) {
        return NULL;
    }
    return PyFloat_FromDouble(mbar_engine_position(mbar_py_engine_of(self), asset)->quantity);
}

static PyStructSequence_Field position_fields[] = {
    {"quantity", "signed units; 0.0 when flat"},
    {"avg_price", "of the open units; NaN when flat"},
    {"realized", "profit of the closed units, fees not counted"},
    {NULL, NULL},
};

PyTypeObject *mbar_py_position_type_new(void)
{
    PyStructSequence_Desc description = {
        .name = "millibar._core.PositionState",
        .doc = PyDoc_STR("What an Engine holds of an asset, at the time it was asked."),
        .fields = position_fields,
        .n_in_sequence = 3,
    };
    return PyStructSequence_NewType(&description);
}

PyObject *mbar_py_engine_position(PyObject *self, PyObject *number)
{
    int32_t asset =
        mbar_py_engine_ready(self, "position") ? mbar_py_engine_asset(self, number) : -1;
    PyObject *result =
        asset >= 0 ? PyStructSequence_New(mbar_py_state_of(self)->position_type) : NULL;
    if (result == NULL) {
        return NULL;
    }
    const mbar_position *position = mbar_engine_position(mbar_py_engine_of(self), asset);
    const double numbers[] = {position->quantity, position->avg_price, position->realized};
    for (int i = 0; i < 3; i++) {
        PyObject *value = PyFloat_FromDouble(numbers[i]);
        if (value == NULL) {
            Py_DECREF(result);
            return NULL;
        }
        PyStructSequence_SET_ITEM(result, i, value);
    }
    return result;
}

PyObject *mbar_py_engine_find(PyObject *self, PyObject *symbol)
{
    const char *text = mbar_py_text(symbol);
    if (text == NULL || !mbar_py_engine_ready(self, "find")) {
        return NULL;
    }
    return PyLong_FromLong(mbar_engine_find(mbar_py_engine_of(self), text));
}

/* ---- What the run leaves ------------------------------------------------- */

PyObject *mbar_py_engine_table(PyObject *self, PyObject *which)
{
    const char *name = mbar_py_text(which);
    if (name == NULL || !mbar_py_engine_ready(self, "table")) {
        return NULL;
    }
    mbar_py_state *state = mbar_py_state_of(self);
    mbar_table *table;
    mbar_error error;
    if (mbar_engine_table(mbar_py_engine_of(self), name, &table, &error) != MBAR_OK) {
        return mbar_py_raise_missing(state, &error, MBAR_PY_INVALID);
    }
    return mbar_py_table_wrap(state, table);
}
