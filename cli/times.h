/*
 * times.h - the stamps of a file as they are: unsorted, doubled, missing.
 *
 * A series refuses such stamps; info and check must look at them. This holds
 * them in time order together with the rows they came from.
 */
#ifndef MBAR_CLI_TIMES_H
#define MBAR_CLI_TIMES_H

#include "cli.h"

typedef struct cli_times {
    int64_t n;              /* stamps that are there */
    const int64_t *ns;      /* in time order; equal ones in file order */
    const int64_t *rows;    /* the row of each in the file */
    int64_t n_nulls;        /* rows without a stamp */
    int64_t n_unsorted;     /* stamps earlier than the one before them in the file */
    int64_t first_unsorted; /* the row of the first of those, or -1 */
    int64_t n_duplicates;   /* stamps equal to the one before them in time order */
    int64_t period_ns;      /* most common spacing of distinct stamps; 0 unknown */
    mbar_buffer *ns_buffer, *rows_buffer;
} cli_times;

/* later - earlier, or INT64_MAX where that does not fit. */
int64_t cli_spacing(int64_t earlier, int64_t later);

/* Of a TIMESTAMP column of any unit; one without a zone is read as UTC. */
mbar_status cli_times_init(cli_times *times, mbar_column *column, mbar_error *error);
/* NULL members are fine: a zeroed cli_times may be passed. */
void cli_times_deinit(cli_times *times);

#endif
