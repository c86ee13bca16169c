/*
 * signals.c - signals_run(): arrays of signals over a series, in one call.
 *
 * The arrays are read where they are, through the buffer protocol, and the
 * interpreter's lock is let go while the bars are walked. The caller must not
 * write to an array meanwhile: that would be a race, and give no error.
 */
#include "ext.h"

#include <millibar/sim.h>

enum { N_ARRAYS = 4, MAX_FEES = 16 };

static const char *const array_names[N_ARRAYS] = {"entries", "exits", "short_entries",
                                                  "short_exits"};

/* What the call was given, and holds. */
typedef struct signals_call {
    mbar_series *series; /* borrowed */
    mbar_asset asset;
    mbar_signals signals;
    mbar_signal_options options;
    mbar_fee buy_fees[MAX_FEES], sell_fees[MAX_FEES];
    Py_buffer views[N_ARRAYS];
    bool held[N_ARRAYS];
} signals_call;

static void release_arrays(signals_call *call)
{
    for (int i = 0; i < N_ARRAYS; i++) {
        if (call->held[i]) {
            PyBuffer_Release(&call->views[i]);
        }
    }
}

/* A byte a row, from bool, uint8 or int8. */
static int take_array(mbar_py_state *state, signals_call *call, int i, PyObject *object,
                      const uint8_t **out)
{
    int64_t n_rows = mbar_series_rows(call->series);
    *out = NULL;
    if (object == Py_None) {
        return 0;
    }
    if (PyObject_GetBuffer(object, &call->views[i], PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0) {
        return -1;
    }
    call->held[i] = true;
    const Py_buffer *view = &call->views[i];
    const char *format = view->format != NULL ? view->format : "B";
    if (view->itemsize != 1 || strchr("?Bb", format[0]) == NULL || format[1] != '\0') {
        mbar_py_raise_text(state, MBAR_PY_INVALID, "%s is an array of '%.20s': bool is wanted",
                           array_names[i], format);
        return -1;
    }
    if (view->len != n_rows) {
        mbar_py_raise_text(state, MBAR_PY_INVALID,
                           "%s has %zd values and the bars have %lld rows: one a row is wanted",
                           array_names[i], view->len, (long long)n_rows);
        return -1;
    }
    *out = view->buf;
    return 0;
}

static int take_arrays(mbar_py_state *state, signals_call *call, PyObject *const *objects)
{
    const uint8_t **places[N_ARRAYS] = {&call->signals.entries, &call->signals.exits,
                                        &call->signals.short_entries, &call->signals.short_exits};
    for (int i = 0; i < N_ARRAYS; i++) {
        if (take_array(state, call, i, objects[i], places[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

/* A sequence of (flat, percent, per_contract, maker, taker). */
static int take_fees(PyObject *sequence, mbar_fee *fees, int32_t *n)
{
    PyObject *items = PySequence_Tuple(sequence);
    int rc = items != NULL ? 0 : -1;
    *n = 0;
    for (Py_ssize_t i = 0; rc == 0 && i < PyTuple_GET_SIZE(items); i++) {
        int maker, taker;
        mbar_fee *fee = &fees[*n];
        if (*n == MAX_FEES) {
            PyErr_Format(PyExc_ValueError, "more than %d fees", MAX_FEES);
            rc = -1;
        } else if (!PyArg_ParseTuple(PyTuple_GET_ITEM(items, i), "dddpp", &fee->flat, &fee->percent,
                                     &fee->per_contract, &maker, &taker)) {
            rc = -1;
        } else {
            fee->maker = maker != 0;
            fee->taker = taker != 0;
            (*n)++;
        }
    }
    Py_XDECREF(items);
    return rc;
}

static int take_kind(mbar_py_state *state, const char *kind, mbar_asset_kind *out)
{
    static const char *const kinds[] = {"stock", "future", "crypto", "forex", "index"};
    for (int i = 0; i < 5; i++) {
        if (strcmp(kinds[i], kind) == 0) {
            *out = (mbar_asset_kind)i;
            return 0;
        }
    }
    mbar_py_raise_text(state, MBAR_PY_INVALID,
                       "kind cannot be '%.40s': it is stock, future, crypto, forex or index", kind);
    return -1;
}

/* (fills, equity) of a call whose arguments have been read. */
static PyObject *run(mbar_py_state *state, const signals_call *call)
{
    mbar_error error;
    mbar_table *fills = NULL;
    mbar_buffer *equity = NULL;
    mbar_column *column = NULL;
    mbar_status status;
    int64_t n_rows = mbar_series_rows(call->series);
    Py_BEGIN_ALLOW_THREADS;
    status = mbar_buffer_new((size_t)n_rows * sizeof(double), &equity, &error);
    if (status == MBAR_OK) {
        status = mbar_signals_run(call->series, &call->asset, &call->signals, &call->options,
                                  &fills, mbar_buffer_writable(equity), &error);
    }
    Py_END_ALLOW_THREADS;
    if (status == MBAR_OK) {
        mbar_field field = {.name = "portfolio_value", .type = MBAR_TYPE_FLOAT64};
        status = mbar_column_new(&field, n_rows, equity, NULL, 0, &column, &error);
    }
    mbar_buffer_unref(equity);
    if (status != MBAR_OK) {
        mbar_table_unref(fills);
        return mbar_py_raise(state, &error);
    }
    PyObject *table = mbar_py_table_wrap(state, fills);
    PyObject *values = mbar_py_column_wrap(state, column);
    PyObject *both = table != NULL && values != NULL ? PyTuple_Pack(2, table, values) : NULL;
    Py_XDECREF(table);
    Py_XDECREF(values);
    return both;
}

PyObject *mbar_py_signals_run(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"series",       "symbol",         "entries",
                            "exits",        "short_entries",  "short_exits",
                            "kind",         "multiplier",     "margin",
                            "tick",         "size",           "share",
                            "lot",          "budget",         "buy_fees",
                            "sell_fees",    "slippage_ticks", "slippage_percent",
                            "volume_share", "close_at_end",   NULL};
    mbar_py_state *state = mbar_py_state_of_module(module);
    signals_call call = {.signals = {.size = 1}};
    PyObject *series, *arrays[N_ARRAYS] = {Py_None, Py_None, Py_None, Py_None};
    PyObject *buy_fees = NULL, *sell_fees = NULL;
    const char *kind = "stock";
    int close_at_end = 0;
    mbar_asset_init(&call.asset);
    mbar_signal_options_init(&call.options);
    mbar_signal_options *options = &call.options;
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "O!s|OOOO$sdddddddOOdddp:signals_run", names, state->series_type, &series,
            &call.asset.symbol, &arrays[0], &arrays[1], &arrays[2], &arrays[3], &kind,
            &call.asset.multiplier, &call.asset.margin, &call.asset.tick, &call.signals.size,
            &call.signals.share, &call.signals.lot, &options->budget, &buy_fees, &sell_fees,
            &options->frictions.slippage_ticks, &options->frictions.slippage_percent,
            &options->frictions.volume_share, &close_at_end)) {
        return NULL;
    }
    call.series = ((mbar_py_series *)series)->series;
    options->close_at_end = close_at_end != 0;
    options->buy_fees = call.buy_fees;
    options->sell_fees = call.sell_fees;
    PyObject *result = NULL;
    if (take_kind(state, kind, &call.asset.kind) == 0 &&
        (buy_fees == NULL || take_fees(buy_fees, call.buy_fees, &options->n_buy_fees) == 0) &&
        (sell_fees == NULL || take_fees(sell_fees, call.sell_fees, &options->n_sell_fees) == 0) &&
        take_arrays(state, &call, arrays) == 0) {
        result = run(state, &call);
    }
    release_arrays(&call);
    return result;
}
