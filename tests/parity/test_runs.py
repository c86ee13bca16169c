"""Whole runs inside lumibot: over its own data source and over ours they leave the same behind.

Compared to the bit: what the strategy looked at, every event of the trade log, every order with its
transactions, positions, cash, portfolio value, the statistics row of every iteration, the daily
returns and their analysis, and the market-input files. `offline.run` says what is normalised.
"""

from __future__ import annotations

import functools
import json
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import offline
import pandas as pd
import pytest

pytest.importorskip("lumibot", reason="lumibot, the reference, is not installed")

from bits import difference
from lumibot.entities import Asset, TradingFee
from offline import Run, new_york
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
    random_scenario,
    regular_hours,
    weekdays,
    with_quotes,
)

ROOT = Path(__file__).resolve().parents[2]

from mes_momentum import MESMomentum, read_bars
from strategies.daily_rotation import DailyRotation
from strategies.order_tour import OrderTour
from strategies.random_trader import RandomTrader
from strategies.scribbler import Scribbler
from strategies.three_markets import SLOW, ThreeMarkets

SHARED = Path(os.environ.get("MILLIBAR_SHARED", ROOT.parent / "shared"))
REAL_MES = SHARED / "data" / "MES_1m_2026Q1.parquet"
FEES = {"buy_trading_fees": [TradingFee(0.5)], "sell_trading_fees": [TradingFee(0.5)]}

MakeData = Callable[[], Any]


def both(strategy: type, make: MakeData, start: str, end: str, **options: Any) -> tuple[Run, Run]:
    """The run over lumibot's own source, and over the one under test."""
    classes = offline.reference_class(), offline.subject_class()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, second = (
            offline.run(strategy, source, make, new_york(start), new_york(end), **options)
            for source in classes
        )
    return first, second


def must_agree(reference: Run, subject: Run) -> None:
    found = offline.runs_differ(reference, subject)
    assert not found, "reference first:\n" + "\n".join(found)


# ---- MES momentum ------------------------------------------------------------------------------


@functools.cache
def real_mes() -> pd.DataFrame:
    return read_bars(REAL_MES)


def mes_data(frame: pd.DataFrame, start: str, end: str) -> MakeData:
    """The window's bars and those of the four days before it."""
    first, last = new_york(start) - pd.Timedelta(days=4), new_york(end)
    cut = frame[(frame.index >= first) & (frame.index <= last)]
    return lambda: {MES: data(MES, cut)}


REAL_WINDOWS = {
    "january": ("2026-01-20 09:30", "2026-01-22 16:00"),
    "presidents-day": ("2026-02-15 18:00", "2026-02-18 16:00"),
    "clocks-forward": ("2026-03-06 09:30", "2026-03-09 16:00"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL_WINDOWS)
def test_mes_momentum_on_real_bars(name: str) -> None:
    if not REAL_MES.exists():
        pytest.skip(f"{REAL_MES} is absent: set MILLIBAR_SHARED to the folder of the real data")
    start, end = REAL_WINDOWS[name]
    reference, subject = both(MESMomentum, mes_data(real_mes(), start, end), start, end, **FEES)
    assert reference.iterations > 1_500
    assert reference.fills > 300
    must_agree(reference, subject)


@pytest.mark.slow
def test_mes_momentum_on_synthetic_bars() -> None:
    start, end = "2024-01-03 09:30", "2024-01-05 16:00"
    frame = bars(cme("2024-01-02", "2024-01-06"), 60, price=4760, missing=0.004)
    reference, subject = both(MESMomentum, mes_data(frame, start, end), start, end, **FEES)
    assert reference.iterations == 3268
    assert reference.fills > 300
    must_agree(reference, subject)


def test_mes_momentum_for_a_morning() -> None:
    """The quick one, run where the slow ones are left out."""
    start, end = "2024-01-03 09:30", "2024-01-03 13:00"
    frame = bars(cme("2024-01-02", "2024-01-06"), 61, price=4760, missing=0.004)
    reference, subject = both(MESMomentum, mes_data(frame, start, end), start, end, **FEES)
    assert reference.iterations == 210
    assert reference.fills > 20
    must_agree(reference, subject)


# ---- Daily stocks, several markets, every kind of order ----------------------------------------


def stock_with_actions(asset: Asset, seed: int, split: float) -> Any:
    """Quarterly dividends and one split, on which the raw price drops."""
    frame = bars(weekdays("2022-09-01", "2024-03-29"), seed, price=150, tick=0.01, missing=0.01)
    days = np.arange(len(frame))
    frame["dividend"] = np.where(days % 63 == 40, 0.41, 0.0)
    frame["stock_splits"] = np.where(days == 230, split, 0.0)
    prices = ["open", "high", "low", "close"]
    frame.loc[days >= 230, prices] /= split
    return data(asset, frame, "day")


def test_daily_stocks_with_dividends_and_splits() -> None:
    symbols = {"AAA": 2.0, "BBB": 0.25, "CCC": 3.0, "DDD": 1.0}

    def make() -> dict[Asset, Any]:
        named = [(Asset(symbol), split) for symbol, split in symbols.items()]
        return {a: stock_with_actions(a, 70 + i, s) for i, (a, s) in enumerate(named)}

    reference, subject = both(DailyRotation, make, "2022-12-01 00:00", "2024-03-15 00:00", **FEES)
    assert reference.iterations > 300
    assert reference.fills > 50
    kinds = {event["event_kind"] for event in reference.events}
    assert len(kinds) > 1, "the run met no dividend and no split"
    must_agree(reference, subject)


def three_markets_data() -> dict[Any, Any]:
    span = ("2024-03-07", "2024-03-12")
    stock = with_quotes(bars(regular_hours(*span), 81, price=510, tick=0.01, missing=0.02), 81, 0.2)
    coin = in_unit(
        bars(always(*span), 82, price=68000, volume="float64", missing=0.02), "us", "UTC"
    )
    return {
        MES: data(MES, bars(cme(*span), 80, missing=0.01)),
        SPY: data(SPY, stock),
        (BTC, USD): data(BTC, coin, quote=USD),
        SLOW: data(SLOW, bars(weekdays("2023-06-01", "2024-03-11"), 83, price=170), "day"),
    }


def test_three_markets_on_mixed_steps() -> None:
    reference, subject = both(
        ThreeMarkets, three_markets_data, "2024-03-09 20:00", "2024-03-11 16:00", **FEES
    )
    assert reference.iterations > 500
    assert {event["symbol"] for event in reference.events} >= {"MES", "SPY", "BTC"}
    must_agree(reference, subject)


@pytest.mark.slow
def test_every_kind_of_order() -> None:
    frame = bars(cme("2024-03-07", "2024-03-13"), 90, price=5100, missing=0.01)
    start, end = "2024-03-08 00:00", "2024-03-11 02:00"
    reference, subject = both(OrderTour, mes_data(frame, start, end), start, end, **FEES)
    filled = {row["order_type"] for row in reference.orders.values() if row["_status"] == "fill"}
    assert filled >= {"market", "limit", "stop", "trailing_stop"}
    classes = {row["order_class"] for row in reference.orders.values()}
    assert classes >= {"simple", "bracket", "oco", "oto"}
    assert reference.fills > 150
    must_agree(reference, subject)


def test_a_strategy_that_writes_into_its_frames() -> None:
    """Its own columns, its own mistakes, and the record of what it saw, evidence included."""
    frame = bars(cme("2024-01-03", "2024-01-05"), 91, price=4760, missing=0.01)
    start, end = "2024-01-03 20:00", "2024-01-04 01:00"
    reference, subject = both(Scribbler, mes_data(frame, start, end), start, end, **FEES)
    assert reference.iterations > 200
    assert reference.fills > 8
    assert len({same for _, same, *_ in reference.seen}) == 1
    must_agree(reference, subject)


def _files(source_class: type, folder: Path) -> dict[str, Any]:
    """What `Strategy.run_backtest` leaves in its working folder, by name."""
    start, end = "2024-01-03 09:30", "2024-01-03 12:00"
    frame = bars(cme("2024-01-02", "2024-01-04"), 92, price=4760, missing=0.01)
    folder.mkdir()
    before = os.getcwd()
    os.chdir(folder)
    try:
        with offline.no_yahoo():
            result, strategy = MESMomentum.run_backtest(
                source_class,
                new_york(start),
                new_york(end),
                pandas_data=mes_data(frame, start, end)(),
                stats_file=str(folder / "stats.csv"),
                show_plot=False,
                show_tearsheet=False,
                save_tearsheet=False,
                show_indicators=False,
                show_progress_bar=False,
                quiet_logs=True,
                **FEES,
            )
    finally:
        os.chdir(before)
    assert strategy.stats is not None
    found: dict[str, Any] = {"analysis": result}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[_kind(path.name)] = _comparable(path)
    return found


def _comparable(path: Path) -> Any:
    """A file's bytes; of those that hold random identifiers or seconds taken, the rest."""
    if "_trade_events" in path.name:
        return "its rows are compared by the other runs, with identifiers normalised"
    if path.name.endswith("settings.json"):
        return json.loads(path.read_text()) | {"backtest_time_seconds": 0, "runtime_timings": {}}
    return path.read_bytes()


def _kind(name: str) -> str:
    """A file's name without the date, time and random letters lumibot puts into it."""
    return re.sub(r"_20\d\d-\d\d-\d\d_\d\d-\d\d_[A-Za-z0-9]{6}", "", name)


def test_the_files_of_a_backtest(tmp_path: Path) -> None:
    """Through `run_backtest`, which is how most people start one."""
    offline.quiet()
    classes = {"lumibot": offline.reference_class(), "ours": offline.subject_class()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference, subject = (_files(one, tmp_path / name) for name, one in classes.items())
    expected = {"stats.csv", "market_inputs.csv", "MESMomentum_trades.csv", "data_provenance.json"}
    assert expected <= set(reference)
    text = difference(reference, subject)
    assert not text


@pytest.mark.parametrize("number", [2, 6, 13, 18])
def test_orders_and_questions_by_chance(number: int) -> None:
    """Any order on any bars: what is common to them is that nobody thought of the combination."""
    scenario = random_scenario(number)
    pairs = tuple(pair for pair in scenario.assets if pair[0].asset_type != "option")
    parameters = {
        "seed": number,
        "pairs": pairs,
        "sleep": ("15M", "30M", "1H", "7M")[number % 4],
        "market": ("24/7", "us_futures", "NYSE")[number % 3],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference, subject = (
            offline.run(
                RandomTrader,
                source,
                scenario.make,
                scenario.start,
                scenario.end,
                parameters=parameters,
            )
            for source in (offline.reference_class(), offline.subject_class())
        )
    assert reference.fills > 20
    must_agree(reference, subject)
