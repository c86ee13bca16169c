"""What the tables of a run hold: names, order and types of their columns.

`conform` brings what an engine or a user hands in to that form: missing optional columns are added,
numbers and times take one type, further columns follow in the order they came. Nothing is copied
that has its type already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from millibar import _core
from millibar._arrays import from_numpy, null_mask, raw_values, to_numpy
from millibar._times import UNIT_NS
from millibar.errors import ColumnNotFoundError, InvalidError
from millibar.frame import table_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Kind = Literal["time", "float", "int", "bool", "text", "id"]


class Field(NamedTuple):
    """A column: `default` fills it where it is not given; without one it must be."""

    name: str
    kind: Kind
    required: bool = False
    default: float | None = None


EQUITY = (
    Field("timestamp", "time", required=True),
    Field("cash", "float"),
    Field("portfolio_value", "float", required=True),
    Field("n_positions", "int"),
)
FILLS = (
    Field("timestamp", "time", required=True),
    Field("order", "id"),
    Field("symbol", "text", required=True),
    Field("side", "text", required=True),
    Field("quantity", "float", required=True),
    Field("price", "float", required=True),
    Field("fee", "float", default=0.0),
    Field("multiplier", "float", default=1.0),
)
ORDERS = (
    Field("id", "id", required=True),
    Field("parent", "id"),
    Field("symbol", "text", required=True),
    Field("side", "text", required=True),
    Field("type", "text"),
    Field("class", "text"),
    Field("tif", "text"),
    Field("status", "text"),
    Field("quantity", "float"),
    Field("limit_price", "float"),
    Field("stop_price", "float"),
    Field("stop_limit_price", "float"),
    Field("trail_amount", "float"),
    Field("trail_percent", "float"),
    Field("filled", "float"),
    Field("fill_price", "float"),
    Field("fees", "float"),
    Field("created", "time"),
    Field("placed", "time"),
    Field("closed", "time"),
    Field("ambiguous", "bool"),
)
TRADES = (
    Field("symbol", "text"),
    Field("quantity", "float"),
    Field("entry_time", "time"),
    Field("exit_time", "time"),
    Field("entry_price", "float"),
    Field("exit_price", "float"),
    Field("pnl", "float"),
    Field("pnl_pct", "float"),
    Field("fees", "float"),
    Field("multiplier", "float"),
    Field("bars_held", "int"),
)
EVENTS = (
    Field("timestamp", "time", required=True),
    Field("kind", "text", required=True),
    Field("order", "id", required=True),
    Field("price", "float"),
    Field("quantity", "float"),
    Field("fee", "float"),
)
CORPORATE = (
    Field("timestamp", "time", required=True),
    Field("kind", "text", required=True),
    Field("symbol", "text", required=True),
    Field("per_unit", "float", required=True),
    Field("quantity", "float"),
    Field("amount", "float"),
    Field("events", "int", required=True),
)

_TYPES: dict[Kind, _core.Type] = {"float": "float64", "int": "int64", "bool": "bool"}

FILL_KINDS = frozenset(("filled", "partial", "fill", "partial_fill"))
"""Kinds of events that are fills: ours, and the engine's, which are lumibot's."""


def is_buy(side: str) -> bool:
    """Whether a side adds to a position: "buy", "buy_to_close", ...; "sell", "sell_short", ... do
    not.

    Raises:
        InvalidError: anything else.
    """
    if side.startswith("buy"):
        return True
    if side.startswith("sell"):
        return False
    raise InvalidError(f"{side!r} is not a side: sides begin with buy or sell")


# ---- Columns -----------------------------------------------------------------------------------


def column_of(name: str, values: npt.NDArray[Any] | None, *, n_rows: int = 0) -> _core.Column:
    """A column that takes an array over; None: n_rows integers, all null."""
    import numpy as np

    if values is None:
        return null_column(name, "int", n_rows)
    return from_numpy(name, np.ascontiguousarray(values), copy=False)


def null_column(name: str, kind: Kind, n_rows: int) -> _core.Column:
    """n_rows nulls."""
    if kind == "text":
        return _core.column_from_text(name, [None] * n_rows)
    types: dict[Kind, _core.Type] = {"bool": "bool", "float": "float64", "time": "timestamp"}
    return _core.column_of_nulls(name, types.get(kind, "int64"), n_rows)


def time_column(
    name: str, ns: npt.NDArray[np.int64], mask: npt.NDArray[np.bool_] | None = None
) -> _core.Column:
    """Instants in ns UTC as a column; mask is True where there is none."""
    import numpy as np

    validity = None if mask is None or not mask.any() else (~mask).astype(np.uint8)
    data = np.ascontiguousarray(ns, np.int64)
    return _core.column_from_buffer(name, data, "timestamp", zone="UTC", validity=validity)


def times_ns(column: _core.Column) -> npt.NDArray[np.int64]:
    """A time column, or integers, as ns UTC; unspecified under nulls."""
    import numpy as np

    values = raw_values(column).astype(np.int64, copy=False)
    scale = UNIT_NS[column.unit or "ns"]
    return values if scale == 1 else values * scale


def rows_at(times: Any, instants: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each instant the last row at or before it; 0 before the first."""
    import numpy as np

    rows = np.searchsorted(np.asarray(times), instants, "right") - 1
    return np.maximum(rows, 0).astype(np.int64, copy=False)


# ---- Tables ------------------------------------------------------------------------------------


def _constant(field: Field, n_rows: int) -> _core.Column:
    import numpy as np

    if field.default is None:
        return null_column(field.name, field.kind, n_rows)
    return column_of(field.name, np.full(n_rows, field.default))


def _without_nan(column: _core.Column) -> _core.Column:
    """NaN as null, where what follows has no NaN: numpy's integers with nulls come as floats."""
    import numpy as np

    if column.type not in ("float32", "float64"):
        return column
    values = raw_values(column)
    missing = np.isnan(values)
    if not missing.any():
        return column
    filled = np.where(missing, 0, values)
    return from_numpy(column.name, filled, mask=missing | null_mask(column), copy=False)


def _cast(column: _core.Column, field: Field, where: str) -> _core.Column:
    kind = field.kind
    if column.null_count == len(column) and not (kind == "text" and column.type == "dictionary"):
        return null_column(field.name, kind, len(column))
    if kind == "time":
        if column.type == "timestamp" and column.unit == "ns" and column.zone == "UTC":
            return column
        if column.type in ("timestamp", "int64"):
            return time_column(field.name, times_ns(column), null_mask(column))
    elif kind == "text":
        if column.type in ("utf8", "dictionary"):
            return column
    elif kind == "id":
        if column.type in ("utf8", "dictionary", "int64"):
            return column
        if column.type in ("int32", "uint64"):
            return column.cast("int64")
    elif column.type not in ("utf8", "dictionary", "timestamp"):
        if column.type == _TYPES[kind]:
            return column
        return (column if kind == "float" else _without_nan(column)).cast(_TYPES[kind])
    raise InvalidError(
        f"column {field.name!r} of {where} is {column.type}: it must be {_WORDS[kind]}"
    )


def _defaulted(column: _core.Column, default: float) -> _core.Column:
    """The default where a number is not there."""
    import numpy as np

    values = to_numpy(column)
    missing = np.isnan(values)
    if not missing.any():
        return column
    return column_of(column.name, np.where(missing, default, values))


_WORDS: dict[Kind, str] = {
    "time": "a timestamp, or int64 nanoseconds UTC",
    "float": "a number",
    "int": "an integer",
    "bool": "a bool",
    "text": "text",
    "id": "an integer or text",
}


def conform(data: Any, fields: tuple[Field, ...], where: str) -> _core.Table:
    """A table with those columns first, of their types, and what else there is after them.

    None is a table without rows.

    Raises:
        ColumnNotFoundError: a required column is not there.
        InvalidError: a column of the wrong type, or nulls in a required one.
    """
    if data is None:
        return _core.Table([null_column(field.name, field.kind, 0) for field in fields])
    table = table_of(data)
    names = set(table.names)
    columns = []
    for field in fields:
        if field.name not in names:
            if field.required:
                raise ColumnNotFoundError(
                    f"{where} has no column {field.name!r}, only {list(table.names)}"
                )
            columns.append(_constant(field, len(table)))
            continue
        column = _cast(table.column(field.name), field, where)
        if field.required and column.null_count:
            raise InvalidError(f"column {field.name!r} of {where} has nulls, and may not")
        columns.append(column if field.default is None else _defaulted(column, field.default))
    known = {field.name for field in fields}
    columns += [table.column(name) for name in table.names if name not in known]
    return _core.Table(columns)
