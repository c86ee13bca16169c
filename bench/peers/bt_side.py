"""bt trades at the one price a bar that it is given: here opens, with crosses moved a bar on."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.peers.job import CASH, crosses, indexed
from bench.serve import Side

RULE = "at the open: opens are its prices, and a cross is told it one bar later"
TIMED = "its statistics of the value, which cannot be left out; not the crosses"


def side(frame: pd.DataFrame) -> Side:
    import bt

    bars = indexed(frame)
    up, down = crosses(bars["close"].to_numpy())
    stamps = bars.index[1:]
    wanted = dict.fromkeys(stamps[up[:-1]], 1) | dict.fromkeys(stamps[down[:-1]], -1)
    opens = bars[["open"]].rename(columns={"open": "X"})
    last_close = float(bars["close"].iloc[-1])

    class Turn(bt.Algo):
        def __init__(self) -> None:
            super().__init__()
            self.held = 0

        def __call__(self, target: Any) -> bool:
            unit = wanted.get(target.now)
            if unit is not None and unit != self.held:
                target.transact(unit - self.held, child="X")
                self.held = unit
            return True

    def prepare() -> Any:
        strategy = bt.Strategy("cross", [Turn()], children=["X"])
        return bt.Backtest(strategy, opens, initial_capital=CASH)

    def run(test: Any) -> tuple[int, float]:
        test.run()
        strategy = test.strategy
        held = strategy.children["X"].position
        return len(strategy.get_transactions()), strategy.capital - CASH + held * last_close

    return Side(prepare, run)
