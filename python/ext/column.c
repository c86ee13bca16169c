/*
 * column.c - the type Column: an mbar_column under Python's protocols.
 *
 * Invariants
 *   - The column is immutable, so a view of it needs no export count: view->obj
 *     keeps the Column, the Column keeps the buffers.
 *   - shape and itemsize are set once, at wrapping; the buffer protocol hands
 *     out their addresses.
 *   - Text and bit-packed bool have no flat array of values and refuse the
 *     buffer protocol, naming what to use instead.
 * Cost: a view is O(1); to_list() and validity() are O(rows).
 */
#include "ext.h"

#include <limits.h>

PyObject *mbar_py_column_wrap(mbar_py_state *state, mbar_column *stolen)
{
    mbar_py_column *self = (mbar_py_column *)state->column_type->tp_alloc(state->column_type, 0);
    if (self == NULL) {
        mbar_column_unref(stolen);
        return NULL;
    }
    self->column = stolen;
    self->shape = (Py_ssize_t)mbar_column_rows(stolen);
    self->itemsize = (Py_ssize_t)mbar_type_width(mbar_column_field(stolen)->type);
    return (PyObject *)self;
}

static mbar_column *column_of(PyObject *self)
{
    return ((mbar_py_column *)self)->column;
}

static void column_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    mbar_column_unref(column_of(self));
    type->tp_free(self);
    Py_DECREF(type);
}

int mbar_py_check_range(int64_t rows, int64_t first, int64_t n_rows)
{
    if (first >= 0 && n_rows >= 0 && first <= rows && n_rows <= rows - first) {
        return 0;
    }
    PyErr_Format(PyExc_IndexError, "%lld rows from row %lld on are not inside %lld rows",
                 (long long)n_rows, (long long)first, (long long)rows);
    return -1;
}

/* ---- Values -------------------------------------------------------------- */

static PyObject *text_value(const mbar_column *column, int64_t row)
{
    size_t n_bytes;
    const char *text = mbar_column_text(column, row, &n_bytes);
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)n_bytes, NULL);
}

static PyObject *number_value(const mbar_column *column, int64_t row)
{
    const void *values = mbar_column_values(column);
    switch (mbar_column_field(column)->type) {
    case MBAR_TYPE_INT32:
        return PyLong_FromLong(((const int32_t *)values)[row]);
    case MBAR_TYPE_UINT64:
        return PyLong_FromUnsignedLongLong(((const uint64_t *)values)[row]);
    case MBAR_TYPE_FLOAT32:
        return PyFloat_FromDouble((double)((const float *)values)[row]);
    case MBAR_TYPE_FLOAT64:
        return PyFloat_FromDouble(((const double *)values)[row]);
    default: /* INT64 and TIMESTAMP */
        return PyLong_FromLongLong(((const int64_t *)values)[row]);
    }
}

static PyObject *valid_value(const mbar_column *column, int64_t row)
{
    switch (mbar_column_field(column)->type) {
    case MBAR_TYPE_BOOL:
        return PyBool_FromLong(mbar_column_bool(column, row));
    case MBAR_TYPE_UTF8:
    case MBAR_TYPE_DICT:
        return text_value(column, row);
    default:
        return number_value(column, row);
    }
}

/* A text that is not UTF-8 is the file's fault: say which row of which column. */
static PyObject *value_or_format_error(PyObject *self, int64_t row)
{
    const mbar_column *column = column_of(self);
    if (!mbar_column_is_valid(column, row)) {
        return Py_NewRef(Py_None);
    }
    PyObject *value = valid_value(column, row);
    if (value == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        PyErr_Clear();
        mbar_error error;
        mbar_error_set(&error, MBAR_FORMAT, "column '%s', row %lld: the text is not valid UTF-8",
                       mbar_column_field(column)->name, (long long)row);
        error.row = row;
        return mbar_py_raise(mbar_py_state_of(self), &error);
    }
    return value;
}

static PyObject *column_item(PyObject *self, Py_ssize_t row)
{
    if (row < 0 || row >= ((mbar_py_column *)self)->shape) {
        PyErr_SetString(PyExc_IndexError, "row out of range");
        return NULL;
    }
    return value_or_format_error(self, row);
}

/* Dictionary columns repeat few texts: decode each once. */
static PyObject *dictionary_to_list(PyObject *self, PyObject *texts)
{
    const mbar_column *column = column_of(self);
    Py_ssize_t n = ((mbar_py_column *)self)->shape;
    const int32_t *codes = mbar_column_values(column);
    PyObject *list = PyList_New(n);
    for (Py_ssize_t i = 0; list != NULL && i < n; i++) {
        bool valid = mbar_column_is_valid(column, i);
        PyObject *text = valid ? PyList_GET_ITEM(texts, codes[i]) : Py_None;
        PyList_SET_ITEM(list, i, Py_NewRef(text));
    }
    return list;
}

static PyObject *plain_to_list(PyObject *self)
{
    Py_ssize_t n = ((mbar_py_column *)self)->shape;
    PyObject *list = PyList_New(n);
    for (Py_ssize_t i = 0; list != NULL && i < n; i++) {
        PyObject *value = value_or_format_error(self, i);
        if (value == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, i, value);
    }
    return list;
}

static PyObject *column_to_list(PyObject *self, PyObject *Py_UNUSED(none))
{
    mbar_column *dictionary = mbar_column_dictionary(column_of(self));
    if (dictionary == NULL) {
        return plain_to_list(self);
    }
    PyObject *wrapped = mbar_py_column_wrap(mbar_py_state_of(self), mbar_column_ref(dictionary));
    PyObject *texts = wrapped != NULL ? plain_to_list(wrapped) : NULL;
    Py_XDECREF(wrapped);
    PyObject *list = texts != NULL ? dictionary_to_list(self, texts) : NULL;
    Py_XDECREF(texts);
    return list;
}

static PyObject *column_validity(PyObject *self, PyObject *Py_UNUSED(none))
{
    const mbar_column *column = column_of(self);
    int64_t bit;
    const uint8_t *bitmap = mbar_column_validity(column, &bit);
    if (bitmap == NULL || mbar_column_nulls(column) == 0) {
        Py_RETURN_NONE;
    }
    Py_ssize_t n = ((mbar_py_column *)self)->shape;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, n);
    if (bytes != NULL) {
        char *out = PyBytes_AS_STRING(bytes);
        for (Py_ssize_t i = 0; i < n; i++) {
            int64_t at = bit + i;
            out[i] = (char)((bitmap[at >> 3] >> (at & 7)) & 1);
        }
    }
    return bytes;
}

/* ---- Properties ---------------------------------------------------------- */

static PyObject *column_get_name(PyObject *self, void *Py_UNUSED(closure))
{
    const char *name = mbar_column_field(column_of(self))->name;
    return PyUnicode_DecodeUTF8(name, (Py_ssize_t)strlen(name), "replace");
}

static PyObject *column_get_type(PyObject *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(mbar_type_name(mbar_column_field(column_of(self))->type));
}

static PyObject *column_get_unit(PyObject *self, void *Py_UNUSED(closure))
{
    const mbar_field *field = mbar_column_field(column_of(self));
    if (field->type != MBAR_TYPE_TIMESTAMP) {
        Py_RETURN_NONE;
    }
    return PyUnicode_FromString(mbar_unit_name(field->unit));
}

static PyObject *column_get_zone(PyObject *self, void *Py_UNUSED(closure))
{
    const mbar_field *field = mbar_column_field(column_of(self));
    if (field->type != MBAR_TYPE_TIMESTAMP || field->zone == NULL) {
        Py_RETURN_NONE;
    }
    return PyUnicode_DecodeUTF8(field->zone, (Py_ssize_t)strlen(field->zone), "replace");
}

static PyObject *column_get_nullable(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(mbar_column_field(column_of(self))->nullable);
}

static PyObject *column_get_null_count(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLongLong(mbar_column_nulls(column_of(self)));
}

static PyObject *column_get_nbytes(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLongLong(mbar_column_bytes(column_of(self)));
}

static Py_ssize_t column_len(PyObject *self)
{
    return ((mbar_py_column *)self)->shape;
}

static PyObject *column_repr(PyObject *self)
{
    PyObject *name = column_get_name(self, NULL);
    if (name == NULL) {
        return NULL;
    }
    PyObject *repr = PyUnicode_FromFormat("<Column %R: %s, %zd rows>", name,
                                          mbar_type_name(mbar_column_field(column_of(self))->type),
                                          ((mbar_py_column *)self)->shape);
    Py_DECREF(name);
    return repr;
}

/* ---- Buffer protocol ----------------------------------------------------- */

/* numpy reads "l" as np.int64 where long has 64 bits, and "q" as np.longlong,
 * which is another type of the same bits: isinstance(x, np.int64) tells. */
#if LONG_MAX == INT64_MAX
#define FORMAT_INT64 "l"
#define FORMAT_UINT64 "L"
#else
#define FORMAT_INT64 "q"
#define FORMAT_UINT64 "Q"
#endif

static const char *buffer_format(mbar_type type)
{
    switch (type) {
    case MBAR_TYPE_INT32:
    case MBAR_TYPE_DICT:
        return "i";
    case MBAR_TYPE_INT64:
    case MBAR_TYPE_TIMESTAMP:
        return FORMAT_INT64;
    case MBAR_TYPE_UINT64:
        return FORMAT_UINT64;
    case MBAR_TYPE_FLOAT32:
        return "f";
    case MBAR_TYPE_FLOAT64:
        return "d";
    case MBAR_TYPE_BOOL:
    case MBAR_TYPE_UTF8:
        break;
    }
    return NULL;
}

static int column_getbuffer(PyObject *op, Py_buffer *view, int flags)
{
    mbar_py_column *self = (mbar_py_column *)op;
    mbar_type type = mbar_column_field(self->column)->type;
    const char *format = buffer_format(type);
    view->obj = NULL;
    if (format == NULL) {
        PyErr_Format(PyExc_BufferError, "a %s column has no array of values: use to_list()%s",
                     mbar_type_name(type), type == MBAR_TYPE_BOOL ? " or cast(\"int32\")" : "");
        return -1;
    }
    if ((flags & PyBUF_WRITABLE) == PyBUF_WRITABLE) {
        PyErr_SetString(PyExc_BufferError, "columns are read-only");
        return -1;
    }
    const void *values = mbar_column_values(self->column);
    /* No rows: any address that is not NULL will do. */
    view->buf = values != NULL ? (void *)(uintptr_t)values : (void *)&self->shape;
    view->len = self->shape * self->itemsize;
    view->itemsize = self->itemsize;
    view->readonly = 1;
    view->ndim = 1;
    view->format = (flags & PyBUF_FORMAT) == PyBUF_FORMAT ? (char *)(uintptr_t)format : NULL;
    view->shape = (flags & PyBUF_ND) == PyBUF_ND ? &self->shape : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? &self->itemsize : NULL;
    view->suboffsets = NULL;
    view->internal = NULL;
    view->obj = Py_NewRef(op);
    return 0;
}

/* ---- New columns from this one ------------------------------------------- */

static PyObject *column_dictionary(PyObject *self, PyObject *Py_UNUSED(none))
{
    mbar_column *dictionary = mbar_column_dictionary(column_of(self));
    if (dictionary == NULL) {
        Py_RETURN_NONE;
    }
    return mbar_py_column_wrap(mbar_py_state_of(self), mbar_column_ref(dictionary));
}

static PyObject *column_slice(PyObject *self, PyObject *args)
{
    long long first, n_rows;
    if (!PyArg_ParseTuple(args, "LL:slice", &first, &n_rows) ||
        mbar_py_check_range(mbar_column_rows(column_of(self)), first, n_rows) != 0) {
        return NULL;
    }
    mbar_py_state *state = mbar_py_state_of(self);
    mbar_column *out;
    mbar_error error;
    if (mbar_column_slice(column_of(self), first, n_rows, &out, &error) != MBAR_OK) {
        return mbar_py_raise(state, &error);
    }
    return mbar_py_column_wrap(state, out);
}

static PyObject *column_rename(PyObject *self, PyObject *args)
{
    const char *name;
    if (!PyArg_ParseTuple(args, "s:rename", &name)) {
        return NULL;
    }
    mbar_py_state *state = mbar_py_state_of(self);
    mbar_column *out;
    mbar_error error;
    if (mbar_column_rename(column_of(self), name, &out, &error) != MBAR_OK) {
        return mbar_py_raise(state, &error);
    }
    return mbar_py_column_wrap(state, out);
}

static PyObject *column_cast(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"type", "unit", NULL};
    const char *type_text, *unit_text = "ns";
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|s:cast", keywords, &type_text, &unit_text)) {
        return NULL;
    }
    mbar_py_state *state = mbar_py_state_of(self);
    mbar_type type;
    mbar_unit unit;
    if (mbar_py_parse_type(state, type_text, &type) != 0 ||
        mbar_py_parse_unit(state, unit_text, &unit) != 0) {
        return NULL;
    }
    mbar_column *out;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status = mbar_column_cast(column_of(self), type, unit, &out, &error);
    Py_END_ALLOW_THREADS return status == MBAR_OK ? mbar_py_column_wrap(state, out)
                                                  : mbar_py_raise(state, &error);
}

static PyObject *column_equals(PyObject *self, PyObject *other)
{
    if (!Py_IS_TYPE(other, Py_TYPE(self))) {
        PyErr_SetString(PyExc_TypeError, "equals() takes a Column");
        return NULL;
    }
    bool equal;
    Py_BEGIN_ALLOW_THREADS equal = mbar_column_equal(column_of(self), column_of(other));
    Py_END_ALLOW_THREADS return PyBool_FromLong(equal);
}

static PyObject *column_arrow_schema(PyObject *self, PyObject *Py_UNUSED(none))
{
    struct ArrowSchema schema;
    struct ArrowArray array;
    mbar_error error;
    if (mbar_column_to_arrow(column_of(self), &schema, &array, &error) != MBAR_OK) {
        return mbar_py_raise(mbar_py_state_of(self), &error);
    }
    array.release(&array);
    return mbar_py_schema_capsule(&schema);
}

static PyObject *column_arrow_array(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (mbar_py_check_requested_schema(args, kwargs, "|O:__arrow_c_array__") != 0) {
        return NULL;
    }
    struct ArrowSchema schema;
    struct ArrowArray array;
    mbar_error error;
    if (mbar_column_to_arrow(column_of(self), &schema, &array, &error) != MBAR_OK) {
        return mbar_py_raise(mbar_py_state_of(self), &error);
    }
    return mbar_py_array_capsules(&schema, &array);
}

/* ---- The type ------------------------------------------------------------ */

static PyMethodDef column_methods[] = {
    {"validity", column_validity, METH_NOARGS,
     PyDoc_STR(
         "validity($self, /)\n--\n\nOne byte a row, 1 for valid; None where there are no nulls.")},
    {"to_list", column_to_list, METH_NOARGS,
     PyDoc_STR(
         "to_list($self, /)\n--\n\nThe values as Python objects: None for null, timestamps as "
         "integers in the column's unit, text and dictionary values as str.")},
    {"dictionary", column_dictionary, METH_NOARGS,
     PyDoc_STR(
         "dictionary($self, /)\n--\n\nThe texts that the codes of a dictionary column index, or "
         "None.")},
    {"slice", column_slice, METH_VARARGS,
     PyDoc_STR(
         "slice($self, first, n_rows, /)\n--\n\nRows [first, first + n_rows), sharing the buffers. "
         "IndexError when they are not inside.")},
    {"rename", column_rename, METH_VARARGS,
     PyDoc_STR("rename($self, name, /)\n--\n\nThe same values under another name.")},
    {"cast", MBAR_PY_METHOD(column_cast), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR(
         "cast($self, type, unit='ns')\n--\n\nConverted values; InvalidError names the first row "
         "that does not fit. Timestamps to a coarser unit round down.")},
    {"equals", column_equals, METH_O,
     PyDoc_STR("equals($self, other, /)\n--\n\nSame type, unit, zone, rows, nulls and bits.")},
    {"__arrow_c_schema__", column_arrow_schema, METH_NOARGS,
     PyDoc_STR("__arrow_c_schema__($self, /)\n--\n\nThe field as an arrow_schema capsule.")},
    {"__arrow_c_array__", MBAR_PY_METHOD(column_arrow_array), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("__arrow_c_array__($self, requested_schema=None)\n--\n\nThe column as a pair of "
               "capsules, without a copy.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef column_getset[] = {
    {"name", column_get_name, NULL, PyDoc_STR("The column's name."), NULL},
    {"type", column_get_type, NULL, PyDoc_STR("The type's name, such as \"float64\"."), NULL},
    {"unit", column_get_unit, NULL, PyDoc_STR("A timestamp's unit, else None."), NULL},
    {"zone", column_get_zone, NULL,
     PyDoc_STR("A timestamp's zone name; None for a wall clock without one."), NULL},
    {"nullable", column_get_nullable, NULL, PyDoc_STR("False: nulls are ruled out."), NULL},
    {"null_count", column_get_null_count, NULL, PyDoc_STR("Number of nulls."), NULL},
    {"nbytes", column_get_nbytes, NULL, PyDoc_STR("Bytes the rows occupy."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot column_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("An immutable typed column.")},
    {Py_tp_dealloc, column_dealloc},
    {Py_tp_repr, column_repr},
    {Py_tp_methods, column_methods},
    {Py_tp_getset, column_getset},
    {Py_sq_length, column_len},
    {Py_sq_item, column_item},
    {Py_bf_getbuffer, column_getbuffer},
    {0, NULL},
};

PyType_Spec mbar_py_column_spec = {
    .name = "millibar._core.Column",
    .basicsize = sizeof(mbar_py_column),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = column_slots,
};
