"""Real market data: every file equals pyarrow's reading, bit for bit, whole and in parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bars_support import same_arrow

import millibar as mb

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def files(shared: Path) -> list[Path]:
    return sorted((shared / "data").glob("*.parquet"))


def normal(table: pa.Table) -> pa.Table:
    """Text of every kind as text: how it is stored is the reader's choice."""
    fields = [
        pa.field(field.name, pa.string() if is_text(field.type) else field.type)
        for field in table.schema
    ]
    return table.cast(pa.schema(fields)).combine_chunks()


def is_text(kind: pa.DataType) -> bool:
    return pa.types.is_dictionary(kind) or pa.types.is_large_string(kind)


def test_there_are_files(shared: Path) -> None:
    assert len(files(shared)) >= 19


def test_every_file_equals_pyarrow(shared: Path) -> None:
    for file in files(shared):
        got = mb.read_parquet(file).to_arrow()
        assert same_arrow(normal(got), normal(pq.read_table(file))), file.name


def test_every_file_in_parts(shared: Path) -> None:
    for file in files(shared):
        whole = mb.read_parquet(file)
        stamps = whole["timestamp"]
        assert mb.read_parquet(file.read_bytes()) == whole
        rng = np.random.default_rng(len(stamps))
        for _ in range(4):
            a, b = sorted(rng.integers(0, len(stamps), 2))
            mask = (stamps >= stamps[a]) & (stamps < stamps[b])
            got = mb.read_parquet(file, start=stamps[a], end=stamps[b])
            assert got.table.equals(whole.table.take(np.flatnonzero(mask).tolist())), file.name


@pytest.mark.parametrize("codec", ["none", "zstd", "snappy", "gzip", "lz4"])
def test_written_files_are_read_alike_by_all(shared: Path, tmp_path: Path, codec: str) -> None:
    pl = pytest.importorskip("polars")
    duckdb = pytest.importorskip("duckdb")
    for name in ("MES_15m_2025_2026", "NQM5_trades_20250504", "AAPL_1d_raw_LEAN"):
        bars = mb.read_parquet(shared / "data" / f"{name}.parquet")
        file = tmp_path / f"{name}.parquet"
        bars.write_parquet(file, codec=codec)  # type: ignore[arg-type]
        assert mb.read_parquet(file) == bars
        assert same_arrow(normal(pq.read_table(file)), normal(bars.to_arrow()))
        assert same_arrow(normal(pl.read_parquet(file).to_arrow()), normal(bars.to_arrow()))
        relation = duckdb.sql(f"select count(*), sum(hash(*columns(*))) from '{file}'")
        again = duckdb.sql("select count(*), sum(hash(*columns(*))) from bars")
        assert relation.fetchall() == again.fetchall()


def test_trades_share_stamps_and_say_so(shared: Path) -> None:
    file = shared / "data" / "NQM5_trades_20250504.parquet"
    trades = mb.read_parquet(file)
    assert len(trades) == 9846
    with pytest.raises(mb.InvalidError) as caught:
        trades.window("2025-05-05", 10)
    assert caught.value.row is not None
    assert len(mb.read_parquet(file, duplicates="last")) == 9846 - 1656
    sellers = mb.scan_parquet(file).filter(mb.col("side") == "A").collect()
    assert set(sellers["side"]) == {"A"}


def test_minutes_to_quarters_as_the_exchange_file_has_them(shared: Path) -> None:
    """Our 15-minute bars of the one-minute file against the separate 15-minute file."""
    minutes = mb.read_parquet(shared / "data" / "MES_1m_2026Q1.parquet")
    quarters = mb.read_parquet(shared / "data" / "MES_15m_2025_2026.parquet")
    made = minutes.resample("15min", tz="UTC")
    given = quarters.between(made.times[0], made.times[-1])
    both = np.intersect1d(made.times, given.times)
    rows, others = np.searchsorted(made.times, both), np.searchsorted(given.times, both)
    same = np.ones(len(both), bool)
    for name in ("open", "high", "low", "close", "volume"):
        same &= made[name][rows] == given[name][others]
    assert len(both) > 4200
    assert same.sum() > 4100
