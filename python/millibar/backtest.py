"""Backtest: a strategy over bars, in one call.

    result = mb.Backtest(MyStrategy, {"AAPL": "aapl.parquet"}, budget=50_000).run()
    print(result)

The strategy is a class derived from `Strategy`, or functions that take one: a function alone is its
`on_trading_iteration`. `Backtest.from_signals` runs arrays without a strategy.

lumibot's names for the parts of a run, `PandasDataBacktesting`, `BacktestingBroker` and `Trader`,
are here too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from millibar.assets import Fees, fees_of
from millibar.broker import BacktestingBroker
from millibar.errors import InvalidError
from millibar.signals import from_signals
from millibar.source import PandasDataBacktesting
from millibar.trader import Trader, run

if TYPE_CHECKING:
    from millibar import _core
    from millibar.result import Result
    from millibar.strategy import Strategy

__all__ = ["Backtest", "BacktestingBroker", "PandasDataBacktesting", "Trader"]


class Backtest:
    """A strategy, bars, and the terms of a run.

    Args:
        strategy: a class derived from Strategy; or a function of a strategy, called at every
            iteration; or several by the names of its methods: {"initialize": f, ...}.
        data: {Asset | (Asset, quote) | symbol: path | Bars | DataFrame | Arrow object | Data}.
        start, end: first and last instant; the data's unless given. Without a zone they are New
            York's wall clock.
        budget: cash to begin with.
        fees: of buys and sells alike, an amount an order or TradingFees; buy_fees and sell_fees of
            each.
        policy: "strict", under which nothing is known before its bar has closed and no order is
            filled in a bar that opened before it was placed, or "lumibot", which is what lumibot
            does.
        clock: "bars", an iteration whenever a bar has closed, or "step", one every `sleeptime` of
            the sessions; by default "bars" for strict, the only one for lumibot is "step".
        sleeptime: of the clock "step".
        slippage_ticks, slippage_percent, volume_share: frictions of the policy strict.
        parameters: of the strategy.
        timestep, timezone, label: of the data; see PandasDataBacktesting.
        progress: show a bar on a terminal.

    Raises:
        TypeError: a strategy that is none of these.
        InvalidError: a policy, clock or friction there is not.
    """

    def __init__(
        self,
        strategy: type[Strategy] | Callable[[Any], Any] | Mapping[str, Callable[..., Any]],
        data: Mapping[Any, Any],
        *,
        start: Any = None,
        end: Any = None,
        budget: float = 100_000.0,
        fees: Fees = 0.0,
        buy_fees: Fees | None = None,
        sell_fees: Fees | None = None,
        policy: str = "strict",
        clock: str | None = None,
        sleeptime: Any = "1M",
        slippage_ticks: float = 0.0,
        slippage_percent: float = 0.0,
        volume_share: float = 0.0,
        parameters: Mapping[str, Any] | None = None,
        name: str | None = None,
        risk_free_rate: float = 0.0,
        timestep: str | None = None,
        timezone: str | None = None,
        label: _core.Label = "open",
        progress: bool = False,
        **options: Any,
    ) -> None:
        strategy_class = _class_of(strategy)
        if policy not in ("strict", "lumibot"):
            raise InvalidError(f"policy {policy!r} is not one of strict, lumibot")
        shared = fees_of(fees)
        self.source = PandasDataBacktesting(
            datetime_start=start,
            datetime_end=end,
            data=data,
            timestep=timestep,
            timezone=timezone,
            label=label,
            show_progress_bar=progress,
        )
        self.broker = BacktestingBroker(
            self.source,
            policy=policy,
            clock=clock or ("bars" if policy == "strict" else "step"),
            slippage_ticks=slippage_ticks,
            slippage_percent=slippage_percent,
            volume_share=volume_share,
        )
        self.strategy = strategy_class(
            self.broker,
            name=name,
            budget=budget,
            sleeptime=sleeptime,
            risk_free_rate=risk_free_rate,
            parameters=parameters,
            buy_trading_fees=shared if buy_fees is None else fees_of(buy_fees),
            sell_trading_fees=shared if sell_fees is None else fees_of(sell_fees),
            analyze_backtest=False,
            **options,
        )

    def run(self) -> Result:
        """Runs the strategy, once; what it left.

        Raises:
            Whatever the strategy raises; `strategy.result` then has what was done until there.
            InvalidError: no data, data that lie outside of the backtest, a second run.
        """
        if self.broker.engine is not None:
            raise InvalidError("a Backtest runs once: make another for another run")
        return run(self.strategy)

    from_signals = staticmethod(from_signals)


def _class_of(strategy: Any) -> type[Strategy]:
    """A strategy class of what `Backtest` takes for one."""
    from millibar.strategy import Strategy

    if isinstance(strategy, type):
        if issubclass(strategy, Strategy):
            return strategy
        raise TypeError(f"{strategy.__name__} is not derived from millibar.Strategy")
    if callable(strategy):
        name = getattr(strategy, "__name__", "strategy")
        return type(name.strip("<>"), (Strategy,), {"on_trading_iteration": strategy})
    if not isinstance(strategy, Mapping):
        raise TypeError(
            "a strategy is a class derived from millibar.Strategy, a function, or functions by "
            f"name, not {type(strategy).__name__}"
        )
    for key, function in strategy.items():
        if not callable(getattr(Strategy, key, None)) or not callable(function):
            raise TypeError(f"a Strategy has no method {key!r} to be {function!r}")
    return type("functions", (Strategy,), dict(strategy))
