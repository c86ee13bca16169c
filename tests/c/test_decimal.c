/* test_decimal.c - decimals against Python's, by digits and by bits. */
#include "sim_vectors.h"

#include "base/decimal.h"

#include <float.h>

/* The digits as Python would write them without trailing zeros: "-123E4". */
static void write_digits(const mbar_decimal *value, char *out, size_t size)
{
    char digits[MBAR_DECIMAL_LIMBS * 9 + 1];
    int n = 0, exponent = value->exponent;
    for (int32_t i = value->n_limbs; i-- > 0;) {
        const char *format = i == value->n_limbs - 1 ? "%u" : "%09u";
        n += snprintf(digits + n, sizeof digits - (size_t)n, format, value->limbs[i]);
    }
    for (; n > 1 && digits[n - 1] == '0'; n--) {
        exponent++;
    }
    if (n == 0) {
        digits[n++] = '0';
        exponent = 0;
    }
    snprintf(out, size, "%s%.*sE%d", value->is_negative ? "-" : "", n, digits, exponent);
}

static void compute(char op, const mbar_decimal *a, const mbar_decimal *b, mbar_decimal *out)
{
    switch (op) {
    case '+':
        mbar_decimal_add(out, a, b);
        break;
    case '-':
        mbar_decimal_subtract(out, a, b);
        break;
    case '*':
        mbar_decimal_multiply(out, a, b);
        break;
    case '/':
        mbar_decimal_divide(out, a, b);
        break;
    case 'n':
        mbar_decimal_negate(out, a);
        break;
    default:
        mbar_decimal_copy(out, a);
    }
}

static void test_python(void **state)
{
    (void)state;
    static struct sim_lines lines;
    static char digits[1024];
    lines_open(&lines, "sim_decimal.txt");
    long n = 0;
    for (; lines_next(&lines); n++) {
        mbar_decimal a, b, result;
        char op = lines.fields[0][0];
        bool is_exact = read_word(&lines)[0] == 'x';
        double x = read_double(&lines), y = read_double(&lines);
        const char *wanted = read_word(&lines);
        (is_exact ? mbar_decimal_from_double : mbar_decimal_from_shortest)(&a, x);
        (is_exact ? mbar_decimal_from_double : mbar_decimal_from_shortest)(&b, y);
        compute(op, &a, &b, &result);
        write_digits(&result, digits, sizeof digits);
        if (strcmp(digits, wanted) != 0) {
            fail_msg("line %ld: %s, not %s", lines.number, digits, wanted);
        }
        check_bits(&lines, "the double", mbar_decimal_to_double(&result), read_double(&lines));
        /* Results may be an operand. */
        mbar_decimal in_a, in_b;
        mbar_decimal_copy(&in_a, &a);
        mbar_decimal_copy(&in_b, &b);
        compute(op, &in_a, &b, &in_a);
        compute(op, &a, &in_b, &in_b);
        assert_same(mbar_decimal_to_double(&in_a), mbar_decimal_to_double(&result));
        assert_same(mbar_decimal_to_double(&in_b), mbar_decimal_to_double(&result));
    }
    assert_true(n >= 1000);
}

static void check_shortest(double value, const char *wanted)
{
    mbar_decimal decimal;
    char digits[64];
    mbar_decimal_from_shortest(&decimal, value);
    write_digits(&decimal, digits, sizeof digits);
    assert_string_equal(digits, wanted);
    assert_same(mbar_decimal_to_double(&decimal), value);
}

static void test_shortest(void **state)
{
    (void)state;
    check_shortest(0, "0E0");
    check_shortest(0.1, "1E-1");
    check_shortest(-100, "-1E2");
    check_shortest(0.1 + 0.2, "30000000000000004E-17");
    check_shortest(DBL_MAX, "17976931348623157E292");
    check_shortest(DBL_MIN, "22250738585072014E-324");
    check_shortest(DBL_TRUE_MIN, "5E-324");
    check_shortest(ldexp(1, -44), "5684341886080802E-29"); /* not the nearest of 16 digits */
    check_shortest(9007199254740993.0, "9007199254740992E0");
    check_shortest(99999.99 - 0.62, "9999937000000001E-11"); /* sums of money: 16 and 17 digits */
    check_shortest(100000 / 3.0, "33333333333333336E-12");
    check_shortest(nextafter(1000, 0), "9999999999999999E-13");
    check_shortest(nextafter(1e15, 0), "9999999999999999E-1");
    check_shortest(1e22, "1E22");
    check_shortest(1e23, "1E23");
}

/* Every digit of the longest doubles, there and back. */
static void test_exact(void **state)
{
    (void)state;
    const double values[] = {DBL_TRUE_MIN, DBL_MIN, DBL_MIN * (2 - DBL_EPSILON), DBL_MAX, 0.1,
                             -1.0 / 3,     1e-300,  4503599627370497.5};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        mbar_decimal exact, sum;
        mbar_decimal_from_double(&exact, values[i]);
        assert_same(mbar_decimal_to_double(&exact), values[i]);
        mbar_decimal_subtract(&sum, &exact, &exact);
        assert_int_equal(mbar_decimal_sign(&sum), 0);
        assert_int_equal(mbar_decimal_sign(&exact), values[i] > 0 ? 1 : -1);
    }
}

static void check_sum(double a, double b, const char *wanted)
{
    mbar_decimal x, y, sum;
    char digits[64];
    mbar_decimal_from_double(&x, a);
    mbar_decimal_from_double(&y, b);
    mbar_decimal_add(&sum, &x, &y);
    write_digits(&sum, digits, sizeof digits);
    assert_string_equal(digits, wanted);
}

/* A number of 29 digits, the last of them 5, and another so small that it only decides
 * the tie. */
static void test_far_apart(void **state)
{
    (void)state;
    double tie = ldexp(53687093, -29); /* 0.10000000335276126861572265625 */
    check_sum(tie, 0, "1000000033527612686157226562E-28");
    check_sum(tie, DBL_TRUE_MIN, "1000000033527612686157226563E-28");
    check_sum(DBL_TRUE_MIN, tie, "1000000033527612686157226563E-28");
    check_sum(tie, -DBL_TRUE_MIN, "1000000033527612686157226562E-28");
    check_sum(-tie, DBL_TRUE_MIN, "-1000000033527612686157226562E-28");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(test_python),
        leak_checked(test_shortest),
        leak_checked(test_exact),
        leak_checked(test_far_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
