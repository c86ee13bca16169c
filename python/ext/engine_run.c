/*
 * engine_run.c - Engine.run: the strategy's methods as the engine's callbacks.
 *
 * Only methods that the strategy has become callbacks; an absent one, or None,
 * costs nothing. An iteration is one call of the bound method and no more.
 *
 * The interpreter's lock is held throughout, since the strategy runs at every
 * bar; where it has no method for iterations the run goes on without the lock
 * and takes it for each callback. An exception stays set while the engine
 * unwinds: no callback is entered while one is, and run() lets it out as it is.
 *
 * Time spent in the methods is measured at each call, of iterations at one in
 * TIME_ONE_IN, which stands for the others: reading the clock twice a bar would
 * be a good part of a short method's cost. Of methods that take longer than
 * SLOW_NS each is measured. What the clock then says also decides when to pause:
 * every PAUSE_NS, whatever an iteration costs, signals are looked at, so that
 * Ctrl-C also ends a run whose methods are not Python's, and the strategy's
 * heartbeat is called. Where there is no method, a pause is every CHECK_EVERY
 * iterations.
 */
#include "engine.h"

#include <time.h>

#define CHECK_EVERY 1024
#define TIME_ONE_IN 16
#define SLOW_NS 1000000
#define PAUSE_NS 100000000

static const char *const call_names[MBAR_PY_N_CALLS] = {
    [MBAR_PY_CALL_INITIALIZE] = "initialize",
    [MBAR_PY_CALL_BEFORE_MARKET_OPENS] = "before_market_opens",
    [MBAR_PY_CALL_BEFORE_STARTING_TRADING] = "before_starting_trading",
    [MBAR_PY_CALL_ITERATION] = "on_trading_iteration",
    [MBAR_PY_CALL_AFTER_ITERATION] = "after_iteration",
    [MBAR_PY_CALL_BEFORE_MARKET_CLOSES] = "before_market_closes",
    [MBAR_PY_CALL_AFTER_MARKET_CLOSES] = "after_market_closes",
    [MBAR_PY_CALL_ORDER_EVENT] = "on_order_event",
    [MBAR_PY_CALL_END] = "on_end",
    [MBAR_PY_CALL_HEARTBEAT] = "heartbeat",
};

/* ---- With the lock and without ------------------------------------------- */

/* Whether the lock was taken: not where it is held, in a callback inside a callback. */
static inline bool take_lock(mbar_py_engine *self)
{
    if (self->detached == NULL) {
        return false;
    }
    PyEval_RestoreThread(self->detached);
    self->detached = NULL;
    return true;
}

static inline void leave_lock(mbar_py_engine *self, bool taken)
{
    if (taken) {
        self->detached = PyEval_SaveThread();
    }
}

/* The status for the engine of an exception that is set; run() does not show the error. */
static mbar_status raised(mbar_error *error)
{
    if (error != NULL) {
        *error = (mbar_error){.code = MBAR_INVALID, .offset = -1, .row = -1};
    }
    return MBAR_INVALID;
}

static mbar_status finish(mbar_py_engine *self, bool taken, PyObject *result, mbar_error *error)
{
    bool ok = result != NULL;
    Py_XDECREF(result);
    leave_lock(self, taken);
    return ok ? MBAR_OK : raised(error);
}

/* ---- Time in the strategy ------------------------------------------------ */

static int64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* When a call begins that is to be timed; 0 inside another such call. */
static inline int64_t start_timing(mbar_py_engine *self)
{
    if (self->in_call) {
        return 0;
    }
    self->in_call = true;
    return clock_now_ns();
}

/* When the call ended, or 0. */
static inline int64_t stop_timing(mbar_py_engine *self, int64_t since_ns, int64_t weight)
{
    if (since_ns == 0) {
        return 0;
    }
    int64_t now_ns = clock_now_ns();
    self->callback_ns += (now_ns - since_ns) * weight;
    self->in_call = false;
    return now_ns;
}

/* ---- Callbacks ----------------------------------------------------------- */

static mbar_status call(mbar_py_engine *self, mbar_py_call which, mbar_error *error)
{
    bool taken = take_lock(self);
    int64_t since_ns = start_timing(self);
    PyObject *result = PyErr_Occurred() == NULL ? PyObject_CallNoArgs(self->calls[which]) : NULL;
    stop_timing(self, since_ns, 1);
    return finish(self, taken, result, error);
}

#define DEFINE_CALL(name, which)                                                            \
    static mbar_status name(mbar_engine *Py_UNUSED(engine), void *state, mbar_error *error) \
    {                                                                                       \
        return call(state, which, error);                                                   \
    }

DEFINE_CALL(on_before_market_opens, MBAR_PY_CALL_BEFORE_MARKET_OPENS)
DEFINE_CALL(on_before_starting_trading, MBAR_PY_CALL_BEFORE_STARTING_TRADING)
DEFINE_CALL(on_after_iteration, MBAR_PY_CALL_AFTER_ITERATION)
DEFINE_CALL(on_before_market_closes, MBAR_PY_CALL_BEFORE_MARKET_CLOSES)
DEFINE_CALL(on_after_market_closes, MBAR_PY_CALL_AFTER_MARKET_CLOSES)
DEFINE_CALL(on_end, MBAR_PY_CALL_END)

static mbar_status on_initialize(mbar_engine *Py_UNUSED(engine), void *state, mbar_error *error)
{
    mbar_py_engine *self = state;
    mbar_status status = self->calls[MBAR_PY_CALL_INITIALIZE] != NULL
                             ? call(self, MBAR_PY_CALL_INITIALIZE, error)
                             : MBAR_OK;
    self->has_begun = true;
    return status;
}

/* Signals and heartbeat; false with an exception. */
static bool pause_well(mbar_py_engine *self)
{
    PyObject *heartbeat = self->calls[MBAR_PY_CALL_HEARTBEAT];
    bool taken = take_lock(self);
    bool well = PyErr_CheckSignals() == 0;
    if (well && heartbeat != NULL) {
        PyObject *result = PyObject_CallNoArgs(heartbeat);
        well = result != NULL;
        Py_XDECREF(result);
    }
    leave_lock(self, taken);
    return well;
}

/* After an iteration that was timed; false with an exception. */
static bool go_on(mbar_py_engine *self, int64_t since_ns, int64_t now_ns)
{
    self->stands_for = now_ns - since_ns > SLOW_NS ? 1 : TIME_ONE_IN;
    self->until_check = self->stands_for;
    if (now_ns - self->paused_ns < PAUSE_NS) {
        return true;
    }
    self->paused_ns = now_ns;
    return pause_well(self);
}

static mbar_status on_iteration(mbar_engine *Py_UNUSED(engine), void *state, mbar_error *error)
{
    mbar_py_engine *self = state;
    int64_t since_ns = --self->until_check <= 0 ? start_timing(self) : 0;
    PyObject *result = PyObject_CallNoArgs(self->calls[MBAR_PY_CALL_ITERATION]);
    int64_t now_ns = stop_timing(self, since_ns, self->stands_for);
    if (result == NULL) {
        return raised(error);
    }
    Py_DECREF(result);
    self->has_iterated = true;
    return now_ns == 0 || go_on(self, since_ns, now_ns) ? MBAR_OK : raised(error);
}

static mbar_status on_no_iteration(mbar_engine *Py_UNUSED(engine), void *state, mbar_error *error)
{
    mbar_py_engine *self = state;
    self->has_iterated = true;
    if (--self->until_check > 0) {
        return MBAR_OK;
    }
    self->until_check = CHECK_EVERY;
    return pause_well(self) ? MBAR_OK : raised(error);
}

/* The arguments of on_order_event, after a place for the method's own use. */
static bool fill_arguments(mbar_py_state *state, const mbar_event *event, PyObject **args)
{
    const char *message = event->message != NULL ? event->message : "";
    args[0] = Py_NewRef(mbar_py_word(state, MBAR_PY_WORDS_EVENT, (int)event->kind));
    args[1] = PyLong_FromLongLong(event->order);
    args[2] = PyFloat_FromDouble(event->price);
    args[3] = PyFloat_FromDouble(event->quantity);
    args[4] = PyFloat_FromDouble(event->fee);
    args[5] = PyFloat_FromDouble(event->multiplier);
    args[6] = PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "backslashreplace");
    for (int i = 0; i < 7; i++) {
        if (args[i] == NULL) {
            return false;
        }
    }
    return true;
}

static mbar_status on_order_event(mbar_engine *Py_UNUSED(engine), void *state,
                                  const mbar_event *event, mbar_error *error)
{
    mbar_py_engine *self = state;
    PyObject *result = NULL, *args[8] = {NULL};
    bool taken = take_lock(self);
    int64_t since_ns = start_timing(self);
    if (PyErr_Occurred() == NULL &&
        fill_arguments(mbar_py_state_of((PyObject *)self), event, args + 1)) {
        result = PyObject_Vectorcall(self->calls[MBAR_PY_CALL_ORDER_EVENT], args + 1,
                                     7 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    for (int i = 1; i < 8; i++) {
        Py_XDECREF(args[i]);
    }
    stop_timing(self, since_ns, 1);
    return finish(self, taken, result, error);
}

/* ---- run() --------------------------------------------------------------- */

/* The strategy's methods into self->calls; 0 or -1 with an exception. */
static int find_calls(mbar_py_engine *self, PyObject *strategy)
{
    for (int i = 0; i < MBAR_PY_N_CALLS; i++) {
        PyObject *method = PyObject_GetAttrString(strategy, call_names[i]);
        if (method == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
                return -1;
            }
            PyErr_Clear();
        } else if (method == Py_None) {
            Py_DECREF(method);
        } else if (!PyCallable_Check(method)) {
            PyErr_Format(PyExc_TypeError, "the strategy's %s is a %.100s, which cannot be called",
                         call_names[i], Py_TYPE(method)->tp_name);
            Py_DECREF(method);
            return -1;
        } else {
            self->calls[i] = method;
        }
    }
    return 0;
}

static mbar_strategy callbacks(const mbar_py_engine *self)
{
    PyObject *const *calls = self->calls;
    mbar_strategy s = {.struct_bytes = sizeof s, .name = "python"};
    s.initialize = on_initialize;
    s.before_market_opens = calls[MBAR_PY_CALL_BEFORE_MARKET_OPENS] ? on_before_market_opens : NULL;
    s.before_starting_trading =
        calls[MBAR_PY_CALL_BEFORE_STARTING_TRADING] ? on_before_starting_trading : NULL;
    s.on_trading_iteration = calls[MBAR_PY_CALL_ITERATION] ? on_iteration : on_no_iteration;
    s.after_iteration = calls[MBAR_PY_CALL_AFTER_ITERATION] ? on_after_iteration : NULL;
    s.before_market_closes =
        calls[MBAR_PY_CALL_BEFORE_MARKET_CLOSES] ? on_before_market_closes : NULL;
    s.after_market_closes = calls[MBAR_PY_CALL_AFTER_MARKET_CLOSES] ? on_after_market_closes : NULL;
    s.on_order_event = calls[MBAR_PY_CALL_ORDER_EVENT] ? on_order_event : NULL;
    s.on_end = calls[MBAR_PY_CALL_END] ? on_end : NULL;
    return s;
}

static mbar_status run_whole(mbar_py_engine *self, mbar_error *error)
{
    mbar_strategy strategy = callbacks(self);
    bool lock_free = self->calls[MBAR_PY_CALL_ITERATION] == NULL;
    self->until_check = lock_free ? CHECK_EVERY : 1;
    self->stands_for = 1;
    self->paused_ns = clock_now_ns();
    self->thread = PyThread_get_thread_ident();
    self->run = MBAR_PY_RUN_UNDER_WAY;
    leave_lock(self, lock_free);
    mbar_status status = mbar_engine_run(self->engine, &strategy, self, error);
    take_lock(self);
    self->run = MBAR_PY_RUN_OVER;
    return status;
}

PyObject *mbar_py_engine_run(PyObject *object, PyObject *strategy)
{
    mbar_py_engine *self = (mbar_py_engine *)object;
    mbar_py_state *state = mbar_py_state_of(object);
    if (!mbar_py_engine_ready(object, "run")) {
        return NULL;
    }
    if (self->run != MBAR_PY_RUN_BEFORE) {
        return mbar_py_raise_text(state, MBAR_PY_INVALID,
                                  "an Engine runs once: make another for another run");
    }
    mbar_error error;
    mbar_status status = MBAR_OK;
    bool found = find_calls(self, strategy) == 0;
    if (found) {
        status = run_whole(self, &error);
    }
    for (int i = 0; i < MBAR_PY_N_CALLS; i++) {
        Py_CLEAR(self->calls[i]);
    }
    if (!found || PyErr_Occurred() != NULL) {
        return NULL;
    }
    return status == MBAR_OK ? Py_NewRef(Py_None) : mbar_py_raise(state, &error);
}
