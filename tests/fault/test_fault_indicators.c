/* test_fault_indicators.c - every indicator, in every form, with the N-th
 * allocation failing. */
#include "../c/support.h"
#include "fault.h"

#include <millibar/indicators.h>

#include <math.h>

#define UNTOUCHED ((void *)7)

enum { N_ROWS = 5 };

static const double rows[N_ROWS] = {1, 2, 4, 3, 5};

/* Its defaults, and 3 where there are none. */
static void params_of(const mbar_indicator_spec *spec, double *params)
{
    for (int32_t i = 0; i < spec->n_params; i++) {
        double given = spec->params[i].default_value;
        params[i] = isnan(given) ? 3 : given;
    }
}

static mbar_status over_arrays(void *ctx, mbar_error *error)
{
    const mbar_indicator_spec *spec = ctx;
    double params[MBAR_INDICATOR_MAX_PARAMS], out[3][N_ROWS] = {{7}, {7}, {7}};
    const double *inputs[] = {rows, rows, rows, rows};
    double *outputs[] = {out[0], out[1], out[2]};
    params_of(spec, params);
    mbar_status status =
        mbar_indicator_compute(spec, params, spec->n_params, inputs, N_ROWS, outputs, error);
    assert_int_equal(out[0][0] == 7, status != MBAR_OK);
    return status;
}

static mbar_status row_by_row(void *ctx, mbar_error *error)
{
    const mbar_indicator_spec *spec = ctx;
    double params[MBAR_INDICATOR_MAX_PARAMS];
    const double inputs[] = {1, 1, 1, 1};
    double outputs[MBAR_INDICATOR_MAX_OUTPUTS];
    mbar_indicator *indicator = UNTOUCHED;
    params_of(spec, params);
    mbar_status status = mbar_indicator_new(spec, params, spec->n_params, &indicator, error);
    if (status != MBAR_OK) {
        assert_ptr_equal(indicator, UNTOUCHED);
        return status;
    }
    mbar_indicator_update(indicator, inputs, outputs);
    mbar_indicator_reset(indicator);
    mbar_indicator_update(indicator, inputs, outputs);
    mbar_indicator_free(indicator);
    return MBAR_OK;
}

static mbar_table *table;

/* The closes have a null, the volumes are integers with one. */
static mbar_status over_table(void *ctx, mbar_error *error)
{
    const mbar_indicator_spec *spec = ctx;
    double params[MBAR_INDICATOR_MAX_PARAMS];
    mbar_table *out = UNTOUCHED;
    params_of(spec, params);
    mbar_status status = mbar_table_indicator(table, (mbar_window){1, 4}, spec, params,
                                              spec->n_params, NULL, &out, error);
    if (status == MBAR_OK) {
        mbar_table_unref(out);
    } else {
        assert_ptr_equal(out, UNTOUCHED);
    }
    return status;
}

static void test_every_indicator(void **state)
{
    (void)state;
    for (int32_t i = 0; i < mbar_indicator_count(); i++) {
        void *spec = (void *)mbar_indicator_at(i);
        assert_true(fault_check_alloc(over_arrays, spec) >= 1);
        assert_true(fault_check_alloc(row_by_row, spec) >= 1);
        assert_true(fault_check_alloc(over_table, spec) >= 6);
    }
}

static int set_up(void **state)
{
    (void)state;
    const int64_t volumes[N_ROWS] = {1, 2, 3, 4, 5};
    mbar_column *columns[] = {
        column_of(field_of("high", MBAR_TYPE_FLOAT64), rows, N_ROWS, NULL),
        column_of(field_of("low", MBAR_TYPE_FLOAT64), rows, N_ROWS, NULL),
        column_of(field_of("close", MBAR_TYPE_FLOAT64), rows, N_ROWS, "11011"),
        column_of(field_of("volume", MBAR_TYPE_INT64), volumes, N_ROWS, "11101"),
    };
    assert_ok(mbar_table_new(columns, 4, &table, &error));
    for (int i = 0; i < 4; i++) {
        mbar_column_unref(columns[i]);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mbar_table_unref(table);
    return mbar_memory_live_bytes() == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_indicator)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
