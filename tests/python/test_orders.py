"""Orders and positions by themselves and attached to an engine; test_values_as_lumibot.py has them
beside lumibot's."""

from __future__ import annotations

import copy
import json
import pickle
import timeit
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from millibar import _core
from millibar.assets import Asset
from millibar.errors import InvalidError
from millibar.orders import Order, Position

SPY = Asset("SPY")
USD = Asset("USD", "forex")
Side, Kind = Order.OrderSide, Order.OrderType
MINUTE = 60 * 10**9
FIRST = 1_704_292_200 * 10**9


def bracket(**more: Any) -> Order:
    return Order(
        "s",
        SPY,
        2,
        "buy",
        order_class="bracket",
        secondary_limit_price=110.0,
        secondary_stop_price=95.0,
        **more,
    )


# ---- Making them -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prices", "kind"),
    [
        ({}, Kind.MARKET),
        ({"limit_price": 1.0}, Kind.LIMIT),
        ({"limit_price": "1.5"}, Kind.LIMIT),
        ({"stop_price": 1.0}, Kind.STOP),
        ({"stop_price": 1.0, "stop_limit_price": 2.0}, Kind.STOP_LIMIT),
        ({"stop_price": 1.0, "limit_price": 2.0, "order_type": "stop_limit"}, Kind.STOP_LIMIT),
        ({"trail_price": 1.0}, Kind.TRAIL),
        ({"trail_percent": 0.1}, Kind.TRAIL),
        ({"order_type": "smart_limit"}, Kind.SMART_LIMIT),
    ],
)
def test_the_type_follows_from_the_prices(prices: dict[str, Any], kind: Any) -> None:
    assert Order("s", SPY, 1, "buy", **prices).order_type is kind


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"side": "hold"}, "side"),
        ({"order_type": "sideways"}, "order_type"),
        ({"order_class": "both"}, "order_class"),
        ({"limit_price": "dear"}, "limit_price"),
        ({"limit_price": 1.0, "stop_price": 2.0}, "could not be determined"),
        ({"stop_limit_price": 1.0, "trail_price": 2.0}, "only specify one of"),
        ({"secondary_trail_price": 1, "secondary_trail_percent": 2}, "only specify one of"),
        ({"order_class": "bracket"}, "BRACKET"),
        ({"order_class": "oco", "limit_price": 1.0}, "OCO"),
        ({"order_class": "oto"}, "OTO"),
        ({"order_class": "oto", "secondary_limit_price": 1, "secondary_stop_price": 2}, "OTO"),
        ({"type": "limit", "order_type": "limit"}, "cannot set both"),
        ({"child_orders": [1, 2], "order_class": "oco"}, "type Order"),
    ],
)
def test_what_makes_no_order_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueError, AttributeError), match=words):
        Order("s", SPY, 1, **{"side": "buy"} | arguments)


def test_children_close_what_the_parent_opens_and_depend_on_each_other() -> None:
    order = bracket(quote=USD)
    limit, stop = order.child_orders
    assert (limit.limit_price, stop.stop_price) == (110.0, 95.0)
    assert limit.side is stop.side is Side.SELL_TO_CLOSE
    assert limit.dependent_order is stop and stop.dependent_order is limit
    assert all(c.quantity == 2 and c.quote is USD and c.asset is SPY for c in (limit, stop))
    assert limit.order_type is Kind.LIMIT and stop.order_type is Kind.STOP
    trailing = Order(
        "s", SPY, 1, "sell", order_class="oto", secondary_stop_price=9, secondary_trail_percent=0.1
    )
    child = trailing.child_orders[0]
    assert child.order_type is Kind.TRAIL and child.side is Side.BUY_TO_CLOSE
    either = Order("s", SPY, 1, "sell", order_class="oco", limit_price=9, stop_price=8)
    assert [c.side for c in either.child_orders] == [Side.SELL, Side.SELL]
    assert either.order_type is Kind.LIMIT and either.is_advanced_order()


def test_quantities_are_kept_as_given_until_they_are_set() -> None:
    order = bracket()
    assert order.quantity == 2 and isinstance(order.quantity, int)
    order.quantity = 0.1
    assert order.quantity == Decimal("0.1")
    assert [child.quantity for child in order.child_orders] == [Decimal("0.1")] * 2
    assert Order("s", SPY, -3, "buy").quantity == 3


def test_an_asset_priced_in_itself_makes_an_empty_order(caplog: pytest.LogCaptureFixture) -> None:
    order = Order("s", USD, 1, "buy", quote=USD)
    assert order.asset is None and order.quantity is None
    assert "must be different" in caplog.text


def test_identifiers_are_made_when_looked_at_and_count_up() -> None:
    first, second = Order("s", SPY, 1, "buy"), Order("s", SPY, 1, "buy")
    assert "_identifier" not in vars(first)
    earlier, later = first.identifier, second.identifier
    assert len(earlier) == 32 and int(later, 16) == int(earlier, 16) + 1
    assert first != second and first == first and len({first, second, first}) == 2
    parent = bracket(identifier="mine")
    assert parent.identifier == "mine"
    parent.set_identifier("other")
    assert [child.parent_identifier for child in parent.child_orders] == ["other"] * 2


def test_copies_are_the_same_order() -> None:
    order = bracket(tag="t")
    order.mark = 5  # type: ignore[attr-defined]
    for twin in (copy.copy(order), copy.deepcopy(order), pickle.loads(pickle.dumps(order))):
        assert twin == order and twin.tag == "t" and twin.mark == 5
        assert twin.child_orders == order.child_orders
    assert copy.deepcopy(order).child_orders[0] is not order.child_orders[0]


def test_dictionaries_hold_everything_and_come_back() -> None:
    order = bracket(tag="t", quote=USD, custom_params={"x": 1})
    order.mark = Decimal("1.5")  # type: ignore[attr-defined]
    made = order.to_dict()
    assert made["mark"] == 1.5 and made["quantity"] == 2 and made["status"] == "unprocessed"
    assert made["child_orders"][0]["dependent_order"] == order.child_orders[1].identifier
    assert not any(key.startswith("_") for key in made)
    back = Order.from_dict(json.loads(json.dumps(made)))
    assert back == order and back.to_dict().keys() >= made.keys()
    assert back.order_type is Kind.MARKET and back.order_class is Order.OrderClass.BRACKET
    assert back.quote == USD and back.child_orders[0].limit_price == 110.0
    assert back.child_orders[0].dependent_order is back.child_orders[1]


def test_an_order_of_a_backtest_costs_little() -> None:
    def make() -> Order:
        return Order("s", SPY, 1, "buy", quote=USD, time_in_force="gtc", order_type=Kind.MARKET)

    plain = min(timeit.repeat(lambda: dict(a=1, b=2, c=3), number=2000, repeat=9))  # noqa: C408
    spent = min(timeit.repeat(make, number=2000, repeat=9))
    # 2.3 us here, where such a dictionary takes 0.12: twice that much room.
    assert spent < 40 * plain, (spent, plain)


# ---- On an engine ----------------------------------------------------------------------------


def series(prices: list[tuple[float, float, float, float]]) -> _core.Series:
    times = np.arange(len(prices), dtype="int64") * MINUTE + FIRST
    columns = [_core.column_from_buffer("t", times, "timestamp", zone="UTC")]
    rows = np.array(prices, dtype="float64")
    for i, name in enumerate(("open", "high", "low", "close")):
        columns.append(_core.column_from_buffer(name, rows[:, i].copy(), "float64"))
    columns.append(_core.column_from_buffer("volume", np.full(len(prices), 10.0), "float64"))
    return _core.Series(_core.Table(columns), time="t", step="minute")


class Script:
    """A strategy for the engine: one function an iteration."""

    def __init__(self, engine: Any, *steps: Any) -> None:
        self.engine = engine
        self.steps = list(steps)

    def on_trading_iteration(self) -> None:
        if self.steps:
            self.steps.pop(0)()


def engine_over(*prices: tuple[float, float, float, float]) -> Any:
    bars = series(list(prices))
    engine = _core.Engine(
        policy="lumibot",
        clock="step",
        sessions="continuous",
        start_ns=FIRST,
        end_ns=FIRST + (len(prices) - 1) * MINUTE,
        buy_fees=[(1.0, 0.0, 0.0, True, True)],
    )
    assert engine.add_asset("SPY", "stock", bars) == 0
    return engine


def submit(engine: Any, order: Order, **terms: Any) -> None:
    number = engine.submit(
        0,
        order.side,
        order.quantity,
        order.order_type,
        order.limit_price,
        order.stop_price,
        **terms,
    )
    order._attach(engine, number)


def test_an_attached_order_reads_its_fate_from_the_engine() -> None:
    engine = engine_over((100, 101, 99, 100), (100, 102, 99, 101), (100, 102, 99, 101))
    order = Order("s", SPY, 3, "buy")
    position = Position("s", SPY, 0)
    seen: list[Any] = []

    def look() -> None:
        seen.append((order.status, order.avg_fill_price, order.filled_quantity, order.trade_cost))
        seen.append((order.transactions, order.is_active(), position.quantity))

    def begin() -> None:
        submit(engine, order)
        position._attach(engine, 0)
        look()

    engine.run(Script(engine, begin, look))
    assert seen[:2] == [("new", None, 0.0, None), ([], True, 0.0)]
    assert seen[2] == ("fill", 100.0, 3.0, 1.0)
    assert seen[3] == ([Order.Transaction(3.0, 100.0)], False, 3.0)
    assert order.is_filled() and order.get_fill_price() == 100.0 and order.was_transmitted()
    assert position.avg_fill_price == 100.0
    with pytest.raises(InvalidError, match="is the engine's"):
        position.quantity = 5
    position._detach()
    assert position.quantity == 0 and position.avg_fill_price is None
    twin = copy.deepcopy(order)
    assert (twin.status, twin.avg_fill_price, twin.trade_cost) == ("fill", 100.0, 1.0)
    assert twin._engine is None and pickle.loads(pickle.dumps(order)).is_filled()


def test_setting_prices_of_an_attached_order_changes_it_in_the_engine() -> None:
    engine = engine_over(*[(100, 101, 99, 100)] * 4)
    order = Order("s", SPY, 3, "buy", limit_price=50.0)

    def change() -> None:
        assert order.is_active()
        order.limit_price = 99.5
        order.quantity = 2
        assert engine.order(order._id).limit_price == 99.5
        for name in ("stop_limit_price", "trail_price", "trail_percent"):
            with pytest.raises(InvalidError, match="submit another"):
                setattr(order, name, 1.0)

    engine.run(Script(engine, lambda: submit(engine, order), change))
    assert order.status == "fill" and order.avg_fill_price == 99.5 and order.filled_quantity == 2


def test_children_are_numbered_after_their_parent() -> None:
    engine = engine_over((100, 101, 99, 100), (100, 111, 99, 110), (100, 101, 99, 100))
    order = bracket()
    terms = {"order_class": "bracket", "child_limit_price": 110.0, "child_stop_price": 95.0}
    engine.run(Script(engine, lambda: submit(engine, order, **terms)))
    limit, stop = order.child_orders
    assert [order.status, limit.status, stop.status] == ["fill", "fill", "canceled"]
    assert limit.avg_fill_price == 110.0 and stop.avg_fill_price is None
    assert limit.parent_identifier == stop.parent_identifier == order.identifier
    assert not order.is_active() and stop.is_canceled()


def test_a_trailing_stop_is_the_engines() -> None:
    engine = engine_over((100, 104, 99, 100), (103, 106, 103, 104), (103, 106, 103, 104))
    order = Order("s", SPY, 1, "sell", trail_price=2.0)
    stops: list[Any] = []
    script = Script(
        engine,
        lambda: submit(engine, order, trail_amount=2.0),
        lambda: stops.append(order.get_current_trail_stop_price()),
    )
    engine.run(script)
    assert stops == [102.0]


def test_a_status_set_on_an_attached_order_holds_until_the_engine_has_another() -> None:
    engine = engine_over(*[(100, 101, 99, 100)] * 3)
    order = Order("s", SPY, 1, "buy")

    def begin() -> None:
        submit(engine, order)
        order.status = "cancelling"
        assert order.status == "cancelling" and order.is_active()

    engine.run(Script(engine, begin))
    assert order.status == "fill"


def test_waiting_for_what_cannot_come_is_an_error() -> None:
    engine = engine_over(*[(100, 101, 99, 100)] * 3)
    order = Order("s", SPY, 1, "buy", limit_price=1.0)

    def begin() -> None:
        submit(engine, order)
        order.wait_to_be_registered()
        with pytest.raises(InvalidError, match="time stands still"):
            order.wait_to_be_closed()

    engine.run(Script(engine, begin))
    loose = Order("s", SPY, 1, "buy")
    loose.set_new()
    loose.set_error("no")
    loose.wait_to_be_registered()
    loose.wait_to_be_closed()
    assert loose.status == "error" and loose.error_message == "no"


# ---- Positions -------------------------------------------------------------------------------


def test_positions_count_what_orders_add() -> None:
    position = Position("s", SPY, 0)
    order = Order("s", SPY, 1, "sell_short")
    position.add_order(order, Decimal("1.5"))
    position.add_order(order, Decimal("0.5"))
    assert position.quantity == -2.0 and position.orders == [order]
    closing = position.get_selling_order()
    assert closing is not None and closing.side is Side.BUY and closing.quantity == 2.0
    assert Position("s", SPY, Decimal("0.0000001")).quantity == 0.0
    dust = Position("s", Asset("BTC", "crypto"), Decimal("0.0000001"), hold=None)
    assert dust.quantity == 1e-7 and dust.hold is None
    with pytest.raises(ValueError, match="list of orders"):
        Position("s", SPY, 1, orders="no")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="list of Order"):
        Position("s", SPY, 1, orders=[1])  # type: ignore[list-item]
    back = Position.from_dict(position.to_dict())
    assert back.quantity == -2.0 and back.orders == [order]


def test_an_order_becomes_a_position() -> None:
    order = Order("s", SPY, 4, "sell", avg_fill_price=9.0)
    position = order.to_position(4)
    assert position is not None
    assert (position.quantity, position.avg_fill_price, position.orders) == (-4.0, 9.0, [order])
    assert Order("s").to_position(1) is None
