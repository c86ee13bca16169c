/*
 * indicator.c - one running indicator, and the computation over arrays, which is
 * one that runs once.
 *
 * An indicator is one block: itself and its kind's state. The blocks that the
 * state needs beside (windows, queues) are taken by the kind's start, always in
 * the same order, and kept in a list; a reset hands the same ones out again, and
 * so cannot fail. Their contents are never read before they are written.
 *
 * Cost: a row costs what the kind's step costs; making one, two to six
 * allocations.
 */
#include "indicators/kind.h"

#include "base/alloc.h"
#include "base/checked.h"

#include <assert.h>
#include <string.h>

enum { MAX_BLOCKS = 8 };

struct mbar_indicator {
    const mbar_indicator_kind *kind;
    double params[MBAR_INDICATOR_MAX_PARAMS];
    int64_t n_rows; /* that will be given at most */
    void *blocks[MAX_BLOCKS];
    int n_blocks;
    int next_block;
    max_align_t state[];
};

void *mbar_indicator_block(mbar_indicator *owner, int64_t n, size_t size, mbar_error *error)
{
    if (owner->next_block < owner->n_blocks) {
        return owner->blocks[owner->next_block++];
    }
    assert(owner->n_blocks < MAX_BLOCKS);
    size_t n_bytes;
    if (!mbar_mul_size((size_t)n, size, &n_bytes)) {
        mbar_error_set(error, MBAR_NOMEM, "a window of %lld rows does not fit in memory",
                       (long long)n);
        return NULL;
    }
    void *block = mbar_alloc_uninit(n_bytes, error);
    if (block != NULL) {
        owner->blocks[owner->n_blocks++] = block;
        owner->next_block++;
    }
    return block;
}

int64_t mbar_indicator_rows(const mbar_indicator *owner)
{
    return owner->n_rows;
}

static mbar_status start(mbar_indicator *self, mbar_error *error)
{
    self->next_block = 0;
    memset(self->state, 0, self->kind->state_bytes);
    return self->kind->start(self->state, self, self->params, error);
}

mbar_status mbar_indicator_new_rows(const mbar_indicator_spec *spec, const double *params,
                                    int32_t n_params, int64_t n_rows, mbar_indicator **out,
                                    mbar_error *error)
{
    const mbar_indicator_kind *kind = mbar_indicator_kind_of(spec);
    double full[MBAR_INDICATOR_MAX_PARAMS] = {0};
    mbar_status status = mbar_indicator_params(spec, params, n_params, full, error);
    if (status != MBAR_OK) {
        return status;
    }
    mbar_indicator *self = mbar_alloc(sizeof *self + kind->state_bytes, error);
    if (self == NULL) {
        return MBAR_NOMEM;
    }
    self->kind = kind;
    self->n_rows = n_rows;
    memcpy(self->params, full, sizeof full);
    status = start(self, error);
    if (status != MBAR_OK) {
        mbar_indicator_free(self);
        return status;
    }
    *out = self;
    return MBAR_OK;
}

mbar_status mbar_indicator_new(const mbar_indicator_spec *spec, const double *params,
                               int32_t n_params, mbar_indicator **out, mbar_error *error)
{
    return mbar_indicator_new_rows(spec, params, n_params, INT64_MAX, out, error);
}

void mbar_indicator_free(mbar_indicator *indicator)
{
    if (indicator == NULL) {
        return;
    }
    for (int i = 0; i < indicator->n_blocks; i++) {
        mbar_free(indicator->blocks[i]);
    }
    mbar_free(indicator);
}

const mbar_indicator_spec *mbar_indicator_spec_of(const mbar_indicator *indicator)
{
    return &indicator->kind->spec;
}

void mbar_indicator_update(mbar_indicator *indicator, const double *inputs, double *outputs)
{
    assert(indicator != NULL && inputs != NULL && outputs != NULL);
    const double *in[MBAR_INDICATOR_MAX_INPUTS];
    double *out[MBAR_INDICATOR_MAX_OUTPUTS];
    const mbar_indicator_spec *spec = &indicator->kind->spec;
    for (int32_t i = 0; i < spec->n_inputs; i++) {
        in[i] = &inputs[i];
    }
    for (int32_t i = 0; i < spec->n_outputs; i++) {
        out[i] = &outputs[i];
    }
    indicator->kind->run(indicator->state, in, 1, out);
}

void mbar_indicator_run(mbar_indicator *indicator, const double *const *inputs, int64_t n_rows,
                        double *const *outputs)
{
    assert(indicator != NULL && inputs != NULL && outputs != NULL && n_rows >= 0);
    indicator->kind->run(indicator->state, inputs, n_rows, outputs);
}

void mbar_indicator_run_two(mbar_indicator *const both[2], const double *const *inputs,
                            int64_t n_rows, double *const *const outputs[2])
{
    const mbar_indicator_kind *kind = both[0]->kind;
    assert(both[0] != both[1] && n_rows >= 0);
    if (kind == both[1]->kind && kind->run_two != NULL) {
        void *const states[2] = {both[0]->state, both[1]->state};
        kind->run_two(states, inputs, n_rows, outputs);
        return;
    }
    mbar_indicator_run(both[0], inputs, n_rows, outputs[0]);
    mbar_indicator_run(both[1], inputs, n_rows, outputs[1]);
}

void mbar_indicator_reset(mbar_indicator *indicator)
{
    assert(indicator != NULL);
    mbar_status status = start(indicator, NULL);
    assert(status == MBAR_OK);
    (void)status;
}

mbar_status mbar_indicator_compute(const mbar_indicator_spec *spec, const double *params,
                                   int32_t n_params, const double *const *inputs, int64_t n_rows,
                                   double *const *outputs, mbar_error *error)
{
    assert(inputs != NULL && outputs != NULL && n_rows >= 0);
    mbar_indicator *indicator;
    mbar_status status = mbar_indicator_new_rows(spec, params, n_params, n_rows, &indicator, error);
    if (status == MBAR_OK) {
        mbar_indicator_run(indicator, inputs, n_rows, outputs);
        mbar_indicator_free(indicator);
    }
    return status;
}
