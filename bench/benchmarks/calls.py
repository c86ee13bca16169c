"""The hot calls of a strategy, one at a time, over a clock that moves by a minute.

History and prices are asked of the data source inside lumibot, its own and ours, with the clock set
before every call, so what a source does once per instant is counted; on our engine the strategy
asks, in a run whose cost without the calls is taken off. An iteration is a run of a strategy that
does nothing, shared out; an order is what a run with one market order at every minute takes beyond
that, so it is created, sent, filled and told. Backtests are runs of sides/calls.py, one process a
side; C is `mbar run` with calls_plugin.c. What the sides saw, filled and were left with is checked
equal before any time is shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bench import contender
from bench.benchmarks.momentum import FUTURE, LUMIBOT_RULE, compile_plugin, run_c
from bench.measure import Group, Options, Row, Samples, interleave, rows_of, show
from bench.sides.minutes import AGAIN, LENGTH, clock_of, frame

PLUGIN = Path(__file__).resolve().parents[1] / "sides" / "calls_plugin.c"
OURS = ("inside", "engine", "engine in C")
# A kind of sides/calls.py: the group's name and title, and the calls an iteration makes.
CALLS = {
    "history": ("history", f"get_historical_prices({LENGTH})", 1),
    "history and its frame": ("history-frame", f"get_historical_prices({LENGTH}) and its frame", 1),
    "last price": ("last-price", "get_last_price", 1),
    "last price, clock standing": ("last-price-again", "get_last_price, clock standing", AGAIN),
}


def make_source(source_class: type, bars: pd.DataFrame) -> tuple[Any, Any, list[Any]]:
    """A loaded source, its asset, and the clock's instants."""
    from lumibot.entities import Asset, Data

    asset = Asset("MES", asset_type=Asset.AssetType.CONT_FUTURE)
    data = Data(asset, bars.copy(), timestep="minute")
    start, end = bars.index[0].to_pydatetime(), bars.index[-1].to_pydatetime()
    source: Any = source_class(
        datetime_start=start, datetime_end=end, pandas_data=[data], show_progress_bar=False
    )
    source.load_data()
    return source, asset, clock_of(bars)


def history(source: Any, asset: Any, clock: list[Any], *, touch: bool) -> Callable[[], None]:
    def call() -> None:
        for now in clock:
            source._datetime = now
            bars = source.get_historical_prices(asset, LENGTH, "minute")
            if touch:
                bars.pandas_df  # noqa: B018 - the property makes the frame

    return call


def last_price(source: Any, asset: Any, clock: list[Any]) -> Callable[[], None]:
    def call() -> None:
        for now in clock:
            source._datetime = now
            source.get_last_price(asset)

    return call


def last_price_again(source: Any, asset: Any, clock: list[Any]) -> Callable[[], None]:
    """As often, at one instant: without what a source does once per instant."""

    def call() -> None:
        source._datetime = clock[0]
        for _ in clock:
            source.get_last_price(asset)

    return call


def seen(source: Any, asset: Any, clock: list[Any]) -> float:
    """The total that sides/calls.py takes of its kind "check"."""
    total = 0.0
    for now in clock:
        source._datetime = now
        bars = source.get_historical_prices(asset, LENGTH, "minute")
        total += float(bars.pandas_df["close"].sum()) + len(bars)
        total += float(source.get_last_price(asset))
    return total


SOURCE_CALLS: dict[str, Callable[..., Callable[[], None]]] = {
    "history": lambda *side: history(*side, touch=False),
    "history and its frame": lambda *side: history(*side, touch=True),
    "last price": last_price,
    "last price, clock standing": last_price_again,
}


# ---- Whole backtests ---------------------------------------------------------------------------


class Backtests(contender.Contender):
    """A process of sides/calls.py."""

    def __init__(self, side: str, rows: int) -> None:
        super().__init__(contender.side("calls", side, rows))
        self.runs: dict[str, list[dict[str, Any]]] = {}

    def play(self, kind: str) -> dict[str, Any]:
        answer = self.round(kind)
        self.runs.setdefault(kind, []).append(answer)
        return answer

    @property
    def iterations(self) -> int:
        return int(self.hello["iterations"])

    def each(self, kind: str, calls: int = 1) -> Samples:
        """Seconds of one call, or of an order: what a run took beyond one that does nothing."""
        n, empty = self.iterations * calls, self.runs["iteration"]
        samples = Samples()
        # Of the run that came just before it, where there are more of those.
        for run, idle in zip(self.runs[kind], empty[-len(self.runs[kind]) :], strict=True):
            if kind == "iteration":
                idle = {"cpu_s": 0.0, "wall_s": 0.0}
            samples.add((run["cpu_s"] - idle["cpu_s"]) / n, (run["wall_s"] - idle["wall_s"]) / n)
        return samples


def c_runs(options: Options, bars: pd.DataFrame, rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Runs of the plugin that does nothing, and of the one that sends orders; none without a
    compiler."""
    plugin = compile_plugin(options.folder, PLUGIN)
    if plugin is None:
        return {}
    import millibar as mb

    path = options.folder / f"calls-{len(bars)}.parquet"
    mb.Bars(bars).write_parquet(path)
    clock = clock_of(bars)
    words = ["--policy", "lumibot", "--sessions", "continuous", "--budget", "1e6"]
    words += ["--start", clock[0].isoformat(), "--end", clock[-1].isoformat()]
    runs: dict[str, list[dict[str, Any]]] = {"iteration": [], "order": []}
    for _ in range(rounds):
        for kind, orders in (("iteration", "0"), ("order", "1")):
            runs[kind].append(
                run_c(plugin, path, *words, "--param", f"orders={orders}", asset=FUTURE[:2])
            )
    return runs


def c_samples(runs: Mapping[str, list[dict[str, Any]]], kind: str) -> Samples:
    samples = Samples()
    for run, idle in zip(runs[kind], runs["iteration"], strict=True):
        n, speeds = run["iterations"], (run["speed"], idle["speed"])
        cpu, wall = ([speed[name] for speed in speeds] for name in ("run_cpu_s", "run_s"))
        less = 0.0 if kind == "iteration" else 1.0
        samples.add((cpu[0] - less * cpu[1]) / n, (wall[0] - less * wall[1]) / n)
    return samples


# ---- The groups --------------------------------------------------------------------------------


def run(options: Options) -> list[Group]:
    os.environ["IS_BACKTESTING"] = "true"
    from lumibot.backtesting import PandasDataBacktesting as Theirs

    from millibar.integrations.lumibot import PandasDataBacktesting as Ours

    rows = 3 * LENGTH + (500 if options.quick else 3000)
    bars = frame(rows)
    # Empty iterations and orders inside lumibot take most of the time; over our source, only whole.
    sides = ("lumibot", "engine") if options.quick else ("lumibot", "inside", "engine")
    backtests = {side: Backtests(side, rows) for side in sides}
    sources = {"lumibot": make_source(Theirs, bars), "inside": make_source(Ours, bars)}
    totals = {side: seen(*source) for side, source in sources.items()}
    totals["engine"] = backtests["engine"].play("check")["total"]
    if len(set(totals.values())) != 1:
        raise SystemExit(f"calls: history and prices differ: {totals}")
    try:
        groups = calls_of_sources(sources, backtests["engine"], quick=options.quick)
        groups += of_backtests(options, bars, backtests)
    finally:
        for process in backtests.values():
            process.close()
    for group in groups:
        show(group)
    return groups


def calls_of_sources(
    sources: Mapping[str, tuple[Any, Any, list[Any]]], engine: Backtests, *, quick: bool
) -> list[Group]:
    rounds = 5 if quick else 11
    for _ in range(3 if quick else 7):
        for kind in ("iteration", *CALLS):
            engine.play(kind)
    groups = []
    for kind, (name, title, n_calls) in CALLS.items():
        made = {who: SOURCE_CALLS[kind](*source) for who, source in sources.items()}
        samples = interleave(made, rounds=rounds)
        for sample in samples.values():
            sample.cpu_s = [value / engine.iterations for value in sample.cpu_s]
            sample.wall_s = [value / engine.iterations for value in sample.wall_s]
        samples["engine"] = engine.each(kind, n_calls)
        groups.append(
            Group(
                name=name,
                title=title,
                unit="call",
                base="lumibot",
                rows=rows_of(samples, OURS),
                verified=f"the same closes and prices at {engine.iterations:,} instants",
            )
        )
    return groups


def of_backtests(
    options: Options, bars: pd.DataFrame, backtests: Mapping[str, Backtests]
) -> list[Group]:
    """An empty iteration, and an order."""
    rounds, slow = (3, 1) if options.quick else (7, 2)
    for number in range(rounds):
        for side, process in backtests.items():
            if side == "engine" or number < slow:
                for kind in ("iteration", "order"):
                    process.play(kind)
    runs = c_runs(options, bars, rounds)
    ends = {side: run_end(process.runs["order"][-1]) for side, process in backtests.items()}
    if runs:
        ends["engine in C"] = run_end(runs["order"][-1])
    if len(set(ends.values())) != 1:
        raise SystemExit(f"calls: fills and cash of the orders differ: {ends}")
    n_fills = ends["engine"][0]
    groups = []
    for kind, title in (
        ("iteration", "One iteration that does nothing"),
        ("order", "One market order, sent and filled"),
    ):
        group = Group(
            name=kind,
            title=title,
            unit=kind,
            base="lumibot",
            verified=f"{n_fills:,} fills and the same cash with orders",
        )
        for side, process in backtests.items():
            group.rows.append(Row(side, process.each(kind), ours=side in OURS, rule=LUMIBOT_RULE))
        if runs:
            row = Row("engine in C", c_samples(runs, kind), ours=True, rule=LUMIBOT_RULE)
            group.rows.append(row)
        else:
            group.skipped["engine in C"] = "no C compiler (CC or cc) for calls_plugin.c"
        if options.quick:
            group.skipped["inside"] = "not with --quick"
        for row in group.rows:
            row.facts["iterations"] = backtests["engine"].iterations
            row.facts["fills"] = n_fills if kind == "order" else 0
        groups.append(group)
    return groups


def run_end(told: Mapping[str, Any]) -> tuple[int, float]:
    return told["fills"], round(told["cash"], 6)
