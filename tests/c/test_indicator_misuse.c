/* test_indicator_misuse.c - what only a programmer can do wrong with indicators. */
#include "support.h"
#include "misuse.h"

#include <millibar/indicators.h>

static const double period[] = {2};
static double row[] = {1};
static double *const outputs[] = {row};
static const double *const inputs[] = {row};
static const mbar_indicator_spec *spec;
static mbar_indicator *made;
static mbar_table *table_out;

static void at_the_end(void)
{
    mbar_indicator_at(mbar_indicator_count());
}
static void before_the_first(void)
{
    mbar_indicator_at(-1);
}
static void find_null(void)
{
    (void)!mbar_indicator_find(NULL, &spec, NULL);
}
static void null_spec(void)
{
    (void)!mbar_indicator_new(NULL, period, 1, &made, NULL);
}
static void spec_of_ones_own(void)
{
    mbar_indicator_spec copy = *spec;
    (void)!mbar_indicator_params(&copy, period, 1, NULL, NULL);
}
static void no_such_param(void)
{
    double value;
    (void)!mbar_indicator_param_choose(spec, spec->n_params, "x", &value, NULL);
}
static void params_from_null(void)
{
    (void)!mbar_indicator_params(spec, NULL, 1, NULL, NULL);
}
static void fewer_than_no_params(void)
{
    (void)!mbar_indicator_params(spec, period, -1, NULL, NULL);
}
static void fewer_than_no_rows(void)
{
    (void)!mbar_indicator_compute(spec, period, 1, inputs, -1, outputs, NULL);
}
static void run_fewer_than_no_rows(void)
{
    (void)!mbar_indicator_new(spec, period, 1, &made, NULL);
    mbar_indicator_run(made, inputs, -1, outputs);
}
static void update_null(void)
{
    mbar_indicator_update(NULL, row, row);
}
static void null_table(void)
{
    (void)!mbar_table_indicator(NULL, (mbar_window){0, 0}, spec, period, 1, NULL, &table_out, NULL);
}

static void misuse(void **state)
{
    (void)state;
    assert_ok(mbar_indicator_find("sma", &spec, &error));
    static const struct misuse_case cases[] = {
        MISUSE(at_the_end),         MISUSE(before_the_first),
        MISUSE(find_null),          MISUSE(null_spec),
        MISUSE(spec_of_ones_own),   MISUSE(no_such_param),
        MISUSE(params_from_null),   MISUSE(fewer_than_no_params),
        MISUSE(fewer_than_no_rows), MISUSE(run_fewer_than_no_rows),
        MISUSE(update_null),        MISUSE(null_table),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        must_abort(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {leak_checked(misuse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
