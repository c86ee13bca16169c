"""From a number to a backtest: bars, span, market, fees, budget, and what the trader may do.

The number alone decides; nothing is read. Bars are made to meet every rule of the fill model: gaps
over night and inside a session, bars so wide that limit and stop of a bracket lie in one, flat bars
without volume, minutes and stretches that are missing, both changes of the clock, half days, whole
numbers as prices, quotes with holes, dividends and splits.

`scenario(n).make_data()` builds the data afresh: engines write into the frames they are given.
Import this module after the engine: its classes are those of whichever engine answers to lumibot's
name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from lumibot.entities import Asset, Data, TradingFee
from offline import NEW_YORK
from parity_data import always, cme, regular_hours, weekdays

USD = Asset("USD", Asset.AssetType.FOREX)
USDT = Asset("USDT", Asset.AssetType.CRYPTO)

# What a scenario is about; its number modulo this list's length. The first kinds are the plainer.
KINDS = (
    "futures",
    "stock",
    "crypto",
    "daily",
    "futures",
    "stock",
    "mixed",
    "crypto",
    "forex",
    "hourly",
    "daily",
    "futures",
)
# What the trader does in it; (number // 12) modulo this list's length.
PROFILES: tuple[dict[str, Any], ...] = (
    {"name": "market", "actions": {"market": 5, "leave": 2, "close": 1}},
    {
        "name": "entries",
        "actions": {"market": 1, "limit": 4, "stop": 4, "stop_limit": 3, "trail": 3, "leave": 2},
    },
    {
        "name": "classes",
        "actions": {"bracket": 5, "oto": 3, "oco": 3, "market": 1, "leave": 2, "cancel_all": 1},
    },
    {
        "name": "in force",
        "actions": {"market": 1, "limit": 5, "stop": 3, "trail": 1, "bracket": 1, "leave": 1},
        "forces": ("default", "gtc", "day", "gtd", "ioc", "fok"),
    },
    {
        "name": "changes",
        "actions": {
            "limit": 3,
            "stop": 3,
            "bracket": 2,
            "oco": 1,
            "market": 2,
            "modify": 4,
            "cancel_one": 2,
            "cancel_some": 1,
            "cancel_all": 1,
            "close": 1,
            "close_twice": 1,
            "close_many": 1,
            "sell_everything": 1,
            "selling": 1,
        },
    },
    {
        "name": "everything",
        "actions": {
            "market": 4,
            "limit": 4,
            "stop": 3,
            "stop_limit": 2,
            "trail": 3,
            "bracket": 3,
            "oto": 2,
            "oco": 2,
            "several": 1,
            "again": 0.4,
            "modify": 2,
            "cancel_one": 1,
            "cancel_some": 1,
            "cancel_all": 1,
            "close": 1,
            "close_twice": 0.5,
            "close_many": 0.5,
            "leave": 1,
            "selling": 0.5,
            "sell_everything": 0.5,
            "odd": 0.7,
            "rest": 0.3,
        },
        "forces": ("default", "gtc", "gtc", "day", "gtd", "ioc", "fok"),
        "hooks": True,
    },
)

STEPS = {"daily": ("day",), "hourly": ("hour", "day")}
MINUTE_STEPS = ("minute", "minute", "minute", "5 minutes", "15 minutes", "hour", "day")
OHLC = ("open", "high", "low", "close")
# Two weeks about each change of the clock, one about Thanksgiving with its half day, one plain.
WEEKS = (
    ("2024-03-04", "2024-03-16"),
    ("2024-10-28", "2024-11-08"),
    ("2023-11-20", "2023-12-01"),
    ("2024-01-08", "2024-01-19"),
)
HALF_DAYS = ("2023-11-24",)


@dataclass(frozen=True)
class Part:
    """One asset's data."""

    asset: Asset
    quote: Asset | None
    step: str
    frame: pd.DataFrame
    terms: dict[str, Any]

    def make(self) -> Data:
        return Data(self.asset, self.frame.copy(), timestep=self.step, quote=self.quote or USD)


@dataclass(frozen=True)
class Scenario:
    number: int
    kind: str
    profile: str
    parts: tuple[Part, ...]
    start: datetime
    end: datetime
    budget: float
    parameters: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)

    def make_data(self) -> dict[Any, Data]:
        return {(part.asset, part.quote or USD): part.make() for part in self.parts}

    def summary(self) -> dict[str, Any]:
        """What a report says of it."""
        return {
            "kind": self.kind,
            "profile": self.profile,
            "market": self.parameters["market"],
            "sleep": str(self.parameters["sleep"]),
            "span": f"{self.start} to {self.end}",
            "assets": [f"{p.asset.symbol} {p.step} {len(p.frame)}" for p in self.parts],
            "fees": sorted(self.options),
        }


# ---- Bars --------------------------------------------------------------------------------------


def bars(index: pd.DatetimeIndex, rng: Any, price: float, tick: float) -> pd.DataFrame:
    """A walk in ticks: small steps, now and then a gap, a wide bar or one without trades."""
    n = len(index)
    step = int(rng.integers(1, 9))
    moves = rng.integers(-step, step + 1, n)
    gaps = np.where(rng.random(n) < 0.08, rng.integers(-9 * step, 9 * step + 1, n), 0)
    gaps += np.where(rng.random(n) < 0.3, rng.integers(-1, 2, n), 0)
    opens = round(price / tick) + np.cumsum(gaps) + np.concatenate(([0], np.cumsum(moves)[:-1]))
    close = opens + moves
    wick = np.where(rng.random(n) < 0.12, 7 * step, step)
    high = np.maximum(opens, close) + rng.integers(0, wick + 1)
    low = np.minimum(opens, close) - rng.integers(0, wick + 1)
    volume = rng.integers(0, 900, n)
    flat = rng.random(n) < 0.06
    for column in (close, high, low):
        column[flat] = opens[flat]
    volume[flat] = 0
    columns = {"open": opens, "high": high, "low": low, "close": close}
    frame = pd.DataFrame({k: np.maximum(v, 20) for k, v in columns.items()}, index=index)
    frame = frame.astype("int64") if tick == 1 and rng.random() < 0.5 else frame * tick
    frame["volume"] = volume if rng.random() < 0.6 else volume * 0.37
    return frame


def thin(index: pd.DatetimeIndex, rng: Any) -> pd.DatetimeIndex:
    """Without some rows, and now and then without a stretch of them."""
    share = float(rng.choice([0.0, 0.02, 0.15]))
    keep = rng.random(len(index)) >= share
    if len(index) > 120 and rng.random() < 0.3:
        hole = int(rng.integers(40, len(index) - 40))
        keep[hole : hole + int(rng.integers(3, 40))] = False
    return pd.DatetimeIndex(index[keep], freq=None)


def with_quotes(frame: pd.DataFrame, rng: Any, tick: float) -> pd.DataFrame:
    """Bid and ask about the close, with holes."""
    n = len(frame)
    frame = frame.assign(
        bid=frame["close"] - tick * rng.integers(0, 4, n),
        ask=frame["close"] + tick * rng.integers(0, 4, n),
    )
    holes = float(rng.choice([0.0, 0.1, 0.6]))
    for name in ("bid", "ask"):
        frame.loc[rng.random(n) < holes, name] = np.nan
    return frame


def with_actions(frame: pd.DataFrame, rng: Any) -> pd.DataFrame:
    """Dividends on a few rows, a split or two on which the price jumps."""
    n = len(frame)
    frame = frame.assign(dividend=np.where(rng.random(n) < 0.05, 0.37, 0.0), stock_splits=0.0)
    for _ in range(int(rng.integers(0, 3))):
        row, factor = int(rng.integers(n // 3, n)), float(rng.choice([2.0, 3.0, 0.5]))
        frame.iloc[row, frame.columns.get_loc("stock_splits")] = factor
        prices = [frame.columns.get_loc(name) for name in OHLC]
        frame.iloc[row:, prices] = frame.iloc[row:, prices] / factor
    return frame


# ---- Parts -------------------------------------------------------------------------------------

PRICES: dict[str, tuple[float, tuple[float, ...], tuple[Any, ...]]] = {
    # symbol: price, possible ticks, sizes of an order (texts become Decimals)
    "MES": (4800.0, (0.25, 0.25, 1.0), (1, 1, 2, 3, 5)),
    "MNQ": (16900.0, (0.25, 1.0), (1, 2, 4)),
    "SPY": (470.0, (0.01, 0.01, 1.0), (1, 10, 25, 3.0, 1.5)),
    "AAPL": (180.0, (0.01,), (1, 7, 40)),
    "KO": (58.0, (0.01,), (2, 30, 100)),
    "BTC": (43000.0, (0.5, 0.01), (0.25, 1.5, 0.1, "0.125", 1)),
    "ETH": (2300.0, (0.01,), (0.5, 2, "3.3", 0.001)),
    "EUR": (1.09, (0.0001, 0.00001), (1000, 250, 12.5)),
}


def part(asset: Asset, quote: Asset | None, step: str, index: Any, rng: Any) -> Part:
    price, ticks, sizes = PRICES[asset.symbol]
    tick = float(rng.choice(ticks))
    frame = bars(thin(index, rng), rng, price, tick)
    kind = asset.asset_type
    if rng.random() < {"crypto": 0.3, "forex": 0.4, "stock": 0.25}.get(kind, 0.1):
        frame = with_quotes(frame, rng, tick)
    if kind == "stock" and rng.random() < (0.7 if step == "day" else 0.15):
        frame = with_actions(frame.astype(dict.fromkeys(OHLC, float)), rng)
    typical = float((frame["high"] - frame["low"]).mean()) or tick
    unit = str(rng.choice(["ns", "ns", "us", "s"]))
    frame.index = pd.DatetimeIndex(frame.index).as_unit(unit)
    return Part(asset, quote, step, frame, {"range": typical, "tick": tick, "sizes": sizes})


def future(symbol: str, rng: Any) -> Asset:
    multiplier = rng.choice([None, 5, 2])
    more = {} if multiplier is None else {"multiplier": int(multiplier)}
    return Asset(symbol, Asset.AssetType.CONT_FUTURE, **more)


# ---- Spans -------------------------------------------------------------------------------------

BOUNDARIES = {
    # Instants worth crossing: halts, midnights, weekends, closes, changes of the clock.
    "futures": ("halt", "midnight", "weekend", "clocks"),
    "stock": ("close", "close", "weekend"),
    "crypto": ("midnight", "clocks", "clocks"),
    "forex": ("midnight", "clocks"),
}


def _boundary(name: str, index: pd.DatetimeIndex, rng: Any) -> int:
    """A row near which the run is to lie."""
    local = index.tz_convert(NEW_YORK)
    later = local[1:]
    hop = np.asarray((local[1:] - local[:-1]) > pd.Timedelta(minutes=30))
    rows = {
        "halt": hop,
        "close": hop,
        "weekend": np.asarray((local[1:] - local[:-1]) > pd.Timedelta(hours=30)),
        "midnight": np.asarray((later.hour == 0) & (later.minute == 0)),
        "clocks": np.diff([stamp.utcoffset().total_seconds() for stamp in local]) != 0,
    }[name]
    found = np.flatnonzero(rows)
    return int(rng.choice(found)) if len(found) else int(rng.integers(len(index)))


def span(kind: str, index: pd.DatetimeIndex, length: int, rng: Any) -> tuple[int, int]:
    """First and last row of the run within index, with some rows before the first."""
    warm = int(rng.integers(3, 80))
    where = int(rng.integers(len(index)))
    if rng.random() < 0.7:
        where = _boundary(str(rng.choice(BOUNDARIES[kind])), index, rng)
        where -= int(rng.integers(0, length))
    first = min(max(where, warm), max(len(index) - length - 2, warm))
    return first, min(first + length, len(index) - 1)


SLEEPS = {
    # sleeptime: minutes of the calendar a run may take, and seconds a step
    "1M": (50, 100, 60),
    "30S": (25, 45, 30),
    "5M": (200, 400, 300),
    "7M": (250, 500, 420),
    "15M": (400, 1000, 900),
    "1H": (1500, 4000, 3600),
}
MOST_STEPS = 110
PYTHON_SLEEPS = {"5M": (5, "5m", "300S"), "1M": (1, "60S", "1M"), "1H": ("1H", "60M")}


def _sleep(rng: Any, kind: str) -> tuple[Any, int, int]:
    """The sleeptime in one of its spellings, rows of the calendar, seconds a step."""
    names = ["1M", "1M", "1M", "30S", "5M", "7M", "15M", "1H"]
    name = str(rng.choice(names))
    low, high, seconds = SLEEPS[name]
    if kind == "stock" and name in ("1H", "15M"):
        low, high = low // 3, high // 3
    forms = PYTHON_SLEEPS.get(name, (name,))
    return forms[int(rng.integers(len(forms)))], int(rng.integers(low, high)), seconds


def _not_after(start: Any, end: Any, seconds: int, market: str) -> Any:
    """The end, or where a clock that knows no closed market has made its steps."""
    last = start + pd.Timedelta(seconds=seconds * MOST_STEPS)
    return min(end, last) if market == "24/7" or seconds > 60 else end


# ---- Scenarios ---------------------------------------------------------------------------------


def scenario(number: int) -> Scenario:
    """The backtest of that number, the same wherever it is asked for."""
    rng = np.random.default_rng([number, 20260214])
    kind = KINDS[number % len(KINDS)]
    profile = PROFILES[number // len(KINDS) % len(PROFILES)]
    parts, start, end, sleep, market = _BUILD[kind](rng)
    parameters = {
        "seed": number,
        "market": market,
        "sleep": sleep,
        "pairs": tuple((p.asset, p.quote) for p in parts),
        "terms": {p.asset.symbol: p.terms for p in parts},
        "actions": profile["actions"],
        "steps": STEPS.get(kind, MINUTE_STEPS),
        "activity": float(rng.choice([0.25, 0.5, 0.5, 0.9, 1.4])),
        "crowd": int(rng.choice([3, 5, 8])),
        "forces": profile.get("forces", ("gtc",)),
        "hooks": profile.get("hooks", False),
        "raises_at": int(rng.integers(2, 60)) if number % 97 == 96 else 0,
        "minutes": _minutes(rng, profile),
    }
    return Scenario(
        number,
        kind,
        profile["name"],
        parts,
        start,
        end,
        float(rng.choice([100_000.0, 100_000.0, 5_000.0, 12_345.67, 1e6])),
        parameters,
        _options(rng, kind),
    )


def _minutes(rng: Any, profile: dict[str, Any]) -> dict[str, int]:
    if profile["name"] != "everything" or rng.random() < 0.5:
        return {}
    return {
        "minutes_before_closing": int(rng.choice([0, 1, 5])),
        "minutes_before_opening": int(rng.choice([0, 30, 60])),
    }


def _options(rng: Any, kind: str) -> dict[str, Any]:
    choice = float(rng.random())
    options: dict[str, Any] = {}
    if choice < 0.7:
        options["buy_trading_fees"] = [_fee(rng) for _ in range(int(rng.integers(1, 3)))]
    if 0.1 < choice < 0.75:
        options["sell_trading_fees"] = [_fee(rng) for _ in range(int(rng.integers(1, 3)))]
    return options


def _fee(rng: Any) -> TradingFee:
    kinds = (
        {"flat_fee": 0.5},
        {"flat_fee": 1.234},
        {"percent_fee": 0.0007},
        {"per_contract_fee": 0.65},
        {"flat_fee": 0.1, "percent_fee": 0.001, "per_contract_fee": 0.05},
    )
    sides = ({}, {}, {"maker": False}, {"taker": False})
    more = kinds[int(rng.integers(len(kinds)))] | sides[int(rng.integers(len(sides)))]
    return TradingFee(**more)


Built = tuple[tuple[Part, ...], datetime, datetime, Any, str]


def _minutes_run(kind: str, calendar: pd.DatetimeIndex, market: str, rng: Any) -> tuple[Any, ...]:
    """Rows of the calendar that become data; start, end and sleep of the run within them."""
    sleep, length, seconds = _sleep(rng, kind)
    first, last = span(kind, calendar, length, rng)
    warm = min(first, int(rng.integers(3, 80)))
    rows = calendar[first - warm : min(last + int(rng.integers(1, 40)), len(calendar))]
    start, end = calendar[first], _not_after(calendar[first], calendar[last], seconds, market)
    if rng.random() < 0.25:
        start -= pd.Timedelta(minutes=int(rng.integers(1, 300)))
    if rng.random() < 0.25:
        end += pd.Timedelta(minutes=int(rng.integers(1, 300)))
    rows = rows[rows <= end + pd.Timedelta(hours=2)]
    return rows, start.to_pydatetime(), end.to_pydatetime(), sleep


def _week(rng: Any) -> tuple[str, str]:
    return WEEKS[int(rng.choice([0, 0, 1, 1, 2, 2, 3]))]


def _futures(rng: Any) -> Built:
    market = str(rng.choice(["us_futures", "us_futures", "24/7"]))
    rows, start, end, sleep = _minutes_run("futures", cme(*_week(rng)), market, rng)
    parts = [part(future("MES", rng), None, "minute", rows, rng)]
    if rng.random() < 0.3:
        parts.append(part(future("MNQ", rng), None, "minute", rows, rng))
    return tuple(parts), start, end, sleep, market


def _stock(rng: Any) -> Built:
    calendar = regular_hours(*_week(rng), HALF_DAYS)
    rows, start, end, sleep = _minutes_run("stock", calendar, "NYSE", rng)
    parts = [part(Asset("SPY"), None, "minute", rows, rng)]
    for symbol in ("AAPL", "KO"):
        if rng.random() < 0.25:
            parts.append(part(Asset(symbol), None, "minute", rows, rng))
    return tuple(parts), start, end, sleep, "NYSE"


def _crypto(rng: Any) -> Built:
    rows, start, end, sleep = _minutes_run("crypto", always(*_week(rng)), "24/7", rng)
    quote = USD if rng.random() < 0.7 else USDT
    parts = [part(Asset("BTC", Asset.AssetType.CRYPTO), quote, "minute", rows, rng)]
    if rng.random() < 0.35:
        parts.append(part(Asset("ETH", Asset.AssetType.CRYPTO), quote, "minute", rows, rng))
    return tuple(parts), start, end, sleep, "24/7"


def _forex(rng: Any) -> Built:
    rows, start, end, sleep = _minutes_run("forex", always(*_week(rng)), "24/7", rng)
    euro = Asset("EUR", Asset.AssetType.FOREX)
    return (part(euro, USD, "minute", rows, rng),), start, end, sleep, "24/7"


def _mixed(rng: Any) -> Built:
    """Several markets on one clock.

    Daily bars beside minutes are left to the named run three_markets: lumibot goes through all
    their filled rows at each question (data_sources/data_source.py:840), minutes a run.
    """
    week = _week(rng)
    calendar = always(*week)
    sleep, length, seconds = _sleep(rng, "crypto")
    market = str(rng.choice(["24/7", "NYSE"]))
    first, last = span("crypto", calendar, length, rng)
    begin = calendar[max(first - 60, 0)]
    stop = _not_after(calendar[first], calendar[last], seconds, market)
    within = lambda index: index[(index >= begin) & (index <= stop)]  # noqa: E731
    parts = [part(Asset("BTC", Asset.AssetType.CRYPTO), USD, "minute", within(calendar), rng)]
    hours = regular_hours(*week, HALF_DAYS)
    for asset, index in ((future("MES", rng), cme(*week)), (Asset("SPY"), hours)):
        index = within(index)
        if len(index) > 40:
            parts.append(part(asset, None, "minute", index, rng))
    start, end = calendar[first].to_pydatetime(), stop.to_pydatetime()
    return tuple(parts), start, end, sleep, market


def _daily(rng: Any) -> Built:
    days = weekdays("2023-01-02", "2024-03-29")
    first = int(rng.integers(10, 100))
    last = min(first + int(rng.integers(40, 90)), len(days) - 1)
    hour = int(rng.choice([0, 0, 0, 16]))
    index = days[: last + 5] + pd.Timedelta(hours=hour)
    symbols = ("SPY", "AAPL", "KO")[: int(rng.integers(1, 4))]
    parts = tuple(part(Asset(symbol), None, "day", index, rng) for symbol in symbols)
    start, end = days[first].to_pydatetime(), days[last].to_pydatetime()
    return parts, start, end, "1D", "NYSE"


def _hourly(rng: Any) -> Built:
    week = _week(rng)
    future_hours = rng.random() < 0.5
    calendar = cme(*week, "1h") if future_hours else always(*week, "1h")
    first = int(rng.integers(10, 60))
    last = min(first + int(rng.integers(40, 80)), len(calendar) - 1)
    index = calendar[: last + 3]
    if future_hours:
        made = part(future("MES", rng), None, "hour", index, rng)
    else:
        made = part(Asset("BTC", Asset.AssetType.CRYPTO), USD, "hour", index, rng)
    start, end = calendar[first].to_pydatetime(), calendar[last].to_pydatetime()
    market = str(rng.choice(["us_futures", "24/7"])) if future_hours else "24/7"
    return (made,), start, end, str(rng.choice(["1H", "30M"])), market


_BUILD: dict[str, Callable[[Any], Built]] = {
    "futures": _futures,
    "stock": _stock,
    "crypto": _crypto,
    "forex": _forex,
    "mixed": _mixed,
    "daily": _daily,
    "hourly": _hourly,
}
