"""Orders and questions drawn from a seed: every order type lumibot fills, on whatever is there."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from lumibot.entities import Order
from lumibot.strategies import Strategy

STEPS = ("minute", "minute", "5 minutes", "hour", "day")


class RandomTrader(Strategy):
    """Acts by chance; the same seed over the same bars acts the same."""

    parameters: ClassVar = {"seed": 0, "pairs": (), "sleep": "15M", "market": "24/7"}

    def initialize(self) -> None:
        self.set_market(self.parameters["market"])
        self.sleeptime = self.parameters["sleep"]
        self.rng = np.random.default_rng([self.parameters["seed"], 3])
        self.seen: list[Any] = []

    def on_trading_iteration(self) -> None:
        pairs = self.parameters["pairs"]
        asset, quote = pairs[int(self.rng.integers(len(pairs)))]
        try:
            self.look(asset, quote)
            self.act(asset, quote)
        except Exception as error:
            self.seen.append((self.get_datetime(), type(error).__name__))

    def look(self, asset: Any, quote: Any) -> None:
        step = str(self.rng.choice(STEPS))
        shift = (None, None, 0, 1, -1)[int(self.rng.integers(5))]
        length = int(self.rng.integers(1, 60))
        bars = self.get_historical_prices(asset, length, step, timeshift=shift, quote=quote)
        price = self.get_last_price(asset, quote=quote)
        frame = None if bars is None else bars.df.copy()
        self.seen.append((self.get_datetime(), price, frame, self.cash, self.portfolio_value))
        if self.rng.random() < 0.2:
            found = self.get_quote(asset, quote=quote)
            self.seen.append((found.price, found.bid, found.ask, found.mid_price, found.bid_size))

    def act(self, asset: Any, quote: Any) -> None:
        price = self.get_last_price(asset, quote=quote)
        chance = self.rng.random()
        if chance < 0.1:
            self.cancel_open_orders()
        elif chance < 0.17:
            self.close_position(asset)
        elif chance < 0.2 and self.get_positions():
            self.sell_all()
        elif chance < 0.75 and price is not None:
            self.submit_order(self.any_order(asset, quote, float(price)))

    def any_order(self, asset: Any, quote: Any, price: float) -> Order:
        side = str(self.rng.choice(["buy", "buy", "sell"]))
        size = float(self.rng.choice([0.25, 1.5])) if asset.asset_type == "crypto" else 1.0
        size = size if size < 1 else int(self.rng.integers(1, 5))
        more = self.any_terms(price)
        if quote is not None:
            more["quote"] = quote
        if self.rng.random() < 0.2:
            more["time_in_force"] = str(self.rng.choice(["day", "ioc", "fok", "gtc"]))
        return self.create_order(asset, size, side, **more)

    def any_terms(self, price: float) -> dict[str, Any]:
        near, far = (price * (1 + s) for s in self.rng.normal(0, 0.001, 2))
        kind = int(self.rng.integers(9))
        bracket = {"secondary_limit_price": price * 1.002, "secondary_stop_price": price * 0.998}
        return [
            {},
            {"limit_price": near},
            {"stop_price": near},
            {"stop_price": near, "limit_price": far, "order_type": Order.OrderType.STOP_LIMIT},
            {"trail_price": abs(near - price) + 0.01},
            {"trail_percent": 0.001},
            {"order_class": Order.OrderClass.BRACKET, **bracket},
            {"order_class": Order.OrderClass.OCO, "limit_price": near, "stop_price": far},
            {"order_class": Order.OrderClass.OTO, "limit_price": near, **bracket},
        ][kind]
