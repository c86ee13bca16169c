"""Threads share plans, files and bars; the lock is let go while C works."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bars_support import make_columns, same_bits
from sharing_support import other_threads_work

import millibar as mb
from millibar import _core, col


@pytest.fixture(scope="module")
def whole() -> mb.Bars:
    return mb.Bars(make_columns(30_000), tz="UTC")


@pytest.fixture(scope="module")
def path(whole: mb.Bars, tmp_path_factory: Any) -> Path:
    file = tmp_path_factory.mktemp("threads") / "bars.parquet"
    whole.write_parquet(file, codec="zstd", row_group_rows=4096, page_rows=512)
    return Path(file)


def in_threads(work: Callable[[int], None], n: int = 8) -> None:
    with ThreadPoolExecutor(n) as pool:
        for done in [pool.submit(work, i) for i in range(n)]:
            done.result()


def test_one_plan_collected_by_many(path: Path, whole: mb.Bars) -> None:
    plan = mb.scan_parquet(path).filter(col("volume") > 500)
    wanted = whole.filter(col("volume") > 500)

    def work(_: int) -> None:
        for _ in range(3):
            assert plan.collect() == wanted
            assert "volume" in plan.explain()
            assert plan.stats is not None
            assert plan.columns == wanted.columns

    in_threads(work)


def test_many_slices_of_one_file(path: Path, whole: mb.Bars) -> None:
    stamps = whole["timestamp"]

    def work(i: int) -> None:
        rng = np.random.default_rng(i)
        for _ in range(5):
            a, b = sorted(rng.integers(0, len(stamps), 2))
            got = mb.read_parquet(path, ["close"], stamps[a], stamps[b])
            assert same_bits(got["close"], whole["close"][a:b])

    in_threads(work)


def test_one_bars_in_many(whole: mb.Bars) -> None:
    bars = mb.Bars(whole, period="1min")

    def work(i: int) -> None:
        for row in range(i, 3000, 97):
            now = whole["timestamp"][row]
            assert same_bits(bars.window(now, 20)["close"], whole["close"][max(row - 20, 0) : row])
        assert len(bars.resample("1h")) > 100

    in_threads(work)


def test_the_lock_is_let_go() -> None:
    """Another thread runs Python code while this one joins tables."""
    table = _core.Table([_core.column_from_buffer("x", np.zeros(3_000_000), "float64")])
    with other_threads_work():
        for _ in range(5):
            _core.concat([table, table])


def test_buffers_are_released_on_other_threads(whole: mb.Bars) -> None:
    """The last reference to Python's memory goes away where Python is not running."""
    pa = pytest.importorskip("pyarrow")
    gc.collect()
    before = _core.memory_live_bytes()
    values = np.arange(1000.0)
    bars = mb.Bars({"x": values})
    shared = _core.column_from_buffer("x", values, "float64")
    tables = [pa.table(mb.Bars(_core.Table([shared]))) for _ in range(50)]
    del shared, bars

    def drop() -> None:
        while tables:
            tables.pop()

    thread = threading.Thread(target=drop)
    thread.start()
    thread.join()
    # A streaming consumer of pyarrow reads batches on its own pool.
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    for _ in range(10):
        held = mb.Bars(_core.Table([_core.column_from_buffer("x", np.arange(1000.0), "float64")]))
        dataset = ds.dataset(pa.table(held))
        del held
        assert dataset.to_table(filter=pc.field("x") > 500).num_rows == 499
        del dataset
    gc.collect()
    assert _core.memory_live_bytes() == before


def test_a_foreign_thread_waits_for_the_lock() -> None:
    """A thread Python has never seen lets go of Python's memory while this one holds the lock."""
    libc = ctypes.CDLL(None)
    holding = ctypes.PyDLL(None)  # calls through it keep the interpreter's lock
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]

    values = np.arange(1000.0)
    alive = weakref.ref(values)
    column = _core.column_from_buffer("x", values, "float64")
    _, array = column.__arrow_c_array__()
    del values, column

    # struct ArrowArray: five int64, three pointers, then release.
    held = pointer(array, b"arrow_array")
    assert held is not None
    release = ctypes.c_void_p.from_address(held + 8 * 8)
    assert release.value is not None
    thread = ctypes.c_void_p()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)  # this thread gives the lock to nobody who asks for it
    try:
        holding.pthread_create(ctypes.byref(thread), None, release, ctypes.c_void_p(held))
        holding.usleep(100_000)
        assert alive() is not None, "released without the lock"
    finally:
        sys.setswitchinterval(interval)
        libc.pthread_join(thread, None)
    assert alive() is None
