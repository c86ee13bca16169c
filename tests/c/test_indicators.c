/* test_indicators.c - the bits pandas gives, in every form of every indicator. */
#include "market_vectors.h"

#include <millibar/indicators.h>

#include <math.h>

/* ---- Vectors ------------------------------------------------------------- */

/* One "indicator" of the file, over the rows that came before it. */
struct example {
    const struct vectors *v;
    const mbar_indicator_spec *spec;
    double params[MBAR_INDICATOR_MAX_PARAMS];
    int32_t n_params;
    int64_t n_rows;
    const double *inputs[MBAR_INDICATOR_MAX_INPUTS];
    const double *wanted[MBAR_INDICATOR_MAX_OUTPUTS];
    double *got[MBAR_INDICATOR_MAX_OUTPUTS];
};

static const double *column_in(const struct vector_table *table, const char *name)
{
    for (int c = 0; c < table->n_columns; c++) {
        if (strcmp(table->columns[c].name, name) == 0) {
            return (const double *)table->columns[c].cells;
        }
    }
    fail_msg("no column %s", name);
    return NULL;
}

static bool same_double(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static void check_outputs(const struct example *e, const char *form)
{
    for (int32_t k = 0; k < e->spec->n_outputs; k++) {
        for (int64_t i = 0; i < e->n_rows; i++) {
            if (!same_double(e->wanted[k][i], e->got[k][i])) {
                fail_msg("before line %ld: %s, %s, row %lld of %s: %a, not %a", e->v->line_number,
                         e->spec->name, form, (long long)i, e->spec->outputs[k], e->got[k][i],
                         e->wanted[k][i]);
            }
            e->got[k][i] = 7;
        }
    }
}

static void check_arrays(const struct example *e)
{
    mbar_error error;
    must(mbar_indicator_compute(e->spec, e->params, e->n_params, e->inputs, e->n_rows, e->got,
                                &error),
         &error);
    check_outputs(e, "over arrays");
}

/* Row by row. */
static void update_all(const struct example *e, mbar_indicator *indicator)
{
    for (int64_t i = 0; i < e->n_rows; i++) {
        double in[MBAR_INDICATOR_MAX_INPUTS], out[MBAR_INDICATOR_MAX_OUTPUTS];
        for (int32_t k = 0; k < e->spec->n_inputs; k++) {
            in[k] = e->inputs[k][i];
        }
        mbar_indicator_update(indicator, in, out);
        for (int32_t k = 0; k < e->spec->n_outputs; k++) {
            e->got[k][i] = out[k];
        }
    }
}

/* A few rows at a time, more each time, none the first time. */
static void run_in_parts(const struct example *e, mbar_indicator *indicator)
{
    int64_t first = 0;
    for (int64_t n = 0; first < e->n_rows; n++) {
        int64_t count = n < e->n_rows - first ? n : e->n_rows - first;
        const double *inputs[MBAR_INDICATOR_MAX_INPUTS];
        double *outputs[MBAR_INDICATOR_MAX_OUTPUTS];
        for (int32_t k = 0; k < e->spec->n_inputs; k++) {
            inputs[k] = e->inputs[k] + first;
        }
        for (int32_t k = 0; k < e->spec->n_outputs; k++) {
            outputs[k] = e->got[k] + first;
        }
        mbar_indicator_run(indicator, inputs, count, outputs);
        first += count;
    }
}

static void check_running(const struct example *e)
{
    mbar_indicator *indicator;
    mbar_error error;
    must(mbar_indicator_new(e->spec, e->params, e->n_params, &indicator, &error), &error);
    assert_ptr_equal(mbar_indicator_spec_of(indicator), e->spec);
    update_all(e, indicator);
    check_outputs(e, "row by row");
    mbar_indicator_reset(indicator);
    run_in_parts(e, indicator);
    check_outputs(e, "in parts after a reset");
    mbar_indicator_reset(indicator);
    update_all(e, indicator);
    check_outputs(e, "after a second reset");
    mbar_indicator_free(indicator);
}

/* The rows as a series' last, after three that must not count. */
static mbar_series *longer_series(const struct vector_table *rows)
{
    enum { BEFORE = 3 };
    int64_t n = rows->n_rows + BEFORE;
    int64_t minutes[64];
    double values[64] = {1e9, -5, 0.1};
    assert_true(n <= 64);
    for (int64_t i = 0; i < n; i++) {
        minutes[i] = i * MBAR_MINUTE_NS;
    }
    mbar_column *columns[VECTOR_FIELDS] = {stamps("time", MBAR_UNIT_NS, "UTC", n, minutes)};
    for (int c = 0; c < rows->n_columns; c++) {
        memcpy(values + BEFORE, rows->columns[c].cells, (size_t)rows->n_rows * sizeof *values);
        columns[c + 1] = doubles(rows->columns[c].name, n, values);
    }
    mbar_table *table = NULL;
    mbar_error error;
    must(mbar_table_new(columns, rows->n_columns + 1, &table, &error), &error);
    for (int c = 0; c <= rows->n_columns; c++) {
        mbar_column_unref(columns[c]);
    }
    return series_of(table, NULL);
}

static void check_series(const struct example *e, const mbar_series *series)
{
    mbar_window window = {mbar_series_rows(series) - e->n_rows, e->n_rows};
    mbar_table *table;
    mbar_error error;
    must(mbar_series_indicator(series, window, e->spec, e->params, e->n_params, NULL, &table,
                               &error),
         &error);
    assert_int_equal(mbar_table_columns(table), e->spec->n_outputs);
    assert_int_equal(mbar_table_rows(table), e->n_rows);
    for (int32_t k = 0; k < e->spec->n_outputs; k++) {
        const mbar_column *column = mbar_table_column(table, k);
        assert_string_equal(mbar_column_field(column)->name, e->spec->outputs[k]);
        assert_int_equal(mbar_column_field(column)->type, MBAR_TYPE_FLOAT64);
        assert_false(mbar_column_field(column)->nullable);
        memcpy(e->got[k], mbar_column_values(column), (size_t)e->n_rows * sizeof(double));
    }
    check_outputs(e, "over a window of a series");
    mbar_table_unref(table);
}

static void check_example(struct vectors *v, const struct vector_table *rows,
                          const mbar_series *series)
{
    struct example e = {.v = v, .n_rows = rows->n_rows};
    mbar_error error;
    must(mbar_indicator_find(v->fields[1], &e.spec, &error), &error);
    e.n_params = (int32_t)vectors_number(v, 2);
    for (int32_t i = 0; i < e.n_params; i++) {
        e.params[i] = strtod(v->fields[3 + i], NULL);
    }
    struct vector_table wanted = vectors_table(v, 3 + e.n_params);
    assert_int_equal(wanted.n_columns, e.spec->n_outputs);
    for (int32_t k = 0; k < e.spec->n_inputs; k++) {
        e.inputs[k] = column_in(rows, e.spec->inputs[k]);
    }
    for (int32_t k = 0; k < e.spec->n_outputs; k++) {
        e.wanted[k] = column_in(&wanted, e.spec->outputs[k]);
        e.got[k] = calloc((size_t)e.n_rows, sizeof(double));
    }
    check_arrays(&e);
    check_running(&e);
    check_series(&e, series);
    for (int32_t k = 0; k < e.spec->n_outputs; k++) {
        free(e.got[k]);
    }
    vector_table_free(&wanted);
}

static void test_vectors(void **state)
{
    (void)state;
    struct vectors v = vectors_open("indicators.txt");
    struct vector_table rows = {0};
    mbar_series *series = NULL;
    int n_examples = 0;
    while (vectors_next(&v)) {
        if (vectors_is(&v, "rows")) {
            vector_table_free(&rows);
            mbar_series_unref(series);
            rows = vectors_table(&v, 1);
            series = longer_series(&rows);
        } else {
            assert_true(vectors_is(&v, "indicator"));
            check_example(&v, &rows, series);
            n_examples++;
        }
    }
    vector_table_free(&rows);
    mbar_series_unref(series);
    assert_true(n_examples >= 5 * mbar_indicator_count());
}

/* ---- Few rows ------------------------------------------------------------ */

/* Every indicator takes no row at all, and one, whatever its defaults. */
static void test_few_rows(void **state)
{
    (void)state;
    const double one[] = {2.5};
    for (int32_t s = 0; s < mbar_indicator_count(); s++) {
        const mbar_indicator_spec *spec = mbar_indicator_at(s);
        double params[MBAR_INDICATOR_MAX_PARAMS], out[MBAR_INDICATOR_MAX_OUTPUTS][1];
        const double *inputs[] = {one, one, one, one};
        double *outputs[] = {out[0], out[1], out[2]};
        for (int32_t i = 0; i < spec->n_params; i++) {
            double given = spec->params[i].default_value;
            params[i] = isnan(given) ? 20 : given;
        }
        out[0][0] = 7;
        mbar_error error;
        must(mbar_indicator_compute(spec, params, spec->n_params, inputs, 0, outputs, &error),
             &error);
        assert_true(out[0][0] == 7);
        must(mbar_indicator_compute(spec, params, spec->n_params, inputs, 1, outputs, &error),
             &error);
        assert_true(out[0][0] != 7);
    }
}

/* A period beyond the rows costs memory for the rows alone. */
static void test_huge_period(void **state)
{
    (void)state;
    static const char *const names[] = {"sma", "var", "min", "wma", "momentum"};
    const double in[] = {1, 2, 3};
    double out[3];
    mbar_set_memory_limit(mbar_memory_live_bytes() + 100000);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const mbar_indicator_spec *spec;
        mbar_error error;
        must(mbar_indicator_find(names[i], &spec, &error), &error);
        must(mbar_indicator_compute(spec, (double[]){2147483647}, 1, (const double *[]){in}, 3,
                                    (double *[]){out}, &error),
             &error);
        assert_true(isnan(out[0]) && isnan(out[2]));
        mbar_indicator *indicator = (void *)7;
        assert_int_equal(mbar_indicator_new(spec, (double[]){2147483647}, 1, &indicator, &error),
                         MBAR_NOMEM);
        assert_ptr_equal(indicator, (void *)7);
    }
    mbar_set_memory_limit(0);
}

static void test_crossings(void **state)
{
    (void)state;
    const double a[] = {3, 1, 2, 3, 2, NAN, 5, 1};
    const double b[] = {1, 2, 2, 2, 2, 2, 2, 2};
    const bool above[] = {false, false, false, true, false, false, false, false};
    const bool below[] = {false, true, false, false, false, false, false, true};
    bool out[8];
    mbar_cross_above(a, b, 8, out);
    assert_memory_equal(out, above, sizeof out);
    mbar_cross_below(a, b, 8, out);
    assert_memory_equal(out, below, sizeof out);
    mbar_cross_above(a, b, 0, out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_few_rows),
        cmocka_unit_test(test_huge_period),
        cmocka_unit_test(test_crossings),
    };
    return cmocka_run_group_tests(tests, use_tzdata, drop_zones);
}
