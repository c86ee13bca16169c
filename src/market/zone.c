/*
 * zone.c - time zones: look-ups, wall clock and back, days, the cache.
 *
 * Look-ups search the spans that tzif.c made (zone.h): O(log n), no allocation,
 * no lock. Opening takes the cache's lock, the module's only global state: a
 * ring of the CACHE_ZONES zones opened last, each held by one reference, so its
 * memory is bounded however many names are asked for. A zone pushed out lives
 * on for those that still hold it. mbar_zone_set_directory empties the ring.
 */
#include "market/zone.h"

#include "base/alloc.h"
#include "base/checked.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CACHE_ZONES 64
#define PATH_BYTES 4096
#define NAME_BYTES 255
/* The largest files of any release are below 4 KiB; "fat" ones of old systems too. */
#define FILE_LIMIT_BYTES (1 << 20)
/* No offset is more than 26 hours away from UTC (tzif.c refuses others). */
#define WIDEST_OFFSET_NS (26 * MBAR_HOUR_NS)

static struct {
    pthread_mutex_t mutex;
    mbar_zone *zones[CACHE_ZONES];
    uint32_t next;       /* the slot the next zone goes to */
    uint32_t generation; /* counts set_directory, so that no stale zone is kept */
    char directory[PATH_BYTES];
} cache = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- Life cycle ----------------------------------------------------------- */

static mbar_zone *zone_new(const char *name, mbar_error *error)
{
    mbar_zone *zone = mbar_alloc(sizeof *zone, error);
    if (zone == NULL) {
        return NULL;
    }
    atomic_init(&zone->n_refs, 1);
    zone->name = mbar_strdup(name, error);
    if (zone->name == NULL) {
        mbar_free(zone);
        return NULL;
    }
    return zone;
}

mbar_zone *mbar_zone_ref(mbar_zone *zone)
{
    assert(zone != NULL);
    atomic_fetch_add_explicit(&zone->n_refs, 1, memory_order_relaxed);
    return zone;
}

void mbar_zone_unref(mbar_zone *zone)
{
    if (zone == NULL || atomic_fetch_sub_explicit(&zone->n_refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    mbar_free(zone->spans);
    mbar_free(zone->text);
    mbar_free(zone->name);
    mbar_free(zone);
}

const char *mbar_zone_name(const mbar_zone *zone)
{
    assert(zone != NULL);
    return zone->name;
}

mbar_status mbar_zone_from_tzif(const char *name, const void *data, size_t n_bytes, mbar_zone **out,
                                mbar_error *error)
{
    assert(name != NULL && (data != NULL || n_bytes == 0) && out != NULL);
    mbar_zone *zone = zone_new(name, error);
    if (zone == NULL) {
        return MBAR_NOMEM;
    }
    mbar_status status = mbar_zone_read_tzif(zone, data, n_bytes, error);
    if (status != MBAR_OK) {
        mbar_zone_unref(zone);
        return status;
    }
    *out = zone;
    return MBAR_OK;
}

/* ---- Opening -------------------------------------------------------------- */

/* "+05:30" and "-08:00", which Arrow allows beside names. */
static bool fixed_offset(const char *name, int32_t *offset_s)
{
    int hours = 0, minutes = 0, n = 0;
    if (strlen(name) != 6 || (name[0] != '+' && name[0] != '-') ||
        sscanf(name + 1, "%2d:%2d%n", &hours, &minutes, &n) != 2 || n != 5 || hours > 23 ||
        minutes > 59 || hours < 0 || minutes < 0) {
        return false;
    }
    *offset_s = (hours * 3600 + minutes * 60) * (name[0] == '-' ? -1 : 1);
    return true;
}

static bool name_char_ok(char ch)
{
    return (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') ||
           strchr("_+-/.", ch) != NULL;
}

/* A fixed offset, or a relative path of parts that are neither empty nor start
 * with a dot. */
static mbar_status check_name(const char *name, mbar_error *error)
{
    int32_t offset_s;
    if (fixed_offset(name, &offset_s)) {
        return MBAR_OK;
    }
    size_t n = strlen(name);
    bool ok = n > 0 && n <= NAME_BYTES && name[n - 1] != '/';
    for (size_t i = 0; ok && i < n; i++) {
        bool part_starts = i == 0 || name[i - 1] == '/';
        ok = name_char_ok(name[i]) && !(part_starts && (name[i] == '/' || name[i] == '.'));
    }
    if (!ok) {
        return mbar_error_set(error, MBAR_INVALID,
                              "\"%.64s\" is no time zone name; one looks like "
                              "\"America/New_York\" or \"UTC\"",
                              name);
    }
    return MBAR_OK;
}

static mbar_status zone_new_fixed(const char *name, int32_t offset_s, mbar_zone **out,
                                  mbar_error *error)
{
    mbar_zone *zone = zone_new(name, error);
    if (zone == NULL) {
        return MBAR_NOMEM;
    }
    zone->text = mbar_strdup(name, error);
    zone->spans = mbar_alloc_array(1, sizeof *zone->spans, error);
    if (zone->text == NULL || zone->spans == NULL) {
        mbar_zone_unref(zone);
        return MBAR_NOMEM;
    }
    zone->spans[0] = (mbar_zone_span){INT64_MIN, offset_s, 0};
    zone->n_spans = 1;
    *out = zone;
    return MBAR_OK;
}

static mbar_status read_source(const char *name, mbar_source *source, mbar_zone **out,
                               mbar_error *error)
{
    int64_t n_bytes;
    mbar_status status = source->ops->size(source, &n_bytes, error);
    if (status != MBAR_OK) {
        return status;
    }
    if (n_bytes > FILE_LIMIT_BYTES) {
        return mbar_error_set(error, MBAR_FORMAT, "%lld bytes are too many for a TZif file",
                              (long long)n_bytes);
    }
    uint8_t *data = mbar_alloc((size_t)n_bytes + 1, error);
    if (data == NULL) {
        return MBAR_NOMEM;
    }
    status = source->ops->read_at(source, 0, (size_t)n_bytes, data, error);
    if (status == MBAR_OK) {
        status = mbar_zone_from_tzif(name, data, (size_t)n_bytes, out, error);
    }
    mbar_free(data);
    return status;
}

static mbar_status read_file(const char *directory, const char *name, mbar_zone **out,
                             mbar_error *error)
{
    char path[PATH_BYTES + NAME_BYTES + 2];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    mbar_source *source;
    mbar_status status = mbar_source_open_file_unmapped(path, &source, error);
    if (status != MBAR_OK) {
        return status;
    }
    status = read_source(name, source, out, error);
    mbar_source_close(source);
    if (status != MBAR_OK && status != MBAR_NOMEM) {
        mbar_error_in_file(error, path);
    }
    return status;
}

/* The first directory that has the name decides; a broken file there is told,
 * not passed over, since the next directory may hold other rules. */
static mbar_status load(const char *directory, const char *name, mbar_zone **out, mbar_error *error)
{
    static const char *const system_directories[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo",
                                                     "/usr/share/lib/zoneinfo", "/etc/zoneinfo"};
    size_t n_system = sizeof system_directories / sizeof system_directories[0];
    int32_t offset_s = 0;
    if (strcmp(name, "UTC") == 0 || fixed_offset(name, &offset_s)) {
        return zone_new_fixed(name, offset_s, out, error);
    }
    mbar_status status = MBAR_NOTFOUND;
    if (directory[0] != '\0') {
        status = read_file(directory, name, out, error);
    }
    for (size_t i = 0; i < n_system && status == MBAR_NOTFOUND; i++) {
        status = read_file(system_directories[i], name, out, error);
    }
    if (status == MBAR_NOTFOUND) {
        return mbar_error_set(error, MBAR_NOTFOUND,
                              "no time zone \"%s\" in %s%s/usr/share/zoneinfo; check the name, or "
                              "install the tzdata package",
                              name, directory, directory[0] != '\0' ? " or " : "");
    }
    return status;
}

/* With the lock held. */
static mbar_zone *cache_find(const char *name)
{
    for (uint32_t i = 0; i < CACHE_ZONES; i++) {
        if (cache.zones[i] != NULL && strcmp(cache.zones[i]->name, name) == 0) {
            return cache.zones[i];
        }
    }
    return NULL;
}

/* Keeps a reference to zone unless the directory has changed since it was
 * looked for; returns the zone that stood there before, for the caller to drop. */
static mbar_zone *cache_put(mbar_zone *zone, uint32_t generation)
{
    mbar_zone *dropped = NULL;
    pthread_mutex_lock(&cache.mutex);
    if (cache.generation == generation && cache_find(zone->name) == NULL) {
        dropped = cache.zones[cache.next];
        cache.zones[cache.next] = mbar_zone_ref(zone);
        cache.next = (cache.next + 1) % CACHE_ZONES;
    }
    pthread_mutex_unlock(&cache.mutex);
    return dropped;
}

mbar_status mbar_zone_open(const char *name, mbar_zone **out, mbar_error *error)
{
    assert(name != NULL && out != NULL);
    mbar_status status = check_name(name, error);
    if (status != MBAR_OK) {
        return status;
    }
    char directory[PATH_BYTES];
    pthread_mutex_lock(&cache.mutex);
    mbar_zone *zone = cache_find(name);
    if (zone != NULL) {
        mbar_zone_ref(zone);
    }
    uint32_t generation = cache.generation;
    strcpy(directory, cache.directory);
    pthread_mutex_unlock(&cache.mutex);

    if (zone == NULL) {
        status = load(directory, name, &zone, error);
        if (status != MBAR_OK) {
            return status;
        }
        mbar_zone_unref(cache_put(zone, generation));
    }
    *out = zone;
    return MBAR_OK;
}

void mbar_zone_set_directory(const char *directory)
{
    mbar_zone *dropped[CACHE_ZONES];
    pthread_mutex_lock(&cache.mutex);
    memcpy(dropped, cache.zones, sizeof dropped);
    memset(cache.zones, 0, sizeof cache.zones);
    cache.next = 0;
    cache.generation++;
    /* A path that the system could not open anyway is no directory. */
    bool usable = directory != NULL && strlen(directory) < PATH_BYTES;
    strcpy(cache.directory, usable ? directory : "");
    pthread_mutex_unlock(&cache.mutex);
    for (int i = 0; i < CACHE_ZONES; i++) {
        mbar_zone_unref(dropped[i]);
    }
}

/* ---- Look-ups ------------------------------------------------------------- */

static int64_t saturating_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (mbar_add_i64(a, b, &sum)) {
        return sum;
    }
    return b > 0 ? INT64_MAX : INT64_MIN;
}

int64_t mbar_zone_find(const mbar_zone *zone, int64_t ns)
{
    int64_t low = 0;
    int64_t n = zone->n_spans;
    /* spans[low].from_ns <= ns throughout: the first span starts at INT64_MIN. */
    while (n > 1) {
        int64_t half = n / 2;
        low += zone->spans[low + half].from_ns <= ns ? half : 0;
        n -= half;
    }
    return low;
}

static int64_t span_last_ns(const mbar_zone *zone, int64_t i)
{
    return i + 1 < zone->n_spans ? zone->spans[i + 1].from_ns - 1 : INT64_MAX;
}

static int64_t span_offset_ns(const mbar_zone *zone, int64_t i)
{
    return zone->spans[i].offset_s * MBAR_SECOND_NS;
}

void mbar_zone_cursor_seek(mbar_zone_cursor *cursor, int64_t ns)
{
    int64_t i = mbar_zone_find(cursor->zone, ns);
    cursor->first_ns = cursor->zone->spans[i].from_ns;
    cursor->last_ns = span_last_ns(cursor->zone, i);
    cursor->offset_ns = span_offset_ns(cursor->zone, i);
}

int32_t mbar_zone_offset_s(const mbar_zone *zone, int64_t ns)
{
    assert(zone != NULL);
    return zone->spans[mbar_zone_find(zone, ns)].offset_s;
}

const char *mbar_zone_abbreviation(const mbar_zone *zone, int64_t ns)
{
    assert(zone != NULL);
    return zone->text + zone->spans[mbar_zone_find(zone, ns)].abbreviation;
}

int64_t mbar_zone_to_local(const mbar_zone *zone, int64_t ns)
{
    return saturating_add(ns, mbar_zone_offset_s(zone, ns) * MBAR_SECOND_NS);
}

/* ---- From the wall clock -------------------------------------------------- */

typedef struct local_match {
    int n_instants; /* at which the wall clock shows it: 0, 1, 2 or more */
    int64_t first_ns, last_ns;
    bool in_gap; /* the clock jumped over it, at: */
    int64_t gap_end_ns;
} local_match;

static local_match match_local(const mbar_zone *zone, int64_t local_ns)
{
    local_match match = {0};
    int64_t latest = saturating_add(local_ns, WIDEST_OFFSET_NS);
    int64_t i = mbar_zone_find(zone, saturating_add(local_ns, -WIDEST_OFFSET_NS));
    for (; i < zone->n_spans && zone->spans[i].from_ns <= latest; i++) {
        int64_t from_ns = zone->spans[i].from_ns;
        int64_t offset_ns = span_offset_ns(zone, i);
        int64_t at;
        if (mbar_add_i64(local_ns, -offset_ns, &at) && at >= from_ns &&
            at <= span_last_ns(zone, i)) {
            match.first_ns = match.n_instants == 0 ? at : match.first_ns;
            match.last_ns = at;
            match.n_instants++;
        }
        if (i > 0 && !match.in_gap &&
            local_ns >= saturating_add(from_ns, span_offset_ns(zone, i - 1)) &&
            local_ns < saturating_add(from_ns, offset_ns)) {
            match.in_gap = true;
            match.gap_end_ns = from_ns;
        }
    }
    return match;
}

static mbar_status refuse_local(const mbar_zone *zone, int64_t local_ns, const char *what,
                                mbar_error *error)
{
    char text[40];
    mbar_time_format(local_ns, text, sizeof text);
    text[strcspn(text, "Z")] = '\0';
    return mbar_error_set(error, MBAR_INVALID, "the wall clock %s in %s %s", text, zone->name,
                          what);
}

mbar_status mbar_zone_from_local(const mbar_zone *zone, int64_t local_ns, mbar_fold fold,
                                 int64_t *ns, mbar_error *error)
{
    assert(zone != NULL && ns != NULL);
    local_match match = match_local(zone, local_ns);
    if (match.n_instants == 0 && !match.in_gap) {
        return refuse_local(zone, local_ns, "lies outside the years 1677 to 2262", error);
    }
    if (fold == MBAR_FOLD_REFUSE && match.n_instants != 1) {
        return refuse_local(zone, local_ns,
                            match.n_instants == 0
                                ? "was jumped over by a clock change; choose a fold rule"
                                : "happens twice at a clock change; choose a fold rule",
                            error);
    }
    if (match.n_instants == 0) {
        *ns = match.gap_end_ns;
    } else {
        *ns = fold == MBAR_FOLD_LATER ? match.last_ns : match.first_ns;
    }
    return MBAR_OK;
}

int64_t mbar_zone_midnight(const mbar_zone *zone, int64_t day, mbar_fold fold)
{
    int64_t local_ns, ns;
    if (!mbar_mul_i64(day, MBAR_DAY_NS, &local_ns) ||
        mbar_zone_from_local(zone, local_ns, fold, &ns, NULL) != MBAR_OK) {
        return day < 0 ? INT64_MIN : INT64_MAX;
    }
    return ns;
}

static int64_t local_day(const mbar_zone *zone, int64_t ns)
{
    mbar_zone_cursor cursor = {zone, 1, 0, 0};
    return mbar_zone_cursor_day(&cursor, ns);
}

int64_t mbar_zone_day_start(const mbar_zone *zone, int64_t ns)
{
    assert(zone != NULL);
    return mbar_zone_midnight(zone, local_day(zone, ns), MBAR_FOLD_EARLIER);
}

int64_t mbar_zone_next_day(const mbar_zone *zone, int64_t ns)
{
    assert(zone != NULL);
    int64_t day = local_day(zone, ns) + 1;
    int64_t next = mbar_zone_midnight(zone, day, MBAR_FOLD_EARLIER);
    /* A clock set back over midnight shows the next day, then this one again. */
    return next > ns ? next : mbar_zone_midnight(zone, day, MBAR_FOLD_LATER);
}
