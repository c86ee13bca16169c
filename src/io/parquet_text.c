/*
 * parquet_text.c - text columns, gathered part by part.
 *
 * Each part (a row group's share of the read) collects on its own, so that
 * threads need no lock: UTF8 parts keep row offsets and bytes; DICT parts keep
 * a code a row and a dictionary of the distinct values, found through a hash
 * table. Finishing lays the parts end to end, and gives equal values of
 * different parts' dictionaries one code. Dictionary order is that of first
 * appearance in the file's row order, whatever the threads did.
 *
 * Every value is checked to be UTF-8. Rows that are null get an empty value or
 * code 0.
 *
 * Cost: O(bytes); DICT adds a hash of each value, which a small cache by
 * address spares where the file itself is dictionary-encoded.
 */
#include "parquet_internal.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "io/utf8.h"
#include "table/buffer.h"

#include <string.h>

/* Distinct values in order of appearance, found by open addressing. */
typedef struct words {
    char *bytes;
    size_t n_bytes, bytes_capacity;
    int64_t *ends; /* where word i ends in bytes */
    int32_t n, capacity;
    int32_t *table; /* word + 1, 0 free */
    uint32_t n_slots;
} words;

#define CACHE_SLOTS 256

typedef struct cached {
    const uint8_t *data;
    int32_t length, code;
} cached;

typedef struct text_part {
    int64_t n_rows, rows_capacity;
    int32_t *codes; /* DICT: one a row */
    int64_t *ends;  /* UTF8: where row i ends in bytes */
    char *bytes;    /* UTF8 */
    size_t n_bytes, bytes_capacity;
    words words;   /* DICT */
    cached *cache; /* DICT; by address, valid while the part is read */
} text_part;

struct mbar_parquet_text {
    bool dictionary;
    int32_t n_parts;
    text_part *parts;
};

/* ---- Growing arrays ---------------------------------------------------------- */

static mbar_status reserve(void **array, size_t *capacity, size_t wanted, size_t width,
                           mbar_error *error)
{
    if (wanted <= *capacity) {
        return MBAR_OK;
    }
    size_t grown = *capacity < 64 ? 64 : *capacity + *capacity / 2;
    grown = grown < wanted ? wanted : grown;
    if (!mbar_resize_array(array, *capacity, grown, width, error)) {
        return MBAR_NOMEM;
    }
    *capacity = grown;
    return MBAR_OK;
}

static mbar_status append_bytes(char **bytes, size_t *n_bytes, size_t *capacity,
                                const uint8_t *data, size_t n, mbar_error *error)
{
    void *array = *bytes;
    mbar_status status = reserve(&array, capacity, *n_bytes + n, 1, error);
    *bytes = array;
    if (status == MBAR_OK && n > 0) {
        memcpy(*bytes + *n_bytes, data, n);
        *n_bytes += n;
    }
    return status;
}

/* ---- Words -------------------------------------------------------------------- */

static uint32_t hash_bytes(const uint8_t *data, size_t n)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ data[i]) * 1099511628211u;
    }
    return (uint32_t)(hash ^ hash >> 32);
}

static const char *word_at(const words *w, int32_t i, size_t *n_bytes)
{
    int64_t start = i > 0 ? w->ends[i - 1] : 0;
    *n_bytes = (size_t)(w->ends[i] - start);
    return w->bytes != NULL ? w->bytes + start : "";
}

/* The slot that holds the word, or the free one it belongs in. */
static uint32_t find_slot(const words *w, const uint8_t *data, size_t n)
{
    uint32_t slot = hash_bytes(data, n) & (w->n_slots - 1);
    while (w->table[slot] != 0) {
        size_t n_bytes;
        const char *word = word_at(w, w->table[slot] - 1, &n_bytes);
        if (n_bytes == n && (n == 0 || memcmp(word, data, n) == 0)) {
            break;
        }
        slot = (slot + 1) & (w->n_slots - 1);
    }
    return slot;
}

static mbar_status grow_table(words *w, mbar_error *error)
{
    uint32_t n_slots = w->n_slots == 0 ? 64 : w->n_slots * 2;
    int32_t *table = mbar_alloc_array(n_slots, sizeof *table, error);
    if (table == NULL) {
        return MBAR_NOMEM;
    }
    mbar_free(w->table);
    w->table = table;
    w->n_slots = n_slots;
    for (int32_t i = 0; i < w->n; i++) {
        size_t n_bytes;
        const char *word = word_at(w, i, &n_bytes);
        w->table[find_slot(w, (const uint8_t *)word, n_bytes)] = i + 1;
    }
    return MBAR_OK;
}

/* Code of a word, which is added where it is new. */
static mbar_status word_code(words *w, const uint8_t *data, size_t n, int32_t *code,
                             mbar_error *error)
{
    if ((uint32_t)w->n >= w->n_slots / 2) {
        mbar_status status = w->n < (1 << 30) ? grow_table(w, error) : MBAR_NOMEM;
        if (status != MBAR_OK) {
            return status;
        }
    }
    uint32_t slot = find_slot(w, data, n);
    if (w->table[slot] == 0) {
        void *ends = w->ends;
        size_t capacity = (size_t)w->capacity;
        mbar_status status = reserve(&ends, &capacity, (size_t)w->n + 1, sizeof *w->ends, error);
        w->ends = ends;
        w->capacity = (int32_t)capacity;
        if (status == MBAR_OK) {
            status = append_bytes(&w->bytes, &w->n_bytes, &w->bytes_capacity, data, n, error);
        }
        if (status != MBAR_OK) {
            return status;
        }
        w->ends[w->n] = (int64_t)w->n_bytes;
        w->table[slot] = ++w->n;
    }
    *code = w->table[slot] - 1;
    return MBAR_OK;
}

static void words_deinit(words *w)
{
    mbar_free(w->bytes);
    mbar_free(w->ends);
    mbar_free(w->table);
}

/* ---- Gathering ------------------------------------------------------------------ */

mbar_status mbar_parquet_text_new(int32_t n_parts, bool dictionary, mbar_parquet_text **out,
                                  mbar_error *error)
{
    mbar_parquet_text *text = mbar_alloc(sizeof *text, error);
    if (text == NULL) {
        return MBAR_NOMEM;
    }
    text->dictionary = dictionary;
    text->parts = mbar_alloc_array((size_t)n_parts + 1, sizeof *text->parts, error);
    if (text->parts == NULL) {
        mbar_free(text);
        return MBAR_NOMEM;
    }
    text->n_parts = n_parts;
    *out = text;
    return MBAR_OK;
}

void mbar_parquet_text_free(mbar_parquet_text *text)
{
    if (text == NULL) {
        return;
    }
    for (int32_t i = 0; i < text->n_parts; i++) {
        mbar_free(text->parts[i].codes);
        mbar_free(text->parts[i].ends);
        mbar_free(text->parts[i].bytes);
        mbar_free(text->parts[i].cache);
        words_deinit(&text->parts[i].words);
    }
    mbar_free(text->parts);
    mbar_free(text);
}

static mbar_status reserve_rows(mbar_parquet_text *text, text_part *part, int64_t n_rows,
                                mbar_error *error)
{
    void *array = text->dictionary ? (void *)part->codes : (void *)part->ends;
    size_t width = text->dictionary ? sizeof *part->codes : sizeof *part->ends;
    size_t capacity = (size_t)part->rows_capacity;
    mbar_status status = reserve(&array, &capacity, (size_t)(part->n_rows + n_rows), width, error);
    part->rows_capacity = (int64_t)capacity;
    if (text->dictionary) {
        part->codes = array;
    } else {
        part->ends = array;
    }
    if (status == MBAR_OK && text->dictionary && part->cache == NULL) {
        part->cache = mbar_alloc_array(CACHE_SLOTS, sizeof *part->cache, error);
        status = part->cache == NULL ? MBAR_NOMEM : MBAR_OK;
    }
    return status;
}

/* MBAR_FORMAT, without a message, for what is not UTF-8. */
static mbar_status check_value(const carquet_byte_array_t *value)
{
    bool sound =
        value->length == 0 || (value->length > 0 && value->data != NULL &&
                               mbar_utf8_valid((const char *)value->data, (size_t)value->length));
    return sound ? MBAR_OK : MBAR_FORMAT;
}

static mbar_status value_code(text_part *part, const carquet_byte_array_t *value, int32_t *code,
                              mbar_error *error)
{
    cached *seen = &part->cache[((uintptr_t)value->data >> 2) % CACHE_SLOTS];
    if (seen->data == value->data && seen->length == value->length && value->data != NULL) {
        *code = seen->code;
        return MBAR_OK;
    }
    mbar_status status = check_value(value);
    if (status == MBAR_OK) {
        status = word_code(&part->words, value->data, (size_t)value->length, code, error);
    }
    if (status == MBAR_OK) {
        *seen = (cached){value->data, value->length, *code};
    }
    return status;
}

mbar_status mbar_parquet_text_add(mbar_parquet_text *text, int32_t part_index,
                                  const carquet_byte_array_t *values, int64_t n,
                                  const int16_t *levels, int64_t n_rows, mbar_error *error)
{
    text_part *part = &text->parts[part_index];
    mbar_status status = reserve_rows(text, part, n_rows, error);
    int64_t next = 0;
    for (int64_t row = 0; row < n_rows && status == MBAR_OK; row++) {
        bool present = (levels == NULL || levels[row] == 1) && next < n;
        const carquet_byte_array_t *value = present ? &values[next++] : NULL;
        if (text->dictionary) {
            int32_t code = 0;
            status = present ? value_code(part, value, &code, error) : MBAR_OK;
            part->codes[part->n_rows] = code;
        } else {
            if (present) {
                status = check_value(value);
            }
            if (present && status == MBAR_OK) {
                status = append_bytes(&part->bytes, &part->n_bytes, &part->bytes_capacity,
                                      value->data, (size_t)value->length, error);
            }
            part->ends[part->n_rows] = (int64_t)part->n_bytes;
        }
        part->n_rows++;
    }
    return status;
}

/* ---- Finishing --------------------------------------------------------------------- */

static mbar_status too_long(const mbar_field *field, mbar_error *error)
{
    return mbar_error_set(error, MBAR_UNSUPPORTED,
                          "column '%s' holds more than 2 GiB of text; read fewer rows at once",
                          field->name);
}

/* Offsets and bytes buffers of a UTF8 column from ends that start at 0. */
static mbar_status utf8_column(const mbar_field *field, const int64_t *ends, int64_t n,
                               const char *bytes, size_t n_bytes, mbar_column **out,
                               mbar_error *error)
{
    mbar_buffer *offsets = NULL, *data = NULL;
    if (n_bytes > INT32_MAX) {
        return too_long(field, error);
    }
    mbar_status status = mbar_buffer_new(((size_t)n + 1) * sizeof(int32_t), &offsets, error);
    if (status == MBAR_OK) {
        status = mbar_buffer_new(n_bytes, &data, error);
    }
    if (status == MBAR_OK) {
        int32_t *to = mbar_buffer_writable(offsets);
        for (int64_t i = 0; i < n; i++) {
            to[i + 1] = (int32_t)ends[i];
        }
        if (n_bytes > 0) {
            memcpy(mbar_buffer_writable(data), bytes, n_bytes);
        }
        status = mbar_column_new_utf8(field, n, offsets, data, NULL, 0, out, error);
    }
    mbar_buffer_unref(offsets);
    mbar_buffer_unref(data);
    return status;
}

static mbar_status finish_dict(mbar_parquet_text *text, const mbar_field *field, int64_t n_rows,
                               mbar_buffer *validity, mbar_column **out, mbar_error *error)
{
    words all = {0};
    mbar_buffer *codes = NULL;
    mbar_column *dictionary = NULL;
    int32_t *map = NULL;
    int64_t row = 0;
    mbar_status status = mbar_buffer_new((size_t)n_rows * sizeof(int32_t), &codes, error);
    for (int32_t p = 0; p < text->n_parts && status == MBAR_OK; p++) {
        const text_part *part = &text->parts[p];
        map = mbar_alloc_array((size_t)part->words.n + 1, sizeof *map, error);
        status = map == NULL ? MBAR_NOMEM : MBAR_OK;
        for (int32_t i = 0; i < part->words.n && status == MBAR_OK; i++) {
            size_t n_bytes;
            const char *word = word_at(&part->words, i, &n_bytes);
            status = word_code(&all, (const uint8_t *)word, n_bytes, &map[i], error);
        }
        int32_t *to = mbar_buffer_writable(codes);
        for (int64_t i = 0; i < part->n_rows && row < n_rows && status == MBAR_OK; i++) {
            to[row++] = map[part->codes[i]];
        }
        mbar_free(map);
    }
    mbar_field entry = {.name = field->name, .type = MBAR_TYPE_UTF8};
    if (status == MBAR_OK) {
        status = utf8_column(&entry, all.ends, all.n, all.bytes, all.n_bytes, &dictionary, error);
    }
    if (status == MBAR_OK) {
        status = mbar_column_new_dict(field, n_rows, codes, dictionary, validity,
                                      validity != NULL ? -1 : 0, out, error);
    }
    words_deinit(&all);
    mbar_column_unref(dictionary);
    mbar_buffer_unref(codes);
    return status;
}

static mbar_status finish_utf8(mbar_parquet_text *text, const mbar_field *field, int64_t n_rows,
                               mbar_buffer *validity, mbar_column **out, mbar_error *error)
{
    size_t n_bytes = 0;
    for (int32_t p = 0; p < text->n_parts; p++) {
        n_bytes += text->parts[p].n_bytes;
    }
    if (n_bytes > INT32_MAX) {
        return too_long(field, error);
    }
    mbar_buffer *offsets = NULL, *data = NULL;
    mbar_status status = mbar_buffer_new(((size_t)n_rows + 1) * sizeof(int32_t), &offsets, error);
    if (status == MBAR_OK) {
        status = mbar_buffer_new_uninit(n_bytes, &data, error);
    }
    size_t base = 0;
    int64_t row = 0;
    for (int32_t p = 0; p < text->n_parts && status == MBAR_OK; p++) {
        const text_part *part = &text->parts[p];
        int32_t *to = mbar_buffer_writable(offsets);
        for (int64_t i = 0; i < part->n_rows && row < n_rows; i++) {
            to[++row] = (int32_t)(base + (size_t)part->ends[i]);
        }
        if (part->n_bytes > 0) {
            memcpy((char *)mbar_buffer_writable(data) + base, part->bytes, part->n_bytes);
        }
        base += part->n_bytes;
    }
    if (status == MBAR_OK) {
        status = mbar_column_new_utf8(field, n_rows, offsets, data, validity,
                                      validity != NULL ? -1 : 0, out, error);
    }
    mbar_buffer_unref(offsets);
    mbar_buffer_unref(data);
    return status;
}

mbar_status mbar_parquet_text_finish(mbar_parquet_text *text, const mbar_field *field,
                                     int64_t n_rows, mbar_buffer *validity, mbar_column **out,
                                     mbar_error *error)
{
    return text->dictionary ? finish_dict(text, field, n_rows, validity, out, error)
                            : finish_utf8(text, field, n_rows, validity, out, error);
}
