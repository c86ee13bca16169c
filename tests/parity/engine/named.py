"""The strategies that the data sources are judged by, for the engine: same code, same bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

import numpy as np
from lumibot.entities import Asset, TradingFee
from offline import new_york
from parity_data import (
    BTC,
    MES,
    SPY,
    USD,
    always,
    bars,
    cme,
    data,
    in_unit,
    regular_hours,
    weekdays,
    with_quotes,
)


@dataclass(frozen=True)
class Named:
    strategy: type
    data: Any
    start: datetime
    end: datetime
    options: dict[str, Any] = field(default_factory=dict)


def fees() -> dict[str, Any]:
    return {"buy_trading_fees": [TradingFee(0.5)], "sell_trading_fees": [TradingFee(0.5)]}


def mes_momentum() -> Named:
    """The seed's workload: every minute two hundred bars, brackets in, `close_position` out."""
    from mes_momentum import MESMomentum

    frame = bars(cme("2024-01-02", "2024-01-06"), 61, price=4760, missing=0.004)
    start, end = new_york("2024-01-03 09:30"), new_york("2024-01-03 13:00")
    return Named(MESMomentum, {MES: data(MES, frame)}, start, end, fees())


def mes_momentum_for_days() -> Named:
    from mes_momentum import MESMomentum

    frame = bars(cme("2024-01-02", "2024-01-06"), 60, price=4760, missing=0.004)
    start, end = new_york("2024-01-03 09:30"), new_york("2024-01-05 16:00")
    return Named(MESMomentum, {MES: data(MES, frame)}, start, end, fees())


def daily_rotation() -> Named:
    from strategies.daily_rotation import DailyRotation

    splits = {"AAA": 2.0, "BBB": 0.25, "CCC": 3.0, "DDD": 1.0}
    made = {
        Asset(symbol): _with_actions(Asset(symbol), 70 + i, split)
        for i, (symbol, split) in enumerate(splits.items())
    }
    start, end = new_york("2022-12-01 00:00"), new_york("2024-03-15 00:00")
    return Named(DailyRotation, made, start, end, fees())


def _with_actions(asset: Asset, seed: int, split: float) -> Any:
    """Quarterly dividends and one split, on which the raw price drops."""
    frame = bars(weekdays("2022-09-01", "2024-03-29"), seed, price=150, tick=0.01, missing=0.01)
    days = np.arange(len(frame))
    frame["dividend"] = np.where(days % 63 == 40, 0.41, 0.0)
    frame["stock_splits"] = np.where(days == 230, split, 0.0)
    frame.loc[days >= 230, ["open", "high", "low", "close"]] /= split
    return data(asset, frame, "day")


def three_markets() -> Named:
    from strategies.three_markets import SLOW, ThreeMarkets

    span = ("2024-03-07", "2024-03-12")
    stock = with_quotes(bars(regular_hours(*span), 81, price=510, tick=0.01, missing=0.02), 81, 0.2)
    coin = bars(always(*span), 82, price=68000, volume="float64", missing=0.02)
    made = {
        MES: data(MES, bars(cme(*span), 80, missing=0.01)),
        SPY: data(SPY, stock),
        (BTC, USD): data(BTC, in_unit(coin, "us", "UTC"), quote=USD),
        SLOW: data(SLOW, bars(weekdays("2023-06-01", "2024-03-11"), 83, price=170), "day"),
    }
    start, end = new_york("2024-03-09 20:00"), new_york("2024-03-11 16:00")
    return Named(ThreeMarkets, made, start, end, fees())


def order_tour() -> Named:
    from strategies.order_tour import OrderTour

    frame = bars(cme("2024-03-07", "2024-03-13"), 90, price=5100, missing=0.01)
    start, end = new_york("2024-03-08 00:00"), new_york("2024-03-11 02:00")
    return Named(OrderTour, {MES: data(MES, frame)}, start, end, fees())


def late_waiter(where: str, wait: str, always: bool = False) -> Named:
    """Bars of two days, and an end of the backtest well after them."""
    from strategies.late_waiter import LateWaiter

    frame = bars(regular_hours("2024-03-07", "2024-03-09"), 91, price=510, tick=0.01)
    start, end = new_york("2024-03-07 09:00"), new_york("2024-03-14 16:00")
    parameters = {"where": where, "wait": wait, "always": always, "day": date(2024, 3, 8)}
    return Named(LateWaiter, {SPY: data(SPY, frame)}, start, end, {"parameters": parameters})


LATE: dict[str, Callable[[], Named]] = {
    f"late_{where}_{wait}{'_always' if always else ''}": partial(late_waiter, where, wait, always)
    for where in ("on_trading_iteration", "after_market_closes")
    for wait in ("open", "close", "ask")
    for always in (False, True)
}


def _survey(made: Any, start: str, end: str, **parameters: Any) -> Named:
    """Every question of the interface, over bars of these assets."""
    from strategies.surveyor import Surveyor

    pairs = tuple(key if isinstance(key, tuple) else (key, None) for key in made)
    options = {"parameters": {"pairs": pairs, **parameters}, **fees()}
    return Named(Surveyor, made, new_york(start), new_york(end), options)


def survey_of_days() -> Named:
    made = {
        Asset(symbol): _with_actions(Asset(symbol), 170 + place, split)
        for place, (symbol, split) in enumerate({"AAA": 2.0, "BBB": 0.25}.items())
    }
    return _survey(
        made, "2023-07-01", "2023-08-10", market="NYSE", sleep="1D", steps=("day", "2 days", "week")
    )


def survey_of_minutes() -> Named:
    span = ("2024-03-05", "2024-03-12")
    stock = with_quotes(
        bars(regular_hours(*span), 181, price=510, tick=0.01, missing=0.02), 81, 0.2
    )
    made = {
        MES: data(MES, bars(cme(*span), 180, missing=0.01)),
        SPY: data(SPY, stock),
    }
    steps = ("minute", "5 minutes", "hour", "day")
    start, end = "2024-03-08 12:00", "2024-03-11 11:00"
    return _survey(made, start, end, market="us_futures", sleep="30M", steps=steps)


def survey_around_the_clock() -> Named:
    coin = bars(
        always("2024-03-07", "2024-03-12"), 182, price=68000, volume="float64", missing=0.02
    )
    made = {(BTC, USD): data(BTC, coin, quote=USD)}
    start, end = "2024-03-09 20:00", "2024-03-10 06:00"
    return _survey(made, start, end, sleep="15M", steps=("minute", "15 minutes", "day"))


RUNS: dict[str, Callable[[], Named]] = {
    "mes_momentum": mes_momentum,
    "daily_rotation": daily_rotation,
    "three_markets": three_markets,
    "order_tour": order_tour,
    "mes_momentum_for_days": mes_momentum_for_days,
    **LATE,
    "survey_of_days": survey_of_days,
    "survey_of_minutes": survey_of_minutes,
    "survey_around_the_clock": survey_around_the_clock,
}
