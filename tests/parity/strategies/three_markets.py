"""A future, a stock with bid and ask, and a coin, on mixed steps: the multi-asset run."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lumibot.entities import Asset
from lumibot.strategies import Strategy

FUTURE = Asset("MES", Asset.AssetType.CONT_FUTURE)
STOCK = Asset("SPY")
COIN = Asset("BTC", Asset.AssetType.CRYPTO)
USD = Asset("USD", Asset.AssetType.FOREX)
SLOW = Asset("AAPL")


class ThreeMarkets(Strategy):
    """Every five minutes: windows of minutes, quarters, hours and days; quotes; orders on each."""

    def initialize(self) -> None:
        self.set_market("24/7")
        self.sleeptime = "5M"
        self.seen: list[Any] = []
        self.steps = 0

    def on_trading_iteration(self) -> None:
        self.steps += 1
        self.seen.append((self.get_datetime(), self.cash, self.portfolio_value))
        self.trade(FUTURE, None, 1, "15 minutes", 8)
        self.trade(STOCK, None, 25, "minute", 30)
        self.trade(COIN, USD, Decimal("0.125"), "hour", 5)
        self.look_about()

    def trade(self, asset: Asset, quote: Asset | None, size: Any, step: str, length: int) -> None:
        """Above its mean buy, below sell: one unit at most."""
        bars = self.get_historical_prices(asset, length, step, quote=quote)
        price = self.get_last_price(asset, quote=quote)
        frame = None if bars is None else bars.pandas_df
        self.seen.append((asset.symbol, price, None if frame is None else frame.copy()))
        if frame is None or len(frame) < 3 or price is None:
            return
        mean = frame["close"].mean()
        position = self.get_position(asset)
        holds = position is not None and position.quantity > 0
        side = "buy" if price > mean and not holds else "sell" if price < mean and holds else None
        if side is not None:
            self.submit_order(self.create_order(asset, size, side, quote=quote))

    def look_about(self) -> None:
        """What a strategy may also ask, most of it rarely."""
        quote = self.get_quote(STOCK)
        self.seen.append((quote.price, quote.bid, quote.ask, quote.mid_price, quote.bid_size))
        if self.steps % 12:
            return
        daily = self.get_historical_prices(SLOW, 10, "day")
        made = self.get_historical_prices(COIN, 2, "day", quote=USD)
        many = self.get_historical_prices_for_assets([FUTURE, STOCK], 3, "minute")
        last = self.get_last_prices([FUTURE, STOCK, SLOW])
        self.seen += [None if bars is None else bars.df.copy() for bars in (daily, made)]
        self.seen += [{asset.symbol: bars.df.copy() for asset, bars in many.items() if bars}]
        self.seen += [{asset.symbol: price for asset, price in last.items()}]
