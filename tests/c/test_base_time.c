/* test_base_time.c - units, the calendar, instants as text. */
#include "support.h"

#include "base/civil.h"

#include <stdio.h>

static void units(void **state)
{
    (void)state;
    static const char *const names[] = {"s", "ms", "us", "ns"};
    static const int64_t ns[] = {1000000000, 1000000, 1000, 1};
    for (int unit = MBAR_UNIT_S; unit <= MBAR_UNIT_NS; unit++) {
        assert_string_equal(mbar_unit_name((mbar_unit)unit), names[unit]);
        assert_int_equal(mbar_unit_ns((mbar_unit)unit), ns[unit]);
    }
}

/* Every day from year 1 to 4000, counted one by one. */
static void calendar(void **state)
{
    (void)state;
    int64_t days = mbar_days_from_civil((mbar_civil){1, 1, 1});
    assert_int_equal(days, -719162);
    assert_int_equal(mbar_days_from_civil((mbar_civil){1970, 1, 1}), 0);
    for (int64_t year = 1; year <= 4000; year++)
        for (int32_t month = 1; month <= 12; month++)
            for (int32_t day = 1; day <= mbar_days_in_month(year, month); day++, days++) {
                mbar_civil date = mbar_civil_from_days(days);
                if (mbar_days_from_civil((mbar_civil){year, month, day}) != days ||
                    date.year != year || date.month != month || date.day != day)
                    fail_msg("%d-%d-%d", (int)year, month, day);
            }
    assert_int_equal(mbar_floor_div(-1, 5), -1);
    assert_int_equal(mbar_floor_div(-5, 5), -1);
    assert_int_equal(mbar_floor_mod(-1, 5), 4);
    assert_int_equal(mbar_floor_mod(-5, 5), 0);
    assert_int_equal(mbar_floor_div(INT64_MIN, 7), INT64_MIN / 7 - 1);
}

typedef struct good {
    const char *text;
    int64_t ns;
    bool has_offset;
} good;

#define AT_0930 INT64_C(1704274200000000000) /* 2024-01-03 09:30 */

static const good goods[] = {
    {"1970-01-01", 0, false},
    {"1970-01-01T00:00", 0, false},
    {"1969-12-31T23:59:59.999999999Z", -1, true},
    {"2024-01-03", AT_0930 - 9 * MBAR_HOUR_NS - 30 * MBAR_MINUTE_NS, false},
    {"2024-01-03 09:30", AT_0930, false},
    {"2024-01-03 09:30Z", AT_0930, true},
    {"2024-01-03t09:30:00z", AT_0930, true},
    {"2024-01-03T09:30:00.5Z", AT_0930 + 500000000, true},
    {"2024-01-03T09:30:00.000000001", AT_0930 + 1, false},
    {"2024-01-03T09:30:59.999999999Z", AT_0930 + 60 * MBAR_SECOND_NS - 1, true},
    {"2024-01-03T09:30:00-05:00", AT_0930 + 5 * MBAR_HOUR_NS, true},
    {"2024-01-03T09:30-0500", AT_0930 + 5 * MBAR_HOUR_NS, true},
    {"2024-01-03T09:30-05", AT_0930 + 5 * MBAR_HOUR_NS, true},
    {"2024-01-03T09:30:00+05:45", AT_0930 - 5 * MBAR_HOUR_NS - 45 * MBAR_MINUTE_NS, true},
    {"2024-01-03T09:30:00-00:00", AT_0930, true},
    {"2024-02-29", INT64_C(1709164800000000000), false},
    {"2000-02-29", INT64_C(951782400000000000), false},
    {"2262-04-11T23:47:16.854775807Z", INT64_MAX, true},
    {"1677-09-21T00:12:43.145224192Z", INT64_MIN, true},
    {"2262-04-12T00:47:16.854775807+01:00", INT64_MAX, true},
    {"1677-09-20T23:12:43.145224192-01:00", INT64_MIN, true},
};

static void parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) {
        int64_t ns = 0;
        bool has_offset = !goods[i].has_offset;
        assert_ok(mbar_time_parse(goods[i].text, &ns, &has_offset, &error));
        if (ns != goods[i].ns || has_offset != goods[i].has_offset)
            fail_msg("%s: %lld", goods[i].text, (long long)ns);
    }
}

typedef struct bad {
    const char *text;
    const char *message;
} bad;

static const bad bads[] = {
    {"", "column 1: expected a year"},
    {"24-01-03", "column 3: expected a year"},
    {"02024-01-03", "column 5: expected \"-\""},
    {"2024", "column 5: expected \"-\""},
    {"2024-1-03", "column 7: expected a month"},
    {"2024-13-01", "column 6: expected a month"},
    {"2024-00-01", "column 6: expected a month"},
    {"2024-01-00", "column 9: expected a day"},
    {"2024-02-30", "column 9: expected a day"},
    {"2023-02-29", "column 9: expected a day"},
    {"1900-02-29", "column 9: expected a day"},
    {"2024-04-31", "column 9: expected a day"},
    {"2024-01-03 ", "column 12: expected an hour"},
    {" 2024-01-03", "column 1: expected a year"},
    {"2024-01-03x", "column 11: expected the end"},
    {"2024-01-03Z", "column 11: expected the end"},
    {"2024-01-03T09", "column 14: expected \":\""},
    {"2024-01-03T24:00", "column 12: expected an hour"},
    {"2024-01-03T09:60", "column 15: expected a minute"},
    {"2024-01-03T09:30:60", "column 18: expected a second"},
    {"2024-01-03T09:30:", "column 18: expected a second"},
    {"2024-01-03T09:30:00.", "column 21: expected a digit"},
    {"2024-01-03T09:30:00.1234567890", "column 30: expected at most nine"},
    {"2024-01-03T09:30.5", "column 17: expected the end"},
    {"2024-01-03T09:30:00 Z", "column 20: expected the end"},
    {"2024-01-03T09:30:00ZZ", "column 21: expected the end"},
    {"2024-01-03T09:30:00+", "column 21: expected offset hours"},
    {"2024-01-03T09:30:00+24:00", "column 21: expected offset hours"},
    {"2024-01-03T09:30:00+05:", "column 24: expected offset minutes"},
    {"2024-01-03T09:30:00+05:60", "column 24: expected offset minutes"},
    {"2024-01-03T09:30:00+050", "column 24: expected offset minutes"},
    {"2024-01-03T09:30:00+05:00:00", "column 26: expected the end"},
    {"-024-01-03", "column 1: expected a year"},
    {"+024-01-03", "column 1: expected a year"},
    {"2262-04-11T23:47:16.854775808Z", "outside the range"},
    {"1677-09-21T00:12:43.145224191Z", "outside the range"},
    {"2262-04-11T23:47:16.854775807-00:01", "outside the range"},
    {"1677-09-21", "outside the range"},
    {"0000-01-01", "outside the range"},
    {"9999-12-31", "outside the range"},
};

static void refuse(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        int64_t ns = 77;
        bool has_offset = true;
        assert_fails(MBAR_INVALID, bads[i].message,
                     mbar_time_parse(bads[i].text, &ns, &has_offset, &error));
        assert_int_equal(ns, 77);
        assert_true(has_offset);
        assert_int_equal(mbar_time_parse(bads[i].text, &ns, &has_offset, NULL), MBAR_INVALID);
    }
}

static void format(void **state)
{
    (void)state;
    char text[40];
    mbar_time_format(AT_0930, text, sizeof text);
    assert_string_equal(text, "2024-01-03T09:30:00Z");
    mbar_time_format(AT_0930 + 500000000, text, sizeof text);
    assert_string_equal(text, "2024-01-03T09:30:00.5Z");
    mbar_time_format(AT_0930 + 10, text, sizeof text);
    assert_string_equal(text, "2024-01-03T09:30:00.00000001Z");
    mbar_time_format(INT64_MIN, text, sizeof text);
    assert_string_equal(text, "1677-09-21T00:12:43.145224192Z");
    mbar_time_format(INT64_MAX, text, sizeof text);
    assert_string_equal(text, "2262-04-11T23:47:16.854775807Z");
    mbar_time_format(0, text, 5);
    assert_string_equal(text, "1970");
    text[0] = 'x';
    mbar_time_format(0, text, 0);
    assert_int_equal(text[0], 'x');
}

/* Writing, then reading, gives the same int64, over the whole range. */
static void inverse(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252;
    for (int i = 0; i < 200000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        int64_t ns = (int64_t)bits;
        if (i % 4 == 1)
            ns -= mbar_floor_mod(ns, MBAR_SECOND_NS);
        char text[40];
        int64_t back;
        bool has_offset;
        if (i % 4 == 1 && ns > (int64_t)bits)
            continue; /* wrapped below the range */
        mbar_time_format(ns, text, sizeof text);
        assert_ok(mbar_time_parse(text, &back, &has_offset, &error));
        if (back != ns || !has_offset)
            fail_msg("%s: %lld is not %lld", text, (long long)back, (long long)ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units),  cmocka_unit_test(calendar), cmocka_unit_test(parse),
        cmocka_unit_test(refuse), cmocka_unit_test(format),   cmocka_unit_test(inverse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
