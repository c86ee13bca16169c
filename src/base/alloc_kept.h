/*
 * alloc_kept.h - blocks of malloc's kept for the next who asks.
 */
#ifndef MILLIBAR_BASE_ALLOC_KEPT_H
#define MILLIBAR_BASE_ALLOC_KEPT_H

#include <stdbool.h>
#include <stddef.h>

#define MBAR_KEPT_LEAST_BYTES ((size_t)128 << 10) /* smaller ones malloc does not give back */
#define MBAR_LARGE_BYTES ((size_t)2 << 20)        /* from here on blocks are of huge pages */

/* Keeps a block instead of freeing it. false: it is still the caller's. */
bool mbar_kept_give(void *ptr);
/* A kept block of n_bytes or a little more, an eighth (and 2 MiB, of a large one) at most, contents
 * undefined; NULL where none is. */
void *mbar_kept_take(size_t n_bytes);
/* Frees all that is kept; how many bytes that was. */
size_t mbar_kept_release(void);

#endif
