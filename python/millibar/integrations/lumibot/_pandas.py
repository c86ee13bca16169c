"""lumibot's PandasDataBacktesting with the bars in C: the same answers, made faster.

Every call a backtest makes often (history, last price, quote) is answered from a `Feed`; whatever
is out of the ordinary (sub-second clocks, lengths that are not int, dates out of range, columns
that C cannot hold, classes derived from ours that override a step of lumibot's) is handed to
lumibot's own code, which finds all it needs in the same objects. So nothing is answered twice by
different rules: a fast path covers only what it covers exactly.

Routes. lumibot resolves (asset, quote, timestep) to a Data through hashes and comparisons in
Python at every call; here the result is kept by object identity. A route keeps its asset and quote
alive, so an identity cannot be reused, and it is dropped when the store changes. An Asset can be
changed in place, after which lumibot finds it no more: a route is used only while the asset has the
symbol and the expiration it was made for.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from datetime import timezone as fixed_zone
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from lumibot.backtesting import PandasDataBacktesting as LumibotPandasDataBacktesting
from lumibot.data_sources.data_source import MultiAssetBarsResult
from lumibot.entities import Asset, Quote
from lumibot.tools.helpers import parse_timestep_qty_and_unit
from lumibot.tools.lumibot_logger import get_logger
from pytz.tzinfo import DstTzInfo, StaticTzInfo

from millibar import _core
from millibar._arrays import raw_values
from millibar.feed import NEW_YORK, STEP_NS, Feed, Window, datetime_index, regular_spacing
from millibar.history import (
    LONGEST,
    Request,
    base_rows,
    latest,
    latest_buckets,
    quote_values,
    timeshift_rows,
)

from ._bars import Bars
from ._data import FeedData, clock_ns, prepare, raw_series
from ._evidence import DeferredEvidence
from ._fills import FillBars, answers
from ._inputs import make_data

# The logger lumibot's messages about a Data come from.
_data_log = get_logger("lumibot.entities.data")

_LUMIBOT = _core.LUMIBOT
_FORMING = _core.BAR_FORMING
# Stands for "lumibot's own code must answer this".
_THEIRS = object()
_NO_ROUTES: dict[Any, Any] = {}
# Zone objects of one offset; pytz has one for each offset of a zone.
_FIXED = (DstTzInfo, StaticTzInfo, fixed_zone)
# Steps of lumibot's history call that a derived class may override; then lumibot's call is used.
_STEPS = (
    "find_asset_in_data_store",
    "_pull_source_symbol_bars",
    "_parse_source_symbol_bars",
    "_adjust_stale_daily_price_for_stock_split",
)


def _warn_short_history(data: Any, dt: Any, length: int, timeshift: int, missing: int) -> None:
    """What lumibot logs when a request reaches back before the first row."""
    if not _data_log.isEnabledFor(logging.WARNING):
        return
    moment = dt.to_pydatetime() if isinstance(dt, pd.Timestamp) else dt
    _data_log.warning(
        f"The date you are looking for ({moment}) is outside of the data's date range "
        f"({data.datetime_start} to {data.datetime_end}) after accounting for a length of {length} "
        f"and a timeshift of {timeshift}. Keep in mind that the length you are requesting must "
        f"also be available in your data, in this case we are {missing} rows away from the data "
        "you need."
    )
    index = data._feed.index
    _data_log.info(
        "[DATA][CHECK] asset=%s timestep=%s dt=%s length=%s timeshift=%s iter_index=%s idx_min=%s "
        "idx_max=%s rows=%s",
        data.symbol,
        data.timestep,
        moment,
        length,
        timeshift,
        missing - 1 + length + timeshift,
        index[0],
        index[-1],
        len(index),
    )


class Store(OrderedDict[Any, Any]):
    """lumibot's data store, which forgets the routes made from it when it changes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.routes: dict[tuple[Any, ...], Route] = {}
        super().__init__(*args, **kwargs)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self.routes.clear()

    def __delitem__(self, key: Any) -> None:
        super().__delitem__(key)
        self.routes.clear()

    def pop(self, *args: Any, **kwargs: Any) -> Any:
        """As of dict."""
        self.routes.clear()
        return super().pop(*args, **kwargs)

    def popitem(self, last: bool = True) -> tuple[Any, Any]:
        """As of OrderedDict."""
        self.routes.clear()
        return super().popitem(last)

    def clear(self) -> None:
        """As of dict."""
        self.routes.clear()
        super().clear()

    def __reduce__(self) -> tuple[Any, ...]:
        return OrderedDict, (list(self.items()),)


class Route:
    """Where a request for (asset, quote, timestep) goes, and what it asks of the rows there."""

    __slots__ = (
        "asset",
        "bars_asset",
        "bars_quote",
        "data",
        "end_date",
        "end_ns",
        "expiration",
        "feed",
        "name",
        "native",
        "quote",
        "request",
        "start_ns",
        "symbol",
        "tag",
    )

    def __init__(self, asset: Any, quote: Any, data: FeedData, timestep: Any) -> None:
        assert data._feed is not None
        self.asset = asset
        self.quote = quote
        self.data = data
        self.feed: Feed = data._feed
        self.bars_asset, self.bars_quote = asset if isinstance(asset, tuple) else (asset, quote)
        self.name = self.bars_asset.symbol
        self.expiration = self.bars_asset.expiration
        self.symbol: str = self.bars_asset.symbol.upper()
        self.start_ns: int = pd.Timestamp(data.datetime_start).value
        end = pd.Timestamp(data.datetime_end)
        self.end_ns: int = end.value
        # lumibot compares daily data by date, with the end's date in UTC.
        self.end_date: Any = end.tz_convert("UTC").date() if self.feed.step == "day" else None
        self.native = False
        self.request = Request(0, None, 0, False)
        if timestep is not None:
            self._read_timestep(timestep)

    def outdated(self) -> bool:
        """Whether the asset was given another symbol or expiration since."""
        asset = self.bars_asset
        return asset.symbol is not self.name or asset.expiration is not self.expiration

    def _read_timestep(self, timestep: Any) -> None:
        unit: Any
        quantity, unit = parse_timestep_qty_and_unit(timestep)
        every = int(quantity)
        data, stored = self.data, self.feed.step
        multiple = (
            unit == stored == "minute"
            and every > 1
            and getattr(data, "_native_timestep_unit", "") == "minute"
            and int(getattr(data, "_native_timestep_quantity", 1)) == every
        )
        self.native = data._index_is_unique and (multiple or (every == 1 and unit == stored))
        self.tag = ("native_multi_minute", every) if multiple else ("native_1", unit)
        self.request = Request(every, unit, base_rows(every, unit, stored), self.native)


class PandasDataBacktesting(LumibotPandasDataBacktesting):  # type: ignore[misc]
    """lumibot's data source of that name, with the bars held and answered in C.

    Use it where lumibot's is used; every argument, method and result is lumibot's, to the bit.

        from millibar.integrations.lumibot import PandasDataBacktesting
        MyStrategy.backtest(PandasDataBacktesting, start, end, pandas_data={asset: data})

    pandas_data: lumibot's Data objects, as a dict or a list, as ever.
    data: bars without a DataFrame: {key: source}, beside or instead of pandas_data.
        key: an Asset, a pair (Asset, quote Asset), or a stock's symbol.
        source: the path of a Parquet file; a millibar Bars or LazyBars; a DataFrame with a
        DatetimeIndex; any object with `__arrow_c_stream__` or `__arrow_c_array__` (pyarrow,
        Polars, DuckDB) that has a column of times.
        Rows are put in time order; repeated times are a ValueError. Of Parquet and Arrow sources
        only the columns a backtest can use are read: open, high, low, close, volume, dividend,
        stock_splits, bid, ask, bid_size, ask_size (open to volume in any case).
    timestep: "minute", "hour" or "day" of every source in `data`; None takes it from the spacing
        of its rows.
    timezone: the zone of times in `data` that have none; None is lumibot's, America/New_York.
    label: what those times name, the "open" of a bar or its "close".
    """

    # Whether history requests may skip lumibot's intermediate steps (see __init_subclass__).
    _direct: ClassVar[bool] = True

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
        if data is not None:
            given = pandas_data.values() if isinstance(pandas_data, dict) else pandas_data or ()
            made = [
                make_data(key, source, timestep, timezone, label) for key, source in data.items()
            ]
            pandas_data = [*given, *made]
        super().__init__(*args, pandas_data=pandas_data, **kwargs)
        self._market_input_evidence = DeferredEvidence()
        self._clock: Any = None
        self._now_ns = -1
        self._zone: Any = _NO_ROUTES  # no datetime's
        self._zone_start: Any = None
        self._zone_start_ns = 0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._direct = all(getattr(cls, name) is getattr(_SELF, name) for name in _STEPS)

    @staticmethod
    def _set_pandas_data_keys(pandas_data: Any) -> Store:
        return Store(LumibotPandasDataBacktesting._set_pandas_data_keys(pandas_data))

    # ---- Loading --------------------------------------------------------------------------------

    def load_data(self) -> Any:
        """Put every Data on the common grid, filled, as lumibot does; returns its calendar."""
        self._data_store = self.pandas_data
        self._date_index = self.update_date_index()
        self._find_asset_in_data_store_cache.clear()
        if isinstance(self._data_store, Store):
            self._data_store.routes.clear()
        data = list(self._data_store.values())
        if data:
            self._timestep = data[0].timestep
        calendar = self.get_trading_days_pandas()
        self._date_index = self.clean_trading_times(self._date_index, calendar)
        if data:
            stamps = np.array(self._date_index.as_unit("ns").asi8)
            grid = _core.column_from_buffer("timestamp", stamps, "timestamp", zone="UTC")
            for each in data:
                prepare(each, self._date_index, grid)
        return calendar

    def update_date_index(self) -> Any:
        """The union of all stamps; ValueError where the backtest lies outside of them."""
        unread = []
        try:
            for data in self._data_store.values():
                if isinstance(data, FeedData) and data._raw is not None:
                    # All that lumibot reads of the frame here is its index.
                    data.df = pd.DataFrame(index=data._raw.index)
                    unread.append(data)
            return super().update_date_index()
        finally:
            for data in unread:
                data.__dict__.pop("df", None)

    def clean_trading_times(self, dt_index: Any, pcal: Any) -> Any:
        """The minute grid of the dates that have bars, as lumibot makes it with pandas."""
        usable = self._timestep == "minute" and self.datetime_end is not None and self._data_store
        if not usable or not isinstance(dt_index, pd.DatetimeIndex):
            return super().clean_trading_times(dt_index, pcal)
        series = [raw_series(data) for data in self._data_store.values()]
        times = raw_values(_core.grid(series, "minute", NEW_YORK))
        spacing = regular_spacing(times, STEP_NS["minute"], 1)
        index = datetime_index(times, dt_index.unit, None if spacing is None else f"{spacing}min")
        return index[: index.searchsorted(self.datetime_end, side="right")]

    # ---- Routes and the clock -------------------------------------------------------------------

    def _route(self, asset: Any, quote: Any, timestep: Any) -> Route | None:
        """The route of a request, found or made; None when lumibot must answer it."""
        store = self._data_store
        if not isinstance(store, Store) or not self._direct:
            return None
        parts = asset if isinstance(asset, tuple) else (asset,)
        if not all(isinstance(part, Asset) for part in parts) or len(parts) > 2:
            return None
        key = (*map(id, parts), id(quote), timestep)
        route = store.routes.get(key)
        if route is None or route.outdated():
            route = self._make_route(asset, quote, timestep)
            if route is None:
                return None
            if len(store.routes) > 4096:  # a strategy that makes its assets anew at every call
                store.routes.clear()
            store.routes[key] = route
        return route

    def _make_route(self, asset: Any, quote: Any, timestep: Any) -> Route | None:
        found = self.find_asset_in_data_store(asset, quote, timestep)
        data = self._data_store.get(found) if found is not None else None
        if not isinstance(data, FeedData) or data._feed is None:
            return None
        if getattr(data, "strict_end_check", False):
            return None
        return Route(asset, quote, data, timestep)

    def _read_clock(self, dt: Any) -> int:
        """Note the clock and its nanoseconds, which are negative where lumibot must answer."""
        if dt.__class__ is datetime and dt.tzinfo is self._zone:
            # In a zone whose offset is fixed two datetimes are as far apart as their faces.
            since = dt - self._zone_start
            now_ns = self._zone_start_ns + (since.days * 86_400 + since.seconds) * 1_000_000_000
            self._now_ns = now_ns if not since.microseconds else -1
        else:
            self._now_ns = now_ns = clock_ns(dt)
            if now_ns >= 0 and dt.__class__ is datetime and isinstance(dt.tzinfo, _FIXED):
                self._zone, self._zone_start, self._zone_start_ns = dt.tzinfo, dt, now_ns
        self._clock = dt
        return self._now_ns

    # ---- History --------------------------------------------------------------------------------

    def get_historical_prices(
        self,
        asset: Any,
        length: int,
        timestep: str | None = None,
        timeshift: Any = None,
        quote: Any = None,
        exchange: str | None = None,
        include_after_hours: bool = True,
        return_polars: bool = False,
    ) -> Any:
        """The latest `length` bars before now, as Bars; None when there are none.

        As lumibot's method of that name; the rows become a DataFrame when the Bars are asked.
        """
        if not timestep:
            timestep = self.get_timestep()
        route = getattr(self._data_store, "routes", _NO_ROUTES).get(
            (id(asset), id(quote), timestep)
        )
        if route is None or route.outdated():
            if isinstance(asset, str):
                asset = Asset(symbol=asset)
            route = self._route(asset, quote, timestep)
        window: Any = _THEIRS
        if route is not None and exchange is None:
            window = self._visible(route, length, timeshift)
        if window is _THEIRS:
            return super().get_historical_prices(
                asset,
                length,
                timestep=timestep,
                timeshift=timeshift,
                quote=quote,
                exchange=exchange,
                include_after_hours=include_after_hours,
                return_polars=return_polars,
            )
        if window is None:
            return None
        assert route is not None
        if window.__class__ is Window and window.reshaped():
            # lumibot puts the frame it hands out again through the constructor, which mends it.
            return self._parse_source_symbol_bars(
                window.frame(), asset, quote=quote, return_polars=return_polars
            )
        kind = FillBars if length <= 2 and not return_polars and answers(window) else Bars
        return kind.over(
            window,
            self.SOURCE.upper(),
            route.bars_asset,
            route.bars_quote,
            symbol=route.symbol,
            return_polars=return_polars,
        )

    def _visible(self, route: Route, length: Any, timeshift: Any) -> Any:
        """The window of a request; None when it is empty; _THEIRS when lumibot must answer it."""
        dt = self.get_datetime()
        now_ns = self._now_ns if dt is self._clock else self._read_clock(dt)
        if now_ns < 0 or length.__class__ is not int or not 0 < length < LONGEST:
            return _THEIRS
        shift = timeshift or 0
        if shift.__class__ is not int:
            if not isinstance(shift, timedelta):
                return _THEIRS
            shift = timeshift_rows(shift, route.feed.step)
        if not -LONGEST < shift < LONGEST:
            return _THEIRS
        try:
            if not route.native:
                return self._visible_buckets(route, dt, now_ns, length, shift)
            window = latest(route.feed, now_ns, length, shift, route.tag)
        except LookupError:  # the data were prepared again
            self._data_store.routes.clear()
            return _THEIRS
        return window if window is None or window.rows else _THEIRS

    def _visible_buckets(self, route: Route, dt: Any, now_ns: int, length: int, shift: int) -> Any:
        """As _visible, for bars that lumibot resamples from the stored ones."""
        feed, rows = route.feed, length * route.request.base_rows
        known = feed.resamples and (route.request.every == 1 or route.request.step != "day")
        if not known or not self._in_range(route, dt, now_ns):
            return _THEIRS
        first, count = feed.window(_LUMIBOT, now_ns, rows, shift)
        if not count or not feed.pristine(first, count):
            return _THEIRS
        buckets = latest_buckets(feed, route.request, dt, now_ns, length, shift)
        if buckets is None or not buckets.rows:
            return _THEIRS
        short = feed.series.asof(now_ns) + 1 - rows - shift
        if short < 0:
            _warn_short_history(route.data, dt, rows, shift, short)
        return buckets

    @staticmethod
    def _in_range(route: Route, dt: Any, now_ns: int) -> bool:
        """Whether lumibot's check of the date passes without a word."""
        if now_ns < route.start_ns:
            return False
        return now_ns <= route.end_ns if route.end_date is None else dt.date() <= route.end_date

    def get_bars(
        self,
        assets: Any,
        length: int,
        timestep: str = "minute",
        timeshift: Any = None,
        chunk_size: int = 2,
        max_workers: int = 2,
        quote: Any = None,
        exchange: str | None = None,
        include_after_hours: bool = True,
        sleep_time: float | None = None,
    ) -> Any:
        """The history of several assets, {asset: Bars}; without lumibot's threads."""
        listed = assets if isinstance(assets, list) else [assets]
        keys = [Asset(symbol=asset) if isinstance(asset, str) else asset for asset in listed]
        results = {}
        try:
            for key in dict.fromkeys(keys) if not sleep_time else ():
                base, its_quote = key if isinstance(key, tuple) else (key, quote)
                results[key] = self.get_historical_prices(
                    base,
                    length,
                    timestep=timestep,
                    timeshift=timeshift,
                    quote=its_quote,
                    exchange=exchange,
                    include_after_hours=include_after_hours,
                )
        except Exception:  # lumibot reports each asset's failure in its own words
            results = {}
        if len(results) == len(set(keys)):
            return MultiAssetBarsResult(results)
        return super().get_bars(
            assets,
            length,
            timestep=timestep,
            timeshift=timeshift,
            chunk_size=chunk_size,
            max_workers=max_workers,
            quote=quote,
            exchange=exchange,
            include_after_hours=include_after_hours,
            sleep_time=sleep_time,
        )

    def _parse_source_symbol_bars(
        self,
        response: Any,
        asset: Any,
        quote: Any = None,
        length: Any = None,
        return_polars: bool = False,
    ) -> Bars:
        """Bars over a frame that lumibot's own code made."""
        base, its_quote = asset if isinstance(asset, tuple) else (asset, quote)
        return Bars(
            response, self.SOURCE, base, quote=its_quote, raw=response, return_polars=return_polars
        )

    # ---- Prices and quotes ----------------------------------------------------------------------

    def get_last_price(self, asset: Any, quote: Any = None, exchange: str | None = None) -> Any:
        """The open of the bar forming now, else the last close; None when there is no price."""
        try:
            route = self._data_store.routes.get((id(asset), id(quote), None))
        except AttributeError:  # somebody put a plain dict in the store's place
            route = None
        if (
            route is None
            or (base := route.bars_asset).symbol is not route.name
            or base.expiration is not route.expiration
        ):
            route = self._route(asset, quote, None)
        if route is not None:
            dt = self.get_datetime()
            now_ns = self._now_ns if dt is self._clock else self._read_clock(dt)
            feed = route.feed
            if route.start_ns <= now_ns and (
                now_ns <= route.end_ns if route.end_date is None else self._plain_day(route, dt)
            ):
                try:
                    row, state = feed.state(now_ns)
                    price = (feed.open_at if state == _FORMING else feed.close_at)[row]
                    if row >= 0 and price > 0:
                        return price
                except LookupError:  # the data were prepared again
                    self._data_store.routes.clear()
        return super().get_last_price(asset, quote=quote, exchange=exchange)

    @staticmethod
    def _plain_day(route: Route, dt: Any) -> bool:
        """Whether daily data are in range at dt, and dt's date has no split to adjust for."""
        date = dt.date()
        return date <= route.end_date and date not in route.feed.split_dates

    def get_quote(self, asset: Any, quote: Any = None, exchange: str | None = None) -> Quote:
        """Price, volume and, where the data have them, bid and ask, of the bar at now."""
        route = getattr(self._data_store, "routes", _NO_ROUTES).get((id(asset), id(quote), None))
        if route is None or route.outdated():
            route = self._route(asset, quote, None)
        raw = None
        if route is not None:
            try:
                raw = self._quote_values(route)
            except LookupError:  # the data were prepared again
                self._data_store.routes.clear()
        if raw is None:
            return super().get_quote(asset, quote=quote, exchange=exchange)
        return Quote(
            asset=asset,
            price=raw["close"],
            bid=raw["bid"],
            ask=raw["ask"],
            volume=raw["volume"],
            timestamp=self.get_datetime(),
            bid_size=raw["bid_size"],
            ask_size=raw["ask_size"],
            raw_data=raw,
        )

    def _quote_values(self, route: Route) -> dict[str, Any] | None:
        """The bar at now as lumibot's Data.get_quote lists it; None: ask lumibot."""
        data, feed = route.data, route.feed
        dt = self.get_datetime()
        now_ns = self._now_ns if dt is self._clock else self._read_clock(dt)
        if not self._in_range(route, dt, now_ns) or not data._quote_required_cols_present:
            return None
        if route.end_date is not None and not self._plain_day(route, dt):
            return None
        row, state = feed.state(now_ns)
        lines = data._lines
        if row < 0 or "last_bid_time" in lines or "last_ask_time" in lines:
            return None
        if data._quote_missing_cols and not data._quote_presence_logged:
            _data_log.warning(
                "Data object %s is missing quote columns %s; returning None for those values.",
                data.asset,
                data._quote_missing_cols,
            )
            data._quote_presence_logged = True
        values = quote_values(feed, lines, row, state == _FORMING, data.timestep)
        for side in ("bid", "ask"):
            if values[side] is not None and values[side] <= 0:
                values[side] = None
        return values


_SELF = PandasDataBacktesting
