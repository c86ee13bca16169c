/* test_column_cast.c - casts: each pair of types, the edges of their ranges. */
#include "support.h"

#include "table/column.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* What a value of one type becomes in another: the C expression, or "no". */
typedef struct number {
    mbar_type type;
    union {
        int64_t i;
        int32_t i32;
        uint64_t u;
        float f32;
        double f;
        bool b;
    } v;
} number;

#define I(x)             \
    {                    \
        MBAR_TYPE_INT64, \
        {                \
            .i = (x)     \
        }                \
    }
#define I32(x)           \
    {                    \
        MBAR_TYPE_INT32, \
        {                \
            .i32 = (x)   \
        }                \
    }
#define U(x)              \
    {                     \
        MBAR_TYPE_UINT64, \
        {                 \
            .u = (x)      \
        }                 \
    }
#define F(x)               \
    {                      \
        MBAR_TYPE_FLOAT64, \
        {                  \
            .f = (x)       \
        }                  \
    }
#define F32(x)             \
    {                      \
        MBAR_TYPE_FLOAT32, \
        {                  \
            .f32 = (x)     \
        }                  \
    }
#define B(x)            \
    {                   \
        MBAR_TYPE_BOOL, \
        {               \
            .b = (x)    \
        }               \
    }
#define T(x)                 \
    {                        \
        MBAR_TYPE_TIMESTAMP, \
        {                    \
            .i = (x)         \
        }                    \
    }
#define NO(t)      \
    {              \
        t,         \
        {          \
            .i = 0 \
        }          \
    }

typedef struct cast_case {
    number from;
    number to;
    bool fits;
} cast_case;

static const cast_case cases[] = {
    {I(0), B(false), true},
    {I(1), B(true), true},
    {I(2), NO(MBAR_TYPE_BOOL), false},
    {I(-1), NO(MBAR_TYPE_BOOL), false},
    {I(INT32_MAX), I32(INT32_MAX), true},
    {I(INT32_MIN), I32(INT32_MIN), true},
    {I(INT32_MAX + INT64_C(1)), NO(MBAR_TYPE_INT32), false},
    {I(INT32_MIN - INT64_C(1)), NO(MBAR_TYPE_INT32), false},
    {I(INT64_MAX), U(INT64_MAX), true},
    {I(-1), NO(MBAR_TYPE_UINT64), false},
    {I(INT64_MAX), F(0x1p63), true},
    {I((INT64_C(1) << 53) + 1), F(0x1p53), true}, /* to even */
    {I((INT64_C(1) << 53) + 3), F(0x1p53 + 4), true},
    {I(16777217), F32(16777216.0f), true},
    /* Rounded once: through a double it would be 0x1p60f. */
    {I((INT64_C(1) << 60) + (INT64_C(1) << 36) + 1), F32(0x1.000002p60f), true},
    {I(INT64_MIN), F32(-0x1p63f), true},
    {I(INT64_MIN), T(INT64_MIN), true},
    {I32(-5), I(-5), true},
    {I32(-5), NO(MBAR_TYPE_UINT64), false},
    {I32(-5), F(-5), true},
    {I32(INT32_MAX), F32(0x1p31f), true},
    {I32(7), T(7), true},
    {U(1), B(true), true},
    {U(2), NO(MBAR_TYPE_BOOL), false},
    {U(INT32_MAX), I32(INT32_MAX), true},
    {U(INT32_MAX + UINT64_C(1)), NO(MBAR_TYPE_INT32), false},
    {U(INT64_MAX), I(INT64_MAX), true},
    {U(INT64_MAX + UINT64_C(1)), NO(MBAR_TYPE_INT64), false},
    {U(UINT64_MAX), NO(MBAR_TYPE_TIMESTAMP), false},
    {U(UINT64_MAX), F(0x1p64), true},
    {U(UINT64_MAX), F32(0x1p64f), true},
    {F(0.0), B(false), true},
    {F(-0.0), B(false), true},
    {F(1.0), B(true), true},
    {F(0.5), NO(MBAR_TYPE_BOOL), false},
    {F(NAN), NO(MBAR_TYPE_BOOL), false},
    {F(2147483647.0), I32(INT32_MAX), true},
    {F(2147483647.5), NO(MBAR_TYPE_INT32), false},
    {F(2147483648.0), NO(MBAR_TYPE_INT32), false},
    {F(-2147483648.0), I32(INT32_MIN), true},
    {F(-2147483649.0), NO(MBAR_TYPE_INT32), false},
    {F(1.5), NO(MBAR_TYPE_INT64), false},
    {F(-0.0), I(0), true},
    {F(0x1p63), NO(MBAR_TYPE_INT64), false},
    {F(0x1.fffffffffffffp62), I(INT64_MAX - 1023), true},
    {F(-0x1p63), I(INT64_MIN), true},
    {F(-0x1.0000000000001p63), NO(MBAR_TYPE_INT64), false},
    {F(NAN), NO(MBAR_TYPE_INT64), false},
    {F(INFINITY), NO(MBAR_TYPE_INT64), false},
    {F(-INFINITY), NO(MBAR_TYPE_TIMESTAMP), false},
    {F(1704274200.0), T(1704274200), true},
    {F(0x1p63), U(UINT64_C(1) << 63), true},
    {F(0x1p64), NO(MBAR_TYPE_UINT64), false},
    {F(-0.0), U(0), true},
    {F(-1.0), NO(MBAR_TYPE_UINT64), false},
    {F(NAN), NO(MBAR_TYPE_UINT64), false},
    {F(0.1), F32(0.1f), true},
    {F(FLT_MAX), F32(FLT_MAX), true},
    {F(0x1.fffffefffffffp127), F32(FLT_MAX), true},
    {F(0x1.ffffffp127), NO(MBAR_TYPE_FLOAT32), false},
    {F(-0x1.ffffffp127), NO(MBAR_TYPE_FLOAT32), false},
    {F(DBL_MAX), NO(MBAR_TYPE_FLOAT32), false},
    {F(INFINITY), F32(INFINITY), true},
    {F(NAN), F32(NAN), true},
    {F(1e-300), F32(0.0f), true},
    {F32(0.1f), F((double)0.1f), true},
    {F32(-INFINITY), F(-INFINITY), true},
    {F32(0x1p62f), I(INT64_C(1) << 62), true},
    {F32(0.5f), NO(MBAR_TYPE_INT32), false},
    {B(true), I(1), true},
    {B(false), I32(0), true},
    {B(true), U(1), true},
    {B(true), F(1.0), true},
    {B(true), F32(1.0f), true},
    {B(true), T(1), true},
    {T(INT64_MAX), I(INT64_MAX), true},
    {T(5), I32(5), true},
    {T(-5), F(-5), true},
    {T(-5), NO(MBAR_TYPE_UINT64), false},
    {T(1), B(true), true},
};

static mbar_column *single(const number *value, const char *valid)
{
    if (value->type == MBAR_TYPE_BOOL)
        return bool_column_of("x", value->v.b ? "1" : "0", valid);
    return column_of(field_of("x", value->type), &value->v, 1, valid);
}

static bool same_value(const mbar_column *column, const number *expected)
{
    if (expected->type == MBAR_TYPE_BOOL)
        return mbar_column_bool(column, 0) == expected->v.b;
    return memcmp(mbar_column_values(column), &expected->v, mbar_type_width(expected->type)) == 0;
}

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const cast_case *c = &cases[i];
        mbar_column *from = single(&c->from, NULL);
        mbar_column *to = (mbar_column *)7;
        mbar_error error;
        mbar_status status = mbar_column_cast(from, c->to.type, MBAR_UNIT_NS, &to, &error);
        if (status != (c->fits ? MBAR_OK : MBAR_INVALID))
            fail_msg("case %d: %s %s", (int)i, mbar_status_name(status), error.message);
        if (c->fits) {
            if (!same_value(to, &c->to))
                fail_msg("case %d: another value", (int)i);
            assert_int_equal(mbar_column_field(to)->type, c->to.type);
            assert_string_equal(mbar_column_field(to)->name, "x");
            mbar_column_unref(to);
        } else {
            assert_ptr_equal(to, (mbar_column *)7);
            assert_int_equal(error.row, 0);
            assert_non_null(strstr(error.message, "column \"x\": row 0: "));
            assert_non_null(strstr(error.message, "does not fit"));
        }
        mbar_column_unref(from);
        /* Under a null everything fits. */
        from = single(&c->from, "0");
        assert_ok(mbar_column_cast(from, c->to.type, MBAR_UNIT_NS, &to, &error));
        assert_valid(to, "0");
        mbar_column_unref(to);
        mbar_column_unref(from);
    }
}

static void messages(void **state)
{
    (void)state;
    mbar_column *to = NULL;
    mbar_column *x =
        column_of(field_of("volume", MBAR_TYPE_FLOAT64), (double[]){1, NAN, 2, 2.5}, 4, "1011");
    mbar_error error;
    assert_int_equal(mbar_column_cast(x, MBAR_TYPE_INT64, 0, &to, &error), MBAR_INVALID);
    assert_string_equal(error.message, "column \"volume\": row 3: 2.5 does not fit int64");
    assert_int_equal(error.row, 3);
    assert_int_equal(mbar_column_cast(x, MBAR_TYPE_INT64, 0, &to, NULL), MBAR_INVALID);
    mbar_column_unref(x);
    x = column_of(field_of("t", MBAR_TYPE_UINT64), (uint64_t[]){UINT64_MAX}, 1, NULL);
    assert_fails(MBAR_INVALID, "18446744073709551615 does not fit int32",
                 mbar_column_cast(x, MBAR_TYPE_INT32, 0, &to, &error));
    mbar_column_unref(x);
}

static mbar_column *times(mbar_unit unit, const char *zone, const int64_t *values, int64_t n,
                          const char *valid)
{
    mbar_field field = {"t", MBAR_TYPE_TIMESTAMP, unit, zone, true};
    return column_of(field, values, n, valid);
}

static void units(void **state)
{
    (void)state;
    const int64_t ns[] = {0, 999, 1000, -1, -1000, -1001, INT64_MIN, INT64_MAX};
    const int64_t us[] = {0, 0, 1, -1, -1, -2, INT64_MIN / 1000 - 1, INT64_MAX / 1000};
    mbar_column *from = times(MBAR_UNIT_NS, "America/New_York", ns, 8, NULL);
    mbar_column *to = NULL;
    assert_ok(mbar_column_cast(from, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_US, &to, &error));
    assert_memory_equal(mbar_column_values(to), us, sizeof us);
    assert_int_equal(mbar_column_field(to)->unit, MBAR_UNIT_US);
    assert_string_equal(mbar_column_field(to)->zone, "America/New_York");
    mbar_column_unref(to);
    mbar_column *same = NULL;
    assert_ok(mbar_column_cast(from, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, &same, &error));
    assert_ptr_equal(same, from);
    mbar_column_unref(same);
    mbar_column_unref(from);

    const int64_t seconds[] = {1, -1, 9223372036, -9223372036, 9223372037};
    from = times(MBAR_UNIT_S, NULL, seconds, 4, NULL);
    assert_ok(mbar_column_cast(from, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, &to, &error));
    const int64_t *got = mbar_column_values(to);
    for (int i = 0; i < 4; i++)
        assert_int_equal(got[i], seconds[i] * MBAR_SECOND_NS);
    assert_null(mbar_column_field(to)->zone);
    mbar_column_unref(to);
    mbar_column_unref(from);
    from = times(MBAR_UNIT_S, NULL, seconds, 5, NULL);
    assert_fails(MBAR_INVALID, "row 4: 9223372037 s does not fit timestamp[ns]",
                 mbar_column_cast(from, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, &to, &error));
    mbar_column_unref(from);
    from = times(MBAR_UNIT_S, NULL, seconds, 5, "11110");
    assert_ok(mbar_column_cast(from, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, &to, &error));
    assert_valid(to, "11110");
    mbar_column_unref(to);
    mbar_column_unref(from);
}

/* Numbers and timestamps of the same width share their buffers. */
static void relabelled(void **state)
{
    (void)state;
    const int64_t values[] = {1, 2, 3, 4};
    mbar_column *from = times(MBAR_UNIT_MS, "UTC", values, 4, "1011");
    mbar_column *part = NULL;
    mbar_column *to = NULL;
    assert_ok(mbar_column_slice(from, 1, 3, &part, &error));
    assert_ok(mbar_column_cast(part, MBAR_TYPE_INT64, 0, &to, &error));
    assert_ptr_equal(mbar_column_values(to), mbar_column_values(part));
    assert_valid(to, "011");
    assert_null(mbar_column_field(to)->zone);
    mbar_column *back = NULL;
    assert_ok(mbar_column_cast(to, MBAR_TYPE_TIMESTAMP, MBAR_UNIT_S, &back, &error));
    assert_int_equal(mbar_column_field(back)->unit, MBAR_UNIT_S);
    assert_ptr_equal(mbar_column_values(back), mbar_column_values(part));
    mbar_column_unref(back);
    mbar_column_unref(to);
    mbar_column_unref(part);
    mbar_column_unref(from);
}

/* Longer than the chunk, sliced at odd bits, with nulls over what cannot fit. */
static void long_column(void **state)
{
    (void)state;
    enum { N_LONG = 3000 };
    static double values[N_LONG];
    static char valid[N_LONG + 1];
    for (int i = 0; i < N_LONG; i++) {
        valid[i] = i % 7 == 3 ? '0' : '1';
        values[i] = i % 7 == 3 ? NAN : i;
    }
    mbar_column *whole = column_of(field_of("x", MBAR_TYPE_FLOAT64), values, N_LONG, valid);
    mbar_column *part = NULL;
    mbar_column *to = NULL;
    assert_ok(mbar_column_slice(whole, 5, N_LONG - 5, &part, &error));
    assert_ok(mbar_column_cast(part, MBAR_TYPE_INT32, 0, &to, &error));
    assert_valid(to, valid + 5);
    for (int i = 5; i < N_LONG; i++)
        if (valid[i] == '1')
            assert_int_equal(((const int32_t *)mbar_column_values(to))[i - 5], i);
    mbar_column_unref(to);
    mbar_column_unref(part);
    mbar_column_unref(whole);
}

static void text_is_refused(void **state)
{
    (void)state;
    mbar_column *text = text_column_of("t", (const char *[]){"1"}, 1);
    mbar_column *number = bool_column_of("b", "1", NULL);
    mbar_column *to = NULL;
    assert_fails(MBAR_UNSUPPORTED, "no cast from utf8 to int64",
                 mbar_column_cast(text, MBAR_TYPE_INT64, 0, &to, &error));
    assert_fails(MBAR_UNSUPPORTED, "no cast from bool to dictionary",
                 mbar_column_cast(number, MBAR_TYPE_DICT, 0, &to, &error));
    assert_ok(mbar_column_cast(text, MBAR_TYPE_UTF8, 0, &to, &error));
    assert_ptr_equal(to, text);
    mbar_column_unref(to);
    mbar_column_unref(text);
    mbar_column_unref(number);
}

static void no_rows(void **state)
{
    (void)state;
    for (int from = MBAR_TYPE_BOOL; from <= MBAR_TYPE_TIMESTAMP; from++)
        for (int type = MBAR_TYPE_BOOL; type <= MBAR_TYPE_TIMESTAMP; type++) {
            mbar_field field = field_of("x", (mbar_type)from);
            mbar_column *column = NULL;
            mbar_column *to = NULL;
            assert_ok(mbar_column_new_empty(&field, &column, &error));
            assert_ok(mbar_column_cast(column, (mbar_type)type, MBAR_UNIT_S, &to, &error));
            assert_int_equal(mbar_column_rows(to), 0);
            mbar_column_unref(to);
            mbar_column_unref(column);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(each_case),       leak_checked(messages),   leak_checked(units),
        leak_checked(no_rows),         leak_checked(relabelled), leak_checked(long_column),
        leak_checked(text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
