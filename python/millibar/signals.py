"""Backtests of arrays of signals, without any Python in the loop.

    fast, slow = bars.sma(20), bars.sma(60)
    result = from_signals(bars, cross_above(fast, slow), cross_below(fast, slow), size=1)
    result = from_signals(bars, up, short_entries=down)           # long and short, reversing

A signal of a bar is known when that bar has closed, and filled in the next one that opens then and
has volume, by the engine's strict policy: no bar is seen before it has closed, none filled in
before the signal.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from millibar import _core
from millibar._arrays import raw_values, to_numpy
from millibar._schema import time_column
from millibar._speed import Speed, peak_memory_bytes
from millibar.assets import Asset, Fees, fee_rows, fees_of, futures_margin
from millibar.bars import Bars
from millibar.errors import InvalidError
from millibar.result import Result

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["from_signals"]

_DAY_NS = 86_400_000_000_000
_KINDS = {
    "stock": "stock",
    "future": "future",
    "cont_future": "future",
    "crypto_future": "future",
    "crypto": "crypto",
    "forex": "forex",
    "index": "index",
}


def from_signals(
    bars: Any,
    entries: Any = None,
    exits: Any = None,
    *,
    short_entries: Any = None,
    short_exits: Any = None,
    size: float = 1.0,
    share: float | None = None,
    lot: float = 0.0,
    asset: Asset | str = "asset",
    margin: float | None = None,
    tick: float = 0.0,
    budget: float = 100_000.0,
    fees: Fees = 0.0,
    sell_fees: Fees | None = None,
    slippage_ticks: float = 0.0,
    slippage_percent: float = 0.0,
    volume_share: float = 0.0,
    close_at_end: bool = False,
    name: str = "signals",
) -> Result:
    """The run that signals decided beforehand make.

    One order carries what is held to what is wanted: an entry of the other side reverses in one
    fill, an exit and an entry of one bar that want what is held trade nothing, an entry never adds
    to a position. A signal that finds no bar to fill in waits, and a later one that wants something
    else replaces it. No buying power is asked for. Dividends and splits are left out: give adjusted
    prices.

    Args:
        bars: Bars, or what Bars takes: open, high, low, close and, if there is any, volume.
        entries: bool (or 0 and 1), shape (rows,): be long from the next bar on.
        exits: be out of a long position.
        short_entries: be short.
        short_exits: be out of a short position.
        size: units of a position.
        share: instead of size: of the account's value at the open that fills; 1.0 is all of it.
        lot: with share, round down to whole lots: 1 for whole units, 0 for any fraction.
        asset: an Asset, or the symbol of a stock of multiplier 1.
        margin: of a future, currency held per contract; by default the one lumibot takes.
        tick: the smallest step of the price, for slippage_ticks.
        budget: cash to begin with.
        fees: of each order: an amount, a TradingFee or several.
        sell_fees: those of selling orders; by default `fees`.
        slippage_ticks: against the order, in ticks.
        slippage_percent: against the order, of the price; 0.01 is one per cent.
        volume_share: most of a bar's volume that one bar fills; 0 is no limit.
        close_at_end: close what is open at the last close.
        name: of the run.

    Returns:
        A Result; equity has a row a bar, at the instant at which the bar closes.

    Raises:
        InvalidError: arrays of another length or type, a bar that asks to be long and short at
            once, a size that is no number above 0, bars without the columns.

        >>> import numpy as np
        >>> bars = Bars({"timestamp": np.arange(4).astype("M8[m]"), "open": [1.0, 2, 3, 4],
        ...              "high": [9.0] * 4, "low": [0.0] * 4, "close": [1.5, 2.5, 3.5, 4.5]},
        ...             tz="UTC")
        >>> result = from_signals(bars, [1, 0, 0, 0], [0, 0, 1, 0])
        >>> result.fills["price"].tolist(), result.equity["portfolio_value"].tolist()
        ([2.0, 4.0], [100000.0, 100000.5, 100001.5, 100002.0])
    """
    started = time.perf_counter()
    bars = bars if isinstance(bars, Bars) else Bars(bars)
    series = _series_of(bars)
    traded = asset if isinstance(asset, Asset) else None
    symbol = asset.symbol if isinstance(asset, Asset) else asset
    settings: dict[str, Any] = {
        "size": float(size),
        "share": 0.0 if share is None else float(share),
        "lot": float(lot),
        "budget": float(budget),
        "slippage_ticks": float(slippage_ticks),
        "slippage_percent": float(slippage_percent),
        "volume_share": float(volume_share),
        "close_at_end": bool(close_at_end),
        **_asset_settings(traded, margin, tick),
    }
    buying = fee_rows(fees_of(fees))
    selling = buying if sell_fees is None else fee_rows(fees_of(sell_fees))
    arrays = {
        "entries": entries,
        "exits": exits,
        "short_entries": short_entries,
        "short_exits": short_exits,
    }
    wanted = [_signal_array(key, values) for key, values in arrays.items()]
    loaded = time.perf_counter()
    fills, equity = _core.signals_run(
        series, symbol, *wanted, buy_fees=buying, sell_fees=selling, **settings
    )
    ran = time.perf_counter()
    n_rows = len(series)
    return Result(
        equity=_core.Table([time_column("timestamp", _closes_ns(series)), equity]),
        fills=fills,
        orders=partial(_orders_of, fills),
        assets={} if traded is None else {symbol: _asset_fields(traded)},
        market=to_numpy(series.table.column(series.find("close"))),
        settings={
            "policy": "strict",
            "engine": "signals",
            "buy_fees": buying,
            "sell_fees": selling,
            **settings,
        },
        data=[{"symbol": symbol, "rows": n_rows}],
        speed=Speed(
            n_rows, n_rows, {"data": loaded - started, "broker": ran - loaded}, peak_memory_bytes()
        ),
        name=name,
        zone=series.zone or "UTC",
    )


# ---- What goes in ------------------------------------------------------------------------------


def _series_of(bars: Bars) -> _core.Series:
    """The bars' series; days are days of its zone, which the strict policy wants to know."""
    series = bars.series
    if series.period_ns < _DAY_NS or series.step == "day":
        return series
    table = series.table
    return _core.Series(
        table,
        time=table.names[series.time_column],
        period_ns=series.period_ns,
        step="day",
        zone=series.zone or None,
    )


def _signal_array(name: str, values: Any) -> npt.NDArray[np.bool_] | None:
    """Without a copy where it is one byte a value already; rows of other numbers are true where
    they are not zero."""
    import numpy as np

    if values is None:
        return None
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" or array.ndim != 1:
        raise InvalidError(
            f"{name} is an array of {array.dtype} and {array.ndim} dimensions: one bool a bar is "
            "wanted"
        )
    if array.dtype.kind == "f" and np.isnan(array).any():
        row = int(np.flatnonzero(np.isnan(array))[0])
        raise InvalidError(f"{name} is NaN in row {row}: a signal is there or not")
    if array.dtype.itemsize == 1:
        return np.ascontiguousarray(array)
    mask: npt.NDArray[np.bool_] = array != 0
    return mask


def _asset_settings(asset: Asset | None, margin: float | None, tick: float) -> dict[str, Any]:
    if asset is None:
        return {"kind": "stock", "multiplier": 1.0, "margin": margin or 0.0, "tick": float(tick)}
    kind = _KINDS.get(str(asset.asset_type))
    if kind is None:
        raise InvalidError(
            f"{asset.symbol} is of type {asset.asset_type}: signals trade {', '.join(_KINDS)}"
        )
    if margin is None:
        margin = futures_margin(asset) if kind == "future" else 0.0
    return {
        "kind": kind,
        "multiplier": float(asset.multiplier),
        "margin": float(margin),
        "tick": float(tick),
    }


def _asset_fields(asset: Asset) -> Mapping[str, Any]:
    return {"asset_type": str(asset.asset_type), "multiplier": asset.multiplier}


# ---- What comes out ----------------------------------------------------------------------------


def _closes_ns(series: _core.Series) -> npt.NDArray[np.int64]:
    """When each bar has closed; a day has 23, 24 or 25 hours."""
    import numpy as np

    opens = raw_values(series.times)
    period = series.period_ns
    if series.step != "day" or series.zone in ("", "UTC"):
        return opens + period
    zone = _core.Zone(series.zone)
    closes = [zone.from_local(zone.to_local(ns) + period, "later") for ns in opens.tolist()]
    return np.array(closes, np.int64)


def _orders_of(fills: _core.Table) -> _core.Table:
    """One market order a number; parts that bars filled one after the other are one order."""
    import numpy as np

    number = to_numpy(fills.column("order"))
    first = np.flatnonzero(np.diff(number, prepend=0))
    last = np.append(first[1:], len(number)) - 1 if len(number) else first
    quantity, price = to_numpy(fills.column("quantity")), to_numpy(fills.column("price"))

    def total(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.add.reduceat(values, first) if len(first) else values

    filled = total(quantity)
    # The price of an order filled at once is that fill's, to the bit.
    average = np.where(first == last, price[first], total(quantity * price) / filled)
    words = _core.column_from_text
    begun = fills.take(first.tolist())
    n_orders = len(first)
    columns = [
        begun.column("order").rename("id"),
        begun.column("symbol"),
        begun.column("side"),
        words("type", ["market"] * n_orders),
        words("status", ["filled"] * n_orders),
        _floats("quantity", filled),
        _floats("filled", filled),
        _floats("fill_price", average),
        _floats("fees", total(to_numpy(fills.column("fee")))),
        fills.take(last.tolist()).column("timestamp").rename("closed"),
    ]
    return _core.Table(columns)


def _floats(name: str, values: npt.NDArray[np.float64]) -> _core.Column:
    import numpy as np

    return _core.column_from_buffer(name, np.ascontiguousarray(values), "float64")
