/*
 * cmd_run.c - mbar run: a strategy in a shared object over bars from files.
 *
 * The plugin takes the library from this command, which exports it: one library
 * in the process, so that what one side makes the other may free. A plugin is
 * code and runs with all rights of the user; it is loaded from the path given,
 * never looked for.
 *
 * Ctrl-C ends the run after the callback that is under way; what there is by then
 * is written and told as of a whole run, and the exit code says that it is not.
 */
#include <dlfcn.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "output.h"
#include "run.h"

const char *const run_policy_choices[] = {"strict", "lumibot", NULL};
const char *const run_clock_choices[] = {"step", "bars", NULL};
const char *const run_sessions_choices[] = {"continuous", "data", "daily", NULL};

/* ---- Ctrl-C -------------------------------------------------------------------- */

/* A signal handler has no argument: the engine that is running, and whether it was told
 * to stop. Set while mbar_engine_run is under way only. */
static mbar_engine *volatile running;
static volatile sig_atomic_t was_stopped;

static void on_interrupt(int number)
{
    (void)number;
    mbar_engine *engine = running;
    was_stopped = 1;
    if (engine != NULL) {
        mbar_engine_stop(engine);
    }
}

static mbar_status run_engine(mbar_engine *engine, const mbar_strategy_plugin *plugin,
                              mbar_error *error)
{
    struct sigaction ours, before;
    memset(&ours, 0, sizeof ours);
    ours.sa_handler = on_interrupt;
    ours.sa_flags = SA_RESETHAND; /* a second one ends a strategy that hangs */
    running = engine;
    sigaction(SIGINT, &ours, &before);
    mbar_status status = mbar_engine_run(engine, &plugin->strategy, plugin->state, error);
    sigaction(SIGINT, &before, NULL);
    running = NULL;
    return status;
}

/* ---- The plugin ---------------------------------------------------------------- */

static mbar_status open_plugin(const run_request *request, void **library,
                               mbar_strategy_plugin *out, mbar_error *error)
{
    const char *parameters[CLI_MAX_LIST + 1] = {NULL};
    char path[4096];
    /* A name without a slash would be searched for in the system's folders. */
    const char *here = strchr(request->plugin_path, '/') == NULL ? "./" : "";
    mbar_strategy_open_fn open;
    if ((size_t)snprintf(path, sizeof path, "%s%s", here, request->plugin_path) >= sizeof path) {
        return mbar_error_set(error, MBAR_INVALID, "the path is too long");
    }
    *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (*library == NULL) {
        return mbar_error_set(error, MBAR_FORMAT, "cannot load the strategy: %s", dlerror());
    }
    void *symbol = dlsym(*library, "mbar_strategy_open");
    if (symbol == NULL) {
        return mbar_error_set(error, MBAR_FORMAT,
                              "there is no function mbar_strategy_open in it: see "
                              "<millibar/sim.h>, mbar_strategy_open_fn");
    }
    memcpy(&open, &symbol, sizeof open); /* ISO C has no cast to a pointer to a function */
    memcpy(parameters, request->parameters.items,
           (size_t)request->parameters.n * sizeof *parameters);
    mbar_status status = open(parameters, out, error);
    if (status != MBAR_OK && error->code == MBAR_OK) {
        return mbar_error_set(error, MBAR_INVALID,
                              "mbar_strategy_open returned status %d without an error: set one "
                              "with mbar_error_set, which says what went wrong",
                              (int)status);
    }
    return status;
}

static mbar_status check_plugin(const mbar_strategy_plugin *plugin, mbar_error *error)
{
    if (plugin->strategy.struct_bytes != sizeof(mbar_strategy)) {
        return mbar_error_set(error, MBAR_UNSUPPORTED,
                              "the strategy was built for another version: its mbar_strategy has "
                              "%zu bytes, not %zu: build it with this version's headers",
                              plugin->strategy.struct_bytes, sizeof(mbar_strategy));
    }
    return MBAR_OK;
}

/* ---- The run ------------------------------------------------------------------- */

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double seconds_now(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

static mbar_status make_engine(const run_request *request, mbar_engine **out, mbar_error *error)
{
    mbar_engine *engine = NULL;
    mbar_status status = mbar_engine_new(&request->options, &engine, error);
    for (int32_t i = 0; i < request->n_assets && status == MBAR_OK; i++) {
        int32_t number;
        const run_asset *item = &request->items[i];
        status = mbar_engine_add_asset(engine, &item->asset, item->series, &number, error);
        if (status != MBAR_OK) {
            mbar_error_in_file(error, item->path);
        }
    }
    if (status != MBAR_OK) {
        mbar_engine_free(engine);
        return status;
    }
    *out = engine;
    return MBAR_OK;
}

static mbar_status simulate(run_request *request, const mbar_strategy_plugin *plugin,
                            run_outcome *outcome, mbar_engine **engine, const char **path,
                            mbar_error *error)
{
    double start = seconds_now();
    mbar_status status = run_load(request, path, error);
    if (status == MBAR_OK) {
        *path = NULL;
        status = make_engine(request, engine, error);
    }
    if (status == MBAR_OK && request->out != NULL) {
        status = run_make_folder(request->out, error);
    }
    double loaded = seconds_now(), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    outcome->data_s = loaded - start;
    if (status == MBAR_OK) {
        status = run_engine(*engine, plugin, error);
    }
    outcome->run_s = seconds_now() - loaded;
    outcome->run_cpu_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    outcome->engine = *engine;
    outcome->stopped = was_stopped != 0;
    return status;
}

static int run_request_now(run_request *request)
{
    void *library = NULL;
    const char *path = request->plugin_path;
    mbar_engine *engine = NULL;
    mbar_strategy_plugin plugin = {.close = NULL};
    run_outcome outcome = {0};
    mbar_error error;
    mbar_error_init(&error);
    mbar_status status = open_plugin(request, &library, &plugin, &error);
    bool is_open = status == MBAR_OK;
    if (status == MBAR_OK) {
        status = check_plugin(&plugin, &error);
    }
    if (status == MBAR_OK) {
        outcome.name = plugin.strategy.name != NULL ? plugin.strategy.name : path;
        status = simulate(request, &plugin, &outcome, &engine, &path, &error);
    }
    double start = seconds_now();
    if (status == MBAR_OK && request->out != NULL) {
        status = run_write(request, &outcome, &error);
    }
    outcome.reporting_s = seconds_now() - start;
    if (status == MBAR_OK) {
        status = run_print(request, &outcome, &error);
    }
    int code = status != MBAR_OK ? cli_fail(path, &error) : outcome.stopped ? CLI_STOPPED : CLI_OK;
    if (is_open && plugin.close != NULL) {
        plugin.close(plugin.state);
    }
    mbar_engine_free(engine);
    if (library != NULL) {
        dlclose(library);
    }
    return code;
}

/* ---- Options ------------------------------------------------------------------- */

static int read_times(run_request *request)
{
    const char *zone = request->zone_name != NULL ? request->zone_name : "America/New_York";
    mbar_engine_options *options = &request->options;
    mbar_error error;
    int code = cli_open_zone("run", zone, &request->zone);
    if (code != CLI_OK) {
        return code;
    }
    options->zone = request->zone;
    if (request->start != NULL &&
        !cli_parse_instant(request->start, request->zone, &options->start_ns, &error)) {
        return cli_usage("run", "--start: %s", error.message);
    }
    if (request->end != NULL &&
        !cli_parse_instant(request->end, request->zone, &options->end_ns, &error)) {
        return cli_usage("run", "--end: %s", error.message);
    }
    if (request->start != NULL && request->end != NULL && options->start_ns >= options->end_ns) {
        return cli_usage("run", "--start %s is not before --end %s: nothing lies between",
                         request->start, request->end);
    }
    if (request->step_text != NULL && !cli_parse_duration(request->step_text, &options->step_ns)) {
        return cli_usage("run",
                         "--step cannot be '%s': it is a whole number and s, m, h or d, as in 1m",
                         request->step_text);
    }
    return CLI_OK;
}

static int check_request(run_request *request)
{
    mbar_engine_options *options = &request->options;
    bool as_lumibot = request->policy == MBAR_POLICY_LUMIBOT;
    if (request->clock < 0) {
        request->clock = as_lumibot ? MBAR_CLOCK_STEP : MBAR_CLOCK_BARS;
    }
    if (request->sessions < 0) {
        request->sessions = as_lumibot ? MBAR_SESSIONS_DATA : MBAR_SESSIONS_CONTINUOUS;
    }
    if (as_lumibot && request->clock == MBAR_CLOCK_BARS) {
        return cli_usage("run", "--clock bars is strict's: lumibot's clock steps");
    }
    if (as_lumibot && (request->slippage_ticks > 0 || request->volume_share > 0)) {
        return cli_usage("run", "--slippage and --volume-share are strict's: lumibot has neither");
    }
    options->policy = (mbar_policy)request->policy;
    options->clock = (mbar_clock)request->clock;
    options->sessions = (mbar_sessions)request->sessions;
    options->budget = request->budget;
    options->frictions.slippage_ticks = request->slippage_ticks;
    options->frictions.volume_share = request->volume_share;
    int code = read_times(request);
    code = code == CLI_OK ? run_read_assets(request) : code;
    code = code == CLI_OK ? run_read_fees(request) : code;
    if (request->has_fee) {
        options->buy_fees = options->sell_fees = &request->fee;
        options->n_buy_fees = options->n_sell_fees = 1;
    }
    return code;
}

static int run(int argc, char **argv)
{
    static run_request request; /* too large for a stack */
    cli_words words;
    int code;
    request.clock = request.sessions = -1;
    request.budget = 100000;
    mbar_engine_options_init(&request.options);
    const cli_option options[] = {
        {"data", 'd', CLI_LIST, &request.data, "SYM=FILE",
         "bars of an asset: a Parquet file, a glob pattern or a\ndirectory; once for each asset",
         NULL},
        {"asset", 0, CLI_LIST, &request.assets, "SPEC",
         "SYMBOL:KIND:SETTINGS, as in\nMES:future:multiplier=5,margin=1300,tick=0.25; kinds are\n"
         "stock (default), future, crypto, forex, index",
         NULL},
        {"start", 0, CLI_TEXT, &request.start, "TIME",
         "first instant; default the first bar's. Bars before it\nare history", NULL},
        {"end", 0, CLI_TEXT, &request.end, "TIME",
         "last instant, inclusive; default the last bar's", NULL},
        {"tz", 0, CLI_TEXT, &request.zone_name, "ZONE",
         "of times without an offset, of days and sessions;\ndefault America/New_York", NULL},
        {"time", 0, CLI_TEXT, &request.time_column, "COLUMN",
         "the time column; default as mbar convert", NULL},
        {"budget", 0, CLI_NUMBER, &request.budget, "CASH", "cash to begin with; default 100000",
         NULL},
        {"fee", 0, CLI_TEXT, &request.fee_text, "FEE",
         "of each order: an amount, or\nflat=0.5,percent=0.001,per-contract=0.1", NULL},
        {"slippage", 0, CLI_NUMBER, &request.slippage_ticks, "TICKS",
         "against market and stop orders (strict)", NULL},
        {"volume-share", 0, CLI_NUMBER, &request.volume_share, "SHARE",
         "most of a bar's volume that one order takes (strict)", NULL},
        {"policy", 0, CLI_CHOICE, &request.policy, "NAME",
         "strict (default), or lumibot: what lumibot does, gaps\nfilled, quirks included",
         run_policy_choices},
        {"clock", 0, CLI_CHOICE, &request.clock, "NAME",
         "when the strategy is called: bars (as each closes; the\ndefault of strict) or step (the "
         "default of lumibot)",
         run_clock_choices},
        {"step", 0, CLI_TEXT, &request.step_text, "SPAN", "of --clock step; default 1m", NULL},
        {"sessions", 0, CLI_CHOICE, &request.sessions, "NAME",
         "of --clock step: data (from the first to the last bar\nof each day; the default of "
         "lumibot), continuous, daily",
         run_sessions_choices},
        {"param", 'p', CLI_LIST, &request.parameters, "NAME=VALUE", "for the strategy", NULL},
        {"out", 'o', CLI_TEXT, &request.out, "DIR",
         "write orders, fills and equity (Parquet) and\nmanifest.json there", NULL},
        {"json", 0, CLI_FLAG, &request.as_json, NULL, "the summary as one JSON object", NULL},
    };
    int n_options = sizeof options / sizeof options[0];
    if (!cli_parse(&cli_verb_run, options, n_options, argc, argv, 1, 1, &words, &code)) {
        return code;
    }
    request.plugin_path = words.words[0];
    code = check_request(&request);
    code = code == CLI_OK ? run_request_now(&request) : code;
    run_unload(&request);
    return code;
}

const cli_verb cli_verb_run = {
    .name = "run",
    .summary = "a strategy written in C over bars from files",
    .usage = "[options] STRATEGY.so --data SYMBOL=FILE",
    .about =
        "Loads a strategy (a shared object with mbar_strategy_open of <millibar/sim.h>), runs\n"
        "it over the bars and tells what came of it. Under strict, the default, a bar shows\n"
        "once it has closed and orders fill in later bars only. A plugin is code: load what\n"
        "you trust. Build one with\n"
        "cc -O2 -shared -fPIC -o S.so S.c $(pkg-config --cflags millibar)",
    .example = "mbar run ./mes_momentum.so --data MES=MES.parquet \\\n"
               "    --asset MES:future:margin=1300,tick=0.25 --fee 0.5 --policy lumibot",
    .run = run,
};
