/*
 * utf8.h - whether bytes are UTF-8.
 */
#ifndef MILLIBAR_IO_UTF8_H
#define MILLIBAR_IO_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Shortest form only, no surrogates, nothing above U+10FFFF (RFC 3629). */
bool mbar_utf8_valid(const char *bytes, size_t n_bytes);

#endif
