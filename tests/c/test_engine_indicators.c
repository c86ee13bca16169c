/* test_engine_indicators.c - a value of an indicator is that of the whole series' column, however
 * late, seldom or far back it is read, and whatever else is read beside it. */
#include "engine_support.h"

#include <millibar/indicators.h>

enum { N_BARS = 4000, N_INDICATORS = 6 };

typedef struct reader {
    int32_t numbers[N_INDICATORS];
    double *wanted[N_INDICATORS]; /* the columns, by mbar_indicator_compute */
    int64_t n_read[N_INDICATORS];
    uint64_t seed;
} reader;

static const struct {
    const char *name;
    double period;
    int32_t asset;
    int64_t from;   /* read from this bar on */
    int64_t reach;  /* how far back */
    uint64_t every; /* bars */
} PLAN[N_INDICATORS] = {
    {"sma", 20, 0, 0, 1, 1},        {"sma", 60, 0, 0, 3900, 3}, {"ema", 12, 0, 0, 600, 1},
    {"sma", 100, 0, 3000, 1024, 1}, {"sma", 20, 1, 5, 1, 900},  {"atr", 14, 1, 1030, 5000, 7},
};

static double *values_of(const made_bars *bars, const char *name, double period)
{
    const double *close[] = {bars->close}, *ranges[] = {bars->high, bars->low, bars->close};
    const mbar_indicator_spec *spec;
    mbar_error error;
    double *out = calloc(N_BARS, sizeof *out);
    assert_non_null(out);
    must(mbar_indicator_find(name, &spec, &error), &error);
    must(mbar_indicator_compute(spec, &period, 1, spec->n_inputs == 1 ? close : ranges, bars->n,
                                &out, &error),
         &error);
    return out;
}

static mbar_status make_all(mbar_engine *engine, void *state, mbar_error *error)
{
    reader *self = state;
    mbar_status status = MBAR_OK;
    for (int i = 0; i < N_INDICATORS && status == MBAR_OK; i++) {
        status = mbar_engine_indicator(engine, PLAN[i].asset, PLAN[i].name, &PLAN[i].period, 1,
                                       &self->numbers[i], error);
    }
    return status;
}

static mbar_status read_some(mbar_engine *engine, void *state, mbar_error *error)
{
    reader *self = state;
    (void)error;
    for (int i = 0; i < N_INDICATORS; i++) {
        int64_t n = mbar_engine_visible_rows(engine, PLAN[i].asset);
        if (n <= PLAN[i].from || draw(&self->seed, PLAN[i].every) != 0) {
            continue;
        }
        int64_t back = (int64_t)draw(&self->seed, (uint64_t)PLAN[i].reach);
        double got = mbar_engine_indicator_value(engine, self->numbers[i], 0, back);
        double wanted = back < n ? self->wanted[i][n - 1 - back] : NAN;
        if (memcmp(&got, &wanted, sizeof got) != 0 && !(isnan(got) && isnan(wanted))) {
            fail_msg("%s %g at row %lld, %lld back: %a, not %a", PLAN[i].name, PLAN[i].period,
                     (long long)n, (long long)back, got, wanted);
        }
        self->n_read[i]++;
    }
    return MBAR_OK;
}

static void test_values_are_the_columns(void **state)
{
    static made_bars bars[2];
    const mbar_strategy strategy = {
        .struct_bytes = sizeof strategy, .initialize = make_all, .on_trading_iteration = read_some};
    mbar_engine *engine = engine_of(NULL);
    mbar_error error;
    reader self = {.seed = 5};
    (void)state;
    for (int k = 0; k < 2; k++) {
        make_walk(&bars[k], N_BARS, 1700000000 * MBAR_SECOND_NS, MBAR_MINUTE_NS, 77 + (uint64_t)k,
                  k == 0 ? 0 : 9);
        add_asset(engine, k == 0 ? "A" : "B", MBAR_ASSET_STOCK, minutes_of(&bars[k]));
    }
    for (int i = 0; i < N_INDICATORS; i++) {
        self.wanted[i] = values_of(&bars[PLAN[i].asset], PLAN[i].name, PLAN[i].period);
    }
    must(mbar_engine_run(engine, &strategy, &self, &error), &error);
    for (int i = 0; i < N_INDICATORS; i++) {
        assert_true(self.n_read[i] > 0);
        free(self.wanted[i]);
    }
    mbar_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values_are_the_columns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
