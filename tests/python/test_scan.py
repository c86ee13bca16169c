"""Scans: plans over files, globs, folders, bytes and tables against reading all and filtering."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bars_support import make_columns, same_bits
from sharing_support import assert_nothing_is_left

import millibar as mb
from millibar import _core, col

N = 60_000


@pytest.fixture(scope="module")
def whole() -> mb.Bars:
    return mb.Bars(make_columns(N), tz="UTC")


@pytest.fixture(scope="module", params=["none", "zstd", "snappy", "gzip", "lz4"])
def path(request: pytest.FixtureRequest, whole: mb.Bars, tmp_path_factory: Any) -> Path:
    file = tmp_path_factory.mktemp("scan") / f"{request.param}.parquet"
    whole.write_parquet(file, codec=request.param, row_group_rows=16_384, page_rows=1_000)
    return Path(file)


# ---- Whole files ---------------------------------------------------------------------------------


def test_round_trip(path: Path, whole: mb.Bars) -> None:
    assert mb.read_parquet(path) == whole
    assert mb.read_parquet(str(path)) == whole
    assert mb.read_parquet([path]) == whole
    assert mb.read_parquet(path).schema == whole.schema


def test_other_readers_see_the_same(path: Path, whole: mb.Bars) -> None:
    pa = pytest.importorskip("pyarrow.parquet")
    pl = pytest.importorskip("polars")
    assert mb.from_arrow(pa.read_table(path)) == whole
    assert mb.from_arrow(pl.read_parquet(path)) == whole


def test_files_of_other_writers(whole: mb.Bars, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("polars")
    part = whole.head(5000)
    pa.write_table(part.to_arrow(), tmp_path / "pa.parquet", compression="zstd")
    part.to_polars().write_parquet(tmp_path / "pl.parquet")
    for name in ("pa", "pl"):
        got = mb.read_parquet(tmp_path / f"{name}.parquet")
        for column in part.columns:
            assert same_bits(got[column], part[column]), (name, column)


# ---- Parts against the whole ---------------------------------------------------------------------


def spans(whole: mb.Bars) -> list[tuple[Any, Any]]:
    stamps = whole["timestamp"]
    rng = np.random.default_rng(3)
    picked = [sorted(rng.integers(0, N, 2)) for _ in range(12)]
    return [
        *((stamps[a], stamps[b]) for a, b in picked),
        (None, stamps[5]),
        (stamps[-5], None),
        (stamps[16_383], stamps[16_385]),
        (stamps[100], stamps[100]),
        (stamps[200], stamps[100]),
        (np.datetime64("1990-01-01"), np.datetime64("1991-01-01")),
        (np.datetime64("2190-01-01"), None),
        (stamps[7] + np.timedelta64(1, "ns"), stamps[9] + np.timedelta64(1, "ns")),
    ]


def test_spans(path: Path, whole: mb.Bars) -> None:
    for start, end in spans(whole):
        assert mb.read_parquet(path, start=start, end=end) == whole.between(start, end)


def test_a_narrow_span_reads_little(path: Path, whole: mb.Bars) -> None:
    stamps = whole["timestamp"]
    plan = mb.scan_parquet(path).between(stamps[30_000], stamps[30_500]).select("close")
    assert plan.stats is None
    assert same_bits(plan.collect()["close"], whole["close"][30_000:30_500])
    stats = plan.stats
    assert stats is not None
    assert stats["rows_present"] == N
    assert stats["rows_read"] <= 2_000
    assert stats["row_groups_present"] == 4
    assert stats["row_groups_read"] == 1
    assert stats["bytes_read"] < stats["bytes_present"] / 4
    assert f"{stats['rows_read']:,}" in plan.explain() or str(stats["rows_read"]) in plan.explain()


@pytest.mark.parametrize("seed", range(8))
def test_random_plans(path: Path, whole: mb.Bars, seed: int) -> None:
    """Span, predicate, selection, head or tail in the file against the same on arrays."""
    rng = np.random.default_rng(seed)
    stamps, close, volume = whole["timestamp"], whole["close"], whole["volume"]
    a, b = sorted(rng.integers(0, N, 2))
    limit, floor = int(rng.integers(0, 1000)), float(np.nanquantile(close, rng.random()))
    plan = mb.scan_parquet(path)
    keep = np.ones(N, bool)
    if rng.random() < 0.7:
        plan = plan.between(stamps[a], stamps[b])
        keep &= (stamps >= stamps[a]) & (stamps < stamps[b])
    if rng.random() < 0.7:
        plan = plan.filter(col("volume") > limit)
        keep &= volume > limit
    if rng.random() < 0.5:
        plan = plan.filter((col("close") < floor) | col("odd"))
        keep &= (close < floor) | whole["odd"]
    rows = np.flatnonzero(keep)
    n = int(rng.integers(0, 2000))
    if rng.random() < 0.3:
        plan, rows = plan.head(n), rows[:n]
    elif rng.random() < 0.5:
        plan, rows = plan.tail(n), rows[max(len(rows) - n, 0) :]
    names = list(rng.permutation(whole.columns)[: rng.integers(1, 6)])
    plan = plan.select([str(name) for name in names]).threads(int(rng.integers(0, 4)))
    got = plan.collect()
    assert got.columns == names
    assert got.table.equals(whole.table.take(rows.tolist()).select(names))


def test_selection_needs_no_time_column(path: Path, whole: mb.Bars) -> None:
    stamps = whole["timestamp"]
    got = mb.read_parquet(path, ["volume"], stamps[10], stamps[20])
    assert got.columns == ["volume"]
    assert same_bits(got["volume"], whole["volume"][10:20])


def test_resample_in_the_plan(path: Path, whole: mb.Bars) -> None:
    plan = mb.scan_parquet(path).resample("1h")
    numbers = whole.select(*(name for name in whole.columns if name != "odd"))
    assert plan.collect() == numbers.resample("1h")
    assert plan.collect().period_ns == 3_600_000_000_000
    assert plan.columns == plan.collect().columns


def test_schema_reads_no_rows(path: Path, whole: mb.Bars) -> None:
    plan = mb.scan_parquet(path).select("close", "timestamp")
    assert plan.schema == {"close": "float64", "timestamp": "timestamp[ns, UTC]"}
    assert plan.columns == ["close", "timestamp"]
    assert mb.scan_parquet(path).schema == whole.schema


def test_plans_are_values(path: Path, whole: mb.Bars) -> None:
    plan = mb.scan_parquet(path)
    narrow = plan.head(3)
    assert len(narrow.collect()) == 3
    assert len(plan.collect()) == N
    assert len(narrow.tail(1).collect()) == 1
    assert narrow.collect() == whole.head(3)


def test_text_of_plans(path: Path) -> None:
    plan = (
        mb.scan_parquet(path)
        .between("2024-01-04", "2024-01-05")
        .filter(col("volume") > 0)
        .select("close")
        .head(7)
    )
    before = plan.explain()
    for part in (path.name, "2024-01-04T00:00:00Z", "(volume > 0)", "close", "7"):
        assert part in before
    assert repr(plan) == f"<LazyBars\n{before.rstrip()}>"
    plan.collect()
    assert len(plan.explain()) > len(before)


# ---- Sources -------------------------------------------------------------------------------------


@pytest.fixture
def folder(whole: mb.Bars, tmp_path: Path) -> Path:
    for i in range(3):
        symbol = tmp_path / f"symbol={'ABC'[i]}"
        symbol.mkdir()
        whole[i * 100 : i * 100 + 100].write_parquet(symbol / f"part{i}.parquet")
    (tmp_path / "notes.txt").write_text("not data")
    return tmp_path


def test_globs_lists_and_folders(folder: Path, whole: mb.Bars) -> None:
    files = sorted(folder.glob("*/*.parquet"))
    assert mb.read_parquet(files) == whole.head(300)
    got = mb.read_parquet(str(folder / "*" / "*.parquet"))
    assert got.select(*whole.columns) == whole.head(300)
    hive = mb.read_parquet(folder)
    assert hive.columns == [*whole.columns, "symbol"]
    assert hive["symbol"].tolist() == ["A"] * 100 + ["B"] * 100 + ["C"] * 100
    only = mb.scan_parquet(folder).filter(col("symbol") == "B")
    assert only.collect().select(*whole.columns) == whole[100:200]


def test_files_outside_the_span_are_not_read(folder: Path, whole: mb.Bars) -> None:
    plan = mb.scan_parquet(folder).between(whole["timestamp"][120], whole["timestamp"][130])
    assert len(plan.collect()) == 10
    stats = plan.stats
    assert stats is not None
    assert stats["files_read"] == 1


def test_files_of_other_columns_are_refused(folder: Path, whole: mb.Bars) -> None:
    odd = folder / "odd.parquet"
    whole.head(5).select("close").write_parquet(odd)
    with pytest.raises(mb.Error, match=r"odd\.parquet"):
        mb.read_parquet([next(folder.glob("symbol=A/*")), odd])


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_bytes_in_memory(path: Path, whole: mb.Bars, make: type) -> None:
    assert mb.read_parquet(make(path.read_bytes())) == whole


def test_bytes_live_as_long_as_what_was_read(whole: mb.Bars, tmp_path: Path) -> None:
    """The layout of no codec is read where it lies: in the bytes themselves."""
    file = tmp_path / "plain.parquet"
    whole.write_parquet(file, codec="none", page_rows=N, row_group_rows=N)
    size = file.stat().st_size
    data = bytearray(size + 8)
    start = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
    for offset in range(8):  # values are used where they lie only at an address that is theirs
        data[offset : offset + size] = file.read_bytes()
        got = mb.scan_parquet(memoryview(data)[offset : offset + size]).collect()
        gc.collect()
        if start <= got["close"].__array_interface__["data"][0] < start + len(data):
            break
    else:
        pytest.fail("no address let the values be used where they lie")
    with pytest.raises(BufferError):
        data.clear()
    view, arrow = got["close"], got.table.column("close").__arrow_c_array__()
    del got
    gc.collect()
    assert same_bits(view, whole["close"])
    with pytest.raises(BufferError):
        data.clear()
    del view, arrow
    gc.collect()
    data.clear()


def test_bytes_given_to_several_plans(path: Path, whole: mb.Bars) -> None:
    data = path.read_bytes()
    plan = mb.scan_parquet([data, memoryview(data)])
    twice = plan.collect()
    assert len(twice) == 2 * N
    assert twice[:N] == whole
    with pytest.raises(mb.InvalidError, match="contiguous"):
        mb.scan_parquet(memoryview(data)[::2])


def test_a_plan_over_a_table_and_files(path: Path, whole: mb.Bars) -> None:
    scan = _core.Scan().add_table(whole.table).add_path(str(path))
    assert len(scan.collect()) == 2 * N


def test_a_plan_without_a_source() -> None:
    with pytest.raises(mb.InvalidError):
        _core.Scan().collect()
    with pytest.raises(mb.InvalidError):
        mb.scan_parquet([]).collect()


# ---- Series options ------------------------------------------------------------------------------


def shuffled(path: Path, whole: mb.Bars) -> Path:
    rng = np.random.default_rng(1)
    rows = rng.permutation(300)
    mb.Bars(whole.table.take(rows.tolist())).write_parquet(path)
    return path


def test_unsorted_files(whole: mb.Bars, tmp_path: Path) -> None:
    file = shuffled(tmp_path / "unsorted.parquet", whole)
    stamps = whole["timestamp"]
    assert mb.read_parquet(file, sort=True) == whole.head(300)
    assert mb.read_parquet(file, start=stamps[50], end=stamps[60], sort=True) == whole[50:60]
    with pytest.raises(mb.InvalidError, match="sort"):
        mb.read_parquet(file).window("2030-01-01", 5)


def test_close_labelled_files(whole: mb.Bars, tmp_path: Path) -> None:
    file = tmp_path / "closes.parquet"
    minute = np.timedelta64(60, "s")
    columns = {name: whole[name] for name in whole.columns}
    columns["timestamp"] = columns["timestamp"] + minute
    mb.Bars(columns, tz="UTC").write_parquet(file)
    assert mb.read_parquet(file, label="close", period="1min") == whole
    stamps = whole["timestamp"]
    got = mb.read_parquet(file, start=stamps[50], end=stamps[60], label="close", period="1min")
    assert got == whole[50:60]
    assert got.period_ns == 60_000_000_000
    with pytest.raises(mb.InvalidError, match="period="):
        mb.read_parquet(file, start=stamps[50], label="close")
    resampled = mb.scan_parquet(file, label="close", period="1min").resample("1h").collect()
    numbers = whole.select(*(name for name in whole.columns if name != "odd"))
    assert resampled == numbers.resample("1h")


def test_files_without_a_zone(whole: mb.Bars, tmp_path: Path) -> None:
    file = tmp_path / "naive.parquet"
    columns = {name: whole[name] for name in ("timestamp", "close")}
    mb.Bars(columns).write_parquet(file)
    naive = mb.read_parquet(file)
    assert naive.schema["timestamp"] == "timestamp[ns]"
    wall = mb.read_parquet(file, start="2024-01-04 09:30", end="2024-01-04 10:00")
    assert wall["timestamp"].tolist() == naive["timestamp"][1140:1170].tolist()
    placed = mb.read_parquet(
        file, start="2024-01-04 09:30", end="2024-01-04 10:00", tz="America/New_York"
    )
    assert placed.times.tolist() == (wall["timestamp"] + np.timedelta64(5, "h")).tolist()
    assert placed.schema["timestamp"] == "timestamp[ns, America/New_York]"
    hourly = mb.scan_parquet(file, tz="America/New_York").select("timestamp", "close")
    assert len(hourly.resample("1d").collect()) > 30


def test_wall_clock_ranges_over_the_clock_change(tmp_path: Path) -> None:
    """The pushed-down range keeps exactly the rows that filtering afterwards would."""
    walls = np.arange("2024-11-02T12:00", "2024-11-04T12:00", dtype="M8[m]")
    file = tmp_path / "fall.parquet"
    mb.Bars({"timestamp": walls, "x": np.arange(len(walls))}).write_parquet(file)
    plan = mb.scan_parquet(file, tz="America/New_York", duplicates="first")
    whole = plan.collect()
    for hour in range(3, 9):
        for minute in (0, 30):
            got = plan.between(f"2024-11-03T{hour:02}:{minute:02}Z", None).collect()
            wanted = whole.between(f"2024-11-03T{hour:02}:{minute:02}Z", None)
            assert got["x"].tolist() == wanted["x"].tolist(), (hour, minute)


# ---- What goes wrong -----------------------------------------------------------------------------


def test_missing_columns(path: Path) -> None:
    plan = mb.scan_parquet(path)
    for wrong in (
        plan.select("close", "nope"),
        plan.filter(col("nope") > 1),
        mb.scan_parquet(path, time="nope").between("2024-01-03", None),
    ):
        with pytest.raises(mb.ColumnNotFoundError, match="nope"):
            wrong.collect()


def test_wrong_steps(path: Path) -> None:
    plan = mb.scan_parquet(path)
    with pytest.raises(mb.InvalidError, match="at least 0"):
        plan.head(-1)
    with pytest.raises(mb.InvalidError, match="at least 0"):
        plan.tail(-1)
    with pytest.raises(mb.InvalidError, match="bar length"):
        plan.resample("1M")
    with pytest.raises(mb.ZoneNotFoundError):
        plan.resample("1d", tz="No/Where")
    with pytest.raises(TypeError):
        plan.filter(True)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        plan._scan.stats = 1  # type: ignore[misc]


def test_a_file_that_vanishes(whole: mb.Bars, tmp_path: Path) -> None:
    file = tmp_path / "gone.parquet"
    whole.head(10).write_parquet(file)
    plan = mb.scan_parquet(file)
    os.remove(file)
    with pytest.raises(mb.FileMissingError, match=r"gone\.parquet"):
        plan.collect()
    with pytest.raises(mb.FileMissingError):
        _ = plan.schema


def test_nothing_is_left_behind(path: Path, whole: mb.Bars) -> None:
    data = path.read_bytes()

    def work() -> None:
        plan = mb.scan_parquet(path).between("2024-01-04", "2024-01-06").filter(col("volume") > 5)
        plan.collect()
        plan.explain()
        mb.read_parquet(data, ["close"])
        with pytest.raises(mb.ColumnNotFoundError):
            plan.select("nope").collect()

    assert_nothing_is_left(work, 5)


def test_writing(whole: mb.Bars, tmp_path: Path) -> None:
    with pytest.raises(mb.InvalidError, match="'brotli' is not one of none, snappy"):
        whole.write_parquet(tmp_path / "x.parquet", codec="brotli")  # type: ignore[arg-type]
    with pytest.raises(mb.InvalidError, match="counts"):
        whole.write_parquet(tmp_path / "x.parquet", page_rows=-1)
    with pytest.raises(mb.Error):
        whole.write_parquet(tmp_path / "no" / "folder" / "x.parquet")
    assert list(tmp_path.iterdir()) == []
    whole.window("2024-01-04", 5).write_parquet(tmp_path / "x.parquet")
    info = _core.parquet_info(str(tmp_path / "x.parquet"))
    assert info["rows"] == 5
    assert info["metadata"]["millibar.period_ns"] == "60000000000"
    assert info["metadata"]["millibar.sorted_by"] == "timestamp"
    assert [column["name"] for column in info["columns"]] == whole.columns
    assert not any(column["nullable"] for column in info["columns"])
    chunk = info["row_groups"][0][info["columns"].index(info["columns"][0])]
    stamps = whole.window("2024-01-04", 5)["timestamp"].astype(np.int64)
    assert chunk["min_max"] == (stamps[0], stamps[-1])
    assert chunk["codec"] == "none"
    assert chunk["page_index"]
    empty = tmp_path / "empty.parquet"
    whole.head(0).write_parquet(empty)
    assert mb.read_parquet(empty) == whole.head(0)
