/* test_arrow_export.c - columns, tables and streams handed out, and lifetimes. */
#include "arrow_support.h"

#include "table/column.h"

#include <errno.h>
#include <math.h>

#define N 21

static const char valid[] = "110101110010111011010";
static const char bools[] = "010011000111010110110";

/* A column of each type, with and without nulls. */
enum { N_COLUMNS = 12 };

static void make_columns(mbar_column *columns[N_COLUMNS])
{
    int64_t wide[N];
    int32_t narrow[N];
    double doubles[N];
    float floats[N];
    const char *texts[N];
    for (int i = 0; i < N; i++) {
        wide[i] = INT64_MAX / N * i;
        narrow[i] = i % 3;
        doubles[i] = i == 4 ? NAN : -i / 7.0;
        floats[i] = (float)i / 3.0f;
        texts[i] = valid[i] == '1' ? &"text of some length"[i % 19] : NULL;
    }
    mbar_field zoned = {"zoned", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "America/New_York", true};
    mbar_field plain = {"plain", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_S, NULL, false};
    const char *const entries[] = {"MES", "ES", ""};
    int k = 0;
    columns[k++] = column_of(field_of("i64", MBAR_TYPE_INT64), wide, N, NULL);
    columns[k++] = column_of(field_of("u64", MBAR_TYPE_UINT64), wide, N, valid);
    columns[k++] = column_of(field_of("i32", MBAR_TYPE_INT32), narrow, N, valid);
    columns[k++] = column_of(field_of("f64", MBAR_TYPE_FLOAT64), doubles, N, NULL);
    columns[k++] = column_of(field_of("f32", MBAR_TYPE_FLOAT32), floats, N, valid);
    columns[k++] = column_of(zoned, wide, N, valid);
    columns[k++] = column_of(plain, wide, N, NULL);
    columns[k++] = bool_column_of("b", bools, NULL);
    columns[k++] = bool_column_of("b nulls", bools, valid);
    columns[k++] = text_column_of("text", texts, N);
    columns[k++] = dict_column_of("dict", narrow, N, NULL, entries, 3);
    columns[k++] = dict_column_of("dict nulls", narrow, N, valid, entries, 3);
    assert_int_equal(k, N_COLUMNS);
}

static void unref_columns(mbar_column *columns[N_COLUMNS])
{
    for (int i = 0; i < N_COLUMNS; i++)
        mbar_column_unref(columns[i]);
}

static void schemas(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        int64_t flags;
        int64_t n_buffers;
    } expected[N_COLUMNS] = {
        {"l", 2, 2},    {"L", 2, 2}, {"i", 2, 2},
        {"g", 2, 2},    {"f", 2, 2}, {"tsn:America/New_York", 2, 2},
        {"tss:", 0, 2}, {"b", 2, 2}, {"b", 2, 2},
        {"u", 2, 3},    {"i", 2, 2}, {"i", 2, 2},
    };
    mbar_column *columns[N_COLUMNS];
    make_columns(columns);
    for (int i = 0; i < N_COLUMNS; i++) {
        struct ArrowSchema schema;
        struct ArrowArray array;
        assert_ok(mbar_column_to_arrow(columns[i], &schema, &array, &error));
        assert_string_equal(schema.format, expected[i].format);
        assert_string_equal(schema.name, mbar_column_field(columns[i])->name);
        assert_null(schema.metadata);
        assert_int_equal(schema.flags, expected[i].flags);
        assert_int_equal(schema.n_children, 0);
        bool is_dict = mbar_column_field(columns[i])->type == MBAR_TYPE_DICT;
        assert_int_equal(schema.dictionary != NULL, is_dict);
        assert_int_equal(array.dictionary != NULL, is_dict);
        if (is_dict) {
            assert_string_equal(schema.dictionary->format, "u");
            assert_int_equal(array.dictionary->length, 3);
            assert_int_equal(array.dictionary->n_buffers, 3);
        }
        assert_int_equal(array.length, N);
        assert_int_equal(array.offset, 0);
        assert_int_equal(array.null_count, mbar_column_nulls(columns[i]));
        assert_int_equal(array.n_buffers, expected[i].n_buffers);
        assert_int_equal(array.n_children, 0);
        assert_int_equal(array.buffers[0] == NULL, array.null_count == 0);
        assert_ptr_equal(array.buffers[1], mbar_buffer_data(columns[i]->data));
        schema.release(&schema);
        assert_null(schema.release);
        array.release(&array);
        assert_null(array.release);
    }
    unref_columns(columns);
}

/* Every slice of every type goes out and comes back the same, and uncopied. */
static void round_trips(void **state)
{
    (void)state;
    mbar_column *columns[N_COLUMNS];
    make_columns(columns);
    for (int i = 0; i < N_COLUMNS; i++)
        for (int64_t first = 0; first <= N; first++)
            for (int64_t n = 0; first + n <= N; n += 1 + n / 4) {
                struct ArrowSchema schema;
                struct ArrowArray array;
                mbar_column *slice = NULL;
                assert_ok(mbar_column_slice(columns[i], first, n, &slice, &error));
                assert_ok(mbar_column_to_arrow(slice, &schema, &array, &error));
                mbar_column *back = import_column(&schema, &array);
                schema.release(&schema);
                assert_true(mbar_column_equal(back, slice));
                const mbar_field *a = mbar_column_field(slice);
                const mbar_field *b = mbar_column_field(back);
                assert_string_equal(a->name, b->name);
                assert_int_equal(a->nullable, b->nullable);
                if (n && a->type != MBAR_TYPE_BOOL && a->type != MBAR_TYPE_UTF8)
                    assert_ptr_equal(mbar_column_values(back), mbar_column_values(slice));
                mbar_column_unref(slice); /* before what came of it */
                mbar_column_unref(back);
            }
    unref_columns(columns);
}

static mbar_table *make_table(void)
{
    mbar_column *columns[N_COLUMNS];
    mbar_table *table = NULL;
    make_columns(columns);
    assert_ok(mbar_table_new(columns, N_COLUMNS, &table, &error));
    unref_columns(columns);
    return table;
}

static void table_round_trip(void **state)
{
    (void)state;
    mbar_table *table = make_table();
    mbar_table *part = NULL;
    mbar_table *back = NULL;
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_ok(mbar_table_slice(table, 5, 13, &part, &error));
    assert_ok(mbar_table_to_arrow(part, &schema, &array, &error));
    mbar_table_unref(table);
    assert_string_equal(schema.format, "+s");
    assert_string_equal(schema.name, "");
    assert_int_equal(schema.flags, 0);
    assert_int_equal(schema.n_children, N_COLUMNS);
    assert_int_equal(array.n_children, N_COLUMNS);
    assert_int_equal(array.n_buffers, 1);
    assert_null(array.buffers[0]);
    assert_int_equal(array.length, 13);
    assert_int_equal(array.offset, 0);
    assert_int_equal(array.null_count, 0);
    assert_int_equal(array.children[3]->offset, 5);
    assert_ok(mbar_table_from_arrow(&schema, &array, &back, &error));
    assert_true(mbar_table_equal(part, back));
    mbar_table_unref(part);
    schema.release(&schema);
    mbar_table_unref(back);

    table = NULL;
    assert_ok(mbar_table_new(NULL, 0, &table, &error));
    assert_ok(mbar_table_to_arrow(table, &schema, &array, &error));
    assert_int_equal(schema.n_children, 0);
    assert_int_equal(array.length, 0);
    mbar_table_unref(table);
    schema.release(&schema);
    array.release(&array);
}

static void outlives_the_table(void **state)
{
    (void)state;
    mbar_table *table = make_table();
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_ok(mbar_table_to_arrow(table, &schema, &array, &error));
    mbar_table_unref(table);
    const int64_t *values = array.children[0]->buffers[1];
    assert_int_equal(values[N - 1], INT64_MAX / N * (N - 1));
    assert_string_equal(schema.children[11]->name, "dict nulls");
    array.release(&array);
    assert_string_equal(schema.children[9]->format, "u");
    schema.release(&schema);
}

/* A child may be moved out and outlive its parent; the parent then leaves it. */
static void moved_children(void **state)
{
    (void)state;
    mbar_table *table = make_table();
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_ok(mbar_table_to_arrow(table, &schema, &array, &error));
    mbar_table_unref(table);
    struct ArrowArray moved = *array.children[11];
    array.children[11]->release = NULL;
    struct ArrowSchema moved_schema = *schema.children[11];
    schema.children[11]->release = NULL;
    array.children[2]->release(array.children[2]); /* and one released early */
    array.release(&array);
    schema.release(&schema);
    struct ArrowArray dictionary = *moved.dictionary;
    moved.dictionary->release = NULL;
    const int32_t *codes = moved.buffers[1];
    assert_int_equal(codes[4], 1);
    moved.release(&moved);
    assert_memory_equal(dictionary.buffers[2], "MESES", 5);
    dictionary.release(&dictionary);
    assert_string_equal(moved_schema.name, "dict nulls");
    moved_schema.release(&moved_schema);
}

static void streams(void **state)
{
    (void)state;
    mbar_table *table = make_table();
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_ok(mbar_table_to_arrow_stream(table, &stream, &error));
    mbar_table_unref(table);
    for (int i = 0; i < 2; i++) { /* as often as the consumer likes */
        assert_int_equal(stream.get_schema(&stream, &schema), 0);
        assert_int_equal(schema.n_children, N_COLUMNS);
        schema.release(&schema);
    }
    assert_int_equal(stream.get_next(&stream, &array), 0);
    assert_int_equal(array.length, N);
    assert_null(stream.get_last_error(&stream));
    struct ArrowArray end = array;
    assert_int_equal(stream.get_next(&stream, &end), 0);
    assert_null(end.release);
    assert_int_equal(stream.get_next(&stream, &end), 0);
    assert_null(end.release);
    stream.release(&stream);
    assert_null(stream.release);
    const int64_t *values = array.children[0]->buffers[1];
    assert_int_equal(values[1], INT64_MAX / N);
    array.release(&array);
}

static void stream_of_no_rows(void **state)
{
    (void)state;
    mbar_table *table = make_table();
    mbar_table *none = NULL;
    mbar_table *back = NULL;
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    assert_ok(mbar_table_slice(table, 7, 0, &none, &error));
    assert_ok(mbar_table_to_arrow_stream(none, &stream, &error));
    assert_int_equal(stream.get_next(&stream, &array), 0);
    assert_null(array.release);
    assert_ok(mbar_table_from_arrow_stream(&stream, &back, &error));
    assert_null(stream.release);
    assert_true(mbar_table_equal(none, back));
    mbar_table_unref(back);
    mbar_table_unref(none);
    mbar_table_unref(table);
}

static void stream_out_of_memory(void **state)
{
    (void)state;
    mbar_table *table = make_table();
    struct ArrowArrayStream stream;
    struct ArrowSchema schema = {.n_children = 77};
    struct ArrowArray array = {.length = 77};
    assert_ok(mbar_table_to_arrow_stream(table, &stream, &error));
    mbar_set_memory_limit(1);
    assert_int_equal(stream.get_schema(&stream, &schema), ENOMEM);
    assert_int_equal(stream.get_next(&stream, &array), ENOMEM);
    assert_int_equal(schema.n_children, 77);
    assert_int_equal(array.length, 77);
    assert_non_null(strstr(stream.get_last_error(&stream), "memory limit"));
    mbar_set_memory_limit(0);
    assert_int_equal(stream.get_next(&stream, &array), 0); /* nothing was lost */
    assert_int_equal(array.length, N);
    array.release(&array);
    stream.release(&stream);
    mbar_table_unref(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(schemas),           leak_checked(round_trips),
        leak_checked(table_round_trip),  leak_checked(outlives_the_table),
        leak_checked(moved_children),    leak_checked(streams),
        leak_checked(stream_of_no_rows), leak_checked(stream_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
