/*
 * ext.h - shared by the files of the extension millibar._core.
 *
 * Purpose: libmillibar's objects under Python names, conversion at the edge and
 * nothing else. No file here knows what a bar means; none holds a global. What
 * the module needs (its types, the classes of millibar.errors) hangs on the
 * module's state, so that every interpreter has its own.
 *
 * Rules
 *   - A _wrap function steals the reference it is given, also when it fails.
 *   - The interpreter's lock is let go around work whose cost grows with the
 *     rows (reads, writes, resampling, casts), never around a look-up.
 *   - The types are final: an object's type leads straight to the module state.
 */
#ifndef MILLIBAR_EXT_H
#define MILLIBAR_EXT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <millibar/millibar.h>

/* Order of the classes in mbar_py_state.errors. */
typedef enum mbar_py_error_class {
    MBAR_PY_ERROR = 0,
    MBAR_PY_OUT_OF_MEMORY,
    MBAR_PY_STORAGE,
    MBAR_PY_FORMAT,
    MBAR_PY_UNSUPPORTED,
    MBAR_PY_INVALID,
    MBAR_PY_FILE_MISSING,
    MBAR_PY_COLUMN_NOT_FOUND,
    MBAR_PY_ZONE_NOT_FOUND,
    MBAR_PY_N_ERRORS
} mbar_py_error_class;

/* Sets of words that the state keeps interned (engine_words.c). */
typedef enum mbar_py_word_set {
    MBAR_PY_WORDS_SIDE = 0, /* in the order of mbar_side */
    MBAR_PY_WORDS_TYPE,     /* of mbar_order_type, and so on */
    MBAR_PY_WORDS_CLASS,
    MBAR_PY_WORDS_TIF,
    MBAR_PY_WORDS_STATUS,
    MBAR_PY_WORDS_EVENT,
    MBAR_PY_WORDS_ASSET,
    MBAR_PY_WORDS_POLICY,
    MBAR_PY_WORDS_CLOCK,
    MBAR_PY_WORDS_SESSIONS,
    MBAR_PY_WORDS_SUBMIT, /* the arguments of Engine.submit, of Engine.modify */
    MBAR_PY_WORDS_MODIFY,
    MBAR_PY_N_WORD_SETS
} mbar_py_word_set;
#define MBAR_PY_MAX_WORDS 18

typedef struct mbar_py_state {
    PyTypeObject *column_type;
    PyTypeObject *table_type;
    PyTypeObject *zone_type;
    PyTypeObject *series_type;
    PyTypeObject *expr_type;
    PyTypeObject *scan_type;
    PyTypeObject *engine_type;
    PyTypeObject *indicator_type;
    PyTypeObject *order_type; /* struct sequences */
    PyTypeObject *position_type;
    PyObject *words[MBAR_PY_N_WORD_SETS][MBAR_PY_MAX_WORDS];
    PyObject *errors[MBAR_PY_N_ERRORS];
} mbar_py_state;

/* shape and itemsize are what the buffer protocol points at. */
typedef struct mbar_py_column {
    PyObject_HEAD mbar_column *column;
    Py_ssize_t shape;
    Py_ssize_t itemsize;
} mbar_py_column;

typedef struct mbar_py_table {
    PyObject_HEAD mbar_table *table;
} mbar_py_table;

typedef struct mbar_py_zone {
    PyObject_HEAD mbar_zone *zone;
} mbar_py_zone;

typedef struct mbar_py_series {
    PyObject_HEAD mbar_series *series;
} mbar_py_series;

typedef struct mbar_py_expr {
    PyObject_HEAD mbar_expr *expr;
} mbar_py_expr;

/* Casts that PyMethodDef needs, without a warning about function types. */
#define MBAR_PY_METHOD(function) ((PyCFunction)(void (*)(void))(function))

static inline mbar_py_state *mbar_py_state_of_module(PyObject *module)
{
    return PyModule_GetState(module);
}

static inline mbar_py_state *mbar_py_state_of(PyObject *object)
{
    return PyType_GetModuleState(Py_TYPE(object));
}

/* (a, b) as Python ints; NULL with an exception. */
static inline PyObject *mbar_py_pair(int64_t a, int64_t b)
{
    PyObject *tuple = PyTuple_New(2);
    PyObject *first = PyLong_FromLongLong(a);
    PyObject *second = PyLong_FromLongLong(b);
    if (tuple == NULL || first == NULL || second == NULL) {
        Py_XDECREF(tuple);
        Py_XDECREF(first);
        Py_XDECREF(second);
        return NULL;
    }
    PyTuple_SET_ITEM(tuple, 0, first);
    PyTuple_SET_ITEM(tuple, 1, second);
    return tuple;
}

/* ---- errors.c ------------------------------------------------------------ */

/* Fills state->errors from millibar.errors; 0 or -1 with an exception. */
int mbar_py_errors_init(mbar_py_state *state);
/* Raises the class that error's code maps to; always returns NULL. A missing
 * thing is taken for a column. */
PyObject *mbar_py_raise(mbar_py_state *state, const mbar_error *error);
/* The same where a missing thing is of another kind. */
PyObject *mbar_py_raise_missing(mbar_py_state *state, const mbar_error *error,
                                mbar_py_error_class missing);
/* The same where it may be either: a file where the file the error names is not
 * there and the message is not about a column. */
PyObject *mbar_py_raise_read(mbar_py_state *state, const mbar_error *error);
/* Raises a class with a message of our own; always returns NULL. */
PyObject *mbar_py_raise_text(mbar_py_state *state, mbar_py_error_class which, const char *format,
                             ...);

/* ---- names.c ------------------------------------------------------------- */

/* Text to enum; 0, or -1 with InvalidError naming the choices. */
int mbar_py_parse_type(mbar_py_state *state, const char *text, mbar_type *out);
int mbar_py_parse_unit(mbar_py_state *state, const char *text, mbar_unit *out);
int mbar_py_parse_step(mbar_py_state *state, const char *text, mbar_step *out);
int mbar_py_parse_label(mbar_py_state *state, const char *text, mbar_label *out);
int mbar_py_parse_duplicates(mbar_py_state *state, const char *text, mbar_duplicates *out);
int mbar_py_parse_codec(mbar_py_state *state, const char *text, mbar_codec *out);
int mbar_py_parse_op(mbar_py_state *state, const char *text, mbar_op *out);

/* A str's characters, which live as long as it; NULL with an exception where it
 * is no str, or holds a null character, which would cut it short. */
const char *mbar_py_text(PyObject *object);

/* A sequence of str as C strings that live as long as `items`. */
typedef struct mbar_py_names {
    PyObject *items; /* tuple */
    const char **names;
    int32_t n;
} mbar_py_names;
/* 0, or -1 with an exception; _deinit after success only. */
int mbar_py_names_init(mbar_py_names *self, PyObject *sequence);
void mbar_py_names_deinit(mbar_py_names *self);

/* ---- aggregate.c --------------------------------------------------------- */

/* Aggregates that live as long as `tuples`. */
typedef struct mbar_py_aggregates {
    PyObject *tuples;
    mbar_aggregate *items;
    int32_t n;
} mbar_py_aggregates;
/* 0, or -1 with an exception; _deinit after success only. */
int mbar_py_aggregates_init(mbar_py_aggregates *self, mbar_py_state *state, PyObject *sequence);
void mbar_py_aggregates_deinit(mbar_py_aggregates *self);

/* ---- column.c ------------------------------------------------------------ */

extern PyType_Spec mbar_py_column_spec;
PyObject *mbar_py_column_wrap(mbar_py_state *state, mbar_column *stolen);
/* 0, or -1 with IndexError, when rows [first, first + n_rows) are outside. */
int mbar_py_check_range(int64_t rows, int64_t first, int64_t n_rows);

/* ---- column_from.c ------------------------------------------------------- */

PyObject *mbar_py_column_from_buffer(PyObject *module, PyObject *args, PyObject *kwargs);
PyObject *mbar_py_column_of_nulls(PyObject *module, PyObject *args);
/* A buffer over n_bytes at data, which lie inside the exporter's bytes and keep
 * the exporter alive. 0, or -1 with an exception. */
int mbar_py_share_part(mbar_py_state *state, PyObject *exporter, const void *data, size_t n_bytes,
                       mbar_buffer **out);
PyObject *mbar_py_column_from_text(PyObject *module, PyObject *args);

/* ---- table.c ------------------------------------------------------------- */

extern PyType_Spec mbar_py_table_spec;
PyObject *mbar_py_table_wrap(mbar_py_state *state, mbar_table *stolen);
PyObject *mbar_py_concat(PyObject *module, PyObject *tables);

/* ---- capsule.c ----------------------------------------------------------- */

/* Each moves *what into a capsule with the name the Arrow PyCapsule interface
 * gives it; on failure *what is released. */
PyObject *mbar_py_schema_capsule(struct ArrowSchema *what);
PyObject *mbar_py_array_capsule(struct ArrowArray *what);
PyObject *mbar_py_stream_capsule(struct ArrowArrayStream *what);
/* A tuple of both capsules. */
PyObject *mbar_py_array_capsules(struct ArrowSchema *schema, struct ArrowArray *array);
/* The argument of __arrow_c_array__ and __arrow_c_stream__: None or a schema
 * capsule, which the producer may and we do disregard. 0 or -1 with TypeError. */
int mbar_py_check_requested_schema(PyObject *args, PyObject *kwargs, const char *format);
PyObject *mbar_py_table_from_arrow(PyObject *module, PyObject *object);

/* ---- zone.c -------------------------------------------------------------- */

extern PyType_Spec mbar_py_zone_spec;
/* NULL name: *out NULL. 0, or -1 with an exception. */
int mbar_py_open_zone(mbar_py_state *state, const char *name, mbar_zone **out);
PyObject *mbar_py_set_zone_directory(PyObject *module, PyObject *directory);

/* ---- series.c, series_make.c --------------------------------------------- */

extern PyType_Spec mbar_py_series_spec;
PyObject *mbar_py_series_wrap(mbar_py_state *state, mbar_series *stolen);

/* The words of the series options, as Python gives them. */
typedef struct mbar_py_series_words {
    const char *time, *step, *label, *duplicates, *zone, *assume_zone;
    long long period_ns;
    int sort;
} mbar_py_series_words;
/* Words to options, with references to two zones. 0, or -1 with an exception. */
int mbar_py_series_options(mbar_py_state *state, const mbar_py_series_words *words,
                           mbar_series_options *out);
void mbar_py_series_options_deinit(mbar_series_options *options);

PyObject *mbar_py_series_new(PyTypeObject *type, PyObject *args, PyObject *kwargs);
PyObject *mbar_py_series_fill(PyObject *self, PyObject *grid);
PyObject *mbar_py_series_resample(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *mbar_py_series_join_asof(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *mbar_py_grid(PyObject *module, PyObject *args, PyObject *kwargs);
PyObject *mbar_py_returns(PyObject *module, PyObject *close);

/* ---- expr.c -------------------------------------------------------------- */

extern PyType_Spec mbar_py_expr_spec;
PyObject *mbar_py_expr_column(PyObject *module, PyObject *name);
PyObject *mbar_py_expr_literal(PyObject *module, PyObject *value);
PyObject *mbar_py_expr_time(PyObject *module, PyObject *ns);
PyObject *mbar_py_expr_node(PyObject *module, PyObject *args, PyObject *kwargs);
PyObject *mbar_py_expr_format(PyObject *module, PyObject *expr);
PyObject *mbar_py_expr_eval(PyObject *module, PyObject *args);

/* ---- scan.c -------------------------------------------------------------- */

extern PyType_Spec mbar_py_scan_spec;

/* ---- parquet.c ----------------------------------------------------------- */

PyObject *mbar_py_parquet_write(PyObject *module, PyObject *args, PyObject *kwargs);
PyObject *mbar_py_parquet_info(PyObject *module, PyObject *path);

/* ---- indicators.c -------------------------------------------------------- */

PyObject *mbar_py_indicator_names(PyObject *module, PyObject *none);
PyObject *mbar_py_indicator_describe(PyObject *module, PyObject *name);
PyObject *mbar_py_table_indicator(PyObject *module, PyObject *const *args, Py_ssize_t n_args);
PyObject *mbar_py_cross(PyObject *module, PyObject *const *args, Py_ssize_t n_args);
/* A parameter's value as Python shows it: a word, an int, a float, or None. */
PyObject *mbar_py_show_param(const mbar_indicator_param *param, double value);
/* A tuple of values to all parameters of the spec, None standing for the default; 0, or -1
 * with an exception. */
int mbar_py_read_params(mbar_py_state *state, const mbar_indicator_spec *spec, PyObject *values,
                        double out[MBAR_INDICATOR_MAX_PARAMS]);

/* ---- engine.c and its like (engine.h) ------------------------------------ */

extern PyType_Spec mbar_py_engine_spec;
extern PyType_Spec mbar_py_indicator_spec;
/* The struct sequences that Engine.order and Engine.position give. */
PyTypeObject *mbar_py_order_type_new(void);
PyTypeObject *mbar_py_position_type_new(void);
/* 0 or -1 with an exception; _clear after either. */
int mbar_py_words_init(mbar_py_state *state);
void mbar_py_words_clear(mbar_py_state *state);

/* ---- signals.c ----------------------------------------------------------- */

PyObject *mbar_py_signals_run(PyObject *module, PyObject *args, PyObject *kwargs);

#endif
