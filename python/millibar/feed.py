"""Bars as a backtest holds them: columns in C, a pandas frame only on demand.

A `Feed` is one prepared series: a `_core.Series` that answers windows, the columns a strategy may
see, and what a pandas view of them must look like (index unit and zone, column order). A `Window`
is a range of its rows, a `Resampled` a range of rows aggregated from it; both become a DataFrame
only when `frame()` is called, and then keep it, because lumibot hands out one DataFrame object
for a repeated request. pandas is imported by the first frame or index that is made.

Both doors build on this: the data sources inside lumibot, and our own engine's.

The frames live in memory of their own, writable, beside the immutable columns: a strategy may write
into the frame it was given, and in lumibot that write is seen by later windows of the same series.
`Feed.pristine` tells whether that has happened to a range of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from millibar import _core
from millibar._arrays import raw_values
from millibar._slices import Slicer

if TYPE_CHECKING:
    import pandas as pd

NEW_YORK = "America/New_York"
STEP_NS = {"minute": 60_000_000_000, "hour": 3_600_000_000_000, "day": 86_400_000_000_000}
# What lumibot shows of a frame, in its order; derived columns stand between the two groups.
PRICE_COLUMNS = ("open", "high", "low", "close")
BAR_COLUMNS = (*PRICE_COLUMNS, "volume", "dividend", "stock_splits")
DERIVED_COLUMNS = ("price_change", "dividend_yield", "return")
# Where a weak reference to the Window stands in the dictionary of the frame made from it.
WINDOW_KEY = "_millibar_window"


def datetime_index(times_ns: Any, unit: str = "ns", freq: str | None = None) -> Any:
    """The index lumibot gives its frames: New York (pytz), named "datetime", in the unit given.

    times_ns: int64 nanoseconds UTC, whole in the unit. freq: a pandas alias the stamps follow.
    """
    import pandas as pd
    import pytz

    values = np.array(times_ns, dtype="int64").view("datetime64[ns]")
    index: Any = pd.DatetimeIndex(values, name="datetime")
    index = index.as_unit(unit)
    index = index.tz_localize("UTC").tz_convert(pytz.timezone(NEW_YORK))
    if freq is not None:
        from pandas.tseries.frequencies import to_offset

        # The setter would build the index anew to compare; the caller has looked already.
        index._data._freq = to_offset(freq)
    return index


def regular_spacing(times: np.ndarray, unit_ns: int, alone: int) -> int | None:
    """How many units lie between all neighbours, when equally many do; `alone` for one time.

    pandas keeps an index's frequency, multiplied, when rows at equal distances are taken from it.
    """
    if len(times) < 2:
        return alone
    spacing = int(times[1] - times[0])
    return spacing // unit_ns if bool((np.diff(times) == spacing).all()) else None


def change(close: np.ndarray) -> np.ndarray:
    """(close - previous) / previous, NaN in row 0: float64 of the same length."""
    return raw_values(_core.returns(np.ascontiguousarray(close, dtype="float64")))


def derived(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The columns lumibot computes from close and dividend, by name, in its order."""
    close = columns["close"]
    step = change(close)
    if "dividend" not in columns:
        return {"return": step}
    with np.errstate(divide="ignore", invalid="ignore"):
        yielded = columns["dividend"].astype("float64") / close.astype("float64")
    return {"price_change": step, "dividend_yield": yielded, "return": yielded + step}


def make_frame(
    columns: Mapping[str, np.ndarray],
    extra: Mapping[str, np.ndarray],
    order: Sequence[str],
    index: pd.DatetimeIndex,
) -> pd.DataFrame:
    """A DataFrame of copies: columns in one block per type, extra in blocks of their own.

    More than one block, as in lumibot's frames: the `values` of a window are then a copy, and a
    write into them reaches no frame.
    """
    import pandas as pd

    frame: pd.DataFrame = pd.DataFrame(dict(columns), index=index)
    for name, values in extra.items():
        frame[name] = values.copy()
    names = list(order)
    if list(frame.columns) != names:
        frame = frame[names].copy(deep=False)
    return frame


class Feed:
    """One prepared series of bars.

    series: times and step; its windows follow lumibot's rule.
    columns: the bar columns by name, read-only, one value a row of the series.
    extra: the derived columns; computed here when None.
    index: the frame's index; built from the series' times and unit when None.
    nan_filled: columns whose NaN become 0 in every frame handed out.
    drop_nan: rows with NaN prices are left out of every frame handed out.
    """

    __slots__ = (
        "_frame",
        "_index",
        "_shared",
        "_slicer",
        "_split_dates",
        "_valid_before",
        "close_at",
        "columns",
        "drop_nan",
        "extra",
        "last",
        "live",
        "nan_filled",
        "open_at",
        "order",
        "resamples",
        "series",
        "spent_ns",
        "state",
        "step",
        "times",
        "unit",
        "window",
    )

    def __init__(
        self,
        series: _core.Series,
        columns: Mapping[str, np.ndarray],
        *,
        extra: Mapping[str, np.ndarray] | None = None,
        unit: str = "ns",
        index: pd.DatetimeIndex | None = None,
        nan_filled: Sequence[str] = (),
        drop_nan: bool = False,
    ) -> None:
        self.series = series
        self.step: str = series.step
        self.times: np.ndarray = raw_values(series.times)
        self.window = series.window
        self.state = series.state
        self.columns = {name: columns[name] for name in BAR_COLUMNS if name in columns}
        self.extra = dict(derived(self.columns) if extra is None else extra)
        self.order = self._column_order()
        self.unit = unit
        self.nan_filled = tuple(nan_filled)
        self.drop_nan = drop_nan
        # Whether C aggregates these columns as pandas does, types included.
        self.resamples = {"float64", "int64"}.issuperset(
            values.dtype.name for values in self.columns.values()
        ) and {*PRICE_COLUMNS, "volume"}.issubset(self.columns)
        # Prices of get_last_price: the columns, or what a caller of Data.df may have written over.
        self.open_at: np.ndarray = self.columns["open"]
        self.close_at: np.ndarray = self.columns["close"]
        # The columns as the whole frame has them: its own memory, once it is made.
        self.live: Mapping[str, np.ndarray] = {**self.columns, **self.extra}
        self.last: Window | None = None
        self.spent_ns = 0  # on frames
        self._index = index
        self._frame: pd.DataFrame | None = None
        self._slicer: Slicer | None = None
        self._shared: list[tuple[np.ndarray, np.ndarray]] = []
        self._valid_before: np.ndarray | None = None
        self._split_dates: frozenset[date] | None = None

    def __len__(self) -> int:
        return len(self.times)

    def _column_order(self) -> tuple[str, ...]:
        bars = [name for name in self.columns if name != "stock_splits"]
        splits = [name for name in self.columns if name == "stock_splits"]
        return (*bars, *(name for name in DERIVED_COLUMNS if name in self.extra), *splits)

    @property
    def detached(self) -> bool:
        """Whether frames are copies with their NaN treated, rather than views of the whole."""
        return self.drop_nan or bool(self.nan_filled)

    @property
    def index(self) -> pd.DatetimeIndex:
        """The index of the whole frame."""
        if self._index is None:
            self._index = datetime_index(self.times, self.unit)
        return self._index

    @property
    def frame(self) -> pd.DataFrame:
        """The whole frame, made once; windows are views of its memory."""
        if self._frame is None:
            self.share(make_frame(self.columns, self.extra, self.order, self.index))
        assert self._frame is not None
        return self._frame

    def share(self, frame: pd.DataFrame) -> None:
        """Use this frame, whose values are the columns', as the whole frame."""
        self.live = {name: frame[name].to_numpy() for name in self.order}
        self._shared = [
            (_bits(values), _bits(self.column(name))) for name, values in self.live.items()
        ]
        self._frame = frame

    @property
    def split_dates(self) -> frozenset[date]:
        """New York dates on which a stock split is recorded."""
        if self._split_dates is None:
            splits = self.columns.get("stock_splits")
            rows: Any = [] if splits is None else np.flatnonzero(splits)
            self._split_dates = frozenset(stamp.date() for stamp in self.index[rows])
        return self._split_dates

    def column(self, name: str) -> np.ndarray:
        """A bar or derived column of the whole series, read-only; KeyError when absent."""
        return self.columns[name] if name in self.columns else self.extra[name]

    def pristine(self, first: int, count: int) -> bool:
        """Whether the frame's rows [first, first + count) still hold the series' own values."""
        end = first + count
        return all(np.array_equal(mine[first:end], own[first:end]) for mine, own in self._shared)

    def rows_kept(self, first: int, count: int) -> int:
        """How many of the rows [first, first + count) a frame keeps."""
        if not self.drop_nan:
            return count
        before = self._valid_before
        if before is None:
            valid = np.ones(len(self), dtype=bool)
            for name in PRICE_COLUMNS:
                valid &= ~np.isnan(self.columns[name])
            before = self._valid_before = np.concatenate(([0], np.cumsum(valid)))
        return int(before[first + count] - before[first])

    def slice(self, first: int, count: int) -> pd.DataFrame:
        """The frame of rows [first, first + count), as lumibot hands it out."""
        slicer = self._slicer
        if slicer is None or slicer.whole is not self._frame:
            slicer = self._slicer = Slicer(self.frame)
        frame: pd.DataFrame = slicer(first, first + count)
        if self.nan_filled:
            frame = frame.copy()
            for name in self.nan_filled:
                frame[name] = frame[name].fillna(0)
        return frame.dropna(subset=list(PRICE_COLUMNS)) if self.drop_nan else frame

    def resampled(
        self, first: int, count: int, every: int, step: _core.Step, tail: int, end_ns: int | None
    ) -> Resampled:
        """Rows [first, first + count) in buckets of `every` steps, the last `tail` of them.

        end_ns: buckets labelled at or after it are left out (they are not complete).
        """
        series = self.series.resample(every, step, first=first, n_rows=count, zone=NEW_YORK)
        kept = len(series) if end_ns is None else series.lower_bound(end_ns)
        return Resampled(self, series, every, step, max(0, kept - tail), min(kept, tail))


class Window:
    """Rows [first, first + count) of a feed. `rows` of them are in its frame."""

    __slots__ = (
        "__weakref__",
        "_frame",
        "count",
        "feed",
        "first",
        "key",
        "labels",
        "names",
        "rows",
    )

    def __init__(self, feed: Feed, first: int, count: int, key: Any = None) -> None:
        self.feed = feed
        self.first = first
        self.count = count
        self.key = key
        self.rows = count if not feed.drop_nan else feed.rows_kept(first, count)
        self._frame: pd.DataFrame | None = None
        self.labels: Any = None  # the index and the columns the frame was made with
        self.names: Any = None

    def __len__(self) -> int:
        return self.rows if self._frame is None else len(self._frame)

    def frame(self) -> pd.DataFrame:
        """The rows as a DataFrame: the same object at every call."""
        frame = self._frame
        if frame is None:
            since = perf_counter_ns()
            frame = self._frame = self.feed.slice(self.first, self.count)
            self.labels, self.names = frame.index, frame.columns
            frame.__dict__[WINDOW_KEY] = ref(self)
            self.feed.spent_ns += perf_counter_ns() - since
        return frame

    def reshaped(self) -> bool:
        """Whether somebody gave the frame another index or other columns than it was made with."""
        frame = self._frame
        return frame is not None and not (
            frame.index is self.labels and frame.columns is self.names
        )

    def adopt(self, frame: pd.DataFrame) -> None:
        """Take a frame made elsewhere for these rows as this window's own."""
        self._frame = frame
        self.labels, self.names = frame.index, frame.columns
        self.rows = len(frame)

    def column(self, name: str) -> np.ndarray:
        """One column as stored, read-only and without a copy; KeyError when absent."""
        values = self.feed.column(name)[self.first : self.first + self.count]
        if not self.feed.detached:
            return values
        if name in self.feed.nan_filled:
            values = np.where(np.isnan(values), 0, values)
        return _read_only(values[self._kept()])

    @property
    def table(self) -> _core.Table:
        """The rows' columns in C, as stored."""
        return self.feed.series.table.slice(self.first, self.count)

    @property
    def times(self) -> np.ndarray:
        """Opens of the rows: int64 nanoseconds UTC, read-only."""
        times = self.feed.times[self.first : self.first + self.count]
        return _read_only(times[self._kept()]) if self.feed.drop_nan else times

    def _kept(self) -> Any:
        if not self.feed.drop_nan:
            return slice(None)
        rows = slice(self.first, self.first + self.count)
        return np.logical_and.reduce(
            [~np.isnan(self.feed.columns[name][rows]) for name in PRICE_COLUMNS]
        )


class Resampled:
    """Buckets aggregated from a feed, with lumibot's derived columns computed over them alone."""

    __slots__ = (
        "__weakref__",
        "_columns",
        "_frame",
        "_spacing",
        "every",
        "feed",
        "first",
        "labels",
        "rows",
        "series",
        "step",
    )

    def __init__(
        self, feed: Feed, series: _core.Series, every: int, step: _core.Step, first: int, rows: int
    ) -> None:
        self.feed = feed
        self.series = series
        self.every = every
        self.step = step
        self.first = first
        self.rows = rows
        self._columns: dict[str, np.ndarray] | None = None
        self._spacing: int | None = 0  # not looked at yet
        self._frame: pd.DataFrame | None = None
        self.labels: Any = None  # the index the frame was made with

    def __len__(self) -> int:
        return self.rows if self._frame is None else len(self._frame)

    @property
    def spacing(self) -> int | None:
        """Steps from each bucket to the next where that is the same throughout, else None.

        It is `every` unless buckets without rows were dropped.
        """
        if self._spacing == 0:
            times = raw_values(self.series.times)
            if self.step == "day":
                times = datetime_index(times).tz_localize(None).normalize().asi8
            self._spacing = regular_spacing(times, STEP_NS[self.step], self.every)
        return self._spacing

    def _stored(self) -> dict[str, np.ndarray]:
        """The aggregated columns; pandas makes integers floats where a bucket was empty."""
        table, rows = self.series.table, slice(self.first, self.first + self.rows)
        holes = self.spacing != self.every
        columns = {}
        for name in self.feed.columns:
            values = raw_values(table.column(name))
            if values.dtype.kind == "i" and name not in ("volume", "dividend") and holes:
                values = _read_only(values.astype("float64"))
            columns[name] = values[rows]
        return columns

    def columns(self) -> dict[str, np.ndarray]:
        """All columns by name, read-only, in the frame's order."""
        if self._columns is None:
            stored = self._stored()
            self._columns = {**stored, **derived(stored)}
        return self._columns

    def column(self, name: str) -> np.ndarray:
        """One column, read-only; KeyError when absent."""
        return self.columns()[name]

    @property
    def table(self) -> _core.Table:
        """The buckets' aggregated columns in C."""
        return self.series.table.slice(self.first, self.rows)

    @property
    def times(self) -> np.ndarray:
        """Labels of the buckets: int64 nanoseconds UTC, read-only."""
        times: np.ndarray = raw_values(self.series.times)
        return times[self.first : self.first + self.rows]

    def frame(self) -> pd.DataFrame:
        """The buckets as a DataFrame: the same object at every call."""
        frame = self._frame
        if frame is None:
            since = perf_counter_ns()
            suffix = {"minute": "min", "hour": "h", "day": "D"}[self.step]
            freq = None if self.spacing is None else f"{self.spacing}{suffix}"
            index = datetime_index(self.times, self.feed.unit, freq)
            columns = self.columns()
            stored = {name: columns[name] for name in self.feed.columns}
            extra = {name: columns[name] for name in columns if name not in stored}
            frame = self._frame = make_frame(stored, extra, tuple(columns), index)
            self.labels = frame.index
            frame.__dict__[WINDOW_KEY] = ref(self)
            self.feed.spent_ns += perf_counter_ns() - since
        return frame


def window_of(frame: Any) -> Window | Resampled | None:
    """The window whose frame this very object is, or None."""
    held = getattr(frame, "__dict__", {}).get(WINDOW_KEY)
    window: Window | Resampled | None = held() if held is not None else None
    return window if window is not None and window._frame is frame else None


def _bits(values: np.ndarray) -> np.ndarray:
    """The values as integers of their width, so that NaN equals NaN and 0.0 is not -0.0."""
    return values.view(f"i{values.dtype.itemsize}")


def _read_only(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values
