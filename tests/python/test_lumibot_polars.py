"""PolarsData: frames in every form, and the trades of PandasDataBacktesting on the same bars.

lumibot's own PolarsData is run as well: that it fills nothing is the reason for ours.
"""

from __future__ import annotations

from typing import Any

import pytest
from lumibot_support import MES, USD, Theirs, assert_alike, at, clocks, minutes

pl = pytest.importorskip("polars")

from lumibot.data_sources.polars_data import PolarsData as LumibotPolarsData
from lumibot.entities import Data
from lumibot.entities.data_polars import DataPolars
from offline import run, runs_differ
from strategies.order_tour import OrderTour

from millibar.integrations.lumibot import PandasDataBacktesting, PolarsData

SPAN = (at("2024-01-04 09:30"), at("2024-01-04 13:00"))


def polars(frame: Any, name: str = "datetime") -> Any:
    """The same rows as a Polars frame with a column of times."""
    return pl.from_pandas(frame.rename_axis(name).reset_index())


def frames() -> dict[str, Any]:
    """pandas_data in each form PolarsData takes, all of the same bars."""
    bars = minutes()
    table = polars(bars)
    return {
        "frame": {MES: table},
        "lazy frame": {(MES, USD): table.lazy()},
        "other time column": {MES: polars(bars, "timestamp")},
        "utc": {MES: table.with_columns(pl.col("datetime").dt.convert_time_zone("UTC"))},
        "DataPolars in a list": [DataPolars(MES, table, quote=USD)],
        "DataPolars in a dict": {MES: DataPolars(MES, table)},
        "Data": [Data(MES, bars.copy(), quote=USD)],
    }


def sourced(kind: type, pandas_data: Any) -> Any:
    source = kind(
        datetime_start=SPAN[0],
        datetime_end=SPAN[1],
        pandas_data=pandas_data,
        show_progress_bar=False,
    )
    source.load_data()
    return source


@pytest.mark.parametrize("form", frames())
def test_answers_are_those_of_pandas_data(form: str) -> None:
    theirs = sourced(Theirs, [Data(MES, minutes(), quote=USD)])
    ours = sourced(PolarsData, frames()[form])
    for clock in clocks(25):
        assert_alike(theirs, ours, clock, lambda s: s.get_last_price(MES, quote=USD))
        assert_alike(
            theirs, ours, clock, lambda s: frame_of(s.get_historical_prices(MES, 50, "minute"))
        )
        assert_alike(
            theirs, ours, clock, lambda s: frame_of(s.get_historical_prices(MES, 5, "15 minutes"))
        )


def frame_of(bars: Any) -> Any:
    return None if bars is None else bars.pandas_df


def test_trades_are_those_of_pandas_data() -> None:
    reference = run(OrderTour, Theirs, lambda: [Data(MES, minutes(), quote=USD)], *SPAN)
    subject = run(OrderTour, PolarsData, lambda: {MES: polars(minutes())}, *SPAN)
    assert reference.fills > 0
    assert runs_differ(reference, subject) == []


def test_lumibots_own_fills_nothing() -> None:
    theirs = run(OrderTour, LumibotPolarsData, lambda: [Data(MES, minutes(), quote=USD)], *SPAN)
    assert theirs.fills == 0


def test_name_decides_in_lumibot() -> None:
    assert issubclass(PolarsData, PandasDataBacktesting)
    assert PolarsData.__name__ == "PandasDataBacktesting"
    assert PolarsData.__qualname__ == "PolarsData"
    assert PolarsData.SOURCE == "PANDAS"
    assert sourced(PolarsData, {MES: polars(minutes())}).name == "polars"


def test_polars_frames_come_back() -> None:
    source = sourced(PolarsData, {MES: polars(minutes())})
    source._update_datetime(at("2024-01-04 12:00"))
    bars = source.get_historical_prices(MES, 20, "minute", return_polars=True)
    assert isinstance(bars.df, pl.DataFrame)
    assert bars.df["close"].to_list() == bars.pandas_df["close"].tolist()
    assert bars.df.height == 20


def test_a_frame_without_an_asset_is_refused() -> None:
    with pytest.raises(TypeError, match="needs its asset"):
        sourced(PolarsData, [polars(minutes())])


def test_a_frame_without_a_price_names_it() -> None:
    with pytest.raises(ValueError, match="no column 'close'"):
        sourced(PolarsData, {MES: polars(minutes()).drop("close")})


def test_a_frame_without_times_is_refused() -> None:
    with pytest.raises(ValueError, match="data of MES"):
        sourced(PolarsData, {MES: polars(minutes()).drop("datetime")})
