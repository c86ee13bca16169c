/*
 * capsule.c - the Arrow PyCapsule interface, both ways.
 *
 * A capsule owns one heap copy of an Arrow struct. Its destructor releases what
 * nobody has consumed (a consumer moves the struct out and leaves release NULL)
 * and frees the copy. Import takes the struct out of the producer's capsule the
 * same way, so each buffer has exactly one owner at every moment.
 * https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
 */
#include "ext.h"

#define SCHEMA_CAPSULE "arrow_schema"
#define ARRAY_CAPSULE "arrow_array"
#define STREAM_CAPSULE "arrow_array_stream"

/* ---- Out ----------------------------------------------------------------- */

static void schema_capsule_free(PyObject *capsule)
{
    struct ArrowSchema *held = PyCapsule_GetPointer(capsule, SCHEMA_CAPSULE);
    if (held->release != NULL) {
        held->release(held);
    }
    PyMem_Free(held);
}

static void array_capsule_free(PyObject *capsule)
{
    struct ArrowArray *held = PyCapsule_GetPointer(capsule, ARRAY_CAPSULE);
    if (held->release != NULL) {
        held->release(held);
    }
    PyMem_Free(held);
}

static void stream_capsule_free(PyObject *capsule)
{
    struct ArrowArrayStream *held = PyCapsule_GetPointer(capsule, STREAM_CAPSULE);
    if (held->release != NULL) {
        held->release(held);
    }
    PyMem_Free(held);
}

/* A capsule over a heap copy of n_bytes at what; on failure nothing is held. */
static PyObject *capsule_of(const void *what, size_t n_bytes, const char *name,
                            PyCapsule_Destructor destructor)
{
    void *held = PyMem_Malloc(n_bytes);
    if (held == NULL) {
        return PyErr_NoMemory();
    }
    memcpy(held, what, n_bytes);
    PyObject *capsule = PyCapsule_New(held, name, destructor);
    if (capsule == NULL) {
        PyMem_Free(held);
    }
    return capsule;
}

PyObject *mbar_py_schema_capsule(struct ArrowSchema *what)
{
    PyObject *capsule = capsule_of(what, sizeof *what, SCHEMA_CAPSULE, schema_capsule_free);
    if (capsule == NULL) {
        what->release(what);
    }
    return capsule;
}

PyObject *mbar_py_array_capsule(struct ArrowArray *what)
{
    PyObject *capsule = capsule_of(what, sizeof *what, ARRAY_CAPSULE, array_capsule_free);
    if (capsule == NULL) {
        what->release(what);
    }
    return capsule;
}

PyObject *mbar_py_stream_capsule(struct ArrowArrayStream *what)
{
    PyObject *capsule = capsule_of(what, sizeof *what, STREAM_CAPSULE, stream_capsule_free);
    if (capsule == NULL) {
        what->release(what);
    }
    return capsule;
}

PyObject *mbar_py_array_capsules(struct ArrowSchema *schema, struct ArrowArray *array)
{
    PyObject *first = mbar_py_schema_capsule(schema);
    PyObject *second = mbar_py_array_capsule(array);
    PyObject *both = first != NULL && second != NULL ? PyTuple_Pack(2, first, second) : NULL;
    Py_XDECREF(first);
    Py_XDECREF(second);
    return both;
}

int mbar_py_check_requested_schema(PyObject *args, PyObject *kwargs, const char *format)
{
    static char *keywords[] = {"requested_schema", NULL};
    PyObject *requested = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, format, keywords, &requested)) {
        return -1;
    }
    if (requested != Py_None && !PyCapsule_IsValid(requested, SCHEMA_CAPSULE)) {
        PyErr_SetString(PyExc_TypeError, "requested_schema must be None or an arrow_schema "
                                         "capsule");
        return -1;
    }
    return 0;
}

/* ---- In ------------------------------------------------------------------ */

static PyObject *take_stream(mbar_py_state *state, PyObject *capsule)
{
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, STREAM_CAPSULE);
    if (stream == NULL) {
        return NULL;
    }
    if (stream->release == NULL) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID, "the Arrow stream was already consumed");
    }
    mbar_table *table;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status = mbar_table_from_arrow_stream(stream, &table, &error);
    Py_END_ALLOW_THREADS return status == MBAR_OK ? mbar_py_table_wrap(state, table)
                                                  : mbar_py_raise(state, &error);
}

static PyObject *take_array(mbar_py_state *state, PyObject *pair)
{
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "__arrow_c_array__ must return a pair of capsules");
        return NULL;
    }
    struct ArrowSchema *schema = PyCapsule_GetPointer(PyTuple_GET_ITEM(pair, 0), SCHEMA_CAPSULE);
    struct ArrowArray *array =
        schema != NULL ? PyCapsule_GetPointer(PyTuple_GET_ITEM(pair, 1), ARRAY_CAPSULE) : NULL;
    if (array == NULL) {
        return NULL;
    }
    if (schema->release == NULL || array->release == NULL) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID, "the Arrow array was already consumed");
    }
    mbar_table *table;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status = mbar_table_from_arrow(schema, array, &table, &error);
    Py_END_ALLOW_THREADS return status == MBAR_OK ? mbar_py_table_wrap(state, table)
                                                  : mbar_py_raise(state, &error);
}

/* The bound method, or NULL: without an exception where there is none. */
static PyObject *method_or_null(PyObject *object, const char *name)
{
    PyObject *method = PyObject_GetAttrString(object, name);
    if (method == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
    }
    return method;
}

PyObject *mbar_py_table_from_arrow(PyObject *module, PyObject *object)
{
    mbar_py_state *state = mbar_py_state_of_module(module);
    PyObject *(*take)(mbar_py_state *, PyObject *) = take_stream;
    PyObject *method = method_or_null(object, "__arrow_c_stream__");
    if (method == NULL && !PyErr_Occurred()) {
        take = take_array;
        method = method_or_null(object, "__arrow_c_array__");
    }
    if (method == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_TypeError,
                         "%.100s has neither __arrow_c_stream__ nor __arrow_c_array__",
                         Py_TYPE(object)->tp_name);
        }
        return NULL;
    }
    PyObject *capsules = PyObject_CallNoArgs(method);
    Py_DECREF(method);
    PyObject *table = capsules != NULL ? take(state, capsules) : NULL;
    Py_XDECREF(capsules);
    return table;
}
