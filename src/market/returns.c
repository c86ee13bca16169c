/*
 * returns.c - the relative change of close from bar to bar.
 *
 * One subtraction and one division a row in plain doubles, the operations and
 * the order of lumibot's "return" column, so the bits are its bits.
 */
#include <millibar/market.h>

#include <assert.h>
#include <math.h>

void mbar_returns(const double *close, int64_t n, double *out)
{
    assert(n == 0 || (n > 0 && close != NULL && out != NULL));
    assert(n == 0 || out + n <= close || close + n <= out);
    if (n > 0) {
        out[0] = NAN;
    }
    for (int64_t i = 1; i < n; i++) {
        out[i] = (close[i] - close[i - 1]) / close[i - 1];
    }
}
