/*
 * buffer.h - a buffer for those who overwrite it whole.
 */
#ifndef MILLIBAR_TABLE_BUFFER_H
#define MILLIBAR_TABLE_BUFFER_H

#include <millibar/table.h>

/* As mbar_buffer_new, but only the padding is zeroed: every one of n_bytes must
 * be written before the buffer is read. */
MBAR_MUST_USE mbar_status mbar_buffer_new_uninit(size_t n_bytes, mbar_buffer **out,
                                                 mbar_error *error);

#endif
