/*
 * recursive.h - what remembers every row since the first: the exponential mean,
 * with the bits of pandas 2.3.3, and the true range, which remembers one.
 *
 * A missing value gives the mean of those before it and lets their weight decay
 * by one row more (ignore_na=False); an infinity is missing. Before the first
 * value the mean is NaN. O(1) a row, no memory.
 */
#ifndef MILLIBAR_INDICATORS_RECURSIVE_H
#define MILLIBAR_INDICATORS_RECURSIVE_H

#include "indicators/kind.h"

/* ---- Exponentially weighted mean ----------------------------------------- */

typedef struct mbar_ewm {
    double mean;
    double old_weight; /* of the rows before, against new_weight of the next */
    double decay;
    double new_weight;
    bool adjust;
    int64_t n_values;
    int64_t needed;
} mbar_ewm;

/* By centre of mass: every other form of pandas is made that first. A result needs
 * `needed` values; adjust weighs rows as if none had come before the first. */
static inline mbar_ewm mbar_ewm_of_com(double com, bool adjust, int64_t needed)
{
    double alpha = 1 / (1 + com);
    return (mbar_ewm){.mean = NAN,
                      .old_weight = 1,
                      .decay = 1 - alpha,
                      .new_weight = adjust ? 1 : alpha,
                      .adjust = adjust,
                      .needed = needed};
}

static inline mbar_ewm mbar_ewm_of_span(double span, bool adjust, int64_t needed)
{
    return mbar_ewm_of_com((span - 1) / 2, adjust, needed);
}

/* Wilder's smoothing: alpha = 1 / period, from `period` values on. */
static inline mbar_ewm mbar_ewm_wilder(double period)
{
    double alpha = 1 / period;
    return mbar_ewm_of_com((1 - alpha) / alpha, false, (int64_t)period);
}

static inline double mbar_ewm_step(mbar_ewm *self, double value)
{
    bool is_value = isfinite(value);
    self->n_values += is_value;
    if (!isnan(self->mean)) {
        self->old_weight *= self->decay;
        if (is_value) {
            /* A run of one value must not drift. */
            if (self->mean != value) {
                self->mean = (self->old_weight * self->mean + self->new_weight * value) /
                             (self->old_weight + self->new_weight);
            }
            self->old_weight = self->adjust ? self->old_weight + self->new_weight : 1;
        }
    } else if (is_value) {
        self->mean = value;
    }
    return self->n_values >= self->needed ? self->mean : NAN;
}

/* ---- True range ---------------------------------------------------------- */

typedef struct mbar_range {
    double previous_close;
} mbar_range;

static inline mbar_range mbar_range_start(void)
{
    return (mbar_range){.previous_close = NAN};
}

/* The largest of high - low and the two distances from the close before, of
 * those that are not NaN: high - low in the first row. */
static inline double mbar_range_step(mbar_range *self, double high, double low, double close)
{
    double most = high - low;
    double up = fabs(high - self->previous_close);
    double down = fabs(low - self->previous_close);
    self->previous_close = close;
    most = up > most ? up : most;
    most = down > most ? down : most;
    if (isnan(most)) {
        /* A NaN is larger than nothing, but nothing is larger than it either. */
        most = isnan(up) || down > up ? down : up;
    }
    return most;
}

#endif
