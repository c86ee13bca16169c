/*
 * channels.c - bands and ranges around the price: bbands, donchian, stoch.
 *
 * Several rolling results at once, each as rolling.h has it.
 */
#include "indicators/rolling.h"

static const char *const close_input[] = {"close"};
static const char *const high_low_inputs[] = {"high", "low"};
static const char *const high_low_close_inputs[] = {"high", "low", "close"};
static const char *const band_outputs[] = {"upper", "middle", "lower"};

/* ---- Bollinger bands ----------------------------------------------------- */

static const mbar_indicator_param bbands_params[] = {
    MBAR_PERIOD("period", 20), {"width", MBAR_PARAM_REAL, 0, 1e9, 2, NULL}, MBAR_DDOF(0)};

struct bbands_state {
    mbar_ring window;
    mbar_rolling_sum sum;
    mbar_rolling_var var;
    int64_t needed;
    double width;
    double ddof;
    bool alone;
};

static mbar_status bbands_start(void *state, mbar_indicator *owner, const double *params,
                                mbar_error *error)
{
    struct bbands_state *self = state;
    self->needed = (int64_t)params[0];
    self->width = params[1];
    self->ddof = params[2];
    self->alone = params[0] == 1;
    return mbar_ring_start(&self->window, owner, params[0], error);
}

static inline void bbands_step(struct bbands_state *self, const double *in, double *out)
{
    double entering = mbar_finite_or_nan(in[0]);
    double leaving = mbar_ring_push(&self->window, entering);
    mbar_rolling_sum_step(&self->sum, entering, leaving, self->alone);
    mbar_rolling_var_step(&self->var, entering, leaving, self->alone);
    double middle = mbar_rolling_mean_value(&self->sum, self->needed);
    double std = mbar_std_of_var(mbar_rolling_var_value(&self->var, self->needed, self->ddof));
    out[0] = middle + self->width * std;
    out[1] = middle;
    out[2] = middle - self->width * std;
}
MBAR_INDICATOR_RUN(bbands, 1, 3)

const mbar_indicator_kind mbar_kind_bbands = {
    MBAR_INDICATOR_SPEC(bbands, "Bollinger bands", close_input, bbands_params, band_outputs),
    .spec.formula = "middle = close.rolling(period).mean(); std = close.rolling(period).std(ddof); "
                    "upper = middle + width * std; lower = middle - width * std",
};

/* ---- Donchian channel ---------------------------------------------------- */

static const mbar_indicator_param donchian_params[] = {MBAR_PERIOD("period", 20)};

struct donchian_state {
    mbar_extreme highest, lowest;
    int64_t needed;
};

static mbar_status donchian_start(void *state, mbar_indicator *owner, const double *params,
                                  mbar_error *error)
{
    struct donchian_state *self = state;
    self->needed = (int64_t)params[0];
    mbar_status status = mbar_extreme_start(&self->highest, owner, params[0], true, error);
    return status == MBAR_OK ? mbar_extreme_start(&self->lowest, owner, params[0], false, error)
                             : status;
}

static inline void donchian_step(struct donchian_state *self, const double *in, double *out)
{
    double upper = mbar_extreme_step(&self->highest, in[0], true, self->needed);
    double lower = mbar_extreme_step(&self->lowest, in[1], false, self->needed);
    out[0] = upper;
    out[1] = (upper + lower) / 2;
    out[2] = lower;
}
MBAR_INDICATOR_RUN(donchian, 2, 3)

const mbar_indicator_kind mbar_kind_donchian = {
    MBAR_INDICATOR_SPEC(donchian, "Donchian channel", high_low_inputs, donchian_params,
                        band_outputs),
    .spec.formula = "upper = high.rolling(period).max(); lower = low.rolling(period).min(); "
                    "middle = (upper + lower) / 2",
};

/* ---- Stochastic oscillator ----------------------------------------------- */

static const mbar_indicator_param stoch_params[] = {
    MBAR_PERIOD("period", 14), MBAR_PERIOD("smooth", 3), MBAR_PERIOD("signal", 3)};

/* A mean over a full window of its own. */
struct smoother {
    mbar_ring window;
    mbar_rolling_sum sum;
    int64_t period;
};

struct stoch_state {
    mbar_extreme highest, lowest;
    int64_t needed;
    struct smoother k, d;
};

static mbar_status smoother_start(struct smoother *self, mbar_indicator *owner, double period,
                                  mbar_error *error)
{
    self->period = (int64_t)period;
    return mbar_ring_start(&self->window, owner, period, error);
}

static inline double smoother_step(struct smoother *self, double value)
{
    double entering = mbar_finite_or_nan(value);
    double leaving = mbar_ring_push(&self->window, entering);
    mbar_rolling_sum_step(&self->sum, entering, leaving, self->period == 1);
    return mbar_rolling_mean_value(&self->sum, self->period);
}

static mbar_status stoch_start(void *state, mbar_indicator *owner, const double *params,
                               mbar_error *error)
{
    struct stoch_state *self = state;
    self->needed = (int64_t)params[0];
    mbar_status status = mbar_extreme_start(&self->highest, owner, params[0], true, error);
    if (status == MBAR_OK) {
        status = mbar_extreme_start(&self->lowest, owner, params[0], false, error);
    }
    if (status == MBAR_OK) {
        status = smoother_start(&self->k, owner, params[1], error);
    }
    return status == MBAR_OK ? smoother_start(&self->d, owner, params[2], error) : status;
}

static inline void stoch_step(struct stoch_state *self, const double *in, double *out)
{
    double highest = mbar_extreme_step(&self->highest, in[0], true, self->needed);
    double lowest = mbar_extreme_step(&self->lowest, in[1], false, self->needed);
    out[0] = smoother_step(&self->k, 100 * (in[2] - lowest) / (highest - lowest));
    out[1] = smoother_step(&self->d, out[0]);
}
MBAR_INDICATOR_RUN(stoch, 3, 2)

static const char *const stoch_outputs[] = {"k", "d"};
const mbar_indicator_kind mbar_kind_stoch = {
    MBAR_INDICATOR_SPEC(stoch, "Stochastic oscillator", high_low_close_inputs, stoch_params,
                        stoch_outputs),
    .spec.formula = "lowest = low.rolling(period).min(); highest = high.rolling(period).max(); "
                    "k = (100 * (close - lowest) / (highest - lowest)).rolling(smooth).mean(); "
                    "d = k.rolling(signal).mean()",
};
