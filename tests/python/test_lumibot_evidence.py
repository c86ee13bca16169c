"""The market-input evidence: the same rows, observations and files as lumibot's own recorder."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lumibot_support import MES, SPY, USD, at, both, days, minutes

pytest.importorskip("lumibot", reason="lumibot is not installed")

from lumibot.backtesting.market_input_evidence import (
    MarketInputEvidence,
    record_market_input,
    write_market_input_evidence,
)
from lumibot.entities import Asset

from millibar.integrations.lumibot._evidence import DeferredEvidence

FIRST = at("2024-01-04 11:00")


def recorders(theirs: Any, ours: Any, **limits: int) -> None:
    theirs._market_input_evidence = MarketInputEvidence(**limits)
    ours._market_input_evidence = DeferredEvidence(**limits)


def ask(
    each: Any, clock: Any, length: int, step: str, deed: Any = None, asset: Any = MES, **more: Any
) -> None:
    """What lumibot's Strategy does at a history call, then what a strategy may do to the frame."""
    each._update_datetime(clock)
    bars = each.get_historical_prices(asset, length, step, quote=USD)
    frame = None if bars is None else bars.pandas_df
    record_market_input(
        source=each, asset=asset, quote=USD, timestep=step, when=clock, frame=frame,
        purpose=more.get("purpose", "history"),
    )  # fmt: skip
    if deed is not None and frame is not None:
        deed(frame)


def assert_same_evidence(theirs: Any, ours: Any, tmp_path: Path) -> None:
    """The three files byte for byte, and what they are made from."""
    a, b = theirs._market_input_evidence, ours._market_input_evidence
    for name, each in (("theirs", theirs), ("ours", ours)):
        write_market_input_evidence(each, tmp_path / name)
    for path in sorted((tmp_path / "theirs").iterdir()):
        assert (tmp_path / "ours" / path.name).read_bytes() == path.read_bytes(), path.name
    assert list(a.rows.items()) == list(b.rows.items())
    assert a.observations == b.observations
    assert (a.seen, a.incomplete) == (b.seen, b.incomplete)


def write_price(frame: Any) -> None:
    frame.iloc[len(frame) // 2, 3] = 1.25


def write_volume(frame: Any) -> None:
    frame["volume"].to_numpy()[-1] = 3


def replace_close(frame: Any) -> None:
    frame["close"] = frame["close"] * 2


def add_average(frame: Any) -> None:
    frame["average"] = frame["close"].rolling(3).mean()


def add_bid(frame: Any) -> None:
    frame["bid"] = frame["close"]


def drop_rows(frame: Any) -> None:
    frame.drop(frame.index[:2], inplace=True)


def other_index(frame: Any) -> None:
    frame.index = frame.index + pd.Timedelta("1s")


DEEDS = (write_price, write_volume, replace_close, add_average, add_bid, drop_rows, other_index)


def test_a_run_without_writes_is_deferred_and_equal(tmp_path: Path) -> None:
    theirs, ours = both(minutes())
    recorders(theirs, ours)
    for i in range(60):
        for each in (theirs, ours):
            ask(each, FIRST + timedelta(minutes=i), 40 + i % 3, "minute")
            ask(each, FIRST + timedelta(minutes=i), 8, "5 minutes", purpose="indicator")
            ask(each, FIRST - timedelta(days=30, minutes=i), 8, "minute")
    assert len(ours._market_input_evidence._notes) == 180
    assert_same_evidence(theirs, ours, tmp_path)
    assert not ours._market_input_evidence._notes


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
@pytest.mark.filterwarnings("ignore")
def test_frames_a_strategy_writes_into_are_recorded_as_they_are(deed: Any, tmp_path: Path) -> None:
    theirs, ours = both(minutes())
    recorders(theirs, ours)
    rng = np.random.default_rng(5)
    clock = FIRST
    for _ in range(60):
        clock += timedelta(minutes=int(rng.integers(0, 3)))
        length, step = int(rng.integers(3, 30)), str(rng.choice(["minute", "5 minutes"]))
        twice, written = rng.random() < 0.4, deed if rng.random() < 0.3 else None
        for each in (theirs, ours):
            ask(each, clock, length, step, written)
            if twice:
                ask(each, clock, length, step)
    assert_same_evidence(theirs, ours, tmp_path)


@pytest.mark.parametrize(
    "limits",
    [
        {"max_rows": 30},
        {"max_rows": 0},
        {"max_observations": 17},
        {"max_observations": 17, "max_rows": 45},
        {"max_observations": 0},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore")
def test_the_limits_stop_at_the_same_record(limits: dict[str, int], tmp_path: Path) -> None:
    theirs, ours = both(minutes())
    recorders(theirs, ours, **limits)
    for i in range(40):
        deed = write_price if i % 7 == 3 else None
        for each in (theirs, ours):
            ask(each, FIRST + timedelta(minutes=i // 2), 10 + 15 * (i % 3), "minute", deed)
    assert_same_evidence(theirs, ours, tmp_path)


def test_the_limit_is_known_without_hashing() -> None:
    _, ours = both(minutes())
    ours._market_input_evidence = DeferredEvidence(max_observations=5)
    for i in range(9):
        for _ in range(2):  # the same again is one observation
            ask(ours, FIRST + timedelta(minutes=i), 10, "minute")
    evidence = ours._market_input_evidence
    assert len(evidence._notes) == 5 and not evidence._rows
    assert evidence.incomplete == {"observation_limit"} and len(evidence.observations) == 5


def test_daily_bars_and_nan_and_integers(tmp_path: Path) -> None:
    frame = minutes()
    frame["volume"] = frame["volume"].astype(float)
    frame.iloc[::17, 4] = np.nan
    frame.iloc[5:9, 3] = np.nan
    for k, (bars, asset, step) in enumerate(
        ((frame, MES, "minute"), (days(), SPY, "day"), (days().astype({"volume": int}), SPY, "day"))
    ):
        span = {} if step == "minute" else {"start": "2023-06-01 09:30", "end": "2024-01-31 16:00"}
        theirs, ours = both(bars, asset, step, **span)
        recorders(theirs, ours)
        for i in range(25):
            clock = FIRST + timedelta(minutes=i)
            if step == "day":
                clock = at("2023-09-01") + timedelta(days=i)
            for each in (theirs, ours):
                ask(each, clock, 12, step, asset=asset)
        assert_same_evidence(theirs, ours, tmp_path / str(k))


def test_other_frames_and_failures_are_lumibots(tmp_path: Path) -> None:
    theirs, ours = both(minutes())
    recorders(theirs, ours)
    no_market = pd.DataFrame({"x": [1.0]}, index=pd.DatetimeIndex([FIRST]))
    not_times = pd.DataFrame({"close": [1.0]})
    for frame in (no_market, not_times, no_market.iloc[:0], object()):
        for each in (theirs, ours):
            ask(each, FIRST, 5, "minute")
            record_market_input(
                source=each, asset=(MES, USD), timestep="minute", when=FIRST, frame=frame,
                purpose="history",
            )  # fmt: skip
    assert_same_evidence(theirs, ours, tmp_path)
    assert "capture_error" in ours._market_input_evidence.incomplete


def test_resampled_rows_are_not_held_beyond_a_bound(monkeypatch: Any) -> None:
    monkeypatch.setattr("millibar.integrations.lumibot._evidence._HELD_BYTES", 2_000)
    _, ours = both(minutes())
    for i in range(40):
        ask(ours, FIRST + timedelta(minutes=i), 10, "5 minutes")
    assert len(ours._market_input_evidence._notes) < 6


def test_an_asset_renamed_between_two_calls_is_recorded_under_both_names() -> None:
    asset, evidence = Asset("A"), DeferredEvidence()
    for name in ("A", "B"):
        asset.symbol = name
        evidence.record(asset=asset, timestep="minute", when=FIRST, frame=None, purpose="history")
    recorded = [json.loads(seen["asset"])["symbol"] for seen in evidence.observations]
    assert recorded == ["A", "B"]
