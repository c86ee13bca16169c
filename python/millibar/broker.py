"""BacktestingBroker: one run of a strategy on the engine, under lumibot's name for it.

The broker has the data (`data_source`) and, while and after a run, the engine with the orders and
positions in it. `run()` makes the engine, tells it of every asset there are bars of, and lets it
call the strategy's methods.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import ref

from millibar import _clock, _core, _runs
from millibar._flows import CashFlows
from millibar._log import logger_of
from millibar._strategy_missing import unsupported
from millibar._strategy_orders import NO_CHILDREN, child_prices
from millibar._tracking import Tracker, held_contract
from millibar.assets import Asset, fee_rows, futures_margin
from millibar.errors import InvalidError
from millibar.orders import Order, Position

if TYPE_CHECKING:
    from millibar._sessions import Sessions
    from millibar.result import Result
    from millibar.source import PandasDataBacktesting
    from millibar.strategy import Strategy

__all__ = ["BacktestingBroker"]

logger = logger_of(__name__)

_MINUTE_NS = 60_000_000_000
_DAY_NS = 1440 * _MINUTE_NS
_NEVER_NS = 2**63 - 1
_KINDS = {
    "stock": "stock",
    "future": "future",
    "cont_future": "future",
    "crypto_future": "future",
    "crypto": "crypto",
    "forex": "forex",
    "index": "index",
}
_FUTURES = frozenset({"future", "cont_future", "crypto_future"})
_TIFS = frozenset({"gtc", "day", "gtd", "ioc", "fok"})
_TIF_NAMES = {
    "good_for_day": "day",
    "gfd": "day",
    "good_till_date": "gtd",
    "good_til_date": "gtd",
    "immediate_or_cancel": "ioc",
    "fill_or_kill": "fok",
}


def _nobody() -> None:
    return None


def _with_type(asset: Asset) -> str:
    return f"{asset!r} ({asset.asset_type})"


class BacktestingBroker:
    """The broker of a backtest.

    Args:
        data_source: a PandasDataBacktesting.
        policy: "lumibot" (the default), which is what lumibot 4.6.30 does, or "strict", under
            which nothing can be known before its bar has closed and no order is filled in a bar
            that opened before it was placed.
        clock: "step", an iteration every `sleeptime` of the sessions, or "bars", one whenever a
            bar has closed (strict only).
        slippage_ticks, slippage_percent, volume_share: frictions of the policy "strict".
    """

    IS_BACKTESTING_BROKER = True

    def __init__(
        self,
        data_source: Any,
        option_source: Any = None,
        connect_stream: bool = True,
        max_workers: int = 20,
        config: Any = None,
        *,
        policy: str | None = None,
        clock: str = "step",
        slippage_ticks: float = 0.0,
        slippage_percent: float = 0.0,
        volume_share: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if option_source is not None:
            unsupported("BacktestingBroker(option_source=)", "options are not simulated")
        self.name = "backtesting"
        self.data_source: PandasDataBacktesting = data_source
        self.option_source = None
        self.market = "NASDAQ"
        self.quote_assets: set[Any] = set()
        self.policy = _runs.default_policy() if policy is None else policy
        self.clock = clock
        self.frictions = {
            "slippage_ticks": slippage_ticks,
            "slippage_percent": slippage_percent,
            "volume_share": volume_share,
        }
        self.engine: _core.Engine | None = None
        self.result: Result | None = None
        self.tracker: Tracker | None = None
        self._strategy: Callable[[], Strategy | None] = _nobody
        self._account = (
            "",
            Asset("USD", Asset.AssetType.FOREX),
            0.0,
        )  # name, cash asset, start cash
        self._multipliers: list[float] = []
        self._unpriced: dict[Asset, int] = {}
        self._sessions: Sessions | None = None
        self.flows = CashFlows()
        self._initializing = False
        self._sessions_begun = ""

    def _adopt(self, strategy: Strategy) -> None:
        """Becomes the broker of a strategy, which holds it: not the other way as well, or nothing
        of a run would be let go before the collector came by."""
        self._strategy = ref(strategy)
        self._account = (strategy.name, strategy.quote_asset, strategy._start_cash)
        self.quote_assets.add(strategy.quote_asset)

    def _start_with(self, cash: Any) -> None:
        """Has other cash before the run than the strategy was made with."""
        name, quote_asset, _ = self._account
        self._account = (name, quote_asset, cash)

    @property
    def strategy(self) -> Strategy | None:
        """The strategy, for as long as somebody else holds it."""
        return self._strategy()

    # ---- The run -------------------------------------------------------------------------------

    def running(self, call: str) -> _core.Engine:
        """The engine of the run under way.

        Raises:
            InvalidError: none is.
        """
        engine = self.engine
        if engine is None or not engine.running:
            raise InvalidError(
                f"{call}() is for a strategy's methods while its backtest runs"
                + (": this one is over" if engine is not None else "")
            )
        return engine

    def open(self, strategy: Strategy) -> _core.Engine:
        """Makes the engine of a strategy's run, with every asset that there are bars of."""
        source = self.data_source
        source.load(self.policy)
        engine = self._new_engine(strategy)
        assets = []
        for bars in source.instruments:
            self._add(engine, bars.asset, bars.quote, bars.series)
            assets.append(bars.asset)
            self._multipliers.append(float(bars.asset.multiplier))
        quotes = self._add_quotes(engine, assets)
        self._add_unpriced(engine, assets)
        self.engine = engine
        source.engine = engine
        self._sessions_begun = self._sessions_word(strategy)
        source.daily = self.policy == "lumibot" and "daily" in self._sessions_begun
        if source.daily:
            # A day's time is pandas' Timestamp: its import belongs to loading, not to the strategy.
            with contextlib.suppress(ImportError):
                import_module("pandas")
        self.tracker = Tracker(
            engine,
            strategy.name,
            assets,
            quotes,
            forgets=self.policy == "lumibot",
            opens=source.open_types(),
            quoted=source.quoted(),
        )
        return engine

    def _new_engine(self, strategy: Strategy) -> _core.Engine:
        """An engine on a strategy's terms, without assets."""
        from millibar.strategy import sleeptime_ns

        source = self.data_source
        return _core.Engine(
            policy=self.policy,
            clock=self.clock,
            sessions=self._sessions_word(strategy),
            start_ns=source.start_ns,
            # The last bar closes after its stamp: with no end given it is seen too.
            end_ns=None if self.clock == "bars" and source.ends_with_data else source.end_ns,
            step_ns=sleeptime_ns(strategy.sleeptime),
            before_opening_ns=_minutes(strategy.minutes_before_opening),
            before_closing_ns=_minutes(strategy.minutes_before_closing),
            after_closing_ns=_minutes(strategy.minutes_after_closing),
            budget=float(strategy._start_cash),
            buy_fees=fee_rows(strategy.buy_trading_fees),
            sell_fees=fee_rows(strategy.sell_trading_fees),
            slippage_ticks=self.frictions["slippage_ticks"],
            slippage_percent=self.frictions["slippage_percent"],
            volume_share=self.frictions["volume_share"],
        )

    def _add(self, engine: _core.Engine, asset: Asset, quote: Asset, series: _core.Series) -> None:
        kind = _KINDS.get(str(asset.asset_type))
        if kind is None:
            unsupported(f"data of {asset}", f"{asset.asset_type} assets are not simulated")
        margin = float(futures_margin(asset)) if asset.asset_type in _FUTURES else 0.0
        engine.add_asset(
            asset.symbol,
            kind,
            series,
            multiplier=float(asset.multiplier),
            margin=margin,
            quote=quote.symbol if kind == "crypto" else None,
            quote_is_crypto=self._pays_in_crypto(asset, quote),
        )

    def _add_quotes(self, engine: _core.Engine, assets: list[Asset]) -> dict[int, int]:
        """The cryptos that cryptos are priced in, whose cash legs are positions in them: the
        engine's number of each, by the number of what is priced in it."""
        numbers: dict[int, int] = {}
        for bars in self.data_source.instruments:
            if self._pays_in_crypto(bars.asset, bars.quote):
                if bars.quote not in assets:
                    engine.add_asset(bars.quote.symbol, "crypto")
                    assets.append(bars.quote)
                    self._multipliers.append(float(bars.quote.multiplier))
                numbers[bars.number] = assets.index(bars.quote)
                if self.policy == "lumibot":
                    self._unpriced[bars.quote] = numbers[bars.number]
        return numbers

    def _add_unpriced(self, engine: _core.Engine, assets: list[Asset]) -> None:
        """What lumibot takes orders for and finds no bars of: an asset that there are bars of in
        another quote than the strategy's, ordered in the strategy's."""
        if self.policy != "lumibot":
            return
        quote = self._account[1]
        for bars in self.data_source.instruments:
            known = self.data_source.find(bars.asset, quote) is not None
            kind = _KINDS[str(bars.asset.asset_type)]
            if not known and bars.asset not in self._unpriced:
                multiplier = float(bars.asset.multiplier)
                self._unpriced[bars.asset] = engine.add_asset(
                    bars.asset.symbol, kind, multiplier=multiplier, same_as=bars.number
                )
                assets.append(bars.asset)
                self._multipliers.append(multiplier)

    def _pays_in_crypto(self, asset: Asset, quote: Asset) -> bool:
        """Whether trading an asset moves a position in its quote rather than cash."""
        both = asset.asset_type == quote.asset_type == "crypto"
        return both and quote != self._account[1]

    def _sessions_word(self, strategy: Strategy) -> str:
        daily = str(strategy.sleeptime)[-1:].lower() == "d" or self.data_source.step == "day"
        if daily:
            return "daily_always" if self.market == "24/7" else "daily"
        return "continuous" if self.market == "24/7" else "data"

    def _reschedule(self, strategy: Strategy) -> None:
        """Follows a change of sleeptime, market or minutes_before_*."""
        from millibar.strategy import sleeptime_ns

        engine = self.engine
        if engine is None or not engine.running:
            return
        engine.set_step(sleeptime_ns(strategy.sleeptime))
        sessions = self._sessions_word(strategy)
        if self._initializing:
            self._sessions_begun = sessions
            self.data_source.daily = self.policy == "lumibot" and "daily" in sessions
        elif sessions != self._sessions_begun:
            logger.warning(
                "A change of market or sleeptime between days and parts of a day has no effect "
                "on the sessions of a run under way: set them in initialize()."
            )
        engine.set_schedule(
            sessions,
            _minutes(strategy.minutes_before_opening),
            _minutes(strategy.minutes_before_closing),
            _minutes(strategy.minutes_after_closing),
        )

    def _hold_starting_positions(self) -> None:
        strategy = self.strategy
        if strategy is not None and strategy.starting_positions:
            unsupported("starting_positions", "a run begins without positions")

    # ---- The clock -----------------------------------------------------------------------------

    def sleep(self, ns: int) -> None:
        """Lets time pass.

        Raises:
            InvalidError: the end of the backtest is more than a day ago: a strategy that sleeps
                for ever would never return.
        """
        engine = self.running("sleep")
        if engine.now_ns > self.data_source.end_ns + _DAY_NS:
            raise InvalidError(
                f"sleep(): it is {self.datetime}, and the backtest ended at "
                f"{self.data_source.datetime_end}: return from the method for the run to end"
            )
        engine.sleep(ns)

    @property
    def datetime(self) -> Any:
        """Now."""
        return self.data_source.get_datetime()

    @property
    def sessions(self) -> Sessions:
        """When the market of the data is open."""
        if self._sessions is None:
            from millibar._sessions import Sessions

            self._sessions = Sessions(self.data_source.grid_times())
        return self._sessions

    def is_market_open(self) -> bool:
        """Whether the market is open now."""
        return self.market == "24/7" or self.sessions.is_open(self.data_source.now_ns)

    def should_continue(self) -> bool:
        """Whether the end of the backtest lies ahead."""
        source = self.data_source
        return source.now_ns < source.ends_ns

    def get_time_to_open(self) -> float | None:
        """Seconds to the next opening, 0 while open; None after the last session, where the
        backtest then ends."""
        return _seconds(self._left(self.sessions.to_open_ns))

    def get_time_to_close(self) -> float | None:
        """Seconds to the close of this session or the next; None after the last, where the
        backtest then ends."""
        return _seconds(self._left(self.sessions.to_close_ns))

    def _left(self, until: Callable[[int], int | None]) -> int | None:
        """Time from now until something of the sessions; where there is none any more, whoever
        looks for one ends the backtest, as in lumibot. The clock "bars" knows no sessions."""
        engine = self.engine
        left = until(self.data_source.now_ns)
        if left is None and self.clock == "step" and engine is not None and engine.running:
            engine.sessions_over()
        return left

    def wait_for_open(self, before_ns: int) -> None:
        """Lets time pass until before_ns before the market opens; does nothing while it is open.
        After the last session it ends the backtest."""
        engine = self.running("await_market_to_open")
        if self.market != "24/7":
            left = self._left(self.sessions.to_open_ns)
            engine.wait(0 if left is None else max(0, left - before_ns))

    def wait_for_close(self, before_ns: int) -> None:
        """Lets time pass until before_ns before the market closes. After the last session it ends
        the backtest."""
        engine = self.running("await_market_to_close")
        if self.market != "24/7":
            left = self._left(self.sessions.to_close_ns)
            engine.wait(0 if left is None else max(0, left - before_ns))

    # ---- Prices --------------------------------------------------------------------------------

    def number(self, asset: Any, quote: Any = None) -> int | None:
        """The engine's number of an asset; None where there are no bars of it."""
        return self.data_source.number(asset, quote)

    def no_bars(self, asset: Any, purpose: str) -> InvalidError:
        """The error that there are no bars of an asset, with what they were wanted for."""
        known = ", ".join(_with_type(bars.asset) for bars in self.data_source.instruments)
        return InvalidError(
            f"there are no bars of {_with_type(asset)} {purpose}, only of {known}: "
            "name the asset with the type that its bars were given with"
        )

    def get_last_price(self, asset: Any, quote: Any = None, exchange: Any = None) -> Any:
        """The last price at the clock; None when there is none."""
        return self.data_source.get_last_price(asset, quote)

    def get_last_prices(self, assets: Iterable[Any], quote: Any = None) -> dict[Any, Any]:
        """{asset: last price}."""
        return {asset: self.get_last_price(asset, quote) for asset in assets}

    # ---- Orders --------------------------------------------------------------------------------

    def _tradable(self, order: Order) -> int:
        """The engine's number of an order's asset, whose multiplier is the order's from now on.

        Raises:
            InvalidError: no bars of it. UnsupportedError: an option, legs, a smart limit.
        """
        if order.order_type == "smart_limit" or order.order_class == "multileg":
            unsupported(f"a {order.order_type} order of class {order.order_class}", "see Order")
        asset = order.asset
        number = self.data_source.number(asset, order.quote)
        if number is None:
            number = self._unpriced.get(asset)
        if number is None:
            raise self.no_bars(asset, "to fill an order in")
        multiplier = asset.multiplier
        if multiplier != self._multipliers[number]:
            engine = self.running("submit_order")
            engine.set_multiplier(number, multiplier)
            self._multipliers[number] = multiplier
        return number

    def submit_order(self, order: Order) -> Order:
        """Enters an order; the order. One that is entered already stays the one it is: lumibot
        says "new" of it once more, the policy "strict" only warns.

        Raises:
            InvalidError: what the engine refuses; nothing is entered.
        """
        engine = self.engine
        if engine is None or not engine.running:
            engine = self.running("submit_order")  # which says what is wrong
        if order._engine is not None:
            if self.policy == "strict":
                logger.warning(
                    "An order submitted again stays one order: submit_order() of what "
                    "close_position() returns, which has submitted it, can go."
                )
                return order
            engine.resubmit(order._id)
            order._is_over = False  # a canceled parent of one-cancels-other may be open again
            return order
        number = self._tradable(order)
        order_class = order.order_class or "simple"
        tif = order.time_in_force
        if tif not in _TIFS:
            tif = _known_tif(tif)
        limit, stop, stop_limit, trail, trail_percent = (
            NO_CHILDREN if order_class == "simple" else child_prices(order)
        )
        identifier = engine.submit(
            number,
            order.side,
            order.quantity,
            order.order_type,
            order._limit_price,
            order._stop_price,
            order_class,
            tif,
            order._stop_limit_price,
            order._trail_price,
            order._trail_percent,
            limit,
            stop,
            stop_limit,
            trail,
            trail_percent,
            0 if tif == "gtc" else _good_till_ns(order, tif),
        )
        tracker = self.tracker
        assert tracker is not None
        tracker.adopt(order, identifier, number)
        return order

    def submit_orders(self, orders: list[Order], is_multileg: bool = False, **kwargs: Any) -> Any:
        """Enters each; the orders."""
        if is_multileg:
            unsupported("submit_orders(is_multileg=True)", "options are not simulated")
        if not orders:
            logger.error("No orders to submit to broker when calling submit_orders")
        return [self.submit_order(order) for order in orders]

    def cancel_order(self, order: Order) -> None:
        """Cancels an order and its children."""
        if order._engine is None:
            order.status = "canceled"
            return
        self.running("cancel_order").cancel(order._id)

    def cancel_orders(self, orders: Iterable[Order]) -> None:
        """Cancels each."""
        for order in orders:
            self.cancel_order(order)

    def cancel_open_orders(
        self, strategy: Any = None, orders: Iterable[Order] | None = None
    ) -> list[Any] | None:
        """Cancels the active ones of the orders given, or of all."""
        if orders is None:
            engine = self.running("cancel_open_orders")
            if not engine.next_active(0):
                return []
            engine.cancel_all()
            return None
        active = [order for order in orders if order.is_active()]
        self.cancel_orders(active)
        return None if active else []

    def modify_order(
        self, order: Order, stop_price: float | None = None, limit_price: float | None = None
    ) -> None:
        """Gives an order other prices."""
        self.running("modify_order").modify(order._id, limit_price, stop_price)
        if limit_price is not None:
            order._limit_price = limit_price
        if stop_price is not None:
            order._stop_price = stop_price

    # ---- Positions -----------------------------------------------------------------------------

    def close_position(self, strategy_name: str, asset: Any, fraction: float = 1.0) -> Order | None:
        """Submits a market order against a position, or a part of it; None where there is none."""
        share = float(fraction)
        if not 0 < share <= 1:
            raise ValueError("fraction must be greater than 0 and no more than 1")
        position = self.get_tracked_position(strategy_name, asset)
        if position is None or position.quantity == 0:
            return None
        order = self._closing(position)
        if fraction != 1.0:
            order.quantity = order.quantity * share
        return self.submit_order(order)

    def _closing(self, position: Position) -> Order:
        quote = self._account[1]
        order = position.get_selling_order(quote_asset=quote)
        if order is None:
            side = "sell" if position.quantity > 0 else "buy"
            order = Order(
                position.strategy, position.asset, abs(position.quantity), side, quote=quote
            )
        return order

    def sell_all(
        self,
        strategy_name: str,
        cancel_open_orders: bool = True,
        strategy: Any = None,
        is_multileg: bool = False,
    ) -> None:
        """Cancels what is open, unless told otherwise, and closes every position."""
        if cancel_open_orders:
            self.cancel_open_orders(strategy_name)
        orders = [
            self._closing(position)
            for position in self.get_tracked_positions(strategy_name, cash=False)
            if position.quantity
        ]
        self.submit_orders(orders, is_multileg=is_multileg)

    def _cash_position(self) -> Position:
        name, quote_asset, start_cash = self._account
        cash = start_cash if self.engine is None else self.engine.cash
        return Position(name, quote_asset, Decimal(cash))

    def get_tracked_positions(self, strategy: Any = None, *, cash: bool = True) -> list[Position]:
        """What is held, cash first unless told otherwise."""
        held = [] if self.tracker is None else self.tracker.positions()
        return [self._cash_position(), *held] if cash else held

    def get_tracked_position(self, strategy: Any, asset: Any) -> Position | None:
        """What is held of that very asset; None when nothing is."""
        if self.tracker is not None:
            for position in self.tracker.held():
                if position.asset is asset or position.asset == asset:
                    return position
        if asset == self._account[1]:
            return self._cash_position()
        return None

    def find_position(self, asset: Asset) -> Position | None:
        """As `get_tracked_position`; a continuous future also finds one of its contracts."""
        position = self.get_tracked_position(None, asset)
        if position is not None or asset.asset_type != "cont_future":
            return position
        return held_contract(asset, [] if self.tracker is None else self.tracker.positions())

    # ---- Looking up ----------------------------------------------------------------------------

    def get_tracked_orders(self, strategy: Any = None, asset: Any = None) -> list[Order]:
        """Every order so far, in lumibot's order."""
        orders = [] if self.tracker is None else self.tracker.orders()
        return orders if asset is None else [order for order in orders if order.asset == asset]

    def get_all_orders(self) -> list[Order]:
        """As `get_tracked_orders()`."""
        return self.get_tracked_orders()

    def get_active_tracked_orders(self, strategy: Any = None, asset: Any = None) -> list[Order]:
        """The orders that may still be filled."""
        orders = [] if self.tracker is None else list(self.tracker.active())
        return [order for order in orders if asset is None or order.asset == asset]

    def get_tracked_order(self, identifier: Any, use_placeholders: bool = False) -> Order | None:
        """The order of that identifier."""
        return None if self.tracker is None else self.tracker.find(identifier)

    def get_order(self, identifier: Any) -> Order | None:
        """As `get_tracked_order`."""
        return self.get_tracked_order(identifier)

    def get_tracked_assets(self, strategy: Any = None) -> list[Any]:
        """The assets of all orders and positions, each once."""
        assets = [order.asset for order in self.get_tracked_orders()]
        assets += [position.asset for position in self.get_tracked_positions()]
        return list(dict.fromkeys(assets))

    def get_asset_potential_total(self, strategy: Any, asset: Any) -> Any:
        """Units held of an asset if all its new orders were filled."""
        position = self.get_tracked_position(strategy, asset)
        total = 0 if position is None else position.quantity
        for order in self.get_active_tracked_orders(asset=asset):
            if order.status == "new":
                total += float(order.get_increment())
        return total

    # ---- What the run left ---------------------------------------------------------------------

    @property
    def _trade_event_log_df(self) -> Any:
        """lumibot's log of trade events as a pandas DataFrame."""
        tracker = self.tracker
        if self.result is None or tracker is None:
            return None
        from millibar._frames import events_frame

        return events_frame(self.result, tracker.identifier_of)

    def stats_frame(self) -> Any:
        """lumibot's statistics rows as a pandas DataFrame; None before the run is over, and
        where there are none."""
        if self.result is None or not len(self.result.times_ns):
            return None
        from millibar._frames import stats_frame

        return stats_frame(self.result)

    def settings(self) -> Mapping[str, Any]:
        """What the run is made with, for its manifest."""
        strategy = self.strategy
        assert strategy is not None
        source = self.data_source
        return {
            "policy": self.policy,
            "clock": self.clock,
            "market": self.market,
            "sessions": self._sessions_word(strategy),
            "backtesting_start": source.datetime_start,
            "backtesting_end": source.given_end,
            "sleeptime": strategy.sleeptime,
            "minutes_before_opening": strategy.minutes_before_opening,
            "minutes_before_closing": strategy.minutes_before_closing,
            "minutes_after_closing": strategy.minutes_after_closing,
            "budget": strategy.initial_budget,
            "quote_asset": str(strategy.quote_asset.symbol),
            "include_cash_positions": bool(strategy.include_cash_positions),
            "buy_trading_fees": fee_rows(strategy.buy_trading_fees),
            "sell_trading_fees": fee_rows(strategy.sell_trading_fees),
            **self.frictions,
            "risk_free_rate": strategy.risk_free_rate,
            "parameters": strategy.parameters,
        }


def _known_tif(words: Any) -> str:
    """A time in force as the engine has it; "gtc" for one that it has not, as in lumibot."""
    tif = str(words or "day").strip().lower().replace("-", "_")
    return _TIF_NAMES.get(tif, tif if tif in _TIFS else "gtc")


def _good_till_ns(order: Order, tif: str) -> int:
    """Until when, of a "gtd" order; of a "day" order when it was created."""
    if tif == "gtd":
        date = order.good_till_date
    elif tif == "day":
        date = order._date_created
    else:
        return 0
    return _NEVER_NS if date is None else _clock.instant_ns(date)


def _minutes(value: Any) -> int:
    ns = round(float(value) * _MINUTE_NS)
    if ns < 0:
        raise InvalidError(f"{value} minutes: a length is 0 or more")
    return ns


def _seconds(ns: int | None) -> float | None:
    return None if ns is None else ns / 1e9
