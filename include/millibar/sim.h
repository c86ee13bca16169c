/*
 * millibar/sim.h - orders, matching, ledger and the engine that joins them.
 *
 * Purpose: run a strategy, a table of callbacks, over bars. One clock moves over
 * many assets; what the strategy submits waits in a book, is matched against
 * bars by a pure function, settles in a ledger and comes back as events.
 *
 * Invariants
 *   - Two policies, one engine. MBAR_POLICY_LUMIBOT does what lumibot 4.6.30's
 *     PandasDataBacktesting and BacktestingBroker do, bit for bit, quirks
 *     included. MBAR_POLICY_STRICT never shows a bar before it has closed and
 *     never fills an order in a bar that opened before the order was placed.
 *   - Same input, same bits: no thread, no clock of the machine, no hash order,
 *     no locale has a part in a run.
 *   - An engine belongs to one thread. Series and zones it holds are shared.
 *   - Prices and cash are IEEE doubles in the asset's currency; quantities are
 *     doubles in units or contracts, positive in an order, signed in a position.
 */
#ifndef MILLIBAR_SIM_H
#define MILLIBAR_SIM_H

#include <millibar/indicators.h>
#include <millibar/market.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Assets -------------------------------------------------------------- */

typedef enum mbar_asset_kind {
    MBAR_ASSET_STOCK = 0, /* cash leg: price x quantity; dividends and splits apply */
    MBAR_ASSET_FUTURE,    /* margin and realized profit only; FIFO lots */
    MBAR_ASSET_CRYPTO,    /* cash leg in the quote; fractional quantities */
    MBAR_ASSET_FOREX,
    MBAR_ASSET_INDEX
} mbar_asset_kind;

typedef struct mbar_asset {
    const char *symbol; /* copied by the engine */
    mbar_asset_kind kind;
    double multiplier;    /* currency per point and unit; 1 for stock */
    double margin;        /* FUTURE: currency held per contract */
    double tick;          /* smallest price step; 0: none known */
    const char *quote;    /* symbol of what it is priced in; NULL: the engine's currency */
    bool quote_is_crypto; /* CRYPTO priced in a crypto: the cash leg is a position in quote */
    /* LUMIBOT: 1 + the number of an earlier asset that this one is in another currency; 0: none.
     * To lumibot they are one: the end of a position in one cancels what would close the other. */
    int32_t same_as;
} mbar_asset;
/* Kind STOCK, multiplier 1, everything else 0 or NULL. */
MBAR_API void mbar_asset_init(mbar_asset *asset);

/* ---- Orders -------------------------------------------------------------- */

/* Orders of sides that close end with the position: STRICT cancels sell_to_close (buy_to_close,
 * buy_to_cover) when a long (short) position is closed or turned; LUMIBOT plain sales, too. */
typedef enum mbar_side {
    MBAR_SIDE_BUY = 0,
    MBAR_SIDE_SELL,
    MBAR_SIDE_BUY_TO_OPEN,
    MBAR_SIDE_BUY_TO_CLOSE,
    MBAR_SIDE_BUY_TO_COVER,
    MBAR_SIDE_SELL_TO_OPEN,
    MBAR_SIDE_SELL_TO_CLOSE,
    MBAR_SIDE_SELL_SHORT
} mbar_side;
/* +1 for the buying sides, -1 for the selling ones. */
MBAR_API int mbar_side_sign(mbar_side side);

typedef enum mbar_order_type {
    MBAR_ORDER_MARKET = 0,
    MBAR_ORDER_LIMIT,
    MBAR_ORDER_STOP,
    MBAR_ORDER_STOP_LIMIT,
    MBAR_ORDER_TRAIL /* by trail_amount, or by trail_percent (0.02: two per cent) */
} mbar_order_type;

typedef enum mbar_order_class {
    MBAR_CLASS_SIMPLE = 0,
    MBAR_CLASS_BRACKET, /* children wait for the parent's fill; one cancels the other */
    MBAR_CLASS_OCO,     /* the parent is never filled; its children cancel each other */
    MBAR_CLASS_OTO      /* one child, waits for the parent's fill */
} mbar_order_class;

typedef enum mbar_tif {
    MBAR_TIF_GTC = 0,
    MBAR_TIF_DAY, /* until the local date of the engine's zone changes; of crypto: the UTC date */
    MBAR_TIF_GTD, /* until good_till_ns; INT64_MAX: for ever */
    MBAR_TIF_IOC, /* what the first bar it meets fills, and no more */
    MBAR_TIF_FOK  /* all of it by the first bar it meets, or nothing */
} mbar_tif;

typedef enum mbar_order_status {
    MBAR_STATUS_UNPROCESSED = 0, /* child not yet sent; LUMIBOT: and while it works, of a bracket */
    MBAR_STATUS_NEW,             /* in the book */
    MBAR_STATUS_PARTIAL,         /* STRICT with a volume share only */
    MBAR_STATUS_FILLED,
    MBAR_STATUS_CANCELED,
    MBAR_STATUS_EXPIRED, /* STRICT: by its time in force; LUMIBOT says canceled */
    MBAR_STATUS_ERROR    /* refused; message in the event */
} mbar_order_status;

/* An engine's orders are numbered from 1 in the order of their creation, children
 * included; 0 is none. */
typedef int64_t mbar_order_id;

/* Prices that do not apply are NaN. */
typedef struct mbar_order_request {
    int32_t asset; /* of mbar_engine_add_asset */
    mbar_side side;
    mbar_order_type type;
    mbar_order_class order_class;
    mbar_tif tif;
    double quantity;
    double limit_price;
    double stop_price;
    double stop_limit_price;
    double trail_amount;
    double trail_percent;
    /* GTD. LUMIBOT, DAY: when it was created, whose date it lasts; 0: at submission; INT64_MAX:
     * nobody knows, and it lasts until a session closes. */
    int64_t good_till_ns;
    /* Children, of BRACKET, OTO and OCO; of an OCO NaN takes the order's own prices above.
     * LUMIBOT: a trail needs child_stop_price beside it, as lumibot's does. */
    double child_limit_price;      /* takes the profit */
    double child_stop_price;       /* stops the loss */
    double child_stop_limit_price; /* makes the stop a stop-limit */
    double child_trail_amount;
    double child_trail_percent;
    int64_t tag; /* the caller's own; comes back with every event */
} mbar_order_request;
/* Zeros, NaN prices. */
MBAR_API void mbar_order_request_init(mbar_order_request *request);

/* What the engine knows of an order; owned by the engine, valid until the next
 * call that submits or runs. */
typedef struct mbar_order {
    mbar_order_id id;
    mbar_order_id parent; /* 0: none */
    /* As requested, or as modified since. */
    int32_t asset;
    mbar_side side;
    mbar_order_type type;
    mbar_order_class order_class;
    mbar_tif tif;
    mbar_order_status status;
    int8_t n_children;      /* numbered from id + 1 */
    int8_t n_open_children; /* those that are neither filled nor canceled */
    int8_t to_sibling;      /* see mbar_order_sibling */
    bool triggered;         /* STOP_LIMIT: the stop has been met */
    bool ambiguous;         /* STRICT: limit and stop lay in one bar; resolved by the rule */
    bool by_quote;          /* LUMIBOT: a quote filled it, and not a bar */
    double quantity;
    double limit_price;
    double stop_price;
    double stop_limit_price;
    double trail_amount;
    double trail_percent;
    double trail_stop;  /* TRAIL: NaN until the first bar has armed it */
    double filled;      /* units */
    double fill_price;  /* average; NaN before the first fill */
    double fees;        /* of all its fills */
    int64_t created_ns; /* clock at submission; children: at the parent's */
    int64_t placed_ns;  /* clock when it came into the book; INT64_MIN before */
    int64_t
        expires_ns;    /* once placed: the first instant at which it has lapsed; INT64_MAX: never */
    int64_t closed_ns; /* clock at fill, cancel or refusal; INT64_MIN before */
    int64_t tag;
} mbar_order;
/* The order that a fill of this one cancels; 0: none. */
MBAR_API mbar_order_id mbar_order_sibling(const mbar_order *order);

/* ---- Matching ------------------------------------------------------------ */

/* One bar as the matcher sees it. bid and ask NaN where there is no quote. */
typedef struct mbar_bar {
    int64_t open_ns;
    double open, high, low, close, volume;
    double bid, ask;
    bool is_day; /* of day data; LUMIBOT asks the quote again where such a bar does not fill */
} mbar_bar;

typedef struct mbar_match {
    double price;    /* NaN: no fill */
    double quantity; /* units filled */
    bool triggered;  /* new value of the order's */
    double trail_stop;
    bool cancel;    /* IOC and FOK that found no fill */
    bool ambiguous; /* STRICT: a stop-limit with stop and limit inside the bar */
    bool by_quote;  /* LUMIBOT: the price is a quote's and not a bar's */
} mbar_match;

/* Slippage and share of volume, STRICT only (lumibot applies none to these order types). */
typedef struct mbar_frictions {
    double slippage_ticks;   /* of the asset's tick, against the order; market and stop */
    double slippage_percent; /* of the price, against the order; 0.01: one per cent */
    double volume_share;     /* most of a bar's volume one order may take; 0: no limit */
} mbar_frictions;

/*
 * The fill, if any, that one bar gives one order. Pure: no state, no allocation.
 * LUMIBOT: PARITY of BacktestingBroker: quote first (market and limit), limit at
 * the open if marketable there else at its price if low <= price <= high, stop at
 * the open if gapped through else at its price, trailing tests the old stop and
 * then moves it. The bar given is the one the engine chose.
 * STRICT: the bar must have opened at or after the order was placed (asserted);
 * no fill in a bar without volume (volume NaN counts as traded: unknown); a limit
 * is met when the price trades at it or better, filled at the limit or, where the
 * bar opens better, at the open; frictions apply; a stop-limit whose stop and
 * limit both lie inside one bar fills at the limit only if the bar closes on its
 * far side, and is flagged ambiguous.
 */
MBAR_API mbar_match mbar_match_order(const mbar_order *order, const mbar_bar *bar,
                                     mbar_policy policy, const mbar_asset *asset,
                                     const mbar_frictions *frictions);

/* ---- Ledger -------------------------------------------------------------- */

typedef struct mbar_fee {
    double flat;         /* per order */
    double percent;      /* 0.001: a tenth of a per cent of price x quantity (no multiplier) */
    double per_contract; /* per unit */
    bool maker;          /* charged on limit and stop-limit orders */
    bool taker;          /* charged on market and stop orders */
} mbar_fee;

typedef struct mbar_position {
    int32_t asset;
    double quantity;   /* signed; 0: flat */
    double avg_price;  /* of the open quantity; NaN when flat */
    double realized;   /* profit of closed quantity, fees not counted, in currency */
    int64_t opened_ns; /* of the present holding */
} mbar_position;

typedef struct mbar_ledger mbar_ledger;

/* Cash of 0, no positions. policy LUMIBOT: average prices and fees by lumibot's
 * decimal arithmetic (28 digits, then the nearest double), STRICT: doubles. */
MBAR_API MBAR_MUST_USE mbar_status mbar_ledger_new(mbar_policy policy, mbar_ledger **out,
                                                   mbar_error *error);
MBAR_API void mbar_ledger_free(mbar_ledger *ledger);
/* Assets are numbered from 0 in the order added. */
MBAR_API MBAR_MUST_USE mbar_status mbar_ledger_add_asset(mbar_ledger *ledger,
                                                         const mbar_asset *asset, int32_t *out,
                                                         mbar_error *error);
/* Copied; buys and sells apart. */
MBAR_API MBAR_MUST_USE mbar_status mbar_ledger_set_fees(mbar_ledger *ledger, const mbar_fee *buy,
                                                        int32_t n_buy, const mbar_fee *sell,
                                                        int32_t n_sell, mbar_error *error);
MBAR_API double mbar_ledger_cash(const mbar_ledger *ledger);
MBAR_API void mbar_ledger_set_cash(mbar_ledger *ledger, double cash);
/* Borrowed; valid until an asset is added. Never NULL. */
MBAR_API const mbar_position *mbar_ledger_position(const mbar_ledger *ledger, int32_t asset);
/* Books one fill at ns: fee, cash leg or margin and realized profit, position,
 * average price. *fee: what was charged; a flat fee only where order->filled is 0.
 * Cash may go below 0: nothing here knows what credit there is. */
MBAR_API MBAR_MUST_USE mbar_status mbar_ledger_fill(mbar_ledger *ledger, const mbar_order *order,
                                                    double price, double quantity, int64_t ns,
                                                    double *fee, mbar_error *error);
/* Cash + holdings at prices[asset], n_assets long, in lumibot's order of summation.
 * A missing price (NaN; LUMIBOT: 0 or infinite too) is LUMIBOT: the last one this
 * function was given for the asset while it was held, and the holding is left out
 * where there is none; STRICT: the average price. */
MBAR_API double mbar_ledger_value(mbar_ledger *ledger, const double *prices);
/* STOCK: cash per share held, and the split's factor on quantity and average. */
MBAR_API void mbar_ledger_dividend(mbar_ledger *ledger, int32_t asset, double per_unit);
MBAR_API void mbar_ledger_split(mbar_ledger *ledger, int32_t asset, double factor);

/* ---- Engine -------------------------------------------------------------- */

typedef struct mbar_engine mbar_engine;

/* When on_trading_iteration is called. */
typedef enum mbar_clock {
    /* Every step_ns inside the sessions: lumibot's loop, from start to end. */
    MBAR_CLOCK_STEP = 0,
    /* At each instant at which a bar of any asset closes; STRICT only. Of the lifecycle
     * initialize, on_trading_iteration, after_iteration, on_order_event and on_end. */
    MBAR_CLOCK_BARS
} mbar_clock;

/* Where sessions come from, for CLOCK_STEP. */
typedef enum mbar_sessions {
    MBAR_SESSIONS_CONTINUOUS = 0, /* none: "24/7" */
    MBAR_SESSIONS_DATA,           /* [first bar, last bar) of each local date of the data */
    MBAR_SESSIONS_DAILY,          /* one iteration a stamp of the data (lumibot's daily loop) */
    MBAR_SESSIONS_DAILY_ALWAYS    /* the same, never closed ("24/7", several stamps a date) */
} mbar_sessions;

typedef struct mbar_engine_options {
    mbar_policy policy;
    mbar_clock clock;
    mbar_sessions sessions;
    int64_t start_ns, end_ns; /* end: inclusive (PandasDataBacktesting) */
    int64_t step_ns;          /* lumibot's sleeptime; 0: one iteration a session. See _set_step */
    int64_t before_opening_ns, before_closing_ns, after_closing_ns;
    mbar_zone *zone; /* of dates and sessions; NULL: America/New_York if found, else UTC */
    double budget;
    const mbar_fee *buy_fees;
    int32_t n_buy_fees;
    const mbar_fee *sell_fees;
    int32_t n_sell_fees;
    mbar_frictions frictions;
    bool record_iterations; /* keep a row of time, cash, value for each iteration (default) */
} mbar_engine_options;
/* STRICT, CLOCK_BARS, budget 100 000, no fees, whole span of the data, 1 minute before
 * closing, 60 before opening, 0 after closing, iterations recorded. */
MBAR_API void mbar_engine_options_init(mbar_engine_options *options);

typedef enum mbar_event_kind {
    MBAR_EVENT_NEW = 0,
    MBAR_EVENT_FILLED,
    MBAR_EVENT_PARTIAL,
    MBAR_EVENT_CANCELED,
    MBAR_EVENT_MODIFIED,
    MBAR_EVENT_ERROR
} mbar_event_kind;

typedef struct mbar_event {
    mbar_event_kind kind;
    mbar_order_id order;
    int64_t ns;                  /* the clock when it happened (delivery may be later) */
    double price, quantity, fee; /* of a fill; else NaN, 0, 0 */
    double multiplier;
    int64_t bar_ns;      /* open of the bar that filled it */
    const char *message; /* ERROR and some CANCELED: why; else "" */
} mbar_event;

/*
 * A strategy: callbacks with a state of the caller's. Any may be NULL. They run on
 * the engine's thread, may call any mbar_engine_ function that says so, and stop
 * the run by returning other than MBAR_OK (error set): mbar_engine_run returns
 * that. Names and order are lumibot's lifecycle.
 */
typedef struct mbar_strategy {
    size_t struct_bytes; /* sizeof(mbar_strategy): later fields may be added */
    const char *name;
    mbar_status (*initialize)(mbar_engine *engine, void *state, mbar_error *error);
    mbar_status (*before_market_opens)(mbar_engine *engine, void *state, mbar_error *error);
    mbar_status (*before_starting_trading)(mbar_engine *engine, void *state, mbar_error *error);
    mbar_status (*on_trading_iteration)(mbar_engine *engine, void *state, mbar_error *error);
    /* After the iteration, when cash and value of the row stand: lumibot's trace_stats. */
    mbar_status (*after_iteration)(mbar_engine *engine, void *state, mbar_error *error);
    mbar_status (*before_market_closes)(mbar_engine *engine, void *state, mbar_error *error);
    mbar_status (*after_market_closes)(mbar_engine *engine, void *state, mbar_error *error);
    mbar_status (*on_order_event)(mbar_engine *engine, void *state, const mbar_event *event,
                                  mbar_error *error);
    mbar_status (*on_end)(mbar_engine *engine, void *state, mbar_error *error);
} mbar_strategy;

MBAR_API MBAR_MUST_USE mbar_status mbar_engine_new(const mbar_engine_options *options,
                                                   mbar_engine **out, mbar_error *error);
MBAR_API void mbar_engine_free(mbar_engine *engine);
/* Before running; without bars while running, too. The series is what its bars are; LUMIBOT wants
 * it already gap-filled (mbar_grid_new, mbar_series_fill) where lumibot's loader would. *out: its
 * number. A series without open, high, low, close is MBAR_INVALID; a missing volume counts as
 * unknown. Assets without bars (series NULL) can be held but not traded. */
MBAR_API MBAR_MUST_USE mbar_status mbar_engine_add_asset(mbar_engine *engine,
                                                         const mbar_asset *asset,
                                                         mbar_series *series, int32_t *out,
                                                         mbar_error *error);
/* The whole run, once. MBAR_INVALID where there is nothing to run over (no asset, no bars,
 * data that end before the start or begin after the end). strategy and state must outlive
 * the call. A callback's failure ends it, without on_end; tables can be made all the same. One
 * that set no error gets one that says so (MBAR_INVALID where its status is none of ours). */
MBAR_API MBAR_MUST_USE mbar_status mbar_engine_run(mbar_engine *engine,
                                                   const mbar_strategy *strategy, void *state,
                                                   mbar_error *error);

/* ---- What a strategy may ask, at the clock ------------------------------- */

MBAR_API int64_t mbar_engine_now_ns(const mbar_engine *engine);
MBAR_API int64_t mbar_engine_iterations(const mbar_engine *engine);
/* The last instant of the backtest: the options', or when there was no session any more. */
MBAR_API int64_t mbar_engine_end_ns(const mbar_engine *engine);
/* Rows of the table "iterations" so far. */
MBAR_API int64_t mbar_engine_row_count(const mbar_engine *engine);
MBAR_API int32_t mbar_engine_assets(const mbar_engine *engine);
MBAR_API int32_t mbar_engine_find(const mbar_engine *engine, const char *symbol); /* -1 */
MBAR_API const mbar_asset *mbar_engine_asset(const mbar_engine *engine, int32_t asset);
MBAR_API mbar_series *mbar_engine_series(const mbar_engine *engine, int32_t asset); /* borrowed */
/* mbar_series_window at the clock. */
MBAR_API MBAR_MUST_USE mbar_status mbar_engine_window(const mbar_engine *engine, int32_t asset,
                                                      int64_t length, int64_t shift,
                                                      mbar_window *out, mbar_error *error);
/* Rows of the asset that STRICT shows at the clock. O(1). */
MBAR_API int64_t mbar_engine_visible_rows(const mbar_engine *engine, int32_t asset);
/* LUMIBOT: the open of the bar forming now, else the close; NaN for lumibot's None.
 * STRICT: the close of the last visible bar. */
MBAR_API double mbar_engine_last_price(const mbar_engine *engine, int32_t asset);
MBAR_API double mbar_engine_cash(const mbar_engine *engine);
MBAR_API void mbar_engine_set_cash(mbar_engine *engine, double cash);
/* LUMIBOT: as of the last mark to market (lumibot's portfolio_value is read so). STRICT: now,
 * at the last visible closes. */
MBAR_API double mbar_engine_value(const mbar_engine *engine);
/* Marks to market now. */
MBAR_API double mbar_engine_mark(mbar_engine *engine);
MBAR_API const mbar_position *mbar_engine_position(const mbar_engine *engine, int32_t asset);
/* NULL for a number there is none of. */
MBAR_API const mbar_order *mbar_engine_order(const mbar_engine *engine, mbar_order_id id);
MBAR_API int64_t mbar_engine_orders(const mbar_engine *engine); /* how many so far */
/* What has happened so far, told or not: how many events, and one of them (asserted). */
MBAR_API int64_t mbar_engine_events(const mbar_engine *engine);
MBAR_API void mbar_engine_event(const mbar_engine *engine, int64_t index, mbar_event *out);
/* The next order after `after` (0: first) that is active, in book order; 0: none. */
MBAR_API mbar_order_id mbar_engine_next_active(const mbar_engine *engine, mbar_order_id after);

/* An indicator of the asset's whole series (registry: indicators.h), shown up to the
 * last bar visible under the policy. Ask in initialize; *out numbers it. */
MBAR_API MBAR_MUST_USE mbar_status mbar_engine_indicator(mbar_engine *engine, int32_t asset,
                                                         const char *name, const double *params,
                                                         int32_t n_params, int32_t *out,
                                                         mbar_error *error);
/* Output `output` of indicator, `back` bars before the last visible one (0: that one);
 * NaN in warm-up and before the first bar. O(1). */
MBAR_API double mbar_engine_indicator_value(const mbar_engine *engine, int32_t indicator,
                                            int32_t output, int64_t back);

/* ---- What a strategy may do ---------------------------------------------- */

/* Checks and enters an order; *out the (parent's) number. Quantity zero, negative, NaN or
 * infinite, prices NaN where needed or not finite, an unknown asset: MBAR_INVALID saying
 * which; nothing is entered. LUMIBOT accepts what lumibot accepts and emits what it emits. */
MBAR_API MBAR_MUST_USE mbar_status mbar_engine_submit(mbar_engine *engine,
                                                      const mbar_order_request *request,
                                                      mbar_order_id *out, mbar_error *error);
/* STRICT: does nothing to an order that is no longer active (MBAR_OK). LUMIBOT: marks it
 * canceled all the same, as lumibot does. */
MBAR_API MBAR_MUST_USE mbar_status mbar_engine_cancel(mbar_engine *engine, mbar_order_id id,
                                                      mbar_error *error);
MBAR_API MBAR_MUST_USE mbar_status mbar_engine_cancel_all(mbar_engine *engine, mbar_error *error);
/* LUMIBOT: an order submitted once more: it is told as new again, and nothing else. */
MBAR_API MBAR_MUST_USE mbar_status mbar_engine_resubmit(mbar_engine *engine, mbar_order_id id,
                                                        mbar_error *error);
/* NaN: leave as it is. */
MBAR_API MBAR_MUST_USE mbar_status mbar_engine_modify(mbar_engine *engine, mbar_order_id id,
                                                      double limit_price, double stop_price,
                                                      double quantity, mbar_error *error);
/* Moves the clock inside a callback, with matching and events as lumibot's sleep does; 0:
 * without a move. MBAR_INVALID below 0. */
MBAR_API MBAR_MUST_USE mbar_status mbar_engine_sleep(mbar_engine *engine, int64_t ns,
                                                     mbar_error *error);
/* As lumibot's await_market_to_*: a pass over the orders, then the move, and no more; what
 * happened is told after this callback. STRICT: as mbar_engine_sleep. */
MBAR_API MBAR_MUST_USE mbar_status mbar_engine_wait(mbar_engine *engine, int64_t ns,
                                                    mbar_error *error);
/* What lumibot's broker does where it looks for a session and there is none any more: the end of
 * the backtest is now, where it was later, and no session begins. For a user's code that looks
 * for one; the run itself sees to it. */
MBAR_API void mbar_engine_sessions_over(mbar_engine *engine);
/* The asset's multiplier from now on: lumibot's is that of the first order's asset, not of the
 * data's. Left as it is (MBAR_OK) while the asset is held or has an active order. */
MBAR_API MBAR_MUST_USE mbar_status mbar_engine_set_multiplier(mbar_engine *engine, int32_t asset,
                                                              double multiplier, mbar_error *error);
/* From now on; asserted to be >= 0. */
MBAR_API void mbar_engine_set_step(mbar_engine *engine, int64_t step_ns);
/* In place of the options' (lengths asserted to be >= 0). Lengths count from their next use on;
 * sessions stay what they are once initialize has returned. */
MBAR_API void mbar_engine_set_schedule(mbar_engine *engine, mbar_sessions sessions,
                                       int64_t before_opening_ns, int64_t before_closing_ns,
                                       int64_t after_closing_ns);
/* Ends the run after this callback: on_end is called, mbar_engine_run returns MBAR_OK. Callable
 * from any thread and from a signal handler. */
MBAR_API void mbar_engine_stop(mbar_engine *engine);

/* ---- What a run leaves --------------------------------------------------- */

/* Tables, times in ns UTC; callable while running (what is there so far).
 * iterations: timestamp, cash, portfolio_value, n_positions, events (how many were logged
 *   before it); LUMIBOT: a row for each lifecycle call that lumibot appends one for, on_end
 *   included; STRICT: for each iteration.
 * orders: id, parent, symbol (dictionary), side, type, class, tif, status (dictionaries),
 *   quantity, limit_price, stop_price, stop_limit_price, trail_amount, trail_percent, filled,
 *   fill_price, fees, created, placed, closed (null where it did not happen), ambiguous, tag.
 * fills: timestamp, order, symbol, side, quantity, price, fee, multiplier, bar (open of the bar).
 * events: timestamp, kind (dictionary), order, price, quantity, fee.
 * corporate: timestamp, kind (dividend, split), symbol, per_unit (cash, or the ratio), quantity
 *   (units entitled, or held before), amount (cash), events (logged before it). */
MBAR_API MBAR_MUST_USE mbar_status mbar_engine_table(const mbar_engine *engine, const char *which,
                                                     mbar_table **out, mbar_error *error);

/* ---- Signals ------------------------------------------------------------- */

/*
 * Arrays of signals over one asset's bars: entries[i] != 0 asks, at the close of bar i, to
 * be long (short_entries: short) `size` units, exits and short_exits to be out of a long or a
 * short position. One order carries what is held to what is wanted; it fills at the first bar
 * that opens once bar i has closed and that STRICT lets it fill in (one with volume), and a
 * later signal that wants something else replaces it while it waits. So an entry of the other
 * side reverses in one fill, and an exit and an entry of one bar are out, then in: a long
 * position stays as it is. An entry never adds to a position. NULL arrays are all zero.
 */
typedef struct mbar_signals {
    const uint8_t *entries, *exits, *short_entries, *short_exits; /* n_rows each */
    double size;                                                  /* units */
    double share; /* where not 0, instead of size: of the account's value at the fill bar's open */
    double lot;   /* share: rounded down to whole lots; 0: any fraction */
} mbar_signals;

typedef struct mbar_signal_options {
    double budget;
    const mbar_fee *buy_fees;
    int32_t n_buy_fees;
    const mbar_fee *sell_fees;
    int32_t n_sell_fees;
    mbar_frictions frictions;
    bool close_at_end; /* close what is open at the last close, frictions and fees included */
} mbar_signal_options;
/* Budget 100 000, no fees, no frictions, what is open stays open. */
MBAR_API void mbar_signal_options_init(mbar_signal_options *options);

/*
 * *fills as the engine's table of that name; equity: n_rows doubles of the caller's, cash and
 * holdings at each bar's close, a missing close counting as the average price (NULL: not
 * wanted; undefined on failure). No buying power is asked for. MBAR_INVALID: a size that is no
 * number above 0, bars without open, high, low or close, a row that asks to be long and short
 * (error->row). O(rows + fills).
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_signals_run(
    const mbar_series *series, const mbar_asset *asset, const mbar_signals *signals,
    const mbar_signal_options *options, mbar_table **fills, double *equity, mbar_error *error);

/* ---- Strategies in shared objects ---------------------------------------- */

/* What `mbar run STRATEGY.so` looks up: a function of this type named
 * "mbar_strategy_open". It fills *strategy and *state (parameters: NAME=VALUE texts, ended
 * by NULL); close, which may be NULL, gets the state back at the end. */
typedef struct mbar_strategy_plugin {
    mbar_strategy strategy;
    void *state;
    void (*close)(void *state);
} mbar_strategy_plugin;
typedef mbar_status (*mbar_strategy_open_fn)(const char *const *parameters,
                                             mbar_strategy_plugin *out, mbar_error *error);

#ifdef __cplusplus
}
#endif
#endif
