"""PolarsData judged by lumibot's PandasDataBacktesting on the same bars.

lumibot's own PolarsData fills no order, so it cannot be the reference; what a user wants of Polars
frames is what pandas frames give. Here the reference gets lumibot's Data, and ours the same rows as
DataPolars or as Polars frames, which reach C through Arrow.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import offline
import pandas as pd
import pytest

pytest.importorskip("lumibot", reason="lumibot, the reference, is not installed")

import polars as pl
from bits import difference
from databento_support import momentum_strategy
from lumibot.entities import Asset, Data, TradingFee
from lumibot.entities.data_polars import DataPolars
from offline import new_york
from parity_data import MES, SPY, USD, Scenario, bars, cme, in_unit, regular_hours, scenarios
from parity_requests import judge


def as_polars(frame: pd.DataFrame) -> pl.DataFrame:
    """The frame with its index as the column "datetime"."""
    return pl.from_pandas(frame.rename_axis("datetime").reset_index())


def as_data_polars(data: Any) -> Any:
    return DataPolars(data.asset, as_polars(data.df), timestep=data.timestep, quote=data.quote)


def through_polars(data: Any) -> Any:
    """lumibot's Data of the frame that a DataPolars of the same rows gives pandas."""
    frame = as_data_polars(data).df
    return Data(data.asset, frame, timestep=data.timestep, quote=data.quote)


def each(given: Any, convert: Callable[[Any], Any]) -> Any:
    if isinstance(given, dict):
        return {key: convert(data) for key, data in given.items()}
    return [convert(data) for data in given]


def pandas_source(**options: Any) -> Any:
    """lumibot's PandasDataBacktesting: the reference."""
    return offline.reference_class()(
        pandas_data=each(options.pop("pandas_data"), through_polars), **options
    )


def polars_source(**options: Any) -> Any:
    """Our PolarsData over DataPolars of what it is given as Data."""
    from millibar.integrations.lumibot import PolarsData

    return PolarsData(pandas_data=each(options.pop("pandas_data"), as_data_polars), **options)


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_requests(scenario: Scenario) -> None:
    offline.quiet()
    shorter = replace(scenario, n_requests=120)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        verdict = judge(pandas_source, polars_source, shorter)
    assert not verdict.findings, verdict.report()


FEES = {"buy_trading_fees": [TradingFee(flat_fee=0.5)], "sell_trading_fees": [TradingFee(0.5)]}


def futures(unit: str = "us") -> pd.DataFrame:
    return in_unit(bars(cme("2024-03-07", "2024-03-09"), 61, missing=0.01), unit)


@pytest.mark.parametrize("form", ["frames", "lazy", "pairs", "DataPolars", "Data"])
def test_momentum_trades_as_pandas_does(form: str) -> None:
    """Each form of input gives the run that lumibot's PandasDataBacktesting gives."""
    from millibar.integrations.lumibot import PolarsData

    frame = futures()
    forms: dict[str, Callable[[], Any]] = {
        "frames": lambda: {MES: as_polars(frame)},
        "lazy": lambda: {MES: as_polars(frame).lazy()},
        "pairs": lambda: {(MES, USD): as_polars(frame).rename({"datetime": "timestamp"})},
        "DataPolars": lambda: [DataPolars(MES, as_polars(frame), quote=USD)],
        "Data": lambda: {MES: Data(MES, frame.copy(), quote=USD)},
    }
    runs = [
        offline.run(
            momentum_strategy(),
            source,
            make,
            new_york("2024-03-08 09:30"),
            new_york("2024-03-08 12:00"),
            parameters={"watch": True},
            **FEES,
        )
        for source, make in (
            (offline.reference_class(), lambda: [Data(MES, frame.copy(), quote=USD)]),
            (PolarsData, forms[form]),
        )
    ]
    assert not offline.runs_differ(*runs)
    assert runs[0].fills > 10


def test_daily_frames_trade_as_pandas_does() -> None:
    """lumibot's day loop and calendar are those of the data, as for pandas."""
    from strategies.daily_rotation import DailyRotation
    from test_runs import stock_with_actions

    from millibar.integrations.lumibot import PolarsData

    def stocks() -> list[Any]:
        symbols = ("AAA", "BBB", "CCC", "DDD")
        return [stock_with_actions(Asset(s), 64 + i, 2.0) for i, s in enumerate(symbols)]

    runs = [
        offline.run(
            DailyRotation,
            source,
            lambda convert=convert: each(stocks(), convert),
            new_york("2023-01-01"),
            new_york("2023-08-01"),
            **FEES,
        )
        for source, convert in (
            (offline.reference_class(), through_polars),
            (PolarsData, as_data_polars),
        )
    ]
    assert not offline.runs_differ(*runs)
    assert runs[0].fills > 3


def test_a_stock_by_its_symbol() -> None:
    from millibar.integrations.lumibot import PolarsData

    frame = bars(regular_hours("2024-03-04", "2024-03-06"), 62, price=500, missing=0.02)
    answers = []
    for cls, given in (
        (offline.reference_class(), {SPY: Data(SPY, in_unit(frame, "us"), quote=USD)}),
        (PolarsData, {"SPY": as_polars(in_unit(frame, "us"))}),
    ):
        source = cls(
            datetime_start=new_york("2024-03-05 09:30"),
            datetime_end=new_york("2024-03-05 15:59"),
            pandas_data=given,
            show_progress_bar=False,
        )
        source.load_data()
        source._datetime = new_york("2024-03-05 11:07")
        bars_of = source.get_historical_prices(SPY, 30, timestep="minute")
        polars_of = source.get_historical_prices(SPY, 30, timestep="5 minutes", return_polars=True)
        assert isinstance(polars_of.df, pl.DataFrame)
        answers.append([bars_of, bars_of.polars_df, polars_of.df, source.get_last_price(SPY)])
    assert not difference(*answers)


@pytest.mark.parametrize("zone", [None, "America/Chicago"])
def test_a_data_polars_without_a_zone(zone: str | None) -> None:
    """Placed in New York or the zone it names."""
    from millibar.integrations.lumibot import PolarsData

    local = pd.date_range(
        "2024-03-09 20:00", "2024-03-11", freq="1min", tz=zone or "America/New_York"
    )
    naive = bars(local, 63).set_axis(local.tz_localize(None))

    def make() -> Any:
        return DataPolars(MES, as_polars(naive), quote=USD, timezone=zone)

    answers = []
    for cls, given in (
        (offline.reference_class(), Data(MES, make().df, quote=USD)),
        (PolarsData, make()),
    ):
        source = cls(
            datetime_start=new_york("2024-03-09 21:00"),
            datetime_end=new_york("2024-03-10 20:00"),
            pandas_data=[given],
            show_progress_bar=False,
        )
        source.load_data()
        found = []
        for clock in ("2024-03-10 00:30", "2024-03-10 03:30", "2024-03-10 12:00"):
            source._datetime = new_york(clock)
            found.append(source.get_historical_prices(MES, 300, timestep="minute"))
        answers.append(found)
    assert not difference(*answers)


def test_the_doubled_hour_without_a_zone_is_refused_as_lumibot_refuses_it() -> None:
    from millibar.integrations.lumibot import PolarsData

    local = pd.date_range("2024-11-02 20:00", "2024-11-04", freq="1min", tz="America/New_York")
    naive = bars(local, 63).set_axis(local.tz_localize(None))
    data = DataPolars(MES, as_polars(naive), quote=USD)
    with pytest.raises(Exception, match="dst switches") as theirs:
        _ = DataPolars(MES, as_polars(naive), quote=USD).df
    with pytest.raises(type(theirs.value), match="dst switches"):
        PolarsData(
            datetime_start=new_york("2024-11-03"),
            datetime_end=new_york("2024-11-04"),
            pandas_data=[data],
        )


def test_names_and_kinds() -> None:
    from lumibot.backtesting import PandasDataBacktesting
    from lumibot.data_sources import PolarsData as LumibotPolarsData

    from millibar.integrations.lumibot import PolarsData

    source = PolarsData(
        datetime_start=new_york("2024-03-08"),
        datetime_end=new_york("2024-03-09"),
        pandas_data={MES: as_polars(futures())},
    )
    assert isinstance(source, LumibotPolarsData)
    assert isinstance(source, PandasDataBacktesting)
    assert type(source).__name__ == "PandasData"
    assert PolarsData.__qualname__ == "PolarsData"
    assert source.SOURCE == "PANDAS"
    assert source.datetime_end == new_york("2024-03-09")


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ([pl.DataFrame({"datetime": []})], TypeError, "by its Asset"),
        ({MES: pl.DataFrame({"close": [1.0]})}, ValueError, "MES"),
        ({MES: 7}, TypeError, "int"),
        ({3: pl.DataFrame({"close": [1.0]})}, TypeError, "Asset"),
    ],
)
def test_what_it_does_not_take(given: Any, error: type[Exception], says: str) -> None:
    from millibar.integrations.lumibot import PolarsData

    with pytest.raises(error, match=says):
        PolarsData(
            datetime_start=new_york("2024-03-08"),
            datetime_end=new_york("2024-03-09"),
            pandas_data=given,
        )
