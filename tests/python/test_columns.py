"""Columns and tables of the extension: values, buffers, conversions, misuse."""

from __future__ import annotations

import gc
import struct

import numpy as np
import pytest

import millibar as mb
from millibar import _core

FLAT = [
    ("int32", "i", np.int32),
    ("int64", "l", np.int64),
    ("uint64", "L", np.uint64),
    ("float32", "f", np.float32),
    ("float64", "d", np.float64),
]


@pytest.mark.parametrize(("kind", "code", "dtype"), FLAT)
def test_buffer_is_shared_and_read_only(kind: str, code: str, dtype: type) -> None:
    values = np.arange(5).astype(dtype)
    column = _core.column_from_buffer("x", values, kind)
    view = memoryview(column)
    assert (view.format, view.itemsize, view.shape, view.strides, view.readonly) == (
        code, values.itemsize, (5,), (values.itemsize,), True,
    )  # fmt: skip
    array = np.asarray(column)
    assert array.__array_interface__["data"][0] == values.__array_interface__["data"][0]
    assert array.tobytes() == values.tobytes()
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_slice_of_a_buffer_starts_at_its_own_row() -> None:
    column = _core.column_from_buffer("x", np.arange(10.0), "float64").slice(3, 4)
    assert np.asarray(column).tolist() == [3.0, 4.0, 5.0, 6.0]
    assert column.to_list() == [3.0, 4.0, 5.0, 6.0]
    assert column[0] == 3.0
    assert column[-1] == 6.0


@pytest.mark.parametrize("kind", ["bool", "utf8"])
def test_bits_and_text_refuse_the_buffer_protocol(kind: str) -> None:
    column = (
        _core.column_from_buffer("x", b"\1\0", "bool")
        if kind == "bool"
        else _core.column_from_text("x", ["a", "b"])
    )
    with pytest.raises(BufferError, match="to_list"):
        memoryview(column)


def test_empty_columns_have_empty_buffers() -> None:
    column = _core.column_from_buffer("x", b"", "float64")
    assert len(column) == 0
    assert memoryview(column).tolist() == []
    assert mb.Bars(_core.Table([column]))["x"].shape == (0,)
    assert _core.column_from_text("t", []).to_list() == []


def test_bool_round_trip() -> None:
    values = np.array([True, False, True] * 11)
    column = _core.column_from_buffer("x", values, "bool")
    assert column.to_list() == values.tolist()
    assert column.slice(1, 9).to_list() == values[1:10].tolist()


def test_nulls() -> None:
    column = _core.column_from_buffer(
        "x", np.arange(4), "int64", validity=np.array([1, 0, 1, 0], np.uint8)
    )
    assert column.null_count == 2
    assert column.nullable
    assert column.to_list() == [0, None, 2, None]
    assert column.validity() == b"\1\0\1\0"
    assert column.slice(1, 2).validity() == b"\0\1"
    assert column.slice(2, 1).validity() is None


def test_text() -> None:
    values = ["a", None, "", "ßtraße 東京 \U0001f600"]
    column = _core.column_from_text("t", values)
    assert column.to_list() == values
    assert column.type == "utf8"
    assert column.null_count == 1
    assert column.slice(2, 2).to_list() == values[2:]


def test_dictionary() -> None:
    texts = _core.column_from_text("texts", ["buy", "sell"])
    column = _core.column_from_buffer(
        "side",
        np.array([1, 0, 0], np.int32),
        "dictionary",
        validity=b"\1\1\0",
        dictionary=texts,
    )
    assert column.to_list() == ["sell", "buy", None]
    assert column[0] == "sell"
    dictionary = column.dictionary()
    assert dictionary is not None
    assert dictionary.to_list() == ["buy", "sell"]
    with pytest.raises(mb.InvalidError):
        _core.column_from_buffer("s", np.array([2], np.int32), "dictionary", dictionary=texts)


def test_timestamp_keeps_unit_and_zone() -> None:
    column = _core.column_from_buffer(
        "t", np.array([0, 60]), "timestamp", unit="s", zone="America/New_York"
    )
    assert (column.type, column.unit, column.zone) == ("timestamp", "s", "America/New_York")
    assert column.cast("timestamp", "ns").to_list() == [0, 60_000_000_000]


@pytest.mark.parametrize(
    ("data", "kind", "what"),
    [
        (np.arange(3.0), "int64", "format 'd'"),
        (np.arange(3, dtype=np.int16), "int32", "format 'h'"),
        (np.arange(3, dtype=np.int64), "uint64", "format"),
        (np.arange(3, dtype=np.float32), "float64", "format 'f'"),
        (b"1234567", "int64", "whole number"),
    ],
)
def test_wrong_buffers_are_refused(data: object, kind: str, what: str) -> None:
    with pytest.raises(mb.InvalidError, match=what):
        _core.column_from_buffer("x", data, kind)


def test_other_wrong_arguments() -> None:
    ints = np.arange(3)
    with pytest.raises(ValueError, match="contiguous"):
        _core.column_from_buffer("x", np.arange(6)[::2], "int64")
    with pytest.raises(mb.InvalidError, match="one byte a row"):
        _core.column_from_buffer("x", ints, "int64", validity=b"\1")
    with pytest.raises(mb.InvalidError, match="column_from_text"):
        _core.column_from_buffer("x", b"abc", "utf8")
    with pytest.raises(mb.InvalidError, match="dictionary"):
        _core.column_from_buffer("x", ints, "int64", dictionary=_core.column_from_text("d", []))
    with pytest.raises(mb.InvalidError, match="'float16' is not one of bool, int32"):
        _core.column_from_buffer("x", ints, "float16")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="row 1: expected str or None, not int"):
        _core.column_from_text("x", ["a", 1])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        _core.Column()  # type: ignore[call-arg]


def test_unaligned_bytes_are_copied() -> None:
    raw = bytearray(1 + 8 * 3)
    struct.pack_into("<3d", raw, 1, 1.5, 2.5, 3.5)
    column = _core.column_from_buffer("x", memoryview(raw)[1:], "float64")
    raw[:] = bytes(len(raw))
    assert column.to_list() == [1.5, 2.5, 3.5]


def test_ranges_are_checked() -> None:
    column = _core.column_from_buffer("x", np.arange(3), "int64")
    table = _core.Table([column])
    for first, n_rows in [(-1, 1), (0, 4), (4, 0), (2, 2), (0, -1), (2**62, 2**62)]:
        with pytest.raises(IndexError):
            column.slice(first, n_rows)
        with pytest.raises(IndexError):
            table.slice(first, n_rows)
    for row in (3, -4):
        with pytest.raises(IndexError):
            column[row]
    with pytest.raises(IndexError):
        table.take([3])
    with pytest.raises(IndexError):
        table.take([-2])
    assert table.take([2, -1, 0]).column("x").to_list() == [2, None, 0]


def test_cast_errors_name_the_row() -> None:
    column = _core.column_from_buffer("x", np.array([1.0, 2.5]), "float64")
    with pytest.raises(mb.InvalidError) as caught:
        column.cast("int64")
    assert caught.value.row == 1
    assert column.cast("float32").to_list() == [1.0, 2.5]


def test_table() -> None:
    a = _core.column_from_buffer("a", np.arange(3), "int64")
    b = _core.column_from_text("b", ["x", "y", "z"])
    table = _core.Table([a, b])
    assert (len(table), table.rows, table.names) == (3, 3, ("a", "b"))
    assert table.column("b").to_list() == table.column(1).to_list() == table.column(-1).to_list()
    assert table.select(["b"]).names == ("b",)
    assert table.equals(_core.Table([a, b]))
    assert not table.equals(table.select(["b", "a"]))
    assert _core.concat([table, table]).column("b").to_list() == ["x", "y", "z"] * 2
    with pytest.raises(mb.ColumnNotFoundError, match="no column 'c'"):
        table.column("c")
    with pytest.raises(mb.ColumnNotFoundError, match="c"):
        table.select(["a", "c"])
    with pytest.raises(IndexError):
        table.column(2)
    with pytest.raises(TypeError, match="not one str"):
        table.select("ab")
    with pytest.raises(mb.InvalidError):
        _core.Table([a, a])
    with pytest.raises(mb.InvalidError):
        _core.Table([a, b.slice(0, 2)])
    with pytest.raises(TypeError):
        _core.Table([1])  # type: ignore[list-item]
    with pytest.raises(mb.InvalidError, match="at least one"):
        _core.concat([])
    with pytest.raises(mb.InvalidError):
        _core.concat([table, table.select(["a"])])


def test_rename_equals_repr() -> None:
    column = _core.column_from_buffer("a", np.array([1.0, np.nan]), "float64")
    assert column.rename("b").name == "b"
    assert column.equals(column.slice(0, 2))
    assert not column.equals(column.slice(0, 1))
    assert repr(column) == "<Column 'a': float64, 2 rows>"
    with pytest.raises(TypeError):
        column.equals(1)  # type: ignore[arg-type]


def test_returns() -> None:
    close = np.array([10.0, 11.0, np.nan, 0.0, 5.0])
    column = _core.returns(close)
    with np.errstate(all="ignore"):
        expected = np.concatenate([[np.nan], (close[1:] - close[:-1]) / close[:-1]])
    assert np.asarray(column).tobytes() == expected.tobytes()
    assert column.name == "return"
    with pytest.raises(mb.InvalidError, match="float64"):
        _core.returns(np.arange(3))


def test_names_with_null_characters_are_refused() -> None:
    table = _core.Table([])
    for cut in (lambda: table.select(["a\0b"]), lambda: table.column("a\0b")):
        with pytest.raises(ValueError, match="null character"):
            cut()
    with pytest.raises(ValueError, match="null character"):
        _core.column_from_text("a\0b", [])


def test_memory_returns_to_where_it_was() -> None:
    gc.collect()
    before = _core.memory_live_bytes()
    for _ in range(3):
        column = _core.column_from_buffer("x", np.arange(100_000.0), "float64")
        table = _core.Table([column, _core.column_from_text("t", ["abc"] * 100_000)])
        parts = [table.slice(i, 10) for i in range(50)]
        taken = _core.concat([*parts, table.take(range(0, 100_000, 7))])
        assert _core.memory_live_bytes() > before
        assert len(taken) > 500
        del column, table, parts, taken
    gc.collect()
    assert _core.memory_live_bytes() == before
    assert _core.memory_peak_bytes() >= before


def test_memory_limit_is_an_error_not_a_crash() -> None:
    column = _core.column_from_buffer("x", np.zeros(1_000_000), "float64")
    _core.set_memory_limit(_core.memory_live_bytes() + 1_000_000)
    try:
        with pytest.raises(mb.OutOfMemoryError) as caught:
            _core.concat([_core.Table([column]), _core.Table([column])])
        assert isinstance(caught.value, MemoryError)
    finally:
        _core.set_memory_limit(0)
    assert len(_core.concat([_core.Table([column]), _core.Table([column])])) == 2_000_000


@pytest.mark.parametrize("type_", ["bool", "int32", "int64", "float64", "timestamp"])
def test_nulls_alone(type_: _core.Type) -> None:
    column = _core.column_of_nulls("x", type_, 11)
    assert (column.name, column.type, len(column), column.null_count) == ("x", type_, 11, 11)
    assert column.to_list() == [None] * 11
    assert column.zone == ("UTC" if type_ == "timestamp" else None)
    assert len(_core.column_of_nulls("x", type_, 0)) == 0


@pytest.mark.parametrize(
    ("type_", "n_rows"), [("utf8", 3), ("dictionary", 3), ("int64", -1), ("float64", 2**62)]
)
def test_nulls_that_cannot_be(type_: _core.Type, n_rows: int) -> None:
    with pytest.raises(mb.InvalidError, match="nulls of"):
        _core.column_of_nulls("x", type_, n_rows)
