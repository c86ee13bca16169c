"""A strategy that writes into the frames it is given, as many do: columns added, cells changed.

What it writes stays in lumibot's window while that stands still and, for cells, in later windows of
the same rows; orders and the market-input record then follow what was written.
"""

from __future__ import annotations

from typing import Any

from lumibot.entities import Asset
from lumibot.strategies import Strategy

MES = Asset("MES", Asset.AssetType.CONT_FUTURE)


class Scribbler(Strategy):
    """Trades on columns it adds to `bars.df`; now and then it mends or spoils a cell in place."""

    def initialize(self) -> None:
        self.set_market("us_futures")
        self.sleeptime = "1M"
        self.seen: list[Any] = []
        self.turn = 0

    def on_trading_iteration(self) -> None:
        self.turn += 1
        df = self.get_historical_prices(MES, 40, "minute").df
        df["fast"] = df["close"].rolling(5).mean()
        df["slow"] = df["close"].ewm(span=20).mean()
        df["volume"] = df["volume"].astype(float)
        if self.turn % 7 == 0:
            df.iloc[-2, df.columns.get_loc("close")] += 5.25
        if self.turn % 11 == 0:
            df.loc[df.index[10], ["open", "high"]] = 4700.0
        if self.turn % 13 == 0:
            df.loc[:, "low"] = df["low"].round()
        again = self.get_historical_prices(MES, 40, "minute").df
        other = self.get_historical_prices(MES, 12, "5 minutes").df
        other["range"] = other["high"] - other["low"]
        self.seen.append((again.copy(), again is df, other.copy(), self.get_last_price(MES)))
        self.act(again["fast"].iloc[-1], again["slow"].iloc[-1])

    def act(self, fast: float, slow: float) -> None:
        position = self.get_position(MES)
        holds = position is not None and position.quantity > 0
        if fast > slow and not holds:
            self.submit_order(self.create_order(MES, 2, "buy"))
        elif fast < slow and holds:
            self.submit_order(self.create_order(MES, position.quantity, "sell"))
