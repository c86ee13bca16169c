"""lumibot's Data with its rows in C: prepared there, turned into pandas attribute by attribute.

`prepare` does to a Data what lumibot's `repair_times_and_fill` does, in C where the columns allow
it, and with lumibot's own code where they do not; either way the object becomes a `FeedData`, which
is a Data in every respect. What lumibot or a user reads of it (`df`, `datalines`, `close`, ...) is
made when it is read and then stays, so code that looks inside keeps working and other code pays
nothing for it.

`from_table` makes such an object from columns that never were a DataFrame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from lumibot.entities import Data, Dataline

from millibar import _core
from millibar.feed import BAR_COLUMNS, PRICE_COLUMNS, Feed, Window, make_frame
from millibar.store import (
    TYPES,
    Rows,
    fill,
    make_series,
    nan_treatment,
    owned,
    rows_of_frame,
)


class FeedData(Data):  # type: ignore[misc]
    """A lumibot Data whose rows are in C. Made by `prepare` or `from_table`, not constructed."""

    # The prepared rows; None before lumibot's load_data has run (then _raw holds the rows).
    _feed: Feed | None = None
    # Columns of the prepared frame by name, in its order, but those lumibot derived itself.
    _stored: Mapping[str, np.ndarray]
    # The same columns as quotes read them: a write into `df` shows in them, as it does in lumibot.
    _lines: Mapping[str, np.ndarray]
    # Rows as they came, of an object made by from_table that has not been prepared yet.
    _raw: Rows | None = None

    def __getattr__(self, name: str) -> Any:
        """Make one of Data's attributes from the columns; only absent attributes come here."""
        make = _LAZY.get(name)
        if make is None and name in self.__dict__.get("_stored", ()):
            make = _price_line
        known = self._feed is not None or (self._raw is not None and name == "df")
        if make is None or not known:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        value = make(self, name)
        self.__dict__[name] = value
        return value

    def get_iter_count(self, dt: Any) -> Any:
        """The last row at or before dt, as lumibot finds it; -1 before the first."""
        now_ns = clock_ns(dt)
        if self._feed is None or now_ns < 0:
            return super().get_iter_count(dt)
        row = self._feed.series.asof(now_ns)
        self._iter_count_cursor_ns = now_ns
        self._iter_count_cursor_i = row
        self._iter_count_last_dt_key = dt.to_pydatetime() if isinstance(dt, pd.Timestamp) else dt
        return row

    def get_bars(
        self, dt: Any, length: Any = 1, timestep: Any = Data.MIN_TIMESTEP, timeshift: Any = 0
    ) -> Any:
        """lumibot's own get_bars, sharing its one-slice cache with the windows made in C."""
        feed = self._feed
        if feed is None:
            return super().get_bars(dt, length=length, timestep=timestep, timeshift=timeshift)
        last = feed.last
        if last is not None:
            self._get_bars_slice_cache_key = last.key
            self._get_bars_slice_cache_df = last.frame()
        frame = super().get_bars(dt, length=length, timestep=timestep, timeshift=timeshift)
        key = self.__dict__.get("_get_bars_slice_cache_key")
        if key is not None and (last is None or key != last.key):
            first, end = key[-2:]
            feed.last = Window(feed, first, end - first, key)
            feed.last.adopt(self._get_bars_slice_cache_df)
        return frame

    def repair_times_and_fill(self, idx: Any) -> None:
        """Prepare anew on another index, as lumibot does: the rows are pandas' from here on."""
        release(self)
        self.repair_times_and_fill(idx)


def clock_ns(dt: Any) -> int:
    """dt in nanoseconds UTC; -1 when it is not an aware datetime of whole seconds since 1970.

    lumibot turns a datetime into nanoseconds through a float, which is exact for whole seconds
    only; the rest is left to lumibot's own code.
    """
    if not isinstance(dt, datetime) or dt.microsecond or dt.tzinfo is None:
        return -1
    if getattr(dt, "nanosecond", 0):
        return -1
    return int(dt.timestamp()) * 1_000_000_000


def release(data: FeedData) -> None:
    """Make a FeedData a plain Data again; every further use of its feed raises LookupError."""
    _ = data.df
    if data._feed is not None:
        data._feed.window = data._feed.state = _retired
    for name in ("_feed", "_raw", "_stored", "_lines"):
        data.__dict__.pop(name, None)
    data.__class__ = Data


def _retired(*_args: Any) -> Any:
    raise LookupError("the data of this asset were prepared again")


# ---- Attributes of Data, made when they are read ------------------------------------------------


def _frame(data: FeedData, _name: str) -> pd.DataFrame:
    feed = data._feed
    if feed is None:
        assert data._raw is not None
        return data._raw.frame()
    extra = {name: feed.extra[name] for name in feed.extra if name not in data._stored}
    frame = make_frame(data._stored, extra, (*data._stored, *extra), feed.index)
    # lumibot's prices are views of this frame: a write into it must reach get_last_price.
    data._lines = {name: frame[name].to_numpy() for name in data._stored}
    feed.open_at, feed.close_at = data._lines["open"], data._lines["close"]
    return frame


class _TimeLine(Dataline):  # type: ignore[misc]
    """The line "datetime": lumibot's array of Timestamps, made when it is read."""

    def __init__(self, asset: Any, index: pd.DatetimeIndex) -> None:
        self._index = index
        self._stamps: Any = None
        super().__init__(asset, "datetime", None, index.dtype)

    @property
    def dataline(self) -> Any:
        """One Timestamp a row: an array of objects."""
        if self._stamps is None:
            self._stamps = self._index.to_numpy()
        return self._stamps

    @dataline.setter
    def dataline(self, value: Any) -> None:
        self._stamps = value


def _datalines(data: FeedData, _name: str) -> dict[str, Any]:
    frame = data.df
    lines: dict[str, Any] = {"datetime": _TimeLine(data.asset, frame.index)}
    for name in frame.columns:
        values = frame[name]
        lines[name] = Dataline(data.asset, name, values.to_numpy(), values.dtype)
    return lines


def _price_line(data: FeedData, name: str) -> Any:
    return data.datalines[name].dataline


def _iter_index_dict(data: FeedData, _name: str) -> dict[Any, int]:
    # lumibot keeps it empty for more than 50,000 rows.
    index = data.df.index
    return {} if len(index) > 50_000 else {t.to_pydatetime(): i for i, t in enumerate(index)}


def _index_values_ns(data: FeedData, _name: str) -> np.ndarray:
    assert data._feed is not None
    return data._feed.times


def _bars_frame(data: FeedData, _name: str) -> pd.DataFrame:
    assert data._feed is not None
    return data._feed.frame


_LAZY: dict[str, Callable[[FeedData, str], Any]] = {
    "df": _frame,
    "datalines": _datalines,
    "datetime": _price_line,
    "price_change": _price_line,
    "dividend_yield": _price_line,
    "return": _price_line,
    "iter_index_dict": _iter_index_dict,
    "_index_values_ns": _index_values_ns,
    "_bars_df": _bars_frame,
}


# ---- Preparation --------------------------------------------------------------------------------


def raw_series(data: Any) -> _core.Series:
    """The times of any Data before preparation, as a series for the grid."""
    if isinstance(data, FeedData) and data._raw is not None:
        return data._raw.series
    times = owned(data.df.index.as_unit("ns").asi8)
    return make_series(times, {}, "minute")


def prepare(data: Any, index: pd.DatetimeIndex, grid: _core.Column) -> None:
    """Put a Data on the common index, filled as lumibot fills it, with its rows in C.

    index: the cleaned date index; grid: the same stamps. A class of the user's own and DataPolars
    are prepared by their own code and stay what they are.
    """
    if isinstance(data, FeedData) and data._raw is None:
        release(data)
    if type(data) not in (Data, FeedData):
        data.repair_times_and_fill(index)
        return
    raw = data._raw if isinstance(data, FeedData) else rows_of_frame(data.df, data.timestep)
    if raw is not None and _prepare_in_c(data, raw, index, grid):
        return
    data.repair_times_and_fill(index)
    _wrap_prepared(data)


def _prepare_in_c(data: Any, raw: Rows, index: pd.DatetimeIndex, grid: _core.Column) -> bool:
    first = index.searchsorted(data.datetime_start, side="left")
    end = index.searchsorted(data.datetime_end, side="right")
    mine = index[first:end]
    feed, stored = fill(
        raw, grid, unit=mine.unit, index=mine, treatment=_nan_treatment(data, raw.columns)
    )
    if not len(feed) or not np.array_equal(feed.times, mine.as_unit("ns").asi8):
        return False
    _become_feed(data, feed, stored)
    for name in ("df", "_raw", "_bars_df", "_iter_index_override"):
        data.__dict__.pop(name, None)
    data._bars_cols = list(feed.order)
    data._data_len = len(feed)
    data._iter_count_cursor_ns = None
    data._iter_count_cursor_i = 0
    data._iter_count_last_dt_key = None
    _note_quote_columns(data, list(dict.fromkeys((*stored, *feed.extra))))
    return True


def _nan_treatment(data: Any, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Which columns lumibot fills and whether it drops rows, by what it saw before preparation."""
    flags = {
        name: getattr(data, f"_{name}_has_nan") and name in columns
        for name in ("volume", "dividend", "stock_splits")
    }
    return nan_treatment({"prices": data._ohlc_has_nan, **flags})


def _become_feed(data: Any, feed: Feed, stored: Mapping[str, np.ndarray]) -> None:
    data.__class__ = FeedData
    data._feed = feed
    data._stored = data._lines = stored


def _note_quote_columns(data: Any, names: Sequence[str]) -> None:
    """The notes Data.to_datalines takes for get_quote, without making the lines."""
    bare = Data.__new__(Data)
    bare.asset = data.asset
    bare.df = pd.DataFrame(columns=list(names))
    bare.datalines = {}
    bare.to_datalines()
    for name in ("_quote_required_cols_present", "_quote_missing_cols", "_quote_presence_logged"):
        setattr(data, name, getattr(bare, name))


def _wrap_prepared(data: Any) -> None:
    """Serve windows in C from a Data that lumibot prepared; its own frames stay as they are."""
    bars, times = data._bars_df, data._index_values_ns
    if bars is None or times is None or not len(times):
        return
    usable = {name: bars[name].dtype.name in TYPES for name in bars.columns}
    if not all(usable.get(name, False) for name in PRICE_COLUMNS):
        return
    copies = {name: owned(bars[name].to_numpy()) for name in usable if usable[name]}
    columns = {name: copies[name] for name in BAR_COLUMNS if name in copies}
    series = make_series(owned(times), columns, data.timestep)
    if len(series) != len(times):
        return
    feed = Feed(
        series,
        columns,
        extra={name: copies[name] for name in copies if name not in columns},
        unit=bars.index.unit,
        index=bars.index,
        **_nan_treatment(data, columns),
    )
    feed.share(bars)
    feed.open_at = data.datalines["open"].dataline
    feed.close_at = data.datalines["close"].dataline
    lines = {
        n: line.dataline for n, line in data.datalines.items() if n not in ("datetime", *feed.extra)
    }
    _become_feed(data, feed, lines)


# ---- Data that never were a DataFrame -----------------------------------------------------------


def from_rows(asset: Any, rows: Rows, *, quote: Any = None, timestep: str = "minute") -> Any:
    """A Data over rows in C, checked and dated by lumibot's own constructor.

    The constructor sees the first and the last row only. Stamps after 23:59:00, which lumibot cuts
    off, must not be among the rows.
    """
    ends = [0, -1] if len(rows.series) > 1 else [0]
    sample = pd.DataFrame(
        {name: values[ends] for name, values in rows.columns.items()}, index=rows.index[ends]
    )
    data = Data(asset, sample, quote=quote, timestep=timestep)
    has_nan = {name: bool(pd.isna(values).any()) for name, values in rows.columns.items()}
    data._ohlc_has_nan = any(has_nan[name] for name in PRICE_COLUMNS)
    for name in ("volume", "dividend", "stock_splits"):
        setattr(data, f"_{name}_has_nan", has_nan.get(name, False))
    data._data_len = len(rows.series)
    del data.df
    data.__class__ = FeedData
    data._raw = rows
    return data
