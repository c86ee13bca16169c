/*
 * table.c - the type Table, and concat().
 *
 * A Table is a reference to an mbar_table. Slices and selections share the
 * columns; take() and concat() copy rows and let the interpreter's lock go.
 */
#include "ext.h"

PyObject *mbar_py_table_wrap(mbar_py_state *state, mbar_table *stolen)
{
    mbar_py_table *self = (mbar_py_table *)state->table_type->tp_alloc(state->table_type, 0);
    if (self == NULL) {
        mbar_table_unref(stolen);
        return NULL;
    }
    self->table = stolen;
    return (PyObject *)self;
}

static mbar_table *table_of(PyObject *self)
{
    return ((mbar_py_table *)self)->table;
}

static void table_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    mbar_table_unref(table_of(self));
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---- Making -------------------------------------------------------------- */

/* The mbar_column of every item; NULL with an exception. Free with PyMem_Free. */
static mbar_column **columns_of(mbar_py_state *state, PyObject *items)
{
    Py_ssize_t n = PyTuple_GET_SIZE(items);
    mbar_column **columns =
        n < INT32_MAX ? PyMem_New(mbar_column *, (size_t)(n > 0 ? n : 1)) : NULL;
    if (columns == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyTuple_GET_ITEM(items, i);
        if (!Py_IS_TYPE(item, state->column_type)) {
            PyErr_Format(PyExc_TypeError, "a Table is made of Columns, not %.100s",
                         Py_TYPE(item)->tp_name);
            PyMem_Free(columns);
            return NULL;
        }
        columns[i] = ((mbar_py_column *)item)->column;
    }
    return columns;
}

static PyObject *table_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"columns", NULL};
    PyObject *sequence;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Table", keywords, &sequence)) {
        return NULL;
    }
    mbar_py_state *state = PyType_GetModuleState(type);
    PyObject *items = PySequence_Tuple(sequence);
    if (items == NULL) {
        return NULL;
    }
    mbar_column **columns = columns_of(state, items);
    PyObject *made = NULL;
    if (columns != NULL) {
        mbar_table *table;
        mbar_error error;
        int32_t n = (int32_t)PyTuple_GET_SIZE(items);
        made = mbar_table_new(columns, n, &table, &error) == MBAR_OK
                   ? mbar_py_table_wrap(state, table)
                   : mbar_py_raise(state, &error);
        PyMem_Free(columns);
    }
    Py_DECREF(items);
    return made;
}

PyObject *mbar_py_concat(PyObject *module, PyObject *sequence)
{
    mbar_py_state *state = mbar_py_state_of_module(module);
    PyObject *items = PySequence_Tuple(sequence);
    if (items == NULL) {
        return NULL;
    }
    PyObject *made = NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(items);
    mbar_table **tables = n < INT32_MAX ? PyMem_New(mbar_table *, (size_t)(n > 0 ? n : 1)) : NULL;
    if (tables == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    if (n == 0) {
        mbar_py_raise_text(state, MBAR_PY_INVALID, "concat() needs at least one table");
        goto done;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyTuple_GET_ITEM(items, i);
        if (!Py_IS_TYPE(item, state->table_type)) {
            PyErr_Format(PyExc_TypeError, "concat() takes Tables, not %.100s",
                         Py_TYPE(item)->tp_name);
            goto done;
        }
        tables[i] = table_of(item);
    }
    mbar_table *out;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status = mbar_table_concat(tables, (int32_t)n, &out, &error);
    Py_END_ALLOW_THREADS made =
        status == MBAR_OK ? mbar_py_table_wrap(state, out) : mbar_py_raise(state, &error);
done:
    PyMem_Free(tables);
    Py_DECREF(items);
    return made;
}

/* ---- Looking ------------------------------------------------------------- */

static Py_ssize_t table_len(PyObject *self)
{
    return (Py_ssize_t)mbar_table_rows(table_of(self));
}

static PyObject *table_get_rows(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLongLong(mbar_table_rows(table_of(self)));
}

static PyObject *table_get_names(PyObject *self, void *Py_UNUSED(closure))
{
    const mbar_table *table = table_of(self);
    int32_t n = mbar_table_columns(table);
    PyObject *names = PyTuple_New(n);
    for (int32_t i = 0; names != NULL && i < n; i++) {
        const char *text = mbar_column_field(mbar_table_column(table, i))->name;
        PyObject *name = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
        if (name == NULL) {
            Py_CLEAR(names);
            break;
        }
        PyTuple_SET_ITEM(names, i, name);
    }
    return names;
}

static PyObject *raise_no_column(PyObject *self, PyObject *name)
{
    PyObject *names = table_get_names(self, NULL);
    PyObject *text =
        names != NULL ? PyUnicode_FromFormat("no column %R; there are %R", name, names) : NULL;
    if (text != NULL) {
        PyErr_SetObject(mbar_py_state_of(self)->errors[MBAR_PY_COLUMN_NOT_FOUND], text);
    }
    Py_XDECREF(text);
    Py_XDECREF(names);
    return NULL;
}

static PyObject *table_column(PyObject *self, PyObject *key)
{
    const mbar_table *table = table_of(self);
    Py_ssize_t index;
    if (PyUnicode_Check(key)) {
        const char *name = mbar_py_text(key);
        if (name == NULL) {
            return NULL;
        }
        index = mbar_table_find(table, name);
        if (index < 0) {
            return raise_no_column(self, key);
        }
    } else {
        index = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if (index == -1 && PyErr_Occurred()) {
            return NULL;
        }
        index += index < 0 ? mbar_table_columns(table) : 0;
        if (index < 0 || index >= mbar_table_columns(table)) {
            PyErr_Format(PyExc_IndexError, "column %R of %d", key, (int)mbar_table_columns(table));
            return NULL;
        }
    }
    return mbar_py_column_wrap(mbar_py_state_of(self),
                               mbar_column_ref(mbar_table_column(table, (int32_t)index)));
}

static PyObject *table_repr(PyObject *self)
{
    PyObject *names = table_get_names(self, NULL);
    PyObject *repr = names != NULL ? PyUnicode_FromFormat("<Table: %zd rows, columns %R>",
                                                          table_len(self), names)
                                   : NULL;
    Py_XDECREF(names);
    return repr;
}

static PyObject *table_equals(PyObject *self, PyObject *other)
{
    if (!Py_IS_TYPE(other, Py_TYPE(self))) {
        PyErr_SetString(PyExc_TypeError, "equals() takes a Table");
        return NULL;
    }
    bool equal;
    Py_BEGIN_ALLOW_THREADS equal = mbar_table_equal(table_of(self), table_of(other));
    Py_END_ALLOW_THREADS return PyBool_FromLong(equal);
}

/* ---- New tables from this one -------------------------------------------- */

static PyObject *table_slice(PyObject *self, PyObject *args)
{
    long long first, n_rows;
    if (!PyArg_ParseTuple(args, "LL:slice", &first, &n_rows) ||
        mbar_py_check_range(mbar_table_rows(table_of(self)), first, n_rows) != 0) {
        return NULL;
    }
    mbar_py_state *state = mbar_py_state_of(self);
    mbar_table *out;
    mbar_error error;
    if (mbar_table_slice(table_of(self), first, n_rows, &out, &error) != MBAR_OK) {
        return mbar_py_raise(state, &error);
    }
    return mbar_py_table_wrap(state, out);
}

static PyObject *table_select(PyObject *self, PyObject *sequence)
{
    mbar_py_names names;
    if (mbar_py_names_init(&names, sequence) != 0) {
        return NULL;
    }
    mbar_py_state *state = mbar_py_state_of(self);
    mbar_table *out;
    mbar_error error;
    mbar_status status = mbar_table_select(table_of(self), names.names, names.n, &out, &error);
    mbar_py_names_deinit(&names);
    return status == MBAR_OK ? mbar_py_table_wrap(state, out) : mbar_py_raise(state, &error);
}

/* Row numbers of a sequence of int, each in [-1, limit); NULL with an exception.
 * Free with PyMem_Free. */
static int64_t *row_numbers(PyObject *items, int64_t limit)
{
    Py_ssize_t n = PyTuple_GET_SIZE(items);
    int64_t *rows = PyMem_New(int64_t, (size_t)(n > 0 ? n : 1));
    if (rows == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        long long row = PyLong_AsLongLong(PyTuple_GET_ITEM(items, i));
        if (row < -1 || row >= limit) {
            PyErr_Format(PyExc_IndexError, "row %lld of %lld (-1 gives null)", row,
                         (long long)limit);
        }
        if (PyErr_Occurred()) {
            PyMem_Free(rows);
            return NULL;
        }
        rows[i] = row;
    }
    return rows;
}

static PyObject *table_take(PyObject *self, PyObject *sequence)
{
    PyObject *items = PySequence_Tuple(sequence);
    if (items == NULL) {
        return NULL;
    }
    int64_t n_rows = PyTuple_GET_SIZE(items);
    int64_t *rows = row_numbers(items, mbar_table_rows(table_of(self)));
    Py_DECREF(items);
    if (rows == NULL) {
        return NULL;
    }
    mbar_py_state *state = mbar_py_state_of(self);
    mbar_table *out;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status = mbar_table_take(table_of(self), rows, n_rows, &out, &error);
    Py_END_ALLOW_THREADS PyMem_Free(rows);
    return status == MBAR_OK ? mbar_py_table_wrap(state, out) : mbar_py_raise(state, &error);
}

/* ---- Arrow --------------------------------------------------------------- */

static PyObject *table_arrow_schema(PyObject *self, PyObject *Py_UNUSED(none))
{
    struct ArrowSchema schema;
    mbar_error error;
    if (mbar_table_to_arrow_schema(table_of(self), &schema, &error) != MBAR_OK) {
        return mbar_py_raise(mbar_py_state_of(self), &error);
    }
    return mbar_py_schema_capsule(&schema);
}

static PyObject *table_arrow_array(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (mbar_py_check_requested_schema(args, kwargs, "|O:__arrow_c_array__") != 0) {
        return NULL;
    }
    struct ArrowSchema schema;
    struct ArrowArray array;
    mbar_error error;
    if (mbar_table_to_arrow(table_of(self), &schema, &array, &error) != MBAR_OK) {
        return mbar_py_raise(mbar_py_state_of(self), &error);
    }
    return mbar_py_array_capsules(&schema, &array);
}

static PyObject *table_arrow_stream(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (mbar_py_check_requested_schema(args, kwargs, "|O:__arrow_c_stream__") != 0) {
        return NULL;
    }
    struct ArrowArrayStream stream;
    mbar_error error;
    if (mbar_table_to_arrow_stream(table_of(self), &stream, &error) != MBAR_OK) {
        return mbar_py_raise(mbar_py_state_of(self), &error);
    }
    return mbar_py_stream_capsule(&stream);
}

/* ---- The type ------------------------------------------------------------ */

static PyMethodDef table_methods[] = {
    {"column", table_column, METH_O,
     PyDoc_STR(
         "column($self, name_or_index, /)\n--\n\nOne column; ColumnNotFoundError or IndexError.")},
    {"slice", table_slice, METH_VARARGS,
     PyDoc_STR("slice($self, first, n_rows, /)\n--\n\nRows [first, first + n_rows), sharing the "
               "buffers.")},
    {"select", table_select, METH_O,
     PyDoc_STR("select($self, names, /)\n--\n\nThe named columns in the order given.")},
    {"take", table_take, METH_O,
     PyDoc_STR("take($self, rows, /)\n--\n\nA copy of those rows in that order; -1 gives a row of "
               "nulls.")},
    {"equals", table_equals, METH_O,
     PyDoc_STR("equals($self, other, /)\n--\n\nSame names, types, nulls and bits.")},
    {"__arrow_c_schema__", table_arrow_schema, METH_NOARGS,
     PyDoc_STR("__arrow_c_schema__($self, /)\n--\n\nThe schema as an arrow_schema capsule.")},
    {"__arrow_c_array__", MBAR_PY_METHOD(table_arrow_array), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR(
         "__arrow_c_array__($self, requested_schema=None)\n--\n\nA struct array of the columns, "
         "without a copy.")},
    {"__arrow_c_stream__", MBAR_PY_METHOD(table_arrow_stream), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR(
         "__arrow_c_stream__($self, requested_schema=None)\n--\n\nA stream of one batch, without "
         "a copy.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef table_getset[] = {
    {"rows", table_get_rows, NULL, PyDoc_STR("Number of rows."), NULL},
    {"names", table_get_names, NULL, PyDoc_STR("Column names in order."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot table_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("Table(columns)\n--\n\nAn immutable table of columns.")},
    {Py_tp_new, table_new},
    {Py_tp_dealloc, table_dealloc},
    {Py_tp_repr, table_repr},
    {Py_tp_methods, table_methods},
    {Py_tp_getset, table_getset},
    {Py_mp_length, table_len},
    {0, NULL},
};

PyType_Spec mbar_py_table_spec = {
    .name = "millibar._core.Table",
    .basicsize = sizeof(mbar_py_table),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = table_slots,
};
