/*
 * millibar/indicators.h - indicators: arrays in, arrays out.
 *
 * Purpose: a registry of indicators, each computed over arrays of doubles, over
 * rows of a series, or row by row as bars close.
 *
 * Invariants
 *   - The three forms run the same operations in the same order: over the same
 *     rows they give the same bits.
 *   - Row i of an output is a function of rows 0 to i of the input alone.
 *   - An indicator of a window starts anew at the window's first row, as pandas
 *     does on that frame; one of a whole series starts at the series' first row.
 *     Sums that run on leave other last bits in the two.
 *   - Each spec's formula is the pandas 2.3.3 expression it equals, to the bit;
 *     a NaN is a NaN whatever its sign and payload.
 *   - A missing value is NaN. So is every row of the warm-up. Rolling and
 *     exponential means take an infinity for missing, as pandas does.
 *   - Specs are static and immutable; any thread may read them. A spec handed in is
 *     one that mbar_indicator_find or mbar_indicator_at gave, not a copy.
 */
#ifndef MILLIBAR_INDICATORS_H
#define MILLIBAR_INDICATORS_H

#include <millibar/market.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What there is ------------------------------------------------------- */

#define MBAR_INDICATOR_MAX_INPUTS 4
#define MBAR_INDICATOR_MAX_PARAMS 4
#define MBAR_INDICATOR_MAX_OUTPUTS 3

typedef enum mbar_param_kind {
    MBAR_PARAM_INTEGER = 0, /* a whole number */
    MBAR_PARAM_REAL,        /* any finite number */
    MBAR_PARAM_CHOICE       /* one of choices, by its index */
} mbar_param_kind;

/* Parameters are doubles whatever their kind. */
typedef struct mbar_indicator_param {
    const char *name; /* "period" */
    mbar_param_kind kind;
    double min, max;            /* inclusive */
    double default_value;       /* NaN: there is none, the caller must say */
    const char *const *choices; /* CHOICE: max + 1 words; NULL otherwise */
} mbar_indicator_param;

typedef struct mbar_indicator_spec {
    const char *name;          /* "sma" */
    const char *title;         /* "Simple moving average" */
    const char *formula;       /* the pandas expression it equals to the bit */
    int32_t n_inputs;          /* 1 to MBAR_INDICATOR_MAX_INPUTS */
    int32_t n_params;          /* 0 to MBAR_INDICATOR_MAX_PARAMS */
    int32_t n_outputs;         /* 1 to MBAR_INDICATOR_MAX_OUTPUTS */
    const char *const *inputs; /* column names: "close", or "high", "low", "close" */
    const mbar_indicator_param *params;
    const char *const *outputs; /* "sma", or "macd", "signal", "histogram" */
} mbar_indicator_spec;

/* How many there are, and the one at index (asserted), in order of name. */
MBAR_API int32_t mbar_indicator_count(void);
MBAR_API const mbar_indicator_spec *mbar_indicator_at(int32_t index);
/* By exact name. MBAR_NOTFOUND names the nearest, or lists what there is. */
MBAR_API MBAR_MUST_USE mbar_status mbar_indicator_find(const char *name,
                                                       const mbar_indicator_spec **out,
                                                       mbar_error *error);
/* Index of a parameter by name. MBAR_NOTFOUND lists those there are. */
MBAR_API MBAR_MUST_USE mbar_status mbar_indicator_param_find(const mbar_indicator_spec *spec,
                                                             const char *name, int32_t *out,
                                                             mbar_error *error);
/* A CHOICE's value from its word. MBAR_INVALID lists the words, or says that the
 * parameter takes a number. */
MBAR_API MBAR_MUST_USE mbar_status mbar_indicator_param_choose(const mbar_indicator_spec *spec,
                                                               int32_t index, const char *word,
                                                               double *out, mbar_error *error);
/*
 * What a computation would run with: params[0..n_params), in the spec's order,
 * then defaults, into out[0..spec->n_params). MBAR_INVALID names the parameter:
 * missing where there is no default, out of range, not whole, NaN, one too many,
 * or at odds with another. params may be NULL when n_params is 0; out may be
 * params, or NULL to check alone.
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_indicator_params(const mbar_indicator_spec *spec,
                                                         const double *params, int32_t n_params,
                                                         double *out, mbar_error *error);

/* ---- Over arrays --------------------------------------------------------- */

/*
 * inputs: spec->n_inputs arrays of n_rows doubles; outputs: spec->n_outputs
 * arrays of as many, which overlap neither the inputs nor one another. n_rows may
 * be 0. params as for mbar_indicator_params. Outputs are written on MBAR_OK only.
 * Errors: a parameter's (MBAR_INVALID); MBAR_NOMEM. O(rows) time for all but
 * wma, which is O(rows x period); O(min(period, rows)) memory.
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_indicator_compute(const mbar_indicator_spec *spec,
                                                          const double *params, int32_t n_params,
                                                          const double *const *inputs,
                                                          int64_t n_rows, double *const *outputs,
                                                          mbar_error *error);

/* ---- Over a series, or a table -------------------------------------------- */

/*
 * The indicator of rows [window.first, + n_rows) of series, a function of those
 * rows alone; {0, mbar_series_rows(series)} is that of the whole series. *out has
 * the spec's outputs as float64 columns without nulls, window.n_rows rows.
 * columns: spec->n_inputs names to read instead of spec->inputs, a NULL among
 * them for the spec's own; NULL for all of them. Names count in any case. Numbers
 * of other types are converted to double, nulls to NaN; float64 columns without
 * nulls are read where they are.
 * Errors: MBAR_NOTFOUND (no such column, listing those there are), MBAR_INVALID
 * (a parameter; a column that is no number; a window outside the series),
 * MBAR_NOMEM.
 */
MBAR_API MBAR_MUST_USE mbar_status mbar_series_indicator(const mbar_series *series,
                                                         mbar_window window,
                                                         const mbar_indicator_spec *spec,
                                                         const double *params, int32_t n_params,
                                                         const char *const *columns,
                                                         mbar_table **out, mbar_error *error);

/* The same of a table's rows, in the order they stand in. */
MBAR_API MBAR_MUST_USE mbar_status mbar_table_indicator(const mbar_table *table, mbar_window window,
                                                        const mbar_indicator_spec *spec,
                                                        const double *params, int32_t n_params,
                                                        const char *const *columns,
                                                        mbar_table **out, mbar_error *error);

/* ---- Row by row ---------------------------------------------------------- */

/* One indicator's running state. Belongs to one thread at a time. */
typedef struct mbar_indicator mbar_indicator;

/* Before its first row. Memory for the whole period is taken here, so that an
 * update cannot fail; MBAR_INVALID; MBAR_NOMEM. */
MBAR_API MBAR_MUST_USE mbar_status mbar_indicator_new(const mbar_indicator_spec *spec,
                                                      const double *params, int32_t n_params,
                                                      mbar_indicator **out, mbar_error *error);
MBAR_API void mbar_indicator_free(mbar_indicator *indicator);
MBAR_API const mbar_indicator_spec *mbar_indicator_spec_of(const mbar_indicator *indicator);
/* Takes one row, inputs[0..spec->n_inputs), and writes that row's outputs. */
MBAR_API void mbar_indicator_update(mbar_indicator *indicator, const double *inputs,
                                    double *outputs);
/* Takes n_rows more rows, as mbar_indicator_update would one by one. */
MBAR_API void mbar_indicator_run(mbar_indicator *indicator, const double *const *inputs,
                                 int64_t n_rows, double *const *outputs);
/* Back to before the first row. */
MBAR_API void mbar_indicator_reset(mbar_indicator *indicator);

/* ---- Crossings ----------------------------------------------------------- */

/* out[i]: a[i] > b[i] and a[i - 1] <= b[i - 1] (below: the other way round);
 * false in row 0 and where a NaN is met. out may not overlap the inputs. */
MBAR_API void mbar_cross_above(const double *a, const double *b, int64_t n_rows, bool *out);
MBAR_API void mbar_cross_below(const double *a, const double *b, int64_t n_rows, bool *out);

#ifdef __cplusplus
}
#endif
#endif
