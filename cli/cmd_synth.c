/*
 * cmd_synth.c - mbar synth: seeded minute bars that look like a CME index
 * future, for examples, tests and benchmarks without anybody's data.
 *
 * The same seed, symbol, span, price and tick give the same rows on every
 * platform and compiler: the walk is integer arithmetic from end to end (a
 * xoshiro256** generator, normals as sums of twelve uniforms, Q16 fixed point),
 * and a price is ticks * numerator / power of ten, one correctly rounded
 * division. Changing any constant here changes every golden file made with it.
 *
 * The picture: volume and volatility follow the day (U-shaped in the regular
 * session, quiet at night) and a slow regime; volume grows with the bar's
 * range; a session opens with a larger step; minutes in which nothing trades
 * have no bar.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "output.h"

/* ---- Decimals ------------------------------------------------------------ */

/* units / 10^scale */
typedef struct decimal {
    int64_t units;
    int scale;
} decimal;

enum { MAX_SCALE = 9 };
#define MAX_UNITS INT64_C(1000000000)

static int64_t power_of_ten(int n)
{
    int64_t power = 1;
    while (n-- > 0) {
        power *= 10;
    }
    return power;
}

/* "0.25", "4750": digits and at most one point, above 0. */
static bool parse_decimal(const char *text, decimal *out)
{
    decimal value = {0, 0};
    bool has_point = false, has_digit = false;
    for (; *text != '\0'; text++) {
        if (*text == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || value.scale == MAX_SCALE) {
            return false;
        }
        value.units = 10 * value.units + (*text - '0');
        value.scale += has_point;
        has_digit = true;
        if (value.units > MAX_UNITS) {
            return false;
        }
    }
    *out = value;
    return has_digit && value.units > 0;
}

/* ---- Numbers ------------------------------------------------------------- */

/* xoshiro256** by Blackman and Vigna, seeded through splitmix64. */
typedef struct generator {
    uint64_t s[4];
} generator;

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static uint64_t generator_next(generator *r)
{
    uint64_t out = rotate(r->s[1] * 5, 7) * 9;
    uint64_t t = r->s[1] << 17;
    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = rotate(r->s[3], 45);
    return out;
}

static void generator_init(generator *r, uint64_t seed, const char *symbol)
{
    for (const char *c = symbol; *c != '\0'; c++) {
        seed = (seed ^ (unsigned char)*c) * UINT64_C(0x100000001b3); /* FNV-1a */
    }
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        r->s[i] = z ^ (z >> 31);
    }
}

/* The sum of the four 16-bit parts of one draw: mean 131070. */
static int64_t generator_sum4(generator *r)
{
    uint64_t x = generator_next(r);
    return (int64_t)((x & 0xffff) + (x >> 16 & 0xffff) + (x >> 32 & 0xffff) + (x >> 48));
}

/* About normal, mean 0, deviation 1 in Q16. */
static int64_t generator_normal(generator *r)
{
    return generator_sum4(r) + generator_sum4(r) + generator_sum4(r) - 6 * INT64_C(65535);
}

/* ---- The market ---------------------------------------------------------- */

enum { ONE = 1 << 16, STEPS = 12, REFERENCE_TICKS = 19000 };

typedef struct symbol {
    const char *name;
    const char *price, *tick;
    int volume_percent, volatility_percent; /* of MES at the same price in ticks */
} symbol;

static const symbol SYMBOLS[] = {
    {"MES", "4750", "0.25", 100, 100},
    {"MNQ", "16800", "0.25", 95, 120},
    {"MYM", "37500", "1", 15, 85},
    {"M2K", "2000", "0.1", 12, 130},
};
enum { N_SYMBOLS = sizeof SYMBOLS / sizeof SYMBOLS[0] };

/* Contracts a minute and deviation in ticks / 16 of a minute, by half hour of
 * the New York day from 00:00. 17:00 to 18:00 is the halt. */
static const int16_t VOLUME[48] = {
    60,   55,   60,   70,   80,   95,   260,  240,  210,  190,  180,  180,  //
    190,  210,  250,  290,  330,  620,  540,  3100, 2900, 2300, 2000, 1700, //
    1400, 1200, 1100, 1150, 1200, 1400, 1700, 3000, 900,  160,  0,    0,    //
    240,  160,  130,  120,  130,  110,  100,  90,   85,   75,   70,   65,
};
static const int16_t DEVIATION[48] = {
    30, 28, 29, 30, 32, 34, 52,  50,  46,  43,  41,  41,  //
    42, 44, 48, 52, 56, 84, 76,  150, 140, 122, 112, 102, //
    92, 84, 80, 82, 86, 92, 100, 124, 66,  34,  30,  30,  //
    52, 42, 38, 36, 37, 35, 33,  32,  31,  30,  29,  28,
};

typedef struct market {
    generator random;
    const symbol *symbol;
    int64_t position; /* price in ticks, Q16 */
    int64_t regime;   /* multiplier of the deviation, Q16 */
    bool was_open;    /* the minute before was in the session */
} market;

typedef struct bar {
    int64_t open, high, low, close; /* ticks */
    int64_t volume;
} bar;

/* A step of about `deviation` (ticks, Q16), never below 16 ticks in price. */
static int64_t move(market *m, int64_t deviation)
{
    m->position += generator_normal(&m->random) * deviation / ONE;
    if (m->position < 16 * (int64_t)ONE) {
        m->position = 32 * (int64_t)ONE - m->position;
    }
    return (m->position + ONE / 2) / ONE;
}

/* Deviation of this minute in ticks, Q16: by time of day, regime and price. */
static int64_t minute_deviation(market *m, int half_hour)
{
    m->regime += (ONE - m->regime) / 512 + generator_normal(&m->random) / 64;
    m->regime = m->regime < ONE * 2 / 5 ? ONE * 2 / 5 : m->regime;
    m->regime = m->regime > ONE * 3 ? ONE * 3 : m->regime;
    int64_t scale = m->position / REFERENCE_TICKS; /* 1 in Q16 at 4750 of MES */
    int64_t deviation = DEVIATION[half_hour] * m->regime / 16;
    deviation = deviation / 256 * (scale / 16) / (ONE / 4096);
    return deviation * m->symbol->volatility_percent / 100 + 1;
}

/* The next minute; volume 0 where nothing traded (and the price stands). */
static bar next_bar(market *m, int half_hour)
{
    int64_t deviation = minute_deviation(m, half_hour);
    int64_t before = m->position;
    bar b;
    b.open = move(m, m->was_open ? deviation / 6 : deviation * 6);
    b.high = b.low = b.close = b.open;
    for (int i = 0; i < STEPS; i++) {
        b.close = move(m, deviation * 18919 / ONE); /* 1 / sqrt(12) */
        b.high = b.close > b.high ? b.close : b.high;
        b.low = b.close < b.low ? b.close : b.low;
    }
    /* Skewed like real volume: the square of a sum of four uniforms. */
    int64_t u = generator_sum4(&m->random) / 2; /* mean about 1 in Q16 */
    int64_t noise = u * u / ONE;
    int64_t busy = ONE / 2 + (b.high - b.low) * ONE / 3 * ONE / deviation;
    int64_t base = (int64_t)VOLUME[half_hour] * m->symbol->volume_percent;
    b.volume = base * noise / ONE * busy / ONE / 100;
    if (b.volume == 0) {
        m->position = before;
    }
    m->was_open = true;
    return b;
}

/* ---- Rows ---------------------------------------------------------------- */

typedef struct request {
    const char *from, *to, *symbol_name, *price_text, *tick_text, *zone_name;
    int64_t seed, from_ns, to_ns;
    const symbol *symbol;
    decimal tick;
    int64_t start_ticks;
    bool as_json;
    cli_target target;
} request;

enum { TIME = 0, OPEN, HIGH, LOW, CLOSE, N_PRICES = 4, SIZE = 5, N_COLUMNS };

typedef struct rows {
    mbar_buffer *buffers[N_COLUMNS];
    int64_t n;
} rows;

static void rows_deinit(rows *r)
{
    for (int i = 0; i < N_COLUMNS; i++) {
        mbar_buffer_unref(r->buffers[i]);
    }
}

static void put_bar(rows *r, const decimal *tick, int64_t ns, const bar *b)
{
    const int64_t prices[N_PRICES] = {b->open, b->high, b->low, b->close};
    double power = (double)power_of_ten(tick->scale);
    ((int64_t *)mbar_buffer_writable(r->buffers[TIME]))[r->n] = ns;
    for (int i = 0; i < N_PRICES; i++) {
        double *out = mbar_buffer_writable(r->buffers[OPEN + i]);
        out[r->n] = (double)(prices[i] * tick->units) / power;
    }
    ((int64_t *)mbar_buffer_writable(r->buffers[SIZE]))[r->n] = b->volume;
    r->n++;
}

static int64_t count_open_minutes(const request *q, const mbar_zone *new_york)
{
    int64_t n = 0;
    for (int64_t ns = q->from_ns; ns < q->to_ns; ns += MBAR_MINUTE_NS) {
        n += mbar_session_cme_open(new_york, ns);
    }
    return n;
}

static mbar_status make_rows(const request *q, const mbar_zone *new_york, rows *r,
                             mbar_error *error)
{
    market m = {
        .symbol = q->symbol, .position = q->start_ticks * ONE, .regime = ONE, .was_open = true};
    size_t n_bytes = (size_t)count_open_minutes(q, new_york) * sizeof(int64_t);
    for (int i = 0; i < N_COLUMNS; i++) {
        mbar_status status = mbar_buffer_new(n_bytes, &r->buffers[i], error);
        if (status != MBAR_OK) {
            return status;
        }
    }
    generator_init(&m.random, (uint64_t)q->seed, q->symbol->name);
    for (int64_t ns = q->from_ns; ns < q->to_ns; ns += MBAR_MINUTE_NS) {
        if (!mbar_session_cme_open(new_york, ns)) {
            m.was_open = false;
            continue;
        }
        int64_t since_midnight = mbar_zone_to_local(new_york, ns) % MBAR_DAY_NS;
        since_midnight += since_midnight < 0 ? MBAR_DAY_NS : 0;
        bar b = next_bar(&m, (int)(since_midnight / (30 * MBAR_MINUTE_NS)));
        if (b.volume > 0) {
            put_bar(r, &q->tick, ns, &b);
        }
    }
    return MBAR_OK;
}

static mbar_status make_table(const rows *r, mbar_table **out, mbar_error *error)
{
    static const mbar_field FIELDS[N_COLUMNS] = {
        {"timestamp", MBAR_TYPE_TIMESTAMP, MBAR_UNIT_NS, "UTC", false},
        {"open", MBAR_TYPE_FLOAT64, 0, NULL, false},
        {"high", MBAR_TYPE_FLOAT64, 0, NULL, false},
        {"low", MBAR_TYPE_FLOAT64, 0, NULL, false},
        {"close", MBAR_TYPE_FLOAT64, 0, NULL, false},
        {"volume", MBAR_TYPE_INT64, 0, NULL, false},
    };
    mbar_column *columns[N_COLUMNS] = {0};
    mbar_status status = MBAR_OK;
    for (int i = 0; i < N_COLUMNS && status == MBAR_OK; i++) {
        status = mbar_column_new(&FIELDS[i], r->n, r->buffers[i], NULL, 0, &columns[i], error);
    }
    if (status == MBAR_OK) {
        status = mbar_table_new(columns, N_COLUMNS, out, error);
    }
    for (int i = 0; i < N_COLUMNS; i++) {
        mbar_column_unref(columns[i]);
    }
    return status;
}

/* ---- The verb ------------------------------------------------------------ */

static int synth(const request *q)
{
    rows r = {0};
    mbar_zone *new_york = NULL;
    mbar_table *table = NULL;
    mbar_error error;
    mbar_error_init(&error);
    mbar_status status = mbar_zone_open("America/New_York", &new_york, &error);
    if (status == MBAR_OK) {
        status = make_rows(q, new_york, &r, &error);
    }
    if (status == MBAR_OK) {
        status = make_table(&r, &table, &error);
    }
    if (status == MBAR_OK) {
        status = cli_write(table, &q->target, MBAR_MINUTE_NS, &error);
    }
    if (status == MBAR_OK && q->as_json) {
        cli_json json;
        cli_json_init(&json, stdout);
        cli_json_open(&json, NULL, '{');
        cli_json_written(&json, table, &q->target);
        cli_json_text(&json, "symbol", q->symbol->name);
        cli_json_int(&json, "seed", q->seed);
        cli_json_close(&json, '}');
        cli_json_end_line(&json);
    } else if (status == MBAR_OK) {
        cli_print_written(table, &q->target);
    }
    mbar_table_unref(table);
    rows_deinit(&r);
    mbar_zone_unref(new_york);
    return status == MBAR_OK ? CLI_OK : cli_fail(NULL, &error);
}

static int find_symbol(request *q)
{
    char all[64] = "";
    for (int i = 0; i < N_SYMBOLS; i++) {
        if (strcmp(SYMBOLS[i].name, q->symbol_name) == 0) {
            q->symbol = &SYMBOLS[i];
            return CLI_OK;
        }
        size_t length = strlen(all);
        snprintf(all + length, sizeof all - length, "%s%s", i > 0 ? ", " : "", SYMBOLS[i].name);
    }
    return cli_usage("synth", "--symbol cannot be '%s': it is one of %s", q->symbol_name, all);
}

/* Price and tick as whole numbers of ticks. */
static int read_price(request *q)
{
    decimal price;
    const char *price_text = q->price_text != NULL ? q->price_text : q->symbol->price;
    const char *tick_text = q->tick_text != NULL ? q->tick_text : q->symbol->tick;
    if (!parse_decimal(tick_text, &q->tick)) {
        return cli_usage("synth", "--tick cannot be '%s': it is a decimal above 0, as in 0.25",
                         tick_text);
    }
    if (!parse_decimal(price_text, &price)) {
        return cli_usage("synth", "--price cannot be '%s': it is a decimal above 0, as in 4750",
                         price_text);
    }
    /* (price / 10^a) / (tick / 10^b), each side below 10^18. */
    int64_t above = price.units * power_of_ten(q->tick.scale);
    int64_t below = q->tick.units * power_of_ten(price.scale);
    q->start_ticks = above / below;
    if (q->start_ticks < 100 || q->start_ticks > 10000000 || q->tick.units > 1000000) {
        return cli_usage("synth",
                         "a --price of %s is %" PRId64 " ticks of %s: it must be 100 to "
                         "10,000,000",
                         price_text, q->start_ticks, tick_text);
    }
    return CLI_OK;
}

static int read_span(request *q)
{
    mbar_zone *zone;
    int code = cli_open_zone("synth", q->zone_name, &zone);
    if (code == CLI_OK) {
        code = cli_parse_span("synth", q->from, q->to, zone, &q->from_ns, &q->to_ns);
    }
    mbar_zone_unref(zone);
    if (code != CLI_OK) {
        return code;
    }
    /* Years beyond those of electronic trading, so that no sum can overflow. */
    if (q->from_ns < 0 || q->to_ns > INT64_C(4102444800) * MBAR_SECOND_NS) {
        return cli_usage("synth", "the span %s to %s leaves the years 1970 to 2099: choose within",
                         q->from, q->to);
    }
    int64_t rest = q->from_ns % MBAR_MINUTE_NS;
    q->from_ns += rest > 0 ? MBAR_MINUTE_NS - rest : 0;
    return CLI_OK;
}

static int run(int argc, char **argv)
{
    request q = {.from = "2024-01-02",
                 .to = "2024-02-01",
                 .symbol_name = "MES",
                 .seed = 1,
                 .target = {.codec = MBAR_CODEC_ZSTD}};
    cli_words words;
    int code;
    const cli_option options[] = {
        {"seed", 0, CLI_COUNT, &q.seed, "N", "another seed, another market; default 1", NULL},
        {"from", 0, CLI_TEXT, &q.from, "TIME", "first instant, inclusive; default 2024-01-02",
         NULL},
        {"to", 0, CLI_TEXT, &q.to, "TIME", "last instant, exclusive; default 2024-02-01", NULL},
        {"tz", 0, CLI_TEXT, &q.zone_name, "ZONE",
         "the zone of --from and --to without an offset;\ndefault UTC", NULL},
        {"symbol", 0, CLI_TEXT, &q.symbol_name, "NAME",
         "MES (default), MNQ, MYM or M2K: price, tick, volume\nand volatility", NULL},
        {"price", 0, CLI_TEXT, &q.price_text, "P", "the first price; default the symbol's", NULL},
        {"tick", 0, CLI_TEXT, &q.tick_text, "T", "the price step; default the symbol's", NULL},
        CLI_TARGET_OPTIONS(&q.target, "zstd"),
        {"json", 0, CLI_FLAG, &q.as_json, NULL, "the report as one JSON object", NULL},
    };
    int n_options = sizeof options / sizeof options[0];
    if (!cli_parse(&cli_verb_synth, options, n_options, argc, argv, 0, 0, &words, &code)) {
        return code;
    }
    code = cli_check_target("synth", &q.target, NULL);
    code = code == CLI_OK ? find_symbol(&q) : code;
    code = code == CLI_OK ? read_price(&q) : code;
    code = code == CLI_OK ? read_span(&q) : code;
    return code == CLI_OK ? synth(&q) : code;
}

const cli_verb cli_verb_synth = {
    .name = "synth",
    .summary = "seeded minute bars like a CME index future's",
    .usage = "[options] --out OUT",
    .about = "Writes made-up one-minute bars on the CME equity-index calendar: timestamp[ns,\n"
             "UTC] of the open, open, high, low, close (float64, on the tick), volume (int64).\n"
             "The same options give the same rows on every machine. Minutes in which nothing\n"
             "trades have no bar, as in real data.",
    .example = "mbar synth --seed 7 --from 2024-01-02 --to 2024-01-12 --out MES.parquet",
    .run = run,
};
