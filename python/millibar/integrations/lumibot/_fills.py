"""The bar lumibot's broker fills an order from, looked up without a DataFrame.

For every pending order at every minute, `BacktestingBroker.process_pending_orders` asks the data
source for two bars, keeps those near the clock by comparing the index, and reads five prices of the
first: some 300 us of pandas for two rows. `FillBars` answers that one function. What it hands out
as `df` has the operations the function uses, on the rows' own arrays, and passes everything else to
the DataFrame it stands for, which is then made. Nobody but that function is given one: `answers`
looks at who is asking, and a lumibot whose code we have not read is given DataFrames.

Values are read where the DataFrame would read them, so what a strategy wrote into the frames it was
given is filled at, here as in lumibot.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import lumibot
import pandas as pd
from lumibot.backtesting import BacktestingBroker

from millibar.feed import Feed, Window

from ._bars import Bars
from ._speed import SpeedMeter

# Whether it is a version whose process_pending_orders uses the operations below and no others.
_known = lumibot.__version__ in ("4.6.30",)
_FILLING = BacktestingBroker.process_pending_orders.__code__
_METER = SpeedMeter.__module__
_LONGEST = 2


def answers(window: Any, depth: int = 2) -> bool:
    """Whether lumibot's fill loop asks and these rows can be looked up for it.

    depth: frames between this call and whoever asked the data source. SpeedMeter may stand between
    them; a method of a class derived from the data source may not, for it may look at the bars.
    """
    if window.__class__ is not Window or window.count > _LONGEST or not _known:
        return False
    if window._frame is not None or window.feed.detached:
        return False
    caller = sys._getframe(depth)
    if caller.f_globals.get("__name__") == _METER and caller.f_back is not None:
        caller = caller.f_back
    return caller.f_code is _FILLING


class FillBars(Bars):
    """Bars whose `df` is a FillRows; `pandas_df` is the DataFrame."""

    def _shown(self) -> Any:
        window = self._window
        if not isinstance(window, Window) or window._frame is not None:
            return self.pandas_df
        return FillRows(window, range(window.first, window.first + window.count))


class FillRows:
    """Rows of a feed under the few DataFrame operations the fill loop uses."""

    __slots__ = ("_rows", "_window", "index")

    def __init__(self, window: Window, rows: Sequence[int]) -> None:
        self._window = window
        self._rows = rows
        self.index = FillTimes(self)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: Any) -> Any:
        if key.__class__ is Mask:
            chosen = [row for row, kept in zip(self._rows, key, strict=True) if kept]
            return FillRows(self._window, chosen)
        values = self._window.feed.live.get(key) if isinstance(key, str) else None
        return self.real()[key] if values is None else _Places(values, self._rows)

    @property
    def iloc(self) -> _Slices:
        """Rows by place."""
        return _Slices(self)

    def __getattr__(self, name: str) -> Any:
        if name == "select":  # how lumibot tells a Polars frame from a pandas one
            raise AttributeError(name)
        return getattr(self.real(), name)

    def real(self) -> pd.DataFrame:
        """These rows as the DataFrame they stand for."""
        window = self._window
        rows: pd.DataFrame = window.frame().iloc[[row - window.first for row in self._rows]]
        return rows


class FillTimes:
    """The index of FillRows."""

    __slots__ = ("_owner",)

    def __init__(self, owner: FillRows) -> None:
        self._owner = owner

    @property
    def _feed(self) -> Feed:
        return self._owner._window.feed

    @property
    def tz(self) -> Any:
        """The zone of the stamps."""
        return self._feed.index.tz

    def __len__(self) -> int:
        return len(self._owner)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int):
            return self._feed.index[self._owner._rows[key]]
        return self._owner.real().index[key]

    def max(self) -> Any:
        """The last stamp."""
        return self[-1] if len(self) else self._owner.real().index.max()

    def __ge__(self, moment: Any) -> Any:
        if not _is_instant(moment):
            return self._owner.real().index >= moment
        times, ns = self._feed.times, moment.value
        return Mask(int(times[row]) >= ns for row in self._owner._rows)

    def __le__(self, moment: Any) -> Any:
        if not _is_instant(moment):
            return self._owner.real().index <= moment
        times, ns = self._feed.times, moment.value
        return Mask(int(times[row]) <= ns for row in self._owner._rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._owner.real().index, name)


class Mask(list[bool]):
    """Which rows to keep."""

    def __and__(self, other: Any) -> Mask:
        return Mask(a and b for a, b in zip(self, other, strict=True))


class _Slices:
    __slots__ = ("_owner",)

    def __init__(self, owner: FillRows) -> None:
        self._owner = owner

    def __getitem__(self, key: Any) -> Any:
        owner = self._owner
        if isinstance(key, slice):
            return FillRows(owner._window, owner._rows[key])
        return owner.real().iloc[key]


class _Places:
    """One column of FillRows, by place."""

    __slots__ = ("_rows", "_values", "iloc")

    def __init__(self, values: Any, rows: Sequence[int]) -> None:
        self._values = values
        self._rows = rows
        self.iloc = self

    def __getitem__(self, place: int) -> Any:
        return self._values[self._rows[place]]


def _is_instant(moment: Any) -> bool:
    return moment.__class__ is pd.Timestamp and moment.tzinfo is not None
