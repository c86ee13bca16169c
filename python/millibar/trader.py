"""Trader: runs a strategy; and run_backtest, which makes one and runs it.

A run goes: the engine is made, the strategy's `initialize` sets what it likes, the engine calls the
strategy until the end, and what it leaves becomes a `Result`. An exception of the strategy's comes
out as it is, and the result of what was done until then is there all the same.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import ref

from millibar import _core, _runs
from millibar._log import logger_of
from millibar._speed import Speed, peak_memory_bytes
from millibar._strategy_missing import unsupported
from millibar.assets import Asset
from millibar.broker import BacktestingBroker
from millibar.source import PandasDataBacktesting

if TYPE_CHECKING:
    from millibar.result import Result
    from millibar.strategy import Strategy

__all__ = ["Trader", "run_backtest"]

logger = logger_of(__name__)

_TABLES = ("iterations", "fills", "orders", "events", "corporate")
# Methods of a strategy that the engine calls by its own names, where a class defines them.
_LIFECYCLE = {
    "before_market_opens": "before_market_opens",
    "before_starting_trading": "before_starting_trading",
    "on_trading_iteration": "on_trading_iteration",
    "before_market_closes": "before_market_closes",
    "after_market_closes": "after_market_closes",
    "on_end": "on_strategy_end",
}
_KINDS = {"fill": "filled", "partial_fill": "partial"}
_ORDER_EVENTS = (
    "on_new_order",
    "on_canceled_order",
    "on_partially_filled_order",
    "on_filled_order",
    "on_error_order",
)


def _own(strategy: Strategy, name: str) -> Any:
    """A method where the strategy's class has one of its own; None otherwise."""
    from millibar.strategy import Strategy

    method = getattr(strategy, name)
    return None if getattr(method, "__func__", None) is getattr(Strategy, name) else method


class Driver:
    """What the engine calls: the strategy's own methods, and nothing in between."""

    def __init__(self, strategy: Strategy, engine: _core.Engine) -> None:
        self.strategy = strategy
        self.broker = strategy.broker
        self.name = strategy.name
        for ours, theirs in _LIFECYCLE.items():
            setattr(self, ours, _own(strategy, theirs))
        tracker = self.broker.tracker
        assert tracker is not None
        heard = any(_own(strategy, name) is not None for name in _ORDER_EVENTS)
        wanted = heard or strategy._filled_order_callback is not None
        self.on_order_event = tracker.deliver(strategy, self) if wanted else None
        self.heartbeat = Progress.of(self.broker, engine)

    def initialize(self) -> None:
        """The strategy's initialize; sleeptime, market and the like may be set in it."""
        broker = self.broker
        broker._initializing = True
        try:
            self.strategy._call_initialize()
        finally:
            broker._initializing = False
        broker._hold_starting_positions()

    def close(self) -> None:
        """Takes the progress bar away, and lets the run go: what tells of order events refers to
        this, and the last window of a feed to the feed."""
        if self.heartbeat is not None:
            self.heartbeat.close()
        self.on_order_event = None
        for bars in self.broker.data_source.instruments:
            bars.feed.last = None


class Progress:
    """A progress bar over the days of a backtest, moved on ten times a second at the most."""

    def __init__(self, broker: BacktestingBroker, engine: _core.Engine) -> None:
        from tqdm import tqdm

        self._engine = engine
        self._start_ns = broker.data_source.start_ns
        span = max(1, broker.data_source.end_ns - self._start_ns)
        self._bar = tqdm(
            total=round(span / 86_400e9, 2), unit="day", leave=False, file=sys.stderr, delay=0.2
        )
        self._next = 0.0

    @classmethod
    def of(cls, broker: BacktestingBroker, engine: _core.Engine) -> Progress | None:
        """A bar where one is wanted and somebody sees it."""
        shown = broker.data_source.show_progress_bar and sys.stderr.isatty()
        return cls(broker, engine) if shown else None

    def __call__(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + 0.1
        days = (self._engine.now_ns - self._start_ns) / 86_400e9
        self._bar.n = min(round(days, 2), self._bar.total)
        self._bar.set_postfix_str(f"value {self._engine.value:,.2f}", refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        """Takes the bar away."""
        self._bar.close()


class Trader:
    """Runs one strategy.

    Args:
        logfile, debug, quiet_logs: as in lumibot; messages go to the logger "millibar".
        backtest: must be true.
        strategies: strategies to add.
    """

    def __init__(
        self,
        logfile: str = "",
        backtest: bool = False,
        debug: bool = False,
        strategies: list[Any] | None = None,
        quiet_logs: bool = False,
    ) -> None:
        self.debug = debug
        self.backtest = backtest
        self.quiet_logs = quiet_logs
        self.logfile = logfile
        self.logdir = "logs"
        self._added: list[Strategy] = list(strategies or ())
        self._finished: list[ref[Strategy]] = []

    @property
    def _strategies(self) -> list[Strategy]:
        """Those that were added, but for those whose run is over and that nobody else holds."""
        finished = [found for found in (each() for each in self._finished) if found is not None]
        return finished + self._added

    def _let_go(self) -> None:
        """Holds its strategies no longer: a strategy's class keeps its last trader."""
        self._finished += map(ref, self._added)
        self._added = []

    @property
    def is_backtest_broker(self) -> bool:
        """Whether the strategies run over past bars; they all do."""
        return True

    def add_strategy(self, strategy: Strategy) -> None:
        """Adds a strategy."""
        self._added.append(strategy)

    def run_all(
        self,
        async_: bool = False,
        show_plot: bool = True,
        show_tearsheet: bool = True,
        save_tearsheet: bool = True,
        show_indicators: bool = True,
        run_once: bool = False,
        base_filename: str | None = None,
        **files: Any,
    ) -> dict[str, Any]:
        """Runs the strategy: {its name: what it came to, in lumibot's words}.

        The files of the run go to the folder "logs" where the strategy was made with
        analyze_backtest=True and a base_filename is given; plots are not drawn.

        Raises:
            RuntimeError: no strategy, or backtest=False.
        """
        strategies = self._strategies
        if not strategies:
            raise RuntimeError(
                "No strategies to run. You must call trader.add_strategy(strategy) before "
                "trader.run_all()."
            )
        if not isinstance(self._strategies[0].broker, BacktestingBroker):
            unsupported("Trader.run_all() with a live broker", "it trades on past bars alone")
        if not self.backtest:
            raise RuntimeError(
                "You cannot mix backtesting and live strategies. You passed in "
                "Trader(backtest=False) but the strategies are configured with "
                "broker_backtesting=True."
            )
        if len(strategies) != 1:
            raise RuntimeError(
                f"Received {len(strategies)} strategies for backtesting. You can only "
                "backtest one at a time."
            )
        if run_once:
            unsupported("Trader.run_all(run_once=True)", "it trades on past bars alone")
        strategy = strategies[0]
        run(strategy)
        if strategy._analyze_backtest and base_filename and strategy.result is not None:
            from millibar.report import write_files

            write_files(strategy.result, self.logdir, base_filename)
        return {strategy.name: strategy.analysis}

    def run_all_async(self) -> list[Strategy]:
        """Runs the strategy, here and now; the strategies."""
        self.run_all()
        return self._strategies

    def stop_all(self) -> None:
        """Ends the run under way after its present iteration; from any thread."""
        for strategy in self._strategies:
            if strategy.broker.engine is not None:
                strategy.broker.engine.stop()


def run(strategy: Strategy) -> Result:
    """Runs a strategy once; what it left is also `strategy.result`.

    Raises:
        Whatever the strategy raises. KeyboardInterrupt, after `on_abrupt_closing`.
    """
    from millibar._summary import lumibot_summary

    broker = strategy.broker
    began = time.perf_counter()
    engine = broker.open(strategy)
    loaded = time.perf_counter()
    driver = Driver(strategy, engine)
    whole = False
    try:
        engine.run(driver)
        whole = True
    except KeyboardInterrupt:
        strategy.on_abrupt_closing()
        raise
    except Exception as error:
        _crash(strategy, error)
        raise
    finally:
        over = time.perf_counter()
        driver.close()
        broker.result = _result(strategy, engine, loaded - began, over - loaded, whole)
        _runs.note(broker.result)
    strategy._analysis = lumibot_summary(broker.result)
    return broker.result


def _crash(strategy: Strategy, error: Exception) -> None:
    """What lumibot does: it tells the strategy twice."""
    if _own(strategy, "on_bot_crash") is None and _own(strategy, "on_abrupt_closing") is None:
        return
    for _ in range(2 if strategy.broker.policy == "lumibot" else 1):
        strategy.on_bot_crash(error)


def _result(
    strategy: Strategy, engine: _core.Engine, loading: float, running: float, whole: bool
) -> Result:
    from millibar.result import Result

    broker, source = strategy.broker, strategy.broker.data_source
    reporting = time.perf_counter()
    tables = {name: engine.table(name) for name in _TABLES}
    if whole and broker.policy == "lumibot" and len(tables["iterations"]):
        # lumibot has its statistics before it notes the last row, on_strategy_end's.
        tables["iterations"] = tables["iterations"].slice(0, len(tables["iterations"]) - 1)
    data = source.spent_ns / 1e9
    spent = max(0.0, engine.callback_seconds - data)
    seconds = {
        "data": loading + data,
        "strategy": min(spent, running),
        "broker": max(0.0, running - spent - data),
    }
    seconds["reporting"] = time.perf_counter() - reporting
    span = source.start_ns, source.end_ns + 1
    n_bars = sum(bars.feed.series.between(*span)[1] for bars in source.instruments)
    return Result(
        equity=broker.flows.equity(tables["iterations"]),
        fills=tables["fills"],
        orders=tables["orders"],
        events=_worded(tables["events"]),
        corporate=broker.flows.corporate(tables["corporate"], str(strategy.quote_asset.symbol)),
        assets=_assets_of(source.instruments, strategy.quote_asset),
        market=_market(source, tables["iterations"]),
        charts={
            "markers": strategy._chart_markers_list,
            "lines": strategy._chart_lines_list,
            "ohlc": strategy._chart_ohlc_list,
        },
        settings=broker.settings(),
        data=[_DataEntry(str(bars.asset.symbol), bars.feed.series) for bars in source.instruments],
        strategy_file=_file_of(type(strategy)),
        speed=Speed(n_bars, engine.iterations, seconds, peak_memory_bytes()),
        name=strategy.name,
        zone="America/New_York",
        quoted=_quoted(source, engine, tables["orders"]),
    )


def _market(source: PandasDataBacktesting, iterations: _core.Table) -> Any:
    """Of a run over one asset, the last close there was at each row; None otherwise."""
    if len(source.instruments) != 1 or not len(iterations):
        return None
    import numpy as np

    from millibar._arrays import raw_values

    feed = source.instruments[0].feed
    closed = feed.times + feed.series.period_ns
    at = np.searchsorted(closed, raw_values(iterations.column("timestamp")), "right") - 1
    closes = np.asarray(feed.columns["close"], np.float64)
    return np.where(at >= 0, closes[np.maximum(at, 0)], np.nan)


def _quoted(source: PandasDataBacktesting, engine: _core.Engine, orders: _core.Table) -> list[int]:
    """The orders that a quote filled; not looked for where there are no quotes."""
    if not source.quoted():
        return []
    return [number for number in orders.column("id").to_list() if engine.order(number).by_quote]


def _worded(events: _core.Table) -> _core.Table:
    """The engine's events in a result's words for them."""
    kind = events.column("kind")
    words = kind.dictionary()
    if words is None:
        return events
    ours = [_KINDS.get(word, word) for word in words.to_list()]
    codes = _core.column_from_buffer(
        "kind", kind, "dictionary", dictionary=_core.column_from_text("kind", ours)
    )
    return _core.Table([codes if name == "kind" else events.column(name) for name in events.names])


def _assets_of(instruments: Iterable[Any], cash: Asset) -> dict[str, Mapping[str, Any]]:
    """The fields of every asset; of a crypto paid for in another, "quote" is that one's symbol."""
    assets: dict[str, Mapping[str, Any]] = {str(cash.symbol): _asset_fields(cash)}
    for bars in instruments:
        assets[str(bars.asset.symbol)] = fields = dict(_asset_fields(bars.asset))
        if bars.asset.asset_type == bars.quote.asset_type == "crypto":
            fields["quote"] = str(bars.quote.symbol)
            assets.setdefault(str(bars.quote.symbol), _asset_fields(bars.quote))
    return assets


def _asset_fields(asset: Asset) -> Mapping[str, Any]:
    return {
        "asset_type": str(asset.asset_type),
        "multiplier": asset.multiplier,
        "expiration": asset.expiration,
        "strike": asset.strike,
        "right": asset.right,
    }


class _DataEntry(Mapping[str, Any]):
    """What a manifest says of an instrument's bars (`report.data_entry`), worked out when somebody
    reads it: a hash of all bars takes longer than many a run over them."""

    def __init__(self, symbol: str, series: _core.Series) -> None:
        self._symbol = symbol
        self._series = series
        self._fields: dict[str, Any] | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The entry as a dict."""
        if self._fields is None:
            from millibar.bars import Bars
            from millibar.report import data_entry

            self._fields = data_entry(self._symbol, Bars.from_series(self._series))
        return self._fields

    def __getitem__(self, key: str) -> Any:
        return self.fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __repr__(self) -> str:
        return repr(self.fields)

    def __reduce__(self) -> Any:
        return dict, (self.fields,)


def _file_of(cls: type) -> str | None:
    module = sys.modules.get(cls.__module__)
    return getattr(module, "__file__", None)


# Arguments of lumibot's run_backtest that concern what this engine has no part in; naming them with
# a value of their own is refused where it would change the run, and let be where it would not.
_OF_ACCOUNTS = (
    "polygon_api_key",
    "thetadata_username",
    "thetadata_password",
    "use_other_option_source",
)
_OF_FILES = (
    "logfile",
    "plot_file_html",
    "trades_file",
    "settings_file",
    "show_plot",
    "tearsheet_file",
    "tearsheet_metrics_file",
    "save_tearsheet",
    "show_tearsheet",
    "indicators_file",
    "show_indicators",
    "save_logfile",
    "use_quote_data",
    "quiet_logs",
    "save_stats_file",
    "auto_adjust",
)


_NO_VENDOR = (
    "bars come from PandasDataBacktesting, or from files that take a vendor's place: "
    "millibar run FILE --main --data SYMBOL=PATH"
)


def run_backtest(
    strategy_class: type[Strategy],
    datasource_class: Any,
    backtesting_start: Any,
    backtesting_end: Any,
    minutes_before_closing: int,
    minutes_before_opening: int,
    sleeptime: Any,
    stats_file: str | None,
    risk_free_rate: float | None,
    logfile: str | None = None,
    config: Any = None,
    auto_adjust: bool = False,
    name: str | None = None,
    budget: float | None = None,
    benchmark_asset: Any = "SPY",
    *,
    analyze_backtest: bool = True,
    pandas_data: Any = None,
    data: Mapping[Any, Any] | None = None,
    show_progress_bar: bool = True,
    trader_class: Any = None,
    policy: str | None = None,
    **options: Any,
) -> tuple[Any, Strategy]:
    """Makes source, broker and strategy, and runs it: (what it came to, the strategy).

    `Strategy.run_backtest` says what the arguments are. policy: "lumibot", unless given here or in
    the environment's MILLIBAR_POLICY.
    """
    from millibar.strategy import normalized

    if datasource_class is None:
        datasource_class = PandasDataBacktesting
    if not isinstance(datasource_class, type):
        unsupported(f"backtest({datasource_class!r})", _NO_VENDOR)
    if not issubclass(datasource_class, PandasDataBacktesting):
        data, pandas_data = _runs.given_bars(), None
        if data is None:
            unsupported(f"backtest({datasource_class.__name__})", _NO_VENDOR)
        datasource_class = PandasDataBacktesting
        options.pop("timestep", None)
    for key in _OF_ACCOUNTS:
        options.pop(key, None)
    for key in _OF_FILES:
        options.pop(key, None)
    start, end = normalized(backtesting_start), normalized(backtesting_end)
    strategy_class.verify_backtest_inputs(start, end)
    source = datasource_class(
        datetime_start=start,
        datetime_end=end,
        config=config,
        pandas_data=pandas_data,
        data=data,
        show_progress_bar=show_progress_bar,
        **{key: options.pop(key) for key in ("timestep", "timezone", "label") if key in options},
    )
    chosen = policy or _runs.default_policy()
    strategy = strategy_class(
        BacktestingBroker(source, policy=chosen),
        minutes_before_closing=minutes_before_closing,
        minutes_before_opening=minutes_before_opening,
        sleeptime=sleeptime,
        stats_file=stats_file,
        risk_free_rate=risk_free_rate,
        benchmark_asset=benchmark_asset,
        analyze_backtest=analyze_backtest,
        name=name,
        budget=budget,
        **options,
    )
    trader = (trader_class or Trader)(backtest=True)
    strategy_class._trader = trader
    trader.add_strategy(strategy)
    result = trader.run_all()
    if isinstance(trader, Trader):
        trader._let_go()
    return result[strategy.name], strategy
