"""PolarsData: how frames reach C. That it trades as pandas does is judged in tests/parity."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("IS_BACKTESTING", "true")
os.environ.setdefault("LUMIBOT_DISABLE_DOTENV", "1")
os.environ.setdefault("LUMIBOT_CACHE_FOLDER", tempfile.mkdtemp(prefix="millibar-lumibot-"))

pytest.importorskip("lumibot", reason="PolarsData stands inside lumibot")

import polars as pl
import pytz
from lumibot.entities import Asset
from lumibot.entities.data_polars import DataPolars

from millibar.integrations.lumibot import PolarsData

NEW_YORK = pytz.timezone("America/New_York")
START = NEW_YORK.localize(datetime(2024, 3, 5, 9, 30))
SPY = Asset("SPY")
USD = Asset("USD", "forex")


def frame(rows: int = 300, unit: str = "us") -> pl.DataFrame:
    close = 500 + np.arange(rows) * 0.25
    times = [START + timedelta(minutes=i) for i in range(rows)]
    return pl.DataFrame(
        {
            "Datetime": pl.Series(times).cast(pl.Datetime(unit, "America/New_York")),  # type: ignore[arg-type]
            "Open": close - 0.25,
            "High": close + 0.5,
            "Low": close - 0.5,
            "Close": close,
            "Volume": np.arange(rows),
            "note": ["x"] * rows,
        }
    )


def source(given: Any, **options: Any) -> Any:
    made = PolarsData(
        datetime_start=START,
        datetime_end=START + timedelta(minutes=250),
        pandas_data=given,
        show_progress_bar=False,
        **options,
    )
    made.load_data()
    made._datetime = START + timedelta(minutes=100)
    return made


def test_polars_frames_make_no_pandas_frame_on_their_way_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pl.DataFrame, "to_pandas", lambda *a, **k: pytest.fail("went over pandas"))
    for given in (
        {SPY: frame()},
        {(SPY, USD): frame().lazy()},
        [DataPolars(SPY, frame().rename({"Datetime": "datetime"}).drop("note"), quote=USD)],
    ):
        bars = source(given).get_historical_prices(SPY, 5, timestep="minute")
        assert bars.column("close").tolist() == [523.75, 524.0, 524.25, 524.5, 524.75]


def test_the_callers_frame_is_untouched() -> None:
    given = frame()
    before = given.clone()
    bars = source({SPY: given}).get_historical_prices(SPY, 5, timestep="minute")
    bars.df.loc[:, "close"] = 0.0
    assert given.equals(before)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_the_unit_of_time_is_kept(unit: str) -> None:
    bars = source({SPY: frame(unit=unit)}).get_historical_prices(SPY, 5, timestep="minute")
    assert str(bars.df.index.dtype) == f"datetime64[{unit}, America/New_York]"


def test_return_polars() -> None:
    made = source({SPY: frame()})
    bars = made.get_historical_prices(SPY, 5, timestep="minute", return_polars=True)
    assert isinstance(bars.df, pl.DataFrame)
    assert bars.df.columns == ["datetime", "open", "high", "low", "close", "volume", "return"]
    plain = made.get_historical_prices(SPY, 5, timestep="minute")
    assert plain.polars_df.equals(bars.df)
    assert len(plain.df) == 5


def test_close_labels_and_timesteps_of_frames() -> None:
    by_open = source({SPY: frame()}).get_historical_prices(SPY, 3, timestep="minute")
    later = frame().with_columns(pl.col("Datetime").dt.offset_by("1m"))
    by_close = source({SPY: later}, label="close").get_historical_prices(SPY, 3, timestep="minute")
    assert by_close.times.tolist() == by_open.times.tolist()
    hourly = source({SPY: frame()}, timestep="hour")
    assert hourly._timestep == "hour"


def test_a_data_polars_keeps_the_first_of_repeated_times() -> None:
    twice = frame(4).rename({"Datetime": "datetime"}).drop("note")
    twice = pl.concat([twice, twice.slice(1, 1).with_columns(pl.lit(7.0).alias("Close"))])
    data = DataPolars(SPY, twice, quote=USD)
    expected = data.df[~data.df.index.duplicated(keep="first")]["close"].tolist()
    made = source([data])
    bars = made.get_historical_prices(SPY, 10, timestep="minute")
    assert set(bars.df["close"]) == set(expected)


def test_repeated_times_of_a_frame_are_refused() -> None:
    twice = pl.concat([frame(4), frame(2)])
    with pytest.raises(ValueError, match="SPY"):
        source({SPY: twice})
