/*
 * fuzz_arrow.c - libFuzzer target: Arrow structs made of any bytes.
 *
 * The bytes say formats, lengths, offsets, null counts and values. Each buffer
 * is as large as the interface promises, to the byte, so that ASan sees a read
 * past it; headers are now and then wrong in what the importer can check. What
 * comes in goes out again, is read cell by cell, cut, taken and joined. Beside
 * the sanitizers' word, findings are: an error without a message, an array
 * released not once, a table that is another after a round trip, and memory
 * that stays.
 *
 *   byte 0    1 + columns (0..3), rows, struct offset, wrongness
 *   then      a column after another, read by `take`; zeros after the last byte
 */
#include <millibar/table.h>

#include <stdlib.h>
#include <string.h>

#define MAX_COLUMNS 3
#define MAX_BUFFERS 6
#define CHECK(condition)  \
    do {                  \
        if (!(condition)) \
            abort();      \
    } while (0)

/* ---- What the bytes say -------------------------------------------------- */

typedef struct input {
    const uint8_t *data;
    size_t n_bytes;
} input;

static uint8_t take(input *in)
{
    if (in->n_bytes == 0) {
        return 0;
    }
    in->n_bytes--;
    return *in->data++;
}

static void take_bytes(input *in, void *out, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        ((uint8_t *)out)[i] = take(in);
    }
}

/* ---- A producer ---------------------------------------------------------- */

typedef struct produced {
    struct ArrowSchema schema, entries_schema;
    struct ArrowArray array, entries;
    const void *buffers[MAX_BUFFERS], *entry_buffers[MAX_BUFFERS];
    void *owned[2 * MAX_BUFFERS];
    int n_owned;
    char name[2];
} produced;

typedef struct producer {
    produced columns[MAX_COLUMNS];
    struct ArrowSchema schema, *schemas[MAX_COLUMNS];
    struct ArrowArray array, *arrays[MAX_COLUMNS];
    const void *buffers[1];
    uint8_t *validity;
    int n_released;
} producer;

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_child(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    ((producer *)array->private_data)->n_released++;
    array->release = NULL;
}

static void *own(produced *self, size_t n_bytes)
{
    void *data = malloc(n_bytes);
    CHECK(data != NULL || n_bytes == 0);
    self->owned[self->n_owned++] = data;
    return data;
}

static const void *random_buffer(produced *self, input *in, size_t n_bytes)
{
    void *data = own(self, n_bytes);
    take_bytes(in, data, n_bytes);
    return data;
}

/* n + 1 offsets that mostly rise, and the bytes that they promise. */
static void make_text(produced *self, input *in, const void **buffers, int64_t n, bool large)
{
    size_t width = large ? 8 : 4;
    char *offsets = own(self, (size_t)(n + 1) * width);
    int64_t at = take(in) % 4;
    for (int64_t i = 0; i <= n; i++) {
        int64_t far = take(in) == 255 ? INT64_C(1) << (take(in) % (large ? 63 : 31)) : 0;
        int64_t value = far != 0 && i < n ? -far : at;
        memcpy(offsets + (size_t)i * width, &value, width);
        at += take(in) % 17 - (take(in) == 254 ? 20 : 0);
    }
    int64_t n_text = 0;
    memcpy(&n_text, offsets + (size_t)n * width, width);
    n_text = large ? n_text : (int32_t)n_text;
    buffers[1] = offsets;
    buffers[2] = n_text > 0 ? random_buffer(self, in, (size_t)n_text) : NULL;
}

static void make_views(produced *self, input *in, const void **buffers, int64_t n)
{
    int64_t *sizes = own(self, 2 * sizeof *sizes);
    char *views = own(self, (size_t)n * 16);
    for (int i = 0; i < 2; i++) {
        sizes[i] = take(in) % 64;
        buffers[2 + i] = random_buffer(self, in, (size_t)sizes[i]);
    }
    for (int64_t i = 0; i < n; i++) {
        int32_t view[4] = {take(in) % 32, 0, take(in) % 3, take(in) % 64};
        take_bytes(in, &view[1], view[0] > 12 ? 4 : 12);
        view[0] -= take(in) == 255 ? 64 : 0;
        memcpy(views + (size_t)i * 16, view, sizeof view);
    }
    buffers[1] = views;
    buffers[4] = sizes;
}

static size_t width_of(char code)
{
    switch (code) {
    case 'c':
    case 'C':
        return 1;
    case 's':
    case 'S':
        return 2;
    case 'i':
    case 'I':
    case 'f':
        return 4;
    default:
        return 8;
    }
}

static size_t value_bytes(const char *format, int64_t n)
{
    if (format[0] == 'b') {
        return (size_t)(n + 7) / 8;
    }
    return (size_t)n * (strcmp(format, "tdD") == 0 ? 4 : width_of(format[0]));
}

/* n rows of a format, the offset counted in: its buffers, and what its header says of them. */
static void make_array(produced *self, input *in, const char *format, int64_t n,
                       struct ArrowArray *array, const void **buffers)
{
    *array = (struct ArrowArray){.null_count = -1, .buffers = buffers, .release = release_child};
    array->offset = n > 0 ? take(in) % n : 0;
    array->length = n - array->offset;
    if (take(in) % 2) {
        buffers[0] = random_buffer(self, in, (size_t)(n + 7) / 8);
    }
    if (format[0] == 'u' || format[0] == 'U') {
        make_text(self, in, buffers, n, format[0] == 'U');
        array->n_buffers = 3;
    } else if (format[0] == 'v') {
        make_views(self, in, buffers, n);
        array->n_buffers = 5;
    } else {
        buffers[1] = random_buffer(self, in, value_bytes(format, n));
        array->n_buffers = 2;
    }
}

/* A header that does not fit its format; it promises no more bytes than there are. */
static void spoil(struct ArrowArray *array, const void **buffers, uint8_t how)
{
    switch (how) {
    case 1:
        array->length = -array->length;
        break;
    case 2:
        array->offset = INT64_MAX - array->length % 2;
        break;
    case 3:
        array->n_buffers = 1;
        break;
    case 4:
        buffers[1] = NULL;
        break;
    case 5:
        array->null_count = array->length + 1;
        break;
    case 6:
        array->null_count = 1;
        break;
    case 7:
        array->n_children = 1;
        break;
    case 8:
        array->buffers = NULL;
        break;
    case 9:
        array->release = NULL;
        break;
    case 10:
        array->dictionary = array->dictionary ? NULL : array;
        break;
    default:
        break;
    }
}

static void make_column(produced *self, input *in, int number, int64_t n)
{
    static const char *const formats[] = {
        "b",
        "c",
        "C",
        "s",
        "S",
        "i",
        "I",
        "l",
        "L",
        "f",
        "g",
        "tdD",
        "tdm",
        "tss:",
        "tsm:UTC",
        "tsn:+05:30",
        "tsu:America/New_York",
        "u",
        "U",
        "vu",
        "i",
        "vz",
        "+l",
        "",
    };
    static const char *const texts[] = {"u", "U", "vu"};
    uint8_t kind = take(in), wrong = take(in);
    const char *format = formats[kind % (sizeof formats / sizeof *formats)];
    self->name[0] = (char)('a' + number);
    self->schema = (struct ArrowSchema){
        .format = format, .name = self->name, .flags = take(in) % 4, .release = release_schema};
    make_array(self, in, format, n, &self->array, self->buffers);
    if (kind >= 128 && strchr("cCsSiIlL", format[0]) != NULL && format[0] != '\0') {
        const char *text = texts[kind % 3];
        make_array(self, in, text, take(in) % 8, &self->entries, self->entry_buffers);
        self->entries_schema = (struct ArrowSchema){.format = text, .release = release_schema};
        self->schema.dictionary = &self->entries_schema;
        self->array.dictionary = &self->entries;
        if (wrong >= 32 && wrong < 48) {
            spoil(&self->entries, self->entry_buffers, wrong - 32);
        }
    }
    if (wrong < 16) {
        spoil(&self->array, self->buffers, wrong);
    }
}

static void make_table(producer *self, input *in)
{
    *self = (producer){.n_released = 0};
    int n_columns = take(in) % (MAX_COLUMNS + 1);
    int64_t n_rows = take(in) % 40, offset = n_rows > 0 ? take(in) % n_rows : 0;
    uint8_t wrong = take(in);
    for (int i = 0; i < n_columns; i++) {
        /* The struct's offset is added to the children's own, whose rows are enough or too few. */
        make_column(&self->columns[i], in, i, n_rows + take(in) % 9);
        self->schemas[i] = &self->columns[i].schema;
        self->arrays[i] = &self->columns[i].array;
    }
    if (wrong % 4 == 1) {
        self->validity = malloc((size_t)(n_rows + 7) / 8);
        memset(self->validity, wrong == 5 ? 0x7f : 0xff, (size_t)(n_rows + 7) / 8);
    }
    self->buffers[0] = self->validity;
    self->schema = (struct ArrowSchema){.format = wrong == 2 ? "+l" : "+s",
                                        .n_children = n_columns,
                                        .children = self->schemas,
                                        .release = release_schema};
    self->array = (struct ArrowArray){.length = n_rows - offset,
                                      .offset = offset,
                                      .n_buffers = wrong == 3 ? 2 : 1,
                                      .n_children = n_columns - (wrong == 6),
                                      .buffers = self->buffers,
                                      .children = self->arrays,
                                      .release = release_array,
                                      .private_data = self};
}

static void free_table(producer *self)
{
    for (int c = 0; c < MAX_COLUMNS; c++) {
        for (int i = 0; i < self->columns[c].n_owned; i++) {
            free(self->columns[c].owned[i]);
        }
    }
    free(self->validity);
}

/* ---- A consumer ---------------------------------------------------------- */

static void read_cells(const mbar_column *column)
{
    mbar_type type = mbar_column_field(column)->type;
    size_t width = mbar_type_width(type);
    uint64_t sum = 0;
    for (int64_t row = 0; row < mbar_column_rows(column); row++) {
        sum += mbar_column_is_valid(column, row);
        if (type == MBAR_TYPE_UTF8 || type == MBAR_TYPE_DICT) {
            size_t n_bytes;
            const char *text = mbar_column_text(column, row, &n_bytes);
            for (size_t i = 0; i < n_bytes; i++) {
                sum += (uint8_t)text[i];
            }
        } else if (type == MBAR_TYPE_BOOL) {
            sum += mbar_column_bool(column, row);
        } else {
            const char *values = mbar_column_values(column);
            sum += (uint8_t)values[(size_t)row * width + width - 1];
        }
    }
    volatile uint64_t kept = sum;
    (void)kept;
}

/* Through our own export and back. */
static void go_round(const mbar_table *table)
{
    struct ArrowSchema schema;
    struct ArrowArray array;
    mbar_table *back = NULL;
    CHECK(mbar_table_to_arrow(table, &schema, &array, NULL) == MBAR_OK);
    CHECK(mbar_table_from_arrow(&schema, &array, &back, NULL) == MBAR_OK);
    schema.release(&schema);
    CHECK(mbar_table_equal(table, back));
    mbar_table_unref(back);
}

static void cut_and_join(mbar_table *table)
{
    int64_t n = mbar_table_rows(table), rows[] = {n - 1, -1, 0, n / 2};
    mbar_table *parts[3] = {NULL}, *whole = NULL;
    if (n == 0) {
        return;
    }
    CHECK(mbar_table_slice(table, 0, n / 3, &parts[0], NULL) == MBAR_OK);
    CHECK(mbar_table_slice(table, n / 3, n - n / 3, &parts[1], NULL) == MBAR_OK);
    CHECK(mbar_table_concat(parts, 2, &whole, NULL) == MBAR_OK);
    CHECK(mbar_table_equal(whole, table));
    CHECK(mbar_table_take(table, rows, 4, &parts[2], NULL) == MBAR_OK);
    go_round(parts[1]);
    go_round(parts[2]);
    mbar_table_unref(whole);
    for (int i = 0; i < 3; i++) {
        mbar_table_unref(parts[i]);
    }
}

static void cast_columns(const mbar_table *table)
{
    for (int32_t i = 0; i < mbar_table_columns(table); i++) {
        static const mbar_type types[] = {MBAR_TYPE_FLOAT64, MBAR_TYPE_INT32, MBAR_TYPE_TIMESTAMP};
        read_cells(mbar_table_column(table, i));
        for (int k = 0; k < 3; k++) {
            mbar_column *out = NULL;
            if (mbar_column_cast(mbar_table_column(table, i), types[k], MBAR_UNIT_NS, &out, NULL) ==
                MBAR_OK) {
                read_cells(out);
            }
            mbar_column_unref(out);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static producer made;
    input in = {data, n_bytes};
    size_t live = mbar_memory_live_bytes();
    mbar_table *table = NULL;
    mbar_error error;
    mbar_error_init(&error);
    make_table(&made, &in);
    if (mbar_table_from_arrow(&made.schema, &made.array, &table, &error) == MBAR_OK) {
        CHECK(made.array.release == NULL);
        cast_columns(table);
        go_round(table);
        cut_and_join(table);
        mbar_table_unref(table);
        CHECK(made.n_released == 1);
    } else {
        CHECK(error.message[0] != '\0' && table == NULL && made.n_released == 0);
    }
    CHECK(mbar_memory_live_bytes() == live);
    free_table(&made);
    return 0;
}
