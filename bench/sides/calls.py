"""Whole backtests that do one thing at every minute; a line of JSON for each kind it is told.

`python -m bench.sides.calls lumibot|inside|engine ROWS`. A line of its input names a kind, and the
answer has seconds of the run, iterations, fills and a total over what was seen, which is the same
on every side. Kinds: "iteration" does nothing, "order" sends one market order, the others make one
call ("last price, clock standing": 100). The side "engine" runs under lumibot's rules.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from bench.sides import lumibot_run
from bench.sides.minutes import AGAIN, LENGTH, clock_of, frame


def strategies(base: Any, length: int, again: int) -> dict[str, type]:
    """A strategy of each kind."""

    class Nothing(base):
        def initialize(self, asset: Any = None) -> None:
            self.set_market("24/7")
            self.sleeptime = "1M"
            self.asset = asset
            self.total = 0.0
            self.held = False

        def on_trading_iteration(self) -> None:
            pass

    class Order(Nothing):
        def on_trading_iteration(self) -> None:
            side = "sell" if self.held else "buy"
            self.held = not self.held
            self.submit_order(self.create_order(self.asset, 1, side))

    class History(Nothing):
        def on_trading_iteration(self) -> None:
            self.get_historical_prices(self.asset, length, "minute")

    class HistoryFrame(Nothing):
        def on_trading_iteration(self) -> None:
            _ = self.get_historical_prices(self.asset, length, "minute").pandas_df

    class Price(Nothing):
        def on_trading_iteration(self) -> None:
            self.get_last_price(self.asset)

    class PriceAgain(Nothing):
        def on_trading_iteration(self) -> None:
            price, asset = self.get_last_price, self.asset
            for _ in range(again):
                price(asset)

    class Check(Nothing):
        """All that the others ask for, added up."""

        def on_trading_iteration(self) -> None:
            bars = self.get_historical_prices(self.asset, length, "minute")
            self.total += float(bars.pandas_df["close"].sum()) + len(bars)
            self.total += float(self.get_last_price(self.asset))

    return {
        "iteration": Nothing,
        "order": Order,
        "history": History,
        "history and its frame": HistoryFrame,
        "last price": Price,
        "last price, clock standing": PriceAgain,
        "check": Check,
    }


def main() -> int:
    side, rows = sys.argv[1], int(sys.argv[2])
    out = sys.stdout
    sys.stdout = sys.stderr
    lumibot_run.choose(ours=side == "engine")
    if side != "engine":
        import offline

        offline.quiet()
    from lumibot.backtesting import PandasDataBacktesting
    from lumibot.entities import Asset, Data
    from lumibot.strategies import Strategy

    source_class: Any = PandasDataBacktesting
    if side == "inside":
        from millibar.integrations.lumibot import PandasDataBacktesting as Ours

        source_class = Ours
    kinds = strategies(Strategy, LENGTH, AGAIN)
    asset = Asset("MES", "cont_future")
    bars = frame(rows)
    clock = clock_of(bars)

    def play(kind: str) -> dict[str, Any]:
        data = Data(asset, bars.copy(), timestep="minute", quote=Asset("USD", "forex"))
        source = source_class(
            datetime_start=clock[0],
            datetime_end=clock[-1],
            pandas_data=[data],
            show_progress_bar=False,
        )
        strategy, trader = lumibot_run.made(kinds[kind], source, 1e6, parameters={"asset": asset})
        cpu, wall = time.process_time(), time.perf_counter()
        lumibot_run.play(trader)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        return {
            "cpu_s": cpu,
            "wall_s": wall,
            "fills": lumibot_run.n_fills(strategy),
            "cash": float(strategy.cash),
            "total": strategy.total,
        }

    print(json.dumps({"iterations": len(clock)}), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(play(line.strip())), file=out, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
