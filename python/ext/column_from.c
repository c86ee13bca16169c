/*
 * column_from.c - columns out of Python's own data: buffers and texts; and of nulls.
 *
 * A buffer is shared, not copied: the column's mbar_buffer owns the Py_buffer
 * and lets it go with its last reference. That may happen on any thread, with
 * or without the interpreter's lock (an Arrow consumer drops our export from
 * its own pool), so buffer_owner_release finds a thread state of the owner's
 * interpreter first. A buffer must not outlive its interpreter; one that lives
 * to the end of the process is left to the operating system.
 */
#include "ext.h"

#include <stdint.h>

/* ---- Sharing a Py_buffer ------------------------------------------------- */

typedef struct buffer_owner {
    Py_buffer view;
    PyInterpreterState *interpreter;
} buffer_owner;

/* The thread state this thread runs Python with, or NULL where it does not hold
 * the interpreter's lock. */
static PyThreadState *attached_thread_state(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyThreadState_GetUnchecked();
#elif PY_VERSION_HEX >= 0x030C0000
    return _PyThreadState_UncheckedGet();
#else
    /* Before 3.12 the current state is the process's, not the thread's: it may
     * be that of another thread, which holds the lock while this one does not. */
    PyThreadState *current = _PyThreadState_UncheckedGet();
    PyThreadState *own = PyGILState_GetThisThreadState();
    if (current == NULL || own == NULL || current == own) {
        return own != NULL ? current : NULL;
    }
    return current->thread_id == PyThread_get_thread_ident() ? current : NULL;
#endif
}

static bool interpreter_is_ending(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return !Py_IsInitialized() || Py_IsFinalizing();
#else
    return !Py_IsInitialized() || _Py_IsFinalizing();
#endif
}

static void buffer_owner_free(buffer_owner *self)
{
    PyBuffer_Release(&self->view);
    PyMem_RawFree(self);
}

static void buffer_owner_release(void *owner)
{
    buffer_owner *self = owner;
    PyThreadState *attached = attached_thread_state();
    if (attached != NULL && PyThreadState_GetInterpreter(attached) == self->interpreter) {
        buffer_owner_free(self);
        return;
    }
    if (interpreter_is_ending()) {
        return;
    }
    if (attached == NULL && self->interpreter == PyInterpreterState_Main()) {
        PyGILState_STATE held = PyGILState_Ensure();
        buffer_owner_free(self);
        PyGILState_Release(held);
        return;
    }
    if (attached != NULL) {
        PyEval_ReleaseThread(attached);
    }
    PyThreadState *borrowed = PyThreadState_New(self->interpreter);
    if (borrowed != NULL) {
        PyEval_AcquireThread(borrowed);
        buffer_owner_free(self);
        PyThreadState_Clear(borrowed);
        PyThreadState_DeleteCurrent();
    }
    if (attached != NULL) {
        PyEval_AcquireThread(attached);
    }
}

/* n_bytes at data, inside *view, which is moved into *out; on failure *view has
 * been released. */
static int share(mbar_py_state *state, Py_buffer *view, const void *data, size_t n_bytes,
                 mbar_buffer **out)
{
    buffer_owner *owner = PyMem_RawMalloc(sizeof *owner);
    if (owner == NULL) {
        PyBuffer_Release(view);
        PyErr_NoMemory();
        return -1;
    }
    owner->view = *view;
    owner->interpreter = PyInterpreterState_Get();
    mbar_error error;
    if (mbar_buffer_wrap(data, n_bytes, buffer_owner_release, owner, out, &error) != MBAR_OK) {
        buffer_owner_free(owner);
        mbar_py_raise(state, &error);
        return -1;
    }
    return 0;
}

int mbar_py_share_part(mbar_py_state *state, PyObject *exporter, const void *data, size_t n_bytes,
                       mbar_buffer **out)
{
    Py_buffer view;
    if (PyObject_GetBuffer(exporter, &view, PyBUF_SIMPLE) != 0) {
        return -1;
    }
    return share(state, &view, data, n_bytes, out);
}

/* A copy of *view; *view stays the caller's. */
static int copy_bytes(mbar_py_state *state, const Py_buffer *view, mbar_buffer **out)
{
    mbar_error error;
    mbar_buffer *buffer;
    if (mbar_buffer_new((size_t)view->len, &buffer, &error) != MBAR_OK) {
        mbar_py_raise(state, &error);
        return -1;
    }
    if (view->len > 0) {
        memcpy(mbar_buffer_writable(buffer), view->buf, (size_t)view->len);
    }
    *out = buffer;
    return 0;
}

/* One byte a value into bits, least significant first. */
static int pack_bits(mbar_py_state *state, const Py_buffer *view, mbar_buffer **out)
{
    mbar_error error;
    mbar_buffer *buffer;
    size_t n = (size_t)view->len;
    if (mbar_buffer_new((n + 7) / 8, &buffer, &error) != MBAR_OK) {
        mbar_py_raise(state, &error);
        return -1;
    }
    const uint8_t *bytes = view->buf;
    uint8_t *bits = mbar_buffer_writable(buffer);
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != 0) {
            bits[i >> 3] = (uint8_t)(bits[i >> 3] | (1u << (i & 7)));
        }
    }
    *out = buffer;
    return 0;
}

/* ---- Which buffers fit which types --------------------------------------- */

/* 'i' signed, 'u' unsigned, 'f' floating, '?' bool, 'b' plain bytes, 0 other. */
static char kind_of_format(const Py_buffer *view)
{
    const char *format = view->format != NULL ? view->format : "B";
    if (*format == '@' || *format == '=' || *format == '<') {
        format++;
    }
    if (*format == '\0' || format[1] != '\0') {
        return 0;
    }
    if (view->itemsize == 1) {
        return *format == '?' ? '?' : 'b';
    }
    return strchr("hilqn", *format) != NULL   ? 'i'
           : strchr("HILQN", *format) != NULL ? 'u'
           : strchr("fd", *format) != NULL    ? 'f'
                                              : 0;
}

static char kind_of_type(mbar_type type)
{
    switch (type) {
    case MBAR_TYPE_UINT64:
        return 'u';
    case MBAR_TYPE_FLOAT32:
    case MBAR_TYPE_FLOAT64:
        return 'f';
    case MBAR_TYPE_BOOL:
        return '?';
    case MBAR_TYPE_INT32:
    case MBAR_TYPE_INT64:
    case MBAR_TYPE_TIMESTAMP:
    case MBAR_TYPE_DICT:
    case MBAR_TYPE_UTF8:
        break;
    }
    return 'i';
}

/* Rows that the buffer holds as values of type, or -1 with InvalidError. Plain
 * bytes are taken as the values' own bytes. */
static int64_t rows_of(mbar_py_state *state, const Py_buffer *view, mbar_type type)
{
    size_t width = type == MBAR_TYPE_BOOL ? 1 : mbar_type_width(type);
    char kind = kind_of_format(view);
    bool same = kind == kind_of_type(type) && (size_t)view->itemsize == width;
    if (!same && kind != 'b') {
        mbar_py_raise_text(state, MBAR_PY_INVALID,
                           "a buffer of format '%.20s' does not hold %s values: convert it first",
                           view->format != NULL ? view->format : "B", mbar_type_name(type));
        return -1;
    }
    if ((size_t)view->len % width != 0) {
        mbar_py_raise_text(state, MBAR_PY_INVALID, "%zd bytes are not a whole number of %s values",
                           view->len, mbar_type_name(type));
        return -1;
    }
    return (int64_t)((size_t)view->len / width);
}

/* Data of the column; *view has been released or moved in every case. */
static int data_buffer(mbar_py_state *state, Py_buffer *view, mbar_type type, mbar_buffer **out)
{
    size_t width = mbar_type_width(type);
    int rc;
    if (type == MBAR_TYPE_BOOL) {
        rc = pack_bits(state, view, out);
    } else if ((uintptr_t)view->buf % width != 0) {
        rc = copy_bytes(state, view, out);
    } else {
        return share(state, view, view->buf, (size_t)view->len, out);
    }
    PyBuffer_Release(view);
    return rc;
}

/* Bitmap of `validity`, None or one byte a row; *out NULL for None. */
static int validity_bitmap(mbar_py_state *state, PyObject *validity, int64_t n_rows,
                           mbar_buffer **out)
{
    *out = NULL;
    if (validity == Py_None) {
        return 0;
    }
    Py_buffer view;
    if (PyObject_GetBuffer(validity, &view, PyBUF_C_CONTIGUOUS) != 0) {
        return -1;
    }
    int rc = -1;
    if (view.itemsize != 1 || view.len != n_rows) {
        mbar_py_raise_text(state, MBAR_PY_INVALID,
                           "validity must be one byte a row: %lld bytes, not %zd",
                           (long long)n_rows, view.len);
    } else {
        rc = pack_bits(state, &view, out);
    }
    PyBuffer_Release(&view);
    return rc;
}

/* ---- column_from_buffer -------------------------------------------------- */

typedef struct buffer_arguments {
    const char *name, *type, *unit, *zone;
    PyObject *data, *validity, *dictionary;
} buffer_arguments;

static PyObject *make_column(mbar_py_state *state, const mbar_field *field, int64_t n_rows,
                             mbar_buffer *data, const buffer_arguments *given)
{
    mbar_buffer *validity;
    if (validity_bitmap(state, given->validity, n_rows, &validity) != 0) {
        return NULL;
    }
    mbar_error error;
    mbar_column *column;
    mbar_status status;
    if (field->type == MBAR_TYPE_DICT) {
        mbar_column *texts = ((mbar_py_column *)given->dictionary)->column;
        status = mbar_column_new_dict(field, n_rows, data, texts, validity, -1, &column, &error);
    } else {
        status = mbar_column_new(field, n_rows, data, validity, -1, &column, &error);
    }
    mbar_buffer_unref(validity);
    return status == MBAR_OK ? mbar_py_column_wrap(state, column) : mbar_py_raise(state, &error);
}

static PyObject *from_buffer(mbar_py_state *state, const mbar_field *field,
                             const buffer_arguments *given)
{
    Py_buffer view;
    if (PyObject_GetBuffer(given->data, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0) {
        return NULL;
    }
    int64_t n_rows = rows_of(state, &view, field->type);
    if (n_rows < 0) {
        PyBuffer_Release(&view);
        return NULL;
    }
    mbar_buffer *data;
    if (data_buffer(state, &view, field->type, &data) != 0) {
        return NULL;
    }
    PyObject *column = make_column(state, field, n_rows, data, given);
    mbar_buffer_unref(data);
    return column;
}

PyObject *mbar_py_column_from_buffer(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"name", "data",     "type",       "unit",
                               "zone", "validity", "dictionary", NULL};
    buffer_arguments given = {.unit = "ns", .validity = Py_None, .dictionary = Py_None};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sOs|$szOO:column_from_buffer", keywords,
                                     &given.name, &given.data, &given.type, &given.unit,
                                     &given.zone, &given.validity, &given.dictionary)) {
        return NULL;
    }
    mbar_py_state *state = mbar_py_state_of_module(module);
    mbar_field field = {.name = given.name, .nullable = given.validity != Py_None};
    if (mbar_py_parse_type(state, given.type, &field.type) != 0 ||
        mbar_py_parse_unit(state, given.unit, &field.unit) != 0) {
        return NULL;
    }
    field.zone = field.type == MBAR_TYPE_TIMESTAMP ? given.zone : NULL;
    if (field.type == MBAR_TYPE_UTF8) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID,
                                  "utf8 values are made by column_from_text()");
    }
    bool has_texts = Py_IS_TYPE(given.dictionary, state->column_type);
    if (has_texts != (field.type == MBAR_TYPE_DICT)) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID,
                                  "dictionary, a utf8 Column, belongs to the type dictionary and "
                                  "to no other");
    }
    return from_buffer(state, &field, &given);
}

/* ---- column_of_nulls ----------------------------------------------------- */

PyObject *mbar_py_column_of_nulls(PyObject *module, PyObject *args)
{
    const char *name, *type;
    long long n_rows;
    if (!PyArg_ParseTuple(args, "ssL:column_of_nulls", &name, &type, &n_rows)) {
        return NULL;
    }
    mbar_py_state *state = mbar_py_state_of_module(module);
    mbar_field field = {.name = name, .nullable = true};
    if (mbar_py_parse_type(state, type, &field.type) != 0) {
        return NULL;
    }
    if (field.type == MBAR_TYPE_UTF8 || field.type == MBAR_TYPE_DICT || n_rows < 0 ||
        n_rows > (long long)(PTRDIFF_MAX / sizeof(int64_t))) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID,
                                  "%lld nulls of %s: 0 or more of a type of fixed width are wanted",
                                  n_rows, type);
    }
    field.zone = field.type == MBAR_TYPE_TIMESTAMP ? "UTC" : NULL;
    field.unit = MBAR_UNIT_NS;
    size_t n_bits = ((size_t)n_rows + 7) / 8;
    size_t n_bytes = field.type == MBAR_TYPE_BOOL
                         ? n_bits
                         : (size_t)n_rows * (size_t)mbar_type_width(field.type);
    mbar_error error;
    mbar_buffer *data = NULL, *validity = NULL;
    mbar_column *column = NULL;
    mbar_status status = mbar_buffer_new(n_bytes, &data, &error);
    if (status == MBAR_OK) {
        status = mbar_buffer_new(n_bits, &validity, &error);
    }
    if (status == MBAR_OK) {
        status = mbar_column_new(&field, n_rows, data, validity, n_rows, &column, &error);
    }
    mbar_buffer_unref(data);
    mbar_buffer_unref(validity);
    return status == MBAR_OK ? mbar_py_column_wrap(state, column) : mbar_py_raise(state, &error);
}

/* ---- column_from_text ---------------------------------------------------- */

typedef struct text_buffers {
    mbar_buffer *offsets, *bytes, *validity;
} text_buffers;

static void text_buffers_deinit(text_buffers *self)
{
    mbar_buffer_unref(self->offsets);
    mbar_buffer_unref(self->bytes);
    mbar_buffer_unref(self->validity);
}

/* Bytes of all texts, or -1 with an exception. Checks every item's type. */
static int64_t total_bytes(mbar_py_state *state, PyObject *items)
{
    int64_t total = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); i++) {
        PyObject *item = PyTuple_GET_ITEM(items, i);
        Py_ssize_t n_bytes = 0;
        if (item != Py_None && !PyUnicode_Check(item)) {
            PyErr_Format(PyExc_TypeError, "row %zd: expected str or None, not %.100s", i,
                         Py_TYPE(item)->tp_name);
            return -1;
        }
        if (item != Py_None && PyUnicode_AsUTF8AndSize(item, &n_bytes) == NULL) {
            return -1;
        }
        total += n_bytes;
        if (total > INT32_MAX) {
            mbar_py_raise_text(state, MBAR_PY_INVALID,
                               "the texts exceed 2 GiB at row %zd: split the column", i);
            return -1;
        }
    }
    return total;
}

static int text_buffers_init(mbar_py_state *state, text_buffers *self, Py_ssize_t n,
                             int64_t n_bytes)
{
    *self = (text_buffers){NULL, NULL, NULL};
    mbar_error error;
    if (mbar_buffer_new(((size_t)n + 1) * sizeof(int32_t), &self->offsets, &error) != MBAR_OK ||
        mbar_buffer_new((size_t)n_bytes, &self->bytes, &error) != MBAR_OK ||
        mbar_buffer_new(((size_t)n + 7) / 8, &self->validity, &error) != MBAR_OK) {
        text_buffers_deinit(self);
        mbar_py_raise(state, &error);
        return -1;
    }
    return 0;
}

/* Number of nulls. The texts were encoded by total_bytes, so none can fail. */
static int64_t fill_texts(text_buffers *self, PyObject *items)
{
    int32_t *offsets = mbar_buffer_writable(self->offsets);
    char *bytes = mbar_buffer_writable(self->bytes);
    uint8_t *validity = mbar_buffer_writable(self->validity);
    int64_t n_nulls = 0;
    int32_t at = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); i++) {
        PyObject *item = PyTuple_GET_ITEM(items, i);
        offsets[i] = at;
        if (item == Py_None) {
            n_nulls++;
            continue;
        }
        Py_ssize_t n_bytes;
        const char *text = PyUnicode_AsUTF8AndSize(item, &n_bytes);
        if (n_bytes > 0) {
            memcpy(bytes + at, text, (size_t)n_bytes);
        }
        at += (int32_t)n_bytes;
        validity[i >> 3] = (uint8_t)(validity[i >> 3] | (1u << (i & 7)));
    }
    offsets[PyTuple_GET_SIZE(items)] = at;
    return n_nulls;
}

static PyObject *column_of_texts(mbar_py_state *state, const char *name, PyObject *items)
{
    int64_t n_bytes = total_bytes(state, items);
    text_buffers buffers;
    if (n_bytes < 0 || text_buffers_init(state, &buffers, PyTuple_GET_SIZE(items), n_bytes) != 0) {
        return NULL;
    }
    int64_t n_nulls = fill_texts(&buffers, items);
    mbar_field field = {.name = name, .type = MBAR_TYPE_UTF8, .nullable = n_nulls > 0};
    mbar_error error;
    mbar_column *column;
    mbar_status status =
        mbar_column_new_utf8(&field, PyTuple_GET_SIZE(items), buffers.offsets, buffers.bytes,
                             n_nulls > 0 ? buffers.validity : NULL, n_nulls, &column, &error);
    text_buffers_deinit(&buffers);
    return status == MBAR_OK ? mbar_py_column_wrap(state, column) : mbar_py_raise(state, &error);
}

PyObject *mbar_py_column_from_text(PyObject *module, PyObject *args)
{
    const char *name;
    PyObject *values;
    if (!PyArg_ParseTuple(args, "sO:column_from_text", &name, &values)) {
        return NULL;
    }
    PyObject *items = PySequence_Tuple(values);
    if (items == NULL) {
        return NULL;
    }
    PyObject *column = column_of_texts(mbar_py_state_of_module(module), name, items);
    Py_DECREF(items);
    return column;
}
