/*
 * sim_vectors.h - reads tests/vectors/sim_*.txt (make_sim.py says what is in them).
 */
#ifndef SIM_VECTORS_H
#define SIM_VECTORS_H

#include "sim_support.h"

enum { SIM_FIELDS = 128 };

struct sim_lines {
    FILE *file;
    long number;
    char line[16384];
    char *fields[SIM_FIELDS];
    int n;
    int at; /* of the next field to be read */
    bool is_over;
};

/* Reads the next line; false at the end, where the file is closed. */
static inline bool lines_next(struct sim_lines *lines)
{
    if (lines->is_over || fgets(lines->line, sizeof lines->line, lines->file) == NULL) {
        if (!lines->is_over) {
            fclose(lines->file);
        }
        lines->is_over = true;
        lines->n = 0;
        return false;
    }
    lines->number++;
    lines->n = 0;
    for (char *field = strtok(lines->line, " \n"); field != NULL; field = strtok(NULL, " \n")) {
        assert_true(lines->n < SIM_FIELDS);
        lines->fields[lines->n++] = field;
    }
    lines->at = 1;
    return true;
}

/* MILLIBAR_SIM_VECTORS names another directory, for vectors made elsewhere. */
static inline void lines_open(struct sim_lines *lines, const char *name)
{
    const char *root = getenv("MILLIBAR_ROOT"), *other = getenv("MILLIBAR_SIM_VECTORS");
    char path[1024];
    memset(lines, 0, sizeof *lines);
    if (other != NULL) {
        snprintf(path, sizeof path, "%s/%s", other, name);
    } else {
        snprintf(path, sizeof path, "%s/tests/vectors/%s", root != NULL ? root : ".", name);
    }
    lines->file = fopen(path, "r");
    if (lines->file == NULL) {
        fail_msg("no %s; set MILLIBAR_ROOT to the checkout", path);
    }
}

static inline bool lines_is(const struct sim_lines *lines, const char *word)
{
    return lines->n > 0 && strcmp(lines->fields[0], word) == 0;
}

static inline const char *read_word(struct sim_lines *lines)
{
    if (lines->at >= lines->n) {
        fail_msg("line %ld has no field %d", lines->number, lines->at);
    }
    return lines->fields[lines->at++];
}

static inline int64_t read_number(struct sim_lines *lines)
{
    return strtoll(read_word(lines), NULL, 10);
}

/* NaN for N. */
static inline double read_double(struct sim_lines *lines)
{
    const char *word = read_word(lines);
    double value;
    if (strcmp(word, "N") == 0) {
        return NAN;
    }
    uint64_t bits = strtoull(word, NULL, 16);
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define check_bits(lines, what, got, wanted)                                                    \
    do {                                                                                        \
        double got_ = (got), wanted_ = (wanted);                                                \
        if (!same_double(got_, wanted_))                                                        \
            fail_msg("line %ld: %s is %.17g, not %.17g", (lines)->number, what, got_, wanted_); \
    } while (0)

#define check_number(lines, what, got, wanted)                                                \
    do {                                                                                      \
        long long got_ = (long long)(got), wanted_ = (long long)(wanted);                     \
        if (got_ != wanted_)                                                                  \
            fail_msg("line %ld: %s is %lld, not %lld", (lines)->number, what, got_, wanted_); \
    } while (0)

#endif
