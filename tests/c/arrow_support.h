/*
 * arrow_support.h - Arrow producers made by hand, whose releases are counted.
 *
 * Every buffer is a copy of exactly its size, freed on release, so that a
 * sanitizer sees a read past its end or after its release.
 */
#ifndef MILLIBAR_TESTS_ARROW_SUPPORT_H
#define MILLIBAR_TESTS_ARROW_SUPPORT_H

#include "support.h"

#include <stdlib.h>

#define MAX_PIECES 8

/* A buffer to copy; NULL data gives a NULL buffer. */
typedef struct piece {
    const void *data;
    size_t n_bytes;
} piece;

#define PIECE(array)           \
    {                          \
        (array), sizeof(array) \
    }
#define NO_PIECE \
    {            \
        NULL, 0  \
    }

typedef struct made_array {
    char *blocks[MAX_PIECES];
    size_t sizes[MAX_PIECES];
    const void *buffers[MAX_PIECES]; /* what is shown, into the blocks */
    int *n_released;
} made_array;

static inline void made_array_release(struct ArrowArray *array)
{
    made_array *made = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
        free(array->children[i]);
    }
    free(array->children);
    if (array->dictionary) {
        if (array->dictionary->release)
            array->dictionary->release(array->dictionary);
        free(array->dictionary);
    }
    for (int i = 0; i < MAX_PIECES; i++)
        free(made->blocks[i]);
    ++*made->n_released;
    free(made);
    array->release = NULL;
}

static inline struct ArrowArray make_array(int64_t length, int64_t null_count, int64_t offset,
                                           const piece *pieces, int n_pieces, int *n_released)
{
    made_array *made = calloc(1, sizeof *made);
    made->n_released = n_released;
    for (int i = 0; i < n_pieces; i++) {
        if (!pieces[i].data)
            continue;
        made->blocks[i] = malloc(pieces[i].n_bytes ? pieces[i].n_bytes : 1);
        memcpy(made->blocks[i], pieces[i].data, pieces[i].n_bytes);
        made->sizes[i] = pieces[i].n_bytes;
        made->buffers[i] = made->blocks[i];
    }
    return (struct ArrowArray){
        .length = length,
        .null_count = null_count,
        .offset = offset,
        .n_buffers = n_pieces,
        .buffers = made->buffers,
        .release = made_array_release,
        .private_data = made,
    };
}

/* Moves a buffer to an odd address. */
static inline void misalign(struct ArrowArray *array, int i)
{
    made_array *made = array->private_data;
    char *block = malloc(made->sizes[i] + 1);
    memcpy(block + 1, made->blocks[i], made->sizes[i]);
    free(made->blocks[i]);
    made->blocks[i] = block;
    made->buffers[i] = block + 1;
}

static inline struct ArrowArray *on_heap(struct ArrowArray array)
{
    struct ArrowArray *copy = malloc(sizeof *copy);
    *copy = array;
    return copy;
}

/* A struct of children, which it takes over. */
static inline struct ArrowArray make_struct(int64_t length, int64_t offset, const piece *validity,
                                            const struct ArrowArray *children, int n_children,
                                            int *n_released)
{
    struct ArrowArray array = make_array(length, validity ? -1 : 0, offset,
                                         validity ? validity : &(piece)NO_PIECE, 1, n_released);
    array.n_children = n_children;
    array.children = calloc((size_t)n_children + 1, sizeof *array.children);
    for (int i = 0; i < n_children; i++)
        array.children[i] = on_heap(children[i]);
    return array;
}

static inline void borrowed_schema_release(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

/* A schema of borrowed parts: nothing to free. */
static inline struct ArrowSchema schema_of(const char *format, const char *name)
{
    return (struct ArrowSchema){.format = format,
                                .name = name,
                                .flags = ARROW_FLAG_NULLABLE,
                                .release = borrowed_schema_release};
}

static inline struct ArrowSchema struct_schema(struct ArrowSchema **children, int n)
{
    struct ArrowSchema schema = schema_of("+s", "");
    schema.children = children;
    schema.n_children = n;
    return schema;
}

/* Imports, and asserts that the array was moved. */
static inline mbar_column *import_column(const struct ArrowSchema *schema, struct ArrowArray *array)
{
    mbar_column *column = NULL;
    assert_ok(mbar_column_from_arrow(schema, array, &column, &error));
    assert_null(array->release);
    assert_non_null(schema->release);
    return column;
}

/* Importing must fail so, and leave the array to the caller, who releases it. */
static inline void import_fails(mbar_status expected, const char *part,
                                const struct ArrowSchema *schema, struct ArrowArray *array)
{
    mbar_column *column = (mbar_column *)7;
    assert_fails(expected, part, mbar_column_from_arrow(schema, array, &column, &error));
    assert_int_equal(mbar_column_from_arrow(schema, array, &column, NULL), expected);
    assert_ptr_equal(column, (mbar_column *)7);
    if (array->release)
        array->release(array);
}

#endif
