/*
 * alloc.h - the library's memory, all of it.
 *
 * Every block goes through the allocator of mbar_set_allocator, carries its
 * size in a header of its own, and counts towards the live and peak bytes and
 * the memory limit, header included. Thread-safe. error may be NULL.
 */
#ifndef MILLIBAR_BASE_ALLOC_H
#define MILLIBAR_BASE_ALLOC_H

#include <millibar/base.h>

/* n_bytes of zeroed memory aligned as malloc's, or NULL with MBAR_NOMEM set.
 * n_bytes may be 0: the block is then real, and empty. */
void *mbar_alloc(size_t n_bytes, mbar_error *error);
/* The same, not zeroed: for what is overwritten whole. */
void *mbar_alloc_uninit(size_t n_bytes, mbar_error *error);
/* n elements of size bytes, zeroed; a product that overflows is MBAR_NOMEM. */
void *mbar_alloc_array(size_t n, size_t size, mbar_error *error);
/* Grows or shrinks the array at *ptr, which may be NULL, from old_n to new_n
 * elements; new ones are zeroed. new_n 0 frees it and leaves NULL. On false
 * the array is as it was. */
bool mbar_resize_array(void **ptr, size_t old_n, size_t new_n, size_t size, mbar_error *error);
/* NULL does nothing. Anything but a block of this module asserts. */
void mbar_free(void *ptr);
/* A copy of text, which is not NULL. */
char *mbar_strdup(const char *text, mbar_error *error);

#endif
