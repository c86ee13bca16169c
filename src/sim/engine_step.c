/*
 * engine_step.c - a clock of steps, as lumibot's executor moves it.
 *
 * Three loops, all of lumibot's StrategyExecutor and BacktestingBroker:
 *
 * CONTINUOUS ("24/7"): iterate, pass over the orders, sleep one step, until the clock
 * is past the end; the end itself is iterated.
 *
 * DATA: a session a local date, from its first bar to its last. Each day the clock
 * goes to before_opening before the open (before_market_opens, if closed there), to the
 * open (before_starting_trading), iterates in steps while more than before_closing less
 * a second is left, goes to before_closing before the close (before_market_closes) and to
 * the close (after_market_closes). A step that would pass the close stops there, and then
 * goes on: the loop does not end, it walks through the night step by step - rows are
 * kept, orders are passed over, the user's code waits for the market - and no other
 * session is set up as long as it lasts. So the last bar's minute is never iterated.
 *
 * DAILY: an iteration at each stamp of the data after the start, none of the other
 * calls, and nothing delivered after the orders were passed over: fills of one day are
 * told when the next begins.
 *
 * A step of 0 ends a session, and CONTINUOUS, after one iteration; DAILY has its stamps.
 *
 * A clock that would not move moves a minute. When no session is left, lumibot brings
 * the end of the run forward to the clock.
 *
 * STRICT walks the same loops; its bars match as the clock passes their closes.
 */
#include "sim/engine_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

static const int64_t NO_SESSION = INT64_MIN;

/* ---- Sessions --------------------------------------------------------------------- */

static int by_open(const void *a, const void *b)
{
    int64_t left = ((const mbar_session *)a)->open_ns, right = ((const mbar_session *)b)->open_ns;
    return (left > right) - (left < right);
}

static mbar_status add_session(mbar_session_list *list, int64_t *capacity, mbar_session session,
                               mbar_error *error)
{
    if (list->n == *capacity) {
        int64_t more = *capacity * 2 + 64;
        if (!mbar_resize_array((void **)&list->items, (size_t)*capacity, (size_t)more,
                               sizeof *list->items, error)) {
            return MBAR_NOMEM;
        }
        *capacity = more;
    }
    list->items[list->n++] = session;
    return MBAR_OK;
}

/* One a date and series; dates of several series lie beside each other in the end. */
static mbar_status add_dates(mbar_engine *engine, const mbar_instrument *asset, int64_t *capacity,
                             mbar_error *error)
{
    int64_t n = mbar_upper_bound(asset->times, asset->n_rows, engine->end_ns);
    for (int64_t row = 0; row < n;) {
        int64_t next_ns = mbar_zone_next_day(engine->zone, asset->times[row]);
        int64_t end = row + mbar_lower_bound(asset->times + row, n - row, next_ns);
        end = end > row ? end : n; /* the last day there is */
        const mbar_session session = {asset->times[row], asset->times[end - 1]};
        MBAR_TRY(add_session(&engine->sessions, capacity, session, error));
        row = end;
    }
    return MBAR_OK;
}

static mbar_status find_sessions(mbar_engine *engine, mbar_error *error)
{
    mbar_session_list *list = &engine->sessions;
    int64_t capacity = 0, n = 0;
    for (int32_t i = 0; i < engine->n_assets; i++) {
        if (engine->assets[i].n_rows > 0) {
            MBAR_TRY(add_dates(engine, &engine->assets[i], &capacity, error));
        }
    }
    if (list->n > 0) {
        qsort(list->items, (size_t)list->n, sizeof *list->items, by_open);
    }
    for (int64_t i = 0; i < list->n; i++) {
        const mbar_session *session = &list->items[i];
        mbar_session *last = n > 0 ? &list->items[n - 1] : NULL;
        if (last != NULL && session->open_ns < mbar_zone_next_day(engine->zone, last->open_ns)) {
            last->close_ns =
                session->close_ns > last->close_ns ? session->close_ns : last->close_ns;
        } else {
            list->items[n++] = *session;
        }
    }
    list->n = n;
    return MBAR_OK;
}

/* The first session whose close is not before the clock; NULL: none. */
static const mbar_session *session_now(mbar_engine *engine)
{
    mbar_session_list *list = &engine->sessions;
    while (list->next < list->n && list->items[list->next].close_ns < engine->now_ns) {
        list->next++;
    }
    return list->next < list->n ? &list->items[list->next] : NULL;
}

/* lumibot ends the run where its calendar ends. */
void mbar_engine_sessions_over(mbar_engine *engine)
{
    assert(engine != NULL);
    if (!engine->sessions_over) {
        engine->sessions_over = true;
        engine->end_ns = engine->end_ns > engine->now_ns ? engine->now_ns : engine->end_ns;
    }
}

/* Until the open, 0 when it has passed; NO_SESSION where no session closes any more. */
static int64_t time_to_open(mbar_engine *engine)
{
    const mbar_session *session = session_now(engine);
    if (session != NULL && session->close_ns == engine->now_ns) {
        session = session + 1 < engine->sessions.items + engine->sessions.n ? session + 1 : NULL;
    }
    if (session == NULL) {
        mbar_engine_sessions_over(engine);
        return NO_SESSION;
    }
    return session->open_ns > engine->now_ns ? session->open_ns - engine->now_ns : 0;
}

/* Until the close of this session or, between two, of the next. */
static int64_t time_to_close(mbar_engine *engine)
{
    const mbar_session *session = session_now(engine);
    if (session == NULL) {
        mbar_engine_sessions_over(engine);
        return NO_SESSION;
    }
    return session->close_ns - engine->now_ns;
}

/* lumibot's calendar has days of one stamp (day data): open at that instant. */
static bool is_market_open(mbar_engine *engine)
{
    if (engine->options.sessions == MBAR_SESSIONS_CONTINUOUS ||
        engine->options.sessions == MBAR_SESSIONS_DAILY_ALWAYS) {
        return true;
    }
    const mbar_session *session = session_now(engine);
    return session != NULL && session->open_ns <= engine->now_ns &&
           (engine->now_ns < session->close_ns || session->open_ns == session->close_ns);
}

bool mbar_engine_session_closed(void *ctx)
{
    mbar_engine *engine = ctx;
    if (!engine->is_under_way) {
        return false;
    }
    int64_t left_ns = time_to_close(engine);
    return left_ns != NO_SESSION && left_ns <= 0;
}

/* ---- The clock --------------------------------------------------------------------- */

static bool should_continue(const mbar_engine *engine)
{
    return !engine->sessions_over && engine->now_ns < engine->end_ns &&
           !mbar_engine_is_stopped(engine);
}

static mbar_status await_open(mbar_engine *engine, int64_t before_ns, mbar_error *error)
{
    MBAR_TRY(mbar_engine_pending(engine, error));
    int64_t left_ns = time_to_open(engine);
    if (left_ns == NO_SESSION || left_ns - before_ns <= 0) {
        return MBAR_OK;
    }
    return mbar_engine_move(engine, engine->now_ns + (left_ns - before_ns), error);
}

static mbar_status await_close(mbar_engine *engine, int64_t before_ns, mbar_error *error)
{
    MBAR_TRY(mbar_engine_pending(engine, error));
    int64_t left_ns = time_to_close(engine);
    if (left_ns == NO_SESSION || left_ns - before_ns <= 0) {
        return MBAR_OK;
    }
    return mbar_engine_move(engine, engine->now_ns + (left_ns - before_ns), error);
}

/* A sleep tells what has happened before the clock moves. */
static mbar_status move_after_events(mbar_engine *engine, int64_t length_ns, mbar_error *error)
{
    MBAR_TRY(mbar_engine_deliver_if_any(engine, error));
    return mbar_engine_move(engine, mbar_engine_later(engine->now_ns, length_ns), error);
}

/* ---- Around the clock -------------------------------------------------------------- */

static mbar_status close_down(mbar_engine *engine, mbar_error *error)
{
    MBAR_TRY(mbar_engine_lifecycle(engine, engine->strategy.before_market_closes, error));
    return mbar_engine_lifecycle(engine, engine->strategy.after_market_closes, error);
}

static mbar_status run_continuous(mbar_engine *engine, mbar_error *error)
{
    if (!should_continue(engine)) {
        return MBAR_OK;
    }
    while (engine->now_ns <= engine->end_ns && !mbar_engine_is_stopped(engine)) {
        MBAR_TRY(mbar_engine_corporate_day_if_any(engine, error));
        MBAR_TRY(mbar_engine_iterate(engine, true, error));
        MBAR_TRY(mbar_engine_pending(engine, error));
        if (engine->step_ns == 0) {
            break;
        }
        MBAR_TRY(move_after_events(engine, engine->step_ns, error));
    }
    return mbar_engine_is_stopped(engine) ? MBAR_OK : close_down(engine, error);
}

/* ---- Sessions ----------------------------------------------------------------------- */

/* Sleeps a step. *ended: there is none, or the session has less than before_closing left. */
static mbar_status sleep_step(mbar_engine *engine, bool *ended, mbar_error *error)
{
    int64_t left_ns = time_to_close(engine), step_ns = engine->step_ns;
    left_ns = left_ns == NO_SESSION ? 0 : left_ns;
    *ended = step_ns == 0 || left_ns - engine->options.before_closing_ns <= 0;
    if (*ended) {
        return MBAR_OK;
    }
    if (step_ns > left_ns) {
        MBAR_TRY(move_after_events(engine, left_ns, error));
        step_ns -= left_ns;
    }
    return move_after_events(engine, step_ns, error);
}

static mbar_status trade(mbar_engine *engine, mbar_error *error)
{
    int64_t least_ns = engine->options.before_closing_ns - MBAR_SECOND_NS;
    int64_t left_ns = time_to_close(engine);
    if (is_market_open(engine) && left_ns <= 0) {
        MBAR_TRY(mbar_engine_move(engine, engine->now_ns + MBAR_SECOND_NS, error));
        left_ns = time_to_close(engine);
    }
    least_ns = least_ns > 0 ? least_ns : 0;
    while (left_ns != NO_SESSION && left_ns > least_ns && engine->now_ns <= engine->end_ns &&
           !mbar_engine_is_stopped(engine)) {
        bool ended;
        MBAR_TRY(mbar_engine_corporate_day_if_any(engine, error));
        MBAR_TRY(mbar_engine_iterate(engine, is_market_open(engine), error));
        MBAR_TRY(mbar_engine_pending(engine, error));
        MBAR_TRY(sleep_step(engine, &ended, error));
        if (ended) {
            break;
        }
        left_ns = time_to_close(engine);
    }
    return MBAR_OK;
}

static mbar_status open_session(mbar_engine *engine, bool *is_set_up, mbar_error *error)
{
    *is_set_up = false;
    MBAR_TRY(await_open(engine, engine->options.before_opening_ns, error));
    if (!should_continue(engine)) {
        return MBAR_OK;
    }
    MBAR_TRY(mbar_engine_corporate_day_if_any(engine, error));
    if (!is_market_open(engine)) {
        MBAR_TRY(mbar_engine_lifecycle(engine, engine->strategy.before_market_opens, error));
    }
    MBAR_TRY(await_open(engine, 0, error));
    MBAR_TRY(mbar_engine_lifecycle(engine, engine->strategy.before_starting_trading, error));
    *is_set_up = true;
    return MBAR_OK;
}

static mbar_status close_session(mbar_engine *engine, mbar_error *error)
{
    const mbar_strategy *strategy = &engine->strategy;
    bool at_end = engine->now_ns > engine->end_ns;
    if (!at_end) {
        MBAR_TRY(await_close(engine, engine->options.before_closing_ns, error));
    }
    if (is_market_open(engine)) {
        MBAR_TRY(mbar_engine_lifecycle(engine, strategy->before_market_closes, error));
    }
    if (!at_end) {
        MBAR_TRY(await_close(engine, 0, error));
    }
    if (mbar_engine_is_strict(engine) && engine->options.after_closing_ns > 0) {
        int64_t to_ns = mbar_engine_later(engine->now_ns, engine->options.after_closing_ns);
        MBAR_TRY(mbar_engine_move(engine, to_ns, error));
    }
    return mbar_engine_lifecycle(engine, strategy->after_market_closes, error);
}

/* Whether the clock's next date is still one of the run; and then on to it. */
static mbar_status next_day(mbar_engine *engine, bool *goes_on, mbar_error *error)
{
    *goes_on = false;
    if (!should_continue(engine) || mbar_zone_next_day(engine->zone, engine->now_ns) >
                                        mbar_zone_day_start(engine->zone, engine->end_ns)) {
        return MBAR_OK;
    }
    MBAR_TRY(await_open(engine, engine->options.before_opening_ns, error));
    *goes_on = should_continue(engine);
    return MBAR_OK;
}

static mbar_status run_sessions(mbar_engine *engine, mbar_error *error)
{
    bool goes_on = should_continue(engine);
    while (goes_on) {
        bool is_set_up;
        MBAR_TRY(open_session(engine, &is_set_up, error));
        if (is_set_up) {
            MBAR_TRY(trade(engine, error));
            if (mbar_engine_is_stopped(engine)) {
                return MBAR_OK;
            }
            MBAR_TRY(close_session(engine, error));
        }
        MBAR_TRY(next_day(engine, &goes_on, error));
    }
    return MBAR_OK;
}

/* ---- Daily rows ---------------------------------------------------------------------- */

/* The first stamp of any series after ns, up to the end; INT64_MAX: none. */
static int64_t stamp_after(const mbar_engine *engine, int64_t ns)
{
    int64_t next_ns = INT64_MAX;
    for (int32_t i = 0; i < engine->n_assets; i++) {
        const mbar_instrument *asset = &engine->assets[i];
        int64_t row = mbar_upper_bound(asset->times, asset->n_rows, ns);
        if (row < asset->n_rows && asset->times[row] < next_ns) {
            next_ns = asset->times[row];
        }
    }
    return next_ns > engine->end_ns ? INT64_MAX : next_ns;
}

static mbar_status run_daily(mbar_engine *engine, mbar_error *error)
{
    int64_t stamp_ns = engine->now_ns;
    while (should_continue(engine)) {
        stamp_ns = stamp_after(engine, stamp_ns);
        if (stamp_ns == INT64_MAX) {
            break;
        }
        MBAR_TRY(mbar_engine_move(engine, stamp_ns, error));
        MBAR_TRY(mbar_engine_corporate_day_if_any(engine, error));
        MBAR_TRY(mbar_engine_iterate(engine, is_market_open(engine), error));
        MBAR_TRY(mbar_engine_pending(engine, error));
    }
    return MBAR_OK;
}

/* ---- The run ------------------------------------------------------------------------- */

/* lumibot's source has the step of its first data; a daily run asks it for days. */
static mbar_step fill_step(const mbar_engine *engine)
{
    if (engine->options.sessions == MBAR_SESSIONS_DAILY ||
        engine->options.sessions == MBAR_SESSIONS_DAILY_ALWAYS) {
        return MBAR_STEP_DAY;
    }
    for (int32_t i = 0; i < engine->n_assets; i++) {
        if (engine->assets[i].series != NULL) {
            return mbar_series_step(engine->assets[i].series);
        }
    }
    return MBAR_STEP_MINUTE;
}

mbar_status mbar_engine_run_steps(mbar_engine *engine, mbar_error *error)
{
    engine->fill_step = fill_step(engine);
    MBAR_TRY(find_sessions(engine, error));
    switch (engine->options.sessions) {
    case MBAR_SESSIONS_CONTINUOUS:
        return run_continuous(engine, error);
    case MBAR_SESSIONS_DATA:
        return run_sessions(engine, error);
    default:
        return run_daily(engine, error);
    }
}
