/*
 * registry.c - which indicators there are, found by name, and what parameters
 * they take.
 *
 * Names and numbers here come from users: a wrong one is told with what would be
 * right, the nearest name included. Nothing here allocates.
 */
#include "indicators/kind.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS_OF_KIND(name) &mbar_kind_##name.spec,
static const mbar_indicator_spec *const specs[] = {MBAR_INDICATOR_KINDS(ADDRESS_OF_KIND)};

int32_t mbar_indicator_count(void)
{
    return MBAR_COUNT(specs);
}

const mbar_indicator_spec *mbar_indicator_at(int32_t index)
{
    assert(index >= 0 && index < MBAR_COUNT(specs));
    return specs[index];
}

const mbar_indicator_kind *mbar_indicator_kind_of(const mbar_indicator_spec *spec)
{
    bool known = false;
    for (int32_t i = 0; i < MBAR_COUNT(specs) && !known; i++) {
        known = specs[i] == spec;
    }
    assert(known);
    return (const mbar_indicator_kind *)spec;
}

/* ---- Words --------------------------------------------------------------- */

enum { MAX_NAME = 31, MAX_LIST = 320 };

/* Insertions, removals and replacements from one word to the other; MAX_NAME where
 * one is longer than any name. */
static int edit_distance(const char *a, const char *b)
{
    size_t n_a = strlen(a);
    size_t n_b = strlen(b);
    if (n_a > MAX_NAME || n_b > MAX_NAME) {
        return MAX_NAME;
    }
    int row[MAX_NAME + 1];
    for (size_t j = 0; j <= n_b; j++) {
        row[j] = (int)j;
    }
    for (size_t i = 1; i <= n_a; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= n_b; j++) {
            int replaced = diagonal + (a[i - 1] != b[j - 1]);
            int grown = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = replaced < grown ? replaced : grown;
        }
    }
    return row[n_b];
}

/* "a, b, c" into list, as far as it fits. */
static void append_word(char list[MAX_LIST], const char *word)
{
    size_t used = strlen(list);
    snprintf(list + used, MAX_LIST - used, "%s%s", used > 0 ? ", " : "", word);
}

static mbar_status not_found(const char *name, mbar_error *error)
{
    const char *nearest = NULL;
    int nearest_distance = ((int)strnlen(name, MAX_NAME) + 1) / 3 + 1;
    char list[MAX_LIST] = "";
    for (int32_t i = 0; i < MBAR_COUNT(specs); i++) {
        int distance = edit_distance(name, specs[i]->name);
        if (distance < nearest_distance) {
            nearest = specs[i]->name;
            nearest_distance = distance;
        }
        append_word(list, specs[i]->name);
    }
    return mbar_error_set(error, MBAR_NOTFOUND, "no indicator '%.60s'%s%s%s %s", name,
                          nearest != NULL ? ": did you mean '" : "", nearest != NULL ? nearest : "",
                          nearest != NULL ? "'? There are" : "; there are", list);
}

mbar_status mbar_indicator_find(const char *name, const mbar_indicator_spec **out,
                                mbar_error *error)
{
    assert(name != NULL && out != NULL);
    for (int32_t i = 0; i < MBAR_COUNT(specs); i++) {
        if (strcmp(specs[i]->name, name) == 0) {
            *out = specs[i];
            return MBAR_OK;
        }
    }
    return not_found(name, error);
}

/* ---- Parameters ---------------------------------------------------------- */

mbar_status mbar_indicator_param_find(const mbar_indicator_spec *spec, const char *name,
                                      int32_t *out, mbar_error *error)
{
    assert(spec != NULL && name != NULL && out != NULL);
    char list[MAX_LIST] = "";
    for (int32_t i = 0; i < spec->n_params; i++) {
        if (strcmp(spec->params[i].name, name) == 0) {
            *out = i;
            return MBAR_OK;
        }
        append_word(list, spec->params[i].name);
    }
    return mbar_error_set(error, MBAR_NOTFOUND, "%s has no parameter '%.60s': it takes %s",
                          spec->name, name, spec->n_params > 0 ? list : "none");
}

mbar_status mbar_indicator_param_choose(const mbar_indicator_spec *spec, int32_t index,
                                        const char *word, double *out, mbar_error *error)
{
    assert(spec != NULL && word != NULL && out != NULL && index >= 0 && index < spec->n_params);
    const mbar_indicator_param *param = &spec->params[index];
    if (param->kind != MBAR_PARAM_CHOICE) {
        return mbar_error_set(error, MBAR_INVALID, "%s: %s is a number, not '%.60s'", spec->name,
                              param->name, word);
    }
    char list[MAX_LIST] = "";
    for (int32_t i = 0; i <= (int32_t)param->max; i++) {
        if (strcmp(param->choices[i], word) == 0) {
            *out = i;
            return MBAR_OK;
        }
        append_word(list, param->choices[i]);
    }
    return mbar_error_set(error, MBAR_INVALID, "%s: %s '%.60s' is not one of %s", spec->name,
                          param->name, word, list);
}

static mbar_status check_param(const mbar_indicator_spec *spec, const mbar_indicator_param *param,
                               double value, mbar_error *error)
{
    if (!(value >= param->min && value <= param->max)) {
        return mbar_error_set(error, MBAR_INVALID, "%s: %s %.15g is not in %.15g to %.15g",
                              spec->name, param->name, value, param->min, param->max);
    }
    if (param->kind != MBAR_PARAM_REAL && value != floor(value)) {
        return mbar_error_set(error, MBAR_INVALID, "%s: %s %.15g is not a whole number", spec->name,
                              param->name, value);
    }
    return MBAR_OK;
}

mbar_status mbar_indicator_params(const mbar_indicator_spec *spec, const double *params,
                                  int32_t n_params, double *out, mbar_error *error)
{
    const mbar_indicator_kind *kind = mbar_indicator_kind_of(spec);
    assert(n_params >= 0 && (params != NULL || n_params == 0));
    if (n_params > spec->n_params) {
        return mbar_error_set(error, MBAR_INVALID, "%s takes %d parameters at most, not %d",
                              spec->name, (int)spec->n_params, (int)n_params);
    }
    double full[MBAR_INDICATOR_MAX_PARAMS] = {0};
    for (int32_t i = 0; i < spec->n_params; i++) {
        const mbar_indicator_param *param = &spec->params[i];
        if (i >= n_params && isnan(param->default_value)) {
            return mbar_error_set(error, MBAR_INVALID, "%s needs %s: it has no default", spec->name,
                                  param->name);
        }
        full[i] = i < n_params ? params[i] : param->default_value;
        mbar_status status = check_param(spec, param, full[i], error);
        if (status != MBAR_OK) {
            return status;
        }
    }
    mbar_status status = kind->check != NULL ? kind->check(spec, full, error) : MBAR_OK;
    if (status == MBAR_OK && out != NULL) {
        memcpy(out, full, (size_t)spec->n_params * sizeof *out);
    }
    return status;
}
