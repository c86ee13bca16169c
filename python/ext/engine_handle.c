/*
 * engine_handle.c - the type Indicator: a live indicator of an Engine.
 *
 * The engine computes it as bars close; a handle shows one output of it, up to
 * the last bar visible at the clock: it is a sequence whose last item is the
 * present value. Reading one value is O(1) and allocates the float alone.
 */
#include "engine.h"

#include <math.h>

typedef struct mbar_py_indicator {
    PyObject_HEAD mbar_py_engine *engine;
    int32_t indicator;
    int32_t output;
    int32_t asset;
    const mbar_indicator_spec *spec;
    PyObject *params; /* tuple */
} mbar_py_indicator;

static PyObject *wrap(mbar_py_engine *engine, mbar_py_indicator fields)
{
    mbar_py_state *state = mbar_py_state_of((PyObject *)engine);
    mbar_py_indicator *self =
        (mbar_py_indicator *)state->indicator_type->tp_alloc(state->indicator_type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->engine = (mbar_py_engine *)Py_NewRef((PyObject *)engine);
    self->indicator = fields.indicator;
    self->output = fields.output;
    self->asset = fields.asset;
    self->spec = fields.spec;
    self->params = Py_NewRef(fields.params);
    return (PyObject *)self;
}

static int indicator_traverse(PyObject *self, visitproc visit, void *arg)
{
    mbar_py_indicator *indicator = (mbar_py_indicator *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(indicator->engine);
    Py_VISIT(indicator->params);
    return 0;
}

/* The engine is not let go here: a handle without one could not be read. What makes a
 * cycle with it is the engine's own references, which it clears. */
static void indicator_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    mbar_py_indicator *indicator = (mbar_py_indicator *)self;
    PyObject_GC_UnTrack(self);
    Py_XDECREF((PyObject *)indicator->engine);
    Py_XDECREF(indicator->params);
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---- Reading ------------------------------------------------------------- */

static PyObject *indicator_value(PyObject *object, void *Py_UNUSED(closure))
{
    const mbar_py_indicator *self = (mbar_py_indicator *)object;
    if (!mbar_py_engine_ready((PyObject *)self->engine, "indicator")) {
        return NULL;
    }
    return PyFloat_FromDouble(
        mbar_engine_indicator_value(self->engine->engine, self->indicator, self->output, 0));
}

/* Bars visible at the clock; -1 with an exception. */
static int64_t visible_rows(const mbar_py_indicator *self)
{
    mbar_window window;
    mbar_error error;
    if (!mbar_py_engine_ready((PyObject *)self->engine, "indicator")) {
        return -1;
    }
    if (mbar_engine_window(self->engine->engine, self->asset, 1, 0, &window, &error) != MBAR_OK) {
        mbar_py_raise(mbar_py_state_of((PyObject *)self), &error);
        return -1;
    }
    return window.n_rows > 0 ? window.first + window.n_rows : 0;
}

static Py_ssize_t indicator_len(PyObject *self)
{
    return (Py_ssize_t)visible_rows((mbar_py_indicator *)self);
}

/* The sequence protocol has added the length to a negative index, once. */
static PyObject *indicator_item(PyObject *object, Py_ssize_t row)
{
    const mbar_py_indicator *self = (mbar_py_indicator *)object;
    int64_t rows = visible_rows(self);
    if (rows < 0) {
        return NULL;
    }
    if (row < 0 || row >= rows) {
        PyErr_Format(PyExc_IndexError, "row %zd of %lld bars", row, (long long)rows);
        return NULL;
    }
    return PyFloat_FromDouble(mbar_engine_indicator_value(self->engine->engine, self->indicator,
                                                          self->output, rows - 1 - row));
}

/* ---- Outputs ------------------------------------------------------------- */

static PyObject *output_of(mbar_py_indicator *self, int32_t output)
{
    mbar_py_indicator fields = *self;
    fields.output = output;
    return wrap(self->engine, fields);
}

static PyObject *indicator_outputs(PyObject *object, void *Py_UNUSED(closure))
{
    mbar_py_indicator *self = (mbar_py_indicator *)object;
    PyObject *outputs = PyTuple_New(self->spec->n_outputs);
    for (int32_t i = 0; outputs != NULL && i < self->spec->n_outputs; i++) {
        PyObject *output = output_of(self, i);
        if (output == NULL) {
            Py_CLEAR(outputs);
        } else {
            PyTuple_SET_ITEM(outputs, i, output);
        }
    }
    return outputs;
}

static PyObject *indicator_output_names(PyObject *object, void *Py_UNUSED(closure))
{
    const mbar_indicator_spec *spec = ((mbar_py_indicator *)object)->spec;
    PyObject *names = PyTuple_New(spec->n_outputs);
    for (int32_t i = 0; names != NULL && i < spec->n_outputs; i++) {
        PyObject *name = PyUnicode_FromString(spec->outputs[i]);
        if (name == NULL) {
            Py_CLEAR(names);
        } else {
            PyTuple_SET_ITEM(names, i, name);
        }
    }
    return names;
}

/* Attributes first, then outputs by name. */
static PyObject *indicator_getattro(PyObject *object, PyObject *name)
{
    PyObject *found = PyObject_GenericGetAttr(object, name);
    if (found != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError)) {
        return found;
    }
    mbar_py_indicator *self = (mbar_py_indicator *)object;
    for (int32_t i = 0; i < self->spec->n_outputs; i++) {
        if (PyUnicode_CompareWithASCIIString(name, self->spec->outputs[i]) == 0) {
            PyErr_Clear();
            return output_of(self, i);
        }
    }
    return NULL;
}

static PyObject *indicator_name(PyObject *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(((mbar_py_indicator *)self)->spec->name);
}

static PyObject *indicator_params(PyObject *self, void *Py_UNUSED(closure))
{
    return Py_NewRef(((mbar_py_indicator *)self)->params);
}

static PyObject *indicator_repr(PyObject *object)
{
    const mbar_py_indicator *self = (mbar_py_indicator *)object;
    return PyUnicode_FromFormat("<Indicator: %s%R of asset %d, output %s>", self->spec->name,
                                self->params, (int)self->asset, self->spec->outputs[self->output]);
}

/* ---- Engine.indicator() -------------------------------------------------- */

/* Named values over the tuple's, which holds None where none was given; 0 or -1. */
static int put_named(mbar_py_state *state, const mbar_indicator_spec *spec, PyObject *keywords,
                     PyObject *values)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;
    while (keywords != NULL && PyDict_Next(keywords, &at, &name, &value)) {
        const char *text = mbar_py_text(name);
        int32_t index;
        mbar_error error;
        if (text == NULL) {
            return -1;
        }
        if (mbar_indicator_param_find(spec, text, &index, &error) != MBAR_OK) {
            mbar_py_raise_missing(state, &error, MBAR_PY_INVALID);
            return -1;
        }
        if (PyTuple_GET_ITEM(values, index) != Py_None) {
            PyErr_Format(PyExc_TypeError, "two values for %s of %s", text, spec->name);
            return -1;
        }
        Py_DECREF(PyTuple_GET_ITEM(values, index));
        PyTuple_SET_ITEM(values, index, Py_NewRef(value));
    }
    return 0;
}

/* The arguments after asset and name, and the named ones, as a tuple of all parameters. */
static PyObject *gather(mbar_py_state *state, const mbar_indicator_spec *spec, PyObject *args,
                        PyObject *keywords)
{
    Py_ssize_t n = PyTuple_GET_SIZE(args) - 2;
    if (n > spec->n_params) {
        PyErr_Format(PyExc_TypeError, "%s takes %d parameters at most, not %zd", spec->name,
                     (int)spec->n_params, n);
        return NULL;
    }
    PyObject *values = PyTuple_New(spec->n_params);
    for (Py_ssize_t i = 0; values != NULL && i < spec->n_params; i++) {
        PyTuple_SET_ITEM(values, i, Py_NewRef(i < n ? PyTuple_GET_ITEM(args, i + 2) : Py_None));
    }
    if (values != NULL && put_named(state, spec, keywords, values) != 0) {
        Py_CLEAR(values);
    }
    return values;
}

static PyObject *params_tuple(const mbar_indicator_spec *spec, const double *params)
{
    PyObject *tuple = PyTuple_New(spec->n_params);
    for (int32_t i = 0; tuple != NULL && i < spec->n_params; i++) {
        PyObject *value = mbar_py_show_param(&spec->params[i], params[i]);
        if (value == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, value);
        }
    }
    return tuple;
}

static PyObject *make_handle(PyObject *self, int32_t asset, const mbar_indicator_spec *spec,
                             const double *params)
{
    mbar_py_indicator fields = {.asset = asset, .spec = spec};
    mbar_error error;
    if (mbar_engine_indicator(mbar_py_engine_of(self), asset, spec->name, params, spec->n_params,
                              &fields.indicator, &error) != MBAR_OK) {
        return mbar_py_raise(mbar_py_state_of(self), &error);
    }
    fields.params = params_tuple(spec, params);
    if (fields.params == NULL) {
        return NULL;
    }
    PyObject *handle = wrap((mbar_py_engine *)self, fields);
    Py_DECREF(fields.params);
    return handle;
}

PyObject *mbar_py_engine_indicator(PyObject *self, PyObject *args, PyObject *keywords)
{
    mbar_py_state *state = mbar_py_state_of(self);
    if (PyTuple_GET_SIZE(args) < 2) {
        PyErr_SetString(PyExc_TypeError, "indicator() takes an asset, a name and parameters");
        return NULL;
    }
    if (!mbar_py_engine_ready(self, "indicator")) {
        return NULL;
    }
    int32_t asset = mbar_py_engine_asset(self, PyTuple_GET_ITEM(args, 0));
    const char *name = asset >= 0 ? mbar_py_text(PyTuple_GET_ITEM(args, 1)) : NULL;
    if (name == NULL) {
        return NULL;
    }
    const mbar_indicator_spec *spec;
    mbar_error error;
    if (mbar_indicator_find(name, &spec, &error) != MBAR_OK) {
        return mbar_py_raise_missing(state, &error, MBAR_PY_INVALID);
    }
    PyObject *values = gather(state, spec, args, keywords);
    if (values == NULL) {
        return NULL;
    }
    double params[MBAR_INDICATOR_MAX_PARAMS];
    int rc = mbar_py_read_params(state, spec, values, params);
    Py_DECREF(values);
    return rc == 0 ? make_handle(self, asset, spec, params) : NULL;
}

/* ---- The type ------------------------------------------------------------ */

static PyGetSetDef indicator_getset[] = {
    {"value", indicator_value, NULL,
     PyDoc_STR("Its value at the last visible bar; NaN before there is one."), NULL},
    {"outputs", indicator_outputs, NULL, PyDoc_STR("A handle for each output."), NULL},
    {"output_names", indicator_output_names, NULL,
     PyDoc_STR("Their names, which are attributes too."), NULL},
    {"name", indicator_name, NULL, PyDoc_STR("The indicator's name."), NULL},
    {"params", indicator_params, NULL, PyDoc_STR("Its parameters."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot indicator_slots[] = {
    {Py_tp_doc,
     (void *)PyDoc_STR("A live indicator: value now, [-1] the same, [-2] a bar before.")},
    {Py_tp_dealloc, indicator_dealloc},
    {Py_tp_traverse, indicator_traverse},
    {Py_tp_getattro, indicator_getattro},
    {Py_tp_repr, indicator_repr},
    {Py_tp_getset, indicator_getset},
    {Py_sq_length, indicator_len},
    {Py_sq_item, indicator_item},
    {0, NULL},
};

PyType_Spec mbar_py_indicator_spec = {
    .name = "millibar._core.Indicator",
    .basicsize = sizeof(mbar_py_indicator),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = indicator_slots,
};
