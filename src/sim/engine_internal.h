/*
 * engine_internal.h - the engine as its own files see it.
 *
 *   engine.c            from its making to its end; options
 *   engine_assets.c     its assets and the columns of their bars
 *   engine_ask.c        what a strategy may ask
 *   engine_act.c        what a strategy may do
 *   engine_run.c        the run: callbacks, events, marks, rows, the clock's moves
 *   engine_bars.c       a clock of closing bars; what STRICT matches and when
 *   engine_step.c       lumibot's loops: sessions, around the clock, daily rows
 *   engine_bar.c        LUMIBOT: which bar an order is matched against
 *   engine_corporate.c  dividends and splits
 *   engine_indicators.c indicators of whole series, read at the visible row
 *   engine_rows.c       a row of time, cash and value for each iteration
 *   engine_tables.c     what a run leaves
 */
#ifndef MILLIBAR_SIM_ENGINE_INTERNAL_H
#define MILLIBAR_SIM_ENGINE_INTERNAL_H

#include "base/checked.h"
#include "market/series.h"
#include "sim/blocks.h"
#include "sim/book.h"
#include "sim/ledger.h"

#include <math.h>
#include <stdatomic.h>

/* Leaves with the status of a call that did not succeed. */
#define MBAR_TRY(call)                   \
    do {                                 \
        mbar_status try_status = (call); \
        if (try_status != MBAR_OK) {     \
            return try_status;           \
        }                                \
    } while (0)

/* ---- Assets -------------------------------------------------------------------- */

typedef enum mbar_bar_field {
    MBAR_BAR_OPEN = 0,
    MBAR_BAR_HIGH,
    MBAR_BAR_LOW,
    MBAR_BAR_CLOSE,
    MBAR_BAR_VOLUME, /* from here on, what need not be there */
    MBAR_BAR_BID,
    MBAR_BAR_ASK,
    MBAR_BAR_DIVIDEND,
    MBAR_BAR_SPLITS,
    MBAR_BAR_N_FIELDS
} mbar_bar_field;

typedef struct mbar_instrument {
    mbar_asset spec; /* its texts are the next two */
    char *symbol;
    char *quote;
    mbar_series *series; /* NULL: held, not traded */
    mbar_column *columns[MBAR_BAR_N_FIELDS];
    const double *fields[MBAR_BAR_N_FIELDS]; /* NULL where there is no such column */
    const int64_t *times;
    int64_t n_rows;
    int64_t n_shown; /* rows [0, n_shown) show at the clock, by the policy */
    /* STRICT. */
    int64_t next_close_ns; /* of row n_shown; INT64_MAX: there is none */
    int64_t fresh_row;     /* the one that closed just now; -1 */
    /* LUMIBOT: the last row with open <= clock; -1. */
    int64_t row;
    bool split_adjusted; /* prices are in today's units already */
    /* What orders meet, the same for all of them: of row met_at (STRICT), at that instant
     * (LUMIBOT); INT64_MIN: nothing yet. */
    int64_t met_at;
    mbar_bar met;
    mbar_book_data met_data;
    /* LUMIBOT: rows [first_paid, end_paid) are those whose dividends it knows. */
    bool has_looked;
    int64_t first_paid, end_paid;
    double entitled;         /* units held when the day began */
    int64_t dividend_day_ns; /* the last day that paid; INT64_MIN */
    int64_t split_day_ns;    /* the last day that split */
} mbar_instrument;

/* ---- Sessions -------------------------------------------------------------------- */

/* A local date's first and last bar of all series. */
typedef struct mbar_session {
    int64_t open_ns, close_ns;
} mbar_session;

typedef struct mbar_session_list {
    mbar_session *items;
    int64_t n;
    int64_t next; /* the first whose close is not before the clock; moves forward */
} mbar_session_list;

/* ---- Rows ------------------------------------------------------------------------ */

/* Rows from `first` on that have all but time and value in common. */
typedef struct mbar_row_span {
    int64_t first;
    double cash;
    int64_t n_events; /* logged before them */
    int32_t n_positions;
    bool of_bars;
} mbar_row_span;

/* Of a span of bars: which one its first row is, and what is held. */
typedef struct mbar_bar_span {
    int64_t bar;
    double quantity, average, multiplier;
} mbar_bar_span;

/* A row that is no bar. */
typedef struct mbar_single_row {
    int64_t ns;
    double value;
} mbar_single_row;

/* See engine_rows.c. */
typedef struct mbar_engine_rows {
    int64_t n;
    bool is_open;      /* the next bar's row belongs to the last span, if nothing happens */
    mbar_blocks spans; /* mbar_row_span */
    int64_t n_spans;
    mbar_blocks bars; /* mbar_bar_span of those spans that are of bars, in their order */
    int64_t n_bars;
    mbar_blocks singles; /* mbar_single_row of the rows of all others */
    int64_t n_singles;
} mbar_engine_rows;

/* A dividend paid or a split made. */
typedef struct mbar_corporate_event {
    int64_t ns;
    int32_t kind, asset; /* kind: 0 dividend, 1 split */
    double per_unit;     /* cash, or the ratio */
    double quantity;     /* units entitled, or held before */
    double amount;       /* cash */
    int64_t n_events;    /* of the book's log before it */
} mbar_corporate_event;

typedef struct mbar_corporate_log {
    mbar_corporate_event *items;
    int64_t n, capacity;
} mbar_corporate_log;

/* One indicator of a whole series, computed up to n_ready rows. See engine_indicators.c. */
typedef struct mbar_instrument_indicator {
    const int64_t *n_shown;     /* the asset's */
    int64_t first_kept, n_kept; /* rows that are in cells */
    int64_t mask;               /* row & mask is its place there */
    double *cells[MBAR_INDICATOR_MAX_OUTPUTS];
    int32_t n_outputs;
    int32_t asset;
    int64_t n_ready, n_rows;
    const double *inputs[MBAR_INDICATOR_MAX_INPUTS];
    mbar_indicator *running;
    double *latest;                            /* the cells of all outputs, while few are kept */
    double *whole[MBAR_INDICATOR_MAX_OUTPUTS]; /* for n_rows each, untouched until asked for */
} mbar_instrument_indicator;

/* ---- The engine ------------------------------------------------------------------ */

struct mbar_engine {
    mbar_engine_options options; /* fees are the ledger's; zone is referenced below */
    mbar_zone *zone;
    mbar_ledger *ledger;
    mbar_book *book;
    mbar_instrument *assets;
    double *prices; /* one an asset: what it was marked at */
    int32_t n_assets, assets_capacity;
    mbar_instrument_indicator *indicators;
    int32_t n_indicators, indicators_capacity;

    mbar_strategy strategy; /* while running */
    void *state;
    bool has_run;
    bool is_under_way; /* initialize has returned */
    atomic_bool is_stopped;

    int64_t now_ns;
    int64_t end_ns; /* options.end_ns, sooner once the sessions have run out */
    int64_t step_ns;
    int64_t n_iterations;
    bool has_iterated;  /* LUMIBOT: events before the first iteration's end are dropped */
    bool is_touched;    /* events may be waiting */
    bool is_busy;       /* STRICT: orders may be waiting */
    bool defers_rows;   /* rows may wait to be written */
    int64_t closed_ns;  /* the last instant at which bars closed */
    bool has_corporate; /* some series has dividends or splits */
    bool sessions_over; /* the clock is past the last session */
    /* LUMIBOT: the last mark, and what it was computed for. */
    double value;
    int64_t value_ns, value_revision;
    mbar_step fill_step;     /* LUMIBOT: step of the bars that fill orders */
    int64_t entitled_day_ns; /* LUMIBOT: the day of the assets' entitled */
    mbar_session_list sessions;
    mbar_engine_rows rows;
    mbar_corporate_log corporate;
    mbar_error bar_error; /* of a bar that could not be made, while orders are passed over */
};

typedef mbar_status mbar_engine_callback(mbar_engine *engine, void *state, mbar_error *error);

static inline bool mbar_engine_is_strict(const mbar_engine *engine)
{
    return engine->options.policy == MBAR_POLICY_STRICT;
}

static inline bool mbar_engine_is_stopped(const mbar_engine *engine)
{
    return atomic_load_explicit(&engine->is_stopped, memory_order_relaxed);
}

static inline const mbar_instrument *mbar_engine_at(const mbar_engine *engine, int32_t asset)
{
    return asset >= 0 && asset < engine->n_assets ? &engine->assets[asset] : NULL;
}

/* ns + length_ns, held inside int64. length_ns >= 0. */
static inline int64_t mbar_engine_later(int64_t ns, int64_t length_ns)
{
    int64_t at;
    return mbar_add_i64(ns, length_ns, &at) ? at : INT64_MAX;
}

static inline bool mbar_bar_is_whole(const mbar_bar *bar)
{
    return isfinite(bar->open) && isfinite(bar->high) && isfinite(bar->low) && isfinite(bar->close);
}

static inline double mbar_instrument_number(const mbar_instrument *asset, mbar_bar_field field,
                                            int64_t row)
{
    return asset->fields[field] != NULL ? asset->fields[field][row] : NAN;
}

/* Stamp, prices and volume of a row, the rest of *out as it was. Whether all prices are there. */
static inline bool mbar_instrument_read(const mbar_instrument *asset, int64_t row, mbar_bar *out)
{
    out->open_ns = asset->times[row];
    out->open = asset->fields[MBAR_BAR_OPEN][row];
    out->high = asset->fields[MBAR_BAR_HIGH][row];
    out->low = asset->fields[MBAR_BAR_LOW][row];
    out->close = asset->fields[MBAR_BAR_CLOSE][row];
    out->volume = mbar_instrument_number(asset, MBAR_BAR_VOLUME, row);
    return mbar_bar_is_whole(out);
}

/* ---- engine_assets.c ------------------------------------------------------------- */

void mbar_instrument_deinit(mbar_instrument *asset);
/* Adds the cryptos that others are priced in, and that are no assets yet. */
mbar_status mbar_engine_add_quotes(mbar_engine *engine, mbar_error *error);
/* The field of bars named so, or MBAR_BAR_N_FIELDS. */
mbar_bar_field mbar_bar_field_named(const char *name);

/* ---- engine_ask.c ---------------------------------------------------------------- */

/* LUMIBOT: whether lumibot no longer answers: three days past the end of the data. */
bool mbar_engine_is_past_reach(const mbar_instrument *asset, int64_t now_ns);
/* LUMIBOT: whether the last row of an intraday series has not closed by its rule. */
bool mbar_engine_is_forming(const mbar_engine *engine, const mbar_instrument *asset);
/* LUMIBOT: the price of its get_last_price; NaN for None. */
double mbar_engine_lumibot_price(const mbar_engine *engine, const mbar_instrument *asset);

/* LUMIBOT: what n_shown is at the clock. */
int64_t mbar_engine_lumibot_shown(const mbar_engine *engine, const mbar_instrument *asset);

/* ---- engine_run.c ---------------------------------------------------------------- */

/* Gives waiting events to the strategy until none is left; settle: also those before
 * the first iteration's end, which lumibot's queue drops. */
mbar_status mbar_engine_deliver(mbar_engine *engine, bool also_early, mbar_error *error);
/* The same, without a call where none can be waiting. */
static inline mbar_status mbar_engine_deliver_if_any(mbar_engine *engine, mbar_error *error)
{
    return engine->is_touched ? mbar_engine_deliver(engine, false, error) : MBAR_OK;
}
/* Calls fn, which may be NULL. */
mbar_status mbar_engine_call(mbar_engine *engine, mbar_engine_callback *fn, mbar_error *error);
/* One of the lifecycle's calls but for an iteration: events, mark, call, row, events. */
mbar_status mbar_engine_lifecycle(mbar_engine *engine, mbar_engine_callback *fn, mbar_error *error);
/* One iteration with all that belongs to it. market_open false: lumibot skips the user's
 * code and keeps the row. */
mbar_status mbar_engine_iterate(mbar_engine *engine, bool market_open, mbar_error *error);
/* STRICT: what follows the strategy's own code: events, row, after_iteration. */
mbar_status mbar_engine_iterated(mbar_engine *engine, mbar_error *error);
/* LUMIBOT: one pass over the pending orders. STRICT: nothing, bars match as they close. */
mbar_status mbar_engine_pending(mbar_engine *engine, mbar_error *error);
/* Moves the clock on to to_ns, a minute at the least (lumibot's rule). STRICT: matches the
 * bars that close on the way. */
mbar_status mbar_engine_move(mbar_engine *engine, int64_t to_ns, mbar_error *error);

/* ---- engine_bars.c --------------------------------------------------------------- */

/* Cursors to what shows at the clock, without matching. */
void mbar_engine_place_cursors(mbar_engine *engine);
/* STRICT: closes bars up to to_ns in order of time, matches, delivers; then the clock is
 * to_ns. */
mbar_status mbar_engine_close_until(mbar_engine *engine, int64_t to_ns, mbar_error *error);
/* The run under MBAR_CLOCK_BARS. */
mbar_status mbar_engine_run_bars(mbar_engine *engine, mbar_error *error);
/* Close of row, INT64_MAX where there is no such row. */
int64_t mbar_engine_close_ns(const mbar_instrument *asset, int64_t row);

/* ---- engine_step.c --------------------------------------------------------------- */

/* The run under MBAR_CLOCK_STEP. */
mbar_status mbar_engine_run_steps(mbar_engine *engine, mbar_error *error);
/* mbar_book_market.session_closed of LUMIBOT: whether no time is left to the session's close.
 * Where no session closes any more there is no answer, and the run ends, as lumibot's does. */
bool mbar_engine_session_closed(void *engine);

/* ---- engine_bar.c ---------------------------------------------------------------- */

/* mbar_book_market.bar of LUMIBOT; ctx is the engine. */
mbar_book_data mbar_engine_lumibot_bar(void *ctx, const mbar_order *order, const mbar_bar **out);

/* ---- engine_corporate.c ---------------------------------------------------------- */

/* LUMIBOT: what _update_positions_with_splits and _update_cash_with_dividends do. */
mbar_status mbar_engine_corporate_day(mbar_engine *engine, mbar_error *error);
/* The same, without a call where no series has any. */
static inline mbar_status mbar_engine_corporate_day_if_any(mbar_engine *engine, mbar_error *error)
{
    return engine->has_corporate ? mbar_engine_corporate_day(engine, error) : MBAR_OK;
}
/* STRICT: what row, about to close, pays and splits; before it is matched. */
mbar_status mbar_engine_corporate_row(mbar_engine *engine, int32_t asset, int64_t row,
                                      mbar_error *error);
/* LUMIBOT: price of a daily row as seen before a split later on the clock's date. */
double mbar_engine_unsplit(const mbar_engine *engine, const mbar_instrument *asset, double price);

/* ---- engine_indicators.c --------------------------------------------------------- */

void mbar_instrument_indicator_deinit(mbar_instrument_indicator *indicator);

/* ---- engine_rows.c --------------------------------------------------------------- */

/* Adds a row of time, cash, value. */
mbar_status mbar_engine_record(mbar_engine *engine, mbar_error *error);
/* Before anything that changes cash or holdings. */
void mbar_engine_settle_rows(mbar_engine *engine);
/* The columns of the rows; out has room for engine->rows.n of int64, double or int32. */
void mbar_engine_row_times(const mbar_engine *engine, void *out);
void mbar_engine_row_cash(const mbar_engine *engine, void *out);
void mbar_engine_row_values(const mbar_engine *engine, void *out);
void mbar_engine_row_positions(const mbar_engine *engine, void *out);
void mbar_engine_row_events(const mbar_engine *engine, void *out);
void mbar_engine_rows_init(mbar_engine_rows *rows);
void mbar_engine_rows_deinit(mbar_engine_rows *rows);

#endif
