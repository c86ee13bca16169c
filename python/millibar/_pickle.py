"""Tables as picklable parts: each column's name, type and bytes.

With pickle protocol 5 and a buffer callback the bytes travel out of band, without a copy.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from millibar import _core
from millibar._arrays import raw_values

if TYPE_CHECKING:
    from millibar.bars import Bars, SeriesOptions
    from millibar.frame import Frame


def _pack_column(column: _core.Column, protocol: int) -> dict[str, Any]:
    part: dict[str, Any] = {"name": column.name, "type": column.type}
    if column.type == "utf8":
        return {**part, "values": column.to_list()}
    part["validity"] = column.validity()
    if column.type == "bool":
        return {**part, "values": bytes(map(bool, column.to_list()))}
    values = raw_values(column)
    part["values"] = pickle.PickleBuffer(memoryview(column)) if protocol >= 5 else values.tobytes()
    if column.type == "timestamp":
        part["unit"], part["zone"] = column.unit, column.zone
    dictionary = column.dictionary()
    if dictionary is not None:
        part["dictionary"] = dictionary.to_list()
    return part


def pack(table: _core.Table, protocol: int) -> list[dict[str, Any]]:
    return [_pack_column(table.column(name), protocol) for name in table.names]


def _unpack_column(part: dict[str, Any]) -> _core.Column:
    name, values = part["name"], part["values"]
    if part["type"] == "utf8":
        return _core.column_from_text(name, values)
    texts = part.get("dictionary")
    return _core.column_from_buffer(
        name,
        values,
        part["type"],
        unit=part.get("unit", "ns"),
        zone=part.get("zone"),
        validity=part["validity"],
        dictionary=None if texts is None else _core.column_from_text("dictionary", texts),
    )


def _unpack(parts: list[dict[str, Any]]) -> _core.Table:
    return _core.Table([_unpack_column(part) for part in parts])


def unpack_bars(parts: list[dict[str, Any]], options: SeriesOptions) -> Bars:
    from millibar.bars import Bars

    return Bars.plain(_unpack(parts), options)


def unpack_frame(parts: list[dict[str, Any]], title: str, time: str | None) -> Frame:
    from millibar.frame import Frame

    return Frame(_unpack(parts), title=title, time=time)
