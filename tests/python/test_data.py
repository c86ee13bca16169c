"""Data and Bars by themselves, and without pandas; test_values_as_lumibot.py has them beside
lumibot's."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import millibar as mb
from millibar import history, store
from millibar.assets import Asset
from millibar.data import Bar, Bars, Data
from millibar.feed import Window

SPY = Asset("SPY")
ZONE = "America/New_York"


def minutes(n_rows: int = 600, start: str = "2024-01-03 09:30", **more: Any) -> pd.DataFrame:
    close = 100 + 0.25 * (np.arange(n_rows) % 7)
    prices = {"open": close - 0.25, "high": close + 1, "low": close - 1, "close": close}
    index = pd.date_range(start, periods=n_rows, freq="1min", tz=ZONE)
    return pd.DataFrame(prices | {"volume": np.arange(n_rows)} | more, index=index)


def data_of(**more: Any) -> Data:
    return Data(SPY, minutes(**more))


def window(data: Data, length: int, at: int) -> Window:
    found = history.latest(data.feed, int(data.feed.times[at]), length, 0)
    assert found is not None
    return found


# ---- Data ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["frame", "file", "bars", "arrow", "plan"])
def test_data_is_made_of_anything_that_has_rows(kind: str, tmp_path: Path) -> None:
    frame = minutes()
    bars = mb.from_pandas(frame)
    path = tmp_path / "spy.parquet"
    bars.write_parquet(path)
    source: Any = {
        "frame": frame,
        "file": path,
        "bars": bars,
        "arrow": bars.to_arrow(),
        "plan": mb.scan_parquet(path),
    }[kind]
    data = Data.of(SPY, source)
    assert data.timestep == "minute" and len(data.rows.series) == 600
    assert np.array_equal(data.feed.column("close"), frame["close"])
    assert data.datetime_start == frame.index[0] and data.datetime_end == frame.index[-1]
    assert data.date_end.date() == frame.index[-1].date() and data.date_end.hour == 23
    at = frame.index[100].to_pydatetime()
    assert data.get_last_price(at) == frame["open"].iloc[100]
    assert repr(data) == "Data(SPY, minute, 2024-01-03 09:30:00-05:00 to 2024-01-03 19:29:00-05:00)"


def test_data_labelled_by_their_close_are_moved_to_their_open() -> None:
    late = minutes().shift(freq="1min")
    for source in (late, mb.from_pandas(late)):
        data = Data.of(SPY, source, label="close")
        assert data.datetime_start == minutes().index[0]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (minutes()[["close"]].pipe(mb.from_pandas), ValueError),
        (mb.from_pandas(pd.concat([minutes(), minutes()])), ValueError),
        ("nowhere.parquet", FileNotFoundError),
        (7, TypeError),
    ],
)
def test_sources_without_bars_are_refused(source: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Data.of(SPY, source)


def test_gaps_are_filled_on_the_grid_between_first_and_last_row() -> None:
    frame = minutes(10).drop(minutes(10).index[[3, 4]])
    frame.loc[frame.index[5], "volume"] = 5
    data = Data(SPY, frame)
    grid = store.minute_grid([data.rows.series], None)
    feed = data.prepare(grid)
    assert len(feed) == 10 and feed.column("volume").tolist() == [0, 1, 2, 2, 2, 5, 6, 5, 8, 9]
    assert data.df["close"].iloc[4] == frame["close"].iloc[2]
    end = int(data.rows.series.times[4])
    assert len(store.minute_grid([data.rows.series], end)) == 7
    assert feed.column("return")[3] == 0.0 and np.isnan(feed.column("return")[0])


def test_columns_that_are_not_numbers_are_made_so_or_left_out() -> None:
    frame = minutes(5)[["close"]].assign(note="x", close=["1", 2, None, 4, 5])
    data = Data(SPY, frame)
    assert list(data.lines) == ["open", "high", "low", "close", "volume"]
    assert data.lines["high"].tolist() == [1, 2, 2, 4, 5]
    assert data.lines["volume"].tolist() == [0] * 5


def test_whole_volumes_stay_whole_beside_a_column_that_is_no_number() -> None:
    """lumibot's are int64 whatever else the frame has; the times of quotes have no part in bars."""
    rows = minutes(5).astype({"volume": "int64"})
    rows["bid"] = rows["close"] - 0.25
    rows["last_bid_time"] = rows.index
    prepared = Data(SPY, rows).feed.frame
    assert prepared["volume"].dtype == "int64"
    assert list(prepared["volume"]) == list(rows["volume"])
    assert "last_bid_time" not in prepared


def test_questions_out_of_range_are_errors() -> None:
    data = data_of()
    first, last = data.datetime_start, data.datetime_end
    for ask in (data.get_last_price, data.get_quote, data.get_price_snapshot):
        with pytest.raises(ValueError, match="outside of"):
            ask(first - timedelta(minutes=1))
        with pytest.raises(ValueError, match="after the available"):
            ask(last + timedelta(days=3, minutes=1))
        ask(last + timedelta(days=3))
    assert data.get_bars(first, 3) is None
    with pytest.raises(ValueError, match="Only minute, hour, and day"):
        data.get_bars(last, 3, "week")
    with pytest.raises(ValueError, match="not supported"):
        Data(SPY, minutes(3), timestep="day").get_bars(last, 1, "hour")


def test_a_repeated_request_gives_the_same_frame_and_writes_into_it_are_seen() -> None:
    data = data_of()
    at = data.datetime_start + timedelta(minutes=100)
    frame = data.get_bars(at, 30)
    assert frame is not None and data.get_bars(at, 30) is frame
    frame.loc[frame.index[-1], "close"] = 777.0
    later = data.get_bars(at + timedelta(minutes=1), 30)
    assert later is not None and later["close"].iloc[-2] == 777.0
    five = data.get_bars(at, 2, "5 minutes")
    assert five is not None and five["close"].iloc[-1] == 777.0
    assert data.get_last_price(at + timedelta(seconds=30)) == data.lines["open"][100]


def test_timeshifts_are_rows_whatever_they_are_given_as() -> None:
    assert history.timeshift_rows(None, "minute") == 0
    assert history.timeshift_rows(timedelta(seconds=90), "minute") == 1
    assert history.timeshift_rows(timedelta(hours=-25), "day") == -1
    assert history.timeshift_rows(3, "hour") == 3
    assert history.read_request("2 hours", "minute") == (2, "hour", 120, False)
    assert history.read_request("day", "hour") == (1, "day", 24, False)
    assert history.read_request("minute", "minute").native


# ---- Bars ------------------------------------------------------------------------------------


def test_bars_over_a_window_make_no_frame_until_one_is_asked_for() -> None:
    data = data_of()
    rows = window(data, 50, 300)
    bars = Bars.over(rows, "PANDAS", SPY, None)
    assert len(bars) == 50 and not bars.empty and bars.symbol == "SPY"
    close = bars.column("close")
    assert not close.flags.writeable and close.base is not None
    assert np.array_equal(bars.times, data.feed.times[250:300])
    sma = bars.sma(10)
    quick = bars.get_last_price(), bars.get_momentum(5)
    assert rows._frame is None
    assert np.array_equal(sma, bars.df["close"].rolling(10).mean(), equal_nan=True)
    assert bars.df is rows.frame() and bars.df is bars.pandas_df
    assert (bars.get_last_price(), bars.get_momentum(5)) == quick == (close[-1], quick[1])
    bars.df.loc[bars.df.index[-1], ["close", "return"]] = 1.0
    assert bars.get_last_price() == 1.0 and bars.get_momentum(1) == 1.0 != quick[1]
    with pytest.raises(KeyError):
        bars.column("nothing")
    with pytest.raises(AttributeError, match="nothing"):
        _ = bars.nothing


def test_indicators_read_buckets_and_frames_too() -> None:
    data = data_of()
    at = data.datetime_start + timedelta(minutes=300)
    buckets = data.buckets(history.read_request("15min", "minute"), at, 12, 0)
    bars = Bars.over(buckets, "PANDAS", SPY)
    assert len(bars) == 12
    expected = bars.df["close"].rolling(4).mean()
    assert np.array_equal(bars.sma(4), expected, equal_nan=True)
    given = Bars(minutes(), "test", SPY)
    assert np.array_equal(given.ema(5), given.df["close"].ewm(span=5, adjust=False).mean())


def test_bars_survive_copies_and_pickles() -> None:
    bars = Bars.over(window(data_of(), 20, 100), "PANDAS", SPY)
    for twin in (copy.copy(bars), copy.deepcopy(bars), pickle.loads(pickle.dumps(bars))):
        assert twin.df.equals(bars.df) and twin.asset == SPY and len(twin) == 20


def test_setting_df_replaces_the_rows() -> None:
    bars = Bars.over(window(data_of(), 20, 100), "PANDAS", SPY)
    bars.df = bars.df.iloc[5:].tz_convert("UTC")
    assert len(bars) == 15 and str(bars.df.index.tz) == ZONE
    assert bars.column("close").tolist() == bars.df["close"].tolist()
    assert len(bars.times) == 15


def test_rows_of_nothing_and_of_one() -> None:
    empty = Bars(minutes(0), "test", SPY)
    assert empty.empty and len(empty) == 0 and empty.get_total_volume() == 0
    assert empty.split() == [] and len(empty.aggregate_bars("5min")) == 0
    one = Bars(minutes(1), "test", SPY)
    assert one.get_momentum() == 0.0 and len(one.aggregate_bars("1h")) == 1
    bar = one.split()[0]
    assert (bar.open, bar.close, bar.dividend) == (99.75, 100.0, 0.0)


def test_momentum_without_returns_is_a_ratio_of_closes() -> None:
    bars = Bars(minutes(10), "test", SPY)
    frame = bars.df.drop(columns="return")
    bars.df = frame
    close = frame["close"]
    assert bars.get_momentum(3) == close.iloc[-1] / close.iloc[-4] - 1
    assert np.isnan(bars.get_momentum(10))


@pytest.mark.parametrize("frequency", ["weirdly", "every 5 min", "0min", "5 lightyears", 5])
def test_frequencies_that_are_none_are_refused(frequency: Any) -> None:
    with pytest.raises(ValueError, match="frequency"):
        Bars(minutes(10), "test", SPY).aggregate_bars(frequency)
    with pytest.raises(TypeError, match="closed"):
        Bars(minutes(10), "test", SPY).aggregate_bars("5min", closed="right")


def test_a_bar_is_a_row_of_numbers() -> None:
    raw = dict.fromkeys(("open", "high", "low", "close", "volume"), "1.5") | {"timestamp": 0}
    bar = Bar(raw)
    assert bar.open == 1.5 and bar.dividend is None
    assert bar.datetime == datetime.fromisoformat("1969-12-31 19:00-05:00")
    bar.close = "2.5"  # type: ignore[assignment]
    assert bar.close == 2.5 and bar.raw["close"] == 2.5
    assert Bar.get_empty_bar().volume == 0.0 and Bar.get_empty_bar() < Bar(raw | {"timestamp": 9})
    with pytest.raises(ValueError, match="required"):
        Bar({"timestamp": 0})
    with pytest.raises(ValueError, match="float"):
        bar.open = "dear"  # type: ignore[assignment]


def test_data_of_a_file_and_bars_over_it_need_no_pandas(tmp_path: Path) -> None:
    path = tmp_path / "spy.parquet"
    mb.from_pandas(minutes()).write_parquet(path)
    code = f"""
import sys
for name in ("pandas", "polars", "pyarrow", "pytz"):
    sys.modules[name] = None
from millibar import history, store
from millibar.assets import Asset
from millibar.data import Bars, Data
data = Data.of(Asset("SPY"), {str(path)!r})
feed = data.prepare(store.minute_grid([data.rows.series], None))
now = int(feed.times[100])
bars = Bars.over(history.latest(feed, now, 50, 0), "PANDAS", data.asset)
assert len(bars) == 50 and bars.column("close").shape == bars.sma(5).shape == (50,)
assert history.last_price(feed, now) == feed.open_at[100]
buckets = history.latest_buckets(
    feed, history.read_request("5min", "minute"), data.datetime_start, now, 3, 0
)
assert Bars.over(buckets, "PANDAS", data.asset).column("return").shape == (3,)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
