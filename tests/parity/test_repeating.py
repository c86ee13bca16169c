"""What a strategy does to a window it was given, and what it is given afterwards.

lumibot's windows are views of one frame: asked again while the window has not moved it hands out
the same DataFrame object, with whatever the strategy added; a value written into a window is seen
by later windows of that row, while the last price keeps the original. Strategies that rely on
either (adding indicator columns to `bars.df`, say) must find the same here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import offline
import pandas as pd
import pytest

pytest.importorskip("lumibot", reason="lumibot, the reference, is not installed")

from bits import difference
from offline import new_york
from parity_data import MES, USD, bars, cme, data, with_actions

START, END = new_york("2024-03-11 09:30"), new_york("2024-03-12 12:00")
NOW = new_york("2024-03-11 11:07")


def _add_column(frame: pd.DataFrame) -> None:
    frame["sma"] = frame["close"].rolling(5).mean()


def _write_cell(frame: pd.DataFrame) -> None:
    frame.iloc[-3, frame.columns.get_loc("close")] = 1.5


def _write_label(frame: pd.DataFrame) -> None:
    frame.loc[frame.index[-2], "high"] = 99999.25


def _write_at(frame: pd.DataFrame) -> None:
    frame.at[frame.index[-2], "volume"] = 12345


def _write_rows(frame: pd.DataFrame) -> None:
    frame.iloc[5:8] = 7.0


def _write_whole_column_in_place(frame: pd.DataFrame) -> None:
    frame.loc[:, "low"] = frame["low"] * 2


def _write_through_numpy(frame: pd.DataFrame) -> None:
    values = frame["open"].to_numpy()
    if values.flags.writeable:
        values[-4] = 3.25


def _replace_column(frame: pd.DataFrame) -> None:
    frame["close"] = frame["close"] * 2


def _cast_column(frame: pd.DataFrame) -> None:
    frame["volume"] = frame["volume"].astype("float32")


def _fill_in_place(frame: pd.DataFrame) -> None:
    frame.fillna(0.0, inplace=True)


def _drop_column(frame: pd.DataFrame) -> None:
    frame.drop(columns=["return"], inplace=True)


def _drop_rows(frame: pd.DataFrame) -> None:
    frame.drop(index=frame.index[:3], inplace=True)


def _turn_round(frame: pd.DataFrame) -> None:
    frame.sort_index(ascending=False, inplace=True)


def _rename(frame: pd.DataFrame) -> None:
    frame.columns = [name.upper() for name in frame.columns]


def _replace_index(frame: pd.DataFrame) -> None:
    frame.index = frame.index.tz_convert("UTC")


def _name_index(frame: pd.DataFrame) -> None:
    frame.index.name = "when"


DEEDS = (
    _add_column,
    _write_cell,
    _write_label,
    _write_at,
    _write_rows,
    _write_whole_column_in_place,
    _write_through_numpy,
    _replace_column,
    _cast_column,
    _fill_in_place,
    _drop_column,
    _drop_rows,
    _turn_round,
    _rename,
    _replace_index,
    _name_index,
)


def _source(source_class: type, frame: pd.DataFrame, step: str) -> Any:
    source = source_class(
        datetime_start=START,
        datetime_end=END,
        pandas_data={MES: data(MES, frame, step)},
        show_progress_bar=False,
    )
    source.load_data()
    return source


def _window(source: Any, length: int, step: str = "minute", **more: Any) -> Any:
    """The frame; or the exception, for lumibot stumbles over a frame robbed of its columns."""
    try:
        found = source.get_historical_prices(MES, length, step, quote=USD, **more)
    except Exception as error:
        return error
    return None if found is None else found.df


def _afterwards(source: Any, step: str) -> dict[str, Any]:
    """All that the deed may have changed, now and a bar later."""
    seen: dict[str, Any] = {}
    for moment in (NOW, NOW + pd.Timedelta(minutes=1), NOW + pd.Timedelta(days=1)):
        source._update_datetime(moment)
        at = f"{moment:%d %H:%M}"
        for length in (20, 40):
            seen[f"{at} {length}"] = _window(source, length, step)
        seen[f"{at} shifted"] = _window(source, 20, step, timeshift=2)
        seen[f"{at} resampled"] = _window(source, 4, "5 minutes" if step == "minute" else step)
        seen[f"{at} last"] = source.get_last_price(MES)
        seen[f"{at} quote"] = source.get_quote(MES).raw_data
        seen[f"{at} between"] = source._pull_source_symbol_bars_between_dates(
            MES, timestep=step, start_date=moment - pd.Timedelta(hours=1), end_date=moment
        )
    return seen


def _do(source_class: type, frame: pd.DataFrame, step: str, deed: Callable[[Any], None]) -> Any:
    source = _source(source_class, frame, step)
    source._update_datetime(NOW)
    first = _window(source, 20, step)
    before = first.copy(deep=True)
    outcome = None
    try:
        deed(first)
    except Exception as error:
        outcome = error
    second = _window(source, 20, step)
    result = {
        "window": before,
        "outcome": outcome,
        "own frame": first,
        "asked again": second,
        "same object": first is second,
    }
    return result | _afterwards(source, step)


FRAMES = {
    "integer-volume": bars(cme("2024-03-10", "2024-03-13"), 50, missing=0.01),
    "float-volume": bars(cme("2024-03-10", "2024-03-13"), 51, missing=0.01, volume="float64"),
    "actions": with_actions(bars(cme("2024-03-10", "2024-03-13"), 52, missing=0.01), 52),
}


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__.strip("_"))
@pytest.mark.parametrize("kind", FRAMES)
def test_a_window_written_to_leaves_lumibots_traces(kind: str, deed: Callable[[Any], None]) -> None:
    offline.quiet()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = _do(offline.reference_class(), FRAMES[kind], "minute", deed)
        found = _do(offline.subject_class(), FRAMES[kind], "minute", deed)
    text = difference(expected, found)
    assert not text


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__.strip("_"))
def test_daily_windows_too(deed: Callable[[Any], None]) -> None:
    offline.quiet()
    days = pd.date_range("2023-11-01", "2024-04-01", freq="B", tz=offline.NEW_YORK)
    frame = bars(days, 53)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = _do(offline.reference_class(), frame, "day", deed)
        found = _do(offline.subject_class(), frame, "day", deed)
    text = difference(expected, found)
    assert not text


def test_one_object_while_the_window_stands_still() -> None:
    """By hand: what the tests above compare is what lumibot's documentation of it says."""
    offline.quiet()
    source = _source(offline.subject_class(), FRAMES["integer-volume"], "minute")
    source._update_datetime(NOW)
    first = _window(source, 20)
    first.insert(len(first.columns), "sma", np.arange(20.0))
    assert _window(source, 20) is first
    source._update_datetime(NOW + pd.Timedelta(seconds=20))
    assert _window(source, 20) is first
    source._update_datetime(NOW + pd.Timedelta(minutes=1))
    moved = _window(source, 20)
    assert moved is not first
    assert "sma" not in moved.columns
    assert moved.index[-1] == NOW


def test_the_callers_frame_is_written_to_as_lumibot_writes_to_it() -> None:
    """lumibot renames the caller's index and makes it New York's, in place; so must we, no more."""
    offline.quiet()
    sides = []
    for source_class in (offline.reference_class(), offline.subject_class()):
        from lumibot.entities import Data

        frame = FRAMES["integer-volume"].tz_convert("UTC")
        frame.columns = ["Open", "High", "Low", "Close", "Volume"]
        mine = Data(MES, frame, timestep="minute", quote=USD)
        source = source_class(
            datetime_start=START, datetime_end=END, pandas_data=[mine], show_progress_bar=False
        )
        source.load_data()
        source._update_datetime(NOW)
        _window(source, 20)
        sides.append(frame)
    assert difference(sides[0], sides[1]) is None
