"""Dividends and splits by local date, as a strategy of lumibot's may ask for them.

lumibot looks for them once for each asset, at the first question, and remembers: in all of the
asset's day data where these have dividends and splits and reach the end of the backtest, else in
the day bars that it would give the strategy at that moment. Under the policy strict a row counts
once it has closed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from millibar import _clock

if TYPE_CHECKING:
    from millibar.source import PandasDataBacktesting

__all__ = ["CompanyActions"]

# Days beyond the backtest's own that lumibot asks for, the fewest, and the most for dividends.
MARGIN, FEWEST, MOST = 10, 30, 2000


Rows = list[tuple[date, Any]]


class CompanyActions:
    """What is known of companies' dividends and splits: of one data source, handed in each time."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Any], dict[date, Any]] = {}

    def dividend(self, source: PandasDataBacktesting, asset: Any, quote: Any) -> Any:
        """Cash a unit, of today; 0 where there is none."""
        return self._today(source, "dividend", asset, quote, _as_paid)

    def split(self, source: PandasDataBacktesting, asset: Any, quote: Any) -> Any:
        """Units for one, of today; 0 where there is none."""
        return self._today(source, "stock_splits", asset, quote, _as_ratio)

    def _today(
        self,
        source: PandasDataBacktesting,
        column: str,
        asset: Any,
        quote: Any,
        of: Callable[[Any], Any],
    ) -> Any:
        today = source.get_datetime().date()
        if source.policy == "strict":
            last = dict(_bars(source, column, asset, quote, 1))
            return of(last[today]) if today in last else 0
        key = column, asset
        if key not in self._known:
            rows = _whole(source, column, asset, quote) or _so_far(source, column, asset, quote)
            self._known[key] = {day: of(value) for day, value in rows if of(value)}
        return self._known[key].get(today, 0)


def _whole(source: PandasDataBacktesting, column: str, asset: Any, quote: Any) -> Rows:
    """All of the asset's day data, where they are complete; else nothing."""
    instrument = source.find(asset, quote)
    if instrument is None or instrument.step != "day":
        return []
    columns = instrument.feed.columns
    if column not in columns or "stock_splits" not in columns:
        return []
    days = [_clock.from_ns(ns, source.tzinfo).date() for ns in instrument.feed.times.tolist()]
    if not days or max(days) < source.datetime_end.date():
        return []
    return list(zip(days, columns[column], strict=True))


def _so_far(source: PandasDataBacktesting, column: str, asset: Any, quote: Any) -> Rows:
    """The day bars that a strategy sees now."""
    n_days = (source.datetime_end.date() - source.datetime_start.date()).days + 1
    length = max(n_days + MARGIN, FEWEST)
    return _bars(
        source, column, asset, quote, min(MOST, length) if column == "dividend" else length
    )


def _bars(source: PandasDataBacktesting, column: str, asset: Any, quote: Any, length: int) -> Rows:
    bars = source.get_historical_prices(asset, length, "day", quote=quote)
    if bars is None or column not in bars.df.columns:
        return []
    frame = bars.df
    return [(stamp.date(), value) for stamp, value in zip(frame.index, frame[column], strict=True)]


def _as_paid(value: Any) -> Any:
    return value if value > 0 else 0


def _as_ratio(value: Any) -> float:
    ratio = float(value)
    sound = math.isfinite(ratio) and ratio > 0 and abs(ratio - 1.0) >= 1e-12
    return ratio if sound else 0.0
