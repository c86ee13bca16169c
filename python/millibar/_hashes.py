"""What a run did, as sixty-four digits: equal exactly where every row and every bit is.

The bytes that are hashed (SHA-256) are the same on every machine. A table is its name, how many
rows it has, and its columns in the order of the schema, each a name and its values little endian:

    float   eight bytes, the number's own bits; every NaN and every null is 0x7ff8000000000000
    int     eight bytes, two's complement; bool likewise, as 0 or 1; null is -2**63
    time    eight bytes, nanoseconds since 1970 UTC; null is -2**63
    id      eight bytes, the place of the order among the run's orders, from 0; null is -2**63
    text    the length of its UTF-8 in eight bytes (null: -1) for each row, then all their bytes

Identifiers are normalised so that two runs that name their orders otherwise are the same run.
Columns beyond the schema have no part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from millibar import _core
from millibar._arrays import null_mask, raw_values
from millibar._schema import EQUITY, FILLS, ORDERS, TRADES, Field, times_ns

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["columns_hash", "result_hashes", "table_hash"]

_NAN_BITS = 0x7FF8_0000_0000_0000
_NULL = -(2**63)


def _filled(column: _core.Column, values: npt.NDArray[Any], null: Any) -> npt.NDArray[Any]:
    import numpy as np

    if not column.null_count:
        return values
    return np.where(null_mask(column), null, values)


def _float_bytes(column: _core.Column) -> bytes:
    import numpy as np

    values = raw_values(column)
    bits = values.view(np.int64)
    missing = np.isnan(values)
    if column.null_count:
        missing = missing | null_mask(column)
    if missing.any():
        bits = np.where(missing, np.int64(_NAN_BITS), bits)
    return bits.astype("<i8", copy=False).tobytes()


def _text_bytes(texts: list[str | None]) -> bytes:
    import numpy as np

    encoded = [None if text is None else text.encode() for text in texts]
    lengths = [-1 if text is None else len(text) for text in encoded]
    return np.array(lengths, "<i8").tobytes() + b"".join(filter(None, encoded))


def _id_bytes(column: _core.Column, places: Mapping[Any, int]) -> bytes:
    import numpy as np

    # An order that is not among the orders is still one: numbered after them, as first met.
    found = dict(places)
    rows = [
        _NULL if value is None else found.setdefault(value, len(found))
        for value in column.to_list()
    ]
    return np.array(rows, "<i8").tobytes()


def _column_bytes(column: _core.Column, field: Field, places: Mapping[Any, int]) -> bytes:
    if field.kind == "text":
        return _text_bytes(column.to_list())
    if field.kind == "id":
        return _id_bytes(column, places)
    if field.kind == "float":
        return _float_bytes(column)
    values = times_ns(column.cast("int64") if field.kind == "bool" else column)
    return _filled(column, values, _NULL).astype("<i8", copy=False).tobytes()


def table_hash(
    name: str, table: _core.Table, fields: tuple[Field, ...], places: Mapping[Any, int]
) -> str:
    """SHA-256 of a conformed table, as hexadecimal text; places: of orders by their identifiers."""
    digest = hashlib.sha256(f"{name}\0{len(table)}\0".encode())
    for field in fields:
        digest.update(f"{field.name}\0{field.kind}\0".encode())
        digest.update(_column_bytes(table.column(field.name), field, places))
    return digest.hexdigest()


def _parents_none(orders: _core.Table) -> _core.Table:
    """0, the engine's word for no parent, becomes null."""
    import numpy as np

    parent = orders.column("parent")
    if parent.type != "int64":
        return orders
    values = raw_values(parent)
    mask = null_mask(parent) | (values == 0)
    if not mask.any():
        return orders
    column = _core.column_from_buffer(
        "parent", values.copy(), "int64", validity=(~mask).astype(np.uint8)
    )
    names = orders.names
    return _core.Table([column if name == "parent" else orders.column(name) for name in names])


def result_hashes(
    equity: _core.Table, fills: _core.Table, orders: _core.Table, trades: _core.Table
) -> dict[str, str]:
    """The hash of each table of a run, and of the four together ("all")."""
    places = {value: place for place, value in enumerate(orders.column("id").to_list())}
    hashes = {
        "equity": table_hash("equity", equity, EQUITY, places),
        "fills": table_hash("fills", fills, FILLS, places),
        "orders": table_hash("orders", _parents_none(orders), ORDERS, places),
        "trades": table_hash("trades", trades, TRADES, places),
    }
    hashes["all"] = hashlib.sha256("".join(hashes.values()).encode()).hexdigest()
    return hashes


def columns_hash(table: _core.Table) -> str:
    """SHA-256 of any table: names, types and values, as above (ids aside)."""
    digest = hashlib.sha256(f"{len(table)}\0".encode())
    for name in table.names:
        column = table.column(name)
        digest.update(f"{name}\0{column.type}\0{column.unit}\0{column.zone}\0".encode())
        if column.type in ("utf8", "dictionary"):
            digest.update(_text_bytes(column.to_list()))
        elif column.type in ("float32", "float64"):
            digest.update(_float_bytes(column.cast("float64")))
        else:
            values = raw_values(column.cast("int64") if column.type == "bool" else column)
            data = _filled(column, values.astype("<i8", copy=False), _NULL)
            digest.update(data.tobytes())
    return digest.hexdigest()
