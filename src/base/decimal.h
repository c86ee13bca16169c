/*
 * decimal.h - decimal arithmetic as Python's decimal module does it by default.
 *
 * 28 significant digits, half to even. A number made from a double is exact, however
 * many digits that takes; the result of every operation is rounded. Plain data in a
 * fixed size, nothing allocated; pure functions, results may be an operand. There is
 * no infinity, NaN or negative zero, and no limit of exponents is reached from
 * doubles.
 */
#ifndef MILLIBAR_BASE_DECIMAL_H
#define MILLIBAR_BASE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

/* Limbs of nine digits; 86 hold the longest double, of 767 digits. */
enum { MBAR_DECIMAL_LIMBS = 86 };

/* The limbs' number, least significant first, times 10^exponent; no limbs: zero. The
 * last limb is not 0. Limbs from n_limbs on are unspecified. */
typedef struct mbar_decimal {
    int32_t exponent;
    int32_t n_limbs;
    bool is_negative;
    uint32_t limbs[MBAR_DECIMAL_LIMBS];
} mbar_decimal;

/* Decimal(value): all its digits. Finite values only, asserted. */
void mbar_decimal_from_double(mbar_decimal *out, double value);
/* Decimal(str(value)): the shortest digits that read back as it. Finite only, asserted. */
void mbar_decimal_from_shortest(mbar_decimal *out, double value);
/* The nearest double, half to even. Infinite only beyond the largest. */
double mbar_decimal_to_double(const mbar_decimal *value);

/* Copies no more than the limbs there are. */
void mbar_decimal_copy(mbar_decimal *out, const mbar_decimal *value);
/* -1, 0 or 1. */
static inline int mbar_decimal_sign(const mbar_decimal *value)
{
    return value->n_limbs == 0 ? 0 : value->is_negative ? -1 : 1;
}

/* abs(value) and -value, which round like any operation. */
void mbar_decimal_abs(mbar_decimal *out, const mbar_decimal *value);
void mbar_decimal_negate(mbar_decimal *out, const mbar_decimal *value);
void mbar_decimal_add(mbar_decimal *out, const mbar_decimal *a, const mbar_decimal *b);
void mbar_decimal_subtract(mbar_decimal *out, const mbar_decimal *a, const mbar_decimal *b);
void mbar_decimal_multiply(mbar_decimal *out, const mbar_decimal *a, const mbar_decimal *b);
/* Both of at most 28 digits, b not 0: asserted. What an operation gave is so, and what
 * _from_shortest gave. */
void mbar_decimal_divide(mbar_decimal *out, const mbar_decimal *a, const mbar_decimal *b);

#endif
