/*
 * arrow_export.c - columns and tables as the Arrow C Data Interface's structs.
 *
 * No value is copied: an array holds a reference to its column and points into
 * the column's buffers. Each node, child or dictionary, holds its own, so that
 * a receiver may move a child out and release the parent, in any order and on
 * any thread. Structs are built in a local and copied out when whole, which the
 * interface allows, since nothing in them points to themselves.
 */
#include "table/column.h"

#include "base/alloc.h"

#include <errno.h>
#include <string.h>

/* ---- Schemas ------------------------------------------------------------- */

/* Children are nodes of our allocation; those moved away have no release. */
static void release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; schema->children && i < schema->n_children; i++) {
        struct ArrowSchema *child = schema->children[i];
        if (child && child->release)
            child->release(child);
        mbar_free(child);
    }
    mbar_free(schema->children);
    if (schema->dictionary && schema->dictionary->release)
        schema->dictionary->release(schema->dictionary);
    mbar_free(schema->dictionary);
    mbar_free(schema->private_data);
    schema->release = NULL;
}

/* A schema without children; format is parts joined. */
static mbar_status init_schema(struct ArrowSchema *schema, const char *format, const char *zone,
                               const char *name, int64_t flags, mbar_error *error)
{
    size_t format_bytes = strlen(format);
    size_t zone_bytes = strlen(zone) + 1;
    size_t name_bytes = strlen(name) + 1;
    char *text = mbar_alloc_uninit(format_bytes + zone_bytes + name_bytes, error);
    if (!text)
        return MBAR_NOMEM;
    memcpy(text, format, format_bytes);
    memcpy(text + format_bytes, zone, zone_bytes);
    memcpy(text + format_bytes + zone_bytes, name, name_bytes);
    *schema = (struct ArrowSchema){
        .format = text,
        .name = text + format_bytes + zone_bytes,
        .flags = flags,
        .release = release_schema,
        .private_data = text,
    };
    return MBAR_OK;
}

static const char *format_of(const mbar_field *field)
{
    static const char *const units[] = {"tss:", "tsm:", "tsu:", "tsn:"};
    switch (field->type) {
    case MBAR_TYPE_BOOL:
        return "b";
    case MBAR_TYPE_INT32:
    case MBAR_TYPE_DICT: /* the codes; the dictionary says what they mean */
        return "i";
    case MBAR_TYPE_INT64:
        return "l";
    case MBAR_TYPE_UINT64:
        return "L";
    case MBAR_TYPE_FLOAT32:
        return "f";
    case MBAR_TYPE_FLOAT64:
        return "g";
    case MBAR_TYPE_TIMESTAMP:
        return units[field->unit];
    case MBAR_TYPE_UTF8:
        break;
    }
    return "u";
}

static mbar_status column_schema(const mbar_column *column, struct ArrowSchema *schema,
                                 mbar_error *error)
{
    const mbar_field *field = &column->field;
    struct ArrowSchema made;
    mbar_status status = init_schema(&made, format_of(field), field->zone ? field->zone : "",
                                     field->name, field->nullable ? ARROW_FLAG_NULLABLE : 0, error);
    if (status != MBAR_OK)
        return status;
    if (column->dictionary) {
        made.dictionary = mbar_alloc(sizeof *made.dictionary, error);
        status = made.dictionary ? column_schema(column->dictionary, made.dictionary, error)
                                 : MBAR_NOMEM;
    }
    if (status == MBAR_OK)
        *schema = made;
    else
        release_schema(&made);
    return status;
}

static mbar_status add_child_schemas(const mbar_table *table, struct ArrowSchema *schema,
                                     mbar_error *error)
{
    int32_t n = mbar_table_columns(table);
    schema->children = mbar_alloc_array((size_t)n, sizeof *schema->children, error);
    if (!schema->children)
        return MBAR_NOMEM;
    schema->n_children = n;
    for (int32_t i = 0; i < n; i++) {
        schema->children[i] = mbar_alloc(sizeof **schema->children, error);
        if (!schema->children[i])
            return MBAR_NOMEM;
        mbar_status status = column_schema(mbar_table_column(table, i), schema->children[i], error);
        if (status != MBAR_OK)
            return status;
    }
    return MBAR_OK;
}

mbar_status mbar_table_to_arrow_schema(const mbar_table *table, struct ArrowSchema *schema,
                                       mbar_error *error)
{
    struct ArrowSchema made;
    mbar_status status = init_schema(&made, "+s", "", "", 0, error);
    if (status != MBAR_OK)
        return status;
    status = add_child_schemas(table, &made, error);
    if (status == MBAR_OK)
        *schema = made;
    else
        release_schema(&made);
    return status;
}

/* ---- Arrays -------------------------------------------------------------- */

typedef struct array_hold {
    mbar_column *column; /* NULL for the struct array of a table */
    const void *buffers[3];
} array_hold;

static void release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; array->children && i < array->n_children; i++) {
        struct ArrowArray *child = array->children[i];
        if (child && child->release)
            child->release(child);
        mbar_free(child);
    }
    mbar_free(array->children);
    if (array->dictionary && array->dictionary->release)
        array->dictionary->release(array->dictionary);
    mbar_free(array->dictionary);
    array_hold *hold = array->private_data;
    mbar_column_unref(hold->column);
    mbar_free(hold);
    array->release = NULL;
}

static mbar_status init_array(struct ArrowArray *array, mbar_column *column, mbar_error *error)
{
    array_hold *hold = mbar_alloc(sizeof *hold, error);
    if (!hold)
        return MBAR_NOMEM;
    hold->column = column ? mbar_column_ref(column) : NULL;
    *array = (struct ArrowArray){
        .n_buffers = 1, .buffers = hold->buffers, .release = release_array, .private_data = hold};
    if (!column)
        return MBAR_OK;
    int64_t bit_offset;
    hold->buffers[0] = mbar_column_validity(column, &bit_offset);
    hold->buffers[1] = mbar_buffer_data(column->data);
    hold->buffers[2] = column->bytes ? mbar_buffer_data(column->bytes) : NULL;
    array->n_buffers = column->bytes ? 3 : 2;
    array->length = column->n_rows;
    array->null_count = mbar_column_nulls(column);
    array->offset = column->first;
    return MBAR_OK;
}

static mbar_status column_array(const mbar_column *column, struct ArrowArray *array,
                                mbar_error *error)
{
    struct ArrowArray made;
    mbar_status status = init_array(&made, (mbar_column *)column, error);
    if (status != MBAR_OK)
        return status;
    if (column->dictionary) {
        made.dictionary = mbar_alloc(sizeof *made.dictionary, error);
        status =
            made.dictionary ? column_array(column->dictionary, made.dictionary, error) : MBAR_NOMEM;
    }
    if (status == MBAR_OK)
        *array = made;
    else
        release_array(&made);
    return status;
}

static mbar_status add_child_arrays(const mbar_table *table, struct ArrowArray *array,
                                    mbar_error *error)
{
    int32_t n = mbar_table_columns(table);
    array->children = mbar_alloc_array((size_t)n, sizeof *array->children, error);
    if (!array->children)
        return MBAR_NOMEM;
    array->n_children = n;
    for (int32_t i = 0; i < n; i++) {
        array->children[i] = mbar_alloc(sizeof **array->children, error);
        if (!array->children[i])
            return MBAR_NOMEM;
        mbar_status status = column_array(mbar_table_column(table, i), array->children[i], error);
        if (status != MBAR_OK)
            return status;
    }
    return MBAR_OK;
}

static mbar_status table_array(const mbar_table *table, struct ArrowArray *array, mbar_error *error)
{
    struct ArrowArray made;
    mbar_status status = init_array(&made, NULL, error);
    if (status != MBAR_OK)
        return status;
    made.length = mbar_table_rows(table);
    status = add_child_arrays(table, &made, error);
    if (status == MBAR_OK)
        *array = made;
    else
        release_array(&made);
    return status;
}

mbar_status mbar_column_to_arrow(const mbar_column *column, struct ArrowSchema *schema,
                                 struct ArrowArray *array, mbar_error *error)
{
    struct ArrowSchema made;
    mbar_status status = column_schema(column, &made, error);
    if (status != MBAR_OK)
        return status;
    status = column_array(column, array, error);
    if (status == MBAR_OK)
        *schema = made;
    else
        release_schema(&made);
    return status;
}

mbar_status mbar_table_to_arrow(const mbar_table *table, struct ArrowSchema *schema,
                                struct ArrowArray *array, mbar_error *error)
{
    struct ArrowSchema made;
    mbar_status status = mbar_table_to_arrow_schema(table, &made, error);
    if (status != MBAR_OK)
        return status;
    status = table_array(table, array, error);
    if (status == MBAR_OK)
        *schema = made;
    else
        release_schema(&made);
    return status;
}

/* ---- Streams ------------------------------------------------------------- */

typedef struct stream_hold {
    mbar_table *table;
    bool ended;
    mbar_error error;
} stream_hold;

static int errno_of(mbar_status status)
{
    return status == MBAR_OK ? 0 : status == MBAR_NOMEM ? ENOMEM : EINVAL;
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    stream_hold *hold = stream->private_data;
    return errno_of(mbar_table_to_arrow_schema(hold->table, out, &hold->error));
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    stream_hold *hold = stream->private_data;
    if (hold->ended || mbar_table_rows(hold->table) == 0) {
        *out = (struct ArrowArray){0};
        return 0;
    }
    mbar_status status = table_array(hold->table, out, &hold->error);
    hold->ended = status == MBAR_OK;
    return errno_of(status);
}

static const char *stream_error(struct ArrowArrayStream *stream)
{
    const stream_hold *hold = stream->private_data;
    return hold->error.code == MBAR_OK ? NULL : hold->error.message;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    stream_hold *hold = stream->private_data;
    mbar_table_unref(hold->table);
    mbar_free(hold);
    stream->release = NULL;
}

mbar_status mbar_table_to_arrow_stream(mbar_table *table, struct ArrowArrayStream *stream,
                                       mbar_error *error)
{
    stream_hold *hold = mbar_alloc(sizeof *hold, error);
    if (!hold)
        return MBAR_NOMEM;
    mbar_error_init(&hold->error);
    hold->table = mbar_table_ref(table);
    *stream = (struct ArrowArrayStream){
        .get_schema = stream_schema,
        .get_next = stream_next,
        .get_last_error = stream_error,
        .release = release_stream,
        .private_data = hold,
    };
    return MBAR_OK;
}
