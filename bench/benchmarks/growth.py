"""How time and memory grow with the bars of one symbol and with symbols; what a cold start costs.

Time a bar should be flat; what grows faster than its bars is told. Bars are synthetic, a walk of
quarter ticks over every minute of the week, in files of each size. Contenders are processes that
run a round when asked, in turn, and memory is what the first took beyond the loaded bars; lumibot,
with one round and up to ten thousand bars, stands beside the same strategy on our engine, whose
trades are checked to be its. What a contender does is its row's "job".
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

import millibar as mb
from bench.benchmarks import cross
from bench.benchmarks.momentum import compile_plugin, run_c
from bench.contender import Contender, environment, side
from bench.measure import Group, Options, Row, Samples, seconds, show

START_NS, MINUTE_NS = 1_704_603_600 * 10**9, 60 * 10**9
BAR_SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
SYMBOL_SIZES = (1, 3, 10, 30, 100, 500)
DAYS_OF_MINUTES = 780  # bars of each symbol: two trading days
C_ROUNDS = 7  # each a process
LUMIBOT_BARS, LUMIBOT_SYMBOLS = 10_000, 10  # the most that lumibot is given
UNCHANGED_BARS = 100_000
STATES = ("warm", "cold")
# Beyond this times the least time a bar, of sizes from here on, growth is faster than linear.
FLAT, FROM_BARS, FROM_SYMBOLS = 1.5, 10_000, 10

CROSS = "SMA-cross, at the next open"
AS_LUMIBOT = "as lumibot fills, prices asked for at every bar"
MOMENTUM = "MES momentum in C"
READ = "reading the file"


# ---- Bars --------------------------------------------------------------------------------------


def bars_file(folder: Path, n_rows: int, seed: int = 0) -> Path:
    """Seeded minutes without a gap, from a Sunday's midnight in New York on."""
    path = folder / "growth" / f"{n_rows}-{seed}.parquet"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([n_rows, seed])
    # Drawn back to its start, so that no price comes near 0 however many there are.
    ticks, level = np.empty(n_rows, dtype="int64"), 0
    for i, step in enumerate(random.integers(-4, 5, n_rows).tolist()):
        level += step - (level > 2_000) + (level < -2_000)
        ticks[i] = level
    close = 4_750 + ticks * 0.25
    opened = np.r_[close[0], close[:-1] + random.integers(-1, 2, n_rows - 1) * 0.25]
    columns = {
        "timestamp": (START_NS + MINUTE_NS * np.arange(n_rows)).view("datetime64[ns]"),
        "open": opened,
        "high": np.maximum(opened, close) + 0.5,
        "low": np.minimum(opened, close) - 0.5,
        "close": close,
        "volume": random.integers(1, 500, n_rows),
    }
    mb.Bars(columns, tz="UTC").write_parquet(path)
    return path


# ---- Rows --------------------------------------------------------------------------------------


def rounds_of(
    contenders: Mapping[str, Sequence[str]],
    jobs: Mapping[str, str],
    size: int,
    n_bars: int,
    rounds: int,
) -> list[Row]:
    """A row of each, its rounds taken in turn; lumibot's only round is its first."""
    alive: dict[str, Contender] = {}
    rows: dict[str, Row] = {}
    for who, command in contenders.items():
        try:
            alive[who] = Contender(command)
        except (RuntimeError, OSError) as error:
            raise SystemExit(f"growth: {who} of {size:,} failed: {error}") from None
        rows[who] = Row(who, ours=who != "lumibot", size=size, start_s=alive[who].start_s)
    for number in range(-1, rounds):
        for who, contender in alive.items():
            row = rows[who]
            if who == "lumibot" and number >= 0:
                continue
            round_ = contender.round()
            if number < 0:
                row.first_s = round_["wall_s"]
                row.facts = {"job": jobs[who], "fills": round_["fills"]}
                row.facts["profit"] = round_["profit"]
                # Later ones find what is not collected yet of those before.
                row.peak_mib = round_["peak_mib"] - contender.hello["loaded_mib"]
            if number >= 0 or who == "lumibot":
                row.samples.add(round_["cpu_s"], round_["wall_s"])
            if round_["profit"] != row.facts["profit"]:
                raise SystemExit(f"growth: {who} of {size:,} has other trades in another round")
    for who, contender in alive.items():
        contender.close()
        finish(rows[who], n_bars)
    agree(rows.values())
    return list(rows.values())


def finish(row: Row, n_bars: int) -> None:
    row.facts["bars"] = n_bars
    row.facts["bars_per_s"] = n_bars / row.samples.cpu
    row.facts["ns_per_bar"] = 1e9 * row.samples.cpu / n_bars


def agree(rows: Iterable[Row]) -> None:
    """All rows of a job have one number of fills and one profit."""
    found: dict[str, Row] = {}
    for row in rows:
        first = found.setdefault(row.facts["job"], row)
        ours, theirs = ((r.facts["fills"], round(r.facts["profit"], 2)) for r in (row, first))
        if ours != theirs:
            raise SystemExit(f"growth: {row.who} {ours} and {first.who} {theirs}: trades differ")


def in_c(plugin: Path, path: Path, size: int, rounds: int) -> list[Row]:
    """The momentum strategy in C under both policies, each round a process."""
    rows = []
    for policy in ("strict", "lumibot"):
        row = Row(f"momentum in C, {policy}", Samples(), ours=True, size=size)
        told = run_c(plugin, path, "--policy", policy)
        row.first_s = told["speed"]["run_s"]
        for _ in range(rounds):
            told = run_c(plugin, path, "--policy", policy)
            row.samples.add(told["speed"]["run_cpu_s"], told["speed"]["run_s"])
        row.peak_mib = told["speed"]["peak_memory_bytes"] / 2**20
        row.facts = {"job": f"{MOMENTUM}, {policy}", "fills": told["fills"]}
        finish(row, size)
        rows.append(row)
    return rows


# ---- The groups --------------------------------------------------------------------------------


def over_bars(options: Options) -> Group:
    rounds = 1 if options.quick else 3
    sizes = BAR_SIZES[2:5:2] if options.quick else BAR_SIZES
    group = Group(
        name="growth-bars",
        title="One symbol, ever more bars",
        unit="run",
        base="strategy",
        verified="same fills and profit within a job",
        axis="bars",
    )
    plugin = compile_plugin(options.folder)
    if plugin is None:
        group.skipped["momentum in C"] = "no C compiler (CC or cc) for examples/mes_momentum.c"
    for size in sizes:
        path = bars_file(options.folder, size)
        known = cross.commands(path)
        contenders: dict[str, list[str]] = {
            who: known[who]
            for who in ("strategy", "engine", "signals", "engine in C")
            if who in known
        }
        jobs: dict[str, str] = dict.fromkeys(contenders, CROSS)
        contenders["read"], jobs["read"] = side("growth", "read", path), READ
        for who, most in (("unchanged", UNCHANGED_BARS), ("lumibot", LUMIBOT_BARS)):
            if size <= most and not (options.quick and who == "lumibot"):
                contenders[who] = side("growth", who, path)
                jobs[who] = AS_LUMIBOT
        print(f"  {size:,} bars", file=sys.stderr, flush=True)
        group.rows += rounds_of(contenders, jobs, size, size, rounds)
        if plugin is not None:
            group.rows += in_c(plugin, path, size, 1 if options.quick else C_ROUNDS)
    if options.quick:
        group.skipped["lumibot"] = "not with --quick"
    return group


def over_symbols(options: Options) -> Group:
    rounds = 1 if options.quick else 3
    sizes = SYMBOL_SIZES[::2] if options.quick else SYMBOL_SIZES
    group = Group(
        name="growth-symbols",
        title=f"Equal weights, {DAYS_OF_MINUTES} minutes of ever more symbols",
        unit="run",
        base="unchanged",
        verified="same fills and cash",
        axis="symbols",
    )
    for size in sizes:
        paths = [bars_file(options.folder, DAYS_OF_MINUTES, seed) for seed in range(1, size + 1)]
        contenders = {"unchanged": side("growth", "unchanged", "--weights", *paths)}
        if size <= LUMIBOT_SYMBOLS and not options.quick:
            contenders["lumibot"] = side("growth", "lumibot", "--weights", *paths)
        print(f"  {size:,} symbols", file=sys.stderr, flush=True)
        jobs = dict.fromkeys(contenders, AS_LUMIBOT)
        group.rows += rounds_of(contenders, jobs, size, size * DAYS_OF_MINUTES, rounds)
    if options.quick:
        group.skipped["lumibot"] = "not with --quick"
    return group


def drop_from_cache(path: Path) -> None:
    """Asks the system to forget the file's pages."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def cold_and_warm(options: Options) -> Group:
    """Whole processes over one large file that the system has in memory, or has not."""
    n_rows = BAR_SIZES[4] if options.quick else BAR_SIZES[-1]
    path = bars_file(options.folder, n_rows)
    commands = {"read in Python": side("growth", "read", path)}
    plugin = compile_plugin(options.folder)
    if plugin is not None:
        words = ["run", str(plugin), "--data", f"MES={path}", "--asset", "MES:future:tick=0.25"]
        commands["mbar run"] = [str(cross.MBAR), *words, "--json"]
    rows = {
        f"{who}, {state}": Row(f"{who}, {state}", ours=True) for who in commands for state in STATES
    }
    for _ in range(2 if options.quick else 5):
        for who, command in commands.items():
            for state in STATES:
                (drop_from_cache if state == "cold" else Path.read_bytes)(path)
                took = whole_process(command)
                rows[f"{who}, {state}"].samples.add(*took)
    for row in rows.values():
        row.facts["bars"] = n_rows
    return Group(
        name="growth-start",
        title=f"A process from start to end over {n_rows:,} bars, its file in memory or not",
        unit="process",
        base="read in Python, warm",
        rows=list(rows.values()),
    )


def whole_process(command: Sequence[str]) -> tuple[float, float]:
    """CPU and wall seconds of a process, its start included."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, input="\n", capture_output=True, text=True, check=False, env=environment(command)
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"growth: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall


def tell(group: Group, least: int) -> None:
    """Time and memory a bar for each contender, and who grows faster than the bars."""
    for who in dict.fromkeys(row.who for row in group.rows):
        rows = [row for row in group.rows if row.who == who]
        each = [f"{row.size:,} {seconds(row.facts['ns_per_bar'] / 1e9)}" for row in rows]
        print(f"  {who}, a bar: {', '.join(each)}")
        settled = [row.facts["ns_per_bar"] for row in rows if (row.size or 0) >= least]
        if len(settled) > 1 and settled[-1] > FLAT * min(settled):
            print(
                f"  {who} grows faster than linearly: {settled[-1] / min(settled):.2f} times a bar"
            )
            for row in rows:
                row.facts["faster_than_linear"] = True


def run(options: Options) -> list[Group]:
    bars, symbols = over_bars(options), over_symbols(options)
    groups = [bars, symbols, cold_and_warm(options)]
    for group in groups:
        show(group)
    tell(bars, FROM_BARS)
    tell(symbols, FROM_SYMBOLS)
    return groups
