/*
 * kind.h - one kind of indicator: its public spec and the code behind it.
 *
 * An indicator is a state and a step: the step takes one row of inputs, changes
 * the state and gives one row of outputs. MBAR_INDICATOR_RUN makes of a step the
 * loop that every form of the indicator goes through, be it over one row or a
 * million, so that they cannot differ.
 *
 * Adding one: write its state, _start and _step in a family's .c, define its
 * mbar_kind_NAME there, and name it in MBAR_INDICATOR_KINDS, in order of name.
 */
#ifndef MILLIBAR_INDICATORS_KIND_H
#define MILLIBAR_INDICATORS_KIND_H

#include <millibar/indicators.h>

#include <math.h>

typedef struct mbar_indicator_kind {
    mbar_indicator_spec spec; /* first: a spec's address is its kind's */
    size_t state_bytes;
    /* What the ranges of single parameters cannot say; or NULL. */
    mbar_status (*check)(const mbar_indicator_spec *spec, const double *params, mbar_error *error);
    /* From zeroed bytes to before the first row. Memory comes from
     * mbar_indicator_block, in the same order every time. */
    mbar_status (*start)(void *state, mbar_indicator *owner, const double *params,
                         mbar_error *error);
    void (*run)(void *state, const double *const *inputs, int64_t n_rows, double *const *outputs);
    /* NULL, or run for two states and the same rows at once: each gives what it gives alone. */
    void (*run_two)(void *const states[2], const double *const *inputs, int64_t n_rows,
                    double *const *const outputs[2]);
} mbar_indicator_kind;

#define MBAR_INDICATOR_KINDS(X) \
    X(adx)                      \
    X(atr)                      \
    X(bbands)                   \
    X(donchian)                 \
    X(ema)                      \
    X(macd)                     \
    X(max)                      \
    X(min)                      \
    X(momentum)                 \
    X(obv)                      \
    X(roc)                      \
    X(rsi)                      \
    X(sma)                      \
    X(std)                      \
    X(stoch)                    \
    X(sum)                      \
    X(true_range)               \
    X(var)                      \
    X(vwma)                     \
    X(wma)                      \
    X(zscore)

#define MBAR_DECLARE_KIND(name) extern const mbar_indicator_kind mbar_kind_##name;
MBAR_INDICATOR_KINDS(MBAR_DECLARE_KIND)
#undef MBAR_DECLARE_KIND

/* The kind behind a spec, which must be one of the registry's own. */
const mbar_indicator_kind *mbar_indicator_kind_of(const mbar_indicator_spec *spec);
/* n elements of size bytes that live as long as owner, not zeroed; NULL with
 * MBAR_NOMEM set. */
void *mbar_indicator_block(mbar_indicator *owner, int64_t n, size_t size, mbar_error *error);
/* mbar_indicator_new for one that will be given n_rows rows at most: its memory is that of
 * no longer a window. */
MBAR_MUST_USE mbar_status mbar_indicator_new_rows(const mbar_indicator_spec *spec,
                                                  const double *params, int32_t n_params,
                                                  int64_t n_rows, mbar_indicator **out,
                                                  mbar_error *error);
/* mbar_indicator_run of both over the same rows, interleaved where their kind can: a row of a
 * rolling sum waits for the row before it, and meanwhile the other's has its turn. */
void mbar_indicator_run_two(mbar_indicator *const both[2], const double *const *inputs,
                            int64_t n_rows, double *const *const outputs[2]);
/* How many rows owner may be given in all: no window need hold more. */
int64_t mbar_indicator_rows(const mbar_indicator *owner);

/* The loop over NAME_step(struct NAME_state *, const double *in, double *out). The
 * state is copied, so that stores to the outputs cannot be taken for stores to it
 * and it stays in registers. */
#define MBAR_INDICATOR_RUN(name, n_in, n_out)                                        \
    static void name##_run(void *state, const double *const *inputs, int64_t n_rows, \
                           double *const *outputs)                                   \
    {                                                                                \
        struct name##_state local = *(struct name##_state *)state;                   \
        for (int64_t i = 0; i < n_rows; i++) {                                       \
            double in[n_in], out[n_out];                                             \
            for (int k = 0; k < (n_in); k++) {                                       \
                in[k] = inputs[k][i];                                                \
            }                                                                        \
            name##_step(&local, in, out);                                            \
            for (int k = 0; k < (n_out); k++) {                                      \
                outputs[k][i] = out[k];                                              \
            }                                                                        \
        }                                                                            \
        *(struct name##_state *)state = local;                                       \
    }

#define MBAR_COUNT(array) ((int32_t)(sizeof(array) / sizeof *(array)))

/* The members of a kind that its name and arrays of names say. */
#define MBAR_INDICATOR_SPEC(name_, title_, inputs_, params_, outputs_) \
    MBAR_INDICATOR_SPEC_PLAIN(name_, title_, inputs_, outputs_),       \
        .spec.params = params_, .spec.n_params = MBAR_COUNT(params_)
/* The same for one without parameters. */
#define MBAR_INDICATOR_SPEC_PLAIN(name_, title_, inputs_, outputs_)                      \
    .spec.name = #name_, .spec.title = title_, .spec.inputs = inputs_,                   \
    .spec.n_inputs = MBAR_COUNT(inputs_), .spec.outputs = outputs_,                      \
    .spec.n_outputs = MBAR_COUNT(outputs_), .state_bytes = sizeof(struct name_##_state), \
    .start = name_##_start, .run = name_##_run

/* Common parameters. */
#define MBAR_PERIOD(name, default_value)                            \
    {                                                               \
        name, MBAR_PARAM_INTEGER, 1, INT32_MAX, default_value, NULL \
    }
/* 0 stands for the period, or for 1 where there is no window. */
#define MBAR_MIN_PERIODS                                         \
    {                                                            \
        "min_periods", MBAR_PARAM_INTEGER, 0, INT32_MAX, 0, NULL \
    }
#define MBAR_DDOF(default_value)                                      \
    {                                                                 \
        "ddof", MBAR_PARAM_INTEGER, 0, INT32_MAX, default_value, NULL \
    }

#endif
