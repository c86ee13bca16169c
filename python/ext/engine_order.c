/*
 * engine_order.c - orders of an Engine: entering, canceling, modifying, asking;
 * and sleep(), which moves the clock as they wait.
 *
 * An order is a number on this side; order() gives a copy of what the engine
 * knows of it. Prices that do not apply are None here and NaN below.
 */
#include "engine.h"

#include <math.h>
#include <stddef.h>

/* ---- Numbers ------------------------------------------------------------- */

/* None is NaN. */
static bool parse_number(PyObject *value, double *out)
{
    if (value == Py_None) {
        *out = NAN;
        return true;
    }
    *out = PyFloat_AsDouble(value);
    return *out != -1.0 || PyErr_Occurred() == NULL;
}

static bool parse_int(PyObject *value, int64_t *out)
{
    *out = PyLong_AsLongLong(value);
    return *out != -1 || PyErr_Occurred() == NULL;
}

static PyObject *time_or_none(int64_t ns)
{
    return ns == INT64_MIN ? Py_NewRef(Py_None) : PyLong_FromLongLong(ns);
}

/* An order's, or NULL with an exception. */
static const mbar_order *order_of(PyObject *self, PyObject *number, const char *call)
{
    int64_t id;
    if (!mbar_py_engine_ready(self, call) || !parse_int(number, &id)) {
        return NULL;
    }
    const mbar_order *order = mbar_engine_order(mbar_py_engine_of(self), id);
    if (order == NULL) {
        mbar_py_raise_text(mbar_py_state_of(self), MBAR_PY_INVALID,
                           "order %lld is unknown: there are %lld, numbered from 1", (long long)id,
                           (long long)mbar_engine_orders(mbar_py_engine_of(self)));
    }
    return order;
}

/* ---- Entering ------------------------------------------------------------ */

/* Where the arguments of submit() that are plain numbers go; by MBAR_PY_WORDS_SUBMIT. */
static const size_t number_at[MBAR_PY_MAX_WORDS] = {
    [2] = offsetof(mbar_order_request, quantity),
    [4] = offsetof(mbar_order_request, limit_price),
    [5] = offsetof(mbar_order_request, stop_price),
    [8] = offsetof(mbar_order_request, stop_limit_price),
    [9] = offsetof(mbar_order_request, trail_amount),
    [10] = offsetof(mbar_order_request, trail_percent),
    [11] = offsetof(mbar_order_request, child_limit_price),
    [12] = offsetof(mbar_order_request, child_stop_price),
    [13] = offsetof(mbar_order_request, child_stop_limit_price),
    [14] = offsetof(mbar_order_request, child_trail_amount),
    [15] = offsetof(mbar_order_request, child_trail_percent),
};

/* One argument of submit(), by its place, into the request. */
static bool take_argument(PyObject *self, int place, PyObject *value, mbar_order_request *out)
{
    mbar_py_state *state = mbar_py_state_of(self);
    int word = -1;
    switch (place) {
    case 0:
        out->asset = mbar_py_engine_asset(self, value);
        return out->asset >= 0;
    case 1:
        word = mbar_py_word_value(state, MBAR_PY_WORDS_SIDE, value);
        out->side = (mbar_side)word;
        return word >= 0;
    case 3:
        word = mbar_py_word_value(state, MBAR_PY_WORDS_TYPE, value);
        out->type = (mbar_order_type)word;
        return word >= 0;
    case 6:
        word = mbar_py_word_value(state, MBAR_PY_WORDS_CLASS, value);
        out->order_class = (mbar_order_class)word;
        return word >= 0;
    case 7:
        word = mbar_py_word_value(state, MBAR_PY_WORDS_TIF, value);
        out->tif = (mbar_tif)word;
        return word >= 0;
    case 16:
        return parse_int(value, &out->good_till_ns);
    case 17:
        return parse_int(value, &out->tag);
    default:
        return parse_number(value, (double *)((char *)out + number_at[place]));
    }
}

/* The arguments of a call, by name or place, to take(); false with an exception. */
typedef bool (*argument_taker)(PyObject *self, int place, PyObject *value, void *out);

static bool take_submit(PyObject *self, int place, PyObject *value, void *out)
{
    return take_argument(self, place, value, out);
}

static bool take_arguments(PyObject *self, const char *call, mbar_py_word_set set,
                           PyObject *const *args, Py_ssize_t n_args, PyObject *keywords,
                           int required, argument_taker take, void *out)
{
    mbar_py_state *state = mbar_py_state_of(self);
    uint32_t given = 0;
    Py_ssize_t n_named = keywords != NULL ? PyTuple_GET_SIZE(keywords) : 0;
    if (n_args > MBAR_PY_MAX_WORDS || (n_args > 0 && state->words[set][n_args - 1] == NULL)) {
        PyErr_Format(PyExc_TypeError, "%s() takes fewer than %zd arguments", call, n_args);
        return false;
    }
    for (Py_ssize_t i = 0; i < n_args + n_named; i++) {
        int place = (int)i;
        if (i >= n_args) {
            PyObject *name = PyTuple_GET_ITEM(keywords, i - n_args);
            place = mbar_py_word_find(state, set, name);
            if (place < 0 || (given >> place & 1) != 0) {
                PyErr_Format(PyExc_TypeError, "%s() got %s argument %R", call,
                             place < 0 ? "an unexpected" : "two values for", name);
                return false;
            }
        }
        given |= UINT32_C(1) << place;
        if (!take(self, place, args[i], out)) {
            return false;
        }
    }
    for (int i = 0; i < required; i++) {
        if ((given >> i & 1) == 0) {
            PyErr_Format(PyExc_TypeError, "%s() misses its argument %R", call,
                         state->words[set][i]);
            return false;
        }
    }
    return true;
}

/* The error of a call, or the exception that a callback inside it left. */
static PyObject *fail(PyObject *self, const mbar_error *error)
{
    return PyErr_Occurred() != NULL ? NULL : mbar_py_raise(mbar_py_state_of(self), error);
}

PyObject *mbar_py_engine_submit(PyObject *self, PyObject *const *args, Py_ssize_t n_args,
                                PyObject *keywords)
{
    mbar_order_request request;
    mbar_order_request_init(&request);
    if (!mbar_py_engine_running(self, "submit") ||
        !take_arguments(self, "submit", MBAR_PY_WORDS_SUBMIT, args, n_args, keywords, 3,
                        take_submit, &request)) {
        return NULL;
    }
    mbar_order_id id;
    mbar_error error;
    if (mbar_engine_submit(mbar_py_engine_of(self), &request, &id, &error) != MBAR_OK) {
        return fail(self, &error);
    }
    return PyLong_FromLongLong(id);
}

PyObject *mbar_py_engine_resubmit(PyObject *self, PyObject *number)
{
    const mbar_order *order =
        mbar_py_engine_running(self, "resubmit") ? order_of(self, number, "resubmit") : NULL;
    mbar_error error;
    if (order == NULL) {
        return NULL;
    }
    if (mbar_engine_resubmit(mbar_py_engine_of(self), order->id, &error) != MBAR_OK) {
        return fail(self, &error);
    }
    Py_RETURN_NONE;
}

/* ---- Canceling and modifying --------------------------------------------- */

PyObject *mbar_py_engine_cancel(PyObject *self, PyObject *number)
{
    const mbar_order *order =
        mbar_py_engine_running(self, "cancel") ? order_of(self, number, "cancel") : NULL;
    mbar_error error;
    if (order == NULL) {
        return NULL;
    }
    if (mbar_engine_cancel(mbar_py_engine_of(self), order->id, &error) != MBAR_OK) {
        return fail(self, &error);
    }
    Py_RETURN_NONE;
}

PyObject *mbar_py_engine_cancel_all(PyObject *self, PyObject *Py_UNUSED(none))
{
    mbar_error error;
    if (!mbar_py_engine_running(self, "cancel_all")) {
        return NULL;
    }
    if (mbar_engine_cancel_all(mbar_py_engine_of(self), &error) != MBAR_OK) {
        return fail(self, &error);
    }
    Py_RETURN_NONE;
}

/* id, limit, stop, quantity. */
typedef struct modification {
    mbar_order_id id;
    double values[4];
} modification;

static bool take_modify(PyObject *self, int place, PyObject *value, void *out)
{
    modification *how = out;
    if (place > 0) {
        return parse_number(value, &how->values[place]);
    }
    const mbar_order *order = order_of(self, value, "modify");
    how->id = order != NULL ? order->id : 0;
    return order != NULL;
}

PyObject *mbar_py_engine_modify(PyObject *self, PyObject *const *args, Py_ssize_t n_args,
                                PyObject *keywords)
{
    modification how = {.values = {0, NAN, NAN, NAN}};
    if (!mbar_py_engine_running(self, "modify") ||
        !take_arguments(self, "modify", MBAR_PY_WORDS_MODIFY, args, n_args, keywords, 1,
                        take_modify, &how)) {
        return NULL;
    }
    mbar_error error;
    if (mbar_engine_modify(mbar_py_engine_of(self), how.id, how.values[1], how.values[2],
                           how.values[3], &error) != MBAR_OK) {
        return fail(self, &error);
    }
    Py_RETURN_NONE;
}

/* ---- Asking -------------------------------------------------------------- */

PyObject *mbar_py_engine_order_status(PyObject *self, PyObject *number)
{
    const mbar_order *order = order_of(self, number, "order_status");
    return order != NULL ? Py_NewRef(mbar_py_word(mbar_py_state_of(self), MBAR_PY_WORDS_STATUS,
                                                  (int)order->status))
                         : NULL;
}

PyObject *mbar_py_engine_next_active(PyObject *self, PyObject *after)
{
    int64_t id;
    if (!mbar_py_engine_ready(self, "next_active") || !parse_int(after, &id)) {
        return NULL;
    }
    if (id != 0 && order_of(self, after, "next_active") == NULL) {
        return NULL;
    }
    return PyLong_FromLongLong(mbar_engine_next_active(mbar_py_engine_of(self), id));
}

static PyStructSequence_Field order_fields[] = {
    {"id", "its number"},
    {"parent", "the parent's number, 0 for none"},
    {"dependent", "the sibling that a fill of this one cancels, 0 for none"},
    {"asset", "the asset's number"},
    {"side", "mbar_side"},
    {"type", "mbar_order_type"},
    {"order_class", "mbar_order_class"},
    {"tif", "mbar_tif"},
    {"status", "mbar_order_status; in words: Engine.order_status"},
    {"quantity", "units asked for"},
    {"limit_price", "NaN where it does not apply, as all prices"},
    {"stop_price", "NaN"},
    {"stop_limit_price", "NaN"},
    {"trail_amount", "NaN"},
    {"trail_percent", "NaN"},
    {"trail_stop", "where a trailing stop stands; NaN before the first bar"},
    {"triggered", "a stop-limit's stop has been met"},
    {"ambiguous", "limit and stop lay in one bar"},
    {"filled", "units filled"},
    {"fill_price", "average; NaN before the first fill"},
    {"fees", "of all its fills"},
    {"created_ns", "clock at submission"},
    {"placed_ns", "clock when it came into the book, or None"},
    {"closed_ns", "clock when it ended, or None"},
    {"tag", "the caller's own"},
    {"by_quote", "a quote filled it and not a bar, under LUMIBOT"},
    {NULL, NULL},
};

enum { N_ORDER_FIELDS = sizeof order_fields / sizeof order_fields[0] - 1 };

PyTypeObject *mbar_py_order_type_new(void)
{
    PyStructSequence_Desc description = {
        .name = "millibar._core.OrderState",
        .doc = PyDoc_STR("What an Engine knows of an order, at the time it was asked."),
        .fields = order_fields,
        .n_in_sequence = N_ORDER_FIELDS,
    };
    return PyStructSequence_NewType(&description);
}

/* The values of order_fields, any of which may be NULL with an exception. */
static void order_values(const mbar_order *order, PyObject **out)
{
    const double prices[] = {order->quantity,         order->limit_price,  order->stop_price,
                             order->stop_limit_price, order->trail_amount, order->trail_percent,
                             order->trail_stop};
    const long words[] = {order->asset,       order->side, order->type,
                          order->order_class, order->tif,  order->status};
    out[0] = PyLong_FromLongLong(order->id);
    out[1] = PyLong_FromLongLong(order->parent);
    out[2] = PyLong_FromLongLong(mbar_order_sibling(order));
    for (int i = 0; i < 6; i++) {
        out[3 + i] = PyLong_FromLong(words[i]);
    }
    for (int i = 0; i < 7; i++) {
        out[9 + i] = PyFloat_FromDouble(prices[i]);
    }
    out[16] = PyBool_FromLong(order->triggered);
    out[17] = PyBool_FromLong(order->ambiguous);
    out[18] = PyFloat_FromDouble(order->filled);
    out[19] = PyFloat_FromDouble(order->fill_price);
    out[20] = PyFloat_FromDouble(order->fees);
    out[21] = PyLong_FromLongLong(order->created_ns);
    out[22] = time_or_none(order->placed_ns);
    out[23] = time_or_none(order->closed_ns);
    out[24] = PyLong_FromLongLong(order->tag);
    out[25] = PyBool_FromLong(order->by_quote);
}

PyObject *mbar_py_engine_order(PyObject *self, PyObject *number)
{
    const mbar_order *order = order_of(self, number, "order");
    PyObject *values[N_ORDER_FIELDS];
    PyObject *result =
        order != NULL ? PyStructSequence_New(mbar_py_state_of(self)->order_type) : NULL;
    if (result == NULL) {
        return NULL;
    }
    order_values(order, values);
    bool whole = true;
    for (int i = 0; i < N_ORDER_FIELDS; i++) {
        whole = whole && values[i] != NULL;
        PyStructSequence_SET_ITEM(result, i, values[i]);
    }
    if (!whole) {
        Py_DECREF(result);
        return NULL;
    }
    return result;
}

/* ---- What happened ------------------------------------------------------- */

static PyObject *event_tuple(const mbar_py_state *state, const mbar_event *event)
{
    PyObject *kind = Py_NewRef(mbar_py_word(state, MBAR_PY_WORDS_EVENT, (int)event->kind));
    return Py_BuildValue("(NLddL)", kind, (long long)event->order, event->price, event->quantity,
                         (long long)event->ns);
}

PyObject *mbar_py_engine_events(PyObject *self, PyObject *first)
{
    int64_t from;
    if (!mbar_py_engine_ready(self, "events") || !parse_int(first, &from)) {
        return NULL;
    }
    const mbar_engine *engine = mbar_py_engine_of(self);
    int64_t n = mbar_engine_events(engine);
    if (from < 0 || from > n) {
        return mbar_py_raise_text(mbar_py_state_of(self), MBAR_PY_INVALID,
                                  "event %lld is unknown: there are %lld, numbered from 0",
                                  (long long)from, (long long)n);
    }
    PyObject *list = PyList_New((Py_ssize_t)(n - from));
    for (int64_t i = from; list != NULL && i < n; i++) {
        mbar_event event;
        mbar_engine_event(engine, i, &event);
        PyObject *item = event_tuple(mbar_py_state_of(self), &event);
        if (item == NULL) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, (Py_ssize_t)(i - from), item);
        }
    }
    return list;
}

/* ---- The clock ----------------------------------------------------------- */

typedef mbar_status (*clock_move)(mbar_engine *engine, int64_t ns, mbar_error *error);

static PyObject *move_clock(PyObject *self, PyObject *value, const char *call, clock_move move)
{
    int64_t ns;
    mbar_error error;
    if (!mbar_py_engine_running(self, call) || !parse_int(value, &ns)) {
        return NULL;
    }
    if (ns < 0) {
        return mbar_py_raise_text(mbar_py_state_of(self), MBAR_PY_INVALID,
                                  "cannot sleep for %lld ns: time goes forward", (long long)ns);
    }
    if (move(mbar_py_engine_of(self), ns, &error) != MBAR_OK) {
        return fail(self, &error);
    }
    Py_RETURN_NONE;
}

PyObject *mbar_py_engine_sleep(PyObject *self, PyObject *value)
{
    return move_clock(self, value, "sleep", mbar_engine_sleep);
}

PyObject *mbar_py_engine_wait(PyObject *self, PyObject *value)
{
    return move_clock(self, value, "wait", mbar_engine_wait);
}

PyObject *mbar_py_engine_set_step(PyObject *self, PyObject *value)
{
    int64_t ns;
    if (!mbar_py_engine_ready(self, "set_step") || !parse_int(value, &ns)) {
        return NULL;
    }
    if (ns < 0) {
        return mbar_py_raise_text(mbar_py_state_of(self), MBAR_PY_INVALID,
                                  "a step of %lld ns: give 0 or more", (long long)ns);
    }
    mbar_engine_set_step(mbar_py_engine_of(self), ns);
    Py_RETURN_NONE;
}
