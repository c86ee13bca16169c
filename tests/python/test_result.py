"""Round trips, statistics, hashes and the result that holds them."""

from __future__ import annotations

import copy
import csv
import hashlib
import json
import math
import os
import pickle
import struct
import subprocess
import sys
import warnings
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import millibar as mb
from millibar import _core
from millibar._cells import ABSENT
from millibar._speed import Speed
from millibar._stats import LABELS, Stats, compute
from millibar._trades import trades_of
from millibar.result import Result

MINUTE, DAY = 60 * 10**9, 86_400 * 10**9
START = 1_704_240_000 * 10**9  # 2024-01-03 00:00 UTC
GOLD = "GOOG_smacross_10_30"


@pytest.fixture(autouse=True)
def no_warnings() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def fills(*rows: tuple[Any, ...], **more: Any) -> dict[str, Any]:
    """Fills (symbol, side, quantity, price[, fee]) a minute apart."""
    symbols, sides, quantities, prices = (
        list(part) for part in zip(*(r[:4] for r in rows), strict=True)
    )
    return {
        "timestamp": START + MINUTE * np.arange(len(rows)),
        "symbol": symbols,
        "side": sides,
        "quantity": np.array(quantities, float),
        "price": np.array(prices, float),
        "fee": np.array([row[4] if len(row) > 4 else 0.0 for row in rows]),
        **more,
    }


def columns(table: _core.Table, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(table.column(name).to_list() for name in names), strict=True))


def flat_result(values: Any, step: int = MINUTE, **more: Any) -> Result:
    values = np.array(values, float)
    times = START + step * np.arange(len(values))
    return Result(equity={"timestamp": times, "portfolio_value": values}, **more)


# ---- Round trips -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(
            [("A", "buy", 2, 100), ("A", "sell", 2, 110)], [("A", 2.0, 100, 110, 20)], id="long"
        ),
        pytest.param(
            [("A", "sell_short", 3, 100), ("A", "buy_to_cover", 3, 90)],
            [("A", -3.0, 100, 90, 30)],
            id="short",
        ),
        pytest.param(
            [("A", "buy", 1, 100), ("A", "buy", 1, 104), ("A", "sell", 2, 102)],
            [("A", 1.0, 100, 102, 2), ("A", 1.0, 104, 102, -2)],
            id="first in first out",
        ),
        pytest.param(
            [("A", "buy", 5, 100), ("A", "sell", 2, 101), ("A", "sell_to_close", 3, 99)],
            [("A", 2.0, 100, 101, 2), ("A", 3.0, 100, 99, -3)],
            id="closed in parts",
        ),
        pytest.param(
            [("A", "buy", 1, 100), ("A", "sell", 3, 105), ("A", "buy", 2, 101)],
            [("A", 1.0, 100, 105, 5), ("A", -2.0, 105, 101, 8)],
            id="reversal",
        ),
        pytest.param(
            [("A", "buy", 1, 10), ("B", "sell", 1, 20), ("A", "sell", 1, 11), ("B", "buy", 1, 18)],
            [("A", 1.0, 10, 11, 1), ("B", -1.0, 20, 18, 2)],
            id="two symbols",
        ),
        pytest.param([("A", "buy", 1, 10)], [], id="open at the end"),
        pytest.param([("A", "buy", 0, 10), ("A", "sell", 0, 10)], [], id="fills of nothing"),
    ],
)
def test_pairing(rows: list[Any], expected: list[Any]) -> None:
    table = trades_of(fills(*rows))
    assert columns(table, "symbol", "quantity", "entry_price", "exit_price", "pnl") == expected


def test_decimal_remainders_are_not_lots() -> None:
    table = trades_of(
        fills(("A", "buy", 0.1, 10), ("A", "buy", 0.2, 10), ("A", "sell", 0.3, 10),
              ("A", "buy", 1, 10), ("A", "sell", 1, 10))
    )  # fmt: skip
    assert len(table) == 3
    assert columns(table, "quantity", "exit_time")[2] == (1.0, START + 4 * MINUTE)


def test_fees_are_shared_by_quantity() -> None:
    table = trades_of(
        fills(("A", "buy", 4, 100, 4.0), ("A", "sell", 1, 100, 0.5), ("A", "sell", 5, 100, 5.0),
              ("A", "buy", 2, 100, 2.0))
    )  # fmt: skip
    assert columns(table, "quantity", "fees", "pnl") == [
        (1.0, 1.5, -1.5),
        (3.0, 6.0, -6.0),
        (-2.0, 4.0, -4.0),
    ]


def test_multiplier_and_per_cent() -> None:
    table = trades_of(
        fills(
            ("MES", "buy", 2, 4000, 1.0),
            ("MES", "sell", 2, 4040, 1.0),
            multiplier=np.array([5.0, 5.0]),
        )
    )
    assert columns(table, "pnl", "pnl_pct") == [(398.0, 100 * (4040 / 4000 - 1 - 2 / 40_000))]


def test_prices_at_and_below_zero() -> None:
    """Oil in April 2020: profit is what it is, a share of nothing is unknown."""
    table = trades_of(
        fills(
            ("CL", "buy", 1, 0), ("CL", "sell", 1, 5), ("CL", "sell", 1, -10), ("CL", "buy", 1, -40)
        )
    )
    (first, second) = columns(table, "pnl", "pnl_pct")
    assert first[0] == 5 and math.isnan(first[1])
    assert second == (30.0, 300.0)


def test_bars_held() -> None:
    times = START + MINUTE * np.array([-5, 0, 1, 1, 3])
    table = trades_of(fills(("A", "buy", 1, 1), ("A", "sell", 1, 1)), times)
    assert table.column("bars_held").to_list() == [2]
    assert trades_of(fills(("A", "buy", 1, 1), ("A", "sell", 1, 1))).column(
        "bars_held"
    ).to_list() == [None]


def test_pairing_unit_by_unit() -> None:
    """Against a queue of single units, over many random fills of three symbols."""
    rng = np.random.default_rng(5)
    rows = [
        (
            "ABC"[rng.integers(3)],
            ("buy", "sell")[rng.integers(2)],
            int(rng.integers(1, 9)),
            float(rng.integers(50, 150)),
        )
        for _ in range(400)
    ]
    queues: dict[str, list[tuple[int, float]]] = {"A": [], "B": [], "C": []}
    units = []
    for symbol, side, quantity, price in rows:
        sign = 1 if side == "buy" else -1
        for _ in range(quantity):
            queue = queues[symbol]
            if queue and queue[0][0] != sign:
                units.append((symbol, queue[0][0], queue.pop(0)[1], price))
            else:
                queue.append((sign, price))
    table = trades_of(fills(*rows))
    found = []
    for symbol, size, first, last in columns(
        table, "symbol", "quantity", "entry_price", "exit_price"
    ):
        found += [(symbol, int(math.copysign(1, size)), first, last)] * int(abs(size))
    assert found == units
    assert sum(table.column("pnl").to_list()) == sum(s * (b - a) for _, s, a, b in units)


@pytest.mark.parametrize("quantity", [math.nan, -1.0, math.inf])
def test_quantities_that_are_none(quantity: float) -> None:
    with pytest.raises(mb.InvalidError, match="fill 1 has quantity"):
        trades_of(fills(("A", "buy", 1, 1), ("A", "sell", quantity, 1)))


def test_a_fee_that_is_not_there_is_none() -> None:
    some = fills(("A", "buy", 1, 10), ("A", "sell", 1, 12))
    some["fee"] = np.array([math.nan, 0.5])
    some["multiplier"] = np.array([math.nan, 1.0])
    result = flat_result(np.ones(3), fills=some)
    assert result.trades["pnl"].tolist() == [1.5] and result.stats.commissions == 0.5


def test_sides_that_are_none() -> None:
    with pytest.raises(mb.InvalidError, match="'hold' is not a side"):
        trades_of(fills(("A", "hold", 1, 1)))


def test_a_fill_must_have_a_price() -> None:
    some = fills(("A", "buy", 1, 1))
    del some["price"]
    with pytest.raises(mb.ColumnNotFoundError, match="fills has no column 'price'"):
        trades_of(some)
    with pytest.raises(mb.InvalidError, match="column 'price' of fills is utf8"):
        trades_of({**some, "price": ["1"]})


# ---- Statistics against the reference ----------------------------------------------------------


def gold(shared: Path) -> tuple[dict[str, Any], Any, np.ndarray, list[dict[str, str]]]:
    """Expected statistics, daily bars, equity and trades of backtesting.py's own run."""
    folder = shared / "data" / "reference"
    expected = json.loads((folder / f"{GOLD}_stats.json").read_text())["stats"]
    bars = mb.read_parquet(str(shared / "data" / "GOOG_1d_backtestingpy.parquet"))
    equity = mb.read_parquet(str(folder / f"{GOLD}_equity.parquet"))["Equity"]
    with (folder / f"{GOLD}_trades.csv").open() as file:
        return expected, bars, equity, list(csv.DictReader(file))


def gold_fills(rows: list[dict[str, str]]) -> dict[str, Any]:
    """The reference's trades as the fills that made them."""
    made = []
    for row in rows:
        size = float(row["Size"])
        opening, closing = ("buy", "sell") if size > 0 else ("sell", "buy")
        made.append((row["EntryTime"], 1, opening, abs(size), float(row["EntryPrice"])))
        made.append((row["ExitTime"], 0, closing, abs(size), float(row["ExitPrice"])))
    made.sort(key=lambda fill: fill[:2])
    return {
        "timestamp": np.array([fill[0] for fill in made], "datetime64[ns]"),
        "symbol": ["GOOG"] * len(made),
        "side": [fill[2] for fill in made],
        "quantity": np.array([fill[3] for fill in made]),
        "price": np.array([fill[4] for fill in made]),
    }


@pytest.fixture
def goog(shared: Path) -> tuple[dict[str, Any], Result, list[dict[str, str]]]:
    expected, bars, equity, rows = gold(shared)
    result = Result(
        equity={"timestamp": bars.times, "portfolio_value": equity},
        fills=gold_fills(rows),
        market=bars["close"],
        market_first=29,
        name="SmaCross",
    )
    return expected, result, rows


def test_trades_of_the_reference(goog: Any) -> None:
    _, result, rows = goog
    trades = result.trades
    assert trades["quantity"].tolist() == [float(row["Size"]) for row in rows]
    # The reference adds up what each trade made; the last bits may differ.
    assert np.allclose(trades["pnl"], [float(row["PnL"]) for row in rows], rtol=1e-12, atol=1e-9)
    assert trades["bars_held"].tolist() == [
        int(row["ExitBar"]) - int(row["EntryBar"]) for row in rows
    ]
    assert [str(day)[:10] for day in trades["exit_time"]] == [row["ExitTime"] for row in rows]


def test_statistics_of_the_reference(goog: Any) -> None:
    expected, result, _ = goog
    stats = result.stats
    for label, value in expected.items():
        found = stats[label]
        if isinstance(found, timedelta):
            assert found == pd.Timedelta(value).to_pytimedelta(), label
        elif isinstance(found, datetime):
            assert found == datetime.fromisoformat(value).replace(tzinfo=timezone.utc), label
        else:
            assert found == pytest.approx(value, rel=1e-10), label
    assert len(expected) == 31


def test_eurostoxx_fills_as_backtrader(shared: Path) -> None:
    """Close over its mean of 15: the fills and the money of backtrader's own test."""
    signals = pytest.importorskip("millibar.signals")
    if not hasattr(_core, "signals_run"):
        pytest.skip("the extension has no signals yet")
    path = shared / "data" / "reference" / "EUROSTOXX50_sma15_backtrader.json"
    expected = json.loads(path.read_text())
    bars = mb.read_parquet(str(shared / "data" / "EUROSTOXX50_fut_2006_1d_backtrader.parquet"))
    # Its volume is 0 throughout, which says nothing of whether it traded.
    bars = bars.select("timestamp", "open", "high", "low", "close")
    close = bars["close"]
    over = np.sign(close - pd.Series(close).rolling(15).mean().to_numpy())
    changed = np.diff(over, prepend=np.nan)
    result = signals.from_signals(bars, changed > 0, changed < 0, size=1, budget=10_000)
    buys = result.fills["side"] == "buy"
    prices = result.fills["price"].round(2)
    assert prices[buys].tolist() == expected["BUYEXEC"]
    assert prices[~buys].tolist() == expected["SELLEXEC"]
    value, cash = map(float, expected["expected_value_cash"]["stocklike"])
    assert round(result.stats.equity_final, 2) == value
    spent = np.where(buys, 1, -1) @ result.fills["price"]
    assert round(10_000 - float(spent), 2) == cash
    assert result.stats.n_trades == 11


# ---- Statistics against the formulas -----------------------------------------------------------


def by_formula(frame: Any, rule: str, year: float) -> dict[str, float]:
    """Annual figures by the formulas of docs/results.md, with pandas."""
    returns = frame.resample(rule).last().dropna().pct_change().dropna()
    mean = np.exp(np.log1p(returns).mean()) - 1
    annual = (1 + mean) ** year - 1
    spread = (returns.var() + (1 + mean) ** 2) ** year - (1 + mean) ** (2 * year)
    volatility = math.sqrt(spread)
    downside = math.sqrt((returns.clip(upper=0) ** 2).mean() * year)
    depth = (1 - frame / frame.cummax()).max()
    years = (frame.index[-1] - frame.index[0]) / pd.Timedelta(days=365.25)
    return {
        "annual_return_pct": 100 * annual,
        "volatility_pct": 100 * volatility,
        "sharpe": (annual - 0.02) / volatility,
        "sortino": (annual - 0.02) / downside,
        "calmar": annual / depth,
        "max_drawdown_pct": -100 * depth,
        "cagr_pct": 100 * ((frame.iloc[-1] / frame.iloc[0]) ** (1 / years) - 1),
    }


INDEXES = {
    "days without weekends": (pd.bdate_range("2020-01-01", periods=700, tz="UTC"), "D", 252),
    "days with weekends": (pd.date_range("2020-01-01", periods=700, tz="UTC"), "D", 365),
    "weeks": (pd.date_range("2015-01-04", periods=200, freq="W", tz="UTC"), "W", 52),
    "months": (pd.date_range("2000-01-31", periods=150, freq="ME", tz="UTC"), "ME", 12),
    "years": (pd.date_range("1980-12-31", periods=30, freq="YE", tz="UTC"), "YE", 1),
    "minutes of New York": (
        pd.date_range("2024-03-01", "2024-03-18", freq="7min", tz="America/New_York"),
        "D",
        365,
    ),
}


@pytest.mark.parametrize("name", INDEXES)
def test_annual_figures(name: str) -> None:
    index, rule, year = INDEXES[name]
    rng = np.random.default_rng(len(name))
    values = 10_000 * np.exp(np.cumsum(rng.normal(1e-4, 0.01, len(index))))
    result = Result(
        equity={"timestamp": index.as_unit("ns").asi8, "portfolio_value": values},
        zone=str(index.tz),
        settings={"risk_free_rate": 0.02},
    )
    for key, value in by_formula(pd.Series(values, index), rule, year).items():
        assert result.stats[key] == pytest.approx(value, rel=1e-8), key


def test_sunday_evening_is_mondays() -> None:
    """A futures week: 23 hours from Sunday 18:00. Five returns a week, not six."""
    index = pd.date_range("2024-01-07 18:00", "2024-02-02 17:00", freq="1h", tz="America/New_York")
    evening = (index.dayofweek == 6) & (index.hour >= 18)
    index = index[(index.dayofweek < 5) & (index.hour != 17) | evening]
    index = index[(index.dayofweek != 4) | (index.hour < 17)]
    rng = np.random.default_rng(2)
    frame = pd.Series(10_000 + rng.normal(0, 20, len(index)).cumsum(), index)
    result = Result(
        equity={"timestamp": index.as_unit("ns").asi8, "portfolio_value": frame.to_numpy()},
        zone="America/New_York",
        settings={"risk_free_rate": 0.02},
    )
    weekdays = frame[frame.index.dayofweek < 5]
    # The first day's last value is the same with the evening before as without.
    expected = by_formula(weekdays, "D", 252)
    for key in ("annual_return_pct", "volatility_pct", "sharpe", "sortino"):
        assert result.stats[key] == pytest.approx(expected[key], rel=1e-8), key
    other = Result(
        equity=result.equity, zone="America/New_York", days_per_year=260
    ).stats.annual_return_pct
    assert other == pytest.approx(
        100 * ((1 + result.stats.annual_return_pct / 100) ** (260 / 252) - 1), rel=1e-10
    )


def test_alpha_and_beta() -> None:
    rng = np.random.default_rng(3)
    market = 100 * np.exp(rng.normal(0, 0.01, 500).cumsum())
    values = 1000 * np.exp(rng.normal(0, 0.01, 500).cumsum())
    result = flat_result(
        values, DAY, market=market, market_first=7, settings={"risk_free_rate": 0.03}
    )
    cov = np.cov(np.diff(np.log(values)), np.diff(np.log(market)))
    hold = (market[-1] / market[7] - 1) * 100
    stats = result.stats
    assert stats.beta == pytest.approx(cov[0, 1] / cov[1, 1], rel=1e-10)
    assert stats.buy_hold_return_pct == pytest.approx(hold, rel=1e-12)
    assert stats.alpha_pct == pytest.approx(stats.return_pct - 3 - stats.beta * (hold - 3))
    late = market.copy()
    late[:10] = np.nan
    assert flat_result(values, DAY, market=late).stats.buy_hold_return_pct == pytest.approx(
        (market[-1] / market[10] - 1) * 100
    )


@pytest.mark.parametrize(
    ("values", "depth", "mean", "longest", "average"),
    [
        pytest.param([1, 2, 3], 0, None, None, None, id="only up"),
        pytest.param([4, 3, 4], 25, 25, 2, 2, id="one, recovered"),
        pytest.param([4, 3, 2], 50, 50, 2, 2, id="one, not recovered"),
        pytest.param([4, 2, 4, 3, 5], 50, 37.5, 2, 2, id="two"),
        pytest.param([4, 2, 3, 5, 4], 50, 50, 3, 3, id="the last row's fall is of one row"),
        pytest.param([8, 4, 8, 2, 1, 8], 87.5, 68.75, 3, 3, id="mean of lengths rounded up"),
        pytest.param([4, 4, 4], 0, None, None, None, id="flat"),
    ],
)
def test_drawdowns(values: Any, depth: float, mean: Any, longest: Any, average: Any) -> None:
    stats = flat_result(values, DAY).stats
    assert stats.max_drawdown_pct == -depth
    assert math.copysign(1, stats.max_drawdown_pct) == (-1 if depth else 1)
    if mean is None:
        assert math.isnan(stats.avg_drawdown_pct)
        assert stats.max_drawdown_duration is None and stats.avg_drawdown_duration is None
        return
    assert stats.avg_drawdown_pct == pytest.approx(-mean)
    assert stats.max_drawdown_duration == timedelta(days=longest)
    assert stats.avg_drawdown_duration == timedelta(days=average)


def test_exposure_counts_open_positions_and_flags() -> None:
    some = fills(("A", "buy", 1, 1), ("A", "sell", 1, 1), ("A", "buy", 1, 1))
    some["timestamp"] = START + MINUTE * np.array([1, 2, 8])
    values = np.ones(10)
    assert flat_result(values, fills=some).stats.exposure_pct == pytest.approx(40)
    equity = {
        "timestamp": START + MINUTE * np.arange(10),
        "portfolio_value": values,
        "n_positions": np.array([1, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    }
    assert Result(equity=equity, fills=some).stats.exposure_pct == pytest.approx(50)


def test_trade_statistics() -> None:
    made = [(10.0, 11.0), (10.0, 9.5), (10.0, 10.5), (10.0, 9.0)]
    rows = [row for a, b in made for row in (("A", "buy", 2, a, 0.1), ("A", "sell", 2, b, 0.1))]
    stats = flat_result(np.ones(20), fills=fills(*rows)).stats
    pnl = np.array([2 * (b - a) - 0.2 for a, b in made])
    share = np.array([b / a - 1 - 0.2 / (2 * a) for a, b in made])
    wins, losses = pnl[pnl > 0], pnl[pnl < 0]
    expected = {
        "n_trades": 4,
        "win_rate_pct": 50,
        "best_trade_pct": 100 * share.max(),
        "worst_trade_pct": 100 * share.min(),
        "avg_trade_pct": 100 * (np.prod(1 + share) ** 0.25 - 1),
        "profit_factor": share[share > 0].sum() / -share[share < 0].sum(),
        "expectancy_pct": 100 * share.mean(),
        "sqn": 2 * pnl.mean() / pnl.std(ddof=1),
        "kelly": 0.5 - 0.5 / (wins.mean() / -losses.mean()),
        "commissions": 0.8,
    }
    for key, value in expected.items():
        assert stats[key] == pytest.approx(value, rel=1e-12), key
    assert stats.max_trade_duration == stats.avg_trade_duration == timedelta(minutes=1)


# ---- Statistics of hardly anything -------------------------------------------------------------


def unknown(stats: Stats) -> set[str]:
    return {
        key
        for key, value in stats.items()
        if value is None or (isinstance(value, float) and math.isnan(value))
    }


def test_no_rows() -> None:
    stats = flat_result([]).stats
    assert unknown(stats) == set(LABELS) - {"n_trades", "commissions"}
    assert stats.n_trades == 0


def test_what_was_put_in_is_no_return() -> None:
    """100 become 110, 40 are put in, 150 become 165, 65 are taken out and nothing happens."""
    times = np.arange(5, dtype=np.int64) * 86_400_000_000_000
    values = np.array([100.0, 110.0, 150.0, 165.0, 100.0])
    flows = np.array([0.0, 0.0, 40.0, 40.0, -25.0])
    trades = Result(equity={"timestamp": times, "portfolio_value": values}).trades.table
    found = compute(times, values, trades, flows=flows)
    assert found.return_pct == pytest.approx(21.0)
    assert found.equity_final == 100.0 and found.equity_peak == 165.0
    assert found.max_drawdown_pct == 0.0
    moved = {"timestamp": times, "portfolio_value": values, "cash_adjustments_net_total": flows}
    assert Result(equity=moved).stats.return_pct == found.return_pct


def test_one_row() -> None:
    stats = flat_result([1000]).stats
    assert stats.start == stats.end == datetime(2024, 1, 3, tzinfo=timezone.utc)
    assert stats.duration == timedelta(0)
    assert (stats.return_pct, stats.exposure_pct, stats.max_drawdown_pct) == (0, 0, 0)
    assert {"cagr_pct", "annual_return_pct", "sharpe", "sqn", "kelly"} <= unknown(stats)


def test_no_movement() -> None:
    stats = flat_result([1000] * 50, DAY, market=np.full(50, 9.0)).stats
    assert (stats.annual_return_pct, stats.volatility_pct, stats.cagr_pct) == (0, 0, 0)
    assert {"sharpe", "sortino", "calmar", "beta", "alpha_pct"} <= unknown(stats)
    assert stats.buy_hold_return_pct == 0


@pytest.mark.parametrize("values", [[100, -50, -60], [100, 50, 0], [100, 0, 100]])
def test_ruin(values: Any) -> None:
    """Nothing compounds through a loss of all; what is left is said."""
    stats = flat_result(values, DAY, market=np.array([1.0, 2.0, 3.0])).stats
    assert {"annual_return_pct", "volatility_pct", "sharpe", "sortino", "calmar"} <= unknown(stats)
    assert stats.return_pct == values[-1] - 100
    assert stats.max_drawdown_pct == min(values) - 100
    assert math.isnan(stats.cagr_pct) == (values[-1] < 0)


@pytest.mark.parametrize("values", [[-5, -4, -6], [0, 1, 2]])
def test_nothing_to_begin_with(values: Any) -> None:
    stats = flat_result(values, DAY).stats
    assert {"return_pct", "cagr_pct"} <= unknown(stats)
    assert stats.equity_final == values[-1] and stats.equity_peak == max(values)
    assert ("max_drawdown_pct" in unknown(stats)) == (max(values) <= 0)


def test_unknown_values_are_as_before() -> None:
    nan = math.nan
    holes, filled = [nan, 10, nan, 12, 9, nan], [10, 10, 10, 12, 9, 9]
    found, expected = flat_result(holes, DAY).stats, flat_result(filled, DAY).stats
    assert pickle.dumps(repr(found)) == pickle.dumps(repr(expected))
    assert "equity_final" in unknown(flat_result([nan, nan]).stats)


@pytest.mark.parametrize("exit_price", [9.0, 10.0, 11.0])
def test_one_trade(exit_price: float) -> None:
    rows = (("A", "buy", 1, 10), ("A", "sell", 1, exit_price))
    stats = flat_result(np.ones(5), fills=fills(*rows)).stats
    assert {"sqn", "kelly"} <= unknown(stats)
    assert ("profit_factor" in unknown(stats)) == (exit_price >= 10)
    assert stats.expectancy_pct == pytest.approx(10 * (exit_price - 10))


def test_a_trade_that_lost_more_than_all() -> None:
    rows = (("A", "sell", 1, 10), ("A", "buy", 1, 25), ("A", "buy", 1, 10), ("A", "sell", 1, 12))
    stats = flat_result(np.ones(5), fills=fills(*rows)).stats
    assert stats.worst_trade_pct == pytest.approx(-150)
    assert "avg_trade_pct" in unknown(stats)


def test_huge_values_do_not_overflow_into_errors() -> None:
    values = 10.0 ** np.linspace(0, 300, 40)
    stats = flat_result(values, DAY).stats
    assert json.loads(json.dumps(stats.to_dict(), allow_nan=False))["cagr_pct"] is None


# ---- Stats as a value --------------------------------------------------------------------------


def test_stats_are_a_mapping_that_does_not_change() -> None:
    stats = flat_result([1, 2, 3], DAY).stats
    assert list(stats) == list(LABELS) and len(stats) == 32
    assert stats["Return [%]"] == stats["return_pct"] == stats.return_pct == 200
    for change in (lambda: setattr(stats, "sharpe", 1), lambda: delattr(stats, "sharpe")):
        with pytest.raises(AttributeError, match="do not change"):
            change()
    with pytest.raises(KeyError):
        stats["nothing"]
    with pytest.raises(AttributeError, match="no statistic 'nothing'"):
        _ = stats.nothing
    assert "sharpe" in dir(stats)
    again = pickle.loads(pickle.dumps(stats))
    assert repr(again) == repr(stats)
    with pytest.raises(mb.InvalidError, match="sharpe"):
        Stats({key: value for key, value in stats.items() if key != "sharpe"})


def test_stats_read_well() -> None:
    text = repr(flat_result(np.linspace(10_000, 12_345.678, 100), DAY).stats)
    lines = dict(line.split("  ", 1) for line in text.splitlines())
    assert len(lines) == 32
    assert lines["Equity Final [$]"].strip() == "12,345.68"
    assert lines["Start"].strip() == "2024-01-03 00:00:00"
    assert lines["# Trades"].strip() == "0"
    assert lines["Beta"].strip() == "--"


# ---- The result --------------------------------------------------------------------------------


def sample(**more: Any) -> Result:
    """Three orders, two fills, five rows, two of them with rows of the strategy's own."""
    given: dict[str, Any] = {
        "equity": {
            "timestamp": START + MINUTE * np.arange(5),
            "cash": np.array([1000.0, 900, 900, 1012, 1012]),
            "portfolio_value": np.array([1000.0, 1000, 1005, 1012, 1012]),
        },
        "fills": fills(
            ("A", "buy", 1, 100, 0.5), ("A", "sell", 1, 112, 0.5), order=np.array([1, 3])
        ),
        "orders": {
            "id": np.array([1, 2, 3]),
            "parent": np.array([0, 1, 1]),
            "symbol": ["A"] * 3,
            "side": ["buy", "sell_to_close", "sell_to_close"],
            "type": ["market", "stop", "limit"],
            "status": ["filled", "canceled", "filled"],
            "quantity": np.ones(3),
            "limit_price": np.array([np.nan, np.nan, 112.0]),
            "created": START + MINUTE * np.array([0, 0, 0]),
            "closed": START + MINUTE * np.array([0, 1, 1]),
        },
        "trace": [None, {"a": 1}, {"a": 2, "b": "x"}, None, {"b": None}],
        "charts": {"markers": [{"datetime": datetime(2024, 1, 3, 10), "name": "m", "value": 1.0}]},
        "settings": {"policy": "strict", "risk_free_rate": 0.01, "start": datetime(2024, 1, 3)},
        "data": [{"symbol": "A", "rows": 5}],
        "market": np.array([100.0, 101, 103, 112, 110]),
        "market_first": 1,
        "assets": {"A": {"asset_type": "stock", "multiplier": 1}},
        "speed": Speed(5, 5, {"data": 0.25, "strategy": 0.75}, 2**26),
        "name": "Sample",
        "zone": "America/New_York",
    }
    return Result(**{**given, **more})


def test_tables_are_for_everyone() -> None:
    result = sample()
    assert result.trades["pnl"].tolist() == [11.0]
    assert result.orders["type"].tolist() == ["market", "stop", "limit"]
    frame = result.equity.to_pandas()
    assert frame.index.name == "timestamp" and str(frame.index.tz) == "UTC"
    assert result.fills.to_polars()["price"].to_list() == [100.0, 112.0]
    arrow = result.trades.to_arrow()
    assert arrow.num_rows == 1 and arrow.column_names[0] == "symbol"
    assert repr(result.fills).startswith("fills: 2 rows x 8 columns")
    assert "<caption>orders: 3 rows" in result.orders._repr_html_()
    assert pickle.loads(pickle.dumps(result.fills)) == result.fills
    assert isinstance(result.fills[:1], mb.frame.Frame) and len(result.fills[:1]) == 1
    assert result.fills.select("price").columns == ["price"]


def test_tables_keep_columns_beyond_their_own() -> None:
    some = {**fills(("A", "buy", 1, 1)), "venue": ["X"]}
    assert flat_result([1], fills=some).fills.columns[-1] == "venue"


def test_events_follow_from_orders_and_fills() -> None:
    events = sample().events
    assert list(zip(events["kind"], events["order"].tolist(), strict=True)) == [
        ("new", 1), ("new", 2), ("new", 3), ("filled", 1), ("filled", 3), ("canceled", 2),
    ]  # fmt: skip
    assert events["timestamp"].astype(np.int64).tolist() == [
        START, START, START, START, START + MINUTE, START + MINUTE,
    ]  # fmt: skip
    assert len(flat_result([1]).events) == 0


def test_the_summary() -> None:
    lines = repr(sample()).splitlines()
    assert lines[0] == (
        "Sample: 2024-01-02 19:00:00-05:00 to 2024-01-02 19:04:00-05:00, 5 iterations"
    )
    assert "1,000.00 -> 1,012.00 (+1.20 %), max drawdown +0.00 %" in lines[1]
    assert lines[2] == "  trades  1 (100.0 % won), 2 fills, fees 1.00"
    assert lines[3] == (
        "  speed: 5 bars, 5 iterations in 1.00 s wall = 5 bars/s; data 25%, strategy 75%;"
        " peak memory 64 MiB"
    )


@pytest.mark.parametrize("make", [sample, lambda: flat_result([]), lambda: flat_result([1.0])])
def test_json_is_strict(make: Any) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    found = json.loads(make().to_json(tables=True), parse_constant=refuse)
    assert {"stats", "hashes", "settings", "counts", "trades"} <= found.keys()


def test_json_says_it_all(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    text = sample().to_json(path)
    assert path.read_text() == text + "\n"
    found = json.loads(text)
    assert found["counts"] == {"iterations": 5, "orders": 3, "fills": 2, "trades": 1}
    assert found["stats"]["start"] == "2024-01-02T19:00:00-05:00"
    assert found["stats"]["duration"] == 240
    assert found["settings"]["start"] == "2024-01-03T00:00:00"
    assert found["speed"]["bars_per_second"] == 5


@pytest.mark.parametrize(
    "make", [sample, lambda: flat_result([]), lambda: flat_result([5] * 9, name="<b>&")]
)
def test_the_page_is_well_formed(make: Any) -> None:
    html = make()._repr_html_()
    tree = ElementTree.fromstring(html)
    assert len(tree.findall(".//td")) == 64
    assert "<b>&" not in html


def test_the_drawing_keeps_the_extremes() -> None:
    from millibar._render import equity_svg

    values = np.full(100_000, 50.0)
    values[77_777], values[33_333] = -40.0, 140.0
    text = equity_svg(np.arange(100_000), values)
    points = ElementTree.fromstring(text).find("{http://www.w3.org/2000/svg}polyline")
    assert points is not None
    heights = [float(point.split(",")[1]) for point in points.attrib["points"].split()]
    assert max(heights) - min(heights) > 150
    assert len(text) < 100_000
    assert equity_svg(np.arange(3), np.full(3, np.nan)) == ""
    assert equity_svg(np.zeros(3, np.int64), np.arange(3.0)) == ""


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"market": np.ones(4)}, "market has 4 rows and equity 5"),
        ({"trace": {"a": [1]}}, "trace 'a' has 1 rows and equity 5"),
        ({"positions": [[]]}, "positions has 1 rows"),
        ({"market_first": 5}, "market_first is 5"),
        ({"equity": {"timestamp": np.array([2, 1]), "portfolio_value": np.ones(2)}}, "falls after"),
        ({"equity": {"timestamp": ["x"], "portfolio_value": np.ones(1)}}, "must be a timestamp"),
    ],
)
def test_what_does_not_fit_is_refused(more: Any, message: str) -> None:
    with pytest.raises(mb.InvalidError, match=message):
        sample(**more)


# ---- Hashes ------------------------------------------------------------------------------------


def test_the_hash_is_as_written_down() -> None:
    """The bytes that `_hashes` describes, made here by struct."""

    def text(*values: str) -> bytes:
        raw = [value.encode() for value in values]
        return b"".join(struct.pack("<q", len(part)) for part in raw) + b"".join(raw)

    def numbers(*values: float) -> bytes:
        return struct.pack(f"<{len(values)}d", *values)

    def integers(*values: int) -> bytes:
        return struct.pack(f"<{len(values)}q", *values)

    expected = b"fills\x002\x00" + b"".join(
        f"{name}\0{kind}\0".encode() + data
        for name, kind, data in (
            ("timestamp", "time", integers(START, START + MINUTE)),
            ("order", "id", integers(0, 2)),
            ("symbol", "text", text("A", "A")),
            ("side", "text", text("buy", "sell")),
            ("quantity", "float", numbers(1, 1)),
            ("price", "float", numbers(100, 112)),
            ("fee", "float", numbers(0.5, 0.5)),
            ("multiplier", "float", numbers(1, 1)),
        )
    )
    hashes = sample().hashes
    assert hashes["fills"] == hashlib.sha256(expected).hexdigest()
    parts = "".join(hashes[key] for key in ("equity", "fills", "orders", "trades"))
    assert hashes["all"] == hashlib.sha256(parts.encode()).hexdigest()


def test_hashes_do_not_depend_on_names_units_or_types() -> None:
    one = sample()
    table = one.fills.to_arrow()
    renamed = table.set_column(1, "order", [["first", "third"]]).set_column(
        2, "symbol", table["symbol"].dictionary_encode()
    )
    orders = {name: one.orders[name] for name in ("symbol", "side", "type", "status", "quantity")}
    two = sample(
        fills=renamed.append_column("venue", [["X", "Y"]]),
        orders={
            **orders,
            "id": ["first", "second", "third"],
            "parent": np.array([None, "first", "first"], object),
            "limit_price": one.orders["limit_price"],
            "created": one.orders["created"].astype("datetime64[s]"),
            "closed": one.orders["closed"].astype("datetime64[us]"),
        },
        name="Other",
    )
    assert two.hashes == one.hashes


@pytest.mark.parametrize(
    ("table", "column", "row", "value", "changed"),
    [
        ("fills", "price", 0, np.nextafter(100.0, 101), {"fills", "trades", "all"}),
        ("fills", "order", 1, 2, {"fills", "all"}),
        ("equity", "cash", 4, -0.0, {"equity", "all"}),
        ("orders", "quantity", 2, math.nan, {"orders", "all"}),
    ],
)
def test_one_bit_is_another_run(
    table: str, column: str, row: int, value: float, changed: set[str]
) -> None:
    one = sample()
    frame = getattr(one, table)
    values = frame[column].copy()
    values[row] = value
    two = sample(**{table: {**{name: frame[name] for name in frame.columns}, column: values}})
    assert {key for key in one.hashes if one.hashes[key] != two.hashes[key]} == changed


def test_every_nan_and_null_is_one() -> None:
    odd = np.array([0x7FF8_0000_0000_0001, -1, 0x7FF8_0000_0000_0000]).view(np.float64)
    orders = {"id": np.arange(3), "symbol": ["A"] * 3, "side": ["buy"] * 3}
    with_nan = sample(orders={**orders, "stop_price": odd}, fills=None).hashes
    assert with_nan == sample(orders=orders, fills=None).hashes


HASHER = """
import numpy as np
from millibar.result import Result
n = 1000
rng = np.random.default_rng(1)
value = 1e5 + np.cumsum(rng.integers(-9, 10, n)) / 8
rows = np.arange(0, n, 7)
result = Result(
    equity={"timestamp": 1704240000 * 10**9 + 60 * 10**9 * np.arange(n),
            "portfolio_value": value, "cash": value / 2},
    fills={"timestamp": 1704240000 * 10**9 + 60 * 10**9 * rows,
           "symbol": ["MES"] * len(rows), "side": ["buy", "sell"] * (len(rows) // 2) + ["buy"],
           "quantity": np.ones(len(rows)), "price": value[rows], "order": rows + 1},
    zone="America/New_York")
print(result.hashes["all"])
"""


@pytest.mark.parametrize(
    "env", [{"PYTHONHASHSEED": "1", "TZ": "Asia/Kolkata"}, {"PYTHONHASHSEED": "2", "LC_ALL": "C"}]
)
def test_hashes_are_the_same_everywhere(env: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HASHER],
        env={**os.environ, **env, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "abf96d837d90f0f27672af963c84a23ac89570fdcf8d21c1e4b99b165861c4f2"


# ---- On disk -----------------------------------------------------------------------------------


def test_saved_and_loaded(tmp_path: Path) -> None:
    one = sample()
    one.save(tmp_path / "deep" / "run")
    two = Result.load(tmp_path / "deep" / "run")
    assert two.hashes == one.hashes
    assert repr(two) == repr(one) and repr(two.stats) == repr(one.stats)
    assert two.trace == {
        "a": [ABSENT, 1, 2, None, None],
        "b": [ABSENT, ABSENT, "x", None, None],
    }
    assert two.charts["markers"][0]["datetime"] == "2024-01-03T10:00:00"
    for name in ("equity", "fills", "orders", "events", "trades"):
        assert getattr(two, name) == getattr(one, name), name


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_sent_to_another_process(protocol: int) -> None:
    """Sweeps do."""
    paid = {
        "timestamp": np.array([MINUTE], np.int64),
        "kind": ["dividend"],
        "symbol": ["A"],
        "per_unit": [0.5],
        "amount": [1.0],
        "events": np.array([0], np.int64),
    }
    one = sample(corporate=paid)
    two = pickle.loads(pickle.dumps(one, protocol))
    assert two.hashes == one.hashes and repr(two) == repr(one)
    assert two.trace == one.trace and two.trace["a"][0] is ABSENT
    assert two.settings == one.settings and two.speed == one.speed
    assert two.corporate.table.column("amount").to_list() == [1.0]
    assert copy.copy(two).to_json() == one.to_json()


def test_orders_made_when_asked_for() -> None:
    one = sample()
    made = 0

    def orders() -> Any:
        nonlocal made
        made += 1
        return one.orders

    two = Result(equity=one.equity, fills=one.fills, orders=orders)
    assert made == 0
    assert two.orders == one.orders and two.orders == one.orders
    assert two.to_dict()["counts"]["orders"] == len(one.orders)
    assert made == 1


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan]])
def test_little_is_saved_as_well(values: Any, tmp_path: Path) -> None:
    one = flat_result(values)
    one.save(tmp_path)
    two = Result.load(tmp_path)
    assert two.hashes == one.hashes and repr(two.stats) == repr(one.stats)


def test_what_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(mb.FileMissingError, match=r"result\.json"):
        Result.load(tmp_path)
    path = tmp_path / "result.json"
    for text in ("", "[]", "{}", '{"format": 99}'):
        path.write_text(text)
        with pytest.raises(mb.FormatError, match=r"result\.json"):
            Result.load(tmp_path)


def test_a_table_exchanged_is_noticed(tmp_path: Path) -> None:
    sample().save(tmp_path)
    flat_result([1, 2, 3, 4, 5]).equity.write_parquet(tmp_path / "equity.parquet")
    with pytest.raises(mb.FormatError, match="not those"):
        Result.load(tmp_path)


def test_a_million_rows_are_no_trouble() -> None:
    rng = np.random.default_rng(0)
    n = 1_000_000
    values = 1e5 + rng.normal(0, 1, n).cumsum()
    result = flat_result(values, market=100 + values / 1e5, zone="America/New_York")
    assert result.stats.duration == timedelta(minutes=n - 1)
    # Against the definition, on the rows themselves.
    top = np.maximum.accumulate(values)
    assert result.stats.max_drawdown_pct == -(1 - values / top).max() * 100
    assert len(result._repr_html_()) < 200_000


def test_compute_takes_plain_arrays() -> None:
    times = START + DAY * np.arange(4)
    trades = trades_of(fills(("A", "buy", 1, 1), ("A", "sell", 1, 2)))
    stats = compute(times, np.array([1.0, 2, 3, 4]), trades, commissions=3.0)
    assert (stats.n_trades, stats.commissions, stats.return_pct) == (1, 3.0, 300.0)
