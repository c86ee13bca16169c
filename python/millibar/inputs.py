"""The sources a backtest takes: files, Bars, Arrow objects and DataFrames, made rows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from millibar import _core
from millibar._arrays import raw_values
from millibar.feed import BAR_COLUMNS, NEW_YORK, PRICE_COLUMNS
from millibar.store import QUOTE_COLUMNS, Rows

if TYPE_CHECKING:
    import pandas as pd

MINUTE_NS = 60_000_000_000
_HOUR_NS = 60 * MINUTE_NS
_DAY_NS = 24 * _HOUR_NS
_LOWERED = (*PRICE_COLUMNS, "volume")
_KEPT = (*BAR_COLUMNS, *QUOTE_COLUMNS)


def is_frame(source: Any) -> bool:
    """Whether a source is a pandas DataFrame; imports no pandas to tell."""
    return type(source).__module__.partition(".")[0] == "pandas" and hasattr(source, "iloc")


def spacing_step(period_ns: int) -> str:
    """The step of bars that far apart."""
    if period_ns >= _DAY_NS:
        return "day"
    return "hour" if period_ns >= _HOUR_NS else "minute"


def read_rows(
    name: Any, source: Any, timestep: str | None, timezone: str | None, label: _core.Label
) -> tuple[Rows | pd.DataFrame, str]:
    """(rows, timestep) of a source that is no DataFrame.

    name: for messages. timestep: None takes it from the spacing. timezone: of times without one;
    None is New York. The rows are a DataFrame where lumibot would cut some off (23:59:30).

    ValueError where the source has no times, lacks a price column or repeats a time;
    FileNotFoundError where a path leads nowhere; TypeError for another kind of source.
    """
    table = _table(source)
    try:
        series = _core.Series(table, label=label, sort=True, assume_zone=timezone or NEW_YORK)
    except (ValueError, KeyError) as error:
        raise ValueError(f"data of {name}: {error.args[0]}") from error
    step = timestep or spacing_step(series.period_ns)
    return _rows(name, series, step), step


def opened_frame(
    name: Any, frame: pd.DataFrame, timestep: str | None, label: _core.Label
) -> tuple[pd.DataFrame, str]:
    """(frame, timestep) of a DataFrame: a shallow copy with an index of its own, labelled by open.

    ValueError where label is "close" and there is no DatetimeIndex.
    """
    import pandas as pd

    frame = frame.copy(deep=False)
    if isinstance(frame.index, pd.DatetimeIndex):
        index: Any = frame.index.copy()
        frame.index = index
        spacing: np.ndarray = np.diff(np.sort(index.as_unit("ns").asi8))
        period_ns = _most_common(spacing[spacing > 0])
        timestep = timestep or spacing_step(period_ns)
        if label == "close":
            frame.index = index - pd.Timedelta(period_ns, "ns")
    elif label == "close":
        raise ValueError(f"data of {name}: label='close' needs a DataFrame with a DatetimeIndex")
    return frame, timestep or "minute"


def _most_common(values: np.ndarray) -> int:
    if not len(values):
        return MINUTE_NS
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()])


def _table(source: Any) -> _core.Table:
    """The source as a C table, of the columns a backtest can use where reading them costs."""
    if isinstance(source, (str, os.PathLike)):
        scan = _core.Scan().add_path(os.fspath(source))
        schema = scan.schema()
        return scan.select(
            [name for name in schema.names if _wanted(schema.column(name))]
        ).collect()
    if hasattr(source, "collect") and not hasattr(source, "__arrow_c_stream__"):
        source = source.collect()
    if isinstance(source, _core.Table):
        return source
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return _core.table_from_arrow(source)
    raise TypeError(
        f"a source of data= must be a path, a DataFrame, millibar Bars or an object with "
        f"__arrow_c_stream__, not {type(source).__name__}"
    )


def _bar_name(name: str) -> str:
    return name.lower() if name.lower() in _LOWERED else name


def _wanted(column: _core.Column) -> bool:
    return column.type == "timestamp" or _bar_name(column.name) in _KEPT


def _rows(name: Any, series: _core.Series, step: str) -> Rows | pd.DataFrame:
    """The bar columns of a series; as a DataFrame where lumibot would cut rows off (23:59:30)."""
    table = series.table
    names = [column for column in table.names if _bar_name(column) in _KEPT]
    columns = {_bar_name(column): _values(table.column(column)) for column in names}
    missing = [column for column in _LOWERED if column not in columns]
    if missing or len(columns) != len(names):
        problem = f"has no column {missing[0]!r}" if missing else "names a column twice"
        raise ValueError(f"data of {name} {problem}; its columns are {', '.join(table.names)}")
    unit = table.column(series.time_column).unit or "ns"
    rows = Rows(raw_values(series.times), columns, step, unit)
    whole_minutes = not (raw_values(series.times) % MINUTE_NS).any()
    return rows if whole_minutes or step == "day" else rows.frame()


def _values(column: _core.Column) -> np.ndarray:
    """A column as float64, float32 or an integer type; nulls become NaN."""
    validity = column.validity()
    if column.type in ("float64", "float32", "int64", "int32", "uint64") and validity is None:
        return raw_values(column)
    values: np.ndarray = raw_values(column.cast("float64")).copy()
    if validity is not None:
        values[np.frombuffer(validity, dtype=np.uint8) == 0] = np.nan
    return values
