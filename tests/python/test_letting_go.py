"""A run that is over: nothing of it waits for the garbage collector."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

import millibar as mb
from millibar import Asset, Backtest, Data, Order, PandasDataBacktesting, Strategy

START = 1_704_292_200_000_000_000  # 2024-01-03 09:30 New York
SPY = Asset("SPY")
EXITS = {"secondary_limit_price": 150.0, "secondary_stop_price": 50.0}
ORDERS: dict[str, dict[str, Any]] = {
    "market": {},
    "bracket": {"order_class": "bracket", **EXITS},
    "oco": {"order_class": "oco", "limit_price": 150.0, "stop_price": 50.0},
}


@pytest.fixture(autouse=True)
def without_collector() -> Iterator[None]:
    pd.DataFrame({"a": [1.0]}, index=pd.DatetimeIndex(["2024"], tz="America/New_York"))["a"].mean()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def minutes(n: int = 40) -> mb.Bars:
    close = 100 + np.arange(n) / 100
    stamps = (START + np.arange(n) * 60_000_000_000).view("datetime64[ns]")
    columns = {"timestamp": stamps, "open": close, "high": close + 0.5, "low": close - 0.5}
    return mb.Bars(columns | {"close": close, "volume": np.full(n, 7.0)}, tz="UTC")


class Busy(Strategy):
    """Uses a bit of everything, and keeps what it can."""

    order: dict[str, Any]

    def initialize(self) -> None:
        self.average = self.indicator("sma", SPY, 3)
        self.kept: list[Any] = []

    def on_trading_iteration(self) -> None:
        bars = self.get_historical_prices(SPY, 5)
        if bars is not None:
            self.kept = [bars, bars.df["close"].mean(), self.get_last_price(SPY)]
        order = self.create_order(SPY, 1, "buy", **self.parameters["order"])
        self.submit_order(order)
        self.kept += [order, self.get_orders(), self.get_positions(), self.portfolio_value]
        if self.parameters.get("fails") and len(self.kept[-3]) > 4:
            raise RuntimeError("enough")

    def on_filled_order(self, *told: Any) -> None:
        self.last_fill = told


def parts_of(strategy: Any) -> dict[str, weakref.ref[Any]]:
    order = next(each for each in strategy.kept if isinstance(each, Order))
    broker = strategy.broker
    parts = {
        "strategy": strategy,
        "broker": broker,
        "source": broker.data_source,
        "result": strategy.result,
        "order": order,
        "children": order.child_orders[0] if order.child_orders else order,
        "frame": strategy.kept[0].df,
    }
    return {name: weakref.ref(part) for name, part in parts.items()}


def left(play: Callable[[], dict[str, weakref.ref[Any]]]) -> tuple[set[str], int]:
    """What is still there after a run that nobody holds on to, and bytes in C."""
    play()  # what is loaded and made once
    gc.collect()
    before = mb.memory_live_bytes()
    parts = play()
    alive = {name for name, part in parts.items() if part() is not None}
    return alive, mb.memory_live_bytes() - before


@pytest.mark.parametrize("kind", ORDERS)
@pytest.mark.parametrize("policy", ["strict", "lumibot"])
def test_a_backtest_is_let_go(policy: str, kind: str) -> None:
    def play() -> dict[str, weakref.ref[Any]]:
        parameters = {"order": ORDERS[kind]}
        backtest = Backtest(Busy, {SPY: minutes()}, policy=policy, parameters=parameters)
        result = backtest.run()
        assert len(result.orders) > 10
        return parts_of(backtest.strategy)

    assert left(play) == (set(), 0)


def test_so_is_one_that_failed() -> None:
    def play() -> dict[str, weakref.ref[Any]]:
        parameters = {"order": ORDERS["bracket"], "fails": True}
        backtest = Backtest(Busy, {SPY: minutes()}, parameters=parameters)
        try:
            backtest.run()
        except RuntimeError:
            return parts_of(backtest.strategy)
        raise AssertionError("it did not fail")

    assert left(play) == (set(), 0)


def test_so_is_one_that_a_class_ran_itself() -> None:
    """The class keeps its trader, as in lumibot, and the trader its strategies while they live."""

    def play() -> dict[str, weakref.ref[Any]]:
        frame = minutes().to_pandas()
        frame.index = pd.DatetimeIndex(frame.index).tz_convert("America/New_York")
        _, strategy = Busy.run_backtest(
            PandasDataBacktesting,
            datetime(2024, 1, 3, 9, 30),
            datetime(2024, 1, 3, 10, 0),
            pandas_data=[Data(SPY, frame, timestep="minute")],
            parameters={"order": ORDERS["bracket"]},
            show_progress_bar=False,
        )
        assert strategy._trader._strategies == [strategy]
        return parts_of(strategy)

    assert left(play) == (set(), 0)
    assert Busy._trader._strategies == []


def test_what_is_kept_of_a_run_stays_whole() -> None:
    """Orders without the rest of it, a broker without its strategy."""
    backtest = Backtest(
        Busy, {SPY: minutes()}, policy="lumibot", parameters={"order": ORDERS["bracket"]}
    )
    result = backtest.run()
    broker, orders = backtest.broker, backtest.broker.get_tracked_orders()
    parent = next(each for each in orders if each.child_orders and each.is_filled())
    limit, stop = parent.child_orders
    cash = broker.get_tracked_positions()[0].quantity
    del backtest, orders, result
    assert broker.strategy is None
    assert broker.get_tracked_positions()[0].quantity == cash
    del broker
    assert limit.dependent_order is stop and stop.dependent_order is limit
    name = limit.parent_identifier
    assert name == parent.identifier == stop.parent_identifier
    assert parent.status == "fill" and limit.status == "unprocessed"
    del parent
    assert stop.parent_identifier == name and stop.status == "unprocessed"


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_copies_of_children_belong_together(copied: Any) -> None:
    seen: list[Order] = []

    def iterate(self: Any) -> None:
        if self.first_iteration:
            order = self.create_order(SPY, 1, "buy", **ORDERS["bracket"])
            seen.append(self.submit_order(order))

    Backtest(iterate, {SPY: minutes()}).run()
    order = seen[0]
    other = copied(order)
    limit, stop = other.child_orders
    assert limit.dependent_order is stop and stop.dependent_order is limit
    assert limit._parent is other and limit.parent_identifier == order.identifier
    lone = copied(order.child_orders[0])
    assert lone.parent_identifier == order.identifier and lone == order.child_orders[0]
