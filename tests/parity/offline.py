"""Real lumibot without a network, and what one of its runs leaves behind, ready to compare.

Importing this module sets the environment lumibot reads when it is first imported, so import it
before lumibot. `run()` backtests a strategy over a data source class given as a parameter: the same
function serves lumibot's own class (the reference) and the one under test (the subject).

Two things in a run are not deterministic and are normalised here, nothing else is:

- identifiers: an order is named by its place among the strategy's orders, a child by its parent's
  name and its place below it;
- cancels: `cancel_orders` cancels each order in a thread, while a parent's thread cancels its
  children as well, so neither the order of cancels nor how often a child is canceled is determined.
  Cancels that follow one another at one simulated time are a set, sorted by name.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

os.environ["IS_BACKTESTING"] = "true"
os.environ["LUMIBOT_DISABLE_DOTENV"] = "1"
os.environ.setdefault("LUMIBOT_CACHE_FOLDER", tempfile.mkdtemp(prefix="millibar-lumibot-"))

import numpy as np
import pandas as pd
import pytz
from bits import difference, plain

NEW_YORK = pytz.timezone("America/New_York")
SUBJECTS = ("millibar", "lumibot")


def new_york(text: str) -> datetime:
    """An aware datetime of New York wall-clock time."""
    return NEW_YORK.localize(pd.Timestamp(text).to_pydatetime())


def reference_class() -> type:
    from lumibot.backtesting import PandasDataBacktesting

    return PandasDataBacktesting


def subject_name() -> str:
    """What is judged: MILLIBAR_PARITY_SUBJECT, "millibar" unless it says "lumibot"."""
    name = os.environ.get("MILLIBAR_PARITY_SUBJECT", "millibar")
    if name not in SUBJECTS:
        raise ValueError(f"MILLIBAR_PARITY_SUBJECT is {name!r}; it may be one of {SUBJECTS}")
    return name


def subject_class() -> type:
    """The class under test; "lumibot" judges the judge."""
    if subject_name() == "lumibot":
        return reference_class()
    from millibar.integrations.lumibot import PandasDataBacktesting

    return PandasDataBacktesting


def quiet() -> None:
    """lumibot logs a warning for most odd requests; the tests make thousands of them."""
    from lumibot.tools.lumibot_logger import set_log_level

    set_log_level("CRITICAL")


@contextlib.contextmanager
def no_yahoo() -> Iterator[None]:
    """Inside, the benchmark (SPY) and risk-free rate (^IRX) of a run's end are a local frame."""
    from lumibot.tools.yahoo_helper import YahooHelper

    def local(symbol: str, *_: Any, **__: Any) -> pd.DataFrame:
        days = pd.date_range("2000-01-03", "2027-12-31", freq="B", tz=NEW_YORK)
        level = 4.0 if symbol == "^IRX" else 400.0
        values = level * (1 + 0.01 * np.sin(np.arange(len(days)) / 9.0))
        frame = pd.DataFrame(dict.fromkeys(("Open", "High", "Low", "Close"), values), days)
        return frame.assign(Volume=1_000, Dividends=0.0, **{"Stock Splits": 0.0})

    original = YahooHelper.get_symbol_data
    YahooHelper.get_symbol_data = staticmethod(local)
    try:
        yield
    finally:
        YahooHelper.get_symbol_data = original


@dataclass
class Run:
    """What a run left behind. Every field takes part in `runs_differ`."""

    iterations: int
    seen: list[tuple]
    events: list[dict[str, Any]]
    orders: dict[str, dict[str, Any]]
    positions: list[dict[str, Any]]
    cash: Any
    portfolio_value: Any
    stats: pd.DataFrame
    returns: pd.DataFrame
    analysis: dict[str, Any]
    evidence: dict[str, bytes] = field(repr=False)

    @property
    def fills(self) -> int:
        return sum(event["status"] == "fill" for event in self.events)


def run(
    strategy_class: type,
    source_class: type,
    make_data: Callable[[], Any],
    start: datetime,
    end: datetime,
    *,
    budget: float = 100_000,
    source_options: dict[str, Any] | None = None,
    **strategy_options: Any,
) -> Run:
    """Backtest once. `make_data` is called afresh, for lumibot writes into the frames it is given.

    A strategy may have a list `seen`, to which it appends whatever it looked at.
    """
    from lumibot.backtesting import BacktestingBroker
    from lumibot.traders import Trader

    quiet()
    with no_yahoo():
        source = source_class(
            datetime_start=start,
            datetime_end=end,
            pandas_data=make_data(),
            show_progress_bar=False,
            **(source_options or {}),
        )
        strategy = strategy_class(
            broker=BacktestingBroker(source),
            budget=budget,
            analyze_backtest=False,
            **strategy_options,
        )
        counted = _count_iterations(strategy)
        trader = Trader(logfile="", backtest=True, quiet_logs=True)
        trader.add_strategy(strategy)
        trader.run_all(show_plot=False, show_tearsheet=False, save_tearsheet=False)
    names = _name_orders(strategy.broker)
    return Run(
        iterations=counted[0],
        seen=list(getattr(strategy, "seen", [])),
        events=_events(strategy.broker, names),
        orders=_orders(strategy.broker, names),
        positions=[_position(p, names) for p in strategy.broker._filled_positions.get_list()],
        cash=strategy.cash,
        portfolio_value=strategy.portfolio_value,
        stats=strategy.stats,
        returns=strategy._strategy_returns_df,
        analysis=strategy._analysis,
        evidence=_evidence(source),
    )


def runs_differ(reference: Run, subject: Run) -> list[str]:
    """One sentence a field that differs, in order of cause: what was seen before what was done."""
    found = []
    for name in Run.__dataclass_fields__:
        a, b = getattr(reference, name), getattr(subject, name)
        text = difference(a, b, name)
        if text:
            found.append(f"{text}{_context(name, a, b)}")
    return found


def _context(name: str, a: Any, b: Any) -> str:
    """The event before the first unequal one tells when a run went astray."""
    if name != "events":
        return ""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if difference(x, y):
            return f"\n  reference: {_brief(x)}\n  subject:   {_brief(y)}\n  (event {i})"
    return ""


def _brief(event: dict[str, Any]) -> str:
    keys = ("time", "identifier", "symbol", "side", "type", "status", "price", "filled_quantity")
    return ", ".join(f"{key}={event[key]}" for key in keys)


def _count_iterations(strategy: Any) -> list[int]:
    counted = [0]
    inner = strategy._executor._on_trading_iteration_callable

    def counting(*args: Any, **kwargs: Any) -> Any:
        counted[0] += 1
        return inner(*args, **kwargs)

    strategy._executor._on_trading_iteration_callable = counting
    return counted


ORDER_LISTS = (
    "unprocessed",
    "placeholder",
    "new",
    "canceled",
    "partially_filled",
    "filled",
    "error",
)


def _order_list(broker: Any, name: str) -> list[Any]:
    return broker.__dict__[f"_{name}_orders"].get_list()


def _name_orders(broker: Any) -> dict[str, str]:
    """Identifier to name: roots in the order lumibot numbered them, children below their parent."""
    known: dict[str, Any] = {}
    for list_name in ORDER_LISTS:
        for order in _order_list(broker, list_name):
            known.setdefault(order.identifier, order)
    below = {child.identifier for order in known.values() for child in order.child_orders or []}
    roots = [order for key, order in known.items() if key not in below]
    roots.sort(key=lambda order: (not order.identifier.startswith("bt_"), _number(order)))
    names: dict[str, str] = {}
    for i, order in enumerate(roots):
        _name_below(order, f"order {i}", names)
    return names


def _number(order: Any) -> int:
    _, _, number = order.identifier.partition("bt_")
    return int(number) if number.isdigit() else 0


def _name_below(order: Any, name: str, names: dict[str, str]) -> None:
    names[order.identifier] = name
    for i, child in enumerate(order.child_orders or []):
        _name_below(child, f"{name}.{i}", names)


def _events(broker: Any, names: dict[str, str]) -> list[dict[str, Any]]:
    log = broker._trade_event_log_df
    rows = log.to_dict("records") if log is not None and len(log) else []
    for row in rows:
        row["identifier"] = names.get(row["identifier"], row["identifier"])
    ordered: list[dict[str, Any]] = []
    first = 0
    while first < len(rows):
        last = first + 1
        if rows[first]["status"] == "canceled":
            while last < len(rows) and _same_cancel(rows[first], rows[last]):
                last += 1
        unique = {row["identifier"]: row for row in rows[first:last]}
        ordered += [unique[key] for key in sorted(unique, key=str)]
        first = last
    return ordered


def _same_cancel(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return b["status"] == "canceled" and a["time"] == b["time"]


ORDER_FIELDS = """
strategy asset quote side order_type order_class time_in_force good_till_date quantity limit_price
stop_price stop_limit_price trail_price trail_percent secondary_limit_price secondary_stop_price
secondary_trail_price secondary_trail_percent price_triggered _trail_stop_price _status
_date_created _avg_fill_price trade_cost trade_slippage tag transactions error_message
position_filled
"""


def _orders(broker: Any, names: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Every order, children included, and in which of the broker's lists it stands."""
    found: dict[str, dict[str, Any]] = {}
    for list_name in ORDER_LISTS:
        for order in _order_list(broker, list_name):
            _record(order, names, found)
            if list_name not in found[names[order.identifier]]["lists"]:
                found[names[order.identifier]]["lists"].append(list_name)
    return dict(sorted(found.items()))


def _record(order: Any, names: dict[str, str], found: dict[str, dict[str, Any]]) -> None:
    name = names[order.identifier]
    if name in found:
        return
    record = {key: plain(getattr(order, key, None)) for key in ORDER_FIELDS.split()}
    record["parent"] = names.get(order.parent_identifier, order.parent_identifier)
    found[name] = record | {"lists": []}
    for child in order.child_orders or []:
        _record(child, names, found)


def _position(position: Any, names: dict[str, str]) -> dict[str, Any]:
    return {
        "asset": position.asset,
        "quantity": position.quantity,
        "hold": position.hold,
        "available": position.available,
        "avg_fill_price": position.avg_fill_price,
        "orders": [names.get(order.identifier, "?") for order in position.orders or []],
    }


def _evidence(source: Any) -> dict[str, bytes]:
    """lumibot's market-input files, as its run_backtest writes them."""
    from lumibot.backtesting.market_input_evidence import write_market_input_evidence

    with tempfile.TemporaryDirectory() as folder:
        write_market_input_evidence(source, folder)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
