"""Bars: columns, rows, time, conversions, and what makes it a value."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from datetime import datetime, timezone

import numpy as np
import pytest
from bars_support import make_columns, same_bits
from sharing_support import assert_nothing_is_left

import millibar as mb
from millibar import _core, col

MINUTE = 60_000_000_000


# ---- Columns -------------------------------------------------------------------------------------


def test_columns_and_schema(bars: mb.Bars, columns: dict[str, np.ndarray]) -> None:
    assert bars.columns == list(columns)
    assert bars.shape == (1000, 10)
    assert bars.schema["timestamp"] == "timestamp[ns, UTC]"
    kinds = [bars.schema[name] for name in ("open", "volume", "ticks", "turnover", "vwap", "odd")]
    assert kinds == ["float64", "int64", "int32", "uint64", "float32", "bool"]
    for name, values in columns.items():
        assert same_bits(bars[name], values), name
    assert "close" in bars
    assert "nope" not in bars
    assert bars.nbytes > 1000 * 8 * 6


def test_numbers_and_stamps_are_shared_and_read_only(bars: mb.Bars) -> None:
    for name in ("timestamp", "close", "volume", "ticks", "turnover", "vwap"):
        first, second = bars[name], bars[name]
        assert first.__array_interface__["data"] == second.__array_interface__["data"]
        with pytest.raises(ValueError, match="read-only"):
            first[0] = first[1]
    assert not bars["odd"].flags.writeable
    window = bars[100:200]["close"]
    assert window.__array_interface__["data"][0] == (
        bars["close"].__array_interface__["data"][0] + 800
    )


def test_attributes() -> None:
    bars = mb.Bars({"Close": [1.0], "OPEN": [2.0], "a": [1], "A": [2], "shape": [9]})
    assert bars.close.tolist() == bars.Close.tolist() == [1.0]
    assert bars.open.tolist() == [2.0]
    assert bars.A.tolist() == [2]
    assert bars.shape == (1, 5)
    assert bars["shape"].tolist() == [9]
    assert "Close" in dir(bars)
    for name in ("nope", "_private", "__array__"):
        with pytest.raises(AttributeError, match=name):
            getattr(bars, name)
    assert not hasattr(mb.Bars({"X": [1], "x": [1]}), "y")


def test_nulls_in_arrays() -> None:
    pa = pytest.importorskip("pyarrow")
    bars = mb.from_arrow(
        pa.table(
            {
                "f": [1.5, None],
                "i": [7, None],
                "b": [True, None],
                "s": ["a", None],
                "t": pa.array([0, None], pa.timestamp("s", "UTC")),
            }
        )
    )
    assert same_bits(bars["f"], np.array([1.5, np.nan]))
    assert same_bits(bars["i"], np.array([7.0, np.nan]))
    assert bars["b"].tolist() == [True, None]
    assert bars["s"].tolist() == ["a", None]
    assert np.isnat(bars["t"]).tolist() == [False, True]
    assert all(not bars[name].flags.writeable for name in bars.columns)


def test_getitem(bars: mb.Bars) -> None:
    assert bars[["close", "open"]].columns == ["close", "open"]
    assert bars[("close",)].columns == ["close"]
    for rows in (slice(3, 7), slice(-5, None), slice(None, 4), slice(7, 3), slice(2000, 3000)):
        assert same_bits(bars[rows]["close"], bars["close"][rows])
    with pytest.raises(mb.InvalidError, match="steps of 1"):
        bars[::2]
    with pytest.raises(TypeError, match="int"):
        bars[0]  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        iter(bars)  # type: ignore[call-overload]
    with pytest.raises(mb.ColumnNotFoundError) as caught:
        bars["nope"]
    assert "'nope'" in str(caught.value)
    assert "close" in str(caught.value)
    with pytest.raises(mb.ColumnNotFoundError):
        bars[["close", "nope"]]


@pytest.mark.parametrize("n", [0, 1, 5, 1000, 5000, -3])
def test_head_and_tail(bars: mb.Bars, n: int) -> None:
    assert same_bits(bars.head(n)["close"], bars["close"][: max(n, 0)])
    assert same_bits(bars.tail(n)["close"], bars["close"][max(1000 - max(n, 0), 0) :])


def test_filter_and_lazy(bars: mb.Bars) -> None:
    kept = bars.filter(col("volume") > 500, ~col("odd"))
    mask = (bars["volume"] > 500) & ~bars["odd"]
    assert same_bits(kept["close"], bars["close"][mask])
    assert bars.lazy().head(3).collect() == bars.head(3)


def test_mappings() -> None:
    bars = mb.Bars({"a": [1, 2], "b": ["x", None], "c": np.array(["p", "q"]), "d": (1.5, 2)})
    assert bars.schema == {"a": "int64", "b": "utf8", "c": "utf8", "d": "float64"}
    with pytest.raises(mb.InvalidError, match="dimensions"):
        mb.Bars({"a": np.ones((2, 2))})
    with pytest.raises(mb.InvalidError):
        mb.Bars({"a": [1], "b": [1, 2]})
    with pytest.raises(mb.UnsupportedError, match="'z'"):
        mb.Bars({"z": np.array([1j])})
    with pytest.raises(mb.UnsupportedError, match="timedelta"):
        mb.Bars({"z": np.array([1], "m8[s]")})
    assert mb.Bars({"t": np.array(["2024-01-03"], "M8[D]")}).schema == {"t": "timestamp[s]"}
    with pytest.raises(mb.UnsupportedError, match="datetime64"):
        mb.Bars({"t": np.array(["2024"], "M8[Y]")})


def test_mappings_are_copied() -> None:
    values = np.arange(3.0)
    bars = mb.Bars({"x": values})
    values[:] = 9
    assert bars["x"].tolist() == [0, 1, 2]


# ---- Time ----------------------------------------------------------------------------------------


def test_window_shows_closed_bars_only(bars: mb.Bars) -> None:
    stamps = bars["timestamp"]
    for row in (0, 1, 2, 199, 500, 999):
        for late in (0, 1, MINUTE - 1):
            now = int(stamps[row].astype(np.int64)) + late
            for length in (1, 3, 200, 5000):
                for shift in (0, 1, 7):
                    end = max(row - shift, 0)
                    wanted = bars["close"][max(end - length, 0) : end]
                    got = bars.window(now, length, shift)
                    assert same_bits(got["close"], wanted), (row, late, length, shift)
    after = bars.window("2030-01-01", 5)
    assert same_bits(after["close"], bars["close"][-5:])
    with pytest.raises(mb.InvalidError, match="1 or more"):
        bars.window("2030-01-01", 0)
    with pytest.raises(mb.InvalidError, match="past the clock"):
        bars.window("2030-01-01", 5, -1)


def test_windows_of_windows_keep_the_period(bars: mb.Bars) -> None:
    one = bars.window("2024-01-03 15:00", 1)
    assert len(one) == 1
    assert one.period_ns == MINUTE
    assert len(one.window("2024-01-03 14:59:59", 1)) == 0
    assert len(one.window("2024-01-03 15:00", 1)) == 1


def test_between(bars: mb.Bars) -> None:
    stamps = bars["timestamp"]
    for start, end in [
        ("2024-01-03 14:35", "2024-01-03 14:40"),
        ("2024-01-03 14:35:01", "2024-01-03 14:40:01"),
        (None, "2024-01-03 14:40"),
        ("2024-01-03 14:35", None),
        (None, None),
        ("2024-01-03 14:40", "2024-01-03 14:35"),
        ("2020-01-01", "2020-01-02"),
    ]:
        mask = np.ones(len(stamps), bool)
        if start is not None:
            mask &= stamps >= np.datetime64(start)
        if end is not None:
            mask &= stamps < np.datetime64(end)
        assert same_bits(bars.between(start, end)["close"], bars["close"][mask]), (start, end)
    local = bars.between("2024-01-03 09:35", "2024-01-03 09:40", tz="America/New_York")
    assert local == bars.between("2024-01-03 14:35", "2024-01-03 14:40")
    aware = datetime(2024, 1, 3, 14, 35, tzinfo=timezone.utc)
    assert bars.between(aware, None) == bars.between("2024-01-03 14:35", None)


def test_asof(bars: mb.Bars) -> None:
    assert len(bars.asof("2024-01-03 14:29:59")) == 0
    assert bars.asof("2024-01-03 14:30")["timestamp"].tolist() == bars["timestamp"][:1].tolist()
    assert bars.asof("2024-01-03 14:31:30")["timestamp"].tolist() == bars["timestamp"][1:2].tolist()
    assert bars.asof("2030-01-01")["timestamp"].tolist() == bars["timestamp"][-1:].tolist()


@pytest.mark.parametrize("every", ["5min", "15m", "1h", "1d", "90s", "7min"])
@pytest.mark.parametrize("tz", [None, "America/New_York"])
def test_resample_equals_pandas(every: str, tz: str | None) -> None:
    pd = pytest.importorskip("pandas")
    columns = make_columns(4000)
    bars = mb.Bars({name: columns[name] for name in columns if name != "odd"}, tz="UTC")
    got = bars.resample(every, tz=tz)
    source = bars.to_pandas(tz)
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    wanted = source.resample({"15m": "15min", "1d": "1D"}.get(every, every)).agg(how).dropna()
    assert got.columns == ["timestamp", *how]
    assert same_bits(got["timestamp"].view(np.int64), wanted.index.as_unit("ns").asi8)
    for name in how:
        assert same_bits(got[name].astype(float), wanted[name].to_numpy().astype(float)), name
    assert isinstance(got, mb.Bars)
    assert pd.Timedelta(got.period_ns) == pd.Timedelta(every.replace("15m", "15min").rstrip("in"))


def test_resample_drop_partial(bars: mb.Bars) -> None:
    part = bars.head(12)
    assert len(part.resample("5min")) == 3
    assert len(part.resample("5min", drop_partial=True)) == 2


def test_times_are_opens(bars: mb.Bars) -> None:
    assert same_bits(bars.times, bars["timestamp"])
    closes = mb.Bars(bars, label="close")
    assert closes.times.tolist() == (bars.times - np.timedelta64(MINUTE, "ns")).tolist()
    assert closes["timestamp"].tolist() == closes.times.tolist()
    assert closes.time_column == "timestamp"
    assert not closes.times.flags.writeable


def test_time_column_is_found() -> None:
    stamps = np.array([0, 60], "M8[s]")
    assert mb.Bars({"when": stamps}).time_column == "when"
    assert mb.Bars({"expiry": stamps, "Date": stamps}).time_column == "Date"
    assert mb.Bars({"date": stamps, "Timestamp": stamps}).time_column == "Timestamp"
    assert mb.Bars({"a": stamps, "b": stamps}).time_column is None
    assert mb.Bars({"a": stamps, "b": stamps}, time="b", tz="UTC").time_column == "b"
    assert mb.Bars({"x": [1]}).time_column is None
    with pytest.raises(mb.ColumnNotFoundError, match="no time column"):
        mb.Bars({"x": [1]}).between(None, None)
    with pytest.raises(mb.ColumnNotFoundError, match="'c'"):
        mb.Bars({"a": stamps}, time="c", tz="UTC")
    with pytest.raises(mb.ColumnNotFoundError, match="no time column"):
        mb.Bars({"a": stamps}, tz="UTC").select().series  # noqa: B018


# ---- Input that is not a series ------------------------------------------------------------------


def stamps(*minutes: int) -> np.ndarray:
    return np.datetime64("2024-01-03T14:30", "s") + np.array(minutes) * np.timedelta64(60, "s")


def test_unsorted_rows() -> None:
    data = {"timestamp": stamps(2, 0, 1), "close": [3.0, 1.0, 2.0]}
    with pytest.raises(mb.InvalidError, match="sort") as caught:
        mb.Bars(data, tz="UTC")
    assert caught.value.row == 1
    assert mb.Bars(data)["close"].tolist() == [3.0, 1.0, 2.0]
    assert mb.Bars(data, tz="UTC", sort=True)["close"].tolist() == [1.0, 2.0, 3.0]


def test_duplicate_times() -> None:
    data = {"timestamp": stamps(0, 1, 1, 2), "close": [1.0, 2.0, 3.0, 4.0]}
    with pytest.raises(mb.InvalidError, match="2024-01-03T14:31:00Z") as caught:
        mb.Bars(data, tz="UTC")
    assert caught.value.row == 2
    assert mb.Bars(data, tz="UTC", duplicates="first")["close"].tolist() == [1.0, 2.0, 4.0]
    assert mb.Bars(data, tz="UTC", duplicates="last")["close"].tolist() == [1.0, 3.0, 4.0]
    with pytest.raises(mb.InvalidError, match="not one of refuse, first, last"):
        mb.Bars(data, tz="UTC", duplicates="middle")  # type: ignore[arg-type]


def test_naive_times() -> None:
    data = {"timestamp": stamps(0, 1), "close": [1.0, 2.0]}
    bars = mb.Bars(data)
    assert bars["close"].tolist() == [1.0, 2.0]
    with pytest.raises(mb.InvalidError, match='tz="UTC"'):
        bars.window("2030-01-01", 1)
    placed = mb.Bars(data, tz="America/New_York")
    assert placed.schema["timestamp"] == "timestamp[s, America/New_York]"
    assert placed.times[0] == np.datetime64("2024-01-03T19:30")


def test_one_row_and_no_row() -> None:
    data = {"timestamp": stamps(0), "close": [1.0]}
    one = mb.Bars(data, tz="UTC", period="1min")
    assert len(one.window("2024-01-03 14:31", 3)) == 1
    assert len(one.window("2024-01-03 14:30:59", 3)) == 0
    none = one.head(0)
    assert len(none.window("2030-01-01", 3)) == len(none.between(None, None)) == 0
    assert len(none.resample("5min")) == 0
    assert repr(none).startswith("Bars: 0 rows x 2 columns")


def test_close_labels_with_one_row_need_a_period() -> None:
    data = {"timestamp": stamps(1), "close": [1.0]}
    with pytest.raises(mb.InvalidError, match="period"):
        mb.Bars(data, tz="UTC", label="close")
    bars = mb.Bars(data, tz="UTC", label="close", period="1min")
    assert bars.times[0] == np.datetime64("2024-01-03T14:30")


# ---- As a value ----------------------------------------------------------------------------------


def test_equality(bars: mb.Bars, columns: dict[str, np.ndarray]) -> None:
    assert bars == mb.Bars(columns, tz="UTC")
    assert bars != bars.head(999)
    assert bars != bars.select("close")
    assert bars != mb.Bars(columns, tz="America/New_York")
    assert bars != "bars"
    assert mb.Bars({"x": [0.0]}) != mb.Bars({"x": [-0.0]})
    assert mb.Bars({"x": [np.nan]}) == mb.Bars({"x": [np.nan]})
    with pytest.raises(TypeError):
        hash(bars)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol: int) -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table(
        {
            "timestamp": pa.array([0, 60, None], pa.timestamp("s", "Europe/Paris")),
            "f": pa.array([1.5, None, np.nan]),
            "b": pa.array([True, None, False]),
            "s": pa.array(["a", None, ""]),
            "d": pa.array(["x", None, "x"]).dictionary_encode(),
            "i": pa.array([1, 2, 3], pa.int32()),
        }
    )
    bars = mb.from_arrow(table)
    for part in (bars, bars[1:3], bars.head(0), bars.select()):
        back = pickle.loads(pickle.dumps(part, protocol))
        assert back == part
        assert back.schema == part.schema


def test_pickle_out_of_band_and_options(bars: mb.Bars) -> None:
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(bars, 5, buffer_callback=buffers.append)
    assert len(data) < 10_000
    back = pickle.loads(data, buffers=buffers)
    assert back == bars
    one = pickle.loads(pickle.dumps(bars.window("2024-01-03 15:00", 1)))
    assert one.period_ns == MINUTE


def test_copies_share_columns_but_not_the_frame(bars: mb.Bars) -> None:
    pytest.importorskip("pandas")
    made = bars.df
    for twin in (copy.copy(bars), copy.deepcopy(bars)):
        assert twin == bars
        assert twin["close"].__array_interface__ == bars["close"].__array_interface__
        assert twin.df is not made


def test_concat(bars: mb.Bars) -> None:
    assert mb.concat([bars.head(400), bars.tail(600)]) == bars
    with pytest.raises(mb.InvalidError):
        mb.concat([])
    with pytest.raises(mb.InvalidError):
        mb.concat([bars, bars.select("close")])
    twice = mb.concat([bars, bars])
    assert len(twice) == 2000
    with pytest.raises(mb.InvalidError, match="sort"):
        twice.between(None, None)


def test_text_forms(bars: mb.Bars) -> None:
    text = repr(bars)
    lines = text.split("\n")
    assert lines[0] == "Bars: 1,000 rows x 10 columns"
    assert "timestamp[ns, UTC]" in lines[2]
    assert "2024-01-03 14:30" in lines[3]
    assert lines[8].strip().startswith("…")
    assert len(lines) == 14
    assert len({len(line) for line in lines[1:]}) == 1
    html = bars._repr_html_()
    assert html.count("<tr>") == 12
    tricky = mb.Bars({"<b>": ["<script>", None]})
    assert "<script>" not in tricky._repr_html_()
    assert "null" in repr(tricky)
    wide = mb.Bars({f"c{i}": [1] for i in range(20)})
    assert "8 more columns" in repr(wide)
    assert repr(mb.Bars({})) == "Bars: 0 rows x 0 columns"


def test_text_shows_the_columns_own_clock() -> None:
    bars = mb.Bars({"timestamp": stamps(0, 1), "x": [1, 2]}, tz="America/New_York")
    assert "2024-01-03 14:30" in repr(bars)
    shown = mb.Bars({"t": np.array(["2024-01-03T14:30:00.250"], "M8[ms]")})
    assert "2024-01-03 14:30:00.250" in repr(shown)
    far = mb.Bars({"t": np.array(["3024-01-03T14:30:00"], "M8[s]")})
    assert "3024-01-03 14:30" in repr(far)


# ---- Lifetimes -----------------------------------------------------------------------------------


def test_arrays_outlive_their_bars() -> None:
    gc.collect()
    before = _core.memory_live_bytes()
    columns = make_columns(2000)
    bars = mb.Bars(columns, tz="UTC")
    close, times = bars.window("2024-01-04 12:00", 500)["close"], bars.times
    alive = weakref.ref(bars)
    del bars
    gc.collect()
    assert alive() is None
    junk = [np.full(2000, 7.0) for _ in range(100)]
    assert same_bits(close, columns["close"][790:1290])
    assert same_bits(times, columns["timestamp"])
    del close, times, junk
    gc.collect()
    assert _core.memory_live_bytes() == before


def test_nothing_is_left_behind() -> None:
    def work() -> None:
        bars = mb.Bars(make_columns(500), tz="UTC")
        for now in range(0, 500, 50):
            bars.window("2024-01-03 15:00", now + 1)["close"].sum()
        bars.resample("5min")
        bars.filter(col("volume") > 3)
        bars.select("close", "open").head(3)
        pickle.loads(pickle.dumps(bars))
        repr(bars)
        with pytest.raises(mb.InvalidError):
            bars.window("2024-01-03 15:00", 0)

    assert_nothing_is_left(work, 20)


# ---- As-of joins ---------------------------------------------------------------------------------


def _spotted(seed: int, n: int, name: str) -> mb.Bars:
    """n rows at random minutes of a month."""
    rng = np.random.default_rng(seed)
    minutes = np.sort(rng.choice(30 * 1440, n, replace=False))
    times = np.datetime64("2024-01-01", "ns") + minutes * np.timedelta64(1, "m")
    return mb.Bars({"timestamp": times, "close": rng.normal(size=n), name: minutes}, tz="UTC")


@pytest.mark.parametrize("tolerance", [None, "5min", 0])
def test_join_asof_as_pandas_and_polars(tolerance: str | int | None) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("polars")
    left, right = _spotted(1, 3000, "x"), _spotted(2, 1000, "y")
    joined = left.join_asof(right, tolerance=tolerance)
    assert joined.columns == ["timestamp", "close", "x", "close_right", "y"]
    assert joined.time_column == "timestamp"
    span = None if tolerance is None else pd.Timedelta(tolerance)
    known = pd.merge_asof(
        left.to_pandas().reset_index(),
        right.to_pandas().reset_index(),
        on="timestamp",
        tolerance=span,
        suffixes=("", "_right"),
    )
    assert same_bits(joined["close"], known["close"].to_numpy())
    assert np.array_equal(joined["close_right"], known["close_right"].to_numpy(), equal_nan=True)
    step = None if span is None else span.to_pytimedelta()
    other = left.to_polars().join_asof(right.to_polars(), on="timestamp", tolerance=step)
    assert joined.to_polars().equals(other)


def test_join_asof_on_closes_has_no_look_ahead() -> None:
    minutes = np.datetime64("2024-01-03T14:30", "ns") + np.arange(60) * np.timedelta64(1, "m")
    close = np.arange(60.0)
    minute_bars = mb.Bars({"timestamp": minutes, "close": close}, tz="UTC")
    longer = minute_bars.resample("5min")
    on_close = minute_bars.join_asof(longer, on="close")["close_right"]
    on_open = minute_bars.join_asof(longer)["close_right"]
    for row in range(60):
        whole = (row + 1) // 5  # bars of five minutes that have closed when the minute does
        assert np.isnan(on_close[row]) if whole == 0 else on_close[row] == whole * 5 - 1
        assert on_open[row] == row // 5 * 5 + 4


def test_join_asof_refusals(bars: mb.Bars) -> None:
    with pytest.raises(mb.InvalidError, match="another suffix"):
        bars.join_asof(bars, suffix="")
    with pytest.raises(mb.InvalidError, match="tolerance of -1 ns"):
        bars.join_asof(bars, tolerance=-1)
    with pytest.raises(mb.InvalidError, match='"open" or "close"'):
        bars.join_asof(bars, on="high")  # type: ignore[arg-type]
    with pytest.raises(mb.ColumnNotFoundError, match="no time column"):
        bars.join_asof(bars.select("close"))
    assert len(bars[:0].join_asof(bars)) == 0
    assert np.isnan(bars.join_asof(bars[:0])["close_right"]).all()
