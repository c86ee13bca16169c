"""The data the requests are made on: one `Scenario` for each way bars may come to lumibot.

Everything is made from a seed; nothing is read. A scenario is a recipe: `make()` builds its lumibot
`Data` objects afresh, since lumibot writes into the frames it is given and each side needs its own.

Prices walk on a quarter tick and stay positive except where a scenario wants otherwise; volume has
zeros. `minutes()` lays bars on a session calendar and drops a few at random, so that the grid
lumibot fills has something to fill.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

import numpy as np
import pandas as pd
from lumibot.entities import Asset, Data
from offline import NEW_YORK, new_york

USD = Asset("USD", Asset.AssetType.FOREX)
USDT = Asset("USDT", Asset.AssetType.CRYPTO)
EUR = Asset("EUR", Asset.AssetType.FOREX)
MES = Asset("MES", Asset.AssetType.CONT_FUTURE)
MNQ = Asset("MNQ", Asset.AssetType.CONT_FUTURE)
ESH4 = Asset("ES", Asset.AssetType.FUTURE, expiration=datetime(2024, 3, 15).date())
SPY = Asset("SPY")
AAPL = Asset("AAPL")
BTC = Asset("BTC", Asset.AssetType.CRYPTO)
ETH = Asset("ETH", Asset.AssetType.CRYPTO)
SPX = Asset("SPX", Asset.AssetType.INDEX)
CALL = Asset(
    "SPY", Asset.AssetType.OPTION, expiration=datetime(2024, 6, 21).date(), strike=520, right="CALL"
)

PairOf = tuple[Asset, Asset | None]


@dataclass(frozen=True)
class Scenario:
    """Data, the backtest's span, and what may be asked of it."""

    name: str
    make: Callable[[], Any]
    start: datetime
    end: datetime
    assets: tuple[PairOf, ...]
    steps: tuple[str, ...] = ("minute", "5 minutes", "15 minutes", "hour", "day")
    n_requests: int = 800
    longest: int = 500
    load: bool = True
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """Of the requests: fixed, unless MILLIBAR_PARITY_SEED asks for others."""
        return zlib.crc32((self.name + os.environ.get("MILLIBAR_PARITY_SEED", "")).encode())


# ---- Times -------------------------------------------------------------------------------------


def cme(start: str, end: str, every: str = "1min") -> pd.DatetimeIndex:
    """Sunday 18:00 to Friday 17:00 New York, without the hour from 17:00."""
    local = pd.date_range(start, end, freq=every, tz=NEW_YORK, inclusive="left")
    clock, weekday = local.hour * 60 + local.minute, local.weekday
    is_open = ((clock < 17 * 60) | (clock >= 18 * 60)) & (weekday != 5)
    is_open &= ~((weekday == 6) & (clock < 18 * 60)) & ~((weekday == 4) & (clock >= 18 * 60))
    return local[is_open]


def regular_hours(start: str, end: str, half_days: tuple[str, ...] = ()) -> pd.DatetimeIndex:
    """09:30 to 15:59 on weekdays, 12:59 on half days, New York; none on Thanksgiving of 2023."""
    local = pd.date_range(start, end, freq="1min", tz=NEW_YORK, inclusive="left")
    clock = local.hour * 60 + local.minute
    day = local.strftime("%Y-%m-%d")
    close = np.where(np.isin(day, half_days), 13 * 60, 16 * 60)
    is_open = (clock >= 9 * 60 + 30) & (clock < close) & (local.weekday < 5)
    return local[is_open & (day != "2023-11-23")]


def always(start: str, end: str, every: str = "1min") -> pd.DatetimeIndex:
    return pd.date_range(start, end, freq=every, tz=NEW_YORK, inclusive="left")


def weekdays(start: str, end: str, zone: Any = NEW_YORK) -> pd.DatetimeIndex:
    return pd.date_range(start, end, freq="B", tz=zone)


# ---- Bars --------------------------------------------------------------------------------------


def thin(index: pd.DatetimeIndex, rng: np.random.Generator, missing: float) -> pd.DatetimeIndex:
    """Without some bars here and there, and without one stretch of forty."""
    keep = rng.random(len(index)) >= missing
    if missing and len(index) > 200:
        hole = int(rng.integers(60, len(index) - 60))
        keep[hole : hole + 40] = False
    return pd.DatetimeIndex(index[keep], freq=None)


def bars(
    index: pd.DatetimeIndex,
    seed: int,
    *,
    price: float = 5000.0,
    tick: float = 0.25,
    missing: float = 0.0,
    volume: str = "int64",
    dtype: str = "float64",
) -> pd.DataFrame:
    """Open, high, low, close, volume on a walk."""
    rng = np.random.default_rng([seed, 20240102])
    index = thin(index, rng, missing)
    n = len(index)
    close = np.maximum(round(price / tick) + np.cumsum(rng.integers(-6, 7, n)), 40)
    opens = np.maximum(np.concatenate((close[:1], close[:-1])) + rng.integers(-1, 2, n), 40)
    high = np.maximum(opens, close) + rng.integers(0, 5, n)
    low = np.minimum(opens, close) - rng.integers(0, 5, n)
    traded = rng.integers(0, 900, n)
    size = traded * 0.37 if volume.startswith("float") else traded
    frame = pd.DataFrame({"open": opens, "high": high, "low": low, "close": close}, index=index)
    frame = (frame * tick).astype(dtype)
    return frame.assign(volume=pd.Series(size, index=index).astype(volume))


def in_unit(frame: pd.DataFrame, unit: str, zone: Any = None) -> pd.DataFrame:
    """The same bars with stamps of another unit and zone; zone "naive" drops New York's."""
    index = pd.DatetimeIndex(frame.index)
    if zone == "naive":
        index = index.tz_localize(None)
    elif zone is not None:
        index = index.tz_convert(zone)
    return frame.set_axis(index.as_unit(unit))


def with_quotes(frame: pd.DataFrame, seed: int, holes: float = 0.1) -> pd.DataFrame:
    """Bid, ask, their sizes and the bid's time, with holes."""
    rng = np.random.default_rng([seed, 77])
    n = len(frame)
    frame = frame.copy()
    frame["bid"] = frame["close"] - 0.25 * rng.integers(0, 3, n)
    frame["ask"] = frame["close"] + 0.25 * rng.integers(0, 3, n)
    frame["bid_size"] = rng.integers(1, 50, n).astype(float)
    frame["ask_size"] = rng.integers(1, 50, n).astype(float)
    frame["last_bid_time"] = frame.index - pd.Timedelta("3s")
    for name in ("bid", "ask", "bid_size", "last_bid_time"):
        frame.loc[rng.random(n) < holes, name] = pd.NaT if name.endswith("time") else np.nan
    return frame


def with_nan(frame: pd.DataFrame, seed: int, columns: tuple[str, ...], share: float = 0.08):
    rng = np.random.default_rng([seed, 5])
    frame = frame.copy()
    for name in columns:
        frame[name] = frame[name].astype(float)
        frame.loc[rng.random(len(frame)) < share, name] = np.nan
    return frame


def with_actions(frame: pd.DataFrame, seed: int, share: float = 0.02) -> pd.DataFrame:
    """Dividends and splits on a few bars."""
    rng = np.random.default_rng([seed, 9])
    n = len(frame)
    frame = frame.copy()
    frame["dividend"] = np.where(rng.random(n) < share, 0.37, 0.0)
    frame["stock_splits"] = np.where(rng.random(n) < share / 2, 2.0, 0.0)
    return frame


def data(asset: Asset, frame: pd.DataFrame, step: str = "minute", quote: Any = USD, **more: Any):
    return Data(asset, frame.copy(), timestep=step, quote=quote, **more)


# ---- The scenarios -----------------------------------------------------------------------------


def _mes(unit: str, zone: Any, volume: str, span: tuple[str, str], seed: int) -> Callable[[], Any]:
    frame = in_unit(bars(cme(*span), seed, missing=0.01, volume=volume), unit, zone)
    return lambda: {MES: data(MES, frame)}


def _stock_minutes() -> Callable[[], Any]:
    index = regular_hours("2023-11-20", "2023-12-02", half_days=("2023-11-24",))
    frame = in_unit(bars(index, 3, price=455, tick=0.01, missing=0.02), "s", "naive")
    return lambda: [data(SPY, frame, quote=None)]


def _crypto_quotes() -> Callable[[], Any]:
    frame = bars(always("2024-03-08", "2024-03-13"), 4, price=68000, missing=0.05, volume="float64")
    frame = in_unit(with_quotes(frame, 4), "ms", "Asia/Tokyo")
    return lambda: {(BTC, USDT): data(BTC, frame, quote=USDT)}


def _five_minutes() -> Callable[[], Any]:
    futures = bars(cme("2024-03-04", "2024-03-16", "5min"), 5, missing=0.02)
    stock = bars(regular_hours("2024-03-04", "2024-03-16")[::5], 6, price=510, tick=0.01)
    return lambda: {MES: data(MES, futures), SPY: data(SPY, stock)}


def _hours() -> Callable[[], Any]:
    frame = bars(cme("2024-02-20", "2024-04-05", "1h"), 7, price=1.08, tick=0.0001, missing=0.02)
    frame = in_unit(frame, "us", "UTC")
    return lambda: {EUR: data(EUR, frame, "hour")}


def _half_past_hours() -> Callable[[], Any]:
    days = weekdays("2023-10-20", "2023-12-01")
    stamps = [d + pd.Timedelta(minutes=m) for d in days for m in (570, *range(600, 960, 60))]
    frame = bars(pd.DatetimeIndex(stamps), 8, price=430, tick=0.01, volume="float64")
    return lambda: {SPY: data(SPY, frame, "hour")}


def _daily(zone: Any, unit: str, seed: int, actions: bool) -> Callable[[], Any]:
    days = weekdays("2022-09-01", "2024-03-29", zone)
    frame = bars(days, seed, price=150, tick=0.01, missing=0.02)
    if actions:
        frame = with_actions(frame, seed)
        frame = with_nan(frame, seed, ("dividend", "stock_splits"), 0.05)
    frame = in_unit(frame, unit)
    return lambda: {AAPL: data(AAPL, frame, "day")}


def _daily_close() -> Callable[[], Any]:
    days = weekdays("2023-06-01", "2024-03-29") + pd.Timedelta(hours=16)
    frame = with_actions(bars(days, 12, price=150, tick=0.01, volume="float64"), 12)
    return lambda: {AAPL: data(AAPL, frame, "day")}


def _nan_cells() -> Callable[[], Any]:
    index = regular_hours("2024-03-04", "2024-03-09")
    every = ("open", "high", "low", "close", "volume")
    frame = with_nan(bars(index, 13, price=510, tick=0.01, missing=0.02), 13, every)
    frame.iloc[:3, frame.columns.get_loc("close")] = np.nan
    one = {
        Asset(f"N{name[0].upper()}"): with_nan(bars(index, 14, price=90), 14, (name,))
        for name in every
    }
    return lambda: {SPY: data(SPY, frame), **{a: data(a, f) for a, f in one.items()}}


def _shuffled() -> Callable[[], Any]:
    frame = bars(cme("2024-03-10", "2024-03-14"), 15, missing=0.02, volume="float64")
    frame = frame.assign(vwap=frame["close"] + 0.125, trades=7, note="x")
    rng = np.random.default_rng(15)
    twice = frame.iloc[np.sort(rng.choice(len(frame), 60))]
    twice = twice.assign(close=twice["close"] + 1.5, note="y")
    frame = pd.concat([frame, twice])
    frame = in_unit(frame.iloc[rng.permutation(len(frame))], "ns", "UTC")
    return lambda: {MES: data(MES, frame)}


def _few_rows() -> Callable[[], Any]:
    one = bars(pd.DatetimeIndex([new_york("2024-03-05 10:00")]), 16)
    two = bars(pd.DatetimeIndex([new_york("2024-03-05 10:00"), new_york("2024-03-06 15:00")]), 17)
    return lambda: {
        SPY: data(SPY, one),
        MES: data(MES, two),
        AAPL: data(AAPL, one, "day"),
        EUR: data(EUR, one, "hour"),
    }


def _one_row() -> Callable[[], Any]:
    one = bars(pd.DatetimeIndex([new_york("2024-03-05 10:00")]), 18, price=510)
    return lambda: {SPY: data(SPY, one)}


def _mixed() -> Callable[[], Any]:
    span = ("2024-03-07", "2024-03-13")
    stock = bars(regular_hours(*span), 20, price=510, tick=0.01, missing=0.03)
    option = bars(regular_hours(*span), 21, price=12, tick=0.05, missing=0.4)
    option = with_quotes(option, 21, 0.3)
    index = bars(regular_hours(*span), 22, price=5100, volume="float64").assign(volume=0.0)
    coin = bars(always(*span), 23, price=68000, volume="float64", missing=0.04)
    coin = in_unit(coin, "us", "UTC")
    ether = in_unit(bars(always(*span), 24, price=3900, volume="float64"), "ns", "UTC")
    future = bars(cme("2024-03-08", "2024-03-12"), 25, missing=0.01)
    daily = bars(weekdays("2023-06-01", "2024-03-12"), 26, price=170, tick=0.01)
    return lambda: {
        SPY: data(SPY, stock),
        CALL: data(CALL, option),
        SPX: data(SPX, index),
        (BTC, USDT): data(BTC, coin, quote=USDT),
        (ETH, USD): data(ETH, ether, quote=USD),
        ESH4: data(ESH4, future),
        AAPL: data(AAPL, daily, "day"),
    }


def _narrow_types() -> Callable[[], Any]:
    index = cme("2024-11-01", "2024-11-05")
    small = bars(index, 30, dtype="float32", volume="int32", missing=0.02)
    whole = bars(index, 31, tick=1.0, missing=0.02)
    whole = whole.astype("int64")
    mixed = bars(index, 32, volume="float32", missing=0.02).astype({"high": "float32"})
    unsigned = bars(index, 33, volume="uint64", missing=0.02)
    return lambda: {
        MES: data(MES, small),
        MNQ: data(MNQ, whole),
        ESH4: data(ESH4, mixed),
        SPY: data(SPY, unsigned),
    }


def _trading_hours() -> Callable[[], Any]:
    frame = bars(always("2024-03-07", "2024-03-13"), 34, price=510, tick=0.01, missing=0.02)
    return lambda: {
        SPY: data(SPY, frame, trading_hours_start=time(9, 30), trading_hours_end=time(16, 0)),
        AAPL: data(
            AAPL,
            frame,
            date_start=datetime(2024, 3, 8),
            date_end=datetime(2024, 3, 11),
            trading_hours_start=time(4, 0),
        ),
    }


def _gapped_quotes() -> Callable[[], Any]:
    rng = np.random.default_rng(35)
    index = regular_hours("2024-03-04", "2024-03-12")
    index = index[(index.hour != 12) & (index.hour != 13) & (index.hour != 14)]
    frame = with_quotes(bars(index, 35, price=20, tick=0.05), 35, 0.3)
    frame.loc[rng.random(len(frame)) < 0.02, "bid"] = 0.0
    frame.loc[rng.random(len(frame)) < 0.02, "ask"] = -1.0
    frame["last_ask_time"] = frame.index.tz_convert("UTC") - pd.Timedelta("1s")
    flat = bars(index, 36, price=20, tick=0.05)
    flat = flat.assign(bid=flat["close"], ask=flat["close"])
    daily = bars(weekdays("2024-01-02", "2024-03-12"), 37, price=20, tick=0.05)
    daily = with_quotes(daily, 37, 0.4)
    return lambda: {
        SPY: data(SPY, frame),
        CALL: data(CALL, flat),
        AAPL: data(AAPL, daily, "day"),
    }


def _fractions() -> Callable[[], Any]:
    index = cme("2024-03-10", "2024-03-13")
    late = bars(index + pd.Timedelta("30s"), 38, missing=0.02)
    odd = bars(index + pd.Timedelta("100ms"), 39, missing=0.02)
    return lambda: {MES: data(MES, late), MNQ: data(MNQ, in_unit(odd, "us"))}


def _long() -> Callable[[], Any]:
    frame = bars(cme("2024-02-04", "2024-04-12"), 40, missing=0.003)
    return lambda: {MES: data(MES, frame)}


def _minute_actions() -> Callable[[], Any]:
    frame = bars(regular_hours("2024-03-04", "2024-03-14"), 41, price=170, tick=0.01, missing=0.02)
    frame = with_actions(frame, 41, 0.004)
    both = with_nan(frame, 41, ("dividend", "stock_splits"), 0.1)
    only = frame.drop(columns="dividend")
    return lambda: {SPY: data(SPY, frame), AAPL: data(AAPL, both), SPX: data(SPX, only)}


def _bad_prices() -> Callable[[], Any]:
    frame = bars(regular_hours("2024-03-04", "2024-03-07"), 42, price=10, tick=0.25)
    rng = np.random.default_rng(42)
    n = len(frame)
    values = frame.to_numpy(copy=True)
    for bad in (0.0, -0.0, -5.0, np.inf, -np.inf, 1e300, 5e-324):
        values[rng.random(n) < 0.01, rng.integers(0, 4)] = bad
    frame = pd.DataFrame(values, frame.index, frame.columns)
    return lambda: {SPY: data(SPY, frame)}


def _missing_columns() -> Callable[[], Any]:
    frame = bars(regular_hours("2024-03-04", "2024-03-07"), 43, price=10, tick=0.25, missing=0.02)
    return lambda: {
        SPY: data(SPY, frame.drop(columns="volume")),
        AAPL: data(AAPL, frame[["close", "volume"]]),
        SPX: data(SPX, frame[["volume", "close", "low", "high", "open"]]),
    }


def _capitals() -> Callable[[], Any]:
    frame = bars(regular_hours("2024-03-04", "2024-03-07"), 44, price=10, missing=0.02)
    frame.columns = ["Open", "HIGH", "Low", "Close", "Volume"]
    stamped = frame.rename_axis("Datetime").reset_index()
    return lambda: {SPY: data(SPY, frame), AAPL: data(AAPL, stamped)}


def scenarios() -> list[Scenario]:
    """Every scenario; the counts sum to more than twenty thousand."""
    spring, autumn = ("2024-03-07", "2024-03-13"), ("2024-10-31", "2024-11-06")
    odd_steps = ("minute", "1 minute", "5min", "15 minutes", "30m", "hour", "2 hours", "day", "1D")
    daily_steps = ("day", "1D", "1 day", "2 days", "minute", "hour", "5 days")
    hour_steps = ("hour", "1h", "2 hours", "4 hours", "day", "minute", "5 minutes")
    at = new_york
    return [
        Scenario(
            "futures-spring-ns-utc",
            _mes("ns", "UTC", "int64", spring, 1),
            at("2024-03-08 09:30"),
            at("2024-03-12 16:00"),
            ((MES, None), (MES, USD)),
            odd_steps,
            1500,
            5000,
        ),
        Scenario(
            "futures-autumn-us-new-york",
            _mes("us", None, "float64", autumn, 2),
            at("2024-11-01 09:30"),
            at("2024-11-05 16:00"),
            ((MES, None), (MES, USD)),
            n_requests=1300,
            longest=3000,
        ),
        Scenario(
            "futures-tokyo-s",
            _mes("s", "Asia/Tokyo", "int64", spring, 3),
            at("2024-03-08 00:00"),
            at("2024-03-12 23:59"),
            ((MES, USD), (MES, EUR)),
            n_requests=700,
            longest=2000,
        ),
        Scenario(
            "stock-half-day-s-naive",
            _stock_minutes(),
            at("2023-11-20 00:00"),
            at("2023-12-01 23:00"),
            ((SPY, None), (SPY, USD)),
            odd_steps,
            1100,
            1500,
        ),
        Scenario(
            "crypto-quotes-ms-tokyo",
            _crypto_quotes(),
            at("2024-03-09 00:00"),
            at("2024-03-12 12:00"),
            ((BTC, USDT), (BTC, None), (BTC, USD)),
            n_requests=1200,
            longest=2500,
        ),
        Scenario(
            "five-minute-bars-as-minute",
            _five_minutes(),
            at("2024-03-05 09:30"),
            at("2024-03-15 16:00"),
            ((MES, None), (SPY, None)),
            n_requests=1100,
            longest=1000,
        ),
        Scenario(
            "hours-us-utc",
            _hours(),
            at("2024-02-22 00:00"),
            at("2024-04-03 00:00"),
            ((EUR, USD), (EUR, None)),
            hour_steps,
            1000,
            400,
        ),
        Scenario(
            "hours-after-half-an-hour",
            _half_past_hours(),
            at("2023-10-23 09:30"),
            at("2023-11-30 16:00"),
            ((SPY, None),),
            hour_steps,
            900,
            200,
        ),
        Scenario(
            "daily-actions-new-york",
            _daily(NEW_YORK, "ns", 10, True),
            at("2023-01-03 00:00"),
            at("2024-03-28 00:00"),
            ((AAPL, None), (AAPL, USD)),
            daily_steps,
            1300,
            500,
        ),
        Scenario(
            "daily-utc-midnight",
            _daily("UTC", "us", 11, False),
            at("2023-01-03 09:30"),
            at("2024-03-20 16:00"),
            ((AAPL, None),),
            daily_steps,
            700,
            400,
        ),
        Scenario(
            "daily-stamped-at-close",
            _daily_close(),
            at("2023-08-01 00:00"),
            at("2024-03-28 20:00"),
            ((AAPL, None),),
            daily_steps,
            700,
            300,
        ),
        Scenario(
            "nan-cells",
            _nan_cells(),
            at("2024-03-04 09:00"),
            at("2024-03-08 17:00"),
            tuple((Asset(n), None) for n in ("SPY", "NO", "NH", "NL", "NC", "NV")),
            n_requests=1400,
            longest=800,
        ),
        Scenario(
            "unsorted-duplicates-extra-columns",
            _shuffled(),
            at("2024-03-11 09:30"),
            at("2024-03-13 12:00"),
            ((MES, None),),
            n_requests=800,
            longest=1500,
        ),
        Scenario(
            "few-rows",
            _few_rows(),
            at("2024-03-05 09:00"),
            at("2024-03-07 16:00"),
            ((SPY, None), (MES, None), (AAPL, None), (EUR, None)),
            (*odd_steps, "2 days"),
            700,
            20,
        ),
        Scenario(
            "one-row",
            _one_row(),
            at("2024-03-05 09:00"),
            at("2024-03-07 16:00"),
            ((SPY, None),),
            n_requests=300,
            longest=20,
        ),
        Scenario(
            "many-assets",
            _mixed(),
            at("2024-03-08 09:30"),
            at("2024-03-12 16:00"),
            (
                *((a, None) for a in (SPY, CALL, SPX, ESH4, AAPL, ETH)),
                (BTC, USDT),
                (ETH, USD),
                (ETH, USDT),
                (Asset("QQQ"), None),
                (Asset("DOGE", Asset.AssetType.CRYPTO), USDT),
            ),
            odd_steps,
            2000,
            800,
        ),
        Scenario(
            "narrow-types",
            _narrow_types(),
            at("2024-11-01 09:30"),
            at("2024-11-04 16:00"),
            ((MES, None), (MNQ, None), (ESH4, None), (SPY, None)),
            n_requests=1200,
            longest=1500,
        ),
        Scenario(
            "trading-hours",
            _trading_hours(),
            at("2024-03-07 00:00"),
            at("2024-03-12 23:00"),
            ((SPY, None), (AAPL, None)),
            n_requests=900,
            longest=900,
        ),
        Scenario(
            "quotes-across-gaps",
            _gapped_quotes(),
            at("2024-03-04 09:00"),
            at("2024-03-11 16:00"),
            ((SPY, None), (CALL, None), (AAPL, None)),
            n_requests=1100,
            longest=600,
        ),
        Scenario(
            "stamps-with-fractions",
            _fractions(),
            at("2024-03-11 00:00"),
            at("2024-03-12 16:00"),
            ((MES, None), (MNQ, None)),
            n_requests=700,
            longest=1000,
        ),
        Scenario(
            "more-than-fifty-thousand-rows",
            _long(),
            at("2024-02-06 09:30"),
            at("2024-04-11 16:00"),
            ((MES, None),),
            n_requests=500,
            longest=5000,
        ),
        Scenario(
            "minute-actions",
            _minute_actions(),
            at("2024-03-05 09:30"),
            at("2024-03-13 16:00"),
            ((SPY, None), (AAPL, None), (SPX, None)),
            n_requests=900,
            longest=800,
        ),
        Scenario(
            "zero-negative-and-infinite-prices",
            _bad_prices(),
            at("2024-03-04 09:30"),
            at("2024-03-06 16:00"),
            ((SPY, None),),
            n_requests=600,
            longest=400,
        ),
        Scenario(
            "missing-and-reordered-columns",
            _missing_columns(),
            at("2024-03-04 09:30"),
            at("2024-03-06 16:00"),
            ((SPY, None), (AAPL, None), (SPX, None)),
            n_requests=600,
            longest=300,
        ),
        Scenario(
            "capital-letters-and-a-time-column",
            _capitals(),
            at("2024-03-04 09:30"),
            at("2024-03-06 16:00"),
            ((SPY, None), (AAPL, None)),
            n_requests=400,
            longest=300,
        ),
        Scenario(
            "before-load-data",
            _mes("ns", "UTC", "int64", ("2024-03-10", "2024-03-13"), 45),
            at("2024-03-11 09:30"),
            at("2024-03-12 12:00"),
            ((MES, None),),
            n_requests=400,
            longest=600,
            load=False,
        ),
    ]


# ---- Chance ------------------------------------------------------------------------------------

_CALENDARS: tuple[Callable[[str, str], pd.DatetimeIndex], ...] = (cme, regular_hours, always)
_WEEKS = (
    ("2024-03-07", "2024-03-12"),
    ("2024-10-31", "2024-11-05"),
    ("2023-11-22", "2023-11-28"),
    ("2023-12-29", "2024-01-03"),
    ("1999-12-30", "2000-01-04"),
)
_KINDS: tuple[tuple[Asset, Asset | None], ...] = (
    (MES, None),
    (SPY, USD),
    (BTC, USDT),
    (ETH, USD),
    (EUR, USD),
    (CALL, None),
    (SPX, None),
    (ESH4, None),
)


def random_scenario(number: int) -> Scenario:
    """Assets, calendars, steps, types, zones, units, holes and extra columns drawn at random."""
    rng = np.random.default_rng([number, 20260101])
    span = _WEEKS[int(rng.integers(len(_WEEKS)))]
    chosen = rng.choice(len(_KINDS), int(rng.integers(1, 4)), replace=False)
    parts = [_random_part(_KINDS[i], span, rng) for i in chosen]
    first, last = pd.Timestamp(span[0], tz=NEW_YORK), pd.Timestamp(span[1], tz=NEW_YORK)
    start = first + pd.Timedelta(minutes=int(rng.integers(0, 2000)))
    end = last - pd.Timedelta(minutes=int(rng.integers(0, 2000)))
    return Scenario(
        f"chance-{number}",
        lambda: {
            (asset, quote or USD): data(asset, frame, step, quote, **more)
            for asset, quote, frame, step, more in parts
        },
        start.to_pydatetime(),
        end.to_pydatetime(),
        tuple((asset, quote) for asset, quote, *_ in parts),
        ("minute", "5 minutes", "hour", "day", "7min", "3 hours", "2 days"),
        n_requests=150,
        longest=int(rng.choice([30, 400, 2000])),
    )


def _random_part(kind: tuple[Asset, Asset | None], span: tuple[str, str], rng: Any) -> tuple:
    asset, quote = kind
    step = str(rng.choice(["minute", "minute", "minute", "hour", "day"]))
    index = _random_index(step, span, rng)
    seed = int(rng.integers(1 << 30))
    frame = bars(
        index,
        seed,
        price=float(rng.choice([4.0, 150.0, 70000.0])),
        tick=float(rng.choice([0.25, 0.01, 1.0])),
        missing=float(rng.choice([0.0, 0.02, 0.6])),
        volume=str(rng.choice(["int64", "float64", "int32", "float32"])),
        dtype=str(rng.choice(["float64", "float64", "float32"])),
    )
    frame = _random_columns(frame, seed, rng)
    zone = (None, "UTC", "Asia/Tokyo", "naive")[int(rng.integers(4))]
    if zone == "naive" and not _survives_naive(frame.index):
        zone = None
    frame = in_unit(frame, str(rng.choice(["s", "ms", "us", "ns"])), zone)
    if rng.random() < 0.2:
        frame = pd.concat([frame, frame.iloc[:: max(1, len(frame) // 7)]])
    if rng.random() < 0.2 and frame.index.is_unique:
        frame = frame.iloc[rng.permutation(len(frame))]
    more: dict[str, Any] = {}
    if rng.random() < 0.15:
        more = {"trading_hours_start": time(9, 31), "trading_hours_end": time(15, 45)}
        frame = frame if _any_inside(frame, more) else frame.set_axis(frame.index)
        more = more if _any_inside(frame, more) else {}
    return asset, quote, frame, step, more


def _random_index(step: str, span: tuple[str, str], rng: Any) -> pd.DatetimeIndex:
    if step == "day":
        days = (
            weekdays("2022-12-01", span[1]) if span[0] > "2023" else weekdays("1999-01-04", span[1])
        )
        return days + pd.Timedelta(hours=int(rng.choice([0, 0, 16])))
    index = _CALENDARS[int(rng.integers(len(_CALENDARS)))](*span)
    if step == "hour":
        return index[index.minute == int(rng.choice([0, 30]))]
    every = int(rng.choice([1, 1, 1, 5, 15]))
    index = index[index.minute % every == 0]
    return index + pd.Timedelta(seconds=int(rng.choice([0, 0, 0, 30])))


def _random_columns(frame: pd.DataFrame, seed: int, rng: Any) -> pd.DataFrame:
    if rng.random() < 0.3:
        frame = with_actions(frame, seed)
    if rng.random() < 0.3:
        frame = with_quotes(frame, seed, 0.3)
    if rng.random() < 0.3:
        names = [name for name in frame.columns if frame[name].dtype.kind in "fi"]
        some = tuple(rng.choice(names, int(rng.integers(1, 4)), replace=False))
        frame = with_nan(frame, seed, some, float(rng.choice([0.01, 0.3])))
    if rng.random() < 0.2:
        frame = frame.assign(vwap=frame["close"] + 0.125, flag=True, note="x")
    if rng.random() < 0.1:
        frame = frame.assign(**{"return": 0.5})
    if rng.random() < 0.2:
        frame = frame[list(rng.permutation(frame.columns))]
    return frame


def _survives_naive(index: pd.DatetimeIndex) -> bool:
    """Whether the wall clock alone tells each stamp: not in the hour that comes twice."""
    try:
        return bool((index.tz_localize(None).tz_localize(NEW_YORK) == index).all())
    except Exception:
        return False


def _any_inside(frame: pd.DataFrame, hours: dict[str, time]) -> bool:
    local = frame.index if frame.index.tz is not None else frame.index.tz_localize(NEW_YORK)
    local = local.tz_convert(NEW_YORK)
    return len(local.indexer_between_time(*hours.values())) > 0
