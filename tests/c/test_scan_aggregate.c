/* Aggregates of a scan: values and types by hand, the same bits for any layout and number
 * of threads, memory that does not grow with the rows, damage that is told. */
#include "io_support.h"

#include <math.h>

static mbar_expr *column_expr(const char *name)
{
    mbar_error error;
    mbar_expr *e = NULL;
    must(mbar_expr_column(name, &e, &error), &error);
    return e;
}

static mbar_scan *scan_memory(const memory_file *file)
{
    mbar_error error;
    mbar_scan *scan = NULL;
    must(mbar_scan_new(&scan, &error), &error);
    must(mbar_scan_add_memory(scan, file->data, file->n_bytes, "bytes", &error), &error);
    return scan;
}

static mbar_scan *scan_table(mbar_table *table)
{
    mbar_error error;
    mbar_scan *scan = NULL;
    must(mbar_scan_new(&scan, &error), &error);
    must(mbar_scan_add_table(scan, table, &error), &error);
    mbar_table_unref(table);
    return scan;
}

/* Keeps the rows whose close is above their open. */
static void keep_rising(mbar_scan *scan)
{
    mbar_error error;
    mbar_expr *close = column_expr("close"), *open = column_expr("open"), *e = NULL;
    must(mbar_expr_node(MBAR_OP_GT, close, open, &e, &error), &error);
    must(mbar_scan_filter(scan, e, &error), &error);
    mbar_expr_unref(close);
    mbar_expr_unref(open);
    mbar_expr_unref(e);
}

#define N_KINDS 7

/* Every aggregate of one column, in the order of the kinds. Frees scan. */
static mbar_table *all_of(mbar_scan *scan, const char *name)
{
    mbar_error error;
    mbar_table *table = NULL;
    mbar_expr *e = column_expr(name);
    mbar_aggregate wanted[N_KINDS];
    for (int k = 0; k < N_KINDS; k++) {
        mbar_aggregate_kind kind = (mbar_aggregate_kind)(MBAR_AGGREGATE_COUNT + k);
        wanted[k] = (mbar_aggregate){kind, e, mbar_aggregate_name(kind)};
    }
    must(mbar_scan_aggregate(scan, wanted, N_KINDS, &table, NULL, &error), &error);
    assert_int_equal(mbar_table_rows(table), 1);
    mbar_expr_unref(e);
    mbar_scan_free(scan);
    return table;
}

static double real_of(const mbar_table *table, int32_t c)
{
    assert_int_equal(mbar_column_field(mbar_table_column(table, c))->type, MBAR_TYPE_FLOAT64);
    return *(const double *)mbar_column_values(mbar_table_column(table, c));
}

static int64_t int_of(const mbar_table *table, int32_t c)
{
    assert_int_equal(mbar_column_field(mbar_table_column(table, c))->type, MBAR_TYPE_INT64);
    return *(const int64_t *)mbar_column_values(mbar_table_column(table, c));
}

static mbar_table *doubles(int64_t n, const double *values)
{
    mbar_column *x = values_column("x", MBAR_TYPE_FLOAT64, MBAR_UNIT_NS, NULL, n, values);
    return table_of(&x, 1);
}

static void test_values(void **state)
{
    (void)state;
    /* Added plainly these give 0: the ones are lost beside 1e100. */
    static const double values[] = {1, 1e100, 1, -1e100, NAN};
    mbar_table *t = all_of(scan_table(doubles(4, values)), "x");
    static const double wanted[] = {0, 2, 0.5, -1e100, 1e100, 1, -1e100};
    assert_int_equal(int_of(t, 0), 4);
    for (int c = 1; c < N_KINDS; c++) {
        assert_true(real_of(t, c) == wanted[c]);
    }
    mbar_table_unref(t);
    t = all_of(scan_table(doubles(5, values)), "x");
    assert_int_equal(int_of(t, 0), 5);
    assert_true(isnan(real_of(t, 1)) && isnan(real_of(t, 2)) && isnan(real_of(t, 6)));
    assert_true(real_of(t, 3) == -1e100 && real_of(t, 4) == 1e100);
    mbar_table_unref(t);
}

static void test_no_rows(void **state)
{
    (void)state;
    mbar_table *t = all_of(scan_table(doubles(0, (const double[]){0})), "x");
    assert_int_equal(int_of(t, 0), 0);
    assert_true(real_of(t, 1) == 0);
    for (int c = 2; c < N_KINDS; c++) {
        assert_false(mbar_column_is_valid(mbar_table_column(t, c), 0));
    }
    mbar_table_unref(t);
}

static void test_layouts_and_threads(void **state)
{
    (void)state;
    mbar_table *bars = minute_bars(5000, 0);
    mbar_scan *plain = scan_table(mbar_table_ref(bars));
    keep_rising(plain);
    mbar_table *wanted = all_of(plain, "close");
    for (int64_t rows = 77; rows < 6000; rows *= 4) {
        mbar_parquet_options options = {
            .codec = MBAR_CODEC_ZSTD, .row_group_rows = rows, .page_rows = 50};
        memory_file file = write_memory(bars, &options);
        for (int32_t threads = 1; threads <= 3; threads++) {
            mbar_scan *scan = scan_memory(&file);
            keep_rising(scan);
            mbar_scan_threads(scan, threads);
            mbar_table *got = all_of(scan, "close");
            for (int c = 0; c < N_KINDS; c++) {
                assert_memory_equal(mbar_column_values(mbar_table_column(got, c)),
                                    mbar_column_values(mbar_table_column(wanted, c)), 8);
            }
            mbar_table_unref(got);
        }
        free(file.data);
    }
    mbar_table_unref(wanted);
    mbar_table_unref(bars);
}

/* The two columns have 19 MB; a row group of them has 0.8. */
static void test_memory_is_flat(void **state)
{
    (void)state;
    mbar_table *bars = minute_bars(1200000, 0);
    mbar_parquet_options options = {.codec = MBAR_CODEC_ZSTD, .row_group_rows = 50000};
    memory_file file = write_memory(bars, &options);
    mbar_table_unref(bars);
    mbar_scan *scan = scan_memory(&file);
    keep_rising(scan);
    mbar_scan_threads(scan, 1);
    mbar_set_memory_limit(mbar_memory_live_bytes() + 6000000);
    mbar_table *got = all_of(scan, "close");
    mbar_set_memory_limit(0);
    assert_true(int_of(got, 0) > 100000);
    mbar_table_unref(got);
    free(file.data);
}

static void expect_failure(mbar_scan *scan, const mbar_aggregate *wanted, int32_t n,
                           mbar_status status, const char *part)
{
    mbar_error error;
    mbar_table *table = NULL;
    size_t live = mbar_memory_live_bytes();
    assert_int_equal(mbar_scan_aggregate(scan, wanted, n, &table, NULL, &error), status);
    if (strstr(error.message, part) == NULL && strstr(error.file, part) == NULL) {
        fail_msg("'%s' in '%s' does not hold '%s'", error.message, error.file, part);
    }
    assert_null(table);
    assert_int_equal(mbar_memory_live_bytes(), live);
    mbar_scan_free(scan);
}

static void test_damaged_page(void **state)
{
    (void)state;
    mbar_table *bars = minute_bars(20000, 0);
    mbar_parquet_options options = {
        .codec = MBAR_CODEC_ZSTD, .row_group_rows = 5000, .page_rows = 500};
    memory_file file = write_memory(bars, &options);
    mbar_expr *close = column_expr("close");
    mbar_aggregate sum = {MBAR_AGGREGATE_SUM, close, "sum"};
    for (size_t i = 0; i < file.n_bytes / 2; i++) {
        ((uint8_t *)file.data)[file.n_bytes / 4 + i] ^= 0x55;
    }
    for (int32_t threads = 1; threads <= 2; threads++) {
        mbar_scan *scan = scan_memory(&file);
        mbar_scan_threads(scan, threads);
        expect_failure(scan, &sum, 1, MBAR_FORMAT, "close");
    }
    mbar_expr_unref(close);
    mbar_table_unref(bars);
    free(file.data);
}

static void test_refusals(void **state)
{
    (void)state;
    mbar_expr *x = column_expr("timestamp"), *gone = column_expr("gone");
    mbar_aggregate sum = {MBAR_AGGREGATE_SUM, x, "sum"};
    mbar_aggregate missing = {MBAR_AGGREGATE_SUM, gone, "sum"};
    expect_failure(scan_table(minute_bars(9, 0)), &sum, 1, MBAR_INVALID, "no sum");
    expect_failure(scan_table(minute_bars(9, 0)), &missing, 1, MBAR_NOTFOUND, "gone");
    expect_failure(scan_table(minute_bars(9, 0)), NULL, 0, MBAR_INVALID, "at least one");
    mbar_expr_unref(x);
    mbar_expr_unref(gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_layouts_and_threads),
        cmocka_unit_test(test_memory_is_flat),
        cmocka_unit_test(test_damaged_page),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("scan_aggregate", tests, NULL, NULL);
}
