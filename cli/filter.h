/* filter.h - a predicate written as text, made into the library's expression. */
#ifndef MBAR_CLI_FILTER_H
#define MBAR_CLI_FILTER_H

#include "cli.h"

/*
 * Reads for example "volume > 0 and (close >= 5000 or not is_nan(open))":
 * columns (or "quoted ones"), numbers, 'text', true, false; + - * /;
 * < <= > >= = == != <>; and, or, not; is_null(x), is_nan(x). MBAR_INVALID tells
 * the column of the first wrong character. Nesting is limited to 100 levels.
 */
mbar_status cli_filter_parse(const char *text, mbar_expr **out, mbar_error *error);

/* The same for a verb's --filter: says what is wrong and gives the exit code.
 * text NULL gives NULL. */
int cli_open_filter(const char *verb, const char *text, mbar_expr **out);

#endif
