/*
 * engine.c - the type Engine: one run of a strategy over bars, in C.
 *
 * Life: Engine(...), add_asset() for each asset, run() once; what it did can be
 * read for as long as the object lives. Asking needs no run; entering, canceling
 * and modifying orders and sleeping do.
 *
 * The engine is of one thread while it runs and of anybody's before and after,
 * under the interpreter's lock. stop() alone may come from another thread.
 */
#include "engine.h"

#include <math.h>

/* ---- Who may call what --------------------------------------------------- */

bool mbar_py_engine_refuse(PyObject *self, const char *call)
{
    mbar_py_raise_text(mbar_py_state_of(self), MBAR_PY_INVALID,
                       "Engine.%s(): the engine is running in another thread; only stop() may be "
                       "called from here",
                       call);
    return false;
}

bool mbar_py_engine_running(PyObject *self, const char *call)
{
    if (!mbar_py_engine_ready(self, call)) {
        return false;
    }
    if (((mbar_py_engine *)self)->run != MBAR_PY_RUN_UNDER_WAY) {
        mbar_py_raise_text(mbar_py_state_of(self), MBAR_PY_INVALID,
                           "Engine.%s() is for a strategy's methods, while run() is under way",
                           call);
        return false;
    }
    return true;
}

int32_t mbar_py_engine_asset(PyObject *self, PyObject *number)
{
    long asset = PyLong_AsLong(number);
    if (asset == -1 && PyErr_Occurred()) {
        return -1;
    }
    int32_t n_assets = mbar_engine_assets(mbar_py_engine_of(self));
    if (asset < 0 || asset >= n_assets) {
        mbar_py_raise_text(mbar_py_state_of(self), MBAR_PY_INVALID,
                           "asset %ld is unknown: %d have been added, numbered from 0", asset,
                           (int)n_assets);
        return -1;
    }
    return (int32_t)asset;
}

/* ---- Engine(...) --------------------------------------------------------- */

typedef struct engine_words {
    PyObject *policy, *clock, *sessions;
    PyObject *start, *end; /* None: as far as the data go */
    PyObject *buy_fees, *sell_fees;
    const char *zone;
    int record_iterations;
} engine_words;

static int parse_fee(PyObject *item, mbar_fee *out)
{
    int maker, taker;
    if (!PyTuple_Check(item)) {
        PyErr_Format(PyExc_TypeError,
                     "a fee is a tuple (flat, percent, per_contract, maker, taker), not %.100s",
                     Py_TYPE(item)->tp_name);
        return -1;
    }
    if (!PyArg_ParseTuple(item, "dddpp;a fee is (flat, percent, per_contract, maker, taker)",
                          &out->flat, &out->percent, &out->per_contract, &maker, &taker)) {
        return -1;
    }
    out->maker = maker != 0;
    out->taker = taker != 0;
    return 0;
}

/* The fees of a sequence; free with PyMem_Free. NULL with an exception. */
static mbar_fee *parse_fees(PyObject *sequence, int32_t *n)
{
    PyObject *items = PySequence_Tuple(sequence);
    if (items == NULL) {
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(items);
    mbar_fee *fees =
        count < INT32_MAX ? PyMem_New(mbar_fee, (size_t)(count > 0 ? count : 1)) : NULL;
    if (fees == NULL) {
        PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; fees != NULL && i < count; i++) {
        if (parse_fee(PyTuple_GET_ITEM(items, i), &fees[i]) != 0) {
            PyMem_Free(fees);
            fees = NULL;
        }
    }
    Py_DECREF(items);
    *n = (int32_t)count;
    return fees;
}

static int parse_bound(PyObject *value, int64_t *out)
{
    if (value == Py_None) {
        return 0;
    }
    int64_t ns = PyLong_AsLongLong(value);
    if (ns == -1 && PyErr_Occurred()) {
        return -1;
    }
    *out = ns;
    return 0;
}

static int parse_word(mbar_py_state *state, mbar_py_word_set set, PyObject *word, int *value)
{
    if (word == NULL) {
        return 0;
    }
    *value = mbar_py_word_value(state, set, word);
    return *value < 0 ? -1 : 0;
}

static int apply_words(mbar_py_state *state, const engine_words *words,
                       mbar_engine_options *options)
{
    int policy = options->policy, clock = options->clock, sessions = options->sessions;
    if (parse_word(state, MBAR_PY_WORDS_POLICY, words->policy, &policy) != 0 ||
        parse_word(state, MBAR_PY_WORDS_CLOCK, words->clock, &clock) != 0 ||
        parse_word(state, MBAR_PY_WORDS_SESSIONS, words->sessions, &sessions) != 0 ||
        parse_bound(words->start, &options->start_ns) != 0 ||
        parse_bound(words->end, &options->end_ns) != 0) {
        return -1;
    }
    options->policy = (mbar_policy)policy;
    options->clock = (mbar_clock)clock;
    options->sessions = (mbar_sessions)sessions;
    options->record_iterations = words->record_iterations != 0;
    return mbar_py_open_zone(state, words->zone, &options->zone);
}

static PyObject *make(PyTypeObject *type, const mbar_engine_options *options)
{
    mbar_py_engine *self = (mbar_py_engine *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    mbar_error error;
    self->policy = options->policy;
    if (mbar_engine_new(options, &self->engine, &error) != MBAR_OK) {
        Py_DECREF(self);
        return mbar_py_raise(PyType_GetModuleState(type), &error);
    }
    return (PyObject *)self;
}

static PyObject *make_with_fees(PyTypeObject *type, const engine_words *words,
                                mbar_engine_options *options)
{
    mbar_fee *buy = parse_fees(words->buy_fees, &options->n_buy_fees);
    mbar_fee *sell = buy != NULL ? parse_fees(words->sell_fees, &options->n_sell_fees) : NULL;
    options->buy_fees = buy;
    options->sell_fees = sell;
    PyObject *self = sell != NULL ? make(type, options) : NULL;
    PyMem_Free(buy);
    PyMem_Free(sell);
    return self;
}

static PyObject *engine_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"policy",
                               "clock",
                               "sessions",
                               "start_ns",
                               "end_ns",
                               "step_ns",
                               "before_opening_ns",
                               "before_closing_ns",
                               "after_closing_ns",
                               "zone",
                               "budget",
                               "buy_fees",
                               "sell_fees",
                               "slippage_ticks",
                               "slippage_percent",
                               "volume_share",
                               "record_iterations",
                               NULL};
    mbar_engine_options options;
    mbar_engine_options_init(&options);
    engine_words words = {.start = Py_None, .end = Py_None, .record_iterations = 1};
    PyObject *none = PyTuple_New(0);
    if (none == NULL) {
        return NULL;
    }
    words.buy_fees = words.sell_fees = none;
    long long step = options.step_ns, before_opening = options.before_opening_ns;
    long long before_closing = options.before_closing_ns, after_closing = options.after_closing_ns;
    PyObject *self = NULL;
    if (PyArg_ParseTupleAndKeywords(
            args, kwargs, "|$UUUOOLLLLzdOOdddp:Engine", keywords, &words.policy, &words.clock,
            &words.sessions, &words.start, &words.end, &step, &before_opening, &before_closing,
            &after_closing, &words.zone, &options.budget, &words.buy_fees, &words.sell_fees,
            &options.frictions.slippage_ticks, &options.frictions.slippage_percent,
            &options.frictions.volume_share, &words.record_iterations)) {
        options.step_ns = step;
        options.before_opening_ns = before_opening;
        options.before_closing_ns = before_closing;
        options.after_closing_ns = after_closing;
        if (apply_words(PyType_GetModuleState(type), &words, &options) == 0) {
            self = make_with_fees(type, &words, &options);
            mbar_zone_unref(options.zone);
        }
    }
    Py_DECREF(none);
    return self;
}

static int engine_traverse(PyObject *self, visitproc visit, void *arg)
{
    mbar_py_engine *engine = (mbar_py_engine *)self;
    Py_VISIT(Py_TYPE(self));
    for (int i = 0; i < MBAR_PY_N_CALLS; i++) {
        Py_VISIT(engine->calls[i]);
    }
    return 0;
}

static int engine_clear(PyObject *self)
{
    mbar_py_engine *engine = (mbar_py_engine *)self;
    for (int i = 0; i < MBAR_PY_N_CALLS; i++) {
        Py_CLEAR(engine->calls[i]);
    }
    return 0;
}

static void engine_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    engine_clear(self);
    mbar_engine_free(mbar_py_engine_of(self));
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---- Assets -------------------------------------------------------------- */

static PyObject *add_asset(PyObject *self, const mbar_asset *asset, PyObject *series)
{
    mbar_py_state *state = mbar_py_state_of(self);
    mbar_py_engine *engine = (mbar_py_engine *)self;
    if (series != Py_None && !Py_IS_TYPE(series, state->series_type)) {
        PyErr_Format(PyExc_TypeError, "add_asset() takes a Series or None, not %.100s",
                     Py_TYPE(series)->tp_name);
        return NULL;
    }
    if (engine->run != MBAR_PY_RUN_BEFORE) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID,
                                  "'%.60s' comes too late: add assets before run()", asset->symbol);
    }
    int32_t number;
    mbar_error error;
    mbar_series *bars = series != Py_None ? ((mbar_py_series *)series)->series : NULL;
    if (mbar_engine_add_asset(engine->engine, asset, bars, &number, &error) != MBAR_OK) {
        return mbar_py_raise(state, &error);
    }
    return PyLong_FromLong(number);
}

static PyObject *engine_add_asset(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"symbol", "kind",  "series",          "multiplier", "margin",
                               "tick",   "quote", "quote_is_crypto", "same_as",    NULL};
    mbar_asset asset;
    mbar_asset_init(&asset);
    PyObject *kind, *series = Py_None, *same_as = Py_None;
    int quote_is_crypto = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sU|O$dddzpO:add_asset", keywords, &asset.symbol,
                                     &kind, &series, &asset.multiplier, &asset.margin, &asset.tick,
                                     &asset.quote, &quote_is_crypto, &same_as) ||
        !mbar_py_engine_ready(self, "add_asset")) {
        return NULL;
    }
    if (same_as != Py_None) {
        int32_t number = mbar_py_engine_asset(self, same_as);
        if (number < 0) {
            return NULL;
        }
        asset.same_as = number + 1;
    }
    int value = mbar_py_word_value(mbar_py_state_of(self), MBAR_PY_WORDS_ASSET, kind);
    if (value < 0) {
        return NULL;
    }
    asset.kind = (mbar_asset_kind)value;
    asset.quote_is_crypto = quote_is_crypto != 0;
    return add_asset(self, &asset, series);
}

/* ---- Properties ---------------------------------------------------------- */

static PyObject *get_now_ns(PyObject *self, void *Py_UNUSED(closure))
{
    return mbar_py_engine_ready(self, "now_ns")
               ? PyLong_FromLongLong(mbar_engine_now_ns(mbar_py_engine_of(self)))
               : NULL;
}

static PyObject *get_end_ns(PyObject *self, void *Py_UNUSED(closure))
{
    return mbar_py_engine_ready(self, "end_ns")
               ? PyLong_FromLongLong(mbar_engine_end_ns(mbar_py_engine_of(self)))
               : NULL;
}

static PyObject *get_iterations(PyObject *self, void *Py_UNUSED(closure))
{
    return mbar_py_engine_ready(self, "iterations")
               ? PyLong_FromLongLong(mbar_engine_iterations(mbar_py_engine_of(self)))
               : NULL;
}

static PyObject *get_has_iterated(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((mbar_py_engine *)self)->has_iterated);
}

static PyObject *get_callback_seconds(PyObject *self, void *Py_UNUSED(closure))
{
    return PyFloat_FromDouble((double)((mbar_py_engine *)self)->callback_ns / 1e9);
}

static PyObject *get_n_rows(PyObject *self, void *Py_UNUSED(closure))
{
    return mbar_py_engine_ready(self, "n_rows")
               ? PyLong_FromLongLong(mbar_engine_row_count(mbar_py_engine_of(self)))
               : NULL;
}

static PyObject *get_n_events(PyObject *self, void *Py_UNUSED(closure))
{
    return mbar_py_engine_ready(self, "n_events")
               ? PyLong_FromLongLong(mbar_engine_events(mbar_py_engine_of(self)))
               : NULL;
}

static PyObject *get_orders(PyObject *self, void *Py_UNUSED(closure))
{
    return mbar_py_engine_ready(self, "orders")
               ? PyLong_FromLongLong(mbar_engine_orders(mbar_py_engine_of(self)))
               : NULL;
}

static PyObject *get_assets(PyObject *self, void *Py_UNUSED(closure))
{
    return mbar_py_engine_ready(self, "assets")
               ? PyLong_FromLong(mbar_engine_assets(mbar_py_engine_of(self)))
               : NULL;
}

static PyObject *get_cash(PyObject *self, void *Py_UNUSED(closure))
{
    return mbar_py_engine_ready(self, "cash")
               ? PyFloat_FromDouble(mbar_engine_cash(mbar_py_engine_of(self)))
               : NULL;
}

static int set_cash(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "cash cannot be deleted");
        return -1;
    }
    double cash = PyFloat_AsDouble(value);
    if ((cash == -1.0 && PyErr_Occurred()) || !mbar_py_engine_ready(self, "cash")) {
        return -1;
    }
    if (!isfinite(cash)) {
        mbar_py_raise_text(mbar_py_state_of(self), MBAR_PY_INVALID, "cash %g is no amount", cash);
        return -1;
    }
    mbar_engine_set_cash(mbar_py_engine_of(self), cash);
    return 0;
}

static PyObject *get_value(PyObject *self, void *Py_UNUSED(closure))
{
    return mbar_py_engine_ready(self, "value")
               ? PyFloat_FromDouble(mbar_engine_value(mbar_py_engine_of(self)))
               : NULL;
}

static PyObject *get_policy(PyObject *self, void *Py_UNUSED(closure))
{
    int policy = ((mbar_py_engine *)self)->policy;
    return Py_NewRef(mbar_py_word(mbar_py_state_of(self), MBAR_PY_WORDS_POLICY, policy));
}

static PyObject *get_running(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((mbar_py_engine *)self)->run == MBAR_PY_RUN_UNDER_WAY);
}

static PyObject *engine_sessions_over(PyObject *self, PyObject *Py_UNUSED(none))
{
    if (!mbar_py_engine_running(self, "sessions_over")) {
        return NULL;
    }
    mbar_engine_sessions_over(mbar_py_engine_of(self));
    Py_RETURN_NONE;
}

static PyObject *engine_mark(PyObject *self, PyObject *Py_UNUSED(none))
{
    return mbar_py_engine_ready(self, "mark")
               ? PyFloat_FromDouble(mbar_engine_mark(mbar_py_engine_of(self)))
               : NULL;
}

static PyObject *engine_set_multiplier(PyObject *self, PyObject *const *args, Py_ssize_t n_args)
{
    if (n_args != 2) {
        PyErr_SetString(PyExc_TypeError, "set_multiplier() takes an asset and a multiplier");
        return NULL;
    }
    int32_t asset =
        mbar_py_engine_ready(self, "set_multiplier") ? mbar_py_engine_asset(self, args[0]) : -1;
    double multiplier = asset >= 0 ? PyFloat_AsDouble(args[1]) : -1.0;
    mbar_error error;
    if (PyErr_Occurred() != NULL) {
        return NULL;
    }
    if (mbar_engine_set_multiplier(mbar_py_engine_of(self), asset, multiplier, &error) != MBAR_OK) {
        return mbar_py_raise(mbar_py_state_of(self), &error);
    }
    Py_RETURN_NONE;
}

static PyObject *engine_set_schedule(PyObject *self, PyObject *args)
{
    mbar_py_state *state = mbar_py_state_of(self);
    PyObject *word;
    long long before_opening, before_closing, after_closing;
    if (!PyArg_ParseTuple(args, "ULLL:set_schedule", &word, &before_opening, &before_closing,
                          &after_closing) ||
        !mbar_py_engine_ready(self, "set_schedule")) {
        return NULL;
    }
    int sessions = mbar_py_word_value(state, MBAR_PY_WORDS_SESSIONS, word);
    if (sessions < 0) {
        return NULL;
    }
    if (before_opening < 0 || before_closing < 0 || after_closing < 0) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID,
                                  "set_schedule() takes spans of 0 or more");
    }
    mbar_engine_set_schedule(mbar_py_engine_of(self), (mbar_sessions)sessions, before_opening,
                             before_closing, after_closing);
    Py_RETURN_NONE;
}

static PyObject *engine_stop(PyObject *self, PyObject *Py_UNUSED(none))
{
    mbar_engine_stop(mbar_py_engine_of(self));
    Py_RETURN_NONE;
}

static PyObject *engine_repr(PyObject *self)
{
    static const char *const states[] = {"not run yet", "running", "over"};
    mbar_py_engine *engine = (mbar_py_engine *)self;
    return PyUnicode_FromFormat(
        "<Engine: %U, %s>",
        mbar_py_word(mbar_py_state_of(self), MBAR_PY_WORDS_POLICY, engine->policy),
        states[engine->run]);
}

/* ---- The type ------------------------------------------------------------ */

static PyMethodDef engine_methods[] = {
    {"add_asset", MBAR_PY_METHOD(engine_add_asset), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR(
         "add_asset($self, symbol, kind, series=None, *, multiplier=1.0, margin=0.0, "
         "tick=0.0, quote=None, quote_is_crypto=False, same_as=None)\n--\n\nThe asset's number.")},
    {"set_multiplier", MBAR_PY_METHOD(engine_set_multiplier), METH_FASTCALL,
     PyDoc_STR("set_multiplier($self, asset, multiplier, /)\n--\n\nCurrency per point and unit, "
               "while it is flat and has no active order.")},
    {"set_schedule", engine_set_schedule, METH_VARARGS,
     PyDoc_STR("set_schedule($self, sessions, before_opening_ns, before_closing_ns, "
               "after_closing_ns, /)\n--\n\nIn initialize at the latest.")},
    {"run", mbar_py_engine_run, METH_O,
     PyDoc_STR("run($self, strategy, /)\n--\n\nThe whole run, once, calling the methods the "
               "strategy has.")},
    {"mark", engine_mark, METH_NOARGS,
     PyDoc_STR("mark($self, /)\n--\n\nMarks to market now; the value.")},
    {"sessions_over", engine_sessions_over, METH_NOARGS,
     PyDoc_STR("sessions_over($self, /)\n--\n\nWhat lumibot's broker does where it looks for a "
               "session and there is none any more: the end is now.")},
    {"stop", engine_stop, METH_NOARGS,
     PyDoc_STR("stop($self, /)\n--\n\nEnds the run after this callback. From any thread.")},
    {"window", MBAR_PY_METHOD(mbar_py_engine_window), METH_FASTCALL,
     PyDoc_STR("window($self, asset, length, shift=0, /)\n--\n\n(first, n_rows) of its series "
               "visible at the clock.")},
    {"visible_rows", mbar_py_engine_visible_rows, METH_O,
     PyDoc_STR("visible_rows($self, asset, /)\n--\n\nHow many of its bars show at the clock.")},
    {"last_price", mbar_py_engine_last_price, METH_O,
     PyDoc_STR("last_price($self, asset, /)\n--\n\nThe last price at the clock, or None.")},
    {"quantity", mbar_py_engine_quantity, METH_O,
     PyDoc_STR("quantity($self, asset, /)\n--\n\nThe signed holding; 0.0 when flat.")},
    {"position", mbar_py_engine_position, METH_O,
     PyDoc_STR("position($self, asset, /)\n--\n\n(quantity, average price or None, realized).")},
    {"find", mbar_py_engine_find, METH_O,
     PyDoc_STR("find($self, symbol, /)\n--\n\nThe number of the asset of that symbol, or -1.")},
    {"submit", MBAR_PY_METHOD(mbar_py_engine_submit), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("submit($self, asset, side, quantity, type='market', limit_price=None, "
               "stop_price=None, order_class='simple', tif='gtc', stop_limit_price=None, "
               "trail_amount=None, trail_percent=None, child_limit_price=None, "
               "child_stop_price=None, child_stop_limit_price=None, child_trail_amount=None, "
               "child_trail_percent=None, good_till_ns=0, tag=0)\n--\n\nEnters an order; its "
               "number. Children follow with the next numbers.")},
    {"resubmit", mbar_py_engine_resubmit, METH_O,
     PyDoc_STR("resubmit($self, order, /)\n--\n\nWhat lumibot does with an order submitted once "
               "more.")},
    {"cancel", mbar_py_engine_cancel, METH_O,
     PyDoc_STR("cancel($self, order, /)\n--\n\nDoes nothing to an order no longer active.")},
    {"cancel_all", mbar_py_engine_cancel_all, METH_NOARGS,
     PyDoc_STR("cancel_all($self, /)\n--\n\nCancels every active order.")},
    {"modify", MBAR_PY_METHOD(mbar_py_engine_modify), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("modify($self, order, limit_price=None, stop_price=None, quantity=None)\n--\n\nNone "
               "leaves as it is.")},
    {"order", mbar_py_engine_order, METH_O,
     PyDoc_STR("order($self, order, /)\n--\n\nAll the engine knows of it, as an OrderState.")},
    {"order_status", mbar_py_engine_order_status, METH_O,
     PyDoc_STR("order_status($self, order, /)\n--\n\nIts status, an interned str.")},
    {"next_active", mbar_py_engine_next_active, METH_O,
     PyDoc_STR("next_active($self, after, /)\n--\n\nThe next active order after that one (0: the "
               "first), in book order; 0 for none.")},
    {"events", mbar_py_engine_events, METH_O,
     PyDoc_STR("events($self, first, /)\n--\n\n(kind, order, price, quantity) of every event from "
               "number first on.")},
    {"indicator", MBAR_PY_METHOD(mbar_py_engine_indicator), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("indicator($self, asset, name, /, *params, **named)\n--\n\nA live Indicator of the "
               "asset's series.")},
    {"wait", mbar_py_engine_wait, METH_O,
     PyDoc_STR("wait($self, ns, /)\n--\n\nPasses over the orders, then moves the clock on; what "
               "happened is told later.")},
    {"sleep", mbar_py_engine_sleep, METH_O,
     PyDoc_STR("sleep($self, ns, /)\n--\n\nMoves the clock inside a callback.")},
    {"set_step", mbar_py_engine_set_step, METH_O,
     PyDoc_STR("set_step($self, ns, /)\n--\n\nThe time between iterations, from now on; 0: "
               "one a session.")},
    {"table", mbar_py_engine_table, METH_O,
     PyDoc_STR("table($self, which, /)\n--\n\nThe Table \"iterations\", \"orders\", \"fills\" or "
               "\"events\", of what there is so far.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef engine_getset[] = {
    {"now_ns", get_now_ns, NULL, PyDoc_STR("The clock, ns UTC."), NULL},
    {"end_ns", get_end_ns, NULL,
     PyDoc_STR("The last instant of the backtest: as given, or when no session was left."), NULL},
    {"iterations", get_iterations, NULL, PyDoc_STR("Iterations so far."), NULL},
    {"has_iterated", get_has_iterated, NULL, PyDoc_STR("Whether the first iteration is over."),
     NULL},
    {"callback_seconds", get_callback_seconds, NULL,
     PyDoc_STR("Time spent in the strategy's methods, estimated from one iteration in sixteen."),
     NULL},
    {"n_orders", get_orders, NULL, PyDoc_STR("Orders so far, children included."), NULL},
    {"n_events", get_n_events, NULL, PyDoc_STR("Events so far."), NULL},
    {"n_rows", get_n_rows, NULL, PyDoc_STR("Rows of the table \"iterations\" so far."), NULL},
    {"n_assets", get_assets, NULL, PyDoc_STR("Assets added."), NULL},
    {"cash", get_cash, set_cash, PyDoc_STR("Cash now; may be set."), NULL},
    {"value", get_value, NULL, PyDoc_STR("Cash and holdings at the last mark to market."), NULL},
    {"policy", get_policy, NULL, PyDoc_STR("\"strict\" or \"lumibot\"."), NULL},
    {"running", get_running, NULL, PyDoc_STR("Whether run() is under way."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot engine_slots[] = {
    {Py_tp_doc,
     (void *)PyDoc_STR(
         "Engine(*, policy='strict', clock='bars', sessions='continuous', start_ns=None, "
         "end_ns=None, "
         "step_ns=60000000000, before_opening_ns=..., before_closing_ns=..., after_closing_ns=..., "
         "zone=None, budget=100000.0, buy_fees=(), sell_fees=(), slippage_ticks=0.0, "
         "slippage_percent=0.0, volume_share=0.0, record_iterations=True)\n--\n\n"
         "One run of a strategy over bars: orders, matching, ledger and clock.")},
    {Py_tp_new, engine_new},
    {Py_tp_dealloc, engine_dealloc},
    {Py_tp_traverse, engine_traverse},
    {Py_tp_clear, engine_clear},
    {Py_tp_repr, engine_repr},
    {Py_tp_methods, engine_methods},
    {Py_tp_getset, engine_getset},
    {0, NULL},
};

PyType_Spec mbar_py_engine_spec = {
    .name = "millibar._core.Engine",
    .basicsize = sizeof(mbar_py_engine),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = engine_slots,
};
