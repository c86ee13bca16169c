"""The reading of lumibot's DataBento cache: names, stated ranges, cover, frames.

Whether a whole data source answers as lumibot's is judged in tests/parity/test_databento_*.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("IS_BACKTESTING", "true")
os.environ.setdefault("LUMIBOT_DISABLE_DOTENV", "1")
os.environ.setdefault("LUMIBOT_CACHE_FOLDER", tempfile.mkdtemp(prefix="millibar-lumibot-"))

pytest.importorskip("lumibot", reason="the DataBento classes stand inside lumibot")
pytest.importorskip("databento", reason="lumibot's DataBento classes need the databento package")

import pandas as pd

from millibar.integrations.lumibot import _databento_cache as cache
from millibar.integrations.lumibot._databento_cache import CacheFile, cover, known_range, parse_name

MINUTE, HOUR, DAY = 60 * 10**9, 3600 * 10**9, 86_400 * 10**9
LONG_AGO = 4 * 10**18  # a time of writing after every end below


def at(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").value)


LEAD = ("2023-12-29 06:10", "2024-01-06 15:59")


@pytest.mark.parametrize(
    ("name", "symbol", "step", "start", "end"),
    [
        ("MESH4_minute_202312290610_202401061559", "MESH4", "minute", *LEAD),
        ("MESH24_hour_202312290610_202401061559", "MESH24", "hour", *LEAD),
        ("AAPL_day_20231229_20240106", "AAPL", "day", "2023-12-29", "2024-01-06"),
        ("ES_20250315_day_20231229_20240106", "ES_20250315", "day", "2023-12-29", "2024-01-06"),
    ],
)  # fmt: skip
def test_a_name_states_its_range(name: str, symbol: str, step: str, start: str, end: str) -> None:
    path = Path(f"/anywhere/{name}.parquet")
    assert parse_name(path) == CacheFile(path, symbol, step, at(start), at(end))


@pytest.mark.parametrize(
    "name",
    [
        "MESH4_minute_202312290610_202401061559.csv",
        "MESH4_minute_202312290610.parquet",
        "MESH4_5 minutes_202312290610_202401061559.parquet",
        "MESH4_minute_202313290610_202401061559.parquet",
        "MESH4_minute_start_end.parquet",
        "notes.parquet",
        ".parquet",
    ],
)
def test_other_names_state_nothing(name: str) -> None:
    assert parse_name(Path(name)) is None


def test_a_clock_reading_counts_as_utc() -> None:
    assert cache.naive_ns(datetime(2024, 1, 3, 9, 30)) == at("2024-01-03 09:30")
    eastern = pd.Timestamp("2024-01-03 09:30", tz="America/New_York").to_pydatetime()
    assert cache.naive_ns(eastern) == at("2024-01-03 09:30")
    assert cache.naive_ns(datetime(1969, 12, 31, 23, 59, 59, 1)) == -(10**9) + 1000


def minute_file(start: str, end: str, step: str = "minute") -> CacheFile:
    return CacheFile(Path("x"), "MESH4", step, at(start), at(end))


def test_a_file_is_believed_from_its_stated_start_to_its_stated_end() -> None:
    file = minute_file("2024-01-02 06:10", "2024-01-05 15:59")
    got = known_range(file, at("2024-01-02 06:12"), at("2024-01-05 15:40"), LONG_AGO)
    assert got == (file.start_ns, file.end_ns)


@pytest.mark.parametrize(
    ("written", "end"),
    [
        ("2024-01-06 15:58", "2024-01-05 15:41"),
        ("2024-01-05 12:00", "2024-01-05 15:41"),
        ("2024-01-06 15:59", "2024-01-05 15:59"),
    ],
)
def test_a_file_written_before_the_vendor_had_all_ends_with_its_last_row(
    written: str, end: str
) -> None:
    file = minute_file("2024-01-02 06:10", "2024-01-05 15:59")
    got = known_range(file, at("2024-01-02 06:10"), at("2024-01-05 15:40"), at(written))
    assert got == (file.start_ns, at(end))


@pytest.mark.parametrize(
    ("first", "last", "start", "end"),
    [
        ("2024-01-02", "2024-01-05", "2024-01-02", "2024-01-06"),
        ("2024-01-03", "2024-01-05", "2024-01-03", "2024-01-06"),
        ("2024-01-02", "2024-01-04", "2024-01-02", "2024-01-05"),
        ("2024-01-04", "2024-01-04", "2024-01-03", "2024-01-05"),
    ],
)
def test_a_daily_files_ends_count_where_their_bars_are(
    first: str, last: str, start: str, end: str
) -> None:
    file = minute_file("2024-01-02", "2024-01-05", "day")
    assert known_range(file, at(first), at(last), LONG_AGO) == (at(start), at(end))


def pieces(*spans: tuple[int, int]) -> list[Any]:
    return [cache._Piece(minute_file("2024-01-02", "2024-01-05"), a, b) for a, b in spans]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], [(None, 10, 20)]),
        ([(0, 30)], [(0, 10, 20)]),
        ([(10, 20)], [(0, 10, 20)]),
        ([(12, 30)], [(None, 10, 12), (0, 12, 20)]),
        ([(0, 15)], [(0, 10, 15), (None, 15, 20)]),
        (
            [(12, 14), (16, 18)],
            [(None, 10, 12), (0, 12, 14), (None, 14, 16), (1, 16, 18), (None, 18, 20)],
        ),
        ([(0, 12), (5, 19), (11, 25)], [(1, 10, 19), (2, 19, 20)]),
        ([(20, 30), (0, 10)], [(None, 10, 20)]),
    ],
)  # fmt: skip
def test_cover(spans: list[tuple[int, int]], expected: list[tuple[int | None, int, int]]) -> None:
    given = pieces(*spans)
    found = [(None if p is None else given.index(p), a, b) for p, a, b in cover(given, 10, 20)]
    assert found == expected


def test_an_empty_range_needs_no_cover() -> None:
    assert cover(pieces((0, 30)), 10, 10) == []


def helper_frame() -> pd.DataFrame:
    """Bars as databento's frame has them, with the narrow integers."""
    index = pd.date_range("2024-01-02 06:10", periods=5, freq="1min", tz="UTC", name="ts_event")
    return pd.DataFrame(
        {
            "rtype": np.full(5, 33, dtype="uint8"),
            "publisher_id": np.full(5, 1, dtype="uint16"),
            "instrument_id": np.full(5, 4_000_000_000, dtype="uint32"),
            "open": [1.0, 2.0, 3.0, 4.0, 5.0],
            "close": [1.5, np.nan, 3.5, 4.5, 5.5],
            "volume": np.array([1, 2, 3, 4, 2**63 + 1], dtype="uint64"),
            "symbol": "MESH4",
        },
        index=index,
    )


@pytest.mark.parametrize("codec", ["snappy", "zstd", "gzip", None])
def test_types_and_values_survive_the_file(tmp_path: Path, codec: str | None) -> None:
    path = tmp_path / "x.parquet"
    frame = helper_frame()
    frame.reset_index().to_parquet(path, compression=codec)
    read = cache.read_file(path)
    pd.testing.assert_frame_equal(
        read.to_pandas(), frame.drop(columns="symbol"), check_freq=False, check_exact=True
    )
    polars_frame = read.to_polars()
    assert polars_frame.columns == ["datetime", *frame.columns[:-1]]
    assert [str(t) for t in polars_frame.dtypes] == [
        "Datetime(time_unit='ns', time_zone='UTC')",
        "UInt8", "UInt16", "UInt32", "Float64", "Float64", "UInt64",
    ]  # fmt: skip
    assert polars_frame["close"].to_list() == [1.5, None, 3.5, 4.5, 5.5]
    assert polars_frame["volume"][-1] == 2**63 + 1


def test_a_time_column_of_another_name_brings_row_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    helper_frame().rename_axis("datetime").reset_index().to_parquet(path)
    read = cache.read_file(path)
    assert read.to_polars()["index"].to_list() == [0, 1, 2, 3, 4]
    assert "index" not in read.without_numbers().table.names


def test_unsorted_rows_are_sorted(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    helper_frame().iloc[[3, 0, 4, 1, 2]].reset_index().to_parquet(path)
    assert cache.read_file(path).to_pandas()["open"].to_list() == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_file_without_times_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pd.DataFrame({"open": [1.0]}).to_parquet(path)
    with pytest.raises(ValueError, match="no timestamp column"):
        cache.read_file(path)


def test_repeated_times_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    helper_frame().iloc[[0, 1, 1, 2]].reset_index().to_parquet(path)
    with pytest.raises(ValueError, match=r"twice|repeat|duplicate"):
        cache.read_file(path)


def test_instants_of_any_zone() -> None:
    from millibar.integrations.lumibot._databento import _ns

    for zone in ("UTC", "America/New_York", "Asia/Kolkata"):
        stamp = pd.Timestamp("2024-03-10 07:30:15.123456", tz="UTC").tz_convert(zone)
        assert _ns(stamp) == _ns(stamp.to_pydatetime()) == int(stamp.value)
    assert _ns(datetime(1969, 12, 31, tzinfo=timezone.utc)) == -DAY


def test_pandas_users_do_not_load_databento() -> None:
    code = (
        "import sys, millibar.integrations.lumibot as door\n"
        "assert door.PandasDataBacktesting\n"
        "assert 'databento' not in sys.modules\n"
        "assert door.DataBentoDataBacktesting.__name__ == 'DataBentoDataBacktestingPolars'\n"
        "assert door.DataBentoDataBacktesting is door.DataBentoDataBacktestingPolars\n"
        "assert door.DataBentoDataBacktesting.SOURCE == 'DATABENTO_POLARS'\n"
        "assert door.DataBentoDataBacktestingPandas.SOURCE == 'PANDAS'\n"
        "from lumibot import backtesting as theirs\n"
        "for name in ('DataBentoDataBacktesting', 'DataBentoDataBacktestingPandas'):\n"
        "    ours, base = getattr(door, name), getattr(theirs, name)\n"
        "    assert issubclass(ours, base) and ours.__name__ == base.__name__\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, env=os.environ.copy())
