"""Every kind of order in turn: limit, stop, stop-limit, trail, bracket, OCO, OTO, IOC, FOK, day.

The kind is chosen by a counter and the prices by the latest bar, so that some orders fill at their
price, some at the open, some on the next day and some never.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lumibot.entities import Asset, Order
from lumibot.strategies import Strategy

MES = Asset("MES", Asset.AssetType.CONT_FUTURE)
PATIENCE = 7


class OrderTour(Strategy):
    """Every minute either waits for the orders it has out, or sends the next kind."""

    def initialize(self) -> None:
        self.set_market("us_futures")
        self.sleeptime = "1M"
        self.seen: list[tuple[Any, ...]] = []
        self.turn = 0
        self.waited = 0

    def on_trading_iteration(self) -> None:
        bars = self.get_historical_prices(MES, 15, "minute")
        price = self.get_last_price(MES)
        if bars is None or price is None:
            return
        df = bars.df
        spread = max(float((df["high"] - df["low"]).mean()), 0.25)
        position = self.get_position(MES)
        held = float(position.quantity) if position is not None else 0.0
        open_orders = [order for order in self.get_orders() if order.is_active()]
        self.seen.append((self.get_datetime(), price, spread, held, len(open_orders), self.cash))
        self.waited += 1
        if open_orders and self.waited < PATIENCE:
            return
        if open_orders:
            self.give_up(open_orders)
        else:
            kinds = self.entries() if held == 0 else self.exits()
            kind = kinds[self.turn % len(kinds)]
            self.turn += 1
            for order in kind(float(price), spread, held):
                self.submit_order(order)
        self.waited = 0

    def give_up(self, open_orders: list[Order]) -> None:
        if self.turn % 3 == 0:
            self.cancel_order(open_orders[0])
        elif self.turn % 3 == 1:
            self.cancel_orders(open_orders)
        else:
            self.cancel_open_orders()
        self.turn += 1

    def on_filled_order(self, position, order, price, quantity, multiplier) -> None:
        self.seen.append(("filled", order.side, price, quantity, position.quantity))

    def on_canceled_order(self, order) -> None:
        self.seen.append(("canceled", str(order.order_type)))

    # ---- Entries ---------------------------------------------------------------------------

    def entries(self) -> list[Callable[..., list[Order]]]:
        return [
            self.buy_limit,
            self.buy_stop,
            self.sell_limit_short,
            self.buy_bracket,
            self.buy_stop_limit,
            self.buy_now_or_never,
            self.sell_bracket,
            self.buy_one_triggers_other,
            self.buy_for_the_day,
            self.sell_stop_short,
        ]

    def buy_limit(self, price: float, spread: float, held: float) -> list[Order]:
        return [self.create_order(MES, 2, "buy", limit_price=price - 0.6 * spread)]

    def buy_stop(self, price: float, spread: float, held: float) -> list[Order]:
        return [self.create_order(MES, 1, "buy", stop_price=price + 0.5 * spread)]

    def buy_stop_limit(self, price: float, spread: float, held: float) -> list[Order]:
        stop, limit = price + 0.4 * spread, price + 0.8 * spread
        return [self.create_order(MES, 1, "buy", stop_price=stop, stop_limit_price=limit)]

    def buy_now_or_never(self, price: float, spread: float, held: float) -> list[Order]:
        in_force = ("ioc", "fok")[self.turn // 10 % 2]
        limit = price + (-0.2 if self.turn % 2 else 0.2) * spread
        return [self.create_order(MES, 1, "buy", limit_price=limit, time_in_force=in_force)]

    def buy_for_the_day(self, price: float, spread: float, held: float) -> list[Order]:
        far = price - 40 * spread
        return [self.create_order(MES, 1, "buy", limit_price=far, time_in_force="day")]

    def sell_limit_short(self, price: float, spread: float, held: float) -> list[Order]:
        return [self.create_order(MES, 2, "sell", limit_price=price + 0.6 * spread)]

    def sell_stop_short(self, price: float, spread: float, held: float) -> list[Order]:
        return [self.create_order(MES, 1, "sell_short", stop_price=price - 0.5 * spread)]

    def buy_bracket(self, price: float, spread: float, held: float) -> list[Order]:
        return [self.bracket("buy", price, spread)]

    def sell_bracket(self, price: float, spread: float, held: float) -> list[Order]:
        return [self.bracket("sell", price, -spread)]

    def bracket(self, side: str, price: float, spread: float) -> Order:
        return self.create_order(
            MES,
            3,
            side,
            order_class=Order.OrderClass.BRACKET,
            secondary_limit_price=price + 2 * spread,
            secondary_stop_price=price - 1.5 * spread,
        )

    def buy_one_triggers_other(self, price: float, spread: float, held: float) -> list[Order]:
        order = self.create_order(
            MES,
            1,
            "buy",
            limit_price=price + spread,
            order_class=Order.OrderClass.OTO,
            secondary_stop_price=price - 2 * spread,
        )
        return [order]

    # ---- Exits -----------------------------------------------------------------------------

    def exits(self) -> list[Callable[..., list[Order]]]:
        return [
            self.leave_at_limit,
            self.leave_by_trail_price,
            self.leave_by_trail_percent,
            self.leave_by_either,
            self.leave_by_close_position,
            self.leave_in_halves,
        ]

    def side(self, held: float) -> tuple[str, float]:
        return ("sell", 1.0) if held > 0 else ("buy", -1.0)

    def leave_at_limit(self, price: float, spread: float, held: float) -> list[Order]:
        side, sign = self.side(held)
        return [self.create_order(MES, abs(held), side, limit_price=price + sign * 0.7 * spread)]

    def leave_by_trail_price(self, price: float, spread: float, held: float) -> list[Order]:
        side, _ = self.side(held)
        return [self.create_order(MES, abs(held), side, trail_price=1.2 * spread)]

    def leave_by_trail_percent(self, price: float, spread: float, held: float) -> list[Order]:
        side, _ = self.side(held)
        return [self.create_order(MES, abs(held), side, trail_percent=0.0005)]

    def leave_by_either(self, price: float, spread: float, held: float) -> list[Order]:
        side, sign = self.side(held)
        return [
            self.create_order(
                MES,
                abs(held),
                side,
                order_class=Order.OrderClass.OCO,
                limit_price=price + sign * spread,
                stop_price=price - sign * spread,
            )
        ]

    def leave_by_close_position(self, price: float, spread: float, held: float) -> list[Order]:
        self.close_position(MES)
        return []

    def leave_in_halves(self, price: float, spread: float, held: float) -> list[Order]:
        side, _ = self.side(held)
        half = max(abs(held) // 2, 1)
        return [self.create_order(MES, half, side), self.create_order(MES, abs(held) - half, side)][
            : 2 if abs(held) > half else 1
        ]
