/*
 * scan.c - the type Scan: a lazy plan whose methods return a new plan.
 *
 * Invariants
 *   - `scan` is only read while the interpreter's lock is held. What runs
 *     without it (finding files, reading a schema, collecting) runs on a copy
 *     of its own, so threads may share one Scan.
 *   - collect() and aggregate() put the copy they ran in the place of the plan: explain() then
 *     tells what was read, and `stats` is of that run.
 *   - `memory` is a tuple of memoryviews over the bytes that add_memory()
 *     borrowed; plans made from this one share it.
 */
#include "ext.h"

typedef struct mbar_py_scan {
    PyObject_HEAD mbar_scan *scan;
    PyObject *memory;
    bool has_run;
    mbar_read_stats stats;
} mbar_py_scan;

static mbar_py_scan *scan_of(PyObject *self)
{
    return (mbar_py_scan *)self;
}

/* Takes over `stolen`; shares `memory`. */
static mbar_py_scan *scan_wrap(PyTypeObject *type, mbar_scan *stolen, PyObject *memory)
{
    mbar_py_scan *self = (mbar_py_scan *)type->tp_alloc(type, 0);
    if (self == NULL) {
        mbar_scan_free(stolen);
        return NULL;
    }
    self->scan = stolen;
    self->memory = Py_NewRef(memory);
    return self;
}

static PyObject *scan_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, ":Scan", keywords)) {
        return NULL;
    }
    mbar_scan *scan;
    mbar_error error;
    if (mbar_scan_new(&scan, &error) != MBAR_OK) {
        return mbar_py_raise(PyType_GetModuleState(type), &error);
    }
    PyObject *memory = PyTuple_New(0);
    if (memory == NULL) {
        mbar_scan_free(scan);
        return NULL;
    }
    mbar_py_scan *self = scan_wrap(type, scan, memory);
    Py_DECREF(memory);
    return (PyObject *)self;
}

static int scan_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(scan_of(self)->memory);
    return 0;
}

/* The plan goes before the bytes it borrows. */
static int scan_clear(PyObject *op)
{
    mbar_py_scan *self = scan_of(op);
    mbar_scan_free(self->scan);
    self->scan = NULL;
    Py_CLEAR(self->memory);
    return 0;
}

static void scan_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    scan_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static mbar_scan *plan_copy(PyObject *self)
{
    mbar_scan *copy;
    mbar_error error;
    if (mbar_scan_copy(scan_of(self)->scan, &copy, &error) != MBAR_OK) {
        mbar_py_raise(mbar_py_state_of(self), &error);
        return NULL;
    }
    return copy;
}

/* `plan`, extended with `status`, as a new Scan; always takes over `plan`. */
static PyObject *extended(PyObject *self, mbar_scan *plan, mbar_status status,
                          const mbar_error *error)
{
    if (status != MBAR_OK) {
        mbar_scan_free(plan);
        return mbar_py_raise(mbar_py_state_of(self), error);
    }
    return (PyObject *)scan_wrap(Py_TYPE(self), plan, scan_of(self)->memory);
}

/* ---- Sources ------------------------------------------------------------- */

static PyObject *scan_add_path(PyObject *self, PyObject *path)
{
    PyObject *text;
    if (!PyUnicode_FSConverter(path, &text)) {
        return NULL;
    }
    mbar_scan *plan = plan_copy(self);
    PyObject *made = NULL;
    if (plan != NULL) {
        mbar_error error;
        mbar_status status;
        Py_BEGIN_ALLOW_THREADS status = mbar_scan_add_path(plan, PyBytes_AS_STRING(text), &error);
        Py_END_ALLOW_THREADS if (status == MBAR_NOTFOUND)
        {
            mbar_scan_free(plan);
            mbar_py_raise_missing(mbar_py_state_of(self), &error, MBAR_PY_FILE_MISSING);
        }
        else
        {
            made = extended(self, plan, status, &error);
        }
    }
    Py_DECREF(text);
    return made;
}

/* `memory` and one more view. */
static PyObject *memory_with(PyObject *memory, PyObject *view)
{
    Py_ssize_t n = PyTuple_GET_SIZE(memory);
    PyObject *grown = PyTuple_New(n + 1);
    for (Py_ssize_t i = 0; grown != NULL && i < n; i++) {
        PyTuple_SET_ITEM(grown, i, Py_NewRef(PyTuple_GET_ITEM(memory, i)));
    }
    if (grown != NULL) {
        PyTuple_SET_ITEM(grown, n, Py_NewRef(view));
    }
    return grown;
}

static PyObject *scan_add_view(PyObject *self, PyObject *view, const char *name)
{
    const Py_buffer *buffer = PyMemoryView_GET_BUFFER(view);
    mbar_py_state *state = mbar_py_state_of(self);
    if (!PyBuffer_IsContiguous(buffer, 'C')) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID, "the bytes must be contiguous");
    }
    PyObject *memory = memory_with(scan_of(self)->memory, view);
    mbar_scan *plan = memory != NULL ? plan_copy(self) : NULL;
    PyObject *made = NULL;
    if (plan != NULL) {
        mbar_error error;
        if (mbar_scan_add_memory(plan, buffer->buf, (size_t)buffer->len, name, &error) == MBAR_OK) {
            made = (PyObject *)scan_wrap(Py_TYPE(self), plan, memory);
        } else {
            mbar_scan_free(plan);
            mbar_py_raise(state, &error);
        }
    }
    Py_XDECREF(memory);
    return made;
}

static PyObject *scan_add_memory(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"data", "name", NULL};
    PyObject *data;
    const char *name = "memory";
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|s:add_memory", keywords, &data, &name)) {
        return NULL;
    }
    PyObject *view = PyMemoryView_FromObject(data);
    if (view == NULL) {
        return NULL;
    }
    PyObject *made = scan_add_view(self, view, name);
    Py_DECREF(view);
    return made;
}

static PyObject *scan_add_table(PyObject *self, PyObject *table)
{
    if (!Py_IS_TYPE(table, mbar_py_state_of(self)->table_type)) {
        PyErr_Format(PyExc_TypeError, "add_table() takes a Table, not %.100s",
                     Py_TYPE(table)->tp_name);
        return NULL;
    }
    mbar_scan *plan = plan_copy(self);
    if (plan == NULL) {
        return NULL;
    }
    mbar_error error;
    mbar_status status = mbar_scan_add_table(plan, ((mbar_py_table *)table)->table, &error);
    return extended(self, plan, status, &error);
}

/* ---- Steps --------------------------------------------------------------- */

static PyObject *scan_select(PyObject *self, PyObject *sequence)
{
    mbar_py_names names;
    if (mbar_py_names_init(&names, sequence) != 0) {
        return NULL;
    }
    mbar_scan *plan = plan_copy(self);
    PyObject *made = NULL;
    if (plan != NULL) {
        mbar_error error;
        mbar_status status = mbar_scan_select(plan, names.names, names.n, &error);
        made = extended(self, plan, status, &error);
    }
    mbar_py_names_deinit(&names);
    return made;
}

/* None means open: `open_end`. false with an exception. */
static bool end_of_span(PyObject *value, int64_t open_end, int64_t *out)
{
    *out = value == Py_None ? open_end : PyLong_AsLongLong(value);
    return *out != -1 || !PyErr_Occurred();
}

static PyObject *scan_between(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"from_ns", "to_ns", "time", NULL};
    PyObject *from, *to;
    const char *time = NULL;
    int64_t from_ns, to_ns;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|z:between", keywords, &from, &to, &time) ||
        !end_of_span(from, INT64_MIN, &from_ns) || !end_of_span(to, INT64_MAX, &to_ns)) {
        return NULL;
    }
    mbar_scan *plan = plan_copy(self);
    if (plan == NULL) {
        return NULL;
    }
    mbar_error error;
    mbar_status status = mbar_scan_between(plan, time, from_ns, to_ns, &error);
    return extended(self, plan, status, &error);
}

static PyObject *scan_filter(PyObject *self, PyObject *expr)
{
    if (!Py_IS_TYPE(expr, mbar_py_state_of(self)->expr_type)) {
        PyErr_Format(PyExc_TypeError, "filter() takes an Expr, not %.100s", Py_TYPE(expr)->tp_name);
        return NULL;
    }
    mbar_scan *plan = plan_copy(self);
    if (plan == NULL) {
        return NULL;
    }
    mbar_error error;
    mbar_status status = mbar_scan_filter(plan, ((mbar_py_expr *)expr)->expr, &error);
    return extended(self, plan, status, &error);
}

static PyObject *scan_cut(PyObject *self, PyObject *value,
                          mbar_status (*cut)(mbar_scan *, int64_t, mbar_error *))
{
    long long n_rows = PyLong_AsLongLong(value);
    if (n_rows == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (n_rows < 0) {
        return mbar_py_raise_text(mbar_py_state_of(self), MBAR_PY_INVALID,
                                  "%lld rows: a count is at least 0", n_rows);
    }
    mbar_scan *plan = plan_copy(self);
    if (plan == NULL) {
        return NULL;
    }
    mbar_error error;
    mbar_status status = cut(plan, n_rows, &error);
    return extended(self, plan, status, &error);
}

static PyObject *scan_head(PyObject *self, PyObject *n_rows)
{
    return scan_cut(self, n_rows, mbar_scan_head);
}

static PyObject *scan_tail(PyObject *self, PyObject *n_rows)
{
    return scan_cut(self, n_rows, mbar_scan_tail);
}

/* The plan keeps what it needs of options and zone. */
static PyObject *resampled(PyObject *self, const mbar_series_options *options,
                           const mbar_resample *how)
{
    mbar_scan *plan = plan_copy(self);
    if (plan == NULL) {
        return NULL;
    }
    mbar_error error;
    mbar_status status = mbar_scan_resample(plan, options, how, &error);
    return extended(self, plan, status, &error);
}

static PyObject *scan_resample(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"every", "step", "zone",       "drop_partial", "time", "period_ns",
                               "label", "sort", "duplicates", "assume_zone",  NULL};
    mbar_py_state *state = mbar_py_state_of(self);
    mbar_py_series_words words = {.step = "minute", .label = "open", .duplicates = "refuse"};
    const char *step, *zone = NULL;
    long long every;
    int drop_partial = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Ls|$zpzLspsz:resample", keywords, &every, &step,
                                     &zone, &drop_partial, &words.time, &words.period_ns,
                                     &words.label, &words.sort, &words.duplicates,
                                     &words.assume_zone)) {
        return NULL;
    }
    mbar_resample how = {.every = every, .drop_partial = drop_partial != 0};
    if (every < 1) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID, "every %lld is less than 1", every);
    }
    mbar_series_options options;
    if (mbar_py_parse_step(state, step, &how.step) != 0 ||
        mbar_py_open_zone(state, zone, &how.zone) != 0) {
        return NULL;
    }
    PyObject *made = NULL;
    if (mbar_py_series_options(state, &words, &options) == 0) {
        made = resampled(self, &options, &how);
        mbar_py_series_options_deinit(&options);
    }
    mbar_zone_unref(how.zone);
    return made;
}

static PyObject *scan_threads(PyObject *self, PyObject *value)
{
    long n = PyLong_AsLong(value);
    if (n == -1 && PyErr_Occurred()) {
        return NULL;
    }
    mbar_scan *plan = plan_copy(self);
    if (plan == NULL) {
        return NULL;
    }
    mbar_scan_threads(plan, (int32_t)(n < 0 ? 0 : n > INT32_MAX ? INT32_MAX : n));
    return (PyObject *)scan_wrap(Py_TYPE(self), plan, scan_of(self)->memory);
}

/* ---- Running ------------------------------------------------------------- */

static PyObject *scan_schema(PyObject *self, PyObject *Py_UNUSED(none))
{
    mbar_scan *plan = plan_copy(self);
    if (plan == NULL) {
        return NULL;
    }
    mbar_py_state *state = mbar_py_state_of(self);
    mbar_table *table;
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status = mbar_scan_schema(plan, &table, &error);
    mbar_scan_free(plan);
    Py_END_ALLOW_THREADS return status == MBAR_OK ? mbar_py_table_wrap(state, table)
                                                  : mbar_py_raise_read(state, &error);
}

/* The view of `memory` that holds the column's values, or NULL. */
static PyObject *view_holding(const mbar_column *column, PyObject *memory)
{
    mbar_type type = mbar_column_field(column)->type;
    if (mbar_type_width(type) == 0 || mbar_column_rows(column) == 0) {
        return NULL;
    }
    uintptr_t values = (uintptr_t)mbar_column_values(column);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(memory); i++) {
        PyObject *view = PyTuple_GET_ITEM(memory, i);
        const Py_buffer *buffer = PyMemoryView_GET_BUFFER(view);
        if (values >= (uintptr_t)buffer->buf &&
            values - (uintptr_t)buffer->buf < (size_t)buffer->len) {
            return view;
        }
    }
    return NULL;
}

/* The column, or, where its values lie in borrowed bytes, one over the same
 * values that keeps those bytes alive. A reference; NULL with an exception.
 * Values used where they lie have no nulls. */
static mbar_column *column_with_owner(mbar_py_state *state, mbar_column *column, PyObject *memory)
{
    PyObject *view = view_holding(column, memory);
    if (view == NULL) {
        return mbar_column_ref(column);
    }
    const mbar_field *field = mbar_column_field(column);
    int64_t n_rows = mbar_column_rows(column);
    mbar_buffer *buffer;
    mbar_column *owning;
    mbar_error error;
    if (mbar_py_share_part(state, view, mbar_column_values(column),
                           (size_t)n_rows * mbar_type_width(field->type), &buffer) != 0) {
        return NULL;
    }
    mbar_status status = mbar_column_new(field, n_rows, buffer, NULL, 0, &owning, &error);
    mbar_buffer_unref(buffer);
    if (status != MBAR_OK) {
        mbar_py_raise(state, &error);
        return NULL;
    }
    return owning;
}

/* A read without a copy leaves columns in the bytes of add_memory(), which the
 * plan only borrows: give each such column a part in its owner. */
static PyObject *table_with_owners(mbar_py_state *state, mbar_table *stolen, PyObject *memory)
{
    int32_t n = mbar_table_columns(stolen);
    if (PyTuple_GET_SIZE(memory) == 0 || n == 0) {
        return mbar_py_table_wrap(state, stolen);
    }
    PyObject *made = NULL;
    int32_t n_ready = 0;
    mbar_column **columns = PyMem_New(mbar_column *, (size_t)n);
    if (columns == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (; n_ready < n; n_ready++) {
        columns[n_ready] = column_with_owner(state, mbar_table_column(stolen, n_ready), memory);
        if (columns[n_ready] == NULL) {
            goto done;
        }
    }
    mbar_table *table;
    mbar_error error;
    made = mbar_table_new(columns, n, &table, &error) == MBAR_OK ? mbar_py_table_wrap(state, table)
                                                                 : mbar_py_raise(state, &error);
done:
    for (int32_t i = 0; i < n_ready; i++) {
        mbar_column_unref(columns[i]);
    }
    PyMem_Free(columns);
    mbar_table_unref(stolen);
    return made;
}

/* Puts the plan that ran in the place of the one that was asked. */
static void keep_run(mbar_py_scan *self, mbar_scan *plan, const mbar_read_stats *stats)
{
    mbar_scan_free(self->scan);
    self->scan = plan;
    self->stats = *stats;
    self->has_run = true;
}

static PyObject *scan_collect(PyObject *op, PyObject *Py_UNUSED(none))
{
    mbar_py_scan *self = scan_of(op);
    mbar_scan *plan = plan_copy(op);
    if (plan == NULL) {
        return NULL;
    }
    mbar_table *table;
    mbar_read_stats stats = {0};
    mbar_error error;
    mbar_status status;
    Py_BEGIN_ALLOW_THREADS status = mbar_scan_collect(plan, &table, &stats, &error);
    Py_END_ALLOW_THREADS if (status != MBAR_OK)
    {
        mbar_scan_free(plan);
        return mbar_py_raise_read(mbar_py_state_of(op), &error);
    }
    keep_run(self, plan, &stats);
    return table_with_owners(mbar_py_state_of(op), table, self->memory);
}

static PyObject *scan_aggregate(PyObject *op, PyObject *sequence)
{
    mbar_py_aggregates list;
    if (mbar_py_aggregates_init(&list, mbar_py_state_of(op), sequence) != 0) {
        return NULL;
    }
    mbar_scan *plan = plan_copy(op);
    PyObject *made = NULL;
    if (plan != NULL) {
        mbar_table *table;
        mbar_read_stats stats = {0};
        mbar_error error;
        mbar_status status;
        Py_BEGIN_ALLOW_THREADS status =
            mbar_scan_aggregate(plan, list.items, list.n, &table, &stats, &error);
        Py_END_ALLOW_THREADS if (status == MBAR_OK)
        {
            keep_run(scan_of(op), plan, &stats);
            made = mbar_py_table_wrap(mbar_py_state_of(op), table);
        }
        else
        {
            mbar_scan_free(plan);
            mbar_py_raise_read(mbar_py_state_of(op), &error);
        }
    }
    mbar_py_aggregates_deinit(&list);
    return made;
}

static PyObject *scan_explain(PyObject *self, PyObject *Py_UNUSED(none))
{
    const mbar_scan *scan = scan_of(self)->scan;
    size_t n = mbar_scan_explain(scan, NULL, 0);
    char *text = PyMem_Malloc(n + 1);
    if (text == NULL) {
        return PyErr_NoMemory();
    }
    mbar_scan_explain(scan, text, n + 1);
    PyObject *decoded = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "backslashreplace");
    PyMem_Free(text);
    return decoded;
}

static PyObject *scan_get_stats(PyObject *op, void *Py_UNUSED(closure))
{
    const mbar_py_scan *self = scan_of(op);
    if (!self->has_run) {
        Py_RETURN_NONE;
    }
    const mbar_read_stats *s = &self->stats;
    return Py_BuildValue(
        "{s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L}", "rows_present", (long long)s->rows_present,
        "rows_read", (long long)s->rows_read, "bytes_present", (long long)s->bytes_present,
        "bytes_read", (long long)s->bytes_read, "files_present", (long long)s->files_present,
        "files_read", (long long)s->files_read, "row_groups_present",
        (long long)s->row_groups_present, "row_groups_read", (long long)s->row_groups_read,
        "pages_present", (long long)s->pages_present, "pages_read", (long long)s->pages_read);
}

/* ---- The type ------------------------------------------------------------ */

static PyMethodDef scan_methods[] = {
    {"add_path", scan_add_path, METH_O,
     PyDoc_STR("add_path($self, path, /)\n--\n\nAlso read a file, a glob pattern or a directory.")},
    {"add_memory", MBAR_PY_METHOD(scan_add_memory), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("add_memory($self, data, name='memory')\n--\n\nAlso read Parquet bytes in memory.")},
    {"add_table", scan_add_table, METH_O,
     PyDoc_STR("add_table($self, table, /)\n--\n\nAlso read a table.")},
    {"select", scan_select, METH_O,
     PyDoc_STR("select($self, names, /)\n--\n\nKeep the named columns, in that order.")},
    {"between", MBAR_PY_METHOD(scan_between), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR(
         "between($self, from_ns, to_ns, time=None)\n--\n\nKeep from_ns <= time < to_ns; None is "
         "open.")},
    {"filter", scan_filter, METH_O,
     PyDoc_STR("filter($self, expr, /)\n--\n\nKeep the rows where expr is true.")},
    {"head", scan_head, METH_O, PyDoc_STR("head($self, n_rows, /)\n--\n\nKeep the first rows.")},
    {"tail", scan_tail, METH_O, PyDoc_STR("tail($self, n_rows, /)\n--\n\nKeep the last rows.")},
    {"resample", MBAR_PY_METHOD(scan_resample), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR(
         "resample($self, every, step, *, zone=None, drop_partial=False, time=None, period_ns=0, "
         "label='open', sort=False, duplicates='refuse', assume_zone=None)\n--\n\n"
         "Resample the rows; the keywords after drop_partial are those of Series.")},
    {"threads", scan_threads, METH_O,
     PyDoc_STR(
         "threads($self, n, /)\n--\n\nRead on n threads; 0 for as many as there are processors.")},
    {"schema", scan_schema, METH_NOARGS,
     PyDoc_STR("schema($self, /)\n--\n\nAn empty table with the columns the result will have.")},
    {"collect", scan_collect, METH_NOARGS, PyDoc_STR("collect($self, /)\n--\n\nRun the plan.")},
    {"aggregate", scan_aggregate, METH_O,
     PyDoc_STR("aggregate($self, aggregates, /)\n--\n\n"
               "A table of one row from (kind, expr or None, name) of each aggregate.")},
    {"explain", scan_explain, METH_NOARGS,
     PyDoc_STR("explain($self, /)\n--\n\nThe plan as text; after collect() with what was read.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef scan_getset[] = {
    {"stats", scan_get_stats, NULL,
     PyDoc_STR("Of the last collect(): rows, bytes, files, row groups and pages present and "
               "read; None before."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot scan_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("Scan()\n--\n\nA lazy plan; methods return a new one.")},
    {Py_tp_new, scan_new},
    {Py_tp_dealloc, scan_dealloc},
    {Py_tp_traverse, scan_traverse},
    {Py_tp_clear, scan_clear},
    {Py_tp_methods, scan_methods},
    {Py_tp_getset, scan_getset},
    {0, NULL},
};

PyType_Spec mbar_py_scan_spec = {
    .name = "millibar._core.Scan",
    .basicsize = sizeof(mbar_py_scan),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = scan_slots,
};
