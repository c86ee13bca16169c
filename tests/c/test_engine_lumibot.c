/* test_engine_lumibot.c - LUMIBOT: the clock and the calls of lumibot 4.6.30's executor, as
 * traced from it over bars at the same stamps. */
#include "engine_support.h"

static mbar_zone *new_york;

/* ---- A strategy that writes down what is called when ------------------------------- */

enum { TEXT_BYTES = 1 << 16 };

typedef struct tracer {
    char text[TEXT_BYTES];
    size_t n;
    char run[32], last[32]; /* iterations a step apart are one line */
    int64_t n_run, last_ns, step_ns;
    int64_t n_iterations;
    mbar_status (*act)(mbar_engine *engine, struct tracer *self, mbar_error *error);
    int64_t sleep_ns;
} tracer;

static void write_line(tracer *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void write_line(tracer *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(self->text + self->n, TEXT_BYTES - self->n, format, args);
    va_end(args);
    self->n += (size_t)n;
    assert_true(self->n < TEXT_BYTES);
}

/* "11-22 15:40" in New York, with seconds where there are any. */
static const char *wall(int64_t ns, char out[32])
{
    char iso[40];
    mbar_time_format(mbar_zone_to_local(new_york, ns), iso, sizeof iso);
    snprintf(out, 32, "%.5s %.5s%.3s", iso + 5, iso + 11,
             strncmp(iso + 16, ":00", 3) == 0 ? "" : iso + 16);
    return out;
}

static void end_run(tracer *self)
{
    if (self->n_run == 1) {
        write_line(self, "%s iteration\n", self->run);
    } else if (self->n_run > 1) {
        write_line(self, "%s to %s %d iterations\n", self->run, self->last, (int)self->n_run);
    }
    self->n_run = 0;
}

static void note(mbar_engine *engine, tracer *self, const char *what)
{
    char at[32];
    end_run(self);
    write_line(self, "%s %s\n", wall(mbar_engine_now_ns(engine), at), what);
}

#define TRACED(name, words)                                                              \
    static mbar_status trace_##name(mbar_engine *engine, void *state, mbar_error *error) \
    {                                                                                    \
        (void)error;                                                                     \
        note(engine, state, words);                                                      \
        return MBAR_OK;                                                                  \
    }
TRACED(opens, "before opening")
TRACED(starts, "before starting")
TRACED(closes, "before closing")
TRACED(closed, "after closing")
TRACED(end, "end")

static mbar_status trace_iteration(mbar_engine *engine, void *state, mbar_error *error)
{
    tracer *self = state;
    int64_t now_ns = mbar_engine_now_ns(engine);
    if (self->n_run > 0 && now_ns - self->last_ns != self->step_ns) {
        end_run(self);
    }
    self->n_iterations++;
    if (self->n_run++ == 0) {
        wall(now_ns, self->run);
    }
    wall(now_ns, self->last);
    self->last_ns = now_ns;
    return self->act != NULL ? self->act(engine, self, error) : MBAR_OK;
}

static mbar_status trace_event(mbar_engine *engine, void *state, const mbar_event *event,
                               mbar_error *error)
{
    static const char *const names[] = {"new",      "filled",   "partial",
                                        "canceled", "modified", "error"};
    char what[128];
    (void)error;
    if (event->kind == MBAR_EVENT_FILLED) {
        snprintf(what, sizeof what, "%d filled at %g, cash %g, value %g, holds %g",
                 (int)event->order, event->price, mbar_engine_cash(engine),
                 mbar_engine_value(engine), mbar_engine_position(engine, 0)->quantity);
    } else {
        snprintf(what, sizeof what, "%d %s", (int)event->order, names[event->kind]);
    }
    note(engine, state, what);
    return MBAR_OK;
}

static const mbar_strategy TRACER = {
    .struct_bytes = sizeof(mbar_strategy),
    .before_market_opens = trace_opens,
    .before_starting_trading = trace_starts,
    .on_trading_iteration = trace_iteration,
    .before_market_closes = trace_closes,
    .after_market_closes = trace_closed,
    .on_order_event = trace_event,
    .on_end = trace_end,
};

/* ---- Runs --------------------------------------------------------------------------- */

static made_bars bars;

/* Adds a bar a minute (or a day) from `from` to `to`, both included, New York time. */
static void add_bars(const char *from, const char *to, int64_t step_ns)
{
    int64_t first_ns, last_ns;
    mbar_error error;
    must(mbar_zone_from_local(new_york, at(from), MBAR_FOLD_EARLIER, &first_ns, &error), &error);
    must(mbar_zone_from_local(new_york, at(to), MBAR_FOLD_EARLIER, &last_ns, &error), &error);
    for (int64_t ns = first_ns; ns <= last_ns; ns += step_ns) {
        int64_t row = bars.n++;
        assert_true(row < MAX_BARS);
        bars.times[row] = ns;
        bars.open[row] = 100 + (double)(row % 50);
        bars.close[row] = bars.open[row] + 0.5;
        bars.high[row] = bars.open[row] + 1;
        bars.low[row] = bars.open[row] - 1;
        bars.volume[row] = 10;
    }
}

static int64_t new_york_ns(const char *text)
{
    int64_t ns;
    mbar_error error;
    must(mbar_zone_from_local(new_york, at(text), MBAR_FOLD_EARLIER, &ns, &error), &error);
    return ns;
}

typedef struct run {
    mbar_sessions sessions;
    const char *start, *end;
    int64_t step_ns;
    mbar_step bar_step;
    mbar_asset_kind kind;
} run;

static mbar_engine *start_engine(const run *how)
{
    mbar_engine_options options;
    mbar_engine_options_init(&options);
    options.policy = MBAR_POLICY_LUMIBOT;
    options.clock = MBAR_CLOCK_STEP;
    options.sessions = how->sessions;
    options.start_ns = new_york_ns(how->start);
    options.end_ns = new_york_ns(how->end);
    options.step_ns = how->step_ns;
    options.zone = new_york;
    mbar_engine *engine = engine_of(&options);
    add_asset(engine, "X", how->kind,
              series_of_bars(&bars, how->bar_step, mbar_step_ns(how->bar_step)));
    return engine;
}

static void check_trace(const run *how, tracer *self, const char *expected)
{
    mbar_engine *engine = start_engine(how);
    self->step_ns = how->step_ns;
    run_engine(engine, &TRACER, self);
    assert_string_equal(self->text, expected);
    assert_int_equal(mbar_engine_iterations(engine), self->n_iterations);
    mbar_engine_free(engine);
}

/* ---- Sessions ------------------------------------------------------------------------ */

static void stock_days(void)
{
    bars.n = 0;
    add_bars("2023-11-22T09:30", "2023-11-22T15:59", MBAR_MINUTE_NS);
    add_bars("2023-11-24T09:30", "2023-11-24T12:59", MBAR_MINUTE_NS);
    add_bars("2023-11-27T09:30", "2023-11-27T15:59", MBAR_MINUTE_NS);
}

static void test_sessions_by_the_minute(void **state)
{
    (void)state;
    stock_days();
    run how = {MBAR_SESSIONS_DATA, "2023-11-22T15:40", "2023-11-27T09:50",
               MBAR_MINUTE_NS,     MBAR_STEP_MINUTE,   MBAR_ASSET_STOCK};
    tracer self = {.n = 0};
    check_trace(&how, &self,
                "11-22 15:40 before starting\n"
                "11-22 15:40 to 11-22 15:58 19 iterations\n"
                "11-22 15:58 before closing\n"
                "11-22 15:59 after closing\n"
                "11-24 08:30 before opening\n"
                "11-24 09:30 before starting\n"
                "11-24 09:30 to 11-24 12:58 209 iterations\n"
                "11-24 12:58 before closing\n"
                "11-24 12:59 after closing\n"
                "11-27 08:30 before opening\n"
                "11-27 09:30 before starting\n"
                "11-27 09:30 to 11-27 09:49 20 iterations\n"
                "11-27 09:49 before closing\n"
                "11-27 09:50 after closing\n"
                "11-27 09:50 end\n");
}

/* A step that passes the close goes on through nights and weekends. */
static void test_sessions_by_the_hour(void **state)
{
    (void)state;
    stock_days();
    run how = {MBAR_SESSIONS_DATA, "2023-11-22T00:00", "2023-11-27T23:59",
               MBAR_HOUR_NS,       MBAR_STEP_MINUTE,   MBAR_ASSET_STOCK};
    tracer self = {.n = 0};
    mbar_engine *engine = start_engine(&how);
    self.step_ns = how.step_ns;
    run_engine(engine, &TRACER, &self);
    assert_string_equal(self.text, "11-22 08:30 before opening\n"
                                   "11-22 09:30 before starting\n"
                                   "11-22 09:30 to 11-22 15:30 7 iterations\n"
                                   "11-24 09:30 to 11-24 12:30 4 iterations\n"
                                   "11-27 09:30 to 11-27 15:30 7 iterations\n"
                                   "11-27 16:30 after closing\n"
                                   "11-27 16:30 end\n");
    mbar_table *rows = engine_table(engine, "iterations");
    /* Two before the loop, one an hour from 09:30 of the 22nd to 15:30 of the 27th, two after. */
    assert_int_equal(mbar_table_rows(rows), 2 + 127 + 2);
    mbar_table_unref(rows);
    mbar_engine_free(engine);
}

/* A step of 0: one iteration, and the session is over. */
static void test_sessions_of_one_iteration(void **state)
{
    (void)state;
    stock_days();
    run how = {MBAR_SESSIONS_DATA, "2023-11-22T15:40", "2023-11-24T23:59", 0,
               MBAR_STEP_MINUTE,   MBAR_ASSET_STOCK};
    tracer self = {.n = 0};
    check_trace(&how, &self,
                "11-22 15:40 before starting\n"
                "11-22 15:40 iteration\n"
                "11-22 15:58 before closing\n"
                "11-22 15:59 after closing\n"
                "11-24 08:30 before opening\n"
                "11-24 09:30 before starting\n"
                "11-24 09:30 iteration\n"
                "11-24 12:58 before closing\n"
                "11-24 12:59 after closing\n"
                "11-24 12:59 end\n");
    how.sessions = MBAR_SESSIONS_CONTINUOUS;
    self = (tracer){.n = 0};
    check_trace(&how, &self,
                "11-22 15:40 iteration\n"
                "11-22 15:40 before closing\n"
                "11-22 15:40 after closing\n"
                "11-22 15:40 end\n");
}

/* Bars around midnight: 23:59 is never iterated. */
static void test_sessions_over_midnight(void **state)
{
    (void)state;
    bars.n = 0;
    add_bars("2024-01-03T00:00", "2024-01-04T23:59", MBAR_MINUTE_NS);
    run how = {MBAR_SESSIONS_DATA, "2024-01-03T23:50", "2024-01-04T00:05",
               MBAR_MINUTE_NS,     MBAR_STEP_MINUTE,   MBAR_ASSET_FUTURE};
    tracer self = {.n = 0};
    /* The store ends with the run: the last session's last bar is 00:05. */
    check_trace(&how, &self,
                "01-03 23:50 before starting\n"
                "01-03 23:50 to 01-03 23:58 9 iterations\n"
                "01-03 23:58 before closing\n"
                "01-03 23:59 after closing\n"
                "01-03 23:59 before opening\n"
                "01-04 00:00 before starting\n"
                "01-04 00:00 to 01-04 00:04 5 iterations\n"
                "01-04 00:04 before closing\n"
                "01-04 00:05 after closing\n"
                "01-04 00:05 end\n");
}

static void test_half_minutes(void **state)
{
    (void)state;
    bars.n = 0;
    add_bars("2024-01-05T00:00", "2024-01-05T16:59", MBAR_MINUTE_NS);
    run how = {MBAR_SESSIONS_DATA,  "2024-01-05T16:50", "2024-01-05T18:05",
               30 * MBAR_SECOND_NS, MBAR_STEP_MINUTE,   MBAR_ASSET_FUTURE};
    tracer self = {.n = 0};
    check_trace(&how, &self,
                "01-05 16:50 before starting\n"
                "01-05 16:50 to 01-05 16:58 17 iterations\n"
                "01-05 16:58 before closing\n"
                "01-05 16:59 after closing\n"
                "01-05 16:59 end\n");
}

/* ---- Around the clock, days ------------------------------------------------------------ */

static mbar_status buy_limit_sell(mbar_engine *engine, tracer *self, mbar_error *error)
{
    mbar_order_id id;
    mbar_order_request request = order_for(0, MBAR_SIDE_BUY, 1);
    switch (self->n_iterations % 6) {
    case 1:
        return mbar_engine_submit(engine, &request, &id, error);
    case 2:
        request.side = MBAR_SIDE_SELL;
        request.type = MBAR_ORDER_LIMIT;
        request.tif = MBAR_TIF_DAY;
        request.limit_price = 1e5;
        return mbar_engine_submit(engine, &request, &id, error);
    case 4: {
        mbar_status status = mbar_engine_cancel_all(engine, error);
        request.side = MBAR_SIDE_SELL;
        return status != MBAR_OK ? status : mbar_engine_submit(engine, &request, &id, error);
    }
    default:
        return MBAR_OK;
    }
}

static void test_around_the_clock(void **state)
{
    (void)state;
    bars.n = 0;
    add_bars("2024-01-03T20:00", "2024-01-04T02:00", MBAR_MINUTE_NS);
    run how = {MBAR_SESSIONS_CONTINUOUS, "2024-01-03T23:00", "2024-01-04T00:30",
               20 * MBAR_MINUTE_NS,      MBAR_STEP_MINUTE,   MBAR_ASSET_CRYPTO};
    tracer self = {.act = buy_limit_sell};
    check_trace(&how, &self,
                "01-03 23:00 iteration\n"
                "01-03 23:00 1 new\n"
                "01-03 23:00 1 filled at 130, cash 99870, value 100000, holds 1\n"
                "01-03 23:20 iteration\n"
                "01-03 23:20 2 new\n"
                "01-03 23:40 to 01-04 00:00 2 iterations\n"
                "01-04 00:00 2 canceled\n"
                "01-04 00:00 3 new\n"
                "01-04 00:00 3 filled at 140, cash 100010, value 100010, holds 0\n"
                "01-04 00:20 iteration\n"
                "01-04 00:40 before closing\n"
                "01-04 00:40 after closing\n"
                "01-04 00:40 end\n");
}

/* Each day sees its own close, its orders fill at its open, and the next day is told. */
static void test_days(void **state)
{
    (void)state;
    bars.n = 0;
    add_bars("2024-01-02T00:00", "2024-01-05T00:00", MBAR_DAY_NS);
    add_bars("2024-01-08T00:00", "2024-01-12T00:00", MBAR_DAY_NS);
    run how = {MBAR_SESSIONS_DAILY, "2024-01-04T00:00", "2024-01-12T00:00",
               MBAR_DAY_NS,         MBAR_STEP_DAY,      MBAR_ASSET_STOCK};
    tracer self = {.act = buy_limit_sell};
    check_trace(&how, &self,
                "01-05 00:00 iteration\n"
                "01-05 00:00 1 new\n"
                "01-08 00:00 1 filled at 103, cash 99897, value 100000, holds 1\n"
                "01-08 00:00 iteration\n"
                "01-08 00:00 2 new\n"
                "01-09 00:00 iteration\n"
                "01-10 00:00 2 canceled\n"
                "01-10 00:00 iteration\n"
                "01-10 00:00 3 new\n"
                "01-11 00:00 3 filled at 106, cash 100003, value 100004, holds 0\n"
                "01-11 00:00 to 01-12 00:00 2 iterations\n"
                "01-12 00:00 end\n");
}

/* ---- Prices and windows --------------------------------------------------------------- */

static mbar_status look(mbar_engine *engine, tracer *self, mbar_error *error)
{
    mbar_window window;
    must(mbar_engine_window(engine, 0, 3, 0, &window, error), error);
    char what[128];
    snprintf(what, sizeof what, "price %g, rows %d to %d", mbar_engine_last_price(engine, 0),
             (int)window.first, (int)(window.first + window.n_rows));
    note(engine, self, what);
    return MBAR_OK;
}

/* The open while the bar forms, the close after; nothing before the data. */
static void test_last_price(void **state)
{
    (void)state;
    bars.n = 0;
    add_bars("2024-01-03T10:00", "2024-01-03T10:02", MBAR_MINUTE_NS);
    run how = {MBAR_SESSIONS_CONTINUOUS, "2024-01-03T09:59:30", "2024-01-03T10:04",
               30 * MBAR_SECOND_NS,      MBAR_STEP_MINUTE,      MBAR_ASSET_STOCK};
    tracer self = {.act = look};
    check_trace(&how, &self,
                "01-03 09:59:30 iteration\n01-03 09:59:30 price nan, rows 0 to 0\n"
                "01-03 10:00 iteration\n01-03 10:00 price 100, rows 0 to 0\n"
                "01-03 10:00:30 iteration\n01-03 10:00:30 price 100, rows 0 to 0\n"
                "01-03 10:01 iteration\n01-03 10:01 price 101, rows 0 to 1\n"
                "01-03 10:01:30 iteration\n01-03 10:01:30 price 101, rows 0 to 1\n"
                "01-03 10:02 iteration\n01-03 10:02 price 102, rows 0 to 2\n"
                "01-03 10:02:30 iteration\n01-03 10:02:30 price 102, rows 0 to 2\n"
                "01-03 10:03 iteration\n01-03 10:03 price 102.5, rows 0 to 3\n"
                "01-03 10:03:30 iteration\n01-03 10:03:30 price 102.5, rows 0 to 3\n"
                "01-03 10:04 iteration\n01-03 10:04 price 102.5, rows 0 to 3\n"
                "01-03 10:04:30 before closing\n"
                "01-03 10:04:30 after closing\n"
                "01-03 10:04:30 end\n");
}

static mbar_status look_at_both(mbar_engine *engine, tracer *self, mbar_error *error)
{
    char what[64];
    (void)error;
    snprintf(what, sizeof what, "%g, %g", mbar_engine_last_price(engine, 0),
             mbar_engine_last_price(engine, 1));
    note(engine, self, what);
    return MBAR_OK;
}

/* Data that have ended have a price for three days more. */
static void test_price_of_ended_data(void **state)
{
    (void)state;
    bars.n = 0;
    add_bars("2024-01-03T10:00", "2024-01-03T10:02", MBAR_MINUTE_NS);
    run how = {MBAR_SESSIONS_CONTINUOUS, "2024-01-06T09:02", "2024-01-06T11:02", MBAR_HOUR_NS,
               MBAR_STEP_MINUTE,         MBAR_ASSET_STOCK};
    mbar_engine *engine = start_engine(&how);
    bars.n = 0;
    add_bars("2024-01-06T08:00", "2024-01-06T12:00", MBAR_MINUTE_NS);
    add_asset(engine, "Y", MBAR_ASSET_STOCK, minutes_of(&bars));
    tracer self = {.act = look_at_both, .step_ns = how.step_ns};
    run_engine(engine, &TRACER, &self);
    assert_string_equal(self.text, "01-06 09:02 iteration\n01-06 09:02 102.5, 112\n"
                                   "01-06 10:02 iteration\n01-06 10:02 102.5, 122\n"
                                   "01-06 11:02 iteration\n01-06 11:02 nan, 132\n"
                                   "01-06 12:02 before closing\n"
                                   "01-06 12:02 after closing\n"
                                   "01-06 12:02 end\n");
    mbar_engine_free(engine);
}

/* ---- Sleeping, dropping ------------------------------------------------------------------ */

static mbar_status buy_then_sleep(mbar_engine *engine, tracer *self, mbar_error *error)
{
    if (self->n_iterations != 1) {
        return MBAR_OK;
    }
    mbar_order_id id;
    mbar_order_request request = order_for(0, MBAR_SIDE_BUY, 1);
    mbar_status status = mbar_engine_submit(engine, &request, &id, error);
    return status != MBAR_OK ? status : mbar_engine_sleep(engine, self->sleep_ns, error);
}

/* A sleep passes over the orders before and after, and tells what happened at once. */
static void test_sleep(void **state)
{
    (void)state;
    bars.n = 0;
    add_bars("2024-01-03T10:00", "2024-01-03T11:00", MBAR_MINUTE_NS);
    run how = {MBAR_SESSIONS_CONTINUOUS, "2024-01-03T10:10", "2024-01-03T10:12",
               MBAR_MINUTE_NS,           MBAR_STEP_MINUTE,   MBAR_ASSET_STOCK};
    tracer none = {.act = buy_then_sleep, .sleep_ns = 0};
    check_trace(&how, &none,
                "01-03 10:10 iteration\n"
                "01-03 10:10 1 filled at 110, cash 99890, value 100000, holds 1\n"
                "01-03 10:10 1 new\n"
                "01-03 10:11 to 01-03 10:12 2 iterations\n"
                "01-03 10:13 before closing\n"
                "01-03 10:13 after closing\n"
                "01-03 10:13 end\n");
    tracer some = {.act = buy_then_sleep, .sleep_ns = 90 * MBAR_SECOND_NS};
    check_trace(&how, &some,
                "01-03 10:10 iteration\n"
                "01-03 10:11:30 1 filled at 110, cash 99890, value 100000, holds 1\n"
                "01-03 10:11:30 1 new\n"
                "01-03 10:12:30 before closing\n"
                "01-03 10:12:30 after closing\n"
                "01-03 10:12:30 end\n");
}

static mbar_status buy_early(mbar_engine *engine, void *state, mbar_error *error)
{
    mbar_order_id id;
    mbar_order_request request = order_for(0, MBAR_SIDE_BUY, 1);
    note(engine, state, "buys");
    return mbar_engine_submit(engine, &request, &id, error);
}

/* What is told before the first iteration has returned is lost, a stock's cash with it. */
static void test_early_events_are_dropped(void **state)
{
    (void)state;
    bars.n = 0;
    add_bars("2023-11-21T09:30", "2023-11-21T15:59", MBAR_MINUTE_NS);
    add_bars("2023-11-22T09:30", "2023-11-22T15:59", MBAR_MINUTE_NS);
    run how = {MBAR_SESSIONS_DATA, "2023-11-22T08:00", "2023-11-22T09:32",
               MBAR_MINUTE_NS,     MBAR_STEP_MINUTE,   MBAR_ASSET_STOCK};
    mbar_strategy early = TRACER;
    early.before_market_opens = buy_early;
    mbar_engine *engine = start_engine(&how);
    tracer self = {.step_ns = MBAR_MINUTE_NS};
    run_engine(engine, &early, &self);
    assert_true(strstr(self.text, "filled") == NULL);
    assert_true(strstr(self.text, "new") == NULL);
    assert_int_equal(mbar_engine_order(engine, 1)->status, MBAR_STATUS_FILLED);
    assert_true(mbar_engine_position(engine, 0)->quantity == 1);
    assert_true(mbar_engine_cash(engine) == 100000);
    mbar_engine_free(engine);
}

static int open_zone(void **state)
{
    mbar_error error;
    use_tzdata(state);
    if (mbar_zone_open("America/New_York", &new_york, &error) != MBAR_OK) {
        print_message("skipped: %s\n", error.message);
        new_york = NULL;
    }
    return 0;
}

static int close_zone(void **state)
{
    mbar_zone_unref(new_york);
    return drop_zones(state);
}

static int needs_zone(void **state)
{
    (void)state;
    if (new_york == NULL) {
        skip();
    }
    return 0;
}

#define zoned(test) cmocka_unit_test_setup(test, needs_zone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        zoned(test_sessions_by_the_minute),
        zoned(test_sessions_by_the_hour),
        zoned(test_sessions_of_one_iteration),
        zoned(test_sessions_over_midnight),
        zoned(test_half_minutes),
        zoned(test_around_the_clock),
        zoned(test_days),
        zoned(test_last_price),
        zoned(test_sleep),
        zoned(test_early_events_are_dropped),
        zoned(test_price_of_ended_data),
    };
    return cmocka_run_group_tests(tests, open_zone, close_zone);
}
