/*
 * engine.h - shared by the files of the types Engine and Indicator.
 *
 * An Engine holds one mbar_engine for as long as it lives and lends it to its
 * Indicators, each of which keeps the Engine alive. While run() is under way the
 * engine belongs to the thread that called it: any other thread's call is an
 * InvalidError, save stop().
 */
#ifndef MILLIBAR_PY_ENGINE_H
#define MILLIBAR_PY_ENGINE_H

#include "ext.h"

#include <millibar/sim.h>

/* The strategy's methods, in the order of mbar_py_engine.calls. */
typedef enum mbar_py_call {
    MBAR_PY_CALL_INITIALIZE = 0,
    MBAR_PY_CALL_BEFORE_MARKET_OPENS,
    MBAR_PY_CALL_BEFORE_STARTING_TRADING,
    MBAR_PY_CALL_ITERATION,
    MBAR_PY_CALL_AFTER_ITERATION,
    MBAR_PY_CALL_BEFORE_MARKET_CLOSES,
    MBAR_PY_CALL_AFTER_MARKET_CLOSES,
    MBAR_PY_CALL_ORDER_EVENT,
    MBAR_PY_CALL_END,
    MBAR_PY_CALL_HEARTBEAT, /* ours: now and then, between iterations */
    MBAR_PY_N_CALLS
} mbar_py_call;

typedef enum mbar_py_run {
    MBAR_PY_RUN_BEFORE = 0,
    MBAR_PY_RUN_UNDER_WAY,
    MBAR_PY_RUN_OVER
} mbar_py_run;

typedef struct mbar_py_engine {
    PyObject_HEAD mbar_engine *engine;
    mbar_policy policy;
    mbar_py_run run;
    unsigned long thread;             /* the run's, while under way */
    PyThreadState *detached;          /* the run's, while the lock is let go */
    int32_t until_check;              /* iterations to the next that is timed, or pause */
    int32_t stands_for;               /* iterations that a timed one stands for */
    int64_t paused_ns;                /* when signals were last looked at */
    bool in_call;                     /* of those that are timed */
    int64_t callback_ns;              /* spent in the strategy's methods; an estimate */
    bool has_begun;                   /* initialize is over */
    bool has_iterated;                /* the first iteration has returned */
    PyObject *calls[MBAR_PY_N_CALLS]; /* bound methods, while under way */
} mbar_py_engine;

static inline mbar_engine *mbar_py_engine_of(PyObject *self)
{
    return ((mbar_py_engine *)self)->engine;
}

/* ---- engine.c ------------------------------------------------------------ */

/* Raises InvalidError naming the call; for mbar_py_engine_ready. */
bool mbar_py_engine_refuse(PyObject *self, const char *call);
/* Whether this thread may use the engine; if not, an exception is set. */
static inline bool mbar_py_engine_ready(PyObject *self, const char *call)
{
    mbar_py_engine *engine = (mbar_py_engine *)self;
    return engine->run != MBAR_PY_RUN_UNDER_WAY || engine->thread == PyThread_get_thread_ident() ||
           mbar_py_engine_refuse(self, call);
}
/* The same, and a run must be under way. */
bool mbar_py_engine_running(PyObject *self, const char *call);
/* An asset's number from a Python int; -1 with an exception where there is none. */
int32_t mbar_py_engine_asset(PyObject *self, PyObject *number);

/* ---- engine_run.c -------------------------------------------------------- */

PyObject *mbar_py_engine_run(PyObject *self, PyObject *strategy);

/* ---- engine_ask.c, engine_order.c: methods by METH_FASTCALL --------------- */

PyObject *mbar_py_engine_window(PyObject *self, PyObject *const *args, Py_ssize_t n_args);
PyObject *mbar_py_engine_visible_rows(PyObject *self, PyObject *asset);
PyObject *mbar_py_engine_last_price(PyObject *self, PyObject *asset);
PyObject *mbar_py_engine_quantity(PyObject *self, PyObject *asset);
PyObject *mbar_py_engine_position(PyObject *self, PyObject *asset);
PyObject *mbar_py_engine_find(PyObject *self, PyObject *symbol);
PyObject *mbar_py_engine_table(PyObject *self, PyObject *which);

PyObject *mbar_py_engine_submit(PyObject *self, PyObject *const *args, Py_ssize_t n_args,
                                PyObject *keywords);
PyObject *mbar_py_engine_resubmit(PyObject *self, PyObject *id);
PyObject *mbar_py_engine_cancel(PyObject *self, PyObject *id);
PyObject *mbar_py_engine_cancel_all(PyObject *self, PyObject *none);
PyObject *mbar_py_engine_modify(PyObject *self, PyObject *const *args, Py_ssize_t n_args,
                                PyObject *keywords);
PyObject *mbar_py_engine_order(PyObject *self, PyObject *id);
PyObject *mbar_py_engine_order_status(PyObject *self, PyObject *id);
PyObject *mbar_py_engine_next_active(PyObject *self, PyObject *after);
PyObject *mbar_py_engine_events(PyObject *self, PyObject *first);
PyObject *mbar_py_engine_sleep(PyObject *self, PyObject *ns);
PyObject *mbar_py_engine_wait(PyObject *self, PyObject *ns);
PyObject *mbar_py_engine_set_step(PyObject *self, PyObject *ns);

/* ---- engine_handle.c ----------------------------------------------------- */

PyObject *mbar_py_engine_indicator(PyObject *self, PyObject *args, PyObject *keywords);

/* ---- engine_words.c ------------------------------------------------------ */

/* The interned text of a value; borrowed. */
static inline PyObject *mbar_py_word(const mbar_py_state *state, mbar_py_word_set set, int value)
{
    return state->words[set][value];
}
/* Text to value; -1, without an exception, for what is not in the set. */
int mbar_py_word_find(const mbar_py_state *state, mbar_py_word_set set, PyObject *word);
/* The same; -1 with InvalidError listing the choices (TypeError for what is no str). */
int mbar_py_word_value(mbar_py_state *state, mbar_py_word_set set, PyObject *word);

#endif
