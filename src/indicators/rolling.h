/*
 * rolling.h - what runs along with a window of the latest rows: its sum, mean,
 * variance and extremes, with the bits of pandas 2.3.3.
 *
 * pandas adds the value that enters and takes away the one that leaves, each
 * with a rounding error carried along of its own (Kahan), and never starts over:
 * the last bits of a mean depend on every row since the first. So do these, and
 * so does an infinity count as missing, a run of one value give that value, and
 * the sign of a mean never differ from that of all its values. A window of one
 * row starts over at every row.
 *
 * Cost: O(1) a row, for extremes on average. Memory: a cell a row of the window,
 * two for extremes.
 */
#ifndef MILLIBAR_INDICATORS_ROLLING_H
#define MILLIBAR_INDICATORS_ROLLING_H

#include "indicators/kind.h"

/* ---- The window ---------------------------------------------------------- */

/* The latest rows, in a ring. Zeroed bytes and _start make an empty one. */
typedef struct mbar_ring {
    double *cells;
    int64_t n_cells; /* the period, or all the rows there will ever be */
    int64_t n_filled;
    int64_t next;
} mbar_ring;

MBAR_MUST_USE mbar_status mbar_ring_start(mbar_ring *self, mbar_indicator *owner, double period,
                                          mbar_error *error);

/* Takes a row in; the value that leaves, NaN while none does. */
static inline double mbar_ring_push(mbar_ring *self, double value)
{
    double left = NAN;
    if (self->n_filled == self->n_cells) {
        left = self->cells[self->next];
    } else {
        self->n_filled++;
    }
    self->cells[self->next] = value;
    self->next = self->next + 1 == self->n_cells ? 0 : self->next + 1;
    return left;
}

/* The same for n rows at once, of a window that is full: left[i] is what leaves at row i. */
void mbar_ring_push_rows(mbar_ring *self, const double *values, int64_t n, double *left);

/* A value as windows and exponential means take it: infinite is missing. */
static inline double mbar_finite_or_nan(double value)
{
    return isfinite(value) ? value : NAN;
}

/* min_periods as given, to the number of values that a result needs. */
static inline int64_t mbar_needed(double min_periods, double otherwise)
{
    return (int64_t)(min_periods > 0 ? min_periods : otherwise);
}

/* MBAR_INVALID where min_periods (parameter 1) is beyond the period (0). */
MBAR_MUST_USE mbar_status mbar_check_min_periods(const mbar_indicator_spec *spec,
                                                 const double *params, mbar_error *error);

/* ---- Sum and mean -------------------------------------------------------- */

typedef struct mbar_rolling_sum {
    double sum;
    double add_error;    /* what rounding added, on the way in */
    double remove_error; /* and on the way out */
    double last;         /* latest value */
    int64_t n_same;      /* values in a row equal to it */
    int64_t n_values;    /* in the window, missing ones left out */
    int64_t n_negative;  /* of them, -0.0 counts */
} mbar_rolling_sum;

static inline void mbar_rolling_sum_add(mbar_rolling_sum *self, double value, double *rounding)
{
    double y = value - *rounding;
    double t = self->sum + y;
    *rounding = t - self->sum - y;
    self->sum = t;
}

/* entering and leaving may be NaN: missing. */
static inline void mbar_rolling_sum_step(mbar_rolling_sum *self, double entering, double leaving,
                                         bool alone)
{
    if (alone) {
        *self = (mbar_rolling_sum){0};
    } else if (!isnan(leaving)) {
        self->n_values--;
        self->n_negative -= signbit(leaving) != 0;
        mbar_rolling_sum_add(self, -leaving, &self->remove_error);
    }
    if (!isnan(entering)) {
        self->n_values++;
        self->n_negative += signbit(entering) != 0;
        mbar_rolling_sum_add(self, entering, &self->add_error);
        /* Without a branch: whether a price repeats is a coin's throw. */
        self->n_same = self->n_same * (entering == self->last) + 1;
        self->last = entering;
    }
}

static inline double mbar_rolling_sum_value(const mbar_rolling_sum *self, int64_t needed)
{
    if (self->n_values < needed) {
        return NAN;
    }
    return self->n_same >= self->n_values ? self->last * (double)self->n_values : self->sum;
}

static inline double mbar_rolling_mean_value(const mbar_rolling_sum *self, int64_t needed)
{
    if (self->n_values < needed) {
        return NAN;
    }
    if (self->n_same >= self->n_values) {
        return self->last;
    }
    double mean = self->sum / (double)self->n_values;
    bool wrong_sign =
        (self->n_negative == 0 && mean < 0) || (self->n_negative == self->n_values && mean > 0);
    return wrong_sign ? 0 : mean;
}

/*
 * Most rows are plain: there, finite and without a sign, and so is all of the window, which is
 * full. Then nothing is to be counted or asked about missing values and signs; what is left
 * are the same operations, in the same order.
 */
static inline bool mbar_rolling_sum_is_plain(const mbar_rolling_sum *self, const mbar_ring *window)
{
    return window->n_filled == window->n_cells && self->n_values == window->n_cells &&
           self->n_negative == 0;
}

/* Takes a plain row in, and gives the mean. */
static inline double mbar_rolling_mean_plain(mbar_rolling_sum *self, double entering,
                                             double leaving)
{
    mbar_rolling_sum_add(self, -leaving, &self->remove_error);
    mbar_rolling_sum_add(self, entering, &self->add_error);
    self->n_same = entering == self->last ? self->n_same + 1 : 1;
    self->last = entering;
    double mean = self->sum / (double)self->n_values;
    mean = 0 > mean ? 0 : mean;
    return self->n_same >= self->n_values ? entering : mean;
}

/* A window and its sum. */
typedef struct mbar_summed {
    mbar_ring window;
    mbar_rolling_sum sum;
    int64_t needed;
    bool alone; /* a period of one row */
} mbar_summed;

MBAR_MUST_USE mbar_status mbar_summed_start(mbar_summed *self, mbar_indicator *owner, double period,
                                            int64_t needed, mbar_error *error);
/* Takes n rows in; the mean at each of them, NaN where fewer than needed values are there. */
void mbar_summed_means(mbar_summed *self, const double *in, int64_t n, double *out);

/* ---- Variance ------------------------------------------------------------ */

/* Welford's running mean and sum of squared deviations. */
typedef struct mbar_rolling_var {
    double n_values;
    double mean;
    double squares;
    double add_error;
    double remove_error;
    double last;
    int64_t n_same;
} mbar_rolling_var;

static inline void mbar_rolling_var_add(mbar_rolling_var *self, double value)
{
    self->n_values++;
    self->n_same = self->n_same > 0 && value == self->last ? self->n_same + 1 : 1;
    self->last = value;
    double mean_before = self->mean - self->add_error;
    double y = value - self->add_error;
    double delta = y - self->mean;
    self->add_error = delta + self->mean - y;
    self->mean = self->mean + delta / self->n_values;
    self->squares = self->squares + (value - mean_before) * (value - self->mean);
}

static inline void mbar_rolling_var_remove(mbar_rolling_var *self, double value)
{
    self->n_values--;
    if (self->n_values == 0) {
        self->mean = 0;
        self->squares = 0;
        return;
    }
    double mean_before = self->mean - self->remove_error;
    double y = value - self->remove_error;
    double delta = y - self->mean;
    self->remove_error = delta + self->mean - y;
    self->mean = self->mean - delta / self->n_values;
    self->squares = self->squares - (value - mean_before) * (value - self->mean);
}

static inline void mbar_rolling_var_step(mbar_rolling_var *self, double entering, double leaving,
                                         bool alone)
{
    if (alone) {
        *self = (mbar_rolling_var){0};
    } else if (!isnan(leaving)) {
        mbar_rolling_var_remove(self, leaving);
    }
    if (!isnan(entering)) {
        mbar_rolling_var_add(self, entering);
    }
}

static inline double mbar_rolling_var_value(const mbar_rolling_var *self, int64_t needed,
                                            double ddof)
{
    if (self->n_values < (double)needed || self->n_values <= ddof) {
        return NAN;
    }
    if (self->n_values == 1 || (double)self->n_same >= self->n_values) {
        return 0;
    }
    return self->squares / (self->n_values - ddof);
}

/* Rounding can leave a variance just below zero: its root is zero. */
static inline double mbar_std_of_var(double var)
{
    return var < 0 ? 0 : sqrt(var);
}

/* ---- Extremes ------------------------------------------------------------ */

/*
 * Rows come in blocks of one period (van Herk, 1992; Gil and Werman, 1993). A
 * window is the end of one block, whose extreme was kept for every place it can
 * begin at when that block was full, and the beginning of the next, whose
 * extreme runs along. No branch depends on the values. Of equal ones the latest
 * counts: that is what tells 0.0 from -0.0. A missing value is the infinity that
 * no value loses to, for no value is infinite.
 */
typedef struct mbar_extreme {
    double *cells; /* from `at` on of the block before, up to it of this one */
    double *ends;  /* extreme of the block before from each place to its end */
    int64_t n_cells;
    int64_t at;
    bool has_ends;
    double running; /* extreme of this block so far */
    int64_t n_values;
} mbar_extreme;

MBAR_MUST_USE mbar_status mbar_extreme_start(mbar_extreme *self, mbar_indicator *owner,
                                             double period, bool is_max, mbar_error *error);

static inline double mbar_extreme_none(bool is_max)
{
    return is_max ? -INFINITY : INFINITY;
}

static inline double mbar_extreme_of(double older, double newer, bool is_max)
{
    return (is_max ? older > newer : older < newer) ? older : newer;
}

static inline void mbar_extreme_end_block(mbar_extreme *self, bool is_max)
{
    double end = mbar_extreme_none(is_max);
    for (int64_t i = self->n_cells - 1; i >= 0; i--) {
        end = mbar_extreme_of(self->cells[i], end, is_max);
        self->ends[i] = end;
    }
    self->at = 0;
    self->has_ends = true;
    self->running = mbar_extreme_none(is_max);
}

/* Takes a row in; the extreme of the window, NaN where fewer than needed (>= 1)
 * values are there. */
static inline double mbar_extreme_step(mbar_extreme *self, double value, bool is_max,
                                       int64_t needed)
{
    double none = mbar_extreme_none(is_max);
    double entering = isfinite(value) ? value : none;
    self->n_values += entering != none;
    self->n_values -= self->has_ends && self->cells[self->at] != none;
    self->cells[self->at] = entering;
    self->running = mbar_extreme_of(self->running, entering, is_max);
    double extreme = self->running;
    if (++self->at == self->n_cells) {
        mbar_extreme_end_block(self, is_max);
    } else if (self->has_ends) {
        extreme = mbar_extreme_of(self->ends[self->at], extreme, is_max);
    }
    return self->n_values >= needed ? extreme : NAN;
}

#endif
