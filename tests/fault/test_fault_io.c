/* test_fault_io.c - Parquet, expressions and scans with the N-th allocation,
 * read or write failing. The Parquet library works around some failures; then
 * the result must be that of an undisturbed run all the same. */
#include "../c/io_support.h"
#include "fault.h"

#define UNTOUCHED ((void *)7)

static mbar_table *bars; /* 60 rows, with text, nulls and bools beside */
static memory_file zipped, plain;

static int set_up(void **state)
{
    (void)state;
    mbar_error error;
    const char *words[60];
    uint8_t flags[60];
    int32_t codes[60];
    for (int i = 0; i < 60; i++) {
        words[i] = i % 7 == 0 ? NULL : i % 2 ? "left" : "right";
        flags[i] = i % 3 == 0;
        codes[i] = i % 5 - 1;
    }
    mbar_table *numbers = minute_bars(60, 0);
    mbar_column *columns[9];
    for (int32_t c = 0; c < 6; c++) {
        columns[c] = mbar_column_ref(mbar_table_column(numbers, c));
    }
    columns[6] = text_column("side", 60, words);
    columns[7] = any_column("flag", MBAR_TYPE_BOOL, 0, NULL, 60, flags, flags);
    columns[8] = dict_column("symbol", 60, codes, (const char *const[]){"a", "b", "c", "d"}, 4);
    bars = table_of(columns, 9);
    mbar_table_unref(numbers);
    mbar_parquet_options options = {
        .codec = MBAR_CODEC_ZSTD, .row_group_rows = 25, .page_rows = 10};
    must(mbar_parquet_write(bars, memory_sink_open(&zipped), &options, &error), &error);
    options.codec = MBAR_CODEC_NONE;
    must(mbar_parquet_write(bars, memory_sink_open(&plain), &options, &error), &error);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mbar_table_unref(bars);
    free(zipped.data);
    free(plain.data);
    return mbar_memory_live_bytes() == 0 ? 0 : -1;
}

/* Ends a step whose result is a table of n rows. */
static mbar_status table_done(mbar_status status, mbar_table **table, int64_t n)
{
    if (status != MBAR_OK) {
        assert_ptr_equal(*table, UNTOUCHED);
        return status;
    }
    assert_int_equal(mbar_table_rows(*table), n);
    mbar_table_unref(*table);
    return status;
}

/* The rows of a file from first on; takes source over. */
static mbar_status read_source(mbar_source *source, int64_t first, mbar_error *error)
{
    mbar_parquet *file = NULL;
    mbar_table *table = UNTOUCHED;
    mbar_status status = mbar_parquet_open(source, &file, error);
    if (status != MBAR_OK) {
        mbar_source_close(source);
        return status;
    }
    status = mbar_parquet_read(file, NULL, 0, first, 60 - first, 1, &table, NULL, error);
    mbar_parquet_close(file);
    return table_done(status, &table, 60 - first);
}

static mbar_status read_memory(void *ctx, mbar_error *error)
{
    const memory_file *file = ctx;
    mbar_source *source = NULL;
    mbar_status status =
        mbar_source_open_memory(file->data, file->n_bytes, "memory", &source, error);
    return status == MBAR_OK ? read_source(source, 12, error) : status;
}

static mbar_status read_faulty(void *ctx, mbar_source *source, mbar_error *error)
{
    (void)ctx;
    return read_source(source, 3, error);
}

static void test_read(void **state)
{
    (void)state;
    assert_true(fault_check_alloc(read_memory, &zipped) > 50);
    assert_true(fault_check_alloc(read_memory, &plain) > 50);
    assert_true(fault_check_read(read_faulty, NULL, zipped.data, zipped.n_bytes) > 20);
    assert_true(fault_check_read(read_faulty, NULL, plain.data, plain.n_bytes) > 20);
}

static mbar_status prune(void *ctx, mbar_error *error)
{
    const memory_file *file = ctx;
    mbar_source *source = NULL;
    mbar_parquet *parquet = NULL;
    mbar_window ranges[8];
    int32_t n = -1;
    mbar_status status =
        mbar_source_open_memory(file->data, file->n_bytes, "memory", &source, error);
    if (status != MBAR_OK) {
        return status;
    }
    status = mbar_parquet_open(source, &parquet, error);
    if (status != MBAR_OK) {
        mbar_source_close(source);
        return status;
    }
    status = mbar_parquet_prune(parquet, 0, 30 * MBAR_MINUTE_NS, 31 * MBAR_MINUTE_NS, ranges, 8, &n,
                                NULL, error);
    if (status == MBAR_OK) {
        /* Without memory for the index the whole row group is named. */
        assert_int_equal(n, 1);
        assert_true(ranges[0].first <= 30 && ranges[0].first + ranges[0].n_rows >= 32);
    }
    mbar_parquet_close(parquet);
    return status;
}

static void test_prune(void **state)
{
    (void)state;
    assert_true(fault_check_alloc(prune, &zipped) > 10);
}

/* What was written in spite of a failure must read back whole. */
static mbar_status write_table(void *ctx, mbar_error *error)
{
    const mbar_parquet_options *options = ctx;
    memory_file file = {0};
    mbar_status status = mbar_parquet_write(bars, memory_sink_open(&file), options, error);
    assert_int_equal(file.finished + file.aborted, 1);
    assert_int_equal(file.finished, status == MBAR_OK);
    if (status == MBAR_OK && fault_disarm()) {
        mbar_parquet *parquet = open_memory(&file);
        mbar_table *back = read_all(parquet, 1);
        for (int32_t c = 0; c < 8; c++) {
            assert_true(mbar_column_equal(mbar_table_column(bars, c), mbar_table_column(back, c)));
        }
        mbar_table_unref(back);
        mbar_parquet_close(parquet);
    }
    free(file.data);
    return status;
}

static mbar_status write_faulty(void *ctx, mbar_sink *sink, mbar_error *error)
{
    return mbar_parquet_write(bars, sink, ctx, error);
}

static void test_write(void **state)
{
    (void)state;
    mbar_parquet_options zstd = {.codec = MBAR_CODEC_ZSTD, .row_group_rows = 25, .page_rows = 10};
    mbar_parquet_options none = {.codec = MBAR_CODEC_NONE};
    assert_true(fault_check_alloc(write_table, &zstd) > 50);
    assert_true(fault_check_alloc(write_table, &none) > 50);
    assert_true(fault_check_write(write_faulty, &none) > 1);
}

/* side == "left" and volume > 100, or flag is null. */
static mbar_status make_filter(mbar_expr **out, mbar_error *error)
{
    mbar_expr *e[9] = {0};
    mbar_status status = mbar_expr_column("symbol", &e[0], error);
    status = status != MBAR_OK ? status : mbar_expr_text("b", &e[1], error);
    status = status != MBAR_OK ? status : mbar_expr_node(MBAR_OP_EQ, e[0], e[1], &e[2], error);
    status = status != MBAR_OK ? status : mbar_expr_column("volume", &e[3], error);
    status = status != MBAR_OK ? status : mbar_expr_int(-1, &e[4], error);
    status = status != MBAR_OK ? status : mbar_expr_node(MBAR_OP_GT, e[3], e[4], &e[5], error);
    status = status != MBAR_OK ? status : mbar_expr_node(MBAR_OP_AND, e[2], e[5], out, error);
    for (int i = 0; i < 6; i++) {
        mbar_expr_unref(e[i]);
    }
    return status;
}

static mbar_status evaluate(void *ctx, mbar_error *error)
{
    (void)ctx;
    mbar_expr *e = NULL;
    mbar_column *column = UNTOUCHED;
    mbar_status status = make_filter(&e, error);
    if (status == MBAR_OK) {
        status = mbar_expr_eval(e, bars, &column, error);
        assert_true((status == MBAR_OK) == (column != UNTOUCHED));
        mbar_column_unref(status == MBAR_OK ? column : NULL);
    }
    mbar_expr_unref(e);
    return status;
}

static mbar_status scan_all(void *ctx, mbar_error *error)
{
    (void)ctx;
    static const char *const names[] = {"close", "side", "timestamp"};
    mbar_scan *scan = NULL, *copy = NULL;
    mbar_expr *e = NULL;
    mbar_table *table = UNTOUCHED;
    mbar_status status = mbar_scan_new(&scan, error);
    for (int i = 0; i < 2 && status == MBAR_OK; i++) {
        status = mbar_scan_add_memory(scan, zipped.data, zipped.n_bytes, "zipped", error);
    }
    status = status != MBAR_OK ? status : make_filter(&e, error);
    status = status != MBAR_OK ? status : mbar_scan_filter(scan, e, error);
    status = status != MBAR_OK ? status : mbar_scan_select(scan, names, 3, error);
    status = status != MBAR_OK ? status
                               : mbar_scan_between(scan, "timestamp", 5 * MBAR_MINUTE_NS,
                                                   45 * MBAR_MINUTE_NS, error);
    status = status != MBAR_OK ? status : mbar_scan_tail(scan, 12, error);
    status = status != MBAR_OK ? status : mbar_scan_copy(scan, &copy, error);
    if (status == MBAR_OK) {
        mbar_scan_threads(copy, 1);
    }
    status = status != MBAR_OK ? status : mbar_scan_collect(copy, &table, NULL, error);
    mbar_expr_unref(e);
    mbar_scan_free(copy);
    mbar_scan_free(scan);
    return table_done(status, &table, 12);
}

static mbar_status scan_resampled(void *ctx, mbar_error *error)
{
    (void)ctx;
    const mbar_resample how = {.every = 5, .step = MBAR_STEP_MINUTE};
    mbar_scan *scan = NULL;
    mbar_table *schema = UNTOUCHED, *table = UNTOUCHED;
    mbar_status status = mbar_scan_new(&scan, error);
    status = status != MBAR_OK ? status : mbar_scan_add_table(scan, bars, error);
    status = status != MBAR_OK ? status : mbar_scan_resample(scan, NULL, &how, error);
    status = status != MBAR_OK ? status : mbar_scan_head(scan, 7, error);
    if (status == MBAR_OK) {
        status = mbar_scan_schema(scan, &schema, error);
        status = table_done(status, &schema, 0);
    }
    if (status == MBAR_OK) {
        status = table_done(mbar_scan_collect(scan, &table, NULL, error), &table, 2);
    }
    mbar_scan_free(scan);
    mbar_zone_set_directory(NULL); /* empties the cache, which has the bars' zone now */
    return status;
}

/* ctx not NULL: after a tail, whose rows are held. */
static mbar_status aggregate_all(void *ctx, mbar_error *error)
{
    mbar_scan *scan = NULL;
    mbar_expr *e = NULL, *close = NULL;
    mbar_table *table = UNTOUCHED;
    mbar_status status = mbar_scan_new(&scan, error);
    status = status != MBAR_OK
                 ? status
                 : mbar_scan_add_memory(scan, zipped.data, zipped.n_bytes, "zipped", error);
    status = status != MBAR_OK ? status : make_filter(&e, error);
    status = status != MBAR_OK ? status : mbar_scan_filter(scan, e, error);
    status = status != MBAR_OK || ctx == NULL ? status : mbar_scan_tail(scan, 12, error);
    status = status != MBAR_OK ? status : mbar_expr_column("close", &close, error);
    if (status == MBAR_OK) {
        mbar_aggregate wanted[] = {{MBAR_AGGREGATE_COUNT, NULL, "n"},
                                   {MBAR_AGGREGATE_SUM, close, "sum"},
                                   {MBAR_AGGREGATE_MAX, close, "max"}};
        mbar_scan_threads(scan, 1);
        status = mbar_scan_aggregate(scan, wanted, 3, &table, NULL, error);
    }
    mbar_expr_unref(close);
    mbar_expr_unref(e);
    mbar_scan_free(scan);
    return table_done(status, &table, 1);
}

static void test_expressions_and_scans(void **state)
{
    (void)state;
    assert_true(fault_check_alloc(evaluate, NULL) > 5);
    assert_true(fault_check_alloc(scan_all, NULL) > 50);
    assert_true(fault_check_alloc(scan_resampled, NULL) > 30);
    assert_true(fault_check_alloc(aggregate_all, NULL) > 30);
    assert_true(fault_check_alloc(aggregate_all, &zipped) > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_prune),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_expressions_and_scans),
    };
    return cmocka_run_group_tests_name("fault_io", tests, set_up, tear_down);
}
