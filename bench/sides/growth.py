"""One of the growth benchmark's own sides; a round for each line it gets (serve.py).

`python -m bench.sides.growth SIDE [--weights] FILE ...`. Side "read" reads a whole file of bars;
"lumibot" and "unchanged" run one strategy, written to lumibot's names, inside lumibot and on our
engine under lumibot's rules: the SMA-cross over one file, or equal weights over all. Frames for
lumibot are read before a round begins; our engine reads its files in it.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

from bench.serve import Side, arrays, serve
from bench.sides import lumibot_run

FAST, SLOW = 20, 60
CASH = 1e7
REBALANCE = 60


def read(path: Path) -> Side:
    """All columns, every value looked at."""
    import millibar as mb

    def run() -> tuple[int, float]:
        bars = mb.read_parquet(path)
        return 0, float(sum(bars[name].sum() for name in ("open", "high", "low", "close")))

    return arrays(run)


def strategies(strategy_class: Any) -> tuple[type, type]:
    """Both strategies on whichever Strategy lumibot's name leads to."""

    class Crossing(lumibot_run.OneUnit, strategy_class):
        """One unit, long or short, by the averages of 20 and 60 closes."""

        def initialize(self, assets: Any = None) -> None:
            self.set_market("24/7")
            self.sleeptime = "1M"
            self.asset = assets[0]
            self.gap = float("nan")

        def on_trading_iteration(self) -> None:
            bars = self.get_historical_prices(self.asset, SLOW, "minute")
            if bars is None or len(bars) < SLOW:
                return
            column = getattr(bars, "column", None)
            close = bars.df["close"].to_numpy() if column is None else column("close")
            before = self.gap
            self.gap = close[-FAST:].sum() / FAST - close.sum() / SLOW
            if self.gap > 0 >= before:
                self.turn(1)
            elif self.gap < 0 <= before:
                self.turn(-1)

    class EqualWeight(strategy_class):
        """Every price at every minute; once an hour as much of one symbol as of another."""

        def initialize(self, assets: Any = None) -> None:
            self.set_market("24/7")
            self.sleeptime = "1M"
            self.assets = assets
            self.turns = 0

        def on_trading_iteration(self) -> None:
            prices = [self.get_last_price(asset) for asset in self.assets]
            self.turns += 1
            if self.turns % REBALANCE != 1:
                return
            share = self.portfolio_value * 0.9 / len(self.assets)
            for asset, price in zip(self.assets, prices, strict=True):
                position = self.get_position(asset)
                held = 0 if position is None else int(position.quantity)
                change = int(share // price) - held
                if change != 0:
                    side = "buy" if change > 0 else "sell"
                    self.submit_order(self.create_order(asset, abs(change), side))

    return Crossing, EqualWeight


def backtest(side: str, paths: list[Path], *, weights: bool) -> Side:
    """One of lumibot's names and rules, inside lumibot or without it."""
    lumibot_run.choose(ours=side != "lumibot")
    import pandas as pd
    from lumibot.backtesting import PandasDataBacktesting
    from lumibot.entities import Asset, Data
    from lumibot.strategies import Strategy

    zone = "America/New_York"
    strategy_class = strategies(Strategy)[weights]
    assets = [Asset(f"S{i}") for i in range(len(paths))]
    stamps = pd.read_parquet(paths[0], columns=["timestamp"])["timestamp"].dt.tz_convert(zone)
    start, end = (stamps.iloc[i].to_pydatetime() for i in (0, -1))
    frames: list[Any] = []
    if side == "lumibot":
        frames = [pd.read_parquet(path).set_index("timestamp").tz_convert(zone) for path in paths]

    def prepare() -> dict[str, Any]:
        if side != "lumibot":
            return {"data": dict(zip(assets, paths, strict=True))}
        pairs = zip(assets, frames, strict=True)
        return {
            "pandas_data": [Data(asset, frame.copy(), timestep="minute") for asset, frame in pairs]
        }

    def run(given: dict[str, Any]) -> tuple[int, float]:
        source = PandasDataBacktesting(
            datetime_start=start, datetime_end=end, show_progress_bar=False, **given
        )
        strategy, trader = lumibot_run.made(
            strategy_class, source, CASH, parameters={"assets": assets}
        )
        lumibot_run.play(trader)
        return lumibot_run.n_fills(strategy), float(strategy.cash)

    return Side(prepare, run)


def main() -> int:
    side, words = sys.argv[1], sys.argv[2:]
    paths = [Path(word) for word in words if word != "--weights"]
    weights = "--weights" in words
    with contextlib.redirect_stdout(sys.stderr):  # lumibot logs to what it finds when imported
        made = read(paths[0]) if side == "read" else backtest(side, paths, weights=weights)
    serve("", made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
