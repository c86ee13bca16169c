/*
 * engine_indicators.c - indicators of whole series, shown up to the visible row.
 *
 * Row i of an indicator is a function of rows 0 to i of its series alone (indicators.h),
 * and a value is only ever read at or before the last visible row, so nothing later can
 * show; and it starts at the series' first row, so where a run starts does not show
 * either.
 *
 * It is computed as the run goes, a chunk of rows at a time, into a ring of the latest
 * rows, which stays in the processor's nearest cache; so the memory that most strategies touch
 * does not grow with the series. A strategy may look back as far as it likes all the same: on
 * the first look at a row that is kept no more, all rows are computed once more, from the
 * first on, into arrays that were set aside for them when the indicator was made, so that
 * reading cannot fail; from then on these are written. Asking the system for them costs
 * next to nothing as long as they are not touched.
 *
 * Two indicators of an asset that have come equally far go on together: they are of the same
 * rows, and may be interleaved (mbar_indicator_run_two).
 */
#include "sim/engine_internal.h"

#include "base/alloc.h"
#include "indicators/kind.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { CHUNK_ROWS = 256, KEPT_ROWS = 1024 }; /* KEPT: a power of two, of whole chunks */

/* ---- Making ---------------------------------------------------------------------- */

static mbar_status make_room(mbar_engine *engine, mbar_error *error)
{
    if (engine->n_indicators < engine->indicators_capacity) {
        return MBAR_OK;
    }
    if (engine->n_indicators > INT32_MAX / 2 - 4) {
        return mbar_error_set(error, MBAR_NOMEM, "more than %d indicators",
                              (int)engine->n_indicators);
    }
    size_t had = (size_t)engine->indicators_capacity, room = had * 2 + 4;
    if (!mbar_resize_array((void **)&engine->indicators, had, room, sizeof *engine->indicators,
                           error)) {
        return MBAR_NOMEM;
    }
    engine->indicators_capacity = (int32_t)room;
    return MBAR_OK;
}

void mbar_instrument_indicator_deinit(mbar_instrument_indicator *indicator)
{
    mbar_indicator_free(indicator->running);
    for (int32_t i = 0; i < indicator->n_outputs; i++) {
        mbar_free(indicator->whole[i]);
    }
    mbar_free(indicator->latest);
}

static mbar_status find_inputs(mbar_instrument_indicator *self, const mbar_instrument *asset,
                               const mbar_indicator_spec *spec, mbar_error *error)
{
    for (int32_t i = 0; i < spec->n_inputs; i++) {
        mbar_bar_field field = mbar_bar_field_named(spec->inputs[i]);
        self->inputs[i] = field < MBAR_BAR_N_FIELDS ? asset->fields[field] : NULL;
        if (self->inputs[i] == NULL && asset->n_rows > 0) {
            return mbar_error_set(error, MBAR_NOTFOUND, "%s needs a column %s; %s has none",
                                  spec->name, spec->inputs[i], asset->symbol);
        }
    }
    return MBAR_OK;
}

static mbar_status make(mbar_instrument_indicator *self, const mbar_instrument *asset,
                        const mbar_indicator_spec *spec, const double *params, int32_t n_params,
                        mbar_error *error)
{
    MBAR_TRY(find_inputs(self, asset, spec, error));
    MBAR_TRY(mbar_indicator_new_rows(spec, params, n_params, asset->n_rows, &self->running, error));
    size_t n_outputs = (size_t)spec->n_outputs;
    self->latest = mbar_alloc_uninit(n_outputs * KEPT_ROWS * sizeof(double), error);
    if (self->latest == NULL) {
        return MBAR_NOMEM;
    }
    for (int32_t i = 0; i < spec->n_outputs; i++) {
        /* As many doubles as the series' columns hold: the size cannot overflow. */
        self->whole[i] = mbar_alloc_uninit((size_t)asset->n_rows * sizeof(double), error);
        if (self->whole[i] == NULL) {
            return MBAR_NOMEM;
        }
        self->cells[i] = self->latest + i * KEPT_ROWS;
        self->n_outputs++;
    }
    self->mask = KEPT_ROWS - 1;
    return MBAR_OK;
}

mbar_status mbar_engine_indicator(mbar_engine *engine, int32_t asset, const char *name,
                                  const double *params, int32_t n_params, int32_t *out,
                                  mbar_error *error)
{
    assert(engine != NULL && name != NULL && out != NULL);
    const mbar_instrument *of = mbar_engine_at(engine, asset);
    if (of == NULL || of->series == NULL) {
        return mbar_error_set(error, MBAR_INVALID, "indicator %s of asset %d, which has no bars",
                              name, (int)asset);
    }
    MBAR_TRY(make_room(engine, error));
    const mbar_indicator_spec *spec;
    MBAR_TRY(mbar_indicator_find(name, &spec, error));
    mbar_instrument_indicator self = {
        .asset = asset, .n_shown = &of->n_shown, .n_rows = of->n_rows};
    mbar_status status = make(&self, of, spec, params, n_params, error);
    if (status != MBAR_OK) {
        mbar_instrument_indicator_deinit(&self);
        return status;
    }
    engine->indicators[engine->n_indicators] = self;
    *out = engine->n_indicators++;
    return MBAR_OK;
}

/* ---- Reading --------------------------------------------------------------------- */

static bool keeps_all(const mbar_instrument_indicator *self)
{
    return self->mask != KEPT_ROWS - 1;
}

/* Where the values of rows from `from` on go, and what they are made of. */
static void find_rows(const mbar_instrument_indicator *self, int64_t from, const double **inputs,
                      double **outputs)
{
    for (int32_t i = 0; i < MBAR_INDICATOR_MAX_INPUTS && self->inputs[i] != NULL; i++) {
        inputs[i] = self->inputs[i] + from;
    }
    for (int32_t i = 0; i < self->n_outputs; i++) {
        outputs[i] = self->cells[i] + (from & self->mask);
    }
}

static void set_ready(mbar_instrument_indicator *self, int64_t n_ready)
{
    self->n_ready = n_ready;
    self->first_kept = keeps_all(self) || n_ready < KEPT_ROWS ? 0 : n_ready - KEPT_ROWS;
    self->n_kept = n_ready - self->first_kept;
}

/* One that can go on together with self; NULL: none. */
static mbar_instrument_indicator *companion(const mbar_engine *engine,
                                            const mbar_instrument_indicator *self)
{
    for (int32_t i = 0; i < engine->n_indicators; i++) {
        mbar_instrument_indicator *other = &engine->indicators[i];
        if (other != self && other->asset == self->asset && other->n_ready == self->n_ready &&
            memcmp(other->inputs, self->inputs, sizeof self->inputs) == 0) {
            return other;
        }
    }
    return NULL;
}

/* Computes one more chunk. Chunks end at multiples of their length, so none goes beyond the
 * end of the ring. */
static void extend(mbar_instrument_indicator *self, mbar_instrument_indicator *other)
{
    const double *inputs[MBAR_INDICATOR_MAX_INPUTS] = {NULL};
    double *own[MBAR_INDICATOR_MAX_OUTPUTS], *others[MBAR_INDICATOR_MAX_OUTPUTS];
    int64_t from = self->n_ready, n_left = self->n_rows - from;
    int64_t n = n_left < CHUNK_ROWS ? n_left : CHUNK_ROWS;
    find_rows(self, from, inputs, own);
    if (other == NULL) {
        mbar_indicator_run(self->running, inputs, n, own);
    } else {
        mbar_indicator *const both[2] = {self->running, other->running};
        double *const *const outputs[2] = {own, others};
        find_rows(other, from, inputs, others);
        mbar_indicator_run_two(both, inputs, n, outputs);
        set_ready(other, from + n);
    }
    set_ready(self, from + n);
}

/* From now on all rows are kept: those there are, once more; the state ends where it was. */
static void keep_all(mbar_instrument_indicator *self)
{
    const double *inputs[MBAR_INDICATOR_MAX_INPUTS] = {NULL};
    double *outputs[MBAR_INDICATOR_MAX_OUTPUTS];
    self->mask = -1;
    memcpy(self->cells, self->whole, sizeof self->cells);
    find_rows(self, 0, inputs, outputs);
    mbar_indicator_reset(self->running);
    mbar_indicator_run(self->running, inputs, self->n_ready, outputs);
    set_ready(self, self->n_ready);
}

/* A row that is not at hand, or none. Apart, so that reading one that is needs no stack. */
__attribute__((noinline)) static double find_value(const mbar_engine *engine, int32_t indicator,
                                                   int32_t output, int64_t back)
{
    assert((uint32_t)indicator < (uint32_t)engine->n_indicators && back >= 0);
    mbar_instrument_indicator *self = &engine->indicators[indicator];
    assert((uint32_t)output < (uint32_t)self->n_outputs);
    int64_t row = *self->n_shown - 1 - back;
    if (row < 0) {
        return NAN;
    }
    while (row >= self->n_ready) {
        extend(self, companion(engine, self));
    }
    if (row < self->first_kept) {
        keep_all(self);
    }
    return self->cells[output][row & self->mask];
}

double mbar_engine_indicator_value(const mbar_engine *engine, int32_t indicator, int32_t output,
                                   int64_t back)
{
    if ((uint32_t)indicator < (uint32_t)engine->n_indicators && back >= 0) {
        const mbar_instrument_indicator *self = &engine->indicators[indicator];
        int64_t row = *self->n_shown - 1 - back;
        if ((uint32_t)output < (uint32_t)self->n_outputs &&
            (uint64_t)(row - self->first_kept) < (uint64_t)self->n_kept) {
            return self->cells[output][row & self->mask];
        }
    }
    return find_value(engine, indicator, output, back);
}
