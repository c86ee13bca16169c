"""Arrow both ways: pyarrow, Polars and DuckDB see the same bits, and buffers live long enough."""

from __future__ import annotations

import gc
import subprocess
import sys
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest
from bars_support import make_columns, same_arrow, same_bits

import millibar as mb
from millibar import _core

pa = pytest.importorskip("pyarrow")
pl = pytest.importorskip("polars")
duckdb = pytest.importorskip("duckdb")


def arrow_table(n: int = 100) -> Any:
    columns = make_columns(n)
    fields = {name: pa.array(values) for name, values in columns.items()}
    fields["timestamp"] = pa.array(
        columns["timestamp"].astype("datetime64[us]"), pa.timestamp("us", "America/New_York")
    )
    fields["text"] = pa.array([None if i % 7 == 0 else f"t{i}" for i in range(n)], pa.string())
    fields["side"] = pa.array(
        [("A", "B", None)[i % 3] for i in range(n)], pa.dictionary(pa.int32(), pa.string())
    )
    fields["maybe"] = pa.array([None if i % 5 == 0 else float(i) for i in range(n)], pa.float64())
    fields["flag"] = pa.array([(True, False, None)[i % 3] for i in range(n)], pa.bool_())
    return pa.table(fields)


@pytest.mark.parametrize("n", [0, 1, 100])
def test_pyarrow_round_trip(n: int) -> None:
    table = arrow_table(n)
    bars = mb.from_arrow(table)
    assert same_arrow(bars.to_arrow(), table)


def test_pyarrow_numbers_are_not_copied() -> None:
    table = pa.table({"x": pa.array(np.arange(1000.0))})
    bars = mb.from_arrow(table)
    address = table.column("x").chunk(0).buffers()[1].address
    assert bars["x"].__array_interface__["data"][0] == address
    again = bars.to_arrow().column("x").chunk(0).buffers()[1].address
    assert again == address


@pytest.mark.parametrize("offset", [0, 1, 9, 64])
def test_sliced_input(offset: int) -> None:
    table = arrow_table(200).slice(offset, 77)
    assert same_arrow(mb.from_arrow(table).to_arrow(), table)


def test_chunked_input_is_joined() -> None:
    table = pa.concat_tables([arrow_table(10), arrow_table(13), arrow_table(1)])
    assert table.column(0).num_chunks == 3
    assert same_arrow(mb.from_arrow(table).to_arrow(), table)


def test_record_batch_and_reader() -> None:
    batch = arrow_table(20).to_batches()[0]
    assert same_arrow(mb.from_arrow(batch).to_arrow(), pa.Table.from_batches([batch]))
    reader = pa.RecordBatchReader.from_batches(batch.schema, [batch, batch])
    assert len(mb.from_arrow(reader)) == 40


def test_only_array_protocol() -> None:
    batch = arrow_table(20).to_batches()[0]

    class OnlyArray:
        def __arrow_c_array__(self, requested_schema: object = None) -> object:
            return batch.__arrow_c_array__(requested_schema)

    assert same_arrow(mb.from_arrow(OnlyArray()).to_arrow(), pa.Table.from_batches([batch]))


def test_polars_round_trip() -> None:
    frame = pl.from_arrow(arrow_table(100))
    bars = mb.from_arrow(frame)
    back = bars.to_polars()
    assert back.equals(frame, null_equal=True)
    assert back.schema["timestamp"] == pl.Datetime("us", "America/New_York")
    for name in ("open", "vwap", "volume", "ticks", "turnover"):
        assert same_bits(back[name].to_numpy(), bars[name]), name


def test_duckdb_reads_bars_and_bars_read_duckdb(bars: mb.Bars) -> None:
    con = duckdb.connect()
    relation = con.sql("select timestamp, close, volume from bars where volume > 500")
    got = mb.from_arrow(relation)
    wanted = bars.filter(mb.col("volume") > 500)
    assert same_bits(got["close"], wanted["close"])
    assert same_bits(got["volume"], wanted["volume"])
    assert same_bits(got["timestamp"].astype("M8[ns]"), wanted["timestamp"].astype("M8[ns]"))


def test_schema_capsules(bars: mb.Bars) -> None:
    schema = pa.schema(bars)
    assert schema.names == bars.columns
    column = pa.array(bars.table.column("close"))
    assert column.type == pa.float64()
    assert pa.field(bars.table.column("close")).name == "close"
    batch = pa.record_batch(bars)
    assert batch.num_rows == len(bars)


def test_requested_schema_is_accepted_and_checked(bars: mb.Bars) -> None:
    requested = pa.schema(bars).__arrow_c_schema__()
    assert pa.table(bars).schema == pa.schema(bars)
    assert bars.__arrow_c_stream__(requested) is not None
    assert bars.__arrow_c_array__(requested_schema=requested)[1] is not None
    with pytest.raises(TypeError, match="requested_schema"):
        bars.__arrow_c_stream__("no")


def test_names_of_capsules(bars: mb.Bars) -> None:
    assert '"arrow_array_stream"' in repr(bars.__arrow_c_stream__())
    schema, array = bars.__arrow_c_array__()
    assert '"arrow_schema"' in repr(schema)
    assert '"arrow_array"' in repr(array)


def test_unconsumed_capsules_are_released() -> None:
    gc.collect()
    before = _core.memory_live_bytes()
    bars = mb.Bars(make_columns(1000), tz="UTC")
    held = [bars.__arrow_c_stream__(), bars.__arrow_c_array__(), bars.__arrow_c_schema__()]
    del bars
    gc.collect()
    assert _core.memory_live_bytes() > before
    del held
    gc.collect()
    assert _core.memory_live_bytes() == before


def test_consumers_outlive_the_bars() -> None:
    gc.collect()
    before = _core.memory_live_bytes()
    columns = make_columns(5000)
    bars = mb.Bars(columns, tz="UTC")
    frame, table, view = bars.to_polars(), bars.to_arrow(), bars["close"]
    del bars
    gc.collect()
    junk = [np.full(5000, 1.0) for _ in range(50)]
    assert same_bits(view, columns["close"])
    assert same_bits(table.column("close").to_numpy(), columns["close"])
    assert same_bits(frame["close"].to_numpy(), columns["close"])
    del frame, table, view, junk
    gc.collect()
    assert _core.memory_live_bytes() == before


def test_producers_are_released() -> None:
    before = pa.total_allocated_bytes()
    bars = mb.from_arrow(pa.table({"x": pa.array(range(100_000))}))
    assert pa.total_allocated_bytes() >= before + 800_000
    view = bars["x"][10:20]
    del bars
    gc.collect()
    assert pa.total_allocated_bytes() >= before + 800_000
    assert view.tolist() == list(range(10, 20))
    del view
    gc.collect()
    assert pa.total_allocated_bytes() == before


def test_leaving_with_everything_alive() -> None:
    """The interpreter ends while others hold our memory, and we hold Python's."""
    code = """
import numpy as np, pyarrow as pa, polars as pl, millibar as mb
from millibar import _core
values = np.arange(10_000.0)
column = _core.column_from_buffer("x", values, "float64")
bars = mb.Bars(_core.Table([column, _core.column_from_text("t", ["a"] * 10_000)]))
table, frame = pa.table(bars), pl.DataFrame(bars)
capsule, view = bars.__arrow_c_stream__(), bars["x"]
back, plan = mb.from_arrow(table), bars.lazy().filter(mb.col("x") > 5)
error = None
try:
    bars["nope"]
except mb.Error as caught:
    error = caught
import builtins
builtins.kept = [globals()]
print(len(plan.collect()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "9994", "")


def test_a_stream_is_consumed_once() -> None:
    capsule = arrow_table(3).__arrow_c_stream__()

    class Once:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return capsule

    assert len(mb.from_arrow(Once())) == 3
    with pytest.raises(mb.InvalidError, match="already consumed"):
        mb.from_arrow(Once())


def test_producer_errors_arrive_as_errors() -> None:
    def batches() -> Any:
        yield arrow_table(3).to_batches()[0]
        raise RuntimeError("the disk is on fire")

    schema = arrow_table(3).schema
    reader = pa.RecordBatchReader.from_batches(schema, batches())
    with pytest.raises(mb.Error, match="on fire"):
        mb.from_arrow(reader)


@pytest.mark.parametrize("bad", [5, "text", None, [1, 2]])
def test_what_speaks_no_arrow(bad: object) -> None:
    with pytest.raises(TypeError, match="__arrow_c_stream__"):
        mb.from_arrow(bad)


def test_wrong_capsules() -> None:
    class Wrong:
        def __init__(self, given: object) -> None:
            self.given = given

        def __arrow_c_array__(self, requested_schema: object = None) -> object:
            return self.given

    for given in (1, (1, 2), (), arrow_table(3).__arrow_c_stream__()):
        with pytest.raises((TypeError, ValueError)):
            mb.from_arrow(Wrong(given))

    class Raises:
        @property
        def __arrow_c_stream__(self) -> object:
            raise RuntimeError("not today")

    with pytest.raises(RuntimeError, match="not today"):
        mb.from_arrow(Raises())


@pytest.mark.parametrize(
    "array",
    [
        pa.array([[1], [2]]),
        pa.array([{"a": 1}]),
        pa.array([b"x"], pa.binary()),
        pa.array([None], pa.decimal128(10, 2)),
    ],
    ids=lambda array: str(array.type),
)
def test_types_millibar_has_none_for(array: Any) -> None:
    with pytest.raises(mb.UnsupportedError, match="odd"):
        mb.from_arrow(pa.table({"odd": array}))


def test_small_integers_dates_and_large_text_are_widened() -> None:
    table = pa.table(
        {
            "i8": pa.array([1, None, -3], pa.int8()),
            "u16": pa.array([1, 2, 65535], pa.uint16()),
            "u32": pa.array([1, 2, 2**32 - 1], pa.uint32()),
            "day": pa.array([0, 1, 19725], pa.date32()),
            "big": pa.array(["a", None, "c"], pa.large_string()),
            "view": pa.array(["a", None, "a text longer than twelve"], pa.string_view()),
        }
    )
    bars = mb.from_arrow(table)
    assert bars.table.column("i8").to_list() == [1, None, -3]
    assert bars.table.column("u16").to_list() == [1, 2, 65535]
    assert bars.table.column("u32").to_list() == [1, 2, 2**32 - 1]
    assert bars["day"].astype("M8[D]").tolist()[2] == datetime(2024, 1, 3).date()
    assert bars.table.column("big").to_list() == ["a", None, "c"]
    assert bars.table.column("view").to_list() == ["a", None, "a text longer than twelve"]


def test_timestamps_of_every_unit() -> None:
    moment = datetime(2024, 1, 3, 14, 30, tzinfo=timezone.utc)
    for unit in ("s", "ms", "us", "ns"):
        bars = mb.from_arrow(pa.table({"t": pa.array([moment], pa.timestamp(unit, "UTC"))}))
        assert bars.schema == {"t": f"timestamp[{unit}, UTC]"}
        assert bars.to_arrow().column("t").to_pylist() == [moment]


def test_a_table_of_no_columns_or_no_rows() -> None:
    assert len(mb.from_arrow(pa.table({}))) == 0
    empty = mb.from_arrow(arrow_table(0))
    assert len(empty) == 0
    assert empty.to_polars().height == 0
    assert empty.to_arrow().num_rows == 0
