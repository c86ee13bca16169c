"""Runs of signal arrays: against a loop of its own, and against what other engines printed."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sharing_support import other_threads_work

import millibar as mb
from millibar import _core
from millibar.assets import Asset, TradingFee
from millibar.signals import from_signals


def made_bars(n: int, seed: int = 3) -> mb.Bars:
    random = np.random.default_rng(seed)
    close = 100 + np.cumsum(random.integers(-4, 5, n)) / 4
    opens = np.concatenate([[100.0], close[:-1]]) + random.integers(-1, 2, n) / 4
    return mb.Bars(
        {
            "timestamp": np.arange(n).astype("M8[m]"),
            "open": opens,
            "high": np.maximum(opens, close) + 0.5,
            "low": np.minimum(opens, close) - 0.5,
            "close": close,
            "volume": random.integers(0, 5, n),
        },
        tz="UTC",
    )


def loop(
    bars: mb.Bars, signals: dict[str, Any], fee: float
) -> tuple[list[tuple[int, float, float]], list[float]]:
    """(row, signed quantity, price) of fills and the value at each close, bar by bar."""
    cash, held, wanted = 100_000.0, 0, 0
    fills: list[tuple[int, float, float]] = []
    values = []
    for i in range(len(bars)):
        if wanted != held and bars["volume"][i] > 0:
            price = float(bars["open"][i])
            cash -= (wanted - held) * price + fee
            fills.append((i, wanted - held, price))
            held = wanted
        values.append(cash + held * float(bars["close"][i]))
        if (wanted > 0 and signals["exits"][i]) or (wanted < 0 and signals["short_exits"][i]):
            wanted = 0
        if signals["entries"][i]:
            wanted = 1
        if signals["short_entries"][i]:
            wanted = -1
    return fills, values


def filled(result: mb.Result) -> list[tuple[int, float, float]]:
    fills = result.fills
    rows = (fills["bar"] - np.datetime64(0, "ns")) // np.timedelta64(60, "s")
    signs = [1 if side == "buy" else -1 for side in fills["side"]]
    return [
        (int(row), sign * quantity, price)
        for row, sign, quantity, price in zip(
            rows, signs, fills["quantity"], fills["price"], strict=True
        )
    ]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("fee", [0.0, 0.25])
def test_against_a_loop(seed: int, fee: float) -> None:
    random = np.random.default_rng(seed)
    bars = made_bars(500, seed)
    kinds = random.integers(0, 30, 500)
    names = ("entries", "exits", "short_entries", "short_exits")
    signals = {name: kinds == number for number, name in enumerate(names)}
    result = from_signals(bars, **signals, fees=fee)
    fills, values = loop(bars, signals, fee)
    assert filled(result) == fills
    # Quarters, and fees of quarters: the order of summing does not matter.
    assert result.equity["portfolio_value"].tolist() == values
    assert result.stats.commissions == fee * len(fills)
    assert len(result.orders) == len(fills)
    assert result.orders["fill_price"].tolist() == [price for _, _, price in fills]


def test_equity_stands_at_the_close() -> None:
    bars = made_bars(3)
    times = from_signals(bars, [1, 0, 0]).equity["timestamp"]
    assert times.tolist() == (bars.times.astype("M8[ns]") + np.timedelta64(60, "s")).tolist()


def test_days_of_23_and_25_hours() -> None:
    days = ["2024-03-09", "2024-03-10", "2024-03-11", "2024-11-02", "2024-11-03", "2024-11-04"]
    stamps = np.array(days, "M8[s]")
    price = np.arange(1.0, 7.0)
    bars = mb.Bars(
        {"timestamp": stamps, "open": price, "high": price, "low": price, "close": price},
        tz="America/New_York",
        period="1d",
    )
    result = from_signals(bars, [0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0])
    # The bar of a short day has closed when the next one opens: nothing is skipped.
    assert result.fills["price"].tolist() == [3.0, 6.0]
    shown = result.equity["timestamp"].astype("M8[h]").astype(str).tolist()
    assert shown == [
        "2024-03-10T05",
        "2024-03-11T04",
        "2024-03-12T04",
        "2024-11-03T04",
        "2024-11-04T05",
        "2024-11-05T05",
    ]


def test_a_future_has_margin_and_multiplier() -> None:
    bars = made_bars(50)
    entries, exits = np.arange(50) == 10, np.arange(50) == 20
    mes = Asset("MES", Asset.AssetType.CONT_FUTURE, multiplier=5)
    result = from_signals(bars, entries, exits, asset=mes, size=2, fees=TradingFee(flat_fee=0.5))
    bought, sold = result.fills["price"]
    assert result.equity["cash"].tolist() == [None] * 50 or np.isnan(result.equity["cash"]).all()
    gain = (sold - bought) * 2 * 5 - 1.0
    assert result.equity["portfolio_value"][-1] == 100_000 + gain
    assert result.settings["margin"] == 1300
    assert result.trades["pnl"].tolist() == [gain]


def test_share_of_the_account_and_end() -> None:
    bars = made_bars(60)
    entries = np.arange(60) == 5
    result = from_signals(bars, entries, share=0.5, lot=1, budget=10_000, close_at_end=True)
    price = result.fills["price"][0]
    assert result.fills["quantity"][0] == 10_000 * 0.5 // price
    assert result.fills["price"][1] == bars["close"][-1]
    assert len(result.trades) == 1


def test_fees_of_both_sides() -> None:
    bars = made_bars(60)
    pair = [TradingFee(percent_fee=0.001), TradingFee(per_contract_fee=0.2, taker=False)]
    result = from_signals(
        bars, np.arange(60) == 5, np.arange(60) == 30, fees=pair, sell_fees=TradingFee(1.5)
    )
    assert result.fills["fee"].tolist() == [result.fills["price"][0] * 0.001, 1.5]


@pytest.mark.parametrize("kind", ["list", "int64", "uint8", "float", "strided", "column"])
def test_kinds_of_arrays(kind: str) -> None:
    bars = made_bars(40)
    mask = np.arange(40) % 13 == 5
    given: Any = {
        "list": mask.tolist(),
        "int64": mask.astype(np.int64) * 300,
        "uint8": mask.astype(np.uint8) * 7,
        "float": mask.astype(float),
        "strided": np.repeat(mask, 2)[::2],
        "column": _core.column_from_buffer("s", mask.astype(np.int64), "int64"),
    }[kind]
    expected = from_signals(bars, mask, np.roll(mask, 4))
    assert from_signals(bars, given, np.roll(mask, 4)).hashes == expected.hashes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"entries": [1, 0]}, "entries has 2 values and the bars have 5 rows"),
        ({"entries": ["a"] * 5}, "one bool a bar is wanted"),
        ({"entries": [[1] * 5]}, "one bool a bar is wanted"),
        ({"exits": [0, 0, float("nan"), 0, 0]}, "exits is NaN in row 2"),
        ({"entries": [0, 0, 0, 1, 0], "short_entries": [0, 0, 0, 1, 0]}, "row 3"),
        ({"size": 0}, "a size of 0 units"),
        ({"size": float("nan")}, "a size of"),
        ({"share": -1.0}, "a share of -1"),
        ({"lot": -1.0}, "lots of -1"),
        ({"budget": float("inf")}, "a budget of inf"),
        ({"asset": Asset("SPY", Asset.AssetType.OPTION)}, "option"),
    ],
)
def test_refusals(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((mb.InvalidError, ValueError), match=message):
        from_signals(made_bars(5), **arguments)


def test_bars_without_prices() -> None:
    bars = mb.Bars({"timestamp": np.arange(3).astype("M8[m]"), "close": [1.0, 2, 3]}, tz="UTC")
    with pytest.raises(mb.InvalidError, match="no column open"):
        from_signals(bars, [1, 0, 0])


@pytest.mark.parametrize("n", [0, 1])
def test_few_rows(n: int) -> None:
    empty = made_bars(5)[:n]
    result = from_signals(mb.Bars(empty.table, tz="UTC", period="1min"), np.ones(n, bool))
    assert (len(result.equity), len(result.fills), len(result.orders)) == (n, 0, 0)


def test_the_lock_is_let_go() -> None:
    """Other threads run while the bars are walked."""
    bars = made_bars(400_000)
    mask = np.arange(400_000) % 4 == 0
    series = bars.series
    with other_threads_work():
        runs = [_core.signals_run(series, "X", mask, np.roll(mask, 2))[1] for _ in range(5)]
    assert all(np.array_equal(np.asarray(run), np.asarray(runs[0])) for run in runs)


# ---- Other engines' results --------------------------------------------------------------------


def cross(bars: mb.Bars, fast: int, slow: int) -> tuple[Any, Any]:
    averages = bars.sma(fast), bars.sma(slow)
    return mb.indicators.cross_above(*averages), mb.indicators.cross_below(*averages)


@pytest.mark.parametrize(
    ("name", "n_fills", "profit"),
    [("MES_1m_2026Q1", 1195, -141.00), ("BTCUSD_1m_bitfinex_2018_2019", 21231, 12027.54)],
)
def test_crossing_averages(shared: Path, name: str, n_fills: int, profit: float) -> None:
    """A loop of its own, vectorbt, raptorbt and back-trader-cpp agree on these."""
    bars = mb.read_parquet(shared / "data" / f"{name}.parquet")
    up, down = cross(bars, 20, 60)
    result = from_signals(bars, up, short_entries=down)
    assert len(result.fills) == n_fills
    assert round(result.equity["portfolio_value"][-1] - 100_000, 2) == profit


def test_eurostoxx_of_backtrader(shared: Path) -> None:
    reference = json.loads(
        (shared / "data/reference/EUROSTOXX50_sma15_backtrader.json").read_text("utf-8")
    )
    bars = mb.read_parquet(shared / "data/EUROSTOXX50_fut_2006_1d_backtrader.parquet")
    # Its volume is zero throughout: the level of an index. Unknown is what it means.
    bars = bars.select("timestamp", "open", "high", "low", "close")
    average = bars.sma(15)
    up = mb.indicators.cross_above(bars["close"], average)
    down = mb.indicators.cross_below(bars["close"], average)
    runs = {}
    index = Asset("ESTX50", Asset.AssetType.FUTURE, multiplier=10)
    runs["stocklike"] = from_signals(bars, up, down, budget=10_000)
    runs["futureslike"] = from_signals(
        bars, up, down, budget=10_000, asset=index, margin=1000, fees=2.0
    )
    for key, result in runs.items():
        assert result.fills["price"][::2].round(2).tolist() == reference["BUYEXEC"]
        assert result.fills["price"][1::2].round(2).tolist() == reference["SELLEXEC"]
        value = f"{result.equity['portfolio_value'][-1]:.2f}"
        assert value == reference["expected_value_cash"][key][0]


def test_goog_of_backtesting_py(shared: Path) -> None:
    """66 reversing trades of whole shares for the whole account, to the cent."""
    folder = shared / "data" / "reference"
    reference = json.loads((folder / "GOOG_smacross_10_30_stats.json").read_text("utf-8"))["stats"]
    with (folder / "GOOG_smacross_10_30_trades.csv").open(encoding="utf-8") as file:
        trades = list(csv.DictReader(file))
    bars = mb.read_parquet(shared / "data/GOOG_1d_backtestingpy.parquet")
    up, down = cross(bars, 10, 30)
    # It ends a run at the last bar's open.
    out = np.arange(len(bars)) == len(bars) - 2
    result = from_signals(
        bars, up, out, short_entries=down, short_exits=out, share=0.9999, lot=1, budget=10_000
    )
    found = result.trades
    assert found["quantity"].tolist() == [float(trade["Size"]) for trade in trades]
    assert found["entry_price"].tolist() == [float(trade["EntryPrice"]) for trade in trades]
    assert found["exit_price"].tolist() == [float(trade["ExitPrice"]) for trade in trades]
    np.testing.assert_allclose(found["pnl"], [float(trade["PnL"]) for trade in trades], rtol=1e-9)
    value = result.equity["portfolio_value"]
    np.testing.assert_allclose(value[-1], reference["Equity Final [$]"], rtol=1e-12)
    np.testing.assert_allclose(value.max(), reference["Equity Peak [$]"], rtol=1e-12)
    stats = result.stats
    assert stats.n_trades == reference["# Trades"]
    np.testing.assert_allclose(
        [stats.return_pct, stats.max_drawdown_pct, stats.win_rate_pct],
        [reference[key] for key in ("Return [%]", "Max. Drawdown [%]", "Win Rate [%]")],
        rtol=1e-8,
    )
