"""The figures a backtest returns, and its returns without money put in or taken out, beside those
lumibot works out, to the bit."""

from __future__ import annotations

import math
import struct
import warnings
from typing import Any

import lumibot_support  # noqa: F401  (sets the environment that lumibot reads)
import numpy as np
import pandas as pd
import pytest
from lumibot.tools.indicators import cash_flow_adjusted_returns, stats_summary
from lumibot.tools.pandas import day_deduplicate

from millibar._stats import compute
from millibar._summary import lumibot_summary
from millibar.result import Result

START = 1_704_292_200 * 10**9


def theirs(times: np.ndarray, values: np.ndarray, flow: np.ndarray, rate: float) -> dict[str, Any]:
    index = pd.DatetimeIndex(times.view("M8[ns]"), tz="UTC").tz_convert("America/New_York")
    frame = pd.DataFrame({"portfolio_value": values}, index=index)
    frame["return"] = (
        cash_flow_adjusted_returns(frame["portfolio_value"], pd.Series(flow, index=index))
        if index.is_unique
        else cash_flow_adjusted_returns(frame["portfolio_value"], None)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(stats_summary(day_deduplicate(frame), rate))


def ours(times: np.ndarray, values: np.ndarray, flow: np.ndarray, rate: float) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return lumibot_summary(
            Result(
                equity={
                    "timestamp": times,
                    "portfolio_value": values,
                    "cash_adjustments_net_total": flow,
                },
                zone="America/New_York",
                settings={"risk_free_rate": rate},
            )
        )


def bits(value: Any) -> bytes:
    return b"nan" if math.isnan(value) else struct.pack("<d", float(value))


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert list(found) == list(expected)
    for key, value in expected.items():
        if key == "max_drawdown":
            assert bits(found[key]["drawdown"]) == bits(value["drawdown"])
            date = None if value["date"] is pd.NaT else value["date"].to_pydatetime()
            assert found[key]["date"] == date
        else:
            assert bits(found[key]) == bits(value), (key, found[key], value)


@pytest.mark.parametrize("seed", range(40))
def test_random_runs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2, 3, 50, 4000]))
    step = int(rng.choice([60, 1800, 86_400])) * 10**9
    times = START + step * np.arange(n)
    values = np.round(100_000 * np.exp(rng.normal(0, 0.001, n).cumsum()), 2)
    flow = np.zeros(n)
    if seed % 4 == 1:
        flow = 50.0 * (rng.random(n) < 0.05).cumsum()
    if seed % 4 == 2:
        times = np.sort(times[rng.integers(0, n, n)])
    if seed % 4 == 3:
        values[rng.random(n) < 0.1] = np.nan
    rate = float(rng.choice([0.0, 0.052]))
    assert_same(ours(times, values, flow, rate), theirs(times, values, flow, rate))


@pytest.mark.parametrize(
    "values", [[100.0], [100.0] * 900, [100.0, 0.0, 50.0], [100.0, -20.0, 30.0], [math.nan] * 3]
)
def test_runs_of_hardly_anything(values: list[float]) -> None:
    times = START + 86_400 * 10**9 * np.arange(len(values))
    arrays = times, np.array(values), np.zeros(len(values))
    assert_same(ours(*arrays, 0.01), theirs(*arrays, 0.01))


def test_no_rows() -> None:
    assert ours(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), 0.0) == {}


@pytest.mark.parametrize("seed", range(8))
def test_statistics_leave_out_what_was_put_in_as_lumibot_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = START + 86_400 * 10**9 * np.arange(500)
    flow = np.round(5_000 * rng.normal(size=500) * (rng.random(500) < 0.1), 2).cumsum()
    values = np.round(100_000 * np.exp(rng.normal(0, 0.01, 500).cumsum()) + flow - flow[0], 2)
    returns = cash_flow_adjusted_returns(pd.Series(values), pd.Series(flow))
    curve = ((1.0 + returns.fillna(0.0)).cumprod() * values[0]).to_numpy()
    trades = Result(equity={"timestamp": times, "portfolio_value": values}).trades.table
    found, expected = (
        {key: value for key, value in stats.items() if not key.startswith("equity_")}
        for stats in (compute(times, values, trades, flows=flow), compute(times, curve, trades))
    )
    assert repr(found) == repr(expected)
