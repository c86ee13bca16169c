/*
 * alloc_kept.h - large blocks of malloc's kept for the next who asks.
 */
#ifndef MILLIBAR_BASE_ALLOC_KEPT_H
#define MILLIBAR_BASE_ALLOC_KEPT_H

#include <stdbool.h>
#include <stddef.h>

/* Keeps a block instead of freeing it. false: it is still the caller's. */
bool mbar_kept_give(void *ptr);
/* A kept block of n_bytes or a little more, an eighth and 2 MiB at most, contents undefined; NULL
 * where none is. */
void *mbar_kept_take(size_t n_bytes);
/* Frees all that is kept; how many bytes that was. */
size_t mbar_kept_release(void);

#endif
