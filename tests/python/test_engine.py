"""The extension's Engine and Indicator: calls, events, errors, threads, lifetimes."""

from __future__ import annotations

import gc
import itertools
import math
import signal
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sharing_support import other_threads_work

import millibar as mb
from millibar import _core
from millibar.errors import InvalidError

MINUTE = 60_000_000_000
START = 1_704_292_200_000_000_000  # 2024-01-03 09:30 New York


def bars(closes: list[float], opens: list[float] | None = None, volume: float = 10.0) -> mb.Bars:
    """Minute bars whose low and high are a point around the close."""
    close = np.array(closes, np.float64)
    open_ = close if opens is None else np.array(opens, np.float64)
    stamps = (START + np.arange(len(close)) * MINUTE).view("datetime64[ns]")
    return mb.Bars(
        {
            "timestamp": stamps,
            "open": open_,
            "high": np.maximum(open_, close) + 1,
            "low": np.minimum(open_, close) - 1,
            "close": close,
            "volume": np.full(len(close), volume),
        },
        tz="UTC",
    )


def engine_over(closes: list[float], **options: Any) -> _core.Engine:
    engine = _core.Engine(**options)
    engine.add_asset("MES", "future", bars(closes).series, multiplier=5, margin=1300, tick=0.25)
    return engine


class Calls:
    """A strategy of functions: Calls(engine, on_trading_iteration=f) calls f(engine)."""

    def __init__(self, engine: _core.Engine, **functions: Any) -> None:
        for name, function in functions.items():
            setattr(self, name, self._bound(function, engine))

    @staticmethod
    def _bound(function: Any, engine: _core.Engine) -> Any:
        return None if function is None else lambda *args: function(engine, *args)


def run(closes: list[float], function: Any, *, options: Any = None, **more: Any) -> _core.Engine:
    engine = engine_over(closes, **(options or {}))
    engine.run(Calls(engine, on_trading_iteration=function, **more))
    return engine


UP = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0]


# ---- The run -----------------------------------------------------------------------------------


def test_an_iteration_at_each_close_and_the_lifecycle_around() -> None:
    seen: list[Any] = []
    names = ("initialize", "on_trading_iteration", "after_iteration", "on_end")
    engine = engine_over(UP)
    engine.run(Calls(engine, **{n: lambda e, n=n: seen.append((n, e.now_ns)) for n in names}))
    assert [name for name, _ in seen] == [
        "initialize",
        *["on_trading_iteration", "after_iteration"] * 6,
        "on_end",
    ]
    moments = [ns for name, ns in seen if name == "on_trading_iteration"]
    assert moments == [START + (i + 1) * MINUTE for i in range(6)]
    assert engine.iterations == 6
    assert not engine.running


def test_absent_and_none_methods_are_not_called() -> None:
    engine = engine_over(UP)

    class Bare:
        on_end = None

    engine.run(Bare())
    assert engine.iterations == 6
    assert len(engine.table("iterations")) == 6


def test_what_cannot_be_called_is_refused() -> None:
    engine = engine_over(UP)

    class Wrong:
        initialize = 3

    with pytest.raises(TypeError, match="initialize is a int, which cannot be called"):
        engine.run(Wrong())
    engine.run(object())  # it has not begun


def test_a_market_order_fills_at_the_next_open() -> None:
    events: list[Any] = []
    orders: list[int] = []

    def trade(e: _core.Engine) -> None:
        if e.iterations == 1:
            orders.append(e.submit(0, "buy", 2))
            assert e.order_status(orders[0]) == "new"
            assert e.quantity(0) == 0.0
        elif e.iterations == 2:
            assert e.order_status(orders[0]) == "fill"
            assert e.quantity(0) == 2.0

    engine = run(UP, trade, on_order_event=lambda e, *event: events.append((e.now_ns, *event)))
    assert [event[1] for event in events] == ["new", "filled"]
    kind, order, price, quantity, fee, multiplier, message = events[1][1:]
    assert (kind, order, price, quantity, fee, multiplier, message) == (
        "filled",
        orders[0],
        101.0,
        2.0,
        0.0,
        5.0,
        "",
    )
    assert engine.position(0) == (2.0, 101.0, 0.0)
    assert engine.value == 100_000 + 2 * 5 * (105 - 101)
    assert engine.events(0) == [
        ("new", 1, pytest.approx(math.nan, nan_ok=True), 0.0, events[0][0]),
        ("filled", 1, 101.0, 2.0, events[1][0]),
    ]
    assert engine.events(2) == []


def test_keywords_and_places_of_submit_say_the_same() -> None:
    def trade(e: _core.Engine) -> None:
        if e.iterations == 1:
            e.submit(0, "sell_short", 1, "limit", 200.0, None, "simple", "day")
            e.submit(
                asset=0, side="sell_short", quantity=1, type="limit", limit_price=200.0, tif="day"
            )

    engine = run(UP[:3], trade)
    first, second = engine.order(1), engine.order(2)
    assert tuple(first)[3:15] == pytest.approx(tuple(second)[3:15], nan_ok=True)
    assert first.limit_price == 200.0
    assert math.isnan(first.stop_price)


def test_a_bracket_numbers_its_children_after_itself() -> None:
    def trade(e: _core.Engine) -> None:
        if e.iterations == 1:
            e.submit(
                0, "buy", 1, order_class="bracket", child_limit_price=102.5, child_stop_price=90.0
            )

    engine = run(UP, trade)
    assert engine.n_orders == 3
    limit, stop = engine.order(2), engine.order(3)
    assert (limit.parent, stop.parent) == (1, 1)
    assert (limit.dependent, stop.dependent) == (3, 2)
    assert (engine.order_status(2), engine.order_status(3)) == ("fill", "canceled")
    assert engine.position(0).quantity == 0.0
    assert engine.position(0).realized == 5 * (102.5 - 101.0)


def test_cancel_modify_and_the_walk_over_active_orders() -> None:
    def trade(e: _core.Engine) -> None:
        if e.iterations == 1:
            for price in (50.0, 60.0, 70.0):
                e.submit(0, "buy", 1, "limit", price)
            e.modify(2, limit_price=65.0)
            assert e.order(2).limit_price == 65.0
            e.cancel(1)
            found, order = [], e.next_active(0)
            while order:
                found.append(order)
                order = e.next_active(order)
            assert found == [2, 3]
            e.cancel(1)  # again: nothing
            e.cancel_all()
            assert e.next_active(0) == 0

    engine = run(UP, trade)
    assert [engine.order_status(i) for i in (1, 2, 3)] == ["canceled"] * 3


def test_sleep_moves_the_clock_and_set_step_the_pace() -> None:
    seen: list[int] = []

    def trade(e: _core.Engine) -> None:
        seen.append((e.now_ns - START) // MINUTE)
        if e.iterations == 1:
            e.submit(0, "buy", 1)
            e.sleep(2 * MINUTE)
            assert e.order_status(1) == "fill"
            assert (e.now_ns - START) // MINUTE == 3

    run(UP, trade)
    assert seen[:2] == [1, 4]


def test_stop_ends_the_run_and_calls_on_end() -> None:
    ended: list[int] = []
    engine = run(
        UP,
        lambda e: e.stop() if e.iterations == 2 else None,
        on_end=lambda e: ended.append(e.iterations),
    )
    assert engine.iterations == 2
    assert ended == [2]


def test_cash_may_be_set() -> None:
    def trade(e: _core.Engine) -> None:
        if e.iterations == 2:
            e.cash = 5.0

    engine = run(UP, trade)
    assert engine.cash == 5.0
    cash = engine.table("iterations").column("cash").to_list()
    assert cash == [100_000.0, 5.0, 5.0, 5.0, 5.0, 5.0]
    with pytest.raises(InvalidError, match="cash inf is no amount"):
        engine.cash = math.inf
    with pytest.raises(AttributeError):
        del engine.cash


def test_windows_prices_and_rows_at_the_clock() -> None:
    def look(e: _core.Engine) -> None:
        n = e.iterations
        assert e.window(0, 2) == (max(n - 2, 0), min(n, 2))
        assert e.window(0, 1, 1) == (max(n - 2, 0), int(n > 1))
        assert e.visible_rows(0) == n
        assert e.last_price(0) == UP[n - 1]

    engine = run(UP, look)
    assert engine.find("MES") == 0
    assert engine.find("ES") == -1


def test_before_the_run_there_is_nothing_to_see() -> None:
    engine = engine_over(UP, start_ns=START)
    assert engine.last_price(0) is None
    assert engine.quantity(0) == 0.0
    assert math.isnan(engine.position(0).avg_price)
    assert engine.cash == engine.value == 100_000.0
    assert engine.events(0) == []
    assert len(engine.table("orders")) == len(engine.table("fills")) == 0


def test_fees_and_frictions_reach_the_ledger() -> None:
    options = {
        "buy_fees": [(0.5, 0.0, 0.1, True, True)],
        "sell_fees": [(0.25, 0.0, 0.0, True, True)],
        "slippage_ticks": 1.0,
    }

    def trade(e: _core.Engine) -> None:
        if e.iterations == 1:
            e.submit(0, "buy", 2)
        elif e.iterations == 3:
            e.submit(0, "sell", 2)

    engine = run(UP, trade, options=options)
    fills = engine.table("fills")
    assert fills.column("price").to_list() == [101.25, 102.75]
    assert fills.column("fee").to_list() == [0.5 + 2 * 0.1, 0.25]
    assert engine.cash == 100_000 + 2 * 5 * 1.5 - 0.7 - 0.25


# ---- Indicators --------------------------------------------------------------------------------


def test_a_handle_shows_the_indicator_at_each_bar() -> None:
    closes = [float(c) for c in np.cumsum(np.random.default_rng(3).normal(size=40)) + 100]
    want = bars(closes).sma(5)
    handles: list[_core.Indicator] = []
    got: list[float] = []

    def look(e: _core.Engine) -> None:
        handle = handles[0]
        assert len(handle) == e.iterations
        assert handle[-1] == handle.value or math.isnan(handle.value)
        if e.iterations > 6:
            assert handle[-2] == got[-1]
            assert handle[6] == want[6]
        got.append(handle.value)

    engine = engine_over(closes)
    engine.run(
        Calls(
            engine,
            initialize=lambda e: handles.append(e.indicator(0, "sma", 5)),
            on_trading_iteration=look,
        )
    )
    assert np.array(got).tobytes() == np.asarray(want).tobytes()
    handle = handles[0]
    assert (handle.name, handle.params, handle.output_names) == ("sma", (5, 0), ("sma",))
    with pytest.raises(IndexError, match="row 40 of 40 bars"):
        handle[40]
    with pytest.raises(IndexError):
        handle[-41]
    assert handle.value == list(handle)[-1]


def test_several_outputs_by_place_and_by_name() -> None:
    engine = engine_over([float(100 + i % 7) for i in range(60)])
    handles: list[Any] = []
    engine.run(Calls(engine, initialize=lambda e: handles.append(e.indicator(0, "macd"))))
    macd = handles[0]
    assert macd.output_names == ("macd", "signal", "histogram")
    assert [output.value for output in macd.outputs] == [
        macd.macd.value,
        macd.signal.value,
        macd.histogram.value,
    ]
    assert macd.value == macd.macd.value
    with pytest.raises(AttributeError, match="nothing"):
        _ = macd.nothing


@pytest.mark.parametrize(
    ("args", "named", "error", "match"),
    [
        (("smaa", 5), {}, InvalidError, "sma"),
        (("sma",), {}, TypeError, "period"),
        (("sma", 0), {}, InvalidError, "period"),
        (("sma", 5, 0, 1), {}, TypeError, "at most"),
        (("sma", 5), {"period": 6}, TypeError, "two values for period"),
        (("sma",), {"length": 6}, InvalidError, "period"),
        (("sma", "five"), {}, InvalidError, "number"),
    ],
)
def test_wrong_indicators_are_refused(args: Any, named: Any, error: Any, match: str) -> None:
    def initialize(e: _core.Engine) -> None:
        with pytest.raises(error, match=match):
            e.indicator(0, *args, **named)

    engine = engine_over(UP)
    engine.run(Calls(engine, initialize=initialize))


def test_indicators_cannot_be_made_by_hand() -> None:
    with pytest.raises(TypeError):
        _core.Indicator()  # type: ignore[call-arg]


# ---- Bad input ---------------------------------------------------------------------------------

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize("quantity", [0, -1, NAN, INF, -INF, 0.0])
def test_quantities_that_are_none(quantity: float) -> None:
    def trade(e: _core.Engine) -> None:
        with pytest.raises(InvalidError, match="quantity"):
            e.submit(0, "buy", quantity)

    engine = run(UP, trade)
    assert engine.n_orders == engine.n_events == 0


@pytest.mark.parametrize(
    ("terms", "match"),
    [
        ({"type": "limit"}, "limit"),
        ({"type": "limit", "limit_price": NAN}, "limit"),
        ({"type": "limit", "limit_price": INF}, "limit"),
        ({"type": "stop"}, "stop"),
        ({"type": "stop_limit", "stop_price": 1.0}, "limit"),
        ({"type": "trailing_stop"}, "trail"),
        ({"order_class": "bracket"}, "child|bracket"),
        ({"order_class": "oto"}, "child|oto"),
        ({"type": "mkt"}, "order type 'mkt' is not one of market, limit"),
        ({"tif": "forever"}, "time in force 'forever' is not one of gtc"),
        ({"order_class": "triple"}, "order class 'triple' is not one of simple"),
        ({"side": "long"}, "side 'long' is not one of buy"),
        ({"asset": 1}, "asset 1 is unknown: 1 have been added"),
        ({"asset": -1}, "asset -1 is unknown"),
    ],
)
def test_orders_that_cannot_be(terms: dict[str, Any], match: str) -> None:
    def trade(e: _core.Engine) -> None:
        with pytest.raises(InvalidError, match=match):
            e.submit(**({"asset": 0, "side": "buy", "quantity": 1} | terms))

    engine = run(UP, trade)
    assert engine.n_orders == 0


@pytest.mark.parametrize(
    ("args", "named", "match"),
    [
        ((), {}, "misses its argument 'asset'"),
        ((0, "buy"), {}, "misses its argument 'quantity'"),
        ((0, "buy", 1), {"price": 3}, "unexpected argument 'price'"),
        ((0, "buy", 1), {"side": "sell"}, "two values for argument 'side'"),
        ((0, 1, 1), {}, "expected str"),
        ((0, "buy", "one"), {}, "must be real number"),
        (("MES", "buy", 1), {}, "int"),
        (tuple(range(30)), {}, "arguments"),
    ],
)
def test_arguments_that_are_not_there(args: Any, named: Any, match: str) -> None:
    def trade(e: _core.Engine) -> None:
        with pytest.raises(TypeError, match=match):
            e.submit(*args, **named)

    run(UP[:2], trade)


@pytest.mark.parametrize("number", [0, -1, 99, 2**62])
def test_orders_there_are_none_of(number: int) -> None:
    def trade(e: _core.Engine) -> None:
        e.submit(0, "buy", 1, "limit", 1.0)
        for call in (e.cancel, e.order, e.order_status, e.resubmit, e.modify):
            with pytest.raises(InvalidError, match=r"order -?\d+ is unknown"):
                call(number)
        if number:
            with pytest.raises(InvalidError, match=r"order -?\d+ is unknown"):
                e.next_active(number)

    run(UP[:2], trade)


def test_the_walk_ends_at_a_closed_order() -> None:
    def trade(e: _core.Engine) -> None:
        if e.iterations == 3:
            e.submit(0, "buy", 1)
        elif e.iterations == 4:
            assert e.order_status(1) == "fill"
            assert e.next_active(1) == 0

    run(UP, trade)


def test_actions_are_for_the_strategy_while_it_runs() -> None:
    engine = engine_over(UP)
    for _ in range(2):
        for call in (
            lambda: engine.submit(0, "buy", 1),
            lambda: engine.cancel_all(),
            lambda: engine.sleep(1),
        ):
            with pytest.raises(InvalidError, match="while run\\(\\) is under way"):
                call()
        if engine.iterations == 0:
            engine.run(object())
    with pytest.raises(InvalidError, match="runs once"):
        engine.run(object())
    with pytest.raises(InvalidError, match="comes too late"):
        engine.add_asset("ES", "future", bars(UP).series)


def test_a_run_inside_a_run_is_refused() -> None:
    def nested(e: _core.Engine) -> None:
        with pytest.raises(InvalidError, match="runs once"):
            e.run(object())

    run(UP[:2], nested)


def test_the_schedule_takes_spans_of_time_at_any_time() -> None:
    engine = engine_over(UP)

    def late(e: _core.Engine) -> None:
        e.set_schedule("data", 0, 0, 0)
        with pytest.raises(InvalidError, match="spans of 0 or more"):
            e.set_schedule("data", 0, -1, 0)

    engine.run(
        Calls(
            engine,
            initialize=lambda e: e.set_schedule("data", MINUTE, MINUTE, 0),
            on_trading_iteration=late,
        )
    )
    with pytest.raises(InvalidError, match="sessions 'night' is not one of"):
        engine.set_schedule("night", 0, 0, 0)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda e: e.sleep(-1), "time goes forward"),
        (lambda e: e.set_step(-1), "step of -1 ns"),
        (lambda e: e.set_multiplier(0, 0.0), "multiplier"),
        (lambda e: e.set_multiplier(0, NAN), "multiplier"),
        (lambda e: e.window(0, 0), "a window of 0 rows"),
        (lambda e: e.window(3, 1), "unknown"),
        (lambda e: e.last_price(7), "unknown"),
        (lambda e: e.table("trades"), "iterations"),
        (lambda e: e.events(99), "event 99 is unknown"),
        (lambda e: e.events(-1), "event -1 is unknown"),
    ],
)
def test_questions_that_cannot_be(call: Any, match: str) -> None:
    def ask(e: _core.Engine) -> None:
        with pytest.raises(InvalidError, match=match):
            call(e)

    run(UP[:2], ask)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"policy": "loose"}, "policy 'loose' is not one of strict, lumibot"),
        ({"clock": "sun"}, "clock 'sun' is not one of step, bars"),
        ({"policy": "lumibot"}, "clock"),
        ({"start_ns": 5, "end_ns": 4}, "starts after its end"),
        ({"budget": NAN}, "budget"),
        ({"clock": "step", "step_ns": -1}, "step"),
        ({"before_closing_ns": -1}, "0 or more"),
        ({"buy_fees": [(NAN, 0.0, 0.0, True, True)]}, "fee"),
        ({"volume_share": -1.0}, "share"),
        ({"slippage_ticks": NAN}, "slippage"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidError, match=match):
        _core.Engine(**options)


def test_fees_of_another_form() -> None:
    for fee in (0.5, (0.5,), [0.5, 0, 0, True, True]):
        with pytest.raises(TypeError, match="a fee is"):
            _core.Engine(buy_fees=[fee])  # type: ignore[list-item]


def test_nothing_to_run_over() -> None:
    with pytest.raises(InvalidError, match="no asset"):
        _core.Engine().run(object())
    with pytest.raises(InvalidError, match="before the start"):
        engine_over(UP, start_ns=START + 1000 * MINUTE).run(object())
    with pytest.raises(InvalidError, match="after the end"):
        engine_over(UP, end_ns=START - MINUTE).run(object())


def test_assets_that_cannot_be() -> None:
    engine = _core.Engine()
    with pytest.raises(TypeError, match="Series or None, not list"):
        engine.add_asset("A", "stock", [1, 2])  # type: ignore[arg-type]
    with pytest.raises(InvalidError, match="kind of asset 'option' is not one of"):
        engine.add_asset("A", "option")
    with pytest.raises(InvalidError, match="multiplier"):
        engine.add_asset("A", "stock", multiplier=0.0)
    table = _core.Table([bars(UP).table.column(name) for name in ("timestamp", "close")])
    with pytest.raises(InvalidError, match="no column open"):
        engine.add_asset("A", "stock", _core.Series(table))
    assert engine.add_asset("CASH", "crypto") == 0
    with pytest.raises(InvalidError, match="'CASH' has no bars"):
        engine.window(0, 1)


def test_ten_thousand_orders_a_bar() -> None:
    def trade(e: _core.Engine) -> None:
        for _ in range(10_000):
            e.submit(0, "buy", 1, "limit", 1.0)

    began = time.process_time()
    engine = run(UP, trade)
    assert engine.n_orders == 60_000
    assert time.process_time() - began < 10


# ---- Exceptions and signals --------------------------------------------------------------------


class Mine(Exception):
    pass


@pytest.mark.parametrize(
    "method", ["initialize", "on_trading_iteration", "after_iteration", "on_order_event", "on_end"]
)
def test_an_exception_comes_out_as_itself(method: str) -> None:
    raised = Mine("here")
    calls: list[str] = []

    def fail(_: _core.Engine, *args: Any) -> None:
        calls.append(method)
        raise raised

    def trade(e: _core.Engine) -> None:
        if e.iterations == 2:
            e.submit(0, "buy", 1)

    functions = {"on_trading_iteration": trade} | {method: fail}
    engine = engine_over(UP)
    with pytest.raises(Mine) as caught:
        engine.run(Calls(engine, **functions))
    assert caught.value is raised
    assert calls == [method]  # nothing is called after it
    assert not engine.running
    assert len(engine.table("iterations")) <= 6
    assert engine.cash == 100_000.0 - 1300.0 * engine.quantity(0)


def test_an_exception_in_an_event_inside_sleep_can_be_caught() -> None:
    def trade(e: _core.Engine) -> None:
        if e.iterations == 1:
            e.submit(0, "buy", 1)
            with pytest.raises(Mine):
                e.sleep(MINUTE)

    def heard(_: _core.Engine, kind: str, *rest: Any) -> None:
        raise Mine(kind)

    engine = engine_over(UP)
    with pytest.raises(Mine):
        engine.run(Calls(engine, on_trading_iteration=trade, on_order_event=heard))


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """A shell starts what it runs in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.usefixtures("heeds_ctrl_c")
@pytest.mark.parametrize("python", [True, False])
def test_ctrl_c_ends_a_run(python: bool) -> None:
    engine = engine_over([100.0] * 300_000)
    method = (lambda e: time.sleep(1e-5)) if python else None
    strategy = Calls(engine, on_trading_iteration=method)
    strategy.heartbeat = lambda: signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        engine.run(strategy)
    assert 0 < engine.iterations < 300_000
    assert (
        len(engine.table("iterations")) == engine.iterations
        or len(engine.table("iterations")) == engine.iterations - 1
    )


@pytest.mark.parametrize("nap", [0.04, 0.0])
def test_heartbeats_come_by_time_whatever_an_iteration_costs(nap: float) -> None:
    engine = engine_over([100.0] * 40_000)
    beats: list[float] = []
    until = time.monotonic() + 1.0

    def trade(e: _core.Engine) -> None:
        if time.monotonic() > until:
            e.stop()
        time.sleep(nap)

    strategy = Calls(engine, on_trading_iteration=trade)
    strategy.heartbeat = lambda: beats.append(time.monotonic())
    engine.run(strategy)
    assert 4 <= len(beats) <= 12
    assert all(later - sooner >= 0.099 for sooner, later in itertools.pairwise(beats))


# ---- Threads and lifetimes ---------------------------------------------------------------------


def test_another_thread_is_refused_while_the_engine_runs() -> None:
    errors: list[BaseException] = []
    inside, done = threading.Event(), threading.Event()

    def meddle(engine: _core.Engine, handle: _core.Indicator) -> None:
        inside.wait(10)
        calls: list[Any] = [
            lambda: engine.submit(0, "buy", 1),
            lambda: engine.cash,
            lambda: engine.table("orders"),
            lambda: engine.window(0, 1),
            lambda: engine.run(object()),
            lambda: handle.value,
            lambda: len(handle),
        ]
        for call in calls:
            try:
                call()
            except InvalidError as error:
                errors.append(error)
        engine.stop()
        done.set()

    handles: list[_core.Indicator] = []

    def first(e: _core.Engine) -> None:
        handles.append(e.indicator(0, "sma", 2))

    def wait(e: _core.Engine) -> None:
        thread = threading.Thread(target=meddle, args=(e, handles[0]))
        thread.start()
        inside.set()
        done.wait(10)
        thread.join()

    engine = engine_over(UP)
    engine.run(Calls(engine, initialize=first, on_trading_iteration=wait))
    assert len(errors) == 7
    assert all("running in another thread" in str(error) for error in errors)
    assert engine.iterations == 1  # stop() was heard


def test_a_run_without_iterations_lets_other_threads_work() -> None:
    engine = engine_over([100.0] * 2_000_000)
    with other_threads_work():
        engine.run(object())


def test_a_handle_keeps_the_engine_and_the_engine_nothing() -> None:
    class Strategy:
        def initialize(self) -> None:
            self.sma = self.engine.indicator(0, "sma", 2)

        def on_trading_iteration(self) -> None:
            pass

    strategy = Strategy()
    strategy.engine = engine_over(UP)
    strategy.engine.run(strategy)
    gone = weakref.ref(strategy)
    handle = strategy.sma
    del strategy  # the engine does not hold it
    assert gone() is None
    assert handle.value == 104.5


def test_cycles_through_a_running_engine_are_collected() -> None:
    class Strategy:
        def on_trading_iteration(self) -> None:
            gc.collect()

    strategy = Strategy()
    strategy.engine = engine_over(UP)
    strategy.sma = None
    strategy.engine.run(strategy)
    gone = weakref.ref(strategy)
    strategy.self = strategy
    del strategy
    gc.collect()
    assert gone() is None


def test_nothing_leaks() -> None:
    def once() -> None:
        def trade(e: _core.Engine) -> None:
            order = e.submit(0, "buy", 1)
            _ = (e.order(order), e.position(0), e.events(0), e.window(0, 3), e.order_status(order))
            for wrong in (lambda: e.submit(0, "buy", 0), lambda: e.order(-1)):
                with pytest.raises(InvalidError):
                    wrong()

        run(UP, trade, initialize=lambda e: e.indicator(0, "macd").outputs)

    once()
    gc.collect()
    held, objects = mb.memory_live_bytes(), len(gc.get_objects())
    references = sys.getrefcount(None)
    for _ in range(50):
        once()
    gc.collect()
    assert mb.memory_live_bytes() == held
    assert abs(len(gc.get_objects()) - objects) < 50
    assert abs(sys.getrefcount(None) - references) < 50


def test_speed_of_a_callback() -> None:
    engine = engine_over([100.0 + i % 9 for i in range(200_000)])

    class Strategy:
        def initialize(self) -> None:
            self.fast = engine.indicator(0, "sma", 20)
            self.slow = engine.indicator(0, "sma", 60)

        def on_trading_iteration(self) -> None:
            self.above = self.fast.value > self.slow.value

    began = time.process_time()
    engine.run(Strategy())
    spent = time.process_time() - began
    assert spent / engine.iterations < 2e-6  # 0.2 us on an idle machine
    assert engine.callback_seconds > 0
