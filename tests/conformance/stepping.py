"""lumibot's broker, stepped by hand, as lumibot's tests do it, on an engine that runs by itself.

lumibot's tests make a strategy and a broker, hand orders in, and call the broker's private steps:
`process_pending_orders`, `_update_datetime`, the executor's `process_queue`. The engine has no such
steps: it calls the strategy, fills, tells, moves the clock. So here it runs in a greenlet whose
strategy, at each iteration, hands control back to the test; what the test then asks is asked from
within that iteration. Processing lets the engine go on to the next iteration, which is after the
fills of this one.

The clock the test sees stays behind by that step until the test moves it. A test that processes
twice at one time finds the second bar where lumibot finds the first again, and is not applicable.
"""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import greenlet

from millibar import trader
from millibar._clock import instant_ns
from millibar.broker import BacktestingBroker
from millibar.source import PandasDataBacktesting

_AFTER_NS = 3600 * 10**9  # the tests move the clock past the last bar

_submit = BacktestingBroker.submit_order
_datetime = BacktestingBroker.datetime


class Steps:
    """One run, in a greenlet."""

    def __init__(self, broker: Any) -> None:
        self.broker = broker
        self.ahead = False  # whether the engine is an iteration further than the test
        self.shown: datetime | None = None  # the time the test sees meanwhile
        self._test = greenlet.getcurrent()
        broker.market = "24/7"
        broker.data_source.end_ns += _AFTER_NS
        self._run = greenlet.greenlet(self._start)
        self._run.switch()

    def _start(self) -> None:
        engine = self.broker.open(self.broker.strategy)
        driver: Any = trader.Driver(self.broker.strategy, engine)
        # The test calls the strategy's methods itself.
        driver.initialize = lambda: None
        driver.on_trading_iteration = self._test.switch
        engine.run(driver)

    def on(self) -> None:
        """To the next iteration: fills, events, the clock."""
        if self._run:
            self._run.switch()

    def process(self) -> None:
        """Fill what can be filled now; the test's clock stands still."""
        if not self.ahead:
            self.shown, self.ahead = _datetime.fget(self.broker), True
        self.on()

    def move(self, to: datetime) -> None:
        """The test's clock moves."""
        while self._run and instant_ns(_datetime.fget(self.broker)) < instant_ns(to):
            self.on()
        self.shown, self.ahead = None, False


def _steps(broker: Any) -> Steps:
    steps: Steps | None = broker.__dict__.get("_steps")
    if steps is None:
        steps = broker._steps = Steps(broker)
    return steps


def _submit_order(broker: Any, order: Any) -> Any:
    if broker.engine is None:
        _steps(broker)
    return _submit(broker, order)


def _now(broker: Any) -> Any:
    steps = broker.__dict__.get("_steps")
    return steps.shown if steps is not None and steps.ahead else _datetime.fget(broker)


def fill_of(side: str, bar: dict[str, float], **price: float) -> float | None:
    """The price at which one bar fills one order, by a run over that bar; None: it does not."""
    import pandas as pd

    from millibar.assets import Asset
    from millibar.data import Data
    from millibar.strategy import Strategy

    asset = Asset("ONE")
    prices = {"open": bar["open_"], "high": bar["high"], "low": bar["low"], "close": bar["open_"]}
    at = pd.DatetimeIndex(["2024-01-03 09:30"], tz="America/New_York")
    data = Data(asset, pd.DataFrame(prices | {"volume": 1.0}, index=at), timestep="minute")
    source = PandasDataBacktesting(at[0], at[0], pandas_data=[data], show_progress_bar=False)
    broker = BacktestingBroker(source)
    strategy = Strategy(broker, analyze_backtest=False)
    order = strategy.create_order(asset, 1, side, **price)
    strategy.submit_order(order)
    _steps(broker).process()
    return order.avg_fill_price


def install() -> None:
    """Give broker, data source and strategies the private names that lumibot's tests use."""
    kind: Any = BacktestingBroker
    kind.submit_order = _submit_order
    kind.datetime = property(_now)
    kind.process_pending_orders = lambda self, strategy=None: _steps(self).process()
    kind._update_datetime = lambda self, to, **_: _steps(self).move(to)
    kind.initialize_market_calendars = lambda self, calendar=None: None
    source: Any = PandasDataBacktesting
    source.load_data = lambda self: self.load()
    source.get_trading_days_pandas = lambda self: None
    kind.limit_order = lambda self, limit_price, side, **bar: fill_of(
        side, bar, limit_price=limit_price
    )
    kind.stop_order = lambda self, stop_price, side, **bar: fill_of(
        side, bar, stop_price=stop_price
    )
    from millibar.strategy import Strategy

    strategy: Any = Strategy
    strategy._executor = SimpleNamespace(process_queue=lambda: None)
    first: Any = Strategy._first_iteration
    strategy._first_iteration = property(first.fget, lambda self, value: None)
