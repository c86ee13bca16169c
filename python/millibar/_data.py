"""Data: one asset's bars as a program hands them to a backtest, with lumibot's forms and checks.

A Data is made of a pandas frame, as in lumibot, or by `Data.of` of anything `data=` takes, without
pandas. Either way the rows are in C from the moment they are first needed: `prepare` puts them on
the grid of a run, and any question asked before that is answered on their own times.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from datetime import timezone as fixed_zone
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from millibar import _clock, _core
from millibar._arrays import raw_values
from millibar._log import logger_of
from millibar.assets import Asset
from millibar.feed import BAR_COLUMNS, NEW_YORK, PRICE_COLUMNS, STEP_NS, Feed, make_frame
from millibar.history import (
    GRACE_NS,
    Request,
    as_written,
    latest,
    latest_buckets,
    quote_values,
    read_request,
    timeshift_rows,
)
from millibar.inputs import is_frame, opened_frame, read_rows
from millibar.store import (
    QUOTE_COLUMNS,
    TYPES,
    Rows,
    fill,
    grid_column,
    has_nan,
    nan_treatment,
    rows_of_frame,
)

if TYPE_CHECKING:
    import pandas as pd

logger = logger_of(__name__)

_TIME_COLUMNS = ("Date", "date", "Time", "time", "Datetime", "datetime", "timestamp", "Timestamp")
_LOWERED = (*PRICE_COLUMNS, "volume")
_FORMING = _core.BAR_FORMING


class Data:
    """One asset's bars.

    Args:
        asset: an Asset, or a pair (base, quote) of Assets.
        df: a pandas DataFrame of open, high, low, close, volume (in any case), and dividend,
            stock_splits, bid, ask, bid_size, ask_size where there are any; its times in the index,
            or in a column named date, time, datetime or timestamp. Times without a zone are New
            York's, or `timezone`'s. As in lumibot, its columns and index are renamed in place.
        date_start, date_end: first and last day to use; those of the rows unless given.
        trading_hours_start, trading_hours_end: of minute and hour bars, the hours to use.
        timestep: "minute", "hour" or "day": the step of the rows.
        quote: what the asset is priced in; needed for a crypto.

    Raises:
        ValueError: a crypto without a quote, a quote that is no Asset, another timestep, no rows
            between the dates.
        TypeError: dates that are no datetimes.
    """

    MIN_TIMESTEP = "minute"
    TIMESTEP_MAPPING: ClassVar = [
        {"timestep": "day", "representations": ["1D", "day"]},
        {"timestep": "hour", "representations": ["1H", "hour"]},
        {"timestep": "minute", "representations": ["1M", "minute"]},
    ]

    datetime_start: datetime
    datetime_end: datetime

    def __init__(
        self,
        asset: Any,
        df: Any,
        date_start: datetime | None = None,
        date_end: datetime | None = None,
        trading_hours_start: time = time(0, 0),
        trading_hours_end: time = time(23, 59),
        timestep: str = "minute",
        quote: Any = None,
        timezone: str | None = None,
    ) -> None:
        self._set_names(asset, quote, timestep)
        frame = self.set_date_format(_timed(self.columns(df), timezone)).sort_index()
        self._frame: pd.DataFrame | None = frame
        self.trading_hours_start, self.trading_hours_end = self.set_times(
            trading_hours_start, trading_hours_end
        )
        self.date_start, self.date_end = self.set_dates(date_start, date_end)
        trimmed = self.trim_data(
            frame, self.date_start, self.date_end, self.trading_hours_start, self.trading_hours_end
        )
        self._frame = trimmed
        index: Any = trimmed.index
        self.datetime_start, self.datetime_end = index[0].to_pydatetime(), index[-1].to_pydatetime()
        self._rows: Rows | None = None
        self._feed: Feed | None = None
        self._lines: Mapping[str, np.ndarray] = {}

    @classmethod
    def of(
        cls,
        asset: Any,
        source: Any,
        *,
        quote: Any = None,
        timestep: str | None = None,
        timezone: str | None = None,
        label: _core.Label = "open",
    ) -> Data:
        """Data of a file's path, Bars, a DataFrame or anything that speaks Arrow.

        timestep: taken from the spacing of the rows unless given. timezone: of times without one;
        New York unless given. label: what the times name, the "open" of a bar or its "close".

        Raises:
            ValueError: no times, a price column missing, a time twice.
            FileNotFoundError: no such file.
            TypeError: another kind of source.
        """
        if is_frame(source):
            frame, step = opened_frame(asset, source, timestep, label)
            return cls(asset, frame, quote=quote, timestep=step, timezone=timezone)
        rows, step = read_rows(asset, source, timestep, timezone, label)
        if not isinstance(rows, Rows):
            return cls(asset, rows, quote=quote, timestep=step)
        data = cls.__new__(cls)
        data._set_names(asset, quote, step)
        data._frame = None
        data._rows = rows
        data._feed = None
        data._lines = {}
        data._set_span(raw_values(rows.series.times))
        return data

    def _set_names(self, asset: Any, quote: Any, timestep: str) -> None:
        named = asset[0] if isinstance(asset, tuple) else asset
        self.asset = asset
        self.symbol = named.symbol
        self.quote = quote
        if named.asset_type == "crypto" and quote is None and not isinstance(asset, tuple):
            raise ValueError(
                f"A crypto asset {self.symbol} was added to data without a corresponding `quote` "
                "asset: give the quote asset, such as Asset('USD', 'forex'). Quote must be "
                "provided for crypto assets."
            )
        if quote is not None and not isinstance(quote, Asset):
            raise ValueError(
                f"The quote asset for Data must be an Asset object. You provided a {type(quote)} "
                "object."
            )
        if timestep not in STEP_NS:
            raise ValueError(
                f"Timestep must be one of 'minute', 'hour', or 'day'. You entered: {timestep}"
            )
        self.timestep = timestep

    def _set_span(self, times: np.ndarray) -> None:
        if not len(times):
            raise ValueError(_nothing_left(self.asset))
        zone = _clock.zone_of(NEW_YORK)
        first, last = (_clock.from_ns(int(ns), zone) for ns in (times[0], times[-1]))
        self.datetime_start, self.datetime_end = first, last
        self.trading_hours_start, self.trading_hours_end = self.set_times(time(0, 0), time(23, 59))
        self.date_start = first.replace(hour=0, minute=0, second=0, microsecond=0)
        self.date_end = last.replace(hour=23, minute=59, second=59, microsecond=999_999)

    # ---- lumibot's steps of construction -------------------------------------------------------

    def set_times(self, trading_hours_start: time, trading_hours_end: time) -> tuple[time, time]:
        """The trading hours; the whole day for hour and day bars."""
        if self.timestep == "minute":
            return trading_hours_start, trading_hours_end
        return time(0, 0), time(23, 59, 59, 999_999)

    def columns(self, df: pd.DataFrame) -> pd.DataFrame:
        """The frame, its price and volume columns in small letters."""
        df.columns = [c.lower() if str(c).lower() in _LOWERED else c for c in df.columns]
        return df

    def set_date_format(self, df: pd.DataFrame) -> pd.DataFrame:
        """The frame, its index named "datetime" and in New York time."""
        import pandas as pd

        zone = _clock.zone_of(NEW_YORK)
        df.index.name = "datetime"
        index: Any = pd.to_datetime(df.index)
        if index.tz is None:
            index = index.tz_localize(zone)
        elif index.tz != zone:
            index = index.tz_convert(zone)
        df.index = index
        return df

    def set_dates(self, date_start: Any, date_end: Any) -> tuple[Any, Any]:
        """First instant of the first day and last of the last."""
        for moment in (date_start, date_end):
            if moment and not isinstance(moment, datetime):
                raise TypeError(
                    f"Start and End dates must be entries as full datetimes. {moment} was entered"
                )
        assert self._frame is not None
        index = self._frame.index
        start, end = _clock.aware(date_start or index.min()), _clock.aware(date_end or index.max())
        return (
            start.replace(hour=0, minute=0, second=0, microsecond=0),
            end.replace(hour=23, minute=59, second=59, microsecond=999_999),
        )

    def trim_data(
        self,
        df: pd.DataFrame,
        date_start: Any,
        date_end: Any,
        trading_hours_start: time,
        trading_hours_end: time,
    ) -> pd.DataFrame:
        """The rows between the dates, and for minute and hour bars between the hours.

        Raises:
            ValueError: none are left.
        """
        df = df.loc[(df.index >= date_start) & (df.index <= date_end), :]
        if self.timestep != "day":
            df = df.between_time(trading_hours_start, trading_hours_end)
        if df.empty:
            raise ValueError(_nothing_left(self.asset))
        return df

    # ---- Rows ----------------------------------------------------------------------------------

    @property
    def rows(self) -> Rows:
        """The rows before preparation, in C."""
        if self._rows is None:
            assert self._frame is not None
            rows = rows_of_frame(self._frame, self.timestep)
            if rows is None:
                rows = rows_of_frame(_numbers_of(self._frame), self.timestep)
            if rows is None:
                raise ValueError(
                    f"data of {self.asset} cannot be read: times must be whole microseconds, "
                    f"columns named once; its columns are {list(self._frame.columns)}"
                )
            self._rows = rows
        return self._rows

    def prepare(self, grid: _core.Column | None = None, unit: str | None = None) -> Feed:
        """Puts the rows on a grid, filled as lumibot fills them; on their own times without one.

        grid: a column of times, as `store.minute_grid` makes it, of which those between the first
        and the last row are used. unit: of the index of its frames, the rows' own unless given.
        """
        rows = self.rows
        if grid is None:
            grid = grid_column(np.array(raw_values(rows.series.times)))
        missing = has_nan(rows.columns)
        prices = any(missing[name] for name in PRICE_COLUMNS)
        self._feed, self._lines = fill(
            rows,
            grid,
            unit=unit or rows.unit,
            treatment=nan_treatment(missing | {"prices": prices}),
        )
        self._frame = None
        return self._feed

    @property
    def feed(self) -> Feed:
        """The prepared rows; prepared on their own times where nobody has prepared them yet."""
        return self.prepare() if self._feed is None else self._feed

    @property
    def lines(self) -> Mapping[str, np.ndarray]:
        """All prepared columns by name, quotes included."""
        _ = self.feed
        return self._lines

    @property
    def df(self) -> pd.DataFrame:
        """The rows as a frame: as they came, or as they were prepared; the same object every time
        until they are prepared anew."""
        if self._frame is None:
            feed = self._feed
            if feed is None:
                self._frame = self.rows.frame()
            else:
                extra = {k: v for k, v in feed.extra.items() if k not in self._lines}
                order = (*self._lines, *extra)
                self._frame = make_frame(self._lines, extra, order, feed.index)
        return self._frame

    def repair_times_and_fill(self, idx: Any) -> None:
        """Prepares the rows on an index of times."""
        times = idx.as_unit("ns").asi8
        feed = self.prepare(grid_column(np.array(times)))
        # The index stays the caller's: its zone too.
        first = int(np.searchsorted(times, feed.times[0])) if len(feed) else 0
        self._feed = Feed(
            feed.series,
            self._lines,
            extra=feed.extra,
            unit=idx.unit,
            index=idx[first : first + len(feed)],
            nan_filled=feed.nan_filled,
            drop_nan=feed.drop_nan,
        )

    # ---- Questions -----------------------------------------------------------------------------

    def get_iter_count(self, dt: datetime) -> int:
        """The last row at or before dt; -1 before the first."""
        return self.feed.series.asof(_clock.instant_ns(dt))

    def _checked_ns(self, dt: datetime) -> int:
        """dt in nanoseconds, checked as lumibot checks it: from the first row to three days after
        the last (of day bars: the last's date in UTC).

        Raises:
            ValueError: out of that range.
        """
        times = self.feed.times
        now_ns, last_ns = _clock.instant_ns(dt), int(times[-1])
        span = f"({self.datetime_start} to {self.datetime_end})"
        if now_ns < int(times[0]):
            raise ValueError(
                f"The date you are looking for ({dt}) for ({self.asset}) is outside of the data's "
                f"date range {span}."
            )
        if self.timestep == "day":
            late = dt.date() > self.datetime_end.astimezone(fixed_zone.utc).date()
        else:
            late = now_ns > last_ns
        if late and now_ns - last_ns > GRACE_NS:
            raise ValueError(
                f"The date you are looking for ({dt}) for ({self.asset}) is after the available "
                f"data's end ({self.datetime_end})."
            )
        return now_ns

    def get_last_price(self, dt: datetime, length: int = 1, timeshift: Any = 0) -> Any:
        """The open of the bar forming at dt, else the last close; None where there is no price.

        Raises:
            ValueError: dt before the first row, or more than three days after the last.
        """
        feed, now_ns = self.feed, self._checked_ns(dt)
        row, state = feed.state(now_ns)
        forming = state == _FORMING and self.timestep != "day"
        price = (feed.open_at if forming else feed.close_at)[row]
        return None if price != price else price

    def get_quote(self, dt: datetime, length: int = 1, timeshift: Any = 0) -> dict[str, Any]:
        """Prices, volume, bid and ask of the row at dt, by name; None for what is not there.

        Raises:
            ValueError: dt out of range, as for `get_last_price`.
        """
        feed, now_ns = self.feed, self._checked_ns(dt)
        row, state = feed.state(now_ns)
        forming = state == _FORMING and self.timestep != "day"
        return quote_values(feed, self._lines, row, forming, self.timestep)

    def get_bars(
        self, dt: datetime, length: int = 1, timestep: str = MIN_TIMESTEP, timeshift: Any = 0
    ) -> pd.DataFrame | None:
        """The latest `length` bars of a timestep at dt; None where there is none.

        Raises:
            ValueError: a timestep finer than the rows, or none; of buckets, dt out of range.
        """
        feed, request = self.feed, read_request(str(timestep), self.timestep)
        shift = timeshift_rows(timeshift, self.timestep)
        if request.native:
            window = latest(feed, _clock.instant_ns(dt), int(length), shift)
            return None if window is None or not window.rows else window.frame()
        buckets = self.buckets(request, dt, int(length), shift)
        # Without the returns, which are for Bars to add.
        return None if buckets is None else buckets.frame()[list(feed.columns)]

    def buckets(self, request: Request, dt: datetime, length: int, shift: int) -> Any:
        """As `history.latest_buckets`, of what a strategy may have written into the rows."""
        feed, now_ns = self.feed, self._checked_ns(dt)
        n_rows = length * request.base_rows
        first, count = feed.window(_core.LUMIBOT, now_ns, n_rows, shift)
        if count and not feed.pristine(first, count):
            feed = as_written(feed)
        return latest_buckets(feed, request, dt, now_ns, length, shift)

    def get_price_snapshot(
        self, dt: datetime, length: int = 1, timeshift: Any = 0
    ) -> dict[str, Any]:
        """open, high, low, close, bid, ask of the row at dt.

        Raises:
            ValueError: dt out of range, as for `get_last_price`.
        """
        row = self.feed.series.asof(self._checked_ns(dt))
        names = (*PRICE_COLUMNS, "bid", "ask")
        return {n: self._lines[n][row] if n in self._lines else None for n in names}

    def __repr__(self) -> str:
        return f"Data({self.asset}, {self.timestep}, {self.datetime_start} to {self.datetime_end})"


def _timed(frame: Any, timezone: str | None) -> Any:
    """The frame with its times in the index."""
    import pandas as pd

    if not str(frame.index.dtype).startswith("datetime"):
        name = next((name for name in _TIME_COLUMNS if name in frame.columns), None)
        if name is not None:
            frame[name] = pd.to_datetime(frame[name])
            frame = frame.set_index(name)
    if timezone is not None:
        frame.index = frame.index.tz_localize(timezone)
    return frame


def _numbers_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The bar and quote columns alone, as numbers: what is none is NaN, as is a column that a bar
    needs and the frame has not. Bar columns that are numbers keep their type, prices if all four
    have one; the rest are float64."""
    import pandas as pd

    names = [n for n in (*BAR_COLUMNS, *QUOTE_COLUMNS) if n in frame.columns or n in _LOWERED]
    kept = {n for n in BAR_COLUMNS if n in frame.columns and frame[n].dtype.name in TYPES}
    if len({frame[n].dtype for n in PRICE_COLUMNS if n in frame.columns}) > 1:
        kept.difference_update(PRICE_COLUMNS)

    def column(name: str) -> Any:
        if name in kept:
            return frame[name].to_numpy()
        if name not in frame.columns:
            return np.full(len(frame), np.nan)
        numbers = pd.to_numeric(frame[name], errors="coerce")
        return numbers.to_numpy(dtype="float64", na_value=np.nan)

    numbers: pd.DataFrame = pd.DataFrame({n: column(n) for n in names}, index=frame.index)
    return numbers


def _nothing_left(asset: Any) -> str:
    return (
        f"When attempting to load a dataframe for {asset}, an empty dataframe was returned: no row "
        "lies between its start and end dates and in its trading hours. Check that the dates "
        "asked for and those of the data overlap."
    )
