/*
 * cross.c - where one line crosses another.
 */
#include <millibar/indicators.h>

void mbar_cross_above(const double *a, const double *b, int64_t n_rows, bool *out)
{
    for (int64_t i = 0; i < n_rows; i++) {
        out[i] = i > 0 && a[i] > b[i] && a[i - 1] <= b[i - 1];
    }
}

void mbar_cross_below(const double *a, const double *b, int64_t n_rows, bool *out)
{
    for (int64_t i = 0; i < n_rows; i++) {
        out[i] = i > 0 && a[i] < b[i] && a[i - 1] >= b[i - 1];
    }
}
