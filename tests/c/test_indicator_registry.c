/* test_indicator_registry.c - what indicators there are, their parameters, and the
 * columns of a table they read. */
#include "market_support.h"

#include <millibar/indicators.h>

#include <math.h>

static const mbar_indicator_spec *spec_of(const char *name)
{
    const mbar_indicator_spec *spec = NULL;
    mbar_error error;
    must(mbar_indicator_find(name, &spec, &error), &error);
    return spec;
}

/* The call must fail so, its last argument being &error, and say part. */
#define assert_fails(expected, part, call)                     \
    do {                                                       \
        mbar_error error;                                      \
        mbar_error_init(&error);                               \
        assert_int_equal((call), (expected));                  \
        assert_int_equal(error.code, (expected));              \
        if (strstr(error.message, (part)) == NULL) {           \
            fail_msg("no \"%s\" in: %s", part, error.message); \
        }                                                      \
    } while (0)

/* ---- The list ------------------------------------------------------------ */

static void test_specs(void **state)
{
    (void)state;
    for (int32_t i = 0; i < mbar_indicator_count(); i++) {
        const mbar_indicator_spec *spec = mbar_indicator_at(i);
        assert_true(i == 0 || strcmp(mbar_indicator_at(i - 1)->name, spec->name) < 0);
        assert_ptr_equal(spec_of(spec->name), spec);
        assert_true(spec->title[0] != '\0' && spec->formula[0] != '\0');
        assert_in_range(spec->n_inputs, 1, MBAR_INDICATOR_MAX_INPUTS);
        assert_in_range(spec->n_outputs, 1, MBAR_INDICATOR_MAX_OUTPUTS);
        assert_in_range(spec->n_params, 0, MBAR_INDICATOR_MAX_PARAMS);
        for (int32_t p = 0; p < spec->n_params; p++) {
            const mbar_indicator_param *param = &spec->params[p];
            double value = param->default_value;
            assert_true(isnan(value) || (value >= param->min && value <= param->max));
            assert_int_equal(param->choices != NULL, param->kind == MBAR_PARAM_CHOICE);
            assert_true(param->kind != MBAR_PARAM_CHOICE || param->min == 0);
        }
    }
}

static void test_unknown_names(void **state)
{
    (void)state;
    const mbar_indicator_spec *spec = (void *)7;
    assert_fails(MBAR_NOTFOUND, "no indicator 'smaa': did you mean 'sma'? There are adx, atr,",
                 mbar_indicator_find("smaa", &spec, &error));
    assert_fails(MBAR_NOTFOUND, "did you mean 'true_range'?",
                 mbar_indicator_find("truerange", &spec, &error));
    assert_fails(MBAR_NOTFOUND, "no indicator 'alligator'; there are adx,",
                 mbar_indicator_find("alligator", &spec, &error));
    assert_fails(MBAR_NOTFOUND, "zscore", mbar_indicator_find("alligator", &spec, &error));
    assert_fails(MBAR_NOTFOUND, "no indicator ''", mbar_indicator_find("", &spec, &error));
    char longest[2000];
    memset(longest, 's', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_fails(MBAR_NOTFOUND, "there are", mbar_indicator_find(longest, &spec, &error));
    assert_ptr_equal(spec, (void *)7);
    assert_int_equal(mbar_indicator_find("SMA", &spec, NULL), MBAR_NOTFOUND);
}

/* ---- Parameters ---------------------------------------------------------- */

static void test_defaults(void **state)
{
    (void)state;
    double out[MBAR_INDICATOR_MAX_PARAMS] = {7, 7, 7, 7};
    mbar_error error;
    must(mbar_indicator_params(spec_of("macd"), (double[]){5}, 1, out, &error), &error);
    assert_memory_equal(out, ((double[]){5, 26, 9, 7}), sizeof out);
    must(mbar_indicator_params(spec_of("obv"), NULL, 0, out, &error), &error);
    must(mbar_indicator_params(spec_of("sma"), (double[]){3}, 1, NULL, &error), &error);
    double in_place[] = {3, 2, 0};
    must(mbar_indicator_params(spec_of("std"), in_place, 3, in_place, &error), &error);
    assert_memory_equal(in_place, ((double[]){3, 2, 0}), sizeof in_place);
}

static void assert_bad(const char *name, const double *params, int32_t n, const char *part)
{
    double out[MBAR_INDICATOR_MAX_PARAMS] = {7, 7, 7, 7};
    const double untouched[MBAR_INDICATOR_MAX_PARAMS] = {7, 7, 7, 7};
    assert_fails(MBAR_INVALID, part, mbar_indicator_params(spec_of(name), params, n, out, &error));
    assert_memory_equal(out, untouched, sizeof out);
}

static void test_bad_params(void **state)
{
    (void)state;
    assert_bad("sma", NULL, 0, "sma needs period: it has no default");
    assert_bad("sma", (double[]){0}, 1, "sma: period 0 is not in 1 to 2147483647");
    assert_bad("sma", (double[]){-3}, 1, "period -3");
    assert_bad("sma", (double[]){2147483648}, 1, "period 2147483648");
    assert_bad("sma", (double[]){NAN}, 1, "period nan");
    assert_bad("sma", (double[]){INFINITY}, 1, "period inf");
    assert_bad("sma", (double[]){2.5}, 1, "sma: period 2.5 is not a whole number");
    assert_bad("sma", (double[]){5, 6}, 2, "min_periods 6 is more than the 5 rows");
    assert_bad("sma", (double[]){5, 5, 5}, 3, "sma takes 2 parameters at most, not 3");
    assert_bad("atr", (double[]){5, 2}, 2, "atr: ma 2 is not in 0 to 1");
    assert_bad("bbands", (double[]){5, -1}, 2, "bbands: width -1");
    assert_bad("obv", (double[]){1}, 1, "obv takes 0 parameters at most");
    const double in[] = {1};
    double out[] = {7};
    assert_fails(MBAR_INVALID, "period 0",
                 mbar_indicator_compute(spec_of("sma"), (double[]){0}, 1, (const double *[]){in}, 1,
                                        (double *[]){out}, &error));
    assert_true(out[0] == 7);
    mbar_indicator *indicator = (void *)7;
    assert_fails(MBAR_INVALID, "period 0",
                 mbar_indicator_new(spec_of("sma"), (double[]){0}, 1, &indicator, &error));
    assert_ptr_equal(indicator, (void *)7);
}

static void test_words(void **state)
{
    (void)state;
    const mbar_indicator_spec *atr = spec_of("atr");
    int32_t index = 7;
    double value = 7;
    mbar_error error;
    must(mbar_indicator_param_find(atr, "ma", &index, &error), &error);
    assert_int_equal(index, 1);
    must(mbar_indicator_param_choose(atr, 1, "wilder", &value, &error), &error);
    assert_true(value == 1);
    assert_fails(MBAR_INVALID, "atr: ma 'ema' is not one of sma, wilder",
                 mbar_indicator_param_choose(atr, 1, "ema", &value, &error));
    assert_fails(MBAR_INVALID, "atr: period is a number, not 'x'",
                 mbar_indicator_param_choose(atr, 0, "x", &value, &error));
    assert_fails(MBAR_NOTFOUND, "atr has no parameter 'periods': it takes period, ma",
                 mbar_indicator_param_find(atr, "periods", &index, &error));
    assert_fails(MBAR_NOTFOUND, "it takes none",
                 mbar_indicator_param_find(spec_of("obv"), "period", &index, &error));
    assert_true(value == 1 && index == 1);
}

/* ---- Columns ------------------------------------------------------------- */

/* Column `name` of a two-row sum over table's rows, compared with wanted. */
static void assert_sums(const mbar_table *table, const char *name, const double *wanted)
{
    mbar_window all = {0, mbar_table_rows(table)};
    mbar_table *out;
    mbar_error error;
    must(mbar_table_indicator(table, all, spec_of("sum"), (double[]){2, 1}, 2,
                              (const char *[]){name}, &out, &error),
         &error);
    const double *got = mbar_column_values(mbar_table_column(out, 0));
    for (int64_t i = 0; i < all.n_rows; i++) {
        assert_true(isnan(wanted[i]) ? isnan(got[i]) : got[i] == wanted[i]);
    }
    mbar_table_unref(out);
}

static void test_types(void **state)
{
    (void)state;
    const int32_t small[] = {1, -2, 3};
    const int64_t large[] = {1, 9007199254740993, 2};
    const uint64_t unsigned_[] = {1, 18446744073709551615u, 2};
    const float single[] = {0.5f, 0.1f, 2};
    const double plain[] = {0.5, 0.1, 2};
    mbar_field fields[] = {{.name = "small", .type = MBAR_TYPE_INT32},
                           {.name = "unsigned", .type = MBAR_TYPE_UINT64},
                           {.name = "single", .type = MBAR_TYPE_FLOAT32},
                           {.name = "holes", .type = MBAR_TYPE_FLOAT64},
                           {.name = "gaps", .type = MBAR_TYPE_INT32}};
    mbar_table *table =
        table_of(column_of(fields[0], 3, small, 0), int64s("Large", 3, large),
                 column_of(fields[1], 3, unsigned_, 0), column_of(fields[2], 3, single, 0),
                 column_of(fields[3], 3, plain, 1), column_of(fields[4], 3, small, 2), NULL);
    assert_sums(table, "small", (double[]){1, -1, 1});
    assert_sums(table, "large", (double[]){1, 9007199254740993.0, 9007199254740994.0});
    assert_sums(table, "unsigned", (double[]){1, 18446744073709551616.0, 18446744073709551616.0});
    assert_sums(table, "single", (double[]){0.5, 0.5 + (double)0.1f, (double)0.1f + 2});
    assert_sums(table, "holes", (double[]){NAN, 0.1, 0.1 + 2});
    assert_sums(table, "gaps", (double[]){1, 1, 3});
    mbar_table_unref(table);
}

static void test_columns_of_a_window(void **state)
{
    (void)state;
    const double high[] = {9, 5, 4, 8}, low[] = {1, 4, 3, 2};
    mbar_table *table = table_of(doubles("HIGH", 4, high), doubles("Low", 4, low), NULL);
    mbar_window window = {1, 2};
    mbar_table *out;
    mbar_error error;
    must(mbar_table_indicator(table, window, spec_of("donchian"), (double[]){2}, 1, NULL, &out,
                              &error),
         &error);
    const double *upper = mbar_column_values(mbar_table_column(out, mbar_table_find(out, "upper")));
    const double *lower = mbar_column_values(mbar_table_column(out, mbar_table_find(out, "lower")));
    assert_true(isnan(upper[0]) && upper[1] == 5);
    assert_true(isnan(lower[0]) && lower[1] == 3);
    mbar_table_unref(out);
    /* The first input replaced, the second as it is. */
    must(mbar_table_indicator(table, window, spec_of("donchian"), (double[]){2}, 1,
                              (const char *[]){"low", NULL}, &out, &error),
         &error);
    upper = mbar_column_values(mbar_table_column(out, 0));
    assert_true(isnan(upper[0]) && upper[1] == 4);
    mbar_table_unref(out);
    mbar_window none = {4, 0};
    must(mbar_table_indicator(table, none, spec_of("donchian"), NULL, 0, NULL, &out, &error),
         &error);
    assert_int_equal(mbar_table_rows(out), 0);
    mbar_table_unref(out);
    mbar_table_unref(table);
}

static void test_bad_columns(void **state)
{
    (void)state;
    const double high[] = {9, 5};
    const int64_t minutes[] = {0, 1};
    mbar_table *table =
        table_of(doubles("high", 2, high), stamps("time", MBAR_UNIT_S, "UTC", 2, minutes), NULL);
    mbar_window all = {0, 2};
    mbar_table *out = (void *)7;
    const mbar_indicator_spec *sma = spec_of("sma");
    const double two[] = {2};
    assert_fails(MBAR_NOTFOUND, "sma needs column 'close'; there are high, time",
                 mbar_table_indicator(table, all, sma, two, 1, NULL, &out, &error));
    assert_fails(
        MBAR_INVALID, "sma needs numbers, and column 'time' is timestamp",
        mbar_table_indicator(table, all, sma, two, 1, (const char *[]){"time"}, &out, &error));
    assert_fails(MBAR_INVALID, "period 0",
                 mbar_table_indicator(table, all, sma, (double[]){0}, 1, NULL, &out, &error));
    const mbar_window outside[] = {{-1, 2}, {0, 3}, {3, 0}, {1, INT64_MAX}, {0, -1}};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        assert_fails(MBAR_INVALID, "is not inside 2 rows",
                     mbar_table_indicator(table, outside[i], sma, two, 1, (const char *[]){"high"},
                                          &out, &error));
    }
    assert_ptr_equal(out, (void *)7);
    mbar_table_unref(table);
}

static int no_leak(void **state)
{
    (void)state;
    return mbar_memory_live_bytes() == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_specs),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_bad_params),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_columns_of_a_window),
        cmocka_unit_test(test_bad_columns),
    };
    return cmocka_run_group_tests(tests, NULL, no_leak);
}
