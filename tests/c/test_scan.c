/* The scan gives what reading everything and filtering gives, whatever it
 * prunes; files, folders, memory and tables; and says what it read. */
#include "io_support.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[200];

static int make_folder(void **state)
{
    (void)state;
    const char *where = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/millibar-scan-XXXXXX", where != NULL ? where : P_tmpdir);
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* folder/name, whose folders are made. */
static const char *place(const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    return path;
}

static void save(const mbar_table *table, const char *name)
{
    mbar_error error;
    mbar_sink *sink = NULL;
    mbar_parquet_options options = {
        .codec = MBAR_CODEC_ZSTD, .row_group_rows = 1000, .page_rows = 100};
    must(mbar_sink_open_file(place(name), &sink, &error), &error);
    must(mbar_parquet_write(table, sink, &options, &error), &error);
}

static mbar_scan *scan_of(const char *path)
{
    mbar_error error;
    mbar_scan *scan = NULL;
    must(mbar_scan_new(&scan, &error), &error);
    if (path != NULL) {
        must(mbar_scan_add_path(scan, path, &error), &error);
    }
    return scan;
}

static mbar_table *collect(mbar_scan *scan, mbar_read_stats *stats)
{
    mbar_error error;
    mbar_table *table = NULL, *schema = NULL;
    must(mbar_scan_collect(scan, &table, stats, &error), &error);
    must(mbar_scan_schema(scan, &schema, &error), &error);
    assert_int_equal(mbar_table_rows(schema), 0);
    assert_int_equal(mbar_table_columns(schema), mbar_table_columns(table));
    for (int32_t c = 0; c < mbar_table_columns(schema); c++) {
        const mbar_field *f = mbar_column_field(mbar_table_column(schema, c));
        const mbar_field *g = mbar_column_field(mbar_table_column(table, c));
        assert_string_equal(f->name, g->name);
        assert_int_equal(f->type, g->type);
    }
    mbar_table_unref(schema);
    return table;
}

static mbar_table *rows_of(mbar_table *table, int64_t first, int64_t n)
{
    mbar_error error;
    mbar_table *slice = NULL;
    must(mbar_table_slice(table, first, n, &slice, &error), &error);
    return slice;
}

static void expect_table(mbar_scan *scan, mbar_table *wanted)
{
    mbar_table *got = collect(scan, NULL);
    assert_int_equal(mbar_table_rows(got), mbar_table_rows(wanted));
    assert_true(mbar_table_equal(got, wanted));
    mbar_table_unref(got);
    mbar_table_unref(wanted);
    mbar_scan_free(scan);
}

static mbar_expr *compare(mbar_op op, const char *column, mbar_expr *literal)
{
    mbar_error error;
    mbar_expr *name = NULL, *e = NULL;
    must(mbar_expr_column(column, &name, &error), &error);
    must(mbar_expr_node(op, name, literal, &e, &error), &error);
    mbar_expr_unref(name);
    mbar_expr_unref(literal);
    return e;
}

static mbar_expr *number(int64_t value)
{
    mbar_error error;
    mbar_expr *e = NULL;
    must(mbar_expr_int(value, &e, &error), &error);
    return e;
}

/* ---- One file -------------------------------------------------------------------- */

static void test_whole_file(void **state)
{
    (void)state;
    mbar_table *bars = minute_bars(5000, 0);
    save(bars, "bars.parquet");
    expect_table(scan_of(place("bars.parquet")), mbar_table_ref(bars));
    mbar_table_unref(bars);
}

static void test_between(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *bars = minute_bars(5000, 7);
    save(bars, "bars.parquet");
    static const int64_t spans[][2] = {{0, 5000},    {1234, 1235}, {999, 1001}, {100, 100},
                                       {-500, 100},  {4990, 9000}, {-9, -1},    {6000, 7000},
                                       {2000, 3000}, {3000, 2000}};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        mbar_scan *scan = scan_of(place("bars.parquet"));
        int64_t from = 7 + spans[i][0] * MBAR_MINUTE_NS, to = 7 + spans[i][1] * MBAR_MINUTE_NS;
        must(mbar_scan_between(scan, NULL, from, to, &error), &error);
        int64_t first = spans[i][0] < 0 ? 0 : spans[i][0] > 5000 ? 5000 : spans[i][0];
        int64_t end = spans[i][1] > 5000 ? 5000 : spans[i][1];
        expect_table(scan, rows_of(bars, first, end > first ? end - first : 0));
    }
    mbar_scan *scan = scan_of(place("bars.parquet"));
    mbar_read_stats stats;
    must(mbar_scan_between(scan, "timestamp", INT64_MIN, 7 + 4000 * MBAR_MINUTE_NS, &error),
         &error);
    must(mbar_scan_between(scan, NULL, 7 + 3901 * MBAR_MINUTE_NS + 1, INT64_MAX, &error), &error);
    mbar_table *got = collect(scan, &stats);
    assert_int_equal(mbar_table_rows(got), 98);
    assert_int_equal(stats.rows_read, 100);
    assert_int_equal(stats.rows_present, 5000);
    assert_int_equal(stats.row_groups_present, 5);
    assert_int_equal(stats.row_groups_read, 1);
    assert_int_equal(stats.pages_read, 1);
    assert_int_equal(stats.files_read, 1);
    assert_true(stats.bytes_read > 0 && stats.bytes_read < stats.bytes_present / 10);
    char text[1000];
    size_t n = mbar_scan_explain(scan, text, sizeof text);
    assert_int_equal(n, strlen(text));
    assert_non_null(strstr(text, "read      100 of 5,000 rows"));
    assert_non_null(strstr(text, "1 of 5 row groups"));
    assert_int_equal(mbar_scan_explain(scan, text, 10), n);
    mbar_table_unref(got);
    mbar_scan_free(scan);
    mbar_table_unref(bars);
}

/* Units coarser than a nanosecond: [from, to) is exact. */
static void test_between_seconds(void **state)
{
    (void)state;
    mbar_error error;
    static const int64_t s[] = {-2, -1, 0, 1, 2};
    static const struct {
        int64_t from, to, first, n;
    } cases[] = {{-1000000000, 1000000001, 1, 3}, {-999999999, 1000000000, 2, 1},
                 {-1000000001, -1, 1, 1},         {1, 1, 0, 0},
                 {INT64_MIN, INT64_MAX, 0, 5},    {INT64_MIN, INT64_MIN, 0, 0}};
    mbar_column *c[] = {values_column("when", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_S, "UTC", 5, s)};
    mbar_table *table = table_of(c, 1);
    save(table, "seconds.parquet");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mbar_scan *scan = scan_of(place("seconds.parquet"));
        must(mbar_scan_between(scan, NULL, cases[i].from, cases[i].to, &error), &error);
        expect_table(scan, rows_of(table, cases[i].first, cases[i].n));
        scan = scan_of(NULL);
        must(mbar_scan_add_table(scan, table, &error), &error);
        must(mbar_scan_between(scan, NULL, cases[i].from, cases[i].to, &error), &error);
        expect_table(scan, rows_of(table, cases[i].first, cases[i].n));
    }
    mbar_table_unref(table);
}

static void test_filter(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *bars = minute_bars(5000, 0);
    save(bars, "bars.parquet");
    const int64_t *volume = mbar_column_values(mbar_table_column(bars, 5));
    int64_t rows[5000], n = 0;
    for (int64_t i = 0; i < 5000; i++) {
        if (volume[i] > 900 && i >= 700 && i < 3100) {
            rows[n++] = i;
        }
    }
    mbar_table *wanted = NULL;
    must(mbar_table_take(bars, rows, n, &wanted, &error), &error);
    mbar_scan *scan = scan_of(place("bars.parquet"));
    mbar_expr *e = compare(MBAR_OP_GT, "volume", number(900));
    must(mbar_scan_filter(scan, e, &error), &error);
    mbar_expr_unref(e);
    must(mbar_scan_between(scan, NULL, 700 * MBAR_MINUTE_NS, 3100 * MBAR_MINUTE_NS, &error),
         &error);
    mbar_scan *copy = NULL;
    must(mbar_scan_copy(scan, &copy, &error), &error);
    static const char *const names[] = {"close", "timestamp"};
    must(mbar_scan_select(copy, names, 2, &error), &error);
    mbar_table *narrow = NULL;
    must(mbar_table_select(wanted, names, 2, &narrow, &error), &error);
    expect_table(scan, wanted);
    expect_table(copy, narrow);
    mbar_table_unref(bars);
}

/* Statistics of a price column leave out row groups; pages of an integer one. */
static void test_filter_prunes(void **state)
{
    (void)state;
    mbar_error error;
    double price[3000];
    int64_t id[3000];
    for (int i = 0; i < 3000; i++) {
        price[i] = i < 1000 ? 1.0 : i < 2000 ? 2.0 : 3.0;
        id[i] = i;
    }
    mbar_column *c[] = {values_column("price", MBAR_TYPE_FLOAT64, 0, NULL, 3000, price),
                        values_column("id", MBAR_TYPE_INT64, 0, NULL, 3000, id)};
    mbar_table *table = table_of(c, 2);
    save(table, "prices.parquet");
    mbar_read_stats stats;
    mbar_expr *two = NULL;
    must(mbar_expr_float(2.0, &two, &error), &error);
    mbar_expr *e = compare(MBAR_OP_EQ, "price", two);
    mbar_scan *scan = scan_of(place("prices.parquet"));
    must(mbar_scan_filter(scan, e, &error), &error);
    mbar_expr_unref(e);
    mbar_table *got = collect(scan, &stats);
    assert_int_equal(mbar_table_rows(got), 1000);
    assert_int_equal(stats.rows_read, 1000);
    assert_int_equal(stats.row_groups_read, 1);
    mbar_table_unref(got);
    e = compare(MBAR_OP_LT, "id", number(1150));
    must(mbar_scan_filter(scan, e, &error), &error);
    mbar_expr_unref(e);
    got = collect(scan, &stats);
    assert_int_equal(mbar_table_rows(got), 150);
    assert_int_equal(stats.rows_read, 200);
    mbar_table_unref(got);
    mbar_scan_free(scan);
    mbar_table_unref(table);
}

static void test_head_and_tail(void **state)
{
    (void)state;
    mbar_error error;
    mbar_read_stats stats;
    mbar_table *bars = minute_bars(5000, 0);
    save(bars, "bars.parquet");
    mbar_scan *scan = scan_of(place("bars.parquet"));
    must(mbar_scan_head(scan, 10, &error), &error);
    must(mbar_scan_tail(scan, 3, &error), &error);
    mbar_table *got = collect(scan, &stats);
    assert_int_equal(stats.rows_read, 10);
    mbar_table_unref(got);
    expect_table(scan, rows_of(bars, 7, 3));
    scan = scan_of(place("bars.parquet"));
    must(mbar_scan_tail(scan, 1500, &error), &error);
    got = collect(scan, &stats);
    assert_int_equal(stats.rows_read, 1500);
    mbar_table_unref(got);
    expect_table(scan, rows_of(bars, 3500, 1500));
    scan = scan_of(place("bars.parquet"));
    must(mbar_scan_tail(scan, 9000, &error), &error);
    must(mbar_scan_head(scan, 0, &error), &error);
    expect_table(scan, rows_of(bars, 0, 0));
    mbar_table_unref(bars);
}

/* ---- Several ------------------------------------------------------------------------ */

static void test_several_files(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *bars = minute_bars(5000, 0);
    for (int i = 0; i < 5; i++) {
        char name[40];
        snprintf(name, sizeof name, "many/part-%d.parquet", i);
        mbar_table *part = rows_of(bars, i * 1000, 1000);
        save(part, name);
        mbar_table_unref(part);
    }
    save(bars, "many/_temporary.parquet");
    expect_table(scan_of(place("many")), mbar_table_ref(bars));
    expect_table(scan_of(place("many/part-?.parquet")), mbar_table_ref(bars));
    mbar_scan *scan = scan_of(place("many"));
    mbar_scan_threads(scan, 2);
    must(mbar_scan_between(scan, NULL, 900 * MBAR_MINUTE_NS, 2100 * MBAR_MINUTE_NS, &error),
         &error);
    mbar_read_stats stats;
    mbar_table *got = collect(scan, &stats);
    assert_int_equal(stats.files_present, 5);
    assert_int_equal(stats.files_read, 3);
    mbar_table_unref(got);
    expect_table(scan, rows_of(bars, 900, 1200));
    scan = scan_of(place("many"));
    must(mbar_scan_tail(scan, 1200, &error), &error);
    got = collect(scan, &stats);
    assert_int_equal(stats.files_read, 2);
    mbar_table_unref(got);
    expect_table(scan, rows_of(bars, 3800, 1200));
    mbar_table_unref(bars);
}

static void test_hive(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *bars = minute_bars(20, 0);
    save(bars, "hive/symbol=MES/year=2024/a.parquet");
    save(bars, "hive/symbol=ES%2F1/year=2025/a.parquet");
    mbar_scan *scan = scan_of(place("hive"));
    static const char *const names[] = {"year", "close", "symbol"};
    must(mbar_scan_select(scan, names, 3, &error), &error);
    mbar_table *got = collect(scan, NULL);
    assert_int_equal(mbar_table_rows(got), 40);
    size_t n;
    const mbar_column *symbol = mbar_table_column(got, 2);
    assert_int_equal(mbar_column_field(symbol)->type, MBAR_TYPE_DICT);
    assert_memory_equal(mbar_column_text(symbol, 0, &n), "ES/1", 4);
    assert_memory_equal(mbar_column_text(symbol, 39, &n), "MES", 3);
    assert_memory_equal(mbar_column_text(mbar_table_column(got, 0), 39, &n), "2024", 4);
    mbar_table_unref(got);
    mbar_expr *word = NULL;
    must(mbar_expr_text("MES", &word, &error), &error);
    mbar_expr *e = compare(MBAR_OP_EQ, "symbol", word);
    must(mbar_scan_filter(scan, e, &error), &error);
    mbar_expr_unref(e);
    got = collect(scan, NULL);
    assert_int_equal(mbar_table_rows(got), 20);
    mbar_table_unref(got);
    mbar_scan_free(scan);
    mbar_table_unref(bars);
}

static void expect_failure(mbar_scan *scan, mbar_status status, const char *part)
{
    mbar_error error;
    mbar_table *table = NULL;
    size_t live = mbar_memory_live_bytes();
    assert_int_equal(mbar_scan_collect(scan, &table, NULL, &error), status);
    if (strstr(error.message, part) == NULL && strstr(error.file, part) == NULL) {
        fail_msg("'%s' in '%s' does not hold '%s'", error.message, error.file, part);
    }
    assert_int_equal(mbar_memory_live_bytes(), live);
    mbar_scan_free(scan);
}

static void test_different_columns(void **state)
{
    (void)state;
    mbar_error error;
    static const char *const names[] = {"timestamp", "close"};
    mbar_table *bars = minute_bars(10, 0), *narrow = NULL;
    must(mbar_table_select(bars, names, 2, &narrow, &error), &error);
    save(bars, "odd/a.parquet");
    save(narrow, "odd/b.parquet");
    expect_failure(scan_of(place("odd")), MBAR_INVALID, "'open' is missing");
    expect_failure(scan_of(place("odd")), MBAR_INVALID, "b.parquet");
    mbar_table_unref(bars);
    mbar_table_unref(narrow);
}

/* Text of one file may be a dictionary, of another not. */
static void test_text_and_dictionary(void **state)
{
    (void)state;
    mbar_error error;
    static const char *const words[] = {"x", NULL, "z"};
    static const int32_t codes[] = {1, -1, 0};
    static const char *const entries[] = {"q", "p"};
    mbar_column *plain[] = {text_column("w", 3, words)};
    mbar_column *dict[] = {dict_column("w", 3, codes, entries, 2)};
    mbar_table *a = table_of(plain, 1), *b = table_of(dict, 1), *got = NULL;
    mbar_scan *scan = scan_of(NULL);
    must(mbar_scan_add_table(scan, a, &error), &error);
    must(mbar_scan_add_table(scan, b, &error), &error);
    must(mbar_scan_collect(scan, &got, NULL, &error), &error);
    const mbar_column *w = mbar_table_column(got, 0);
    static const char *const wanted[] = {"x", NULL, "z", "p", NULL, "q"};
    for (int64_t i = 0; i < 6; i++) {
        size_t n;
        const char *text = mbar_column_text(w, i, &n);
        assert_int_equal(mbar_column_is_valid(w, i), wanted[i] != NULL);
        assert_true(wanted[i] == NULL || (n == 1 && text[0] == wanted[i][0]));
    }
    mbar_table_unref(got);
    mbar_scan_free(scan);
    mbar_table_unref(a);
    mbar_table_unref(b);
}

static void test_memory(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *bars = minute_bars(3000, 0);
    memory_file file = write_memory(bars, NULL);
    mbar_scan *scan = scan_of(NULL);
    must(mbar_scan_add_memory(scan, file.data, file.n_bytes, "bytes", &error), &error);
    must(mbar_scan_between(scan, NULL, 5 * MBAR_MINUTE_NS, 8 * MBAR_MINUTE_NS, &error), &error);
    expect_table(scan, rows_of(bars, 5, 3));
    mbar_table_unref(bars);
    free(file.data);
}

static void test_resample(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *bars = minute_bars(600, 0);
    save(bars, "bars.parquet");
    mbar_resample how = {.every = 15, .step = MBAR_STEP_MINUTE};
    mbar_scan *scan = scan_of(place("bars.parquet"));
    must(mbar_scan_between(scan, NULL, 0, 300 * MBAR_MINUTE_NS, &error), &error);
    must(mbar_scan_resample(scan, NULL, &how, &error), &error);
    mbar_table *got = collect(scan, NULL);
    assert_int_equal(mbar_table_rows(got), 20);
    const double *open = mbar_column_values(mbar_table_column(bars, 1));
    int32_t c = mbar_table_find(got, "open");
    assert_true(((const double *)mbar_column_values(mbar_table_column(got, c)))[1] == open[15]);
    mbar_table_unref(got);
    mbar_scan_free(scan);
    mbar_table_unref(bars);
}

/* ---- Refusals --------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
    (void)state;
    mbar_error error;
    mbar_table *bars = minute_bars(10, 0);
    save(bars, "bars.parquet");
    expect_failure(scan_of(NULL), MBAR_INVALID, "source");
    mbar_scan *scan = scan_of(NULL);
    assert_int_equal(mbar_scan_add_path(scan, "/nowhere/at all.parquet", &error), MBAR_NOTFOUND);
    assert_int_equal(mbar_scan_add_path(scan, place("*.nothing"), &error), MBAR_NOTFOUND);
    place("empty/x");
    assert_int_equal(mbar_scan_add_path(scan, place("empty"), &error), MBAR_NOTFOUND);
    assert_non_null(strstr(error.message, "parquet"));
    assert_int_equal(mbar_scan_head(scan, -1, &error), MBAR_INVALID);
    mbar_scan_free(scan);
    static const char *const no[] = {"nope"}, *const twice[] = {"open", "open"};
    scan = scan_of(place("bars.parquet"));
    assert_int_equal(mbar_scan_select(scan, twice, 2, &error), MBAR_INVALID);
    must(mbar_scan_select(scan, no, 1, &error), &error);
    expect_failure(scan, MBAR_NOTFOUND, "nope");
    scan = scan_of(place("bars.parquet"));
    mbar_expr *e = compare(MBAR_OP_GT, "nope", number(1));
    must(mbar_scan_filter(scan, e, &error), &error);
    mbar_expr_unref(e);
    expect_failure(scan, MBAR_NOTFOUND, "nope");
    scan = scan_of(place("bars.parquet"));
    must(mbar_scan_between(scan, "open", 0, 1, &error), &error);
    expect_failure(scan, MBAR_INVALID, "not a timestamp");
    FILE *file = fopen(place("bad.parquet"), "w");
    fputs("PAR1 but no more PAR1", file);
    fclose(file);
    expect_failure(scan_of(place("bad.parquet")), MBAR_FORMAT, "bad.parquet");
    mbar_table_unref(bars);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_file),
        cmocka_unit_test(test_between),
        cmocka_unit_test(test_between_seconds),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_filter_prunes),
        cmocka_unit_test(test_head_and_tail),
        cmocka_unit_test(test_several_files),
        cmocka_unit_test(test_hive),
        cmocka_unit_test(test_different_columns),
        cmocka_unit_test(test_text_and_dictionary),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_resample),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("scan", tests, make_folder, remove_folder);
}
