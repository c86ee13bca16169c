/*
 * aggregate.c - (kind, expr or None, name) tuples as aggregates of a scan.
 *
 * Expressions and names are borrowed from the tuples, which live as long as `tuples`.
 */
#include "ext.h"

/* 0, or -1 with an exception. */
static int parse_kind(mbar_py_state *state, const char *word, mbar_aggregate_kind *out)
{
    for (int kind = MBAR_AGGREGATE_COUNT; kind <= MBAR_AGGREGATE_LAST; kind++) {
        if (strcmp(word, mbar_aggregate_name((mbar_aggregate_kind)kind)) == 0) {
            *out = (mbar_aggregate_kind)kind;
            return 0;
        }
    }
    mbar_py_raise_text(state, MBAR_PY_INVALID, "'%.50s' is not an aggregate", word);
    return -1;
}

/* 0, or -1 with an exception. */
static int parse(mbar_py_state *state, PyObject *tuple, mbar_aggregate *out)
{
    const char *word;
    PyObject *expr;
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_TypeError, "an aggregate is a tuple (kind, expr or None, name)");
        return -1;
    }
    if (!PyArg_ParseTuple(tuple, "sOs:aggregate", &word, &expr, &out->name) ||
        parse_kind(state, word, &out->kind) != 0) {
        return -1;
    }
    if (expr == Py_None && out->kind != MBAR_AGGREGATE_COUNT) {
        PyErr_Format(PyExc_TypeError, "%s needs an Expr", word);
        return -1;
    }
    if (expr != Py_None && !Py_IS_TYPE(expr, state->expr_type)) {
        PyErr_Format(PyExc_TypeError, "aggregate() takes an Expr, not %.100s",
                     Py_TYPE(expr)->tp_name);
        return -1;
    }
    out->expr = expr != Py_None ? ((mbar_py_expr *)expr)->expr : NULL;
    return 0;
}

int mbar_py_aggregates_init(mbar_py_aggregates *self, mbar_py_state *state, PyObject *sequence)
{
    *self = (mbar_py_aggregates){.tuples = PySequence_Tuple(sequence)};
    if (self->tuples == NULL) {
        return -1;
    }
    Py_ssize_t n = PyTuple_GET_SIZE(self->tuples);
    self->items = n <= INT32_MAX ? PyMem_New(mbar_aggregate, (size_t)n + 1) : NULL;
    if (self->items == NULL) {
        PyErr_NoMemory();
        mbar_py_aggregates_deinit(self);
        return -1;
    }
    for (; self->n < (int32_t)n; self->n++) {
        PyObject *tuple = PyTuple_GET_ITEM(self->tuples, self->n);
        if (parse(state, tuple, &self->items[self->n]) != 0) {
            mbar_py_aggregates_deinit(self);
            return -1;
        }
    }
    return 0;
}

void mbar_py_aggregates_deinit(mbar_py_aggregates *self)
{
    PyMem_Free(self->items);
    Py_XDECREF(self->tuples);
}
