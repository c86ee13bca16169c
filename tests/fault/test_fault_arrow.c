/* test_fault_arrow.c - Arrow in and out with the N-th allocation failing: what
 * was the caller's stays the caller's, whole and unreleased. */
#include "../c/arrow_support.h"
#include "fault.h"

#include "table/column.h"

#define UNTOUCHED ((void *)7)

static mbar_table *table;

static int set_up(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, 4, 5};
    mbar_field time = {"time", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_S, "UTC", true};
    mbar_column *columns[] = {
        column_of(field_of("x", MBAR_TYPE_FLOAT64), values, 5, "11011"),
        column_of(time, values, 5, NULL),
        bool_column_of("b", "10110", "01111"),
        text_column_of("t", (const char *[]){"a", NULL, "b", "cd", ""}, 5),
        dict_column_of("d", (int32_t[]){0, 1, 0, 1, 0}, 5, "11101", (const char *[]){"MES", "ES"},
                       2),
    };
    mbar_table *whole = NULL;
    assert_ok(mbar_table_new(columns, 5, &whole, &error));
    assert_ok(mbar_table_slice(whole, 1, 4, &table, &error));
    for (int i = 0; i < 5; i++)
        mbar_column_unref(columns[i]);
    mbar_table_unref(whole);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mbar_table_unref(table);
    return mbar_memory_live_bytes() == 0 ? 0 : -1;
}

/* ---- Out ----------------------------------------------------------------- */

static mbar_status export_column(void *ctx, mbar_error *error)
{
    struct ArrowSchema schema = {.n_children = 77};
    struct ArrowArray array = {.n_children = 77};
    mbar_status status = mbar_column_to_arrow(ctx, &schema, &array, error);
    if (status == MBAR_OK) {
        schema.release(&schema);
        array.release(&array);
    } else {
        assert_int_equal(schema.n_children, 77);
        assert_null(schema.release);
    }
    return status;
}

static mbar_status export_table(void *ctx, mbar_error *error)
{
    (void)ctx;
    struct ArrowSchema schema = {.n_children = 77};
    struct ArrowArray array = {.n_children = 77};
    mbar_status status = mbar_table_to_arrow(table, &schema, &array, error);
    if (status == MBAR_OK) {
        schema.release(&schema);
        array.release(&array);
    } else {
        assert_int_equal(schema.n_children, 77);
        assert_int_equal(array.n_children, 77);
    }
    return status;
}

static mbar_status export_stream(void *ctx, mbar_error *error)
{
    (void)ctx;
    struct ArrowArrayStream stream = {.private_data = UNTOUCHED};
    mbar_status status = mbar_table_to_arrow_stream(table, &stream, error);
    if (status == MBAR_OK)
        stream.release(&stream);
    else
        assert_ptr_equal(stream.private_data, UNTOUCHED);
    return status;
}

/* Out as a stream and in again, both ends failing. */
static mbar_status round_trip(void *ctx, mbar_error *error)
{
    (void)ctx;
    struct ArrowArrayStream stream;
    mbar_table *back = UNTOUCHED;
    mbar_status status = mbar_table_to_arrow_stream(table, &stream, error);
    if (status != MBAR_OK)
        return status;
    status = mbar_table_from_arrow_stream(&stream, &back, error);
    assert_int_equal(stream.release == NULL, status == MBAR_OK);
    if (status == MBAR_OK) {
        assert_true(mbar_table_equal(back, table));
        mbar_table_unref(back);
    } else {
        assert_ptr_equal(back, UNTOUCHED);
        stream.release(&stream);
    }
    return status;
}

static void exports(void **state)
{
    (void)state;
    for (int32_t i = 0; i < mbar_table_columns(table); i++)
        assert_true(fault_check_alloc(export_column, mbar_table_column(table, i)) >= 2);
    assert_true(fault_check_alloc(export_table, NULL) >= 20);
    assert_int_equal(fault_check_alloc(export_stream, NULL), 1);
    assert_true(fault_check_alloc(round_trip, NULL) >= 30);
}

/* ---- In ------------------------------------------------------------------ */

/* One array a way of importing; makes it anew for every step. */
typedef struct import_case {
    const char *format;
    int misaligned; /* this buffer, or -1 */
    bool null_entry;
} import_case;

static const import_case cases[] = {
    {"l", -1, false},  {"l", 1, false},  {"s", -1, false},  {"b", -1, false},
    {"u", -1, false},  {"u", 1, false},  {"U", -1, false},  {"vu", -1, false},
    {"di", -1, false}, {"di", -1, true}, {"dl", -1, false}, {"di", 1, false},
};

static struct ArrowArray case_array(const import_case *self, int *n_released)
{
    static const int64_t longs[] = {0, 1, 0, 1};
    static const int32_t ints[] = {0, 1, 0, 1};
    static const int16_t shorts[] = {0, 1, 0, 1};
    static const int32_t offsets[] = {0, 1, 1, 3};
    static const int64_t large[] = {0, 1, 1, 3};
    static const int32_t views[] = {1, 'a', 0, 0, 0, 0, 0, 0, 13, 0, 0, 0};
    static const int64_t sizes[] = {13};
    static const uint8_t bits[] = {0x05};
    const char *format = self->format[0] == 'd' ? self->format + 1 : self->format;
    struct ArrowArray array;
    if (strcmp(format, "u") == 0 || strcmp(format, "U") == 0) {
        piece data = *format == 'u' ? (piece)PIECE(offsets) : (piece)PIECE(large);
        array = make_array(3, -1, 0, (piece[]){PIECE(bits), data, {"abc", 3}}, 3, n_released);
    } else if (strcmp(format, "vu") == 0) {
        array = make_array(
            3, -1, 0, (piece[]){PIECE(bits), PIECE(views), {"thirteen long", 13}, PIECE(sizes)}, 4,
            n_released);
    } else {
        piece data = *format == 'i'   ? (piece)PIECE(ints)
                     : *format == 's' ? (piece)PIECE(shorts)
                                      : (piece)PIECE(longs);
        array = make_array(3, -1, 0, (piece[]){PIECE(bits), data}, 2, n_released);
    }
    if (self->format[0] == 'd')
        array.dictionary =
            on_heap(make_array(3, -1, 0,
                               (piece[]){self->null_entry ? (piece)PIECE(bits) : (piece)NO_PIECE,
                                         PIECE(offsets),
                                         {"abc", 3}},
                               3, n_released));
    if (self->misaligned >= 0)
        misalign(&array, self->misaligned);
    return array;
}

static mbar_status import_one(void *ctx, mbar_error *error)
{
    const import_case *self = ctx;
    int n_released = 0;
    bool is_dict = self->format[0] == 'd';
    struct ArrowSchema entries = schema_of("u", NULL);
    struct ArrowSchema schema = schema_of(self->format + is_dict, "x");
    schema.dictionary = is_dict ? &entries : NULL;
    struct ArrowArray array = case_array(self, &n_released);
    mbar_column *column = UNTOUCHED;
    mbar_status status = mbar_column_from_arrow(&schema, &array, &column, error);
    if (status == MBAR_OK) {
        assert_null(array.release);
        assert_int_equal(mbar_column_rows(column), 3);
        mbar_column_unref(column);
    } else {
        assert_ptr_equal(column, UNTOUCHED);
        assert_int_equal(n_released, 0);
        array.release(&array);
    }
    assert_int_equal(n_released, 1 + is_dict);
    return status;
}

static mbar_status import_table(void *ctx, mbar_error *error)
{
    (void)ctx;
    int n_released = 0;
    enum { N = sizeof cases / sizeof *cases };
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
    struct ArrowSchema entries = schema_of("u", NULL);
    struct ArrowSchema fields[N];
    struct ArrowSchema *list[N];
    struct ArrowArray children[N];
    for (int i = 0; i < N; i++) {
        bool is_dict = cases[i].format[0] == 'd';
        fields[i] = schema_of(cases[i].format + is_dict, names[i]);
        fields[i].dictionary = is_dict ? &entries : NULL;
        list[i] = &fields[i];
        children[i] = case_array(&cases[i], &n_released);
    }
    struct ArrowSchema schema = struct_schema(list, N);
    struct ArrowArray array = make_struct(2, 1, NULL, children, N, &n_released);
    mbar_table *out = UNTOUCHED;
    mbar_status status = mbar_table_from_arrow(&schema, &array, &out, error);
    if (status == MBAR_OK) {
        assert_null(array.release);
        mbar_table_unref(out);
    } else {
        assert_ptr_equal(out, UNTOUCHED);
        assert_int_equal(n_released, 0);
        array.release(&array);
    }
    assert_int_equal(n_released, N + 4 + 1);
    return status;
}

typedef struct batches {
    int n_left;
    int n_released;
} batches;

static struct ArrowSchema batch_entries;
static struct ArrowSchema batch_field;
static struct ArrowSchema *batch_fields[] = {&batch_field};

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    (void)stream;
    batch_entries = schema_of("u", NULL);
    batch_field = schema_of("i", "x");
    batch_field.dictionary = &batch_entries;
    *out = struct_schema(batch_fields, 1);
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    batches *self = stream->private_data;
    out->release = NULL;
    if (self->n_left-- == 0)
        return 0;
    struct ArrowArray child =
        case_array(&(import_case){"di", -1, self->n_left % 2}, &self->n_released);
    *out = make_struct(3, 0, NULL, &child, 1, &self->n_released);
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static mbar_status import_stream(void *ctx, mbar_error *error)
{
    int n_batches = *(const int *)ctx;
    batches self = {.n_left = n_batches};
    struct ArrowArrayStream stream = {get_schema, get_next, get_last_error, release_stream, &self};
    mbar_table *out = UNTOUCHED;
    mbar_status status = mbar_table_from_arrow_stream(&stream, &out, error);
    assert_int_equal(stream.release == NULL, status == MBAR_OK);
    if (status == MBAR_OK) {
        assert_int_equal(mbar_table_rows(out), 3 * n_batches);
        mbar_table_unref(out);
        assert_int_equal(self.n_released, 3 * n_batches);
    } else {
        assert_ptr_equal(out, UNTOUCHED);
    }
    assert_int_equal(self.n_released % 3, 0);
    return status;
}

static void imports(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(fault_check_alloc(import_one, (void *)&cases[i]) >= 3);
    assert_true(fault_check_alloc(import_table, NULL) >= 40);
    static const int n_batches[] = {0, 1, 2, 9};
    for (int i = 0; i < 4; i++)
        assert_true(fault_check_alloc(import_stream, (void *)&n_batches[i]) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(exports),
        leak_checked(imports),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
