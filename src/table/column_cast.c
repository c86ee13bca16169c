/*
 * column_cast.c - a column's values as another type.
 *
 * Values are read a chunk at a time into the widest type of their kind (int64,
 * uint64 or double, all without loss) and written from there, so that there are
 * three readers' kinds times six writers and no intermediate rounding: an
 * integer becomes a float in one step.
 *
 * Rules
 *   to an integer   the exact value or MBAR_INVALID: no wrap, no lost fraction,
 *                   no NaN; -0.0 is 0
 *   to a float      rounded to nearest even; a finite double too large for a
 *                   float is MBAR_INVALID; NaN and infinities pass
 *   to a bool       0 or 1, else MBAR_INVALID; a bool is 0 or 1
 *   a timestamp     is its count of units; between units, a finer one is exact
 *                   or MBAR_INVALID, a coarser one is rounded down
 *   under a null    anything goes, and the result there is unspecified
 *
 * A cast that changes no bits shares the buffers.
 */
#include "table/column.h"

#include "base/civil.h"
#include "base/checked.h"
#include "table/bitmap.h"
#include "table/buffer.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define CHUNK 512

typedef enum kind { KIND_INT, KIND_UINT, KIND_FLOAT } kind;

typedef union chunk {
    int64_t i[CHUNK];
    uint64_t u[CHUNK];
    double f[CHUNK];
} chunk;

/* ---- Reading ------------------------------------------------------------- */

#define LOAD(type, member)                                                 \
    do {                                                                   \
        const type *from = (const type *)mbar_column_values(column) + row; \
        for (int64_t i = 0; i < n; i++)                                    \
            out->member[i] = from[i];                                      \
    } while (0)

static kind load(const mbar_column *column, int64_t row, int64_t n, chunk *out)
{
    switch (column->field.type) {
    case MBAR_TYPE_BOOL:
        for (int64_t i = 0; i < n; i++)
            out->i[i] = mbar_column_bool(column, row + i);
        return KIND_INT;
    case MBAR_TYPE_INT32:
        LOAD(int32_t, i);
        return KIND_INT;
    case MBAR_TYPE_UINT64:
        LOAD(uint64_t, u);
        return KIND_UINT;
    case MBAR_TYPE_FLOAT32:
        LOAD(float, f);
        return KIND_FLOAT;
    case MBAR_TYPE_FLOAT64:
        LOAD(double, f);
        return KIND_FLOAT;
    default:
        LOAD(int64_t, i);
        return KIND_INT;
    }
}

/* ---- Writing ------------------------------------------------------------- */

/* Writes values [from, n) of a chunk to rows row + from...; returns the index
 * of the first that does not fit, or n. */
typedef int64_t writer(const chunk *in, int64_t from, int64_t n, void *out, int64_t row);

#define WRITER(name, member, type, fits)                                                  \
    static int64_t name(const chunk *in, int64_t from, int64_t n, void *out, int64_t row) \
    {                                                                                     \
        type *to = (type *)out + row;                                                     \
        for (int64_t i = from; i < n; i++) {                                              \
            if (!fits(in->member[i]))                                                     \
                return i;                                                                 \
            to[i] = (type)in->member[i];                                                  \
        }                                                                                 \
        return n;                                                                         \
    }

#define BOOL_WRITER(name, member)                                                         \
    static int64_t name(const chunk *in, int64_t from, int64_t n, void *out, int64_t row) \
    {                                                                                     \
        for (int64_t i = from; i < n; i++) {                                              \
            if (in->member[i] != 0 && in->member[i] != 1)                                 \
                return i;                                                                 \
            mbar_bit_put(out, row + i, in->member[i] != 0);                               \
        }                                                                                 \
        return n;                                                                         \
    }

#define ALWAYS(v) true
#define INT_IN_INT32(v) ((v) >= INT32_MIN && (v) <= INT32_MAX)
#define INT_IN_UINT64(v) ((v) >= 0)
#define UINT_IN_INT32(v) ((v) <= INT32_MAX)
#define UINT_IN_INT64(v) ((v) <= INT64_MAX)
/* The range is tested first: the conversion is defined only inside it. */
#define FLOAT_IN_INT32(v) ((v) >= -0x1p31 && (v) < 0x1p31 && (double)(int32_t)(v) == (v))
#define FLOAT_IN_INT64(v) ((v) >= -0x1p63 && (v) < 0x1p63 && (double)(int64_t)(v) == (v))
#define FLOAT_IN_UINT64(v) ((v) >= 0 && (v) < 0x1p64 && (double)(uint64_t)(v) == (v))
/* From half a unit past the largest float on, a double rounds to infinity. */
#define FLOAT_IN_FLOAT32(v) (fabs(v) < 0x1.ffffffp127 || !isfinite(v))

BOOL_WRITER(int_to_bool, i)
WRITER(int_to_int32, i, int32_t, INT_IN_INT32)
WRITER(int_to_int64, i, int64_t, ALWAYS)
WRITER(int_to_uint64, i, uint64_t, INT_IN_UINT64)
WRITER(int_to_float32, i, float, ALWAYS)
WRITER(int_to_float64, i, double, ALWAYS)
BOOL_WRITER(uint_to_bool, u)
WRITER(uint_to_int32, u, int32_t, UINT_IN_INT32)
WRITER(uint_to_int64, u, int64_t, UINT_IN_INT64)
WRITER(uint_to_uint64, u, uint64_t, ALWAYS)
WRITER(uint_to_float32, u, float, ALWAYS)
WRITER(uint_to_float64, u, double, ALWAYS)
BOOL_WRITER(float_to_bool, f)
WRITER(float_to_int32, f, int32_t, FLOAT_IN_INT32)
WRITER(float_to_int64, f, int64_t, FLOAT_IN_INT64)
WRITER(float_to_uint64, f, uint64_t, FLOAT_IN_UINT64)
WRITER(float_to_float32, f, float, FLOAT_IN_FLOAT32)
WRITER(float_to_float64, f, double, ALWAYS)

static writer *writer_for(kind from, mbar_type to)
{
    static writer *const writers[][3] = {
        [MBAR_TYPE_BOOL] = {int_to_bool, uint_to_bool, float_to_bool},
        [MBAR_TYPE_INT32] = {int_to_int32, uint_to_int32, float_to_int32},
        [MBAR_TYPE_INT64] = {int_to_int64, uint_to_int64, float_to_int64},
        [MBAR_TYPE_UINT64] = {int_to_uint64, uint_to_uint64, float_to_uint64},
        [MBAR_TYPE_FLOAT32] = {int_to_float32, uint_to_float32, float_to_float32},
        [MBAR_TYPE_FLOAT64] = {int_to_float64, uint_to_float64, float_to_float64},
        [MBAR_TYPE_TIMESTAMP] = {int_to_int64, uint_to_int64, float_to_int64},
    };
    return writers[to][from];
}

/* ---- The cast ------------------------------------------------------------ */

static mbar_status does_not_fit(const mbar_column *column, int64_t row, const char *value,
                                const char *type, mbar_error *error)
{
    mbar_error_set(error, MBAR_INVALID, "column \"%s\": row %lld: %s does not fit %s",
                   column->field.name, (long long)row, value, type);
    if (error)
        error->row = row;
    return MBAR_INVALID;
}

static mbar_status value_does_not_fit(const mbar_column *column, int64_t row, kind from,
                                      const chunk *values, int64_t i, mbar_type type,
                                      mbar_error *error)
{
    char value[40];
    if (from == KIND_INT)
        snprintf(value, sizeof value, "%" PRId64, values->i[i]);
    else if (from == KIND_UINT)
        snprintf(value, sizeof value, "%" PRIu64, values->u[i]);
    else
        snprintf(value, sizeof value, "%.17g", values->f[i]);
    return does_not_fit(column, row, value, mbar_type_name(type), error);
}

static mbar_status convert(const mbar_column *column, mbar_type type, void *out, mbar_error *error)
{
    for (int64_t row = 0; row < column->n_rows; row += CHUNK) {
        chunk values;
        int64_t n = column->n_rows - row < CHUNK ? column->n_rows - row : CHUNK;
        kind from = load(column, row, n, &values);
        writer *write = writer_for(from, type);
        for (int64_t i = 0; (i = write(&values, i, n, out, row)) < n; i++)
            if (mbar_column_is_valid(column, row + i))
                return value_does_not_fit(column, row + i, from, &values, i, type, error);
    }
    return MBAR_OK;
}

static mbar_status convert_unit(const mbar_column *column, mbar_unit unit, int64_t *to,
                                mbar_error *error)
{
    const int64_t *from = mbar_column_values(column);
    int64_t old_ns = mbar_unit_ns(column->field.unit);
    int64_t new_ns = mbar_unit_ns(unit);
    if (old_ns < new_ns) {
        for (int64_t i = 0; i < column->n_rows; i++)
            to[i] = mbar_floor_div(from[i], new_ns / old_ns);
        return MBAR_OK;
    }
    for (int64_t i = 0; i < column->n_rows; i++) {
        if (mbar_mul_i64(from[i], old_ns / new_ns, &to[i]) || !mbar_column_is_valid(column, i))
            continue;
        char value[40];
        char type[24];
        snprintf(value, sizeof value, "%" PRId64 " %s", from[i],
                 mbar_unit_name(column->field.unit));
        snprintf(type, sizeof type, "timestamp[%s]", mbar_unit_name(unit));
        return does_not_fit(column, i, value, type, error);
    }
    return MBAR_OK;
}

/* The validity bits from bit 0 on, shared where they start there already. */
static mbar_status rebase_validity(const mbar_column *column, mbar_column_parts *parts,
                                   mbar_error *error)
{
    int64_t bit_offset;
    const uint8_t *bits = mbar_column_validity(column, &bit_offset);
    parts->n_nulls = mbar_column_nulls(column);
    if (!bits)
        return MBAR_OK;
    if (bit_offset == 0) {
        parts->validity = mbar_buffer_ref(column->validity);
        return MBAR_OK;
    }
    mbar_status status = mbar_buffer_new(mbar_bits_bytes(parts->n_rows), &parts->validity, error);
    if (status == MBAR_OK)
        mbar_bits_copy(mbar_buffer_writable(parts->validity), 0, bits, bit_offset, parts->n_rows);
    return status;
}

static mbar_status cast_values(const mbar_column *column, const mbar_field *field,
                               mbar_column **out, mbar_error *error)
{
    mbar_column_parts parts = {.n_rows = column->n_rows};
    size_t n_bytes = field->type == MBAR_TYPE_BOOL
                         ? mbar_bits_bytes(column->n_rows)
                         : (size_t)column->n_rows * mbar_type_width(field->type);
    mbar_status status = mbar_buffer_new(n_bytes, &parts.data, error);
    if (status != MBAR_OK)
        return status;
    void *to = mbar_buffer_writable(parts.data);
    bool between_units =
        field->type == MBAR_TYPE_TIMESTAMP && column->field.type == MBAR_TYPE_TIMESTAMP;
    status = between_units ? convert_unit(column, field->unit, to, error)
                           : convert(column, field->type, to, error);
    if (status == MBAR_OK)
        status = rebase_validity(column, &parts, error);
    if (status == MBAR_OK)
        status = mbar_column_make(field, &parts, out, error);
    mbar_buffer_unref(parts.data);
    mbar_buffer_unref(parts.validity);
    return status;
}

static bool is_text(mbar_type type)
{
    return type == MBAR_TYPE_UTF8 || type == MBAR_TYPE_DICT;
}

static bool is_int64(mbar_type type)
{
    return type == MBAR_TYPE_INT64 || type == MBAR_TYPE_TIMESTAMP;
}

mbar_status mbar_column_cast(mbar_column *column, mbar_type type, mbar_unit unit, mbar_column **out,
                             mbar_error *error)
{
    assert(type >= MBAR_TYPE_BOOL && type <= MBAR_TYPE_DICT);
    assert(type != MBAR_TYPE_TIMESTAMP || (unit >= MBAR_UNIT_S && unit <= MBAR_UNIT_NS));
    const mbar_field *old = &column->field;
    bool is_time = type == MBAR_TYPE_TIMESTAMP;
    if (type == old->type && (!is_time || unit == old->unit)) {
        *out = mbar_column_ref(column);
        return MBAR_OK;
    }
    if (is_text(type) || is_text(old->type))
        return mbar_error_set(error, MBAR_UNSUPPORTED,
                              "column \"%s\": no cast from %s to %s: numbers, bools and timestamps "
                              "only",
                              old->name, mbar_type_name(old->type), mbar_type_name(type));
    mbar_field field = *old;
    field.type = type;
    field.unit = unit;
    if (old->type != type && is_int64(old->type) && is_int64(type)) {
        mbar_column_parts parts = mbar_column_parts_of(column);
        field.zone = NULL;
        return mbar_column_make(&field, &parts, out, error);
    }
    return cast_values(column, &field, out, error);
}
