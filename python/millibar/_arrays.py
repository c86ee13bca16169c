"""Columns to numpy arrays and back.

A fixed-width column without nulls is its array: shared, read-only, no copy. Everything else needs
a new array: bool (bit-packed in the column), text, dictionaries, and columns with nulls, which
numpy has no place for: they become NaN, NaT or None as in pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from millibar import _core
from millibar.errors import InvalidError, UnsupportedError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_DTYPES: dict[str, str] = {
    "int32": "int32",
    "int64": "int64",
    "uint64": "uint64",
    "float32": "float32",
    "float64": "float64",
    "timestamp": "int64",
    "dictionary": "int32",
}
_FLAT = frozenset(_DTYPES) - {"dictionary"}
_EXACT_IN_FLOAT64 = 2**53


def raw_values(column: _core.Column) -> npt.NDArray[Any]:
    """The column's own memory as a read-only array: timestamps and dictionary codes as integers,
    unspecified values under nulls. Not for bool and text."""
    import numpy as np

    return np.frombuffer(cast(Any, column), _DTYPES[column.type])


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.flags.writeable = False
    return array


def null_mask(column: _core.Column) -> npt.NDArray[np.bool_]:
    """True where the row is null, shape (rows,)."""
    import numpy as np

    validity = column.validity()
    if validity is None:
        return np.zeros(len(column), np.bool_)
    mask: npt.NDArray[np.bool_] = np.frombuffer(validity, np.uint8) == 0
    return mask


def to_numpy(column: _core.Column) -> npt.NDArray[Any]:
    """A column as a read-only array of shape (rows,).

    Without a copy for numbers and timestamps that have no nulls. Timestamps are datetime64 of the
    column's unit, UTC where it has a zone. Nulls are NaN in numbers (integers become float64, and
    must be exact there), NaT in timestamps, None in bool and text. Text is an object array of str.

    Raises:
        InvalidError: an integer column with nulls and a value beyond 2**53.
    """
    kind = column.type
    if kind in _FLAT:
        values = raw_values(column)
        if kind == "timestamp":
            values = values.view(f"datetime64[{column.unit}]")
        if column.null_count == 0:
            return values
        return _frozen(_with_missing(column, values))
    if kind == "bool":
        return _frozen(_bool_values(column))
    import numpy as np

    texts = np.empty(len(column), dtype=object)
    texts[:] = column.to_list()
    return _frozen(texts)


def _bool_values(column: _core.Column) -> npt.NDArray[Any]:
    import numpy as np

    values: npt.NDArray[Any] = raw_values(column.cast("int32")).astype(np.bool_)
    if column.null_count == 0:
        return values
    missing: npt.NDArray[Any] = values.astype(object)
    missing[null_mask(column)] = None
    return missing


def _with_missing(column: _core.Column, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    import numpy as np

    mask = null_mask(column)
    filled: npt.NDArray[Any]
    if values.dtype.kind == "M":
        filled = values.copy()
        filled[mask] = np.array("NaT", values.dtype)
        return filled
    if values.dtype.kind == "f":
        filled = values.copy()
    else:
        valid = values[~mask]
        if len(valid) and max(-int(valid.min()), int(valid.max())) > _EXACT_IN_FLOAT64:
            raise InvalidError(
                f"column {column.name!r} has nulls and integers beyond 2**53, which float64 does "
                "not hold exactly: use to_arrow() or Column.to_list()"
            )
        filled = values.astype(np.float64)
    filled[mask] = np.nan
    return filled


# ---- numpy to columns --------------------------------------------------------------------------

_FROM_DTYPE: dict[str, tuple[_core.Type, str]] = {
    "bool": ("bool", "bool"),
    "int8": ("int32", "int32"),
    "int16": ("int32", "int32"),
    "int32": ("int32", "int32"),
    "int64": ("int64", "int64"),
    "uint8": ("int32", "int32"),
    "uint16": ("int32", "int32"),
    "uint32": ("int64", "int64"),
    "uint64": ("uint64", "uint64"),
    "float16": ("float32", "float32"),
    "float32": ("float32", "float32"),
    "float64": ("float64", "float64"),
}


def from_numpy(
    name: str,
    values: npt.NDArray[Any],
    *,
    zone: str | None = None,
    mask: npt.NDArray[np.bool_] | None = None,
    copy: bool = True,
) -> _core.Column:
    """A column of a one-dimensional array of numbers, bool, datetime64 or text.

    Small integers are widened to int32 (uint32 to int64), float16 to float32. NaT is null. `mask`
    is True where the row is null. With copy=False the column shares the array's memory where it
    can, and the caller promises not to write to it any more.

    Raises:
        UnsupportedError: any other dtype.
        InvalidError: not one-dimensional.
    """
    import numpy as np

    if values.ndim != 1:
        raise InvalidError(f"column {name!r} has {values.ndim} dimensions: 1 is what fits")
    if values.dtype.kind == "M":
        return _from_datetimes(name, values, zone, mask, copy)
    if values.dtype.kind == "U":
        return _core.column_from_text(name, values.tolist())
    native = values.dtype.newbyteorder("=")
    if native.name not in _FROM_DTYPE:
        raise UnsupportedError(
            f"column {name!r} is of dtype {values.dtype}, which millibar has no type for: convert "
            "it, or leave it out"
        )
    type_, dtype = _FROM_DTYPE[native.name]
    data = (np.array if copy else np.asarray)(values, dtype=dtype, order="C")
    return _core.column_from_buffer(name, data, type_, validity=_validity(mask))


def _validity(mask: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.uint8] | None:
    import numpy as np

    return None if mask is None or not mask.any() else (~mask).astype(np.uint8)


def _from_datetimes(
    name: str,
    values: npt.NDArray[Any],
    zone: str | None,
    mask: npt.NDArray[np.bool_] | None,
    copy: bool,
) -> _core.Column:
    import numpy as np

    unit, count = np.datetime_data(values.dtype)
    if unit in ("D", "h", "m") and count == 1:
        values, unit = values.astype("datetime64[s]"), "s"
    if unit not in ("s", "ms", "us", "ns") or count != 1:
        raise UnsupportedError(
            f"column {name!r} is of dtype {values.dtype}: use datetime64 of s, ms, us or ns"
        )
    missing = np.isnat(values)
    if mask is not None:
        missing = missing | mask
    data = (np.array if copy else np.asarray)(values, dtype=f"datetime64[{unit}]", order="C")
    return _core.column_from_buffer(
        name,
        data.view(np.int64),
        "timestamp",
        unit=unit,  # type: ignore[arg-type]
        zone=zone,
        validity=_validity(missing),
    )


def from_values(name: str, values: Any) -> _core.Column:
    """A column of anything that is one to numpy, or of str and None; the values are copied."""
    import numpy as np

    array = np.asarray(values)
    if array.dtype.kind == "O" and array.ndim == 1:
        return _core.column_from_text(name, array.tolist())
    return from_numpy(name, array)
