"""pandas frames in and out: values by bits, dtypes, index name, unit and zone."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from bars_support import make_columns, same_bits

import millibar as mb

pd = pytest.importorskip("pandas")


# What pandas makes of text unasked: object before 3.0, str since.
TEXT = pd.Series(["a"]).dtype


def frame(unit: str = "ns", tz: str | None = "America/New_York", n: int = 200) -> Any:
    columns = make_columns(n, unit=unit)
    index = pd.DatetimeIndex(columns.pop("timestamp"), name="datetime")
    if tz is not None:
        index = index.tz_localize("UTC").tz_convert(tz)
    made = pd.DataFrame(columns, index=index)
    made["text"] = pd.array([None if i % 7 == 0 else f"t{i}" for i in range(n)], TEXT)
    return made


def assert_same_frame(a: Any, b: Any) -> None:
    """Values by bits, dtypes, column order, index dtype, name and values."""
    assert list(a.columns) == list(b.columns)
    assert a.index.dtype == b.index.dtype
    assert a.index.name == b.index.name
    assert same_bits(a.index.asi8, b.index.asi8)
    for name in a.columns:
        assert a[name].dtype == b[name].dtype, name
        if hasattr(a[name], "cat"):
            pd.testing.assert_series_equal(a[name], b[name])
        elif a[name].dtype.kind == "M":
            assert same_bits(pd.DatetimeIndex(a[name]).asi8, pd.DatetimeIndex(b[name]).asi8)
        elif a[name].dtype.kind == "O":
            pd.testing.assert_series_equal(a[name], b[name], check_freq=False)
            assert a[name].isna().tolist() == b[name].isna().tolist()
        else:
            assert same_bits(a[name].to_numpy(), b[name].to_numpy()), name


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("tz", [None, "UTC", "America/New_York", "Asia/Kolkata", "+05:30"])
@pytest.mark.parametrize("copy", [True, False])
def test_round_trip(unit: str, tz: str | None, copy: bool) -> None:
    source = frame(unit, tz)
    bars = mb.from_pandas(source, copy=copy)
    assert bars.schema["datetime"] == f"timestamp[{unit}{', ' + tz if tz else ''}]"
    assert bars.time_column == "datetime"
    assert_same_frame(bars.to_pandas(), source)


def test_round_trip_needs_no_pyarrow() -> None:
    code = """
import sys
sys.modules["pyarrow"] = None
import numpy as np, pandas as pd, millibar as mb
index = pd.date_range("2024-01-03", periods=3, freq="min", tz="Europe/Paris", name="t")
source = pd.DataFrame({"close": [1.0, np.nan, 3.0], "n": [1, 2, 3], "s": ["a", None, "c"],
                       "c": pd.Categorical(["x", "y", None])}, index=index)
bars = mb.from_pandas(source)
pd.testing.assert_frame_equal(bars.to_pandas(), source, check_freq=False)
pd.testing.assert_frame_equal(mb.Bars(source).df, source, check_freq=False)
print("ok")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "ok", done.stderr


def test_the_frame_is_copied_unless_sharing_is_asked_for() -> None:
    values = np.arange(5.0)
    source = pd.DataFrame({"close": values}, copy=False)
    kept, shared = mb.from_pandas(source), mb.from_pandas(source, copy=False)
    values[:] = 9.0
    assert kept["close"].tolist() == [0, 1, 2, 3, 4]
    assert shared["close"].tolist() == [9.0] * 5


def test_frames_handed_out_are_the_users_own() -> None:
    bars = mb.from_pandas(frame())
    first = bars.to_pandas()
    first.loc[:, "close"] = 0.0
    first["new"] = 1
    assert_same_frame(bars.to_pandas(), frame())


def test_df_is_made_once() -> None:
    bars = mb.from_pandas(frame())
    assert bars.df is bars.df
    assert_same_frame(bars.df, frame())
    bars.df["mine"] = 1
    assert "mine" in bars.df.columns
    assert "mine" not in bars.columns


def test_index_in_another_zone() -> None:
    bars = mb.from_pandas(frame(tz="UTC"))
    shown = bars.to_pandas("America/New_York")
    assert str(shown.index.dtype) == "datetime64[ns, America/New_York]"
    assert_same_frame(shown, frame(tz="UTC").tz_convert("America/New_York"))
    with pytest.raises(mb.InvalidError, match="no zone"):
        mb.from_pandas(frame(tz=None)).to_pandas("UTC")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([1, -2, 3], np.int8), "int32"),
        (np.array([1, -2, 3], np.int16), "int32"),
        (np.array([1, 2, 65535], np.uint16), "int32"),
        (np.array([1, 2, 2**32 - 1], np.uint32), "int64"),
        (np.array([1, 2.5, 3], np.float16), "float32"),
        (np.array([1, 2, 3], ">i8"), "int64"),
        (np.array([1, 2.5, 3], ">f8"), "float64"),
        (np.array([True, False, True]), "bool"),
        (np.array([0, 2**64 - 1, 1], np.uint64), "uint64"),
    ],
    ids=lambda value: str(getattr(value, "dtype", value)),
)
def test_dtypes(values: np.ndarray, kind: str) -> None:
    bars = mb.from_pandas(pd.DataFrame({"x": values}))
    assert bars.schema == {"x": kind}
    assert bars["x"].tolist() == values.tolist()


def test_nullable_and_categorical_dtypes() -> None:
    source = pd.DataFrame(
        {
            "i": pd.array([1, None, 3], "Int64"),
            "f": pd.array([1.5, None, 3], "Float64"),
            "b": pd.array([True, None, False], "boolean"),
            "s": pd.array(["a", None, "c"], "string"),
            "c": pd.Categorical(["x", None, "y"]),
            "n": pd.Categorical([10, 20, 10]),
            "o": pd.Series([True, None, False], dtype=object),
        }
    )
    bars = mb.from_pandas(source)
    got = {name: bars.table.column(name).to_list() for name in bars.columns}
    assert got == {
        "i": [1, None, 3],
        "f": [1.5, None, 3.0],
        "b": [True, None, False],
        "s": ["a", None, "c"],
        "c": ["x", None, "y"],
        "n": [10, 20, 10],
        "o": [True, None, False],
    }
    assert bars.schema["c"] == "dictionary"
    back = bars.to_pandas()
    pd.testing.assert_series_equal(back["c"], source["c"])
    assert back["b"].tolist() == [True, None, False]
    assert back["i"].isna().tolist() == [False, True, False]


def test_arrow_backed_columns() -> None:
    pytest.importorskip("pyarrow")
    source = pd.DataFrame({"i": pd.array([1, None, 3], "int64[pyarrow]")})
    assert mb.from_pandas(source).table.column("i").to_list() == [1, None, 3]


def test_missing_stamps_are_null() -> None:
    stamps = pd.to_datetime(["2024-01-03", None], utc=True)
    bars = mb.from_pandas(pd.DataFrame({"t": stamps, "x": [1, 2]}))
    assert bars.table.column("t").null_count == 1
    assert np.isnat(bars["t"]).tolist() == [False, True]
    assert bars.to_pandas().index.isna().tolist() == [False, True]
    with pytest.raises(mb.InvalidError, match="null") as caught:
        bars.between(None, None)
    assert caught.value.row == 1


def test_indexes() -> None:
    plain = mb.from_pandas(pd.DataFrame({"x": [1.0, 2.0]}))
    assert plain.columns == ["x"]
    assert plain.time_column is None
    assert isinstance(plain.to_pandas().index, pd.RangeIndex)
    unnamed = pd.DataFrame({"x": [1]}, index=pd.DatetimeIndex(["2024-01-03"], tz="UTC"))
    assert mb.from_pandas(unnamed).columns == ["timestamp", "x"]
    symbols = pd.DataFrame({"x": [1]}, index=pd.Index(["ES"], name="symbol"))
    assert mb.from_pandas(symbols).columns == ["symbol", "x"]
    two_times = frame()
    two_times["expiry"] = two_times.index + pd.Timedelta(days=30)
    bars = mb.from_pandas(two_times)
    assert bars.time_column == "datetime"
    assert_same_frame(bars.to_pandas(), two_times)


def test_what_a_frame_cannot_be() -> None:
    with pytest.raises(mb.InvalidError, match="MultiIndex"):
        mb.from_pandas(pd.DataFrame({("a", "b"): [1]}))
    with pytest.raises(mb.InvalidError, match="MultiIndex"):
        mb.from_pandas(pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)])))
    with pytest.raises(mb.UnsupportedError, match="'gap'"):
        mb.from_pandas(pd.DataFrame({"gap": pd.to_timedelta([1], "s")}))
    with pytest.raises(mb.UnsupportedError, match="'odd' holds list at row 1"):
        mb.from_pandas(pd.DataFrame({"odd": ["a", [1]]}))
    with pytest.raises(mb.UnsupportedError, match="'z'"):
        mb.from_pandas(pd.DataFrame({"z": [1 + 2j]}))
    with pytest.raises(mb.UnsupportedError, match="'p'"):
        mb.from_pandas(pd.DataFrame({"p": pd.period_range("2024", periods=1, freq="D")}))
    with pytest.raises(mb.InvalidError):
        mb.from_pandas(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_close_labels_are_shifted_once() -> None:
    source = frame()
    bars = mb.from_pandas(source, label="close", period="1min")
    assert_same_frame(bars.to_pandas(), source.set_axis(source.index - pd.Timedelta("1min")))
    assert bars[5:9].to_pandas().index[0] == source.index[4]
    assert bars.tail(3).series.times.to_list() == [
        stamp.value - 60_000_000_000 for stamp in source.index[-3:]
    ]


def test_naive_stamps_are_placed_where_tz_says() -> None:
    source = frame(tz=None)
    with pytest.raises(mb.InvalidError, match="tz="):
        mb.from_pandas(source).window("2024-01-03", 1)
    bars = mb.from_pandas(source, tz="America/New_York")
    wanted = source.tz_localize("America/New_York")
    assert_same_frame(bars.to_pandas(), wanted)
    assert bars.series.times.to_list() == wanted.index.as_unit("ns").asi8.tolist()


def test_empty_frames() -> None:
    empty = mb.from_pandas(frame().iloc[:0])
    assert len(empty) == 0
    assert empty.to_pandas().index.dtype == frame().index.dtype
    assert len(empty.window("2024-01-03", 5)) == 0
    assert len(mb.from_pandas(pd.DataFrame())) == 0


def test_all_nan() -> None:
    source = frame()
    source["close"] = np.nan
    bars = mb.from_pandas(source)
    assert np.isnan(bars["close"]).all()
    assert_same_frame(bars.to_pandas(), source)


def test_big_integers_with_nulls_refuse_to_lose_digits() -> None:
    source = pd.DataFrame({"i": pd.array([2**60 + 1, None], "Int64")})
    bars = mb.from_pandas(source)
    with pytest.raises(mb.InvalidError, match="2\\*\\*53"):
        bars["i"]
    assert bars.table.column("i").to_list() == [2**60 + 1, None]
