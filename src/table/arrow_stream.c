/*
 * arrow_stream.c - an Arrow stream, read to its end, as one table.
 *
 * One batch becomes the table as it is; several are imported one by one and
 * joined, so that they and the result are alive together for a moment. The
 * stream is released and cleared only when the table is there.
 */
#include "table/arrow_import.h"

#include "base/alloc.h"

#include <assert.h>
#include <errno.h>

typedef struct batches {
    mbar_table **tables;
    size_t n;
    size_t capacity;
} batches;

static mbar_status status_of(int errnum)
{
    switch (errnum) {
    case ENOMEM:
        return MBAR_NOMEM;
    case EIO:
        return MBAR_IO;
    case ENOSYS:
        return MBAR_UNSUPPORTED;
    default:
        return MBAR_INVALID;
    }
}

static mbar_status producer_failed(struct ArrowArrayStream *stream, int errnum, const char *what,
                                   mbar_error *error)
{
    const char *message = stream->get_last_error ? stream->get_last_error(stream) : NULL;
    return mbar_error_set(error, status_of(errnum), "the Arrow stream failed to give %s: %s", what,
                          message ? message : "no reason given");
}

static mbar_status append(batches *list, mbar_table *table, mbar_error *error)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 8;
        void *tables = list->tables;
        if (!mbar_resize_array(&tables, list->capacity, capacity, sizeof *list->tables, error))
            return MBAR_NOMEM;
        list->tables = tables;
        list->capacity = capacity;
    }
    list->tables[list->n++] = table;
    return MBAR_OK;
}

static void batches_deinit(batches *list)
{
    for (size_t i = 0; i < list->n; i++)
        mbar_table_unref(list->tables[i]);
    mbar_free(list->tables);
}

static mbar_status read_batches(struct ArrowArrayStream *stream, const struct ArrowSchema *schema,
                                batches *list, mbar_error *error)
{
    while (list->n < INT32_MAX) {
        struct ArrowArray array = {0};
        int errnum = stream->get_next(stream, &array);
        if (errnum != 0)
            return producer_failed(stream, errnum, "a batch", error);
        if (!array.release)
            return MBAR_OK;
        mbar_table *table = NULL;
        mbar_status status = mbar_table_from_arrow(schema, &array, &table, error);
        if (status == MBAR_OK)
            status = append(list, table, error);
        else
            array.release(&array);
        if (status != MBAR_OK) {
            mbar_table_unref(table);
            return status;
        }
    }
    return mbar_error_set(error, MBAR_UNSUPPORTED, "the Arrow stream has over 2^31 batches");
}

static mbar_status join(const struct ArrowSchema *schema, const batches *list, mbar_table **out,
                        mbar_error *error)
{
    if (list->n == 0)
        return mbar_arrow_empty_table(schema, out, error);
    return mbar_table_concat(list->tables, (int32_t)list->n, out, error);
}

mbar_status mbar_table_from_arrow_stream(struct ArrowArrayStream *stream, mbar_table **out,
                                         mbar_error *error)
{
    assert(stream && out);
    if (!stream->release || !stream->get_schema || !stream->get_next)
        return mbar_error_set(error, MBAR_INVALID, "the Arrow stream has been released already");
    struct ArrowSchema schema = {0};
    int errnum = stream->get_schema(stream, &schema);
    if (errnum != 0)
        return producer_failed(stream, errnum, "its schema", error);
    batches list = {0};
    mbar_status status = mbar_arrow_check_table_schema(&schema, error);
    if (status == MBAR_OK)
        status = read_batches(stream, &schema, &list, error);
    if (status == MBAR_OK)
        status = join(&schema, &list, out, error);
    batches_deinit(&list);
    if (schema.release)
        schema.release(&schema);
    if (status == MBAR_OK) {
        stream->release(stream);
        stream->release = NULL;
    }
    return status;
}
