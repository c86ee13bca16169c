/* test_zone.c - zones: TZif bytes, rules, wall clocks, days, the cache. */
#include "market_support.h"

#include <pthread.h>

/* ---- A TZif file made by hand ------------------------------------------------ */

struct image {
    uint8_t bytes[2048];
    size_t n;
};

struct image_type {
    int32_t offset_s;
    uint8_t is_daylight, text;
};

static void put(struct image *image, const void *data, size_t n)
{
    assert_true(image->n + n <= sizeof image->bytes);
    memcpy(image->bytes + image->n, data, n);
    image->n += n;
}

static void put_big(struct image *image, int64_t value, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        uint8_t byte = (uint8_t)((uint64_t)value >> (8 * i));
        put(image, &byte, 1);
    }
}

struct image_spec {
    char version; /* '\0', '2'.. */
    int n_times;
    const int64_t *times;
    const uint8_t *indexes;
    int n_types;
    const struct image_type *types;
    const char *text;
    size_t n_text;
    int n_leaps;
    const char *footer;
};

static void put_block(struct image *image, const struct image_spec *spec, bool empty,
                      int time_bytes)
{
    int n_times = empty ? 0 : spec->n_times;
    put(image, "TZif", 4);
    put(image, &spec->version, 1);
    for (int i = 0; i < 15; i++) {
        put(image, "", 1);
    }
    put_big(image, 0, 4);
    put_big(image, 0, 4);
    put_big(image, empty ? 0 : spec->n_leaps, 4);
    put_big(image, n_times, 4);
    put_big(image, spec->n_types, 4);
    put_big(image, (int64_t)spec->n_text, 4);
    for (int i = 0; i < n_times; i++) {
        put_big(image, spec->times[i], time_bytes);
    }
    put(image, spec->indexes, (size_t)n_times);
    for (int i = 0; i < spec->n_types; i++) {
        put_big(image, spec->types[i].offset_s, 4);
        put(image, &spec->types[i].is_daylight, 1);
        put(image, &spec->types[i].text, 1);
    }
    put(image, spec->text, spec->n_text);
    for (int i = 0; !empty && i < spec->n_leaps; i++) {
        put_big(image, 78796800 + i, time_bytes);
        put_big(image, 1 + i, 4);
    }
}

static struct image build(const struct image_spec *spec)
{
    struct image image = {0};
    if (spec->version == '\0') {
        put_block(&image, spec, false, 4);
        return image;
    }
    put_block(&image, spec, true, 4);
    put_block(&image, spec, false, 8);
    put(&image, "\n", 1);
    put(&image, spec->footer, strlen(spec->footer));
    put(&image, "\n", 1);
    return image;
}

/* Local mean time, then EST from 1900, EDT from March, EST from November 2007. */
static const int64_t some_times[] = {-2208988800, 1173596400, 1194156000};
static const uint8_t some_indexes[] = {1, 2, 1};
static const struct image_type some_types[] = {{-17762, 0, 0}, {-18000, 0, 4}, {-14400, 1, 8}};
static const struct image_spec some_spec = {'2',
                                            3,
                                            some_times,
                                            some_indexes,
                                            3,
                                            some_types,
                                            "LMT\0EST\0EDT",
                                            12,
                                            0,
                                            "EST5EDT,M3.2.0,M11.1.0"};

static mbar_zone *zone_of(const struct image_spec *spec)
{
    struct image image = build(spec);
    mbar_zone *zone = NULL;
    mbar_error error;
    if (mbar_zone_from_tzif("Test/Zone", image.bytes, image.n, &zone, &error) != MBAR_OK) {
        fail_msg("%s", error.message);
    }
    return zone;
}

static mbar_zone *zone_with_footer(char version, const char *footer)
{
    struct image_spec spec = some_spec;
    spec.version = version;
    spec.footer = footer;
    return zone_of(&spec);
}

static void assert_offset(const mbar_zone *zone, const char *utc, int32_t offset_s,
                          const char *abbreviation)
{
    assert_int_equal(mbar_zone_offset_s(zone, at(utc)), offset_s);
    assert_string_equal(mbar_zone_abbreviation(zone, at(utc)), abbreviation);
    assert_ns_equal(mbar_zone_to_local(zone, at(utc)), at(utc) + offset_s * MBAR_SECOND_NS);
}

/* ---- Tests ------------------------------------------------------------------- */

static void test_utc_needs_no_file(void **state)
{
    (void)state;
    mbar_zone *zone;
    assert_int_equal(mbar_zone_open("UTC", &zone, NULL), MBAR_OK);
    assert_string_equal(mbar_zone_name(zone), "UTC");
    assert_offset(zone, "2024-07-01T12:00Z", 0, "UTC");
    int64_t ns = 0;
    assert_int_equal(mbar_zone_from_local(zone, INT64_MAX, MBAR_FOLD_REFUSE, &ns, NULL), MBAR_OK);
    assert_true(ns == INT64_MAX);
    assert_ns_equal(mbar_zone_day_start(zone, at("1969-12-31T23:59Z")), at("1969-12-31T00:00Z"));
    assert_ns_equal(mbar_zone_next_day(zone, at("1969-12-31T00:00Z")), at("1970-01-01T00:00Z"));
    mbar_zone_unref(zone);
}

static void test_fixed_offsets(void **state)
{
    (void)state;
    mbar_zone *zone;
    assert_int_equal(mbar_zone_open("-03:30", &zone, NULL), MBAR_OK);
    assert_offset(zone, "2024-07-01T12:00Z", -12600, "-03:30");
    mbar_zone_unref(zone);
    static const char *const wrong[] = {"+24:00", "+05:60", "+5:30", "+05:3x", "+0530", "+05:300"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_not_equal(mbar_zone_open(wrong[i], &zone, NULL), MBAR_OK);
    }
}

static void test_names_are_checked(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",   "/etc/localtime", "..",           "../UTC",           "America/../../etc/passwd",
        "a/", "America//Boise", ".hidden/zone", "America/New York", "a\nb"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mbar_zone *zone = NULL;
        mbar_error error;
        assert_int_equal(mbar_zone_open(wrong[i], &zone, &error), MBAR_INVALID);
        assert_null(zone);
    }
    char longest[300];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    mbar_zone *zone = NULL;
    assert_int_equal(mbar_zone_open(longest, &zone, NULL), MBAR_INVALID);
    mbar_error error;
    assert_int_equal(mbar_zone_open("Mars/Olympus", &zone, &error), MBAR_NOTFOUND);
    assert_non_null(strstr(error.message, "Mars/Olympus"));
    assert_non_null(strstr(error.message, "tzdata"));
}

static void test_transitions_and_footer(void **state)
{
    (void)state;
    mbar_zone *zone = zone_of(&some_spec);
    assert_string_equal(mbar_zone_name(zone), "Test/Zone");
    assert_int_equal(mbar_zone_offset_s(zone, INT64_MIN), -17762);
    assert_offset(zone, "1899-12-31T23:59:59Z", -17762, "LMT");
    assert_offset(zone, "1900-01-01T00:00:00Z", -18000, "EST");
    assert_offset(zone, "2007-03-11T06:59:59Z", -18000, "EST");
    assert_offset(zone, "2007-03-11T07:00:00Z", -14400, "EDT");
    assert_offset(zone, "2007-11-04T06:00:00Z", -18000, "EST");
    /* The footer rules after the last transition. */
    assert_offset(zone, "2024-03-10T06:59:59.999999999Z", -18000, "EST");
    assert_offset(zone, "2024-03-10T07:00:00Z", -14400, "EDT");
    assert_offset(zone, "2024-11-03T05:59:59.999999999Z", -14400, "EDT");
    assert_offset(zone, "2024-11-03T06:00:00Z", -18000, "EST");
    assert_offset(zone, "2261-12-01T06:00:00Z", -18000, "EST");
    assert_offset(zone, "2262-04-01T00:00:00Z", -14400, "EDT");
    assert_int_equal(mbar_zone_offset_s(zone, INT64_MAX), -14400);
    mbar_zone_unref(zone);
}

static void test_version_1_has_no_footer(void **state)
{
    (void)state;
    struct image_spec spec = some_spec;
    spec.version = '\0';
    spec.times = (const int64_t[]){-1000000000, 1173596400, 1194156000};
    mbar_zone *zone = zone_of(&spec);
    assert_offset(zone, "1938-04-24T22:13:19Z", -17762, "LMT");
    assert_offset(zone, "1938-04-24T22:13:20Z", -18000, "EST");
    assert_offset(zone, "2024-07-01T00:00:00Z", -18000, "EST");
    mbar_zone_unref(zone);
}

static void test_footer_forms(void **state)
{
    (void)state;
    /* Empty: the last transition's type goes on. */
    mbar_zone *zone = zone_with_footer('2', "");
    assert_offset(zone, "2024-07-01T00:00:00Z", -18000, "EST");
    mbar_zone_unref(zone);
    /* Fixed, quoted, with minutes and seconds. */
    zone = zone_with_footer('2', "<+0530>-5:30:15");
    assert_offset(zone, "2024-07-01T00:00:00Z", 19815, "+0530");
    mbar_zone_unref(zone);
    /* Negative daylight time, as Europe/Dublin has it. */
    zone = zone_with_footer('3', "IST-1GMT0,M10.5.0,M3.5.0/1");
    assert_offset(zone, "2024-03-31T00:59:59Z", 0, "GMT");
    assert_offset(zone, "2024-03-31T01:00:00Z", 3600, "IST");
    assert_offset(zone, "2024-10-27T00:59:59Z", 3600, "IST");
    assert_offset(zone, "2024-10-27T01:00:00Z", 0, "GMT");
    mbar_zone_unref(zone);
    /* Hours below zero and above 24 (version 3): Nuuk, and Jerusalem's Friday rule. */
    zone = zone_with_footer('3', "<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
    assert_offset(zone, "2024-03-31T00:59:59Z", -7200, "-02");
    assert_offset(zone, "2024-03-31T01:00:00Z", -3600, "-01");
    mbar_zone_unref(zone);
    zone = zone_with_footer('3', "IST-2IDT,M3.4.4/26,M10.5.0");
    assert_offset(zone, "2024-03-28T23:59:59Z", 7200, "IST");
    assert_offset(zone, "2024-03-29T00:00:00Z", 10800, "IDT");
    mbar_zone_unref(zone);
    /* Southern: the year starts in daylight time; explicit daylight offset. */
    zone = zone_with_footer('2', "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");
    assert_offset(zone, "2024-01-01T00:00:00Z", 39600, "+11");
    assert_offset(zone, "2024-07-01T00:00:00Z", 37800, "+1030");
    mbar_zone_unref(zone);
    /* Days of the year: J counts no 29 February, n does. */
    zone = zone_with_footer('2', "AAA0BBB,J60/0,300/0");
    assert_offset(zone, "2024-02-29T23:59:59Z", 0, "AAA");
    assert_offset(zone, "2024-03-01T00:00:00Z", 3600, "BBB");
    assert_offset(zone, "2024-10-26T22:59:59Z", 3600, "BBB");
    assert_offset(zone, "2024-10-26T23:00:00Z", 0, "AAA");
    assert_offset(zone, "2023-10-27T22:59:59Z", 3600, "BBB");
    assert_offset(zone, "2023-10-27T23:00:00Z", 0, "AAA");
    mbar_zone_unref(zone);
    /* RFC 9636's rule of daylight time all year. */
    zone = zone_with_footer('3', "EST5EDT,0/0,J365/25");
    for (int64_t ns = at("2008-01-01T00:00Z"); ns < at("2030-01-01T00:00Z"); ns += MBAR_HOUR_NS) {
        assert_int_equal(mbar_zone_offset_s(zone, ns), -14400);
    }
    mbar_zone_unref(zone);
}

static void test_rule_without_transitions_holds_always(void **state)
{
    (void)state;
    struct image_spec spec = some_spec;
    spec.n_times = 0;
    mbar_zone *zone = zone_of(&spec);
    assert_offset(zone, "1800-07-01T00:00:00Z", -14400, "EDT");
    assert_offset(zone, "1800-12-01T00:00:00Z", -18000, "EST");
    assert_int_equal(mbar_zone_offset_s(zone, INT64_MIN), -14400);
    mbar_zone_unref(zone);
}

static void assert_refused(const struct image *image, mbar_status wanted, const char *part)
{
    mbar_zone *zone = NULL;
    mbar_error error;
    assert_int_equal(mbar_zone_from_tzif("X", image->bytes, image->n, &zone, &error), wanted);
    assert_null(zone);
    assert_int_equal(error.code, wanted);
    if (strstr(error.message, part) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", error.message, part);
    }
    if (wanted == MBAR_FORMAT) {
        assert_true(error.offset >= 0 && error.offset <= (int64_t)image->n);
    }
}

static void test_bad_files(void **state)
{
    (void)state;
    struct image image = {{0}, 0};
    assert_refused(&image, MBAR_FORMAT, "header");
    struct image_spec spec = some_spec;
    spec.n_leaps = 2;
    image = build(&spec);
    assert_refused(&image, MBAR_UNSUPPORTED, "leap seconds");
    spec = some_spec;
    spec.version = '5';
    image = build(&spec);
    assert_refused(&image, MBAR_UNSUPPORTED, "version");
    spec = some_spec;
    spec.times = (const int64_t[]){0, 5, 5};
    image = build(&spec);
    assert_refused(&image, MBAR_FORMAT, "rise");
    spec = some_spec;
    spec.indexes = (const uint8_t[]){0, 3, 1};
    image = build(&spec);
    assert_refused(&image, MBAR_FORMAT, "type outside");
    spec = some_spec;
    spec.n_text = 11;
    image = build(&spec);
    assert_refused(&image, MBAR_FORMAT, "abbreviations");
    spec = some_spec;
    spec.types = (const struct image_type[]){{-17762, 0, 0}, {99 * 3600, 0, 4}, {-14400, 1, 8}};
    image = build(&spec);
    assert_refused(&image, MBAR_FORMAT, "offset");
    spec.types = (const struct image_type[]){{-17762, 0, 0}, {INT32_MIN, 0, 4}, {-14400, 1, 8}};
    image = build(&spec);
    assert_refused(&image, MBAR_FORMAT, "offset");
    spec.types = (const struct image_type[]){{-17762, 0, 12}, {0, 0, 4}, {-14400, 1, 8}};
    image = build(&spec);
    assert_refused(&image, MBAR_FORMAT, "abbreviation");
    spec.types = (const struct image_type[]){{-17762, 2, 0}, {0, 0, 4}, {-14400, 1, 8}};
    image = build(&spec);
    assert_refused(&image, MBAR_FORMAT, "flag");
    spec = some_spec;
    spec.n_types = 0;
    spec.n_times = 0;
    image = build(&spec);
    assert_refused(&image, MBAR_FORMAT, "type count");
}

static void test_bad_footers(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "E5",
        "EST",
        "EST25",
        "EST5EDT",
        "EST5EDT,M3.2.0",
        "EST5EDT,M13.2.0,M11.1.0",
        "EST5EDT,M3.6.0,M11.1.0",
        "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,M3.2.0/168,M11.1.0",
        "EST5EDT,J0,M11.1.0",
        "EST5EDT,366,M11.1.0",
        "<EST5",
        "<+5>5",
        "EST5EDT,M3.2.0,M11.1.0,",
        "EST5:60",
        "EST5EDT4x,M3.2.0,M11.1.0",
        "5",
        "EST5EDT,M3.2,M11.1.0",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct image_spec spec = some_spec;
        spec.footer = wrong[i];
        struct image image = build(&spec);
        assert_refused(&image, MBAR_FORMAT, "POSIX TZ rule");
    }
}

/* Every truncation and every changed byte: an answer or an error, no crash. */
static void test_damaged_bytes(void **state)
{
    (void)state;
    struct image whole = build(&some_spec);
    for (size_t n = 0; n < whole.n; n++) {
        struct image cut = whole;
        cut.n = n;
        assert_refused(&cut, MBAR_FORMAT, "TZif");
    }
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff, '9', 'M', ','};
    long n_read = 0;
    for (size_t i = 0; i < whole.n; i++) {
        for (size_t k = 0; k < sizeof values; k++) {
            uint8_t *copy = malloc(whole.n); /* exact size: overruns show under ASan */
            memcpy(copy, whole.bytes, whole.n);
            copy[i] = values[k];
            mbar_zone *zone = NULL;
            mbar_error error;
            mbar_status status = mbar_zone_from_tzif("X", copy, whole.n, &zone, &error);
            if (status == MBAR_OK) {
                n_read++;
                for (int64_t year = 0; year < 20; year++) {
                    int64_t ns = year * 12 * 365 * MBAR_DAY_NS;
                    assert_true(labs(mbar_zone_offset_s(zone, ns)) <= 26 * 3600);
                    assert_true(mbar_zone_next_day(zone, ns) > ns);
                    assert_true(mbar_zone_day_start(zone, ns) <= ns);
                }
            } else {
                assert_true(status == MBAR_FORMAT || status == MBAR_UNSUPPORTED);
            }
            mbar_zone_unref(zone);
            free(copy);
        }
    }
    assert_true(n_read > 0);
}

static int64_t from_local(const mbar_zone *zone, const char *local, mbar_fold fold)
{
    int64_t ns = 0;
    mbar_error error;
    if (mbar_zone_from_local(zone, at(local), fold, &ns, &error) != MBAR_OK) {
        fail_msg("%s", error.message);
    }
    return ns;
}

static void test_from_local(void **state)
{
    (void)state;
    mbar_zone *zone = zone_of(&some_spec);
    assert_ns_equal(from_local(zone, "2024-01-03T09:30", MBAR_FOLD_REFUSE),
                    at("2024-01-03T14:30Z"));
    assert_ns_equal(from_local(zone, "2024-07-03T09:30", MBAR_FOLD_REFUSE),
                    at("2024-07-03T13:30Z"));
    /* Jumped over: 02:00 to 03:00. */
    static const char *const jumped[] = {"2024-03-10T02:00", "2024-03-10T02:30",
                                         "2024-03-10T02:59:59.999999999"};
    for (int i = 0; i < 3; i++) {
        assert_ns_equal(from_local(zone, jumped[i], MBAR_FOLD_EARLIER), at("2024-03-10T07:00Z"));
        assert_ns_equal(from_local(zone, jumped[i], MBAR_FOLD_LATER), at("2024-03-10T07:00Z"));
        int64_t ns = 5;
        mbar_error error;
        assert_int_equal(mbar_zone_from_local(zone, at(jumped[i]), MBAR_FOLD_REFUSE, &ns, &error),
                         MBAR_INVALID);
        assert_true(ns == 5);
        assert_non_null(strstr(error.message, "jumped over"));
    }
    assert_ns_equal(from_local(zone, "2024-03-10T01:59:59.999999999", MBAR_FOLD_REFUSE),
                    at("2024-03-10T06:59:59.999999999Z"));
    assert_ns_equal(from_local(zone, "2024-03-10T03:00", MBAR_FOLD_REFUSE),
                    at("2024-03-10T07:00Z"));
    /* Shown twice: 01:00 to 02:00. */
    assert_ns_equal(from_local(zone, "2024-11-03T01:00", MBAR_FOLD_EARLIER),
                    at("2024-11-03T05:00Z"));
    assert_ns_equal(from_local(zone, "2024-11-03T01:00", MBAR_FOLD_LATER), at("2024-11-03T06:00Z"));
    int64_t ns = 5;
    mbar_error error;
    assert_int_equal(
        mbar_zone_from_local(zone, at("2024-11-03T01:59"), MBAR_FOLD_REFUSE, &ns, &error),
        MBAR_INVALID);
    assert_non_null(strstr(error.message, "2024-11-03T01:59:00 in Test/Zone happens twice"));
    assert_ns_equal(from_local(zone, "2024-11-03T02:00", MBAR_FOLD_REFUSE),
                    at("2024-11-03T07:00Z"));
    mbar_zone_unref(zone);
}

static void test_ends_of_the_range(void **state)
{
    (void)state;
    mbar_zone *zone = zone_of(&some_spec); /* west of UTC */
    assert_true(mbar_zone_to_local(zone, INT64_MIN) == INT64_MIN);
    assert_true(mbar_zone_to_local(zone, INT64_MAX) == INT64_MAX - 14400 * MBAR_SECOND_NS);
    assert_true(mbar_zone_day_start(zone, INT64_MIN) == INT64_MIN);
    assert_true(mbar_zone_next_day(zone, INT64_MAX) == INT64_MAX);
    assert_true(mbar_zone_day_start(zone, INT64_MAX) < INT64_MAX);
    assert_true(mbar_zone_next_day(zone, INT64_MIN + MBAR_DAY_NS) > INT64_MIN + MBAR_DAY_NS);
    int64_t ns = 0;
    mbar_error error;
    assert_int_equal(mbar_zone_from_local(zone, INT64_MAX, MBAR_FOLD_EARLIER, &ns, &error),
                     MBAR_INVALID);
    assert_non_null(strstr(error.message, "outside"));
    assert_int_equal(mbar_zone_from_local(zone, INT64_MIN, MBAR_FOLD_EARLIER, &ns, NULL), MBAR_OK);
    assert_true(ns == INT64_MIN + 17762 * MBAR_SECOND_NS);
    mbar_zone_unref(zone);
    zone = zone_with_footer('2', "AAA-14");
    assert_int_equal(mbar_zone_offset_s(zone, INT64_MAX), 50400);
    assert_true(mbar_zone_to_local(zone, INT64_MAX) == INT64_MAX);
    assert_true(mbar_zone_next_day(zone, INT64_MAX - 5) == INT64_MAX);
    assert_int_equal(mbar_zone_from_local(zone, INT64_MIN, MBAR_FOLD_LATER, &ns, NULL), MBAR_OK);
    mbar_zone_unref(zone);
}

static void assert_day(const mbar_zone *zone, const char *utc, const char *start, const char *next)
{
    assert_ns_equal(mbar_zone_day_start(zone, at(utc)), at(start));
    assert_ns_equal(mbar_zone_next_day(zone, at(utc)), at(next));
}

static void test_days_with_changes_at_midnight(void **state)
{
    (void)state;
    mbar_zone *zone = zone_or_skip("America/Sao_Paulo");
    /* 2018-11-04 starts at 01:00; 2018-02-17 has 25 hours, its last shown twice. */
    assert_day(zone, "2018-11-04T12:00Z", "2018-11-04T03:00Z", "2018-11-05T02:00Z");
    assert_day(zone, "2018-11-04T02:59Z", "2018-11-03T03:00Z", "2018-11-04T03:00Z");
    assert_day(zone, "2018-02-18T01:30Z", "2018-02-17T02:00Z", "2018-02-18T03:00Z");
    assert_day(zone, "2018-02-18T02:30Z", "2018-02-17T02:00Z", "2018-02-18T03:00Z");
    mbar_zone_unref(zone);
    zone = zone_or_skip("Asia/Beirut");
    assert_day(zone, "2024-03-31T12:00Z", "2024-03-30T22:00Z", "2024-03-31T21:00Z");
    assert_day(zone, "2024-10-26T21:30Z", "2024-10-25T21:00Z", "2024-10-26T22:00Z");
    mbar_zone_unref(zone);
    /* Havana turns 01:00 back to 00:00: the first of two midnights starts the day. */
    zone = zone_or_skip("America/Havana");
    assert_day(zone, "2024-11-03T12:00Z", "2024-11-03T04:00Z", "2024-11-04T05:00Z");
    mbar_zone_unref(zone);
    /* St. John's turned 00:01 back to 23:01: a minute of the next day, an hour of
     * this one again, then the next day for good. */
    zone = zone_or_skip("America/St_Johns");
    assert_day(zone, "2006-10-29T02:30:30Z", "2006-10-29T02:30Z", "2006-10-30T03:30Z");
    assert_day(zone, "2006-10-29T03:00Z", "2006-10-28T02:30Z", "2006-10-29T03:30Z");
    mbar_zone_unref(zone);
    /* Samoa had no 2011-12-30. */
    zone = zone_or_skip("Pacific/Apia");
    assert_day(zone, "2011-12-30T09:00Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z");
    assert_day(zone, "2011-12-30T10:00Z", "2011-12-30T10:00Z", "2011-12-31T10:00Z");
    mbar_zone_unref(zone);
}

static void test_cache(void **state)
{
    (void)state;
    mbar_zone *a = zone_or_skip("America/New_York");
    mbar_zone *b = zone_or_skip("America/New_York");
    assert_ptr_equal(a, b);
    use_tzdata(NULL);
    mbar_zone *c = zone_or_skip("America/New_York");
    assert_ptr_not_equal(a, c);
    assert_int_equal(mbar_zone_offset_s(a, at("2024-07-01")), -14400);
    mbar_zone_unref(a);
    mbar_zone_unref(b);
    mbar_zone_unref(c);
    /* More names than the cache holds: each answer stays right. */
    for (int i = 0; i < 200; i++) {
        char name[16];
        snprintf(name, sizeof name, "+%02d:%02d", i % 24, i % 60);
        mbar_zone *zone;
        assert_int_equal(mbar_zone_open(name, &zone, NULL), MBAR_OK);
        assert_int_equal(mbar_zone_offset_s(zone, 0), i % 24 * 3600 + i % 60 * 60);
        mbar_zone_unref(zone);
    }
}

static void test_broken_file_in_the_directory_is_told(void **state)
{
    (void)state;
    char directory[] = P_tmpdir "/millibar-zone-XXXXXX";
    assert_non_null(mkdtemp(directory));
    char path[64];
    snprintf(path, sizeof path, "%s/Broken", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("TZif2 and then something else", file);
    fclose(file);
    mbar_zone_set_directory(directory);
    mbar_zone *zone = NULL;
    mbar_error error;
    assert_int_equal(mbar_zone_open("Broken", &zone, &error), MBAR_FORMAT);
    assert_string_equal(error.file, path);
    remove(path);
    remove(directory);
    use_tzdata(NULL);
}

static void *open_many(void *ctx)
{
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "+%02d:%02d", i % 3, i % 50);
        mbar_zone *zone;
        if (mbar_zone_open(name, &zone, NULL) != MBAR_OK ||
            mbar_zone_offset_s(zone, 0) != i % 3 * 3600 + i % 50 * 60) {
            return ctx;
        }
        if (i % 100 == 99) {
            mbar_zone_set_directory(NULL);
        }
        mbar_zone_unref(zone);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, open_many, threads), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    use_tzdata(NULL);
}

static mbar_status attempt_tzif(void *ctx, mbar_error *error)
{
    const struct image *image = ctx;
    mbar_zone *zone = NULL;
    mbar_status status = mbar_zone_from_tzif("X", image->bytes, image->n, &zone, error);
    mbar_zone_unref(zone);
    return status;
}

static mbar_status attempt_open(void *ctx, mbar_error *error)
{
    mbar_zone *zone = NULL;
    mbar_status status = mbar_zone_open(ctx, &zone, error);
    mbar_zone_unref(zone);
    mbar_zone_set_directory(NULL);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    mbar_zone_set_directory(NULL);
    struct image image = build(&some_spec);
    check_every_allocation(attempt_tzif, &image);
    check_every_allocation(attempt_open, "+01:00");
    mbar_zone_unref(zone_or_skip("America/New_York"));
    mbar_zone_set_directory(NULL);
    check_every_allocation(attempt_open, "America/New_York");
    use_tzdata(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utc_needs_no_file),
        cmocka_unit_test(test_fixed_offsets),
        cmocka_unit_test(test_names_are_checked),
        cmocka_unit_test(test_transitions_and_footer),
        cmocka_unit_test(test_version_1_has_no_footer),
        cmocka_unit_test(test_footer_forms),
        cmocka_unit_test(test_rule_without_transitions_holds_always),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_bad_footers),
        cmocka_unit_test(test_damaged_bytes),
        cmocka_unit_test(test_from_local),
        cmocka_unit_test(test_ends_of_the_range),
        cmocka_unit_test(test_days_with_changes_at_midnight),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_broken_file_in_the_directory_is_told),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, use_tzdata, drop_zones);
}
