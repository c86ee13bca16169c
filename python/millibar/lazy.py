"""LazyBars: a plan that reads only what its question needs.

`scan_parquet` opens nothing but file names; each method adds a step and returns a new plan;
`collect()` runs it: files, row groups and pages are left out by their statistics, only the needed
columns are read and only the needed rows decoded. `explain()` tells the plan and, after
`collect()`, what was read of what is there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, TypeAlias, Union, cast

from millibar import _core
from millibar._arrays import to_numpy
from millibar._times import (
    Instant,
    ZoneLike,
    first_wall,
    parse_step,
    step_ns,
    to_ns,
    zone,
    zone_name,
)
from millibar.bars import Bars, SeriesOptions, time_column_name
from millibar.errors import InvalidError
from millibar.expr import Aggregate, Expr
from millibar.frame import schema_of

__all__ = ["LazyBars", "Source", "read_parquet", "scan_parquet"]

OnePath: TypeAlias = Union[str, "os.PathLike[str]", bytes, bytearray, "memoryview[int]"]
Source: TypeAlias = OnePath | Iterable[OnePath]
"""A file, a glob pattern, a directory, the bytes of a file, or several of these."""


class LazyBars:
    """A plan over bars. Immutable: every step gives a new plan.

    >>> from millibar import col
    >>> plan = Bars({"close": [10, 10.5, 11], "volume": [5, 0, 7]}).lazy()
    >>> plan.filter(col("volume") > 0).select("close").collect()["close"]
    array([10., 11.])
    """

    __slots__ = ("_checked", "_options", "_scan")

    def __init__(
        self, scan: _core.Scan, options: SeriesOptions | None = None, *, checked: bool = False
    ) -> None:
        self._scan = scan
        self._options = SeriesOptions() if options is None else options
        # Whether the rows are those of a series: fewer of them still are.
        self._checked = checked

    def _with(self, scan: _core.Scan, options: SeriesOptions | None = None) -> LazyBars:
        options = self._options if options is None else options
        return LazyBars(scan, options, checked=self._checked)

    # ---- Steps ---------------------------------------------------------------------------------

    def between(
        self, start: Instant | None, end: Instant | None, *, tz: ZoneLike | None = None
    ) -> LazyBars:
        """Keeps the bars with start <= open < end; None is open.

        A time without a zone is a wall clock in `tz`, by default the plan's, else UTC. A time
        column without one is placed in the plan's `tz`, or, without that, in UTC.

        Raises:
            InvalidError: closes are labelled and no period was given, so opens are not known.
        """
        place = self._options.zone if tz is None else tz
        from_ns = None if start is None else self._stored(to_ns(start, place))
        to = None if end is None else self._stored(to_ns(end, place))
        return self._with(self._scan.between(from_ns, to, self._options.time))

    def _stored(self, ns: int) -> int:
        """An instant of opens as the time column's stamps have it."""
        options = self._options
        if options.label == "close":
            if not options.period_ns:
                raise InvalidError(
                    "bars are labelled by their close: give period= as well, so that a range of "
                    "opens can be looked up among the stamps"
                )
            ns += options.period_ns
        if options.zone is not None and self._has_wall_clock():
            ns = first_wall(zone(options.zone), ns)
        return ns

    def _has_wall_clock(self) -> bool:
        table = self._scan.schema()
        name = self._options.time or time_column_name(table)
        return name in table.names and table.column(name).zone is None

    def filter(self, *conditions: Expr) -> LazyBars:
        """Keeps the rows where every condition is true."""
        scan = self._scan
        for condition in conditions:
            if not isinstance(condition, Expr):
                raise TypeError(
                    f"filter() takes expressions such as col('volume') > 0, not {condition!r}"
                )
            scan = scan.filter(condition.node)
        return self._with(scan)

    def select(self, *names: str | Iterable[str]) -> LazyBars:
        """Keeps those columns, in that order: `select("close", "volume")` or a list."""
        flat = [
            each for name in names for each in ([name] if isinstance(name, str) else list(name))
        ]
        return self._with(self._scan.select(flat))

    def head(self, n_rows: int = 5) -> LazyBars:
        """Keeps the first rows of what the steps before leave."""
        return self._with(self._scan.head(n_rows))

    def tail(self, n_rows: int = 5) -> LazyBars:
        """Keeps the last rows of what the steps before leave."""
        return self._with(self._scan.tail(n_rows))

    def resample(
        self, every: str, *, tz: ZoneLike | None = None, drop_partial: bool = False
    ) -> LazyBars:
        """Longer bars, as `Bars.resample`."""
        count, step = parse_step(every)
        options = self._options
        scan = self._scan.resample(
            count,
            step,
            zone=options.zone if tz is None else zone_name(tz),
            drop_partial=drop_partial,
            time=options.time,
            period_ns=options.period_ns,
            label=options.label,
            sort=options.sort,
            duplicates=options.duplicates,
            assume_zone=options.zone,
        )
        length = count * step_ns(step)
        return self._with(scan, SeriesOptions(options.time, length, zone=options.zone))

    def threads(self, n: int) -> LazyBars:
        """Reads on n threads; 0, the default, means as many as there are processors. The result
        does not depend on it."""
        return self._with(self._scan.threads(n))

    # ---- Running -------------------------------------------------------------------------------

    def collect(self) -> Bars:
        """Runs the plan.

        Raises:
            FileMissingError, StorageError, FormatError: what is wrong with which file.
            ColumnNotFoundError: a step names a column that is not there.
            UnsupportedError: a selected column of a type millibar has none for.
        """
        table = self._scan.collect()
        options = self._options
        name = options.time or time_column_name(table)
        if name not in table.names:
            return Bars.plain(table)
        if not self._checked and (options.change_rows or options.zone is not None):
            return Bars.from_series(options.series(table))
        return Bars.plain(table, options)

    def aggregate(self, **aggregates: Aggregate) -> dict[str, Any]:
        """Runs the plan and gives a value for each aggregate of its rows, by the given names.

        Rows are added as they are decoded: no column is held, unless the plan has a head, tail or
        resample. Values are int, float or bool, and of time columns numpy.datetime64 in the
        column's unit (UTC where it has a zone).

        Nulls are left out. Of no values `count` and `sum` are 0, the others None. A NaN makes
        `sum` and `mean` NaN; `min` and `max` leave it out unless there is nothing else. Sums of
        integers are exact; floats are added in row order, with the rounding error of every
        addition put in at the end. The number of threads and the layout of the files change no
        bit.

        >>> from millibar import col, count
        >>> plan = Bars({"close": [10, 10.5, 11], "volume": [5, 0, 7]}).lazy()
        >>> plan.filter(col("volume") > 0).aggregate(n=count(), mean=col("close").mean())
        {'n': 2, 'mean': 10.5}

        Raises:
            InvalidError: a sum or mean of times, anything but the count of text, a sum of integers
                that does not fit 64 bits, or no aggregate at all.
            ColumnNotFoundError: a column that is not there, or not among the selected.
            FileMissingError, StorageError, FormatError: what is wrong with which file.
        """
        for name, aggregate in aggregates.items():
            if not isinstance(aggregate, Aggregate):
                raise TypeError(
                    f"aggregate() takes aggregates such as col('close').sum(), not "
                    f"{name}={aggregate!r}"
                )
        table = self._scan.aggregate([each.named(name) for name, each in aggregates.items()])
        return {name: _scalar(table.column(name)) for name in table.names}

    @property
    def schema(self) -> dict[str, str]:
        """Type of each column the result will have; reads the footer of the first file."""
        return schema_of(self._scan.schema())

    @property
    def columns(self) -> list[str]:
        """Columns the result will have."""
        return list(self._scan.schema().names)

    @property
    def stats(self) -> dict[str, int] | None:
        """Rows, bytes, files, row groups and pages, present and read, of the last `collect()`
        or `aggregate()`; None before."""
        return self._scan.stats

    def explain(self) -> str:
        """The plan, one step a line; after `collect()` or `aggregate()` with what was read of what
        is there."""
        return self._scan.explain()

    def __repr__(self) -> str:
        return f"<LazyBars\n{self.explain().rstrip()}>"


def _scalar(column: _core.Column) -> Any:
    if column.type == "timestamp" and column.null_count == 0:
        return to_numpy(column)[0]
    return column[0]


def _add(scan: _core.Scan, source: OnePath) -> _core.Scan:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return scan.add_memory(source)
    return scan.add_path(os.fspath(source))


def scan_parquet(
    source: Source,
    *,
    time: str | None = None,
    period: str | timedelta | int = 0,
    label: _core.Label = "open",
    sort: bool = False,
    duplicates: _core.Duplicates = "refuse",
    tz: ZoneLike | None = None,
) -> LazyBars:
    """A plan over Parquet files: reads nothing but directories until it is asked to.

    Args:
        source: a path, a glob pattern, a directory (every *.parquet below it, key=value folders as
            columns), the bytes of a file, or a list of these, which must have the same columns and
            are read one after the other.

    The keywords are those of `Bars` and apply to what `collect()` gives.

    Raises:
        FileMissingError: no such file, or a pattern that matches none.
    """
    options = SeriesOptions.of(time, period, label, sort, duplicates, tz)
    scan = _core.Scan()
    one = isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview))
    for each in cast("Iterable[OnePath]", (source,) if one else source):
        scan = _add(scan, each)
    return LazyBars(scan, options)


def read_parquet(
    source: Source,
    columns: Iterable[str] | None = None,
    start: Instant | None = None,
    end: Instant | None = None,
    *,
    time: str | None = None,
    period: str | timedelta | int = 0,
    label: _core.Label = "open",
    sort: bool = False,
    duplicates: _core.Duplicates = "refuse",
    tz: ZoneLike | None = None,
) -> Bars:
    """Bars of Parquet files: `scan_parquet`, the span, the columns, `collect`.

    Args:
        columns: exactly these, in that order; by default all that millibar has a type for.
        start, end: keep start <= time < end; a time without a zone is a wall clock in `tz`, UTC if
            not given.

    The other arguments are those of `scan_parquet`.
    """
    plan = scan_parquet(
        source, time=time, period=period, label=label, sort=sort, duplicates=duplicates, tz=tz
    )
    if start is not None or end is not None:
        plan = plan.between(start, end)
    if columns is not None:
        plan = plan.select(columns)
    return plan.collect()
