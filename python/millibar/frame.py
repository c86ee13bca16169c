"""Frame: a table for those who look at it: columns by name, text and HTML, and ways out.

Columns stay in C. numpy sees them without a copy, Arrow consumers (pyarrow, Polars, DuckDB) through
`__arrow_c_stream__`, and pandas only when `to_pandas()` or `df` is asked for. What a table means is
for those who build on this: `Bars` adds time, `Result` hands out trades, orders, fills and equity.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, overload

from millibar import _core
from millibar._arrays import from_values, to_numpy
from millibar._times import ZoneLike, zone_name
from millibar.errors import ColumnNotFoundError, InvalidError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from typing_extensions import Self

__all__ = ["Frame"]


def table_of(data: Any) -> _core.Table:
    """A table of anything that is one: see `Frame`."""
    if isinstance(data, _core.Table):
        return data
    if isinstance(data, Frame):
        return data.table
    if isinstance(data, Mapping):
        return _core.Table([from_values(str(name), data[name]) for name in data])
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        # Its own __arrow_c_stream__ would need pyarrow.
        from millibar._pandas import from_frame

        return from_frame(data)
    return _core.table_from_arrow(data)


class Frame:
    """Rows in columns, immutable.

    Args:
        data: anything with `__arrow_c_stream__` or `__arrow_c_array__`, a pandas DataFrame, or a
            mapping of names to arrays or lists, which are copied.
        title: what the rows are, for text and HTML.
        time: the column that `to_pandas()` makes the index; by default the rows are counted.

        >>> fills = Frame({"symbol": ["MES", "MES"], "price": [4700.25, 4701.0]}, title="fills")
        >>> fills["price"]
        array([4700.25, 4701.  ])
        >>> print(fills)
        fills: 2 rows x 2 columns
        symbol    price
          utf8  float64
           MES  4700.25
           MES   4701.0
    """

    __slots__ = ("__weakref__", "_frame", "_table", "_time", "_title")

    _table: _core.Table
    _frame: pd.DataFrame | None
    _title: str
    _time: str | None

    def __init__(self, data: Any, *, title: str = "table", time: str | None = None) -> None:
        self._set_table(table_of(data), title, time)

    def _set_table(self, table: _core.Table, title: str, time: str | None) -> None:
        self._table = table
        self._frame = None
        self._title = title
        self._time = time

    # ---- What there is -------------------------------------------------------------------------

    @property
    def table(self) -> _core.Table:
        """The columns in C."""
        return self._table

    @property
    def time_column(self) -> str | None:
        """Name of the time column, None where there is none."""
        return self._time

    @property
    def columns(self) -> list[str]:
        """Column names in order."""
        return list(self._table.names)

    @property
    def schema(self) -> dict[str, str]:
        """Type of each column, in order."""
        return schema_of(self._table)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return len(self._table), len(self._table.names)

    @property
    def nbytes(self) -> int:
        """Bytes the rows occupy."""
        return sum(self._table.column(name).nbytes for name in self._table.names)

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, name: object) -> bool:
        return name in self._table.names

    # Rows are not iterated: that is what columns are for.
    __iter__ = None

    @overload
    def __getitem__(self, key: str) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, key: list[str] | tuple[str, ...] | slice) -> Self: ...
    def __getitem__(self, key: str | list[str] | tuple[str, ...] | slice) -> Any:
        """A column as a read-only array of shape (rows,), without a copy where there is nothing to
        convert; a list of names as a table of those columns; a slice as one of those rows.

        Timestamps are datetime64 of the column's unit, UTC where it has a zone; nulls are NaN, NaT
        or None; text is an object array of str.

        Raises:
            ColumnNotFoundError: no such column.
        """
        if isinstance(key, str):
            return to_numpy(self._table.column(key))
        if isinstance(key, slice):
            first, stop, step = key.indices(len(self))
            if step != 1:
                raise InvalidError("rows are taken in steps of 1: [first:stop]")
            return self._rows(first, max(0, stop - first))
        if isinstance(key, (list, tuple)):
            return self.select(*key)
        raise TypeError(
            f"[...] takes a column name, a list of names or a slice of rows, not "
            f"{type(key).__name__}"
        )

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        """A column by attribute; "close" also finds "Close"."""
        if not name.startswith("_"):
            try:
                return to_numpy(self._table.column(name))
            except ColumnNotFoundError:
                names = self._table.names
            matches = [column for column in names if column.lower() == name.lower()]
            if len(matches) == 1:
                return to_numpy(self._table.column(matches[0]))
        raise AttributeError(f"no column or attribute {name!r}", name=name, obj=self)

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *(name for name in self._table.names if name.isidentifier())]

    # ---- Rows and columns ----------------------------------------------------------------------

    def _like(self, table: _core.Table) -> Self:
        """Other rows or columns of the same kind."""
        time = self._time if self._time in table.names else None
        return type(self)(table, title=self._title, time=time)

    def _rows(self, first: int, n_rows: int) -> Self:
        return self._like(self._table.slice(first, n_rows))

    def head(self, n_rows: int = 5) -> Self:
        """The first rows, without a copy."""
        return self._rows(0, min(max(0, n_rows), len(self)))

    def tail(self, n_rows: int = 5) -> Self:
        """The last rows, without a copy."""
        n_rows = min(max(0, n_rows), len(self))
        return self._rows(len(self) - n_rows, n_rows)

    def select(self, *names: str) -> Self:
        """Those columns, in that order, without a copy.

        Raises:
            ColumnNotFoundError: no such column.
        """
        return self._like(self._table.select(names))

    # ---- Out -----------------------------------------------------------------------------------

    def to_pandas(self, tz: ZoneLike | None = None) -> pd.DataFrame:
        """A new DataFrame, its index the time column: named as it is, in its unit and zone.

        Dictionary columns are categorical, text is object; nulls are NaN, NaT or None. Without a
        time column the index counts the rows.

        Args:
            tz: zone to show the index in, instead of the column's own.
        """
        from millibar._pandas import to_frame

        return to_frame(self._table, self.time_column, None if tz is None else zone_name(tz))

    @property
    def df(self) -> pd.DataFrame:
        """`to_pandas()`, made once: the same object every time, changes to it included."""
        if self._frame is None:
            self._frame = self.to_pandas()
        return self._frame

    def to_polars(self) -> pl.DataFrame:
        """A Polars DataFrame over the same memory."""
        import polars as pl

        return pl.DataFrame(self)

    def to_arrow(self) -> pa.Table:
        """A pyarrow Table over the same memory."""
        import pyarrow as pa

        return pa.table(self)

    def _file_period(self) -> str | None:
        """Length of a bar, where the rows are bars: a Parquet file keeps it."""
        return None

    def write_parquet(
        self,
        path: str | os.PathLike[str],
        *,
        codec: _core.Codec = "none",
        level: int = 0,
        row_group_rows: int = 0,
        page_rows: int = 0,
    ) -> None:
        """Writes a Parquet file: the whole file under its name, or nothing.

        codec "none" is the layout that is read without a copy; "zstd" is the smallest. 0 means the
        default: the codec's level, 262,144 rows a row group, 8,192 rows a page.
        """
        _core.parquet_write(
            self._table,
            os.fspath(path),
            codec=codec,
            level=level,
            row_group_rows=row_group_rows,
            page_rows=page_rows,
            period=self._file_period(),
        )

    def __arrow_c_schema__(self) -> object:
        return self._table.__arrow_c_schema__()

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """A struct array over the same memory; requested_schema is not applied."""
        return self._table.__arrow_c_array__(requested_schema)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A stream of one batch over the same memory; requested_schema is not applied."""
        return self._table.__arrow_c_stream__(requested_schema)

    # ---- As a value ----------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        """Same columns, types, nulls and bits; NaN equals NaN of the same bits."""
        if not isinstance(other, Frame):
            return NotImplemented
        return self._table.equals(other._table)

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Self:
        return self._like(self._table)

    def __deepcopy__(self, memo: Mapping[int, Any]) -> Self:
        """Columns are immutable: there is nothing to copy but the frame, which is not kept."""
        return self.__copy__()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        from millibar._pickle import pack, unpack_frame

        return unpack_frame, (pack(self._table, protocol), self._title, self._time)

    def __repr__(self) -> str:
        from millibar._display import table_text

        return table_text(self._table, self._title)

    def _repr_html_(self) -> str:
        from millibar._display import table_html

        return table_html(self._table, self._title)


def schema_of(table: _core.Table) -> dict[str, str]:
    """Type of each column in words."""
    from millibar._display import type_text

    return {name: type_text(table.column(name)) for name in table.names}
