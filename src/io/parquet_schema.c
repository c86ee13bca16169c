/*
 * parquet_schema.c - from the file's schema to fields of ours.
 *
 * A Parquet type is a physical type and, perhaps, a logical one. What we can
 * hold maps so:
 *
 *   boolean                                   bool
 *   int32, int 8/16/32, uint 8/16             int32
 *   uint32                                    int64
 *   int64, int 64                             int64
 *   uint64                                    uint64
 *   float, double                             float32, float64
 *   date                                      timestamp[s], no zone
 *   timestamp ms/us/ns                        timestamp of that unit; "UTC" where
 *                                             the file says so, none where not
 *   int96                                     timestamp[ns], no zone
 *   byte array, string / enum / json          utf8, or dictionary where every
 *                                             row group has a dictionary page
 *   byte array without annotation             the same; reading a value that is
 *                                             not UTF-8 is then MBAR_UNSUPPORTED
 *
 * Everything else (nested, decimal, time of day, binary of other kinds) is
 * unsupported: such a column can be left out, not read.
 *
 * What Parquet cannot say, writers put into the file's metadata: the original
 * zone (pyarrow's ARROW:schema), and our own "millibar.columns": seconds (which
 * Parquet lacks; stored as milliseconds), zones, and dictionaries. Such a hint
 * only ever refines a type that is compatible with what is stored.
 */
#include "parquet_internal.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static const char *physical_name(carquet_physical_type_t physical)
{
    static const char *const names[] = {"boolean", "int32",  "int64",  "int96",
                                        "float",   "double", "binary", "fixed binary"};
    return (unsigned)physical < sizeof names / sizeof *names ? names[physical] : "unknown";
}

static const char *logical_name(carquet_logical_type_id_t id)
{
    switch (id) {
    case CARQUET_LOGICAL_DECIMAL:
        return "decimal";
    case CARQUET_LOGICAL_TIME:
        return "time of day";
    case CARQUET_LOGICAL_BSON:
        return "bson";
    case CARQUET_LOGICAL_UUID:
        return "uuid";
    case CARQUET_LOGICAL_FLOAT16:
        return "float16";
    case CARQUET_LOGICAL_VARIANT:
        return "variant";
    case CARQUET_LOGICAL_GEOMETRY:
    case CARQUET_LOGICAL_GEOGRAPHY:
        return "geometry";
    case CARQUET_LOGICAL_INTERVAL:
        return "interval";
    case CARQUET_LOGICAL_LIST:
    case CARQUET_LOGICAL_MAP:
        return "nested";
    default:
        return NULL;
    }
}

static void refuse(mbar_parquet_column *column, const char *type)
{
    column->kind = MBAR_PARQUET_UNSUPPORTED;
    snprintf(column->why, sizeof column->why, "%s", type);
}

static void become(mbar_parquet_column *column, mbar_parquet_kind kind, mbar_type type)
{
    column->kind = kind;
    column->field.type = type;
}

/* An annotation that is not for this physical type, or not one of ours. Those
 * without meaning (unknown, null) leave the plain type. */
static void refuse_logical(mbar_parquet_column *column, const carquet_logical_type_t *logical)
{
    if (logical != NULL && logical->id != CARQUET_LOGICAL_UNKNOWN &&
        logical->id != CARQUET_LOGICAL_NULL) {
        const char *name = logical_name(logical->id);
        refuse(column, name != NULL ? name : "one that contradicts its annotation");
    }
}

static void map_int32(mbar_parquet_column *column, const carquet_logical_type_t *logical)
{
    become(column, MBAR_PARQUET_WIDTH4, MBAR_TYPE_INT32);
    if (logical == NULL) {
        return;
    }
    if (logical->id == CARQUET_LOGICAL_DATE) {
        become(column, MBAR_PARQUET_DATE, MBAR_TYPE_TIMESTAMP);
        column->field.unit = MBAR_UNIT_S;
    } else if (logical->id != CARQUET_LOGICAL_INTEGER) {
        refuse_logical(column, logical);
    } else if (logical->params.integer.bit_width > 32) {
        refuse(column, "a 64-bit integer in 32 bits, which contradicts itself");
    } else if (!logical->params.integer.is_signed && logical->params.integer.bit_width == 32) {
        become(column, MBAR_PARQUET_UINT32, MBAR_TYPE_INT64);
    }
}

static void map_int64(mbar_parquet_column *column, const carquet_logical_type_t *logical,
                      bool *is_utc)
{
    become(column, MBAR_PARQUET_WIDTH8, MBAR_TYPE_INT64);
    if (logical == NULL) {
        return;
    }
    if (logical->id == CARQUET_LOGICAL_TIMESTAMP) {
        become(column, MBAR_PARQUET_WIDTH8, MBAR_TYPE_TIMESTAMP);
        carquet_time_unit_t unit = logical->params.timestamp.unit;
        column->field.unit = unit == CARQUET_TIME_UNIT_MILLIS   ? MBAR_UNIT_MS
                             : unit == CARQUET_TIME_UNIT_MICROS ? MBAR_UNIT_US
                                                                : MBAR_UNIT_NS;
        *is_utc = logical->params.timestamp.is_adjusted_to_utc;
    } else if (logical->id != CARQUET_LOGICAL_INTEGER) {
        refuse_logical(column, logical);
    } else if (logical->params.integer.bit_width != 64) {
        refuse(column, "a smaller integer in 64 bits, which contradicts itself");
    } else if (!logical->params.integer.is_signed) {
        become(column, MBAR_PARQUET_WIDTH8, MBAR_TYPE_UINT64);
        column->unsigned64 = true;
    }
}

static void map_bytes(mbar_parquet_column *column, const carquet_logical_type_t *logical)
{
    become(column, MBAR_PARQUET_TEXT, MBAR_TYPE_UTF8);
    if (logical == NULL) {
        return;
    }
    column->annotated = logical->id == CARQUET_LOGICAL_STRING ||
                        logical->id == CARQUET_LOGICAL_ENUM || logical->id == CARQUET_LOGICAL_JSON;
    if (!column->annotated) {
        refuse_logical(column, logical);
    }
}

static void map_type(mbar_parquet_column *column, const carquet_logical_type_t *logical,
                     bool *is_utc)
{
    switch (column->physical) {
    case CARQUET_PHYSICAL_BOOLEAN:
        become(column, MBAR_PARQUET_BOOL, MBAR_TYPE_BOOL);
        refuse_logical(column, logical);
        break;
    case CARQUET_PHYSICAL_INT32:
        map_int32(column, logical);
        break;
    case CARQUET_PHYSICAL_INT64:
        map_int64(column, logical, is_utc);
        break;
    case CARQUET_PHYSICAL_INT96:
        become(column, MBAR_PARQUET_INT96, MBAR_TYPE_TIMESTAMP);
        column->field.unit = MBAR_UNIT_NS;
        break;
    case CARQUET_PHYSICAL_FLOAT:
        become(column, MBAR_PARQUET_WIDTH4, MBAR_TYPE_FLOAT32);
        refuse_logical(column, logical);
        break;
    case CARQUET_PHYSICAL_DOUBLE:
        become(column, MBAR_PARQUET_WIDTH8, MBAR_TYPE_FLOAT64);
        refuse_logical(column, logical);
        break;
    case CARQUET_PHYSICAL_BYTE_ARRAY:
        map_bytes(column, logical);
        break;
    default:
        refuse(column, logical != NULL && logical_name(logical->id) != NULL
                           ? logical_name(logical->id)
                           : physical_name(column->physical));
    }
}

/* Whether every row group holds a dictionary page for the column. */
static bool has_dictionaries(const mbar_parquet *file, int32_t column)
{
    for (int32_t g = 0; g < file->n_groups; g++) {
        carquet_column_chunk_metadata_t chunk;
        if (carquet_reader_column_chunk_metadata(file->reader, g, column, &chunk) != CARQUET_OK ||
            !chunk.has_dictionary_page) {
            return false;
        }
    }
    return file->n_groups > 0;
}

/* IANA names only: an offset ("+05:30") says no more than UTC does, and nothing
 * else belongs there. */
static bool is_zone_name(const char *zone)
{
    size_t n = strspn(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/");
    return n > 0 && n < 64 && zone[n] == '\0' && zone[0] != '+' && zone[0] != '-';
}

static mbar_status set_zone(mbar_parquet_column *column, const char *zone, mbar_error *error)
{
    char *copy = mbar_strdup(zone, error);
    if (copy == NULL) {
        return MBAR_NOMEM;
    }
    mbar_free((char *)column->field.zone);
    column->field.zone = copy;
    return MBAR_OK;
}

/* A nested column's name is its path, "a.b.c". */
static mbar_status copy_name(const char *const *path, int32_t depth, char **out, mbar_error *error)
{
    size_t n_bytes = 1;
    for (int32_t i = 0; i < depth; i++) {
        n_bytes += strlen(path[i] != NULL ? path[i] : "") + 1;
    }
    char *name = mbar_alloc(n_bytes, error);
    if (name == NULL) {
        return MBAR_NOMEM;
    }
    for (int32_t i = 0; i < depth; i++) {
        strcat(name, i > 0 ? "." : "");
        strcat(name, path[i] != NULL ? path[i] : "");
    }
    *out = name;
    return MBAR_OK;
}

#define MAX_DEPTH 104 /* the library refuses schemas deeper than 100 */

static mbar_status map_column(mbar_parquet *file, const carquet_schema_t *schema, int32_t leaf,
                              const carquet_schema_node_t *node, mbar_error *error)
{
    mbar_parquet_column *column = &file->columns[leaf];
    const char *path[MAX_DEPTH] = {0};
    int32_t depth = carquet_schema_column_path(schema, leaf, path, MAX_DEPTH);
    if (depth <= 0) {
        path[0] = carquet_schema_column_name(schema, leaf);
        depth = 1;
    }
    char *name = NULL;
    mbar_status status = copy_name(path, depth, &name, error);
    if (status != MBAR_OK) {
        return status;
    }
    column->field.name = name;
    column->field.unit = MBAR_UNIT_NS;
    column->field.type = MBAR_TYPE_INT64;
    column->physical = carquet_schema_node_physical_type(node);
    int16_t levels = carquet_schema_max_def_level(schema, leaf);
    column->optional = levels == 1;
    column->field.nullable = column->optional;
    bool is_utc = false;
    if (depth != 1 || levels < 0 || levels > 1 || carquet_schema_max_rep_level(schema, leaf) != 0) {
        refuse(column, "nested");
        return MBAR_OK;
    }
    map_type(column, carquet_schema_node_logical_type(node), &is_utc);
    if (column->kind == MBAR_PARQUET_TEXT && has_dictionaries(file, leaf)) {
        column->field.type = MBAR_TYPE_DICT;
    }
    return is_utc ? set_zone(column, "UTC", error) : MBAR_OK;
}

static mbar_parquet_column *find_flat(mbar_parquet *file, const char *name)
{
    for (int32_t i = 0; i < file->n_columns; i++) {
        if (file->columns[i].kind != MBAR_PARQUET_UNSUPPORTED &&
            strcmp(file->columns[i].field.name, name) == 0) {
            return &file->columns[i];
        }
    }
    return NULL;
}

/* pyarrow's hint: the zone a timestamp had. */
static mbar_status apply_arrow_schema(mbar_parquet *file, mbar_error *error)
{
    const char *value = carquet_reader_find_metadata(file->reader, "ARROW:schema");
    if (value == NULL) {
        return MBAR_OK;
    }
    mbar_arrow_field *fields = NULL;
    int32_t n_fields = 0;
    mbar_status status = mbar_arrow_schema_read(value, &fields, &n_fields, error);
    for (int32_t i = 0; i < n_fields && status == MBAR_OK; i++) {
        mbar_parquet_column *column =
            fields[i].name != NULL ? find_flat(file, fields[i].name) : NULL;
        if (column != NULL && fields[i].zone != NULL && column->field.zone != NULL &&
            is_zone_name(fields[i].zone)) {
            status = set_zone(column, fields[i].zone, error);
        }
    }
    mbar_arrow_schema_free(fields, n_fields);
    return status;
}

/* One line of our own hint: "<type> <unit> <zone or -> <name>". */
static mbar_status apply_line(mbar_parquet *file, char *line, mbar_error *error)
{
    char *part[4];
    for (int i = 0; i < 3; i++) {
        part[i] = line;
        line = strchr(line, ' ');
        if (line == NULL) {
            return MBAR_OK;
        }
        *line++ = '\0';
    }
    part[3] = line;
    mbar_parquet_column *column = find_flat(file, part[3]);
    if (column == NULL) {
        return MBAR_OK;
    }
    if (column->kind == MBAR_PARQUET_TEXT) {
        column->field.type = strcmp(part[0], "dictionary") == 0 ? MBAR_TYPE_DICT : MBAR_TYPE_UTF8;
        return MBAR_OK;
    }
    if (column->field.type != MBAR_TYPE_TIMESTAMP || column->kind != MBAR_PARQUET_WIDTH8 ||
        strcmp(part[0], "timestamp") != 0) {
        return MBAR_OK;
    }
    if (column->field.unit == MBAR_UNIT_MS && strcmp(part[1], "s") == 0) {
        column->kind = MBAR_PARQUET_MS_S;
        column->field.unit = MBAR_UNIT_S;
    }
    if (column->field.zone != NULL && is_zone_name(part[2])) {
        return set_zone(column, part[2], error);
    }
    return MBAR_OK;
}

static mbar_status apply_own_columns(mbar_parquet *file, mbar_error *error)
{
    const char *value = carquet_reader_find_metadata(file->reader, MBAR_PARQUET_KEY_COLUMNS);
    if (value == NULL) {
        return MBAR_OK;
    }
    char *lines = mbar_strdup(value, error);
    if (lines == NULL) {
        return MBAR_NOMEM;
    }
    mbar_status status = MBAR_OK;
    for (char *line = lines; line != NULL && status == MBAR_OK;) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }
        status = apply_line(file, line, error);
        line = end;
    }
    mbar_free(lines);
    return status;
}

static void apply_sorted(mbar_parquet *file)
{
    const char *value = carquet_reader_find_metadata(file->reader, MBAR_PARQUET_KEY_SORTED);
    const mbar_parquet_column *column = value != NULL ? find_flat(file, value) : NULL;
    if (column != NULL && column->field.type == MBAR_TYPE_TIMESTAMP) {
        file->sorted_column = (int32_t)(column - file->columns);
    }
}

mbar_status mbar_parquet_map_columns(mbar_parquet *file, mbar_error *error)
{
    const carquet_schema_t *schema = carquet_reader_schema(file->reader);
    int32_t n_elements = carquet_schema_num_elements(schema);
    file->n_columns = carquet_reader_num_columns(file->reader);
    if (file->n_columns < 0 || n_elements < 1 || file->n_columns >= n_elements) {
        /* As many leaves as elements: the root itself has no children. */
        file->n_columns = 0;
    }
    file->columns =
        mbar_alloc_array((size_t)file->n_columns + 1, sizeof(mbar_parquet_column), error);
    if (file->columns == NULL) {
        return MBAR_NOMEM;
    }
    mbar_status status = MBAR_OK;
    int32_t leaf = 0;
    for (int32_t i = 1; i < n_elements && leaf < file->n_columns && status == MBAR_OK; i++) {
        const carquet_schema_node_t *node = carquet_schema_get_element(schema, i);
        if (node == NULL || !carquet_schema_node_is_leaf(node)) {
            continue;
        }
        /* The library numbers leaves in tree order, which is the elements'
         * order unless the tree does not hold them all. */
        const char *name = carquet_schema_column_name(schema, leaf);
        if (name == NULL || strcmp(name, carquet_schema_node_name(node)) != 0) {
            return mbar_error_set(error, MBAR_FORMAT, "the schema's groups do not hold column %d",
                                  (int)leaf);
        }
        status = map_column(file, schema, leaf, node, error);
        leaf++;
    }
    if (status == MBAR_OK && leaf < file->n_columns) {
        return mbar_error_set(error, MBAR_FORMAT, "the schema counts more columns than it has");
    }
    if (status == MBAR_OK) {
        status = apply_arrow_schema(file, error);
    }
    if (status == MBAR_OK) {
        status = apply_own_columns(file, error);
    }
    apply_sorted(file);
    return status;
}
