"""Equality to the bit, saying where it first fails.

`difference(a, b)` walks two answers of a data source together (frames, indexes, scalars, lumibot's
Bars and Quote, containers of them) and returns None, or one sentence: the path to the first place
where they differ, and both values. Nothing is rounded and no tolerance exists:

- floats are equal when their 64 (or 32) bits are, so 0.0 is not -0.0, and two NaN of different
  payload or sign differ;
- types are part of the value: np.float64(1) is not 1.0 is not 1;
- an index is its dtype (unit included), its zone (object class and name), its name, its freq and
  its integers;
- a frame is its columns in order, each with its dtype, and its index.

lumibot's identity-only objects (Asset, Data) are compared by their own equality.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import struct
from typing import Any

import numpy as np
import pandas as pd


def difference(a: Any, b: Any, where: str = "") -> str | None:
    """None if equal to the bit; else where the first difference is and what it is."""
    if a is b:
        return None
    if type(a).__name__ != type(b).__name__:
        return f"{where or 'value'}: {_typed(a)} against {_typed(b)}"
    handler = _HANDLERS.get(type(a).__name__)
    if handler is not None:
        return handler(a, b, where)
    if isinstance(a, np.generic):
        return _scalar(a, b, where)
    if isinstance(a, dict):
        return _mapping(a, b, where)
    if isinstance(a, BaseException):
        return None
    return None if _plainly_equal(a, b) else f"{where or 'value'}: {a!r} against {b!r}"


def _typed(value: Any) -> str:
    text = repr(value)
    text = text if len(text) <= 200 else text[:200] + "..."
    return f"{type(value).__name__} {text}"


def _plainly_equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except Exception:
        return repr(a) == repr(b)


def _float(a: float, b: float, where: str) -> str | None:
    if struct.pack("<d", a) == struct.pack("<d", b):
        return None
    return f"{where or 'value'}: {a!r} ({a.hex()}) against {b!r} ({b.hex()})"


def _scalar(a: np.generic, b: np.generic, where: str) -> str | None:
    if a.dtype == b.dtype and a.tobytes() == b.tobytes():
        return None
    return f"{where or 'value'}: {a!r} against {b!r}"


def _moment(a: dt.datetime, b: dt.datetime, where: str) -> str | None:
    if a == b and repr(a) == repr(b):
        return None
    return f"{where or 'value'}: {a!r} against {b!r}"


def _mapping(a: dict, b: dict, where: str) -> str | None:
    if list(a) != list(b):
        return f"{where or 'value'}: keys {list(a)!r} against {list(b)!r}"
    for key in a:
        found = difference(a[key], b[key], f"{where}[{key!r}]")
        if found:
            return found
    return None


def _sequence(a: Any, b: Any, where: str) -> str | None:
    if len(a) != len(b):
        return f"{where or 'value'}: {len(a)} members against {len(b)}"
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        found = difference(x, y, f"{where}[{i}]")
        if found:
            return found
    return None


def _zone(index: pd.DatetimeIndex) -> str:
    zone = index.tz
    return f"{type(zone).__mro__[1].__module__}:{zone}"


def _index(a: pd.Index, b: pd.Index, where: str) -> str | None:
    where = where or "index"
    if a.name != b.name:
        return f"{where} name: {a.name!r} against {b.name!r}"
    if str(a.dtype) != str(b.dtype):
        return f"{where} dtype: {a.dtype} against {b.dtype}"
    if len(a) != len(b):
        return f"{where} length: {len(a)} against {len(b)}"
    if isinstance(a, pd.DatetimeIndex):
        if _zone(a) != _zone(b):
            return f"{where} zone: {_zone(a)} against {_zone(b)}"
        if a.freq != b.freq:
            return f"{where} freq: {a.freq!r} against {b.freq!r}"
        unequal = np.flatnonzero(a.asi8 != b.asi8)
        if len(unequal):
            row = int(unequal[0])
            return f"{where}[{row}] of {len(a)}: {a[row]} against {b[row]}"
        return None
    return _array(a.to_numpy(), b.to_numpy(), where)


def _array(a: np.ndarray, b: np.ndarray, where: str) -> str | None:
    if a.dtype != b.dtype:
        return f"{where} dtype: {a.dtype} against {b.dtype}"
    if a.shape != b.shape:
        return f"{where} shape: {a.shape} against {b.shape}"
    if a.dtype == object:
        return _sequence(list(a), list(b), where)
    if a.dtype.kind in "fcmM":
        bits = {4: np.uint32, 8: np.uint64}[a.dtype.itemsize]
        unequal = np.flatnonzero(
            np.ascontiguousarray(a).view(bits) != np.ascontiguousarray(b).view(bits)
        )
    else:
        unequal = np.flatnonzero(a != b)
    if not len(unequal):
        return None
    row = int(unequal[0])
    detail = f"{a[row]!r} against {b[row]!r}"
    if a.dtype.kind == "f":
        detail += f" ({float(a[row]).hex()} against {float(b[row]).hex()})"
    return f"{where}[{row}] of {len(a)}, {len(unequal)} unequal: {detail}"


def _series(a: pd.Series, b: pd.Series, where: str) -> str | None:
    if str(a.dtype) != str(b.dtype):
        return f"{where} dtype: {a.dtype} against {b.dtype}"
    if isinstance(a.dtype, np.dtype):
        return _array(a.to_numpy(copy=False), b.to_numpy(copy=False), where)
    if isinstance(a.dtype, pd.DatetimeTZDtype):
        return _index(pd.DatetimeIndex(a), pd.DatetimeIndex(b), where)
    return _sequence(a.tolist(), b.tolist(), where)


def _frame(a: pd.DataFrame, b: pd.DataFrame, where: str) -> str | None:
    where = where or "frame"
    if not isinstance(a, pd.DataFrame) or not isinstance(b, pd.DataFrame):
        if isinstance(a, pd.DataFrame) or isinstance(b, pd.DataFrame):
            return f"{where}: {type(a)} against {type(b)}"
        return _polars(a, b, where)
    if list(a.columns) != list(b.columns):
        return f"{where} columns: {list(a.columns)} against {list(b.columns)}"
    if len(a) != len(b):
        return f"{where} rows: {len(a)} ({_span(a)}) against {len(b)} ({_span(b)})"
    found = _index(a.index, b.index, f"{where} index")
    if found:
        return found
    for i, name in enumerate(a.columns):
        found = _series(a.iloc[:, i], b.iloc[:, i], f"{where}[{name!r}]")
        if found:
            return found
    return None


def _span(frame: pd.DataFrame) -> str:
    return f"{frame.index[0]} to {frame.index[-1]}" if len(frame) else "empty"


def _bars(a: Any, b: Any, where: str) -> str | None:
    where = where or "bars"
    for name in ("source", "symbol", "asset", "quote"):
        found = difference(getattr(a, name), getattr(b, name), f"{where}.{name}")
        if found:
            return found
    if len(a) != len(b):
        return f"{where} len(): {len(a)} against {len(b)}"
    if bool(a.empty) != bool(b.empty):
        return f"{where}.empty: {a.empty} against {b.empty}"
    found = difference(a.df, b.df, f"{where}.df")
    if found:
        return found
    if (a.df is a.pandas_df) != (b.df is b.pandas_df):
        return f"{where}: df is pandas_df: {a.df is a.pandas_df} against {b.df is b.pandas_df}"
    return None


def _attributes(a: Any, b: Any, where: str) -> str | None:
    return _mapping(dict(sorted(vars(a).items())), dict(sorted(vars(b).items())), where)


def _polars(a: Any, b: Any, where: str) -> str | None:
    if a.schema != b.schema:
        return f"{where} schema: {a.schema} against {b.schema}"
    if a.height != b.height:
        return f"{where} rows: {a.height} against {b.height}"
    for x, y in zip(a.get_columns(), b.get_columns(), strict=True):
        found = _array(x.is_null().to_numpy(), y.is_null().to_numpy(), f"{where} nulls of {x.name}")
        if found:
            return found
        name = f"{where}[{x.name!r}]"
        x, y = (series.drop_nulls().to_physical().to_numpy() for series in (x, y))
        found = _array(x, y, name)
        if found:
            return found
    return None


_HANDLERS = {
    "float": _float,
    "datetime": _moment,
    "Timestamp": _moment,
    "list": _sequence,
    "tuple": _sequence,
    "ndarray": _array,
    "DatetimeIndex": _index,
    "Index": _index,
    "RangeIndex": _index,
    "Series": lambda a, b, where: _index(a.index, b.index, where) or _series(a, b, where),
    "DataFrame": _frame,
    "Bars": _bars,
    "Bar": _attributes,
    "Quote": _attributes,
    "Transaction": _sequence,
}


def plain(value: Any) -> Any:
    """Enums as their values and Decimals as they are: what a record of orders may hold."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, decimal.Decimal):
        return value
    return value
