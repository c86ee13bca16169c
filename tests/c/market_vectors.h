/*
 * market_vectors.h - reads tests/vectors/market_*.txt (make_market.py says what
 * is in them) and compares tables with them, by bits.
 */
#ifndef MARKET_VECTORS_H
#define MARKET_VECTORS_H

#include "market_support.h"

#define VECTOR_FIELDS 32

struct vectors {
    FILE *file;
    long line_number;
    char line[4096];
    char *fields[VECTOR_FIELDS];
    int n_fields;
};

static inline struct vectors vectors_open(const char *name)
{
    struct vectors v = {0};
    const char *root = getenv("MILLIBAR_ROOT");
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/vectors/%s", root != NULL ? root : ".", name);
    v.file = fopen(path, "r");
    if (v.file == NULL) {
        fail_msg("no %s; set MILLIBAR_ROOT to the checkout", path);
    }
    return v;
}

static inline bool vectors_next(struct vectors *v)
{
    if (fgets(v->line, sizeof v->line, v->file) == NULL) {
        fclose(v->file);
        return false;
    }
    v->line_number++;
    v->n_fields = 0;
    for (char *field = strtok(v->line, " \n"); field != NULL; field = strtok(NULL, " \n")) {
        assert_true(v->n_fields < VECTOR_FIELDS);
        v->fields[v->n_fields++] = field;
    }
    return true;
}

static inline bool vectors_is(const struct vectors *v, const char *item)
{
    return strcmp(v->fields[0], item) == 0;
}

static inline int64_t vectors_number(const struct vectors *v, int field)
{
    assert_true(field < v->n_fields);
    return strtoll(v->fields[field], NULL, 10);
}

static inline mbar_step vectors_step(const struct vectors *v, int field)
{
    for (int step = MBAR_STEP_SECOND; step <= MBAR_STEP_DAY; step++) {
        if (strcmp(v->fields[field], mbar_step_name((mbar_step)step)) == 0) {
            return (mbar_step)step;
        }
    }
    fail_msg("line %ld: no step \"%s\"", v->line_number, v->fields[field]);
    return MBAR_STEP_DAY;
}

/* A column of a table in the file, one 64-bit cell a row. */
struct vector_column {
    char name[32];
    mbar_type type;
    uint64_t *cells;
    bool *nulls;
};

struct vector_table {
    int64_t n_rows;
    int n_columns;
    struct vector_column columns[VECTOR_FIELDS];
};

static inline mbar_type vector_type(const char *text)
{
    static const struct {
        const char *text;
        mbar_type type;
    } types[] = {{"ts", MBAR_TYPE_TIMESTAMP}, {"f64", MBAR_TYPE_FLOAT64},
                 {"f32", MBAR_TYPE_FLOAT32},  {"i64", MBAR_TYPE_INT64},
                 {"i32", MBAR_TYPE_INT32},    {"u64", MBAR_TYPE_UINT64}};
    for (int64_t i = 0; i < COUNT(types); i++) {
        if (strcmp(types[i].text, text) == 0) {
            return types[i].type;
        }
    }
    fail_msg("no type \"%s\"", text);
    return MBAR_TYPE_BOOL;
}

/* Reads the table whose row count is field at of the current line. */
static inline struct vector_table vectors_table(struct vectors *v, int at)
{
    struct vector_table table = {.n_rows = vectors_number(v, at),
                                 .n_columns = v->n_fields - at - 1};
    for (int c = 0; c < table.n_columns; c++) {
        struct vector_column *column = &table.columns[c];
        char type[8];
        assert_int_equal(sscanf(v->fields[at + 1 + c], "%31[^:]:%7s", column->name, type), 2);
        column->type = vector_type(type);
        column->cells = calloc((size_t)table.n_rows + 1, sizeof *column->cells);
        column->nulls = calloc((size_t)table.n_rows + 1, sizeof *column->nulls);
    }
    for (int64_t row = 0; row < table.n_rows; row++) {
        assert_true(vectors_next(v));
        assert_int_equal(v->n_fields, table.n_columns);
        for (int c = 0; c < table.n_columns; c++) {
            table.columns[c].nulls[row] = v->fields[c][0] == 'N';
            table.columns[c].cells[row] = strtoull(v->fields[c], NULL, 16);
        }
    }
    return table;
}

static inline void vector_table_free(struct vector_table *table)
{
    for (int c = 0; c < table->n_columns; c++) {
        free(table->columns[c].cells);
        free(table->columns[c].nulls);
    }
}

static inline mbar_column *vector_column(const struct vector_column *from, int64_t n,
                                         const char *zone)
{
    size_t width = mbar_type_width(from->type);
    char *values = calloc((size_t)n + 1, width);
    uint64_t nulls = 0;
    for (int64_t i = 0; i < n; i++) {
        memcpy(values + (size_t)i * width, &from->cells[i], width); /* little-endian */
        nulls |= (uint64_t)from->nulls[i] << i;
    }
    assert_true(n <= 64);
    mbar_field field = {from->name, from->type, MBAR_UNIT_NS,
                        from->type == MBAR_TYPE_TIMESTAMP ? zone : NULL, nulls != 0};
    mbar_column *column = column_of(field, n, values, nulls);
    free(values);
    return column;
}

/* The table as a series of New York. */
static inline mbar_series *vector_series(const struct vector_table *from, mbar_step step)
{
    mbar_column *columns[VECTOR_FIELDS];
    mbar_table *table = NULL;
    mbar_error error;
    for (int c = 0; c < from->n_columns; c++) {
        columns[c] = vector_column(&from->columns[c], from->n_rows, "America/New_York");
    }
    must(mbar_table_new(columns, from->n_columns, &table, &error), &error);
    for (int c = 0; c < from->n_columns; c++) {
        mbar_column_unref(columns[c]);
    }
    mbar_series_options options;
    mbar_series_options_init(&options);
    options.time_column = "time";
    options.step = step;
    return series_of(table, &options);
}

/* Where the current line begins a frame ("frame STEP TABLE"): reads it and
 * makes it *series, which is unreferenced first, and returns true. */
static inline bool vectors_frame(struct vectors *v, mbar_series **series)
{
    if (!vectors_is(v, "frame")) {
        return false;
    }
    mbar_step step = vectors_step(v, 1);
    struct vector_table table = vectors_table(v, 2);
    mbar_series_unref(*series);
    *series = vector_series(&table, step);
    vector_table_free(&table);
    return true;
}

static inline void check_vector_column(const struct vectors *v, const struct vector_column *wanted,
                                       int64_t n, const mbar_column *got)
{
    assert_int_equal(mbar_column_field(got)->type, wanted->type);
    assert_int_equal(mbar_column_rows(got), n);
    size_t width = mbar_type_width(wanted->type);
    for (int64_t i = 0; i < n; i++) {
        const char *value = (const char *)mbar_column_values(got) + (size_t)i * width;
        bool valid = mbar_column_is_valid(got, i);
        if (valid == wanted->nulls[i] || (valid && memcmp(value, &wanted->cells[i], width) != 0)) {
            fail_msg("before line %ld: row %lld of \"%s\" differs", v->line_number, (long long)i,
                     wanted->name);
        }
    }
}

/* Every column of wanted, by name, and no other, in a series. */
static inline void check_vector_table(const struct vectors *v, const struct vector_table *wanted,
                                      const mbar_series *got)
{
    assert_int_equal(mbar_table_columns(mbar_series_table(got)), wanted->n_columns);
    for (int c = 0; c < wanted->n_columns; c++) {
        check_vector_column(v, &wanted->columns[c], wanted->n_rows,
                            series_column(got, wanted->columns[c].name));
    }
    assert_int_equal(mbar_series_rows(got), wanted->n_rows);
    for (int64_t i = 0; i < wanted->n_rows; i++) {
        assert_ns_equal(mbar_series_times(got)[i], (int64_t)wanted->columns[0].cells[i]);
    }
}

#endif
