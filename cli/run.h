/*
 * run.h - what the files of `mbar run` share.
 *
 *   cmd_run.c      options, the plugin, the run itself
 *   run_market.c   assets and their bars: --data, --asset, gap filling
 *   run_report.c   files of a run, its manifest, summary and speed line
 */
#ifndef MBAR_CLI_RUN_H
#define MBAR_CLI_RUN_H

#include <millibar/sim.h>

#include "files.h"

enum { RUN_MAX_ASSETS = CLI_MAX_LIST, RUN_SYMBOL_BYTES = 64 };

typedef struct run_asset {
    mbar_asset asset; /* its texts are the next two */
    char symbol[RUN_SYMBOL_BYTES], quote[RUN_SYMBOL_BYTES];
    const char *path;    /* NULL: named by --asset, without bars */
    mbar_series *read;   /* as in the file */
    mbar_series *series; /* what the engine runs over: LUMIBOT fills its gaps */
} run_asset;

/* A run as asked for. */
typedef struct run_request {
    const char *plugin_path;
    cli_list data, assets, parameters;
    const char *start, *end, *zone_name, *time_column, *step_text, *fee_text, *out;
    int policy, clock, sessions; /* clock and sessions: -1 is the policy's own */
    double budget, slippage_ticks, volume_share;
    bool as_json;
    /* Read from these. */
    mbar_zone *zone;
    mbar_fee fee;
    bool has_fee;
    mbar_engine_options options;
    run_asset items[RUN_MAX_ASSETS];
    int32_t n_assets;
} run_request;

/* What came of it. */
typedef struct run_outcome {
    const mbar_engine *engine;
    const char *name;                  /* of the strategy */
    bool stopped;                      /* by Ctrl-C */
    double data_s, run_s, reporting_s; /* wall seconds */
    double run_cpu_s;
} run_outcome;

extern const char *const run_policy_choices[];
extern const char *const run_clock_choices[];
extern const char *const run_sessions_choices[];

/* ---- run_market.c --------------------------------------------------------- */

/* --data, --asset and --fee into items and fee; CLI_OK or CLI_USAGE after a message. */
int run_read_assets(run_request *request);
int run_read_fees(run_request *request);
/* "future", ...: the word of --asset. */
const char *run_kind_name(mbar_asset_kind kind);
/* Reads the bars of every asset, and fills gaps where the policy wants that. On failure
 * *path is the file at fault. */
mbar_status run_load(run_request *request, const char **path, mbar_error *error);
void run_unload(run_request *request);

/* ---- run_report.c --------------------------------------------------------- */

/* Makes --out where it is not there; MBAR_IO where nothing can be written to it. Called before
 * the run, which would else be lost. */
mbar_status run_make_folder(const char *path, mbar_error *error);
/* Writes orders, fills and equity (Parquet) and manifest.json into request->out. */
mbar_status run_write(const run_request *request, const run_outcome *outcome, mbar_error *error);
/* The summary and the speed line, or one JSON object. */
mbar_status run_print(const run_request *request, const run_outcome *outcome, mbar_error *error);

#endif
