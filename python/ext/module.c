/*
 * module.c - the module millibar._core: its types, functions and constants.
 *
 * Multi-phase initialization with per-module state: every interpreter that
 * imports it gets types and error classes of its own, and nothing is shared but
 * the library, whose objects any thread may read.
 */
#include "ext.h"

/* ---- Time and memory ----------------------------------------------------- */

static PyObject *time_parse(PyObject *module, PyObject *text)
{
    const char *chars = mbar_py_text(text);
    if (chars == NULL) {
        return NULL;
    }
    int64_t ns;
    bool has_offset;
    mbar_error error;
    if (mbar_time_parse(chars, &ns, &has_offset, &error) != MBAR_OK) {
        return mbar_py_raise(mbar_py_state_of_module(module), &error);
    }
    return Py_BuildValue("(LO)", (long long)ns, has_offset ? Py_True : Py_False);
}

static PyObject *time_format(PyObject *Py_UNUSED(module), PyObject *value)
{
    long long ns = PyLong_AsLongLong(value);
    if (ns == -1 && PyErr_Occurred()) {
        return NULL;
    }
    char text[40];
    mbar_time_format(ns, text, sizeof text);
    return PyUnicode_FromString(text);
}

static PyObject *memory_live_bytes(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyLong_FromSize_t(mbar_memory_live_bytes());
}

static PyObject *memory_peak_bytes(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyLong_FromSize_t(mbar_memory_peak_bytes());
}

static PyObject *set_memory_limit(PyObject *Py_UNUSED(module), PyObject *value)
{
    size_t limit = PyLong_AsSize_t(value);
    if (limit == (size_t)-1 && PyErr_Occurred()) {
        return NULL;
    }
    mbar_set_memory_limit(limit);
    Py_RETURN_NONE;
}

/* ---- The module ---------------------------------------------------------- */

static PyMethodDef module_methods[] = {
    {"table_from_arrow", mbar_py_table_from_arrow, METH_O,
     PyDoc_STR(
         "table_from_arrow($module, obj, /)\n--\n\nA Table of anything with __arrow_c_stream__ or "
         "__arrow_c_array__ (a struct array).")},
    {"concat", mbar_py_concat, METH_O,
     PyDoc_STR("concat($module, tables, /)\n--\n\nTables of the same columns, end to end.")},
    {"column_from_buffer", MBAR_PY_METHOD(mbar_py_column_from_buffer), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR(
         "column_from_buffer($module, name, data, type, *, unit='ns', zone=None, validity=None, "
         "dictionary=None)\n--\n\nA Column over a C-contiguous buffer, shared without a "
         "copy.")},
    {"column_from_text", mbar_py_column_from_text, METH_VARARGS,
     PyDoc_STR("column_from_text($module, name, values, /)\n--\n\nA utf8 Column of str and None.")},
    {"column_of_nulls", mbar_py_column_of_nulls, METH_VARARGS,
     PyDoc_STR("column_of_nulls($module, name, type, n_rows, /)\n--\n\nA Column of nulls alone.")},
    {"set_zone_directory", mbar_py_set_zone_directory, METH_O,
     PyDoc_STR(
         "set_zone_directory($module, directory, /)\n--\n\nWhere else to look for TZif files; None "
         "forgets it.")},
    {"grid", MBAR_PY_METHOD(mbar_py_grid), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("grid($module, series, step, zone, end_ns=None)\n--\n\nlumibot's grid of stamps.")},
    {"returns", mbar_py_returns, METH_O,
     PyDoc_STR("returns($module, close, /)\n--\n\n(close - previous) / previous of a float64 "
               "buffer; row 0 is "
               "NaN.")},
    {"expr_column", mbar_py_expr_column, METH_O,
     PyDoc_STR("expr_column($module, name, /)\n--\n\nThe value of a column.")},
    {"expr_literal", mbar_py_expr_literal, METH_O,
     PyDoc_STR("expr_literal($module, value, /)\n--\n\nA bool, int, float or str.")},
    {"expr_time", mbar_py_expr_time, METH_O,
     PyDoc_STR("expr_time($module, ns, /)\n--\n\nAn instant, ns UTC.")},
    {"expr_node", MBAR_PY_METHOD(mbar_py_expr_node), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("expr_node($module, op, a, b=None)\n--\n\nAn operation on one or two expressions.")},
    {"expr_format", mbar_py_expr_format, METH_O,
     PyDoc_STR("expr_format($module, expr, /)\n--\n\nThe expression as text.")},
    {"expr_eval", mbar_py_expr_eval, METH_VARARGS,
     PyDoc_STR("expr_eval($module, expr, table, /)\n--\n\nThe value per row, as a Column.")},
    {"parquet_write", MBAR_PY_METHOD(mbar_py_parquet_write), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("parquet_write($module, table, path, *, codec='none', level=0, row_group_rows=0, "
               "page_rows=0, period=None)\n--\n\nWrites through a temporary file and a rename.")},
    {"parquet_info", mbar_py_parquet_info, METH_O,
     PyDoc_STR("parquet_info($module, path, /)\n--\n\nWhat the footer of a Parquet file says.")},
    {"indicator_names", mbar_py_indicator_names, METH_NOARGS,
     PyDoc_STR("indicator_names($module, /)\n--\n\nThe indicators there are, sorted.")},
    {"indicator_spec", mbar_py_indicator_describe, METH_O,
     PyDoc_STR("indicator_spec($module, name, /)\n--\n\nInputs, parameters and outputs of one.")},
    {"table_indicator", MBAR_PY_METHOD(mbar_py_table_indicator), METH_FASTCALL,
     PyDoc_STR("table_indicator($module, table, name, params, columns=None, /)\n--\n\nThe outputs "
               "of an indicator over a table's rows, a float64 Column each.")},
    {"cross", MBAR_PY_METHOD(mbar_py_cross), METH_FASTCALL,
     PyDoc_STR("cross($module, a, b, above, /)\n--\n\nOne byte a row, 1 where a crosses b.")},
    {"signals_run", MBAR_PY_METHOD(mbar_py_signals_run), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("signals_run($module, series, symbol, entries=None, exits=None, short_entries=None, "
               "short_exits=None, *, kind='stock', multiplier=1.0, margin=0.0, tick=0.0, size=1.0, "
               "share=0.0, lot=0.0, budget=100000.0, buy_fees=(), sell_fees=(), "
               "slippage_ticks=0.0, slippage_percent=0.0, volume_share=0.0, "
               "close_at_end=False)\n--\n\n(fills, equity) of arrays of signals.")},
    {"time_parse", time_parse, METH_O,
     PyDoc_STR("time_parse($module, text, /)\n--\n\n(ns, whether a zone was written) of an ISO "
               "8601 time.")},
    {"time_format", time_format, METH_O,
     PyDoc_STR("time_format($module, ns, /)\n--\n\nISO 8601 with a Z.")},
    {"memory_live_bytes", memory_live_bytes, METH_NOARGS,
     PyDoc_STR("memory_live_bytes($module, /)\n--\n\nBytes the library holds now.")},
    {"memory_peak_bytes", memory_peak_bytes, METH_NOARGS,
     PyDoc_STR("memory_peak_bytes($module, /)\n--\n\nThe most it ever held.")},
    {"set_memory_limit", set_memory_limit, METH_O,
     PyDoc_STR("set_memory_limit($module, limit_bytes, /)\n--\n\nRefuse to hold more; 0 means no "
               "limit.")},
    {NULL, NULL, 0, NULL},
};

static int add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **out)
{
    *out = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *out != NULL ? PyModule_AddType(module, *out) : -1;
}

static int add_sequence_types(PyObject *module, mbar_py_state *state)
{
    state->order_type = mbar_py_order_type_new();
    state->position_type = mbar_py_position_type_new();
    return state->order_type != NULL && state->position_type != NULL &&
                   PyModule_AddType(module, state->order_type) == 0 &&
                   PyModule_AddType(module, state->position_type) == 0
               ? 0
               : -1;
}

static int add_types(PyObject *module, mbar_py_state *state)
{
    return add_type(module, &mbar_py_column_spec, &state->column_type) == 0 &&
                   add_type(module, &mbar_py_table_spec, &state->table_type) == 0 &&
                   add_type(module, &mbar_py_zone_spec, &state->zone_type) == 0 &&
                   add_type(module, &mbar_py_series_spec, &state->series_type) == 0 &&
                   add_type(module, &mbar_py_expr_spec, &state->expr_type) == 0 &&
                   add_type(module, &mbar_py_scan_spec, &state->scan_type) == 0 &&
                   add_type(module, &mbar_py_engine_spec, &state->engine_type) == 0 &&
                   add_type(module, &mbar_py_indicator_spec, &state->indicator_type) == 0 &&
                   add_sequence_types(module, state) == 0
               ? 0
               : -1;
}

static int add_constants(PyObject *module)
{
    return PyModule_AddStringConstant(module, "__version__", mbar_version()) == 0 &&
                   PyModule_AddIntConstant(module, "STRICT", MBAR_POLICY_STRICT) == 0 &&
                   PyModule_AddIntConstant(module, "LUMIBOT", MBAR_POLICY_LUMIBOT) == 0 &&
                   PyModule_AddIntConstant(module, "BAR_NONE", MBAR_BAR_NONE) == 0 &&
                   PyModule_AddIntConstant(module, "BAR_FORMING", MBAR_BAR_FORMING) == 0 &&
                   PyModule_AddIntConstant(module, "BAR_CLOSED", MBAR_BAR_CLOSED) == 0
               ? 0
               : -1;
}

static int module_exec(PyObject *module)
{
    mbar_py_state *state = mbar_py_state_of_module(module);
    return mbar_py_errors_init(state) == 0 && mbar_py_words_init(state) == 0 &&
                   add_types(module, state) == 0 && add_constants(module) == 0
               ? 0
               : -1;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    mbar_py_state *state = mbar_py_state_of_module(module);
    Py_VISIT(state->column_type);
    Py_VISIT(state->table_type);
    Py_VISIT(state->zone_type);
    Py_VISIT(state->series_type);
    Py_VISIT(state->expr_type);
    Py_VISIT(state->scan_type);
    Py_VISIT(state->engine_type);
    Py_VISIT(state->indicator_type);
    Py_VISIT(state->order_type);
    Py_VISIT(state->position_type);
    for (int i = 0; i < MBAR_PY_N_ERRORS; i++) {
        Py_VISIT(state->errors[i]);
    }
    return 0;
}

static int module_clear(PyObject *module)
{
    mbar_py_state *state = mbar_py_state_of_module(module);
    Py_CLEAR(state->column_type);
    Py_CLEAR(state->table_type);
    Py_CLEAR(state->zone_type);
    Py_CLEAR(state->series_type);
    Py_CLEAR(state->expr_type);
    Py_CLEAR(state->scan_type);
    Py_CLEAR(state->engine_type);
    Py_CLEAR(state->indicator_type);
    Py_CLEAR(state->order_type);
    Py_CLEAR(state->position_type);
    mbar_py_words_clear(state);
    for (int i = 0; i < MBAR_PY_N_ERRORS; i++) {
        Py_CLEAR(state->errors[i]);
    }
    return 0;
}

static void module_free(void *module)
{
    module_clear(module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "millibar._core",
    .m_doc = PyDoc_STR("Columns, tables, series, plans, zones and engines of libmillibar."),
    .m_size = sizeof(mbar_py_state),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&module_def);
}
