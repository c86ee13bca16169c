/*
 * decimal.c - Python's default decimal context, on limbs of nine digits.
 *
 * An operation computes its exact result in a work area and rounds it once. Sums
 * of numbers far apart need no long area: the smaller one is replaced by a speck
 * of the same sign that lies below every digit that could matter. Division needs
 * operands of 28 digits, for then 128 bits hold a remainder and nine more digits.
 *
 * Digits of doubles are found by a division (the usual prices, of 15 digits or fewer)
 * or in 128 bits (sums of money); for the rest they come from the C library (printf
 * and strtod are exact in glibc, musl and macOS), without a decimal point, so that no
 * locale has a part in it.
 *
 * Cost: some ten nanoseconds for numbers of a few limbs; up to microseconds for
 * doubles of hundreds of digits.
 */
#include "base/decimal.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIGITS = 28,
    LIMB_DIGITS = 9,
    /* A sum of two doubles' 767 digits each, end to end, or their product, and spare. */
    WORK_LIMBS = 2 * MBAR_DECIMAL_LIMBS + 12
};
#define BASE UINT32_C(1000000000)

typedef struct work {
    int32_t exponent;
    int32_t n;
    bool is_negative;
    uint32_t limbs[WORK_LIMBS];
} work;

static const uint32_t POWERS[LIMB_DIGITS + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
};

/* Those that a double holds exactly. */
enum { N_EXACT_POWERS = 23 };
static const double EXACT_POWERS[N_EXACT_POWERS] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* ISO C has no 128-bit integer; both compilers this library is built with have. */
__extension__ typedef unsigned __int128 uint128;

/* ---- Limbs ---------------------------------------------------------------- */

static void trim(work *w)
{
    while (w->n > 0 && w->limbs[w->n - 1] == 0) {
        w->n--;
    }
}

static int32_t count_digits(const uint32_t *limbs, int32_t n)
{
    if (n == 0) {
        return 0;
    }
    int32_t digits = 1;
    while (digits < LIMB_DIGITS && limbs[n - 1] >= POWERS[digits]) {
        digits++;
    }
    return (n - 1) * LIMB_DIGITS + digits;
}

/* w = w * factor + addend; factor and addend at most BASE. */
static void multiply_small(work *w, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (int32_t i = 0; i < w->n; i++) {
        uint64_t t = (uint64_t)w->limbs[i] * factor + carry;
        w->limbs[i] = (uint32_t)(t % BASE);
        carry = t / BASE;
    }
    while (carry > 0) {
        assert(w->n < WORK_LIMBS);
        w->limbs[w->n++] = (uint32_t)(carry % BASE);
        carry /= BASE;
    }
}

static uint32_t divide_small(work *w, uint32_t divisor)
{
    uint64_t rest = 0;
    for (int32_t i = w->n; i-- > 0;) {
        uint64_t t = rest * BASE + w->limbs[i];
        w->limbs[i] = (uint32_t)(t / divisor);
        rest = t % divisor;
    }
    trim(w);
    return (uint32_t)rest;
}

/* The same value with `digits` more digits and a lower exponent. */
static void shift_up(work *w, int32_t digits)
{
    if (w->n == 0 || digits == 0) {
        w->exponent -= digits;
        return;
    }
    int32_t limbs = digits / LIMB_DIGITS;
    assert(w->n + limbs < WORK_LIMBS);
    memmove(w->limbs + limbs, w->limbs, (size_t)w->n * sizeof *w->limbs);
    memset(w->limbs, 0, (size_t)limbs * sizeof *w->limbs);
    w->n += limbs;
    multiply_small(w, POWERS[digits % LIMB_DIGITS], 0);
    w->exponent -= digits;
}

/* Cuts `digits` digits off; true where one of them was not 0. */
static bool shift_down(work *w, int32_t digits)
{
    int32_t limbs = digits / LIMB_DIGITS;
    bool lost = false;
    for (int32_t i = 0; i < limbs; i++) {
        lost = lost || w->limbs[i] != 0;
    }
    memmove(w->limbs, w->limbs + limbs, (size_t)(w->n - limbs) * sizeof *w->limbs);
    w->n -= limbs;
    lost = divide_small(w, POWERS[digits % LIMB_DIGITS]) != 0 || lost;
    w->exponent += digits;
    return lost;
}

/* To 28 digits, half to even, into *out. */
static void round_into(mbar_decimal *out, work *w)
{
    trim(w);
    int32_t excess = count_digits(w->limbs, w->n) - DIGITS;
    if (excess > 0) {
        bool lost = shift_down(w, excess - 1);
        uint32_t last = divide_small(w, 10);
        w->exponent++;
        if (last > 5 || (last == 5 && (lost || w->limbs[0] % 2 == 1))) {
            multiply_small(w, 1, 1);
            if (count_digits(w->limbs, w->n) > DIGITS) {
                divide_small(w, 10);
                w->exponent++;
            }
        }
    }
    out->n_limbs = w->n;
    out->exponent = w->n > 0 ? w->exponent : 0;
    out->is_negative = w->n > 0 && w->is_negative;
    memcpy(out->limbs, w->limbs, (size_t)w->n * sizeof *w->limbs);
}

static void take(work *w, const mbar_decimal *value)
{
    w->exponent = value->exponent;
    w->n = value->n_limbs;
    w->is_negative = value->is_negative;
    memcpy(w->limbs, value->limbs, (size_t)value->n_limbs * sizeof *w->limbs);
}

/* All digits of w, which fit. */
static void give(mbar_decimal *out, const work *w)
{
    assert(w->n <= MBAR_DECIMAL_LIMBS);
    out->n_limbs = w->n;
    out->exponent = w->n > 0 ? w->exponent : 0;
    out->is_negative = w->n > 0 && w->is_negative;
    memcpy(out->limbs, w->limbs, (size_t)w->n * sizeof *w->limbs);
}

static void take_u64(work *w, uint64_t value)
{
    w->n = 0;
    for (; value > 0; value /= BASE) {
        w->limbs[w->n++] = (uint32_t)(value % BASE);
    }
}

/* ---- From and to doubles -------------------------------------------------- */

/* The digits of a whole number below 2^53. */
static void from_whole(mbar_decimal *out, double value)
{
    uint64_t rest = (uint64_t)fabs(value);
    out->exponent = out->n_limbs = 0;
    out->is_negative = value < 0;
    for (; rest > 0; rest /= BASE) {
        out->limbs[out->n_limbs++] = (uint32_t)(rest % BASE);
    }
}

void mbar_decimal_from_double(mbar_decimal *out, double value)
{
    assert(out != NULL && isfinite(value));
    if (fabs(value) < 9007199254740992.0 && value == (double)(int64_t)value) {
        from_whole(out, value);
        return;
    }
    work w;
    int power;
    uint64_t mantissa = (uint64_t)ldexp(frexp(fabs(value), &power), DBL_MANT_DIG);
    power -= DBL_MANT_DIG;
    while (mantissa > 0 && mantissa % 2 == 0) {
        mantissa /= 2;
        power++;
    }
    take_u64(&w, mantissa);
    w.is_negative = value < 0;
    w.exponent = power < 0 ? power : 0;
    for (; power >= 29; power -= 29) {
        multiply_small(&w, UINT32_C(1) << 29, 0);
    }
    for (; power > 0; power--) {
        multiply_small(&w, 2, 0);
    }
    for (; power <= -12; power += 12) {
        multiply_small(&w, 244140625, 0); /* 5^12 */
    }
    for (; power < 0; power++) {
        multiply_small(&w, 5, 0);
    }
    give(out, &w);
}

/* A decimal of at most 15 digits that divides out to value is the only one, as long as
 * value is normal: so it is the shortest. */
static bool short_digits(double magnitude, uint64_t *digits, int32_t *exponent)
{
    for (int32_t i = 0; i < N_EXACT_POWERS; i++) {
        double scaled = magnitude * EXACT_POWERS[i];
        if (!(scaled < 1e15)) {
            return false;
        }
        double whole = nearbyint(scaled);
        if (whole / EXACT_POWERS[i] == magnitude) {
            *digits = (uint64_t)whole;
            *exponent = -i;
            return true;
        }
    }
    return false;
}

/*
 * The 16 or 17 digits of a value from 1 to 10^15 that has no fewer: exactly, in 128 bits.
 * The value is m / 2^s and the distance of the doubles next to it 1 / 2^s each, but
 * for a power of two, which is left to the caller.
 */
static bool long_digits(double magnitude, uint64_t *digits, int32_t *exponent)
{
    int power, whole_digits = 1;
    double fraction = frexp(magnitude, &power);
    if (!(magnitude >= 1 && magnitude < 1e15) || fraction == 0.5) {
        return false;
    }
    uint64_t m = (uint64_t)ldexp(fraction, DBL_MANT_DIG);
    int s = DBL_MANT_DIG - power;
    while (magnitude >= EXACT_POWERS[whole_digits]) {
        whole_digits++;
    }
    for (int n = 16; n <= 17; n++) {
        uint128 unit = (uint64_t)EXACT_POWERS[n - whole_digits], scaled = m * unit;
        uint128 half = (uint128)1 << (s - 1), nearest = scaled >> s;
        uint128 rest = scaled - (nearest << s);
        nearest += rest > half || (rest == half && nearest % 2 == 1);
        uint128 there = nearest << s, away = there > scaled ? there - scaled : scaled - there;
        if (2 * away < unit || (2 * away == unit && m % 2 == 0)) {
            *digits = (uint64_t)nearest;
            *exponent = whole_digits - n;
            return true;
        }
    }
    return false;
}

/* value as n digits (1 to 17) times 10^*exponent, correctly rounded. */
static uint64_t rounded_digits(double magnitude, int n, int32_t *exponent)
{
    char text[64];
    uint64_t digits = 0;
    snprintf(text, sizeof text, "%.*e", n - 1, magnitude);
    const char *p = text;
    for (; *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9') { /* what else there is, is a decimal point */
            digits = digits * 10 + (uint64_t)(*p - '0');
        }
    }
    *exponent = (int32_t)strtol(p + 1, NULL, 10) - (n - 1);
    return digits;
}

static bool reads_back(double magnitude, uint64_t digits, int32_t exponent)
{
    char text[64];
    snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits, (int)exponent);
    return strtod(text, NULL) == magnitude;
}

/* The shortest digits that read back, nearest to the value among those. */
static uint64_t shortest_digits(double magnitude, int32_t *exponent)
{
    int power;
    bool is_power_of_two = frexp(magnitude, &power) == 0.5;
    for (int n = magnitude < DBL_MIN ? 1 : 15; n < 17; n++) {
        uint64_t digits = rounded_digits(magnitude, n, exponent);
        if (reads_back(magnitude, digits, *exponent)) {
            return digits;
        }
        /* Below a power of two doubles lie closer than above: the next digit up may
         * read back where the nearest does not. */
        if (is_power_of_two && reads_back(magnitude, digits + 1, *exponent)) {
            return digits + 1;
        }
    }
    return rounded_digits(magnitude, 17, exponent);
}

void mbar_decimal_from_shortest(mbar_decimal *out, double value)
{
    assert(out != NULL && isfinite(value));
    work w = {.is_negative = value < 0};
    double magnitude = fabs(value);
    uint64_t digits = 0;
    if (magnitude > 0 && !short_digits(magnitude, &digits, &w.exponent) &&
        !long_digits(magnitude, &digits, &w.exponent)) {
        digits = shortest_digits(magnitude, &w.exponent);
    }
    take_u64(&w, digits);
    give(out, &w);
}

static uint128 coefficient(const mbar_decimal *value)
{
    uint128 number = 0;
    assert(count_digits(value->limbs, value->n_limbs) <= DIGITS);
    for (int32_t i = value->n_limbs; i-- > 0;) {
        number = number * BASE + value->limbs[i];
    }
    return number;
}

/* The double nearest to whole / 10^digits, where 128 bits hold what that takes: for results of
 * operations from some millionths to 2^53. */
static bool divided_double(const mbar_decimal *value, double *out)
{
    enum { STEP = 37 }; /* bits: 10^27 takes 90 */
    if (value->n_limbs > 4 || value->exponent >= 0 || value->exponent < -27 ||
        count_digits(value->limbs, value->n_limbs) > DIGITS) {
        return false;
    }
    uint128 divisor = 1, rest = coefficient(value);
    for (int32_t i = value->exponent; i < 0; i++) {
        divisor *= 10;
    }
    uint128 quotient = rest / divisor;
    if (quotient >> DBL_MANT_DIG != 0) {
        return false;
    }
    rest %= divisor;
    for (int i = 0; i < 2; i++) {
        rest <<= STEP;
        quotient = quotient << STEP | rest / divisor;
        rest %= divisor;
    }
    int n_bits = 0;
    for (uint128 q = quotient; q > 0; q >>= 1) {
        n_bits++;
    }
    int cut = n_bits - (DBL_MANT_DIG + 1);
    if (cut <= 0) {
        return false;
    }
    uint64_t kept = (uint64_t)(quotient >> cut); /* one bit more than a double's */
    bool lost = rest != 0 || quotient != (uint128)kept << cut;
    uint64_t mantissa = kept / 2;
    mantissa += kept % 2 == 1 && (lost || mantissa % 2 == 1);
    *out = ldexp((double)mantissa, cut + 1 - 2 * STEP);
    return true;
}

static double parsed_double(const mbar_decimal *value)
{
    char text[MBAR_DECIMAL_LIMBS * LIMB_DIGITS + 16];
    char *p = text;
    for (int32_t i = value->n_limbs; i-- > 0;) {
        uint32_t limb = value->limbs[i];
        for (int32_t d = LIMB_DIGITS; d-- > 0; limb /= 10) {
            p[d] = (char)('0' + limb % 10);
        }
        p += LIMB_DIGITS;
    }
    snprintf(p, 16, "e%d", (int)value->exponent);
    return strtod(text, NULL);
}

double mbar_decimal_to_double(const mbar_decimal *value)
{
    assert(value != NULL);
    double magnitude;
    int32_t exponent = value->exponent;
    uint64_t low = value->n_limbs > 0 ? value->limbs[0] : 0;
    if (value->n_limbs == 2) {
        low += (uint64_t)value->limbs[1] * BASE;
    }
    if (value->n_limbs <= 2 && low <= UINT64_C(1) << DBL_MANT_DIG && exponent > -N_EXACT_POWERS &&
        exponent < N_EXACT_POWERS) {
        magnitude = exponent < 0 ? (double)low / EXACT_POWERS[-exponent]
                                 : (double)low * EXACT_POWERS[exponent];
    } else if (!divided_double(value, &magnitude)) {
        magnitude = parsed_double(value);
    }
    return value->is_negative ? -magnitude : magnitude;
}

/* ---- Operations ----------------------------------------------------------- */

void mbar_decimal_copy(mbar_decimal *out, const mbar_decimal *value)
{
    if (out == value) {
        return;
    }
    out->exponent = value->exponent;
    out->n_limbs = value->n_limbs;
    out->is_negative = value->is_negative;
    memcpy(out->limbs, value->limbs, (size_t)value->n_limbs * sizeof *value->limbs);
}

void mbar_decimal_abs(mbar_decimal *out, const mbar_decimal *value)
{
    work w;
    take(&w, value);
    w.is_negative = false;
    round_into(out, &w);
}

void mbar_decimal_negate(mbar_decimal *out, const mbar_decimal *value)
{
    work w;
    take(&w, value);
    w.is_negative = !w.is_negative;
    round_into(out, &w);
}

/* The exponent of the first digit. */
static int32_t adjusted(const mbar_decimal *value)
{
    return value->exponent + count_digits(value->limbs, value->n_limbs) - 1;
}

static int compare_limbs(const work *a, const work *b)
{
    if (a->n != b->n) {
        return a->n < b->n ? -1 : 1;
    }
    for (int32_t i = a->n; i-- > 0;) {
        if (a->limbs[i] != b->limbs[i]) {
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
        }
    }
    return 0;
}

/* a += b, of one exponent and sign. */
static void add_limbs(work *a, const work *b)
{
    uint32_t carry = 0;
    for (int32_t i = 0; i < b->n || carry > 0; i++) {
        if (i == a->n) {
            assert(a->n < WORK_LIMBS);
            a->limbs[a->n++] = 0;
        }
        uint32_t t = a->limbs[i] + (i < b->n ? b->limbs[i] : 0) + carry;
        carry = t >= BASE;
        a->limbs[i] = carry ? t - BASE : t;
    }
}

/* a -= b, of one exponent, a not less. */
static void subtract_limbs(work *a, const work *b)
{
    uint32_t borrow = 0;
    for (int32_t i = 0; i < b->n || borrow > 0; i++) {
        uint32_t less = (i < b->n ? b->limbs[i] : 0) + borrow;
        borrow = a->limbs[i] < less;
        a->limbs[i] += (borrow ? BASE : 0) - less;
    }
    trim(a);
}

/*
 * b, or a speck in its place. Halfway points of the rounded sum and a itself are
 * multiples of 10^floor; a b below that moves the sum off them, and no further.
 */
static void take_addend(work *w, const mbar_decimal *a, const mbar_decimal *b)
{
    int32_t floor = adjusted(a) - DIGITS - 1;
    if (a->exponent < floor) {
        floor = a->exponent;
    }
    if (adjusted(b) >= floor) {
        take(w, b);
        return;
    }
    w->n = 1;
    w->limbs[0] = 1;
    w->exponent = floor - 1;
    w->is_negative = b->is_negative;
}

void mbar_decimal_add(mbar_decimal *out, const mbar_decimal *a, const mbar_decimal *b)
{
    work large, small;
    if (a->n_limbs == 0 || b->n_limbs == 0) {
        take(&large, a->n_limbs == 0 ? b : a);
        round_into(out, &large);
        return;
    }
    if (adjusted(a) < adjusted(b)) {
        const mbar_decimal *other = a;
        a = b;
        b = other;
    }
    take(&large, a);
    take_addend(&small, a, b);
    if (large.exponent > small.exponent) {
        shift_up(&large, large.exponent - small.exponent);
    } else {
        shift_up(&small, small.exponent - large.exponent);
    }
    work *sum = &large;
    if (large.is_negative == small.is_negative) {
        add_limbs(&large, &small);
    } else if (compare_limbs(&large, &small) >= 0) {
        subtract_limbs(&large, &small);
    } else {
        subtract_limbs(&small, &large);
        sum = &small;
    }
    round_into(out, sum);
}

void mbar_decimal_subtract(mbar_decimal *out, const mbar_decimal *a, const mbar_decimal *b)
{
    mbar_decimal minus;
    mbar_decimal_copy(&minus, b);
    minus.is_negative = !minus.is_negative; /* not rounded */
    mbar_decimal_add(out, a, &minus);
}

void mbar_decimal_multiply(mbar_decimal *out, const mbar_decimal *a, const mbar_decimal *b)
{
    work w = {.exponent = a->exponent + b->exponent,
              .n = a->n_limbs + b->n_limbs,
              .is_negative = a->is_negative != b->is_negative};
    memset(w.limbs, 0, (size_t)w.n * sizeof *w.limbs);
    for (int32_t i = 0; i < a->n_limbs; i++) {
        uint64_t carry = 0;
        for (int32_t j = 0; j < b->n_limbs; j++) {
            uint64_t t = (uint64_t)a->limbs[i] * b->limbs[j] + w.limbs[i + j] + carry;
            w.limbs[i + j] = (uint32_t)(t % BASE);
            carry = t / BASE;
        }
        w.limbs[i + b->n_limbs] = (uint32_t)carry;
    }
    round_into(out, &w);
}

void mbar_decimal_divide(mbar_decimal *out, const mbar_decimal *a, const mbar_decimal *b)
{
    assert(b->n_limbs > 0);
    uint128 divisor = coefficient(b), rest = coefficient(a), whole = rest / divisor;
    work w = {.exponent = a->exponent - b->exponent,
              .n = 0,
              .is_negative = a->is_negative != b->is_negative};
    rest %= divisor;
    for (; whole > 0; whole /= BASE) {
        w.limbs[w.n++] = (uint32_t)(whole % BASE);
    }
    /* Nine digits at a time until there is one to round by. */
    while (rest > 0 && count_digits(w.limbs, w.n) <= DIGITS) {
        rest *= BASE;
        multiply_small(&w, BASE, (uint32_t)(rest / divisor));
        w.exponent -= LIMB_DIGITS;
        rest %= divisor;
    }
    if (rest > 0) {
        multiply_small(&w, 10, 1); /* what is left is more than nothing */
        w.exponent--;
    }
    round_into(out, &w);
}
