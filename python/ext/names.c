/*
 * names.c - words to enums, and sequences of str to C strings.
 *
 * The library names its own enums; what is looked up here is looked up in those
 * names, so that Python and C cannot drift apart. A wrong word is InvalidError
 * and lists the right ones.
 */
#include "ext.h"

#include <stdio.h>

typedef const char *(*name_of)(int value);

static const char *type_name(int value)
{
    return mbar_type_name((mbar_type)value);
}

static const char *unit_name(int value)
{
    return mbar_unit_name((mbar_unit)value);
}

static const char *step_name(int value)
{
    return mbar_step_name((mbar_step)value);
}

static const char *codec_name(int value)
{
    return mbar_codec_name((mbar_codec)value);
}

static const char *label_name(int value)
{
    return value == MBAR_LABEL_OPEN ? "open" : "close";
}

static const char *duplicates_name(int value)
{
    static const char *const names[] = {"refuse", "first", "last"};
    return names[value];
}

static const char *op_name(int value)
{
    static const char *const names[] = {
        [MBAR_OP_ADD] = "+",         [MBAR_OP_SUB] = "-",   [MBAR_OP_MUL] = "*",
        [MBAR_OP_DIV] = "/",         [MBAR_OP_EQ] = "==",   [MBAR_OP_NE] = "!=",
        [MBAR_OP_LT] = "<",          [MBAR_OP_LE] = "<=",   [MBAR_OP_GT] = ">",
        [MBAR_OP_GE] = ">=",         [MBAR_OP_AND] = "and", [MBAR_OP_OR] = "or",
        [MBAR_OP_NOT] = "not",       [MBAR_OP_NEG] = "neg", [MBAR_OP_IS_NULL] = "is_null",
        [MBAR_OP_IS_NAN] = "is_nan",
    };
    return names[value];
}

static int parse(mbar_py_state *state, const char *what, const char *text, name_of name, int first,
                 int last, int *out)
{
    char choices[256];
    size_t used = 0;
    choices[0] = '\0';
    for (int i = first; i <= last; i++) {
        if (strcmp(name(i), text) == 0) {
            *out = i;
            return 0;
        }
        int n =
            snprintf(choices + used, sizeof choices - used, "%s%s", i > first ? ", " : "", name(i));
        used += n > 0 && (size_t)n < sizeof choices - used ? (size_t)n : 0;
    }
    mbar_py_raise_text(state, MBAR_PY_INVALID, "%s '%.60s' is not one of %s", what, text, choices);
    return -1;
}

int mbar_py_parse_type(mbar_py_state *state, const char *text, mbar_type *out)
{
    int value;
    if (parse(state, "type", text, type_name, MBAR_TYPE_BOOL, MBAR_TYPE_DICT, &value) != 0) {
        return -1;
    }
    *out = (mbar_type)value;
    return 0;
}

int mbar_py_parse_unit(mbar_py_state *state, const char *text, mbar_unit *out)
{
    int value;
    if (parse(state, "unit", text, unit_name, MBAR_UNIT_S, MBAR_UNIT_NS, &value) != 0) {
        return -1;
    }
    *out = (mbar_unit)value;
    return 0;
}

int mbar_py_parse_step(mbar_py_state *state, const char *text, mbar_step *out)
{
    int value;
    if (parse(state, "step", text, step_name, MBAR_STEP_SECOND, MBAR_STEP_DAY, &value) != 0) {
        return -1;
    }
    *out = (mbar_step)value;
    return 0;
}

int mbar_py_parse_label(mbar_py_state *state, const char *text, mbar_label *out)
{
    int value;
    if (parse(state, "label", text, label_name, MBAR_LABEL_OPEN, MBAR_LABEL_CLOSE, &value) != 0) {
        return -1;
    }
    *out = (mbar_label)value;
    return 0;
}

int mbar_py_parse_duplicates(mbar_py_state *state, const char *text, mbar_duplicates *out)
{
    int value;
    if (parse(state, "duplicates", text, duplicates_name, MBAR_DUPLICATES_REFUSE,
              MBAR_DUPLICATES_KEEP_LAST, &value) != 0) {
        return -1;
    }
    *out = (mbar_duplicates)value;
    return 0;
}

int mbar_py_parse_codec(mbar_py_state *state, const char *text, mbar_codec *out)
{
    int value;
    if (parse(state, "codec", text, codec_name, MBAR_CODEC_NONE, MBAR_CODEC_ZSTD, &value) != 0) {
        return -1;
    }
    *out = (mbar_codec)value;
    return 0;
}

int mbar_py_parse_op(mbar_py_state *state, const char *text, mbar_op *out)
{
    int value;
    if (parse(state, "op", text, op_name, MBAR_OP_ADD, MBAR_OP_IS_NAN, &value) != 0) {
        return -1;
    }
    *out = (mbar_op)value;
    return 0;
}

const char *mbar_py_text(PyObject *object)
{
    Py_ssize_t n_bytes;
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "expected str, not %.100s", Py_TYPE(object)->tp_name);
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8AndSize(object, &n_bytes);
    if (text != NULL && strlen(text) != (size_t)n_bytes) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return NULL;
    }
    return text;
}

int mbar_py_names_init(mbar_py_names *self, PyObject *sequence)
{
    if (PyUnicode_Check(sequence)) {
        PyErr_SetString(PyExc_TypeError, "expected a sequence of column names, not one str");
        return -1;
    }
    PyObject *items = PySequence_Tuple(sequence);
    if (items == NULL) {
        return -1;
    }
    Py_ssize_t n = PyTuple_GET_SIZE(items);
    const char **names = n < INT32_MAX ? PyMem_New(const char *, (size_t)(n > 0 ? n : 1)) : NULL;
    if (names == NULL) {
        Py_DECREF(items);
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        names[i] = mbar_py_text(PyTuple_GET_ITEM(items, i));
        if (names[i] == NULL) {
            PyMem_Free(names);
            Py_DECREF(items);
            return -1;
        }
    }
    *self = (mbar_py_names){.items = items, .names = names, .n = (int32_t)n};
    return 0;
}

void mbar_py_names_deinit(mbar_py_names *self)
{
    PyMem_Free(self->names);
    Py_DECREF(self->items);
}
