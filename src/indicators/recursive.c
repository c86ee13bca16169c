/*
 * recursive.c - indicators that remember every row since the first: ema, macd,
 * true_range, atr, rsi, adx.
 *
 * Wilder's smoothing is the exponential mean of alpha = 1 / period that starts at
 * the first value, as pandas writes it. Wilder himself started at the plain mean
 * of the first period; the two agree more and more as rows go by.
 */
#include "indicators/recursive.h"
#include "indicators/rolling.h"

static const char *const close_input[] = {"close"};
static const char *const high_low_close_inputs[] = {"high", "low", "close"};

/* ---- Exponential moving average ------------------------------------------ */

static const mbar_indicator_param ema_params[] = {
    MBAR_PERIOD("period", NAN), {"adjust", MBAR_PARAM_INTEGER, 0, 1, 0, NULL}, MBAR_MIN_PERIODS};

struct ema_state {
    mbar_ewm mean;
};

static mbar_status ema_start(void *state, mbar_indicator *owner, const double *params,
                             mbar_error *error)
{
    (void)owner;
    (void)error;
    int64_t needed = mbar_needed(params[2], 1);
    ((struct ema_state *)state)->mean = mbar_ewm_of_span(params[0], params[1] != 0, needed);
    return MBAR_OK;
}

static inline void ema_step(struct ema_state *self, const double *in, double *out)
{
    out[0] = mbar_ewm_step(&self->mean, in[0]);
}
MBAR_INDICATOR_RUN(ema, 1, 1)

static const char *const ema_outputs[] = {"ema"};
const mbar_indicator_kind mbar_kind_ema = {
    MBAR_INDICATOR_SPEC(ema, "Exponential moving average", close_input, ema_params, ema_outputs),
    .spec.formula = "close.ewm(span=period, adjust=bool(adjust), min_periods=min_periods).mean()",
};

/* ---- Moving average convergence and divergence --------------------------- */

static const mbar_indicator_param macd_params[] = {MBAR_PERIOD("fast", 12), MBAR_PERIOD("slow", 26),
                                                   MBAR_PERIOD("signal", 9)};

struct macd_state {
    mbar_ewm fast, slow, signal;
};

static mbar_status macd_start(void *state, mbar_indicator *owner, const double *params,
                              mbar_error *error)
{
    (void)owner;
    (void)error;
    *(struct macd_state *)state = (struct macd_state){
        mbar_ewm_of_span(params[0], false, 1),
        mbar_ewm_of_span(params[1], false, 1),
        mbar_ewm_of_span(params[2], false, 1),
    };
    return MBAR_OK;
}

static inline void macd_step(struct macd_state *self, const double *in, double *out)
{
    double fast = mbar_ewm_step(&self->fast, in[0]);
    double slow = mbar_ewm_step(&self->slow, in[0]);
    out[0] = fast - slow;
    out[1] = mbar_ewm_step(&self->signal, out[0]);
    out[2] = out[0] - out[1];
}
MBAR_INDICATOR_RUN(macd, 1, 3)

static const char *const macd_outputs[] = {"macd", "signal", "histogram"};
const mbar_indicator_kind mbar_kind_macd = {
    MBAR_INDICATOR_SPEC(macd, "Moving average convergence and divergence", close_input, macd_params,
                        macd_outputs),
    .spec.formula = "macd = close.ewm(span=fast, adjust=False).mean()"
                    " - close.ewm(span=slow, adjust=False).mean(); "
                    "signal = macd.ewm(span=signal, adjust=False).mean(); "
                    "histogram = macd - signal",
};

/* ---- True range and its average ------------------------------------------ */

#define TRUE_RANGE                                                                               \
    "pd.concat([high - low, (high - close.shift()).abs(), (low - close.shift()).abs()], axis=1)" \
    ".max(axis=1)"

struct true_range_state {
    mbar_range range;
};

static mbar_status true_range_start(void *state, mbar_indicator *owner, const double *params,
                                    mbar_error *error)
{
    (void)owner;
    (void)params;
    (void)error;
    ((struct true_range_state *)state)->range = mbar_range_start();
    return MBAR_OK;
}

static inline void true_range_step(struct true_range_state *self, const double *in, double *out)
{
    out[0] = mbar_range_step(&self->range, in[0], in[1], in[2]);
}
MBAR_INDICATOR_RUN(true_range, 3, 1)

static const char *const true_range_outputs[] = {"true_range"};
const mbar_indicator_kind mbar_kind_true_range = {
    MBAR_INDICATOR_SPEC_PLAIN(true_range, "True range", high_low_close_inputs, true_range_outputs),
    .spec.formula = TRUE_RANGE,
};

enum { ATR_SMA = 0, ATR_WILDER };
static const char *const atr_means[] = {"sma", "wilder"};
static const mbar_indicator_param atr_params[] = {
    MBAR_PERIOD("period", 14), {"ma", MBAR_PARAM_CHOICE, ATR_SMA, ATR_WILDER, ATR_SMA, atr_means}};

struct atr_state {
    mbar_range range;
    mbar_summed mean;
    mbar_ewm wilder;
    bool is_wilder;
};

static mbar_status atr_start(void *state, mbar_indicator *owner, const double *params,
                             mbar_error *error)
{
    struct atr_state *self = state;
    self->range = mbar_range_start();
    self->is_wilder = params[1] == ATR_WILDER;
    self->wilder = mbar_ewm_wilder(params[0]);
    return self->is_wilder
               ? MBAR_OK
               : mbar_summed_start(&self->mean, owner, params[0], (int64_t)params[0], error);
}

/* The means at n rows with these ranges. */
static void atr_rows(struct atr_state *self, const double *ranges, int64_t n, double *out)
{
    if (!self->is_wilder) {
        mbar_summed_means(&self->mean, ranges, n, out);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        out[i] = mbar_ewm_step(&self->wilder, ranges[i]);
    }
}

static void atr_run(void *state, const double *const *inputs, int64_t n_rows,
                    double *const *outputs)
{
    enum { ROWS = 256 };
    struct atr_state *self = state;
    double ranges[ROWS];
    for (int64_t i = 0; i < n_rows; i += ROWS) {
        int64_t n = n_rows - i < ROWS ? n_rows - i : ROWS;
        for (int64_t k = 0; k < n; k++) {
            ranges[k] =
                mbar_range_step(&self->range, inputs[0][i + k], inputs[1][i + k], inputs[2][i + k]);
        }
        atr_rows(self, ranges, n, outputs[0] + i);
    }
}

static const char *const atr_outputs[] = {"atr"};
const mbar_indicator_kind mbar_kind_atr = {
    MBAR_INDICATOR_SPEC(atr, "Average true range", high_low_close_inputs, atr_params, atr_outputs),
    .spec.formula = "true_range = " TRUE_RANGE "; "
                    "atr = true_range.rolling(period).mean() if ma == \"sma\" else "
                    "true_range.ewm(alpha=1 / period, adjust=False, min_periods=period).mean()",
};

/* ---- Relative strength index --------------------------------------------- */

static const mbar_indicator_param rsi_params[] = {MBAR_PERIOD("period", 14)};

struct rsi_state {
    double previous_close;
    mbar_ewm gain, loss;
};

static mbar_status rsi_start(void *state, mbar_indicator *owner, const double *params,
                             mbar_error *error)
{
    (void)owner;
    (void)error;
    mbar_ewm wilder = mbar_ewm_wilder(params[0]);
    *(struct rsi_state *)state = (struct rsi_state){NAN, wilder, wilder};
    return MBAR_OK;
}

/* What Series.clip(lower=0) leaves: NaN and -0.0 as they are. */
static inline double not_below_zero(double value)
{
    return value < 0 ? 0 : value;
}

static inline void rsi_step(struct rsi_state *self, const double *in, double *out)
{
    double change = in[0] - self->previous_close;
    self->previous_close = in[0];
    double gain = mbar_ewm_step(&self->gain, not_below_zero(change));
    double loss = mbar_ewm_step(&self->loss, not_below_zero(-change));
    out[0] = 100 - 100 / (1 + gain / loss);
}
MBAR_INDICATOR_RUN(rsi, 1, 1)

static const char *const rsi_outputs[] = {"rsi"};
const mbar_indicator_kind mbar_kind_rsi = {
    MBAR_INDICATOR_SPEC(rsi, "Relative strength index", close_input, rsi_params, rsi_outputs),
    .spec.formula = "change = close.diff(); wilder = dict(alpha=1 / period, adjust=False, "
                    "min_periods=period); gain = change.clip(lower=0).ewm(**wilder).mean(); "
                    "loss = (-change).clip(lower=0).ewm(**wilder).mean(); "
                    "rsi = 100 - 100 / (1 + gain / loss)",
};

/* ---- Average directional movement index ---------------------------------- */

static const mbar_indicator_param adx_params[] = {MBAR_PERIOD("period", 14)};

struct adx_state {
    mbar_range range;
    double previous_high, previous_low;
    mbar_ewm true_range, plus, minus, index;
};

static mbar_status adx_start(void *state, mbar_indicator *owner, const double *params,
                             mbar_error *error)
{
    (void)owner;
    (void)error;
    mbar_ewm wilder = mbar_ewm_wilder(params[0]);
    *(struct adx_state *)state =
        (struct adx_state){mbar_range_start(), NAN, NAN, wilder, wilder, wilder, wilder};
    return MBAR_OK;
}

static inline void adx_step(struct adx_state *self, const double *in, double *out)
{
    double up = in[0] - self->previous_high;
    double down = -(in[1] - self->previous_low);
    self->previous_high = in[0];
    self->previous_low = in[1];
    double range =
        mbar_ewm_step(&self->true_range, mbar_range_step(&self->range, in[0], in[1], in[2]));
    double plus = mbar_ewm_step(&self->plus, up > down && up > 0 ? up : 0);
    double minus = mbar_ewm_step(&self->minus, down > up && down > 0 ? down : 0);
    out[1] = 100 * plus / range;
    out[2] = 100 * minus / range;
    out[0] = mbar_ewm_step(&self->index, 100 * fabs(out[1] - out[2]) / (out[1] + out[2]));
}
MBAR_INDICATOR_RUN(adx, 3, 3)

static const char *const adx_outputs[] = {"adx", "plus_di", "minus_di"};
const mbar_indicator_kind mbar_kind_adx = {
    MBAR_INDICATOR_SPEC(adx, "Average directional movement index", high_low_close_inputs,
                        adx_params, adx_outputs),
    .spec.formula =
        "up = high.diff(); down = -low.diff(); true_range = " TRUE_RANGE "; "
        "wilder = dict(alpha=1 / period, adjust=False, min_periods=period); "
        "plus = up.where((up > down) & (up > 0), 0.0); "
        "minus = down.where((down > up) & (down > 0), 0.0); "
        "plus_di = 100 * plus.ewm(**wilder).mean() / true_range.ewm(**wilder).mean(); "
        "minus_di = 100 * minus.ewm(**wilder).mean() / true_range.ewm(**wilder).mean(); "
        "adx = (100 * (plus_di - minus_di).abs() / (plus_di + minus_di)).ewm(**wilder).mean()",
};
