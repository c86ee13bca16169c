/*
 * engine_indicators.c - indicators of whole series, shown up to the visible row.
 *
 * Row i of an indicator is a function of rows 0 to i of its series alone (indicators.h),
 * and a value is only ever read at or before the last visible row, so nothing later can
 * show; and it starts at the series' first row, so where a run starts does not show
 * either.
 *
 * It is computed as the run goes, a chunk of rows at a time: what is read next has just
 * been written and is still in the processor's nearest cache. Every row is computed once, and
 * stays, for a strategy may look back as far as it likes.
 */
#include "sim/engine_internal.h"

#include "base/alloc.h"
#include "indicators/kind.h"

#include <assert.h>
#include <math.h>

enum { CHUNK_ROWS = 512 };

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
        mbar_free(indicator->outputs[i]);
    }
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
    for (int32_t i = 0; i < spec->n_outputs; i++) {
        /* As many doubles as the series' columns hold: the size cannot overflow. */
        self->outputs[i] = mbar_alloc_uninit((size_t)asset->n_rows * sizeof(double), error);
        if (self->outputs[i] == NULL) {
            return MBAR_NOMEM;
        }
        self->n_outputs++;
    }
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

/* Computes on, to the end of row's chunk. */
static void extend(mbar_instrument_indicator *self, int64_t row)
{
    const double *inputs[MBAR_INDICATOR_MAX_INPUTS] = {NULL};
    double *outputs[MBAR_INDICATOR_MAX_OUTPUTS];
    int64_t from = self->n_ready, n_rows = self->n_rows;
    int64_t to = n_rows - row > CHUNK_ROWS ? row + CHUNK_ROWS : n_rows;
    for (int32_t i = 0; i < MBAR_INDICATOR_MAX_INPUTS && self->inputs[i] != NULL; i++) {
        inputs[i] = self->inputs[i] + from;
    }
    for (int32_t i = 0; i < self->n_outputs; i++) {
        outputs[i] = self->outputs[i] + from;
    }
    mbar_indicator_run(self->running, inputs, to - from, outputs);
    self->n_ready = to;
}

/* A row that is not ready, or none. Apart, so that reading one that is needs no stack. */
__attribute__((noinline)) static double read_on(mbar_instrument_indicator *self, int32_t output,
                                                int64_t row)
{
    if (row < 0) {
        return NAN;
    }
    extend(self, row);
    return self->outputs[output][row];
}

double mbar_engine_indicator_value(const mbar_engine *engine, int32_t indicator, int32_t output,
                                   int64_t back)
{
    assert((uint32_t)indicator < (uint32_t)engine->n_indicators && back >= 0);
    mbar_instrument_indicator *self = &engine->indicators[indicator];
    assert((uint32_t)output < (uint32_t)self->n_outputs);
    int64_t row = *self->n_shown - 1 - back;
    return (uint64_t)row < (uint64_t)self->n_ready ? self->outputs[output][row]
                                                   : read_on(self, output, row);
}
