"""The MES momentum strategy three times: as it is, on numpy, on the engine's own indicators.

All three make the same trades on prices of a quarter tick, whose sums are exact in any order. They
are written to lumibot's names and loaded after it was decided whose classes those are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mes_momentum import MESMomentum

__all__ = ["MESMomentum", "NativeMomentum", "NumpyMomentum"]


class NumpyMomentum(MESMomentum):
    """Columns as arrays, arithmetic by numpy; works inside lumibot as well."""

    def on_trading_iteration(self) -> None:
        bars = self.get_historical_prices(self.asset, self.parameters["bars"], "minute")
        price = self.get_last_price(self.asset)
        if bars is None or price is None or len(bars) <= self.parameters["atr"]:
            return
        close = self.column(bars, "close")
        average = (close[1 - self.parameters["sma"] :].sum() + price) / self.parameters["sma"]
        position = self.get_position(self.asset)
        if position is not None and position.quantity > 0:
            if price <= average:
                self.leave()
        elif price > average and not self.open_orders():
            self.enter(price, self.true_range(bars, close))

    @staticmethod
    def column(bars: Any, name: str) -> Any:
        """millibar's Bars give a column without a frame."""
        column = getattr(bars, "column", None)
        return bars.df[name].to_numpy() if column is None else column(name)

    def true_range(self, bars: Any, close: Any) -> float:
        n = self.parameters["atr"]
        high, low = self.column(bars, "high")[-n:], self.column(bars, "low")[-n:]
        before = close[-n - 1 : -1]
        ranges = np.maximum(high - low, np.maximum(abs(high - before), abs(low - before)))
        return float(ranges.sum() / n)


class NativeMomentum(MESMomentum):
    """Two indicators that the engine keeps up as bars close; no bars are asked for at all, and the
    latest order is remembered instead of looked for among all there ever were."""

    def initialize(self) -> None:
        super().initialize()
        self.latest: Any = None
        self.n_closes = self.parameters["sma"] - 1
        self.closes = self.indicator("sma", self.asset, self.n_closes)
        self.range = self.indicator("atr", self.asset, self.parameters["atr"])

    def on_trading_iteration(self) -> None:
        price = self.get_last_price(self.asset)
        if price is None:
            return
        average = (self.closes.value * self.n_closes + price) / self.parameters["sma"]
        position = self.get_position(self.asset)
        if position is not None and position.quantity > 0:
            if price <= average:
                self.leave()
        elif price > average and not self.open_orders():
            self.enter(price, self.range.value)

    def submit_order(self, order: Any) -> Any:
        self.latest = order
        return super().submit_order(order)

    def open_orders(self) -> Any:
        """A flat account has at most the one that it sent last."""
        return self.latest is not None and self.latest.is_active()
