"""Columns of arbitrary Python values: what strategies put into rows, as CSV cells and as columns.

The cells are those of pandas' `to_csv` for a DataFrame of the same rows, because that is what
lumibot writes: a column of integers in which a row is missing is one of floats, text and anything
else is `str()`, nothing at all is empty.
"""

from __future__ import annotations

import csv
import io
import json
import math
import numbers
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal

from millibar import _core
from millibar._times import zone_name

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "ABSENT",
    "cells",
    "csv_texts",
    "json_plain",
    "json_text",
    "merge",
    "time_cells",
    "typed_column",
]


class _Absent(Enum):
    """A type of one value, so that a checker can tell it from the rest."""

    ABSENT = 0

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> Literal[False]:
        return False


ABSENT: Final = _Absent.ABSENT
"""A row that does not have the column, in contrast to one where it is None."""


def merge(rows: Iterable[Mapping[str, Any] | None]) -> dict[str, list[Any]]:
    """Rows that need not have the same keys as columns, in the order the keys first come up."""
    columns: dict[str, list[Any]] = {}
    for place, row in enumerate(rows):
        for key, value in (row or {}).items():
            column = columns.get(key)
            if column is None:
                column = columns[key] = [ABSENT] * place
            column.append(value)
        for column in columns.values():
            if len(column) <= place:
                column.append(ABSENT)
    return columns


_NOTHING = frozenset((type(None), _Absent))


def _is_missing(value: Any) -> bool:
    # NaN alone is not itself; an array is, for this.
    return value is None or value is ABSENT or (isinstance(value, float) and value != value)


def _is_bool(value: Any) -> bool:
    # numpy's is of no class of Python's.
    return type(value).__name__ in ("bool", "bool_")


def _type_kind(type_: type) -> str:
    if type_.__name__ in ("bool", "bool_"):
        return "bool"
    if issubclass(type_, numbers.Integral):
        return "int"
    if issubclass(type_, numbers.Real):
        return "float"
    return "text" if issubclass(type_, str) else "other"


def _kind(values: Sequence[Any]) -> Literal["int", "float", "bool", "text", "other", "none"]:
    """What pandas would take the column for. Types are few where values are many."""
    types = set(map(type, values))
    missing = bool(types & _NOTHING)
    kinds = {_type_kind(type_) for type_ in types - _NOTHING}
    if "float" in kinds and not kinds <= {"int", "float"}:
        floats = (value for value in values if isinstance(value, float))
        if all(map(math.isnan, floats)):
            missing = True
            kinds.remove("float")
    if not kinds:
        return "none"
    if kinds <= {"int", "float"}:
        return "int" if kinds == {"int"} and not missing else "float"
    if kinds == {"bool"}:
        return "bool"
    return "text" if kinds == {"text"} else "other"


def cells(values: Sequence[Any]) -> list[Any]:
    """Values as the csv module writes them; None is an empty cell."""
    kind = _kind(values)
    if kind == "int":
        return list(map(int, values))
    if kind == "float":
        return [None if _is_missing(value) else float(value) for value in values]
    if kind == "text":
        return [None if _is_missing(value) else value for value in values]
    return [None if _is_missing(value) else str(value) for value in values]


# What a cell is quoted for; the csv module decides where there is one of these.
_SPECIAL = re.compile('[,"\\r\\n]')


def _csv_text(value: Any) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow((value, ""))
    return buffer.getvalue()[: -len(",\n")]


def csv_texts(values: Sequence[Any]) -> list[str]:
    """Cells as they stand in the file, quoted where that is needed: what the csv module writes.

    >>> csv_texts([0.1, None, 3, "a", "b, c"])
    ['0.1', '', '3', 'a', '"b, c"']
    """
    types = set(map(type, values))
    if types == {float} or types == {int}:
        return list(map(repr, values))
    if types == {str} and not _SPECIAL.search("".join(values)):
        return list(values)
    texts = {value: _csv_text(value) for value in set(values) if type(value) is str}
    return [
        texts[value] if type(value) is str else _csv_text(value) if value is not None else ""
        for value in values
    ]


def json_plain(value: Any) -> Any:
    """A value as JSON can hold it: what it says of itself as a dict, else its text.

    Assets (anything with `to_minimal_dict`) become that dict, times ISO 8601 text, durations
    seconds, NaN and infinities None. An address in an object's text is left out: it differs from
    run to run.
    """
    if value is None or isinstance(value, str):
        return value
    if _is_bool(value):
        return bool(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, Mapping):
        return {str(key): json_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((json_plain(item) for item in value), key=str)
    for name in ("to_minimal_dict", "to_dict"):
        method = getattr(value, name, None)
        if callable(method) and not isinstance(value, type):
            return json_plain(method())
    if isinstance(value, Enum):
        return json_plain(value.value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date):
        return value.isoformat()
    return re.sub(r" at 0x[0-9A-Fa-f]+", "", str(value))


def json_text(value: Any) -> str:
    """One line of JSON, keys sorted."""
    return json.dumps(json_plain(value), separators=(",", ":"), sort_keys=True)


def typed_column(name: str, values: Sequence[Any]) -> _core.Column:
    """A column of the values' type; of mixed or other objects their JSON text. NaN is null."""
    import numpy as np

    kind = _kind(values)
    if kind == "int" and all(-(2**63) <= int(value) < 2**63 for value in values):
        data: Any = np.array(list(map(int, values)), np.int64)
        return _core.column_from_buffer(name, data, "int64")
    if kind == "float":
        data = [math.nan if _is_missing(value) else float(value) for value in values]
        return _core.column_from_buffer(name, np.array(data), "float64", validity=_validity(values))
    if kind == "bool":
        data = np.array([not _is_missing(value) and bool(value) for value in values], np.uint8)
        return _core.column_from_buffer(name, data, "bool", validity=_validity(values))
    return _core.column_from_text(
        name,
        [
            None if _is_missing(value) else value if isinstance(value, str) else json_text(value)
            for value in values
        ],
    )


def _validity(values: Sequence[Any]) -> np.ndarray[Any, Any] | None:
    import numpy as np

    if set(map(type, values)) in ({int}, {bool}, {str}):
        return None
    flags = [not _is_missing(value) for value in values]
    return None if all(flags) else np.array(flags, np.uint8)


# ---- Times -------------------------------------------------------------------------------------


def time_cells(ns: Any, zone: str | None) -> list[str]:
    """Instants as pandas writes them: with their offset where there is a zone; without one
    (UTC) the date alone where all are midnights.

        >>> time_cells([1704292200000000000], "America/New_York")
        ['2024-01-03 09:30:00-05:00']
        >>> time_cells([1704240000000000000], None)
        ['2024-01-03']
    """
    import numpy as np

    from millibar._times import zone as zone_rules

    instants = np.asarray(ns, np.int64)
    offsets = np.zeros(0, np.int64)
    local = instants
    if zone is not None:
        rules = zone_rules(zone_name(zone))
        offsets = np.array([rules.offset_s(at) for at in instants.tolist()], np.int64)
        local = instants + offsets * 1_000_000_000
    stamps = local.view("datetime64[ns]")
    if zone is None and not (instants % 86_400_000_000_000).any():
        return [str(text) for text in np.datetime_as_string(stamps.astype("datetime64[D]"))]
    texts = _clock_texts(stamps, same_digits=zone is None)
    if zone is None:
        return texts
    names = {offset: _offset_text(offset) for offset in set(offsets.tolist())}
    return [text + names[offset] for text, offset in zip(texts, offsets.tolist(), strict=True)]


def _clock_texts(stamps: Any, same_digits: bool) -> list[str]:
    """To the second, with as many digits after it (3 for all, 6 or 9) as are needed: for all rows
    alike, or for each row."""
    import numpy as np

    seconds = np.datetime_as_string(stamps.astype("datetime64[s]"))
    # Letters as numbers, to put a blank for the T between date and hours.
    letters = seconds.view(np.uint32).reshape(-1, seconds.dtype.itemsize // 4)
    letters[:, len("2024-01-03")] = ord(" ")
    texts: list[str] = seconds.tolist()
    rest = stamps.view(np.int64) % 1_000_000_000
    if not rest.any():
        return texts
    if same_digits:
        scale, digits = next(
            (scale, digits)
            for scale, digits in ((1_000_000, 3), (1_000, 6), (1, 9))
            if not (rest % scale).any()
        )
        return [f"{text}.{part // scale:0{digits}}" for text, part in zip(texts, rest, strict=True)]
    return [text + _fraction(part) for text, part in zip(texts, rest.tolist(), strict=True)]


def _fraction(ns: int) -> str:
    if not ns:
        return ""
    return f".{ns:09}" if ns % 1_000 else f".{ns // 1_000:06}"


def _offset_text(seconds: int) -> str:
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    return f"{sign}{hours:02}:{rest // 60:02}"
