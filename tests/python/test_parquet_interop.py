"""Parquet between millibar and pyarrow, Polars and DuckDB: every type, both ways, by value."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import millibar as mb
from millibar import _core

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ROWS = 3000
CODECS = ["none", "snappy", "gzip", "lz4", "zstd"]


def values(kind: Any, nulls: bool) -> Any:
    """ROWS values of an Arrow type, with the extremes among them."""
    rows = range(ROWS)
    if pa.types.is_boolean(kind):
        column = [i % 3 == 0 for i in rows]
    elif pa.types.is_floating(kind):
        special = [math.inf, -math.inf, -0.0, 0.0, 1e-300, float("nan")]
        column = special + [i * 0.25 for i in rows][: ROWS - len(special)]
    elif pa.types.is_string(kind) or pa.types.is_dictionary(kind):
        column = [("MES", "ES", "", "héllo wörld")[i % 4] for i in rows]
    elif pa.types.is_date(kind):
        return pa.array([i * 11 - 9000 for i in rows], pa.int32()).cast(kind)
    elif pa.types.is_timestamp(kind):
        return pa.array([i * 1_000_003 - 10**9 for i in rows], pa.int64()).cast(kind)
    else:
        width = kind.bit_width
        signed = pa.types.is_signed_integer(kind)
        low = -(2 ** (width - 1)) if signed else 0
        high = 2 ** (width - signed) - 1
        column = [low, high, 0, *[i % (min(high, 1000) + 1) for i in rows]][:ROWS]
    if nulls:
        column = [None if i % 7 == 3 else v for i, v in enumerate(column)]
    return pa.array(column, kind)


KINDS = {
    "bool": pa.bool_(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "text": pa.string(),
    "dict": pa.dictionary(pa.int32(), pa.string()),
    "date": pa.date32(),
    "ms": pa.timestamp("ms"),
    "us": pa.timestamp("us", "UTC"),
    "ns": pa.timestamp("ns", "America/New_York"),
}


def make_table() -> Any:
    arrays, names = [], []
    for name, kind in KINDS.items():
        for nulls in (False, True):
            arrays.append(values(kind, nulls))
            names.append(name + ("?" if nulls else ""))
    return pa.table(arrays, names)


def scan(path: Path | str) -> Any:
    return pa.table(_core.Scan().add_path(str(path)).collect())


def plain(column: Any) -> list[Any]:
    """Values that compare across types: text as str, instants as int, NaN as a word."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(pa.string())
    elif pa.types.is_date(kind):
        column = column.cast(pa.timestamp("ns")).cast(pa.int64())
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("ns", kind.tz)).cast(pa.int64())
    out = column.to_pylist()
    return ["nan" if isinstance(v, float) and v != v else (v, math.copysign(1, v))
            if isinstance(v, float) else v for v in out]  # fmt: skip


def assert_same(got: Any, wanted: Any) -> None:
    assert got.column_names == wanted.column_names
    for name in wanted.column_names:
        assert plain(got[name]) == plain(wanted[name]), name


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", CODECS)
def test_reads_pyarrow(tmp_path: Path, codec: str, version: str) -> None:
    wanted = make_table()
    for dictionary in (True, False):
        pq.write_table(
            wanted,
            tmp_path / "a.parquet",
            compression=codec,
            data_page_version=version,
            use_dictionary=dictionary,
            row_group_size=1001,
            data_page_size=2000,
            write_page_index=True,
        )
        got = scan(tmp_path / "a.parquet")
        assert_same(got, wanted)
        assert got.schema.field("ns").type == pa.timestamp("ns", "America/New_York")


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("required", [False, True])
def test_reads_pages_with_and_without_nulls(tmp_path: Path, codec: str, required: bool) -> None:
    """Pages of every encoding, some whole, some with nulls, some cut by a row group or a slice."""
    rows = 30_000
    rng = np.random.default_rng(5)
    columns = {
        "price": pa.array(np.round(100 + rng.standard_normal(rows), 2)),
        "size": pa.array(rng.integers(0, 40, rows)),
        "small": pa.array(rng.integers(0, 3, rows).astype(np.float32)),
        "same": pa.array(np.full(rows, 7)),
        "time": pa.array(np.cumsum(rng.integers(1, 60, rows))),
    }
    if not required:
        at = np.arange(rows)
        gap = (at > 7000) & (at < 7100) | (at == rows - 1)
        columns = {n: pa.array(c.to_numpy(), c.type, mask=gap) for n, c in columns.items()}
    fields = [pa.field(n, c.type, nullable=not required) for n, c in columns.items()]
    wanted = pa.table(list(columns.values()), schema=pa.schema(fields))
    for dictionary in (["price", "size", "small", "same"], False):
        path = tmp_path / f"{bool(dictionary)}.parquet"
        pq.write_table(
            wanted,
            path,
            compression=codec,
            use_dictionary=dictionary,
            column_encoding={"time": "DELTA_BINARY_PACKED"},
            data_page_size=4096,
            row_group_size=12_345,
        )
        assert scan(path).equals(wanted)
        whole = _core.Scan().add_path(str(path))
        for n in (1, 1000, 7050, 12_346, 22_999):
            assert pa.table(whole.head(n).collect()).equals(wanted.slice(0, n))
            assert pa.table(whole.tail(n).collect()).equals(wanted.slice(rows - n))


@pytest.mark.parametrize("encoding", ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT", "PLAIN"])
def test_reads_encodings(tmp_path: Path, encoding: str) -> None:
    wanted = make_table().select(["int32", "int64?", "int64", "us"])
    pq.write_table(
        wanted,
        tmp_path / "a.parquet",
        use_dictionary=False,
        column_encoding=dict.fromkeys(wanted.column_names, encoding),
    )
    assert_same(scan(tmp_path / "a.parquet"), wanted)


@pytest.mark.parametrize("encoding", ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "PLAIN"])
def test_reads_text_encodings(tmp_path: Path, encoding: str) -> None:
    wanted = make_table().select(["text", "text?"])
    pq.write_table(
        wanted,
        tmp_path / "a.parquet",
        use_dictionary=False,
        data_page_size=500,
        column_encoding=dict.fromkeys(wanted.column_names, encoding),
    )
    assert_same(scan(tmp_path / "a.parquet"), wanted)


def test_reads_int96(tmp_path: Path) -> None:
    wanted = make_table().select(["ns"]).cast(pa.schema([("ns", pa.timestamp("ns"))]))
    pq.write_table(wanted, tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    assert_same(scan(tmp_path / "a.parquet"), wanted)


@pytest.mark.parametrize("codec", CODECS)
def test_all_read_ours(tmp_path: Path, codec: str) -> None:
    pl = pytest.importorskip("polars")
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "a.parquet"
    _core.parquet_write(
        _core.table_from_arrow(make_table()),
        str(path),
        codec=codec,
        row_group_rows=1001,
        page_rows=100,
    )
    ours = scan(path)
    assert_same(ours, make_table())
    assert_same(pq.read_table(path), ours)
    assert_same(pl.read_parquet(path).to_arrow(), ours)
    theirs = duckdb.connect().sql(f"select * from '{path}'").to_arrow_table()
    assert_same(theirs, ours)


def test_seconds_and_zones_survive(tmp_path: Path) -> None:
    table = pa.table(
        {
            "s": pa.array([0, -5, 10**9], pa.timestamp("s", "Asia/Tokyo")),
            "wall": pa.array([0, 1, 2], pa.timestamp("s")),
            "d": pa.array(["a", "b", "a"]).dictionary_encode(),
            "t": pa.array(["a", "b", "a"]),
        }
    )
    path = tmp_path / "a.parquet"
    _core.parquet_write(_core.table_from_arrow(table), str(path))
    got = scan(path)
    assert got.schema.field("s").type == pa.timestamp("s", "Asia/Tokyo")
    assert got.schema.field("wall").type == pa.timestamp("s")
    assert pa.types.is_dictionary(got.schema.field("d").type)
    assert got.schema.field("t").type == pa.string()
    assert_same(got, table)


def test_scans_what_pyarrow_wrote_by_statistics(tmp_path: Path) -> None:
    wanted = pa.table({"id": pa.array(range(10000), pa.int32())})
    pq.write_table(wanted, tmp_path / "a.parquet", row_group_size=1000)
    got = _core.Scan().add_path(str(tmp_path / "a.parquet"))
    got = got.filter(_core.expr_node("<", _core.expr_column("id"), _core.expr_literal(1500)))
    assert got.collect().rows == 1500
    assert got.stats is not None
    assert got.stats["row_groups_read"] == 2


def test_corpora_by_value(shared: Path) -> None:
    """Every column of the corpora that both read is the same."""
    corpora = shared / "corpora"
    oracle = corpora / "oracle-parquet.csv"
    if not oracle.exists():
        pytest.skip(f"{oracle} is not there")
    compared = 0
    with oracle.open(newline="", encoding="utf-8") as lines:
        entries = [e["file"] for e in csv.DictReader(lines) if e["pyarrow"].startswith("OK")]
    for entry in entries:
        try:
            got = scan(corpora / entry)
            wanted = pq.read_table(corpora / entry, columns=got.column_names, use_threads=False)
        except Exception:
            continue
        for name in set(got.column_names) & set(wanted.column_names):
            theirs = wanted[name]
            if pa.types.is_binary(theirs.type) or pa.types.is_large_string(theirs.type):
                theirs = theirs.cast(pa.string())
            assert plain(got[name]) == plain(theirs), (entry, name)
            compared += 1
    assert compared > 400


@pytest.mark.parametrize("bits", range(1, 19))
def test_dictionary_indices_of_every_width(tmp_path: Path, bits: int) -> None:
    """Indices of 1 to 18 bits, in runs and packed, over pages that end anywhere."""
    rng = np.random.default_rng(bits)
    words = rng.normal(size=2**bits)
    mixed = rng.integers(0, len(words), 40_011)
    mixed[1000:1900] = mixed[999]
    mixed[20_000:20_007] = 0
    every = np.concatenate([np.arange(len(words)), mixed])
    table = pa.table(
        {
            "value": words[every],
            "maybe": pa.array(words[every], mask=rng.random(len(every)) < 0.1),
            "count": every,
        }
    )
    path = tmp_path / "indices.parquet"
    pq.write_table(
        table, path, data_page_size=3001, dictionary_pagesize_limit=2**24, compression="snappy"
    )
    encodings = pq.ParquetFile(path).metadata.row_group(0).column(0).encodings
    assert "RLE_DICTIONARY" in encodings
    bars = mb.read_parquet(path)
    assert np.array_equal(bars["value"].view(np.int64), words[every].view(np.int64))
    assert np.array_equal(bars["count"], every)
    assert bars.to_arrow()["maybe"].equals(table["maybe"])
    part = mb.scan_parquet(path).filter(mb.col("count") == 0).collect()
    assert len(part) == int((every == 0).sum())
