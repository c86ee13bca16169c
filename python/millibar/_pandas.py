"""pandas frames to tables and back, through numpy alone: pyarrow is not needed.

pandas is imported here only inside functions, by those who hand a frame in or ask for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from millibar import _core
from millibar._arrays import from_numpy, null_mask, raw_values, to_numpy
from millibar._times import zone_name
from millibar.errors import InvalidError, UnsupportedError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

# ---- To pandas ---------------------------------------------------------------------------------


def datetime_index(column: _core.Column, tz: str | None) -> pd.DatetimeIndex:
    """A timestamp column as an index: its unit and zone, or tz in place of the zone."""
    import pandas as pd

    index: pd.DatetimeIndex = pd.DatetimeIndex(to_numpy(column), name=column.name, copy=True)
    if column.zone is not None:
        index = index.tz_localize("UTC").tz_convert(tz or column.zone)
    elif tz is not None:
        raise InvalidError(
            f"column {column.name!r} has no zone to convert from: give tz= when reading it"
        )
    return index


def to_series(column: _core.Column) -> Any:
    """A column as what a DataFrame takes: an array, a Categorical or a DatetimeIndex."""
    import pandas as pd

    if column.type == "timestamp" and column.zone is not None:
        return datetime_index(column, None)
    if column.type == "dictionary":
        dictionary = column.dictionary()
        categories = [] if dictionary is None else dictionary.to_list()
        codes = raw_values(column)
        if column.null_count > 0:
            codes = codes.copy()
            codes[null_mask(column)] = -1
        return pd.Categorical.from_codes(cast(Any, codes), cast(Any, categories))
    return to_numpy(column)


def to_frame(table: _core.Table, time: str | None, tz: str | None) -> pd.DataFrame:
    """A table as a new DataFrame, indexed by the time column where there is one."""
    import pandas as pd

    index = None if time is None else datetime_index(table.column(time), tz)
    data = {name: to_series(table.column(name)) for name in table.names if name != time}
    if index is None:
        index = pd.RangeIndex(len(table))
    frame: pd.DataFrame = pd.DataFrame(data, index=index, copy=True)
    return frame


# ---- From pandas -------------------------------------------------------------------------------


def from_frame(frame: pd.DataFrame, *, copy: bool = True) -> _core.Table:
    """A DataFrame as a table: the index first, unless it only counts the rows."""
    import pandas as pd

    if isinstance(frame.columns, pd.MultiIndex) or isinstance(frame.index, pd.MultiIndex):
        raise InvalidError(
            "the frame has a MultiIndex: flatten the columns (frame.columns = [...]) and "
            "reset_index() before handing it in"
        )
    columns = []
    if not isinstance(frame.index, pd.RangeIndex):
        is_time = isinstance(frame.index, pd.DatetimeIndex)
        name = frame.index.name
        label = ("timestamp" if is_time else "index") if name is None else str(name)
        columns.append(from_series(label, frame.index.to_series(), copy=copy))
    columns += [
        from_series(str(name), frame.iloc[:, i], copy=copy) for i, name in enumerate(frame.columns)
    ]
    return _core.Table(columns)


def _text_column(name: str, series: pd.Series[Any]) -> _core.Column:
    missing = series.isna().to_numpy()
    values: list[Any] = series.to_list()
    for row, value in enumerate(values):
        if missing[row]:
            values[row] = None
        elif not isinstance(value, str):
            raise UnsupportedError(
                f"column {name!r} holds {type(value).__name__} at row {row}: text, numbers, bool "
                "and times are what a column can hold"
            )
    return _core.column_from_text(name, values)


def _object_column(name: str, series: pd.Series[Any]) -> _core.Column:
    """Objects: bool with missing values, or text."""
    import pandas as pd

    if pd.api.types.infer_dtype(series, skipna=True) == "boolean":
        mask = series.isna().to_numpy()
        filled = series.where(~mask, False).to_numpy(dtype=bool)
        return from_numpy(name, filled, mask=mask)
    return _text_column(name, series)


def _categorical_column(name: str, series: pd.Series[Any]) -> _core.Column:
    import numpy as np

    categories = series.cat.categories.to_list()
    if not all(isinstance(category, str) for category in categories):
        return from_series(name, series.astype(series.cat.categories.dtype))
    codes = series.cat.codes.to_numpy().astype(np.int32)
    missing = codes < 0
    codes[missing] = 0
    return _core.column_from_buffer(
        name,
        codes,
        "dictionary",
        validity=(~missing).astype(np.uint8) if missing.any() else None,
        dictionary=_core.column_from_text(name, categories),
    )


def _masked_column(name: str, series: pd.Series[Any]) -> _core.Column:
    """pandas' nullable Int64, Float64, boolean and the like."""

    dtype = cast(Any, series.dtype).numpy_dtype
    mask = series.isna().to_numpy()
    filled: npt.NDArray[np.generic] = series.array.to_numpy(dtype=dtype, na_value=dtype.type(0))
    return from_numpy(name, filled, mask=mask)


def _arrow_column(name: str, series: pd.Series[Any]) -> _core.Column:
    """An Arrow-backed column; pyarrow is there, or the frame could not be."""
    import pyarrow as pa

    array = cast(Any, series.array).__arrow_array__()
    return _core.table_from_arrow(pa.table({name: array})).column(0)


def from_series(name: str, series: pd.Series[Any], *, copy: bool = True) -> _core.Column:
    """One column of a frame.

    Raises:
        UnsupportedError: a dtype that millibar has no type for, naming the column.
    """
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        stamps = pd.DatetimeIndex(series).tz_convert("UTC").tz_localize(None).to_numpy()
        return from_numpy(name, stamps, zone=zone_name(dtype.tz), copy=copy)
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical_column(name, series)
    if isinstance(dtype, pd.ArrowDtype):
        return _arrow_column(name, series)
    if isinstance(dtype, pd.StringDtype):
        return _text_column(name, series)
    if pd.api.types.is_object_dtype(dtype):
        return _object_column(name, series)
    if hasattr(dtype, "numpy_dtype"):
        return _masked_column(name, series)
    if pd.api.types.is_extension_array_dtype(dtype):
        raise UnsupportedError(f"column {name!r} is of dtype {dtype}: convert it, or leave it out")
    return from_numpy(name, series.to_numpy(), copy=copy)
