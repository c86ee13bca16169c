"""One peer of the SMA-cross benchmark, in an environment of the peers' own; rounds when asked.

`python bench/peers.py PEER BARS.parquet [ROWS]` speaks the lines of serve.py. What is timed is the
engine's run alone: the bars are in the peer's own form and, where the peer takes arrays of signals,
so are the signals. The job: simple averages of 20 and 60 closes; a cross at the close of one bar is
filled at the open of the next; one unit, long after a cross upwards and short after one downwards.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd
from serve import Side, arrays, serve

FAST, SLOW = 20, 60
CASH = 1e9


def crosses(close: Any) -> tuple[Any, Any]:
    """Where the fast average crosses the slow one upwards, and downwards."""
    series = pd.Series(close)
    gap = (series.rolling(FAST).mean() - series.rolling(SLOW).mean()).to_numpy()
    up, down = np.zeros(len(close), bool), np.zeros(len(close), bool)
    up[1:] = (gap[:-1] <= 0) & (gap[1:] > 0)
    down[1:] = (gap[:-1] >= 0) & (gap[1:] < 0)
    return up, down


def back_trader_cpp(frame: pd.DataFrame) -> Side:
    import back_trader as bt

    class Cross(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            self.fast = bt.ind.SMA(self.data.close, period=FAST)
            self.slow = bt.ind.SMA(self.data.close, period=SLOW)
            self.n_fills = 0

        def next(self) -> None:
            fast, slow = self.fast[0], self.slow[0]
            above = 1 if fast > slow else -1 if fast < slow else 0
            if above > 0 >= self.before:
                self.order_target_size(target=1)
            elif above < 0 <= self.before:
                self.order_target_size(target=-1)
            self.before = above

        def nextstart(self) -> None:
            self.before = 1 if self.fast[0] > self.slow[0] else -1

        def notify_order(self, order: Any) -> None:
            if order.status == order.Completed:
                self.n_fills += 1

    data = frame.set_index("timestamp")[["open", "high", "low", "close", "volume"]]
    data.index = data.index.tz_localize(None)

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


def vectorbt(engine: str) -> Callable[[pd.DataFrame], Side]:
    def make(frame: pd.DataFrame) -> Side:
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

    return make


def raptorbt(frame: pd.DataFrame) -> Side:
    import raptorbt as rbt

    stamps = frame["timestamp"].astype("int64").to_numpy()
    columns = [frame[name].to_numpy(float) for name in ("open", "high", "low", "close", "volume")]
    up, down = crosses(columns[3])
    config = rbt.BacktestConfig(
        initial_capital=1e6,
        fees=0.0,
        slippage=0.0,
        upon_bar_close=False,
        fill_timing="next_bar_open",
    )

    def run() -> tuple[int, float]:
        result = rbt.run_single_backtest(
            stamps, *columns, up, down, direction=1, symbol="X", config=config
        )
        trades = result.trades()
        return 2 * len(trades), sum(trade.exit_price - trade.entry_price for trade in trades)

    return arrays(run)


PEERS: dict[str, tuple[str, Callable[[pd.DataFrame], Side]]] = {
    "back-trader-cpp": ("back-trader-cpp", back_trader_cpp),
    "vectorbt": ("vectorbt", vectorbt("numba")),
    "vectorbt-rust": ("vectorbt", vectorbt("rust")),
    "raptorbt-long": ("raptorbt", raptorbt),
}


def main() -> int:
    package, make = PEERS[sys.argv[1]]
    frame = pd.read_parquet(sys.argv[2])
    if len(sys.argv) > 3:
        frame = frame.head(int(sys.argv[3]))
    serve(metadata.version(package), make(frame))
    return 0


if __name__ == "__main__":
    sys.exit(main())
