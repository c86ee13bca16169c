"""Memory that runs out: every allocation of Python's and of the library's may fail, and does."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import millibar as mb
from millibar import _core

testcapi = pytest.importorskip("_testcapi", reason="this Python was built without its test module")

N = 200
STAMPS = np.arange(N) * 60_000_000_000


def columns() -> list[_core.Column]:
    return [
        _core.column_from_buffer("timestamp", STAMPS, "timestamp", zone="UTC"),
        _core.column_from_buffer("close", np.arange(N) / 4, "float64"),
        _core.column_from_buffer("odd", np.arange(N) % 2 == 1, "bool", validity=b"\1" * N),
        _core.column_from_text("text", ["abc", None] * (N // 2)),
    ]


TABLE = _core.Table(columns())
SERIES = _core.Series(TABLE)
CLOSE = _core.expr_column("close")
CONDITION = _core.expr_node(">", CLOSE, _core.expr_literal(3.0))
SCAN = _core.Scan().add_table(TABLE).filter(CONDITION)


class Arrow:
    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return TABLE.__arrow_c_stream__()


def missing() -> None:
    with pytest.raises(mb.ColumnNotFoundError):
        TABLE.column("nope")


PRICES = [
    _core.column_from_buffer(name, np.arange(N) / 4 + 9, "float64")
    for name in ("open", "high", "low", "close")
]
BARS = _core.Series(_core.Table([TABLE.column("timestamp"), *PRICES]))
SHORT = _core.Series(BARS.table.slice(0, 24))
UP = (np.arange(N) % 9 == 0).astype(np.uint8)
DOWN = (np.arange(N) % 9 == 5).astype(np.uint8)
FEES = [(0.5, 0.001, 0.0, True, True)]


class Trades:
    """A bracket every nine bars, and what a strategy asks on the way."""

    def __init__(self, engine: _core.Engine) -> None:
        self.engine = engine
        self.average = engine.indicator(0, "sma", 3)

    def on_trading_iteration(self) -> None:
        engine = self.engine
        engine.window(0, 5)
        if engine.iterations % 9 == 1 and self.average.value > 0:
            engine.submit(0, "buy", 2, "limit", limit_price=(engine.last_price(0) or 1.0) + 1)
        if engine.iterations % 9 == 5:
            engine.submit(0, "sell", engine.quantity(0) or 1, tif="day")
            engine.cancel_all()

    def on_order_event(self, kind: str, order: int, *rest: object) -> None:
        self.engine.order(order)
        self.engine.events(0)


def engine() -> list[_core.Table]:
    made = _core.Engine(buy_fees=FEES, sell_fees=FEES, record_iterations=True)
    made.add_asset("A", "stock", SHORT)
    made.run(Trades(made))
    names = ("orders", "fills", "events", "iterations", "corporate")
    return [made.table(name) for name in names]


OPERATIONS: dict[str, Callable[[], Any]] = {
    "columns": columns,
    "table": lambda: _core.Table([TABLE.column("close"), TABLE.column(3)]),
    "slice": lambda: TABLE.slice(3, 9),
    "select": lambda: TABLE.select(["close", "text"]),
    "take": lambda: TABLE.take(range(5, 50)),
    "concat": lambda: _core.concat([TABLE, TABLE]),
    "cast": lambda: TABLE.column("close").cast("float32"),
    "rename": lambda: TABLE.column("close").rename("c"),
    "column slice": lambda: TABLE.column("close").slice(1, 2),
    "to_list": lambda: [TABLE.column(name).to_list() for name in TABLE.names],
    "validity": lambda: TABLE.column("text").validity(),
    "names": lambda: (TABLE.names, repr(TABLE), repr(TABLE.column(0)), repr(SERIES)),
    "missing": missing,
    "schema": lambda: (TABLE.__arrow_c_schema__(), TABLE.column(0).__arrow_c_schema__()),
    "array": lambda: (TABLE.__arrow_c_array__(), TABLE.column(0).__arrow_c_array__()),
    "arrow": lambda: _core.table_from_arrow(Arrow()),
    "series": lambda: _core.Series(TABLE, zone="America/New_York"),
    "times": lambda: (SERIES.times, SERIES.table),
    "window": lambda: (SERIES.window(0, 10**15, 5), SERIES.state(10**15), SERIES.asof(0)),
    "resample": lambda: SERIES.resample(5, "minute"),
    "fill": lambda: SERIES.fill(_core.grid([SERIES], "minute", "UTC")),
    "returns": lambda: _core.returns(TABLE.column("close")),
    "expr": lambda: _core.expr_eval(_core.expr_node("and", CONDITION, CONDITION), TABLE),
    "format": lambda: _core.expr_format(CONDITION),
    "scan": lambda: SCAN.head(10).select(["close"]).between(0, 10**15).collect(),
    "explain": lambda: (SCAN.explain(), SCAN.schema(), SCAN.stats),
    "scan resample": lambda: SCAN.resample(5, "minute", assume_zone="UTC").collect(),
    "add_memory": lambda: SCAN.add_memory(b"PAR1PAR1"),
    "zone": lambda: _core.Zone("Europe/Paris").abbreviation(0),
    "engine": engine,
    "signals": lambda: _core.signals_run(BARS, "A", UP, DOWN, buy_fees=FEES, share=0.5),
    "indicator": lambda: _core.table_indicator(BARS.table, "macd", (12, 26, 9)),
    "time": lambda: _core.time_format(_core.time_parse("2024-01-03T14:30:00Z")[0]),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_python_allocations(name: str) -> None:
    """The n-th allocation of the interpreter and all after it fail, for every n there is."""
    operation = OPERATIONS[name]
    operation()
    gc.collect()
    before = _core.memory_live_bytes()
    for n in range(1, 2000):
        failed = False
        testcapi.set_nomemory(n, 0)
        try:
            operation()
        except MemoryError:
            failed = True
        except BaseException:
            testcapi.remove_mem_hooks()
            raise
        testcapi.remove_mem_hooks()
        if not failed:
            break
    else:
        pytest.fail("it never succeeded")
    gc.collect()
    assert _core.memory_live_bytes() <= before + 4096


@pytest.mark.parametrize("name", OPERATIONS)
def test_library_allocations(name: str) -> None:
    """The library's limit is reached at every step of the way."""
    operation = OPERATIONS[name]
    operation()
    gc.collect()
    before = _core.memory_live_bytes()
    try:
        for extra in [*range(0, 4096, 64), *range(4096, 2_000_000, 8192)]:
            _core.set_memory_limit(max(1, before + extra))
            try:
                operation()
            except mb.OutOfMemoryError:
                continue
            break
        else:
            pytest.fail("it never succeeded")
    finally:
        _core.set_memory_limit(0)
    gc.collect()
    assert _core.memory_live_bytes() == before


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_references_are_left(name: str) -> None:
    """After many runs: the interpreter's blocks, the types' references, the shared None."""
    operation = OPERATIONS[name]
    types = (_core.Column, _core.Table, _core.Series, _core.Expr, _core.Scan, _core.Zone)

    def count() -> tuple[int, list[int]]:
        gc.collect()
        return sys.getallocatedblocks(), [sys.getrefcount(each) for each in (*types, TABLE, SERIES)]

    for _ in range(10):
        operation()
    blocks, references = count()
    for _ in range(100):
        operation()
    after, left = count()
    assert after - blocks < 50
    assert left == references
