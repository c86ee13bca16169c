"""lumibot's PolarsData, which trades: Polars frames in C, under the rules of pandas data.

lumibot's own class of this name never fills an order: its SOURCE is "POLARS", and the broker's fill
loop knows no such source. This one is PandasDataBacktesting with Polars at the door, so its trades
are those of PandasDataBacktesting on the same bars.

For that it must also bear that class's name: lumibot compares `type(source).__name__` with
"PandasData" and "PandasDataBacktesting" to decide whether the last minute counts, whether the
calendar comes from the data and how days are stepped through. `PolarsData.__name__` is therefore
"PandasDataBacktesting"; its `__qualname__`, and what it is imported as, are PolarsData.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from lumibot.entities.data_polars import DataPolars

from ._inputs import make_data
from ._pandas import PandasDataBacktesting


class PolarsData(PandasDataBacktesting):
    """A backtesting data source over Polars frames.

        from millibar.integrations.lumibot import PolarsData
        MyStrategy.backtest(PolarsData, start, end, pandas_data={asset: frame})

    pandas_data: what lumibot's PolarsData takes, DataPolars and Data objects as a dict or a list;
        and {key: frame} with a Polars DataFrame or LazyFrame for each key, an Asset, a pair
        (Asset, quote Asset) or a symbol.
    Everything else is as in PandasDataBacktesting, `data=` with its paths and Arrow objects, and
    `timestep`, `timezone` and `label` for the frames, included. Frames go into C through Arrow;
    no pandas frame is made of them until one is asked for. A frame needs one column of times (or
    one named timestamp, datetime, time or date) and open, high, low, close and volume.
    """

    def __init__(
        self,
        *args: Any,
        pandas_data: Any = None,
        data: Mapping[Any, Any] | None = None,
        timestep: str | None = None,
        timezone: str | None = None,
        label: Any = "open",
        **kwargs: Any,
    ) -> None:
        given = [
            entry
            if key is None
            else make_data(key, _collected(entry), step or timestep, timezone, label)
            for key, entry, step in _entries(pandas_data)
        ]
        super().__init__(
            *args,
            pandas_data=given,
            data=data,
            timestep=timestep,
            timezone=timezone,
            label=label,
            **kwargs,
        )
        self.name = "polars"


PolarsData.__name__ = PandasDataBacktesting.__name__


def _entries(pandas_data: Any) -> Iterator[tuple[Any, Any, str | None]]:
    """(key, frame, its own timestep), or (None, Data, None) for what is a Data already."""
    keyed = isinstance(pandas_data, Mapping)
    pairs = pandas_data.items() if keyed else ((None, entry) for entry in pandas_data or ())
    for key, entry in pairs:
        if isinstance(entry, DataPolars):
            asset = entry.asset
            pair = (
                asset if isinstance(asset, tuple) or entry.quote is None else (asset, entry.quote)
            )
            yield pair, entry.polars_df, entry.timestep
        elif isinstance(entry, (pl.DataFrame, pl.LazyFrame)):
            if key is None:
                raise TypeError(
                    "a Polars frame needs its asset: give pandas_data={asset: frame}, not a list"
                )
            yield key, entry, None
        else:
            yield None, entry, None


def _collected(frame: Any) -> pl.DataFrame:
    return frame.collect() if isinstance(frame, pl.LazyFrame) else frame
