"""The rows handed to lumibot's fill loop answer as the DataFrame they stand for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lumibot_support import MES, SPY, USD, Ours, assert_same, at, days, minutes, source

pytest.importorskip("lumibot", reason="lumibot is not installed")

from millibar.integrations.lumibot import SpeedMeter, _fills
from millibar.integrations.lumibot._bars import Bars
from millibar.integrations.lumibot._fills import FillBars, FillRows

NOON = at("2024-01-04 12:00")
MOMENTS = [NOON + timedelta(minutes=shift) for shift in (-9, -1, 0, 1, 2, 700)]


def ask(made: Any, clock: Any, asset: Any, step: str, shift: int) -> Any:
    made._update_datetime(clock)
    return made.get_historical_prices(
        asset=asset, length=2, quote=USD, timeshift=shift, timestep=step
    )


def select(frame: Any, now: Any, window: timedelta) -> Any:
    """The bar an order is filled from, chosen with the operations lumibot uses."""
    moment = pd.Timestamp(now).tz_convert(frame.index.tz)
    future = frame[(frame.index >= moment) & (frame.index <= moment + window)]
    if len(future) > 0:
        return future.iloc[:1]
    past = frame[frame.index <= moment]
    return past.iloc[-1:] if len(past) else None


def bar(rows: Any) -> Any:
    if rows is None:
        return None
    return [len(rows), rows.index[0], *(rows[name].iloc[0] for name in rows.columns)]


@pytest.mark.parametrize("clock", MOMENTS, ids=str)
@pytest.mark.parametrize("kind", ["minute", "day"])
def test_the_bar_found_is_the_same_object_types_included(kind: str, clock: Any) -> None:
    asset, frame = (MES, minutes()) if kind == "minute" else (SPY, days())
    made = source(Ours, frame, asset, kind)
    bars = ask(made, clock, asset, kind, -1 if kind == "minute" else 0)
    rows = FillRows(bars._window, range(bars._window.first, bars._window.first + len(bars)))
    assert bars._window._frame is None
    for window in (timedelta(minutes=5), timedelta(days=2), timedelta(0)):
        chosen = select(rows, clock, window)
        assert_same(bar(select(bars.df, clock, window)), bar(chosen))
    assert not hasattr(rows, "select") and rows.index.max() == bars.df.index.max()


def test_a_write_into_a_frame_given_before_is_filled_at() -> None:
    made = source(Ours, minutes())
    made._update_datetime(NOON + timedelta(minutes=9))
    frame = made.get_historical_prices(MES, 20, "minute", quote=USD).df
    frame.loc[pd.Timestamp(NOON), "open"] = 1.25
    bars = ask(made, NOON, MES, "minute", -1)
    rows = FillRows(bars._window, [bars._window.first + 1])
    assert rows.index[0] == NOON and rows["open"].iloc[0] == 1.25 == bars.df["open"].iloc[-1]


def test_everything_else_is_the_dataframes() -> None:
    made = source(Ours, minutes())
    window = ask(made, NOON, MES, "minute", -1)._window
    frame = window.frame()
    rows = FillRows(window, range(window.first, window.first + 2))
    assert_same(frame, rows.real())
    assert list(rows.columns) == list(frame.columns) and rows.shape == frame.shape
    assert_same(frame["close"] > 5, rows.real()["close"] > 5)
    assert_same(frame[["open", "close"]], rows[["open", "close"]])
    assert_same(frame[np.array([True, False])], rows[np.array([True, False])])
    assert_same(frame.iloc[-1], rows.iloc[-1])
    assert_same(frame.index[:1], rows.index[:1])
    naive = pd.Timestamp("2024-01-04")
    for compare in (lambda index: index >= naive, lambda index: index <= naive):
        with pytest.raises(TypeError):
            compare(rows.index)
    assert (rows.index >= NOON).tolist() == (frame.index >= NOON).tolist()
    assert rows.index.tz is frame.index.tz and rows.index.name == "datetime"
    with pytest.raises(KeyError):
        _ = rows["none"]


def filling(made: Any, **more: Any) -> Any:
    """A caller with the code object the fill loop has."""
    return made.get_historical_prices(
        asset=MES, length=2, quote=USD, timeshift=-1, timestep="minute", **more
    )


def test_only_the_fill_loop_is_given_them(monkeypatch: Any) -> None:
    made = source(Ours, minutes())
    made._update_datetime(NOON)
    assert type(filling(made)) is Bars
    monkeypatch.setattr(_fills, "_FILLING", filling.__code__)
    found = filling(made)
    assert type(found) is FillBars and type(found.df) is FillRows and not found.empty
    assert isinstance(found, Bars) and type(found.pandas_df) is pd.DataFrame
    assert type(found.df) is pd.DataFrame  # it has been made, so it is shown
    assert type(filling(made)) is Bars  # and is handed out again
    made._update_datetime(NOON + timedelta(minutes=1))
    assert type(filling(made, return_polars=True)) is Bars
    made._update_datetime(NOON + timedelta(minutes=2))
    monkeypatch.setattr(_fills, "_known", False)
    assert type(filling(made)) is Bars


def test_a_derived_class_sees_bars_and_the_meter_is_seen_through(monkeypatch: Any) -> None:
    class Derived(Ours):
        def get_historical_prices(self, *args: Any, **kwargs: Any) -> Any:
            bars = super().get_historical_prices(*args, **kwargs)
            assert type(bars) is Bars
            return bars

    monkeypatch.setattr(_fills, "_FILLING", filling.__code__)
    made = source(Derived, minutes())
    made._update_datetime(NOON)
    assert type(filling(made).df) is pd.DataFrame
    made = source(Ours, minutes())
    made._update_datetime(NOON)
    monkeypatch.setattr(Ours, "get_historical_prices", Ours.get_historical_prices)
    SpeedMeter(object, Ours, 0)._watch(Ours, "get_historical_prices", "data")
    assert type(filling(made)) is FillBars


def test_rows_with_nan_are_given_as_frames(monkeypatch: Any) -> None:
    frame = minutes().astype({"volume": float})
    frame.iloc[::50, 4] = np.nan
    made = source(Ours, frame)
    made._update_datetime(NOON)
    monkeypatch.setattr(_fills, "_FILLING", filling.__code__)
    assert type(filling(made)) is Bars
