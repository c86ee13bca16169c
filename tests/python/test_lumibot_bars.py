"""Bars over a window in C: lazy, and in every other respect lumibot's Bars."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from lumibot_support import MES, USD, assert_same, at, both, minutes

pytest.importorskip("lumibot", reason="lumibot is not installed")

from lumibot.entities import Bars as LumibotBars

NOON = at("2024-01-04 12:00")


@pytest.fixture
def sources() -> tuple[Any, Any]:
    theirs, ours = both(minutes())
    for each in (theirs, ours):
        each._update_datetime(NOON)
    return theirs, ours


@pytest.fixture
def pair(sources: tuple[Any, Any]) -> tuple[Any, Any]:
    """lumibot's Bars and ours of one request."""
    theirs, ours = (each.get_historical_prices(MES, 50, "minute", quote=USD) for each in sources)
    return theirs, ours


def made(bars: Any) -> bool:
    """Whether the bars have become a DataFrame."""
    return bars._window._frame is not None


def test_no_frame_is_made_until_one_is_asked_for(pair: tuple[Any, Any]) -> None:
    bars = pair[1]
    assert len(bars) == 50 and not bars.empty and bars
    assert (bars.source, bars.symbol, bars.asset, bars.quote) == ("PANDAS", "MES", MES, USD)
    assert bars.column("close")[-1] > 0 and len(bars.times) == 50
    assert not made(bars)
    assert bars.df is bars.pandas_df is bars._df is bars._raw
    assert made(bars) and len(bars) == 50 and not bars.empty


def test_columns_are_the_frames_read_only_and_shared(pair: tuple[Any, Any]) -> None:
    theirs, bars = pair
    for name in theirs.df.columns:
        values = bars.column(name)
        assert values.tobytes() == theirs.df[name].to_numpy().tobytes()
        assert values.dtype == theirs.df[name].dtype and not values.flags.writeable
    assert np.shares_memory(bars.column("close"), bars._window.feed.columns["close"])
    assert bars.times.tolist() == theirs.df.index.as_unit("ns").asi8.tolist()
    with pytest.raises(KeyError):
        bars.column("vwap")


def test_attributes_and_methods_are_lumibots(pair: tuple[Any, Any]) -> None:
    theirs, ours = pair
    assert isinstance(ours, LumibotBars) and type(ours).__name__ == "Bars"
    for name in ("source", "symbol", "asset", "quote", "_return_polars", "_tzinfo"):
        assert_same(getattr(theirs, name), getattr(ours, name))
    assert_same(theirs.df, ours.df)
    assert theirs.polars_df.equals(ours.polars_df)
    assert ours.polars_df is ours.polars_df
    for method in ("get_last_price", "get_last_dividend", "get_momentum", "get_total_volume"):
        assert_same(getattr(theirs, method)(), getattr(ours, method)())
    assert repr(theirs) == repr(ours)
    assert theirs.aggregate_bars("5min").df.equals(ours.aggregate_bars("5min").df)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ours.nothing


def test_polars_is_converted_when_the_bars_are_made(sources: tuple[Any, Any]) -> None:
    answers = []
    for each in sources:
        plain = each.get_historical_prices(MES, 20, "minute", quote=USD)
        bars = each.get_historical_prices(MES, 20, "minute", quote=USD, return_polars=True)
        plain.df.iloc[0, 0] = -1.0
        answers.append((bars.df, bars.pandas_df["open"].iloc[0], len(bars), bars.empty))
    assert isinstance(answers[1][0], pl.DataFrame)
    assert answers[0][0].equals(answers[1][0])
    assert answers[0][1:] == answers[1][1:]


def test_another_frame_can_be_assigned(pair: tuple[Any, Any]) -> None:
    for bars in pair:
        bars.df = bars.df.iloc[:7]
        assert len(bars) == 7
    assert_same(pair[0].df, pair[1].df)
    values = pair[1].column("close")
    assert len(values) == 7 and not values.flags.writeable
    assert len(pair[1].times) == 7


def test_a_polars_frame_can_be_assigned(pair: tuple[Any, Any]) -> None:
    for bars in pair:
        bars.df = bars.polars_df.head(5)
    assert_same(pair[0].df, pair[1].df)


@pytest.mark.filterwarnings("ignore")
def test_rows_dropped_in_place_are_gone_from_len(sources: tuple[Any, Any]) -> None:
    for each in sources:
        first = each.get_historical_prices(MES, 9, "minute", quote=USD)
        first.df.drop(first.df.index[:4], inplace=True)
        again = each.get_historical_prices(MES, 9, "minute", quote=USD)
        assert (len(first), len(again), again.empty) == (5, 5, False)
        first.df.drop(first.df.index, inplace=True)
        assert again.empty
        assert len(each.get_historical_prices(MES, 9, "minute", quote=USD)) == 9


def pickled(bars: Any) -> Any:
    return pickle.loads(pickle.dumps(bars))


@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, pickled])
def test_copies_and_pickles_carry_the_frame(pair: tuple[Any, Any], through: Any) -> None:
    theirs, ours = pair
    twin = through(ours)
    assert_same(theirs.df, twin.df)
    assert len(twin) == 50 and twin.symbol == "MES" and twin._window is None
    assert_same(ours.column("close"), twin.column("close"))
    assert "_millibar_window" not in pickle.loads(pickle.dumps(ours.df)).__dict__


def test_resampled_bars_are_lazy_too(sources: tuple[Any, Any]) -> None:
    theirs, ours = (
        each.get_historical_prices(MES, 12, "15 minutes", quote=USD) for each in sources
    )
    assert len(ours) == 12 and not made(ours)
    assert ours.column("return").tobytes() == theirs.df["return"].to_numpy().tobytes()
    assert ours.times.tolist() == theirs.df.index.as_unit("ns").asi8.tolist()
    assert not made(ours)
    assert_same(theirs.df, ours.df)
    assert isinstance(ours.df.index, pd.DatetimeIndex)


def test_columns_follow_the_rows_that_lumibot_drops() -> None:
    frame = minutes()
    frame["volume"] = frame["volume"].astype(float)
    frame.iloc[:5, 3] = np.nan  # closes that nothing before can fill
    frame.iloc[40:60, 4] = np.nan
    theirs, ours = both(frame)
    for each in (theirs, ours):
        each._update_datetime(at("2024-01-03 10:30"))
    a, b = (each.get_historical_prices(MES, 400, "minute", quote=USD) for each in (theirs, ours))
    assert len(a) == len(b) and not made(b)
    for name in a.df.columns:
        assert b.column(name).tobytes() == a.df[name].to_numpy().tobytes()
    assert b.times.tolist() == a.df.index.as_unit("ns").asi8.tolist()
    assert_same(a.df, b.df)


def test_writes_into_values_reach_no_frame_and_pandas_warns_alike(sources: tuple[Any, Any]) -> None:
    heard = []
    for each in sources:
        frame = each.get_historical_prices(MES, 9, "minute", quote=USD).df
        frame.values[:] = -1.0
        assert (frame["close"] > 0).all()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            frame["mean"] = 1.0
            frame.iloc[0, 0] = 1.0
            frame.drop(columns="mean", inplace=True)
        heard.append([warning.category for warning in caught])
    assert heard[0] == heard[1]
