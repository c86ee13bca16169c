"""Bars: a table of market data that knows what time means.

Columns stay in C. numpy sees them without a copy, Arrow consumers (pyarrow, Polars, DuckDB) through
`__arrow_c_stream__`, and pandas only when `to_pandas()` or `df` is asked for.

Times are instants. A bar is labelled by its open and has a period; the time column keeps its unit
and zone. Wherever a time is an argument, one without a zone (a naive datetime, a date, text without
an offset) is a wall clock in the `tz` of that call, which is UTC unless given.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from millibar import _core
from millibar._arrays import raw_values
from millibar._times import (
    Instant,
    ZoneLike,
    parse_step,
    to_ns,
    to_period_ns,
    zone_name,
)
from millibar.errors import ColumnNotFoundError, InvalidError
from millibar.frame import Frame, table_of
from millibar.indicators import IndicatorMethods

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from typing_extensions import Self

    from millibar.expr import Expr
    from millibar.lazy import LazyBars

__all__ = ["Bars", "concat", "from_arrow", "from_pandas"]

_TIME_NAMES = ("timestamp", "datetime", "time", "date")
_OPEN_FROM, _OPEN_TO = -(2**63), 2**63 - 1


def time_column_name(table: _core.Table) -> str | None:
    """The table's time column: its only timestamp column, else the one named "timestamp",
    "datetime", "time" or "date", in that order and any case; None where there is none."""
    stamps = [name for name in table.names if table.column(name).type == "timestamp"]
    if len(stamps) == 1:
        return stamps[0]
    by_name = {name.lower(): name for name in reversed(stamps)}
    return next((by_name[name] for name in _TIME_NAMES if name in by_name), None)


class SeriesOptions(NamedTuple):
    """How a table's rows are bars: the keywords of `Bars`, in the library's words."""

    time: str | None = None
    period_ns: int = 0
    label: _core.Label = "open"
    sort: bool = False
    duplicates: _core.Duplicates = "refuse"
    zone: str | None = None

    @classmethod
    def of(
        cls,
        time: str | None,
        period: str | timedelta | int,
        label: _core.Label,
        sort: bool,
        duplicates: _core.Duplicates,
        tz: ZoneLike | None,
    ) -> Self:
        """From the keywords themselves."""
        zone = None if tz is None else zone_name(tz)
        return cls(time, to_period_ns(period), label, sort, duplicates, zone)

    def series(self, table: _core.Table) -> _core.Series:
        name = self.time or time_column_name(table)
        if name is None:
            raise ColumnNotFoundError(
                f"no time column among {list(table.names)}: name it with time=, or keep it in the "
                "selection"
            )
        column = table.column(name)
        if column.type == "timestamp" and column.zone is None and self.zone is None:
            raise InvalidError(
                f"time column {name!r} has no zone: say with tz= where its clock hung, such as "
                'tz="UTC" or tz="America/New_York"'
            )
        return _core.Series(
            table,
            time=self.time,
            period_ns=self.period_ns,
            label=self.label,
            sort=self.sort,
            duplicates=self.duplicates,
            zone=self.zone,
            assume_zone=self.zone,
        )

    @property
    def change_rows(self) -> bool:
        """Whether the series' rows may differ from the table's."""
        return self.sort or self.label != "open" or self.duplicates != "refuse"


class Bars(Frame, IndicatorMethods):
    """Rows of market data in columns, immutable.

    Args:
        data: anything with `__arrow_c_stream__` or `__arrow_c_array__`, a pandas DataFrame, or a
            mapping of names to arrays or lists, which are copied.
        time: the time column; by default the only timestamp column, else one named "timestamp",
            "datetime", "time" or "date".
        period: length of a bar ("1min", a timedelta or nanoseconds); by default the most common
            spacing.
        label: "close" if stamps are bar closes: the period is subtracted once, here.
        sort: sort unsorted rows by time (stable) instead of refusing them.
        duplicates: of time: "refuse", or keep the "first" or the "last".
        tz: zone that a time column without one is in, and of day boundaries.

    Reading columns needs no time column and no order. What concerns time (`window`, `between`,
    `asof`, `resample`) needs strictly rising times with a zone and raises InvalidError otherwise,
    naming the row and the remedy; where label, sort, duplicates or tz is given, that is checked at
    once.

        >>> import numpy as np
        >>> minutes = np.arange("2024-01-03T14:30", "2024-01-03T14:34", dtype="datetime64[m]")
        >>> closes = {"timestamp": minutes, "close": [10, 10.5, 10.5, 11], "volume": [5, 0, 1, 7]}
        >>> bars = Bars(closes, tz="UTC")
        >>> bars.schema
        {'timestamp': 'timestamp[s, UTC]', 'close': 'float64', 'volume': 'int64'}
        >>> bars["close"]
        array([10. , 10.5, 10.5, 11. ])
        >>> bars.window("2024-01-03 14:32", 2).close
        array([10. , 10.5])
        >>> len(bars.between("2024-01-03 14:31", None))
        3
        >>> from millibar import col
        >>> bars.filter(col("volume") > 0)["volume"]
        array([5, 1, 7])
    """

    __slots__ = ("_options", "_series")

    _options: SeriesOptions
    _series: _core.Series | None

    def __init__(
        self,
        data: Any,
        *,
        time: str | None = None,
        period: str | timedelta | int = 0,
        label: _core.Label = "open",
        sort: bool = False,
        duplicates: _core.Duplicates = "refuse",
        tz: ZoneLike | None = None,
    ) -> None:
        options = SeriesOptions.of(time, period, label, sort, duplicates, tz)
        self._set(table_of(data), options)
        if options.change_rows or options.zone is not None:
            self._adopt(options.series(self._table))

    def _set(self, table: _core.Table, options: SeriesOptions) -> None:
        self._set_table(table, "Bars", None)
        self._options = options
        self._series = None

    def _adopt(self, series: _core.Series) -> None:
        """Takes a series' rows for its own; they need no label, order or zone from here on."""
        self._set(
            series.table,
            SeriesOptions(
                time=series.table.names[series.time_column],
                period_ns=series.period_ns,
                zone=series.zone,
            ),
        )
        self._series = series

    @classmethod
    def plain(cls, table: _core.Table, options: SeriesOptions | None = None) -> Self:
        """The rows of a table as they are; options say how they are bars when that is asked."""
        bars = cls.__new__(cls)
        bars._set(table, SeriesOptions() if options is None else options)
        return bars

    @classmethod
    def from_series(cls, series: _core.Series) -> Self:
        """The rows of a series, with its period and zone."""
        bars = cls.__new__(cls)
        bars._adopt(series)
        return bars

    # ---- What there is -------------------------------------------------------------------------

    @property
    def series(self) -> _core.Series:
        """The rows as a series in C, checked when first asked for.

        Raises:
            InvalidError: unsorted, duplicate, null or zone-less times.
            ColumnNotFoundError: no time column.
        """
        if self._series is None:
            self._series = self._options.series(self._table)
        return self._series

    @property
    def time_column(self) -> str | None:
        """Name of the time column, None where there is none."""
        name = self._options.time
        return time_column_name(self._table) if name is None else name

    @property
    def period_ns(self) -> int:
        """Length of a bar in nanoseconds; 0 where it is not known (fewer than two bars)."""
        return self.series.period_ns

    @property
    def times(self) -> npt.NDArray[Any]:
        """Opens as datetime64[ns], UTC, strictly rising, read-only, shape (rows,)."""
        return raw_values(self.series.times).view("datetime64[ns]")

    # ---- Rows and columns ----------------------------------------------------------------------

    def _rows(self, first: int, n_rows: int) -> Self:
        options = self._options
        if self._series is not None and not options.period_ns:
            options = options._replace(period_ns=self._series.period_ns)
        return self.plain(self._table.slice(first, n_rows), options)

    def select(self, *names: str) -> Self:
        """Those columns, in that order, without a copy.

        Raises:
            ColumnNotFoundError: no such column.
        """
        table = self._table.select(names)
        time = self.time_column
        options = self._options
        if self._series is not None and not options.period_ns:
            options = options._replace(period_ns=self._series.period_ns)
        return self.plain(table, options._replace(time=time if time in names else None))

    def filter(self, *conditions: Expr) -> Bars:
        """The rows where every condition is true."""
        return self.lazy().filter(*conditions).collect()

    def lazy(self) -> LazyBars:
        """A plan over these rows."""
        from millibar.lazy import LazyBars

        scan = _core.Scan().add_table(self._table)
        checked = self._series is not None and not self._options.change_rows
        return LazyBars(scan, self._options, checked=checked)

    # ---- Time ----------------------------------------------------------------------------------

    def window(
        self, now: Instant, length: int, shift: int = 0, *, tz: ZoneLike | None = None
    ) -> Bars:
        """The latest `length` bars that have closed at `now`, moved back by `shift` bars.

        A bar has closed at its open + period, so no bar here knows anything of the time after
        `now`. Fewer rows where history is short, none where there is none. No copy.

        Raises:
            InvalidError: length < 1, shift < 0, or times that are not a series.
        """
        first, n_rows = self.series.window(_core.STRICT, to_ns(now, tz), length, shift)
        return self._rows(first, n_rows)

    def between(
        self, start: Instant | None, end: Instant | None, *, tz: ZoneLike | None = None
    ) -> Bars:
        """The bars with start <= open < end; None is open. No copy."""
        from_ns = _OPEN_FROM if start is None else to_ns(start, tz)
        to = _OPEN_TO if end is None else to_ns(end, tz)
        first, n_rows = self.series.between(from_ns, to)
        return self._rows(first, n_rows)

    def asof(self, t: Instant, *, tz: ZoneLike | None = None) -> Bars:
        """The one bar that t falls in or after: the last with open <= t; no row before the first.

        That bar may still be forming at t: its high, low, close and volume are then of the future.
        What is known at t is `window(t, 1)`.
        """
        row = self.series.asof(to_ns(t, tz))
        return self._rows(max(row, 0), int(row >= 0))

    def resample(
        self, every: str, *, tz: ZoneLike | None = None, drop_partial: bool = False
    ) -> Bars:
        """Longer bars: open first, high max, low min, close last, volume and dividend sum,
        stock_splits max; other columns are left out.

        Buckets are closed and labelled left; intraday ones are anchored at the local midnight of
        the first row's day, daily ones are local days. Bits as pandas' resample.

        Args:
            every: "30s", "5min", "1h", "1d".
            tz: zone of days, instead of the series' own.
            drop_partial: leave out a last bucket that the rows do not reach the end of.
        """
        count, step = parse_step(every)
        zone = None if tz is None else zone_name(tz)
        resampled = self.series.resample(count, step, zone=zone, drop_partial=drop_partial)
        return Bars.from_series(resampled)

    def join_asof(
        self,
        other: Bars,
        *,
        on: Literal["open", "close"] = "open",
        tolerance: str | timedelta | int | None = None,
        suffix: str = "_right",
    ) -> Bars:
        """These rows, and beside each the columns of the last row of `other` at or before it.

        As pandas' merge_asof and Polars' join_asof go backward: every row stays, null where
        `other` has none yet. other's time column is left out if it has the name of this one's.
        Of trades that share a stamp, which is an error here, read the last ones only, as pandas
        takes them: `read_parquet(path, duplicates="last")`.

        Args:
            on: "open" compares opens, or the stamps of what has no length, such as trades and
                quotes. A longer bar found so may still be forming, its close of the future. "close"
                compares closes, open + period, on both sides: what had closed when this row closes,
                and so no look-ahead.
            tolerance: take nothing further back than this ("5min", a timedelta or nanoseconds).
            suffix: for the names of `other` that are here too.

        Raises:
            InvalidError: times of either that are not a series, a name that is there twice all the
                same, or a negative tolerance.

        >>> import numpy as np
        >>> minutes = np.arange("2024-01-03T14:30", "2024-01-03T14:34", dtype="datetime64[m]")
        >>> bars = Bars({"timestamp": minutes, "close": [10, 10.5, 10.5, 11]}, tz="UTC")
        >>> trades = {"timestamp": minutes[1:3], "price": [10.25, 10.75]}
        >>> bars.join_asof(Bars(trades, tz="UTC"))["price"]
        array([  nan, 10.25, 10.75, 10.75])
        """
        ns = None if tolerance is None else to_period_ns(tolerance)
        joined = self.series.join_asof(other.series, on, ns, suffix)
        options = self._options._replace(period_ns=self.period_ns)
        return Bars.plain(joined, options._replace(time=self.time_column))

    # ---- As a value ----------------------------------------------------------------------------

    def _file_period(self) -> str | None:
        period = self._options.period_ns or (self._series.period_ns if self._series else 0)
        return str(period) if period else None

    def __copy__(self) -> Self:
        return self.plain(self._table, self._options)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        from millibar._pickle import pack, unpack_bars

        return unpack_bars, (pack(self._table, protocol), self._options)


def from_arrow(
    data: Any,
    *,
    time: str | None = None,
    period: str | timedelta | int = 0,
    label: _core.Label = "open",
    sort: bool = False,
    duplicates: _core.Duplicates = "refuse",
    tz: ZoneLike | None = None,
) -> Bars:
    """Bars over anything that speaks Arrow: a pyarrow Table or RecordBatch, a Polars DataFrame, a
    DuckDB relation, another Bars. One batch is shared without a copy, several are joined.

    The keywords are those of `Bars`.

    Raises:
        TypeError: no `__arrow_c_stream__` and no `__arrow_c_array__`.
        UnsupportedError: a column of a type millibar has none for, named.
    """
    return Bars(
        data, time=time, period=period, label=label, sort=sort, duplicates=duplicates, tz=tz
    )


def from_pandas(
    frame: pd.DataFrame,
    *,
    time: str | None = None,
    period: str | timedelta | int = 0,
    label: _core.Label = "open",
    sort: bool = False,
    duplicates: _core.Duplicates = "refuse",
    tz: ZoneLike | None = None,
    copy: bool = True,
) -> Bars:
    """Bars of a DataFrame: its index becomes the first column (named "timestamp" if a DatetimeIndex
    has no name), unless it only counts the rows. Units, zones and dtypes are kept.

    pyarrow is not needed. The frame is copied; with copy=False its arrays are shared where they
    can be, and must not be written to any more. The other keywords are those of `Bars`.

    Raises:
        InvalidError: a MultiIndex, or two columns of one name.
        UnsupportedError: a column of a dtype millibar has no type for, named.
    """
    from millibar._pandas import from_frame

    table = from_frame(frame, copy=copy)
    if time is None and not _is_range(frame):
        first = table.names[0]
        time = first if table.column(first).type == "timestamp" else None
    return Bars(
        table, time=time, period=period, label=label, sort=sort, duplicates=duplicates, tz=tz
    )


def _is_range(frame: pd.DataFrame) -> bool:
    import pandas as pd

    return isinstance(frame.index, pd.RangeIndex)


def concat(parts: Iterable[Bars]) -> Bars:
    """Bars of the same columns, end to end, in the order given; the first one's options hold.

    Raises:
        InvalidError: none given, or columns that differ.
    """
    parts = list(parts)
    table = _core.concat([part.table for part in parts])
    return Bars.plain(table, parts[0]._options)
