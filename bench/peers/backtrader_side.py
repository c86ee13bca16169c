"""backtrader, and back-trader-cpp, which runs the same strategies on a core in C++."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pandas as pd

from bench.peers.job import CASH, FAST, SLOW, indexed
from bench.serve import Side

RULE = "market order, at the next bar's open: its default"
TIMED = "reading the DataFrame into its lines, and both averages"


def make(module: str) -> Callable[[pd.DataFrame], Side]:
    def side(frame: pd.DataFrame) -> Side:
        bt = importlib.import_module(module)

        class Cross(bt.Strategy):  # type: ignore[name-defined]
            def __init__(self) -> None:
                self.fast = bt.ind.SMA(self.data.close, period=FAST)
                self.slow = bt.ind.SMA(self.data.close, period=SLOW)
                self.gap = float("nan")
                self.n_fills = 0

            def next(self) -> None:
                before, self.gap = self.gap, self.fast[0] - self.slow[0]
                if self.gap > 0 >= before:
                    self.order_target_size(target=1)
                elif self.gap < 0 <= before:
                    self.order_target_size(target=-1)

            def notify_order(self, order: Any) -> None:
                if order.status == order.Completed:
                    self.n_fills += 1

        data = indexed(frame)

        def prepare() -> Any:
            cerebro = bt.Cerebro(stdstats=False)
            cerebro.adddata(bt.feeds.PandasData(dataname=data))
            cerebro.addstrategy(Cross)
            cerebro.broker.setcash(CASH)
            return cerebro

        def run(cerebro: Any) -> tuple[int, float]:
            strategy = cerebro.run()[0]
            return strategy.n_fills, cerebro.broker.getvalue() - CASH

        return Side(prepare, run)

    return side
