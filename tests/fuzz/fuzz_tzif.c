/*
 * fuzz_tzif.c - libFuzzer target: any bytes as a TZif file.
 *
 * A zone that opens is asked about the ends of time, the instants around its
 * own transitions and a few that the bytes say. Beside the sanitizers' word,
 * findings are: an error without a message, a wall clock that is not the
 * instant plus its offset or does not lead back to it, a day that does not
 * hold its instant, and memory that stays.
 */
#include <millibar/market.h>

#include <stdlib.h>
#include <string.h>

#define CHECK(condition)  \
    do {                  \
        if (!(condition)) \
            abort();      \
    } while (0)

/* Two days from either end nothing is held inside int64, so that all must agree. */
static bool inside(int64_t ns)
{
    return ns > INT64_MIN + 4 * MBAR_DAY_NS && ns < INT64_MAX - 4 * MBAR_DAY_NS;
}

static void ask_wall_clock(const mbar_zone *zone, int64_t ns)
{
    int64_t local = mbar_zone_to_local(zone, ns), earlier = 0, later = 0, only = 0;
    mbar_error error;
    mbar_status first = mbar_zone_from_local(zone, local, MBAR_FOLD_EARLIER, &earlier, &error);
    mbar_status second = mbar_zone_from_local(zone, local, MBAR_FOLD_LATER, &later, &error);
    mbar_status strict = mbar_zone_from_local(zone, local, MBAR_FOLD_REFUSE, &only, &error);
    if (!inside(ns)) {
        return;
    }
    CHECK(local == ns + mbar_zone_offset_s(zone, ns) * MBAR_SECOND_NS);
    CHECK(first == MBAR_OK && second == MBAR_OK && earlier <= ns && ns <= later);
    CHECK(mbar_zone_to_local(zone, earlier) == local && mbar_zone_to_local(zone, later) == local);
    CHECK(strict == MBAR_OK ? earlier == later && only == ns : error.message[0] != '\0');
}

static void ask(const mbar_zone *zone, int64_t ns)
{
    CHECK(strlen(mbar_zone_abbreviation(zone, ns)) < SIZE_MAX);
    int32_t offset_s = mbar_zone_offset_s(zone, ns);
    CHECK(offset_s > -8 * 86400 && offset_s < 8 * 86400);
    ask_wall_clock(zone, ns);
    int64_t start = mbar_zone_day_start(zone, ns), next = mbar_zone_next_day(zone, ns);
    CHECK(!inside(ns) || (start <= ns && ns < next));
}

/* The instant of eight bytes of the file, as seconds; what does not fit ends at an end of time. */
static int64_t instant_at(const uint8_t *data)
{
    int64_t seconds = 0;
    memcpy(&seconds, data, sizeof seconds);
    seconds = (int64_t)__builtin_bswap64((uint64_t)seconds);
    int64_t ns;
    if (__builtin_mul_overflow(seconds, MBAR_SECOND_NS, &ns)) {
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    }
    return ns;
}

static void ask_everything(const mbar_zone *zone, const uint8_t *data, size_t n_bytes)
{
    static const int64_t always[] = {INT64_MIN, INT64_MIN + 1, -1, 0, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        ask(zone, always[i]);
    }
    size_t step = n_bytes / 64 + 1;
    for (size_t i = 0; i + 8 <= n_bytes; i += step) {
        int64_t ns = instant_at(data + i);
        ask(zone, ns);
        ask(zone, inside(ns) ? ns - 1 : ns);
        ask(zone, inside(ns) ? ns + MBAR_DAY_NS : ns);
    }
    /* The footer's rule makes the years far from the transitions. */
    for (int64_t year = -200; year < 200; year += 13) {
        ask(zone, year * 365 * MBAR_DAY_NS + year * MBAR_HOUR_NS);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    size_t live = mbar_memory_live_bytes();
    mbar_zone *zone = NULL;
    mbar_error error;
    mbar_error_init(&error);
    if (mbar_zone_from_tzif("Fuzzed/Zone", data, n_bytes, &zone, &error) == MBAR_OK) {
        ask_everything(zone, data, n_bytes);
        mbar_zone_unref(zone);
    } else {
        CHECK(error.message[0] != '\0' && zone == NULL);
    }
    CHECK(mbar_memory_live_bytes() == live);
    return 0;
}
