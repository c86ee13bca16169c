"""Strategy: lumibot's class to derive from, on millibar's engine.

    class Crossing(Strategy):
        def initialize(self):
            self.sleeptime = "5M"
            self.asset = Asset("MES", Asset.AssetType.CONT_FUTURE)

        def on_trading_iteration(self):
            bars = self.get_historical_prices(self.asset, 60, "minute")
            ...
            self.submit_order(self.create_order(self.asset, 1, "buy"))

Names, arguments and behaviour are lumibot's. A strategy belongs to a broker (`BacktestingBroker`),
which has the data and, while a run is under way, the engine; this class only puts lumibot's words
to what those two answer. A lifecycle method that a class does not define is never called.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import math
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from millibar import _clock
from millibar._log import logger_of
from millibar._strategy_charts import ChartMethods
from millibar._strategy_missing import MissingMethods, unsupported
from millibar._strategy_money import MoneyMethods
from millibar._strategy_orders import OrderMethods
from millibar.assets import Asset

if TYPE_CHECKING:
    from millibar.broker import BacktestingBroker
    from millibar.orders import Order, Position
    from millibar.result import Result

__all__ = ["Strategy", "Vars"]

_USD: Any = object()
_SLEEPTIME = (
    "You can set the sleep time as an integer which will be interpreted as minutes, or as text "
    "with its unit: '300S' seconds, '10M' minutes, '2H' hours, '1D' days. You entered "
)
_SECONDS = {"s": 1, "m": 60, "t": 60, "h": 3600, "d": 86_400}


def sleeptime_ns(sleeptime: Any) -> int:
    """Nanoseconds of a sleeptime; 0 is one iteration a session.

    Raises:
        ValueError: anything but minutes as an int, or text such as "30S", "1M", "2H", "1D".
    """
    if isinstance(sleeptime, bool):
        raise ValueError(f"{_SLEEPTIME}{sleeptime!r}.")
    seconds = -1
    if isinstance(sleeptime, int):
        seconds = sleeptime * 60
    elif isinstance(sleeptime, str) and sleeptime:
        with contextlib.suppress(KeyError, ValueError):
            seconds = int(sleeptime[:-1]) * _SECONDS[sleeptime[-1].lower()]
    if seconds < 0:
        raise ValueError(f"{_SLEEPTIME}{sleeptime!r}.")
    return seconds * 1_000_000_000


class Vars:
    """Attributes of the user's own: `self.vars.anything = 1`."""

    _vars_dict: dict[str, Any]

    def __init__(self) -> None:
        super().__setattr__("_vars_dict", {})

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_vars_dict"][name]
        except KeyError:
            raise AttributeError(f"'Vars' object has no attribute '{name}'") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._vars_dict[name] = value

    def set(self, name: str, value: Any) -> None:
        """As an assignment."""
        self._vars_dict[name] = value

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or default where there is none."""
        return self._vars_dict.get(name, default)

    def all(self) -> dict[str, Any]:
        """All of them, in a dict of the caller's own."""
        return self._vars_dict.copy()


class Strategy(OrderMethods, MoneyMethods, ChartMethods, MissingMethods):
    """A strategy to derive from.

    Args:
        broker: a `BacktestingBroker`, which knows the data.
        minutes_before_closing, minutes_before_opening, minutes_after_closing: when
            `before_market_closes`, `before_market_opens` and `after_market_closes` are called.
        sleeptime: time between iterations: minutes, or "30S", "1M", "2H", "1D".
        budget: cash to begin with; 100,000 unless given.
        parameters: over the class's own `parameters`; further keywords are parameters too.
        quote_asset: what cash is; US dollars unless given.
        starting_positions: {asset: units} held from the start.
        buy_trading_fees, sell_trading_fees: lists of TradingFee.
        name: the class's unless given.

    Raises:
        ValueError: no broker.
    """

    IS_BACKTESTABLE = True
    parameters: Any = None
    logger: Any = logger_of("millibar.strategy")
    _trader: ClassVar[Any] = None

    def __init__(
        self,
        broker: Any = None,
        data_source: Any = None,
        minutes_before_closing: int = 1,
        minutes_before_opening: int = 60,
        minutes_after_closing: int = 0,
        sleeptime: Any = "1M",
        stats_file: str | None = None,
        risk_free_rate: float | None = None,
        benchmark_asset: Any = "SPY",
        analyze_backtest: bool = True,
        backtesting_start: Any = None,
        backtesting_end: Any = None,
        quote_asset: Any = _USD,
        starting_positions: Mapping[Any, Any] | None = None,
        filled_order_callback: Any = None,
        name: str | None = None,
        budget: float | None = None,
        parameters: Mapping[str, Any] | None = None,
        buy_trading_fees: Iterable[Any] = (),
        sell_trading_fees: Iterable[Any] = (),
        buy_trading_slippages: Iterable[Any] = (),
        sell_trading_slippages: Iterable[Any] = (),
        save_logfile: bool = False,
        include_cash_positions: bool = False,
        **kwargs: Any,
    ) -> None:
        if broker is None:
            raise ValueError(
                "No broker is set: millibar runs strategies over past bars only. Pass "
                "broker=BacktestingBroker(data_source), or call backtest()."
            )
        if data_source is not None:
            unsupported("Strategy(data_source=)", "the data are the broker's")
        self.broker: BacktestingBroker = broker
        self._name = type(self).__name__ if name is None else name
        self._quote_asset = Asset("USD", "forex") if quote_asset is _USD else quote_asset
        self.is_backtesting = True
        self.include_cash_positions = include_cash_positions
        self.save_logfile = save_logfile
        self.starting_positions = starting_positions
        self.buy_trading_fees = list(buy_trading_fees or ())
        self.sell_trading_fees = list(sell_trading_fees or ())
        self.buy_trading_slippages = list(buy_trading_slippages or ())
        self.sell_trading_slippages = list(sell_trading_slippages or ())
        self._filled_order_callback = filled_order_callback
        self._benchmark_asset = benchmark_asset
        self._analyze_backtest = analyze_backtest
        self._risk_free_rate = risk_free_rate
        self._stats_file = stats_file
        self._minutes_before_closing = minutes_before_closing
        self._minutes_before_opening = minutes_before_opening
        self._minutes_after_closing = minutes_after_closing
        self._sleeptime = sleeptime
        self._initial_budget = _budget(budget)
        self._start_cash = self._initial_budget
        self._analysis: dict[str, Any] = {}
        self._strings: dict[str, Asset] = {}
        self.vars = Vars()
        own = self.parameters if isinstance(self.parameters, dict) else {}
        self.parameters = {**own, **kwargs, **(parameters or {})}
        self._start_charts()
        broker._adopt(self)

    # ---- What it is ----------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The strategy's name."""
        return self._name

    @property
    def initial_budget(self) -> Any:
        """Cash at the start."""
        return self._initial_budget

    @property
    def quote_asset(self) -> Asset:
        """What cash is."""
        return self._quote_asset

    @quote_asset.setter
    def quote_asset(self, value: Asset) -> None:
        self._quote_asset = value
        self.broker._adopt(self)

    @property
    def backtesting_start(self) -> datetime:
        """The first instant of the backtest."""
        return self.broker.data_source.datetime_start

    @property
    def backtesting_end(self) -> datetime:
        """The last."""
        return self.broker.data_source.given_end

    @property
    def first_iteration(self) -> bool:
        """Whether the first iteration is not over yet."""
        engine = self.broker.engine
        return engine is None or not engine.has_iterated

    @property
    def _first_iteration(self) -> bool:
        return self.first_iteration

    @property
    def last_on_trading_iteration_datetime(self) -> datetime | None:
        """The clock of the last iteration; None before the first is over."""
        return None if self.first_iteration else self.get_datetime()

    @property
    def stats_file(self) -> str | None:
        """Where the statistics go."""
        return self._stats_file

    @property
    def result(self) -> Result | None:
        """What the run left behind; None before it is over."""
        return self.broker.result

    @property
    def stats(self) -> Any:
        """The statistics rows of the run as a pandas DataFrame; None before it is over."""
        return self.broker.stats_frame()

    @property
    def analysis(self) -> dict[str, Any]:
        """What the run came to, in lumibot's words."""
        return self._analysis

    @property
    def risk_free_rate(self) -> float:
        """As given; 0 otherwise."""
        return self._risk_free_rate or 0.0

    # ---- When it runs --------------------------------------------------------------------------

    @property
    def sleeptime(self) -> Any:
        """Time between iterations: minutes, or "30S", "1M", "2H", "1D"."""
        return self._sleeptime

    @sleeptime.setter
    def sleeptime(self, value: Any) -> None:
        sleeptime_ns(value)
        self._sleeptime = value
        self.broker._reschedule(self)

    @property
    def minutes_before_closing(self) -> Any:
        """How long before the close the iterations of a session end."""
        return self._minutes_before_closing

    @minutes_before_closing.setter
    def minutes_before_closing(self, value: Any) -> None:
        self._minutes_before_closing = value
        self.broker._reschedule(self)

    @property
    def minutes_before_opening(self) -> Any:
        """How long before the open `before_market_opens` is called."""
        return self._minutes_before_opening

    @minutes_before_opening.setter
    def minutes_before_opening(self, value: Any) -> None:
        self._minutes_before_opening = value
        self.broker._reschedule(self)

    @property
    def minutes_after_closing(self) -> Any:
        """How long after the close `after_market_closes` is called."""
        return self._minutes_after_closing

    @minutes_after_closing.setter
    def minutes_after_closing(self, value: Any) -> None:
        self._minutes_after_closing = value
        self.broker._reschedule(self)

    def set_market(self, market: str) -> None:
        """Sets the market. The sessions are those of the data, whatever the market's name; only
        "24/7" is another: it never closes.

        Raises:
            ValueError: a name that lumibot does not know.
        """
        from millibar._markets import MARKETS

        if market not in MARKETS:
            raise ValueError(f"Valid market entries are: {list(MARKETS)}. You entered {market}.")
        self.broker.market = market
        self.broker._reschedule(self)

    # ---- Parameters and messages ---------------------------------------------------------------

    def get_parameters(self) -> dict[str, Any]:
        """The parameters."""
        found: dict[str, Any] = self.parameters
        return found

    def set_parameters(self, parameters: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Sets parameters over those there are; all of them."""
        if parameters is None:
            return None
        self.update_parameters(parameters)
        return self.get_parameters()

    def update_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Sets parameters over those there are, and calls `on_parameters_updated`."""
        self.parameters.update(parameters)
        self.on_parameters_updated(dict(parameters))

    def set_parameter_defaults(self, parameters: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Sets those parameters that are not there yet; all of them."""
        if parameters is None:
            return None
        for key, value in parameters.items():
            self.parameters.setdefault(key, value)
        return self.get_parameters()

    def log_message(self, message: Any, color: str | None = None, broadcast: bool = False) -> Any:
        """Logs a message at the level INFO; the message."""
        if self.logger.isEnabledFor(logging.INFO):
            self.logger.info("[%s] %s", self._name, message)
        return message

    # ---- The life of a strategy, to be overridden ----------------------------------------------

    def initialize(self, parameters: Any = None) -> None:
        """Called once, first. Arguments named like parameters get their values."""

    def before_market_opens(self) -> None:
        """Called `minutes_before_opening` before a session."""

    def before_starting_trading(self) -> None:
        """Called when a session opens."""

    def on_trading_iteration(self) -> None:
        """Called every `sleeptime` while the market is open."""

    def trace_stats(self, context: Any, snapshot_before: Any) -> dict[str, Any]:
        """Never called, as in lumibot, which calls it where it captures local variables only."""
        return {}

    def before_market_closes(self) -> None:
        """Called `minutes_before_closing` before a session ends."""

    def after_market_closes(self) -> None:
        """Called when a session has ended."""

    def on_strategy_end(self) -> None:
        """Called once, last."""

    def on_bot_crash(self, error: Exception) -> None:
        """Never called: an exception ends the backtest and comes out of it."""

    def on_abrupt_closing(self) -> None:
        """Called when a run is interrupted (Ctrl-C)."""

    def on_new_order(self, order: Order) -> None:
        """Called when an order came into the book."""

    def on_canceled_order(self, order: Order) -> None:
        """Called when an order was canceled."""

    def on_partially_filled_order(
        self, position: Position, order: Order, price: float, quantity: float, multiplier: float
    ) -> None:
        """Called when part of an order was filled."""

    def on_filled_order(
        self, position: Position, order: Order, price: float, quantity: float, multiplier: float
    ) -> None:
        """Called when an order was filled."""

    def on_error_order(self, order: Order, error: Any = None) -> None:
        """Called when an order was refused."""

    def on_parameters_updated(self, parameters: dict[str, Any]) -> None:
        """Called when parameters were set."""

    # ---- Running it ----------------------------------------------------------------------------

    @classmethod
    def backtest(
        cls,
        datasource_class: Any = None,
        backtesting_start: Any = None,
        backtesting_end: Any = None,
        minutes_before_closing: int = 1,
        minutes_before_opening: int = 60,
        sleeptime: Any = 1,
        stats_file: str | None = None,
        risk_free_rate: float | None = None,
        *args: Any,
        **options: Any,
    ) -> Any:
        """Runs the strategy over past bars; what it came to, in lumibot's words.

        The arguments are those of `run_backtest`. The environment's BACKTESTING_START and
        BACKTESTING_END go over the dates given.
        """
        result, _strategy = cls.run_backtest(
            datasource_class,
            _from_environment("BACKTESTING_START", backtesting_start),
            _from_environment("BACKTESTING_END", backtesting_end),
            minutes_before_closing,
            minutes_before_opening,
            sleeptime,
            stats_file,
            risk_free_rate,
            *args,
            **options,
        )
        return result

    @classmethod
    def run_backtest(
        cls,
        datasource_class: Any = None,
        backtesting_start: Any = None,
        backtesting_end: Any = None,
        minutes_before_closing: int = 5,
        minutes_before_opening: int = 60,
        sleeptime: Any = 1,
        stats_file: str | None = None,
        risk_free_rate: float | None = None,
        *args: Any,
        **options: Any,
    ) -> tuple[Any, Strategy]:
        """Runs the strategy over past bars: (what it came to, the strategy).

        The arguments are lumibot's. Those that name other data sources or accounts are refused
        where they are given; those that only concern files and plots are for `report`.

        Raises:
            UnsupportedError: a data source that is not PandasDataBacktesting.
            ValueError: no data source, dates in the wrong order.
        """
        from millibar.trader import run_backtest

        return run_backtest(
            cls,
            datasource_class,
            backtesting_start,
            backtesting_end,
            minutes_before_closing,
            minutes_before_opening,
            sleeptime,
            stats_file,
            risk_free_rate,
            *args,
            **options,
        )

    @classmethod
    def verify_backtest_inputs(
        cls, backtesting_start: Any, backtesting_end: Any
    ) -> tuple[Any, Any]:
        """Both dates.

        Raises:
            ValueError: no datetimes, or a start that is not before the end.
        """
        for name, value in (("start", backtesting_start), ("end", backtesting_end)):
            if not isinstance(value, datetime):
                raise ValueError(f"`backtesting_{name}` must be a datetime object, not {value!r}")
        if backtesting_end <= backtesting_start:
            raise ValueError(
                f"`backtesting_start` must be before `backtesting_end`. You passed in "
                f"{backtesting_start} and {backtesting_end}"
            )
        return backtesting_start, backtesting_end

    def _call_initialize(self) -> None:
        """initialize() with the parameters it names."""
        known = inspect.signature(self.initialize).parameters
        self.initialize(**{key: self.parameters[key] for key in known if key in self.parameters})


_SUFFIXES = {"k": 1e3, "m": 1e6, "b": 1e9}


def _budget(budget: Any) -> Any:
    """The budget given, under the environment's BACKTESTING_BUDGET ("10k", "$1,000"); 100,000."""
    text = os.environ.get("BACKTESTING_BUDGET", "").strip().lower()
    if text and text not in ("none", "null"):
        plain = text.replace("$", "").replace(",", "").replace("_", "").strip()
        try:
            value = float(plain.rstrip("kmb")) * _SUFFIXES.get(plain[-1:], 1.0)
        except ValueError:
            value = math.nan
        if math.isfinite(value) and value > 0:
            return value
        logger_of(__name__).warning("Invalid BACKTESTING_BUDGET value: %r.", text)
    return 100_000 if budget is None else budget


def _from_environment(name: str, given: Any) -> Any:
    text = os.environ.get(name)
    if not text:
        return given
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        logger_of(__name__).warning("Ignoring unparseable %s=%r.", name, text)
        return given


def normalized(value: Any) -> Any:
    """A backtest's bound as lumibot takes it: New York's where it has no zone, or one that is not
    pytz's."""
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None or value.utcoffset() is None:
        return _clock.aware(value)
    if not hasattr(value.tzinfo, "zone"):
        return value.astimezone(_clock.zone_of(_clock.NEW_YORK))
    return value
