"""A lumibot DataBento dataset as a feed: what is visible, at what price, and in which frame.

lumibot's DataBento classes answer by instants, not by rows: history is every bar labelled before
the clock (moved back by the shift), the last price is the close of the last bar that has ended, and
no gap is filled. "return" is computed over the window that was asked for, so its first row is NaN.
"""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np
import pandas as pd
from lumibot.entities import Bars as LumibotBars
from lumibot.entities.data_polars import DataPolars

from millibar import _core
from millibar.feed import BAR_COLUMNS, PRICE_COLUMNS, WINDOW_KEY, Feed, Window

from ._fills import FillBars, FillRows

BAR_NS = {"hour": 3_600_000_000_000, "day": 86_400_000_000_000}
MINUTE_NS = 60_000_000_000


class DatabentoFeed(Feed):
    """The bars of one lumibot Data or DataPolars object, as the DataBento classes show them.

    base: the frame the feed was made from; the object must still hold it for the feed to be true.
    shares: whether the frame of a window is one object that lumibot hands out again (pandas), or
    made anew for each Bars (Polars).
    """

    __slots__ = ("_data", "_is_polars", "_return_at", "bar_ns", "base", "close", "lower", "upper")

    def __init__(self, data: Any, series: _core.Series, columns: dict[str, np.ndarray]) -> None:
        super().__init__(series, columns)
        self._data = data
        self._is_polars = isinstance(data, DataPolars)
        self.base = data.polars_df if self._is_polars else data.df
        self.bar_ns = BAR_NS.get(data.timestep, MINUTE_NS)
        self.close: np.ndarray = self.columns["close"]
        self.lower = series.lower_bound
        self.upper = series.upper_bound

    @property
    def frame(self) -> pd.DataFrame:
        """The whole frame with the columns and index lumibot's own Bars would show."""
        if self._frame is None:
            source = self.base if self._is_polars else self.base.copy()
            # The copy has one block a type, so that copies of slices are made a block at a time.
            whole: Any = LumibotBars(source, "databento", self._data.asset).pandas_df.copy()
            column = whole.columns.get_loc("return")
            self._return_at = (whole._mgr.blknos[column], whole._mgr.blklocs[column])
            self._frame = whole
        assert self._frame is not None
        return self._frame

    @property
    def index(self) -> pd.DatetimeIndex:
        """The index of the whole frame."""
        frame: Any = self.frame
        index: pd.DatetimeIndex = frame.index
        return index

    def slice(self, first: int, count: int) -> pd.DataFrame:
        """Rows [first, first + count) in a frame of their own, with no return in the first one."""
        frame: Any = self.whole_slice(first, count)
        block, row = self._return_at
        frame._mgr.blocks[block].values[row, 0] = np.nan
        made: pd.DataFrame = frame
        return made

    def whole_slice(self, first: int, count: int) -> pd.DataFrame:
        """The same rows with the return of the whole series in the first one too."""
        whole: Any = self.frame
        frame: pd.DataFrame = whole._slice(slice(first, first + count)).copy()
        return frame

    def pristine(self, first: int, count: int) -> bool:
        """Frames are copies, so the memory they are made from never changes."""
        return True

    def rows_before(
        self, target_ns: int, length: int, *, inclusive: bool
    ) -> tuple[int, int] | None:
        """(first, count) of the last `length` rows labelled before target_ns, or at it too."""
        end = self.upper(target_ns) if inclusive else self.lower(target_ns)
        if end == 0:
            return None
        first = max(0, end - length)
        return first, end - first

    def last_price(self, closed_ns: int, now_ns: int) -> float | None:
        """Close of the last bar labelled at or before closed_ns, else at or before now_ns."""
        end = self.upper(closed_ns) or self.upper(now_ns)
        return float(self.close[end - 1]) if end else None


class LastRows(FillRows):
    """FillRows with what the fill loop asks of a DataBento source besides."""

    __slots__ = ()

    @property
    def empty(self) -> bool:
        """Whether there are no rows."""
        return not self._rows


class LastBars(FillBars):
    """Bars of one or two rows for lumibot's fill loop, and for nobody else."""

    def _shown(self) -> Any:
        rows = super()._shown()
        return LastRows(rows._window, rows._rows) if rows.__class__ is FillRows else rows


class DatabentoWindow(Window):
    """Rows of a DatabentoFeed; `whole` tells that "return" is that of the whole series."""

    __slots__ = ("whole",)

    feed: DatabentoFeed

    def __init__(self, feed: DatabentoFeed, first: int, count: int, whole: bool = False) -> None:
        super().__init__(feed, first, count)
        self.whole = whole

    def frame(self) -> pd.DataFrame:
        """The rows as a DataFrame: the same object at every call."""
        if self._frame is None and self.whole:
            frame = self.feed.whole_slice(self.first, self.count)
            frame.__dict__[WINDOW_KEY] = ref(self)
            self.adopt(frame)
        return super().frame()

    def column(self, name: str) -> np.ndarray:
        """One column, read-only; KeyError when absent."""
        values: np.ndarray = super().column(name)
        if name != "return" or self.whole:
            return values
        values = values.copy()
        values[0] = np.nan
        values.flags.writeable = False
        return values


def feed_of(data: Any) -> DatabentoFeed | None:
    """A feed over a lumibot Data or DataPolars object.

    None where lumibot's own code has to answer: no rows, stamps that repeat, a price or volume that
    is missing, or corporate actions, all of which it treats row by row at each request.
    """
    frame = data.polars_df if isinstance(data, DataPolars) else data.df
    make = _from_polars if isinstance(data, DataPolars) else _from_pandas
    names = [name for name in frame.columns if name in BAR_COLUMNS]
    required = {*PRICE_COLUMNS, "volume"}
    if not len(frame) or not required.issuperset(names) or len(names) != len(required):
        return None
    made = make(frame, names)
    if made is None:
        return None
    times, columns = made
    if any(values.dtype == object or pd.isna(values).any() for values in columns.values()):
        return None
    if (np.diff(times) <= 0).any():
        return None
    for values in columns.values():
        values.flags.writeable = False
    table = _core.Table(
        [
            _core.column_from_buffer("datetime", times, "timestamp", zone="UTC"),
            _core.column_from_buffer(
                "close", np.ascontiguousarray(columns["close"], dtype="float64"), "float64"
            ),
        ]
    )
    step: Any = data.timestep if data.timestep in BAR_NS else "minute"
    return DatabentoFeed(data, _core.Series(table, time="datetime", step=step), columns)


def _from_polars(frame: Any, names: list[str]) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
    if frame.null_count().select(["datetime", *names]).sum_horizontal().item():
        return None
    frame = frame.rechunk()
    stamps = frame["datetime"].dt.cast_time_unit("ns").to_physical().to_numpy()
    return stamps, {name: frame[name].to_numpy().view() for name in names}


def _from_pandas(frame: Any, names: list[str]) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
    if "return" in frame.columns or not isinstance(frame.index, pd.DatetimeIndex):
        return None
    stamps = frame.index.as_unit("ns").asi8
    return stamps, {name: np.array(frame[name].to_numpy()) for name in names}
