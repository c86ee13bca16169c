"""Bars of a frame, pandas or Polars: lumibot's names, forms and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from millibar import _clock
from millibar._bar import Bar
from millibar._log import logger_of
from millibar._timesteps import UNITS
from millibar._window_bars import symbol_of
from millibar.feed import NEW_YORK, derived

if TYPE_CHECKING:
    from typing_extensions import Self

logger = logger_of(__name__)

_TIME_COLUMNS = ("datetime", "timestamp", "date", "time")
_STEP_NS = {"second": 10**9, "minute": 60 * 10**9, "hour": 3600 * 10**9, "day": 86_400 * 10**9}
_PRICES = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}


def is_polars(frame: Any) -> bool:
    """Whether a frame is a Polars one; imports no Polars to tell."""
    return type(frame).__module__.partition(".")[0] == "polars"


class FrameBars:
    """Bars over `_df`: a pandas frame with a New York index, or a Polars frame.

    The constructor adds "return" (and "price_change" and "dividend_yield" where there are
    dividends) to a frame that lacks them. A Polars frame becomes pandas unless return_polars.

    Args:
        df: columns open, high, low, close, volume, and dividend, stock_splits where they apply;
            a pandas frame has its times in the index, a Polars frame in a column "datetime".
        source: name of the data's origin; shown in capitals.
        asset, quote: what the bars are of; a pair (base, quote) is both.
        raw: what the frame was made of.
        tzinfo: zone of the index; New York unless given.
    """

    _polars_cache: Any = None
    _pandas_cache: Any = None
    _tzinfo: Any = None
    _raw: Any
    _df: Any

    def __init__(
        self,
        df: Any,
        source: str,
        asset: Any,
        quote: Any = None,
        raw: Any = None,
        return_polars: bool = False,
        tzinfo: Any = None,
    ) -> None:
        self.source = source.upper()
        self.asset = asset
        self.symbol = symbol_of(asset)
        self.quote = quote
        self._raw = raw
        self._return_polars = return_polars
        self._tzinfo = zone_object(tzinfo)
        if len(df) == 0:
            logger.warning("Unable to get bar data for %s %s", asset, source)
        if is_polars(df):
            frame = self._with_returns_in_polars(df)
            self._df = frame if return_polars else self._localized(_to_pandas(frame))
        else:
            frame = self._localized(_with_returns(df))
            if return_polars:
                self._pandas_cache = frame
            self._df = self._convert_pandas_to_polars(frame) if return_polars else frame

    # ---- Frames --------------------------------------------------------------------------------

    @property
    def df(self) -> Any:
        """The rows as a pandas DataFrame (a Polars one after return_polars=True)."""
        return self.polars_df if self._return_polars else self.pandas_df

    @df.setter
    def df(self, value: Any) -> None:
        self._polars_cache = self._pandas_cache = None
        if is_polars(value):
            self._df = value if self._return_polars else self._localized(_to_pandas(value))
            return
        frame = self._localized(value)
        if self._return_polars:
            self._pandas_cache = frame
            frame = self._convert_pandas_to_polars(frame)
        self._df = frame

    @property
    def pandas_df(self) -> Any:
        """The rows as a pandas DataFrame: the same object every time."""
        if not is_polars(self._df):
            return self._df
        if self._pandas_cache is None:
            self._pandas_cache = self._localized(_to_pandas(self._df))
        return self._pandas_cache

    @property
    def polars_df(self) -> Any:
        """The rows as a Polars DataFrame, times in the column "datetime"."""
        if is_polars(self._df):
            return self._df
        if self._polars_cache is None:
            self._polars_cache = self._convert_pandas_to_polars(self._df)
        return self._polars_cache

    def _localized(self, frame: Any) -> Any:
        """The frame, its index of times in the bars' zone."""
        index = frame.index
        if not hasattr(index, "tz_localize"):
            return frame
        zone = self._tzinfo or zone_object(None)
        if index.tz is None:
            frame.index = index.tz_localize(zone)
        elif _zone_key(index.tz) != _zone_key(zone):
            frame.index = index.tz_convert(zone)
        return frame

    def _with_returns_in_polars(self, frame: Any) -> Any:
        import polars as pl

        close = pl.col("close")
        change = close.pct_change()
        if "dividend" in frame.columns:
            yielded = pl.col("dividend") / close
            frame = frame.with_columns(
                change.alias("price_change"),
                yielded.alias("dividend_yield"),
                (yielded + change).alias("return"),
            )
        else:
            frame = frame.with_columns(change.alias("return"))
        zone = getattr(frame.schema.get("datetime"), "time_zone", None)
        target = _zone_key(self._tzinfo)
        if zone is not None and target and zone != target:
            frame = frame.with_columns(pl.col("datetime").dt.convert_time_zone(target))
        return frame

    def _convert_pandas_to_polars(self, frame: Any) -> Any:
        import polars as pl

        if hasattr(frame.index, "tz_localize"):
            frame = frame.reset_index()
            frame = frame.rename(columns={frame.columns[0]: "datetime"})
        return pl.from_pandas(frame)

    # ---- As a value ----------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._df)

    @property
    def empty(self) -> bool:
        """Whether there are no rows."""
        return len(self) == 0

    def __repr__(self) -> str:
        return repr(self.df)

    def _repr_html_(self) -> str:
        text: str = self.df._repr_html_()
        return text

    @classmethod
    def parse_bar_list(cls, bar_list: Iterable[Mapping[str, Any]], source: str, asset: Any) -> Self:
        """Bars of dictionaries with the columns' names, one a row."""
        import polars as pl

        bars = list(bar_list)
        return cls(pl.DataFrame(bars), source, asset, raw=bars)

    def split(self) -> list[Bar]:
        """One Bar a row."""
        frame = self.pandas_df
        seconds = [int(moment.timestamp()) for moment in frame.index]
        rows = frame.reset_index(drop=True).to_dict("records")
        empty = {"dividend": 0, "stock_splits": 0}
        fields = (*_PRICES, *empty)
        return [
            Bar({"timestamp": at} | empty | {name: row[name] for name in fields if name in row})
            for at, row in zip(seconds, rows, strict=True)
        ]

    # ---- Numbers -------------------------------------------------------------------------------

    def _last(self, name: str) -> Any:
        frame = self.df
        return frame[name][-1] if is_polars(frame) else frame[name].iloc[-1]

    def get_last_price(self) -> Any:
        """Close of the last bar."""
        return self._last("close")

    def get_last_dividend(self) -> Any:
        """Dividend of the last bar; 0 where there are none."""
        return self._last("dividend") if "dividend" in self.df.columns else 0

    def get_last_stock_split(self) -> Any:
        """Split ratio of the last bar (2.0: two for one); 0 where there is none."""
        return self._last("stock_splits") if "stock_splits" in self.df.columns else 0

    def filter(self, start: datetime | None = None, end: datetime | None = None) -> Any:
        """The rows of start <= time <= end, as a Polars DataFrame."""
        import polars as pl

        frame = self.polars_df
        name = next((c for c in frame.columns if frame[c].dtype in (pl.Datetime, pl.Date)), None)
        if name is not None and isinstance(start, datetime):
            frame = frame.filter(pl.col(name) >= start)
        if name is not None and isinstance(end, datetime):
            frame = frame.filter(pl.col(name) <= end)
        return frame

    def get_total_volume(self, start: datetime | None = None, end: datetime | None = None) -> Any:
        """Volume of all bars, or of those of start <= time <= end."""
        frame = self.pandas_df
        kept = np.ones(len(frame), dtype=bool)
        if isinstance(start, datetime):
            kept &= np.asarray(frame.index >= start)
        if isinstance(end, datetime):
            kept &= np.asarray(frame.index <= end)
        return frame["volume"].to_numpy()[kept].sum().item() if kept.any() else 0

    def get_momentum(self, num_periods: int = 1) -> float:
        """Return over the last num_periods rows, dividends included where there are any.

        The product of 1 + return, less 1; NaN returns count as none, as in Polars nulls do.
        """
        frame = self.df
        if "return" in frame.columns:
            return compounded(np.asarray(frame["return"], dtype="float64"), num_periods)
        close = np.asarray(frame["close"], dtype="float64")
        if len(close) <= num_periods:
            return float("nan")
        return float(close[-1] / close[-num_periods - 1] - 1)

    # ---- Other steps ---------------------------------------------------------------------------

    def aggregate_bars(self, frequency: str, **grouper_kwargs: Any) -> Self:
        """Longer bars: "5min", "15 Minutes", "2h", "30s", "1d".

        Buckets begin at multiples of the step since midnight of 1970 on the bars' own clock, hold
        open first, high max, low min, close last and volume sum, and are left out where one of
        these is missing. Other keywords are refused: they are Polars' own.

        Raises:
            ValueError: not a number with a unit.
        """
        if grouper_kwargs:
            names = ", ".join(grouper_kwargs)
            raise TypeError(f"aggregate_bars() takes no keyword beside frequency, not {names}")
        width = _width_ns(frequency)
        names, times, zone = self._clock_times()
        order = np.argsort(times, kind="stable")
        buckets = times[order] // width
        starts = np.flatnonzero(np.r_[True, buckets[1:] != buckets[:-1]]) if len(order) else order
        columns = {
            name: _bucketed(np.asarray(names[name])[order], starts, how)
            for name, how in _PRICES.items()
        }
        whole = ~np.logical_or.reduce([np.isnan(values) for values in columns.values()])
        columns = {name: values[whole] for name, values in columns.items()}
        return self._of_buckets(columns, buckets[starts][whole] * width, zone)

    def _clock_times(self) -> tuple[Any, np.ndarray, Any]:
        """(columns by name, times in ns as the bars' own clock shows them, their zone or None)."""
        frame: Any = self._df
        if is_polars(frame):
            frame = _to_pandas(frame)
        index = frame.index
        if not hasattr(index, "tz_localize"):
            import pandas as pd

            values = index.to_numpy()
            if values.dtype.kind in "iu":
                unit = "ms" if len(values) and values[0] > 10**12 else "s"
                index = pd.to_datetime(values // 1000 if unit == "ms" else values, unit="s")
            else:
                index = pd.to_datetime(values)
        return frame, index.tz_localize(None).as_unit("ns").asi8, index.tz

    def _of_buckets(self, columns: dict[str, Any], clock_ns: np.ndarray, zone: Any) -> Self:
        import pandas as pd

        index = pd.DatetimeIndex(clock_ns.view("datetime64[ns]"), name="datetime")
        if zone is not None:
            index = index.tz_localize(zone, ambiguous=False, nonexistent="shift_forward")
        frame = pd.DataFrame(columns, index=index)
        bars: Any = type(self)
        if not self._return_polars:
            made: Self = bars(frame, self.source, self.asset)
            return made
        polars = self._convert_pandas_to_polars(frame)
        made = bars(polars, self.source, self.asset, return_polars=True)
        return made


# ---- Frames and zones --------------------------------------------------------------------------


def zone_object(zone: Any) -> Any:
    """A zone's object by name, pytz's where that is installed; New York's for None."""
    if zone is not None and not isinstance(zone, str):
        return zone
    return _clock.zone_of(zone or NEW_YORK)


def _zone_key(zone: Any) -> str | None:
    return getattr(zone, "zone", None) or getattr(zone, "key", None)


def _to_pandas(frame: Any) -> Any:
    """A Polars frame as a pandas one, its column of times the index."""
    made = frame.to_pandas()
    name = next((name for name in _TIME_COLUMNS if name in made.columns), None)
    return made if name is None else made.set_index(name)


def _with_returns(frame: Any) -> Any:
    """A pandas frame with the derived columns; the frame itself where it has them already."""
    names = set(frame.columns)
    wanted = {"return", "price_change", "dividend_yield"} if "dividend" in names else {"return"}
    if wanted <= names:
        return frame
    inputs = [name for name in ("close", "dividend") if name in names]
    columns = {name: frame[name].to_numpy(dtype="float64") for name in inputs}
    frame = frame.copy(deep=False)
    for name, values in derived(columns).items():
        frame[name] = values.copy()
    return frame


def _width_ns(frequency: Any) -> int:
    if not isinstance(frequency, str):
        raise ValueError(f"frequency must be a string, got {type(frequency)}")
    found = re.fullmatch(r"(\d+)\s*([a-z]+)", frequency.strip().lower())
    unit = UNITS.get(found[2]) if found else None
    if found is None or unit not in _STEP_NS or int(found[1]) == 0:
        raise ValueError(
            f"Unsupported frequency '{frequency}'. Examples: 2m, 5min, 15 minutes, 1h, 4 hours, 1d."
        )
    return int(found[1]) * _STEP_NS[unit]


def _bucketed(values: np.ndarray, starts: np.ndarray, how: str) -> np.ndarray:
    """One value a bucket; rows of a bucket are [starts[i], starts[i + 1])."""
    if not len(starts):
        return values[:0].astype("float64")
    if how in ("first", "last"):
        rows = starts if how == "first" else np.r_[starts[1:], len(values)] - 1
        taken: np.ndarray = values[rows]
        return taken
    if how == "sum":
        values = np.where(np.isnan(values), 0, values)
    reduce = {"max": np.fmax, "min": np.fmin, "sum": np.add}[how]
    reduced: np.ndarray = reduce.reduceat(values, starts)
    return reduced


def compounded(returns: np.ndarray, n_rows: int) -> float:
    """The last n_rows returns together, multiplied from the first to the last as Polars does; NaN
    counts as none."""
    product = 1.0
    for value in returns[max(0, len(returns) - n_rows) :].tolist() if n_rows else ():
        if value == value:
            product *= 1 + value
    return product - 1
