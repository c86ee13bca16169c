"""Every class of error: what raises it, what else it is, and where it says the trouble is."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

import millibar as mb
from millibar import _core, errors


def write(path: Path, n: int = 2000) -> mb.Bars:
    stamps = np.datetime64("2024-01-03", "s") + np.arange(n) * np.timedelta64(60, "s")
    bars = mb.Bars({"timestamp": stamps, "close": np.arange(n) / 4}, tz="UTC")
    bars.write_parquet(path, codec="zstd", row_group_rows=500)
    return bars


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (mb.OutOfMemoryError, MemoryError),
        (mb.StorageError, OSError),
        (mb.FileMissingError, FileNotFoundError),
        (mb.ColumnNotFoundError, KeyError),
        (mb.ZoneNotFoundError, KeyError),
        (mb.FormatError, ValueError),
        (mb.InvalidError, ValueError),
        (mb.UnsupportedError, NotImplementedError),
    ],
)
def test_tree(cls: type[mb.Error], builtin: type[Exception]) -> None:
    assert issubclass(cls, mb.Error)
    assert issubclass(cls, builtin)
    assert cls.__name__ in errors.__all__
    error = cls("what was wrong")
    assert str(error) == "what was wrong"
    assert (error.file, error.offset, error.row) == (None, None, None)
    error.file, error.row = "a.parquet", 3
    assert str(error) == "a.parquet: what was wrong"
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is cls
    assert str(back) == str(error)
    assert back.row == 3


def test_missing_files(tmp_path: Path) -> None:
    for call in (
        lambda: mb.read_parquet(tmp_path / "no.parquet"),
        lambda: mb.scan_parquet(tmp_path / "no.parquet"),
        lambda: mb.scan_parquet(str(tmp_path / "*.parquet")),
        lambda: mb.scan_parquet(tmp_path),
        lambda: _core.parquet_info(str(tmp_path / "no.parquet")),
    ):
        with pytest.raises(mb.FileMissingError) as caught:
            call()
        assert str(tmp_path) in str(caught.value)
        assert caught.value.file is not None
    with pytest.raises(FileNotFoundError):
        mb.read_parquet("/no/such/file.parquet")


def test_directories_and_forbidden_files(tmp_path: Path) -> None:
    with pytest.raises(mb.StorageError, match="directory"):
        _core.parquet_info(str(tmp_path))
    if os.geteuid() != 0:
        locked = tmp_path / "locked.parquet"
        write(locked)
        locked.chmod(0)
        with pytest.raises(mb.StorageError, match="ermission"):
            mb.read_parquet(locked)


def test_files_that_are_not_parquet(tmp_path: Path) -> None:
    for data in (b"", b"PAR1", b"PAR1PAR1", b"not a parquet file at all" * 100, bytes(4096)):
        file = tmp_path / "bad.parquet"
        file.write_bytes(data)
        for source in (file, data):
            with pytest.raises(mb.FormatError) as caught:
                mb.read_parquet(source)
            assert isinstance(caught.value, ValueError)
            assert (caught.value.file or "") in ("memory", str(file))


def test_truncated_and_damaged_files(tmp_path: Path) -> None:
    """Every cut and a bit in every hundredth byte: the right rows or an error, never others."""
    file = tmp_path / "whole.parquet"
    bars = write(file)
    data = file.read_bytes()
    for cut in range(0, len(data), max(1, len(data) // 60)):
        with pytest.raises(mb.Error):
            mb.read_parquet(data[:cut])
    changed = 0
    for at in range(0, len(data), 97):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        try:
            got = mb.read_parquet(damaged)
        except mb.Error:
            changed += 1
            continue
        if got.columns == bars.columns and len(got) == len(bars):
            assert got["close"].tobytes() == bars["close"].tobytes(), at
    assert changed > 0


def test_a_file_cut_while_open(tmp_path: Path) -> None:
    file = tmp_path / "shrinks.parquet"
    write(file)
    plan = mb.scan_parquet(file)
    assert len(plan.schema) == 2
    with open(file, "r+b") as handle:
        handle.truncate(file.stat().st_size // 2)
    with pytest.raises(mb.Error, match=r"shrinks\.parquet"):
        plan.collect()


def test_a_file_replaced_while_open(tmp_path: Path) -> None:
    """What was read stays what it was: the writer renames, the map keeps the old file."""
    file = tmp_path / "replaced.parquet"
    write(file)
    before = mb.read_parquet(file)
    kept = before["close"].tobytes()
    write(file, 10)
    assert before["close"].tobytes() == kept
    assert len(mb.read_parquet(file)) == 10


def test_unsupported_columns(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "nested.parquet"
    pq.write_table(pa.table({"x": [1, 2], "nest": [[1], [2]]}), file)
    with pytest.raises(mb.UnsupportedError, match="nest") as caught:
        mb.read_parquet(file, ["x", "nest.list.element"])
    assert isinstance(caught.value, NotImplementedError)
    assert mb.read_parquet(file)["x"].tolist() == [1, 2]
    assert mb.read_parquet(file, ["x"])["x"].tolist() == [1, 2]


def test_names_in_odd_encodings(tmp_path: Path) -> None:
    file = tmp_path / "fü 日本.parquet"
    write(file)
    assert len(mb.read_parquet(file)) == 2000
    raw = os.fsencode(str(tmp_path)) + b"/\xff\xfe.parquet"
    with pytest.raises(mb.FileMissingError) as caught:
        mb.read_parquet(os.fsdecode(raw))
    assert caught.value.file is not None
    assert os.fsencode(caught.value.file) == raw


def test_memory_limit_while_reading(tmp_path: Path) -> None:
    """At every limit from nothing to enough, footer included."""
    file = tmp_path / "big.parquet"
    write(file, 20_000)
    before = _core.memory_live_bytes()
    refused = 0
    try:
        for extra in range(0, 10_000_000, 4096):
            _core.set_memory_limit(max(1, before + extra))
            try:
                assert len(mb.read_parquet(file)) == 20_000
                break
            except mb.OutOfMemoryError:
                refused += 1
    finally:
        _core.set_memory_limit(0)
    assert refused > 10
    assert _core.memory_live_bytes() == before


def varint(n: int) -> bytes:
    return bytes([n & 127]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)


@pytest.mark.parametrize("groups", [50, 800])
def test_a_footer_that_claims_more_than_it_is(groups: int) -> None:
    """10,000 columns of one byte in each row group: each asks for hundreds of bytes."""
    schema = b"\x19\x2c" + b"\x48\x01r\x15\x02\x00" + b"\x15\x02\x25\x00\x18\x01a\x00"
    group = b"\x19\xfc" + varint(10_000) + bytes(10_000) + b"\x16\x00\x16\x00\x00"
    footer = b"\x15\x02" + schema + b"\x16\x00" + b"\x19\xfc" + varint(groups)
    footer += group * groups + b"\x00"
    data = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(mb.FormatError, match="claims"):
        mb.read_parquet(data)


def test_text_that_is_not_utf8() -> None:
    pa = pytest.importorskip("pyarrow")
    array = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(np.array([0, 1, 2], np.int32)), pa.py_buffer(b"a\xff")]
    )
    bars = mb.from_arrow(pa.table({"s": array}))
    with pytest.raises(mb.FormatError, match="column 's', row 1") as caught:
        bars["s"]
    assert caught.value.row == 1
