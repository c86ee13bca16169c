"""A strategy that waits for the market, and asks for it, when there is no session any more."""

from __future__ import annotations

from datetime import date
from typing import Any

from lumibot.entities import Asset
from lumibot.strategies import Strategy

SPY = Asset("SPY")


class LateWaiter(Strategy):
    """On its last day it sleeps past the close, from an iteration or from the day's end, and waits.

    Parameters: where ("on_trading_iteration" or "after_market_closes"), wait ("open", "close" or
    "ask"), always (a market that never closes), day (the last).
    """

    def initialize(self, where: str = "", wait: str = "", always: bool = False) -> None:
        self.set_market("24/7" if always else "NYSE")
        self.sleeptime = "10M"
        self.where, self.wait = where, wait
        self.waited = False
        self.seen: list[Any] = []

    def note(self, *what: Any) -> None:
        source = self.broker.data_source
        now, more = self.get_datetime(), self.broker.should_continue()
        self.seen.append((*what, now, more, source.datetime_end, self.backtesting_end))

    def act(self, where: str) -> None:
        self.note(where, self.cash, len(self.get_positions()))
        last: date = self.parameters["day"]
        if self.where != where or self.waited or self.get_datetime().date() < last:
            return
        self.waited = True
        self.submit_order(self.create_order(SPY, 1, "buy"))
        self.sleep(8 * 3600)
        if self.wait == "open":
            self.await_market_to_open()
        elif self.wait == "close":
            self.await_market_to_close()
        else:
            self.note(self.broker.get_time_to_open(), self.broker.get_time_to_close())
        self.note("waited")
        self.submit_order(self.create_order(SPY, 1, "buy", limit_price=1.0))
        self.sleep(60)
        self.note("slept")

    def before_market_opens(self) -> None:
        self.act("before_market_opens")

    def on_trading_iteration(self) -> None:
        self.act("on_trading_iteration")

    def before_market_closes(self) -> None:
        self.act("before_market_closes")

    def after_market_closes(self) -> None:
        self.act("after_market_closes")

    def on_filled_order(self, position: Any, order: Any, price: Any, *_: Any) -> None:
        self.note("filled", price)

    def on_strategy_end(self) -> None:
        self.note("end", self.portfolio_value)
