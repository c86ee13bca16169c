/* Expressions: text, three-valued logic, exact comparison, and that pruning
 * never leaves out a row the expression is true of. */
#include "io_support.h"

#include "io/expr_internal.h"

#include <math.h>

/* ---- Building in a line: arguments are taken over ------------------------------ */

static mbar_expr *col(const char *name)
{
    mbar_error error;
    mbar_expr *e = NULL;
    must(mbar_expr_column(name, &e, &error), &error);
    return e;
}

static mbar_expr *num(int64_t value)
{
    mbar_error error;
    mbar_expr *e = NULL;
    must(mbar_expr_int(value, &e, &error), &error);
    return e;
}

static mbar_expr *real(double value)
{
    mbar_error error;
    mbar_expr *e = NULL;
    must(mbar_expr_float(value, &e, &error), &error);
    return e;
}

static mbar_expr *text(const char *value)
{
    mbar_error error;
    mbar_expr *e = NULL;
    must(mbar_expr_text(value, &e, &error), &error);
    return e;
}

static mbar_expr *instant(int64_t ns)
{
    mbar_error error;
    mbar_expr *e = NULL;
    must(mbar_expr_time(ns, &e, &error), &error);
    return e;
}

static mbar_expr *truth(bool value)
{
    mbar_error error;
    mbar_expr *e = NULL;
    must(mbar_expr_bool(value, &e, &error), &error);
    return e;
}

static mbar_expr *node(mbar_op op, mbar_expr *a, mbar_expr *b)
{
    mbar_error error;
    mbar_expr *e = NULL;
    must(mbar_expr_node(op, a, b, &e, &error), &error);
    mbar_expr_unref(a);
    mbar_expr_unref(b);
    return e;
}

/* Evaluates; wanted holds a letter a row: t, f, or - for null. */
static void expect(const mbar_table *table, mbar_expr *e, const char *wanted)
{
    mbar_error error;
    mbar_column *column = NULL;
    must(mbar_expr_eval(e, table, &column, &error), &error);
    assert_int_equal(mbar_column_field(column)->type, MBAR_TYPE_BOOL);
    assert_int_equal(mbar_column_rows(column), strlen(wanted));
    char got[64] = "";
    for (int64_t i = 0; i < mbar_column_rows(column); i++) {
        got[i] = !mbar_column_is_valid(column, i) ? '-' : mbar_column_bool(column, i) ? 't' : 'f';
    }
    if (strcmp(got, wanted) != 0) {
        char shown[200];
        mbar_expr_format(e, shown, sizeof shown);
        fail_msg("%s gives %s, not %s", shown, got, wanted);
    }
    mbar_column_unref(column);
    mbar_expr_unref(e);
}

static void refuse(const mbar_table *table, mbar_expr *e, mbar_status status, const char *part)
{
    mbar_error error;
    mbar_column *column = NULL;
    assert_int_equal(mbar_expr_eval(e, table, &column, &error), status);
    assert_non_null(strstr(error.message, part));
    mbar_expr_unref(e);
}

/* Five rows of each type. */
static mbar_table *sample(void)
{
    static const int64_t i[] = {1, 2, 3, INT64_MAX, INT64_MIN};
    static const uint64_t u[] = {0, 1, 3, UINT64_MAX, 1u << 31};
    static const double d[] = {0.5, -0.0, NAN, INFINITY, 9223372036854775808.0};
    static const float f[] = {0.1f, 1, 2, 3, 4};
    static const int32_t n[] = {5, 4, 3, 2, 1};
    static const uint8_t valid[] = {1, 0, 1, 0, 1}, flag[] = {1, 1, 0, 0, 1};
    static const int64_t s[] = {0, 1, 2, 3, 4}, ns[] = {0, 1000000000, 2000000001, -1, 5};
    static const char *const words[] = {"MES", "ES", "NQ"};
    static const char *const names[] = {"b", "a", NULL, "", "b"};
    static const int32_t codes[] = {0, 1, 2, -1, 0};
    mbar_column *c[] = {
        values_column("i", MBAR_TYPE_INT64, 0, NULL, 5, i),
        any_column("in", MBAR_TYPE_INT64, 0, NULL, 5, i, valid),
        values_column("u", MBAR_TYPE_UINT64, 0, NULL, 5, u),
        values_column("d", MBAR_TYPE_FLOAT64, 0, NULL, 5, d),
        values_column("f", MBAR_TYPE_FLOAT32, 0, NULL, 5, f),
        values_column("n", MBAR_TYPE_INT32, 0, NULL, 5, n),
        any_column("flag", MBAR_TYPE_BOOL, 0, NULL, 5, flag, NULL),
        any_column("maybe", MBAR_TYPE_BOOL, 0, NULL, 5, flag, valid),
        values_column("s", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_S, "UTC", 5, s),
        values_column("ns", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", 5, ns),
        text_column("name", 5, names),
        dict_column("sym", 5, codes, words, 3),
    };
    return table_of(c, sizeof c / sizeof *c);
}

static void test_format(void **state)
{
    (void)state;
    char out[200];
    mbar_expr *e = node(MBAR_OP_AND, node(MBAR_OP_GT, col("volume"), num(0)),
                        node(MBAR_OP_NOT, node(MBAR_OP_EQ, col("sym"), text("A\"B")), NULL));
    size_t length = mbar_expr_format(e, out, sizeof out);
    assert_string_equal(out, "((volume > 0) and (not (sym == \"A\\\"B\")))");
    assert_int_equal(length, strlen(out));
    assert_int_equal(mbar_expr_format(e, out, 8), length);
    assert_string_equal(out, "((volum");
    mbar_expr_unref(e);
    e = node(MBAR_OP_LE, node(MBAR_OP_NEG, col("x"), NULL), real(2));
    mbar_expr_format(e, out, sizeof out);
    assert_string_equal(out, "((-x) <= 2.0)");
    mbar_expr_unref(e);
    e = node(MBAR_OP_IS_NULL, node(MBAR_OP_DIV, real(0.1), instant(0)), NULL);
    mbar_expr_format(e, out, sizeof out);
    assert_string_equal(out, "((0.1 / 1970-01-01T00:00:00Z) is null)");
    mbar_expr_unref(e);
}

static void test_comparisons(void **state)
{
    (void)state;
    mbar_table *t = sample();
    expect(t, node(MBAR_OP_GT, col("i"), num(2)), "ffttf");
    expect(t, node(MBAR_OP_NE, col("n"), num(3)), "ttftt");
    expect(t, node(MBAR_OP_EQ, col("in"), num(1)), "t-f-f");
    /* NaN: every comparison false but "not equal" */
    expect(t, node(MBAR_OP_LT, col("d"), real(1)), "ttfff");
    expect(t, node(MBAR_OP_GE, col("d"), real(1)), "ffftt");
    expect(t, node(MBAR_OP_NE, col("d"), real(0.0)), "tfttt");
    expect(t, node(MBAR_OP_EQ, col("d"), real(NAN)), "fffff");
    /* integers and doubles: 2^63 is not INT64_MAX */
    expect(t, node(MBAR_OP_EQ, col("i"), real(9223372036854775808.0)), "fffff");
    expect(t, node(MBAR_OP_LT, col("i"), real(9223372036854775808.0)), "ttttt");
    expect(t, node(MBAR_OP_GT, col("i"), real(1.5)), "ftttf");
    expect(t, node(MBAR_OP_EQ, col("i"), real(-9223372036854775808.0)), "fffft");
    expect(t, node(MBAR_OP_LT, num(INT64_MAX), col("d")), "ffftt");
    /* unsigned */
    expect(t, node(MBAR_OP_GT, col("u"), num(-1)), "ttttt");
    expect(t, node(MBAR_OP_GT, col("u"), col("i")), "ffftt");
    expect(t, node(MBAR_OP_EQ, col("u"), real(18446744073709551616.0)), "fffff");
    expect(t, node(MBAR_OP_EQ, col("f"), real(0.1)), "fffff");
    expect(t, node(MBAR_OP_EQ, col("f"), real((double)0.1f)), "tffff");
    /* bools, text, dictionary */
    expect(t, node(MBAR_OP_EQ, col("flag"), truth(false)), "ffttf");
    expect(t, node(MBAR_OP_EQ, col("name"), text("b")), "tf-ft");
    expect(t, node(MBAR_OP_LT, col("name"), text("b")), "ft-tf");
    expect(t, node(MBAR_OP_EQ, col("sym"), text("MES")), "tff-t");
    expect(t, node(MBAR_OP_GE, text("MES"), col("sym")), "ttf-t");
    expect(t, node(MBAR_OP_LT, col("sym"), col("name")), "tt--t");
    mbar_table_unref(t);
}

static void test_times(void **state)
{
    (void)state;
    mbar_table *t = sample();
    expect(t, node(MBAR_OP_GE, col("s"), instant(1000000001)), "ffttt");
    expect(t, node(MBAR_OP_EQ, col("s"), instant(1000000000)), "ftfff");
    expect(t, node(MBAR_OP_EQ, col("s"), col("ns")), "ttfff");
    expect(t, node(MBAR_OP_LT, col("s"), col("ns")), "fftff");
    expect(t, node(MBAR_OP_LT, col("s"), instant(INT64_MAX)), "ttttt");
    refuse(t, node(MBAR_OP_LT, col("s"), text("2024-01-01")), MBAR_INVALID, "as a time");
    mbar_table_unref(t);
}

static void test_logic(void **state)
{
    (void)state;
    mbar_table *t = sample();
    /* maybe: t - f - t */
    expect(t, node(MBAR_OP_AND, col("maybe"), truth(false)), "fffff");
    expect(t, node(MBAR_OP_AND, col("maybe"), truth(true)), "t-f-t");
    expect(t, node(MBAR_OP_OR, col("maybe"), truth(true)), "ttttt");
    expect(t, node(MBAR_OP_OR, truth(false), col("maybe")), "t-f-t");
    expect(t, node(MBAR_OP_NOT, col("maybe"), NULL), "f-t-f");
    expect(t, node(MBAR_OP_IS_NULL, col("maybe"), NULL), "ftftf");
    expect(t, node(MBAR_OP_IS_NAN, col("d"), NULL), "fftff");
    expect(t, node(MBAR_OP_IS_NAN, col("in"), NULL), "f-f-f");
    mbar_table_unref(t);
}

static void test_arithmetic(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *t = sample();
    expect(t, node(MBAR_OP_EQ, node(MBAR_OP_ADD, col("n"), num(1)), num(4)), "fftff");
    expect(t, node(MBAR_OP_EQ, node(MBAR_OP_DIV, col("n"), num(2)), real(2.5)), "tffff");
    expect(t, node(MBAR_OP_GT, node(MBAR_OP_MUL, col("f"), col("n")), real(3.5)), "ftttt");
    expect(t, node(MBAR_OP_GT, node(MBAR_OP_NEG, col("n"), NULL), num(-3)), "ffftt");
    refuse(t, node(MBAR_OP_ADD, col("i"), num(1)), MBAR_INVALID, "64-bit");
    refuse(t, node(MBAR_OP_NEG, col("i"), NULL), MBAR_INVALID, "64-bit");
    refuse(t, node(MBAR_OP_SUB, col("in"), num(1)), MBAR_INVALID, "64-bit");
    refuse(t, node(MBAR_OP_ADD, col("u"), num(0)), MBAR_INVALID, "64-bit");
    mbar_expr *sum = node(MBAR_OP_ADD, col("n"), real(0.5));
    mbar_column *column = NULL;
    must(mbar_expr_eval(sum, t, &column, &error), &error);
    assert_int_equal(mbar_column_field(column)->type, MBAR_TYPE_FLOAT64);
    assert_string_equal(mbar_column_field(column)->name, "(n + 0.5)");
    assert_true(((const double *)mbar_column_values(column))[0] == 5.5);
    mbar_column_unref(column);
    mbar_expr_unref(sum);
    mbar_table_unref(t);
}

static void test_refusals(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *t = sample();
    refuse(t, node(MBAR_OP_GT, col("nope"), num(1)), MBAR_NOTFOUND, "'nope'");
    refuse(t, node(MBAR_OP_AND, col("i"), truth(true)), MBAR_INVALID, "true or false");
    refuse(t, node(MBAR_OP_ADD, col("s"), num(1)), MBAR_INVALID, "numbers");
    refuse(t, node(MBAR_OP_EQ, col("name"), num(1)), MBAR_INVALID, "text and integer");
    uint8_t keep[5];
    mbar_expr *number = num(1);
    assert_int_equal(mbar_expr_keep(number, t, keep, &error), MBAR_INVALID);
    mbar_expr_unref(number);
    mbar_expr *deep = truth(true);
    mbar_status status = MBAR_OK;
    for (int i = 0; i < 1000 && status == MBAR_OK; i++) {
        mbar_expr *next = NULL;
        status = mbar_expr_node(MBAR_OP_NOT, deep, NULL, &next, &error);
        if (status == MBAR_OK) {
            mbar_expr_unref(deep);
            deep = next;
        }
    }
    assert_int_equal(status, MBAR_INVALID);
    mbar_expr_unref(deep);
    mbar_table_unref(t);
}

/* More than a block of rows, and none. */
static void test_many_rows(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *bars = minute_bars(5000, 0), *none = NULL;
    mbar_expr *e = node(MBAR_OP_GT, col("volume"), num(500));
    uint8_t *keep = malloc(5000);
    must(mbar_expr_keep(e, bars, keep, &error), &error);
    const int64_t *volume = mbar_column_values(mbar_table_column(bars, 5));
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(keep[i], volume[i] > 500);
    }
    must(mbar_table_slice(bars, 0, 0, &none, &error), &error);
    must(mbar_expr_keep(e, none, keep, &error), &error);
    free(keep);
    mbar_expr_unref(e);
    mbar_table_unref(none);
    mbar_table_unref(bars);
}

/* ---- Pruning ------------------------------------------------------------------------ */

static uint64_t seed = 1;

static uint32_t any(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

/* A random predicate over i (int), d (double), t (time). */
static mbar_expr *random_predicate(int depth)
{
    static const mbar_op ops[] = {MBAR_OP_EQ, MBAR_OP_NE, MBAR_OP_LT,
                                  MBAR_OP_LE, MBAR_OP_GT, MBAR_OP_GE};
    static const double reals[] = {-2, -0.0, 0.0, 0.5, 3, 1e300};
    if (depth > 0 && any(3) > 0) {
        if (any(4) == 0) {
            return node(MBAR_OP_NOT, random_predicate(depth - 1), NULL);
        }
        mbar_expr *a = random_predicate(depth - 1);
        return node(any(2) ? MBAR_OP_AND : MBAR_OP_OR, a, random_predicate(depth - 1));
    }
    mbar_op op = ops[any(6)];
    switch (any(6)) {
    case 0:
        return node(MBAR_OP_IS_NULL, col(any(2) ? "i" : "d"), NULL);
    case 1:
        return node(MBAR_OP_IS_NAN, col(any(2) ? "i" : "d"), NULL);
    case 2:
        return node(op, col("t"), instant((int64_t)any(6) * 500));
    case 3:
        return node(op, any(2) ? real(any(8) == 0 ? NAN : reals[any(6)]) : num((int64_t)any(5) - 2),
                    col("d"));
    default:
        return node(op, col("i"), any(2) ? num((int64_t)any(5) - 2) : real((double)any(9) / 2 - 2));
    }
}

typedef struct facts {
    mbar_bounds i, d, t;
} facts;

static bool look_up(void *ctx, const char *name, mbar_bounds *out)
{
    facts *f = ctx;
    *out = name[0] == 'i' ? f->i : name[0] == 'd' ? f->d : f->t;
    return true;
}

/* Random small tables, random predicates: where pruning says no row can pass,
 * none does, and the integer range holds every row that passes. */
static void test_pruning_is_safe(void **state)
{
    (void)state;
    static const double doubles[] = {-2, -0.0, 0.0, 0.5, 3, NAN};
    int64_t pruned = 0, narrowed = 0;
    for (int round = 0; round < 20000; round++) {
        mbar_error error;
        int64_t i[3], t[3];
        double d[3];
        uint8_t valid[3], keep[3];
        facts f = {0};
        f.i = (mbar_bounds){.known = true, .is_number = true, .min_int = 9, .max_int = -9};
        f.d = (mbar_bounds){.is_float = true, .min_float = INFINITY, .max_float = -INFINITY};
        f.t = (mbar_bounds){.known = true,
                            .is_time = true,
                            .may_be_valid = true,
                            .min_int = 1000000,
                            .max_int = -1};
        for (int k = 0; k < 3; k++) {
            i[k] = (int64_t)any(5) - 2;
            d[k] = doubles[any(6)];
            t[k] = any(3);
            valid[k] = any(4) != 0;
            if (valid[k]) {
                f.i.min_int = i[k] < f.i.min_int ? i[k] : f.i.min_int;
                f.i.max_int = i[k] > f.i.max_int ? i[k] : f.i.max_int;
                if (!isnan(d[k])) {
                    f.d.known = true;
                    f.d.min_float = d[k] < f.d.min_float ? d[k] : f.d.min_float;
                    f.d.max_float = d[k] > f.d.max_float ? d[k] : f.d.max_float;
                }
            }
            f.i.may_be_null |= !valid[k];
            f.i.may_be_valid |= valid[k];
            f.t.min_int = t[k] * 1000 < f.t.min_int ? t[k] * 1000 : f.t.min_int;
            f.t.max_int = t[k] * 1000 > f.t.max_int ? t[k] * 1000 : f.t.max_int;
        }
        f.i.known = f.i.may_be_valid;
        f.d.may_be_null = f.i.may_be_null;
        f.d.may_be_valid = f.i.may_be_valid;
        mbar_column *c[] = {any_column("i", MBAR_TYPE_INT64, 0, NULL, 3, i, valid),
                            any_column("d", MBAR_TYPE_FLOAT64, 0, NULL, 3, d, valid),
                            values_column("t", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_US, "UTC", 3, t)};
        mbar_table *table = table_of(c, 3);
        mbar_expr *e = random_predicate(3);
        must(mbar_expr_keep(e, table, keep, &error), &error);
        bool may = mbar_expr_may_be_true(e, look_up, &f);
        int64_t lo = INT64_MIN, hi = INT64_MAX, t_lo = INT64_MIN, t_hi = INT64_MAX;
        mbar_expr_int_range(e, "i", false, &lo, &hi);
        mbar_expr_int_range(e, "t", true, &t_lo, &t_hi);
        for (int k = 0; k < 3; k++) {
            if (keep[k] &&
                (!may || i[k] < lo || i[k] > hi || t[k] * 1000 < t_lo || t[k] * 1000 > t_hi)) {
                char shown[400];
                mbar_expr_format(e, shown, sizeof shown);
                fail_msg("%s is true of row %d and was pruned", shown, k);
            }
        }
        pruned += !may;
        narrowed += lo != INT64_MIN || hi != INT64_MAX;
        mbar_expr_unref(e);
        mbar_table_unref(table);
    }
    assert_true(pruned > 1000 && narrowed > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),     cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_times),      cmocka_unit_test(test_logic),
        cmocka_unit_test(test_arithmetic), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_many_rows),  cmocka_unit_test(test_pruning_is_safe),
    };
    return cmocka_run_group_tests_name("expr", tests, NULL, NULL);
}
