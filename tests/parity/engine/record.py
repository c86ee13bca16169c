"""What a run did, as JSON that two engines can be compared by.

Numbers are written by their bits and their type, "0x1.8p+1|float64", so that a value and what it is
made of are compared apart: lumibot hands out numpy scalars where the data are numpy's. An integer
or Decimal that a double holds is written as that double. Texts that begin with "types:" speak of
types alone. Times are ISO texts with their offset and the class after a bar.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import math
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd


def plain(value: Any) -> Any:
    """Any answer of an engine as lists, texts and None."""
    if value is None or isinstance(value, (bool, np.bool_)):
        return value if value is None else bool(value)
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (int, float, Decimal, np.number)):
        return _number(value)
    if isinstance(value, (dt.datetime, dt.date, dt.timedelta)):
        return _time(value)
    if isinstance(value, dict):
        return {str(plain(key)): plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    if isinstance(value, pd.DataFrame):
        return _frame(value)
    if isinstance(value, pd.Series):
        return _frame(value.to_frame("series"))
    if isinstance(value, np.ndarray):
        return [plain(member) for member in value.tolist()]
    if hasattr(value, "symbol") and hasattr(value, "asset_type"):
        return f"{value.symbol}/{plain(value.asset_type)}"
    return f"<{type(value).__name__}>"


def _number(value: Any) -> str:
    kind = type(value).__name__
    if isinstance(value, (int, np.integer)) and abs(int(value)) > 2**53:
        return f"{int(value)}|{kind}"
    number = float(value)
    text = "nan" if math.isnan(number) else number.hex()
    return f"{text}|{kind}"


def _time(value: Any) -> str:
    if value is pd.NaT:
        return "NaT|NaTType"
    text = str(value) if isinstance(value, dt.timedelta) else value.isoformat()
    return f"{text}|{type(value).__name__}"


def _frame(frame: pd.DataFrame) -> list[Any]:
    """Rows, span and the bits of a frame; its types in a text of their own."""
    total = hashlib.sha1()
    index = frame.index
    if isinstance(index, pd.DatetimeIndex):
        total.update(index.as_unit("ns").asi8.tobytes())
    types = [f"types:{index.dtype}"]
    for name in frame.columns:
        values = frame[name]
        types.append(f"{name}:{values.dtype}")
        total.update(str(name).encode())
        if values.dtype.kind in "fiub":
            total.update(values.to_numpy().astype("float64").tobytes())
        else:
            total.update(repr([plain(member) for member in values]).encode())
    span = [str(index[0]), str(index[-1])] if len(frame) else []
    return [len(frame), *span, total.hexdigest()[:16], " ".join(types)]


# ---- A run -------------------------------------------------------------------------------------

ORDER_FIELDS = """
asset quote side order_type order_class time_in_force good_till_date quantity limit_price stop_price
stop_limit_price trail_price trail_percent status trade_cost
"""


def run_record(strategy: Any, error: BaseException | None) -> dict[str, Any]:
    """Everything a run left, names for identifiers."""
    seen = [_row(plain(row)) for row in getattr(strategy, "seen", [])]
    orders = _safely(lambda: _orders(strategy))
    return {
        "error": None if error is None else [type(error).__name__, str(error)],
        "seen": _settle_cancels(seen),
        "orders": orders,
        "events": _safely(lambda: _events(strategy)),
        "positions": _safely(lambda: sorted(_position(p) for p in strategy.get_positions())),
        "cash": _safely(lambda: plain(strategy.cash)),
        "portfolio_value": _safely(lambda: plain(strategy.portfolio_value)),
        "stats": _safely(lambda: _stats(strategy.stats)),
    }


def _safely(call: Any) -> Any:
    """A part that cannot be read says so, and the rest is compared all the same."""
    try:
        return call()
    except Exception as error:
        return f"unreadable: {type(error).__name__}: {error}"


ROWS = [
    "iteration",
    "did",
    "raised",
    "before_market_opens",
    "before_starting_trading",
    "before_market_closes",
    "after_market_closes",
    "on_strategy_end",
    "on_abrupt_closing",
    "on_bot_crash",
    "trace_stats",
    "on_new_order",
    "on_filled_order",
    "on_partially_filled_order",
    "on_canceled_order",
]


def _row(row: Any) -> list[Any]:
    """A row as the random trader writes them; what other strategies looked at goes into one."""
    if isinstance(row, list) and len(row) > 4 and row[0] in ROWS:
        return row
    if isinstance(row, list) and row and row[0] == "canceled":
        return ["on_canceled_order", "", None, None, None, str(row), *row]
    return ["looked", "", None, None, None, row]


def _settle_cancels(rows: list[Any]) -> list[Any]:
    """Cancels that follow one another at one clock: each order once, sorted by name.

    lumibot cancels several orders from several threads (brokers/broker.py:2912), while a parent's
    cancel cancels its children too (backtesting/backtesting_broker.py:1352).
    """
    settled: list[Any] = []
    batch: list[Any] = []
    for row in [*rows, ["end", None]]:
        if row[0] == "on_canceled_order" and (not batch or batch[0][1] == row[1]):
            batch.append(row)
            continue
        unique = {one[5]: one for one in reversed(batch)}
        settled += [unique[name] for name in sorted(unique)]
        batch = [row] if row[0] == "on_canceled_order" else []
        if not batch:
            settled.append(row)
    return settled[:-1]


def _orders(strategy: Any) -> dict[str, Any]:
    """Every order, children included, by the name the strategy has for it.

    Of a strategy that names none, by its place among all when they are sorted by what they say.
    """
    named = hasattr(strategy, "name_of")
    name_of = strategy.name_of if named else lambda order: str(order.identifier)
    found: dict[str, Any] = {}
    for order in strategy.get_orders():
        _record_order(order, name_of, found)
    if named:
        return dict(sorted(found.items()))
    told = sorted(found.values(), key=lambda fields: re.sub(r"\|\w+", "", str(fields)))
    return {str(place): fields for place, fields in enumerate(told)}


def _record_order(order: Any, name_of: Any, found: dict[str, Any]) -> None:
    name = name_of(order)
    if name in found:
        return
    fields = {key: plain(getattr(order, key, "absent")) for key in ORDER_FIELDS.split()}
    fields["fill_price"] = plain(order.get_fill_price())
    fields["transactions"] = [[plain(t.quantity), plain(t.price)] for t in order.transactions or []]
    found[name] = fields
    for child in order.child_orders or []:
        _record_order(child, name_of, found)


EVENT_FIELDS = """
time symbol side type status price filled_quantity multiplier trade_cost price_source
"""


def _events(strategy: Any) -> list[Any]:
    """The trade log, without identifiers; cancels of one instant as a set."""
    log = strategy.broker._trade_event_log_df
    rows = [] if log is None else log.to_dict("records")
    plain_rows = [[_cell(row.get(key)) for key in EVENT_FIELDS.split()] for row in rows]
    settled: list[Any] = []
    batch: list[Any] = []
    for row in [*plain_rows, None]:
        if row is not None and row[4] == "canceled" and (not batch or batch[0][0] == row[0]):
            batch.append(row)
            continue
        settled += sorted({str(one): one for one in batch}.values(), key=str)
        batch = [row] if row is not None and row[4] == "canceled" else []
        if row is not None and not batch:
            settled.append(row)
    return settled


def _cell(value: Any) -> Any:
    """A cell of the trade log; an empty one is None or NaN by what else its column holds."""
    return None if isinstance(value, float) and math.isnan(value) else plain(value)


def _position(position: Any) -> list[Any]:
    names = ("quantity", "avg_fill_price", "available", "hold")
    return [position.asset.symbol, *(plain(getattr(position, name)) for name in names)]


STATS_FIELDS = "portfolio_value cash positions return"


def _stats(stats: pd.DataFrame | None) -> Any:
    """A row of the statistics to each instant: value, cash, positions, return."""
    if stats is None:
        return None
    names = [name for name in STATS_FIELDS.split() if name in stats.columns]
    rows = zip(stats.index, *(stats[name] for name in names), strict=True)
    return {"columns": list(map(str, stats.columns)), "rows": [plain(list(row)) for row in rows]}
