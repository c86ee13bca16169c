"""PolarsData: Polars frames in, and trades out.

lumibot 4.6.30 has a data source of this name that holds Polars frames and fills no order: its
broker fills by the source's SOURCE, and "POLARS" is none of those it knows. This one is our
PandasDataBacktesting under another constructor. The frames go into C through Arrow; everything a
strategy, an order or the clock can tell is that of PandasDataBacktesting on the same bars.

Two names decide that in lumibot, and both are therefore the pandas ones:

- SOURCE is "PANDAS": lumibot loads the data before the run and fills from the bar at the clock;
- the class's `__name__` is "PandasData": lumibot compares that text to decide whether the end of
  the backtest counts, which days are sessions, and how the day loop sleeps.

`isinstance` holds for lumibot's PolarsData and PandasDataBacktesting alike: for the first by
registration, since inheriting both would mix their methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import polars as pl
from lumibot.constants import LUMIBOT_DEFAULT_PYTZ
from lumibot.data_sources import PolarsData as LumibotPolarsData
from lumibot.entities import Data
from lumibot.entities.data_polars import DataPolars

from millibar import _core
from millibar.feed import BAR_COLUMNS, PRICE_COLUMNS
from millibar.store import QUOTE_COLUMNS

from ._inputs import make_data
from ._pandas import PandasDataBacktesting

_REQUIRED = {"datetime", *PRICE_COLUMNS, "volume"}
_KNOWN = {"datetime", *BAR_COLUMNS, *QUOTE_COLUMNS}


class PolarsData(PandasDataBacktesting):
    """lumibot's data source of that name, which trades, with the bars held and answered in C.

        from millibar.integrations.lumibot import PolarsData
        MyStrategy.backtest(PolarsData, start, end, pandas_data={asset: polars_frame})

    pandas_data: a dict or a list, as of lumibot's PolarsData, of
        DataPolars or Data, with the asset, quote and timestep they state (in a list only these);
        Polars frames, lazy or not, by Asset, pair (Asset, quote Asset) or symbol of a stock: a
        column of times, and open, high, low, close, volume in any case; further columns of
        PandasDataBacktesting's `data=` are used, others left out.
    data, timestep, timezone, label: as of PandasDataBacktesting; the last three say how the frames
        of both are read (timestep None: by the spacing of the rows).

    Times that repeat are a ValueError in a frame; of a DataPolars the first counts, as in lumibot.
    """

    def __init__(
        self,
        *args: Any,
        pandas_data: Any = None,
        data: Mapping[Any, Any] | None = None,
        timestep: str | None = None,
        timezone: str | None = None,
        label: _core.Label = "open",
        **kwargs: Any,
    ) -> None:
        if isinstance(pandas_data, Mapping):
            given = list(pandas_data.items())
        else:
            given = [(None, each) for each in pandas_data or ()]
        super().__init__(
            *args,
            pandas_data=[_as_data(key, each, timestep, timezone, label) for key, each in given],
            data=data,
            timestep=timestep,
            timezone=timezone,
            label=label,
            **kwargs,
        )
        self.name = "polars"


# What lumibot reads of the class; see the top of this file.
PolarsData.__name__ = "PandasData"
LumibotPolarsData.register(PolarsData)


def _as_data(
    key: Any, source: Any, timestep: str | None, timezone: str | None, label: _core.Label
) -> Any:
    """A lumibot Data of one entry of pandas_data; its rows in C unless it is a Data already."""
    if isinstance(source, Data):
        return source
    if isinstance(source, DataPolars):
        return _from_data_polars(source)
    if key is None:
        raise TypeError(
            f"a list of pandas_data holds Data and DataPolars; give a {type(source).__name__} in a "
            "dict, by its Asset"
        )
    if isinstance(source, pl.LazyFrame):
        source = source.collect()
    return make_data(key, source, timestep, timezone, label)


def _from_data_polars(source: Any) -> Any:
    """The rows lumibot's DataPolars would give pandas: zoned, each time once.

    Further columns are shown by some of lumibot's frames and quotes, and missing ones are made up;
    then pandas keeps the rows.
    """
    frame: Any = source.polars_df
    names = set(frame.columns)
    if not _REQUIRED <= names <= _KNOWN:
        return Data(source.asset, source.df.copy(), timestep=source.timestep, quote=source.quote)
    if frame["datetime"].dtype.time_zone is None:
        frame = frame.with_columns(_zoned(frame["datetime"], source._timezone))
    frame = frame.unique(subset="datetime", keep="first", maintain_order=True)
    quote = source.quote
    key = source.asset if quote is None else (source.asset, quote)
    return make_data(key, frame, source.timestep, None, "open")


def _zoned(times: Any, zone: Any) -> Any:
    """Times without a zone placed as lumibot places them: doubled hours in their order."""
    index = pd.DatetimeIndex(times.to_numpy())
    index = index.tz_localize(
        zone or LUMIBOT_DEFAULT_PYTZ, ambiguous="infer", nonexistent="shift_forward"
    )
    unit: Any = index.unit
    stamps = pl.Series("datetime", index.asi8).cast(pl.Datetime(unit))
    return stamps.dt.replace_time_zone("UTC")
