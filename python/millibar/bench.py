"""`millibar bench`: how fast this installation is on this machine, over made-up bars.

    millibar bench                    a line a task: median and best time, bars a second
    millibar bench --json             the same for programs, with machine and versions

Bars are a seeded random walk, so that every machine does the same work. Before anything is timed
the crossing averages are run both ways, in Python and as arrays of signals, and must make the same
fills. Figures against other engines are another matter: `make bench` in the source tree.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from millibar import _core
from millibar._speed import peak_memory_bytes
from millibar.errors import Error, InvalidError

if TYPE_CHECKING:
    from millibar.bars import Bars
    from millibar.result import Result

__all__ = ["add_command"]

_FAST, _SLOW, _WINDOW = 20, 60, 200
_LEAST_ROWS = 1_000
_ATTEMPTS, _LEAST_SECONDS = 3, 0.2  # of a task: at least so many, for at least so long
_BUSY = 1.3  # a median so many times the best tells of something else that ran


def add_command(commands: Any) -> None:
    """Adds `bench` to the subparsers of the command."""
    parser = commands.add_parser(
        "bench",
        help="time this installation",
        description="Times this installation over made-up bars of one minute: reading a file, "
        "windows, an indicator, and a backtest of crossing averages (20/60), as arrays of signals, "
        "with indicators in Python, and the engine alone.",
        epilog="example: millibar bench --bars 1000000 --json. The comparison with other engines "
        "is `make bench` in millibar's source tree.",
    )
    parser.add_argument("--bars", type=int, default=200_000, metavar="N", help="default 200000")
    parser.add_argument("--json", action="store_true", help="the figures as JSON, for programs")
    parser.set_defaults(run=run)


def made_bars(n_rows: int, seed: int = 1) -> Bars:
    """A walk by quarters, a bar a minute."""
    import numpy as np

    from millibar.bars import Bars

    draw = np.random.Generator(np.random.PCG64(seed)).integers
    steps = 0.25 * draw(-4, 5, n_rows)
    close = 5_000.0 + np.cumsum(steps)
    open_ = close - steps
    first = np.datetime64("2024-01-02T00:00", "ns")
    return Bars(
        {
            "timestamp": first + np.arange(n_rows) * np.timedelta64(60_000_000_000, "ns"),
            "open": open_,
            "high": np.maximum(open_, close) + 0.25 * draw(0, 4, n_rows),
            "low": np.minimum(open_, close) - 0.25 * draw(0, 4, n_rows),
            "close": close,
            "volume": draw(1, 500, n_rows).astype(np.float64),
        },
        tz="UTC",
    )


def run_signals(bars: Bars) -> Result:
    """The crossing averages as arrays."""
    from millibar.indicators import cross_above, cross_below
    from millibar.signals import from_signals

    fast, slow = bars.sma(_FAST), bars.sma(_SLOW)
    return from_signals(bars, cross_above(fast, slow), cross_below(fast, slow), asset="BENCH")


def run_strategy(bars: Bars) -> Result:
    """The same as a strategy in Python."""
    from millibar.assets import Asset
    from millibar.backtest import Backtest
    from millibar.strategy import Strategy

    class Cross(Strategy):
        def initialize(self, parameters: Any = None) -> None:
            self.asset = Asset("BENCH")
            self.fast = self.indicator("sma", self.asset, _FAST)
            self.slow = self.indicator("sma", self.asset, _SLOW)
            self.is_long = False

        def on_trading_iteration(self) -> None:
            above = self.fast.value > self.slow.value
            if above == self.is_long:
                return
            before = self.fast[-2] - self.slow[-2]
            if (before <= 0) if above else (self.fast.value < self.slow.value and before >= 0):
                self.submit_order(self.create_order(self.asset, 1, "buy" if above else "sell"))
                self.is_long = above

    return Backtest(Cross, {Asset("BENCH"): bars}).run()


def run_engine(bars: Bars) -> None:
    """The engine's own loop: clock, book and account, without a strategy."""
    engine = _core.Engine()
    engine.add_asset("BENCH", "stock", bars.series)
    engine.run(object())


def ask_windows(bars: Bars) -> None:
    """The last rows at every bar, as a strategy asks for them."""
    window = bars.series.window
    for now in bars.times.view("int64").tolist():
        window(_core.STRICT, now, _WINDOW)


def check(bars: Bars) -> int:
    """How many fills both forms of the strategy made; an Error where they are not the same."""
    signals, strategy = run_signals(bars), run_strategy(bars)
    for name in ("timestamp", "side", "quantity", "price"):
        if signals.fills[name].tolist() != strategy.fills[name].tolist():
            raise Error(
                f"signals and strategy differ in {name} of their fills: a defect, report it"
            )
    return len(signals.fills)


def tasks_over(bars: Bars, folder: Path) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    from millibar.lazy import read_parquet

    path = folder / "bars.parquet"
    bars.write_parquet(path, codec="zstd")
    return {
        "read Parquet (zstd)": lambda: read_parquet(path),
        f"window of {_WINDOW} bars": lambda: ask_windows(bars),
        f"sma({_FAST})": lambda: bars.sma(_FAST),
        "engine without a strategy": lambda: run_engine(bars),
        "SMA cross as signals": lambda: run_signals(bars),
        "SMA cross in Python": lambda: run_strategy(bars),
    }


def attempts(work: Callable[[], object]) -> list[float]:
    """Wall seconds of each attempt, after one that is not counted."""
    work()
    seconds: list[float] = []
    while len(seconds) < _ATTEMPTS or sum(seconds) < _LEAST_SECONDS:
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return seconds


def task(seconds: list[float], n_bars: int) -> dict[str, float]:
    """What is told of a task: median and least, and the rate at the median."""
    median = statistics.median(seconds)
    return {
        "seconds": median,
        "best_seconds": min(seconds),
        "bars_per_second": n_bars / median,
    }


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    import numpy as np

    if arguments.bars < _LEAST_ROWS:
        raise InvalidError(f"--bars {arguments.bars}: give at least {_LEAST_ROWS}")
    bars = made_bars(arguments.bars)
    fills = check(bars)
    with tempfile.TemporaryDirectory() as folder:
        tasks = {
            name: task(attempts(work), arguments.bars)
            for name, work in tasks_over(bars, Path(folder)).items()
        }
    told = {
        "millibar": _core.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "bars": arguments.bars,
        "fills": fills,
        "tasks": tasks,
        "peak_memory_bytes": peak_memory_bytes(),
    }
    print(json.dumps(told, indent=2) if arguments.json else as_text(told))


def as_text(told: dict[str, Any]) -> str:
    """The figures as a table."""
    lines = [
        f"millibar {told['millibar']}, Python {told['python']}, numpy {told['numpy']}, "
        f"{told['machine']}",
        f"{told['bars']:,} bars; signals and strategy made the same {told['fills']:,} fills",
        "",
        f"  {'':28}{'median':>13}{'best':>13}{'bars a second':>17}",
    ]
    for name, row in told["tasks"].items():
        rate = float(f"{row['bars_per_second']:.3g}")
        lines.append(
            f"  {name:28}{1e3 * row['seconds']:>10,.2f} ms"
            f"{1e3 * row['best_seconds']:>10,.2f} ms{rate:>17,.0f}"
        )
    lines += [
        "",
        "Wall time of a pass over all bars. A window is asked for at every bar; the averages and",
        "the tables of the result are in the time of SMA cross.",
        f"Peak memory {told['peak_memory_bytes'] / 2**20:,.0f} MiB.",
    ]
    if any(row["seconds"] > _BUSY * row["best_seconds"] for row in told["tasks"].values()):
        lines.append(
            "A median far above its best tells of a busy machine: repeat it when that is idle."
        )
    return "\n".join(lines)
