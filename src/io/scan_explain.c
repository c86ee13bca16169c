/*
 * scan_explain.c - a plan, and what it read, as text: one step a line.
 */
#include "io/scan_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bounded printing that counts what did not fit, like snprintf. */
typedef struct printer {
    char *out;
    size_t room, n;
} printer;

static void say(printer *p, const char *format, ...) MBAR_PRINTF(2, 3);

static void say(printer *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool fits = p->n < p->room;
    int n = vsnprintf(fits ? p->out + p->n : NULL, fits ? p->room - p->n : 0, format, args);
    va_end(args);
    p->n += n > 0 ? (size_t)n : 0;
}

static void say_sources(printer *p, const mbar_scan *scan)
{
    const mbar_scan_source *first = scan->n_sources > 0 ? &scan->sources[0] : NULL;
    say(p, "source    ");
    if (first == NULL) {
        say(p, "none\n");
    } else if (scan->n_sources == 1) {
        say(p, "%s\n", first->name);
    } else {
        say(p, "%d sources, %s to %s\n", (int)scan->n_sources, first->name,
            scan->sources[scan->n_sources - 1].name);
    }
    for (int32_t i = 0; first != NULL && i < first->n_hive; i++) {
        say(p, "%s%s%s", i == 0 ? "folders   " : ", ", first->hive[i].key,
            i + 1 == first->n_hive ? "\n" : "");
    }
}

static void say_time(printer *p, int64_t ns)
{
    char text[48];
    mbar_time_format(ns, text, sizeof text);
    say(p, "%s", text);
}

static void say_between(printer *p, const mbar_scan *scan)
{
    if (!scan->has_between) {
        return;
    }
    say(p, "time      %s", scan->time_column != NULL ? scan->time_column : "time column");
    if (scan->from_ns != INT64_MIN) {
        say(p, " >= ");
        say_time(p, scan->from_ns);
    }
    if (scan->to_ns != INT64_MAX) {
        say(p, "%s < ", scan->from_ns != INT64_MIN ? "," : "");
        say_time(p, scan->to_ns);
    }
    say(p, "\n");
}

static void say_filter(printer *p, const mbar_expr *expr)
{
    say(p, "filter    ");
    bool fits = p->n < p->room;
    p->n += mbar_expr_format(expr, fits ? p->out + p->n : NULL, fits ? p->room - p->n : 0);
    say(p, "\n");
}

/* 1234567 as "1,234,567". */
static const char *grouped(int64_t n, char *out)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)n);
    int to = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-') {
            out[to++] = ',';
        }
        out[to++] = digits[i];
    }
    out[to] = '\0';
    return out;
}

static void say_part(printer *p, const char *before, int64_t read, int64_t present,
                     const char *what)
{
    char a[40], b[40];
    say(p, "%s%s of %s %s", before, grouped(read, a), grouped(present, b), what);
}

static void say_stats(printer *p, const mbar_read_stats *s)
{
    say_part(p, "read      ", s->rows_read, s->rows_present, "rows");
    if (s->bytes_present > 0) {
        say_part(p, ", ", s->bytes_read, s->bytes_present, "bytes");
    }
    say_part(p, "\npruned to ", s->files_read, s->files_present, "files");
    if (s->row_groups_present > 0) {
        say_part(p, ", ", s->row_groups_read, s->row_groups_present, "row groups");
    }
    if (s->pages_present > 0) {
        say_part(p, ", ", s->pages_read, s->pages_present, "pages");
    }
    say(p, "\n");
}

size_t mbar_scan_explain(const mbar_scan *scan, char *out, size_t out_bytes)
{
    printer p = {out, out_bytes, 0};
    if (out_bytes > 0) {
        out[0] = '\0';
    }
    say_sources(&p, scan);
    say_between(&p, scan);
    for (int32_t i = 0; i < scan->n_filters; i++) {
        say_filter(&p, scan->filters[i]);
    }
    for (int32_t i = 0; i < scan->n_selected; i++) {
        say(&p, "%s%s%s", i == 0 ? "select    " : ", ", scan->selected[i],
            i + 1 == scan->n_selected ? "\n" : "");
    }
    for (int32_t i = 0; i < scan->n_limits; i++) {
        say(&p, "%s      %lld rows\n", scan->limits[i].is_tail ? "tail" : "head",
            (long long)scan->limits[i].n_rows);
    }
    if (scan->has_resample) {
        say(&p, "resample  every %lld %s%s\n", (long long)scan->resample.every,
            mbar_step_name(scan->resample.step), scan->resample.every == 1 ? "" : "s");
    }
    if (scan->has_run) {
        say_stats(&p, &scan->stats);
    }
    return p.n;
}
