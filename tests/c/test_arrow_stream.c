/* test_arrow_stream.c - streams of hand-made producers as tables. */
#include "arrow_support.h"

#include <errno.h>

/* A stream of batches {x: int64, name: text or dictionary}; ends, or fails. */
typedef struct producer {
    int n_batches;
    int next;
    bool dictionary;
    int schema_errno;
    int batch_errno; /* instead of the end */
    const char *message;
    int n_released; /* arrays */
    int n_stream_released;
} producer;

static struct ArrowSchema entry_schema;
static struct ArrowSchema fields[2];
static struct ArrowSchema *field_list[] = {&fields[0], &fields[1]};

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    const producer *self = stream->private_data;
    if (self->schema_errno)
        return self->schema_errno;
    fields[0] = schema_of("l", "x");
    fields[1] = schema_of(self->dictionary ? "i" : "u", "name");
    entry_schema = schema_of("u", NULL);
    if (self->dictionary)
        fields[1].dictionary = &entry_schema;
    *out = struct_schema(field_list, 2);
    return 0;
}

/* Batch k has rows k*10 .. k*10+2, named by "a".."z" in turn; its dictionary is
 * its own. */
static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    producer *self = stream->private_data;
    if (self->next == self->n_batches) {
        out->release = NULL;
        return self->batch_errno;
    }
    int k = self->next++;
    int64_t n = k == 1 ? 0 : 3; /* the second batch is empty */
    const int64_t x[] = {k * 10, k * 10 + 1, k * 10 + 2};
    const int32_t offsets[] = {0, 1, 2, 3};
    const int32_t codes[] = {2, 0, 1};
    char bytes[3];
    for (int i = 0; i < 3; i++)
        bytes[i] = (char)('a' + (k + i) % 26);
    struct ArrowArray children[2];
    children[0] = make_array(n, 0, 0, (piece[]){NO_PIECE, PIECE(x)}, 2, &self->n_released);
    piece text[] = {NO_PIECE, PIECE(offsets), {bytes, 3}};
    if (self->dictionary) {
        children[1] = make_array(n, 0, 0, (piece[]){NO_PIECE, PIECE(codes)}, 2, &self->n_released);
        children[1].dictionary = on_heap(make_array(3, 0, 0, text, 3, &self->n_released));
    } else {
        children[1] = make_array(n, 0, 0, text, 3, &self->n_released);
    }
    *out = make_struct(n, 0, NULL, children, 2, &self->n_released);
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    return ((producer *)stream->private_data)->message;
}

static void release(struct ArrowArrayStream *stream)
{
    ((producer *)stream->private_data)->n_stream_released++;
    stream->release = NULL;
}

static struct ArrowArrayStream stream_of(producer *self)
{
    return (struct ArrowArrayStream){get_schema, get_next, get_last_error, release, self};
}

static int n_arrays(const producer *self)
{
    return self->n_batches * (self->dictionary ? 4 : 3);
}

static void check_batches(int n_batches, bool dictionary)
{
    producer self = {.n_batches = n_batches, .dictionary = dictionary};
    struct ArrowArrayStream stream = stream_of(&self);
    mbar_table *table = NULL;
    assert_ok(mbar_table_from_arrow_stream(&stream, &table, &error));
    assert_null(stream.release);
    assert_int_equal(self.n_stream_released, 1);
    int64_t n = n_batches == 0 ? 0 : n_batches == 1 ? 3 : (n_batches - 1) * 3;
    assert_int_equal(mbar_table_rows(table), n);
    const mbar_column *x = mbar_table_column(table, 0);
    const mbar_column *name = mbar_table_column(table, 1);
    assert_string_equal(mbar_column_field(name)->name, "name");
    assert_int_equal(mbar_column_field(name)->type, dictionary ? MBAR_TYPE_DICT : MBAR_TYPE_UTF8);
    static const int order[] = {2, 0, 1};
    for (int64_t i = 0; i < n; i++) {
        int64_t k = i / 3 + (i / 3 > 0); /* batch 1 is empty */
        assert_int_equal(((const int64_t *)mbar_column_values(x))[i], k * 10 + i % 3);
        int64_t letter = dictionary ? k + order[i % 3] : k + i % 3;
        assert_text(name, i, (char[]){(char)('a' + letter % 26), '\0'});
    }
    /* One batch is shared, several are copied and let go. */
    assert_int_equal(self.n_released, n_batches == 1 ? 0 : n_arrays(&self));
    mbar_table_unref(table);
    assert_int_equal(self.n_released, n_arrays(&self));
}

static void batches(void **state)
{
    (void)state;
    for (int n = 0; n < 30; n++) {
        check_batches(n, false);
        check_batches(n, true);
    }
}

static void stream_fails(producer *self, mbar_status expected, const char *part)
{
    struct ArrowArrayStream stream = stream_of(self);
    mbar_table *table = (mbar_table *)7;
    assert_fails(expected, part, mbar_table_from_arrow_stream(&stream, &table, &error));
    assert_ptr_equal(table, (mbar_table *)7);
    assert_non_null(stream.release); /* still the caller's */
    assert_int_equal(self->n_stream_released, 0);
    assert_int_equal(self->n_released, self->next * 3);
    stream.release(&stream);
}

static void producer_errors(void **state)
{
    (void)state;
    static const struct {
        int errnum;
        mbar_status status;
    } all[] = {
        {ENOMEM, MBAR_NOMEM},   {EIO, MBAR_IO},       {ENOSYS, MBAR_UNSUPPORTED},
        {EINVAL, MBAR_INVALID}, {1234, MBAR_INVALID},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        producer late = {.n_batches = 3, .batch_errno = all[i].errnum, .message = "disk on fire"};
        stream_fails(&late, all[i].status, "failed to give a batch: disk on fire");
        producer early = {.schema_errno = all[i].errnum};
        stream_fails(&early, all[i].status, "failed to give its schema: no reason given");
    }
}

static int bad_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    (void)stream;
    *out = schema_of("l", "x");
    return 0;
}

static int dead_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    (void)stream;
    *out = (struct ArrowSchema){0};
    return 0;
}

static int bad_batch(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    int result = get_next(stream, out);
    if (result == 0 && out->release && ((producer *)stream->private_data)->next == 3)
        out->children[1]->n_buffers = 2;
    return result;
}

static void bad_streams(void **state)
{
    (void)state;
    producer self = {.n_batches = 5};
    struct ArrowArrayStream stream = stream_of(&self);
    mbar_table *table = (mbar_table *)7;
    stream.get_schema = bad_schema;
    assert_fails(MBAR_INVALID, "is a struct",
                 mbar_table_from_arrow_stream(&stream, &table, &error));
    stream.get_schema = dead_schema;
    assert_fails(MBAR_INVALID, "schema has been released",
                 mbar_table_from_arrow_stream(&stream, &table, &error));
    stream.get_schema = get_schema;
    stream.get_next = bad_batch;
    assert_fails(MBAR_INVALID, "column \"name\": Arrow array: the number of buffers",
                 mbar_table_from_arrow_stream(&stream, &table, &error));
    assert_int_equal(self.n_released, 9);
    stream.release(&stream);
    assert_fails(MBAR_INVALID, "stream has been released",
                 mbar_table_from_arrow_stream(&stream, &table, &error));
    assert_ptr_equal(table, (mbar_table *)7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(batches),
        leak_checked(producer_errors),
        leak_checked(bad_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
