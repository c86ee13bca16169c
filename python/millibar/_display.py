"""Bars as text and as HTML: the first and last rows, and what there is in all."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from millibar import _core
from millibar._arrays import to_numpy
from millibar._times import UNIT_NS, zone

_EDGE_ROWS = 5
_MOST_COLUMNS = 12
_MOST_TEXT = 32


def type_text(column: _core.Column) -> str:
    """A column's type in words, such as "timestamp[ns, UTC]" or "float64"."""
    if column.type != "timestamp":
        return column.type
    return f"timestamp[{column.unit}{', ' + column.zone if column.zone else ''}]"


def _clock(column: _core.Column) -> Callable[[Any], str]:
    """How a stamp of the column reads on the wall of its zone."""
    import numpy as np

    name = column.zone
    unit_ns = UNIT_NS[column.unit or "ns"]
    rules = None if name is None or name == "UTC" else zone(name)

    def read(stamp: Any) -> str:
        if np.isnat(stamp):
            return "null"
        ns = int(stamp.astype(np.int64)) * unit_ns
        if rules is not None and -(2**63) <= ns < 2**63:
            stamp = np.datetime64(rules.to_local(ns), "ns")
        text = str(stamp).replace("T", " ")
        while "." in text and text.endswith("000"):
            text = text[:-3].rstrip(".")
        return text.removesuffix(":00")

    return read


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    text = f"{value:g}" if isinstance(value, float) and abs(value) >= 1e15 else str(value)
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"


def _cells(column: _core.Column, rows: list[int]) -> list[str]:
    if not rows:
        return []
    first, last = rows[0], rows[-1] + 1
    if column.type == "timestamp":
        read = _clock(column)
        stamps = to_numpy(column)
        return [read(stamps[row]) for row in rows]
    if last - first == len(rows):
        return [_plain(value) for value in column.slice(first, len(rows)).to_list()]
    return [_plain(column[row]) for row in rows]


def _parts(table: _core.Table) -> tuple[list[str], list[str], list[list[str]], int | None]:
    """(names, types, cells by column, how many rows stand above the gap)."""
    n = len(table)
    if n <= 2 * _EDGE_ROWS:
        rows, gap = list(range(n)), None
    else:
        rows, gap = [*range(_EDGE_ROWS), *range(n - _EDGE_ROWS, n)], _EDGE_ROWS
    columns = [table.column(name) for name in table.names[:_MOST_COLUMNS]]
    return (
        [column.name for column in columns],
        [type_text(column) for column in columns],
        [_cells(column, rows) for column in columns],
        gap,
    )


def _more(table: _core.Table) -> str:
    left = len(table.names) - _MOST_COLUMNS
    return f", {left} more columns" if left > 0 else ""


def table_text(table: _core.Table, title: str) -> str:
    """The table for a terminal."""
    names, types, cells, gap = _parts(table)
    lines = [f"{title}: {len(table):,} rows x {len(table.names)} columns{_more(table)}"]
    if not names:
        return lines[0]
    by_column = [[name, kind, *body] for name, kind, body in zip(names, types, cells, strict=True)]
    widths = [max(map(len, column)) for column in by_column]
    for i in range(len(by_column[0])):
        if gap is not None and i == gap + 2:
            lines.append("  ".join("…".rjust(width) for width in widths))
        row = zip(by_column, widths, strict=True)
        lines.append("  ".join(column[i].rjust(width) for column, width in row))
    return "\n".join(lines)


def table_html(table: _core.Table, title: str) -> str:
    """The table for a notebook."""
    names, types, cells, gap = _parts(table)
    head = "".join(
        f"<th>{escape(name)}<br><small>{escape(kind)}</small></th>"
        for name, kind in zip(names, types, strict=True)
    )
    body = []
    for i in range(len(cells[0]) if cells else 0):
        if i == gap:
            body.append("<tr>" + "<td>…</td>" * len(names) + "</tr>")
        body.append("<tr>" + "".join(f"<td>{escape(column[i])}</td>" for column in cells) + "</tr>")
    caption = f"{escape(title)}: {len(table):,} rows x {len(table.names)} columns{_more(table)}"
    return (
        f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table>"
    )
