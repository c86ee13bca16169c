/*
 * parquet_arrow_schema.c - the zones in an "ARROW:schema" value.
 *
 * Arrow writers store their schema, an IPC message in base64, in a Parquet
 * file's metadata, because Parquet itself keeps only "adjusted to UTC" of a
 * timestamp's zone. This reads of it the names, timestamp zones and dictionary
 * flags of the top-level fields: just enough FlatBuffers to walk
 * Message -> Schema -> fields -> Field -> (name, Timestamp.timezone, dictionary).
 *
 * The bytes come from a file. Every offset is checked before it is followed,
 * nothing is followed twice over, and what does not make sense is left out:
 * the hint is then missing, which is never an error.
 */
#include "parquet_internal.h"

#include "base/alloc.h"

#include <string.h>

#define MAX_FIELDS 65536
#define TYPE_TIMESTAMP 10 /* Arrow's Type union */

typedef struct bytes {
    const uint8_t *data;
    size_t n_bytes;
} bytes;

static uint32_t read_u32(bytes b, size_t at)
{
    if (b.n_bytes < 4 || at > b.n_bytes - 4) {
        return 0;
    }
    return (uint32_t)b.data[at] | (uint32_t)b.data[at + 1] << 8 | (uint32_t)b.data[at + 2] << 16 |
           (uint32_t)b.data[at + 3] << 24;
}

static uint32_t read_u16(bytes b, size_t at)
{
    if (b.n_bytes < 2 || at > b.n_bytes - 2) {
        return 0;
    }
    return (uint32_t)b.data[at] | (uint32_t)b.data[at + 1] << 8;
}

/* Place of a table's slot, 0 where it is absent. */
static size_t slot(bytes b, size_t table, uint32_t index)
{
    int64_t vtable = (int64_t)table - (int32_t)read_u32(b, table);
    if (vtable < 0 || (size_t)vtable >= b.n_bytes) {
        return 0;
    }
    uint32_t vtable_bytes = read_u16(b, (size_t)vtable);
    uint32_t entry = 4 + 2 * index;
    if (entry + 2 > vtable_bytes) {
        return 0;
    }
    uint32_t offset = read_u16(b, (size_t)vtable + entry);
    return offset == 0 || table + offset >= b.n_bytes ? 0 : table + offset;
}

/* What the offset at a place refers to, 0 where nothing. */
static size_t follow(bytes b, size_t at)
{
    uint32_t offset = at == 0 ? 0 : read_u32(b, at);
    return offset == 0 || offset >= b.n_bytes || at + offset >= b.n_bytes ? 0 : at + offset;
}

/* A copy of a string; *out NULL where there is none or it holds a NUL. */
static mbar_status copy_string(bytes b, size_t at, char **out, mbar_error *error)
{
    *out = NULL;
    uint32_t n_bytes = at == 0 ? 0 : read_u32(b, at);
    if (n_bytes == 0 || at + 4 > b.n_bytes || n_bytes > b.n_bytes - at - 4 ||
        memchr(b.data + at + 4, 0, n_bytes) != NULL) {
        return MBAR_OK;
    }
    char *text = mbar_alloc((size_t)n_bytes + 1, error);
    if (text == NULL) {
        return MBAR_NOMEM;
    }
    memcpy(text, b.data + at + 4, n_bytes);
    *out = text;
    return MBAR_OK;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes up to the first character that is not base64. */
static mbar_status decode_base64(const char *text, uint8_t **out, size_t *n_bytes,
                                 mbar_error *error)
{
    uint8_t *data = mbar_alloc(strlen(text) / 4 * 3 + 4, error);
    if (data == NULL) {
        return MBAR_NOMEM;
    }
    uint32_t bits = 0;
    int n_bits = 0;
    size_t n = 0;
    for (; base64_value(*text) >= 0; text++) {
        bits = bits << 6 | (uint32_t)base64_value(*text);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            data[n++] = (uint8_t)(bits >> n_bits);
        }
    }
    *out = data;
    *n_bytes = n;
    return MBAR_OK;
}

static mbar_status read_field(bytes b, size_t field, mbar_arrow_field *out, mbar_error *error)
{
    mbar_status status = copy_string(b, follow(b, slot(b, field, 0)), &out->name, error);
    size_t type = slot(b, field, 2);
    out->is_dictionary = follow(b, slot(b, field, 4)) != 0;
    if (status == MBAR_OK && type != 0 && b.data[type] == TYPE_TIMESTAMP) {
        size_t timestamp = follow(b, slot(b, field, 3));
        size_t zone = timestamp == 0 ? 0 : follow(b, slot(b, timestamp, 1));
        status = copy_string(b, zone, &out->zone, error);
    }
    return status;
}

static mbar_status read_fields(bytes b, mbar_arrow_field **out, int32_t *n_out, mbar_error *error)
{
    /* An IPC message: 0xFFFFFFFF and a length before the FlatBuffer, or, in
     * old files, the length alone. */
    size_t start = read_u32(b, 0) == UINT32_MAX ? 8 : 4;
    if (b.n_bytes < start + 8) {
        return MBAR_OK;
    }
    b.data += start;
    b.n_bytes -= start;
    size_t message = follow(b, 0);
    message = message == 0 ? read_u32(b, 0) : message;
    size_t schema = follow(b, slot(b, message, 2));
    size_t vector = schema == 0 ? 0 : follow(b, slot(b, schema, 1));
    uint32_t n = vector == 0 ? 0 : read_u32(b, vector);
    if (n == 0 || n > MAX_FIELDS || n > (b.n_bytes - vector) / 4) {
        return MBAR_OK;
    }
    mbar_arrow_field *fields = mbar_alloc_array(n, sizeof *fields, error);
    if (fields == NULL) {
        return MBAR_NOMEM;
    }
    *out = fields;
    *n_out = (int32_t)n;
    mbar_status status = MBAR_OK;
    for (uint32_t i = 0; i < n && status == MBAR_OK; i++) {
        size_t field = follow(b, vector + 4 + 4 * (size_t)i);
        if (field != 0) {
            status = read_field(b, field, &fields[i], error);
        }
    }
    return status;
}

mbar_status mbar_arrow_schema_read(const char *base64, mbar_arrow_field **fields, int32_t *n_fields,
                                   mbar_error *error)
{
    uint8_t *data = NULL;
    size_t n_bytes = 0;
    mbar_arrow_field *found = NULL;
    int32_t n_found = 0;
    mbar_status status = decode_base64(base64, &data, &n_bytes, error);
    if (status == MBAR_OK) {
        status = read_fields((bytes){data, n_bytes}, &found, &n_found, error);
    }
    mbar_free(data);
    if (status != MBAR_OK) {
        mbar_arrow_schema_free(found, n_found);
        return status;
    }
    *fields = found;
    *n_fields = n_found;
    return MBAR_OK;
}

void mbar_arrow_schema_free(mbar_arrow_field *fields, int32_t n_fields)
{
    for (int32_t i = 0; i < n_fields; i++) {
        mbar_free(fields[i].name);
        mbar_free(fields[i].zone);
    }
    mbar_free(fields);
}
