/*
 * errors.c - from an mbar_error to an exception of millibar.errors.
 *
 * The classes live in Python, where users read them; the module state keeps a
 * reference to each, in the order of mbar_py_error_class. One status maps to
 * one class, except MBAR_NOTFOUND, which the caller's question decides: a file,
 * a column or a zone.
 */
#include "ext.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char *const class_names[MBAR_PY_N_ERRORS] = {
    [MBAR_PY_ERROR] = "Error",
    [MBAR_PY_OUT_OF_MEMORY] = "OutOfMemoryError",
    [MBAR_PY_STORAGE] = "StorageError",
    [MBAR_PY_FORMAT] = "FormatError",
    [MBAR_PY_UNSUPPORTED] = "UnsupportedError",
    [MBAR_PY_INVALID] = "InvalidError",
    [MBAR_PY_FILE_MISSING] = "FileMissingError",
    [MBAR_PY_COLUMN_NOT_FOUND] = "ColumnNotFoundError",
    [MBAR_PY_ZONE_NOT_FOUND] = "ZoneNotFoundError",
};

int mbar_py_errors_init(mbar_py_state *state)
{
    PyObject *module = PyImport_ImportModule("millibar.errors");
    if (module == NULL) {
        return -1;
    }
    int rc = 0;
    for (int i = 0; i < MBAR_PY_N_ERRORS && rc == 0; i++) {
        state->errors[i] = PyObject_GetAttrString(module, class_names[i]);
        rc = state->errors[i] != NULL ? 0 : -1;
    }
    Py_DECREF(module);
    return rc;
}

static mbar_py_error_class class_of(mbar_status code, mbar_py_error_class missing)
{
    switch (code) {
    case MBAR_NOMEM:
        return MBAR_PY_OUT_OF_MEMORY;
    case MBAR_IO:
        return MBAR_PY_STORAGE;
    case MBAR_FORMAT:
        return MBAR_PY_FORMAT;
    case MBAR_UNSUPPORTED:
        return MBAR_PY_UNSUPPORTED;
    case MBAR_INVALID:
        return MBAR_PY_INVALID;
    case MBAR_NOTFOUND:
        return missing;
    case MBAR_OK:
        break;
    }
    return MBAR_PY_ERROR;
}

/* Messages may quote bytes of a file or of a path: undecodable ones are
 * escaped, never a second error. */
static PyObject *decode(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "backslashreplace");
}

static PyObject *decode_file(const char *file)
{
    return file[0] != '\0' ? PyUnicode_DecodeFSDefault(file) : Py_NewRef(Py_None);
}

static PyObject *number_or_none(int64_t value)
{
    return value >= 0 ? PyLong_FromLongLong(value) : Py_NewRef(Py_None);
}

static int set_attribute(PyObject *object, const char *name, PyObject *stolen)
{
    if (stolen == NULL) {
        return -1;
    }
    int rc = PyObject_SetAttrString(object, name, stolen);
    Py_DECREF(stolen);
    return rc;
}

PyObject *mbar_py_raise_missing(mbar_py_state *state, const mbar_error *error,
                                mbar_py_error_class missing)
{
    PyObject *type = state->errors[class_of(error->code, missing)];
    PyObject *message = decode(error->message);
    if (message == NULL) {
        return NULL;
    }
    PyObject *exception = PyObject_CallOneArg(type, message);
    Py_DECREF(message);
    if (exception == NULL) {
        return NULL;
    }
    if (set_attribute(exception, "file", decode_file(error->file)) == 0 &&
        set_attribute(exception, "offset", number_or_none(error->offset)) == 0 &&
        set_attribute(exception, "row", number_or_none(error->row)) == 0) {
        PyErr_SetObject(type, exception);
    }
    Py_DECREF(exception);
    return NULL;
}

PyObject *mbar_py_raise(mbar_py_state *state, const mbar_error *error)
{
    return mbar_py_raise_missing(state, error, MBAR_PY_COLUMN_NOT_FOUND);
}

PyObject *mbar_py_raise_read(mbar_py_state *state, const mbar_error *error)
{
    /* The file of a table or of bytes in memory is a word that names no file. */
    bool gone = error->file[0] != '\0' && access(error->file, F_OK) != 0 &&
                strstr(error->message, "column") == NULL;
    return mbar_py_raise_missing(state, error,
                                 gone ? MBAR_PY_FILE_MISSING : MBAR_PY_COLUMN_NOT_FOUND);
}

PyObject *mbar_py_raise_text(mbar_py_state *state, mbar_py_error_class which, const char *format,
                             ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    PyObject *message = decode(text);
    if (message != NULL) {
        PyErr_SetObject(state->errors[which], message);
        Py_DECREF(message);
    }
    return NULL;
}
