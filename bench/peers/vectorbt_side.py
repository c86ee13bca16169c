"""vectorbt, on numba and on its backend in Rust: arrays of signals, moved one bar on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from bench.peers.job import CASH, crosses
from bench.serve import Side, arrays

RULE = "at the open: opens are its prices of orders, and signals are moved one bar on"
TIMED = "nothing but the simulation and the final value; signals are there"


def make(engine: str) -> Callable[[pd.DataFrame], Side]:
    def side(frame: pd.DataFrame) -> Side:
        import vectorbt as vbt

        vbt.settings["engine"] = engine
        opens, closes = frame["open"].to_numpy(float), frame["close"].to_numpy(float)
        up, down = (np.concatenate([[False], signal[:-1]]) for signal in crosses(closes))

        def run() -> tuple[int, float]:
            portfolio = vbt.Portfolio.from_signals(
                closes,
                entries=up,
                short_entries=down,
                price=opens,
                size=1,
                init_cash=CASH,
                upon_opposite_entry="reverse",
                freq="1min",
            )
            return len(portfolio.order_records), float(portfolio.final_value()) - CASH

        return arrays(run)

    return side
