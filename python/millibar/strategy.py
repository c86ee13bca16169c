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
from millibar._strategy_orders import OrderMethods
from millibar.assets import Asset, AssetsMapping, Quote

if TYPE_CHECKING:
    from millibar import _core
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


class Strategy(OrderMethods, ChartMethods, MissingMethods):
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
    _told_value: tuple[int | None, float] | None = None  # rows so far, and a value set then

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

    # ---- Money ---------------------------------------------------------------------------------

    @property
    def cash(self) -> float:
        """Cash now."""
        engine = self.broker.engine
        return float(self._start_cash) if engine is None else engine.cash

    @property
    def unspent_money(self) -> float:
        """As `cash`."""
        return self.cash

    @property
    def portfolio_value(self) -> float:
        """Cash and holdings, as of the last mark to market: before each lifecycle method and after
        each iteration. A value that is set is read until the row of this iteration or method is
        noted, in which it does not stand."""
        engine = self.broker.engine
        if self._told_value is not None:
            n_rows, value = self._told_value
            if n_rows == (None if engine is None else engine.n_rows):
                return value
        return float(self._initial_budget) if engine is None else engine.value

    @portfolio_value.setter
    def portfolio_value(self, value: float) -> None:
        engine = self.broker.engine
        self._told_value = None if engine is None else engine.n_rows, value

    def get_cash(self) -> float:
        """As `cash`."""
        return self.cash

    def get_portfolio_value(self) -> float:
        """As `portfolio_value`."""
        return self.portfolio_value

    def adjust_cash(
        self, amount: float, reason: str = "manual_adjustment", allow_negative: bool | None = None
    ) -> float:
        """Adds to cash, or takes from it; what it is then. Returns leave it out.

        Raises:
            ValueError: an amount that is not finite, or that allow_negative=False forbids.
        """
        return self._move_cash("adjustment", amount, reason, allow_negative)

    def deposit_cash(self, amount: float, reason: str = "deposit") -> float:
        """Adds to cash; what it is then.

        Raises:
            ValueError: an amount that is not finite and above 0.
        """
        return self._move_cash("deposit", _positive(amount), reason, True)

    def withdraw_cash(
        self, amount: float, reason: str = "withdrawal", allow_negative: bool | None = None
    ) -> float:
        """Takes from cash; what it is then.

        Raises:
            ValueError: an amount that is not finite and above 0, or that allow_negative=False
                forbids.
        """
        return self._move_cash("withdrawal", -_positive(amount), reason, allow_negative)

    def _move_cash(
        self, kind: str, amount: float, reason: str, allow_negative: bool | None
    ) -> float:
        engine = self.broker.running("adjust_cash")
        try:
            cash = engine.cash + float(amount)
        except (TypeError, ValueError):
            cash = math.nan
        if not math.isfinite(cash):
            raise ValueError("delta_cash must be a finite number")
        if allow_negative is False and cash < 0:
            raise ValueError(f"Cash adjustment '{reason}' would create negative cash ({cash:.2f})")
        engine.cash = cash
        self.broker.flows.note(engine, kind, float(amount), reason)
        return engine.cash

    def _set_cash_position(self, cash: Any) -> None:
        """Makes cash what is given, as lumibot's method of this name: what it adds or takes is gain
        or loss, where that of `adjust_cash()` is not."""
        engine = self.broker.engine
        if engine is not None:
            engine.cash = float(cash)
        else:
            self._start_cash = cash
            self.broker._adopt(self)

    # ---- Data ----------------------------------------------------------------------------------

    def get_historical_prices(
        self,
        asset: Any,
        length: int,
        timestep: str = "",
        timeshift: Any = None,
        quote: Asset | None = None,
        exchange: str | None = None,
        include_after_hours: bool = True,
        return_polars: bool = False,
        minimum_bars: int | None = None,
    ) -> Any:
        """The latest `length` bars before now, as Bars; None when there are none.

        Args:
            asset: an Asset, a symbol, or a pair (base, quote).
            length: how many; fewer where history is short.
            timestep: "minute", "hour", "day", or a multiple ("5 minutes", "15min"); the data's
                own unless given.
            timeshift: rows, or a timedelta, to go back.
            quote: of a currency pair; the strategy's unless given.

        Raises:
            ValueError: a length that is no whole number.
        """
        if minimum_bars is not None and not 1 <= minimum_bars <= length:
            raise ValueError("minimum_bars must be an integer between 1 and length")
        return self.broker.data_source.get_historical_prices(
            asset if asset.__class__ is Asset else self._asset(asset),
            length,
            timestep,
            timeshift,
            self._quote_asset if quote is None else quote,
            return_polars=return_polars,
        )

    def get_historical_prices_for_assets(
        self,
        assets: Iterable[Any],
        length: int,
        timestep: str = "minute",
        timeshift: Any = None,
        chunk_size: int = 100,
        max_workers: int = 200,
        exchange: str | None = None,
        include_after_hours: bool = True,
        sleep_time: float | None = None,
    ) -> dict[Any, Any]:
        """The history of several assets: {asset: Bars or None}."""
        source = self.broker.data_source
        return {
            asset: source.get_historical_prices(asset, length, timestep, timeshift, None)
            for asset in map(self._asset, assets)
        }

    def get_symbol_bars(self, asset: Any, length: int, timestep: str = "", **options: Any) -> Any:
        """As `get_historical_prices`."""
        return self.get_historical_prices(asset, length, timestep, **options)

    def get_bars(
        self, assets: Iterable[Any], length: int, timestep: str = "minute", **options: Any
    ) -> Any:
        """As `get_historical_prices_for_assets`."""
        return self.get_historical_prices_for_assets(assets, length, timestep, **options)

    def get_last_price(
        self, asset: Any, quote: Asset | None = None, exchange: str | None = None
    ) -> Any:
        """The last price at the clock; None when there is none.

        Under the policy "lumibot" it is the open of the bar forming now; under "strict" the close
        of the last bar that has closed.
        """
        if asset.__class__ is not Asset:
            if not isinstance(asset, (Asset, str, tuple)):
                logger_of(__name__).error(
                    "Asset in get_last_price() must be a string or Asset or tuple object. Got %r.",
                    asset,
                )
                return None
            asset = self._asset(asset)
        return self.broker.get_last_price(asset, self._quote_asset if quote is None else quote)

    def get_last_prices(
        self, assets: Iterable[Any], quote: Asset | None = None, exchange: str | None = None
    ) -> dict[Any, Any]:
        """{asset: last price}; by symbol where symbols were given."""
        listed = list(assets)
        prices = {asset: self.broker.get_last_price(self._asset(asset), quote) for asset in listed}
        if listed and isinstance(listed[0], str):
            return {self._asset(asset).symbol: price for asset, price in prices.items()}
        return prices

    def get_quote(
        self, asset: Any, quote: Asset | None = None, exchange: str | None = None
    ) -> Quote:
        """Price, volume and, where the data have them, bid and ask at the clock."""
        found: Quote = self.broker.data_source.get_quote(self._asset(asset), quote=quote)
        return found

    def get_quotes(
        self, assets: Iterable[Any], quote: Asset | None = None, exchange: str | None = None
    ) -> dict[Any, Quote]:
        """{asset: quote}."""
        return {asset: self.get_quote(asset, quote) for asset in map(self._asset, assets)}

    def get_yesterday_dividend(self, asset: Any) -> Any:
        """Dividend of the last visible day, a unit; 0 where there is none."""
        return self.broker.data_source.get_yesterday_dividend(self._asset(asset))

    def get_yesterday_dividends(self, assets: Iterable[Any]) -> AssetsMapping:
        """{asset: today's dividend, a unit}; 0 where there is none."""
        found = [self._asset(asset) for asset in assets]
        return self.broker.data_source.get_yesterday_dividends(found, self.quote_asset)

    def get_yesterday_stock_split(self, asset: Any) -> Any:
        """Today's split, 2.0 for two for one; 0 where there is none."""
        return self.broker.data_source.get_yesterday_stock_split(
            self._asset(asset), self.quote_asset
        )

    def get_yesterday_stock_splits(self, assets: Iterable[Any]) -> AssetsMapping:
        """{asset: today's split}; 0 where there is none."""
        found = [self._asset(asset) for asset in assets]
        return self.broker.data_source.get_yesterday_stock_splits(found, self.quote_asset)

    def indicator(
        self, name: str, asset: Any = None, *params: Any, **named: Any
    ) -> _core.Indicator:
        """A live indicator of an asset's bars, which the engine moves on as they close.

            self.fast = self.indicator("sma", self.asset, 20)     # in initialize
            self.fast.value, self.fast[-2]                        # now, and a bar before

        It is computed over the asset's whole series, which `bars.sma(20)` of a window is not: the
        last bits of running sums differ.

        Raises:
            InvalidError: no such indicator or asset, parameters it does not take.
        """
        engine = self.broker.running("indicator")
        asset = self._asset(asset)
        number = self.broker.number(asset, self._quote_asset)
        if number is None:
            raise self.broker.no_bars(asset, f"to compute {name!r} of")
        return engine.indicator(number, name, *params, **named)

    def create_asset(
        self,
        symbol: str,
        asset_type: str = "stock",
        expiration: Any = None,
        strike: Any = None,
        right: Any = None,
        multiplier: float | None = None,
    ) -> Asset:
        """An Asset."""
        return Asset(
            symbol,
            asset_type,
            expiration=expiration,
            strike=strike,
            right=right,
            multiplier=multiplier,
        )

    @staticmethod
    def crypto_assets_to_tuple(base: Any, quote: Any) -> Any:
        """(base, quote) of a crypto; base as it is otherwise."""
        pair = isinstance(base, Asset) and base.asset_type == "crypto" and isinstance(quote, Asset)
        return (base, quote) if pair else base

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


def _positive(amount: Any) -> float:
    value = float(amount)
    if not (math.isfinite(value) and value > 0):
        raise ValueError("amount must be a finite positive number")
    return value


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
