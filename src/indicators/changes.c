/*
 * changes.c - what became of the price since some rows ago: momentum, roc, and
 * obv; and wma, which weighs the latest rows.
 *
 * Plain arithmetic: a missing value makes missing what it enters into, an
 * infinity is a number like any other.
 */
#include "indicators/rolling.h"

static const char *const close_input[] = {"close"};

/* ---- Momentum and rate of change ----------------------------------------- */

static const mbar_indicator_param change_params[] = {MBAR_PERIOD("period", 10)};

struct change_state {
    mbar_ring window;
};

static mbar_status change_start(void *state, mbar_indicator *owner, const double *params,
                                mbar_error *error)
{
    return mbar_ring_start(&((struct change_state *)state)->window, owner, params[0], error);
}

#define momentum_state change_state
#define momentum_start change_start
#define roc_state change_state
#define roc_start change_start

static inline void momentum_step(struct momentum_state *self, const double *in, double *out)
{
    out[0] = in[0] - mbar_ring_push(&self->window, in[0]);
}
MBAR_INDICATOR_RUN(momentum, 1, 1)

static const char *const momentum_outputs[] = {"momentum"};
const mbar_indicator_kind mbar_kind_momentum = {
    MBAR_INDICATOR_SPEC(momentum, "Momentum", close_input, change_params, momentum_outputs),
    .spec.formula = "close.diff(period)",
};

static inline void roc_step(struct roc_state *self, const double *in, double *out)
{
    out[0] = (in[0] / mbar_ring_push(&self->window, in[0]) - 1) * 100;
}
MBAR_INDICATOR_RUN(roc, 1, 1)

static const char *const roc_outputs[] = {"roc"};
const mbar_indicator_kind mbar_kind_roc = {
    MBAR_INDICATOR_SPEC(roc, "Rate of change in percent", close_input, change_params, roc_outputs),
    .spec.formula = "close.pct_change(period, fill_method=None) * 100",
};

/* ---- On-balance volume --------------------------------------------------- */

struct obv_state {
    double previous_close;
    double sum;
};

static mbar_status obv_start(void *state, mbar_indicator *owner, const double *params,
                             mbar_error *error)
{
    (void)owner;
    (void)params;
    (void)error;
    ((struct obv_state *)state)->previous_close = NAN;
    return MBAR_OK;
}

static inline void obv_step(struct obv_state *self, const double *in, double *out)
{
    double change = in[0] - self->previous_close;
    self->previous_close = in[0];
    double sign = isnan(change) ? NAN : (double)((change > 0) - (change < 0));
    double signed_volume = sign * in[1];
    self->sum += isnan(signed_volume) ? 0 : signed_volume;
    out[0] = self->sum;
}
MBAR_INDICATOR_RUN(obv, 2, 1)

static const char *const obv_inputs[] = {"close", "volume"};
static const char *const obv_outputs[] = {"obv"};
const mbar_indicator_kind mbar_kind_obv = {
    MBAR_INDICATOR_SPEC_PLAIN(obv, "On-balance volume", obv_inputs, obv_outputs),
    .spec.formula = "(np.sign(close.diff()) * volume).fillna(0.0).cumsum()",
};

/* ---- Weighted moving average --------------------------------------------- */

static const mbar_indicator_param wma_params[] = {MBAR_PERIOD("period", NAN)};

struct wma_state {
    mbar_ring window;
    int64_t period;
    double total_weight;
};

static mbar_status wma_start(void *state, mbar_indicator *owner, const double *params,
                             mbar_error *error)
{
    struct wma_state *self = state;
    self->period = (int64_t)params[0];
    self->total_weight = (double)(self->period * (self->period + 1) / 2);
    return mbar_ring_start(&self->window, owner, params[0], error);
}

/* Oldest first: from where the ring writes next, round to it again. */
static inline void wma_step(struct wma_state *self, const double *in, double *out)
{
    mbar_ring *window = &self->window;
    mbar_ring_push(window, in[0]);
    if (window->n_filled < self->period) {
        out[0] = NAN;
        return;
    }
    double sum = 0;
    double weight = 0;
    for (int64_t i = window->next; i < self->period; i++) {
        sum += window->cells[i] * ++weight;
    }
    for (int64_t i = 0; i < window->next; i++) {
        sum += window->cells[i] * ++weight;
    }
    out[0] = sum / self->total_weight;
}
MBAR_INDICATOR_RUN(wma, 1, 1)

static const char *const wma_outputs[] = {"wma"};
const mbar_indicator_kind mbar_kind_wma = {
    MBAR_INDICATOR_SPEC(wma, "Linearly weighted moving average", close_input, wma_params,
                        wma_outputs),
    .spec.formula = "sum(close.shift(period - 1 - i) * (i + 1) for i in range(period))"
                    " / (period * (period + 1) / 2)",
};
