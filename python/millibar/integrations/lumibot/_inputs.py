"""The sources `data=` takes (files, Bars, DataFrames, Arrow objects), made lumibot's Data."""

from __future__ import annotations

from typing import Any

from lumibot.entities import Asset, Data

from millibar import _core
from millibar.inputs import is_frame, opened_frame, read_rows
from millibar.store import Rows

from ._data import from_rows

USD = Asset("USD", Asset.AssetType.FOREX)


def make_data(
    key: Any, source: Any, timestep: str | None, timezone: str | None, label: _core.Label
) -> Any:
    """A lumibot Data of one entry of `data=`; see PandasDataBacktesting for what is taken.

    ValueError where the source has no times, lacks a price column or repeats a time;
    FileNotFoundError where a path leads nowhere; TypeError for another kind of key or source.
    """
    asset, quote = _pair(key)
    if is_frame(source):
        # lumibot's own Data, over a copy: lumibot renames columns and index of what it is given.
        frame, step = opened_frame(asset, source, timestep, label)
        return Data(asset, frame, quote=quote, timestep=step, timezone=timezone)
    rows, step = read_rows(asset, source, timestep, timezone, label)
    if isinstance(rows, Rows):
        return from_rows(asset, rows, quote=quote, timestep=rows.series.step)
    return Data(asset, rows, quote=quote, timestep=step)


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
