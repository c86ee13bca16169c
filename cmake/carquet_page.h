/*
 * carquet_page.h - what carquet_rle.c and carquet_delta.c do for carquet_page.c.
 */
#ifndef MILLIBAR_CARQUET_PAGE_H
#define MILLIBAR_CARQUET_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* n values of value_bytes, 4 or 8, to out: those that the indices of width bits in n_in
 * bytes of runs say, out of n_values. false where an index is outside, or there are not
 * n indices, or width is not 1 to 32; out then holds anything. */
bool mbar_carquet_look_up(const uint8_t *in, size_t n_in, int width, const uint8_t *values,
                          size_t n_values, size_t value_bytes, void *out, size_t n);
/* Whether n_in bytes of runs of one bit each hold n ones, no zero among them. */
bool mbar_carquet_all_ones(const uint8_t *in, size_t n_in, size_t n);
/* The first n values of a page of deltas. false where there are not n, or carquet is to look
 * at them; out then holds anything. */
bool mbar_carquet_deltas(const uint8_t *in, size_t n_in, int64_t *out, size_t n);

#endif
