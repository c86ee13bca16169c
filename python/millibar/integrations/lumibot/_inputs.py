"""The sources `data=` takes (files, Bars, DataFrames, Arrow objects), made lumibot's Data."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
from lumibot.entities import Asset, Data

from millibar import _core
from millibar._arrays import raw_values

from ._data import QUOTE_COLUMNS, Rows, from_rows
from ._feed import BAR_COLUMNS, NEW_YORK, PRICE_COLUMNS

USD = Asset("USD", Asset.AssetType.FOREX)
_MINUTE_NS = 60_000_000_000
_HOUR_NS = 60 * _MINUTE_NS
_DAY_NS = 24 * _HOUR_NS
_LOWERED = (*PRICE_COLUMNS, "volume")
_KEPT = (*BAR_COLUMNS, *QUOTE_COLUMNS)


def make_data(
    key: Any, source: Any, timestep: str | None, timezone: str | None, label: _core.Label
) -> Any:
    """A lumibot Data of one entry of `data=`; see PandasDataBacktesting for what is taken.

    ValueError where the source has no times, lacks a price column or repeats a time;
    FileNotFoundError where a path leads nowhere; TypeError for another kind of key or source.
    """
    asset, quote = _pair(key)
    if isinstance(source, pd.DataFrame):
        return _from_pandas(asset, quote, source, timestep, timezone, label)
    table = _table(source)
    try:
        series = _series(table, timezone, label)
    except (ValueError, KeyError) as error:
        raise ValueError(f"data of {asset}: {error.args[0]}") from error
    rows = _rows(asset, series, timestep or _spacing_step(series.period_ns))
    if isinstance(rows, Rows):
        return from_rows(asset, rows, quote=quote, timestep=rows.series.step)
    return Data(asset, rows, quote=quote, timestep=timestep or _spacing_step(series.period_ns))


def _pair(key: Any) -> tuple[Asset, Asset]:
    if isinstance(key, str):
        key = Asset(key)
    if isinstance(key, Asset):
        return key, USD
    if isinstance(key, tuple) and len(key) == 2 and all(isinstance(part, Asset) for part in key):
        return key
    raise TypeError(
        f"a key of data= must be an Asset, a pair of Assets or a symbol, not {type(key).__name__}"
    )


def _spacing_step(period_ns: int) -> str:
    if period_ns >= _DAY_NS:
        return "day"
    return "hour" if period_ns >= _HOUR_NS else "minute"


def _from_pandas(
    asset: Asset,
    quote: Asset,
    frame: pd.DataFrame,
    timestep: str | None,
    timezone: str | None,
    label: _core.Label,
) -> Any:
    """lumibot's own Data, over a copy: lumibot renames columns and index of what it is given."""
    frame = frame.copy(deep=False)
    if isinstance(frame.index, pd.DatetimeIndex):
        index: Any = frame.index.copy()
        frame.index = index
        stamps = index.as_unit("ns").asi8
        spacing: np.ndarray = np.diff(np.sort(stamps))
        period_ns = _most_common(spacing[spacing > 0])
        timestep = timestep or _spacing_step(period_ns)
        if label == "close":
            frame.index = index - pd.Timedelta(period_ns, "ns")
    elif label == "close":
        raise ValueError(f"data of {asset}: label='close' needs a DataFrame with a DatetimeIndex")
    return Data(asset, frame, quote=quote, timestep=timestep or "minute", timezone=timezone)


def _most_common(values: np.ndarray) -> int:
    if not len(values):
        return _MINUTE_NS
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


def _series(table: _core.Table, timezone: str | None, label: _core.Label) -> _core.Series:
    return _core.Series(table, label=label, sort=True, assume_zone=timezone or NEW_YORK)


def _rows(asset: Asset, series: _core.Series, step: str) -> Rows | pd.DataFrame:
    """The bar columns of a series; as a DataFrame where lumibot would cut rows off (23:59:30)."""
    table = series.table
    names = [name for name in table.names if _bar_name(name) in _KEPT]
    columns = {_bar_name(name): _values(table.column(name)) for name in names}
    missing = [name for name in _LOWERED if name not in columns]
    if missing or len(columns) != len(names):
        problem = f"has no column {missing[0]!r}" if missing else "names a column twice"
        raise ValueError(f"data of {asset} {problem}; its columns are {', '.join(table.names)}")
    unit = table.column(series.time_column).unit or "ns"
    rows = Rows(raw_values(series.times), columns, step, unit)
    whole_minutes = not (raw_values(series.times) % _MINUTE_NS).any()
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
