/*
 * textset.h - distinct texts, numbered in the order of their first appearance.
 *
 * For building dictionaries. Belongs to one thread.
 */
#ifndef MILLIBAR_TABLE_TEXTSET_H
#define MILLIBAR_TABLE_TEXTSET_H

#include <millibar/table.h>

typedef struct mbar_textset {
    char *bytes; /* the texts end to end */
    size_t n_bytes;
    size_t bytes_capacity;
    int32_t *offsets; /* n + 1 of them once n > 0 */
    uint64_t *hashes; /* of each text */
    size_t capacity;  /* of offsets (less one) and hashes */
    int32_t n;
    int32_t *slots; /* number + 1, or 0 for empty; a power of two of them */
    size_t n_slots;
} mbar_textset;

void mbar_textset_init(mbar_textset *set);
void mbar_textset_deinit(mbar_textset *set);
/* The number of text, which is added if it is new. MBAR_UNSUPPORTED past
 * 2^31 - 2 texts or 2^31 - 1 bytes in all. */
MBAR_MUST_USE mbar_status mbar_textset_add(mbar_textset *set, const char *text, size_t n_bytes,
                                           int32_t *number, mbar_error *error);
/* The texts in order as a UTF8 column without nulls, named so. */
MBAR_MUST_USE mbar_status mbar_textset_column(const mbar_textset *set, const char *name,
                                              mbar_column **out, mbar_error *error);

#endif
