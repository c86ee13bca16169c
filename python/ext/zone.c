/*
 * zone.c - the type Zone: IANA time zone rules by name.
 *
 * The library caches zones, so opening one again is a look-up; no lock is let
 * go here.
 */
#include "ext.h"

int mbar_py_open_zone(mbar_py_state *state, const char *name, mbar_zone **out)
{
    *out = NULL;
    mbar_error error;
    if (name == NULL || mbar_zone_open(name, out, &error) == MBAR_OK) {
        return 0;
    }
    mbar_py_raise_missing(state, &error, MBAR_PY_ZONE_NOT_FOUND);
    return -1;
}

static const mbar_zone *zone_of(PyObject *self)
{
    return ((mbar_py_zone *)self)->zone;
}

static PyObject *zone_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"name", NULL};
    const char *name;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s:Zone", keywords, &name)) {
        return NULL;
    }
    mbar_zone *zone;
    if (mbar_py_open_zone(PyType_GetModuleState(type), name, &zone) != 0) {
        return NULL;
    }
    mbar_py_zone *self = (mbar_py_zone *)type->tp_alloc(type, 0);
    if (self == NULL) {
        mbar_zone_unref(zone);
        return NULL;
    }
    self->zone = zone;
    return (PyObject *)self;
}

static void zone_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    mbar_zone_unref(((mbar_py_zone *)self)->zone);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *zone_get_name(PyObject *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(mbar_zone_name(zone_of(self)));
}

static PyObject *zone_repr(PyObject *self)
{
    return PyUnicode_FromFormat("Zone('%s')", mbar_zone_name(zone_of(self)));
}

/* An instant from a Python int; false with an exception. */
static bool instant(PyObject *value, int64_t *out)
{
    *out = PyLong_AsLongLong(value);
    return *out != -1 || !PyErr_Occurred();
}

static PyObject *zone_offset_s(PyObject *self, PyObject *value)
{
    int64_t ns;
    return instant(value, &ns) ? PyLong_FromLong(mbar_zone_offset_s(zone_of(self), ns)) : NULL;
}

static PyObject *zone_abbreviation(PyObject *self, PyObject *value)
{
    int64_t ns;
    return instant(value, &ns) ? PyUnicode_FromString(mbar_zone_abbreviation(zone_of(self), ns))
                               : NULL;
}

static PyObject *zone_to_local(PyObject *self, PyObject *value)
{
    int64_t ns;
    return instant(value, &ns) ? PyLong_FromLongLong(mbar_zone_to_local(zone_of(self), ns)) : NULL;
}

static PyObject *zone_day_start(PyObject *self, PyObject *value)
{
    int64_t ns;
    return instant(value, &ns) ? PyLong_FromLongLong(mbar_zone_day_start(zone_of(self), ns)) : NULL;
}

static PyObject *zone_next_day(PyObject *self, PyObject *value)
{
    int64_t ns;
    return instant(value, &ns) ? PyLong_FromLongLong(mbar_zone_next_day(zone_of(self), ns)) : NULL;
}

static PyObject *zone_from_local(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"local_ns", "fold", NULL};
    static const char *const folds[] = {"earlier", "later", "refuse"};
    long long local_ns;
    const char *text = "earlier";
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "L|s:from_local", keywords, &local_ns, &text)) {
        return NULL;
    }
    mbar_py_state *state = mbar_py_state_of(self);
    int fold = 0;
    while (fold < 3 && strcmp(folds[fold], text) != 0) {
        fold++;
    }
    if (fold == 3) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID,
                                  "fold '%.60s' is not one of earlier, later, refuse", text);
    }
    int64_t ns;
    mbar_error error;
    if (mbar_zone_from_local(zone_of(self), local_ns, (mbar_fold)fold, &ns, &error) != MBAR_OK) {
        return mbar_py_raise(state, &error);
    }
    return PyLong_FromLongLong(ns);
}

PyObject *mbar_py_set_zone_directory(PyObject *Py_UNUSED(module), PyObject *directory)
{
    if (directory == Py_None) {
        mbar_zone_set_directory(NULL);
        Py_RETURN_NONE;
    }
    PyObject *path;
    if (!PyUnicode_FSConverter(directory, &path)) {
        return NULL;
    }
    mbar_zone_set_directory(PyBytes_AS_STRING(path));
    Py_DECREF(path);
    Py_RETURN_NONE;
}

static PyMethodDef zone_methods[] = {
    {"offset_s", zone_offset_s, METH_O,
     PyDoc_STR("offset_s($self, ns, /)\n--\n\nSeconds east of UTC in force at ns.")},
    {"abbreviation", zone_abbreviation, METH_O,
     PyDoc_STR("abbreviation($self, ns, /)\n--\n\nThe zone's short name at ns, such as \"EST\".")},
    {"to_local", zone_to_local, METH_O,
     PyDoc_STR(
         "to_local($self, ns, /)\n--\n\nWall clock at ns, in nanoseconds as if it were UTC.")},
    {"from_local", MBAR_PY_METHOD(zone_from_local), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR(
         "from_local($self, local_ns, fold='earlier')\n--\n\nThe instant of a wall clock. One "
         "that happens twice is the earlier or the later; one that never happens is shifted "
         "to the jump's end; with 'refuse' both are InvalidError.")},
    {"day_start", zone_day_start, METH_O,
     PyDoc_STR("day_start($self, ns, /)\n--\n\nFirst instant of the local day that ns falls in.")},
    {"next_day", zone_next_day, METH_O,
     PyDoc_STR("next_day($self, ns, /)\n--\n\nFirst instant of the local day after it.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef zone_getset[] = {
    {"name", zone_get_name, NULL, PyDoc_STR("The IANA name."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot zone_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("Zone(name)\n--\n\nTime zone rules; times are ns UTC.")},
    {Py_tp_new, zone_new},
    {Py_tp_dealloc, zone_dealloc},
    {Py_tp_repr, zone_repr},
    {Py_tp_methods, zone_methods},
    {Py_tp_getset, zone_getset},
    {0, NULL},
};

PyType_Spec mbar_py_zone_spec = {
    .name = "millibar._core.Zone",
    .basicsize = sizeof(mbar_py_zone),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = zone_slots,
};
