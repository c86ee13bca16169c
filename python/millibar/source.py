"""PandasDataBacktesting: the bars of a backtest, under lumibot's name for them.

What a program gives (Data objects, files, Bars, frames, Arrow) is put in order once, when a run
begins: under the policy "lumibot" on the grid of minutes that lumibot fills, under "strict" as it
is. An `Instrument` is one asset's bars from then on: the series the engine runs over, and the feed
that a strategy is shown windows of. Both look at the same columns, and nothing becomes pandas until
asked.

Requests are routed by the identity of the asset asked for, which is kept alive for that; equal
assets find the same instrument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np

from millibar import _clock, _core, history, store
from millibar._actions import CompanyActions
from millibar._arrays import raw_values
from millibar._log import logger_of
from millibar._times import to_ns
from millibar.assets import Asset, AssetsMapping, Quote
from millibar.data import Bars, Data
from millibar.errors import InvalidError, UnsupportedError
from millibar.feed import NEW_YORK, PRICE_COLUMNS, Feed

if TYPE_CHECKING:
    from datetime import tzinfo

__all__ = ["Instrument", "PandasDataBacktesting"]

logger = logger_of(__name__)

USD = Asset("USD", Asset.AssetType.FOREX)
_ROUTES = 4096  # a strategy that makes its assets anew at every call must not fill the memory
_TO_DOLLARS = frozenset({"option", "future", "cont_future", "stock", "index"})


# Of which data lumibot answers a request for a step.
_SERVES = {"minute": ("minute",), "hour": ("hour", "minute"), "day": ("day", "minute")}


class Instrument:
    """One asset's bars in a run.

    feed: what a strategy sees. lines: all columns by name, those of quotes among them. number: the
    engine's.
    """

    __slots__ = ("asset", "end_ns", "feed", "lines", "number", "quote", "start_ns", "step")

    def __init__(self, asset: Any, quote: Any, feed: Feed, lines: Mapping[str, np.ndarray]) -> None:
        self.asset = asset
        self.quote = quote
        self.feed = feed
        self.lines = lines
        self.step: str = feed.step
        self.number = -1
        self.start_ns = int(feed.times[0])
        self.end_ns = int(feed.times[-1])

    @property
    def series(self) -> _core.Series:
        """The bars."""
        return self.feed.series

    def covers(self, now_ns: int) -> bool:
        """Whether lumibot answers for that moment: from the first row to three days after the
        last."""
        return self.start_ns <= now_ns <= self.end_ns + history.GRACE_NS


def _price_type(feed: Feed) -> Callable[[float], Any]:
    """What makes a numpy scalar of a price: of the type that opens and closes have in common."""
    return np.result_type(feed.open_at, feed.close_at).type


_UNITS = ("s", "ms", "us", "ns")


class _Route:
    """Where a request for bars goes."""

    __slots__ = ("asset", "instrument", "quote", "request", "symbol", "tag")

    def __init__(
        self, instrument: Instrument, asset: Any, quote: Any, request: history.Request
    ) -> None:
        base, its_quote = asset if isinstance(asset, tuple) else (asset, quote)
        self.instrument = instrument
        self.asset = base
        self.quote = its_quote
        self.symbol: str = str(base.symbol).upper()
        self.request = request
        self.tag = (request.step,)


def _of_source(
    key: Any, source: Any, timestep: str | None, timezone: str | None, label: _core.Label
) -> Data:
    """A Data of one entry of `data=`."""
    if isinstance(source, Data):
        return source
    asset, quote = key if isinstance(key, tuple) and len(key) == 2 else (key, USD)
    if isinstance(asset, str):
        asset = Asset(asset)
    if not isinstance(asset, Asset) or not isinstance(quote, Asset):
        raise TypeError(
            "a key of data= must be an Asset, a pair of Assets or a symbol, not "
            f"{type(key).__name__}"
        )
    return Data.of(asset, source, quote=quote, timestep=timestep, timezone=timezone, label=label)


def _pair(data: Data) -> tuple[Any, Any]:
    """The asset of a Data and what it is priced in."""
    if isinstance(data.asset, tuple):
        return data.asset
    return data.asset, USD if data.quote is None else data.quote


class PandasDataBacktesting:
    """The bars of a backtest.

    Args:
        datetime_start, datetime_end: first and last instant of the backtest, both inclusive; New
            York's wall clock where they have no zone.
        pandas_data: Data objects, as a dict or a list.
        data: bars without a DataFrame, beside or instead of pandas_data: {key: source}. A key is an
            Asset, a pair (Asset, quote Asset) or a stock's symbol; a source is the path of a
            Parquet file, Bars, a DataFrame with a DatetimeIndex, or anything that speaks Arrow.
        timestep, timezone, label: of every source in `data`: "minute", "hour" or "day" (by default
            by the spacing of its rows), the zone of times that have none (New York), and whether
            they name a bar's "open" or its "close".

    Raises:
        ValueError: a source without times or prices, with repeated times.
        TypeError: another kind of key or source.
        FileNotFoundError: a path that leads nowhere.
    """

    SOURCE = "PANDAS"
    IS_BACKTESTING_DATA_SOURCE = True
    MIN_TIMESTEP = "minute"

    def __init__(
        self,
        datetime_start: Any = None,
        datetime_end: Any = None,
        backtesting_started: Any = None,
        config: Any = None,
        api_key: Any = None,
        show_progress_bar: bool = True,
        log_backtest_progress_to_file: bool = False,
        progress_csv_path: Any = None,
        delay: Any = None,
        pandas_data: Any = None,
        *,
        data: Mapping[Any, Any] | None = None,
        timestep: str | None = None,
        timezone: str | None = None,
        label: _core.Label = "open",
        **kwargs: Any,
    ) -> None:
        given = pandas_data.values() if isinstance(pandas_data, Mapping) else pandas_data or ()
        self.data: list[Data] = list(given)
        self.data += [
            _of_source(key, source, timestep, timezone, label)
            for key, source in (data or {}).items()
        ]
        self.datetime_start: datetime = _bound(datetime_start, self.data, first=True)
        self.given_end: datetime = _bound(datetime_end, self.data, first=False)
        self.tzinfo: tzinfo = self.datetime_start.tzinfo or _clock.zone_of(NEW_YORK)
        self._clock = _clock.Clock(self.tzinfo)
        self.start_ns = to_ns(self.datetime_start)
        self.end_ns = to_ns(self.given_end)
        self.ends_with_data = datetime_end is None
        self.show_progress_bar = show_progress_bar
        self.engine: _core.Engine | None = None
        self.instruments: list[Instrument] = []
        self.policy = "lumibot"
        self._policy = _core.LUMIBOT
        self._price_types: list[Callable[[float], Any]] = []  # of each instrument
        self.daily = False  # whether lumibot's loop of days runs
        self._asked_ns = 0
        self._by_key: dict[Any, Instrument] = {}
        self._routes: dict[tuple[Any, ...], _Route] = {}
        # What an asset is to the engine, by its identity: the asset and the quote it was last asked
        # for in, its number, and the type of its price.
        self._known: dict[int, tuple[Any, Any, int | None, Callable[[float], Any]]] = {}
        self._kept: list[Any] = []
        self._missed: set[Any] = set()
        self._actions = CompanyActions()
        self._grid: np.ndarray | None = None
        self._now_ns = self.start_ns
        self._now = self.datetime_start

    # ---- Loading -------------------------------------------------------------------------------

    def load(self, policy: str = "lumibot") -> None:
        """Puts the bars in order for a run under a policy. Once.

        Raises:
            InvalidError: no data, or data that lie outside of the backtest.
        """
        if self.instruments:
            return
        self._known.clear()
        self.policy = policy
        self._policy = _core.STRICT if policy == "strict" else _core.LUMIBOT
        if not self.data:
            raise InvalidError("there are no data: give pandas_data= or data= at least one asset")
        self._check_span()
        feeds = self._filled() if policy == "lumibot" else self._as_they_are()
        for data, feed in zip(self.data, feeds, strict=True):
            if len(feed):
                lines = data.lines if policy == "lumibot" else data.rows.columns
                instrument = Instrument(*_pair(data), feed, lines)
                instrument.number = len(self.instruments)
                self.instruments.append(instrument)
                self._price_types.append(_price_type(feed) if policy == "lumibot" else float)
                self._by_key[instrument.asset, instrument.quote] = instrument

    def _check_span(self) -> None:
        all_times = [raw_values(data.rows.series.times) for data in self.data]
        spans = [(int(times[0]), int(times[-1])) for times in all_times if len(times)]
        if not spans:
            raise InvalidError("there are no data: not one of the assets has a row")
        first, last = min(span[0] for span in spans), max(span[1] for span in spans)
        zone = _clock.zone_of(NEW_YORK)
        if self.end_ns < first:
            raise InvalidError(
                f"The ending date for the backtest was set for {self.given_end}. The earliest "
                f"data entered is {_clock.from_ns(first, zone)}. No backtest can be run since "
                "there is no data before the backtest end date."
            )
        if self.start_ns > last:
            raise InvalidError(
                f"The starting date for the backtest was set for {self.datetime_start}. The latest "
                f"data entered is {_clock.from_ns(last, zone)}. No backtest can be run since there "
                "is no data after the backtest start date."
            )

    @property
    def step(self) -> str:
        """The step of the first data, which is lumibot's of the whole run."""
        return self.data[0].timestep if self.data else "minute"

    def _filled(self) -> list[Feed]:
        series = [data.rows.series for data in self.data]
        if self.step == "minute":
            grid = store.minute_grid(series, self.end_ns)
        else:
            grid = _core.grid(series, "day", NEW_YORK, self.end_ns)
        self._grid = raw_values(grid)
        # lumibot's frames share one index, of the finest unit that one of them came in.
        unit = max((data.rows.unit for data in self.data), key=_UNITS.index)
        return [data.prepare(grid, unit) for data in self.data]

    def _as_they_are(self) -> list[Feed]:
        feeds = []
        for data in self.data:
            rows = data.rows
            missing = store.has_nan(rows.columns)
            prices = any(missing[name] for name in PRICE_COLUMNS)
            treatment = store.nan_treatment({**missing, "prices": prices})
            feeds.append(Feed(rows.series, rows.columns, unit=rows.unit, **treatment))
        return feeds

    def grid_times(self) -> np.ndarray:
        """The stamps of all bars, int64 ns UTC, rising: what sessions are made of."""
        if self._grid is None:
            self._grid = np.unique(np.concatenate([bars.feed.times for bars in self.instruments]))
        return self._grid

    @property
    def spent_ns(self) -> int:
        """Time spent on windows and frames."""
        return self._asked_ns + sum(bars.feed.spent_ns for bars in self.instruments)

    # ---- The clock -----------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """The clock; the start of the backtest before there is a run."""
        engine = self.engine
        return self.start_ns if engine is None else engine.now_ns

    @property
    def ends_ns(self) -> int:
        """The end of the backtest: as given, or when there was no session any more."""
        engine = self.engine
        return self.end_ns if engine is None else min(self.end_ns, engine.end_ns)

    @property
    def datetime_end(self) -> datetime:
        """The same as a datetime."""
        ends_ns = self.ends_ns
        return self.given_end if ends_ns == self.end_ns else self._clock.at(ends_ns)

    @datetime_end.setter
    def datetime_end(self, value: datetime) -> None:
        self.given_end = value

    def get_datetime(self, adjust_for_delay: bool = False) -> datetime:
        """Now, in the zone of the backtest's start."""
        engine = self.engine
        now_ns = self.start_ns if engine is None else engine.now_ns
        if now_ns != self._now_ns:
            self._now_ns = now_ns
            self._now = self._stamp(now_ns) if self.daily else self._clock.at(now_ns)
        return self._now

    @staticmethod
    def _stamp(now_ns: int) -> Any:
        """Now as lumibot has it in runs by the day: a row of its index, a pandas Timestamp.

        Raises:
            UnsupportedError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise UnsupportedError(
                'a run by the day under the policy "lumibot" has pandas\' times, and pandas is not '
                "installed: pip install 'millibar[pandas]'"
            ) from error
        return pd.Timestamp(now_ns, unit="ns", tz=_clock.zone_of(NEW_YORK))

    # ---- Finding -------------------------------------------------------------------------------

    def find(self, asset: Any, quote: Any = None) -> Instrument | None:
        """The instrument of an asset, or of a pair, as lumibot looks for it: of a currency or
        crypto it needs the quote. The policy strict does not, where there is but one."""
        base, its_quote = asset if isinstance(asset, tuple) else (asset, quote)
        candidates: list[Any] = []
        if quote is not None:
            candidates.append((base, quote))
        if its_quote is not None and its_quote is not quote:
            candidates.append((base, its_quote))
        if getattr(base, "asset_type", None) in _TO_DOLLARS:
            candidates.append((base, USD))
        for key in candidates:
            found = self._by_key.get(key)
            if found is not None:
                return found
        if self.policy == "strict":
            same = [bars for bars in self.instruments if bars.asset == base]
            return same[0] if len(same) == 1 else None
        return None

    def number(self, asset: Any, quote: Any = None) -> int | None:
        """The engine's number of an asset; None where there are no bars of it."""
        known = self._known.get(id(asset))
        if known is None or known[1] is not quote:
            known = self._know(asset, quote)
        return known[2]

    def _know(self, asset: Any, quote: Any) -> tuple[Any, Any, int | None, Callable[[float], Any]]:
        found = self.find(asset, quote)
        if len(self._known) > _ROUTES:
            self._known.clear()
        number = None if found is None else found.number
        kind = float if number is None else self._price_types[number]
        self._known[id(asset)] = known = (asset, quote, number, kind)
        return known

    def _route(self, asset: Any, quote: Any, timestep: Any) -> _Route | None:
        instrument = self.find(asset, quote)
        words = timestep or self.step
        request = None
        if instrument is not None:
            try:
                request = history.read_request(words, instrument.step)
            except ValueError as error:
                logger.info("Error getting bars for %s: %s", asset, error)
            else:
                if self.policy == "lumibot" and instrument.step not in _SERVES[request.step]:
                    request = None
        if instrument is None or request is None:
            if (asset, words) not in self._missed:
                self._missed.add((asset, words))
                logger.warning("The asset: `%s` does not exist or does not have data.", asset)
            return None
        if len(self._routes) > _ROUTES:
            self._routes.clear()
            self._kept.clear()
        route = _Route(instrument, asset, quote, request)
        self._kept.append((asset, quote))  # an id is only theirs while they live
        self._routes[id(asset), id(quote), timestep] = route
        return route

    # ---- History -------------------------------------------------------------------------------

    def get_historical_prices(
        self,
        asset: Any,
        length: Any,
        timestep: str | None = None,
        timeshift: Any = None,
        quote: Any = None,
        exchange: Any = None,
        include_after_hours: bool = True,
        return_polars: bool = False,
    ) -> Any:
        """The latest `length` bars before now, as Bars; None when there are none."""
        since = perf_counter_ns()
        try:
            route = self._routes.get((id(asset), id(quote), timestep))
            if route is None:
                route = self._route(asset, quote, timestep)
                if route is None:
                    return None
            if length.__class__ is not int:
                length = _whole(length)
            shift = timeshift or 0
            if shift.__class__ is not int:
                shift = history.timeshift_rows(shift, route.instrument.step)
            engine = self.engine
            now_ns = self.start_ns if engine is None else engine.now_ns
            if not route.request.native:
                return self._buckets(route, now_ns, length, shift, return_polars)
            window = history.latest(
                route.instrument.feed, now_ns, length, shift, route.tag, self._policy
            )
            if window is None or not window.rows:
                return None
            if window._frame is not None and window.reshaped():
                # lumibot puts the frame it hands out again through the constructor, which mends it.
                return _made_anew(route, window.frame(), return_polars)
            return Bars.over(
                window, "PANDAS", route.asset, route.quote, route.symbol, return_polars
            )
        finally:
            self._asked_ns += perf_counter_ns() - since

    def _buckets(
        self, route: _Route, now_ns: int, length: int, shift: int, return_polars: bool
    ) -> Any:
        instrument = route.instrument
        if not instrument.covers(now_ns):
            logger.info("Error getting bars for %s: %s is out of range", route.asset, now_ns)
            return None
        feed = instrument.feed
        now = self.get_datetime()
        buckets = history.latest_buckets(
            feed, route.request, now, now_ns, length, shift, policy=self._policy
        )
        if buckets is None:
            return None
        if not feed.pristine(0, len(feed)):
            feed = history.as_written(feed)
            buckets = history.latest_buckets(
                feed, route.request, now, now_ns, length, shift, policy=self._policy
            )
            assert buckets is not None
        if not buckets.rows or return_polars:
            return _made_anew(route, buckets.frame(), return_polars)
        return Bars.over(buckets, "PANDAS", route.asset, route.quote, route.symbol)

    def get_bars(
        self, assets: Iterable[Any], length: int, timestep: str = "minute", **options: Any
    ) -> dict[Any, Any]:
        """{asset: Bars or None}."""
        return {
            asset: self.get_historical_prices(asset, length, timestep, options.get("timeshift"))
            for asset in (assets if isinstance(assets, (list, tuple)) else [assets])
        }

    # ---- Prices and quotes ---------------------------------------------------------------------

    def get_last_price(self, asset: Any, quote: Any = None, exchange: Any = None) -> Any:
        """The last price at the clock; None when there is none.

        Under the policy "lumibot" a numpy scalar of the column's type, as lumibot hands out: a
        division by it, or a rounding, does what it does there.
        """
        engine = self.engine
        if engine is None:
            instrument = self.find(asset, quote)
            if instrument is None or not instrument.covers(self.start_ns):
                return None
            return history.last_price(instrument.feed, self.start_ns)
        known = self._known.get(id(asset))
        if known is None or known[1] is not quote:
            known = self._know(asset, quote)
        number = known[2]
        price = None if number is None else engine.last_price(number)
        return price if price is None else known[3](price)

    def open_types(self) -> dict[int, Any]:
        """numpy's type of the opens that fill market orders, by an instrument's number, under the
        policy "lumibot": it hands them out as they are where they are Python's floats too."""
        if self.policy != "lumibot":
            return {}
        return {
            bars.number: np.float64
            for bars in self.instruments
            if bars.feed.columns["open"].dtype == np.float64
        }

    def quoted(self) -> frozenset[int]:
        """The numbers of those instruments that have quotes."""
        return frozenset(
            bars.number for bars in self.instruments if not {"bid", "ask"}.isdisjoint(bars.lines)
        )

    def get_quote(self, asset: Any, quote: Any = None, exchange: Any = None) -> Quote:
        """The bar at the clock as a quote; without values where there is none."""
        instrument = self.find(asset, quote)
        now_ns = self.now_ns
        if instrument is None or not instrument.covers(now_ns):
            return Quote(asset=asset)
        feed = instrument.feed
        if self.policy == "strict":
            first, count = feed.window(_core.STRICT, now_ns, 1, 0)
            row, forming = first + count - 1, False
        else:
            row, state = feed.state(now_ns)
            forming = state == _core.BAR_FORMING
        if row < 0:
            return Quote(asset=asset)
        values = history.quote_values(feed, instrument.lines, row, forming, instrument.step)
        for side in ("bid", "ask"):
            if values[side] is not None and values[side] <= 0:
                values[side] = None
        return Quote(
            asset=asset,
            price=values["close"],
            bid=values["bid"],
            ask=values["ask"],
            volume=values["volume"],
            timestamp=self.get_datetime(),
            bid_size=values["bid_size"],
            ask_size=values["ask_size"],
            raw_data=values,
        )

    def get_yesterday_dividend(self, asset: Any, quote: Any = None) -> Any:
        """The dividend of the last visible day; 0 where there is none."""
        bars = self.get_historical_prices(asset, 1, "day", quote=quote)
        return 0 if bars is None else bars.get_last_dividend()

    def get_yesterday_dividends(self, assets: Iterable[Any], quote: Any = None) -> AssetsMapping:
        """{asset: today's dividend}: lumibot's name for it; 0 where there is none."""
        return AssetsMapping(
            {asset: self._actions.dividend(self, asset, quote) for asset in assets}
        )

    def get_yesterday_stock_splits(self, assets: Iterable[Any], quote: Any = None) -> AssetsMapping:
        """{asset: today's split, 2.0 for two for one}; 0 where there is none."""
        return AssetsMapping({asset: self._actions.split(self, asset, quote) for asset in assets})

    def get_yesterday_stock_split(self, asset: Any, quote: Any = None) -> Any:
        """Today's split of one asset."""
        return self.get_yesterday_stock_splits([asset], quote)[asset]

    def get_timestep(self) -> str:
        """The step of the data."""
        return self.step

    def get_assets(self) -> list[tuple[Any, Any]]:
        """The pairs (asset, quote) there are bars of."""
        return [_pair(data) for data in self.data]


def _made_anew(route: _Route, frame: Any, return_polars: bool) -> Bars:
    return Bars(
        frame,
        "PANDAS",
        route.asset,
        quote=route.quote,
        raw=frame,
        return_polars=return_polars,
    )


def _whole(length: Any) -> int:
    try:
        return int(length)
    except (TypeError, ValueError):
        raise ValueError(
            "Invalid length parameter in get_historical_prices() method. Length must be an int "
            f"but instead got {length}, which is a type {type(length)}."
        ) from None


def _bound(value: Any, data: list[Data], *, first: bool) -> datetime:
    """A bound of the backtest as a datetime with a zone; the data's own where it is None."""
    if isinstance(value, datetime):
        return _clock.aware(value)
    zone = _clock.zone_of(NEW_YORK)
    if value is not None:
        return _clock.from_ns(_clock.instant_ns(value), zone)
    if not data:
        raise InvalidError("say when the backtest starts and ends: there are no data to tell")
    if first:
        return min(each.datetime_start for each in data)
    return max(each.datetime_end for each in data)
