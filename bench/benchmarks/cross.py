"""SMA-cross of 20 and 60 closes, filled at the next open: ours in Python, as signals, in C; peers.

One unit, long after a cross upwards and short after one downwards, over the minutes of MES and of
BTC (synthetic ones where the real are not there). Every contender is a process of its own that runs
a round when asked (serve.py), so the rounds are interleaved; the bars are there in its own form
before a round begins, and start-up is told apart. Fills and profit are checked equal before any
time is shown.

A round is the engine's run alone. Who is called at every bar computes both averages in it (bt and
ml4t-backtest, which have none, excepted); who takes arrays of signals finds them there. Statistics
and tables that an engine cannot run without are in it: those of backtesting.py, bt, PyBroker,
ml4t-backtest, zipline and raptorbt; our "backtest" has its own in it, our "strategy" is the run
without. What each includes is in its row's facts. A contender takes no more rounds of a set once
its rounds, the first included, have taken 20 seconds, but takes one at least; engines of some
thousand bars a second run on MES alone. raptorbt trades one side only and is compared with our run
of that side.

The first round is told apart: it is the cold one. What compiles with numba starts with an empty
cache on MES, and once more with the one it has filled; on BTC, and in a quick run, with that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contender import ROOT, Contender, peer, side
from bench.measure import Group, Options, Row, seconds
from bench.peers.install import ENVIRONMENTS, AbsentError, interpreter

SHARED = Path(os.environ.get("MILLIBAR_SHARED", ROOT.parent / "shared"))
MBAR = Path(shutil.which(os.environ.get("MBAR", "mbar")) or "mbar")

# What an independent loop and all the engines found: fills, and profit in points.
KNOWN = {
    "MES_1m_2026Q1": (1195, -141.00),
    "BTCUSD_1m_bitfinex_2018_2019": (21231, 12027.54),
}
SHORT_NAMES = {"MES_1m_2026Q1": "mes", "BTCUSD_1m_bitfinex_2018_2019": "btc"}
CENT = 0.005
ENOUGH_S = 20.0

PYTHON = "strategy in Python, called at every bar"
IN_C = "strategy in C, called at every bar"
SIGNALS = "arrays of signals"
FLOOR = "floor"


@dataclass(frozen=True)
class Entry:
    """What is known of a contender before it starts.

    Attributes:
        job: contenders of one job compete.
        environment: the peers' environment it lives in; None for ours and the floors.
        short_only: it is too slow for the long set.
        quick: it takes part in a short run.
        numba: its first round compiles.
        long_only: it goes out at a cross downwards, not short.
    """

    job: str
    environment: str | None = None
    short_only: bool = False
    quick: bool = True
    numba: bool = False
    long_only: bool = False

    @property
    def ours(self) -> bool:
        return self.environment is None and self.job != FLOOR


ENTRIES = {
    "strategy": Entry(PYTHON),
    "backtest": Entry(PYTHON),
    "engine": Entry(PYTHON),
    "engine in C": Entry(IN_C),
    "signals": Entry(SIGNALS),
    "signals-long": Entry(SIGNALS, long_only=True),
    "loop": Entry(FLOOR),
    "loop in C": Entry(FLOOR),
    "back-trader-cpp": Entry(PYTHON, "main"),
    "backtesting.py": Entry(PYTHON, "main"),
    "bt": Entry(PYTHON, "main", quick=False),
    "PyBroker": Entry(PYTHON, "main", short_only=True, quick=False, numba=True),
    "backtrader": Entry(PYTHON, "main", short_only=True, quick=False),
    "nautilus_trader": Entry(PYTHON, "newer", short_only=True, quick=False),
    "ml4t-backtest": Entry(PYTHON, "newer", short_only=True, quick=False),
    "zipline-reloaded": Entry(PYTHON, "zipline", short_only=True, quick=False),
    "vectorbt": Entry(SIGNALS, "main", numba=True),
    "vectorbt-rust": Entry(SIGNALS, "main"),
    "raptorbt-long": Entry(SIGNALS, "main", long_only=True),
}
C_SIDES = {"engine in C": "engine", "loop in C": "loop"}
# bench/c/cross.c tells neither.
RULES_OF_C = {
    "engine in C": ("market order, at the next bar's open", "both averages, bar by bar"),
    "loop in C": ("at the next bar's open", "nothing else; averages are there"),
}


# ---- Where things are --------------------------------------------------------------------------


def find_data(folder: Path, *, quick: bool) -> list[tuple[str, Path]]:
    """The sets of bars, real where they are there: the file's stem in KNOWN, and the file."""
    found = []
    for name in list(KNOWN)[: 1 if quick else None]:
        path = SHARED / "data" / f"{name}.parquet"
        found.append((name, path if path.exists() else synthetic(folder, name)))
    return found


def synthetic(folder: Path, name: str) -> Path:
    """About as many bars from `mbar synth`, trading for 23 hours a day."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"cross-{name}.parquet"
    if not path.exists():
        end = "2024-03-10" if name.startswith("MES") else "2026-12-20"
        command = [str(MBAR), "synth", "--symbol", "MES", "--seed", "7"]
        command += ["--from", "2024-01-01", "--to", end, "--out", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def interpreters(*, quick: bool) -> tuple[dict[str, Path], dict[str, str]]:
    """Python of each of the peers' environments; and why one is not there."""
    found, absent = {}, {}
    for name in ENVIRONMENTS:
        try:
            found[name] = interpreter(name, install=not quick)
        except AbsentError as error:
            absent[name] = str(error)
    return found, absent


def commands(
    path: Path, peers: Mapping[str, Path] | None = None, rows: int | None = None
) -> dict[str, list[str]]:
    """How each contender that is there is started: ours, and those of the peers' environments."""
    more = [path] if rows is None else [path, rows]
    in_c = MBAR.parent / "bench_cross"
    found: dict[str, list[str]] = {}
    for name, entry in ENTRIES.items():
        if entry.environment is not None:
            if peers is not None and entry.environment in peers:
                found[name] = peer(peers[entry.environment], name, *more)
        elif name not in C_SIDES:
            found[name] = side("cross", name, *more)
        elif in_c.exists():
            found[name] = [str(word) for word in (in_c, C_SIDES[name], *more)]
    return found


# ---- One set of bars ---------------------------------------------------------------------------


def start(
    started: Mapping[str, list[str]], n_bars: int, options: Options
) -> tuple[dict[str, Contender], dict[str, Row], dict[str, str]]:
    """Each with its first round; a peer that fails is told with the reason."""
    alive: dict[str, Contender] = {}
    rows: dict[str, Row] = {}
    skipped: dict[str, str] = {}
    for name, command in started.items():
        entry = ENTRIES[name]
        cache = caches(options) / name
        compiles = entry.numba and not cache.exists()
        more = {"NUMBA_CACHE_DIR": str(cache)} if entry.numba else None
        try:
            contender = Contender(command, more)
            first = contender.round()
        except (RuntimeError, OSError) as error:
            if entry.environment is None:
                raise SystemExit(f"cross: {name} failed: {error}") from None
            skipped[name] = f"does not run here: {error}"
            continue
        alive[name] = contender
        rows[name] = row_of(name, contender, first, n_bars)
        if compiles:
            again = Contender(command, more)
            rows[name].facts["first"] = "numba compiled in it: its cache was empty"
            rows[name].facts["start_cached_s"] = again.start_s
            rows[name].facts["first_cached_s"] = again.round()["wall_s"]
            again.close()
        elif entry.numba:
            rows[name].facts["first"] = "numba's cache had been filled"
    return alive, rows, skipped


def row_of(name: str, contender: Contender, first: Mapping[str, Any], n_bars: int) -> Row:
    entry, hello = ENTRIES[name], contender.hello
    rule, timed = RULES_OF_C.get(name, (hello.get("rule", ""), hello.get("timed", "")))
    facts = {
        "job": entry.job,
        "fills": first["fills"],
        "profit": first["profit"],
        "bars": n_bars,
        "timed": timed,
    }
    if "python" in hello:
        facts["python"] = hello["python"]
    return Row(
        name,
        ours=entry.ours,
        version=str(hello["version"]),
        rule=rule,
        start_s=contender.start_s,
        first_s=first["wall_s"],
        facts=facts,
    )


def check(rows: Iterable[Row], wanted: tuple[int, float]) -> int:
    """How many have the trades that are wanted; a peer that has not is told so in its row.

    Raises:
        SystemExit: ours has not.
    """
    n_same = 0
    for row in rows:
        fills, profit = row.facts["fills"], row.facts["profit"]
        same = fills == wanted[0] and abs(profit - wanted[1]) < CENT
        n_same += same
        if not same:
            told = f"{fills} fills and {profit:+.4f}, not {wanted[0]} and {wanted[1]:+.4f} points"
            if ENTRIES[row.who].environment is None:
                raise SystemExit(f"cross: {row.who} has {told}: no times are shown")
            row.facts["same_trades"] = False
            row.facts["difference"] = told
    return n_same


def take(alive: Mapping[str, Contender], rows: Mapping[str, Row], rounds: int) -> None:
    """Rounds in turn, into the rows."""
    for number in range(rounds):
        for name, contender in alive.items():
            row = rows[name]
            if number > 0 and (row.first_s or 0.0) + sum(row.samples.wall_s) > ENOUGH_S:
                continue
            round_ = contender.round()
            row.samples.add(round_["cpu_s"], round_["wall_s"])
            row.peak_mib = round_["peak_mib"] - contender.hello["loaded_mib"]
            if (round_["fills"], round_["profit"]) != (row.facts["fills"], row.facts["profit"]):
                raise SystemExit(f"cross: {name} has other trades in another round")
    for row in rows.values():
        row.facts["bars_per_s"] = row.facts["bars"] / row.samples.cpu


def compare(
    name: str,
    path: Path,
    options: Options,
    peers: Mapping[str, Path],
    rates: Mapping[str, float],
) -> list[Group]:
    """Long and short, and long only, on one set of bars; bars a second on another are known."""
    n_bars, rounds = count_rows(path), 3 if options.quick else 7
    short = SHORT_NAMES[name]
    skipped: dict[str, str] = {}
    wanted = commands(path, peers)
    for who, entry in ENTRIES.items():
        if entry.short_only and short != "mes":
            skipped[who] = "it runs on MES alone"
            if who in rates:
                took = n_bars / rates[who]
                skipped[who] += f": {took:,.0f} s a round here at its {rates[who]:,.0f} bars/s"
        elif options.quick and not entry.quick:
            skipped[who] = "left out of a quick run"
        elif options.quick and entry.numba and not (caches(options) / who).exists():
            skipped[who] = "a run without --quick compiles it first"
        elif who not in wanted and entry.environment is None:
            skipped[who] = "no bench_cross beside mbar (cmake -DMILLIBAR_BENCH=ON)"
    started = {who: command for who, command in wanted.items() if who not in skipped}
    alive, rows, failed = start(started, n_bars, options)
    skipped |= failed
    try:
        verified = [agree(name, path, rows, long_only) for long_only in (False, True)]
        take(alive, rows, rounds)
    finally:
        for contender in alive.values():
            contender.close()
    title = f"SMA-cross 20/60, {path.stem}, {n_bars:,} bars"
    return [
        Group(
            name=f"{short}-long" if long_only else short,
            title=f"{title}, long only" if long_only else title,
            unit="run",
            base="signals-long" if long_only else "strategy",
            rows=sorted(
                (row for row in rows.values() if ENTRIES[row.who].long_only == long_only),
                key=lambda row: row.samples.cpu,
            ),
            verified=verified[long_only],
            skipped={
                who: why for who, why in skipped.items() if ENTRIES[who].long_only == long_only
            },
        )
        for long_only in (False, True)
    ]


def agree(name: str, path: Path, rows: Mapping[str, Row], long_only: bool) -> str:
    """What was found equal, as words."""
    group = [row for who, row in rows.items() if ENTRIES[who].long_only == long_only]
    reference = rows["signals-long" if long_only else "signals"].facts
    wanted = (reference["fills"], reference["profit"])
    if not long_only and path.stem == name:
        wanted = KNOWN[name]
    n_same = check(group, wanted)
    who = "all" if n_same == len(group) else f"{n_same}"
    return f"{wanted[0]:,} fills and {wanted[1]:+,.2f} points, {who} of {len(group)}"


def caches(options: Options) -> Path:
    """Of what numba has compiled, a folder for each contender."""
    return options.folder / "numba"


def count_rows(path: Path) -> int:
    from millibar import _core

    rows: int = _core.parquet_info(str(path))["rows"]
    return rows


# ---- All of it ---------------------------------------------------------------------------------


def show(group: Group) -> None:
    print(f"{group.title}; {group.verified}")
    print(
        f"  {'':18}{'version':>12}{'start':>9}{'first':>9}{'CPU':>10}{'wall':>10}{'spread':>8}"
        f"{'k bars/s':>10}{'memory':>10}{'rounds':>8}{'of ours':>9}"
    )
    for row in group.rows:
        rivals = [
            other.samples.cpu
            for other in group.rows
            if other.ours and other.facts["job"] == row.facts["job"]
        ]
        ratio = f"{row.samples.cpu / min(rivals):.2f}" if rivals else ""
        print(
            f"  {row.who:18}{row.version:>12}{seconds(row.start_s or 0):>9}"
            f"{seconds(row.first_s or 0):>9}{seconds(row.samples.cpu):>10}"
            f"{seconds(row.samples.wall):>10}{row.samples.spread:>8.0%}"
            f"{row.facts['bars_per_s'] / 1e3:>10,.0f}{row.peak_mib or 0:>6.0f} MiB"
            f"{len(row.samples.cpu_s):>8}{ratio:>9}"
        )
        if "difference" in row.facts:
            print(f"    not the same trades: {row.facts['difference']}")
    for who, why in group.skipped.items():
        print(f"  {who}: skipped: {why}")


def run(options: Options) -> list[Group]:
    peers, absent = interpreters(quick=options.quick)
    without = {
        who: absent[entry.environment]
        for who, entry in ENTRIES.items()
        if entry.environment in absent
    }
    if not options.quick:
        shutil.rmtree(caches(options), ignore_errors=True)
    groups: list[Group] = []
    for name, path in find_data(options.folder, quick=options.quick):
        rates = {row.who: row.facts["bars_per_s"] for group in groups for row in group.rows}
        for group in compare(name, path, options, peers, rates):
            for who, why in without.items():
                if ENTRIES[who].long_only == group.name.endswith("-long"):
                    group.skipped.setdefault(who, why)
            show(group)
            groups.append(group)
    return groups
