"""raptorbt trades one side a run: long after a cross upwards, out after one downwards."""

from __future__ import annotations

import pandas as pd

from bench.peers.job import crosses
from bench.serve import Side, arrays

RULE = "at the next bar's open (fill_timing), long only; what is open is closed at the end"
TIMED = "its statistics, which cannot be left out; signals are there"


def side(frame: pd.DataFrame) -> Side:
    import raptorbt

    stamps = frame["timestamp"].astype("int64").to_numpy()
    columns = [frame[name].to_numpy(float) for name in ("open", "high", "low", "close", "volume")]
    up, down = crosses(columns[3])
    config = raptorbt.BacktestConfig(
        initial_capital=1e6,
        fees=0.0,
        slippage=0.0,
        upon_bar_close=False,
        fill_timing="next_bar_open",
    )

    def run() -> tuple[int, float]:
        result = raptorbt.run_single_backtest(
            stamps, *columns, up, down, direction=1, symbol="X", config=config
        )
        trades = result.trades()
        return 2 * len(trades), sum(trade.exit_price - trade.entry_price for trade in trades)

    return arrays(run)
