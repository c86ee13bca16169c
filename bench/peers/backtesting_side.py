"""backtesting.py: a fill is a trade opened; the opposite order closes one and opens the next."""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd

from bench.peers.job import CASH, FAST, SLOW, indexed
from bench.serve import Side

RULE = "market order, at the next bar's open: its default"
TIMED = "both averages as arrays (pandas), and its statistics, which cannot be left out"


def side(frame: pd.DataFrame) -> Side:
    from backtesting import Backtest, Strategy

    def average(values: Any, period: int) -> Any:
        return pd.Series(values).rolling(period).mean().to_numpy()

    class Cross(Strategy):
        def init(self) -> None:
            self.fast = self.I(average, self.data.Close, FAST)
            self.slow = self.I(average, self.data.Close, SLOW)
            self.gap = float("nan")

        def next(self) -> None:
            before, self.gap = self.gap, self.fast[-1] - self.slow[-1]
            if self.gap > 0 >= before:
                self.turn(1)
            elif self.gap < 0 <= before:
                self.turn(-1)

        def turn(self, wanted: int) -> None:
            change = wanted - self.position.size
            if change > 0:
                self.buy(size=change)
            elif change < 0:
                self.sell(size=-change)

    data = indexed(frame).rename(columns=str.title)
    # That a trade is open at the end.
    warnings.simplefilter("ignore")

    def run(made: Any) -> tuple[int, float]:
        stats = made.run()
        broker = stats["_strategy"]._broker
        n_fills = len(broker.closed_trades) + len(broker.trades)
        return n_fills, float(stats["Equity Final [$]"]) - CASH

    return Side(lambda: Backtest(data, Cross, cash=CASH), run)
