"""The strategy API on the engine: lumibot's names and what they do."""

from __future__ import annotations

import logging
import math
import sys
from datetime import datetime, timedelta
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

import millibar as mb
from millibar import Asset, Backtest, Order, Strategy, TradingFee
from millibar.errors import InvalidError, UnsupportedError
from millibar.smart_limit import SmartLimitConfig
from millibar.strategy import Vars, sleeptime_ns

MINUTE = 60_000_000_000
START = 1_704_292_200_000_000_000  # 2024-01-03 09:30 New York
SPY = Asset("SPY")
MES = Asset("MES", Asset.AssetType.CONT_FUTURE)


def minutes(n: int = 60, price: float = 100.0, first: int = 0) -> mb.Bars:
    """Bars whose close is the price and as many hundredths as the minute, open the same."""
    close = price + (first + np.arange(n)) / 100
    stamps = (START + (first + np.arange(n)) * MINUTE).view("datetime64[ns]")
    columns = {"timestamp": stamps, "open": close, "high": close + 0.5, "low": close - 0.5}
    return mb.Bars(columns | {"close": close, "volume": np.full(n, 7.0)}, tz="UTC")


def play(
    policy: str = "lumibot",
    data: Any = None,
    n: int = 30,
    **methods: Any,
) -> Strategy:
    """Runs functions as a strategy over minutes of SPY; the strategy, when it is over."""
    backtest = Backtest(
        methods,
        {SPY: minutes(n)} if data is None else data,
        policy=policy,
        start=datetime(2024, 1, 3, 9, 30),
        **{key: methods.pop(key) for key in ("end", "fees", "budget") if key in methods},
    )
    backtest.run()
    return backtest.strategy


def once(function: Any) -> Any:
    """A method that does its work at the first iteration only."""
    return lambda self: function(self) if self.first_iteration else None


both = pytest.mark.parametrize("policy", ["lumibot", "strict"])


def test_every_argument_of_create_order_arrives() -> None:
    """They are handed on by their places."""
    made: list[tuple[Order, Order]] = []
    terms: list[dict[str, Any]] = [
        {"limit_price": 101.0},
        {"stop_price": 99.0, "stop_limit_price": 98.5},
        {"trail_price": 2.0},
        {"trail_percent": 0.02},
        {"take_profit_price": 111.0, "stop_loss_price": 91.0, "stop_loss_limit_price": 90.0},
        {"secondary_limit_price": 112.0, "secondary_stop_price": 92.0},
        {"secondary_stop_price": 92.0, "secondary_stop_limit_price": 91.5},
        {"secondary_trail_price": 3.0},
        {"secondary_trail_percent": 0.03},
        {"time_in_force": "gtd", "good_till_date": datetime(2024, 2, 1)},
        {"position_filled": True, "exchange": "CME", "pair": "A/B"},
        {"quote": Asset("EUR", "forex"), "order_type": "market"},
        {"type": "limit", "limit_price": 7.0},
        {"order_class": "bracket", "secondary_stop_price": 92.0, "secondary_limit_price": 112.0},
        {"smart_limit": SmartLimitConfig(), "custom_params": {"a": 1}},
        {"position_side": "LONG", "position_id": "p1"},
    ]

    @once
    def iterate(self: Any) -> None:
        for given in terms:
            usual = {"time_in_force": "gtc", "order_class": None, "position_filled": None}
            usual |= {"quote": self.quote_asset, "date_created": self.get_datetime()}
            made.append(
                (
                    self.create_order(SPY, 2, "sell", **given),
                    Order(self.name, SPY, 2, "sell", **{**usual, **given}),
                )
            )

    play(on_trading_iteration=iterate, n=5)
    assert len(made) == len(terms)
    for ours, plain in made:
        one, other = vars(ours).copy(), vars(plain).copy()
        for fields in (one, other):
            fields.pop("_identifier", None)
            fields["_children"] = [
                child.to_minimal_dict() for child in fields.pop("_children", None) or ()
            ]
        assert one == other


# ---- Life --------------------------------------------------------------------------------------


def test_the_lifecycle_is_lumibots() -> None:
    seen: list[tuple[str, str]] = []
    names = [
        "initialize",
        "before_market_opens",
        "before_starting_trading",
        "on_trading_iteration",
        "before_market_closes",
        "after_market_closes",
        "on_strategy_end",
    ]

    def noted(name: str) -> Any:
        def note(self: Strategy) -> None:
            seen.append((name, f"{self.get_datetime():%H:%M}"))

        return note

    play(n=6, **{name: noted(name) for name in names})
    assert seen == [
        ("initialize", "09:30"),
        ("before_starting_trading", "09:30"),
        *[("on_trading_iteration", f"09:3{i}") for i in range(5)],
        ("before_market_closes", "09:34"),
        ("after_market_closes", "09:35"),
        ("on_strategy_end", "09:35"),
    ]


def test_initialize_gets_the_parameters_it_names() -> None:
    got: list[Any] = []

    class Named(Strategy):
        parameters: ClassVar[Any] = {"length": 9, "symbol": "SPY"}

        def initialize(self, length: int, parameters: Any = None) -> None:
            got.append((length, self.parameters["symbol"], self.get_parameters() is not None))

        def on_parameters_updated(self, parameters: Any) -> None:
            got.append(parameters)

    backtest = Backtest(Named, {SPY: minutes(5)}, parameters={"length": 12})
    strategy = backtest.strategy
    strategy.set_parameters({"length": 13})
    strategy.set_parameter_defaults({"length": 1, "extra": 2})
    backtest.run()
    assert got == [{"length": 13}, (13, "SPY", True)]
    assert strategy.parameters["extra"] == 2
    assert Named.parameters == {"length": 9, "symbol": "SPY"}


@both
def test_first_iteration_and_the_clock(policy: str) -> None:
    seen: list[Any] = []

    def look(self: Strategy) -> None:
        seen.append((self.first_iteration, self.get_datetime(), self.get_timestamp()))

    strategy = play(policy, n=4, on_trading_iteration=look)
    assert [first for first, _, _ in seen] == [True] + [False] * (len(seen) - 1)
    zero = START / 1e9 + (0 if policy == "lumibot" else 60)
    assert [stamp for _, _, stamp in seen] == [zero + 60 * i for i in range(len(seen))]
    assert all(moment.tzinfo is not None for _, moment, _ in seen)
    assert strategy.is_backtesting
    assert strategy.last_on_trading_iteration_datetime is not None


def test_relatives_of_the_clock() -> None:
    def look(self: Strategy) -> None:
        now = self.get_datetime()
        assert self.get_round_minute() == now
        assert self.get_last_minute() == now - timedelta(minutes=1)
        assert self.get_round_minute(timeshift=5) == now - timedelta(minutes=5)
        assert (self.get_round_day().hour, self.get_round_day().minute) == (0, 0)
        assert self.get_last_day() == self.get_round_day() - timedelta(days=1)
        start, end = self.get_datetime_range(10)
        assert end - start == timedelta(minutes=10)
        assert self.localize_datetime(datetime(2024, 1, 3, 9, 30)) == self.backtesting_start
        assert self.to_default_timezone(now.astimezone(None)) == now
        assert self.timezone == str(self.pytz) == "America/New_York"

    play(n=3, on_trading_iteration=look)


def test_sleeptime_market_and_minutes_are_set_in_initialize() -> None:
    seen: list[str] = []

    def initialize(self: Strategy) -> None:
        self.sleeptime = "5M"
        self.minutes_before_closing = 10
        self.set_market("NYSE")

    def look(self: Strategy) -> None:
        seen.append(f"{self.get_datetime():%H:%M}")

    play(n=31, initialize=initialize, on_trading_iteration=look)
    assert seen == ["09:30", "09:35", "09:40", "09:45", "09:50"]


def test_a_market_that_never_closes() -> None:
    seen: list[str] = []

    def initialize(self: Strategy) -> None:
        self.set_market("24/7")
        self.sleeptime = "2M"

    def look(self: Strategy) -> None:
        seen.append(f"{self.get_datetime():%H:%M}")

    play(n=9, initialize=initialize, on_trading_iteration=look)
    assert seen == ["09:30", "09:32", "09:34", "09:36", "09:38"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30S", 30),
        ("1M", 60),
        ("2H", 7200),
        ("1D", 86400),
        (7, 420),
        ("3t", 180),
        (0, 0),
        ("0M", 0),
    ],
)
def test_sleeptimes(text: Any, seconds: int) -> None:
    assert sleeptime_ns(text) == seconds * 1_000_000_000


@pytest.mark.parametrize("text", ["", "M", "5", "5X", "1.5M", -1, "-1M", None, 2.5, True])
def test_sleeptimes_that_are_none(text: Any) -> None:
    with pytest.raises(ValueError, match="sleep time"):
        sleeptime_ns(text)


def test_an_unknown_market() -> None:
    with pytest.raises(ValueError, match="Valid market entries"):
        play(initialize=lambda self: self.set_market("Mars"))


# ---- Data --------------------------------------------------------------------------------------


def test_history_last_price_and_quote_at_a_moment() -> None:
    def look(self: Strategy) -> None:
        if f"{self.get_datetime():%H:%M}" != "09:35":
            return
        bars = self.get_historical_prices(SPY, 3, "minute")
        assert len(bars) == 3
        assert bars.column("close").tolist() == [100.02, 100.03, 100.04]
        assert [f"{stamp:%H:%M}" for stamp in bars.df.index] == ["09:32", "09:33", "09:34"]
        assert list(bars.df.columns) == ["open", "high", "low", "close", "volume", "return"]
        assert self.get_historical_prices("spy", 3, "minute").df is bars.df
        assert len(self.get_historical_prices(SPY, 2, "minute", timeshift=2)) == 2
        assert len(self.get_historical_prices(SPY, 99)) == 5
        assert self.get_last_price(SPY) == self.get_last_price("SPY") == 100.05
        assert self.get_last_prices([SPY]) == {SPY: 100.05}
        assert self.get_last_prices(["SPY"]) == {"SPY": 100.05}
        assert self.get_quote(SPY).price == 100.05
        assert self.get_quotes([SPY])[SPY].bid is None
        assert self.get_last_price("QQQ") is None
        assert self.get_historical_prices("QQQ", 3) is None
        assert (
            self.get_historical_prices_for_assets([SPY, "QQQ"], 2)[SPY].column("close")[-1]
            == 100.04
        )
        five = self.get_historical_prices(SPY, 1, "5 minutes")
        assert five.df["close"].tolist() == [100.04]
        assert five.df["open"].tolist() == [100.0]
        with pytest.raises(ValueError, match="Length must be an int"):
            self.get_historical_prices(SPY, "many")
        self.vars.looked = True

    strategy = play(n=20, on_trading_iteration=look)
    assert strategy.vars.looked


def test_strict_shows_no_bar_before_it_has_closed() -> None:
    seen: list[Any] = []

    def look(self: Strategy) -> None:
        bars = self.get_historical_prices(SPY, 2)
        seen.append((self.get_last_price(SPY), bars.column("close")[-1], self.get_quote(SPY).price))
        last = int(bars.times[-1])
        assert last + MINUTE <= self.get_timestamp() * 1e9

    play("strict", n=5, on_trading_iteration=look)
    assert seen == [(100 + i / 100,) * 3 for i in range(5)]


@both
def test_what_comes_later_decides_nothing(policy: str) -> None:
    """Poison after a moment; everything up to it is the same."""

    def decide(seen: list[Any]) -> Any:
        def look(self: Strategy) -> None:
            bars = self.get_historical_prices(SPY, 5)
            rows = None if bars is None else bars.column("close").tolist()
            seen.append((self.get_datetime(), self.get_last_price(SPY), rows, self.cash))
            if len(seen) % 3 == 1:
                self.submit_order(self.create_order(SPY, 1, "buy"))

        return look

    def rows(poisoned: int | None) -> mb.Bars:
        bars = minutes(20)
        columns = {name: bars[name].copy() for name in ("open", "high", "low", "close", "volume")}
        if poisoned is not None:
            for values in columns.values():
                values[poisoned:] = 1e6
        return mb.Bars({"timestamp": bars["timestamp"], **columns}, tz="UTC")

    whole: list[Any] = []
    play(policy, {SPY: rows(None)}, on_trading_iteration=decide(whole))
    for t in (3, 7, 12):
        seen: list[Any] = []
        play(policy, {SPY: rows(t)}, on_trading_iteration=decide(seen))
        # Row t is the first to see the poison: the bar's open under lumibot's rules, its close
        # under strict, whose iteration t comes when bar t has closed.
        assert seen[:t] == whole[:t]
        assert seen[t] != whole[t]


@both
def test_history_does_not_depend_on_the_start(policy: str) -> None:
    def run(start: datetime) -> dict[Any, Any]:
        seen: dict[Any, Any] = {}

        def look(self: Strategy) -> None:
            bars = self.get_historical_prices(SPY, 4)
            if bars is not None:
                seen[self.get_datetime()] = bars.df.to_numpy().tobytes()

        Backtest(
            {"on_trading_iteration": look}, {SPY: minutes(30)}, policy=policy, start=start
        ).run()
        return seen

    early, late = run(datetime(2024, 1, 3, 9, 30)), run(datetime(2024, 1, 3, 9, 41))
    common = early.keys() & late.keys()
    assert len(common) > 10
    assert all(early[moment] == late[moment] for moment in common)


def test_live_indicators() -> None:
    def initialize(self: Strategy) -> None:
        self.sma = self.indicator("sma", SPY, 3)
        with pytest.raises(
            InvalidError,
            match=r"no bars of SPY \(future\) to compute 'sma' of, only of SPY \(stock\): name",
        ):
            self.indicator("sma", Asset("SPY", "future"), 3)
        with pytest.raises(InvalidError, match="smaa"):
            self.indicator("smaa", SPY, 3)

    def look(self: Strategy) -> None:
        bars = self.get_historical_prices(SPY, 3)
        if bars is not None and len(bars) == 3:
            assert self.sma.value == pytest.approx(bars.column("close").mean())
            self.vars.set("looked", self.sma[-1])

    strategy = play("strict", initialize=initialize, on_trading_iteration=look)
    assert strategy.vars.get("looked") == strategy.sma.value


# ---- Orders ------------------------------------------------------------------------------------


def test_an_order_from_making_to_filling() -> None:
    heard: list[Any] = []

    def enter(self: Strategy) -> None:
        order = self.create_order(SPY, 10, "buy")
        assert self.submit_order(order) is order
        assert order.status == "new"
        assert order.is_active()
        assert self.get_order(order.identifier) is order
        assert self.get_orders() == [order]
        assert self.get_orders(statuses=Order.OrderStatus.NEW) == [order]
        assert self.get_position(SPY) is None
        self.vars.order = order

    strategy = play(
        on_trading_iteration=once(enter),
        on_new_order=lambda self, order: heard.append(("new", order, self.cash)),
        on_filled_order=lambda self, position, order, price, quantity, multiplier: heard.append(
            ("filled", order, position.quantity, price, quantity, multiplier)
        ),
        fees=[TradingFee(flat_fee=1)],
    )
    order = strategy.vars.order
    assert heard == [("new", order, 100_000.0), ("filled", order, 10.0, 100.0, 10.0, 1)]
    assert order.is_filled()
    assert not order.is_active()
    assert order.get_fill_price() == 100.0
    assert order.trade_cost == 1.0
    position = strategy.get_position(SPY)
    assert (position.quantity, position.avg_fill_price) == (10.0, 100.0)
    assert strategy.get_positions() == strategy.positions == [position]
    assert len(strategy.get_positions(include_cash_positions=True)) == 2
    assert strategy.cash == strategy.get_cash() == 100_000 - 1000 - 1
    assert strategy.get_portfolio_value() == strategy.portfolio_value


def test_closing_half_and_all() -> None:
    def trade(self: Strategy) -> None:
        minute = self.get_datetime().minute
        if minute == 30:
            self.submit_order(self.create_order(SPY, 10, "buy"))
        elif minute == 33:
            assert float(self.close_position("SPY", fraction=0.5).quantity) == 5.0
        elif minute == 36:
            assert self.get_position(SPY).quantity == 5.0
            self.sell_all()
        elif minute == 39:
            assert self.get_position(SPY) is None
            assert self.get_positions() == []
            assert self.close_position(SPY) is None
            assert self.close_positions([SPY]) == [None]
        with pytest.raises(ValueError, match="fraction"):
            self.close_position(SPY, fraction=2)

    strategy = play(on_trading_iteration=trade)
    assert [order.status for order in strategy.get_orders()] == ["fill"] * 3


def test_brackets_cancel_what_is_left() -> None:
    def enter(self: Strategy) -> None:
        order = self.create_order(
            SPY,
            1,
            "buy",
            order_class=Order.OrderClass.BRACKET,
            secondary_limit_price=100.9,
            secondary_stop_price=90,
        )
        self.vars.order = self.submit_order(order)

    strategy = play(n=120, on_trading_iteration=once(enter))
    order = strategy.vars.order
    limit, stop = order.child_orders
    assert (order.status, limit.status, stop.status) == ("fill", "fill", "canceled")
    assert not order.is_active()
    assert strategy.get_position(SPY) is None
    assert limit in strategy.get_orders()


def test_children_in_any_order_and_children_that_cannot_be() -> None:
    def enter(self: Strategy) -> None:
        def child(**prices: Any) -> Order:
            return Order(self.name, SPY, 1, "sell", **prices)

        stop, limit = child(stop_price=90), child(limit_price=100.2)
        order = self.create_order(
            SPY, 1, "buy", order_class="bracket", secondary_limit_price=1, secondary_stop_price=1
        )
        order.child_orders = [stop, limit]
        self.submit_order(order)
        assert order.child_orders == [limit, stop]
        self.vars.order = order
        for children in ([limit, child(limit_price=3)], [stop, limit, child(limit_price=3)]):
            wrong = self.create_order(SPY, 1, "buy", order_class="oto", secondary_limit_price=1)
            wrong.child_orders = children
            with pytest.raises(InvalidError, match="one limit and one stop"):
                self.submit_order(wrong)
        wrong = self.create_order(SPY, 2, "buy", order_class="oto", secondary_limit_price=1)
        wrong.child_orders = [child(limit_price=3)]
        with pytest.raises(InvalidError, match="parent's quantity"):
            self.submit_order(wrong)

    strategy = play(on_trading_iteration=once(enter))
    assert strategy.vars.order.child_orders[0].status == "fill"


def test_canceling_and_modifying() -> None:
    def trade(self: Strategy) -> None:
        a = self.submit_order(self.create_order(SPY, 1, "buy", limit_price=50.0))
        b = self.submit_order(self.create_order(SPY, 1, "buy", limit_price=51.0))
        c = self.submit_order(self.create_order(SPY, 1, "buy", limit_price=52.0))
        self.modify_order(a, limit_price=55.0)
        assert a.limit_price == 55.0
        self.cancel_order(a)
        assert a.is_canceled()
        self.modify_order(a, limit_price=56.0)  # closed: nothing
        assert a.limit_price == 55.0
        self.cancel_orders([b])
        self.cancel_open_orders()
        assert c.is_canceled()
        assert self.cancel_open_orders() == []
        assert self.cancel_orders([]) == []
        never = self.create_order(SPY, 1, "buy")
        self.cancel_order(never)
        assert never.is_canceled()

    strategy = play(on_trading_iteration=once(trade))
    assert [order.status for order in strategy.get_orders()] == ["canceled"] * 3


@pytest.mark.parametrize("policy", ["lumibot", "strict"])
def test_submitting_twice_is_one_order(policy: str, caplog: pytest.LogCaptureFixture) -> None:
    def trade(self: Strategy) -> None:
        order = self.create_order(SPY, 1, "buy")
        assert self.submit_order(order) is order
        assert self.submit_order(order) is order

    strategy = play(policy, on_trading_iteration=once(trade))
    assert strategy.get_position(SPY).quantity == 1.0
    assert len(strategy.get_orders()) == 1
    assert ("stays one order" in caplog.text) == (policy == "strict")


def test_the_multiplier_is_the_orders_assets() -> None:
    ours = Asset("MES", Asset.AssetType.CONT_FUTURE, multiplier=5)

    def trade(self: Strategy) -> None:
        minute = self.get_datetime().minute
        if minute == 30:
            self.submit_order(self.create_order(ours, 1, "buy"))
        elif minute == 40:
            self.close_position(ours)

    strategy = play(data={MES: minutes(30)}, on_trading_iteration=trade)
    assert strategy.cash == pytest.approx(100_000 + 5 * 0.1)


def test_a_filled_order_callback() -> None:
    heard: list[Any] = []

    def callback(executor: Any, position: Any, order: Any, *fill: Any) -> None:
        heard.append((executor.strategy.name, position.quantity, order.side, *fill))

    class Buys(Strategy):
        def on_trading_iteration(self) -> None:
            if self.first_iteration:
                self.submit_order(self.create_order(SPY, 2, "buy"))

    Backtest(Buys, {SPY: minutes(9)}, filled_order_callback=callback, policy="lumibot").run()
    assert heard == [("Buys", 2.0, "buy", 100.0, 2.0, 1)]


# ---- Bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize("quantity", [0, None])
def test_no_quantity_is_refused_with_a_message(
    quantity: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def trade(self: Strategy) -> None:
        assert self.submit_order(self.create_order(SPY, quantity, "buy")) is None
        assert self.submit_order(None) is None
        assert self.submit_order("buy") is None
        with pytest.raises(ValueError, match="null order"):
            self.submit_order([None])

    with caplog.at_level(logging.ERROR):
        strategy = play(on_trading_iteration=once(trade))
    assert strategy.get_orders() == []
    assert "Please provide a valid quantity" in caplog.text


@both
@pytest.mark.parametrize("quantity", [math.nan, math.inf])
def test_quantities_that_are_no_numbers(policy: str, quantity: float) -> None:
    def trade(self: Strategy) -> None:
        order = self.create_order(SPY, quantity, "buy")
        with pytest.raises(InvalidError, match="quantity"):
            self.submit_order(order)
        assert self.get_orders() == []
        assert order.status == "unprocessed"

    play(policy, on_trading_iteration=once(trade))


@pytest.mark.parametrize("price", [math.nan, math.inf])
def test_prices_that_are_no_numbers(price: float) -> None:
    def trade(self: Strategy) -> None:
        with pytest.raises(InvalidError, match="limit"):
            self.submit_order(self.create_order(SPY, 1, "buy", limit_price=price))

    play("strict", on_trading_iteration=once(trade))


def test_an_asset_without_bars() -> None:
    def trade(self: Strategy) -> None:
        with pytest.raises(
            InvalidError,
            match=r"no bars of QQQ \(stock\) to fill an order in, only of SPY \(stock\): name",
        ):
            self.submit_order(self.create_order("QQQ", 1, "buy"))
        assert self.get_position("QQQ") is None
        assert self.get_position(3) is None  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="symbol string or an asset"):
            self.create_order(3, 1, "buy")

    play(on_trading_iteration=once(trade))


def test_a_strategy_that_raises() -> None:
    told: list[Any] = []

    class Mine(Exception):
        pass

    def fail(self: Strategy) -> None:
        if not self.first_iteration:
            raise Mine("no")
        self.submit_order(self.create_order(SPY, 1, "buy"))

    backtest = Backtest(
        {"on_trading_iteration": fail, "on_bot_crash": lambda self, error: told.append(error)},
        {SPY: minutes(9)},
        policy="lumibot",
    )
    with pytest.raises(Mine):
        backtest.run()
    assert [str(error) for error in told] == ["no", "no"]
    result = backtest.strategy.result
    assert len(result.fills) == 1
    assert len(result.equity) > 0


def test_a_strategy_that_sleeps_for_ever() -> None:
    def doze(self: Strategy) -> None:
        while True:
            self.sleep(3600)

    with pytest.raises(InvalidError, match="return from the method"):
        play(on_trading_iteration=doze)


def test_sleeping_lets_orders_fill() -> None:
    def trade(self: Strategy) -> None:
        order = self.submit_order(self.create_order(SPY, 1, "buy"))
        before = self.get_datetime()
        self.sleep(60)
        assert self.get_datetime() - before == timedelta(minutes=1)
        assert order.is_filled()
        with pytest.raises(InvalidError, match="time stands still"):
            self.wait_for_order_execution(
                self.submit_order(self.create_order(SPY, 1, "buy", limit_price=1.0))
            )
        self.wait_for_order_execution(order)
        self.wait_for_order_registration(order)
        self.await_market_to_close()

    play(on_trading_iteration=once(trade))


@pytest.mark.parametrize("clock", ["step", "bars"])
def test_looking_for_a_session_after_the_last_ends_a_run_by_the_clock(clock: str) -> None:
    seen: list[tuple[Any, ...]] = []
    last = datetime(2024, 1, 3, 10, 0)

    def iterate(self: Any) -> None:
        broker = self.broker
        if self.get_datetime().replace(tzinfo=None) == datetime(2024, 1, 3, 9, 40):
            broker.data_source.engine.sleep(19 * MINUTE)
            assert broker.get_time_to_open() is None
            end = broker.data_source.datetime_end.replace(tzinfo=None)
            seen.append((broker.should_continue(), end == last, self.backtesting_end.hour))

    backtest = Backtest(
        iterate,
        {SPY: minutes(30)},
        clock=clock,
        start=datetime(2024, 1, 3, 9, 30),
        end=last,
    )
    n_rows = len(backtest.run().equity)
    assert seen == [(clock == "bars", clock == "bars", 10)]
    assert n_rows == 11
    assert backtest.broker.settings()["backtesting_end"].hour == 10


def test_days_without_pandas_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    days = np.arange("2024-01-02T05", "2024-01-12T05", 24, dtype="datetime64[h]")
    names = ("open", "high", "low", "close", "volume")
    bars = mb.Bars({"timestamp": days, **dict.fromkeys(names, np.full(10, 50.0))}, tz="UTC")
    monkeypatch.setitem(sys.modules, "pandas", None)
    run = Backtest(lambda self: self.get_datetime(), {SPY: bars}, policy="lumibot").run
    with pytest.raises(UnsupportedError, match=r"pip install 'millibar\[pandas\]'"):
        run()


def test_awaiting_the_close_tells_nothing_before_it_returns() -> None:
    told: list[str] = []

    def trade(self: Strategy) -> None:
        self.submit_order(self.create_order(SPY, 1, "buy"))
        before = self.get_datetime()
        self.await_market_to_close()
        assert self.get_datetime() > before
        told.append("returned")

    def hear(self: Strategy, *_: Any) -> None:
        told.append("filled")

    def begin(self: Strategy) -> None:
        self.vars.turn = 0

    def second(self: Strategy) -> None:
        self.vars.turn += 1
        if self.vars.turn == 2:
            trade(self)

    play(initialize=begin, on_trading_iteration=second, on_filled_order=hear)
    assert told == ["returned", "filled"]


def test_the_minutes_before_the_close_may_change_while_running(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def turns(minutes_before: int) -> int:
        def change(self: Strategy) -> None:
            self.minutes_before_closing = minutes_before

        return play(on_trading_iteration=change).broker.engine.iterations

    assert turns(1) - turns(10) == 9
    assert not caplog.records

    def move(self: Strategy) -> None:
        self.set_market("24/7")

    play(on_trading_iteration=move)
    assert "no effect on the sessions of a run under way" in caplog.text


def test_create_asset_leaves_the_strike_open_as_lumibot_does() -> None:
    def look(self: Strategy) -> None:
        asset = self.create_asset("SPY")
        assert asset.strike is None and Asset("SPY").strike == 0.0
        assert asset != Asset("SPY")

    play(on_trading_iteration=once(look))


def test_thousands_of_orders() -> None:
    def flood(self: Strategy) -> None:
        for _ in range(10_000):
            self.submit_order(self.create_order(SPY, 1, "buy", limit_price=1.0))

    strategy = play(on_trading_iteration=once(flood))
    assert len(strategy.get_orders()) == 10_000


def test_actions_outside_a_run() -> None:
    backtest = Backtest({"on_trading_iteration": lambda self: None}, {SPY: minutes(5)})
    strategy = backtest.strategy
    assert strategy.cash == strategy.portfolio_value == 100_000
    assert strategy.get_orders() == strategy.get_positions() == []
    assert strategy.get_datetime() == strategy.backtesting_start
    assert strategy.first_iteration
    with pytest.raises(InvalidError, match="while its backtest runs"):
        strategy.submit_order(strategy.create_order(SPY, 1, "buy"))
    backtest.run()
    with pytest.raises(InvalidError, match="this one is over"):
        strategy.sleep(1)


@pytest.mark.parametrize(
    "call",
    ["get_chains", "get_greeks", "run_live", "start_realtime_bars", "configure_cash_financing"],
)
def test_what_is_not_supported_says_so(call: str) -> None:
    strategy = Backtest(lambda self: None, {SPY: minutes(5)}).strategy
    with pytest.raises(UnsupportedError, match=rf"Strategy\.{call}\(\).*--engine lumibot FILE"):
        getattr(strategy, call)("SPY")
    with pytest.raises(NotImplementedError, match="AI agents"):
        _ = strategy.agents
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = strategy.nothing


def test_smart_limits_and_legs_are_refused() -> None:
    def trade(self: Strategy) -> None:
        smart = self.create_order(SPY, 1, "buy", order_type=Order.OrderType.SMART_LIMIT)
        with pytest.raises(UnsupportedError, match="smart_limit"):
            self.submit_order(smart)
        with pytest.raises(UnsupportedError, match="multileg"):
            self.submit_order([self.create_order(SPY, 1, "buy")], is_multileg=True)

    play(on_trading_iteration=once(trade))


# ---- The rest ----------------------------------------------------------------------------------


def test_markers_lines_and_bars() -> None:
    def draw(self: Strategy) -> None:
        marker = self.add_marker("Buy", 100.0, color="green", symbol="triangle-up", size=5)
        assert marker is not None
        assert marker["timestamp"] == self.get_timestamp()
        assert self.add_marker("Buy", 101.0, symbol="triangle-up") is None  # there is one
        assert self.add_marker("Bad", math.nan) is None
        assert self.add_marker("Value")["value"] == self.portfolio_value
        assert self.add_line("price", 1.5, asset=SPY)["asset_symbol"] == "SPY"
        assert self.add_line("price", math.inf) is None
        assert self.add_line("price", 1.0, style="wavy")["style"] == "solid"
        assert self.add_ohlc("bar", 1, 2, 0.5, 1.5)["color"] == "green"
        assert self.add_ohlc("bar", 1, 0, 2, 1.5) is None
        for wrong in ({"name": 3}, {"name": "a", "color": 3}, {"name": "a", "dt": "now"}):
            with pytest.raises(ValueError, match="Invalid"):
                self.add_marker(value=1.0, **wrong)
        with pytest.raises(TypeError, match="Asset object"):
            self.add_line("a", 1.0, asset="SPY")  # type: ignore[arg-type]

    strategy = play(on_trading_iteration=once(draw))
    assert list(strategy.get_markers_df()["name"]) == ["Buy", "Value"]
    assert len(strategy.get_lines_df()) == 2
    assert len(strategy.get_ohlc_df()) == 1
    assert len(strategy.result.charts["markers"]) == 2


def test_cash_comes_and_goes() -> None:
    def move(self: Strategy) -> None:
        assert self.deposit_cash(50) == 100_050
        assert self.withdraw_cash(150) == 99_900
        assert self.adjust_cash(-1) == 99_899
        for wrong in (math.nan, "many", None):
            with pytest.raises(ValueError, match="finite"):
                self.adjust_cash(wrong)
        with pytest.raises(ValueError, match="negative cash"):
            self.adjust_cash(-1e6, allow_negative=False)

    strategy = play(on_trading_iteration=once(move))
    assert strategy.cash == 99_899
    result = strategy.result
    rows = result.equity.table
    totals = ("cash_deposits_total", "cash_withdrawals_total", "cash_adjustments_net_total")
    assert [rows.column(name).to_list()[-1] for name in totals] == [50.0, 150.0, -101.0]
    flows = result.corporate.table
    assert flows.column("kind").to_list() == ["deposit", "withdrawal", "adjustment"]
    assert flows.column("amount").to_list() == [50.0, -150.0, -1.0]
    assert flows.column("reason").to_list() == ["deposit", "withdrawal", "manual_adjustment"]
    # No gain and no loss: money came and went.
    assert result.stats.return_pct == 0.0 and result.stats.max_drawdown_pct == 0.0
    assert result.stats.equity_final == 99_899
    assert strategy.analysis["total_return"] == 0.0


def test_cash_that_is_set_is_gain_or_loss() -> None:
    seen: list[float] = []

    def move(self: Strategy) -> None:
        seen.append(self.cash)
        self._set_cash_position(seen[-1] - 100)
        seen.append(self.get_cash())
        with pytest.raises(InvalidError, match="no amount"):
            self._set_cash_position(math.nan)

    backtest = Backtest(once(move), {SPY: minutes(5)})
    backtest.strategy._set_cash_position(50_000)
    assert (backtest.strategy.cash, backtest.strategy.initial_budget) == (50_000, 100_000)
    result = backtest.run()
    assert seen == [50_000, 49_900]
    assert set(result.equity["cash"].tolist()) == {49_900.0}
    assert result.corporate.table.column("kind").to_list() == []


@both
def test_a_portfolio_value_that_is_set_is_read_until_the_iteration_is_over(policy: str) -> None:
    seen: list[float] = []

    def tell(self: Strategy) -> None:
        seen.append(self.portfolio_value)
        self.portfolio_value = 7.0
        seen.append(self.get_portfolio_value())

    backtest = Backtest(tell, {SPY: minutes(5)}, policy=policy)
    backtest.strategy.portfolio_value = 3_300.0
    assert backtest.strategy.portfolio_value == 3_300.0
    result = backtest.run()
    assert seen == [100_000.0, 7.0] * result.speed.n_iterations
    assert set(result.equity["portfolio_value"].tolist()) == {100_000.0}


def test_nobody_puts_in_less_than_nothing() -> None:
    def move(self: Strategy) -> None:
        for wrong in (0, -1, math.inf):
            with pytest.raises(ValueError, match="positive"):
                self.deposit_cash(wrong)
            with pytest.raises(ValueError, match="positive"):
                self.withdraw_cash(wrong)

    assert play(on_trading_iteration=once(move)).cash == 100_000


def test_messages_and_variables(caplog: pytest.LogCaptureFixture) -> None:
    variables = Vars()
    variables.a = 1
    variables.set("b", 2)
    assert (variables.a, variables.get("b"), variables.get("c", 3)) == (1, 2, 3)
    assert variables.all() == {"a": 1, "b": 2}
    with pytest.raises(AttributeError, match="no attribute 'c'"):
        _ = variables.c
    with caplog.at_level(logging.INFO):
        play(on_trading_iteration=once(lambda self: self.log_message("hello", color="red")))
    assert "hello" in caplog.text


def test_frames_of_a_run_are_lumibots() -> None:
    strategy = play(
        on_trading_iteration=once(lambda self: self.submit_order(self.create_order(SPY, 1, "buy")))
    )
    stats = strategy.stats
    assert isinstance(stats.index, pd.DatetimeIndex)
    assert {"portfolio_value", "cash", "positions", "return"} <= set(stats.columns)
    assert stats["positions"].iloc[-1] == [
        {"asset": {"symbol": "SPY", "type": "stock"}, "quantity": 1.0}
    ]
    log = strategy.broker._trade_event_log_df
    assert list(log["status"]) == ["new", "fill"]
    assert log["price"].iloc[-1] == 100.0


def test_an_asset_priced_in_two_quotes_is_asked_for_in_turn() -> None:
    coin, usd, eur = Asset("BTC", "crypto"), Asset("USD", "forex"), Asset("EUR", "forex")
    seen: list[tuple[float, float, Any]] = []

    @once
    def iterate(self: Any) -> None:
        for _ in range(2):
            yen = self.get_last_price(coin, quote=Asset("JPY", "forex"))
            seen.append((self.get_last_price(coin), self.get_last_price(coin, quote=eur), yen))

    play(
        data={(coin, usd): minutes(), (coin, eur): minutes(price=90.0)},
        on_trading_iteration=iterate,
    )
    assert seen == [(100.0, 90.0, None)] * 2


def test_orders_are_found_by_what_they_are_called_now() -> None:
    @once
    def iterate(self: Any) -> None:
        sent = [self.submit_order(self.create_order(SPY, 1, "buy")) for _ in range(4)]
        parent = self.create_order(SPY, 1, "buy", order_class="oto", secondary_limit_price=150.0)
        sent.append(self.submit_order(parent))
        first = sent[0].identifier
        assert self.get_order(first) is sent[0] is self.get_order(first)
        assert [self.get_order(each.identifier) for each in sent] == sent
        child = sent[-1].child_orders[0]
        assert self.get_order(child.identifier) is child
        assert self.get_order("nobody") is None is self.get_order([])
        # Others' names, numbers as text, and the older of two.
        sent[1].identifier = "mine"
        sent[3].set_identifier(7)
        assert self.get_order("mine") is sent[1] and self.get_order(7) is sent[3]
        assert self.get_order("7") is None
        sent[2].identifier = "7"
        assert self.get_order(7) is sent[2] is self.get_order("7")
        sent[1].identifier = first
        assert self.get_order("mine") is None and self.get_order(first) is sent[0]
        sent[0].identifier = "elsewhere"
        assert self.get_order(first) is sent[1]

    play(on_trading_iteration=iterate, n=5)


def test_looking_for_an_order_names_no_more_of_them_than_it_has_to() -> None:
    @once
    def iterate(self: Any) -> None:
        sent = [self.submit_order(self.create_order(SPY, 1, "buy")) for _ in range(4)]
        assert self.get_order(sent[1].identifier) is sent[1]
        assert ["_identifier" in vars(each) for each in sent] == [True, True, False, False]

    play(on_trading_iteration=iterate, n=5)
