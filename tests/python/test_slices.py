"""Slices of a whole frame are what pandas' own slicing makes, however the frame is kept."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")

from millibar._slices import Slicer, _alike

PANDAS_2 = int(pd.__version__.split(".")[0]) == 2
RANGES = [(0, 0), (0, 1), (0, 9), (3, 7), (8, 9), (9, 9), (5, 40)]


def frame(*, rows: int = 9, unit: str = "ns", volume: str = "int64", freq: bool = False) -> Any:
    times = pd.date_range("2024-03-08 15:00", periods=rows, freq="1h", tz="America/New_York")
    index = pd.DatetimeIndex(times.as_unit(unit), name="datetime")
    values = np.arange(rows, dtype="float64")
    made = pd.DataFrame({"open": values, "close": values + 0.25}, index=index)
    made["volume"] = pd.array(np.arange(rows), dtype=volume)
    made["note"] = [f"row {i}" for i in range(rows)]
    if not freq:
        made.index._data._freq = None
    return made


@pytest.fixture(params=[False, True], ids=["plain", "copy-on-write"])
def mode(request: pytest.FixtureRequest) -> Iterator[None]:
    if not PANDAS_2:
        yield
        return
    with pd.option_context("mode.copy_on_write", request.param):
        yield


@pytest.mark.parametrize("unit", ["ns", "us"])
@pytest.mark.parametrize("volume", ["int64", "float64", "Int64"])
def test_every_part_is_what_pandas_makes(mode: None, unit: str, volume: str) -> None:
    whole = frame(unit=unit, volume=volume)
    slicer = Slicer(whole)
    for first, end in RANGES:
        made, wanted = slicer(first, end), whole._slice(slice(first, end))
        pd.testing.assert_frame_equal(made, wanted)
        assert list(made.columns) == list(wanted.columns)
        if volume != "Int64":
            assert _alike(made, wanted)


def test_the_fast_way_is_taken_for_frames_as_feeds_keep_them(mode: None) -> None:
    assert Slicer(frame())._fast is not None


def test_writes_reach_the_whole_as_from_a_slice_of_pandas(mode: None) -> None:
    def outcome(slicing: Any, whole: Any) -> Any:
        part = slicing(whole)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            part.iloc[0, 0] = -1.0
            part.loc[part.index[1], "volume"] = 77
            part["close"] = 5.0
            part["new"] = 6.0
        return whole, part, [warning.category.__name__ for warning in told]

    ours = outcome(lambda whole: Slicer(whole)(2, 6), frame())
    pandas = outcome(lambda whole: whole._slice(slice(2, 6)), frame())
    for mine, theirs in zip(ours[:2], pandas[:2], strict=True):
        pd.testing.assert_frame_equal(mine, theirs)
    assert ours[2] == pandas[2]


def test_a_write_into_the_whole_shows_in_the_next_slice() -> None:
    whole = frame()
    slicer = Slicer(whole)
    slicer(0, 3)
    whole.iloc[1, 0] = 99.0
    pd.testing.assert_frame_equal(slicer(0, 3), whole.iloc[0:3])


def reindexed(whole: Any) -> None:
    whole.index = whole.index.tz_convert("UTC")


def renamed(whole: Any) -> None:
    whole.index.name = "when"


def widened(whole: Any) -> None:
    whole["more"] = 1.0


def relabelled(whole: Any) -> None:
    whole.columns = [name.upper() for name in whole.columns]


def noted(whole: Any) -> None:
    whole.attrs["source"] = "a file"


def strict_labels(whole: Any) -> None:
    whole.flags.allows_duplicate_labels = False


@pytest.mark.parametrize(
    "change",
    [reindexed, renamed, widened, relabelled, noted, strict_labels],
    ids=lambda f: f.__name__,
)
def test_a_frame_that_was_changed_is_sliced_as_it_is_now(change: Any) -> None:
    whole = frame()
    slicer = Slicer(whole)
    slicer(0, 3)
    change(whole)
    made, wanted = slicer(2, 5), whole.iloc[2:5]
    pd.testing.assert_frame_equal(made, wanted)
    assert (made.attrs, made.index.name) == (wanted.attrs, wanted.index.name)
    assert made.flags == wanted.flags


def test_other_frames_are_left_to_pandas() -> None:
    base: Any = pd.DataFrame
    mine = type("Mine", (base,), {"_constructor": property(lambda self: type(self))})
    regular = frame(freq=True)
    assert regular.index.freq is not None
    counted = frame().reset_index(drop=True)
    for whole in (regular, counted, mine(frame())):
        slicer = Slicer(whole)
        assert slicer._fast is None
        made, wanted = slicer(2, 5), whole.iloc[2:5]
        assert type(made) is type(wanted)
        pd.testing.assert_frame_equal(made, wanted, check_freq=True)


@pytest.mark.parametrize("error", [AttributeError, ImportError, TypeError])
def test_a_pandas_that_keeps_frames_otherwise_slices_itself(monkeypatch: Any, error: Any) -> None:
    def views(whole: Any) -> Any:
        raise error("no such thing here")

    monkeypatch.setattr("millibar._slices._views_of", views)
    whole = frame()
    slicer = Slicer(whole)
    assert slicer._fast is None
    pd.testing.assert_frame_equal(slicer(2, 5), whole.iloc[2:5])


def test_a_slice_that_differs_is_not_used(monkeypatch: Any) -> None:
    monkeypatch.setattr("millibar._slices._alike", lambda *_: False)
    assert Slicer(frame())._fast is None
