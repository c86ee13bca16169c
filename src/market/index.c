/*
 * index.c - binary search over rising times.
 *
 * One loop without a branch on the data, so that its cost is the same few
 * nanoseconds a halving whatever is asked. No allocation, no lock; times may
 * repeat (equal times count as one place) but must not fall.
 */
#include <millibar/market.h>

#include <assert.h>

int64_t mbar_lower_bound(const int64_t *times, int64_t n, int64_t t)
{
    assert(n == 0 || (times != NULL && n > 0));
    int64_t low = 0;
    /* The answer is in [low, low + n]. */
    while (n > 0) {
        int64_t half = n / 2;
        bool below = times[low + half] < t;
        low = below ? low + half + 1 : low;
        n = below ? n - half - 1 : half;
    }
    return low;
}

int64_t mbar_upper_bound(const int64_t *times, int64_t n, int64_t t)
{
    return t == INT64_MAX ? n : mbar_lower_bound(times, n, t + 1);
}

int64_t mbar_asof(const int64_t *times, int64_t n, int64_t t)
{
    return mbar_upper_bound(times, n, t) - 1;
}
