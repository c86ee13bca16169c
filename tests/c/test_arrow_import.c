/* test_arrow_import.c - arrays of hand-made producers as columns and tables. */
#include "arrow_support.h"

#include <math.h>
#include <stdio.h>

/* ---- Fixed width --------------------------------------------------------- */

static const uint8_t bits_101101[] = {0x2D}; /* rows 0..5: 1 0 1 1 0 1 */

static void shared(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        mbar_type type;
        mbar_unit unit;
        const char *zone;
    } all[] = {
        {"l", MBAR_TYPE_INT64, 0, NULL},
        {"L", MBAR_TYPE_UINT64, 0, NULL},
        {"g", MBAR_TYPE_FLOAT64, 0, NULL},
        {"tss:", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_S, NULL},
        {"tsm:UTC", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_MS, "UTC"},
        {"tsu:America/New_York", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_US, "America/New_York"},
        {"tsn:+05:30", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "+05:30"},
        {"tdm", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_MS, NULL},
    };
    const uint64_t values[] = {1, 2, 3, 4, 5, 6};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int n_released = 0;
        struct ArrowSchema schema = schema_of(all[i].format, "x");
        struct ArrowArray array =
            make_array(4, 2, 1, (piece[]){PIECE(bits_101101), PIECE(values)}, 2, &n_released);
        const uint64_t *data = array.buffers[1];
        mbar_column *column = import_column(&schema, &array);
        const mbar_field *field = mbar_column_field(column);
        assert_int_equal(field->type, all[i].type);
        assert_int_equal(field->unit, all[i].unit);
        assert_true(field->zone ? all[i].zone && strcmp(field->zone, all[i].zone) == 0
                                : !all[i].zone);
        assert_ptr_equal(mbar_column_values(column), data + 1);
        assert_valid(column, "0110");
        assert_int_equal(n_released, 0);
        mbar_column_unref(column);
        assert_int_equal(n_released, 1);
    }
}

static void shared_narrow_and_bool(void **state)
{
    (void)state;
    int n_released = 0;
    const float floats[] = {0.5f, NAN, -1.5f};
    struct ArrowSchema schema = schema_of("f", NULL);
    struct ArrowArray array =
        make_array(3, 0, 0, (piece[]){NO_PIECE, PIECE(floats)}, 2, &n_released);
    mbar_column *column = import_column(&schema, &array);
    assert_string_equal(mbar_column_field(column)->name, "");
    assert_memory_equal(mbar_column_values(column), floats, sizeof floats);
    mbar_column_unref(column);

    const uint8_t data[] = {0xB2, 0x01}; /* 0 1 0 0 1 1 0 1 1 */
    schema = schema_of("b", "b");
    array = make_array(7, -1, 2, (piece[]){NO_PIECE, PIECE(data)}, 2, &n_released);
    column = import_column(&schema, &array);
    for (int64_t i = 0; i < 7; i++)
        assert_int_equal(mbar_column_bool(column, i), "0011011"[i] == '1');
    mbar_column_unref(column);
    assert_int_equal(n_released, 2);
}

/* A part of an imported column keeps the producer's memory. */
static void slice_keeps_the_array(void **state)
{
    (void)state;
    int n_released = 0;
    const int32_t values[] = {1, 2, 3};
    struct ArrowSchema schema = schema_of("i", "x");
    struct ArrowArray array =
        make_array(3, 0, 0, (piece[]){NO_PIECE, PIECE(values)}, 2, &n_released);
    mbar_column *column = import_column(&schema, &array);
    mbar_column *part = NULL;
    assert_ok(mbar_column_slice(column, 2, 1, &part, &error));
    mbar_column_unref(column);
    assert_int_equal(n_released, 0);
    assert_int_equal(*(const int32_t *)mbar_column_values(part), 3);
    mbar_column_unref(part);
    assert_int_equal(n_released, 1);
}

static void check_widened(const char *format, piece data, mbar_type type, mbar_unit unit,
                          const int64_t *expected)
{
    int n_released = 0;
    struct ArrowSchema schema = schema_of(format, "x");
    struct ArrowArray array =
        make_array(3, -1, 1, (piece[]){PIECE(bits_101101), data}, 2, &n_released);
    mbar_column *column = import_column(&schema, &array);
    assert_int_equal(n_released, 1); /* nothing points into it any more */
    assert_int_equal(mbar_column_field(column)->type, type);
    assert_int_equal(mbar_column_field(column)->unit, unit);
    assert_valid(column, "011");
    for (int i = 0; i < 3; i++) {
        const void *values = mbar_column_values(column);
        int64_t got =
            type == MBAR_TYPE_INT32 ? ((const int32_t *)values)[i] : ((const int64_t *)values)[i];
        assert_int_equal(got, expected[i]);
    }
    mbar_column_unref(column);
}

static void widened(void **state)
{
    (void)state;
    const int8_t i8[] = {0, INT8_MIN, -1, INT8_MAX};
    const uint8_t u8[] = {0, 0, 128, UINT8_MAX};
    const int16_t i16[] = {0, INT16_MIN, -1, INT16_MAX};
    const uint16_t u16[] = {0, 0, 32768, UINT16_MAX};
    const uint32_t u32[] = {0, 0, UINT32_C(1) << 31, UINT32_MAX};
    const int32_t days[] = {0, INT32_MIN, -1, INT32_MAX};
    check_widened("c", (piece)PIECE(i8), MBAR_TYPE_INT32, 0, (int64_t[]){-128, -1, 127});
    check_widened("C", (piece)PIECE(u8), MBAR_TYPE_INT32, 0, (int64_t[]){0, 128, 255});
    check_widened("s", (piece)PIECE(i16), MBAR_TYPE_INT32, 0, (int64_t[]){-32768, -1, 32767});
    check_widened("S", (piece)PIECE(u16), MBAR_TYPE_INT32, 0, (int64_t[]){0, 32768, 65535});
    check_widened("I", (piece)PIECE(u32), MBAR_TYPE_INT64, 0,
                  (int64_t[]){0, INT64_C(1) << 31, UINT32_MAX});
    check_widened("tdD", (piece)PIECE(days), MBAR_TYPE_TIMESTAMP, MBAR_UNIT_S,
                  (int64_t[]){INT64_C(-2147483648) * 86400, -86400, INT64_C(2147483647) * 86400});
}

/* Data that are not aligned to their width are copied. */
static void misaligned(void **state)
{
    (void)state;
    int n_released = 0;
    const int64_t values[] = {7, 8, 9, 10};
    const int32_t offsets[] = {0, 1, 1, 3};
    const int32_t codes[] = {0, 1, 0};
    struct ArrowSchema schema = schema_of("l", "x");
    struct ArrowArray array =
        make_array(3, -1, 1, (piece[]){PIECE(bits_101101), PIECE(values)}, 2, &n_released);
    misalign(&array, 0);
    misalign(&array, 1);
    mbar_column *column = import_column(&schema, &array);
    assert_int_equal(n_released, 1);
    assert_memory_equal(mbar_column_values(column), values + 1, 24);
    assert_int_equal((uintptr_t)mbar_column_values(column) % 64, 0);
    assert_valid(column, "011");
    mbar_column_unref(column);

    schema = schema_of("u", "x");
    array = make_array(2, 0, 1, (piece[]){NO_PIECE, PIECE(offsets), {"abc", 3}}, 3, &n_released);
    misalign(&array, 1);
    column = import_column(&schema, &array);
    assert_text(column, 0, "");
    assert_text(column, 1, "bc");
    mbar_column_unref(column);

    struct ArrowSchema entries = schema_of("u", NULL);
    schema = schema_of("i", "x");
    schema.dictionary = &entries;
    array = make_array(3, 0, 0, (piece[]){NO_PIECE, PIECE(codes)}, 2, &n_released);
    misalign(&array, 1);
    array.dictionary = on_heap(
        make_array(2, 0, 1, (piece[]){NO_PIECE, PIECE(offsets), {"abb", 3}}, 3, &n_released));
    misalign(array.dictionary, 1);
    column = import_column(&schema, &array);
    assert_text(column, 0, "");
    assert_text(column, 1, "bb");
    mbar_column_unref(column);
    assert_int_equal(n_released, 4);
}

/* ---- Text ---------------------------------------------------------------- */

static void text(void **state)
{
    (void)state;
    int n_released = 0;
    const int32_t offsets[] = {2, 3, 5, 5, 5, 9, 10};
    struct ArrowSchema schema = schema_of("u", "t");
    struct ArrowArray array =
        make_array(5, -1, 1, (piece[]){PIECE(bits_101101), PIECE(offsets), {"xxabbccccd", 10}}, 3,
                   &n_released);
    const char *bytes = array.buffers[2];
    mbar_column *column = import_column(&schema, &array);
    assert_valid(column, "01101");
    assert_text(column, 0, NULL);
    assert_text(column, 1, "");
    assert_text(column, 2, "");
    assert_text(column, 3, NULL);
    assert_text(column, 4, "d");
    size_t n_bytes;
    assert_ptr_equal(mbar_column_text(column, 4, &n_bytes), bytes + 9);
    mbar_column_unref(column);
    assert_int_equal(n_released, 1);
}

static void text_without_bytes(void **state)
{
    (void)state;
    int n_released = 0;
    const int32_t none[] = {0, 0, 0};
    const int32_t some[] = {0, 0, 1};
    struct ArrowSchema schema = schema_of("u", "t");
    struct ArrowArray array =
        make_array(2, 0, 0, (piece[]){NO_PIECE, PIECE(none), NO_PIECE}, 3, &n_released);
    mbar_column *column = import_column(&schema, &array);
    assert_text(column, 1, "");
    mbar_column_unref(column);
    array = make_array(2, 0, 0, (piece[]){NO_PIECE, PIECE(some), NO_PIECE}, 3, &n_released);
    import_fails(MBAR_INVALID, "no text buffer", &schema, &array);
    assert_int_equal(n_released, 2);
}

static void bad_offsets(void **state)
{
    (void)state;
    static const int32_t bad[][4] = {{-1, 0, 1, 2}, {0, 2, 1, 2}, {0, 1, 2, INT32_MIN}};
    for (int i = 0; i < 3; i++) {
        int n_released = 0;
        int64_t large[4];
        for (int k = 0; k < 4; k++)
            large[k] = bad[i][k];
        struct ArrowSchema schema = schema_of("u", "t");
        struct ArrowArray array =
            make_array(3, 0, 0, (piece[]){NO_PIECE, PIECE(bad[i]), {"abc", 3}}, 3, &n_released);
        import_fails(MBAR_INVALID, "text offsets must", &schema, &array);
        schema = schema_of("U", "t");
        array = make_array(3, 0, 0, (piece[]){NO_PIECE, PIECE(large), {"abc", 3}}, 3, &n_released);
        import_fails(MBAR_INVALID, "text offsets must", &schema, &array);
        assert_int_equal(n_released, 2);
    }
}

/* The bytes are as many as the array's own last offset says, not the one of the rows wanted. */
static void offsets_that_fall_past_the_rows(void **state)
{
    (void)state;
    const int32_t small[] = {0, 3, 1};
    const int64_t large[] = {0, 3, 1};
    struct ArrowSchema child = schema_of("u", "t");
    struct ArrowSchema *children[] = {&child};
    struct ArrowSchema schema = schema_of("+s", "");
    schema.n_children = 1;
    schema.children = children;
    for (int i = 0; i < 2; i++) {
        int n_released = 0;
        mbar_table *table = NULL;
        mbar_error error;
        child.format = i == 0 ? "u" : "U";
        piece offsets = i == 0 ? (piece)PIECE(small) : (piece)PIECE(large);
        struct ArrowArray text =
            make_array(2, 0, 0, (piece[]){NO_PIECE, offsets, {"a", 1}}, 3, &n_released);
        struct ArrowArray *texts[] = {&text};
        struct ArrowArray array = make_array(1, 0, 0, (piece[]){NO_PIECE}, 1, &n_released);
        array.n_children = 1;
        array.children = texts;
        assert_int_equal(mbar_table_from_arrow(&schema, &array, &table, &error), MBAR_INVALID);
        assert_non_null(strstr(error.message, "text offsets must rise"));
        array.children = NULL;
        array.n_children = 0; /* both are this function's own */
        array.release(&array);
        text.release(&text);
        assert_int_equal(n_released, 2);
    }
}

static void large_text(void **state)
{
    (void)state;
    int n_released = 0;
    const int64_t offsets[] = {0, 3, 4, 6, 6};
    struct ArrowSchema schema = schema_of("U", "t");
    struct ArrowArray array = make_array(
        3, 1, 1, (piece[]){PIECE(bits_101101), PIECE(offsets), {"xxxabb", 6}}, 3, &n_released);
    const char *bytes = array.buffers[2];
    mbar_column *column = import_column(&schema, &array);
    assert_text(column, 0, NULL);
    assert_text(column, 1, "bb");
    assert_text(column, 2, "");
    size_t n_bytes;
    assert_ptr_equal(mbar_column_text(column, 1, &n_bytes), bytes + 4);
    mbar_column_unref(column);

    /* Far into a large buffer, but little of it: taken. Much of it: refused. */
    const int64_t far[] = {INT64_C(1) << 40, INT64_C(1) << 40, (INT64_C(1) << 40) + INT32_MAX + 1};
    array = make_array(1, 0, 0, (piece[]){NO_PIECE, PIECE(far), {"x", 1}}, 3, &n_released);
    column = import_column(&schema, &array);
    assert_text(column, 0, "");
    mbar_column_unref(column);
    array = make_array(2, 0, 0, (piece[]){NO_PIECE, PIECE(far), {"x", 1}}, 3, &n_released);
    import_fails(MBAR_UNSUPPORTED, "2 GiB", &schema, &array);
    assert_int_equal(n_released, 3);
}

typedef struct text_view {
    int32_t n_bytes;
    char prefix[4];
    int32_t buffer;
    int32_t offset;
} text_view;

static void text_views(void **state)
{
    (void)state;
    int n_released = 0;
    text_view views[6];
    memset(views, 0xFF, sizeof views);
    union {
        text_view view;
        char bytes[16];
    } twelve = {.view.n_bytes = 12};
    memcpy(twelve.bytes + 4, "twelve bytes", 12);
    views[1] = (text_view){.n_bytes = 3, .prefix = "abc"};
    views[2] = twelve.view;
    views[3] = (text_view){13, "four", 1, 2};
    views[5] = (text_view){.n_bytes = 0};
    const int64_t sizes[] = {4, 15};
    struct ArrowSchema schema = schema_of("vu", "t");
    struct ArrowArray array = make_array(5, -1, 1,
                                         (piece[]){PIECE(((uint8_t[]){0x2E})),
                                                   PIECE(views),
                                                   {"none", 4},
                                                   {"--fourteen less", 15},
                                                   PIECE(sizes)},
                                         5, &n_released);
    mbar_column *column = import_column(&schema, &array);
    assert_int_equal(n_released, 1);
    assert_text(column, 0, "abc");
    assert_text(column, 1, "twelve bytes");
    assert_text(column, 2, "fourteen less");
    assert_text(column, 3, NULL);
    assert_text(column, 4, "");
    mbar_column_unref(column);
}

static void bad_text_views(void **state)
{
    (void)state;
    static const text_view bad[] = {
        {-1, "", 0, 0},  {13, "", 1, 0},        {13, "", -1, 0},        {13, "", 0, 8},
        {13, "", 0, -1}, {INT32_MAX, "", 0, 1}, {13, "", 0, INT32_MAX},
    };
    const int64_t sizes[] = {20};
    struct ArrowSchema schema = schema_of("vu", "t");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int n_released = 0;
        struct ArrowArray array = make_array(
            1, 0, 0,
            (piece[]){NO_PIECE, {&bad[i], sizeof *bad}, {"12345678901234567890", 20}, PIECE(sizes)},
            4, &n_released);
        import_fails(MBAR_INVALID, "row 0: a text view lies outside", &schema, &array);
        assert_int_equal(n_released, 1);
    }
    int n_released = 0;
    struct ArrowArray array =
        make_array(1, 0, 0, (piece[]){NO_PIECE, {&bad[0], sizeof *bad}}, 2, &n_released);
    import_fails(MBAR_INVALID, "number of buffers", &schema, &array);
    text_view good = {.n_bytes = 2, .prefix = "ok"};
    array =
        make_array(1, 0, 0, (piece[]){NO_PIECE, {&good, sizeof good}, NO_PIECE}, 3, &n_released);
    mbar_column *column = import_column(&schema, &array);
    assert_text(column, 0, "ok");
    mbar_column_unref(column);
}

/* ---- Dictionaries -------------------------------------------------------- */

static struct ArrowArray dictionary_array(piece codes, int64_t n, int64_t offset, piece validity,
                                          bool null_entry, int *n_released)
{
    const int32_t offsets[] = {0, 3, 5, 5};
    struct ArrowArray array = make_array(n, -1, offset, (piece[]){validity, codes}, 2, n_released);
    piece bits = {(uint8_t[]){0x05}, 1}; /* entry 1 is null */
    array.dictionary = on_heap(make_array(
        3, -1, 0, (piece[]){null_entry ? bits : (piece)NO_PIECE, PIECE(offsets), {"MESES", 5}}, 3,
        n_released));
    return array;
}

static void dictionaries(void **state)
{
    (void)state;
    const int8_t c[] = {9, 0, 1, -1, 2};
    const uint8_t uc[] = {9, 0, 1, 255, 2};
    const int16_t s[] = {9, 0, 1, -1, 2};
    const uint16_t us[] = {9, 0, 1, 65535, 2};
    const int32_t i[] = {9, 0, 1, -1, 2};
    const uint32_t ui[] = {9, 0, 1, UINT32_MAX, 2};
    const int64_t l[] = {9, 0, 1, INT64_MIN, 2};
    const uint64_t ul[] = {9, 0, 1, UINT64_MAX, 2};
    const struct {
        const char *format;
        piece codes;
    } all[] = {
        {"c", PIECE(c)}, {"C", PIECE(uc)}, {"s", PIECE(s)}, {"S", PIECE(us)},
        {"i", PIECE(i)}, {"I", PIECE(ui)}, {"l", PIECE(l)}, {"L", PIECE(ul)},
    };
    static const uint8_t valid[] = {0x16}; /* rows 1..4: 1 1 0 1 */
    struct ArrowSchema entries = schema_of("u", NULL);
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        for (int null_entry = 0; null_entry < 2; null_entry++) {
            int n_released = 0;
            struct ArrowSchema schema = schema_of(all[k].format, "d");
            schema.dictionary = &entries;
            struct ArrowArray array =
                dictionary_array(all[k].codes, 4, 1, (piece)PIECE(valid), null_entry, &n_released);
            mbar_column *column = import_column(&schema, &array);
            assert_int_equal(mbar_column_field(column)->type, MBAR_TYPE_DICT);
            assert_text(column, 0, "MES");
            assert_text(column, 1, null_entry ? NULL : "ES");
            assert_text(column, 2, NULL);
            assert_text(column, 3, "");
            assert_valid(column, null_entry ? "1001" : "1101");
            assert_int_equal(mbar_column_nulls(mbar_column_dictionary(column)), 0);
            assert_int_equal(n_released, 0); /* at least the entries are shared */
            mbar_column_unref(column);
            assert_int_equal(n_released, 2);
            /* Without the bitmap the code in row 2 counts, and is wrong. */
            array = dictionary_array(all[k].codes, 4, 1, (piece)NO_PIECE, null_entry, &n_released);
            import_fails(MBAR_INVALID, "outside the dictionary", &schema, &array);
            assert_int_equal(n_released, 4);
        }
}

static void bad_dictionaries(void **state)
{
    (void)state;
    int n_released = 0;
    static const int32_t past[] = {2, 3};
    static const int64_t long_past[] = {2, 3};
    const int32_t codes[] = {0, 1};
    const double doubles[] = {0, 1};
    struct ArrowSchema entries = schema_of("u", NULL);
    struct ArrowSchema schema = schema_of("i", "d");
    schema.dictionary = &entries;
    struct ArrowArray array =
        dictionary_array((piece)PIECE(codes), 2, 0, (piece)NO_PIECE, false, &n_released);
    array.release(&array);
    array = dictionary_array((piece)PIECE(past), 2, 0, (piece)NO_PIECE, false, &n_released);
    import_fails(MBAR_INVALID, "row 1: code 3 is outside the dictionary", &schema, &array);
    array = dictionary_array((piece)PIECE(long_past), 2, 0, (piece)NO_PIECE, false, &n_released);
    schema.format = "l";
    import_fails(MBAR_INVALID, "row 1: the code is outside the dictionary", &schema, &array);
    array = dictionary_array((piece)PIECE(codes), 2, 0, (piece)NO_PIECE, false, &n_released);
    schema.format = "i";
    schema.dictionary = NULL;
    import_fails(MBAR_INVALID, "disagree on a dictionary", &schema, &array);
    schema.dictionary = &entries;
    array = make_array(2, 0, 0, (piece[]){NO_PIECE, PIECE(codes)}, 2, &n_released);
    import_fails(MBAR_INVALID, "disagree on a dictionary", &schema, &array);
    array = dictionary_array((piece)PIECE(codes), 2, 0, (piece)NO_PIECE, false, &n_released);
    entries.format = "l";
    import_fails(MBAR_UNSUPPORTED, "a dictionary of Arrow format \"l\"", &schema, &array);
    array = dictionary_array((piece)PIECE(codes), 2, 0, (piece)NO_PIECE, false, &n_released);
    entries.format = NULL;
    import_fails(MBAR_UNSUPPORTED, "a dictionary of", &schema, &array);
    array = dictionary_array((piece)PIECE(codes), 2, 0, (piece)NO_PIECE, false, &n_released);
    entries = schema_of("u", NULL);
    entries.dictionary = &entries;
    import_fails(MBAR_UNSUPPORTED, "a dictionary of", &schema, &array);
    entries.dictionary = NULL;
    array = dictionary_array((piece)PIECE(doubles), 2, 0, (piece)NO_PIECE, false, &n_released);
    schema.format = "g";
    import_fails(MBAR_UNSUPPORTED, "\"g\" for dictionary codes", &schema, &array);
    schema.format = "i";
    array = dictionary_array((piece)PIECE(codes), 2, 0, (piece)NO_PIECE, false, &n_released);
    array.dictionary->length = -1;
    import_fails(MBAR_INVALID, "negative", &schema, &array);
    array = dictionary_array((piece)PIECE(codes), 2, 0, (piece)NO_PIECE, false, &n_released);
    array.dictionary->release(array.dictionary);
    import_fails(MBAR_INVALID, "released or moved", &schema, &array);
}

/* ---- What is refused ----------------------------------------------------- */

static void formats_refused(void **state)
{
    (void)state;
    static const char *const formats[] = {"n",  "e",   "z",   "Z",   "vz",   "d:10,2", "w:16",
                                          "tD", "tdx", "tts", "ttn", "tDs",  "tiM",    "+l",
                                          "+s", "",    "ll",  "ts",  "tsx:", "tsn",    "+w:3"};
    const int64_t values[] = {1};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        int n_released = 0;
        struct ArrowSchema schema = schema_of(formats[i], "odd");
        struct ArrowArray array =
            make_array(1, 0, 0, (piece[]){NO_PIECE, PIECE(values)}, 2, &n_released);
        char part[64];
        snprintf(part, sizeof part, "column \"odd\": Arrow format \"%s\"", formats[i]);
        import_fails(MBAR_UNSUPPORTED, part, &schema, &array);
        assert_int_equal(n_released, 1);
    }
}

typedef void breaker(struct ArrowSchema *, struct ArrowArray *);

static void negative_length(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)schema;
    array->length = -1;
}
static void negative_offset(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)schema;
    array->offset = -1;
}
static void sum_overflows(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)schema;
    array->length = INT64_MAX;
    array->offset = 1;
}
static void too_long(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)schema;
    array->length = INT64_MAX / 8;
}
static void too_many_nulls(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)schema;
    array->null_count = 4;
}
static void negative_nulls(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)schema;
    array->null_count = -2;
}
static void nulls_without_bitmap(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)schema;
    array->null_count = 1;
}
static void one_buffer(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)schema;
    array->n_buffers = 1;
}
static void three_buffers(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)schema;
    array->n_buffers = 3;
}
static void no_data(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)schema;
    array->buffers[1] = NULL;
}
static void no_buffers(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)schema;
    array->buffers = NULL;
}
static void released_array(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)schema;
    array->release(array);
}
static void released_schema(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)array;
    schema->release = NULL;
}
static void no_format(struct ArrowSchema *schema, struct ArrowArray *array)
{
    (void)array;
    schema->format = NULL;
}

static void headers_refused(void **state)
{
    (void)state;
    static const struct {
        breaker *apply;
        const char *message;
    } all[] = {
        {negative_length, "negative"},
        {negative_offset, "negative"},
        {sum_overflows, "too large"},
        {too_long, "too large"},
        {too_many_nulls, "null count"},
        {negative_nulls, "null count"},
        {nulls_without_bitmap, "no validity bitmap"},
        {one_buffer, "number of buffers"},
        {three_buffers, "number of buffers"},
        {no_data, "no data buffer"},
        {no_buffers, "no buffers"},
        {released_array, "released or moved"},
        {released_schema, "schema has been released"},
        {no_format, "no format"},
    };
    const int64_t values[] = {1, 2, 3};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int n_released = 0;
        struct ArrowSchema schema = schema_of("l", "x");
        struct ArrowArray array =
            make_array(3, 0, 0, (piece[]){NO_PIECE, PIECE(values)}, 2, &n_released);
        all[i].apply(&schema, &array);
        import_fails(MBAR_INVALID, all[i].message, &schema, &array);
        assert_int_equal(n_released, 1);
    }
    int n_released = 0;
    struct ArrowSchema schema = schema_of("l", "x");
    struct ArrowArray child =
        make_array(3, 0, 0, (piece[]){NO_PIECE, PIECE(values)}, 2, &n_released);
    struct ArrowArray array = make_struct(3, 0, NULL, &child, 1, &n_released);
    import_fails(MBAR_INVALID, "has children", &schema, &array);
}

/* A promise of no nulls that the bitmap breaks is dropped; the bitmap counts,
 * whatever the producer's count. */
static void nulls_by_the_bitmap(void **state)
{
    (void)state;
    int n_released = 0;
    const int64_t values[] = {1, 2, 3};
    struct ArrowSchema schema = schema_of("l", "x");
    schema.flags = 0;
    struct ArrowArray array =
        make_array(3, 0, 0, (piece[]){PIECE(bits_101101), PIECE(values)}, 2, &n_released);
    mbar_column *column = import_column(&schema, &array);
    assert_valid(column, "101");
    assert_true(mbar_column_field(column)->nullable);
    mbar_column_unref(column);
    array = make_array(2, 2, 2, (piece[]){PIECE(bits_101101), {values, 24}}, 2, &n_released);
    array.length = 1;
    array.null_count = 1;
    column = import_column(&schema, &array);
    assert_valid(column, "1");
    assert_false(mbar_column_field(column)->nullable);
    mbar_column_unref(column);
}

static void no_rows(void **state)
{
    (void)state;
    static const char *const formats[] = {"b", "c", "l", "g", "tsn:UTC", "tdD"};
    int n_released = 0;
    int n_made = 0;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++, n_made++) {
        struct ArrowSchema schema = schema_of(formats[i], "x");
        struct ArrowArray array =
            make_array(0, 0, 5, (piece[]){NO_PIECE, NO_PIECE}, 2, &n_released);
        mbar_column *column = import_column(&schema, &array);
        assert_int_equal(mbar_column_rows(column), 0);
        mbar_column_unref(column);
    }
    static const char *const texts[] = {"u", "U", "vu"};
    for (int i = 0; i < 3; i++, n_made++) {
        struct ArrowSchema schema = schema_of(texts[i], "x");
        struct ArrowArray array =
            make_array(0, 0, 0, (piece[]){NO_PIECE, NO_PIECE, NO_PIECE}, 3, &n_released);
        mbar_column *column = import_column(&schema, &array);
        assert_int_equal(mbar_column_rows(column), 0);
        assert_int_equal(mbar_column_field(column)->type, MBAR_TYPE_UTF8);
        mbar_column_unref(column);
    }
    assert_int_equal(n_released, n_made);
}

/* ---- Tables -------------------------------------------------------------- */

#define ROWS 6

static const int64_t times_ns[ROWS] = {10, 20, 30, 40, 50, 60};
static const double closes[ROWS] = {1.5, 2.5, 3.5, 4.5, 5.5, 6.5};

/* Three columns, the last of which has an offset of its own. */
static struct ArrowArray bars(int64_t length, int64_t offset, const piece *validity,
                              int *n_released)
{
    const int32_t volumes[ROWS + 1] = {-1, 1, 2, 3, 4, 5, 6};
    static const uint8_t volume_bits[] = {0x5A}; /* rows 1..6: 1 0 1 1 0 1 */
    struct ArrowArray children[] = {
        make_array(ROWS, 0, 0, (piece[]){NO_PIECE, PIECE(times_ns)}, 2, n_released),
        make_array(ROWS, 0, 0, (piece[]){NO_PIECE, PIECE(closes)}, 2, n_released),
        make_array(ROWS, -1, 1, (piece[]){PIECE(volume_bits), PIECE(volumes)}, 2, n_released),
    };
    return make_struct(length, offset, validity, children, 3, n_released);
}

static struct ArrowSchema bar_fields[3];
static struct ArrowSchema *bar_children[] = {&bar_fields[0], &bar_fields[1], &bar_fields[2]};

static struct ArrowSchema bars_schema(void)
{
    bar_fields[0] = schema_of("tsn:UTC", "time");
    bar_fields[1] = schema_of("g", "close");
    bar_fields[2] = schema_of("i", "volume");
    return struct_schema(bar_children, 3);
}

/* The struct's own offset moves every column. */
static void tables(void **state)
{
    (void)state;
    struct ArrowSchema schema = bars_schema();
    for (int64_t offset = 0; offset <= ROWS; offset++)
        for (int64_t n = 0; offset + n <= ROWS; n++) {
            int n_released = 0;
            struct ArrowArray array = bars(n, offset, NULL, &n_released);
            mbar_table *table = NULL;
            assert_ok(mbar_table_from_arrow(&schema, &array, &table, &error));
            assert_null(array.release);
            assert_int_equal(n_released, n ? 0 : 4);
            assert_int_equal(mbar_table_rows(table), n);
            assert_int_equal(mbar_table_columns(table), 3);
            assert_memory_equal(mbar_column_values(mbar_table_column(table, 0)), times_ns + offset,
                                (size_t)n * 8);
            assert_memory_equal(mbar_column_values(mbar_table_column(table, 1)), closes + offset,
                                (size_t)n * 8);
            const mbar_column *volume = mbar_table_column(table, 2);
            for (int64_t i = 0; i < n; i++) {
                assert_int_equal(mbar_column_is_valid(volume, i), "101101"[offset + i] == '1');
                assert_int_equal(((const int32_t *)mbar_column_values(volume))[i], offset + i + 1);
            }
            mbar_table_unref(table);
            assert_int_equal(n_released, 4);
        }
}

/* The array lives until the last column of it goes, whichever that is. */
static void columns_keep_the_array(void **state)
{
    (void)state;
    static const int orders[][3] = {{0, 1, 2}, {2, 0, 1}, {1, 2, 0}};
    struct ArrowSchema schema = bars_schema();
    for (int k = 0; k < 3; k++) {
        int n_released = 0;
        struct ArrowArray array = bars(ROWS, 0, NULL, &n_released);
        mbar_table *table = NULL;
        mbar_column *columns[3];
        assert_ok(mbar_table_from_arrow(&schema, &array, &table, &error));
        for (int i = 0; i < 3; i++)
            columns[i] = mbar_column_ref(mbar_table_column(table, i));
        mbar_table_unref(table);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(n_released, 0);
            mbar_column_unref(columns[orders[k][i]]);
        }
        assert_int_equal(n_released, 4);
    }
}

static void table_fails(mbar_status expected, const char *part, const struct ArrowSchema *schema,
                        struct ArrowArray *array)
{
    mbar_table *table = (mbar_table *)7;
    assert_fails(expected, part, mbar_table_from_arrow(schema, array, &table, &error));
    assert_ptr_equal(table, (mbar_table *)7);
    if (array->release)
        array->release(array);
}

static void whole_rows_null(void **state)
{
    (void)state;
    int n_released = 0;
    piece bits = PIECE(bits_101101);
    struct ArrowSchema schema = bars_schema();
    struct ArrowArray array = bars(ROWS, 0, &bits, &n_released);
    table_fails(MBAR_UNSUPPORTED, "whole rows are null", &schema, &array);
    array = bars(2, 2, &bits, &n_released); /* rows 2 and 3 are valid */
    mbar_table *table = NULL;
    assert_ok(mbar_table_from_arrow(&schema, &array, &table, &error));
    assert_int_equal(mbar_table_rows(table), 2);
    mbar_table_unref(table);
    array = bars(ROWS, 0, NULL, &n_released);
    array.null_count = 1;
    table_fails(MBAR_INVALID, "no validity bitmap", &schema, &array);
    assert_int_equal(n_released, 12);
}

static void tables_refused(void **state)
{
    (void)state;
    int n_released = 0;
    struct ArrowSchema schema = bars_schema();
    struct ArrowArray array = bars(ROWS, 1, NULL, &n_released);
    table_fails(MBAR_INVALID, "column \"time\": Arrow array: it is shorter", &schema, &array);
    array = bars(ROWS, 0, NULL, &n_released);
    array.children[1]->length = 2;
    table_fails(MBAR_INVALID, "column \"close\": Arrow array: it is shorter", &schema, &array);
    array = bars(ROWS, INT64_MAX, NULL, &n_released);
    table_fails(MBAR_INVALID, "too large", &schema, &array);
    array = bars(-1, 0, NULL, &n_released);
    table_fails(MBAR_INVALID, "negative", &schema, &array);
    array = bars(ROWS, 0, NULL, &n_released);
    array.children[2]->release(array.children[2]);
    table_fails(MBAR_INVALID, "column \"volume\": Arrow array: it has been released", &schema,
                &array);
    array = bars(ROWS, 0, NULL, &n_released);
    array.n_buffers = 2;
    table_fails(MBAR_INVALID, "must have one buffer", &schema, &array);
    array = bars(ROWS, 0, NULL, &n_released);
    schema.n_children = 2;
    table_fails(MBAR_INVALID, "not those of the schema", &schema, &array);
    schema.n_children = -1;
    array = bars(ROWS, 0, NULL, &n_released);
    table_fails(MBAR_INVALID, "-1 columns", &schema, &array);
    schema = bars_schema();
    bar_fields[1].release = NULL;
    array = bars(ROWS, 0, NULL, &n_released);
    table_fails(MBAR_INVALID, "column 1 of the Arrow schema", &schema, &array);
    schema = bars_schema();
    bar_fields[2].name = "time";
    array = bars(ROWS, 0, NULL, &n_released);
    table_fails(MBAR_INVALID, "two columns are named \"time\"", &schema, &array);
    schema = bars_schema();
    bar_fields[1].format = "n";
    array = bars(ROWS, 0, NULL, &n_released);
    table_fails(MBAR_UNSUPPORTED, "column \"close\": Arrow format \"n\"", &schema, &array);
    schema = schema_of("l", "x");
    array = bars(ROWS, 0, NULL, &n_released);
    table_fails(MBAR_INVALID, "this is \"l\"", &schema, &array);
    schema = bars_schema();
    array = bars(ROWS, 0, NULL, &n_released);
    array.release(&array);
    table_fails(MBAR_INVALID, "released or moved", &schema, &array);
    assert_int_equal(n_released, 13 * 4);
}

static void no_columns(void **state)
{
    (void)state;
    int n_released = 0;
    struct ArrowSchema schema = struct_schema(NULL, 0);
    struct ArrowArray array = make_struct(5, 0, NULL, NULL, 0, &n_released);
    mbar_table *table = NULL;
    assert_ok(mbar_table_from_arrow(&schema, &array, &table, &error));
    assert_int_equal(mbar_table_columns(table), 0);
    assert_int_equal(mbar_table_rows(table), 0);
    assert_int_equal(n_released, 1);
    mbar_table_unref(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_checked(shared),
        leak_checked(shared_narrow_and_bool),
        leak_checked(slice_keeps_the_array),
        leak_checked(widened),
        leak_checked(misaligned),
        leak_checked(text),
        leak_checked(text_without_bytes),
        leak_checked(bad_offsets),
        leak_checked(offsets_that_fall_past_the_rows),
        leak_checked(large_text),
        leak_checked(text_views),
        leak_checked(bad_text_views),
        leak_checked(dictionaries),
        leak_checked(bad_dictionaries),
        leak_checked(formats_refused),
        leak_checked(headers_refused),
        leak_checked(nulls_by_the_bitmap),
        leak_checked(no_rows),
        leak_checked(tables),
        leak_checked(columns_keep_the_array),
        leak_checked(whole_rows_null),
        leak_checked(tables_refused),
        leak_checked(no_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
