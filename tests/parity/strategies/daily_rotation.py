"""Daily stocks with dividends and splits: hold the two strongest, rebalance every fifth day."""

from __future__ import annotations

from typing import Any, ClassVar

from lumibot.entities import Asset
from lumibot.strategies import Strategy


class DailyRotation(Strategy):
    """Looks at daily windows of several lengths and shifts, at last prices, cash and positions."""

    parameters: ClassVar = {"symbols": ("AAA", "BBB", "CCC", "DDD"), "window": 20, "hold": 2}

    def initialize(self) -> None:
        self.sleeptime = "1D"
        self.seen: list[tuple[Any, ...]] = []
        self.days = 0
        self.assets = [Asset(symbol) for symbol in self.parameters["symbols"]]

    def on_trading_iteration(self) -> None:
        strength = {asset: self.strength_of(asset) for asset in self.assets}
        self.seen.append((self.get_datetime(), self.cash, self.portfolio_value, *self.held()))
        self.days += 1
        if self.days % 5 != 1 or any(value is None for value in strength.values()):
            return
        best = sorted(self.assets, key=lambda asset: strength[asset], reverse=True)
        chosen = best[: self.parameters["hold"]]
        self.sell_others(chosen)
        self.buy(chosen)

    def strength_of(self, asset: Asset) -> float | None:
        bars = self.get_historical_prices(asset, self.parameters["window"], "day")
        shifted = self.get_historical_prices(asset, 3, "day", timeshift=5)
        if bars is None or shifted is None or len(bars) < self.parameters["window"]:
            self.seen.append((asset.symbol, None if bars is None else len(bars)))
            return None
        df = bars.df
        self.seen.append((asset.symbol, df.copy(), shifted.df.copy(), bars.get_momentum(5)))
        return float(df["return"].sum() / df["return"].std())

    def held(self) -> list[tuple[str, float]]:
        return [(p.asset.symbol, p.quantity, p.avg_fill_price) for p in self.get_positions()]

    def sell_others(self, chosen: list[Asset]) -> None:
        for position in self.get_positions():
            if position.asset in self.assets and position.asset not in chosen:
                self.submit_order(self.create_order(position.asset, position.quantity, "sell"))

    def buy(self, chosen: list[Asset]) -> None:
        prices = self.get_last_prices(chosen)
        self.seen.append(tuple(prices[asset] for asset in chosen))
        for asset in chosen:
            position = self.get_position(asset)
            wanted = int(self.portfolio_value * 0.45 // prices[asset])
            missing = wanted - (int(position.quantity) if position else 0)
            if missing > 0:
                self.submit_order(self.create_order(asset, missing, "buy"))
