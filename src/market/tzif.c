/*
 * tzif.c - a TZif file (RFC 9636) turned into the spans of a zone.
 *
 * The file is one or two data blocks and a footer:
 *
 *   bytes  what
 *   44     header: "TZif", version ('\0', '2', '3', '4'), 15 unused, then six
 *          big-endian uint32 counts: isut, isstd, leap, time, type, char
 *   n*T    transition times, n = time count, T = 4 in the first block, else 8
 *   n      one type index a transition
 *   6*m    types: int32 offset, uint8 is-daylight, uint8 byte in abbreviations
 *   c      abbreviations, NUL-terminated
 *   l*(T+4), s, u   leap seconds, standard/wall and UT/local flags
 *
 * From version 2 on, a second block with 8-byte times follows the first, and
 * "\n" POSIX-TZ "\n" ends the file. Only the last block is read. Everything is
 * checked against the bytes there are before it is used; nothing here trusts a
 * count. Zones that count leap seconds ("right/") are refused: their clock is
 * not the one bars are stamped with.
 */
#include "market/zone.h"

#include "base/alloc.h"
#include "market/tz_rule.h"

#include <string.h>

#define HEADER_BYTES 44
#define TYPE_BYTES 6
/* int64 nanoseconds end in April 2262; offsets may show one day of 2263. */
#define FIRST_YEAR 1677
#define LAST_YEAR 2263

typedef struct block {
    const uint8_t *times, *indexes, *types, *text;
    uint32_t n_leaps, n_times, n_types, n_text;
    size_t time_bytes, header_at, end_at;
} block;

static mbar_status malformed(mbar_error *error, size_t at, const char *what)
{
    mbar_error_set(error, MBAR_FORMAT,
                   "not a valid TZif file: %s at byte %zu; reinstall the time zone data", what, at);
    if (error != NULL) {
        error->offset = (int64_t)at;
    }
    return MBAR_FORMAT;
}

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read_time(const uint8_t *p, size_t n_bytes)
{
    if (n_bytes == 4) {
        return (int32_t)read_u32(p);
    }
    return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

/* Lays out the block whose header is at byte at; checks that it is all there. */
static mbar_status read_block(const uint8_t *data, size_t n_bytes, size_t at, size_t time_bytes,
                              block *b, mbar_error *error)
{
    if (n_bytes - at < HEADER_BYTES || memcmp(data + at, "TZif", 4) != 0) {
        return malformed(error, at, "no TZif header");
    }
    const uint8_t *counts = data + at + 20;
    uint32_t n_ut = read_u32(counts), n_standard = read_u32(counts + 4);
    b->n_leaps = read_u32(counts + 8);
    b->n_times = read_u32(counts + 12);
    b->n_types = read_u32(counts + 16);
    b->n_text = read_u32(counts + 20);
    b->time_bytes = time_bytes;
    b->header_at = at;

    /* Six uint32 counts times at most 12 bytes stay far below 2^64. */
    uint64_t body = (uint64_t)b->n_times * (time_bytes + 1) + (uint64_t)b->n_types * TYPE_BYTES +
                    b->n_text + (uint64_t)b->n_leaps * (time_bytes + 4) + n_standard + n_ut;
    if (body > n_bytes - at - HEADER_BYTES) {
        return malformed(error, at + 20, "counts larger than the file");
    }
    b->times = data + at + HEADER_BYTES;
    b->indexes = b->times + (size_t)b->n_times * time_bytes;
    b->types = b->indexes + b->n_times;
    b->text = b->types + (size_t)b->n_types * TYPE_BYTES;
    b->end_at = at + HEADER_BYTES + (size_t)body;
    return MBAR_OK;
}

static mbar_status check_types(const uint8_t *data, const block *b, mbar_error *error)
{
    if (b->n_types == 0 || b->n_types > 256) {
        return malformed(error, b->header_at + 36, "a type count outside 1..256");
    }
    if (b->n_text == 0 || b->text[b->n_text - 1] != '\0') {
        return malformed(error, b->header_at + 40, "abbreviations without an end");
    }
    for (uint32_t i = 0; i < b->n_types; i++) {
        const uint8_t *type = b->types + (size_t)i * TYPE_BYTES;
        int64_t offset = read_time(type, 4);
        size_t at = (size_t)(type - data);
        if (offset < -25 * 3600 || offset > 26 * 3600) {
            return malformed(error, at, "an offset of more than a day");
        }
        if (type[4] > 1) {
            return malformed(error, at + 4, "a daylight flag other than 0 or 1");
        }
        if (type[5] >= b->n_text) {
            return malformed(error, at + 5, "an abbreviation outside the table");
        }
    }
    return MBAR_OK;
}

static mbar_status check_times(const uint8_t *data, const block *b, mbar_error *error)
{
    for (uint32_t i = 0; i < b->n_times; i++) {
        const uint8_t *time = b->times + (size_t)i * b->time_bytes;
        if (i > 0 &&
            read_time(time, b->time_bytes) <= read_time(time - b->time_bytes, b->time_bytes)) {
            return malformed(error, (size_t)(time - data), "transition times that do not rise");
        }
        if (b->indexes[i] >= b->n_types) {
            return malformed(error, (size_t)(b->indexes + i - data), "a type outside the table");
        }
    }
    return MBAR_OK;
}

/* The footer's rule; *has_rule false for an empty one. */
static mbar_status read_footer(const uint8_t *data, size_t n_bytes, size_t at, mbar_tz_rule *rule,
                               bool *has_rule, mbar_error *error)
{
    if (at >= n_bytes || data[at] != '\n') {
        return malformed(error, at, "no footer");
    }
    const char *text = (const char *)data + at + 1;
    const char *end = memchr(text, '\n', n_bytes - at - 1);
    if (end == NULL) {
        return malformed(error, n_bytes, "a footer without an end");
    }
    size_t wrong = 0;
    *has_rule = end != text;
    if (*has_rule && !mbar_tz_rule_parse(text, (size_t)(end - text), rule, &wrong)) {
        return malformed(error, at + 1 + wrong, "a footer that is no POSIX TZ rule");
    }
    return MBAR_OK;
}

/* ---- Spans ---------------------------------------------------------------- */

static int64_t seconds_to_ns(int64_t seconds)
{
    if (seconds > INT64_MAX / MBAR_SECOND_NS) {
        return INT64_MAX;
    }
    if (seconds < INT64_MIN / MBAR_SECOND_NS) {
        return INT64_MIN;
    }
    return seconds * MBAR_SECOND_NS;
}

/* Appends a span; one that starts with the last replaces it, one that changes
 * nothing is left out. zone->spans has room (see mbar_zone_read_tzif). */
static void append_span(mbar_zone *zone, int64_t from_s, int32_t offset_s, int32_t abbreviation)
{
    int64_t from_ns = seconds_to_ns(from_s);
    if (zone->n_spans > 0 && zone->spans[zone->n_spans - 1].from_ns == from_ns) {
        zone->n_spans--;
    }
    if (zone->n_spans > 0) {
        const mbar_zone_span *last = &zone->spans[zone->n_spans - 1];
        if (last->offset_s == offset_s &&
            strcmp(zone->text + last->abbreviation, zone->text + abbreviation) == 0) {
            return;
        }
    }
    zone->spans[zone->n_spans++] = (mbar_zone_span){from_ns, offset_s, abbreviation};
}

static void append_type(mbar_zone *zone, const block *b, uint32_t type, int64_t from_s)
{
    const uint8_t *bytes = b->types + (size_t)type * TYPE_BYTES;
    append_span(zone, from_s, (int32_t)read_u32(bytes), bytes[5]);
}

/* Before the first transition: the first type that is not daylight time. */
static uint32_t first_type(const block *b)
{
    for (uint32_t i = 0; i < b->n_types; i++) {
        if (b->types[(size_t)i * TYPE_BYTES + 4] == 0) {
            return i;
        }
    }
    return 0;
}

typedef struct event {
    int64_t at_s;
    bool daylight;
} event;

/* The two changes of a year in time order. Where both fall on one instant
 * daylight comes second, and so lasts: a rule of all-year daylight time. */
static void year_events(const mbar_tz_rule *rule, int64_t year, event out[2])
{
    event start = {mbar_tz_moment_in(&rule->start, year, rule->standard.offset_s), true};
    event end = {mbar_tz_moment_in(&rule->end, year, rule->daylight.offset_s), false};
    bool start_first = start.at_s < end.at_s;
    out[0] = start_first ? start : end;
    out[1] = start_first ? end : start;
}

/* When the rule takes over: at the last transition, or from the beginning. */
static int64_t last_transition_s(const block *b)
{
    return b->n_times == 0
               ? INT64_MIN
               : read_time(b->times + (size_t)(b->n_times - 1) * b->time_bytes, b->time_bytes);
}

/* The year before the one the rule takes over in: it tells what then holds. */
static int64_t rule_first_year(int64_t last_s)
{
    if (last_s <= INT64_MIN / MBAR_SECOND_NS) {
        return FIRST_YEAR - 1;
    }
    if (last_s >= INT64_MAX / MBAR_SECOND_NS) {
        return LAST_YEAR;
    }
    return mbar_civil_from_days(mbar_floor_div(last_s, 86400)).year - 1;
}

/* Writes the rule out from the last transition to the end of the range. */
static void append_rule(mbar_zone *zone, const mbar_tz_rule *rule, int64_t last_s,
                        int32_t standard_text, int32_t daylight_text)
{
    if (!rule->has_daylight) {
        append_span(zone, last_s, rule->standard.offset_s, standard_text);
        return;
    }
    for (int64_t year = rule_first_year(last_s); year <= LAST_YEAR; year++) {
        event events[2];
        year_events(rule, year, events);
        for (int i = 0; i < 2; i++) {
            /* What began before the last transition holds from it on. */
            int64_t at_s = events[i].at_s > last_s ? events[i].at_s : last_s;
            int64_t at_ns = seconds_to_ns(at_s);
            /* A rule so odd that one year's change lies beyond the next year's
             * keeps the earlier one out. */
            if (at_ns >= zone->spans[zone->n_spans - 1].from_ns && at_ns != INT64_MAX) {
                bool daylight = events[i].daylight;
                append_span(zone, at_s,
                            daylight ? rule->daylight.offset_s : rule->standard.offset_s,
                            daylight ? daylight_text : standard_text);
            }
        }
    }
}

static void append_all(mbar_zone *zone, const block *b, const mbar_tz_rule *rule)
{
    append_type(zone, b, first_type(b), INT64_MIN);
    for (uint32_t i = 0; i < b->n_times; i++) {
        append_type(zone, b, b->indexes[i],
                    read_time(b->times + (size_t)i * b->time_bytes, b->time_bytes));
    }
    if (rule != NULL) {
        int32_t standard_text = (int32_t)b->n_text;
        append_rule(zone, rule, last_transition_s(b), standard_text,
                    standard_text + (int32_t)rule->standard.name_bytes + 1);
    }
}

/* The most spans append_all can write. */
static size_t count_spans(const block *b, const mbar_tz_rule *rule)
{
    size_t n_rule = 0;
    if (rule != NULL) {
        n_rule = 2 * (size_t)(LAST_YEAR - rule_first_year(last_transition_s(b)) + 1);
    }
    return 1 + (size_t)b->n_times + n_rule;
}

/* Copies the abbreviations of file and footer, each NUL-terminated. */
static char *copy_text(const block *b, const mbar_tz_rule *rule, mbar_error *error)
{
    size_t standard = rule != NULL ? rule->standard.name_bytes : 0;
    size_t daylight = rule != NULL ? rule->daylight.name_bytes : 0;
    char *text = mbar_alloc((size_t)b->n_text + standard + daylight + 2, error);
    if (text == NULL) {
        return NULL;
    }
    memcpy(text, b->text, b->n_text);
    if (standard > 0) {
        memcpy(text + b->n_text, rule->standard.name, standard);
    }
    if (daylight > 0) {
        memcpy(text + b->n_text + standard + 1, rule->daylight.name, daylight);
    }
    return text;
}

static mbar_status read_last_block(const uint8_t *data, size_t n_bytes, block *b,
                                   mbar_tz_rule *rule, bool *has_rule, mbar_error *error)
{
    *has_rule = false;
    mbar_status status = read_block(data, n_bytes, 0, 4, b, error);
    if (status != MBAR_OK) {
        return status;
    }
    uint8_t version = data[4];
    if (version != 0) {
        if (version < '2' || version > '4') {
            return mbar_error_set(error, MBAR_UNSUPPORTED,
                                  "TZif version byte %d; versions 1 to 4 are read", version);
        }
        status = read_block(data, n_bytes, b->end_at, 8, b, error);
        if (status == MBAR_OK) {
            status = read_footer(data, n_bytes, b->end_at, rule, has_rule, error);
        }
    }
    if (status == MBAR_OK && b->n_leaps != 0) {
        status = mbar_error_set(error, MBAR_UNSUPPORTED,
                                "the zone counts leap seconds, bars do not; use the zone of the "
                                "same name outside \"right/\"");
    }
    return status;
}

mbar_status mbar_zone_read_tzif(mbar_zone *zone, const void *data, size_t n_bytes,
                                mbar_error *error)
{
    block b;
    mbar_tz_rule rule;
    bool has_rule;
    mbar_status status = read_last_block(data, n_bytes, &b, &rule, &has_rule, error);
    if (status == MBAR_OK) {
        status = check_types(data, &b, error);
    }
    if (status == MBAR_OK) {
        status = check_times(data, &b, error);
    }
    if (status != MBAR_OK) {
        return status;
    }
    mbar_tz_rule *used = has_rule ? &rule : NULL;
    char *text = copy_text(&b, used, error);
    mbar_zone_span *spans = mbar_alloc_array(count_spans(&b, used), sizeof *spans, error);
    if (text == NULL || spans == NULL) {
        mbar_free(text);
        mbar_free(spans);
        return MBAR_NOMEM;
    }
    zone->text = text;
    zone->spans = spans;
    append_all(zone, &b, used);
    return MBAR_OK;
}
