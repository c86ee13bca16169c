"""One of our sides of the SMA-cross benchmark in Python; a round for each line it gets (serve.py).

`python -m bench.sides.cross SIDE BARS.parquet [ROWS]`. Sides: "strategy" and "engine" are called at
every bar and read two indicators, through the strategy API and on the engine's own numbers;
"backtest" is the strategy with all that Backtest.run() does before and after the engine's run, such
as statistics; "signals" and "signals-long" walk arrays; "loop" is a bare Python loop with no engine
at all. The bars are loaded, and signals are there, before a round begins; indicators of the
strategies are computed in it.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from typing import Any

import millibar as mb
from bench.serve import Side, arrays, serve
from bench.sides.lumibot_run import OneUnit
from millibar import _core
from millibar.trader import Driver

FAST, SLOW = 20, 60
CASH = 1e5


class Crossing(OneUnit, mb.Strategy):
    """As a user writes it: one unit, long or short."""

    def initialize(self, parameters: Any = None) -> None:
        self.asset = mb.Asset("X")
        self.fast = self.indicator("sma", self.asset, FAST)
        self.slow = self.indicator("sma", self.asset, SLOW)
        self.gap = float("nan")

    def on_trading_iteration(self) -> None:
        before, self.gap = self.gap, self.fast.value - self.slow.value
        if self.gap > 0 >= before:
            self.turn(1)
        elif self.gap < 0 <= before:
            self.turn(-1)


def strategy(bars: mb.Bars) -> Side:
    """The engine's run alone."""

    def prepare() -> tuple[Any, Any]:
        made = mb.Backtest(Crossing, {"X": bars}, budget=CASH).strategy
        opened = made.broker.open(made)
        return opened, Driver(made, opened)

    def run(ready: tuple[Any, Any]) -> tuple[int, float]:
        opened, driver = ready
        opened.run(driver)
        return len(opened.table("fills")), opened.value - CASH

    return Side(prepare, run)


def backtest(bars: mb.Bars) -> Side:
    def run(made: mb.Backtest) -> tuple[int, float]:
        result = made.run()
        return len(result.fills), result.equity["portfolio_value"][-1] - CASH

    return Side(lambda: mb.Backtest(Crossing, {"X": bars}, budget=CASH), run)


class EngineCrossing:
    """The same on the engine itself: numbers of assets, no order objects."""

    def __init__(self, engine: _core.Engine) -> None:
        self.engine = engine

    def initialize(self) -> None:
        self.fast = self.engine.indicator(0, "sma", FAST)
        self.slow = self.engine.indicator(0, "sma", SLOW)
        self.gap = float("nan")

    def on_trading_iteration(self) -> None:
        before, self.gap = self.gap, self.fast.value - self.slow.value
        if self.gap > 0 >= before:
            self.turn(1)
        elif self.gap < 0 <= before:
            self.turn(-1)

    def turn(self, wanted: int) -> None:
        change = wanted - self.engine.quantity(0)
        if change != 0:
            self.engine.submit(0, "buy" if change > 0 else "sell", abs(change))


def engine(bars: mb.Bars) -> Side:
    series = bars.series

    def prepare() -> _core.Engine:
        made = _core.Engine(budget=CASH)
        made.add_asset("X", "stock", series)
        return made

    def run(made: _core.Engine) -> tuple[int, float]:
        made.run(EngineCrossing(made))
        return len(made.table("fills")), made.value - CASH

    return Side(prepare, run)


def signals(*, long_only: bool) -> Callable[[mb.Bars], Side]:
    def make(bars: mb.Bars) -> Side:
        # Looked up here: millibar imports what it needs at its first use.
        from_signals = mb.Backtest.from_signals
        averages = bars.sma(FAST), bars.sma(SLOW)
        up = mb.indicators.cross_above(*averages)
        down = mb.indicators.cross_below(*averages)
        wanted: dict[str, Any] = {"exits": down} if long_only else {"short_entries": down}

        def run() -> tuple[int, float]:
            # What is open at the end is closed there, as raptorbt closes it.
            result = from_signals(bars, up, **wanted, budget=CASH, close_at_end=long_only)
            return len(result.fills), result.equity["portfolio_value"][-1] - CASH

        return arrays(run)

    return make


def loop(bars: mb.Bars) -> Side:
    """A comparison and a fill, averages given: what Python costs with nothing around it."""
    opens, closes = (bars[name].tolist() for name in ("open", "close"))
    fast, slow = bars.sma(FAST).tolist(), bars.sma(SLOW).tolist()

    def run() -> tuple[int, float]:
        cash = 0.0
        gap = float("nan")
        held = wanted = fills = 0
        for i in range(len(opens)):
            if wanted != held:
                cash -= (wanted - held) * opens[i]
                held = wanted
                fills += 1
            before, gap = gap, fast[i] - slow[i]
            if gap > 0 >= before:
                wanted = 1
            elif gap < 0 <= before:
                wanted = -1
        return fills, cash + held * closes[-1]

    return arrays(run)


SIDES: dict[str, Callable[[mb.Bars], Side]] = {
    "strategy": strategy,
    "backtest": backtest,
    "engine": engine,
    "signals": signals(long_only=False),
    "signals-long": signals(long_only=True),
    "loop": loop,
}


RULE = "market order, at the next bar's open"
TIMED = {
    "strategy": "both averages, bar by bar",
    "backtest": "both averages, bar by bar, and its statistics and tables",
    "engine": "both averages, bar by bar",
    "signals": "its value and tables; signals are there",
    "signals-long": "its value and tables; signals are there",
    "loop": "nothing else; averages are there",
}


def main() -> int:
    who = sys.argv[1]
    bars = mb.read_parquet(sys.argv[2])
    if len(sys.argv) > 3:
        bars = bars.head(int(sys.argv[3]))
    python = platform.python_version()
    serve(mb.__version__, SIDES[who](bars), rule=RULE, timed=TIMED[who], python=python)
    return 0


if __name__ == "__main__":
    sys.exit(main())
