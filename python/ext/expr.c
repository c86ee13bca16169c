/*
 * expr.c - the type Expr: a node of an expression tree, opaque to Python.
 *
 * millibar.expr gives it operators; here are only the makers, the text and the
 * evaluation over a table.
 */
#include "ext.h"

static PyObject *expr_wrap(mbar_py_state *state, mbar_expr *stolen)
{
    mbar_py_expr *self = (mbar_py_expr *)state->expr_type->tp_alloc(state->expr_type, 0);
    if (self == NULL) {
        mbar_expr_unref(stolen);
        return NULL;
    }
    self->expr = stolen;
    return (PyObject *)self;
}

static void expr_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    mbar_expr_unref(((mbar_py_expr *)self)->expr);
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---- Makers -------------------------------------------------------------- */

PyObject *mbar_py_expr_column(PyObject *module, PyObject *name)
{
    mbar_py_state *state = mbar_py_state_of_module(module);
    const char *text = mbar_py_text(name);
    if (text == NULL) {
        return NULL;
    }
    mbar_expr *expr;
    mbar_error error;
    return mbar_expr_column(text, &expr, &error) == MBAR_OK ? expr_wrap(state, expr)
                                                            : mbar_py_raise(state, &error);
}

static mbar_status int_literal(mbar_py_state *state, PyObject *value, mbar_expr **out,
                               mbar_error *error)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow != 0) {
        mbar_py_raise_text(state, MBAR_PY_INVALID, "the literal does not fit 64 bits");
        return MBAR_INVALID;
    }
    return mbar_expr_int(number, out, error);
}

PyObject *mbar_py_expr_literal(PyObject *module, PyObject *value)
{
    mbar_py_state *state = mbar_py_state_of_module(module);
    mbar_expr *expr;
    mbar_error error;
    mbar_status status;
    if (PyBool_Check(value)) {
        status = mbar_expr_bool(value == Py_True, &expr, &error);
    } else if (PyLong_Check(value)) {
        status = int_literal(state, value, &expr, &error);
    } else if (PyFloat_Check(value)) {
        status = mbar_expr_float(PyFloat_AS_DOUBLE(value), &expr, &error);
    } else if (PyUnicode_Check(value)) {
        const char *text = mbar_py_text(value);
        status = text != NULL ? mbar_expr_text(text, &expr, &error) : MBAR_INVALID;
    } else {
        PyErr_Format(PyExc_TypeError, "a literal is a bool, int, float or str, not %.100s",
                     Py_TYPE(value)->tp_name);
        return NULL;
    }
    if (status == MBAR_OK) {
        return expr_wrap(state, expr);
    }
    return PyErr_Occurred() ? NULL : mbar_py_raise(state, &error);
}

PyObject *mbar_py_expr_time(PyObject *module, PyObject *ns)
{
    mbar_py_state *state = mbar_py_state_of_module(module);
    long long value = PyLong_AsLongLong(ns);
    if (value == -1 && PyErr_Occurred()) {
        return NULL;
    }
    mbar_expr *expr;
    mbar_error error;
    return mbar_expr_time(value, &expr, &error) == MBAR_OK ? expr_wrap(state, expr)
                                                           : mbar_py_raise(state, &error);
}

static bool is_unary(mbar_op op)
{
    return op == MBAR_OP_NOT || op == MBAR_OP_NEG || op == MBAR_OP_IS_NULL || op == MBAR_OP_IS_NAN;
}

PyObject *mbar_py_expr_node(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"op", "a", "b", NULL};
    mbar_py_state *state = mbar_py_state_of_module(module);
    const char *text;
    PyObject *a, *b = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO!|O:expr_node", keywords, &text,
                                     state->expr_type, &a, &b)) {
        return NULL;
    }
    mbar_op op;
    if (mbar_py_parse_op(state, text, &op) != 0) {
        return NULL;
    }
    if (b != Py_None && !Py_IS_TYPE(b, state->expr_type)) {
        PyErr_SetString(PyExc_TypeError, "b must be an Expr or None");
        return NULL;
    }
    if ((b == Py_None) != is_unary(op)) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID, "'%s' takes %s", text,
                                  is_unary(op) ? "one operand" : "two operands");
    }
    mbar_expr *right = b != Py_None ? ((mbar_py_expr *)b)->expr : NULL;
    mbar_expr *expr;
    mbar_error error;
    return mbar_expr_node(op, ((mbar_py_expr *)a)->expr, right, &expr, &error) == MBAR_OK
               ? expr_wrap(state, expr)
               : mbar_py_raise(state, &error);
}

/* ---- Use ----------------------------------------------------------------- */

static PyObject *format(const mbar_expr *expr)
{
    size_t n = mbar_expr_format(expr, NULL, 0);
    char *text = PyMem_Malloc(n + 1);
    if (text == NULL) {
        return PyErr_NoMemory();
    }
    mbar_expr_format(expr, text, n + 1);
    PyObject *decoded = PyUnicode_DecodeUTF8(text, (Py_ssize_t)n, "replace");
    PyMem_Free(text);
    return decoded;
}

PyObject *mbar_py_expr_format(PyObject *module, PyObject *expr)
{
    if (!Py_IS_TYPE(expr, mbar_py_state_of_module(module)->expr_type)) {
        PyErr_SetString(PyExc_TypeError, "expr_format() takes an Expr");
        return NULL;
    }
    return format(((mbar_py_expr *)expr)->expr);
}

PyObject *mbar_py_expr_eval(PyObject *module, PyObject *args)
{
    mbar_py_state *state = mbar_py_state_of_module(module);
    PyObject *expr, *table;
    if (!PyArg_ParseTuple(args, "O!O!:expr_eval", state->expr_type, &expr, state->table_type,
                          &table)) {
        return NULL;
    }
    mbar_column *column;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status = mbar_expr_eval(
        ((mbar_py_expr *)expr)->expr, ((mbar_py_table *)table)->table, &column, &error);
    Py_END_ALLOW_THREADS return status == MBAR_OK ? mbar_py_column_wrap(state, column)
                                                  : mbar_py_raise(state, &error);
}

static PyObject *expr_repr(PyObject *self)
{
    PyObject *text = format(((mbar_py_expr *)self)->expr);
    PyObject *repr = text != NULL ? PyUnicode_FromFormat("<Expr %U>", text) : NULL;
    Py_XDECREF(text);
    return repr;
}

static PyType_Slot expr_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("A node of an expression tree.")},
    {Py_tp_dealloc, expr_dealloc},
    {Py_tp_repr, expr_repr},
    {0, NULL},
};

PyType_Spec mbar_py_expr_spec = {
    .name = "millibar._core.Expr",
    .basicsize = sizeof(mbar_py_expr),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = expr_slots,
};
