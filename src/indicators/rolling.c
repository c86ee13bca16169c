/*
 * rolling.c - indicators of one column over a window: sma, sum, std, var, min,
 * max, zscore, and of two: vwma.
 *
 * The arithmetic is in rolling.h; here it is tied to names and parameters. A
 * result needs min_periods values in the window that are not missing, by default
 * all of them.
 */
#include "indicators/rolling.h"

#include <assert.h>
#include <string.h>

mbar_status mbar_ring_start(mbar_ring *self, mbar_indicator *owner, double period,
                            mbar_error *error)
{
    int64_t n_cells = (int64_t)period;
    int64_t n_rows = mbar_indicator_rows(owner);
    self->n_cells = n_rows < n_cells ? n_rows : n_cells;
    self->cells = mbar_indicator_block(owner, self->n_cells, sizeof(double), error);
    return self->cells != NULL ? MBAR_OK : MBAR_NOMEM;
}

static void copy(double *to, const double *from, int64_t n)
{
    memcpy(to, from, (size_t)n * sizeof *to);
}

void mbar_ring_push_rows(mbar_ring *self, const double *values, int64_t n, double *left)
{
    int64_t n_cells = self->n_cells, n_end = n_cells - self->next; /* oldest first: the end */
    assert(self->n_filled == n_cells);
    if (n >= n_cells) {
        copy(left, self->cells + self->next, n_end);
        copy(left + n_end, self->cells, self->next);
        copy(left + n_cells, values, n - n_cells);
        copy(self->cells, values + n - n_cells, n_cells);
        self->next = 0;
        return;
    }
    n_end = n < n_end ? n : n_end;
    copy(left, self->cells + self->next, n_end);
    copy(self->cells + self->next, values, n_end);
    copy(left + n_end, self->cells, n - n_end);
    copy(self->cells, values + n_end, n - n_end);
    self->next = (self->next + n) % n_cells;
}

mbar_status mbar_extreme_start(mbar_extreme *self, mbar_indicator *owner, double period,
                               bool is_max, mbar_error *error)
{
    int64_t n_rows = mbar_indicator_rows(owner);
    self->n_cells = (double)n_rows < period ? n_rows : (int64_t)period;
    self->running = mbar_extreme_none(is_max);
    self->cells = mbar_indicator_block(owner, self->n_cells, sizeof(double), error);
    if (self->cells != NULL) {
        self->ends = mbar_indicator_block(owner, self->n_cells, sizeof(double), error);
    }
    return self->ends != NULL ? MBAR_OK : MBAR_NOMEM;
}

mbar_status mbar_check_min_periods(const mbar_indicator_spec *spec, const double *params,
                                   mbar_error *error)
{
    if (params[1] <= params[0]) {
        return MBAR_OK;
    }
    return mbar_error_set(error, MBAR_INVALID,
                          "%s: min_periods %.0f is more than the %.0f rows of the period",
                          spec->name, params[1], params[0]);
}

static const char *const close_input[] = {"close"};

/* ---- Sums and means ------------------------------------------------------ */

static const mbar_indicator_param window_params[] = {MBAR_PERIOD("period", NAN), MBAR_MIN_PERIODS};

mbar_status mbar_summed_start(mbar_summed *self, mbar_indicator *owner, double period,
                              int64_t needed, mbar_error *error)
{
    self->needed = needed;
    self->alone = period == 1;
    return mbar_ring_start(&self->window, owner, period, error);
}

#define sum_state mbar_summed

static mbar_status sum_start(void *state, mbar_indicator *owner, const double *params,
                             mbar_error *error)
{
    return mbar_summed_start(state, owner, params[0], mbar_needed(params[1], params[0]), error);
}

static inline void take_in(mbar_summed *self, double value)
{
    double entering = mbar_finite_or_nan(value);
    double leaving = mbar_ring_push(&self->window, entering);
    mbar_rolling_sum_step(&self->sum, entering, leaving, self->alone);
}

static inline void sum_step(struct sum_state *self, const double *in, double *out)
{
    take_in(self, in[0]);
    out[0] = mbar_rolling_sum_value(&self->sum, self->needed);
}
MBAR_INDICATOR_RUN(sum, 1, 1)

static const char *const sum_outputs[] = {"sum"};
const mbar_indicator_kind mbar_kind_sum = {
    MBAR_INDICATOR_SPEC(sum, "Rolling sum", close_input, window_params, sum_outputs),
    .spec.formula = "close.rolling(period, min_periods=min_periods or period).sum()",
    .check = mbar_check_min_periods,
};

#define sma_state mbar_summed
#define sma_start sum_start

/* Rows that are looked at together, whether they are plain. */
enum { PLAIN_ROWS = 256, FEWEST_PLAIN_ROWS = 8 };

/* Whether all are there, finite and without a sign: of one that is not, the sign bit is set, or
 * one more in the exponent carries into it. */
static bool are_plain(const double *values, int64_t n)
{
    uint64_t any = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        any |= bits | (bits + (UINT64_C(1) << 52));
    }
    return any >> 63 == 0;
}

static bool is_plain(const mbar_summed *self)
{
    return !self->alone && self->sum.n_values >= self->needed &&
           mbar_rolling_sum_is_plain(&self->sum, &self->window);
}

/* One by one. */
static void walk(mbar_summed *self, const double *in, int64_t n, double *out)
{
    mbar_summed local = *self;
    for (int64_t i = 0; i < n; i++) {
        take_in(&local, in[i]);
        out[i] = mbar_rolling_mean_value(&local.sum, local.needed);
    }
    *self = local;
}

static void run_plain(mbar_summed *self, const double *in, int64_t n, double *out)
{
    double left[PLAIN_ROWS];
    mbar_rolling_sum sum = self->sum;
    mbar_ring_push_rows(&self->window, in, n, left);
    for (int64_t i = 0; i < n; i++) {
        out[i] = mbar_rolling_mean_plain(&sum, in[i], left[i]);
    }
    self->sum = sum;
}

void mbar_summed_means(mbar_summed *self, const double *in, int64_t n_rows, double *out)
{
    for (int64_t i = 0; i < n_rows; i += PLAIN_ROWS) {
        int64_t n = n_rows - i < PLAIN_ROWS ? n_rows - i : PLAIN_ROWS;
        bool plain = n >= FEWEST_PLAIN_ROWS && is_plain(self) && are_plain(in + i, n);
        (plain ? run_plain : walk)(self, in + i, n, out + i);
    }
}

static void sma_run(void *state, const double *const *inputs, int64_t n_rows,
                    double *const *outputs)
{
    mbar_summed_means(state, inputs[0], n_rows, outputs[0]);
}

/* A row of a sum waits for the row before it: of two sums, one works while the other waits. */
static void run_plain_two(mbar_summed *a, mbar_summed *b, const double *in, int64_t n,
                          double *out_a, double *out_b)
{
    double left_a[PLAIN_ROWS], left_b[PLAIN_ROWS];
    mbar_rolling_sum sum_a = a->sum, sum_b = b->sum;
    mbar_ring_push_rows(&a->window, in, n, left_a);
    mbar_ring_push_rows(&b->window, in, n, left_b);
    for (int64_t i = 0; i < n; i++) {
        out_a[i] = mbar_rolling_mean_plain(&sum_a, in[i], left_a[i]);
        out_b[i] = mbar_rolling_mean_plain(&sum_b, in[i], left_b[i]);
    }
    a->sum = sum_a;
    b->sum = sum_b;
}

static void sma_run_two(void *const states[2], const double *const *inputs, int64_t n_rows,
                        double *const *const outputs[2])
{
    mbar_summed *a = states[0], *b = states[1];
    for (int64_t i = 0; i < n_rows; i += PLAIN_ROWS) {
        const double *in = inputs[0] + i;
        double *out_a = outputs[0][0] + i, *out_b = outputs[1][0] + i;
        int64_t n = n_rows - i < PLAIN_ROWS ? n_rows - i : PLAIN_ROWS;
        if (is_plain(a) && is_plain(b) && are_plain(in, n)) {
            run_plain_two(a, b, in, n, out_a, out_b);
        } else {
            walk(a, in, n, out_a);
            walk(b, in, n, out_b);
        }
    }
}

static const char *const sma_outputs[] = {"sma"};
const mbar_indicator_kind mbar_kind_sma = {
    MBAR_INDICATOR_SPEC(sma, "Simple moving average", close_input, window_params, sma_outputs),
    .spec.formula = "close.rolling(period, min_periods=min_periods or period).mean()",
    .check = mbar_check_min_periods,
    .run_two = sma_run_two,
};

struct vwma_state {
    mbar_summed turnover, volume;
};

static mbar_status vwma_start(void *state, mbar_indicator *owner, const double *params,
                              mbar_error *error)
{
    struct vwma_state *self = state;
    mbar_status status = sum_start(&self->turnover, owner, params, error);
    return status == MBAR_OK ? sum_start(&self->volume, owner, params, error) : status;
}

static inline void vwma_step(struct vwma_state *self, const double *in, double *out)
{
    double paid = in[0] * in[1], turnover, volume;
    sum_step(&self->turnover, &paid, &turnover);
    sum_step(&self->volume, &in[1], &volume);
    out[0] = turnover / volume;
}
MBAR_INDICATOR_RUN(vwma, 2, 1)

static const char *const vwma_inputs[] = {"close", "volume"};
static const char *const vwma_outputs[] = {"vwma"};
const mbar_indicator_kind mbar_kind_vwma = {
    MBAR_INDICATOR_SPEC(vwma, "Volume-weighted moving average", vwma_inputs, window_params,
                        vwma_outputs),
    .spec.formula = "(close * volume).rolling(period, min_periods=min_periods or period).sum()"
                    " / volume.rolling(period, min_periods=min_periods or period).sum()",
    .check = mbar_check_min_periods,
};

/* ---- Variance ------------------------------------------------------------ */

static const mbar_indicator_param var_params[] = {MBAR_PERIOD("period", NAN), MBAR_MIN_PERIODS,
                                                  MBAR_DDOF(1)};

struct var_state {
    mbar_ring window;
    mbar_rolling_var var;
    int64_t needed;
    double ddof;
    bool alone;
};

static mbar_status var_start(void *state, mbar_indicator *owner, const double *params,
                             mbar_error *error)
{
    struct var_state *self = state;
    self->needed = mbar_needed(params[1], params[0]);
    self->ddof = params[2];
    self->alone = params[0] == 1;
    return mbar_ring_start(&self->window, owner, params[0], error);
}

static inline void var_step(struct var_state *self, const double *in, double *out)
{
    double entering = mbar_finite_or_nan(in[0]);
    double leaving = mbar_ring_push(&self->window, entering);
    mbar_rolling_var_step(&self->var, entering, leaving, self->alone);
    out[0] = mbar_rolling_var_value(&self->var, self->needed, self->ddof);
}
MBAR_INDICATOR_RUN(var, 1, 1)

static const char *const var_outputs[] = {"var"};
const mbar_indicator_kind mbar_kind_var = {
    MBAR_INDICATOR_SPEC(var, "Rolling variance", close_input, var_params, var_outputs),
    .spec.formula = "close.rolling(period, min_periods=min_periods or period).var(ddof)",
    .check = mbar_check_min_periods,
};

#define std_state var_state
#define std_start var_start

static inline void std_step(struct std_state *self, const double *in, double *out)
{
    var_step(self, in, out);
    out[0] = mbar_std_of_var(out[0]);
}
MBAR_INDICATOR_RUN(std, 1, 1)

static const char *const std_outputs[] = {"std"};
const mbar_indicator_kind mbar_kind_std = {
    MBAR_INDICATOR_SPEC(std, "Rolling standard deviation", close_input, var_params, std_outputs),
    .spec.formula = "close.rolling(period, min_periods=min_periods or period).std(ddof)",
    .check = mbar_check_min_periods,
};

struct zscore_state {
    struct var_state var;
    mbar_rolling_sum sum;
};

static mbar_status zscore_start(void *state, mbar_indicator *owner, const double *params,
                                mbar_error *error)
{
    return var_start(&((struct zscore_state *)state)->var, owner, params, error);
}

static inline void zscore_step(struct zscore_state *self, const double *in, double *out)
{
    struct var_state *var = &self->var;
    double entering = mbar_finite_or_nan(in[0]);
    double leaving = mbar_ring_push(&var->window, entering);
    mbar_rolling_sum_step(&self->sum, entering, leaving, var->alone);
    mbar_rolling_var_step(&var->var, entering, leaving, var->alone);
    double mean = mbar_rolling_mean_value(&self->sum, var->needed);
    double std = mbar_std_of_var(mbar_rolling_var_value(&var->var, var->needed, var->ddof));
    out[0] = (in[0] - mean) / std;
}
MBAR_INDICATOR_RUN(zscore, 1, 1)

static const char *const zscore_outputs[] = {"zscore"};
const mbar_indicator_kind mbar_kind_zscore = {
    MBAR_INDICATOR_SPEC(zscore, "Standard score", close_input, var_params, zscore_outputs),
    .spec.formula = "(close - close.rolling(period, min_periods=min_periods or period).mean())"
                    " / close.rolling(period, min_periods=min_periods or period).std(ddof)",
    .check = mbar_check_min_periods,
};

/* ---- Extremes ------------------------------------------------------------ */

struct extreme_state {
    mbar_extreme extreme;
    int64_t needed;
};

static mbar_status extreme_start(struct extreme_state *self, mbar_indicator *owner,
                                 const double *params, bool is_max, mbar_error *error)
{
    self->needed = mbar_needed(params[1], params[0]);
    return mbar_extreme_start(&self->extreme, owner, params[0], is_max, error);
}

static mbar_status max_start(void *state, mbar_indicator *owner, const double *params,
                             mbar_error *error)
{
    return extreme_start(state, owner, params, true, error);
}

static mbar_status min_start(void *state, mbar_indicator *owner, const double *params,
                             mbar_error *error)
{
    return extreme_start(state, owner, params, false, error);
}

#define max_state extreme_state
#define min_state extreme_state

static inline void max_step(struct max_state *self, const double *in, double *out)
{
    out[0] = mbar_extreme_step(&self->extreme, in[0], true, self->needed);
}
MBAR_INDICATOR_RUN(max, 1, 1)

static inline void min_step(struct min_state *self, const double *in, double *out)
{
    out[0] = mbar_extreme_step(&self->extreme, in[0], false, self->needed);
}
MBAR_INDICATOR_RUN(min, 1, 1)

static const char *const max_outputs[] = {"max"};
const mbar_indicator_kind mbar_kind_max = {
    MBAR_INDICATOR_SPEC(max, "Rolling maximum", close_input, window_params, max_outputs),
    .spec.formula = "close.rolling(period, min_periods=min_periods or period).max()",
    .check = mbar_check_min_periods,
};

static const char *const min_outputs[] = {"min"};
const mbar_indicator_kind mbar_kind_min = {
    MBAR_INDICATOR_SPEC(min, "Rolling minimum", close_input, window_params, min_outputs),
    .spec.formula = "close.rolling(period, min_periods=min_periods or period).min()",
    .check = mbar_check_min_periods,
};
