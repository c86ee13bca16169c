"""lumibot's DataBento backtesting data sources, with the bars in C.

Each class below is a subclass of lumibot's of the same name, and every feature is lumibot's own
except these: which range of bars is current is decided as lumibot decides it, but a range that was
loaded once is never read again; ranges are read from lumibot's cache by the C reader and put
together from what the cached files cover; windows are ranges of rows, and a frame is made only when
one is asked for. Whatever is out of the ordinary (prices missing, stamps that repeat, naive clocks,
odd lengths) goes to lumibot's code unchanged.

The name `DataBentoDataBacktesting` is the Polars class, as it is in lumibot 4.6.30.
"""

from __future__ import annotations

import copy
import traceback
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from types import ModuleType
from typing import Any

import pandas as pd
import polars as pl
from lumibot.backtesting import databento_backtesting_pandas, databento_backtesting_polars
from lumibot.entities import Asset, Data
from lumibot.entities.data_polars import DataPolars
from lumibot.tools import databento_helper, databento_helper_polars
from lumibot.tools.helpers import to_datetime_aware
from lumibot.tools.lumibot_logger import get_logger

from millibar.feed import Window

from ._bars import Bars
from ._databento_cache import CacheFolder, Recent, contracts
from ._databento_feed import DatabentoFeed, DatabentoWindow, LastBars, feed_of
from ._evidence import DeferredEvidence
from ._fills import answers

logger = get_logger(__name__)

_USD = Asset("USD", "forex")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

Key = tuple[Any, Any]
# An answer that is not ours to give.
_LUMIBOTS: Any = object()
# lumibot's steps of a history request.
_STEPS = ("_pull_source_symbol_bars", "_parse_source_symbol_bars")


@dataclass
class Loaded:
    """A range of bars: lumibot's object, never handed out itself once it could be changed."""

    data: Any
    feed: DatabentoFeed | None
    first_ns: int
    last_ns: int


def _defined_here(cls: type, name: str) -> bool:
    """Whether a method is lumibot's or this module's."""
    module = str(getattr(cls, name).__module__)
    return module == __name__ or module.startswith("lumibot.")


# Whatever lumibot class stands behind _CachedDatabento in the order of bases.
_Behind: Any = object


class _CachedDatabento(_Behind):  # type: ignore[misc]
    """What both classes share. Placed before lumibot's class, whose methods it narrows."""

    _HELPER: ModuleType
    # Added to the lead that lumibot's coverage check wants before the first bar.
    _EXTRA_LEAD: timedelta
    _START_BUFFER: timedelta
    # Whether no derived class has a step of its own that history would have to go through.
    _direct = True

    def __init__(
        self,
        datetime_start: datetime,
        datetime_end: datetime,
        pandas_data: Any = None,
        api_key: str | None = None,
        timeout: int = 30,
        max_retries: int = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            datetime_start=datetime_start,
            datetime_end=datetime_end,
            pandas_data=pandas_data,
            api_key=api_key,
            timeout=timeout,
            max_retries=max_retries,
            **kwargs,
        )
        self._cache_folder = CacheFolder(
            self._HELPER, self._api_key, numbered=self._HELPER is databento_helper_polars
        )
        self._market_input_evidence = DeferredEvidence()
        self._windows: dict[tuple[Any, ...], DatabentoWindow | None] = {}
        self._loaded = Recent()
        self._fetched: set[tuple[Any, ...]] = set()
        self._current: dict[Key, Loaded] = {}
        # Keys whose data lumibot's get_quote would have repaired since they were loaded.
        self._repaired: set[Key] = set()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._direct = all(_defined_here(cls, name) for name in _STEPS)

    # ---- Which range is current -------------------------------------------------------------

    def _update_pandas_data(
        self,
        asset: Any,
        quote: Any,
        length: int,
        timestep: str,
        start_dt: datetime | None = None,
    ) -> None:
        """Make the range of bars current that lumibot would make current for this request."""
        key, single, quote_asset = _key(asset, quote)
        self._ensure_futures_multiplier(single)
        if key in self._prefetched_assets:
            return
        start, unit = self.get_start_datetime_and_ts_unit(
            length, timestep, start_dt, start_buffer=self._START_BUFFER
        )
        if self._covers(key, timestep, start):
            return
        try:
            loaded = self._load(single, quote_asset, start, unit)
        except self._HELPER.DataBentoAuthenticationError as error:
            logger.error("DataBento authentication failed for %s: %s", single.symbol, error)
            raise
        except Exception as error:
            logger.error("Error updating pandas data for %s: %s", single.symbol, error)
            logger.error(traceback.format_exc())
            return
        if loaded is not None:
            self._make_current(key, loaded, single, start)

    def _covers(self, key: Key, timestep: str, start: datetime) -> bool:
        """lumibot's check, its arithmetic included: is the current range enough?"""
        data = self.pandas_data.get(key)
        if data is None or data.timestep != timestep:
            return False
        span = self._span(key, data)
        if span is None:
            return False
        needed = to_datetime_aware(start) - self._EXTRA_LEAD
        return span[0] <= _ns(needed) and span[1] >= _ns(self.datetime_end)

    def _span(self, key: Key, data: Any) -> tuple[int, int] | None:
        """First and last stamp of the current data, ns UTC."""
        current = self._current.get(key)
        if current is not None and current.data is data:
            return current.first_ns, current.last_ns
        if isinstance(data, DataPolars):
            stamps = data.polars_df["datetime"]
            return (_ns(stamps.min()), _ns(stamps.max())) if len(stamps) else None
        index = data.df.index
        return (_ns(index[0]), _ns(index[-1])) if len(index) else None

    def _load(self, asset: Any, quote: Any, start: datetime, unit: str) -> Loaded | None:
        """The bars from `start` to a day past the end of the backtest; None when there are none."""
        end = self.datetime_end + timedelta(days=1)
        memo = (asset, quote, start, end, unit)
        loaded: Loaded | None = self._loaded.get(memo)
        if loaded is not None:
            return loaded
        cached = self._cache_folder.bars(asset, start, end, unit)
        if cached is not None:
            loaded = self._wrap(asset, quote, unit, self._frame_of(cached))
            self._loaded[memo] = loaded
            return loaded
        if self._cache_folder.gave_up(memo):
            return None
        frame = self._fetch(asset, start, end, unit)
        if frame is None or len(frame) == 0:
            self._cache_folder.failed(memo)
            return None
        loaded = self._wrap(asset, quote, unit, frame)
        if memo in self._fetched:
            # Cached by now, and still nothing that the C reader could take: it will stay so.
            self._loaded[memo] = loaded
        self._fetched.add(memo)
        return loaded

    def _wrap(self, asset: Any, quote: Any, unit: str, frame: Any) -> Loaded:
        """lumibot's own object over a frame, and a feed over that."""
        make = DataPolars if isinstance(frame, pl.DataFrame) else Data
        data = make(asset, df=frame, timestep=unit, quote=quote)
        feed = feed_of(data)
        if feed is not None:
            return Loaded(data, feed, int(feed.times[0]), int(feed.times[-1]))
        span = self._span((None, None), data)
        return Loaded(data, feed, *(span or (0, 0)))

    def _make_current(self, key: Key, loaded: Loaded, asset: Any, start: datetime) -> None:
        if loaded.feed is None or _base(loaded.data) is not loaded.feed.base:
            loaded = self._untouched(loaded)
        self.pandas_data[key] = loaded.data
        self._current[key] = loaded
        self._repaired.discard(key)
        self._refresh_multiplier(asset, start)

    def _untouched(self, loaded: Loaded) -> Loaded:
        """The range as it was loaded, after somebody changed the object that was handed out."""
        data = copy.copy(loaded.data)
        if loaded.feed is not None:
            setattr(data, "polars_df" if isinstance(data, DataPolars) else "df", loaded.feed.base)
            data.__dict__.pop("iter_index_dict", None)
        return Loaded(data, loaded.feed, loaded.first_ns, loaded.last_ns)

    def _refresh_multiplier(self, asset: Any, start: datetime) -> None:
        """lumibot's helper sets the multiplier of the very asset object it is asked for."""
        futures = (Asset.AssetType.FUTURE, Asset.AssetType.CONT_FUTURE)
        if asset.asset_type not in futures or asset.multiplier != 1:
            return
        helper = self._HELPER
        dataset = helper._determine_databento_dataset(asset, None)
        end = self.datetime_end + timedelta(days=1)
        symbol = contracts(helper, asset, start, end)[0][0]
        known = (symbol, dataset) in helper._INSTRUMENT_DEFINITION_CACHE
        what = ("multiplier", symbol)
        if not known and self._cache_folder.gave_up(what):
            return
        try:
            helper._fetch_and_update_futures_multiplier(
                client=helper.DataBentoClient(api_key=self._api_key),
                asset=asset,
                resolved_symbol=symbol,
                dataset=dataset,
                reference_date=start,
            )
        except Exception as error:
            logger.warning("Unable to update futures multiplier for %s: %s", asset.symbol, error)
        if asset.multiplier == 1:
            self._cache_folder.failed(what)

    def _feed(self, key: Key) -> DatabentoFeed | None:
        """The feed over the current data of a key; None where lumibot has to answer."""
        data = self.pandas_data.get(key)
        if data is None:
            return None
        current = self._current.get(key)
        if current is None or current.data is not data:
            # Put there by the caller or by prefetch_data.
            feed = feed_of(data)
            span = self._span(key, data)
            if span is None:
                return None
            current = self._current[key] = Loaded(data, feed, *span)
        feed = current.feed
        return feed if feed is not None and _base(data) is feed.base else None

    # ---- Answers ----------------------------------------------------------------------------

    def get_historical_prices(
        self,
        asset: Any,
        length: int,
        timestep: str | None = None,
        timeshift: Any = None,
        quote: Any = None,
        exchange: Any = None,
        include_after_hours: bool = True,
        return_polars: bool = False,
    ) -> Any:
        """lumibot's Bars of the last `length` bars before now; None where there are none."""
        if isinstance(asset, str):
            asset = Asset(symbol=asset)
        step = timestep or self.get_timestep()
        window = self._window(asset, length, step, timeshift, quote) if self._direct else _LUMIBOTS
        if window is None:
            return None
        if window is _LUMIBOTS:
            return super().get_historical_prices(
                asset,
                length,
                timestep=step,
                timeshift=timeshift,
                quote=quote,
                exchange=exchange,
                include_after_hours=include_after_hours,
                return_polars=return_polars,
            )
        if return_polars:
            return self._parse_source_symbol_bars(
                self._lumibot_rows(window), asset, quote=quote, length=length, return_polars=True
            )
        single, own_quote = asset if isinstance(asset, tuple) else (asset, quote)
        if window.count <= 2 and not window.whole and window._frame is None:
            rows = Window(window.feed, window.first, window.count)
            if answers(rows):
                return LastBars.over(rows, self.SOURCE, single, own_quote)
        return Bars.over(window, self.SOURCE, single, own_quote)

    def _pull_source_symbol_bars(
        self,
        asset: Any,
        length: int,
        timestep: str = "",
        timeshift: Any = 0,
        quote: Any = None,
        exchange: Any = None,
        include_after_hours: bool = True,
    ) -> Any:
        """The same rows as the frame lumibot's class pulls."""
        window = self._window(asset, length, timestep or "minute", timeshift, quote)
        if window is not _LUMIBOTS:
            return None if window is None else self._lumibot_rows(window)
        return super()._pull_source_symbol_bars(
            asset, length, timestep, timeshift, quote, exchange, include_after_hours
        )

    def _window(self, asset: Any, length: Any, step: str, timeshift: Any, quote: Any) -> Any:
        """The rows of a request as a DatabentoWindow; None for no rows; _LUMIBOTS where lumibot
        has to answer."""
        self._check_and_clear_cache()
        now = self.get_datetime()
        ordinary = (
            type(length) is int
            and length > 0
            and now.tzinfo is not None
            and (not timeshift or isinstance(timeshift, (int, timedelta)))
        )
        if not ordinary:
            return _LUMIBOTS
        key, _, _ = _key(asset, quote)
        asked = (key, length, step, _shift_minutes(timeshift))
        if asked in self._windows:
            return _again(self._windows[asked])
        self._update_pandas_data(asset, quote, length, step)
        feed = self._feed(key)
        if feed is None:
            return _LUMIBOTS
        rows = _visible(feed, now, length, timeshift)
        window = None if rows is None else DatabentoWindow(feed, *rows, key in self._repaired)
        self._windows[asked] = window
        return window

    def _check_and_clear_cache(self) -> None:
        if self._cache_datetime != self.get_datetime():
            self._windows.clear()
        super()._check_and_clear_cache()

    def get_last_price(self, asset: Any, quote: Any = None, exchange: Any = None) -> Any:
        """Close of the last bar that has ended; a float, or None."""
        self._check_and_clear_cache()
        now = self.get_datetime()
        key, single, quote_asset = _key(asset, quote)
        asked = (key, now)
        if asked in self._last_price_cache:
            self._ensure_futures_multiplier(single)
            return self._last_price_cache[asked]
        self._hydrate(key, single, quote_asset)
        feed = self._feed(key) if now.tzinfo is not None else None
        if feed is None:
            return super().get_last_price(asset, quote=quote, exchange=exchange)
        self._ensure_futures_multiplier(single)
        closed = _ns(now - timedelta(microseconds=feed.bar_ns // 1000))
        price = feed.last_price(closed, _ns(now))
        if price is None:
            return super().get_last_price(asset, quote=quote, exchange=exchange)
        self._last_price_cache[asked] = price
        return price

    def _hydrate(self, key: Key, asset: Any, quote: Any) -> None:
        """Load an asset that is asked for its price before its history."""

    # ---- Per variant ------------------------------------------------------------------------

    def _ask_helper(
        self, asset: Any, start: datetime, end: datetime, unit: str, **extra: Any
    ) -> Any:
        return self._HELPER.get_price_data_from_databento(
            api_key=self._api_key,
            asset=asset,
            start=start,
            end=end,
            timestep=unit,
            venue=None,
            force_cache_update=False,
            **extra,
        )

    def _fetch(self, asset: Any, start: datetime, end: datetime, unit: str) -> Any:
        """The bars through lumibot's helper, which reads its cache, asks the vendor and caches."""
        raise NotImplementedError

    def _frame_of(self, cached: Any) -> Any:
        """Cached bars as the frame lumibot's helper would have returned."""
        raise NotImplementedError

    def _lumibot_rows(self, window: DatabentoWindow) -> Any:
        """The rows lumibot's class would have pulled for a window."""
        raise NotImplementedError


class DataBentoDataBacktestingPolars(
    _CachedDatabento,
    databento_backtesting_polars.DataBentoDataBacktestingPolars,  # type: ignore[misc]
):
    """Drop-in for lumibot's `DataBentoDataBacktesting` (its Polars class): same bars, same trades.

    Bars come from lumibot's own cache folder where they are cached, and from DataBento, through
    lumibot's helper, where they are not. Parameters, features and names are lumibot's.
    """

    _HELPER = databento_helper_polars
    _EXTRA_LEAD = timedelta(0)
    _START_BUFFER = databento_backtesting_polars.START_BUFFER

    def _hydrate(self, key: Key, asset: Any, quote: Any) -> None:
        if key not in self.pandas_data:
            step = getattr(self, "_timestep", "minute")
            self._update_pandas_data(asset, quote, length=10, timestep=step)

    def _make_current(self, key: Key, loaded: Loaded, asset: Any, start: datetime) -> None:
        super()._make_current(key, loaded, asset, start)
        if loaded.feed is not None:
            self._datetime_ns_cache[key, loaded.data.timestep] = loaded.feed.times
        else:
            self._cache_datetime_series(key, loaded.data)

    def _fetch(self, asset: Any, start: datetime, end: datetime, unit: str) -> Any:
        return self._ask_helper(asset, start, end, unit, return_polars=True)

    def _frame_of(self, cached: Any) -> Any:
        return cached.to_polars()

    def _lumibot_rows(self, window: DatabentoWindow) -> Any:
        return window.feed.base.slice(window.first, window.count)


class DataBentoDataBacktestingPandas(
    _CachedDatabento,
    databento_backtesting_pandas.DataBentoDataBacktestingPandas,  # type: ignore[misc]
):
    """Drop-in for lumibot's `DataBentoDataBacktestingPandas`: same bars, same trades.

    lumibot's class reads its Parquet file again at almost every request, since its coverage check
    wants five days more of lead than it loads; this one reads each range once.
    """

    _HELPER = databento_helper
    _EXTRA_LEAD = databento_backtesting_pandas.START_BUFFER
    _START_BUFFER = databento_backtesting_pandas.START_BUFFER

    def get_quote(self, asset: Any, quote: Any = None, exchange: Any = None) -> Any:
        """lumibot's Quote from the current bars.

        lumibot's Data rewrites itself ("repairs") when it is first asked for a quote, and is then
        loaded anew. Here a twin of the data is repaired, once.
        """
        key = self.find_asset_in_data_store(asset, quote)
        data = None if key is None else self._data_store.get(key)
        if key is None or data is None or self._feed(key) is None:
            return super().get_quote(asset, quote, exchange)
        twin = data.__dict__.get("_millibar_twin")
        if twin is None:
            twin = data.__dict__["_millibar_twin"] = copy.copy(data)
        self._data_store[key] = twin
        try:
            answer = super().get_quote(asset, quote, exchange)
        finally:
            self._data_store[key] = data
        self._repaired.add(key)
        return answer

    def _fetch(self, asset: Any, start: datetime, end: datetime, unit: str) -> Any:
        frame = self._ask_helper(asset, start, end, unit)
        if frame is not None and not isinstance(frame.index, pd.DatetimeIndex):
            logger.error("DataBento data for %s doesn't have datetime index", asset.symbol)
            return None
        return frame

    def _frame_of(self, cached: Any) -> Any:
        return cached.to_pandas()

    def _lumibot_rows(self, window: DatabentoWindow) -> Any:
        if window.whole:
            return window.frame()
        rows = window.feed.base.iloc[window.first : window.first + window.count].copy()
        # A slice, like lumibot's: its Bars leaves such a frame without the columns it derives.
        return rows.tail(window.count)


DataBentoDataBacktesting = DataBentoDataBacktestingPolars


def _again(window: DatabentoWindow | None) -> DatabentoWindow | None:
    """What a request repeated at one instant gets: a frame of its own, except where lumibot's Bars
    takes the frame it is given as it is, because that has a return already."""
    if window is None or window.whole:
        return window
    return DatabentoWindow(window.feed, window.first, window.count)


def _key(asset: Any, quote: Any) -> tuple[Key, Any, Any]:
    """The key of lumibot's store for an asset, the asset alone, and its quote."""
    if isinstance(asset, tuple):
        return asset, asset[0], asset[1]
    quote_asset = _USD if quote is None else quote
    return (asset, quote_asset), asset, quote_asset


def _base(data: Any) -> Any:
    return data.polars_df if isinstance(data, DataPolars) else data.df


def _ns(moment: datetime) -> int:
    """An aware instant as ns UTC."""
    if isinstance(moment, pd.Timestamp):
        stamp: Any = moment
        return int(stamp.value)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


def _shift_minutes(timeshift: Any) -> int:
    """What lumibot remembers a request's shift by: whole minutes, so 30 seconds count as none."""
    if not timeshift:
        return 0
    return timeshift if isinstance(timeshift, int) else int(timeshift.total_seconds() / 60)


def _visible(
    feed: DatabentoFeed, now: datetime, length: int, timeshift: Any
) -> tuple[int, int] | None:
    """The rows lumibot shows. An int shift is minutes; a backward shift also drops one bar."""
    if not timeshift:
        return feed.rows_before(_ns(now), length, inclusive=False)
    back = timedelta(minutes=timeshift) if isinstance(timeshift, int) else timeshift
    target = now - back
    if back > timedelta(0):
        closed = target - timedelta(microseconds=feed.bar_ns // 1000)
        return feed.rows_before(_ns(closed), length, inclusive=True)
    return feed.rows_before(_ns(target), length, inclusive=False)
