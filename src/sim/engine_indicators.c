/*
 * engine_indicators.c - indicators of whole series, shown up to the visible row.
 *
 * An indicator is computed once, over every row of the series, when it is asked
 * for; row i of it is a function of rows 0 to i alone (indicators.h), and a value is
 * only ever read at or before the last visible row, so nothing later can show. It
 * therefore does not depend on where a run starts either.
 */
#include "sim/engine_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>

static mbar_status make_room(mbar_engine *engine, mbar_error *error)
{
    if (engine->n_indicators < engine->indicators_capacity) {
        return MBAR_OK;
    }
    if (engine->n_indicators > INT32_MAX / 2 - 4) {
        return mbar_error_set(error, MBAR_NOMEM, "more than %d indicators",
                              (int)engine->n_indicators);
    }
    size_t old = (size_t)engine->indicators_capacity, new = old * 2 + 4;
    if (!mbar_resize_array((void **)&engine->indicators, old, new, sizeof *engine->indicators,
                           error)) {
        return MBAR_NOMEM;
    }
    engine->indicators_capacity = (int32_t) new;
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
    mbar_table *table;
    MBAR_TRY(mbar_series_indicator(of->series, (mbar_window){0, of->n_rows}, spec, params, n_params,
                                   NULL, &table, error));
    mbar_engine_indicator_state *state = &engine->indicators[engine->n_indicators];
    *state =
        (mbar_engine_indicator_state){.asset = asset, .table = table, .n_outputs = spec->n_outputs};
    for (int32_t i = 0; i < spec->n_outputs; i++) {
        state->outputs[i] = mbar_column_values(mbar_table_column(table, i));
    }
    *out = engine->n_indicators++;
    return MBAR_OK;
}

/* LUMIBOT: the last row of a window of one. */
static int64_t lumibot_row(const mbar_engine *engine, const mbar_instrument *asset)
{
    int64_t row = asset->row;
    if (row < 0 || asset->series->step == MBAR_STEP_DAY) {
        return row;
    }
    return mbar_engine_is_forming(engine, asset) ? row - 1 : row;
}

double mbar_engine_indicator_value(const mbar_engine *engine, int32_t indicator, int32_t output,
                                   int64_t back)
{
    assert(indicator >= 0 && indicator < engine->n_indicators && back >= 0);
    const mbar_engine_indicator_state *state = &engine->indicators[indicator];
    assert(output >= 0 && output < state->n_outputs);
    const mbar_instrument *asset = &engine->assets[state->asset];
    int64_t last =
        mbar_engine_is_strict(engine) ? asset->n_visible - 1 : lumibot_row(engine, asset);
    return back <= last ? state->outputs[output][last - back] : NAN;
}
