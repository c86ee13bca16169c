/*
 * test_zone_corpus.c - every transition of every zone, 1901 to 2050.
 *
 * The corpus (corpora/tz/transitions-*.csv.gz under MILLIBAR_SHARED) was made
 * with zdump from IANA release 2026f. Give MILLIBAR_TZDATA the zoneinfo folder
 * of that release (PyPI tzdata 2026.6) and every row must agree: offset and
 * abbreviation one second before and at the transition, and the wall clock
 * inside each gap and fold. Without it the system's zones are read, which may
 * be of another release: then at least 95 rows in 100 must agree, and the
 * number that do not is printed.
 */
#include "market_support.h"
#include "shared_files.h"

struct row {
    char zone[64];
    int64_t utc_s;
    int32_t before_s, after_s;
    char before[16], after[16];
};

struct tally {
    long n_rows, n_missing, n_mismatches, n_gaps, n_folds;
    char first_mismatch[160];
};

static bool read_row(gzFile file, struct row *row)
{
    char line[256];
    long long utc_s;
    if (gzgets(file, line, sizeof line) == NULL) {
        return false;
    }
    if (sscanf(line, "%63[^,],%lld,%d,%d,%*d,%*d,%15[^,],%15[^,\n]", row->zone, &utc_s,
               &row->before_s, &row->after_s, row->before, row->after) != 6) {
        fail_msg("not a corpus row: %s", line);
    }
    row->utc_s = utc_s;
    return true;
}

static bool local_is(const mbar_zone *zone, int64_t local_s, mbar_fold fold, int64_t utc_s)
{
    int64_t ns;
    return mbar_zone_from_local(zone, local_s * MBAR_SECOND_NS, fold, &ns, NULL) == MBAR_OK &&
           ns == utc_s * MBAR_SECOND_NS;
}

/* The last second of the gap is in no hour, that of the fold in two. */
static bool wall_clock_agrees(const mbar_zone *zone, const struct row *row, struct tally *tally)
{
    int64_t before_s = row->utc_s + row->before_s, after_s = row->utc_s + row->after_s;
    int64_t ns;
    if (before_s < after_s) {
        tally->n_gaps++;
        return local_is(zone, before_s, MBAR_FOLD_EARLIER, row->utc_s) &&
               local_is(zone, after_s - 1, MBAR_FOLD_LATER, row->utc_s) &&
               local_is(zone, after_s, MBAR_FOLD_LATER, row->utc_s) &&
               mbar_zone_from_local(zone, before_s * MBAR_SECOND_NS, MBAR_FOLD_REFUSE, &ns, NULL) ==
                   MBAR_INVALID;
    }
    if (before_s > after_s) {
        tally->n_folds++;
        return local_is(zone, before_s - 1, MBAR_FOLD_EARLIER, row->utc_s - 1) &&
               local_is(zone, after_s, MBAR_FOLD_LATER, row->utc_s) &&
               mbar_zone_from_local(zone, after_s * MBAR_SECOND_NS, MBAR_FOLD_REFUSE, &ns, NULL) ==
                   MBAR_INVALID;
    }
    return true;
}

static bool row_agrees(const mbar_zone *zone, const struct row *row, struct tally *tally)
{
    int64_t ns = row->utc_s * MBAR_SECOND_NS;
    return mbar_zone_offset_s(zone, ns) == row->after_s &&
           mbar_zone_offset_s(zone, ns - 1) == row->before_s &&
           strcmp(mbar_zone_abbreviation(zone, ns), row->after) == 0 &&
           strcmp(mbar_zone_abbreviation(zone, ns - 1), row->before) == 0 &&
           wall_clock_agrees(zone, row, tally);
}

static void check_row(const struct row *row, struct tally *tally)
{
    mbar_zone *zone = NULL;
    mbar_error error;
    tally->n_rows++;
    mbar_status status = mbar_zone_open(row->zone, &zone, &error);
    if (status == MBAR_NOTFOUND) {
        tally->n_missing++;
        return;
    }
    if (status != MBAR_OK) {
        fail_msg("%s: %s", row->zone, error.message);
    }
    if (!row_agrees(zone, row, tally) && tally->n_mismatches++ == 0) {
        snprintf(tally->first_mismatch, sizeof tally->first_mismatch,
                 "%s at %lld: corpus %d %s -> %d %s, here %d -> %d", row->zone,
                 (long long)row->utc_s, row->before_s, row->before, row->after_s, row->after,
                 mbar_zone_offset_s(zone, row->utc_s * MBAR_SECOND_NS - 1),
                 mbar_zone_offset_s(zone, row->utc_s * MBAR_SECOND_NS));
    }
    mbar_zone_unref(zone);
}

static void test_every_transition(void **state)
{
    (void)state;
    gzFile file = open_shared_gz("corpora/tz/transitions-2026f-1901-2050.csv.gz");
    struct tally tally = {0};
    struct row row;
    char header[256];
    assert_non_null(gzgets(file, header, sizeof header));
    while (read_row(file, &row)) {
        check_row(&row, &tally);
    }
    gzclose(file);
    const char *directory = getenv("MILLIBAR_TZDATA");
    print_message("%ld rows (%ld gaps, %ld folds) against %s: %ld of zones not there, "
                  "%ld mismatches%s%s\n",
                  tally.n_rows, tally.n_gaps, tally.n_folds,
                  directory != NULL ? directory : "the system's zones", tally.n_missing,
                  tally.n_mismatches, tally.n_mismatches > 0 ? ", first " : "",
                  tally.first_mismatch);
    assert_true(tally.n_rows == 44861);
    long n_wrong = tally.n_missing + tally.n_mismatches;
    assert_true(n_wrong <= (directory != NULL ? 0 : tally.n_rows / 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_transition)};
    return cmocka_run_group_tests(tests, use_tzdata, drop_zones);
}
