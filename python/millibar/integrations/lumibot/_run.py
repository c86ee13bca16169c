"""`millibar run --engine lumibot FILE`: the file inside lumibot itself, over our data sources.

`prepare()` puts our classes where the file will import lumibot's from; `start()` runs a strategy
class over bars of the command line. What a run left in lumibot's broker becomes a Result.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

os.environ.setdefault("IS_BACKTESTING", "true")

import lumibot.backtesting as theirs
import numpy as np
import pandas as pd
from lumibot.backtesting import BacktestingBroker, pandas_backtesting
from lumibot.entities import Asset, TradingFee
from lumibot.strategies import Strategy
from lumibot.traders import Trader

from millibar import _runs
from millibar.compat.lumibot._map import MODULES
from millibar.lazy import read_parquet
from millibar.result import Result
from millibar.run import find_strategy, instant, read_fee

from ._pandas import PandasDataBacktesting
from ._speed import SpeedMeter

if TYPE_CHECKING:
    from millibar.run import Key

__all__ = ["prepare", "start"]


def prepare(given: Sequence[Key] = ()) -> None:
    """From now on `from lumibot.backtesting import PandasDataBacktesting` gives our class; where
    bars are given, a vendor's class of that package is ours over those bars."""
    for module in (theirs, pandas_backtesting):
        vars(module)["PandasDataBacktesting"] = PandasDataBacktesting
    if given:
        over_given = _over(_assets_of(given))
        for name, target in MODULES["lumibot.backtesting"].items():
            if target == "absent":
                setattr(theirs, name, over_given)


def _over(data: dict[Any, str]) -> type[PandasDataBacktesting]:
    """Our class over bars of its own, under its own name: lumibot asks for that."""

    class Given(PandasDataBacktesting):
        def __init__(self, datetime_start: Any, datetime_end: Any, *_: Any, **__: Any) -> None:
            super().__init__(datetime_start=datetime_start, datetime_end=datetime_end, data=data)

    Given.__name__ = PandasDataBacktesting.__name__
    return Given


def _assets_of(keys: Sequence[Key]) -> dict[Any, str]:
    """The keys as `data=` takes them: Assets and pairs of them, and paths."""
    data: dict[Any, str] = {}
    for key in keys:
        pair = Asset(key.symbol, key.kind), Asset(key.quote or "USD", "forex")
        data[pair if key.quote else pair[0]] = key.path
    return data


def _spans(keys: Sequence[Key]) -> tuple[int, Any, Any]:
    """Rows in all, first and last instant."""
    n_rows, ends = 0, []
    for key in keys:
        times = read_parquet(key.path).series.times
        n_rows += len(times)
        if len(times):
            ends += [times[0], times[len(times) - 1]]
    first, last = (pd.Timestamp(ns, tz="America/New_York") for ns in (min(ends), max(ends)))
    return n_rows, first.to_pydatetime(), last.to_pydatetime()


def start(module: ModuleType, keys: Sequence[Key], arguments: argparse.Namespace) -> None:
    """Runs the strategy class of a module inside lumibot over the bars of --data."""
    strategy_class: Any = find_strategy(module, Strategy, arguments.class_name)
    n_rows, first, last = _spans(keys)
    fees = read_fee(arguments.fee, TradingFee)
    with SpeedMeter(strategy_class, PandasDataBacktesting, n_bars=n_rows) as meter:
        with meter.layer("data"):
            source = PandasDataBacktesting(
                datetime_start=instant(arguments.start) or first,
                datetime_end=instant(arguments.end) or last,
                data=_assets_of(keys),
                show_progress_bar=False,
            )
        strategy = strategy_class(
            broker=BacktestingBroker(source),
            budget=100_000.0 if arguments.budget is None else arguments.budget,
            benchmark_asset=None,
            risk_free_rate=0.0,
            analyze_backtest=False,
            buy_trading_fees=fees,
            sell_trading_fees=fees,
        )
        trader = Trader(backtest=True, quiet_logs=True)
        trader.add_strategy(strategy)
        trader.run_all(show_plot=False, show_tearsheet=False, save_tearsheet=False)
    _runs.note(_result(strategy, meter, keys))


# ---- What lumibot leaves -----------------------------------------------------------------------

_KINDS = {
    "new": "new",
    "fill": "filled",
    "partial_fill": "partial",
    "canceled": "canceled",
    "modified": "modified",
    "error": "error",
}


def _times_ns(values: Any) -> Any:
    stamps = pd.DatetimeIndex(pd.to_datetime(values, utc=True))
    return np.array(stamps.as_unit("ns").asi8)


def _numbers(values: Any) -> Any:
    return np.array([np.nan if value is None else float(value) for value in values])


def _result(strategy: Any, meter: SpeedMeter, keys: Sequence[Key]) -> Result:
    stats, events = strategy.stats, strategy.broker._trade_event_log_df
    equity: dict[str, Any] = {
        "timestamp": _times_ns(stats.index if len(stats) else []),
        "cash": _numbers(stats["cash"]) if len(stats) else np.array([]),
        "portfolio_value": _numbers(stats["portfolio_value"]) if len(stats) else np.array([]),
    }
    tables: dict[str, Any] = {"fills": None, "events": None}
    if len(events):
        known = events[events["status"].isin(_KINDS)]
        filled = known[known["status"].isin(("fill", "partial_fill"))]
        tables["events"] = {
            "timestamp": _times_ns(known["time"]),
            "kind": [_KINDS[status] for status in known["status"]],
            "order": known["identifier"].astype(str).tolist(),
            "price": _numbers(known["price"]),
            "quantity": _numbers(known["filled_quantity"]),
            "fee": _numbers(known["trade_cost"]),
        }
        tables["fills"] = {
            "timestamp": _times_ns(filled["time"]),
            "order": filled["identifier"].astype(str).tolist(),
            "symbol": filled["symbol"].astype(str).tolist(),
            "side": [str(side) for side in filled["side"]],
            "quantity": _numbers(filled["filled_quantity"]),
            "price": _numbers(filled["price"]),
            "fee": np.nan_to_num(_numbers(filled["trade_cost"])),
            "multiplier": _numbers(filled["multiplier"]),
        }
    return Result(
        equity=equity,
        **tables,
        settings={"policy": "lumibot", "engine": "lumibot", "budget": strategy.initial_budget},
        data=[{"symbol": key.symbol} for key in keys],
        speed=meter.speed,
        name=strategy.name,
        zone="America/New_York",
    )
