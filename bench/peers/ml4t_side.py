"""ml4t-backtest has no indicators: both averages reach its strategy as its signals do."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.peers.job import CASH, averages
from bench.serve import Side

RULE = "market order, at the next bar's open (ExecutionMode.NEXT_BAR)"
TIMED = "its results' tables; not the averages, and not the indexing of its feed"


def side(frame: pd.DataFrame) -> Side:
    import polars as pl
    from ml4t.backtest import BacktestConfig, DataFeed, Engine, ExecutionMode, Strategy

    class Cross(Strategy):
        def __init__(self) -> None:
            self.gap = float("nan")

        def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
            signals = data["X"]["signals"]
            before, self.gap = self.gap, signals["fast"] - signals["slow"]
            if self.gap > 0 >= before:
                self.turn(broker, 1)
            elif self.gap < 0 <= before:
                self.turn(broker, -1)

        def turn(self, broker: Any, wanted: int) -> None:
            position = broker.get_position("X")
            change = wanted - (0 if position is None else position.quantity)
            if change != 0:
                broker.submit_order("X", change)

    rows = {
        "timestamp": frame["timestamp"].dt.tz_localize(None).to_numpy(),
        "asset": ["X"] * len(frame),
    }
    names = ("open", "high", "low", "close", "volume")
    prices = pl.DataFrame({**rows, **{name: frame[name].to_numpy(float) for name in names}})
    fast, slow = averages(frame["close"])
    signals = pl.DataFrame({**rows, "fast": fast, "slow": slow})
    config = BacktestConfig(
        initial_cash=CASH,
        allow_short_selling=True,
        allow_leverage=True,
        execution_mode=ExecutionMode.NEXT_BAR,
    )

    def run(engine: Any) -> tuple[int, float]:
        result = engine.run()
        return len(result.fills), result.equity_curve[-1][1] - CASH

    return Side(
        lambda: Engine(DataFeed(prices_df=prices, signals_df=signals), Cross(), config), run
    )
