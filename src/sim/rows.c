/*
 * rows.c - columns filled from structs, one member each.
 *
 * A member at a time, each row asked for again: a table is made once, at the end of a
 * run. The words of a dictionary may repeat (two assets of one symbol): equal words
 * share a code.
 */
#include "base/alloc.h"
#include "sim/rows.h"
#include "table/textset.h"

#include <assert.h>
#include <string.h>

typedef struct source {
    const void *(*row)(const void *ctx, int64_t i);
    const void *ctx;
    int64_t n;
} source;

static const char *member_of(const source *source, const mbar_member *member, int64_t i)
{
    return (const char *)source->row(source->ctx, i) + member->offset;
}

static void set_bit(uint8_t *bits, int64_t i)
{
    bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
}

/* ---- Values --------------------------------------------------------------- */

static mbar_status value_column(const mbar_member *member, const source *source, mbar_column **out,
                                mbar_error *error)
{
    mbar_buffer *data = NULL, *validity = NULL;
    bool is_nullable = member->field.nullable;
    mbar_status status = mbar_buffer_new((size_t)source->n * sizeof(int64_t), &data, error);
    if (status == MBAR_OK && is_nullable) {
        status = mbar_buffer_new(((size_t)source->n + 7) / 8, &validity, error);
    }
    if (status == MBAR_OK) {
        int64_t *values = mbar_buffer_writable(data);
        for (int64_t i = 0; i < source->n; i++) {
            memcpy(&values[i], member_of(source, member, i), sizeof *values);
            if (is_nullable && values[i] != INT64_MIN) {
                set_bit(mbar_buffer_writable(validity), i);
            }
        }
        status = mbar_column_new(&member->field, source->n, data, validity, is_nullable ? -1 : 0,
                                 out, error);
    }
    mbar_buffer_unref(data);
    mbar_buffer_unref(validity);
    return status;
}

static mbar_status bool_column(const mbar_member *member, const source *source, mbar_column **out,
                               mbar_error *error)
{
    mbar_buffer *data;
    mbar_status status = mbar_buffer_new(((size_t)source->n + 7) / 8, &data, error);
    if (status != MBAR_OK) {
        return status;
    }
    for (int64_t i = 0; i < source->n; i++) {
        bool value;
        memcpy(&value, member_of(source, member, i), sizeof value);
        if (value) {
            set_bit(mbar_buffer_writable(data), i);
        }
    }
    status = mbar_column_new(&member->field, source->n, data, NULL, 0, out, error);
    mbar_buffer_unref(data);
    return status;
}

/* ---- Words ---------------------------------------------------------------- */

/* The dictionary, and the code of each word in codes. */
static mbar_status dictionary_of(const mbar_member *member, int32_t *codes, mbar_column **out,
                                 mbar_error *error)
{
    mbar_textset set;
    mbar_status status = MBAR_OK;
    mbar_textset_init(&set);
    for (int32_t i = 0; i < member->n_words && status == MBAR_OK; i++) {
        const char *word = member->words[i];
        status = mbar_textset_add(&set, word, strlen(word), &codes[i], error);
    }
    if (status == MBAR_OK) {
        status = mbar_textset_column(&set, "words", out, error);
    }
    mbar_textset_deinit(&set);
    return status;
}

static mbar_status word_column(const mbar_member *member, const source *source, mbar_column **out,
                               mbar_error *error)
{
    mbar_column *dictionary = NULL;
    mbar_buffer *data = NULL;
    mbar_status status = MBAR_NOMEM;
    int32_t *codes = mbar_alloc_array((size_t)member->n_words, sizeof *codes, error);
    if (codes == NULL) {
        goto done;
    }
    if ((status = dictionary_of(member, codes, &dictionary, error)) != MBAR_OK ||
        (status = mbar_buffer_new((size_t)source->n * sizeof(int32_t), &data, error)) != MBAR_OK) {
        goto done;
    }
    int32_t *values = mbar_buffer_writable(data);
    for (int64_t i = 0; i < source->n; i++) {
        int32_t word;
        memcpy(&word, member_of(source, member, i), sizeof word);
        assert(word >= 0 && word < member->n_words);
        values[i] = codes[word];
    }
    status = mbar_column_new_dict(&member->field, source->n, data, dictionary, NULL, 0, out, error);
done:
    mbar_free(codes);
    mbar_column_unref(dictionary);
    mbar_buffer_unref(data);
    return status;
}

/* ---- The table ------------------------------------------------------------ */

mbar_status mbar_rows_table(const mbar_member *members, int32_t n_members,
                            const void *(*row)(const void *ctx, int64_t i), const void *ctx,
                            int64_t n_rows, mbar_table **out, mbar_error *error)
{
    const source source = {row, ctx, n_rows};
    mbar_column **columns = mbar_alloc_array((size_t)n_members, sizeof(mbar_column *), error);
    mbar_status status = columns != NULL ? MBAR_OK : MBAR_NOMEM;
    for (int32_t i = 0; i < n_members && status == MBAR_OK; i++) {
        const mbar_member *member = &members[i];
        switch (member->field.type) {
        case MBAR_TYPE_DICT:
            status = word_column(member, &source, &columns[i], error);
            break;
        case MBAR_TYPE_BOOL:
            status = bool_column(member, &source, &columns[i], error);
            break;
        default:
            assert(mbar_type_width(member->field.type) == sizeof(int64_t));
            status = value_column(member, &source, &columns[i], error);
        }
    }
    if (status == MBAR_OK) {
        status = mbar_table_new(columns, n_members, out, error);
    }
    for (int32_t i = 0; columns != NULL && i < n_members; i++) {
        mbar_column_unref(columns[i]);
    }
    mbar_free(columns);
    return status;
}
