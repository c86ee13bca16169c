/*
 * engine_words.c - the words of orders, events and options, interned.
 *
 * A strategy names sides, types and the like by text, most often a literal, which
 * the interpreter has interned: the first pass compares pointers alone. The words
 * are lumibot's where lumibot has one.
 */
#include "engine.h"

#include <stdio.h>

static const char *const texts[MBAR_PY_N_WORD_SETS][MBAR_PY_MAX_WORDS] = {
    [MBAR_PY_WORDS_SIDE] = {"buy", "sell", "buy_to_open", "buy_to_close", "buy_to_cover",
                            "sell_to_open", "sell_to_close", "sell_short"},
    [MBAR_PY_WORDS_TYPE] = {"market", "limit", "stop", "stop_limit", "trailing_stop"},
    [MBAR_PY_WORDS_CLASS] = {"simple", "bracket", "oco", "oto"},
    [MBAR_PY_WORDS_TIF] = {"gtc", "day", "gtd", "ioc", "fok"},
    [MBAR_PY_WORDS_STATUS] = {"unprocessed", "new", "partial_fill", "fill", "canceled", "expired",
                              "error"},
    [MBAR_PY_WORDS_EVENT] = {"new", "filled", "partial", "canceled", "modified", "error"},
    [MBAR_PY_WORDS_ASSET] = {"stock", "future", "crypto", "forex", "index"},
    [MBAR_PY_WORDS_POLICY] = {"strict", "lumibot"},
    [MBAR_PY_WORDS_CLOCK] = {"step", "bars"},
    [MBAR_PY_WORDS_SESSIONS] = {"continuous", "data", "daily", "daily_always"},
    [MBAR_PY_WORDS_SUBMIT] = {"asset", "side", "quantity", "type", "limit_price", "stop_price",
                              "order_class", "tif", "stop_limit_price", "trail_amount",
                              "trail_percent", "child_limit_price", "child_stop_price",
                              "child_stop_limit_price", "child_trail_amount", "child_trail_percent",
                              "good_till_ns", "tag"},
    [MBAR_PY_WORDS_MODIFY] = {"order", "limit_price", "stop_price", "quantity"},
};

static const char *const set_names[MBAR_PY_N_WORD_SETS] = {
    [MBAR_PY_WORDS_SIDE] = "side",           [MBAR_PY_WORDS_TYPE] = "order type",
    [MBAR_PY_WORDS_CLASS] = "order class",   [MBAR_PY_WORDS_TIF] = "time in force",
    [MBAR_PY_WORDS_STATUS] = "status",       [MBAR_PY_WORDS_EVENT] = "kind of event",
    [MBAR_PY_WORDS_ASSET] = "kind of asset", [MBAR_PY_WORDS_POLICY] = "policy",
    [MBAR_PY_WORDS_CLOCK] = "clock",         [MBAR_PY_WORDS_SESSIONS] = "sessions",
    [MBAR_PY_WORDS_SUBMIT] = "argument",     [MBAR_PY_WORDS_MODIFY] = "argument",
};

int mbar_py_words_init(mbar_py_state *state)
{
    for (int set = 0; set < MBAR_PY_N_WORD_SETS; set++) {
        for (int i = 0; i < MBAR_PY_MAX_WORDS && texts[set][i] != NULL; i++) {
            state->words[set][i] = PyUnicode_InternFromString(texts[set][i]);
            if (state->words[set][i] == NULL) {
                return -1;
            }
        }
    }
    return 0;
}

void mbar_py_words_clear(mbar_py_state *state)
{
    for (int set = 0; set < MBAR_PY_N_WORD_SETS; set++) {
        for (int i = 0; i < MBAR_PY_MAX_WORDS; i++) {
            Py_CLEAR(state->words[set][i]);
        }
    }
}

int mbar_py_word_find(const mbar_py_state *state, mbar_py_word_set set, PyObject *word)
{
    PyObject *const *words = state->words[set];
    for (int i = 0; i < MBAR_PY_MAX_WORDS && words[i] != NULL; i++) {
        if (words[i] == word) {
            return i;
        }
    }
    if (!PyUnicode_Check(word)) {
        return -1;
    }
    for (int i = 0; i < MBAR_PY_MAX_WORDS && words[i] != NULL; i++) {
        if (PyUnicode_Compare(words[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

int mbar_py_word_value(mbar_py_state *state, mbar_py_word_set set, PyObject *word)
{
    int value = mbar_py_word_find(state, set, word);
    const char *text = value < 0 ? mbar_py_text(word) : NULL;
    if (text == NULL) {
        return value;
    }
    char choices[256];
    size_t used = 0;
    for (int i = 0; i < MBAR_PY_MAX_WORDS && texts[set][i] != NULL; i++) {
        int n = snprintf(choices + used, sizeof choices - used, "%s%s", i > 0 ? ", " : "",
                         texts[set][i]);
        used += n > 0 && (size_t)n < sizeof choices - used ? (size_t)n : 0;
    }
    mbar_py_raise_text(state, MBAR_PY_INVALID, "%s '%.60s' is not one of %s", set_names[set], text,
                       choices);
    return -1;
}
