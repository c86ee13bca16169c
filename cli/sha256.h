/*
 * sha256.h - FIPS 180-4 SHA-256, to tell which data and which results a run had.
 */
#ifndef MBAR_CLI_SHA256_H
#define MBAR_CLI_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { CLI_SHA256_TEXT = 65 }; /* hexadecimal digits and a NUL */

typedef struct cli_sha256 {
    uint32_t state[8];
    uint64_t n_bytes;
    uint8_t block[64];
} cli_sha256;

void cli_sha256_init(cli_sha256 *hash);
void cli_sha256_add(cli_sha256 *hash, const void *data, size_t n_bytes);
/* Ends it. */
void cli_sha256_text(cli_sha256 *hash, char out[CLI_SHA256_TEXT]);

#endif
