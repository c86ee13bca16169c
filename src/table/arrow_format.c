/*
 * arrow_format.c - Arrow's format strings as our fields.
 *
 * The table below is all that is taken; anything else is refused by name. A
 * schema is only read here: names and zones stay its own.
 */
#include "table/arrow_import.h"

#include <string.h>

static const mbar_arrow_format formats[] = {
    {"b", MBAR_TYPE_BOOL, 0, MBAR_ARROW_SAME, 0},
    {"c", MBAR_TYPE_INT32, 0, MBAR_ARROW_INT8, 1},
    {"C", MBAR_TYPE_INT32, 0, MBAR_ARROW_UINT8, 1},
    {"s", MBAR_TYPE_INT32, 0, MBAR_ARROW_INT16, 2},
    {"S", MBAR_TYPE_INT32, 0, MBAR_ARROW_UINT16, 2},
    {"i", MBAR_TYPE_INT32, 0, MBAR_ARROW_SAME, 4},
    {"I", MBAR_TYPE_INT64, 0, MBAR_ARROW_UINT32, 4},
    {"l", MBAR_TYPE_INT64, 0, MBAR_ARROW_SAME, 8},
    {"L", MBAR_TYPE_UINT64, 0, MBAR_ARROW_SAME, 8},
    {"f", MBAR_TYPE_FLOAT32, 0, MBAR_ARROW_SAME, 4},
    {"g", MBAR_TYPE_FLOAT64, 0, MBAR_ARROW_SAME, 8},
    {"tdD", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_S, MBAR_ARROW_DAYS, 4},
    {"tdm", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_MS, MBAR_ARROW_SAME, 8},
    {"tss:", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_S, MBAR_ARROW_SAME, 8},
    {"tsm:", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_MS, MBAR_ARROW_SAME, 8},
    {"tsu:", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_US, MBAR_ARROW_SAME, 8},
    {"tsn:", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, MBAR_ARROW_SAME, 8},
    {"u", MBAR_TYPE_UTF8, 0, MBAR_ARROW_SAME, 0},
    {"U", MBAR_TYPE_UTF8, 0, MBAR_ARROW_LARGE_TEXT, 0},
    {"vu", MBAR_TYPE_UTF8, 0, MBAR_ARROW_TEXT_VIEW, 0},
};

static const mbar_arrow_format *find_format(const char *code)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t n_bytes = strlen(formats[i].code);
        bool zoned = formats[i].code[n_bytes - 1] == ':';
        if (zoned ? strncmp(code, formats[i].code, n_bytes) == 0
                  : strcmp(code, formats[i].code) == 0)
            return &formats[i];
    }
    return NULL;
}

static const char *name_of(const struct ArrowSchema *schema)
{
    return schema->name ? schema->name : "";
}

static mbar_status unsupported(const struct ArrowSchema *schema, const char *hint,
                               mbar_error *error)
{
    return mbar_error_set(
        error, MBAR_UNSUPPORTED,
        "column \"%.100s\": Arrow format \"%.40s\"%s is not taken: cast it to a number, bool, "
        "timestamp or text first",
        name_of(schema), schema->format, hint);
}

mbar_status mbar_arrow_read_field(const struct ArrowSchema *schema, const mbar_arrow_format **found,
                                  mbar_field *field, mbar_error *error)
{
    if (!schema->format)
        return mbar_error_set(error, MBAR_INVALID,
                              "column \"%.100s\": the Arrow schema has no format", name_of(schema));
    const mbar_arrow_format *code = find_format(schema->format);
    if (!code)
        return unsupported(schema, "", error);
    *field = (mbar_field){
        .name = name_of(schema),
        .type = code->type,
        .unit = code->unit,
        .nullable = (schema->flags & ARROW_FLAG_NULLABLE) != 0,
    };
    if (strncmp(schema->format, "ts", 2) == 0 && schema->format[4])
        field->zone = schema->format + 4;
    if (schema->dictionary) {
        if (code->type != MBAR_TYPE_INT32 && code->type != MBAR_TYPE_INT64 &&
            code->type != MBAR_TYPE_UINT64)
            return unsupported(schema, " for dictionary codes", error);
        const char *entries = schema->dictionary->format;
        const mbar_arrow_format *entry_code = entries ? find_format(entries) : NULL;
        if (!entry_code || entry_code->type != MBAR_TYPE_UTF8 || schema->dictionary->dictionary)
            return mbar_error_set(
                error, MBAR_UNSUPPORTED,
                "column \"%.100s\": a dictionary of Arrow format \"%.40s\" is not "
                "taken, only of text: decode it first",
                name_of(schema), entries ? entries : "");
        field->type = MBAR_TYPE_DICT;
    }
    *found = code;
    return MBAR_OK;
}

mbar_status mbar_arrow_check_alive(const struct ArrowSchema *schema, mbar_error *error)
{
    if (schema->release)
        return MBAR_OK;
    return mbar_error_set(error, MBAR_INVALID, "the Arrow schema has been released already");
}

mbar_status mbar_arrow_check_table_schema(const struct ArrowSchema *schema, mbar_error *error)
{
    mbar_status status = mbar_arrow_check_alive(schema, error);
    if (status != MBAR_OK)
        return status;
    if (!schema->format || strcmp(schema->format, "+s") != 0)
        return mbar_error_set(error, MBAR_INVALID,
                              "an Arrow table is a struct (\"+s\"), this is \"%.40s\"",
                              schema->format ? schema->format : "");
    if (schema->n_children < 0 || schema->n_children > INT32_MAX ||
        (schema->n_children > 0 && !schema->children))
        return mbar_error_set(error, MBAR_INVALID, "the Arrow schema says %lld columns",
                              (long long)schema->n_children);
    for (int64_t i = 0; i < schema->n_children; i++)
        if (!schema->children[i] || !schema->children[i]->release)
            return mbar_error_set(error, MBAR_INVALID,
                                  "column %lld of the Arrow schema is missing or released",
                                  (long long)i);
    return MBAR_OK;
}
