"""Aggregates of scans against exact sums, pandas, Polars, pyarrow and DuckDB."""

from __future__ import annotations

import itertools
import math
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import millibar as mb
from millibar import col, count

N = 300_000
KINDS = ("count", "sum", "mean", "min", "max", "first", "last")


def everything(name: str) -> dict[str, mb.Aggregate]:
    return {kind: getattr(col(name), kind)() for kind in KINDS}


def bits(found: dict[str, Any]) -> list[Any]:
    return [struct.pack("d", v) if isinstance(v, float) else v for v in found.values()]


@pytest.fixture(scope="module")
def frame() -> Any:
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(7)
    times = pd.date_range("2024-01-01", periods=N, freq="min", tz="UTC").as_unit("ns")
    close = rng.normal(0, 1, N) * 10.0 ** rng.integers(-8, 9, N)
    rare = np.where(rng.random(N) < 0.3, np.nan, rng.normal(0, 1, N))
    size = pd.array(rng.integers(-9, 10, N), dtype="Int64")
    size[rng.random(N) < 0.4] = pd.NA
    return pd.DataFrame(
        {
            "timestamp": times,
            "open": rng.normal(0, 1, N),
            "close": close,
            "volume": rng.integers(0, 1000, N),
            "rare": rare,
            "size": size,
            "up": close > 0,
        }
    )


@pytest.fixture(scope="module")
def path(frame: Any, tmp_path_factory: Any) -> Path:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    file = tmp_path_factory.mktemp("aggregate") / "bars.parquet"
    pq.write_table(pa.Table.from_pandas(frame), file, compression="snappy", row_group_size=70_001)
    return Path(file)


def rising() -> mb.Expr:
    return (col("close") > col("open")) & (col("volume") > 100)


def test_against_exact_sum(path: Path, frame: Any) -> None:
    kept = frame[(frame.close > frame.open) & (frame.volume > 100)]
    got = mb.scan_parquet(path).filter(rising()).aggregate(rows=count(), **everything("close"))
    close = kept.close.to_numpy()
    assert got["rows"] == got["count"] == len(kept)
    assert got["sum"] == math.fsum(close)
    assert got["mean"] == math.fsum(close) / len(close)
    assert (got["min"], got["max"]) == (close.min(), close.max())
    assert (got["first"], got["last"]) == (close[0], close[-1])


def test_nulls_and_integers(path: Path, frame: Any) -> None:
    kept = frame[frame.volume > 500]["size"].dropna()
    got = mb.scan_parquet(path).filter(col("volume") > 500).aggregate(**everything("size"))
    assert got["count"] == len(kept) and got["sum"] == int(kept.sum())
    assert got["mean"] == int(kept.sum()) / len(kept)
    assert (got["min"], got["max"]) == (-9, 9)
    assert (got["first"], got["last"]) == (kept.iloc[0], kept.iloc[-1])
    assert all(isinstance(got[kind], int) for kind in KINDS if kind != "mean")


def test_expressions_bools_and_times(path: Path, frame: Any) -> None:
    plan = mb.scan_parquet(path)
    spread = (frame.open - frame.volume).to_numpy()
    got = plan.aggregate(
        spread=(col("open") - col("volume")).sum(),
        up=col("up").sum(),
        any=col("up").max(),
        since=col("timestamp").min(),
        until=col("timestamp").last(),
    )
    assert got["spread"] == math.fsum(spread)
    assert got["up"] == int(frame.up.sum()) and got["any"] is True
    assert got["since"] == np.datetime64("2024-01-01T00:00", "ns")
    assert got["until"] == frame.timestamp.iloc[-1].to_datetime64()


def test_peers_find_the_same(path: Path) -> None:
    pl = pytest.importorskip("polars")
    duckdb = pytest.importorskip("duckdb")
    got = mb.scan_parquet(path).filter(rising()).aggregate(**everything("close"))
    c = pl.col("close")
    of_polars = (
        pl.scan_parquet(path)
        .filter((c > pl.col("open")) & (pl.col("volume") > 100))
        .select(*(getattr(c, kind)().alias(kind) for kind in KINDS))
        .collect()
        .row(0, named=True)
    )
    of_duckdb = duckdb.sql(
        f"SELECT count(close), sum(close), avg(close), min(close), max(close) FROM '{path}' "
        "WHERE close > open AND volume > 100"
    ).fetchall()[0]
    for kind, theirs in zip(KINDS, of_duckdb, strict=False):
        assert got[kind] == pytest.approx(theirs, rel=1e-9), kind
    for kind in KINDS:
        assert got[kind] == pytest.approx(of_polars[kind], rel=1e-9), kind


def test_same_bits_for_any_threads_and_layout(path: Path, frame: Any, tmp_path: Path) -> None:
    whole = mb.read_parquet(path)
    files = [path]
    for rows in (1_000, 33_333, N):
        files.append(tmp_path / f"{rows}.parquet")
        whole.write_parquet(files[-1], codec="zstd", row_group_rows=rows, page_rows=700)
    parts = [tmp_path / f"part{i}.parquet" for i in range(3)]
    for i, part in enumerate(parts):
        whole[i * 100_000 : (i + 1) * 100_000].write_parquet(part)
    sources: list[Any] = [*files, parts]
    plans = [mb.scan_parquet(s).threads(t) for s in sources for t in (1, 2, 3)]
    plans += [whole.lazy(), mb.scan_parquet(path).head(N)]
    for name in ("close", "rare", "size"):
        found = [bits(p.filter(rising()).aggregate(**everything(name))) for p in plans]
        assert all(f == found[0] for f in found), name


@pytest.mark.parametrize("values", list(itertools.permutations([math.inf, -math.inf, 1.0], 2)))
def test_infinities(values: tuple[float, ...]) -> None:
    got = mb.Bars({"x": [1.0, *values, 1e308]}).lazy().aggregate(sum=col("x").sum())
    want = sum(values)
    assert got["sum"] == want or (math.isnan(got["sum"]) and math.isnan(want))


def test_nan() -> None:
    got = mb.Bars({"x": [math.nan, 3.0, 1.0, math.nan]}).lazy().aggregate(**everything("x"))
    assert (got["count"], got["min"], got["max"]) == (4, 1.0, 3.0)
    assert all(math.isnan(got[kind]) for kind in ("sum", "mean", "first", "last"))
    only = mb.Bars({"x": [math.nan]}).lazy().aggregate(**everything("x"))
    assert math.isnan(only["min"]) and math.isnan(only["max"])


def test_first_of_equal_zeros() -> None:
    got = mb.Bars({"x": [-0.0, 0.0]}).lazy().aggregate(low=col("x").min(), high=col("x").max())
    assert math.copysign(1, got["low"]) == math.copysign(1, got["high"]) == -1


def test_nothing(path: Path) -> None:
    none = mb.scan_parquet(path).filter(col("volume") < 0)
    for name in ("close", "size"):
        got = none.aggregate(rows=count(), **everything(name))
        assert (got.pop("rows"), got.pop("count"), got.pop("sum")) == (0, 0, 0)
        assert set(got.values()) == {None}
    assert none.aggregate(t=col("timestamp").max()) == {"t": None}


def test_count_alone_reads_little(path: Path) -> None:
    plan = mb.scan_parquet(path)
    assert plan.aggregate(n=count()) == {"n": N}
    assert (
        plan.filter(col("up")).aggregate(n=count())["n"] == plan.aggregate(n=col("up").sum())["n"]
    )


def test_after_head_tail_and_resample(path: Path, frame: Any) -> None:
    plan = mb.scan_parquet(path)
    assert plan.head(10).aggregate(n=count(), s=col("volume").sum()) == {
        "n": 10,
        "s": int(frame.volume[:10].sum()),
    }
    tail = plan.filter(col("volume") > 500).tail(3).aggregate(last=col("volume").last())
    assert tail["last"] == frame.volume[frame.volume > 500].iloc[-1]
    hours = plan.resample("1h").aggregate(n=count(), last=col("close").last())
    assert hours == {"n": N // 60, "last": frame.close.iloc[-1]}


def test_between(path: Path, frame: Any) -> None:
    got = mb.scan_parquet(path).between("2024-01-02", "2024-01-03").aggregate(n=count())
    assert got == {"n": 24 * 60}


def test_sums_of_large_integers() -> None:
    big = np.array([2**62, 2**62, -(2**62)], dtype=np.int64)
    plan = mb.Bars({"x": big}).lazy()
    mean = float(Fraction(2**62, 3))
    assert plan.aggregate(s=col("x").sum(), m=col("x").mean()) == {"s": 2**62, "m": mean}
    with pytest.raises(mb.errors.InvalidError, match="does not fit in 64 bits"):
        plan.head(2).aggregate(s=col("x").sum())
    unsigned = mb.Bars({"x": np.array([2**64 - 2, 1], dtype=np.uint64)}).lazy()
    assert unsigned.aggregate(s=col("x").sum(), top=col("x").max()) == {
        "s": 2**64 - 1,
        "top": 2**64 - 2,
    }


def test_refusals(path: Path) -> None:
    plan = mb.scan_parquet(path)
    with pytest.raises(mb.errors.InvalidError, match="no sum"):
        plan.aggregate(s=col("timestamp").sum())
    with pytest.raises(mb.errors.InvalidError, match="only the count"):
        mb.Bars({"t": ["a", "b"]}).lazy().aggregate(s=col("t").min())
    assert mb.Bars({"t": ["a", None]}).lazy().aggregate(n=col("t").count()) == {"n": 1}
    with pytest.raises(mb.errors.InvalidError, match="at least one"):
        plan.aggregate()
    with pytest.raises(mb.errors.ColumnNotFoundError, match="nowhere"):
        plan.aggregate(s=col("nowhere").sum())
    with pytest.raises(mb.errors.ColumnNotFoundError, match="selected"):
        plan.select("close").aggregate(s=col("open").sum())
    with pytest.raises(TypeError, match="takes aggregates"):
        plan.aggregate(s=col("close"))  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [1, 2])
def test_damaged_page_is_an_error(path: Path, tmp_path: Path, threads: int) -> None:
    file = tmp_path / "damaged.parquet"
    mb.read_parquet(path, ["close"]).write_parquet(
        file, codec="zstd", row_group_rows=50_000, page_rows=5_000
    )
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(b ^ 0xFF for b in data[middle : middle + 64])
    file.write_bytes(data)
    with pytest.raises(mb.errors.FormatError, match=r"damaged\.parquet.*close"):
        mb.scan_parquet(file).threads(threads).aggregate(s=col("close").sum())
