/* test_indicator_runs.c - rows given many at a time, by one or by two, give what they give singly,
 * whatever the values are. */
#include "market_support.h"

#include "indicators/kind.h"

#include <math.h>

enum { N_ROWS = 6000 };

/* ---- Values -------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static double tick_price(uint64_t *seed)
{
    return 4000 + 0.25 * (double)(next_random(seed) % 400);
}

static double decimal_price(uint64_t *seed)
{
    return 9000 + 0.1 * (double)(next_random(seed) % 5000);
}

static double same_price(uint64_t *seed)
{
    return next_random(seed) % 40 == 0 ? 100.1 : 99.9;
}

static double signed_number(uint64_t *seed)
{
    return 0.3 * (double)(next_random(seed) % 7) - 0.9;
}

static double tiny_or_huge(uint64_t *seed)
{
    static const double some[] = {1e308, 5e-324, 1e-300, 1e17, 1, 0.0, 1.7976931348623157e308};
    return some[next_random(seed) % 7];
}

static double what_is_no_price(uint64_t *seed)
{
    static const double some[] = {-0.0, 0.0, NAN, INFINITY, -INFINITY, -1e308, 3, 3};
    return some[next_random(seed) % 8];
}

typedef double source(uint64_t *seed);

/* Stretches of a few hundred rows of one source each; exceptions strewn over some. */
static void fill(double *values, uint64_t *seed)
{
    static source *const sources[] = {tick_price,    decimal_price, same_price,
                                      signed_number, tiny_or_huge,  what_is_no_price};
    for (int64_t i = 0; i < N_ROWS;) {
        source *of = sources[next_random(seed) % (next_random(seed) % 2 ? 3 : 6)];
        uint64_t rare = next_random(seed) % 3 == 0 ? 100 : UINT64_MAX;
        int64_t end = i + 1 + (int64_t)(next_random(seed) % 900);
        for (; i < end && i < N_ROWS; i++) {
            values[i] = next_random(seed) % rare == 1 ? what_is_no_price(seed) : of(seed);
        }
    }
}

/* ---- Forms --------------------------------------------------------------------- */

static mbar_indicator *make(const char *name, double period, double min_periods)
{
    mbar_error error;
    const mbar_indicator_spec *spec;
    mbar_indicator *made;
    const double params[] = {period, min_periods};
    must(mbar_indicator_find(name, &spec, &error), &error);
    must(mbar_indicator_new(spec, params, spec->n_params < 2 ? spec->n_params : 2, &made, &error),
         &error);
    return made;
}

static void check_same(const double *wanted, const double *got, int64_t n, const char *form)
{
    for (int64_t i = 0; i < n; i++) {
        bool both_missing = isnan(wanted[i]) && isnan(got[i]);
        if (!both_missing && memcmp(&wanted[i], &got[i], sizeof wanted[i]) != 0) {
            fail_msg("%s, row %lld: %a, not %a", form, (long long)i, got[i], wanted[i]);
        }
    }
}

static void run_singly(mbar_indicator *indicator, const double *values, double *out)
{
    for (int64_t i = 0; i < N_ROWS; i++) {
        mbar_indicator_update(indicator, &values[i], &out[i]);
    }
    mbar_indicator_reset(indicator);
}

static void check_pair(const char *names[2], const double periods[2], double min_periods,
                       uint64_t *seed)
{
    static double values[N_ROWS], wanted[2][N_ROWS], got[2][N_ROWS];
    mbar_indicator *both[2];
    fill(values, seed);
    for (int k = 0; k < 2; k++) {
        both[k] = make(names[k], periods[k], fmin(min_periods, periods[k]));
        run_singly(both[k], values, wanted[k]);
        double *whole = got[k];
        mbar_indicator_run(both[k], (const double *const[]){values}, N_ROWS, &whole);
        check_same(wanted[k], got[k], N_ROWS, "all at once");
        mbar_indicator_reset(both[k]);
    }
    for (int64_t from = 0; from < N_ROWS;) {
        int64_t n = 1 + (int64_t)(next_random(seed) % 700);
        n = n < N_ROWS - from ? n : N_ROWS - from;
        double *out[2] = {got[0] + from, got[1] + from};
        double *const *const outputs[2] = {&out[0], &out[1]};
        mbar_indicator_run_two(both, (const double *const[]){values + from}, n, outputs);
        from += n;
    }
    for (int k = 0; k < 2; k++) {
        check_same(wanted[k], got[k], N_ROWS, "by two");
        mbar_indicator_free(both[k]);
    }
}

static void test_averages(void **state)
{
    static const double periods[] = {1, 2, 3, 7, 8, 20, 60, 255, 256, 257, 1000, 9000};
    const int n = sizeof periods / sizeof periods[0];
    uint64_t seed = 20;
    (void)state;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            const double two[] = {periods[i], periods[j]};
            check_pair((const char *[]){"sma", "sma"}, two, (i + j) % 3 == 0 ? 1 : 0, &seed);
        }
    }
}

static void test_kinds_apart(void **state)
{
    uint64_t seed = 21;
    (void)state;
    check_pair((const char *[]){"sma", "sum"}, (const double[]){5, 9}, 0, &seed);
    check_pair((const char *[]){"wma", "wma"}, (const double[]){5, 9}, 0, &seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_averages),
        cmocka_unit_test(test_kinds_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
