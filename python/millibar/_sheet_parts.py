"""What the tables of lumibot's backtest files are put together from.

A sheet is the columns of one file in lumibot's order: each a name, the cells of the CSV file and
the typed column of its Parquet twin. Cells are texts as they stand in the file, made when they are
written; an asset is the few of its fields that the files show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from millibar import _core
from millibar._arrays import from_numpy
from millibar._cells import cells, csv_texts, time_cells, typed_column

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from millibar.result import Result

_BLOCK_ROWS = 65_536

Cells = Callable[[int, int], Sequence[str] | str]
"""The cells of the rows from one to before another, as they stand in the file; where all are the
same, that one. Made as they are written, for a run may have a million rows and a cell takes ten
times what its value does."""


class Part(NamedTuple):
    """A column of a sheet."""

    name: str
    cells: Cells
    column: _core.Column


class Sheet(NamedTuple):
    """A file's columns, all of one length."""

    parts: list[Part]

    @property
    def header(self) -> list[str]:
        return [part.name for part in self.parts]

    @property
    def lines(self) -> Iterable[str]:
        """The text of the CSV file, its header aside, some thousand lines at a time."""
        n_rows = len(self.parts[0].column)
        for first in range(0, n_rows, _BLOCK_ROWS):
            last = min(first + _BLOCK_ROWS, n_rows)
            columns = _merged([part.cells(first, last) for part in self.parts], last - first)
            yield "\n".join([*map(",".join, zip(*columns, strict=True)), ""])

    @property
    def table(self) -> _core.Table:
        return _core.Table([part.column for part in self.parts])


def _merged(columns: Iterable[Sequence[str] | str], n_rows: int) -> Iterable[Sequence[str]]:
    """Columns as lists; neighbours that do not change are one."""
    for is_constant, group in groupby(columns, lambda column: isinstance(column, str)):
        if is_constant:
            yield [",".join(map(str, group))] * n_rows
        else:
            yield from group


def listed(values: Sequence[Any]) -> Cells:
    return lambda first, last: csv_texts(values[first:last])


def part_of(name: str, values: Sequence[Any]) -> Part:
    return Part(name, listed(cells(values)), typed_column(name, values))


def constant_part(name: str, value: Any, n_rows: int) -> Part:
    if not n_rows:
        return part_of(name, [])
    (cell,), one = csv_texts(cells([value])), typed_column(name, [value])
    if one.type == "utf8":
        column = _core.column_from_text(name, one.to_list() * n_rows)
    else:
        column = _core.Table([one]).take([0] * n_rows).column(0)
    return Part(name, lambda first, last: cell, column)


def float_part(name: str, values: npt.NDArray[np.float64]) -> Part:
    import numpy as np

    missing = np.isnan(values)

    def texts(first: int, last: int) -> list[str] | str:
        # A number stays for many rows where nothing is traded. As bits, for 0.0 and -0.0 are equal.
        block = np.ascontiguousarray(values[first:last])
        changed = np.diff(block.view(np.int64)) != 0
        starts = np.flatnonzero(np.concatenate(([True], changed)))
        each = [
            "" if absent else repr(value)
            for value, absent in zip(
                block[starts].tolist(), missing[first:last][starts].tolist(), strict=True
            )
        ]
        if len(each) == 1:
            return each[0]
        lengths = np.diff(starts, append=len(block))
        repeated: list[str] = np.repeat(np.array(each, object), lengths).tolist()
        return repeated

    return Part(name, texts, from_numpy(name, np.where(missing, 0.0, values), mask=missing))


def time_part(name: str, ns: npt.NDArray[np.int64], zone: str | None) -> Part:
    import numpy as np

    data = np.ascontiguousarray(ns, np.int64)
    column = _core.column_from_buffer(name, data, "timestamp", zone=zone)
    if zone is None:
        # How one is written depends on all.
        return Part(name, listed(time_cells(ns, zone)), column)
    return Part(name, lambda first, last: time_cells(ns[first:last], zone), column)


# ---- Assets ------------------------------------------------------------------------------------


def asset_fields(result: Result, symbol: str | None) -> Mapping[str, Any]:
    """The fields of a symbol's asset; a stock where nothing else is said."""
    given = result.assets.get(symbol or "", {})
    return {
        "asset_type": "stock",
        "multiplier": 1,
        "expiration": None,
        "strike": 0.0,
        "right": None,
        **{key: value for key, value in given.items() if value is not None},
    }


_FUTURES = ("future", "cont_future", "crypto_future")


def in_short(symbol: str, asset: Mapping[str, Any]) -> dict[str, Any]:
    """An asset as a position's row has it."""
    kind = str(asset["asset_type"])
    short: dict[str, Any] = {"symbol": symbol, "type": kind}
    expiration, multiplier = asset["expiration"], asset["multiplier"]
    if kind == "option" and asset["strike"]:
        short["strike"] = float(asset["strike"])
    if kind in ("option", *_FUTURES) and expiration:
        short["exp"] = str(expiration)
    if kind == "option" and asset["right"]:
        short["right"] = str(asset["right"])
    if multiplier and (kind == "option" or (kind in _FUTURES and multiplier != 1)):
        short["mult"] = multiplier
    return short
