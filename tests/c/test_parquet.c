/* Parquet written by us comes back with the same bits, whatever the codec, the
 * cut into row groups and pages, the threads and the source. */
#include "io_support.h"

#include <math.h>

#define ROWS 1000

/* Every type, with and without nulls, odd values among them. */
static mbar_table *every_type(int64_t n)
{
    int64_t *wide = malloc((size_t)(n + 1) * 8);
    uint64_t *large = malloc((size_t)(n + 1) * 8);
    int32_t *narrow = malloc((size_t)(n + 1) * 4);
    double *real = malloc((size_t)(n + 1) * 8);
    float *small = malloc((size_t)(n + 1) * 4);
    uint8_t *truth = malloc((size_t)n + 1), *valid = malloc((size_t)n + 1);
    int32_t *codes = malloc((size_t)(n + 1) * 4), *some_codes = malloc((size_t)(n + 1) * 4);
    const char **text = malloc((size_t)(n + 1) * sizeof *text);
    const char **some_text = malloc((size_t)(n + 1) * sizeof *text);
    static const char *const words[] = {"MES", "ES", "", "h\xc3\xa9t\xc3\xa9"};
    for (int64_t i = 0; i < n; i++) {
        wide[i] = i * 1000000007 - 5000;
        large[i] = UINT64_MAX - (uint64_t)i * 77;
        narrow[i] = (int32_t)(i * 31 - 400);
        real[i] = i % 7 == 0 ? NAN : i % 11 == 0 ? -0.0 : (double)i / 3;
        small[i] = i % 13 == 0 ? -INFINITY : (float)i * 0.1f;
        truth[i] = i % 3 == 0;
        valid[i] = i % 5 != 2;
        codes[i] = (int32_t)(i % 4);
        some_codes[i] = i % 6 == 1 ? -1 : (int32_t)(i * 7 % 4);
        text[i] = words[i * 3 % 4];
        some_text[i] = i % 9 == 4 ? NULL : words[i % 4];
    }
    mbar_column *c[] = {
        values_column("int64", MBAR_TYPE_INT64, 0, NULL, n, wide),
        any_column("int64?", MBAR_TYPE_INT64, 0, NULL, n, wide, valid),
        values_column("uint64", MBAR_TYPE_UINT64, 0, NULL, n, large),
        any_column("uint64?", MBAR_TYPE_UINT64, 0, NULL, n, large, valid),
        values_column("int32", MBAR_TYPE_INT32, 0, NULL, n, narrow),
        any_column("int32?", MBAR_TYPE_INT32, 0, NULL, n, narrow, valid),
        values_column("float64", MBAR_TYPE_FLOAT64, 0, NULL, n, real),
        any_column("float64?", MBAR_TYPE_FLOAT64, 0, NULL, n, real, valid),
        values_column("float32", MBAR_TYPE_FLOAT32, 0, NULL, n, small),
        any_column("float32?", MBAR_TYPE_FLOAT32, 0, NULL, n, small, valid),
        any_column("bool", MBAR_TYPE_BOOL, 0, NULL, n, truth, NULL),
        any_column("bool?", MBAR_TYPE_BOOL, 0, NULL, n, truth, valid),
        values_column("s", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_S, "America/New_York", n, wide),
        any_column("s?", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_S, NULL, n, wide, valid),
        values_column("ms", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_MS, NULL, n, wide),
        values_column("us", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_US, "UTC", n, wide),
        any_column("ns?", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "Asia/Tokyo", n, wide, valid),
        text_column("text", n, text),
        text_column("text?", n, some_text),
        dict_column("dict", n, codes, words, 4),
        dict_column("dict?", n, some_codes, words, 4),
    };
    free(wide), free(large), free(narrow), free(real), free(small), free(truth), free(valid);
    free(codes), free(some_codes), free(text), free(some_text);
    return table_of(c, (int32_t)(sizeof c / sizeof *c));
}

/* Equal, but a dictionary may be in another order. */
static void assert_same(const mbar_table *a, const mbar_table *b)
{
    assert_int_equal(mbar_table_rows(a), mbar_table_rows(b));
    assert_int_equal(mbar_table_columns(a), mbar_table_columns(b));
    for (int32_t c = 0; c < mbar_table_columns(a); c++) {
        mbar_column *x = mbar_table_column(a, c), *y = mbar_table_column(b, c);
        const mbar_field *f = mbar_column_field(x), *g = mbar_column_field(y);
        assert_string_equal(f->name, g->name);
        assert_int_equal(f->type, g->type);
        if (f->type != MBAR_TYPE_DICT) {
            if (!mbar_column_equal(x, y)) {
                fail_msg("column %s differs", f->name);
            }
            continue;
        }
        for (int64_t i = 0; i < mbar_column_rows(x); i++) {
            size_t m, n;
            const char *s = mbar_column_text(x, i, &m), *t = mbar_column_text(y, i, &n);
            assert_int_equal(mbar_column_is_valid(x, i), mbar_column_is_valid(y, i));
            assert_int_equal(m, n);
            assert_memory_equal(s, t, m);
        }
    }
}

static void round_trip(const mbar_parquet_options *options, int64_t rows)
{
    mbar_table *table = every_type(rows);
    memory_file file = write_memory(table, options);
    for (int32_t threads = 1; threads <= 3; threads += 2) {
        mbar_parquet *parquet = open_memory(&file);
        assert_int_equal(mbar_parquet_rows(parquet), rows);
        mbar_table *back = read_all(parquet, threads);
        assert_same(table, back);
        mbar_table_unref(back);
        mbar_parquet_close(parquet);
    }
    mbar_table_unref(table);
    free(file.data);
}

static void test_every_codec(void **state)
{
    (void)state;
    for (int codec = MBAR_CODEC_NONE; codec < MBAR_CODEC_OTHER; codec++) {
        mbar_parquet_options options;
        mbar_parquet_options_init(&options);
        options.codec = (mbar_codec)codec;
        options.page_rows = 100;
        round_trip(&options, ROWS);
        options.row_group_rows = 333; /* not a multiple of 8: groups share bytes of bitmaps */
        round_trip(&options, ROWS);
    }
}

/* Enough values that threads are used, in groups that share bytes of bitmaps. */
static void test_threads(void **state)
{
    (void)state;
    mbar_table *table = every_type(50000);
    mbar_parquet_options options = {.codec = MBAR_CODEC_SNAPPY, .row_group_rows = 3333};
    memory_file file = write_memory(table, &options);
    mbar_parquet *parquet = open_memory(&file);
    mbar_table *one = read_all(parquet, 1), *four = read_all(parquet, 4);
    assert_same(table, one);
    assert_true(mbar_table_equal(one, four));
    mbar_table_unref(one);
    mbar_table_unref(four);
    mbar_parquet_close(parquet);
    mbar_table_unref(table);
    free(file.data);
}

static void test_small_and_empty(void **state)
{
    (void)state;
    round_trip(NULL, 0);
    round_trip(NULL, 1);
    round_trip(NULL, 2);
}

/* Every slice of a file equals the slice of the table. */
static void test_slices(void **state)
{
    (void)state;
    mbar_table *table = every_type(200);
    mbar_parquet_options options = {
        .codec = MBAR_CODEC_ZSTD, .row_group_rows = 77, .page_rows = 16};
    memory_file file = write_memory(table, &options);
    mbar_parquet *parquet = open_memory(&file);
    assert_int_equal(mbar_parquet_row_groups(parquet), 3);
    static const int64_t spans[][2] = {{0, 1},   {15, 2},  {16, 16}, {76, 2},  {77, 77},
                                       {0, 200}, {199, 1}, {200, 0}, {60, 120}};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        mbar_error error;
        mbar_table *part = NULL, *wanted = NULL;
        mbar_read_stats stats = {0};
        must(
            mbar_parquet_read(parquet, NULL, 0, spans[i][0], spans[i][1], 1, &part, &stats, &error),
            &error);
        must(mbar_table_slice(table, spans[i][0], spans[i][1], &wanted, &error), &error);
        assert_same(wanted, part);
        assert_int_equal(stats.rows_read, spans[i][1]);
        assert_int_equal(stats.rows_present, 200);
        mbar_table_unref(part);
        mbar_table_unref(wanted);
    }
    mbar_parquet_close(parquet);
    mbar_table_unref(table);
    free(file.data);
}

static void test_projection(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *table = every_type(50), *back = NULL;
    memory_file file = write_memory(table, NULL);
    mbar_parquet *parquet = open_memory(&file);
    int32_t columns[] = {18, 0, 6};
    must(mbar_parquet_read(parquet, columns, 3, 10, 20, 1, &back, NULL, &error), &error);
    assert_int_equal(mbar_table_columns(back), 3);
    assert_int_equal(mbar_table_rows(back), 20);
    assert_string_equal(mbar_column_field(mbar_table_column(back, 0))->name, "text?");
    assert_string_equal(mbar_column_field(mbar_table_column(back, 2))->name, "float64");
    mbar_table_unref(back);
    assert_int_equal(mbar_parquet_read(parquet, columns, 3, 40, 11, 1, &back, NULL, &error),
                     MBAR_INVALID);
    mbar_parquet_close(parquet);
    mbar_table_unref(table);
    free(file.data);
}

/* The footer: fields, chunks, metadata. */
static void test_footer(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *table = minute_bars(5000, 0);
    mbar_parquet_options options = {.codec = MBAR_CODEC_ZSTD,
                                    .row_group_rows = 2000,
                                    .page_rows = 500,
                                    .period = "60000000000"};
    memory_file file = write_memory(table, &options);
    mbar_parquet *parquet = open_memory(&file);
    bool supported = false;
    const mbar_field *field = mbar_parquet_field(parquet, 0, &supported);
    assert_true(supported);
    assert_false(field->nullable);
    assert_string_equal(field->name, "timestamp");
    assert_string_equal(field->zone, "UTC");
    assert_string_equal(mbar_parquet_metadata(parquet, "millibar.sorted_by"), "timestamp");
    assert_string_equal(mbar_parquet_metadata(parquet, "millibar.period_ns"), "60000000000");
    assert_null(mbar_parquet_metadata(parquet, "nothing"));
    mbar_parquet_chunk chunk;
    must(mbar_parquet_chunk_info(parquet, 1, 0, &chunk, &error), &error);
    assert_int_equal(chunk.n_rows, 2000);
    assert_int_equal(chunk.n_nulls, 0);
    assert_int_equal(chunk.codec, MBAR_CODEC_ZSTD);
    assert_true(chunk.has_min_max);
    assert_true(chunk.has_page_index);
    assert_true(chunk.min_int == 2000 * MBAR_MINUTE_NS);
    assert_true(chunk.max_int == 3999 * MBAR_MINUTE_NS);
    must(mbar_parquet_chunk_info(parquet, 0, 1, &chunk, &error), &error);
    assert_true(chunk.has_min_max && chunk.min_float <= 5000 && chunk.max_float >= 5000);
    mbar_parquet_close(parquet);
    mbar_table_unref(table);
    free(file.data);
}

/* Time ranges find their pages, and no others. */
static void test_prune(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *table = minute_bars(5000, 0);
    mbar_parquet_options options = {
        .codec = MBAR_CODEC_ZSTD, .row_group_rows = 2000, .page_rows = 500};
    memory_file file = write_memory(table, &options);
    mbar_parquet *parquet = open_memory(&file);
    mbar_window ranges[4];
    int32_t n = -1;
    mbar_read_stats stats = {0};
    must(mbar_parquet_prune(parquet, 0, 1999 * MBAR_MINUTE_NS, 2000 * MBAR_MINUTE_NS, ranges, 4, &n,
                            &stats, &error),
         &error);
    assert_int_equal(n, 1);
    assert_int_equal(ranges[0].first, 1500);
    assert_int_equal(ranges[0].n_rows, 1000);
    assert_int_equal(stats.pages_present, 8);
    assert_int_equal(stats.pages_read, 2);
    must(mbar_parquet_prune(parquet, 0, -10, -1, ranges, 4, &n, NULL, &error), &error);
    assert_int_equal(n, 0);
    must(mbar_parquet_prune(parquet, 0, 5, 1, ranges, 4, &n, NULL, &error), &error);
    assert_int_equal(n, 0);
    must(mbar_parquet_prune(parquet, 0, INT64_MIN, INT64_MAX, ranges, 4, &n, NULL, &error), &error);
    assert_int_equal(n, 1);
    assert_int_equal(ranges[0].n_rows, 5000);
    assert_int_equal(mbar_parquet_prune(parquet, 1, 0, 1, ranges, 4, &n, NULL, &error),
                     MBAR_INVALID);
    mbar_parquet_close(parquet);
    mbar_table_unref(table);
    free(file.data);
}

/* Ranges that do not fit the caller's array are widened, never lost. */
static void test_prune_few_ranges(void **state)
{
    (void)state;
    mbar_error error;
    int64_t values[400];
    for (int i = 0; i < 400; i++) {
        values[i] = i / 10 % 2; /* pages of 10: all 0, all 1, all 0, ... */
    }
    mbar_column *column[] = {values_column("v", MBAR_TYPE_INT64, 0, NULL, 400, values)};
    mbar_table *table = table_of(column, 1);
    mbar_parquet_options options = {.codec = MBAR_CODEC_ZSTD, .page_rows = 10};
    memory_file file = write_memory(table, &options);
    mbar_parquet *parquet = open_memory(&file);
    mbar_window ranges[32];
    int32_t n = 0;
    must(mbar_parquet_prune(parquet, 0, 1, 1, ranges, 32, &n, NULL, &error), &error);
    assert_int_equal(n, 20);
    assert_int_equal(ranges[19].first, 390);
    must(mbar_parquet_prune(parquet, 0, 1, 1, ranges, 3, &n, NULL, &error), &error);
    assert_int_equal(n, 3);
    assert_int_equal(ranges[2].first, 50);
    assert_int_equal(ranges[2].n_rows, 350);
    mbar_parquet_close(parquet);
    mbar_table_unref(table);
    free(file.data);
}

/* A source without a map reads the same. */
static void test_unmapped(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *table = every_type(300);
    mbar_parquet_options options = {
        .codec = MBAR_CODEC_ZSTD, .row_group_rows = 100, .page_rows = 30};
    memory_file file = write_memory(table, &options);
    mbar_parquet *parquet = NULL;
    must(mbar_parquet_open(&shaky_open(&file, 0)->base, &parquet, &error), &error);
    mbar_table *back = read_all(parquet, 4);
    assert_same(table, back);
    mbar_table_unref(back);
    mbar_parquet_close(parquet);
    mbar_table_unref(table);
    free(file.data);
}

/* Each read that fails comes out as the source's own error, and leaves nothing
 * behind; after the last one everything works. */
static void test_failing_reads(void **state)
{
    (void)state;
    mbar_table *table = every_type(60);
    mbar_parquet_options options = {.codec = MBAR_CODEC_NONE, .page_rows = 20};
    memory_file file = write_memory(table, &options);
    int64_t n_reads = 0;
    bool done = false;
    for (int64_t fail_at = 1; !done && fail_at < 10000; fail_at++) {
        mbar_error error;
        mbar_parquet *parquet = NULL;
        mbar_table *back = NULL;
        size_t live = mbar_memory_live_bytes();
        shaky_source *source = shaky_open(&file, fail_at);
        mbar_status status = mbar_parquet_open(&source->base, &parquet, &error);
        if (status != MBAR_OK) {
            free(source);
        } else {
            status = mbar_parquet_read(parquet, NULL, 0, 0, 60, 1, &back, NULL, &error);
            done = source->n_reads < fail_at;
        }
        if (done) {
            must(status, &error);
            assert_same(table, back);
        } else {
            assert_int_equal(status, MBAR_IO);
            assert_string_equal(error.message, "the cable is out");
            assert_string_equal(error.file, "shaky.parquet");
            n_reads++;
        }
        mbar_table_unref(back);
        mbar_parquet_close(parquet);
        assert_int_equal(mbar_memory_live_bytes(), live);
    }
    assert_true(done);
    assert_true(n_reads > 5);
    mbar_table_unref(table);
    free(file.data);
}

/* A failing write is the sink's own error, and the sink is aborted. */
static void test_failing_writes(void **state)
{
    (void)state;
    mbar_table *table = minute_bars(100000, 0);
    mbar_parquet_options options = {.codec = MBAR_CODEC_NONE, .row_group_rows = 30000};
    for (int64_t fail_at = 1; fail_at < 1000; fail_at++) {
        mbar_error error;
        memory_file file = {.fail_at = fail_at};
        size_t live = mbar_memory_live_bytes();
        mbar_status status = mbar_parquet_write(table, memory_sink_open(&file), &options, &error);
        bool failed = file.n_writes >= fail_at;
        free(file.data);
        assert_int_equal(mbar_memory_live_bytes(), live);
        if (!failed) {
            must(status, &error);
            assert_true(file.finished && !file.aborted && fail_at > 2);
            break;
        }
        assert_int_equal(status, MBAR_IO);
        assert_string_equal(error.message, "the disk is full");
        assert_true(file.aborted && !file.finished);
    }
    mbar_table_unref(table);
}

static void test_changed_file(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *table = every_type(10), *back = NULL;
    memory_file file = write_memory(table, NULL);
    shaky_source *source = shaky_open(&file, 0);
    mbar_parquet *parquet = NULL;
    must(mbar_parquet_open(&source->base, &parquet, &error), &error);
    source->changed = true;
    assert_int_equal(mbar_parquet_read(parquet, NULL, 0, 0, 10, 1, &back, NULL, &error), MBAR_IO);
    assert_non_null(strstr(error.message, "changed"));
    mbar_parquet_close(parquet);
    mbar_table_unref(table);
    free(file.data);
}

static bool points_into(const mbar_column *column, const memory_file *file)
{
    const char *values = mbar_column_values(column);
    return values >= file->data && values < file->data + file->n_bytes;
}

/* The columns of a large uncompressed file point into it, and keep it; the
 * first, cut into small pages so that the others are aligned, is copied. */
static void test_mapped(void **state)
{
    (void)state;
    mbar_error error;
    const int64_t rows = (1 << 20) + 12345;
    mbar_table *table = minute_bars(rows, 0);
    mbar_parquet_options options = {.codec = MBAR_CODEC_NONE};
    memory_file file = write_memory(table, &options);
    mbar_parquet *parquet = open_memory(&file);
    assert_int_equal(mbar_parquet_row_groups(parquet), 1);
    for (int64_t first = 0; first < 1000000; first += 999000) {
        mbar_table *back = NULL, *wanted = NULL;
        must(mbar_parquet_read(parquet, NULL, 0, first, rows - first, 2, &back, NULL, &error),
             &error);
        must(mbar_table_slice(table, first, rows - first, &wanted, &error), &error);
        assert_same(wanted, back);
        assert_false(points_into(mbar_table_column(back, 0), &file));
        /* The checksum of volume is four bytes long, not five: that column lies
         * askew, and gets small pages, too. */
        int32_t n_mapped = 0;
        for (int32_t c = 1; c < 6; c++) {
            n_mapped += points_into(mbar_table_column(back, c), &file);
            assert_int_equal((uintptr_t)mbar_column_values(mbar_table_column(back, c)) % 8, 0);
        }
        assert_int_equal(n_mapped, 4);
        mbar_table_unref(back);
        mbar_table_unref(wanted);
    }
    mbar_window range;
    int32_t n = 0;
    must(mbar_parquet_prune(parquet, 0, 500000 * MBAR_MINUTE_NS, 500001 * MBAR_MINUTE_NS, &range, 1,
                            &n, NULL, &error),
         &error);
    assert_int_equal(n, 1);
    assert_true(range.n_rows <= 2 * 8192);
    mbar_table *one = NULL;
    mbar_column *wanted = NULL;
    int32_t close = 4;
    must(mbar_parquet_read(parquet, &close, 1, 777, 1, 1, &one, NULL, &error), &error);
    mbar_parquet_close(parquet); /* the column keeps the map */
    must(mbar_column_slice(mbar_table_column(table, 4), 777, 1, &wanted, &error), &error);
    assert_true(mbar_column_equal(mbar_table_column(one, 0), wanted));
    mbar_column_unref(wanted);
    mbar_table_unref(one);
    mbar_table_unref(table);
    free(file.data);
}

/* A page that is not where the index says, or not plain, is decoded, not
 * pointed at: columns of text, bools and nulls between plain ones. */
static void test_mapped_among_others(void **state)
{
    (void)state;
    mbar_table *small = every_type(1000), *table = NULL;
    mbar_error error;
    int64_t *rows = malloc(((1 << 20) + 9) * sizeof *rows);
    for (int64_t i = 0; i < (1 << 20) + 9; i++) {
        rows[i] = i % 1000;
    }
    must(mbar_table_take(small, rows, (1 << 20) + 9, &table, &error), &error);
    mbar_parquet_options options = {.codec = MBAR_CODEC_NONE};
    memory_file file = write_memory(table, &options);
    mbar_parquet *parquet = open_memory(&file);
    mbar_table *back = read_all(parquet, 2);
    assert_same(table, back);
    mbar_table_unref(back);
    mbar_parquet_close(parquet);
    mbar_table_unref(table);
    mbar_table_unref(small);
    free(rows);
    free(file.data);
}

static void test_bad_requests(void **state)
{
    (void)state;
    mbar_error error;
    int64_t far[] = {INT64_MAX / 10};
    mbar_column *column[] = {values_column("t", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_S, NULL, 1, far)};
    mbar_table *table = table_of(column, 1);
    memory_file file = {0};
    assert_int_equal(mbar_parquet_write(table, memory_sink_open(&file), NULL, &error),
                     MBAR_INVALID);
    assert_non_null(strstr(error.message, "row 0"));
    assert_true(file.aborted);
    mbar_parquet_options options = {.codec = MBAR_CODEC_OTHER};
    assert_int_equal(mbar_parquet_write(table, memory_sink_open(&file), &options, &error),
                     MBAR_INVALID);
    mbar_table_unref(table);
    free(file.data);
}

static void expect_open(const char *data, size_t n, mbar_status status, const char *part)
{
    mbar_error error;
    mbar_source *source = NULL;
    mbar_parquet *parquet = NULL;
    must(mbar_source_open_memory(data, n, "x.parquet", &source, &error), &error);
    assert_int_equal(mbar_parquet_open(source, &parquet, &error), status);
    if (strstr(error.message, part) == NULL) {
        fail_msg("'%s' does not hold '%s'", error.message, part);
    }
    assert_string_equal(error.file, "x.parquet");
    mbar_source_close(source);
}

static void test_not_parquet(void **state)
{
    (void)state;
    mbar_table *table = minute_bars(10, 0);
    memory_file file = write_memory(table, NULL);
    expect_open("", 0, MBAR_FORMAT, "empty");
    expect_open("PAR1PAR1", 8, MBAR_FORMAT, "truncated");
    expect_open("timestamp,open,high,low", 23, MBAR_FORMAT, "not a Parquet file");
    expect_open(file.data, file.n_bytes - 1, MBAR_FORMAT, "truncated");
    expect_open(file.data, file.n_bytes / 2, MBAR_FORMAT, "truncated");
    expect_open(file.data + 1, file.n_bytes - 1, MBAR_FORMAT, "head");
    memcpy(file.data + file.n_bytes - 4, "PARE", 4);
    expect_open(file.data, file.n_bytes, MBAR_UNSUPPORTED, "encrypted");
    memcpy(file.data + file.n_bytes - 4, "PAR1", 4);
    memcpy(file.data + file.n_bytes - 8, "\xff\xff\xff\x7f", 4);
    expect_open(file.data, file.n_bytes, MBAR_FORMAT, "footer");
    mbar_table_unref(table);
    free(file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_codec),     cmocka_unit_test(test_threads),
        cmocka_unit_test(test_small_and_empty), cmocka_unit_test(test_slices),
        cmocka_unit_test(test_projection),      cmocka_unit_test(test_footer),
        cmocka_unit_test(test_prune),           cmocka_unit_test(test_prune_few_ranges),
        cmocka_unit_test(test_unmapped),        cmocka_unit_test(test_failing_reads),
        cmocka_unit_test(test_failing_writes),  cmocka_unit_test(test_changed_file),
        cmocka_unit_test(test_mapped),          cmocka_unit_test(test_mapped_among_others),
        cmocka_unit_test(test_bad_requests),    cmocka_unit_test(test_not_parquet),
    };
    return cmocka_run_group_tests_name("parquet", tests, NULL, NULL);
}
