/* test_table_misuse.c - what only a programmer can do wrong stops at once, in
 * every build. Each case runs in a child process, which must abort. */
#include "support.h"
#include "misuse.h"

#include "base/alloc.h"

static mbar_column *column;
static mbar_column *bools;
static mbar_table *table;
static mbar_column *out;
static mbar_table *table_out;

static int set_up(void **state)
{
    (void)state;
    const int64_t values[] = {1, 2, 3};
    column = column_of(field_of("x", MBAR_TYPE_INT64), values, 3, NULL);
    bools = bool_column_of("b", "101", NULL);
    assert_ok(mbar_table_new((mbar_column *[]){column, bools}, 2, &table, &error));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mbar_column_unref(column);
    mbar_column_unref(bools);
    mbar_table_unref(table);
    return 0;
}

static void slice_beyond(void)
{
    (void)!mbar_column_slice(column, 1, 3, &out, NULL);
}
static void slice_overflow(void)
{
    (void)!mbar_column_slice(column, 3, INT64_MAX, &out, NULL);
}
static void slice_before(void)
{
    (void)!mbar_table_slice(table, -1, 1, &table_out, NULL);
}
static void take_beyond(void)
{
    (void)!mbar_column_take(column, (int64_t[]){0, 3}, 2, &out, NULL);
}
static void take_before(void)
{
    (void)!mbar_table_take(table, (int64_t[]){-2}, 1, &table_out, NULL);
}
static void row_beyond(void)
{
    mbar_column_is_valid(column, 3);
}
static void bool_of_number(void)
{
    mbar_column_bool(column, 0);
}
static void values_of_bools(void)
{
    mbar_column_values(bools);
}
static void text_of_number(void)
{
    size_t n_bytes;
    mbar_column_text(column, 0, &n_bytes);
}
static void column_beyond(void)
{
    mbar_table_column(table, 2);
}
static void concat_nothing(void)
{
    (void)!mbar_column_concat(&column, 0, &out, NULL);
}
static void ref_null(void)
{
    mbar_table_ref(NULL);
}
static void write_shared(void)
{
    mbar_buffer *buffer = NULL;
    (void)!mbar_buffer_new(8, &buffer, NULL);
    mbar_buffer_ref(buffer);
    mbar_buffer_writable(buffer);
}
static void write_foreign(void)
{
    mbar_buffer *buffer = NULL;
    (void)!mbar_buffer_wrap("abc", 3, NULL, NULL, &buffer, NULL);
    mbar_buffer_writable(buffer);
}
static void free_foreign(void)
{
    static max_align_t bytes[8];
    mbar_free(bytes + 4);
}
static void free_inside(void)
{
    mbar_free((char *)mbar_alloc(256, NULL) + 64);
}
static void parse_null(void)
{
    int64_t ns;
    bool has_offset;
    (void)!mbar_time_parse(NULL, &ns, &has_offset, NULL);
}
static void unknown_unit(void)
{
    mbar_unit_ns((mbar_unit)4);
}

static void misuse(void **state)
{
    (void)state;
    static const struct misuse_case cases[] = {
        MISUSE(slice_beyond),   MISUSE(slice_overflow),  MISUSE(slice_before),
        MISUSE(take_beyond),    MISUSE(take_before),     MISUSE(row_beyond),
        MISUSE(bool_of_number), MISUSE(values_of_bools), MISUSE(text_of_number),
        MISUSE(column_beyond),  MISUSE(concat_nothing),  MISUSE(ref_null),
        MISUSE(write_shared),   MISUSE(write_foreign),   MISUSE(free_foreign),
        MISUSE(free_inside),    MISUSE(parse_null),      MISUSE(unknown_unit),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        must_abort(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {leak_checked(misuse)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
